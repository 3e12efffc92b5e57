"""What the store asks of a kind of database, and the modules that answer.

Tables and statements are shared. How a connection is made safe, how a transaction begins and what
an error means are each database's own: a module with these names.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol

from checkoutflow.errors import NotSupported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Dialect, Table
    from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor

    from checkoutflow.errors import StoreError


class Database(Protocol):
    """One kind of database."""

    @property
    def DIALECT(self) -> Dialect:  # noqa: N802 -- a constant of a module
        """What statements are compiled for."""

    @property
    def Error(self) -> type[Exception]:  # noqa: N802 -- as drivers name it
        """What its driver raises."""

    @property
    def BEGIN_WRITE(self) -> str:  # noqa: N802 -- a constant of a module
        """Begins a transaction that writes what was decided before."""

    @property
    def BEGIN_ALONE(self) -> str:  # noqa: N802 -- a constant of a module
        """Begins one that looks and then writes, as if nobody else wrote meanwhile."""

    @property
    def BEGIN_READ(self) -> str:  # noqa: N802 -- a constant of a module
        """Begins one that reads, all of it as of one moment."""

    @property
    def LAST(self) -> Sequence[str]:  # noqa: N802 -- a constant of a module
        """By what the rows of the journal are in the order in which they came."""

    @property
    def HAS_TABLES(self) -> str:  # noqa: N802 -- a constant of a module
        """Asks whether our tables are there; a row if they are."""

    @property
    def MONTH_OF_EXPIRY(self) -> str:  # noqa: N802 -- a constant of a module
        """The month in which a row is over, as text: ``2026-11``."""

    @property
    def BEGIN_CREATE(self) -> Sequence[str]:  # noqa: N802 -- a constant of a module
        """Begins a transaction that makes or changes tables: one at a time."""

    @property
    def GUARDS(self) -> Sequence[str]:  # noqa: N802 -- a constant of a module
        """What makes the database refuse to change what proves something."""

    @property
    def insert(self) -> Callable[[Table], Any]:
        """An INSERT that can say what to do if the row is there."""

    def take_over(self, connection: DBAPIConnection) -> None:
        """See to it that a new connection begins and ends transactions only when it is told to."""

    def join(self, connection: Any, cursor: DBAPICursor) -> None:  # noqa: ANN401 -- a driver's
        """See that a connection of somebody else's is in a transaction, and safe.

        Raises:
            UsageError: If it is not.
        """

    def require_alone(self, cursor: DBAPICursor) -> None:
        """See that a transaction may look and then write.

        Raises:
            UsageError: If others could write meanwhile.
        """

    def make_safe(self, cursor: DBAPICursor) -> None:
        """Set on a connection what keeps data safe."""

    def together(self, cursor: DBAPICursor) -> AbstractContextManager[object]:
        """A block of statements whose answers are waited for together, at its end."""

    def empty_log(self, cursor: DBAPICursor) -> None:
        """See that nothing of what was destroyed is left on disk, as far as can be now."""

    def explain(self, error: Any, *, is_ending: bool = False) -> StoreError:  # noqa: ANN401 -- an `Error`
        """Say what an error means for the caller, and nothing of what was to be written.

        Args:
            error: What the driver raised.
            is_ending: Whether the transaction was told to commit.
        """

    def is_lost(self, error: Any) -> bool:  # noqa: ANN401 -- an `Error`
        """Whether an error says that the connection is gone, and others with it."""


def run_all(
    ours: Database, cursor: DBAPICursor, statements: Iterable[tuple[str, tuple[object, ...]]]
) -> None:
    """Run statements, each with its values; what is said several times is said at once."""
    with ours.together(cursor):
        for statement, items in groupby(statements, itemgetter(0)):
            rows = [values for _, values in items]
            if len(rows) == 1:
                cursor.execute(statement, rows[0])
            else:
                cursor.executemany(statement, rows)


def database(name: str) -> Database:
    """The module of a kind of database.

    Raises:
        NotSupported: If there is none.
    """
    match name:
        case "sqlite":
            from checkoutflow.stores import sqlite  # noqa: PLC0415 -- only what is used is loaded

            return sqlite
        case "postgresql":
            from checkoutflow.stores import postgresql  # noqa: PLC0415 -- as above

            return postgresql
        case _:
            raise NotSupported(f"SqlStore works on SQLite and PostgreSQL, not on {name}")
