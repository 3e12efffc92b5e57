"""The annual percentage rate of charge (APR): what credit costs, as one rate a year.

It is the rate X at which what is drawn and what is paid are worth the same:
sum of C / (1+X)^t over the drawdowns = sum of D / (1+X)^s over the payments, with t and s in years.

The rate is solved in floating point. It is a rate, not money: what goes in is exact, and what comes
out is right to ten decimals, or to some twelve figures where it is over a hundred per cent.

Source: Directive (EU) 2023/2225, annex III, part I.
"""

from __future__ import annotations

import math
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, ROUND_HALF_UP, Context, Decimal
from operator import mul
from typing import TYPE_CHECKING, Final

from checkoutflow.errors import InvalidInput
from checkoutflow.payment.credit.intervals import interval

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from fractions import Fraction

    from checkoutflow.money import Money

    # When, in years from any common day, and how much, in any common unit.
    Flow = tuple[int | float | Fraction | Decimal, int | Decimal]

_ZERO: Final = Decimal(0)
_MOST_YEARS: Final = 100
# The search goes by the logarithm of 1+X, in which even huge rates are near: from X = -0.99 on.
_LOWEST: Final = math.log(0.01)
_EDGE: Final = 1e-6
_CLOSE: Final = 1e-9  # after a step this small the error is about its square
_LARGEST_EXPONENT: Final = 700.0  # of a float; beyond it decimals take over

# Room for every digit of a rate however large.
_ROOM: Final = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, rounding=ROUND_HALF_UP)


def annual_percentage_rate(drawdowns: Iterable[Flow], payments: Iterable[Flow]) -> Decimal:
    """The APR of credit that is drawn and paid back at given times.

    Args:
        drawdowns: What the customer gets: (years, amount) each.
        payments: What the customer pays, interest and every charge included: (years, amount) each.

    Returns:
        Per cent a year with ten decimals; exactly 0 where as much is paid as was drawn. Use
        `rounded` for showing it.

    Raises:
        InvalidInput: If an amount is negative, a time is not within a century of the first, or no
            rate makes both sides worth the same: nothing is drawn, all is paid at once or before
            it is drawn, or hardly anything is paid.

    >>> annual_percentage_rate([(0, 1000)], [(1, 600), (2, 600)])
    Decimal('13.0662386292')
    """
    drawn, paid = _Flows(drawdowns, "drawdowns"), _Flows(payments, "payments")
    if not drawn.times or not paid.times:
        raise InvalidInput("something must be drawn and something paid", field="payments")
    if drawn.total == paid.total:
        return _ZERO
    if paid.first < drawn.first or (
        paid.first == drawn.first and paid.at_first() >= drawn.at_first()
    ):
        raise InvalidInput(
            "no rate exists where all is paid at once or before it is drawn", field="payments"
        )
    exponent = _solve(drawn, paid)
    if exponent > _LARGEST_EXPONENT:
        return (Decimal(exponent).exp() - 1) * 100
    return Decimal(f"{100 * math.expm1(exponent):.10f}") or _ZERO  # never a negative zero


def rounded(apr: Decimal, decimals: int = 1) -> Decimal:
    """An APR as it is shown: half-up, from the exact value, to at least one decimal.

    >>> rounded(Decimal("3.054")), rounded(Decimal("3.054"), 2)
    (Decimal('3.1'), Decimal('3.05'))
    """
    shown = apr.quantize(Decimal(1).scaleb(-decimals), context=_ROOM)
    return shown or shown.copy_abs()  # never a negative zero


def deferral_apr(amount: Money, fee: Money, drawn: date, due: date) -> Decimal:
    """The APR of one deferred payment that costs a fee: per cent a year.

    Args:
        amount: The price put off; above zero.
        fee: What the deferral costs, paid with the price; zero or above.
        drawn: Day of delivery, when the credit begins.
        due: Day of the payment; after the delivery if there is a fee.

    Raises:
        InvalidInput: If an amount or a date is outside these.
        UsageError: If the amounts are in different currencies.
    """
    if amount.minor <= 0:
        raise InvalidInput("must be above zero", field="amount")
    if fee.minor < 0:
        raise InvalidInput("must not be negative", field="fee")
    years = interval(drawn, due).years
    return annual_percentage_rate([(0, amount.minor)], [(years, (amount + fee).minor)])


class _Flows:
    """Drawdowns or payments, as the solver wants them: times from the earliest on, and floats."""

    __slots__ = ("amounts", "first", "times", "total")

    def __init__(self, flows: Iterable[Flow], field: str) -> None:
        counted = [(float(time), amount) for time, amount in flows if amount]
        if any(amount < 0 for _, amount in counted):
            raise InvalidInput("amounts must not be negative", field=field)
        times = [time for time, _ in counted]
        self.total = sum(amount for _, amount in counted)
        self.first = min(times, default=0.0)
        self.times = [time - self.first for time in times]
        self.amounts = [float(amount) for _, amount in counted]
        if not all(time <= _MOST_YEARS for time in self.times):  # nor what is not a number
            raise InvalidInput(f"times lie within {_MOST_YEARS} years", field=field)

    def at_first(self) -> float:
        """What flows at the very first time."""
        return sum(a for t, a in zip(self.times, self.amounts, strict=True) if t == 0)

    def value(self, exponent: float) -> tuple[float, float]:
        """Logarithm of the present value, and by how much it falls as the exponent grows."""
        weights = [
            amount * math.exp(-exponent * time)
            for time, amount in zip(self.times, self.amounts, strict=True)
        ]
        total = sum(weights)
        mean = sum(map(mul, weights, self.times)) / total
        return math.log(total) - exponent * self.first, self.first + mean


def _solve(drawn: _Flows, paid: _Flows) -> float:
    """The logarithm of 1+X: Newton's method, kept within bounds that close in on the root."""
    low, high = _LOWEST, math.inf  # at the one the payments are worth more, at the other less
    exponent, change = 0.0, math.inf
    while change > _CLOSE * (1 + abs(exponent)):
        value_paid, fall_paid = paid.value(exponent)
        value_drawn, fall_drawn = drawn.value(exponent)
        gap, fall = value_paid - value_drawn, fall_paid - fall_drawn
        if gap > 0:
            low = exponent
        else:
            high = exponent
        following = exponent + gap / fall if fall > 0 else math.nan
        if not (low <= following <= high and 2 * abs(following - exponent) <= change):
            following = (low + high) / 2 if high < math.inf else 2 * max(exponent, 1.0)
        exponent, change = following, abs(following - exponent)
    if exponent - _LOWEST < _EDGE:
        raise InvalidInput("no rate exists where hardly anything is paid", field="payments")
    return exponent
