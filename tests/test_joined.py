"""Inside the shop's own transaction: the order row and our commit stand or fall together."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.orm import Session
from tests import postgres
from tests.desk import BACK, CUSTOMER, MUG, SHOP

from checkoutflow import joined
from checkoutflow.errors import NotSupported, StoreConflict, UsageError
from checkoutflow.stores import sqlite
from checkoutflow.stores.contract import IdempotencyRow, Limit
from checkoutflow.stores.joined import JoinedStore
from checkoutflow.stores.sql import SqlStore
from checkoutflow.testing.store_samples import NOON, sample_change, sample_checkout
from checkoutflow.testing.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, tmp_path) -> Iterator[Engine]:
    if request.param == "sqlite":
        engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
        yield engine
        engine.dispose()
    else:
        with postgres.new_schema() as url:
            engine = create_engine(url.replace("postgresql", "postgresql+psycopg", 1))
            yield engine
            engine.dispose()


@pytest.fixture
def store(engine) -> Iterator[SqlStore]:
    with closing(SqlStore(engine)) as store:
        store.create()
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE orders (id TEXT PRIMARY KEY)"))
        yield store


@pytest.fixture
def world(store) -> Iterator[World]:
    with World(SHOP, open_store=lambda: store) as world:
        yield world


class Fault(Exception):
    """Something of the shop's own goes wrong."""


def order(connection: Connection | Session, name: str) -> None:
    connection.execute(text("INSERT INTO orders VALUES (:name)"), {"name": name})


def orders(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(text("SELECT id FROM orders ORDER BY id")).scalars())


# Before which step of the shop's transaction something goes wrong; the last one is no fault.
STEPS = ["begin", "order", "start", "provide", "commit", "nothing"]


@pytest.mark.parametrize("fault", STEPS)
def test_both_are_there_or_neither(engine, world, fault):
    def step(name: str) -> None:
        if name == fault:
            raise Fault

    with suppress(Fault), engine.connect() as connection, connection.begin():
        step("begin")
        ours = joined(world.flow, connection)
        step("order")
        order(connection, "order-1")
        step("start")
        checkout = ours.start(MUG, market="DK", payment="card")
        step("provide")
        ours.provide(checkout.id, **CUSTOMER)
        assert ours.view(checkout.id).phase == "collecting"
        step("commit")
    is_there = fault == "nothing"
    assert orders(engine) == ["order-1"] * is_there
    assert len(world.checkouts()) == is_there
    if is_there:  # and it is a checkout like any other
        (checkout,) = world.checkouts()
        placed = world.flow.place(checkout.id, accepted_total=checkout.total, return_url=BACK)
        assert placed.phase == "confirmed"


@pytest.mark.parametrize("fault", [True, False])
def test_a_message_is_taken_with_the_row_that_it_made(engine, world, fault):
    """Told at least once, written exactly once."""
    checkout = world.flow.start(MUG, market="DK", details=CUSTOMER, payment="card")
    world.flow.place(checkout.id, accepted_total=checkout.total, return_url=BACK)
    before = world.store.messages(9)
    assert before
    with suppress(Fault), Session(engine) as session, session.begin():
        ours = JoinedStore(world.store, session)
        for message in ours.messages(9):
            order(session, message.id)
        ours.delivered(before)
        if fault:
            raise Fault
    assert orders(engine) == ([] if fault else sorted(message.id for message in before))
    assert world.store.messages(9) == (before if fault else [])


def test_a_call_that_would_ask_a_provider_is_refused_whole(engine, world):
    checkout = world.flow.start(MUG, market="DK", details=CUSTOMER, payment="card")
    with engine.begin() as connection:
        ours = joined(world.flow, connection)
        order(connection, "order-1")
        with pytest.raises(UsageError, match="asks a provider"):
            ours.place(checkout.id, accepted_total=checkout.total, return_url=BACK)
        ours.close()
    assert orders(engine) == ["order-1"]
    assert world.checkout(checkout.id) == checkout
    assert not world.bank.references


