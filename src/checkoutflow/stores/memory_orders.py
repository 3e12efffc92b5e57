"""What the memory store keeps of orders to know them again: sightings, values and lists."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime
    from threading import RLock

    from checkoutflow.stores.contract import Change, ListingRow, SightingRow, Tally


class MemoryOrders:
    """The part of `MemoryStore` by which orders are known again."""

    _lock: RLock

    def __init__(self) -> None:
        """Begin empty."""
        # By what is counted, and by whose they are; each once.
        self._seen: dict[tuple[str, str, str], dict[tuple[datetime, str], SightingRow]] = {}
        self._seen_of: dict[str, dict[tuple[str, str, str, datetime], SightingRow]] = {}
        self._values: dict[str, Counter[int]] = {}
        self._listings: dict[tuple[str, str], ListingRow] = {}

    def _write_order(self, change: Change) -> None:
        """What a change says about its order."""
        mine = self._seen_of.get(change.state.subject, {}).values()
        self._lose_sightings([row for row in mine if row.fate in change.unseen])
        for row in change.sightings:
            what = (row.kind, row.digest, row.fate)
            self._seen.setdefault(what, {})[row.at, row.subject] = row
            self._seen_of.setdefault(row.subject, {})[*what, row.at] = row
        if change.value is not None:
            currency, band = change.value
            self._values.setdefault(currency, Counter())[band] += 1

    def _lose_sightings(self, rows: Collection[SightingRow]) -> None:
        for row in rows:
            what = (row.kind, row.digest, row.fate)
            del self._seen[what][row.at, row.subject]
            del self._seen_of[row.subject][*what, row.at]

    def sightings(self, subject_id: str) -> Sequence[SightingRow]:
        """What an order was seen by, and what became of it."""
        with self._lock:
            return tuple(self._seen_of.get(subject_id, {}).values())

    def count_sightings(
        self, tallies: Sequence[Tally], *, apart_from: str, most: int
    ) -> Sequence[int]:
        """How many sightings there are of each, and at most so many."""
        with self._lock:
            return [
                sum(1 for _ in islice(self._counted(tally, apart_from), most)) for tally in tallies
            ]

    def _counted(self, tally: Tally, apart_from: str) -> Iterator[SightingRow]:
        """What a tally counts, the latest first: most of it is young."""
        for digest in tally.digests:
            for row in reversed(self._seen.get((tally.kind, digest, tally.fate), {}).values()):
                if row.at > tally.since and row.subject != apart_from:
                    yield row

    def values(self, currency: str) -> Mapping[int, int]:
        """How many orders were counted in each band of value."""
        with self._lock:
            return dict(self._values.get(currency, {}))

    def listed(self, items: Collection[tuple[str, str]], now: datetime) -> Sequence[ListingRow]:
        """What of these kinds and values is on a list and counts."""
        with self._lock:
            found = (self._listings.get(item) for item in items)
            return [row for row in found if row is not None and now < row.expires_at]

    def listings(
        self, *, after: tuple[str, str] = ("", ""), limit: int = 100
    ) -> Sequence[ListingRow]:
        """What is on a list, in order of kind and value, after one of them."""
        with self._lock:
            names = sorted(name for name in self._listings if name > after)
            return [self._listings[name] for name in names[:limit]]

    def set_listing(self, row: ListingRow) -> None:
        """Put something on a list, in place of where it was before."""
        with self._lock:
            self._listings[row.kind, row.value] = row

    def remove_listing(self, kind: str, value: str) -> bool:
        """Take something off its list; False if it is on none."""
        with self._lock:
            return self._listings.pop((kind, value), None) is not None
