"""What can be chosen, what it costs, in which order it stands, and what the law changed of it."""

from __future__ import annotations

import string
from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import pairwise
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkoutflow.cart import Cart
from checkoutflow.choice.options import options, priced, with_only_delivery
from checkoutflow.choice.rules import Rules
from checkoutflow.choice.situation import Situation, holds
from checkoutflow.choice.variants import arm_of, arms_of
from checkoutflow.choice.words import Change, Explanation, ReasonCode, Refusal
from checkoutflow.errors import UnknownRule
from checkoutflow.law.choice import BILLS
from checkoutflow.money import Money
from checkoutflow.payment.capabilities import Capabilities
from checkoutflow.payment.outcomes import Operation
from checkoutflow.payment.steering import Experiment, Sum, When
from checkoutflow.shop import Shop
from checkoutflow.texts import LANGUAGES

# What explanations call the rules that have no id.
ORDER, ADD_ON = "presentation rule", "add on rule"
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
        deliveries = [item.id for item in self.found.deliveries if item.is_preselected]
        return [*deliveries, *(item.id for item in self.found.payments if item.is_preselected)]

    def priced(self, method: str = "", locale: str = "en") -> Any:
        return priced(self.rules, self.s, self.found, method, locale)


# -- conditions ------------------------------------------------------------------------------------

AREA = {"id": "town", "market": "DK", "postal_codes": ["1000-2499"]}


def is_true(when: dict[str, Any], **facts: Any) -> bool:
    situation = {"cart": a_cart(100, weight_g=500), "market": "DK", "at": NOW, **facts}
    return holds(When.read(when), Situation(**situation))


