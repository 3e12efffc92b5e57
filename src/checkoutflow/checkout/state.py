"""The state of one checkout: plain values, no names, no addresses, no card or code.

The checkout is the aggregate. One version number covers it with its payments, shipments, refunds
and review, and one commit writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from checkoutflow.cart import Cart, Priced
from checkoutflow.checkout.invoice import Invoice
from checkoutflow.checkout.machine import ENDS, Phase
from checkoutflow.errors import NotFound
from checkoutflow.insurance.policies import Policy, PolicyState
from checkoutflow.insurance.quotes import Quote
from checkoutflow.law.choice import Customer
from checkoutflow.model import Frozen
from checkoutflow.money import Money, share, total
from checkoutflow.payment.books import Books
from checkoutflow.payment.machine import PaymentState
from checkoutflow.payment.outcomes import Action, Operation, Outcome
from checkoutflow.payment.terms import Terms
from checkoutflow.review import Hit, Review, Scored


class Attempt(Frozen):
    """One operation asked of one provider, under one idempotency key however often it is sent.

    Attributes:
        id: Also the idempotency key.
        part: The shipment or refund that it is for, where there is one.
        lease_until: Until then the worker that wrote it down is the one that sends it.
        sends: How often it may have been sent.
        outcome: None until something was heard; ``pending`` and ``unknown`` are not final.
        reference: The provider's own name for it, where it is pending under one.
        resolved_by: The people who saw what became of it, where the provider did not tell.
    """

    id: str
    operation: Operation
    amount: Money
    part: str = ""
    started_at: datetime
    lease_until: datetime
    sends: int = 1
    outcome: Outcome | None = None
    reference: str | None = None
    resolved_by: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it can still turn out either way."""
        return self.outcome in {None, Outcome.PENDING, Outcome.UNKNOWN}

    @property
    def is_unresolved(self) -> bool:
        """Whether money may have moved without our knowing."""
        return self.outcome in {None, Outcome.UNKNOWN}


class Payment(Frozen):
    """One authorisation and everything done with it.

    Attributes:
        id: Our reference for it, given to the provider.
        method: The shop's id of the method.
        provider: The adapter's name; None where the shop itself trusts the customer.
        amount: What it is to pay.
        terms: When its invoices are due, where it is paid on the shop's own invoice.
        valid_until: When the authorisation, or before it the customer's time to act, runs out.
        look_at: When to ask the provider next; None when nothing is open.
        looks: How often it was asked since the last thing heard.
        absences: How often the provider did not know of it, in a row.
        is_unheard: It was asked, and has not told all since; it is asked until it does.
        reason: Why it was declined, as a code.
        contradiction: What the provider said that cannot be; while set, we send nothing.
        is_reminded: The shop has been told that the authorisation runs out.
        shares: Contact fields that the customer was asked to share while they paid.
        profile_at: When to ask the provider for these; None where nothing is waited for.
        profile_asks: How often that was set.
    """

    id: str
    method: str
    provider: str | None
    amount: Money
    terms: Terms | None = None
    state: PaymentState = PaymentState.INITIATED
    books: Books
    provider_reference: str | None = None
    action: Action | None = None
    valid_until: datetime | None = None
    attempts: tuple[Attempt, ...] = ()
    look_at: datetime | None = None
    looks: int = 0
    absences: int = 0
    is_unheard: bool = False
    reason: str = ""
    contradiction: str = ""
    is_reminded: bool = False
    shares: tuple[str, ...] = ()
    profile_at: datetime | None = None
    profile_asks: int = 0

    @property
    def open_attempts(self) -> tuple[Attempt, ...]:
        """What is asked of the provider and not finally answered."""
        return tuple(attempt for attempt in self.attempts if attempt.is_open)

    def attempt(self, attempt_id: str) -> Attempt:
        """One attempt by its id.

        Raises:
            NotFound: If this payment has no such attempt.
        """
        for attempt in self.attempts:
            if attempt.id == attempt_id:
                return attempt
        raise NotFound(f"payment {self.id} has no attempt {attempt_id}", field="attempt")

    @property
    def is_waiting(self) -> bool:
        """Whether the answer to its authorisation is not known yet."""
        return self.state in _WAITING

    @property
    def is_dead(self) -> bool:
        """Whether it ended without money being reserved or taken."""
        return self.state in _DEAD

    def under_way(self, operation: Operation) -> Money:
        """The amount of open attempts at an operation: it may be gone, so it is not free."""
        return Money(
            sum(item.amount.minor for item in self.open_attempts if item.operation is operation),
            self.amount.currency,
        )

    @property
    def capturable(self) -> Money:
        """Reserved, and neither captured, nor released, nor under way to be."""
        taken = self.under_way(Operation.CAPTURE) + self.under_way(Operation.VOID)
        return max(self.books.capturable - taken, Money(0, self.amount.currency))

    @property
    def refundable(self) -> Money:
        """Captured, and neither given back nor under way to be."""
        return self.books.refundable - self.under_way(Operation.REFUND)


