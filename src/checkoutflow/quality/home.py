"""In which country a customer base is at home, by what its rows say themselves."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Final

from checkoutflow.customer import AREAS
from checkoutflow.errors import UsageError
from checkoutflow.quality.columns import recognise
from checkoutflow.quality.reading import CsvFile, bare
from checkoutflow.quality.rows import country_code

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_ENOUGH: Final = 10_000  # rows
_CODES: Final = {"45": "DK", "46": "SE", "47": "NO", "358": "FI", "354": "IS", "298": "FO"}
_DOMAINS: Final = ("dk", "se", "no", "fi", "is", "fo", "gl", "ax")


def home_of(path: Path, columns: Mapping[str, str] | None = None) -> str:
    """The country that most rows speak for: by a country, a telephone's code or an e-mail's domain.

    Args:
        path: A CSV file.
        columns: For a role the column that has it, where the shop says so itself.

    Raises:
        UsageError: If the file cannot be read, or no country has more than half of the voices.
    """
    file = CsvFile.look(path)
    places = recognise(file.header, columns, file=path)
    votes: Counter[str] = Counter()
    for cells in islice(file.rows(), _ENOUGH):
        votes.update(_voices({role: bare(cells[place]) for role, place in places.items()}))
    ((home, most),) = votes.most_common(1) or [("", 0)]
    if 2 * most <= votes.total():
        raise UsageError(f"{path}: does not tell in which country it is; say so: --market XX")
    return home


def _voices(row: Mapping[str, str]) -> Iterator[str]:
    country = country_code(row.get("country", ""))
    if country in AREAS:
        yield country
    phone = "".join(sign for sign in row.get("phone", "") if sign in "+0123456789")
    for prefix in ("+", "00"):
        if phone.startswith(prefix):
            abroad = phone.removeprefix(prefix)
            yield from (area for code, area in _CODES.items() if abroad.startswith(code))
    domain = row.get("email", "").rpartition(".")[2].casefold()
    if domain in _DOMAINS:
        yield domain.upper()
