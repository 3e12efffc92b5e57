"""A shop, carts and a customer to test with. Nothing in them is anybody's.

The e-mail address is of a domain that nobody can own (RFC 2606); names and streets say that they
are for tests.
"""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.cart import Cart
from checkoutflow.checkout.messages import MESSAGES
from checkoutflow.shop import Shop

if TYPE_CHECKING:
    from collections.abc import Mapping

# Market -> currency and the price of one parcel; Iceland's króna has no minor unit.
_PRICES: Final = MappingProxyType(
    {
        "DK": ("DKK", "249.00", "39.00"),
        "SE": ("SEK", "349.00", "49.00"),
        "NO": ("NOK", "379.00", "59.00"),
        "FI": ("EUR", "34.90", "4.90"),
        "IS": ("ISK", "4990", "990"),
    }
)

CUSTOMERS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        market: MappingProxyType(
            {
                "email": "test@example.com",
                "name": "Test Person",
                "street": "Testgata 1",
                "postal_code": postal_code,
                "city": city,
            }
        )
        for market, postal_code, city in (
            ("DK", "2100", "København"),
            ("SE", "111 22", "Stockholm"),
            ("NO", "0150", "Oslo"),
            ("FI", "00100", "Helsinki"),
            ("IS", "101", "Reykjavík"),
        )
    }
)


@cache
def sample_shop() -> Shop:
    """A shop that sells in all five countries, everything paid through the simulated bank.

    Orders above 5000 DKK, SEK or NOK, 500 EUR or 75000 ISK are held. Its messages are all kept.
    """
    methods = [
        {"id": name, "name": title, "provider": "simulated_bank"}
        for name, title in (("card", "Card"), ("wallet", "Wallet"))
    ]
    gift_card = {
        "id": "gift_card",
        "name": "Gift card",
        "provider": "simulated_bank",
    }
    return Shop.read(
        {
            "name": "Test shop",
            "markets": list(_PRICES),
            "methods": [*methods, gift_card, {"id": "own_invoice", "name": "Invoice"}],
            "deliveries": [
                {
                    "id": "parcel",
                    "name": "Parcel",
                    "prices": [f"{fee} {currency}" for currency, _, fee in _PRICES.values()],
                }
            ],
            "review": {
                "hold_above": [
                    "5000.00 DKK",
                    "5000.00 SEK",
                    "5000.00 NOK",
                    "500.00 EUR",
                    "75000 ISK",
                ]
            },
            "messages": list(MESSAGES),
        }
    )


@cache
def sample_carts() -> Mapping[str, Cart]:
    """A cart for each market: two mugs and a book, so that there are two rates of VAT."""
    carts = {}
    for market, (currency, price, _) in _PRICES.items():
        cart = Cart.read(
            {
                "lines": [
                    {
                        "sku": "mug",
                        "name": "Mug",
                        "quantity": 2,
                        "unit_price": f"{price} {currency}",
                        "weight_g": 350,
                    },
                    {
                        "sku": "book",
                        "name": "Book",
                        "quantity": 1,
                        "unit_price": f"{price} {currency}",
                        "vat_category": "books",
                    },
                ]
            }
        )
        carts[market] = cart
    return MappingProxyType(carts)
