"""A PostgreSQL server that goes away at any moment, and others in the way: nothing is lost.

Everything here is done to a real server: connections are cut on the wire, sessions are ended from
another one, and the server is killed while it commits.
"""

from __future__ import annotations

import time
from contextlib import closing, contextmanager
from itertools import count
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import make_url
from tests import postgres
from tests.cutting import COMMIT, Cut, Wire
from tests.test_drivers import expected, journals
from tests.test_sql_store import big_change, versions

from checkoutflow.errors import CommitUnknown, StoreConflict, StoreError, StoreUnavailable
from checkoutflow.stores.again import Undone
from checkoutflow.stores.contract import InvoiceRow, Limit, NoticeRow
from checkoutflow.stores.sql import SqlStore, open_store
from checkoutflow.testing.store_samples import NOON, sample_change, sample_checkout
from checkoutflow.testing.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checkoutflow.stores.contract import Change


@pytest.fixture
def direct() -> Iterator[SqlStore]:
    """A store with empty tables, whose wire nobody cuts."""
    with postgres.emptied() as open_one:
        yield open_one()


@pytest.fixture
def wire(direct) -> Iterator[Wire]:
    with Wire(postgres.kept()) as wire:
        yield wire


@pytest.fixture
def store(wire) -> Iterator[SqlStore]:
    """The same database, over a wire that can be cut."""
    with closing(open_store(wire.url)) as store:
        yield store


# The wire is cut ----------------------------------------------------------------------------------


@pytest.mark.parametrize("when", [Cut.BEFORE, Cut.AFTER])
def test_a_commit_whose_wire_is_cut_anywhere_is_done_once(when):
    """Whatever was lost, it is found out whether it was written, and written if it was not."""
    for place in count():
        with postgres.emptied() as open_one, Wire(postgres.kept()) as wire:
            direct = open_one()
            with closing(open_store(wire.url)) as store:
                store.commit(big_change(1))
                wire.cut(when, after=place)
                store.commit(big_change(2))
                is_over = wire.is_left()
            assert versions(direct) == 2
        if is_over:
            break
    assert place > 4


@pytest.mark.parametrize("version", [1, 2])
def test_a_commit_that_arrives_as_it_is_tried_again_is_done_once(direct, wire, store, version):
    """The first try still holds its rows: who tries again waits, and then sees what it wrote."""
    for earlier in range(1, version):
        direct.commit(big_change(earlier))
    store.load("co-1")
    wire.cut(Cut.MEANWHILE, holding=COMMIT)
    store.commit(big_change(version))
    assert not wire.is_left()
    assert versions(direct) == version


@pytest.mark.parametrize("when", Cut)
@pytest.mark.parametrize("version", [1, 2])
def test_who_was_second_is_told_so_also_if_the_wire_is_cut(direct, wire, store, when, version):
    store.load("co-1")
    mine = sample_change(sample_checkout(version=version, method="mine"))
    for earlier in range(1, version + 1):
        direct.commit(sample_change(sample_checkout(version=earlier, method="theirs")))
    wire.cut(when, after=1)
    with pytest.raises(StoreConflict):
        store.commit(mine)
    state = direct.load("co-1")
    assert state
    assert state.method == "theirs"


@pytest.mark.parametrize("when", Cut)
def test_a_number_is_taken_once(direct, wire, store, when):
    def make(number: int) -> Change:
        return sample_change(invoices=(InvoiceRow(number, "co-1"),), command=f"number {number}")

    wire.cut(when, holding=COMMIT)
    assert store.commit_numbered(make).invoices[0].number == 1
    assert not wire.is_left()
    assert [entry.command for entry in direct.journal("co-1")] == ["number 1"]


@pytest.mark.parametrize("when", Cut)
def test_a_notice_is_taken_in_whatever_was_heard(direct, wire, store, when):
    direct.commit(sample_change())
    store.load("co-1")
    wire.cut(when, holding=COMMIT)
    assert store.take_notice(NoticeRow("bank", "n-1", "co-1", "captured", NOON))
    assert not wire.is_left()
    assert direct.has_notice("bank", "n-1")
    assert [due.kinds for due in direct.due(NOON, 9)] == [{"notice"}]


