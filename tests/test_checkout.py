"""A checkout from cart to shipped goods in the pure core: who may do what, and what it costs."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.heart import ADDRESS, BANK, CART, CODE, DEAR, DIGITAL, FREE, SHOP, Sale, nok, standing

from checkoutflow.cart import Cart
from checkoutflow.checkout import commands as c
from checkoutflow.checkout import events as e
from checkoutflow.checkout.evolve import evolve, replay
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.messages import MESSAGES, messages
from checkoutflow.checkout.timers import changed, timers
from checkoutflow.choice.rules import Rules
from checkoutflow.errors import (
    DetailsMissing,
    IllegalTransition,
    InvalidInput,
    NotFound,
    NotSupported,
    OutcomeUnknown,
    TotalChanged,
    UsageError,
)
from checkoutflow.payment.outcomes import Done, Operation, Outcome, Redirect, Word
from checkoutflow.review import RejectReason
from checkoutflow.shop import MessageKind, Shop

PAGE = Redirect(url="https://bank.example/pay")


def refused(error: type[Exception], field: str, match: str = ""):
    return pytest.raises(error, match=match or field.partition(".")[0])


# Starting -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"market": "SE"}, "market"),
        ({"market": "DK"}, "cart.lines[0].unit_price"),
        (
            {"cart": CART.model_copy(update={"prices_include_vat": False})},
            "cart.prices_include_vat",
        ),
    ],
    ids=["not sold there", "pays in another currency", "consumers see prices with VAT"],
)
def test_a_checkout_that_cannot_start_says_why(more, field):
    with pytest.raises(InvalidInput) as error:
        Sale(**more)
    assert error.value.field == field


def test_a_business_may_be_given_prices_without_vat():
    cart = CART.model_copy(update={"prices_include_vat": False})
    sale = Sale(cart, customer="business")
    assert sale.state.total == nok(625)
    assert sale.state.priced.total_vat == nok(125)


def test_with_one_way_of_delivery_nothing_has_to_be_chosen():
    shop = SHOP.model_copy(update={"deliveries": SHOP.deliveries[:1]})
    sale = Sale(shop=shop)
    assert sale.state.delivery == "parcel"
    assert sale.state.total == nok(549)


def test_goods_without_a_way_of_delivery_are_not_sold():
    shop = SHOP.model_copy(update={"deliveries": ()})
    with pytest.raises(InvalidInput, match="no delivery to NO"):
        Sale(shop=shop)


# Choosing -------------------------------------------------------------------------------------


def test_a_download_asks_for_an_e_mail_and_nothing_else():
    sale = Sale(DIGITAL).do(c.Provide(fields=("email",)), c.ChoosePayment(method="card")).place()
    assert sale.state.phase is Phase.PLACING
    with pytest.raises(InvalidInput, match="nothing in this cart is sent"):
        Sale(DIGITAL).do(c.ChooseDelivery(delivery="parcel"))


def test_place_names_what_is_missing_in_the_order_of_asking():
    with pytest.raises(DetailsMissing) as error:
        Sale().place()
    assert error.value.fields == ("delivery", "payment", "email")
    with pytest.raises(DetailsMissing) as error:
        Sale().do(c.ChooseDelivery(delivery="pickup"), c.ChoosePayment(method="card")).place()
    assert error.value.fields == ("email", "name", "phone")
    with pytest.raises(DetailsMissing) as error:
        Sale().do(c.ChooseDelivery(delivery="parcel"), c.ChoosePayment(method="card")).place()
    assert error.value.fields == ("email", "name", "street", "postal_code", "city")


def test_another_total_than_the_accepted_one_is_refused_with_both_numbers():
    sale = Sale().ready()
    with pytest.raises(TotalChanged) as error:
        sale.do(c.Place(accepted_total=nok(500), payments=("p",), return_url="x://y"))
    assert (error.value.accepted, error.value.actual) == ("500.00 NOK", "549.00 NOK")
    assert sale.state.phase is Phase.COLLECTING


@pytest.mark.parametrize(
    ("command", "error", "match"),
    [
        (c.ChooseDelivery(delivery="drone"), InvalidInput, "choose one of parcel, pickup"),
        (c.ChoosePayment(method="shells"), InvalidInput, "card, wallet, own_invoice"),
        (c.ChoosePayment(method="gift_card"), InvalidInput, "choose one of"),
        (c.AddCredit(method="card", amount=nok(1)), InvalidInput, "gift_card, store_credit"),
        (c.AddCredit(method="store_credit", amount=nok(0)), InvalidInput, "above zero"),
        (c.AddCredit(method="store_credit", amount=nok(900)), InvalidInput, "500.00 NOK"),
        (c.AddCredit(method="gift_card", amount=nok(9)), DetailsMissing, "gift_card_code"),
        (c.RemoveCredit(method="store_credit"), InvalidInput, "no such credit"),
        (c.Provide(fields=("shoe_size",)), UsageError, "not declared"),
    ],
    ids=lambda item: item if isinstance(item, str) else "",
)
def test_a_choice_that_does_not_fit_is_refused(command, error, match):
    sale = Sale()
    before = sale.state
    with pytest.raises(error, match=match):
        sale.do(command)
    assert sale.state == before


def test_a_credit_in_another_currency_is_refused():
    with pytest.raises(InvalidInput, match="this checkout is in NOK"):
        Sale().do(c.AddCredit.read({"method": "store_credit", "amount": "1.00 DKK"}))


def test_methods_have_limits_markets_and_kinds_of_customer():
    data = SHOP.model_dump(mode="json")
    data["methods"] = [
        {"id": "small", "maximum": ["1.00 DKK", "100.00 NOK"]},
        {"id": "large", "minimum": ["9000.00 DKK", "1000.00 NOK"]},
        {"id": "danish", "markets": ["DK"]},
        {"id": "firms", "customers": ["business"]},
        {"id": "euro", "provider": "euro_only"},
        {"id": "gone", "provider": "nobody"},
    ]
    for method in data["methods"]:
        method["kind"] = "card"
    sale = Sale(shop=Shop.read(data))
    sale.rules = sale.rules.__class__(
        sale.rules.shop,
        sale.rules.law,
        {"euro_only": BANK.model_copy(update={"currencies": frozenset({"EUR"})})},
    )
    for method, why in {
        "small": "above its largest, NOK100.00",
        "large": "below its smallest, NOK1,000.00",
        "danish": "not offered in NO",
        "firms": "not for this kind of customer",
        "euro": "The provider euro_only does not take NOK",
        "gone": "There is no provider nobody",
    }.items():
        with pytest.raises(NotSupported, match=why):
            sale.do(c.ChoosePayment(method=method))


def test_a_new_cart_drops_the_choices_that_no_longer_fit():
    sale = Sale().ready().do(c.AddCredit(method="store_credit", amount=nok(400)))
    sale.do(CODE, c.AddCredit(method="gift_card", amount=nok(100)))
    smaller = Cart.read(
        {"lines": [{"sku": "mug", "name": "Mug", "quantity": 1, "unit_price": "80.00 NOK"}]}
    )
    sale.do(c.ChangeCart(cart=smaller))
    assert sale.state.total == nok(129)
    assert [credit.method for credit in sale.state.credits] == ["gift_card"]
    assert sale.state.delivery == "parcel"
    sale.do(c.ChangeCart(cart=DIGITAL))
    assert sale.state.delivery == ""
    assert sale.state.credits == ()


@pytest.mark.parametrize(
    ("cart", "match"),
    [
        (
            {"lines": [{"sku": "a", "name": "A", "quantity": 1, "unit_price": "1.00 DKK"}]},
            "this checkout is in NOK",
        ),
        (
            {
                "lines": [{"sku": "a", "name": "A", "quantity": 1, "unit_price": "1.00 NOK"}],
                "prices_include_vat": False,
            },
            "consumers see prices with VAT",
        ),
    ],
    ids=["another currency", "without VAT"],
)
def test_a_new_cart_must_fit_the_checkout(cart, match):
    with pytest.raises(InvalidInput, match=match):
        Sale().do(c.ChangeCart(cart=Cart.read(cart)))


def test_a_dearer_or_cheaper_delivery_moves_the_total_and_the_credits_with_it():
    sale = Sale().do(c.ChooseDelivery(delivery="parcel"))
    sale.do(c.AddCredit(method="store_credit", amount=nok(549)))
    sale.do(c.ChooseDelivery(delivery="pickup"))
    assert sale.state.total == nok(500)
    assert sale.state.credits == ()  # 549 of credit no longer fits


def test_a_credit_can_be_changed_and_taken_away():
    sale = Sale().ready().do(c.AddCredit(method="store_credit", amount=nok(50)))
    sale.do(c.AddCredit(method="store_credit", amount=nok(70)))
    assert sale.state.credited == nok(70)
    sale.do(c.RemoveCredit(method="store_credit"))
    assert sale.state.credited == nok(0)


def test_one_code_at_a_time():
    methods = [
        *SHOP.model_dump(mode="json")["methods"],
        {"id": "voucher", "name": "V", "provider": "bank", "kind": "gift_card"},
    ]
    shop = Shop.read({**SHOP.model_dump(mode="json"), "methods": methods})
    sale = Sale(shop=shop).ready().do(CODE, c.AddCredit(method="gift_card", amount=nok(5)))
    with pytest.raises(NotSupported, match="one code at a time"):
        sale.do(c.AddCredit(method="voucher", amount=nok(5)))


def test_a_method_that_no_longer_fits_is_dropped_and_asked_for_at_place():
    data = SHOP.model_dump(mode="json")
    data["methods"][0]["minimum"] = ["500.00 NOK"]
    sale = Sale(shop=Shop.read(data)).ready("card")
    sale.do(c.AddCredit(method="store_credit", amount=nok(100)))
    assert sale.happened == ["credit_added", "repriced"]
    assert sale.state.method == ""
    with pytest.raises(DetailsMissing, match="payment"):
        sale.place()


def test_a_provider_needs_an_address_to_come_back_to_and_ids_for_the_payments():
    sale = Sale().ready()
    with pytest.raises(InvalidInput) as error:
        sale.do(c.Place(accepted_total=sale.state.total, payments=("p",)))
    assert error.value.field == "return_url"
    with pytest.raises(InvalidInput) as error:
        sale.do(c.Place(accepted_total=sale.state.total, payments=()))
    assert error.value.field == "payments"


# Paying ---------------------------------------------------------------------------------------


def test_the_intent_is_written_down_before_anything_is_heard():
    sale = Sale().placed()
    assert sale.happened == ["placed", "payment_started", "attempt_started"]
    assert sale.state.phase is Phase.PLACING
    assert sale.open[0].id == "pay1a-1"


def test_a_sale_of_nothing_and_one_on_the_shops_own_invoice_confirm_without_a_provider():
    free = Sale(FREE).do(c.Provide(fields=("email",))).place()
    assert free.happened == ["placed", "confirmed"]
    assert free.state.payments == ()
    own = Sale().placed("own_invoice")
    assert own.state.phase is Phase.CONFIRMED
    assert own.books == (54900, 0, 0, 0)
    own.do(c.Ship(lines={"lamp": 1})).do(c.Refund(lines={"lamp": 1})).do(c.Cancel())
    assert own.state.phase is Phase.FULFILLED
    assert own.books == (54900, 32940, 32940, 21960)


def test_free_goods_ship_without_a_capture():
    free = Sale(FREE).do(c.Provide(fields=("email",))).place().do(c.Ship())
    assert free.state.phase is Phase.FULFILLED
    free.do(c.Refund(lines={"sample": 1}))
    assert free.happened == ["refund_started", "refund_done"]


def test_declined_then_paid_otherwise():
    sale = Sale().placed().hear(Outcome.DECLINED, reason="insufficient_funds")
    assert sale.state.phase is Phase.COLLECTING
    assert sale.payment.reason == "insufficient_funds"
    sale.do(c.ChoosePayment(method="wallet")).place().hear(Outcome.PENDING, action=PAGE)
    assert sale.state.next_action == PAGE
    sale.hear(Outcome.SUCCEEDED)
    assert sale.state.phase is Phase.CONFIRMED
    assert sale.state.next_action is None
    assert [str(payment.state) for payment in sale.state.payments] == ["declined", "authorised"]


def _split() -> Sale:
    sale = Sale().ready("wallet").do(CODE, c.AddCredit(method="gift_card", amount=nok(200)))
    return sale.place()


def test_side_by_side_the_gift_card_comes_first_and_the_rest_after_it():
    sale = _split()
    assert [tender.method for tender in sale.state.tenders] == ["gift_card", "wallet"]
    assert [(item.id, item.amount) for item in sale.open] == [("pay1a-1", nok(200))]
    sale.hear(Outcome.SUCCEEDED)
    assert [(item.id, item.amount) for item in sale.open] == [("pay1b-1", nok(349))]
    sale.hear(Outcome.SUCCEEDED)
    assert sale.state.phase is Phase.CONFIRMED


def test_side_by_side_the_gift_card_is_given_back_when_the_rest_fails():
    sale = _split().hear(Outcome.SUCCEEDED).hear(Outcome.DECLINED)
    assert sale.state.phase is Phase.PLACING  # not "failed" while money is reserved
    assert [item.operation for item in sale.open] == [Operation.VOID]
    sale.hear(Outcome.SUCCEEDED)
    assert sale.state.phase is Phase.COLLECTING
    assert sale.books == (20000, 0, 0, 20000)


def test_side_by_side_the_gift_card_can_pay_all_of_it():
    sale = Sale().ready("").do(CODE, c.AddCredit(method="gift_card", amount=nok(549)))
    sale.place().succeed()
    assert sale.state.phase is Phase.CONFIRMED
    assert len(sale.state.payments) == 1


def test_a_shipment_takes_the_gift_card_first_and_a_refund_fills_the_card_first():
    sale = _split().succeed().do(c.Ship()).succeed()
    assert [payment.books.captured for payment in sale.state.payments] == [20000, 34900]
    sale.do(c.Refund(amount=nok(400))).succeed()
    assert [payment.books.refunded for payment in sale.state.payments] == [5100, 34900]


@pytest.mark.parametrize("what", [{"amount": nok(549)}, {"lines": {"mug": 2, "lamp": 1}}])
def test_a_refund_that_was_given_back_in_part_is_asked_for_again_and_gives_the_rest(what):
    sale = _split().succeed().do(c.Ship()).succeed().do(c.Refund(**what))
    card, gift_card = sale.open[1], sale.open[0]
    assert (card.amount, gift_card.amount) == (nok(349), nok(200))
    sale.hear(Outcome.SUCCEEDED, card.id).hear(Outcome.DECLINED, gift_card.id)
    assert sale.happened == ["attempt_failed", "refund_not_done"]
    sale.do(c.Refund(**what))
    assert [(item.amount, item.operation) for item in sale.open] == [(nok(200), Operation.REFUND)]
    sale.succeed()
    assert sale.books == (54900, 54900, 54900, 0)
    with pytest.raises(UsageError):
        sale.do(c.Refund(**what))


def test_money_that_was_taken_at_once_is_given_back_when_the_rest_fails():
    sale = _split().hear(Outcome.SUCCEEDED)
    sale.look(standing(Word.AUTHORISED, 200, captured=200), "pay1a")
    sale.hear(Outcome.DECLINED, "pay1b-1")
    assert [item.operation for item in sale.open] == [Operation.REFUND]
    sale.hear(Outcome.SUCCEEDED)
    assert sale.state.phase is Phase.COLLECTING
    assert sale.books == (20000, 20000, 20000, 0)


def test_nobody_pays_a_second_time_while_an_outcome_is_unknown():
    sale = Sale().placed().hear(Outcome.UNKNOWN)
    for command in (c.ChoosePayment(method="wallet"), c.Ship(), c.ChangeCart(cart=CART)):
        with pytest.raises(IllegalTransition):
            sale.do(command)


# Ending early ---------------------------------------------------------------------------------


def test_cancelling_while_the_customer_pays_waits_for_the_provider():
    sale = Sale().placed("wallet").hear(Outcome.PENDING, action=PAGE).do(c.Cancel())
    assert sale.happened == ["ending_asked", "attempt_started"]
    assert sale.state.phase is Phase.PLACING
    sale.do(c.Cancel())  # twice is once
    assert sale.happened == []
    sale.hear(Outcome.SUCCEEDED, "pay1a-2")
    assert sale.state.phase is Phase.CANCELLED


def test_cancelling_while_the_outcome_is_unknown_waits_for_it():
    sale = Sale().placed().hear(Outcome.UNKNOWN).do(c.Cancel())
    assert sale.open[0].operation is Operation.AUTHORISE
    sale.look(standing(Word.AUTHORISED, 549))
    assert [item.operation for item in sale.open] == [Operation.VOID]
    sale.succeed()
    assert sale.state.phase is Phase.CANCELLED
    assert sale.books == (54900, 0, 0, 54900)


def test_an_unfinished_checkout_expires_and_says_so_to_whoever_comes_late():
    sale = Sale().ready().wait(days=2)
    with pytest.raises(IllegalTransition, match="place cannot happen while the checkout is exp"):
        sale.place()
    assert sale.do(c.PassTime()).state.phase is Phase.EXPIRED


def test_a_change_gives_an_unfinished_checkout_more_time():
    sale = Sale().wait(hours=20).do(c.Provide(fields=("email",))).wait(hours=20).do(c.PassTime())
    assert sale.state.phase is Phase.COLLECTING


def test_a_customer_who_never_pays():
    sale = Sale().placed("wallet").hear(Outcome.PENDING, action=PAGE).wait(hours=2)
    sale.do(c.PassTime())
    assert sale.happened == ["ending_asked", "attempt_started"]
    sale.hear(Outcome.SUCCEEDED, "pay1a-2")
    assert sale.state.phase is Phase.EXPIRED


def test_money_that_is_there_counts_also_when_we_hear_of_it_late():
    sale = Sale().placed("wallet").hear(Outcome.PENDING, action=PAGE).wait(hours=2)
    sale.look(standing(Word.AUTHORISED, 549))
    assert sale.state.phase is Phase.CONFIRMED


def test_a_void_that_is_refused_is_tried_three_times_and_then_a_person_is_called():
    sale = Sale().confirmed().do(c.Cancel())
    for _ in range(3):
        sale.hear(Outcome.REFUSED)
        assert sale.open == []  # first the provider is asked
        sale.look(standing(Word.AUTHORISED, 549))
    assert [item.reason for item in sale.state.attention] == ["void_failed"]
    assert sale.open == []
    sale.look(standing(Word.VOIDED, 549, voided=549))
    assert sale.state.attention == ()


def test_a_provider_that_cannot_void_calls_a_person():
    bank = BANK.model_copy(update={"operations": frozenset({Operation.AUTHORISE})})
    sale = Sale(bank=bank).confirmed().do(c.Cancel())
    assert sale.state.phase is Phase.CANCELLED
    assert [item.reason for item in sale.state.attention] == ["void_failed"]


# Review ---------------------------------------------------------------------------------------


def test_an_order_above_the_limit_is_held_and_one_at_the_limit_is_not():
    assert Sale(DEAR).confirmed().state.phase is Phase.HELD
    cart = Cart.read(
        {"lines": [{"sku": "w", "name": "W", "quantity": 1, "unit_price": "4951.00 NOK"}]}
    )
    assert Sale(cart).confirmed().state.phase is Phase.CONFIRMED


def test_the_deadline_comes_before_the_authorisation_runs_out():
    sale = Sale(DEAR).placed()
    sale.hear(Outcome.SUCCEEDED, valid_until=sale.now + (sale.now - sale.now.replace(hour=2)))
    assert sale.state.review is not None
    assert (sale.state.review.deadline - sale.now).total_seconds() == 9 * 3600


def test_approved():
    sale = Sale(DEAR).confirmed().do(c.Claim(reviewer="r2"))
    sale.do(c.Approve(reviewer="r2"))
    assert sale.state.phase is Phase.CONFIRMED
    assert sale.state.review is not None
    assert (str(sale.state.review.state), sale.state.review.reviewer) == ("approved", "r2")


def test_rejected_leaves_nothing_reserved():
    sale = Sale(DEAR).confirmed().do(c.Reject(reviewer="r1", reason=RejectReason.STOLEN_PAYMENT))
    assert sale.state.phase is Phase.REJECTED
    assert [item.operation for item in sale.open] == [Operation.VOID]
    assert sale.succeed().books == (904900, 0, 0, 904900)


def test_the_deadline_rejects_and_a_decision_after_it_comes_too_late():
    sale = Sale(DEAR).confirmed().wait(days=4)
    with pytest.raises(IllegalTransition, match="approve cannot happen while the checkout is rej"):
        sale.do(c.Approve(reviewer="r1"))
    sale.do(c.PassTime())
    assert sale.happened == ["review_lapsed", "attempt_started"]


def test_a_customer_who_cancels_meanwhile():
    sale = Sale(DEAR).confirmed().do(c.Cancel())
    assert sale.state.phase is Phase.CANCELLED
    assert sale.state.review is not None
    assert str(sale.state.review.state) == "lapsed"


def test_nobody_decides_twice():
    sale = Sale(DEAR).confirmed().do(c.Approve(reviewer="r1"))
    with pytest.raises(IllegalTransition):
        sale.do(c.Reject(reviewer="r2"))


# Shipping, cancelling, giving back ------------------------------------------------------------


def test_shipped_in_two_parts_and_the_parts_add_up():
    sale = Sale().confirmed().do(c.Ship(lines={"mug": 1})).succeed()
    assert sale.state.phase is Phase.CONFIRMED
    assert sale.books == (54900, 10980, 0, 0)
    sale.do(c.Ship()).succeed()
    assert sale.state.phase is Phase.FULFILLED
    assert sale.books == (54900, 54900, 0, 0)


def test_a_capture_that_is_declined_keeps_the_goods_here():
    sale = Sale().confirmed().do(c.Ship()).hear(Outcome.DECLINED)
    assert sale.happened == ["attempt_failed", "shipment_failed"]
    assert sale.state.to_ship() == {"mug": 2, "lamp": 1}
    sale.do(c.Ship()).succeed()
    assert sale.state.phase is Phase.FULFILLED


def test_cancelling_the_rest_releases_it():
    sale = Sale().confirmed().do(c.Ship(lines={"lamp": 1})).succeed().do(c.Cancel())
    assert sale.happened == ["lines_cancelled", "fulfilled", "attempt_started"]
    sale.succeed()
    assert sale.books == (54900, 32940, 0, 21960)


def test_cancelling_one_line_and_shipping_the_rest():
    sale = Sale().confirmed().do(c.Cancel(lines={"mug": 1}))
    assert sale.state.phase is Phase.CONFIRMED
    sale.do(c.Ship()).succeed()
    assert sale.state.phase is Phase.FULFILLED
    assert sale.books == (54900, 43920, 0, 10980)


def test_cancelling_everything_of_a_confirmed_order():
    sale = Sale().confirmed().do(c.Cancel()).succeed()
    assert sale.state.phase is Phase.CANCELLED
    assert sale.books == (54900, 0, 0, 54900)


def test_what_the_portal_captured_is_used_before_anything_more_is_taken():
    sale = Sale().confirmed().look(standing(Word.AUTHORISED, 549, captured=200))
    assert sale.events[0].origin == "provider"  # type: ignore[union-attr]
    sale.do(c.Ship())
    assert [item.amount for item in sale.open] == [nok(349)]
    assert sale.succeed().books == (54900, 54900, 0, 0)


def test_what_the_portal_captured_and_bought_nothing_is_given_back():
    sale = Sale().confirmed().look(standing(Word.AUTHORISED, 549, captured=549))
    sale.do(c.Cancel())
    assert [(item.operation, item.amount) for item in sale.open] == [(Operation.REFUND, nok(549))]
    assert sale.succeed().books == (54900, 54900, 54900, 0)


def test_money_taken_late_for_a_round_that_failed_is_given_back_whole_while_the_order_ships():
    sale = Sale().placed().hear(Outcome.DECLINED).place().succeed()
    sale.do(c.Ship(lines={"lamp": 1})).succeed()
    sale.look(standing(Word.AUTHORISED, 549, captured=549), "pay1a")
    assert [(item.operation, item.amount) for item in sale.open] == [(Operation.REFUND, nok(549))]
    sale.succeed()
    assert sale.books == (109800, 54900 + 32940, 54900, 0)


def test_what_the_portal_gave_back_is_not_given_back_again():
    sale = Sale().confirmed().look(standing(Word.AUTHORISED, 549, captured=549, refunded=100))
    sale.do(c.Cancel())
    assert [(item.operation, item.amount) for item in sale.open] == [(Operation.REFUND, nok(449))]


@pytest.mark.parametrize(
    ("command", "match"),
    [
        (c.Ship(lines={"mug": 3}), "only 2 are left to ship"),
        (c.Ship(lines={"sofa": 1}), "only 0 are left"),
        (c.Ship(lines={"mug": 0}), "at least 1"),
        (c.Cancel(lines={"mug": 9}), "only 2 are left to cancel"),
        (c.Refund(lines={"mug": 1}), "only 0 are shipped"),
        (c.Refund(amount=nok(1)), "only 0.00 NOK of it is there"),
        (c.Refund(amount=nok(0)), "above zero"),
        (c.Refund(), "either lines or an amount"),
        (c.Refund(lines={"mug": 1}, amount=nok(1)), "give either lines or an amount"),
        (c.Refund.read({"amount": "1.00 DKK"}), "this checkout is in NOK"),
        (c.CaptureAgain(shipment="s9"), "there is no shipment s9"),
    ],
    ids=lambda item: item if isinstance(item, str) else "",
)
def test_more_than_there_is_is_refused(command, match):
    sale = Sale().confirmed()
    before = sale.state
    with pytest.raises(UsageError, match=match):
        sale.do(command)
    assert sale.state == before


def test_what_is_shipped_is_neither_shipped_nor_cancelled_again():
    sale = Sale().confirmed().do(c.Ship(lines={"mug": 2})).succeed()
    for command in (c.Ship(lines={"mug": 1}), c.Cancel(lines={"mug": 1})):
        with pytest.raises(UsageError, match="only 0"):
            sale.do(command)
    sale.do(c.Ship(lines={"lamp": 1}))
    for again in (c.Ship(), c.Cancel(), c.Refund(lines={"mug": 1})):
        with pytest.raises((UsageError, OutcomeUnknown)):
            sale.do(again)


def test_a_paid_shipment_is_not_captured_again():
    sale = Sale().confirmed().do(c.Ship()).succeed()
    with pytest.raises(UsageError, match="is paid for"):
        sale.do(c.CaptureAgain(shipment="s1"))


def test_nothing_new_is_asked_while_an_outcome_is_unknown():
    sale = Sale().confirmed().do(c.Ship(lines={"mug": 1})).hear(Outcome.UNKNOWN)
    for command in (c.Ship(), c.Refund(amount=nok(1))):
        with pytest.raises(OutcomeUnknown) as error:
            sale.do(command)
        assert error.value.next == "look_again"


def test_less_reserved_than_the_shipment_costs_is_refused():
    sale = Sale().confirmed().look(standing(Word.AUTHORISED, 549, voided=100))
    with pytest.raises(UsageError, match=r"cannot capture 549.00 NOK: only 449.00 NOK"):
        sale.do(c.Ship())


def test_a_person_is_called_when_what_is_reserved_no_longer_covers_what_is_left():
    sale = Sale().confirmed().look(standing(Word.AUTHORISED, 549, voided=100))
    assert [item.reason for item in sale.state.attention] == ["authorisation_lost"]
    sale.do(c.Cancel(lines={"mug": 1}))
    sale.do(c.Ship()).succeed()
    assert sale.state.phase is Phase.FULFILLED
    assert sale.state.attention == ()


def test_an_order_that_is_no_longer_covered_cannot_be_approved():
    sale = Sale(DEAR).confirmed().look(standing(Word.AUTHORISED, 9049, voided=1))
    assert sale.happened == ["payment_voided", "review_lapsed", "attempt_started"]
    assert sale.state.phase is Phase.REJECTED


def test_a_provider_that_captures_all_at_once_is_asked_for_nothing_else():
    bank = BANK.model_copy(update={"captures": "whole", "partial_refund": False})
    sale = Sale(bank=bank).confirmed()
    with pytest.raises(NotSupported, match="captures all at once"):
        sale.do(c.Ship(lines={"mug": 1}))
    sale.do(c.Ship()).succeed()
    with pytest.raises(NotSupported, match="refunds all at once"):
        sale.do(c.Refund(lines={"mug": 1}))


def test_a_refund_that_fails_leaves_the_goods_unreturned():
    sale = Sale().confirmed().do(c.Ship()).succeed().do(c.Refund(lines={"lamp": 1}))
    assert sale.hear(Outcome.DECLINED).happened == ["attempt_failed", "refund_not_done"]
    assert sale.state.returned("lamp") == 0


@given(st.data())
def test_however_it_is_shipped_cancelled_and_returned_the_sums_are_exact(data):
    cart = Cart.read(
        {
            "lines": [
                {"sku": "a", "name": "A", "quantity": 7, "unit_price": "33.33 NOK"},
                {
                    "sku": "b",
                    "name": "B",
                    "quantity": 3,
                    "unit_price": "9.99 NOK",
                    "vat_category": "food",
                },
            ],
            "discounts": [{"name": "D", "percent": "12.5"}],
        }
    )
    sale = Sale(cart).confirmed()
    total = sale.state.total.minor
    while sale.state.phase is Phase.CONFIRMED:
        left = sale.state.to_ship()
        line = data.draw(st.sampled_from(sorted(left)))
        units = data.draw(st.integers(min_value=1, max_value=left[line]))
        kind = data.draw(st.sampled_from([c.Ship, c.Cancel]))
        sale.do(kind(lines={line: units})).succeed()
    books = sale.state.books
    assert books.authorised == total
    assert books.captured + books.voided == total
    for item in cart.lines:
        line = item.id
        while away := sale.state.shipped(line) - sale.state.returned(line):
            back = data.draw(st.integers(min_value=1, max_value=away))
            sale.do(c.Refund(lines={line: back})).succeed()
    assert sale.state.books.refunded == sale.state.books.captured


# Time and messages ----------------------------------------------------------------------------


def test_timers_follow_from_the_state():
    sale = Sale()
    assert timers(sale.state, SHOP) == {"expiry": sale.state.expires_at}
    sale.placed()
    assert set(timers(sale.state, SHOP)) == {"expiry", "look"}
    sale.hear(Outcome.SUCCEEDED, valid_until=sale.now.replace(day=28))
    assert timers(sale.state, SHOP) == {"remind": sale.now.replace(day=27)}
    held = Sale(DEAR).confirmed()
    assert set(timers(held.state, SHOP)) == {"review", "remind"}


def test_only_what_changed_among_the_timers_is_written():
    early, late = Sale().now, Sale().wait(days=1).now
    assert changed({"a": early, "b": early, "c": early}, {"b": late, "c": early}) == {
        "a": None,
        "b": late,
    }


def test_the_shop_is_reminded_once_before_an_authorisation_runs_out():
    sale = Sale().placed()
    sale.hear(Outcome.SUCCEEDED, valid_until=sale.now.replace(day=28))
    assert sale.wait(days=5).do(c.PassTime()).happened == []
    assert sale.wait(days=1).do(c.PassTime()).happened == ["authorisation_reminded"]
    assert sale.wait(hours=1).do(c.PassTime()).happened == []


def test_every_kind_of_message_has_its_events():
    assert set(MESSAGES) == set(get_args(MessageKind))


def test_messages_are_made_of_events_and_only_of_those_that_are_wanted():
    events = (e.Confirmed(), e.Shipped(shipment="s1"), e.Shipped(shipment="s2"), e.Fulfilled())
    assert messages(events, frozenset()) == ()
    assert messages(events, frozenset({"shipped", "held"})) == ("shipped",)
    assert messages(events, frozenset(MESSAGES)) == ("confirmed", "shipped", "fulfilled")


def test_an_adapter_cannot_ask_for_what_payments_may_not_use():
    with pytest.raises(InvalidInput, match="shoe_size is not used to take_payment"):
        type(BANK).read({**BANK.model_dump(), "details": ["shoe_size"]})


# A shop that changes its settings under a running checkout ------------------------------------


def test_a_provider_that_is_gone_or_can_less_than_before_refuses_the_step():
    sale = Sale().confirmed()
    rules = sale.rules
    sale.rules = Rules(rules.shop, rules.law, {})
    with pytest.raises(NotSupported, match="there is no provider bank"):
        sale.do(c.Ship())
    less = BANK.model_copy(update={"operations": frozenset({Operation.AUTHORISE})})
    sale.rules = Rules(rules.shop, rules.law, {"bank": less})
    with pytest.raises(NotSupported, match="bank cannot capture"):
        sale.do(c.Ship())


def test_a_delivery_that_is_gone_must_be_chosen_again():
    sale = Sale().ready()
    sale.rules = Rules(
        SHOP.model_copy(update={"deliveries": SHOP.deliveries[1:]}), sale.rules.law, {"bank": BANK}
    )
    sale.do(c.ChangeCart(cart=CART))
    assert sale.state.delivery == "pickup"  # the only one left


def test_a_delivery_that_lost_its_price_is_not_given_away():
    sale = Sale().ready()
    parcel, pickup = SHOP.deliveries
    dearer = SHOP.but(deliveries=(parcel.but(prices=parcel.prices[1:]), pickup))
    sale.rules = Rules(dearer, sale.rules.law, {"bank": BANK})
    with pytest.raises(DetailsMissing) as error:
        sale.place()
    assert error.value.fields == ("delivery",)


def test_a_provider_that_is_gone_is_sent_nothing_again():
    sale = Sale().placed().hear(Outcome.UNKNOWN)
    sale.rules = Rules(sale.rules.shop, sale.rules.law, {})
    assert sale.wait(minutes=5).look(None).happened == ["looked"]


def test_what_is_to_end_reserves_nothing_more():
    sale = Sale().placed().hear(Outcome.UNKNOWN).do(c.Cancel()).wait(minutes=5)
    assert sale.look(standing(Word.NOT_FOUND)).happened == ["looked"]
    sale.wait(minutes=20).look(standing(Word.NOT_FOUND))
    assert sale.happened == ["attempt_failed", "cancelled"]


def test_single_lines_are_cancelled_only_once_there_is_an_order():
    with pytest.raises(InvalidInput, match="once confirmed"):
        Sale().do(c.Cancel(lines={"mug": 1}))


def test_with_everything_on_its_way_nothing_is_left_to_ship_or_cancel():
    sale = Sale().confirmed().do(c.Ship()).hear(Outcome.PENDING)
    for command in (c.Ship(), c.Cancel()):
        with pytest.raises(UsageError, match="nothing is left"):
            sale.do(command)


def test_events_that_do_not_belong_are_refused_on_replay():
    sale = Sale().confirmed()
    for event in (
        e.ReviewApproved(reviewer="r1"),
        e.ShipmentStarted(shipment="s1", lines={"mug": 3}, amount=nok(1)),
        e.AttemptResent(payment="pay1a", attempt="pay1a-9", lease_until=sale.now),
    ):
        with pytest.raises(UsageError):
            evolve(sale.state, event)


# Replay ---------------------------------------------------------------------------------------


def test_events_survive_being_written_down():
    sale = _split()
    events = list(sale.events)
    for step in (Outcome.SUCCEEDED, Outcome.DECLINED, Outcome.SUCCEEDED):
        events += sale.hear(step).events
    assert e.from_json(e.to_json(tuple(events))) == tuple(events)


def test_replaying_the_journal_gives_the_state():
    sale = Sale()
    commits = [sale.events]
    for step in (
        lambda: sale.do(c.Provide(fields=ADDRESS), c.ChooseDelivery(delivery="parcel")),
        lambda: sale.do(c.ChoosePayment(method="card")),
        sale.place,
        lambda: sale.hear(Outcome.SUCCEEDED),
        lambda: sale.do(c.Ship(lines={"mug": 1})),
        lambda: sale.hear(Outcome.SUCCEEDED),
    ):
        step()
        commits.append(sale.events)
    assert replay(commits) == sale.state.model_copy(update={"version": len(commits)})
    assert replay([]) is None


def test_what_does_not_exist_is_not_found():
    with pytest.raises(NotFound, match="no payment nope"):
        Sale().state.payment("nope")
    with pytest.raises(NotFound, match="no attempt nope"):
        Sale().do(c.RecordResult.read({"attempt": "nope", "result": {"outcome": "unknown"}}))


# What the simulated world has taught (python -m checkoutflow.testing.simulation) ------------------


def sent_in_two(second: Outcome = Outcome.SUCCEEDED) -> Sale:
    """The lamp has left and is paid for; the mugs are on their way."""
    sale = Sale().confirmed().do(c.Ship(lines={"lamp": 1})).succeed()
    return sale.do(c.Ship(lines={"mug": 2})).hear(second)


def lamp(outcome: Outcome) -> Done:
    return Done(key="pay1a-2", outcome=outcome)


def mugs(outcome: Outcome) -> Done:
    return Done(key="pay1a-3", outcome=outcome)


def test_what_a_later_shipment_captures_does_not_pay_for_one_whose_capture_was_taken_back():
    """The look-up tells of both at once: the first capture is gone, the second one is done."""
    sale = sent_in_two(Outcome.UNKNOWN).wait(minutes=2)
    told = (lamp(Outcome.DECLINED), mugs(Outcome.SUCCEEDED))
    sale.look(standing(Word.AUTHORISED, 549, captured=219.6, operations=told))
    assert [item.is_paid for item in sale.state.shipments] == [False, True]
    assert [item.reason for item in sale.state.attention] == ["capture_failed"]
    assert not sale.open, "what is reserved for the lamp is not released"
    sale.do(c.CaptureAgain(shipment="s1"))
    assert sale.succeed().books == (54900, 54900, 0, 0)


def test_a_shipment_that_failed_is_never_paid_again():
    sale = Sale().confirmed().do(c.Ship(lines={"lamp": 1})).hear(Outcome.DECLINED)
    sale.do(c.Ship()).succeed()
    assert [item.state for item in sale.state.shipments] == ["failed", "done"]
    assert "shipment_paid_again" not in sale.happened


def test_a_capture_taken_back_falls_on_the_shipment_that_it_had_paid_for():
    """The first shipment failed after a part of it was captured; the second one used that part."""
    sale = Sale().ready("").do(CODE, c.AddCredit(method="gift_card", amount=nok(40)))
    sale = sale.ready().place().succeed().do(c.Ship(lines={"lamp": 1}))
    card, rest = sale.open
    sale.hear(Outcome.SUCCEEDED, card.id).hear(Outcome.DECLINED, rest.id)
    sale.do(c.Ship()).succeed()
    assert [item.state for item in sale.state.shipments] == ["failed", "done"]
    told = (Done(key=card.id, outcome=Outcome.DECLINED),)
    sale.look(standing(Word.AUTHORISED, 40, operations=told), "pay1a")
    assert not sale.state.shipments[1].is_paid
    sale.do(c.CaptureAgain(shipment="s2"))
    assert [item.amount for item in sale.open] == [nok(40)]


def test_a_notice_whose_news_the_look_up_does_not_show_yet_has_us_look_once_more():
    """An authorisation ran out and the notice was faster than the provider's own look-up."""
    sale = Sale().confirmed().wait(days=2)
    old = standing(Word.AUTHORISED, 549)
    sale.do(c.TakeStanding(payment="pay1a", standing=old, is_told=True))
    look_at = sale.payment.look_at
    assert look_at is not None
    sale.now = look_at
    for _ in range(2):
        sale.look(standing(Word.EXPIRED, 549, voided=549))
    assert [item.reason for item in sale.state.attention] == ["authorisation_lost"]
    assert sale.payment.look_at is None


