"""The shop's keys: where they come from, and how they are changed while the shop sells."""

from __future__ import annotations

import os
import sqlite3
import stat
from base64 import b64encode
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING

import pytest
from tests.shopkeeper import KEY, LOGIN, OTHER, TYPED, World

from checkoutflow import (
    IdempotencyConflict,
    Keys,
    MemoryStore,
    Purpose,
    StoreConflict,
    UsageError,
    VaultError,
)
from checkoutflow.flow.keeping import books_of
from checkoutflow.privacy.environment import VARIABLE, keys_from_environment
from checkoutflow.privacy.vault import digest, key_id, new_subject
from checkoutflow.stores.keyfile import add_key, load_keys, load_or_create_keys
from checkoutflow.stores.sql import open_store
from checkoutflow.testing.driver import Crash, Steps, Stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from checkoutflow.stores.contract import Store

NEW = bytes(range(100, 132))
NEWEST = bytes(range(200, 232))
BOTH = Keys.of(NEW, KEY)


@pytest.fixture(params=["memory", "sqlite"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    store: Store = MemoryStore() if request.param == "memory" else open_store(tmp_path / "shop.db")
    store.create()
    yield World(store)
    store.close()


@pytest.fixture
def sql(tmp_path: Path) -> Iterator[World]:
    store = open_store(tmp_path / "shop.db")
    store.create()
    yield World(store)
    store.close()


# Changing the key ---------------------------------------------------------------------------------


def test_the_key_is_changed_while_the_shop_sells(world):
    person, before = world.known()
    open_ = world.start(details=OTHER)
    world.flow = world.opened(BOTH)
    during = world.buy(OTHER)
    assert world.flow.rotate_keys(limit=2) == 2  # a part now, the rest later
    open_ = world.order(open_)
    assert world.flow.rotate_keys() > 0
    assert world.flow.rotate_keys() == 0
    world.flow = world.opened(Keys.of(NEW))  # and without the older key all is there
    for sale, typed in ((before, TYPED), (during, OTHER), (open_, OTHER)):
        assert world.flow.details(sale.id, Purpose.DELIVER)["street"] == typed["street"]
        assert world.flow.details(sale.id, Purpose.KEEP_BOOKS)["street"] == typed["street"]
    assert world.start(login=LOGIN).recognition.person == person
    assert world.flow.find_people(login=LOGIN) == (person,)
    assert {before.subject, person} <= {*world.flow.find_people(email=TYPED["email"])}
    assert {during.subject, open_.subject} == {*world.flow.find_people(phone=OTHER["phone"])} - {
        *world.flow.find_people(email=TYPED["email"])
    }
    assert not world.readable(NEW).keys() - {*world.subjects()}


def test_who_is_remembered_is_asked_for_a_code_before_during_and_after(world):
    world.known()
    for keys in (Keys.of(KEY), BOTH, Keys.of(NEW)):
        world.flow = world.opened(keys)
        sale = world.start()
        world.flow.recognise(sale.id, email=TYPED["email"], postal_code=TYPED["postal_code"])
        code = world.flow.code(sale.id)
        assert code is not None
        assert code.to.reveal() == TYPED["email"]
        if keys is BOTH:
            world.flow.rotate_keys()
        sale = world.flow.verify(sale.id, code.text.body[:6])
        assert sale.recognition.level == "verified"


def test_a_code_that_was_sent_before_is_taken_afterwards(world):
    world.known()
    sale = world.start()
    world.flow.recognise(sale.id, email=TYPED["email"], postal_code=TYPED["postal_code"])
    code = world.flow.code(sale.id)
    assert code is not None
    world.flow = world.opened(BOTH)
    world.flow.rotate_keys()
    assert world.flow.verify(sale.id, code.text.body[:6]).recognition.level == "verified"


def test_a_call_that_is_repeated_across_the_change_is_the_same_call(world):
    first = world.start(details=TYPED, idempotency_key="order 1")
    world.flow = world.opened(BOTH)
    assert world.start(details=TYPED, idempotency_key="order 1").id == first.id
    second = world.start(details=TYPED, idempotency_key="order 2")
    world.flow = world.opened(Keys.of(NEW))
    assert world.start(details=TYPED, idempotency_key="order 2").id == second.id
    with pytest.raises(IdempotencyConflict):
        world.start(details=OTHER, idempotency_key="order 2")


@pytest.mark.parametrize("is_after", [False, True])
def test_a_change_that_breaks_off_anywhere_goes_on_where_it_was(is_after):
    for place in count(1):
        world = World(MemoryStore())
        person, sale = world.known()
        steps = Steps(stops=[Stop(place, is_after=is_after)])
        try:
            world.opened(BOTH, steps).rotate_keys()
        except Crash:
            pass
        else:
            break
        both = world.opened(BOTH)
        assert both.details(sale.id, Purpose.DELIVER)["street"] == TYPED["street"]
        assert {person, sale.subject} <= {*both.find_people(email=TYPED["email"])}
        both.rotate_keys()
        world.flow = world.opened(Keys.of(NEW))
        assert world.start(login=LOGIN).recognition.person == person
        assert {person, sale.subject} <= {*world.flow.find_people(email=TYPED["email"])}
    assert place > 20


def test_nothing_new_is_written_under_an_older_key(world):
    world.flow = world.opened(BOTH)
    sale = world.buy()
    for subject in (sale.subject, books_of(sale.subject)):
        key, _ = world.store.person(subject)
        assert key is not None
        assert key.key_id == BOTH.current == key_id(NEW)
    assert world.flow.rotate_keys() == 0


@pytest.mark.parametrize("what", ["correct", "erase", "correct again and again"])
def test_a_person_who_changes_at_that_moment_is_as_they_were_changed(what):
    """Between the reading of a person and the writing of their traces, somebody else is faster."""
    for place in count():
        world = World(MemoryStore())
        sale = world.finish(world.buy())
        running, other = world.opened(BOTH), world.opened(BOTH)
        program = running.stepped(running.programs.rotate_keys(10))
        for _ in range(place):
            program.step()
        if program.is_over:
            break
        streets = (f"Nygade {number}" for number in count(1))
        while not program.is_over:
            if what == "erase":
                other.erase_person(sale.subject)
            else:
                typed = {"email": "new@example.com", "street": next(streets)}
                other.correct_person(sale.subject, market="DK", **typed)
            program.step()
            if what != "correct again and again":
                program.finish()
        assert program.error is None or isinstance(program.error, StoreConflict)
        running.rotate_keys()
        flow = world.opened(Keys.of(NEW))
        found = flow.find_people(email="new@example.com")
        assert found == (() if what == "erase" else (sale.subject,))
        assert flow.find_people(email=TYPED["email"]) == ()
        assert len(world.store.traces(sale.subject)) == (0 if what == "erase" else 2)
    assert place > 8


# What is wrong with a key -------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [Keys.of(NEW), Keys.of(NEWEST, NEW)])
def test_without_its_key_nothing_is_read_and_the_error_says_which(world, keys):
    sale, open_ = world.buy(), world.start(details=OTHER)
    before = world.store.reads(sale.subject)
    flow = world.opened(keys)
    for call in (
        lambda: flow.details(sale.id, Purpose.DELIVER),
        lambda: flow.export_person(sale.subject),
        lambda: flow.correct_person(sale.subject, market="DK", city="Byen"),
        lambda: flow.provide(open_.id, city="Byen"),
        flow.rotate_keys,
    ):
        with pytest.raises(VaultError, match=f"under the vault key {key_id(KEY)}"):
            call()
    assert world.store.reads(sale.subject) == before
    assert world.flow.details(sale.id, Purpose.DELIVER)["street"] == TYPED["street"]


@pytest.mark.parametrize(
    ("table", "column"),
    [("subjects", "wrapped_key"), ("vault", "ciphertext")],
)
def test_a_changed_row_stops_one_person_and_nobody_else(sql, table, column):
    bad, good = sorted((sql.buy(), sql.buy(OTHER)), key=lambda sale: sale.subject)
    where = {"subjects": "id = ?", "vault": "subject_id = ? AND field = 'email'"}[table]
    with closing(sqlite3.connect(sql.file)) as connection, connection:
        connection.execute(
            f"UPDATE checkoutflow_{table} SET {column} = zeroblob(50) WHERE {where}",  # noqa: S608 -- our own names
            (bad.subject,),
        )
    flow = sql.opened(BOTH)
    with pytest.raises(VaultError, match="3 persons are under the current key, 1 not: ") as error:
        flow.rotate_keys()
    assert "restore" in str(error.value)
    after = sql.opened(Keys.of(NEW))
    assert after.details(good.id, Purpose.DELIVER)["street"]
    with pytest.raises(VaultError):
        after.details(bad.id, Purpose.DELIVER)


# Keys from a source -------------------------------------------------------------------------------


def test_a_process_that_runs_on_finds_the_new_key_by_itself(world):
    secrets = [KEY]
    asked = []

    def source() -> list[bytes]:
        asked.append(len(secrets))
        return secrets

    keys = Keys.from_source(source)
    running = world.opened(keys)
    sale = world.buy()
    secrets.insert(0, NEW)
    world.opened(BOTH).rotate_keys()
    assert asked == [1]
    assert running.details(sale.id, Purpose.DELIVER)["street"] == TYPED["street"]
    assert running.find_people(email=TYPED["email"]) == (sale.subject,)
    assert (asked, keys.current, keys.older) == ([1, 2], key_id(NEW), (key_id(KEY),))


def test_a_source_that_has_not_the_key_either_is_asked_and_then_said(world):
    sale = world.buy()
    flow = world.opened(Keys.from_source(lambda: [NEW]))
    with pytest.raises(VaultError, match=key_id(KEY)):
        flow.details(sale.id, Purpose.DELIVER)


@pytest.mark.parametrize("secrets", [[], [KEY[:31]], ["0" * 32], [KEY, b""], [bytearray(KEY)]])
def test_a_source_gives_keys_of_32_bytes(secrets):
    with pytest.raises(UsageError, match="32 random bytes"):
        Keys.from_source(lambda: secrets)


def test_a_source_that_fails_says_so_itself():
    def source() -> list[bytes]:
        raise VaultError("the key service does not answer")

    with pytest.raises(VaultError, match="the key service does not answer"):
        Keys.from_source(source)


# From the environment -----------------------------------------------------------------------------


def test_keys_come_from_a_variable_the_current_one_first():
    text = f"{b64encode(NEW).decode()} {b64encode(KEY).decode()}"
    for keys in (
        keys_from_environment({VARIABLE: text}),
        keys_from_environment({"SHOP_KEYS": f"  {text}\n"}, "SHOP_KEYS"),
    ):
        assert (keys.current, keys.older) == (key_id(NEW), (key_id(KEY),))
        assert digest(keys, "email", "x") == digest(BOTH, "email", "x")


@pytest.mark.parametrize(
    "text",
    [None, "", " ", "no base64!", "c2hvcnQ=", b64encode(KEY + KEY).decode(), KEY.hex(), "ø"],
)
def test_a_variable_that_is_wrong_is_named_and_not_repeated(text):
    environ = {} if text is None else {VARIABLE: text}
    with pytest.raises(VaultError, match=f"the variable {VARIABLE} must hold 32") as refused:
        keys_from_environment(environ)
    assert not (text or "").strip() or text not in str(refused.value)


# From a file --------------------------------------------------------------------------------------


def test_a_new_key_goes_before_the_others_and_the_file_stays_its_owners(tmp_path):
    path = tmp_path / "shop.key"
    running = load_or_create_keys(path, lambda _: KEY)
    person = new_subject(Keys.of(NEW), "person-1", os.urandom)
    assert add_key(path, lambda _: NEW) == key_id(NEW)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["shop.key"]
    assert path.read_text("ascii").startswith("checkoutflow vault keys 1\n#")
    keys = load_keys(path)
    assert (keys.current, keys.older) == (key_id(NEW), (key_id(KEY),))
    running.cipher(person.key_id)  # the process that runs on finds it too
    assert running.current == key_id(NEW)


def test_a_key_is_not_added_to_what_is_no_key_file(tmp_path):
    path = tmp_path / "shop.key"
    with pytest.raises(VaultError, match="cannot be read or made: No such file"):
        add_key(path, os.urandom)
    assert not path.exists()
    path.write_text("damaged")
    path.chmod(0o600)
    with pytest.raises(VaultError, match="damaged"):
        add_key(path, os.urandom)
    load_or_create_keys(tmp_path / "other.key", os.urandom)
    (tmp_path / "other.key").chmod(0o640)
    with pytest.raises(VaultError, match="others than its owner"):
        add_key(tmp_path / "other.key", os.urandom)


def test_a_file_that_cannot_be_replaced_stays_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "shop.key"
    load_or_create_keys(path, lambda _: KEY)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(VaultError, match="No space left"):
        add_key(path, lambda _: NEW)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["shop.key"]
