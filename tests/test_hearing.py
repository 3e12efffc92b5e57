"""What a signed notice proves, where the provider cannot be asked: one row for each thing it says.

Amounts are whole kroner; the order costs 549 (two mugs, a lamp and a parcel).
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.heart import BANK, START, Sale, nok, standing

from checkoutflow.checkout import commands as c
from checkoutflow.checkout.events import PaymentVoided
from checkoutflow.checkout.machine import Phase
from checkoutflow.errors import NotSupported
from checkoutflow.money import Money
from checkoutflow.payment.outcomes import Heard, Operation, Outcome, Redirect, Word

SILENT = BANK.model_copy(update={"can_be_asked": False, "repeat_s": 0})
PAGE = Redirect(url="https://bank.example/pay")
YES, NO = Outcome.SUCCEEDED, Outcome.DECLINED


def hear(sale, operation, outcome=YES, amount=None, **more):
    said = {"operation": operation, "outcome": outcome, **more}
    heard = Heard.model_validate(said | ({} if amount is None else {"amount": nok(amount)}))
    return sale.do(c.Hear(payment=sale.payment.id, heard=heard))


def _waiting():
    """The customer is at the provider's page."""
    return Sale(bank=SILENT).placed("wallet").hear(Outcome.PENDING, action=PAGE)


def _lost():
    """The authorisation was sent, and nothing heard."""
    return Sale(bank=SILENT).placed().hear(Outcome.UNKNOWN)


def _confirmed():
    return Sale(bank=SILENT).confirmed()


def _shipping():
    """The provider has taken the capture in, under a name of its own."""
    return _confirmed().do(c.Ship()).hear(Outcome.PENDING, operation_reference="cap-1")


def _sent_off():
    """The capture was sent, and nothing heard."""
    return _confirmed().do(c.Ship()).hear(Outcome.UNKNOWN)


def _shipped():
    return hear(_shipping(), Operation.CAPTURE, amount=549, reference="cap-1")


def _refunding():
    return _shipped().do(c.Refund(amount=nok(100))).hear(Outcome.PENDING)


def _refunded():
    return hear(_refunding(), Operation.REFUND, amount=100)


def _declined():
    return hear(_waiting(), Operation.AUTHORISE, NO, 549)


def _cancelling():
    return _confirmed().do(c.Cancel()).hear(Outcome.PENDING)


