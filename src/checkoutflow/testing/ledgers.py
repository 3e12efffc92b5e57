"""Checks that hold a ledger, ours or a shop's own, to the page in ``providers/ledger.py``.

Each is a plain function that takes a maker of new, empty ledgers:

```python
@pytest.mark.parametrize("check", LEDGER_CHECKS, ids=lambda check: check.__name__)
def test_my_ledger_keeps_the_contract(check):
    check(make_my_ledger)
```

What fails raises ``AssertionError``, whose text says what the flow relies on.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Final

from checkoutflow.money import Money
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.ledger import Answer, Change, Entry, Hold, Move

if TYPE_CHECKING:
    from checkoutflow.providers.ledger import Ledger


@dataclass(frozen=True, slots=True)
class LedgerStage:
    """A ledger without a card in it, and the shop's side of it.

    Attributes:
        issue: Makes a card: its code, what is on it, and when it expires.
        balance: What is on a card and not held.
    """

    ledger: Ledger
    issue: Callable[[str, Money, datetime | None], None]
    balance: Callable[[str], Money | None]


MakeLedger = Callable[[], LedgerStage]
LedgerCheck = Callable[[MakeLedger], None]

NOON: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
CODE: Final = "CHECK-CODE-1"
OTHER: Final = "CHECK-CODE-2"
_PAYMENT: Final = "a" * 20
_WORKERS: Final = 8
_PATIENCE_S: Final = 30.0


def nok(minor: int) -> Money:
    """An amount in the currency of the checks, in minor units."""
    return Money(minor, "NOK")


def _made(make: MakeLedger) -> LedgerStage:
    stage = make()
    stage.issue(CODE, nok(1000), None)
    return stage


def _hold(minor: int, key: str = "hold", payment: str = _PAYMENT, code: str = CODE) -> Hold:
    return Hold(key, payment, Secret(code), nok(minor), NOON)


def _change(minor: int, key: str, payment: str = _PAYMENT) -> Change:
    return Change(key, payment, nok(minor), NOON)


def _ask(ledger: Ledger, move: Move, order: Hold | Change) -> Answer:
    if isinstance(order, Hold):
        return ledger.hold(order)
    calls = {Move.TAKE: ledger.take, Move.RELEASE: ledger.release, Move.GIVE_BACK: ledger.give_back}
    return calls[move](order)


def _same(seen: object, expected: object, advice: str) -> None:
    if seen != expected:
        raise AssertionError(f"{advice}: expected {expected}, not {seen}")


def _expect(answer: Answer, expected: Answer, what: str) -> None:
    _same(answer, expected, f"{what} must be answered with {expected}")


def _stands(stage: LedgerStage, *expected: int, payment: str = _PAYMENT) -> None:
    """Compare what was done with a payment: held, taken, released, given back."""
    sums = dict.fromkeys(Move, 0)
    for entry in stage.ledger.standing(payment):
        if entry.answer is Answer.DONE:
            sums[entry.move] += entry.amount.minor
    seen = tuple(sums.values())
    _same(seen, (*expected, *[0] * (4 - len(expected))), "standing lists exactly what was done")


def _has(stage: LedgerStage, minor: int, code: str = CODE) -> None:
    _same(stage.balance(code), nok(minor), "what is on the card is what nobody holds")


def money_goes_where_it_is_asked_to(make: MakeLedger) -> None:
    """From the card to the payment and back, in parts, to the last minor unit."""
    stage = _made(make)
    ledger = stage.ledger
    _same(list(ledger.standing(_PAYMENT)), [], "a payment that nobody asked about has no entries")
    for move, order, free in (
        (Move.HOLD, _hold(700), 300),
        (Move.TAKE, _change(250, "take-1"), 300),
        (Move.TAKE, _change(250, "take-2"), 300),
        (Move.RELEASE, _change(150, "release-1"), 450),
        (Move.GIVE_BACK, _change(200, "back-1"), 650),
        (Move.RELEASE, _change(50, "release-2"), 700),
        (Move.GIVE_BACK, _change(300, "back-2"), 1000),
    ):
        _expect(_ask(ledger, move, order), Answer.DONE, f"{order.key} of {order.amount}")
        _has(stage, free)
    _stands(stage, 700, 500, 200, 500)
    _expect(ledger.hold(_hold(1000, "again", "b" * 20)), Answer.DONE, "a hold of all there is")
    _has(stage, 0)
    _stands(stage, 1000, payment="b" * 20)
    _stands(stage, 700, 500, 200, 500)


def what_is_not_there_is_not_held(make: MakeLedger) -> None:
    """Each "no" has its reason, and leaves everything as it was."""
    stage = _made(make)
    stage.issue(OTHER, nok(1000), NOON + timedelta(days=1))
    late = replace(_hold(10, code=OTHER), at=NOON + timedelta(days=1))
    cases = {
        Answer.UNKNOWN_CODE: _hold(10, code="CHECK-CODE-3"),
        Answer.WRONG_CURRENCY: replace(_hold(10), amount=Money(10, "SEK")),
        Answer.INSUFFICIENT_FUNDS: _hold(1001),
        Answer.EXPIRED: late,
    }
    for number, (expected, order) in enumerate(cases.items()):
        asked = replace(order, key=f"no-{number}", payment=f"{number + 2}" * 20)
        _expect(stage.ledger.hold(asked), expected, f"a hold on what is {expected}")
        _stands(stage, payment=asked.payment)
        _same(
            list(stage.ledger.standing(asked.payment)),
            [Entry(key=asked.key, move=Move.HOLD, amount=asked.amount, answer=expected)],
            "a refused hold is kept as well, with its answer: who was not told can ask",
        )
        stage.ledger.take(_change(1, "take", asked.payment))
        _stands(stage, payment=asked.payment)
    for code in (CODE, OTHER):
        _has(stage, 1000, code)


def a_card_expires_at_its_moment_and_what_is_held_does_not(make: MakeLedger) -> None:
    """Up to the last microsecond it pays; afterwards what it holds can go either way."""
    stage, end = make(), NOON + timedelta(days=1)
    stage.issue(CODE, nok(1000), end)
    last = replace(_hold(600), at=end - timedelta(microseconds=1))
    _expect(stage.ledger.hold(last), Answer.DONE, "a hold just before the card expires")
    later = end + timedelta(days=30)
    for call, order in (
        (stage.ledger.take, _change(400, "take")),
        (stage.ledger.release, _change(200, "release")),
        (stage.ledger.give_back, _change(100, "back")),
    ):
        answer = call(replace(order, at=later))
        _expect(answer, Answer.DONE, f"{order.key} after the card has expired")
    _stands(stage, 600, 400, 200, 100)
    _has(stage, 700)


def no_more_moves_than_there_is(make: MakeLedger) -> None:
    """Nothing is taken or released that is not held, nor given back that was not taken."""
    stage = _made(make)
    ledger = stage.ledger
    for number, call in enumerate((ledger.take, ledger.release, ledger.give_back)):
        answer = call(_change(1, f"early-{number}"))
        _expect(answer, Answer.NO_SUCH_PAYMENT, "a move for a payment without a hold")
    ledger.hold(_hold(500))
    _expect(ledger.give_back(_change(1, "b-1")), Answer.TOO_MUCH, "more back than was taken")
    _expect(ledger.take(_change(501, "t-1")), Answer.TOO_MUCH, "taking more than is held")
    ledger.take(_change(300, "t-2"))
    _expect(ledger.take(_change(201, "t-3")), Answer.TOO_MUCH, "taking more than is left")
    _expect(ledger.release(_change(201, "r-1")), Answer.TOO_MUCH, "releasing more than is left")
    _expect(ledger.give_back(_change(301, "b-2")), Answer.TOO_MUCH, "more back than was taken")
    ledger.release(_change(200, "r-2"))
    _expect(ledger.take(_change(1, "t-4")), Answer.TOO_MUCH, "taking what was released")
    ledger.give_back(_change(300, "b-3"))
    _expect(ledger.give_back(_change(1, "b-4")), Answer.TOO_MUCH, "giving back twice")
    with suppress(Exception):  # a mistake of the caller's
        ledger.give_back(replace(_change(1, "t-5"), amount=Money(1, "SEK")))
    _stands(stage, 500, 300, 200, 300)
    _has(stage, 1000)


def the_same_key_does_it_once(make: MakeLedger) -> None:
    """A repeat gets the first answer, whatever has happened since, and moves nothing."""
    stage = _made(make)
    ledger, payment = stage.ledger, "b" * 20
    refused = _hold(2000, "too-much", payment)
    calls = (
        (Move.HOLD, _hold(600), Answer.DONE),
        (Move.HOLD, refused, Answer.INSUFFICIENT_FUNDS),
        (Move.TAKE, _change(200, "take"), Answer.DONE),
        (Move.TAKE, _change(500, "too-much"), Answer.TOO_MUCH),
        (Move.RELEASE, _change(400, "release"), Answer.DONE),
        (Move.GIVE_BACK, _change(100, "back"), Answer.DONE),
    )
    for days in range(3):
        for move, order, expected in calls:
            late = replace(order, at=NOON + timedelta(days=days))
            answer = _ask(ledger, move, late)
            _expect(answer, expected, f"{order.key}, time {days + 1},")
        _stands(stage, 600, 200, 400, 100)
        _has(stage, 900)
    keys = [entry.key for entry in ledger.standing(_PAYMENT)]
    expected_keys = ["back", "hold", "release", "take", "too-much"]
    _same(sorted(keys), expected_keys, "standing has every key once")


def another_key_does_it_again(make: MakeLedger) -> None:
    """Two moves of one amount are two where their keys differ."""
    stage = _made(make)
    stage.ledger.hold(_hold(600))
    for call, name in ((stage.ledger.take, "take"), (stage.ledger.give_back, "back")):
        for number in range(2):
            answer = call(_change(100, f"{name}-{number}"))
            _expect(answer, Answer.DONE, "another key")
    for number in range(2):
        stage.ledger.release(_change(100, f"release-{number}"))
    _stands(stage, 600, 200, 200, 200)
    _has(stage, 800)


def a_key_that_comes_with_something_else_moves_nothing(make: MakeLedger) -> None:
    """It is a mistake of the caller's; raising is the right answer to it."""
    stage = _made(make)
    ledger = stage.ledger
    ledger.hold(_hold(600))
    ledger.take(_change(200, "take"))
    for move, order in (
        (Move.HOLD, _hold(700)),
        (Move.HOLD, _hold(100, "another-hold")),
        (Move.TAKE, _change(201, "take")),
        (Move.RELEASE, _change(200, "take")),
        (Move.TAKE, _change(600, "hold")),
    ):
        with suppress(Exception):
            _ask(ledger, move, order)
    _stands(stage, 600, 200)
    _has(stage, 400)


