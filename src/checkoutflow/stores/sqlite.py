"""What is SQLite's own: how a connection is made safe, how a write begins, what its errors mean.

`checkoutflow.stores.databases` says what the names are for.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

from sqlalchemy.dialects import sqlite

from checkoutflow.errors import StoreConflict, StoreError, StoreUnavailable, UsageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor

DIALECT: Final = sqlite.dialect()
insert: Final = sqlite.insert

# Takes the right to write at once. A transaction that begins as a reader and writes later can be
# refused after it has read.
BEGIN_WRITE: Final = "BEGIN IMMEDIATE"
BEGIN_ALONE: Final = BEGIN_WRITE
BEGIN_CREATE: Final = (BEGIN_WRITE,)
BEGIN_READ: Final = "BEGIN"

LAST: Final = ("rowid",)
MONTH_OF_EXPIRY: Final = "strftime('%Y-%m', expires_at / 1000000, 'unixepoch')"
HAS_TABLES: Final = (
    "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'checkoutflow_schema'"
)

# What is never changed and never removed; and proofs, which are removed when they are over.
_FOR_EVER: Final = ("journal", "ledger", "series")
_PROOFS: Final = ("consents", "erasures", "reads")
_IS_NOT_OVER: Final = (
    "WHEN OLD.expires_at IS NULL OR OLD.expires_at >"
    " (SELECT coalesce(max(swept_at), 0) FROM checkoutflow_schema)"
)
# Of a consent only its end is ever set anew.
_OF_A_CONSENT: Final = "subject_id, place, at, kind, is_given, text, locale, proof"


def _guard(table: str, action: str, are: str, when: str = "", of: str = "") -> str:
    return (
        f"CREATE TRIGGER checkoutflow_{table}_refuses_{action}"
        f" BEFORE {action}{of} ON checkoutflow_{table} {when}"
        f" BEGIN SELECT RAISE(ABORT, 'the {table} {are} append-only'); END"
    )


# They cost nothing that can be measured.
GUARDS: Final = (
    *(_guard(table, action, "is") for table in _FOR_EVER for action in ("update", "delete")),
    *(_guard(table, "delete", "are", _IS_NOT_OVER) for table in _PROOFS),
    *(_guard(table, "update", "are") for table in _PROOFS[1:]),
    _guard("consents", "update", "are", of=f" OF {_OF_A_CONSENT}"),
)

Error: Final = sqlite3.Error

_ADVICE: Final = {
    sqlite3.SQLITE_FULL: "the disk is full; make room on it",
    sqlite3.SQLITE_READONLY: "the database may only be read; give this process the right to write"
    " the file, those beside it that end in -wal and -shm, and the folder",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened; check its path, and the rights to it and"
    " to its folder",
    sqlite3.SQLITE_IOERR: "the disk failed to read or write, or is full: see that there is room on"
    " it, and if there is, check the disk before going on",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; restore your backup",
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database; check its path",
}
_BUSY: Final = "another process kept the database locked; try again"
_TRIES: Final = 10
_CONFLICTS: Final = {
    name: f"someone else {did} first; reload it"
    for name, did in {
        "SQLITE_CONSTRAINT_PRIMARYKEY": "wrote this checkout, or used this key,",
        "SQLITE_CONSTRAINT_UNIQUE": "wrote this checkout, or used this key,",
        "SQLITE_CONSTRAINT_FOREIGNKEY": "removed what this belongs to, such as a person's key,",
    }.items()
}


def make_file(path: Path) -> None:
    """Make a database's file, empty and for its owner only, unless it is there.

    Raises:
        StoreError: If it cannot be made.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDONLY, mode=0o600))
    except OSError as error:
        raise StoreError(f"the file {path} cannot be made: {error.strerror}") from error


def take_over(connection: DBAPIConnection) -> None:
    """Do nothing: a transaction of SQLite's begins when it is told to, also for its driver."""


def make_safe(cursor: DBAPICursor) -> None:
    """Set what SQLite keeps for each connection: what is committed stays, what is deleted goes.

    Without ``secure_delete`` the bytes of a deleted row stand in the file until their place is
    needed again, also those of a person's key.

    Raises:
        StoreError: If the database cannot have a write-ahead log.
    """
    mode = _begin_log(cursor)
    if mode != "wal":
        raise StoreError(
            f"SQLite can keep no write-ahead log here (the journal mode is {mode}); use a file on a"
            " local disk"
        )
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.fetchall()


def join(connection: sqlite3.Connection, cursor: DBAPICursor) -> None:
    """See that a connection of somebody else's is in a transaction, and as safe as ours.

    Raises:
        UsageError: If it is not.
    """
    if not connection.in_transaction:
        if connection.isolation_level is None:
            raise UsageError("begin your transaction first")
        make_safe(cursor)
        cursor.execute(BEGIN_WRITE)
        return
    found = {}
    for pragma in ("synchronous", "foreign_keys", "secure_delete"):
        cursor.execute(f"PRAGMA {pragma}")
        ((found[pragma],),) = cursor.fetchall()
    if found != {"synchronous": 2, "foreign_keys": 1, "secure_delete": 1}:
        raise UsageError(
            "your connection is not safe enough: set PRAGMA synchronous = FULL, foreign_keys = ON"
            " and secure_delete = ON when it is made, or join before your first statement"
        )


def require_alone(cursor: DBAPICursor) -> None:
    """Do nothing: whoever writes is alone."""


def _begin_log(cursor: DBAPICursor) -> str:
    """Set the journal mode, which the file keeps, and say which it is now."""
    for _ in range(_TRIES):
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if _primary(error) != sqlite3.SQLITE_BUSY:
                raise
            # Somebody else is changing it. SQLite does not wait for that, but it waits to write.
            cursor.execute(BEGIN_WRITE)
            cursor.execute("ROLLBACK")
        else:
            ((mode,),) = cursor.fetchall()
            return str(mode)
    raise StoreUnavailable(_BUSY)


def together(cursor: DBAPICursor) -> AbstractContextManager[object]:  # noqa: ARG001 -- no network
    """Do nothing: there is nobody to wait for."""
    return nullcontext()


def empty_log(cursor: DBAPICursor) -> None:
    """Move the log into the file and empty it, outside any transaction.

    Pages as they were before still stand in a log that is merely copied. It waits for nobody: if
    somebody reads or writes at this moment, all is left as it is.
    """
    cursor.execute("PRAGMA busy_timeout")
    ((patience,),) = cursor.fetchall()
    cursor.execute("PRAGMA busy_timeout = 0")
    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    cursor.execute(f"PRAGMA busy_timeout = {patience}")


def is_lost(error: sqlite3.Error) -> bool:  # noqa: ARG001 -- there is nothing to lose
    """Never: there is no server."""
    return False


def explain(error: sqlite3.Error, *, is_ending: bool = False) -> StoreError:  # noqa: ARG001 -- a file says what it did
    """Say what an error means for the caller. SQLite's own texts name tables, never values."""
    if conflict := _CONFLICTS.get(getattr(error, "sqlite_errorname", "")):
        return StoreConflict(conflict)
    if _primary(error) == sqlite3.SQLITE_BUSY:
        return StoreUnavailable(_BUSY)
    return StoreError(_ADVICE.get(_primary(error)) or f"SQLite refused: {error}")


def is_damage(error: sqlite3.Error) -> bool:
    """Whether a file is damaged, or none of SQLite's."""
    return _primary(error) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _primary(error: sqlite3.Error) -> int:
    """The kind of error, without its details; zero for one of Python's module itself."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
