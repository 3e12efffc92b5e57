"""What people saw counts where a provider is silent for good; what it says later counts more."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError
from tests.heart import BANK, SHOP, Sale, nok, standing

from checkoutflow.checkout import commands as c
from checkoutflow.checkout.machine import Phase
from checkoutflow.errors import IllegalTransition, InvalidInput, NeedsAnother, NotFound, UsageError
from checkoutflow.money import Money
from checkoutflow.payment.machine import PaymentState
from checkoutflow.payment.outcomes import Evidence, Outcome, Word

if TYPE_CHECKING:
    from checkoutflow.shop import Shop

ONE, TWO = ("anne",), ("anne", "bo")
# Sending again under the same key is not safe for ever, so a day later nobody does.
FORGETFUL = BANK.but(repeat_s=0)
PATIENT = SHOP.but(pay_within_s=3 * 86400)


def lost(sale: Sale) -> Sale:
    """The answer to what is open never comes, however often somebody asks."""
    sale.hear(Outcome.UNKNOWN)
    sale.wait(days=1).look(None)
    assert [item.reason for item in sale.state.attention] == ["unresolved"]
    return sale


def resolve(sale: Sale, *, is_done: bool, by: tuple[str, ...] = ONE, **more: object) -> Sale:
    attempt = more.pop("attempt", None) or sale.open[0].id
    values = {"attempt": attempt, "is_done": is_done, "seen_in": "portal", "by": by, **more}
    return sale.do(c.Resolve.model_validate(values))


def capture() -> Sale:
    return lost(Sale(bank=FORGETFUL).confirmed().do(c.Ship()))


def refund() -> Sale:
    return lost(Sale(bank=FORGETFUL).confirmed().do(c.Ship()).succeed().do(c.Refund(amount=nok(9))))


def void() -> Sale:
    return lost(Sale(bank=FORGETFUL).confirmed().do(c.Cancel()))


def authorisation(shop: Shop = PATIENT) -> Sale:
    """Its name there was told, when the customer was sent there; what they did was not."""
    sale = Sale(shop=shop, bank=FORGETFUL).placed()
    return lost(sale.hear(Outcome.PENDING, provider_reference="there-1"))


@pytest.mark.parametrize(
    ("lose", "books", "phase"),
    [
        (capture, (54900, 54900, 0, 0), Phase.FULFILLED),
        (refund, (54900, 54900, 900, 0), Phase.FULFILLED),
        (void, (54900, 0, 0, 54900), Phase.CANCELLED),
    ],
)
def test_what_people_saw_done_is_booked(lose, books, phase):
    sale = resolve(lose(), is_done=True)
    assert (sale.books, sale.state.phase) == (books, phase)
    assert sale.state.attention == ()
    assert sale.open == []
    attempt = sale.payment.attempts[-1]
    assert (attempt.outcome, attempt.resolved_by) == (Outcome.SUCCEEDED, ONE)
    assert sale.happened[0] == "attempt_resolved"


@pytest.mark.parametrize(
    ("lose", "then"),
    [(capture, "shipment_failed"), (refund, "refund_not_done"), (void, "attempt_failed")],
)
def test_what_people_saw_not_done_moves_no_money(lose, then):
    sale = lose()
    before = sale.books
    resolve(sale, is_done=False)
    assert sale.books == before
    assert then in sale.happened
    assert sale.state.attention == ()
    assert sale.payment.attempts[-1].outcome is Outcome.REFUSED
    assert sale.payment.reason == "seen_not_done"
    assert sale.payment.look_at is not None  # it may yet turn out otherwise


def test_after_that_the_shop_can_ship_again():
    sale = resolve(capture(), is_done=False)
    sale.do(c.Ship()).succeed()
    assert sale.state.phase is Phase.FULFILLED
    assert sale.books == (54900, 54900, 0, 0)


def test_an_order_that_people_saw_paid_is_an_order():
    sale = resolve(authorisation(), is_done=True)
    assert sale.payment.state is PaymentState.AUTHORISED
    assert sale.payment.provider_reference == "there-1"
    assert sale.state.phase is Phase.CONFIRMED


def test_one_whose_money_was_taken_at_once_is_captured():
    sale = resolve(authorisation(), is_done=True, is_taken=True)
    assert sale.books == (54900, 54900, 0, 0)


def test_one_that_was_not_paid_lets_the_customer_choose_again():
    sale = resolve(authorisation(), is_done=False)
    assert sale.payment.state is PaymentState.DECLINED
    assert sale.state.phase is Phase.COLLECTING


def test_money_that_is_there_counts_though_time_is_up():
    """As with what a provider says late: first the money, then the deadline."""
    sale = resolve(authorisation().wait(days=30), is_done=True)
    assert sale.state.phase is Phase.CONFIRMED


def test_where_nobody_waits_for_the_order_any_more_its_money_is_released():
    sale = resolve(authorisation(SHOP), is_done=True).succeed()
    assert sale.state.phase is Phase.EXPIRED
    assert sale.books == (54900, 0, 0, 54900)


def test_without_its_name_there_nothing_could_be_captured():
    sale = lost(Sale(shop=PATIENT, bank=FORGETFUL).placed())
    before = sale.state
    with pytest.raises(InvalidInput, match="release it there, and say that it is not done") as no:
        resolve(sale, is_done=True)
    assert no.value.field == "is_done"
    assert sale.state == before
    assert resolve(sale, is_done=False).state.phase is Phase.COLLECTING


# What the provider says later ---------------------------------------------------------------------


def test_the_provider_is_asked_whether_it_agrees_until_it_answers():
    sale = resolve(capture(), is_done=True)
    at = sale.payment.look_at
    assert at is not None
    assert at - sale.now < timedelta(seconds=6)
    sale.now = at
    sale.look(None)
    assert sale.payment.look_at is not None
    sale.wait(hours=1).look(standing(Word.AUTHORISED, 549, captured=549))
    assert sale.happened == ["look_answered", "looked"]
    assert sale.payment.look_at is None


def test_one_that_cannot_be_asked_is_not():
    sale = Sale(bank=FORGETFUL.but(can_be_asked=False)).confirmed().do(c.Ship())
    resolve(lost(sale), is_done=True)
    assert sale.payment.look_at is None


def test_a_capture_that_was_done_after_all_is_booked_when_the_provider_shows_it():
    sale = resolve(capture(), is_done=False)
    sale.look(standing(Word.AUTHORISED, 549, captured=549))
    assert sale.books == (54900, 54900, 0, 0)


def test_a_capture_that_never_was_is_taken_back_when_the_provider_shows_none():
    sale = resolve(capture(), is_done=True).wait(hours=1)
    sale.look(standing(Word.AUTHORISED, 549))
    assert sale.books == (54900, 0, 0, 0)
    assert [item.reason for item in sale.state.attention] == ["capture_failed"]


def test_an_answer_that_comes_late_after_a_no_makes_us_ask():
    sale = capture()
    attempt = sale.open[0].id
    resolve(sale, is_done=False)
    sale.wait(days=1).hear(Outcome.SUCCEEDED, attempt)
    assert sale.happened == ["looked"]
    assert sale.payment.look_at == sale.now


def test_a_customer_who_paid_after_all_gets_their_money_back():
    sale = resolve(authorisation(), is_done=False)
    sale.look(standing(Word.AUTHORISED, 549))
    assert sale.happened[:2] == ["look_answered", "payment_authorised"]
    sale.succeed()
    assert sale.books == (54900, 0, 0, 54900)


# What is refused ----------------------------------------------------------------------------------


def test_nobody_says_anything_while_the_provider_may_still_answer():
    sale = Sale(bank=FORGETFUL).confirmed().do(c.Ship()).hear(Outcome.UNKNOWN)
    sale.wait(hours=23, minutes=59)
    with pytest.raises(UsageError, match=r"still asked.*from 2026-11-22 12:00:00 UTC on"):
        resolve(sale, is_done=False)
    resolve(sale.wait(minutes=1), is_done=False)


def test_nor_while_it_is_being_asked_at_this_moment():
    sale = Sale(bank=BANK.but(repeat_s=7 * 86400)).confirmed().do(c.Ship()).hear(Outcome.UNKNOWN)
    sale.wait(days=1).look(None)
    assert "attempt_resent" in sale.happened
    with pytest.raises(UsageError, match="still asked"):
        resolve(sale, is_done=False)
    resolve(sale.wait(minutes=1), is_done=True)


def test_a_customer_who_takes_their_time_is_not_resolved():
    sale = Sale(bank=FORGETFUL).placed().hear(Outcome.PENDING).wait(minutes=30)
    with pytest.raises(UsageError, match="nothing to resolve: the authorise waits for the custom"):
        resolve(sale, is_done=False)


def test_a_capture_that_was_taken_in_and_never_confirmed_is():
    sale = Sale(bank=FORGETFUL).confirmed().do(c.Ship()).hear(Outcome.PENDING)
    resolve(sale.wait(days=1), is_done=True)
    assert sale.state.phase is Phase.FULFILLED


def test_what_has_its_answer_keeps_it():
    sale = capture()
    attempt = sale.open[0].id
    resolve(sale, is_done=True)
    with pytest.raises(UsageError, match="nothing to resolve: the capture ended as succeeded"):
        resolve(sale, is_done=False, attempt=attempt)


def test_what_the_books_forbid_is_refused_and_leaves_nothing():
    sale = capture()
    sale.look(standing(Word.AUTHORISED, 549, voided=100))  # in the portal
    before = sale.state
    with pytest.raises(InvalidInput, match="cannot be") as refused:
        resolve(sale, is_done=True)
    assert refused.value.field == "is_done"
    assert sale.state == before


@pytest.mark.parametrize(("lose", "is_done"), [(capture, True), (authorisation, False)])
def test_taken_at_once_is_a_reservation_that_was_done(lose, is_done):
    with pytest.raises(InvalidInput) as refused:
        resolve(lose(), is_done=is_done, is_taken=True)
    assert refused.value.field == "is_taken"


def test_a_void_of_less_than_was_asked_for_is_booked_as_what_it_is():
    """Somebody captured a part in the portal, and only what is left was released."""
    sale = resolve(void(), is_done=True, released=nok(300))
    assert sale.books == (54900, 0, 0, 30000)
    sale.look(standing(Word.AUTHORISED, 549, captured=249, voided=300))
    assert sale.books == (54900, 24900, 0, 30000)


@pytest.mark.parametrize(
    ("lose", "is_done", "released", "problem"),
    [
        (void, False, nok(9), "of a void that was done"),
        (capture, True, nok(9), "of a void that was done"),
        (void, True, nok(0), "above zero and at most 549.00 NOK"),
        (void, True, nok(549.01), "above zero and at most 549.00 NOK"),
        (void, True, Money(100, "DKK"), "in NOK"),
    ],
)
def test_what_was_released_is_of_a_void_that_was_done(lose, is_done, released, problem):
    with pytest.raises(InvalidInput, match=problem) as refused:
        resolve(lose(), is_done=is_done, released=released)
    assert refused.value.field == "released"


def test_what_cannot_be_is_explained_by_telling_what_is_open():
    """By its totals alone: one capture was taken back, and another one, unheard of, was done."""
    sale = Sale(bank=FORGETFUL).confirmed().do(c.Ship(lines={"lamp": 1})).succeed()
    first = sale.books[1]
    sale.do(c.Ship()).hear(Outcome.UNKNOWN).wait(days=1)
    second = sale.open[0].amount.minor
    there = standing(Word.AUTHORISED, 549, captured=second / 100)
    assert sale.look(there).payment.contradiction
    resolve(sale, is_done=True)
    sale.look(there)
    assert not sale.payment.contradiction
    assert sale.books[1] == second != first
    assert [item.reason for item in sale.state.attention] == ["capture_failed"]


def test_there_is_no_such_attempt():
    with pytest.raises(NotFound):
        resolve(capture(), is_done=True, attempt="pay1a-9")
    with pytest.raises(NotFound):
        resolve(Sale(), is_done=True, attempt="pay1a-1")


@pytest.mark.parametrize(
    ("field", "value"),
    [("by", ()), ("by", ("",)), ("by", ("4111 1111 1111 1111",)), ("seen_in", "a dream")],
)
def test_somebody_saw_it_somewhere(field, value):
    with pytest.raises((InvalidInput, ValidationError), match=field):
        c.Resolve.read(
            {"attempt": "a", "is_done": True, "seen_in": "portal", "by": ONE, field: value}
        )


# Two people ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [ONE, ("anne", " Anne ")])
def test_above_the_limit_nobody_says_it_alone(by):
    sale = Sale(shop=SHOP.but(two_resolve_above=(nok(500),)), bank=FORGETFUL)
    lost(sale.confirmed().do(c.Ship()))
    before = sale.state
    with pytest.raises(NeedsAnother, match=r"more than 500.00 NOK; name both") as refused:
        resolve(sale, is_done=True, by=by)
    assert refused.value.field == "by"
    assert sale.state == before
    assert resolve(sale, is_done=True, by=TWO).payment.attempts[-1].resolved_by == TWO


@pytest.mark.parametrize("limits", [(), (nok(549),), (Money(1, "DKK"),)])
def test_up_to_it_one_is_enough(limits):
    sale = Sale(shop=SHOP.but(two_resolve_above=limits), bank=FORGETFUL)
    resolve(lost(sale.confirmed().do(c.Ship())), is_done=True)
    assert sale.state.phase is Phase.FULFILLED


def test_every_word_for_where_it_was_seen_is_taken():
    for seen_in in Evidence:
        sale = resolve(capture(), is_done=True, seen_in=seen_in)
        assert sale.events[0].model_dump()["seen_in"] == seen_in


def test_it_may_be_said_in_every_phase():
    """Of a payment whose order is over as well: money does not ask in which phase it is."""
    sale = void()
    assert sale.state.phase is Phase.CANCELLED
    with pytest.raises(IllegalTransition):
        sale.do(c.Ship())
    resolve(sale, is_done=True)
