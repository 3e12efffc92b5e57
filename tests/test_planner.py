"""The cost planner: what each way to pay truly costs, what is proposed, and what it comes to."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from checkoutflow.cart import Cart
from checkoutflow.choice.costs import TrueCost, true_cost
from checkoutflow.choice.options import options
from checkoutflow.choice.planner import Proposal, plan
from checkoutflow.choice.rules import Rules
from checkoutflow.choice.situation import Situation
from checkoutflow.cli import main, steer
from checkoutflow.cli.paper import WIDTH, width
from checkoutflow.errors import InvalidInput
from checkoutflow.law import Law
from checkoutflow.money import Money
from checkoutflow.payment.catalogue import catalogue
from checkoutflow.shop import Shop

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "steer-by-cost.md"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
CURRENCY = {"DK": "DKK", "SE": "SEK", "NO": "NOK", "FI": "EUR", "IS": "ISK"}
CHANGES_OF_AMOUNTS = {"fee_removed", "fee_cut", "discount_removed", "discount_cut"}


def a_way(id_: str, percent: str = "0", *fixed: str, **more: Any) -> dict[str, Any]:
    """A way to pay with what using it costs, settled at once."""
    cost = {"percent": percent, "fixed": fixed, **more.pop("cost", {})}
    return {"id": id_, "settlement_days": 0, "cost": cost, **more}


def free(id_: str) -> dict[str, Any]:
    """A kind that by itself costs nothing, so that figures are those of the test."""
    return {**catalogue()[id_].model_dump(mode="json"), "cost": {}}


def a_shop(*methods: str | dict[str, Any], steering: Any = (), **others: Any) -> Shop:
    """A shop; of what its ways to pay cost, all that counts is what it states."""
    ways = [{"id": each} if isinstance(each, str) else each for each in methods]
    data = {
        "name": "Test shop",
        "markets": list(CURRENCY),
        "methods": ways,
        "kinds": [free(way["id"]) for way in ways if way["id"] in catalogue()],
        "deliveries": [{"id": "parcel", "name": "Parcel", "prices": ["50 DKK"]}],
        "steering": [{"id": f"rule_{i}", **rule} for i, rule in enumerate(steering)],
    }
    return Shop.read({**data, **others})


def a_situation(amount: str | Money = "1000.00 DKK", market: str = "", **more: Any) -> Situation:
    price = Money.read(amount) if isinstance(amount, str) else amount
    markets = {currency: market for market, currency in CURRENCY.items()}
    line = {"sku": "it", "name": "It", "quantity": 1, "unit_price": price}
    cart = Cart.read({"lines": [line], "prices_include_vat": not more.pop("net", False)})
    market = market or markets[price.currency]
    return Situation(cart=cart, market=market, at=more.pop("at", NOON), **more)


def planned(shop: Shop, s: Situation | None = None, budget: str = "", **more: Any) -> Proposal:
    if budget:
        more["budget"] = Money.read(budget)
    if "step" in more:
        more["step"] = Money.read(more["step"])
    if "shares" in more:
        more["shares"] = {name: Decimal(share) for name, share in more["shares"].items()}
    more.setdefault("ship_days", 0)
    return plan(Rules(shop, shop.law()), s or a_situation(), **more)


def told(proposal: Proposal) -> dict[str, str]:
    """What choosing each way costs the customer then, in whole units."""
    return {each.way.id: str(each.price_then.decimal()) for each in proposal.prospects}


# -- what a payment costs --------------------------------------------------------------------------


def cost_of(method: Any, amount: str = "1000.00 DKK", ship_days: int = 0, **shop: Any) -> TrueCost:
    s = a_situation(amount)
    rules = Rules(a_shop(method, **{"kinds": [], **shop}), Law.load())
    (way,) = rules.ways.values()
    return true_cost(way, Money.read(amount), rules, s, ship_days=ship_days)


def parts(cost: TrueCost) -> list[str]:
    return [str(part.decimal()) for part in (cost.use, cost.billing, cost.waiting, cost.loss)]


MONTHLY = {"id": "mastercard_consumer", "settlement_days": 30}
OWN_PLAN = {
    "id": "own_instalments",
    "name": "Pay us in parts",
    "family": "instalments",
    "instruments": ["invoice"],
    "tier": "credit",
    "financed_by": "shop",
    "months": 3,
    "cost": {"percent": "1", "loss_percent": "2"},
}
MONTH_END = {"last_banking_day": True}


@pytest.mark.parametrize(
    ("method", "amount", "expected"),
    [
        # Kroner of use, of billing, of waiting and of loss.
        ({"cost": {"percent": "1.5", "loss_percent": 1}}, "1000.00 DKK", "15.00 0.00 2.80 10.00"),
        ({"cost": {"fixed": ["0.70 DKK"], "loss_percent": 1}}, "1.00 DKK", "0.70 0.00 0.01 0.01"),
        ({"cost": {"percent": "0.0001", "loss_percent": 1}}, "0.01 DKK", "0.01 0.00 0.01 0.01"),
        # What the shop does not state is the catalogue's: 3 % and 1.80 DKK, 0.1 % lost, 14 days.
        ({}, "1000.00 DKK", "31.80 0.00 2.80 1.00"),
        ({"cost": {"percent": "1.5"}}, "1000.00 DKK", "15.00 0.00 2.80 1.00"),
        ({"cost": {"fixed": ["0.00 DKK"]}}, "1000.00 DKK", "0.00 0.00 2.80 1.00"),
        ({"cost": {"loss_percent": "2"}}, "1000.00 DKK", "31.80 0.00 2.80 20.00"),
        ({"settlement_days": 0}, "1000.00 DKK", "31.80 0.00 0.00 1.00"),
        # A fixed amount for other currencies says nothing about this one.
        ({"cost": {"percent": "1", "fixed": ["1.00 SEK"]}}, "1000.00 DKK", "31.80 0.00 2.80 1.00"),
    ],
)
def test_each_part_of_the_cost_is_rounded_up(method, amount, expected):
    cost = cost_of({"id": "card", **method}, amount, capital_cost_percent="7.3")
    assert parts(cost) == expected.split()
    assert cost.total == cost.use + cost.billing + cost.waiting + cost.loss


@pytest.mark.parametrize(
    ("method", "estimated"),
    [
        ({}, {"use", "billing", "waiting", "loss"}),
        ({"cost": {"percent": "1"}}, {"billing", "waiting", "loss"}),
        ({"cost": {"fixed": ["1.00 DKK"]}}, {"billing", "waiting", "loss"}),
        ({"cost": {"fixed": ["1.00 SEK"]}}, {"use", "billing", "waiting", "loss"}),
        ({"cost": {"billing": ["1.00 DKK"]}}, {"use", "waiting", "loss"}),
        ({"cost": {"billing": ["1.00 SEK"]}}, {"use", "billing", "waiting", "loss"}),
        ({"cost": {"loss_percent": 1}, "settlement_days": 3}, {"use", "billing"}),
        ({"cost": {"percent": 0, "loss_percent": 0}}, {"use", "billing", "waiting", "loss"}),
    ],
)
def test_what_is_the_catalogues_estimate_is_said(method, estimated):
    assert cost_of({"id": "own_invoice_14", **method}).estimated == estimated


def test_a_kind_of_the_shops_own_has_the_shops_own_figures():
    kinds = [OWN_PLAN, {**catalogue()["card"].model_dump(mode="json"), "settlement_days": 3}]
    assert not cost_of("own_instalments", kinds=kinds).estimated
    assert not cost_of("card", kinds=kinds).estimated
    assert cost_of("dankort", kinds=kinds).estimated


@pytest.mark.parametrize(
    ("method", "ship_days", "days"),
    [
        ({"id": "dankort"}, 0, 4),
        ({"id": "dankort"}, 3, 7),  # captured when it is shipped
        (MONTHLY, 3, 33),  # and settled a month later
        ({"id": "swish", "settlement_days": 1}, 3, 1),  # taken with the order
        ({"id": "bank_transfer"}, 3, 7),
        # A bill of the shop's own: not before it is due. The kind says 17 days, 3 of them late.
        ({"id": "own_invoice_14"}, 2, 19),
        ({"id": "own_invoice_14", "terms": MONTH_END}, 2, 2 + 37),
        ({"id": "own_invoice_14", "terms": {"days": 10}}, 2, 19),
        ({"id": "own_invoice_14", "terms": MONTH_END, "settlement_days": 5}, 2, 7),
        ({"id": "own_instalments"}, 2, 2 + 61),  # after 30, 61 and 92 days: 61 on average
        ({"id": "own_instalments", "plan": {"months": 12}}, 2, 2 + 198),
        # A provider's: the provider waits instead.
        ({"id": "provider_invoice_30", "creditor": "A bank"}, 2, 16),
        ({"id": "instalments_12", "creditor": "A bank"}, 2, 16),
    ],
)
def test_money_is_waited_for_from_the_order_until_it_is_settled(method, ship_days, days):
    currency = "SEK" if method["id"] == "swish" else "DKK"
    cost = cost_of(
        method, f"100.00 {currency}", ship_days, capital_cost_percent="36.5", kinds=[OWN_PLAN]
    )
    assert cost.waiting.minor == days * 10


@given(
    amount=st.integers(1, 10**7),
    percent=st.decimals("0.0001", 5, places=4),
    fixed=st.integers(0, 1000),
    capital=st.decimals(0, 20, places=2),
    days=st.integers(0, 60),
)
def test_a_part_of_a_cost_is_never_less_than_it_is_nor_a_unit_more(
    amount, percent, fixed, capital, days
):
    method = {
        "id": "card",
        "settlement_days": days,
        "cost": {"percent": percent, "fixed": [Money(fixed, "DKK")], "loss_percent": percent},
    }
    cost = cost_of(method, str(Money(amount, "DKK")), capital_cost_percent=capital)
    share = Fraction(percent) / 100 * amount
    assert 0 <= cost.use.minor - fixed - share < 1
    assert 0 <= cost.loss.minor - share < 1
    assert 0 <= cost.waiting.minor - Fraction(capital) / 100 * days / 365 * amount < 1


# -- what is proposed ------------------------------------------------------------------------------

CARD = a_way("card", "2", "3.00 DKK")  # 23.00 of 1000.00
DANKORT = a_way("dankort", "0.5", "1.00 DKK")  # 6.00
MOBILEPAY = a_way("mobilepay", "1", "1.00 DKK")  # 11.00
TWO = a_shop(CARD, DANKORT)


@pytest.mark.parametrize(
    ("shop", "more", "prices"),
    [
        # What Dankort saves is 17.00. Half of that would be saved on average: half of it, 4.25.
        (TWO, {}, "dankort -4.00 card 0.00"),
        (TWO, {"shares": {"card": 80, "dankort": 20}}, "dankort -6.00 card 0.00"),
        (TWO, {"budget": "10.00 DKK"}, "dankort -10.00 card 0.00"),
        (TWO, {"budget": "99.00 DKK"}, "dankort -17.00 card 0.00"),
        (TWO, {"budget": "99.00 DKK", "pass_on_percent": Decimal(50)}, "dankort -8.00 card 0.00"),
        (TWO, {"step": "2.50 DKK", "budget": "6.00 DKK"}, "dankort -5.00 card 0.00"),
        (TWO, {"step": "0.01 DKK"}, "dankort -4.25 card 0.00"),
        # A budget of 10.00 for 17.00 saved: who saves 12.00 gets 7.05.
        (
            a_shop(CARD, MOBILEPAY, DANKORT),
            {"budget": "10.00 DKK"},
            "dankort -10.00 mobilepay -7.00 card 0.00",
        ),
        # 1.17 and 0.83 come to less than a step apart, and a step apart they are.
        (
            a_shop(CARD, MOBILEPAY, DANKORT),
            {"budget": "1.00 DKK"},
            "dankort -1.00 mobilepay 0.00 card 0.00",
        ),
        (
            a_shop(CARD, a_way("visa_dankort", "0.5", "1.90 DKK"), DANKORT),
            {"budget": "99.00 DKK"},
            "dankort -17.00 visa_dankort -16.00 card 0.00",
        ),
        # Two that cost the same are both the cheapest.
        (
            a_shop(CARD, a_way("visa_dankort", "0.5", "1.00 DKK"), DANKORT),
            {"budget": "5.00 DKK"},
            "dankort -5.00 visa_dankort -5.00 card 0.00",
        ),
    ],
)
def test_discounts_mirror_what_each_way_saves_inside_the_budget(shop, more, prices):
    proposal = planned(shop, **more)
    words = prices.split()
    assert list(told(proposal).items()) == list(zip(words[::2], words[1::2], strict=True))
    assert (proposal.is_aligned, proposal.obstacle, proposal.changes) == (True, None, ())


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("1037.00 DKK", "3.00 DKK"),  # of 3.8887
        ("1037.00 SEK", "3.00 SEK"),
        ("1037.00 NOK", "3.00 NOK"),
        ("103.70 EUR", "0.30 EUR"),
        ("10370 ISK", "30 ISK"),
    ],
)
def test_a_step_is_what_is_noticed_in_the_currency(amount, expected):
    shop = a_shop(a_way("card", "2"), a_way("bank_transfer", "0.5"))
    assert planned(shop, a_situation(amount)).largest_discount == Money.read(expected)


def test_nothing_is_proposed_where_there_is_nothing_to_steer():
    for shop in (a_shop(CARD), a_shop(DANKORT, a_way("visa_dankort", "0.5", "1.00 DKK"))):
        proposal = planned(shop, budget="9.00 DKK")
        assert (proposal.is_aligned, proposal.rules, proposal.toml()) == (True, (), "")
    done = {"methods": ["dankort"], "discount": {"fixed": ["0.01 DKK"]}}
    proposal = planned(a_shop(CARD, DANKORT, steering=[done]), budget="9.00 DKK")
    assert (proposal.is_aligned, proposal.rules) == (True, ())
    assert told(proposal) == {"dankort": "-0.01", "card": "0.00"}


# -- what is in the way ----------------------------------------------------------------------------

BANK = a_way("bank_transfer", "0.5")
FAIR = a_way("card", "2")
AMEX = a_way("amex", "3")
BILL = a_way("own_invoice_14", "3", identifies=True)


def gives(way: str, amount: str, what: str = "discount") -> dict[str, Any]:
    return {"methods": [way], what: {"fixed": [amount]}}


@pytest.mark.parametrize(
    ("shop", "amount", "budget", "obstacle"),
    [
        (a_shop("gift_card"), "1000.00 DKK", "9.00 DKK", "nothing"),
        (a_shop(FAIR, BANK), "66.00 DKK", "9.00 DKK", "step"),  # 0.99 is saved
        (a_shop(FAIR, BANK), "66.67 DKK", "9.00 DKK", None),
        (TWO, "1000.00 DKK", "0.99 DKK", "budget"),
        (TWO, "1000.00 DKK", "1.00 DKK", None),
        (TWO, "1000.00 DKK", "0.00 DKK", "budget"),
        (a_shop(CARD, DANKORT, steering=[gives("card", "5 DKK")]), "1000.00 DKK", "", "own_rules"),
        (a_shop(CARD, DANKORT, steering=[gives("card", "3 DKK")]), "1000.00 DKK", "", None),
        # Who pays by bill in Norway gets what others get, up to the stated cost of the bill.
        (a_shop(FAIR, BANK, BILL), "1000.00 NOK", "9.00 NOK", "law"),
        (a_shop(FAIR, BANK, "own_invoice_14"), "1000.00 NOK", "9.00 NOK", None),  # it is cheapest
        (a_shop(AMEX, BANK, a_way("own_invoice_14", "0.6")), "1000.00 NOK", "9.00 NOK", "law"),
        (a_shop(FAIR, BANK), "1000.00 NOK", "9.00 NOK", None),
        # Paying on credit is never cheaper in Finland; elsewhere it may be.
        (a_shop(FAIR, a_way("own_invoice_14", identifies=True)), "100.00 EUR", "9.00 EUR", "law"),
        (a_shop(FAIR, a_way("own_invoice_14")), "1000.00 SEK", "9.00 SEK", None),
    ],
)
def test_why_nothing_is_proposed_is_said(shop, amount, budget, obstacle):
    proposal = planned(shop, a_situation(amount), budget)
    assert proposal.obstacle == obstacle
    assert proposal.is_aligned == (obstacle is None) == bool(proposal.rules)
    assert all(each.price_then == each.price_now for each in proposal.prospects) == bool(obstacle)
    assert (proposal.sums is None) == (obstacle == "nothing")


def test_a_discount_that_is_cut_already_is_the_laws_doing():
    shop = a_shop(FAIR, BANK, BILL, steering=[gives("bank_transfer", "20 NOK")])
    proposal = planned(shop, a_situation("1000.00 NOK"), "20.00 NOK")
    assert proposal.obstacle == "law"
    assert {change.rule for change in proposal.changes} == {"NO-ONEPARK"}


def test_what_the_law_leaves_is_proposed_in_whole_steps_and_without_ties():
    bill = a_way("own_invoice_14", "3", cost={"billing": ["3.10 NOK"]})
    proposal = planned(a_shop(FAIR, BANK, bill), a_situation("1000.00 NOK"), "20.00 NOK")
    assert told(proposal) == {"bank_transfer": "-3.00", "card": "-2.00", "own_invoice_14": "0.00"}
    assert [
        (change.about, str(change.asked), str(change.given), change.rule)
        for change in proposal.changes
    ] == [
        ("bank_transfer", "20.00 NOK", "3.10 NOK", "NO-ONEPARK"),
        ("card", "9.00 NOK", "3.10 NOK", "NO-ONEPARK"),
    ]


def test_finland_gives_no_discount_for_credit_and_the_rest_of_the_plan_stands():
    shop = a_shop(FAIR, a_way("own_invoice_14", "1", identifies=True), a_way("paytrail", "0.2"))
    proposal = planned(shop, a_situation("100.00 EUR"), "1.00 EUR")
    assert told(proposal) == {"paytrail": "-1.00", "own_invoice_14": "0.00", "card": "0.00"}
    assert [(change.about, change.rule) for change in proposal.changes] == [
        ("own_invoice_14", "FI-KKV")
    ]


def test_vouchers_and_what_is_not_offered_are_left_out():
    shop = a_shop(CARD, DANKORT, "gift_card", "swish", a_way("cash_on_delivery", maximum=["9 DKK"]))
    assert [each.way.id for each in planned(shop).prospects] == ["dankort", "card"]


# -- fees ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shop", "market", "prices", "rules"),
    [
        # Fees may be at cost for American Express, none for a consumer's card: what costs more
        # than the card has a fee, what costs less a discount.
        (a_shop(CARD, AMEX, DANKORT), "DK", "dankort -5.00 card 0.00 amex 7.00", {"EU-62-4"}),
        (a_shop(AMEX, DANKORT), "DK", "dankort 0.00 amex 24.00", set()),
        (a_shop(AMEX, BANK), "NO", "bank_transfer 0.00 amex 25.00", set()),
        (a_shop(AMEX, BANK), "SE", "bank_transfer -6.00 amex 0.00", {"SE-5-1"}),
        (a_shop(AMEX, BANK), "IS", "bank_transfer -60 amex 0", {"IS-62-5"}),
        (a_shop(AMEX, BANK), "FI", "bank_transfer 0.00 amex 25.00", set()),
        # A bill may have a fee of what sending it costs, or others a discount of as much.
        (
            a_shop(a_way("own_invoice_14", "3", cost={"billing": ["5.00 NOK"]}), FAIR, BANK),
            "NO",
            "bank_transfer -5.00 card -2.00 own_invoice_14 0.00",
            {"NO-62-4", "NO-REGNING", "NO-ONEPARK"},
        ),
    ],
)
def test_fees_are_proposed_if_asked_for_and_where_the_law_has_them(shop, market, prices, rules):
    s = a_situation(f"{10_000 if market == 'IS' else 1000} {CURRENCY[market]}")
    proposal = planned(shop, s, with_fees=True)
    words = prices.split()
    assert list(told(proposal).items()) == list(zip(words[::2], words[1::2], strict=True))
    assert proposal.is_aligned
    assert {change.rule for change in proposal.changes} == rules
    without = planned(shop, s)
    assert not any(rule.fee for rule in without.rules)


def test_a_fee_that_the_shop_has_already_covers_what_it_covers():
    shop = a_shop(CARD, AMEX, DANKORT, steering=[gives("amex", "29 DKK", "fee")])
    assert told(planned(shop)) == {"dankort": "-2.00", "card": "0.00", "amex": "29.00"}
    again = planned(shop, with_fees=True)
    assert told(again) == {"dankort": "-2.00", "card": "0.00", "amex": "29.00"}


def test_a_way_that_a_fee_would_close_is_left_without_one():
    """A fee of 2.00 for putting off 1.50 is no plan at all."""
    shop = a_shop(a_way("instalments_3", "0", "2 DKK", creditor="A bank"), "dankort")
    proposal = planned(shop, a_situation("1.50 DKK"), "1.00 DKK", with_fees=True)
    assert told(proposal) == {"dankort": "-1.00", "instalments_3": "0.00"}


# -- the sums --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "now", "nobody", "all_", "percent"),
    [
        ({}, "14.50", "16.50", "10.00", "30.8"),
        ({"shares": {"card": 75, "dankort": 25}}, "18.75", "20.25", "12.00", "18.2"),
        ({"shares": {"card": "0.3", "dankort": "0.1"}}, "18.75", "20.25", "12.00", "18.2"),
        ({"shares": {"card": 1}}, "23.00", "23.00", "14.00", "0"),
        ({"budget": "8.50 DKK", "step": "0.50 DKK"}, "14.50", "18.75", "14.50", "100.0"),
        ({"budget": "9.00 DKK"}, "14.50", "19.00", "15.00", None),
        ({"budget": "0.00 DKK"}, "14.50", "14.50", "6.00", "0"),
    ],
)
def test_the_sums_of_the_worst_case_the_best_and_between(more, now, nobody, all_, percent):
    sums = planned(TWO, **more).sums
    assert sums
    averages = (sums.now, sums.if_nobody_moves, sums.if_all_move)
    assert [str(each.decimal()) for each in averages] == [now, nobody, all_]
    assert sums.break_even_percent == (percent and Decimal(percent))


def test_fees_can_pay_at_once():
    sums = planned(a_shop(AMEX, DANKORT), with_fees=True).sums
    assert sums
    assert (str(sums.now), str(sums.if_nobody_moves)) == ("18.00 DKK", "6.00 DKK")
    assert sums.break_even_percent == 0


def test_of_several_that_cost_the_shop_the_same_all_move_to_the_customers_cheapest():
    twin = a_way("visa_dankort", "0.5", "1.00 DKK")
    shop = a_shop(CARD, DANKORT, twin, steering=[gives("visa_dankort", "2 DKK")])
    proposal = planned(shop, budget="0.00 DKK")
    assert [each.way.id for each in proposal.prospects] == ["visa_dankort", "dankort", "card"]
    assert proposal.sums
    assert str(proposal.sums.if_all_move) == "8.00 DKK"


def test_the_amount_is_what_is_paid_and_prices_are_as_the_carts_are():
    net = planned(TWO, a_situation(net=True, customer="business"))
    assert (str(net.amount), told(net)["dankort"]) == ("1250.00 DKK", "-5.00")
    sent = planned(TWO, a_situation(delivery="parcel"))
    assert str(sent.amount) == "1050.00 DKK"
    covered = planned(TWO, a_situation(delivery="parcel", credited=1050_00), "9.00 DKK")
    assert (str(covered.amount), covered.obstacle) == ("0.00 DKK", "step")
    covered = planned(TWO, a_situation(delivery="parcel", credited=1048_50), "9.00 DKK")
    assert told(covered) == {"dankort": "-1.00", "card": "0.00"}


# -- the rules -------------------------------------------------------------------------------------


def test_the_proposal_is_rules_to_paste():
    shop = a_shop(CARD, MOBILEPAY, DANKORT, AMEX)
    proposal = planned(shop, budget="10.00 DKK", with_fees=True)
    assert (
        proposal.toml()
        == """\
