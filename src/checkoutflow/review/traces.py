"""What an order is seen by again: kinds of trace, what each is made of, and for how long.

A trace is a keyed digest, made by the flow with the vault's keys; this room only says of what. Each
is kept with the moment of its order, so that orders under the same digest can be counted, and with
what became of them: a chargeback, a return, an unpaid invoice, a reviewer's decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.customer.contact import mainland
from checkoutflow.customer.matching import matching_form
from checkoutflow.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checkoutflow.cart import Cart


class Kind(StrEnum):
    """What a trace is made of."""

    EMAIL = "email"
    PHONE = "phone"
    ADDRESS = "address"
    NETWORK = "network"
    CARD = "card"
    CONTACT_AT_ADDRESS = "contact_at_address"
    GOODS_AT_ADDRESS = "goods_at_address"
    GOODS_BY_CONTACT = "goods_by_contact"


class Fate(StrEnum):
    """What became of an order; ``ordered`` is that it was placed at all."""

    ORDERED = "ordered"
    APPROVED = "approved"
    REJECTED = "rejected"
    RETURNED = "returned"
    UNPAID = "unpaid"
    CHARGED_BACK = "charged_back"


# Days for which an order is seen by each. A year knows the customers of every season; identical
# orders come within days; and whose network an address is changes soon.
KEEP_SEEN: Final[Mapping[Kind, int]] = MappingProxyType(
    {
        Kind.EMAIL: 365,
        Kind.PHONE: 365,
        Kind.ADDRESS: 365,
        Kind.NETWORK: 30,
        Kind.CARD: 365,
        Kind.CONTACT_AT_ADDRESS: 365,
        Kind.GOODS_AT_ADDRESS: 30,
        Kind.GOODS_BY_CONTACT: 30,
    }
)
# What is remembered of who is meant by it, and for how many days after it happened.
KEEP_FATE: Final[Mapping[Fate, int]] = MappingProxyType(
    {
        Fate.APPROVED: 365,
        Fate.REJECTED: 730,
        Fate.RETURNED: 365,
        Fate.UNPAID: 730,
        Fate.CHARGED_BACK: 730,
    }
)
FATED: Final = (Kind.EMAIL, Kind.PHONE, Kind.ADDRESS, Kind.CARD)


@dataclass(frozen=True, slots=True)
class Count:
    """Orders of others under the same trace.

    Attributes:
        fate: What became of them.
        days: Of how many days until now.
    """

    kind: Kind
    fate: Fate
    days: int


# More than so many of a kind are not told apart: an order costs the same however many there are.
MOST_COUNTED: Final = 100


def traces(cart: Cart, contact: Mapping[str, str], market: str, network: str) -> dict[Kind, str]:
    """What each kind of trace of an order is made of; only of what is known.

    Args:
        cart: What is bought. How many of it does not count, so that one more is still the same.
        contact: Clean contact details, by field name.
        market: Where the goods go.
        network: As `network_of` gives it; empty where the shop does not tell.
    """
    email = matching_form("email", contact["email"], market) if "email" in contact else ""
    phone = contact.get("phone", "")
    address = address_form(contact, market)
    goods = "\n".join(sorted({line.sku for line in cart.lines}))
    found = {
        Kind.EMAIL: email,
        Kind.PHONE: phone,
        Kind.ADDRESS: address,
        Kind.NETWORK: network,
        # By which people are known best, and by which they change least easily.
        Kind.CONTACT_AT_ADDRESS: _both(email or phone, address),
        Kind.GOODS_AT_ADDRESS: _both(address, goods),
        Kind.GOODS_BY_CONTACT: _both(phone or email, goods),
    }
    return {kind: text for kind, text in found.items() if text}


def address_form(contact: Mapping[str, str], market: str) -> str:
    """The form in which addresses are compared; empty where a part of one is missing."""
    if not contact.get("street") or not contact.get("postal_code"):
        return ""
    country = mainland(contact.get("country", market))
    street = matching_form("street", contact["street"], country)
    return "\n".join((country, contact["postal_code"].replace(" ", ""), street)) if street else ""


def network_of(address: str) -> str:
    """The network that an address is of, as it is digested.

    Args:
        address: An IPv4 or IPv6 address as the shop's server saw it. Of IPv6 the first 64 bits
            count, since whoever has them changes the others at will.

    Raises:
        InvalidInput: If it is no such address.

    >>> network_of("2001:db8::7:1"), network_of("::ffff:192.0.2.7")
    ('2001:db8::/64', '192.0.2.7')
    """
    if not address:
        return ""
    try:
        found = ip_address(address)
    except ValueError:
        message = "is an IPv4 or IPv6 address, as 192.0.2.7"
        raise InvalidInput(message, field="network") from None
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is None:
            return str(ip_network((int(found), 64), strict=False))
        found = found.ipv4_mapped
    return str(found)


def _both(one: str, other: str) -> str:
    return f"{one}\n\n{other}" if one and other else ""
