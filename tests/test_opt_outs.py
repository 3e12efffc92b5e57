"""Who told a register, or a mailing, that they want no offers gets none from the shop either."""

from __future__ import annotations

import asyncio
import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.shopkeeper import KEY, LOGIN, OTHER, PLANTED, TYPED, World

from checkoutflow import AsyncCheckoutFlow, InvalidInput, Keys, MemoryStore, Purpose, PurposeRefused
from checkoutflow.cli import main
from checkoutflow.cli import person as commands
from checkoutflow.stores.keyfile import load_or_create_keys
from checkoutflow.stores.sql import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from checkoutflow.checkout.state import Checkout

DAY = timedelta(days=1)


@pytest.fixture
def world() -> World:
    return World(MemoryStore())


def may_be_sent_offers(world: World, sale: Checkout) -> bool:
    try:
        return bool(world.flow.details(sale.id, Purpose.MARKET))
    except PurposeRefused:
        return False


def today(world: World) -> date:
    return world.clock().date()


def opt_out(world: World, *, on: date | None = None, **by: str) -> tuple[str, ...]:
    by = by or {"email": TYPED["email"]}
    return world.flow.opt_out(on=on or today(world), source="optouts.csv:2", market="DK", **by)


@pytest.mark.parametrize(
    "by",
    [
        {"email": TYPED["email"].upper()},
        {"phone": "32 12 34 56"},
        {"phone": TYPED["phone"], "email": "nobody@example.com"},
    ],
)
def test_nobody_who_is_found_is_sent_offers_any_more(world, by):
    person, sale = world.known()
    guest = world.buy()
    other = world.buy(OTHER | {"phone": "+4532123457"})
    assert {*opt_out(world, **by)} >= {person, sale.subject, guest.subject}
    assert [may_be_sent_offers(world, each) for each in (sale, guest, other)] == [
        False,
        False,
        True,
    ]


def test_telling_it_again_changes_nothing(world):
    world.known()
    assert opt_out(world)
    for _ in range(3):
        world.clock.advance(hours=7)
        assert opt_out(world, on=today(world) - DAY) == ()
        assert opt_out(world) == ()


def test_a_consent_is_taken_back_and_the_proof_says_by_whom(world):
    sale = world.start(details=TYPED)
    world.flow.consent(sale.id, marketing=True)
    world.clock.advance(minutes=1)
    opt_out(world)
    told = [row for row in world.store.consents(sale.subject) if row.proof == "optouts.csv:2"]
    assert {row.kind: row.is_given for row in told} == {"no_marketing": True, "marketing": False}
    assert {row.at for row in told} == {world.clock()}
    assert not may_be_sent_offers(world, sale)
    kept = world.flow.export_person(sale.subject)
    assert "told elsewhere" in {row.text for row in kept.consents}


def test_who_says_yes_afterwards_wants_offers(world):
    sale = world.buy()
    bought = today(world)
    world.clock.advance(days=2)
    world.flow.consent(sale.id, marketing=True)
    assert opt_out(world, on=bought) == ()
    assert may_be_sent_offers(world, sale)
    assert opt_out(world)
    assert not may_be_sent_offers(world, sale)
    world.clock.advance(days=1)
    world.flow.consent(sale.id, no_marketing=False)
    world.flow.consent(sale.id, marketing=False)
    world.flow.consent(sale.id, marketing=True)
    assert may_be_sent_offers(world, sale)
    assert opt_out(world, on=today(world) - DAY) == ()


def test_a_yes_of_the_same_day_does_not_outlive_the_opt_out(world):
    sale = world.start(details=TYPED)
    world.flow.consent(sale.id, marketing=True)
    on = today(world)
    world.clock.advance(days=3)
    assert opt_out(world, on=on)
    assert not may_be_sent_offers(world, sale)


def test_nobody_else_is_told_apart_from_nobody(world):
    assert opt_out(world, email="nobody@example.com") == ()


@pytest.mark.parametrize(
    ("by", "later", "field"),
    [
        ({}, 0, "email"),
        ({"login": LOGIN}, 0, "email"),
        ({"email": PLANTED}, 0, "email"),
        ({"phone": "1"}, 0, "phone"),
        ({"email": TYPED["email"]}, 1, "on"),
    ],
)
def test_what_finds_nobody_by_its_kind_or_is_still_to_come_is_refused(world, by, later, field):
    on = today(world) + later * DAY
    with pytest.raises(InvalidInput) as refused:
        world.flow.opt_out(on=on, source="x", market="DK", **by)
    assert refused.value.field == field
    assert PLANTED not in str(refused.value)


def test_an_asynchronous_shop_takes_it_in_too(world):
    sale = world.buy()

    async def told() -> tuple[str, ...]:
        async with AsyncCheckoutFlow(
            world.shop, store=world.store, keys=Keys.of(KEY), clock=world.clock
        ) as flow:
            return await flow.opt_out(
                on=today(world), source="x", market="DK", email=TYPED["email"]
            )

    assert asyncio.run(told()) == (sale.subject,)


# The command --------------------------------------------------------------------------------------

FEED = f"""\
on,name,email,phone
2026-03-01,,{TYPED["email"]},no number
2026-03-01,{TYPED["name"]},,
2026-03-01,,{PLANTED},
2026-03-01,,nobody@example.com,
"""


@pytest.fixture
def run(tmp_path: Path, capsys: Any, monkeypatch: Any) -> Any:
    """Run the command over a database with one customer."""
    store = open_store(tmp_path / "shop.db")
    store.create()
    load_or_create_keys(tmp_path / "shop.db.key", lambda _: KEY)
    world = World(store)
    world.buy()
    settings = {"name": "Shop", "markets": ["DK"], "methods": [{"id": "own_invoice", "name": "F"}]}
    (tmp_path / "shop.json").write_text(json.dumps(settings))
    (tmp_path / "optouts.csv").write_text(FEED)
    who = f"{TYPED['name']},{TYPED['street']},{TYPED['postal_code']}"
    feed = f"kind,name,street,zip\ndied,{who}\nopted_out,{who}\n"
    (tmp_path / "others.csv").write_text(feed)
    monkeypatch.setattr(commands, "system_clock", world.clock)
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        status = main(["person", "opt-out", "--db", "shop.db", "--shop", "shop.json", *words])
        said = capsys.readouterr()
        assert PLANTED not in f"{said.out}{said.err}".lower()
        return status, said.out, said.err

    yield run
    store.close()


def test_feeds_reach_the_people_in_a_database(run):
    status, said, _ = run("--feed", "opted_out=optouts.csv")
    assert status == 1
    assert "opted out  1, and were not before" in said
    assert "row 3, who: does not say well enough whom it is about" in said
    assert "row 4, email: has no @" in said
    status, said, _ = run("--feed", "opted_out=optouts.csv", "--json")
    told = json.loads(said)
    [feed] = told["feeds"]
    assert (status, told["opted_out"], feed["taken"], feed["refused"]) == (1, [], 2, 2)


def test_deaths_and_moves_are_for_somebody_to_look_at(run):
    status, said, _ = run("--feed", "others.csv")
    assert status == 1
    assert "row 2, kind: is no opt-out: find the person, and correct or restrict" in said
    assert "row 3, who: nobody is found here but by e-mail or phone" in said
    status, _, wrong = run()
    assert (status, "--feed: give a file" in wrong) == (2, True)
