"""What the SQL store keeps of orders to know them again: sightings, values and lists."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

from checkoutflow.stores.again import again, again_anyway
from checkoutflow.stores.contract import ListingRow, SightingRow
from checkoutflow.stores.schema import instant, moment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from sqlalchemy.engine.interfaces import DBAPICursor

    from checkoutflow.stores.contract import Change, Tally
    from checkoutflow.stores.statements import Statements

_MOST_AT_ONCE: Final = 100

_T = TypeVar("_T")


class SqlOrders:
    """The part of `SqlStore` by which orders are known again."""

    _sql: Statements

    if TYPE_CHECKING:  # what the store has

        def transaction(self, *, is_writing: bool) -> AbstractContextManager[DBAPICursor]:
            """One transaction."""

        def _ask(self, statement: str, *values: object) -> Sequence[Any]:
            """The rows that a statement finds."""

    def sightings(self, subject_id: str) -> Sequence[SightingRow]:
        """What an order was seen by, and what became of it."""
        return [
            SightingRow(kind, digest, fate, subject, moment(at), moment(until))
            for kind, digest, fate, at, subject, until in self._ask(self._sql.sightings, subject_id)
        ]

    def count_sightings(
        self, tallies: Sequence[Tally], *, apart_from: str, most: int
    ) -> Sequence[int]:
        """How many sightings there are of each, and at most so many."""
        asked = [
            (tally.kind, digest, tally.fate, instant(tally.since), apart_from, most)
            for tally in tallies
            for digest in tally.digests
        ]
        left = chain(
            *(
                self._ask(self._sql.count_sightings(len(some)), *chain(*some))[0]
                for some in _batches(asked)
            )
        )
        return [min(most, sum(islice(left, len(tally.digests)))) for tally in tallies]

    def values(self, currency: str) -> Mapping[int, int]:
        """How many orders were counted in each band of value."""
        return dict(self._ask(self._sql.values, currency))

    def _about_order(self, change: Change) -> Iterator[tuple[str, tuple[object, ...]]]:
        """What a change says about its order, as statements and values."""
        sql = self._sql
        for fate in change.unseen:
            yield sql.delete_fate, (change.state.subject, fate)
        for row in change.sightings:
            at, until = instant(row.at), instant(row.expires_at)
            yield sql.set_sighting, (row.kind, row.digest, row.fate, at, row.subject, until)
        if change.value is not None:
            yield sql.add_value, (*change.value, 1)

    def listed(self, items: Collection[tuple[str, str]], now: datetime) -> Sequence[ListingRow]:
        """What of these kinds and values is on a list and counts."""
        asked = [(kind, value, instant(now)) for kind, value in items]
        return [
            _listing(row)
            for some in _batches(asked)
            for row in self._ask(self._sql.listed(len(some)), *chain(*some))
        ]

    def listings(
        self, *, after: tuple[str, str] = ("", ""), limit: int = 100
    ) -> Sequence[ListingRow]:
        """What is on a list, in order of kind and value, after one of them."""
        return [_listing(row) for row in self._ask(self._sql.listings, *after, limit)]

    @again_anyway
    def set_listing(self, row: ListingRow) -> None:
        """Put something on a list, in place of where it was before."""
        times = (instant(row.at), instant(row.expires_at))
        values = (row.kind, row.value, row.list, row.reason, row.by, *times)
        with self.transaction(is_writing=True) as cursor:
            cursor.execute(self._sql.set_listing, values)

    @again
    def remove_listing(self, kind: str, value: str) -> bool:
        """Take something off its list; False if it is on none."""
        with self.transaction(is_writing=True) as cursor:
            cursor.execute(self._sql.delete_listing, (kind, value))
            return bool(cursor.rowcount)


def _batches(rows: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """As many as fit into one statement: databases limit its length and its values."""
    for start in range(0, len(rows), _MOST_AT_ONCE):
        yield rows[start : start + _MOST_AT_ONCE]


def _listing(row: Sequence[Any]) -> ListingRow:
    kind, value, name, reason, by, at, until = row
    return ListingRow(kind, value, name, reason, by, moment(at), moment(until))
