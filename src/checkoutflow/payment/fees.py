"""What the law leaves of the fees, discounts and order that a shop wants for its ways to pay.

The rules come from `Law.rules_of`, each with its source; here they are applied. Nothing here raises
a fee or a discount, and a fee that is not known to be allowed is taken away.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from checkoutflow.law.choice import BILLS, FEE_LIMITS
from checkoutflow.money import Money

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from checkoutflow.law.choice import (
        Customer,
        DiscountRule,
        FeeLimit,
        FeeRule,
        Instrument,
        PresentationRule,
        Tier,
    )


# -- Fees ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FeeVerdict:
    """How high a fee for a way to pay may be.

    Attributes:
        limit: The strictest limit.
        rule: The rule behind it; None where no rule is known, so that nothing may be charged.
        free_rule: The rule that also asks for a way to pay without a fee beside it, if one does.
    """

    limit: FeeLimit
    rule: FeeRule | None
    free_rule: FeeRule | None = None


_NOTHING_KNOWN: Final = FeeVerdict("nothing", None)


def fee_limit(
    rules: Sequence[FeeRule], instruments: Iterable[Instrument], customer: Customer
) -> FeeVerdict:
    """How high a fee may be for a way to pay that may turn out to be any of some instruments.

    The strictest rule for any of them holds, of equally strict ones the first. If one of them is
    covered by no rule, nothing may be charged: an unknown instrument or market has no fee.

    Args:
        rules: Those of the market on the day of the contract, in the order of the tables.
        instruments: What the way to pay may be to the law; for a card before its number is typed
            that is a consumer's and a business's, for a wallet each card that may be in it.
        customer: Who pays.
    """
    may_be = frozenset(instruments)
    uncovered = may_be
    strictest: FeeRule | None = None
    free_rule: FeeRule | None = None
    for rule in rules:
        covered = rule.covered(may_be, customer)
        if not covered:
            continue
        uncovered -= covered
        if rule.needs_free_method and free_rule is None:
            free_rule = rule
        if strictest is None or _is_stricter(rule.limit, strictest.limit):
            strictest = rule
    if strictest is None or (uncovered and strictest.limit != "nothing"):
        return _NOTHING_KNOWN
    return FeeVerdict(strictest.limit, strictest, free_rule)


def _is_stricter(one: FeeLimit, other: FeeLimit) -> bool:
    return FEE_LIMITS.index(one) < FEE_LIMITS.index(other)


@dataclass(frozen=True, slots=True)
class LawfulFee:
    """What the law leaves of a fee.

    Attributes:
        amount: The fee that may be charged.
        change: What was done: ``kept``, ``cut`` to a lower amount, or ``removed``.
        rule: The rule that decided; None where none is known.
    """

    amount: Money
    change: Literal["kept", "cut", "removed"]
    rule: FeeRule | None


def lawful_fee(
    rules: Sequence[FeeRule],
    instruments: Iterable[Instrument],
    customer: Customer,
    *,
    fee: Money,
    cost: Money | None,
    billing_cost: Money | None,
    has_free_method: bool,
) -> LawfulFee:
    """What the law leaves of a fee that the shop wants for a way to pay.

    Args:
        rules: As for `fee_limit`.
        instruments: As for `fee_limit`.
        customer: Who pays.
        fee: What the shop wants; not below zero. A fee that is agreed is left as it is, and has to
            be in the total that the customer is shown.
        cost: What using it costs the shop, as the shop states; None, which counts as nothing, if
            it does not.
        billing_cost: What issuing and sending the bill costs, likewise.
        has_free_method: Whether a way to pay in general use (no gift card) is offered without a
            fee.

    Raises:
        UsageError: If the cost is in another currency than the fee.
    """
    verdict = fee_limit(rules, instruments, customer)
    if fee.is_zero:
        return LawfulFee(fee, "kept", verdict.rule)
    if verdict.free_rule is not None and not has_free_method and verdict.limit != "nothing":
        return LawfulFee(Money.zero(fee.currency), "removed", verdict.free_rule)
    most = {"nothing": None, "cost_of_billing": billing_cost, "cost": cost, "agreed": fee}[
        verdict.limit
    ]
    if most is None or most.minor <= 0:
        return LawfulFee(Money.zero(fee.currency), "removed", verdict.rule)
    if fee <= most:
        return LawfulFee(fee, "kept", verdict.rule)
    return LawfulFee(most, "cut", verdict.rule)


# -- Discounts -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Steered:
    """What a shop wants for one way to pay, in minor units of one currency, none below zero.

    Attributes:
        id: The shop's name for it.
        instruments: What it may be to the law.
        tier: Whether choosing it can mean to borrow.
        fee: Its fee, as `lawful_fee` left it.
        discount: Its discount.
        billing_cost: What issuing and sending the bill costs, as the shop states; 0 if it does not.
        rule: The rule that cut fee or discount, if one did; the last, of several.
    """

    id: str
    instruments: Collection[Instrument]
    tier: Tier
    fee: int = 0
    discount: int = 0
    billing_cost: int = 0
    rule: DiscountRule | None = None


def discount_caps(
    rules: Sequence[DiscountRule], customer: Customer, ways: Sequence[Steered]
) -> dict[str, Steered]:
    """What the law leaves of discounts, and of fees that discounts of others come on top of.

    Args:
        rules: Those of the market on the day of the contract. They are applied in turn; no market
            has more than one that cuts.
        customer: Who pays.
        ways: Every way to pay that is offered, since rules compare them.

    Returns:
        The same ways by id, with what is left and the rule that cut it.
    """
    left = {way.id: way for way in ways}
    for rule in rules:
        if rule.effect == "allowed" or customer not in rule.customers:
            continue
        cut = _not_for_credit if rule.effect == "not_for_credit" else _bill_fee
        for way, fee, discount in cut(rule, tuple(left.values())):
            if (fee, discount) != (way.fee, way.discount):
                left[way.id] = replace(way, fee=fee, discount=discount, rule=rule)
    return left


def _not_for_credit(
    rule: DiscountRule, ways: Sequence[Steered]
) -> Iterator[tuple[Steered, int, int]]:
    """Keep credit from being cheaper than any way of paying at once.

    Its discount is at most what the dearest of those gives, less their fee; with nothing to compare
    it with, it has none.
    """
    most = min((way.discount - way.fee for way in ways if way.tier != "credit"), default=0)
    for way in ways:
        if way.tier == "credit" and _covers(rule, way):
            yield way, way.fee, min(way.discount, max(0, most))


def _bill_fee(rule: DiscountRule, ways: Sequence[Steered]) -> Iterator[tuple[Steered, int, int]]:
    """Count what others get and who pays by bill does not as a fee for the bill.

    Together with the bill's own fee it is at most what the bill costs. The fee gives way first: no
    discount is cut unless it is too large beside a bill without a fee.
    """
    bills = [way for way in ways if not BILLS.isdisjoint(way.instruments) and _covers(rule, way)]
    # One round is enough. A bill's own discount may be cut too, but then to another bill's and the
    # cost of that, which is as much as any discount is left with.
    discounts = {}
    for way in ways:
        most = (bill.discount + bill.billing_cost for bill in bills if bill.id != way.id)
        discounts[way.id] = min((way.discount, *most))
    highest = max(discounts.values(), default=0)
    fees = {bill.id: bill.billing_cost - (highest - discounts[bill.id]) for bill in bills}
    for way in ways:
        yield way, min(way.fee, fees.get(way.id, way.fee)), discounts[way.id]


def _covers(rule: DiscountRule, way: Steered) -> bool:
    """Whether it may turn out to be something that the rule does not except."""
    return not way.instruments or not rule.except_instruments.issuperset(way.instruments)


# -- Order and preselection ------------------------------------------------------------------------


def presented(
    rule: PresentationRule, order: Iterable[str], tiers: Mapping[str, Tier]
) -> tuple[str, ...]:
    """Ways to pay in the order in which they may be shown: the shop's own, within each group.

    Args:
        rule: The market's rule, or the one for every market.
        order: Ids in the order the shop wants.
        tiers: For each id, whether choosing it can mean to borrow.
    """
    return tuple(sorted(order, key=lambda id_: rule.place(tiers[id_])))


def may_preselect(rule: PresentationRule, tier: Tier, *, is_avoidable: bool) -> bool:
    """Whether a way to pay may be shown as chosen before the customer chooses.

    Args:
        rule: The market's rule, or the one for every market.
        tier: Whether choosing it can mean to borrow.
        is_avoidable: Whether a way to pay that need not be credit is offered too.
    """
    if rule.preselect == "nothing":
        return False
    return tier != "credit" or (rule.preselect == "not_credit_if_avoidable" and not is_avoidable)
