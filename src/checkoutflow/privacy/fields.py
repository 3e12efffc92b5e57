"""The register of personal fields: what each may be used for, on what ground, and for how long.

What is not declared here cannot be stored. A field is used for its declared purposes and for no
other, and it is gone when its time is over.

Grounds: the General Data Protection Regulation (EU) 2016/679, article 6(1), which Iceland and
Norway apply through the EEA agreement. The law asks for the confirmation of an order on something
the customer can keep (Directive 2011/83/EU, article 8(7)) and for the buyer's name and address on
an invoice (Directive 2006/112/EC, article 226; Norway and Iceland have the same in their own acts).
Preventing fraud is named as a legitimate interest in recital 47 of the Regulation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Purpose(StrEnum):
    """What a personal field is used for."""

    DELIVER = "deliver"
    TAKE_PAYMENT = "take_payment"
    IDENTIFY_FOR_CREDIT = "identify_for_credit"
    INVOICE = "invoice"
    KEEP_BOOKS = "keep_books"
    SEND_RECEIPT = "send_receipt"
    INSURE = "insure"
    PREVENT_FRAUD = "prevent_fraud"
    REMEMBER = "remember"
    MARKET = "market"
    ANSWER_RIGHTS = "answer_rights"


class Basis(StrEnum):
    """The ground in law for a use."""

    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    LEGITIMATE_INTEREST = "legitimate_interest"
    CONSENT = "consent"


@dataclass(frozen=True, slots=True)
class Field:
    """The declaration of one personal field.

    Attributes:
        name: What it is called in calls and in the vault.
        purposes: Each use it may be put to, with the ground for that use.
        keep_days: Days after the sale at which it must be gone.
        secret: True for what gives access to money by itself. It is never shown again, not even
            to the customer who typed it.
    """

    name: str
    purposes: Mapping[Purpose, Basis]
    keep_days: int
    secret: bool = False

    @property
    def is_for_a_choice(self) -> bool:
        """Whether it may only be given after a choice that needs it, and goes with that choice."""
        return self.purposes.keys() == {Purpose.IDENTIFY_FOR_CREDIT}


# Days. The customer may complain for three years in Sweden, for at least two elsewhere in the
# Nordic countries; one limit for all until the shop's settings choose by country and goods.
KEEP_UNFINISHED: Final = 30
KEEP_ORDER: Final = 3 * 365

# Where somebody was reached until it was changed, so that they are told there.
KEEP_FORMER: Final = 14

KEEP_PROFILE: Final = 2 * 365  # without a purchase; asking to be remembered is not for ever

# Whoever is known can ask what is known, and be remembered if they want to.
_PERSONS: Final[Mapping[Purpose, Basis]] = MappingProxyType(
    {
        Purpose.PREVENT_FRAUD: Basis.LEGITIMATE_INTEREST,
        Purpose.REMEMBER: Basis.CONSENT,
        Purpose.ANSWER_RIGHTS: Basis.LEGAL_OBLIGATION,
    }
)
_ADDRESS: Final[Mapping[Purpose, Basis]] = MappingProxyType(
    {
        Purpose.DELIVER: Basis.CONTRACT,
        Purpose.IDENTIFY_FOR_CREDIT: Basis.CONTRACT,
        Purpose.INVOICE: Basis.LEGAL_OBLIGATION,
        Purpose.KEEP_BOOKS: Basis.LEGAL_OBLIGATION,
        Purpose.INSURE: Basis.CONTRACT,
        **_PERSONS,
    }
)
_PERSON: Final[Mapping[Purpose, Basis]] = MappingProxyType(
    {**_ADDRESS, Purpose.TAKE_PAYMENT: Basis.CONTRACT}
)
_EMAIL: Final[Mapping[Purpose, Basis]] = MappingProxyType(
    {
        Purpose.SEND_RECEIPT: Basis.LEGAL_OBLIGATION,
        Purpose.DELIVER: Basis.CONTRACT,
        Purpose.TAKE_PAYMENT: Basis.CONTRACT,
        Purpose.IDENTIFY_FOR_CREDIT: Basis.CONTRACT,
        Purpose.INVOICE: Basis.CONTRACT,
        Purpose.INSURE: Basis.CONTRACT,
        Purpose.MARKET: Basis.CONSENT,
        **_PERSONS,
    }
)
_PHONE: Final[Mapping[Purpose, Basis]] = MappingProxyType(
    {
        Purpose.DELIVER: Basis.CONTRACT,
        Purpose.TAKE_PAYMENT: Basis.CONTRACT,
        Purpose.IDENTIFY_FOR_CREDIT: Basis.CONTRACT,
        Purpose.MARKET: Basis.CONSENT,
        **_PERSONS,
    }
)
# A company's number is public, but that of a sole trader in Sweden or Iceland is the person's own:
# it goes to whoever lends and on the bill, and to nobody else.
_ORGANISATION_NUMBER: Final[Mapping[Purpose, Basis]] = MappingProxyType(
    {
        Purpose.IDENTIFY_FOR_CREDIT: Basis.CONTRACT,
        Purpose.INVOICE: Basis.CONTRACT,
        Purpose.KEEP_BOOKS: Basis.LEGAL_OBLIGATION,
        **_PERSONS,
    }
)
# The shop's own name for a customer who is logged in, or a provider's for one who shared it.
_LOGIN: Final[Mapping[Purpose, Basis]] = _PERSONS
_VOUCHER: Final[Mapping[Purpose, Basis]] = MappingProxyType({Purpose.TAKE_PAYMENT: Basis.CONTRACT})
# What reviewers write about an order that was held, and what its customer answered them.
_NOTES: Final[Mapping[Purpose, Basis]] = MappingProxyType(
    {
        Purpose.PREVENT_FRAUD: Basis.LEGITIMATE_INTEREST,
        Purpose.ANSWER_RIGHTS: Basis.LEGAL_OBLIGATION,
    }
)
# Who lends must know to whom: what the customer asks for, by choosing credit, before the contract.
_NATIONAL_ID: Final[Mapping[Purpose, Basis]] = MappingProxyType(
    {Purpose.IDENTIFY_FOR_CREDIT: Basis.CONTRACT}
)

FIELDS: Final[Mapping[str, Field]] = MappingProxyType(
    {
        field.name: field
        for field in (
            Field("name", _PERSON, KEEP_ORDER),
            Field("organisation", _PERSON, KEEP_ORDER),
            Field("organisation_number", _ORGANISATION_NUMBER, KEEP_ORDER),
            Field("email", _EMAIL, KEEP_ORDER),
            Field("phone", _PHONE, KEEP_ORDER),
            Field("street", _ADDRESS, KEEP_ORDER),
            Field("postal_code", _ADDRESS, KEEP_ORDER),
            Field("city", _ADDRESS, KEEP_ORDER),
            Field("country", _ADDRESS, KEEP_ORDER),
            Field("login", _LOGIN, KEEP_ORDER),
            Field("review_notes", _NOTES, KEEP_ORDER),
            # As strict as can be: gone with an unfinished sale, and soon after a finished one.
            Field("national_id", _NATIONAL_ID, KEEP_UNFINISHED, secret=True),
            Field("gift_card_code", _VOUCHER, KEEP_UNFINISHED, secret=True),
            Field("store_credit_code", _VOUCHER, KEEP_UNFINISHED, secret=True),
        )
    }
)

# What fills in the next checkout of somebody who wants to be remembered.
REMEMBERED: Final = tuple(
    name for name, field in FIELDS.items() if Purpose.REMEMBER in field.purposes and name != "login"
)


def declared(name: str) -> Field:
    """Look up the declaration of a field.

    Raises:
        UsageError: If there is none. Such a field cannot be stored or read.
    """
    try:
        return FIELDS[name]
    except KeyError:
        message = f"that personal field is not declared; declared are {', '.join(FIELDS)}"
        raise UsageError(message) from None


def all_usable(names: Iterable[str], *purposes: Purpose) -> None:
    """See that every field may be used for one of these purposes.

    Raises:
        ValueError: If one may not; for validators, which say where it stands.
    """
    may = [name for name, field in FIELDS.items() if any(p in field.purposes for p in purposes)]
    if wrong := sorted(set(names) - set(may)):
        what = " or ".join(purposes)
        raise ValueError(f"{wrong[0]} is not used to {what}; {', '.join(may)} are")


def expiry(field: str, at: datetime) -> datetime:
    """Say when a field must be gone that was written while the customer has not bought.

    After the sale it is kept as `checkoutflow.privacy.register.last_day` says.

    Raises:
        UsageError: If the field is not declared.
    """
    declared(field)
    return at + timedelta(days=KEEP_UNFINISHED)
