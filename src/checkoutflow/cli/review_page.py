"""The figures of reviewing as one HTML page: tables, and charts in SVG. No scripts, no fetching."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from checkoutflow.review.report import (
    NO_RULE,
    aims,
    approval_rates,
    bars,
    hit_rates,
    summary,
    waits,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from checkoutflow.review.figures import Figures

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b2430; --soft: #5a6675; --paper: #f6f7f9;
  --card: #fff; --line: #dfe4ea; --bar: #2457a6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf3; --soft: #a5b1bf; --paper: #12171d;
  --card: #1b222b; --line: #303a46; --bar: #86b3f7; } }
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
th, td { text-align: left; padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); }
tbody th { overflow-wrap: anywhere; }
thead th { font-size: .875rem; color: var(--soft); }
.n { text-align: right; white-space: nowrap; }
figure { margin: 1rem 0 0; } svg { max-width: 100%; height: auto; }
svg text { font-size: 13px; fill: var(--ink); } svg rect { fill: var(--bar); }
"""
_SCROLLS: Final = 'class="scroll" role="region" aria-label="Table" tabindex="0"'
_ENGLISH: Final = "en"  # as all of the command line


def page(found: Figures) -> str:
    """Draw the figures."""
    title = "What came of reviewing"
    head = (
        f'<header>\n<h1>{title}</h1>\n<p class="soft">Figures, and nobody\'s data.</p>\n</header>'
    )
    parts = [head, _section("In all", _pairs(summary(found, _ENGLISH)))]
    if counts := waits(found, _ENGLISH):
        about = "<p>How long orders waited for a reviewer's decision.</p>"
        parts.append(_section("Time to decision", about + bars(counts, "Orders by waiting time")))
    if rates := hit_rates(found, _ENGLISH):
        about = "<p>Of a hundred orders that each pointed at, how many did harm.</p>"
        drawn = bars(rates, "Hit rate of each rule", most=100, unit=" %")
        parts.append(_section("Who was right", about + drawn))
    if rates := approval_rates(found, _ENGLISH):
        about = "<p>Of a hundred of these that reviewers decided, how many they let through.</p>"
        drawn = bars(rates, "Approval rate of each rule", most=100, unit=" %")
        parts.append(_section("Let through", about + drawn))
    parts.append(_section("Rules and score", _table(aims(found, _ENGLISH))))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="robots" content="noindex">\n<title>{title}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def _section(title: str, content: str) -> str:
    return f"<section>\n<h2>{title}</h2>\n{content}\n</section>"


def _pairs(summary: Sequence[tuple[str, str]]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="n">{escape(value)}</td></tr>'
        for name, value in summary
    )
    return f"<div {_SCROLLS}><table><tbody>{rows}</tbody></table></div>"


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    if not body:
        return f"<p>{NO_RULE}</p>"
    top = "".join(
        f'<th scope="col"{_aligned(i)}>{escape(cell)}</th>' for i, cell in enumerate(head)
    )
    lines = "".join(
        "<tr>"
        f'<th scope="row">{escape(row[0])}</th>'
        + "".join(f'<td class="n">{escape(cell)}</td>' for cell in row[1:])
        + "</tr>"
        for row in body
    )
    return (
        f"<div {_SCROLLS}><table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _aligned(column: int) -> str:
    return ' class="n"' if column else ""
