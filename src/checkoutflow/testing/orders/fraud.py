"""Fraud, planted in campaigns: each pattern is a function that makes the orders of one campaign."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.testing.orders.order import ABROAD
from checkoutflow.testing.orders.town import priced, seen_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from checkoutflow.testing.orders.order import Order
    from checkoutflow.testing.orders.town import Town


def campaigns(town: Town, wanted: int) -> Iterator[Order]:
    """Fraudulent orders, campaign after campaign, until there are about as many as wanted."""
    made = 0
    while made < wanted:
        at = town.moment(town.dice.randrange(town.days))
        late = town.late(at)
        shares = [first + (last - first) * late for _, first, last in _CAMPAIGNS.values()]
        pattern = town.dice.choices(list(_CAMPAIGNS), shares)[0]
        for order in _CAMPAIGNS[pattern][0](town, at):
            made += 1
            yield priced(replace(order, pattern=pattern))


def _card_testing(town: Town, at: datetime) -> Iterator[Order]:
    """Many stolen cards tried on small things from a few networks, within minutes."""
    dice = town.dice
    networks = [town.token("net") for _ in range(dice.choice((1, 2, 3)))]
    market, abroad = town.market(), dice.choice(ABROAD)
    for _ in range(dice.randrange(6, 16)):
        at += timedelta(seconds=town.about(90 + 600 * town.late(at)))
        order = replace(
            _stolen(town, at, market, abroad),
            items=(town.item(dice.choice(("gift_cards", "books", "food")), 1),),
            cards=1 + town.about(2),
            attempts=3 + town.about(3),
        )
        yield seen_from(order, dice.choice(networks), market if town.happens(30) else abroad)


def _reship(town: Town, at: datetime) -> Iterator[Order]:
    """Goods to sell on, with stolen cards, all to one who sends them on."""
    dice = town.dice
    market, abroad = town.market(), dice.choice(ABROAD)
    place = "forwarder" if town.happens(40) else "home"
    address = town.forwarder() if place == "forwarder" else town.token("home")
    for _ in range(dice.randrange(3, 9)):
        at += timedelta(hours=6 + town.about(20))
        yield replace(
            _stolen(town, at, market, abroad if town.happens(60) else market),
            address=address,
            place=place,
            items=(town.item(_sold_on(town, at), dice.choice((1, 1, 2))),),
        )


def _identical(town: Town, at: datetime) -> Iterator[Order]:
    """The same expensive thing ordered again and again to one address."""
    market, address, network = town.market(), town.token("home"), town.token("net")
    item = town.item(_sold_on(town, at), 1)
    for _ in range(town.dice.randrange(4, 12)):
        at += timedelta(minutes=3 + town.about(40 + 200 * town.late(at)))
        order = replace(_stolen(town, at, market, market), address=address, items=(item,))
        yield seen_from(order, network, market) if town.happens(60) else order


def _takeover(town: Town, at: datetime) -> Iterator[Order]:
    """A known customer's account in other hands: seen from elsewhere, and sent elsewhere."""
    dice = town.dice
    person = town.known(at)
    order = town.order(person, at)
    is_abroad = town.happens(60 - 30 * town.late(at))
    place = "parcel_shop" if town.happens(40) else "home"
    order = replace(
        order,
        since=min(order.since, at),
        address=town.parcel_shop(person.market) if place == "parcel_shop" else town.token("home"),
        place=place,
        items=(town.item(_sold_on(town, at), dice.choice((1, 1, 2))),),
        seconds=15 + town.about(60),
        risk=town.risk(35, order.countries),
    )
    yield seen_from(order, town.token("net"), dice.choice(ABROAD) if is_abroad else person.market)


def _friendly(town: Town, at: datetime) -> Iterator[Order]:
    """A customer who gets the goods and denies it, sometimes more than once."""
    person = town.known(at)
    for _ in range(town.dice.choice((1, 1, 2, 3))):
        order = town.order(person, at)
        yield replace(
            order,
            since=min(order.since, at),
            method="card",
            card=person.card,
            cards=1,
            risk=town.risk(14, order.countries),
        )
        at += timedelta(days=30 + town.about(40))


def _not_paying(town: Town, at: datetime) -> Iterator[Order]:
    """Somebody who means from the start not to pay the invoice."""
    dice, market = town.dice, town.market()
    person = town.person(at, market, market)
    for _ in range(dice.choice((1, 2, 2, 3, 4))):
        order = town.order(person, at)
        place = dice.choice(("home", "parcel_shop", "parcel_shop"))
        yield replace(
            order,
            method="invoice",
            card="",
            cards=0,
            is_disposable=town.happens(8),
            place=place,
            address=order.home if place == "home" else town.parcel_shop(market),
            items=(town.item(_sold_on(town, at) if town.happens(65) else "clothing", 2),),
        )
        at += timedelta(days=town.about(9))


def _stolen(town: Town, at: datetime, market: str, country: str) -> Order:
    """An order with somebody else's card of that country, on an account made for it."""
    person = town.person(at, market, market if town.happens(60) else country)
    order = town.order(person, at)
    return replace(
        order,
        method="card",
        card=town.token("card"),
        cards=1 + int(town.happens(25)),
        attempts=1 + int(town.happens(35)),
        countries={**order.countries, "card": country},
        is_disposable=town.happens(25),
        seconds=10 + town.about(20 + 120 * town.late(at)),  # they learn to take their time
        risk=town.risk(45, order.countries),
    )


def _sold_on(town: Town, at: datetime) -> str:
    """What thieves sell: first phones, later watches and consoles."""
    late = town.late(at)
    shares = {
        "phones": 6 - 4 * late,
        "watches": 1 + 3 * late,
        "game_consoles": 1 + 2 * late,
        "jewellery": 2,
    }
    return town.dice.choices(list(shares), list(shares.values()))[0]


# Who makes a campaign, and its share of all campaigns at the start and at the end of a stream.
_CAMPAIGNS: Final[
    Mapping[str, tuple[Callable[[Town, datetime], Iterator[Order]], float, float]]
] = MappingProxyType(
    {
        "card_testing": (_card_testing, 3, 1),
        "reship": (_reship, 3, 6),
        "identical": (_identical, 3, 3),
        "takeover": (_takeover, 5, 14),
        "friendly": (_friendly, 6, 8),
        "not_paying": (_not_paying, 6, 8),
    }
)
PATTERNS: Final = tuple(_CAMPAIGNS)
