"""The learned score: how likely an order is to do harm, in points that add up, with reasons.

A model is a table of points. Each signal has bands, each band has points, and the points of an
order's bands add up to the logarithm of the odds of harm. So a score is explained by what it is
made of and by nothing else, and working one out is a few look-ups. `checkoutflow.risk` makes models
from a shop's own orders; here they are read and used, without any library.

A score can hold an order for a person, and that is all: there is no way to say through it that an
order is refused (article 22 GDPR). Where there is no model that can be relied on, the rules decide
alone, and `Opinion.standing` says why.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from itertools import pairwise
from math import exp, inf, isfinite
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, Self

from pydantic import AwareDatetime, Field, FiniteFloat, JsonValue, model_validator

from checkoutflow.errors import InvalidInput
from checkoutflow.model import Frozen, from_json, wrong
from checkoutflow.texts import locale_of, mark, translate

if TYPE_CHECKING:
    from datetime import datetime

# A signal as it comes; None or nothing at all where it is not known.
Value = bool | int | float | None

_Digest = Field(pattern="^[0-9a-f]{64}$")


class Feature(Frozen):
    """What one signal is worth.

    Attributes:
        name: The signal's.
        meaning: In a few words, in English.
        edges: Where one band ends and the next begins, rising; a value on an edge is below it.
        points: What each band adds to the logarithm of the odds; the average order of which it is
            known, or whose lack of it speaks for harm, has none.
        missing: What is added where the signal is not known; never below zero as
            `checkoutflow.risk` learns it.
        seen: Orders in each band among those learned from, and last those without the signal.
    """

    name: str = Field(min_length=1, max_length=100)
    meaning: str = Field(min_length=1, max_length=200)
    edges: tuple[FiniteFloat, ...] = Field(max_length=100)
    points: tuple[FiniteFloat, ...]
    missing: FiniteFloat
    seen: tuple[int, ...]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if any(low >= high for low, high in pairwise(self.edges)):
            raise wrong("rises from each to the next", "edges")
        if len(self.points) != len(self.edges) + 1:
            raise wrong("has one more than edges", "points")
        if len(self.seen) != len(self.points) + 1 or min(self.seen) < 0:
            raise wrong("has one for each band and one for none, and none below zero", "seen")
        return self

    def band(self, value: Value) -> int:
        """The place of a value's band; that after the last where it is not known."""
        if not isinstance(value, int | float) or not isfinite(value):
            return len(self.points)
        return bisect_left(self.edges, value)

    def worth(self, value: Value) -> float:
        """The points of a value."""
        band = self.band(value)
        return self.points[band] if band < len(self.points) else self.missing

    @property
    def weight(self) -> float:
        """How much it tells orders apart: how far from none its points are on average."""
        each = zip(self.seen, (*self.points, self.missing), strict=True)
        return sum(count * abs(points) for count, points in each) / max(1, sum(self.seen))


class Learned(Frozen):
    """What a model was learned from.

    Attributes:
        digest: SHA-256 of its rows, as `checkoutflow.risk` reckons it.
        rows: How many orders.
        harmful: How many of them did harm, as far as was known.
        first: When the first of them was placed.
        last: When the last was.
        settle_days: Days after which an order of which nothing was heard counted as harmless.
        seed: What its dice began with.
        made_by: Names and versions of the libraries.
    """

    digest: str = _Digest
    rows: int = Field(gt=0)
    harmful: int = Field(ge=0)
    first: AwareDatetime
    last: AwareDatetime
    settle_days: int = Field(ge=0)
    seed: int
    made_by: str


