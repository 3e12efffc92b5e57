"""Due work as jobs on many machines: nothing is lost whoever is killed, and all is done once."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from tests import postgres
from tests.desk import MUG, SHOP, Desk, Witness, buy, ship, start

from checkoutflow import CheckoutFlow, Keys, NotFound, SchemaMismatch, Shop, open_store
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.messages import messages as kinds
from checkoutflow.cli import main
from checkoutflow.errors import StoreConflict, StoreUnavailable
from checkoutflow.flow.host import system_clock
from checkoutflow.flow.telemetry import Safe
from checkoutflow.otel import OpenTelemetry
from checkoutflow.testing.bank import Fault
from checkoutflow.testing.serve import serve
from checkoutflow.testing.store_samples import sample_change, sample_checkout
from checkoutflow.testing.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from checkoutflow.stores.contract import Message

fleet: Any = pytest.importorskip(
    "checkoutflow.workers.fleet",
    reason="install checkoutflow[fleet]",
    exc_type=ImportError,
)

INVOICES = Shop.read(
    {
        "name": "S",
        "markets": ["DK"],
        "methods": [{"id": "own_invoice", "name": "Invoice"}],
        "deliveries": [{"id": "parcel", "name": "Parcel", "prices": ["49.00 DKK"]}],
        "messages": ["cancelled", "expired"],
    }
)
SOON = timedelta(seconds=20)
LATER = timedelta(minutes=5)


@pytest.fixture(name="url")
def fixture_url() -> Iterator[str]:
    with postgres.new_schema() as url:
        with closing(open_store(url)) as store:
            store.create()
        yield url


@contextmanager
def opened(url: str, *, days: int = 0) -> Iterator[CheckoutFlow]:
    """A flow whose clock is ahead."""
    with closing(open_store(url)) as store:
        yield CheckoutFlow(
            INVOICES,
            store=store,
            keys=Keys.of(bytes(32)),
            clock=lambda: system_clock() + timedelta(days=days),
        )


def jobs(
    url: str,
    what: str = "task_name, args->>'checkout'",
    where: str = "task_name <> 'checkoutflow.sweep'",
) -> list[tuple[Any, ...]]:
    with closing(postgres.connect(url)) as connection:
        found = connection.execute(
            f"SELECT {what} FROM procrastinate_jobs"  # noqa: S608 -- ours
            f" WHERE {where} ORDER BY id"
        )
        return [tuple(row) for row in found.fetchall()]


def run(url: str, sql: str, *values: object) -> None:
    with closing(postgres.connect(url)) as connection:
        connection.execute(sql, values or None)


def work(flow: CheckoutFlow, url: str, **options: Any) -> None:
    fleet.run_fleet(flow, url, is_patient=False, **options)


def sweep(url: str, *, stalled_s: float = 60, tells: bool = False) -> None:
    """One sweep, without the wait for its turn."""

    async def go() -> None:
        app = fleet.App(connector=fleet.PsycopgConnector(conninfo=url))
        async with app.open_async():
            await fleet._sweep(app, tells=tells, stalled_s=stalled_s)

    asyncio.run(go())


def begun(flow: CheckoutFlow) -> str:
    """A checkout that nobody goes on with."""
    return flow.start(MUG, market="DK").id


def set_due(url: str, checkout: str, at: datetime) -> None:
    """Its timers, without a trigger noticing: as if time had gone by."""
    with closing(postgres.connect(url)) as connection:
        connection.execute("SET session_replication_role = replica")
        micros = int(at.timestamp() * 1e6)
        connection.execute(
            "UPDATE checkoutflow_timers SET due_at = %s WHERE checkout_id = %s", (micros, checkout)
        )


# Jobs are made ------------------------------------------------------------------------------------


def test_what_is_due_soon_is_a_job_with_the_commit_and_what_is_later_is_not(url):
    fleet.install(url)
    now = datetime.now(UTC)
    with closing(open_store(url)) as store:
        near = sample_change(sample_checkout("co-1"), timers={"look": now + SOON})
        store.commit(near)
        store.commit(sample_change(sample_checkout("co-2"), timers={"expiry": now + LATER}))
        with pytest.raises(StoreConflict):
            store.commit(near)
        assert jobs(url) == [("checkoutflow.wake", "co-1")]
        ((scheduled, lock, priority),) = jobs(url, "scheduled_at, lock, priority")
        assert abs(scheduled - (now + SOON)) < timedelta(milliseconds=1)
        assert lock == "checkoutflow co-1"
        assert priority == fleet._priority(now + SOON)


def test_a_job_is_undone_with_the_transaction_that_made_it(url):
    fleet.install(url)
    with closing(open_store(url)) as store, closing(postgres.connect(url)) as connection:
        store.commit(sample_change(sample_checkout("co-1")))
        with connection.transaction(force_rollback=True):
            connection.execute(
                "INSERT INTO checkoutflow_timers (checkout_id, kind, due_at) VALUES (%s, %s, 1)",
                ("co-1", "look"),
            )
    assert jobs(url) == []


def test_one_job_for_each_checkout_and_time(url):
    fleet.install(url)
    now = datetime.now(UTC)
    with closing(open_store(url)) as store:
        timers = {"look": now, "remind": now, "notice": now - SOON}
        store.commit(sample_change(sample_checkout("co-1"), timers=timers))
    assert len(jobs(url)) == 2
    sweep(url)
    assert len(jobs(url)) == 2


def test_a_sweep_finds_what_came_near_and_no_more_than_there_is_room_for(url, monkeypatch):
    fleet.install(url)
    with opened(url) as flow:
        names = [begun(flow) for _ in range(4)]
        assert jobs(url) == []
        for late, name in enumerate(names):
            set_due(url, name, datetime.now(UTC) - timedelta(hours=late))
        monkeypatch.setattr(fleet, "_ROOM", fleet._ROOM.replace(str(fleet.MOST_WAITING), "3"))
        sweep(url)
        assert [name for _, name in jobs(url)] == names[:0:-1]
    with opened(url, days=9) as flow:
        work(flow, url)
        sweep(url)
        work(flow, url)
        assert {flow.load(name).phase for name in names} == {Phase.EXPIRED}
        assert jobs(url) == []


def test_the_longest_overdue_is_first_and_none_waits_for_a_later_job_of_its_checkout(url):
    fleet.install(url)
    now = datetime.now(UTC)
    with opened(url) as flow:
        names = [begun(flow) for _ in range(3)]
        store, end = flow._store, now + timedelta(days=9)
        # A job of the first one's waits for later, and has the lower number.
        store.put_off(names[0], up_to=end, until=now + SOON)
        for late, name in enumerate(names):
            store.put_off(name, up_to=end, until=now - timedelta(minutes=late))
        seen: list[str] = []

        def wake(name: str) -> None:
            seen.append(name)
            store.put_off(name, up_to=end, until=end)

        flow.wake = wake  # type: ignore[method-assign,assignment]
        work(flow, url, threads=1)
    assert seen == names[::-1]


def test_messages_become_jobs_where_workers_take_them(url):
    fleet.install(url, messages=True)
    taken: list[Message] = []
    with opened(url) as flow:
        name = begun(flow)
        set_due(url, name, datetime.now(UTC))
    sweep(url)
    with opened(url, days=9) as flow:
        work(flow, url)
        work(flow, url, take=taken.append)
        assert [message.kind for message in taken] == ["expired"]
        assert list(flow.messages()) == []
    fleet.install(url)
    with opened(url) as flow:
        flow.cancel(begun(flow))
    assert jobs(url) == []


# What fails ---------------------------------------------------------------------------------------


def test_what_fails_is_tried_for_a_day_behind_the_others_and_then_left_to_people(url, caplog):
    fleet.install(url)
    reader = InMemoryMetricReader()
    with opened(url) as flow:
        flow.telemetry = Safe(OpenTelemetry(meter_provider=MeterProvider([reader])))
        name = begun(flow)
        set_due(url, name, datetime.now(UTC) - timedelta(seconds=1))
        sweep(url)
        flow.wake = _broken  # type: ignore[method-assign,assignment]
        work(flow, url)
        ((status, attempts, priority, wait_s),) = jobs(
            url, "status, attempts, priority, extract(epoch FROM scheduled_at - now())::int"
        )
        assert (status, attempts) == ("todo", 1)
        assert 50 <= wait_s <= 60
        assert priority < fleet._priority(datetime.now(UTC) + timedelta(seconds=50))
        sweep(url)
        assert len(jobs(url)) == 1
        run(
            url,
            "UPDATE procrastinate_jobs SET attempts = %s, scheduled_at = now()",
            fleet.TRIES - 1,
        )
        work(flow, url)
        ((left),) = fleet.dead(url)
        assert (left.about, left.tries) == (name, fleet.TRIES)
        ours = [it for it in caplog.records if it.name == "checkoutflow.workers"]
        assert [it.levelname for it in ours] == ["WARNING", "ERROR"]
        assert ours[-1].getMessage() == (
            f"checkout {name} failed, for the 30. time, and is not tried any more: RuntimeError"
        )
        assert "checkoutflow.dead_letters" in repr(reader.get_metrics_data())
        sweep(url)
        assert len(jobs(url)) == 1
        with pytest.raises(NotFound):
            fleet.retry(url, left.id + 1)
        fleet.retry(url, left.id)
        assert fleet.dead(url) == []
    with opened(url, days=9) as flow:
        work(flow, url)
    assert jobs(url) == []


def _broken(_: object) -> None:
    raise RuntimeError("never")


def test_a_dead_job_goes_when_others_did_its_work(url):
    fleet.install(url)
    with opened(url) as flow:
        name = begun(flow)
        set_due(url, name, datetime.now(UTC))
        sweep(url)
        run(url, "UPDATE procrastinate_jobs SET status = 'failed'")
        sweep(url)
        assert [left.about for left in fleet.dead(url)] == [name]
        set_due(url, name, datetime.now(UTC) + LATER)
        sweep(url)
        assert fleet.dead(url) == []


def test_a_fleet_is_put_up_and_taken_down(url):
    with postgres.new_schema() as empty, pytest.raises(SchemaMismatch):
        fleet.install(empty)
    with pytest.raises(StoreUnavailable):
        fleet.install("postgresql://127.0.0.1:1/shop")
    for messages in (True, False, True):
        fleet.install(url, messages=messages)
    now = datetime.now(UTC)
    with closing(open_store(url)) as store:
        store.commit(sample_change(sample_checkout("co-1"), timers={"look": now}))
        fleet.uninstall(url)
        fleet.uninstall(url)
        assert jobs(url) == []
        store.commit(sample_change(sample_checkout("co-2"), timers={"look": now}))
        assert jobs(url) == []
        assert [due.checkout for due in store.due(now, 9)] == ["co-1", "co-2"]


# Killing ------------------------------------------------------------------------------------------


class Slow(Witness):
    """A bank that takes a while, so that workers die in the middle of a request."""

    requests = 0

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        time.sleep(0.1)
        return super().handle(request)


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_workers_that_are_killed_leave_nothing_undone_and_nothing_done_twice(url, tmp_path):
    fleet.install(url, messages=True)
    with ExitStack() as stack:
        world = stack.enter_context(World(SHOP, open_store=lambda: open_store(url), open_bank=Slow))
        desk = Desk(world)
        prepare(desk)
        bank = stack.enter_context(serve(world.bank.handle))
        command = [sys.executable, "-m", "tests.fleet_worker", url, bank, str(tmp_path)]
        key = Random(0).randbytes(32).hex()  # noqa: S311 -- as the world has it
        options: dict[str, Any] = {
            "cwd": Path(__file__).parents[1],
            "env": {**os.environ, "KEY": key},
        }
        dice = Random(7)  # noqa: S311 -- a test wants the same again, as far as it goes
        (tmp_path / "taken").touch()
        interrupted = 0
        served = desk.bank
        assert isinstance(served, Slow)
        for _ in range(4):
            go_on(desk, tmp_path, seconds=90)
            workers = [subprocess.Popen(command, **options) for _ in range(2)]
            try:
                enough = served.requests + dice.randrange(2, 7)
                until(lambda: served.requests >= enough, patience_s=8)  # noqa: B023 -- at once
            finally:
                for worker in workers:
                    worker.kill()
                    assert worker.wait(10) == -9
            interrupted += len(jobs(url, where="status = 'doing'"))
        worker = subprocess.Popen(command, **options)
        try:

            def is_over() -> bool:
                go_on(desk, tmp_path)
                return is_done(desk, url) and is_up(url)

            until(is_over)
            assert is_done(desk, url)
        finally:
            worker.terminate()
        assert worker.wait(30) == 0
        assert interrupted, "nobody was killed in the middle of something"
        world.check()
        for key, bodies in desk.bank.sent.items():
            assert len(set(bodies)) == 1, f"{key} was sent with different contents"
        assert {state.phase for state in world.checkouts()} == {
            Phase.CONFIRMED,
            Phase.FULFILLED,
            Phase.EXPIRED,
        }
        told = Counter((tmp_path / "taken").read_text().split())
        assert told.keys() == {
            f"{state.id}/{entry.version}/{kind}"
            for state in world.checkouts()
            for entry in world.store.journal(state.id)
            for kind in kinds(entry.events, SHOP.messages)
        }
        assert fleet.dead(url) == []


def prepare(desk: Desk) -> None:
    """Orders in every condition that needs somebody to go on."""
    for _ in range(5):
        start(desk)  # nobody finishes it
    desk.clock.advance(days=2)
    for _ in range(5):
        wallet = buy(desk, start(desk, payment="wallet"))
        desk.bank.approve(wallet.payments[0].id)
        for fault in (Fault.LOSE_ANSWER, Fault.LOSE_REQUEST):
            desk.bank.plan("authorise", fault)
            desk.world.flow.place(
                (checkout := start(desk)).id,
                accepted_total=checkout.total,
                return_url="https://shop.example/back",
            )
            sold = ship(desk, buy(desk, start(desk)))
            desk.bank.plan("refund", fault)
            desk.world.flow.refund(sold.id, {"mug": 1})


def go_on(desk: Desk, folder: Path, *, seconds: int = 20) -> None:
    """Time goes by, and notices come in."""
    now = desk.clock.advance(seconds=seconds)
    (folder / "next").write_text(now.isoformat())
    (folder / "next").replace(folder / "now")
    desk.bank.deliver(
        lambda hook: desk.world.flow.receive("simulated_bank", hook.headers, hook.body, look=False)
    )


def is_up(url: str) -> bool:
    recent = "FROM procrastinate_workers WHERE last_heartbeat > now() - interval '1 second'"
    with closing(postgres.connect(url)) as connection:
        return connection.execute(f"SELECT 1 {recent}").fetchone() is not None


def until(is_so: Any, patience_s: float = 60) -> None:
    end = time.monotonic() + patience_s
    while not is_so() and time.monotonic() < end:
        time.sleep(0.2)


def is_done(desk: Desk, url: str) -> bool:
    if desk.world.store.due(desk.clock(), 1) or desk.world.store.messages(1):
        return False
    return not jobs(url)


# The command --------------------------------------------------------------------------------------


def test_the_command_puts_it_up_works_and_shows_what_was_given_up(url, capsys, tmp_path):
    assert main(["fleet", "install", "--db", url, "--messages"]) == 0
    assert main(["fleet", "dead", "--db", url]) == 0
    assert "No job was given up." in capsys.readouterr().out
    with opened(url) as flow:
        name = begun(flow)
    set_due(url, name, datetime.now(UTC))
    sweep(url)
    run(url, "UPDATE procrastinate_jobs SET status = 'failed', attempts = 30")
    assert main(["fleet", "dead", "--db", url, "--json"]) == 1
    (job,) = json.loads(capsys.readouterr().out)
    assert (job["about"], job["tries"]) == (name, 30)
    assert main(["fleet", "dead", "--db", url]) == 1
    assert name in capsys.readouterr().out
    assert main(["fleet", "retry", "--db", url, str(job["job"])]) == 0
    assert main(["fleet", "uninstall", "--db", url]) == 0
    assert main(["fleet", "retry", "--db", url, "1"]) == 2
    assert "no such job" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="needs SIGTERM")
def test_the_command_works_as_one_of_a_fleet(url, tmp_path):
    fleet.install(url, messages=True)
    with opened(url) as flow:
        name = begun(flow)
        flow.cancel(name)
    (tmp_path / "shop.json").write_text(INVOICES.model_dump_json(exclude_unset=True))
    (tmp_path / "its_shop.py").write_text("def take(message): print(message.kind, flush=True)\n")
    words = ["--shop", "shop.json", "--db", url, "--keys-from", "KEYS", "--threads", "2"]
    command = [sys.executable, "-m", "checkoutflow", "work", "--fleet", *words]
    with opened(url) as flow:
        set_due(url, begun(flow), datetime.now(UTC))
    options: dict[str, Any] = {
        "cwd": tmp_path,
        "env": {**os.environ, "KEYS": base64.b64encode(bytes(32)).decode()},
    }
    with subprocess.Popen(
        [*command, "--take", "its_shop:take"], stdout=subprocess.PIPE, text=True, **options
    ) as process:
        assert process.stdout
        assert "one of a fleet" in process.stdout.readline()
        assert process.stdout.readline() == "cancelled\n"
        process.terminate()
        assert process.wait(20) == 0


def own_address(url: str) -> str:
    """A program's module, whose flow has its store there."""
    return f"""
from checkoutflow import CheckoutFlow, Keys, open_store
from tests.test_fleet import INVOICES

def flow():
    return CheckoutFlow(INVOICES, store=open_store({url!r}), keys=Keys.of(bytes(32)))
"""