_WAITING = frozenset({PaymentState.INITIATED, PaymentState.ACTION_REQUIRED, PaymentState.UNKNOWN})
_DEAD = frozenset({PaymentState.DECLINED, PaymentState.EXPIRED, PaymentState.VOIDED})


class PartState(StrEnum):
    """Where a shipment or a refund stands."""

    UNDER_WAY = "under_way"
    DONE = "done"
    FAILED = "failed"


class Shipment(Frozen):
    """Units that leave together. They count as shipped once they are paid for.

    Attributes:
        lines: Units by line id.
        first: How many units of each of these lines went before.
        amount: What they cost, discounts and charges shared out, VAT included.
        is_paid: False when the capture for them failed after it had first succeeded.
    """

    id: str
    lines: Mapping[str, int]
    first: Mapping[str, int] = {}
    amount: Money
    state: PartState = PartState.UNDER_WAY
    is_paid: bool = True


class Refund(Frozen):
    """Money given back, for returned units or as a plain amount.

    Attributes:
        lines: Returned units by line id; empty for a plain amount.
        first: How many units of each of these lines were returned before.
        premiums: Of covers among them: what goes back, by line id.
        on: The day of the return, where covers end with it.
        by: Who decided it, where that was told.
    """

    id: str
    lines: Mapping[str, int]
    first: Mapping[str, int] = {}
    amount: Money
    premiums: Mapping[str, Money] = {}
    on: date | None = None
    by: tuple[str, ...] = ()
    state: PartState = PartState.UNDER_WAY


class Chargeback(Frozen):
    """Money that the customer's bank took back; with ``is_fraud`` they say they never ordered."""

    amount: Money
    is_fraud: bool


class Credit(Frozen):
    """A gift card or store credit that is to cover part of the total."""

    method: str
    amount: Money


class Attention(Frozen):
    """Something that a person at the shop should look at.

    Attributes:
        reason: ``unresolved``, ``contradiction``, ``capture_failed``, ``refund_failed``,
            ``authorisation_lost``, ``void_failed``, ``owed_to_customer`` (more was paid on an
            invoice than it asks for), ``no_reference`` (the shop's scheme has too few digits) or
            ``not_shared`` (something needed was to be shared with the payment, and was not).
        payment: Which payment it is about.
    """

    reason: str
    payment: str


class Recognition(Frozen):
    """How far the customer has shown who they are.

    Attributes:
        level: ``unknown``: they have not asked to be recognised. ``known``: they have, and were
            asked for a code; nothing here tells whether there is anybody to send one to.
            ``verified``: they have shown it.
        person: Who is meant, or a reference to nobody.
        by: How: ``email`` or ``phone``, where the code goes; ``login``, or the name of an issuer.
        challenge: What codes are derived from; with an issuer, what must come back from it, as
            JSON that tells nobody anything.
        sending: How many codes were sent before the present one.
        tries: How many wrong codes were typed.
        sent_at: When the present code was asked for.
        valid_until: When it stops working.
    """

    level: Literal["unknown", "known", "verified"] = "unknown"
    person: str = ""
    by: str = ""
    challenge: str = ""
    sending: int = 0
    tries: int = 0
    sent_at: datetime | None = None
    valid_until: datetime | None = None


class Erasure(Frozen):
    """That whoever buys asked to be erased.

    Attributes:
        reason: The shop's own word for it, for the proof.
    """

    reason: str
    asked_at: datetime


class Tender(Frozen):
    """What one payment of a round is to be.

    Attributes:
        others: Providers to ask after this one, in order, while nothing was reserved.
        shares: Contact fields that the customer is asked to share while they pay.
    """

    payment: str
    method: str
    provider: str | None
    amount: Money
    others: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()


