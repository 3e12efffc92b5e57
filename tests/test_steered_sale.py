"""The choice in a sale: what is chosen is priced, re-decided when things change, and given back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.heart import ADDRESS, BANK, CART, DIGITAL, START, Sale, nok

from checkoutflow import AsyncCheckoutFlow, Cart, CheckoutFlow, Shop
from checkoutflow.cart import Line
from checkoutflow.checkout import commands as c
from checkoutflow.checkout import events as e
from checkoutflow.checkout.decide import begin
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.view import View, view_of
from checkoutflow.choice.rules import Rules
from checkoutflow.errors import DetailsMissing, InvalidInput, NotSupported, TotalChanged
from checkoutflow.money import Money
from checkoutflow.testing import CUSTOMERS, World
from checkoutflow.texts import LANGUAGES

SETTINGS: dict[str, Any] = {
    "name": "Fjordbutikken",
    "markets": ["NO", "DK", "SE"],
    "methods": [
        {"id": "card", "provider": "bank"},
        {"id": "amex", "provider": "bank", "cost": {"percent": "3"}},
        {"id": "bank_transfer", "provider": "bank"},
        {"id": "invoice", "kind": "own_invoice_14", "cost": {"billing": ["20.00 NOK"]}},
        {
            "id": "monthly",
            "kind": "instalments_12",
            "provider": "bank",
            "creditor": "Test Credit",
            "cost": {"billing": ["20.00 NOK"]},
            "plan": {"months": 12, "nominal_percent": "9.9", "setup_fee": ["50.00 NOK"]},
        },
        {"id": "gift_card", "provider": "bank"},
        {"id": "store_credit", "provider": "bank"},
    ],
    "deliveries": [
        {"id": "parcel", "name": "Parcel", "prices": ["49.00 NOK", "39.00 DKK", "49.00 SEK"]},
        {"id": "bike", "name": "Bike", "prices": ["99.00 NOK", "99.00 DKK", "99.00 SEK"]},
    ],
    "areas": [{"id": "oslo", "market": "NO", "postal_codes": ["0001-1299"]}],
    "steering": [
        {"id": "bike_in_oslo", "deliveries": ["bike"], "when": {"outside": ["oslo"]}, "hide": True},
        {
            "id": "cheaper_in_oslo",
            "deliveries": ["parcel"],
            "when": {"areas": ["oslo"]},
            "discount": {"fixed": ["20.00 NOK"]},
        },
        {"id": "amex_fee", "methods": ["amex"], "fee": {"fixed": ["10.00 NOK", "10.00 DKK"]}},
        {
            "id": "transfer",
            "methods": ["bank_transfer"],
            "discount": {"fixed": ["15.00 NOK"]},
            "recommend": {"nb": "Billigst", "en": "Cheapest"},
        },
        {"id": "bill", "methods": ["invoice"], "fee": {"fixed": ["500.00 NOK"]}},
    ],
}
SHOP = Shop.read(SETTINGS)


def shop_with(**changes: Any) -> Shop:
    return Shop.read({**SETTINGS, **changes})


def sale_in(shop: Shop = SHOP, **more: Any) -> Sale:
    sale = Sale(shop=shop, **more)
    return sale.do(c.Provide(fields=ADDRESS), c.ChooseDelivery(delivery="parcel"))


def shown(sale: Sale, locale: str = "en", *, explain: bool = False) -> View:
    return view_of(sale.state, sale.rules, locale, sale.now, explain=explain)


def choose(sale: Sale, method: str) -> Sale:
    return sale.do(c.ChoosePayment(method=method))


# What is chosen is priced ------------------------------------------------------------------------


def test_a_fee_that_the_law_allows_is_a_charge_with_the_vat_of_the_goods():
    sale = choose(sale_in(), "amex")
    assert sale.happened == ["payment_chosen", "repriced"]
    assert sale.state.total == nok(559)
    assert [(item.kind, item.id, item.amount) for item in sale.state.priced.charges] == [
        ("delivery", "parcel", nok(49)),
        ("payment", "amex", nok(10)),
    ]
    assert sale.state.priced.total_vat.minor == 11180  # a fifth of all of it


def test_a_discount_comes_off_the_goods_and_their_vat():
    sale = choose(sale_in(), "bank_transfer")
    assert sale.state.total == nok(534)
    assert [(item.id, item.amount) for item in sale.state.priced.discounts] == [
        ("bank_transfer", nok(15))
    ]
    assert sale.state.priced.total_vat.minor == 10680
    assert [item.amount.minor for item in shown(sale).totals.discounts] == [-1500]


def test_another_choice_takes_the_first_ones_price_back():
    sale = choose(choose(sale_in(), "amex"), "card")
    assert sale.state.total == nok(549)
    assert choose(sale, "card").happened == ["payment_chosen"]


def test_the_total_that_was_shown_is_the_one_that_is_paid():
    for option in shown(sale_in()).payments:
        sale = choose(sale_in(), option.id)
        assert option.total is not None
        assert sale.state.total.minor == option.total.minor, option.id


def test_what_the_law_took_is_in_the_journal_with_rule_source_and_date():
    sale = choose(sale_in(), "invoice")
    (repriced,) = (event for event in sale.events if isinstance(event, e.Repriced))
    (note,) = repriced.explained
    assert (note.about, note.change, note.rule) == ("invoice", "fee_cut", "NO-ONEPARK")
    # The discount for a transfer is kept from who pays by bill: it counts as part of the fee.
    assert (note.asked, note.given) == (nok(500), nok(5))
    assert note.source
    assert note.since is not None
    assert note.origin == "library"


@pytest.mark.parametrize("method", ["amex", "bank_transfer"])
def test_fees_and_discounts_are_given_back_in_proportion(method):
    sale = choose(sale_in(), method).place().succeed()
    sale.do(c.Ship()).succeed()
    total = sale.state.total
    half = sale.state.priced.unit_amount("mug", 0, 1)
    sale.do(c.Refund(lines={"mug": 1})).succeed()
    assert sale.state.books.refunded == half.minor
    sale.do(c.Refund(lines={"mug": 1, "lamp": 1})).succeed()
    assert sale.state.books.refunded == total.minor


@given(st.lists(st.integers(1, 99_999), min_size=1, max_size=5), st.integers(0, 3))
def test_every_split_of_a_steered_order_adds_up(prices, method):
    lines = tuple(
        Line(sku=f"s{i}", name="S", quantity=1 + i, unit_price=Money(minor, "NOK"))
        for i, minor in enumerate(prices)
    )
    sale = sale_in(cart=Cart(lines=lines))
    options = [item.id for item in shown(sale).payments if not item.credit]
    choose(sale, options[method % len(options)]).place().succeed()
    for line in lines:
        sale.do(c.Ship(lines={line.id: 1})).succeed()
    if sale.state.to_ship():
        sale.do(c.Ship()).succeed()
    assert sale.state.books.captured == sale.state.total.minor


# Re-decided when something changes ----------------------------------------------------------------


def test_a_postal_code_opens_and_prices_deliveries():
    sale = Sale(shop=SHOP)
    assert sale.state.delivery == "parcel"  # the only one, as long as no area is known
    sale.do(c.Provide(fields=ADDRESS, areas=("oslo",)))
    assert sale.happened == ["details_provided", "repriced"]
    assert [(item.id, item.price and item.price.minor) for item in shown(sale).deliveries] == [
        ("parcel", 2900),
        ("bike", 9900),
    ]
    sale.do(c.ChooseDelivery(delivery="bike"))
    assert sale.state.total == nok(599)
    sale.do(c.Provide(fields=("postal_code",), areas=()))  # moved away: no bicycle goes there
    assert (sale.state.delivery, sale.state.total) == ("parcel", nok(549))


def test_details_without_a_postal_code_change_nothing_else():
    sale = sale_in()
    assert sale.do(c.Provide(fields=("city",))).happened == ["details_provided"]


def test_a_credit_beside_it_changes_what_a_way_to_pay_costs():
    percent = {"id": "amex_fee", "methods": ["amex"], "fee": {"percent": "2"}}
    sale = choose(sale_in(shop_with(steering=[percent])), "amex")
    assert sale.state.total == nok("559.98")
    sale.do(c.AddCredit(method="store_credit", amount=nok(500)))
    assert sale.happened == ["credit_added", "repriced"]
    assert sale.state.total == nok("549.98")  # two per cent of the 49 that are left
    sale.do(c.RemoveCredit(method="store_credit"))
    assert sale.state.total == nok("559.98")


def test_a_new_cart_decides_anew_what_fits_and_what_it_costs():
    limited = {**SETTINGS["methods"][1], "maximum": ["600.00 NOK"]}
    methods = [SETTINGS["methods"][0], limited, *SETTINGS["methods"][2:]]
    sale = choose(sale_in(shop_with(methods=methods)), "amex")
    dear = Cart.read(
        {"lines": [{"sku": "x", "name": "X", "quantity": 1, "unit_price": "900.00 NOK"}]}
    )
    sale.do(c.ChangeCart(cart=dear))
    assert sale.happened == ["cart_changed", "repriced"]
    assert (sale.state.method, sale.state.total) == ("", nok(949))
    sale.do(c.ChangeCart(cart=DIGITAL))
    assert (sale.state.delivery, sale.state.total) == ("", nok(10))


def kroner(currency: str) -> Cart:
    return Cart.read(
        {"lines": [{"sku": "x", "name": "X", "quantity": 1, "unit_price": f"500.00 {currency}"}]}
    )


def test_another_market_asks_for_the_address_again_and_has_its_own_law():
    sale = choose(sale_in().do(c.Provide(fields=ADDRESS, areas=("oslo",))), "bank_transfer")
    sale.do(c.AddCredit(method="store_credit", amount=nok(100)))
    sale.do(c.ChangeCart(cart=kroner("DKK"), market="DK"))
    assert sale.happened == [
        "details_dropped",
        "credit_removed",
        "cart_changed",
        "repriced",
    ]
    state = sale.state
    assert (state.market, state.areas, state.credits) == ("DK", (), ())
    assert set(state.provided) == {"email", "name"}
    assert (state.delivery, state.method) == ("parcel", "bank_transfer")
    assert state.total == Money(53900, "DKK")
    choose(sale, "amex")
    assert sale.state.total == Money(54900, "DKK")
    sale.do(c.ChangeCart(cart=kroner("SEK"), market="SE"))
    assert sale.state.total == Money(54900, "SEK")  # and no fee: in Sweden no instrument has one


@pytest.mark.parametrize(
    ("cart", "market", "field"),
    [
        (kroner("DKK"), "", "cart.lines[0].unit_price"),
        (kroner("DKK"), "SE", "cart.lines[0].unit_price"),
        (CART, "IS", "market"),
    ],
)
def test_a_cart_that_does_not_fit_the_market_is_refused(cart, market, field):
    with pytest.raises(InvalidInput) as error:
        sale_in().do(c.ChangeCart(cart=cart, market=market))
    assert error.value.field == field


def test_a_rule_that_ends_before_the_order_is_placed_changes_the_total_and_asks_again():
    ends = START + timedelta(hours=1)
    sent = {**SETTINGS["steering"][3], "when": {"until": ends.isoformat()}}
    sale = choose(sale_in(shop_with(steering=[sent])), "bank_transfer").wait(hours=2)
    with pytest.raises(TotalChanged) as error:
        sale.place()
    assert (error.value.accepted, error.value.actual) == ("534.00 NOK", "549.00 NOK")


def test_a_credit_that_cannot_be_used_any_more_is_named_at_place():
    ends = START + timedelta(hours=1)
    hide = {"id": "no_credit", "methods": ["store_credit"], "when": {"since": ends}, "hide": True}
    sale = choose(sale_in(shop_with(steering=[hide])), "card")
    sale.do(c.AddCredit(method="store_credit", amount=nok(100))).wait(hours=2)
    with pytest.raises(InvalidInput, match="credits: store_credit cannot be used any more"):
        sale.place()
    sale.do(c.RemoveCredit(method="store_credit")).place()
    assert sale.state.phase is Phase.PLACING


def test_a_credit_cannot_cover_a_fee_that_it_takes_away_itself():
    sale = Sale(DIGITAL, shop=SHOP).do(c.ChoosePayment(method="amex"))
    assert sale.state.total == nok("10.30")  # a fee of ten kroner, cut to three per cent
    with pytest.raises(InvalidInput, match="amount: takes away a fee that it was to cover"):
        sale.do(c.AddCredit(method="store_credit", amount=nok("10.20")))
    sale.do(c.AddCredit(method="store_credit", amount=nok("10.00")))
    assert sale.state.total == nok(10)


def test_a_choice_that_is_gone_is_asked_for_at_place():
    sale = choose(sale_in(), "amex")
    sale.rules = Rules(shop_with(methods=SETTINGS["methods"][:1], steering=[]), sale.rules.law)
    with pytest.raises(DetailsMissing) as error:
        sale.place()
    assert error.value.fields == ("payment",)


# Experiments, age, credit -------------------------------------------------------------------------


def experiment(arm: str) -> dict[str, Any]:
    rule = {**SETTINGS["steering"][2], "when": {"arms": [f"fees:{arm}"]}}
    return {"experiments": [{"id": "fees", "arms": {"with": 1, "without": 1}}], "steering": [rule]}


def test_the_arm_of_an_experiment_is_recorded_and_kept():
    sale = sale_in(shop_with(**experiment("with")))
    arm = sale.state.arms["fees"]
    assert choose(sale, "amex").state.total == (nok(559) if arm == "with" else nok(549))
    # The shop ends the experiment: what was given stays, as long as rules speak of it.
    other = Sale(shop=shop_with(**experiment("without")))
    assert other.state.arms == {"fees": arm}


def test_arms_are_spread_over_checkouts():
    rules = Rules(shop_with(**experiment("with")), Sale().rules.law, {"bank": BANK})
    arms = []
    for number in range(200):
        start = c.Start(
            checkout=f"co-{number}", subject="su", cart=CART, market="NO", locale="nb_NO"
        )
        arms.append(begin(start, rules, START)[0].arms["fees"])
    assert 60 < arms.count("with") < 140


@pytest.mark.parametrize(("adult", "offered"), [(None, True), (True, True), (False, False)])
def test_credit_is_for_adults(adult, offered):
    sale = sale_in(adult=adult)
    ids = {item.id for item in shown(sale).payments}
    assert ({"monthly", "invoice"} <= ids) is offered
    if not offered:
        with pytest.raises(NotSupported, match="younger than 18"):
            choose(sale, "monthly")
        reasons = {item.id: item.code for item in shown(sale, explain=True).refused}
        assert reasons["monthly"] == "age"


def test_a_regulated_credit_wants_a_consent_of_its_own_and_is_written_down():
    sale = choose(sale_in(), "monthly")
    credit = next(item.credit for item in shown(sale).payments if item.id == "monthly")
    assert credit is not None
    assert (credit.classification, credit.needs_consent) == ("consumer_credit", True)
    assert credit.creditor == "Test Credit"
    with pytest.raises(DetailsMissing) as error:
        sale.place()
    assert error.value.fields == ("credit_consent",)
    sale.do(
        c.Place(
            accepted_total=sale.state.total,
            payments=("p1", "p2", "p3"),
            accepts_credit=True,
            return_url="https://shop.example/back",
        )
    )
    placed = sale.events[0]
    assert isinstance(placed, e.Placed)
    assert placed.credit is not None
    assert placed.credit.is_accepted
    assert (placed.credit.payments, str(placed.credit.apr)) == (12, credit.apr)
    assert placed.credit.total_payable.minor == credit.total_payable.minor


def test_a_short_free_bill_needs_no_consent_and_is_written_down_as_what_it_is():
    free = shop_with(steering=[])
    sale = choose(sale_in(free), "invoice").place()
    placed = sale.events[0]
    assert isinstance(placed, e.Placed)
    assert placed.credit is not None
    assert placed.credit.classification == "exempt_deferred_payment"
    assert sale.state.phase is Phase.CONFIRMED


def test_the_button_says_that_an_order_is_on_credit():
    sale = sale_in()
    plain = {language: shown(sale, language).button for language in LANGUAGES}
    choose(sale, "monthly")
    on_credit = {language: shown(sale, language).button for language in LANGUAGES}
    for language in LANGUAGES:
        assert len(on_credit[language]) > len(plain[language])
    short = sale_in(shop_with(order_button="short"))
    assert shown(short, "da").button == "Køb nu"


# The view -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_options_prices_words_and_reasons_in_every_language(language):
    sale = choose(sale_in(), "invoice")
    view = shown(sale, language, explain=True)
    assert View.model_validate_json(view.model_dump_json()) == view
    by_id = {item.id: item for item in view.payments}
    assert by_id["amex"].price is not None
    assert by_id["bank_transfer"].discount is not None
    assert by_id["bank_transfer"].text == ("Billigst" if language in {"nb", "nn"} else "Cheapest")
    assert by_id["monthly"].credit is not None
    assert by_id["monthly"].credit.example.count("\n") > 8
    assert all(item.why for item in view.refused)
    assert {item.id: item.code for item in view.refused} == {"bike": "hidden"}
    changes = {(item.about, item.change) for item in view.explained}
    assert ("invoice", "fee_cut") in changes
    assert all(item.text and item.statement and item.source for item in view.explained)
    assert not shown(sale, language).refused
    charge = view.totals.charges[1]
    assert charge.id == "invoice"
    assert charge.name


def test_words_of_the_shops_own_are_read_where_the_language_is_the_same():
    label = {"nb": "Gebyr for Amex", "en": "Amex fee"}
    rule = {**SETTINGS["steering"][2], "label": label}
    sale = choose(sale_in(shop_with(steering=[rule])), "amex")
    assert shown(sale, "nb").totals.charges[1].name == "Gebyr for Amex"
    assert shown(sale, "en").totals.charges[1].name == "Fee, American Express"
    sale.rules = Rules(shop_with(methods=SETTINGS["methods"][:1], steering=[]), sale.rules.law)
    assert shown(sale, "en").totals.charges[1].name == "Gebyr for Amex"


def test_where_an_authorisation_window_is_not_told_it_is_that_of_the_kind():
    review = {"hold_above": ["100.00 NOK"], "decide_within_s": 30 * 24 * 3600, "margin_s": 3600}
    sale = choose(sale_in(shop_with(review=review)), "card").place().succeed()
    assert sale.state.phase is Phase.HELD
    assert sale.state.review is not None
    assert sale.state.review.deadline == START + timedelta(days=7, hours=-1)


def test_a_bill_of_the_shops_own_reserves_nothing_that_could_run_out():
    review = {"hold_above": ["100.00 NOK"], "decide_within_s": 30 * 24 * 3600}
    sale = choose(sale_in(shop_with(review=review, steering=[])), "invoice").place()
    assert sale.state.review is not None
    assert sale.state.review.deadline == START + timedelta(days=30)


def test_a_gift_card_cannot_buy_a_gift_card():
    line = {"sku": "g", "name": "G", "quantity": 1, "unit_price": "100.00 NOK", "digital": True}
    cart = Cart.read({"lines": [{**line, "goods_category": "gift_card"}]})
    sale = Sale(cart, shop=SHOP)
    with pytest.raises(NotSupported, match="goods of the category gift_card"):
        sale.do(c.AddCredit(method="gift_card", amount=nok(10)))


# Through the flow ---------------------------------------------------------------------------------


def flow_settings() -> Shop:
    methods = [
        {**method, "provider": "simulated_bank", "provider_method": "card"}
        for method in SETTINGS["methods"][:3]
    ]
    rules = [rule for rule in SETTINGS["steering"] if rule["id"] != "bill"]
    return shop_with(methods=methods, steering=rules)


def test_a_steered_sale_over_the_wire():
    with World(flow_settings()) as world:
        flow: CheckoutFlow = world.flow
        checkout = flow.start(CART, market="NO", details=CUSTOMERS["NO"], adult=True)
        assert checkout.areas == ("oslo",)
        flow.choose_delivery(checkout.id, "bike")
        checkout = flow.choose_payment(checkout.id, "bank_transfer")
        assert checkout.total == nok(584)
        checkout = flow.place(
            checkout.id, accepted_total=nok(584), return_url="https://shop.example"
        )
        flow.ship(checkout.id)
        flow.refund(checkout.id, lines={"lamp": 1})
        view = flow.view(checkout.id, explain=True)
        assert view.books.captured.minor == 58400
        world.settle()
        world.check()


def test_both_flows_can_move_to_another_market():
    assert "market" in AsyncCheckoutFlow.change_cart.__annotations__
    with World(flow_settings()) as world:
        checkout = world.flow.start(CART, market="NO", details=CUSTOMERS["NO"])
        checkout = world.flow.change_cart(checkout.id, kroner("SEK"), market="SE")
        assert (checkout.market, checkout.total.currency) == ("SE", "SEK")
        assert "street" not in checkout.provided
        assert {item.field for item in world.flow.view(checkout.id).missing} >= {"street", "city"}
        checkout = world.flow.provide(checkout.id, street="Testgata 2", postal_code="111 22")
        assert checkout.areas == ()
