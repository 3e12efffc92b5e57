"""Days on which banks are closed besides Saturdays, Sundays and public holidays."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final, Literal, Self, get_args

from pydantic import Field, model_validator

from checkoutflow.law.rules import Rule

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: Final[tuple[Weekday, ...]] = get_args(Weekday)

_LEAP_YEAR: Final = 2000  # any, so that 29 February is a day like others


class BankingDay(Rule):
    """A day of the year that is not, or is after all, a banking day.

    Said in one of three ways: ``month`` and ``day``; the same with ``weekday``, for the first such
    weekday from that date on; or ``after_easter``.

    Attributes:
        name: The day's name in English.
        month: 1 to 12.
        day: Day of the month.
        weekday: In English, in small letters.
        after_easter: Days after Easter Sunday; before it where negative.
        closed: Whether banks are closed. A shop that knows better says ``false``, also of a public
            holiday; a Saturday or Sunday stays closed.
    """

    name: str = Field(min_length=1, max_length=60)
    month: int | None = Field(default=None, ge=1, le=12)
    day: int | None = Field(default=None, ge=1, le=31)
    weekday: Weekday | None = None
    after_easter: int | None = Field(default=None, ge=-100, le=100)
    closed: bool = True

    @model_validator(mode="after")
    def _is_said_in_one_way(self) -> Self:
        dated = self.month is not None and self.day is not None
        part_of_a_date = (self.month, self.day, self.weekday) != (None, None, None)
        if dated == (self.after_easter is not None) or part_of_a_date != dated:
            raise ValueError("give month and day, perhaps with weekday, or after_easter")
        if self.month is not None and self.day is not None:
            try:
                date(_LEAP_YEAR, self.month, self.day)
            except ValueError:
                raise ValueError("there is no such day of the month") from None
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """When it is."""
        return (self._when(),)

    def _when(self) -> str:
        if self.after_easter is not None:
            return f"Easter Sunday {self.after_easter:+} days"
        date_of_year = f"{self.day}.{self.month}."
        return f"the first {self.weekday} from {date_of_year}" if self.weekday else date_of_year

    def falls_on(self, day: date) -> bool:
        """Whether this is the day that is meant."""
        if self.after_easter is not None:
            return day - easter_sunday(day.year) == timedelta(self.after_easter)
        if self.weekday is None:
            return (day.month, day.day) == (self.month, self.day)
        if day.weekday() != WEEKDAYS.index(self.weekday):
            return False
        week = (day - timedelta(days) for days in range(7))
        return any((one.month, one.day) == (self.month, self.day) for one in week)

    def statement(self) -> str:
        """What the rule says, in a few words."""
        state = "closed" if self.closed else "open"
        return f"{self.market}: banks are {state} on {self._when()} ({self.name})"


def easter_sunday(year: int) -> date:
    """Easter Sunday of the western churches.

    Source: the Gregorian computus in the form of Meeus, Jones and Butcher, where each step is named
    by a letter.

    >>> easter_sunday(2027)
    datetime.date(2027, 3, 28)
    """
    a = year % 19
    b, c = divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)
