"""Deciding by what people saw, where a provider never says what became of an operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checkoutflow.checkout import events as e
from checkoutflow.checkout.ordering import is_one
from checkoutflow.checkout.paying import (
    CALL_AFTER,
    failed,
    is_waited_for,
    next_look,
    take_result,
)
from checkoutflow.errors import InvalidInput, NeedsAnother, UsageError
from checkoutflow.money import exceeded
from checkoutflow.payment.outcomes import Operation, Outcome, Result

if TYPE_CHECKING:
    from checkoutflow.checkout import commands as c
    from checkoutflow.checkout.draft import Draft
    from checkoutflow.checkout.state import Attempt
    from checkoutflow.money import Money


def resolve(draft: Draft, command: c.Resolve) -> None:
    """Take in what people saw of an operation that the provider has been silent about for a day.

    What the provider says later is believed over them, as far as the books allow.

    Raises:
        InvalidInput: If what they say does not fit the operation.
        NeedsAnother: If it takes two people to say this.
        NotFound: If there is no such attempt.
        UsageError: If it has its answer, may still get it, or the books have no room for this one.
    """
    payment, attempt = draft.state.attempt(command.attempt)
    payment = payment.but(looks=0)  # whatever is asked of the provider from here on begins anew
    _is_ripe(draft, attempt)
    is_reserved = command.is_done and attempt.operation is Operation.AUTHORISE
    if command.is_taken and not is_reserved:
        raise InvalidInput("is said of a reservation that was done", field="is_taken")
    # Without its name there we could neither capture nor release it.
    if is_reserved and payment.provider_reference is None:
        raise InvalidInput(
            f"{payment.provider} never told us its name for this payment: release it there, "
            "and say that it is not done",
            field="is_done",
        )
    if command.released is not None:
        attempt = _released(attempt, command.released, is_done=command.is_done)
    _two_say(draft, attempt, command.by)
    can_be_asked = draft.rules.behind(payment.provider).can_be_asked
    draft.add(
        e.AttemptResolved(
            payment=payment.id,
            attempt=attempt.id,
            is_done=command.is_done,
            seen_in=command.seen_in,
            by=command.by,
            # People err, and the provider may speak again: it is asked whether it agrees.
            look_at=next_look(payment, draft.at) if can_be_asked else None,
        )
    )
    if command.is_done:
        done = Result(outcome=Outcome.SUCCEEDED, is_taken=command.is_taken)
        take_result(draft, payment, attempt, done)
    else:
        failed(draft, payment, attempt, Outcome.REFUSED, "seen_not_done")
    payment, attempt = draft.state.attempt(command.attempt)
    if attempt.is_open:
        raise InvalidInput(f"cannot be: {payment.contradiction}", field="is_done")


def _released(attempt: Attempt, released: Money, *, is_done: bool) -> Attempt:
    """The void as it was done: of less, where something was captured without our knowing.

    Raises:
        InvalidInput: If it is no void that was done, or not of that much.
    """
    field = "released"
    if attempt.operation is not Operation.VOID or not is_done:
        raise InvalidInput("is said of a void that was done", field=field)
    if released.currency != attempt.amount.currency:
        raise InvalidInput(f"this checkout is in {attempt.amount.currency}", field=field)
    if not 0 < released.minor <= attempt.amount.minor:
        raise InvalidInput(f"is above zero and at most {attempt.amount}", field=field)
    return attempt.but(amount=released)


def _is_ripe(draft: Draft, attempt: Attempt) -> None:
    """See that the provider was asked for long enough, and is not being asked at this moment.

    Raises:
        UsageError: If it has its answer, or may still get it.
    """
    if not is_waited_for(attempt):
        stands = "waits for the customer" if attempt.is_open else f"ended as {attempt.outcome}"
        raise UsageError(f"there is nothing to resolve: the {attempt.operation} {stands}")
    ripe_at = max(attempt.started_at + CALL_AFTER, attempt.lease_until)
    if draft.at < ripe_at:
        raise UsageError(
            "the provider is still asked; reconcile() does it at once, and people may say what "
            f"they saw from {ripe_at:%Y-%m-%d %H:%M:%S} UTC on"
        )


def _two_say(draft: Draft, attempt: Attempt, people: tuple[str, ...]) -> None:
    """See that nobody alone says what became of much money.

    Raises:
        NeedsAnother: If somebody would.
    """
    limit = exceeded(attempt.amount, draft.rules.shop.two_resolve_above)
    if limit is not None and is_one(people):
        raise NeedsAnother(
            f"two people look at what became of more than {limit}; name both", field="by"
        )
