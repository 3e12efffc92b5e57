"""Dated rules of one kind, found by market, key and day."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Generic, TypeVar

from checkoutflow.errors import InvalidInput
from checkoutflow.law.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

R = TypeVar("R", bound=Rule)


class Table(Generic[R]):
    """Rows of the library, and rows of the shop that go before them while they hold.

    Raises:
        InvalidInput: If two rows of one author say something about the same thing on one day.
    """

    def __init__(self, library: Iterable[R], shop: Iterable[R] = ()) -> None:
        """Sort the rows by what they are about. Law is read far more often than it is made."""
        self._spans = _by_key(library)
        for key, own in _by_key(_marked(shop)).items():
            given = self._spans.get(key, [])
            self._spans[key] = [*_replacing(own, given), *own, *given]

    def at(self, market: str, key: str, on: date) -> R | None:
        """The rule that holds on a day, or None."""
        for first, last, rule in self._spans.get((market, key), ()):
            if first <= on <= last:
                return rule
        return None

    def all_at(self, market: str, on: date) -> list[R]:
        """Every rule that holds in a market on a day, each once."""
        found: dict[int, R] = {}
        for where, key in self._spans:
            if where == market and (rule := self.at(market, key, on)) is not None:
                found.setdefault(id(rule), rule)
        return list(found.values())

    def rows(self) -> list[R]:
        """Every row, the shop's before the library's; each once for each key."""
        return [rule for spans in self._spans.values() for _, _, rule in spans]


Span = tuple[date, date, R]


def _by_key(rows: Iterable[R]) -> dict[tuple[str, str], list[Span[R]]]:
    spans: dict[tuple[str, str], list[Span[R]]] = {}
    for rule in rows:
        for key in rule.keys:
            found = spans.setdefault((rule.market, key), [])
            first, last = rule.valid_from, rule.valid_to or date.max
            if any(
                first <= other_last and other_first <= last for other_first, other_last, _ in found
            ):
                about = f"{rule.market} {key}".rstrip()
                raise InvalidInput(f"two rows rule {about} from {first} on", field="law")
            found.append((first, last, rule))
    return spans


def _marked(rows: Iterable[R]) -> Iterable[R]:
    for rule in rows:
        copy = rule.model_copy()
        copy._origin = "shop"  # noqa: SLF001 - the tables fill in what a row's author must not
        yield copy


def _replacing(own: Iterable[Span[R]], given: Iterable[Span[R]]) -> Iterable[Span[R]]:
    """The shop's rows once more for the days on which they stand in for a row of the library."""
    given = list(given)
    for first, last, rule in own:
        for other_first, other_last, other in given:
            if first <= other_last and other_first <= last:
                copy = rule.model_copy()
                copy._replaces = other  # noqa: SLF001 - as above
                yield max(first, other_first), min(last, other_last), copy
