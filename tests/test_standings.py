"""What a provider says when asked, and what we make of it: one row for each thing that can be said.

Amounts are whole kroner; the order costs 549 (two mugs, a lamp and a parcel).
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from tests.heart import BANK, DEAR, SHOP, START, Sale, nok, standing

from checkoutflow.checkout import commands as c
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.paying import LOOKS_S, next_look
from checkoutflow.money import Money
from checkoutflow.payment.machine import PaymentState
from checkoutflow.payment.outcomes import Done, Heard, Operation, Outcome, Redirect, Word

PAGE = Redirect(url="https://bank.example/pay")


def _placed() -> Sale:
    """The authorisation was sent, and nothing heard."""
    return Sale().placed().hear(Outcome.UNKNOWN)


def _waiting() -> Sale:
    """The customer is at the bank's page."""
    return Sale().placed("wallet").hear(Outcome.PENDING, action=PAGE)


def _confirmed() -> Sale:
    return Sale().confirmed()


def _shipping() -> Sale:
    """The capture was sent, and nothing heard."""
    return _confirmed().do(c.Ship()).hear(Outcome.UNKNOWN)


def _shipped() -> Sale:
    return _confirmed().do(c.Ship()).succeed()


def _refunding() -> Sale:
    return _shipped().do(c.Refund(lines={"lamp": 1})).hear(Outcome.UNKNOWN)


def _cancelling() -> Sale:
    """The void was sent, and nothing heard."""
    return _confirmed().do(c.Cancel()).hear(Outcome.UNKNOWN)


def _ending() -> Sale:
    """The customer is at the bank's page, and the checkout is to be cancelled."""
    return _waiting().do(c.Cancel()).hear(Outcome.UNKNOWN)


A, P, N = Word.AUTHORISED, Word.PENDING, Word.NOT_FOUND
CASES = [
    # (where we stand, what the provider says, what happens, the phase then)
    # While the authorisation is open.
    (_placed, standing(A, 549), "payment_authorised confirmed", "confirmed"),
    (_placed, standing(Word.DECLINED), "attempt_failed reopened", "collecting"),
    (_placed, standing(Word.EXPIRED), "payment_expired reopened", "collecting"),
    (_placed, standing(Word.VOIDED), "payment_voided reopened", "collecting"),
    (_placed, standing(P, action=PAGE), "attempt_pending", "placing"),
    (_placed, standing(N), "looked", "placing"),
    (_placed, standing(Word.UNCLEAR), "look_unanswered looked", "placing"),
    (_placed, None, "look_unanswered looked", "placing"),
    (_waiting, standing(P, action=PAGE), "looked", "placing"),
    (_waiting, standing(A, 549), "payment_authorised confirmed", "confirmed"),
    (_waiting, standing(Word.DECLINED), "attempt_failed reopened", "collecting"),
    # Captured at once, by a method or by a person in the portal.
    (
        _waiting,
        standing(A, 549, captured=549),
        "payment_authorised payment_captured confirmed",
        "confirmed",
    ),
    # Another amount than asked for: on record, released, and the customer chooses again.
    (
        _placed,
        standing(A, 500),
        "payment_authorised contradicted attention_needed attempt_started",
        "placing",
    ),
    (
        _placed,
        standing(A, 600),
        "payment_authorised contradicted attention_needed attempt_started",
        "placing",
    ),
    # While an operation is open.
    (_shipping, standing(A, 549, captured=549), "payment_captured shipped fulfilled", "fulfilled"),
    (_shipping, standing(A, 549), "looked", "confirmed"),
    (
        _shipping,
        standing(A, 549, operations=(Done(key="pay1a-2", outcome=Outcome.DECLINED),)),
        "attempt_failed shipment_failed",
        "confirmed",
    ),
    (
        _shipping,
        standing(
            A, 549, captured=549, operations=(Done(key="pay1a-2", outcome=Outcome.SUCCEEDED),)
        ),
        "payment_captured shipped fulfilled",
        "fulfilled",
    ),
    (_refunding, standing(A, 549, 549, refunded=329.40), "payment_refunded refund_done", None),
    (_cancelling, standing(Word.VOIDED, 549, voided=549), "payment_voided", "cancelled"),
    (_ending, standing(Word.VOIDED), "payment_voided cancelled", "cancelled"),
    # The customer paid, and it was released again before we heard of either: the books have both.
    (
        _waiting,
        standing(Word.VOIDED, 549, voided=549),
        "payment_authorised payment_voided reopened",
        "collecting",
    ),
    (
        _waiting,
        standing(Word.EXPIRED, 549, voided=549),
        "payment_authorised payment_expired reopened",
        "collecting",
    ),
    # The customer paid while we were cancelling: the void did nothing, and another one is due.
    (_ending, standing(A, 549), "payment_authorised looked", "placing"),
    # What happens without us.
    (
        _confirmed,
        standing(A, 549, captured=200),
        "payment_captured",
        "confirmed",
    ),
    (_shipped, standing(A, 549, 549, refunded=100), "payment_refunded", "fulfilled"),
    (_confirmed, standing(Word.VOIDED, 549, voided=549), "payment_voided attention_needed", None),
    (_confirmed, standing(Word.EXPIRED, 549, voided=549), "payment_expired attention_needed", None),
    (_confirmed, standing(A, 549, voided=100), "payment_voided attention_needed", "confirmed"),
    (_confirmed, standing(A, 549), "", "confirmed"),
    # What cannot be.
    (_confirmed, standing(A, 549, captured=600), "contradicted attention_needed", "confirmed"),
    (_shipped, standing(A, 549, 549, refunded=600), "contradicted attention_needed", "fulfilled"),
    (
        _shipped,
        standing(A, 549, 549, operations=(Done(key="pay1a-2", outcome=Outcome.DECLINED),)),
        "capture_failed attention_needed payment_captured shipment_paid_again",
        "fulfilled",
    ),
]


