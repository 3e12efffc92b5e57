"""Where a simulated world plays: the shop, what is bought, and the provider who takes the payments.

It is the simulated bank, or any of the adapters with its stand-in, in one of its countries.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.cart import Cart
from checkoutflow.checkout.messages import MESSAGES
from checkoutflow.customer import example
from checkoutflow.law import Law
from checkoutflow.payment.catalogue import catalogue
from checkoutflow.privacy.fields import FIELDS, Purpose
from checkoutflow.providers.registry import ADAPTERS
from checkoutflow.shop import Shop
from checkoutflow.testing.clock import Clock
from checkoutflow.testing.standins import SOLD, open_stand_in

if TYPE_CHECKING:
    from collections.abc import Mapping

# Every personal value holds this word, so that one search finds any of them where none may be.
PLANTED: Final = "zanzibar"
BACK: Final = "https://shop.example/back"
BANK: Final = "simulated_bank"
PROVIDERS: Final = (BANK, *ADAPTERS)
# A day on which the law is asked what a country's currency and languages are.
_DAY: Final = date(2026, 3, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A shop in one country, and who takes its payments.

    Attributes:
        provider: The adapter's name.
        methods: Ways to pay, of which customers take one; the last is the shop's own invoice.
        postal_code: A good one of the country.
        asked: What customers give only to the provider's ways to pay.
    """

    provider: str
    market: str
    currency: str
    shop: Shop
    carts: Mapping[str, Cart]
    methods: tuple[str, ...]
    postal_code: str
    asked: Mapping[str, str]

    def customer(self, number: int) -> dict[str, str]:
        """The contact details of one customer."""
        return {
            "email": f"{PLANTED}{number}@example.com",
            "name": f"{PLANTED.title()} Person {number}",
            "street": f"{PLANTED.title()}gade {number}",
            "postal_code": self.postal_code,
            "city": f"{PLANTED.title()} Ø",
        }


_ADDRESS: Final = frozenset({"email", "name", "street", "postal_code", "city"})


def gift_card(number: int) -> str:
    """The code of a customer's gift card."""
    return f"{PLANTED.upper()}-GIFT-{number}"


@cache
def scene_of(provider: str, market: str = "") -> Scene:
    """The scene with one provider.

    Args:
        provider: One of `PROVIDERS`.
        market: Where; by default the provider's first country.
    """
    market = market or markets_of(provider)[0]
    law = Law.load().market(market, _DAY)
    methods, asked = _at_the_bank() if provider == BANK else _with(provider, market)
    settings = {
        "name": "Fjordbutikken",
        "markets": [market],
        "methods": [*methods, {"id": "own_invoice", "name": "Invoice", "identifies": True}],
        "steering": [
            {"id": "dear", "methods": ["amex"], "fee": {"fixed": [_price("9.00", law.currency)]}}
        ]
        if provider == BANK
        else [],
        "deliveries": [
            {"id": "parcel", "name": "Parcel", "prices": [_price("49.00", law.currency)]}
        ],
        "review": {
            "hold_above": [_price("5000.00", law.currency)],
            "four_eyes_above": [_price("20000.00", law.currency)],
        },
        **_covers({locale[:2] for locale in law.locales}, law.currency),
        "pay_within_s": 1800,
        "messages": sorted(MESSAGES),
    }
    return Scene(
        provider=provider,
        market=market,
        currency=law.currency,
        shop=Shop.read(settings),
        carts=_carts(law.currency),
        methods=(*(way["id"] for way in methods if way["id"] != "gift_card"), "own_invoice"),
        postal_code=example("postal_code", market),
        asked={field: example(field, market) for field in asked if field not in _ADDRESS},
    )


def markets_of(provider: str) -> tuple[str, ...]:
    """The countries in which a provider is played."""
    return ("DK",) if provider == BANK else tuple(SOLD[provider])


