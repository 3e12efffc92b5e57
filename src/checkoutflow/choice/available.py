"""Whether something can be chosen at all, before anything is steered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checkoutflow.choice.words import Refusal
from checkoutflow.payment.catalogue import in_currency
from checkoutflow.payment.routing import providers_for

if TYPE_CHECKING:
    from checkoutflow.choice.rules import Rules
    from checkoutflow.choice.situation import Situation
    from checkoutflow.choice.words import ReasonCode
    from checkoutflow.delivery import Delivery
    from checkoutflow.money import Money
    from checkoutflow.payment.methods import Way


def why_no_delivery(delivery: Delivery, s: Situation) -> Refusal | None:
    """Why a way of delivery cannot be chosen; None if it can."""
    if not s.is_sent:
        return Refusal(delivery.id, "nothing_sent")
    if delivery.markets and s.market not in delivery.markets:
        return Refusal(delivery.id, "market", {"market": s.market})
    if delivery.price(s.currency) is None:
        return Refusal(delivery.id, "no_price", {"currency": s.currency})
    return None


def why_not(way: Way, s: Situation, rules: Rules, amount: Money) -> Refusal | None:
    """Why a way to pay cannot be chosen; None if it can.

    Args:
        way: The way to pay.
        s: For whom and for what.
        rules: The shop's settings and what its providers can do.
        amount: What it would have to pay, without what it costs itself.
    """
    refusal = _why_not_by_itself(way, s, amount)
    if refusal is not None or not way.routes:
        return refusal
    if providers_for(way.routes, s.market, amount, rules.capabilities):
        return None
    if not (taking := [route for route in way.routes if route.takes(s.market, amount)]):
        return Refusal(way.id, "no_route")
    name = taking[0].provider
    if rules.capabilities is None or name not in rules.capabilities:
        return Refusal(way.id, "no_provider", {"provider": name})
    return Refusal(way.id, "provider_currency", {"provider": name, "currency": s.currency})


def _why_not_by_itself(way: Way, s: Situation, amount: Money) -> Refusal | None:
    code: ReasonCode
    facts: dict[str, str | Money] = {}
    method, kind = way.method, way.kind
    if (method.markets and s.market not in method.markets) or (
        kind.markets and s.market not in kind.markets
    ):
        code, facts = "market", {"market": s.market}
    elif kind.currencies and s.currency not in kind.currencies:
        code, facts = "currency", {"currency": s.currency}
    elif s.customer not in method.customers or s.customer not in kind.customers:
        code = "customer"
    elif (limit := _smallest(way, amount)) is not None:
        code, facts = "too_small", {"limit": limit}
    elif (limit := _largest(way, amount)) is not None:
        code, facts = "too_large", {"limit": limit}
    elif s.age is not None and s.age < way.age_limit:
        code, facts = "age", {"age": str(way.age_limit)}
    elif not_for := way.not_for & s.categories:
        code, facts = "goods", {"goods": min(not_for)}
    elif method.deliveries and s.delivery not in method.deliveries:
        code = "delivery"
    else:
        return None
    return Refusal(way.id, code, facts)


def _smallest(way: Way, amount: Money) -> Money | None:
    """The smallest amount it takes, where this one is below it."""
    for limits in (way.method.minimum, way.kind.minimum):
        limit = in_currency(limits, amount.currency)
        if limit is not None and amount < limit:
            return limit
    return None


def _largest(way: Way, amount: Money) -> Money | None:
    """The largest amount it takes, where this one is above it."""
    for limits in (way.method.maximum, way.kind.maximum):
        limit = in_currency(limits, amount.currency)
        if limit is not None and amount > limit:
            return limit
    return None
