"""The annual percentage rate of charge: time as the directive counts it, and the rate it gives."""

from __future__ import annotations

import math
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tests.vectors import cases

from checkoutflow.errors import InvalidInput, UsageError
from checkoutflow.money import MAX_MINOR, Money
from checkoutflow.payment.credit import (
    annual_percentage_rate,
    deferral_apr,
    interval,
    months_after,
    rounded,
)

DAYS = st.dates(date(1990, 1, 1), date(2090, 12, 31))
UNITS = st.sampled_from(["week", "month", "year"])
LONGEST = {"week": 6, "month": 30, "year": 365}  # days left over, at most
DELIVERED = date(2026, 11, 21)


def flows(*pairs: tuple[str, str]) -> list[tuple[Fraction, Decimal]]:
    """Give flows of a vector; its times are written with 15 decimals, and are twelfths."""
    return [
        (
            Fraction(time)
            if abs(Fraction(time) * 12 - round(Fraction(time) * 12)) > Fraction(1, 10**9)
            else Fraction(round(Fraction(time) * 12), 12),
            Decimal(amount),
        )
        for time, amount in pairs
    ]


def kr(text: str) -> Money:
    return Money.parse(text, "SEK")


# -- time ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "vector", cases("apr_intervals", "interval_SWD", "interval_lib", "interval_own")
)
def test_time_is_whole_periods_counted_backwards_and_days(vector):
    start, end = (date.fromisoformat(vector[name]) for name in ("start", "end"))
    counted = interval(start, end, vector["unit"])
    assert (counted.whole, counted.days) == (vector["whole_periods"], vector["days"])
    if counted.days:
        assert counted.days_in_year == vector["days_in_year"]
    assert abs(counted.years - Fraction(vector["years"])) < Fraction(1, 10**12)


@pytest.mark.parametrize(
    ("start", "end", "unit", "whole", "days", "days_in_year"),
    [
        ("2026-11-21", "2026-11-21", "month", 0, 0, 365),
        ("2026-01-30", "2026-02-28", "month", 0, 29, 365),  # not from one month's end to another's
        ("2026-01-31", "2026-02-28", "month", 1, 0, 365),
        ("2023-02-28", "2024-02-29", "year", 1, 0, 365),
        ("2024-02-29", "2025-02-28", "year", 1, 0, 366),
        ("2024-02-28", "2024-02-29", "year", 0, 1, 366),
        ("2024-02-27", "2024-02-28", "year", 0, 1, 365),  # that year began on 2023-02-28
        ("2025-02-20", "2025-02-28", "month", 0, 8, 366),  # this one has 2024-02-29 in it
        ("2025-02-20", "2025-03-01", "month", 0, 9, 365),
    ],
)
def test_ends_of_months_and_leap_years(start, end, unit, whole, days, days_in_year):
    counted = interval(date.fromisoformat(start), date.fromisoformat(end), unit)
    assert (counted.whole, counted.days, counted.days_in_year) == (whole, days, days_in_year)


@given(DAYS, DAYS, UNITS)
def test_what_is_left_over_is_less_than_a_period(one, other, unit):
    start, end = sorted([one, other])
    counted = interval(start, end, unit)
    assert counted.whole >= 0
    assert 0 <= counted.days <= LONGEST[unit]
    real = Fraction((end - start).days * 10_000, 3_652_425)
    assert abs(counted.years - real) < Fraction(1, 40) + counted.years / 250


@given(DAYS, st.integers(0, 400))
def test_months_after_a_day_are_that_many_months(start, months):
    later = months_after(start, months)
    assume(later.day == start.day)
    assert interval(start, later).years == Fraction(months, 12)


@given(DAYS, st.integers(0, 400))
def test_a_month_that_lacks_the_day_ends_with_its_last(start, months):
    later = months_after(start, months)
    assert later.day == start.day or (later + timedelta(days=1)).day == 1
    assert later.day <= start.day
    assert (later.year - start.year) * 12 + later.month - start.month == months


def test_time_does_not_run_backwards():
    with pytest.raises(InvalidInput, match="end: must not be before the start"):
        interval(date(2026, 2, 1), date(2026, 1, 31))