AUTHORISE, CAPTURE, VOID, REFUND = Operation
CASES = [
    # (where we stand, what is proven, what happens, the phase then)
    (_waiting, (AUTHORISE, YES, 549), {}, "payment_authorised confirmed", "confirmed"),
    (_lost, (AUTHORISE, YES, 549), {}, "payment_authorised confirmed", "confirmed"),
    (_waiting, (AUTHORISE, YES), {}, "payment_authorised confirmed", "confirmed"),
    (_waiting, (AUTHORISE, NO, 549), {}, "attempt_failed reopened", "collecting"),
    (
        _waiting,
        (AUTHORISE, YES, 549),
        {"is_taken": True},
        "payment_authorised payment_captured confirmed",
        "confirmed",
    ),
    # Less, or more, than asked for: on record, released, and the customer chooses again.
    (
        _waiting,
        (AUTHORISE, YES, 500),
        {},
        "payment_authorised contradicted attention_needed attempt_started",
        "placing",
    ),
    # Money that is there after all counts, also when the customer was told to choose again.
    (_declined, (AUTHORISE, YES, 549), {}, "payment_authorised attempt_started", "collecting"),
    (_confirmed, (AUTHORISE, YES, 549), {}, "", "confirmed"),
    (_confirmed, (AUTHORISE, NO, 549), {}, "", "confirmed"),  # another try of the customer's
    (_declined, (AUTHORISE, NO, 549), {}, "", "collecting"),
    # Captures: by the provider's name, by our key, by the amount while there is no name.
    (
        _shipping,
        (CAPTURE, YES, 549),
        {"reference": "cap-1"},
        "payment_captured shipped fulfilled",
        "fulfilled",
    ),
    (
        _shipping,
        (CAPTURE, YES, 549),
        {"key": "pay1a-2"},
        "payment_captured shipped fulfilled",
        "fulfilled",
    ),
    (
        _sent_off,
        (CAPTURE, YES, 549),
        {"reference": "cap-1"},
        "attempt_named payment_captured shipped fulfilled",
        "fulfilled",
    ),
    (
        _shipping,
        (CAPTURE, NO, 549),
        {"reference": "cap-1"},
        "attempt_failed shipment_failed",
        "confirmed",
    ),
    (_shipping, (CAPTURE, NO, 100), {"reference": "other"}, "", "confirmed"),
    (
        _shipping,
        (CAPTURE, YES, 500),
        {"reference": "cap-1"},
        "contradicted attention_needed",
        "confirmed",
    ),
    (_shipped, (CAPTURE, YES, 549), {"reference": "cap-1"}, "", "fulfilled"),
    (
        _shipped,
        (CAPTURE, NO, 549),
        {"reference": "cap-1"},
        "capture_failed attention_needed",
        "fulfilled",
    ),
    # In the provider's portal, behind our back.
    (_confirmed, (CAPTURE, YES, 549), {}, "payment_captured", "confirmed"),
    (_shipped, (REFUND, YES, 100), {"reference": "theirs"}, "payment_refunded", "fulfilled"),
    (_shipped, (CAPTURE, YES, 1), {}, "contradicted attention_needed", "fulfilled"),
    (_confirmed, (CAPTURE, YES), {}, "", "confirmed"),
    (
        _confirmed,
        (CAPTURE, NO, 549),
        {"is_taken_back": True, "reference": "theirs"},
        "attention_needed",
        "confirmed",
    ),
    (_shipped, (REFUND, NO, 5), {"is_taken_back": True}, "attention_needed", "fulfilled"),
    (_shipped, (REFUND, NO, 5), {}, "", "fulfilled"),
    (_confirmed, (VOID, NO), {"is_taken_back": True}, "", "confirmed"),
    # Refunds.
    (_refunding, (REFUND, YES, 100), {}, "payment_refunded refund_done", "fulfilled"),
    (_refunding, (REFUND, NO, 100), {}, "attempt_failed refund_not_done", "fulfilled"),
    (_refunded, (REFUND, NO, 100), {"key": "pay1a-3"}, "refund_failed attention_needed", None),
    # Releases: asked for, by hand, by time, and of what is gone already.
    (_cancelling, (VOID, YES), {}, "payment_voided", "cancelled"),
    (_cancelling, (VOID, NO), {}, "attempt_failed", "cancelled"),
    (_confirmed, (VOID, YES), {}, "payment_voided attention_needed", "confirmed"),
    (_shipped, (VOID, YES), {}, "", "fulfilled"),
    (_waiting, (VOID, YES), {}, "payment_voided reopened", "collecting"),
]


@pytest.mark.parametrize(
    ("where", "proven", "more", "happens", "phase"),
    CASES,
    ids=[f"{row[0].__name__[1:]}-{row[1][0]}-{row[1][1]}-{i}" for i, row in enumerate(CASES)],
)
def test_a_notice_proves(where, proven, more, happens, phase):
    sale = hear(where(), *proven, **more)
    assert " ".join(sale.happened) == happens
    assert sale.state.phase == phase or phase is None


@pytest.mark.parametrize("where", [_waiting, _shipping, _refunding, _cancelling])
def test_the_same_proof_twice_changes_nothing_the_second_time(where):
    operation = where().open[0].operation
    sale = hear(where(), operation, YES, where().open[0].amount.minor / 100, key=where().open[0].id)
    after = sale.state
    hear(sale, operation, YES, where().open[0].amount.minor / 100, key=where().open[0].id)
    assert (sale.state, sale.happened) == (after, [])


def test_a_payment_in_another_currency_is_stopped():
    sale = _waiting()
    heard = Heard(operation=AUTHORISE, outcome=Outcome.SUCCEEDED, amount=Money(54900, "SEK"))
    sale.do(c.Hear(payment=sale.payment.id, heard=heard))
    assert sale.happened == ["contradicted", "attention_needed"]
    assert sale.payment.contradiction == "the payment is in SEK"


