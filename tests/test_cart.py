"""Carts: what is refused and where, and prices whose parts add up to the minor unit."""

from __future__ import annotations

import itertools
from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.vectors import cases

from checkoutflow.cart import (
    MAX_LINES,
    MAX_QUANTITY,
    Cart,
    Charge,
    Discount,
    Line,
    Priced,
    price,
)
from checkoutflow.errors import InvalidInput, UnknownRule, UsageError
from checkoutflow.law import Law, VatRate
from checkoutflow.money import MAX_MINOR, Money, total

TODAY = date(2026, 11, 21)
LAW = Law.load()


def a_line(sku="lamp", unit_price="100.00 SEK", **others):
    return {"sku": sku, "name": "A thing", "quantity": 1, "unit_price": unit_price, **others}


def a_cart(*lines, **others):
    return Cart.read({"lines": list(lines), **others})


def delivery(amount: str) -> Charge:
    return Charge(kind="delivery", id="post", name="Post", amount=Money.read(amount))


def priced(cart: Cart, *charges: Charge, market: str = "SE") -> Priced:
    return price(cart, charges, law=LAW, market=market, on=TODAY)


def minors(money):
    return [each.minor for each in money]


# -- carts -----------------------------------------------------------------------------------------


def test_a_line_needs_little():
    line = a_cart(a_line()).lines[0]
    assert line.id == line.sku == "lamp"
    assert line.vat_category == "standard"
    assert line.goods_category == "general"
    assert (line.weight_g, line.digital, line.attributes) == (0, False, {})


def test_a_cart_reads_back_from_json():
    cart = a_cart(
        a_line(id="first", quantity=3, attributes={"size": 42, "colour": "red", "new": True}),
        a_line(id="second", vat_category="books", weight_g=300, digital=True),
        discounts=[{"name": "Welcome", "percent": "7.5", "lines": ["second"]}],
        prices_include_vat=False,
    )
    again = Cart.model_validate_json(cart.model_dump_json())
    assert again == cart
    assert again.lines[0].attributes["new"] is True
    assert again.currency == "SEK"


def test_a_gift_costs_nothing():
    assert priced(a_cart(a_line(unit_price="0.00 SEK"))).total.is_zero


