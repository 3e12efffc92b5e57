"""Retention: what bookkeeping law wants kept, and how long a customer may complain."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.vectors import cases, table

from checkoutflow.errors import InvalidInput, UnknownRule
from checkoutflow.law import Law
from checkoutflow.law.retention import Record, RetentionRule, financial_year_end

TODAY = date(2026, 11, 21)
COUNTRIES = ["DK", "SE", "NO", "FI", "IS"]
PARTS = ["FO", "GL", "AX", "SJ"]
LAW = Law.load()


def rule_of(**others: object) -> RetentionRule:
    return RetentionRule.read(
        {
            "market": "SE",
            "records": ["voucher"],
            "months": 84,
            "counted_from": "calendar_year",
            "valid_from": date(2020, 1, 1),
            "source": "an adviser",
            "read_on": TODAY,
            "confidence": "medium",
            **others,
        }
    )


# -- the tables ------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", cases("late_and_retention_cases", "retention"))
def test_the_last_day_of_the_vectors(vector):
    end = date.fromisoformat(vector["financial_year_end"])
    rule = LAW.retention(vector["country"], vector["record"], end)
    assert rule.until(end) == date.fromisoformat(vector["keep_through"])
    if vector["record"] == "voucher":
        assert (
            str(LAW.books_until(vector["country"], end, year_ends=end.month))
            == (vector["keep_through"])
        )


# Beside the vectors, what the table of facts has and they do not.
@pytest.mark.parametrize(
    ("market", "record", "year_ended", "last"),
    [
        ("FI", "voucher", "2026-12-31", "2032-12-31"),
        ("FI", "voucher", "2026-02-28", "2032-12-31"),
        ("FI", "books", "2026-04-30", "2036-04-30"),
        ("NO", "secondary", "2026-12-31", "2030-06-30"),
        ("NO", "voucher", "2027-02-28", "2032-02-29"),
        ("IS", "voucher", "2026-12-31", "2033-12-31"),
        ("IS", "till_roll", "2026-12-31", "2029-12-31"),
        ("DK", "books", "2026-06-30", "2031-06-30"),
        ("AX", "voucher", "2026-12-31", "2032-12-31"),
        ("SJ", "voucher", "2026-12-31", "2031-12-31"),
        ("FO", "voucher", "2026-12-31", "2031-12-31"),
        ("GL", "voucher", "2026-12-31", "2031-12-31"),
    ],
)
def test_the_last_day(market, record, year_ended, last):
    end = date.fromisoformat(year_ended)
    assert str(LAW.retention(market, record, end).until(end)) == last


FACTS = {fact["country"]: fact for fact in table("late_payment_rules").get("retention", ())}


@pytest.mark.parametrize("country", [*FACTS] or [pytest.param("", marks=pytest.mark.skip)])
def test_the_table_has_the_years_of_the_facts(country):
    fact = FACTS[country]
    years = {
        "voucher": fact.get("voucher_years", fact["years"]),
        "books": fact["years"],
        "secondary": fact.get("secondary_years"),
        "till_roll": fact.get("till_rolls_years"),
    }
    for record, length in years.items():
        found = [
            rule for rule in LAW.rules_of(RetentionRule, country, TODAY) if record in rule.records
        ]
        assert [rule.months for rule in found] == ([] if length is None else [length * 12])


@pytest.mark.parametrize("market", [*COUNTRIES, *PARTS])
def test_every_market_says_how_long_vouchers_and_contact_details_are_kept(market):
    for record in ("voucher", "books", "order", "durable_order"):
        rule = LAW.retention(market, record, TODAY)
        assert rule.confidence != "low" or rule.note
    assert LAW.books_until(market, TODAY) > LAW.contact_until(market, TODAY)


# -- vouchers of a sale ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("market", "sold", "year_ends", "last"),
    [
        ("DK", "2026-01-01", 12, "2031-12-31"),
        ("DK", "2026-12-31", 12, "2031-12-31"),
        ("DK", "2026-06-30", 6, "2031-06-30"),
        ("DK", "2026-07-01", 6, "2032-06-30"),
        ("DK", "2027-03-01", 2, "2033-02-28"),
        ("DK", "2023-02-28", 2, "2028-02-29"),
        ("SE", "2026-06-30", 6, "2033-12-31"),
        ("SE", "2026-07-01", 6, "2034-12-31"),
        ("IS", "2026-08-31", 8, "2033-08-31"),
        ("NO", "2030-01-31", 1, "2035-01-31"),
    ],
)
def test_vouchers_are_kept_from_the_end_of_the_financial_year_of_the_sale(
    market, sold, year_ends, last
):
    until = LAW.books_until(market, date.fromisoformat(sold), year_ends=year_ends)
    assert str(until) == last


@given(on=st.dates(date(2022, 7, 1), date(2200, 1, 1)), ends=st.integers(1, 12))
def test_a_financial_year_has_its_day_in_it_and_ends_with_its_month(on, ends):
    end = financial_year_end(on, ends)
    assert on <= end <= on + timedelta(days=365)
    assert (end.month, end.day) == (ends, monthrange(end.year, ends)[1])


@given(
    market=st.sampled_from([*COUNTRIES, *PARTS]),
    on=st.dates(date(2022, 7, 1), date(2200, 1, 1)),
    ends=st.integers(1, 12),
)
def test_vouchers_are_kept_for_five_years_and_at_most_nine_and_until_a_month_ends(market, on, ends):
    until = LAW.books_until(market, on, year_ends=ends)
    assert 5 <= until.year - on.year <= 9
    assert until - on >= timedelta(days=5 * 365)
    assert (until + timedelta(days=1)).day == 1


# -- while the customer may complain ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("market", "years", "durable_years"),
    [
        ("DK", 2, 2),
        ("SE", 3, 3),
        ("NO", 2, 5),
        ("SJ", 2, 5),
        ("FI", 2, 2),
        ("AX", 2, 2),
        ("IS", 2, 5),
        ("FO", 2, 2),
        ("GL", 2, 2),
    ],
)
def test_the_customer_is_known_while_they_may_complain(market, years, durable_years):
    came = date(2026, 3, 2)
    assert LAW.contact_until(market, came) == date(2026 + years, 3, 2)
    assert LAW.contact_until(market, came, durable=True) == date(2026 + durable_years, 3, 2)


@pytest.mark.parametrize(
    ("came", "last"),
    [("2024-02-29", "2026-02-28"), ("2026-02-28", "2028-02-28"), ("2026-12-31", "2028-12-31")],
)
def test_what_came_on_a_leap_day_is_complained_of_until_the_last_of_february(came, last):
    assert str(LAW.contact_until("DK", date.fromisoformat(came))) == last


# -- rules -----------------------------------------------------------------------------------------

FINANCIAL_YEAR = "the end of the financial year"
CALENDAR_YEAR = "the end of the calendar year in which the financial year ended"


@pytest.mark.parametrize(
    ("market", "record", "said"),
    [
        ("FI", "voucher", f"vouchers must be kept for 6 years from {CALENDAR_YEAR}"),
        ("IS", "books", f"vouchers and books must be kept for 7 years from {FINANCIAL_YEAR}"),
        (
            "NO",
            "secondary",
            f"secondary documents must be kept for 3 years and 6 months from {FINANCIAL_YEAR}",
        ),
        ("NO", "order", "contact details of an order are needed for 2 years from the delivery"),
    ],
)
def test_a_rule_says_what_is_kept_for_how_long_and_from_when(market, record, said):
    rule = LAW.retention(market, record, TODAY)
    assert rule.statement() == f"{market}: {said}"
    assert rule.explain().startswith(f"{market}: {said}, from {rule.valid_from} ({rule.source}; ")


@pytest.mark.parametrize(
    ("months", "words"),
    [(1, "1 month"), (12, "1 year"), (13, "1 year and 1 month"), (42, "3 years and 6 months")],
)
def test_a_duration_in_words(months, words):
    assert rule_of(months=months).duration == words


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"records": []}, "records"),
        ({"records": ["letters"]}, "records[0]"),
        ({"months": 0}, "months"),
        ({"counted_from": "purchase"}, "counted_from"),
        ({"counted_from": "delivery"}, ""),
        ({"records": ["order"]}, ""),
        ({"records": ["order", "voucher"]}, ""),
        ({"records": ["order", "voucher"], "counted_from": "delivery"}, ""),
    ],
    ids=str,
)
def test_a_bad_rule_is_refused_with_the_path(change, path):
    with pytest.raises(InvalidInput) as caught:
        rule_of(**change)
    assert caught.value.field == path


def test_a_shop_may_say_how_long_it_keeps_what():
    own = rule_of(market="GL", months=72, counted_from="financial_year")
    law = LAW.overridden_by([own])
    assert law.books_until("GL", TODAY) == date(2032, 12, 31)
    assert law.retention("GL", "voucher", TODAY).origin == "shop"
    assert law.contact_until("GL", TODAY) == LAW.contact_until("GL", TODAY)


@pytest.mark.parametrize("record", get_args(Record))
def test_before_there_was_a_rule_nothing_is_guessed(record):
    with pytest.raises(UnknownRule, match=f"how long {record} is kept in SE on 1899-01-01; add a"):
        LAW.retention("SE", record, date(1899, 1, 1))


def test_where_there_is_no_rule_at_all_the_law_says_so():
    with pytest.raises(UnknownRule, match="how long voucher is kept"):
        Law([]).books_until("SE", TODAY)
    with pytest.raises(UnknownRule, match="how long durable_order is kept"):
        Law([]).contact_until("SE", TODAY, durable=True)
