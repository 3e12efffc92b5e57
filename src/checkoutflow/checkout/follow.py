"""What follows by itself from how things stand, whoever brought them there.

After every command, and after every answer of a provider, these rules run until none of them has
anything to add. They only look at the state, so what a crash interrupted is simply followed up when
the next answer or the next due time comes.
"""

from __future__ import annotations

from base64 import b32encode
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from checkoutflow.checkout import events as e
from checkoutflow.checkout import invoicing, sharing
from checkoutflow.checkout.insuring import bind, follow_covers
from checkoutflow.checkout.machine import ENDS, Phase
from checkoutflow.checkout.ordering import short_of, unpaid
from checkoutflow.checkout.paying import call_a_person
from checkoutflow.checkout.state import PartState, Payment
from checkoutflow.money import Money, total
from checkoutflow.payment.machine import PaymentState
from checkoutflow.payment.outcomes import Operation, Outcome
from checkoutflow.review.rules import Order

if TYPE_CHECKING:
    from collections.abc import Callable

    from checkoutflow.checkout.draft import Draft
    from checkoutflow.checkout.state import Checkout

# How often we try by ourselves to void, or to give back, before a person is called.
TRIES: Final = 3


def follow(draft: Draft) -> None:
    """Run the rules until they are done."""
    if draft.state.phase is Phase.COLLECTING and not draft.state.payments:
        return  # nothing follows from a choice
    seen = -1
    while seen != len(draft.events):
        seen = len(draft.events)
        for rule in _RULES:
            rule(draft)


def _released_with_a_capture(draft: Draft) -> None:
    """Where a provider captures once, what that leaves over is the customer's again."""
    for payment in draft.state.payments:
        if (
            payment.provider is not None
            and payment.books.captured
            and payment.books.capturable.minor
            and draft.rules.behind(payment.provider).captures == "once"
        ):
            rest = payment.books.capturable
            draft.add(e.PaymentVoided(payment=payment.id, amount=rest, origin="provider"))


def _shipments(draft: Draft) -> None:
    """A shipment has left when all its captures succeeded, and must not when one did not."""
    for shipment in draft.state.shipments:
        ended = _how_it_ended(draft, shipment.id)
        if shipment.state is PartState.UNDER_WAY and ended is not None:
            happened = e.Shipped if ended else e.ShipmentFailed
            draft.add(happened(shipment=shipment.id))
            if ended:
                invoicing.issue(draft, shipment)
        elif (
            shipment.state is PartState.DONE
            and not shipment.is_paid
            and ended is not None
            and unpaid(draft).is_zero
        ):
            draft.add(e.ShipmentPaidAgain(shipment=shipment.id))
            invoicing.issue(draft, shipment)


def _refunds(draft: Draft) -> None:
    """A refund is done when all its operations are, and not done when one is not."""
    for refund in draft.state.refunds:
        ended = _how_it_ended(draft, refund.id)
        if refund.state is PartState.UNDER_WAY and ended is not None:
            happened = e.RefundDone if ended else e.RefundNotDone
            draft.add(happened(refund=refund.id))


def _how_it_ended(draft: Draft, part: str) -> bool | None:
    """Whether all operations of a shipment or refund succeeded; None while one is open."""
    attempts = draft.state.attempts_for(part)
    if any(item.is_open for item in attempts):
        return None
    return all(item.outcome is Outcome.SUCCEEDED for item in attempts)


def _is_secure(payment: Payment) -> bool:
    """Whether all it was to pay is reserved or taken."""
    books = payment.books
    return books.authorised - books.voided - books.refunded == payment.amount.minor


def _fallen(state: Checkout) -> list[Payment]:
    """The payments of this round that came to nothing, or to something else than was asked."""
    return [item for item in state.current_payments if not item.is_waiting and not _is_secure(item)]


def _placing(draft: Draft) -> None:
    """One payment after the other; held or confirmed when all stand, wound up when one falls."""
    state = draft.state
    if state.phase is not Phase.PLACING:
        return
    payments = state.current_payments
    fallen = _fallen(state)
    if not state.ending and any(_rerouted(draft, item) for item in fallen):
        return
    if state.ending or fallen:
        if all(item.is_dead or _is_given_back(item) for item in payments):
            _wound_up(draft, fallen)
        return
    if any(item.is_waiting for item in payments):
        return
    if len(payments) < len(state.tenders):
        _start_payment(draft)
    else:
        _secured(draft)