class ScoreModel(Frozen):
    """A model, as it stands in its file.

    Attributes:
        format: What kind of file it is.
        version: A digest of all that decides a score. Equal versions give equal scores.
        trained_at: When it was made.
        learned: What from.
        base: The logarithm of the odds of the average order.
        features: What each signal is worth.
        curve: Logarithms of odds, rising, each with its probability, and straight lines between
            them; where there is none, the probability is what the logarithm says.
        cuts: Per cents of orders, rising, each with what as many of the orders on which the model
            was set lay above, as a logarithm of odds.
        figures: What was measured when it was made, on orders that it had not seen.
    """

    format: Literal["checkoutflow.score/1"] = "checkoutflow.score/1"
    version: str = ""
    trained_at: AwareDatetime
    learned: Learned
    base: FiniteFloat
    features: tuple[Feature, ...] = Field(min_length=1, max_length=200)
    curve: tuple[tuple[FiniteFloat, FiniteFloat], ...] = ()
    cuts: tuple[tuple[FiniteFloat, FiniteFloat], ...] = Field(min_length=1)
    figures: Mapping[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len({feature.name for feature in self.features}) < len(self.features):
            raise wrong("has a signal twice", "features")
        for (low, below), (high, above) in pairwise(self.curve):
            if low >= high or below > above:
                raise wrong("rises", "curve")
        if not all(0 < probability < 1 for _, probability in self.curve):
            raise wrong("lies between 0 and 1", "curve")
        for (few, high), (many, low) in pairwise(self.cuts):
            if few >= many or high < low:
                raise wrong("rises in per cent and falls in odds", "cuts")
        if self.version and self.version != self.digest():
            raise wrong("does not fit the rest: the file was changed after it was made", "version")
        return self

    def digest(self) -> str:
        """The version that fits what is in the model."""
        decides = {"base", "features", "curve", "cuts"}
        data = self.model_dump(mode="json", include=decides) | {"learned": self.learned.digest}
        text = json.dumps(data, sort_keys=True, separators=(",", ":"))
        return sha256(text.encode()).hexdigest()[:16]

    def probability(self, logit: float) -> float:
        """The calibrated probability of harm at a logarithm of odds."""
        if not self.curve:
            return 1 / (1 + exp(-logit)) if logit > 0 else exp(logit) / (1 + exp(logit))
        place = bisect_left(self.curve, logit, key=lambda point: point[0])
        if place in {0, len(self.curve)}:
            return self.curve[min(place, len(self.curve) - 1)][1]
        (low, below), (high, above) = self.curve[place - 1 : place + 1]
        # Rounded, the line may end a hair above the point that it leads to.
        return min(above, below + (above - below) * (logit - low) / (high - low))

    def cut(self, percent: float) -> float:
        """Above which logarithm of odds to hold, where a person can look at so many per cent.

        Of the cuts that it has, the one for no more than that; nothing lies above if there is none.
        """
        return next((cut for share, cut in reversed(self.cuts) if share <= percent), inf)

    def score(self, signals: Mapping[str, Value]) -> Score:
        """Score an order by its signals.

        Signals that the model does not know add nothing, and those that the order does not have
        add what their absence is worth.
        """
        parts = tuple(
            Part(each.name, each.meaning, value := signals.get(each.name), each.worth(value))
            for each in self.features
        )
        logit = self.base + sum(part.points for part in parts)
        return Score(self.version, self.probability(logit), self.base, parts)


def read_model(text: str | bytes) -> ScoreModel:
    """Read a model from its file.

    Raises:
        InvalidInput: If it is none, or was changed after it was made.
    """
    try:
        data = from_json(text)
    except ValueError:
        raise InvalidInput("is not JSON", field="model") from None
    model = ScoreModel.read(data, at="model")
    if not model.version:
        raise InvalidInput("is needed", field="model.version")
    return model


# Translators: what speaks for a look at an order by a person. {signal} is what was noticed, such as
# "pieces in all", and {value} a number, yes or no. {times} is a number such as 3.2.
_MORE: Final = mark("{signal}: {value}. It multiplies the odds of harm by {times}.")
_LESS: Final = mark("{signal}: {value}. It divides the odds of harm by {times}.")
_YES: Final = mark("Yes")
_NO: Final = mark("No")
# Translators: what is not known, of an order.
_UNKNOWN: Final = mark("not known")


@dataclass(frozen=True, slots=True)
class Part:
    """What one signal adds to a score: its name, its meaning, its value, and its points."""

    name: str
    meaning: str
    value: Value
    points: float

    def text(self, locale: str) -> str:
        """The same in words, for a reviewer."""
        from babel.numbers import format_decimal  # noqa: PLC0415 -- heavy

        match self.value:
            case bool():
                value = translate(_YES if self.value else _NO, locale)
            case int() | float() if isfinite(self.value):
                value = format_decimal(round(self.value, 2), locale=locale_of(locale))
            case _:
                value = translate(_UNKNOWN, locale)
        times = format_decimal(exp(abs(self.points)), "0.0", locale=locale_of(locale))
        signal = translate(self.meaning, locale)
        return translate(_MORE if self.points > 0 else _LESS, locale).format(
            signal=signal[:1].upper() + signal[1:], value=value, times=times
        )


# Less than this moves the odds by less than a tenth, and is no reason.
_NOTABLE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Score:
    """An order's score.

    Attributes:
        version: The model's.
        probability: Of harm, calibrated; from 0 to 1.
        base: The logarithm of the odds of the average order.
        parts: What each signal adds to it. Nothing else does.
    """

    version: str
    probability: float
    base: float
    parts: tuple[Part, ...]

    @property
    def logit(self) -> float:
        """The logarithm of the odds that the points add up to."""
        return self.base + sum(part.points for part in self.parts)

    def strongest(self, most: int = 4) -> tuple[Part, ...]:
        """The signals that speak most for harm, the strongest first."""
        up = (part for part in self.parts if part.points >= _NOTABLE)
        return tuple(sorted(up, key=lambda part: (-part.points, part.name))[:most])

    def reasons(self, locale: str, most: int = 4) -> tuple[str, ...]:
        """The strongest signals in words."""
        return tuple(part.text(locale) for part in self.strongest(most))


class ScoreSettings(Frozen):
    """How a shop uses its model.

    Attributes:
        capacity_percent: How many of a hundred orders its people can look at.
        max_age_days: Days after which a model is too old.
        least_harmful: From how many harmful orders a model must have learned.
        most_moved: How much of what a model rests on may have moved, from 0 to 1; see
            `checkoutflow.review.drift`.
        shadow: Whether it is only recorded what the score would have held.
    """

    capacity_percent: float = Field(default=2, gt=0, le=100)
    max_age_days: int = Field(default=180, gt=0)
    least_harmful: int = Field(default=50, ge=1)
    most_moved: float = Field(default=0.5, ge=0, le=1)
    shadow: bool = False


class Standing(StrEnum):
    """Whether a model can be relied on."""

    READY = "ready"
    ABSENT = "absent"
    COLD = "cold"
    STALE = "stale"
    MOVED = "moved"


# Translators: these stand in the list of reasons for which an order is held or not, for the shop's
# own people.
_STANDINGS: Final[Mapping[Standing, str]] = MappingProxyType(
    {
        Standing.ABSENT: mark("There is no learned score. The rules decide alone."),
        Standing.COLD: mark(
            "The learned score knows too few harmful orders. The rules decide alone."
        ),
        Standing.STALE: mark("The learned score is too old. The rules decide alone."),
        Standing.MOVED: mark(
            "Orders are not what they were when the score was learned. The rules decide alone."
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the score says to an order. There is nothing in it that could refuse one.

    Attributes:
        standing: Whether the model can be relied on; if not, the rules decide alone.
        score: The score, wherever there is a model; for the record.
        would_hold: Whether the order is among those that people can look at.
        holds: Whether it is held for that: never in shadow, or where the model cannot be relied on.
    """

    standing: Standing
    score: Score | None = None
    would_hold: bool = False
    holds: bool = False

    def words(self, locale: str) -> tuple[str, ...]:
        """Why the order is held, or why the score has no say; empty if neither."""
        if self.standing in _STANDINGS:
            return (translate(_STANDINGS[self.standing], locale),)
        return self.score.reasons(locale) if self.score is not None and self.would_hold else ()


def standing(
    model: ScoreModel | None, at: datetime, settings: ScoreSettings, *, moved: float = 0
) -> Standing:
    """Say whether a model can be relied on.

    Args:
        model: The model; None where there is none.
        at: Now.
        settings: The shop's.
        moved: How much of what the model rests on has moved, from 0 to 1.
    """
    if model is None:
        return Standing.ABSENT
    if model.learned.harmful < settings.least_harmful:
        return Standing.COLD
    if at - model.trained_at > timedelta(days=settings.max_age_days):
        return Standing.STALE
    return Standing.MOVED if moved > settings.most_moved else Standing.READY


def opinion(
    model: ScoreModel | None,
    signals: Mapping[str, Value],
    at: datetime,
    settings: ScoreSettings,
    *,
    moved: float = 0,
) -> Opinion:
    """What the learned score says to an order.

    Args:
        model: The model; None where there is none.
        signals: The order's.
        at: Now.
        settings: The shop's.
        moved: How much of what the model rests on has moved, from 0 to 1.
    """
    found = standing(model, at, settings, moved=moved)
    if model is None:
        return Opinion(found)
    score = model.score(signals)
    would_hold = found is Standing.READY and score.logit > model.cut(settings.capacity_percent)
    return Opinion(found, score, would_hold, would_hold and not settings.shadow)
