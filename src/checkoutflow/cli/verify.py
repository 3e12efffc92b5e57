"""``checkoutflow verify``: does replaying every journal give what is stored?

What an older version stored lacks the fields that came since, which the journal may well fill. So
what is compared is what is stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from checkoutflow.checkout.evolve import replay
from checkoutflow.cli.files import open_kept
from checkoutflow.errors import CheckoutError
from checkoutflow.model import Frozen
from checkoutflow.stores.pages import every_id

if TYPE_CHECKING:
    from argparse import Namespace

    from checkoutflow.cli.paper import Paper
    from checkoutflow.stores.contract import Store


def run(arguments: Namespace, paper: Paper) -> int:
    """Compare every checkout with its journal; 1 and their names if some differ."""
    store = open_kept(arguments.db)
    count = wrong = 0
    for checkout_id in every_id(store):
        count += 1
        if difference := _difference(store, checkout_id):
            paper.line(f"{checkout_id}: {difference}")
            wrong += 1
    store.close()
    if wrong:
        paper.line(f"{wrong} of {count} checkouts differ from their journals")
        return 1
    paper.line(f"{count} checkouts, each as its journal says")
    return 0


def _difference(store: Store, checkout_id: str) -> str:
    """What is not as the journal says; empty if all is."""
    try:
        before = len(store.journal(checkout_id))
        stored = store.load(checkout_id)
        # Others may be writing. What was there before is in the state, and what came since is not.
        version = stored.version if stored is not None else 0
        journal = store.journal(checkout_id)[: max(before, version)]
        replayed = replay(entry.events for entry in journal)
    except CheckoutError as error:
        return str(error)
    if stored == replayed:
        return ""
    if stored is None or replayed is None:
        return "there is nothing stored" if stored is None else "the journal is empty"
    names = [
        name
        for name in type(stored).model_fields
        if name in stored.model_fields_set
        and not _agrees(getattr(stored, name), getattr(replayed, name))
    ]
    return f"stored otherwise than the journal says: {', '.join(names)}" if names else ""


def _agrees(stored: object, replayed: object) -> bool:
    """Whether all that is stored is as it should be."""
    if isinstance(stored, Frozen) and type(stored) is type(replayed):
        return all(
            _agrees(getattr(stored, name), getattr(replayed, name))
            for name in stored.model_fields_set
        )
    if isinstance(stored, tuple) and isinstance(replayed, tuple):
        return len(stored) == len(replayed) and all(map(_agrees, stored, replayed))
    return stored == replayed
