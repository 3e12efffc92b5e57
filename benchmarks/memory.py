"""Memory after many sales against memory after a few, in one process with one database file.

Resident memory is what the operating system had to give at most. The blocks that Python objects
hold are counted beside it, because a slow leak can hide for long in what is resident anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.measure import Row, blocks, folder, peak_mb, show, size
from benchmarks.world import open_flow, sell_in_steps

from checkoutflow import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator


def rows() -> Iterator[Row]:
    """Sell a few, look, sell many more and look again."""
    few, many = size(quick=20, usual=100), size(quick=200, usual=3_000)
    with folder() as place:
        store = open_store(place / "shop.db")
        store.create()
        with open_flow(store) as flow:
            for _ in range(few):
                sell_in_steps(flow)
            resident, held = peak_mb(), blocks()
            for _ in range(many - few):
                sell_in_steps(flow)
            resident_then, held_then = peak_mb(), blocks()
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
        f"{held_then:,}",
        f"{held:,}",
        held_then / held,
        "~ 1",
    )


if __name__ == "__main__":
    show(rows())
