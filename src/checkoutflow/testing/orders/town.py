"""Where customers of a stream live: people, goods and dice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from checkoutflow.testing.orders.order import ABROAD, GOODS, MARKETS, RESOLD, Item, Order, RiskLevel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from random import Random


@dataclass(slots=True, kw_only=True)
class Person:
    """A customer; people of one household share home and network."""

    account: str
    since: datetime
    market: str
    is_business: bool
    contact: str
    home: str
    network: str
    card: str
    phone_country: str
    card_country: str


class Town:
    """The people and shops of one stream, and the dice that move them.

    Attributes:
        dice: What decides everything.
        people: Every honest customer so far.
    """

    def __init__(self, dice: Random, start: datetime, days: int, *, drift: bool) -> None:
        """Set up the shops; nobody has come yet."""
        self.dice = dice
        self.people: list[Person] = []
        self.start = start
        self.days = days
        self._drift = drift
        self._tokens = 0
        self._prices = {name: [self._price(name) for _ in range(12)] for name in GOODS}

    # Time and chance -----------------------------------------------------------------------------

    def late(self, at: datetime) -> float:
        """How far the stream is, from 0 to 1; always 0 without drift."""
        return self._elapsed(at) if self._drift else 0

    def _elapsed(self, at: datetime) -> float:
        return min((at - self.start).days / self.days, 1)

    def happens(self, percent: float) -> bool:
        """Whether something happens that does so this often."""
        return self.dice.random() * 100 < percent

    def about(self, mean: float) -> int:
        """A whole number around a mean, with a long tail above it."""
        return round(self.dice.gammavariate(2, mean / 2))

    def token(self, kind: str) -> str:
        """A name for a new thing."""
        self._tokens += 1
        return f"{kind}:{self._tokens}"

    def moment(self, day: int) -> datetime:
        """A second of that day of the stream; evenings are busiest."""
        return self.start + timedelta(days=day, seconds=int(86_399 * self.dice.betavariate(3.2, 2)))

    # People --------------------------------------------------------------------------------------

    def market(self) -> str:
        """The market of somebody new."""
        shares = [share for _, _, share in MARKETS.values()]
        return self.dice.choices(list(MARKETS), shares)[0]

    def anywhere(self) -> str:
        """A country, of the five or not."""
        return self.dice.choice((*MARKETS, *ABROAD))

    def parcel_shop(self, market: str) -> str:
        """The token of a parcel shop, which many share."""
        return f"parcel:{market}{self.dice.randrange(40)}"

    def forwarder(self) -> str:
        """The token of a forwarder's address, which honest people use as well."""
        return f"forward:{self.dice.randrange(3)}"

    def customer(self, at: datetime) -> Person:
        """Whoever comes to the shop now: somebody known, or somebody new."""
        dice = self.dice
        if self.people and self.happens(62):
            # Whoever came lately comes again sooner.
            return self.people[-1 - int(len(self.people) * dice.random() ** 2)]
        other = dice.choice(self.people) if self.people and self.happens(25) else None
        market = other.market if other else self.market()
        person = self.person(at, market, self.anywhere() if self.happens(6) else market)
        if other:
            person.home, person.network = other.home, other.network
        person.is_business = self.happens(6)
        if self.happens(35):  # a customer since before this stream began
            person.since = at - timedelta(days=dice.randrange(5, 1500))
        self.people.append(person)
        return person

    def known(self, at: datetime) -> Person:
        """One of those who had come by then; for when everybody has been here."""
        among = max(1, int(len(self.people) * self._elapsed(at)))
        return self.people[self.dice.randrange(among)]

    def person(self, at: datetime, market: str, country: str) -> Person:
        """Somebody new, with phone and card of a country."""
        return Person(
            account=self.token("account"),
            since=at,
            market=market,
            is_business=False,
            contact=self.token("mail"),
            home=self.token("home"),
            network=self.token("net"),
            card=self.token("card"),
            phone_country=country,
            card_country=country,
        )

    # Orders --------------------------------------------------------------------------------------

    def order(self, person: Person, at: datetime) -> Order:
        """An order as this person would place it at home; `priced` puts the total in."""
        method = self.dice.choices(("card", "wallet", "invoice"), (50, 25, 25))[0]
        countries = {
            "phone": person.phone_country,
            "delivery": person.market,
            "network": person.market,
        }
        if method == "card":
            countries["card"] = person.card_country
        return Order(
            at=at,
            market=person.market,
            account=person.account,
            since=person.since,
            is_business=person.is_business,
            contact=person.contact,
            is_disposable=self.happens(1),
            home=person.home,
            address=person.home,
            network=person.network,
            method=method,
            card=person.card if method == "card" else "",
            cards=int(method == "card"),
            countries=countries,
            items=self.basket(at),
            currency=MARKETS[person.market][0],
            minor=0,
            seconds=20 + self.about(150 if person.since < at else 260),
            known_at=at,
        )

    def basket(self, at: datetime) -> tuple[Item, ...]:
        """What honest people buy; what is easily sold on is also what they give for Christmas."""
        gifts = 2 if at.month in {11, 12} else 1
        shares = [share * gifts if kind in RESOLD else share for kind, (*_, share) in GOODS.items()]
        kinds = self.dice.choices(list(GOODS), shares, k=self.dice.choice((1, 1, 1, 2, 2, 3)))
        return tuple(self.item(kind, 1 if self.happens(85) else 2) for kind in dict.fromkeys(kinds))

    def item(self, category: str, quantity: int) -> Item:
        """Goods of a kind, at their price in Danish kroner."""
        place = self.dice.randrange(12)
        return Item(f"{category}-{place}", category, quantity, self._prices[category][place])

    def _price(self, category: str) -> int:
        lowest, highest, _ = GOODS[category]
        return lowest + round((highest - lowest) * self.dice.random() ** 2)

    def risk(self, mean: int, countries: Mapping[str, str]) -> RiskLevel:
        """What a provider thinks of an order: right more often than not, and not always said."""
        if self.happens(15):
            return ""
        mean += 8 * (len(set(countries.values())) - 1)
        score = self.dice.gauss(mean, 14)
        return "low" if score < 30 else "elevated" if score < 50 else "high"  # noqa: PLR2004


def priced(order: Order) -> Order:
    """The order in its market's money; until then prices are in Danish kroner."""
    _, rate, _ = MARKETS[order.market]
    items = tuple(item._replace(minor=round(item.minor * rate * 100)) for item in order.items)
    return replace(order, items=items, minor=sum(item.quantity * item.minor for item in items))


def seen_from(order: Order, network: str, country: str) -> Order:
    """The order, placed from another network."""
    return replace(order, network=network, countries={**order.countries, "network": country})