Bad = dict[str, tuple[str, dict[str, Any]]]
BAD_CARTS: Bad = {
    "empty": ("lines", {"lines": []}),
    "no lines at all": ("lines", {}),
    "too many lines": ("lines", {"lines": [a_line(str(i)) for i in range(MAX_LINES + 1)]}),
    "a currency of its own": ("currency", {"lines": [a_line()], "currency": "SEK"}),
    "two lines with one id": ("lines[1].id", {"lines": [a_line(), a_line()]}),
    "two currencies": ("lines[1].unit_price", {"lines": [a_line(), a_line("x", "1.00 DKK")]}),
    "absurd in all": (
        "lines[1].unit_price",
        {"lines": [a_line(), a_line("x", "99999999999.99 SEK", quantity=2)]},
    ),
}
BAD_LINES: Bad = {
    "no pieces": ("quantity", {"quantity": 0}),
    "fewer than none": ("quantity", {"quantity": -1}),
    "half a piece": ("quantity", {"quantity": 0.5}),
    "a quantity like a float": ("quantity", {"quantity": 2.0}),
    "a yes for a quantity": ("quantity", {"quantity": True}),
    "a text for a quantity": ("quantity", {"quantity": "2"}),
    "too many pieces": ("quantity", {"quantity": MAX_QUANTITY + 1}),
    "a negative price": ("unit_price", {"unit_price": "-0.01 SEK"}),
    "an absurd price": ("unit_price.minor", {"unit_price": {"minor": 10**14, "currency": "SEK"}}),
    "a float for a price": ("unit_price", {"unit_price": 99.95}),
    "a price in nothing": ("unit_price.currency", {"unit_price": {"minor": 1}}),
    "an unknown currency": ("unit_price", {"unit_price": "1.00 XTS"}),
    "no sku": ("sku", {"sku": ""}),
    "a long name": ("name", {"name": "x" * 301}),
    "control characters": ("name", {"name": "lamp\r\nBcc: everyone"}),
    "half a character": ("name", {"name": "\ud800"}),
    "a sentence for a category": ("vat_category", {"vat_category": "Food & drink"}),
    "a weight like a float": ("weight_g", {"weight_g": 1.0}),
    "an absurd weight": ("weight_g", {"weight_g": 10_000_001}),
    "less than no weight": ("weight_g", {"weight_g": -1}),
    "many attributes": ("attributes", {"attributes": {str(i): i for i in range(21)}}),
    "a long attribute": ("attributes.note", {"attributes": {"note": "x" * 501}}),
    "a float attribute": ("attributes.size", {"attributes": {"size": 4.5}}),
    "a huge attribute": ("attributes.size", {"attributes": {"size": 2**53 + 1}}),
    "a NUL in an attribute": ("attributes.note", {"attributes": {"note": "\0"}}),
    "half a character there": ("attributes.note", {"attributes": {"note": "\ud800"}}),
    "a long sku": ("sku", {"sku": "x" * 101}),
    "an unknown field": ("colour", {"colour": "red"}),
}
BAD_DISCOUNTS: Bad = {
    "of no kind": ("", {}),
    "of both kinds": ("", {"percent": "5", "amount": "1.00 SEK"}),
    "of nothing": ("amount", {"amount": "0.00 SEK"}),
    "the wrong way": ("amount", {"amount": "-1.00 SEK"}),
    "bigger than the goods": ("amount", {"amount": "200.01 SEK"}),
    "bigger than its line": ("amount", {"amount": "100.01 SEK", "lines": ["lamp"]}),
    "in another currency": ("amount", {"amount": "1.00 EUR"}),
    "of no per cent": ("percent", {"percent": "0"}),
    "above all per cent": ("percent", {"percent": "100.01"}),
    "too fine": ("percent", {"percent": "33.333"}),
    "not a number": ("percent", {"percent": "NaN"}),
    "on no such line": ("lines", {"percent": "5", "lines": ["lamp", "sofa"]}),
    "twice on a line": ("lines", {"percent": "5", "lines": ["lamp", "lamp"]}),
}
BAD = {
    **BAD_CARTS,
    **{
        f"a line with {case}": (f"lines[2].{path}", {"lines": [a_line(), a_line("sofa"), bad]})
        for case, (path, change) in BAD_LINES.items()
        for bad in [{**a_line("chair"), **change}]
    },
    **{
        f"a discount {case}": (
            f"discounts[1].{path}".rstrip("."),
            {
                "lines": [a_line(), a_line("mat")],
                "discounts": [{"name": "a", "percent": "0.01"}, bad],
            },
        )
        for case, (path, change) in BAD_DISCOUNTS.items()
        for bad in [{"name": "b", **change}]
    },
}


@pytest.mark.parametrize(("path", "data"), BAD.values(), ids=BAD)
def test_a_bad_cart_is_refused_with_the_path_of_the_field(path, data):
    with pytest.raises(InvalidInput) as caught:
        Cart.read(data)
    assert caught.value.field == path


def test_the_bounds_themselves_are_within():
    line = a_line(
        "s" * 100,
        name="n" * 300,
        quantity=MAX_QUANTITY,
        unit_price="0.01 SEK",
        weight_g=10_000_000,
        attributes={"text": "x" * 500, "most": 2**53, "least": -(2**53)}
        | {str(i): i for i in range(17)},
    )
    discounts = [{"name": "d", "percent": "0.01"}] * 99 + [{"name": "all", "percent": "100"}]
    assert priced(a_cart(line, discounts=discounts)).total.is_zero


