"""What only a database can do: fill up, be locked, be cut off, be killed, be of another age."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from threading import Barrier
from time import perf_counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, event

from checkoutflow.checkout.machine import Phase
from checkoutflow.errors import (
    NotSupported,
    SchemaMismatch,
    StoreConflict,
    StoreError,
    StoreUnavailable,
    UsageError,
)
from checkoutflow.payment.outcomes import Outcome
from checkoutflow.privacy.vault import SubjectKey, VaultRow
from checkoutflow.stores import schema, sqlite
from checkoutflow.stores.contract import (
    KEEP_CONSENTS,
    KEEP_ERASURES,
    KEEP_READS,
    DigestRow,
    ErasureRow,
    Forgotten,
    IdempotencyRow,
    Limit,
    NoticeRow,
    PersonChange,
    ProfileRow,
)
from checkoutflow.stores.sql import BUSY_TIMEOUT_S, SqlStore, open_store
from checkoutflow.stores.statements import statements
from checkoutflow.testing.store_samples import (
    NOON,
    at,
    sample_attempt,
    sample_change,
    sample_checkout,
    sample_consent,
    sample_field,
    sample_key,
    sample_read,
    sample_sighting,
    sample_trace,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checkoutflow.stores.contract import Change

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX modes, signals and fork")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


@pytest.fixture
def store(file) -> Iterator[SqlStore]:
    with closing(open_store(file)) as store:
        store.create()
        yield store


def on(file: Path, options: str = "", *, timeout: float = 0.05) -> SqlStore:
    """A store on an engine of the shop's own, which does not wait long."""
    return SqlStore(create_engine(f"sqlite:///{file}{options}", connect_args={"timeout": timeout}))


def big_change(version: int = 1, *, size: int = 400) -> Change:
    """A change that fills many pages of the file, in every table."""
    person = f"person {version}"
    return sample_change(
        sample_checkout(version=version, return_url="x" * 9_000),
        timers={f"timer {version}": at(version)},
        attempts=(sample_attempt(f"pay {version}"),),
        idempotency=IdempotencyRow(f"key {version}", "0a" * 32, "co-1"),
        subjects=(SubjectKey(person, b"wrapped", "shop-key"),),
        vault=tuple(
            VaultRow(person, f"field {n}", bytes(size), ("deliver",), at(60)) for n in range(30)
        ),
        digests=(sample_trace(person, f"trace {version}"),),
        people=(person,),
        consents=(sample_consent(person),),
        reads=(sample_read(person),),
        profile=ProfileRow(person, {"payment": "card"}, at(version)),
        messages=("said",),
        sightings=(sample_sighting(person, f"seen {version}"),),
        value=("DKK", version),
    )


def versions(store: SqlStore) -> int:
    """How many commits a store holds, after looking that none of them is a part of one only."""
    state = store.load("co-1")
    version = 0 if state is None else state.version
    assert [entry.version for entry in store.journal("co-1")] == [*range(1, version + 1)]
    assert [message.version for message in store.messages(99)] == [*range(1, version + 1)]
    for n in range(1, version + 2):
        is_there = n <= version
        assert (store.idempotent(f"key {n}") is not None) == is_there
        assert (store.find_payment("bank", f"pay {n}") is not None) == is_there
        person = f"person {n}"
        key, rows = store.person(person)
        assert (key is not None) == is_there
        assert (store.profile(person) is not None) == is_there
        assert store.find_people("email", [f"trace {n}"], NOON) == [person] * is_there
        assert store.checkouts_of(person) == ["co-1"] * is_there
        assert store.consents(person) == [sample_consent(person)] * is_there
        assert store.reads(person) == [sample_read(person)] * is_there
        assert store.sightings(person) == [sample_sighting(person, f"seen {n}")] * is_there
        assert len(rows) == (30 if is_there else 0)
    assert store.values("DKK") == dict.fromkeys(range(1, version + 1), 1)
    timers = {kind for due in store.due(at(99), 99) for kind in due.kinds}
    assert timers == {f"timer {n}" for n in range(1, version + 1)}
    return version


# Opening and creating


@pytest.mark.parametrize(
    "url",
    ["sqlite:///shop.db", "shop.db", "./shop.db", "sqlite:///{folder}/shop.db", Path("shop.db")],
)
def test_a_file_is_named_by_its_url_or_its_path(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with closing(open_store(str(url).format(folder=tmp_path) if url else url)) as store:
        store.create()
    assert [path.name for path in tmp_path.iterdir()] == ["shop.db"]


@pytest.mark.parametrize("name", ["ö å.db", "50%25.db", "what?.db", "a#b.db", "x&mode=ro.db"])
def test_a_file_may_have_any_name(name, tmp_path):
    with closing(open_store(tmp_path / name)) as store:
        store.create()
        store.commit(sample_change())
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("mysql+pymysql://user:s3cret@host/shop", "hand it to SqlStore"),
        ("sqlite:///shop.db?timeout=1", "hand it to SqlStore"),
        ("sqlite://shop.db", "hand it to SqlStore"),
        ("sqlite+aiosqlite:///shop.db", "hand it to SqlStore"),
        ("postgresql+asyncpg://user:s3cret@host/shop", "hand it to SqlStore"),
        ("postgresql://user:s3cret@one:5432,two:5432/shop", "several hosts like"),
        ("postgresql://user:s3cret@host/shop?prepare_threshold=few", "can be none"),
        ("://shop.db", "like sqlite:///shop.db"),
        ("sqlite://", "MemoryStore"),
        ("sqlite:///:memory:", "MemoryStore"),
        (":memory:", "MemoryStore"),
        ("", "MemoryStore"),
    ],
)
def test_what_names_no_file_is_refused_without_repeating_it(url, advice):
    with pytest.raises(UsageError, match=advice) as caught:
        open_store(url)
    assert "s3cret" not in show(caught.value)


