"""Payment references: what is generated is valid, and a slip of the pen is found out."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, timedelta
from inspect import cleandoc
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from stdnum import iso11649
from tests.vectors import cases

from checkoutflow.errors import InvalidInput, Next
from checkoutflow.model import Frozen
from checkoutflow.money import Money
from checkoutflow.payment.references import (
    BankBarcode,
    Bankgiro,
    Fik,
    InvalidReference,
    Kid,
    Ocr,
    Plusgiro,
    Rf,
    Scheme,
    Viite,
    bank_barcode,
    code128c_check,
    read_bank_barcode,
)

GIROS = {"bankgiro": Bankgiro(), "plusgiro": Plusgiro()}

SOFT = Ocr(level="soft")
HARD = Ocr(level="hard")
WITH_LENGTH = Ocr(level="length_digit")
OCR = {"check_digit": HARD, "length_and_check_digit": WITH_LENGTH}
FIXED = Ocr(level="fixed_length", lengths=(10, 8))
MOD10 = Kid(method="mod10", length=12)
MOD11 = Kid(method="mod11", length=12)
HYPHENS = Kid(method="mod11", length=12, allows_hyphen=True)
FIK = Fik(creditor="81234567")
FIK_75 = Fik(card_type="75", creditor="81234567")
NO_ID = Fik(card_type="73", creditor="81234567")
GIRO_01 = Fik(card_type="01", creditor="1234567")
VIITE = Viite()
RF = Rf(market="SE")
RF_VIITE = Rf(market="FI", national="viite")

STRICT = [HARD, WITH_LENGTH, FIXED, MOD10, MOD11, HYPHENS, FIK, FIK_75, VIITE, RF, RF_VIITE]
SCHEMES = st.sampled_from([SOFT, *STRICT])
TOO_LONG_TO_WRITE = pytest.param(10**4400, id="of 4401 digits")  # Python refuses to make it text
NUMBERS = st.integers(100, 10**9 - 1)  # what fits in all of them


def refusal(scheme, text):
    with pytest.raises(InvalidReference) as caught:
        scheme.validate(text)
    assert caught.value.field == scheme.what
    assert caught.value.next is Next.FIX_THE_CALL
    return caught.value.reason


# -- Sweden ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", cases("ocr", "generate"))
def test_ocr_as_calculated(case):
    scheme = OCR[case["mode"]]
    assert scheme.of_base(case["base"]) == case["expected"]
    assert scheme.validate(case["expected"]) == case["expected"]


@pytest.mark.parametrize("case", cases("ocr", "generate_fixed"))
def test_ocr_of_a_fixed_length(case):
    scheme = Ocr(level="fixed_length", lengths=(case["length"],))
    assert scheme.of_base(case["base"]) == scheme.generate(int(case["base"])) == case["expected"]


@pytest.mark.parametrize("case", cases("ocr", "validate"))
def test_ocr_as_customers_type_it(case):
    scheme = OCR[case["mode"]]
    if case["valid"]:
        assert scheme.validate(case["value"]) == case["value"]
    else:
        assert refusal(scheme, case["value"]) == case["reason"]


@pytest.mark.parametrize(
    ("scheme", "text", "reason"),
    [
        (SOFT, "123456", None),  # 5 would be right
        (SOFT, "7", "too_short"),
        (SOFT, "12A45", "format"),
        (HARD, "", "format"),
        (HARD, "1" * 26, "too_long"),
        (WITH_LENGTH, "18", "too_short"),  # no room for a number
        (FIXED, "00000125", None),
        (FIXED, "0000314153", None),
        (FIXED, "000314153", "length"),
        (FIXED, "00000126", "check_digit"),
        (FIXED, "0000 0125", None),
    ],
)
def test_the_level_says_what_is_accepted(scheme, text, reason):
    if reason is None:
        assert scheme.validate(text) == text.replace(" ", "")
    else:
        assert refusal(scheme, text) == reason


def test_a_number_takes_the_shorter_of_two_lengths_if_it_fits():
    assert [len(FIXED.generate(n)) for n in (1, 9999999, 10000000, 999999999)] == [8, 8, 10, 10]


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"level": "fixed_length"}, ""),
        ({"level": "hard", "lengths": [8]}, ""),
        ({"level": "fixed_length", "lengths": [8, 9, 10]}, "lengths"),
        ({"level": "fixed_length", "lengths": [1]}, "lengths[0]"),
        ({"level": "fixed_length", "lengths": [26]}, "lengths[0]"),
        ({}, "level"),
    ],
)
def test_lengths_belong_to_their_level(settings, field):
    with pytest.raises(InvalidInput) as caught:
        Ocr.read(settings)
    assert caught.value.field == field


@pytest.mark.parametrize("case", cases("giro_se", "valid"))
def test_giro_numbers_are_read_and_printed(case):
    giro = GIROS[case["type"]]
    assert giro.validate(case["value"]) == case["digits"]
    assert giro.format(case["digits"]) == case["value"]


@pytest.mark.parametrize("case", cases("giro_se", "invalid"))
def test_wrong_giro_numbers_are_refused(case):
    assert refusal(GIROS[case["type"]], case["value"]) == case["reason"]
    assert refusal(GIROS[case["type"]], case["digits"]) == case["reason"]


# -- Norway ----------------------------------------------------------------------------------------


def kid(case, text, **settings):
    return Kid(method=case["method"], length=min(max(len(text), 2), 25), **settings)


@pytest.mark.parametrize("case", cases("kid", "generate", "published"))
def test_kid_as_calculated_and_as_published(case):
    scheme = kid(case, case["expected"])
    assert scheme.of_base(case["base"]) == case["expected"]
    assert scheme.generate(int(case["base"])) == case["expected"]
    assert scheme.validate(case["expected"]) == case["expected"]


@pytest.mark.parametrize("case", cases("kid", "dash"))
def test_a_hyphen_is_left_out_unless_the_agreement_takes_it(case):
    expected, number = case["expected"], int(case["base"])
    allowing = kid(case, expected, allows_hyphen=True)
    assert allowing.of_base(case["base"]) == allowing.validate(expected) == expected
    assert allowing.next_usable(number) == number

    skipping = kid(case, expected)
    assert refusal(skipping, expected) == "format"
    with pytest.raises(InvalidInput, match=r"number: its check would be a hyphen; skip it"):
        skipping.generate(number)
    with pytest.raises(InvalidInput, match=r"base: its check would be a hyphen; skip it"):
        skipping.of_base(case["base"])
    assert skipping.next_usable(number) == number + 1


@pytest.mark.parametrize("case", cases("kid", "validate"))
def test_kid_as_customers_type_it(case):
    value = case["value"].replace(" ", "")
    scheme = kid(case, value)
    if case["valid"] is False:
        # Two digits swapped are found by the check digit.
        reason = {"transposition": "check_digit"}.get(case["reason"], case["reason"])
        assert refusal(scheme, case["value"]) == reason
    else:
        assert scheme.validate(case["value"]) == value


@pytest.mark.parametrize("text", ["-", "1-04", "104--", "-104", "10-4-"])
def test_only_the_last_character_may_be_a_hyphen(text):
    scheme = Kid(method="mod11", length=4, allows_hyphen=True)
    assert scheme.validate("104-") == "104-"
    assert refusal(scheme, text) == "format"


def test_about_every_eleventh_number_is_skipped_and_none_is_used_twice():
    last, given = 0, []
    for _ in range(1000):
        last = MOD11.next_usable(last + 1)
        given.append(MOD11.generate(last))
    assert len(set(given)) == 1000
    assert 1080 < last < 1120


def test_skipping_ends_where_the_numbers_do():
    two = Kid(method="mod11", length=3)
    assert [n for n in range(80, 99) if two.next_usable(n) != n] == [85]
    assert two.next_usable(85) == 86
    with pytest.raises(InvalidInput, match="number: 1 to 2 digits make a reference here"):
        two.next_usable(99)  # to be skipped, and the last


# -- Denmark ---------------------------------------------------------------------------------------

FIK_REASONS = {
    "length 14, type 71 needs 15": "length",
    "type 73 carries no payment id": "payment_id",
    "unknown card type": "card_type",
}


@pytest.mark.parametrize("case", cases("fik", "generate", "published"))
def test_fik_lines_as_calculated_and_as_published(case):
    scheme = Fik(card_type=case["card_type"], creditor=case["creditor"])
    reference = scheme.of_base(case["base"])
    assert reference == (case["payment_id"] or "")
    assert scheme.format(reference) == case["line"]
    assert scheme.validate(case["line"]) == reference
    assert scheme.validate(scheme.peppol(reference)) == reference


@pytest.mark.parametrize("case", cases("fik", "validate"))
def test_fik_lines_as_they_come_in(case):
    found = re.search(r"^\+(71|73)<.*\+(\d{8})<$", case["line"])
    card_type, creditor = found.groups() if found else ("71", "80882939")
    scheme = Fik.read({"card_type": card_type, "creditor": creditor})
    if case["valid"]:
        assert scheme.format(scheme.validate(case["line"])) == case["line"].replace(" ", "")
    else:
        assert refusal(scheme, case["line"]) == FIK_REASONS.get(case["reason"], case["reason"])


@pytest.mark.parametrize(
    ("scheme", "text", "reason"),
    [
        (FIK, "000000000000018", None),
        (FIK, "71#000000000000018", None),
        (FIK, "+71< 000000000000018 +81234567<", None),
        (FIK, "71#000000000000019", "check_digit"),
        (FIK, "75#0000000000000018", "card_type"),
        (FIK, "99#000000000000018", "card_type"),
        (FIK, "+71<000000000000018+80882939<", "creditor"),
        (FIK, "", "length"),
        (FIK, "71", "length"),
        (FIK, "+71<000000000000018+81234567", "format"),
        (NO_ID, "", None),
        (NO_ID, "73#", None),
        (NO_ID, "73#18", "payment_id"),
        (GIRO_01, "+01<+1234567<", None),
    ],
)
def test_a_payment_id_comes_bare_in_its_line_or_as_in_a_peppol_invoice(scheme, text, reason):
    if reason is None:
        assert scheme.validate(text) == ("000000000000018" if scheme is FIK else "")
    else:
        assert refusal(scheme, text) == reason


def test_the_form_of_a_peppol_invoice():
    assert FIK.peppol("+71<000000000000018+81234567<") == "71#000000000000018"
    assert NO_ID.peppol("") == "73#"


def test_a_form_without_payment_id_tells_no_numbers_apart():
    assert NO_ID.of_base("") == ""
    with pytest.raises(InvalidInput, match="number: type 73 has no payment id; type 71 has"):
        NO_ID.generate(1)


@pytest.mark.parametrize(
    ("card_type", "creditor", "is_good"),
    [
        ("71", "81234567", True),
        ("71", "1234567", False),
        ("73", "1234567", False),
        ("75", "1234567", False),
        ("01", "1234567", True),
        ("04", "1234567", True),
        ("15", "12345678", True),
        ("15", "123456", False),
        ("15", "123456789", False),
        ("15", "1234 567", False),
    ],
)
def test_a_creditor_number_has_the_length_of_its_type(card_type, creditor, is_good):
    settings = {"card_type": card_type, "creditor": creditor}
    if is_good:
        assert Fik.read(settings).creditor == creditor
    else:
        with pytest.raises(InvalidInput) as caught:
            Fik.read(settings)
        assert caught.value.field == "creditor"


# -- Finland, and the international reference ------------------------------------------------------


@pytest.mark.parametrize("case", cases("viite", "generate", "published"))
def test_viite_as_calculated_and_as_published(case):
    assert VIITE.of_base(case["base"]) == VIITE.generate(int(case["base"])) == case["expected"]
    assert VIITE.format(case["expected"]) == case["formatted"]
    assert VIITE.validate(case["formatted"]) == case["expected"]


@pytest.mark.parametrize("case", cases("viite", "validate"))
def test_viite_as_customers_type_it(case):
    if case["valid"]:
        assert VIITE.validate(case["value"]) == case["value"].replace(" ", "")
    else:
        assert refusal(VIITE, case["value"]) == case["reason"].split(" (")[0]


def test_zeros_before_a_viite_are_a_bank_files_own_and_do_not_count():
    assert VIITE.validate("00000000000001234561") == "1234561"
    assert refusal(VIITE, "0" * 20) == "too_short"
    with pytest.raises(InvalidInput, match="base: a viitenumero does not begin with zero"):
        VIITE.of_base("0123456")


@pytest.mark.parametrize("case", cases("rf", "generate"))
def test_rf_as_calculated(case):
    assert RF.of_base(case["base"]) == case["expected"]
    assert RF.format(case["expected"]) == case["formatted"]
    assert RF.validate(case["formatted"]) == case["expected"]


@pytest.mark.parametrize("case", cases("rf", "validate"))
def test_rf_as_customers_type_it(case):
    if case["valid"]:
        assert RF.validate(case["value"]) == iso11649.compact(case["value"])
    else:
        reason = "too_short" if case["value"] == "RF00" else "check_digit"
        assert refusal(RF, case["value"]) == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("RF", "format"),
        ("RFAB1234", "format"),
        ("18539007547034", "format"),
        ("RF18-5390-0754", "format"),
        ("RF18ß", "format"),  # in capitals it would be SS
        ("RF98" + "1" * 22, "too_long"),
    ],
)
def test_what_is_no_rf_reference(text, reason):
    assert refusal(RF, text) == reason


def test_rf_takes_only_the_check_digits_that_the_standard_gives():
    assert iso11649.is_valid("RF0111112")  # leaves the remainder of 98, which is the one to write
    assert RF.validate("RF9811112") == "RF9811112"
    assert refusal(RF, "RF0111112") == "check_digit"


def test_a_finnish_rf_holds_a_whole_viite():
    assert RF_VIITE.generate(123456) == RF_VIITE.of_base("123456") == "RF341234561"
    assert RF_VIITE.validate("RF34 0001 2345 61") == "RF341234561"
    wrong_inside = RF.generate(1234562)
    assert refusal(RF_VIITE, wrong_inside) == "check_digit"
    assert refusal(RF_VIITE, RF.of_base("ABC123")) == "format"
    assert refusal(RF_VIITE, RF.of_base("112")) == "too_short"
    with pytest.raises(InvalidInput, match="number: 3 to 19 digits make a reference here"):
        RF_VIITE.generate(99)


# -- the Finnish bar code --------------------------------------------------------------------------

IBAN = "FI79 4405 2020 0360 82"


@pytest.mark.parametrize("case", cases("fi_bank_barcode"))
def test_bar_codes_as_published(case):
    due = case["due"] and date.fromisoformat(case["due"])
    amount = Money(case["cents"], "EUR")
    code = bank_barcode(case["iban"], amount, case["reference"], due)
    assert code == case["expected"]
    if check := case.get("code128c_check"):
        assert code128c_check(code) == check
    fits = amount.minor < 100_000_000
    assert read_bank_barcode(code) == BankBarcode(
        iban=case["iban"].replace(" ", ""),
        amount=amount if fits else Money(0, "EUR"),
        reference=case["reference"],
        due=due,
    )


@given(
    amount=st.integers(0, 999_999_99).map(lambda cents: Money(cents, "EUR")),
    base=st.from_regex("[1-9][0-9]{2,18}", fullmatch=True),
    days=st.none() | st.integers(0, 36_524),
    international=st.booleans(),
)
def test_a_bar_code_reads_back_as_it_was_made(amount, base, days, international):
    due = None if days is None else date(2000, 1, 1) + timedelta(days)
    reference = (RF_VIITE if international else VIITE).of_base(base)
    code = bank_barcode(IBAN, amount, reference, due)
    assert len(code) == 54
    assert read_bank_barcode(code) == BankBarcode("FI7944052020036082", amount, reference, due)


@pytest.mark.parametrize(("cents", "field"), [(999_999_99, "99999999"), (1_000_000_00, "0" * 8)])
def test_the_largest_amount_of_a_bar_code_is_one_cent_below_a_million_euro(cents, field):
    assert bank_barcode(IBAN, Money(cents, "EUR"), "1234561", None)[17:25] == field


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"iban": "FI79 4405 2020 0360 83"}, "iban"),
        ({"iban": "NO93 8601 1117 947"}, "iban"),
        ({"iban": ""}, "iban"),
        ({"amount": Money(1, "SEK")}, "amount"),
        ({"amount": Money(-1, "EUR")}, "amount"),
        ({"reference": "1234562"}, "reference"),
        ({"reference": RF.of_base("ABC123")}, "reference"),
        ({"reference": RF.of_base("012345")}, "reference"),
        ({"due": date(1999, 12, 31)}, "due"),
        ({"due": date(2100, 1, 1)}, "due"),
    ],
)
def test_what_a_bar_code_cannot_hold(changed, field):
    good: dict[str, Any] = {
        "iban": IBAN,
        "amount": Money(0, "EUR"),
        "reference": "1234561",
        "due": None,
    }
    assert bank_barcode(**good)
    with pytest.raises(InvalidInput) as caught:
        bank_barcode(**{**good, **changed})
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("code", "field"),
    [
        ("479440520200360820048831500000000868516259619897000000", None),
        ("4794405202003608 20048831500000000868516259619897000000", None),
        ("4794405202003608200488315000000008685162596198970000", "bar_code"),
        ("379440520200360820048831500000000868516259619897000000", "bar_code"),
        ("479440520200360820048831500100000868516259619897000000", "bar_code"),
        ("479440520200360830048831500000000868516259619897000000", "iban"),
        ("479440520200360820048831500000000868516259619898000000", "reference"),
        ("579440520200360820048831508000000868516259619897000000", "reference"),
        ("579440520200360820048831509000000000000000000000000000", "reference"),
        ("479440520200360820048831500000000868516259619897100631", "due"),
    ],
)
def test_a_bar_code_that_was_changed_names_what_is_wrong(code, field):
    if field is None:
        assert read_bank_barcode(code).reference == "868516259619897"
    else:
        with pytest.raises(InvalidInput) as caught:
            read_bank_barcode(code)
        assert caught.value.field == field


@pytest.mark.parametrize("digits", ["", "123", "12a4", "١٢"])
def test_a_bar_code_has_pairs_of_digits(digits):
    with pytest.raises(InvalidInput, match="digits: is an even number of digits"):
        code128c_check(digits)


# -- all schemes -----------------------------------------------------------------------------------


@given(SCHEMES, NUMBERS)
def test_what_is_generated_is_valid_as_stored_and_as_printed(scheme, number):
    reference = scheme.generate(scheme.next_usable(number))
    assert scheme.validate(reference) == reference
    assert scheme.validate(scheme.format(reference)) == reference
    assert not any("wrong" in line for line in scheme.explain(reference)[:-1])


@given(SCHEMES, NUMBERS, NUMBERS)
def test_different_numbers_have_different_references(scheme, one, other):
    one, other = scheme.next_usable(one), scheme.next_usable(other)
    assert (scheme.generate(one) == scheme.generate(other)) == (one == other)


@given(st.sampled_from(STRICT), NUMBERS, st.data())
def test_one_wrong_digit_is_always_found(scheme, number, data):
    reference = scheme.generate(scheme.next_usable(number))
    place = data.draw(st.integers(0, len(reference) - 1).filter(lambda i: reference[i].isdigit()))
    digit = data.draw(st.sampled_from("0123456789").filter(lambda d: d != reference[place]))
    refusal(scheme, reference[:place] + digit + reference[place + 1 :])


def swapped(reference, place):
    return reference[:place] + reference[place + 1] + reference[place] + reference[place + 2 :]


@given(st.sampled_from([MOD11, HYPHENS, RF, RF_VIITE]), NUMBERS, st.data())
def test_two_swapped_neighbours_are_always_found_by_modulus_11_and_97(scheme, number, data):
    reference = scheme.generate(scheme.next_usable(number))
    place = data.draw(st.integers(0, len(reference) - 2))
    assume(reference[place] != reference[place + 1])
    refusal(scheme, swapped(reference, place))


@given(st.sampled_from([HARD, FIXED, MOD10, FIK, FIK_75, VIITE]), NUMBERS, st.data())
def test_two_swapped_neighbours_are_found_by_modulus_10_save_where_it_is_blind(
    scheme, number, data
):
    reference = scheme.generate(number)
    place = data.draw(st.integers(0, len(reference) - 2))
    one, other = int(reference[place]), int(reference[place + 1])
    assume(one != other)
    blind = abs(one - other) == 5 if scheme is VIITE else {one, other} == {0, 9}
    if blind:
        with suppress(
            InvalidReference
        ):  # a zero in front is none, and what is left may be too short
            assert scheme.validate(swapped(reference, place)) != reference
    else:
        refusal(scheme, swapped(reference, place))


@given(SCHEMES, st.text(max_size=30) | st.from_regex(r"[ 0-9RF#+<-]{0,30}", fullmatch=True))
def test_any_text_is_explained_and_refused_or_taken_in_one_form(scheme, text):
    assert scheme.explain(text)
    try:
        reference = scheme.validate(text)
    except InvalidReference:
        return
    assert reference == scheme.validate(reference) == scheme.validate(scheme.format(text))


@pytest.mark.parametrize("scheme", [SOFT, *STRICT], ids=repr)
@pytest.mark.parametrize("number", [-1, True, 1.0, "1", None, 10**25, TOO_LONG_TO_WRITE])
def test_only_a_whole_number_of_a_length_that_fits_is_a_number(scheme, number):
    with pytest.raises(InvalidInput) as caught:
        scheme.generate(number)
    assert caught.value.field == "number"
    with pytest.raises(InvalidInput):
        scheme.next_usable(number)


@pytest.mark.parametrize(
    ("scheme", "first", "last"),
    [
        (SOFT, 0, 10**24 - 1),
        (HARD, 0, 10**24 - 1),
        (WITH_LENGTH, 0, 10**23 - 1),
        (FIXED, 0, 10**9 - 1),
        (MOD10, 0, 10**11 - 1),
        (FIK, 0, 10**14 - 1),
        (FIK_75, 0, 10**15 - 1),
        (VIITE, 100, 10**19 - 1),
        (RF, 0, 10**21 - 1),
        (RF_VIITE, 100, 10**19 - 1),
    ],
)
def test_a_series_has_a_first_and_a_last_number(scheme, first, last):
    for number in (first, last):
        assert scheme.validate(scheme.generate(number))
    for beyond in {first - 1, last + 1}:
        with pytest.raises(InvalidInput) as caught:
            scheme.generate(beyond)
        assert caught.value.field == "number"


@pytest.mark.parametrize("scheme", [SOFT, *STRICT], ids=repr)
@pytest.mark.parametrize("base", ["", "12 34", "12-3", "١٢٣", "abc", "1" * 26])
def test_a_base_is_digits_that_fit(scheme, base):
    with pytest.raises(InvalidInput) as caught:
        scheme.of_base(base)
    assert caught.value.field == "base"


@pytest.mark.parametrize("scheme", [SOFT, *STRICT], ids=repr)
@pytest.mark.parametrize("text", ["4571999x", "RF454571999+", "71#4571999", "4571999" * 6])
def test_an_error_never_repeats_the_reference(scheme, text):
    with pytest.raises(InvalidReference) as caught:
        scheme.validate(text)
    assert "4571999" not in f"{caught.value!r}{caught.value.problems}"


# -- in words --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "reference", "lines"),
    [
        (
            HARD,
            "123455",
            """
            12345: the shop's number
            5: check digit (modulus 10)
            """,
        ),
        (
            HARD,
            "123451",
            """
            12345: the shop's number
            1: check digit (modulus 10); wrong, it should be 5
            """,
        ),
        (
            SOFT,
            "123451",
            """
            12345: the shop's number
            1: check digit (modulus 10; a wrong one passes after a warning); wrong, it should be 5
            """,
        ),
        (
            WITH_LENGTH,
            "1234590",
            """
            12345: the shop's number
            9: length digit (7 digits in all); wrong, it should be 7
            0: check digit (modulus 10); wrong, it should be 4
            """,
        ),
        (
            FIXED,
            "00000125",
            """
            0000012: the shop's number (with zeros before it, to a fixed length)
            5: check digit (modulus 10)
            """,
        ),
        (FIXED, "123455", "8 or 10 digits are needed, not 6"),
        (HARD, "12A45", "a reference here is digits only"),
        (
            Kid(method="mod11", length=4, allows_hyphen=True),
            "104-",
            """
            104: the shop's number (with zeros before it, to the agreed length)
            -: check digit (modulus 11)
            """,
        ),
        (MOD10, "18", "at least 12 characters are needed"),
        (MOD11, "104-", "a KID is digits only"),
        (HYPHENS, "1x", "a KID is digits; only the last may be a hyphen"),
        (
            FIK,
            "+71<000000000000018+81234567<",
            """
            +71: type of form (a payment id of 15 digits)
            00000000000001: the shop's number (with zeros before it)
            8: check digit (modulus 10)
            81234567: creditor number
            """,
        ),
        (
            NO_ID,
            "",
            """
            +73: type of form (without a payment id)
            81234567: creditor number
            """,
        ),
        (
            GIRO_01,
            "01#",
            """
            +01: type of form (without a payment id)
            1234567: giro account
            """,
        ),
        (FIK, "75#18", "the shop's type is 71"),
        (FIK, "99#18", "there is no such type"),
        (
            VIITE,
            "12 34562",
            """
            123456: the shop's number
            2: check digit (weights 7, 3 and 1); wrong, it should be 1
            """,
        ),
        (
            RF,
            "RF18 5390 0754 70Y",
            """
            RF: sign of an international creditor reference
            18: check digits (modulus 97)
            5390075470Y: the shop's reference
            """,
        ),
        (
            RF_VIITE,
            "RF341234561",
            """
            RF: sign of an international creditor reference
            34: check digits (modulus 97)
            1234561: Finnish reference number (its own check digit included)
            """,
        ),
        (RF_VIITE, "RF341234562", "wrong check digit; copy the reference again, digit for digit"),
        (
            Bankgiro(),
            "991-2347",
            """
            991234: bankgiro number
            7: check digit (modulus 10); wrong, it should be 6
            """,
        ),
        (
            Plusgiro(),
            "4-2",
            """
            4: plusgiro number
            2: check digit (modulus 10)
            """,
        ),
        (Plusgiro(), "4", "2 to 8 digits are needed, not 1"),
        (Plusgiro(), "x", "a plusgiro here is digits only"),
    ],
)
def test_each_part_is_explained(scheme, reference, lines):
    assert "\n".join(scheme.explain(reference)) == cleandoc(lines)


# -- as data ---------------------------------------------------------------------------------------


class Settings(Frozen):
    """A shop's schemes."""

    references: tuple[Scheme, ...]


