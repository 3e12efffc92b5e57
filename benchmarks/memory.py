"""Memory after many sales against memory after a few, in one process with one database file.

Resident memory is what the operating system had to give at most. The blocks that Python objects
hold are counted beside it, because a slow leak can hide for long in what is resident anyway.
"""

from __future__ import annotations

import gc
import resource
import sys
from typing import TYPE_CHECKING

from benchmarks.measure import Row, folder, show, size
from benchmarks.world import open_flow, sell_in_steps

from checkoutflow import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator


def rows() -> Iterator[Row]:
    """Sell a few, look, sell many more and look again."""
    few, many = size(quick=20, usual=100), size(quick=200, usual=10_000)
    with folder() as place:
        store = open_store(place / "shop.db")
        store.create()
        with open_flow(store) as flow:
            for _ in range(few):
                sell_in_steps(flow)
            resident, blocks = _resident_mb(), _blocks()
            for _ in range(many - few):
                sell_in_steps(flow)
            resident_then, blocks_then = _resident_mb(), _blocks()
    after = f"after {many:,} sales / after {few:,}"
    yield Row(
        f"resident memory {after}",
        f"{resident_then:.1f} MB",
        f"{resident:.1f} MB",
        resident_then / resident,
        "~ 1",
    )
    yield Row(
        f"Python's memory blocks {after}",
        f"{blocks_then:,}",
        f"{blocks:,}",
        blocks_then / blocks,
        "~ 1",
    )


def _resident_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3  # bytes there, else kilobytes


def _blocks() -> int:
    gc.collect()
    return sys.getallocatedblocks()


if __name__ == "__main__":
    show(rows())
