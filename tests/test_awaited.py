"""A store on PostgreSQL that an event loop waits for: the same promises, and no thread.

Tasks are cancelled at any moment, also while they commit, and the wire is cut: nothing is half
done, and no connection goes back that is not as it was.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from tests import postgres
from tests.cutting import COMMIT, Cut, Wire
from tests.desk import MUG, SHOP
from tests.test_sql_store import big_change, versions

from checkoutflow import joined
from checkoutflow.errors import CommitUnknown, StoreConflict, StoreUnavailable
from checkoutflow.flow import aio
from checkoutflow.flow.aio import AsyncCheckoutFlow
from checkoutflow.flow.host import system_clock
from checkoutflow.flow.sync import CheckoutFlow
from checkoutflow.privacy.vault import Keys
from checkoutflow.stores import sql
from checkoutflow.stores.awaited import CONNECTIONS
from checkoutflow.stores.sql import SqlStore, open_store
from checkoutflow.testing.bank import SimulatedBank
from checkoutflow.testing.store_samples import sample_change, sample_checkout
from checkoutflow.testing.stores import STORE_CHECKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from checkoutflow.stores.awaited import Awaited


def native(store: SqlStore) -> Awaited:
    awaited = store.on_this_loop()
    assert awaited is not None
    return awaited


def idle(store: SqlStore) -> list[Any]:
    return list(native(store)._store._idle)


@pytest.fixture
def direct() -> Iterator[SqlStore]:
    with postgres.emptied() as open_one:
        yield open_one()


@pytest.fixture
def store(direct) -> Iterator[SqlStore]:
    with closing(open_store(postgres.kept())) as store:
        yield store


async def until(other: Any, found: str) -> None:
    """Wait until a query finds something."""
    while not other.execute(found).fetchall():  # noqa: ASYNC110 -- a server has no events
        await asyncio.sleep(0.001)


class Synchronous:
    """Makes each call of a store on an event loop, one for each thread."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._mine = threading.local()
        self._runners: list[asyncio.Runner] = []

    def __getattr__(self, name: str) -> Any:
        if not hasattr(self._mine, "runner"):
            self._mine.runner = asyncio.Runner()
            self._runners.append(self._mine.runner)

        async def call(*arguments: object, **options: object) -> object:
            return await native(self._store)(
                lambda store: getattr(store, name)(*arguments, **options)
            )

        return lambda *arguments, **options: self._mine.runner.run(call(*arguments, **options))

    def create(self) -> None:
        self._store.create()

    @property
    def is_ephemeral(self) -> bool:
        return self._store.is_ephemeral

    @property
    def key_file(self) -> object:
        return self._store.key_file

    def close(self) -> None:
        while self._runners:
            self._runners.pop().close()
        self._store.close()


@pytest.mark.repeats
@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_the_contract(check):
    with ExitStack() as stack:
        check(lambda: Synchronous(stack.enter_context(postgres.emptied())()))


def test_a_sale_holds_no_thread(store, monkeypatch):
    async def sell() -> None:
        async with AsyncCheckoutFlow(
            SHOP,
            providers=[SimulatedBank(system_clock).provider()],
            store=store,
            keys=Keys.of(bytes(32)),
        ) as flow:
            with monkeypatch.context() as patch:
                patch.setattr(aio, "to_thread", None)
                checkout = await flow.start(MUG, market="DK")
                assert await flow.load(checkout.id) == checkout
        assert not idle(store)

    asyncio.run(sell())


def test_tasks_share_a_few_connections_and_one_of_them_wins(store, direct):
    direct.commit(sample_change())

    async def race() -> list[BaseException | None]:
        awaited = native(store)
        tasks = [
            awaited(lambda store: store.commit(sample_change(sample_checkout(version=2))))
            for _ in range(3 * CONNECTIONS)
        ]
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert 1 < len(idle(store)) <= CONNECTIONS
        await awaited(lambda store: store.close())
        return results

    results = asyncio.run(race())
    assert results.count(None) == 1
    assert {type(result) for result in results} == {type(None), StoreConflict}
    assert len(direct.journal("co-1")) == 2


def test_the_loop_goes_on_while_a_row_is_locked(store, direct):
    direct.commit(big_change(1))

    async def wait() -> None:
        awaited = native(store)
        with closing(postgres.connect(postgres.kept())) as other:
            with other.transaction():
                other.execute("SELECT * FROM checkoutflow_checkouts FOR UPDATE")
                task = asyncio.create_task(awaited(lambda store: store.commit(big_change(2))))
                await until(other, "SELECT 1 FROM pg_locks WHERE NOT granted")
            await task
        await awaited(lambda store: store.close())

    asyncio.run(wait())
    assert versions(direct) == 2


# The shop's own transaction -----------------------------------------------------------------------


@pytest.mark.parametrize("is_undone", [False, True])
def test_an_asynchronous_session_of_the_shops_is_joined(store, direct, is_undone):
    async def play() -> None:
        engine = create_async_engine(
            postgres.kept().replace("postgresql", "postgresql+psycopg_async", 1)
        )
        async with AsyncSession(engine) as session:
            bank = SimulatedBank(system_clock).provider()
            keys = Keys.of(bytes(32))
            with CheckoutFlow(SHOP, providers=[bank], store=store, keys=keys) as flow:
                await session.run_sync(lambda sync: joined(flow, sync).start(MUG, market="DK"))
            await (session.rollback() if is_undone else session.commit())
        await engine.dispose()

    asyncio.run(play())
    assert len(direct.checkouts([])) == (not is_undone)


