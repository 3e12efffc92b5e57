"""Money: exact, in one currency, and split without losing or making a single minor unit."""

from __future__ import annotations

import math
import operator
import pickle
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from itertools import pairwise

import pytest
from babel.numbers import get_currency_precision
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from tests.vectors import cases

from checkoutflow.errors import InvalidInput, UsageError
from checkoutflow.model import Frozen
from checkoutflow.money import (
    DIGITS,
    MAX_MINOR,
    Money,
    Rounding,
    allocate,
    digits_of,
    divide,
    share,
    spread,
    total,
)

CURRENCIES = st.sampled_from(list(DIGITS))
MINORS = st.integers(-MAX_MINOR, MAX_MINOR)
MONEY = st.builds(Money, MINORS, CURRENCIES)
WEIGHTS = st.lists(st.integers(0, 10**13), min_size=1, max_size=40).filter(any)


class Priced(Frozen):
    """A model with money in it."""

    amount: Money


# -- what is money ---------------------------------------------------------------------------------


@pytest.mark.parametrize("currency", DIGITS)
def test_currencies_have_the_digits_of_iso_4217(currency):
    assert digits_of(currency) == get_currency_precision(currency)


@pytest.mark.parametrize("minor", [True, 1.0, "1", None, Decimal(1), math.nan])
def test_only_whole_numbers_are_amounts(minor):
    with pytest.raises(InvalidInput, match="minor: an amount is a whole number"):
        Money(minor, "DKK")


@pytest.mark.parametrize("minor", [MAX_MINOR + 1, -MAX_MINOR - 1, 10**100])
def test_absurd_amounts_are_refused(minor):
    with pytest.raises(InvalidInput, match="minor: an amount is at most"):
        Money(minor, "DKK")


@pytest.mark.parametrize("currency", ["", "dkk", "XXX", "BTC", None])
def test_unknown_currencies_are_refused(currency):
    with pytest.raises(InvalidInput, match="currency: unknown currency; known are DKK"):
        Money(1, currency)


def test_the_limit_itself_is_money():
    assert -Money(MAX_MINOR, "ISK") == Money(-MAX_MINOR, "ISK")


def test_money_never_changes():
    with pytest.raises(AttributeError):
        Money(1, "DKK").minor = 2  # type: ignore[misc]  # that is the test


def test_money_travels_between_processes():
    assert pickle.loads(pickle.dumps(Money(5, "SEK"))) == Money(5, "SEK")  # noqa: S301 -- our own


# -- arithmetic ------------------------------------------------------------------------------------


def test_arithmetic_stays_in_the_currency():
    hundred, one = Money(10000, "NOK"), Money(100, "NOK")
    assert hundred + one == Money(10100, "NOK")
    assert hundred - one == Money(9900, "NOK")
    assert 3 * one == one * 3 == Money(300, "NOK")
    assert -one == Money(-100, "NOK")
    assert abs(-one) == one
    assert total([hundred, one, one], "NOK") == Money(10200, "NOK")
    assert total([], "ISK").is_zero
    assert not one.is_zero


IN_ONE_CURRENCY = [operator.add, operator.sub, operator.lt, operator.le, operator.gt, operator.ge]


@pytest.mark.parametrize("operation", IN_ONE_CURRENCY, ids=lambda operation: operation.__name__)
def test_currencies_do_not_mix(operation):
    with pytest.raises(UsageError, match="DKK and SEK do not mix"):
        operation(Money(1, "DKK"), Money(1, "SEK"))


def test_a_total_is_in_one_currency():
    with pytest.raises(UsageError, match="DKK and SEK do not mix"):
        total([Money(1, "SEK")], "DKK")


def test_equal_numbers_of_different_currencies_differ():
    assert Money(0, "DKK") != Money(0, "SEK")