def test_who_was_second_is_told_so_and_the_transaction_goes_on(engine, store):
    store.commit(sample_change())
    with engine.begin() as connection:
        ours = JoinedStore(store, connection)
        with pytest.raises(StoreConflict):
            ours.commit(sample_change())
        order(connection, "order-1")
        ours.commit(sample_change(sample_checkout(version=2)))
    assert orders(engine) == ["order-1"]
    assert [entry.version for entry in store.journal("co-1")] == [1, 2]


def test_a_key_that_was_used_undoes_the_call_and_the_transaction_goes_on(engine, store):
    """What is refused comes in the middle of much that is sent at once."""
    store.commit(sample_change(idempotency=IdempotencyRow("key", "00" * 32, "co-1")))
    again = sample_change(
        sample_checkout("co-2"),
        idempotency=IdempotencyRow("key", "00" * 32, "co-2"),
        timers={"look": NOON, "expiry": NOON},
        messages=("confirmed", "shipped"),
    )
    with engine.begin() as connection:
        ours = JoinedStore(store, connection)
        with pytest.raises(StoreConflict, match="used this key"):
            ours.commit(again)
        order(connection, "order-1")
        ours.commit(replace(again, idempotency=None))
    assert orders(engine) == ["order-1"]
    assert len(store.messages(9)) == 2
    with pytest.raises(StoreConflict, match="used this key"):
        store.commit(replace(again, state=sample_checkout("co-3")))


def test_what_the_shop_undid_is_not_remembered(engine, store):
    store.commit(sample_change())
    with suppress(Fault), engine.begin() as connection:
        JoinedStore(store, connection).commit(
            sample_change(sample_checkout(version=2, method="undone"))
        )
        raise Fault
    assert store.load("co-1") == sample_checkout()


def test_the_drivers_own_connection_will_do(engine, store):
    connection = engine.raw_connection()
    ours = JoinedStore(store, connection.dbapi_connection)
    ours.commit(sample_change())
    connection.rollback()
    assert store.load("co-1") is None
    JoinedStore(store, connection.dbapi_connection).commit(sample_change())
    connection.commit()
    connection.close()
    assert store.load("co-1") is not None


def test_a_connection_without_a_transaction_is_refused(engine, store):
    with (
        engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
        pytest.raises(UsageError, match="begin your transaction first"),
    ):
        JoinedStore(store, connection)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)  # a server is safe for everybody
def test_a_connection_that_is_not_safe_is_refused(engine, store):
    with engine.begin() as connection:
        order(connection, "order-1")
        with pytest.raises(UsageError, match="join before your first statement"):
            JoinedStore(store, connection)
    event.listen(engine, "connect", lambda made, _: sqlite.make_safe(made.cursor()))
    engine.dispose()
    with engine.begin() as connection:
        order(connection, "order-2")
        JoinedStore(store, connection).commit(sample_change())
    assert len(store.journal("co-1")) == 1


def test_tables_are_not_made_in_somebody_elses_transaction(engine, store):
    with engine.begin() as connection:
        ours = JoinedStore(store, connection)
        with pytest.raises(UsageError, match="outside any transaction"):
            ours.create()


def test_limits_hold_also_in_a_transaction_of_the_shops(engine, store):
    limits = [Limit("key", 1, 60)]
    with engine.begin() as connection:
        ours = JoinedStore(store, connection)
        if engine.name == "postgresql":
            with pytest.raises(UsageError, match="SERIALIZABLE"):
                ours.take_turn(limits, NOON)
        else:
            assert ours.take_turn(limits, NOON)
    serial = engine.execution_options(isolation_level="SERIALIZABLE")
    with serial.begin() as connection:
        assert JoinedStore(store, connection).take_turn(limits, NOON) == (
            engine.name == "postgresql"
        )


def test_a_transaction_on_another_database_is_refused(store, tmp_path):
    other = create_engine("sqlite://") if store._engine.name == "postgresql" else None
    if other is not None:
        with other.begin() as connection, pytest.raises(UsageError, match="on sqlite"):
            JoinedStore(store, connection)


def test_a_store_in_memory_has_no_transaction():
    with World(SHOP) as world, pytest.raises(NotSupported, match="SqlStore"):
        joined(world.flow, None)
