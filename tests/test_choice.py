"""What can be chosen, what it costs, in which order it stands, and what the law changed of it."""

from __future__ import annotations

import string
from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from checkoutflow.cart import Cart
from checkoutflow.choice.options import options, priced
from checkoutflow.choice.rules import Rules
from checkoutflow.choice.situation import Situation, holds
from checkoutflow.choice.variants import arm_of, arms_of
from checkoutflow.choice.words import Change, Explanation, ReasonCode, Refusal
from checkoutflow.errors import UnknownRule
from checkoutflow.law import Law
from checkoutflow.law.choice import BILLS
from checkoutflow.money import Money
from checkoutflow.payment.capabilities import Capabilities
from checkoutflow.payment.outcomes import Operation
from checkoutflow.payment.steering import Experiment, Sum, When
from checkoutflow.shop import Shop
from checkoutflow.texts import LANGUAGES

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EVE = datetime(2026, 11, 19, 12, tzinfo=UTC)  # the last day of the old rules on credit
MARKETS = ("DK", "SE", "NO", "FI", "IS", "FO", "GL", "AX", "SJ")
PAYS_IN = ("DKK", "SEK", "NOK", "EUR", "ISK", "DKK", "DKK", "EUR", "NOK")
CURRENCY = dict(zip(MARKETS, PAYS_IN, strict=True))
PARCEL = {
    "id": "parcel",
    "name": "Parcel",
    "prices": ["39.00 DKK", "49.00 SEK", "59.00 NOK", "4.90 EUR", "990 ISK"],
}
PICKUP = {
    "id": "pickup",
    "name": "Pick-up point",
    "prices": ["0.00 DKK", "0.00 SEK", "0.00 NOK", "0.00 EUR", "0 ISK"],
    "to": "pickup",
}


def in_all(whole: int) -> list[str]:
    """The same number of kroner or euro in every currency."""
    return [f"{whole} {currency}" for currency in ("DKK", "SEK", "NOK", "EUR", "ISK")]


def a_shop(*methods: str | dict[str, Any], steering: Any = (), **others: Any) -> Shop:
    """A shop with some ways to pay; rules without an id get one."""
    data = {
        "name": "Test shop",
        "markets": MARKETS,
        "methods": [{"id": item} if isinstance(item, str) else item for item in methods],
        "deliveries": [PARCEL, PICKUP],
        "steering": [{"id": f"rule_{i}", **rule} for i, rule in enumerate(steering)],
    }
    return Shop.read({**data, **others})


def a_cart(price: int | str = 1000, market: str = "DK", **more: Any) -> Cart:
    """One piece of goods for so many kroner or euro; ``net`` for a price without VAT."""
    net = more.pop("net", False)
    line = {"sku": "it", "name": "It", "quantity": 1, "unit_price": f"{price} {CURRENCY[market]}"}
    return Cart.read({"lines": [{**line, **more}], "prices_include_vat": not net})


class Look:
    """The options of a shop in a situation, to look at."""

    def __init__(
        self,
        shop: Shop,
        market: str = "DK",
        price: int | str = 1000,
        *,
        at: datetime = NOW,
        cart: Cart | None = None,
        capabilities: dict[str, Capabilities] | None = None,
        **facts: Any,
    ) -> None:
        self.rules = Rules(shop, shop.law(), capabilities)
        self.s = Situation(cart=cart or a_cart(price, market), market=market, at=at, **facts)
        self.found = options(self.rules, self.s)

    @property
    def payments(self) -> list[str]:
        return [option.id for option in self.found.payments]

    @property
    def deliveries(self) -> list[str]:
        return [option.id for option in self.found.deliveries]

    def why(self, thing: str) -> str:
        """Why something is not offered: the code, empty if it is."""
        refusal = self.found.refusal(thing)
        return refusal.code if refusal else ""

    def costs(self, method: str) -> tuple[int, int]:
        """Fee and discount in minor units."""
        option = self.found.payment(method)
        assert option is not None
        return option.fee.minor, option.discount.minor

    def total(self, method: str) -> int:
        option = self.found.payment(method)
        assert option is not None
        return option.total.minor

    def to_deliver(self, delivery: str) -> int:
        option = self.found.delivery(delivery)
        assert option is not None
        return option.price.minor

    def credit(self, method: str) -> Any:
        option = self.found.payment(method)
        assert option is not None
        return option.credit

    def changes(self, thing: str | None = None) -> list[tuple[str, str]]:
        """What the law changed, and by which rule."""
        return [
            (item.change, item.rule)
            for item in self.found.explanations
            if thing is None or item.about == thing
        ]

    @property
    def preselected(self) -> list[str]:
        things = (*self.found.deliveries, *self.found.payments)
        return [thing.id for thing in things if thing.is_preselected]

    def priced(self, method: str = "", locale: str = "en") -> Any:
        return priced(self.rules, self.s, self.found, method, locale)


