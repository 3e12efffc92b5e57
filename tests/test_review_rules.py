"""Rules as data: what they look at, how they add up, and what they would have done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checkoutflow.cart import Cart
from checkoutflow.errors import InvalidInput
from checkoutflow.money import Money
from checkoutflow.review.backtest import Past, backtest
from checkoutflow.review.rules import BLOCKED, Band, Judgement, Order, Range, Rule, bands
from checkoutflow.review.settings import ReviewRules, default_rules
from checkoutflow.review.signals import SIGNALS
from checkoutflow.shop import Shop

if TYPE_CHECKING:
    from collections.abc import Mapping

CART = Cart.read(
    {
        "lines": [
            {
                "sku": "watch-1",
                "name": "Watch",
                "quantity": 1,
                "unit_price": "3000 NOK",
                "goods_category": "watches",
            },
            {
                "sku": "strap",
                "name": "Strap",
                "quantity": 2,
                "unit_price": "100 NOK",
                "goods_category": "straps",
            },
        ]
    }
)
ORDER = Order("NO", CART, Money.read("3249 NOK"), frozenset({"card", "gift_card"}), "parcel")


def rules(*own: dict[str, object], default_rules: bool = False, **more: object) -> ReviewRules:
    return ReviewRules.read({"rules": own, "default_rules": default_rules, **more})


def holds(when: dict[str, object], **signals: bool | int) -> bool:
    return bool(rules({"id": "one", "hold": True, "when": when}).judge(ORDER, signals).reasons)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({}, True),
        ({"markets": ["NO", "DK"]}, True),
        ({"markets": ["DK"]}, False),
        ({"methods": ["card"]}, True),
        ({"methods": ["gift_card", "invoice"]}, True),
        ({"methods": ["invoice"]}, False),
        ({"deliveries": ["parcel"]}, True),
        ({"deliveries": ["pickup"]}, False),
        ({"categories": ["watches"]}, True),
        ({"categories": ["phones"]}, False),
        ({"skus": ["strap"]}, True),
        ({"skus": ["lamp"]}, False),
        ({"categories": ["phones"], "skus": ["strap"]}, True),
        ({"units": 3}, True),
        ({"units": 4}, False),
        ({"skus": ["strap"], "units": 2}, True),
        ({"skus": ["strap"], "units": 3}, False),
        ({"goods": [{"at_least": "3200 NOK"}]}, True),
        ({"goods": [{"at_least": "3200.01 NOK"}]}, False),
        ({"categories": ["watches"], "goods": [{"at_least": "3000 NOK"}]}, True),
        ({"skus": ["strap"], "goods": [{"at_least": "3000 NOK"}]}, False),
        ({"skus": ["strap"], "goods": [{"below": "200 NOK"}]}, False),
        ({"skus": ["strap"], "goods": [{"below": "200.01 NOK"}]}, True),
        ({"total": [{"at_least": "3249 NOK", "below": "3250 NOK"}]}, True),
        ({"total": [{"at_least": "1 DKK"}]}, False),
        ({"total": [{"at_least": "9000 DKK"}, {"at_least": "3000 NOK"}]}, True),
        ({"markets": ["NO"], "deliveries": ["pickup"]}, False),
    ],
)
def test_what_a_rule_looks_at(when, expected):
    assert holds(when) is expected


@pytest.mark.parametrize(
    ("wanted", "known", "expected"),
    [
        ({"new_customer": True}, {"new_customer": True}, True),
        ({"new_customer": True}, {"new_customer": False}, False),
        ({"new_customer": False}, {"new_customer": False}, True),
        ({"new_customer": False}, {}, False),
        ({"new_customer": True}, {}, False),
        ({"cards": {"min": 2}}, {"cards": 2}, True),
        ({"cards": {"min": 2}}, {"cards": 1}, False),
        ({"cards": {"max": 2}}, {"cards": 2}, True),
        ({"cards": {"max": 2}}, {"cards": 3}, False),
        ({"cards": {"min": 2, "max": 2}}, {"cards": 2}, True),
        # What is not known counts neither for nor against an order.
        ({"provider_risk": {"max": 0}}, {}, False),
        ({"provider_risk": {"min": 1}}, {}, False),
        ({"cards": {"min": 2}, "new_customer": True}, {"cards": 2}, False),
    ],
)
def test_what_a_rule_asks_of_signals(wanted, known, expected):
    assert holds({"signals": wanted}, **known) is expected


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"id": "one", "when": {}}, "rules[0]"),
        ({"id": "one", "hold": True, "weight": 5, "when": {}}, "rules[0]"),
        ({"id": "One!", "hold": True, "when": {}}, "rules[0].id"),
        ({"id": "one", "hold": True}, "rules[0].when"),
        ({"id": "one", "weight": 1001, "when": {}}, "rules[0].weight"),
        ({"id": "one", "hold": True, "when": {"kategories": []}}, "rules[0].when.kategories"),
        (
            {"id": "one", "hold": True, "when": {"signals": {"cheerful": True}}},
            "rules[0].when.signals",
        ),
        (
            {"id": "one", "hold": True, "when": {"signals": {"cards": True}}},
            "rules[0].when.signals",
        ),
        (
            {"id": "one", "hold": True, "when": {"signals": {"new_customer": {"min": 1}}}},
            "rules[0].when.signals",
        ),
        (
            {"id": "one", "hold": True, "when": {"goods": [{}]}},
            "rules[0].when.goods[0]",
        ),
        (
            {
                "id": "one",
                "hold": True,
                "when": {"total": [{"at_least": "1 NOK", "below": "1 NOK"}]},
            },
            "rules[0].when.total[0]",
        ),
        (
            {
                "id": "one",
                "hold": True,
                "when": {"total": [{"at_least": "1 NOK", "below": "2 SEK"}]},
            },
            "rules[0].when.total[0]",
        ),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_its_path(rule, field):
    with pytest.raises(InvalidInput) as refused:
        rules(rule)
    assert refused.value.problems[0][0].startswith(field)


@pytest.mark.parametrize("ends", [{}, {"min": 3, "max": 2}])
def test_a_range_has_an_end_and_the_right_way_round(ends):
    with pytest.raises(InvalidInput):
        Range.read(ends)


def test_two_rules_of_one_name_are_refused():
    one = {"id": "one", "hold": True, "when": {}}
    with pytest.raises(InvalidInput, match="another one has this id"):
        rules(one, one)


def test_weights_add_up():
    own = [
        {"id": "a", "reason": "first", "weight": 60, "when": {"markets": ["NO"]}},
        {"id": "b", "reason": "second", "weight": 40, "when": {"signals": {"new_customer": True}}},
        {"id": "c", "weight": -30, "when": {"signals": {"earlier_approvals": {"min": 1}}}},
    ]
    judged = rules(*own).judge(ORDER, {"new_customer": False})
    assert (judged.weight, judged.reasons) == (60, ())
    judged = rules(*own).judge(ORDER, {"new_customer": True})
    assert (judged.weight, judged.reasons) == (100, ("first", "second"))
    judged = rules(*own).judge(ORDER, {"new_customer": True, "earlier_approvals": 2})
    assert (judged.weight, judged.reasons) == (70, ())
    assert [hit.rule for hit in judged.hits] == ["a", "b", "c"]
    judged = rules(*own, hold_at=70).judge(ORDER, {"new_customer": True, "earlier_approvals": 2})
    assert judged.reasons == ("first", "second", "c")


def test_a_rule_in_the_shadow_is_recorded_and_does_nothing():
    shadow = {"id": "a", "hold": True, "shadow": True, "when": {}}
    weighty = {"id": "b", "weight": 999, "shadow": True, "when": {}}
    judged = rules(shadow, weighty).judge(ORDER, {})
    assert [(hit.rule, hit.shadow) for hit in judged.hits] == [("a", True), ("b", True)]
    assert (judged.weight, judged.reasons) == (0, ())


@pytest.mark.parametrize(
    ("signals", "reasons", "is_allowed"),
    [
        ({}, ("one", "total above 1000.00 NOK"), False),
        ({"on_allow_list": True}, (), True),
        ({"on_block_list": True}, (BLOCKED, "one", "total above 1000.00 NOK"), False),
        (
            {"on_allow_list": True, "on_block_list": True},
            (BLOCKED, "one", "total above 1000.00 NOK"),
            False,
        ),
    ],
)
def test_what_is_on_a_list(signals, reasons, is_allowed):
    own = rules({"id": "one", "hold": True, "when": {}}, hold_above=["1000 NOK", "1 DKK"])
    judged = own.judge(ORDER, signals)
    assert (judged.reasons, judged.is_allowed) == (reasons, is_allowed)


def test_a_list_alone_holds():
    assert rules().judge(ORDER, {"on_block_list": True}).reasons == (BLOCKED,)
    assert rules().judge(ORDER, {"on_allow_list": True}) == Judgement()


def test_the_short_form_is_a_rule_like_others():
    assert rules(hold_above=["3249 NOK"]).judge(ORDER, {}).reasons == ()
    assert rules(hold_above=["3248 NOK"]).judge(ORDER, {}).reasons == ("total above 3248.00 NOK",)
    with pytest.raises(InvalidInput, match="one amount for each currency"):
        rules(hold_above=["1 NOK", "2 NOK"])


def test_defaults_apply_unless_the_shop_says_otherwise():
    names = {rule.id for rule in default_rules()}
    assert len(names) == len(default_rules())
    assert {rule.id for rule in ReviewRules().all_rules} == names
    assert rules().all_rules == ()
    own = {"id": "charged_back_before", "weight": 10, "when": {}}
    both = rules(own, default_rules=True)
    assert [rule.weight for rule in both.all_rules if rule.id == "charged_back_before"] == [10]
    assert {rule.id for rule in both.all_rules} == names


def test_defaults_look_at_signals_that_exist_and_say_why():
    for rule in default_rules():
        assert rule.reason
        assert rule.when.signals.keys() <= SIGNALS.keys()
        assert Rule.read(rule.model_dump(mode="json")) == rule


@pytest.mark.parametrize(
    ("signals", "is_held"),
    [
        # An honest customer with one phone.
        ({"new_customer": True, "easily_resold": 100, "most_of_one": 1, "cards": 1}, False),
        # The same, abroad: a foreign card and phone.
        (
            {
                "new_customer": True,
                "easily_resold": 100,
                "card_country_differs": True,
                "phone_country_differs": True,
            },
            False,
        ),
        ({"same_goods_at_address": 1, "easily_resold": 0}, False),
        ({"same_goods_at_address": 1, "easily_resold": 100}, True),
        ({"same_goods_at_address": 2, "easily_resold": 0}, True),
        ({"same_goods_by_contact": 2}, True),
        ({"provider_risk": 2}, False),
        ({"provider_risk": 3}, True),
        ({"earlier_chargebacks": 1}, True),
        ({"card_chargebacks": 1}, True),
        ({"new_customer": True, "easily_resold": 100, "disposable_email": True}, False),
        (
            {
                "new_customer": True,
                "easily_resold": 100,
                "disposable_email": True,
                "card_country_differs": True,
            },
            True,
        ),
        ({"earlier_unpaid": 1, "earlier_rejections": 1}, True),
        ({"cards": 4, "declines": 3}, True),
    ],
)
def test_what_a_shop_starts_with(signals, is_held):
    assert bool(ReviewRules().judge(ORDER, signals).reasons) is is_held


def test_small_orders_may_come_again_and_again():
    small = Order("NO", CART, Money.read("999 NOK"), frozenset({"card"}), "parcel")
    signals = {"same_goods_at_address": 9, "easily_resold": 100, "same_goods_by_contact": 9}
    assert ReviewRules().judge(small, signals).reasons == ()


def test_bands_are_of_one_currency():
    (band,) = bands("100 NOK")
    assert band.has(Money.read("100 NOK"))
    assert not band.has(Money.read("100 SEK"))
    assert Band(below=Money.read("5 SEK")).currency == "SEK"


def shop_with(when: Mapping[str, object]) -> Shop:
    return Shop.read(
        {
            "name": "Fjord",
            "markets": ["NO"],
            "methods": [{"id": "own_invoice", "name": "-"}],
            "deliveries": [{"id": "parcel", "name": "-", "prices": ["1 NOK"]}],
            "review": {"rules": [{"id": "one", "hold": True, "when": when}]},
        }
    )


def test_rules_are_settings_of_the_shop():
    when = {"markets": ["NO"], "methods": ["own_invoice"], "deliveries": ["parcel"]}
    assert shop_with(when).review.rules[0].hold


@pytest.mark.parametrize("name", ["markets", "methods", "deliveries"])
def test_rules_name_what_the_shop_has(name):
    with pytest.raises(InvalidInput, match="is not known") as refused:
        shop_with({name: ["SE"]})
    assert refused.value.problems[0][0] == f"review.rules[0].when.{name}"


# Tried against the past ---------------------------------------------------------------------------


def past(fate, *, was_held=False, **signals):
    return Past(ORDER, signals, fate, was_held)


def test_what_rules_would_have_done():
    own = rules(
        {"id": "many", "hold": True, "when": {"signals": {"cards": {"min": 3}}}},
        {"id": "watched", "weight": 5, "shadow": True, "when": {"signals": {"cards": {"min": 2}}}},
    )
    found = backtest(
        own,
        [
            past("bad", cards=3),
            past("good", cards=3, was_held=True),
            past("good", cards=4),
            past("open", cards=5),
            past("bad", cards=2),
            past("good", cards=1),
            past("good"),
        ],
    )
    assert found.looked_at.orders == 7
    assert found.looked_at.amounts == {"NOK": 7 * 324_900}
    assert found.bad.orders == 2
    assert found.was_held.orders == 1
    assert found.unnoticed.orders == 1
    tried = found.tried
    assert (tried.held.orders, tried.caught.orders, tried.delayed.orders) == (4, 1, 2)
    assert tried.caught.amounts == {"NOK": 324_900}
    assert found.missed.orders == 1
    counts = {
        name: (each.held.orders, each.caught.orders, each.delayed.orders)
        for name, each in found.rules.items()
    }
    assert counts == {"many": (4, 1, 2), "watched": (5, 2, 2)}


def test_every_rule_is_told_of_also_where_it_never_applies():
    found = backtest(ReviewRules(), [])
    assert found.rules.keys() == {rule.id for rule in default_rules()}
    assert found.looked_at.orders == 0
