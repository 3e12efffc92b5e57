"""Identity, organisation and VAT numbers are read as what they are, and print as stars."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum.no import fodselsnummer
from tests.vectors import cases

from checkoutflow.customer import (
    AREAS,
    IdentityNumber,
    Kind,
    clean,
    example,
    identity_number,
    organisation_number,
    vat_number,
)
from checkoutflow.errors import InvalidInput, UsageError
from checkoutflow.privacy.cards import holds_card_number

TODAY = date(2026, 11, 21)
LENIENT: dict[str, Any] = {"allows_temporary": True, "allows_test_persons": True}


def refusal(read, *args, **options):
    with pytest.raises(InvalidInput) as caught:
        read(*args, **options)
    message = str(caught.value)
    assert "; a good value looks like: " in message
    assert args[0] not in message
    return message


# The vectors: what python-stdnum answers, and where the register says otherwise.

READERS = {
    "cpr": identity_number,
    "personnummer": identity_number,
    "fodselsnummer": identity_number,
    "hetu": identity_number,
    "cvr": organisation_number,
    "orgnr": organisation_number,
    "ytunnus": organisation_number,
    "kennitala": organisation_number,
    "vn": organisation_number,
    "vat": vat_number,
    "mva": vat_number,
    "alv": vat_number,
    "vsk": vat_number,
}
# Rows that the library refuses and that are good: the kind each is of.
WE_KNOW_BETTER = {
    "se.personnummer-06": Kind.COORDINATION,  # the day + 60; the library has no such thing
    "se.personnummer-07": Kind.COORDINATION,
    "no.fodselsnummer-09": Kind.TEST_PERSON,  # the month + 80
    "no.fodselsnummer-10": Kind.TEST_PERSON,  # the month + 65
}
# A date that has not come yet: only a reader who knows the day can tell.
ONLY_BY_DATE = {"dk.cpr-03"}


@pytest.mark.parametrize("case", cases("national_ids"))
def test_a_number_is_read_as_its_register_has_it(case):
    text, country, module = case["input"], case["kind"], case["module"].rpartition(".")[2]
    if module == "kontonr":
        # A bank account has as many digits as a fødselsnummer, and is none; nor is it a card.
        assert "wrong check digits" in refusal(identity_number, text, country, **LENIENT)
        assert not holds_card_number(text)
        return
    read, options = READERS[module], {}
    if read is identity_number:
        options = {"on": TODAY, **LENIENT}
    if case["id"] in WE_KNOW_BETTER:
        assert not case["stdnum_valid"]
        assert read(text, country, **options).kind is WE_KNOW_BETTER[case["id"]]
    elif case["stdnum_valid"]:
        found = read(text, country, **(options | {"on": None}) if options else {})
        assert found.normalised.removeprefix(found.country) == case["stdnum_value"]
        assert found.country == country
    else:
        assert refusal(read, text, country, **options)
        if case["id"] in ONLY_BY_DATE:
            assert (identity_number(text, country).birth_date or TODAY) > TODAY


def test_the_kinds_are_known_by_their_numbers():
    for read, text, country, kind in [
        (identity_number, "211062-5629", "DK", Kind.PERSON),
        (identity_number, "701063-2391", "SE", Kind.COORDINATION),
        (identity_number, "15108695088", "NO", Kind.PERSON),
        (identity_number, "15458610093", "NO", Kind.H_NUMBER),
        (identity_number, "131052-308T", "FI", Kind.PERSON),
        (identity_number, "892350-1739", "IS", Kind.SYSTEM),
        (organisation_number, "450401-3150", "IS", Kind.ORGANISATION),
        (organisation_number, "120174-3399", "IS", Kind.SOLE_TRADER),
        (organisation_number, "556016-0680", "SE", Kind.ORGANISATION),
        (organisation_number, "16556016-0680", "SE", Kind.ORGANISATION),
        (organisation_number, "890102-3286", "SE", Kind.SOLE_TRADER),
        (organisation_number, "112038-9", "FI", Kind.ORGANISATION),
        (organisation_number, "DK13585628", "DK", Kind.ORGANISATION),
    ]:
        assert read(text, country).kind is kind, text


# Denmark and the Faroe Islands


@pytest.mark.parametrize(
    ("digit", "year", "born"),
    [
        *[(digit, 99, 1999) for digit in "012349"],
        *[(digit, 99, 1899) for digit in "5678"],
        *[(digit, 36, 1936) for digit in "0123"],
        *[(digit, 36, 2036) for digit in "456789"],
        *[(digit, 37, 1937) for digit in "49"],
        *[(digit, 57, 2057) for digit in "5678"],
        *[(digit, 58, 1858) for digit in "5678"],
    ],
)
def test_the_seventh_digit_of_a_cpr_number_tells_the_century(digit, year, born):
    assert identity_number(f"0203{year:02}-{digit}000", "DK").birth_date == date(born, 3, 2)


@given(st.dates(date(1937, 1, 1), TODAY), st.integers(0, 999))
def test_a_cpr_number_is_never_refused_on_its_modulus(born, serial):
    century = "0" if born.year < 2000 else "4" if born.year < 2037 else "5"
    text = f"{born:%d%m%y}-{century}{serial:03}"
    assert identity_number(text, "DK", on=TODAY).birth_date == born
    assert identity_number(text, "GL", on=TODAY).country == "DK"


def test_a_faroese_number_is_a_p_tal_or_a_cpr_number():
    p_tal = identity_number("290200-123", "FO")
    assert (p_tal.country, p_tal.birth_date, p_tal.masked) == ("FO", None, "290200***")
    assert identity_number("211062-5629", "FO").country == "DK"
    assert "a day that there is" in refusal(identity_number, "320174-123", "FO")


# Sweden


@pytest.mark.parametrize(
    ("text", "on", "normalised", "born"),
    [
        ("890102-3286", None, "890102-3286", None),
        ("8901023286", None, "890102-3286", None),
        ("890102+3286", None, "890102+3286", None),
        ("890102-3286", TODAY, "198901023286", date(1989, 1, 2)),
        ("890102+3286", TODAY, "188901023286", date(1889, 1, 2)),
        ("19890102-3286", None, "198901023286", date(1989, 1, 2)),
        ("19890102\N{EN DASH}3286", None, "198901023286", date(1989, 1, 2)),
        ("121212-1212", TODAY, "201212121212", date(2012, 12, 12)),
        ("121212+1212", TODAY, "191212121212", date(1912, 12, 12)),
        ("121212-1212", date(2012, 12, 12), "201212121212", date(2012, 12, 12)),
        ("121212-1212", date(2012, 12, 11), "191212121212", date(1912, 12, 12)),
        ("121212+1212", date(2012, 12, 11), "191212121212", date(1912, 12, 12)),
        ("701063-2391", TODAY, "197010632391", date(1970, 10, 3)),
        # The tax agency's own, of somebody whose month of birth is not known, and the like.
        ("191500722390", TODAY, "191500722390", None),
        ("150072+2390", TODAY, "191500722390", None),
        ("150072-2390", None, "150072-2390", None),
        ("151160-2391", TODAY, "201511602391", None),
        ("000229-1235", None, "000229-1235", None),
    ],
)
def test_ten_digits_of_a_swede_tell_the_century_on_a_known_day_only(text, on, normalised, born):
    number = identity_number(text, "SE", on=on)
    assert (number.normalised, number.birth_date) == (normalised, born)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("890102-3287", "wrong check digit"),
        ("990229-1237", "a day that there is"),  # no leap year in any century
        ("19000229-1235", "a day that there is"),  # a leap year in 2000 only
        ("151300-7235", "a day that there is"),
        ("17890102-3286", "is not a personnummer"),
        ("556016-0680", "a day that there is"),
        ("20891231-0006", "wrong check digit"),
        ("89010-23286", "is not a personnummer"),
    ],
)
def test_what_no_swede_can_have_is_refused(text, reason):
    assert reason in refusal(identity_number, text, "SE", **LENIENT)


def test_a_sole_trader_of_sweden_has_a_number_that_is_hidden():
    trader = organisation_number("19890102-3286", "SE")
    assert trader.birth_date == date(1989, 1, 2)
    assert trader.masked == "19890102****"
    assert "wrong check digit" in refusal(organisation_number, "556016-0681", "SE")


# Norway


def norwegian(day, month, year, serial):
    """Make a number by the old rule; None where a check digit would have two digits."""
    digits = f"{day:02}{month:02}{year % 100:02}{serial:03}"
    digits += fodselsnummer.calc_check_digit1(digits)
    digits += fodselsnummer.calc_check_digit2(digits)
    return digits if len(digits) == 11 else None


SERIES = st.sampled_from([(1854, 1899, 500, 749), (1900, 1999, 0, 499), (1940, 1999, 900, 999)])


@given(st.data(), SERIES, st.sampled_from([0, 40]), st.sampled_from([0, 40, 65, 80]))
def test_a_norwegian_number_tells_who_it_is_of_and_when_they_were_born(data, series, d, month):
    first, last, low, high = series
    born = data.draw(st.dates(date(first, 1, 1), date(last, 12, 31)))
    serial = data.draw(st.integers(low, high))
    text = norwegian(born.day + d, born.month + month, born.year, serial)
    assume(text is not None)
    number = identity_number(text, "NO", on=TODAY, **LENIENT)
    assert number.birth_date == born
    if month > 40:
        assert number.kind is Kind.TEST_PERSON
        assert "made up for tests" in refusal(identity_number, text, "NO", on=TODAY)
    elif month:
        assert number.kind is Kind.H_NUMBER
    else:
        assert number.kind is (Kind.D_NUMBER if d else Kind.PERSON)


@pytest.mark.parametrize("case", cases("no_fnr_2032"))
def test_from_2032_on_the_first_control_leaves_up_to_three(case):
    def is_checked(on):
        try:
            identity_number(case["number"], "NO", on=on)
        except InvalidInput as refused:
            return "check digits" not in str(refused)
        return True

    assert is_checked(date(2031, 12, 31)) is case["valid_today_checksum"]
    assert is_checked(date(2032, 1, 1)) is case["valid_from_2032_checksum"]
    assert is_checked(None) is case["valid_from_2032_checksum"]
    if case["valid_from_2032_checksum"]:
        number = identity_number(case["number"], "NO", on=date(2032, 1, 1))
        assert number.birth_date is None  # the register has it
        assert number.age(date(2060, 1, 1)) is None


def test_no_norwegian_number_tells_an_age_once_new_ones_are_given_out():
    number = identity_number("15108695088", "NO")
    assert number.birth_date == date(1986, 10, 15)
    assert (number.age(date(2031, 12, 31)), number.adult(date(2031, 12, 31))) == (45, True)
    assert (number.age(date(2032, 1, 1)), number.adult(date(2032, 1, 1))) == (None, None)


def test_a_series_that_is_not_given_out_may_be_from_2032_on():
    text = norwegian(15, 10, 1986, 800)
    assert "not given out" in refusal(identity_number, text, "NO", on=date(2031, 12, 31))
    for on in (None, date(2032, 1, 1)):
        assert identity_number(text, "NO", on=on).birth_date is None


@pytest.mark.parametrize("day", [80, 91, 0, 32, 72])
def test_a_hospitals_number_and_a_day_there_is_not_are_refused(day):
    text = next(filter(None, (norwegian(day, 10, 1986, serial) for serial in range(99))))
    assert "a day that there is" in refusal(identity_number, text, "NO", **LENIENT)


def test_svalbard_and_aland_have_the_numbers_of_norway_and_finland():
    assert identity_number("15108695088", "SJ").country == "NO"
    assert identity_number("131052-308T", "AX").country == "FI"


# Finland


@pytest.mark.parametrize(
    ("sign", "century"),
    [("+", 1800), *[(it, 1900) for it in "-YXWVU"], *[(it, 2000) for it in "ABCDEF"]],
)
def test_the_sign_of_a_finnish_number_tells_the_century_and_belongs_to_it(sign, century):
    number = identity_number(f"131052{sign}308t", "FI")
    assert number.birth_date == date(century + 52, 10, 13)
    assert number.normalised == f"131052{sign}308T"
    assert number.masked == f"131052{sign}****"


def test_a_temporary_finnish_number_passes_where_it_is_allowed():
    assert identity_number("020594X903P", "FI", allows_temporary=True).kind is Kind.TEMPORARY
    assert "temporary" in refusal(identity_number, "020594X903P", "FI", allows_test_persons=True)


# Iceland


@given(st.dates(date(1887, 1, 1), TODAY), st.integers(0, 999))
def test_a_kennitala_is_not_refused_on_its_modulus_any_more(born, serial):
    century = {18: "8", 19: "9", 20: "0"}[born.year // 100]
    number = identity_number(f"{born:%d%m%y}-{serial:03}{century}", "IS", on=TODAY)
    assert number.birth_date == born


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("320174-3399", "a day that there is"),
        ("450401-3150", "a day that there is"),  # a company is no person
        ("121374-3399", "a day that there is"),
        ("120174-3395", "the digit of a century"),
        ("12017-43399", "is not a kennitala"),
    ],
)
def test_what_no_icelander_can_have_is_refused(text, reason):
    assert reason in refusal(identity_number, text, "IS")


def test_a_kennitala_whose_date_is_not_in_the_calendar_is_a_persons():
    assert identity_number("300269-3399", "IS").birth_date is None


def test_a_company_of_iceland_still_has_a_check_digit():
    assert "wrong check digit" in refusal(organisation_number, "450401-3160", "IS")


# Ages


@pytest.mark.parametrize(
    ("born", "on", "age", "adult"),
    [
        ("010108A", date(2026, 1, 1), 18, True),
        ("020108A", date(2026, 1, 1), 17, False),
        ("290208A", date(2026, 2, 28), 17, False),
        ("290208A", date(2026, 3, 1), 18, True),
        ("010100-", date(2026, 1, 1), 126, True),
    ],
)
def test_an_age_is_in_full_years(born, on, age, adult):
    digits = born[:6] + "308"
    number = identity_number(
        f"{born}308{'0123456789ABCDEFHJKLMNPRSTUVWXY'[int(digits) % 31]}", "FI", on=on
    )
    assert (number.age(on), number.adult(on)) == (age, adult)


def test_nobody_has_an_age_who_has_no_birth_date():
    for number in (organisation_number("13585628", "DK"), identity_number("892350-1739", "IS")):
        assert number.age(TODAY) is number.adult(TODAY) is None


def test_who_is_not_born_yet_is_refused_on_a_known_day_only():
    born = identity_number("211052-5629", "DK").birth_date
    assert born == date(2052, 10, 21)
    assert "not born yet" in refusal(identity_number, "211052-5629", "DK", on=TODAY)
    assert identity_number("211052-5629", "DK", on=born).age(born) == 0


# VAT


@pytest.mark.parametrize(
    ("text", "country", "normalised", "in_vies", "masked"),
    [
        ("DK 13 58 56 28", None, "DK13585628", True, "DK****5628"),
        ("13585628", "DK", "DK13585628", True, "DK****5628"),
        ("SE556016068001", None, "SE556016068001", True, "SE********8001"),
        ("fi 2077474-0", None, "FI20774740", True, "FI****4740"),
        ("20774740", "AX", "FI20774740", True, "FI****4740"),
        ("NO 995 525 828 MVA", None, "NO995525828MVA", False, "NO*****5828MVA"),
        ("995525828MVA", None, "NO995525828MVA", False, "NO*****5828MVA"),
        ("IS 00621", None, "IS00621", False, "IS*0621"),
        ("FO623857", None, "FO623857", False, "FO**3857"),
        ("FO 623 857", "FO", "FO623857", False, "FO**3857"),
    ],
)
def test_a_vat_number_is_asked_of_vies_within_the_union_only(
    text, country, normalised, in_vies, masked
):
    number = vat_number(text, country)
    assert (number.kind, number.country) == (Kind.VAT, normalised[:2])
    assert (number.normalised, number.in_vies, number.masked) == (normalised, in_vies, masked)


@pytest.mark.parametrize(
    ("text", "country", "reason"),
    [
        ("DE123456789", None, "begins with none of DK, FO, SE, NO, FI, IS"),
        ("88146328", None, "begins with none of"),
        ("DK13585628", "SE", "wrong form or length"),
        ("SE556016068002", None, "wrong form or length"),
        ("DK13585627", None, "wrong check digit"),
        ("NO995525828", None, "wrong form or length"),
    ],
)
def test_a_vat_number_that_cannot_be_is_refused(text, country, reason):
    assert reason in refusal(vat_number, text, country)
    assert not organisation_number("13585628", "DK").in_vies


# All of them


def test_a_number_prints_as_stars_however_it_is_printed():
    number = identity_number("131052-308T", "FI")
    assert isinstance(number, IdentityNumber)
    assert f"{number} {number!r} {[number]}" == " ".join(
        ["IdentityNumber(person, FI, ********)"] * 2 + ["[IdentityNumber(person, FI, ********)]"]
    )


@pytest.mark.parametrize("country", AREAS)
def test_every_example_is_good_and_no_error_repeats_the_number(country):
    identity_number(example("national_id", country), country, **LENIENT)
    for read, bad in [
        (identity_number, "canary"),
        (organisation_number, "canary"),
        (vat_number, "canary"),
    ]:
        message = refusal(read, bad, country).lower()
        good = message.partition("a good value looks like: ")[2]
        read(good, country, **(LENIENT if read is identity_number else {}))
        assert "canary" not in message
    with pytest.raises(InvalidInput) as caught:
        identity_number("canary", country, field="buyer.number")
    assert caught.value.field == "buyer.number"


@pytest.mark.parametrize("read", [identity_number, organisation_number, vat_number])
def test_a_country_that_is_not_known_is_a_wrong_call(read):
    with pytest.raises(UsageError, match="DK, FO, SE, NO, FI, IS, GL, SJ, AX") as caught:
        read("211062-5629", "DE")
    assert not isinstance(caught.value, InvalidInput)


@given(st.text("0123456789-+ABCDEFXY \u2013", max_size=14), st.sampled_from(sorted(AREAS)))
def test_any_text_is_a_number_or_refused_and_reading_it_again_changes_nothing(text, country):
    for read in (identity_number, organisation_number, vat_number):
        options = LENIENT if read is identity_number else {}
        try:
            number = read(text, country, **options)
        except InvalidInput:
            continue
        assert read(number.normalised, number.country, **options) == number
        assert number.normalised not in json.dumps([repr(number), str(number), number.masked])


# In the field of a form


@pytest.mark.parametrize(
    ("market", "typed", "kept"),
    [
        ("DK", "211062 5629", "2110625629"),
        ("DK", "13585628", "13585628"),  # a company, where it is a company that buys
        ("SE", "121212-1212", "121212-1212"),
        ("SE", "556016-0680", "556016-0680"),
        ("NO", "158586 10076", "15858610076"),
        ("FI", "131052\N{EN DASH}308t", "131052-308T"),
        ("FI", "020594X903P", "020594X903P"),
        ("IS", "450401-3150", "450401-3150"),
        ("FO", "290200-123", "290200-123"),
    ],
)
def test_what_people_and_companies_have_is_kept_as_it_is_written(market, typed, kept):
    assert clean({"national_id": typed}, market=market) == {"national_id": kept}


@pytest.mark.parametrize(
    ("market", "typed"),
    [("DK", "320174-3399"), ("SE", "890102-3287"), ("NO", "15108695077"), ("FI", "131052-308U")],
)
def test_what_nobody_can_have_is_refused_without_repeating_it(market, typed):
    with pytest.raises(InvalidInput) as caught:
        clean({"national_id": typed}, market=market)
    assert caught.value.field == "national_id"
    assert "a good value looks like: " in str(caught.value)
    assert typed not in str(caught.value)
