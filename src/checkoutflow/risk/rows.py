"""Orders that a score is learned from: signals, what came of each, and when that was known."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from math import isfinite
from typing import TYPE_CHECKING, Final

from checkoutflow.errors import InvalidInput
from checkoutflow.quality.reading import CsvFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from checkoutflow.review.score import Value

_AT: Final = "at"
_LABEL: Final = "label"
_KNOWN_AT: Final = "known_at"
_WEIGHT: Final = "rules_weight"
_HELD: Final = "rules_hold"
_WORDS: Final = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Row:
    """One order of the past.

    Attributes:
        at: When it was placed.
        label: Whether it did harm, as far as is known; see `checkoutflow.review.harm`.
        known_at: When that was known; from the start by default, as with a reviewer's decision.
        signals: Its signals. One that was not known is absent or None.
        weight: What the rules weighed it at; None where they were not asked.
        is_held: Whether they held it.
    """

    at: datetime
    label: bool
    known_at: datetime
    signals: Mapping[str, Value]
    weight: float | None = None
    is_held: bool = False

    def known(self, at: datetime) -> bool:
        """Whether it was known by then to have done harm."""
        return self.label and self.known_at <= at


def digest(rows: Iterable[Row]) -> str:
    """SHA-256 of rows in their order: the same rows, the same digest."""
    total = sha256()
    for row in rows:
        data = [
            row.at.isoformat(),
            row.label,
            row.known_at.isoformat(),
            {name: value for name, value in row.signals.items() if value is not None},
        ]
        total.update(json.dumps(data, sort_keys=True, separators=(",", ":")).encode() + b"\n")
    return total.hexdigest()


def read_rows(path: Path) -> list[Row]:
    """Read rows from a CSV file, the oldest first.

    Its columns are ``at``, ``label``, and one for each signal; perhaps ``known_at``, and what the
    rules came to as ``rules_weight`` and ``rules_hold``. Times are as in ISO 8601, in UTC where
    they say nothing else. What is a yes or no is true or false, all else a number. An empty cell is
    a signal that was not known.

    Raises:
        UsageError: If the file cannot be read.
        InvalidInput: If something in it is wrong; the message has the line.
    """
    file = CsvFile.look(path)
    for needed in (_AT, _LABEL):
        if needed not in file.header:
            raise InvalidInput("is not among the columns", field=needed)
    if len(set(file.header)) < len(file.header):
        raise InvalidInput("has two columns of one name", field=str(path))
    rows = [
        _row(dict(zip(file.header, cells, strict=True)), f"line {number}")
        for number, cells in enumerate(file.rows(), start=2)
    ]
    return sorted(rows, key=lambda row: row.at)


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as `read_rows` reads them."""
    names = sorted({name for row in rows for name in row.signals})
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow((_AT, _LABEL, _KNOWN_AT, _WEIGHT, _HELD, *names))
        for row in rows:
            values = (row.signals.get(name) for name in names)
            cells = (row.label, row.known_at.isoformat(), row.weight, row.is_held, *values)
            lower = (str(cell).lower() if isinstance(cell, bool) else cell for cell in cells)
            writer.writerow((row.at.isoformat(), *lower))


def _row(cells: dict[str, str], line: str) -> Row:
    at = _time(cells.pop(_AT), f"{line}, {_AT}")
    label = _value(cells.pop(_LABEL), f"{line}, {_LABEL}")
    if label not in {0, 1}:
        raise InvalidInput("is true or false", field=f"{line}, {_LABEL}")
    known = cells.pop(_KNOWN_AT, "")
    known_at = _time(known, f"{line}, {_KNOWN_AT}") if known else at
    if known_at < at:
        raise InvalidInput("is before the order", field=f"{line}, {_KNOWN_AT}")
    values = {name: _value(cell, f"{line}, {name}") for name, cell in cells.items() if cell}
    weight, is_held = values.pop(_WEIGHT, None), bool(values.pop(_HELD, False))
    return Row(at, bool(label), known_at, values, weight, is_held)


def _time(text: str, where: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput("is a time such as 2026-11-21T18:00:00Z", field=where) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _value(text: str, where: str) -> bool | float:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise InvalidInput("is a number, or true or false", field=where)
    return int(value) if value.is_integer() else value