@pytest.mark.parametrize(
    ("where", "says", "happens", "phase"),
    CASES,
    ids=[
        f"{number} {where.__name__[1:]}, then {says.word if says else 'no answer'}"
        for number, (where, says, _, _) in enumerate(CASES)
    ],
)
def test_a_standing_means(where, says, happens, phase):
    sale = where().wait(seconds=6)  # when a look is due; one before that would not be noted
    before = sale.state.phase
    sale.look(says)
    assert " ".join(sale.happened) == happens
    assert sale.state.phase == (phase or before)


def test_held_and_the_authorisation_goes_away():
    sale = Sale(DEAR).confirmed()
    assert sale.state.phase is Phase.HELD
    sale.look(standing(Word.EXPIRED, 9049, voided=9049))
    assert sale.happened == ["payment_expired", "review_lapsed"]
    assert sale.state.phase is Phase.REJECTED


def test_the_wrong_amount_is_released_before_the_customer_chooses_again():
    sale = _placed().look(standing(Word.AUTHORISED, 500))
    assert [item.operation for item in sale.open] == [Operation.VOID]
    assert sale.open[0].amount == nok(500)
    sale.succeed()
    assert sale.state.phase is Phase.COLLECTING
    assert sale.books == (50000, 0, 0, 50000)


def test_an_answer_in_another_currency_stops_everything():
    sale = _confirmed()
    other = standing(Word.AUTHORISED, 549).model_copy(
        update={
            name: nok(0).__class__(54900 if name == "authorised" else 0, "DKK")
            for name in ("authorised", "captured", "refunded", "voided")
        }
    )
    sale.look(other)
    assert sale.payment.contradiction == "the payment is in DKK"


def test_a_stopped_payment_sends_nothing_until_the_provider_agrees_again():
    sale = _confirmed().look(standing(Word.AUTHORISED, 549, captured=600))
    with pytest.raises(Exception, match="is stopped") as refused:
        sale.do(c.Ship())
    assert refused.value.next == "stop"  # type: ignore[attr-defined]
    sale.look(standing(Word.AUTHORISED, 549))
    assert sale.happened == ["contradiction_cleared"]
    assert not sale.state.attention
    sale.do(c.Ship()).succeed()
    assert sale.state.phase is Phase.FULFILLED


def test_a_stopped_payment_of_which_the_same_is_said_again_says_nothing_new():
    wrong, worse = (standing(Word.AUTHORISED, 549, captured=taken) for taken in (600, 700))
    sale = _confirmed().look(wrong)
    assert sale.happened == ["contradicted", "attention_needed"]
    assert sale.wait(milliseconds=1).look(wrong).happened == []
    looks = 0
    for _ in range(365):
        sale.wait(days=1).look(wrong)
        looks += "looked" in sale.happened
        assert "contradicted" not in sale.happened
    assert 52 <= looks < 100
    assert len(sale.state.attention) == 1
    assert sale.payment.look_at is not None
    assert sale.look(worse).happened == ["contradicted"]  # that is news
    assert sale.look(standing(Word.AUTHORISED, 549)).happened == ["contradiction_cleared"]


