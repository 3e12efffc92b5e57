"""What is PostgreSQL's own: its settings, its guards, its plans, its errors, and many at once."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine
from tests import postgres
from tests.test_sql_store import (
    CANARIES,
    big_change,
    change_full_of_canaries,
    know,
    show,
    versions,
)

from checkoutflow.errors import (
    NotSupported,
    SchemaMismatch,
    StoreConflict,
    StoreError,
    StoreUnavailable,
)
from checkoutflow.flow.host import default_keys, system_random
from checkoutflow.privacy.secret import Secret
from checkoutflow.privacy.vault import Keys, VaultRow
from checkoutflow.providers.ledger import Answer, Change, Hold
from checkoutflow.stores import schema
from checkoutflow.stores.contract import KEEP_READS, ErasureRow, NoticeRow, PersonChange
from checkoutflow.stores.sql import SqlStore, open_store
from checkoutflow.stores.sql_ledger import SqlLedger
from checkoutflow.stores.statements import statements
from checkoutflow.testing.ledgers import nok
from checkoutflow.testing.store_samples import (
    NOON,
    at,
    sample_change,
    sample_checkout,
    sample_read,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def url() -> Iterator[str]:
    with postgres.new_schema() as url:
        yield url


@pytest.fixture
def store(url) -> Iterator[SqlStore]:
    with closing(open_store(url)) as store:
        store.create()
        yield store


def ask(store: SqlStore, statement: str) -> list[tuple[object, ...]]:
    with store._transaction() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


# Opening ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_server_is_named_by_its_url(scheme, url):
    with closing(open_store(url.replace("postgresql", scheme, 1))) as store:
        store.create()
        store.commit(sample_change())
        assert store.load("co-1") == sample_checkout()
        assert store.key_file is None
        assert not store.is_ephemeral
        with pytest.raises(Exception, match="a store on a server needs keys"):
            default_keys(store, system_random)


def test_an_engine_of_the_shops_own_will_do_and_keeps_its_pool(url):
    engine = create_engine(url.replace("postgresql", "postgresql+psycopg"), pool_size=1)
    with closing(SqlStore(engine)) as store:
        store.create()
        store.commit(sample_change())
        with engine.connect() as connection:
            assert not connection.connection.dbapi_connection.autocommit  # type: ignore[union-attr]
    engine.dispose()


def test_behind_a_pool_of_transactions_nothing_is_prepared(url):
    with closing(open_store(f"{url}&prepare_threshold=none")) as store:
        store.create()
        for _ in range(9):
            store.load("co-1")
        assert not ask(store, "SELECT name FROM pg_prepared_statements")


def test_without_its_driver_the_way_out_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(NotSupported, match=r"pip install 'checkoutflow\[postgres\]'"):
        open_store("postgresql://user:s3cret@host/shop")


def test_a_server_that_is_not_there_is_said_and_the_password_is_not():
    with (
        closing(open_store("postgresql://user:s3cret@127.0.0.1:9/shop")) as store,
        pytest.raises(StoreUnavailable, match="cannot be reached") as caught,
    ):
        store.load("co-1")
    assert "s3cret" not in show(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "advice"),
    [
        ("/postgres?", "/nowhere?", "no such database on the server; make it first"),
        ("//postgres", "//nobody", "does not let this user in; check the name"),
        ("/postgres?", "/postgres?nonsense=s3cret&", "an option that libpq does not know"),
        ("search_path%3Dpublic", "search_path%3Dnowhere", "the search_path names none"),
    ],
)
def test_what_is_wrong_in_a_url_is_said(old, new, advice):
    url = postgres.url_of("public")
    assert old in url
    with (
        closing(open_store(url.replace(old, new))) as store,
        pytest.raises(StoreError, match=advice) as caught,
    ):
        store.create()
    assert "s3cret" not in show(caught.value)


@pytest.mark.parametrize(
    ("text", "may_try"),
    [
        ('connection failed: FATAL:  password authentication failed for user "a"\n', False),
        ('failed: FATAL:  no pg_hba.conf entry for host "::1"\n' * 2, False),
        ('one: Connection refused\ntwo: FATAL:  role "a" does not exist', True),
        ("failed: FATAL:  the database system is starting up", True),
        ('role "a" does not exist', True),  # which no server said
    ],
)
def test_who_is_not_let_in_need_not_try_again(text, may_try):
    psycopg: Any = pytest.importorskip("psycopg", reason="install checkoutflow[postgres]")
    found = import_module("checkoutflow.stores.postgresql").explain(psycopg.OperationalError(text))
    assert isinstance(found, StoreUnavailable) is may_try
    assert may_try or "does not let this user in" in str(found)


def test_what_is_committed_is_on_the_disk_and_nobody_waits_for_ever(store):
    names = ("synchronous_commit", "lock_timeout", "idle_in_transaction_session_timeout")
    found = [ask(store, f"SHOW {name}")[0][0] for name in names]
    assert found == ["on", "5s", "1min"]


def test_what_the_administrator_has_set_stands(url):
    url = url.replace(
        "-csearch_path", "-clock_timeout%3D50ms+-csynchronous_commit%3Doff+-csearch_path"
    )
    with closing(open_store(url)) as store:
        store.create()
        assert ask(store, "SHOW lock_timeout") == [("50ms",)]
        assert ask(store, "SHOW synchronous_commit") == [("on",)]  # save for what must hold


def test_tables_of_another_version_are_refused(store, url):
    for version, advice in ((0, "run create"), (schema.VERSION + 1, "install the newer version")):
        store.close()
        with closing(postgres.connect(url)) as other:
            other.execute("UPDATE checkoutflow_schema SET version = %s", (version,))
        with pytest.raises(SchemaMismatch, match=advice):
            store.load("co-1")
    with pytest.raises(SchemaMismatch, match="install the newer version"):
        store.create()


def test_without_tables_nothing_is_done(url):
    with closing(open_store(url)) as store:
        for use in (lambda: store.load("co-1"), lambda: store.commit(sample_change())):
            with pytest.raises(SchemaMismatch, match="run create"):
                use()


# What is kept -------------------------------------------------------------------------------------


def test_everything_of_a_change_is_kept(store):
    store.commit(big_change(1))
    store.commit(big_change(2))
    assert versions(store) == 2


def test_ids_are_in_the_order_of_their_code_points(store):
    names = ["co-Å", "CO-1", "co_1", "co-10", "co-9", "ö", "z", "Z"]
    for name in names:
        store.commit(sample_change(sample_checkout(name)))
    assert store.checkouts(()) == sorted(names)
    assert store.checkouts((), after="co-9") == sorted(names)[sorted(names).index("co-9") + 1 :]


@pytest.mark.parametrize("table", ["journal", "consents", "reads", "erasures"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET at = 0", "DELETE FROM {}", "TRUNCATE {}"])
def test_what_proves_something_is_append_only(store, table, statement):
    store.commit(big_change())
    store.erase(ErasureRow("person 1", NOON, "asked"))
    table = f"checkoutflow_{table}"
    before = ask(store, f"SELECT * FROM {table}")  # noqa: S608 -- ours
    assert len(before) == 1
    with pytest.raises(StoreError, match=r"the \w+ (is|are) append-only"):
        ask(store, statement.format(table))
    assert ask(store, f"SELECT * FROM {table}") == before  # noqa: S608 -- ours


def test_a_proof_goes_only_when_it_is_over(store):
    know(store, "one", until=10**9)
    later = sample_read("one", at=at(60))
    store.write_person(PersonChange(subject="one", reads=(sample_read("one"), later)))
    store.forget_expired(NOON + KEEP_READS, 9)
    assert store.reads("one") == [later]
    with pytest.raises(StoreError, match="the reads are append-only"):
        ask(store, "DELETE FROM checkoutflow_reads")


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


# Errors -------------------------------------------------------------------------------------------


def test_no_error_shows_what_was_to_be_written(store):
    store.commit(change_full_of_canaries())
    errors: list[StoreError] = []
    for version in (1, 2, 9):
        with pytest.raises(StoreConflict) as caught:
            store.commit(change_full_of_canaries(version))
        errors.append(caught.value)
    state = sample_checkout(version=2)
    with pytest.raises(StoreError, match=r"U\+0000") as refused:
        store.commit(sample_change(state, command=f"{CANARIES[0]}\0"))
    errors.append(refused.value)
    ask(store, "ALTER TABLE checkoutflow_journal RENAME TO elsewhere")
    with pytest.raises(StoreError, match="PostgreSQL refused: relation") as refused:
        store.commit(sample_change(state, command=CANARIES[0]))
    errors.append(refused.value)
    ask(store, "ALTER TABLE elsewhere RENAME TO checkoutflow_journal")
    ask(store, "ALTER TABLE checkoutflow_journal ADD CHECK (length(command) > 99) NOT VALID")
    with pytest.raises(StoreError, match="PostgreSQL refused: CheckViolation") as refused:
        store.commit(sample_change(state, command=CANARIES[0]))
    errors.append(refused.value)
    for error in errors:
        assert not [canary for canary in CANARIES if canary in show(error)]


def test_a_row_that_somebody_keeps_locked_is_waited_for_then_refused(url, store):
    store.commit(sample_change())
    impatient = url.replace("-csearch_path", "-clock_timeout%3D50ms+-csearch_path")
    with closing(postgres.connect(url)) as other, closing(open_store(impatient)) as second:
        with other.transaction():
            other.execute("SELECT * FROM checkoutflow_checkouts FOR UPDATE")
            with pytest.raises(StoreUnavailable, match="kept a row locked; try again"):
                second.commit(sample_change(sample_checkout(version=2)))
            assert second.load("co-1") == sample_checkout()  # readers need not wait
        second.commit(sample_change(sample_checkout(version=2)))


def test_a_server_that_only_answers_is_no_place_to_write(url, store):
    standby = url.replace("-csearch_path", "-cdefault_transaction_read_only%3Don+-csearch_path")
    with closing(open_store(standby)) as reader:
        assert reader.load("co-1") is None


# By key -------------------------------------------------------------------------------------------

QUESTIONS = [
    name
    for name, text in vars(statements("sqlite")).items()
    if isinstance(text, str) and "WHERE" in text
]


@pytest.fixture(scope="module")
def planner() -> Iterator[SqlStore]:
    with postgres.new_store() as store:
        store.create()
        yield store


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_question_reads_a_whole_table(question, planner):
    text: str = getattr(statements("postgresql"), question)
    with planner._transaction("BEGIN") as cursor:
        # In an empty table the planner reads everything unless it is asked not to.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        count = text.count("%s")
        first, *rest = text.split("%s")
        text = first + "".join(f"${n}{part}" for n, part in enumerate(rest, 1))
        kinds, values = ", ".join(["unknown"] * count), ", ".join(["NULL"] * count)
        cursor.execute(f"PREPARE question ({kinds}) AS {text}")
        cursor.execute(f"EXPLAIN EXECUTE question ({values})")
        plan = [line for (line,) in cursor.fetchall()]
        cursor.execute("DEALLOCATE question")
    assert not [line for line in plan if "Seq Scan" in line], plan


# Many at once -------------------------------------------------------------------------------------

THREADS = 8


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """What each gives or raises, when all begin at the same moment."""
    barrier = Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        barrier.wait(timeout=30)
        try:
            return work()
        except StoreError as error:
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_several_may_create_at_once(url):
    stores = [open_store(url) for _ in range(4)]
    assert at_once(*[store.create for store in stores]) == [None] * 4
    for store in stores:
        store.close()


def test_of_several_who_write_the_same_version_one_is_first(store):
    store.commit(sample_change())
    changes = [
        sample_change(sample_checkout(version=2, method=f"method {n}")) for n in range(THREADS)
    ]
    found = at_once(*[partial(store.commit, change) for change in changes])
    assert found.count(None) == 1
    others = [error for error in found if error is not None]
    assert [type(error) for error in others] == [StoreConflict] * (THREADS - 1)
    state = store.load("co-1")
    assert state
    assert state.method == f"method {found.index(None)}"


def test_a_card_is_never_spent_twice_however_many_try(store):
    ledger = SqlLedger(store, Keys.of(bytes(32)))
    ledger.issue("CODE-1", nok(500), at=NOON)

    def hold(payment: str) -> Answer:
        return ledger.hold(Hold(f"hold {payment}", payment, Secret("CODE-1"), nok(100), NOON))

    found = at_once(*[partial(hold, f"payment {n}") for n in range(THREADS)])
    assert found.count(Answer.DONE) == 5
    assert found.count(Answer.INSUFFICIENT_FUNDS) == THREADS - 5
    assert ledger.balance("CODE-1") == nok(0)
    first = f"payment {found.index(Answer.DONE)}"
    takes = [Change(f"take {n}", first, nok(60), NOON) for n in range(4)]
    found = at_once(*[partial(ledger.take, take) for take in takes])
    assert sorted(found) == sorted([Answer.DONE, *[Answer.TOO_MUCH] * 3])
    same = Change("back", first, nok(60), NOON)
    assert at_once(*[lambda: ledger.give_back(same)] * 4) == [Answer.DONE] * 4
    assert ledger.balance("CODE-1") == nok(60)


def test_proofs_written_at_once_have_a_place_each(store):
    know(store, "one")
    reads = [sample_read("one", by=f"clerk {n}") for n in range(THREADS)]
    works = [
        partial(store.write_person, PersonChange(subject="one", reads=(read,))) for read in reads
    ]
    assert at_once(*works) == [None] * THREADS
    assert {read.by for read in store.reads("one")} == {read.by for read in reads}


def test_a_person_who_is_erased_and_written_to_at_once_is_there_or_not(store):
    for turn in range(10):
        person = f"person {turn}"
        know(store, person)
        field = VaultRow(person, "phone", b"sealed", ("deliver",), at(60))
        at_once(
            partial(store.erase, ErasureRow(person, NOON, "asked")),
            partial(store.commit, sample_change(sample_checkout(f"co-{person}"), vault=(field,))),
        )
        key, rows = store.person(person)
        assert key is None
        assert rows == ()


TURNS = """
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


