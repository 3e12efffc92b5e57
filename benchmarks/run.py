"""``make bench``: print one table of ratios. ``docs/explanation/performance.md`` explains it.

Each part has an interpreter of its own, so that none inherits the imports, the memory or
the garbage of another.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PARTS = (
    "machine",
    "durable",
    "core",
    "choice",
    "providers",
    "imports",
    "memory",
    "loading",
    "recognition",
    "alike",
    "review",
    "due",
)


def main() -> None:
    """Run all parts, one after the other."""
    for part in PARTS:
        command = [sys.executable, "-m", f"benchmarks.{part}"]
        subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 -- our own modules


if __name__ == "__main__":
    main()
