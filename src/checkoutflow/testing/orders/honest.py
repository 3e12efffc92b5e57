"""Honest shopping, with what makes it look like fraud."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import sqrt
from typing import TYPE_CHECKING

from checkoutflow.testing.orders.town import priced, seen_from

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from checkoutflow.testing.orders.order import Order
    from checkoutflow.testing.orders.town import Person, Town

_CHRISTMAS = 12


def shopping(town: Town, per_day: int) -> Iterator[Order]:
    """Every honest order of a stream.

    Args:
        town: Where it plays.
        per_day: Orders on an ordinary day of the first year; each year there are more.
    """
    for day in range(town.days):
        today = town.start + timedelta(days=day)
        mean = per_day * _season(today) * (1 + 0.4 * town.late(today))
        count = round(town.dice.gauss(mean, sqrt(mean)))
        for at in sorted(town.moment(day) for _ in range(count)):
            yield from _shop(town, at)


def _season(day: datetime) -> float:
    """How busy a day is, an ordinary one being 1."""
    match day.month, day.day:
        case 1, _:
            return 0.8
        case 11, date if date > 22:  # noqa: PLR2004 -- the week of Black Friday
            return 2.0
        case 12, date:
            return 1.9 if date <= 20 else 0.7  # noqa: PLR2004 -- nothing arrives in time any more
    return 1.0


def _shop(town: Town, at: datetime) -> Iterator[Order]:
    """One order, or now and then two: something was forgotten, or a click came twice."""
    person = town.customer(at)
    order = _sent(town, person, town.order(person, at))
    if town.happens(3):  # travelling, or behind a tunnel
        order = seen_from(order, town.token("net"), town.anywhere())
    if order.card and town.happens(9):  # retyped, or another card of the family
        order = replace(order, attempts=town.dice.choice((2, 2, 3)), cards=town.dice.choice((1, 2)))
    order = replace(order, risk=town.risk(12, order.countries))
    yield priced(order)
    if town.happens(4):
        later = at + timedelta(minutes=2 + town.about(60))
        items = order.items if town.happens(30) else town.basket(at)
        yield priced(replace(order, at=later, items=items))


def _sent(town: Town, person: Person, order: Order) -> Order:
    """The order with where it goes: home, to someone else, to a parcel shop, to the office."""
    if person.is_business:
        quantity = town.dice.choice((1, 2, 5, 10, 20))  # of the same as last time, often
        return replace(order, items=(town.item("office", quantity),))
    if town.happens(2):  # moved
        person.home = town.token("home")
        return replace(order, address=person.home)
    if town.happens(45 if order.at.month == _CHRISTMAS else 8):  # a gift
        return replace(order, address=town.token("home"))
    if town.happens(30 + 15 * town.late(order.at)):  # parcel shops grow popular
        return replace(order, address=town.parcel_shop(person.market), place="parcel_shop")
    if town.happens(0.7):
        return replace(order, address=town.forwarder(), place="forwarder")
    return order
