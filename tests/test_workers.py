"""The worker that runs beside a shop: alone or one of many, whatever fails, whoever is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from tests import postgres
from tests.desk import MUG, SHOP, SOFA, Desk, Witness, buy, database, start

from checkoutflow import CheckoutFlow, MemoryStore, Shop, StoreConflict, open_store
from checkoutflow.checkout.machine import Phase
from checkoutflow.cli import main
from checkoutflow.cli.status import look
from checkoutflow.errors import StoreUnavailable
from checkoutflow.flow.telemetry import Sight
from checkoutflow.testing.bank import Fault
from checkoutflow.testing.clock import Clock
from checkoutflow.testing.serve import serve
from checkoutflow.testing.world import World
from checkoutflow.workers.loop import Worker, pause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from checkoutflow.stores.contract import Store

Stores = dict[str, Any]


@contextmanager
def memory() -> Iterator[Callable[[], Store]]:
    store = MemoryStore()
    yield lambda: store


@contextmanager
def sqlite() -> Iterator[Callable[[], Store]]:
    with database() as file:
        yield lambda: open_store(file)


STORES: Stores = {"memory": memory, "sqlite": sqlite, "postgresql": postgres.emptied}


@pytest.fixture(name="desk", params=STORES)
def fixture_desk(request) -> Iterator[Desk]:
    with ExitStack() as stack:
        opener = stack.enter_context(STORES[request.param]())
        yield Desk(stack.enter_context(World(SHOP, open_store=opener, open_bank=Witness)))


@pytest.fixture(name="alone")
def fixture_alone() -> Iterator[Desk]:
    with World(SHOP, open_bank=Witness) as world:
        yield Desk(world)


def worker(desk: Desk, **options: Any) -> Worker:
    return Worker(desk.world.flow, clock=desk.clock, **options)


def phases(desk: Desk) -> set[Phase]:
    return {state.phase for state in desk.world.checkouts()}


def left_behind(desk: Desk, count: int) -> list[str]:
    """Checkouts that nobody finishes; they are over now, the first one first."""
    names = []
    for _ in range(count):
        names.append(start(desk).id)
        desk.clock.advance(seconds=1)
    desk.clock.advance(days=2)
    return names


# Leases -------------------------------------------------------------------------------------------


def test_two_workers_never_have_the_same_checkout(desk):
    names = left_behind(desk, 5)
    flow = desk.world.flow
    one, other, rest = flow.lease_due(2), flow.lease_due(2), flow.lease_due(9)
    assert [due.checkout for due in (*one, *other, *rest)] == names
    assert flow.due() == []
    assert flow.next_due() == desk.clock() + timedelta(minutes=5)
    for due in (*one, *other):
        assert flow.wake(due).phase is Phase.EXPIRED
    # Whoever had the last one is dead.
    assert flow.lease_due() == []
    desk.clock.advance(minutes=5)
    (left,) = flow.lease_due()
    assert flow.wake(left).phase is Phase.EXPIRED
    assert flow.next_due() is None


def test_a_notice_that_comes_while_its_checkout_is_looked_at_is_looked_at_too(desk):
    checkout = buy(desk, start(desk, payment="wallet"))
    flow = desk.world.flow
    for _ in range(2):
        desk.bank.deliver(
            lambda hook: flow.receive("simulated_bank", hook.headers, hook.body, look=False)
        )
    desk.clock.advance(minutes=1)
    flow.lease_due()
    desk.bank.approve(checkout.payments[0].id)
    desk.bank.deliver(
        lambda hook: flow.receive("simulated_bank", hook.headers, hook.body, look=False)
    )
    (again,) = flow.due()
    assert "notice" in again.kinds


def test_whoever_has_a_scheduler_of_their_own_wakes_by_id(desk):
    (name,) = left_behind(desk, 1)
    flow = desk.world.flow
    assert flow.next_due() <= desk.clock()
    assert [due.checkout for due in flow.due()] == [name]
    assert flow.wake(name).phase is Phase.EXPIRED
    assert flow.wake(name).phase is Phase.EXPIRED
    assert flow.due() == []


@pytest.mark.repeats
def test_many_workers_at_once_do_everything_once(desk):
    left_behind(desk, 30)
    workers = [worker(desk, batch=3) for _ in range(4)]
    threads = [Thread(target=each.drain) for each in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert phases(desk) == {Phase.EXPIRED}
    for state in desk.world.checkouts():
        commands = [entry.command for entry in desk.world.store.journal(state.id)]
        assert commands.count("pass_time") == 1


# Failures -----------------------------------------------------------------------------------------


def breaking(desk: Desk, names: list[str], error: Exception) -> None:
    """Every turn of these checkouts fails."""
    wake = desk.world.flow.wake

    def broken(due):
        if due.checkout in names:
            raise error
        return wake(due)

    desk.world.flow.wake = broken  # type: ignore[method-assign]


@pytest.mark.parametrize("error", [StoreConflict("always"), RuntimeError("a bug")])
def test_checkouts_that_always_fail_do_not_hold_the_rest(alone, error, caplog):
    names = left_behind(alone, 9)
    breaking(alone, names[:4], error)
    one = worker(alone, batch=4)
    assert one.round().failed == 4
    came = one.drain()
    assert (came.done, came.failed) == (5, 0)
    assert names[0] in caplog.text
    alone.clock.advance(minutes=1)
    assert one.round().failed == 4
    # The next time is later than that.
    alone.clock.advance(minutes=1)
    assert one.round().failed == 0
    alone.clock.advance(minutes=1)
    assert one.round().failed == 4


def test_what_others_raise_is_not_logged_since_nobody_knows_what_is_in_it(alone, caplog):
    breaking(alone, left_behind(alone, 1), RuntimeError("zanzibar"))
    worker(alone).round()
    assert "RuntimeError" in caplog.text
    assert "zanzibar" not in caplog.text


def test_pauses_grow_to_an_hour():
    assert [pause(failures) for failures in (1, 2, 3, 7, 10**6)] == [60, 120, 240, 3600, 3600]


def test_a_turn_that_failed_does_not_count_once_another_went_well(alone):
    names = left_behind(alone, 1)
    wake = alone.world.flow.wake
    breaking(alone, names, StoreConflict("once"))
    one = worker(alone)
    one.round()
    alone.world.flow.wake = wake
    alone.clock.advance(minutes=1)
    assert one.round().done == 1
    assert one._failures == {}


def test_what_a_worker_remembers_of_failures_is_bounded(alone, monkeypatch):
    monkeypatch.setattr("checkoutflow.workers.loop._MOST_REMEMBERED", 3)
    breaking(alone, left_behind(alone, 9), StoreConflict("always"))
    one = worker(alone)
    assert one.round().failed == 9
    assert len(one._failures) <= 3


def test_a_worker_whose_lease_is_over_leaves_the_rest_to_others(alone):
    left_behind(alone, 3)
    wake = alone.world.flow.wake

    def slow(due):
        alone.clock.advance(minutes=6)
        return wake(due)

    alone.world.flow.wake = slow
    assert worker(alone).round().done == 1
    assert len(alone.world.flow.due()) == 2


def test_run_due_lets_those_that_fail_wait_behind_the_others(alone, monkeypatch):
    names = left_behind(alone, 6)
    breaking(alone, names[:3], StoreConflict("always"))
    flow = alone.world.flow
    assert [name for name, _ in flow.run_due(3).failed] == names[:3]
    assert flow.run_due(3).done == tuple(names[3:])
    monkeypatch.setattr(MemoryStore, "put_off", refused)
    alone.clock.advance(minutes=1)
    assert len(flow.run_due(3).failed) == 3


def refused(*_: object, **__: object) -> None:
    raise StoreUnavailable("the disk is full")


@pytest.mark.parametrize("way", ["worker", "run_due"])
def test_work_that_fails_for_days_is_named_since_it_was_due_until_it_is_done(desk, way):
    (name,) = left_behind(desk, 1)
    flow, store = desk.world.flow, desk.world.store
    turn = worker(desk).round if way == "worker" else flow.run_due
    gauge = Sight(store, desk.clock, ())
    (since,) = flow.due()[0].timers.values()
    mended = flow.wake
    breaking(desk, [name], StoreConflict("always"))
    end = desk.clock() + timedelta(hours=30 if way == "worker" else 1)
    tries = 0
    while desk.clock() < end:
        assert turn().failed
        tries += 1
        seen = look(store, desk.clock(), since)
        told = [(one.checkout, one.what, one.about, one.since) for one in seen.stuck]
        assert told == [(name, "turn_failed", "expiry", since)]
        assert seen.late == ()
        ((age, _),) = gauge.see("checkoutflow.due.age")
        assert age == (desk.clock() - since).total_seconds()
        desk.clock.advance(seconds=(store.next_due() - desk.clock()).total_seconds())
    assert tries > 30
    flow.wake = mended
    turn()
    assert flow.load(name).phase is Phase.EXPIRED
    assert look(store, desk.clock(), since).is_well(desk.clock())
    assert list(gauge.see("checkoutflow.due.age")) == [(0, {})]


# Messages -----------------------------------------------------------------------------------------


def test_messages_are_taken_in_order_and_one_that_is_not_waits(alone):
    for _ in range(3):
        buy(alone, start(alone))
    ids = [message.id for message in alone.world.flow.messages()]
    refused_id, taken = ids[1], []

    def take(message):
        if message.id == refused_id:
            raise OSError("no")
        taken.append(message.id)

    one = worker(alone, take=take)
    assert one.round().told == len(ids) - 1
    assert taken == [name for name in ids if name != refused_id]
    assert [message.id for message in alone.world.flow.messages()] == [refused_id]
    refused_id = ""
    assert one.round().told == 0
    alone.clock.advance(minutes=1)
    assert one.round().told == 1
    assert taken[-1] == ids[1]
    assert one._not_before == {}


def test_reviewers_are_told_and_the_shop_takes_the_rest(alone):
    buy(alone, start(alone, SOFA))
    alerts: list[Any] = []
    taken: list[Any] = []
    worker(alone, take=taken.append, reviewers=[alerts.append]).round()
    assert len(alerts) == 1
    assert "review_waits" not in {message.kind for message in taken}
    assert alone.world.flow.messages() == []


def test_without_anybody_to_take_them_messages_stay(alone):
    buy(alone, start(alone))
    assert worker(alone).round().told == 0
    assert alone.world.flow.messages()


# Running ------------------------------------------------------------------------------------------


def test_a_worker_runs_until_it_is_stopped_and_gives_back_what_it_has_not_begun(alone):
    names = left_behind(alone, 3)
    one = worker(alone, take=lambda _: None)
    wake = alone.world.flow.wake

    def stopping(due):
        one.stop()
        return wake(due)

    alone.world.flow.wake = stopping
    one.run()
    assert alone.world.checkout(names[0]).phase is Phase.EXPIRED
    assert {due.checkout for due in alone.world.flow.due()} == set(names[1:])
    assert one.drain().done == 0


def test_a_worker_rests_until_something_is_due_and_no_longer_than_it_may(alone):
    one = worker(alone, rest_s=5)
    assert one._until_next() == 5
    alone.bank.plan("authorise", Fault.LOSE_ANSWER)
    checkout = start(alone)
    alone.world.flow.place(
        checkout.id, accepted_total=checkout.total, return_url="https://shop.example"
    )
    first = alone.world.flow.next_due()
    alone.clock.advance(seconds=(first - alone.clock()).total_seconds() - 2)
    assert one._until_next() == 2
    alone.clock.advance(seconds=9)
    assert 0 < one._until_next() < 1


def test_a_store_that_does_not_answer_is_asked_again_later_and_later(alone, monkeypatch):
    one = worker(alone)
    rests: list[float] = []

    def wait(seconds):
        rests.append(seconds)
        if len(rests) == 9:
            one.stop()

    monkeypatch.setattr(one._stop, "wait", wait)
    monkeypatch.setattr(MemoryStore, "lease_due", refused)
    one.run()
    assert rests == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_storm_in_one_shop_delays_nothing_in_another():
    clock = Clock()
    storm, calm = (CheckoutFlow(OWN, store=MemoryStore(), clock=clock) for _ in range(2))
    for _ in range(2000):
        storm.start(MUG, market="DK")
    clock.advance(days=9)
    workers = [Worker(flow, clock=clock) for flow in (storm, calm)]
    for _ in range(3):  # its work comes in while the other's is far from done
        name = calm.start(MUG, market="DK").id
        clock.advance(days=9)
        for each in workers:
            assert each.round().failed == 0
        assert calm.load(name).phase is Phase.EXPIRED
    assert len(storm.due(2000)) == 2000 - 3 * 20


WORKER = """
import sys
from contextlib import closing
sys.path.insert(0, sys.argv[3])
from checkoutflow import CheckoutFlow, Keys, open_store
from checkoutflow.testing.bank import SimulatedBank
from checkoutflow.testing.clock import NOON
from checkoutflow.workers.loop import Worker
from datetime import datetime
from pathlib import Path
from tests.desk import SHOP
clock = lambda: datetime.fromisoformat(Path(sys.argv[1] + ".now").read_text())
flow = CheckoutFlow(
    SHOP,
    providers=[SimulatedBank(clock).provider(sys.argv[2])],
    store=open_store(sys.argv[1]),
    keys=Keys.of(bytes.fromhex(sys.argv[4])),
    clock=clock,
)
Worker(flow, clock=clock, rest_s=0.05).run()
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_workers_on_one_file_may_be_killed_at_any_moment(tmp_path):
    class Slow(Witness):
        requests = 0

        def handle(self, request):
            self.requests += 1
            time.sleep(0.05)
            return super().handle(request)

    file = tmp_path / "shop.db"
    with closing(open_store(file)) as store:
        store.create()
    key = Random(0).randbytes(32).hex()  # noqa: S311 -- as the world has it
    with World(SHOP, open_store=lambda: open_store(file), open_bank=Slow) as world:
        desk = Desk(world)
        served = desk.bank
        assert isinstance(served, Slow)
        for _ in range(4):
            for fault in (Fault.LOSE_ANSWER, Fault.LOSE_REQUEST):
                buy(desk, start(desk))  # a bank that fails too often in a row is not asked
                checkout = start(desk)
                desk.bank.plan("authorise", fault)
                world.flow.place(
                    checkout.id, accepted_total=checkout.total, return_url="https://shop.example"
                )

        def go_on(minutes: float) -> None:
            now = desk.clock.advance(minutes=minutes).isoformat()
            (tmp_path / "next").write_text(now)
            (tmp_path / "next").replace(tmp_path / "shop.db.now")

        with serve(desk.bank.handle) as bank:
            here = str(Path(__file__).parents[1])
            command = [sys.executable, "-c", WORKER, str(file), bank, here, key]
            for requests in (2, 3):
                go_on(6)
                workers = [subprocess.Popen(command) for _ in range(2)]
                enough = served.requests + requests
                wait_for(lambda: served.requests >= enough)  # noqa: B023 -- at once
                for each in workers:
                    each.kill()
                    each.wait(10)
            with subprocess.Popen(command) as last:

                def is_over() -> bool:
                    go_on(0.1)
                    return phases(desk) == {Phase.CONFIRMED}

                wait_for(is_over)
                last.terminate()
        world.check()
        assert phases(desk) == {Phase.CONFIRMED}
        assert all(len(set(bodies)) == 1 for bodies in desk.bank.sent.values())


