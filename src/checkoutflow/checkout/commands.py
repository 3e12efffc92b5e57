"""What can be asked of a checkout. Time and identifiers come in, never from the core."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import ClassVar, Literal

from pydantic import Field

from checkoutflow.cart import Cart
from checkoutflow.checkout.machine import CommandName
from checkoutflow.law.choice import Customer
from checkoutflow.model import Frozen
from checkoutflow.money import Money
from checkoutflow.payment.outcomes import Heard, Result, Standing
from checkoutflow.privacy.cards import FreeText, OutsideText

Lines = Mapping[str, int]


class Start(Frozen):
    """Begin a checkout. The only command that needs no checkout.

    Attributes:
        checkout: Its id: random, at least 128 bits.
        subject: Reference under which the vault will keep the person's fields.
        adult: Whether the customer is 18 or older, where the shop knows.
    """

    checkout: str
    subject: str
    cart: Cart
    market: str
    locale: str = Field(pattern=r"^[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8}){0,3}$")
    customer: Customer = "consumer"
    adult: bool | None = None


class ChangeCart(Frozen):
    """Put another cart, or other prices, in the place of the present one.

    Attributes:
        market: Where the goods go now; empty for where they went before.
    """

    name: ClassVar = CommandName.CHANGE_CART
    cart: Cart
    market: str = ""


class Provide(Frozen):
    """The customer gave contact details; the values are in the vault, these are their names.

    Attributes:
        filled: Those of them that were filled in for the customer: what nothing needs is left out.
        areas: The shop's areas in which the postal code lies; None if none was given.
    """

    name: ClassVar = CommandName.PROVIDE
    fields: tuple[str, ...] = Field(min_length=1)
    filled: tuple[str, ...] = ()
    areas: tuple[str, ...] | None = None


class AskCode(Frozen):
    """The customer wants to be recognised, and is asked for a code.

    Attributes:
        person: Who is meant, or a reference to nobody.
        challenge: A random reference that codes are derived from.
        by: Where the code goes.
    """

    name: ClassVar = CommandName.RECOGNISE
    person: str
    challenge: str
    by: Literal["email", "phone"]


class AskAgain(Frozen):
    """The code did not arrive; another one is to be sent."""

    name: ClassVar = CommandName.RECOGNISE


class AskLogin(Frozen):
    """The customer goes to an issuer to show who they are.

    Attributes:
        issuer: Its name in the shop's settings.
        pending: What must come back, as JSON; it tells nobody anything.
        valid_until: Until when.
    """

    name: ClassVar = CommandName.RECOGNISE
    issuer: str
    pending: str
    valid_until: datetime


class TakeLogin(Frozen):
    """The customer came back from the issuer; what was waited for serves once.

    Attributes:
        pending: As it was waited for.
    """

    name: ClassVar = CommandName.VERIFY
    pending: str


class RefuseCode(Frozen):
    """A code was typed that is not right."""

    name: ClassVar = CommandName.VERIFY


class Verify(Frozen):
    """The customer has shown who they are.

    Attributes:
        person: Under whom they are remembered; empty if they are not.
        by: How they showed it.
        challenge: Of the code that was right; empty if they showed it another way.
        sending: Which code of this challenge it was.
        delivery: What they chose last time; taken where it is offered.
        payment: The same.
        adult: Whether they are 18 or older, where that is known from it.
        consents: What they said last of each thing to agree to, in this checkout or before.
    """

    name: ClassVar = CommandName.VERIFY
    person: str = ""
    by: str
    challenge: str = ""
    sending: int = 0
    delivery: str = ""
    payment: str = ""
    adult: bool | None = None
    consents: Mapping[str, bool] | None = None


class GiveConsent(Frozen):
    """The customer agrees to something, or takes that back.

    Attributes:
        consents: By its name, whether it is given.
        locale: In which language they read what they agreed to.
        said: What they said last of each, here or since then elsewhere.
    """

    name: ClassVar = CommandName.CONSENT
    consents: Mapping[str, bool]
    locale: str
    said: Mapping[str, bool] = {}


class ChooseDelivery(Frozen):
    """Choose a way of delivery."""

    name: ClassVar = CommandName.CHOOSE_DELIVERY
    delivery: str


class ChoosePayment(Frozen):
    """Choose how to pay what credits do not cover."""

    name: ClassVar = CommandName.CHOOSE_PAYMENT
    method: str


class AddCredit(Frozen):
    """Let a gift card or store credit cover part of the total.

    Attributes:
        amount: How much of it to use; never more than is left of the total.
    """

    name: ClassVar = CommandName.ADD_CREDIT
    method: str
    amount: Money


class RemoveCredit(Frozen):
    """Do not use that gift card or store credit after all."""

    name: ClassVar = CommandName.REMOVE_CREDIT
    method: str


class Place(Frozen):
    """The customer accepts the total and buys.

    Attributes:
        accepted_total: What the customer saw and accepted, VAT included.
        accepts_credit: Whether the customer agreed to the credit, by an act of its own.
        payments: Ids for this round's payments: at least one for each credit and one more.
        return_url: Where a provider sends the customer's browser back to.
        down: Providers that do not answer at present; others are asked first.
        could_say_no: Whether the box by which offers are refused was before the customer.
    """

    name: ClassVar = CommandName.PLACE
    accepted_total: Money
    payments: tuple[str, ...]
    accepts_credit: bool = False
    return_url: str = Field(default="", max_length=2000, pattern=r"^([a-z][a-z0-9+.-]*://\S+)?$")
    down: frozenset[str] = frozenset()
    could_say_no: bool = False


class Claim(Frozen):
    """A reviewer takes a held order on."""

    name: ClassVar = CommandName.CLAIM
    reviewer: FreeText = Field(min_length=1, max_length=100)


class Approve(Frozen):
    """A reviewer lets a held order through."""

    name: ClassVar = CommandName.APPROVE
    reviewer: FreeText = Field(min_length=1, max_length=100)


class Reject(Frozen):
    """A reviewer turns a held order down; what is reserved is voided."""

    name: ClassVar = CommandName.REJECT
    reviewer: FreeText = Field(min_length=1, max_length=100)
    reason: FreeText = Field(default="", max_length=100)


class Ship(Frozen):
    """Send units off and capture what they cost.

    Attributes:
        lines: Units by line id; empty for everything that is left.
    """

    name: ClassVar = CommandName.SHIP
    lines: Lines = Field(default_factory=dict)


class CaptureAgain(Frozen):
    """Try once more to take the money for a shipment whose capture failed after it had left."""

    name: ClassVar = CommandName.CAPTURE_AGAIN
    shipment: str


class RecordPayment(Frozen):
    """Money arrived at the shop's bank for an invoice.

    Attributes:
        invoice: Its number.
        amount: What arrived; below zero, what the shop paid back.
        received_on: The day by the bank's statement.
    """

    name: ClassVar = CommandName.RECORD_PAYMENT
    invoice: int
    amount: Money
    received_on: date


class Refund(Frozen):
    """Give money back, for returned units or as a plain amount; exactly one of the two.

    Attributes:
        lines: Returned units by line id.
        amount: A plain amount, above zero.
    """

    name: ClassVar = CommandName.REFUND
    lines: Lines = Field(default_factory=dict)
    amount: Money | None = None


class ChooseAgain(Frozen):
    """The customer came back without paying, and wants to pay another way."""

    name: ClassVar = CommandName.CHOOSE_AGAIN


class Cancel(Frozen):
    """Cancel the checkout, or units of the order that are not shipped yet.

    Attributes:
        lines: Units by line id; empty for everything that is left.
    """

    name: ClassVar = CommandName.CANCEL
    lines: Lines = Field(default_factory=dict)


class RecordResult(Frozen):
    """What a provider answered to one attempt.

    Attributes:
        said: Where the answer contradicted what was asked: what it said, in our words. The result
            is then ``unknown``.
    """

    name: ClassVar = CommandName.RECORD_RESULT
    attempt: str
    result: Result
    said: OutsideText = ""


class TakeStanding(Frozen):
    """What a provider said about a payment when asked.

    Attributes:
        standing: None where it could not be asked, or its answer was no use.
        said: Where the answer contradicted itself: what it said, in our words.
    """

    name: ClassVar = CommandName.TAKE_STANDING
    payment: str
    standing: Standing | None
    said: OutsideText = ""


class TakeProfile(Frozen):
    """What the customer shared while they paid, as the provider told.

    Attributes:
        payment: With which payment.
        is_told: Whether it was; else it is not there yet, or not to be had now.
        fields: The contact fields that the vault holds now.
        shown: Who the customer has shown to be by it, if anybody.
    """

    name: ClassVar = CommandName.TAKE_PROFILE
    payment: str
    is_told: bool
    fields: tuple[str, ...] = ()
    shown: Verify | None = None


class Hear(Frozen):
    """What a signed notice proved, of a provider that cannot be asked."""

    name: ClassVar = CommandName.HEAR
    payment: str
    heard: Heard


class PassTime(Frozen):
    """Time has passed; deadlines that are over take effect."""

    name: ClassVar = CommandName.PASS_TIME


Command = (
    ChangeCart
    | Provide
    | AskCode
    | AskAgain
    | AskLogin
    | TakeLogin
    | RefuseCode
    | Verify
    | GiveConsent
    | ChooseDelivery
    | ChoosePayment
    | AddCredit
    | RemoveCredit
    | Place
    | Claim
    | Approve
    | Reject
    | Ship
    | CaptureAgain
    | RecordPayment
    | Refund
    | ChooseAgain
    | Cancel
    | RecordResult
    | TakeStanding
    | Hear
    | TakeProfile
    | PassTime
)
