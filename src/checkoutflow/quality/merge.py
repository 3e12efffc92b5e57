"""Which values a merged customer should have: for each field one of those at hand, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from checkoutflow.quality.rows import FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from checkoutflow.quality.rows import Examined

# These belong together: a street of one row with the town of another is nobody's address.
_ADDRESS: Final = ("street", "postal_code", "city", "country")


@dataclass(frozen=True, slots=True)
class Choice:
    """The value of one field of a merged customer.

    Attributes:
        field: The field.
        row: Whose value it is: that row's line in a spreadsheet.
        reason: Why that one.
        is_contested: Whether another row has another value.
    """

    field: str
    row: int
    reason: str
    is_contested: bool


def merged(rows: Sequence[Examined]) -> list[Choice]:
    """Propose a value for each field that any of the rows has.

    Valid goes before invalid, then newer before older, then what more rows have, then what is
    longer, then the first row. The parts of an address come from one row.

    Args:
        rows: Rows of one person.
    """
    choices = [
        _chosen(rows, (field,), (field,), field)
        for field in FIELDS
        if field not in _ADDRESS and any(field in row.values for row in rows)
    ]
    address = [field for field in _ADDRESS if any(field in row.values for row in rows)]
    if address:
        best = _chosen(rows, address, ("street", "postal_code"), "")
        winner = next(row for row in rows if row.form.row == best.row)
        choices += [
            Choice(field, best.row, best.reason, _is_contested(rows, (field,)))
            for field in address
            if field in winner.values
        ]
    return sorted(choices, key=lambda choice: FIELDS.index(choice.field))


def _chosen(
    rows: Sequence[Examined], fields: Sequence[str], core: Sequence[str], name: str
) -> Choice:
    """The best row for these fields together, of which the core must be there and valid."""
    left = [row for row in rows if any(field in row.values for field in fields)]
    contested = _is_contested(rows, fields)
    reason = "the only one" if len(left) == 1 else "all agree"
    if contested:
        agreed = Counter(_value(row, fields) for row in left)
        for why, rank in (
            ("valid", lambda row: sum(f in row.values and f not in row.problems for f in core)),
            ("newest", _day),
            ("most rows agree", lambda row: agreed[_value(row, fields)]),
            ("most complete", lambda row: len("".join(_value(row, fields)))),
        ):
            best = max(map(rank, left))
            kept = [row for row in left if rank(row) == best]
            if len(kept) < len(left):
                reason = why
            left = kept
            if len({_value(row, fields) for row in left}) == 1:
                break
        else:
            reason = "first"
    return Choice(name, left[0].form.row, reason, contested)


def _day(row: Examined) -> int:
    updated: date | None = row.updated
    return updated.toordinal() if updated else 0


def _value(row: Examined, fields: Sequence[str]) -> tuple[str, ...]:
    return tuple(" ".join(row.values.get(field, "").casefold().split()) for field in fields)


def _is_contested(rows: Sequence[Examined], fields: Sequence[str]) -> bool:
    values = {_value(row, fields) for row in rows}
    return len({value for value in values if any(value)}) > 1
