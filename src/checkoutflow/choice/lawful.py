"""The law of the market goes over what the shop's rules ask for: amounts, order, preselection."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from checkoutflow.choice.words import Explanation
from checkoutflow.law.choice import AddOnRule, DiscountRule, FeeRule, PresentationRule
from checkoutflow.law.rules import EVERYWHERE
from checkoutflow.money import Money
from checkoutflow.payment.fees import (
    LawfulFee,
    Steered,
    discount_caps,
    lawful_fee,
    may_preselect,
    presented,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from checkoutflow.choice.offers import PaymentOption
    from checkoutflow.choice.rules import Rules
    from checkoutflow.choice.situation import Situation
    from checkoutflow.choice.words import Change
    from checkoutflow.law import Rule


def lawful_amounts(
    asked: Sequence[PaymentOption], rules: Rules, s: Situation, basis: int
) -> tuple[list[PaymentOption], list[Explanation]]:
    """What the law leaves of fees and discounts, and what it changed.

    Args:
        asked: What is offered, with what the shop's rules ask for.
        rules: The shop's settings and the law.
        s: For whom and for what.
        basis: What is to be paid without any fee, in minor units: costs of use go by it.
    """
    if not any(option.fee.minor or option.discount.minor for option in asked):
        return list(asked), []
    fees = _fees(asked, rules, s, basis)
    left = _compared(asked, fees, rules, s)
    given = []
    explanations = []
    for option, fee in zip(asked, fees, strict=True):
        way = left[option.id]
        if (way.fee, way.discount) == (option.fee.minor, option.discount.minor):
            given.append(option)
            continue
        fee_rule = fee.rule if way.fee == fee.amount.minor else way.rule
        for what, was, now, rule in (
            ("fee", option.fee, way.fee, fee_rule),
            ("discount", option.discount, way.discount, way.rule),
        ):
            explanations += _cut(option.id, what, was, Money(now, s.currency), rule)
        given.append(
            replace(
                option,
                fee=Money(way.fee, s.currency),
                discount=Money(way.discount, s.currency),
            )
        )
    return given, explanations


def _compared(
    asked: Sequence[PaymentOption], fees: Sequence[LawfulFee], rules: Rules, s: Situation
) -> dict[str, Steered]:
    """What is left once the rules that compare ways to pay have had their say."""
    ways = [
        Steered(
            id=option.id,
            instruments=option.way.instruments,
            tier=option.way.tier,
            fee=fee.amount.minor,
            discount=option.discount.minor,
            billing_cost=_billing_cost(option, s),
        )
        for option, fee in zip(asked, fees, strict=True)
    ]
    return discount_caps(rules.law.rules_of(DiscountRule, s.market, s.on), s.customer, ways)


def _fees(
    asked: Sequence[PaymentOption], rules: Rules, s: Situation, basis: int
) -> list[LawfulFee]:
    """The fees that the law allows. Whether a free way is offered shows after the first try."""
    fee_rules = rules.law.rules_of(FeeRule, s.market, s.on)

    def tried(*, has_free_method: bool) -> list[LawfulFee]:
        return [
            LawfulFee(option.fee, "kept", None)
            if option.fee.is_zero
            else lawful_fee(
                fee_rules,
                option.way.instruments,
                s.customer,
                fee=option.fee,
                cost=_cost(option, s, basis),
                billing_cost=Money(_billing_cost(option, s), s.currency),
                has_free_method=has_free_method,
            )
            for option in asked
        ]

    fees = tried(has_free_method=True)
    has_free_method = any(
        fee.amount.is_zero and option.way.tier != "credit"  # one that everybody can use
        for option, fee in zip(asked, fees, strict=True)
    )
    return fees if has_free_method else tried(has_free_method=False)


def _cost(option: PaymentOption, s: Situation, basis: int) -> Money | None:
    stated = option.way.stated_cost
    return stated.of_use(Money(basis, s.currency)) if stated else None


def _billing_cost(option: PaymentOption, s: Situation) -> int:
    stated = option.way.stated_cost
    cost = stated.of_billing(s.currency) if stated else None
    return cost.minor if cost else 0


def _cut(about: str, what: str, was: Money, now: Money, rule: Rule | None) -> list[Explanation]:
    if now == was:
        return []
    change: Change
    if what == "fee":
        change = "fee_cut" if now.minor else "fee_removed"
    else:
        change = "discount_cut" if now.minor else "discount_removed"
    return [Explanation(about, change, rule, asked=was, given=now)]


def presentation(rules: Rules, s: Situation) -> PresentationRule:
    """The rule on order that the shop goes by: the strict one, or the market's own if it asked."""
    market = s.market if rules.shop.presentation == "national" else EVERYWHERE
    return rules.law.rule_of(PresentationRule, market, s.on)


def in_lawful_order(
    asked: Sequence[PaymentOption], rules: Rules, s: Situation
) -> tuple[list[PaymentOption], list[Explanation]]:
    """Ways to pay in the order in which they may be shown, and nothing chosen that may not be.

    The rules protect consumers; a business sees the shop's own order.
    """
    if s.customer != "consumer":
        return list(asked), []
    rule = presentation(rules, s)
    tiers = {option.id: option.way.tier for option in asked}
    order = presented(rule, tiers, tiers)
    by_id = {option.id: option for option in asked}
    explanations = [] if order == tuple(tiers) else [Explanation("", "reordered", rule)]
    is_avoidable = any(tier != "credit" for tier in tiers.values())
    given = []
    for thing in order:
        option, changes = _shown(by_id[thing], rule, rules, s, is_avoidable=is_avoidable)
        given.append(option)
        explanations += changes
    return given, explanations + _split_advice(given, rules, s)


def _shown(
    option: PaymentOption, rule: PresentationRule, rules: Rules, s: Situation, *, is_avoidable: bool
) -> tuple[PaymentOption, list[Explanation]]:
    """Without a choice made beforehand or a recommendation that the law does not allow."""
    tier = option.way.tier
    changes = []
    if option.is_preselected:
        if not may_preselect(rule, tier, is_avoidable=is_avoidable):
            changes.append(Explanation(option.id, "preselection_removed", rule))
        elif option.fee.minor:
            changes.append(not_preticked(option.id, rules, s))
        option = replace(option, is_preselected=not changes)
    if option.recommendation and tier == "credit" and not rule.recommends_credit:
        changes.append(Explanation(option.id, "recommendation_removed", rule))
        option = replace(option, recommendation=None)
    return option, changes


def _split_advice(given: Sequence[PaymentOption], rules: Rules, s: Situation) -> list[Explanation]:
    """Where the law has only two tiers, a card that may be a credit card should not stand first."""
    first = given[0].way if given else None
    if first is None or first.tier != "may_include_credit" or first.kind.family != "card":
        return []
    return [
        Explanation(first.id, "split_advised", rule)
        for rule in rules.law.rules_of(PresentationRule, s.market, s.on)
        if rule.tiers and rule.place("no_credit") == rule.place("may_include_credit")
    ]


def not_preticked(about: str, rules: Rules, s: Situation) -> Explanation:
    """What costs extra is not chosen for the customer."""
    return Explanation(about, "preselection_removed", rules.law.rule_of(AddOnRule, s.market, s.on))