def wait_for(is_so: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not is_so() and time.monotonic() < end:
        time.sleep(0.05)


# The command --------------------------------------------------------------------------------------

OWN = Shop.read(
    {
        "name": "S",
        "markets": ["DK"],
        "methods": [{"id": "own_invoice", "name": "Invoice"}],
        "deliveries": [{"id": "parcel", "name": "Parcel", "prices": ["49.00 DKK"]}],
        "messages": ["expired"],
    }
)
FLOW = """
from checkoutflow import AsyncCheckoutFlow, CheckoutFlow, Keys, open_store
from checkoutflow.flow.host import system_clock
from datetime import timedelta
from tests.test_workers import OWN

def flow():
    return CheckoutFlow(
        OWN, store=open_store("shop.db"), keys=Keys.of(bytes(32)),
        clock=lambda: system_clock() + timedelta(days=9),
    )

def take(message):
    print(message.kind, flush=True)

def forgets():
    flow()

def raises():
    raise KeyError("HOST")

def wants(what):
    return flow()

def otherwise():
    return AsyncCheckoutFlow(OWN, store=open_store("shop.db"), keys=Keys.of(bytes(32)))
"""


@pytest.fixture(name="own")
def fixture_own(tmp_path, monkeypatch) -> CheckoutFlow:
    """A shop's folder, with its database, settings, keys and program; and one checkout left."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "its_shop.py").write_text(FLOW)
    (tmp_path / "shop.json").write_text(OWN.model_dump_json(exclude_unset=True))
    monkeypatch.setattr(sys, "path", [*sys.path, str(Path(__file__).parents[1])])
    monkeypatch.delitem(sys.modules, "its_shop", raising=False)
    store = open_store("shop.db")
    store.create()
    flow = CheckoutFlow(OWN, store=store)
    flow.start(MUG, market="DK")
    return flow


def test_a_cron_job_does_what_is_due_and_ends(own, capsys):
    with own:
        given = ["--flow", "its_shop:flow", "--take", "its_shop:take"]
        assert main(["work", "--once", *given]) == 0
        out = capsys.readouterr().out
        assert out == "expired\n1 checkouts had their turn, 0 failed, 1 messages taken\n"
        for more in ([], ["--otel"]):
            assert main(["work", "--once", "--shop", "shop.json", "--db", "shop.db", *more]) == 0
            assert capsys.readouterr().out == "0 checkouts had their turn, 0 failed\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name --shop and --db"),
        (["--shop", "shop.json"], "name --shop and --db"),
        (["--shop", "shop.json", "--db", "elsewhere.db"], "there is no such file"),
        (["--shop", "shop.json", "--db", "postgresql://x/y"], "no file lies beside a server"),
        (["--flow", "its_shop:nothing"], "there is no nothing in its_shop"),
        (["--flow", "no_such_module:flow"], "cannot be imported"),
        (["--flow", "its_shop:flow", "--threads", "0"], "is a number above 0"),
        (["--flow", "its_shop:flow", "--otel"], "as your program says"),
        (["--flow", "its_shop:flow", "--shop", "shop.json"], "--shop: your program's flow has its"),
        (["--flow", "its_shop:flow", "--db", "shop.db"], "--db: your program's flow has its own"),
        (["--flow", "its_shop:flow", "--keys", "shop.db.key"], "--keys: your program's"),
        (["--flow", "its_shop:flow", "--keys-from", "KEYS"], "--keys-from: your program's"),
        (
            ["--flow", "its_shop:forgets"],
            "write a function that returns a CheckoutFlow; it gave No",
        ),
        (["--flow", "its_shop:otherwise"], "it gave AsyncCheckoutFlow"),
        (["--flow", "its_shop:raises"], "its_shop:raises: gave no flow: KeyError: 'HOST'"),
        (["--flow", "its_shop:wants"], "gave no flow: TypeError: wants() missing"),
        (["--flow", "its_shop:OWN"], "gave no flow: TypeError: 'Shop' object is not callable"),
        (["--flow", "its_shop:flow", "--fleet"], "a fleet works on PostgreSQL"),
        (["--flow", "its_shop:flow", "--fleet", "--db", "shop.db"], "a fleet works on PostgreSQL"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(own, words, said, capsys):
    with own:
        assert main(["work", *words]) == 2
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="needs SIGTERM")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_when_it_has_finished_what_it_began(own, tmp_path, number):
    words = ["work", "--flow", "its_shop:flow", "--take", "its_shop:take", "--threads", "2"]
    command = [sys.executable, "-m", "checkoutflow", *words]
    path = os.pathsep.join(path for path in sys.path if path)
    options: dict[str, Any] = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": path}}
    with own, subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options) as process:
        assert process.stdout
        said = process.stdout.readline()
        while said != "expired\n":
            said = process.stdout.readline()
        process.send_signal(number)
        assert process.wait(20) == 0
