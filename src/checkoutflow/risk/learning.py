"""Learn a model from rows: a table of points, calibrated on later orders than it was learned from.

Boosted trees of scikit-learn learn it, held to one signal each: then what they say is a sum with
one term for each signal, and each term a table of points. Signals that can only speak for harm, or
only against it, are held to that; and that a signal is not known never speaks for an order.

Nothing is drawn by lot. What is later is never used for what is earlier: the oldest orders are
learned from, and those after them say when to stop, and calibrate. Of no order more is used than
was known at the moment of learning, and none is taken for harmless before it had its time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from importlib.util import find_spec
from itertools import islice, pairwise
from math import inf, isfinite
from operator import mul
from typing import TYPE_CHECKING, Final

from checkoutflow.errors import UsageError
from checkoutflow.review.score import Feature, Learned, ScoreModel
from checkoutflow.risk.rows import Row, digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

# Bands of a signal: by quantiles of all orders, and of the harmful ones, which are few and lie at
# the ends.
_QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.9, 0.97, 0.99)
_HARMFUL_QUANTILES: Final = (0.2, 0.4, 0.6, 0.8)
_FEW_VALUES: Final = 12
_ROUNDS: Final = 150
_STEP: Final = 0.1
_LEAST_IN_BAND: Final = 20
# How much of the orders, the oldest first, is learned from; the rest stops and calibrates.
_LEARNED_FROM: Final = 0.7
# With so many harmful orders to calibrate on, the curve may take any rising form; with fewer it is
# a logistic one.
_FOR_ISOTONIC: Final = 300
_LEAST_HARMFUL: Final = 10
_PERCENTS: Final = (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50)
_DECIMALS: Final = 4


@dataclass(frozen=True, slots=True)
class Study:
    """How to learn.

    Attributes:
        meanings: What signals mean, in a few words of English; the name serves where there is none.
        directions: Signals of which more can only speak for harm (1) or only against it (-1).
        left_out: Signals that are not learned from.
        settle_days: Days after which an order of which nothing was heard counts as harmless.
        seed: Of the library's dice.
    """

    meanings: Mapping[str, str]
    directions: Mapping[str, int]
    left_out: frozenset[str] = frozenset()
    settle_days: int = 60
    seed: int = 0


def require_extra() -> None:
    """Make sure that what learns is installed.

    Raises:
        UsageError: If it is not.
    """
    if find_spec("sklearn") is None:
        raise UsageError("learning a score needs scikit-learn: pip install 'checkoutflow[risk]'")


def learn(rows: Sequence[Row], at: datetime, study: Study) -> ScoreModel:
    """Learn a model, as of a moment.

    Args:
        rows: Orders. Those that had no time to settle by then are left aside.
        at: The moment: what was known later is not known.
        study: How.

    Raises:
        UsageError: If the extra is not installed, there are too few harmful orders, or they cannot
            be told from the others.
    """
    require_extra()
    settled = sorted(
        (row for row in rows if row.at <= at - timedelta(days=study.settle_days)),
        key=lambda row: row.at,
    )
    labels = [row.known(at) for row in settled]
    middle = int(len(settled) * _LEARNED_FROM)
    for part in (labels[:middle], labels[middle:]):
        if not _LEAST_HARMFUL <= sum(part) <= len(part) - _LEAST_HARMFUL:
            raise UsageError(
                f"a score needs at least {_LEAST_HARMFUL} harmful orders and as many others, both "
                f"among the first {_LEARNED_FROM:.0%} of orders that have settled and among the "
                "rest: collect more of them"
            )
    features = _bands(settled, labels, middle, study)
    base, learned = _points(features, settled, labels, middle, study)
    base, pointed, curve = _calibrated(base, learned, settled[middle:], labels[middle:])
    model = ScoreModel(
        trained_at=at,
        learned=Learned(
            digest=digest(settled),
            rows=len(settled),
            harmful=sum(labels),
            first=settled[0].at,
            last=settled[-1].at,
            settle_days=study.settle_days,
            seed=study.seed,
            made_by=f"scikit-learn {version('scikit-learn')}",
        ),
        base=base,
        features=pointed,
        curve=curve,
        cuts=_cuts([_logit(base, pointed, row) for row in settled[middle:]]),
    )
    return model.but(version=model.digest())


# Bands --------------------------------------------------------------------------------------------


def _bands(rows: Sequence[Row], labels: Sequence[bool], middle: int, study: Study) -> list[Feature]:
    """Every signal with its bands by the rows up to the middle, without points as yet.

    Only of signals that have two bands or more, of which that of no value may be one.
    """
    names = sorted({name for row in rows[:middle] for name in row.signals} - study.left_out)
    features = []
    for name in names:
        pairs = sorted(
            (float(value), label)
            for row, label in zip(rows[:middle], labels[:middle], strict=True)
            if (value := row.signals.get(name)) is not None and isfinite(value)
        )
        edges = _edges([value for value, _ in pairs], [value for value, label in pairs if label])
        plain = Feature(
            name=name,
            meaning=study.meanings.get(name, name.replace("_", " ")),
            edges=edges,
            points=(0.0,) * (len(edges) + 1),
            missing=0.0,
            seen=(0,) * (len(edges) + 2),
        )
        counts = Counter(plain.band(row.signals.get(name)) for row in rows)
        if len(counts) > 1:
            features.append(plain.but(seen=tuple(counts[band] for band in range(len(plain.seen)))))
    if not features:
        raise UsageError("no signal differs from order to order: there is nothing to learn from")
    return features


def _edges(values: Sequence[float], harmful: Sequence[float]) -> tuple[float, ...]:
    """Between which values bands end; both are sorted."""
    distinct = sorted(set(values))
    if len(distinct) <= _FEW_VALUES:
        return tuple((low + high) / 2 for low, high in pairwise(distinct))
    places = {bisect_left(distinct, _quantile(values, share)) for share in _QUANTILES}
    if harmful:
        few = {bisect_left(distinct, _quantile(harmful, share)) for share in _HARMFUL_QUANTILES}
        places |= few | {place - 1 for place in few}
    # Halfway to the next value, so that a value near an edge is on the same side everywhere.
    return tuple(
        (distinct[place] + distinct[place + 1]) / 2
        for place in sorted(places)
        if 0 <= place < len(distinct) - 1
    )


def _quantile(values: Sequence[float], share: float) -> float:
    return values[min(int(share * len(values)), len(values) - 1)]


# Points -------------------------------------------------------------------------------------------


def _points(
    features: Sequence[Feature],
    rows: Sequence[Row],
    labels: Sequence[bool],
    middle: int,
    study: Study,
) -> tuple[float, list[Feature]]:
    """Learn from the rows up to the middle, and stop where the others gain no more by it.

    Gives the logarithm of the odds of the average order, and the features with their points.
    """
    import numpy as np  # noqa: PLC0415 -- of an extra
    from sklearn.ensemble import (  # type: ignore[import-untyped]  # noqa: PLC0415 -- of an extra
        HistGradientBoostingClassifier,
    )
    from sklearn.metrics import log_loss  # type: ignore[import-untyped]  # noqa: PLC0415
    from threadpoolctl import (  # type: ignore[import-untyped]  # noqa: PLC0415 -- of an extra
        threadpool_limits,
    )

    bands = _matrix(features, rows)
    trees = HistGradientBoostingClassifier(
        learning_rate=_STEP,
        max_iter=_ROUNDS,
        max_leaf_nodes=4,
        min_samples_leaf=_LEAST_IN_BAND,
        l2_regularization=1.0,
        early_stopping=False,
        interaction_cst="no_interactions",
        monotonic_cst=[study.directions.get(feature.name, 0) for feature in features],
        random_state=study.seed,
    )
    with threadpool_limits(limits=1):  # a shop's data is small, and threads would wait for others
        trees.fit(bands[:middle], labels[:middle])
        losses = [
            log_loss(labels[middle:], chances[:, 1])
            for chances in trees.staged_predict_proba(bands[middle:])
        ]
    rounds = losses.index(min(losses))

    # What the trees say of an order of which nothing is known, and of each band of each signal
    # alone. Trees of one signal each add up, so that this is all that they can say.
    asked = [(place, band) for place, each in enumerate(features) for band in _range(each)]
    probe = np.full((len(asked) + 1, len(features)), np.nan)
    for row, (place, band) in enumerate(asked, start=1):
        probe[row, place] = band
    nothing, *alone = next(islice(trees.staged_decision_function(probe), rounds, None)).ravel()
    base, said = float(nothing), iter(float(each - nothing) for each in alone)
    pointed = []
    for feature in features:
        points = [next(said) for _ in _range(feature)]
        known = sum(feature.seen[:-1])
        missing = 0.0
        if not feature.seen[-1]:  # it was always known: of its absence the trees say nothing
            missing = sum(map(mul, feature.seen, points)) / known
        mean = (sum(map(mul, feature.seen, points)) + missing * feature.seen[-1]) / (
            known + feature.seen[-1]
        )
        base += mean
        # That something is not known never speaks for an order: whoever hides it would gain by it.
        unknown = max(missing - mean, 0.0)
        pointed.append(feature.but(points=tuple(each - mean for each in points), missing=unknown))
    return base, pointed


def _range(feature: Feature) -> range:
    return range(len(feature.points))


def _matrix(features: Sequence[Feature], rows: Sequence[Row]) -> NDArray[np.float64]:
    """The place of each order's band for each signal; not a number where it is not known."""
    import numpy as np  # noqa: PLC0415 -- of an extra

    places = np.array(
        [[each.band(row.signals.get(each.name)) for each in features] for row in rows], dtype=float
    )
    return np.where(places == [len(each.points) for each in features], np.nan, places)


