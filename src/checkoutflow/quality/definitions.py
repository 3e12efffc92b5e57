"""What makes two rows one person: every comparison, and how much it says. The one place for it.

Fellegi and Sunter's model (1969), as Splink has it. Each comparison has levels, tried from the
top. A level has ``m``, how often it is met by two rows of one person, and ``u``, how often by rows
of two. It speaks with log2(m/u) bits; the bits of all comparisons and those of the prior add up.

The ``m`` are fixed. Learning them from a base without known answers (expectation maximisation)
would take its families for duplicates, because most pairs that agree on much are families. The
``u`` of common levels are counted in the base itself: in a shop whose customers all live in one
town the town says nothing.

Each condition stands here twice, side by side: as SQL that DuckDB and Spark both understand
(``levenshtein``, ``substr``, ``position``; nothing of either's own), and as Python with rapidfuzz
for small bases; a test holds the two to the same answers. Weights alone cannot tell twins, who
share all but a first name, from one person; `verdict` knows more.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from math import log2
from operator import attrgetter
from random import Random
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from splink import SettingsCreator

    from checkoutflow.quality.rows import Form

# Of a hundred rows, this many are expected to have a double somewhere.
_DOUBLES_PERCENT: Final = 10
_SAMPLE: Final = 100_000  # pairs
_ENOUGH: Final = 10  # pairs of a level, from which its `u` is counted rather than assumed


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that two rows fulfil or not.

    Attributes:
        sql: As SQL over columns that end in ``_l`` and ``_r``; null is not fulfilled.
        holds: The same in Python.
    """

    sql: str
    holds: Callable[[Form, Form], bool]

    def __and__(self, other: Condition) -> Condition:
        mine, its = self.holds, other.holds
        return Condition(f"({self.sql}) AND ({other.sql})", lambda a, b: mine(a, b) and its(a, b))

    def __or__(self, other: Condition) -> Condition:
        mine, its = self.holds, other.holds
        return Condition(f"({self.sql}) OR ({other.sql})", lambda a, b: mine(a, b) or its(a, b))


def _same(column: str) -> Condition:
    of = _getter(column)
    return Condition(f"{column}_l = {column}_r", lambda a, b: of(a) == of(b) != "")


def _missing(column: str) -> Condition:
    of = _getter(column)
    return Condition(
        f"{column}_l IS NULL OR {column}_r IS NULL", lambda a, b: not (of(a) and of(b))
    )


def _close(column: str, most: int, shortest: int) -> Condition:
    """So many letters apart at most, where the shorter has enough to tell a slip from a name."""
    of = _getter(column)

    def holds(a: Form, b: Form) -> bool:
        one, other = of(a), of(b)
        return min(len(one), len(other)) >= shortest and _distance(one, other, most) <= most

    return Condition(
        f"length({column}_l) >= {shortest} AND length({column}_r) >= {shortest} "
        f"AND levenshtein({column}_l, {column}_r) <= {most}",
        holds,
    )


def _resembling(column: str) -> Condition:
    """At most half of the longer one's letters would have to be changed."""
    of = _getter(column)

    def holds(a: Form, b: Form) -> bool:
        one, other = of(a), of(b)
        most = max(len(one), len(other)) // 2
        return bool(one and other) and _distance(one, other, most) <= most

    return Condition(
        f"levenshtein({column}_l, {column}_r) * 2 <= "
        f"greatest(length({column}_l), length({column}_r))",
        holds,
    )


def _within(column: str) -> Condition:
    """All words of the one stand in a row in the other: "anna" in "anna maria"."""
    of = _getter(column)

    def holds(a: Form, b: Form) -> bool:
        one, other = f" {of(a)} ", f" {of(b)} "
        return bool(of(a) and of(b)) and (one in other or other in one)

    left, right = f"' ' || {column}_l || ' '", f"' ' || {column}_r || ' '"
    return Condition(f"position({left} IN {right}) > 0 OR position({right} IN {left}) > 0", holds)


def _crossed(first: str, second: str) -> Condition:
    one, two = _getter(first), _getter(second)
    return Condition(
        f"{first}_l = {second}_r AND {second}_l = {first}_r",
        lambda a, b: one(a) == two(b) != "" and two(a) == one(b) != "",
    )


def _day_and_month_crossed(column: str) -> Condition:
    of = _getter(column)

    def holds(a: Form, b: Form) -> bool:
        day = of(b)
        return of(a) == day[:4] + day[6:] + day[4:6] != ""

    return Condition(
        f"{column}_l = substr({column}_r, 1, 4) || substr({column}_r, 7, 2) || "
        f"substr({column}_r, 5, 2)",
        holds,
    )


def _getter(column: str) -> Callable[[Form], str]:
    return attrgetter(column)


def _distance(one: str, other: str, most: int) -> int:
    from rapidfuzz.distance import Levenshtein  # noqa: PLC0415 -- of an extra

    return Levenshtein.distance(one, other, score_cutoff=most)


