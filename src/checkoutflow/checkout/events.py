"""What can happen to a checkout.

The journal holds these and nothing else; replaying them gives the state. They carry references,
amounts and times, never anything about the person.

Amounts that depend on the law of the day (prices with VAT) are worked out before the event is made,
so that replaying an old journal never asks today's law.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from checkoutflow.cart import Cart, Priced
from checkoutflow.checkout.state import Tender
from checkoutflow.choice.words import LawNote
from checkoutflow.insurance.policies import CoverTerms, Entry, Policy
from checkoutflow.insurance.quotes import Quote
from checkoutflow.law.choice import Customer
from checkoutflow.model import Frozen
from checkoutflow.money import Money
from checkoutflow.payment.outcomes import Action, Evidence, Operation, Outcome
from checkoutflow.payment.terms import Terms
from checkoutflow.privacy.cards import STORED
from checkoutflow.review import Hit, Scored
from checkoutflow.review.machine import Answer, Ask

# Who did it: us, or the provider on its own account (its portal, its clock, its bank).
Origin = Literal["shop", "provider"]


class Started(Frozen):
    """A checkout began."""

    type: Literal["started"] = "started"
    checkout: str
    subject: str
    market: str
    locale: str
    customer: Customer
    cart: Cart
    priced: Priced
    delivery: str = ""
    adult: bool | None = None
    arms: Mapping[str, str] = {}
    at: datetime
    expires_at: datetime


class CartChanged(Frozen):
    """The shop put another cart, or other prices, in its place; perhaps for another market.

    Attributes:
        details_dropped: In older journals, what `DetailsDropped` says now.
    """

    type: Literal["cart_changed"] = "cart_changed"
    cart: Cart
    market: str
    details_dropped: tuple[str, ...] = ()
    expires_at: datetime


class DetailsProvided(Frozen):
    """The customer gave contact details; the vault holds them, this names the fields."""

    type: Literal["details_provided"] = "details_provided"
    fields: tuple[str, ...]
    areas: tuple[str, ...] | None = None
    expires_at: datetime


class DetailsDropped(Frozen):
    """Nothing needs these contact fields any more, or they must be given again.

    The vault lets go of what it holds of them in the same commit.
    """

    type: Literal["details_dropped"] = "details_dropped"
    fields: tuple[str, ...]


class CodeAsked(Frozen):
    """The customer asked to be recognised. Whether there is anybody, nothing here tells."""

    type: Literal["code_asked"] = "code_asked"
    person: str
    challenge: str
    by: str
    sending: int
    at: datetime
    valid_until: datetime


class CodeRefused(Frozen):
    """A code was typed that is not right."""

    type: Literal["code_refused"] = "code_refused"


class LoginAsked(Frozen):
    """The customer went to an issuer to show who they are."""

    type: Literal["login_asked"] = "login_asked"
    issuer: str
    pending: str
    valid_until: datetime


class LoginTaken(Frozen):
    """The customer came back from the issuer; nobody can come back a second time."""

    type: Literal["login_taken"] = "login_taken"


class Verified(Frozen):
    """The customer has shown who they are; ``person`` is empty where they are not remembered.

    Attributes:
        consents: What they said last, here or before; None in journals of earlier versions.
    """

    type: Literal["verified"] = "verified"
    person: str
    by: str
    consents: Mapping[str, bool] | None = None


class AgeKnown(Frozen):
    """Whether the customer is 18 or older became known."""

    type: Literal["age_known"] = "age_known"
    adult: bool


class ConsentChanged(Frozen):
    """The customer agreed to something, or took it back; ``texts`` has what they read."""

    type: Literal["consent_changed"] = "consent_changed"
    consents: Mapping[str, bool]
    texts: Mapping[str, str]
    locale: str


class RefusalOffered(Frozen):
    """Who bought had the box before them by which offers are refused; ``text`` is what it said."""

    type: Literal["refusal_offered"] = "refusal_offered"
    text: str
    locale: str


class ContactChanged(Frozen):
    """Somebody who is remembered is reached elsewhere from now on; this names the fields."""

    type: Literal["contact_changed"] = "contact_changed"
    fields: tuple[str, ...]


class ErasureAsked(Frozen):
    """Whoever buys asked to be erased; that is done when nothing is left to do about the sale."""

    type: Literal["erasure_asked"] = "erasure_asked"
    reason: str
    at: datetime


class DeliveryChosen(Frozen):
    """A way of delivery was chosen."""

    type: Literal["delivery_chosen"] = "delivery_chosen"
    delivery: str
    expires_at: datetime


class PaymentChosen(Frozen):
    """A way to pay was chosen."""

    type: Literal["payment_chosen"] = "payment_chosen"
    method: str
    expires_at: datetime


class CreditAdded(Frozen):
    """A gift card or store credit is to cover part of the total."""

    type: Literal["credit_added"] = "credit_added"
    method: str
    amount: Money
    expires_at: datetime


class CreditRemoved(Frozen):
    """A gift card or store credit is not to be used after all."""

    type: Literal["credit_removed"] = "credit_removed"
    method: str
    expires_at: datetime


class CoverAnswer(Frozen):
    """What the customer said to one offer.

    Attributes:
        offer: As it was named.
        is_wanted: Whether they take it.
        terms: What they were shown.
        answers: What they answered about demands and needs: answer by question.
    """

    offer: str
    is_wanted: bool
    terms: CoverTerms
    answers: Mapping[str, str] = {}


class InsuranceAnswered(Frozen):
    """The customer took covers that were offered, or did not want them."""

    type: Literal["insurance_answered"] = "insurance_answered"
    answers: tuple[CoverAnswer, ...]
    expires_at: datetime


class QuotesTaken(Frozen):
    """Partners quoted for covers; these are the quotes that hold now."""

    type: Literal["quotes_taken"] = "quotes_taken"
    quotes: tuple[Quote, ...]
    expires_at: datetime


class Repriced(Frozen):
    """What followed from a choice: another total, or choices dropped that do not fit any more.

    Attributes:
        policies: The covers that were answered about and still stand, where that changed.
        delivery: The way of delivery that stands; empty for none.
        method: The way to pay that stands; empty for none.
        credits_dropped: Gift cards and store credits that are not used after all.
        explained: What the law changed of what the shop's rules ask for the choices that stand.
    """

    type: Literal["repriced"] = "repriced"
    priced: Priced
    delivery: str
    method: str
    credits_dropped: tuple[str, ...] = ()
    explained: tuple[LawNote, ...] = ()
    policies: tuple[Policy, ...] | None = None


class CreditTerms(Frozen):
    """The credit that a customer agreed to.

    Attributes:
        method: The way to pay.
        creditor: Who lends.
        classification: What it is in law: ``consumer_credit``, ``exempt_deferred_payment``,
            ``exempt_no_cost`` or ``light_regime``.
        is_accepted: Whether the customer agreed by an act of its own, where the law asks for one.
        apr: Annual percentage rate of charge, in per cent, with one decimal.
        payments: How many.
        total_payable: All payments together.
        due: When the first payment is due, if the goods were delivered on the day of the contract.
    """

    method: str
    creditor: str
    classification: str
    is_accepted: bool
    apr: Decimal
    payments: int
    total_payable: Money
    due: date


class Placed(Frozen):
    """The customer accepted the total; a round of payments begins.

    Attributes:
        credit: What the customer agreed to, where the way to pay is a consumer's credit.
        signals: What was noticed about the order, by name.
    """

    type: Literal["placed"] = "placed"
    accepted_total: Money
    priced: Priced
    tenders: tuple[Tender, ...]
    credit: CreditTerms | None = None
    return_url: str
    expires_at: datetime
    signals: Mapping[str, bool | int] = {}


class PaymentStarted(Frozen):
    """One payment of the round came into being. What is sent for it is an attempt."""

    type: Literal["payment_started"] = "payment_started"
    payment: str
    method: str
    provider: str | None
    amount: Money
    terms: Terms | None = None
    shares: tuple[str, ...] = ()


class AttemptStarted(Frozen):
    """We are about to ask a provider for something. Committed before anything is sent."""

    type: Literal["attempt_started"] = "attempt_started"
    payment: str
    attempt: str
    operation: Operation
    amount: Money
    part: str = ""
    at: datetime
    lease_until: datetime


class AttemptResent(Frozen):
    """We are about to send the same request again under the same key."""

    type: Literal["attempt_resent"] = "attempt_resent"
    payment: str
    attempt: str
    lease_until: datetime


class AttemptPending(Frozen):
    """The provider has it and waits, for the customer or for someone else."""

    type: Literal["attempt_pending"] = "attempt_pending"
    payment: str
    attempt: str
    provider_reference: str | None = None
    operation_reference: str | None = None
    action: Action | None = None
    valid_until: datetime | None = None
    look_at: datetime


class AttemptNamed(Frozen):
    """The provider's own name for an operation became known."""

    type: Literal["attempt_named"] = "attempt_named"
    payment: str
    attempt: str
    reference: str


