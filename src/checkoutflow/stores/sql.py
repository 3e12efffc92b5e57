"""The store on a SQL database: SQLite, where one file holds everything, or PostgreSQL.

Tables and statements are SQLAlchemy Core's. Each statement is compiled once and then run on the
driver's own cursor, with a connection from SQLAlchemy's pool: the statements of a commit never
vary, and having SQLAlchemy prepare each of them anew would cost more than writing them does.
"""

from __future__ import annotations

import os
from asyncio import get_running_loop
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import astuple
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from pydantic import ValidationError
from sqlalchemy import create_engine, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool, StaticPool

from checkoutflow.checkout.events import from_json, to_json
from checkoutflow.checkout.state import Checkout
from checkoutflow.errors import (
    CommitUnknown,
    NotSupported,
    SchemaMismatch,
    StoreConflict,
    StoreError,
    StoreUnavailable,
    UsageError,
    problem_paths,
)
from checkoutflow.privacy.cards import STORED
from checkoutflow.privacy.vault import SubjectKey, VaultRow
from checkoutflow.stores import schema
from checkoutflow.stores.again import again, again_anyway, until_done
from checkoutflow.stores.contract import Due, HealthRow, IdempotencyRow, JournalEntry, Message
from checkoutflow.stores.databases import database, run_all
from checkoutflow.stores.schema import instant, moment
from checkoutflow.stores.shares import refuse_share
from checkoutflow.stores.sql_orders import SqlOrders
from checkoutflow.stores.sql_people import SqlPeople
from checkoutflow.stores.sqlite import make_file
from checkoutflow.stores.statements import statements

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from sqlalchemy import Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor

    from checkoutflow.stores.awaited import Awaited
    from checkoutflow.stores.contract import AttemptRow, Change, NoticeRow
    from checkoutflow.stores.databases import Database
    from checkoutflow.stores.statements import Statements

BUSY_TIMEOUT_S: Final = 5.0
_MOST_RECENT: Final = 64
_NOT_FOR_PSYCOPG: Final = "ProactorEventLoop"
_POSTGRESQL: Final = {"postgresql", "postgres", "postgresql+psycopg"}
# In seconds, and the last in milliseconds, as libpq has them; the URL may say otherwise.
_PATIENCE: Final = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "tcp_user_timeout": 30_000,
    "application_name": "checkoutflow",
}

_T = TypeVar("_T")


class Destination(NamedTuple):
    """Where a PostgreSQL server is, and what psycopg is told beside that."""

    url: URL
    options: Mapping[str, object]

    def arguments(self) -> dict[str, Any]:
        """What psycopg's ``connect`` takes."""
        from checkoutflow.stores.postgresql import DIALECT  # noqa: PLC0415 -- needs its driver

        _, told = DIALECT.create_connect_args(self.url)  # type: ignore[no-untyped-call]
        return {**told, **self.options}


