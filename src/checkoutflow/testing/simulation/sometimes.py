"""What must happen now and then, or the simulated world has become too kind.

A run that keeps every promise proves little if nothing ever happened in it. Each of these has a
name, and a run of a thousand seeds says which of them never came about.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.checkout.machine import ENDS, Phase
from checkoutflow.payment.outcomes import Operation, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from checkoutflow.checkout.state import Attempt, Checkout
    from checkoutflow.stores.contract import Change

# A kind of event, and what it says when it happened.
_EVENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "attempt_unknown": "an answer did not say what happened",
        "attempt_resent": "an operation was sent again under its key",
        "contradicted": "a provider said what cannot be",
        "contradiction_cleared": "a provider took that back",
        "attention_needed": "a person was called",
        "attempt_resolved": "people told what a provider never did",
        "capture_failed": "a capture was taken back",
        "refund_failed": "a refund was taken back",
        "shipment_failed": "a shipment could not be paid",
        "shipment_paid_again": "a shipment was paid by a later capture",
        "refund_not_done": "a refund came to nothing",
        "payment_expired": "the customer's time to pay ran out",
        "authorisation_reminded": "an authorisation was about to run out",
        "charged_back": "a chargeback was recorded",
        "review_claimed": "a reviewer took an order",
        "review_handed_over": "a reviewer handed an order over",
        "review_endorsed": "the first of two reviewers said yes",
        "review_lapsed": "nobody decided in time",
        "customer_asked": "a reviewer asked the customer",
        "customer_answered": "the customer answered a reviewer",
        "verified": "a customer was known by a code",
        "code_refused": "a wrong code was tried",
        "erasure_asked": "an erasure waits for the end of a sale",
        "consent_changed": "a customer said what may be done with their data",
        "lines_cancelled": "a part of an order was cancelled",
        "replaced": "goods were replaced",
        "policy_entered": "a cover was changed after it was sold",
        "invoice_overdue": "an invoice was not paid in time",
    }
)


def _newly(change: Change, before: Checkout, *outcomes: Outcome | None) -> Iterator[Attempt]:
    """Attempts whose outcome was one of these and is another one now."""
    was = {item.id: item.outcome for each in before.payments for item in each.attempts}
    for payment in change.state.payments:
        for item in payment.attempts:
            if item.outcome is not was.get(item.id, item.outcome) and was[item.id] in outcomes:
                yield item


def _by_look_up(before: Checkout, change: Change) -> bool:
    found = change.command == "take_standing" and _newly(change, before, Outcome.UNKNOWN)
    return any(item.outcome is Outcome.SUCCEEDED for item in found or ())


def _by_absence(before: Checkout, change: Change) -> bool:
    found = change.command == "take_standing" and _newly(change, before, Outcome.UNKNOWN)
    return any(item.outcome is Outcome.REFUSED for item in found or ())


def _before_the_answer(before: Checkout, change: Change) -> bool:
    """A look-up told what came of an attempt whose sender has not come back."""
    found = change.command in {"take_standing", "hear"} and _newly(change, before, None)
    return any(item.outcome is Outcome.SUCCEEDED for item in found or ())


def _too_late(before: Checkout, change: Change) -> bool:
    is_over = before.phase in ENDS - {Phase.FULFILLED}
    return is_over and change.state.books.authorised > before.books.authorised


def _unwanted(before: Checkout, change: Change) -> bool:
    return _too_late(before, change) or any(
        item.operation is Operation.VOID and item.outcome is Outcome.SUCCEEDED
        for item in _newly(change, before, None, Outcome.UNKNOWN, Outcome.PENDING)
    )


def _second_try(before: Checkout, change: Change) -> bool:
    is_sold = change.state.phase is Phase.CONFIRMED and before.phase is Phase.PLACING
    return is_sold and len(change.state.payments) > 1


def _by_two(before: Checkout, change: Change) -> bool:
    review = before.review
    is_decided = before.phase is Phase.HELD and change.state.phase is Phase.CONFIRMED
    return is_decided and review is not None and bool(review.endorsed_by)


_CHANGES: Final[Mapping[str, Callable[[Checkout, Change], bool]]] = MappingProxyType(
    {
        "an unknown outcome was resolved by a look-up": _by_look_up,
        "silence proved that nothing was done": _by_absence,
        "a notice came before the answer": _before_the_answer,
        "money came for an order that was over": _too_late,
        "what nobody wanted was released": _unwanted,
        "another payment went through after the first did not": _second_try,
        "two reviewers let an order through": _by_two,
    }
)

REFUSED: Final = "a write was refused, somebody else wrote first"
REPEATED: Final = "a call that was made before was answered again"
LEASE_OVER: Final = "a lease was over before its sender came to it"
SENT_AND_STOPPED: Final = "a machine stopped after it sent and before it heard"
LATE: Final = "a request was acted on when nobody waited any more"
ERASED: Final = "a customer was erased"
MAILED: Final = "a code was sent"
SOMETIMES: Final = (
    *_EVENTS.values(),
    *_CHANGES,
    REFUSED,
    REPEATED,
    LEASE_OVER,
    SENT_AND_STOPPED,
    LATE,
    ERASED,
    MAILED,
)


def happened(before: Checkout | None, change: Change) -> Iterator[str]:
    """Which of it one commit says."""
    for event in change.events:
        if event.type in _EVENTS:
            yield _EVENTS[event.type]
    if before is not None:
        for name, is_so in _CHANGES.items():
            if is_so(before, change):
                yield name
