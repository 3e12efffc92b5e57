"""``evolve(state, event) -> state``: what an event means, and the last gate before nonsense.

Every event that moves a machine is looked up in that machine's table, and every amount is posted in
the payment's books, so an event that cannot be true raises instead of being believed. Replaying a
journal through here gives the stored state.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.checkout import events as e
from checkoutflow.checkout.machine import CHECKOUT, PhaseStep
from checkoutflow.checkout.state import (
    Attempt,
    Attention,
    Checkout,
    Credit,
    PartState,
    Payment,
    Refund,
    Shipment,
)
from checkoutflow.errors import IllegalTransition, UsageError
from checkoutflow.payment.books import Books, Posting
from checkoutflow.payment.machine import PAYMENT, PaymentStep
from checkoutflow.payment.outcomes import Operation, Outcome
from checkoutflow.review import REVIEW, Review, ReviewState, ReviewStep
from checkoutflow.table import advance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from checkoutflow.money import Money


def evolve(state: Checkout | None, event: e.Event) -> Checkout:
    """Apply one event.

    Args:
        state: The checkout before it; None before ``started``.
        event: What happened.

    Raises:
        IllegalTransition: If a table has no such step from where things stand.
        UsageError: If an amount does not fit the books.
    """
    if isinstance(event, e.Started):
        if state is not None:
            raise IllegalTransition("checkout", state.phase, event.type)
        return _started(event)
    if state is None:
        raise IllegalTransition("checkout", "not started", event.type)
    return _APPLY[type(event)](state, event)


def replay(commits: Iterable[tuple[e.Event, ...]]) -> Checkout | None:
    """The state that a journal's commits lead to; None for an empty journal."""
    state: Checkout | None = None
    for version, events in enumerate(commits, 1):
        for event in events:
            state = evolve(state, event)
        if state is not None:
            state = state.model_copy(update={"version": version})
    return state


def _with(state: Checkout, **changes: object) -> Checkout:
    return state.model_copy(update=changes)


def _step(state: Checkout, step: PhaseStep, **changes: object) -> Checkout:
    return _with(state, phase=advance("checkout", CHECKOUT, state.phase, step), **changes)


# Collecting -----------------------------------------------------------------------------------


def _started(event: e.Started) -> Checkout:
    return Checkout(
        id=event.checkout,
        market=event.market,
        locale=event.locale,
        customer=event.customer,
        subject=event.subject,
        started_at=event.at,
        expires_at=event.expires_at,
        cart=event.cart,
        priced=event.priced,
        delivery=event.delivery,
    )


def _cart_changed(state: Checkout, event: e.CartChanged) -> Checkout:
    return _with(
        state,
        cart=event.cart,
        priced=event.priced,
        delivery=event.delivery,
        method=event.method,
        credits=tuple(item for item in state.credits if item.method not in event.credits_dropped),
        expires_at=event.expires_at,
    )


def _details_provided(state: Checkout, event: e.DetailsProvided) -> Checkout:
    new = [name for name in event.fields if name not in state.provided]
    return _with(state, provided=(*state.provided, *new), expires_at=event.expires_at)


def _delivery_chosen(state: Checkout, event: e.DeliveryChosen) -> Checkout:
    return _with(state, delivery=event.delivery, priced=event.priced, expires_at=event.expires_at)


def _payment_chosen(state: Checkout, event: e.PaymentChosen) -> Checkout:
    return _with(state, method=event.method, expires_at=event.expires_at)


def _credit_added(state: Checkout, event: e.CreditAdded) -> Checkout:
    others = [item for item in state.credits if item.method != event.method]
    added = Credit(method=event.method, amount=event.amount)
    return _with(state, credits=(*others, added), expires_at=event.expires_at)


def _credit_removed(state: Checkout, event: e.CreditRemoved) -> Checkout:
    others = tuple(item for item in state.credits if item.method != event.method)
    return _with(state, credits=others, expires_at=event.expires_at)


# Placing --------------------------------------------------------------------------------------


def _placed(state: Checkout, event: e.Placed) -> Checkout:
    return _step(
        state,
        PhaseStep.PLACED,
        priced=event.priced,
        tenders=event.tenders,
        return_url=event.return_url,
        expires_at=event.expires_at,
    )


def _reopened(state: Checkout, event: e.Reopened) -> Checkout:
    return _step(state, PhaseStep.REOPENED, tenders=(), expires_at=event.expires_at)


def _ending_asked(state: Checkout, event: e.EndingAsked) -> Checkout:
    return _with(state, ending=event.ending)