# -- the rate --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "vector", cases("apr_examples", "98_7_calendar", "98_7_standard", "com_2005_483", "library")
)
def test_the_rate_of_published_examples(vector):
    apr = annual_percentage_rate(flows(*vector["drawdowns"]), flows(*vector["payments"]))
    for decimals in (1, 2, 6):
        assert str(rounded(apr, decimals)) == vector[f"apr_percent_{decimals}dp"]


@pytest.mark.parametrize("vector", cases("apr_examples", "invoice_fee_as_credit"))
def test_the_rate_of_an_invoice_with_a_fee(vector):
    drawn, due = (date.fromisoformat(vector[name]) for name in ("drawdown_date", "payment_date"))
    apr = deferral_apr(kr(vector["price"]), kr(vector["fee"]), drawn, due)
    assert str(rounded(apr)) == vector["apr_percent_1dp"]


@pytest.mark.parametrize("vector", cases("apr_intervals", "round"))
def test_a_rate_is_rounded_half_up_from_its_exact_value(vector):
    exact = Decimal(vector["value"])
    assert str(rounded(exact)) == vector["one_decimal"]
    assert str(rounded(exact, 2)) == vector["two_decimals"]


@pytest.mark.parametrize(
    ("drawdowns", "payments", "percent"),
    [
        ([(0, 1000)], [(1, 1125)], "12.5"),
        ([(0, 1000)], [(1, 1000)], "0"),
        ([(0, 1000)], [(0.5, 400), (1, 600)], "0"),
        ([(0, 1000)], [(2, 1210)], "10"),
        ([(7, 1000)], [(9, 1210)], "10"),  # from whatever day the years are counted
        ([(0, 1000), (1, 1000)], [(2, 2310)], "10"),  # 1210 + 1100
        ([(0, 1000), (1, 500)], [(1, 1100), (2, 550)], "10"),
        ([(0, 1000)], [(0, 500), (1, 550)], "10"),
        ([(0, 1000), (3, 0)], [(0, 0), (1, 1100)], "10"),
        ([(0, Decimal("10.00"))], [(Fraction(1, 2), Decimal("11.00"))], "21"),
        ([(0, 1000)], [(1, 500)], "-50"),
        ([(0, 1000)], [(1, 11)], "-98.9"),
        ([(0, 100), (1, 200)], [(0.5, 110), (2, 220)], "12.3776375389"),  # paid between drawdowns
        ([(0, 100), (2, 100)], [(1, 210)], "37.0156211872"),  # of its two roots the positive one
    ],
)
def test_the_rate_makes_both_sides_worth_the_same(drawdowns, payments, percent):
    assert annual_percentage_rate(drawdowns, payments) == Decimal(percent)


@given(
    st.integers(1, MAX_MINOR),
    st.lists(st.tuples(st.integers(1, 120), st.integers(1, 10**9)), min_size=1, max_size=36),
    st.lists(st.tuples(st.integers(-24, 0), st.integers(1, 10**9)), max_size=5),
)
@example(1, [(1, 10**9)], [])
@example(10**13, [(120, 1), (1, 10**13)], [])
def test_any_credit_paid_after_it_is_drawn_has_its_rate(credit, paid, drawn):
    drawdowns = [(0.0, credit), *((month / 12, amount) for month, amount in drawn)]
    payments = [(month / 12, amount) for month, amount in paid]

    def worth(side, percent):
        grown = 1 + percent / 100
        return sum(Decimal(amount) * grown ** Decimal(-time) for time, amount in side)

    try:
        apr = annual_percentage_rate(drawdowns, payments)
    except InvalidInput:
        assert worth(payments, Decimal(-99)) <= worth(drawdowns, Decimal(-99)) * Decimal("1.001")
    else:
        near = Decimal("1e-9") * (1 + abs(apr))
        assert worth(payments, apr - near) >= worth(drawdowns, apr - near)
        assert worth(payments, apr + near) <= worth(drawdowns, apr + near)
        assert (apr > 0) == (sum(a for _, a in payments) > sum(a for _, a in drawdowns)) or not apr


