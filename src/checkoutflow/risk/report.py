"""The figures of a trial as plain data and as rows of a table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.risk.measures import interval
from checkoutflow.risk.trial import CAPACITIES

if TYPE_CHECKING:
    from checkoutflow.review.score import ScoreModel
    from checkoutflow.risk.measures import Held
    from checkoutflow.risk.trial import Ranking, Trial

_DIGITS: Final = 4


def document(trial: Trial) -> dict[str, Any]:
    """A trial as plain data: shares from 0 to 1, and where they lie 95 times of a hundred."""
    brier, constant = trial.brier
    return {
        "learned_as_of": [moment.isoformat() for moment in trial.moments],
        "measured_until": trial.until.isoformat(),
        "capacity_percent": trial.percent,
        "orders": trial.orders,
        "harmful": trial.harmful,
        "at_capacity": {
            name: _held(ranking.at_capacity)
            | {"average_precision": _short(ranking.average_precision)}
            for name, ranking in rankings(trial).items()
        },
        "as_set_before": {
            name: _held(held)
            for name, held in (("score", trial.cut), ("rules", trial.rules_hold))
            if held is not None
        },
        "recall_by_capacity": {
            "capacity_percent": list(CAPACITIES),
            **{
                name: [_short(share) for share in ranking.by_capacity]
                for name, ranking in rankings(trial).items()
            },
        },
        "calibration": {
            "brier": _short(brier, 6),
            "brier_of_constant": _short(constant, 6),
            "expected_calibration_error": _short(trial.calibration_error, 6),
            "reliability": [
                {
                    "orders": band.orders,
                    "said": _short(band.said),
                    "happened": _short(band.happened),
                    "between": _between(band.happened * band.orders, band.orders),
                }
                for band in trial.reliability
            ],
        },
    }


def text(data: object) -> str:
    """Plain data as JSON."""
    return json.dumps(data, indent=1) + "\n"


def rankings(trial: Trial) -> dict[str, Ranking]:
    """The ways of ranking that were measured, by name, the score first."""
    found = {"score": trial.score, "rules": trial.rules, "constant": trial.constant}
    return {name: ranking for name, ranking in found.items() if ranking is not None}


def table(trial: Trial) -> list[tuple[str, ...]]:
    """A trial as rows of cells; the first is the head."""
    rows: list[tuple[str, ...]] = [("", "held", "harmful", "precision", "", "recall", "")]
    rows += [(name, *_cells(ranking.at_capacity)) for name, ranking in rankings(trial).items()]
    rows.append(("score, at its cut", *_cells(trial.cut)))
    if trial.rules_hold is not None:
        rows.append(("rules, as they are", *_cells(trial.rules_hold)))
    return rows


def features(model: ScoreModel) -> list[tuple[str, str, str]]:
    """The signals of a model, the weightiest first: name, weight, and how far its points go."""
    return [
        (
            each.name,
            f"{each.weight:.2f}",
            f"{min(*each.points, each.missing):+.1f} to {max(*each.points, each.missing):+.1f}",
        )
        for each in sorted(model.features, key=lambda each: -each.weight)
    ]


def percent(share: float) -> str:
    """A share as a percentage with a decimal."""
    return f"{100 * share:.1f} %"


def _cells(held: Held) -> tuple[str, ...]:
    return (
        f"{held.held:.0f}",
        f"{held.caught:.1f}".removesuffix(".0"),
        percent(held.precision),
        _range(held.caught, held.held),
        percent(held.recall),
        _range(held.caught, held.harmful),
    )


def _range(part: float, whole: float) -> str:
    low, high = interval(part, whole)
    return f"({100 * low:.0f}–{100 * high:.0f})"  # noqa: RUF001 -- a range


def _held(held: Held) -> dict[str, Any]:
    return {
        "held": _short(held.held),
        "harmful": _short(held.caught),
        "precision": _short(held.precision),
        "precision_between": _between(held.caught, held.held),
        "recall": _short(held.recall),
        "recall_between": _between(held.caught, held.harmful),
    }


def _between(part: float, whole: float) -> list[float]:
    return [_short(end) for end in interval(part, whole)]


def _short(number: float, digits: int = _DIGITS) -> float:
    return round(number, digits)
