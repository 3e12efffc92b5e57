"""What it runs on: without it the figures mean nothing, and the ratios less."""

from __future__ import annotations

import os
import platform
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from benchmarks.measure import folder, in_turn, keep, show_cells


def machine() -> str:
    """Describe it in one line, with the time that it takes to keep a row for good."""
    with folder() as place, closing(sqlite3.connect(place / "one.db", isolation_level=None)) as one:
        one.execute("PRAGMA journal_mode = WAL")
        one.execute("PRAGMA synchronous = FULL")
        one.execute("CREATE TABLE rows (row)")
        (commit_s,) = in_turn(lambda: one.execute("INSERT INTO rows VALUES (1)"), rounds=500)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return (
        f"{os.cpu_count()} cores{_kind()}, {python}, SQLite {sqlite3.sqlite_version}; "
        f"a durable commit of one row takes {commit_s * 1e3:.2f} ms"
    )


def _kind() -> str:
    """What kind of cores, where the system tells."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return f" of {value.strip()}"
    return ""


if __name__ == "__main__":
    print(about := machine(), end="\n\n")
    keep(about)
    show_cells("", "ours", "theirs", "ratio", "aim")
