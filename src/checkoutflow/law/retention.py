"""How long the law has a shop keep things, and for how long a customer may come back to it."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from checkoutflow.law.rules import Rule

# What is kept. The first four are the bookkeeping law's own words for papers of any kind; an
# invoice or a receipt is a voucher. The other two are what the shop knows of an order's customer.
Record = Literal["voucher", "books", "secondary", "till_roll", "order", "durable_order"]
_NAMES: Final[dict[Record, str]] = {
    "voucher": "vouchers",
    "books": "books",
    "secondary": "secondary documents",
    "till_roll": "till rolls",
    "order": "contact details of an order",
    "durable_order": "contact details of an order of goods meant to last",
}
_OF_CUSTOMERS: Final = frozenset[Record]({"order", "durable_order"})

CountedFrom = Literal["financial_year", "calendar_year", "delivery"]
_FROM: Final[dict[CountedFrom, str]] = {
    "financial_year": "the end of the financial year",
    "calendar_year": "the end of the calendar year in which the financial year ended",
    "delivery": "the delivery",
}

_MONTHS: Final = 12


class RetentionRule(Rule):
    """How long something is kept.

    For what bookkeeping law wants it is a duty, and so the shortest time. For contact details of
    an order it is the longest: while the customer may complain of the goods, the shop has to know
    who that was.

    Attributes:
        records: What is kept.
        months: For how long.
        counted_from: From the end of which year, or from the delivery. The calendar year is the
            one in which the financial year ended.
    """

    records: tuple[Record, ...] = Field(min_length=1)
    months: int = Field(ge=1, le=600)
    counted_from: CountedFrom

    @model_validator(mode="after")
    def _counts_as_its_records_do(self) -> Self:
        of_customers = _OF_CUSTOMERS.issuperset(self.records)
        if of_customers != (self.counted_from == "delivery") or (
            not of_customers and _OF_CUSTOMERS.intersection(self.records)
        ):
            raise ValueError("contact is counted from the delivery, and all else from a year's end")
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """What is kept: each has one time on any day."""
        return self.records

    @property
    def duration(self) -> str:
        """For how long, in words."""
        years, months = divmod(self.months, _MONTHS)
        parts = ((years, "year"), (months, "month"))
        return " and ".join(f"{n} {unit}{'s' if n > 1 else ''}" for n, unit in parts if n)

    @property
    def time(self) -> str:
        """For how long and from when, in words."""
        return f"{self.duration} from {_FROM[self.counted_from]}"

    def until(self, day: date) -> date:
        """The last day on which it is kept.

        Args:
            day: The delivery, or the last day of the financial year, which is the last of a month.
        """
        first = date(day.year, _MONTHS, 31) if self.counted_from == "calendar_year" else day
        years, month = divmod(first.year * _MONTHS + first.month - 1 + self.months, _MONTHS)
        last = monthrange(years, month + 1)[1]
        is_year = self.counted_from != "delivery"
        return date(years, month + 1, last if is_year else min(first.day, last))

    def statement(self) -> str:
        """What the rule says, in a few words."""
        what = " and ".join(_NAMES[record] for record in self.records)
        must = "are needed" if self.counted_from == "delivery" else "must be kept"
        return f"{self.market}: {what} {must} for {self.time}"


def financial_year_end(on: date, last_month: int = _MONTHS) -> date:
    """The last day of the financial year of twelve months that a day lies in.

    Args:
        on: The day.
        last_month: The month with which the shop's financial years end, 1 to 12.

    >>> financial_year_end(date(2026, 7, 1), last_month=6)
    datetime.date(2027, 6, 30)
    """
    year = on.year + (on.month > last_month)
    return date(year, last_month, monthrange(year, last_month)[1])