[[steering]]
id = "by_cost_dk_consumer_1"
methods = ["dankort"]
when.markets = ["DK"]
when.customers = ["consumer"]
when.at_least = ["1000.00 DKK"]
discount = { fixed = ["10.00 DKK"] }

[[steering]]
id = "by_cost_dk_consumer_2"
methods = ["mobilepay"]
when.markets = ["DK"]
when.customers = ["consumer"]
when.at_least = ["1000.00 DKK"]
discount = { fixed = ["7.00 DKK"] }

[[steering]]
id = "by_cost_dk_consumer_3"
methods = ["amex"]
when.markets = ["DK"]
when.customers = ["consumer"]
when.at_least = ["1000.00 DKK"]
fee = { fixed = ["7.00 DKK"] }
"""
    )


def pasted(shop: Shop, proposal: Proposal) -> Shop:
    """The shop with the proposal at the end of its settings, read anew."""
    steering = tomllib.loads(proposal.toml()).get("steering", [])
    rules = [rule.model_dump(mode="json") for rule in shop.steering]
    return Shop.read({**shop.model_dump(mode="json"), "steering": [*rules, *steering]})


def test_a_second_plan_for_larger_carts_takes_other_names():
    shop = pasted(TWO, planned(TWO, a_situation("400.00 DKK"), "3.00 DKK"))
    off = gives("card", "4 DKK") | {"id": "off"}
    shop = shop.but(steering=(*shop.steering, *a_shop(CARD, steering=[off]).steering))
    again = planned(shop, budget="10.00 DKK")
    assert [rule.id for rule in again.rules] == ["by_cost_dk_consumer_2"]
    assert told(again) == {"dankort": "-10.00", "card": "-4.00"}


@pytest.mark.parametrize(
    ("shop", "amount", "budget", "below"),
    [
        (TWO, "1000.00 DKK", "", None),
        # At 1000.00 Dankort has used up what it saves of the card's 10.00, at 900.00 but the
        # discount of 1.00.
        (a_shop(a_way("card", "0", "10 DKK"), a_way("dankort", "1")), "500 DKK", "", "900.00 DKK"),
        (
            a_shop(a_way("card", "0", "10 DKK"), a_way("dankort", "1")),
            "500 DKK",
            "99 DKK",
            "500.01 DKK",
        ),
        # From 833.33 on MobilePay is cheaper than Dankort.
        (
            a_shop(CARD, a_way("mobilepay", "0.4", "6 DKK"), a_way("dankort", "1", "1 DKK")),
            "500 DKK",
            "",
            "833.00 DKK",
        ),
        # Further than any amount goes.
        (a_shop(a_way("card", "0", "200000 DKK"), a_way("dankort", "0.0001")), "500 DKK", "", None),
    ],
)
def test_rules_hold_as_far_as_the_plan_is_true(shop, amount, budget, below):
    proposal = planned(shop, a_situation(amount), budget)
    assert pasted(shop, proposal).steering == proposal.rules
    assert proposal.rules
    for rule in proposal.rules:
        assert [str(limit) for limit in rule.when.below] == ([below] if below else [])


def test_what_grows_is_more_than_the_goods_where_vat_is_added():
    shop = a_shop(a_way("card", "0", "10 DKK"), a_way("dankort", "1"))
    proposal = planned(shop, a_situation("400 DKK", net=True, customer="business"))
    (rule,) = proposal.rules
    assert [str(limit) for limit in rule.when.below] == ["720.00 DKK"]


# -- what cannot be planned ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"budget": "9.00 SEK"}, "budget: the cart is in DKK"),
        ({"budget": "-0.01 DKK"}, "budget: must not be negative"),
        ({"step": "1.00 SEK"}, "step: the cart is in DKK"),
        ({"step": "0.00 DKK"}, "step: must be above zero"),
        ({"ship_days": -1}, "ship_days: must not be negative"),
        ({"pass_on_percent": Decimal("100.1")}, "pass_on_percent: is from 0 to 100"),
        ({"pass_on_percent": Decimal(-1)}, "pass_on_percent: is from 0 to 100"),
        ({"shares": {"crad": 1}}, "shares.crad: the shop has no such way to pay"),
        ({"shares": {"card": -1}}, "shares.card: is a number, not below zero"),
        ({"shares": {"card": "NaN"}}, "shares.card: is a number, not below zero"),
        ({"shares": {"card": 0}}, "shares: nothing that is offered here has any"),
    ],
)
def test_a_wrong_argument_is_named(more, complaint):
    with pytest.raises(InvalidInput) as caught:
        planned(TWO, **more)
    assert str(caught.value) == complaint


def test_shares_of_ways_that_are_not_offered_here_do_not_count():
    shop = a_shop(CARD, DANKORT, "swish")
    proposal = planned(shop, shares={"swish": 90, "card": 7, "dankort": 3})
    assert [str(each.share) for each in proposal.prospects] == ["3/10", "7/10"]


# -- whatever the shop, the market and the amount --------------------------------------------------

KINDS = {
    "DK": (
        "card",
        "visa_consumer",
        "dankort",
        "mobilepay",
        "amex",
        "bank_transfer",
        "betalingsservice",
    ),
    "SE": ("card", "visa_consumer", "swish", "amex", "bank_transfer"),
    "NO": ("card", "visa_consumer", "vipps", "amex", "bank_transfer"),
    "FI": ("card", "visa_consumer", "mobilepay", "paytrail", "amex", "bank_transfer"),
    "IS": ("card", "visa_consumer", "apple_pay", "amex", "bank_transfer"),
}
CREDIT = ("own_invoice_14", "own_invoice_30", "provider_invoice_14", "instalments_12", "e_invoice")


def amounts(currency: str, most: int) -> st.SearchStrategy[Money]:
    return st.integers(0, most).map(lambda minor: Money(minor, currency))


@st.composite
def ways(draw: st.DrawFn, market: str) -> list[dict[str, Any]]:
    currency = CURRENCY[market]
    kinds = (*KINDS[market], *CREDIT)
    found = []
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=6, unique=True)):
        cost: dict[str, Any] = {}
        if draw(st.booleans()):
            cost["percent"] = draw(st.decimals(0, 4, places=1))
            cost["fixed"] = [draw(amounts(currency, 500))]
        if kind in CREDIT and draw(st.booleans()):
            cost["billing"] = [draw(amounts(currency, 900))]
        if draw(st.booleans()):
            cost["loss_percent"] = draw(st.decimals(0, 2, places=1))
        way: dict[str, Any] = {"id": kind, "cost": cost, "creditor": "A bank"}
        if kind in CREDIT:
            way["identifies"] = draw(st.booleans())
        if draw(st.booleans()):
            way["settlement_days"] = draw(st.integers(0, 40))
        found.append(way)
    return found


@st.composite
def wishes(draw: st.DrawFn, market: str, methods: list[str]) -> list[dict[str, Any]]:
    """Rules that the shop has already."""
    found: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(0, 3))):
        fixed = [draw(amounts(CURRENCY[market], 2000))]
        given_ = {"fixed": fixed, "percent": draw(st.decimals(0, 2, places=1))}
        to = draw(st.sets(st.sampled_from(methods), min_size=1))
        found.append({"methods": to, draw(st.sampled_from(["fee", "discount"])): given_})
    return found


class Case:
    """A shop, a situation, and what the planner is asked for."""

    def __init__(self, draw: st.DrawFn, *, is_steered: bool) -> None:
        self.market = draw(st.sampled_from(sorted(CURRENCY)))
        currency = CURRENCY[self.market]
        methods = draw(ways(self.market))
        names = [method["id"] for method in methods]
        self.shop = a_shop(
            *methods,
            steering=draw(wishes(self.market, names)) if is_steered else (),
            capital_cost_percent=draw(st.decimals(0, 20, places=1)),
            is_sme=draw(st.booleans()),
        )
        self.s = a_situation(
            Money(draw(st.integers(1, 10**6)), currency),
            self.market,
            customer=draw(st.sampled_from(["consumer", "business"])),
            net=draw(st.booleans()),
        )
        self.more: dict[str, Any] = {
            "ship_days": draw(st.integers(0, 5)),
            "with_fees": draw(st.booleans()),
            "pass_on_percent": draw(st.sampled_from([Decimal(100), Decimal(50), Decimal("12.5")])),
        }
        if draw(st.booleans()):
            self.more["budget"] = str(draw(amounts(currency, 5000)))
        if draw(st.booleans()):
            self.more["step"] = str(Money(draw(st.sampled_from([1, 10, 100, 250])), currency))
        self.proposal = planned(self.shop, self.s, **self.more)

    def __repr__(self) -> str:
        return f"Case({self.shop.model_dump_json()}, {self.s}, {self.more})"

    def prices(self, proposal: Proposal) -> dict[str, int]:
        """What each way costs the customer with the proposal in the shop's settings."""
        shop = pasted(self.shop, proposal)
        found = options(Rules(shop, shop.law()), self.s)
        return {each.id: each.fee.minor - each.discount.minor for each in found.payments}