def test_what_cannot_be_known_is_said(direct, wire, store):
    """A server that stays away after a commit: the commit may stand."""
    store.commit(sample_change())
    for version, when in enumerate((Cut.AFTER, Cut.BEFORE), 2):
        wire.stays_down = True
        wire.cut(when, holding=COMMIT)
        with pytest.raises(CommitUnknown) as caught:
            store.commit(sample_change(sample_checkout(version=version)))
        assert caught.value.next == "look_again"
        wire.stays_down = wire.is_down = False
    assert len(direct.journal("co-1")) == 2  # the first stands, the second does not


def test_what_was_surely_not_written_is_said(direct, wire, store):
    store.commit(sample_change())
    wire.stays_down = True
    wire.cut(Cut.AFTER, holding=b"UPDATE")
    with pytest.raises(StoreUnavailable, match="cannot be reached") as caught:
        store.commit(sample_change(sample_checkout(version=2)))
    assert caught.value.next == "try_again"
    wire.stays_down = wire.is_down = False
    assert len(direct.journal("co-1")) == 1
    store.commit(sample_change(sample_checkout(version=2)))


def test_a_turn_of_which_nothing_was_heard_is_not_taken_twice_in_silence(direct, wire, store):
    store.load("co-1")
    wire.cut(Cut.AFTER, holding=COMMIT)
    with pytest.raises(CommitUnknown):
        store.take_turn([Limit("key", 2, 60)], NOON)
    assert store.take_turn([Limit("key", 2, 60)], NOON)
    assert not store.take_turn([Limit("key", 2, 60)], NOON)


@pytest.mark.repeats
@pytest.mark.parametrize(
    ("name", "when"),
    [
        ("plain sale", Cut.BEFORE),
        ("plain sale", Cut.MEANWHILE),
        ("own invoice", Cut.AFTER),
        ("notice before the customer returns", Cut.AFTER),
    ],
)
def test_a_sale_goes_on_as_if_nothing_had_been_cut(name, when):
    for place in count():
        with postgres.emptied() as _, Wire(postgres.kept()) as wire:
            stores = []

            def open_one() -> SqlStore:
                stores.append(open_store(wire.url))  # noqa: B023 -- used in this round only
                return stores[-1]  # noqa: B023 -- as above

            wire.cut(when, after=place, holding=COMMIT)
            found = journals(name, World, open_one)
            is_over = wire.is_left()
            for store in stores:
                store.close()
        assert found == expected(name)
        if is_over:
            break
    assert place > 3


# Sessions are ended, and others are in the way ----------------------------------------------------


def end_sessions(of: SqlStore) -> None:
    """As an administrator does, or a fail-over."""
    with closing(postgres.connect()) as other:
        for connection in of._idle:
            pid: Any = connection.info.backend_pid
            other.execute("SELECT pg_terminate_backend(%s, 1000)", (pid,))


def test_sessions_that_were_ended_while_nobody_used_them_are_replaced(direct):
    direct.commit(big_change(1))
    end_sessions(direct)
    assert direct.load("co-1") is not None
    end_sessions(direct)
    direct.commit(big_change(2))
    assert versions(direct) == 2


def test_a_session_that_is_ended_while_it_waits_in_a_commit_does_it_again(direct):
    direct.commit(big_change(1))
    with closing(postgres.connect(postgres.kept())) as other, other.transaction():
        other.execute("SELECT * FROM checkoutflow_checkouts FOR UPDATE")
        thread = Thread(target=direct.commit, args=(big_change(2),))
        thread.start()
        for _ in range(3):
            ended = 0
            while not ended:
                ended = other.execute(
                    "SELECT count(pg_terminate_backend(pid, 1000)) FROM pg_locks WHERE NOT granted"
                ).fetchone()[0]
    thread.join()
    assert versions(direct) == 2


