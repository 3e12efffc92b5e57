"""What a shop sees of a stream: signals and rules for each order, by what was known before it."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from datetime import timedelta
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple

from checkoutflow.cart import Cart, Line
from checkoutflow.money import Money
from checkoutflow.payment.outcomes import Risk
from checkoutflow.review.rules import Order as Ruled
from checkoutflow.review.settings import ReviewRules
from checkoutflow.review.signals import COUNTS, Facts, measured
from checkoutflow.review.traces import Fate, Kind
from checkoutflow.review.values import band
from checkoutflow.risk.rows import Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from checkoutflow.review.rules import Judgement
    from checkoutflow.review.signals import Signals
    from checkoutflow.testing.orders.order import Order

_FATES: Final = {"chargeback": Fate.CHARGED_BACK, "unpaid": Fate.UNPAID}
_DIALLING: Final = {"DK": "+45", "SE": "+46", "NO": "+47", "FI": "+358", "IS": "+354"}


class Watched(NamedTuple):
    """An order, its signals, and what the rules came to."""

    order: Order
    signals: Signals
    judgement: Judgement

    @property
    def row(self) -> Row:
        """The order as a score is learned from it."""
        return Row(
            self.order.at,
            self.order.label,
            self.order.known_at,
            self.signals,
            self.judgement.weight,
            bool(self.judgement.reasons),
        )


def watched(stream: Iterable[Order], rules: ReviewRules | None = None) -> Iterator[Watched]:
    """Give each order of a stream with what a shop makes of it at that moment.

    Args:
        stream: Orders in the order in which they were placed.
        rules: The shop's; those that every shop starts with by default.
    """
    rules = rules or ReviewRules()
    history = _History()
    for order in stream:
        facts = history.facts(order)
        signals = measured(facts, rules)
        ruled = Ruled(order.market, facts.cart, facts.total, frozenset({order.method}), order.place)
        yield Watched(order, signals, rules.judge(ruled, signals))
        history.add(order)


class _History:
    """What the shop remembers. The stream's tokens stand where digests do in a shop."""

    def __init__(self) -> None:
        self._seen: dict[tuple[Kind, Fate, str], list[datetime]] = defaultdict(list)
        self._values: dict[str, Counter[int]] = defaultdict(Counter)
        self._open: list[tuple[datetime, int, Order]] = []
        self._numbers = count()

    def facts(self, order: Order) -> Facts:
        while self._open and self._open[0][0] <= order.at:
            at, _, before = heappop(self._open)
            for kind, token in _tokens(before).items():
                self._seen[kind, _FATES[before.outcome], token].append(at)
        tokens = _tokens(order)
        cart = _cart(order)
        return Facts(
            at=order.at,
            started_at=order.at - timedelta(seconds=order.seconds),
            market=order.market,
            cart=cart,
            total=cart.worth,
            to="pickup" if order.place == "parcel_shop" else "address",
            tries=order.attempts - 1,
            declines=order.attempts - 1,
            contact=_contact(order),
            network_country=order.countries["network"],
            counts={
                each: self._count(each.kind, each.fate, tokens[each.kind], order.at, each.days)
                for each in COUNTS
                if each.kind in tokens
            },
            values=self._values[order.currency],
            risk=Risk(level=order.risk, card_country=order.countries.get("card", "")),
            cards=order.cards if order.card else None,
        )

    def add(self, order: Order) -> None:
        for kind, token in _tokens(order).items():
            self._seen[kind, Fate.ORDERED, token].append(order.at)
        self._values[order.currency][band(order.minor)] += 1
        if order.outcome:
            heappush(self._open, (order.known_at, next(self._numbers), order))

    def _count(self, kind: Kind, fate: Fate, token: str, at: datetime, days: int) -> int:
        times = self._seen.get((kind, fate, token), [])
        return len(times) - bisect_left(times, at - timedelta(days=days))


def _tokens(order: Order) -> Mapping[Kind, str]:
    """What stands for the digests of an order's traces."""
    # Whoever fetches a parcel gives their own address, and not the parcel shop's.
    address = order.home if order.place == "parcel_shop" else order.address
    goods = " ".join(sorted({item.sku for item in order.items}))
    tokens = {
        Kind.EMAIL: order.contact,
        Kind.PHONE: order.contact,
        Kind.ADDRESS: address,
        Kind.NETWORK: order.network,
        Kind.CONTACT_AT_ADDRESS: f"{order.contact} {address}",
        Kind.GOODS_AT_ADDRESS: f"{address} {goods}",
        Kind.GOODS_BY_CONTACT: f"{order.contact} {goods}",
    }
    return tokens | {Kind.CARD: order.card} if order.card else tokens


def _contact(order: Order) -> Mapping[str, str]:
    """Contact details of nobody, with what signals look for in them."""
    domain = "mailinator.com" if order.is_disposable else "example.com"
    return {
        "email": f"nobody@{domain}",
        "phone": _DIALLING.get(order.countries["phone"], "+1"),
        "street": "Freight forwarder" if order.place == "forwarder" else "Street",
        "country": order.countries["delivery"],
    }


def _cart(order: Order) -> Cart:
    lines = (
        Line(
            sku=item.sku,
            name=item.sku,
            quantity=item.quantity,
            unit_price=Money(item.minor, order.currency),
            goods_category=item.category,
        )
        for item in order.items
    )
    return Cart(lines=tuple(lines))
