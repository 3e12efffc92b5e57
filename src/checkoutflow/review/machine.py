"""A review: its own state machine, and what is kept of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.model import Frozen

if TYPE_CHECKING:
    from checkoutflow.table import Table


class ReviewState(StrEnum):
    """Where a review stands."""

    OPEN = "open"
    CLAIMED = "claimed"
    APPROVED = "approved"
    REJECTED = "rejected"
    LAPSED = "lapsed"


class ReviewStep(StrEnum):
    """What can happen to a review."""

    CLAIMED = "claimed"
    APPROVED = "approved"
    REJECTED = "rejected"
    LAPSED = "lapsed"


_S = ReviewState
_E = ReviewStep

_UNDECIDED: Final = {
    _E.CLAIMED: _S.CLAIMED,  # again: another reviewer takes over
    _E.APPROVED: _S.APPROVED,
    _E.REJECTED: _S.REJECTED,
    _E.LAPSED: _S.LAPSED,  # the deadline passed, or the customer cancelled meanwhile
}

REVIEW: Final[Table[ReviewState, ReviewStep]] = MappingProxyType(
    {
        _S.OPEN: _UNDECIDED,
        _S.CLAIMED: _UNDECIDED,
        _S.APPROVED: {},
        _S.REJECTED: {},
        _S.LAPSED: {},
    }
)


class Review(Frozen):
    """One order's review.

    Attributes:
        reasons: Why it was held, for the reviewer.
        deadline: When the shop's policy decides instead (it rejects).
        reviewer: The shop's own name for who claimed or decided; never a customer.
    """

    state: ReviewState = ReviewState.OPEN
    reasons: tuple[str, ...]
    deadline: datetime
    reviewer: str = ""
