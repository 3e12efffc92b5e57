"""Checks that hold a store, ours or anyone's, to the page in ``stores/contract.py``.

Each is a plain function that takes a maker of new, empty stores:

```python
@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
def test_my_store_keeps_the_contract(check, tmp_path):
    check(lambda: MyStore(tmp_path / "shop.db"))
```

A check creates the tables and closes the store itself. What fails raises ``AssertionError``, whose
text says what the flow relies on. ``store_samples`` has the checkouts that go in, and
``store_people`` the checks of what is kept of people.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Final

from checkoutflow.checkout.machine import Phase
from checkoutflow.errors import InvalidInput, StoreConflict
from checkoutflow.privacy.vault import SubjectKey, VaultRow
from checkoutflow.stores.contract import (
    Due,
    HealthRow,
    IdempotencyRow,
    InvoiceRow,
    JournalEntry,
    Message,
    NoticeRow,
    ProfileRow,
)
from checkoutflow.testing.holding import (
    ROUNDS,
    WORKERS,
    holds,
    opened,
    refuses,
    same,
    together,
)
from checkoutflow.testing.store_orders import ORDER_CHECKS
from checkoutflow.testing.store_people import PEOPLE_CHECKS
from checkoutflow.testing.store_samples import (
    NOON,
    at,
    full_checkout,
    full_events,
    sample_attempt,
    sample_change,
    sample_checkout,
    sample_consent,
    sample_field,
    sample_key,
    sample_read,
    sample_sighting,
    sample_trace,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from threading import Barrier

    from checkoutflow.stores.contract import Change, Store
    from checkoutflow.testing.holding import MakeStore, StoreCheck

_LOOKS: Final = 20


def an_empty_store_knows_nothing(make_store: MakeStore) -> None:
    """Unknown ids are answered, with nothing; they are no errors."""
    with opened(make_store) as store:
        _unchanged(store, _EMPTY, "an empty store answers with nothing")
        _knows_nothing_of(store, "", "an empty store answers with nothing")


def creating_again_changes_nothing(make_store: MakeStore) -> None:
    """``create`` runs whenever a shop starts, so on tables that are full it must do nothing."""
    with opened(make_store) as store:
        store.commit(_everything())
        before = _answers(store)
        store.create()
        _unchanged(store, before, "create() leaves what is in the tables")


def a_checkout_comes_back_exactly(make_store: MakeStore) -> None:
    """Every field, to the minor unit and the microsecond: replaying the journal is compared."""
    with opened(make_store) as store:
        state = full_checkout()
        store.commit(sample_change(state))
        for again in ("just after it was written", "when it is asked for again"):
            same(store.load(state.id), state, f"load gives back what was committed, {again}")
        later = state.model_copy(update={"version": 2, "phase": Phase.CONFIRMED, "payments": ()})
        store.commit(sample_change(later))
        same(store.load(state.id), later, "load gives the last state that was committed")


def the_journal_replays_in_order_without_gaps(make_store: MakeStore) -> None:
    """The journal is the truth that the state is made of: one entry a commit, oldest first."""
    with opened(make_store) as store:
        changes = [
            sample_change(full_checkout().model_copy(update={"version": version}), command=command)
            for version, command in enumerate(("start", "provide", "", "place") * 3, start=1)
        ]
        # Times may stand still or go back, on another machine; versions do not.
        changes[4] = replace(changes[4], at=at(-5), events=full_events())
        changes[5] = replace(changes[5], events=())
        for change in changes:
            store.commit(change)
            store.commit(sample_change(sample_checkout("co-other", change.state.version)))
        same(
            list(store.journal("co-full")),
            [
                JournalEntry(change.state.version, change.at, change.command, change.events)
                for change in changes
            ],
            "journal gives every commit of this checkout and of no other, by version",
        )
        for entry in store.journal("co-full"):
            holds(entry.at.utcoffset() == timedelta(0), "times come back in UTC")


def a_stale_change_is_refused_whole(make_store: MakeStore) -> None:
    """Of two writers that read the same version one loses, and nothing of its change is kept."""
    with opened(make_store) as store:
        store.commit(_everything())
        store.commit(sample_change(sample_checkout(version=2)))
        before = _answers(store)
        for version, why in {
            1: "the checkout exists already",
            2: "somebody else wrote this version",
            4: "it skips a version",
            0: "the first version is 1",
        }.items():
            refuses(store.commit, _everything(version, "loser"), why)
            _unchanged(store, before, "nothing is kept of a refused change")
            _knows_nothing_of(store, "loser", "nothing is kept of a refused change")
        refuses(store.commit, sample_change(sample_checkout("co-new", 2)), "nobody wrote version 1")
        same(store.load("co-new"), None, "a refused change makes no checkout")


def a_used_key_refuses_the_whole_change(make_store: MakeStore) -> None:
    """A repeated call finds the first one's answer; were it half done again, money could move."""
    with opened(make_store) as store:
        store.commit(_everything())
        before = _answers(store)
        again = IdempotencyRow("key of one", "another digest", "co-2")
        change = replace(_everything(2, "loser"), idempotency=again)
        refuses(store.commit, change, "its idempotency key was used before")
        change = sample_change(sample_checkout("co-2"), idempotency=again)
        refuses(store.commit, change, "its idempotency key was used for another checkout")
        _unchanged(store, before, "nothing is kept of a change whose key was used")
        _knows_nothing_of(store, "loser", "nothing is kept of a change whose key was used")
        same(store.load("co-2"), None, "a refused change makes no checkout")


