"""The catalogue: what kinds of ways to pay there are, and what each of them is.

It is data (``catalogue.toml``). A shop's `Method` names its kind, and a shop may add kinds of its
own. What a kind says about the law (`Instrument`, `Tier`) decides which rules hold for it; its
figures are for orientation until the shop states those of its own agreements.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from checkoutflow.law.choice import EVERYONE, Customer, Instrument, Tier
from checkoutflow.model import Frozen
from checkoutflow.money import Money, Rounding, divide
from checkoutflow.privacy.fields import Purpose, all_usable
from checkoutflow.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

Family = Literal[
    "card",
    "wallet",
    "bank",
    "invoice",
    "cash",
    "instalments",
    "account",
    "direct_debit",
    "voucher",
    "none",
]
# Who lends, where there is anything lent: the card's issuer, the shop itself, a payment provider.
Financer = Literal["nobody", "issuer", "shop", "provider"]
# How it is known who pays, on a provider's page or through the shop. The payer's own bank
# authenticates strongly; only an identification serves where the law asks who the customer is.
Identity = Literal[
    "strong_authentication", "strong_identification", "national_id", "organisation_number"
]

DAYS_A_YEAR = 365


def in_currency(amounts: tuple[Money, ...], currency: str) -> Money | None:
    """The amount in this currency, of amounts that are one for each."""
    for amount in amounts:
        if amount.currency == currency:
            return amount
    return None


def one_for_each_currency(amounts: tuple[Money, ...]) -> tuple[Money, ...]:
    """See that no currency has two amounts; for validators."""
    if len({amount.currency for amount in amounts}) != len(amounts):
        raise ValueError("give one amount for each currency")
    return amounts


class Cost(Frozen):
    """What one payment costs the shop.

    Attributes:
        fixed: For each payment, at most one amount per currency.
        percent: Per cent of the amount.
        billing: What issuing and sending the bill costs, where there is one.
        loss_percent: Per cent of the amount that experience says is lost: unpaid, disputed.
    """

    fixed: tuple[Money, ...] = ()
    percent: Decimal = Field(default=Decimal(0), ge=0, le=100, decimal_places=4)
    billing: tuple[Money, ...] = ()
    loss_percent: Decimal = Field(default=Decimal(0), ge=0, le=100, decimal_places=4)

    _check = field_validator("fixed", "billing")(one_for_each_currency)

    @field_validator("fixed", "billing")
    @classmethod
    def _costs_something(cls, amounts: tuple[Money, ...]) -> tuple[Money, ...]:
        if any(amount.minor < 0 for amount in amounts):
            raise ValueError("a cost cannot be negative")
        return amounts

    def of_use(self, amount: Money) -> Money | None:
        """What using it costs for a payment of this amount, rounded down; None if not stated.

        This is what a fee "at cost" is held against: neither waiting nor losses are part of it.
        """
        fixed = in_currency(self.fixed, amount.currency)
        if fixed is None and (self.fixed or not self.percent):
            return None
        share = divide(amount.minor * int(self.percent * 10**4), 10**6, Rounding.DOWN)
        return Money(share + (fixed.minor if fixed else 0), amount.currency)

    def of_billing(self, currency: str) -> Money | None:
        """What issuing and sending the bill costs; None if not stated."""
        return in_currency(self.billing, currency)

    def of_loss(self, amount: Money) -> Money:
        """What is expected to be lost of such a payment, rounded up."""
        minor = divide(amount.minor * int(self.loss_percent * 10**4), 10**6, Rounding.UP)
        return Money(minor, amount.currency)


class Kind(Frozen):
    """What a way to pay is.

    Attributes:
        id: Its name in the catalogue.
        name: What customers read unless the shop has words of its own.
        family: Its place among the others.
        instruments: What it is to the law. Several where it may turn out to be one or the other
            (a card, before its number is typed); the strictest rule for any of them holds.
        tier: Whether choosing it can mean to borrow.
        four_party: Whether its scheme has issuers and acquirers apart, or may have; chapter II of
            the interchange regulation (2015/751) is about the consumers' cards of such schemes.
        financed_by: Who lends, if anybody does.
        markets: Where it exists; empty means everywhere.
        currencies: ISO 4217 codes it takes; empty means all.
        customers: Whom it is for.
        minimum: Smallest amounts, at most one per currency.
        maximum: Largest amounts, at most one per currency.
        age_limit: Youngest customer, in years; 0 for none.
        not_for: Goods categories that cannot be bought with it.
        covers_part: It covers part of a total next to another way to pay, and is chosen by adding
            it (``add_credit``).
        takes_code: It works on a code that the customer types.
        is_repeatable: Whether it can leave a mandate for later payments.
        partial_capture: Whether less than the whole can be captured, and the rest later.
        window_days: For how many days after authorisation a capture is sure; 0 where the money is
            taken at once, None where nothing is reserved with anyone else.
        settlement_days: Days from capture until the shop has the money; for the shop's own bill
            that is the time to pay and some more.
        days: Days after delivery until a bill is due; 0 if it is no bill.
        months: Instalments, one a month; 0 if it is not paid so.
        cost: What it costs a shop, for orientation.
        details: Contact fields that it needs.
        identity: What is asked for to know who pays: a ``national_id`` of persons, an
            ``organisation_number`` of businesses.
        source: Where this is from.
        read_on: When somebody last looked.
        confidence: How sure we are, of all but costs and settlement, which are for orientation.
        note: What else a reader should know.
    """

    id: str = Field(min_length=1, max_length=40, pattern=r"^[a-z0-9_]+$")
    name: Text
    family: Family
    instruments: tuple[Instrument, ...] = Field(min_length=1)
    tier: Tier
    four_party: bool = False
    financed_by: Financer = "nobody"
    markets: frozenset[str] = frozenset()
    currencies: frozenset[str] = frozenset()
    customers: frozenset[Customer] = EVERYONE
    minimum: tuple[Money, ...] = ()
    maximum: tuple[Money, ...] = ()
    age_limit: int = Field(default=0, ge=0, le=100)
    not_for: frozenset[str] = frozenset()
    covers_part: bool = False
    takes_code: bool = False
    is_repeatable: bool = False
    partial_capture: bool = True
    window_days: int | None = Field(default=None, ge=0)
    settlement_days: int = Field(default=0, ge=0, le=400)
    days: int = Field(default=0, ge=0, le=400)
    months: int = Field(default=0, ge=0, le=120)
    cost: Cost = Field(default_factory=Cost)
    details: tuple[str, ...] = ()
    identity: frozenset[Identity] = frozenset()
    source: str = Field(default="", max_length=300)
    read_on: date | None = None
    confidence: Literal["high", "medium", "low"] = "low"
    note: str = Field(default="", max_length=400)

    _check = field_validator("minimum", "maximum")(one_for_each_currency)

    @field_validator("details")
    @classmethod
    def _may_be_used_for_this(cls, details: tuple[str, ...]) -> tuple[str, ...]:
        all_usable(details, Purpose.TAKE_PAYMENT, Purpose.IDENTIFY_FOR_CREDIT, Purpose.INVOICE)
        return details


class _Catalogue(Frozen):
    """What the data file holds."""

    kind: tuple[Kind, ...]


@cache
def catalogue() -> Mapping[str, Kind]:
    """The library's kinds by id, read from its data file the first time."""
    import tomllib  # noqa: PLC0415 - only whoever asks pays for reading it

    text = (files("checkoutflow.payment") / "catalogue.toml").read_text("utf-8")
    kinds = _Catalogue.read(tomllib.loads(text)).kind
    return MappingProxyType({kind.id: kind for kind in kinds})
