"""Comparing a large base on disk, with Splink on DuckDB.

What Splink is told is `definitions.settings`, unchanged. To do the same on Spark, give these to a
Splink linker on Spark over a table with the columns of `rows.Form`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checkoutflow.quality.definitions import (
    COMPARISONS,
    FILLERS,
    Comparison,
    counted,
    settings,
)
from checkoutflow.quality.rows import Form
from checkoutflow.quality.verdict import PERHAPS_BITS, Pair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import duckdb

_COLUMNS: Final = Form._fields
_BATCH: Final = 20_000  # rows
_CHUNK: Final = 50_000  # rows that are compared at a time with all the others
_SAMPLE: Final = 5_000  # rows
_MEMORY: Final = "2GB"


class LargeBase:
    """A base that DuckDB keeps in a folder, or in memory where there is none."""

    def __init__(self, folder: Path | None = None) -> None:
        """Start empty.

        Args:
            folder: Where the database may lie while it is compared. It holds personal data.
        """
        import duckdb  # noqa: PLC0415 -- of an extra

        self._base = duckdb.connect(
            str(folder / "base.duckdb") if folder else ":memory:",
            config={"autoinstall_known_extensions": "false"},  # nothing is fetched from anywhere
        )
        if folder:
            self._base.execute(f"SET memory_limit = '{_MEMORY}'")
            self._base.execute("SET temp_directory = ?", [str(folder)])
        self._base.execute("SET enable_progress_bar = false")
        columns = ", ".join(f"{column} VARCHAR" for column in _COLUMNS[1:])
        self._base.execute(f"CREATE TABLE base (row INTEGER, {columns})")
        self._waiting: list[Form] = []
        self._rows = 0

    def close(self) -> None:
        """Let go of the database."""
        self._base.close()

    def add(self, form: Form) -> None:
        """Take in a row."""
        self._waiting.append(form)
        self._rows += 1
        if len(self._waiting) == _BATCH:
            self._store()

    def _store(self) -> None:
        # It comes with Splink, and without stubs.
        import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 -- of an extra

        if not self._waiting:
            return
        columns = zip(*self._waiting, strict=True)
        batch = pa.table(
            {
                name: [value or None for value in values]
                for name, values in zip(_COLUMNS, columns, strict=True)
            }
        )
        self._base.register("batch", batch)
        self._base.execute("INSERT INTO base SELECT * FROM batch")
        self._base.unregister("batch")
        self._waiting.clear()

    def pairs(self, tick: Callable[[int, int], None]) -> Iterator[Pair]:
        """Give every pair that may be one person or of one household.

        Args:
            tick: Is told how many rows of how many have been compared with the others.
        """
        from splink import DuckDBAPI, Linker  # noqa: PLC0415 -- of an extra

        self._store()
        self._forget_fillers()
        comparisons = counted(COMPARISONS, self._sample())
        if not comparisons:
            tick(self._rows, self._rows)
            return
        interface = DuckDBAPI(connection=self._base)
        linker = Linker(
            interface.register("base"),
            settings(comparisons, self._rows),
            log_level=None,
        )
        chunks = -(-self._rows // _CHUNK)
        for chunk in range(1, chunks + 1):
            tick((chunk - 1) * self._rows // chunks, self._rows)
            found = linker.inference.predict_chunk(
                left_chunk=(chunk, chunks),
                right_chunk=(1, 1),
                threshold_match_weight=PERHAPS_BITS,
                warning_mode="never",
            )
            yield from _read(self._base, found.physical_name, comparisons)
            found.drop_table_from_database_and_remove_from_cache()
        tick(self._rows, self._rows)

    def _forget_fillers(self) -> None:
        for filler in FILLERS:
            columns = ", ".join(filler.columns)
            known = " AND ".join(f"{column} IS NOT NULL" for column in filler.columns)
            nothing = ", ".join(f"{column} = NULL" for column in filler.columns)
            self._base.execute(
                f"UPDATE base SET {nothing} WHERE ({columns}) IN (SELECT ({columns}) FROM base "  # noqa: S608 -- our own names
                f"WHERE {known} GROUP BY {columns} HAVING count(*) > ?)",
                [filler.most(self._rows)],
            )

    def _sample(self) -> list[Form]:
        step = max(self._rows // _SAMPLE, 1)
        rows = self._base.execute("SELECT * FROM base WHERE row % ? = 0 ORDER BY row", [step])
        return [Form(row, *(value or "" for value in values)) for row, *values in rows.fetchall()]


def _read(
    base: duckdb.DuckDBPyConnection, table: str, comparisons: Sequence[Comparison]
) -> Iterator[Pair]:
    # Splink numbers levels from the bottom, beginning with 0; unknown is -1.
    answers = [(each.name, each.levels[::-1]) for each in comparisons]
    gammas = ", ".join(f"gamma_{each.name}" for each in comparisons)
    query = f"SELECT row_l, row_r, match_weight, {gammas} FROM {table}"  # noqa: S608 -- own names
    rows = base.cursor().execute(query)
    while batch := rows.fetchmany(_BATCH):
        for left, right, bits, *places in batch:
            levels = {
                name: levels[place]
                for (name, levels), place in zip(answers, places, strict=True)
                if place >= 0
            }
            yield Pair(min(left, right), max(left, right), bits, levels)