def a_known_person_keeps_their_key(make_store: MakeStore) -> None:
    """A second key for a person would make unreadable what is sealed under the first."""
    with opened(make_store) as store:
        store.commit(_everything())
        before = _answers(store)
        another = SubjectKey("person of one", b"another", "shop-key")
        change = sample_change(sample_checkout("co-2"), subjects=(another,))
        refuses(store.commit, change, "the person has a key already")
        _unchanged(store, before, "the person's first key stays")
        same(store.load("co-2"), None, "nothing is kept of the refused change")


def a_key_tells_what_it_was_used_for(make_store: MakeStore) -> None:
    """The digest comes back too: the same key with other content is the shop's mistake."""
    with opened(make_store) as store:
        rows = [IdempotencyRow(f"key {n}", f"{n:064x}", f"co-{n}") for n in range(3)]
        for row in rows:
            store.commit(sample_change(sample_checkout(row.checkout), idempotency=row))
        for row in rows:
            same(store.idempotent(row.key), row, "idempotent gives the row of exactly this key")
        same(store.idempotent("key"), None, "a part of a key is another key")


def timers_come_due_in_order(make_store: MakeStore) -> None:
    """Whoever waited longest goes first, each checkout once, with the timers that are due."""
    with opened(make_store) as store:
        for name, timers in {
            "co-a": {"expiry": at(30), "look": at(20)},
            "co-b": {"look": at(10), "review": at(15), "remind": at(99)},
            "co-c": {"expiry": at(40)},
        }.items():
            store.commit(sample_change(sample_checkout(name), timers=timers))
        a, b, c = "co-a", "co-b", "co-c"
        both = Due(b, {"look": at(10), "review": at(15)})
        late = Due(a, {"look": at(20), "expiry": at(30)})
        for now, limit, expected in (
            (at(10) - timedelta(microseconds=1), 9, []),
            (at(10), 9, [Due(b, {"look": at(10)})]),
            (at(20), 9, [both, Due(a, {"look": at(20)})]),
            (at(40), 9, [both, late, Due(c, {"expiry": at(40)})]),
            (at(40), 2, [both, late]),
            (at(40), 1, [both]),
        ):
            same(
                list(store.due(now, limit)),
                expected,
                "due gives at most `limit` checkouts, the longest overdue first, each with all of"
                " its timers at or before `now`, and what they are set to, and no other",
            )
        elsewhere = at(10).astimezone(timezone(timedelta(hours=2)))
        same(len(store.due(elsewhere, 9)), 1, "a moment is the same moment in any time zone")


def what_is_leased_is_nobody_elses(make_store: MakeStore) -> None:
    """Of two workers each has other checkouts, and what one leaves behind is due again."""
    with opened(make_store) as store:
        for name, timers in {
            "co-a": {"expiry": at(30), "look": at(20)},
            "co-b": {"look": at(10), "remind": at(99)},
            "co-c": {"expiry": at(25)},
        }.items():
            store.commit(sample_change(sample_checkout(name), timers=timers))
        same(store.next_due(), at(10), "next_due is when the first timer is due, be it past")
        both = store.lease_due(at(30), 2, at(90))
        same(
            list(both),
            [
                Due("co-b", {"look": at(10)}, at(90)),
                Due("co-a", {"expiry": at(30), "look": at(20)}, at(90)),
            ],
            "lease_due gives at most `limit` checkouts as due does, each with its lease",
        )
        same(
            [due.checkout for due in store.lease_due(at(30), 9, at(90))],
            ["co-c"],
            "nobody is given what another has",
        )
        same(list(store.due(at(89), 9)), [], "and it is not due before the lease is over")
        same(
            dict(store.timers("co-b")),
            {"look": at(90), "remind": at(99)},
            "timers gives each with its time; a lease moves those that were due, and no other",
        )
        same(
            [due.checkout for due in store.lease_due(at(90), 9, at(99))],
            ["co-a", "co-b", "co-c"],
            "what came to nothing is due again",
        )


