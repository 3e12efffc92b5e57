"""What providers are told is bought, captured and given back for: sums agree to the last unit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.heart import ADDRESS, Sale
from tests.test_steered_sale import SETTINGS, shop_with

from checkoutflow.cart import Cart
from checkoutflow.checkout import commands as c
from checkoutflow.flow.lines import order_lines, part_lines
from checkoutflow.money import Money, total
from checkoutflow.payment.outcomes import Operation

SHOP = shop_with(steering=[SETTINGS["steering"][2], SETTINGS["steering"][3]])
RATES = ("standard", "food", "books")


@st.composite
def carts(draw: Any) -> Cart:
    count = draw(st.integers(1, 5))
    lines = [
        {
            "sku": f"sku-{i}",
            "name": f"Thing {i}",
            "quantity": draw(st.integers(1, 4)),
            "unit_price": f"{draw(st.integers(0, 30_000))}.{draw(st.integers(10, 99))} NOK",
            "vat_category": draw(st.sampled_from(RATES)),
            "digital": draw(st.booleans()),
        }
        for i in range(count)
    ]
    off = [{"name": "Off", "percent": str(draw(st.integers(1, 100)))}]
    return Cart.read(
        {
            "lines": lines,
            "discounts": off if draw(st.booleans()) else [],
            "prices_include_vat": draw(st.booleans()),
        }
    )


def bought(cart: Cart, method: str = "card") -> Sale:
    sale = Sale(cart, shop=SHOP, customer="business")
    sale.do(c.Provide(fields=ADDRESS))
    if not all(line.digital for line in cart.lines):
        sale.do(c.ChooseDelivery(delivery="parcel"))
    return sale.do(c.ChoosePayment(method=method)) if sale.state.total.minor else sale


@given(carts(), st.sampled_from(["card", "amex", "bank_transfer"]))
def test_lines_add_up_to_the_order_and_its_vat(cart, method):
    state = bought(cart, method).state
    lines = order_lines(state)
    currency = state.total.currency
    assert total((line.amount for line in lines), currency) == state.total
    assert total((line.vat for line in lines), currency) == state.priced.total_vat
    for part in state.priced.vat:
        at_rate = [line for line in lines if line.vat_basis == int(part.percent * 100)]
        assert total((line.amount for line in at_rate), currency) == part.gross
        assert total((line.vat for line in at_rate), currency) == part.vat
    assert all(line.amount.minor >= 0 and line.vat.minor >= 0 for line in lines)
    assert len({line.id for line in lines}) == len(lines)


def test_charges_stand_on_lines_of_their_own_one_for_each_rate():
    cart = Cart.read(
        {
            "lines": [
                {"sku": "lamp", "name": "Lamp", "quantity": 1, "unit_price": "300.00 NOK"},
                {
                    "sku": "tea",
                    "name": "Tea",
                    "quantity": 2,
                    "unit_price": "50.00 NOK",
                    "vat_category": "food",
                },
            ]
        }
    )
    lines = order_lines(bought(cart, "amex").state)
    assert [(x.id, x.kind, x.quantity, x.amount.minor, x.vat_basis) for x in lines] == [
        ("lamp", "goods", 1, 30000, 2500),
        ("tea", "goods", 2, 10000, 1500),
        ("parcel-2500", "delivery", 1, 3675, 2500),
        ("parcel-1500", "delivery", 1, 1225, 1500),
        ("amex-2500", "fee", 1, 750, 2500),
        ("amex-1500", "fee", 1, 250, 1500),
    ]


@given(carts(), st.data())
def test_every_shipment_and_return_says_what_it_is_for(cart, data):
    sale = bought(cart, "amex")
    if sale.state.total.is_zero:
        return
    sale.place().succeed()
    while left := sale.state.to_ship():
        line = data.draw(st.sampled_from(sorted(left)))
        units = data.draw(st.integers(1, left[line]))
        sale.do(c.Ship(lines={line: units}))
        for attempt in sale.open:
            (told,) = part_lines(sale.state, attempt)
            assert (told.id, told.quantity, told.amount) == (line, units, attempt.amount)
        sale.succeed()
    for line in cart.lines:
        sale.do(c.Refund(lines={line.id: 1}))
        for attempt in sale.open:
            (told,) = part_lines(sale.state, attempt)
            assert (told.quantity, told.amount) == (1, attempt.amount)
            assert told.kind == ("digital" if line.digital else "goods")
        sale.succeed()


def test_a_repeat_tells_the_same_also_when_an_earlier_shipment_failed_since():
    lines = [{"sku": "mug", "name": "Mug", "quantity": 3, "unit_price": "33.33 NOK"}]
    sale = bought(Cart.read({"lines": lines})).place().succeed()
    sale.do(c.Ship(lines={"mug": 1})).succeed()
    sale.do(c.Ship(lines={"mug": 2}))
    (attempt,) = sale.open
    before = part_lines(sale.state, attempt)
    shipments = sale.state.shipments
    failed = sale.state.but(shipments=(shipments[0].but(state="failed"), *shipments[1:]))
    assert part_lines(failed, attempt) == before


@pytest.mark.parametrize("amount", [Money(1000, "NOK"), None])
def test_a_plain_amount_is_for_nothing_in_particular(amount):
    lines = [{"sku": "mug", "name": "Mug", "quantity": 1, "unit_price": "50.00 NOK"}]
    sale = bought(Cart.read({"lines": lines})).place().succeed()
    if amount is None:  # nor is an authorisation, which has the order's lines instead
        assert part_lines(sale.state, sale.state.payments[0].attempts[0]) == ()
        return
    sale.do(c.Ship()).succeed().do(c.Refund(amount=amount))
    (attempt,) = sale.open
    assert attempt.operation is Operation.REFUND
    assert part_lines(sale.state, attempt) == ()
