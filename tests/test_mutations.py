"""Deliberate bugs, each of which the crash scenarios or the races must catch.

A test that cannot fail proves nothing. Each bug here takes one safeguard away; then the same plays
as in ``test_crash`` and ``test_two_workers`` are gone through until one of them notices.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Final

import pytest
from tests import test_queue
from tests.desk import CUSTOMER, Again, play
from tests.scenarios import SCENARIOS, every_change
from tests.test_two_workers import (
    RACES,
    orders,
    run,
    test_a_sender_that_slept_past_its_lease_leaves_it_to_the_others,
)

from checkoutflow.checkout import commands as c
from checkoutflow.checkout import decide, follow, paying, reviewing
from checkoutflow.checkout import events as e
from checkoutflow.checkout.machine import ALLOWED, CommandName, Phase
from checkoutflow.errors import CheckoutError
from checkoutflow.flow import commits, effects, sending
from checkoutflow.flow.programs import Programs
from checkoutflow.payment.outcomes import Operation, Outcome
from checkoutflow.review import Judgement, ReviewRules
from checkoutflow.stores.memory import MemoryStore
from checkoutflow.testing.world import World

# Where to look ------------------------------------------------------------------------------------


def crashes_in(*names, again=Again.AT_ONCE, **bank):
    """The plays of some scenarios, with a crash at every place that makes a difference."""
    for name in names:
        yield f"{name} without a crash", partial(play, SCENARIOS[name], **bank)
        for stop in every_change(name):
            yield f"{name}, {stop}", partial(play, SCENARIOS[name], [stop], again, **bank)


def races_of(*names):
    """The plays of some races, in every order."""
    for name in names:
        for order in orders():
            yield f"{name}, in the order {order}", partial(run, RACES[name], order)


def at_the_queue(test, *arguments):
    yield test.__name__.replace("_", " "), lambda: test(test_queue.desk_of(), *arguments)


def by_the_score():
    yield "held by the score", partial(test_queue.test_the_score_holds_and_says_why, World)


def slept():
    yield "slept past its lease", test_a_sender_that_slept_past_its_lease_leaves_it_to_the_others


# The bugs -----------------------------------------------------------------------------------------


def a_new_key_for_each_send(patch):
    send = Programs._send

    def bug(self, state, payment, attempt):
        other = attempt.model_copy(update={"id": f"{attempt.id}-{attempt.sends}"})
        command = yield from send(self, state, payment, other)
        return command and command.model_copy(update={"attempt": attempt.id})

    patch.setattr(Programs, "_send", bug)


def sent_before_it_is_committed(patch):
    commit = Programs._commit

    def bug(self, before, decided, **more):
        after, events = decided
        for attempt_id in sending._to_send(events):
            yield from self._send(after, *after.attempt(attempt_id))
        return (yield from commit(self, before, decided, **more))

    patch.setattr(Programs, "_commit", bug)


def the_answer_is_not_kept(patch):
    def bug(self, state, command, *_, **__):
        yield from effects.now()
        return state, ()

    patch.setattr(Programs, "_report", bug)


def not_found_means_failed_at_once(patch):
    patch.setattr(paying, "_may_send_again", lambda *_: False)
    patch.setattr(paying, "_is_proof_of_absence", lambda *_: True)


def sent_again_to_a_bank_that_forgets_keys(patch):
    patch.setattr(paying, "_may_send_again", lambda draft, _, item: draft.at >= item.lease_until)


def no_answer_means_no(patch):
    take = paying.take_result

    def bug(draft, payment, attempt, result):
        if result.outcome is Outcome.UNKNOWN:
            result = result.model_copy(update={"outcome": Outcome.REFUSED})
        take(draft, payment, attempt, result)

    patch.setattr(paying, "take_result", bug)


def a_lease_that_nobody_looks_at(patch):
    send = Programs._send

    def bug(self, state, payment, attempt):
        for_ever = attempt.lease_until + timedelta(days=365)
        return send(self, state, payment, attempt.model_copy(update={"lease_until": for_ever}))

    patch.setattr(Programs, "_send", bug)


def nobody_looks_again(patch):
    patch.setattr(paying, "next_look", lambda *_: None)


def without_rule(name, patch):
    rules = tuple(rule for rule in follow._RULES if rule.__name__ != name)
    assert len(rules) < len(follow._RULES)
    patch.setattr(follow, "_RULES", rules)


def confirmed_before_all_is_reserved(patch):
    patch.setattr(follow, "_is_secure", lambda _: True)


def shipped_before_it_is_paid(patch):
    patch.setattr(follow, "_how_it_ended", lambda *_: True)


def last_writer_wins(patch):
    patch.setattr(MemoryStore, "commit", MemoryStore._write)


def a_repeat_is_not_recognised(patch):
    def bug(self, key, owner, asked):
        yield from effects.now()

    patch.setattr(Programs, "_repeated", bug)


def timers_are_forgotten(patch):
    patch.setattr(commits, "changed", lambda *_: {})


def messages_are_forgotten(patch):
    patch.setattr(commits, "messages", lambda *_: ())


def a_notice_is_kept_and_nobody_is_told(patch):
    take = MemoryStore.take_notice

    def bug(self, notice):
        is_new = take(self, notice)
        self._timers.pop((notice.checkout, "notice"), None)
        return is_new

    patch.setattr(MemoryStore, "take_notice", bug)


def an_address_in_the_journal(patch):
    commit = Programs._commit

    def bug(self, *arguments, command, **more):
        return commit(self, *arguments, command=f"{command} for {CUSTOMER['email']}", **more)

    patch.setattr(Programs, "_commit", bug)


# Of review


def captured_while_it_is_held(patch):
    secured = follow._secured

    def bug(draft):
        secured(draft)
        if draft.state.phase is Phase.HELD:
            for payment in draft.state.current_payments:
                draft.attempt(payment, Operation.CAPTURE, payment.amount)

    patch.setattr(follow, "_secured", bug)


def sent_while_it_is_held(patch):
    allowed = {**ALLOWED, Phase.HELD: ALLOWED[Phase.HELD] | {CommandName.SHIP}}
    patch.setattr("checkoutflow.checkout.decide.ALLOWED", allowed)


def no_rule_holds(patch):
    patch.setattr(ReviewRules, "judge_all", lambda *_, **__: Judgement())


def decided_after_the_deadline(patch):
    patch.setattr(decide, "_pass_time", lambda *_: None)


def the_deadline_lets_everything_through(patch):
    def bug(draft):
        draft.add(e.ReviewApproved(reviewer="", at_deadline=True))

    patch.setattr(reviewing, "pass_deadline", bug)


def nobody_asks_who_has_it(patch):
    patch.setattr(reviewing, "_nobody_elses", lambda *_: None)


def two_yeses_of_one_reviewer(patch):
    approve = reviewing.approve

    def bug(draft, command):
        if draft.state.review.endorsed_by:
            draft.add(e.ReviewApproved(reviewer=command.reviewer))
        else:
            approve(draft, command)

    patch.setattr(decide, "_HANDLERS", {**decide._HANDLERS, c.Approve: bug})


def one_yes_is_enough(patch):
    patch.setattr(ReviewRules, "needs_two", lambda *_: False)


def the_score_refuses(patch):
    secured = follow._secured

    def bug(draft):
        secured(draft)
        if draft.state.scored and draft.state.scored.held:
            draft.add(e.ReviewRejected(reviewer="score"))

    patch.setattr(follow, "_secured", bug)


def a_lapse_that_nobody_notices(patch):
    without_rule("_unsecured", patch)


def a_note_outside_the_vault(patch):
    written = Programs._written

    def bug(self, id_, command, by, text, key):
        command = command.but(reviewer=text) if isinstance(command, c.Note) else command
        return written(self, id_, command, by, text, key)

    patch.setattr(Programs, "_written", bug)


def a_look_that_nobody_knows_of(patch):
    def bug(self, id_, purpose, by):
        state = yield from self.load(id_)
        at = yield from effects.now()
        return (yield from self._opened(state.subject, purpose, at))

    patch.setattr(Programs, "details", bug)


FORGETFUL = {"remembers_keys": False}
TOO_LATE = test_queue.test_a_decision_after_the_deadline_comes_too_late
TWO = test_queue.test_two_approve_what_is_dear_and_the_second_is_not_the_first
LAGGING = "lost authorisation and a look up that lags behind"
LAGGING_REFUND = "lost refund and a look up that lags behind"
BUGS: Final = [
    (a_new_key_for_each_send, crashes_in(LAGGING_REFUND)),
    (sent_before_it_is_committed, crashes_in("plain sale")),
    (the_answer_is_not_kept, crashes_in("plain sale")),
    (not_found_means_failed_at_once, crashes_in(LAGGING)),
    (sent_again_to_a_bank_that_forgets_keys, crashes_in(LAGGING, **FORGETFUL)),
    (no_answer_means_no, crashes_in("answer to the capture lost")),
    (a_lease_that_nobody_looks_at, slept()),
    (nobody_looks_again, crashes_in("answer to the authorisation lost")),
    (partial(without_rule, "_void_the_unwanted"), crashes_in("held and rejected")),
    (partial(without_rule, "_unsecured"), crashes_in("two shipments", again=Again.NEVER)),
    (confirmed_before_all_is_reserved, crashes_in("gift card and card that declines")),
    (shipped_before_it_is_paid, crashes_in("capture fails after a while")),
    (last_writer_wins, races_of("two packers with one order")),
    (a_repeat_is_not_recognised, crashes_in("plain sale")),
    (timers_are_forgotten, crashes_in("plain sale")),
    (messages_are_forgotten, crashes_in("plain sale")),
    (a_notice_is_kept_and_nobody_is_told, crashes_in("notice before the customer returns")),
    (an_address_in_the_journal, crashes_in("plain sale")),
    (captured_while_it_is_held, crashes_in("held and approved")),
    (sent_while_it_is_held, at_the_queue(test_queue.test_what_is_held_is_not_sent)),
    (no_rule_holds, crashes_in("held and approved")),
    (decided_after_the_deadline, at_the_queue(TOO_LATE, False)),
    (the_deadline_lets_everything_through, crashes_in("held and forgotten")),
    (
        nobody_asks_who_has_it,
        at_the_queue(test_queue.test_what_one_reviewer_has_another_one_does_not),
    ),
    (two_yeses_of_one_reviewer, at_the_queue(TWO)),
    (one_yes_is_enough, crashes_in("asked for a code and approved by two")),
    (the_score_refuses, by_the_score()),
    (a_lapse_that_nobody_notices, crashes_in("held and lapsed at the bank")),
    (a_note_outside_the_vault, crashes_in("asked for a code and approved by two")),
    (
        a_look_that_nobody_knows_of,
        at_the_queue(test_queue.test_a_reviewer_sees_what_a_decision_needs_and_that_is_on_record),
    ),
]


def name_of(bug):
    return bug.args[0] if isinstance(bug, partial) else bug.__name__.replace("_", " ")


@pytest.mark.parametrize(("bug", "plays"), BUGS, ids=[name_of(bug) for bug, _ in BUGS])
def test_the_bug_is_caught(bug, plays, monkeypatch, record_property):
    bug(monkeypatch)
    for where, once in plays:
        try:
            once()
        except (AssertionError, CheckoutError, pytest.fail.Exception) as error:
            record_property("caught", f"{where}: {error}")
            return
    pytest.fail("nothing noticed")
