"""Two versions side by side on one database: what the newer one wrote, the older one never loses.

What it can leave alone it leaves as it is, through a whole sale. What it cannot read it refuses,
with nothing written and nothing forgotten, until a machine of the newer version goes on.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from tests import postgres
from tests.desk import BACK, CUSTOMER, MUG, SHOP, database

from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.timers import KINDS, timers
from checkoutflow.errors import CheckoutError, StoreError
from checkoutflow.stores.schema import METADATA, instant
from checkoutflow.stores.sql import SqlStore, open_store
from checkoutflow.testing.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from checkoutflow.checkout.state import Checkout


@contextmanager
def opened(kind: str) -> Iterator[Callable[[], SqlStore]]:
    if kind == "postgresql":
        with postgres.emptied() as open_one:
            yield open_one
    else:
        with database() as file:
            yield partial(open_store, file)


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request) -> Iterator[World]:
    with opened(request.param) as open_one, World(SHOP, open_store=open_one) as world:
        yield world


def ask(world: World, statement: str, *values: object) -> list[tuple[Any, ...]]:
    store: Any = world.store
    if store._database.Error.__module__ == "psycopg":
        statement = statement.replace("?", "%s")
    with store._transaction(store._database.BEGIN_WRITE) as cursor:
        cursor.execute(statement, values)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


def everything(world: World, *but: str) -> dict[str, list[str]]:
    return {
        name: sorted(repr(row) for row in ask(world, f"SELECT * FROM {name}"))  # noqa: S608 -- ours
        for name in METADATA.tables
        if name.removeprefix("checkoutflow_") not in but
    }


def begun(world: World) -> Checkout:
    checkout: Checkout = world.flow.start(MUG, market="DK", details=CUSTOMER, payment="card")
    return checkout


def place(world: World, checkout: Checkout) -> Checkout:
    placed: Checkout = world.flow.place(checkout.id, accepted_total=checkout.total, return_url=BACK)
    return placed


# What cannot be read ------------------------------------------------------------------------------

NEWER: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a field": lambda state: state.update(novelty=1),
    "a field further in": lambda state: state["cart"]["lines"][0].update(novelty="blue"),
    "a phase": lambda state: state.update(phase="dreaming"),
    "a way to be known": lambda state: state["recognition"].update(level="seen"),
}


@pytest.mark.parametrize("what", NEWER)
def test_a_state_that_cannot_be_read_is_left_as_it_is(world, what):
    other = begun(world)
    checkout = begun(world)
    ((text,),) = ask(world, "SELECT state FROM checkoutflow_checkouts WHERE id = ?", checkout.id)
    state = json.loads(text)
    NEWER[what](state)
    write = "UPDATE checkoutflow_checkouts SET state = ? WHERE id = ?"
    ask(world, write, json.dumps(state), checkout.id)
    world.store._recent.clear()
    before = everything(world, "timers")
    flow = world.flow
    for use in (
        lambda: flow.load(checkout.id),
        lambda: flow.view(checkout.id),
        lambda: flow.provide(checkout.id, city="Aarhus"),
        lambda: place(world, checkout),
        lambda: flow.cancel(checkout.id),
        lambda: flow.reconcile(checkout.id),
    ):
        with pytest.raises(StoreError, match="written by a newer version"):
            use()
    world.clock.advance(days=2)  # both are to expire
    report = flow.run_due()
    assert report.done == (other.id,)
    assert [id_ for id_, _ in report.failed] == [checkout.id]
    assert set(world.store.timers(checkout.id)) == {"expiry"}
    mine = json.dumps(checkout.id)[1:-1]
    after = everything(world, "timers")
    for name, rows in before.items():
        assert [row for row in rows if mine in row] == [row for row in after[name] if mine in row]
    ask(world, write, text, checkout.id)  # and a machine that can read it goes on
    world.clock.advance(minutes=2)
    assert flow.run_due().done == (checkout.id,)
    assert flow.load(checkout.id).phase is Phase.EXPIRED


@pytest.mark.parametrize(
    "events",
    ['[{"type":"dreamt","of":"money"}]', '[{"type":"delivery_chosen","delivery":"","by":"car"}]'],
)
def test_an_event_that_cannot_be_read_stays_in_the_journal_of_a_sale_that_goes_on(world, events):
    checkout = begun(world)
    insert = "INSERT INTO checkoutflow_journal VALUES (?, ?, ?, 'dream', ?)"
    ask(world, insert, checkout.id, checkout.version + 1, instant(world.clock()), events)
    newer = checkout.model_copy(update={"version": checkout.version + 1})
    write = "UPDATE checkoutflow_checkouts SET state = ?, version = ? WHERE id = ?"
    ask(world, write, newer.model_dump_json(), newer.version, checkout.id)
    assert place(world, checkout).phase is Phase.CONFIRMED
    assert world.flow.ship(checkout.id).phase is Phase.FULFILLED
    with pytest.raises(StoreError, match="written by a newer version"):
        world.flow.journal(checkout.id)
    kept = "SELECT events FROM checkoutflow_journal WHERE checkout_id = ? AND command = 'dream'"
    assert ask(world, kept, checkout.id) == [(events,)]


# What can be left alone ---------------------------------------------------------------------------


def test_rows_of_kinds_that_are_not_known_live_through_a_sale(world):
    checkout = begun(world)
    later = instant(world.clock()) + 10**15
    rows = {
        "digests": ("novelty", "00", checkout.subject, later),
        "profiles": (checkout.subject, '{"novelty":"blue"}', later, None),
        "consents": (checkout.subject, 99, later, "novelty", 1, "text", "da", "proof", None),
        "reads": (checkout.subject, 99, later, "novelty", "email", "who", later),
        "sightings": ("novelty", "00", "novelty", later, checkout.subject, later),
        "listings": ("novelty", "00", "novelty", "why", "who", later, later),
        "outbox": (checkout.id, 99, "novelty", later, 0),
        "attempts": (checkout.id, "a", "p", "p", "novelty", 1, "DKK", "00", 1, 1, 1, "novelty"),
    }
    for name, row in rows.items():
        columns = METADATA.tables[f"checkoutflow_{name}"].c
        assert len(columns) == len(row), (name, list(columns))
        marks = ", ".join("?" * len(row))
        ask(world, f"INSERT INTO checkoutflow_{name} VALUES ({marks})", *row)  # noqa: S608 -- ours
    before = {name: everything(world)[f"checkoutflow_{name}"] for name in rows}
    assert place(world, checkout).phase is Phase.CONFIRMED
    assert world.flow.ship(checkout.id).phase is Phase.FULFILLED
    world.settle()
    after = everything(world)
    for name in rows:
        assert {row for row in before[name] if "novelty" in row} <= {*after[f"checkoutflow_{name}"]}


def test_a_personal_field_that_is_not_known_stops_the_sale_until_somebody_knows_it(world):
    """How long it may be kept is not known either, and so it is not thrown away."""
    checkout = begun(world)
    later = instant(world.clock()) + 10**12
    row = (checkout.subject, "novelty", b"sealed", "deliver novelty", later)
    ask(world, "INSERT INTO checkoutflow_vault VALUES (?, ?, ?, ?, ?)", *row)
    with pytest.raises(CheckoutError, match="not declared"):
        place(world, checkout)
    assert ask(world, "SELECT * FROM checkoutflow_vault WHERE field = 'novelty'") == [row]
    ask(world, "DELETE FROM checkoutflow_vault WHERE field = 'novelty'")  # now somebody does
    world.clock.advance(minutes=5)
    world.flow.run_due()
    assert world.flow.load(checkout.id).phase is Phase.CONFIRMED
    world.check()


def test_a_timer_that_is_not_known_is_left_for_a_newer_machine(world):
    checkout = begun(world)
    assert set(timers(checkout, SHOP)) <= KINDS
    at = world.clock()
    novelty = "INSERT INTO checkoutflow_timers (checkout_id, kind, due_at) VALUES (?, 'novelty', ?)"
    ask(world, novelty, checkout.id, instant(at))
    assert place(world, checkout).phase is Phase.CONFIRMED
    assert world.flow.run_due().done == (checkout.id,)
    assert world.flow.run_due().done == ()  # it does not come again at once
    assert at < world.store.timers(checkout.id)["novelty"]
    world.clock.advance(minutes=11)
    assert [due.kinds for due in world.flow.due()] == [{"novelty"}]
