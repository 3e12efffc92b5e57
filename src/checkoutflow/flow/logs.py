"""What is logged, by Python's own ``logging``: what happened to which checkout, nothing personal.

The texts are for people; the fields beside them (`FIELDS`, in each record's ``extra``) have names
that stay. A level says who is to look: nobody (``DEBUG``), whoever wants to know (``INFO``),
somebody, some time, since it goes on by itself (``WARNING``), or a person, since nothing more
happens until they do (``ERROR``).
"""

from __future__ import annotations

import logging
from contextlib import suppress
from logging import DEBUG, ERROR, INFO, WARNING
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.checkout import events as e
from checkoutflow.errors import CheckoutError
from checkoutflow.payment.outcomes import Outcome
from checkoutflow.stores.contract import Change

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from checkoutflow.stores.contract import AttemptRow

LOG: Final = logging.getLogger("checkoutflow.flow")
# Whoever does not set logging up hears nothing, as Python asks of libraries.
logging.getLogger("checkoutflow").addHandler(logging.NullHandler())

FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "checkout_id": "which checkout",
        "version": "the checkout's version after it",
        "command": "what was asked, in the journal's words",
        "event_type": "what happened, in the journal's words",
        "provider": "whom we asked, or who wrote to us",
        "operation": "what we asked for: `authorise`, `capture`, `void`, `refund`, `status` ...",
        "outcome": "how an operation ended, as far as we know",
        "reason": "why a person is needed, or an operation came to nothing: a code",
        "error_type": "the class of an error",
        "message_id": "which message for the shop",
        "tries": "how often it has failed in a row",
    }
)

# Who is to look at what happened. What is not here is only logged with the change as a whole.
LEVELS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "placed": INFO,
        "payment_authorised": INFO,
        "payment_captured": INFO,
        "payment_voided": INFO,
        "payment_expired": INFO,
        "payment_refunded": INFO,
        "attempt_failed": INFO,
        "rerouted": INFO,
        "reopened": INFO,
        "review_approved": INFO,
        "review_rejected": INFO,
        "review_lapsed": INFO,
        "confirmed": INFO,
        "shipped": INFO,
        "refund_done": INFO,
        "fulfilled": INFO,
        "cancelled": INFO,
        "contradiction_cleared": INFO,
        "held": WARNING,
        "attempt_unknown": WARNING,
        "attempt_resent": WARNING,
        "attempt_resolved": WARNING,
        "charged_back": WARNING,
        "shipment_failed": ERROR,
        "refund_not_done": ERROR,
        "capture_failed": ERROR,
        "refund_failed": ERROR,
        "contradicted": ERROR,
        "attention_needed": ERROR,
    }
)

_OUTCOMES: Final[Mapping[type[Any], Outcome]] = MappingProxyType(
    {
        e.AttemptPending: Outcome.PENDING,
        e.AttemptUnknown: Outcome.UNKNOWN,
        e.PaymentAuthorised: Outcome.SUCCEEDED,
        e.PaymentCaptured: Outcome.SUCCEEDED,
        e.PaymentVoided: Outcome.SUCCEEDED,
        e.PaymentRefunded: Outcome.SUCCEEDED,
    }
)

COMMITS: Final = frozenset({"commit", "commit_numbered"})


def written(call: str, arguments: tuple[Any, ...], answer: object) -> Change | None:
    """The change that a call of the store has written, if it was one that writes changes."""
    if call not in COMMITS:
        return None
    change = answer if call == "commit_numbered" else arguments[0]
    return change if isinstance(change, Change) else None


def outcomes(change: Change) -> Iterator[tuple[AttemptRow, Outcome]]:
    """What became known of attempts with a change."""
    rows = {row.id: row for row in change.attempts}
    for event in change.events:
        row = rows.get(getattr(event, "attempt", ""))
        if row is None:
            continue
        if isinstance(event, e.AttemptFailed):
            yield row, event.outcome
        elif (outcome := _OUTCOMES.get(type(event))) is not None:
            yield row, outcome


def log_written(call: str, arguments: tuple[Any, ...], answer: object) -> None:
    """Log what a call of the store has written, if it was a change of a checkout."""
    if (change := written(call, arguments, answer)) is None:
        return
    loud = [event for event in change.events if LOG.isEnabledFor(LEVELS.get(event.type, DEBUG))]
    if not loud:
        return
    facts = {
        "checkout_id": change.state.id,
        "version": change.state.version,
        "command": change.command,
    }
    _say(DEBUG, "checkout %(checkout_id)s is at version %(version)d: %(command)s", facts)
    rows = {row.id: row for row in change.attempts}
    known = {row.id: outcome for row, outcome in outcomes(change)}
    for event in loud:
        if event.type not in LEVELS:
            continue
        about: dict[str, object] = {"event_type": event.type}
        text = "checkout %(checkout_id)s: %(event_type)s"
        if (row := rows.get(getattr(event, "attempt", ""))) is not None:
            about |= {"provider": row.provider, "operation": row.operation.value}
            text += ", %(provider)s %(operation)s"
            if row.id in known:
                about["outcome"] = known[row.id].value
        if isinstance(event, e.AttentionNeeded | e.AttemptFailed) and event.reason:
            about["reason"] = event.reason
            text += " (%(reason)s)"
        _say(LEVELS[event.type], text, facts | about)


def log_refused(provider: str, error: Exception) -> None:
    """Log that something came to a webhook's address and was not believed."""
    facts = {"provider": provider, "error_type": type(error).__name__}
    _say(WARNING, "a webhook from %(provider)s was refused: %(error_type)s", facts)


def log_unanswered(provider: str, operation: str, error: Exception) -> None:
    """Log that no usable answer came to a request."""
    facts = {"provider": provider, "operation": operation, "error_type": type(error).__name__}
    _say(WARNING, "%(provider)s did not answer (%(operation)s): %(error_type)s", facts)


def log_failure(
    error: BaseException,
    *,
    checkout_id: str = "",
    message_id: str = "",
    tries: int = 1,
    is_last: bool = False,
    log: logging.Logger = LOG,
) -> None:
    """Log that a turn of due work failed, or that the shop did not take a message.

    Args:
        error: Why.
        checkout_id: Whose turn it was.
        message_id: Or which message.
        tries: How often in a row.
        is_last: Whether nobody tries any more.
        log: The worker's logger.
    """
    # Our own errors say nothing personal; of others' nobody knows.
    why = str(error) if isinstance(error, CheckoutError) else type(error).__name__
    facts: dict[str, object] = {"tries": tries, "error_type": type(error).__name__}
    if message_id:
        facts["message_id"] = message_id
        what = "message %(message_id)s was not taken"
    else:
        facts["checkout_id"] = checkout_id
        what = "checkout %(checkout_id)s failed"
    end = ", and is not tried any more" if is_last else ""
    text = f"{what}, for the %(tries)d. time{end}: {why.replace('%', '%%')}"
    _say(ERROR if is_last else WARNING, text, facts, log)


def _say(level: int, text: str, facts: Mapping[str, object], log: logging.Logger = LOG) -> None:
    with suppress(Exception):  # a filter of the shop's own may raise; no sale ends over it
        log.log(level, text, facts, extra=facts)
