"""An order of a stream, and what shops of the stream sell."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

# Currency, its units for one Danish krone, and how many of a hundred customers live there.
MARKETS: Final[Mapping[str, tuple[str, float, int]]] = MappingProxyType(
    {
        "DK": ("DKK", 1.0, 34),
        "SE": ("SEK", 1.5, 30),
        "NO": ("NOK", 1.5, 18),
        "FI": ("EUR", 0.134, 14),
        "IS": ("ISK", 0.19, 4),  # króna has no smaller coin: 19 of them
    }
)
# Lowest and highest price in Danish kroner, and how often honest people buy it.
GOODS: Final[Mapping[str, tuple[int, int, int]]] = MappingProxyType(
    {
        "clothing": (99, 1_500, 26),
        "books": (79, 400, 14),
        "food": (49, 600, 12),
        "toys": (79, 900, 12),
        "home": (149, 4_000, 12),
        "tools": (199, 3_000, 6),
        "office": (99, 2_500, 5),
        "phones": (1_500, 11_000, 4),
        "game_consoles": (1_800, 5_500, 3),
        "watches": (900, 14_000, 2),
        "jewellery": (500, 9_000, 2),
        "gift_cards": (100, 1_000, 2),
    }
)
# Easily sold on.
RESOLD: Final = frozenset({"phones", "game_consoles", "watches", "jewellery", "gift_cards"})
ABROAD: Final = ("DE", "NL", "GB", "US", "PL", "FR")


RiskLevel = Literal["", "low", "elevated", "high"]


class Item(NamedTuple):
    """Goods of an order: what, of which kind, how many, and the price of one in minor units."""

    sku: str
    category: str
    quantity: int
    minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as a shop sees it, and what only the stream knows.

    Attributes:
        at: When it was placed; UTC.
        market: ISO 3166 code of the country of the shop front.
        account: Token of the customer's account.
        since: When the account was made.
        is_business: Whether a business orders.
        contact: Token of the e-mail address.
        is_disposable: Whether that is of a domain whose addresses last an hour.
        home: Token of the address known of the customer.
        address: Token of the address of delivery.
        place: ``home``, ``parcel_shop`` or ``forwarder``.
        network: Token of the network.
        method: ``card``, ``wallet`` or ``invoice``.
        card: Token of the card; empty for other ways to pay.
        cards: How many cards were tried on this checkout.
        attempts: How many payments were tried on it.
        countries: ISO 3166 codes of phone, card, delivery and network, as far as known.
        items: The goods.
        currency: ISO 4217 code.
        minor: The total in minor units.
        seconds: From the start of the checkout to "buy".
        risk: The payment provider's own opinion: ``low``, ``elevated``, ``high``, or none.
        pattern: The planted pattern; empty for an honest order.
        outcome: What the shop comes to hear: ``chargeback``, ``unpaid`` or nothing.
        known_at: When it is settled: when the outcome came, or when none can come any more.
    """

    at: datetime
    market: str
    account: str
    since: datetime
    is_business: bool = False
    contact: str
    is_disposable: bool = False
    home: str
    address: str
    place: str = "home"
    network: str
    method: str
    card: str = ""
    cards: int = 0
    attempts: int = 1
    countries: Mapping[str, str]
    items: tuple[Item, ...]
    currency: str
    minor: int
    seconds: int
    risk: RiskLevel = ""
    pattern: str = ""
    outcome: str = ""
    known_at: datetime

    @property
    def label(self) -> bool:
        """What the shop comes to hold for true: that the order did it harm."""
        return bool(self.outcome)
