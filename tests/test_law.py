"""Law: each rule has a source and its dates, the right one is found, a shop's own goes first."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from itertools import combinations
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from babel import Locale
from babel.numbers import get_territory_currencies
from hypothesis import given
from hypothesis import strategies as st
from tests.vectors import cases, table

from checkoutflow.errors import InvalidInput, UnknownRule
from checkoutflow.law import CATEGORIES, Law, Market, Rows, Rule, VatRate

TODAY = date(2026, 11, 21)
COUNTRIES = ["DK", "SE", "NO", "FI", "IS"]
PARTS = {"FO": "DK", "GL": "DK", "AX": "FI", "SJ": "NO"}
LAW = Law.load()
ROWS: dict[str, dict[str, Any]] = {
    f"{file.name}-{kind}-{i}": row
    for file in (files("checkoutflow.law") / "tables").iterdir()
    for kind, rows in tomllib.loads(file.read_text("utf-8")).items()
    for i, row in enumerate(rows)
}

# The vectors' words for groups of categories, and ours for each of them.
WORDS = {
    "restaurant_hotel": ["restaurant", "hotel"],
    "books_newspapers": ["books", "newspapers", "newspaper_subscription"],
    "repairs_small": ["repairs"],
    "food_restaurant": ["food", "restaurant"],
    "books_medicine_transport_hotel_culture": [
        "books",
        "medicine",
        "passenger_transport",
        "hotel",
        "culture",
    ],
    "sweets_chocolate": ["sweets"],
    "transport_hotel_cinema": ["passenger_transport", "hotel", "culture"],
    "reduced_food_books_hotel": ["food", "books", "hotel"],
}


def rate_of(*, market="SE", categories=("food",), percent="7", **others) -> VatRate:
    return VatRate.read(
        {
            "market": market,
            "categories": list(categories),
            "percent": percent,
            "valid_from": date(2026, 1, 1),
            "source": "tax adviser",
            "read_on": date(2026, 1, 1),
            "confidence": "medium",
            **others,
        }
    )


# -- the tables ------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_every_row_says_where_it_is_from_and_how_sure_it_is(row):
    assert len(row["source"]) > 5
    assert row["read_on"] <= TODAY
    assert row["confidence"] in {"high", "medium", "low"}
    assert row["confidence"] != "low" or row["note"], "an unsure row says what is unsure"


def test_no_two_rows_rule_the_same_on_one_day():
    about: dict[tuple[type[Rule], str, str], list[Rule]] = {}
    for file in (files("checkoutflow.law") / "tables").iterdir():
        for rule in Rows.read(tomllib.loads(file.read_text("utf-8"))).rules():
            for key in rule.keys:
                about.setdefault((type(rule), rule.market, key), []).append(rule)
    for rules in about.values():
        for one, other in combinations(rules, 2):
            first = max(one.valid_from, other.valid_from)
            last = min(one.valid_to or date.max, other.valid_to or date.max)
            assert last < first, (one, other)


@pytest.mark.parametrize("vector", cases("vat_rates", key="rates"))
def test_the_table_of_rates_has_every_rate_and_its_dates(vector):
    first = date.fromisoformat(vector["valid_from"])
    last = date.fromisoformat(vector["valid_to"] or "2030-01-01")
    for category in WORDS.get(vector["category"], [vector["category"]]):
        for day in (first, last):
            rate = LAW.vat_rate(vector["country"], category, day)
            assert rate.percent == Decimal(vector["rate_percent"])
            assert rate.valid_from == first
            assert rate.valid_to == (last if vector["valid_to"] else None)
            assert not rate.is_fallback


@pytest.mark.parametrize("vector", cases("vat_cases", "rate"))
def test_the_rate_of_a_day(vector):
    for category in WORDS.get(vector["category"], [vector["category"]]):
        rate = LAW.vat_rate(vector["country"], category, date.fromisoformat(vector["date"]))
        assert rate.percent == Decimal(vector["rate_percent"])


@pytest.mark.parametrize("code", table("vat_rates").get("territories", {"AX": ""}))
def test_every_territory_of_the_notes_lies_behind_a_tax_border(code):
    assert LAW.market(code, TODAY).tax_border


def test_where_sources_leave_doubt_the_higher_rate_holds_and_says_so():
    books = LAW.vat_rate("DK", "books", TODAY)
    assert books.percent == 25
    assert books.confidence == "low"
    assert "higher rate" in books.explain()


# -- VAT rates -------------------------------------------------------------------------------------


@pytest.mark.parametrize("market", [*COUNTRIES, *PARTS])
@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_has_a_rate_in_every_market(market, category):
    rate = LAW.vat_rate(market, category, TODAY)
    standard = LAW.vat_rate(market, "standard", TODAY)
    assert 0 <= rate.basis <= standard.basis
    assert rate.basis == rate.percent * 100
    assert rate.origin == "library"
    assert rate.is_fallback == (category not in rate.categories)


@pytest.mark.parametrize(
    ("market", "percent"), [("FO", 25), ("GL", 0), ("SJ", 0), ("AX", Decimal("25.5"))]
)
def test_behind_a_tax_border_the_standard_rate_is_its_own(market, percent):
    assert LAW.vat_rate(market, "standard", TODAY).percent == percent


def test_aland_has_the_rates_of_finland_and_the_answer_says_so():
    rate = LAW.vat_rate("AX", "food", TODAY)
    assert rate.percent == Decimal("13.5")
    assert not rate.is_fallback
    assert "VAT in FI for food, restaurant is 13.5 %" in rate.explain()
    assert "applies to AX food" in rate.explain()


def test_a_category_without_a_rate_has_the_standard_rate_and_the_answer_says_so():
    rate = LAW.vat_rate("NO", "umbrellas", TODAY)
    assert rate.percent == 25
    assert rate.is_fallback
    assert "applies to NO umbrellas" in rate.explain()
    assert not LAW.vat_rate("NO", "standard", TODAY).is_fallback


@pytest.mark.parametrize(
    ("market", "on"), [("XX", TODAY), ("", TODAY), ("FI", date(1999, 1, 1)), ("AX", date.min)]
)
def test_where_nothing_is_known_nothing_is_guessed(market, on):
    with pytest.raises(UnknownRule, match=r"no VAT rate for .* on .*; add a row"):
        LAW.vat_rate(market, "food", on)


# -- a shop's own rows -----------------------------------------------------------------------------


def test_a_shops_row_goes_first_while_it_holds_and_names_what_it_replaces():
    law = LAW.overridden_by([rate_of(valid_to=date(2026, 6, 30))])
    before = law.vat_rate("SE", "food", date(2025, 12, 31))
    first = law.vat_rate("SE", "food", date(2026, 1, 1))
    later = law.vat_rate("SE", "food", date(2026, 6, 30))
    after = law.vat_rate("SE", "food", date(2026, 7, 1))

    assert [rate.percent for rate in (before, first, later, after)] == [12, 7, 7, 6]
    origins = [rate.origin for rate in (before, first, later, after)]
    assert origins == ["library", "shop", "shop", "library"]
    assert before.replaces is after.replaces is None
    assert first.replaces == LAW.vat_rate("SE", "food", date(2026, 1, 1))
    assert later.replaces == LAW.vat_rate("SE", "food", date(2026, 6, 30))
    assert "the shop's own rule instead of: VAT in SE for food, sweets is 12 %" in first.explain()


def test_a_shops_row_may_say_what_the_library_does_not():
    law = LAW.overridden_by([rate_of(market="DE", categories=["standard"], percent="19")])
    rate = law.vat_rate("DE", "food", TODAY)
    assert rate.percent == 19
    assert rate.origin == "shop"
    assert rate.replaces is None
    assert rate.explain().endswith("; the shop's own rule")


def test_a_shops_row_leaves_other_categories_and_the_librarys_law_alone():
    law = LAW.overridden_by([rate_of()])
    assert law.vat_rate("SE", "sweets", TODAY).percent == 6
    assert LAW.vat_rate("SE", "food", TODAY).percent == 6


def test_a_shop_may_rule_a_part_of_a_country_apart_from_it():
    law = LAW.overridden_by([rate_of(market="AX", percent="1"), rate_of(market="FI", percent="2")])
    assert law.vat_rate("AX", "food", TODAY).percent == 1
    assert law.vat_rate("FI", "food", TODAY).percent == 2


def test_a_shops_rows_must_not_contradict_each_other():
    with pytest.raises(InvalidInput, match="law: two rows rule SE food from 2026-03-01 on"):
        LAW.overridden_by([rate_of(), rate_of(valid_from=date(2026, 3, 1))])


def test_rows_that_meet_on_one_day_contradict_each_other_whatever_their_order():
    spring = rate_of(valid_to=date(2026, 6, 30))
    summer = rate_of(valid_from=date(2026, 6, 30))
    for rows in ([spring, summer], [summer, spring]):
        with pytest.raises(InvalidInput, match="two rows rule SE food"):
            LAW.overridden_by(rows)


@pytest.mark.parametrize("day", [date(2026, 3, 31), date(2026, 4, 1)])
def test_a_row_for_one_day_names_what_it_replaces_on_the_last_and_the_first_day_of_that(day):
    law = LAW.overridden_by([rate_of(valid_from=day, valid_to=day)])
    assert law.vat_rate("SE", "food", day).replaces == LAW.vat_rate("SE", "food", day)


def test_one_row_may_rule_every_category():
    law = LAW.overridden_by([rate_of(categories=CATEGORIES)])
    assert {law.vat_rate("SE", category, TODAY).percent for category in CATEGORIES} == {7}


def test_a_shops_row_cannot_pose_as_the_librarys():
    with pytest.raises(InvalidInput, match="origin: Extra inputs are not permitted"):
        rate_of(origin="library")


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 1000), st.dates())
def test_on_any_day_the_shops_row_holds_or_the_librarys(first, days, on):
    last = first + timedelta(days=days)
    law = LAW.overridden_by([rate_of(market="IS", valid_from=first, valid_to=last)])
    on = max(on, date(2015, 1, 1))  # the library knows no earlier rates of Iceland
    rate = law.vat_rate("IS", "food", on)
    if first <= on <= last:
        assert rate.percent == 7
        assert rate.origin == "shop"
        assert rate.replaces == LAW.vat_rate("IS", "food", on)
    else:
        assert rate == LAW.vat_rate("IS", "food", on)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"valid_to": date(2025, 1, 1)}, ""),
        ({"percent": "-1"}, "percent"),
        ({"percent": "101"}, "percent"),
        ({"percent": "5.125"}, "percent"),
        ({"percent": "NaN"}, "percent"),
        ({"categories": []}, "categories"),
        ({"categories": ["umbrellas"]}, "categories"),
        ({"market": "se"}, "market"),
        ({"source": ""}, "source"),
        ({"confidence": "sure"}, "confidence"),
    ],
    ids=str,
)
def test_a_bad_row_is_refused_with_the_path(change, path):
    with pytest.raises(InvalidInput) as caught:
        rate_of(**change)
    assert caught.value.field == path


# -- markets and territories -----------------------------------------------------------------------


@pytest.mark.parametrize("code", [*COUNTRIES, *PARTS])
def test_a_market_has_a_currency_and_languages(code):
    market = LAW.market(code, TODAY)
    assert market.currency in get_territory_currencies(code, TODAY, TODAY)
    assert all(str(Locale.parse(locale)) == locale for locale in market.locales)
    assert market.parent == PARTS.get(code)
    assert market.tax_border == (code in PARTS)
    assert f"{code} pays in {market.currency}" in market.explain()


def test_an_explanation_of_a_part_says_where_it_belongs():
    assert "FO pays in DKK, belongs to DK and lies behind a tax border" in (
        LAW.market("FO", TODAY).explain()
    )


def test_all_markets_countries_first():
    assert [market.market for market in LAW.markets(TODAY)] == [*COUNTRIES, *PARTS]
    assert "FI" not in [market.market for market in LAW.markets(date(2001, 12, 31))]


def test_an_unknown_market_is_refused():
    with pytest.raises(UnknownRule, match="no market XX on 2026-11-21"):
        LAW.market("XX", TODAY)


def market_of(**others: object) -> Market:
    return Market.read(
        {
            "market": "DE",
            "currency": "EUR",
            "locales": ["de_DE"],
            "valid_from": date(2002, 1, 1),
            "source": "ISO 4217",
            "read_on": TODAY,
            "confidence": "high",
            **others,
        }
    )


def test_a_shop_may_add_a_market_and_change_one():
    law = LAW.overridden_by([market_of(), market_of(market="DK")])
    assert law.market("DE", TODAY).currency == "EUR"
    assert law.market("DK", TODAY).replaces == LAW.market("DK", TODAY)
    assert [market.market for market in law.markets(TODAY)] == [*COUNTRIES, "DE", *PARTS]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"currency": "DEM"}, "currency"),
        ({"locales": []}, "locales"),
        ({"postal_codes": ["22xxx"]}, "postal_codes[0]"),
    ],
    ids=str,
)
def test_a_bad_market_is_refused_with_the_path(change, path):
    with pytest.raises(InvalidInput) as caught:
        market_of(**change)
    assert caught.value.field == path


@pytest.mark.parametrize("vector", cases("postal_codes", *COUNTRIES, *PARTS))
def test_a_postal_code_tells_a_part_from_its_country(vector):
    code = vector["country"]
    part = LAW.territory(PARTS.get(code, code), vector["input"], TODAY)
    if vector["valid"]:
        assert (part.market if part else None) == (code if code in PARTS else None)


@pytest.mark.parametrize(
    ("market", "postal_code", "part"),
    [
        ("DK", "2100", None),
        ("DK", "FO-100", "FO"),
        ("DK", "FO 100", "FO"),
        ("DK", " 188 ", "FO"),
        ("DK", "3900", "GL"),
        ("DK", "3899", None),
        ("DK", "4000", None),
        ("DK", "2412", "GL"),
        ("DK", "2411", None),
        ("FI", "22100", "AX"),
        ("FI", "AX-22100", "AX"),
        ("FI", "ax-22100", "AX"),
        ("FI", "21999", None),
        ("FI", "23000", None),
        ("NO", "9170", "SJ"),
        ("NO", "8099", "SJ"),
        ("NO", "9169", None),
        ("NO", "9180", None),
        ("SE", "221 00", None),
        ("IS", "170", None),
        ("XX", "22100", None),
        ("FI", "", None),
        ("FI", "22100 Mariehamn", None),
        ("FI", "\u0662\u0662100", None),
        ("FI", "2" * 100_000, None),
    ],
    ids=lambda value: None if value is None else value[:20],
)
def test_territories(market, postal_code, part):
    found = LAW.territory(market, postal_code, TODAY)
    assert (found.market if found else None) == part


def test_a_part_that_is_not_yet_a_part_is_not_found():
    assert LAW.territory("FI", "22100", date(1994, 12, 31)) is None


# -- the reader ------------------------------------------------------------------------------------


def test_the_tables_are_read_once():
    assert Law.load() is Law.load()


def test_a_kind_of_rule_says_what_it_states():
    rule = Rule.read(
        {
            "market": "SE",
            "valid_from": TODAY,
            "source": "nowhere",
            "read_on": TODAY,
            "confidence": "low",
        }
    )
    assert rule.keys == ("",)
    with pytest.raises(NotImplementedError):
        rule.explain()


# -- what day it is --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("market", "moment", "day"),
    [
        ("DK", "2026-11-19T22:59:59Z", "2026-11-19"),
        ("DK", "2026-11-19T23:00:00Z", "2026-11-20"),  # midnight in Copenhagen, an hour ahead
        ("SE", "2026-07-01T21:59:59Z", "2026-07-01"),
        ("SE", "2026-07-01T22:00:00Z", "2026-07-02"),  # two in summer
        ("NO", "2026-03-28T23:00:00Z", "2026-03-29"),
        ("NO", "2026-03-29T22:00:00Z", "2026-03-30"),  # from that Sunday on
        ("NO", "2026-10-24T22:00:00Z", "2026-10-25"),
        ("NO", "2026-10-25T22:59:59Z", "2026-10-25"),  # until that one
        ("FI", "2026-11-19T22:00:00Z", "2026-11-20"),
        ("AX", "2026-06-30T21:00:00Z", "2026-07-01"),
        ("IS", "2026-06-30T23:59:59Z", "2026-06-30"),
        ("GL", "2026-11-20T01:59:59Z", "2026-11-19"),
        ("GL", "2026-11-20T02:00:00Z", "2026-11-20"),
        ("FO", "2026-07-01T23:00:00Z", "2026-07-02"),
        ("XX", "2026-11-20T00:30:00+02:00", "2026-11-19"),  # not known: as in UTC
    ],
)
def test_the_day_of_the_contract_is_that_of_the_market(market, moment, day):
    assert LAW.day(market, datetime.fromisoformat(moment)) == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("market", "zone"),
    [
        ("DK", "Europe/Copenhagen"),
        ("SE", "Europe/Stockholm"),
        ("NO", "Europe/Oslo"),
        ("FI", "Europe/Helsinki"),
        ("IS", "Atlantic/Reykjavik"),
        ("FO", "Atlantic/Faroe"),
        ("AX", "Europe/Mariehamn"),
        ("SJ", "Arctic/Longyearbyen"),
    ],
)
@given(moment=st.datetimes(datetime(2005, 1, 1), datetime(2035, 1, 1)))  # noqa: DTZ001 -- of UTC
def test_our_clocks_agree_with_those_of_the_world(market, zone, moment):
    at = moment.replace(tzinfo=UTC)
    with suppress(ZoneInfoNotFoundError):  # a machine without the data cannot be asked
        assert LAW.day(market, at) == at.astimezone(ZoneInfo(zone)).date()