def test_a_missing_file_is_not_made_by_mistake(file):
    with closing(open_store(file)) as store:
        with pytest.raises(SchemaMismatch, match="run create"):
            store.load("co-1")
        with pytest.raises(SchemaMismatch, match="run create"):
            store.commit(sample_change())
        assert not file.exists()
        store.create()
        store.commit(sample_change())


def test_a_database_of_something_else_is_left_as_it_is(file):
    with closing(sqlite3.connect(file)) as other:
        other.execute("CREATE TABLE notes (text)")
    before = file.read_bytes()
    with (
        closing(open_store(file)) as store,
        pytest.raises(SchemaMismatch, match="checkoutflow migrate"),
    ):
        store.load("co-1")
    assert file.read_bytes() == before


def test_the_folder_must_exist(tmp_path):
    with pytest.raises(StoreError, match="cannot be made: No such file or directory"):
        open_store(tmp_path / "nowhere" / "shop.db").create()


@POSIX
def test_nobody_but_the_owner_may_read_the_files(store, file):
    store.commit(sample_change())
    files = sorted(file.parent.iterdir())
    assert [path.name for path in files] == ["shop.db", "shop.db-shm", "shop.db-wal"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_the_key_file_lies_beside_the_database(store, file):
    assert store.key_file == file.with_name("shop.db.key")
    assert not store.is_ephemeral
    assert on(file).key_file is None


def test_tables_of_another_version_are_refused(store, file):
    store.commit(sample_change())
    store.close()
    for version, advice in ((0, "run create"), (schema.VERSION + 1, "install the newer version")):
        with closing(sqlite3.connect(file)) as database:
            database.execute("UPDATE checkoutflow_schema SET version = ?", (version,))
            database.commit()
        with pytest.raises(SchemaMismatch, match=advice):
            store.load("co-1")
    with pytest.raises(SchemaMismatch, match="install the newer version"):
        store.create()


PROOFS = ("consents", "erasures", "reads")

# What each version of the tables has that the one before it has not.
NEW_IN = {
    2: ["TABLE health"],
    3: ["TABLE gift_cards", "TABLE ledger"],
    4: ["TABLE series"],
    5: [
        *(f"TABLE {name}" for name in "belongs consents digests erasures profiles reads".split()),
        "TABLE turns",
        "INDEX vault_by_expiry",
    ],
    6: [f"INDEX {name}_by_expiry" for name in PROOFS],
    7: [
        "TABLE sightings",
        "TABLE values",
        "TABLE listings",
        "INDEX timers_of_reviews",
    ],
    8: ["INDEX timers_put_off"],
}


BELONGS_SINCE = 5
SIGHTINGS_SINCE = 7


def make_older(store: SqlStore, version: int) -> None:
    """Take away what the tables did not have in an older version."""
    with store._transaction(sqlite.BEGIN_WRITE) as cursor:
        for newer in range(schema.VERSION, version, -1):
            for thing in NEW_IN[newer]:
                kind, name = thing.split()
                cursor.execute(f"DROP {kind} checkoutflow_{name}")
            if newer == 8:
                cursor.execute("ALTER TABLE checkoutflow_timers DROP COLUMN since")
            if newer == 6:
                without_ends(cursor)
        cursor.execute("UPDATE checkoutflow_schema SET version = ?", (version,))
    store.close()


def without_ends(cursor) -> None:
    """Proofs as they were while nothing removed them."""
    each = [(table, action) for table in PROOFS for action in ("update", "delete")]
    for table, action in each:
        cursor.execute(f"DROP TRIGGER checkoutflow_{table}_refuses_{action}")
    cursor.execute("ALTER TABLE checkoutflow_schema DROP COLUMN swept_at")
    for table in PROOFS:
        cursor.execute(f"ALTER TABLE checkoutflow_{table} DROP COLUMN expires_at")
    for table, action in each:
        cursor.execute(
            f"CREATE TRIGGER checkoutflow_{table}_refuses_{action} BEFORE {action} ON"
            f" checkoutflow_{table} BEGIN SELECT RAISE(ABORT, 'append-only'); END"
        )


@pytest.mark.parametrize("version", range(1, schema.VERSION))
def test_upgraded_tables_are_like_new_ones(store, file, version):
    """Each step ends where `create` begins."""
    new = shape(file)
    make_older(store, version)
    assert shape(file) != new
    store.create()
    assert shape(file) == new


@pytest.mark.parametrize("version", range(1, schema.VERSION))
def test_an_upgrade_keeps_what_is_there(store, version):
    store.commit(big_change(1))
    store.commit(sample_change(sample_checkout("co-2", subject="somebody")))
    before = [
        store.load("co-1"),
        store.journal("co-1"),
        store.person("person 1"),
        store.due(at(9), 9),
    ]
    make_older(store, version)
    with pytest.raises(SchemaMismatch, match=f"are version {version}"):
        store.load("co-1")
    store.create()
    assert before == [
        store.load("co-1"),
        store.journal("co-1"),
        store.person("person 1"),
        store.due(at(9), 9),
    ]
    # What is new is empty, but for whose checkouts are whose: that was known before.
    assert store.checkouts_of("subject of co-1") == ["co-1"]
    assert store.checkouts_of("somebody") == ["co-2"]
    is_known = version >= BELONGS_SINCE
    owners = 3 if is_known else 2
    assert rows_of(store, "SELECT count(*) FROM checkoutflow_belongs") == [(owners,)]
    assert store.reads("person 1") == ([sample_read("person 1")] if is_known else [])
    assert bool(store.sightings("person 1")) is (version >= SIGHTINGS_SINCE)
    store.commit(big_change(2))
    assert store.checkouts_of("person 2") == ["co-1"]


def shape(file: Path) -> list[tuple[object, ...]]:
    """Every column of every table, and every index and trigger."""
    names = "SELECT type, name FROM sqlite_master ORDER BY type, name"
    with closing(sqlite3.connect(file)) as database:
        return [
            (kind, name, *column)
            for kind, name in database.execute(names).fetchall()
            for column in database.execute(f"PRAGMA table_info({name})").fetchall() or [()]
        ]


def test_other_databases_are_not_supported():
    engine: Any = SimpleNamespace(dialect=SimpleNamespace(name="mysql"))
    with pytest.raises(NotSupported, match="not on mysql"):
        SqlStore(engine)
    engine.dialect = SimpleNamespace(name="postgresql", driver="pg8000")
    with pytest.raises(NotSupported, match="needs the driver psycopg, not pg8000"):
        SqlStore(engine)


# Connections


def rows_of(store: SqlStore, query: str) -> list[tuple[object, ...]]:
    with store._transaction("BEGIN") as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def connections_of_threads(store: SqlStore, threads: int) -> int:
    """Use a store from several threads at the same moment; say how many connections it made."""
    barrier = Barrier(threads)

    def work(_number):
        with store._transaction("BEGIN"):
            barrier.wait(timeout=30)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))
    return len(store._idle)


