"""What was measured, as the tables and the chart of ``docs/explanation/performance.md``."""

from __future__ import annotations

import json
import math
from html import escape
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from benchmarks.measure import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FOLDER: Final = ROOT / "docs" / "explanation"
PAGE: Final = FOLDER / "performance.md"
RESULTS: Final = FOLDER / "performance.json"
CHART: Final = FOLDER / "performance.svg"
BEGIN: Final = "<!-- begin: made by make bench ARGS=--write -->\n"
END: Final = "<!-- end -->\n"

# Headings of the tables, and the parts under each.
TABLES: Final = {
    "Against the bare database": ("durable", "server"),
    "Many at once": ("starts", "webhooks", "waiting"),
    "What must not grow": ("loading", "recovery", "due", "memory", "hour", "recognition", "review"),
    "What is ours alone": ("core", "choice", "providers", "imports"),
    "What nobody may learn from how long it takes": ("alike",),
    "Others that do the same": ("peers",),
}
PARTS: Final = tuple(part for parts in TABLES.values() for part in parts)
_WORDS: Final = {"~ 1": "about 1", ">= ": "at least ", "<= ": "at most ", " us": " µs", "+-": "±"}

Measured = dict[str, Any]


def make() -> None:
    """Make the tables and the chart of what was measured."""
    measured: Measured = json.loads(RESULTS.read_text("utf-8"))
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + "\n".join(tables(measured)) + "\n" + END + after, "utf-8")
    CHART.write_text(chart(measured), "utf-8")


def tables(measured: Measured) -> Iterator[str]:
    """The machine, and a table for each heading; ratios first."""
    yield f"Measured on: {measured['machine']}.\n"
    yield "![The shares of the bare database, and what stays flat](performance.svg)\n"
    for heading, parts in TABLES.items():
        rows = [row for part in parts for row in _rows(measured, part)]
        if not rows:
            continue
        yield f"### {heading}\n"
        yield "| ratio | row | aim | ours | theirs |\n|---|---|---|---|---|"
        for row in rows:
            cells = (
                f"{row['ratio']:.2f}",
                *(row[name] for name in ("what", "aim", "ours", "theirs")),
            )
            yield f"| {' | '.join(map(_worded, cells))} |"
        yield ""


def _rows(measured: Measured, part: str) -> Sequence[Mapping[str, Any]]:
    rows: Sequence[Mapping[str, Any]] = measured.get(part, {}).get("rows", ())
    return rows


def _worded(cell: str) -> str:
    for sign, word in _WORDS.items():
        cell = cell.replace(sign, word)
    return cell


# The chart ----------------------------------------------------------------------------------------

# Sizes in pixels.
_WIDTH: Final = 900
_LINE: Final = 20
_LEFT: Final = 540  # where the scale begins
_RIGHT: Final = 840
_HEAD: Final = 58

_STYLE: Final = """
  svg { --page: #ffffff; --ink: #1f2328; --line: #818b98; --bar: #2f6fb3; color-scheme: light dark }
  @media (prefers-color-scheme: dark) {
    svg { --page: #0d1117; --ink: #f0f6fc; --line: #9198a1; --bar: #6ca6e8 }
  }
  text { font: 12px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: var(--ink) }
  .head { font-size: 14px; font-weight: bold }
  .small { font-size: 11px }
  .value { font-weight: bold }
  .page { fill: var(--page) }
  .bar { fill: var(--bar) }
  .grid { stroke: var(--line); stroke-width: 1px; stroke-dasharray: 2 3 }
  .aim { stroke: var(--ink); stroke-width: 1.5px }
"""


class _Panel(NamedTuple):
    """Part of the chart.

    Attributes:
        begin: Where bars begin, as a ratio.
        ticks: Ratios that have a line; the first and the last are the ends of the scale.
        aim: The ratio that has a stronger line.
        is_log: Whether twice as much is everywhere as far.
    """

    title: str
    rows: Sequence[Mapping[str, Any]]
    begin: float
    ticks: Sequence[float]
    aim: float
    is_log: bool

    def x(self, ratio: float) -> float:
        """Where a ratio is; what lies outside is at the end."""
        first, last = self.ticks[0], self.ticks[-1]
        ratio = min(max(ratio, first), last)
        share = (
            math.log(ratio / first) / math.log(last / first)
            if self.is_log
            else (ratio - first) / (last - first)
        )
        return _LEFT + share * (_RIGHT - _LEFT)


def chart(measured: Measured) -> str:
    """The shares of the bare database, and what must not grow, as a picture."""
    rows = [row for part in PARTS for row in _rows(measured, part)]
    shares = [row for row in rows if "bound / ours" in row["what"] or "ours / bare" in row["what"]]
    flat = [row for row in rows if row["aim"] == "~ 1"]
    panels = (
        _Panel(
            "Share of the bare database's work in the same time: sales aim at 0.7, SQLite's at 0.8",
            shares,
            0,
            (0, 0.25, 0.5, 1),
            0.7,
            is_log=False,
        ),
        _Panel(
            "What must not grow: much or many against little or few, and 1 is flat",
            flat,
            1,
            (0.5, 0.7, 1, 1.4, 2),
            1,
            is_log=True,
        ),
    )
    lines: list[str] = []
    y = 0.0
    for panel in panels:
        lines += _drawn(panel, y)
        y += _HEAD + _LINE * len(panel.rows) + 24
    size = f'width="{_WIDTH}" height="{y:.0f}"'
    around = f'viewBox="0 0 {_WIDTH} {y:.0f}" role="img" aria-labelledby="title"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {around}>',
            '<title id="title">Shares of the bare database, and what stays flat</title>',
            f"<style>{_STYLE}</style>",
            f'<rect class="page" {size}/>',
            *lines,
            "</svg>\n",
        )
    )


def _drawn(panel: _Panel, top: float) -> Iterator[str]:
    bottom = top + _HEAD + _LINE * len(panel.rows)
    yield f'<text class="head" x="12" y="{top + 26:.0f}">{escape(panel.title)}</text>'
    for tick in (*panel.ticks, panel.aim):
        x, kind = panel.x(tick), "aim" if tick == panel.aim else "grid"
        yield f'<path class="{kind}" d="M{x:.1f},{top + _HEAD - 8:.0f} V{bottom:.0f}"/>'
    for tick in dict.fromkeys((*panel.ticks, panel.aim)):
        x = panel.x(tick)
        yield (
            f'<text class="small" x="{x:.1f}" y="{top + _HEAD - 12:.0f}" text-anchor="middle">'
            f"{tick:g}</text>"
        )
    for n, row in enumerate(panel.rows):
        y = top + _HEAD + _LINE * n
        ends = sorted((panel.x(panel.begin), panel.x(row["ratio"])))
        width = max(ends[1] - ends[0], 2)
        yield (
            f'<rect class="bar" x="{ends[0]:.1f}" y="{y + 3:.0f}" width="{width:.1f}"'
            f' height="{_LINE - 7}" rx="2"/>'
        )
        yield (
            f'<text x="{_LEFT - 10}" y="{y + 14:.0f}" text-anchor="end">'
            f"{escape(_worded(row['what']))}</text>"
        )
        yield (
            f'<text class="value" x="{_WIDTH - 12}" y="{y + 14:.0f}" text-anchor="end">'
            f"{row['ratio']:.2f}</text>"
        )
