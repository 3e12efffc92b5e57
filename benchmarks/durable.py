"""A durable sale through `CheckoutFlow` against the bare database doing the same writes.

The bound is the standard ``sqlite3`` with prepared statements: the statements and the values that
the store ran for the same sales, in as many transactions, into the same tables with the same
indexes, pragmas and bytes. Deciding, sealing, reading and everything else is ours alone.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from benchmarks.measure import Row, folder, in_turn, show, size
from benchmarks.world import open_flow, sell_in_steps, sell_together
from sqlalchemy import StaticPool, create_engine

from checkoutflow import SqlStore, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from checkoutflow import CheckoutFlow

    Sell = Callable[[CheckoutFlow], str]
    Transaction = list[tuple[str, str, Any]]

# Each round is long enough to meet a checkpoint of the write-ahead log.
SALES: Final = 20
AIM: Final = ">= 0.8"


class Recording(sqlite3.Connection):
    """Keeps every transaction that changed a row: its statements with their values."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 -- as sqlite3 has them
        """Connect."""
        super().__init__(*args, **options)
        self.transactions: list[Transaction] = []
        self.current: Transaction = []
        self._changes = self.total_changes

    def cursor(self, factory: Any = None) -> Any:  # noqa: ANN401, ARG002 -- as sqlite3 has it
        """Give a cursor that keeps what it runs."""
        return super().cursor(_RecordingCursor)

    def commit(self) -> None:
        """Commit, and keep what was committed."""
        super().commit()
        if self.total_changes != self._changes:
            self.transactions.append(self.current)
            self._changes = self.total_changes


class _RecordingCursor(sqlite3.Cursor):
    connection: Recording

    def execute(self, sql: str, parameters: Any = ()) -> _RecordingCursor:  # noqa: ANN401 -- same
        if sql.startswith("BEGIN"):
            self.connection.current = []
        self.connection.current.append(("execute", sql, parameters))
        super().execute(sql, parameters)
        return self

    def executemany(self, sql: str, rows: Any) -> _RecordingCursor:  # noqa: ANN401 -- same
        self.connection.current.append(("executemany", sql, rows))
        super().executemany(sql, rows)
        return self


def rows() -> Iterator[Row]:
    """Measure a sale with every step a call of its own, and one with steps given together."""
    yield _row("every step a call", sell_in_steps, at_most=7)
    yield _row("steps given together", sell_together, at_most=6)


def _row(how: str, sell: Sell, *, at_most: int) -> Row:
    rounds = size(quick=3, usual=20)
    with folder() as place:
        transactions = _record(place / "recorded.db", sell, (1 + rounds) * SALES)
        commits, rest = divmod(len(transactions), (1 + rounds) * SALES)
        assert rest == 0
        assert commits <= at_most
        for name in ("ours.db", "bare.db"):
            with closing(open_store(place / name)) as store:
                store.create()
        with (
            open_flow(open_store(place / "ours.db")) as flow,
            closing(_connect(place / "bare.db")) as bare,
        ):
            cursor, left = bare.cursor(), iter(transactions)

            def sell_some() -> None:
                for _ in range(SALES):
                    sell(flow)

            def replay_some() -> None:
                for _ in range(SALES * commits):
                    for method, statement, values in next(left):
                        getattr(cursor, method)(statement, values)
                    cursor.execute("COMMIT")

            ours_s, bound_s = in_turn(sell_some, replay_some, rounds=rounds)
        assert _content(place / "ours.db") == _content(place / "bare.db")
    return Row(
        f"durable sale, {how}, {commits} commits: bound / ours",
        f"{ours_s / SALES * 1e3:.2f} ms",
        f"{bound_s / SALES * 1e3:.2f} ms",
        bound_s / ours_s,
        AIM,
    )


def _record(file: Path, sell: Sell, sales: int) -> list[Transaction]:
    with closing(open_store(file)) as store:
        store.create()
    with closing(sqlite3.connect(file, factory=Recording)) as connection:
        engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
        flow = open_flow(SqlStore(engine))
        for _ in range(sales):
            sell(flow)
        return connection.transactions


def _connect(file: Path) -> sqlite3.Connection:
    """Connect as safely as the store does; the write-ahead log is kept in the file."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def _content(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        return list(connection.iterdump())


if __name__ == "__main__":
    show(rows())
