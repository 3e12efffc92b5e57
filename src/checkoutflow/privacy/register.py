"""What each purpose means to the people whose data it is: who may read, for how long, and why.

`checkoutflow.privacy.fields` says which field is used for what, and on what ground. From both, and
from a shop's settings, `checkoutflow.checkout.processing` makes its record of processing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.privacy.fields import (
    KEEP_FORMER,
    KEEP_PROFILE,
    KEEP_UNFINISHED,
    Purpose,
    declared,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from checkoutflow.law import Law


class Reader(StrEnum):
    """Who may read a field. Whoever is not named for a purpose may not read for it."""

    CUSTOMER = "customer"  # the person whom it is about, once they have shown who they are
    STAFF = "staff"  # of the shop
    CARRIER = "carrier"
    PAYMENT_PROVIDER = "payment_provider"
    LENDER = "lender"
    INSURER = "insurer"
    ACCOUNTANT = "accountant"  # and, through them, the auditor and the tax authority


@dataclass(frozen=True, slots=True)
class Use:
    """What is done for a purpose.

    Attributes:
        what: In a few words.
        readers: Who may read for it; nobody else.
        kept: Until when.
        source: What in law asks for it or allows it.
    """

    what: str
    readers: tuple[Reader, ...]
    kept: str
    source: str


_ORDER: Final = "while the customer may complain of the goods"
_PROFILE_YEARS: Final = KEEP_PROFILE // 365
_SEEN_YEARS: Final = 2  # `checkoutflow.review.traces` says how long each is kept

USES: Final[Mapping[Purpose, Use]] = MappingProxyType(
    {
        Purpose.DELIVER: Use(
            "send the goods, and say when they come",
            (Reader.STAFF, Reader.CARRIER),
            _ORDER,
            "GDPR art. 6(1)(b): the sale",
        ),
        Purpose.TAKE_PAYMENT: Use(
            "ask a payment provider for the money",
            (Reader.PAYMENT_PROVIDER,),
            f"{_ORDER}; the code of a gift card for {KEEP_UNFINISHED} days",
            "GDPR art. 6(1)(b): the sale",
        ),
        Purpose.IDENTIFY_FOR_CREDIT: Use(
            "tell whoever lends to whom they lend, where the customer chose credit",
            (Reader.LENDER,),
            f"{_ORDER}; a national identity number for {KEEP_UNFINISHED} days",
            "GDPR art. 6(1)(b) and 87; directives 2008/48 art. 8 and 2023/2225 art. 18",
        ),
        Purpose.INVOICE: Use(
            "send a bill",
            (Reader.STAFF,),
            _ORDER,
            "GDPR art. 6(1)(c): directive 2006/112 art. 226 and the VAT acts of Norway and Iceland",
        ),
        Purpose.KEEP_BOOKS: Use(
            "keep the vouchers of a sale, under a key of their own",
            (Reader.ACCOUNTANT,),
            "as long as bookkeeping law wants vouchers kept",
            "GDPR art. 6(1)(c) and 17(3)(b): the bookkeeping acts",
        ),
        Purpose.SEND_RECEIPT: Use(
            "send the confirmation of an order",
            (Reader.STAFF,),
            _ORDER,
            "GDPR art. 6(1)(c): directive 2011/83 art. 8(7)",
        ),
        Purpose.INSURE: Use(
            "hand over to the insurer what the insurance that was chosen needs",
            (Reader.INSURER,),
            _ORDER,
            "GDPR art. 6(1)(b): the insurance",
        ),
        Purpose.PREVENT_FRAUD: Use(
            "look at orders that may be fraud, limit how often somebody tries, and tell people at"
            " their old address that it was changed",
            (Reader.STAFF,),
            f"{_ORDER}; an address that was changed for {KEEP_FORMER} days;"
            f" keyed digests by which orders are counted for {_SEEN_YEARS} years at most",
            "GDPR art. 6(1)(f) and recital 47",
        ),
        Purpose.REMEMBER: Use(
            "fill in the next checkout of a customer who asked for that",
            (Reader.CUSTOMER,),
            f"for {_PROFILE_YEARS} years after the last purchase, or until it is taken back",
            "GDPR art. 6(1)(a) and 7",
        ),
        Purpose.MARKET: Use(
            "send offers to customers who agreed, or did not say no where the law asks no more",
            (Reader.STAFF,),
            f"{_ORDER} or is remembered, and until they say no",
            "GDPR art. 6(1)(a); directive 2002/58 art. 13",
        ),
        Purpose.ANSWER_RIGHTS: Use(
            "answer people who ask what is kept of them",
            (Reader.CUSTOMER, Reader.STAFF),
            "as long as anything else is",
            "GDPR art. 6(1)(c) and 15 to 22",
        ),
    }
)

READERS: Final[Mapping[Purpose, tuple[Reader, ...]]] = MappingProxyType(
    {purpose: use.readers for purpose, use in USES.items()}
)


@dataclass(frozen=True, slots=True)
class Proof:
    """What is kept to show that all of this was done rightly; it holds no contact details.

    Attributes:
        what: In a few words.
        days: How many days it is kept, counted from the moment that ``kept`` names.
        kept: Until when.
        source: What the time goes by. No law has one: all three are our choice.
    """

    what: str
    days: int
    kept: str
    source: str


_YEAR: Final = 365
CONSENTS: Final = Proof(
    "what was agreed to and taken back, and that offers could be refused",
    _YEAR,
    "as long as anything else of the person is, and for a year more",
    "our choice: GDPR art. 5(1)(e) and 7(1). The Danish authority allows a limited time after a"
    " consent, and not the five years in which a breach can be punished (its case 2020-431-0075)",
)
READS: Final = Proof(
    "who read which details when, and what for",
    _YEAR,
    "for a year",
    "our choice: GDPR art. 15(1) and 32(1). The French authority recommends six months to a year"
    " for such logs (2021)",
)
ERASURES: Final = Proof(
    "that somebody was erased, when and why, and what the books keep",
    5 * _YEAR,
    "for five years, and until the books keep nothing of it any more",
    "our choice: GDPR art. 5(2). A breach can be punished for five years in Denmark (act 502/2018"
    " s. 41), and what is kept leads to nobody",
)
PROOFS: Final = (CONSENTS, READS, ERASURES)

# How all of it is kept safe, in short (article 32).
MEASURES: Final = (
    "Each field is sealed with AES-256-GCM under a key of its person, bound to person and field.",
    "The shop's key wraps these and lies outside the database; it can be changed at any time.",
    "What bookkeeping law wants is sealed apart, under another key, and outlives an erasure.",
    "Reading names a purpose, is refused without one, and is written down without the values.",
    "People are found again by keyed digests; no contact value can be searched for.",
    "Whoever asks to be recognised gets the same answer, known or not; tries are limited.",
    "State, events, logs and errors hold no contact values. Card numbers are refused everywhere.",
    "Erasing a person destroys their key, which closes every copy of what it sealed.",
    "What is over goes by itself.",
)


def last_day(field: str, law: Law, market: str, on: date, *, durable: bool = False) -> date:
    """The last day on which a field of a finished sale is kept for the sale's own sake.

    What gives access to money by itself, or is as delicate, goes after the days of its
    declaration; anything else when the customer may not complain any more.

    Args:
        field: Its name.
        law: The law.
        market: The customer's country.
        on: The sale, or the delivery where that is known.
        durable: Whether some of the goods are meant to last; see `Law.contact_until`.

    Raises:
        UnknownRule: If the law has no rule for that day.
        UsageError: If the field is not declared.
    """
    declaration = declared(field)
    if declaration.secret:
        return on + timedelta(days=declaration.keep_days)
    return law.contact_until(market, on, durable=durable)