def test_a_second_authorisation_of_one_payment_calls_a_person():
    sale = hear(_waiting(), AUTHORISE, YES, 549, provider_reference="psp-1")
    assert hear(sale, AUTHORISE, YES, 549, provider_reference="psp-1").happened == []
    hear(sale, AUTHORISE, YES, 549, provider_reference="psp-2")
    assert sale.happened == ["contradicted", "attention_needed"]
    assert sale.state.phase is Phase.CONFIRMED


def test_of_two_captures_of_one_amount_the_named_one_is_meant():
    sale = _confirmed()
    sale.do(c.Ship(lines={"mug": 1})).hear(Outcome.PENDING, operation_reference="cap-1")
    second = sale.do(c.Ship(lines={"mug": 1})).open[1]
    sale.hear(Outcome.PENDING, second.id, operation_reference="cap-2")
    hear(sale, CAPTURE, YES, second.amount.minor / 100, reference="cap-2")
    assert [attempt.reference for attempt in sale.open] == ["cap-1"]


def test_a_capture_known_by_its_amount_can_be_taken_back_by_its_name():
    sale = hear(_sent_off(), CAPTURE, YES, 549, reference="cap-1")
    hear(sale, CAPTURE, NO, 549, reference="cap-1", is_taken_back=True)
    assert sale.happened == ["capture_failed", "attention_needed"]
    assert sale.books == (54900, 0, 0, 0)


def test_a_lost_authorisation_is_sent_again_while_cancelling_where_that_is_how_to_find_out():
    repeats = SILENT.model_copy(update={"repeat_s": 86_400})
    sale = Sale(bank=repeats).placed().hear(Outcome.UNKNOWN).do(c.Cancel())
    sale.wait(minutes=2).look(None)
    assert sale.happened == ["attempt_resent"]
    sale.hear(Outcome.PENDING, action=PAGE)
    assert sale.happened == ["attempt_pending", "attempt_started"]  # and now it can be voided
    assert Sale().placed().hear(Outcome.UNKNOWN).do(c.Cancel()).wait(minutes=2).look(
        standing(Word.NOT_FOUND)
    ).happened == ["looked"]


def test_what_the_provider_took_on_and_never_ended_calls_a_person_after_a_day():
    sale = _shipping()
    while sale.now < START + timedelta(hours=23):
        sale.now = max(sale.now, sale.payment.look_at)
        sale.look(None)
    assert sale.state.attention == ()
    sale.wait(hours=2).look(None)
    assert [item.reason for item in sale.state.attention] == ["unresolved"]
    hear(sale, CAPTURE, YES, 549, reference="cap-1")
    assert sale.state.attention == ()
    assert sale.payment.look_at is None


def test_a_customer_may_take_longer_than_a_day_and_nobody_is_called():
    sale = Sale().placed("wallet").hear(Outcome.PENDING, action=PAGE)
    sale.do(c.TakeStanding(payment=sale.payment.id, standing=standing(Word.PENDING, action=PAGE)))
    sale.wait(hours=25).look(standing(Word.PENDING, action=PAGE))
    assert sale.state.attention == ()


# A provider that captures once and releases the rest --------------------------------------------

ONCE = BANK.model_copy(update={"captures": "once"})


def test_where_a_provider_captures_once_a_first_part_of_an_order_is_refused():
    sale = Sale(bank=ONCE).confirmed()
    with pytest.raises(NotSupported, match="ship everything together, or cancel the other lines"):
        sale.do(c.Ship(lines={"mug": 1}))
    assert sale.happened[-1] == "confirmed"
    sale.do(c.Ship()).succeed()
    assert sale.state.phase is Phase.FULFILLED
    assert sale.books == (54900, 54900, 0, 0)


def test_where_a_provider_captures_once_the_rest_is_released_with_it_and_not_voided_again():
    sale = Sale(bank=ONCE).confirmed().do(c.Cancel(lines={"lamp": 1})).do(c.Ship())
    sale.hear(Outcome.SUCCEEDED)
    assert sale.happened == ["payment_captured", "payment_voided", "shipped", "fulfilled"]
    released = sale.events[1]
    assert isinstance(released, PaymentVoided)
    assert released.origin == "provider"
    authorised, captured, _, voided = sale.books
    assert authorised == captured + voided
    assert sale.open == []