@dataclass(frozen=True, slots=True)
class Level:
    """One answer of a comparison.

    Attributes:
        text: What a person reads.
        grade: What it means for a verdict: ``same``, ``weak`` or ``other``; for names also
            ``alike``, and ``first`` where only the first name is the same.
        m: How often two rows of one person give this answer.
        u: How often two rows of different people do.
        when: The condition; none for what is left.
    """

    text: str
    grade: str
    m: float
    u: float
    when: Condition | None = None

    @property
    def bits(self) -> float:
        """How much the answer speaks for one person, in bits; below zero it speaks against."""
        return log2(self.m / self.u)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One thing that two rows are compared by.

    Attributes:
        name: Its name in SQL.
        columns: What it reads; a base without any of them is not compared by it.
        unknown: When it cannot say anything.
        levels: Its answers, tried from the top; the last one needs no condition.
    """

    name: str
    columns: tuple[str, ...]
    unknown: Condition
    levels: tuple[Level, ...]

    def level(self, left: Form, right: Form) -> Level | None:
        """The answer for two rows; none if it cannot say anything."""
        if self.unknown.holds(left, right):
            return None
        for level in self.levels:
            if level.when is None or level.when.holds(left, right):
                return level
        raise AssertionError  # pragma: no cover -- the last level has no condition


_ALIKE_GIVEN: Final = _same("given") | _within("given") | _close("given", 1, 5)
_ALIKE_SURNAME: Final = _same("surname") | _within("surname") | _close("surname", 2, 5)
_LIKE_SURNAME: Final = _ALIKE_SURNAME | _resembling("surname")

COMPARISONS: Final = (
    Comparison(
        "name",
        ("given", "surname"),
        _missing("given") & _missing("surname"),
        (
            Level("same name", "same", 0.68, 2e-5, _same("given") & _same("surname")),
            Level(
                "first and last name exchanged", "same", 0.03, 1e-6, _crossed("given", "surname")
            ),
            Level("names alike", "alike", 0.15, 1e-4, _ALIKE_GIVEN & _LIKE_SURNAME),
            Level(
                "names resemble each other",
                "weak",
                0.05,
                2e-4,
                _resembling("given") & _LIKE_SURNAME,
            ),
            Level(
                "same last name, first name missing",
                "weak",
                0.01,
                1e-3,
                _missing("given") & _ALIKE_SURNAME,
            ),
            Level("same first name, another last name", "first", 0.05, 1e-2, _ALIKE_GIVEN),
            Level("same last name, another first name", "other", 0.01, 5e-3, _ALIKE_SURNAME),
            Level("other names", "other", 0.02, 0.98),
        ),
    ),
    Comparison(
        "organisation",
        ("organisation",),
        _missing("organisation"),
        (
            Level("same organisation", "same", 0.8, 1e-3, _same("organisation")),
            Level(
                "organisations alike",
                "weak",
                0.1,
                2e-3,
                _within("organisation") | _close("organisation", 2, 8),
            ),
            Level("another organisation", "other", 0.1, 0.99),
        ),
    ),
    Comparison(
        "birth_date",
        ("birth_date",),
        _missing("birth_date"),
        (
            Level("same birthday", "same", 0.93, 5e-5, _same("birth_date")),
            Level(
                "birthdays alike",
                "weak",
                0.05,
                1e-3,
                _close("birth_date", 1, 8) | _day_and_month_crossed("birth_date"),
            ),
            Level("another birthday", "other", 0.02, 0.999),
        ),
    ),
    Comparison(
        "national_id",
        ("national_id",),
        _missing("national_id"),
        (
            Level("same identity number", "same", 0.97, 1e-7, _same("national_id")),
            Level("identity numbers alike", "weak", 0.02, 1e-4, _close("national_id", 1, 8)),
            Level("another identity number", "other", 0.01, 0.9999),
        ),
    ),
    Comparison(
        "email",
        ("email",),
        _missing("email"),
        (
            Level("same e-mail", "same", 0.65, 2e-6, _same("email")),
            Level("e-mails alike", "weak", 0.05, 1e-5, _close("email", 2, 12)),
            Level("another e-mail", "other", 0.30, 1.0),
        ),
    ),
    Comparison(
        "phone",
        ("phone",),
        _missing("phone"),
        (
            Level("same phone", "same", 0.65, 4e-6, _same("phone")),
            Level("phones alike", "weak", 0.05, 1e-4, _close("phone", 1, 8)),
            Level("another phone", "other", 0.30, 1.0),
        ),
    ),
    Comparison(
        "address",
        ("street", "postal_code"),
        _missing("street") & _missing("postal_code"),
        (
            Level("same address", "same", 0.6, 1e-5, _same("street") & _same("postal_code")),
            Level(
                "addresses alike",
                "same",
                0.12,
                2e-5,
                (_same("house") & _close("street", 2, 6) & _same("postal_code"))
                | (_same("street") & _close("postal_code", 1, 3)),
            ),
            Level("same street, another place", "weak", 0.05, 5e-5, _same("street")),
            Level("same postal code", "weak", 0.08, 1e-3, _same("postal_code")),
            Level("another address", "other", 0.15, 0.999),
        ),
    ),
)

# Only rows that agree on all columns of one of these are compared at all.
BLOCKS: Final = (
    ("national_id",),
    ("email",),
    ("phone",),
    ("birth_date",),
    ("street", "postal_code"),
    ("surname", "postal_code"),
    ("given", "postal_code"),
    ("organisation", "postal_code"),
)


@dataclass(frozen=True, slots=True)
class Filler:
    """Values that more rows share than can be: a shop's own e-mail, the first of January 1900.

    They say nothing of anybody, and comparing all who have them with each other takes for ever.

    Attributes:
        columns: The columns; they are forgotten where the rows share the values of all.
        rows: How many rows may share them.
        per_mille: And how many more, of a thousand rows of the base.
    """

    columns: tuple[str, ...]
    rows: int
    per_mille: int = 0

    def most(self, rows: int) -> int:
        """How many rows may share them in a base of so many."""
        return self.rows + self.per_mille * rows // 1000


FILLERS: Final = (
    Filler(("national_id",), 50),
    Filler(("email",), 50),
    Filler(("phone",), 50),
    Filler(("birth_date",), 50, 1),
    Filler(("given", "surname"), 50, 2),
    Filler(("street", "postal_code"), 200),
)


def prior_bits(rows: int) -> float:
    """How much two rows of a base speak for one person before they are looked at, in bits."""
    chance = _chance(rows)
    return log2(chance / (1 - chance))


def _chance(rows: int) -> float:
    return min(_DOUBLES_PERCENT / 50 / max(rows, 2), 0.5)


def counted(
    comparisons: Iterable[Comparison], sample: Sequence[Form], seed: int = 1
) -> tuple[Comparison, ...]:
    """The comparisons that a base has columns for, with the ``u`` of common levels as it has them.

    Args:
        comparisons: What to compare by.
        sample: Rows of the base, from all over it.
        seed: For the choice of pairs.
    """
    comparisons = tuple(
        comparison
        for comparison in comparisons
        if any(getattr(form, column) for column in comparison.columns for form in sample)
    )
    dice = Random(seed)  # noqa: S311 -- statistics
    rows = len(sample)
    prior = prior_bits(rows)
    counts: Counter[tuple[str, str]] = Counter()
    for _ in range(_SAMPLE if rows > 1 else 0):
        left, right = dice.randrange(rows), dice.randrange(rows)
        levels = levels_of(comparisons, sample[left], sample[right])
        if left != right and prior + bits_of(levels) < 0:  # else perhaps one person after all
            counts.update((name, level.text) for name, level in levels.items())
    return tuple(_counted(comparison, counts) for comparison in comparisons)


def _counted(comparison: Comparison, counts: Mapping[tuple[str, str], int]) -> Comparison:
    found = [counts.get((comparison.name, level.text), 0) for level in comparison.levels]
    levels = [
        replace(level, u=count / sum(found)) if count >= _ENOUGH else level
        for level, count in zip(comparison.levels, found, strict=True)
    ]
    return replace(comparison, levels=tuple(levels))


def levels_of(comparisons: Iterable[Comparison], left: Form, right: Form) -> dict[str, Level]:
    """What two rows answer, by comparison, as far as these can say anything."""
    return {
        each.name: level for each in comparisons if (level := each.level(left, right)) is not None
    }


def bits_of(levels: Mapping[str, Level]) -> float:
    """What answers come to, in bits."""
    return sum(level.bits for level in levels.values())


def settings(comparisons: Iterable[Comparison], rows: int) -> SettingsCreator:
    """The definitions as Splink settings, for any of its backends.

    Args:
        comparisons: As `counted` gives them.
        rows: How many rows the base has.
    """
    from splink import SettingsCreator, block_on  # noqa: PLC0415 -- of an extra

    comparisons = tuple(comparisons)
    columns = {column for comparison in comparisons for column in comparison.columns}
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="row",
        probability_two_random_records_match=_chance(rows),
        blocking_rules_to_generate_predictions=[
            block_on(*block) for block in BLOCKS if columns.issuperset(block)
        ],
        comparisons=[_splink(comparison) for comparison in comparisons],
        retain_matching_columns=True,  # the answers (gamma) come only with them
        retain_intermediate_calculation_columns=False,
    )


def _splink(comparison: Comparison) -> dict[str, Any]:
    unknown = {
        "sql_condition": comparison.unknown.sql,
        "label_for_charts": "unknown",
        "is_null_level": True,
    }
    levels = [
        {
            "sql_condition": level.when.sql if level.when else "ELSE",
            "label_for_charts": level.text,
            "m_probability": level.m,
            "u_probability": level.u,
            "fix_m_probability": True,
            "fix_u_probability": True,
        }
        for level in comparison.levels
    ]
    return {"output_column_name": comparison.name, "comparison_levels": [unknown, *levels]}
