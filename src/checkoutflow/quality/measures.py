"""How good a base is: validity, completeness, uniqueness and freshness, counted row by row."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from checkoutflow.quality.rows import Examined

# What only one person has. Two customers may well share a name or an address.
ONE_PERSONS: Final = ("email", "phone", "national_id")
FRESH_DAYS: Final = 365
# Years since the last change, for the picture; what is older than the last comes after it.
AGES: Final = (1, 2, 3, 5, 10)


def percent(part: int, whole: int) -> float | None:
    """A share in per cent with one decimal; None of nothing. All is said only of all.

    >>> percent(1, 3), percent(9999, 10000), percent(0, 0)
    (33.3, 99.9, None)
    """
    if not whole:
        return None
    tenths = round(1000 * part / whole)
    if part < whole:
        tenths = min(tenths, 999)
    return (max(tenths, 1) if part else 0) / 10


@dataclass(slots=True)
class FieldMeasure:
    """The counts of one field.

    Attributes:
        filled: Rows that have a value.
        valid: Rows whose value can be right.
        fresh: Rows that have a value and were changed within a year.
        shared: Rows whose value another row has too; None where that is no fault.
        problems: What is wrong, and how often.
    """

    filled: int = 0
    valid: int = 0
    fresh: int = 0
    shared: int | None = None
    problems: Counter[str] = field(default_factory=Counter)


class Measures:
    """Counts rows as they are read, with eight bytes for each value that is to be unique."""

    def __init__(self, fields: Iterable[str], today: date) -> None:
        """Start at nothing.

        Args:
            fields: What the base has columns for.
            today: The day on which freshness is judged.
        """
        self.fields = {name: FieldMeasure() for name in fields}
        self.rows = 0
        self.dated = 0
        self.fresh = 0
        self.ages: Counter[int] = Counter()
        self._today = today
        self._seen = {name: array("q") for name in ONE_PERSONS if name in self.fields}

    def count(self, row: Examined) -> None:
        """Count a row."""
        self.rows += 1
        is_fresh = False
        if row.updated is not None:
            days = (self._today - row.updated).days
            is_fresh = days < FRESH_DAYS
            self.dated += 1
            self.ages[sum(days >= years * FRESH_DAYS for years in AGES)] += 1
        self.fresh += is_fresh
        for name in row.values:
            measure = self.fields[name]
            measure.filled += 1
            measure.fresh += is_fresh
            if name in row.problems:
                measure.problems[row.problems[name]] += 1
            else:
                measure.valid += 1
        for name, seen in self._seen.items():
            if value := getattr(row.form, name):
                seen.append(hash(value))

    def finish(self) -> None:
        """Count what is shared, once all rows are in."""
        for name, seen in self._seen.items():
            self.fields[name].shared = sum(count for count in Counter(seen).values() if count > 1)
        self._seen.clear()
