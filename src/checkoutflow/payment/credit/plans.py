"""Instalment plans: what is paid when, to the minor unit, and what it costs in all.

A plan has equal monthly instalments. The interest of a month is the nominal rate / 12 on what is
still owed, rounded half-up; the instalment is the annuity, rounded half-up; the last one clears the
balance. A set-up fee is paid at the beginning, on top of the price; a monthly fee with every
instalment.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pydantic import Field, field_validator

from checkoutflow.errors import InvalidInput
from checkoutflow.model import Frozen
from checkoutflow.money import Money, Rounding, divide
from checkoutflow.payment.credit.apr import annual_percentage_rate, rounded
from checkoutflow.payment.credit.intervals import months_after

if TYPE_CHECKING:
    from datetime import date

MAX_MONTHS: Final = 120
_MOST_KEPT: Final = 1_024


class PlanTerms(Frozen):
    """What a shop or its provider asks for a plan.

    Attributes:
        months: Number of monthly instalments, from 1 to `MAX_MONTHS`.
        nominal_percent: Interest in per cent a year, without any fee.
        setup_fee: Paid once, at the beginning; at most one amount a currency, none elsewhere.
        monthly_fee: Paid with every instalment; likewise.
    """

    months: int = Field(strict=True, ge=1, le=MAX_MONTHS)
    nominal_percent: Decimal = Field(default=Decimal(0), ge=0, le=1000, decimal_places=4)
    setup_fee: tuple[Money, ...] = ()
    monthly_fee: tuple[Money, ...] = ()

    @field_validator("setup_fee", "monthly_fee")
    @classmethod
    def _is_one_a_currency(cls, fees: tuple[Money, ...]) -> tuple[Money, ...]:
        if any(fee.minor < 0 for fee in fees):
            raise ValueError("a fee must not be negative")
        if len({fee.currency for fee in fees}) < len(fees):
            raise ValueError("give at most one amount a currency")
        return fees


@dataclass(frozen=True, slots=True)
class Instalment:
    """One row of a plan.

    Attributes:
        number: Which one it is, from 1 on.
        principal: What of it pays back the credit.
        interest: Interest for the month.
        fee: The monthly fee.
        payment: All three together: what the customer pays.
        balance: What is still owed afterwards.
    """

    number: int
    principal: Money
    interest: Money
    fee: Money
    payment: Money
    balance: Money


@dataclass(frozen=True, slots=True)
class Plan:
    """A credit of a known amount on known terms. Get one from `plan_of`.

    Attributes:
        credit: What is put off: the price.
        months: Number of instalments.
        nominal_percent: Interest in per cent a year.
        setup_fee: Paid at the beginning, beside the price.
        monthly_fee: Paid with each instalment.
        instalment: Principal and interest of every month but the last.
        last_instalment: Principal and interest of the last month.
        total_payable: Everything the customer pays.
        apr: Annual percentage rate of charge, exact; see `shown_apr`.
    """

    credit: Money
    months: int
    nominal_percent: Decimal
    setup_fee: Money
    monthly_fee: Money
    instalment: Money
    last_instalment: Money
    total_payable: Money
    apr: Decimal

    @property
    def regular_payment(self) -> Money:
        """What is paid every month but the last."""
        return self.instalment + self.monthly_fee

    @property
    def last_payment(self) -> Money:
        """What is paid in the last month."""
        return self.last_instalment + self.monthly_fee

    @property
    def cost(self) -> Money:
        """Total cost of the credit: interest and every fee."""
        return self.total_payable - self.credit

    @property
    def fees(self) -> Money:
        """What of the cost is not interest."""
        return self.setup_fee + self.monthly_fee * self.months

    @property
    def shown_apr(self) -> Decimal:
        """The APR with one decimal, as it is shown."""
        return rounded(self.apr)

    def schedule(self) -> tuple[Instalment, ...]:
        """Every instalment; the set-up fee is paid before the first of them."""
        currency, fee = self.credit.currency, self.monthly_fee
        balance = self.credit
        rows: list[Instalment] = []
        for interest, principal in _months(
            balance.minor, _monthly(self.nominal_percent), self.months, self.instalment.minor
        ):
            paid_back, charged = Money(principal, currency), Money(interest, currency)
            balance -= paid_back
            payment = paid_back + charged + fee
            rows.append(Instalment(len(rows) + 1, paid_back, charged, fee, payment, balance))
        return tuple(rows)

    def due_dates(self, first_drawdown: date) -> tuple[date, ...]:
        """When each instalment is due: a month after delivery, and then every month.

        Args:
            first_drawdown: Day of delivery, when the credit begins. Where a later month lacks that
                day, its last day counts.
        """
        return tuple(months_after(first_drawdown, month + 1) for month in range(self.months))


@lru_cache(maxsize=_MOST_KEPT)
def plan_of(amount: Money, terms: PlanTerms) -> Plan:
    """Work out a plan for an amount on the given terms.

    Args:
        amount: The price to be put off; above zero.
        terms: What the plan asks for; fees in the currency of the amount count.

    Raises:
        InvalidInput: If the amount is not above zero, is so small for its months and interest
            that rounding to minor units leaves the last instalment empty or more than twice the
            others, or if the set-up fee is no less than the amount.

    >>> plan = plan_of(Money(99990, "ISK"), PlanTerms(months=12, monthly_fee=[Money(490, "ISK")]))
    >>> str(plan.regular_payment), str(plan.last_payment), str(plan.cost), str(plan.shown_apr)
    ('8823 ISK', '8817 ISK', '5880 ISK', '11.2')
    """
    credit, months = amount.minor, terms.months
    setup, monthly = _fee(terms.setup_fee, amount), _fee(terms.monthly_fee, amount)
    if credit <= 0:
        raise InvalidInput("must be above zero", field="amount")
    if setup >= credit:
        raise InvalidInput("must be less than the amount put off", field="setup_fee")
    rate = _monthly(terms.nominal_percent)
    regular = _annuity(credit, rate, months)
    last = sum(_months(credit, rate, months, regular)[-1])
    if not 0 < last <= 2 * regular:
        raise InvalidInput("is too small to be paid in so many months", field="amount")
    payments = [(0.0, setup)]
    payments += [(month / 12, regular + monthly) for month in range(1, months)]
    payments.append((months / 12, last + monthly))

    def money(minor: int) -> Money:
        return Money(minor, amount.currency)

    return Plan(
        credit=amount,
        months=months,
        nominal_percent=terms.nominal_percent,
        setup_fee=money(setup),
        monthly_fee=money(monthly),
        instalment=money(regular),
        last_instalment=money(last),
        total_payable=money(sum(payment for _, payment in payments)),
        apr=annual_percentage_rate([(0.0, credit)], payments),
    )


def _fee(fees: tuple[Money, ...], amount: Money) -> int:
    """The one fee in the currency of the amount; nothing where there is none."""
    return sum(fee.minor for fee in fees if fee.currency == amount.currency)


def _monthly(nominal_percent: Decimal) -> Fraction:
    """The interest of a month on one minor unit, exact."""
    return Fraction(nominal_percent) / 1200


def _annuity(credit: int, rate: Fraction, months: int) -> int:
    """The equal instalment that pays the credit back with interest, rounded half-up."""
    if not rate:
        return divide(credit, months, Rounding.HALF_UP)
    interest, unit = rate.as_integer_ratio()
    grown = (unit + interest) ** months
    return divide(credit * interest * grown, unit * (grown - unit**months), Rounding.HALF_UP)


def _months(credit: int, rate: Fraction, months: int, regular: int) -> list[tuple[int, int]]:
    """Interest and principal of every month, in minor units; the last clears the balance."""
    numerator, denominator = rate.as_integer_ratio()
    balance, rows = credit, []
    for left in range(months, 0, -1):
        interest = divide(balance * numerator, denominator, Rounding.HALF_UP)
        principal = regular - interest if left > 1 else balance
        rows.append((interest, principal))
        balance -= principal
    return rows