# Calibration --------------------------------------------------------------------------------------


def _calibrated(
    base: float, features: Sequence[Feature], rows: Sequence[Row], labels: Sequence[bool]
) -> tuple[float, tuple[Feature, ...], tuple[tuple[float, float], ...]]:
    """Stretch and shift the points so that their odds are true, on orders not learned from."""
    import numpy as np  # noqa: PLC0415 -- of an extra
    from sklearn.linear_model import (  # type: ignore[import-untyped]  # noqa: PLC0415 -- of an extra
        LogisticRegression,
    )

    logits = [_logit(base, features, row) for row in rows]
    line = LogisticRegression(C=inf).fit(np.array(logits)[:, None], labels)
    slope, shift = float(line.coef_[0, 0]), float(line.intercept_[0])
    if slope <= 0 or len(set(logits)) == 1:
        raise UsageError("by their signals, harmful orders cannot be told from others")
    base = round(slope * base + shift, _DECIMALS)
    features = tuple(
        feature.but(
            points=tuple(round(slope * each, _DECIMALS) for each in feature.points),
            missing=round(slope * feature.missing, _DECIMALS),
        )
        for feature in features
    )
    if sum(labels) < _FOR_ISOTONIC:
        return base, features, ()
    return base, features, _curve([_logit(base, features, row) for row in rows], labels)


def _curve(logits: Sequence[float], labels: Sequence[bool]) -> tuple[tuple[float, float], ...]:
    """The rising curve that is nearest to what happened."""
    from sklearn.isotonic import (  # type: ignore[import-untyped]  # noqa: PLC0415 -- of an extra
        IsotonicRegression,
    )

    # Of no order it is certain what will become of it: as if half an order more had gone each way.
    least = 0.5 / len(labels)
    curve = IsotonicRegression(y_min=least, y_max=1 - least).fit(logits, labels)
    found = zip(curve.X_thresholds_, curve.y_thresholds_, strict=True)
    return tuple((float(logit), float(probability)) for logit, probability in found)


def _logit(base: float, features: Sequence[Feature], row: Row) -> float:
    return base + sum(feature.worth(row.signals.get(feature.name)) for feature in features)


def _cuts(logits: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """For each of some shares of orders, above what so many of these lie, or fewer."""
    falling = sorted(logits, reverse=True)
    return tuple((percent, falling[int(len(falling) * percent / 100)]) for percent in _PERCENTS)
