"""A review: its own state machine, and what is kept of it.

Who has an order is not a state: it ends by itself, with the lease, and nobody notices then. Nor is
that the customer was asked for something, since the deadline goes on meanwhile.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from checkoutflow.model import Frozen
from checkoutflow.texts import mark

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checkoutflow.table import Table


class ReviewState(StrEnum):
    """Where a review stands."""

    OPEN = "open"
    CLAIMED = "claimed"
    ENDORSED = "endorsed"
    APPROVED = "approved"
    REJECTED = "rejected"
    LAPSED = "lapsed"


class ReviewStep(StrEnum):
    """What can happen to a review."""

    CLAIMED = "claimed"
    RELEASED = "released"
    HANDED_OVER = "handed_over"
    ENDORSED = "endorsed"
    APPROVED = "approved"
    REJECTED = "rejected"
    LAPSED = "lapsed"


_S = ReviewState
_E = ReviewStep

_DECIDED: Final = {
    _E.APPROVED: _S.APPROVED,
    _E.REJECTED: _S.REJECTED,
    _E.LAPSED: _S.LAPSED,  # the deadline passed, or the customer cancelled meanwhile
}

REVIEW: Final[Table[ReviewState, ReviewStep]] = MappingProxyType(
    {
        _S.OPEN: {_E.CLAIMED: _S.CLAIMED, _E.ENDORSED: _S.ENDORSED, **_DECIDED},
        _S.CLAIMED: {
            _E.CLAIMED: _S.CLAIMED,  # again: for longer, or by another one when the lease is over
            _E.RELEASED: _S.OPEN,
            _E.HANDED_OVER: _S.CLAIMED,
            _E.ENDORSED: _S.ENDORSED,
            **_DECIDED,
        },
        # One of two reviewers has said yes. The other one takes it on, or decides at once.
        _S.ENDORSED: {
            _E.CLAIMED: _S.ENDORSED,
            _E.RELEASED: _S.ENDORSED,
            _E.HANDED_OVER: _S.ENDORSED,
            **_DECIDED,
        },
        _S.APPROVED: {},
        _S.REJECTED: {},
        _S.LAPSED: {},
    }
)

UNDECIDED: Final = frozenset(state for state, row in REVIEW.items() if row)

# What a customer is asked for. ``code``: to type a code that is sent to the order's own telephone
# or mailbox. ``login``: to show at an issuer who they are. ``contact``: to get in touch.
Ask = Literal["code", "login", "contact"]

# What came of it. ``other_name``: they are somebody, but not who the order names.
Answer = Literal["shown", "same_name", "other_name", "wrote"]


class Request(Frozen):
    """Something that the customer was asked for.

    Attributes:
        id: ``q1`` for the first.
        by: Of a code: ``email`` or ``phone``.
        reviewer: Who asked.
        answer: What came of it; empty while nothing did.
    """

    id: str
    what: Ask
    by: str = ""
    reviewer: str
    asked_at: datetime
    answer: Answer | Literal[""] = ""
    answered_at: datetime | None = None


class RejectReason(StrEnum):
    """Why a reviewer turns an order down; a closed list, so that it can be counted."""

    STOLEN_PAYMENT = "stolen_payment"
    NOT_THE_CUSTOMER = "not_the_customer"
    NOT_SHOWN = "not_shown"
    NOT_REACHED = "not_reached"
    DELIVERY = "delivery"
    FOR_RESALE = "for_resale"
    SERIES = "series"
    UNPAID_BEFORE = "unpaid_before"
    OTHER = "other"


# Translators: these are reasons for which a reviewer of the shop turns an order down.
REASONS: Final[Mapping[RejectReason, str]] = MappingProxyType(
    {
        RejectReason.STOLEN_PAYMENT: mark("The card or account seems to be somebody else's"),
        RejectReason.NOT_THE_CUSTOMER: mark("The person named says that they did not order"),
        RejectReason.NOT_SHOWN: mark("The customer did not show who they are"),
        RejectReason.NOT_REACHED: mark("The customer could not be reached"),
        RejectReason.DELIVERY: mark("The goods cannot safely be sent there"),
        RejectReason.FOR_RESALE: mark("More than the shop sells to one customer"),
        RejectReason.SERIES: mark("One of a series of orders that belong together"),
        RejectReason.UNPAID_BEFORE: mark("Earlier orders are not paid for"),
        RejectReason.OTHER: mark("Another reason"),
    }
)


class Review(Frozen):
    """One order's review.

    Attributes:
        reasons: Why it was held, for the reviewer.
        deadline: When the shop's policy decides instead.
        held_at: Since when it waits; None in journals of before that was written down.
        reviewer: Who has it or had it last, or who decided: the shop's own name for them; never a
            customer.
        claimed_until: Until when nobody else takes it or decides; None where nobody has it.
        endorsed_by: Who was the first of two to approve it.
        requests: What the customer was asked for.
        notes: How many there are; they themselves are in the vault.
        ended: Why it is over: ``approved``, ``rejected``, ``deadline``, ``authorisation_lost`` or
            ``cancelled``.
        reason: Why it was rejected: one of `RejectReason`.
    """

    state: ReviewState = ReviewState.OPEN
    reasons: tuple[str, ...]
    deadline: datetime
    held_at: datetime | None = None
    reviewer: str = ""
    claimed_until: datetime | None = None
    endorsed_by: str = ""
    requests: tuple[Request, ...] = ()
    notes: int = 0
    ended: str = ""
    reason: str = ""

    def holder(self, at: datetime) -> str:
        """Who has it at a moment; empty if nobody."""
        is_held = self.claimed_until is not None and at < self.claimed_until
        return self.reviewer if is_held else ""

    @property
    def is_open(self) -> bool:
        """Whether it waits for a decision."""
        return self.state in UNDECIDED

    @property
    def asked(self) -> Request | None:
        """The last thing that the customer was asked for and has not answered."""
        last = self.requests[-1] if self.requests else None
        return last if last is not None and not last.answer else None