@st.composite
def cases(draw: st.DrawFn, *, is_steered: bool) -> Case:
    return Case(draw, is_steered=is_steered)


@given(cases(is_steered=True))
def test_a_proposal_does_what_it_says(case):
    proposal = case.proposal
    prices = {each.way.id: each.price_then.minor for each in proposal.prospects}
    assert case.prices(proposal) == prices
    costs = {each.way.id: each.cost.total.minor for each in proposal.prospects}
    cheapest = {way for way, price in prices.items() if price == min(prices.values())}
    assert proposal.is_aligned == bool(
        cheapest and {costs[way] for way in cheapest} == {min(costs.values())}
    )
    assert proposal.is_aligned == (proposal.obstacle is None)
    assert proposal.is_aligned or not proposal.rules
    for each in proposal.prospects:
        assert each.net_now - each.net_then == each.price_then - each.price_now


@given(cases(is_steered=True))
def test_no_discount_is_above_the_budget_or_above_what_is_saved(case):
    dearest = max((each.cost.total.minor for each in case.proposal.prospects), default=0)
    for each in case.proposal.prospects:
        if each.price_then < each.price_now:
            given_ = -each.price_then.minor
            assert given_ <= case.proposal.budget.minor
            assert given_ <= dearest - each.cost.total.minor