def test_of_two_who_wait_for_each_other_one_does_it_again(direct):
    direct.commit(big_change(1))
    hasty = postgres.kept().replace("-csearch_path", "-cdeadlock_timeout%3D200ms+-csearch_path")
    with closing(postgres.connect(postgres.kept())) as other, closing(open_store(hasty)) as store:
        other.execute("SET deadlock_timeout = '30s'")
        with other.transaction():
            other.execute("INSERT INTO checkoutflow_values VALUES ('DKK', 2, 1)")
            thread = Thread(target=store.commit, args=(big_change(2),))
            thread.start()
            while not other.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall():
                pass
            other.execute("SELECT * FROM checkoutflow_checkouts FOR UPDATE")  # and now it is closed
        thread.join()
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert other.execute(deadlocks).fetchone()[0] > 0
    assert direct.values("DKK") == {1: 1, 2: 2}
    assert len(direct.journal("co-1")) == 2


def test_what_is_undone_each_time_is_said(direct, monkeypatch):
    tries = count(1)

    def undone(*_: object, **__: object) -> None:
        next(tries)
        raise Undone("others wrote the same")

    monkeypatch.setattr(direct, "_transaction", undone)
    for use in (
        lambda: direct.commit(big_change(1)),
        lambda: direct.load("co-1"),
        lambda: direct.clear_health("bank"),
    ):
        with pytest.raises(StoreUnavailable):
            use()
    assert next(tries) == 31


# The server is killed -----------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[postgres.Server]:
    server = postgres.Server("fsync = on\n")
    yield server
    server.end()


@pytest.mark.repeats
def test_a_server_that_is_killed_while_it_commits_keeps_what_it_reported(server):
    """Several workers write; each is told the truth about each of its commits, also by an error."""
    with closing(open_store(server.url)) as store:
        store.create()
    with written(server.url, by=4) as told:
        for _ in range(3):
            time.sleep(0.4)
            server.kill()
            server.start()
        time.sleep(0.4)
    for results in told.values():
        assert results.count(None) > 30


@pytest.mark.repeats
def test_a_standby_that_takes_over_has_what_was_reported(server):
    """The first server is gone for good; what it had reported, the other one had before."""
    with closing(open_store(server.url)) as store:
        store.create()
    first, second = make_url(server.url).query["host"], server.add_standby()
    url = "postgresql://postgres@/postgres"
    both = f"{url}?host={first}:5432&host={second}:5432&target_session_attrs=read-write"
    with written(both, by=4) as told:
        time.sleep(0.4)
        with (
            closing(postgres.connect(server.url)) as primary,
            closing(postgres.connect(f"{url}?host={second}")) as standby,
        ):
            standby.execute("SELECT pg_wal_replay_pause()")
            commits = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
            while len(primary.execute(commits).fetchall()) < 4:
                pass
            server.kill()  # all of them are in the middle of a commit
        before = {checkout: results.count(None) for checkout, results in told.items()}
        server.promote()
        time.sleep(0.4)
    for checkout, results in told.items():
        assert [type(result) for result in results].count(CommitUnknown) == 1
        assert results.count(None) > before[checkout] + 10 > 20


@contextmanager
def written(url: str, *, by: int) -> Iterator[dict[str, list[StoreError | None]]]:
    """So many workers write, each a checkout of its own; what each is told of its commits is true.

    What was reported as written is there, and nothing is but what was reported or said to be
    unknown.
    """
    told: dict[str, list[StoreError | None]] = {f"co-{n}": [] for n in range(by)}
    is_over = False

    def work(checkout: str) -> None:
        with closing(open_store(url)) as store:
            while not is_over:
                try:
                    state = store.load(checkout)
                    version = 1 if state is None else state.version + 1
                except StoreUnavailable:
                    continue
                try:
                    store.commit(sample_change(sample_checkout(checkout, version=version)))
                except StoreError as error:
                    told[checkout].append(error)
                else:
                    told[checkout].append(None)

    threads = [Thread(target=work, args=(checkout,)) for checkout in told]
    for thread in threads:
        thread.start()
    try:
        yield told
    finally:
        is_over = True
        for thread in threads:
            thread.join()
    with closing(open_store(url)) as store:
        for checkout, results in told.items():
            kept = [entry.version for entry in store.journal(checkout)]
            assert kept == [*range(1, len(kept) + 1)]
            done = results.count(None)
            unknown = sum(isinstance(result, CommitUnknown) for result in results)
            assert done <= len(kept) <= done + unknown
            kinds = {type(result) for result in results if result is not None}
            assert kinds <= {CommitUnknown, StoreUnavailable, Undone}
