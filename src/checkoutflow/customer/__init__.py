"""The customer: what they type about themselves, brought into one form, read and compared.

`clean` is what a sale needs and is loaded at once; the rest is loaded when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from checkoutflow.customer.contact import AREAS, Area, clean, example, mainland, territory
from checkoutflow.lazy import lazily

if TYPE_CHECKING:
    from checkoutflow.customer.identity import (
        IdentityNumber,
        Kind,
        identity_number,
        organisation_number,
        vat_number,
    )
    from checkoutflow.customer.matching import matching_form
    from checkoutflow.customer.street import StreetAddress, read_street
    from checkoutflow.customer.unlikely import ContactWarning, warnings_for

__all__ = [
    "AREAS",
    "Area",
    "ContactWarning",
    "IdentityNumber",
    "Kind",
    "StreetAddress",
    "clean",
    "example",
    "identity_number",
    "mainland",
    "matching_form",
    "organisation_number",
    "read_street",
    "territory",
    "vat_number",
    "warnings_for",
]

__getattr__ = lazily(
    __name__,
    {
        "identity": "IdentityNumber Kind identity_number organisation_number vat_number",
        "matching": "matching_form",
        "street": "StreetAddress read_street",
        "unlikely": "ContactWarning warnings_for",
    },
)