class AttemptUnknown(Frozen):
    """No usable answer came; the operation may have been done."""

    type: Literal["attempt_unknown"] = "attempt_unknown"
    payment: str
    attempt: str
    provider_reference: str | None = None
    look_at: datetime


class AttemptFailed(Frozen):
    """The provider said no, or it is proven that nothing was done."""

    type: Literal["attempt_failed"] = "attempt_failed"
    payment: str
    attempt: str
    outcome: Outcome
    reason: str = ""
    look_at: datetime | None = None


class AttemptResolved(Frozen):
    """People saw what became of it, where the provider did not tell; what follows is next.

    Attributes:
        by: Who, in the shop's own words.
        look_at: When to ask the provider whether it agrees; None where it cannot be asked.
    """

    type: Literal["attempt_resolved"] = "attempt_resolved"
    payment: str
    attempt: str
    is_done: bool
    seen_in: Evidence
    by: tuple[str, ...]
    look_at: datetime | None = None


class Looked(Frozen):
    """The provider was asked and nothing new came of it."""

    type: Literal["looked"] = "looked"
    payment: str
    is_absent: bool = False
    look_at: datetime | None


class LookUnanswered(Frozen):
    """The provider was asked, and has not told all: it is asked again until it does."""

    type: Literal["look_unanswered"] = "look_unanswered"
    payment: str


