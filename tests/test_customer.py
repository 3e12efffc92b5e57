"""What customers type is brought into one form, or refused with a way out."""

from __future__ import annotations

import time
import traceback
import unicodedata

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.vectors import cases

from checkoutflow.customer import AREAS, clean, territory, warnings_for
from checkoutflow.errors import InvalidInput, UsageError
from checkoutflow.privacy import FIELDS, Details

# A value of each field that is accepted as it is.
GOOD = {
    "name": "Å",
    "organisation": "3",
    "email": "name@example.com",
    "phone": "+4520123456",
    "street": "Strandgata 1 B",
    "postal_code": "2100",
    "city": "København",
    "country": "DK",
    "organisation_number": "13585628",
    "national_id": "211062-5629",
    "gift_card_code": "1234",
    "store_credit_code": "1234",
}


def cleaned(field, typed, market="DK"):
    return clean({field: typed}, market=market)[field]


def refusal(field, typed, market="DK"):
    with pytest.raises(InvalidInput) as caught:
        clean({field: typed}, market=market)
    assert caught.value.field == field
    return str(caught.value)


def test_every_declared_field_can_be_given_and_no_other():
    assert clean(GOOD, market="DK") == GOOD
    # A login is the shop's to give, not the customer's to type; notes are its reviewers'.
    assert GOOD.keys() == FIELDS.keys() - {"login", "review_notes"}


def test_every_example_in_an_error_is_itself_good():
    for market in AREAS:
        for field in GOOD:
            example = refusal(field, "", market).partition("a good value looks like: ")[2]
            assert cleaned(field, example, market), field


# Phone numbers


@pytest.mark.parametrize("case", cases("phones", "example"))
def test_a_number_as_written_at_home_becomes_e164(case):
    assert cleaned("phone", case["input"], case["default_region"]) == case["e164"]
    for written in (case["international"], case["e164"]):
        assert cleaned("phone", written, "IS") == case["e164"]


@pytest.mark.parametrize("case", cases("phones", "raw"))
def test_only_an_impossible_number_is_refused(case):
    if case["possible"]:
        assert cleaned("phone", case["input"], case["default_region"]) == case["e164"]
    else:
        message = refusal("phone", case["input"], case["default_region"])
        assert "too few or too many digits" in message


def test_a_number_that_is_possible_but_not_in_use_passes():
    unused = "+4512345678"
    assert not phonenumbers.is_valid_number(phonenumbers.parse(unused))
    assert cleaned("phone", unused) == unused


def test_a_number_is_read_as_of_the_country_given_with_it():
    given_last = {"phone": "20 12 34", "country": "fo"}
    assert clean(given_last, market="DK") == {"country": "FO", "phone": "+298201234"}


@pytest.mark.parametrize("typed", ["none", "@", "+", "+999 12 34 56", "+45"])
def test_what_is_no_number_is_refused(typed):
    assert "is not a phone number; a good value looks like: 32 12 34 56" in refusal("phone", typed)


# Postal codes


@pytest.mark.parametrize("case", cases("postal_codes"))
def test_a_postal_code_has_the_shape_of_its_country(case):
    if case["valid"]:
        for typed in (case["input"], f" {case['input'].lower()} ", case["display"]):
            assert cleaned("postal_code", typed, case["country"]) == case["normalised"]
    else:
        message = refusal("postal_code", case["input"], case["country"])
        assert f"is not a postal code of {case['country']}" in message


@pytest.mark.parametrize(
    ("country", "typed", "code"),
    [
        ("DK", "DK 2100", "2100"),
        ("DK", "0800", "0800"),
        ("FO", "FO-100", "100"),
        ("FO", "DK-100", "100"),
        ("GL", "DK-3900", "3900"),
        ("GL", "2412", "2412"),
        ("SE", "S-114 55", "11455"),
        ("SE", "se114\N{NO-BREAK SPACE}55", "11455"),
        ("NO", "NO-0150", "0150"),
        ("SJ", "N-8099", "8099"),
        ("FI", "FIN-00100", "00100"),
        ("AX", "FI-22100", "22100"),
        ("DK", "0000", None),
        ("DK", "S-2100", None),
        ("DK", "DK--2100", None),
        ("DK", "2100-DK", None),
        ("DK", "٢١٠٠", None),
        ("GL", "2100", None),
        ("SE", "11 455", None),
        ("SE", "1145", None),
        ("SJ", "0150", None),
        ("AX", "00100", None),
        ("IS", "IS-", None),
    ],
)
def test_a_postal_code_may_have_the_prefix_of_its_own_country(country, typed, code):
    if code:
        assert clean({"postal_code": typed, "country": country}, market="IS")["postal_code"] == code
    else:
        assert "is not a postal code of" in refusal("postal_code", typed, country)


