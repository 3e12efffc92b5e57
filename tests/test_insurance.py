"""Insurance: which covers fit, what they cost, why others do not, and how policies live."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.covers import LINES, LONGER, PARCEL, PHONE, SHOP, cart, product
from tests.vectors import cases, table

from checkoutflow.cart import MAX_LINES, Cart
from checkoutflow.errors import IllegalTransition, InvalidInput
from checkoutflow.insurance import (
    POLICY,
    Buying,
    Found,
    Policy,
    PolicyState,
    PolicyStep,
    Product,
    find_offers,
)
from checkoutflow.insurance.bordereau import as_csv, as_document, bordereau, rows
from checkoutflow.insurance.offers import document_for, to_ask
from checkoutflow.insurance.policies import Entry, months_after, tax_in, tax_on, with_covers
from checkoutflow.insurance.quotes import MOST, Asked, Quote, read_quotes
from checkoutflow.law import Law
from checkoutflow.law.insurance import AncillaryLimits, EuroRate, PremiumTax
from checkoutflow.law.rules import EVERYWHERE
from checkoutflow.money import Money
from checkoutflow.table import reachable

LAW = Law.load()
TODAY = date(2026, 11, 21)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOTHING: Any = {}


def nok(kroner: str | float) -> Money:
    return Money.parse(str(kroner), "NOK")


def buying(of: Cart, **changes: Any) -> Buying:
    return Buying(
        **{"cart": of, "market": "NO", "on": TODAY, "at": NOW, "locale": "nb_NO", **changes}
    )


def found(of: Cart, *products: Product, **changes: Any) -> Found:
    return find_offers(products or SHOP.insurance, buying(of, **changes), LAW)


def why(of: Cart, *products: Product, **changes: Any) -> str:
    """The one reason for which nothing is offered."""
    result = found(of, *products, **changes)
    assert not result.offers
    (refusal,) = result.refused
    assert refusal.text("nb")
    return refusal.code


# The law ------------------------------------------------------------------------------------------

RISK_OF: dict[str, Any] = {
    "phone_damage": "damage",
    "tv_breakdown": "breakdown",
    "laptop_theft": "theft",
    "event_ticket_nonuse": "non_use",
    "life_cover": "other",
    "rental_car_excess": "travel",
}
(LIMITS,) = LAW.rules_of(AncillaryLimits, EVERYWHERE, TODAY)


@pytest.mark.parametrize("vector", cases("insurance_cases", "exempt"))
def test_what_may_be_sold_without_being_registered(vector):
    service = vector["service_months"]
    assert (
        LIMITS.allow(
            Money.parse(vector["premium_eur"], "EUR"),
            months=int(vector["cover_months"]),
            risks=frozenset({RISK_OF[vector["object"]]}),
            service_months=None if service is None else int(service),
        )
        is vector["expected_exempt"]
    )


@pytest.mark.parametrize("vector", cases("insurance_cases", "ipt"))
def test_the_tax_on_a_premium(vector):
    rule = LAW.rule_of(PremiumTax, vector["country"], TODAY)
    assert rule.percent == Decimal(vector["rate_percent"])
    net, gross, tax = (
        Money.parse(vector[name], "EUR").minor
        for name in ("premium_excl_tax", "premium_incl_tax", "tax")
    )
    assert tax_on(net, rule.percent) == tax == tax_in(gross, rule.percent)
    assert LAW.vat_rate(vector["country"], "insurance", TODAY).percent == Decimal(vector["vat"])


@pytest.mark.parametrize("vector", cases("insurance_rules", key="premium_tax"))
def test_every_tax_of_the_notes_is_in_the_table(vector):
    rule = LAW.rule_of(PremiumTax, vector["country"], TODAY)
    assert rule.percent == Decimal(vector["rate_percent"])
    assert rule.valid_from == date.fromisoformat(vector.get("valid_from", str(rule.valid_from)))
    is_free = rule.percent_for(frozenset({"transport"})) == 0
    assert is_free == (not rule.percent or "exempt" in vector)
    assert rule.percent_for(frozenset({"transport", "theft"})) == rule.percent


def test_the_notes_know_the_limits_of_the_exemption():
    words = " ".join(table("insurance_rules").get("idd_exempt", {}).get("conditions", ["600 200"]))
    assert str(LIMITS.yearly.minor // 100) in words
    assert str(LIMITS.service.minor // 100) in words


@pytest.mark.parametrize("market", ["FO", "GL"])
def test_where_no_tax_is_known_nothing_is_offered(market):
    assert why(cart("phone"), PHONE, market=market) == "no_rule"


def test_a_limit_in_euro_needs_no_rate_and_another_currency_does():
    finnish = product(
        minimum=[],
        maximum=[],
        premium={"fixed": ["9 EUR", "9 GBP"]},
        document={"version": "1", "urls": {"fi": "https://nordvern.example/fi"}},
    )
    for currency, is_offered in (("EUR", True), ("GBP", False)):
        line = {**LINES["phone"], "quantity": 1, "unit_price": f"400 {currency}"}
        result = found(Cart.read({"lines": [line]}), finnish, market="FI")
        assert bool(result.offers) is is_offered
        assert [each.code for each in result.refused] == ([] if is_offered else ["no_rule"])


def test_a_partner_is_asked_about_an_order_without_its_lines():
    quoted = PARCEL.model_dump(exclude_none=True, exclude={"premium"}) | {"quoted_by": "partner"}
    products = [Product.read(quoted), PHONE, LONGER]
    asked = to_ask(products, buying(cart("mug", "lamp")), LAW)["partner"]
    assert [(each.offer, each.sku, each.value) for each in asked] == [
        ("parcel_cover", "", nok(400))
    ]
    assert to_ask([products[0].but(markets=frozenset({"SE"}))], buying(cart("mug")), LAW) == {}


def test_finland_taxes_by_the_day_and_aland_as_finland():
    for market in ("FI", "AX"):
        assert LAW.rule_of(PremiumTax, market, date(2024, 8, 31)).percent == 24
        assert LAW.rule_of(PremiumTax, market, date(2024, 9, 1)).percent == Decimal("25.5")


@pytest.mark.parametrize("currency", ["DKK", "SEK", "NOK", "ISK"])
def test_each_currency_has_a_rate_and_a_shop_may_bring_its_own(currency):
    rates = LAW.rules_of(EuroRate, EVERYWHERE, TODAY)
    (rate,) = (rate for rate in rates if rate.currency == currency)
    own = rate.but(per_euro=Decimal(20))
    mine = LAW.overridden_by([own]).rules_of(EuroRate, EVERYWHERE, TODAY)
    assert Decimal(20) in {each.per_euro for each in mine if each.currency == currency}


def test_rules_say_what_they_state():
    assert LAW.rule_of(PremiumTax, "DK", TODAY).statement() == (
        "DK: 1.1 % tax on the premium, none on transport"
    )
    assert LAW.rule_of(PremiumTax, "FI", TODAY).statement() == "FI: 25.5 % tax on the premium"
    assert "no tax" in LAW.rule_of(PremiumTax, "SE", TODAY).statement()
    assert "600.00 EUR a year" in LIMITS.statement()
    assert LAW.rules_of(EuroRate, EVERYWHERE, TODAY)[0].statement() == "one euro counts as 7.43 DKK"


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (AncillaryLimits, {"risks": ["loss"], "yearly": "600 SEK", "service_months": 3}),
        (EuroRate, {"currency": "EUR", "per_euro": 1}),
        (EuroRate, {"currency": "XXX", "per_euro": 1}),
    ],
)
def test_a_bad_rule_is_refused(kind, data):
    row = {"market": "ZZ", "valid_from": TODAY, "source": "x", "read_on": TODAY}
    more = {"service": "200 EUR"} if kind is AncillaryLimits else {}
    with pytest.raises(InvalidInput):
        kind.read({**row, "confidence": "high", **data, **more})


# Offers -------------------------------------------------------------------------------------------


def test_what_is_offered_for_a_cart():
    offers = found(cart("phone", "lamp", "mug", quantity=2)).offers
    assert [(offer.id, offer.units, offer.terms.each) for offer in offers] == [
        ("phone_cover:phone", 2, nok(299)),
        ("parcel_cover", 1, nok("132.00")),  # 1.5 % of 8 800.00
        ("longer:phone", 2, nok(80)),
        ("longer:lamp", 2, nok(80)),
    ]
    assert offers[0].premium == nok(598)
    assert offers[0].terms.lines == ("phone",)
    assert offers[1].terms.lines == ("phone", "lamp", "mug")
    assert offers[0].terms.name == "Mobilforsikring"
    assert offers[0].terms.document == "2026-01"


@pytest.mark.parametrize(
    ("value", "premium"),
    [("500", 299), ("5000", 299), ("5000.01", 599), ("20000", 599)],
)
def test_bands_end_with_their_value(value, premium):
    goods = Cart.read({"lines": [{**LINES["phone"], "quantity": 1, "unit_price": f"{value} NOK"}]})
    assert found(goods, PHONE).offers[0].premium == nok(premium)


def test_a_percentage_has_a_least():
    assert found(cart("mug"), PARCEL).offers[0].premium == nok(19)


PHONE_LINE = {**LINES["phone"], "quantity": 1}


@pytest.mark.parametrize(
    ("code", "line", "changes", "situation"),
    [
        ("market", NOTHING, {"markets": ["SE"]}, NOTHING),
        ("customer", NOTHING, NOTHING, {"customer": "business"}),
        ("age", NOTHING, NOTHING, {"age": 17}),
        (
            "document",
            NOTHING,
            {"document": {"version": "1", "urls": {"fi": "https://x.fi"}}},
            NOTHING,
        ),
        ("document", NOTHING, {"document": {"version": "1"}}, NOTHING),
        ("goods", NOTHING, {"goods": ["boats"]}, NOTHING),
        ("goods", NOTHING, {"goods": [], "skus": ["boat"]}, NOTHING),
        ("used", {"condition": "used"}, {"conditions": ["new"]}, NOTHING),
        ("new", NOTHING, {"conditions": ["used"]}, NOTHING),
        ("too_old", {"age_months": 7}, NOTHING, NOTHING),
        ("too_small", {"unit_price": "499.99 NOK"}, NOTHING, NOTHING),
        ("too_large", {"unit_price": "20000.01 NOK"}, NOTHING, NOTHING),
        ("no_price", {"unit_price": "20000.01 NOK"}, {"maximum": []}, NOTHING),
        ("no_price", NOTHING, {"premium": {"fixed": ["9 DKK"]}}, NOTHING),
        ("no_price", NOTHING, {"premium": {"percent": 1, "minimum": ["9 DKK"]}}, NOTHING),
        (
            "no_price",
            {"unit_price": "0.01 NOK"},
            {"premium": {"percent": "0.01"}, "minimum": []},
            NOTHING,
        ),
        ("registration", NOTHING, {"premium": {"fixed": ["5640.01 NOK"]}}, NOTHING),
        ("registration", NOTHING, {"risks": ["other"]}, NOTHING),
        ("no_room", {"id": "phone_cover:phone"}, NOTHING, NOTHING),
        ("no_quote", NOTHING, {"premium": None, "quoted_by": "partner"}, NOTHING),
        ("no_rule", NOTHING, NOTHING, {"on": date(2012, 12, 31)}),
    ],
)
def test_what_does_not_fit_is_not_offered_and_says_why(code, line, changes, situation):
    goods = Cart.read({"lines": [{**PHONE_LINE, **line}]})
    changed = PHONE.model_dump(exclude_none=True) | changes
    changed = {name: value for name, value in changed.items() if value is not None}
    if code == "no_room":
        goods = Cart.read({"lines": [{**PHONE_LINE, **line}, {**PHONE_LINE, "id": "phone"}]})
        refused = found(goods, Product.read(changed)).refused
        assert [(each.id, each.code) for each in refused] == [("phone_cover:phone", "no_room")]
    else:
        assert why(goods, Product.read(changed), **situation) == code


def test_where_no_line_fits_an_order_the_first_says_why():
    used = Cart.read({"lines": [{**PHONE_LINE, "condition": "used"}]})
    assert why(used, PARCEL) == "used"


def test_a_registered_shop_may_sell_what_costs_more():
    dear = product(premium={"fixed": ["9000 NOK"]}, registration="Finanstilsynet 4711")
    assert found(cart("phone"), dear).offers[0].premium == nok(9000)


def test_the_limit_is_for_a_year_and_names_its_source():
    three = product(premium={"fixed": ["16920 NOK"]}, months=36)
    assert found(cart("phone"), three).offers
    (refusal,) = found(cart("phone"), three.but(months=35)).refused
    assert "2016/97" in refusal.text()
    assert "600" in refusal.text("nb")


def test_a_warranty_bears_vat_and_is_not_for_prices_without():
    offer = found(cart("lamp"), LONGER).offers[0]
    assert offer.tax == nok(0)
    assert offer.terms.insurer == ""
    business = LONGER.but(customers=frozenset({"business"}))
    assert (
        why(cart("lamp", prices_include_vat=False), business, customer="business") == "without_vat"
    )


def test_insurance_is_for_prices_without_vat_too():
    business = PHONE.but(customers=frozenset({"business"}))
    offers = found(cart("phone", prices_include_vat=False), business, customer="business").offers
    assert offers[0].premium == nok(299)


def test_tax_is_in_the_price_or_comes_on_top():
    danish: Any = {
        "document": {"version": "1", "urls": {"da": "https://nordvern.example/da"}},
        "minimum": [],
        "maximum": [],
    }
    line = {**PHONE_LINE, "unit_price": "4000 DKK"}
    goods = Cart.read({"lines": [line]})
    for tax, premium, price, part in [("included", 10009, 10009, 109), ("added", 9900, 10009, 109)]:
        fixed = {"fixed": [{"minor": premium, "currency": "DKK"}]}
        offer = found(goods, product(**danish, premium=fixed, tax=tax), market="DK").offers[0]
        assert (offer.premium.minor, offer.tax.minor) == (price, part)
    transport = product(**danish, premium={"fixed": ["99 DKK"]}, risks=["transport"])
    assert found(goods, transport, market="DK").offers[0].tax.minor == 0


def test_no_more_covers_than_lines_fit_in_a_cart():
    lines = [{**PHONE_LINE, "id": f"{i}"} for i in range(MAX_LINES - 1)]
    result = found(Cart.read({"lines": lines}), PHONE)
    assert len(result.offers) == 1
    assert {each.code for each in result.refused} == {"no_room"}


def test_an_offer_for_a_line_with_a_long_id_has_one_that_fits():
    goods = Cart.read({"lines": [{**PHONE_LINE, "id": "x" * 100}]})
    (offer,) = found(goods, PHONE).offers
    assert offer.id.startswith("phone_cover:")
    assert len(offer.id) <= 100


def test_a_refusal_is_found_by_offer_or_product():
    result = found(cart("mug"), PHONE)
    for name in ("phone_cover:mug", "phone_cover"):
        refusal = result.refusal(name)
        assert refusal is not None
        assert refusal.code == "goods"
    assert result.refusal("sofa") is None
    assert result.offer("sofa") is None


def test_words_and_places_are_tried_and_named():
    tried = product(
        wordings=[
            {"arms": ["words:b"], "text": "Sleep well"},
            {"arms": ["place:last"], "rank": 5},
        ]
    )
    for arms, text, wording, rank in [
        ({"words": "a"}, None, "", 0),
        ({"words": "b"}, "Sleep well", "words:b", 0),
        ({"place": "last"}, None, "place:last", 5),
    ]:
        (offer,) = found(cart("phone"), tried, arms=arms).offers
        assert (offer.wording.text if offer.wording else None) == text
        assert offer.terms.wording == wording
        assert offer.rank == rank
    last = found(cart("phone"), tried, LONGER, arms={"place": "last"}).offers
    assert [offer.product.id for offer in last] == ["longer", "phone_cover"]


@pytest.mark.parametrize(
    ("locales", "language"),
    [
        (["nb_NO"], "nb"),
        (["nn_NO"], "nb"),
        (["en_GB", "nb_NO"], "nb"),
        (["fi_FI"], None),
    ],
)
def test_the_document_is_in_a_language_that_is_read_there(locales, language):
    where = document_for(PHONE, locales)
    assert (where[0] if where else None) == language


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"insurer": ""}, "insurer"),
        ({"premium": {}}, "premium"),
        ({"premium": {"fixed": ["1 NOK"], "percent": 1}}, "premium"),
        ({"premium": {"fixed": ["1 NOK"], "minimum": ["1 NOK"]}}, "premium"),
        ({"premium": {"fixed": ["0 NOK"]}}, "premium"),
        ({"premium": {"bands": [{"up_to": "1 NOK", "premium": "1 DKK"}]}}, "premium.bands[0]"),
        ({"premium": {"bands": [{"up_to": "1 NOK", "premium": "1 NOK"}] * 2}}, "premium"),
        ({"quoted_by": "partner"}, ""),
        ({"maximum": ["1 NOK"]}, "maximum"),
        ({"details": ["national_id"]}, "details"),
        ({"cooling_off_days": 13}, "cooling_off_days"),
        ({"document": {"version": "1", "urls": {"nb": "http://x.no"}}}, "document.urls.nb"),
        ({"wordings": [{"arms": ["a:b"]}]}, "wordings[0]"),
        ({"kind": "warranty", "insurer": "nordvern"}, "insurer"),
        ({"kind": "warranty", "insurer": "", "commission_percent": 0, "tax": "added"}, "tax"),
        ({"questions": [PHONE.questions[0].model_dump()] * 2}, "questions"),
        (
            {"questions": [{"id": "q", "text": "?", "answers": [{"id": "a", "text": "A"}] * 2}]},
            "questions[0].answers",
        ),
        (
            {
                "questions": [
                    {
                        "id": "q",
                        "text": "?",
                        "answers": [{"id": x, "text": x, "fits": False} for x in "ab"],
                    }
                ]
            },
            "questions[0].answers",
        ),
    ],
)
def test_a_wrong_product_is_named_by_its_path(changes, path):
    with pytest.raises(InvalidInput) as refused:
        product(**changes)
    assert refused.value.field == path


# Policies -----------------------------------------------------------------------------------------


def policy(of: Product = PHONE, name: str = "phone", units: int = 2) -> Policy:
    """A cover that a customer accepted."""
    (offer,) = found(cart(name, quantity=units), of).offers
    return Policy(id=offer.id, terms=offer.terms).moved(PolicyStep.ACCEPTED)


def bound(units: int = 2) -> Policy:
    return policy(units=units).bound(units, NOW, TODAY, TODAY + timedelta(days=14))


def test_every_state_can_be_reached_and_steps_lead_where_they_should():
    assert reachable(POLICY, PolicyState.OFFERED) == set(PolicyState)
    accepted = policy()
    assert accepted.moved(PolicyStep.DECLINED).moved(PolicyStep.ACCEPTED) == accepted
    assert accepted.moved(PolicyStep.LAPSED).state is PolicyState.CANCELLED
    with pytest.raises(IllegalTransition):
        accepted.moved(PolicyStep.CANCELLED)
    with pytest.raises(IllegalTransition):
        bound().moved(PolicyStep.DECLINED)


def test_a_bound_policy_has_its_days():
    cover = bound()
    assert (cover.starts, cover.ends) == (TODAY, date(2027, 11, 21))
    assert cover.last_day == date(2027, 11, 20)
    assert (cover.units, cover.premium) == (2, nok(598))
    assert policy().last_day is None


@pytest.mark.parametrize(
    ("days", "back"),
    [(0, 29900), (14, 29900), (15, 28589), (364, 0), (365, 0), (363, 82), (1000, 0), (-3, 29900)],
)
def test_what_goes_back_by_the_day_on_which_the_cover_ends(days, back):
    assert bound().give_back(nok(299), TODAY + timedelta(days=days)).minor == back


def test_what_is_not_bound_goes_back_whole():
    assert policy().give_back(nok(299), date(2090, 1, 1)) == nok(299)


@given(
    paid=st.integers(0, 10**9),
    months=st.integers(1, 120),
    days=st.integers(-10, 5000),
    more=st.integers(0, 5000),
)
def test_never_more_goes_back_than_was_paid_and_never_more_later(paid, months, days, more):
    cover = policy().but(terms=PHONE_TERMS.but(months=months))
    cover = cover.bound(1, NOW, TODAY, TODAY + timedelta(days=14))
    amounts = [
        cover.give_back(Money(paid, "NOK"), TODAY + timedelta(days=day)).minor
        for day in (days, days + more)
    ]
    assert paid >= amounts[0] >= amounts[1] >= 0


PHONE_TERMS = found(cart("phone"), PHONE).offers[0].terms


def entry(units: int, minor: int, kind: Any = "cancelled", day: int = 1, part: str = "r1") -> Entry:
    at = NOW + timedelta(days=day)
    return Entry(
        kind=kind, units=units, premium=Money(minor, "NOK"), at=at, on=at.date(), part=part
    )


def test_an_account_is_only_added_to():
    cover = bound().entered(entry(-1, -29900))
    assert (cover.state, cover.units, cover.premium) == ("bound", 1, nok(299))
    cover = cover.entered(entry(-1, -10000, part="r2"))
    assert (cover.state, cover.units, cover.premium) == ("cancelled", 0, nok(199))
    cover = cover.entered(entry(1, 10000, "reinstated", part="r2"))
    assert (cover.state, cover.units, cover.premium) == ("bound", 1, nok(299))
    assert (cover.settled("r1"), cover.settled("r2"), cover.settled("")) == (1, 0, 0)
    cover = cover.entered(entry(0, 0, "replaced", part=""))
    assert cover.state == "bound"
    assert len(cover.entries) == 5


def test_a_cover_is_a_line_of_the_cart_while_it_is_accepted():
    goods = cart("phone", "lamp", quantity=2)
    covers = [policy(), policy(LONGER, "lamp"), policy(PARCEL, "lamp")]
    whole = with_covers(goods, covers)
    assert [(line.id, line.kind, line.quantity, line.insures) for line in whole.lines[2:]] == [
        ("phone_cover:phone", "insurance", 2, ("phone",)),
        ("longer:lamp", "warranty", 2, ("lamp",)),
        ("parcel_cover", "insurance", 1, ("lamp",)),
    ]
    assert whole.worth == goods.worth
    assert whole.covers == nok(598) + nok(160) + nok(19)
    assert with_covers(whole, covers) is whole
    assert with_covers(whole, []).lines == goods.lines
    assert with_covers(goods, [covers[0].moved(PolicyStep.DECLINED)]) is goods
    assert with_covers(cart("mug"), covers).lines == cart("mug").lines


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2026, 1, 31), 1, date(2026, 3, 1)),
        (date(2028, 1, 29), 1, date(2028, 2, 29)),
        (date(2027, 1, 29), 1, date(2027, 3, 1)),
        (date(2026, 12, 31), 2, date(2027, 3, 1)),
        (date(2026, 10, 31), 1, date(2026, 12, 1)),
        (date(2026, 11, 30), 1, date(2026, 12, 30)),
        (date(2026, 12, 5), 120, date(2036, 12, 5)),
    ],
)
def test_months_later(day, months, then):
    assert months_after(day, months) == then


# The bordereau ------------------------------------------------------------------------------------


def test_an_insurer_is_told_what_came_and_went():
    cover = bound().entered(entry(-1, -29900, day=10)).entered(entry(-1, -10000, day=40, part="r2"))
    told = list(rows("co", "NO", [cover, policy(LONGER, "lamp"), policy()]))
    assert [(row.entry, row.units, row.premium.minor, row.due.minor) for row in told] == [
        ("bound", 2, 59800, 47840),
        ("cancelled", -1, -29900, -23920),
        ("cancelled", -1, -10000, -8000),
    ]
    november = bordereau(told, "nordvern", date(2026, 11, 1), date(2026, 11, 30))
    december = bordereau(told, "nordvern", date(2026, 12, 1), date(2026, 12, 31))
    assert [len(november.rows), len(december.rows)] == [1, 2]
    assert not bordereau(told, "other", date(2026, 11, 1), date(2026, 12, 31)).rows
    assert november.sums["NOK"].premium + december.sums["NOK"].premium == cover.premium.minor
    document: Any = as_document(december)
    assert document["sums"]["NOK"]["cancelled"] == -39900
    assert document["rows"][0]["premium"] == {"minor": -29900, "currency": "NOK"}
    assert document["rows"][0]["counts_from"] == "2026-12-01"
    header, *lines = as_csv(december).splitlines()
    assert header.split(",")[-1] == "currency"
    assert lines[0].split(",")[6:10] == ["-299.00", "0.00", "-59.80", "-239.20"]
    assert lines[0].endswith(",NOK")


def test_no_spreadsheet_takes_a_name_for_a_formula():
    cover = bound().but(terms=PHONE_TERMS.but(document="=1+1"))
    made = bordereau(rows("co", "NO", [cover]), "nordvern", TODAY, TODAY)
    assert ",'=1+1," in as_csv(made)


@given(
    each=st.integers(1, 10**7),
    units=st.integers(1, 20),
    tax=st.sampled_from(["0", "1.1", "25.5"]),
    commission=st.decimals(0, 100, places=2),
    data=st.data(),
)
def test_sums_of_rows_are_what_stands_however_a_policy_goes(each, units, tax, commission, data):
    terms = PHONE_TERMS.but(
        each=Money(each, "NOK"), tax_percent=Decimal(tax), commission_percent=commission
    )
    cover = policy().but(terms=terms).bound(units, NOW, TODAY, TODAY)
    while cover.units:
        gone = data.draw(st.integers(1, cover.units))
        back = data.draw(st.integers(0, each)) * gone
        cover = cover.entered(entry(-gone, -back, part=f"r{cover.units}"))
        told = list(rows("co", "NO", [cover]))
        stands = cover.premium.minor
        assert sum(row.premium.minor for row in told) == stands
        assert sum(row.tax.minor for row in told) == terms.tax(stands)
        assert sum(row.commission.minor for row in told) == terms.commission(stands)
        assert sum(row.due.minor for row in told) == stands - terms.commission(stands)
    assert cover.state == "cancelled"


# Quotes -------------------------------------------------------------------------------------------

ASKED = [
    Asked(offer="phone_cover:phone", product="phone_cover", market="NO", value=nok(4000)),
]
GOOD = {
    "offer": "phone_cover:phone",
    "premium": {"minor": 24900, "currency": "NOK"},
    "reference": "Q-1",
    "valid_until": "2026-11-21T13:00:00Z",
}


def test_a_quote_is_read_and_makes_an_offer_while_it_holds():
    (quote,) = read_quotes({"quotes": [GOOD | {"more": 1}]}, ASKED, NOW)
    quoted = Product.read(
        PHONE.model_dump(exclude_none=True, exclude={"premium"}) | {"quoted_by": "partner"}
    )
    quotes = {quote.offer: quote}
    (offer,) = found(cart("phone"), quoted, quotes=quotes).offers
    assert (offer.premium, offer.terms.quote) == (nok(249), "Q-1")
    assert why(cart("phone"), quoted, quotes=quotes, at=quote.valid_until) == "no_quote"
    dearer = Cart.read({"lines": [{**PHONE_LINE, "unit_price": "4001 NOK"}]})
    assert why(dearer, quoted, quotes=quotes) == "no_quote"


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        {"quotes": {}},
        {"quotes": [None, 1, [], "x"]},
        {"quotes": [GOOD | {"offer": "sofa"}]},
        {"quotes": [GOOD | {"premium": {"minor": 0, "currency": "NOK"}}]},
        {"quotes": [GOOD | {"premium": {"minor": -1, "currency": "NOK"}}]},
        {"quotes": [GOOD | {"premium": {"minor": 100, "currency": "SEK"}}]},
        {"quotes": [GOOD | {"premium": "cheap"}]},
        {"quotes": [GOOD | {"reference": "two words"}]},
        {"quotes": [GOOD | {"valid_until": "2026-11-21T12:00:00Z"}]},
        {"quotes": [GOOD | {"valid_until": "2026-11-21T13:00:00"}]},
        {"quotes": [None] * MOST + [GOOD]},
    ],
)
def test_what_is_no_quote_does_no_harm(told):
    assert read_quotes(told, ASKED, NOW) == ()


def test_of_two_quotes_for_one_offer_the_last_counts():
    other = GOOD | {"reference": "Q-2"}
    assert [quote.reference for quote in read_quotes({"quotes": [GOOD, other]}, ASKED, NOW)] == [
        "Q-2"
    ]


def test_a_quote_is_a_plain_value():
    (quote,) = read_quotes({"quotes": [GOOD]}, ASKED, NOW)
    assert Quote.read(quote.model_dump()) == quote
