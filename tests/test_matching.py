"""Two spellings of the same thing have one form, and the form typed stays as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.vectors import cases

from checkoutflow.customer import AREAS, StreetAddress, clean, example, matching_form, read_street
from checkoutflow.errors import UsageError
from checkoutflow.privacy import FIELDS

# Spellings of one thing each: all of them are equal.
SAME = [
    (
        "email",
        "SE",
        ["name@example.com", " Name@EXAMPLE.com", "name\N{FULLWIDTH COMMERCIAL AT}example.com"],
    ),
    ("email", "SE", ["n@blåbærsyltetøy.example", "N@XN--BLBRSYLTETY-Y8AO3X.example"]),
    ("phone", "SE", ["070-174 06 05", "+46 (0)70 174 06 05", "0046701740605"]),
    (
        "name",
        "NO",
        ["Åse Bjørn", "BJÖRN, Aase", "Aase Bjoern", "a\N{COMBINING RING ABOVE}se bjørn"],
    ),
    ("name", "IS", ["Þór Ægisdóttir", "Thor Aegisdottir", "thor ÄGISDOTTIR"]),
    ("name", "DK", ["Guðrun", "Gudrun", "GUĐRUN"]),
    ("name", "SE", ["Anna-Karin af Å", "Anna Karin Å", "Å, Anna Karin"]),
    ("name", "FI", ["von der O'Ö", "O\N{RIGHT SINGLE QUOTATION MARK}Oe", "oö"]),
    ("name", "SE", ["de von", "von de"]),  # nothing but particles is a name too
    ("organisation", "DK", ["Fjord & Fjeld A/S", "Fjord Fjeld as", "FJORD & FJELD"]),
    ("organisation", "FI", ["Rautatie Oy", "rautatie"]),
    ("organisation", "SE", ["AB"]),
    ("street", "DK", ["Nørregade 5", "Noerregade 5", "NØRREG. 5", "Nørre gade 5"]),
    ("street", "NO", ["Strandgata 1 B", "Strandgaten 1b", "Strandgt. 1B", "Strand gt 1 b"]),
    ("street", "NO", ["Skogveien 2", "Skogvegen 2", "Skogvn. 2", "Skogv. 2"]),
    ("street", "SE", ["Storgatan 5 A lgh 1201", "lgh 1201, Storgatan 5 a", "Storg. 5A, lgh 1201"]),
    (
        "street",
        "DK",
        ["Gl. Kongevej 1, 3. tv.", "Gamle Kongevej 1, 3 tv", "GL KONGEV. 1 3. sal tv"],
    ),
    ("street", "FI", ["Rantatie 3 A 5", "rantat. 3 a 5", "Rantatie 3A as. 5"]),
    ("street", "IS", ["Laugavegur 5", "Laugavegi 5"]),
    ("street", "SE", ["c/o Byen, Storgatan 5", "Storgatan 5"]),  # who lives there is not where
    ("postal_code", "SE", ["114 55", "SE-11455", "s-114\N{NO-BREAK SPACE}55"]),
    ("city", "DK", ["København Ø", "Koebenhavn OE", "KØBENHAVN  ø"]),
    ("country", "DK", ["dk", "DK"]),
    ("national_id", "SE", ["121212-1212", "191212121212", "121212+1212", "1212121212"]),
    ("national_id", "SE", ["556016-0680", "165560160680"]),
    ("national_id", "NO", ["158586 10076", "15858610076"]),
    ("national_id", "FI", ["131052-308t", "131052-308T"]),
]
# Things that look alike and are two.
DIFFERENT = [
    ("email", "SE", ["name@example.com", "name+shop@example.com", "na.me@example.com"]),
    ("name", "SE", ["Å", "O", "A"]),
    ("name", "NO", ["Anna Berg", "Anna Bergh", "Anne Berg"]),
    ("street", "DK", ["Nørregade 5", "Nørrevej 5", "Nørregade 5 B", "Nørregade 5, 1. tv"]),
    ("street", "DK", ["Nørregade 5, 1. tv", "Nørregade 5, 1. th", "Nørregade 5, 11"]),
    ("street", "FI", ["Rantatie 3 A 5", "Rantatie 3 B 5", "Rantatie 3 A 6"]),
    ("postal_code", "DK", ["2100", "2200"]),
    ("national_id", "FI", ["131052-308T", "131052A308T"]),  # the sign is part of the number
]


@pytest.mark.parametrize(("field", "market", "spellings"), SAME)
def test_spellings_of_one_thing_have_one_form(field, market, spellings):
    forms = {matching_form(field, it, market) for it in spellings}
    assert len(forms) == 1
    assert forms != {""}


@pytest.mark.parametrize(("field", "market", "values"), DIFFERENT)
def test_two_things_have_two_forms(field, market, values):
    assert len({matching_form(field, it, market) for it in values}) == len(values)


def test_what_is_typed_is_what_is_kept():
    typed = {"name": "BJÖRN von Å", "street": "Gl. Kongevej 1, 3. tv."}
    assert clean(typed, market="DK") == typed


@pytest.mark.parametrize("case", cases("phones"))
def test_a_phone_number_is_compared_as_e164(case):
    form = matching_form("phone", case["input"], case["default_region"])
    assert form == (case["e164"] if case.get("possible", True) else "")


@pytest.mark.parametrize("case", cases("postal_codes"))
def test_a_postal_code_is_compared_bare(case):
    assert matching_form("postal_code", case["input"], case["country"]) == (
        case["normalised"] or ""
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "none"),
        ("phone", "112"),
        ("name", "12"),
        ("postal_code", "1"),
        ("national_id", "320174-3399"),
        ("street", "c/o"),
        ("street", ""),
    ],
)
def test_what_cannot_be_matches_nothing(field, value):
    assert matching_form(field, value, "DK") == ""


def test_a_domain_that_the_codec_does_not_take_is_compared_as_it_is():
    domain = f"{'ö' * 63}.example"  # its ASCII form would be too long
    assert matching_form("email", f"N@{domain}", "DK") == f"n@{domain}"


@pytest.mark.parametrize(("field", "market"), [("gift_card_code", "DK"), ("name", "DE")])
def test_only_known_fields_of_known_markets_are_compared(field, market):
    with pytest.raises(UsageError):
        matching_form(field, "x", market)


COMPARED = sorted(FIELDS.keys() - {"login", "gift_card_code", "store_credit_code", "review_notes"})


@pytest.mark.parametrize("market", AREAS)
@pytest.mark.parametrize("field", COMPARED)
def test_the_form_of_what_is_clean_is_that_of_what_was_typed(field, market):
    typed = f" {example(field, market)} "
    kept = clean({field: typed}, market=market)[field]
    assert matching_form(field, kept, market) == matching_form(field, typed, market) != ""


@given(
    st.sampled_from([it for it in COMPARED if it not in {"street", "national_id"}]),
    st.one_of(st.text(max_size=30), st.text("aåÅöØæþ -.'@1٣", max_size=20)),
    st.sampled_from(sorted(AREAS)),
)
def test_a_form_is_its_own_form(field, text, market):
    form = matching_form(field, text, market)
    if form:
        assert matching_form(field, form, market) in {form, ""}


# Address lines


@pytest.mark.parametrize(
    ("country", "line", "street", "number", "letter", "floor", "door", "care_of"),
    [
        ("DK", "Vestergade 12B, 2. tv.", "Vestergade", "12", "b", "2", "tv", ""),
        ("DK", "Vestergade 12 B, st. th", "Vestergade", "12", "b", "0", "th", ""),
        ("DK", "Vestergade 12, 1. sal, mf", "Vestergade", "12", "", "1", "mf", ""),
        ("DK", "Vestergade 12 2 til venstre", "Vestergade", "12", "", "2", "tv", ""),
        ("DK", "Vestergade 12. 2. tv", "Vestergade", "12", "", "2", "tv", ""),
        ("DK", "Vestergade 12, kl.", "Vestergade", "12", "", "-1", "", ""),
        ("DK", "Vestergade 12, 3. dør 4", "Vestergade", "12", "", "3", "4", ""),
        ("DK", "Vestergade 12, 2. 4", "Vestergade", "12", "", "2", "4", ""),
        ("DK", "Gamle 7. junivej 5", "Gamle 7. junivej", "5", "", "", "", ""),
        ("DK", "v/ Å, Vestergade 12", "Vestergade", "12", "", "", "", "Å"),
        ("NO", "17. mai gate 3", "17. mai gate", "3", "", "", "", ""),
        ("NO", "Haakon VIIs gate 5", "Haakon VIIs gate", "5", "", "", "", ""),
        ("NO", "Storgata 5 B, H0201", "Storgata", "5", "b", "", "h0201", ""),
        ("NO", "Storgata 5, 3. etg", "Storgata", "5", "", "3", "", ""),
        ("NO", "Postboks 123 Sentrum", "Postboks", "123", "", "", "", ""),
        ("NO", "c/o Å Strandgata 1 B", "Strandgata", "1", "b", "", "", "Å"),
        ("NO", "℅ Å, Strandgata 1", "Strandgata", "1", "", "", "", "Å"),
        ("SE", "Storgatan 5 A lgh 1201", "Storgatan", "5", "a", "", "1201", ""),
        ("SE", "Lgh 1201, Storgatan 5", "Storgatan", "5", "", "", "1201", ""),
        ("SE", "Storgatan 5, 2:a vån", "Storgatan", "5", "", "2", "", ""),
        ("SE", "Storgatan 5, 3 tr", "Storgatan", "5", "", "3", "", ""),
        ("SE", "Storgatan 5 (c/o Ö)", "Storgatan", "5", "", "", "", "Ö"),
        ("SE", "Östra 2:a gatan 5", "Östra 2:a gatan", "5", "", "", "", ""),
        ("SE", "Åby, Storgatan 5", "Storgatan", "5", "", "", "", ""),
        ("FI", "Mannerheimintie 5 A 12", "Mannerheimintie", "5", "a", "", "12", ""),
        ("FI", "Mannerheimintie 5a A 12", "Mannerheimintie", "5", "aa", "", "12", ""),
        ("FI", "Rantatie 3 A", "Rantatie", "3", "a", "", "", ""),
        ("FI", "Kauppakatu 5–7 bst 12", "Kauppakatu", "5-7", "", "", "12", ""),  # noqa: RUF001 -- as on the sign
        ("FI", "Rantatie 3, 2. krs", "Rantatie", "3", "", "2", "", ""),
        ("IS", "Laugavegur 5, 2. hæð", "Laugavegur", "5", "", "2", "", ""),
        ("IS", "Laugavegur 5, íbúð 201", "Laugavegur", "5", "", "", "201", ""),
        ("IS", "Bakki", "Bakki", "", "", "", "", ""),
        ("IS", "Bakki, íbúð 2", "Bakki", "", "", "", "2", ""),
        ("IS", "c/o Þ", "", "", "", "", "", "Þ"),
        ("DK", "", "", "", "", "", "", ""),
    ],
)
def test_an_address_line_is_read_as_people_write_it(
    country, line, street, number, letter, floor, door, care_of
):
    assert read_street(line, country) == StreetAddress(street, number, letter, floor, door, care_of)


def test_an_address_prints_as_stars():
    assert f"{read_street('Storgata 5', 'NO')!r}" == "StreetAddress(********)"


@given(
    st.text(max_size=60) | st.text("aå c/o12.,-tvsthA:", max_size=60),
    st.sampled_from(sorted(AREAS)),
)
def test_any_line_can_be_read(line, country):
    address = read_street(line, country)
    assert address.street in line
    assert address.floor in {"", "-1"} or address.floor.isdecimal()
