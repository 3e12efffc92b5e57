"""Gift cards and store credit: our ledgers keep the contract, and the checks notice others."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import postgres
from tests.desk import database

from checkoutflow.errors import IdempotencyConflict, InvalidInput, SchemaMismatch, StoreError
from checkoutflow.money import Money
from checkoutflow.privacy.secret import Secret
from checkoutflow.privacy.vault import Keys
from checkoutflow.providers.ledger import Answer, Change, Entry, Hold, Move
from checkoutflow.stores.ledger import KeptLedger, MemoryLedger, Row, _MemoryBook
from checkoutflow.stores.sql import open_store
from checkoutflow.stores.sql_ledger import SqlLedger
from checkoutflow.testing import ledgers as checks
from checkoutflow.testing.ledgers import CODE, LEDGER_CHECKS, NOON, LedgerStage, nok

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checkoutflow.stores.sql import SqlStore

KEYS = Keys.of(bytes(32))
OLD, NEW = bytes(32), bytes([1]) * 32
SERIAL = count()


@pytest.fixture
def store() -> Iterator[SqlStore]:
    with database() as file, closing(open_store(file)) as opened:
        yield opened


def staged(ledger: KeptLedger) -> LedgerStage:
    def issue(code, amount, expires_at):
        ledger.issue(code, amount, at=NOON, expires_at=expires_at)

    return LedgerStage(ledger, issue, ledger.balance)


@pytest.fixture
def on_server() -> Iterator[SqlStore]:
    with postgres.new_store() as opened:
        opened.create()
        yield opened


@pytest.mark.parametrize("check", LEDGER_CHECKS, ids=lambda check: check.__name__)
def test_a_ledger_on_postgresql_keeps_the_contract(check, on_server):
    check(lambda: staged(SqlLedger(on_server, KEYS, name=f"ledger {next(SERIAL)}")))


@pytest.mark.parametrize("check", LEDGER_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_our_ledgers_keep_the_contract(check, kind, store):
    if kind == "memory":
        check(lambda: staged(MemoryLedger()))
    else:
        # A ledger of another name is an empty one, save for the payments.
        check(lambda: staged(SqlLedger(store, KEYS, name=f"ledger {next(SERIAL)}")))


# The checks notice --------------------------------------------------------------------------------


class Forgetful(MemoryLedger):
    """Does everything again."""

    def take(self, order):
        return super().take(renamed(order))


def renamed(order):
    return type(order)(
        **{name: getattr(order, name) for name in order.__slots__} | {"key": f"k{next(SERIAL)}"}
    )


class GenerousBook(_MemoryBook):
    def free(self, card_id):
        return 10**6


class Generous(MemoryLedger):
    """Holds more than there is."""

    def __init__(self):
        super().__init__()
        self._book = GenerousBook()


class TakesAnything(MemoryLedger):
    def take(self, order):
        with suppress(IdempotencyConflict):
            super().take(order)
        with self._lock:
            first = self._book.rows(order.payment)[:1]
            for row in first:
                key = f"{order.key} again"
                self._book.add(row._replace(key=key, move=Move.TAKE, amount=order.amount, freed=0))
        return Answer.DONE


class Expired(MemoryLedger):
    """Lets nothing go that has expired."""

    def _change(self, move, order):
        return Answer.EXPIRED if order.at > NOON else super()._change(move, order)


class NeverExpires(MemoryLedger):
    def issue(self, code, amount, *, at, expires_at=None, key="issue"):
        super().issue(code, amount, at=at, key=key)


class ForgetsRefusals(MemoryLedger):
    def standing(self, payment):
        return [entry for entry in super().standing(payment) if entry.answer is Answer.DONE]


class KeepsWhatIsReleased(MemoryLedger):
    def release(self, order):
        with self._lock:
            rows = self._book.rows(order.payment)
            found = [row for row in rows if row.key == order.key]
            if not found and rows:
                row = Row(rows[0].card, order.payment, order.key, Move.RELEASE, order.amount,
                          Answer.DONE, 0, order.at)  # fmt: skip
                self._book.add(row)
        return Answer.DONE


class ShowsCodes(MemoryLedger):
    def __repr__(self):
        return f"ShowsCodes({[*self._book._cards]})"


class Backwards(MemoryLedger):
    """Takes an amount below zero."""

    def _change(self, move, order):
        if order.amount.minor <= 0:
            with self._lock:
                for row in self._book.rows(order.payment)[:1]:
                    self._book.add(row._replace(key=order.key, move=move, amount=order.amount))
            return Answer.DONE
        return super()._change(move, order)


class OneCurrency(MemoryLedger):
    def hold(self, order):
        amount = Money(order.amount.minor, "NOK")
        return super().hold(Hold(order.key, order.payment, order.code, amount, order.at))


NOTICED = {
    Forgetful: checks.the_same_key_does_it_once,
    Generous: checks.what_is_not_there_is_not_held,
    TakesAnything: checks.no_more_moves_than_there_is,
    Expired: checks.a_card_expires_at_its_moment_and_what_is_held_does_not,
    NeverExpires: checks.what_is_not_there_is_not_held,
    ForgetsRefusals: checks.what_is_not_there_is_not_held,
    KeepsWhatIsReleased: checks.money_goes_where_it_is_asked_to,
    ShowsCodes: checks.codes_never_show,
    Backwards: checks.no_amount_below_one_moves,
    OneCurrency: checks.what_is_not_there_is_not_held,
}


@pytest.mark.parametrize("wrong", NOTICED, ids=lambda wrong: wrong.__name__)
def test_the_checks_notice_a_ledger_that_does_not(wrong):
    with pytest.raises(AssertionError):
        NOTICED[wrong](lambda: staged(wrong()))


class Careless(MemoryLedger):
    """Lets go of the lock between looking and writing."""

    def hold(self, order):
        if (free := self.balance(order.code.reveal())) is None or order.amount > free:
            return Answer.INSUFFICIENT_FUNDS
        row = Row(CODE, order.payment, order.key, Move.HOLD, order.amount, Answer.DONE,
                  -order.amount.minor, order.at)  # fmt: skip
        self._pause()
        self._book.add(row)
        return Answer.DONE

    def _pause(self):
        sum(range(200_000))  # long enough for another thread to have its turn


def test_the_checks_notice_a_race():
    with pytest.raises(AssertionError):
        checks.many_at_once_hold_no_more_than_there_is(lambda: staged(Careless()))


# Issuing ------------------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "sqlite"])
def ledger(request, store) -> KeptLedger:
    return MemoryLedger() if request.param == "memory" else SqlLedger(store, KEYS)


def test_a_card_is_issued_once_and_an_account_is_added_to(ledger):
    assert ledger.balance("A") is None
    for _ in range(2):
        ledger.issue("A", nok(500), at=NOON)
        ledger.issue("A", nok(200), at=NOON, key="return-17")
    assert ledger.balance("A") == nok(700)
    with pytest.raises(IdempotencyConflict, match="another amount was issued"):
        ledger.issue("A", nok(501), at=NOON)
    with pytest.raises(InvalidInput, match="amount: is in NOK on this code"):
        ledger.issue("A", Money(1, "SEK"), at=NOON, key="more")
    for minor in (0, -1):
        with pytest.raises(InvalidInput, match="above zero"):
            ledger.issue("B", nok(minor), at=NOON)
    assert ledger.balance("A") == nok(700)
    assert ledger.balance("B") is None


def test_what_has_expired_pays_nothing_and_can_be_prolonged_with_more_on_it(ledger):
    end = NOON + timedelta(days=1)
    ledger.issue("A", nok(500), at=NOON, expires_at=end)
    assert ledger.balance("A", NOON) == nok(500)
    assert ledger.balance("A", end) == nok(0)
    assert ledger.balance("A") == nok(500)
    ledger.issue("A", nok(1), at=end, key="2")
    assert ledger.balance("A", end) == nok(0)
    ledger.issue("A", nok(1), at=end, expires_at=end + timedelta(days=1), key="3")
    assert ledger.balance("A", end) == nok(502)


def test_a_mistake_of_the_callers_is_said(ledger):
    ledger.issue(CODE, nok(500), at=NOON)
    hold = Hold("h", "p", Secret(CODE), nok(100), NOON)
    assert ledger.hold(hold) is Answer.DONE
    for order, complaint in (
        (Hold("h", "p", Secret(CODE), nok(101), NOON), "the key was used for something else"),
        (Hold("i", "p", Secret(CODE), nok(100), NOON), "held for under another key"),
    ):
        with pytest.raises(IdempotencyConflict, match=complaint):
            ledger.hold(order)
    with pytest.raises(IdempotencyConflict):
        ledger.take(Change("h", "p", nok(100), NOON))
    with pytest.raises(InvalidInput, match="above zero"):
        ledger.take(Change("t", "p", nok(0), NOON))
    assert ledger.take(Change("t", "p", Money(1, "SEK"), NOON)) is Answer.WRONG_CURRENCY
    assert ledger.balance(CODE) == nok(400)


# In the database ----------------------------------------------------------------------------------


def test_a_code_is_in_no_file_and_the_ledger_is_append_only(store):
    ledger = SqlLedger(store, KEYS)
    ledger.issue("ZANZIBAR-1", nok(500), at=NOON)
    ledger.hold(Hold("h", "p", Secret("ZANZIBAR-1"), nok(100), NOON))
    ledger.hold(Hold("h", "q", Secret("ZANZIBAR-2"), nok(100), NOON))
    store.close()
    for file in store._file.parent.iterdir():
        assert b"ZANZIBAR" not in file.read_bytes()
    for statement in (
        "UPDATE checkoutflow_ledger SET freed = 0",
        "DELETE FROM checkoutflow_ledger",
    ):
        with (
            pytest.raises(StoreError, match="the ledger is append-only"),
            store.transaction(is_writing=True) as cursor,
        ):
            cursor.execute(statement)
    assert ledger.balance("ZANZIBAR-1") == nok(400)


def test_a_card_outlives_the_key_that_it_was_issued_under(store):
    SqlLedger(store, Keys.of(OLD)).issue(CODE, nok(500), at=NOON)
    assert SqlLedger(store, Keys.of(NEW)).balance(CODE) is None
    ledger = SqlLedger(store, Keys.of(NEW, OLD))
    ledger.issue(CODE, nok(500), at=NOON)  # the same again
    ledger.issue(CODE, nok(1), at=NOON, key="more")
    assert ledger.balance(CODE) == nok(501)
    assert ledger.hold(Hold("h", "p", Secret(CODE), nok(501), NOON)) is Answer.DONE
    assert ledger.balance(CODE) == nok(0)


def test_two_ledgers_in_one_database_do_not_know_each_others_codes(store):
    cards, accounts = SqlLedger(store, KEYS), SqlLedger(store, KEYS, name="store_credit")
    accounts.issue("customer-17", nok(500), at=NOON)
    typed = Hold("h", "p", Secret("customer-17"), nok(100), NOON)
    assert cards.hold(typed) is Answer.UNKNOWN_CODE
    assert cards.balance("customer-17") is None


def test_another_process_sees_the_same_money(store):
    SqlLedger(store, KEYS).issue(CODE, nok(500), at=NOON)
    with closing(open_store(store._file)) as other:
        ledger = SqlLedger(other, KEYS)
        assert ledger.hold(Hold("h", "p", Secret(CODE), nok(400), NOON)) is Answer.DONE
    assert SqlLedger(store, KEYS).balance(CODE) == nok(100)


def test_without_tables_there_is_advice(tmp_path):
    empty = open_store(tmp_path / "shop.db")
    with pytest.raises(SchemaMismatch, match="run create"):
        SqlLedger(empty, KEYS).balance(CODE)


def test_a_crash_in_the_middle_leaves_nothing_half_done(store, monkeypatch):
    """A card that is written down without its money would be one that is issued and empty."""
    ledger = SqlLedger(store, KEYS)

    def stop(*_):
        raise OSError("the machine stops")

    with monkeypatch.context() as patched:
        patched.setattr("checkoutflow.stores.sql_ledger._SqlBook.add", stop)
        with pytest.raises(OSError, match="the machine stops"):
            ledger.issue(CODE, nok(500), at=NOON)
    assert ledger.balance(CODE) is None
    ledger.issue(CODE, nok(500), at=NOON)
    assert ledger.balance(CODE) == nok(500)


# Whatever comes in whatever order -----------------------------------------------------------------

CODES = ("A", "B", "nobody's")
PAYMENTS = ("p", "q", "r")
ORDERS = st.tuples(
    st.sampled_from(Move),
    st.sampled_from(PAYMENTS),
    st.sampled_from(CODES),
    st.integers(1, 700),
    st.integers(0, 5),
    st.integers(0, 3),
)


def carried_out(ledger: KeptLedger, asked) -> object:
    move, payment, code, minor, number, days = asked
    key, at = f"{move}-{number}", NOON + timedelta(days=days)
    try:
        if move is Move.HOLD:
            return ledger.hold(Hold(key, payment, Secret(code), nok(minor), at))
        return getattr(ledger, move)(Change(key, payment, nok(minor), at))
    except IdempotencyConflict as error:
        return str(error)


def sums_of(ledger: KeptLedger, payment: str) -> list[int]:
    done = [item for item in ledger.standing(payment) if item.answer is Answer.DONE]
    return [sum(item.amount.minor for item in done if item.move is move) for move in Move]


def money_is_kept(ledger: KeptLedger) -> None:
    """Nothing is taken, held or given back beyond what was issued, and all of it is somewhere."""
    net = 0
    for payment in PAYMENTS:
        held, taken, released, given_back = sums_of(ledger, payment)
        assert taken + released <= held
        assert given_back <= taken
        net += held - released - given_back
        keys = [entry.key for entry in ledger.standing(payment)]
        assert len(keys) == len({*keys})
    free = [ledger.balance(code) for code in ("A", "B")]
    assert all(amount and amount.minor >= 0 for amount in free) or not all(free)
    assert sum(amount.minor for amount in free if amount) + net == 1500


def filled(ledger: KeptLedger) -> KeptLedger:
    ledger.issue("A", nok(1000), at=NOON)
    ledger.issue("B", nok(500), at=NOON, expires_at=NOON + timedelta(days=2))
    return ledger


@given(st.lists(ORDERS, max_size=30))
def test_never_more_than_was_issued_whatever_the_order_and_the_repeats(asked):
    ledger = filled(MemoryLedger())
    for order in asked:
        first = carried_out(ledger, order)
        before = [ledger.standing(payment) for payment in PAYMENTS]
        if first is not Answer.NO_SUCH_PAYMENT:
            assert carried_out(ledger, order) == first
        assert [ledger.standing(payment) for payment in PAYMENTS] == before
        money_is_kept(ledger)


@settings(max_examples=25, deadline=None)
@given(st.lists(ORDERS, max_size=25))
def test_both_ledgers_give_the_same_answers(asked):
    with database() as file, closing(open_store(file)) as store:
        ours, kept = filled(MemoryLedger()), filled(SqlLedger(store, KEYS))
        for order in asked:
            assert carried_out(ours, order) == carried_out(kept, order)
        for payment in PAYMENTS:
            by_key = {entry.key: entry for entry in ours.standing(payment)}
            assert {entry.key: entry for entry in kept.standing(payment)} == by_key
        money_is_kept(kept)
        for code in CODES:
            assert ours.balance(code) == kept.balance(code)


@pytest.mark.parametrize("seed", range(3))
def test_never_more_than_was_issued_with_several_threads(store, seed):
    from random import Random  # noqa: PLC0415 -- a test wants the same orders again

    random = Random(seed)  # noqa: S311 -- as above
    asked = [
        (random.choice([*Move]), random.choice(PAYMENTS), random.choice(CODES),
         random.randint(1, 400), random.randint(0, 9), random.randint(0, 3))
        for _ in range(120)
    ]  # fmt: skip
    ledger = filled(SqlLedger(store, KEYS))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda order: carried_out(ledger, order), [*asked, *asked]))
    money_is_kept(ledger)


def test_an_entry_is_read_from_plain_data():
    """As a ledger behind an API gets it."""
    data = {"key": "k", "move": "hold", "amount": "1.00 NOK", "answer": "done"}
    assert Entry.read(data) == Entry(key="k", move=Move.HOLD, amount=nok(100))
    with pytest.raises(InvalidInput, match="answer"):
        Entry.read({**data, "answer": "perhaps"})
