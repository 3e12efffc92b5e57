"""The same scenarios through both drivers and on both stores: not one word of a journal differs."""

from __future__ import annotations

import asyncio
import inspect
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests import postgres
from tests.desk import database, play
from tests.scenarios import SCENARIOS, every_change, insured_and_given_back_in_vain_at_first

from checkoutflow.checkout import evolve
from checkoutflow.flow.aio import AsyncCheckoutFlow
from checkoutflow.flow.sync import CheckoutFlow
from checkoutflow.insurance import policies
from checkoutflow.insurance.policies import POLICY
from checkoutflow.review import REVIEW
from checkoutflow.stores.sql import open_store
from checkoutflow.table import advance
from checkoutflow.testing.world import World

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import StrEnum

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.flow.effects import Effect
    from checkoutflow.stores.contract import JournalEntry, Store
    from checkoutflow.testing.driver import Steps


class Awaited:
    """An asynchronous flow for callers who are not: each call is run to its end."""

    def __init__(self, flow: AsyncCheckoutFlow, runner: asyncio.Runner) -> None:
        self._flow = flow
        self._runner = runner

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._flow, name)
        return lambda *arguments, **options: self._runner.run(method(*arguments, **options))


class AsyncSteppingFlow(AsyncCheckoutFlow):
    """An asynchronous flow whose effects are counted, and which stops before one of them."""

    def __init__(self, *arguments: Any, steps: Steps, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.steps = steps

    async def _perform(self, effect: Effect) -> Any:
        self.steps.perform(effect, lambda _: None)
        return await super()._perform(effect)


class AsyncWorld(World):
    """A world with an asynchronous flow."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.runner = asyncio.Runner()
        super().__init__(*arguments, **options)

    def open_flow(self, **options: Any) -> Any:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.bank.handle))
        flow = AsyncSteppingFlow(self.shop, http=http, steps=self.steps, **options)
        return Awaited(flow, self.runner)

    def close(self) -> None:
        self.flow.close()
        self.runner.close()
        super().close()


PLAYED = {**SCENARIOS, "insured and given back in vain": insured_and_given_back_in_vain_at_first}


def journals(
    name: str, open_world: type[World], open_store: Callable[[], Store] | None = None
) -> list[tuple[Checkout, tuple[JournalEntry, ...]]]:
    """What came of it all, and everything that happened on the way."""
    world = play(PLAYED[name], open_world=open_world, open_store=open_store).world
    return [(state, tuple(world.store.journal(state.id))) for state in world.checkouts()]


@cache
def expected(name: str):
    return journals(name, World)


@pytest.mark.parametrize("name", PLAYED)
def test_the_asynchronous_driver_does_the_same(name):
    assert journals(name, AsyncWorld) == expected(name)


@pytest.mark.parametrize("open_world", [World, AsyncWorld], ids=["sync", "async"])
def test_every_step_of_every_review_and_policy_is_played(open_world, monkeypatch):
    """So that every state is reached too, and everything that is proved of scenarios is of all."""
    wanted: set[tuple[str, StrEnum, StrEnum]]
    wanted = {("review", state, step) for state, row in REVIEW.items() for step in row}
    wanted |= {("policy", state, step) for state, row in POLICY.items() for step in row}
    taken = set()

    def noted(thing, table, state, step):
        taken.add((thing, state, step))
        return advance(thing, table, state, step)

    for module in (evolve, policies):
        monkeypatch.setattr(module, "advance", noted)
    for name in PLAYED:
        for _, journal in expected(name) if open_world is World else journals(name, open_world):
            evolve.replay(entry.events for entry in journal)
    assert taken >= wanted


@pytest.mark.parametrize("name", PLAYED)
def test_the_database_keeps_the_same(name):
    with database() as file:
        assert journals(name, World, partial(open_store, file)) == expected(name)


@pytest.mark.parametrize("name", PLAYED)
def test_the_asynchronous_driver_on_a_database_does_the_same(name):
    with database() as file:
        assert journals(name, AsyncWorld, partial(open_store, file)) == expected(name)


@pytest.mark.repeats
@pytest.mark.parametrize("open_world", [World, AsyncWorld])
@pytest.mark.parametrize("name", PLAYED)
def test_a_server_keeps_the_same(name, open_world):
    with postgres.emptied() as open_store:
        assert journals(name, open_world, open_store) == expected(name)


@pytest.mark.repeats
@pytest.mark.parametrize(
    "name",
    [
        "plain sale",
        "redirect lost",
        "held and approved",
        "held and rejected",
        "held and forgotten",
        "held and cancelled meanwhile",
        "held and lapsed at the bank",
        "asked for a code and approved by two",
        "handed over and rejected by another",
    ],
)
def test_the_asynchronous_driver_crashes_as_well(name):
    for stop in every_change(name):
        play(SCENARIOS[name], [stop], open_world=AsyncWorld)


def test_both_flows_have_the_same_calls():
    calls = {name for name in vars(CheckoutFlow) if not name.startswith("_")}
    assert calls == {name for name in vars(AsyncCheckoutFlow) if not name.startswith("_")}
    for name in calls:
        one, other = getattr(CheckoutFlow, name), getattr(AsyncCheckoutFlow, name)
        assert inspect.iscoroutinefunction(other), name
        assert inspect.signature(one) == inspect.signature(other), name
