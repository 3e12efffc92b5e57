"""All checkouts of a store, read a page at a time, so that memory does not grow with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.stores.contract import Store

_PAGE: Final = 500


def every_id(
    store: Store, phases: Collection[str] = (), *, since: datetime | None = None
) -> Iterator[str]:
    """The ids of all checkouts in these phases (all if empty), ordered.

    With ``since``, only of those that something was written about at that moment or later.
    """
    after = ""
    while page := store.checkouts(phases, after=after, limit=_PAGE, since=since):
        yield from page
        after = page[-1]


def every_checkout(
    store: Store, phases: Collection[str] = (), *, since: datetime | None = None
) -> Iterator[Checkout]:
    """The same as they stand."""
    for checkout_id in every_id(store, phases, since=since):
        if (state := store.load(checkout_id)) is not None:
            yield state