# -- conditions ------------------------------------------------------------------------------------

AREA = {"id": "town", "market": "DK", "postal_codes": ["1000-2499"]}


def is_true(when: dict[str, Any], **facts: Any) -> bool:
    situation = {"cart": a_cart(100, weight_g=500), "market": "DK", "at": NOW, **facts}
    return holds(When.read(when), Situation(**situation))


FLASH = {"since": "2026-11-21T12:00:00+00:00", "until": "2026-11-21T13:00:00+00:00"}
ONE_US = timedelta(microseconds=1)
CONDITIONS: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({}, {}, True),
    ({"markets": ["DK", "SE"]}, {}, True),
    ({"markets": ["SE"]}, {}, False),
    ({"customers": ["consumer"]}, {}, True),
    ({"customers": ["business"]}, {}, False),
    ({"customers": ["consumer", "business"]}, {"customer": "business"}, True),
    ({"at_least": ["100.00 DKK"]}, {}, True),
    ({"at_least": ["100.01 DKK"]}, {}, False),
    ({"at_least": ["1.00 SEK", "100.00 DKK"]}, {}, True),
    ({"at_least": ["1.00 SEK"]}, {}, False),  # no limit in this currency
    ({"below": ["100.01 DKK"]}, {}, True),
    ({"below": ["100.00 DKK"]}, {}, False),
    ({"below": ["999.00 SEK"]}, {}, False),
    ({"goods": ["general", "watches"]}, {}, True),
    ({"goods": ["watches"]}, {}, False),
    ({"areas": ["town"]}, {"areas": frozenset({"town", "isle"})}, True),
    ({"areas": ["town"]}, {"areas": frozenset({"isle"})}, False),
    ({"areas": ["town"]}, {}, False),  # before the postal code is known
    ({"outside": ["town"]}, {"areas": frozenset({"isle"})}, True),
    ({"outside": ["town", "isle"]}, {"areas": frozenset({"isle"})}, False),
    ({"outside": ["town"]}, {}, True),  # not known to live there
    ({"min_weight_g": 500}, {}, True),
    ({"min_weight_g": 501}, {}, False),
    ({"max_weight_g": 500}, {}, True),
    ({"max_weight_g": 499}, {}, False),
    ({"max_weight_g": 0}, {"cart": a_cart(1)}, True),
    ({"min_weight_g": 0}, {"cart": a_cart(1)}, True),
    ({"deliveries": ["pickup"]}, {"delivery": "pickup"}, True),
    ({"deliveries": ["pickup"]}, {"delivery": "parcel"}, False),
    ({"deliveries": ["pickup"]}, {}, False),
    (FLASH, {"at": NOW}, True),
    (FLASH, {"at": NOW - ONE_US}, False),
    (FLASH, {"at": NOW + timedelta(hours=1) - ONE_US}, True),
    (FLASH, {"at": NOW + timedelta(hours=1)}, False),
    (FLASH, {"at": NOW.astimezone(timezone(timedelta(hours=5)))}, True),
    ({"since": "2026-11-21T13:00:00+01:00"}, {}, True),
    ({"until": "2026-11-21T13:00:00+01:00"}, {}, False),
    ({"arms": ["words:b"]}, {"arms": {"words": "b"}}, True),
    ({"arms": ["words:b", "fees:a"]}, {"arms": {"words": "a", "fees": "a"}}, True),
    ({"arms": ["words:b"]}, {"arms": {"words": "a", "fees": "b"}}, False),
    ({"arms": ["words:b"]}, {}, False),
]