def test_a_hundred_discounts_are_enough():
    with pytest.raises(InvalidInput, match="discounts: Tuple should have at most 100 items"):
        a_cart(a_line(), discounts=[{"name": "d", "percent": "0.01"}] * 101)


def test_a_path_may_stand_below_another():
    with pytest.raises(InvalidInput) as caught:
        Cart.read({"lines": [a_line(), a_line()]}, at="cart")
    assert caught.value.field == "cart.lines[1].id"


def test_direct_construction_checks_the_same():
    line = Line(sku="lamp", name="Lamp", quantity=1, unit_price=Money(100, "SEK"))
    with pytest.raises(ValidationError, match="another line has this id"):
        Cart(lines=(line, line))


def test_the_largest_cart_is_a_cart():
    lines = [a_line(str(i), f"{10**8}.00 SEK") for i in range(MAX_LINES)]
    assert priced(a_cart(*lines)).total == Money(MAX_MINOR, "SEK")


def test_vat_cannot_push_a_total_past_what_is_sane():
    with pytest.raises(InvalidInput, match="minor: an amount is at most"):
        priced(a_cart(a_line(unit_price=f"{10**11}.00 SEK"), prices_include_vat=False))


# -- VAT, by the vectors ---------------------------------------------------------------------------


def law_with(*percents: str) -> Law:
    """Give a law where the first categories of Iceland have these rates."""
    return Law.load().overridden_by(
        [
            VatRate(
                market="IS",
                categories=(category,),
                percent=Decimal(percent),
                valid_from=TODAY,
                source="the vector",
                read_on=TODAY,
                confidence="high",
            )
            for category, percent in zip(["standard", "food", "books"], percents, strict=False)
        ]
    )


@pytest.mark.parametrize("vector", cases("vat_cases", "vat_included", "vat_excluded"))
def test_vat_of_one_amount(vector):
    currency = {"0.01": "EUR", "1": "ISK"}[vector["minor_unit"]]
    included = vector["kind"] == "vat_included"
    given_as = vector["gross" if included else "net"]
    cart = a_cart(a_line(unit_price=f"{given_as} {currency}"), prices_include_vat=included)
    (part,) = price(cart, [], law=law_with(vector["rate_percent"]), market="IS", on=TODAY).vat
    assert part.percent == Decimal(vector["rate_percent"])
    assert part.net == Money.parse(vector["net"], currency)
    assert part.vat == Money.parse(vector["vat"], currency)
    assert part.gross == Money.parse(vector["gross"], currency)


@pytest.mark.parametrize("vector", cases("vat_cases", "freight_allocation"))
def test_freight_follows_the_goods(vector):
    law = law_with(*(percent for _, percent in vector["lines"]))
    lines = [
        a_line(category, f"{gross} EUR", vat_category=category)
        for category, (gross, _) in zip(
            ["standard", "food", "books"], vector["lines"], strict=False
        )
    ]
    freight = delivery(f"{vector['freight_gross']} EUR")
    without = price(a_cart(*lines), [], law=law, market="IS", on=TODAY)
    with_it = price(a_cart(*lines), [freight], law=law, market="IS", on=TODAY)
    allocated = {
        str(after.percent): str((after.gross - before.gross).decimal())
        for before, after in zip(without.vat, with_it.vat, strict=True)
    }
    assert allocated == vector["allocated"]


# -- prices ----------------------------------------------------------------------------------------


