"""The reader of the tables: what the law of a market says on a day."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, TypeVar

from checkoutflow.errors import UnknownRule
from checkoutflow.law.rules import Market, Rows, Rule, VatRate
from checkoutflow.law.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

R = TypeVar("R", bound=Rule)

STANDARD: Final = "standard"

# An optional country prefix (SE-, N-, FIN-) before three to five digits, perhaps with a space.
_POSTAL_CODE: Final = re.compile(r"(?:[A-Z]{1,3}[- ]?)?([0-9]{3}) ?([0-9]{0,2})")


class Law:
    """Dated country rules, those of a shop before those of the library.

    Get one from `Law.load`. Ask with the date that the law goes by: for VAT the date of supply, and
    for money received beforehand the date it was received.
    """

    def __init__(self, library: Sequence[Rule], shop: Sequence[Rule] = ()) -> None:
        """Put rows in tables; `Law.load` and `Law.overridden_by` are the usual ways."""
        self._library = library
        self._vat = Table(_only(VatRate, library), _only(VatRate, shop))
        self._markets = Table(_only(Market, library), _only(Market, shop))
        self._parts: dict[str, list[str]] = {}
        for row in self._markets.rows():
            parts = self._parts.setdefault(row.parent or "", [])
            if row.market not in parts:
                parts.append(row.market)

    @staticmethod
    def load() -> Law:
        """The library's own tables, read from its data files the first time."""
        return _library()

    def overridden_by(self, rows: Sequence[Rule]) -> Law:
        """The law with a shop's own rows, of any kind, going first on the days they hold.

        Each answer names its ``origin``, and in ``replaces`` what the shop's row stands in for.

        Raises:
            InvalidInput: If two of the rows say something about the same thing on one day.
        """
        return Law(self._library, rows)

    def vat_rate(self, market: str, category: str, on: date) -> VatRate:
        """The VAT rate for a category of goods on the date of supply.

        A category without a rate of its own has the market's standard rate; the answer then says
        so in ``is_fallback``.

        Raises:
            UnknownRule: If there is no standard rate for that market and date either.

        Source: rows of ``tables/vat.toml``, each with its own.
        """
        rate = self._vat.at(market, category, on)
        if rate is not None:
            return rate
        place = self._markets.at(market, "", on)
        areas = (market, place.vat_as) if place is not None and place.vat_as else (market,)
        for word in (category, STANDARD):
            for area in areas:
                rate = self._vat.at(area, word, on)
                if rate is not None:
                    return rate.asked_for(market, category)
        raise UnknownRule(f"no VAT rate for {market} on {on}; add a row with `overridden_by`")

    def market(self, code: str, on: date) -> Market:
        """Currency, languages and, for a part of a country, where it belongs.

        Raises:
            UnknownRule: If the market is not known on that date.
        """
        market = self._markets.at(code, "", on)
        if market is None:
            raise UnknownRule(f"no market {code} on {on}; add a row with `overridden_by`")
        return market

    def markets(self, on: date) -> tuple[Market, ...]:
        """Every market of that date: countries first, then their parts."""
        codes = [*self._parts.get("", ()), *(c for p, cs in self._parts.items() if p for c in cs)]
        return tuple(m for code in codes if (m := self._markets.at(code, "", on)) is not None)

    def territory(self, market: str, postal_code: str, on: date) -> Market | None:
        """The part of a country behind a tax border in which a postal code lies.

        Args:
            market: The country the address names.
            postal_code: As customers write it, with or without a country prefix.
            on: Date of supply.

        Returns:
            That part, a market of its own; None where the country's own rules apply.
        """
        match = _POSTAL_CODE.fullmatch(postal_code.strip().upper())
        if match is None:
            return None
        digits = match.group(1) + match.group(2)
        for code in self._parts.get(market, ()):
            part = self._markets.at(code, "", on)
            if part is not None and part.has_postal_code(digits):
                return part
        return None


@cache
def _library() -> Law:
    import tomllib  # noqa: PLC0415 - only whoever asks for the law pays for reading it

    tables = sorted((files("checkoutflow.law") / "tables").iterdir(), key=lambda file: file.name)
    texts = [file.read_text("utf-8") for file in tables if file.name.endswith(".toml")]
    files_of_rows = [Rows.read(tomllib.loads(text)) for text in texts]
    return Law([row for rows in files_of_rows for row in (*rows.vat, *rows.market)])


def _only(kind: type[R], rows: Iterable[Rule]) -> list[R]:
    return [row for row in rows if isinstance(row, kind)]
