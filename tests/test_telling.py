"""Whoever is remembered and is reached elsewhere from now on is told so where they were before."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import pytest
from tests.shopkeeper import KEY, LOGIN, OTHER, TYPED, World

from checkoutflow import AsyncCheckoutFlow, Keys, MemoryStore
from checkoutflow.checkout.events import ContactChanged
from checkoutflow.flow.export_page import export_page
from checkoutflow.flow.exports import plain
from checkoutflow.flow.keeping import FORMER
from checkoutflow.privacy.fields import KEEP_FORMER
from checkoutflow.stores.sql import open_store
from checkoutflow.testing.driver import Crash, Steps, Stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.stores.contract import Message, Store

NEW = {"email": "new@example.com", "phone": "+4532123499"}
BOTH = ["code_asked", "contact_changed"]


@pytest.fixture(params=["memory", "sqlite"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    store: Store = MemoryStore() if request.param == "memory" else open_store(tmp_path / "shop.db")
    store.create()
    yield World(store, messages=BOTH)
    store.close()


def messages(world: World) -> list[Message]:
    return [it for it in world.flow.messages() if it.kind == "contact_changed"]


def told(world: World) -> list[tuple[str, str]]:
    """Where somebody is told, and by what; in the order of the changes."""
    return [
        (change.by, change.to.reveal())
        for message in messages(world)
        for change in world.flow.changes_to_tell(message)
    ]


def buys_with(world: World, **other: str) -> Checkout:
    return world.order(world.start(login=LOGIN, details=other))


@pytest.mark.parametrize("by", ["email", "phone"])
def test_a_correction_is_told_at_the_old_address(world, by):
    person, _ = world.known()
    world.flow.correct_person(person, market="DK", **{by: NEW[by]})
    assert told(world) == [(by, TYPED[by])]
    assert world.flow.export_person(person).fields[by].value == NEW[by]


def test_a_customer_who_buys_with_another_address_is_told_at_the_old_one(world):
    person, _ = world.known()
    sale = buys_with(world, **NEW)
    assert told(world) == [("email", TYPED["email"]), ("phone", TYPED["phone"])]
    assert [message.checkout for message in messages(world)] == [sale.id]
    assert world.flow.export_person(person).fields["email"].value == NEW["email"]


def test_nobody_is_told_where_nothing_changed(world):
    person, sale = world.known()
    buys_with(world)
    buys_with(world, email=TYPED["email"].upper(), street="Nygade 5")
    world.flow.correct_person(person, market="DK", street="Nygade 6", email=TYPED["email"])
    world.buy(TYPED | NEW)  # somebody who has not shown who they are
    world.flow.correct_person(sale.subject, market="DK", **NEW)  # a sale, which is its own
    assert messages(world) == []
    assert not any(subject.endswith(".former") for subject in world.subjects())


def test_of_two_changes_each_is_told_where_it_belongs(world):
    person, _ = world.known()
    world.flow.correct_person(person, market="DK", email=NEW["email"])
    world.clock.advance(minutes=1)
    world.flow.correct_person(person, market="DK", email="third@example.com")
    assert told(world) == [("email", TYPED["email"]), ("email", NEW["email"])]


@pytest.mark.parametrize("locale", ["da_DK", "sv_SE", "nb_NO", "nn_NO", "fi_FI", "is_IS", "en"])
def test_what_is_told_holds_nothing_of_anybody(world, locale):
    person, _ = world.known()
    other = world.buy(OTHER, remember=True)
    sale = world.order(world.start(login=LOGIN, locale=locale, details={"email": OTHER["email"]}))
    (change,) = world.flow.changes_to_tell(messages(world)[-1])
    for value in (*TYPED.values(), *OTHER.values(), person, sale.id, other.id, "@"):
        assert value not in change.subject + change.body
    assert world.shop.name in change.subject
    assert world.shop.name in change.body
    assert len(change.body) <= 160
    assert TYPED["email"] not in repr(change)


def test_it_says_the_same_whether_or_not_somebody_else_has_the_new_address(world):
    person, _ = world.known()
    world.buy(OTHER, remember=True)
    said = []
    for email in (OTHER["email"], "nobody@example.com"):
        world.clock.advance(minutes=1)
        world.flow.correct_person(person, market="DK", email=email)
        (change,) = world.flow.changes_to_tell(messages(world)[-1])
        said.append((change.by, change.subject, change.body))
    assert said[0] == said[1]


def test_the_languages_differ(world):
    world.known()
    texts = set()
    for number, locale in enumerate(["da_DK", "sv_SE", "nb_NO", "nn_NO", "fi_FI", "is_IS", "en"]):
        world.clock.advance(minutes=1)
        details = {"email": f"number-{number}@example.com"}
        world.order(world.start(login=LOGIN, locale=locale, details=details))
        (change,) = world.flow.changes_to_tell(messages(world)[-1])
        texts |= {change.subject, change.body}
    assert len(texts) == 14


def test_it_comes_again_until_it_is_taken(world):
    person, _ = world.known()
    world.flow.correct_person(person, market="DK", email=NEW["email"])
    (message,) = messages(world)
    assert told(world) == told(world)
    world.flow.delivered([message])
    assert messages(world) == []


def test_the_reading_is_on_record(world):
    person, _ = world.known()
    world.flow.correct_person(person, market="DK", email=NEW["email"])
    told(world)
    last = world.flow.export_person(person).reads[-1]
    assert (last.purpose, last.fields, last.by) == ("prevent_fraud", ("email",), "checkoutflow")


def test_whoever_is_not_told_by_the_shop_leaves_no_second_address():
    world = World(MemoryStore())
    person, _ = world.known()
    world.flow.correct_person(person, market="DK", **NEW)
    assert not any(subject.endswith(".former") for subject in world.subjects())
    commits = [world.flow.journal(checkout_id)[-1] for checkout_id in world.flow.checkouts()]
    (corrected,) = [commit for commit in commits if commit.command == "correct"]
    assert corrected.events == (ContactChanged(fields=("email", "phone")),)


def test_the_old_address_goes_after_two_weeks(world):
    person, _ = world.known()
    world.flow.correct_person(person, market="DK", email=NEW["email"])
    world.clock.advance(days=KEEP_FORMER, seconds=-1)
    world.flow.run_due()
    assert told(world) == [("email", TYPED["email"])]
    world.clock.advance(seconds=1)
    assert told(world) == []
    world.flow.run_due()
    assert not any(subject.endswith(".former") for subject in world.subjects())
    assert world.store.find_people(FORMER, [person], world.clock()) == []


@pytest.mark.parametrize("way", ["erased", "forgotten"])
def test_who_is_erased_leaves_no_old_address(world, way):
    person, _ = world.known()
    world.flow.correct_person(person, market="DK", email=NEW["email"])
    if way == "erased":
        world.flow.erase_person(person)
    else:
        world.flow.consent(world.start(login=LOGIN).id, profile=False)
    assert told(world) == []
    assert not any(subject.endswith(".former") for subject in world.subjects())


def test_an_old_address_is_shown_to_whom_it_belongs(world):
    person, _ = world.known()
    world.flow.correct_person(person, market="DK", email=NEW["email"])
    export = world.flow.export_person(person)
    (before,) = export.former
    assert before["email"].value == TYPED["email"]
    assert plain(export)["former"][0]["email"]["purposes"] == ["prevent_fraud", "answer_rights"]
    page = export_page([export], world.clock(), locale="en")
    without = export_page([replace(export, former=())], world.clock(), locale="en")
    assert page.count(TYPED["email"]) == without.count(TYPED["email"]) + 1
    assert page.count("Where you were reached before") == 1


def test_a_new_key_of_the_shop_leaves_the_way_there(world):
    person, _ = world.known()
    world.flow.correct_person(person, market="DK", email=NEW["email"])
    keys = Keys.of(bytes(32), KEY)
    world.flow = world.opened(keys)
    world.flow.rotate_keys()
    world.flow = world.opened(Keys.of(bytes(32)))
    assert told(world) == [("email", TYPED["email"])]
    world.flow.erase_person(person)
    assert told(world) == []


@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("way", ["correct", "buy"])
def test_however_it_breaks_off_each_change_is_told_once(is_after, way):
    for place in count(1):
        world = World(MemoryStore(), messages=BOTH)
        person, _ = world.known()
        sale = world.start(login=LOGIN, details=NEW) if way == "buy" else None

        def change(flow, world=world, person=person, sale=sale):
            if sale is None:
                flow.correct_person(person, market="DK", **NEW)
            else:
                total = sale.total
                flow.place(
                    sale.id, accepted_total=total, accepts_credit=True, idempotency_key="buy"
                )

        steps = Steps(stops=[Stop(place, is_after=is_after)])
        try:
            change(world.opened(Keys.of(KEY), steps))
        except Crash:
            is_done = world.flow.export_person(person).fields["email"].value == NEW["email"]
            assert len(messages(world)) == is_done
            change(world.flow)
        else:
            break
        assert told(world) == [("email", TYPED["email"]), ("phone", TYPED["phone"])]
    assert place > 8


def test_of_two_who_correct_at_once_both_old_addresses_are_told():
    """Two machines by turns: whoever is later changes what the first one wrote."""
    for order in ([0, 1], [0, 0, 1], [1, 0, 0], [0] * 9, [0, 1, 1, 1, 0, 0, 1]):
        world = World(MemoryStore(), messages=BOTH)
        person, _ = world.known()
        flow = world.flow
        workers = [
            flow.stepped(flow.programs.correct(person, {"email": email}, "DK"))
            for email in ("one@example.com", "two@example.com")
        ]
        for number in (*order, *(0, 1) * 60):
            if not workers[number].is_over:
                workers[number].step()
        assert [worker.error for worker in workers] == [None, None]
        last = world.flow.export_person(person).fields["email"].value
        other = {"one@example.com", "two@example.com"} - {last}
        assert {to for _, to in told(world)} == {TYPED["email"], *other}


def test_asynchronous_callers_tell_as_well(world):
    person, _ = world.known()

    async def ask() -> None:
        flow = AsyncCheckoutFlow(
            world.shop, store=world.store, keys=Keys.of(KEY), clock=world.clock
        )
        await flow.correct_person(person, market="DK", **NEW)
        (message,) = [it for it in await flow.messages() if it.kind == "contact_changed"]
        changes = await flow.changes_to_tell(message)
        assert [change.by for change in changes] == ["email", "phone"]

    asyncio.run(ask())
