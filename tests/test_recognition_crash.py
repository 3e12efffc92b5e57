"""Customers who show at an issuer who they are, while machines crash and others come back too.

What an issuer hands out serves once, so after a crash in between the customer may have to go there
again. Nobody is taken for somebody else on the way, and nothing that came back serves twice.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.desk import BACK, CUSTOMER, MUG, SHOP, Again, Desk, Witness, buy, is_sold, play, ship
from tests.scenarios import CHANGES
from tests.test_drivers import AsyncSteppingFlow, AsyncWorld, Awaited
from tests.test_two_workers import orders, take_turn

from checkoutflow.checkout.state import Recognition
from checkoutflow.errors import NotVerified, UntrustedProof
from checkoutflow.issuers.oidc import OpenIdConnect
from checkoutflow.privacy.fields import Purpose
from checkoutflow.testing.driver import SteppingFlow, Stop
from checkoutflow.testing.issuer import SimulatedIssuer, approve, decline
from checkoutflow.testing.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from checkoutflow.checkout.state import Checkout

HOST = "issuer.example"
PERSON: Mapping[str, Mapping[str, object]] = {
    "profile": {"name": CUSTOMER["name"], "birthdate": "2000-12-31"},
    "email": {"email": CUSTOMER["email"], "email_verified": True},
}
SHARED = ("name", "email")
ASKED = (*SHARED, "birth_date")


class Visited(World):
    """A world with an issuer in it, whose customers are all the same person."""

    def handle(self, request: httpx.Request) -> httpx.Response:
        """What the bank answers, or the issuer."""
        there = self.issuer if request.url.host == HOST else self.bank
        return there.handle(request)

    def open_flow(self, **options: Any) -> Any:
        if not hasattr(self, "issuer"):
            self.issuer = SimulatedIssuer(self.clock, person=PERSON)
        # Nothing that it has found out about the issuer outlives a crash.
        there = OpenIdConnect(self.issuer.config(f"https://{HOST}"))
        return self.open_with(issuers=[there], **options)

    def open_with(self, **options: Any) -> Any:
        http = httpx.Client(transport=httpx.MockTransport(self.handle))
        return SteppingFlow(self.shop, http=http, steps=self.steps, **options)


class AsyncVisited(Visited, AsyncWorld):
    """The same with an asynchronous flow."""

    def open_with(self, **options: Any) -> Any:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.handle))
        flow = AsyncSteppingFlow(self.shop, http=http, steps=self.steps, **options)
        return Awaited(flow, self.runner)


def issuer_of(desk: Desk) -> SimulatedIssuer:
    assert isinstance(desk.world, Visited)
    return desk.world.issuer


def leave(desk: Desk, checkout: Checkout) -> str:
    """The customer goes to the issuer and says yes; what they come back with."""
    address = desk.begin_login(checkout.id, "issuer", return_url=BACK, fields=ASKED)
    return approve(address, issuer_of(desk).handle)


def log_in(desk: Desk, checkout: Checkout) -> Checkout:
    """The customer shows who they are, and again where it came to nothing."""
    for _ in range(2):
        query = leave(desk, checkout)
        with suppress(NotVerified):
            desk.finish_login(checkout.id, query)
        with pytest.raises((NotVerified, UntrustedProof)):
            desk.finish_login(checkout.id, query)  # it served, or it never will
        checkout = desk.world.checkout(checkout.id)
        if checkout.recognition.level == "verified":
            break
    assert checkout.recognition.by == "issuer"
    assert counted(desk, checkout)["verified"] == 1
    return checkout


def counted(desk: Desk, checkout: Checkout) -> dict[str, int]:
    """How often each kind of event happened."""
    counts: dict[str, int] = {"verified": 0, "login_taken": 0}
    for entry in desk.world.store.journal(checkout.id):
        for event in entry.events:
            counts[event.type] = counts.get(event.type, 0) + 1
    return counts


def comes_back(desk: Desk) -> None:
    """Somebody logs in, buys, is remembered, and buys again without typing anything."""
    checkout = log_in(desk, desk.start(MUG, market="DK"))
    assert checkout.recognition.person == ""
    assert {*SHARED} <= {*checkout.provided}
    assert checkout.adult is True
    rest = {name: value for name, value in CUSTOMER.items() if name not in SHARED}
    desk.provide(checkout.id, payment="card", **rest)
    checkout = desk.consent(checkout.id, profile=True)
    assert is_sold(desk, ship(desk, buy(desk, checkout)))
    checkout = log_in(desk, desk.start(MUG, market="DK"))
    assert checkout.recognition.person
    details = desk.details(checkout.id, Purpose.DELIVER, by="warehouse")
    assert details.items() >= CUSTOMER.items()
    assert is_sold(desk, ship(desk, buy(desk, checkout)))


@cache
def effects() -> tuple[tuple[str, ...], tuple[int, ...]]:
    desk = play(comes_back, open_world=Visited)
    return tuple(desk.effects), tuple(desk.ends)


def every_place() -> Iterator[Stop]:
    """Before every effect, and after the last one of every call."""
    names, ends = effects()
    for number in range(1, len(names) + 1):
        yield Stop(number)
        if number in ends:
            yield Stop(number, is_after=True)


@pytest.mark.repeats
@pytest.mark.parametrize("again", Again)
def test_crash(again):
    names, _ = effects()
    for stop in every_place():
        if again is Again.AT_ONCE or names[stop.effect - 1].startswith(CHANGES):
            try:
                play(comes_back, [stop], again, open_world=Visited)
            except Exception as error:
                error.add_note(f"crash at effect {stop.effect}: {names[stop.effect - 1]}")
                raise


@pytest.mark.repeats
def test_the_asynchronous_driver_does_the_same_and_crashes_as_well():
    assert tuple(play(comes_back, open_world=AsyncVisited).effects) == effects()[0]
    for stop in every_place():
        if not stop.is_after:
            play(comes_back, [stop], open_world=AsyncVisited)


def test_of_two_who_come_back_with_the_same_one_is_too_late():
    for order in orders():
        with Visited(SHOP, open_bank=Witness) as world:
            desk = Desk(world)
            checkout = desk.start(MUG, market="DK")
            query = leave(desk, checkout)
            programs = world.flow.programs
            workers = [
                world.flow.stepped(programs.finish_login(checkout.id, query)) for _ in range(2)
            ]
            for number in (*order, *(0, 1) * 50):
                take_turn(workers[number])
            errors = [worker.error for worker in workers if worker.error is not None]
            assert [type(error) for error in errors] == [NotVerified], order
            happened = counted(desk, checkout)
            assert (happened["login_taken"], happened["verified"]) == (1, 1)
            assert issuer_of(desk).requests.count("POST /token") == 1


def test_who_is_away_too_long_or_says_no_is_waited_for_no_more():
    with Visited(SHOP, open_bank=Witness) as world:
        desk = Desk(world)
        checkout = desk.start(MUG, market="DK")
        query = leave(desk, checkout)
        desk.clock.advance(hours=2)
        with pytest.raises((NotVerified, UntrustedProof)):
            desk.finish_login(checkout.id, query)
        address = desk.begin_login(checkout.id, "issuer", return_url=BACK)
        query = decline(address, world.issuer.handle)
        with pytest.raises(NotVerified, match="access_denied"):
            desk.finish_login(checkout.id, query)
        assert world.checkout(checkout.id).recognition == Recognition()
        assert log_in(desk, checkout).recognition.level == "verified"