@pytest.mark.parametrize(("when", "facts", "expected"), CONDITIONS, ids=str)
def test_a_condition_holds_when_it_is_known_to(when, facts, expected):
    assert is_true(when, **facts) is expected


@pytest.mark.parametrize("failing", range(10))
def test_all_conditions_must_hold(failing):
    facts = {
        "cart": a_cart(100, weight_g=500),
        "areas": frozenset({"town"}),
        "delivery": "pickup",
        "arms": {"words": "b"},
    }
    good: list[dict[str, Any]] = [
        {"markets": ["DK"]},
        {"customers": ["consumer"]},
        {"at_least": ["100.00 DKK"]},
        {"below": ["101.00 DKK"]},
        {"goods": ["general"]},
        {"areas": ["town"]},
        {"min_weight_g": 500},
        {"deliveries": ["pickup"]},
        {"since": "2026-11-21T12:00:00+00:00"},
        {"arms": ["words:b"]},
    ]
    bad: list[dict[str, Any]] = [
        {"markets": ["SE"]},
        {"customers": ["business"]},
        {"at_least": ["101.00 DKK"]},
        {"below": ["100.00 DKK"]},
        {"goods": ["watches"]},
        {"areas": ["isle"]},
        {"min_weight_g": 501},
        {"deliveries": ["parcel"]},
        {"since": "2026-11-21T12:00:01+00:00"},
        {"arms": ["words:a"]},
    ]
    together: dict[str, Any] = {}
    for condition in good:
        together |= condition
    assert is_true(together, **facts)
    assert not is_true(together | bad[failing], **facts)


def test_conditions_on_worth_go_by_the_goods_after_discounts():
    cart = Cart.read(
        {
            "lines": [
                {"sku": "a", "name": "A", "quantity": 2, "unit_price": "60.00 DKK", "weight_g": 70},
                {"sku": "b", "name": "B", "quantity": 1, "unit_price": "30.00 DKK", "weight_g": 5},
            ],
            "discounts": [{"name": "Sale", "amount": "50.00 DKK"}],
        }
    )
    assert is_true({"at_least": ["100.00 DKK"], "below": ["100.01 DKK"]}, cart=cart)
    assert is_true({"min_weight_g": 145, "max_weight_g": 145}, cart=cart)