def _rerouted(draft: Draft, payment: Payment) -> bool:
    """Ask the next provider, where this one reserved nothing and never will."""
    tender = next(item for item in draft.state.tenders if item.payment == payment.id)
    is_refused = payment.state is PaymentState.DECLINED and (
        payment.attempts[0].outcome is Outcome.REFUSED
    )
    if not (is_refused and tender.others):
        return False
    draft.add(e.Rerouted(payment=payment.id, to=_another(payment.id), provider=tender.others[0]))
    return True


def _another(payment_id: str) -> str:
    """A payment's id made of another one's: as hard to guess, and the same again."""
    digest = sha256(payment_id.encode()).digest()
    return b32encode(digest).decode().lower()[: len(payment_id)]


def _is_given_back(payment: Payment) -> bool:
    """Whether money that was reserved or taken is the customer's again."""
    return (
        not payment.is_waiting
        and payment.books.capturable.is_zero
        and payment.books.refundable.is_zero
        and not payment.open_attempts
    )


def _wound_up(draft: Draft, fallen: list[Payment]) -> None:
    match draft.state.ending:
        case "cancelled":
            draft.add(e.Cancelled())
        case "expired":
            draft.add(e.Expired())
        case "reopened":
            draft.add(e.Reopened(reason="choose_again", expires_at=draft.fresh_expiry()))
        case _:
            first = fallen[0]
            reason = first.reason or str(first.state)
            draft.add(e.Reopened(reason=reason, expires_at=draft.fresh_expiry()))


def _start_payment(draft: Draft) -> None:
    tender = draft.state.tenders[len(draft.state.current_payments)]
    way = draft.rules.ways.get(tender.method)
    terms = way.terms if way and tender.provider is None else None
    draft.add(
        e.PaymentStarted(
            payment=tender.payment,
            method=tender.method,
            provider=tender.provider,
            amount=tender.amount,
            terms=terms,
            shares=tender.shares,
        )
    )
    if tender.provider is None:
        # The shop trusts the customer: its own word secures the amount.
        draft.add(e.PaymentAuthorised(payment=tender.payment, amount=tender.amount))
        return
    draft.attempt(draft.state.payment(tender.payment), Operation.AUTHORISE, tender.amount)


def _secured(draft: Draft) -> None:
    """All of it is there: the order is confirmed, or held where the shop's rules want a person."""
    state, rules = draft.state, draft.rules.shop.review
    judged = rules.judge_all(
        order_of(state),
        state.signals,
        draft.rules.score,
        draft.at,
        moved=draft.rules.moved,
    )
    if judged.hits or judged.is_allowed or draft.rules.score is not None:
        draft.add(
            e.Judged(
                hits=judged.hits,
                weight=judged.weight,
                is_allowed=judged.is_allowed,
                scored=judged.scored,
            )
        )
    if not judged.reasons:
        draft.add(e.Confirmed())
        return
    deadline = draft.at + timedelta(seconds=rules.decide_within_s)
    for payment in state.current_payments:
        if payment.valid_until is not None:
            deadline = min(deadline, payment.valid_until - timedelta(seconds=rules.margin_s))
    draft.add(e.Held(reasons=judged.reasons, deadline=max(deadline, draft.at), at=draft.at))


def order_of(state: Checkout) -> Order:
    """What rules of review look at, beside signals."""
    return Order(
        market=state.market,
        cart=state.cart,
        total=state.total,
        methods=frozenset(tender.method for tender in state.tenders),
        delivery=state.delivery,
    )


def _unsecured(draft: Draft) -> None:
    """What was reserved went away: it can neither be approved nor, all of it, be shipped."""
    state = draft.state
    released = [payment for payment in state.current_payments if payment.books.voided]
    if released and state.phase is Phase.HELD:
        draft.add(e.ReviewLapsed(reason="authorisation_lost"))
    elif released and state.phase is Phase.CONFIRMED and short_of(state).minor:
        call_a_person(draft, released[0], "authorisation_lost")


