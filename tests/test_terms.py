"""When a bill is due: banking days of five countries, terms that move to them, and for how long."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest
from holidays import country_holidays
from hypothesis import given
from hypothesis import strategies as st

from checkoutflow.errors import InvalidInput, UnknownRule
from checkoutflow.law import Law, Market
from checkoutflow.law.banking import BankingDay, easter_sunday
from checkoutflow.payment.calendar import banking_day, is_banking_day
from checkoutflow.payment.terms import DaysGiven, Terms, compare

LAW = Law.load()
TODAY = date(2026, 11, 21)
YEARS = range(2025, 2036)
ROWS = tomllib.loads((files("checkoutflow.law") / "tables/banking_days.toml").read_text("utf-8"))

MARKETS = st.sampled_from(["DK", "SE", "NO", "FI", "IS", "FO", "GL", "AX", "SJ"])
DAYS = st.dates(date(2026, 1, 1), date(2035, 12, 31))

# From an almanac.
EASTER = """
    2025-04-20 2026-04-05 2027-03-28 2028-04-16 2029-04-01 2030-04-21 2031-04-13 2032-03-28
    2033-04-17 2034-04-09 2035-03-25
""".split()
MIDSUMMERS_EVE = """
    2025-06-20 2026-06-19 2027-06-25 2028-06-23 2029-06-22 2030-06-21 2031-06-20 2032-06-25
    2033-06-24 2034-06-23 2035-06-22
""".split()
FIRST_DAY_OF_SUMMER = """
    2025-04-24 2026-04-23 2027-04-22 2028-04-20 2029-04-19 2030-04-25 2031-04-24 2032-04-22
    2033-04-21 2034-04-20 2035-04-19
""".split()
COMMERCE_DAY = """
    2025-08-04 2026-08-03 2027-08-02 2028-08-07 2029-08-06 2030-08-05 2031-08-04 2032-08-02
    2033-08-01 2034-08-07 2035-08-06
