"""Covers in a sale: offered, answered, bound with the order, and given back with their goods."""

from __future__ import annotations

import json
from contextlib import closing, suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.covers import LINES, SETTINGS, SHOP, cart
from tests.heart import BANK, DIGITAL, Sale, nok

from checkoutflow.cart import Cart
from checkoutflow.checkout import commands as c
from checkoutflow.checkout import events as e
from checkoutflow.checkout.accounts import accounts
from checkoutflow.checkout.evolve import replay
from checkoutflow.checkout.processing import record_of_processing
from checkoutflow.checkout.view import View, view_of
from checkoutflow.cli import main
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
from checkoutflow.flow import covering
from checkoutflow.flow.export_page import export_page
from checkoutflow.flow.exports import plain
from checkoutflow.flow.lines import order_lines, part_lines
from checkoutflow.flow.sync import CheckoutFlow
from checkoutflow.insurance.bordereau import rows
from checkoutflow.insurers import read_partners
from checkoutflow.money import Money
from checkoutflow.payment.outcomes import Heard, Operation, Outcome
from checkoutflow.privacy.fields import Purpose
from checkoutflow.privacy.register import Reader
from checkoutflow.privacy.vault import Keys
from checkoutflow.shop import Shop
from checkoutflow.stores.memory import MemoryStore
from checkoutflow.stores.sql import open_store
from checkoutflow.testing import Clock
from checkoutflow.testing.partner import SimulatedPartner

if TYPE_CHECKING:
    from checkoutflow.checkout.state import Checkout

HOME = {"home_cover": "no"}
PHONE, PARCEL, LONGER = "phone_cover:phone", "parcel_cover", "longer:phone"


def sale(*names: str, quantity: int = 2, shop: Shop = SHOP, **more: Any) -> Sale:
    return Sale(cart(*(names or ("phone", "mug")), quantity=quantity), shop=shop, **more)


def insured(*names: str, covers: tuple[str, ...] = (PHONE,), **more: Any) -> Sale:
    wanted = dict.fromkeys(covers, True)
    return sale(*names, **more).do(c.AnswerInsurance(covers=wanted, answers=HOME))


def shown(sale: Sale, locale: str = "nb_NO", *, explain: bool = False) -> View:
    return view_of(sale.state, sale.rules, locale, sale.now, explain=explain)


def stands(sale: Sale) -> dict[str, tuple[str, int, Money]]:
    return {each.id: (each.state, each.units, each.premium) for each in sale.state.policies}


def other(**settings: Any) -> Shop:
    """The shop with other settings of its first product."""
    first, *rest = SETTINGS["insurance"]
    changed = {name: each for name, each in (first | settings).items() if each is not None}
    return Shop.read(SETTINGS | {"insurance": [changed, *rest]})


# Offered ------------------------------------------------------------------------------------------


def test_an_offer_has_all_that_must_stand_beside_it():
    page = shown(sale())
    offer = page.covers[0]
    assert (offer.id, offer.name, offer.text) == (
        PHONE,
        "Mobilforsikring",
        "Knust skjerm og vannskade",
    )
    assert not offer.is_accepted
    assert (offer.each.minor, offer.units, offer.premium.minor) == (29900, 2, 59800)
    assert offer.total_without == page.totals.total
    assert offer.total_with.minor == page.totals.total.minor + 59800
    assert offer.document is not None
    assert (offer.document.url, offer.document.version, offer.document.language) == (
        "https://nordvern.example/ipid-nb.pdf",
        "2026-01",
        "nb",
    )
    assert offer.insurer is not None
    assert offer.insurer.name == "Nordvern Forsikring ASA"
    assert "Skriv til" in offer.insurer.complaints
    (question,) = offer.questions
    assert [answer.id for answer in question.answers] == ["no", "yes", "unsure"]
    assert question.given == ""
    assert offer.tax is None
    assert len(offer.notes) == 5  # how long, without it, at home, giving back, the commission
    english = shown(sale(), "en_GB").covers
    assert english[0].notes == (
        "It covers for 12 months.",
        "You can buy the goods without it.",
        "Your home insurance may cover this already.",
        "You can give it back within 14 days and get all that you paid for it.",
        "The insurer pays the shop a commission, which is part of the price.",
    )
    assert (english[0].accept[:8], english[0].decline) == ("Yes, for", "No, thank you")
    assert english[1].notes[0] == "It covers for one month."
    warranty = english[2]
    assert (warranty.kind, warranty.insurer, warranty.document) == ("warranty", None, None)
    assert "It is the shop's own and no insurance. VAT is in the price." in warranty.notes


def test_a_tax_is_told_with_its_amount():
    danish = other(
        markets=["DK"],
        minimum=None,
        maximum=None,
        premium={"fixed": ["100.09 DKK"]},
        document={"version": "1", "urls": {"da": "https://nordvern.example/da"}},
    )
    goods = Cart.read({"lines": [LINES["phone"] | {"unit_price": "4000 DKK", "quantity": 1}]})
    page = shown(Sale(goods, shop=danish, market="DK"), "en_GB")
    assert page.covers[0].tax is not None
    assert page.covers[0].tax.minor == 109
    assert any("DKK" in note and "(1.1%)" in note for note in page.covers[0].notes)


def test_reasons_are_told_on_request():
    page = shown(sale("mug"), "en_GB", explain=True)
    told = {each.id: each.why for each in page.refused}
    assert told["phone_cover"] == "It covers nothing in this cart."
    assert not shown(sale("mug")).refused


