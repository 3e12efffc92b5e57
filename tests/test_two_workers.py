"""Two at once: two schedulers, two clicks, or a shop and a scheduler in each other's way.

Two programs run by turns over one store and one bank. Every order in which the turn goes over at
most three times is played, and some in which it goes over all the time. Whoever comes second may be
refused; in the end nothing is lost (`tests.desk.nothing_is_lost`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest
from tests import postgres
from tests.desk import (
    BACK,
    CUSTOMER,
    MUG,
    MUGS_AND_BOOK,
    SHOP,
    SOFA,
    Desk,
    Witness,
    buy,
    database,
    everything_is_at_rest,
    nothing_is_lost,
    ship,
    start,
    taken,
)
from tests.scenarios import code_for, is_filled_in, recognised, remembered, wrong

from checkoutflow.checkout import commands as c
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.recognising import WRONG_CODE
from checkoutflow.errors import NotVerified, OutcomeUnknown, StoreConflict, UsageError
from checkoutflow.money import Money
from checkoutflow.privacy.codes import CODE_TRIES
from checkoutflow.stores.contract import NoticeRow
from checkoutflow.stores.sql import open_store
from checkoutflow.testing.bank import Fault
from checkoutflow.testing.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.flow.effects import Program
    from checkoutflow.flow.programs import Programs
    from checkoutflow.stores.contract import Store
    from checkoutflow.testing.driver import Stepped

# Most races are over after so many turns of each.
MOST_TURNS: Final = 6
SEEDS: Final = 20


class Race(NamedTuple):
    """Two programs that start from the same world, and what must come of it."""

    one: Program[Any]
    other: Program[Any]
    ends: Callable[[], bool] = lambda: True


Prepare = Callable[[Desk], Race]
RACES: Final[dict[str, Prepare]] = {}


def race(prepare: Prepare) -> Prepare:
    """Put a race on the list, under its name in words."""
    RACES[prepare.__name__.replace("_", " ")] = prepare
    return prepare


# What can run -------------------------------------------------------------------------------------


def due_work(desk: Desk) -> Program[None]:
    """What ``run_due`` does, as one program."""
    programs = programs_of(desk)
    for due in (yield from programs.due(100)):
        yield from programs.wake(due)


def programs_of(desk: Desk) -> Programs:
    return desk.world.flow.programs


def command(desk: Desk, checkout: Checkout, command: c.Command, key: str = "") -> Program[Checkout]:
    return programs_of(desk).act(checkout.id, [command], {}, key)


def place(desk: Desk, checkout: Checkout, key: str = "") -> Program[Checkout]:
    return programs_of(desk).place(checkout.id, checkout.total, BACK, key, accepts_credit=False)


def notice(desk: Desk, number: int = -1) -> Program[Sequence[Checkout]]:
    hook = desk.bank.outbox[number]
    return programs_of(desk).receive("simulated_bank", hook.headers, hook.body, "", look=True)


def left_before_sending(desk: Desk, program: Program[Any]) -> Stepped[Any]:
    """Run a program to where it is about to send something."""
    worker = desk.world.flow.stepped(program)
    while not worker.next.startswith("send POST"):
        worker.step()
    return worker


def now(desk: Desk, checkout: Checkout) -> Checkout:
    return desk.world.checkout(checkout.id)


# The races ----------------------------------------------------------------------------------------


@race
def two_schedulers_and_a_request_that_never_left(desk: Desk) -> Race:
    checkout = start(desk)
    left_before_sending(desk, place(desk, checkout))
    desk.clock.advance(seconds=61)

    def is_sent_once() -> bool:
        is_confirmed = now(desk, checkout).phase is Phase.CONFIRMED
        return is_confirmed and [len(sent) for sent in desk.bank.sent.values()] == [1]

    return Race(due_work(desk), due_work(desk), is_sent_once)


@race
def two_schedulers_and_a_lost_answer(desk: Desk) -> Race:
    desk.bank.plan("authorise", Fault.LOSE_ANSWER)
    checkout = desk.world.flow.place(start(desk).id, accepted_total=total(desk), return_url=BACK)
    desk.clock.advance(seconds=61)
    return Race(
        due_work(desk), due_work(desk), lambda: now(desk, checkout).phase is Phase.CONFIRMED
    )


def total(desk: Desk) -> Money:
    return desk.world.checkouts()[0].total


@race
def two_schedulers_and_a_checkout_nobody_finished(desk: Desk) -> Race:
    checkout = start(desk)
    desk.clock.advance(days=2)
    return Race(due_work(desk), due_work(desk), lambda: now(desk, checkout).phase is Phase.EXPIRED)


@race
def two_schedulers_and_a_review_nobody_decided(desk: Desk) -> Race:
    checkout = buy(desk, start(desk, SOFA))
    desk.clock.advance(days=4)
    return Race(due_work(desk), due_work(desk), lambda: now(desk, checkout).phase is Phase.REJECTED)


@race
def a_reviewer_and_the_deadline(desk: Desk) -> Race:
    checkout = buy(desk, start(desk, SOFA))
    desk.clock.advance(days=4)
    approve = command(desk, checkout, c.Approve(reviewer="r"))
    return Race(approve, due_work(desk), lambda: now(desk, checkout).phase is Phase.REJECTED)


@race
def two_reviewers_who_disagree(desk: Desk) -> Race:
    checkout = buy(desk, start(desk, SOFA))
    return Race(
        command(desk, checkout, c.Approve(reviewer="r1")),
        command(desk, checkout, c.Reject(reviewer="r2")),
        lambda: now(desk, checkout).phase in {Phase.CONFIRMED, Phase.REJECTED},
    )


@race
def a_double_click_on_buy(desk: Desk) -> Race:
    checkout = start(desk)

    def is_bought_once() -> bool:
        return len(desk.bank.references) == 1 and now(desk, checkout).phase is Phase.CONFIRMED

    return Race(place(desk, checkout, "buy-1"), place(desk, checkout, "buy-1"), is_bought_once)


@race
def two_tabs_in_which_the_customer_buys(desk: Desk) -> Race:
    checkout = start(desk)
    return Race(
        place(desk, checkout, "tab-1"),
        place(desk, checkout, "tab-2"),
        lambda: len(desk.bank.references) == 1,
    )


@race
def a_double_click_on_the_first_page(desk: Desk) -> Race:
    def begin() -> Program[Checkout]:
        return programs_of(desk).start(MUG, "DK", "", "consumer", None, CUSTOMER, (), "", "start-1")

    return Race(begin(), begin(), lambda: len(desk.world.checkouts()) == 1)


@race
def the_customer_returns_as_the_notice_comes(desk: Desk) -> Race:
    checkout = buy(desk, start(desk, payment="wallet"))
    desk.bank.approve(checkout.payments[0].id)
    return Race(
        programs_of(desk).reconcile(checkout.id),
        notice(desk),
        lambda: now(desk, checkout).phase is Phase.CONFIRMED,
    )


@race
def the_same_notice_twice_at_once(desk: Desk) -> Race:
    checkout = buy(desk, start(desk, payment="wallet"))
    desk.bank.approve(checkout.payments[0].id)
    return Race(notice(desk), notice(desk), lambda: now(desk, checkout).phase is Phase.CONFIRMED)


@race
def the_shop_cancels_as_the_bank_says_yes(desk: Desk) -> Race:
    checkout = buy(desk, start(desk, payment="wallet"))
    desk.bank.approve(checkout.payments[0].id)
    cancel = command(desk, checkout, c.Cancel())
    return Race(cancel, notice(desk), lambda: taken(desk, now(desk, checkout)).is_zero)


@race
def time_runs_out_as_the_bank_says_yes(desk: Desk) -> Race:
    checkout = buy(desk, start(desk, payment="wallet"))
    desk.clock.advance(minutes=31)
    desk.bank.approve(checkout.payments[0].id)
    return Race(due_work(desk), notice(desk))


@race
def a_shipment_sent_off_twice_by_one_click(desk: Desk) -> Race:
    checkout = buy(desk, start(desk))
    return Race(
        command(desk, checkout, c.Ship(), "ship-1"),
        command(desk, checkout, c.Ship(), "ship-1"),
        lambda: taken(desk, now(desk, checkout)) == checkout.total,
    )


@race
def two_packers_with_one_order(desk: Desk) -> Race:
    checkout = buy(desk, start(desk, MUGS_AND_BOOK))
    two = c.Ship(lines={"mug": 2})
    return Race(
        command(desk, checkout, two),
        command(desk, checkout, two),  # only three mugs were bought
        lambda: now(desk, checkout).shipped("mug") == 2,
    )


@race
def packed_here_and_cancelled_there(desk: Desk) -> Race:
    checkout = buy(desk, start(desk, MUGS_AND_BOOK))
    return Race(
        command(desk, checkout, c.Ship(lines={"mug": 3})),
        command(desk, checkout, c.Cancel(lines={"mug": 1})),
    )


@race
def shipped_as_the_scheduler_hears_of_the_last_shipment(desk: Desk) -> Race:
    checkout = ship(desk, buy(desk, start(desk, MUGS_AND_BOOK)), {"book": 1})
    return Race(
        command(desk, checkout, c.Ship()),
        notice(desk),
        lambda: taken(desk, now(desk, checkout)) == checkout.total,
    )


@race
def one_mug_returned_at_two_counters(desk: Desk) -> Race:
    checkout = ship(desk, buy(desk, start(desk)))
    one = c.Refund(lines={"mug": 1})
    mug = checkout.priced.unit_amount("mug", 0, 1)
    return Race(
        command(desk, checkout, one),
        command(desk, checkout, one),
        lambda: taken(desk, now(desk, checkout)) == checkout.total - mug,
    )


@race
def more_given_back_than_was_taken(desk: Desk) -> Race:
    checkout = ship(desk, buy(desk, start(desk)))
    most = c.Refund(amount=checkout.total - Money(5000, "DKK"))
    return Race(
        command(desk, checkout, most),
        command(desk, checkout, most),
        lambda: taken(desk, now(desk, checkout)) == Money(5000, "DKK"),
    )


def verify(desk: Desk, checkout: Checkout, code: str) -> Program[Checkout]:
    return programs_of(desk).verify(checkout.id, code, "")


def counted(desk: Desk, checkout: Checkout) -> list[str]:
    """What became of the codes that were typed, in order."""
    return [
        event.type
        for entry in desk.world.store.journal(checkout.id)
        for event in entry.events
        if event.type in {"code_refused", "verified"}
    ]


def with_wrong_codes(desk: Desk, count: int) -> tuple[Checkout, str]:
    """Somebody who is remembered has typed so many wrong codes; and the right one."""
    remembered(desk)
    checkout = recognised(desk)
    code = code_for(desk, checkout)
    for _ in range(count):
        with pytest.raises(NotVerified):
            desk.verify(checkout.id, wrong(code))
    return checkout, code


@race
def two_wrong_codes_at_once(desk: Desk) -> Race:
    checkout, code = with_wrong_codes(desk, 0)
    return Race(
        verify(desk, checkout, wrong(code)),
        verify(desk, checkout, wrong(code)),
        lambda: counted(desk, checkout) == ["code_refused"] * 2,
    )


@race
def a_fifth_wrong_code_and_the_right_one(desk: Desk) -> Race:
    checkout, code = with_wrong_codes(desk, CODE_TRIES - 1)

    def are_five_at_most() -> bool:
        last = counted(desk, checkout)[CODE_TRIES - 1 :]
        return last in (["code_refused"], ["verified"])

    return Race(verify(desk, checkout, wrong(code)), verify(desk, checkout, code), are_five_at_most)


@race
def a_right_code_typed_twice(desk: Desk) -> Race:
    checkout, code = with_wrong_codes(desk, 0)
    return Race(
        verify(desk, checkout, code),
        verify(desk, checkout, code),
        lambda: counted(desk, checkout) == ["verified"],
    )


@race
def a_right_code_as_another_one_is_sent(desk: Desk) -> Race:
    checkout, code = with_wrong_codes(desk, 0)
    desk.clock.advance(seconds=30)

    def is_the_code_good_or_gone() -> bool:
        state = now(desk, checkout).recognition
        return state.level == "verified" or (state.level, state.sending) == ("known", 1)

    return Race(
        verify(desk, checkout, code),
        command(desk, checkout, c.AskAgain()),
        is_the_code_good_or_gone,
    )


@race
def one_who_is_remembered_buys_twice_at_once(desk: Desk) -> Race:
    remembered(desk)
    checkouts = []
    for _ in range(2):
        checkout = recognised(desk)
        checkouts.append(desk.verify(checkout.id, code_for(desk, checkout)))
    one, other = (place(desk, checkout) for checkout in checkouts)

    def is_still_one_person() -> bool:
        checkout = recognised(desk)
        checkout = desk.verify(checkout.id, code_for(desk, checkout))
        return is_filled_in(desk, checkout)

    return Race(one, other, is_still_one_person)


# Running them -------------------------------------------------------------------------------------


def run(
    prepare: Prepare, order: Sequence[int], open_store: Callable[[], Store] | None = None
) -> None:
    """Run a race in an order, then by turns to its end, and check what came of it."""
    with World(SHOP, open_store=open_store, open_bank=Witness) as world:
        desk = Desk(world)
        one, other, ends = prepare(desk)
        workers = [world.flow.stepped(one), world.flow.stepped(other)]
        for number in (*order, *(0, 1) * 50):
            take_turn(workers[number])
        for worker in workers:
            assert worker.is_over
            if worker.error is not None:  # whoever comes second may be told so, and nothing else
                assert isinstance(worker.error, UsageError | OutcomeUnknown | StoreConflict)
        desk.settle()
        nothing_is_lost(desk)
        assert ends()
        desk.wait(days=8)
        nothing_is_lost(desk)
        everything_is_at_rest(desk)


def take_turn(worker: Stepped[Any]) -> None:
    """Run to the end of the next effect that others can notice."""
    while worker.next in {"now", "random"}:
        worker.step()
    worker.step()


def orders() -> Iterator[tuple[int, ...]]:
    """Whose turn it is: one, the other, then one to its end or both by turns; and at random."""
    for first in (0, 1):
        for before in range(MOST_TURNS):
            for between in range(1, MOST_TURNS + 1):
                for after in (0, 50):
                    yield (first,) * before + (1 - first,) * between + (first,) * after
    for seed in range(SEEDS):
        random = Random(seed)  # noqa: S311 -- a test wants the same turns again
        yield tuple(random.randrange(2) for _ in range(60))


@pytest.mark.repeats
@pytest.mark.parametrize("name", RACES)
def test_two_at_once(name):
    for order in orders():
        try:
            run(RACES[name], order)
        except Exception as error:
            error.add_note(f"{name}, in the order {order}")
            raise


@pytest.mark.repeats
@pytest.mark.parametrize("name", RACES)
def test_two_at_once_on_a_database(name):
    for seed in range(SEEDS):
        order = Random(seed).choices((0, 1), k=60)  # noqa: S311 -- the same turns again
        with database() as file:
            run(RACES[name], order, partial(open_store, file))


@pytest.mark.repeats
@pytest.mark.parametrize("name", RACES)
def test_two_at_once_on_a_server(name):
    for seed in range(3):
        order = Random(seed).choices((0, 1), k=60)  # noqa: S311 -- the same turns again
        with postgres.emptied() as open_store:
            run(RACES[name], order, open_store)


# Many who guess -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("place", "is_in_time"), [(1, True), (5, True), (6, False), (40, False)])
def test_however_many_guess_at_once_no_more_than_five_codes_are_tried(place, is_in_time):
    """Each looked at its code while none had been counted; what counts is who wrote it down."""
    with World(SHOP, open_bank=Witness) as world:
        desk = Desk(world)
        checkout, code = with_wrong_codes(desk, 0)
        typed = [code if number == place else wrong(code) for number in range(1, 41)]
        workers = [world.flow.stepped(verify(desk, checkout, each)) for each in typed]
        for worker in workers:
            while not worker.next.startswith("commit"):
                worker.step()
        for worker in workers:
            worker.finish()
        assert counted(desk, checkout) == (
            ["code_refused"] * (place - 1) + ["verified"]
            if is_in_time
            else ["code_refused"] * CODE_TRIES
        )
        good = [worker for worker in workers if worker.error is None]
        assert len(good) == is_in_time
        assert {str(worker.error) for worker in workers if worker.error} == {WRONG_CODE}


# A worker that was asleep -------------------------------------------------------------------------


def asleep(desk: Desk, checkout: Checkout) -> Stepped[Any]:
    """A worker that stops before it looks at the clock for the last time before it sends."""
    worker = desk.world.flow.stepped(place(desk, checkout))
    while worker.next != "commit place":
        worker.step()
    worker.step()
    return worker


def test_a_sender_that_slept_past_its_lease_leaves_it_to_the_others():
    with World(SHOP, open_bank=Witness) as world:
        desk = Desk(world)
        worker = asleep(desk, start(desk))
        desk.clock.advance(seconds=61)
        worker.finish()
        assert not desk.bank.sent
        desk.settle()
        assert [len(sent) for sent in desk.bank.sent.values()] == [1]
        nothing_is_lost(desk)


def test_a_sender_that_slept_with_the_request_in_its_hand_sends_it_under_the_same_key():
    with World(SHOP, open_bank=Witness) as world:
        desk = Desk(world)
        worker = left_before_sending(desk, place(desk, start(desk)))
        desk.clock.advance(seconds=61)
        desk.settle()
        worker.finish()
        assert [len(sent) for sent in desk.bank.sent.values()] == [2]
        assert worker.value.phase is Phase.CONFIRMED
        nothing_is_lost(desk)


def test_money_that_a_sleeper_reserves_after_it_was_given_up_is_released():
    """The bank forgets keys and its notices do not come, so the late answer itself must do."""
    with World(SHOP, open_bank=partial(Witness, remembers_keys=False)) as world:
        desk = Desk(world)
        checkout = start(desk)
        worker = left_before_sending(desk, place(desk, checkout))
        desk.clock.advance(seconds=61)
        desk.settle()
        assert now(desk, checkout).payments[0].reason == "never_arrived"
        checkout = buy(desk, checkout)
        worker.finish()
        desk.world.flow.run_due()
        assert desk.bank.book(checkout.payments[0].id).reserved == 0
        assert now(desk, checkout).phase is Phase.CONFIRMED
        nothing_is_lost(desk)


def test_a_worker_whose_clock_is_ahead_leaves_a_notice_that_came_meanwhile():
    """It clears what it has worked on, by what that was set to and not by its own time."""
    with World(SHOP, open_bank=Witness) as world:
        desk = Desk(world)
        checkout = buy(desk, start(desk, payment="wallet"))

        def notice_comes(name: str) -> None:
            world.store.take_notice(
                NoticeRow("simulated_bank", name, checkout.id, "payment.authorised", desk.clock())
            )

        notice_comes("n-1")
        desk.clock.advance(minutes=5)
        (due,) = world.store.due(desk.clock(), 9)
        worker = world.flow.stepped(programs_of(desk).wake(due))
        while worker.next != "reset_timer":
            worker.step()
        desk.clock.advance(minutes=-4)
        notice_comes("n-2")
        worker.finish()
        (due,) = world.store.due(desk.clock(), 9)
        assert "notice" in due.kinds


def test_a_worker_whose_clock_is_set_back_forgets_no_timer():
    with World(SHOP, open_bank=Witness) as world:
        desk = Desk(world)
        start(desk)
        desk.clock.advance(days=2)
        (due,) = world.store.due(desk.clock(), 9)
        desk.clock.advance(days=-2)
        world.flow.stepped(programs_of(desk).wake(due)).finish()
        desk.clock.advance(days=2)
        assert [due] == world.store.due(desk.clock(), 9)


@pytest.mark.parametrize("is_leased", [False, True])
def test_a_timer_that_newer_settings_set_to_later_is_moved_there(is_leased):
    """The shop wants to be reminded a day before an authorisation runs out, and then an hour."""
    with World(SHOP, open_bank=Witness) as world:
        desk = Desk(world)
        checkout = buy(desk, start(desk))
        set_to = world.store.timers(checkout.id)["remind"]
        world.shop = SHOP.but(remind_before_s=3600)
        flow = world.reopen()
        desk.clock.advance(seconds=(set_to - desk.clock()).total_seconds())
        (due,) = flow.due() if not is_leased else flow.lease_due(for_s=60)
        assert "remind" in due.kinds
        flow.wake(due)
        later = set_to + timedelta(hours=23)
        assert world.store.timers(checkout.id)["remind"] == later
        desk.clock.advance(hours=23)
        flow.run_due()
        assert "authorisation_reminded" in {
            event.type for entry in flow.journal(checkout.id) for event in entry.events
        }


def test_a_worker_that_reads_an_old_version_clears_nothing(monkeypatch):
    """As from a replica that lags behind."""
    with World(SHOP, open_bank=Witness) as world:
        desk = Desk(world)
        old = start(desk, payment="wallet")
        buy(desk, old)
        desk.clock.advance(hours=1)
        (due,) = world.store.due(desk.clock(), 9)
        monkeypatch.setattr(world.store, "load", lambda _: old)
        world.flow.stepped(programs_of(desk).wake(due)).finish()
        assert world.store.due(desk.clock(), 9) == [due]


def test_an_answer_that_a_sleeper_heard_long_ago_is_asked_for_again():
    """It said that nothing was captured. While it slept another worker captured."""
    with World(SHOP, open_bank=Witness) as world:
        desk = Desk(world)
        checkout = buy(desk, start(desk))
        desk.bank.plan("capture", Fault.LOSE_REQUEST)
        desk.ship(checkout.id)
        desk.clock.advance(seconds=7)
        sleeper = world.flow.stepped(programs_of(desk).reconcile(checkout.id))
        while sleeper.next and sleeper.next != "commit take_standing":
            sleeper.step()
        desk.settle()
        assert taken(desk, now(desk, checkout)) == checkout.total
        desk.clock.advance(hours=1)
        sleeper.finish()
        assert now(desk, checkout).books.captured == checkout.total.minor
        assert not now(desk, checkout).attention
        nothing_is_lost(desk)


def test_an_authorisation_that_runs_out_is_noticed_though_nobody_tells():
    with World(SHOP, open_bank=Witness) as world:
        desk = Desk(world)
        checkout = buy(desk, start(desk))
        desk.clock.advance(days=6, hours=23)
        world.flow.run_due()
        desk.clock.advance(hours=2)
        world.flow.run_due()
        (called,) = now(desk, checkout).attention
        assert called.reason == "authorisation_lost"
