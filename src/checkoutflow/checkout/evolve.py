"""``evolve(state, event) -> state``: what an event means, and the last gate before nonsense.

Every event that moves a machine is looked up in that machine's table, and every amount is posted in
the payment's books, so an event that cannot be true raises instead of being believed. Replaying a
journal through here gives the stored state.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.checkout import events as e
from checkoutflow.checkout.evolve_insurance import INSURANCE_EVENTS, insured, lapsed
from checkoutflow.checkout.evolve_invoices import INVOICE_EVENTS
from checkoutflow.checkout.evolve_payments import PAYMENT_EVENTS
from checkoutflow.checkout.machine import CHECKOUT, Phase, PhaseStep
from checkoutflow.checkout.state import (
    Chargeback,
    Checkout,
    Credit,
    Erasure,
    PartState,
    Recognition,
    Refund,
    Shipment,
)
from checkoutflow.errors import IllegalTransition, UsageError
from checkoutflow.insurance.policies import with_covers
from checkoutflow.review import REVIEW, Request, Review, ReviewStep
from checkoutflow.table import advance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


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
        state = state and state.but(version=version)
    return state


def _step(state: Checkout, step: PhaseStep, **changes: object) -> Checkout:
    return state.but(phase=advance("checkout", CHECKOUT, state.phase, step), **changes)


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
        adult=event.adult,
        arms=event.arms,
    )


def _cart_changed(state: Checkout, event: e.CartChanged) -> Checkout:
    kept = tuple(name for name in state.provided if name not in event.details_dropped)
    return state.but(
        cart=with_covers(event.cart, state.policies),
        market=event.market,
        provided=kept,
        areas=() if event.details_dropped else state.areas,
        expires_at=event.expires_at,
    )


def _details_provided(state: Checkout, event: e.DetailsProvided) -> Checkout:
    new = [name for name in event.fields if name not in state.provided]
    return state.but(
        provided=(*state.provided, *new),
        areas=state.areas if event.areas is None else event.areas,
        expires_at=event.expires_at,
    )


def _details_dropped(state: Checkout, event: e.DetailsDropped) -> Checkout:
    return state.but(
        provided=tuple(name for name in state.provided if name not in event.fields),
        areas=() if "postal_code" in event.fields else state.areas,
    )


def _code_asked(state: Checkout, event: e.CodeAsked) -> Checkout:
    before = state.showing
    asked = Recognition(
        level="known",
        person=event.person,
        by=event.by,
        challenge=event.challenge,
        sending=event.sending,
        tries=before.tries if before.challenge == event.challenge else 0,
        sent_at=event.at,
        valid_until=event.valid_until,
    )
    return _showing(state, asked)


def _code_refused(state: Checkout, _: e.CodeRefused) -> Checkout:
    return _showing(state, state.showing.but(tries=state.showing.tries + 1))


def _showing(state: Checkout, shown: Recognition) -> Checkout:
    """What somebody shows while the order is held is for the reviewer alone."""
    is_second = state.phase is Phase.HELD
    return state.but(second=shown) if is_second else state.but(recognition=shown)


def _login_asked(state: Checkout, event: e.LoginAsked) -> Checkout:
    asked = Recognition(
        level="known", by=event.issuer, challenge=event.pending, valid_until=event.valid_until
    )
    return _showing(state, asked)


def _login_taken(state: Checkout, _: e.LoginTaken) -> Checkout:
    return _showing(state, Recognition())


def _verified(state: Checkout, event: e.Verified) -> Checkout:
    consents = state.consents if event.consents is None else event.consents
    known = Recognition(level="verified", person=event.person, by=event.by)
    return _showing(state.but(consents=consents), known)


def _age_known(state: Checkout, event: e.AgeKnown) -> Checkout:
    return state.but(adult=event.adult)


def _consent_changed(state: Checkout, event: e.ConsentChanged) -> Checkout:
    return state.but(consents={**state.consents, **event.consents})


def _refusal_offered(state: Checkout, _: e.RefusalOffered) -> Checkout:
    return state.but(could_say_no=True)


def _contact_changed(state: Checkout, _: e.ContactChanged) -> Checkout:
    return state  # that is about whoever is remembered, and not about this checkout


def _erasure_asked(state: Checkout, event: e.ErasureAsked) -> Checkout:
    return state.but(erasure=Erasure(reason=event.reason, asked_at=event.at))


def _delivery_chosen(state: Checkout, event: e.DeliveryChosen) -> Checkout:
    return state.but(delivery=event.delivery, expires_at=event.expires_at)


def _payment_chosen(state: Checkout, event: e.PaymentChosen) -> Checkout:
    return state.but(method=event.method, expires_at=event.expires_at)


def _credit_added(state: Checkout, event: e.CreditAdded) -> Checkout:
    others = [item for item in state.credits if item.method != event.method]
    added = Credit(method=event.method, amount=event.amount)
    return state.but(credits=(*others, added), expires_at=event.expires_at)


def _credit_removed(state: Checkout, event: e.CreditRemoved) -> Checkout:
    others = tuple(item for item in state.credits if item.method != event.method)
    return state.but(credits=others, expires_at=event.expires_at)


def _repriced(state: Checkout, event: e.Repriced) -> Checkout:
    if event.policies is not None:
        state = insured(state, event.policies)
    return state.but(
        priced=event.priced,
        delivery=event.delivery,
        method=event.method,
        credits=tuple(item for item in state.credits if item.method not in event.credits_dropped),
    )


# Placing --------------------------------------------------------------------------------------


def _placed(state: Checkout, event: e.Placed) -> Checkout:
    return _step(
        state,
        PhaseStep.PLACED,
        priced=event.priced,
        tenders=event.tenders,
        return_url=event.return_url,
        expires_at=event.expires_at,
        signals=event.signals,
        hits=(),
        scored=None,
    )


def _rerouted(state: Checkout, event: e.Rerouted) -> Checkout:
    tenders = tuple(
        item.but(payment=event.to, provider=event.provider, others=item.others[1:])
        if item.payment == event.payment
        else item
        for item in state.tenders
    )
    return state.but(tenders=tenders)


def _reopened(state: Checkout, event: e.Reopened) -> Checkout:
    return _step(state, PhaseStep.REOPENED, tenders=(), ending="", expires_at=event.expires_at)


def _ending_asked(state: Checkout, event: e.EndingAsked) -> Checkout:
    return state.but(ending=event.ending)


def _confirmed(state: Checkout, _: e.Confirmed) -> Checkout:
    return _step(state, PhaseStep.CONFIRMED)


# Review ---------------------------------------------------------------------------------------


def _assessed(state: Checkout, event: e.Assessed) -> Checkout:
    return state.but(signals={**state.signals, **event.signals})


def _judged(state: Checkout, event: e.Judged) -> Checkout:
    return state.but(hits=event.hits, scored=event.scored)


def _held(state: Checkout, event: e.Held) -> Checkout:
    review = Review(reasons=event.reasons, deadline=event.deadline, held_at=event.at)
    return _step(state, PhaseStep.HELD, review=review)


def _reviewed(state: Checkout, step: ReviewStep, **changes: object) -> Review:
    if state.review is None:
        raise IllegalTransition("review", "not open", step)
    moved = advance("review", REVIEW, state.review.state, step)
    return state.review.but(state=moved, **changes)


def _review_claimed(state: Checkout, event: e.ReviewClaimed) -> Checkout:
    review = _reviewed(
        state, ReviewStep.CLAIMED, reviewer=event.reviewer, claimed_until=event.until
    )
    return state.but(review=review)


def _review_released(state: Checkout, _: e.ReviewReleased) -> Checkout:
    return state.but(review=_reviewed(state, ReviewStep.RELEASED, claimed_until=None))


def _review_handed_over(state: Checkout, event: e.ReviewHandedOver) -> Checkout:
    review = _reviewed(state, ReviewStep.HANDED_OVER, reviewer=event.to, claimed_until=event.until)
    return state.but(review=review)


def _review_endorsed(state: Checkout, event: e.ReviewEndorsed) -> Checkout:
    review = _reviewed(
        state,
        ReviewStep.ENDORSED,
        reviewer=event.reviewer,
        claimed_until=None,
        endorsed_by=event.reviewer,
    )
    return state.but(review=review)


def _open_review(state: Checkout, step: str) -> Review:
    if state.review is None or not state.review.is_open:
        raise IllegalTransition("review", state.review.state if state.review else "none", step)
    return state.review


def _review_noted(state: Checkout, event: e.ReviewNoted) -> Checkout:
    review = _open_review(state, event.type)
    return state.but(review=review.but(notes=review.notes + 1))


def _customer_asked(state: Checkout, event: e.CustomerAsked) -> Checkout:
    review = _open_review(state, event.type)
    request = Request(
        id=event.request,
        what=event.what,
        by=event.by,
        reviewer=event.reviewer,
        asked_at=event.at,
    )
    second = Recognition()
    if event.what == "code":  # none is sent before the customer is there to type it
        second = Recognition(level="known", by=event.by, challenge=event.challenge, sending=-1)
    return state.but(second=second, review=review.but(requests=(*review.requests, request)))


def _customer_answered(state: Checkout, event: e.CustomerAnswered) -> Checkout:
    review = _open_review(state, event.type)
    requests = tuple(
        item.but(answer=event.answer, answered_at=event.at) if item.id == event.request else item
        for item in review.requests
    )
    return state.but(review=review.but(requests=requests))


def _review_approved(state: Checkout, event: e.ReviewApproved) -> Checkout:
    ended = "deadline" if event.at_deadline else "approved"
    review = _reviewed(state, ReviewStep.APPROVED, reviewer=event.reviewer, ended=ended)
    return _step(state, PhaseStep.APPROVED, review=review)


def _review_rejected(state: Checkout, event: e.ReviewRejected) -> Checkout:
    review = _reviewed(
        state,
        ReviewStep.REJECTED,
        reviewer=event.reviewer,
        ended="rejected",
        reason=event.reason,
    )
    return lapsed(_step(state, PhaseStep.REJECTED, review=review))


def _review_lapsed(state: Checkout, event: e.ReviewLapsed) -> Checkout:
    review = _reviewed(state, ReviewStep.LAPSED, ended=event.reason)
    return lapsed(_step(state, PhaseStep.REJECTED, review=review))


# After the order ------------------------------------------------------------------------------


def _shipment_started(state: Checkout, event: e.ShipmentStarted) -> Checkout:
    left = state.unsent()
    for line_id, units in event.lines.items():
        if units > left.get(line_id, 0):
            raise UsageError(f"only {left.get(line_id, 0)} of line {line_id} are left to ship")
    shipment = Shipment(
        id=event.shipment, lines=event.lines, first=event.first, amount=event.amount
    )
    return state.but(shipments=(*state.shipments, shipment))


def _change_shipment(checkout: Checkout, shipment_id: str, **changes: object) -> Checkout:
    return checkout.but(
        shipments=tuple(
            item.but(**changes) if item.id == shipment_id else item for item in checkout.shipments
        ),
    )


def _shipped(state: Checkout, event: e.Shipped) -> Checkout:
    return _change_shipment(state, event.shipment, state=PartState.DONE)


def _shipment_failed(state: Checkout, event: e.ShipmentFailed) -> Checkout:
    return _change_shipment(state, event.shipment, state=PartState.FAILED)


def _shipment_paid_again(state: Checkout, event: e.ShipmentPaidAgain) -> Checkout:
    state = _change_shipment(state, event.shipment, is_paid=True)
    for payment in state.payments:
        state = state.without_attention(payment.id, "capture_failed")
    return state


def _refund_started(state: Checkout, event: e.RefundStarted) -> Checkout:
    refund = Refund(
        id=event.refund,
        lines=event.lines,
        first=event.first,
        amount=event.amount,
        premiums=event.premiums,
        on=event.on,
        by=event.by,
    )
    return state.but(refunds=(*state.refunds, refund))


def _change_refund(state: Checkout, refund_id: str, to: PartState) -> Checkout:
    return state.but(
        refunds=tuple(
            item.but(state=to) if item.id == refund_id else item for item in state.refunds
        ),
    )


def _refund_done(state: Checkout, event: e.RefundDone) -> Checkout:
    return _change_refund(state, event.refund, PartState.DONE)


def _refund_not_done(state: Checkout, event: e.RefundNotDone) -> Checkout:
    return _change_refund(state, event.refund, PartState.FAILED)


def _charged_back(state: Checkout, event: e.ChargedBack) -> Checkout:
    item = Chargeback(amount=event.amount, is_fraud=event.is_fraud)
    return state.but(chargebacks=(*state.chargebacks, item))


def _lines_cancelled(state: Checkout, event: e.LinesCancelled) -> Checkout:
    cancelled = dict(state.cancelled)
    for line_id, units in event.lines.items():
        cancelled[line_id] = cancelled.get(line_id, 0) + units
    return state.but(cancelled=cancelled)


def _cancelled(state: Checkout, _: e.Cancelled) -> Checkout:
    changes: dict[str, object] = {"ending": ""}
    if state.review is not None and state.review.is_open:
        changes["review"] = _reviewed(state, ReviewStep.LAPSED, ended="cancelled")
    return _over(lapsed(_step(state, PhaseStep.CANCELLED, **changes)))


def _over(state: Checkout) -> Checkout:
    """Nothing is left to ship, so nothing has to be reserved for it."""
    for payment in state.payments:
        state = state.without_attention(payment.id, "authorisation_lost")
    return state


def _expired(state: Checkout, _: e.Expired) -> Checkout:
    return lapsed(_step(state, PhaseStep.EXPIRED, ending=""))


def _fulfilled(state: Checkout, _: e.Fulfilled) -> Checkout:
    return _over(_step(state, PhaseStep.FULFILLED))


# One function per kind of event; `evolve` knows each to get its own kind.
_APPLY: Final[MappingProxyType[type, Callable[[Checkout, Any], Checkout]]] = MappingProxyType(
    {
        **PAYMENT_EVENTS,
        **INVOICE_EVENTS,
        **INSURANCE_EVENTS,
        e.CartChanged: _cart_changed,
        e.DetailsProvided: _details_provided,
        e.DetailsDropped: _details_dropped,
        e.CodeAsked: _code_asked,
        e.CodeRefused: _code_refused,
        e.LoginAsked: _login_asked,
        e.LoginTaken: _login_taken,
        e.Verified: _verified,
        e.AgeKnown: _age_known,
        e.ConsentChanged: _consent_changed,
        e.RefusalOffered: _refusal_offered,
        e.ContactChanged: _contact_changed,
        e.ErasureAsked: _erasure_asked,
        e.DeliveryChosen: _delivery_chosen,
        e.PaymentChosen: _payment_chosen,
        e.CreditAdded: _credit_added,
        e.CreditRemoved: _credit_removed,
        e.Repriced: _repriced,
        e.Placed: _placed,
        e.Rerouted: _rerouted,
        e.Reopened: _reopened,
        e.EndingAsked: _ending_asked,
        e.Assessed: _assessed,
        e.Judged: _judged,
        e.Held: _held,
        e.ReviewClaimed: _review_claimed,
        e.ReviewReleased: _review_released,
        e.ReviewHandedOver: _review_handed_over,
        e.ReviewEndorsed: _review_endorsed,
        e.ReviewNoted: _review_noted,
        e.CustomerAsked: _customer_asked,
        e.CustomerAnswered: _customer_answered,
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
        e.ChargedBack: _charged_back,
        e.LinesCancelled: _lines_cancelled,
        e.Cancelled: _cancelled,
        e.Expired: _expired,
        e.Fulfilled: _fulfilled,
    }
)