def test_nothing_is_offered_once_the_order_is_placed_and_nobody_has_to_answer():
    bought = sale().ready()
    assert shown(bought).can_place
    assert shown(bought.place()).covers == ()
    assert bought.succeed().state.policies == ()


def test_a_shop_without_covers_offers_none():
    assert shown(Sale()).covers == ()


# Answered -----------------------------------------------------------------------------------------


def test_what_is_accepted_is_a_line_that_no_discount_or_charge_touches():
    before = sale().ready()
    after = insured().ready()
    assert after.state.total - before.state.total == nok(598)
    line = after.state.priced.line(PHONE)
    assert (line.payable, line.charged, line.vat_percent) == (nok(598), nok(0), 0)
    page = shown(after)
    assert [(named.name, named.amount.minor) for named in page.totals.covers] == [
        ("Mobilforsikring", 59800)
    ]
    assert page.totals.goods == shown(before).totals.goods
    assert page.lines[-1].kind == "insurance"
    offer = page.covers[0]
    assert offer.is_accepted
    assert offer.total_with == page.totals.total
    assert offer.total_without.minor == before.state.total.minor
    assert offer.questions[0].given == "no"


def test_a_percentage_off_is_off_the_goods():
    off = {"discounts": [{"name": "Half", "percent": 50}]}
    goods = Cart.read(cart("phone").model_dump() | off)
    after = Sale(goods, shop=SHOP).do(c.AnswerInsurance(covers={PHONE: True}, answers=HOME))
    assert after.state.priced.line(PHONE).payable == nok(299)
    assert after.state.priced.discounts[0].amount == nok(2000)


def test_where_prices_are_without_vat_a_premium_bears_none():
    shop = other(customers=["business", "consumer"])
    goods = Cart.read(cart("phone").model_dump() | {"prices_include_vat": False})
    after = Sale(goods, shop=shop, customer="business")
    before = after.state.total
    after.do(c.AnswerInsurance(covers={PHONE: True}, answers=HOME))
    assert after.state.total == before + nok(299)
    assert after.state.priced.line(PHONE).payable == nok(299)
    assert shown(after).covers[0].total_without.minor == before.minor


def test_declining_is_one_call_and_is_not_asked_again():
    said = sale().do(c.AnswerInsurance(covers={PHONE: False, PARCEL: False, LONGER: False}))
    assert shown(said).covers == ()
    assert said.happened == ["insurance_answered"]
    assert said.do(c.AnswerInsurance(covers={PHONE: False})).happened == []
    said.do(c.Provide(fields=("email",)))
    assert shown(said).covers == ()
    bought = said.ready().place().succeed()
    assert stands(bought)[PHONE] == ("declined", 0, nok(0))


def test_the_customer_may_think_again():
    said = insured()
    said.do(c.AnswerInsurance(covers={PHONE: False}))
    assert said.state.cart.covers == nok(0)
    said.do(c.AnswerInsurance(covers={PHONE: True}, answers=HOME))
    assert said.state.cart.covers == nok(598)
    assert said.do(c.AnswerInsurance(covers={PHONE: True}, answers=HOME)).happened == []
    said.do(c.AnswerInsurance(covers={PHONE: True}, answers={"home_cover": "unsure"}))
    assert said.state.policies[0].answers == {"home_cover": "unsure"}


@pytest.mark.parametrize(
    ("covers", "answers", "error", "field", "words"),
    [
        ({"sofa": True}, {}, InvalidInput, "covers", "choose one of: phone_cover:phone"),
        ({"sofa": False}, {}, InvalidInput, "covers", "choose one of"),
        ({"longer:mug": True}, {}, InvalidInput, "covers", "choose one of"),
        ({PHONE: True}, {}, DetailsMissing, "answers.home_cover", "still missing"),
        ({PHONE: True}, {"home_cover": "maybe"}, InvalidInput, "answers.home_cover", "no, yes"),
        ({PHONE: True}, {"home_cover": "yes"}, NotSupported, "answers.home_cover", "decline it"),
        ({PHONE: False}, {"shoe_size": "1"}, InvalidInput, "answers.shoe_size", "home_cover"),
    ],
)
def test_a_wrong_answer_says_the_way_out(covers, answers, error, field, words):
    asked = sale()
    with pytest.raises(error, match=words) as refused:
        asked.do(c.AnswerInsurance(covers=covers, answers=answers))
    assert refused.value.field == field
    assert asked.state.policies == ()


