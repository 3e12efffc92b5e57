"""How good a ranking is for people who can look at some orders, and how true probabilities are."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from math import sqrt
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

# The distance in standard deviations that 95 of a hundred lie within.
_Z: Final = 1.96
_BANDS: Final = 10


@dataclass(frozen=True, slots=True)
class Held:
    """What comes of holding so many orders.

    Attributes:
        held: Orders held; not always a whole number, where a draw decides among equal ones.
        caught: Harmful ones among them, as may be expected.
        harmful: Harmful ones in all.
    """

    held: float
    caught: float
    harmful: int

    @property
    def precision(self) -> float:
        """How many of those held were harmful, from 0 to 1."""
        return self.caught / self.held if self.held else 0

    @property
    def recall(self) -> float:
        """How many of the harmful ones were held, from 0 to 1."""
        return self.caught / self.harmful if self.harmful else 0


def held(ranks: Sequence[float], labels: Sequence[bool], percent: float) -> Held:
    """Hold the orders of highest rank, as many as there are people for.

    Args:
        ranks: What the orders are ranked by. Among equal ones a draw decides, and of what it would
            bring the mean is given: equal ranks tell nothing apart.
        labels: Whether each was harmful.
        percent: How many of a hundred orders are held.
    """
    room = left = len(ranks) * percent / 100
    caught = 0.0
    ordered = sorted(zip(ranks, labels, strict=True), key=lambda pair: -pair[0])
    for _, group in groupby(ordered, key=lambda pair: pair[0]):
        equal = [label for _, label in group]
        taken = min(left, len(equal))
        caught += sum(equal) * taken / len(equal)
        left -= taken
        if left <= 0:
            break
    return Held(room, caught, sum(labels))


def average_precision(ranks: Sequence[float], labels: Sequence[bool]) -> float:
    """The mean of precision over the harmful orders, from the highest rank down; 0 if none is.

    Equal ranks come in together. A ranking that tells nothing has the share of harmful orders.
    """
    harmful = sum(labels)
    seen = found = 0
    total = 0.0
    ordered = sorted(zip(ranks, labels, strict=True), key=lambda pair: -pair[0])
    for _, group in groupby(ordered, key=lambda pair: pair[0]):
        equal = [label for _, label in group]
        seen += len(equal)
        found += sum(equal)
        total += sum(equal) * found / seen
    return total / harmful if harmful else 0


def interval(part: float, whole: float) -> tuple[float, float]:
    """Between which shares the true one lies, 95 times of a hundred (Wilson's score interval)."""
    if not whole:
        return (0.0, 1.0)
    share, square = part / whole, _Z * _Z
    middle = (share + square / (2 * whole)) / (1 + square / whole)
    half = _Z / (1 + square / whole) * sqrt(share * (1 - share) / whole + square / (4 * whole**2))
    return (max(0.0, middle - half), min(1.0, middle + half))


def brier(probabilities: Sequence[float], labels: Sequence[bool]) -> float:
    """The mean square of what probabilities were wrong by; 0 is best."""
    pairs = zip(probabilities, labels, strict=True)
    return sum((probability - label) ** 2 for probability, label in pairs) / max(1, len(labels))


@dataclass(frozen=True, slots=True)
class Band:
    """Orders of about one probability: how many, what was said on average, what happened."""

    orders: int
    said: float
    happened: float


def reliability(
    probabilities: Sequence[float], labels: Sequence[bool], bands: int = _BANDS
) -> tuple[Band, ...]:
    """Compare what was said with what happened, in bands of equally many harmful orders expected.

    Harm is rare: with bands of equal width or of equally many orders nearly all would say the same.
    """
    ordered = sorted(zip(probabilities, labels, strict=True), key=lambda pair: pair[0])
    step = sum(probabilities) / bands
    found: list[Band] = []
    group: list[tuple[float, bool]] = []
    expected = 0.0
    for place, pair in enumerate(ordered):
        group.append(pair)
        expected += pair[0]
        if expected >= step * (len(found) + 1) or place == len(ordered) - 1:
            said = sum(probability for probability, _ in group) / len(group)
            found.append(Band(len(group), said, sum(label for _, label in group) / len(group)))
            group = []
    return tuple(found)


def calibration_error(bands: Sequence[Band]) -> float:
    """The mean distance of what was said from what happened, over all orders (ECE)."""
    orders = sum(band.orders for band in bands)
    return sum(band.orders * abs(band.said - band.happened) for band in bands) / max(1, orders)
