"""Law on fees, discounts, order and buttons: its rows, and what they leave of a shop's wishes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.vectors import cases, table

from checkoutflow.errors import InvalidInput, UsageError
from checkoutflow.law import EVERYWHERE, Law
from checkoutflow.law.choice import (
    BILLS,
    FEE_LIMITS,
    INSTRUMENTS,
    TIERS,
    AddOnRule,
    ButtonWords,
    DiscountRule,
    FeeRule,
    Instrument,
    PresentationRule,
)
from checkoutflow.money import Money
from checkoutflow.payment.fees import (
    Steered,
    discount_caps,
    fee_limit,
    lawful_fee,
    may_preselect,
    presented,
)
from checkoutflow.texts import LANGUAGES

TODAY = date(2026, 11, 21)
LAW = Law.load()
COUNTRIES = ["DK", "SE", "NO", "FI", "IS"]
CURRENCY = {"DK": "DKK", "SE": "SEK", "NO": "NOK", "FI": "EUR", "IS": "ISK"}
CARD: tuple[Instrument, ...] = ("consumer_debit_card", "consumer_credit_card", "commercial_card")

# The vectors' words, and ours.
WORDS = {
    "consumer_debit_card_ifr": {"consumer_debit_card"},
    "consumer_credit_card_ifr": {"consumer_credit_card"},
    "dankort_consumer": {"dankort"},
    "sepa_credit_transfer": {"credit_transfer"},
    "sepa_direct_debit": {"direct_debit"},
    "other_payment_instrument": {"other_instrument"},
    "invoice": {"invoice", "e_invoice"},
    "fik": {"payment_slip"},
    "betalingsservice": {"bill_agreement"},
    "*payment_instrument": {"any_instrument"},
    "any": {"any_instrument"},
}
LIMITS = {
    "forbidden": "nothing",
    "max_cost_of_issuing_and_sending": "cost_of_billing",
    "max_actual_transaction_cost": "cost",
    "max_actual_cost": "cost",
    "max_actual_cost_and_reasonable": "cost",
    "contractual_fair": "agreed",
}
# Where no national text names it, a Dankort is on the strict side: as other consumer cards.
ALSO = {("FI", "EU-62-4"): {"dankort"}, ("NO", "NO-62-4"): {"dankort"}}


SURE = ["high", "medium", "low"]


def said_of(vector):
    """How sure the notes are: "medium-high" is no more than medium."""
    return next(word for word in SURE if vector["confidence"].startswith(word))


def fee_rules(market, on=TODAY):
    return LAW.rules_of(FeeRule, market, on)


def discount_rules(market):
    return LAW.rules_of(DiscountRule, market, TODAY)


def row(kind, **fields):
    facts = {"valid_from": date(2020, 1, 1), "source": "tax adviser", "read_on": TODAY}
    return kind.read({"market": "SE", "confidence": "medium", **facts, **fields})


def kroner(minor):
    return Money(minor, "NOK")


def left_of(fee, market, *instruments, customer="consumer", on=TODAY, free=True, **costs):
    """What is left of a fee, by which rule; costs in minor units, like the fee."""
    left = lawful_fee(
        fee_rules(market, on),
        instruments,
        customer,
        fee=kroner(fee),
        cost=kroner(costs["cost"]) if "cost" in costs else None,
        billing_cost=kroner(costs["billing"]) if "billing" in costs else None,
        has_free_method=free,
    )
    return left.amount.minor, left.change, left.rule.id if left.rule else None


# -- the rows of fees ------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", cases("fee_rules", key="rules"))
def test_the_table_of_fees_has_every_rule_and_its_first_day(vector):
    first = date.fromisoformat(vector["valid_from"])
    for country in vector["countries"]:
        rules = {rule.id: rule for rule in fee_rules(country, first)}
        rule = rules[vector["id"]]
        expected: set[str] = set()
        expected.update(*(WORDS.get(word, {word}) for word in vector["instruments"]))
        assert rule.instruments == expected | ALSO.get((country, rule.id), set())
        assert rule.limit == LIMITS[vector["fee"]]
        assert rule.valid_from == first
        assert rule.needs_free_method == ("condition" in vector)
        assert SURE.index(rule.confidence) >= SURE.index(said_of(vector))
        before = fee_rules(country, first - timedelta(days=1))
        assert vector["id"] not in {rule.id for rule in before}


def test_every_row_of_fees_is_one_of_the_notes():
    known = {rule["id"] for rule in table("fee_rules").get("rules", [])}
    if not known:
        pytest.skip("no vectors")
    assert {rule.id for country in COUNTRIES for rule in fee_rules(country)} == known


def test_only_the_rule_for_consumers_leaves_businesses_out():
    for country in COUNTRIES:
        for rule in fee_rules(country):
            assert ("business" not in rule.customers) == (rule.id == "CRD-19")


@pytest.mark.parametrize("vector", cases("fee_cases"))
def test_whether_a_fee_may_be_charged(vector):
    currency = CURRENCY[vector["country"]]
    (instrument,) = WORDS.get(vector["instrument"], {vector["instrument"]}) - {"e_invoice"}
    fee = Money.parse(vector["fee"], currency)
    cost = Money.parse(vector["actual_cost"], currency)
    left = lawful_fee(
        fee_rules(vector["country"], date.fromisoformat(vector["date"])),
        [instrument],
        vector["payer"],
        fee=fee,
        cost=cost,
        billing_cost=cost,
        has_free_method=vector.get("fee_free_method_offered", False),
    )
    assert (left.amount == fee) == (left.change == "kept") == vector["allowed"]
    assert left.rule is not None
    assert left.rule.id == vector["rule"]
    assert left.rule.source in left.rule.explain()


# -- fees ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("country", COUNTRIES)
@pytest.mark.parametrize("card", ["consumer_debit_card", "consumer_credit_card", "dankort"])
def test_a_consumers_card_has_no_fee_in_any_country(country, card):
    assert left_of(100, country, card, cost=100)[:2] == (0, "removed")


@pytest.mark.parametrize("instrument", sorted(INSTRUMENTS))
@pytest.mark.parametrize("country", ["SE", "IS"])
@pytest.mark.parametrize("customer", ["consumer", "business"])
def test_in_sweden_and_iceland_no_instrument_has_a_fee(country, instrument, customer):
    assert left_of(100, country, instrument, customer=customer, cost=100)[:2] == (0, "removed")


@pytest.mark.parametrize(
    ("market", "instrument", "given", "left"),
    [
        ("DK", "commercial_card", {"cost": 700}, (700, "kept", "DK-121-2")),
        ("DK", "commercial_card", {"cost": 699}, (699, "cut", "DK-121-2")),
        ("DK", "commercial_card", {"cost": 0}, (0, "removed", "DK-121-2")),
        ("DK", "commercial_card", {}, (0, "removed", "DK-121-2")),
        ("DK", "commercial_card", {"billing": 700}, (0, "removed", "DK-121-2")),
        ("DK", "payment_slip", {}, (700, "kept", "DK-INV")),
        ("DK", "bill_agreement", {}, (700, "kept", "DK-INV")),
        ("SE", "e_invoice", {}, (700, "kept", "SE-INV")),
        ("NO", "e_invoice", {"billing": 310}, (310, "cut", "NO-REGNING")),
        ("NO", "invoice", {"cost": 700}, (0, "removed", "NO-REGNING")),
        ("NO", "three_party_card", {"cost": 800}, (700, "kept", "NO-FAL")),
        ("FI", "commercial_card", {"cost": 700}, (700, "kept", "FI-46")),
        ("FI", "commercial_card", {"cost": 700, "free": False}, (0, "removed", "FI-46")),
        ("FI", "consumer_debit_card", {"cost": 700, "free": False}, (0, "removed", "EU-62-4")),
        ("IS", "invoice", {}, (700, "kept", "IS-INV")),
        ("NO", "payment_slip", {"billing": 700}, (0, "removed", None)),
        ("DK", "voucher", {"cost": 700}, (0, "removed", None)),
        ("DK", "unknown", {"cost": 700}, (0, "removed", None)),
        ("FO", "commercial_card", {"cost": 700}, (0, "removed", None)),
        ("GL", "invoice", {"cost": 700, "billing": 700}, (0, "removed", None)),
        ("DE", "commercial_card", {"cost": 700}, (0, "removed", None)),
        ("AX", "commercial_card", {"cost": 700}, (700, "kept", "FI-46")),
        ("SJ", "invoice", {"billing": 700}, (700, "kept", "NO-REGNING")),
    ],
)
def test_what_is_left_of_a_fee_of_seven(market, instrument, given, left):
    assert left_of(700, market, instrument, **given) == left


@pytest.mark.parametrize(
    ("market", "instruments", "left"),
    [
        ("DK", CARD, (0, "removed", "EU-62-4")),
        ("DK", (*CARD, "other_instrument"), (0, "removed", "EU-62-4")),
        ("DK", ("dankort", "commercial_card"), (0, "removed", "DK-121-3")),
        ("DK", ("commercial_card", "three_party_card"), (100, "kept", "DK-121-2")),
        ("DK", ("commercial_card", "unknown"), (0, "removed", None)),
        ("DK", ("unknown", "consumer_debit_card"), (0, "removed", "EU-62-4")),
        ("DK", ("invoice", "commercial_card"), (100, "kept", "DK-121-2")),
        ("NO", ("invoice", "commercial_card"), (50, "cut", "NO-REGNING")),
        ("DK", (), (0, "removed", None)),
    ],
)
def test_of_all_that_a_way_to_pay_may_be_the_strictest_holds(market, instruments, left):
    assert left_of(100, market, *instruments, cost=100, billing=50) == left
    assert left_of(100, market, *reversed(instruments), cost=100, billing=50) == left


@pytest.mark.parametrize(
    ("market", "on", "left"),
    [
        ("DK", date(2014, 6, 12), (0, "removed", None)),
        ("DK", date(2014, 6, 13), (100, "kept", "CRD-19")),
        ("DK", date(2017, 12, 31), (100, "kept", "CRD-19")),
        ("DK", date(2018, 1, 1), (0, "removed", "DK-121-3")),
        ("SE", date(2018, 1, 12), (100, "kept", "CRD-19")),
        ("SE", date(2018, 1, 13), (0, "removed", "EU-62-4")),
        ("NO", date(2022, 12, 31), (100, "kept", "CRD-19")),
        ("NO", date(2023, 1, 1), (0, "removed", "NO-62-4")),
        ("IS", date(2021, 10, 31), (100, "kept", "CRD-19")),
        ("IS", date(2021, 11, 1), (0, "removed", "IS-62-5")),
    ],
)
def test_the_law_of_the_day_of_the_contract_holds(market, on, left):
    assert left_of(100, market, "consumer_debit_card", on=on, cost=100) == left
    if left[2] == "CRD-19":  # which says nothing of businesses
        business = left_of(100, market, "consumer_debit_card", customer="business", on=on, cost=100)
        assert business == (0, "removed", None)


def test_a_fee_of_nothing_is_left_alone():
    assert left_of(0, "DK", "consumer_debit_card") == (0, "kept", "EU-62-4")
    assert left_of(0, "FI", "commercial_card", free=False) == (0, "kept", "FI-46")
    assert left_of(0, "XX", "unknown") == (0, "kept", None)


def test_a_cost_in_another_currency_is_refused():
    with pytest.raises(UsageError, match="do not mix"):
        lawful_fee(
            fee_rules("DK"),
            ["commercial_card"],
            "business",
            fee=Money(100, "DKK"),
            cost=Money(100, "EUR"),
            billing_cost=None,
            has_free_method=True,
        )


def test_a_free_way_is_asked_for_by_any_rule_that_holds():
    strict = row(FeeRule, id="billing", instruments=["invoice"], limit="cost_of_billing")
    free = row(FeeRule, id="free", instruments=["invoice"], limit="cost", needs_free_method=True)
    for rules in ([strict, free], [free, strict]):
        verdict = fee_limit(rules, ["invoice"], "consumer")
        assert (verdict.limit, verdict.rule, verdict.free_rule) == ("cost_of_billing", strict, free)
        left = lawful_fee(
            rules,
            ["invoice"],
            "consumer",
            fee=kroner(5),
            cost=kroner(5),
            billing_cost=kroner(5),
            has_free_method=False,
        )
        assert (left.amount, left.change, left.rule) == (kroner(0), "removed", free)


def test_a_shops_own_row_goes_first_and_is_named():
    own = row(FeeRule, id="SE-INV", instruments=["invoice"], limit="nothing")
    law = LAW.overridden_by([own])
    verdict = fee_limit(law.rules_of(FeeRule, "SE", TODAY), ["invoice"], "consumer")
    assert verdict.limit == "nothing"
    assert verdict.rule is not None
    assert verdict.rule.origin == "shop"
    assert "instead of: SE: a fee that is agreed and in the total" in verdict.rule.explain()


markets = st.sampled_from([*COUNTRIES, "AX", "FO", "XX"])
instruments = st.sets(st.sampled_from(get_args(Instrument)), max_size=4).map(sorted)
customers = st.sampled_from(["consumer", "business"])
minors = st.integers(0, 2_000)
maybe = st.none() | minors.map(kroner)


@given(markets, instruments, customers, minors.map(kroner), maybe, maybe, st.booleans(), st.dates())
def test_a_fee_is_never_raised_and_what_is_left_is_left_again(
    market, instruments, customer, fee, cost, billing_cost, free, on
):
    rules = fee_rules(market, on)
    costs: Any = {"cost": cost, "billing_cost": billing_cost, "has_free_method": free}
    left = lawful_fee(rules, instruments, customer, fee=fee, **costs)
    assert kroner(0) <= left.amount <= fee
    assert left.change == (
        "kept" if left.amount == fee else "removed" if left.amount.is_zero else "cut"
    )
    again = lawful_fee(rules, instruments, customer, fee=left.amount, **costs)
    assert again.amount == left.amount
    if left.rule is None:
        assert left.amount.is_zero
    if left.amount.minor and left.rule is not None and left.rule.limit != "agreed":
        most = billing_cost if left.rule.limit == "cost_of_billing" else cost
        assert most is not None
        assert left.amount <= most
        assert free or not left.rule.needs_free_method


@given(markets, instruments, st.sampled_from(get_args(Instrument)), customers)
def test_what_may_be_more_things_is_never_judged_more_mildly(market, some, more, customer):
    rules = fee_rules(market)
    if some:
        few = FEE_LIMITS.index(fee_limit(rules, some, customer).limit)
        many = FEE_LIMITS.index(fee_limit(rules, [*some, more], customer).limit)
        assert many <= few


# -- discounts -------------------------------------------------------------------------------------


def way(id_, *instruments, tier="no_credit", **wishes):
    return Steered(id_, instruments, tier, **wishes)


BANK = way("bank", "credit_transfer")
# What a vector's scenario means for the ways to pay that are offered.
SCENARIOS = {
    "discount_for_e_invoice": [BANK, way("e_invoice", "e_invoice", tier="credit", discount=200)],
    "discount_for_credit": [BANK, way("instalments", "invoice", tier="credit", discount=200)],
    "discount_equal_to_invoice_cost": [
        way("card", *CARD, tier="may_include_credit", discount=640),
        way("invoice", "invoice", tier="credit", billing_cost=640),
    ],
    "discount_for_transfer": [
        way("bank", "credit_transfer", discount=500),
        way("invoice", "invoice", tier="credit"),
    ],
}


@pytest.mark.parametrize("vector", cases("discount_cases"))
def test_whether_a_discount_may_be_given(vector):
    ways = SCENARIOS[vector["scenario"]]
    rules = discount_rules(vector["country"])
    left = discount_caps(rules, "consumer", ways)
    assert (left == {way.id: way for way in ways}) == vector["allowed"]
    for cut in left.values():
        assert cut.rule is None or cut.rule in rules


@pytest.mark.parametrize(
    ("country", "id_", "effect"),
    [
        ("DK", "EU-62-3", "allowed"),
        ("SE", "EU-62-3", "allowed"),
        ("NO", "EU-62-3", "allowed"),
        ("NO", "NO-ONEPARK", "bill_fee"),
        ("FI", "EU-62-3", "allowed"),
        ("FI", "FI-KKV", "not_for_credit"),
        ("IS", "IS-62-3", "allowed"),
    ],
)
def test_the_table_of_discounts(country, id_, effect):
    rules = {rule.id: rule for rule in discount_rules(country)}
    assert rules[id_].effect == effect
    assert effect == "allowed" or rules[id_].customers == {"consumer"}


def caps(market, ways, customer="consumer"):
    """For each way: fee, discount, and the rule that cut them."""
    left = discount_caps(discount_rules(market), customer, ways)
    return {
        way.id: (way.fee, way.discount, way.rule.id if way.rule else "") for way in left.values()
    }


@pytest.mark.parametrize(
    ("bank", "wallet", "left"),
    [
        ({"discount": 300}, {"discount": 200}, (0, 200, "FI-KKV")),
        ({"discount": 500}, {"discount": 500}, (0, 500, "")),
        ({"discount": 500}, {"discount": 600, "fee": 200}, (0, 400, "FI-KKV")),
        ({"discount": 500}, {"fee": 100}, (0, 0, "FI-KKV")),
        ({"discount": 500}, {}, (0, 0, "FI-KKV")),
    ],
    ids=str,
)
def test_in_finland_credit_is_never_cheaper_than_a_way_to_pay_at_once(bank, wallet, left):
    ways = [
        way("bank", "credit_transfer", **bank),
        way("wallet", *CARD, tier="may_include_credit", **wallet),
        way("later", "invoice", tier="credit", discount=500),
    ]
    found = caps("FI", ways)
    assert found.pop("later") == left
    assert found == {
        name: (wish.get("fee", 0), wish.get("discount", 0), "")
        for name, wish in (("bank", bank), ("wallet", wallet))
    }


@pytest.mark.parametrize(
    ("instruments", "left"),
    [
        (("e_invoice",), (0, 500, "")),
        (("invoice", "e_invoice"), (0, 0, "FI-KKV")),
        (("unknown",), (0, 0, "FI-KKV")),
        ((), (0, 0, "FI-KKV")),
    ],
)
def test_in_finland_only_what_is_an_e_invoice_for_certain_is_excepted(instruments, left):
    assert caps("FI", [way("later", *instruments, tier="credit", discount=500)]) == {"later": left}


@pytest.mark.parametrize(
    ("invoice", "card", "left"),
    [
        # The bill costs 6.40 to issue and send. Its own fee gives way before the card's discount.
        ({}, {"discount": 640}, [(0, 0, ""), (0, 640, "")]),
        ({"fee": 640}, {}, [(640, 0, ""), (0, 0, "")]),
        ({"fee": 640}, {"discount": 240}, [(400, 0, "NO-ONEPARK"), (0, 240, "")]),
        ({"fee": 640}, {"discount": 640}, [(0, 0, "NO-ONEPARK"), (0, 640, "")]),
        ({"fee": 640}, {"discount": 641}, [(0, 0, "NO-ONEPARK"), (0, 640, "NO-ONEPARK")]),
        ({"discount": 100}, {"discount": 900}, [(0, 100, ""), (0, 740, "NO-ONEPARK")]),
        ({"discount": 900}, {"discount": 100}, [(0, 900, ""), (0, 100, "")]),
        ({"fee": 700}, {}, [(640, 0, "NO-ONEPARK"), (0, 0, "")]),
    ],
    ids=str,
)
def test_in_norway_what_a_bill_goes_without_is_a_fee_for_it(invoice, card, left):
    ways = [
        way("invoice", "invoice", tier="credit", billing_cost=640, **invoice),
        way("card", *CARD, tier="may_include_credit", **card),
    ]
    assert list(caps("NO", ways).values()) == left


def test_in_norway_a_cost_that_is_not_stated_is_none():
    ways = [way("invoice", "invoice", fee=5), way("card", *CARD, discount=5)]
    assert caps("NO", ways) == {"invoice": (0, 0, "NO-ONEPARK"), "card": (0, 0, "NO-ONEPARK")}


def test_in_norway_each_bill_is_held_against_all_others():
    ways = [
        way("paper", "invoice", fee=400, billing_cost=640),
        way("electronic", "e_invoice", discount=100, billing_cost=310),
        way("card", *CARD, discount=900),
    ]
    assert caps("NO", ways) == {
        "paper": (230, 0, "NO-ONEPARK"),
        "electronic": (0, 100, ""),
        "card": (0, 410, "NO-ONEPARK"),
    }


@pytest.mark.parametrize("market", ["FI", "NO"])
def test_businesses_may_be_given_any_discount(market):
    ways = [way("invoice", "invoice", tier="credit", fee=9, discount=5), way("card", discount=3)]
    assert {left for *_, left in caps(market, ways, "business").values()} == {""}
    assert {left for *_, left in caps(market, ways).values()} != {""}


@pytest.mark.parametrize("market", ["DK", "SE", "IS", "FO"])
def test_elsewhere_every_discount_stands(market):
    ways = [
        way("later", "invoice", tier="credit", fee=9, discount=5),
        way("card", *CARD, discount=100),
    ]
    assert {rule for *_, rule in caps(market, ways).values()} == {""}


wishes = st.builds(
    Steered,
    id=st.uuids().map(str),
    instruments=st.sets(st.sampled_from(get_args(Instrument)), min_size=1, max_size=2).map(sorted),
    tier=st.sampled_from(TIERS),
    fee=st.integers(0, 30),
    discount=st.integers(0, 30),
    billing_cost=st.integers(0, 10),
)
offers = st.lists(wishes, max_size=6, unique_by=lambda way: way.id)


@given(st.sampled_from(["DK", "NO", "FI"]), offers, st.data())
def test_discounts_and_fees_only_shrink_whatever_the_order_and_once_is_enough(market, ways, data):
    rules = discount_rules(market)
    left = discount_caps(rules, "consumer", ways)
    assert list(left) == [way.id for way in ways]
    for before in ways:
        after = left[before.id]
        assert 0 <= after.fee <= before.fee
        assert 0 <= after.discount <= before.discount
        shrank = (after.fee, after.discount) != (before.fee, before.discount)
        assert shrank == (after.rule is not None)
    assert discount_caps(rules, "consumer", list(left.values())) == left
    assert discount_caps(rules, "consumer", data.draw(st.permutations(ways))) == left


@given(offers)
def test_in_finland_what_is_left_is_within_the_rule(ways):
    left = discount_caps(discount_rules("FI"), "consumer", ways).values()
    at_once = [way for way in left if way.tier != "credit"]
    for later in left:
        if later.tier == "credit" and set(later.instruments) != {"e_invoice"}:
            dearest = min((way.discount - way.fee for way in at_once), default=0)
            assert later.discount <= max(0, dearest)


@given(offers)
def test_in_norway_what_is_left_is_within_the_rule(ways):
    left = discount_caps(discount_rules("NO"), "consumer", ways).values()
    for bill in left:
        if not BILLS.isdisjoint(bill.instruments):
            spread = max(way.discount for way in left) - bill.discount
            assert bill.fee + spread <= bill.billing_cost


@given(offers)
def test_in_norway_no_discount_is_cut_that_only_a_fee_had_to_give_way_for(ways):
    left = discount_caps(discount_rules("NO"), "consumer", ways)
    without_fees = [
        Steered(way.id, way.instruments, way.tier, 0, way.discount, way.billing_cost)
        for way in ways
    ]
    bare = discount_caps(discount_rules("NO"), "consumer", without_fees)
    assert [way.discount for way in left.values()] == [way.discount for way in bare.values()]


# -- order and preselection ------------------------------------------------------------------------


def presentation(market, on=TODAY):
    return LAW.rule_of(PresentationRule, market, on)


def methods_of_the_vectors():
    tiers = table("presentation_cases").get("method_tiers", {})
    return {method: TIERS[number] for method, number in tiers.items()}


def is_avoidable(order, tiers):
    return any(tiers[method] != "credit" for method in order)


@pytest.mark.parametrize("vector", cases("presentation_cases"))
def test_the_order_of_ways_to_pay_and_which_may_be_chosen_beforehand(vector):
    (rule,) = LAW.rules_of(PresentationRule, vector["country"], TODAY)
    tiers = methods_of_the_vectors()
    order = presented(rule, vector["merchant_order"], tiers)
    assert list(order) == vector["expected_order"]
    avoidable = is_avoidable(order, tiers)
    may = {name for name in order if may_preselect(rule, tiers[name], is_avoidable=avoidable)}
    assert may == set(vector["preselect_allowed"])


# One of them is on identification and no matter of order: it is among the rules on credit.
PRESENTATION_RULES = [
    case
    for case in cases("presentation_rules", key="rules")
    if "extra" not in (case.values[0] or {})
]


@pytest.mark.parametrize("vector", PRESENTATION_RULES)
def test_the_table_of_presentation_has_every_rule_and_its_first_day(vector):
    rules = LAW.rules_of(PresentationRule, vector["country"], TODAY)
    if vector["valid_from"] is None:
        assert rules == ()
        assert presentation(vector["country"]).market == EVERYWHERE
        return
    (rule,) = rules
    first = date.fromisoformat(vector["valid_from"])
    assert rule.valid_from == first
    assert LAW.rules_of(PresentationRule, vector["country"], first - timedelta(days=1)) == ()
    assert len(rule.tiers) == len(vector["tiers"] or ())
    assert rule.confidence == said_of(vector)


@pytest.mark.parametrize(
    ("market", "chosen"),
    [
        # Which tier may be chosen beforehand beside others, and which if there is only credit.
        ("SE", ({"no_credit", "may_include_credit"}, {"credit"})),
        ("DK", ({"no_credit", "may_include_credit"}, set())),
        ("FI", (set(), set())),
        ("NO", (set(), set())),
        ("IS", (set(), set())),
        ("FO", (set(), set())),
        ("AX", (set(), set())),
    ],
)
def test_what_may_be_chosen_beforehand(market, chosen):
    rule = presentation(market)
    beside = {tier for tier in TIERS if may_preselect(rule, tier, is_avoidable=True)}
    alone = {"credit"} if may_preselect(rule, "credit", is_avoidable=False) else set()
    assert (beside, alone) == chosen
    assert not rule.recommends_credit


@given(st.lists(st.sampled_from(TIERS)))
def test_the_default_for_all_satisfies_every_country(tiers):
    order = [f"{i}" for i in range(len(tiers))]
    tier_of = dict(zip(order, tiers, strict=True))
    default = LAW.rule_of(PresentationRule, EVERYWHERE, TODAY)
    shown = presented(default, order, tier_of)
    assert sorted(shown) == sorted(order)
    for country in COUNTRIES:
        assert presented(presentation(country), shown, tier_of) == shown
        for tier in TIERS:
            for avoidable in (True, False):
                assert not may_preselect(default, tier, is_avoidable=avoidable)


def test_a_market_without_an_order_keeps_the_shops():
    tiers = methods_of_the_vectors() or {"invoice_14": "credit", "card": "may_include_credit"}
    assert presented(presentation("DK"), ["invoice_14", "card"], tiers) == ("invoice_14", "card")


def test_an_order_names_every_tier_once():
    with pytest.raises(InvalidInput, match="each of no_credit, may_include_credit, credit stands"):
        row(PresentationRule, tiers=[["no_credit"], ["credit"]], preselect="nothing")


def statement_of(kind, market, key=""):
    (rule,) = (rule for rule in LAW.rules_of(kind, market, TODAY) if key in rule.keys)
    return rule.statement()


def test_a_rule_says_what_it_states():
    assert statement_of(PresentationRule, "SE") == (
        "SE: first no credit or may include credit, then credit; credit is not chosen "
        "beforehand if there is another way; credit is not recommended"
    )
    assert statement_of(PresentationRule, "DK") == (
        "DK: no order of its own; credit is never chosen beforehand; credit is not recommended"
    )
    assert row(PresentationRule, preselect="nothing", recommends_credit=True).statement() == (
        "SE: no order of its own; nothing is chosen beforehand"
    )
    assert statement_of(AddOnRule, EVERYWHERE) == (
        "ZZ: nothing that costs extra is chosen beforehand"
    )
    assert statement_of(FeeRule, "FI", "FI-46") == (
        "FI: a fee up to the shop's own cost for commercial card, e-invoice, invoice, "
        "other instrument, three-party card, with a way to pay that is free beside it"
    )
    assert statement_of(FeeRule, "DK", "CRD-19") == (
        "DK: a fee up to the shop's own cost for any instrument of a consumer"
    )
    assert statement_of(DiscountRule, "FI", "FI-KKV") == "FI: no discount for paying on credit"


# -- add-ons and buttons ---------------------------------------------------------------------------


@pytest.mark.parametrize("market", [*COUNTRIES, "FO", "GL", "AX", "SJ"])
def test_nothing_paid_is_chosen_beforehand_anywhere(market):
    assert "2011/83 art. 22" in LAW.rule_of(AddOnRule, market, TODAY).source


BUTTONS = {rule.language: rule for rule in LAW.rules_of(ButtonWords, EVERYWHERE, TODAY)}


def test_every_language_has_words_for_the_button():
    assert set(BUTTONS) == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_on_the_button_say_that_the_order_obliges_to_pay(language):
    words = BUTTONS[language]
    assert words.on_credit.startswith(words.strict)
    every = {words.strict, words.on_credit, *words.short}
    assert len(every) == 2 + len(words.short)
    never = "fortsæt bekræft fullfør fortsätt bekräfta slutför fortsett bekreft jatka vahvista "
    never += "áfram staðfesta continue confirm complete ok"
    assert not {word.lower() for word in every} & set(never.split())
    assert all(f"“{word}”" in words.statement() for word in every)


@pytest.mark.parametrize(
    ("language", "strict", "short"),
    [
        ("da", "Bestil med betalingspligt", "Køb nu"),
        ("sv", "Beställ med betalningsskyldighet", "Köp nu"),
        ("nb", "Bestill med betalingsplikt", "Kjøp nå"),
        ("nn", "Bestill med betalingsplikt", "Kjøp no"),
        ("fi", "Tilaa ja maksa", "Osta"),
        ("is", "Panta með greiðsluskyldu", "Kaupa"),
        ("en", "Order with obligation to pay", "Buy now"),
    ],
)
def test_the_table_of_buttons(language, strict, short):
    assert BUTTONS[language].strict == strict
    assert BUTTONS[language].short[0] == short


def test_words_for_credit_say_more():
    with pytest.raises(InvalidInput, match="on_credit says more than strict"):
        row(ButtonWords, language="da", strict="Køb", short=["Køb"], on_credit="Køb")