def _finished(draft: Draft) -> None:
    """An order is over when no unit is left to ship and none is on its way."""
    state = draft.state
    if state.phase is not Phase.CONFIRMED or state.unsent():
        return
    if any(item.state is PartState.UNDER_WAY for item in state.shipments):
        return
    if any(item.state is PartState.DONE for item in state.shipments):
        draft.add(e.Fulfilled())
    else:
        draft.add(e.Cancelled())


def _void_the_unwanted(draft: Draft) -> None:
    """What is reserved and will not be captured is released."""
    for payment in draft.state.payments:
        if _is_wanted(draft, payment) or payment.contradiction:
            continue
        has_unresolved = any(item.is_unresolved for item in payment.open_attempts)
        if has_unresolved or _open(payment, Operation.VOID):
            continue
        if payment.is_waiting:
            amount = payment.amount  # the provider has it and waits for the customer
        elif payment.books.capturable.minor and not _open(payment, Operation.CAPTURE):
            amount = payment.books.capturable
        else:
            continue
        _try(draft, payment, Operation.VOID, amount, "void_failed")


def _is_wanted(draft: Draft, payment: Payment) -> bool:
    state = draft.state
    if payment.id not in {tender.payment for tender in state.tenders}:
        return False
    match state.phase:
        case Phase.PLACING:
            return not state.ending and not _fallen(state)
        case Phase.HELD | Phase.CONFIRMED:
            return True
        case _:
            # A capture that failed later may be tried again on what is reserved.
            return any(not item.is_paid for item in state.shipments)


def _give_back_the_unearned(draft: Draft) -> None:
    """What was taken and bought nothing is given back: some methods take the money at once."""
    state = draft.state
    if not any(payment.books.captured for payment in state.payments):
        return
    currency = state.total.currency
    if state.phase is Phase.PLACING:
        payments = [item for item in state.current_payments if not _is_wanted(draft, item)]
    elif state.phase in ENDS:
        payments = list(state.payments)
    else:
        gone = {tender.payment for tender in state.tenders}
        payments = [item for item in state.payments if item.id not in gone]
    # While the order lives, what is looked at here is not what pays for its shipments.
    earned = total(
        (
            item.amount
            for item in state.shipments
            if item.state is PartState.DONE and state.phase in ENDS
        ),
        currency,
    )
    back = Money(sum(_unasked_refunds(item) for item in payments), currency)
    taken = Money(sum(item.books.captured for item in payments), currency)
    surplus = taken - back - earned
    for payment in reversed(payments):
        amount = min(surplus, payment.refundable)
        if amount.minor > 0 and not payment.open_attempts and not payment.contradiction:
            _try(draft, payment, Operation.REFUND, amount, "refund_failed")
            surplus = surplus - amount


def _unasked_refunds(payment: Payment) -> int:
    """Given back, or under way to be, without the shop having asked for it."""
    asked = sum(
        item.amount.minor
        for item in payment.attempts
        if item.operation is Operation.REFUND
        and item.part
        and (item.is_open or item.outcome is Outcome.SUCCEEDED)
    )
    return payment.books.refunded + payment.under_way(Operation.REFUND).minor - asked


def _open(payment: Payment, operation: Operation) -> bool:
    return any(item.operation is operation for item in payment.open_attempts)


def _try(draft: Draft, payment: Payment, operation: Operation, amount: Money, reason: str) -> None:
    """Start it, again only after the provider was asked in between, and not for ever."""
    failed = [
        item
        for item in payment.attempts
        if item.operation is operation
        and not item.part
        and item.outcome in {Outcome.DECLINED, Outcome.REFUSED}
    ]
    can = payment.provider is None or operation in draft.rules.behind(payment.provider).operations
    if not can or len(failed) >= TRIES:
        call_a_person(draft, payment, reason)
    elif not failed or draft.may_retry:
        draft.attempt(payment, operation, amount)


_RULES: Final[tuple[Callable[[Draft], None], ...]] = (
    _released_with_a_capture,
    _shipments,
    _refunds,
    _placing,
    bind,
    follow_covers,
    sharing.await_profile,
    _unsecured,
    _finished,
    _void_the_unwanted,
    _give_back_the_unearned,
    invoicing.credit,
    invoicing.owe,
)