@given(cases(is_steered=False))
def test_the_law_has_nothing_to_take_from_a_proposal(case):
    shop = pasted(case.shop, case.proposal)
    found = options(Rules(shop, shop.law()), case.s)
    assert not CHANGES_OF_AMOUNTS & {change.change for change in found.explanations}
    step = case.proposal.step.minor
    for each in case.proposal.prospects:
        assert each.price_now.is_zero
        assert each.price_then.minor % step == 0
        assert case.more["with_fees"] or each.price_then.minor <= 0


@given(cases(is_steered=False))
def test_the_aim_is_met_whenever_the_law_and_the_budget_allow_a_step(case):
    proposal = case.proposal
    assume(proposal.prospects and case.s.goods >= 2000)  # enough to be paid in instalments
    s, step = case.s, proposal.step.minor
    best = proposal.prospects[0]
    bills = [
        each.way for each in proposal.prospects if each.way.kind.id in {*CREDIT, "betalingsservice"}
    ]
    costs = [way.stated_cost.of_billing(s.currency) if way.stated_cost else None for way in bills]
    is_free = {
        "NO": all(cost and cost.minor >= step for cost in costs),
        "FI": best.way.tier != "credit",
    }.get(case.market, True)
    if s.customer == "business" or is_free:
        assert proposal.obstacle in {None, "step", "budget"}
    dearest = max(each.cost.total.minor for each in proposal.prospects)
    saved = min(dearest - best.cost.total.minor, s.goods)
    if proposal.obstacle == "step" and not case.more["with_fees"]:
        assert saved < step
    if proposal.obstacle == "budget" and case.more["pass_on_percent"] == 100:
        assert saved >= step > proposal.budget.minor
    assert proposal.obstacle != "own_rules"


