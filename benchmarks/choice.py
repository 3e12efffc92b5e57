"""The choice: how long the lawful, priced options of a large shop take to work out.

It is held against pydantic reading the same cart, which a shop does once for each sale anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from benchmarks.measure import Row, in_turn, show, size
from benchmarks.world import NOON

from checkoutflow import Cart, Shop
from checkoutflow.choice.options import options
from checkoutflow.choice.rules import Rules
from checkoutflow.choice.situation import Situation

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS: Final = 20
KINDS: Final = (
    *("card", "debit_card", "visa_consumer", "visa_commercial", "mastercard_consumer"),
    *("mastercard_commercial", "amex", "diners", "wallet", "swish", "apple_pay", "google_pay"),
    *("trustly", "bank_transfer", "own_invoice_14", "provider_invoice_14"),
    *("instalments_3", "instalments_12", "instalments_24", "instalments_36"),
)


def shop_data() -> dict[str, Any]:
    """A shop with 20 ways to pay and 50 rules, of all sorts."""
    methods = [
        {
            "id": kind,
            "provider": None if kind.startswith("own") else "bank",
            "creditor": "Test Credit",
            "cost": {"fixed": ["1.00 SEK"], "percent": "1.2", "billing": ["3.00 SEK"]},
        }
        for kind in KINDS
    ]
    rules: list[dict[str, Any]] = []
    for place in range(50):
        rule: dict[str, Any] = {"id": f"rule_{place}"}
        kinds = [KINDS[place % 20], KINDS[(place * 7 + 3) % 20]]
        match place % 5:
            case 0:
                rule |= {"methods": kinds, "fee": {"fixed": ["19.00 SEK"]}}
            case 1:
                rule |= {"methods": kinds, "discount": {"percent": "1", "at_most": ["25 SEK"]}}
            case 2:
                rule |= {"methods": kinds, "rank": place, "when": {"at_least": ["500 SEK"]}}
            case 3:
                rule |= {"deliveries": ["parcel"], "free_from": ["5000.00 SEK"]}
            case _:
                rule |= {
                    "methods": kinds,
                    "recommend": "Good for us",
                    "when": {"markets": ["SE"], "goods": ["books"], "since": "2026-01-01T00:00Z"},
                }
        rules.append(rule)
    return {
        "name": "Test shop",
        "markets": ["SE", "DK"],
        "methods": methods,
        "deliveries": [
            {"id": "parcel", "name": "Parcel", "prices": ["59.00 SEK"]},
            {"id": "pickup", "name": "Pickup", "prices": ["29.00 SEK"], "to": "pickup"},
        ],
        "steering": rules,
    }


def cart_data(place: int) -> dict[str, Any]:
    """A cart of 30 lines; another amount each time, so that no answer is kept from before."""
    return {
        "lines": [
            {
                "sku": f"sku-{line}",
                "name": f"Thing number {line}",
                "quantity": 1 + line % 3,
                "unit_price": f"{49 + line + place}.50 SEK",
                "vat_category": ("standard", "food", "books")[line % 3],
                "goods_category": ("general", "books")[line % 2],
                "weight_g": 100 * line,
            }
            for line in range(30)
        ],
        "discounts": [{"name": "Ten per cent", "percent": "10"}],
    }


def rows() -> Iterator[Row]:
    """Measure one working out of the options."""
    shop = Shop.read(shop_data())
    rules = Rules(shop, shop.law())
    counter = iter(range(10**9))

    def carts() -> list[dict[str, Any]]:
        return [cart_data(next(counter)) for _ in range(ROUNDS)]

    given: list[Cart] = []
    plain: list[dict[str, Any]] = []

    def prepare() -> None:
        plain[:] = carts()
        given[:] = [Cart.read(data) for data in plain]

    def offer_some() -> None:
        for cart in given:
            s = Situation(cart=cart, market="SE", at=NOON, delivery="parcel")
            assert len(options(rules, s).payments) > len(KINDS) // 2

    def read_some() -> None:
        for data in plain:
            Cart.read(data)

    prepare()
    _, ours_s, theirs_s = in_turn(prepare, offer_some, read_some, rounds=size(quick=3, usual=50))
    option_s, cart_s = ours_s / ROUNDS, theirs_s / ROUNDS
    yield Row(
        "options, 20 methods, 50 rules, 30 lines / reading the cart",
        f"{option_s * 1e6:.0f} us",
        f"{cart_s * 1e6:.0f} us",
        option_s / cart_s,
        "under 1000 us",
    )


if __name__ == "__main__":
    show(rows())
