"""Credit: plans to the minor unit, when a deferral is credit, what caps its cost, what is shown."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.vectors import cases

from checkoutflow.errors import InvalidInput
from checkoutflow.law import Law
from checkoutflow.law.credit import AMOUNTS, DUTIES, CreditCap, CreditScope, ReferenceRate
from checkoutflow.money import MAX_MINOR, Money
from checkoutflow.payment.credit import (
    BrokenCap,
    Plan,
    PlanTerms,
    annual_percentage_rate,
    broken_caps,
    broken_caps_of_deferral,
    check,
    classify,
    may_advertise,
    plan_of,
    representative_example,
    rounded,
    warnings,
)

LAW = Law.load()
TODAY = date(2026, 11, 21)
EVE = date(2026, 11, 19)  # the last day of the old rules
MARKETS = ["DK", "SE", "NO", "FI", "IS"]


def terms_of(months=12, **others) -> PlanTerms:
    return PlanTerms.read({"months": months, **others})


def a_plan(amount="5000.00 SEK", months=12, **others) -> Plan:
    return plan_of(Money.read(amount), terms_of(months, **others))


def row(kind, **fields):
    given = {
        "valid_from": date(2026, 1, 1),
        "source": "the shop's lawyer",
        "read_on": date(2026, 1, 1),
        "confidence": "high",
    }
    return kind.read({**given, **fields})


def a_rate(market, percent, rate="reference_rate"):
    return row(ReferenceRate, id=rate, market=market, percent=percent)


def items(broken: tuple[BrokenCap, ...]) -> list[str]:
    return [cap.item for cap in broken]


# -- plans -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", cases("apr_examples", "instalment_plan"))
def test_a_plan_to_the_minor_unit(vector):
    def money(name):
        return Money.parse(vector[name], vector["currency"])

    plan = plan_of(
        money("principal"),
        terms_of(
            vector["months"],
            nominal_percent=vector["nominal_rate_percent"],
            setup_fee=[money("setup_fee")],
            monthly_fee=[money("monthly_fee")],
        ),
    )
    assert plan.instalment == money("instalment")
    assert plan.last_instalment == money("last_instalment")
    assert plan.regular_payment == money("regular_payment")
    assert plan.last_payment == money("last_payment")
    assert plan.total_payable == money("total_payable")
    assert plan.cost == money("total_cost_of_credit")
    # What costs nothing is written without the sign that the vector has before its zero.
    assert str(plan.shown_apr) == vector["apr_percent_1dp"].replace("-0.0", "0.0")
    assert str(rounded(plan.apr, 2)) == vector["apr_percent_2dp"].replace("-0.0", "0.0")


def test_the_rows_of_a_plan():
    plan = a_plan("1000.00 SEK", 3, nominal_percent="12", monthly_fee=["19.00 SEK"])
    assert [
        (at.number, *(str(m.decimal()) for m in (at.principal, at.interest, at.fee, at.payment)))
        for at in plan.schedule()
    ] == [
        (1, "330.02", "10.00", "19.00", "359.02"),
        (2, "333.32", "6.70", "19.00", "359.02"),
        (3, "336.66", "3.37", "19.00", "359.03"),
    ]
    assert [at.balance.minor for at in plan.schedule()] == [66998, 33666, 0]
    assert str(plan.fees) == "57.00 SEK"


NOMINAL = st.decimals(0, 30, places=2)
SIZES = st.integers(50_000, 10**9)  # 120 months are never too many for these, at that interest
FEES = st.integers(0, 10_000)


@st.composite
def plans(draw) -> Plan:
    currency = draw(st.sampled_from(["SEK", "ISK"]))
    terms = PlanTerms(
        months=draw(st.integers(1, 120)),
        nominal_percent=draw(NOMINAL),
        setup_fee=(Money(draw(FEES), currency),),
        monthly_fee=(Money(draw(FEES), currency),),
    )
    return plan_of(Money(draw(SIZES), currency), terms)


@given(plans())
def test_a_plan_adds_up(plan):
    rows = plan.schedule()
    assert [at.number for at in rows] == list(range(1, plan.months + 1))
    assert sum(at.principal.minor for at in rows) == plan.credit.minor
    assert all(at.principal.minor >= 0 and at.interest.minor >= 0 for at in rows)
    assert all(later.balance < sooner.balance for sooner, later in pairwise(rows))
    assert rows[-1].balance.is_zero
    assert all(at.payment == at.principal + at.interest + at.fee for at in rows)
    assert {at.payment for at in rows[:-1]} <= {plan.regular_payment}
    assert rows[-1].payment == plan.last_payment
    paid = plan.setup_fee.minor + sum(at.payment.minor for at in rows)
    interest = sum(at.interest.minor for at in rows)
    assert plan.total_payable.minor == paid
    assert plan.cost == plan.total_payable - plan.credit
    assert plan.cost.minor == interest + plan.fees.minor


@given(plans())
def test_the_rate_of_a_plan_is_that_of_what_is_paid(plan):
    paid = [(0, plan.setup_fee.minor)]
    paid += [(at.number / 12, at.payment.minor) for at in plan.schedule()]
    assert plan.apr == annual_percentage_rate([(0, plan.credit.minor)], paid)


@given(st.integers(10**7, 10**9), st.integers(1, 120), NOMINAL)
def test_without_fees_the_rate_is_the_nominal_one_compounded(minor, months, nominal):
    plan = plan_of(Money(minor, "SEK"), terms_of(months, nominal_percent=nominal))
    compounded = ((1 + nominal / 1200) ** 12 - 1) * 100
    assert abs(plan.apr - compounded) < Decimal("0.001")  # what rounding to minor units moves


@given(plans())
def test_fees_only_add_to_the_rate(plan):
    free = plan_of(plan.credit, terms_of(plan.months, nominal_percent=plan.nominal_percent))
    assert (plan.apr > free.apr) == (not plan.fees.is_zero)


@given(plans(), st.integers(1, 10_000))
def test_a_higher_fee_never_makes_a_plan_cheaper(plan, more):
    def dearer(**fees):
        terms = {"setup_fee": [plan.setup_fee], "monthly_fee": [plan.monthly_fee], **fees}
        return plan_of(
            plan.credit, terms_of(plan.months, nominal_percent=plan.nominal_percent, **terms)
        )

    assume(plan.setup_fee.minor + more < plan.credit.minor)
    extra = Money(more, plan.credit.currency)
    later = dearer(monthly_fee=[plan.monthly_fee + extra])
    sooner = dearer(setup_fee=[plan.setup_fee + extra])
    assert later.cost == plan.cost + extra * plan.months
    assert sooner.cost == plan.cost + extra
    assert plan.apr < later.apr
    assert plan.apr < sooner.apr


def test_the_largest_amount_has_a_plan():
    plan = plan_of(Money(MAX_MINOR, "SEK"), terms_of(120))
    assert plan.total_payable == plan.credit
    assert plan.apr == 0
    with pytest.raises(InvalidInput, match="an amount is at most"):
        plan_of(Money(MAX_MINOR, "SEK"), terms_of(120, nominal_percent="1"))


def test_one_instalment_is_a_deferral_of_a_month():
    plan = a_plan("1000.00 SEK", 1, nominal_percent="12", setup_fee=["10.00 SEK"])
    assert plan.instalment == plan.last_instalment == Money(101000, "SEK")
    assert [str(at.payment) for at in plan.schedule()] == ["1010.00 SEK"]
    assert str(plan.cost) == "20.00 SEK"


@pytest.mark.parametrize(
    ("minor", "months", "nominal", "fits"),
    [
        (36, 36, "0", True),  # one unit a month
        (35, 36, "0", False),  # nothing would be left for the last month
        (17, 36, "0", False),  # less than half a unit a month
        (54, 36, "0", False),
        (100, 120, "12", False),  # only interest until the last month
        (10_000, 120, "60", False),  # the rounding of an instalment grows with interest, too
        (1, 1, "0", True),
        (50, 12, "0", True),
    ],
)
def test_an_amount_can_be_too_small_for_so_many_months(minor, months, nominal, fits):
    terms = terms_of(months, nominal_percent=nominal)
    if fits:
        rows = plan_of(Money(minor, "ISK"), terms).schedule()
        assert all(at.payment.minor > 0 for at in rows)
    else:
        with pytest.raises(InvalidInput, match="amount: is too small to be paid in so many"):
            plan_of(Money(minor, "ISK"), terms)


@pytest.mark.parametrize("minor", [0, -1])
def test_nothing_is_not_put_off(minor):
    with pytest.raises(InvalidInput, match="amount: must be above zero"):
        plan_of(Money(minor, "SEK"), terms_of(3))


def test_a_set_up_fee_is_less_than_what_is_put_off():
    terms = terms_of(3, setup_fee=["95.00 SEK"])
    assert plan_of(Money(9501, "SEK"), terms).apr > 10**6
    with pytest.raises(InvalidInput, match="setup_fee: must be less than the amount"):
        plan_of(Money(9500, "SEK"), terms)


def test_fees_are_those_of_the_currency_of_the_purchase():
    terms = terms_of(3, setup_fee=["95.00 SEK", "9.00 EUR"], monthly_fee=["19.00 SEK"])
    in_sweden, in_finland = (plan_of(Money(60000, money), terms) for money in ("SEK", "EUR"))
    assert str(in_sweden.cost) == "152.00 SEK"
    assert str(in_finland.cost) == "9.00 EUR"


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"months": 0}, "months: Input should be greater than or equal to 1"),
        ({"months": 121}, "months: Input should be less than or equal to 120"),
        ({"months": "3"}, "months: Input should be a valid integer"),
        ({"nominal_percent": "-1"}, "nominal_percent: Input should be greater"),
        ({"nominal_percent": "0.00001"}, "nominal_percent: .* 4 decimal places"),
        ({"monthly_fee": ["-1.00 SEK"]}, "monthly_fee: a fee must not be negative"),
        ({"setup_fee": ["1.00 SEK", "2.00 SEK"]}, "setup_fee: give at most one amount a currency"),
        ({"setup_fee": ["1.00 XXX"]}, r"setup_fee\[0\]: unknown currency"),
        ({"interest": 5}, "interest: Extra inputs are not permitted"),
    ],
)
def test_terms_that_cannot_be_are_refused(fields, complaint):
    with pytest.raises(InvalidInput, match=complaint):
        PlanTerms.read({"months": 12, **fields})


def test_terms_load_from_toml():
    text = 'months = 12\nnominal_percent = 12.5\nsetup_fee = ["95.00 SEK"]'
    assert PlanTerms.read(tomllib.loads(text)).nominal_percent == Decimal("12.5")


def test_the_same_plan_is_worked_out_once():
    assert a_plan(months=24) is a_plan(months=24)


def test_due_dates_are_months_after_delivery():
    delivered = date(2026, 12, 31)
    assert a_plan(months=4).due_dates(delivered) == (
        date(2027, 1, 31),
        date(2027, 2, 28),
        date(2027, 3, 31),
        date(2027, 4, 30),
    )


# -- when a deferral is credit ---------------------------------------------------------------------

# The vectors' words, and ours.
WORDS = {"light_regime_until_2026_11_19": "light_regime"}
FINANCERS: dict[str, Any] = {"merchant": "shop", "third_party": "provider"}


def scope(market="SE", on=TODAY, *, days=30, financed_by: Any = "shop", is_sme=True, is_free=True):
    return classify(
        LAW, market, on, days=days, financed_by=financed_by, is_sme=is_sme, is_free=is_free
    )


@pytest.mark.parametrize("vector", cases("credit_scope", "classify"))
def test_what_a_deferral_is(vector):
    found = scope(
        vector["country"],
        date.fromisoformat(vector["contract_date"]),
        days=vector["days_after_delivery"],
        financed_by=FINANCERS[vector["financed_by"]],
        is_sme=vector["merchant_is_sme"],
        is_free=Decimal(vector["interest"]) == 0 == Decimal(vector["fee"]),
    )
    assert found.word == WORDS.get(vector["expected"], vector["expected"])
    assert found.rule is not None
    assert found.rule.market == vector["country"]


@pytest.mark.parametrize(
    ("market", "on", "given", "word", "reason"),
    [
        ("SE", TODAY, {}, "exempt_deferred_payment", "at most 50 days"),
        ("SE", TODAY, {"is_free": False}, "consumer_credit", "a charge makes any deferral credit"),
        ("SE", TODAY, {"financed_by": "provider"}, "consumer_credit", "a third party finances it"),
        ("SE", TODAY, {"is_sme": False}, "consumer_credit", "30 days .* are more than 14"),
        ("SE", TODAY, {"is_sme": False, "days": 14}, "exempt_deferred_payment", "at most 14 days"),
        ("SE", TODAY, {"is_sme": False, "days": 15}, "consumer_credit", "more than 14"),
        ("SE", TODAY, {"days": 0}, "exempt_deferred_payment", "free"),
        ("SE", EVE, {}, "light_regime", "at most 90 days long"),
        ("SE", EVE, {"days": 90, "financed_by": "provider"}, "light_regime", "at most 90 days"),
        ("SE", EVE, {"days": 91}, "consumer_credit", "91 days"),
        ("SE", EVE, {"is_free": False}, "consumer_credit", "a charge"),
        ("DK", EVE, {"days": 365}, "exempt_no_cost", "outside the law"),
        ("DK", EVE, {"is_free": False}, "consumer_credit", "a charge"),
        ("FI", EVE, {"financed_by": "provider", "days": 365}, "exempt_no_cost", "outside the law"),
        ("FI", TODAY, {"financed_by": "provider", "days": 14}, "consumer_credit", "third party"),
        ("AX", TODAY, {"days": 51}, "consumer_credit", "51 days"),
        ("NO", TODAY, {"days": 50}, "exempt_deferred_payment", "at most 50 days"),
        ("NO", TODAY, {"days": 51}, "consumer_credit", "51 days"),
        ("NO", EVE, {"financed_by": "provider"}, "consumer_credit", "third party"),
        ("SJ", EVE, {"financed_by": "provider"}, "consumer_credit", "third party"),
        ("IS", TODAY, {"financed_by": "provider", "days": 365}, "exempt_no_cost", "outside"),
        ("IS", TODAY, {"is_free": False, "days": 14}, "consumer_credit", "a charge"),
        ("FO", TODAY, {"days": 14}, "consumer_credit", "no rule on credit is known for FO"),
        ("NO", date(2022, 12, 31), {"days": 14}, "consumer_credit", "no rule .* on 2022-12-31"),
    ],
)
def test_what_makes_a_deferral_credit(market, on, given, word, reason):
    found = scope(market, on, **given)
    assert found.word == word
    assert found.is_credit == (word == "consumer_credit")
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(found.reason)


@pytest.mark.parametrize("market", [*MARKETS, "FO", "GL", "XX"])
@pytest.mark.parametrize("on", [EVE, TODAY])
def test_credit_asks_for_a_check_information_and_withdrawal_everywhere(market, on):
    found = scope(market, on, is_free=False)
    assert found.word == "consumer_credit"
    assert {
        "precontract_information",
        "creditworthiness_check",
        "withdrawal_14_days",
        "early_repayment",
        "creditor_named",
    } <= set(found.duties)
    assert found.age == 18


@pytest.mark.parametrize(
    ("duty", "market", "since"),
    [
        ("active_consent", "DK", "2026-11-20"),
        ("active_consent", "SE", "2026-11-20"),
        ("active_consent", "FI", "2026-11-20"),
        ("borrowing_warning", "DK", "2026-11-20"),
        ("forbearance", "FI", "2026-11-20"),
        ("cost_and_risk_notice", "SE", "2025-03-01"),
        ("strong_identification", "FI", "2023-10-01"),
    ],
)
def test_duties_begin_on_their_day(duty, market, since):
    first = date.fromisoformat(since)
    assert duty in scope(market, first, is_free=False).duties
    assert duty not in scope(market, first - timedelta(days=1), is_free=False).duties


def test_an_unknown_market_asks_for_every_duty():
    found = scope("FO")
    assert found.rule is None
    assert found.duties == DUTIES


def test_an_exempt_deferral_asks_for_nothing_but_identification_in_finland():
    assert scope("FI").duties == scope("FI", EVE).duties == ("strong_identification",)
    assert {scope(market).duties for market in ("DK", "SE", "NO", "IS")} == {()}


def test_light_rules_leave_out_information_check_and_withdrawal():
    light = scope("SE", EVE)
    assert set(scope("SE", EVE, is_free=False).duties) - set(light.duties) == {
        "precontract_information",
        "creditworthiness_check",
        "withdrawal_14_days",
        "cost_and_risk_notice",
    }


def test_days_are_not_negative():
    with pytest.raises(InvalidInput, match="days: must not be negative"):
        scope(days=-1)


def test_a_shop_can_say_otherwise_and_the_rule_tells():
    own = row(CreditScope, id="deferral", market="NO", no_cost_is_outside=True, age=20)
    found = classify(
        LAW.overridden_by([own]),
        "NO",
        TODAY,
        days=365,
        financed_by="provider",
        is_sme=False,
        is_free=True,
    )
    assert (found.word, found.age) == ("exempt_no_cost", 20)
    assert found.rule is not None
    assert "time to pay in NO: free credit is outside the law" in found.rule.explain()
    assert "instead of: time to pay in NO: a seller's own free deferral" in found.rule.explain()


def test_what_a_rule_on_scope_says():
    (old,) = LAW.rules_of(CreditScope, "SE", EVE)
    assert old.statement() == (
        "time to pay in SE: light rules hold for free credit of at most 90 days, all else is credit"
    )
    (new,) = LAW.rules_of(CreditScope, "SE", TODAY)
    assert "exempt for 50 days after delivery, for 14 if the seller is large" in new.statement()
    assert "directive (EU) 2023/2225" in new.explain()


# -- caps ------------------------------------------------------------------------------------------


def value_of(vector) -> tuple[Any, Any]:
    """Give the item and the value of a vector, in our words."""
    match vector["item"]:
        case "setup_fee_sek":
            return "setup_fee", Money.parse(vector["value"], "SEK")
        case "apr_over_policy_rate_points":  # without a policy rate, points are the rate
            return "apr_percent", Decimal(vector["value"])
        case item:
            return item, Decimal(vector["value"])


@pytest.mark.parametrize("vector", cases("credit_caps", "cap"))
def test_a_cap(vector):
    day = date.fromisoformat(vector["date"])
    broken = check(LAW, vector["country"], day, *value_of(vector))
    assert (not broken) == vector["allowed"]
    for cap in broken:
        assert cap.item == cap.rule.item
        assert cap.rule.source in cap.reason
        assert str(cap.rule.valid_from) in cap.reason


@pytest.mark.parametrize(
    ("market", "on", "item", "most", "over"),
    [
        ("SE", "2025-03-01", "credit_interest_percent", "23", "23.01"),  # 3.00 + 20
        ("SE", "2025-07-01", "late_interest_percent", "22", "22.01"),
        ("SE", "2026-07-01", "credit_interest_percent", "20", "20.01"),  # reference not known
        ("SE", "2025-03-01", "total_cost_percent_of_credit", "100", "100.01"),
        ("SE", "2025-12-31", "setup_fee", "588.00 SEK", "588.01 SEK"),
        ("SE", "2027-06-01", "setup_fee", "592.00 SEK", "592.01 SEK"),
        ("DK", "2020-07-01", "apr_percent", "35", "35.0000000001"),
        ("DK", "2020-07-01", "total_cost_percent_of_credit", "100", "100.01"),
        ("DK", "2020-07-01", "advertised_apr_percent", "24.99", "25"),
        ("FI", "2019-09-01", "credit_interest_percent", "20", "20.01"),
        ("FI", "2023-09-30", "credit_interest_percent", "20", "20.01"),
        ("FI", "2023-10-01", "credit_interest_percent", "19", "19.01"),  # 4.0 + 15
        ("FI", "2025-06-30", "credit_interest_percent", "18.5", "18.51"),
        ("FI", "2026-07-01", "credit_interest_percent", "15", "15.01"),  # reference not known
        ("AX", "2026-06-30", "credit_interest_percent", "17.5", "17.51"),
        ("FI", "2026-11-21", "other_cost_percent_per_day", "0.01", "0.010001"),
        ("FI", "2026-11-21", "other_cost_per_year", "150.00 EUR", "150.01 EUR"),
        ("IS", "2026-11-21", "apr_percent", "35", "35.01"),
    ],
)
def test_the_limit_itself_is_allowed_and_a_little_more_is_not(market, on, item, most, over):
    for text, breaks in [(most, False), (over, True)]:
        value = Money.read(text) if item in AMOUNTS else Decimal(text)
        assert bool(check(LAW, market, date.fromisoformat(on), item, value)) == breaks


@pytest.mark.parametrize(
    ("market", "on", "item"),
    [
        ("SE", "2025-02-28", "credit_interest_percent"),
        ("SE", "2025-02-28", "setup_fee"),
        ("DK", "2020-06-30", "apr_percent"),
        ("FI", "2019-08-31", "credit_interest_percent"),
        ("NO", "2026-11-21", "apr_percent"),
        ("NO", "2026-11-21", "credit_interest_percent"),
        ("SE", "2026-11-21", "apr_percent"),
    ],
)
def test_where_the_law_has_no_cap_nothing_is_too_much(market, on, item):
    value = Money(MAX_MINOR, "SEK") if item in AMOUNTS else Decimal(9999)
    assert check(LAW, market, date.fromisoformat(on), item, value) == ()


def test_without_a_reference_a_cap_counts_it_as_zero_and_says_how_to_give_one():
    (cap,) = check(LAW, "SE", TODAY, "credit_interest_percent", Decimal(21))
    assert (cap.value, cap.limit, cap.reference) == (21, 20, None)
    assert cap.reason.startswith(
        "credit_interest_percent 21 % is over 20 %: credit_interest_percent in SE is at most "
        "reference_rate plus 20 points, from 2025-03-01 (consumer credit act 2010:1846 s. 19 a; "
    )
    assert "no reference_rate of SE is known for 2026-11-21 and it counts as 0" in cap.reason
    assert "[[own_law.reference_rate]]" in cap.reason
    own = LAW.overridden_by([a_rate("SE", "1.75")])
    assert check(own, "SE", TODAY, "credit_interest_percent", Decimal(21)) == ()
    (cap,) = check(own, "SE", TODAY, "credit_interest_percent", Decimal(22))
    assert cap.limit == Decimal("21.75")
    assert cap.reference is not None
    assert cap.reference.statement() == "reference_rate in SE is 1.75 %"
    assert "counts as 0" not in cap.reason


def test_the_icelandic_cap_moves_with_the_policy_rate():
    own = LAW.overridden_by([a_rate("IS", "7.25", "policy_rate")])
    assert check(own, "IS", TODAY, "apr_percent", Decimal("42.25")) == ()
    assert check(own, "IS", TODAY, "apr_percent", Decimal("42.26")) != ()


def test_the_finnish_ceiling_holds_whatever_the_reference_is():
    own = LAW.overridden_by([a_rate("FI", "6")])
    assert check(own, "FI", TODAY, "credit_interest_percent", Decimal(20)) == ()
    (cap,) = check(own, "FI", TODAY, "credit_interest_percent", Decimal("20.5"))
    assert cap.limit == 20
    assert "at most 20 % and reference_rate plus 15 points" in cap.reason


def test_an_amount_in_another_currency_breaks_a_cap_unless_it_is_nothing():
    (cap,) = check(LAW, "SE", TODAY, "setup_fee", Money(1, "EUR"))
    assert cap.reason.startswith("setup_fee 0.01 EUR is over 592.00 SEK: ")
    assert check(LAW, "SE", TODAY, "setup_fee", Money(0, "EUR")) == ()


@pytest.mark.parametrize(
    ("item", "value"), [("setup_fee", Decimal(1)), ("late_interest_percent", Money(1, "SEK"))]
)
def test_a_value_is_in_the_unit_of_its_item(item, value):
    with pytest.raises(InvalidInput, match="value: is money where an amount is capped"):
        check(LAW, "SE", TODAY, item, value)


@pytest.mark.parametrize(
    ("market", "plan", "late", "broken"),
    [
        ("SE", a_plan(nominal_percent="20"), "20", []),
        (
            "SE",
            a_plan(nominal_percent="20.5"),
            "28",
            ["credit_interest_percent", "late_interest_percent"],
        ),
        ("SE", a_plan(setup_fee=["593.00 SEK"]), None, ["setup_fee"]),
        (
            "SE",
            a_plan("300.00 SEK", monthly_fee=["25.01 SEK"]),
            None,
            ["total_cost_percent_of_credit"],
        ),
        ("SE", a_plan("300.00 SEK", monthly_fee=["25.00 SEK"]), None, []),
        (
            "DK",
            a_plan("300.00 DKK", monthly_fee=["25.01 DKK"]),
            None,
            ["apr_percent", "total_cost_percent_of_credit"],
        ),
        ("DK", a_plan("5000.00 DKK", nominal_percent="30.38"), "99", []),
        ("DK", a_plan("5000.00 DKK", nominal_percent="30.39"), None, ["apr_percent"]),
        ("FI", a_plan("600.00 EUR", 3, setup_fee=["5.00 EUR"]), None, []),  # 0.0094 % a day
        (
            "FI",
            a_plan("600.00 EUR", 3, setup_fee=["5.35 EUR"]),
            None,
            ["other_cost_percent_per_day"],
        ),
        ("FI", a_plan("9000.00 EUR", 24, monthly_fee=["12.50 EUR"]), None, []),
        ("FI", a_plan("9000.00 EUR", 24, monthly_fee=["12.51 EUR"]), None, ["other_cost_per_year"]),
        ("FI", a_plan("900.00 EUR", nominal_percent="16"), None, ["credit_interest_percent"]),
        ("IS", a_plan("50000 ISK", nominal_percent="31"), None, ["apr_percent"]),
        ("NO", a_plan("300.00 NOK", nominal_percent="90", monthly_fee=["99.00 NOK"]), "99", []),
    ],
)
def test_a_plan_names_every_cap_it_breaks(market, plan, late, broken):
    late_interest = None if late is None else Decimal(late)
    found = broken_caps(LAW, market, TODAY, plan, late_interest_percent=late_interest)
    assert sorted(items(found)) == sorted(broken)


@given(st.integers(1, 120), st.dates(date(2020, 1, 1), date(2060, 1, 1)))
def test_cost_a_day_is_judged_by_the_fewest_days_the_months_can_have(months, delivered):
    plan = a_plan("1200.00 EUR", months)
    days = (plan.due_dates(delivered)[-1] - delivered).days
    # As much as is allowed for the days that these months have and one more is never let through.
    fee = Money(120000 * (days + 1) // 10_000 + 1, "EUR")
    assume(fee < plan.credit)
    dear = replace(plan, setup_fee=fee)
    assert "other_cost_percent_per_day" in items(broken_caps(LAW, "FI", TODAY, dear))


@pytest.mark.parametrize(
    ("market", "amount", "fee", "days", "broken"),
    [
        ("DK", "1000.00 DKK", "29.00 DKK", 30, ["apr_percent"]),
        ("DK", "1000.00 DKK", "0.00 DKK", 30, []),
        ("DK", "1000.00 DKK", "0.00 DKK", 0, []),
        ("DK", "10000.00 DKK", "49.00 DKK", 14, []),  # 13.6 %
        ("DK", "20.00 DKK", "29.00 DKK", 30, ["apr_percent", "total_cost_percent_of_credit"]),
        ("SE", "1000.00 SEK", "29.00 SEK", 30, []),
        ("FI", "100.00 EUR", "3.00 EUR", 14, ["other_cost_percent_per_day"]),
        ("FI", "1000.00 EUR", "1.40 EUR", 14, []),
    ],
)
def test_an_invoice_with_a_fee_names_every_cap_it_breaks(market, amount, fee, days, broken):
    found = broken_caps_of_deferral(
        LAW,
        market,
        TODAY,
        amount=Money.read(amount),
        fee=Money.read(fee),
        drawn=TODAY,
        due=TODAY + timedelta(days=days),
    )
    assert sorted(items(found)) == sorted(broken)


def test_late_interest_of_an_invoice_is_capped_too():
    amount, nothing = Money(100000, "SEK"), Money(0, "SEK")
    found = broken_caps_of_deferral(
        LAW,
        "SE",
        TODAY,
        amount=amount,
        fee=nothing,
        drawn=TODAY,
        due=date(2026, 12, 21),
        late_interest_percent=Decimal(24),
    )
    assert items(found) == ["late_interest_percent"]


@pytest.mark.parametrize(
    ("market", "apr", "may"),
    [
        ("DK", "24.94", True),
        ("DK", "24.95", False),  # it would be shown as 25.0
        ("DK", "25", False),
        ("SE", "40", True),
    ],
)
def test_what_may_be_advertised(market, apr, may):
    assert may_advertise(LAW, market, TODAY, Decimal(apr)) is may


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"item": "apr_percent"}, "this item is capped in per cent"),
        ({"item": "apr_percent", "points": "5"}, "points go over a reference"),
        ({"item": "apr_percent", "percent": "5", "reference": "x"}, "points go over a reference"),
        ({"item": "apr_percent", "percent": "5", "amount": "5.00 SEK"}, "capped in per cent"),
        ({"item": "setup_fee"}, "this item is capped by an amount alone"),
        ({"item": "setup_fee", "amount": "5.00 SEK", "percent": "5"}, "capped by an amount alone"),
        ({"item": "setup_fee", "amount": "5.00 SEK", "points": "5", "reference": "x"}, "alone"),
        ({"item": "tea", "percent": "5"}, "item: Input should be"),
    ],
)
def test_a_cap_has_a_limit_in_its_unit(fields, complaint):
    with pytest.raises(InvalidInput, match=complaint):
        row(CreditCap, id="own", market="NO", **fields)


def test_a_shops_own_cap_stands_beside_or_over_those_of_the_library():
    own = LAW.overridden_by(
        [
            row(CreditCap, id="house", market="NO", item="apr_percent", percent="30"),
            row(CreditCap, id="apr", market="DK", item="apr_percent", percent="20"),
        ]
    )
    (house,) = check(own, "NO", TODAY, "apr_percent", Decimal(31))
    assert "the shop's own rule" in house.reason
    (apr,) = check(own, "DK", TODAY, "apr_percent", Decimal(21))
    assert "instead of: apr_percent in DK is at most 35 %" in apr.reason


# -- what a customer reads -------------------------------------------------------------------------


def test_a_representative_example_in_english():
    plan = a_plan(
        "5000.00 SEK",
        6,
        nominal_percent="12.5",
        setup_fee=["95.00 SEK"],
        monthly_fee=["19.00 SEK"],
    )
    text = representative_example(plan, creditor="Fjord Bank", locale="en_SE")
    assert text.splitlines()[0] == "Representative example"
    facts = dict(line.split(": ") for line in text.splitlines()[1:])
    assert {name: fact.replace("\xa0", " ") for name, fact in facts.items()} == {
        "Creditor": "Fjord Bank",
        "Cash price": "5 000,00 kr",
        "Amount of credit": "5 000,00 kr",
        "Number of monthly instalments": "6",
        "Monthly instalment": "882,98 kr",
        "Last instalment": "882,97 kr",
        "Fixed borrowing rate": "12,5 % a year",
        "Set-up fee": "95,00 kr",
        "Monthly fee, included in the instalments": "19,00 kr",
        "Total cost of credit": "392,87 kr",
        "Annual percentage rate of charge (APR)": "30,6 %",
        "Total amount payable": "5 392,87 kr",
    }


def test_an_example_without_fees_has_no_lines_for_them_and_its_rate_one_decimal():
    plan = a_plan("3000.00 SEK", 3)
    text = representative_example(plan, creditor="Fjord Bank", locale="en")
    assert "fee" not in text
    assert "Last instalment" not in text
    assert "Annual percentage rate of charge (APR): 0.0%" in text.splitlines()


@pytest.mark.parametrize("locale", ["da_DK", "sv_SE", "nb_NO", "nn_NO", "fi_FI", "is_IS", "xx"])
def test_an_example_has_its_facts_in_every_language(locale):
    plan = a_plan("5000.00 EUR", 7, setup_fee=["9.00 EUR"], monthly_fee=["1.00 EUR"])
    text = representative_example(plan, creditor="Fjord {Bank}", locale=locale)
    assert len(text.splitlines()) == 13
    assert "Fjord {Bank}" in text
    assert re.search(r"\d[.,]\d\s?%", text)


def test_a_rate_beyond_all_measure_is_still_written_out():
    plan = a_plan("1.01 NOK", 2, setup_fee=["1.00 NOK"])
    assert plan.apr > 10**9
    text = representative_example(plan, creditor="Test Credit", locale="en")
    assert re.search(r"\(APR\): [\d,]{10,}\.\d%", text)


def test_what_is_not_put_off_is_an_advance_payment():
    plan = a_plan("800.00 NOK", 6)
    text = representative_example(
        plan, creditor="Test Credit", locale="en", cash_price=Money(100000, "NOK")
    )
    assert (
        "Cash price: NOK1,000.00\nAdvance payment: NOK200.00\nAmount of credit: NOK800.00" in text
    )


def test_warnings_are_those_that_the_duties_ask_for():
    duties = scope("SE", is_free=False).duties
    borrowing, risk = warnings(duties, "en")
    assert borrowing == "Caution! Borrowing money costs money."
    assert risk.startswith("Borrowing costs money! If you cannot pay")
    assert warnings(scope("SE").duties, "en") == ()
    assert len(warnings(scope("DK", is_free=False).duties, "da")) == 1