def what_is_put_off_is_known_since_it_was_due(make_store: MakeStore) -> None:
    """Work that fails and fails is put off every time; whoever looks must see since when."""
    with opened(make_store) as store:
        for name, timers in {
            "co-a": {"expiry": at(20), "look": at(30), "remind": at(99)},
            "co-b": {"look": at(10)},
            "co-c": {"look": at(40)},
        }.items():
            store.commit(sample_change(sample_checkout(name), timers=timers))
        same(list(store.delayed(at(99), 9)), [], "delayed gives nothing that nobody put off")
        store.lease_due(at(30), 1, at(50))
        store.put_off("co-b", up_to=at(50), until=at(60))
        store.put_off("co-a", up_to=at(30), until=at(70))
        other, one = Due("co-b", {"look": at(10)}, at(60)), {"expiry": at(20), "look": at(30)}
        for now, limit, expected in (
            (at(30), 9, [other, Due("co-a", one, at(70))]),
            (at(20), 9, [other, Due("co-a", {"expiry": at(20)}, at(70))]),
            (at(30), 1, [other]),
            (at(9), 9, []),
        ):
            told = (
                "delayed gives what a lease or put_off moved with what it was set to at first, the"
                " longest overdue of at most `limit` timers first, and what it is set to now"
            )
            same(list(store.delayed(now, limit)), expected, told)
        store.reset_timer("co-b", "look", at=at(60), version=1, to=at(65))
        store.reset_timer("co-a", "look", at=at(70), version=1)
        same(
            list(store.delayed(at(99), 9)),
            [Due("co-a", {"expiry": at(20)}, at(70))],
            "a timer that reset_timer moves or removes is put off no more",
        )
        store.put_off("co-b", up_to=at(65), until=at(80))
        store.commit(sample_change(sample_checkout("co-b", version=2), timers={"look": at(90)}))
        store.commit(sample_change(sample_checkout("co-a", version=2), timers={"expiry": None}))
        same(list(store.delayed(at(99), 9)), [], "nor is one that a commit sets or removes")
        store.put_off("co-b", up_to=at(90), until=at(95))
        store.commit(sample_change(sample_checkout("co-b", version=3), timers={"look": None}))
        store.commit(sample_change(sample_checkout("co-b", version=4), timers={"look": at(97)}))
        same(list(store.delayed(at(99), 9)), [], "nor one that was removed and is set again")


def a_lease_is_cleared_and_what_came_meanwhile_is_not(make_store: MakeStore) -> None:
    """A notice that comes while its checkout is looked at must be looked at once more."""
    with opened(make_store) as store:
        holds(store.next_due() is None, "next_due says None where there is no timer")
        store.commit(sample_change(timers={"notice": at(1), "look": at(1), "remind": at(50)}))
        store.lease_due(at(5), 9, at(40))
        holds(store.take_notice(NoticeRow("bank", "n-1", "co-1", "captured", at(6))), "it is new")
        for kind in ("notice", "look"):
            store.reset_timer("co-1", kind, at=at(40), version=1)
        same(
            dict(store.timers("co-1")),
            {"notice": at(6), "remind": at(50)},
            "a timer that a lease has moved goes, and what came since stays",
        )
        store.put_off("co-1", up_to=at(49), until=at(60))
        store.put_off("nobody", up_to=at(49), until=at(60))
        same(
            dict(store.timers("co-1")),
            {"notice": at(60), "remind": at(50)},
            "put_off moves a timer at or before `up_to`, and no other",
        )


def reviews_wait_in_order(make_store: MakeStore) -> None:
    """The queue of orders that wait for a person, the most urgent first."""
    with opened(make_store) as store:
        for name, timers in {
            "co-a": {"review": at(30), "look": at(1)},
            "co-b": {"review": at(20)},
            "co-c": {"expiry": at(10)},
            "co-d": {"review": at(20)},
        }.items():
            store.commit(sample_change(sample_checkout(name), timers=timers))
        told = "waiting gives checkouts with a timer `review`, the earliest first, and no others"
        same(list(store.waiting()), ["co-b", "co-d", "co-a"], told)
        same(list(store.waiting(limit=2)), ["co-b", "co-d"], "at most `limit` of them")
        store.reset_timer("co-b", "review", at=at(20), version=1)
        same(list(store.waiting()), ["co-d", "co-a"], told)


