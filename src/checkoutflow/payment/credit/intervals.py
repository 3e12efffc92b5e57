"""Time between two dates as the directive on consumer credit counts it, for the APR.

A year has 12 equal months or 52 weeks. Whole periods are counted backwards from the later date;
what is left over is days, each a 365th or 366th of a year.

Source: Directive (EU) 2023/2225, annex III, part I; Commission guidelines SWD(2012) 128, section
4.1.1.
"""

from __future__ import annotations

from calendar import isleap, monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Final, Literal

from checkoutflow.errors import InvalidInput

Unit = Literal["week", "month", "year"]
PERIODS_A_YEAR: Final[dict[Unit, int]] = {"week": 52, "month": 12, "year": 1}


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of time in whole periods and days.

    Attributes:
        unit: What the whole periods are; it follows how often is paid.
        whole: Whole periods, counted backwards from the later date.
        days: Days left over, the first not counted and the last counted.
        days_in_year: Length of the year that ends with the last of those days; 365 or 366.
    """

    unit: Unit
    whole: int
    days: int
    days_in_year: int

    @property
    def years(self) -> Fraction:
        """The interval in years, exact."""
        return Fraction(self.whole, PERIODS_A_YEAR[self.unit]) + Fraction(
            self.days, self.days_in_year
        )


def interval(start: date, end: date, unit: Unit = "month") -> Interval:
    """How the directive counts the time between two dates.

    Where stepping back leads to a day that does not exist, the last of that month counts instead.
    From the last day of a month to the last day of another are whole months.

    Args:
        start: The earlier date, usually that of the first drawdown.
        end: The later date, or the same.
        unit: The period in which payments are made. Units are never mixed.

    Raises:
        InvalidInput: If the end is before the start.

    >>> interval(date(2012, 1, 12), date(2012, 3, 15))
    Interval(unit='month', whole=2, days=3, days_in_year=365)
    """
    if end < start:
        raise InvalidInput("must not be before the start", field="end")
    if unit == "week":
        whole = (end - start).days // 7
        until = end - timedelta(weeks=whole)
    else:
        both_last = _is_last(start) and _is_last(end)
        step = 12 // PERIODS_A_YEAR[unit]
        whole = ((end.year - start.year) * 12 + end.month - start.month) // step
        until = _back(end, whole * step, to_last=both_last)
        if until < start:
            whole -= 1
            until = _back(end, whole * step, to_last=both_last)
    # The year that ends on this day has 366 days if the last 29 February that could be was one.
    leap = isleap(until.year if (until.month, until.day) >= (2, 29) else until.year - 1)
    return Interval(unit, whole, (until - start).days, 366 if leap else 365)


def months_after(start: date, months: int) -> date:
    """The same day some months later (earlier, if negative), or the last day of that month.

    >>> months_after(date(2027, 1, 31), 1)
    datetime.date(2027, 2, 28)
    """
    years, month = divmod(start.month - 1 + months, 12)
    year = start.year + years
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def _is_last(day: date) -> bool:
    return day.day == monthrange(day.year, day.month)[1]


def _back(end: date, months: int, *, to_last: bool) -> date:
    day = months_after(end, -months)
    return day.replace(day=monthrange(day.year, day.month)[1]) if to_last else day
