"""What the shop's own rules ask for, before the law has its say."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from checkoutflow.choice.situation import holds, reached

if TYPE_CHECKING:
    from collections.abc import Iterable

    from checkoutflow.choice.situation import Situation
    from checkoutflow.payment.steering import SteeringRule
    from checkoutflow.texts import Text


class Wish(NamedTuple):
    """What the rules ask for one way to pay or of delivery; amounts in minor units."""

    fee: int = 0
    discount: int = 0
    is_free: bool = False
    rank: int = 0
    recommend: Text | None = None
    preselect: bool = False
    hidden_by: str = ""
    fee_label: Text | None = None
    discount_label: Text | None = None


NO_WISH = Wish()


def rules_by_thing(
    rules: Iterable[SteeringRule], s: Situation
) -> dict[str, dict[str, list[SteeringRule]]]:
    """The rules whose conditions hold, by side and by what they are for."""
    found: dict[str, dict[str, list[SteeringRule]]] = {"methods": {}, "deliveries": {}}
    for rule in rules:
        if holds(rule.when, s):
            for side, ids in (("methods", rule.methods), ("deliveries", rule.deliveries)):
                for thing in ids:
                    found[side].setdefault(thing, []).append(rule)
    return found


def wish(rules: Iterable[SteeringRule], s: Situation, amount: int) -> Wish:
    """Put together what the rules for one thing ask for.

    Fees and discounts add up. Of ranks, words and labels the last rule's hold.

    Args:
        rules: Those for this thing whose conditions hold, in the shop's order.
        s: For whom and for what.
        amount: What percentages are taken of, in minor units.
    """
    fee = discount = rank = 0
    is_free = preselect = False
    hidden_by = ""
    recommend = fee_label = discount_label = None
    for rule in rules:
        if rule.fee:
            fee += rule.fee.of(amount, s.currency)
            fee_label = rule.label or fee_label
        if rule.discount:
            discount += rule.discount.of(amount, s.currency)
            discount_label = rule.label or discount_label
        is_free = is_free or reached(rule.free_from, s)
        rank = rank if rule.rank is None else rule.rank
        recommend = rule.recommend or recommend
        preselect = preselect or rule.preselect
        hidden_by = hidden_by or (rule.id if rule.hide else "")
    return Wish(
        fee=fee,
        discount=discount,
        is_free=is_free,
        rank=rank,
        recommend=recommend,
        preselect=preselect,
        hidden_by=hidden_by,
        fee_label=fee_label,
        discount_label=discount_label,
    )