# Sending again, and concluding from silence ----------------------------------------------------


def test_the_same_request_goes_out_again_only_after_its_lease_and_within_the_keys_life():
    sale = _placed().wait(seconds=6).look(standing(Word.NOT_FOUND))
    assert sale.happened == ["looked"]  # somebody may still be sending it
    sale.wait(seconds=61).look(standing(Word.NOT_FOUND))
    assert sale.happened == ["attempt_resent"]
    assert sale.open[0].sends == 2
    sale.wait(hours=25).look(standing(Word.NOT_FOUND))
    assert "attempt_resent" not in sale.happened


def test_however_often_somebody_asks_the_next_look_comes_no_later():
    sale = _waiting()
    due = sale.payment.look_at
    for _ in range(10):  # the customer's browser reloads the page
        assert sale.wait(milliseconds=400).look(standing(P, action=PAGE)).happened == []
    assert sale.payment.look_at == due


def test_a_provider_that_does_twice_what_is_sent_twice_is_never_sent_anything_twice():
    sale = Sale(bank=BANK.model_copy(update={"repeat_s": 0})).placed().hear(Outcome.UNKNOWN)
    for _ in range(40):
        sale.wait(minutes=30).look(None)
        assert "attempt_resent" not in sale.happened


def test_one_not_found_is_no_proof_and_one_that_lasts_is():
    sale = Sale(bank=BANK.model_copy(update={"repeat_s": 0})).placed().hear(Outcome.UNKNOWN)
    sale.wait(minutes=5).look(standing(Word.NOT_FOUND))
    assert sale.happened == ["looked"]
    sale.wait(minutes=5).look(standing(Word.NOT_FOUND))
    assert sale.happened == ["looked"]  # 10 minutes are not the provider's 15
    sale.wait(minutes=10).look(standing(Word.NOT_FOUND))
    assert sale.happened == ["attempt_failed", "reopened"]
    assert sale.payment.reason == "never_arrived"


def test_a_refusal_of_a_repeat_says_nothing_about_the_first_time():
    sale = _placed().wait(seconds=61).look(standing(Word.NOT_FOUND)).hear(Outcome.REFUSED)
    assert sale.happened == ["attempt_unknown"]
    assert sale.state.phase is Phase.PLACING


def test_a_first_refusal_is_believed():
    sale = Sale().placed().hear(Outcome.REFUSED, reason="bad_request")
    assert sale.happened == ["attempt_failed", "reopened"]


def test_an_answer_that_comes_late_changes_nothing_any_more():
    sale = _placed()
    attempt = sale.open[0].id
    sale.look(standing(Word.AUTHORISED, 549))
    sale.hear(Outcome.DECLINED, attempt)
    assert sale.happened == []
    assert sale.state.phase is Phase.CONFIRMED


def test_looking_goes_from_seconds_to_days_and_a_person_is_called_after_a_day():
    sale = Sale(bank=BANK.model_copy(update={"repeat_s": 0})).placed().hear(Outcome.UNKNOWN)
    waits = []
    while (due := sale.payment.look_at) is not None:
        waits.append((due - sale.now).total_seconds())
        sale.now = due
        sale.look(None)
        assert sale.state.phase is Phase.PLACING  # nobody is told "failed" for want of an answer
    for waited, expected in zip(waits, [5, *LOOKS_S], strict=True):
        assert expected <= waited <= 1.2 * expected
    assert LOOKS_S[:5] == (5, 30, 120, 300, 900)
    assert 7 <= sum(waits) / 86400 <= 9.6
    assert [item.reason for item in sale.state.attention] == ["unresolved"]


def test_those_who_wait_for_a_provider_do_not_all_ask_in_the_same_second():
    one = _placed().payment
    all_at = [
        next_look(one.model_copy(update={"id": f"pay{number}", "looks": 3}), START)
        for number in range(1000)
    ]
    after_s = [(at - START).total_seconds() for at in all_at if at is not None]
    seconds = Counter(int(moment) for moment in after_s)
    assert 300 <= min(after_s) < 302
    assert 358 < max(after_s) <= 360
    assert max(seconds.values()) < 40  # 1000 over a minute are about 17 a second
    assert next_look(one, START) == next_look(one, START)  # a replay finds the same