def _confirmed(state: Checkout, _: e.Confirmed) -> Checkout:
    return _step(state, PhaseStep.CONFIRMED)


# Payments -------------------------------------------------------------------------------------


def _put(state: Checkout, payment: Payment) -> Checkout:
    return _with(
        state,
        payments=tuple(payment if item.id == payment.id else item for item in state.payments),
    )


def _payment_started(state: Checkout, event: e.PaymentStarted) -> Checkout:
    payment = Payment(
        id=event.payment,
        method=event.method,
        provider=event.provider,
        amount=event.amount,
        books=Books(currency=event.amount.currency),
    )
    return _with(state, payments=(*state.payments, payment))


def _attempt_started(state: Checkout, event: e.AttemptStarted) -> Checkout:
    payment = state.payment(event.payment)
    attempt = Attempt(
        id=event.attempt,
        operation=event.operation,
        amount=event.amount,
        part=event.part,
        started_at=event.at,
        lease_until=event.lease_until,
    )
    return _put(
        state,
        payment.model_copy(
            update={
                "attempts": (*payment.attempts, attempt),
                # Whoever is asked to look meanwhile leaves the sender its time.
                "look_at": max(payment.look_at or event.lease_until, event.lease_until),
                "looks": 0,
                "absences": 0,
            }
        ),
    )


def _change_attempt(payment: Payment, attempt_id: str, **changes: object) -> Payment:
    attempts = tuple(
        item.model_copy(update=changes) if item.id == attempt_id else item
        for item in payment.attempts
    )
    return payment.model_copy(update={"attempts": attempts})


def _close(payment: Payment, attempt_id: str, outcome: Outcome) -> Payment:
    """The attempt has its answer; with nothing else open there is no reason to look any more."""
    payment = _change_attempt(payment, attempt_id, outcome=outcome)
    changes: dict[str, object] = {"looks": 0, "absences": 0}
    if not payment.open_attempts:
        changes["look_at"] = None
    return payment.model_copy(update=changes)


def _attempt_resent(state: Checkout, event: e.AttemptResent) -> Checkout:
    payment = state.payment(event.payment)
    sends = payment.attempt(event.attempt).sends + 1
    payment = _change_attempt(payment, event.attempt, sends=sends, lease_until=event.lease_until)
    # Sending again is a way of asking: it counts, so that the next time comes later and later.
    changes = {"look_at": event.lease_until, "looks": payment.looks + 1}
    return _put(state, payment.model_copy(update=changes))


def _attempt_pending(state: Checkout, event: e.AttemptPending) -> Checkout:
    payment = state.payment(event.payment)
    payment = _change_attempt(payment, event.attempt, outcome=Outcome.PENDING)
    changes: dict[str, object] = {"look_at": event.look_at, "absences": 0}
    if event.provider_reference:
        changes["provider_reference"] = event.provider_reference
    if event.action is not None:
        changes["action"] = event.action
        changes["valid_until"] = event.valid_until
        changes["state"] = advance("payment", PAYMENT, payment.state, PaymentStep.ACTION_REQUIRED)
    return _put(state, payment.model_copy(update=changes))


def _attempt_unknown(state: Checkout, event: e.AttemptUnknown) -> Checkout:
    payment = _change_attempt(state.payment(event.payment), event.attempt, outcome=Outcome.UNKNOWN)
    changes: dict[str, object] = {"look_at": event.look_at}
    if payment.is_waiting:
        changes["state"] = advance("payment", PAYMENT, payment.state, PaymentStep.OUTCOME_UNKNOWN)
    return _put(state, payment.model_copy(update=changes))


def _attempt_failed(state: Checkout, event: e.AttemptFailed) -> Checkout:
    payment = state.payment(event.payment)
    operation = payment.attempt(event.attempt).operation
    payment = _close(payment, event.attempt, event.outcome)
    changes: dict[str, object] = {"reason": event.reason}
    if operation is Operation.AUTHORISE:
        changes["state"] = advance("payment", PAYMENT, payment.state, PaymentStep.DECLINED)
        changes["action"] = None
        # Nothing was reserved, so a void that was asked for meanwhile has nothing to release.
        for void in payment.open_attempts:
            payment = _close(payment, void.id, Outcome.REFUSED)
    if event.look_at is not None:
        changes["look_at"] = event.look_at
    return _settled(_put(state, payment.model_copy(update=changes)), payment.id)


