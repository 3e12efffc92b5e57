"""What events mean for a checkout's payments: one step in a table, one posting in the books."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.checkout import events as e
from checkoutflow.checkout.state import Attempt, Attention, Checkout, PartState, Payment
from checkoutflow.payment.books import Books, Posting
from checkoutflow.payment.machine import PAYMENT, PaymentState, PaymentStep
from checkoutflow.payment.outcomes import Operation, Outcome
from checkoutflow.table import advance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from checkoutflow.money import Money


def _put(state: Checkout, payment: Payment) -> Checkout:
    return state.but(
        payments=tuple(payment if item.id == payment.id else item for item in state.payments),
    )


def _payment_started(state: Checkout, event: e.PaymentStarted) -> Checkout:
    payment = Payment(
        id=event.payment,
        method=event.method,
        provider=event.provider,
        amount=event.amount,
        terms=event.terms,
        shares=event.shares,
        books=Books(currency=event.amount.currency),
    )
    return state.but(payments=(*state.payments, payment))


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
        payment.but(
            attempts=(*payment.attempts, attempt),
            # Whoever is asked to look meanwhile leaves the sender its time.
            look_at=max(payment.look_at or event.lease_until, event.lease_until),
            looks=0,
            absences=0,
        ),
    )


def _change_attempt(payment: Payment, attempt_id: str, **changes: object) -> Payment:
    attempts = tuple(
        item.but(**changes) if item.id == attempt_id else item for item in payment.attempts
    )
    return payment.but(attempts=attempts)


def _close(payment: Payment, attempt_id: str, outcome: Outcome) -> Payment:
    """The attempt has its answer; with nothing else open only the end is a reason to look."""
    payment = _change_attempt(payment, attempt_id, outcome=outcome)
    changes: dict[str, object] = {"looks": 0, "absences": 0}
    # A look that nobody answered had a reason, which may have been a notice, and those come once.
    if not payment.open_attempts and not payment.is_unheard:
        is_left = payment.is_reminded and payment.books.capturable.minor
        changes["look_at"] = payment.valid_until if is_left else None
    return payment.but(**changes)


def _attempt_resent(state: Checkout, event: e.AttemptResent) -> Checkout:
    payment = state.payment(event.payment)
    sends = payment.attempt(event.attempt).sends + 1
    payment = _change_attempt(payment, event.attempt, sends=sends, lease_until=event.lease_until)
    # Sending again is a way of asking: it counts, so that the next time comes later and later.
    changes = {"look_at": event.lease_until, "looks": payment.looks + 1}
    return _put(state, payment.but(**changes))


def _attempt_pending(state: Checkout, event: e.AttemptPending) -> Checkout:
    payment = state.payment(event.payment)
    known: dict[str, object] = {"outcome": Outcome.PENDING}
    if event.operation_reference:
        known["reference"] = event.operation_reference
    payment = _change_attempt(payment, event.attempt, **known)
    changes: dict[str, object] = {"look_at": event.look_at, "absences": 0}
    if event.provider_reference:
        changes["provider_reference"] = event.provider_reference
    if event.action is not None:
        changes["action"] = event.action
        changes["valid_until"] = event.valid_until
        changes["state"] = advance("payment", PAYMENT, payment.state, PaymentStep.ACTION_REQUIRED)
    return _put(state, payment.but(**changes))


def _attempt_named(state: Checkout, event: e.AttemptNamed) -> Checkout:
    payment = state.payment(event.payment)
    return _put(state, _change_attempt(payment, event.attempt, reference=event.reference))


def _attempt_unknown(state: Checkout, event: e.AttemptUnknown) -> Checkout:
    payment = _change_attempt(state.payment(event.payment), event.attempt, outcome=Outcome.UNKNOWN)
    changes: dict[str, object] = {"look_at": event.look_at}
    if event.provider_reference:
        changes["provider_reference"] = event.provider_reference
    if payment.is_waiting:
        changes["state"] = advance("payment", PAYMENT, payment.state, PaymentStep.OUTCOME_UNKNOWN)
    return _put(state, payment.but(**changes))


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
    return _settled(_put(state, payment.but(**changes)), payment.id)


def _attempt_resolved(state: Checkout, event: e.AttemptResolved) -> Checkout:
    payment = _change_attempt(state.payment(event.payment), event.attempt, resolved_by=event.by)
    if event.look_at is not None:
        payment = payment.but(is_unheard=True, look_at=event.look_at, looks=0)
    return _put(state, payment)


def _looked(state: Checkout, event: e.Looked) -> Checkout:
    payment = state.payment(event.payment)
    return _put(
        state,
        payment.but(
            look_at=event.look_at,
            looks=payment.looks + 1,
            absences=payment.absences + 1 if event.is_absent else 0,
        ),
    )


def _look_unanswered(state: Checkout, event: e.LookUnanswered) -> Checkout:
    return _put(state, state.payment(event.payment).but(is_unheard=True))


def _look_answered(state: Checkout, event: e.LookAnswered) -> Checkout:
    return _put(state, state.payment(event.payment).but(is_unheard=False))


def _move(
    payment: Payment, step: PaymentStep, *, posting: Posting | None = None, amount: Money
) -> Payment:
    """One step in the payment's table and, where money moved, one posting in its books."""
    changes: dict[str, object] = {"state": advance("payment", PAYMENT, payment.state, step)}
    if posting is not None:
        changes["books"] = payment.books.post(posting, amount)
    payment = payment.but(**changes)
    if payment.state is PaymentState.CAPTURED and payment.books.refunded:
        # What was given back while more could be captured shows in the state from here on.
        is_all = payment.books.refundable.is_zero
        step = PaymentStep.FULLY_REFUNDED if is_all else PaymentStep.PARTLY_REFUNDED
        payment = payment.but(state=advance("payment", PAYMENT, payment.state, step))
    return payment


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
    return _settled(_put(state, payment.but(**changes)), payment.id)


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
        payment = payment.but(action=None)
    return _settled(_put(state, payment), payment.id)