def the_latest_come_first(make_store: MakeStore) -> None:
    """What happened last is found without reading what happened before."""
    with opened(make_store) as store:
        same(list(store.latest("place", limit=9, among=9)), [], "nothing has happened yet")
        for name, version, command in (
            ("co-b", 1, "place"),
            ("co-c", 1, "start"),
            ("co-a", 1, "place"),
            ("co-b", 2, "place"),
            ("co-c", 2, "place"),
        ):
            store.commit(sample_change(sample_checkout(name, version=version), command=command))
        for limit, among, expected in (
            (9, 9, ["co-c", "co-b", "co-a"]),
            (2, 9, ["co-c", "co-b"]),
            (9, 2, ["co-c", "co-b"]),
            (9, 1, ["co-c"]),
        ):
            told = "latest gives each checkout once, the last entries of the journal first"
            same(list(store.latest("place", limit=limit, among=among)), expected, told)
        same(list(store.latest("start", limit=9, among=9)), ["co-c"], "latest is of one command")


def a_commit_sets_moves_and_removes_timers(make_store: MakeStore) -> None:
    """A timer that stays when it should go wakes us for nothing; one that is lost never does."""
    with opened(make_store) as store:
        store.commit(sample_change(timers={"expiry": at(1), "look": at(1), "review": at(1)}))
        store.commit(
            sample_change(
                sample_checkout(version=2),
                timers={"expiry": at(5), "look": None, "remind": None},
            )
        )
        for now, timers, lesson in (
            (at(1), {"review": at(1)}, "a commit leaves alone the timers that it does not name"),
            (
                at(5),
                {"review": at(1), "expiry": at(5)},
                "a commit moves a timer that is set, and None removes it",
            ),
        ):
            same(list(store.due(now, 9)), [Due("co-1", timers)], lesson)


def a_timer_set_anew_meanwhile_is_not_cleared(make_store: MakeStore) -> None:
    """What came while the work was done must not be cleared with it: it would be lost.

    Whoever set it anew may have a clock that is behind ours, so that its time is an earlier one.
    """
    with opened(make_store) as store:
        store.commit(sample_change(timers={"notice": at(5), "expiry": at(1)}))
        both = Due("co-1", {"expiry": at(1), "notice": at(5)})
        for other in (at(5) - timedelta(microseconds=1), at(5) + timedelta(microseconds=1)):
            store.reset_timer("co-1", "notice", at=other, version=1)
            same(list(store.due(at(5), 9)), [both], "a timer set to another moment stays")
        store.reset_timer("co-1", "notice", at=at(5), version=2)
        same(list(store.due(at(5), 9)), [both], "a timer of a checkout at another version stays")
        store.reset_timer("co-1", "notice", at=at(5), version=1)
        one = Due("co-1", {"expiry": at(1)})
        same(list(store.due(at(5), 9)), [one], "a timer set to this moment goes, and no other")
        store.reset_timer("co-1", "notice", at=at(5), version=1)
        store.reset_timer("nobody", "notice", at=at(5), version=1)
        same(list(store.due(at(5), 9)), [one], "clearing a timer that is not set does nothing")
        store.reset_timer("co-1", "expiry", at=at(2), version=1, to=at(9))
        same(list(store.due(at(5), 9)), [one], "nor is one moved that is set to another moment")
        store.reset_timer("co-1", "expiry", at=at(1), version=1, to=at(9))
        same(store.timers("co-1"), {"expiry": at(9)}, "a timer is moved to where it is asked for")
        store.reset_timer("co-1", "notice", at=at(5), version=1, to=at(9))
        same(store.timers("co-1"), {"expiry": at(9)}, "moving a timer that is not set does nothing")


def a_notice_acts_once(make_store: MakeStore) -> None:
    """Providers send the same notice again, at once or days later."""
    with opened(make_store) as store:
        store.commit(sample_change(timers={"look": at(2)}))
        notice = NoticeRow("bank", "n-1", "co-1", "captured", at(3))
        holds(store.take_notice(notice), "the first take_notice of a notice says True")
        due = [Due("co-1", {"look": at(2), "notice": at(3)})]
        same(list(store.due(at(3), 9)), due, "a new notice makes its checkout due at once")
        store.reset_timer("co-1", "notice", at=at(3), version=1)
        again = replace(notice, kind="refunded", received_at=at(4))
        holds(not store.take_notice(again), "a notice with a known id is not taken again")
        due = [Due("co-1", {"look": at(2)})]
        same(list(store.due(at(9), 9)), due, "a notice that was taken before wakes nobody")
        holds(store.take_notice(replace(notice, provider="wallet")), "ids are each provider's own")
        holds(store.take_notice(replace(notice, id="n-2")), "another notice is taken")
        holds(store.take_notice(replace(notice, id="n-3", received_at=at(8))), "and one more")
        store.reset_timer("co-1", "notice", at=at(3), version=1)
        due = [Due("co-1", {"look": at(2), "notice": at(8)})]
        same(list(store.due(at(8), 9)), due, "a later notice moves the timer to its own time")