def test_the_day_of_the_contract_is_that_of_utc():
    late = datetime(2026, 11, 20, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert Situation(cart=a_cart(), market="DK", at=late).on == date(2026, 11, 19)


# -- what a rule does ------------------------------------------------------------------------------


def steered(*rules: dict[str, Any], market: str = "DK", price: int | str = 1000, **facts: Any):
    """Businesses in Denmark may be charged for a bill what was agreed."""
    shop = a_shop(
        "own_invoice",
        "bank_transfer",
        steering=[{"methods": ["own_invoice"], **rule} for rule in rules],
    )
    return Look(shop, market, price, **{"customer": "business", **facts})


@pytest.mark.parametrize(
    ("rules", "fee", "discount"),
    [
        ([{"fee": {"fixed": in_all(10)}}], 1000, 0),
        ([{"fee": {"percent": "2.5"}}], 2500, 0),
        ([{"fee": {"fixed": in_all(10), "percent": "2.5"}}], 3500, 0),
        ([{"fee": {"fixed": in_all(10), "percent": "2.5", "at_most": in_all(30)}}], 3000, 0),
        ([{"fee": {"fixed": in_all(10), "percent": "2.5", "at_most": in_all(35)}}], 3500, 0),
        ([{"fee": {"percent": 1, "at_most": in_all(0)}}], 0, 0),
        ([{"fee": {"fixed": ["10.00 SEK"], "percent": 1}}], 0, 0),
        ([{"fee": {"percent": 1, "at_most": ["10.00 SEK"]}}], 0, 0),
        ([{"discount": {"percent": 1}}], 0, 1000),
        ([{"discount": {"percent": 100}}], 0, 100_000),
        ([{"discount": {"fixed": in_all(1001)}}], 0, 100_000),
        ([{"fee": {"fixed": in_all(10)}, "discount": {"fixed": in_all(4)}}], 1000, 400),
        ([{"fee": {"fixed": in_all(10)}}, {"fee": {"percent": 1}}], 2000, 0),
        ([{"discount": {"fixed": in_all(7)}}, {"discount": {"percent": 1}}], 0, 1700),
        ([{"fee": {"fixed": in_all(10)}, "free_from": ["1000.00 DKK"]}], 0, 0),
        ([{"fee": {"fixed": in_all(10)}, "free_from": ["1000.01 DKK"]}], 1000, 0),
        ([{"fee": {"fixed": in_all(10)}, "free_from": ["1.00 SEK"]}], 1000, 0),
        ([{"free_from": ["1.00 DKK"]}, {"fee": {"fixed": in_all(10)}}], 0, 0),
        ([{"free_from": ["1.00 DKK"], "discount": {"percent": 1}}], 0, 1000),
        ([{"fee": {"fixed": in_all(10)}, "when": {"markets": ["SE"]}}], 0, 0),
    ],
    ids=str,
)
def test_fees_and_discounts_are_as_the_rules_say(rules, fee, discount):
    look = steered(*rules)
    assert look.costs("own_invoice") == (fee, discount)
    assert (
        look.total("own_invoice")
        == 100_000 + fee - discount
        == look.priced("own_invoice").total.minor
    )
    assert look.costs("bank_transfer") == (0, 0)
    assert look.total("bank_transfer") == 100_000
    assert look.found.explanations == ()


@pytest.mark.parametrize(
    ("price", "percent", "fee"),
    [("0.50", 1, 1), ("0.49", 1, 0), ("99.99", "0.01", 1), ("33.33", "1.5", 50)],
)
def test_a_percentage_is_rounded_half_up(price, percent, fee):
    assert Sum.read({"percent": percent}).of(int(Decimal(price) * 100), "DKK") == fee


def test_percentages_are_of_goods_and_delivery_without_what_vouchers_cover():
    rule = {"discount": {"percent": 10}}
    assert steered(rule, price=100).costs("own_invoice") == (0, 1000)
    assert steered(rule, price=100, delivery="parcel").costs("own_invoice") == (0, 1390)
    assert steered(rule, price=100, delivery="pickup").costs("own_invoice") == (0, 1000)
    assert steered(rule, price=100, delivery="gone").costs("own_invoice") == (0, 1000)
    half = steered(rule, price=100, delivery="parcel", credited=6950)
    assert half.costs("own_invoice") == (0, 695)
    assert half.total("own_invoice") == 13_205


def test_a_discount_is_taken_off_the_goods_and_never_more_than_what_is_left_to_pay():
    rule = {"discount": {"fixed": in_all(500)}}
    assert steered(rule, price=100, delivery="parcel").costs("own_invoice") == (0, 10_000)
    assert steered(rule, price=100, delivery="parcel").total("own_invoice") == 3900
    assert steered(rule, price=100, credited=2500).costs("own_invoice") == (0, 7500)
    assert steered(rule, price=100, credited=10_000).costs("own_invoice") == (0, 0)
    assert steered(rule, price=100, credited=99_999).costs("own_invoice") == (0, 0)


def test_the_last_rule_says_where_it_stands_and_in_which_words():
    look = steered(
        {"rank": -5, "recommend": "first words", "fee": {"fixed": in_all(1)}, "label": "Handling"},
        {
            "rank": 5,
            "recommend": {"en": "last words"},
            "discount": {"percent": 1},
            "label": "Thanks",
        },
        {"fee": {"fixed": in_all(1)}},
    )
    option = look.found.payment("own_invoice")
    assert option is not None
    assert look.payments == ["bank_transfer", "own_invoice"]
    assert option.recommendation == {"en": "last words"}
    found = look.priced("own_invoice")
    assert [(charge.id, charge.name) for charge in found.charges] == [("own_invoice", "Handling")]
    assert [(off.id, off.name) for off in found.discounts] == [("own_invoice", "Thanks")]


def test_a_rank_of_nothing_is_a_rank():
    look = steered({"rank": 5}, {"rank": 0})
    assert look.payments == ["own_invoice", "bank_transfer"]
    assert steered({"rank": 1}).payments == ["bank_transfer", "own_invoice"]
    assert steered({"rank": -1}).payments == ["own_invoice", "bank_transfer"]


def test_a_fee_and_a_discount_have_names_of_their_own():
    look = steered({"fee": {"fixed": in_all(5)}, "discount": {"percent": 1}})
    found = look.priced("own_invoice")
    assert [charge.name for charge in found.charges] == ["Fee, Invoice"]
    assert [discount.name for discount in found.discounts] == ["Discount, Invoice"]
    danish = steered({"fee": {"fixed": in_all(5)}, "label": {"da": "Gebyr", "en": "Fee"}})
    assert [charge.name for charge in danish.priced("own_invoice", "da_DK").charges] == ["Gebyr"]
    assert [charge.name for charge in danish.priced("own_invoice", "sv_SE").charges] == ["Fee"]


def test_what_is_chosen_and_not_offered_costs_nothing():
    look = Look(a_shop("card"), delivery="gone")
    assert look.priced("gone").total.minor == 100_000
    assert look.priced("card").charges == ()


def test_the_first_rule_that_hides_is_named():
    look = steered({"rank": 1}, {"hide": True}, {"hide": True})
    refusal = look.found.refusal("own_invoice")
    assert refusal == Refusal("own_invoice", "hidden", {"rule": "rule_1"})
    assert look.payments == ["bank_transfer"]


# -- deliveries ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "price"),
    [
        ([], 3900),
        ([{"fee": {"fixed": in_all(10)}}], 4900),
        ([{"discount": {"fixed": in_all(10)}}], 2900),
        ([{"discount": {"fixed": in_all(40)}}], 0),
        ([{"fee": {"fixed": in_all(10)}, "discount": {"fixed": in_all(4)}}], 4500),
        ([{"free_from": ["1000.00 DKK"]}], 0),
        ([{"free_from": ["1000.01 DKK"]}], 3900),
        ([{"free_from": ["1.00 DKK"]}, {"fee": {"fixed": in_all(10)}}], 0),
        # A percentage for a delivery is of its own price.
        ([{"discount": {"percent": 50}}], 1950),
        ([{"fee": {"percent": 10}}], 4290),
        ([{"discount": {"percent": 50, "at_most": in_all(10)}}], 2900),
    ],
    ids=str,
)
def test_a_delivery_costs_its_price_and_what_the_rules_say(rules, price):
    rules = [{"deliveries": ["parcel"], **rule} for rule in rules]
    look = Look(a_shop("bank_transfer", steering=rules), delivery="parcel")
    option = look.found.delivery("parcel")
    assert option is not None
    assert (option.price.minor, option.total.minor) == (price, 100_000 + price)
    assert look.to_deliver("pickup") == 0
    assert (
        look.total("bank_transfer") == 100_000 + price == look.priced("bank_transfer").total.minor
    )