@pytest.mark.parametrize("operation", IN_ONE_CURRENCY, ids=lambda operation: operation.__name__)
def test_money_is_not_a_number(operation):
    with pytest.raises(TypeError):
        operation(Money(100, "EUR"), 1)


@pytest.mark.parametrize("times", [1.0, True, Decimal(1), Money(1, "EUR")], ids=repr)
def test_money_is_multiplied_by_whole_numbers_only(times):
    with pytest.raises(TypeError):
        Money(100, "EUR") * times


@given(MINORS, MINORS)
def test_amounts_are_ordered_as_their_minor_units(a, b):
    one, other = Money(a, "EUR"), Money(b, "EUR")
    assert (one < other, one <= other, one > other, one >= other) == (a < b, a <= b, a > b, a >= b)


# -- text ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1234.50", "DKK", 123450),
        ("1234.5", "DKK", 123450),
        ("1234", "DKK", 123400),
        ("0.05", "EUR", 5),
        ("-0.05", "EUR", -5),
        ("-0", "EUR", 0),
        ("007", "SEK", 700),
        ("1990", "ISK", 1990),
        ("10000000000000", "ISK", MAX_MINOR),
    ],
)
def test_plain_decimals_are_read(text, currency, minor):
    assert Money.parse(text, currency) == Money(minor, currency)
    assert Money.read(f"{text} {currency}") == Money(minor, currency)


NOT_PLAIN = "1.234 1,50 1.000,50 1e3 1E3 +1 --1 .5 5. 0x10 1_000 \u0661\u0662 NaN £5 1.5.0".split()


@pytest.mark.parametrize(
    "text", [*NOT_PLAIN, "", " 1", "1 ", "1\n", "1 000", "9" * 15, "0." + "0" * 100_000]
)
def test_any_other_text_is_refused_without_repeating_it(text):
    with pytest.raises(InvalidInput, match=r"^amount: ") as caught:
        Money.parse(text, "DKK")
    assert not text or text not in str(caught.value).replace("1234.50", "")


def test_the_currency_says_how_many_decimals_there_are():
    with pytest.raises(InvalidInput, match="ISK has 0 decimals, not more"):
        Money.parse("1990.0", "ISK")


@pytest.mark.parametrize("text", ["129.00", "129.00DKK", "129.00  DKK", "DKK 129.00", "1 XXX", ""])
def test_an_amount_needs_its_currency(text):
    with pytest.raises(InvalidInput):
        Money.read(text)


@given(MONEY)
def test_text_reads_back(money):
    assert Money.read(str(money)) == money
    assert Money.parse(str(money.decimal()), money.currency) == money


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(-5, "DKK"), "-0.05 DKK"),
        (Money(0, "EUR"), "0.00 EUR"),
        (Money(1990, "ISK"), "1990 ISK"),
        (Money(MAX_MINOR, "SEK"), "100000000000.00 SEK"),
    ],
)
def test_text_has_the_currencys_decimals(money, text):
    assert str(money) == text


# -- what people read ------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", cases("babel_money"))
def test_amounts_are_written_as_in_the_language(vector):
    decimals = len(vector["amount"].partition(".")[2])
    if decimals > DIGITS[vector["currency"]]:  # Babel would round it half-even; money is exact
        with pytest.raises(InvalidInput, match="decimals, not more"):
            Money.parse(vector["amount"], vector["currency"])
    else:
        money = Money.parse(vector["amount"], vector["currency"])
        assert money.format(vector["locale"]) == vector["expected"]


@pytest.mark.parametrize(
    ("locale", "written"),
    [
        ("da_DK", "-1.234,56\xa0kr."),
        ("sv_SE", "-1\xa0234,56\xa0Dkr"),
        ("nb_NO", "-1\xa0234,56\xa0DKK"),
        ("nn_NO", "-1\xa0234,56\xa0DKK"),
        ("fi_FI", "-1\xa0234,56\xa0DKK"),
        ("sv_FI", "-1\xa0234,56\xa0Dkr"),
        ("is_IS", "-1.234,56\xa0DKK"),
        ("fo_FO", "-1.234,56\xa0kr"),
        ("da_GL", "-1.234,56\xa0kr."),
        ("en", "-DKK1,234.56"),
        ("da", "-1.234,56\xa0kr."),
    ],
)
def test_every_supported_locale_writes_money(locale, written):
    assert Money(-123456, "DKK").format(locale) == written


