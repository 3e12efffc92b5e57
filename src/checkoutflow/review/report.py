"""The figures of reviewing in words: rows of tables, and bars to draw beside them."""

from __future__ import annotations

from datetime import timedelta
from html import escape
from itertools import accumulate
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.review.figures import STEPS
from checkoutflow.texts import locale_of, mark, translate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from checkoutflow.money import Money
    from checkoutflow.review.figures import Aim, Figures, Outcome

NO_RULE: Final = mark("No rule has applied to any order.")
_NOTHING: Final = "-"

# Translators: how a shop's reviewing of orders went, in figures. Each is a heading of a row.
_ORDERS: Final = mark("orders")
# Translators: orders that waited for a person.
_HELD: Final = mark("held")
_WORTH: Final = mark("worth")
_ENDED: Final = mark("how it ended")
_LET_THROUGH: Final = mark("reviewers let through")
_HALF: Final = mark("half decided within")
_NINE: Final = mark("nine of ten within")
# Translators: a time, short: 3 h 05 min
_TIME: Final = mark("{hours} h {minutes} min")
# Translators: how the review of an order ended; each stands before a number.
_OUTCOMES: Final[Mapping[Outcome, str]] = MappingProxyType(
    {
        "approved": mark("approved"),
        "authorisation_lost": mark("authorisation lost"),
        "cancelled": mark("cancelled"),
        "deadline": mark("deadline"),
        "rejected": mark("rejected"),
        "unknown": mark("unknown"),
        "waiting": mark("waiting"),
    }
)
# Translators: these are heads of narrow columns. Known: orders of which it is known what they
# turned out to be. Bad: those among them that did harm. Hit rate: bad of known.
_HEADS: Final = (
    mark("rule"),
    _ORDERS,
    _HELD,
    mark("decided"),
    mark("let through"),
    mark("known"),
    mark("bad"),
    mark("hit rate"),
)
# Translators: a rule that is only watched.
_SHADOW: Final = mark("{rule} (shadow)")
_SCORE: Final = mark("learned score")
# Translators: {time} is such as: 4 hours
_WITHIN: Final = mark("within {time}")
_LONGER: Final = mark("longer")


def summary(
    found: Figures, locale: str, *, money: Callable[[Money], str] = str
) -> list[tuple[str, str]]:
    """The figures that stand alone, with what they are.

    Args:
        found: The figures.
        locale: Of the words.
        money: Writes an amount.
    """
    ended = (
        f"{translate(text, locale)} {found.outcomes[outcome]}"
        for outcome, text in _OUTCOMES.items()
        if found.outcomes[outcome]
    )
    rows = (
        (_ORDERS, str(found.orders)),
        (_HELD, f"{found.held} ({_percent(found.held_share)})"),
        (_WORTH, ", ".join(map(money, found.amounts)) or _NOTHING),
        (_ENDED, ", ".join(ended) or _NOTHING),
        (_LET_THROUGH, _percent(found.approval_rate)),
        (_HALF, _time(found.median_wait_s, locale)),
        (_NINE, _time(found.slow_wait_s, locale)),
    )
    return [(translate(name, locale), value) for name, value in rows]


def aims(found: Figures, locale: str) -> list[tuple[str, ...]]:
    """How well each rule and the score aim, as a table; the first row is its head."""
    named = {
        translate(_SHADOW, locale).format(rule=name) if aim.is_shadow else name: aim
        for name, aim in sorted(found.rules.items())
    }
    if found.score.orders:
        named[translate(_SCORE, locale)] = found.score
    head = tuple(translate(name, locale) for name in _HEADS)
    return [head, *(_aim(name, aim) for name, aim in named.items())]


def waits(found: Figures, locale: str) -> dict[str, int]:
    """How many decisions were made within each time, and how many later; nothing where none was."""
    from babel.dates import format_timedelta  # noqa: PLC0415 -- heavy

    if not found.waits_s:
        return {}
    within = {
        name: translate(_WITHIN, locale).format(
            time=format_timedelta(timedelta(seconds=seconds), locale=locale_of(locale))
        )
        for name, seconds in STEPS.items()
    }
    *steps, later = found.waits.values()
    counts = dict(zip(within.values(), accumulate(steps), strict=True))
    return counts | {translate(_LONGER, locale): later}


def hit_rates(found: Figures, locale: str) -> dict[str, int]:
    """Of a hundred orders that each rule or the score pointed at, how many did harm.

    The highest comes first; those of which nothing is known are left out.
    """
    return _falling(found, locale, lambda aim: aim.hit_rate)


def approval_rates(found: Figures, locale: str) -> dict[str, int]:
    """Of a hundred such orders that reviewers decided, how many they let through; as above."""
    return _falling(found, locale, lambda aim: aim.approval_rate)


def _falling(found: Figures, locale: str, rate_of: Callable[[Aim], float | None]) -> dict[str, int]:
    aims = {**found.rules, translate(_SCORE, locale): found.score}
    rates = [(rate, name) for name, aim in aims.items() if (rate := rate_of(aim)) is not None]
    falling = sorted(rates, key=lambda each: (-each[0], each[1]))
    return {name: round(100 * rate) for rate, name in falling}


def _aim(name: str, aim: Aim) -> tuple[str, ...]:
    counts = (aim.orders, aim.held, aim.decided)
    rates = _percent(aim.approval_rate), str(aim.known), str(aim.bad), _percent(aim.hit_rate)
    return (name, *map(str, counts), *rates)


def _percent(share: float | None) -> str:
    return _NOTHING if share is None else f"{100 * share:.0f} %"


def _time(seconds: float | None, locale: str) -> str:
    if seconds is None:
        return _NOTHING
    hours, minutes = divmod(round(seconds / 60), 60)
    return translate(_TIME, locale).format(hours=hours, minutes=f"{minutes:02}")


# Bars ---------------------------------------------------------------------------------------------

_WIDTH, _ROW, _NUMBERS = 760, 28, 70
_LETTER: Final = 8  # pixels, of the broad ones


def bars(counts: Mapping[str, int], title: str, *, most: int = 0, unit: str = "") -> str:
    """Counts as a drawing, in SVG without styles of its own; what it shows is said as well.

    Args:
        counts: By name.
        title: What they count.
        most: What the longest bar there could be stands for; by default the largest count.
        unit: What is written after each count.
    """
    most = most or max(counts.values()) or 1
    names = _LETTER * max(map(len, counts)) + 10
    height = _ROW * len(counts)
    drawn = []
    for i, (name, count) in enumerate(counts.items()):
        top, middle = i * _ROW + 5, i * _ROW + 19
        width = max(round((_WIDTH - names - _NUMBERS) * count / most), 1)
        drawn.append(
            f'<text x="{names - 10}" y="{middle}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{names}" y="{top}" width="{width}" height="{_ROW - 10}" rx="2"/>'
            f'<text x="{names + width + 8}" y="{middle}">{count}{unit}</text>'
        )
    said = "; ".join(f"{name}: {count}{unit}" for name, count in counts.items())
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape(f"{title}. {said}")}">{"".join(drawn)}</svg></figure>'
    )
