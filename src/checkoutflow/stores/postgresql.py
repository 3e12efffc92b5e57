"""What is PostgreSQL's own: how a connection is made safe, how a write begins, what errors mean.

A commit of a checkout runs at READ COMMITTED. Everything in it is decided before and conditional:
on the version that was read, and on keys that are there once. What looks and then writes (limits,
gift cards, people) runs at SERIALIZABLE, where the database undoes whoever would have seen
something else had they been alone; the store then runs it again.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import psycopg
from sqlalchemy.dialects import postgresql
from sqlalchemy.util import await_only

from checkoutflow.errors import (
    CommitUnknown,
    StoreConflict,
    StoreError,
    StoreUnavailable,
    UsageError,
)
from checkoutflow.stores.again import Undone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy.engine.interfaces import DBAPICursor

# Values go in by position, as in SQLite.
DIALECT: Final = postgresql.psycopg.dialect(paramstyle="format")  # type: ignore[no-untyped-call]
insert: Final = postgresql.insert

BEGIN_WRITE: Final = "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE"
BEGIN_ALONE: Final = "BEGIN ISOLATION LEVEL SERIALIZABLE, READ WRITE"
BEGIN_READ: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
# Two that make the same table at once would fail in words that nobody understands. The number is
# any that nobody else takes.
BEGIN_CREATE: Final = (BEGIN_WRITE, "SELECT pg_advisory_xact_lock(7166352188414903)")

# Of the same time, what stands further on: nothing is ever removed from the journal.
LAST: Final = ("at", "ctid")
MONTH_OF_EXPIRY: Final = "to_char(to_timestamp(expires_at / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM')"
HAS_TABLES: Final = "SELECT 1 WHERE to_regclass('checkoutflow_schema') IS NOT NULL"

# What the shop's administrator has set stands, but for one thing: what is reported as committed is
# on the disk. Nobody waits for ever, neither for a row nor for a worker that was stopped in the
# middle.
_SETTINGS: Final = {
    "synchronous_commit": ("off", "on"),
    "lock_timeout": ("0", "5s"),
    "idle_in_transaction_session_timeout": ("0", "60s"),
}

# What is never changed and never removed; and proofs, which are removed when they are over.
_FOR_EVER: Final = ("journal", "ledger", "series")
_PROOFS: Final = ("consents", "erasures", "reads")
_OF_A_CONSENT: Final = "subject_id, place, at, kind, is_given, text, locale, proof"


def _guard(table: str, action: str, are: str, *, of: str = "", by: str = "refuse") -> str:
    each = "STATEMENT" if action == "TRUNCATE" else "ROW"
    return (
        f"CREATE TRIGGER checkoutflow_{table}_refuses_{action.lower()}"
        f" BEFORE {action}{of} ON checkoutflow_{table}"
        f" FOR EACH {each} EXECUTE FUNCTION checkoutflow_{by}('the {table} {are} append-only')"
    )


GUARDS: Final = (
    # There is no order in which rows came, save by their time.
    "CREATE INDEX checkoutflow_journal_by_time ON checkoutflow_journal (at)",
    """CREATE FUNCTION checkoutflow_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_ARGV[0]; END $$""",
    """CREATE FUNCTION checkoutflow_refuse_early() RETURNS trigger LANGUAGE plpgsql
    SET search_path FROM CURRENT AS
    $$ BEGIN
        IF OLD.expires_at IS NULL OR OLD.expires_at >
            (SELECT coalesce(max(swept_at), 0) FROM checkoutflow_schema)
        THEN RAISE EXCEPTION USING MESSAGE = TG_ARGV[0]; END IF;
        RETURN OLD;
    END $$""",
    *(
        _guard(table, action, "is")
        for table in _FOR_EVER
        for action in ("UPDATE", "DELETE", "TRUNCATE")
    ),
    *(_guard(table, "DELETE", "are", by="refuse_early") for table in _PROOFS),
    *(_guard(table, "TRUNCATE", "are") for table in _PROOFS),
    *(_guard(table, "UPDATE", "are") for table in _PROOFS[1:]),
    _guard("consents", "UPDATE", "are", of=f" OF {_OF_A_CONSENT}"),
)

Error: Final = psycopg.Error

# By the first letters of the SQLSTATE.
_ADVICE: Final = {
    "55P03": "somebody else kept a row locked; try again",
    "57014": "the server cancelled a statement that took too long; try again",
    "53100": "the server's disk is full; make room on it",
    "53": "the server has no room for this now, such as for another connection; try again",
    "25006": "the server only answers questions; name the one that takes writes, as with"
    " target_session_attrs=read-write",
}
_FOR_GOOD: Final = {
    "42501": "this user of the database may not do this; give them the right to the tables",
    "28": "the server does not let this user in; check the name and the password",
    "3D000": "there is no such database on the server; make it first, or correct its name in the"
    " URL",
    "3F": "there is no schema to make the tables in: the search_path names none that is there; make"
    " it, or name another",
    "22": "it holds a character that PostgreSQL keeps no text with, such as U+0000",
}
# Who is not let in is told so in words alone: how these begin, and how they end.
_NOT_LET_IN: Final = {
    "3D000": (('database "', '" does not exist'),),
    "28000": (
        ('role "', '" does not exist'),
        ('role "', '" is not permitted to log in'),
        ("password authentication failed for user ", ""),
        ("no pg_hba.conf entry for ", ""),
    ),
}
# Tables in which whoever comes second takes the next place: they only have to look again.
_IN_A_ROW: Final = {f"checkoutflow_{name}" for name in ("ledger", *_PROOFS, "turns")}
_UNIQUE, _FOREIGN = "23505", "23503"
_IDLE: Final = psycopg.pq.TransactionStatus.IDLE


def take_over(connection: Any) -> None:  # noqa: ANN401 -- psycopg's, or SQLAlchemy's around it
    """See to it that the connection begins a transaction only when it is told to."""
    connection.rollback()
    connection.autocommit = True


def join(connection: Any, cursor: DBAPICursor) -> None:  # noqa: ANN401 -- as for take_over
    """See that a connection of somebody else's is in a transaction, or begins one by itself.

    Raises:
        UsageError: If it is not.
    """
    cursor.execute("SELECT 1")
    cursor.fetchall()
    if connection.autocommit and connection.info.transaction_status == _IDLE:
        raise UsageError("begin your transaction first")


def require_alone(cursor: DBAPICursor) -> None:
    """See that others who write meanwhile are noticed.

    Raises:
        UsageError: If they are not.
    """
    cursor.execute("SHOW transaction_isolation")
    if [tuple(row) for row in cursor.fetchall()] != [("serializable",)]:
        raise UsageError(
            "this call looks at what others write too: make it outside your transaction, or begin"
            " that with isolation level SERIALIZABLE"
        )


def make_safe(cursor: DBAPICursor) -> None:
    """Set what keeps a commit safe and nobody waiting for ever, where nothing else was chosen."""
    cursor.execute(
        "SELECT "
        + ", ".join(
            f"set_config('{name}', CASE current_setting('{name}') WHEN '{unset}' THEN '{ours}'"
            f" ELSE current_setting('{name}') END, false)"
            for name, (unset, ours) in _SETTINGS.items()
        )
    )
    cursor.fetchall()


@contextmanager
def together(cursor: Any) -> Iterator[None]:  # noqa: ANN401 -- as for take_over
    """Send statements without waiting for each answer; what went wrong first is raised by the end.

    Over a network, waiting is most of what a commit takes.
    """
    connection = getattr(cursor, "_cursor", cursor).connection
    is_awaited = isinstance(connection, psycopg.AsyncConnection)
    whole = _awaited(connection.pipeline()) if is_awaited else connection.pipeline()
    first: psycopg.Error | None = None
    try:
        with whole:
            try:
                yield
            except psycopg.Error as error:
                first = error
    except psycopg.Error as error:
        # What follows from the first error says only that it does.
        follows = isinstance(error, psycopg.errors.PipelineAborted)
        cause = error.__context__ if follows else error
        first = first or (cause if isinstance(cause, psycopg.Error) else error)
    if first is not None:
        raise first


@contextmanager
def _awaited(manager: AbstractAsyncContextManager[object]) -> Iterator[None]:
    await_only(manager.__aenter__())
    try:
        yield
    except BaseException as error:
        await_only(manager.__aexit__(type(error), error, error.__traceback__))
        raise
    await_only(manager.__aexit__(None, None, None))


def empty_log(cursor: DBAPICursor) -> None:
    """Do nothing: the server's log is its administrator's, and rows are gone with a vacuum."""


def _state(error: psycopg.Error) -> str:
    """The SQLSTATE, also where the driver gives none; empty if nothing is known."""
    if error.sqlstate:
        return error.sqlstate
    if isinstance(error, psycopg.DataError):
        return "22"
    return next((state for state in _NOT_LET_IN if _all_say(str(error), state)), "")


def _all_say(text: str, state: str) -> bool:
    """Whether each line says so: of several hosts that were tried, each has one."""
    told = [line.rpartition("FATAL:  ") for line in text.splitlines() if line.strip()]
    return bool(told) and all(
        fatal
        and any(
            said.startswith(begins) and said.rstrip().endswith(ends)
            for begins, ends in _NOT_LET_IN[state]
        )
        for _, fatal, said in told
    )


def is_lost(error: psycopg.Error) -> bool:
    """Whether the connection is gone, or the server is going."""
    state = _state(error)
    if not state:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    # 57P: the server is stopped or starts. 25P03, 25P04: it has waited too long for us.
    return state.startswith(("08", "57P", "25P03", "25P04"))


def explain(error: psycopg.Error, *, is_ending: bool = False) -> StoreError:
    """Say what an error means for the caller. The server's own texts repeat values; ours do not."""
    state = _state(error)
    if state.startswith("40"):  # could not be serialised, or a deadlock
        return Undone("others wrote the same at the same time, too often; try again")
    if is_ending and not state.startswith("23"):
        return CommitUnknown()
    if is_lost(error):
        return Undone("the connection to the server was lost, and nothing was written; try again")
    if state == _UNIQUE and error.diag.table_name in _IN_A_ROW:
        return Undone("others wrote in the same place, too often; try again")
    if state == _UNIQUE:
        return StoreConflict("someone else wrote this checkout, or used this key, first; reload it")
    if state == _FOREIGN:
        return StoreConflict(
            "someone else removed what this belongs to, such as a person's key, first; reload it"
        )
    return _explained(error, state)


def _explained(error: psycopg.Error, state: str) -> StoreError:
    for advice, kind in ((_ADVICE, StoreUnavailable), (_FOR_GOOD, StoreError)):
        for beginning, text in advice.items():
            if state.startswith(beginning):
                return kind(text)
    # Our own guards' words, and those about the names of things, which are no values.
    if state == "P0001" or state.startswith("42"):
        return StoreError(f"PostgreSQL refused: {error.diag.message_primary}")
    if not state and isinstance(error, psycopg.ProgrammingError):
        return StoreError(  # libpq's text repeats pieces of the URL, and perhaps of a password
            "the URL of the database holds an option that libpq does not know, or a password whose"
            " signs are not written like %40; correct it"
        )
    return StoreError(f"PostgreSQL refused: {type(error).__name__}")