def _looked(state: Checkout, event: e.Looked) -> Checkout:
    payment = state.payment(event.payment)
    return _put(
        state,
        payment.model_copy(
            update={
                "look_at": event.look_at,
                "looks": payment.looks + 1,
                "absences": payment.absences + 1 if event.is_absent else 0,
            }
        ),
    )


def _move(
    payment: Payment, step: PaymentStep, *, posting: Posting | None = None, amount: Money
) -> Payment:
    """One step in the payment's table and, where money moved, one posting in its books."""
    changes: dict[str, object] = {"state": advance("payment", PAYMENT, payment.state, step)}
    if posting is not None:
        changes["books"] = payment.books.post(posting, amount)
    return payment.model_copy(update=changes)


def _payment_authorised(state: Checkout, event: e.PaymentAuthorised) -> Checkout:
    payment = _move(
        state.payment(event.payment),
        PaymentStep.AUTHORISED,
        posting=Posting.AUTHORISED,
        amount=event.amount,
    )
    # An authorisation that comes after all answers the attempt at it, whatever was said before.
    for attempt in payment.attempts:
        if attempt.operation is Operation.AUTHORISE:
            payment = _close(payment, attempt.id, Outcome.SUCCEEDED)
    changes: dict[str, object] = {"action": None, "reason": "", "valid_until": event.valid_until}
    if event.provider_reference:
        changes["provider_reference"] = event.provider_reference
    return _settled(_put(state, payment.model_copy(update=changes)), payment.id)


def _payment_captured(state: Checkout, event: e.PaymentCaptured) -> Checkout:
    payment = state.payment(event.payment)
    is_all = event.amount == payment.books.capturable
    step = PaymentStep.FULLY_CAPTURED if is_all else PaymentStep.PARTLY_CAPTURED
    payment = _move(payment, step, posting=Posting.CAPTURED, amount=event.amount)
    return _answered(state, payment, event.attempt)


def _payment_voided(state: Checkout, event: e.PaymentVoided) -> Checkout:
    return _released(state, event, PaymentStep.VOIDED, event.attempt)


def _payment_expired(state: Checkout, event: e.PaymentExpired) -> Checkout:
    return _released(state, event, PaymentStep.EXPIRED, "")


def _released(
    state: Checkout,
    event: e.PaymentVoided | e.PaymentExpired,
    step: PaymentStep,
    attempt_id: str,
) -> Checkout:
    payment = state.payment(event.payment)
    posting = None if payment.is_waiting else Posting.VOIDED
    is_part = posting is not None and event.amount < payment.books.capturable
    if is_part:
        step = PaymentStep.PARTLY_VOIDED
    payment = _move(payment, step, posting=posting, amount=event.amount)
    return _answered(state, payment, attempt_id, ends_reservation=not is_part)


def _payment_refunded(state: Checkout, event: e.PaymentRefunded) -> Checkout:
    payment = state.payment(event.payment)
    is_all = event.amount == payment.books.refundable
    step = PaymentStep.FULLY_REFUNDED if is_all else PaymentStep.PARTLY_REFUNDED
    payment = _move(payment, step, posting=Posting.REFUNDED, amount=event.amount)
    return _answered(state, payment, event.attempt)


def _answered(
    state: Checkout, payment: Payment, attempt_id: str, *, ends_reservation: bool = False
) -> Checkout:
    if attempt_id:
        payment = _close(payment, attempt_id, Outcome.SUCCEEDED)
    if ends_reservation:
        # Nothing is reserved any more, so whatever was asked of the reservation came to nothing.
        for attempt in payment.open_attempts:
            if attempt.operation is not Operation.REFUND:
                payment = _close(payment, attempt.id, Outcome.REFUSED)
        payment = payment.model_copy(update={"action": None})
    return _settled(_put(state, payment), payment.id)


def _capture_failed(state: Checkout, event: e.CaptureFailed) -> Checkout:
    payment = state.payment(event.payment)
    is_all = event.amount.minor == payment.books.captured
    step = PaymentStep.CAPTURE_FAILED if is_all else PaymentStep.PART_CAPTURE_FAILED
    payment = _move(payment, step, posting=Posting.CAPTURE_FAILED, amount=event.amount)
    part = payment.attempt(event.attempt).part
    payment = _change_attempt(payment, event.attempt, outcome=Outcome.DECLINED)
    shipments = tuple(
        item.model_copy(update={"is_paid": False}) if item.id == part else item
        for item in state.shipments
    )
    return _with(_put(state, payment), shipments=shipments)