def test_money_reserved_after_all_for_a_payment_that_was_dropped_is_released():
    sale = _waiting().do(c.Cancel())
    sale.hear(Outcome.SUCCEEDED, sale.open[-1].id)
    assert sale.state.phase is Phase.CANCELLED
    sale.look(standing(Word.AUTHORISED, 549))
    assert sale.happened == ["payment_authorised", "attempt_started"]
    assert sale.open[0].operation is Operation.VOID
    sale.succeed()
    assert sale.books == (54900, 0, 0, 54900)


@pytest.mark.parametrize("answer", [None, standing(Word.UNCLEAR), standing(Word.NOT_FOUND)])
def test_a_look_without_an_answer_comes_again_also_where_nothing_is_open(answer):
    sale = _shipped().wait(days=2).look(answer)  # because of a notice, and the provider was down
    assert sale.happened == ["look_unanswered", "looked"]
    at = sale.payment.look_at
    assert at == sale.now + timedelta(seconds=BANK.absence_s)  # when no look-up lags behind it
    sale.wait(seconds=6).look(standing(Word.AUTHORISED, 549, 549))  # which may be an old answer
    assert (sale.happened, sale.payment.look_at) == (["look_answered"], at)
    sale.now = at
    sale.look(standing(Word.AUTHORISED, 549, 549, refunded=100))
    assert sale.books == (54900, 54900, 10000, 0)


def test_what_a_notice_was_about_is_asked_for_also_after_something_else_has_its_answer():
    """A refund is taken back while the provider does not answer and another one is under way."""
    sale = _shipped().do(c.Refund(amount=nok(100))).succeed().wait(days=2)
    sale.do(c.Refund(amount=nok(50))).hear(Outcome.UNKNOWN)
    sale.look(None)  # because of the notice
    sale.hear(Outcome.SUCCEEDED)  # to the second, sent again
    assert sale.happened == ["payment_refunded", "refund_done"]
    assert sale.payment.look_at is not None
    done = Done(key=f"{sale.payment.id}-3", outcome=Outcome.DECLINED)
    sale.look(standing(A, 549, 549, refunded=50, operations=(done,)))
    assert sale.happened[:2] == ["look_answered", "refund_failed"]
    assert sale.books == (54900, 54900, 5000, 0)


def test_where_every_look_was_answered_nothing_is_asked_when_all_is_known():
    sale = _shipped().do(c.Refund(amount=nok(50))).hear(Outcome.UNKNOWN)
    sale.look(standing(A, 549, 549)).hear(Outcome.SUCCEEDED)
    assert sale.payment.look_at is None


@pytest.mark.parametrize("back", [100, 200])
@pytest.mark.parametrize("then", ["captured", "voided"])
def test_what_was_given_back_before_the_last_capture_can_fail_after_it(then, back):
    sale = _confirmed().do(c.Ship(lines={"mug": 2})).succeed()
    sale.do(c.Refund(amount=nok(back))).succeed()
    taken = sale.books[1]
    sale.do(c.Ship() if then == "captured" else c.Cancel(lines={"lamp": 1})).succeed()
    assert sale.payment.state is PaymentState.PART_REFUNDED
    captured = sale.books[1]
    assert (captured > taken) is (then == "captured")
    refund = next(it for it in sale.payment.attempts if it.operation is Operation.REFUND)
    failed = Done(key=refund.id, outcome=Outcome.DECLINED)
    voided = 549 - captured / 100
    sale.look(standing(A, 549, captured / 100, voided=voided, operations=(failed,)))
    assert sale.happened[0] == "refund_failed"
    assert sale.payment.state is PaymentState.CAPTURED
    assert sale.books[2] == 0


@pytest.mark.parametrize("word", [Word.EXPIRED, Word.VOIDED, Word.AUTHORISED])
def test_a_capture_that_was_taken_back_and_ran_out_before_anybody_looked(word):
    """Both are seen in one look, and the first makes room for the other."""
    sale = _shipped().wait(days=2).look(standing(word, 549, voided=549))
    assert sale.happened[:2] == ["capture_failed", "attention_needed"]
    assert sale.books == (54900, 0, 0, 54900)
    assert [item.reason for item in sale.state.attention] == ["capture_failed"]
    assert not sale.payment.contradiction