class Checkout(Frozen):
    """One checkout.

    Attributes:
        version: How many commits made it; for optimistic concurrency.
        subject: Reference to the person in the vault.
        adult: Whether the shop knows that the customer is 18 or older, or younger; None if it does
            not know.
        arms: The arm of each of the shop's experiments, by its id; given once, at the start.
        recognition: How far the customer has shown who they are.
        consents: What they agreed to or refused in this checkout; of who has shown who they are,
            what they said last, here or before.
        could_say_no: Whether they could refuse offers when they bought.
        provided: Names of the contact fields that the vault holds.
        areas: The shop's areas in which the customer lives, as far as known.
        expires_at: When it expires unless something happens.
        delivery: Chosen way of delivery; empty while none is chosen or none is needed.
        method: Chosen way to pay what credits do not cover.
        tenders: What this round's payments are to be, in order: method, amount, payment id.
        ending: Why it is being wound up while a payment is still unsettled: ``cancelled``,
            ``expired``, or ``reopened`` where the customer wants to choose again.
        signals: What was noticed about the order (see ``checkoutflow.review.SIGNALS``), by name;
            nothing personal.
        hits: Every rule of review that applied to it, those in the shadow among them.
        scored: What the learned score said to it, where rules or score had a say.
        second: How far the customer has shown once more who they are, where a reviewer asked.
        invoices: The shop's own, by number.
        cancelled: Units by line id that will not be shipped.
        erasure: The wish to be erased when it is over; None if nobody has it.
        policies: Covers that the customer answered about. Those that are accepted are lines of
            the cart.
        quotes: What partners quoted for covers, one for each offer.
        replaced: Units by line id that were faulty and had others sent in their place.
    """

    id: str
    version: int = 0
    market: str
    locale: str
    customer: Customer
    subject: str
    phase: Phase = Phase.COLLECTING
    started_at: datetime
    expires_at: datetime
    cart: Cart
    priced: Priced
    adult: bool | None = None
    arms: Mapping[str, str] = {}
    recognition: Recognition = Recognition()
    consents: Mapping[str, bool] = {}
    could_say_no: bool = False
    provided: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    delivery: str = ""
    method: str = ""
    credits: tuple[Credit, ...] = ()
    return_url: str = ""
    tenders: tuple[Tender, ...] = ()
    payments: tuple[Payment, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    refunds: tuple[Refund, ...] = ()
    invoices: tuple[Invoice, ...] = ()
    chargebacks: tuple[Chargeback, ...] = ()
    cancelled: Mapping[str, int] = {}
    signals: Mapping[str, bool | int] = {}
    hits: tuple[Hit, ...] = ()
    scored: Scored | None = None
    second: Recognition = Recognition()
    policies: tuple[Policy, ...] = ()
    quotes: tuple[Quote, ...] = ()
    replaced: Mapping[str, int] = {}
    review: Review | None = None
    ending: Literal["", "cancelled", "expired", "reopened"] = ""
    attention: tuple[Attention, ...] = ()
    erasure: Erasure | None = None

    @property
    def is_taking_profiles(self) -> bool:
        """Whether what the customer shares while they pay is still wanted."""
        lives = {Phase.PLACING, Phase.HELD, Phase.CONFIRMED, Phase.FULFILLED}
        return self.phase in lives and not self.ending and self.erasure is None

    @property
    def is_over(self) -> bool:
        """Whether nothing about it is left to be done, by anybody."""
        is_paid = all(item.open.is_zero and item.owed.is_zero for item in self.invoices)
        is_known = not any(payment.open_attempts for payment in self.payments)
        return self.phase in ENDS and is_paid and is_known

    @property
    def total(self) -> Money:
        """What the customer is to pay in all, VAT included."""
        return self.priced.total

    @property
    def credited(self) -> Money:
        """How much of the total gift cards and store credit are to cover."""
        return total((credit.amount for credit in self.credits), self.total.currency)

    @property
    def books(self) -> Books:
        """The books of all its payments together, in minor units."""
        every = [payment.books for payment in self.payments]
        return Books(
            currency=self.total.currency,
            authorised=sum(books.authorised for books in every),
            voided=sum(books.voided for books in every),
            captured=sum(books.captured for books in every),
            refunded=sum(books.refunded for books in every),
        )

    @property
    def next_action(self) -> Action | None:
        """What the customer must do to pay, if anything."""
        return next(
            (
                payment.action
                for payment in self.current_payments
                if payment.state is PaymentState.ACTION_REQUIRED
            ),
            None,
        )

    @property
    def current_payments(self) -> tuple[Payment, ...]:
        """The payments of this round, in order."""
        ids = [tender.payment for tender in self.tenders]
        return tuple(payment for payment in self.payments if payment.id in ids)

    @property
    def showing(self) -> Recognition:
        """How far the customer has shown what they are asked to show at present."""
        return self.second if self.phase is Phase.HELD else self.recognition

    def payment(self, payment_id: str) -> Payment:
        """One payment by its id.

        Raises:
            NotFound: If this checkout has no such payment.
        """
        for payment in self.payments:
            if payment.id == payment_id:
                return payment
        raise NotFound(f"checkout {self.id} has no payment {payment_id}", field="payment")

    def attempt(self, attempt_id: str) -> tuple[Payment, Attempt]:
        """One attempt by its id, with the payment it belongs to.

        Raises:
            NotFound: If this checkout has no such attempt.
        """
        for payment in self.payments:
            for attempt in payment.attempts:
                if attempt.id == attempt_id:
                    return payment, attempt
        raise NotFound(f"checkout {self.id} has no attempt {attempt_id}", field="attempt")

    def invoice(self, number: int) -> Invoice:
        """One invoice by its number.

        Raises:
            NotFound: If this checkout has no such invoice.
        """
        for invoice in self.invoices:
            if invoice.number == number:
                return invoice
        raise NotFound(f"checkout {self.id} has no invoice {number}", field="invoice")

    def policy(self, policy_id: str) -> Policy | None:
        """One cover by its id, if the customer answered about it."""
        return next((policy for policy in self.policies if policy.id == policy_id), None)

    @property
    def accepted(self) -> tuple[Policy, ...]:
        """The covers that the customer wants and that are not bound yet."""
        return tuple(each for each in self.policies if each.state is PolicyState.ACCEPTED)

    def unit_amount(self, part: Shipment | Refund, line_id: str, first: int, last: int) -> Money:
        """What some units of a line came to in a shipment or a refund.

        Args:
            part: The shipment or refund.
            line_id: The line.
            first: Units of the line before these, as for ``Priced.unit_amount``.
            last: Units of the line with these.
        """
        premium = part.premiums.get(line_id) if isinstance(part, Refund) else None
        if premium is None:
            return self.priced.unit_amount(line_id, first, last)
        before, units = part.first.get(line_id, 0), part.lines[line_id]
        return share(premium, units, last - before) - share(premium, units, first - before)

    def uninvoiced(self, payment: Payment) -> Money:
        """What a payment on invoice has taken beyond its invoices; below zero, what to credit."""
        claims = (item.claim for item in self.invoices if item.payment == payment.id)
        taken = payment.books.refundable if payment.terms else Money(0, payment.amount.currency)
        return taken - total(claims, payment.amount.currency)

    def attempts_for(self, part: str) -> list[Attempt]:
        """Every attempt made for one shipment or refund."""
        return [
            attempt
            for payment in self.payments
            for attempt in payment.attempts
            if attempt.part == part
        ]

    def without_attention(self, payment_id: str, *reasons: str) -> Checkout:
        """The checkout without these reasons for a person to look at a payment."""
        kept = tuple(
            item
            for item in self.attention
            if item.payment != payment_id or item.reason not in reasons
        )
        return self if kept == self.attention else self.but(attention=kept)

    def left(self, line_id: str) -> int:
        """Units of a line that are paid for and have left."""
        return sum(
            shipment.lines.get(line_id, 0)
            for shipment in self.shipments
            if shipment.state is PartState.DONE
        )

    def shipped(self, line_id: str) -> int:
        """Units of a line that are shipped or on their way to be."""
        return sum(
            shipment.lines.get(line_id, 0)
            for shipment in self.shipments
            if shipment.state is not PartState.FAILED
        )

    def returned(self, line_id: str) -> int:
        """Units of a line that are returned or on their way to be."""
        return sum(
            refund.lines.get(line_id, 0)
            for refund in self.refunds
            if refund.state is not PartState.FAILED
        )

    def kept(self, line_id: str, quantity: int) -> int:
        """Of so many units of a line, those that are neither cancelled nor returned."""
        return quantity - self.cancelled.get(line_id, 0) - self.returned(line_id)

    def unsent(self) -> dict[str, int]:
        """Units by line id that are neither shipped, nor on their way, nor cancelled."""
        left = {
            line.id: line.quantity - self.shipped(line.id) - self.cancelled.get(line.id, 0)
            for line in self.cart.lines
        }
        return {line_id: units for line_id, units in left.items() if units}

    def to_ship(self) -> dict[str, int]:
        """Units of goods by line id that can still be shipped; covers go along with them."""
        left = self.unsent()
        return {line.id: left[line.id] for line in self.cart.goods if line.id in left}