def _refund_failed(state: Checkout, event: e.RefundFailed) -> Checkout:
    payment = state.payment(event.payment)
    is_all = event.amount.minor == payment.books.refunded
    step = PaymentStep.REFUND_FAILED if is_all else PaymentStep.PART_REFUND_FAILED
    payment = _move(payment, step, posting=Posting.REFUND_FAILED, amount=event.amount)
    part = payment.attempt(event.attempt).part
    payment = _change_attempt(payment, event.attempt, outcome=Outcome.DECLINED)
    refunds = tuple(
        item.model_copy(update={"state": PartState.FAILED}) if item.id == part else item
        for item in state.refunds
    )
    return _with(_put(state, payment), refunds=refunds)


def _contradicted(state: Checkout, event: e.Contradicted) -> Checkout:
    payment = state.payment(event.payment)
    changes: dict[str, object] = {"look_at": event.look_at, "looks": payment.looks + 1}
    if event.stops:
        changes["contradiction"] = event.said
    return _put(state, payment.model_copy(update=changes))


def _contradiction_cleared(state: Checkout, event: e.ContradictionCleared) -> Checkout:
    payment = state.payment(event.payment).model_copy(update={"contradiction": ""})
    return _without(_put(state, payment), payment.id, "contradiction")


def _attention_needed(state: Checkout, event: e.AttentionNeeded) -> Checkout:
    item = Attention(reason=event.reason, payment=event.payment)
    return _with(state, attention=(*state.attention, item))


def _without(state: Checkout, payment_id: str, *reasons: str) -> Checkout:
    kept = tuple(
        item for item in state.attention if item.payment != payment_id or item.reason not in reasons
    )
    return state if kept == state.attention else _with(state, attention=kept)


def _settled(state: Checkout, payment_id: str) -> Checkout:
    """With nothing open there is nothing unresolved for a person to look at."""
    if state.attention and not state.payment(payment_id).open_attempts:
        return _without(state, payment_id, "unresolved", "void_failed")
    return state


def _authorisation_reminded(state: Checkout, event: e.AuthorisationReminded) -> Checkout:
    payment = state.payment(event.payment)
    return _put(state, payment.model_copy(update={"is_reminded": True}))


# Review ---------------------------------------------------------------------------------------


def _held(state: Checkout, event: e.Held) -> Checkout:
    review = Review(reasons=event.reasons, deadline=event.deadline)
    return _step(state, PhaseStep.HELD, review=review)


def _reviewed(state: Checkout, step: ReviewStep, **changes: object) -> Review:
    if state.review is None:
        raise IllegalTransition("review", "not open", step)
    moved = advance("review", REVIEW, state.review.state, step)
    return state.review.model_copy(update={"state": moved, **changes})


def _review_claimed(state: Checkout, event: e.ReviewClaimed) -> Checkout:
    return _with(state, review=_reviewed(state, ReviewStep.CLAIMED, reviewer=event.reviewer))


def _review_approved(state: Checkout, event: e.ReviewApproved) -> Checkout:
    review = _reviewed(state, ReviewStep.APPROVED, reviewer=event.reviewer)
    return _step(state, PhaseStep.APPROVED, review=review)


def _review_rejected(state: Checkout, event: e.ReviewRejected) -> Checkout:
    review = _reviewed(state, ReviewStep.REJECTED, reviewer=event.reviewer)
    return _step(state, PhaseStep.REJECTED, review=review)


def _review_lapsed(state: Checkout, _: e.ReviewLapsed) -> Checkout:
    return _step(state, PhaseStep.REJECTED, review=_reviewed(state, ReviewStep.LAPSED))


# After the order ------------------------------------------------------------------------------


def _shipment_started(state: Checkout, event: e.ShipmentStarted) -> Checkout:
    left = state.to_ship()
    for line_id, units in event.lines.items():
        if units > left.get(line_id, 0):
            raise UsageError(f"only {left.get(line_id, 0)} of line {line_id} are left to ship")
    shipment = Shipment(id=event.shipment, lines=event.lines, amount=event.amount)
    return _with(state, shipments=(*state.shipments, shipment))


def _change_shipment(checkout: Checkout, shipment_id: str, **changes: object) -> Checkout:
    return _with(
        checkout,
        shipments=tuple(
            item.model_copy(update=changes) if item.id == shipment_id else item
            for item in checkout.shipments
        ),
    )


def _shipped(state: Checkout, event: e.Shipped) -> Checkout:
    return _change_shipment(state, event.shipment, state=PartState.DONE)


def _shipment_failed(state: Checkout, event: e.ShipmentFailed) -> Checkout:
    return _change_shipment(state, event.shipment, state=PartState.FAILED)


