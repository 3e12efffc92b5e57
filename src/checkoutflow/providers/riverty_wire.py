"""How Riverty writes things: customers, addresses, lines by the piece, amounts in whole units."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.errors import InvalidInput
from checkoutflow.money import Money, total
from checkoutflow.privacy.secret import octets
from checkoutflow.providers.http import amount_of, money_from
from checkoutflow.providers.lines import by_piece, one_line
from checkoutflow.texts import language_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from checkoutflow.providers.contract import Authorise, OrderLine

CURRENCIES: Final[Mapping[str, str]] = MappingProxyType(
    {"SE": "SEK", "NO": "NOK", "DK": "DKK", "FI": "EUR"}
)
# What a shop can name as ``provider_method`` -> their type of payment.
METHODS: Final[Mapping[str, str]] = MappingProxyType({"invoice": "Invoice"})
LANGUAGES: Final[Mapping[str, str]] = MappingProxyType(
    {"da": "DA", "sv": "SV", "nb": "NO", "nn": "NO", "fi": "FI"}
)
MOST_LINES: Final = 200

_PART_OF: Final = MappingProxyType({"FO": "DK", "GL": "DK", "SJ": "NO", "AX": "FI"})
_TYPES: Final = MappingProxyType(
    {
        "goods": "PhysicalArticle",
        "digital": "DigitalArticle",
        "delivery": "ShippingFee",
        "fee": "Surcharge",
    }
)


def country(code: str) -> str:
    """The country that a market or territory is part of."""
    return _PART_OF.get(code, code)


def language(locale: str) -> str:
    """What they write to the customer in."""
    return LANGUAGES.get(language_of(locale), "EN")


def address(given: Mapping[str, str], market: str) -> dict[str, str]:
    """Where the customer lives, as far as they said so."""
    return _known(
        street=given.get("street", "")[:100],
        postalCode=given.get("postal_code", ""),
        postalPlace=given.get("city", "")[:100],
        countryCode=country(given.get("country", market)),
    )


def person(order: Authorise) -> dict[str, object]:
    """Who pays. What the customer did not give is left out: they say what they miss.

    Raises:
        InvalidInput: If there is no name.
    """
    given = order.details
    is_company = order.customer == "business"
    field_name = "organisation" if is_company else "name"
    if not (name := given.get(field_name, "")):
        raise InvalidInput("Riverty sends nobody an invoice without it", field=field_name)
    first, _, last = ("", "", name) if is_company else name.rpartition(" ")
    facts = _known(
        identificationNumber=given.get("organisation_number" if is_company else "national_id", ""),
        firstName=first[:50],
        lastName=last[:50],
        email=given.get("email", ""),
        mobilePhone=given.get("phone", ""),
        customerCategory="Company" if is_company else "Person",
        conversationLanguage=language(order.locale),
    )
    return {**facts, "address": address(given, order.market)}


def _known(**facts: str) -> dict[str, str]:
    return {name: value for name, value in facts.items() if value}


def bill(amount: Money, lines: Sequence[OrderLine], name: str = "") -> dict[str, object]:
    """What is paid for: the totals are the sums of what the lines say by the piece.

    Args:
        amount: What the lines add up to.
        lines: Where there are none, the amount is one line without VAT.
        name: Our name for the payment: part of what that line is called.

    Raises:
        InvalidInput: If there are more lines than they take.
    """
    if len(lines) > MOST_LINES:
        raise InvalidInput(f"Riverty takes {MOST_LINES} lines at most", field="lines")
    lines = lines or [one_line(amount, f"Order {name}".strip())]
    net = amount - total((line.vat for line in lines), amount.currency)
    return {
        "totalGrossAmount": amount.decimal(),
        "totalNetAmount": net.decimal(),
        "currency": amount.currency,
        "items": [_item(line) for line in lines],
    }


def _item(line: OrderLine) -> dict[str, object]:
    line = by_piece(line, line.amount.minor, line.vat.minor)
    gross = Money(line.amount.minor // line.quantity, line.amount.currency)
    vat = Money(line.vat.minor // line.quantity, line.vat.currency)
    return {
        "productId": line.id[:100],
        "description": line.name[:255],
        "type": _TYPES[line.kind],
        "quantity": line.quantity,
        "grossUnitPrice": gross.decimal(),
        "netUnitPrice": (gross - vat).decimal(),
        "vatAmount": vat.decimal(),
        "vatPercent": Decimal(line.vat_basis) / 100,
    }


def number_for(key: str) -> str:
    """The number of the invoice or credit note that a key asks for: 19 digits.

    The provider takes 20 characters for the one and 19 for the other, and refuses a second invoice
    with the same number.

    >>> number_for("a2b3-1")
    '7272728752628601838'
    """
    return f"{int.from_bytes(hashlib.sha256(octets(key)).digest()[:8]) % 10**19:019}"


def money(value: object, currency: object, *, sign: int = 1) -> Money:
    """An amount of zero or more; what they give back they write below zero.

    Raises:
        Unreadable: If it is anything else, or finer than the currency.
    """
    given = money_from(value, currency)
    return amount_of(sign * given.minor, given.currency)
