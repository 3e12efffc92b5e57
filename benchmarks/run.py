"""``make bench``: print one table of ratios. ``docs/explanation/performance.md`` explains it.

``make bench ARGS=--write`` keeps them in ``docs/explanation/performance.json``, and makes the
tables and the chart of the page from it; ``ARGS=--draw`` makes these alone.

Each part has an interpreter of its own, so that none inherits the imports, the memory or
the garbage of another.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from importlib import import_module
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parents[1]
PARTS = (
    "machine",
    "durable",
    "starts",
    "webhooks",
    "recovery",
    "core",
    "choice",
    "providers",
    "imports",
    "memory",
    "hour",
    "loading",
    "recognition",
    "alike",
    "review",
    "due",
)
# They need a server or packages that are installed first, and are left out of a short run.
LONG = ("server", "waiting", "peers")


def main() -> None:
    """Run all parts, one after the other."""
    parser = ArgumentParser(description="Measure, and print one table of ratios.")
    parser.add_argument("--write", action="store_true", help="also make the page of the docs")
    parser.add_argument("--draw", action="store_true", help="make the page of what was measured")
    asked = parser.parse_args()
    sys.path[0] = str(ROOT)
    page = import_module("benchmarks.page")
    if not asked.draw:
        measured = measure(PARTS if os.environ.get("BENCH_QUICK") else PARTS + LONG)
        if asked.write:
            page.RESULTS.write_text(json.dumps(measured, indent=1) + "\n", "utf-8")
    if asked.draw or asked.write:
        page.make()


def measure(parts: tuple[str, ...]) -> dict[str, object]:
    """Run parts: on what machine, and by part how many seconds it took and its rows."""
    file = ROOT / "build" / "rows.jsonl"
    file.parent.mkdir(exist_ok=True)
    measured: dict[str, object] = {}
    for part in parts:
        file.write_text("", "utf-8")
        began = perf_counter()
        subprocess.run(  # noqa: S603 -- our own modules
            [sys.executable, "-m", f"benchmarks.{part}"],
            cwd=ROOT,
            env={**os.environ, "BENCH_ROWS": str(file)},
            check=True,
        )
        rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        seconds = round(perf_counter() - began)
        measured[part] = rows[0] if part == "machine" else {"seconds": seconds, "rows": rows}
    return measured


if __name__ == "__main__":
    main()
