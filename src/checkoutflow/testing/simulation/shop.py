"""The shop in which simulated customers buy, and what they put into their carts."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.cart import Cart
from checkoutflow.checkout.messages import MESSAGES
from checkoutflow.shop import Shop

if TYPE_CHECKING:
    from collections.abc import Mapping

# Every personal value holds this word, so that one search finds any of them where none may be.
PLANTED: Final = "zanzibar"
BACK: Final = "https://shop.example/back"
BANK: Final = "simulated_bank"


def customer(number: int) -> dict[str, str]:
    """The contact details of one customer."""
    return {
        "email": f"{PLANTED}{number}@example.com",
        "name": f"{PLANTED.title()} Person {number}",
        "street": f"{PLANTED.title()}gade {number}",
        "postal_code": "2100",
        "city": f"{PLANTED.title()} Ø",
    }


def gift_card(number: int) -> str:
    """The code of a customer's gift card."""
    return f"{PLANTED.upper()}-GIFT-{number}"


_INSURANCE: Final = [
    {
        "id": "cover",
        "name": "Cover",
        "insurer": "nordvern",
        "skus": ["phone"],
        "risks": ["damage", "theft"],
        "premium": {"percent": "9.99"},
        "months": 12,
        "commission_percent": "12.5",
        "document": {"version": "1", "urls": {"da": "https://nordvern.example/ipid"}},
    },
    {
        "id": "longer",
        "name": "One more year",
        "kind": "warranty",
        "skus": ["phone"],
        "risks": ["breakdown"],
        "premium": {"fixed": ["199.00 DKK"]},
        "months": 36,
    },
]
COVERS: Final = ("cover:phone", "longer:phone")

METHODS: Final = ("card", "wallet", "amex", "own_invoice")

SHOP: Final = Shop.read(
    {
        "name": "Fjordbutikken",
        "markets": ["DK"],
        "methods": [
            {"id": "card", "name": "Card", "provider": BANK},
            {"id": "wallet", "name": "Wallet", "provider": BANK},
            {"id": "gift_card", "name": "Gift card", "provider": BANK},
            {"id": "own_invoice", "name": "Invoice"},
            {
                "id": "amex",
                "provider": BANK,
                "provider_method": "card",
                "cost": {"percent": "3"},
            },
        ],
        "steering": [{"id": "dear", "methods": ["amex"], "fee": {"fixed": ["9.00 DKK"]}}],
        "deliveries": [{"id": "parcel", "name": "Parcel", "prices": ["49.00 DKK"]}],
        "review": {"hold_above": ["5000.00 DKK"], "four_eyes_above": ["20000.00 DKK"]},
        "insurers": [
            {"id": "nordvern", "name": "Nordvern", "address": "Oslo", "complaints": "Write to us"}
        ],
        "insurance": _INSURANCE,
        "pay_within_s": 1800,
        "messages": sorted(MESSAGES),
    }
)


def _cart(**lines: tuple[int, str]) -> Cart:
    """A cart: quantity and price of each thing."""
    rows: list[dict[str, Any]] = [
        {"sku": sku, "name": sku, "quantity": quantity, "unit_price": f"{price} DKK"}
        for sku, (quantity, price) in lines.items()
    ]
    return Cart.read({"lines": rows})


CARTS: Final[Mapping[str, Cart]] = MappingProxyType(
    {
        "a mug": _cart(mug=(1, "129.00")),
        "mugs and a book": _cart(mug=(3, "129.00"), book=(1, "199.95")),
        "phones": _cart(phone=(2, "1500.00"), mug=(1, "129.00")),
        "a sofa": _cart(sofa=(1, "5999.00")),
        "a piano": _cart(piano=(1, "45000.00")),
    }
)
