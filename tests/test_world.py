"""The test kit itself: the clock, the stepping driver, and what `check_world` looks at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.desk import BACK, MUGS_AND_BOOK, SHOP, SOFA, Desk, Witness, buy, refund, ship, start

from checkoutflow.cart import Priced, PricedLine, VatPart
from checkoutflow.checkout import events as e
from checkoutflow.checkout import paying
from checkoutflow.checkout.machine import Phase
from checkoutflow.errors import NotFound, UsageError
from checkoutflow.money import Money
from checkoutflow.payment.outcomes import Operation
from checkoutflow.stores.contract import Due, JournalEntry, Message
from checkoutflow.stores.memory import MemoryStore
from checkoutflow.testing import check_world
from checkoutflow.testing.bank import Fault
from checkoutflow.testing.clock import Clock
from checkoutflow.testing.driver import Crash, Stop
from checkoutflow.testing.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from checkoutflow.checkout.state import Checkout

# The clock ----------------------------------------------------------------------------------------


def test_a_clock_moves_only_by_hand():
    clock = Clock(datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
    assert clock() == clock()
    assert clock.advance(minutes=1) == datetime(2027, 1, 1, tzinfo=UTC) == clock()
    assert clock.advance(days=1, hours=-24, seconds=0.5).microsecond == 500_000
    assert clock.move_to(datetime(2026, 6, 1, 12, tzinfo=UTC)) == clock()


def test_a_clock_wants_to_know_the_time_zone():
    with pytest.raises(ValueError, match="tzinfo=UTC"):
        Clock(datetime(2026, 1, 1))  # noqa: DTZ001 -- the point of it


# The stepping driver ------------------------------------------------------------------------------


@pytest.fixture
def desk() -> Iterator[Desk]:
    with World(SHOP, open_bank=Witness) as world:
        yield Desk(world)


def test_effects_have_names_that_read_well(desk):
    ship(desk, buy(desk, start(desk)))
    assert " | ".join(desk.world.steps.names) == (
        "idempotent | random | now | random | random | commit start"
        " | random | idempotent | load | now | person | count_sightings | values | listed"
        " | commit place"
        " | now | person | health | send POST payments | now"
        " | sightings | count_sightings | person | person | commit record_result"
        " | idempotent | load | now | commit ship"
        " | now | health | send POST captures | now | commit record_result"
    )


def test_a_crash_comes_before_or_after_an_effect_and_only_once(desk):
    world = desk.world
    world.steps.stops = [Stop(4), Stop(8, is_after=True)]
    with pytest.raises(Crash, match="crash before effect 4: commit start"):
        world.flow.start(MUGS_AND_BOOK, market="DK", idempotency_key="start-1")
    assert world.checkouts() == []
    world.reopen()
    with pytest.raises(Crash, match="crash after effect 8: commit start"):
        world.flow.start(MUGS_AND_BOOK, market="DK", idempotency_key="start-1")
    again = world.flow.start(MUGS_AND_BOOK, market="DK", idempotency_key="start-1")
    assert world.checkouts() == [again]


def test_a_program_can_be_run_step_by_step(desk):
    checkout = start(desk)
    program = desk.world.flow.stepped(desk.world.flow.programs.load(checkout.id))
    assert program.next == "load"
    with pytest.raises(ValueError, match="not over: load comes next"):
        _ = program.value
    program.step()
    assert (program.next, program.is_over, program.value) == ("", True, checkout)
    program.step()
    assert program.value == checkout


def test_a_program_that_ends_badly_keeps_its_error(desk):
    program = desk.world.flow.stepped(desk.world.flow.programs.load("nothing"))
    program.finish()
    with pytest.raises(NotFound):
        _ = program.value


# A world ------------------------------------------------------------------------------------------


def test_a_world_is_the_same_again_under_the_same_seed():
    ids = []
    for seed in (1, 1, 2):
        with World(SHOP, seed=seed) as world:
            ids.append(world.flow.start(MUGS_AND_BOOK, market="DK").id)
    assert ids[0] == ids[1] != ids[2]


def test_a_world_knows_only_its_own_checkouts(desk):
    with pytest.raises(NotFound):
        desk.world.checkout("nothing")


def test_due_work_that_fails_is_no_secret(desk, monkeypatch):
    def fails(*_: object) -> None:
        raise UsageError("it broke")

    checkout = start(desk)
    desk.clock.advance(days=2)
    monkeypatch.setattr(MemoryStore, "commit", fails)
    with pytest.raises(
        AssertionError, match=f"due work on checkout {checkout.id} failed: it broke"
    ):
        desk.world.run_due()


def test_a_world_that_never_settles_says_so(desk, monkeypatch):
    desk.bank.plan("authorise", Fault.LOSE_ANSWER)
    desk.bank.plan("status", *[Fault.ERROR] * 1000)
    desk.place(start(desk).id, accepted_total=Money(17800, "DKK"), return_url=BACK)
    monkeypatch.setattr(paying, "next_look", lambda _, at: at + timedelta(microseconds=1))
    with pytest.raises(AssertionError, match="stays open for ever"):
        desk.world.settle()


def test_a_world_that_never_rests_says_so(desk, monkeypatch):
    start(desk)
    monkeypatch.setattr(MemoryStore, "due", lambda *_: [])
    with pytest.raises(AssertionError, match="never comes to rest"):
        desk.world.run_until(desk.clock() + timedelta(days=9))


# What must be true --------------------------------------------------------------------------------


class Tampered(MemoryStore):
    """A store that lies: each answer can be changed before it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.state: Callable[[Checkout], Checkout] = lambda state: state
        self.entries: Callable[[list[JournalEntry]], Sequence[JournalEntry]] = lambda found: found
        self.dues: Callable[[Sequence[Due]], Sequence[Due]] = lambda found: found
        self.told: Sequence[Message] | None = None

    def load(self, checkout_id: str) -> Checkout | None:
        state = super().load(checkout_id)
        return state and self.state(state)

    def journal(self, checkout_id: str) -> Sequence[JournalEntry]:
        return self.entries(list(super().journal(checkout_id)))

    def due(self, now: datetime, limit: int) -> Sequence[Due]:
        return self.dues(super().due(now, limit))

    def messages(self, limit: int) -> Sequence[Message]:
        return super().messages(limit) if self.told is None else self.told