@pytest.mark.parametrize(
    ("country", "typed", "where"),
    [
        ("DK", "100", "FO"),
        ("DK", "FO-100", "FO"),
        ("DK", "3900", "GL"),
        ("DK", "DK 3900", "GL"),
        ("DK", "2412", "GL"),
        ("DK", "2100", "DK"),
        ("DK", "4000", "DK"),
        ("NO", "9170", "SJ"),
        ("NO", "N-8099", "SJ"),
        ("NO", "9169", "NO"),
        ("FI", "22100", "AX"),
        ("FI", "21999", "FI"),
        ("FI", "23000", "FI"),
        ("FO", "100", "FO"),
        ("IS", "101", "IS"),
        ("SE", "22100", "SE"),
    ],
)
def test_a_postal_code_tells_the_territory_when_the_country_was_picked(country, typed, where):
    assert territory(country, typed) == where


@pytest.mark.parametrize("case", cases("postal_codes"))
def test_a_code_of_a_territory_is_known_under_the_country_it_is_part_of(case):
    whole = {"FO": "DK", "GL": "DK", "SJ": "NO", "AX": "FI"}.get(case["country"])
    if case["valid"]:
        assert territory(whole or case["country"], case["input"]) == case["country"]


def test_a_code_that_only_a_territory_has_names_the_territory():
    assert "it may be one of FO, to be chosen instead" in refusal("postal_code", "FO 100", "DK")
    assert "may be" not in refusal("postal_code", "21000", "DK")


# What is only unlikely


@pytest.mark.parametrize(
    ("details", "codes"),
    [
        ({"name": "Å", "street": "Strandgata 1", "postal_code": "2100"}, []),
        ({"name": "R2"}, ["name_with_digits"]),
        ({"street": "Bakki"}, ["street_without_number"]),
        ({"phone": "+4520123456"}, []),
        ({"phone": "+4512345678"}, ["phone_not_in_use"]),
        ({"postal_code": "9999"}, ["postal_code_not_in_use"]),
        ({"postal_code": "0799"}, ["postal_code_not_in_use"]),
        ({"postal_code": "3999"}, ["postal_code_not_in_use"]),  # Greenland ends at 3992
        ({"postal_code": "990", "country": "IS"}, ["postal_code_not_in_use"]),
        ({"postal_code": "970", "country": "FO"}, []),
        ({"postal_code": "22050", "country": "FI"}, ["postal_code_not_in_use"]),  # Åland
        ({"postal_code": "99000", "country": "SE"}, ["postal_code_not_in_use"]),
        ({"email": "name@example.com", "city": "Aalborg"}, []),
    ],
)
def test_the_unlikely_is_a_question_and_no_refusal(details, codes):
    assert clean(details, market="DK") == details
    warnings = warnings_for(details, market="DK", needs_sms=True)
    assert [it.code for it in warnings] == codes
    for warning in warnings:
        assert warning.field in details
        assert warning.text.endswith("?")
        assert details[warning.field] not in warning.text


@pytest.mark.parametrize("case", cases("phones"))
def test_a_text_message_needs_a_number_that_may_be_a_mobile(case):
    if not case.get("possible", True):
        return
    found = [
        warning.code
        for warning in warnings_for(
            {"phone": case["e164"]}, market=case["default_region"], needs_sms=True
        )
    ]
    if not case["valid"]:
        assert found == ["phone_not_in_use"]
    elif "type" in case:
        may_be = case["type"] in {"MOBILE", "FIXED_LINE_OR_MOBILE"}
        assert found == ([] if may_be else ["phone_not_mobile"])
    assert not warnings_for({"phone": case["e164"]}, market="SE") or not case["valid"]


def test_warnings_are_of_a_market_that_is_known():
    with pytest.raises(UsageError, match="a market is one of DK, FO, GL, SE"):
        warnings_for({}, market="DE")