# Cancelled ----------------------------------------------------------------------------------------


async def cancelled(task: asyncio.Task[None]) -> bool:
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return True
    return False


async def is_in_good_order(store: SqlStore) -> None:
    """Nothing of a cancelled call is left on a connection or at the server."""
    for connection in idle(store):
        assert connection.info.transaction_status is TransactionStatus.IDLE
    with closing(postgres.connect()) as other:
        left = "SELECT 1 FROM pg_locks WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock'"
        await until(other, f"SELECT 1 WHERE NOT EXISTS ({left})")


def test_a_task_that_is_cancelled_anywhere_has_done_all_or_nothing(store, direct):
    """After so many turns of the loop; what was done is done once when it is asked for again."""

    async def play() -> tuple[int, int]:
        awaited = native(store)
        done, undone = 0, 0
        for turns in count(step=16):
            version = versions(direct) + 1
            change = big_change(version)
            task = asyncio.create_task(awaited(lambda store: store.commit(change)))  # noqa: B023 -- used in this round only
            for _ in range(turns):
                await asyncio.sleep(0)
            if task.done():
                break
            assert await cancelled(task)
            await is_in_good_order(store)
            is_done = versions(direct) == version
            done, undone = done + is_done, undone + (not is_done)
        await awaited(lambda store: store.close())
        return done, undone

    _, undone = asyncio.run(play())
    assert undone > 5


@pytest.mark.parametrize("times", [1, 2])
def test_a_task_that_is_cancelled_while_it_commits_leaves_nothing_half_done(times):
    """The server is stopped in the middle of the commit, and says so."""
    with postgres.new_schema() as url, closing(open_store(url)) as store:
        store.create()
        with closing(postgres.connect(url)) as other:
            other.execute(
                "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS"
                " 'BEGIN PERFORM pg_sleep(9); RETURN NULL; END'"
            )
            other.execute(
                "CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON checkoutflow_checkouts"
                " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()"
            )

            async def play() -> None:
                awaited = native(store)
                task = asyncio.create_task(awaited(lambda store: store.commit(big_change(1))))
                sleeps = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
                await until(other, sleeps)
                for _ in range(times - 1):  # somebody who cannot wait
                    task.cancel()
                    await asyncio.sleep(0)
                assert await cancelled(task)
                await is_in_good_order(store)
                other.execute("DROP TRIGGER wait ON checkoutflow_checkouts")
                assert versions(store) == 0
                await awaited(lambda store: store.commit(big_change(1)))
                await awaited(lambda store: store.close())

            asyncio.run(play())
        assert versions(store) == 1


# The wire is cut ----------------------------------------------------------------------------------


@contextmanager
def cuttable() -> Iterator[tuple[SqlStore, SqlStore, Wire]]:
    with (
        postgres.emptied() as open_one,
        Wire(postgres.kept()) as wire,
        closing(open_store(wire.url)) as store,
    ):
        yield open_one(), store, wire


def run(store: SqlStore, *calls: Callable[[SqlStore], None]) -> None:
    async def play() -> None:
        awaited = native(store)
        try:
            for call in calls:
                await awaited(call)
        finally:
            await awaited(lambda store: store.close())

    asyncio.run(play())


@pytest.mark.parametrize("when", Cut)
@pytest.mark.parametrize("place", [1, 2, 3])
def test_a_commit_whose_wire_is_cut_is_done_once(when, place):
    with cuttable() as (direct, store, wire):

        def cut(_: SqlStore) -> None:
            wire.cut(when, after=place)

        run(
            store,
            lambda store: store.commit(big_change(1)),
            cut,
            lambda store: store.commit(big_change(2)),
        )
        assert not wire.is_left()
        assert versions(direct) == 2


def test_what_cannot_be_known_is_said():
    with cuttable() as (direct, store, wire):
        direct.commit(sample_change())

        def cut(store: SqlStore) -> None:
            store.load("co-1")
            wire.stays_down = True
            wire.cut(Cut.AFTER, holding=COMMIT)

        with pytest.raises(CommitUnknown):
            run(store, cut, lambda store: store.commit(sample_change(sample_checkout(version=2))))
        assert len(direct.journal("co-1")) == 2
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            run(store, lambda store: store.delivered(()))


# Where it is done with threads --------------------------------------------------------------------


class ProactorEventLoop(asyncio.SelectorEventLoop):
    """By its name the loop that Windows has, for which psycopg cannot wait."""


def test_elsewhere_threads_do_it(store, monkeypatch):
    async def is_native(store: SqlStore) -> bool:
        return store.on_this_loop() is not None

    with asyncio.Runner(loop_factory=ProactorEventLoop) as runner:
        assert not runner.run(is_native(store))
    engine = create_engine(postgres.kept().replace("postgresql", "postgresql+psycopg", 1))
    assert not asyncio.run(is_native(SqlStore(engine)))  # it may connect in a way of its own
    with monkeypatch.context() as patch:
        patch.setattr(sql, "find_spec", lambda _: None)
        assert not asyncio.run(is_native(store))
    assert asyncio.run(is_native(store))


def test_connections_of_a_loop_that_has_ended_are_let_go(store, direct):
    async def use() -> Any:
        await native(store)(lambda store: store.load("co-1"))
        (connection,) = idle(store)
        return connection

    first, second = asyncio.run(use()), asyncio.run(use())
    assert first.closed
    assert not second.closed
    store.close()
    assert second.closed