@pytest.mark.parametrize(
    ("settings", "more", "words"),
    [
        ({"markets": ["DK"]}, {}, "not offered in NO"),
        ({}, {"adult": False}, "younger than 18"),
        ({"document": {"version": "1"}}, {}, "document is missing"),
        ({"premium": {"fixed": ["9000 NOK"]}}, {}, "registered as an intermediary"),
        ({"conditions": ["used"]}, {}, "does not cover new goods"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(settings, more, words):
    asked = sale(shop=other(**settings), **more)
    with pytest.raises(NotSupported, match=words):
        asked.do(c.AnswerInsurance(covers={PHONE: True}, answers=HOME))


def test_a_shop_cannot_put_a_cover_into_its_cart():
    lines = [LINES["mug"] | {"quantity": 1}, LINES["mug"] | {"quantity": 1, "id": "x"}]
    for more in ({"kind": "insurance"}, {"kind": "warranty", "insures": ["mug"]}):
        goods = Cart.read({"lines": [lines[0], lines[1] | more]})
        with pytest.raises(InvalidInput, match="answer_insurance") as refused:
            Sale(goods, shop=SHOP)
        assert refused.value.field == "cart.lines[1].kind"
        with pytest.raises(InvalidInput):
            sale().do(c.ChangeCart(cart=goods))


def test_of_a_group_a_piece_has_one():
    first, _, third = SETTINGS["insurance"]
    shop = Shop.read(SETTINGS | {"insurance": [first | {"group": "x"}, third | {"group": "x"}]})
    both = sale(shop=shop)
    with pytest.raises(InvalidInput, match="take either"):
        both.do(c.AnswerInsurance(covers={PHONE: True, LONGER: True}, answers=HOME))
    both.do(c.AnswerInsurance(covers={PHONE: True}, answers=HOME))
    both.do(c.AnswerInsurance(covers={LONGER: True}))
    assert {name: state for name, (state, *_) in stands(both).items()} == {
        PHONE: "declined",
        LONGER: "accepted",
    }


# The cart changes ---------------------------------------------------------------------------------


def test_covers_follow_the_number_of_pieces():
    said = insured().do(c.ChangeCart(cart=cart("phone", quantity=3)))
    assert said.state.cart.covers == nok(897)
    assert said.state.total == nok(12897)


@pytest.mark.parametrize(
    "goods",
    [
        cart("mug"),
        Cart.read({"lines": [LINES["phone"] | {"quantity": 1, "unit_price": "6000 NOK"}]}),
        Cart.read({"lines": [LINES["phone"] | {"quantity": 1, "age_months": 12}]}),
    ],
)
def test_a_cover_on_other_terms_goes_and_is_offered_anew(goods):
    said = insured().do(c.ChangeCart(cart=goods))
    assert said.state.policies == ()
    assert said.state.cart.covers == nok(0)
    assert said.state.total == goods.worth
    assert not any(offer.is_accepted for offer in shown(said).covers)


def test_what_was_declined_is_offered_again_only_after_it_was_gone():
    said = sale().do(c.AnswerInsurance(covers={PHONE: False}))
    said.do(c.ChangeCart(cart=cart("phone", quantity=1)))
    assert PHONE not in {offer.id for offer in shown(said).covers}
    said.do(c.ChangeCart(cart=cart("mug"))).do(c.ChangeCart(cart=cart("phone")))
    assert PHONE in {offer.id for offer in shown(said).covers}


def test_a_move_to_another_market_takes_covers_with_it():
    said = insured()
    line = LINES["phone"] | {"quantity": 1, "unit_price": "4000 DKK"}
    said.do(c.ChangeCart(cart=Cart.read({"lines": [line]}), market="DK"))
    assert said.state.policies == ()
    assert said.state.total.currency == "DKK"


def test_what_is_no_longer_offered_when_it_is_bought_is_said_and_can_be_declined():
    said = insured().ready()
    said.rules = Sale(shop=other(premium={"fixed": ["301 NOK"]})).rules
    with pytest.raises(InvalidInput, match="decline it") as refused:
        said.place()
    assert refused.value.field == "insurance"
    said.do(c.AnswerInsurance(covers={PHONE: False})).place().succeed()
    assert said.state.phase == "confirmed"


def test_a_total_without_the_cover_is_not_the_one_accepted():
    said = insured().ready()
    with pytest.raises(TotalChanged):
        said.do(c.Place(accepted_total=said.state.total - nok(598), payments=("p",)))


def test_who_is_insured_is_asked_for_what_the_insurer_wants():
    shop = other(details=["name"])
    digital = Cart.read({"lines": [LINES["phone"] | {"quantity": 1, "digital": True}]})
    said = Sale(digital, shop=shop)
    assert "name" not in {need.field for need in shown(said).missing}
    said.do(c.AnswerInsurance(covers={PHONE: True}, answers=HOME))
    need = next(need for need in shown(said).missing if need.field == "name")
    assert need.purpose == "insure"
    record = record_of_processing(shop, said.rules.law, date(2026, 11, 21), markets=["NO"])
    assert Purpose.INSURE in {each.purpose for each in record.processing}
    assert (Reader.INSURER, "Nordvern Forsikring ASA", ("phone_cover",)) in {
        (each.reader, each.name, each.ways) for each in record.recipients
    }
    plain = record_of_processing(SHOP, said.rules.law, date(2026, 11, 21))
    assert Purpose.INSURE not in {each.purpose for each in plain.processing}


# Bound --------------------------------------------------------------------------------------------


def test_covers_begin_with_the_order_and_not_before():
    placed = insured().placed()
    assert stands(placed)[PHONE] == ("accepted", 0, nok(0))
    placed.succeed()
    assert placed.happened[-2:] == ["confirmed", "policies_bound"]
    assert stands(placed)[PHONE] == ("bound", 2, nok(598))
    (policy,) = shown(placed, "en_GB").policies
    assert policy.status == "In force until 20 November 2027"
    # Fourteen days after is a Saturday, so it is the Monday.
    assert policy.free_until == date(2026, 12, 7)


def held() -> Sale:
    shop = Shop.read(SETTINGS | {"review": {"hold_above": ["100 NOK"]}})
    return insured(shop=shop).confirmed()


def test_a_held_order_has_none_until_it_is_approved():
    order = held()
    assert stands(order)[PHONE][0] == "accepted"
    order.do(c.Approve(reviewer="r"))
    assert stands(order)[PHONE] == ("bound", 2, nok(598))


NO_ORDER = {
    "rejected": lambda: held().do(c.Reject(reviewer="r")),
    "lapsed": lambda: held().wait(days=4).do(c.PassTime()),
    "cancelled while held": lambda: held().do(c.Cancel()),
    "cancelled": lambda: insured().do(c.Cancel()),
    "expired": lambda: insured().wait(days=3).do(c.PassTime()),
}


@pytest.mark.parametrize("end", NO_ORDER)
def test_without_an_order_nothing_is_bound(end):
    order = NO_ORDER[end]()
    assert stands(order)[PHONE] == ("cancelled", 0, nok(0))
    assert shown(order).policies == ()
    assert list(rows("co", "NO", order.state.policies)) == []


def test_a_payment_that_is_declined_leaves_the_covers_as_they_are():
    order = insured().placed().hear(Outcome.DECLINED)
    assert stands(order)[PHONE][0] == "accepted"
    assert stands(order.place().succeed())[PHONE][0] == "bound"


def test_an_unknown_cover_cannot_be_given_back():
    with pytest.raises(NotFound, match="there are: phone_cover:phone"):
        insured().confirmed().do(c.CancelCover(cover="sofa"))
    with pytest.raises(NotFound, match="none"):
        sale().confirmed().do(c.CancelCover(cover=PHONE))
    with pytest.raises(IllegalTransition):
        insured().do(c.CancelCover(cover=PHONE))


# Along with the goods -----------------------------------------------------------------------------


def test_it_is_captured_with_what_it_covers():
    order = insured(covers=(PHONE, PARCEL)).confirmed()
    order.do(c.Ship(lines={"phone": 1}))
    (shipment,) = order.state.shipments
    assert shipment.lines == {"phone": 1, PHONE: 1, PARCEL: 1}
    order.succeed().do(c.Ship()).succeed()
    assert order.state.shipments[1].lines == {"phone": 1, "mug": 2, PHONE: 1}
    assert order.state.phase == "fulfilled"


@pytest.mark.parametrize("command", [c.Ship, c.Cancel, c.Refund, c.Replace])
def test_a_cover_has_no_way_of_its_own(command):
    order = insured().confirmed()
    with pytest.raises(InvalidInput, match="goes along with the goods") as refused:
        order.do(command(lines={PHONE: 1}))
    assert refused.value.field == f"lines.{PHONE}"


def test_it_is_cancelled_with_what_it_covers_and_does_not_ship_alone():
    order = insured(covers=(PHONE, PARCEL)).confirmed()
    order.do(c.Cancel(lines={"phone": 1}))
    assert order.state.cancelled == {"phone": 1, PHONE: 1}
    assert stands(order)[PHONE] == ("bound", 1, nok(299))
    order.do(c.Cancel(lines={"phone": 1, "mug": 2}))
    assert order.state.phase == "cancelled"
    assert stands(order) == {PHONE: ("cancelled", 0, nok(0)), PARCEL: ("cancelled", 0, nok(0))}
    with pytest.raises(IllegalTransition):
        order.do(c.Ship())


def fulfilled(*covers: str, **more: Any) -> Sale:
    return insured(covers=covers or (PHONE,), **more).confirmed().do(c.Ship()).succeed()


@pytest.mark.parametrize(
    ("days", "back"), [(0, 29900), (14, 29900), (16, 29900), (17, 28425), (364, 0), (1000, 0)]
)
def test_the_premium_comes_back_with_the_goods(days, back):
    order = fulfilled().wait(days=days).do(c.Refund(lines={"phone": 1}))
    (refund,) = order.state.refunds
    assert refund.lines == {"phone": 1, PHONE: 1}
    assert refund.premiums == {PHONE: Money(back, "NOK")}
    goods = order.state.priced.unit_amount("phone", 0, 1)
    assert refund.amount.minor == goods.minor + back
    assert stands(order)[PHONE][1] == 2  # the money is still on its way
    order.succeed()
    assert stands(order)[PHONE] == ("bound", 1, Money(59800 - back, "NOK"))


def test_a_cover_of_the_order_stands_while_any_of_it_is_kept():
    order = fulfilled(PARCEL)
    order.do(c.Refund(lines={"phone": 2, "mug": 1})).succeed()
    assert stands(order)[PARCEL][0] == "bound"
    order.do(c.Refund(lines={"mug": 1})).succeed()
    assert stands(order)[PARCEL][0] == "cancelled"


def test_a_cover_of_the_order_goes_back_when_the_rest_is_cancelled():
    order = insured(covers=(PARCEL,)).confirmed().do(c.Ship(lines={"phone": 1})).succeed()
    order.do(c.Refund(lines={"phone": 1})).succeed()
    assert stands(order)[PARCEL][0] == "bound"
    order.do(c.Cancel()).succeed()
    assert stands(order)[PARCEL] == ("cancelled", 0, nok(0))
    assert order.state.books.refunded == order.state.books.captured


def test_a_refund_that_did_not_arrive_leaves_the_cover_and_comes_again_once():
    order = fulfilled().do(c.Refund(lines={"phone": 1})).hear(Outcome.DECLINED)
    assert stands(order)[PHONE][1] == 2
    order.wait(days=100).do(c.Refund(lines={"phone": 1})).succeed()
    assert stands(order)[PHONE][1] == 1
    assert order.state.books.refunded == order.state.refunds[1].amount.minor


def test_a_refund_that_failed_after_all_lets_the_cover_stand_again():
    order = fulfilled().do(c.Refund(lines={"phone": 2})).succeed()
    assert stands(order)[PHONE] == ("cancelled", 0, nok(0))
    (attempt,) = order.state.attempts_for("r1")
    heard = Heard(
        operation=Operation.REFUND,
        outcome=Outcome.DECLINED,
        amount=attempt.amount,
        key=attempt.id,
    )
    order.do(c.Hear(payment=order.payment.id, heard=heard))
    assert stands(order)[PHONE] == ("bound", 2, nok(598))
    assert [each.kind for each in order.state.policies[0].entries][-1] == "reinstated"
    order.do(c.Refund(lines={"phone": 2})).succeed()
    assert stands(order)[PHONE] == ("cancelled", 0, nok(0))
    told = list(rows("co", "NO", order.state.policies))
    assert sum(row.premium.minor for row in told) == 0


def test_what_went_back_in_part_is_not_given_back_twice_though_it_is_worth_less_now():
    order = insured().ready().do(c.Provide(fields=("gift_card_code",)))
    order.do(c.AddCredit(method="gift_card", amount=nok(5000))).place().succeed()
    order.do(c.Ship()).succeed().wait(days=100)
    order.do(c.Refund(lines={"phone": 2, "mug": 2}))
    first, second = order.open
    order.hear(Outcome.SUCCEEDED, first.id).hear(Outcome.DECLINED, second.id)
    assert order.state.refunds[0].state == "failed"
    order.wait(days=100).do(c.Refund(lines={"phone": 2, "mug": 2})).succeed()
    again = order.state.refunds[1]
    assert again.state == "done"
    assert again.amount < order.state.refunds[0].amount
    assert order.state.books.refunded == max(again.amount.minor, first.amount.minor)


# Given back, replaced -----------------------------------------------------------------------------


def test_a_cover_is_given_back_in_its_time_whether_it_left_or_not():
    order = insured().confirmed().do(c.Ship(lines={"phone": 1})).succeed()
    order.wait(days=16).do(c.CancelCover(cover=PHONE))
    assert order.state.cancelled == {PHONE: 1}
    assert order.state.refunds[0].lines == {PHONE: 1}
    order.succeed()
    assert stands(order)[PHONE] == ("cancelled", 0, nok(0))
    assert order.state.books.refunded == 29900
    order.do(c.Ship()).succeed()
    assert order.state.shipments[1].lines == {"phone": 1, "mug": 2}
    assert order.state.phase == "fulfilled"
    assert order.state.books.captured == order.state.total.minor - 29900
    order.do(c.Refund(lines={"phone": 2})).succeed()
    assert order.state.refunds[1].premiums == {}
    assert shown(order, "en_GB").policies[0].status == "Ended"


def test_after_its_time_a_cover_ends_with_its_goods():
    with pytest.raises(UsageError, match="until 2026-12-07") as refused:
        fulfilled().wait(days=17).do(c.CancelCover(cover=PHONE))
    assert refused.value.field == "cover"
    assert shown(fulfilled().wait(days=17)).policies[0].free_until is None


def test_what_is_on_its_way_is_waited_for():
    order = insured().confirmed().do(c.Ship(lines={"phone": 1}))
    with pytest.raises(OutcomeUnknown):
        order.do(c.CancelCover(cover=PHONE))
    order.hear(Outcome.PENDING)
    with pytest.raises(OutcomeUnknown, match="on its way"):
        order.do(c.CancelCover(cover=PHONE))


def test_where_all_is_captured_at_once_a_cover_is_given_back_after_that():
    order = insured(bank=BANK.but(captures="whole")).confirmed()
    with pytest.raises(NotSupported, match="ship it and refund"):
        order.do(c.CancelCover(cover=PHONE))
    order.do(c.Ship()).succeed().do(c.CancelCover(cover=PHONE)).succeed()
    assert order.state.books.refunded == 59800


def test_a_cover_goes_on_for_what_is_sent_in_the_place_of_a_faulty_piece():
    order = fulfilled().do(c.Replace(lines={"phone": 1}))
    assert order.state.replaced == {"phone": 1}
    assert stands(order)[PHONE] == ("bound", 2, nok(598))
    assert order.do(c.Replace(lines={"phone": 2})).state.replaced == {"phone": 3}
    kinds = [each.kind for each in order.state.policies[0].entries]
    assert kinds == ["bound", "replaced", "replaced"]
    assert order.books == fulfilled().books
    order.do(c.Refund(lines={"phone": 2})).succeed()
    with pytest.raises(InvalidInput, match="only 0 are shipped and not returned"):
        order.do(c.Replace(lines={"phone": 1}))


# Money --------------------------------------------------------------------------------------------


def test_a_premium_is_the_insurers_and_a_warranty_the_shops():
    order = fulfilled(PHONE, LONGER)
    split = accounts(order.state)
    assert split.premiums == {"nordvern": nok(598)}
    assert split.revenue == order.state.total - nok(598)
    assert split.advance == nok(0)
    assert split.total == order.state.total


def test_a_plain_amount_is_the_shops_own_money():
    split = accounts(fulfilled().do(c.Refund(amount=nok(100))).succeed().state)
    assert split.premiums == {"nordvern": nok(598)}
    assert split.total.minor == split.revenue.minor + 59800


def test_providers_are_told_of_covers_as_of_goods_that_are_not_sent():
    order = fulfilled(PHONE, LONGER)
    lines = {line.id: line for line in order_lines(order.state)}
    assert (lines[PHONE].kind, lines[PHONE].vat_basis, lines[PHONE].amount) == (
        "digital",
        0,
        nok(598),
    )
    assert lines[LONGER].vat_basis == 2500
    assert sum(line.amount.minor for line in lines.values()) == order.state.total.minor
    order.wait(days=100).do(c.Refund(lines={"phone": 1}))
    (attempt,) = order.state.attempts_for("r1")
    told = part_lines(order.state, attempt)
    assert [line.id for line in told] == ["phone", PHONE, LONGER]
    assert sum(line.amount.minor for line in told) == attempt.amount.minor


def test_an_own_invoice_has_the_premium_and_credits_what_goes_back():
    order = insured().confirmed("own_invoice").do(c.Ship())
    (invoice,) = order.state.invoices
    assert invoice.amount == order.state.total
    order.wait(days=100).do(c.Refund(lines={"phone": 2}))
    (invoice,) = order.state.invoices
    assert invoice.credited == order.state.refunds[0].amount


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ship", "cancel", "refund", "wait", "cover", "replace", "amount"]),
        st.sampled_from(["phone", "lamp", "mug"]),
        st.integers(1, 3),
        st.booleans(),
    ),
    max_size=12,
)


def asked(what: str, line: str, count: int, covers: set[str]) -> c.Command:
    """What somebody wants."""
    commands: dict[str, c.Command] = {
        "ship": c.Ship(lines={line: count}),
        "cancel": c.Cancel(lines={line: count}),
        "refund": c.Refund(lines={line: count}),
        "cover": c.CancelCover(cover=min(covers, default="none")),
        "replace": c.Replace(lines={line: 1}),
        "amount": c.Refund(amount=nok(count)),
    }
    return commands.get(what, c.PassTime())


@settings(max_examples=150)
@given(
    quantity=st.integers(1, 4),
    covers=st.sets(st.sampled_from([PHONE, PARCEL, LONGER, "longer:lamp"])),
    method=st.sampled_from(["card", "own_invoice"]),
    steps=STEPS,
)
def test_money_adds_up_whatever_is_done_in_whatever_order(quantity, covers, method, steps):
    order = sale("phone", "lamp", "mug", quantity=quantity)
    if covers:
        order.do(c.AnswerInsurance(covers=dict.fromkeys(sorted(covers), True), answers=HOME))
    order.ready(method).place().succeed()
    for what, line, count, is_late in steps:
        order.wait(days=40 if is_late else 1)
        with suppress(UsageError):
            order.do(asked(what, line, count, covers)).succeed()
        _adds_up(order)


def _adds_up(order: Sale) -> None:
    state = order.state
    split = accounts(state)
    assert split.total.minor == state.books.captured - state.books.refunded
    assert split.advance == nok(0)
    left = state.unsent()
    quantities = {line.id: line.quantity for line in state.cart.lines}
    for policy in state.policies:
        each = policy.terms.each.minor
        assert (
            0
            <= policy.units
            <= sum(state.kept(name, quantities[name]) for name in policy.terms.lines)
        )
        assert 0 <= policy.premium.minor <= each * quantities[policy.id]
        assert left.get(policy.id, 0) <= sum(left.get(name, 0) for name in policy.terms.lines)
    owed = sum(row.premium.minor for row in rows("co", "NO", state.policies))
    collected = sum(money.minor for money in split.premiums.values())
    unsent = sum(
        policy.terms.each.minor * left.get(policy.id, 0)
        for policy in state.policies
        if policy.terms.insurer
    )
    assert owed == collected + unsent
    assert sum(
        row.due.minor + row.commission.minor for row in rows("co", "NO", state.policies)
    ) == (owed)


def test_replaying_gives_the_same():
    order = sale()
    journal = [order.events]
    commands: tuple[c.Command, ...] = (
        c.AnswerInsurance(covers={PHONE: True, PARCEL: False}, answers=HOME),
        c.Provide(fields=("email", "name", "street", "postal_code", "city")),
        c.ChooseDelivery(delivery="parcel"),
        c.ChoosePayment(method="own_invoice"),
        c.Place(
            accepted_total=order.state.total + nok(598) + nok(49),
            payments=("pay1",),
            return_url="https://shop.example",
        ),
        c.Ship(lines={"phone": 1}),
        c.Replace(lines={"phone": 1}),
        c.Refund(lines={"phone": 1}),
        c.CancelCover(cover=PHONE),
    )
    journal += [order.do(command).events for command in commands]
    told = [e.from_json(e.to_json(events)) for events in journal]
    again = replay(told)
    assert again is not None
    assert again.but(version=0) == order.state


def test_an_old_journal_without_covers_folds():
    old = json.loads(e.to_json(Sale(DIGITAL).events))
    for event in old:
        for line in event["cart"]["lines"]:
            for name in ("condition", "age_months", "kind", "insures"):
                del line[name]
        for line in event["priced"]["lines"]:
            del line["kind"]
    state = replay([e.from_json(json.dumps(old))])
    assert state is not None
    assert state.but(version=0) == Sale(DIGITAL).state


# Quotes, through the flow -------------------------------------------------------------------------


class Desk:
    """A flow with a partner."""

    def __init__(self, partner: type[SimulatedPartner] = SimulatedPartner, **more: Any) -> None:
        self.clock = Clock()
        self.partner = partner(self.clock)
        http = httpx.Client(transport=httpx.MockTransport(self.partner.handle))
        own = [each for each in SETTINGS["methods"] if each["id"] == "own_invoice"]
        shop = Shop.read(
            other(premium=None, quoted_by="partner", questions=[]).model_dump(exclude_none=True)
            | {"methods": own}
        )
        self.flow = CheckoutFlow(
            shop,
            partners=[self.partner.service()],
            keys=Keys.of(bytes(32)),
            clock=self.clock,
            http=http,
            **{"store": MemoryStore(), **more},
        )
        self.id = self.flow.start(cart("phone", quantity=2), market="NO").id

    def buy(self, quantity: int = 1) -> Checkout:
        """An insured order, on the shop's own invoice."""
        sale = self.flow.start(
            cart("phone", quantity=quantity),
            market="NO",
            delivery="pickup",
            payment="own_invoice",
            details={"email": "a@example.com", "name": "Test Person", "phone": "+4721212121"},
        )
        self.flow.quote_insurance(sale.id)
        sale = self.flow.answer_insurance(sale.id, {PHONE: True})
        sale = self.flow.provide(sale.id, street="Storgata 1", postal_code="0155", city="Oslo")
        return self.flow.place(sale.id, accepted_total=sale.total, accepts_credit=True)

    def offers(self) -> list[str]:
        return [offer.id for offer in self.flow.view(self.id).covers]


def test_a_partner_is_asked_and_its_price_offered_until_it_is_over():
    desk = Desk()
    assert PHONE not in desk.offers()
    desk.flow.quote_insurance(desk.id)
    (asked,) = desk.partner.asked[0]
    assert asked == {
        "offer": PHONE,
        "product": "phone_cover",
        "market": "NO",
        "goods_category": "phones",
        "sku": "phone",
        "condition": "new",
        "age_months": 0,
        "value": {"minor": 400000, "currency": "NOK"},
    }
    offer = desk.flow.view(desk.id).covers[0]
    assert (offer.id, offer.each.minor) == (PHONE, 20000)
    desk.flow.quote_insurance(desk.id)
    assert len(desk.partner.asked) == 1  # it holds, and is not asked again
    state = desk.flow.answer_insurance(desk.id, {PHONE: True})
    assert state.policies[0].terms.quote == "Q-1"
    desk.clock.advance(minutes=31)
    assert PHONE not in desk.offers()
    desk.flow.quote_insurance(desk.id)
    assert not desk.flow.load(desk.id).policies  # under another quote it is offered anew
    assert PHONE in desk.offers()


@pytest.mark.parametrize(
    "fault",
    [
        500,
        404,
        b"",
        b"{",
        b"[]",
        b'{"quotes": [{"offer": "sofa"}]}',
        b" " * (5 * 1024 * 1024),
        httpx.ConnectError("nobody"),
        httpx.ReadTimeout("too slow"),
    ],
    ids=str,
)
def test_whatever_a_partner_does_the_sale_goes_on(fault):
    desk = Desk()
    desk.partner.faults.append(fault)
    desk.flow.quote_insurance(desk.id)
    assert PHONE not in desk.offers()
    told = {each.id: each.code for each in desk.flow.view(desk.id, explain=True).refused}
    assert told[PHONE] == "no_quote"
    desk.flow.quote_insurance(desk.id)


def test_a_partner_that_quotes_nothing_has_no_offer():
    desk = Desk()
    desk.partner.refuses = frozenset({"phone_cover"})
    desk.flow.quote_insurance(desk.id, idempotency_key="once")
    assert PHONE not in desk.offers()


def test_a_partner_is_asked_only_while_the_customer_chooses():
    desk = Desk()
    desk.flow.cancel(desk.id)
    with pytest.raises(IllegalTransition):
        desk.flow.quote_insurance(desk.id)
    assert desk.partner.asked == []


def test_partners_and_products_fit_together():
    partner = SimulatedPartner(Clock()).service()
    quoted = other(premium=None, quoted_by="partner")
    shop = quoted.but(methods=tuple(each for each in quoted.methods if not each.provider))
    more: Any = {"store": MemoryStore(), "keys": Keys.of(bytes(32))}
    with pytest.raises(UsageError, match="the partners are: none"):
        CheckoutFlow(shop, **more)
    with pytest.raises(UsageError, match="two partners"):
        CheckoutFlow(shop, partners=[partner, partner], **more)


# The bordereau, through the flow ------------------------------------------------------------------


def test_the_bordereau_of_a_store_matches_the_books(monkeypatch):
    monkeypatch.setattr(covering, "_AT_ONCE", 2)  # read in several goes
    desk = Desk()
    sums = {"premium": 0, "collected": 0}
    for count in (1, 2, 3):
        sale = desk.flow.ship(desk.buy(count).id)
        if count == 2:
            sale = desk.flow.refund(sale.id, {"phone": 1})
        sums["premium"] += sale.policies[0].premium.minor
        sums["collected"] += accounts(sale).premiums["nordvern"].minor
    day = desk.clock().date()
    made = desk.flow.bordereau("nordvern", first=day, last=day)
    assert len(made.rows) == 4
    assert made.sums["NOK"].premium == sums["premium"] == sums["collected"]
    assert not desk.flow.bordereau(
        "nordvern", first=day + timedelta(1), last=day + timedelta(2)
    ).rows
    with pytest.raises(UsageError, match="ends before"):
        desk.flow.bordereau("nordvern", first=day, last=day - timedelta(1))


class Watched(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    def load(self, checkout_id: str) -> Any:
        self.read.append(checkout_id)
        return super().load(checkout_id)


def test_the_bordereau_reads_what_something_happened_to_and_nothing_older():
    store = Watched()
    desk = Desk(store=store)
    orders = []
    for days in (40, 0):
        orders.append(desk.buy())
        desk.clock.advance(days=days)
    store.read.clear()
    day = desk.clock().date()
    made = desk.flow.bordereau("nordvern", first=day, last=day)
    assert {row.policy.split(":")[0] for row in made.rows} == {orders[1].id} == set(store.read)
    made = desk.flow.bordereau("nordvern", first=day - timedelta(40), last=day)
    assert {row.policy.split(":")[0] for row in made.rows} == {each.id for each in orders}


def test_a_partner_of_the_shops_own_may_raise_anything():
    class Odd(SimulatedPartner):
        def service(self) -> Any:
            service = super().service()

            class Own:
                name, transport = service.name, service.transport

                def quotes(self, asked: Any) -> Any:
                    raise RuntimeError("odd")
                    yield

            return Own()

    desk = Desk(partner=Odd)
    desk.flow.quote_insurance(desk.id)
    assert PHONE not in desk.offers()


def test_a_partner_is_asked_in_a_form_of_its_own_address():
    partner = SimulatedPartner(Clock())
    wrong = httpx.Request("GET", "https://quotes.example/quotes")
    assert partner.handle(wrong).status_code == 404
    nobody = httpx.Request("POST", "https://quotes.example/quotes", json={"covers": []})
    assert partner.handle(nobody).status_code == 401
    assert read_partners({}, {}) == ()
    with pytest.raises(InvalidInput) as refused:
        read_partners({"nordvern": "https://quotes.example"}, {})
    assert refused.value.field == "partners.nordvern.base_url"
    (service,) = read_partners({"nordvern": {"base_url": "https://quotes.example/v1/"}}, {})
    request = next(service.quotes([]))
    assert str(request.url) == "https://quotes.example/v1/quotes"
    assert "authorization" not in request.headers


# Settings -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "path", "words"),
    [
        ({"insurer": "sudvern"}, "insurance[0].insurer", "sudvern is not known"),
        ({"markets": ["XX"]}, "insurance[0].markets", "XX is not known"),
        ({"id": "longer"}, "insurance[2].id", "another one has this id"),
        (
            {"wordings": [{"arms": ["words:b"], "rank": 1}]},
            "insurance[0].wordings[0].arms",
            "none are known",
        ),
    ],
)
def test_a_wrong_product_is_named_by_its_place_in_the_settings(settings, path, words):
    with pytest.raises(InvalidInput, match=words) as refused:
        other(**settings)
    assert refused.value.field == path


def test_a_question_under_one_id_is_one_question():
    first, second, third = SETTINGS["insurance"]
    (asked,) = first["questions"]
    same = second | {"questions": [asked]}
    Shop.read(SETTINGS | {"insurance": [first, same, third]})
    other_one = second | {"questions": [asked | {"text": "Are you sure?"}]}
    with pytest.raises(InvalidInput, match="asks something else") as refused:
        Shop.read(SETTINGS | {"insurance": [first, other_one, third]})
    assert refused.value.field == "insurance[1].questions[0].id"
    assert SHOP.product("sofa") is None
    assert SHOP.insurer("sofa") is None


def test_what_a_person_is_given_has_their_covers():
    desk = Desk()
    desk.flow.quote_insurance(desk.id)
    sale = desk.flow.answer_insurance(desk.id, {PHONE: True})
    (cover,) = plain(desk.flow.export_person(sale.subject))["sale"]["covers"]
    assert (cover["name"], cover["state"], cover["from"]) == ("Mobilforsikring", "accepted", None)
    sale = desk.flow.provide(
        sale.id,
        delivery="pickup",
        payment="own_invoice",
        email="a@example.com",
        name="Test Person",
        phone="+4721212121",
        street="Storgata 1",
        postal_code="0155",
        city="Oslo",
    )
    desk.flow.place(sale.id, accepted_total=sale.total, accepts_credit=True)
    export = desk.flow.export_person(sale.subject)
    (cover,) = plain(export)["sale"]["covers"]
    assert cover["state"] == "bound"
    page = export_page([export], desk.clock(), locale="en_GB")
    assert '<td data-head="State">In force until ' in page


# On the command line ------------------------------------------------------------------------------


@pytest.fixture
def sold(tmp_path):
    """A database with one insured order of which a piece came back."""
    file = tmp_path / "shop.db"
    store = open_store(file)
    store.create()
    desk = Desk(store=store)
    sale = desk.flow.provide(
        desk.id,
        email="a@example.com",
        name="Test Person",
        street="Storgata 1",
        postal_code="0155",
        city="Oslo",
        delivery="parcel",
        payment="own_invoice",
    )
    desk.flow.quote_insurance(sale.id)
    sale = desk.flow.answer_insurance(sale.id, {PHONE: True})
    desk.flow.place(sale.id, accepted_total=sale.total, accepts_credit=True)
    desk.flow.ship(sale.id)
    desk.flow.replace(sale.id, {"phone": 1})
    desk.flow.refund(sale.id, {"phone": 1})
    store.close()
    return file


def told(capsys, *arguments: object) -> str:
    assert main([*map(str, arguments)]) == 0
    out: str = capsys.readouterr().out
    return out


def test_the_bordereau_is_printed_as_table_csv_and_json(sold, capsys):
    year = Clock()().year
    period = ["--from", f"{year}-01-01", "--to", f"{year}-12-31"]
    command = ["insurance", "bordereau", "--db", sold, "--insurer", "nordvern", *period]
    table = told(capsys, *command)
    assert "What nordvern is told" in table
    assert "replaced" in table
    assert "premium 200.00 NOK, tax 0.00 NOK, due 160.00 NOK" in table
    lines = told(capsys, *command, "--csv").splitlines()
    assert len(lines) == 4
    document = json.loads(told(capsys, *command, "--json"))
    assert document["sums"]["NOK"]["due"] == 16000
    nobody = told(capsys, *command[:5], "sudvern", *period)
    assert "nothing began or ended" in nobody


def test_what_happened_to_covers_can_be_read(sold, capsys):
    with closing(open_store(sold)) as store:
        (name,) = store.checkouts(())
    shown = told(capsys, "show", name, "--db", sold)
    for words in (
        "yes to phone_cover:phone for 200.00 NOK",
        "phone_cover:phone, free to give back until",
        "cancelled -1, -200.00 NOK",
        "1 × phone were faulty",
    ):
        assert words in " ".join(shown.split())