def test_processes_together_take_no_more_turns_than_there_are(store, url):
    command = [sys.executable, "-c", TURNS, url]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(3)]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    taken = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(taken) == 25


FORKED = """
import os, sys
from checkoutflow.errors import StoreConflict
from checkoutflow.stores.sql import open_store
from checkoutflow.testing.store_samples import sample_change, sample_checkout

store = open_store(sys.argv[1])
store.create()  # several processes do so at once, and then each has children
children = []
for _ in range(3):
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
sys.exit(codes != [0] * 3 or state.version != 25)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs fork")
def test_processes_may_create_and_write_at_once_and_be_forked(url):
    command = [sys.executable, "-c", FORKED, url]
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    with closing(open_store(url)) as store:
        assert [entry.version for entry in store.journal("co-1")] == list(range(1, 26))


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_what_was_reported_as_committed_is_there_after_a_kill(store, url):
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
    command = [sys.executable, "-c", script, str(Path(__file__).parents[1]), url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        reported = [int(process.stdout.readline()) for _ in range(10)]
        process.kill()
        reported += [int(line) for line in process.stdout.read().splitlines()]
    # What was under way is undone by the server, or done, when it sees that nobody is there.
    wanted = big_change(versions(store) + 1)
    store.commit(wanted)
    assert versions(store) in {reported[-1] + 1, reported[-1] + 2}
