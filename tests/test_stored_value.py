"""Gift cards and store credit as a payment provider: the contract, odd ledgers, and crashes."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.desk import (
    BACK,
    CUSTOMER,
    GIFT_CARD,
    MUGS_AND_BOOK,
    Again,
    Desk,
    buy,
    database,
    known,
    refund,
    ship,
    start,
)
from tests.desk import play as play_anywhere
from tests.wire import CHECKS

from checkoutflow import AsyncCheckoutFlow
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.messages import MESSAGES
from checkoutflow.errors import (
    Contradiction,
    InvalidInput,
    StoreError,
    TransportError,
    Unreachable,
    UntrustedNotice,
)
from checkoutflow.money import Money
from checkoutflow.payment.outcomes import Done, Outcome, Word
from checkoutflow.privacy.secret import Secret
from checkoutflow.privacy.vault import Keys
from checkoutflow.providers.contract import Ask, Consult, Webhook
from checkoutflow.providers.ledger import Answer, Entry, Hold, Move
from checkoutflow.providers.stored_value import StoredValue
from checkoutflow.shop import Shop
from checkoutflow.stores.ledger import KeptLedger, MemoryLedger
from checkoutflow.stores.memory import MemoryStore
from checkoutflow.stores.sql import SqlStore, open_store
from checkoutflow.stores.sql_ledger import SqlLedger
from checkoutflow.testing import AdapterCase, Clock
from checkoutflow.testing.adapters import Stage, exchange, performed
from checkoutflow.testing.adapters.case import NOW, Paid, order_of
from checkoutflow.testing.bank import Fault, SimulatedBank
from checkoutflow.testing.driver import Stop
from checkoutflow.testing.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEYS = Keys.of(bytes(32))
NOK_500 = Money(50000, "NOK")
CODE = "SESAME-OPEN-1"


def nok(minor: int) -> Money:
    return Money(minor, "NOK")


# The contract -------------------------------------------------------------------------------------


def stage_of(ledger: KeptLedger) -> Stage:
    ledger.issue(CODE, nok(1_000_000), at=NOW)

    def decline_next() -> None:
        rest = ledger.balance(CODE)
        assert rest
        ledger.hold(Hold("rest", "z" * 20, Secret(CODE), rest, NOW))

    return Stage(
        provider=StoredValue(ledger), handler=performed, notice=None, decline_next=decline_next
    )


def case_of(make: Callable[[], Stage]) -> AdapterCase:
    return AdapterCase(
        make=make,
        foreign=make,
        method="gift_card",
        amount=NOK_500,
        secrets=(CODE,),
        instrument=Secret(CODE),
        signature="none",
    )


@pytest.fixture
def stages() -> Iterator[dict[str, Callable[[], Stage]]]:
    with ExitStack() as stack:

        def on_disk() -> Stage:
            store = stack.enter_context(closing(open_store(stack.enter_context(database()))))
            return stage_of(SqlLedger(store, KEYS))

        yield {"memory": lambda: stage_of(MemoryLedger()), "sqlite": on_disk}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_stored_value_keeps_the_contract(check, kind, stages):
    check(case_of(stages[kind]))


ORDER = order_of(case_of(lambda: stage_of(MemoryLedger())))


def test_a_hold_needs_a_code_and_a_time():
    provider = StoredValue(MemoryLedger())
    for order, field in (
        (replace(ORDER, instrument=None), "instrument"),
        (replace(ORDER, at=None), "at"),
    ):
        with pytest.raises(InvalidInput) as caught:
            provider.authorise(order)
        assert caught.value.field == field


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer.DONE, Outcome.SUCCEEDED),
        pytest.param("done", Outcome.SUCCEEDED, id="the bare word"),
        (Answer.UNKNOWN_CODE, Outcome.DECLINED),
        (Answer.EXPIRED, Outcome.DECLINED),
        (Answer.WRONG_CURRENCY, Outcome.DECLINED),
        (Answer.INSUFFICIENT_FUNDS, Outcome.DECLINED),
    ],
)
def test_a_no_has_the_ledgers_reason(answer, outcome):
    result = exchange(StoredValue(MemoryLedger()).authorise(ORDER), lambda _: answer)
    assert result.outcome is outcome
    assert result.reason == ("" if outcome is Outcome.SUCCEEDED else answer)


@pytest.mark.parametrize("answer", [Answer.TOO_MUCH, Answer.NO_SUCH_PAYMENT])
def test_a_no_to_what_follows_is_a_refusal(answer):
    """Nobody is declined anything: we asked for what cannot be."""
    provider = StoredValue(MemoryLedger())
    order = Paid.of(ORDER, None).modify(2, nok(1))
    for ask in (provider.capture, provider.void, provider.refund):
        result = exchange(ask(order), lambda _: answer)
        assert (result.outcome, result.reason) == (Outcome.REFUSED, answer)


def test_it_believes_no_notice():
    with pytest.raises(UntrustedNotice):
        StoredValue(MemoryLedger()).read_notices(Webhook({}, b"{}", 0.0))


# How a payment stands -----------------------------------------------------------------------------


def entry(move: str, minor: int, answer: str = "done", key: str = "k", currency="NOK") -> Entry:
    amount = Money(minor, currency)
    return Entry(key=key, move=Move(move), amount=amount, answer=Answer(answer))


def look(*entries: object):
    question = Ask("b" * 20, None, NOK_500, "gift_card", at=NOW)
    answer: Any = list(entries)
    return exchange(StoredValue(MemoryLedger()).status(question), lambda _: answer)


@pytest.mark.parametrize(
    ("entries", "word", "sums"),
    [
        ([], Word.NOT_FOUND, (0, 0, 0, 0)),
        ([("take", 1, "no_such_payment")], Word.NOT_FOUND, (0, 0, 0, 0)),
        ([("hold", 50000, "expired")], Word.DECLINED, (0, 0, 0, 0)),
        ([("hold", 50000)], Word.AUTHORISED, (50000, 0, 0, 0)),
        ([("hold", 50000), ("take", 50001, "too_much")], Word.AUTHORISED, (50000, 0, 0, 0)),
        ([("hold", 50000), ("take", 100)], Word.AUTHORISED, (50000, 100, 0, 0)),
        ([("hold", 50000), ("release", 50000)], Word.VOIDED, (50000, 0, 50000, 0)),
        (
            [("hold", 50000), ("take", 9), ("take", 1), ("release", 2), ("give_back", 3)],
            Word.AUTHORISED,
            (50000, 10, 2, 3),
        ),
    ],
)
def test_a_payment_stands_as_its_entries_add_up(entries, word, sums):
    given = [entry(*item).but(key=f"k{number}") for number, item in enumerate(entries)]
    standing = look(*given)
    assert standing.word is word
    seen = (standing.authorised, standing.captured, standing.voided, standing.refunded)
    assert tuple(amount.minor for amount in seen) == sums
    if word is not Word.NOT_FOUND:
        assert standing.operations == tuple(
            Done(
                key=item.key,
                outcome=Outcome.SUCCEEDED if item.answer == "done" else Outcome.DECLINED,
            )
            for item in given
        )
    assert standing.reason == ("expired" if word is Word.DECLINED else "")


@pytest.mark.parametrize(
    "entries",
    [
        [("hold", 49999)],
        [("hold", 50000), ("hold", 1)],
        [("hold", 50000), ("take", 50001)],
        [("hold", 50000), ("take", 40000), ("release", 10001)],
        [("hold", 50000), ("take", 10), ("give_back", 11)],
        [("hold", 50000), ("take", -1)],
        [("hold", 50000, "expired"), ("take", 1)],
        [("hold", 50000, "done", "k", "SEK")],
        [("hold", 50000), ("take", 10, "done", "l", "SEK")],
    ],
)
def test_what_cannot_be_is_a_contradiction(entries):
    with pytest.raises(Contradiction):
        look(*(entry(*item) for item in entries))


ENTRIES = st.builds(
    entry,
    st.sampled_from(Move),
    st.integers(-100, 10**13),
    st.sampled_from(Answer),
    st.text(max_size=5),
    st.sampled_from(["NOK", "SEK"]),
)


@given(st.lists(ENTRIES | st.none() | st.text(max_size=3), max_size=6))
def test_whatever_a_ledger_says_the_standing_is_possible_or_none(entries):
    try:
        standing = look(*entries)
    except Contradiction:
        return
    assert standing.authorised in {nok(0), NOK_500}
    assert standing.captured + standing.voided <= standing.authorised
    assert nok(0) <= standing.refunded <= standing.captured


# A ledger that fails ------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ValueError, OSError, KeyError, StoreError, InvalidInput])
def test_whatever_a_ledger_raises_leaves_the_outcome_open(error):
    def hold(order: object) -> None:
        options = {"field": "code"} if error is InvalidInput else {}
        raise error(f"cannot do {CODE}", **options)

    with pytest.raises(TransportError, match=f"hold failed: {error.__name__}") as caught:
        Consult(hold, ORDER).perform()
    assert CODE not in str(caught.value)


def test_a_ledger_can_say_that_it_was_not_reached():
    def hold(order: object) -> None:
        raise Unreachable("the ledger cannot be reached")

    with pytest.raises(Unreachable):
        Consult(hold, ORDER).perform()


# In a sale ----------------------------------------------------------------------------------------

ACCOUNT = "ZANZIBAR-ACCOUNT-17"
DKK_300 = Money(30000, "DKK")

SHOP = Shop.read(
    {
        "name": "Fjord",
        "markets": ["DK"],
        "methods": [
            {"id": "card", "name": "Card", "provider": "simulated_bank"},
            {"id": "gift_card", "provider": "gift_cards", "window_days": 0},
            {"id": "store_credit", "provider": "store_credit"},
        ],
        "deliveries": [{"id": "parcel", "name": "Parcel", "prices": ["49.00 DKK"]}],
        "review": {"hold_above": ["5000.00 DKK"]},
        "pay_within_s": 1800,
        "messages": sorted(MESSAGES),
    }
)


class LedgerWorld(World):
    """A world in which gift cards and store credit are the shop's own."""

    def __init__(self, _shop: Shop, **options) -> None:
        self.faults: list[tuple[str, bool]] = []
        self.in_memory = MemoryLedger(), MemoryLedger()
        super().__init__(SHOP, **options)
        for ledger, code in zip(self.ledgers, (GIFT_CARD, ACCOUNT), strict=True):
            ledger.issue(code, DKK_300, at=self.clock())

    @property
    def ledgers(self) -> tuple[KeptLedger, KeptLedger]:
        if isinstance(self.store, SqlStore):
            name = "store_credit"
            return SqlLedger(self.store, KEYS), SqlLedger(self.store, KEYS, name=name)
        return self.in_memory

    def open_flow(self, **options):
        cards, accounts = (Failing(ledger, self.faults) for ledger in self.ledgers)
        ours = [StoredValue(cards), StoredValue(accounts, "store_credit")]
        return super().open_flow(**options | {"providers": [*options["providers"], *ours]})

    def check(self) -> None:
        super().check()
        for ledger, provider, code in zip(
            self.ledgers, ("gift_cards", "store_credit"), (GIFT_CARD, ACCOUNT), strict=True
        ):
            free = 30000
            for state in self.checkouts():
                for payment in state.payments:
                    if payment.provider == provider:
                        free -= self._agreed(ledger, payment)
            assert ledger.balance(code) == Money(free, "DKK")

    def _agreed(self, ledger: KeptLedger, payment) -> int:
        done = [item for item in ledger.standing(payment.id) if item.answer is Answer.DONE]
        assert len(done) == len({item.key for item in done})
        held, taken, released, given_back = (
            sum(item.amount.minor for item in done if item.move is move) for move in Move
        )
        books = payment.books
        ours = (books.authorised, books.captured, books.voided, books.refunded)
        theirs = (held, taken, released, given_back)
        assert all(one <= other for one, other in zip(ours, theirs, strict=True))
        if not payment.open_attempts and payment.look_at is None:
            assert ours == theirs
        return held - released - given_back


