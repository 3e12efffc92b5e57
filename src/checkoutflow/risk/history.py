"""A shop's own past, as rows that a score can be learned from.

What counts as harm is said in `checkoutflow.review.harm`. Orders of which nobody knows are left
out, and what was never secured by a payment is no order.

What reviewers reject cannot be charged back, so that on such orders a model learns their judgement
and not the outcome; and what is held because of a score is looked at more closely than the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from checkoutflow.checkout import events as e
from checkoutflow.checkout.reviewed import fate_of, harm_heard, is_an_order
from checkoutflow.risk.rows import Row
from checkoutflow.stores.pages import every_checkout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.stores.contract import JournalEntry, Store


def rows_of(store: Store) -> Iterator[Row]:
    """Give a row for each order of a store of which something can be learned."""
    for checkout in every_checkout(store):
        if row := row_of(store.journal(checkout.id), checkout):
            yield row


def row_of(journal: Sequence[JournalEntry], checkout: Checkout) -> Row | None:
    """What can be learned from one checkout.

    Args:
        journal: All that happened to it.
        checkout: What came of that.

    Returns:
        The row, as of now; None if it came to no order, nobody knows what it turned out to be, or
        nothing was noticed about it.
    """
    fate = fate_of(checkout)
    if not is_an_order(checkout) or fate == "open":
        return None
    placed_at: datetime | None = None
    signals: dict[str, bool | int] = {}
    weight = 0
    history = [(entry.at, entry.events) for entry in journal]
    for at, event in ((at, event) for at, events in history for event in events):
        match event:
            case e.Placed():
                placed_at, signals, weight = at, dict(event.signals), 0
            case e.Assessed():
                signals.update(event.signals)
            case e.Judged():
                weight = event.weight
    if placed_at is None or not signals:
        return None
    is_bad, is_held = fate == "bad", checkout.review is not None
    known_at = min(harm_heard(checkout, history), default=placed_at)
    return Row(placed_at, is_bad, known_at, signals, weight, is_held)