class LookAnswered(Frozen):
    """The provider tells how the payment stands again."""

    type: Literal["look_answered"] = "look_answered"
    payment: str


class PaymentAuthorised(Frozen):
    """The customer's money is reserved."""

    type: Literal["payment_authorised"] = "payment_authorised"
    payment: str
    attempt: str = ""
    amount: Money
    provider_reference: str | None = None
    valid_until: datetime | None = None
    origin: Origin = "shop"


class PaymentCaptured(Frozen):
    """Reserved money was taken."""

    type: Literal["payment_captured"] = "payment_captured"
    payment: str
    attempt: str = ""
    amount: Money
    origin: Origin = "shop"


class PaymentVoided(Frozen):
    """What was reserved and not captured was released."""

    type: Literal["payment_voided"] = "payment_voided"
    payment: str
    attempt: str = ""
    amount: Money
    origin: Origin = "shop"


class PaymentExpired(Frozen):
    """The authorisation, or the customer's time to act, ran out."""

    type: Literal["payment_expired"] = "payment_expired"
    payment: str
    amount: Money


class PaymentRefunded(Frozen):
    """Captured money was given back."""

    type: Literal["payment_refunded"] = "payment_refunded"
    payment: str
    attempt: str = ""
    amount: Money
    origin: Origin = "shop"


class CaptureFailed(Frozen):
    """A capture that had succeeded was taken back by the provider.

    Attributes:
        attempt: Empty for one that was made there without us.
    """

    type: Literal["capture_failed"] = "capture_failed"
    payment: str
    attempt: str = ""
    amount: Money


class RefundFailed(Frozen):
    """A refund that had succeeded was taken back by the provider; the money is the shop's again.

    Attributes:
        attempt: Empty for one that was made there without us.
    """

    type: Literal["refund_failed"] = "refund_failed"
    payment: str
    attempt: str = ""
    amount: Money