def placed(desk: Desk) -> None:
    buy(desk, start(desk, MUGS_AND_BOOK))


def held(desk: Desk) -> None:
    buy(desk, start(desk, SOFA))


def shipped(desk: Desk) -> None:
    ship(desk, buy(desk, start(desk, MUGS_AND_BOOK)))


def invoiced(desk: Desk) -> None:
    ship(desk, buy(desk, start(desk, MUGS_AND_BOOK, "own_invoice")))


def returned(desk: Desk) -> None:
    refund(desk, ship(desk, buy(desk, start(desk, MUGS_AND_BOOK))), {"mug": 1})


def changed(**changes: Any) -> Callable[[Tampered, Desk], None]:
    """The stored state is another one."""

    def lie(store: Tampered, _: Desk) -> None:
        store.state = lambda state: state.but(
            **{name: new(state) if callable(new) else new for name, new in changes.items()}
        )

    return lie


def rewritten(version: int, *more: e.Event) -> Callable[[Tampered, Desk], None]:
    """The journal has more in one commit."""

    def rewrite(found: list[JournalEntry]) -> list[JournalEntry]:
        return [
            JournalEntry(entry.version, entry.at, entry.command, (*entry.events, *more))
            if entry.version == version
            else entry
            for entry in found
        ]

    def lie(store: Tampered, _: Desk) -> None:
        store.entries = rewrite

    return lie


def dropped(store: Tampered, _: Desk) -> None:
    store.entries = lambda found: found[:-1]


def never_due(store: Tampered, _: Desk) -> None:
    store.dues = lambda _: []


def always_due(store: Tampered, desk: Desk) -> None:
    name = desk.world.checkouts()[0].id
    store.dues = lambda _: [Due(name, {"remind": desk.clock()})]


def made_up(store: Tampered, desk: Desk) -> None:
    store.told = [Message(desk.world.checkouts()[0].id, 1, "confirmed")]


def voided_at_the_bank(_: Tampered, desk: Desk) -> None:
    desk.bank.portal_void(desk.bank.references[0])


def done_twice(_: Tampered, desk: Desk) -> None:
    payment = desk.bank._ledger.payments[desk.bank.references[0]]
    desk.bank._ledger.entries.append(payment.entries[0])


def cheaper(state: Checkout) -> Priced:
    """The order costs one krone."""
    krone = Money(100, "DKK")
    line = state.priced.lines[0]
    vat = VatPart(percent=line.vat_percent, gross=krone, vat=Money(20, "DKK"))
    return Priced(
        lines=(
            PricedLine(
                id=line.id,
                quantity=1,
                goods=krone,
                payable=krone,
                charged=Money(0, "DKK"),
                vat_percent=line.vat_percent,
            ),
        ),
        discounts=(),
        charges=(),
        vat=(vat,),
        prices_include_vat=True,
    )