def test_a_sale_with_everything():
    result = priced(
        a_cart(
            a_line("lamp", "400.00 SEK", quantity=2),
            a_line("book", "150.00 SEK", vat_category="books"),
            a_line("tea", "50.00 SEK", vat_category="food"),
            discounts=[
                {"name": "Welcome", "percent": "10"},
                {"name": "Voucher", "amount": "20.00 SEK", "lines": ["lamp"]},
            ],
        ),
        delivery("49.00 SEK"),
        Charge(kind="payment", id="invoice", name="Invoice", amount=Money.read("29.00 SEK")),
    )
    assert result.goods == Money(100000, "SEK")
    assert minors(each.amount for each in result.discounts) == [10000, 2000]
    assert result.total == Money(100000 - 10000 - 2000 + 4900 + 2900, "SEK")
    # 78.00 over 700.00 at 25 % and 180.00 at 6 %: 6204.55 and 1595.45 öre, so the odd one is at 25
    assert minors(part.gross for part in result.vat) == [76205, 19595]
    assert minors(part.vat for part in result.vat) == [15241, 1109]
    assert minors(part.net for part in result.vat) == [60964, 18486]
    assert minors(line.payable for line in result.lines) == [76205, 14696, 4899]
    assert [str(line.vat_percent) for line in result.lines] == ["25", "6", "6"]
    assert result.total_vat == Money(16350, "SEK")


def test_prices_without_vat_get_it_on_top():
    result = priced(
        a_cart(
            a_line("lamp", "33.33 SEK"),
            a_line("chair", "33.33 SEK"),
            a_line("mat", "33.33 SEK"),
            discounts=[{"name": "Trade", "amount": "0.99 SEK"}],
            prices_include_vat=False,
        ),
        delivery("10.01 SEK"),
    )
    assert result.goods == Money(9999, "SEK")
    (part,) = result.vat
    assert part.net == Money(9999 - 99 + 1001, "SEK")
    assert part.vat == Money(2725, "SEK")  # 27.2525
    assert minors(line.payable for line in result.lines) == [4543, 4542, 4541]


def test_a_later_percentage_is_of_what_earlier_discounts_left():
    result = priced(
        a_cart(
            a_line(unit_price="100.00 SEK"),
            discounts=[{"name": "a", "amount": "50.00 SEK"}, {"name": "b", "percent": "50"}],
        )
    )
    assert minors(each.amount for each in result.discounts) == [5000, 2500]


def test_a_discount_may_take_everything_and_what_follows_finds_nothing():
    result = priced(
        a_cart(
            a_line(),
            discounts=[{"name": "all", "percent": "100"}, {"name": "more", "percent": "5"}],
        )
    )
    assert minors(each.amount for each in result.discounts) == [10000, 0]
    assert result.total.is_zero


@pytest.mark.parametrize("included", [True, False])
def test_pieces_share_the_charges_of_free_goods(included):
    result = priced(
        a_cart(
            a_line("sample", "0.00 SEK", quantity=3),
            a_line("leaflet", "0.00 SEK", vat_category="books"),
            prices_include_vat=included,
        ),
        delivery("40.00 SEK"),
    )
    expected = [3000, 1000] if included else [3750, 1060]
    assert minors(line.payable for line in result.lines) == expected
    assert result.total == Money(sum(expected), "SEK")


def test_what_is_free_carries_no_charge_when_other_goods_are_not():
    result = priced(
        a_cart(a_line("gift", "0.00 SEK", vat_category="books"), a_line("lamp")),
        delivery("49.00 SEK"),
    )
    assert minors(line.payable for line in result.lines) == [0, 14900]
    assert minors(part.gross for part in result.vat) == [14900, 0]


def test_a_charge_is_in_the_currency_of_the_cart():
    with pytest.raises(InvalidInput, match=r"charges\[1\]\.amount: the cart is in SEK"):
        priced(a_cart(a_line()), delivery("1.00 SEK"), delivery("1.00 EUR"))


def test_a_charge_is_never_negative():
    with pytest.raises(ValidationError, match="cannot be negative"):
        delivery("-1.00 SEK")


def test_the_part_behind_the_tax_border_has_its_own_vat():
    cart = a_cart(a_line(unit_price="100.00 DKK"))
    assert priced(cart, market="DK").total_vat == Money(2000, "DKK")
    assert priced(cart, market="GL").total_vat == Money(0, "DKK")


