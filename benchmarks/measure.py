"""How things are measured and printed: in turn, by medians, and always against something."""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ROOT: Final = Path(__file__).parents[1]


class Row(NamedTuple):
    """One line of the table.

    Attributes:
        what: What is measured, and what the ratio is of.
        ours: Our figure with its unit; for orientation, as it depends on the machine.
        theirs: The figure that it is held against.
        ratio: What counts.
        aim: What we want of the ratio; empty where there is no aim.
    """

    what: str
    ours: str
    theirs: str
    ratio: float
    aim: str = ""


def size(*, quick: int, usual: int, full: int | None = None) -> int:
    """How much to do: for ``BENCH_QUICK=1``, as usual, or for ``BENCH_FULL=1``."""
    if os.environ.get("BENCH_QUICK"):
        return quick
    if full is not None and os.environ.get("BENCH_FULL"):
        return full
    return usual


def in_turn(*runs: Callable[[], object], rounds: int) -> list[float]:
    """Median seconds of each, run A B A B ..., so that all of them meet the same machine.

    A first round that warms up is not counted.
    """
    taken: list[list[float]] = [[] for _ in runs]
    for _ in range(1 + rounds):
        for run, seconds in zip(runs, taken, strict=True):
            began = perf_counter()
            run()
            seconds.append(perf_counter() - began)
    return [median(seconds[1:]) for seconds in taken]


def many_and_few(
    what: str, each_s: Callable[[Path, int], float], *, many: int, few: int, rounds: int
) -> Row:
    """What one of many costs, in seconds, and one of few: so often before the many, and after."""
    with folder() as place:
        small = [each_s(place / f"{n}.db", few) for n in range(rounds)]
        large_s = each_s(place / "large.db", many)
        small += [each_s(place / f"{n}.db", few) for n in range(rounds, 2 * rounds)]
    small_s = median(small)
    return Row(what, f"{large_s * 1e6:.0f} us", f"{small_s * 1e6:.0f} us", large_s / small_s, "~ 1")


def resident_mb() -> float:
    """What memory this process has now; where that cannot be asked, what it had at most."""
    with suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    return peak_mb()


def peak_mb() -> float:
    """What memory this process had at most."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3  # bytes there, else kilobytes


def blocks() -> int:
    """How many blocks of memory Python's objects hold."""
    gc.collect()
    return sys.getallocatedblocks()


@contextmanager
def folder() -> Iterator[Path]:
    """Give an empty folder on the disk of the repository: elsewhere it might be in memory."""
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=build, prefix="bench-") as name:
        yield Path(name)


def show(rows: Iterable[Row]) -> None:
    """Print rows as they come, and keep them where ``run.py`` wants them."""
    for row in rows:
        show_cells(row.what, row.ours, row.theirs, f"{row.ratio:.2f}", row.aim)
        keep(row._asdict())


def show_cells(what: str, ours: str, theirs: str, ratio: str, aim: str) -> None:
    """Print one line of the table."""
    print(f"{what:<66}{ours:>11}{theirs:>11}{ratio:>7}  {aim}".rstrip(), flush=True)


def keep(found: object) -> None:
    """Add something to the file that ``run.py`` names, if it does."""
    if file := os.environ.get("BENCH_ROWS"):
        with Path(file).open("a", encoding="utf-8") as stream:
            print(json.dumps(found), file=stream)