# E-mail


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("name@example.com", "name@example.com"),
        ("  Name.Surname+shop@EXAMPLE.Com\t", "Name.Surname+shop@example.com"),
        ("åse@blåbærsyltetøy.example", "åse@blåbærsyltetøy.example"),
        ("n@XN--BLBRSYLTETY-Y8AO3X.example", "n@xn--blbrsyltety-y8ao3x.example"),
        ("n@A\N{COMBINING RING ABOVE}.example", "n@å.example"),
        ("\N{ZERO WIDTH SPACE}name@example.com\N{BYTE ORDER MARK}", "name@example.com"),
        (f"{'n' * 242}@example.com", f"{'n' * 242}@example.com"),
        (f"n@{'d' * 63}.example", f"n@{'d' * 63}.example"),
    ],
)
def test_an_address_keeps_its_name_and_lowers_its_domain(typed, address):
    assert cleaned("email", typed) == address


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("canary.example.com", "has no @"),
        ("canary@post@example.com", "has more than one @"),
        ("canary canary@example.com", "has a space in it"),
        (f"{'canary' * 41}@example.com", "is longer than 254 characters"),
        ("canary@example", "has no dot after the @"),
        ("canary@", "has no dot after the @"),
        ("canary@.com", "has a part after the @ that no domain has"),
        ("canary@example..com", "has a part after the @ that no domain has"),
        ("canary@example.com.", "has a part after the @ that no domain has"),
        ("canary@-example.com", "has a part after the @ that no domain has"),
        ("canary@example-.com", "has a part after the @ that no domain has"),
        ("canary@exa_mple.com", "has a part after the @ that no domain has"),
        ("canary@example.com>", "has a part after the @ that no domain has"),
        (f"canary@{'d' * 64}.example", "has a part after the @ that no domain has"),
        ("@example.com", "has a part before the @ that no address has"),
        (".canary@example.com", "has a part before the @ that no address has"),
        ("canary.@example.com", "has a part before the @ that no address has"),
        ("ca..nary@example.com", "has a part before the @ that no address has"),
        ("<canary@example.com", "has a part before the @ that no address has"),
        ("canary;canary@example.com", "has a part before the @ that no address has"),
        ('"canary"@example.com', "has a part before the @ that no address has"),
    ],
)
def test_an_address_that_cannot_be_is_refused(typed, reason):
    message = refusal("email", typed)
    assert message == f"email: {reason}; a good value looks like: name@example.com"


# Text


@pytest.mark.parametrize(
    ("field", "typed", "text"),
    [
        ("name", "  Æ  Ø ", "Æ Ø"),
        ("name", "ÅÄÖÆØÐÞ-åäöæøðþ", "ÅÄÖÆØÐÞ-åäöæøðþ"),
        ("name", "A\N{COMBINING RING ABOVE}", "Å"),
        ("name", "Š Ž Č Đ Ŋ Ŧ", "Š Ž Č Đ Ŋ Ŧ"),
        ("name", "von der Å", "von der Å"),
        ("name", "O'Å-Ø d.y.", "O'Å-Ø d.y."),
        ("name", "李", "李"),
        ("name", "\N{RIGHT-TO-LEFT OVERRIDE}Å\N{POP DIRECTIONAL FORMATTING}", "Å"),
        ("name", "A\N{SOFT HYPHEN}\N{COMBINING RING ABOVE}", "Å"),
        ("street", "c/o Byen\nStrandgata 1 B, 2. tv.", "c/o Byen Strandgata 1 B, 2. tv."),
        ("street", "Rantatie 3 A 5", "Rantatie 3 A 5"),
        ("city", "2100\N{NO-BREAK SPACE}Ø", "2100 Ø"),
        ("country", " dk ", "DK"),
        ("gift_card_code", " ab-CD 12 ", "ab-CD 12"),
    ],
)
def test_text_is_one_composed_line(field, typed, text):
    assert cleaned(field, typed) == text


@pytest.mark.parametrize(
    ("field", "typed", "reason"),
    [
        ("name", "", "is empty"),
        ("name", " \t\n", "is empty"),
        ("name", "\N{ZERO WIDTH SPACE}", "is empty"),
        ("name", "12345", "has no letter in it"),
        ("city", "2100", "has no letter in it"),
        ("name", "canary\x00", "holds a character that cannot be printed"),
        ("name", "canary\x1b[31m", "holds a character that cannot be printed"),
        ("name", "canary\ud83d", "holds a character that cannot be printed"),
        ("name", "canary\ue000", "holds a character that cannot be printed"),
        ("name", "canary" * 33 + "abc", "is longer than 200 characters"),
        ("city", "canary" * 17, "is longer than 100 characters"),
        ("street", "canary" * 34, "is longer than 200 characters"),
        ("gift_card_code", "canary" * 17, "is longer than 100 characters"),
        ("street", "canary" * 167, "is too long"),
        ("postal_code", 2100, "is not text"),
        ("country", None, "is not text"),
        ("country", "US", "is none of DK, FO, GL, SE, NO, SJ, FI, AX, IS"),
        ("country", "Canary", "is none of DK, FO, GL, SE, NO, SJ, FI, AX, IS"),
    ],
)
def test_text_that_cannot_be_is_refused(field, typed, reason):
    assert refusal(field, typed).startswith(f"{field}: {reason}; a good value looks like: ")