""".split()
MOVABLE = {
    "midsummer": MIDSUMMERS_EVE,
    "summer": FIRST_DAY_OF_SUMMER,
    "commerce": COMMERCE_DAY,
}

# Day and month, or days from Easter Sunday, or a name of `MOVABLE`.
CLOSED = {
    "DK": "1.1. 5.6. 24.12. 25.12. 26.12. 31.12. -3 -2 +1 +39 +40 +50",
    "SE": "1.1. 6.1. 1.5. 6.6. 24.12. 25.12. 26.12. 31.12. -2 +1 +39 midsummer",
    "NO": "1.1. 1.5. 17.5. 24.12. 25.12. 26.12. -3 -2 +1 +39 +50",
    "FI": "1.1. 6.1. 1.5. 6.12. 24.12. 25.12. 26.12. -2 +1 +39 midsummer",
    "IS": "1.1. 1.5. 17.6. 24.12. 25.12. 26.12. 31.12. -3 -2 +1 +39 +50 summer commerce",
}


def day_of(word: str, year: int) -> date:
    if word in MOVABLE:
        return date.fromisoformat(MOVABLE[word][year - YEARS[0]])
    if word.endswith("."):
        day, month = word.rstrip(".").split(".")
        return date(year, int(month), int(day))
    return date.fromisoformat(EASTER[year - YEARS[0]]) + timedelta(int(word))


def weekdays_of(year: int) -> list[date]:
    days = (date(year, 1, 1) + timedelta(i) for i in range(366))
    return [day for day in days if day.year == year and day.weekday() < 5]


def closing(**others: object) -> BankingDay:
    return BankingDay.read(
        {
            "market": "SE",
            "name": "Inventory",
            "valid_from": date(2026, 1, 1),
            "source": "our bank",
            "read_on": TODAY,
            "confidence": "high",
            **others,
        }
    )


def market_of(**others: object) -> Market:
    return Market.read(
        {
            "currency": "EUR",
            "locales": ["en_DE"],
            "valid_from": date(2020, 1, 1),
            "source": "a test",
            "read_on": TODAY,
            "confidence": "high",
            **others,
        }
    )


# -- banking days ----------------------------------------------------------------------------------


@pytest.mark.parametrize("market", CLOSED)
@pytest.mark.parametrize("year", YEARS)
def test_on_which_weekdays_banks_are_closed(market, year):
    expected = {day_of(word, year) for word in CLOSED[market].split()}
    days = weekdays_of(year)
    closed = {day for day in days if not is_banking_day(market, day, LAW)}
    assert closed == expected.intersection(days)


def test_denmark_closes_as_its_central_bank_lists():
    listed = """
        2026-01-01 2026-04-02 2026-04-03 2026-04-06 2026-05-14 2026-05-15 2026-05-25 2026-06-05
        2026-12-24 2026-12-25 2026-12-31
        2027-01-01 2027-03-25 2027-03-26 2027-03-29 2027-05-06 2027-05-07 2027-05-17
        2027-12-24 2027-12-31
    """.split()
    days = [*weekdays_of(2026), *weekdays_of(2027)]
    assert [str(day) for day in days if not is_banking_day("DK", day, LAW)] == listed


@pytest.mark.parametrize(
    ("market", "day", "is_open"),
    [
        ("DK", "2023-05-05", False),  # the last Great Prayer Day
        ("DK", "2024-04-26", True),
        ("DK", "2026-05-01", True),
        ("SE", "2026-04-02", True),  # Maundy Thursday is half a day
        ("SE", "2026-10-30", True),
        ("NO", "2026-12-31", True),
        ("FI", "2026-12-31", True),
        ("IS", "2024-12-31", True),
        ("IS", "2025-12-31", False),
        ("NO", "2026-11-21", False),  # a Saturday
        ("NO", "2026-11-22", False),
        ("NO", "2026-11-23", True),
        ("AX", "2026-06-09", False),  # the day of autonomy
        ("FI", "2026-06-09", True),
        ("AX", "2026-06-19", False),
        ("SJ", "2026-12-24", False),
        ("FO", "2026-07-28", False),
        ("FO", "2026-07-29", False),
        ("DK", "2026-07-29", True),
        ("FO", "2026-06-05", False),  # through Denmark
        ("GL", "2027-06-21", False),
        ("GL", "2026-05-15", False),
        ("DK", "2027-06-21", True),
    ],
)
def test_days_that_are_known(market, day, is_open):
    assert is_banking_day(market, date.fromisoformat(day), LAW) == is_open


@pytest.mark.parametrize(
    ("way", "day"), [("following", date(2026, 12, 28)), ("preceding", date(2026, 12, 23))]
)
def test_the_nearest_banking_day_to_christmas_day(way, day):
    assert banking_day("SE", date(2026, 12, 25), LAW, way=way) == day
    assert banking_day("SE", day, LAW, way=way) == day


def test_a_market_that_is_not_known_has_no_banking_days():
    with pytest.raises(UnknownRule, match="no market XX"):
        is_banking_day("XX", TODAY - timedelta(1), LAW)


def test_holidays_that_are_not_known_are_not_guessed_unless_a_parent_has_them():
    friday = TODAY - timedelta(1)
    with pytest.raises(UnknownRule, match="no public holidays known for XX"):
        is_banking_day("XX", friday, LAW.overridden_by([market_of(market="XX")]))
    part = LAW.overridden_by([market_of(market="XX", parent="SE")])
    assert is_banking_day("XX", friday, part)
    assert not is_banking_day("XX", date(2026, 6, 19), part)


def test_a_shop_may_sell_where_only_the_holidays_are_known():
    law = LAW.overridden_by([market_of(market="DE")])
    assert not is_banking_day("DE", date(2026, 10, 3), law)
    assert not is_banking_day("DE", date(2026, 5, 1), law)
    assert is_banking_day("DE", date(2026, 12, 31), law)


# -- rows of banking days --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row", ROWS["banking_day"], ids=lambda row: f"{row['market']}-{row['name']}"
)
def test_every_row_is_one_day_of_every_year(row):
    rule = BankingDay.read(row)
    for year in YEARS:
        days = (date(year, 1, 1) + timedelta(i) for i in range(365 + (year % 4 == 0)))
        assert sum(rule.falls_on(day) for day in days) == 1
    assert row["name"] in rule.explain()


# Its earliest and latest dates, over centuries.
EXTREMES = """
    1734-04-25 1761-03-22 1818-03-22 1886-04-25 1913-03-23 1943-04-25 2008-03-23 2038-04-25
    2160-03-23 2190-04-25 2285-03-22 2326-04-25
