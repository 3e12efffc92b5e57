"""The situation that options are worked out for, and whether a rule's conditions hold in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from types import MappingProxyType
from typing import TYPE_CHECKING

from checkoutflow.payment.catalogue import in_currency

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from checkoutflow.cart import Cart
    from checkoutflow.law.choice import Customer
    from checkoutflow.money import Money
    from checkoutflow.payment.steering import When


@dataclass(frozen=True, slots=True)
class Situation:
    """What options depend on.

    Attributes:
        cart: What is to be bought.
        market: Country or territory code.
        at: Now; aware.
        day: The day of the contract where the market is; by default that of UTC.
        customer: ``consumer`` or ``business``.
        age: In years, where known.
        areas: Which of the shop's areas the customer is known to live in.
        delivery: The chosen way of delivery; empty while none is chosen or none is needed.
        credited: How many minor units gift cards and store credit are to cover.
        arms: The arm of each experiment, by its id.
        on: The day whose law holds.
        currency: That of every amount.
        goods: Worth of the goods after discounts, in minor units, as the cart's prices are.
        covers: What insurance and warranties for them cost, in minor units.
        weight_g: Grams of all goods together.
        categories: The goods categories in the cart.
    """

    cart: Cart
    market: str
    at: datetime
    customer: Customer = "consumer"
    age: int | None = None
    areas: frozenset[str] = frozenset()
    delivery: str = ""
    credited: int = 0
    arms: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    day: date | None = None
    on: date = field(init=False)
    currency: str = field(init=False)
    goods: int = field(init=False)
    covers: int = field(init=False)
    weight_g: int = field(init=False)
    categories: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Work out once what many rules ask for."""
        lines = self.cart.goods
        put = object.__setattr__
        put(self, "on", self.day or self.at.astimezone(UTC).date())
        put(self, "currency", self.cart.currency)
        put(self, "goods", self.cart.worth.minor)
        put(self, "covers", self.cart.covers.minor)
        put(self, "weight_g", sum(line.weight_g * line.quantity for line in lines))
        put(self, "categories", frozenset(line.goods_category for line in lines))

    @property
    def is_sent(self) -> bool:
        """Whether anything in the cart has to be delivered."""
        return not all(line.digital for line in self.cart.lines)


def reached(limits: tuple[Money, ...], s: Situation) -> bool:
    """Whether the goods are worth the limit in their currency; false where it has none."""
    limit = in_currency(limits, s.currency)
    return limit is not None and s.goods >= limit.minor


def holds(when: When, s: Situation) -> bool:
    """Whether all conditions hold. What is not known yet does not hold."""
    return (
        (not when.markets or s.market in when.markets)
        and (not when.customers or s.customer in when.customers)
        and (not when.deliveries or s.delivery in when.deliveries)
        and (not when.goods or not when.goods.isdisjoint(s.categories))
        and (not when.areas or not when.areas.isdisjoint(s.areas))
        and (not when.outside or when.outside.isdisjoint(s.areas))
        and (when.min_weight_g is None or s.weight_g >= when.min_weight_g)
        and (when.max_weight_g is None or s.weight_g <= when.max_weight_g)
        and (not when.at_least or reached(when.at_least, s))
        and (not when.below or _is_below(when.below, s))
        and (when.since is None or s.at >= when.since)
        and (when.until is None or s.at < when.until)
        and (not when.arms or any(f"{test}:{arm}" in when.arms for test, arm in s.arms.items()))
    )


def _is_below(limits: tuple[Money, ...], s: Situation) -> bool:
    limit = in_currency(limits, s.currency)
    return limit is not None and s.goods < limit.minor