@given(cases(is_steered=True), st.randoms(use_true_random=False))
def test_neither_the_order_of_methods_nor_a_second_look_matters(case, random):
    methods = random.sample(case.shop.methods, k=len(case.shop.methods))
    again = planned(case.shop.but(methods=tuple(methods)), case.s, **case.more)
    assert again == case.proposal


@given(cases(is_steered=True))
def test_once_pasted_there_is_nothing_more_to_propose(case):
    assume(case.proposal.is_aligned)
    again = planned(pasted(case.shop, case.proposal), case.s, **case.more)
    assert (again.is_aligned, again.rules) == (True, ())


@given(cases(is_steered=False))
def test_the_sums_add_up(case):
    sums, ways_ = case.proposal.sums, case.proposal.prospects
    assume(sums is not None)
    assert sum(each.share for each in ways_) == 1
    now = sum(each.share * each.net_now.minor for each in ways_)
    stays = sum(each.share * each.net_then.minor for each in ways_)
    moved = ways_[0].net_then.minor
    assert abs(now - sums.now.minor) <= Fraction(1, 2)
    assert abs(stays - sums.if_nobody_moves.minor) <= Fraction(1, 2)
    assert moved == sums.if_all_move.minor
    if sums.break_even_percent is None:
        assert moved > now
    else:
        part = Fraction(sums.break_even_percent) / 100
        assert stays - part * (stays - moved) <= now
        if part:
            less = part - Fraction(1, 1000)
            assert stays - less * (stays - moved) > now
    if "budget" not in case.more and not case.more["with_fees"]:
        assert moved <= now


