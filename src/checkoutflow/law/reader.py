"""The reader of the tables: what the law of a market says on a day."""

from __future__ import annotations

import re
from datetime import UTC
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, TypeVar, cast

from checkoutflow.errors import UnknownRule
from checkoutflow.law.clock import local_day
from checkoutflow.law.retention import Record, RetentionRule, financial_year_end
from checkoutflow.law.rows import Rows
from checkoutflow.law.rules import EVERYWHERE, Market, Rule, VatRate
from checkoutflow.law.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

R = TypeVar("R", bound=Rule)

STANDARD: Final = "standard"

# Answers kept for the next time. A shop asks for a few kinds in a few markets on one or two days.
_MOST_KEPT: Final = 1_000

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
        kinds = {type(rule) for rule in (*library, *shop)}
        self._tables = {kind: Table(_only(kind, library), _only(kind, shop)) for kind in kinds}
        self._found: dict[tuple[type[Rule], str, date], tuple[Rule, ...]] = {}
        self._vat = self._table(VatRate)
        self._markets = self._table(Market)
        self._parts: dict[str, list[str]] = {}
        for row in self._markets.rows():
            parts = self._parts.setdefault(row.parent or "", [])
            if row.market not in parts:
                parts.append(row.market)

    def _table(self, kind: type[R]) -> Table[R]:
        # A table is stored under the kind of its rows.
        return cast("Table[R]", self._tables.get(kind) or Table[R]([]))

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

    def rules_of(self, kind: type[R], market: str, on: date) -> tuple[R, ...]:
        """Every rule of a kind that holds in a market on a day, in the order of the tables.

        Where a part of a country goes by another market's law on payment and credit, the answer is
        that market's. Rules for every market are asked for with `EVERYWHERE`.

        Args:
            kind: The class of the rules, such as ``FeeRule``.
            market: Country or territory code.
            on: The date that the law goes by, usually that of the contract.
        """
        key = (kind, market, on)
        if key not in self._found:
            if len(self._found) >= _MOST_KEPT:
                self._found.clear()
            place = self._markets.at(market, "", on)
            area = place.law_as if place is not None and place.law_as else market
            self._found[key] = tuple(self._table(kind).all_at(area, on))
        # What was found for a kind is of that kind.
        return cast("tuple[R, ...]", self._found[key])

    def rule_of(self, kind: type[R], market: str, on: date) -> R:
        """The one rule of a kind in a market, else the one for every market.

        Raises:
            UnknownRule: If there is neither.
        """
        for area in (market, EVERYWHERE):
            for rule in self.rules_of(kind, area, on):
                return rule
        raise UnknownRule(
            f"no {kind.__name__} for {market} on {on}; add a row with `overridden_by`"
        )

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

    def retention(self, market: str, record: Record, on: date) -> RetentionRule:
        """How long something is kept; where the market's law is not known, as everywhere.

        Law that does not tell goods meant to last apart has one time for every order.

        Raises:
            UnknownRule: If there is no rule on that day.
        """
        for area in (market, EVERYWHERE):
            rules = self.rules_of(RetentionRule, area, on)
            found = {name: rule for rule in rules for name in rule.records}
            if record == "durable_order" and "order" in found:
                return found.get(record, found["order"])
            if record in found:
                return found[record]
        raise UnknownRule(
            f"nothing says how long {record} is kept in {market} on {on}; "
            "add a row with `overridden_by`"
        )

    def books_until(self, market: str, on: date, *, year_ends: int = 12) -> date:
        """The last day on which the vouchers of a sale must be kept.

        Args:
            market: The country in which the shop keeps its books.
            on: Day of the sale.
            year_ends: The month with which the shop's financial years end.

        Raises:
            UnknownRule: If there is no rule on that day.

        Source: rows of ``tables/retention.toml``, each with its own.
        """
        return self.retention(market, "voucher", on).until(financial_year_end(on, year_ends))

    def contact_until(self, market: str, on: date, *, durable: bool = False) -> date:
        """The last day on which the customer of an order may complain, and so has to be known.

        Args:
            market: The customer's country.
            on: When the goods came.
            durable: Whether some of them are meant to last considerably longer than two years.

        Raises:
            UnknownRule: If there is no rule on that day.

        Source: rows of ``tables/retention.toml``, each with its own.
        """
        record: Record = "durable_order" if durable else "order"
        return self.retention(market, record, on).until(on)

    def market(self, code: str, on: date) -> Market:
        """Currency, languages and, for a part of a country, where it belongs.

        Raises:
            UnknownRule: If the market is not known on that date.
        """
        market = self._markets.at(code, "", on)
        if market is None:
            raise UnknownRule(f"no market {code} on {on}; add a row with `overridden_by`")
        return market

    def day(self, market: str, at: datetime) -> date:
        """The date in a market at a moment; in UTC where the market is not known."""
        place = self._markets.at(market, "", at.astimezone(UTC).date())
        if place is None:
            return at.astimezone(UTC).date()
        return local_day(at, utc_offset_h=place.utc_offset_h, summer_time=place.summer_time)

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
    return Law([row for rows in files_of_rows for row in rows.rules()])


def _only(kind: type[R], rows: Iterable[Rule]) -> list[R]:
    return [row for row in rows if isinstance(row, kind)]