def test_a_rate_of_many_thousand_percent_is_a_rate():
    doubled_in_a_month = annual_percentage_rate([(0, 100)], [(Fraction(1, 12), 200)])
    assert str(rounded(doubled_in_a_month)) == "409500.0"
    tomorrow = DELIVERED + timedelta(days=1)
    apr = deferral_apr(kr("30.00"), kr("29.00"), DELIVERED, tomorrow)
    assert math.isclose(apr, 100 * ((59 / 30) ** 365 - 1), rel_tol=1e-9)
    beyond_floats = deferral_apr(kr("0.01"), kr("29.00"), DELIVERED, tomorrow)
    expected = (365 * Decimal(2901).ln() + Decimal(100).ln()) / Decimal(10).ln()
    assert abs(beyond_floats.log10() - expected) < Decimal("1e-9")
    assert str(rounded(beyond_floats))[-2] == "."


@pytest.mark.parametrize("due", [DELIVERED, date(2026, 12, 21)])
def test_no_cost_is_exactly_zero(due):
    apr = deferral_apr(kr("1000.00"), kr("0.00"), DELIVERED, due)
    assert (str(apr), str(rounded(apr)), str(rounded(apr, 2))) == ("0", "0.0", "0.00")


def test_a_rate_of_nearly_nothing_is_not_a_negative_zero():
    apr = annual_percentage_rate([(0, MAX_MINOR)], [(10, MAX_MINOR - 1)])
    assert str(apr) == "0"
    assert str(rounded(Decimal("-0.04"))) == "0.0"


def test_a_higher_fee_is_a_higher_rate():
    rates = [
        deferral_apr(kr("499.00"), kr(fee), DELIVERED, date(2026, 12, 5))
        for fee in ("0.00", "0.01", "19.00", "29.00", "499.00", "5000.00")
    ]
    assert all(low < high for low, high in pairwise(rates))


# -- what has no rate ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drawdowns", "payments", "complaint"),
    [
        ([], [(1, 1000)], "payments: something must be drawn"),
        ([(0, 1000)], [], "payments: something must be drawn"),
        ([(0, 0)], [(1, 1000)], "payments: something must be drawn"),
        ([(0, 1000)], [(0, 1100)], "payments: no rate exists where all is paid at once"),
        ([(0, 1000)], [(0, 1000), (1, 100)], "payments: no rate exists where all is paid at once"),
        ([(1, 1000)], [(0, 1100)], "payments: no rate exists where .* before it is drawn"),
        ([(0, 1000)], [(1, 9)], "payments: no rate exists where hardly anything is paid"),
        ([(0, -1000)], [(1, 1100)], "drawdowns: amounts must not be negative"),
        ([(0, 1000)], [(1, 1100), (2, -1)], "payments: amounts must not be negative"),
        ([(0, 1000)], [(1, 500), (102, 600)], "payments: times lie within 100 years"),
        ([(0, 1000)], [(math.inf, 1100)], "payments: times lie within 100 years"),
        ([(math.nan, 1000)], [(1, 1100)], "drawdowns: times lie within 100 years"),
    ],
)
def test_what_has_no_rate_is_refused(drawdowns, payments, complaint):
    with pytest.raises(InvalidInput, match=complaint):
        annual_percentage_rate(drawdowns, payments)


@pytest.mark.parametrize(
    ("amount", "fee", "due", "field"),
    [
        ("0.00", "29.00", date(2026, 12, 21), "amount"),
        ("-1.00", "29.00", date(2026, 12, 21), "amount"),
        ("499.00", "-0.01", date(2026, 12, 21), "fee"),
        ("499.00", "29.00", date(2026, 11, 20), "end"),
        ("499.00", "29.00", DELIVERED, "payments"),
    ],
)
def test_a_deferral_that_is_none_is_refused(amount, fee, due, field):
    with pytest.raises(InvalidInput) as refused:
        deferral_apr(kr(amount), kr(fee), DELIVERED, due)
    assert refused.value.field == field


def test_a_fee_is_in_the_currency_of_the_price():
    with pytest.raises(UsageError, match="do not mix"):
        deferral_apr(kr("499.00"), Money(100, "NOK"), DELIVERED, date(2026, 12, 21))