def open_store(url: str | os.PathLike[str]) -> SqlStore:
    """Name the database that holds a shop's checkouts. Nothing is opened yet.

    ``create()`` makes its tables or brings them up to date, and where it is a file, the file,
    readable by its owner only.

    Args:
        url: ``sqlite:///shop.db`` (``sqlite:////var/lib/shop.db`` from the root), or a path; or
            ``postgresql://user:password@host/shop``, with what libpq takes after a ``?``.

    Raises:
        UsageError: If it names no database, or one of another kind.
        NotSupported: If the driver for it is not installed.
    """
    file: str | None = os.fspath(url)
    if file and "://" in file:
        try:
            parsed = make_url(file)
        except (ArgumentError, ValueError):
            raise UsageError(
                "write the database's URL like sqlite:///shop.db or postgresql://host/shop, and"
                " several hosts like postgresql:///shop?host=one:5432&host=two:5432"
            ) from None
        if parsed.drivername in _POSTGRESQL:
            if parsed.password is not None and file.count("@") - str(parsed.query).count("@") > 1:
                # What is taken for a host then is a piece of it, and would be repeated in errors.
                raise UsageError(
                    "the password holds an @: write it as %40, a / as %2F and a ? as %3F"
                )
            server = _reached(parsed)
            return SqlStore(_on_server(server), server=server)
        if parsed.drivername != "sqlite" or parsed.host or parsed.query:
            raise UsageError(
                "open_store takes URLs like sqlite:///shop.db and postgresql://host/shop; for more,"
                " make an Engine and hand it to SqlStore"
            )
        file = parsed.database
    if not file or file == ":memory:":
        raise UsageError("name a file; the store without one is MemoryStore()")
    path = Path(file).absolute()
    engine = create_engine(
        # In this mode SQLite makes no file by itself: a mistyped path is noticed.
        URL.create("sqlite", database=path.as_uri(), query={"uri": "true", "mode": "rw"}),
        connect_args={"timeout": BUSY_TIMEOUT_S},
        poolclass=NullPool,
    )
    return SqlStore(engine, file=path)


def _reached(url: URL) -> Destination:
    """How a server is reached, such that one which is gone is noticed."""
    options: dict[str, object] = {
        name: value for name, value in _PATIENCE.items() if name not in url.query
    }
    if (threshold := url.query.get("prepare_threshold")) is not None:  # not libpq's but psycopg's
        if threshold != "none":
            raise UsageError("prepare_threshold can be none, for PgBouncer, or is left out")
        options["prepare_threshold"] = None
    return Destination(url.difference_update_query(["prepare_threshold"]), options)


def _on_server(server: Destination) -> Engine:
    """An engine for PostgreSQL."""
    try:
        return create_engine(
            server.url.set(drivername="postgresql+psycopg"),
            connect_args=dict(server.options),
            poolclass=NullPool,
        )
    except ModuleNotFoundError as error:
        raise NotSupported(
            "PostgreSQL needs its driver, psycopg 3; install it with: pip install"
            " 'checkoutflow[postgres]'"
        ) from error


