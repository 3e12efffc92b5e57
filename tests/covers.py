"""A shop that offers covers, for the tests of insurance."""

from __future__ import annotations

import tomllib
from typing import Any

from checkoutflow.cart import Cart
from checkoutflow.insurance.products import Product
from checkoutflow.shop import Shop

# As a shop writes it.
TOML = """
[[insurers]]
id = "nordvern"
name = "Nordvern Forsikring ASA"
address = "Storgata 1, 0155 Oslo"
complaints = { en = "Write to us at nordvern.example", nb = "Skriv til oss på nordvern.example" }
registration = "Finanstilsynet, no. 1234"

[[insurance]]
id = "phone_cover"
name = { en = "Phone cover", nb = "Mobilforsikring", da = "Mobilforsikring" }
text = { en = "Screen and water damage", nb = "Knust skjerm og vannskade" }
insurer = "nordvern"
goods = ["phones"]
conditions = ["new", "used"]
max_age_months = 6
minimum = ["500 NOK"]
maximum = ["20000 NOK"]
risks = ["damage", "theft"]
premium.bands = [
    { up_to = "5000 NOK", premium = "299 NOK" },
    { up_to = "20000 NOK", premium = "599 NOK" },
]
months = 12
commission_percent = "20"
document = { version = "2026-01", urls = { nb = "https://nordvern.example/ipid-nb.pdf" } }

[[insurance.questions]]
id = "home_cover"
text = { en = "Does your home insurance cover it?", nb = "Dekker innboforsikringen den?" }
answers = [
    { id = "no", text = { en = "No", nb = "Nei" } },
    { id = "yes", text = { en = "Yes", nb = "Ja" }, fits = false },
    { id = "unsure", text = { en = "I do not know", nb = "Vet ikke" } },
]

[[insurance]]
id = "parcel_cover"
name = { en = "Parcel cover", nb = "Pakkeforsikring" }
insurer = "nordvern"
per = "order"
risks = ["transport"]
premium = { percent = "1.5", minimum = ["19 NOK"] }
months = 1
document = { version = "3", urls = { nb = "https://nordvern.example/parcel-nb.pdf" } }

[[insurance]]
id = "longer"
name = { en = "Two more years", nb = "To år til" }
kind = "warranty"
goods = ["lamps", "phones"]
risks = ["breakdown"]
premium.fixed = ["80 NOK"]
months = 36
"""

LINES: dict[str, dict[str, Any]] = {
    "phone": {
        "sku": "phone",
        "name": "Phone",
        "goods_category": "phones",
        "unit_price": "4000 NOK",
    },
    "lamp": {"sku": "lamp", "name": "Lamp", "goods_category": "lamps", "unit_price": "300 NOK"},
    "mug": {"sku": "mug", "name": "Mug", "unit_price": "100 NOK"},
}

SETTINGS: dict[str, Any] = {
    "name": "Fjordbutikken",
    "markets": ["NO", "DK"],
    "review": {"default_rules": False},  # orders here are alike
    "methods": [
        {"id": "card", "name": "Card", "provider": "bank"},
        {"id": "own_invoice", "name": "Invoice"},
        {"id": "gift_card", "name": "Gift card", "provider": "bank"},
    ],
    "deliveries": [
        {"id": "parcel", "name": "Parcel", "prices": ["49.00 NOK", "39.00 DKK"]},
        {"id": "pickup", "name": "Pickup", "prices": ["0.00 NOK"], "to": "pickup"},
    ],
    **tomllib.loads(TOML),
}
SHOP = Shop.read(SETTINGS)
PHONE, PARCEL, LONGER = SHOP.insurance


def cart(*names: str, quantity: int = 1, **more: Any) -> Cart:
    """So many of each of these, and what else the cart has."""
    lines = [{"quantity": quantity, **LINES[name]} for name in names]
    return Cart.read({"lines": lines, **more})


def product(of: Product = PHONE, **changes: Any) -> Product:
    """A product with other settings."""
    return Product.read({**of.model_dump(exclude_none=True), **changes})