def no_amount_below_one_moves(make: MakeLedger) -> None:
    """Nothing, and less than nothing, are no amounts: they would move money the other way."""
    stage = _made(make)
    ledger = stage.ledger
    ledger.hold(_hold(600))
    ledger.take(_change(200, "take"))
    for minor in (0, -1, -200):
        for number, call in enumerate((ledger.take, ledger.release, ledger.give_back)):
            with suppress(Exception):
                call(_change(minor, f"odd-{number}-{-minor}"))
        with suppress(Exception):
            ledger.hold(_hold(minor, f"odd{minor}", "b" * 20))
    _stands(stage, 600, 200)
    _has(stage, 400)


def many_at_once_hold_no_more_than_there_is(make: MakeLedger) -> None:
    """Several workers hold, take and repeat at the same moment; the card pays once."""
    stage = _made(make)
    ledger, answers = stage.ledger, list[Answer]()

    def work(number: int) -> None:
        payment = f"{number + 2}" * 20
        for _ in range(2):
            barrier.wait(_PATIENCE_S)
            answers.append(ledger.hold(_hold(300, f"hold-{number}", payment)))

    barrier = Barrier(_WORKERS)
    _in_threads(work)
    held = sum(answer == Answer.DONE for answer in answers)
    _same((len(answers), held), (2 * _WORKERS, 6), "three holds fit, and each repeat gets its own")
    _has(stage, 100)

    def take(number: int) -> None:
        barrier.wait(_PATIENCE_S)
        for payment in range(_WORKERS):
            key = f"take-{number % 2}"  # half of them are repeats
            ledger.take(_change(200, key, f"{payment + 2}" * 20))

    barrier = Barrier(_WORKERS)
    _in_threads(take)
    entries = [item for number in range(_WORKERS) for item in ledger.standing(f"{number + 2}" * 20)]
    taken = sum(item.move is Move.TAKE and item.answer is Answer.DONE for item in entries)
    _same(taken, 3, "of 300 held, 200 are taken once")
    _has(stage, 100)


def _in_threads(work: Callable[[int], None]) -> None:
    threads = [Thread(target=work, args=(number,), daemon=True) for number in range(_WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_PATIENCE_S)


def codes_never_show(make: MakeLedger) -> None:
    """A code is money: it is in no repr and in nothing that a ledger says."""
    stage = _made(make)
    order = _hold(2000)
    stage.ledger.hold(order)
    texts = [repr(stage.ledger), repr(order), repr(stage.ledger.standing(_PAYMENT))]
    if any(CODE in text for text in texts):
        raise AssertionError("a code shows; keep it in a Secret, or as a keyed digest")


LEDGER_CHECKS: Final[tuple[LedgerCheck, ...]] = (
    money_goes_where_it_is_asked_to,
    what_is_not_there_is_not_held,
    a_card_expires_at_its_moment_and_what_is_held_does_not,
    no_more_moves_than_there_is,
    the_same_key_does_it_once,
    another_key_does_it_again,
    a_key_that_comes_with_something_else_moves_nothing,
    no_amount_below_one_moves,
    many_at_once_hold_no_more_than_there_is,
    codes_never_show,
)