@pytest.mark.parametrize("locale", ["", "xx", "da-DK", "_", "a" * 1000])
def test_an_unknown_locale_is_refused(locale):
    with pytest.raises(InvalidInput, match="locale: no such locale"):
        Money(1, "DKK").format(locale)


# -- in models -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given_as", [Money(12900, "DKK"), {"minor": 12900, "currency": "DKK"}, "129.00 DKK", "129 DKK"]
)
def test_a_model_reads_money_in_three_forms(given_as):
    assert Priced.read({"amount": given_as}).amount == Money(12900, "DKK")


def test_an_instance_passes_through_untouched():
    money = Money(1, "DKK")
    assert Priced(amount=money).amount is money


def test_a_model_writes_money_as_minor_units():
    written = '{"amount":{"minor":12900,"currency":"DKK"}}'
    assert Priced(amount=Money(12900, "DKK")).model_dump_json() == written
    assert Priced.model_validate_json(written).amount == Money(12900, "DKK")


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"minor": 1.0, "currency": "DKK"}, "amount.minor"),
        ({"minor": "1", "currency": "DKK"}, "amount.minor"),
        ({"minor": True, "currency": "DKK"}, "amount.minor"),
        ({"minor": MAX_MINOR + 1, "currency": "DKK"}, "amount.minor"),
        ({"minor": 1, "currency": "XXX"}, "amount.currency"),
        ({"minor": 1}, "amount.currency"),
        ({"minor": 1, "currency": "DKK", "vat": 0}, "amount.vat"),
        ("12.345 DKK", "amount"),
        ("twelve DKK", "amount"),
        (12.5, "amount"),
        (12, "amount"),
        (None, "amount"),
        ([1, "DKK"], "amount"),
    ],
)
def test_a_model_refuses_anything_else_and_names_the_field(value, path):
    with pytest.raises(InvalidInput) as caught:
        Priced.read({"amount": value})
    assert caught.value.field == path
    assert "twelve" not in str(caught.value)


def test_the_schema_documents_both_written_forms():
    adapter = TypeAdapter(Money)
    written = adapter.json_schema(mode="serialization")
    assert written["additionalProperties"] is False
    assert written["required"] == ["minor", "currency"]
    assert written["properties"]["currency"]["enum"] == list(DIGITS)
    mapping, text = adapter.json_schema()["anyOf"]
    assert mapping == written
    assert text["type"] == "string"


@given(MONEY)
def test_json_reads_back(money):
    adapter = TypeAdapter(Money)
    assert adapter.validate_json(adapter.dump_json(money)) == money


def test_direct_construction_raises_pydantics_own_error():
    with pytest.raises(ValidationError):
        Priced(amount="a lot")  # type: ignore[arg-type]  # that is the test


# -- rounding --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numerator", "denominator", "half_up", "half_even", "down", "up"),
    [
        (5, 2, 3, 2, 2, 3),
        (7, 2, 4, 4, 3, 4),
        (-5, 2, -3, -2, -2, -3),
        (5, -2, -3, -2, -2, -3),
        (-5, -2, 3, 2, 2, 3),
        (4, 3, 1, 1, 1, 2),
        (5, 3, 2, 2, 1, 2),
        (-1, 3, 0, 0, 0, -1),
        (6, 3, 2, 2, 2, 2),
        (0, 7, 0, 0, 0, 0),
    ],
)
def test_rounding_by_name(numerator, denominator, half_up, half_even, down, up):
    assert divide(numerator, denominator, Rounding.HALF_UP) == half_up
    assert divide(numerator, denominator, Rounding.HALF_EVEN) == half_even
    assert divide(numerator, denominator, Rounding.DOWN) == down
    assert divide(numerator, denominator, Rounding.UP) == up


