"""What a customer may have meant: asked, never imposed, and never of an address that is known."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from checkoutflow.customer import suggestions as module
from checkoutflow.customer.suggestions import (
    Reason,
    Suggestion,
    distance,
    place_name,
    spelling,
    suggest_city,
    suggest_email,
    suggestions,
)

EVERYWHERE = [it for it in module._EVERYWHERE if len(it.partition(".")[0]) >= module._SHORTEST_NAME]


def meant(typed):
    found = suggest_email(typed)
    return found and found.value


# --- e-mail ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("post@gmail.con", "post@gmail.com"),
        ("post@gmail.co", "post@gmail.com"),
        ("post@gmail.dk", "post@gmail.com"),
        ("post@gmail", "post@gmail.com"),
        ("post@gmailcom", "post@gmail.com"),
        ("post@gmial.com", "post@gmail.com"),
        ("post@gmial.con", "post@gmail.com"),
        ("post@hmail.com", "post@gmail.com"),
        ("Post@GMIAL.com", "Post@gmail.com"),
        (" post@gmail.cm ", "post@gmail.com"),
        ("post@hotmial.com", "post@hotmail.com"),
        ("post@hotmail.fk", "post@hotmail.dk"),
        ("post@hotmil.se", "post@hotmail.se"),
        ("post@outlook,dk", "post@outlook.dk"),
        ("post@outlook..dk", "post@outlook.dk"),
        ("post@outlook. dk", "post@outlook.dk"),
        ("post@outlook.dk.", "post@outlook.dk"),
        ("post@out look.dk", "post@outlook.dk"),
        ("post@oulok.com", "post@outlook.com"),
        ('post"gmail.com', "post@gmail.com"),
        ("post@icloud.no", "post@icloud.com"),
        ("post@onlne.no", "post@online.no"),
        ("post@simmnet.is", "post@simnet.is"),
        ("post@live.dkk", "post@live.dk"),
        ("post@firma,dk", "post@firma.dk"),
        ("post@mail.firma.con", "post@mail.firma.com"),
    ],
)
def test_a_likely_mistake_in_a_domain_is_asked_about(typed, suggested):
    assert suggest_email(typed) == Suggestion("email", suggested, Reason.MISTYPED)


@pytest.mark.parametrize(
    "typed",
    """
    post@firma.dk post@gmx.net post@ymail.com post@mail.dk post@hotmail.de post@outlook.fr
    post@live.nl post@start.nl post@telia.no post@melia.com post@lide.no post@Hotmail.COM
    post@mail.gmail.example post@onlime.se
    post gmail.com @gmail.con post@ @
    """.split(),
)
def test_nothing_is_asked_about_a_domain_that_may_be_right(typed):
    assert suggest_email(typed) is None


@given(st.text(min_size=1).filter(str.strip), st.sampled_from(sorted(module._KNOWN)))
def test_nothing_is_asked_about_a_domain_that_is_known(local, domain):
    assert suggest_email(f"{local}@{domain}".strip()) is None


@given(st.data(), st.sampled_from(EVERYWHERE))
def test_a_slip_within_the_name_of_a_large_provider_is_found(data, domain):
    name, dot, ending = domain.partition(".")
    place = data.draw(st.integers(1, len(name) - 2))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
    slip = data.draw(st.sampled_from(["missing", "wrong", "swapped", "added"]))
    before, at, after = name[:place], name[place], name[place + 1 :]
    typed = {
        "missing": before + after,
        "wrong": before + letter + after,
        "swapped": before + after[0] + at + after[1:],
        "added": before + letter + at + after,
    }[slip]
    wanted = None if typed == name else f"post@{domain}"
    assert meant(f"post@{typed}{dot}{ending}") == wanted


@given(st.text() | st.text(alphabet='gmailcohtundk.,@ "', max_size=30))
@example("a@" + "g" * 41)
def test_any_text_gives_nothing_or_something_else_that_settles(typed):
    if (value := meant(typed)) is not None:
        assert value != typed
        assert meant(value) is None


# --- city -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "known", "suggested", "reason"),
    [
        ("Bergenn", ["BERGEN"], "Bergen", Reason.MISTYPED),
        ("Kobnehavn", ["KØBENHAVN Ø"], "København Ø", Reason.MISTYPED),
        ("Brønøysund", ["BRØNNØYSUND"], "Brønnøysund", Reason.MISTYPED),
        ("Bergen", ["OSLO"], "Oslo", Reason.POSTAL_CODE),
        ("Turku", ["HELSINKI", "HELSINGFORS"], "Helsinki", Reason.POSTAL_CODE),
        ("Helsinfors", ["HELSINKI", "HELSINGFORS"], "Helsingfors", Reason.MISTYPED),
        ("Mo", ["Mosjøen"], "Mosjøen", Reason.POSTAL_CODE),
    ],
)
def test_a_city_is_compared_with_the_place_of_the_postal_code(typed, known, suggested, reason):
    assert suggest_city(typed, known) == Suggestion("city", suggested, reason)


@pytest.mark.parametrize(
    ("typed", "known"),
    [
        ("Oslo", ["OSLO"]),
        ("oslo ", ["OSLO"]),
        ("København", ["KØBENHAVN Ø"]),
        ("Koebenhavn Ø", ["KØBENHAVN Ø"]),
        ("Århus C", ["Aarhus C"]),
        ("Aarhus", ["ÅRHUS C"]),
        ("Malmö", ["MALMO"]),
        ("Helsingfors", ["HELSINKI", "HELSINGFORS"]),
        ("Þorlákshöfn", ["Thorlakshofn"]),
        ("Bergen", []),
        ("Bergen", ["", " "]),
        ("", ["OSLO"]),
        ("Bergen" * 20, ["OSLO"]),
        ("Bergen", ["OSLO" * 30]),
    ],
)
def test_another_spelling_of_the_same_place_is_no_mistake(typed, known):
    assert suggest_city(typed, known) is None


@given(st.text(max_size=120), st.lists(st.text(max_size=120)))
def test_any_text_is_taken_for_a_city(typed, known):
    found = suggest_city(typed, known)
    assert found is None or found.value in map(place_name, known)
    assert suggest_city(typed, [*known, typed]) is None


@pytest.mark.parametrize("name", ["Nuuk", "Mo i Rana", "Sant Julià", "på"])
def test_a_place_that_is_not_in_capitals_is_left_as_it_is(name):
    assert place_name(name) == name


@pytest.mark.parametrize(
    ("capitals", "name"), [("MO I RANA", "Mo i Rana"), ("Ø", "Ø"), ("NUUK", "Nuuk"), ("", "")]
)
def test_capitals_become_a_name(capitals, name):
    assert place_name(capitals) == name
    assert spelling(capitals) == spelling(name)


# --- together -------------------------------------------------------------------------------------


def test_all_fields_are_looked_at_and_no_value_is_printed():
    typed = {"email": "post@gmail.con", "city": "Bergen"}
    found = suggestions(typed, cities=["OSLO"])
    assert [it.field for it in found] == ["email", "city"]
    assert suggestions({"name": "Test Person"}, cities=["OSLO"]) == ()
    assert "post@" not in repr(found)
    assert "Oslo" not in repr(found)


def test_the_question_shows_the_value_in_the_language_of_the_customer():
    email, city = suggestions({"email": "post@gmail.con", "city": "Bergen"}, cities=["OSLO"])
    assert email.message("en") == "Did you mean post@gmail.com?"
    assert city.message("en") == "The postal code belongs to Oslo. Is it the right one?"
    for locale in ("da_DK", "sv_SE", "nb_NO", "nn_NO", "fi_FI", "is_IS"):
        assert "post@gmail.com" in email.message(locale)
        assert "Oslo" in city.message(locale)


# --- distance -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "mistakes"),
    [("", "", 0), ("ab", "ba", 1), ("ca", "abc", 3), ("kitten", "sitting", 3), ("abc", "", 3)],
)
def test_mistakes_are_counted(one, other, mistakes):
    assert distance(one, other) == mistakes


@given(st.text("abc", max_size=8), st.text("abc", max_size=8))
def test_mistakes_are_counted_as_the_faster_library_does(one, other):
    osa = pytest.importorskip("rapidfuzz.distance", reason="rapidfuzz is an extra").OSA
    assert distance(one, other) == distance(other, one) == osa.distance(one, other)