class Contradicted(Frozen):
    """The provider said something that cannot be. It is on record, and nothing was believed.

    Attributes:
        said: What it said, in our words: amounts and steps, nothing of the provider's text.
        stops: Whether nothing more is sent for this payment until the provider agrees with the
            books again.
    """

    type: Literal["contradicted"] = "contradicted"
    payment: str
    said: str
    stops: bool
    look_at: datetime | None


class ContradictionCleared(Frozen):
    """The provider's later answer agrees with the books again."""

    type: Literal["contradiction_cleared"] = "contradiction_cleared"
    payment: str


class AttentionNeeded(Frozen):
    """A person at the shop should look."""

    type: Literal["attention_needed"] = "attention_needed"
    reason: str
    payment: str


class ProfileAwaited(Frozen):
    """What the customer shared while they paid is to be asked for; None: not any more."""

    type: Literal["profile_awaited"] = "profile_awaited"
    payment: str
    ask_at: datetime | None


class DetailsShared(Frozen):
    """The customer shared contact details while they paid; the vault holds these fields."""

    type: Literal["details_shared"] = "details_shared"
    payment: str
    fields: tuple[str, ...]


class AuthorisationReminded(Frozen):
    """The shop was told that an authorisation runs out before it was captured."""

    type: Literal["authorisation_reminded"] = "authorisation_reminded"
    payment: str
    valid_until: datetime


class Rerouted(Frozen):
    """A provider refused or could not be reached; the next one is asked for the same amount.

    Attributes:
        payment: The payment that came to nothing.
        to: The payment that takes its place.
        provider: Who is asked for it.
    """

    type: Literal["rerouted"] = "rerouted"
    payment: str
    to: str
    provider: str


class Reopened(Frozen):
    """This round's payments came to nothing; the customer chooses again."""

    type: Literal["reopened"] = "reopened"
    reason: str
    expires_at: datetime


class EndingAsked(Frozen):
    """It is to end, but a payment must be settled first."""

    type: Literal["ending_asked"] = "ending_asked"
    ending: Literal["cancelled", "expired", "reopened"]


class Assessed(Frozen):
    """More was noticed about the order when a payment's answer came: signals, by name."""

    type: Literal["assessed"] = "assessed"
    signals: Mapping[str, bool | int]


class Judged(Frozen):
    """Rules of review, or the learned score, had a say in the order, if only to be watched.

    Attributes:
        hits: Each of them, as it was.
        weight: What those that act add up to.
        is_allowed: Whether the order is not held since the shop's list says so.
        scored: What the learned score said.
    """

    type: Literal["judged"] = "judged"
    hits: tuple[Hit, ...]
    weight: int
    is_allowed: bool = False
    scored: Scored | None = None


class ChargedBack(Frozen):
    """The customer's bank took money back.

    Attributes:
        is_fraud: Whether it was because the customer says that they never ordered.
    """

    type: Literal["charged_back"] = "charged_back"
    amount: Money
    is_fraud: bool


class Held(Frozen):
    """A person has to decide before the order is confirmed.

    Attributes:
        at: Since when; None in journals of before that was written down.
    """

    type: Literal["held"] = "held"
    reasons: tuple[str, ...]
    deadline: datetime
    at: datetime | None = None


class ReviewClaimed(Frozen):
    """A reviewer took it on.

    Attributes:
        until: When they lose it unless they claim it again; None in journals of before there were
            leases.
    """

    type: Literal["review_claimed"] = "review_claimed"
    reviewer: str
    until: datetime | None = None


class ReviewReleased(Frozen):
    """A reviewer let go of it."""

    type: Literal["review_released"] = "review_released"
    reviewer: str


class ReviewHandedOver(Frozen):
    """A reviewer gave it to another one."""

    type: Literal["review_handed_over"] = "review_handed_over"
    reviewer: str
    to: str
    until: datetime


class ReviewEndorsed(Frozen):
    """The first of two reviewers said yes."""

    type: Literal["review_endorsed"] = "review_endorsed"
    reviewer: str