def test_names_may_be_of_any_length_up_to_200():
    for length in (1, 199, 200):
        assert cleaned("name", "Å" * length) == "Å" * length


# The whole


def test_every_problem_is_told_and_the_first_is_the_message():
    typed = {"email": "canary", "name": "Å", "postal_code": "canary", "country": "canary"}
    with pytest.raises(InvalidInput) as caught:
        clean(typed, market="SE")
    assert [field for field, _ in caught.value.problems] == ["country", "email", "postal_code"]
    assert caught.value.problems[2][1] == (
        "is not a postal code of SE; a good value looks like: 114 55"
    )
    assert str(caught.value).startswith("country: is none of DK")


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("adress", "adress"),
        ("canary@example.com", "fields"),
        ("a canary", "fields"),
        ("c" * 41, "fields"),
        ("", "fields"),
    ],
)
def test_an_unknown_field_is_refused_by_naming_those_there_are(name, field):
    with pytest.raises(
        InvalidInput, match=r"is not asked of customers; name, organisation, org.*"
    ) as caught:
        clean({name: "canary"}, market="DK")
    assert caught.value.field == field
    assert "canary" not in str(caught.value)


def test_a_market_that_is_not_known_is_a_wrong_call():
    with pytest.raises(UsageError, match="a market is one of DK, FO, GL, SE") as caught:
        clean(GOOD, market="DE")
    assert not isinstance(caught.value, InvalidInput)


def test_the_result_prints_as_stars():
    result = clean(GOOD, market="DK")
    assert isinstance(result, Details)
    assert "Strandgata" not in repr(result)


TYPED = st.one_of(
    st.text(max_size=60),
    st.text("aåÅ0123456789 .@-+()DKSEN\u200b\u0301\n", max_size=30),
    st.sampled_from([*GOOD.values(), "070-174 06 05", "SE-114 55", "name@EXAMPLE.com"]),
)


def outcome(typed, market):
    """Give what comes of it: the clean fields, or the error."""
    try:
        return clean(typed, market=market)
    except InvalidInput as error:
        return error


@given(
    typed=st.dictionaries(st.sampled_from(sorted(GOOD)), TYPED),
    market=st.sampled_from(sorted(AREAS)),
)
def test_what_is_clean_stays_as_it_is(typed, market):
    match outcome(typed, market):
        case InvalidInput(problems=problems):
            assert {field for field, _ in problems} <= typed.keys()
        case result:
            assert result.keys() == typed.keys()
            for value in result.values():
                assert value == unicodedata.normalize("NFC", value) == value.strip()
                assert value.isprintable()
            assert clean(result, market=market) == result


@pytest.mark.parametrize("field", GOOD)
def test_no_error_repeats_what_was_typed(field):
    canaries = ["CANARY\x00", "CANARY" * 200]
    free = {"name", "organisation", "street", "city", "gift_card_code", "store_credit_code"}
    if field not in free:
        canaries.append("CANARY")
    for canary in canaries:
        with pytest.raises(InvalidInput) as caught:
            clean({field: canary}, market="DK")
        told = [str(caught.value), repr(caught.value), repr(caught.value.problems)]
        told += traceback.format_exception(caught.value)
        assert "CANARY" not in "".join(told)


@pytest.mark.parametrize("field", GOOD)
@pytest.mark.parametrize("sign", ["1", " ", "-", "@", ".", "a", "\N{COMBINING DOT BELOW}\u0301"])
def test_the_worst_text_is_refused_at_once(field, sign):
    clean(GOOD, market="SE")  # loads what is loaded once
    for typed in (sign * (100_000 // len(sign)), sign * (1000 // len(sign))):
        begun = time.process_time()
        outcome({field: typed}, "SE")
        assert time.process_time() - begun < 0.05