def captured_more(state: Checkout) -> object:
    payment = state.payments[0]
    return (payment.but(books=payment.books.but(captured=payment.books.captured + 1)),)


def dearer_shipments(state: Checkout) -> object:
    return tuple(item.but(amount=Money(99_999_999, "DKK")) for item in state.shipments)


def unpaid_shipments(state: Checkout) -> object:
    return tuple(item.but(is_paid=False) for item in state.shipments)


def twice(state: Checkout) -> object:
    return (*state.invoices, *state.invoices)


def overpaid(state: Checkout) -> object:
    return tuple(item.but(paid=item.amount + item.amount) for item in state.invoices)


def dearer_refunds(state: Checkout) -> object:
    return tuple(item.but(amount=Money(99_999_999, "DKK")) for item in state.refunds)


def capture_begun(checkout: Checkout) -> e.Event:
    payment = checkout.payments[0]
    return e.AttemptStarted(
        payment=payment.id,
        attempt=f"{payment.id}-9",
        operation=Operation.CAPTURE,
        amount=Money(1, "DKK"),
        at=checkout.started_at,
        lease_until=checkout.started_at,
    )


def too_early(event: Callable[[Checkout], e.Event], at: int) -> Callable[[Tampered, Desk], None]:
    return lambda store, desk: rewritten(at, event(desk.world.checkouts()[0]))(store, desk)


LIES = [
    # (what had happened, what is wrong with it, what is said)
    (placed, voided_at_the_bank, "the bank has 63595 voided and we only 0, with no outcome open"),
    (placed, voided_at_the_bank, "only 0 of 63595 is reserved or taken; an order without"),
    (placed, done_twice, "the bank authorised 2 times under the key"),
    (placed, changed(payments=()), "that no checkout knows"),
    (placed, changed(payments=captured_more), "we have 1 captured and the bank only 0"),
    (shipped, changed(priced=cheaper), "63595 is taken for an order of 100: the customer was"),
    (placed, changed(priced=cheaper), "63595 is reserved or taken for an order of 100"),
    (placed, changed(tenders=()), "still holds 63595; it must be voided"),
    (placed, changed(phase=Phase.CANCELLED), "still holds 63595; it must be voided"),
    (shipped, changed(phase=Phase.CANCELLED), "63595 is taken and bought nothing"),
    (shipped, changed(shipments=dearer_shipments), "goods worth 99999999 have left, and only"),
    (shipped, changed(shipments=unpaid_shipments), "unpaid, and nobody at the shop is told"),
    (shipped, changed(cancelled={"mug": 1}), "more units are shipped and cancelled than"),
    (returned, changed(refunds=dearer_refunds), "refunds of 99999999 count as done, and"),
    (invoiced, changed(invoices=()), "63595 is taken and not invoiced"),
    (invoiced, changed(invoices=twice), "-63595 is taken and not invoiced"),
    (invoiced, changed(invoices=twice), r"numbered \[1001, 1001\]; a series has no gaps"),
    (invoiced, changed(invoices=overpaid), "a customer is owed money and nobody is told"),
    (placed, dropped, r"has versions \[1, 2\]; they count from 1 to 3"),
    (placed, changed(locale="fo_FO"), "replaying the journal gives another state"),
    (placed, rewritten(1, e.Confirmed()), "version 1 cannot be replayed: confirmed cannot happen"),
    (placed, rewritten(2, e.Confirmed()), "version 2: confirmed with 0 secured of 63595"),
    (
        held,
        too_early(capture_begun, 3),
        "3: a capture was begun while the checkout was held",
    ),
    (shipped, rewritten(4, e.Shipped(shipment="s1")), "version 4: 63595 has left with 0 captured"),
    (placed, never_due, r"timers \[\] are stored, and \['remind'\] are needed"),
    (placed, always_due, "the timer remind is not set to 2026"),
    (placed, made_up, "/1/confirmed tells of nothing that happened"),
]


@pytest.mark.parametrize(
    ("happened", "lie", "said"),
    LIES,
    ids=[f"{number} {said}" for number, (_, _, said) in enumerate(LIES)],
)
def test_a_broken_promise_is_told(happened, lie, said):
    store = Tampered()
    with World(SHOP, open_bank=Witness, open_store=lambda: store) as world:
        desk = Desk(world)
        happened(desk)
        world.check()
        lie(store, desk)
        with pytest.raises(AssertionError, match=said):
            check_world(store, world.bank, SHOP)


def test_a_world_in_order_says_nothing(desk):
    buy(desk, start(desk, payment="own_invoice"))
    returned(desk)
    desk.world.check()
