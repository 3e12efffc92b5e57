"""Bugs planted in how money is counted and believed, each of which a seeded world notices."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import pytest
from tests.test_mutations import name_of

from checkoutflow import cart
from checkoutflow.checkout import commands as c
from checkoutflow.checkout import evolve_payments, ordering, paying, resolving
from checkoutflow.flow import lines
from checkoutflow.flow.effects import now
from checkoutflow.flow.programs import Programs
from checkoutflow.money import Money
from checkoutflow.payment.machine import PaymentState
from checkoutflow.payment.outcomes import Operation, Outcome, Result, Standing, Word
from checkoutflow.providers import simulated_bank
from checkoutflow.providers.base import money_of
from checkoutflow.providers.contract import Ask
from checkoutflow.testing.simulation.shrink import play


def confirmed_by_coming_back(patch):
    standing = Programs._standing

    def bug(self, state, payment_id, *, is_told):
        payment = state.payment(payment_id)
        if not payment.is_waiting or payment.action is None or is_told:
            return (yield from standing(self, state, payment_id, is_told=is_told))
        yield from now()
        currency = payment.amount.currency
        believed = Standing.nothing(Word.AUTHORISED, currency, authorised=payment.amount)
        return c.TakeStanding(payment=payment.id, standing=believed, said="", is_told=False)

    patch.setattr(Programs, "_standing", bug)


def an_answer_about_another_amount_will_do(patch):
    standing = simulated_bank._standing

    def bug(asked, answer):
        if isinstance(asked, Ask):
            asked = replace(asked, amount=money_of(answer["amount"]))
        return standing(asked, answer)

    patch.setattr(simulated_bank, "_standing", bug)


def an_older_word_counts(patch):
    def bug(draft, payment_id, standing, operation):
        payment = draft.state.payment(payment_id)
        less = -paying._more(payment, standing, operation)
        done = [
            item
            for item in payment.attempts
            if item.operation is operation and item.outcome is Outcome.SUCCEEDED
        ]
        if operation is Operation.VOID or less.minor <= 0:
            return True
        amount = done[-1].amount if done else less
        return bool(done) and paying._taken_back(draft, payment, operation, amount, done[-1].id)

    patch.setattr(paying, "_take_back", bug)


def each_refund_has_a_limit_of_its_own(patch):
    free = ordering._free

    def bug(payment, operation):
        if operation is not Operation.REFUND:
            return free(payment, operation)
        return Money(payment.books.captured, payment.amount.currency)

    patch.setattr(ordering, "_free", bug)


def split_by_floats(patch):
    def bug(minor, weights):
        return [int(minor * (weight / sum(weights))) for weight in weights]

    patch.setattr(cart, "spread", bug)
    patch.setattr(lines, "spread", bug)


def what_ran_out_is_captured(patch):
    theirs = paying._take_theirs

    def bug(draft, payment, operation, standing):
        ran_out = operation is Operation.VOID and standing.word is Word.EXPIRED
        return True if ran_out else theirs(draft, payment, operation, standing)

    patch.setattr(paying, "_take_theirs", bug)


def a_no_of_people_counts_as_yes(patch):
    def bug(draft, payment, attempt, *_):
        paying.take_result(draft, payment, attempt, Result(outcome=Outcome.SUCCEEDED))

    patch.setattr(resolving, "failed", bug)


def what_was_given_back_before_the_last_capture_is_forgotten(patch):
    move = evolve_payments._move

    def bug(payment, step, *, posting=None, amount):
        after = move(payment, step, posting=posting, amount=amount)
        is_last = payment.state is PaymentState.PART_CAPTURED and not after.books.capturable.minor
        return after.but(state=PaymentState.CAPTURED) if is_last else after

    patch.setattr(evolve_payments, "_move", bug)


BANK = "simulated_bank"
# Each with a seed that found it.
FOUND_BY = {
    confirmed_by_coming_back: 1,
    an_answer_about_another_amount_will_do: 421,
    an_older_word_counts: 328,
    each_refund_has_a_limit_of_its_own: 1,
    split_by_floats: 1,
    what_ran_out_is_captured: 9,
    a_no_of_people_counts_as_yes: 30,
    what_was_given_back_before_the_last_capture_is_forgotten: 2630,
}
# More seeds than any of them needs.
MOST_SEEDS = 2000


@pytest.mark.repeats
@pytest.mark.parametrize("bug", FOUND_BY, ids=name_of)
def test_what_is_planted_is_found(bug, monkeypatch):
    bug(monkeypatch)
    for seed in chain([FOUND_BY[bug]], range(MOST_SEEDS)):
        _, error = play(seed, provider=BANK)
        if error is not None:
            return
    pytest.fail("nobody noticed")
