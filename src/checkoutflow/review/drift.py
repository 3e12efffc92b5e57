"""Whether orders still look like those that a model learned from.

For each signal the orders of a model's bands are compared with recent ones by the population
stability index: the sum over bands of (now - then) x log(now / then), of shares. By a rule of thumb
of credit scoring a signal has moved from 0.25 on. One season moves some signals every year (gifts
go to other addresses), so what counts for a model is how much of its weight lies in signals that
have moved.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from checkoutflow.review.score import ScoreModel, Value

MOVED: Final = 0.25
# Among fewer orders chance alone moves much.
FEWEST: Final = 300


@dataclass(frozen=True, slots=True)
class Drift:
    """How far recent orders are from those that a model learned from.

    Attributes:
        orders: How many recent ones were compared.
        signals: The index of each signal.
        moved: How much of the model's weight lies in signals that have moved, from 0 to 1; 0 where
            there are too few orders to say.
    """

    orders: int
    signals: Mapping[str, float]
    moved: float


def drift(model: ScoreModel, recent: Iterable[Mapping[str, Value]]) -> Drift:
    """Compare recent orders with those that a model learned from.

    Args:
        model: The model.
        recent: Signals of recent orders, held and not held alike.
    """
    counts = [Counter[int]() for _ in model.features]
    orders = 0
    for signals in recent:
        orders += 1
        for feature, count in zip(model.features, counts, strict=True):
            count[feature.band(signals.get(feature.name))] += 1
    pairs = list(zip(model.features, counts, strict=True))
    indices = {
        feature.name: stability_index(
            feature.seen, [count[band] for band in range(len(feature.seen))]
        )
        for feature, count in pairs
    }
    weight = sum(feature.weight for feature in model.features)
    moved = sum(each.weight for each in model.features if indices[each.name] > MOVED)
    return Drift(orders, indices, moved / weight if weight and orders >= FEWEST else 0)


def stability_index(then: Sequence[int], now: Sequence[int]) -> float:
    """The population stability index of two lists of counts; 0 where they have equal shares.

    Half an order is added to each count, so that a band that was empty is no infinite surprise.
    """
    bands = len(then)
    all_then, all_now = sum(then) + bands / 2, sum(now) + bands / 2
    shares = (((a + 0.5) / all_then, (b + 0.5) / all_now) for a, b in zip(then, now, strict=True))
    return sum((b - a) * log(b / a) for a, b in shares)