def a_notice_taken_in_with_a_change_counts_once(make_store: MakeStore) -> None:
    """What a notice proves is written together with the notice, or not at all."""
    with opened(make_store) as store:
        notice = NoticeRow("bank", "n-1", "co-1", "captured", at(3))
        holds(not store.has_notice("bank", "n-1"), "has_notice says False of what never came")
        store.commit(sample_change(notice=notice))
        holds(store.has_notice("bank", "n-1"), "a notice in a change is kept with it")
        holds(not store.has_notice("wallet", "n-1"), "ids are each provider's own")
        holds(not store.has_notice("bank", "n-2"), "has_notice is about exactly this notice")
        holds(not store.take_notice(notice), "it is known to take_notice as well")
        before = _answers(store)
        refuses(
            store.commit,
            sample_change(sample_checkout(version=2), notice=notice),
            "the notice was kept before",
        )
        _unchanged(store, before, "a notice that was kept before refuses the whole change")
        store.take_notice(replace(notice, id="n-2"))
        holds(store.has_notice("bank", "n-2"), "one kept by take_notice is known as well")


def a_provider_that_fails_is_known_to_all(make_store: MakeStore) -> None:
    """Every process over one store sees the same, until the provider answers again."""
    with opened(make_store) as store:
        same(store.health("bank"), None, "nothing is known of a provider that has not failed")
        first = HealthRow("bank", 1, at(1))
        store.set_health(first)
        same(store.health("bank"), first, "health gives back what was kept")
        down = HealthRow("bank", 5, at(2), at(3))
        store.set_health(down)
        store.set_health(HealthRow("wallet", 2, at(2)))
        same(store.health("bank"), down, "what is kept later replaces it")
        store.clear_health("bank")
        same(store.health("bank"), None, "clear_health forgets it")
        holds(store.health("wallet") is not None, "each provider has a row of its own")
        store.clear_health("bank")


def a_payment_finds_its_checkout(make_store: MakeStore) -> None:
    """A notice names a payment; two providers may use the same name."""
    with opened(make_store) as store:
        for checkout, provider in (("co-1", "bank"), ("co-2", "wallet")):
            attempts = (
                sample_attempt("pay", provider),
                sample_attempt("pay", provider, id="second", sends=2),
                sample_attempt(f"pay of {checkout}", provider),
            )
            store.commit(sample_change(sample_checkout(checkout), attempts=attempts))
        # The same attempts again, changed: they are replaced.
        changed = (sample_attempt("pay", "bank", sends=7),)
        store.commit(sample_change(sample_checkout(version=2), attempts=changed))
        for provider, payment, found in (
            ("bank", "pay", "co-1"),
            ("wallet", "pay", "co-2"),
            ("bank", "pay of co-1", "co-1"),
            ("wallet", "pay of co-1", None),
            ("bank", "other", None),
        ):
            same(
                store.find_payment(provider, payment),
                found,
                "find_payment knows every attempt's payment, each at its own provider",
            )


def an_invoice_is_found_by_its_reference(make_store: MakeStore) -> None:
    """A bank's file names a reference; another scheme may make the same one of another number."""
    with opened(make_store) as store:
        _number(store, "co-1", "DK", "417")
        _number(store, "co-2", "SE", "417")
        _number(store, "co-3", "", "3")
        _number(store, "co-3", "", None, version=2)
        for scheme, reference, found in (
            ("DK", "417", "co-1"),
            ("SE", "417", "co-2"),
            ("", "3", "co-3"),
            ("", "417", None),
            ("DK", "41", None),
            ("", "", None),
        ):
            same(
                store.find_invoice(scheme, reference),
                found,
                "find_invoice knows exactly the references that were kept, each of its own scheme",
            )


def numbers_follow_each_other_without_a_gap(make_store: MakeStore) -> None:
    """Invoices are one series; a number whose change was not written is the next one again."""
    with opened(make_store) as store:
        same(_number(store, "co-1", "DK", "1"), 1, "the first number is 1")
        same(_number(store, "co-2", "DK", "2"), 2, "the next is one higher, in any checkout")
        offered: list[int] = []

        def stale(number: int) -> Change:
            offered.append(number)
            row = InvoiceRow(number, "co-1", "DK", "stale")
            return sample_change(sample_checkout("co-1"), invoices=(row,))

        def broken(number: int) -> Change:
            offered.append(number)
            raise InvalidInput("cannot be made", field="number")

        for make, error in ((stale, StoreConflict), (broken, InvalidInput)):
            try:
                store.commit_numbered(make)
            except error:
                continue
            raise AssertionError(f"commit_numbered must raise the {error.__name__} of its change")
        same(offered, [3, 3], "each change is made once, of the next number")
        same(store.find_invoice("DK", "stale"), None, "nothing is kept of a refused change")
        same(_number(store, "co-3", "DK", "3"), 3, "a refused change leaves its number free")

        def several(number: int) -> Change:
            later = InvoiceRow(number + 10, "co-4", "DK", "14")
            return sample_change(
                sample_checkout("co-4"), invoices=(later, InvoiceRow(number + 11, "co-4"))
            )

        state = store.commit_numbered(several).state
        same(state, store.load("co-4"), "commit_numbered gives back what it wrote")
        same(_number(store, "co-5", "DK", "16"), 16, "the series goes on after the highest")
        again = sample_change(sample_checkout("co-6"), invoices=(InvoiceRow(15, "co-6"),))
        refuses(store.commit, again, "the number was taken before")
        same(store.load("co-6"), None, "a refused change makes no checkout")


