"""The same job by others, in the same run: django-payments, django-getpaid and django-oscar.

They are installed in ``build/peers`` with checkoutflow itself, so that all run on the same
interpreter: ``PEERS_PYTHON`` names one, by default this one. What does not install on it is left
out; python-getpaid-core needs Python 3.12. None of them has a journal, seals details, works out
taxes or writes down what it is about to ask; ``docs/explanation/performance.md`` says more.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from statistics import median
from typing import TYPE_CHECKING, Final, Self

from benchmarks.measure import ROOT, Row, folder, show, size

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OURS: Final = "checkoutflow"
OTHERS: Final = ("django-payments", "django-getpaid", "django-oscar")
SALES: Final = 20
HERE: Final = ROOT / "benchmarks" / "peer"


def rows() -> Iterator[Row]:
    """Sell in turn."""
    try:
        python = _installed()
    except subprocess.CalledProcessError:
        print("others that do the same are not measured: they could not be installed")
        return
    rounds = size(quick=2, usual=15)
    with folder() as place, ExitStack() as stack:
        shops = {name: stack.enter_context(_Shop(python, name, place)) for name in (OURS, *OTHERS)}
        shops = {name: shop for name, shop in shops.items() if shop.version}
        taken: dict[str, list[float]] = {name: [] for name in shops}
        for _ in range(1 + rounds):
            for name, shop in shops.items():
                taken[name].append(shop.sell())
    ours_s, *others_s = (median(times[1:]) / SALES for times in taken.values())
    for (name, shop), theirs_s in zip(list(shops.items())[1:], others_s, strict=True):
        yield Row(
            f"a durable sale / an order paid, authorised and captured, by {name} {shop.version}",
            f"{ours_s * 1e3:.2f} ms",
            f"{theirs_s * 1e3:.2f} ms",
            ours_s / theirs_s,
        )


class _Shop:
    """One of them, in a process of its own that waits until it is to sell."""

    def __init__(self, python: Path, name: str, place: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 -- our own script
            [python, HERE / "sell.py", name, place / f"{name}.db", str(SALES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.version = self._answer()

    def _answer(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().strip()

    def sell(self) -> float:
        """Seconds for so many sales."""
        assert self._process.stdin
        self._process.stdin.write("\n")
        return float(self._answer())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.communicate()


def _installed() -> Path:
    """The interpreter of an environment with all of them."""
    place = ROOT / "build" / "peers"
    python, done = place / "bin" / "python", place / "installed"
    asked, pins = HERE / "requirements.txt", ROOT / "constraints.txt"
    wanted = asked.read_text("utf-8") + pins.read_text("utf-8")
    if not done.exists() or done.read_text("utf-8") != wanted:
        base = os.environ.get("PEERS_PYTHON", sys.executable)
        subprocess.run([base, "-m", "venv", "--clear", place], check=True)  # noqa: S603 -- ours
        install: list[str | Path]
        install = [python, "-m", "pip", "install", "--quiet", "-c", pins, "-r", asked, "-e", ROOT]
        subprocess.run(install, check=True)  # noqa: S603 -- as above
        done.write_text(wanted, "utf-8")
    return python


if __name__ == "__main__":
    show(rows())