def test_deliveries_stand_in_the_order_of_their_ranks():
    rules = [{"deliveries": ["pickup"], "rank": -1, "recommend": "Near you"}]
    look = Look(a_shop("card", steering=rules))
    assert look.deliveries == ["pickup", "parcel"]
    assert [option.recommendation for option in look.found.deliveries] == ["Near you", None]
    assert Look(a_shop("card")).deliveries == ["parcel", "pickup"]


def test_only_a_delivery_that_costs_nothing_is_chosen_beforehand():
    rules = [{"deliveries": ["parcel", "pickup"], "preselect": True}]
    look = Look(a_shop("card", steering=rules))
    assert look.preselected == ["pickup"]
    assert look.changes() == [("preselection_removed", "AddOnRule")]
    free = Look(
        a_shop("card", steering=[*rules, {"deliveries": ["parcel"], "free_from": in_all(1)}])
    )
    assert free.preselected == ["parcel"]  # one of them
    assert free.changes() == []


def test_what_the_law_says_of_a_delivery_stays_when_a_way_to_pay_of_its_name_is_refused():
    late = {"id": "parcel", "kind": "instalments_12", "creditor": "Bank"}
    shop = a_shop(
        {**late, "identifies": True, "plan": {"months": 12, "nominal_percent": 90}},
        "card",
        steering=[{"deliveries": ["parcel"], "preselect": True}],
    )
    look = Look(shop)
    assert look.payments == ["card"]
    assert look.changes("parcel") == [("preselection_removed", "AddOnRule")]


