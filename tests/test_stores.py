"""Our stores keep the contract, and the checks notice a store that does not."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from threading import current_thread, main_thread
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel

from checkoutflow.checkout.state import Checkout
from checkoutflow.errors import StoreConflict
from checkoutflow.stores.contract import Due
from checkoutflow.stores.memory import MemoryStore
from checkoutflow.stores.sql import SqlStore, open_store
from checkoutflow.testing import stores as checks
from checkoutflow.testing.store_samples import full_checkout
from checkoutflow.testing.stores import STORE_CHECKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from checkoutflow.stores.contract import Change, NoticeRow, Store


class SeenByAnother(SqlStore):
    """Reads every state as another process would: it remembers nothing that it wrote."""

    def load(self, checkout_id: str) -> Checkout | None:
        self._recent.clear()
        return super().load(checkout_id)


def seen_by_another(file: Path) -> Store:
    store = open_store(file)
    return SeenByAnother(store._engine, file=store._file)


MAKERS: dict[str, Callable[[Path], Store]] = {
    "memory": lambda _file: MemoryStore(),
    "sqlite": open_store,
    "sqlite, seen by another": seen_by_another,
}


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
def test_our_stores_keep_the_contract(check, maker, tmp_path):
    check(lambda: MAKERS[maker](tmp_path / "shop.db"))


def test_a_memory_store_ends_with_its_process():
    assert MemoryStore().is_ephemeral
    assert MemoryStore().key_file is None


class AnswersForNobody(MemoryStore):
    def due(self, now, limit):
        return super().due(now, limit) or [Due("co-1", frozenset({"look"}))]


class BeginsAnew(MemoryStore):
    def create(self):
        vars(self).update(vars(BeginsAnew()))


class LosesMicroseconds(MemoryStore):
    def load(self, checkout_id):
        state = super().load(checkout_id)
        return state and state.model_copy(
            update={"started_at": state.started_at.replace(microsecond=0)}
        )


class KeepsTheFirstState(MemoryStore):
    def commit(self, change):
        first = self.load(change.state.id)
        super().commit(change)
        self._checkouts[change.state.id] = first or change.state


class ReadsTheJournalByTime(MemoryStore):
    def journal(self, checkout_id):
        return sorted(super().journal(checkout_id), key=lambda entry: entry.at)


class LastWriterWins(MemoryStore):
    def commit(self, change):
        self._write(change)


class WritesBeforeItChecks(MemoryStore):
    def commit(self, change):
        for attempt in change.attempts:
            self._payments[attempt.provider, attempt.payment] = change.state.id
        super().commit(change)


class TakesAnyKey(MemoryStore):
    def commit(self, change):
        super().commit(replace(change, idempotency=None))


class TakesAnyPersonsKey(MemoryStore):
    def commit(self, change):
        for subject in change.subjects:
            self._subjects.pop(subject.subject_id, None)
        super().commit(change)


class ForgetsWhatAKeyWasFor(MemoryStore):
    def idempotent(self, key):
        row = super().idempotent(key)
        return row and replace(row, digest="")


class IgnoresTheLimit(MemoryStore):
    def due(self, now, limit):
        return super().due(now, limit + 99)


class ReplacesAllTimers(MemoryStore):
    def _write(self, change):
        if change.timers:
            self._timers.clear()
        super()._write(change)


class ClearsAnyTimer(MemoryStore):
    def clear_timer(self, checkout_id, kind, *, up_to):
        super().clear_timer(checkout_id, kind, up_to=up_to + timedelta(days=1))


class TakesEveryNotice(MemoryStore):
    def take_notice(self, notice):
        self._notices.clear()
        return super().take_notice(notice)


class KeepsNoNoticeOfAChange(MemoryStore):
    def commit(self, change):
        super().commit(replace(change, notice=None))


class TakesTheNoticeOfAChangeTwice(MemoryStore):
    def commit(self, change):
        if change.notice:
            self._notices.discard((change.notice.provider, change.notice.id))
        super().commit(change)


class KeepsTheFirstFailure(MemoryStore):
    def set_health(self, row):
        self._health.setdefault(row.provider, row)


class ForgetsToWake(MemoryStore):
    def take_notice(self, notice):
        return super().take_notice(replace(notice, checkout="another"))


class MixesUpProviders(MemoryStore):
    def find_payment(self, provider, payment_id):
        return super().find_payment(provider and "bank", payment_id)


class KeepsTheFirstField(MemoryStore):
    def commit(self, change):
        known = {row.field for row in self.person("person")[1]}
        rows = tuple(row for row in change.vault if row.field not in known)
        super().commit(replace(change, vault=rows))


class DeliversTheNewestFirst(MemoryStore):
    def messages(self, limit):
        return super().messages(limit)[::-1]


class ForgetsOtherMessages(MemoryStore):
    def delivered(self, messages):
        super().delivered([*messages, *self._outbox])


class ListsEveryPhase(MemoryStore):
    def checkouts(self, phases, *, after="", limit=100):
        return super().checkouts(phases and (), after=after, limit=limit)


class ListsFromTheStart(MemoryStore):
    def checkouts(self, phases, *, after="", limit=100):
        return super().checkouts(phases, after=after and "", limit=limit)


class TellsTheLoserNothing(MemoryStore):
    def commit(self, change: Change) -> None:
        with suppress(StoreConflict):
            super().commit(change)


class WritesInTwoSteps(MemoryStore):
    def commit(self, change: Change) -> None:
        self._checkouts[change.state.id] = change.state
        time.sleep(0.001)
        super().commit(change)


class LooksThenTakes(MemoryStore):
    def take_notice(self, notice: NoticeRow) -> bool:
        is_new = (notice.provider, notice.id) not in self._notices
        time.sleep(0.001)
        super().take_notice(notice)
        return is_new


class IsNotForThreads(MemoryStore):
    def commit(self, change: Change) -> None:
        if current_thread() is not main_thread():
            raise OSError("this connection belongs to another thread")
        super().commit(change)


class MixesUpSchemes(MemoryStore):
    def find_invoice(self, scheme, reference):
        return super().find_invoice("DK", reference) or super().find_invoice(scheme, reference)


class CountsBeforeItWrites(MemoryStore):
    def __init__(self):
        super().__init__()
        self.count = 0

    def commit_numbered(self, make):
        self.count += 1
        return super().commit_numbered(lambda _: make(self.count))


class TellsNobodyOfAConflict(MemoryStore):
    def commit_numbered(self, make):
        with suppress(StoreConflict):
            return super().commit_numbered(make)


class KeepsTheNumberOfARefusedChange(MemoryStore):
    def _check(self, change):
        for row in change.invoices:
            self._references[row.scheme, row.reference] = row.checkout
        super()._check(change)


class TakesANumberAgain(MemoryStore):
    def _check(self, change):
        super()._check(replace(change, invoices=()))


class CountsRows(MemoryStore):
    def commit_numbered(self, make):
        change = make(len(self._invoices) + 1)
        self.commit(change)
        return change


class NumbersBeforeItLocks(MemoryStore):
    def commit_numbered(self, make):
        number = max(self._invoices, default=0) + 1
        time.sleep(0.001)
        change = make(number)
        self.commit(change)
        return change


@pytest.mark.parametrize(
    ("check", "wrong", "lesson"),
    [
        (checks.an_empty_store_knows_nothing, AnswersForNobody, "answers with nothing: due"),
        (checks.creating_again_changes_nothing, BeginsAnew, "leaves what is in the tables"),
        (checks.a_checkout_comes_back_exactly, LosesMicroseconds, "gives back what was committed"),
        (checks.a_checkout_comes_back_exactly, KeepsTheFirstState, "the last state"),
        (checks.the_journal_replays_in_order_without_gaps, ReadsTheJournalByTime, "by version"),
        (checks.a_stale_change_is_refused_whole, LastWriterWins, "the checkout exists already"),
        (checks.a_stale_change_is_refused_whole, WritesBeforeItChecks, "refused change: find_pay"),
        (checks.a_used_key_refuses_the_whole_change, TakesAnyKey, "key was used before"),
        (checks.a_known_person_keeps_their_key, TakesAnyPersonsKey, "the person has a key"),
        (checks.a_key_tells_what_it_was_used_for, ForgetsWhatAKeyWasFor, "exactly this key"),
        (checks.timers_come_due_in_order, IgnoresTheLimit, "at most `limit` checkouts"),
        (checks.a_commit_sets_moves_and_removes_timers, ReplacesAllTimers, "leaves alone"),
        (checks.a_timer_set_later_meanwhile_is_not_cleared, ClearsAnyTimer, "later than `up_to`"),
        (checks.a_notice_acts_once, TakesEveryNotice, "is not taken again"),
        (checks.a_notice_acts_once, ForgetsToWake, "makes its checkout due"),
        (checks.a_provider_that_fails_is_known_to_all, KeepsTheFirstFailure, "replaces it"),
        (
            checks.a_notice_taken_in_with_a_change_counts_once,
            KeepsNoNoticeOfAChange,
            "kept with it",
        ),
        (
            checks.a_notice_taken_in_with_a_change_counts_once,
            TakesTheNoticeOfAChangeTwice,
            "must raise StoreConflict",
        ),
        (checks.a_payment_finds_its_checkout, MixesUpProviders, "each at its own provider"),
        (checks.an_invoice_is_found_by_its_reference, MixesUpSchemes, "of its own scheme"),
        (checks.numbers_follow_each_other_without_a_gap, CountsBeforeItWrites, "next number"),
        (
            checks.numbers_follow_each_other_without_a_gap,
            KeepsTheNumberOfARefusedChange,
            "nothing is kept of a refused change",
        ),
        (checks.numbers_follow_each_other_without_a_gap, TellsNobodyOfAConflict, "must raise the"),
        (checks.numbers_follow_each_other_without_a_gap, CountsRows, "after the highest"),
        (checks.numbers_follow_each_other_without_a_gap, TakesANumberAgain, "number was taken"),
        (checks.many_writers_number_one_series, NumbersBeforeItLocks, "its only refusal"),
        (checks.a_persons_fields_are_kept_by_name, KeepsTheFirstField, "replaces the earlier one"),
        (checks.messages_wait_in_order_until_delivered, DeliversTheNewestFirst, "the order of"),
        (checks.messages_wait_in_order_until_delivered, ForgetsOtherMessages, "exactly the"),
        (checks.checkouts_are_listed_page_by_page, ListsEveryPhase, "each id once, in order"),
        (checks.checkouts_are_listed_page_by_page, ListsFromTheStart, "each id once, in order"),
        (checks.exactly_one_of_many_writers_wins, TellsTheLoserNothing, "one writer wins each"),
        (checks.exactly_one_of_many_writers_wins, IsNotForThreads, "threads share a store"),
        (checks.readers_see_whole_commits, WritesInTwoSteps, "together with its journal entry"),
        (checks.one_of_many_takers_gets_a_notice, LooksThenTakes, "to exactly one"),
    ],
)
def test_a_check_notices_a_store_that_breaks_the_contract(check, wrong, lesson):
    with pytest.raises(AssertionError, match=lesson):
        check(wrong)


def models_in(value: object) -> Iterator[BaseModel]:
    """Give every model inside a value, itself included."""
    if isinstance(value, BaseModel):
        yield value
        for name in type(value).model_fields:
            yield from models_in(getattr(value, name))
    elif isinstance(value, tuple):
        for item in value:
            yield from models_in(item)


def test_the_full_checkout_has_something_in_every_field_of_every_model():
    filled: dict[str, set[str]] = {}
    fields: dict[str, set[str]] = {}
    for model in models_in(full_checkout()):
        kind = type(model)
        fields[kind.__name__] = kind.model_fields.keys() - {"kind"}  # has only one value
        filled.setdefault(kind.__name__, set()).update(
            name
            for name, field in kind.model_fields.items()
            if field.is_required() or getattr(model, name) != field.default
        )
    assert {
        name: fields[name] - filled[name] for name in fields if fields[name] - filled[name]
    } == {}
    definitions = Checkout.model_json_schema(mode="serialization")["$defs"]
    objects = {name for name, part in definitions.items() if part["type"] == "object"}
    assert objects - {"Money"} == fields.keys() - {"Checkout"}
