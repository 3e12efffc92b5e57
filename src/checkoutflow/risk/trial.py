"""A trial: learn as of moments of the past, and measure each model on orders that came after it.

So it was in life: at each moment only what was known then is used, orders that had no time to
settle are left aside, and what is measured is later than all of it. No order is ever drawn by lot.
The figures are those of the way of learning; the model that is kept has learned from more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from checkoutflow.errors import UsageError
from checkoutflow.risk.learning import learn
from checkoutflow.risk.measures import (
    Band,
    Held,
    average_precision,
    brier,
    calibration_error,
    held,
    reliability,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from checkoutflow.review.score import ScoreModel
    from checkoutflow.risk.learning import Study
    from checkoutflow.risk.rows import Row

# How much of the time is measured on, at the end of it.
_MEASURED: Final = 0.4
_TIMES: Final = 3
# A rule that holds by itself goes before all weights.
_HOLDS: Final = 1_000_000
CAPACITIES: Final = (0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20)


@dataclass(frozen=True, slots=True)
class Ranking:
    """How good one way of ranking is.

    Attributes:
        at_capacity: Holding as many as people can look at.
        average_precision: Over all capacities.
        by_capacity: How much of the harmful ones is held, for each of `CAPACITIES`.
    """

    at_capacity: Held
    average_precision: float
    by_capacity: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """What was measured on orders that no model had seen.

    Attributes:
        moments: As of which moments models were learned.
        until: When the last order measured on was placed.
        percent: How many of a hundred orders people can look at.
        orders: Orders measured on.
        harmful: How many of them did harm.
        score: Ranked by the score.
        rules: Ranked by the rules alone; None where it is not known what they came to.
        constant: Ranked by nothing: whoever is looked at is drawn by lot.
        cut: Held at the model's own cut, which was set before.
        rules_hold: Held by the rules as they are; None where it is not known.
        brier: Of the score's probabilities, and of a constant one.
        calibration_error: Of the score's probabilities.
        reliability: What was said and what happened.
    """

    moments: tuple[datetime, ...]
    until: datetime
    percent: float
    orders: int
    harmful: int
    score: Ranking
    rules: Ranking | None
    constant: Ranking
    cut: Held
    rules_hold: Held | None
    brier: tuple[float, float]
    calibration_error: float
    reliability: tuple[Band, ...]


@dataclass(slots=True)
class _Measured:
    """Orders measured on, one entry for each."""

    rows: list[Row]
    labels: list[bool]
    logits: list[float]
    probabilities: list[float]
    constants: list[float]
    is_held: list[bool]

    def add(
        self, model: ScoreModel, rows: Sequence[Row], percent: float, known: Callable[[Row], bool]
    ) -> None:
        cut, share = model.cut(percent), model.learned.harmful / model.learned.rows
        for row in rows:
            score = model.score(row.signals)
            self.rows.append(row)
            self.labels.append(known(row))
            self.logits.append(score.logit)
            self.probabilities.append(score.probability)
            self.constants.append(share)
            self.is_held.append(score.logit > cut)

    def ranked(self, ranks: Sequence[float], percent: float) -> Ranking:
        return Ranking(
            held(ranks, self.labels, percent),
            average_precision(ranks, self.labels),
            tuple(held(ranks, self.labels, each).recall for each in CAPACITIES),
        )

    def held(self, is_held: Sequence[bool]) -> Held:
        caught = sum(a and b for a, b in zip(is_held, self.labels, strict=True))
        return Held(sum(is_held), caught, sum(self.labels))

    def trial(self, moments: Sequence[datetime], percent: float) -> Trial:
        weights = [row.weight for row in self.rows]
        rules: list[float] | None = None
        if None not in weights:
            rules = [(row.weight or 0) + _HOLDS * row.is_held for row in self.rows]
        bands = reliability(self.probabilities, self.labels)
        return Trial(
            moments=tuple(moments),
            until=self.rows[-1].at,
            percent=percent,
            orders=len(self.rows),
            harmful=sum(self.labels),
            score=self.ranked(self.logits, percent),
            rules=self.ranked(rules, percent) if rules else None,
            constant=self.ranked([0.0] * len(self.rows), percent),
            cut=self.held(self.is_held),
            rules_hold=self.held([row.is_held for row in self.rows]) if rules else None,
            brier=(brier(self.probabilities, self.labels), brier(self.constants, self.labels)),
            calibration_error=calibration_error(bands),
            reliability=bands,
        )


def rehearse(
    rows: Sequence[Row], at: datetime, study: Study, *, percent: float, times: int = _TIMES
) -> Trial:
    """Measure how well models would have done that were learned earlier.

    Args:
        rows: Orders.
        at: Now. Orders that had no time to settle until now are not measured on.
        study: How models are learned.
        percent: How many of a hundred orders people can look at.
        times: How many models are learned, each measured until the next one is.

    Raises:
        UsageError: If there are too few orders for it.
    """
    settled = sorted(
        (row for row in rows if row.at <= at - timedelta(days=study.settle_days)),
        key=lambda row: row.at,
    )
    measured = _Measured([], [], [], [], [], [])
    moments: list[datetime] = []
    problems: list[str] = []
    for moment, end in pairwise(_moments(settled, times)):
        try:
            model = learn(rows, moment, study)
        except UsageError as error:  # too early; perhaps not for the next
            problems.append(str(error))
            continue
        moments.append(moment)
        later = [row for row in settled if moment <= row.at < end]
        measured.add(model, later, percent, lambda row: row.known(at))
    if not moments:
        raise UsageError(f"there is too little to measure on as well: {problems[-1]}")
    return measured.trial(moments, percent)


def measure(model: ScoreModel, rows: Sequence[Row], at: datetime, *, percent: float) -> Trial:
    """Measure a model on orders that came after it was made.

    Args:
        model: The model.
        rows: Orders, of any time.
        at: Now.
        percent: How many of a hundred orders people can look at.

    Raises:
        UsageError: If none of them came after it, and has had its time to settle.
    """
    until = at - timedelta(days=model.learned.settle_days)
    later = sorted(
        (row for row in rows if model.trained_at <= row.at <= until), key=lambda row: row.at
    )
    if not later:
        raise UsageError(
            f"no order was placed after the model was made on {model.trained_at:%Y-%m-%d}, and "
            f"{model.learned.settle_days} days ago or earlier, so that it has settled"
        )
    measured = _Measured([], [], [], [], [], [])
    measured.add(model, later, percent, lambda row: row.known(at))
    return measured.trial([model.trained_at], percent)


def _moments(settled: Sequence[Row], times: int) -> list[datetime]:
    """When models are learned, and the end after the last order."""
    if not settled:
        raise UsageError("no order has had its time to settle yet")
    first, last = settled[0].at, settled[-1].at
    start = last - (last - first) * _MEASURED
    return [start + (last - start) * turn / times for turn in range(times)] + [
        last + timedelta(seconds=1)
    ]