def test_a_download_is_not_delivered():
    look = Look(a_shop("card", "own_invoice"), cart=a_cart(digital=True), delivery="parcel")
    assert look.deliveries == []
    assert [look.why("parcel"), look.why("pickup")] == ["nothing_sent", "nothing_sent"]
    assert look.payments == ["card", "own_invoice"]
    assert look.total("card") == 100_000


def test_one_thing_to_send_is_enough_to_be_delivered():
    lines = [
        {"sku": sku, "name": sku, "quantity": 1, "unit_price": "10.00 DKK", "digital": sku == "a"}
        for sku in "ab"
    ]
    assert Look(a_shop("card"), cart=Cart.read({"lines": lines})).deliveries == ["parcel", "pickup"]


# -- what can be chosen ----------------------------------------------------------------------------

BANK = Capabilities(
    operations=frozenset(Operation), can_be_asked=True, currencies=frozenset({"DKK"})
)
OF_BANK = {"id": "card", "provider": "bank"}
IS_HERE = {"bank": BANK}
COSTLY = {"id": "instalments_12", "creditor": "Bank", "plan": {"months": 12, "nominal_percent": 90}}

# Reason -> what is refused, part of the words, the shop, and the situation.
REFUSALS: dict[ReasonCode, list[tuple[str, str, Shop, dict[str, Any]]]] = {
    "market": [
        ("card", "in SE", a_shop({"id": "card", "markets": ["DK"]}), {"market": "SE"}),
        ("vipps", "in DK", a_shop("vipps"), {}),
        (
            "parcel",
            "in SE",
            a_shop("card", deliveries=[{**PARCEL, "markets": ["DK"]}]),
            {"market": "SE"},
        ),
    ],
    "currency": [
        (
            "mine",
            "take DKK",
            a_shop(
                "mine",
                kinds=[
                    {
                        "id": "mine",
                        "name": "Mine",
                        "family": "wallet",
                        "instruments": ["other_instrument"],
                        "tier": "no_credit",
                        "currencies": ["SEK"],
                    }
                ],
            ),
            {},
        )
    ],
    "customer": [
        ("visa_commercial", "kind of customer", a_shop("visa_commercial"), {}),
        (
            "card",
            "kind of customer",
            a_shop({"id": "card", "customers": ["consumer"]}),
            {"customer": "business"},
        ),
    ],
    "too_small": [
        ("card", "1000.01 DKK", a_shop({"id": "card", "minimum": ["1000.01 DKK"]}), {}),
        ("swish", "1.00 SEK", a_shop("swish"), {"market": "SE", "price": "0.99"}),
        (
            "swish",
            "50.00 SEK",
            a_shop({"id": "swish", "minimum": ["50.00 SEK"]}),
            {"market": "SE", "price": 49},
        ),
    ],
    "too_large": [
        ("card", "999.99 DKK", a_shop({"id": "card", "maximum": ["999.99 DKK"]}), {}),
        ("mobilepay", "650000.00 DKK", a_shop("mobilepay"), {"price": "650000.01"}),
    ],
    "age": [
        ("own_invoice", "than 18", a_shop("own_invoice"), {"age": 17}),
        ("card", "than 21", a_shop({"id": "card", "age_limit": 21}), {"age": 20}),
        ("own_invoice", "than 18", a_shop({"id": "own_invoice", "age_limit": 0}), {"age": 17}),
    ],
    "goods": [
        (
            "own_invoice",
            "gift_card",
            a_shop("own_invoice"),
            {"cart": a_cart(goods_category="gift_card")},
        ),
        (
            "card",
            "alcohol",
            a_shop({"id": "card", "not_for": ["alcohol"]}),
            {"cart": a_cart(goods_category="alcohol")},
        ),
    ],
    "delivery": [
        (
            "card",
            "chosen delivery",
            a_shop({"id": "card", "deliveries": ["pickup"]}),
            {"delivery": "parcel"},
        ),
        ("card", "chosen delivery", a_shop({"id": "card", "deliveries": ["pickup"]}), {}),
    ],
    "no_provider": [("card", "provider bank", a_shop(OF_BANK), {"capabilities": {}})],
    "provider_currency": [
        (
            "card",
            "bank does not take SEK",
            a_shop(OF_BANK),
            {"market": "SE", "capabilities": IS_HERE},
        )
    ],
    "no_price": [
        (
            "parcel",
            "in SEK",
            a_shop("card", deliveries=[{**PARCEL, "prices": ["39.00 DKK"]}]),
            {"market": "SE"},
        )
    ],
    "nothing_sent": [("parcel", "is sent", a_shop("card"), {"cart": a_cart(digital=True)})],
    "hidden": [
        ("card", "rule rule_0", a_shop("card", steering=[{"methods": ["card"], "hide": True}]), {}),
        (
            "parcel",
            "rule rule_0",
            a_shop("card", steering=[{"deliveries": ["parcel"], "hide": True}]),
            {},
        ),
    ],
    "identification": [
        ("own_invoice", "12 c", a_shop("own_invoice"), {"market": "FI"}),
        ("own_invoice", "strong identification", a_shop("own_invoice"), {"market": "GL"}),
    ],
    "cap": [("instalments_12", "apr_percent", a_shop(COSTLY), {})],
    "plan": [
        (
            "instalments_12",
            "instalments",
            a_shop({"id": "instalments_12", "creditor": "Bank"}),
            {"price": "0.05"},
        )
    ],
}