def test_where_the_law_is_unknown_there_is_no_price():
    with pytest.raises(UnknownRule):
        priced(a_cart(a_line()), market="XX")


def test_a_price_reads_back_from_json():
    result = priced(a_cart(a_line(), discounts=[{"name": "a", "percent": "5"}]), delivery("5 SEK"))
    assert Priced.model_validate_json(result.model_dump_json()) == result


# -- parts of a line -------------------------------------------------------------------------------


def test_pieces_of_a_line_cost_their_share_of_what_is_paid():
    result = priced(a_cart(a_line(quantity=3)), delivery("1.00 SEK"))
    pieces = [result.unit_amount("lamp", n, n + 1) for n in range(3)]
    assert minors(pieces) == [10033, 10033, 10034]
    assert result.unit_amount("lamp", 0, 3) == result.line("lamp").payable
    assert result.unit_amount("lamp", 1, 1).is_zero


@pytest.mark.parametrize(("first", "last"), [(-1, 1), (0, 4), (2, 1)])
def test_pieces_that_are_not_there_cost_an_error(first, last):
    with pytest.raises(UsageError, match="the line has 3 pieces, so none from"):
        priced(a_cart(a_line(quantity=3))).unit_amount("lamp", first, last)


def test_an_unknown_line_is_refused():
    with pytest.raises(UsageError, match="no line has this id"):
        priced(a_cart(a_line())).unit_amount("sofa", 0, 1)


# -- what holds for every cart ---------------------------------------------------------------------


@st.composite
def carts(draw: st.DrawFn) -> Cart:
    currency = draw(st.sampled_from(["SEK", "ISK", "EUR"]))
    lines = tuple(
        Line(
            sku=str(i),
            name="A thing",
            quantity=draw(st.integers(1, 20)),
            unit_price=Money(draw(st.integers(0, 100_000) | st.just(0)), currency),
            vat_category=draw(st.sampled_from(["standard", "food", "books", "repairs"])),
        )
        for i in range(draw(st.integers(1, 8)))
    )
    left = {line.id: line.goods.minor for line in lines}
    discounts = []
    for _ in range(draw(st.integers(0, 3))):
        on = tuple(draw(st.lists(st.sampled_from(sorted(left)), unique=True)))
        if draw(st.booleans()):
            percent = Decimal(draw(st.integers(1, 10000))) / 100
            discounts.append(Discount(name="per cent", percent=percent, lines=on))
        # No more than the smallest line could bear alone, so that discounts never clash.
        elif most := min(left.values()) // 100:
            amount = Money(draw(st.integers(1, most)), currency)
            discounts.insert(0, Discount(name="amount", amount=amount, lines=on))
    return Cart(lines=lines, discounts=tuple(discounts), prices_include_vat=draw(st.booleans()))


@st.composite
def sales(draw: st.DrawFn) -> tuple[Cart, Priced]:
    cart = draw(carts())
    amounts = draw(st.lists(st.integers(0, 50_000), max_size=3))
    charges = [delivery(str(Money(minor, cart.currency))) for minor in amounts]
    market = draw(st.sampled_from(["SE", "FI", "NO", "IS", "GL", "AX"]))
    return cart, priced(cart, *charges, market=market)


@given(sales())
def test_parts_add_up_to_the_total(sale):
    cart, result = sale
    currency = cart.currency
    assert total((line.payable for line in result.lines), currency) == result.total
    assert result.goods == total((line.goods for line in cart.lines), currency)

    as_given = (
        result.goods
        - total((each.amount for each in result.discounts), currency)
        + total((each.amount for each in result.charges), currency)
    )
    vat_on_top = Money.zero(currency) if cart.prices_include_vat else result.total_vat
    assert as_given + vat_on_top == result.total

    by_rate: dict[Decimal, Money] = defaultdict(lambda: Money.zero(currency))
    for line in result.lines:
        by_rate[line.vat_percent] += line.payable
    assert {part.percent: part.gross for part in result.vat} == by_rate
    assert [part.percent for part in result.vat] == sorted(by_rate, reverse=True)


