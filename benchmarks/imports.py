"""Importing, each time in a fresh interpreter that times nothing but the import."""

from __future__ import annotations

import subprocess
import sys
from statistics import median
from typing import TYPE_CHECKING, Final

from benchmarks.measure import Row, show, size

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAVY: Final = {
    "babel",
    "cryptography",
    "holidays",
    "httpx",
    "phonenumbers",
    "sqlalchemy",
    "stdnum",
}
PAIRS: Final = (
    (
        "import checkoutflow / import pydantic",
        "import checkoutflow",
        "import pydantic",
        "<= 1.3",
    ),
    (
        "importing CheckoutFlow, Cart, Shop and Money / pydantic's BaseModel",
        "from checkoutflow import CheckoutFlow, Cart, Shop, Money",
        "from pydantic import BaseModel",
        "",
    ),
)
CHILD: Final = """\
import sys
from time import perf_counter
began = perf_counter()
{statement}
print(perf_counter() - began, *{{name.partition(".")[0] for name in sys.modules}})
"""


def rows() -> Iterator[Row]:
    """Measure the bare import, and what a shop's first line needs."""
    for what, ours, theirs, aim in PAIRS:
        taken: dict[str, list[float]] = {ours: [], theirs: []}
        for _ in range(1 + size(quick=3, usual=25)):
            for statement, seconds in taken.items():
                took_s, loaded = _import(statement)
                assert not HEAVY & loaded, f"{statement} loads {sorted(HEAVY & loaded)}"
                seconds.append(took_s)
        ours_s, theirs_s = (median(seconds[1:]) for seconds in taken.values())
        yield Row(
            what,
            f"{ours_s * 1e3:.1f} ms",
            f"{theirs_s * 1e3:.1f} ms",
            ours_s / theirs_s,
            aim,
        )


def _import(statement: str) -> tuple[float, set[str]]:
    done = subprocess.run(  # noqa: S603 -- the statements above in this interpreter
        [sys.executable, "-c", CHILD.format(statement=statement)],
        check=True,
        capture_output=True,
        text=True,
    )
    seconds, *loaded = done.stdout.split()
    return float(seconds), set(loaded)


if __name__ == "__main__":
    show(rows())
