"""All checkouts of a store, read a page at a time, so that memory does not grow with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.stores.contract import Store

_PAGE: Final = 500


def every_id(store: Store, phases: Collection[str] = ()) -> Iterator[str]:
    """The ids of all checkouts in these phases (all if empty), ordered."""
    after = ""
    while page := store.checkouts(phases, after=after, limit=_PAGE):
        yield from page
        after = page[-1]


def every_checkout(store: Store, phases: Collection[str] = ()) -> Iterator[Checkout]:
    """The same as they stand."""
    for checkout_id in every_id(store, phases):
        if (state := store.load(checkout_id)) is not None:
            yield state