@pytest.mark.parametrize("options", ["", "?isolation_level=IMMEDIATE", "?cached_statements=0"])
def test_every_connection_is_made_safe(store, file, options):
    with closing(on(file, options)) as same:
        for each in (store, same):
            # As where SQLite was built to do without.
            event.listen(each._engine, "connect", leave_deleted_bytes)
            each.close()
            assert connections_of_threads(each, 4) == 4
            for connection in each._idle:
                found = {}
                for pragma in ("journal_mode", "synchronous", "foreign_keys", "secure_delete"):
                    cursor = connection.cursor()
                    cursor.execute(f"PRAGMA {pragma}")
                    found[pragma] = cursor.fetchall()[0][0]
                assert found == {
                    "journal_mode": "wal",
                    "synchronous": 2,
                    "foreign_keys": 1,
                    "secure_delete": 1,
                }


def leave_deleted_bytes(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA secure_delete = OFF")


def test_a_connection_is_looked_at_once_and_used_again(store):
    statements: list[str] = []
    event.listen(
        store._engine, "connect", lambda made, _: made.set_trace_callback(statements.append)
    )
    store.close()
    for _ in range(3):
        store.load("co-1")
    assert sum("PRAGMA" in statement for statement in statements) == 4
    assert sum("schema" in statement for statement in statements) == 2
    assert sum("state" in statement for statement in statements) == 3


def test_a_database_without_a_write_ahead_log_is_refused():
    store = SqlStore(create_engine("sqlite://"))
    with pytest.raises(StoreError, match="journal mode is memory"):
        store.create()


def test_the_log_is_begun_again_where_it_was_ended(store, file):
    store.commit(sample_change())
    store.close()
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("PRAGMA journal_mode = DELETE").fetchall() == [("delete",)]
    store.commit(sample_change(sample_checkout(version=2)))
    assert rows_of(store, "PRAGMA journal_mode") == [("wal",)]


class Cursor:
    """A cursor on which somebody else always changes the journal mode at the same time."""

    def __init__(self, code: int) -> None:
        self.error = sqlite3.OperationalError("refused")
        self.error.sqlite_errorcode = code
        self.statements: list[str] = []

    def execute(self, statement):
        self.statements.append(statement)
        if statement.startswith("PRAGMA"):
            raise self.error


def test_whoever_changes_the_journal_mode_too_is_waited_for_but_not_for_ever():
    cursor = Cursor(sqlite3.SQLITE_BUSY)
    with pytest.raises(StoreError, match="kept the database locked"):
        sqlite.make_safe(cursor)  # type: ignore[arg-type]
    assert cursor.statements[:3] == ["PRAGMA journal_mode = WAL", "BEGIN IMMEDIATE", "ROLLBACK"]
    assert len(cursor.statements) < 100
    with pytest.raises(sqlite3.OperationalError):
        sqlite.make_safe(Cursor(sqlite3.SQLITE_IOERR))  # type: ignore[arg-type]


def test_a_disk_that_fails_may_be_full():
    error = Cursor(sqlite3.SQLITE_IOERR_SHMSIZE).error
    assert "or is full: see that there is room" in str(sqlite.explain(error))


def test_the_shops_own_engine_keeps_its_pool_and_its_ways(file):
    engine = create_engine(f"sqlite:///{file}", pool_size=1, max_overflow=0, pool_timeout=0.01)
    with closing(SqlStore(engine)) as store:
        store.create()
        store.commit(sample_change())
        assert connections_of_threads(store, 4) == 4
        with engine.connect() as connection:  # the only one of its pool is free
            connection.exec_driver_sql("CREATE TABLE orders (id TEXT)")
            connection.exec_driver_sql("INSERT INTO orders VALUES ('not committed')")
            connection.rollback()
            assert connection.exec_driver_sql("SELECT * FROM orders").all() == []
            store.close()
            with pytest.raises(StoreError, match="gave no connection: TimeoutError"):
                store.load("co-1")
    engine.dispose()


def test_a_closed_store_can_be_used_again(store, file):
    store.commit(sample_change())
    store.close()
    assert [path.name for path in file.parent.iterdir()] == ["shop.db"]
    assert store.load("co-1")


# What is kept


def test_attempts_and_facts_for_the_shops_own_queries_are_kept(store):
    attempt = sample_attempt(outcome=None)
    store.commit(sample_change(attempts=(attempt,)))
    state = sample_checkout(version=2, phase=Phase.HELD)
    known = replace(attempt, sends=2, outcome=Outcome.UNKNOWN, lease_until=at(9))
    store.commit(sample_change(state, attempts=(known, replace(attempt, id="second"))))
    facts = ("bank", "pay-1", "authorise", 12900, "DKK", "0f" * 32, schema.instant(NOON))
    assert rows_of(store, "SELECT * FROM checkoutflow_attempts ORDER BY id DESC") == [
        ("co-1", "second", *facts, schema.instant(at(1)), 1, None),
        ("co-1", "pay-1-authorise", *facts, schema.instant(at(9)), 2, "unknown"),
    ]
    assert rows_of(
        store, "SELECT id, phase, version, attention, updated_at FROM checkoutflow_checkouts"
    ) == [("co-1", "held", 2, 0, schema.instant(at(2)))]
    assert rows_of(
        store, "SELECT typeof(state), json_valid(state) FROM checkoutflow_checkouts"
    ) == [("text", 1)]


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-11, minutes=-30))])))
def test_instants_are_exact(moment):
    assert schema.moment(schema.instant(moment)) == moment


