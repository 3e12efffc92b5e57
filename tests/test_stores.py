"""Our stores keep the contract, and the checks notice a store that does not."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from threading import current_thread, main_thread
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel
from tests import postgres

from checkoutflow.checkout.state import Checkout
from checkoutflow.errors import StoreConflict
from checkoutflow.stores.contract import KEEP_CONSENTS, Due
from checkoutflow.stores.memory import MemoryStore
from checkoutflow.stores.sql import SqlStore, open_store
from checkoutflow.testing import store_orders as orders
from checkoutflow.testing import store_people as people
from checkoutflow.testing import stores as checks
from checkoutflow.testing.store_samples import NOON, full_checkout
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


@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
def test_postgresql_keeps_the_contract(check):
    with ExitStack() as stack:
        check(lambda: stack.enter_context(postgres.new_store()))


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
def test_our_stores_keep_the_contract(check, maker, tmp_path):
    check(lambda: MAKERS[maker](tmp_path / "shop.db"))


def test_a_memory_store_ends_with_its_process():
    assert MemoryStore().is_ephemeral
    assert MemoryStore().key_file is None


class AnswersForNobody(MemoryStore):
    def due(self, now, limit):
        return super().due(now, limit) or [Due("co-1", {"look": now})]


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


class LeasesToEverybody(MemoryStore):
    def put_off(self, checkout_id, *, up_to, until):
        pass


class ForgetsSinceWhen(MemoryStore):
    def put_off(self, checkout_id, *, up_to, until):
        self._since.clear()
        super().put_off(checkout_id, up_to=up_to, until=until)


class RemembersWhatIsDone(MemoryStore):
    def delayed(self, now, limit):
        self._kept = getattr(self, "_kept", {}) | {
            due.checkout: due for due in super().delayed(now, limit)
        }
        return [*self._kept.values()][:limit]


class ClearsAnyTimer(MemoryStore):
    def reset_timer(self, checkout_id, kind, *, at, version, to=None):
        self._timers.pop((checkout_id, kind), None)


class ClearsTimersForMovingThem(MemoryStore):
    def reset_timer(self, checkout_id, kind, *, at, version, to=None):
        super().reset_timer(checkout_id, kind, at=at, version=version)


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
    def checkouts(self, phases, *, after="", limit=100, since=None):
        return super().checkouts(phases and (), after=after, limit=limit, since=since)


class ListsFromTheStart(MemoryStore):
    def checkouts(self, phases, *, after="", limit=100, since=None):
        return super().checkouts(phases, after=after and "", limit=limit, since=since)


class ListsWhatIsOld(MemoryStore):
    def checkouts(self, phases, *, after="", limit=100, since=None):
        return super().checkouts(phases, after=after, limit=limit, since=since and None)


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


class FindsByTheFirstDigest(MemoryStore):
    def find_people(self, kind, digests, now, *, limit=10):
        return super().find_people(kind, [*digests][:1], now, limit=limit)


class FindsWhoIsOver(MemoryStore):
    def find_people(self, kind, digests, now, *, limit=10):
        return super().find_people(kind, digests, now - timedelta(microseconds=1), limit=limit)


class FindsAnyKind(MemoryStore):
    def find_people(self, kind, digests, now, *, limit=10):
        found = set()
        for each, _ in self._found:
            found |= {*super().find_people(each, digests, now, limit=limit)}
        return sorted(found)


class KeepsTheLongestLife(MemoryStore):
    def write_person(self, change):
        kept = [
            self._found.get((row.kind, row.digest), {}).get(row.subject) for row in change.digests
        ]
        longest = [
            max(row, old or row, key=lambda it: it.expires_at)
            for row, old in zip(change.digests, kept, strict=True)
        ]
        super().write_person(replace(change, digests=tuple(longest)))


class FindsEverybody(MemoryStore):
    def find_people(self, kind, digests, now, *, limit=10):
        found = {who for digest in digests for who in self._found.get((kind, digest), ())}
        return sorted(found)


class ListsEverybodysTraces(MemoryStore):
    def traces(self, subject_id):
        return [row for person in [*self._traces] for row in super(type(self), self).traces(person)]


class FindsTenOfEach(MemoryStore):
    def find_people(self, kind, digests, now, *, limit=10):
        found: list[str] = []
        for digest in digests:
            found += super().find_people(kind, [digest], now)
        return [*dict.fromkeys(found)][:10]


class ForgetsWhoseItIs(MemoryStore):
    def commit(self, change):
        super().commit(replace(change, people=change.people[:1]))


class MixesUpChoices(MemoryStore):
    def write_person(self, change):
        if change.profile and (old := self.profile(change.subject)):
            choices = {**old.choices, **change.profile.choices}
            change = replace(change, profile=replace(change.profile, choices=choices))
        super().write_person(change)


class OrdersProofsByTime(MemoryStore):
    def consents(self, subject_id):
        return sorted(super().consents(subject_id), key=lambda row: row.at)


class KeepsOneProofAMoment(MemoryStore):
    def reads(self, subject_id):
        return [*dict.fromkeys(super().reads(subject_id))]


class DropsNoFields(MemoryStore):
    def commit(self, change):
        super().commit(replace(change, dropped=()))


class KeepsTheTraceOfADroppedField(MemoryStore):
    def _drop(self, fields):
        for person, name in fields:
            self._vault.get(person, {}).pop(name, None)


class DropsNothing(MemoryStore):
    def write_person(self, change):
        super().write_person(replace(change, dropped=()))


class ReplacesEveryTrace(MemoryStore):
    def write_person(self, change):
        super().write_person(replace(change, traces=("email", "phone") if change.traces else ()))


class AddsToTraces(MemoryStore):
    def write_person(self, change):
        super().write_person(replace(change, traces=()))


class LosesEverybodysTraces(MemoryStore):
    def write_person(self, change):
        for person, traces in self._traces.items():
            self._lose_traces(person, [trace for trace in traces if trace[0] in change.traces])
        super().write_person(change)


class WritesAboutAPersonInSteps(MemoryStore):
    def write_person(self, change):
        for name in change.dropped:
            self._vault.get(change.subject, {}).pop(name, None)
        super().write_person(change)


class KeepsWhatNobodyCanOpen(MemoryStore):
    def _check_about(self, new, vault):
        super()._check_about(new, ())


class ReplacesAPersonsKey(MemoryStore):
    def write_person(self, change):
        if change.key:
            self._subjects.pop(change.subject, None)
        super().write_person(change)


class KeepsFields(MemoryStore):
    def erase(self, erasure):
        rows = self._vault.get(erasure.subject, {})
        is_erased = super().erase(erasure)
        self._vault[erasure.subject] = rows
        return is_erased


class KeepsTraces(MemoryStore):
    def _lose_traces(self, person, traces):
        pass


class ErasesProofs(MemoryStore):
    def erase(self, erasure):
        self._reads.pop(erasure.subject, None)
        return super().erase(erasure)


class ErasesTwice(MemoryStore):
    def erase(self, erasure):
        return super().erase(erasure) or erasure.subject in self._erasures


class LooksForAKeyOnly(MemoryStore):
    def erase(self, erasure):
        return erasure.subject in self._subjects and super().erase(erasure)


class CountsItself(MemoryStore):
    def count_sightings(self, tallies, *, apart_from, most):
        return super().count_sightings(tallies, apart_from="", most=most)


class CountsTheCurrentKeyOnly(MemoryStore):
    def count_sightings(self, tallies, **options):
        cut = [replace(tally, digests=tally.digests[:1]) for tally in tallies]
        return super().count_sightings(cut, **options)


class CountsEverything(MemoryStore):
    def count_sightings(self, tallies, *, apart_from, most):
        return super().count_sightings(tallies, apart_from=apart_from, most=99)


class CountsFromTheMomentOn(MemoryStore):
    def count_sightings(self, tallies, **options):
        tick = timedelta(microseconds=1)
        wide = [replace(tally, since=tally.since - tick) for tally in tallies]
        return super().count_sightings(wide, **options)


class RemembersWhatIsSoNoMore(MemoryStore):
    def _write_order(self, change):
        super()._write_order(replace(change, unseen=()))


class SeesErasedPeople(MemoryStore):
    def erase(self, erasure):
        seen = dict(self._seen_of.get(erasure.subject, {}))
        is_erased = super().erase(erasure)
        self._seen_of[erasure.subject] = seen
        return is_erased


class AddsUpAllCurrencies(MemoryStore):
    def values(self, currency):
        return sum(self._values.values(), Counter())


class ListsWhatIsOver(MemoryStore):
    def listed(self, items, now):
        return super().listed(items, NOON)


class KeepsItOnTheFirstList(MemoryStore):
    def set_listing(self, row):
        self._listings.setdefault((row.kind, row.value), row)


class RemembersOrdersForEver(MemoryStore):
    def forget_expired(self, now, limit):
        seen = self._seen_of
        self._seen_of = {}
        done = super().forget_expired(now, limit)
        self._seen_of = seen
        return done


class CountsInFixedWindows(MemoryStore):
    def take_turn(self, limits, now):
        minute = now.replace(second=0, microsecond=0).isoformat()
        return super().take_turn([replace(it, key=f"{it.key}/{minute}") for it in limits], now)


class CountsTheRefused(MemoryStore):
    def take_turn(self, limits, now):
        is_taken = super().take_turn(limits, now)
        if not is_taken:
            super().take_turn([replace(it, most=99) for it in limits], now)
        return is_taken


class CountsWholeSeconds(MemoryStore):
    def take_turn(self, limits, now):
        return super().take_turn(limits, now.replace(microsecond=0))


class CountsOneByOne(MemoryStore):
    def take_turn(self, limits, now):
        return all(super(CountsOneByOne, self).take_turn([it], now) for it in limits)


class CountsOneKeyTwice(MemoryStore):
    def take_turn(self, limits, now):
        is_taken = super().take_turn(limits, now)
        if is_taken and len({it.key for it in limits}) < len(limits):
            super().take_turn([replace(limits[0], most=99)], now)
        return is_taken


class LooksThenCounts(MemoryStore):
    def take_turn(self, limits, now):
        is_free = all(len(self._turns.get(it.key, ())) < it.most for it in limits)
        time.sleep(0.001)
        super().take_turn([replace(it, most=99) for it in limits], now)
        return is_free


class ForgetsTooEarly(MemoryStore):
    def forget_expired(self, now, limit):
        return super().forget_expired(now + timedelta(minutes=1), limit)


class ForgetsTooLate(MemoryStore):
    def forget_expired(self, now, limit):
        return super().forget_expired(now - timedelta(microseconds=1), limit)


class KeepsReads(MemoryStore):
    def forget_expired(self, now, limit):
        reads = {person: [*rows] for person, rows in self._reads.items()}
        forgotten = super().forget_expired(now, limit)
        self._reads = reads
        return forgotten


class EndsConsentsAtOnce(MemoryStore):
    def _end_consents(self, person, end):
        super()._end_consents(person, end and end - KEEP_CONSENTS)


class EndsNoConsent(MemoryStore):
    def _end_consents(self, person, end):
        super()._end_consents(person, None)


class EndsConsentsOfWhoeverComesLater(MemoryStore):
    def _add_key(self, key):
        self._subjects[key.subject_id] = key


class KeepsEmptyKeys(MemoryStore):
    def forget_expired(self, now, limit):
        keys = {**self._subjects}
        forgotten = super().forget_expired(now, limit)
        self._subjects = keys
        return forgotten


class TakesKeysWithAnyField(MemoryStore):
    def forget_expired(self, now, limit):
        before = {person: len(rows) for person, rows in self._vault.items()}
        forgotten = super().forget_expired(now, limit)
        for person, count in before.items():
            if len(self._vault.get(person, ())) < count:
                self._subjects.pop(person, None)
        return forgotten


class ForgetsEverythingAtOnce(MemoryStore):
    def forget_expired(self, now, limit):
        return super().forget_expired(now, 99)


class ListsWhatIsReady(MemoryStore):
    def keys_to_rewrap(self, key_id, *, after, limit):
        return super().keys_to_rewrap("", after=after, limit=limit)


class BeginsEachPageAgain(MemoryStore):
    def keys_to_rewrap(self, key_id, *, after, limit):
        return super().keys_to_rewrap(key_id, after="", limit=limit)


class ReplacesAnyWrapping(MemoryStore):
    def replace_key(self, old, new):
        old = self._subjects.get(old.subject_id, old)
        return super().replace_key(old, new)


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
        (checks.a_timer_set_anew_meanwhile_is_not_cleared, ClearsAnyTimer, "another moment stays"),
        (
            checks.a_timer_set_anew_meanwhile_is_not_cleared,
            ClearsTimersForMovingThem,
            "moved to where it is asked for",
        ),
        (checks.what_is_leased_is_nobody_elses, LeasesToEverybody, "what another has"),
        (checks.what_is_put_off_is_known_since_it_was_due, ForgetsSinceWhen, "set to at first"),
        (checks.what_is_put_off_is_known_since_it_was_due, RemembersWhatIsDone, "at first"),
        (checks.a_lease_is_cleared_and_what_came_meanwhile_is_not, ClearsAnyTimer, "came since"),
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
        (checks.dropped_fields_go_with_their_traces, DropsNoFields, "a dropped field goes"),
        (checks.dropped_fields_go_with_their_traces, KeepsTheTraceOfADroppedField, "trace of its"),
        (checks.messages_wait_in_order_until_delivered, DeliversTheNewestFirst, "the order of"),
        (checks.messages_wait_in_order_until_delivered, ForgetsOtherMessages, "exactly the"),
        (checks.checkouts_are_listed_page_by_page, ListsEveryPhase, "each id once, in order"),
        (checks.checkouts_are_listed_page_by_page, ListsFromTheStart, "each id once, in order"),
        (checks.checkouts_are_listed_page_by_page, ListsWhatIsOld, "leaves out"),
        (checks.exactly_one_of_many_writers_wins, TellsTheLoserNothing, "one writer wins each"),
        (checks.exactly_one_of_many_writers_wins, IsNotForThreads, "threads share a store"),
        (checks.readers_see_whole_commits, WritesInTwoSteps, "together with its journal entry"),
        (checks.one_of_many_takers_gets_a_notice, LooksThenTakes, "to exactly one"),
        (people.a_person_is_found_by_their_traces, FindsByTheFirstDigest, "any of the digests"),
        (people.a_person_is_found_by_their_traces, FindsWhoIsOver, "until it expires"),
        (people.a_person_is_found_by_their_traces, FindsAnyKind, "this kind of trace"),
        (people.a_person_is_found_by_their_traces, KeepsTheLongestLife, "as long as it says"),
        (people.a_persons_traces_are_listed, ListsEverybodysTraces, "exactly this person's"),
        (people.at_most_ten_people_are_found, FindsEverybody, "the first ten in order"),
        (people.at_most_ten_people_are_found, FindsTenOfEach, "the first ten in order"),
        (people.a_person_has_their_checkouts, ForgetsWhoseItIs, "every checkout of exactly"),
        (people.what_is_remembered_is_replaced, MixesUpChoices, "replaces the earlier one"),
        (people.consents_and_reads_are_kept_in_order, OrdersProofsByTime, "order of writing"),
        (people.consents_and_reads_are_kept_in_order, KeepsOneProofAMoment, "every read of"),
        (people.a_change_about_a_person_is_whole, DropsNothing, "fields that are dropped go"),
        (people.a_change_about_a_person_is_whole, ReplacesEveryTrace, "and no other kind"),
        (people.a_change_about_a_person_is_whole, AddsToTraces, "replaced as a whole"),
        (people.a_change_about_a_person_is_whole, LosesEverybodysTraces, "replaced as a whole"),
        (
            people.a_refused_change_about_a_person_leaves_nothing,
            WritesAboutAPersonInSteps,
            "nothing is kept of a refused",
        ),
        (
            people.a_refused_change_about_a_person_leaves_nothing,
            ReplacesAPersonsKey,
            "has a key already",
        ),
        (
            people.a_refused_change_about_a_person_leaves_nothing,
            KeepsWhatNobodyCanOpen,
            "under a key that is not there",
        ),
        (people.an_erased_person_leaves_proofs_only, KeepsFields, "erase destroys key, fields"),
        (people.an_erased_person_leaves_proofs_only, KeepsTraces, "erase destroys key, fields"),
        (people.an_erased_person_leaves_proofs_only, ErasesProofs, "keeps checkouts and proofs"),
        (people.an_erased_person_leaves_proofs_only, ErasesTwice, "nothing to erase any more"),
        (people.an_erased_person_leaves_proofs_only, LooksForAKeyOnly, "a trace alone"),
        (people.turns_are_counted_in_a_sliding_window, CountsInFixedWindows, "taken after"),
        (people.turns_are_counted_in_a_sliding_window, CountsTheRefused, "does not count"),
        (people.turns_are_counted_in_a_sliding_window, CountsWholeSeconds, "a minute later"),
        (people.a_turn_counts_everywhere_or_nowhere, CountsOneByOne, "or for none"),
        (people.a_turn_counts_everywhere_or_nowhere, CountsOneKeyTwice, "each once"),
        (people.no_more_turns_are_taken_than_there_are, LooksThenCounts, "exactly as many"),
        (people.what_is_over_is_forgotten, ForgetsTooEarly, "before its moment"),
        (people.what_is_over_is_forgotten, ForgetsTooLate, "how much of each kind"),
        (people.what_is_over_is_forgotten, KeepsEmptyKeys, "go with the last field"),
        (people.what_is_over_is_forgotten, TakesKeysWithAnyField, "while there is a field"),
        (people.proofs_go_when_they_are_over, ForgetsTooEarly, "until their moment"),
        (people.proofs_go_when_they_are_over, KeepsReads, "reads go at their moment"),
        (people.proofs_go_when_they_are_over, EndsConsentsAtOnce, "consents stay until"),
        (people.proofs_go_when_they_are_over, EndsNoConsent, "consents go at their moment"),
        (people.proofs_go_when_they_are_over, EndsConsentsOfWhoeverComesLater, "has no end while"),
        (people.forgetting_is_bounded, ForgetsEverythingAtOnce, "at most `limit`"),
        (people.persons_keys_are_wrapped_anew, ListsWhatIsReady, "that another key opens"),
        (people.persons_keys_are_wrapped_anew, BeginsEachPageAgain, "each key once"),
        (people.persons_keys_are_wrapped_anew, ReplacesAnyWrapping, "under another key by now"),
        (orders.orders_are_counted_by_what_they_were_seen_by, CountsItself, "not of b"),
        (orders.orders_are_counted_by_what_they_were_seen_by, CountsTheCurrentKeyOnly, "'d2'"),
        (orders.orders_are_counted_by_what_they_were_seen_by, CountsFromTheMomentOn, "after"),
        (orders.counting_has_an_end, CountsEverything, "counts no further"),
        (orders.sightings_are_those_of_one_order, RemembersWhatIsSoNoMore, "is not counted"),
        (orders.an_erased_person_is_not_seen_again, SeesErasedPeople, "erase takes them all"),
        (orders.values_are_counted_in_bands, AddsUpAllCurrencies, "each band counts its own"),
        (orders.what_is_on_a_list_is_found, ListsWhatIsOver, "until it expires"),
        (orders.what_is_on_a_list_is_found, KeepsItOnTheFirstList, "the last word counts"),
        (orders.what_was_seen_is_forgotten, RemembersOrdersForEver, "at most `limit`"),
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
