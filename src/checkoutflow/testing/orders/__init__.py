"""Streams of orders that nobody placed: shopping in five countries, with fraud planted in it.

What finds fraud is only worth what it finds on orders it has not seen, so a stream has what is hard
about real ones. Honest people look suspicious: they send gifts, share a home and a network, order
twice, retype their card, travel, move, and do all of it more before Christmas; businesses order the
same again and again. Fraud comes in campaigns (`PATTERNS`), changes its mix and its manners over
time, is known only weeks later, and sometimes never or wrongly.

Nobody is in it: people, homes, networks and cards are numbered tokens, not names and not addresses.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from checkoutflow.testing.orders.fraud import PATTERNS, campaigns
from checkoutflow.testing.orders.honest import shopping
from checkoutflow.testing.orders.order import RESOLD, Item, Order
from checkoutflow.testing.orders.town import Town

__all__ = ["PATTERNS", "RESOLD", "Item", "Order", "orders"]

# Days after which nothing bad is heard of an order any more: card schemes' time for most disputes.
_SETTLED_DAYS = 120


def orders(
    *,
    seed: int,
    days: int = 365,
    per_day: int = 40,
    fraud_percent: float = 1.5,
    start: datetime = datetime(2025, 1, 1, tzinfo=UTC),
    drift: bool = True,
    missed_percent: float = 8,
    mistaken_percent: float = 0.1,
) -> tuple[Order, ...]:
    """Make a stream of orders, in the order in which they were placed.

    Args:
        seed: The same seed gives the same stream.
        days: How long it is.
        per_day: Honest orders on an ordinary day.
        fraud_percent: About how many of a hundred orders belong to a pattern.
        start: Its first moment.
        drift: Whether fraud and customers change over time.
        missed_percent: How many of a hundred fraudulent orders nobody ever reports.
        mistaken_percent: How many of a hundred honest orders are charged back all the same. Honest
            invoices that stay unpaid come on top.
    """
    town = Town(Random(seed), start, days, drift=drift)  # noqa: S311 -- no secret
    made = list(shopping(town, per_day))
    made += campaigns(town, round(len(made) * fraud_percent / 100))
    settled = (_settled(order, town, missed_percent, mistaken_percent) for order in made)
    return tuple(sorted(settled, key=lambda order: (order.at, order.account)))


def _settled(order: Order, town: Town, missed: float, mistaken: float) -> Order:
    """The order with what the shop comes to hear of it, and when."""
    by_invoice = order.method == "invoice"
    if order.pattern:
        is_reported = not town.happens(missed)
    else:  # people also fall ill, forget, move, and do not know the shop's name on their statement
        is_reported = town.happens(mistaken + 0.6 * by_invoice)
    if not is_reported:
        return replace(order, known_at=order.at + timedelta(days=_SETTLED_DAYS))
    days = 45 + town.about(20) if by_invoice else 5 + town.about(30)
    outcome = "unpaid" if by_invoice else "chargeback"
    return replace(
        order, outcome=outcome, known_at=order.at + timedelta(days=min(days, _SETTLED_DAYS))
    )