class Failing:
    """A ledger whose next call of a name fails: before it is done, or after it.

    Not a ``KeptLedger``: as a shop's own it has nothing but the five methods.
    """

    def __init__(self, ledger: KeptLedger, faults: list[tuple[str, bool]]) -> None:
        self._ledger = ledger
        self._faults = faults

    def _call(self, name: str, about):
        if (name, False) in self._faults:
            self._faults.remove((name, False))
            raise OSError("the shop's database is away")
        answer = getattr(self._ledger, name)(about)
        if (name, True) in self._faults:
            self._faults.remove((name, True))
            raise OSError("the shop's database went away")
        return answer

    def hold(self, order):
        return self._call("hold", order)

    def take(self, order):
        return self._call("take", order)

    def release(self, order):
        return self._call("release", order)

    def give_back(self, order):
        return self._call("give_back", order)

    def standing(self, payment):
        return self._call("standing", payment)


def ledgers_of(desk: Desk) -> tuple[KeptLedger, KeptLedger]:
    assert isinstance(desk.world, LedgerWorld)
    return desk.world.ledgers


def left(desk: Desk) -> tuple[int, int]:
    cards, accounts = ledgers_of(desk)
    free = cards.balance(GIFT_CARD), accounts.balance(ACCOUNT)
    return tuple(amount.minor for amount in free if amount)  # type: ignore[return-value]  # two