def test_a_notice_of_what_was_just_done_is_looked_into_once():
    sale = Sale().confirmed()
    same = standing(Word.AUTHORISED, 549)
    sale.do(c.TakeStanding(payment="pay1a", standing=same, is_told=True))
    assert not sale.happened


def test_a_capture_that_is_turned_down_has_us_look_why():
    """The notice of a void in the portal was looked into while the provider was ill."""
    sale = Sale().confirmed().do(c.Ship()).hear(Outcome.DECLINED)
    assert sale.payment.look_at is not None
    sale.look(standing(Word.AUTHORISED, 549, voided=549))
    assert [item.reason for item in sale.state.attention] == ["authorisation_lost"]


def test_a_void_of_what_was_captured_in_part_meanwhile_releases_the_rest():
    """In the portal a part was captured just before the order was cancelled."""
    sale = Sale().confirmed().do(c.Cancel()).hear(Outcome.UNKNOWN).wait(minutes=2)
    told = (Done(key="pay1a-2", outcome=Outcome.SUCCEEDED),)
    sale.look(standing(Word.AUTHORISED, 549, captured=200, voided=349, operations=told))
    assert sale.books == (54900, 20000, 0, 34900)
    assert not sale.payment.contradiction
    assert [(item.operation, item.amount) for item in sale.open] == [(Operation.REFUND, nok(200))]


def test_a_capture_that_is_there_after_all_comes_before_the_refund_of_it():
    """It was told to be gone, then it was back, with a refund of it that had been asked for."""
    sale = Sale().confirmed().do(c.Ship()).succeed()
    sale.do(c.Refund(lines={"lamp": 1})).hear(Outcome.UNKNOWN).wait(hours=1)
    gone = (Done(key="pay1a-2", outcome=Outcome.DECLINED),)
    sale.look(standing(Word.AUTHORISED, 549, operations=gone))
    back = (Done(key="pay1a-3", outcome=Outcome.SUCCEEDED),)
    refund = sale.open[0].amount
    told = standing(Word.AUTHORISED, 549, captured=549, operations=back)
    sale.look(told.but(refunded=refund))
    assert not sale.payment.contradiction
    assert sale.books == (54900, 54900, refund.minor, 0)
