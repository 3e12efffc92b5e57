"""A crash before every single effect of every program loses nothing.

Each scenario is played once to count its effects, and then again and again, with a crash at every
one of them: nothing that was in memory is left, a new flow is opened over the same store, and the
shop and its customer do what people do. In the end the bank's book and ours must agree, nobody was
charged twice, and nothing unpaid has left (`tests.desk.nothing_is_lost`).

A crash after an effect, in place of its answer, leaves the same world behind as one before the next
effect: programs change nothing in between. Only after the last effect of a call does it differ, for
the caller, who does not know that the call was done; those places are played as well.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing, suppress
from random import Random
from typing import TYPE_CHECKING

import pytest
from tests import postgres
from tests.desk import PLANTED, Again, Desk, Gone, database, play
from tests.scenarios import SCENARIOS, described, effects_of, every_change, every_place

from checkoutflow.checkout.paying import is_waited_for
from checkoutflow.errors import CheckoutError
from checkoutflow.payment.outcomes import Operation
from checkoutflow.stores.schema import ATTEMPTS, instant
from checkoutflow.stores.sql import open_store
from checkoutflow.testing.driver import Stop
from checkoutflow.testing.standins.book import Moved

if TYPE_CHECKING:
    from collections.abc import Callable

# Played on a database as well.
ON_DISK = [
    "plain sale",
    "declined and retried",
    "held and approved",
    "held and rejected",
    "asked for a code and approved by two",
    "two shipments",
    "one line returned",
    "answer to the authorisation lost",
    "answer to the capture lost",
    "notice before the customer returns",
    "gift card and wallet cancelled while the customer pays",
    "own invoice part paid and returned",
    "a series of which the third is held",
    "recognised by a code",
    "logged in and then forgotten",
]

# Where nobody has to be asked: by a bank that tells nothing, a customer's decision is not learned.
WITHOUT_ASKING = [
    "plain sale",
    "declined and retried",
    "held and approved",
    "held and rejected",
    "two shipments",
    "one line returned",
    "answer to the authorisation lost",
    "answer to the capture lost",
    "answer to the refund lost",
    "answer to the void lost",
    "cancelled after confirmation",
    "one line shipped and the rest cancelled",
]


def crashes(names, places):
    """A case for each scenario and each of its places to crash.

    A scenario that fails by itself has none; ``test_without_a_crash`` says why.
    """
    found = []
    for name in names:
        with suppress(AssertionError, CheckoutError):
            found += [
                pytest.param(name, stop, id=f"{name}, {described(name, stop)}")
                for stop in places(name)
            ]
    return found


def crash_everywhere(name: str, again: Again, check: Callable[[Desk], None], **options) -> None:
    """Play a scenario with each crash that makes a difference."""
    for stop in every_change(name):
        try:
            check(play(SCENARIOS[name], [stop], again, **options))
        except Exception as error:
            error.add_note(f"{name}, {described(name, stop)}, again {again}")
            raise


def nobody_is_called(desk: Desk) -> None:
    """Where somebody goes on, all is well without a person."""
    assert not [state.attention for state in desk.world.checkouts() if state.attention]


def whoever_waits_has_a_person(desk: Desk) -> None:
    for state in desk.world.checkouts():
        called = {item.payment for item in state.attention if item.reason == "unresolved"}
        assert all(item.id in called for item in state.payments if item.open_attempts)


@pytest.mark.parametrize("name", SCENARIOS)
def test_without_a_crash(name, caplog):
    caplog.set_level(logging.DEBUG)
    nobody_is_called(play(SCENARIOS[name]))
    assert PLANTED not in caplog.text.lower()


@pytest.mark.repeats
@pytest.mark.parametrize(("name", "stop"), crashes(SCENARIOS, every_place))
def test_crash(name, stop):
    """The call is made again at once."""
    nobody_is_called(play(SCENARIOS[name], [stop]))


@pytest.mark.repeats
@pytest.mark.parametrize("name", SCENARIOS)
def test_crash_and_a_call_that_comes_again_later(name):
    crash_everywhere(name, Again.LATER, nobody_is_called)


@pytest.mark.repeats
@pytest.mark.parametrize("name", SCENARIOS)
def test_crash_and_a_call_that_never_comes_again(name):
    crash_everywhere(name, Again.NEVER, lambda _: None)


@pytest.mark.repeats
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_machine_that_crashes_again_and_again(name, seed):
    effects, _ = effects_of(name)
    random = Random(f"{name} {seed}")  # noqa: S311 -- a test wants the same places again
    places = [random.randrange(1, 2 * len(effects)) for _ in range(5)]
    stops = [Stop(place, is_after=random.random() < 0.5) for place in places]
    nobody_is_called(play(SCENARIOS[name], stops, random.choice([Again.AT_ONCE, Again.LATER])))


# On a database ------------------------------------------------------------------------------------


@pytest.mark.repeats
@pytest.mark.parametrize(("name", "stop"), crashes(ON_DISK, every_change))
def test_crash_on_a_database(name, stop):
    with database() as file:
        nobody_is_called(play(SCENARIOS[name], [stop], open_store=lambda: open_store(file)))
        rows_agree_with_the_states(file)
        assert PLANTED.encode() not in file.read_bytes().lower()


# Where it makes most difference that one server has it all.
ON_A_SERVER = [
    "plain sale",
    "two shipments",
    "answer to the capture lost",
    "gift card and wallet cancelled while the customer pays",
    "own invoice part paid and returned",
    "recognised by a code",
]


@pytest.mark.repeats
@pytest.mark.parametrize("name", ON_A_SERVER)
def test_crash_on_a_server(name):
    for stop in every_change(name):
        with postgres.emptied() as open_store:
            nobody_is_called(play(SCENARIOS[name], [stop], open_store=open_store))


def rows_agree_with_the_states(file):
    """The table of attempts says what the states say, and in the same words."""
    store = open_store(file)
    states = [state for name in store.checkouts(()) if (state := store.load(name))]
    store.close()
    columns = [column.name for column in ATTEMPTS.columns if column.name != "digest"]
    with closing(sqlite3.connect(file)) as connection:
        kept = connection.execute(f"SELECT {', '.join(columns)} FROM {ATTEMPTS.name}").fetchall()  # noqa: S608 -- our own names
    assert sorted(kept) == sorted(
        (
            state.id,
            attempt.id,
            payment.provider,
            payment.id,
            attempt.operation,
            attempt.amount.minor,
            attempt.amount.currency,
            instant(attempt.started_at),
            instant(attempt.lease_until),
            attempt.sends,
            attempt.outcome,
        )
        for state in states
        for payment in state.payments
        for attempt in payment.attempts
    )


# Banks that can do less ---------------------------------------------------------------------------


@pytest.mark.repeats
@pytest.mark.parametrize("name", SCENARIOS)
def test_crash_with_a_bank_that_forgets_keys(name):
    """Nothing is sent to it twice: it would do it twice."""
    crash_everywhere(name, Again.AT_ONCE, nobody_is_called, remembers_keys=False)


@pytest.mark.repeats
@pytest.mark.parametrize("name", WITHOUT_ASKING)
def test_crash_with_a_bank_that_cannot_be_asked(name):
    """It is sent the same again. That time released the money it cannot tell: we stop before."""
    crash_everywhere(name, Again.AT_ONCE, nobody_is_called, can_be_asked=False, days=2)


@pytest.mark.repeats
@pytest.mark.parametrize("name", WITHOUT_ASKING)
def test_crash_with_a_bank_that_neither_remembers_nor_tells(name):
    """What is not known then stays so: nothing is sent twice, and a person is called."""
    less = {"remembers_keys": False, "can_be_asked": False}
    crash_everywhere(name, Again.NEVER, whoever_waits_has_a_person, **less, days=0)


@pytest.mark.repeats
@pytest.mark.parametrize("name", WITHOUT_ASKING)
def test_what_such_a_bank_never_tells_people_do_and_nothing_stays_open(name):
    def played(desk: Desk) -> None:
        with suppress(Gone):
            SCENARIOS[name](desk)
        desk.again = Again.AT_ONCE
        for _ in range(2):  # the answer to what is tried again then may be lost as well
            desk.wait(days=1, hours=2)
            whoever_waits_has_a_person(desk)
            people_tell(desk)

    for stop in every_change(name):
        try:
            desk = play(
                played, [stop], Again.NEVER, days=0, remembers_keys=False, can_be_asked=False
            )
            nobody_is_called(desk)
            assert not any(
                payment.open_attempts
                for state in desk.world.checkouts()
                for payment in state.payments
            )
        except Exception as error:
            error.add_note(f"{name}, {described(name, stop)}")
            raise


def people_tell(desk: Desk) -> None:
    """Look in the bank's portal for what it never told; what nobody could use is released there."""
    for state in desk.world.checkouts():
        for payment in state.payments:
            for attempt in filter(is_waited_for, payment.open_attempts):
                done = {(entry.operation, entry.key) for entry in desk.bank.entries(payment.id)}
                is_done = (MOVES[attempt.operation], attempt.id) in done
                is_ours = payment.provider_reference is not None
                if is_done and attempt.operation is Operation.AUTHORISE and not is_ours:
                    desk.bank.portal_void(payment.id)
                    is_done = False
                desk.resolve(
                    state.id, attempt.id, is_done=is_done, seen_in="portal", by=["reviewer-1"]
                )


MOVES = {
    Operation.AUTHORISE: Moved.AUTHORISED,
    Operation.CAPTURE: Moved.CAPTURED,
    Operation.VOID: Moved.VOIDED,
    Operation.REFUND: Moved.REFUNDED,
}