def many_writers_number_one_series(make_store: MakeStore) -> None:
    """All checkouts share one series, and their writers do not know of each other."""
    with opened(make_store) as store:
        taken: list[int] = []

        def work(name: str, meet: Barrier) -> None:
            for version in range(1, ROUNDS + 1):
                meet.wait()
                taken.append(_number(store, name, "DK", f"{name}, {version}", version=version))

        together(work)
        wanted = list(range(1, WORKERS * ROUNDS + 1))
        same(sorted(taken), wanted, "each number of the series is given once, and none is left out")


def a_persons_fields_are_kept_by_name(make_store: MakeStore) -> None:
    """The newest value of each field, byte for byte, with its purposes and its expiry."""
    with opened(make_store) as store:
        key = SubjectKey("person", bytes(range(256)), "shop-key")
        email = VaultRow("person", "email", b"\x00\xffsealed", ("invoice", "deliver"), at(60))
        city = VaultRow("person", "city", b"", (), at(90))
        other = VaultRow("other", "email", b"other", ("deliver",), at(60))
        store.commit(sample_change(subjects=(key,), vault=(email, city)))
        changed = replace(email, ciphertext=b"newer", purposes=("deliver",), expires_at=at(99))
        other_key = replace(key, subject_id="other")
        store.commit(
            sample_change(sample_checkout(version=2), subjects=(other_key,), vault=(changed, other))
        )
        found, rows = store.person("person")
        same(found, key, "the wrapped key comes back byte for byte")
        same(
            {row.field: row for row in rows},
            {"email": changed, "city": city},
            "a later row of a field replaces the earlier one, and the other fields stay",
        )
        same(len(rows), 2, "each field is there once")
        same(store.person("other"), (other_key, (other,)), "each person has rows of their own")


def dropped_fields_go_with_their_traces(make_store: MakeStore) -> None:
    """What nothing needs any more goes in the commit that says so, and finds nobody either."""
    with opened(make_store) as store:
        people = ("one", "two")
        rows = tuple(sample_field(it, name) for it in people for name in ("email", "phone"))
        traces = tuple(sample_trace(it, "d", kind) for it in people for kind in ("email", "phone"))
        keys = tuple(SubjectKey(name, bytes(32), "shop-key") for name in people)
        store.commit(sample_change(subjects=keys, vault=rows, digests=traces))
        dropped = (("one", "phone"), ("nobody", "phone"))
        store.commit(sample_change(sample_checkout(version=2), dropped=dropped))
        same(
            [row.field for name in people for row in store.person(name)[1]],
            ["email", "email", "phone"],
            "a dropped field goes, and nothing else does",
        )
        found = [list(store.find_people(kind, ["d"], NOON)) for kind in ("email", "phone")]
        same(found, [["one", "two"], ["two"]], "with a field goes the trace of its kind")


def messages_wait_in_order_until_delivered(make_store: MakeStore) -> None:
    """The shop is told everything at least once, in order; what it has taken is forgotten."""
    with opened(make_store) as store:
        store.commit(sample_change(sample_checkout("co-b"), at=at(1), messages=("held", "called")))
        store.commit(sample_change(sample_checkout("co-a"), at=at(2), messages=("confirmed",)))
        store.commit(sample_change(sample_checkout("co-b", 2), at=at(3), messages=("held",)))
        waiting = [
            Message("co-b", 1, "held"),
            Message("co-b", 1, "called"),
            Message("co-a", 1, "confirmed"),
            Message("co-b", 2, "held"),
        ]
        same(list(store.messages(9)), waiting, "messages come in the order of their commits")
        same(list(store.messages(2)), waiting[:2], "at most `limit`, the oldest first")
        store.delivered(waiting[1:3])
        left = [waiting[0], waiting[3]]
        same(list(store.messages(9)), left, "exactly the messages that were delivered are gone")
        store.delivered([*waiting[1:3], Message("nobody", 1, "held")])
        store.delivered([])
        same(list(store.messages(9)), left, "delivering again, or nothing, changes nothing")