def _capture_failed(state: Checkout, event: e.CaptureFailed) -> Checkout:
    payment = state.payment(event.payment)
    is_all = event.amount.minor == payment.books.captured
    step = PaymentStep.CAPTURE_FAILED if is_all else PaymentStep.PART_CAPTURE_FAILED
    payment = _move(payment, step, posting=Posting.CAPTURE_FAILED, amount=event.amount)
    payment, part = _was_not_done(payment, event.attempt)
    return _unpaid(_put(state, payment), part)


def _was_not_done(payment: Payment, attempt_id: str) -> tuple[Payment, str]:
    """The attempt came to nothing after all; and what it was for, if it was one of ours."""
    if not attempt_id:
        return payment, ""
    part = payment.attempt(attempt_id).part
    return _change_attempt(payment, attempt_id, outcome=Outcome.DECLINED), part


def _unpaid(state: Checkout, part: str) -> Checkout:
    """Of what has left: the shipment whose capture failed, and others that it had paid for as well.

    What one shipment captured and did not need, since it failed, pays for the next one.
    """
    left = [item for item in state.shipments if item.state is PartState.DONE and item.is_paid]
    worth = sum(item.amount.minor for item in left)
    fallen: set[str] = set()
    for item in sorted(left, key=lambda item: item.id != part):
        if item.id == part or worth > state.books.captured:
            fallen.add(item.id)
            worth -= item.amount.minor
    shipments = (
        item.but(is_paid=item.id not in fallen and item.is_paid) for item in state.shipments
    )
    return state.but(shipments=tuple(shipments))


def _refund_failed(state: Checkout, event: e.RefundFailed) -> Checkout:
    payment = state.payment(event.payment)
    is_all = event.amount.minor == payment.books.refunded
    step = PaymentStep.REFUND_FAILED if is_all else PaymentStep.PART_REFUND_FAILED
    payment = _move(payment, step, posting=Posting.REFUND_FAILED, amount=event.amount)
    payment, part = _was_not_done(payment, event.attempt)
    return _not_given_back(_put(state, payment), part)


def _not_given_back(state: Checkout, part: str) -> Checkout:
    """The refund that failed, and those that counted on it: they had only to give the rest."""
    fallen = {part}
    given = [item for item in state.refunds if item.state is PartState.DONE and item.id != part]
    worth = sum(item.amount.minor for item in given)
    while given and worth > state.books.refunded:
        latest = given.pop()
        fallen.add(latest.id)
        worth -= latest.amount.minor
    refunds = (
        item.but(state=PartState.FAILED) if item.id in fallen else item for item in state.refunds
    )
    return state.but(refunds=tuple(refunds))


def _contradicted(state: Checkout, event: e.Contradicted) -> Checkout:
    payment = state.payment(event.payment)
    changes: dict[str, object] = {"look_at": event.look_at, "looks": payment.looks + 1}
    if event.stops:
        changes["contradiction"] = event.said
    return _put(state, payment.but(**changes))


def _contradiction_cleared(state: Checkout, event: e.ContradictionCleared) -> Checkout:
    payment = state.payment(event.payment).but(contradiction="")
    return _put(state, payment).without_attention(payment.id, "contradiction")


def _attention_needed(state: Checkout, event: e.AttentionNeeded) -> Checkout:
    item = Attention(reason=event.reason, payment=event.payment)
    return state.but(attention=(*state.attention, item))


def _settled(state: Checkout, payment_id: str) -> Checkout:
    """With nothing open there is nothing unresolved for a person to look at."""
    if state.attention and not state.payment(payment_id).open_attempts:
        return state.without_attention(payment_id, "unresolved", "void_failed")
    return state


def _authorisation_reminded(state: Checkout, event: e.AuthorisationReminded) -> Checkout:
    payment = state.payment(event.payment)
    # When it has run out the provider is asked, should nobody tell.
    look_at = payment.look_at or event.valid_until
    return _put(state, payment.but(is_reminded=True, look_at=look_at))


def _profile_awaited(state: Checkout, event: e.ProfileAwaited) -> Checkout:
    payment = state.payment(event.payment)
    changes = {"profile_at": event.ask_at, "profile_asks": payment.profile_asks + 1}
    return _put(state, payment.but(**changes))


def _details_shared(state: Checkout, event: e.DetailsShared) -> Checkout:
    state = _put(state, state.payment(event.payment).but(profile_at=None))
    new = (name for name in event.fields if name not in state.provided)
    return state.but(provided=(*state.provided, *new))


PAYMENT_EVENTS: Final[Mapping[type, Callable[[Checkout, Any], Checkout]]] = MappingProxyType(
    {
        e.PaymentStarted: _payment_started,
        e.AttemptStarted: _attempt_started,
        e.AttemptResent: _attempt_resent,
        e.AttemptPending: _attempt_pending,
        e.AttemptNamed: _attempt_named,
        e.AttemptUnknown: _attempt_unknown,
        e.AttemptFailed: _attempt_failed,
        e.AttemptResolved: _attempt_resolved,
        e.Looked: _looked,
        e.LookUnanswered: _look_unanswered,
        e.LookAnswered: _look_answered,
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
        e.ProfileAwaited: _profile_awaited,
        e.DetailsShared: _details_shared,
    }
)