def test_every_reason_has_a_case():
    assert set(REFUSALS) == set(get_args(ReasonCode))


@pytest.mark.parametrize(
    ("code", "thing", "words", "shop", "facts"),
    [
        pytest.param(code, *case, id=f"{code}-{i}")
        for code, cases in REFUSALS.items()
        for i, case in enumerate(cases)
    ],
)
def test_what_is_not_offered_says_why(code, thing, words, shop, facts):
    look = Look(shop, **facts)
    assert thing not in (*look.payments, *look.deliveries)
    (refusal,) = (item for item in look.found.refused if item.id == thing)
    assert refusal.code == code
    assert words in refusal.text()
    if refusal.rule is not None:
        assert refusal.rule.source in refusal.text()
    for language in LANGUAGES:
        text = refusal.text(language)
        assert not set("{}") & set(text)
        assert all(fact in text for fact in refusal.facts.values())


@pytest.mark.parametrize(
    ("shop", "facts"),
    [
        (a_shop({"id": "card", "minimum": ["1000.00 DKK"], "maximum": ["1000.00 DKK"]}), {}),
        (a_shop({"id": "card", "minimum": ["9000.00 SEK"], "maximum": ["1.00 SEK"]}), {}),
        (a_shop({"id": "card", "age_limit": 21}), {"age": 21}),
        (a_shop({"id": "card", "age_limit": 21}), {}),  # an age that is not known is not asked for
        (a_shop({"id": "card", "deliveries": ["pickup"]}), {"delivery": "pickup"}),
        (a_shop({"id": "card", "not_for": ["alcohol"]}), {}),
        (a_shop({"id": "card", "markets": ["DK"]}), {}),
        (a_shop(OF_BANK), {"capabilities": IS_HERE}),
        (a_shop(OF_BANK), {}),  # providers are not looked at
        (a_shop({"id": "card"}), {"capabilities": {}}),  # nobody else is asked
    ],
)
def test_what_just_fits_is_offered(shop, facts):
    assert Look(shop, **facts).payments == ["card"]