def checkouts_are_listed_page_by_page(make_store: MakeStore) -> None:
    """Every checkout is on exactly one page, however many there are and whatever their phase."""
    with opened(make_store) as store:
        ids = [f"co-{n:02}" for n in range(12)]
        collecting, held, confirmed = ids[0::3], ids[1::3], ids[2::3]
        for name in reversed(ids):
            phase = Phase.HELD if name in held else Phase.CONFIRMED
            phase = Phase.COLLECTING if name in collecting else phase
            store.commit(sample_change(sample_checkout(name, phase=phase)))
        store.commit(sample_change(sample_checkout(collecting.pop(), 2, phase=Phase.EXPIRED)))
        for asked, expected in (
            ((), ids),
            ((Phase.HELD,), held),
            ((Phase.COLLECTING,), collecting),
            (("held", "confirmed", "rejected"), sorted(held + confirmed)),
            ((Phase.REJECTED,), []),
        ):
            listed: list[str] = []
            for limit in (3, 1, 2, 5, 99):
                after = listed[-1] if listed else ""
                page = store.checkouts(asked, after=after, limit=limit)
                holds(len(page) <= limit, "a page has at most `limit` ids")
                listed += page
            same(listed, expected, "following pages by `after` gives each id once, in order")
        same(len(store.checkouts(())), 12, "without a limit a page holds up to 100")
        later = sample_change(sample_checkout(held[0], 2, phase=Phase.HELD), at=at(60))
        store.commit(later)
        for phases in ((), ("held", "confirmed")):
            found = store.checkouts(phases, since=at(60))
            same(list(found), held[:1], "`since` leaves out what nothing was written about")


def exactly_one_of_many_writers_wins(make_store: MakeStore) -> None:
    """Version by version, one thread's change is kept whole and the others hear of a conflict."""
    with opened(make_store) as store:
        wins: list[tuple[int, str]] = []

        def work(name: str, meet: Barrier) -> None:
            for version in range(1, ROUNDS + 1):
                state = sample_checkout(version=version, method=name)
                change = sample_change(state, command=name, messages=("said",))
                meet.wait()
                with suppress(StoreConflict):
                    store.commit(change)
                    wins.append((version, name))

        together(work)
        numbers = list(range(1, ROUNDS + 1))
        same(sorted(version for version, _ in wins), numbers, "one writer wins each version")
        entries = store.journal("co-1")
        same(
            [(entry.version, entry.command) for entry in entries],
            sorted(wins),
            "the journal has the change of each writer that was told it had won, and no other",
        )
        state = store.load("co-1")
        same(state and state.method, entries[-1].command, "the state is the last winner's")
        same(len(store.messages(99)), ROUNDS, "a loser's messages are not kept")


def readers_see_whole_commits(make_store: MakeStore) -> None:
    """Somebody who reads while another writes sees the state before or after, never between."""
    with opened(make_store) as store:
        wrong: list[str] = []

        def work(name: str, meet: Barrier) -> None:
            for version in range(1, ROUNDS + 1):
                meet.wait()
                if name == "worker 0":
                    store.commit(sample_change(sample_checkout(version=version)))
                    continue
                for _ in range(_LOOKS):
                    before = _version(store)
                    entries = len(store.journal("co-1"))
                    after = _version(store)
                    if not before <= entries <= after:
                        wrong.append(f"version {before}, {entries} entries, version {after}")

        together(work)
        same(wrong, [], "each version of a state is there together with its journal entry")


def one_of_many_takers_gets_a_notice(make_store: MakeStore) -> None:
    """A provider may send the same notice to two workers at the same moment."""
    with opened(make_store) as store:
        store.commit(sample_change())
        notices = [NoticeRow("bank", f"n-{n:02}", "co-1", "captured", NOON) for n in range(ROUNDS)]
        taken: list[NoticeRow] = []

        def work(_name: str, meet: Barrier) -> None:
            for row in notices:
                meet.wait()
                if store.take_notice(row):
                    taken.append(row)

        together(work)
        same(
            sorted(row.id for row in taken),
            [row.id for row in notices],
            "take_notice says True to exactly one of those that ask at once",
        )


