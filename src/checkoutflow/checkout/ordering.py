"""Deciding about an order: shipping, cancelling, and giving money back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checkoutflow.checkout import events as e
from checkoutflow.checkout.invoicing import credit
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.state import PartState
from checkoutflow.errors import InvalidInput, NotFound, NotSupported, OutcomeUnknown, UsageError
from checkoutflow.money import Money, total
from checkoutflow.payment.outcomes import Operation, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from checkoutflow.checkout import commands as c
    from checkoutflow.checkout.draft import Draft
    from checkoutflow.checkout.state import Checkout, Payment


def choose_again(draft: Draft, _: c.ChooseAgain) -> None:
    """Let go of the payment that waits for the customer; then everything can be chosen again.

    What the customer pays meanwhile is released, or given back, before that.
    """
    if not draft.state.ending:
        draft.add(e.EndingAsked(ending="reopened"))


def cancel(draft: Draft, command: c.Cancel) -> None:
    """Stop the checkout, or the part of the order that has not left.

    While the customer is paying, the payment is settled first: whatever it comes to is voided.
    """
    state = draft.state
    if state.phase is not Phase.CONFIRMED:
        if command.lines:
            raise InvalidInput("single lines can be cancelled once confirmed", field="lines")
        if state.phase is Phase.PLACING:
            if state.ending in {"", "reopened"}:
                draft.add(e.EndingAsked(ending="cancelled"))
        else:
            draft.add(e.Cancelled())
        return
    left = state.to_ship()
    lines = _units(command.lines, left, "left to cancel")
    if not lines:
        raise UsageError("nothing is left to cancel: every unit is shipped or on its way")
    if lines != left:
        _is_captured_in_parts(draft)
    draft.add(e.LinesCancelled(lines=lines))


def _is_captured_in_parts(draft: Draft) -> None:
    """See that the rest of an order can still be captured when a part of it is cancelled."""
    for payment in draft.state.current_payments:
        is_whole = draft.rules.behind(payment.provider).captures == "whole"
        if is_whole and not payment.books.capturable.is_zero:
            raise NotSupported(
                f"{payment.provider} captures all at once only: cancel the whole order, or ship it "
                "and refund what is not sent",
                field="lines",
            )


def _units(asked: Mapping[str, int], left: Mapping[str, int], what: str) -> dict[str, int]:
    """The units asked for; all that are left if none were named."""
    if not asked:
        return dict(left)
    for line_id, units in asked.items():
        if units < 1:
            raise InvalidInput("is at least 1", field=f"lines.{line_id}")
        if units > left.get(line_id, 0):
            raise InvalidInput(f"only {left.get(line_id, 0)} are {what}", field=f"lines.{line_id}")
    return dict(asked)


def is_all_known(state: Checkout) -> bool:
    """Whether every operation that ended has a known outcome."""
    return not any(
        attempt.is_unresolved for payment in state.payments for attempt in payment.open_attempts
    )


def all_is_known(draft: Draft) -> None:
    """Look before you touch: nothing new is asked of a payment while money may have moved."""
    for payment in draft.state.payments:
        if any(attempt.is_unresolved for attempt in payment.open_attempts):
            raise OutcomeUnknown(
                f"payment {payment.id} has an outcome that is not known yet; reconcile first"
            )


def ship(draft: Draft, command: c.Ship) -> None:
    """Send units off: what they cost is captured first, and only then do they count as shipped.

    What was already captured without a shipment (in the provider's portal, or by a method that
    takes the money at once) is used up before anything more is captured.

    Raises:
        OutcomeUnknown: If an earlier operation has no known outcome yet.
        UsageError: If less than that is reserved.
    """
    all_is_known(draft)
    state = draft.state
    lines = _units(command.lines, state.to_ship(), "left to ship")
    if not lines:
        raise UsageError("nothing is left to ship")
    amount = _cost(state, lines, state.shipped)
    spare = _captured_without_shipment(state)
    shipment = f"s{len(state.shipments) + 1}"
    first = {line_id: state.shipped(line_id) for line_id in lines}
    draft.add(e.ShipmentStarted(shipment=shipment, lines=lines, first=first, amount=amount))
    if amount > spare:
        _spread(draft, Operation.CAPTURE, amount - spare, shipment)


def _cost(state: Checkout, lines: Mapping[str, int], done: Callable[[str], int]) -> Money:
    """What units cost when so many of their line went before them: parts add up to the whole."""
    return total(
        (
            state.priced.unit_amount(line_id, done(line_id), done(line_id) + units)
            for line_id, units in lines.items()
        ),
        state.total.currency,
    )


def short_of(state: Checkout) -> Money:
    """What the units that are left cost, beyond what is reserved or was captured for them."""
    left = _cost(state, state.to_ship(), state.shipped)
    there = total((payment.capturable for payment in state.payments), left.currency)
    return max(left - there - _captured_without_shipment(state), Money(0, left.currency))


def _captured_without_shipment(state: Checkout) -> Money:
    """Captured, or under way to be, beyond what shipments so far cost."""
    currency = state.total.currency
    needed = total(
        (item.amount for item in state.shipments if item.state is not PartState.FAILED), currency
    )
    return max(_captured(state) - needed, Money(0, currency))


def _captured(state: Checkout) -> Money:
    """Captured, or under way to be."""
    currency = state.total.currency
    under_way = (payment.under_way(Operation.CAPTURE) for payment in state.payments)
    return Money(state.books.captured, currency) + total(under_way, currency)


def capture_again(draft: Draft, command: c.CaptureAgain) -> None:
    """Take the money for a shipment that left and whose capture failed afterwards."""
    all_is_known(draft)
    shipment = next((item for item in draft.state.shipments if item.id == command.shipment), None)
    if shipment is None:
        raise NotFound(f"there is no shipment {command.shipment}", field="shipment")
    if shipment.is_paid:
        raise UsageError(f"shipment {shipment.id} is paid for", field="shipment")
    missing = unpaid(draft)
    _spread(draft, Operation.CAPTURE, min(missing, shipment.amount), shipment.id)


def unpaid(draft: Draft) -> Money:
    """What has left and is not covered by captures, done or under way."""
    state = draft.state
    currency = state.total.currency
    left = total(
        (item.amount for item in state.shipments if item.state is PartState.DONE), currency
    )
    return max(left - _captured(state), Money(0, currency))


def refund(draft: Draft, command: c.Refund) -> None:
    """Give money back: for returned units what they cost, or a plain amount.

    With several payments the money goes back in the reverse of the order in which it was taken, so
    a card is refunded before a gift card is filled up again. Asking again for a refund that was
    given back only in part gives back the rest.

    Raises:
        OutcomeUnknown: If an earlier operation has no known outcome yet.
        UsageError: If more than was captured would be given back.
    """
    all_is_known(draft)
    state = draft.state
    if bool(command.lines) == (command.amount is not None):
        raise InvalidInput("give either lines or an amount", field="lines")
    currency = state.total.currency
    if command.amount is not None:
        amount = command.amount
        if amount.currency != currency:
            raise InvalidInput(f"this checkout is in {currency}", field="amount")
        if amount.minor <= 0:
            raise InvalidInput("is above zero", field="amount")
    else:
        away = {line.id: state.left(line.id) - state.returned(line.id) for line in state.cart.lines}
        lines = _units(command.lines, away, "shipped and not returned")
        amount = _cost(state, lines, state.returned)
    left = amount - _given_back_before(state, command.lines, amount)
    number = f"r{len(state.refunds) + 1}"
    first = {line_id: state.returned(line_id) for line_id in command.lines}
    draft.add(e.RefundStarted(refund=number, lines=command.lines, first=first, amount=amount))
    if left.minor > 0:
        _spread(draft, Operation.REFUND, left, number)
        credit(draft, number)


def record_chargeback(draft: Draft, command: c.RecordChargeback) -> None:
    """Note that the customer's bank took money back. The provider's books do not know of it.

    Raises:
        UsageError: If more would have been taken back than was captured.
    """
    state = draft.state
    if command.amount.currency != state.total.currency:
        raise InvalidInput(f"this checkout is in {state.total.currency}", field="amount")
    if command.amount.minor <= 0:
        raise InvalidInput("is above zero", field="amount")
    left = state.books.captured - sum(item.amount.minor for item in state.chargebacks)
    if command.amount.minor > left:
        there = Money(max(left, 0), state.total.currency)
        raise UsageError(f"cannot be charged back: only {there} was captured and is left")
    draft.add(e.ChargedBack(amount=command.amount, is_fraud=command.is_fraud))


def _given_back_before(state: Checkout, lines: Mapping[str, int], amount: Money) -> Money:
    """What an earlier try at the same refund gave back before it failed, and no later one used."""
    spare = 0
    for refund in state.refunds:
        if refund.lines == lines and refund.amount == amount:
            given = sum(
                attempt.amount.minor
                for attempt in state.attempts_for(refund.id)
                if attempt.is_open or attempt.outcome is Outcome.SUCCEEDED
            )
            is_failed = refund.state is PartState.FAILED
            spare += given if is_failed else given - refund.amount.minor
    return Money(max(spare, 0), amount.currency)


def _spread(draft: Draft, operation: Operation, amount: Money, part: str) -> None:
    """Share an operation out over the payments, each as far as it goes."""
    payments = list(draft.state.payments)
    if operation is Operation.REFUND:
        payments.reverse()
    there = total((_free(payment, operation) for payment in payments), amount.currency)
    if amount > there:
        raise UsageError(f"cannot {operation} {amount}: only {there} of it is there")
    for payment in payments:
        share = min(amount, _free(payment, operation))
        if share.minor > 0:
            draft.attempt(payment, operation, share, part)
            amount = amount - share


def _free(payment: Payment, operation: Operation) -> Money:
    return payment.refundable if operation is Operation.REFUND else payment.capturable