DECIMALS_WORD = {
    Rounding.HALF_UP: ROUND_HALF_UP,
    Rounding.HALF_EVEN: ROUND_HALF_EVEN,
    Rounding.DOWN: ROUND_DOWN,
    Rounding.UP: ROUND_UP,
}


@given(
    st.integers(-(10**9), 10**9),
    st.sampled_from([1, 2, 4, 5, 8, 20, 100]),
    st.sampled_from(Rounding),
)
def test_rounding_agrees_with_decimals(numerator, denominator, rounding):
    exact = Decimal(numerator) / Decimal(denominator)  # finite for these denominators
    rounded = exact.quantize(Decimal(1), rounding=DECIMALS_WORD[rounding])
    assert divide(numerator, denominator, rounding) == rounded


def test_nothing_is_divided_by_zero():
    with pytest.raises(ZeroDivisionError):
        divide(1, 0, Rounding.DOWN)


# -- splitting -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minor", "weights", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (101, [1, 1, 1], [34, 34, 33]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (100, [0, 1, 0], [0, 100, 0]),
        (10, [3333, 3333, 3334], [3, 3, 4]),
        (1, [1, 2, 2], [0, 1, 0]),
        (0, [5, 5], [0, 0]),
        (2, [1, 1, 1, 1, 1], [1, 1, 0, 0, 0]),
    ],
)
def test_what_is_left_over_goes_to_the_largest_remainders(minor, weights, parts):
    assert [part.minor for part in allocate(Money(minor, "NOK"), weights)] == parts


@given(MINORS, WEIGHTS)
def test_parts_add_up_and_each_is_within_one_unit_of_its_due(minor, weights):
    parts = spread(minor, weights)
    assert sum(parts) == minor
    for part, weight in zip(parts, weights, strict=True):
        assert type(part) is int
        assert abs(part * sum(weights) - minor * weight) < sum(weights)
        assert part == 0 or weight > 0


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**9), min_size=1, max_size=20).filter(any))
def test_a_discount_within_the_goods_never_takes_more_than_a_line_is_worth(minor, values):
    discount = min(minor, sum(values))
    assert all(part <= value for part, value in zip(spread(discount, values), values, strict=True))


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [2, -1], [-1]])
def test_weights_that_split_nothing_are_refused(weights):
    with pytest.raises(ValueError, match="weights are non-negative"):
        allocate(Money(100, "DKK"), weights)


@given(MINORS, st.data())
def test_shares_add_up_in_any_steps(minor, data):
    parts = data.draw(st.integers(1, 1000))
    stops = sorted(data.draw(st.lists(st.integers(0, parts), max_size=10)))
    whole = Money(minor, "EUR")
    reached = [share(whole, parts, stop) for stop in [0, *stops, parts]]
    steps = [later - earlier for earlier, later in pairwise(reached)]
    assert total(steps, "EUR") == whole
    assert all(step.minor * minor >= 0 for step in steps)


def test_a_share_is_never_ahead_of_what_is_due():
    hundred = Money(10000, "DKK")
    assert [share(hundred, 3, n).minor for n in range(4)] == [0, 3333, 6666, 10000]
    assert [share(-hundred, 3, n).minor for n in range(4)] == [0, -3333, -6666, -10000]


@pytest.mark.parametrize(("parts", "upto"), [(3, 4), (3, -1), (0, 0), (-1, 0)])
def test_there_is_no_share_of_parts_that_are_not_there(parts, upto):
    with pytest.raises(ValueError, match="cannot take"):
        share(Money(1, "DKK"), parts, upto)
