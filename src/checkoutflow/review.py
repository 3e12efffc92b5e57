"""Orders held for a person to decide: the rules that hold, and a review's own state machine."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pydantic import Field

from checkoutflow.model import Frozen
from checkoutflow.money import Money

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


class ReviewRules(Frozen):
    """When an order is held, and for how long.

    Attributes:
        hold_above: Totals above which an order is held, at most one per currency.
        decide_within_s: Seconds a reviewer has. The deadline is earlier where the authorisation
            runs out earlier.
        margin_s: Seconds before the authorisation runs out at which the deadline falls at latest,
            so that a void still arrives in time.
    """

    hold_above: tuple[Money, ...] = ()
    decide_within_s: int = Field(default=72 * 3600, gt=0)
    margin_s: int = Field(default=3600, ge=0)

    def reasons(self, total: Money) -> tuple[str, ...]:
        """Why an order of this total is held; empty if it is not."""
        return tuple(
            f"total above {limit}"
            for limit in self.hold_above
            if limit.currency == total.currency and total > limit
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