def test_while_a_look_up_may_lag_neither_is_concluded():
    sale = _shipped().look(standing(Word.EXPIRED, 549, voided=549))
    assert sale.happened == ["looked"]
    assert sale.books == (54900, 54900, 0, 0)
    assert sale.payment.look_at is not None
    sale.now = sale.payment.look_at
    sale.look(standing(Word.EXPIRED, 549, voided=549))
    assert sale.books == (54900, 0, 0, 54900)


def test_a_capture_that_an_older_answer_made_up_again_goes_as_it_came():
    """Taken back, then seen by a look that lagged behind, and then not any more."""
    sale = _shipped().wait(days=2).look(standing(A, 549))
    assert sale.happened[0] == "capture_failed"
    sale.look(standing(A, 549, captured=549))  # as it stood a minute ago
    assert sale.books == (54900, 54900, 0, 0)
    sale.look(standing(A, 549))
    assert sale.happened[0] == "capture_failed"
    assert sale.books == (54900, 0, 0, 0)
    assert not sale.payment.contradiction
    assert [item.is_paid for item in sale.state.shipments] == [False]


def test_a_refund_made_in_the_portal_and_taken_back_is_taken_back():
    sale = _shipped().wait(days=2).look(standing(A, 549, 549, refunded=30))
    assert sale.books == (54900, 54900, 3000, 0)
    sale.look(standing(A, 549, 549))
    assert sale.happened[:2] == ["refund_failed", "attention_needed"]
    assert sale.books == (54900, 54900, 0, 0)


def test_less_than_anybody_ever_did_is_still_a_contradiction():
    sale = _shipped().wait(days=2).look(standing(A, 549, 549, refunded=30))
    sale.do(c.Refund(amount=nok(50))).succeed().wait(days=2)
    sale.look(standing(A, 549, 549, refunded=10))
    assert sale.payment.contradiction == "a refund of 70.00 NOK that never was is gone"
    assert sale.books == (54900, 54900, 8000, 0)


def test_what_may_be_a_part_of_our_refund_is_told_apart_once_it_has_its_answer():
    sale = _shipped().do(c.Refund(amount=nok(50))).wait(days=2)
    sale.look(standing(A, 549, 549, refunded=20))
    assert sale.happened[0] == "look_unanswered"
    assert sale.books == (54900, 54900, 0, 0)
    sale.hear(Outcome.SUCCEEDED)
    assert sale.payment.look_at is not None
    sale.look(standing(A, 549, 549, refunded=70))  # the twenty were given back in the portal
    assert sale.books == (54900, 54900, 7000, 0)
    assert not sale.payment.is_unheard


def test_a_refund_that_was_sent_by_two_is_booked_once():
    """One saw what the other had done so far, and thought that it had stopped."""
    sale = _shipped().do(c.Refund(amount=nok(50))).wait(hours=1)
    sale.look(standing(A, 549, 549, refunded=20))
    sale.hear(Outcome.SUCCEEDED)
    sale.look(standing(A, 549, 549, refunded=50))
    assert sale.books == (54900, 54900, 5000, 0)


@pytest.mark.parametrize("is_told", [True, False])
def test_a_reservation_that_has_just_run_out_is_looked_at_once_more(is_told):
    """At that very moment a look-up may not show it yet, whoever asks, and a notice comes once."""
    sale = Sale(shop=SHOP.but(remind_before_s=3600)).placed()
    end = sale.now + timedelta(days=3)
    sale.hear(Outcome.SUCCEEDED, valid_until=end)
    sale.now = end - timedelta(minutes=30)
    sale.do(c.PassTime())
    assert sale.payment.look_at == end
    sale.now = end
    told = c.TakeStanding(payment=sale.payment.id, standing=standing(A, 549), is_told=is_told)
    sale.do(told)
    assert sale.payment.look_at == end + timedelta(seconds=BANK.absence_s)
    sale.now = sale.payment.look_at
    sale.look(standing(A, 549, voided=549))
    assert sale.books == (54900, 0, 0, 54900)
    assert [item.reason for item in sale.state.attention] == ["authorisation_lost"]


def test_one_that_lives_longer_than_was_said_is_not_looked_at_for_ever():
    sale = Sale(shop=SHOP.but(remind_before_s=3600)).placed()
    end = sale.now + timedelta(days=3)
    sale.hear(Outcome.SUCCEEDED, valid_until=end)
    sale.now = end - timedelta(minutes=30)
    sale.do(c.PassTime())
    looks = 0
    while sale.payment.look_at is not None:
        sale.now = sale.payment.look_at
        sale.look(standing(A, 549))
        looks += 1
    assert looks == 2