def _shipment_paid_again(state: Checkout, event: e.ShipmentPaidAgain) -> Checkout:
    state = _change_shipment(state, event.shipment, is_paid=True)
    for payment in state.payments:
        state = _without(state, payment.id, "capture_failed")
    return state


def _refund_started(state: Checkout, event: e.RefundStarted) -> Checkout:
    refund = Refund(id=event.refund, lines=event.lines, amount=event.amount)
    return _with(state, refunds=(*state.refunds, refund))


def _change_refund(state: Checkout, refund_id: str, to: PartState) -> Checkout:
    return _with(
        state,
        refunds=tuple(
            item.model_copy(update={"state": to}) if item.id == refund_id else item
            for item in state.refunds
        ),
    )


def _refund_done(state: Checkout, event: e.RefundDone) -> Checkout:
    return _change_refund(state, event.refund, PartState.DONE)


def _refund_not_done(state: Checkout, event: e.RefundNotDone) -> Checkout:
    return _change_refund(state, event.refund, PartState.FAILED)


def _lines_cancelled(state: Checkout, event: e.LinesCancelled) -> Checkout:
    cancelled = dict(state.cancelled)
    for line_id, units in event.lines.items():
        cancelled[line_id] = cancelled.get(line_id, 0) + units
    return _with(state, cancelled=cancelled)


def _cancelled(state: Checkout, _: e.Cancelled) -> Checkout:
    changes: dict[str, object] = {"ending": ""}
    if state.review is not None and state.review.state in {ReviewState.OPEN, ReviewState.CLAIMED}:
        changes["review"] = _reviewed(state, ReviewStep.LAPSED)
    return _over(_step(state, PhaseStep.CANCELLED, **changes))


def _over(state: Checkout) -> Checkout:
    """Nothing is left to ship, so nothing has to be reserved for it."""
    for payment in state.payments:
        state = _without(state, payment.id, "authorisation_lost")
    return state


def _expired(state: Checkout, _: e.Expired) -> Checkout:
    return _step(state, PhaseStep.EXPIRED, ending="")


def _fulfilled(state: Checkout, _: e.Fulfilled) -> Checkout:
    return _over(_step(state, PhaseStep.FULFILLED))


# One function per kind of event; `evolve` knows each to get its own kind.
_APPLY: Final[MappingProxyType[type, Callable[[Checkout, Any], Checkout]]] = MappingProxyType(
    {
        e.CartChanged: _cart_changed,
        e.DetailsProvided: _details_provided,
        e.DeliveryChosen: _delivery_chosen,
        e.PaymentChosen: _payment_chosen,
        e.CreditAdded: _credit_added,
        e.CreditRemoved: _credit_removed,
        e.Placed: _placed,
        e.PaymentStarted: _payment_started,
        e.AttemptStarted: _attempt_started,
        e.AttemptResent: _attempt_resent,
        e.AttemptPending: _attempt_pending,
        e.AttemptUnknown: _attempt_unknown,
        e.AttemptFailed: _attempt_failed,
        e.Looked: _looked,
        e.PaymentAuthorised: _payment_authorised,
        e.PaymentCaptured: _payment_captured,
        e.PaymentVoided: _payment_voided,
        e.PaymentExpired: _payment_expired,
        e.PaymentRefunded: _payment_refunded,
        e.CaptureFailed: _capture_failed,
        e.RefundFailed: _refund_failed,
        e.Contradicted: _contradicted,
        e.ContradictionCleared: _contradiction_cleared,
        e.AttentionNeeded: _attention_needed,
        e.AuthorisationReminded: _authorisation_reminded,
        e.Reopened: _reopened,
        e.EndingAsked: _ending_asked,
        e.Held: _held,
        e.ReviewClaimed: _review_claimed,
        e.ReviewApproved: _review_approved,
        e.ReviewRejected: _review_rejected,
        e.ReviewLapsed: _review_lapsed,
        e.Confirmed: _confirmed,
        e.ShipmentStarted: _shipment_started,
        e.Shipped: _shipped,
        e.ShipmentFailed: _shipment_failed,
        e.ShipmentPaidAgain: _shipment_paid_again,
        e.RefundStarted: _refund_started,
        e.RefundDone: _refund_done,
        e.RefundNotDone: _refund_not_done,
        e.LinesCancelled: _lines_cancelled,
        e.Cancelled: _cancelled,
        e.Expired: _expired,
        e.Fulfilled: _fulfilled,
    }
)