def with_both(desk: Desk, payment: str = "card"):
    checkout = start(desk, MUGS_AND_BOOK, payment)
    for method, code in (("gift_card", GIFT_CARD), ("store_credit", ACCOUNT)):
        checkout = desk.add_credit(checkout.id, method, Money(20000, "DKK"), code=code)
    return checkout


def sold_and_returned(desk: Desk) -> None:
    checkout = ship(desk, buy(desk, with_both(desk)), {"mug": 2})
    checkout = ship(desk, checkout)
    assert checkout.phase is Phase.FULFILLED
    assert left(desk) == (10000, 10000)
    checkout = refund(desk, checkout, {"mug": 3, "book": 1})
    assert checkout.books.refunded == checkout.books.captured
    assert left(desk) == (30000, 30000)


def the_rest_is_declined(desk: Desk) -> None:
    desk.bank.plan("authorise", Fault.DECLINE)
    checkout = desk.place(with_both(desk).id, accepted_total=TOTAL, return_url=BACK)
    checkout = known(desk, checkout)
    assert checkout.phase is Phase.COLLECTING
    assert left(desk) == (30000, 30000)
    checkout = ship(desk, buy(desk, checkout))
    assert checkout.phase is Phase.FULFILLED
    assert left(desk) == (10000, 10000)