def test_a_refund_that_counted_on_an_earlier_one_fails_with_it():
    """It had only to give the rest. What the earlier one gave is taken back one by one."""
    sale = Sale().ready().do(c.AddCredit(method="store_credit", amount=nok(400)))
    sale.place().succeed().do(c.Ship()).succeed()
    sale.do(c.Refund(lines={"mug": 2, "lamp": 1})).succeed()
    first, second = sale.state.payments
    one, other = (each.attempts[-1].id for each in (first, second))
    _fails_later(sale, second.id, other)
    assert [it.state for it in sale.state.refunds] == ["failed"]
    sale.do(c.Refund(lines={"mug": 2, "lamp": 1})).succeed()  # gives the second's share again
    assert [it.state for it in sale.state.refunds] == ["failed", "done"]
    _fails_later(sale, first.id, one)
    assert [it.state for it in sale.state.refunds] == ["failed", "failed"]
    sale.do(c.Refund(lines={"mug": 2, "lamp": 1})).succeed()
    assert [it.state for it in sale.state.refunds] == ["failed", "failed", "done"]
    assert sale.state.books.refunded == sale.state.refunds[-1].amount.minor


def _fails_later(sale: Sale, payment: str, attempt: str) -> None:
    heard = Heard(operation=Operation.REFUND, outcome=Outcome.DECLINED, key=attempt)
    sale.do(c.Hear(payment=payment, heard=heard))
    assert sale.happened[0] == "refund_failed"


def test_where_all_of_it_was_given_back_and_the_rest_is_released_all_is_given_back():
    sale = _confirmed().do(c.Ship(lines={"mug": 2})).succeed()
    sale.do(c.Refund(amount=Money(sale.books[1], "NOK"))).succeed()
    assert sale.payment.state is PaymentState.PART_CAPTURED
    sale.do(c.Cancel(lines={"lamp": 1})).succeed()
    assert sale.payment.state is PaymentState.REFUNDED


def test_a_provider_that_cannot_be_asked_is_not_asked_again_for_nothing():
    sale = Sale(bank=BANK.model_copy(update={"can_be_asked": False})).confirmed()
    assert sale.wait(days=2).look(None).happened == []


def test_what_is_sent_again_without_an_answer_is_sent_less_and_less_often():
    sale = _confirmed().do(c.Ship()).hear(Outcome.UNKNOWN)
    while sale.payment.look_at is not None and sale.now < START + timedelta(days=9):
        sale.now = max(sale.now, sale.payment.look_at)
        sale.look(standing(Word.AUTHORISED, 549))
        if "attempt_resent" in sale.happened:
            sale.hear(Outcome.REFUSED)
    assert sale.payment.attempts[-1].sends < 40


def test_a_void_of_what_the_customer_declines_is_over_with_it():
    sale = _ending().look(standing(Word.DECLINED))
    assert sale.state.phase is Phase.CANCELLED
    assert sale.open == []


# Success that turns into failure ------------------------------------------------------------------


def _taken_back(key: str, **amounts: float):
    done = (Done(key=key, outcome=Outcome.DECLINED),)
    return standing(Word.AUTHORISED, 549, operations=done, **amounts)


def test_a_capture_taken_back_calls_a_person_and_can_be_tried_again():
    sale = _shipped().look(_taken_back("pay1a-2"))
    assert sale.happened == ["capture_failed", "attention_needed"]
    assert not sale.state.shipments[0].is_paid
    assert sale.state.phase is Phase.FULFILLED
    sale.do(c.CaptureAgain(shipment="s1")).succeed()
    assert "shipment_paid_again" in sale.happened
    assert sale.state.shipments[0].is_paid
    assert not sale.state.attention
    assert sale.books == (54900, 54900, 0, 0)


def test_a_refund_taken_back_makes_the_goods_unreturned():
    sale = _shipped().do(c.Refund(lines={"lamp": 1})).succeed()
    assert sale.state.returned("lamp") == 1
    sale.look(_taken_back("pay1a-3", captured=549))
    assert sale.happened == ["refund_failed", "attention_needed"]
    assert sale.state.returned("lamp") == 0
    sale.do(c.Refund(lines={"lamp": 1})).succeed()
    assert sale.state.returned("lamp") == 1


