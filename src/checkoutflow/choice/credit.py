"""What a way to pay means as a credit: its cost, whether it is regulated, and the duties then."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from checkoutflow.choice.offers import CreditOffer
from checkoutflow.choice.words import Explanation, Refusal
from checkoutflow.errors import InvalidInput
from checkoutflow.law.credit import DUTIES, CreditScope
from checkoutflow.money import Money
from checkoutflow.payment.catalogue import in_currency
from checkoutflow.payment.credit.apr import deferral_apr
from checkoutflow.payment.credit.caps import broken_caps, broken_caps_of_deferral
from checkoutflow.payment.credit.intervals import months_after
from checkoutflow.payment.credit.plans import plan_of
from checkoutflow.payment.credit.scope import classify

if TYPE_CHECKING:
    from datetime import date

    from checkoutflow.choice.offers import PaymentOption
    from checkoutflow.choice.rules import Rules
    from checkoutflow.choice.situation import Situation
    from checkoutflow.payment.credit.caps import BrokenCap
    from checkoutflow.payment.credit.plans import PlanTerms
    from checkoutflow.payment.credit.scope import Classification
    from checkoutflow.payment.methods import Way

_ADULT: Final = 18  # where the law of the market is not known


def why_no_deferral(way: Way, s: Situation, rules: Rules) -> Refusal | None:
    """Why this customer cannot be given time to pay, whatever it costs; None if it can be."""
    if not way.is_deferred or s.customer != "consumer":
        return None
    rule = next(iter(rules.law.rules_of(CreditScope, s.market, s.on)), None)
    age = rule.age if rule else _ADULT
    if s.age is not None and s.age < age:
        return Refusal(way.id, "age", {"age": str(age)}, rule)
    duties = rule.deferral_duties if rule else DUTIES
    if "strong_identification" in duties and not way.identifies:
        return Refusal(way.id, "identification", {}, rule)
    return None


class Credited(NamedTuple):
    """What is left of the fee for a way to pay, what it means as a credit, and what changed.

    The fee is with or without VAT as the cart's prices are.
    """

    fee: Money
    credit: CreditOffer | None
    explanations: tuple[Explanation, ...] = ()


def credit_of(
    option: PaymentOption, rules: Rules, s: Situation, credit: Money, fee: Money
) -> Credited | Refusal:
    """Say what a way to pay means as a credit, or why the law does not let it be offered.

    A fee with which the credit would cost more than it may is taken away before the way to pay is.

    Args:
        option: The way to pay, with what the law leaves of its fee.
        rules: The shop's settings and the law.
        s: For whom and for what.
        credit: What it has to pay without its fee, VAT included.
        fee: Its fee, VAT included.
    """
    way = option.way
    if not way.is_deferred or credit.is_zero:
        return Credited(option.fee, None)
    try:
        if s.customer != "consumer":
            return Credited(option.fee, _offer(way, fee, rules, s, credit, None))
        offer, broken = _classified(way, fee, rules, s, credit)
        if not broken:
            return Credited(option.fee, offer)
        nothing = Money(0, s.currency)
        cap = broken[0].rule
        removed = Explanation(way.id, "fee_removed", cap, asked=option.fee, given=nothing)
        if not fee.is_zero:
            offer, broken = _classified(way, nothing, rules, s, credit)
    except InvalidInput:  # so little that rounding leaves no sound plan
        return Refusal(way.id, "plan")
    if broken:
        return Refusal(way.id, "cap", {"cap": broken[0].reason}, broken[0].rule)
    return Credited(nothing, offer, (removed,))


def _classified(
    way: Way, fee: Money, rules: Rules, s: Situation, credit: Money
) -> tuple[CreditOffer, tuple[BrokenCap, ...]]:
    """What it is in law with this fee, and the caps it breaks if it is regulated."""
    classification = classify(
        rules.law,
        s.market,
        s.on,
        days=_days(way, rules, s),
        financed_by="provider" if way.financed_by == "provider" else "shop",
        is_sme=rules.shop.is_sme,
        is_free=fee.is_zero and (way.plan is None or _is_free(way.plan, s.currency)),
    )
    offer = _offer(way, fee, rules, s, credit, classification)
    if not classification.is_credit:
        return offer, ()
    if offer.plan is not None:
        return offer, broken_caps(rules.law, s.market, s.on, offer.plan)
    return offer, broken_caps_of_deferral(
        rules.law, s.market, s.on, amount=credit, fee=fee, drawn=s.on, due=_counted(offer.due, s)
    )


def _days(way: Way, rules: Rules, s: Situation) -> int:
    """Days from delivery to the last payment, at the most."""
    if way.plan is not None:
        return (months_after(s.on, way.plan.months) - s.on).days
    return way.terms.longest_days(s.market, rules.law, s.on) if way.terms else 0


def _is_free(terms: PlanTerms, currency: str) -> bool:
    fees = (in_currency(terms.setup_fee, currency), in_currency(terms.monthly_fee, currency))
    return not terms.nominal_percent and not any(fee and fee.minor for fee in fees)


def _offer(
    way: Way,
    fee: Money,
    rules: Rules,
    s: Situation,
    credit: Money,
    classification: Classification | None,
) -> CreditOffer:
    creditor = way.creditor or rules.shop.name
    price = credit + Money(s.credited, s.currency)
    if way.plan is not None:
        plan = plan_of(credit, _with_fee(way.plan, fee))
        due = months_after(s.on, 1)
        return CreditOffer(
            creditor=creditor,
            cash_price=price,
            credit=credit,
            due=due,
            plan=plan,
            apr=plan.apr,
            payments=plan.months,
            total_payable=plan.total_payable,
            classification=classification,
        )
    due = way.terms.due(s.on, s.market, rules.law) if way.terms else s.on
    apr = deferral_apr(credit, fee, s.on, _counted(due, s)) if fee.minor else Decimal(0)
    return CreditOffer(
        creditor=creditor,
        cash_price=price,
        credit=credit,
        due=due,
        plan=None,
        apr=apr,
        payments=1,
        total_payable=credit + fee,
        classification=classification,
    )


def _counted(due: date, s: Situation) -> date:
    """The day to reckon with: a fee for no time at all has no rate, one for a day the highest."""
    return max(due, s.on + timedelta(days=1))


def _with_fee(terms: PlanTerms, fee: Money) -> PlanTerms:
    """A fee for the way to pay is paid once, beside the price: it is a set-up fee."""
    if fee.is_zero:
        return terms
    others = tuple(amount for amount in terms.setup_fee if amount.currency != fee.currency)
    own = in_currency(terms.setup_fee, fee.currency) or Money(0, fee.currency)
    return terms.but(setup_fee=(*others, own + fee))
