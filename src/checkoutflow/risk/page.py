"""The report of a trial as one HTML page: tables, and charts in SVG. No scripts, no fetching."""

from __future__ import annotations

from html import escape
from math import log10
from typing import TYPE_CHECKING, Final

from checkoutflow.risk import report
from checkoutflow.risk.trial import CAPACITIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from checkoutflow.review.score import ScoreModel
    from checkoutflow.risk.trial import Trial

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b2430; --soft: #5a6675; --paper: #f6f7f9;
  --card: #fff; --line: #dfe4ea; --score: #2457a6; --rules: #a05a00; --constant: #5a6675; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf3; --soft: #a5b1bf; --paper: #12171d;
  --card: #1b222b; --line: #303a46; --score: #86b3f7; --rules: #f0a94a; --constant: #a5b1bf; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 58rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.25rem; margin: 0 0 .25rem; }
p { margin: .25rem 0 .75rem; max-width: 44rem; }
.soft, caption { color: var(--soft); }
section { background: var(--card); border: 1px solid var(--line); border-radius: .75rem;
  padding: 1.5rem; margin-top: 1.5rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .5rem; }
th, td { text-align: left; padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); }
tbody tr:last-child > * { border-bottom: 0; }
thead th { font-size: .875rem; color: var(--soft); }
tbody th { font-weight: 600; }
.n { text-align: right; white-space: nowrap; }
figure { margin: 1rem 0 0; } svg { max-width: 100%; height: auto; }
svg text { font-size: 12px; fill: var(--soft); } svg .name { font-weight: 600; }
.score { color: var(--score); } .rules { color: var(--rules); }
.constant { color: var(--constant); }
@media print { body { background: #fff; } section { break-inside: avoid; } }
"""
_SCROLLS: Final = 'class="scroll" role="region" aria-label="Table" tabindex="0"'
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 640, 320, 56, 88, 16, 44
_DASHES: Final = {"score": "", "rules": "8 4", "constant": "2 4"}


def page(trial: Trial, model: ScoreModel) -> str:
    """Draw the report.

    Args:
        trial: What was measured.
        model: The model that is kept.
    """
    low, high = trial.moments[0], trial.until
    head = (
        "<header>\n<h1>How good is the learned score?</h1>\n"
        f'<p class="soft">Measured on {trial.orders:,} orders from {low:%Y-%m-%d} to '
        f"{high:%Y-%m-%d}, {trial.harmful:,} of them harmful, by models that were learned before "
        "them. This page holds figures, and nobody's data.</p>\n</header>"
    )
    parts = [head, _capacity(trial), _calibration(trial), _model(model)]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="robots" content="noindex">\n<title>How good is the learned score?</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def _capacity(trial: Trial) -> str:
    head, *rows = report.table(trial)
    names = ("", "Held", "Harmful", "Precision", "between", "Recall", "between")
    lines = {
        name: [(log10(x), y) for x, y in zip(CAPACITIES, ranking.by_capacity, strict=True)]
        for name, ranking in report.rankings(trial).items()
    }
    ticks = [(log10(x), f"{x:g}") for x in CAPACITIES if x in {0.25, 0.5, 1, 2, 5, 10, 20}]
    return _section(
        "What people find who look at some orders",
        f"People can look at {trial.percent:g} of a hundred orders. Precision is how many of the "
        "orders held are harmful, recall how many of the harmful ones are held. The constant draws "
        "by lot. Each figure lies where it says 95 times of a hundred.",
        _table("", names[: len(head)], rows)
        + _chart(
            lines,
            ticks,
            [(y / 4, f"{25 * y} %") for y in range(5)],
            "Harmful orders held, by how many of a hundred orders people can look at",
        ),
    )


def _calibration(trial: Trial) -> str:
    brier, constant = trial.brier
    rows = [
        (
            f"{band.orders:,}",
            report.percent(band.said),
            report.percent(band.happened),
        )
        for band in trial.reliability
    ]
    least = 0.0005
    ends = [(log10(max(least, share)), f"{100 * share:g} %") for share in (0.001, 0.01, 0.1, 1)]
    points = [
        (log10(max(least, band.said)), log10(max(least, band.happened)))
        for band in trial.reliability
    ]
    return _section(
        "Whether its probabilities are true",
        f"Brier score {brier:.5f}, of a constant {constant:.5f} (less is better); mean distance of "
        f"what was said from what happened {report.percent(trial.calibration_error)}.",
        _table("", ("Orders", "Said", "Happened"), rows)
        + _chart(
            {"score": points, "constant": [(ends[0][0], ends[0][0]), (0.0, 0.0)]},
            ends,
            ends,
            "What happened, by what was said; on the dotted line both are equal",
            names=False,
        ),
    )


def _model(model: ScoreModel) -> str:
    learned = model.learned
    rows = [
        (f"{name}: {meaning}", weight, reach)
        for (name, weight, reach), meaning in zip(
            report.features(model),
            (each.meaning for each in sorted(model.features, key=lambda each: -each.weight)),
            strict=True,
        )
    ]
    return _section(
        "The model that is kept",
        f"Version {model.version}, made on {model.trained_at:%Y-%m-%d} by {learned.made_by} from "
        f"{learned.rows:,} orders, {learned.harmful:,} of them harmful, placed from "
        f"{learned.first:%Y-%m-%d} to {learned.last:%Y-%m-%d}.",
        _table(
            "Points are added to the logarithm of the odds; 0.7 doubles them. Weight is the mean "
            "of their size.",
            ("Signal", "Weight", "Points"),
            rows,
        ),
    )


# Drawings -----------------------------------------------------------------------------------------


def _section(title: str, text: str, content: str) -> str:
    return f"<section>\n<h2>{title}</h2>\n<p>{escape(text)}</p>\n{content}\n</section>"


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(
        f'<th scope="col"{_right(place)}>{escape(text)}</th>' for place, text in enumerate(heads)
    )
    body = "\n".join(
        f'<tr><th scope="row">{escape(first)}</th>'
        + "".join(f'<td class="n">{escape(cell)}</td>' for cell in cells)
        + "</tr>"
        for first, *cells in rows
    )
    above = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (
        f"<div {_SCROLLS}><table>{above}<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n"
        "</tbody></table></div>\n"
    )


def _right(place: int) -> str:
    return ' class="n"' if place else ""


def _chart(
    lines: dict[str, list[tuple[float, float]]],
    across: Sequence[tuple[float, str]],
    upwards: Sequence[tuple[float, str]],
    caption: str,
    *,
    names: bool = True,
) -> str:
    """Lines over a grid. Each has its own dashes, so that colours are not needed to tell them."""
    (left, _), (right, _) = min(across), max(across)
    (low, _), (high, _) = min(upwards), max(upwards)

    def x(value: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (value - left) / (right - left)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * (value - low) / (high - low)

    grid = [
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(at):.1f}" y2="{y(at):.1f}" '
        f'stroke="var(--line)"/><text x="{_LEFT - 8}" y="{y(at) + 4:.1f}" text-anchor="end">{text}'
        "</text>"
        for at, text in upwards
    ]
    grid += [
        f'<text x="{x(at):.1f}" y="{_HEIGHT - _BOTTOM + 20}" text-anchor="middle">{text}</text>'
        for at, text in across
    ]
    drawn = []
    for name, points in lines.items():
        spots = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in points)
        drawn.append(
            f'<polyline class="{name}" points="{spots}" fill="none" stroke="currentColor" '
            f'stroke-width="2.5" stroke-dasharray="{_DASHES[name]}"/>'
        )
        if names:
            a, b = points[-1]
            drawn.append(f'<text class="name" x="{x(a) + 8:.1f}" y="{y(b) + 4:.1f}">{name}</text>')
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" role="img" '
        f'aria-label="{escape(caption)}">{"".join(grid + drawn)}</svg>'
        f'<figcaption class="soft">{escape(caption)}</figcaption></figure>'
    )