@given(a=st.datetimes(timezones=st.just(UTC)), b=st.datetimes(timezones=st.just(UTC)))
def test_instants_are_ordered_as_time_is(a, b):
    assert (schema.instant(a) < schema.instant(b)) == (a < b)


def test_an_instant_has_a_time_zone():
    with pytest.raises(TypeError):
        schema.instant(datetime(2025, 1, 1))  # noqa: DTZ001 -- that is what is refused


@pytest.mark.parametrize("table", ["journal", "consents", "reads", "erasures"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET at = 0", "DELETE FROM {}"])
@pytest.mark.parametrize("is_new", [True, False], ids=["new", "upgraded"])
def test_what_proves_something_is_append_only(store, table, statement, is_new):
    if not is_new:
        make_older(store, 1)
        store.create()
    store.commit(big_change())
    store.erase(ErasureRow("person 1", NOON, "asked"))
    table = f"checkoutflow_{table}"
    every_row = f"SELECT * FROM {table}"  # noqa: S608 -- ours
    before = rows_of(store, every_row)
    assert len(before) == 1
    with pytest.raises(StoreError, match=r"the \w+ (is|are) append-only"):
        rows_of(store, statement.format(table))
    assert rows_of(store, every_row) == before


@pytest.mark.parametrize("version", [5, 6])
@pytest.mark.parametrize("kept", [True, False])
def test_proofs_of_an_older_version_get_an_end(store, version, kept):
    know(store, "one", until=10)
    consents = (sample_consent("one"), sample_consent("one", at=at(1)))
    reads = (sample_read("one"),)
    store.write_person(PersonChange(subject="one", consents=consents, reads=reads))
    until = at(2) + 2 * KEEP_ERASURES
    far = ErasureRow("two", at(2), "asked", ("name",), until)
    know(store, "two", until=10)
    for erasure in (far, *([] if kept else [ErasureRow("one", at(5), "asked")])):
        store.erase(erasure)
    if version == 5:
        make_older(store, 5)
        store.create()
    ends = rows_of(store, "SELECT expires_at FROM checkoutflow_consents")
    assert ends == [(None if kept else schema.instant(at(5) + KEEP_CONSENTS),)] * 2
    ends = rows_of(store, "SELECT expires_at FROM checkoutflow_reads")
    assert ends == [(schema.instant(NOON + KEEP_READS),)]
    ends = rows_of(store, "SELECT expires_at FROM checkoutflow_erasures WHERE subject_id = 'two'")
    assert ends == [(schema.instant(until),)]
    assert list(store.reads("one")) == [*reads]


def test_a_proof_goes_only_when_it_is_over(store):
    know(store, "one", until=10**9)
    later = sample_read("one", at=at(60))
    store.write_person(PersonChange(subject="one", reads=(sample_read("one"), later)))
    store.forget_expired(NOON + KEEP_READS, 9)
    assert store.reads("one") == [later]
    with pytest.raises(StoreError, match="the reads are append-only"):
        rows_of(store, "DELETE FROM checkoutflow_reads")
    again = sample_read("one", at=at(70))
    store.write_person(PersonChange(subject="one", reads=(again,)))
    assert store.reads("one") == [later, again]


def test_nothing_is_kept_for_a_checkout_or_a_person_that_is_not_there(store):
    for attempt in (
        lambda: store.take_notice(NoticeRow("bank", "n-1", "nobody", "captured", NOON)),
        lambda: store.commit(
            sample_change(vault=(VaultRow("nobody", "email", b"x", ("deliver",), NOON),))
        ),
    ):
        with pytest.raises(StoreConflict, match="removed what this belongs to"):
            attempt()
    assert store.load("co-1") is None


def test_what_another_process_wrote_is_read(store, file):
    store.commit(sample_change())
    with closing(open_store(file)) as other:
        other.commit(sample_change(sample_checkout(version=2, method="card")))
        state = store.load("co-1")
        assert state
        assert state.method == "card"
        with pytest.raises(StoreConflict, match="co-1"):
            store.commit(sample_change(sample_checkout(version=2)))
        store.commit(sample_change(sample_checkout(version=3)))


def test_only_some_recent_states_are_remembered(store):
    for n in range(200):
        store.commit(sample_change(sample_checkout(f"co-{n}")))
        assert len(store._recent) <= 64
    for n in range(200):
        assert store.load(f"co-{n}") == sample_checkout(f"co-{n}")


@pytest.mark.parametrize(
    ("table", "column", "text", "complaint"),
    [
        ("checkouts", "state", '{"id": "co-1"}', r"\(market: missing\). It was written by a"),
        ("checkouts", "state", '{"canary', "json_invalid"),
        ("checkouts", "state", '{"novelty": "canary"}', "missing"),
        ("journal", "events", '[{"type": "canary"}]', "union_tag_invalid"),
        ("journal", "events", '[{"type": "held", "reasons": "canary"}]', "reasons: tuple_type"),
    ],
)
def test_what_this_version_cannot_read_is_said_and_not_shown(
    store, file, table, column, text, complaint
):
    store.commit(sample_change())
    store.close()
    with closing(sqlite3.connect(file)) as database:
        database.execute("DROP TRIGGER checkoutflow_journal_refuses_update")
        database.execute(f"UPDATE checkoutflow_{table} SET {column} = ?", (text,))  # noqa: S608 -- ours
        database.commit()
    with closing(open_store(file)) as other, pytest.raises(StoreError, match=complaint) as caught:
        other.load("co-1") if table == "checkouts" else other.journal("co-1")
    assert "checkout co-1 cannot be read" in str(caught.value)
    assert "canary" not in show(caught.value)


# What goes


def on_disk(file: Path) -> bytes:
    """Everything that the database and its log hold."""
    log = file.with_name(f"{file.name}-wal")
    return file.read_bytes() + log.read_bytes()


def know(store: SqlStore, *people: str, until: float = 60) -> None:
    """Write persons with a key and some fields."""
    for person in people:
        fields = tuple(sample_field(person, name, until) for name in ("email", "name", "city"))
        store.write_person(PersonChange(subject=person, key=sample_key(person), vault=fields))


@pytest.mark.parametrize("way", ["erased", "expired"])
def test_a_destroyed_key_is_not_left_on_the_disk(store, file, way):
    event.listen(store._engine, "connect", leave_deleted_bytes)
    store.close()
    people = [f"person {n * 37 % 100:02}" for n in range(100)]
    gone, left = people[::3], [each for n, each in enumerate(people) if n % 3]
    know(store, *gone, until=10)
    know(store, *left)
    assert [
        person for person in people if sample_key(person).wrapped_key in on_disk(file)
    ] == people
    if way == "erased":
        for person in gone:
            assert store.erase(ErasureRow(person, NOON, "asked"))
    else:
        assert store.forget_expired(at(10), 999).people == len(gone)
    found = on_disk(file)
    assert [person for person in gone if sample_key(person).wrapped_key in found] == []
    assert [person for person in left if sample_key(person).wrapped_key not in found] == []


def test_whoever_erases_waits_for_nobody_who_reads(store, file):
    know(store, "one", "two")
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM checkoutflow_subjects").fetchall()
        began = perf_counter()
        assert store.erase(ErasureRow("one", NOON, "asked"))
        assert perf_counter() - began < BUSY_TIMEOUT_S / 2
        # Somebody still reads what was there before, so the log has it.
        assert sample_key("one").wrapped_key in on_disk(file)
    assert store.erase(ErasureRow("two", NOON, "asked"))
    assert b"key of" not in on_disk(file)
    assert rows_of(store, "PRAGMA busy_timeout") == [(int(BUSY_TIMEOUT_S * 1000),)]


def test_who_is_erased_stays_erased_if_the_log_cannot_be_emptied(store):
    def refuse(action: int, name: str | None, *_: object) -> int:
        is_emptying = action == sqlite3.SQLITE_PRAGMA and name == "wal_checkpoint"
        return sqlite3.SQLITE_DENY if is_emptying else sqlite3.SQLITE_OK

    event.listen(store._engine, "connect", lambda made, _: made.set_authorizer(refuse))
    store.close()
    know(store, "one")
    assert store.erase(ErasureRow("one", NOON, "asked"))
    assert store.person("one") == (None, ())


def test_what_is_written_anew_while_it_is_forgotten_stays(store, file, monkeypatch):
    know(store, "one", until=10)
    fields = tuple(sample_field("one", name) for name in ("email", "name", "city"))
    trace = sample_trace("one", until=10)
    store.write_person(PersonChange(subject="one", digests=(trace,)))
    writing = store.transaction

    def after_another(*, is_writing):
        if is_writing:
            with closing(open_store(file)) as other:
                renewed = (replace(trace, expires_at=at(60)),)
                other.write_person(PersonChange(subject="one", vault=fields, digests=renewed))
        return writing(is_writing=is_writing)

    monkeypatch.setattr(store, "transaction", after_another)
    assert store.forget_expired(at(10), 9) == Forgotten()
    key, rows = store.person("one")
    assert key == sample_key("one")
    assert {*rows} == {*fields}
    assert store.find_people("email", [trace.digest], at(10)) == ["one"]


# By key


def plan_of(store: SqlStore, statement: str) -> list[str]:
    with store._transaction("BEGIN") as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", ("x",) * statement.count("?"))
        return [row[3] for row in cursor.fetchall()]


QUESTIONS = {
    name: text
    for name, text in vars(statements("sqlite")).items()
    if name
    not in {
        "create",
        "version",
        "insert_version",
        "set_swept",
        "lock_series",
        "fields_by_month",  # a report for a person, once in a while
        "_database",
    }
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_question_reads_a_whole_table(store, question):
    """However many checkouts there are, each answer costs the same."""
    text = QUESTIONS[question]
    for step in plan_of(store, text):
        # Reading on in the order of an index, or back from a table's end, is fine where a limit
        # ends it.
        is_in_order = "USING COVERING INDEX" in step or "ORDER BY rowid DESC" in text
        is_limited = is_in_order and "LIMIT" in text
        assert is_limited or not re.match(r"SCAN (?!first\b)", step), step
        # What is sorted are the few rows that the limit has left.
        assert "TEMP B-TREE" not in step or question in {"due", "latest"}, step


@pytest.mark.parametrize(
    ("question", "by"),
    [
        ("load", "USING INDEX sqlite_autoindex_checkoutflow_checkouts_1 (id=?)"),
        ("due", "USING COVERING INDEX checkoutflow_timers_by_due (due_at<?)"),
        ("due", "earlier USING PRIMARY KEY (checkout_id=?)"),
        ("delayed", "USING INDEX checkoutflow_timers_put_off (since<?)"),
        (
            "find_payment",
            "COVERING INDEX checkoutflow_attempts_by_payment (provider=? AND payment=?)",
        ),
        ("moves", "USING INDEX checkoutflow_ledger_by_payment (payment=?)"),
        ("free", "USING PRIMARY KEY (card_id=?)"),
        ("find_people", "USING PRIMARY KEY (kind=? AND digest=?)"),
        ("checkouts_of", "USING PRIMARY KEY (subject_id=?)"),
        ("append_read", "USING PRIMARY KEY (subject_id=?)"),
        ("delete_digests", "USING COVERING INDEX checkoutflow_digests_by_subject (subject_id=?)"),
        ("turns", "USING PRIMARY KEY (key=? AND at>?)"),
        ("expired_fields", "USING COVERING INDEX checkoutflow_vault_by_expiry (expires_at<?)"),
        ("expired_digests", "USING COVERING INDEX checkoutflow_digests_by_expiry (expires_at<?)"),
        ("expired_turns", "USING COVERING INDEX checkoutflow_turns_by_expiry (expires_at<?)"),
        ("expired_consents", "USING COVERING INDEX checkoutflow_consents_by_expiry (expires_at<?)"),
        ("expired_reads", "USING COVERING INDEX checkoutflow_reads_by_expiry (expires_at<?)"),
        ("expired_erasures", "USING COVERING INDEX checkoutflow_erasures_by_expiry (expires_at<?)"),
        ("keep_consents", "USING PRIMARY KEY (subject_id=?)"),
        ("end_consents", "consents_by_expiry (expires_at=? AND subject_id=?)"),
        ("checkouts_in_phase", "COVERING INDEX checkoutflow_checkouts_by_phase (phase=? AND id>?)"),
    ],
)
def test_a_question_is_answered_by_the_index_made_for_it(store, question, by):
    assert [step for step in plan_of(store, QUESTIONS[question]) if by in step]


# Trouble


def show(error: BaseException) -> str:
    """Everything that a log could print of an error."""
    return "".join(traceback.format_exception(error)) + repr(error)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """While another process writes and does not end."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


def test_a_locked_database_is_waited_for_then_refused(store, file):
    store.commit(big_change(1))
    with closing(on(file)) as impatient:
        with locked(file):
            assert versions(impatient) == 1  # readers need not wait
            for write in (
                lambda: impatient.commit(big_change(2)),
                lambda: impatient.take_notice(NoticeRow("bank", "n-1", "co-1", "captured", NOON)),
                lambda: impatient.reset_timer("co-1", "timer 1", at=at(99), version=1),
                lambda: impatient.delivered(impatient.messages(9)),
                lambda: impatient.write_person(PersonChange(subject="person 1")),
                lambda: impatient.erase(ErasureRow("person 1", NOON, "asked")),
                lambda: impatient.take_turn([Limit("key", 1, 60)], NOON),
                lambda: impatient.forget_expired(at(99), 9),
            ):
                with pytest.raises(StoreError, match="locked; try again") as caught:
                    write()
                assert not isinstance(caught.value, StoreConflict)
        assert versions(impatient) == 1
        impatient.commit(big_change(2))
        assert versions(impatient) == 2


def test_a_full_disk_keeps_what_was_there_wherever_it_strikes(store, file):
    store.commit(big_change(1))
    (pages,) = rows_of(store, "PRAGMA page_count")[0]
    assert isinstance(pages, int)
    store.close()
    refusals = 0
    for most in range(pages, pages + 100):
        store = open_store(file)
        event.listen(
            store._engine,
            "connect",
            lambda made, _, most=most: made.execute(f"PRAGMA max_page_count = {most}"),
        )
        with closing(store):
            try:
                store.commit(big_change(2, size=4_000))
            except StoreError as error:
                assert "the disk is full" in str(error)  # noqa: PT017 -- it may succeed too
                refusals += 1
                assert versions(store) == 1
            else:
                break
    assert refusals > 25
    with closing(open_store(file)) as store:
        assert versions(store) == 2


def read_only(file: Path) -> SqlStore:
    return SqlStore(create_engine(f"sqlite:///file:{file}?mode=ro&uri=true"))


def test_a_file_that_may_only_be_read_is_read(store, file):
    store.commit(big_change(1))
    with closing(read_only(file)) as reader:
        assert versions(reader) == 1
        with pytest.raises(StoreError, match=r"the right to write .* -wal and -shm"):
            reader.commit(big_change(2))
        assert versions(reader) == 1


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (b"SQLite format 4\0" + bytes(4096), "no SQLite database"),
        (b"<html>", "no SQLite database"),
    ],
)
def test_a_file_of_something_else_is_refused(file, content, advice):
    file.write_bytes(content)
    with closing(open_store(file)) as store:
        for use in (store.create, lambda: store.load("co-1")):
            with pytest.raises(StoreError, match=advice):
                use()
    assert file.read_bytes() == content


def test_a_folder_is_no_database(tmp_path):
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(tmp_path).load("co-1")


def test_a_damaged_file_is_refused(store, file):
    store.commit(big_change(1))
    store.close()
    content = file.read_bytes()
    file.write_bytes(content[: 2 * 4096] + b"\xff" * (len(content) - 2 * 4096))
    with pytest.raises(StoreError, match="damaged; restore your backup"):
        store.commit(big_change(2))


CANARIES = [f"canary{n}" for n in range(26)]


def change_full_of_canaries(version: int = 1) -> Change:
    c = iter(CANARIES)
    return sample_change(
        sample_checkout(version=version, method=next(c)),
        command=next(c),
        timers={next(c): NOON},
        attempts=(sample_attempt(next(c), next(c), id=next(c)),),
        idempotency=IdempotencyRow(next(c), next(c), "co-1"),
        subjects=(SubjectKey("person", next(c).encode(), next(c)),),
        vault=(VaultRow("person", next(c), next(c).encode(), (next(c),), NOON),),
        digests=(DigestRow(next(c), next(c), next(c), NOON),),
        people=(next(c),),
        consents=(sample_consent(next(c), kind=next(c), text=next(c)),),
        reads=(sample_read("person", by=next(c), fields=(next(c),)),),
        profile=ProfileRow("person", {next(c): next(c)}, NOON),
        messages=(next(c),),
    )


def test_no_error_shows_what_was_to_be_written(store, file):
    store.commit(change_full_of_canaries())
    errors: list[StoreError] = []
    with closing(read_only(file)) as reader, closing(on(file)) as impatient:
        for refusing, version in (
            (store, 1),  # the checkout exists
            (store, 2),  # the key and the person exist
            (store, 9),  # nobody wrote version 8
            (reader, 2),
        ):
            with pytest.raises(StoreError) as caught:
                refusing.commit(change_full_of_canaries(version))
            errors.append(caught.value)
        with locked(file), pytest.raises(StoreError) as caught:
            impatient.commit(change_full_of_canaries(2))
        errors.append(caught.value)
    with closing(sqlite3.connect(file)) as database:
        database.execute("DROP TABLE checkoutflow_journal")
    with pytest.raises(StoreError, match="SQLite refused: no such table") as caught:
        store.commit(sample_change(sample_checkout(version=2), command=CANARIES[0]))
    errors.append(caught.value)
    conflict = StoreConflict
    kinds = [conflict, conflict, conflict, StoreError, StoreUnavailable, StoreError]
    assert [type(error) for error in errors] == kinds
    for error in errors:
        assert not [canary for canary in CANARIES if canary in show(error)]


def test_an_error_of_the_callers_undoes_the_transaction(store):
    class StopHere(BaseException):
        pass

    def stopped() -> None:
        with store._transaction(sqlite.BEGIN_WRITE) as cursor:
            cursor.execute("DELETE FROM checkoutflow_schema")
            raise StopHere

    with pytest.raises(StopHere):
        stopped()
    store.commit(big_change(1))
    assert versions(store) == 1


# Cut off

WAL_HEADER, FRAME_HEADER, PAGE = 32, 24, 4096


def test_a_log_that_was_cut_at_any_place_gives_an_earlier_state_whole(store, file, tmp_path):
    store.commit(big_change(1))
    rows_of_checkpoint(store)
    for version in (2, 3, 4):
        store.commit(big_change(version))
    log = file.with_name("shop.db-wal").read_bytes()
    assert (len(log) - WAL_HEADER) % (FRAME_HEADER + PAGE) == 0
    cuts = {0, 1, WAL_HEADER - 1, len(log)}
    for frame in range(WAL_HEADER, len(log), FRAME_HEADER + PAGE):
        cuts |= {frame, frame + 1, frame + FRAME_HEADER, frame + FRAME_HEADER + PAGE - 1}
    found = []
    for cut in sorted(cuts):
        copy = tmp_path / f"{cut}.db"
        shutil.copy(file, copy)
        copy.with_name(f"{cut}.db-wal").write_bytes(log[:cut])
        with closing(open_store(copy)) as after:
            found.append(versions(after))
            after.commit(big_change(found[-1] + 1))  # and life goes on
        copy.unlink()
    assert found == sorted(found)
    assert set(found) == {1, 2, 3, 4}
    assert found[-1] == 4


def rows_of_checkpoint(store: SqlStore) -> None:
    """Move everything from the log into the database file."""
    store.close()
    assert store.load("co-1")


KILLED = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import event
sys.path.insert(0, sys.argv[1])
from checkoutflow.stores.sql import open_store
from tests.test_sql_store import big_change

what, folder, deaths = sys.argv[2], Path(sys.argv[3]), 0
while True:
    store = open_store(folder / f"{deaths}.db")
    if what == "commit":
        store.create()
        store.commit(big_change(1))
        store.close()
    if (child := os.fork()) == 0:
        left = deaths
        def count(statement):
            global left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
        event.listen(store._engine, "connect", lambda made, _: made.set_trace_callback(count))
        store.create() if what == "create" else store.commit(big_change(2))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0
        break
    deaths += 1
print(deaths)
"""


def kill_at_every_statement(what: str, folder: Path) -> int:
    command = [sys.executable, "-c", KILLED, str(Path(__file__).parents[1]), what, str(folder)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@POSIX
def test_a_commit_that_is_killed_at_any_statement_is_whole_or_absent(tmp_path):
    deaths = kill_at_every_statement("commit", tmp_path)
    assert deaths > 40
    for death in range(deaths + 1):
        with closing(open_store(tmp_path / f"{death}.db")) as store:
            assert versions(store) == (1 if death < deaths else 2)
            store.commit(big_change(versions(store) + 1))


@POSIX
def test_a_creation_that_is_killed_at_any_statement_leaves_all_tables_or_none(tmp_path):
    deaths = kill_at_every_statement("create", tmp_path)
    assert deaths > 20
    for death in range(deaths + 1):
        with closing(open_store(tmp_path / f"{death}.db")) as store:
            if death < deaths:
                with pytest.raises(SchemaMismatch, match="run create"):
                    store.load("co-1")
                store.create()
            store.commit(big_change(1))
            assert versions(store) == 1


FORKED = """
import os, sys
from checkoutflow.errors import StoreConflict
from checkoutflow.stores.sql import open_store
from checkoutflow.testing.store_samples import sample_change, sample_checkout

store = open_store(sys.argv[1])
store.create()  # several processes do so at once, and then each has children
children = []
for _ in range(4):
    if (child := os.fork()) == 0:
        for version in range(1, 26):
            try:
                store.commit(sample_change(sample_checkout(version=version)))
            except StoreConflict:
                continue
        store.close()
        sys.exit(0)
    children.append(child)
codes = [os.waitpid(child, 0)[1] for child in children]
state = store.load("co-1")
store.close()
sys.exit(codes != [0] * 4 or state.version != 25)
"""


@POSIX
def test_processes_may_create_and_write_at_once_and_be_forked(store, file):
    store.close()
    file.unlink()
    command = [sys.executable, "-c", FORKED, str(file)]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert [entry.version for entry in store.journal("co-1")] == list(range(1, 26))
    assert rows_of(store, "PRAGMA integrity_check") == [("ok",)]
    assert rows_of(store, "PRAGMA foreign_key_check") == []


TRYING = """
import sys
from contextlib import closing
from checkoutflow.stores.contract import Limit
from checkoutflow.stores.sql import open_store
from checkoutflow.testing.store_samples import NOON

limits = [Limit("shop", 999, 60), Limit("address", 25, 60)]
with closing(open_store(sys.argv[1])) as store:
    store.load("co-1")
    print("ready", flush=True)
    sys.stdin.readline()
    print(sum(store.take_turn(limits, NOON) for _ in range(20)))
"""


def test_processes_together_take_no_more_turns_than_there_are(store, file):
    command = [sys.executable, "-c", TRYING, str(file)]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(4)]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    taken = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(taken) == 25
    counted = "SELECT key, count(*) FROM checkoutflow_turns GROUP BY key ORDER BY key"
    assert rows_of(store, counted) == [("address", 25), ("shop", 25)]


@POSIX
def test_what_was_reported_as_committed_is_there_after_a_kill(store, file):
    store.close()
    script = (
        "import sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from tests.test_sql_store import big_change, open_store\n"
        "store = open_store(sys.argv[2])\n"
        "version = 0\n"
        "while version := version + 1:\n"
        "    store.commit(big_change(version))\n"
        "    print(version, flush=True)\n"
    )
    command = [sys.executable, "-c", script, str(Path(__file__).parents[1]), str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        reported = [int(process.stdout.readline()) for _ in range(20)]
        process.kill()
        reported += [int(line) for line in process.stdout.read().splitlines()]
    assert versions(store) in {reported[-1], reported[-1] + 1}
