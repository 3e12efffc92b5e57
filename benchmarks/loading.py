"""Loading one checkout of a large store against loading one of a small store.

Both stores are filled by SQL with copies of one sold checkout. What is loaded is drawn at random
and differs each time, so that no cache of ours answers.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from random import Random
from typing import TYPE_CHECKING, Final

from benchmarks.measure import Row, folder, in_turn, show, size
from benchmarks.world import open_flow, sell_in_steps

from checkoutflow import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from checkoutflow import SqlStore

FEW: Final = 1_000
LOADS: Final = 200

# An id is as long as ours are and as random; the state is that of the sold checkout.
FILL: Final = """
WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
INSERT INTO checkoutflow_checkouts (id, phase, version, attention, updated_at, state)
SELECT lower(hex(randomblob(13))), phase, version, attention, updated_at, state
FROM n CROSS JOIN checkoutflow_checkouts AS sold WHERE sold.rowid = 1
"""


def rows() -> Iterator[Row]:
    """Load from both in turn."""
    many, rounds = size(quick=10_000, usual=100_000, full=1_000_000), size(quick=3, usual=50)
    with (
        folder() as place,
        closing(_filled(place / "large.db", many)) as large,
        closing(_filled(place / "small.db", FEW)) as small,
    ):
        large_s, small_s = in_turn(_loader(large, many), _loader(small, FEW), rounds=rounds)
    yield Row(
        f"loading a checkout from {many:,} / from {FEW:,}",
        f"{large_s / LOADS * 1e6:.0f} us",
        f"{small_s / LOADS * 1e6:.0f} us",
        large_s / small_s,
        "~ 1",
    )


def _filled(file: Path, count: int) -> SqlStore:
    store = open_store(file)
    store.create()
    sell_in_steps(open_flow(store))
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(FILL, (count,))
    return store


def _loader(store: SqlStore, count: int) -> Callable[[], None]:
    """Make what loads a few checkouts, drawn anew each time."""
    ids = store.checkouts((), limit=count)
    assert len(ids) == count
    dice = Random(7)  # noqa: S311 -- which checkouts to load is no secret

    def load() -> None:
        for checkout_id in dice.choices(ids, k=LOADS):
            assert store.load(checkout_id)

    return load


if __name__ == "__main__":
    show(rows())