def test_limits_are_for_what_is_left_to_pay_and_for_vouchers_for_the_whole():
    limits = {"minimum": ["500.00 DKK"], "maximum": ["800.00 DKK"]}
    shop = a_shop({"id": "card", **limits}, {"id": "gift_card", **limits})
    look = Look(shop)
    assert (look.why("card"), look.why("gift_card")) == ("too_large", "too_large")
    look = Look(shop, credited=30_000)
    assert (look.why("card"), look.why("gift_card")) == ("", "too_large")
    look = Look(shop, price=800, credited=40_000)
    assert (look.why("card"), look.why("gift_card")) == ("too_small", "")
    assert Look(shop, price=800, credited=4000, delivery="parcel").why("card") == ""
    assert Look(shop, price=800, delivery="parcel").why("gift_card") == "too_large"


@pytest.mark.parametrize("age", [None, 18, 40])
def test_who_is_grown_up_or_may_be_can_pay_later(age):
    assert Look(a_shop("own_invoice", "card"), age=age).payments == ["card", "own_invoice"]


def test_who_is_younger_pays_at_once():
    shop = a_shop("own_invoice", {"id": "instalments_3", "creditor": "Bank"}, "amex", "card")
    assert Look(shop, age=17).payments == ["card"]
    assert Look(shop, "GL", age=17).payments == ["card"]
    law = a_shop({"id": "own_invoice", "age_limit": 0})
    refusal = Look(law, age=17).found.refusal("own_invoice")
    assert refusal is not None
    assert refusal.rule is not None  # the law's own age, which no setting takes away
    unknown = Look(a_shop({"id": "own_invoice", "age_limit": 0}), "FO", age=17)
    assert unknown.why("own_invoice") == "age"


def test_a_gift_card_is_not_bought_on_credit_nor_with_another():
    shop = a_shop("own_invoice", "amex", "card", "gift_card", "store_credit")
    look = Look(shop, cart=a_cart(goods_category="gift_card"))
    assert look.payments == ["card"]
    assert [way.id for way in look.found.vouchers] == ["store_credit"]


def test_vouchers_are_apart_and_can_be_hidden():
    shop = a_shop(
        "card",
        "gift_card",
        steering=[{"methods": ["gift_card"], "hide": True, "when": {"markets": ["SE"]}}],
    )
    look = Look(shop)
    assert look.payments == ["card"]
    assert [way.id for way in look.found.vouchers] == ["gift_card"]
    assert look.why("gift_card") == ""
    assert Look(shop, "SE").why("gift_card") == "hidden"


def test_a_total_of_nothing_has_options_without_costs():
    rules = [
        {
            "methods": ["own_invoice", "card"],
            "fee": {"fixed": in_all(9)},
            "discount": {"fixed": in_all(9)},
        }
    ]
    shop = a_shop("own_invoice", "card", steering=rules)
    look = Look(shop, price=0)
    assert {method: look.costs(method) for method in look.payments} == {
        "card": (0, 0),
        "own_invoice": (0, 0),
    }
    assert look.credit("own_invoice") is None


def test_options_can_be_asked_for_by_id():
    look = Look(a_shop("card", {"id": "own_invoice", "markets": ["SE"]}))
    assert look.found.payment("own_invoice") is None
    assert look.found.delivery("nothing") is None
    assert look.found.refusal("card") is None
    assert look.why("own_invoice") == "market"


def test_prices_without_vat_need_a_rate():
    with pytest.raises(UnknownRule):
        Look(
            a_shop("card"),
            "GL",
            at=datetime(1900, 1, 1, tzinfo=UTC),
            cart=a_cart(market="GL", net=True),
        )