def test_a_shop_writes_its_schemes_as_data():
    written = [
        {"kind": "ocr", "level": "fixed_length", "lengths": [8, 10]},
        {"kind": "kid", "method": "mod11", "length": 12},
        {"kind": "fik", "creditor": "81234567"},
        {"kind": "fik", "market": "FO", "creditor": "81234567"},
        {"kind": "viite"},
        {"kind": "rf", "market": "FI", "national": "viite"},
    ]
    schemes = Settings.read({"references": written}).references
    assert [scheme.market for scheme in schemes] == ["SE", "NO", "DK", "FO", "FI", "FI"]
    assert schemes[1] == MOD11
    assert Settings.model_validate_json(Settings(references=schemes).model_dump_json()) == (
        Settings(references=schemes)
    )
    assert TypeAdapter(Scheme).json_schema()["discriminator"]["propertyName"] == "kind"


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ({"kind": "kid", "method": "mod11"}, "references[0].kid.length"),
        ({"kind": "kid", "method": "mod11", "length": 26}, "references[0].kid.length"),
        ({"kind": "rf"}, "references[0].rf.market"),
        ({"kind": "viite", "market": "Finland"}, "references[0].viite.market"),
        ({"kind": "krafa"}, "references[0]"),
    ],
)
def test_a_wrong_setting_is_named(written, field):
    with pytest.raises(InvalidInput) as caught:
        Settings.read({"references": [written]})
    assert caught.value.field == field