FLASH = {"since": "2026-11-21T12:00:00+00:00", "until": "2026-11-21T13:00:00+00:00"}
ONE_US = timedelta(microseconds=1)
CONDITIONS: list[Any] = [
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
    # A set of two has no one way to be printed, and this test needs one name.
    pytest.param(
        {"areas": ["town"]}, {"areas": frozenset({"town", "isle"})}, True, id="one-of-two-areas"
    ),
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
        {"below": ["102.00 DKK"]},
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
        {"at_least": ["1.00 DKK"], "below": ["100.00 DKK"]},
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
        {"fee": {"fixed": in_all(1)}, "discount": {"percent": 1}},
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
    assert look.changes() == [("preselection_removed", ADD_ON)]
    free = Look(
        a_shop("card", steering=[*rules, {"deliveries": ["parcel"], "free_from": in_all(1)}])
    )
    assert free.preselected == ["parcel"]  # one of them
    assert free.changes() == []


@pytest.mark.parametrize(
    ("deliveries", "chosen", "expected"),
    [
        ([PARCEL], "", "parcel"),
        ([PARCEL], "gone", "parcel"),
        ([PARCEL, PICKUP], "", ""),
        ([PARCEL, PICKUP], "gone", ""),
        ([PARCEL, PICKUP], "pickup", "pickup"),
        ([], "", ""),
    ],
)
def test_where_only_one_delivery_is_offered_it_is_taken(deliveries, chosen, expected):
    look = Look(a_shop("bank_transfer", deliveries=deliveries), delivery=chosen)
    s, found = with_only_delivery(look.rules, look.s)
    assert s.delivery == expected
    assert found == options(look.rules, s)
    (option,) = found.payments
    assert option.total.minor == 100_000 + (3900 if expected == "parcel" else 0)


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

CELLAR = Cart.read(
    {
        "lines": [
            {
                "sku": word,
                "name": word,
                "quantity": 1,
                "unit_price": "9.00 DKK",
                "goods_category": word,
            }
            for word in ("wine", "alcohol", "general")
        ]
    }
)

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
        ("card", "1,000.01", a_shop({"id": "card", "minimum": ["1000.01 DKK"]}), {}),
        ("swish", "1.00", a_shop("swish"), {"market": "SE", "price": "0.99"}),
        (
            "swish",
            "50.00",
            a_shop({"id": "swish", "minimum": ["50.00 SEK"]}),
            {"market": "SE", "price": 49},
        ),
    ],
    "too_large": [
        ("card", "999.99", a_shop({"id": "card", "maximum": ["999.99 DKK"]}), {}),
        ("mobilepay", "650,000.00", a_shop("mobilepay"), {"price": "650000.01"}),
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
            "category alcohol",
            a_shop({"id": "card", "not_for": ["wine", "alcohol", "beer"]}),
            {"cart": CELLAR},
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
    "no_route": [
        (
            "card",
            "No provider takes this amount here",
            a_shop({"id": "card", "routes": [{"provider": "bank", "markets": ["NO"]}]}),
            {"capabilities": IS_HERE},
        )
    ],
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
        assert all(fact in text for fact in refusal.facts.values() if isinstance(fact, str))


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
    no_limit = {"id": "own_invoice", "age_limit": 0, "identifies": True}
    for age, why in ((17, "age"), (18, "")):  # where no law is known, too
        assert Look(a_shop(no_limit), "FO", age=age).why("own_invoice") == why


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


# -- law over fees and discounts -------------------------------------------------------------------

FEE = {"fixed": in_all(10)}
AT_COST = {"fixed": in_all(7)}
OWN_KIND = {
    "id": "own_wallet",
    "name": "Own wallet",
    "family": "wallet",
    "instruments": ["other_instrument"],
    "tier": "no_credit",
}


WALLET = {"id": "own_wallet", "cost": AT_COST}
VISA = {"id": "visa_commercial", "cost": AT_COST}
BUSINESS = {"customer": "business"}


def gone(rule: str) -> list[tuple[str, str]]:
    return [("fee_removed", rule)]


def cut(rule: str) -> list[tuple[str, str]]:
    return [("fee_cut", rule)]


def charged(method: dict[str, Any], market: str, *, beside: str = "bank_transfer", **facts: Any):
    """Look at a shop that wants ten for a way to pay, with a free one beside it."""
    rules = [{"methods": [method["id"]], "fee": FEE}]
    shop = a_shop(method, beside, steering=rules, kinds=[OWN_KIND])
    return Look(shop, market, **facts)


@pytest.mark.parametrize(
    ("method", "market", "facts", "fee", "changes"),
    [
        ({"id": "card"}, "DK", {}, 0, gone("EU-62-4")),
        ({"id": "dankort"}, "DK", {}, 0, gone("DK-121-3")),
        ({"id": "own_wallet"}, "DK", {}, 0, gone("DK-121-2")),
        (WALLET, "DK", {}, 700, cut("DK-121-2")),
        ({"id": "own_wallet", "cost": {"percent": 1}}, "DK", {}, 1000, []),
        ({"id": "own_wallet", "cost": {"percent": "0.9999"}}, "DK", {}, 999, cut("DK-121-2")),
        (WALLET, "SE", {}, 0, gone("SE-5-1")),
        (WALLET, "IS", {}, 0, gone("IS-62-5")),
        (WALLET, "NO", {}, 700, cut("NO-FAL")),
        (WALLET, "FI", {}, 700, cut("FI-46")),
        (WALLET, "AX", {}, 700, cut("FI-46")),
        (WALLET, "SJ", {}, 700, cut("NO-FAL")),
        (WALLET, "FO", {}, 0, gone("")),
        (WALLET, "GL", {}, 0, gone("")),
        ({"id": "own_invoice"}, "SE", {}, 1000, []),
        ({"id": "own_invoice"}, "IS", {"price": 10_000}, 10, []),
        ({"id": "own_invoice"}, "DK", BUSINESS, 1000, []),
        ({"id": "own_invoice"}, "NO", {}, 0, gone("NO-REGNING")),
        (
            {"id": "own_invoice", "cost": {"billing": in_all(6)}},
            "NO",
            {},
            600,
            cut("NO-REGNING"),
        ),
        ({"id": "own_invoice", "cost": {"billing": in_all(10)}}, "NO", {}, 1000, []),
        (VISA, "SE", BUSINESS, 0, gone("SE-5-1")),
        (VISA, "IS", BUSINESS, 0, gone("IS-62-5")),
        (VISA, "DK", BUSINESS, 700, cut("DK-121-2")),
        (VISA, "NO", BUSINESS, 700, cut("NO-FAL")),
        (VISA, "FI", BUSINESS, 700, cut("FI-46")),
        ({"id": "visa_commercial"}, "DK", BUSINESS, 0, gone("DK-121-2")),
        ({"id": "card", "cost": AT_COST}, "DK", BUSINESS, 0, gone("EU-62-4")),
        ({"id": "cash_on_delivery", "cost": AT_COST}, "DK", {}, 0, gone("")),
    ],
    ids=str,
)  # fmt: skip
def test_a_fee_is_what_the_law_of_the_market_leaves_of_it(method, market, facts, fee, changes):
    look = charged(method, market, **facts)
    assert look.costs(method["id"]) == (fee, 0)
    assert look.changes(method["id"]) == changes


def test_a_fee_at_cost_goes_by_what_is_left_to_pay():
    look = charged({"id": "own_wallet", "cost": {"percent": 1}}, "DK", credited=40_000)
    assert look.costs("own_wallet") == (600, 0)
    sent = charged({"id": "own_wallet", "cost": {"percent": 1}}, "DK", price=700, delivery="parcel")
    assert sent.costs("own_wallet") == (739, 0)


@pytest.mark.parametrize(
    ("at", "fee", "rule"),
    [
        (datetime(2014, 6, 13, tzinfo=UTC), 700, "CRD-19"),
        (datetime(2017, 12, 31, tzinfo=UTC), 700, "CRD-19"),
        (datetime(2018, 1, 1, tzinfo=UTC), 0, "DK-121-3"),
    ],
)
def test_the_law_of_the_day_of_the_contract_holds(at, fee, rule):
    look = charged({"id": "dankort", "cost": AT_COST}, "DK", at=at)
    assert look.costs("dankort") == (fee, 0)
    assert [by for _, by in look.changes("dankort")] == [rule]


@pytest.mark.parametrize("market", ["FI", "AX"])
def test_in_finland_a_fee_needs_a_way_to_pay_that_is_free(market):
    rules = [{"methods": ["own_wallet", "visa_commercial"], "fee": AT_COST}]
    methods = [{"id": name, "cost": AT_COST} for name in ("own_wallet", "visa_commercial")]
    kinds = {"kinds": [OWN_KIND], "steering": rules}
    look = Look(a_shop(*methods, **kinds), market, customer="business")
    assert [look.costs(method) for method in look.payments] == [(0, 0), (0, 0)]
    assert look.changes() == [("fee_removed", "FI-46")] * 2
    look = Look(a_shop(*methods, "bank_transfer", **kinds), market, customer="business")
    assert [look.costs(method) for method in look.payments] == [(700, 0), (700, 0), (0, 0)]
    gift_card = Look(a_shop(*methods, "gift_card", **kinds), market, customer="business")
    assert gift_card.costs("own_wallet") == (0, 0)
    # A free way that is not offered here does not count.
    other = {"id": "bank_transfer", "markets": ["SE"]}
    assert Look(a_shop(*methods, other, **kinds), market, customer="business").costs(
        "own_wallet"
    ) == (0, 0)


def test_a_credit_that_breaks_a_cap_is_no_way_to_pay_that_is_free():
    late = {"id": "instalments_12", "creditor": "Bank", "identifies": True}
    shop = a_shop(
        {"id": "amex", "cost": AT_COST},
        {**late, "plan": {"months": 12, "nominal_percent": 90}},
        steering=[{"methods": ["amex"], "fee": AT_COST}],
    )
    look = Look(shop, "FI")
    assert look.payments == ["amex"]
    assert look.costs("amex") == (0, 0)
    assert look.changes() == [("fee_removed", "FI-46")]
    assert look.why("instalments_12") == "cap"


def test_in_norway_what_a_bill_costs_more_is_within_the_cost_of_billing():
    rules = [
        {"methods": ["own_invoice"], "fee": {"fixed": in_all(6)}},
        {"methods": ["bank_transfer"], "discount": {"fixed": in_all(4)}},
        {"methods": ["card"], "discount": {"fixed": in_all(50)}},
    ]
    bill = {"id": "own_invoice", "cost": {"billing": in_all(6)}}
    shop = a_shop(bill, "bank_transfer", "card", steering=rules)
    look = Look(shop, "NO")
    assert [look.costs(name) for name in ("own_invoice", "bank_transfer", "card")] == [
        *((0, 0), (0, 400), (0, 600)),
    ]
    assert look.changes("own_invoice") == [("fee_removed", "NO-ONEPARK")]
    assert look.changes("card") == [("discount_cut", "NO-ONEPARK")]
    assert look.changes("bank_transfer") == []
    free = Look(a_shop("own_invoice", "card", steering=rules[2:]), "NO")
    assert free.changes("card") == [("discount_removed", "NO-ONEPARK")]
    assert Look(shop, "NO", customer="business").costs("card") == (0, 5000)


def test_a_fee_cut_by_one_rule_and_cut_again_by_another_names_the_last():
    rules = [
        {"methods": ["own_invoice"], "fee": {"fixed": in_all(9)}},
        {"methods": ["card"], "discount": {"fixed": in_all(2)}},
    ]
    bill = {"id": "own_invoice", "cost": {"billing": in_all(6)}}
    look = Look(a_shop(bill, "card", steering=rules), "NO")
    assert look.costs("own_invoice") == (400, 0)
    (explanation,) = look.found.about("own_invoice")
    assert (explanation.change, explanation.rule) == ("fee_cut", "NO-ONEPARK")
    assert (explanation.asked, explanation.given) == (Money(900, "NOK"), Money(400, "NOK"))


@pytest.mark.parametrize("market", ["FI", "AX"])
def test_in_finland_paying_on_credit_is_never_made_cheaper(market):
    rules = [
        {"methods": ["own_invoice", "e_invoice"], "discount": {"fixed": in_all(5)}},
        {"methods": ["bank_transfer"], "discount": {"fixed": in_all(3)}},
    ]
    bills = [{"id": name, "identifies": True} for name in ("own_invoice", "e_invoice")]
    look = Look(a_shop(*bills, "bank_transfer", steering=rules), market)
    assert look.costs("own_invoice") == (0, 300)
    assert look.costs("e_invoice") == (0, 500)
    assert look.changes("own_invoice") == [("discount_cut", "FI-KKV")]
    look = Look(a_shop(*bills, "bank_transfer", "card", steering=rules), market)
    assert look.changes("own_invoice") == [("discount_removed", "FI-KKV")]


@pytest.mark.parametrize(("part", "country"), [("AX", "FI"), ("SJ", "NO")])
def test_a_part_goes_by_the_law_of_its_country(part, country):
    here = [part, country]
    names = "card amex own_invoice_30 e_invoice bank_transfer own_wallet".split()
    costs = {"cost": {"percent": "0.5", "billing": in_all(2)}, "identifies": True, "markets": here}
    rules = [
        {"methods": names, "fee": FEE, "preselect": True, "recommend": "Good"},
        {"methods": ["own_invoice_30", "card"], "discount": {"percent": 2}},
    ]
    shop = a_shop(*[{"id": name, **costs} for name in names], steering=rules, kinds=[OWN_KIND])

    def seen(market: str) -> list[Any]:
        look = Look(shop, market)
        offers = [(item.id, item.fee, item.discount, item.credit) for item in look.found.payments]
        return [offers, look.found.explanations, look.found.refused, look.preselected]

    assert seen(part) == seen(country)
    assert seen(part)[0]


def test_a_row_of_the_shop_goes_first_and_is_named():
    row = {
        "market": "SE",
        "id": "SE-INV",
        "instruments": ["invoice"],
        "limit": "nothing",
        "valid_from": "2026-01-01",
        "source": "our lawyer",
        "read_on": "2026-02-01",
        "confidence": "medium",
    }
    rules = [{"methods": ["own_invoice"], "fee": FEE}]
    look = Look(a_shop("own_invoice", "card", steering=rules, own_law={"fee": [row]}), "SE")
    assert look.costs("own_invoice") == (0, 0)
    (explanation,) = look.found.about("own_invoice")
    assert (explanation.rule, explanation.source) == ("SE-INV", "our lawyer")
    assert explanation.since == date(2026, 1, 1)
    assert explanation.noted().origin == "shop"


# -- order, preselection, recommendation -----------------------------------------------------------

ALL_TIERS = ("own_invoice", "card", "bank_transfer")


def shown(
    *methods: str, market: str = "DK", steering: Any = (), national: bool = False, **facts: Any
):
    words = {"presentation": "national" if national else "strict", "kinds": [OWN_KIND]}
    chosen = [{"id": name, "identifies": True, "cost": AT_COST} for name in methods]
    return Look(a_shop(*chosen, steering=steering, **words), market, **facts)


@pytest.mark.parametrize("market", MARKETS)
def test_the_strict_order_puts_ways_without_credit_first_everywhere(market):
    rules = [
        {"methods": ["own_invoice"], "rank": -9},
        {"methods": list(ALL_TIERS), "preselect": True, "recommend": "Good"},
    ]
    look = shown(*ALL_TIERS, "trustly", market=market, steering=rules)
    assert [name for name in look.payments if name != "trustly"] == list(reversed(ALL_TIERS))
    assert look.preselected == []
    changed = [("preselection_removed", ORDER)]
    assert look.changes("") == [("reordered", ORDER)]
    assert look.changes("bank_transfer") == changed
    assert look.changes("own_invoice") == [*changed, ("recommendation_removed", ORDER)]
    words = [option.recommendation for option in look.found.payments if option.id != "trustly"]
    assert words == ["Good", "Good", None]


def test_within_a_tier_the_shops_own_order_stands():
    names = ["trustly", "swish", "bank_transfer"]
    assert shown(*names, "card", market="SE").payments == [*names, "card"]
    assert shown(*names, "card", market="SE").changes("") == []
    rules = [
        {"methods": ["bank_transfer"], "rank": -1},
        {"methods": ["trustly", "card"], "rank": 1},
    ]
    look = shown(*names, "card", market="SE", steering=rules)
    assert look.payments == ["bank_transfer", "swish", "trustly", "card"]
    assert look.changes("") == []


@pytest.mark.parametrize(
    ("market", "order"),
    [
        ("DK", ["own_invoice", "card", "bank_transfer"]),
        ("SE", ["card", "bank_transfer", "own_invoice"]),
        ("FI", ["bank_transfer", "card", "own_invoice"]),
        ("NO", ["bank_transfer", "card", "own_invoice"]),
        ("IS", ["bank_transfer", "card", "own_invoice"]),
        ("AX", ["bank_transfer", "card", "own_invoice"]),
    ],
)
def test_a_shop_can_ask_for_its_countrys_own_order(market, order):
    look = shown(*ALL_TIERS, market=market, national=True)
    assert look.payments == order
    assert look.changes("") == ([] if market == "DK" else [("reordered", ORDER)])


@pytest.mark.parametrize(
    ("market", "methods", "chosen"),
    [
        ("DK", ["bank_transfer"], ["bank_transfer"]),
        ("DK", ["card"], ["card"]),
        ("DK", ["own_invoice"], []),
        ("DK", ["own_invoice", "card"], ["card"]),
        ("DK", ["card", "bank_transfer"], ["card"]),  # one of them
        ("SE", ["own_invoice", "card"], ["card"]),
        ("SE", ["own_invoice"], ["own_invoice"]),  # there is nothing else
        ("FI", ["bank_transfer"], []),
        ("NO", ["bank_transfer"], []),
    ],
)
def test_what_a_countrys_own_law_lets_be_chosen_beforehand(market, methods, chosen):
    rules = [{"methods": methods, "preselect": True}]
    look = shown(*methods, market=market, steering=rules, national=True)
    assert look.preselected == chosen
    removed = ("preselection_removed", ORDER)
    left = [name for name in methods if removed in look.changes(name)]
    if market in {"DK", "SE"}:
        assert left == [name for name in methods if name == "own_invoice" and name not in chosen]
    else:
        assert left == methods


def test_what_costs_extra_is_not_chosen_beforehand():
    rules = [{"methods": ["own_wallet"], "preselect": True, "fee": AT_COST}]
    look = shown("own_wallet", "card", steering=rules, national=True)
    assert look.costs("own_wallet") == (700, 0)
    assert look.preselected == []
    assert look.changes() == [("preselection_removed", ADD_ON)]


def test_a_business_sees_the_shops_own_order():
    rules = [{"methods": ["own_invoice"], "preselect": True, "recommend": "Good", "fee": FEE}]
    look = shown(*ALL_TIERS, steering=rules, customer="business")
    assert look.payments == list(ALL_TIERS)
    assert look.preselected == ["own_invoice"]
    assert look.found.payments[0].recommendation == "Good"
    assert look.found.explanations == ()


@pytest.mark.parametrize(
    ("methods", "market", "advised"),
    [
        (["card"], "SE", True),
        (["card", "own_invoice"], "SE", True),
        (["card", "bank_transfer"], "SE", False),  # the strict order has the transfer first
        (["debit_card"], "SE", False),
        (["wallet"], "SE", False),
        (["own_invoice"], "SE", False),
        (["card"], "DK", False),
        (["card"], "FI", False),
    ],
)
def test_in_sweden_a_card_that_stands_first_should_say_which_it_is(methods, market, advised):
    look = shown(*methods, market=market)
    expected = [("split_advised", ORDER)] if advised else []
    assert look.changes(methods[0]) == expected
    if advised:
        assert look.found.about("card")[0].source.startswith("Swedish")


def test_nothing_to_choose_from_is_no_error():
    look = Look(a_shop({"id": "card", "markets": ["SE"]}, deliveries=[]))
    assert (look.payments, look.deliveries, look.found.explanations) == ([], [], ())


# -- words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", get_args(Change))
@pytest.mark.parametrize("locale", [*LANGUAGES, "da_DK", "sv-SE", "xx"])
def test_every_change_has_words_in_every_language(change, locale):
    asked, left = Money(1234, "DKK"), Money(700, "DKK")
    text = Explanation("card", change, None, asked=asked, given=left).text(locale)
    assert text
    assert not set("{}") & set(text)
    fields = [name for _, name, _, _ in string.Formatter().parse(text) if name]
    assert not fields
    if change in {"fee_cut", "discount_cut", "fee_removed", "discount_removed"}:
        assert "12" in text
        assert "34" in text


def test_an_explanation_without_a_rule_says_so():
    note = charged({"id": "cash_on_delivery"}, "DK").found.about("cash_on_delivery")[0]
    assert note.statement == "no rule is known that allows it"
    assert (note.rule, note.source, note.since) == ("", "", None)
    plain = note.noted()
    assert (plain.change, plain.rule, plain.origin) == ("fee_removed", "", "")


def test_an_explanation_names_rule_source_and_date():
    note = charged({"id": "dankort"}, "DK").found.about("dankort")[0]
    assert note.law is not None
    assert (note.rule, note.source, note.since) == ("DK-121-3", note.law.source, date(2018, 1, 1))
    assert "no fee" in note.statement
    plain = note.noted()
    assert (plain.about, plain.change, plain.origin) == ("dankort", "fee_removed", "library")
    assert (plain.asked, plain.given) == (Money(1000, "DKK"), Money(0, "DKK"))
    assert (plain.rule, plain.source, plain.since) == (note.rule, note.source, note.since)


# -- credit ----------------------------------------------------------------------------------------

LENT = {"creditor": "Bank", "identifies": True}
DAY_ONE = datetime(2026, 11, 20, tzinfo=UTC)


def on_credit(
    method: str,
    market: str = "DK",
    *,
    sme: bool = False,
    fee: Any = None,
    at: datetime = NOW,
    price: int | str = 1000,
    customer: str = "consumer",
    net: bool = False,
    credited: int = 0,
    discount: Any = None,
    **own: Any,
):
    """Look at a way to pay on credit, beside a bank transfer."""
    rules = []
    if fee:
        rules.append({"methods": [method], "fee": fee})
    if discount:
        rules.append({"methods": [method], "discount": discount})
    shop = a_shop({"id": method, **LENT, **own}, "bank_transfer", steering=rules, is_sme=sme)
    cart = a_cart(price, market, net=net)
    return Look(shop, market, cart=cart, at=at, customer=customer, credited=credited)


CREDIT, LIGHT = "consumer_credit", "light_regime"
EXEMPT, OUTSIDE = "exempt_deferred_payment", "exempt_no_cost"


def in_three(costs: dict[str, Any]) -> dict[str, Any]:
    """Three instalments under the old rules."""
    return {"at": EVE, "plan": {"months": 3, **costs}}


def bill(days: int, *, sme: bool = False) -> dict[str, Any]:
    return {"terms": {"days": days, "on_closed_day": "preceding"}, "sme": sme}


@pytest.mark.parametrize(
    ("method", "market", "more", "word"),
    [
        ("own_invoice", "DK", {}, EXEMPT),
        ("own_invoice", "SE", {}, EXEMPT),
        ("own_invoice", "NO", {}, EXEMPT),
        ("own_invoice", "FI", {}, EXEMPT),
        ("own_invoice", "IS", {}, OUTSIDE),
        ("own_invoice", "FO", {}, CREDIT),
        ("own_invoice", "GL", {}, CREDIT),
        ("own_invoice_30", "DK", {}, CREDIT),
        ("own_invoice_30", "DK", {"sme": True}, EXEMPT),
        ("own_invoice_30", "SE", {}, CREDIT),
        ("own_invoice_30", "SE", {"sme": True}, EXEMPT),
        ("own_invoice_30", "DK", {"at": EVE}, OUTSIDE),
        ("own_invoice_30", "DK", {"at": DAY_ONE}, CREDIT),
        ("own_invoice_30", "SE", {"at": EVE}, LIGHT),
        ("own_invoice_30", "FI", {"at": EVE}, OUTSIDE),
        ("own_invoice", "DK", {"at": DAY_ONE}, EXEMPT),
        ("own_invoice", "SE", {"fee": {"fixed": ["0.01 SEK"]}}, CREDIT),
        ("own_invoice", "SE", {"fee": {"fixed": ["0.01 SEK"]}, "at": EVE}, CREDIT),
        ("provider_invoice_14", "DK", {}, CREDIT),
        ("provider_invoice_14", "DK", {"sme": True}, CREDIT),
        ("provider_invoice_14", "DK", {"at": EVE}, OUTSIDE),
        ("provider_invoice_14", "DK", {"at": DAY_ONE}, CREDIT),
        ("provider_invoice_14", "SE", {"at": EVE}, LIGHT),
        ("provider_invoice_14", "SE", {"at": DAY_ONE}, CREDIT),
        ("instalments_3", "DK", {}, CREDIT),
        ("instalments_3", "DK", {"at": EVE}, OUTSIDE),
        ("instalments_12", "SE", {"at": EVE}, CREDIT),
        ("instalments_3", "DK", in_three({"nominal_percent": 1}), CREDIT),
        ("instalments_3", "DK", in_three({"setup_fee": ["1.00 DKK"]}), CREDIT),
        ("instalments_3", "DK", in_three({"monthly_fee": ["1.00 DKK"]}), CREDIT),
        ("instalments_3", "DK", in_three({"monthly_fee": ["0.00 DKK", "9.00 SEK"]}), OUTSIDE),
        # A bill that moves past the fourteenth day because banks are closed is too long.
        ("own_invoice", "DK", {"terms": {"days": 14}}, CREDIT),
        ("own_invoice", "DK", bill(14), EXEMPT),
        ("own_invoice", "DK", bill(50, sme=True), EXEMPT),
        ("own_invoice", "DK", bill(51, sme=True), CREDIT),
    ],
    ids=str,
)  # fmt: skip
def test_what_paying_later_is_in_law(method, market, more, word):
    offer = on_credit(method, market, **more).credit(method)
    assert offer.classification.word == word
    assert offer.is_regulated == (word in {"consumer_credit", "light_regime"})
    assert offer.duties == offer.classification.duties
    assert offer.needs_consent == ("active_consent" in offer.duties)


def test_from_its_first_day_the_directive_asks_for_an_active_consent():
    assert not on_credit("provider_invoice_14", at=EVE).credit("provider_invoice_14").needs_consent
    assert on_credit("provider_invoice_14", at=DAY_ONE).credit("provider_invoice_14").needs_consent
    assert not on_credit("own_invoice").credit("own_invoice").needs_consent


def test_in_finland_who_pays_later_is_identified():
    for method in ("own_invoice", "instalments_12"):
        assert on_credit(method, "FI", identifies=False).why(method) == "identification"
        assert on_credit(method, "FI").why(method) == ""
        assert on_credit(method, "SE", identifies=False).why(method) == ""
    assert (
        on_credit("own_invoice", "FI", identifies=False, customer="business").why("own_invoice")
        == ""
    )
    before = datetime(2023, 9, 30, tzinfo=UTC)
    assert on_credit("own_invoice", "FI", identifies=False, at=before).why("own_invoice") == ""


def test_a_bill_without_cost_is_what_it_is():
    offer = on_credit("own_invoice", creditor="").credit("own_invoice")
    assert offer.creditor == "Test shop"
    assert (offer.credit, offer.total_payable) == (Money(100_000, "DKK"),) * 2
    assert offer.cost.is_zero
    assert str(offer.shown_apr) == "0.0"
    assert offer.due == date(2026, 12, 4)  # the fifth is a Saturday
    assert (offer.plan, offer.payments) == (None, 1)


def test_a_fee_on_a_bill_is_a_cost_of_credit():
    look = on_credit("own_invoice", fee={"fixed": in_all(10)})
    offer = look.credit("own_invoice")
    assert offer.creditor == "Bank"
    assert offer.cost == Money(1000, "DKK")
    assert offer.total_payable.minor == look.total("own_invoice") == 101_000
    # 1.01 ** (365 / 13) - 1, for the 13 days to 4 December
    assert offer.shown_apr == Decimal("32.2")


@pytest.mark.parametrize(
    ("market", "price", "fee", "cost", "left", "rule"),
    [
        ("DK", 1000, 10, None, 1000, None),
        ("DK", 1000, 11, None, 0, "apr"),  # 36.0 %
        ("SE", 100, 100, None, 10_000, None),
        ("SE", 100, 101, None, 0, "total_cost"),
        ("SE", 9000, 592, None, 59_200, None),
        ("SE", 9000, 593, None, 0, "setup_fee"),
        ("FI", 100, 1, 9, 0, "other_cost_per_day"),
    ],
)
def test_a_fee_with_which_a_credit_would_break_a_cap_is_taken_away(
    market, price, fee, cost, left, rule
):
    own: dict[str, Any] = {"cost": {"fixed": in_all(cost)}} if cost else {}
    look = on_credit("own_invoice", market, price=price, fee={"fixed": in_all(fee)}, **own)
    assert look.costs("own_invoice") == (left, 0)
    assert look.changes("own_invoice") == ([("fee_removed", rule)] if rule else [])
    offer = look.credit("own_invoice")
    assert offer.cost.minor == left
    assert look.total("own_invoice") == price * 100 + left
    if rule:
        assert look.found.about("own_invoice")[0].asked == Money(fee * 100, look.s.currency)
        assert offer.classification.word == "exempt_deferred_payment"


def test_a_fee_can_be_cut_to_its_cost_and_then_be_too_much_for_a_credit():
    look = on_credit("own_invoice", "FI", fee=FEE, cost=AT_COST)
    assert look.changes("own_invoice") == [
        ("fee_cut", "FI-46"),
        ("fee_removed", "other_cost_per_day"),
    ]
    cut, removed = look.found.about("own_invoice")
    assert (cut.given, removed.asked) == (Money(700, "EUR"),) * 2


@pytest.mark.parametrize(
    ("market", "at", "nominal", "cap"),
    [
        ("DK", NOW, "30.3", None),  # 34.9 % with the interest of each month on top
        ("DK", NOW, "30.4", "apr"),
        ("FI", datetime(2026, 6, 30, tzinfo=UTC), "17.5", None),
        ("FI", datetime(2026, 6, 30, tzinfo=UTC), "17.51", "credit_interest"),
        ("FI", datetime(2026, 7, 1, tzinfo=UTC), "17.5", "credit_interest"),  # no rate known
        ("FI", datetime(2026, 7, 1, tzinfo=UTC), "15", None),
        ("SE", datetime(2026, 6, 30, tzinfo=UTC), "22", None),
        ("SE", datetime(2026, 6, 30, tzinfo=UTC), "22.01", "credit_interest"),
        ("NO", NOW, "90", None),
    ],
)
def test_instalments_that_break_a_cap_are_not_offered(market, at, nominal, cap):
    look = on_credit(
        "instalments_12", market, at=at, plan={"months": 12, "nominal_percent": nominal}
    )
    refusal = look.found.refusal("instalments_12")
    if cap is None:
        assert refusal is None
    else:
        assert refusal is not None
        assert refusal.rule is not None
        assert (refusal.code, refusal.rule.called) == ("cap", cap)
        assert refusal.rule.source in refusal.text()
        assert look.changes("instalments_12") == []


def test_what_was_asked_for_a_credit_that_is_refused_is_not_explained():
    look = on_credit("instalments_12", "NO", fee=FEE, plan={"months": 12})
    assert look.changes("instalments_12") == [("fee_removed", "NO-REGNING")]
    look = on_credit("instalments_12", "FI", fee=FEE, plan={"months": 12, "nominal_percent": 90})
    assert look.changes("instalments_12") == []
    assert look.payments == ["bank_transfer"]


def test_instalments_say_what_they_cost():
    terms = {
        "months": 6,
        "nominal_percent": 12,
        "setup_fee": ["20.00 DKK"],
        "monthly_fee": ["5.00 DKK"],
    }
    look = on_credit("instalments_6", price=6000, plan=terms)
    offer = look.credit("instalments_6")
    assert (offer.creditor, offer.payments, offer.due) == ("Bank", 6, date(2026, 12, 21))
    assert offer.credit == Money(600_000, "DKK")
    assert offer.plan.total_payable == offer.total_payable
    assert offer.apr == offer.plan.apr
    assert offer.cost == offer.total_payable - offer.credit
    assert offer.plan.fees == Money(5000, "DKK")
    assert look.total("instalments_6") == 600_000  # what the shop is paid; the rest is the lender's


def test_a_fee_for_instalments_is_paid_once_at_the_beginning():
    terms = {"months": 6, "setup_fee": ["20.00 DKK", "7.00 SEK"]}
    look = on_credit("instalments_6", price=6000, plan=terms, fee=FEE)
    offer = look.credit("instalments_6")
    assert offer.plan.setup_fee == Money(3000, "DKK")
    assert look.total("instalments_6") == 601_000
    swedish = on_credit("instalments_6", "SE", price=6000, plan=terms, fee=FEE)
    assert swedish.credit("instalments_6").plan.setup_fee == Money(1700, "SEK")
    none = on_credit("instalments_6", "NO", price=6000, plan=terms)
    assert none.credit("instalments_6").plan.setup_fee == Money(0, "NOK")


def test_vouchers_and_discounts_make_a_credit_smaller():
    look = on_credit("own_invoice", credited=30_000, discount={"percent": 10})
    offer = look.credit("own_invoice")
    assert offer.credit == offer.total_payable == Money(63_000, "DKK")
    assert offer.cash_price == Money(93_000, "DKK")
    assert look.total("own_invoice") == 93_000
    assert on_credit("own_invoice", discount={"percent": 100}).credit("own_invoice") is None


def test_nothing_left_to_pay_is_no_credit_and_costs_nothing():
    for method in ("own_invoice", "instalments_3"):
        for customer in ("consumer", "business")[: 1 if method == "instalments_3" else 2]:
            look = on_credit(method, fee=FEE, credited=100_000, customer=customer)
            assert look.credit(method) is None
            assert look.costs(method) == (0, 0)
            assert look.total(method) == 100_000
            nearly = on_credit(
                method, fee={"fixed": in_all(1)}, credited=99_000, customer="consumer"
            )
            assert nearly.total(method) >= 100_000


@pytest.mark.parametrize("price", ["0.01", "0.05", "0.11", "1.00", "18.99", "19.00"])
def test_too_little_for_a_plan_is_not_offered_in_instalments(price):
    terms = {"months": 12, "nominal_percent": 10, "setup_fee": ["19.00 DKK"]}
    look = on_credit("instalments_12", price=price, plan=terms)
    assert look.why("instalments_12") == "plan"
    assert look.payments == ["bank_transfer"]


@pytest.mark.parametrize(
    ("terms", "day"),
    [
        ({"days": 0}, DAY_ONE),
        ({"day_of_month": 20, "months_after": 0}, DAY_ONE),
        ({"last_banking_day": True, "months_after": 0}, datetime(2026, 11, 30, tzinfo=UTC)),
        ({"days": 1}, DAY_ONE - timedelta(days=1)),
    ],
)
def test_a_fee_on_a_bill_that_is_due_on_delivery_has_a_rate_all_the_same(terms, day):
    fee = {"fixed": in_all(1)}
    swedish = on_credit("own_invoice", "SE", terms=terms, at=day, fee=fee)
    assert swedish.costs("own_invoice") == (100, 0)
    # 1.001 ** 365 - 1: as if it were put off for a day
    assert swedish.credit("own_invoice").shown_apr == Decimal("44.0")
    danish = on_credit("own_invoice", "DK", terms=terms, at=day, fee={"fixed": in_all(900)})
    assert danish.changes("own_invoice") == [("fee_removed", "apr")]


def test_a_business_is_given_credit_without_the_law_on_consumers():
    terms = {"months": 12, "nominal_percent": 90}
    look = on_credit("own_invoice", customer="business", plan=terms, fee=FEE)
    offer = look.credit("own_invoice")
    assert offer.classification is None
    assert offer.duties == ()
    assert not offer.needs_consent
    assert not offer.is_regulated
    assert offer.plan.months == 12
    assert look.costs("own_invoice") == (1000, 0)
    assert look.why("own_invoice") == ""


@pytest.mark.parametrize("plan", [None, {"months": 2}])
def test_what_a_business_puts_off_is_with_vat(plan):
    own: dict[str, Any] = {"plan": plan} if plan else {}
    look = on_credit(
        "own_invoice",
        customer="business",
        net=True,
        price=100,
        fee={"fixed": in_all(10)},
        discount={"fixed": in_all(20)},
        credited=2500,
        **own,
    )
    offer = look.credit("own_invoice")
    assert look.costs("own_invoice") == (1000, 2000)
    assert look.total("own_invoice") == 11_250  # (100 - 20 + 10) and a quarter of it
    assert offer.cash_price == Money(10_000, "DKK")
    assert offer.credit == Money(7500, "DKK")  # without the fee and what the voucher covers
    assert offer.total_payable == Money(11_250 - 2500, "DKK")


# -- experiments -----------------------------------------------------------------------------------

WORDS = Experiment.read({"id": "words", "arms": {"without": 1, "with": 3}})
FEES = Experiment.read({"id": "fees", "arms": {"a": 1, "b": 1}, "markets": ["DK", "SE"]})
CHECKOUTS = [f"co-{i}" for i in range(4000)]


def test_a_checkout_keeps_its_arm():
    # As it was in every release, or the arms of experiments that run would be mixed.
    arms = [arm_of(WORDS, checkout) for checkout in CHECKOUTS[:6]]
    assert arms == ["with", "without", "with", "with", "with", "with"]


def test_arms_get_their_parts_of_all_checkouts():
    found = Counter(arm_of(WORDS, checkout) for checkout in CHECKOUTS)
    assert found.keys() == {"without", "with"}
    assert 900 < found["without"] < 1100


def test_the_arms_of_two_experiments_do_not_go_together():
    pairs = Counter((arm_of(WORDS, item), arm_of(FEES, item)) for item in CHECKOUTS)
    assert 400 < pairs["without", "a"] < 600
    assert 400 < pairs["without", "b"] < 600
    assert 1350 < pairs["with", "a"] < 1650


def test_an_experiment_runs_in_its_markets():
    assert arms_of([WORDS, FEES], "co-1", "DK").keys() == {"words", "fees"}
    assert arms_of([WORDS, FEES], "co-1", "NO") == {"words": arm_of(WORDS, "co-1")}
    assert arms_of([], "co-1", "DK") == {}


def test_a_rule_for_an_arm_is_for_its_checkouts():
    shop = a_shop(
        "card",
        "bank_transfer",
        experiments=[{"id": "words", "arms": {"without": 1, "with": 1}}],
        steering=[
            {"methods": ["card"], "discount": {"percent": 1}, "when": {"arms": ["words:with"]}}
        ],
    )
    assert Look(shop, arms={"words": "with"}).costs("card") == (0, 1000)
    assert Look(shop, arms={"words": "without"}).costs("card") == (0, 0)
    assert Look(shop).costs("card") == (0, 0)


# -- whatever a shop asks for ----------------------------------------------------------------------

PLAN = {"months": 6, "nominal_percent": 12, "monthly_fee": in_all(1)}
METHODS: list[dict[str, Any]] = [
    *({"id": name} for name in "card dankort swish mobilepay vipps trustly bank_transfer".split()),
    *({"id": name} for name in "amex visa_commercial wallet direct_debit betalingsservice".split()),
    *({"id": name} for name in "own_invoice own_invoice_30 e_invoice payment_slip".split()),
    *({"id": name} for name in "cash_on_delivery gift_card store_credit own_wallet".split()),
    {"id": "provider_invoice_14", **LENT},
    {"id": "instalments_6", **LENT, "plan": PLAN},
    {"id": "instalments_12", **LENT, "plan": {"months": 12, "nominal_percent": 40}},
    {"id": "instalments_3", **LENT},
]
IDS = [method["id"] for method in METHODS]
RATES = ["standard", "food", "books", "newspapers"]
PERCENTS = st.sampled_from(["0.01", "0.5", "1", "2.5", "10", "100"])
AMOUNTS = st.sampled_from([0, 1, 3, 10, 29, 500]).map(in_all)


@st.composite
def sums(draw: Any) -> dict[str, Any]:
    of = draw(st.sampled_from(["fixed", "percent", "both"]))
    found: dict[str, Any] = {}
    if of != "percent":
        found["fixed"] = draw(AMOUNTS)
    if of != "fixed":
        found["percent"] = draw(PERCENTS)
    if draw(st.booleans()):
        found["at_most"] = draw(AMOUNTS)
    return found


WHENS = st.sampled_from(
    [
        {},
        {},
        {"customers": ["consumer"]},
        {"customers": ["business"]},
        {"markets": ["DK", "NO", "FI"]},
        {"at_least": in_all(100)},
        {"below": in_all(500)},
        {"deliveries": ["pickup"]},
        {"goods": ["toys"]},
        {"max_weight_g": 1000},
    ]
)


@st.composite
def steering_rules(draw: Any, side: str, things: list[str]) -> dict[str, Any]:
    """A rule that does a few things for a few things."""
    does: dict[str, Any] = {
        "fee": sums(),
        "discount": sums(),
        "free_from": AMOUNTS,
        "rank": st.integers(-2, 2),
        "recommend": st.just("Good"),
        "preselect": st.just(value=True),
    }
    names = draw(st.lists(st.sampled_from(sorted(does)), min_size=1, max_size=3, unique=True))
    few = draw(st.lists(st.sampled_from(things), min_size=1, max_size=6, unique=True))
    hide = {"hide": True} if draw(st.integers(0, 9)) == 0 else {}
    return {side: few, "when": draw(WHENS), **{name: draw(does[name]) for name in names}, **hide}


@st.composite
def costs(draw: Any) -> dict[str, Any]:
    if draw(st.booleans()):
        return {}
    return {"cost": {"fixed": draw(AMOUNTS), "percent": draw(PERCENTS), "billing": draw(AMOUNTS)}}


@st.composite
def carts(draw: Any, market: str, *, gross: bool) -> Cart:
    currency = CURRENCY[market]
    lines = [
        {
            "sku": f"s{i}",
            "name": "It",
            "quantity": draw(st.integers(1, 3)),
            "unit_price": {"minor": draw(st.integers(0, 99_999)), "currency": currency},
            "vat_category": draw(st.sampled_from(RATES)),
            "goods_category": draw(st.sampled_from(["general", "toys"])),
            "weight_g": 400,
            "digital": draw(st.booleans()),
        }
        for i in range(draw(st.integers(1, 4)))
    ]
    off = draw(st.sampled_from([[], [{"name": "Sale", "percent": "12.5"}]]))
    return Cart.read({"lines": lines, "discounts": off, "prices_include_vat": gross})


@st.composite
def worlds(
    draw: Any,
    *,
    markets: tuple[str, ...] = MARKETS,
    customers: tuple[str, ...] = ("consumer", "business"),
    presentations: tuple[str, ...] = ("strict", "national"),
    most_rules: int = 6,
) -> Look:
    """A shop that asks for all kinds of things, and somebody who buys something there."""
    market = draw(st.sampled_from(markets))
    customer = draw(st.sampled_from(customers))
    some = draw(
        st.lists(st.sampled_from(METHODS), min_size=1, max_size=9, unique_by=lambda m: m["id"])
    )
    # What covers a part of the total can only be hidden.
    ids = [method["id"] for method in some if method["id"] not in {"gift_card", "store_credit"}]
    of_deliveries = steering_rules("deliveries", ["parcel", "pickup"])
    of_methods = steering_rules("methods", ids) if ids else of_deliveries
    rules = st.one_of(of_methods, of_methods, of_deliveries)
    shop = a_shop(
        *[{**method, "identifies": True, **draw(costs())} for method in some],
        kinds=[OWN_KIND],
        steering=draw(st.lists(rules, max_size=most_rules)),
        presentation=draw(st.sampled_from(presentations)),
        is_sme=draw(st.booleans()),
    )
    gross = customer == "consumer" or draw(st.booleans())
    cart = draw(carts(market, gross=gross))
    at_most = cart.worth.minor
    return Look(
        shop,
        market,
        cart=cart,
        at=draw(st.sampled_from([NOW, EVE, DAY_ONE])),
        customer=customer,
        age=draw(st.sampled_from([None, None, 17, 18])),
        delivery=draw(st.sampled_from(["", "parcel", "pickup"])),
        credited=draw(st.one_of(st.just(0), st.integers(0, at_most), st.just(at_most))),
    )


def wanted(option: Any) -> int:
    """The fee that the shop's rules ask for."""
    return 0 if option.wish.is_free else option.wish.fee


# Shrinking a whole shop takes long; the printed blob repeats the example.
whatever = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@whatever
@given(worlds(most_rules=9), st.sampled_from(["da_DK", "fi_FI", "en"]))
def test_the_customer_pays_what_was_shown(look, locale):
    for option in look.found.payments:
        found = look.priced(option.id, locale)
        assert found.total == option.total
        charged = {charge.kind: charge.amount for charge in found.charges}
        assert charged.get("payment", Money(0, look.s.currency)) == option.fee
        taken = [discount.amount for discount in found.discounts if discount.id]
        assert taken == ([option.discount] if option.discount.minor else [])
        names = [thing.name for thing in (*found.charges, *found.discounts)]
        assert not any(set("{}") & set(name) for name in names)
    for delivery in look.found.deliveries:
        there = Situation(
            cart=look.s.cart, market=look.s.market, at=look.s.at, delivery=delivery.id
        )
        assert priced(look.rules, there, look.found, "", locale).total == delivery.total


@whatever
@given(worlds())
def test_nothing_is_refused_and_offered_at_once(look):
    ids = [option.id for option in look.found.payments]
    ids += [way.id for way in look.found.vouchers]
    refused = [item.id for item in look.found.refused]
    deliveries = ["parcel", "pickup"]
    assert sorted([*ids, *look.deliveries, *refused]) == sorted([*look.rules.ways, *deliveries])
    for item in look.found.refused:
        assert item.text("fi")
    for word in look.found.explanations:
        assert word.text("is_IS")


@whatever
@given(worlds())
def test_the_law_only_takes_away(look):
    for option in look.found.payments:
        assert 0 <= option.fee.minor <= wanted(option)
        assert 0 <= option.discount.minor <= option.wish.discount
        assert option.discount.minor <= look.s.goods
        assert option.is_preselected <= option.wish.preselect
        assert option.recommendation in {None, option.wish.recommend}
        if look.s.credited >= look.s.goods and not look.found.deliveries:
            assert option.discount.is_zero


@whatever
@given(worlds())
def test_what_was_changed_is_explained_and_nothing_else(look):
    """Each with rule, source and date; or saying that no rule allows it."""
    changes = Counter((item.about, item.change) for item in look.found.explanations)
    assert max(changes.values(), default=1) <= 2 - ("fee_cut" not in {c for _, c in changes})
    for item in look.found.explanations:
        if item.law is None:
            assert item.statement == "no rule is known that allows it"
        else:
            assert item.rule
            assert item.source
            assert item.since is not None
            assert item.since <= look.s.on
    for option in look.found.payments:
        about = {item.change: item for item in look.found.about(option.id)}
        lost = wanted(option) - option.fee.minor
        fee_changes = about.keys() & {"fee_cut", "fee_removed"}
        nothing_to_pay = wanted(option) and not fee_changes and lost
        if nothing_to_pay:  # a way to pay that is not used has no fee to be taken away
            assert option.fee.is_zero
            assert option.total.minor - option.fee.minor <= look.s.credited + option.discount.minor
        else:
            assert bool(fee_changes) == bool(lost)
        if fee_changes:
            last = about["fee_removed"] if option.fee.is_zero else about["fee_cut"]
            assert last.given == option.fee
        cut = about.keys() & {"discount_cut", "discount_removed"}
        if cut:
            (name,) = cut
            before, after = about[name].asked, about[name].given
            assert after == option.discount
            assert before is not None
            assert option.discount < before <= Money(option.wish.discount, look.s.currency)
            assert (name == "discount_removed") == option.discount.is_zero
        assert ("recommendation_removed" in about) == (
            option.wish.recommend is not None and option.recommendation is None
        )
        if "preselection_removed" in about:
            assert option.wish.preselect
            assert not option.is_preselected


@whatever
@given(worlds(customers=("consumer",)))
def test_no_consumers_card_has_a_fee_anywhere(look):
    for option in look.found.payments:
        if {"consumer_debit_card", "consumer_credit_card", "dankort"} & set(option.way.instruments):
            assert option.fee.is_zero


@whatever
@given(worlds(markets=("SE", "IS")))
def test_in_sweden_and_iceland_only_bills_have_a_fee(look):
    for option in look.found.payments:
        assert option.fee.is_zero or set(option.way.instruments) <= BILLS


@whatever
@given(worlds(markets=("FO", "GL")))
def test_where_no_rule_is_known_nothing_has_a_fee(look):
    for option in look.found.payments:
        assert option.fee.is_zero


@whatever
@given(worlds(markets=("DK", "NO", "FI", "AX", "SJ")))
def test_a_fee_for_a_payment_instrument_is_at_most_its_stated_cost(look):
    for option in look.found.payments:
        if option.fee.minor and not set(option.way.instruments) & BILLS:
            stated = option.way.stated_cost.of_use(option.total)
            assert option.fee <= stated


@whatever
@given(worlds(markets=("FI", "AX")))
def test_in_finland_there_is_a_free_way_beside_a_fee(look):
    fees = [option.fee.minor for option in look.found.payments]
    for_all = [option.fee.minor for option in look.found.payments if option.way.tier != "credit"]
    assert not any(fees) or 0 in for_all


@whatever
@given(worlds(markets=("FI", "AX"), customers=("consumer",)))
def test_in_finland_a_discount_never_makes_credit_cheaper_than_paying_at_once(look):
    at_once = [
        o.fee.minor - o.discount.minor for o in look.found.payments if o.way.tier != "credit"
    ]
    for option in look.found.payments:
        is_excepted = option.way.tier != "credit" or option.way.instruments == ("e_invoice",)
        if option.discount.minor and not is_excepted:
            assert at_once
            assert -option.discount.minor >= max(at_once)


@whatever
@given(worlds(markets=("NO", "SJ"), customers=("consumer",)))
def test_in_norway_who_pays_by_bill_pays_no_more_than_the_bill_costs(look):
    for bill in look.found.payments:
        if set(bill.way.instruments) & BILLS:
            stated = bill.way.stated_cost
            cost = stated.of_billing("NOK") if stated else None
            best = max(option.discount.minor for option in look.found.payments)
            spread = bill.fee.minor + best - bill.discount.minor
            assert spread <= (cost.minor if cost else 0)


@whatever
@given(worlds(customers=("consumer",), presentations=("strict",)))
def test_in_the_strict_presentation_credit_is_last_and_nothing_is_chosen(look):
    places = [
        ("no_credit", "may_include_credit", "credit").index(o.way.tier) for o in look.found.payments
    ]
    assert places == sorted(places)
    assert not any(option.is_preselected for option in look.found.payments)
    assert not any(o.recommendation for o in look.found.payments if o.way.tier == "credit")


@whatever
@given(worlds())
def test_at_most_one_is_chosen_beforehand_and_for_consumers_without_cost(look):
    for options_ in (look.found.payments, look.found.deliveries):
        assert sum(option.is_preselected for option in options_) <= 1
    for delivery in look.found.deliveries:
        assert delivery.price.is_zero or not delivery.is_preselected
    for option in look.found.payments:
        if look.s.customer == "consumer":
            assert option.fee.is_zero or not option.is_preselected


@whatever
@given(worlds())
def test_ranks_decide_among_equals(look):
    for options_ in (look.found.payments, look.found.deliveries):
        for one, next_ in pairwise(options_):
            same = look.s.customer == "business" or one.id in {"parcel", "pickup"}
            if same or one.way.tier == next_.way.tier:
                ranks = [
                    getattr(item, "rank", None) or getattr(item, "wish", item).rank
                    for item in (one, next_)
                ]
                assert ranks == sorted(ranks)


@whatever
@given(worlds())
def test_what_is_put_off_is_what_would_be_paid_without_the_credit(look):
    for option in look.found.payments:
        offer = option.credit
        if offer is None:
            assert (
                not option.way.is_deferred
                or option.total.minor - option.fee.minor <= look.s.credited
            )
            continue
        left = option.total.minor - look.s.credited
        if offer.plan is None:
            assert offer.total_payable.minor == left
            assert offer.credit + offer.cost == offer.total_payable
        else:
            assert offer.credit.minor + offer.plan.setup_fee.minor >= left
            assert offer.plan.total_payable == offer.total_payable
        assert offer.credit.minor <= left
        assert offer.cash_price.minor == offer.credit.minor + look.s.credited
        assert (offer.classification is None) == (look.s.customer == "business")
        assert offer.apr >= 0


@whatever
@given(worlds(), st.randoms(use_true_random=False))
def test_options_do_not_depend_on_the_order_of_rules_for_different_things(look, random):
    assert options(look.rules, look.s) == look.found
    # One rule for each thing; those for one thing stay in their order.
    by_thing: dict[str, list[dict[str, Any]]] = {}
    for rule in look.rules.shop.steering:
        plain = rule.model_dump(mode="json", exclude_defaults=True)
        for side in ("methods", "deliveries"):
            for thing in sorted(getattr(rule, side)):
                by_thing.setdefault(f"{side}{thing}", []).append({**plain, side: [thing]})
    left = [list(rules) for rules in by_thing.values()]
    mixed = []
    while left := [rules for rules in left if rules]:
        mixed.append(random.choice(left).pop(0))
    steering = [{**rule, "id": f"rule_{i}"} for i, rule in enumerate(mixed)]
    data = look.rules.shop.model_dump(mode="json", exclude={"steering"})
    shop = Shop.read({**data, "steering": steering})
    again = options(Rules(shop, shop.law()), look.s)
    assert again.payments == look.found.payments
    assert again.deliveries == look.found.deliveries
    assert again.vouchers == look.found.vouchers
    assert again.explanations == look.found.explanations
    assert [(r.id, r.code) for r in again.refused] == [(r.id, r.code) for r in look.found.refused]
