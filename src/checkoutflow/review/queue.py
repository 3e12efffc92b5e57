"""The queue of orders that wait for a person: what stands in it, and which comes first."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from checkoutflow.errors import InvalidInput, UsageError
from checkoutflow.money import Money
from checkoutflow.privacy.cards import refuse_card_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from checkoutflow.review.machine import Request, ReviewState

# An order with less time left than this goes before all that have more.
SOON: Final = (timedelta(hours=4), timedelta(hours=24))

# What is about equally much in each currency, to compare orders by: only their order depends on it.
_EQUAL: Final = {
    amount.currency: amount.minor
    for amount in (
        Money.read(text) for text in ("1000 DKK", "1000 SEK", "1000 NOK", "100 EUR", "15000 ISK")
    )
}
# What rules alone hold may be harmful or not: nobody has reckoned how likely it is.
_UNSCORED: Final = 0.5


@dataclass(frozen=True, slots=True)
class Waiting:
    """An order that waits for a decision; nothing personal.

    Attributes:
        checkout: Its id.
        reasons: Why it was held.
        probability: Of harm, by the learned score; None where there is none to rely on.
        reviewer: Who has it; empty if nobody does.
        claimed_until: Until when.
        endorsed_by: Who was the first of two to approve it.
        needs_two: Whether two reviewers approve it.
        request: The last thing that the customer was asked for; its ``answer`` says what came.
        notes: How many notes there are.
    """

    checkout: str
    market: str
    total: Money
    held_at: datetime | None
    deadline: datetime
    state: ReviewState
    reasons: tuple[str, ...]
    probability: float | None
    reviewer: str
    claimed_until: datetime | None
    endorsed_by: str
    needs_two: bool
    request: Request | None
    notes: int

    @property
    def at_stake(self) -> float:
        """What deciding well is worth: the value by how likely harm is, in no unit."""
        likely = _UNSCORED if self.probability is None else self.probability
        return self.total.minor / _EQUAL.get(self.total.currency, 1) * likely


def by_urgency(waiting: Iterable[Waiting], at: datetime) -> tuple[Waiting, ...]:
    """Orders as they should be looked at.

    First those whose time is nearly over, in steps of `SOON`; among these where most is at stake,
    and then the earlier deadline.
    """

    def rank(order: Waiting) -> tuple[int, float, datetime, str]:
        left = order.deadline - at
        step = sum(left >= limit for limit in SOON)
        return step, -order.at_stake, order.deadline, order.checkout

    return tuple(sorted(waiting, key=rank))


# Notes --------------------------------------------------------------------------------------------

LONGEST_NOTE: Final = 2000  # characters
MOST_NOTES: Final = 100


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote about an order; printing it shows nothing of the text.

    Attributes:
        by: A reviewer, or ``customer``.
    """

    at: datetime
    by: str
    text: str = field(repr=False)


def note_of(at: datetime, by: str, text: str) -> Note:
    """Make a note of what was typed.

    Raises:
        InvalidInput: If there is nothing in it, too much, or a card number.
    """
    text = text.strip()
    if not text:
        raise InvalidInput("is needed", field="text")
    if len(text) > LONGEST_NOTE:
        raise InvalidInput(f"is at most {LONGEST_NOTE} characters", field="text")
    refuse_card_number(text, "text")
    return Note(at, by, text)


def to_text(notes: Sequence[Note]) -> str:
    """All notes as one text, for the vault.

    Raises:
        UsageError: If there are too many.
    """
    if len(notes) > MOST_NOTES:
        raise UsageError(f"there are {MOST_NOTES} notes on this order; decide")
    rows = [{"at": note.at.isoformat(), "by": note.by, "text": note.text} for note in notes]
    return json.dumps(rows, ensure_ascii=False)


def from_text(text: str) -> tuple[Note, ...]:
    """What `to_text` wrote; nothing where nothing was."""
    rows = json.loads(text) if text else []
    return tuple(Note(datetime.fromisoformat(row["at"]), row["by"], row["text"]) for row in rows)