def cancelled(desk: Desk) -> None:
    checkout = buy(desk, with_both(desk))
    checkout = known(desk, desk.cancel(checkout.id))
    assert checkout.phase is Phase.CANCELLED
    assert left(desk) == (30000, 30000)


def too_little_on_the_card(desk: Desk) -> None:
    checkout = start(desk, MUGS_AND_BOOK)
    amount = Money(30001, "DKK")
    checkout = desk.add_credit(checkout.id, "gift_card", amount, code=GIFT_CARD)
    checkout = desk.place(checkout.id, accepted_total=TOTAL, return_url=BACK)
    checkout = known(desk, checkout)
    assert checkout.phase is Phase.COLLECTING
    assert checkout.payments[-1].reason == "insufficient_funds"
    assert left(desk) == (30000, 30000)


TOTAL = Money(63595, "DKK")
SALES = (sold_and_returned, the_rest_is_declined, cancelled, too_little_on_the_card)


def play(sale, stops=(), again=Again.AT_ONCE, faults=(), **options) -> Desk:
    def scenario(desk: Desk) -> None:
        assert isinstance(desk.world, LedgerWorld)
        desk.world.faults += faults
        sale(desk)

    return play_anywhere(scenario, stops, again, open_world=LedgerWorld, **options)


@cache
def effects_of(sale) -> tuple[str, ...]:
    return tuple(play(sale).effects)


