"""What a shop sees of a stream: the signals of each order, from what had happened before it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict, deque
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Final

from checkoutflow.testing.orders.order import RESOLD, Order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_DAY: Final = timedelta(days=1)
_MONTH: Final = timedelta(days=30)


def watched(stream: Iterable[Order]) -> Iterator[tuple[Order, Mapping[str, float]]]:
    """Give each order with its signals, of what the shop knows at that moment and no more.

    Args:
        stream: Orders in the order in which they were placed.
    """
    history = _History()
    for order in stream:
        yield order, history.signals(order)
        history.add(order)


class _History:
    def __init__(self) -> None:
        self._seen: dict[str, deque[datetime]] = defaultdict(deque)
        self._totals: dict[str, list[int]] = defaultdict(list)
        self._accounts: set[str] = set()
        self._contacts: dict[str, dict[str, datetime]] = defaultdict(dict)
        self._settled: dict[tuple[str, str], int] = defaultdict(int)
        self._open: list[tuple[datetime, int, Order]] = []
        self._numbers = count()

    def signals(self, order: Order) -> Mapping[str, float]:
        """The signals of an order that is not yet among those seen."""
        while self._open and self._open[0][0] <= order.at:
            _, _, before = heappop(self._open)
            self._settled[before.outcome, before.account] += 1
            self._settled[before.outcome, before.address] += 1
        signals: dict[str, float] = {
            "units": sum(item.quantity for item in order.items),
            "resold_share": sum(
                item.quantity * item.minor for item in order.items if item.category in RESOLD
            )
            / order.minor,
            "address_differs": order.address != order.home and order.place == "home",
            "parcel_shop": order.place == "parcel_shop",
            "forwarder": order.place == "forwarder",
            "cards_tried": order.cards,
            "attempts": order.attempts,
            "identical_orders": self._count(_goods(order), order.at, _DAY),
            "orders_by_contact": self._count(order.contact, order.at, _DAY),
            "orders_to_address": self._count(order.address, order.at, 7 * _DAY),
            "orders_from_network": self._count(order.network, order.at, _DAY),
            "contacts_at_address": sum(
                order.at - at <= _MONTH
                for contact, at in self._contacts[order.address].items()
                if contact != order.contact
            ),
            "countries": len(set(order.countries.values())),
            "seconds": order.seconds,
            "disposable_email": order.is_disposable,
            "business": order.is_business,
            "new_customer": order.account not in self._accounts and order.at - order.since < _DAY,
            "invoice": order.method == "invoice",
            "chargebacks": self._settled["chargeback", order.account]
            + self._settled["chargeback", order.address],
            "unpaid_invoices": self._settled["unpaid", order.account]
            + self._settled["unpaid", order.address],
        }
        totals = self._totals[order.currency]
        if len(totals) >= 100:  # noqa: PLR2004 -- of fewer a place says nothing
            signals["value_place"] = bisect_left(totals, order.minor) / len(totals)
        if order.provider_risk is not None:
            signals["provider_risk"] = order.provider_risk
        return signals

    def add(self, order: Order) -> None:
        """Take in an order."""
        for key in (order.contact, order.address, order.network, _goods(order)):
            self._seen[key].append(order.at)
        insort(self._totals[order.currency], order.minor)
        self._accounts.add(order.account)
        self._contacts[order.address][order.contact] = order.at
        if order.outcome:
            heappush(self._open, (order.known_at, next(self._numbers), order))

    def _count(self, key: str, at: datetime, window: timedelta) -> int:
        times = self._seen[key]
        while times and at - times[0] > _MONTH:
            times.popleft()
        return sum(at - time <= window for time in times)


def _goods(order: Order) -> str:
    """What is equal for two orders of the same goods to the same address."""
    return f"{order.address} {sorted((item.sku, item.quantity) for item in order.items)}"