class ReviewNoted(Frozen):
    """A note about it was written; the text is in the vault."""

    type: Literal["review_noted"] = "review_noted"
    reviewer: str


class CustomerAsked(Frozen):
    """A reviewer asked the customer for something. The deadline goes on.

    Attributes:
        request: Its id.
        by: Where a code goes.
        challenge: What codes are derived from.
    """

    type: Literal["customer_asked"] = "customer_asked"
    request: str
    reviewer: str
    what: Ask
    by: str = ""
    challenge: str = ""
    at: datetime


class CustomerAnswered(Frozen):
    """The customer gave, or showed, what a reviewer asked for."""

    type: Literal["customer_answered"] = "customer_answered"
    request: str
    answer: Answer
    at: datetime


class ReviewApproved(Frozen):
    """A reviewer said yes; the order is confirmed.

    Attributes:
        at_deadline: Whether nobody did in time, and the shop's policy lets it through.
    """

    type: Literal["review_approved"] = "review_approved"
    reviewer: str
    at_deadline: bool = False


class ReviewRejected(Frozen):
    """A reviewer said no; what is reserved is voided."""

    type: Literal["review_rejected"] = "review_rejected"
    reviewer: str
    reason: str = ""


class ReviewLapsed(Frozen):
    """The deadline passed, or the authorisation went away; it counts as rejected."""

    type: Literal["review_lapsed"] = "review_lapsed"
    reason: Literal["deadline", "authorisation_lost"]


class Confirmed(Frozen):
    """The whole total is secured and no hold is open: there is an order."""

    type: Literal["confirmed"] = "confirmed"


class PoliciesBound(Frozen):
    """The covers that the customer took begin, with the order.

    Attributes:
        on: Their first day.
        free_until: By policy: the last day on which it can be given back for the whole premium.
    """

    type: Literal["policies_bound"] = "policies_bound"
    at: datetime
    on: date
    free_until: Mapping[str, date]


class PolicyEntered(Frozen):
    """Covers ended, or stand again since the money that was to go back did not arrive."""

    type: Literal["policy_entered"] = "policy_entered"
    policy: str
    entry: Entry


class Replaced(Frozen):
    """Units were faulty and others were sent in their place; their covers go on."""

    type: Literal["replaced"] = "replaced"
    lines: Mapping[str, int]
    at: datetime
    on: date


class ShipmentStarted(Frozen):
    """Units are to leave; they may once their capture has succeeded."""

    type: Literal["shipment_started"] = "shipment_started"
    shipment: str
    lines: Mapping[str, int]
    first: Mapping[str, int] = {}
    amount: Money


class Shipped(Frozen):
    """A shipment is paid for and has left."""

    type: Literal["shipped"] = "shipped"
    shipment: str


class ShipmentFailed(Frozen):
    """A shipment could not be paid for and must not leave."""

    type: Literal["shipment_failed"] = "shipment_failed"
    shipment: str


class ShipmentPaidAgain(Frozen):
    """A shipment whose capture had failed afterwards is paid for again."""

    type: Literal["shipment_paid_again"] = "shipment_paid_again"
    shipment: str


class RefundStarted(Frozen):
    """Money is to be given back."""

    type: Literal["refund_started"] = "refund_started"
    refund: str
    lines: Mapping[str, int]
    first: Mapping[str, int] = {}
    amount: Money
    premiums: Mapping[str, Money] = {}
    on: date | None = None
    by: tuple[str, ...] = ()


class RefundDone(Frozen):
    """All of a refund was given back."""

    type: Literal["refund_done"] = "refund_done"
    refund: str


class RefundNotDone(Frozen):
    """A refund could not be given back in full."""

    type: Literal["refund_not_done"] = "refund_not_done"
    refund: str


class InvoiceIssued(Frozen):
    """The shop asks for what a shipment cost, by an invoice of its own.

    Attributes:
        invoice: Its number.
        remind_at: When the shop is told if it is still unpaid.
        scheme: Market whose scheme made the reference; empty where it is the number itself.
    """

    type: Literal["invoice_issued"] = "invoice_issued"
    invoice: int
    payment: str
    shipment: str
    amount: Money
    issued_on: date
    due_on: date
    remind_at: datetime
    reference: str
    scheme: str