def everywhere(*sales):
    return [
        pytest.param(sale, Stop(number), id=f"{sale.__name__}, effect {number}: {name}")
        for sale in sales
        for number, name in enumerate(effects_of(sale), 1)
    ] + [
        pytest.param(sale, Stop(number, is_after=True), id=f"{sale.__name__}, after {number}")
        for sale in sales
        for number, name in enumerate(effects_of(sale), 1)
        if name.startswith("consult")
    ]


@pytest.mark.parametrize("sale", SALES)
def test_without_a_crash(sale):
    play(sale)
    assert "consult hold" in effects_of(sale)


@pytest.mark.repeats
@pytest.mark.parametrize(("sale", "stop"), everywhere(*SALES))
def test_crash(sale, stop):
    desk = play(sale, [stop])
    assert not [item.attention for item in desk.world.checkouts() if item.attention]


@pytest.mark.repeats
@pytest.mark.parametrize("again", [Again.LATER, Again.NEVER])
@pytest.mark.parametrize("sale", SALES)
def test_crash_and_a_call_that_comes_later_or_never(sale, again):
    for number, name in enumerate(effects_of(sale), 1):
        if name.startswith(("commit", "consult", "send")):
            play(sale, [Stop(number)], again)


@pytest.mark.repeats
@pytest.mark.parametrize(("sale", "stop"), everywhere(sold_and_returned))
def test_crash_with_checkouts_and_cards_in_one_database(sale, stop):
    with database() as file:
        play(sale, [stop], open_store=lambda: open_store(file))
        assert b"zanzibar" not in file.read_bytes().lower()


@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("name", ["hold", "take", "release", "give_back", "standing"])
@pytest.mark.parametrize("sale", SALES[:3])
def test_a_ledger_that_fails_loses_nothing(sale, name, is_after):
    desk = play(sale, faults=[(name, is_after)])
    assert not [item.attention for item in desk.world.checkouts() if item.attention]


def test_an_asynchronous_flow_asks_the_ledger_as_well():
    ledger = MemoryLedger()
    clock = Clock()
    ledger.issue(GIFT_CARD, Money(100_000, "DKK"), at=clock())

    async def sell():
        flow = AsyncCheckoutFlow(
            SHOP,
            providers=[
                StoredValue(ledger),
                StoredValue(MemoryLedger(), "store_credit"),
                SimulatedBank(clock).provider(),
            ],
            store=MemoryStore(),
            keys=KEYS,
            clock=clock,
        )
        async with flow:
            sale = await flow.start(MUGS_AND_BOOK, market="DK", details=CUSTOMER)
            total = sale.total
            sale = await flow.add_credit(sale.id, "gift_card", total, code=GIFT_CARD)
            sale = await flow.place(sale.id, accepted_total=sale.total, return_url=BACK)
            return await flow.ship(sale.id)

    sale = asyncio.run(sell())
    assert sale.phase is Phase.FULFILLED
    assert ledger.balance(GIFT_CARD) == Money(100_000, "DKK") - sale.total


def test_a_code_is_given_to_the_method_that_it_is_for_and_to_no_other():
    seen = {}

    class Watching(StoredValue):
        def authorise(self, order):
            seen[self.name] = order.instrument
            return super().authorise(order)

    def sale(desk: Desk) -> None:
        providers = desk.world.flow.programs.providers
        for name in ("gift_cards", "store_credit"):
            replaced = providers[name]
            assert isinstance(replaced, StoredValue)
            providers[name] = Watching(replaced.ledger, name)
        buy(desk, with_both(desk))

    desk = play(sale)
    assert seen == {"gift_cards": Secret(GIFT_CARD), "store_credit": Secret(ACCOUNT)}
    sent = b"".join(body for bodies in desk.bank.sent.values() for body in bodies)
    assert b"merchant_reference" in sent
    assert not any(code.encode() in sent for code in (GIFT_CARD, ACCOUNT))
