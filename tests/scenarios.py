"""Sales as a shop drives them: plain functions of a `Desk`, each with what must come of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final

import pytest
from tests.desk import (
    COVERS,
    CUSTOMER,
    GIFT_CARD,
    MUG,
    MUGS_AND_BOOK,
    PHONE,
    PHONES,
    PIANO,
    PLANTED,
    SOFA,
    Desk,
    buy,
    is_sold,
    known,
    play,
    refund,
    ship,
    start,
    taken,
)

from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.state import PartState
from checkoutflow.errors import NotVerified
from checkoutflow.money import Money
from checkoutflow.privacy.fields import Purpose
from checkoutflow.testing.bank import Fault
from checkoutflow.testing.driver import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checkoutflow.cart import Cart
    from checkoutflow.checkout.state import Checkout

Scenario = Callable[[Desk], None]

SCENARIOS: Final[dict[str, Scenario]] = {}


def scenario(play: Scenario) -> Scenario:
    """Put a scenario on the list, under its name in words."""
    SCENARIOS[play.__name__.replace("_", " ")] = play
    return play


@scenario
def plain_sale(desk: Desk) -> None:
    checkout = ship(desk, buy(desk, start(desk)))
    assert is_sold(desk, checkout)


@scenario
def declined_and_retried(desk: Desk) -> None:
    desk.bank.decline_next()
    checkout = ship(desk, buy(desk, start(desk)))
    assert len(checkout.payments) > 1
    assert is_sold(desk, checkout)


@scenario
def held_and_approved(desk: Desk) -> None:
    checkout = buy(desk, start(desk, SOFA))
    assert checkout.phase is Phase.HELD
    desk.claim(checkout.id, reviewer="reviewer-1")
    checkout = ship(desk, desk.approve(checkout.id, reviewer="reviewer-1"))
    assert is_sold(desk, checkout)


@scenario
def held_and_rejected(desk: Desk) -> None:
    checkout = buy(desk, start(desk, SOFA))
    desk.claim(checkout.id, reviewer="reviewer-1")
    checkout = desk.reject(checkout.id, reviewer="reviewer-1", reason="not_reached")
    assert checkout.phase is Phase.REJECTED


@scenario
def held_and_forgotten(desk: Desk) -> None:
    checkout = buy(desk, start(desk, SOFA))
    desk.wait(days=4)
    assert desk.world.checkout(checkout.id).phase is Phase.REJECTED


@scenario
def held_and_cancelled_meanwhile(desk: Desk) -> None:
    checkout = buy(desk, start(desk, SOFA))
    desk.claim(checkout.id, reviewer="reviewer-1")
    assert desk.cancel(checkout.id).phase is Phase.CANCELLED


@scenario
def held_and_lapsed_at_the_bank(desk: Desk) -> None:
    checkout = buy(desk, start(desk, SOFA))
    desk.claim(checkout.id, reviewer="reviewer-1")
    for payment in checkout.current_payments:
        desk.bank.portal_void(payment.id)
    checkout = desk.reconcile(checkout.id)
    assert checkout.review is not None
    assert (checkout.phase, checkout.review.ended) == (Phase.REJECTED, "authorisation_lost")


@scenario
def asked_for_a_code_and_approved_by_two(desk: Desk) -> None:
    checkout = buy(desk, start(desk, PIANO))
    desk.claim(checkout.id, reviewer="reviewer-1")
    desk.note(checkout.id, f"{PLANTED} says so", reviewer="reviewer-1")
    desk.ask(checkout.id, "code", by="email", reviewer="reviewer-1")
    desk.ask_again(checkout.id)
    code = desk.code(checkout.id)
    checkout = desk.verify(checkout.id, code.text.body[:6])
    assert [item.answer for item in checkout.review.requests] == ["shown"]
    assert desk.approve(checkout.id, reviewer="reviewer-1").phase is Phase.HELD
    desk.claim(checkout.id, reviewer="reviewer-2")
    (note,) = desk.open_review(checkout.id, reviewer="reviewer-2").notes
    assert note.text == f"{PLANTED} says so"
    checkout = ship(desk, desk.approve(checkout.id, reviewer="reviewer-2"))
    assert is_sold(desk, checkout)


@scenario
def handed_over_and_rejected_by_another(desk: Desk) -> None:
    checkout = buy(desk, start(desk, SOFA))
    desk.claim(checkout.id, reviewer="reviewer-1")
    desk.ask(checkout.id, "contact", reviewer="reviewer-1")
    checkout = desk.answer(checkout.id, f"It is for {PLANTED}")
    desk.hand_over(checkout.id, reviewer="reviewer-1", to="reviewer-2")
    desk.release(checkout.id, reviewer="reviewer-2")
    checkout = desk.reject(checkout.id, reviewer="reviewer-3", reason="stolen_payment")
    assert checkout.phase is Phase.REJECTED


@scenario
def approved_by_one_and_rejected_by_another(desk: Desk) -> None:
    checkout = buy(desk, start(desk, PIANO))
    assert desk.approve(checkout.id, reviewer="reviewer-1").phase is Phase.HELD
    desk.claim(checkout.id, reviewer="reviewer-2")
    desk.release(checkout.id, reviewer="reviewer-2")
    desk.claim(checkout.id, reviewer="reviewer-2")
    desk.hand_over(checkout.id, reviewer="reviewer-2", to="reviewer-3")
    checkout = desk.reject(checkout.id, reviewer="reviewer-3", reason="series")
    assert checkout.phase is Phase.REJECTED


@scenario
def approved_by_one_and_forgotten(desk: Desk) -> None:
    checkout = buy(desk, start(desk, PIANO))
    desk.claim(checkout.id, reviewer="reviewer-1")
    desk.claim(checkout.id, reviewer="reviewer-1")
    desk.approve(checkout.id, reviewer="reviewer-1")
    desk.wait(days=4)
    assert desk.world.checkout(checkout.id).phase is Phase.REJECTED


@scenario
def a_series_of_which_the_third_is_held(desk: Desk) -> None:
    """Whatever crashes, an order is seen once: a second one is not taken for a third."""
    for _ in range(2):
        assert is_sold(desk, ship(desk, buy(desk, start(desk, PHONE))))
    checkout = buy(desk, start(desk, PHONE))
    assert checkout.phase is Phase.HELD
    assert desk.reject(checkout.id, reviewer="reviewer-1").phase is Phase.REJECTED


@scenario
def charged_back_and_ordered_again(desk: Desk) -> None:
    sold = ship(desk, buy(desk, start(desk, PHONE)))
    desk.record_chargeback(sold.id, amount=sold.total)
    checkout = buy(desk, start(desk, MUG))
    assert checkout.review is not None
    assert checkout.review.reasons == ("charged back before",)
    checkout = ship(desk, desk.approve(checkout.id, reviewer="reviewer-1"))
    assert is_sold(desk, checkout)


@scenario
def two_shipments(desk: Desk) -> None:
    checkout = buy(desk, start(desk, MUGS_AND_BOOK))
    checkout = ship(desk, checkout, {"mug": 2})
    assert checkout.phase is Phase.CONFIRMED
    assert Money(0, "DKK") < taken(desk, checkout) < checkout.total
    checkout = ship(desk, checkout)
    assert is_sold(desk, checkout)


@scenario
def one_line_returned(desk: Desk) -> None:
    checkout = ship(desk, buy(desk, start(desk, MUGS_AND_BOOK)))
    checkout = refund(desk, checkout, {"mug": 1})
    assert checkout.phase is Phase.FULFILLED
    mug = checkout.priced.unit_amount("mug", 0, 1)
    assert taken(desk, checkout) == checkout.total - mug


@scenario
def a_fee_shipped_in_parts_and_given_back(desk: Desk) -> None:
    checkout = start(desk, MUGS_AND_BOOK, payment="amex")
    assert [charge.kind for charge in checkout.priced.charges] == ["delivery", "payment"]
    checkout = ship(desk, buy(desk, checkout), {"mug": 2})
    checkout = ship(desk, checkout)
    assert is_sold(desk, checkout)
    checkout = refund(desk, checkout, {"mug": 3, "book": 1})
    assert taken(desk, checkout).is_zero


def insured(desk: Desk, payment: str = "card") -> Checkout:
    """The customer takes insurance and a warranty for their phones, and thinks again of both."""
    checkout = start(desk, PHONES, payment)
    desk.answer_insurance(checkout.id, {"cover:phone": False, "longer:phone": True})
    desk.answer_insurance(checkout.id, {"cover:phone": True, "longer:phone": False})
    taken: Checkout = desk.answer_insurance(checkout.id, {"longer:phone": True})
    return taken


def stands(checkout: Checkout) -> list[int]:
    """How many of each cover stand."""
    return [policy.units for policy in checkout.policies]


@scenario
def insured_and_returned_in_parts(desk: Desk) -> None:
    checkout = buy(desk, insured(desk))
    assert stands(checkout) == [2, 2]
    checkout = ship(desk, checkout, {"phone": 1})
    checkout = ship(desk, checkout)
    assert is_sold(desk, checkout)
    checkout = refund(desk, checkout, {"phone": 1})
    assert stands(checkout) == [1, 1]
    assert taken(desk, checkout) == checkout.total - sum_of(checkout, "phone", *COVERS)
    desk.wait(days=60)
    checkout = refund(desk, checkout, {"phone": 1, "mug": 1})
    assert stands(checkout) == [0, 0]
    assert taken(desk, checkout) == sum_of_policies(checkout)


def sum_of(checkout: Checkout, *lines: str) -> Money:
    """What the first piece of each of these lines cost."""
    pieces = [checkout.priced.unit_amount(line, 0, 1).minor for line in lines]
    return Money(sum(pieces), checkout.total.currency)


def sum_of_policies(checkout: Checkout) -> Money:
    """What stands of all premiums."""
    premiums = [policy.premium.minor for policy in checkout.policies]
    return Money(sum(premiums), checkout.total.currency)


@scenario
def insured_and_cancelled_in_parts(desk: Desk) -> None:
    checkout = known(desk, desk.cancel(buy(desk, insured(desk)).id, {"phone": 1}))
    assert stands(checkout) == [1, 1]
    checkout = ship(desk, checkout)
    assert checkout.phase is Phase.FULFILLED
    assert taken(desk, checkout) == checkout.total - sum_of(checkout, "phone", *COVERS)


@scenario
def a_cover_given_back_and_a_faulty_item_replaced(desk: Desk) -> None:
    checkout = buy(desk, insured(desk))
    checkout = ship(desk, checkout, {"phone": 1})
    for _ in range(3):
        checkout = known(desk, desk.cancel_cover(checkout.id, "cover:phone"))
        if checkout.refunds[-1].state is not PartState.FAILED:
            break
    assert stands(checkout) == [0, 2]
    checkout = ship(desk, checkout)
    checkout = desk.replace(checkout.id, {"phone": 1})
    assert stands(checkout) == [0, 2]
    premium = checkout.policies[0].terms.each * 2
    assert taken(desk, checkout) == checkout.total - premium


@scenario
def insured_on_own_invoice_and_returned(desk: Desk) -> None:
    checkout = ship(desk, buy(desk, insured(desk, "own_invoice")))
    checkout = refund(desk, checkout, {"phone": 2})
    (invoice,) = checkout.invoices
    assert invoice.credited == checkout.total - sum_of(checkout, "mug")
    pay(desk, checkout, invoice.number, invoice.open)


@scenario
def insured_and_declined_by_the_bank(desk: Desk) -> None:
    desk.bank.decline_next()
    checkout = ship(desk, buy(desk, insured(desk)))
    assert stands(checkout) == [2, 2]
    assert is_sold(desk, checkout)


@scenario
def insured_and_expired_while_the_customer_pays(desk: Desk) -> None:
    checkout = buy(desk, insured(desk, "wallet"))
    desk.wait(minutes=40)
    checkout = desk.world.checkout(checkout.id)
    assert checkout.phase is Phase.EXPIRED
    assert [policy.state for policy in checkout.policies] == ["cancelled", "cancelled"]
    assert stands(checkout) == [0, 0]


def insured_and_given_back_in_vain_at_first(desk: Desk) -> None:
    """No scenario like the others: refunds that fail after all call a person."""
    checkout = ship(desk, buy(desk, insured(desk)))
    for units in (1, 2):
        checkout = refund(desk, checkout, {"phone": units})
        assert stands(checkout) == [2 - units] * 2
        payment = checkout.payments[-1]
        desk.bank.take_back(payment.id, payment.attempts[-1].id)  # it never reached the customer
        checkout = desk.reconcile(checkout.id)
        assert stands(checkout) == [2, 2]
    checkout = refund(desk, checkout, {"phone": 2})
    assert stands(checkout) == [0, 0]


@scenario
def answer_to_the_authorisation_lost(desk: Desk) -> None:
    desk.bank.plan("authorise", Fault.LOSE_ANSWER)
    plain_sale(desk)


@scenario
def answer_to_the_capture_lost(desk: Desk) -> None:
    desk.bank.plan("capture", Fault.LOSE_ANSWER)
    two_shipments(desk)


@scenario
def answer_to_the_refund_lost(desk: Desk) -> None:
    desk.bank.plan("refund", Fault.LOSE_ANSWER)
    one_line_returned(desk)


@scenario
def answer_to_the_void_lost(desk: Desk) -> None:
    desk.bank.plan("void", Fault.LOSE_ANSWER)
    held_and_rejected(desk)


@scenario
def lost_authorisation_and_a_look_up_that_lags_behind(desk: Desk) -> None:
    desk.bank.plan("authorise", Fault.LOSE_ANSWER)
    desk.bank.plan("status", *[Fault.NOT_FOUND] * 5)
    checkout = ship(desk, buy(desk, start(desk)))
    assert is_sold(desk, checkout)


@scenario
def lost_refund_and_a_look_up_that_lags_behind(desk: Desk) -> None:
    desk.bank.plan("refund", Fault.LOSE_ANSWER)
    checkout = ship(desk, buy(desk, start(desk, MUGS_AND_BOOK)))
    desk.deliver()
    desk.bank.plan("status", *[Fault.STALE] * 5)  # for less long than a look-up may be behind
    checkout = refund(desk, checkout, {"mug": 1})
    assert taken(desk, checkout) == checkout.total - checkout.priced.unit_amount("mug", 0, 1)


@scenario
def notice_before_the_customer_returns(desk: Desk) -> None:
    checkout = buy(desk, start(desk, payment="wallet"))
    desk.bank.approve(checkout.payments[-1].id)
    desk.deliver()
    assert desk.world.checkout(checkout.id).phase is Phase.CONFIRMED
    checkout = ship(desk, desk.reconcile(checkout.id))
    assert taken(desk, checkout) == checkout.total


@scenario
def customer_returns_before_the_notice(desk: Desk) -> None:
    checkout = buy(desk, start(desk, payment="wallet"))
    desk.bank.approve(checkout.payments[-1].id)
    checkout = desk.reconcile(checkout.id)
    assert checkout.phase is Phase.CONFIRMED
    desk.deliver()
    checkout = ship(desk, checkout)
    assert taken(desk, checkout) == checkout.total


@scenario
def redirect_lost(desk: Desk) -> None:
    desk.bank.plan("authorise", Fault.LOSE_ANSWER)
    checkout = buy(desk, start(desk, payment="wallet"))
    assert checkout.next_action is not None
    desk.bank.approve(checkout.payments[-1].id)
    checkout = ship(desk, desk.reconcile(checkout.id))
    assert is_sold(desk, checkout)


@scenario
def customer_declines_in_the_wallet(desk: Desk) -> None:
    checkout = buy(desk, start(desk, payment="wallet"))
    desk.bank.decline(checkout.payments[-1].id)
    checkout = desk.reconcile(checkout.id)
    assert checkout.phase is Phase.COLLECTING
    checkout = desk.choose_payment(checkout.id, "card")
    checkout = ship(desk, buy(desk, checkout))
    assert taken(desk, checkout) == checkout.total


def with_gift_card(desk: Desk, payment: str, cart: Cart = MUG) -> Checkout:
    desk.bank.issue_gift_card(GIFT_CARD, Money(20000, "DKK"))
    checkout = start(desk, cart, payment)
    card = Money(5000, "DKK")
    covered: Checkout = desk.add_credit(checkout.id, "gift_card", card, code=GIFT_CARD)
    return covered


def left_on_card(desk: Desk) -> Money:
    return desk.bank.gift_card_balance(GIFT_CARD)


@scenario
def gift_card_and_card_that_declines(desk: Desk) -> None:
    checkout = with_gift_card(desk, "card")
    desk.bank.plan("authorise", Fault.NONE, Fault.DECLINE)
    checkout = ship(desk, buy(desk, checkout))
    assert is_sold(desk, checkout)
    assert left_on_card(desk) == Money(15000, "DKK")


@scenario
def gift_card_and_wallet_cancelled_while_the_customer_pays(desk: Desk) -> None:
    checkout = buy(desk, with_gift_card(desk, "wallet"))
    assert left_on_card(desk) == Money(15000, "DKK")
    checkout = known(desk, desk.cancel(checkout.id))
    assert checkout.phase is Phase.CANCELLED
    desk.bank.approve(checkout.payments[-1].id)  # too late
    assert left_on_card(desk) == Money(20000, "DKK")


@scenario
def cancelled_while_the_customer_says_yes(desk: Desk) -> None:
    checkout = buy(desk, with_gift_card(desk, "wallet"))
    desk.bank.approve(checkout.payments[-1].id)  # and nobody has told us
    checkout = known(desk, desk.cancel(checkout.id))
    assert checkout.phase is Phase.CANCELLED
    assert left_on_card(desk) == Money(20000, "DKK")


@scenario
def gift_card_pays_and_one_line_is_returned(desk: Desk) -> None:
    checkout = ship(desk, buy(desk, with_gift_card(desk, "card", MUGS_AND_BOOK)))
    checkout = refund(desk, checkout, {"mug": 3, "book": 1})
    assert taken(desk, checkout) == Money(0, "DKK")
    assert left_on_card(desk) == Money(20000, "DKK")


@scenario
def cancelled_after_confirmation(desk: Desk) -> None:
    checkout = buy(desk, start(desk))
    checkout = known(desk, desk.cancel(checkout.id))
    assert checkout.phase is Phase.CANCELLED


@scenario
def one_line_shipped_and_the_rest_cancelled(desk: Desk) -> None:
    checkout = ship(desk, buy(desk, start(desk, MUGS_AND_BOOK)), {"book": 1})
    checkout = known(desk, desk.cancel(checkout.id))
    assert checkout.phase is Phase.FULFILLED
    assert taken(desk, checkout) == checkout.priced.unit_amount("book", 0, 1)


@scenario
def expired_while_the_customer_pays(desk: Desk) -> None:
    checkout = buy(desk, start(desk, payment="wallet"))
    desk.wait(minutes=40)  # the shop waits half an hour, the bank an hour
    assert desk.world.checkout(checkout.id).phase is Phase.EXPIRED


@scenario
def capture_fails_after_a_while(desk: Desk) -> None:
    desk.bank.plan("capture", Fault.FAIL_LATER)
    checkout = ship(desk, buy(desk, start(desk)))
    assert is_sold(desk, checkout)


@scenario
def everything_is_slow(desk: Desk) -> None:
    for operation in ("authorise", "capture", "refund"):
        desk.bank.plan(operation, Fault.SLOW)
    checkout = buy(desk, start(desk, MUGS_AND_BOOK))
    checkout = refund(desk, ship(desk, checkout), {"book": 1})
    assert taken(desk, checkout) == checkout.total - checkout.priced.unit_amount("book", 0, 1)


@scenario
def own_invoice(desk: Desk) -> None:
    checkout = ship(desk, buy(desk, start(desk, MUGS_AND_BOOK, "own_invoice")), {"mug": 2})
    checkout = ship(desk, checkout)
    assert checkout.phase is Phase.FULFILLED
    assert sum(item.amount.minor for item in checkout.invoices) == checkout.total.minor
    for invoice in checkout.invoices:
        checkout = pay(desk, checkout, invoice.number, invoice.amount)
    assert not any(item.open.minor or item.owed.minor for item in checkout.invoices)


@scenario
def own_invoice_part_paid_and_returned(desk: Desk) -> None:
    checkout = ship(desk, buy(desk, start(desk, MUGS_AND_BOOK, "own_invoice")))
    (invoice,) = checkout.invoices
    checkout = pay(desk, checkout, invoice.number, Money(10000, "DKK"))
    checkout = refund(desk, checkout, {"book": 1})
    (invoice,) = checkout.invoices
    assert invoice.credited == checkout.priced.unit_amount("book", 0, 1)
    checkout = pay(desk, checkout, invoice.number, invoice.open)
    checkout = refund(desk, checkout, {"mug": 3})
    (invoice,) = checkout.invoices
    assert invoice.owed == invoice.paid  # all came back, so all is paid back
    checkout = pay(desk, checkout, invoice.number, -invoice.owed)
    assert not checkout.attention


@scenario
def gift_card_and_own_invoice_that_is_overdue(desk: Desk) -> None:
    checkout = ship(desk, buy(desk, with_gift_card(desk, "own_invoice", MUGS_AND_BOOK)))
    (invoice,) = checkout.invoices
    assert invoice.amount == checkout.total - Money(5000, "DKK")
    desk.wait(days=20)
    checkout = desk.world.checkout(checkout.id)
    assert checkout.invoices[0].is_reminded
    found, invoice = desk.find_invoice(invoice.reference, market="DK")
    assert found == checkout
    pay(desk, checkout, invoice.number, invoice.open)


def pay(desk: Desk, checkout: Checkout, invoice: int, amount: Money) -> Checkout:
    """The customer pays at the bank, or is paid back, and the shop reads it there."""
    paid: Checkout = desk.record_payment(
        checkout.id, invoice=invoice, amount=amount, received_on=desk.clock().date()
    )
    return paid


# Customers who come back ------------------------------------------------------------------------


def remembered(desk: Desk, **options: str) -> Checkout:
    """Somebody buys, and agrees to be remembered."""
    checkout = desk.start(MUG, market="DK", details=CUSTOMER, payment="card", **options)
    desk.consent(checkout.id, profile=True)
    return ship(desk, buy(desk, checkout))


def recognised(desk: Desk) -> Checkout:
    """Somebody comes back, and says who they are."""
    checkout = desk.start(MUG, market="DK")
    asked: Checkout = desk.recognise(
        checkout.id,
        client="203.0.113.7",
        email=CUSTOMER["email"],
        postal_code=CUSTOMER["postal_code"],
    )
    return asked


def code_for(desk: Desk, checkout: Checkout) -> str:
    """What the customer reads in their mailbox."""
    sent = desk.code(checkout.id)
    assert sent.to.reveal() == CUSTOMER["email"]
    code: str = sent.text.body[:6]
    return code


def is_filled_in(desk: Desk, checkout: Checkout) -> bool:
    """Whether the customer has to type nothing of what they typed before."""
    details = desk.details(checkout.id, Purpose.DELIVER, by="warehouse")
    is_known = checkout.recognition.level == "verified"
    return is_known and details.items() >= CUSTOMER.items()


@scenario
def recognised_by_a_code(desk: Desk) -> None:
    remembered(desk)
    checkout = recognised(desk)
    checkout = desk.verify(checkout.id, code_for(desk, checkout))
    assert is_filled_in(desk, checkout)
    assert (checkout.delivery, checkout.method) == ("parcel", "card")
    checkout = ship(desk, buy(desk, checkout))
    assert is_sold(desk, checkout)
    checkout = recognised(desk)  # and is still one person
    assert is_filled_in(desk, desk.verify(checkout.id, code_for(desk, checkout)))


@scenario
def a_wrong_code_and_another_one(desk: Desk) -> None:
    remembered(desk)
    checkout = recognised(desk)
    first = code_for(desk, checkout)
    with pytest.raises(NotVerified):
        desk.verify(checkout.id, wrong(first))
    # Where it crashed in between, the wrong code was typed twice.
    assert desk.world.checkout(checkout.id).recognition.tries in {1, 2}
    desk.wait(seconds=30)
    checkout = desk.ask_again(checkout.id)
    assert checkout.recognition.sending == 1
    second = code_for(desk, checkout)
    if first != second:
        with pytest.raises(NotVerified):
            desk.verify(checkout.id, first)
    assert is_filled_in(desk, desk.verify(checkout.id, second))


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


@scenario
def logged_in_and_then_forgotten(desk: Desk) -> None:
    login = f"{PLANTED}-17"
    remembered(desk, login=login)
    checkout = desk.start(MUG, market="DK", login=login)
    assert is_filled_in(desk, checkout)
    checkout = ship(desk, buy(desk, checkout))
    assert is_sold(desk, checkout)
    desk.consent(checkout.id, profile=False)
    assert desk.start(MUG, market="DK", login=login).provided == ("login",)


# Where they can crash ---------------------------------------------------------------------------

# What changes the world outside. A crash before anything else is a crash before the next of these.
CHANGES = (
    "commit",
    "send",
    "take_notice",
    "reset_timer",
    "take_turn",
    "write_person",
    "erase",
)


@cache
def effects_of(name: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The effects of a scenario without a crash, and after which of them a call had ended."""
    desk = play(SCENARIOS[name])
    return tuple(desk.effects), tuple(desk.ends)


def every_place(name: str) -> Iterator[Stop]:
    """Before every effect, and after the last one of every call."""
    effects, ends = effects_of(name)
    for number in range(1, len(effects) + 1):
        yield Stop(number)
        if number in ends:
            yield Stop(number, is_after=True)


def every_change(name: str) -> Iterator[Stop]:
    """The same, without places where the world outside stands as it does at the next one."""
    effects, _ = effects_of(name)
    for stop in every_place(name):
        if stop.is_after or effects[stop.effect - 1].startswith(CHANGES):
            yield stop


def described(name: str, stop: Stop) -> str:
    effects, _ = effects_of(name)
    when = "after" if stop.is_after else "before"
    return f"crash {when} effect {stop.effect}: {effects[stop.effect - 1]}"
