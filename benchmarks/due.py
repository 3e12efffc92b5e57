"""Many checkouts that expire in the same minute: a worker's time for each must not grow."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta
from time import perf_counter
from typing import TYPE_CHECKING, Final

from benchmarks.measure import many_and_few, show, size
from benchmarks.world import CART, NOON, open_flow

from checkoutflow import open_store
from checkoutflow.workers.loop import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.measure import Row

ROUNDS: Final = 1  # of few before the many, and after them


def rows() -> Iterator[Row]:
    """Measure one expiry among many that are due, and among few."""
    few, many = size(quick=50, usual=1000), size(quick=200, usual=10_000)
    what = f"one of {many:,} expiries in the same minute / of {few:,}"
    yield many_and_few(what, _expire, many=many, few=few, rounds=ROUNDS)


def _expire(file: Path, count: int) -> float:
    """Seconds for each."""
    now = [NOON]

    def clock() -> datetime:
        return now[0]

    with closing(open_store(file)) as store:
        store.create()
    with open_flow(open_store(file), clock=clock) as flow:
        for _ in range(count):
            flow.start(CART, market="DK", locale="da_DK")
        now[0] += timedelta(days=3)
        began = perf_counter()
        came = Worker(flow, clock=clock).drain()
        assert came.done == count
        return (perf_counter() - began) / count


if __name__ == "__main__":
    show(rows())
