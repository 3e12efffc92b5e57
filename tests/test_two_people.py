"""Nobody gives back much of an order alone, where the shop says so."""

from __future__ import annotations

import pytest
from tests.heart import SHOP, Sale, nok

from checkoutflow.checkout import commands as c
from checkoutflow.errors import InvalidInput, NeedsAnother
from checkoutflow.payment.outcomes import Outcome
from checkoutflow.shop import Shop

CAREFUL = SHOP.but(two_refund_above=(nok(150),))
ONE, TWO = ("anne",), ("anne", "bo")


def shipped(shop: Shop = CAREFUL) -> Sale:
    return Sale(shop=shop).confirmed().do(c.Ship()).succeed()


def refund(sale: Sale, amount: float, by: tuple[str, ...] = ()) -> Sale:
    return sale.do(c.Refund(amount=nok(amount), by=by))


def test_up_to_the_limit_one_person_is_enough():
    assert refund(shipped(), 150, ONE).succeed().state.refunds[-1].by == ONE
    assert refund(shipped(), 150).succeed().state.refunds[-1].by == ()


@pytest.mark.parametrize("by", [(), ONE, ("anne", "anne"), ("anne", " Anne ")])
def test_above_it_one_is_not(by):
    sale = shipped()
    before = sale.state
    with pytest.raises(NeedsAnother, match=r"more than 150.00 NOK.*name both") as refused:
        refund(sale, 150.01, by)
    assert refused.value.field == "by"
    assert sale.state == before


def test_two_give_back_as_much_as_they_like():
    assert refund(shipped(), 500, TWO).succeed().state.refunds[-1].by == TWO


def test_small_parts_of_one_order_add_up():
    sale = refund(shipped(), 100).succeed()
    refund(sale, 300, TWO).succeed()  # which counts for nobody alone
    refund(sale, 50, ONE).succeed()
    with pytest.raises(NeedsAnother):
        refund(sale, 0.01, ("bo",))


def test_what_failed_was_not_given_back():
    sale = refund(shipped(), 100)
    sale.hear(Outcome.DECLINED)
    assert sale.state.refunds[-1].state == "failed"
    assert refund(sale, 150, ONE).succeed().state.refunds[-1].state == "done"


def test_returned_goods_count_by_what_they_cost():
    sale = shipped()
    with pytest.raises(NeedsAnother):
        sale.do(c.Refund(lines={"lamp": 1}))
    assert sale.do(c.Refund(lines={"lamp": 1}, by=TWO)).succeed().state.refunds


@pytest.mark.parametrize("shop", [SHOP, SHOP.but(two_refund_above=())])
def test_a_shop_that_sets_no_limit_has_none(shop):
    assert refund(shipped(shop), 500).succeed().state.refunds


def test_a_limit_in_another_currency_is_no_limit():
    careful = Shop.read(
        {**SHOP.model_dump(mode="json", exclude_defaults=True), "two_refund_above": ["1.00 DKK"]}
    )
    assert refund(shipped(careful), 500).succeed().state.refunds


@pytest.mark.parametrize("limit", ["two_refund_above", "two_resolve_above"])
def test_a_currency_has_one_limit(limit):
    settings = SHOP.model_dump(mode="json", exclude_defaults=True)
    with pytest.raises(InvalidInput, match="one amount for each currency") as refused:
        Shop.read({**settings, limit: ["1.00 DKK", "2.00 DKK"]})
    assert refused.value.field == limit