@pytest.fixture(name="own")
def fixture_own(url, tmp_path, monkeypatch) -> str:
    """A shop's folder, with a program whose flow has its store on the server."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "own_fleet", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "a.db").touch()
    (tmp_path / "own_fleet.py").write_text(own_address(url))
    (tmp_path / "gone.py").write_text(own_address(NOWHERE))
    (tmp_path / "shop.json").write_text(INVOICES.model_dump_json(exclude_unset=True))
    monkeypatch.setenv("KEYS", base64.b64encode(bytes(32)).decode())
    return str(url)


NOWHERE = "postgresql://127.0.0.1:1/shop"
ACTIONS = (["fleet", "install"], ["fleet", "uninstall"], ["fleet", "dead"], ["fleet", "retry", "1"])
WORK = ["work", "--fleet", "--shop", "shop.json", "--keys-from", "KEYS"]


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command says that ends with exit code 2: one line, and nothing else."""
    capsys.readouterr()
    assert main(list(words)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize(
    ("database", "said"),
    [
        ("a.db", "a fleet works on PostgreSQL; give the URL of its database, such as postgresql:"),
        ("sqlite:///a.db", "a fleet works on PostgreSQL"),
        ("mysql://host/shop", "open_store takes URLs like"),
        (NOWHERE, "the server cannot be reached"),
    ],
)
@pytest.mark.parametrize("command", [*ACTIONS, WORK], ids=" ".join)
def test_a_database_that_is_no_good_is_said_in_a_line(own, capsys, command, database, said):
    assert said in refused(capsys, *command, "--db", database)


def test_a_flow_whose_server_is_gone_is_said_in_a_line(own, capsys):
    assert "cannot be reached" in refused(capsys, "work", "--fleet", "--flow", "gone:flow")


def test_where_nothing_was_installed_it_says_what_to_do(own, capsys):
    assert main(["fleet", "uninstall", "--db", own]) == 0
    for command in (["fleet", "dead"], ["fleet", "retry", "1"], WORK):
        assert "checkoutflow fleet install" in refused(capsys, *command, "--db", own)
    assert "fleet install" in refused(capsys, "work", "--fleet", "--flow", "own_fleet:flow")
    # Another program's own.
    run(own, fleet.SchemaManager.get_schema())
    assert "checkoutflow fleet install" in refused(capsys, "fleet", "dead", "--db", own)


def test_tables_of_another_version_are_left_alone(own, capsys):
    run(own, "UPDATE checkoutflow_schema SET version = version + 1")
    for command in (*ACTIONS, WORK):
        assert "install the newer version" in refused(capsys, *command, "--db", own)
    with postgres.new_schema() as empty:
        assert "checkoutflow migrate" in refused(capsys, "fleet", "install", "--db", empty)


def test_the_url_is_read_as_every_command_reads_it(own, capsys, tmp_path):
    _, _, rest = own.partition("://")
    for address in (
        f"{own}&prepare_threshold=none",
        f"postgresql+psycopg://{rest}",
        own.replace("-csearch_path%3D", "-csearch_path="),
    ):
        for command in (["status"], ["fleet", "install"], ["fleet", "dead"]):
            assert main([*command, "--db", address]) == 0, (command, address)
        with opened(address) as flow:
            name = begun(flow)
            set_due(own, name, datetime.now(UTC))
        sweep(own)
        run(own, "UPDATE procrastinate_jobs SET status = 'failed', attempts = 30")
        ((left),) = fleet.dead(address)
        fleet.retry(address, left.id)
        with opened(address, days=9) as flow:
            work(flow, address)
            assert flow.load(name).phase is Phase.EXPIRED
    assert jobs(own) == []


def test_a_worker_takes_the_database_of_its_flow(own):
    fleet.install(own)
    with opened(own) as flow:
        set_due(own, name := begun(flow), datetime.now(UTC))
    sweep(own)
    with opened(own, days=9) as flow:
        fleet.run_fleet(flow, is_patient=False)
        assert flow.load(name).phase is Phase.EXPIRED


def test_a_dead_job_whose_work_waits_again_is_not_retried(own, capsys):
    fleet.install(own)
    with opened(own) as flow:
        set_due(own, begun(flow), datetime.now(UTC))
    sweep(own)
    run(own, "UPDATE procrastinate_jobs SET status = 'failed'")
    (left,) = fleet.dead(own)
    run(own, "SELECT checkoutflow_defer_wake(checkout_id, due_at) FROM checkoutflow_timers")
    said = refused(capsys, "fleet", "retry", "--db", own, str(left.id))
    assert "another job for the same work waits already" in said
