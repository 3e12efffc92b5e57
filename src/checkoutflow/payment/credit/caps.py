"""What credit may cost: a plan or a deferral against the caps of its market.

A cap that goes by a reference rate counts that rate as zero on a day for which none is in the
tables. That is the strict side: no reference was lower while these caps held. The reason given for
a broken cap then says which row is missing.

Source: rows of ``law/tables/credit_caps.toml`` and ``reference_rates.toml``, each with its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from checkoutflow.errors import InvalidInput
from checkoutflow.law.credit import CreditCap, ReferenceRate
from checkoutflow.money import Money
from checkoutflow.payment.credit.apr import deferral_apr, rounded

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from checkoutflow.law import Law
    from checkoutflow.law.credit import Item
    from checkoutflow.payment.credit.plans import Plan

# The days of so many months, of 12 at most, from 1 February on in a common year: the fewest.
_FEWEST_DAYS: Final = (0, 28, 59, 89, 120, 150, 181, 212, 242, 273, 303, 334)


@dataclass(frozen=True, slots=True)
class BrokenCap:
    """A cap that something goes beyond.

    Attributes:
        item: What is capped.
        value: What it comes to, in per cent or as money.
        limit: The most it may come to, in the same unit.
        rule: The cap.
        reference: The rate that the cap goes by; None if it goes by none, or by one that is not
            known on that day and counts as zero.
        reason: All this in words for the shop, with source and dates.
    """

    item: Item
    value: Decimal | Money
    limit: Decimal | Money
    rule: CreditCap
    reference: ReferenceRate | None
    reason: str


def check(
    law: Law, market: str, on: date, item: Item, value: Decimal | Money
) -> tuple[BrokenCap, ...]:
    """Every cap of a market on one thing that a value goes beyond.

    Args:
        law: The tables, with the shop's own rows where it has any.
        market: Where the customer lives.
        on: Date of the contract.
        item: What the value is of.
        value: Per cent, or an amount for what is capped by one. An amount in another currency than
            that of the cap cannot be compared, and breaks it unless it is nothing.
    """
    return _broken(law, market, on, {item: value})


def broken_caps(
    law: Law, market: str, on: date, plan: Plan, *, late_interest_percent: Decimal | None = None
) -> tuple[BrokenCap, ...]:
    """Every cap that a plan breaks. One is enough: it must not be offered.

    Args:
        law: The tables, with the shop's own rows where it has any.
        market: Where the customer lives.
        on: Date of the contract.
        plan: The plan on offer.
        late_interest_percent: What the terms ask for late payment, a year.
    """
    years, months = divmod(plan.months, 12)
    values: dict[Item, Decimal | Money] = {
        **_costs(plan.credit, plan.cost, plan.fees, 365 * years + _FEWEST_DAYS[months]),
        "credit_interest_percent": plan.nominal_percent,
        "apr_percent": plan.apr,
        "setup_fee": plan.setup_fee,
        "other_cost_per_year": plan.setup_fee + plan.monthly_fee * min(plan.months, 12),
    }
    if late_interest_percent is not None:
        values["late_interest_percent"] = late_interest_percent
    return _broken(law, market, on, values)


def broken_caps_of_deferral(
    law: Law,
    market: str,
    on: date,
    *,
    amount: Money,
    fee: Money,
    drawn: date,
    due: date,
    late_interest_percent: Decimal | None = None,
) -> tuple[BrokenCap, ...]:
    """Every cap that one deferred payment with a fee breaks, such as an invoice with a fee.

    Args:
        law: The tables, with the shop's own rows where it has any.
        market: Where the customer lives.
        on: Date of the contract.
        amount: The price put off; above zero.
        fee: What that costs; counts as a set-up fee where such fees are capped.
        drawn: Day of delivery.
        due: Day of the payment; after the delivery if there is a fee.
        late_interest_percent: What the terms ask for late payment, a year.

    Raises:
        InvalidInput: As `deferral_apr`.
    """
    values: dict[Item, Decimal | Money] = {
        "apr_percent": deferral_apr(amount, fee, drawn, due),
        **_costs(amount, fee, fee, (due - drawn).days),
        "setup_fee": fee,
        "other_cost_per_year": fee,
    }
    if late_interest_percent is not None:
        values["late_interest_percent"] = late_interest_percent
    return _broken(law, market, on, values)


def may_advertise(law: Law, market: str, on: date, apr: Decimal) -> bool:
    """Whether credit with this APR may be advertised, as it is and as it is shown.

    To learn which rule forbids it, `check` ``advertised_apr_percent``.
    """
    return not check(law, market, on, "advertised_apr_percent", max(apr, rounded(apr)))


def _costs(credit: Money, cost: Money, fees: Money, days: int) -> dict[Item, Decimal | Money]:
    """What a credit costs in proportion to its amount. For no days at all there are no fees."""
    return {
        "total_cost_percent_of_credit": Decimal(100 * cost.minor) / credit.minor,
        "other_cost_percent_per_day": Decimal(100 * fees.minor) / (credit.minor * max(days, 1)),
    }


def _broken(
    law: Law, market: str, on: date, values: Mapping[Item, Decimal | Money]
) -> tuple[BrokenCap, ...]:
    rates = {rate.id: rate for rate in law.rules_of(ReferenceRate, market, on)}
    broken = []
    for rule in law.rules_of(CreditCap, market, on):
        value = values.get(rule.item)
        if value is None:
            continue
        rate = rates.get(rule.reference or "")
        limit = rule.most(Decimal(0) if rate is None else rate.percent)
        if _is_beyond(value, limit, is_below=rule.is_below):
            beyond = "is not below" if rule.is_below else "is over"
            reason = f"{rule.item} {_said(value)} {beyond} {_said(limit)}: {rule.explain()}"
            if rule.reference is not None and rate is None:
                reason += (
                    f"; no {rule.reference} of {market} is known for {on} and it counts as 0, "
                    "until a row [[own_law.reference_rate]] in the shop's settings says what it is"
                )
            broken.append(BrokenCap(rule.item, value, limit, rule, rate, reason))
    return tuple(broken)


def _is_beyond(value: Decimal | Money, limit: Decimal | Money, *, is_below: bool) -> bool:
    if isinstance(value, Money) and isinstance(limit, Money):
        if value.currency != limit.currency:
            return value.minor > 0
        size, most = value.decimal(), limit.decimal()
    elif isinstance(value, Decimal) and isinstance(limit, Decimal):
        size, most = value, limit
    else:
        raise InvalidInput("is money where an amount is capped, else per cent", field="value")
    return size >= most if is_below else size > most


def _said(value: Decimal | Money) -> str:
    """The value for people, per cent with no more decimals than tell something."""
    return str(value) if isinstance(value, Money) else f"{rounded(value, 4).normalize():f} %"