@given(cases(is_steered=False), st.integers(0, 10**6))
def test_as_far_as_the_rules_hold_no_discount_is_above_what_is_saved(case, more):
    proposal = case.proposal
    assume(not case.more["with_fees"] and case.s.cart.prices_include_vat)
    goods = case.s.goods + more
    for rule in proposal.rules:
        goods = min(goods, *(limit.minor - 1 for limit in (*rule.when.below, Money(10**9, "DKK"))))
    amount = Money(goods, case.s.currency)
    rules = Rules(case.shop, case.shop.law())
    days = case.more["ship_days"]
    costs = {
        each.way.id: true_cost(each.way, amount, rules, case.s, ship_days=days).total.minor
        for each in proposal.prospects
    }
    close = 3  # each of three parts is rounded up by itself
    if proposal.rules:
        assert costs[proposal.prospects[0].way.id] <= min(costs.values()) + close
    for each in proposal.prospects:
        assert -each.price_then.minor <= max(costs.values()) - costs[each.way.id] + close


# -- in the terminal -------------------------------------------------------------------------------

SETTINGS = """
name = "Fjord"
markets = ["DK", "SE", "NO", "FI", "IS"]
capital_cost_percent = "7.3"

[[methods]]
id = "card"
provider = "bank"

[[methods]]
id = "dankort"
provider = "bank"
cost = { percent = "0.3", fixed = ["0.70 DKK"] }

[[methods]]
id = "amex"
provider = "bank"
cost = { percent = "2.75" }

[[methods]]
id = "bank_transfer"
markets = ["SE", "NO", "FI", "IS"]
provider = "bank"

[[methods]]
id = "invoice"
kind = "own_invoice_14"
markets = ["NO"]
"""


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run the command on the settings: its exit code, what it wrote, what it complained of."""
    monkeypatch.chdir(tmp_path)
    Path("shop.toml").write_text(SETTINGS, "utf-8")

    def run(*words):
        status = main(["steer", "--shop", "shop.toml", "--date", "2026-11-21", *words])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def printed(run, line):
    status, out, err = run(*line.split("; "))
    assert (status, err) == (0, "")
    assert "--json" in line or all(width(row) <= WIDTH for row in out.splitlines())
    return out


def in_denmark(*more):
    return "; ".join(["--market; DK; --amount; 500.00 DKK", *more])


def test_costs_prices_sums_and_rules_stand_below_each_other(run):
    assert (
        printed(run, in_denmark("--budget; 9.00 DKK"))
        == """\