def _at_the_bank() -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The ways to pay at the simulated bank, and the contact fields that they want."""
    ways: list[dict[str, Any]] = [
        {"id": "card", "name": "Card", "provider": BANK},
        {"id": "wallet", "name": "Wallet", "provider": BANK},
        {"id": "gift_card", "name": "Gift card", "provider": BANK},
        {"id": "amex", "provider": BANK, "provider_method": "card", "cost": {"percent": "3"}},
    ]
    return ways, ()


def _with(provider: str, market: str) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The ways to pay with a provider in a country, and the contact fields that they want."""
    able = open_stand_in(provider, Clock(), market=market).provider().capabilities
    kinds = [SOLD[provider][market]]
    if market == "SE" and provider in _TAKES_AT_ONCE:
        kinds.append(("swish", "swish"))
    wanted = {Purpose.TAKE_PAYMENT}
    if any(catalogue()[kind].financed_by == "provider" for kind, _ in kinds):
        wanted.add(Purpose.IDENTIFY_FOR_CREDIT)
    fields = able.details - {"organisation", "organisation_number", "country"}
    asked = sorted(field for field in fields if wanted & FIELDS[field].purposes.keys())
    ways = [
        {
            "id": kind if number else "way",
            "kind": kind,
            "provider": provider,
            "provider_method": method,
            "creditor": provider,
            "identifies": True,
            "details": asked,
        }
        for number, (kind, method) in enumerate(kinds)
    ]
    return ways, tuple(asked)


# Those that have a way to pay in Sweden by which the money is taken at once, beside one that
# reserves it.
_TAKES_AT_ONCE: Final = frozenset({"adyen", "stripe", "swedbank_pay", "nexi"})


# What is for sale ---------------------------------------------------------------------------------


def _price(amount: str, currency: str) -> str:
    """About the same price in another country, from one in DKK."""
    match currency:
        case "EUR":
            return f"{float(amount) / 10:.2f} EUR"
        case "ISK":
            return f"{float(amount) * 20:.0f} ISK"
        case _:
            return f"{amount} {currency}"


def _covers(languages: set[str], currency: str) -> dict[str, Any]:
    """An insurance and a warranty for phones."""
    insurance = {
        "id": "cover",
        "name": "Cover",
        "insurer": "nordvern",
        "skus": ["phone"],
        "risks": ["damage", "theft"],
        "premium": {"percent": "9.99"},
        "months": 12,
        "commission_percent": "12.5",
        "document": {
            "version": "1",
            "urls": dict.fromkeys(sorted(languages), "https://nordvern.example/ipid"),
        },
    }
    warranty = {
        "id": "longer",
        "name": "One more year",
        "kind": "warranty",
        "skus": ["phone"],
        "risks": ["breakdown"],
        "premium": {"fixed": [_price("199.00", currency)]},
        "months": 36,
    }
    insurer = {"id": "nordvern", "name": "Nordvern", "address": "Oslo", "complaints": "Write to us"}
    return {"insurers": [insurer], "insurance": [insurance, warranty]}


COVERS: Final = ("cover:phone", "longer:phone")


def _carts(currency: str) -> Mapping[str, Cart]:
    def cart(**lines: tuple[int, str]) -> Cart:
        rows = [
            {"sku": sku, "name": sku, "quantity": count, "unit_price": _price(price, currency)}
            | ({"vat_category": "books"} if sku == "book" else {})  # taxed otherwise than the rest
            for sku, (count, price) in lines.items()
        ]
        return Cart.read({"lines": rows})

    return MappingProxyType(
        {
            "a mug": cart(mug=(1, "129.00")),
            "mugs and a book": cart(mug=(3, "129.00"), book=(1, "199.95")),
            "phones": cart(phone=(2, "1500.00"), mug=(1, "129.00")),
            "a sofa": cart(sofa=(1, "5999.00")),
            "a piano": cart(piano=(1, "45000.00")),
        }
    )