class CreditNoteIssued(Frozen):
    """An invoice, or a part of one, was taken back.

    Attributes:
        credit_note: Its number, of the same series as invoices.
    """

    type: Literal["credit_note_issued"] = "credit_note_issued"
    credit_note: int
    invoice: int
    amount: Money
    issued_on: date


class PaymentRecorded(Frozen):
    """The shop told what arrived at its bank for an invoice; below zero, what it paid back."""

    type: Literal["payment_recorded"] = "payment_recorded"
    invoice: int
    amount: Money
    received_on: date


class InvoiceOverdue(Frozen):
    """An invoice passed its due day and is not paid in full; the shop is told once."""

    type: Literal["invoice_overdue"] = "invoice_overdue"
    invoice: int


class LinesCancelled(Frozen):
    """Units will not be shipped."""

    type: Literal["lines_cancelled"] = "lines_cancelled"
    lines: Mapping[str, int]


class Cancelled(Frozen):
    """The checkout or the whole order was cancelled; what is still reserved is voided."""

    type: Literal["cancelled"] = "cancelled"


class Expired(Frozen):
    """Nobody finished it in time."""

    type: Literal["expired"] = "expired"


class Fulfilled(Frozen):
    """Every unit is shipped or cancelled."""

    type: Literal["fulfilled"] = "fulfilled"


Event = (
    Started
    | CartChanged
    | DetailsProvided
    | DetailsDropped
    | CodeAsked
    | CodeRefused
    | LoginAsked
    | LoginTaken
    | Verified
    | AgeKnown
    | ConsentChanged
    | RefusalOffered
    | ContactChanged
    | ErasureAsked
    | DeliveryChosen
    | PaymentChosen
    | CreditAdded
    | CreditRemoved
    | InsuranceAnswered
    | QuotesTaken
    | Repriced
    | Placed
    | PaymentStarted
    | AttemptStarted
    | AttemptResent
    | AttemptPending
    | AttemptNamed
    | AttemptUnknown
    | AttemptFailed
    | AttemptResolved
    | Looked
    | LookUnanswered
    | LookAnswered
    | PaymentAuthorised
    | PaymentCaptured
    | PaymentVoided
    | PaymentExpired
    | PaymentRefunded
    | CaptureFailed
    | RefundFailed
    | Contradicted
    | ContradictionCleared
    | AttentionNeeded
    | ProfileAwaited
    | DetailsShared
    | AuthorisationReminded
    | Rerouted
    | Reopened
    | EndingAsked
    | Assessed
    | Judged
    | Held
    | ReviewClaimed
    | ReviewReleased
    | ReviewHandedOver
    | ReviewEndorsed
    | ReviewNoted
    | CustomerAsked
    | CustomerAnswered
    | ReviewApproved
    | ReviewRejected
    | ReviewLapsed
    | Confirmed
    | PoliciesBound
    | PolicyEntered
    | Replaced
    | ShipmentStarted
    | Shipped
    | ShipmentFailed
    | ShipmentPaidAgain
    | RefundStarted
    | RefundDone
    | RefundNotDone
    | InvoiceIssued
    | CreditNoteIssued
    | PaymentRecorded
    | InvoiceOverdue
    | ChargedBack
    | LinesCancelled
    | Cancelled
    | Expired
    | Fulfilled
)


@cache
def _events() -> TypeAdapter[tuple[Event, ...]]:
    return TypeAdapter(tuple[Annotated[Event, Field(discriminator="type")], ...])


def to_json(events: tuple[Event, ...]) -> bytes:
    """The events of one commit, as the journal holds them."""
    return _events().dump_json(events)


def from_json(text: bytes | str) -> tuple[Event, ...]:
    """The events of one commit, read back from the journal.

    Raises:
        pydantic.ValidationError: If the journal holds something this version does not know.
    """
    return _events().validate_json(text, context=STORED)
