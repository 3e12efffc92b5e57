"""Deciding about an order: shipping, cancelling, and giving money back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checkoutflow.checkout import events as e
from checkoutflow.checkout.insuring import (
    bound_policy,
    ended_with,
    goods_of,
    premiums_back,
    shipped_along,
)
from checkoutflow.checkout.invoicing import credit
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.state import PartState
from checkoutflow.errors import (
    InvalidInput,
    NeedsAnother,
    NotFound,
    NotSupported,
    OutcomeUnknown,
    UsageError,
)
from checkoutflow.money import Money, exceeded, total
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
    left = state.unsent()
    lines = _goods(draft, command.lines, left, "left to cancel")
    if not lines:
        raise UsageError("nothing is left to cancel: every unit is shipped or on its way")
    ended = ended_with(state, lines)
    lines |= {each: min(units, left[each]) for each, units in ended.items() if each in left}
    if lines != left:
        _is_captured_in_parts(draft)
    draft.add(e.LinesCancelled(lines=lines))
    # A cover of the order that left with goods which came back, and the rest is not sent now.
    if paid := {
        each: n - lines.get(each, 0) for each, n in ended.items() if n > lines.get(each, 0)
    }:
        all_is_known(draft)
        _give_back(draft, paid)


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


def _goods(
    draft: Draft, asked: Mapping[str, int], left: Mapping[str, int], what: str
) -> dict[str, int]:
    """The same for goods alone: covers go along with them."""
    for line in draft.state.cart.lines:
        if line.is_cover and line.id in asked:
            raise InvalidInput("goes along with the goods it covers", field=f"lines.{line.id}")
    return _units(asked, goods_of(left, draft.state.cart), what)


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
    lines = _goods(draft, command.lines, state.to_ship(), "left to ship")
    if not lines:
        raise UsageError("nothing is left to ship")
    lines |= shipped_along(state, lines)
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
    left = _cost(state, state.unsent(), state.shipped)
    there = total((payment.capturable for payment in state.payments), left.currency)
    return max(left - there - _captured_without_shipment(state), Money(0, left.currency))


def _captured_without_shipment(state: Checkout) -> Money:
    """Captured, or under way to be, beyond what shipments so far cost."""
    return max(_captured(state) - _of_shipments(state), Money(0, state.total.currency))


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
    """What has left, or is about to, and is not covered by captures, done or under way."""
    state = draft.state
    currency = state.total.currency
    return max(_of_shipments(state) - _captured(state), Money(0, currency))


def _of_shipments(state: Checkout) -> Money:
    """What shipments cost that have left or are on their way."""
    sent = (item.amount for item in state.shipments if item.state is not PartState.FAILED)
    return total(sent, state.total.currency)


def refund(draft: Draft, command: c.Refund) -> None:
    """Give money back: for returned units what they cost, or a plain amount.

    With several payments the money goes back in the reverse of the order in which it was taken, so
    a card is refunded before a gift card is filled up again. Asking again for a refund that was
    given back only in part gives back the rest.

    Raises:
        NeedsAnother: If it takes two people to decide this.
        OutcomeUnknown: If an earlier operation has no known outcome yet.
        UsageError: If more than was captured would be given back.
    """
    all_is_known(draft)
    state = draft.state
    if bool(command.lines) == (command.amount is not None):
        raise InvalidInput("give either lines or an amount", field="lines")
    if command.amount is not None:
        amount = command.amount
        if amount.currency != state.total.currency:
            raise InvalidInput(f"this checkout is in {state.total.currency}", field="amount")
        if amount.minor <= 0:
            raise InvalidInput("is above zero", field="amount")
        _start_refund(draft, {}, amount, {}, command.by)
    else:
        lines = _goods(draft, command.lines, _away(state), "shipped and not returned")
        _give_back(draft, lines | ended_with(state, lines), command.by)
    _two_decide(draft)


def _two_decide(draft: Draft) -> None:
    """See that nobody alone gives back more of an order than one person may, not in parts either.

    Raises:
        NeedsAnother: If somebody would.
    """
    state = draft.state
    if not is_one(state.refunds[-1].by):
        return
    currency = state.total.currency
    alone = total(
        (it.amount for it in state.refunds if is_one(it.by) and it.state is not PartState.FAILED),
        currency,
    )
    if (limit := exceeded(alone, draft.rules.shop.two_refund_above)) is not None:
        raise NeedsAnother(
            f"two people decide to give back more than {limit} of an order; name both", field="by"
        )


def _away(state: Checkout) -> dict[str, int]:
    """Units by line id that have left and are not returned."""
    away = {line.id: state.left(line.id) - state.returned(line.id) for line in state.cart.lines}
    return {line_id: units for line_id, units in away.items() if units}


def is_one(people: tuple[str, ...]) -> bool:
    """Whether it was one person, or none that is known. Names differ by more than their case."""
    return len({name.strip().casefold() for name in people}) <= 1


def _give_back(draft: Draft, lines: Mapping[str, int], by: tuple[str, ...] = ()) -> None:
    """Give back what units cost; of covers, what is left of their time is worth."""
    state = draft.state
    away, today = _away(state), draft.rules.law.day(state.market, draft.at)
    goods = goods_of(lines, state.cart)
    covers = {each: min(n, away[each]) for each, n in lines.items() if each in away.keys() - goods}
    premiums = premiums_back(state, covers, today)
    amount = total((_cost(state, goods, state.returned), *premiums.values()), state.total.currency)
    _start_refund(draft, goods | covers, amount, premiums, by)


def _start_refund(
    draft: Draft,
    lines: Mapping[str, int],
    amount: Money,
    premiums: Mapping[str, Money],
    by: tuple[str, ...],
) -> None:
    state = draft.state
    left = amount - _given_back_before(state, lines, amount)
    number = f"r{len(state.refunds) + 1}"
    draft.add(
        e.RefundStarted(
            refund=number,
            lines=lines,
            first={line_id: state.returned(line_id) for line_id in lines},
            amount=amount,
            premiums=premiums,
            on=draft.rules.law.day(state.market, draft.at) if premiums else None,
            by=by,
        )
    )
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


def cancel_cover(draft: Draft, command: c.CancelCover) -> None:
    """The customer gives a cover back within its time, for the whole premium.

    Raises:
        NotFound: If no such cover stands.
        UsageError: If its time is over.
        OutcomeUnknown: If a part of it is on its way, or an earlier outcome is not known.
    """
    all_is_known(draft)
    state = draft.state
    policy = bound_policy(state, command.cover)
    if not policy.is_free(draft.rules.law.day(state.market, draft.at)):
        raise UsageError(
            f"could be given back until {policy.free_until}; now it ends with the return of what "
            "it covers, or as its terms say",
            field="cover",
        )
    unsent, paid = state.unsent().get(policy.id, 0), _away(state).get(policy.id, 0)
    if unsent + paid < policy.units:
        raise OutcomeUnknown("a part of it is on its way; once that is settled, call again")
    if unsent:
        _is_captured_in_parts(draft)
        draft.add(e.LinesCancelled(lines={policy.id: unsent}))
    if paid:
        _give_back(draft, {policy.id: paid})


def replace(draft: Draft, command: c.Replace) -> None:
    """Others are sent in the place of faulty units: no money moves, and covers go on.

    Raises:
        InvalidInput: If they have not left, or came back.
    """
    state = draft.state
    lines = _goods(draft, command.lines, _away(state), "shipped and not returned")
    today = draft.rules.law.day(state.market, draft.at)
    draft.add(e.Replaced(lines=lines, at=draft.at, on=today))


def _given_back_before(state: Checkout, lines: Mapping[str, int], amount: Money) -> Money:
    """What an earlier try at the same refund gave back before it failed, and no later one used."""
    spare = 0
    for refund in state.refunds:
        # What covers are worth falls from day to day, so units are known by themselves.
        if refund.lines == lines and (lines or refund.amount == amount):
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