STORE_CHECKS: Final[tuple[StoreCheck, ...]] = (
    an_empty_store_knows_nothing,
    creating_again_changes_nothing,
    a_checkout_comes_back_exactly,
    the_journal_replays_in_order_without_gaps,
    a_stale_change_is_refused_whole,
    a_used_key_refuses_the_whole_change,
    a_known_person_keeps_their_key,
    a_key_tells_what_it_was_used_for,
    timers_come_due_in_order,
    what_is_leased_is_nobody_elses,
    what_is_put_off_is_known_since_it_was_due,
    a_lease_is_cleared_and_what_came_meanwhile_is_not,
    reviews_wait_in_order,
    the_latest_come_first,
    a_commit_sets_moves_and_removes_timers,
    a_timer_set_anew_meanwhile_is_not_cleared,
    a_notice_acts_once,
    a_notice_taken_in_with_a_change_counts_once,
    a_provider_that_fails_is_known_to_all,
    a_payment_finds_its_checkout,
    an_invoice_is_found_by_its_reference,
    numbers_follow_each_other_without_a_gap,
    many_writers_number_one_series,
    a_persons_fields_are_kept_by_name,
    dropped_fields_go_with_their_traces,
    messages_wait_in_order_until_delivered,
    checkouts_are_listed_page_by_page,
    exactly_one_of_many_writers_wins,
    readers_see_whole_commits,
    one_of_many_takers_gets_a_notice,
    *PEOPLE_CHECKS,
    *ORDER_CHECKS,
)


def _everything(version: int = 1, who: str = "one") -> Change:
    """A change of checkout ``co-1`` that has one of everything, each named after ``who``."""
    person = f"person of {who}"
    return sample_change(
        sample_checkout(version=version, method=who),
        events=full_events(),
        command=who,
        timers={"expiry": at(5), who: at(6)},
        attempts=(sample_attempt(f"pay of {who}"),),
        idempotency=IdempotencyRow(f"key of {who}", "0a" * 32, "co-1"),
        subjects=(sample_key(person),),
        vault=(sample_field(person),),
        digests=(sample_trace(person, f"trace of {who}"),),
        people=(person,),
        consents=(sample_consent(person),),
        reads=(sample_read(person),),
        profile=ProfileRow(person, {"payment": "card"}, at(1)),
        messages=(who,),
        invoices=(InvoiceRow(len(who), "co-1", "DK", f"invoice of {who}"),),
        sightings=(sample_sighting(person, f"seen of {who}"),),
        value=("DKK", len(who)),
    )


def _answers(store: Store) -> dict[str, object]:
    """What a store answers about ``_everything``, by question."""
    return {
        "load": store.load("co-1"),
        "journal": list(store.journal("co-1")),
        "idempotent": store.idempotent("key of one"),
        "find_payment": store.find_payment("bank", "pay of one"),
        "find_invoice": store.find_invoice("DK", "invoice of one"),
        "person": store.person("person of one"),
        "find_people": list(store.find_people("email", ["trace of one"], NOON)),
        "checkouts_of": list(store.checkouts_of("person of one")),
        "consents": list(store.consents("person of one")),
        "reads": list(store.reads("person of one")),
        "profile": store.profile("person of one"),
        "erasures": list(store.erasures("person of one")),
        "sightings": list(store.sightings("person of one")),
        "values": dict(store.values("DKK")),
        "due": list(store.due(at(60), 99)),
        "checkouts": list(store.checkouts(())),
        "messages": list(store.messages(99)),
    }


_EMPTY: Final[Mapping[str, object]] = {
    "load": None,
    "journal": [],
    "idempotent": None,
    "find_payment": None,
    "find_invoice": None,
    "person": (None, ()),
    "find_people": [],
    "checkouts_of": [],
    "consents": [],
    "reads": [],
    "profile": None,
    "erasures": [],
    "sightings": [],
    "values": {},
    "due": [],
    "checkouts": [],
    "messages": [],
}


def _unchanged(store: Store, before: Mapping[str, object], lesson: str) -> None:
    for question, answer in _answers(store).items():
        same(answer, before[question], f"{lesson}: {question}")


def _knows_nothing_of(store: Store, who: str, lesson: str) -> None:
    same(store.idempotent(f"key of {who}"), None, f"{lesson}: idempotent")
    same(store.find_payment("bank", f"pay of {who}"), None, f"{lesson}: find_payment")
    same(store.find_invoice("DK", f"invoice of {who}"), None, f"{lesson}: find_invoice")
    person = f"person of {who}"
    same(store.person(person), (None, ()), f"{lesson}: person")
    same(list(store.find_people("email", [f"trace of {who}"], NOON)), [], f"{lesson}: find_people")
    for question in (store.checkouts_of, store.consents, store.reads, store.sightings):
        same(list(question(person)), [], f"{lesson}: {question.__name__}")
    same(store.profile(person), None, f"{lesson}: profile")


def _number(
    store: Store, checkout: str, scheme: str, reference: str | None, *, version: int = 1
) -> int:
    """Write a change that takes one number, and say which."""

    def make(number: int) -> Change:
        row = InvoiceRow(number, checkout, scheme, reference)
        return sample_change(sample_checkout(checkout, version), invoices=(row,))

    return store.commit_numbered(make).invoices[0].number


def _version(store: Store) -> int:
    state = store.load("co-1")
    return 0 if state is None else state.version