━━ What a payment costs the shop ━━━━━━━━━━━━━━━━━━ DK, consumer, 500.00 DKK, 2026-11-21

  in DKK      use  billing  waiting   loss  in all
  dankort    2.20             ~0.60  ~0.50    3.30
  amex      13.75             ~1.60  ~0.50   15.85
  card     ~16.80             ~1.60  ~0.50   18.90
  ~  the catalogue's, for orientation: state your own under cost and settlement_days

  What choosing it costs the customer, and then the shop
            share  customer now   then  shop now   then
  dankort  33.3 %          0.00  -9.00      3.30  12.30
  amex     33.3 %          0.00  -1.00     15.85  16.85
  card     33.3 %          0.00   0.00     18.90  18.90

  With the rules below the customer's cheapest choice is the shop's cheapest, dankort.

  What payment costs for each order, on average
               today  12.68 DKK
     if nobody moves  16.02 DKK: what is given away has no effect
         if all move  12.30 DKK: everybody pays with dankort
         breaks even  when 89.7 % of those who pay otherwise today move
          gives away  at most 9.00 DKK of 9.00 DKK on one order
              shares  the same for all, for want of better: give yours with --share

  To add at the end of the shop's settings

[[steering]]
id = "by_cost_dk_consumer_1"
methods = ["dankort"]
when.markets = ["DK"]
when.customers = ["consumer"]
when.at_least = ["500.00 DKK"]
discount = { fixed = ["9.00 DKK"] }

[[steering]]
id = "by_cost_dk_consumer_2"
methods = ["amex"]
when.markets = ["DK"]
when.customers = ["consumer"]
when.at_least = ["500.00 DKK"]
discount = { fixed = ["1.00 DKK"] }

"""
    )


def test_what_is_pasted_is_in_force(run):
    out = printed(run, in_denmark("--budget; 9.00 DKK"))
    rules = out[out.index("[[steering]]") :]
    Path("shop.toml").write_text(SETTINGS + rules, "utf-8")
    out = printed(run, in_denmark("--budget; 9.00 DKK"))
    assert "Nothing to steer: the customer's cheapest choice is the shop's cheapest" in out
    assert "-9.00" in out
    assert "[[steering]]" not in out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("DK; --amount; 500.00 DKK", ("4.00 DKK of 4.69 DKK", "give yours with --budget")),
        (
            "DK; --amount; 500.00 DKK; --share; card=9; dankort=1",
            ("90.0 %", "17.34 DKK", "when 9.1 %"),
        ),
        ("DK; --amount; 500.00 DKK; --share; dankort=1", ("0.00 DKK on one order, is less",)),
        (
            "DK; --amount; 500.00 DKK; --share; dankort=1; --budget; 1.00 DKK",
            ("100.0 %", "never: it gives away"),
        ),
        (
            "DK; --amount; 500.00 DKK; --with-fees",
            ("card  The fee of DKK15.00 is not allowed", "EU-62-4: no fee for consumer credit"),
        ),
        ("DK; --amount; 500.00 DKK; --ship-days; 12", ("~1.60", "~2.60")),
        ("DK; --amount; 5.00 DKK", ("the budget, 0.39 DKK on one order, is less than 1.00 DKK",)),
        ("dk; --amount; 500.00 DKK; --customer; business", ("DK, business",)),
        ("SE; --amount; 500.00 SEK", ("in SEK", 'methods = ["bank_transfer"]')),
        ("NO; --amount; 500.00 NOK", ("the law does not let bank_transfer", "NO-ONEPARK: a ")),
        ("FI; --amount; 50.00 EUR", ("in EUR", "at most 0.50 EUR of 0.57 EUR")),
        ("IS; --amount; 5000 ISK", ("in ISK", "at most 50 ISK of 58 ISK")),
        ("IS; --amount; 5000 ISK; --with-fees", ("IS-62-5: no fee for any instrument; since",)),
    ],
)
def test_what_it_says_in_each_market(run, line, said):
    out = printed(run, f"--market; {line}")
    for words in said:
        assert words in out


def with_methods(*blocks, more=""):
    """Write settings with these ways to pay."""
    head, _, _ = SETTINGS.partition("[[methods]]")
    methods = "".join(f"[[methods]]\n{block}\n" for block in blocks)
    Path("shop.toml").write_text(head + methods + more, "utf-8")


def test_fees_alone_pay_at_once_and_have_their_plus(run):
    with_methods('id = "amex"\ncost.percent = "2.75"', 'id = "dankort"')
    out = printed(run, in_denmark("--with-fees"))
    assert "at once, even if nobody moves" in out
    assert "+11.00" in out
    assert "With the rules below" in out


def test_the_shops_own_figures_have_no_mark(run):
    own = "settlement_days = 1\ncost = { percent = %s, loss_percent = 0.1 }"
    with_methods('id = "card"\n' + own % "2", 'id = "dankort"\n' + own % "1")
    assert "~" not in printed(run, in_denmark())


def test_nothing_offered_is_said(run):
    with_methods('id = "swish"')
    assert "Nothing is proposed: no way to pay is offered here." in printed(run, in_denmark())


def test_whose_rule_took_a_fee_away_is_said(run):
    own = """