class SqlStore(SqlPeople, SqlOrders):
    """A store on a SQL database, for any number of threads and processes.

    On every connection it uses, it sees to what keeps a commit safe: on SQLite the write-ahead log,
    full synchronisation, foreign keys and that what is deleted is overwritten; on PostgreSQL that
    commits are synchronous and that nobody waits for ever. What a database undid is run again.
    """

    def __init__(
        self, engine: Engine, *, file: Path | None = None, server: Destination | None = None
    ) -> None:
        """Work on a database.

        Args:
            engine: How to connect. The store's connections are its own and are not shared with
                what else the shop does with the engine.
            file: The file for ``create`` to make; given by ``open_store``.
            server: Where the engine connects to; given by ``open_store``.

        Raises:
            NotSupported: If the engine is for another database than SQLite and PostgreSQL.
        """
        self._database: Database = database(engine.dialect.name)
        if engine.dialect.driver != self._database.DIALECT.driver:
            raise NotSupported(
                f"on {engine.dialect.name} SqlStore needs the driver"
                f" {self._database.DIALECT.driver}, not {engine.dialect.driver}"
            )
        self._engine = engine
        self._file = file
        self._server = server
        self._awaited: dict[AbstractEventLoop, Awaited] = {}
        self._is_looked_at = False
        self._sql = statements(engine.dialect.name)
        # Connections in good order that nobody uses now. SQLAlchemy's own pool does more around
        # each use, and that costs as much as all the statements of a commit.
        self._idle: deque[DBAPIConnection] = deque()
        # States by id with the text that they are stored as. The same text is the same state, so
        # it need not be parsed again; whether the text is the same is asked each time.
        self._recent: dict[str, tuple[str, Checkout]] = {}
        self._process = os.getpid()
        self._inherited: list[deque[DBAPIConnection]] = []

    @property
    def key_file(self) -> Path | None:
        """Beside the database file; None for an engine of the shop's own."""
        return self._file.with_name(f"{self._file.name}.key") if self._file else None

    @property
    def server(self) -> Destination | None:
        """Where the PostgreSQL server is; None for a file and an engine of the shop's own."""
        return self._server

    def connect(self) -> DBAPIConnection:
        """Make a connection as the store's own are, in no transaction; it is the caller's to close.

        Raises:
            SchemaMismatch: If the tables are not of this version.
            StoreUnavailable: If the server cannot be reached.
        """
        return self._open()

    @property
    def is_ephemeral(self) -> bool:
        """A database stays."""
        return False

    @again_anyway
    def create(self) -> None:
        """Make the tables, or bring older ones up to this version, in one transaction.

        Safe to call again, also after it was interrupted, and by several processes at once.

        Raises:
            SchemaMismatch: If the tables are newer than this version of the library.
        """
        if self._file is not None:
            refuse_share(self._file)
            make_file(self._file)
        wanted = schema.VERSION
        with self._transaction(*self._database.BEGIN_CREATE, is_creating=True) as cursor:
            found = self._version(cursor)
            if found > wanted:
                raise _mismatch(found)
            if not found:
                for statement in self._sql.create:
                    cursor.execute(statement)
                cursor.execute(self._sql.insert_version, (wanted,))
        if 0 < found < wanted:
            self._upgrade()

    def _upgrade(self) -> None:
        """Bring older tables up to this version, in one transaction."""
        from checkoutflow.stores.migrations import upgrade  # noqa: PLC0415 -- heavy, seldom needed

        connection = self._open(is_creating=True)
        engine = create_engine(
            f"{self._engine.dialect.name}+{self._engine.dialect.driver}://",
            creator=lambda: connection,
            poolclass=StaticPool,
            isolation_level="AUTOCOMMIT",  # the transaction is begun and ended in words
        )
        try:
            with engine.connect() as ours:
                upgrade(ours, self._database.BEGIN_CREATE)
        except self._database.Error as error:
            raise self._database.explain(error) from None
        except DBAPIError as error:
            raise self._database.explain(error.orig) from None
        finally:
            self._give_up(connection)

    def version(self) -> int:
        """Which version the tables are; zero if there are none."""
        if self._file is not None and not self._file.exists():
            return 0
        with self._transaction(is_creating=True) as cursor:
            return self._version(cursor)

    def close(self) -> None:
        """Let go of the connections that nobody uses now."""
        while self._idle:
            self._idle.pop().close()
        self._leave_loops()

    def on_this_loop(self) -> Awaited | None:
        """What makes calls on the event loop that runs, without a thread; None if that cannot be.

        It can on PostgreSQL, for a store of ``open_store``, where greenlet is installed, and not on
        the loop that Windows has by default, which psycopg cannot wait on.
        """
        if self._server is None or type(loop := get_running_loop()).__name__ == _NOT_FOR_PSYCOPG:
            return None
        awaited = self._awaited.get(loop)
        if awaited is None and find_spec("greenlet") is not None:
            from checkoutflow.stores.awaited import Awaited  # noqa: PLC0415 -- seldom needed

            self._leave_loops()
            awaited = Awaited(self, loop, self._server)
            self._awaited[loop] = awaited
        return awaited

    def _leave_loops(self) -> None:
        for loop in [*self._awaited]:
            if loop.is_closed():
                self._awaited.pop(loop).leave()

    def commit(self, change: Change) -> None:
        """Write all of a change, in one transaction.

        Raises:
            StoreConflict: If someone else wrote this checkout, used this key, or took this notice
                in first. Nothing was written.
        """
        # Everything is made ready first: others wait to write only while this is written.
        write, text = self._ready(change)

        def commit() -> bool:
            with self._transaction(self._database.BEGIN_WRITE) as cursor:
                write(cursor)
            return True

        until_done(commit, lambda: self._is_written(change) or None)
        self._remember(text, change.state)

    def commit_numbered(self, make: Callable[[int], Change]) -> Change:
        """Write a change that takes numbers, made of the next one, in one transaction.

        Raises:
            StoreConflict: As for `commit`.
        """
        tried: list[tuple[Change, str]] = []

        def commit() -> tuple[Change, str]:
            with self._transaction(self._database.BEGIN_WRITE) as cursor:
                cursor.execute(self._sql.lock_series)
                cursor.fetchall()
                cursor.execute(self._sql.last_number)
                ((last,),) = cursor.fetchall()
                change = make((last or 0) + 1)
                write, text = self._ready(change)
                tried.append((change, text))
                write(cursor)
            return tried[-1]

        def written() -> tuple[Change, str] | None:
            return next((each for each in tried if self._is_written(each[0])), None)

        change, text = until_done(commit, written)
        self._remember(text, change.state)
        return change

    def _is_written(self, change: Change) -> bool:
        """Whether the journal has this very change, whose outcome was not known."""
        state, events = change.state, to_json(change.events).decode()
        found = self._ask(self._sql.entry, state.id, state.version)
        return [tuple(row) for row in found] == [(instant(change.at), change.command, events)]

    def _ready(self, change: Change) -> tuple[Callable[[DBAPICursor], None], str]:
        """Make everything ready to write, and give the text that the state is stored as."""
        sql, state, at = self._sql, change.state, instant(change.at)
        text = state.model_dump_json()
        facts = (state.phase.value, state.version, len(state.attention), at, text)
        events = to_json(change.events).decode()
        entry = (state.id, state.version, at, change.command, events)
        others = [(sql.insert_entry, entry), *self._others(change)]
        # Where the phase stays, so does its place in the index.
        _, before = self._recent.get(state.id, ("", None))
        was = (before.version, before.phase) if before is not None else None
        is_in_phase = was == (state.version - 1, state.phase)

        def write(cursor: DBAPICursor) -> None:
            if state.version == 1:
                cursor.execute(sql.insert_checkout, (state.id, *facts))
            else:
                read = (state.id, state.version - 1)
                if is_in_phase:
                    cursor.execute(sql.update_in_phase, (*facts[1:], *read))
                else:
                    cursor.execute(sql.update_checkout, (*facts, *read))
                if cursor.rowcount == 0:
                    raise StoreConflict(f"someone else wrote checkout {state.id} first; reload it")
            run_all(self._database, cursor, others)
            if change.notice is not None and not self._keep(cursor, change.notice):
                raise StoreConflict("someone else took this notice in first")

        return write, text

    def _others(self, change: Change) -> Iterator[tuple[str, tuple[object, ...]]]:
        """What only some changes hold, each as a statement and its values."""
        sql, checkout_id, version = self._sql, change.state.id, change.state.version
        for kind, due_at in change.timers.items():
            if due_at is None:
                yield sql.delete_timer, (checkout_id, kind)
            else:
                yield sql.set_timer, (checkout_id, kind, instant(due_at), None)
        for attempt in change.attempts:
            yield sql.set_attempt, _attempt(checkout_id, attempt)
        if (key := change.idempotency) is not None:
            yield sql.insert_idempotency, (key.key, key.digest, key.checkout)
        yield from ((sql.insert_subject, astuple(subject)) for subject in change.subjects)
        yield from ((sql.keep_consents, (subject.subject_id,)) for subject in change.subjects)
        owners = (change.state.subject,) if version == 1 else ()
        for person in (*owners, *change.people):
            yield sql.insert_belonging, (person, checkout_id)
        for gone in change.dropped:
            yield sql.delete_field, gone
            yield sql.delete_traces, gone
        yield from self._about(change)
        for invoice in change.invoices:
            yield sql.insert_invoice, astuple(invoice)
        for place, kind in enumerate(change.messages):
            yield sql.insert_message, (checkout_id, version, kind, instant(change.at), place)
        # Last, since the count of a band is where orders meet that are written at the same time.
        yield from self._about_order(change)

    def load(self, checkout_id: str) -> Checkout | None:
        """The checkout as it stands; one look-up by key however many there are.

        Raises:
            StoreError: If it holds something that this version cannot read.
        """
        for (text,) in self._ask(self._sql.load, checkout_id):
            known_text, known_state = self._recent.get(checkout_id, ("", None))
            if text == known_text:
                return known_state
            state = _read(checkout_id, _state, text)
            self._remember(text, state)
            return state
        return None

    def journal(self, checkout_id: str) -> Sequence[JournalEntry]:
        """Everything that happened to it, in order.

        Raises:
            StoreError: If it holds something that this version cannot read.
        """
        return [
            JournalEntry(version, moment(at), command, _read(checkout_id, from_json, events))
            for version, at, command, events in self._ask(self._sql.journal, checkout_id)
        ]

    def idempotent(self, key: str) -> IdempotencyRow | None:
        """What this key was used for."""
        for row in self._ask(self._sql.idempotent, key):
            return IdempotencyRow(*row)
        return None

    def find_payment(self, provider: str, payment_id: str) -> str | None:
        """The id of the checkout that a payment belongs to."""
        found = self._ask(self._sql.find_payment, provider, payment_id)
        return str(found[0][0]) if found else None

    def find_invoice(self, scheme: str, reference: str) -> str | None:
        """The id of the checkout that an invoice belongs to."""
        found = self._ask(self._sql.find_invoice, scheme, reference)
        return str(found[0][0]) if found else None

    def person(self, subject_id: str) -> tuple[SubjectKey | None, tuple[VaultRow, ...]]:
        """A person's wrapped key and encrypted fields."""
        rows = self._ask(self._sql.person, subject_id)
        return (
            SubjectKey(subject_id, *rows[0][:2]) if rows else None,
            tuple(
                VaultRow(subject_id, field, sealed, tuple(purposes.split()), moment(expires_at))
                for _, _, field, sealed, purposes, expires_at in rows
                if field is not None
            ),
        )

    def take_notice(self, notice: NoticeRow) -> bool:
        """Keep a notice and make its checkout due at once, in one transaction.

        Returns:
            False if it was kept before; nothing is written then.
        """
        try:
            return self._take_notice(notice)
        except CommitUnknown:
            # Then nobody knows whether it was kept before, and to look once more does no harm.
            self._take_notice(notice)
            return True

    @again
    def _take_notice(self, notice: NoticeRow) -> bool:
        with self._transaction(self._database.BEGIN_WRITE) as cursor:
            is_new = self._keep(cursor, notice)
            if is_new:
                at = instant(notice.received_at)
                cursor.execute(self._sql.set_timer, (notice.checkout, "notice", at, None))
        return is_new

    def _keep(self, cursor: DBAPICursor, notice: NoticeRow) -> bool:
        at = instant(notice.received_at)
        row = (notice.provider, notice.id, notice.checkout, notice.kind, at)
        cursor.execute(self._sql.keep_notice, row)
        return bool(cursor.rowcount == 1)

    def has_notice(self, provider: str, notice_id: str) -> bool:
        """Whether a notice was kept before."""
        return bool(self._ask(self._sql.has_notice, provider, notice_id))

    def health(self, provider: str) -> HealthRow | None:
        """What is known of a provider that has failed lately; None if it has not."""
        for name, failures, failed_at, down_until in self._ask(self._sql.health, provider):
            until = None if down_until is None else moment(down_until)
            return HealthRow(name, failures, moment(failed_at), until)
        return None

    @again_anyway
    def set_health(self, row: HealthRow) -> None:
        """Keep that a provider has failed, in place of what was known before."""
        until = None if row.down_until is None else instant(row.down_until)
        values = (row.provider, row.failures, instant(row.failed_at), until)
        with self._transaction(self._database.BEGIN_WRITE) as cursor:
            cursor.execute(self._sql.set_health, values)

    @again_anyway
    def clear_health(self, provider: str) -> None:
        """Forget its failures: it has answered."""
        with self._transaction(self._database.BEGIN_WRITE) as cursor:
            cursor.execute(self._sql.clear_health, (provider,))

    def due(self, now: datetime, limit: int) -> Sequence[Due]:
        """Checkouts with a timer at or before ``now``, the longest overdue first."""
        at = instant(now)
        found: dict[str, dict[str, datetime]] = {}
        for checkout_id, kind, due_at in self._ask(self._sql.due, at, limit, at):
            found.setdefault(checkout_id, {})[kind] = moment(due_at)
        return [Due(checkout_id, mine) for checkout_id, mine in found.items()]

    @again
    def lease_due(self, now: datetime, limit: int, until: datetime) -> Sequence[Due]:
        """As `due`, for one of many workers: what it is given nobody else is, before ``until``.

        On PostgreSQL workers do not wait for each other: what one is about to take, others pass by.
        """
        at, found = instant(now), []
        with self._transaction(self._database.BEGIN_WRITE) as cursor:
            cursor.execute(self._sql.lease_due, (at, limit))
            for (checkout_id,) in cursor.fetchall():
                cursor.execute(self._sql.due_of, (checkout_id, at))
                mine = {kind: moment(due_at) for kind, due_at in cursor.fetchall()}
                cursor.execute(self._sql.put_off, (instant(until), checkout_id, at))
                found.append(Due(checkout_id, mine, until))
        return found

    @again_anyway
    def put_off(self, checkout_id: str, *, up_to: datetime, until: datetime) -> None:
        """Set a checkout's timers to ``until`` that are not set to later than ``up_to``."""
        with self._transaction(self._database.BEGIN_WRITE) as cursor:
            cursor.execute(self._sql.put_off, (instant(until), checkout_id, instant(up_to)))

    def delayed(self, now: datetime, limit: int) -> Sequence[Due]:
        """Checkouts with timers that were put off and were due by ``now``, the longest first."""
        found: dict[str, dict[str, datetime]] = {}
        until: dict[str, datetime] = {}
        for checkout_id, kind, since, due_at in self._ask(self._sql.delayed, instant(now), limit):
            found.setdefault(checkout_id, {})[kind] = moment(since)
            until[checkout_id] = min(moment(due_at), until.get(checkout_id, moment(due_at)))
        return [Due(checkout_id, mine, until[checkout_id]) for checkout_id, mine in found.items()]

    def timers(self, checkout_id: str) -> Mapping[str, datetime]:
        """What must happen later for a checkout, by its kind, and when."""
        return {kind: moment(at) for kind, at in self._ask(self._sql.timers, checkout_id)}

    def next_due(self) -> datetime | None:
        """When the first timer of all is due, be it past; None if there is none."""
        ((first,),) = self._ask(self._sql.next_due)
        return None if first is None else moment(first)

    def waiting(self, *, limit: int = 100) -> Sequence[str]:
        """Checkouts with a timer ``review``, that of the earliest first."""
        return [found for (found,) in self._ask(self._sql.waiting, limit)]

    def latest(self, command: str, *, limit: int, among: int) -> Sequence[str]:
        """Checkouts to which a command was done last, the latest first, each once."""
        return [found for (found,) in self._ask(self._sql.latest, among, command, limit)]

    @again_anyway
    def reset_timer(
        self, checkout_id: str, kind: str, *, at: datetime, version: int, to: datetime | None = None
    ) -> None:
        """Remove or move a timer still set to this moment, of a checkout still at this version."""
        still = (checkout_id, kind, instant(at), checkout_id, version)
        with self._transaction(self._database.BEGIN_WRITE) as cursor:
            # Whoever commits a change of it waits, or is waited for.
            cursor.execute(self._sql.lock_checkout, (checkout_id,))
            cursor.fetchall()
            if to is None:
                cursor.execute(self._sql.clear_timer, still)
            else:
                cursor.execute(self._sql.move_timer, (instant(to), *still))

    @again
    def checkouts(
        self,
        phases: Collection[str],
        *,
        after: str = "",
        limit: int = 100,
        since: datetime | None = None,
    ) -> Sequence[str]:
        """Ids of checkouts in these phases (all if empty), ordered, after an id."""
        # Without a moment the index has all that is asked for.
        sql = self._sql
        every, in_phase, page = (
            (sql.checkouts, sql.checkouts_in_phase, (after, limit))
            if since is None
            else (sql.checkouts_since, sql.checkouts_in_phase_since, (after, instant(since), limit))
        )
        if not phases:
            return [found for (found,) in self._ask(every, *page)]
        # One look-up a phase is read from the index in order. Asked for several at once, the
        # database would read and sort everything that is in them.
        rows: list[tuple[str]] = []
        with self._transaction(self._database.BEGIN_READ) as cursor:
            for phase in phases:
                cursor.execute(in_phase, (phase, *page))
                rows += cursor.fetchall()
        return sorted({found for (found,) in rows})[:limit]

    def messages(self, limit: int) -> Sequence[Message]:
        """The oldest messages that the shop has not taken yet."""
        return [Message(*row) for row in self._ask(self._sql.messages, limit)]

    @again_anyway
    def delivered(self, messages: Iterable[Message]) -> None:
        """Forget messages that the shop has taken."""
        with self._transaction(self._database.BEGIN_WRITE) as cursor:
            for message in messages:
                cursor.execute(
                    self._sql.delete_message, (message.checkout, message.version, message.kind)
                )

    @property
    def statements(self) -> Statements:
        """The statements as this kind of database takes them."""
        return self._sql

    def transaction(self, *, is_writing: bool) -> AbstractContextManager[DBAPICursor]:
        """One transaction, for what the library keeps beside checkouts in the same database."""
        ours = self._database
        return self._transaction(ours.BEGIN_ALONE if is_writing else ours.BEGIN_READ)

    def _remember(self, text: str, state: Checkout) -> None:
        if len(self._recent) >= _MOST_RECENT:
            self._recent.clear()
        self._recent[state.id] = text, state

    def _empty_log(self) -> None:
        # What was destroyed stays destroyed if this fails.
        with suppress(StoreError), self._transaction() as cursor:
            self._database.empty_log(cursor)

    @contextmanager
    def _transaction(self, *begin: str, is_creating: bool = False) -> Iterator[DBAPICursor]:
        """Run one transaction: committed at the end, undone by any error.

        Args:
            begin: One of the database's words for how it begins; without it each statement is one.
            is_creating: Whether there need be no tables yet.
        """
        connection = self._open(is_creating=True) if is_creating else self._take()
        is_ending = False
        try:
            cursor = connection.cursor()
            for statement in begin:
                cursor.execute(statement)
            yield cursor
            is_ending = self._database.BEGIN_READ not in begin  # what only reads can be read again
            connection.commit()
        except self._database.Error as error:
            self._give_up(connection)
            if self._database.is_lost(error):
                self.close()  # the others are lost as well
            raise self._database.explain(error, is_ending=is_ending) from None
        except StoreConflict:
            connection.rollback()
            self._idle.append(connection)
            raise
        except BaseException:
            self._give_up(connection)
            raise
        self._idle.append(connection)

    def _give_up(self, connection: DBAPIConnection) -> None:
        """Close a connection: in whatever condition it is, it is not used again."""
        try:
            with suppress(self._database.Error):
                connection.rollback()  # SQLite ends nothing by itself while a cursor is about
        finally:  # also if a task is cancelled once more
            connection.close()

    def _take(self) -> DBAPIConnection:
        """Take a connection that is ready; whoever has it puts it back or closes it."""
        if self._process != os.getpid():
            # After a fork. SQLite's connections must be neither used nor closed by the child, so
            # the parent's are kept from the garbage collector, which would close them.
            self._inherited.append(self._idle)
            self._idle = deque()
            self._engine.dispose(close=False)
            self._process = os.getpid()
        try:
            return self._idle.pop()
        except IndexError:
            return self._open()

    def _open(self, *, is_creating: bool = False) -> DBAPIConnection:
        """Make a connection of the store's own, as the engine makes them."""
        if self._file is not None and not self._is_looked_at:
            refuse_share(self._file)
            self._is_looked_at = True
        try:
            proxied = self._engine.raw_connection()
        except self._database.Error as error:
            if self._file is not None and not self._file.exists():
                raise _mismatch(0) from None
            if self._database.is_lost(error):
                raise StoreUnavailable(f"the server cannot be reached: {error}") from None
            raise self._database.explain(error) from None
        except SQLAlchemyError as error:  # the shop's pool has none left, or its hooks failed
            raise StoreError(f"the engine gave no connection: {type(error).__name__}") from error
        connection = proxied.dbapi_connection
        assert connection is not None  # noqa: S101 -- it was just made
        proxied.detach()
        try:
            self._database.take_over(connection)
            cursor = connection.cursor()
            if not is_creating:
                self._check(cursor)
            self._database.make_safe(cursor)
        except BaseException as error:
            self._give_up(connection)
            if isinstance(error, self._database.Error):
                raise self._database.explain(error) from None
            raise
        return connection

    def _check(self, cursor: DBAPICursor) -> None:
        found = self._version(cursor)
        if found != schema.VERSION:
            raise _mismatch(found)

    def _version(self, cursor: DBAPICursor) -> int:
        """Which version the tables are; zero if there are none."""
        cursor.execute(self._database.HAS_TABLES)
        if not cursor.fetchall():
            return 0
        cursor.execute(self._sql.version)
        ((version,),) = cursor.fetchall()
        return int(version)