def test_a_total_that_fell_is_believed_only_when_a_look_up_cannot_be_behind_any_more():
    sale = _shipped().look(standing(Word.AUTHORISED, 549))
    assert sale.happened == ["looked"]
    assert sale.payment.look_at is not None
    sale.now = sale.payment.look_at
    sale.look(standing(Word.AUTHORISED, 549))
    assert sale.happened == ["capture_failed", "attention_needed"]


def test_a_total_that_fell_by_something_we_never_did_is_a_contradiction():
    sale = _shipped().wait(hours=1).look(standing(Word.AUTHORISED, 549, captured=500))
    assert sale.happened == ["contradicted", "attention_needed"]


def test_success_after_the_customer_was_told_to_choose_again_is_released():
    sale = _placed().look(standing(Word.DECLINED))
    assert sale.state.phase is Phase.COLLECTING
    sale.look(standing(Word.AUTHORISED, 549))
    assert sale.happened == ["payment_authorised", "attempt_started"]
    assert [item.operation for item in sale.open] == [Operation.VOID]


# Providers that say what cannot be ---------------------------------------------------------------

SECOND_FAILED = Done(key="pay1a-2", outcome=Outcome.DECLINED)


@pytest.mark.parametrize(
    ("where", "says"),
    [
        # A void that is taken back: the money cannot be reserved again by itself.
        (
            lambda: _confirmed().do(c.Cancel()).succeed(),
            standing(A, 549, voided=549, operations=(SECOND_FAILED,)),
        ),
        # A capture that is taken back although it was refunded since.
        (
            lambda: _shipped().do(c.Refund(amount=nok(549))).succeed(),
            standing(
                A,
                549,
                549,
                refunded=549,
                operations=(Done(key="pay1a-2", outcome=Outcome.DECLINED),),
            ),
        ),
        # A capture reported as done of a payment that was voided.
        (
            lambda: _shipping().look(standing(Word.VOIDED, 549, voided=549)),
            standing(A, 549, captured=549, voided=0),
        ),
        # An authorisation of nothing that is something.
        (
            lambda: _shipped().wait(hours=1),
            standing(A, 549, captured=549 - 123),
        ),
    ],
    ids=["void taken back", "refunded capture taken back", "voided and captured", "odd amount"],
)
def test_what_cannot_be_is_on_record_and_stops_the_payment(where, says):
    sale = where()
    before = sale.state.books
    sale.look(says)
    assert sale.happened[:2] == ["contradicted", "attention_needed"]
    assert sale.payment.contradiction
    assert sale.state.books == before


# A customer who comes back without having paid ------------------------------------------------


def test_who_comes_back_without_paying_chooses_again_once_the_provider_has_let_go():
    sale = _waiting().do(c.ChooseAgain())
    assert sale.happened == ["ending_asked", "attempt_started"]
    assert sale.open[-1].operation is Operation.VOID
    assert sale.do(c.ChooseAgain()).happened == []
    sale.hear(Outcome.SUCCEEDED, sale.open[-1].id)
    assert sale.happened == ["payment_voided", "reopened"]
    assert (sale.state.phase, sale.state.ending) == (Phase.COLLECTING, "")
    assert sale.do(c.ChoosePayment(method="card")).place().succeed().state.phase is Phase.CONFIRMED


def test_what_is_paid_after_all_while_choosing_again_is_released_first():
    sale = _waiting().do(c.ChooseAgain())
    sale.hear(Outcome.REFUSED, sale.open[-1].id)  # the customer was faster
    sale.wait(minutes=2).look(standing(Word.AUTHORISED, 549))
    assert sale.happened == ["payment_authorised", "attempt_started"]
    sale.hear(Outcome.SUCCEEDED)
    assert sale.happened == ["payment_voided", "reopened"]
    assert sale.books == (54900, 0, 0, 54900)


def test_choosing_again_can_still_become_a_cancellation():
    sale = _waiting().do(c.ChooseAgain()).do(c.Cancel())
    sale.hear(Outcome.SUCCEEDED, sale.open[-1].id)
    assert sale.state.phase is Phase.CANCELLED


def test_an_answer_that_is_unknown_keeps_the_providers_name():
    sale = Sale().placed().hear(Outcome.UNKNOWN, provider_reference="psp-7")
    assert sale.payment.provider_reference == "psp-7"
