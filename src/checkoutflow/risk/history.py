"""A shop's own past, as rows that a score can be learned from.

An order counts as harmful that a reviewer rejected, that was charged back since the customer says
that they never ordered, or that has an overdue invoice which is still open. What nobody decided
(the deadline passed) says nothing, nor what was never secured by a payment: such are left out.

What reviewers reject cannot be charged back, so that on such orders a model learns their judgement
and not the outcome; and what is held because of a score is looked at more closely than the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checkoutflow.checkout import events as e
from checkoutflow.risk.rows import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.stores.contract import JournalEntry, Store

_PAGE: Final = 500


def rows_of(store: Store) -> Iterator[Row]:
    """Give a row for each order of a store of which something can be learned."""
    after = ""
    while ids := store.checkouts((), after=after, limit=_PAGE):
        for checkout_id in ids:
            checkout = store.load(checkout_id)
            if checkout is not None and (row := row_of(store.journal(checkout_id), checkout)):
                yield row
        after = ids[-1]


def row_of(journal: Sequence[JournalEntry], checkout: Checkout) -> Row | None:
    """What can be learned from one checkout.

    Args:
        journal: All that happened to it.
        checkout: What came of that.

    Returns:
        The row, as of now; None if it came to no order, nobody decided, or nothing was noticed
        about it.
    """
    placed_at: datetime | None = None
    signals: dict[str, bool | int] = {}
    weight = 0
    harm: list[datetime] = []
    kinds = set()
    for at, event in ((entry.at, event) for entry in journal for event in entry.events):
        kinds.add(type(event))
        if _is_harm(event, checkout):
            harm.append(at)
        match event:
            case e.ReviewApproved(at_deadline=True):
                kinds.add(e.ReviewLapsed)  # nobody decided
            case e.Placed():
                placed_at, signals, weight = at, dict(event.signals), 0
            case e.Assessed():
                signals.update(event.signals)
            case e.Judged():
                weight = event.weight
    if placed_at is None or not signals or not kinds & _ORDERED or e.ReviewLapsed in kinds:
        return None
    is_held = e.Held in kinds
    return Row(placed_at, bool(harm), min(harm, default=placed_at), signals, weight, is_held)


# What shows that payments secured the order.
_ORDERED: Final = {e.Held, e.Confirmed}


def _is_harm(event: e.Event, checkout: Checkout) -> bool:
    match event:
        case e.ReviewRejected() | e.ChargedBack(is_fraud=True):
            return True
        case e.InvoiceOverdue():
            return not checkout.invoice(event.invoice).open.is_zero
    return False
