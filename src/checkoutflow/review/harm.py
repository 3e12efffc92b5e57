"""What counts as harm: the one definition, for trying rules, for learning a score, for figures.

An order did harm if

- its payment was charged back because the customer says that they never ordered, or nobody knows
  why: a chargeback over goods that were late or broken says nothing about who bought them;
- an invoice of it is overdue and not paid; one that is paid in the end did none;
- a reviewer turned it down for what it seemed to be. Not every reason is of that kind: see
  `NO_HARM`.

It did none if it went through and nothing of this was heard. Of all others nobody knows: they were
cancelled, nobody decided in time, or their authorisation went away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from checkoutflow.review.machine import RejectReason, ReviewState

if TYPE_CHECKING:
    from checkoutflow.review.machine import Review

# What an order turned out to be: harmful, harmless, or nobody knows (yet).
Fate = Literal["good", "bad", "open"]

# Reasons that say what the shop does not do, and nothing about the customer.
NO_HARM: Final = frozenset({RejectReason.DELIVERY, RejectReason.FOR_RESALE})


def is_harm(reason: str) -> bool:
    """Whether a rejection for a reason tells of harm.

    Args:
        reason: One of `RejectReason`; empty in journals of before there were reasons, whose
            reviewers turned down what they thought harmful.
    """
    return reason not in NO_HARM


def fate(
    review: Review | None, *, is_charged_back: bool, is_unpaid: bool, is_cancelled: bool
) -> Fate:
    """What an order turned out to be, as far as that is known.

    Args:
        review: Its review; None if it was not held.
        is_charged_back: For a reason that is fraud, or not known.
        is_unpaid: Whether an invoice is overdue and open.
        is_cancelled: Whether all of it was called off.
    """
    if is_charged_back or is_unpaid:
        return "bad"
    match review.state if review is not None else ReviewState.APPROVED:
        case ReviewState.REJECTED if review is not None and is_harm(review.reason):
            return "bad"
        case ReviewState.APPROVED if not is_cancelled:
            return "good"
    return "open"
