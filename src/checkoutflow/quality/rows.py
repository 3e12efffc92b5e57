"""One row of a base: its values, what is wrong with them, and its forms for comparing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from checkoutflow.customer import AREAS, clean
from checkoutflow.customer.matching import matching_form
from checkoutflow.errors import InvalidInput
from checkoutflow.privacy.secret import STARS, Details
from checkoutflow.quality.reading import bare

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What is measured, in the order of the report.
FIELDS: Final = (
    "name",
    "organisation",
    "email",
    "phone",
    "street",
    "postal_code",
    "city",
    "country",
    "national_id",
    "birth_date",
)
_OLDEST: Final = 120  # years


class Form(NamedTuple):
    """What a row is compared by: texts of one form, empty where there is none.

    Attributes:
        row: The row's line in a spreadsheet; the header is 1.
        house: The digits of the street: a neighbour's address is not a misspelt one.
        birth_date: As YYYYMMDD.
    """

    row: int
    given: str
    surname: str
    organisation: str
    email: str
    phone: str
    street: str
    house: str
    postal_code: str
    national_id: str
    birth_date: str

    def __repr__(self) -> str:
        return f"Form(row={self.row}, {STARS})"


@dataclass(frozen=True, slots=True)
class Examined:
    """A row that was looked at.

    Attributes:
        values: What stands in it, by field.
        problems: What is wrong, by field; never the value.
        updated: When it was last changed, where that is known.
        form: What to compare it by.
    """

    values: Details
    problems: Mapping[str, str]
    updated: date | None
    form: Form


class Examiner:
    """Looks at the rows of a file."""

    def __init__(self, places: Mapping[str, int], market: str, today: date) -> None:
        """Prepare for one file.

        Args:
            places: Which column is what, as `columns.recognise` gives it.
            market: ISO 3166 code of where customers are who name no country.
            today: Nobody is born, and nothing changed, after this day.
        """
        self._places = places
        self._market = market
        self._today = today

    def values(self, cells: Sequence[str]) -> Details:
        """The fields of a row, parts of names and addresses put together; none is empty."""
        at = {role: bare(cells[place]) for role, place in self._places.items() if cells[place]}
        parts = {
            **at,
            "name": at.get("name") or _joined(at, "given_name", "surname"),
            "street": _joined(at, "street", "house_number") if "street" in at else "",
            "country": country_code(at["country"]) if "country" in at else "",
        }
        return Details({field: parts[field] for field in FIELDS if parts.get(field)})

    def examine(self, row: int, cells: Sequence[str]) -> Examined:
        """Look at a row, which stands in this line of a spreadsheet."""
        values = self.values(cells)
        born = read_day(values.get("birth_date", ""))
        cleaned, problems = _cleaned(values, self._market)
        if "birth_date" in values:
            if born and born <= self._today and born.year >= self._today.year - _OLDEST:
                cleaned["birth_date"] = f"{born:%Y%m%d}"
            else:
                problems["birth_date"] = "is not a day of birth"
        place = self._places.get("updated")
        updated = read_day(bare(cells[place])) if place is not None else None
        return Examined(
            values,
            problems,
            updated if updated and updated <= self._today else None,
            self._form(row, cells, cleaned),
        )

    def _form(self, row: int, cells: Sequence[str], cleaned: Mapping[str, str]) -> Form:
        area = cleaned.get("country", self._market)

        def form(field: str, text: str | None = None) -> str:
            text = cleaned.get(field, "") if text is None else text
            return matching_form(field, text, area) if text else ""

        given, surname = self._names(cells, cleaned.get("name", ""))
        street = form("street")
        return Form(
            row,
            form("name", given),
            form("name", surname),
            form("organisation"),
            form("email"),
            form("phone"),
            street,
            " ".join(re.findall("[0-9]+", street)),
            form("postal_code"),
            form("national_id"),
            cleaned.get("birth_date", ""),
        )

    def _names(self, cells: Sequence[str], name: str) -> tuple[str, str]:
        """First names and last name: from their columns, or the last word of the name."""
        if "name" not in self._places or not cells[self._places["name"]]:
            given, surname = (
                cells[self._places[role]] if role in self._places else ""
                for role in ("given_name", "surname")
            )
            return given, surname
        surname, comma, given = name.partition(",")
        if not comma:
            given, _, surname = name.rpartition(" ")
        return given.strip(), surname.strip()


def _joined(at: Mapping[str, str], *roles: str) -> str:
    return " ".join(at[role] for role in roles if role in at)


def _cleaned(values: Mapping[str, str], market: str) -> tuple[dict[str, str], dict[str, str]]:
    """The good values in the form that is stored, and what is wrong with the others."""
    asked = {field: value for field, value in values.items() if field != "birth_date"}
    problems: dict[str, str] = {}
    while True:
        try:
            return dict(clean(asked, market=market)), problems
        except InvalidInput as error:
            for field, message in error.problems:
                problems[field] = message.partition(";")[0]
                del asked[field]


def read_day(text: str) -> date | None:
    """Read a day as people and systems in the five countries write it; None if it is none.

    ISO 8601, with or without a time, or day before month: 2.1.2026, 02/01-2026, 20260102.

    >>> read_day("2026-01-02T10:00:00Z") == read_day("2.1.2026") == read_day("20260102")
    True
    """
    for pattern, order in _DAYS:
        if match := pattern.match(text):
            parts = [int(match[place]) for place in order]
            try:
                return date(*parts)
            except ValueError:
                return None
    return None


_DAYS: Final = (
    (re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})(?![0-9])"), (1, 2, 3)),
    (re.compile(r"([0-9]{1,2})[./ -]+([0-9]{1,2})[./ -]+([0-9]{4})(?![0-9])"), (3, 2, 1)),
)


def country_code(text: str) -> str:
    """The code of a country given by code or by name in any of our languages; else as given.

    >>> country_code("Danmark"), country_code("suomi"), country_code("no"), country_code("?")
    ('DK', 'FI', 'NO', '?')
    """
    return _countries().get(text.casefold(), text)


@cache
def _countries() -> dict[str, str]:
    from babel.core import Locale  # noqa: PLC0415 -- heavy

    named = {code.casefold(): code for code in AREAS}
    for language in ("da", "sv", "nb", "fi", "is", "en"):
        names = Locale(language).territories
        named |= {names[code].casefold(): code for code in AREAS}
    return named
