"""Terms of payment: when a bill falls due after delivery.

A bill is best due when customers have their money and pay their other bills anyway. So terms are
some days after delivery, a day of the month, or the last banking day of the month.

Nobody can pay on a day on which banks are closed. By default the bill is then due on the next
banking day, so that customers never get less time than they were told. ``preceding`` moves it to
the one before instead: for the day of a salary that is itself paid early then, and for terms that
must not be longer than some number of days in law.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Self

from pydantic import Field, field_validator, model_validator

from checkoutflow.errors import InvalidInput
from checkoutflow.model import Frozen
from checkoutflow.money import Rounding, divide
from checkoutflow.payment.calendar import Way, banking_day

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checkoutflow.law.reader import Law

_LAST_OF_EVERY_MONTH: Final = 28
_LAST_OF_MONTH: Final = 31

_TWO_YEARS: Final = timedelta(731)  # so that an Easter and a Christmas are always among them


class Terms(Frozen):
    """When a bill is due. Exactly one of ``days``, ``day_of_month`` and ``last_banking_day``.

    Attributes:
        days: Calendar days after the day of delivery, which is not counted.
        day_of_month: 1 to 28, or 31 for the last day of whatever month it is.
        last_banking_day: True for the last banking day of the month.
        months_after: Which month that is: 1 is the month after delivery, 0 the month of delivery.
        at_least_days: If fewer would be left from delivery, the bill is due a month later.
        on_closed_day: Where the due date moves when banks are closed.
    """

    days: int | None = Field(default=None, ge=0, le=400)
    day_of_month: int | None = Field(default=None, ge=1, le=31)
    last_banking_day: bool = False
    months_after: int = Field(default=1, ge=0, le=12)
    at_least_days: int = Field(default=0, ge=0, le=400)
    on_closed_day: Way = "following"

    @field_validator("day_of_month")
    @classmethod
    def _is_in_every_month(cls, day: int | None) -> int | None:
        if day is not None and _LAST_OF_EVERY_MONTH < day < _LAST_OF_MONTH:
            raise ValueError("some months have no such day; 31 is the last day of every month")
        return day

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        ways = (self.days is not None, self.day_of_month is not None, self.last_banking_day)
        if sum(ways) != 1:
            raise ValueError("give one of days, day_of_month and last_banking_day = true")
        if self.days is not None and (self.months_after, self.at_least_days) != (1, 0):
            raise ValueError("months_after and at_least_days go with a day of the month")
        if self.last_banking_day and self.on_closed_day != "following":
            raise ValueError("on_closed_day says nothing about a banking day")
        return self

    def due(self, delivered_on: date, market: str, law: Law) -> date:
        """The last day on which to pay: a banking day, and never before the delivery.

        Args:
            delivered_on: Day of delivery, from which customers get their days.
            market: Whose banking days count.
            law: Where its closed days are from.

        Raises:
            UnknownRule: If the market, or its public holidays, are not known.
        """
        if self.days is not None:
            nominal = delivered_on + timedelta(self.days)
            due = banking_day(market, nominal, law, way=self.on_closed_day)
            return due if due >= delivered_on else banking_day(market, nominal, law)
        earliest = delivered_on + timedelta(self.at_least_days)
        months = self.months_after
        while (due := self._in_month(delivered_on, months, market, law)) < earliest:
            months += 1
        return due

    def _in_month(self, delivered_on: date, months: int, market: str, law: Law) -> date:
        """The due date in the month that many months after that of delivery."""
        years, month = divmod(delivered_on.month - 1 + months, 12)
        year, month = delivered_on.year + years, month + 1
        last = monthrange(year, month)[1]
        if self.day_of_month is None:
            return banking_day(market, date(year, month, last), law, way="preceding")
        nominal = date(year, month, min(self.day_of_month, last))
        return banking_day(market, nominal, law, way=self.on_closed_day)

    def longest_days(self, market: str, law: Law, on: date) -> int:
        """The most days from delivery to the due date, whenever within two years is delivered.

        This is what limits in law are compared with. Whether a due date that moves only because
        banks are closed makes a deferral longer is not settled; here it does, the strict side.

        Args:
            market: Whose banking days count.
            law: Where its closed days are from.
            on: Date of the contract, and of the first delivery that is looked at.

        Raises:
            UnknownRule: If the market, or its public holidays, are not known.
        """
        return _longest_days(self, market, law, on)


@dataclass(frozen=True, slots=True)
class DaysGiven:
    """How many days from delivery to due date customers get under some terms.

    Attributes:
        name: Whose terms: the name they were given to `compare` under.
        fewest: For the delivery that leaves the fewest days.
        average: Over all deliveries, to one decimal.
        most: For the delivery that leaves the most; what limits in law are about.
    """

    name: str
    fewest: int
    average: Decimal
    most: int


def compare(
    terms: Mapping[str, Terms], market: str, law: Law, first: date, last: date
) -> tuple[DaysGiven, ...]:
    """How much time each of several terms gives, over a delivery on every day of a span.

    Args:
        terms: The terms by a name of the caller's.
        market: Whose banking days count.
        law: Where its closed days are from.
        first: First day of delivery.
        last: Last day of delivery, included.

    Returns:
        One for each of the terms, in their order.

    Raises:
        InvalidInput: If the span ends before it begins.
        UnknownRule: If the market, or its public holidays, are not known.
    """
    if last < first:
        raise InvalidInput("is before the first day; give them in order", field="last")
    found = []
    for name, each in terms.items():
        days = _days_given(each, market, law, first, last)
        average = Decimal(divide(10 * sum(days), len(days), Rounding.HALF_UP)).scaleb(-1)
        found.append(DaysGiven(name, min(days), average, max(days)))
    return tuple(found)


def _days_given(terms: Terms, market: str, law: Law, first: date, last: date) -> list[int]:
    deliveries = (first + timedelta(days) for days in range((last - first).days + 1))
    return [(terms.due(day, market, law) - day).days for day in deliveries]


@lru_cache(maxsize=256)  # a shop has a few terms and markets, and asks for today
def _longest_days(terms: Terms, market: str, law: Law, on: date) -> int:
    return max(_days_given(terms, market, law, on, on + _TWO_YEARS))