""".split()


@pytest.mark.parametrize("day", [*EASTER, *EXTREMES])
def test_easter_sunday(day):
    assert easter_sunday(int(day[:4])) == date.fromisoformat(day)


def test_easter_is_where_the_library_of_holidays_has_it():
    years = range(1901, 2100)
    holidays = country_holidays("DK", years=years)
    assert all(easter_sunday(year) in holidays for year in years)


@pytest.mark.parametrize(
    ("row", "when"),
    [
        ({"month": 6, "day": 5}, "on 5.6. (Inventory)"),
        ({"month": 2, "day": 29, "closed": False}, "SE: banks are open on 29.2."),
        ({"month": 6, "day": 19, "weekday": "friday"}, "on the first friday from 19.6."),
        ({"after_easter": 40}, "on Easter Sunday +40 days"),
        ({"after_easter": -3}, "on Easter Sunday -3 days"),
    ],
    ids=str,
)
def test_a_row_says_when(row, when):
    assert when in closing(**row).explain()


def test_the_first_weekday_from_a_date_may_be_in_the_next_month_or_year():
    new_week = closing(month=12, day=28, weekday="monday")
    days = [*weekdays_of(2026), *weekdays_of(2027), *weekdays_of(2028)]
    found = [day for day in days if new_week.falls_on(day)]
    assert found == [date(2026, 12, 28), date(2028, 1, 3)]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({}, ""),
        ({"month": 6}, ""),
        ({"day": 6}, ""),
        ({"weekday": "friday"}, ""),
        ({"after_easter": 1, "month": 6, "day": 5}, ""),
        ({"after_easter": 1, "month": 6}, ""),
        ({"after_easter": 1, "weekday": "friday"}, ""),
        ({"month": 6, "day": 31}, ""),
        ({"month": 13, "day": 1}, "month"),
        ({"month": 6, "day": 5, "weekday": "fredag"}, "weekday"),
        ({"month": 6, "day": 5, "name": ""}, "name"),
        ({"after_easter": 101}, "after_easter"),
    ],
    ids=str,
)
def test_a_row_that_is_no_day_is_refused(row, field):
    with pytest.raises(InvalidInput) as caught:
        closing(**row)
    assert caught.value.field == field


def test_a_shop_that_knows_better_goes_first_and_what_it_replaces_is_named():
    open_eve = closing(market="NO", month=12, day=24, closed=False)
    law = LAW.overridden_by([open_eve, closing(month=11, day=20)])
    assert is_banking_day("NO", date(2026, 12, 24), law)
    assert not is_banking_day("NO", date(2026, 12, 25), law)
    assert not is_banking_day("SE", date(2026, 11, 20), law)
    assert is_banking_day("SE", date(2025, 11, 20), law)
    (rule,) = law.rules_of(BankingDay, "NO", date(2026, 12, 24))
    assert "instead of: NO: banks are closed on 24.12. (Christmas Eve)" in rule.explain()


def test_a_shop_may_open_a_public_holiday_and_a_day_that_the_library_says_in_another_way():
    holiday = closing(month=1, day=6, closed=False)
    midsummer = closing(month=6, day=19, closed=False, valid_to=date(2026, 12, 31))
    law = LAW.overridden_by([holiday, midsummer])
    assert is_banking_day("SE", date(2026, 1, 6), law)
    assert is_banking_day("SE", date(2026, 6, 19), law)
    assert not is_banking_day("SE", date(2027, 6, 25), law)


def test_a_shop_may_close_a_day_everywhere_but_open_no_weekend():
    strike = closing(market="ZZ", month=11, day=20)
    saturday = closing(market="ZZ", month=11, day=21, closed=False)
    law = LAW.overridden_by([strike, saturday])
    for market in ("DK", "SE", "AX"):
        assert not is_banking_day(market, date(2026, 11, 20), law)
        assert not is_banking_day(market, date(2026, 11, 21), law)


# -- due dates -------------------------------------------------------------------------------------

LAST = {"last_banking_day": True}
SALARY = {"day_of_month": 25, "on_closed_day": "preceding"}


@pytest.mark.parametrize(
    ("terms", "market", "delivered", "due"),
    [
        # 14 and 30 days
        ({"days": 14}, "SE", "2026-11-02", "2026-11-16"),
        ({"days": 14}, "SE", "2026-11-07", "2026-11-23"),  # Saturday the 21st: Monday
        ({"days": 30}, "SE", "2026-11-24", "2026-12-28"),  # Christmas Eve, a Thursday
        ({"days": 30, "on_closed_day": "preceding"}, "SE", "2026-11-24", "2026-12-23"),
        ({"days": 30}, "NO", "2026-12-01", "2026-12-31"),
        ({"days": 30}, "DK", "2026-12-01", "2027-01-04"),
        ({"days": 14}, "DK", "2026-05-01", "2026-05-18"),  # the Friday after Ascension Day
        ({"days": 14}, "FI", "2026-05-01", "2026-05-15"),
        ({"days": 0}, "DK", "2026-11-20", "2026-11-20"),
        # never before the delivery
        ({"days": 0, "on_closed_day": "preceding"}, "DK", "2026-11-21", "2026-11-23"),
        ({"days": 1, "on_closed_day": "preceding"}, "DK", "2026-11-20", "2026-11-20"),
        ({"days": 1, "on_closed_day": "preceding"}, "DK", "2026-11-21", "2026-11-23"),
        # the last banking day of the month after delivery
        (LAST, "SE", "2026-11-01", "2026-12-30"),
        (LAST, "SE", "2026-11-30", "2026-12-30"),
        (LAST, "NO", "2026-11-30", "2026-12-31"),
        (LAST, "DK", "2026-04-10", "2026-05-29"),
        (LAST, "SE", "2026-12-31", "2027-01-29"),
        (LAST, "SE", "2027-01-31", "2027-02-26"),
        ({**LAST, "months_after": 0}, "SE", "2026-11-02", "2026-11-30"),
        ({**LAST, "months_after": 2}, "SE", "2026-11-02", "2027-01-29"),
        # of the month of delivery, if it leaves two weeks
        ({**LAST, "months_after": 0, "at_least_days": 14}, "SE", "2026-11-16", "2026-11-30"),
        ({**LAST, "months_after": 0, "at_least_days": 14}, "SE", "2026-11-17", "2026-12-30"),
        ({**LAST, "months_after": 0}, "SE", "2026-12-31", "2027-01-29"),
        # a day of the month
        ({"day_of_month": 1}, "DK", "2026-11-10", "2026-12-01"),
        ({"day_of_month": 1}, "DK", "2026-12-10", "2027-01-04"),
        ({"day_of_month": 31}, "NO", "2027-01-10", "2027-03-01"),  # Sunday the 28th: Monday
        ({"day_of_month": 31}, "NO", "2026-12-10", "2027-02-01"),
        ({"day_of_month": 31}, "NO", "2028-01-10", "2028-02-29"),
        ({"day_of_month": 31, "months_after": 12}, "NO", "2027-02-10", "2028-02-29"),
        # the day of the salary, which comes early before a weekend
        (SALARY, "SE", "2026-03-10", "2026-04-24"),
        (SALARY, "SE", "2026-11-10", "2026-12-23"),
        ({**SALARY, "at_least_days": 30}, "SE", "2026-03-25", "2026-04-24"),
        ({**SALARY, "at_least_days": 31}, "SE", "2026-03-25", "2026-05-25"),
        # a date that moves gives the days that are asked for
        ({"day_of_month": 25, "at_least_days": 31}, "SE", "2026-03-25", "2026-04-27"),
        ({**SALARY, "months_after": 0, "at_least_days": 90}, "SE", "2026-03-25", "2026-06-25"),
    ],
    ids=str,
)
def test_due_dates(terms, market, delivered, due):
    found = Terms.read(terms).due(date.fromisoformat(delivered), market, LAW)
    assert found == date.fromisoformat(due)


@pytest.mark.parametrize(
    ("toml", "field", "message"),
    [
        ("", "terms", "give one of days, day_of_month and last_banking_day = true"),
        ("last_banking_day = false", "terms", "give one of"),
        ("days = 14\nlast_banking_day = true", "terms", "give one of"),
        ("days = 14\nday_of_month = 25", "terms", "give one of"),
        ("days = 14\nmonths_after = 2", "terms", "go with a day of the month"),
        ("days = 14\nat_least_days = 7", "terms", "go with a day of the month"),
        ("last_banking_day = true\non_closed_day = 'preceding'", "terms", "says nothing about"),
        ("day_of_month = 29", "terms.day_of_month", "some months have no such day"),
        ("day_of_month = 30", "terms.day_of_month", "31 is the last day of every month"),
        ("day_of_month = 0", "terms.day_of_month", "greater than or equal to 1"),
        ("days = -1", "terms.days", "greater than or equal to 0"),
        ("days = 14\non_closed_day = 'nearest'", "terms.on_closed_day", "'following'"),
        ("day = 14", "terms.day", "not permitted"),
    ],
)
def test_terms_that_say_too_little_or_too_much_are_refused_with_the_path(toml, field, message):
    with pytest.raises(InvalidInput, match=message) as caught:
        Terms.read(tomllib.loads(toml), at="terms")
    assert caught.value.field == field


@pytest.mark.parametrize("terms", [{"days": 14}, LAST, SALARY], ids=str)
def test_terms_can_be_written_and_read_again(terms):
    read = Terms.read(terms)
    assert Terms.read(read.model_dump(mode="json")) == read


MONTHLY: dict[str, Any] = {
    "months_after": st.integers(0, 3),
    "at_least_days": st.integers(0, 60),
}
ANY_TERMS = st.one_of(
    st.builds(
        Terms, days=st.integers(0, 60), on_closed_day=st.sampled_from(["following", "preceding"])
    ),
    st.builds(Terms, last_banking_day=st.just(True), **MONTHLY),
    st.builds(
        Terms,
        day_of_month=st.integers(1, 28) | st.just(31),
        on_closed_day=st.sampled_from(["following", "preceding"]),
        **MONTHLY,
    ),
)


@given(ANY_TERMS, MARKETS, DAYS)
def test_a_due_date_is_a_banking_day_and_leaves_the_time_that_was_said(terms, market, delivered):
    due = terms.due(delivered, market, LAW)
    assert is_banking_day(market, due, LAW)
    assert due >= delivered + timedelta(terms.at_least_days)
    if terms.days is not None and terms.on_closed_day == "following":
        assert due >= delivered + timedelta(terms.days)
    if terms.last_banking_day:
        assert banking_day(market, due + timedelta(1), LAW).month != due.month


@given(ANY_TERMS, MARKETS, DAYS, st.integers(0, 730))
def test_no_delivery_gets_more_than_the_longest_days(terms, market, on, later):
    delivered = on + timedelta(later)
    assert (terms.due(delivered, market, LAW) - delivered).days <= terms.longest_days(
        market, LAW, on
    )


@given(st.integers(7, 60), MARKETS, DAYS)
def test_terms_that_move_back_keep_to_their_days(days, market, on):
    assert Terms(days=days, on_closed_day="preceding").longest_days(market, LAW, on) == days


# -- how long they are -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "longest"),
    [
        ({"days": 14}, 18),  # to the Monday after Christmas Day and its Eve
        ({"days": 14, "on_closed_day": "preceding"}, 14),
        (LAST, 61),  # delivered on 1 July 2027
        ({**LAST, "months_after": 0, "at_least_days": 14}, 46),  # delivered on 13 February 2027
    ],
    ids=str,
)
def test_the_longest_that_customers_in_sweden_get(terms, longest):
    assert Terms.read(terms).longest_days("SE", LAW, TODAY) == longest


def test_the_longest_days_follow_the_shops_own_calendar():
    terms = Terms(days=14, on_closed_day="following")
    closed = [closing(month=12, day=day) for day in (28, 29, 30)]
    assert terms.longest_days("SE", LAW.overridden_by(closed), TODAY) > terms.longest_days(
        "SE", LAW, TODAY
    )


def test_a_comparison_counts_every_delivery_of_the_span():
    terms = {"two weeks": Terms(days=14), "month's end": Terms(last_banking_day=True)}
    # Monday to Sunday; two weeks later it is the same weekday, and the weekend moves to Monday.
    assert compare(terms, "SE", LAW, date(2026, 11, 2), date(2026, 11, 8)) == (
        DaysGiven("two weeks", fewest=14, average=Decimal("14.4"), most=16),
        DaysGiven("month's end", fewest=52, average=Decimal("55.0"), most=58),
    )
    one_day = compare(terms, "SE", LAW, TODAY, TODAY)
    assert one_day[0] == DaysGiven("two weeks", 16, Decimal("16.0"), 16)


def test_a_span_that_ends_before_it_begins_is_refused():
    with pytest.raises(InvalidInput) as caught:
        compare({}, "SE", LAW, TODAY, TODAY - timedelta(1))
    assert caught.value.field == "last"
