"""Comparing a small base in memory, with rapidfuzz."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from checkoutflow.quality.definitions import (
    BLOCKS,
    COMPARISONS,
    FILLERS,
    bits_of,
    counted,
    levels_of,
    prior_bits,
)
from checkoutflow.quality.verdict import PERHAPS_BITS, Pair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from checkoutflow.quality.rows import Form


class SmallBase:
    """A base that fits into memory many times over."""

    def __init__(self) -> None:
        """Start empty."""
        self._forms: list[Form] = []

    def close(self) -> None:
        """Forget everything."""
        self._forms.clear()

    def add(self, form: Form) -> None:
        """Take in a row."""
        self._forms.append(form)

    def pairs(self, tick: Callable[[int, int], None]) -> Iterator[Pair]:
        """Give every pair that may be one person or of one household.

        Args:
            tick: Is told how many rows of how many have been compared with the others.
        """
        forms = _without_fillers(self._forms)
        comparisons = counted(COMPARISONS, forms)
        prior = prior_bits(len(forms))
        blocks = _blocks(forms)
        for place, left in enumerate(forms):
            if not place % 200:
                tick(place, len(forms))
            partners = {other for key in _keys(left) for other in blocks[key] if other > place}
            for other in sorted(partners):
                right = forms[other]
                levels = levels_of(comparisons, left, right)
                bits = prior + bits_of(levels)
                if bits >= PERHAPS_BITS:
                    yield Pair(left.row, right.row, bits, levels)
        tick(len(forms), len(forms))


def _without_fillers(forms: list[Form]) -> list[Form]:
    for filler in FILLERS:
        most = filler.most(len(forms))
        values = [_values(form, filler.columns) for form in forms]
        counts = Counter(values)
        nothing: dict[str, Any] = dict.fromkeys(filler.columns, "")
        forms = [
            form._replace(**nothing) if all(key) and counts[key] > most else form
            for form, key in zip(forms, values, strict=True)
        ]
    return forms


_Key = tuple[int, tuple[str, ...]]


def _blocks(forms: list[Form]) -> dict[_Key, list[int]]:
    blocks: dict[_Key, list[int]] = defaultdict(list)
    for place, form in enumerate(forms):
        for key in _keys(form):
            blocks[key].append(place)
    return blocks


def _keys(form: Form) -> Iterator[_Key]:
    for number, columns in enumerate(BLOCKS):
        values = _values(form, columns)
        if all(values):
            yield number, values


def _values(form: Form, columns: Iterable[str]) -> tuple[str, ...]:
    return tuple(getattr(form, column) for column in columns)