@given(sales())
def test_vat_is_rounded_once_for_each_rate(sale):
    cart, result = sale
    for part in result.vat:
        base = 100 + part.percent if cart.prices_include_vat else Decimal(100)
        of = part.gross if cart.prices_include_vat else part.net
        exact = Decimal(of.minor) * part.percent / base
        assert part.vat.minor == exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)


@given(sales())
def test_nothing_is_negative_and_no_discount_takes_more_than_there_is(sale):
    _, result = sale
    discounts = total((each.amount for each in result.discounts), result.currency)
    assert discounts <= result.goods
    for amount in itertools.chain(
        (line.payable for line in result.lines),
        (each.amount for each in result.discounts),
        (part.gross for part in result.vat),
        (part.vat for part in result.vat),
        (part.net for part in result.vat),
    ):
        assert amount.minor >= 0
        assert type(amount.minor) is int


@given(sales(), st.data())
def test_pieces_add_up_in_whatever_order_they_are_shipped(sale, data):
    _, result = sale
    line = data.draw(st.sampled_from(result.lines))
    stops = sorted(data.draw(st.sets(st.integers(0, line.quantity))) | {0, line.quantity})
    parcels = [result.unit_amount(line.id, *span) for span in itertools.pairwise(stops)]
    assert total(parcels, result.currency) == line.payable
    assert all(parcel.minor >= 0 for parcel in parcels)


@given(carts(), st.integers(0, 50_000))
def test_a_charge_is_split_within_one_unit_of_each_rates_due(cart, minor):
    charge = delivery(str(Money(minor, cart.currency)))
    before = {part.percent: part for part in priced(cart).vat}
    after = {part.percent: part for part in priced(cart, charge).vat}

    def value(part):
        return (part.gross if cart.prices_include_vat else part.net).minor

    values = {percent: value(part) for percent, part in before.items()}
    if any(values.values()):
        for percent, part in after.items():
            share = value(part) - values[percent]
            assert abs(share * sum(values.values()) - minor * values[percent]) < sum(
                values.values()
            )


# -- a reduction for the way to pay ----------------------------------------------------------------


def reduced(cart: Cart, amount: str) -> Priced:
    off = Charge(kind="payment", id="transfer", name="Transfer", amount=Money.read(amount))
    return price(cart, [delivery("50.00 SEK")], law=LAW, market="SE", on=TODAY, reduction=off)


def test_a_reduction_comes_off_the_goods_after_the_carts_own_discounts():
    cart = a_cart(
        a_line("lamp", "100.00 SEK"),
        a_line("tea", "100.00 SEK", vat_category="food"),
        discounts=[{"name": "Half", "percent": "50"}],
    )
    found = reduced(cart, "10.00 SEK")
    assert [(item.name, item.id, item.amount.minor) for item in found.discounts] == [
        ("Half", "", 10000),
        ("Transfer", "transfer", 1000),
    ]
    assert found.total == Money.read("140.00 SEK")
    assert minors(line.payable for line in found.lines) == [7000, 7000]
    assert [(str(part.percent), part.gross.minor) for part in found.vat] == [
        ("25", 7000),
        ("6", 7000),
    ]


def test_a_reduction_may_be_all_the_goods_and_no_more():
    cart = a_cart(a_line("lamp", "100.00 SEK"))
    assert reduced(cart, "100.00 SEK").total == Money.read("50.00 SEK")
    assert reduced(cart, "0.00 SEK").total == Money.read("150.00 SEK")
    with pytest.raises(InvalidInput, match=r"reduction\.amount: takes more than the goods"):
        reduced(cart, "100.01 SEK")