def _attempt(checkout_id: str, attempt: AttemptRow) -> tuple[object, ...]:
    return (
        checkout_id,
        attempt.id,
        attempt.provider,
        attempt.payment,
        attempt.operation.value,
        attempt.amount.minor,
        attempt.amount.currency,
        attempt.digest,
        instant(attempt.started_at),
        instant(attempt.lease_until),
        attempt.sends,
        None if attempt.outcome is None else attempt.outcome.value,
    )


def _state(text: str) -> Checkout:
    return Checkout.model_validate_json(text, context=STORED)


def _read(checkout_id: str, read: Callable[[str], _T], text: str) -> _T:
    try:
        return read(text)
    except ValidationError as error:
        # The kind of problem, not its text, which can repeat what was found.
        problem = error.errors(include_input=False, include_url=False)[0]
    ((path, _),) = problem_paths([problem])
    raise StoreError(
        f"checkout {checkout_id} cannot be read ({path}: {problem['type']}). It was written by a"
        " newer version of checkoutflow, or changed by hand"
    )


def _mismatch(found: int) -> SchemaMismatch:
    if not found:
        return SchemaMismatch(
            "there are no tables of checkoutflow; run create() on the store or checkoutflow migrate"
        )
    wanted = schema.VERSION
    if found < wanted:
        return SchemaMismatch(
            f"the tables are version {found}, and this version of checkoutflow needs {wanted};"
            " make a backup, then run create() on the store or checkoutflow migrate",
            found=found,
        )
    return SchemaMismatch(
        f"the tables are version {found}, and this version of checkoutflow knows {wanted};"
        " install the newer version",
        found=found,
    )