[[own_law.fee]]
market = "DK"
id = "DK-121-2"
instruments = ["three_party_card"]
limit = "nothing"
valid_from = 2026-01-01
source = "our lawyer"
read_on = 2026-10-21
confidence = "medium"
"""
    with_methods('id = "amex"\ncost.percent = "9"', 'id = "dankort"', more=own)
    out = printed(run, in_denmark("--with-fees"))
    law = "DK-121-2: no fee for three-party card; since 2026-01-01, our lawyer; the shop's own rule"
    assert law in " ".join(out.split())
    with_methods('id = "cash_on_delivery"', 'id = "dankort"')
    out = printed(run, in_denmark("--with-fees"))
    assert "no rule is known that allows it" in out


def test_it_is_a_document_for_machines(run):
    document = json.loads(printed(run, in_denmark("--json", "--with-fees")))
    proposal = planned(
        Shop.load("shop.toml"), a_situation("500.00 DKK"), ship_days=2, with_fees=True
    )
    assert document["toml"] == proposal.toml()
    assert (document["market"], document["date"]) == ("DK", "2026-11-21")
    assert document["amount"] == {"minor": 500_00, "currency": "DKK"}
    assert (document["is_aligned"], document["obstacle"]) == (True, None)
    dankort = document["ways"][0]
    assert (dankort["id"], dankort["share_percent"]) == ("dankort", "33.3")
    assert dankort["cost"]["total"]["minor"] == 330
    assert dankort["cost"]["estimated"] == ["billing", "loss", "waiting"]
    assert dankort["net_then"]["minor"] == 330 - dankort["price_then"]["minor"]
    assert document["law"][0]["rule"] == "EU-62-4"
    assert document["sums"]["break_even_percent"] == "19.9"
    with_methods('id = "swish"')
    document = json.loads(printed(run, in_denmark("--json")))
    assert (document["obstacle"], document["sums"]) == ("nothing", None)


def test_a_cart_can_be_given(run):
    line = {"sku": "it", "name": "It", "quantity": 2, "unit_price": "250.00 DKK"}
    Path("cart.json").write_text(json.dumps({"lines": [line]}), "utf-8")
    assert printed(run, "--market; DK; --cart; cart.json") == printed(run, in_denmark())


def test_without_a_date_it_is_today(run, capsys, monkeypatch):
    monkeypatch.setattr(steer, "system_clock", lambda: datetime(2026, 12, 1, 23, 59, tzinfo=UTC))
    command = ["steer", "--shop", "shop.toml", "--market", "DK", "--amount", "500.00 DKK"]
    assert main(command) == 0
    assert "DK, consumer, 500.00 DKK, 2026-12-01" in capsys.readouterr().out


def test_the_page_shows_what_is_printed(run, capsys):
    page = PAGE.read_text("utf-8")
    block = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
    blocks = [(found[1], found[2]) for found in block.finditer(page)]
    (settings,) = (text for kind, text in blocks if text.startswith("# shop.toml"))
    Path("shop.toml").write_text(settings, "utf-8")
    out = ""
    for kind, text in blocks:
        if kind == "console":
            assert main(shlex.split(text.removeprefix("$ checkoutflow "))) == 0
            out = capsys.readouterr().out
        elif kind == "text":
            assert text in out


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("--market; DK", "checkoutflow steer: one of the arguments --amount --cart is required"),
        ("--amount; 5 DKK", "checkoutflow steer: the following arguments are required: --market"),
        (
            "--market; DK; --amount; 5 DKK; --cart; x",
            "checkoutflow steer: argument --cart: not all",
        ),
        ("--market; XX; --amount; 5 DKK", "checkoutflow: XX is not a market of the shop: DK, SE"),
        ("--market; DK; --amount; 500", "checkoutflow: --amount: unknown currency; known are"),
        ("--market; DK; --amount; -5 DKK", "checkoutflow: --amount: "),
        ("--market; DK; --amount; 1,5 DKK", "checkoutflow: --amount: write the amount as plain"),
        ("--market; DK; --cart; x.json", "checkoutflow: x.json: cannot be read"),
        (in_denmark("--budget; 1 SEK"), "checkoutflow: budget: the cart is in DKK"),
        (in_denmark("--budget; much"), "checkoutflow: --budget: unknown currency"),
        (in_denmark("--share; card"), "checkoutflow: --share: write it like dankort=60"),
        (in_denmark("--share; card=all"), "checkoutflow: --share: write it like dankort=60"),
        (in_denmark("--share; crad=1"), "checkoutflow: shares.crad: the shop has no such way"),
        (in_denmark("--ship-days; -1"), "checkoutflow steer: argument --ship-days: is a number"),
        (in_denmark("--shop; x.toml"), "checkoutflow: x.toml: cannot be read"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(run, line, complaint):
    status, out, err = run(*line.split("; "))
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(complaint)
