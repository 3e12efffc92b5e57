"""What can be asked of a checkout. Time and identifiers come in, never from the core."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from checkoutflow.cart import Cart
from checkoutflow.checkout.machine import CommandName
from checkoutflow.insurance.quotes import Quote
from checkoutflow.law.choice import Customer
from checkoutflow.model import Frozen
from checkoutflow.money import Money
from checkoutflow.payment.outcomes import Evidence, Heard, Result, Standing
from checkoutflow.privacy.cards import FreeText, OutsideText
from checkoutflow.review.machine import Ask, RejectReason

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
        is_named_so: Whether an issuer gives them the name that the order has; None where it gives
            none. Only looked at for a reviewer who asked.
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
    is_named_so: bool | None = None
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


class AnswerInsurance(Frozen):
    """The customer takes covers that are offered, or does not want them.

    Attributes:
        covers: By offer, whether it is wanted.
        answers: By question about demands and needs, the answer that was chosen.
    """

    name: ClassVar = CommandName.ANSWER_INSURANCE
    covers: Mapping[str, bool] = Field(min_length=1, max_length=200)
    answers: Mapping[str, str] = Field(default_factory=dict, max_length=200)


class TakeQuotes(Frozen):
    """What partners quoted for covers."""

    name: ClassVar = CommandName.QUOTE_INSURANCE
    quotes: tuple[Quote, ...]


class Place(Frozen):
    """The customer accepts the total and buys.

    Attributes:
        accepted_total: What the customer saw and accepted, VAT included.
        accepts_credit: Whether the customer agreed to the credit, by an act of its own.
        payments: Ids for this round's payments: at least one for each credit and one more.
        return_url: Where a provider sends the customer's browser back to.
        down: Providers that do not answer at present; others are asked first.
        signals: What was noticed about the order, by name; see ``checkoutflow.review.SIGNALS``.
        could_say_no: Whether the box by which offers are refused was before the customer.
    """

    name: ClassVar = CommandName.PLACE
    accepted_total: Money
    payments: tuple[str, ...]
    accepts_credit: bool = False
    return_url: str = Field(default="", max_length=2000)
    down: frozenset[str] = frozenset()
    signals: Mapping[str, bool | int] = {}
    could_say_no: bool = False


# A reviewer's name is the shop's own, and on record with what they did.
_Reviewer = Annotated[FreeText, Field(min_length=1, max_length=100)]


class Claim(Frozen):
    """A reviewer takes a held order on, or keeps it for longer."""

    name: ClassVar = CommandName.CLAIM
    reviewer: _Reviewer


class Release(Frozen):
    """A reviewer lets go of an order, for another one to take."""

    name: ClassVar = CommandName.RELEASE
    reviewer: _Reviewer


class HandOver(Frozen):
    """A reviewer gives an order to another one."""

    name: ClassVar = CommandName.HAND_OVER
    reviewer: _Reviewer
    to: _Reviewer


class Note(Frozen):
    """Somebody wrote a note about a held order; its text is in the vault."""

    name: ClassVar = CommandName.NOTE
    reviewer: _Reviewer


class AskCustomer(Frozen):
    """A reviewer asks the customer for something, before they decide.

    Attributes:
        by: Where a code goes.
        challenge: A random reference that codes are derived from.
    """

    name: ClassVar = CommandName.ASK
    reviewer: _Reviewer
    what: Ask
    by: Literal["", "email", "phone"] = ""
    challenge: str = ""


class AnswerReviewer(Frozen):
    """The customer wrote what a reviewer asked for; the text is in the vault."""

    name: ClassVar = CommandName.ANSWER


class Approve(Frozen):
    """A reviewer lets a held order through."""

    name: ClassVar = CommandName.APPROVE
    reviewer: _Reviewer


class Reject(Frozen):
    """A reviewer turns a held order down; what is reserved is voided."""

    name: ClassVar = CommandName.REJECT
    reviewer: _Reviewer
    reason: RejectReason = RejectReason.OTHER


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
        by: Who decided it, in the shop's own words.
    """

    name: ClassVar = CommandName.REFUND
    lines: Lines = Field(default_factory=dict)
    amount: Money | None = None
    by: tuple[_Reviewer, ...] = Field(default=(), max_length=5)


class RecordChargeback(Frozen):
    """The customer's bank took money back.

    Attributes:
        amount: How much; above zero, and no more than was captured.
        is_fraud: Whether it was because the customer says that they never ordered.
    """

    name: ClassVar = CommandName.RECORD_CHARGEBACK
    amount: Money
    is_fraud: bool = True


class Resolve(Frozen):
    """What became of an operation, by what people saw, where the provider does not tell us.

    Attributes:
        attempt: Which operation.
        is_done: Whether it was done.
        is_taken: Of a reservation that was done: the money was taken at once.
        released: Of a void that was done: how much, where it was less than was asked for.
        seen_in: Where they saw it.
        by: Who did.
    """

    name: ClassVar = CommandName.RESOLVE
    attempt: str
    is_done: bool
    is_taken: bool = False
    released: Money | None = None
    seen_in: Evidence
    by: tuple[_Reviewer, ...] = Field(min_length=1, max_length=5)


class CancelCover(Frozen):
    """The customer gives insurance or a warranty back in the time they have for it.

    Attributes:
        cover: As it was offered.
    """

    name: ClassVar = CommandName.CANCEL_COVER
    cover: str


class Replace(Frozen):
    """Units were faulty, and others are sent in their place; no money moves.

    Attributes:
        lines: Units by line id.
    """

    name: ClassVar = CommandName.REPLACE
    lines: Lines = Field(min_length=1)


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


class Assess(Frozen):
    """More was noticed about the order with a payment's answer: signals, by name."""

    name: ClassVar = CommandName.ASSESS
    signals: Mapping[str, bool | int]


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
        is_told: The provider was asked because a notice of it said that something happened.
    """

    name: ClassVar = CommandName.TAKE_STANDING
    payment: str
    standing: Standing | None
    said: OutsideText = ""
    is_told: bool = False


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
    | AnswerInsurance
    | TakeQuotes
    | Place
    | Claim
    | Release
    | HandOver
    | Note
    | AskCustomer
    | AnswerReviewer
    | Approve
    | Reject
    | Ship
    | CaptureAgain
    | RecordPayment
    | Refund
    | RecordChargeback
    | Resolve
    | CancelCover
    | Replace
    | ChooseAgain
    | Cancel
    | Assess
    | RecordResult
    | TakeStanding
    | Hear
    | TakeProfile
    | PassTime
)
