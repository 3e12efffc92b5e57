"""What past orders say about reviewing: how each ended, and what it turned out to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from checkoutflow.checkout import events as e
from checkoutflow.checkout.machine import Phase
from checkoutflow.review.figures import DECIDED, Outcome, Reviewed
from checkoutflow.review.harm import fate, is_harm

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.review import Review
    from checkoutflow.review.harm import Fate

# Everything that happened to an order, each with its time.
History: TypeAlias = "Iterable[tuple[datetime, Iterable[e.Event]]]"

_ENDINGS: dict[str, Outcome] = {
    "approved": "approved",
    "rejected": "rejected",
    "deadline": "deadline",
    "authorisation_lost": "authorisation_lost",
    "cancelled": "cancelled",
}


def is_an_order(state: Checkout) -> bool:
    """Whether its money was reserved, so that it was judged."""
    is_secured = state.tenders and all(item.books.authorised for item in state.current_payments)
    return bool(is_secured) and state.phase not in {Phase.COLLECTING, Phase.PLACING, Phase.EXPIRED}


def fate_of(state: Checkout) -> Fate:
    """What an order turned out to be, as far as that is known; see `checkoutflow.review.harm`."""
    return fate(
        state.review,
        is_charged_back=any(item.is_fraud for item in state.chargebacks),
        is_unpaid=any(item.is_reminded and item.open.minor > 0 for item in state.invoices),
        is_cancelled=state.phase is Phase.CANCELLED,
    )


def harm_heard(state: Checkout, history: History) -> Iterator[datetime]:
    """When it was heard that an order did harm: at least once if that is its fate, else never."""
    for at, events in history:
        for event in events:
            match event:
                case e.ReviewRejected() if is_harm(event.reason):
                    yield at
                case e.ChargedBack(is_fraud=True):
                    yield at
                case e.InvoiceOverdue() if state.invoice(event.invoice).open.minor > 0:
                    yield at
                case _:
                    pass


def reviewed(state: Checkout, history: History) -> Reviewed | None:
    """An order as figures count it; None where it came to none.

    Args:
        state: The order as it stands.
        history: What happened to it.
    """
    if not is_an_order(state):
        return None
    held_at: datetime | None = None
    decided_at: datetime | None = None
    for at, events in history:
        for event in events:
            match event:
                case e.Held():
                    held_at = at
                case e.ReviewApproved(at_deadline=False) | e.ReviewRejected():
                    decided_at = at
                case _:
                    pass
    return Reviewed(
        total=state.total,
        outcome=_outcome(state.review) if state.review is not None else None,
        held_at=held_at,
        decided_at=decided_at,
        hits=state.hits,
        scored=state.scored,
        fate=fate_of(state),
    )


def _outcome(review: Review) -> Outcome:
    if review.is_open:
        return "waiting"
    if review.ended in _ENDINGS:
        return _ENDINGS[review.ended]
    # Of before it was written down why.
    return next((each for each in DECIDED if each == review.state), "unknown")
