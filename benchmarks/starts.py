"""A sale that everybody waits for: as many starts a second as a store takes, and more than that.

What one client starts is held against the bare driver writing the same. Then many start at once and
without a pause, which is more than the store takes: each call must begin a checkout or raise an
error that says so, and none may wait much longer than it takes to serve all that ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.measure import Row, folder, show, size
from benchmarks.race import against_bare, content, has_server, new_database, race, server, share

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CROWD: Final = 16


def rows() -> Iterator[Row]:
    """Measure on SQLite, and on PostgreSQL where there is a server."""
    with folder() as place:
        yield from _rows("SQLite", str(place), place)
    if has_server() and size(quick=0, usual=1):
        with folder() as place, server(place / "data") as url:
            yield from _rows("PostgreSQL", url, place)


def _rows(name: str, url: str, place: Path) -> Iterator[Row]:
    each, rounds = size(quick=50, usual=400), size(quick=1, usual=3)
    ours, bare = against_bare(url, place, "start", clients=1, each=each, rounds=rounds)
    yield share(f"{name}, starts a second by one client: ours / bare driver", ours, bare)
    crowd, each = size(quick=2, usual=CROWD), size(quick=50, usual=200)
    target = new_database(url, "crowd")
    raced = race("ours", target, place, "start", clients=crowd, each=each)
    begun, asked = len(content(target, "start")[0]), crowd * each
    assert begun == asked - raced.refused.total(), "a start was lost, or came from nowhere"
    assert raced.refused.keys() <= {"StoreUnavailable"}, raced.refused
    rate = begun / raced.seconds
    yield Row(
        f"{name}, starts a second by {crowd} clients without a pause / by one",
        f"{rate:.0f} /s",
        f"{ours:.0f} /s",
        rate / ours,
    )
    turn_s, slowest_s = crowd / rate, max(raced.each_s)
    yield Row(
        f"{name}, the slowest of these {asked:,} starts / a turn of all {crowd} clients",
        f"{slowest_s * 1e3:.0f} ms",
        f"{turn_s * 1e3:.0f} ms",
        slowest_s / turn_s,
    )
    yield Row(
        f"{name}, of these starts refused with StoreUnavailable / begun",
        f"{raced.refused.total():,}",
        f"{begun:,}",
        raced.refused.total() / begun,
        "0",
    )


if __name__ == "__main__":
    show(rows())
