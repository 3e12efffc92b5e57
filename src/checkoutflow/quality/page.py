"""The report as one HTML page: tables with drawings in SVG, no scripts, nothing from elsewhere."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.quality.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from checkoutflow.quality.verdict import Pair

_MEANS: Final = {
    "validity": ("Valid", "of the values that are there can be right"),
    "completeness": ("Complete", "of all places for a value are filled"),
    "uniqueness": ("Unique", "of the rows remain when everybody stands here once"),
    "freshness": ("Fresh", "of the rows were changed within a year"),
}
# From here on a figure is good, and below the second one poor. For orientation.
_GOOD: Final = 95.0
_POOR: Final = 80.0
# What is wider than a small screen is scrolled, by keyboard too.
_SCROLLS: Final = 'class="scroll" role="region" aria-label="Table" tabindex="0"'
_NOTHING: Final = "\N{EN DASH}"

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b2430; --soft: #5a6675; --paper: #f6f7f9;
  --card: #fff; --line: #dfe4ea; --track: #e8ecf1; --good: #1d7a4f; --fair: #a05a00;
  --poor: #b3261e; --mark: #2457a6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf3; --soft: #a5b1bf; --paper: #12171d;
  --card: #1b222b; --line: #303a46; --track: #2b343f; --good: #4cc38a; --fair: #f0a94a;
  --poor: #ff8a80; --mark: #86b3f7; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.5;
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.25rem; margin: 0 0 .25rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p { margin: .25rem 0 .75rem; max-width: 44rem; }
.soft, figcaption, th small, td small { color: var(--soft); }
section { background: var(--card); border: 1px solid var(--line); border-radius: .75rem;
  padding: 1.5rem; margin-top: 1.5rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1rem;
  list-style: none; margin: 1.5rem 0 0; padding: 0; }
.tiles li { background: var(--card); border: 1px solid var(--line); border-radius: .75rem;
  padding: 1.25rem; display: flex; gap: 1rem; align-items: center; }
.tiles strong { display: block; font-size: 1.05rem; }
.tiles span { font-size: .875rem; line-height: 1.35; display: block; }
.tiles svg { flex: 0 0 5.25rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding-bottom: .5rem; }
th, td { text-align: left; padding: .45rem .75rem .45rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
tr:last-child > * { border-bottom: 0; }
thead th { font-size: .875rem; color: var(--soft); font-weight: 600; }
tbody th { font-weight: 600; white-space: nowrap; }
.bars th { white-space: normal; font-weight: 400; }
td.drawn { width: 50%; vertical-align: middle; }
td.n, th.n { text-align: right; white-space: nowrap; }
.bar { white-space: nowrap; }
.bar svg { vertical-align: middle; margin-right: .5rem; }
.good { color: var(--good); } .fair { color: var(--fair); } .poor { color: var(--poor); }
.mark { color: var(--mark); }
.tag { border: 1px solid currentColor; border-radius: 1rem; padding: 0 .6rem; font-size: .8125rem;
  white-space: nowrap; }
.facts { display: flex; flex-wrap: wrap; gap: .5rem 2.5rem; margin: 1rem 0 0; padding: 0;
  list-style: none; }
.facts b { display: block; font-size: 1.5rem; line-height: 1.2; }
figure { margin: 1rem 0 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; margin: .5rem 0; }
dt { font-weight: 600; } dd { margin: 0; }
@media (max-width: 40rem) { dl { display: block; } dd { margin-bottom: .5rem; } }
@media print { body { background: #fff; } section, .tiles li { break-inside: avoid; } }
"""


def page(data: Mapping[str, Any], examples: Sequence[Pair]) -> str:
    """Draw the report.

    Args:
        data: The report as `report.document` gives it.
        examples: Pairs to show; only their lines and reasons are.
    """
    parts = [
        _head(data),
        _tiles(data["total"]),
        _fields(data["fields"]),
        _problems(data["fields"]),
        _ages(data["last_changed"]),
        _duplicates(data, examples),
        _households(data["households"], data["rows"]),
        _merges(data["merges"]),
        _method(data),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="robots" content="noindex">\n'
        f"<title>Customer data quality: {escape(data['file'])}</title>\n"
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(part for part in parts if part)
        + "\n</main>\n</body>\n</html>\n"
    )


# Parts --------------------------------------------------------------------------------------------


def _head(data: Mapping[str, Any]) -> str:
    return (
        "<header>\n<h1>How good is the customer base?</h1>\n"
        f'<p class="soft">{escape(data["file"])}, {_count(data["rows"], "row")}, market '
        f"{data['market']}, {data['date']}. This page holds figures and line numbers, and no "
        "customer's data.</p>\n</header>"
    )


def _tiles(total: Mapping[str, float | None]) -> str:
    tiles = []
    for name, (title, means) in _MEANS.items():
        text = means if total[name] is not None else "not measured: no column says when"
        tiles.append(
            f"<li>{_ring(total[name], title)}<div><strong>{title}</strong>"
            f'<span class="soft">{text}</span></div></li>'
        )
    return f'<ul class="tiles">{"".join(tiles)}</ul>'


def _fields(fields: Mapping[str, Mapping[str, Any]]) -> str:
    heads = "".join(f'<th scope="col">{title}</th>' for title, _ in _MEANS.values())
    rows = "".join(
        f'<tr><th scope="row">{_words(field)}</th>'
        + "".join(f'<td class="bar">{_bar(each[name])}</td>' for name in _MEANS)
        + f'<td class="n">{each["filled"]:,}</td></tr>'
        for field, each in fields.items()
    )
    return _section(
        "Field by field",
        "Unique counts values that no other row has, and only where two customers should not "
        "share one. Fresh counts values in rows that were changed within a year.",
        f'<div {_SCROLLS}><table><thead><tr><th scope="col">Field</th>{heads}'
        f'<th scope="col" class="n">Values</th></tr></thead><tbody>{rows}</tbody></table></div>',
    )


def _problems(fields: Mapping[str, Mapping[str, Any]]) -> str:
    found = sorted(
        (
            (count, field, why)
            for field, each in fields.items()
            for why, count in each["problems"].items()
        ),
        reverse=True,
    )[:12]
    if not found:
        return ""
    return _section(
        "What is wrong with values",
        "The most frequent faults first.",
        _bars([(f"{_words(field)} {why}", count) for count, field, why in found], "poor"),
    )


def _ages(ages: Mapping[str, int] | None) -> str:
    if ages is None:
        return ""
    return _section(
        "When rows were last changed",
        "People move, marry and change their number: the older, the less likely to hold.",
        _bars(list(ages.items()), "mark"),
    )


def _duplicates(data: Mapping[str, Any], examples: Sequence[Pair]) -> str:
    found = data["duplicates"]
    facts = _facts(
        (found["people"], "people stand here more than once"),
        (found["surplus_rows"], "rows would go"),
        (found["pairs_to_look_at"], "pairs for a person to look at"),
    )
    reasons = list(found["reasons"].items())[:10]
    chart = (
        f"<h3>What those rows have in common, and what not</h3>{_bars(reasons, 'mark')}"
        if reasons
        else ""
    )
    shown = sorted(examples, key=lambda pair: list(_TAGS).index(pair.verdict))
    return _section(
        "Who stands here twice",
        "Rows count as one person only if it is at least 99 to 1 and nothing speaks against it. "
        "Twins and families are kept apart.",
        facts + chart + (_examples(shown) if shown else ""),
    )


_TAGS: Final = {
    Verdict.SAME: ("good", "one person"),
    Verdict.PERHAPS: ("fair", "look at it"),
    Verdict.HOUSEHOLD: ("mark", "one household"),
}


def _examples(pairs: Iterable[Pair]) -> str:
    rows = []
    for pair in pairs:
        style, text = _TAGS[pair.verdict]
        rows.append(
            f'<tr><td class="n">{pair.left:,}</td><td class="n">{pair.right:,}</td>'
            f'<td><span class="tag {style}">{text}</span></td>'
            f"<td>{escape(pair.reasons)}</td></tr>"
        )
    return (
        f"<h3>Examples</h3><div {_SCROLLS}><table><caption>Lines as in a spreadsheet, where "
        "the header is line 1. All of them are in <code>pairs.csv</code>.</caption>"
        '<thead><tr><th scope="col" class="n">Line</th><th scope="col" class="n">and</th>'
        '<th scope="col">Verdict</th><th scope="col">Because of</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _households(households: Mapping[str, int], rows: int) -> str:
    share = f"{100 * households['people'] / rows:.0f} %" if rows else "none"
    return _section(
        "Households",
        f"People with one last name at one address: {share} of all rows live in one. One "
        "catalogue to each is enough, and their rows are not to be merged.",
        _facts((households["count"], "households"), (households["people"], "people in them")),
    )


def _merges(merges: Mapping[str, Mapping[str, int]]) -> str:
    if not merges["contested_fields"]:
        return ""
    contested = [(_words(field), count) for field, count in merges["contested_fields"].items()]
    decided = list(merges["decided_by"].items())
    return _section(
        "If they were merged",
        "Where rows of one person disagree, a valid value goes before an invalid one, then the "
        "newest, then what most rows say, then the most complete. The parts of an address come "
        "from one row. Every choice is in <code>merges.csv</code>.",
        f"<h3>Fields to choose in</h3>{_bars(contested, 'mark')}"
        f"<h3>What decided</h3>{_bars(decided, 'mark')}",
    )


def _method(data: Mapping[str, Any]) -> str:
    columns = "".join(
        f"<dt>{_words(role)}</dt><dd>{escape(name)}</dd>" for role, name in data["columns"].items()
    )
    return _section(
        "How this was found",
        f"Rows were compared by {escape(data['engine'])}, in a model after Fellegi and Sunter. "
        "The file is as it was: this was a trial. A value is valid if it can be right; whether a "
        "mailbox or a house exists, only a message or a register tells.",
        f"<h3>Columns</h3><dl>{columns}</dl>",
    )


# Drawings -----------------------------------------------------------------------------------------


def _ring(value: float | None, title: str) -> str:
    """A figure in a ring that is filled as far."""
    around = 226.2  # the length of a circle with radius 36
    filled = around * (value or 0) / 100
    text = _percent(value)
    arc = (
        f'<circle class="{_style(value)}" cx="42" cy="42" r="36" fill="none" '
        f'stroke="currentColor" stroke-width="8" stroke-dasharray="{filled:.1f} {around}" '
        'stroke-linecap="butt" transform="rotate(-90 42 42)"/>'
        if value
        else ""
    )
    return (
        f'<svg width="84" height="84" viewBox="0 0 84 84" role="img" aria-label="{title}: {text}">'
        '<circle cx="42" cy="42" r="36" fill="none" stroke="var(--track)" stroke-width="8"/>'
        f'{arc}<text x="42" y="47" text-anchor="middle" font-size="14" font-weight="700" '
        f'fill="currentColor">{text}</text></svg>'
    )


def _bar(value: float | None) -> str:
    """A figure behind a small bar; the figure is text, the bar only drawing."""
    if value is None:
        return f'<span class="soft" title="does not apply">{_NOTHING}</span>'
    return (
        f'<svg class="{_style(value)}" width="64" height="10" aria-hidden="true">'
        '<rect width="64" height="10" rx="5" fill="var(--track)"/>'
        f'<rect width="{0.64 * value:.1f}" height="10" rx="5" fill="currentColor"/></svg>'
        f"{_percent(value)}"
    )


def _bars(rows: Sequence[tuple[str, int]], style: str) -> str:
    """Counts as a table with a bar each."""
    most = max(count for _, count in rows) or 1
    cells = "".join(
        f'<tr><th scope="row">{escape(text)}</th><td class="n">{count:,}</td><td class="drawn">'
        f'<svg class="{style}" width="100%" height="12" aria-hidden="true">'
        f'<rect width="{100 * count / most:.1f}%" height="12" rx="3" fill="currentColor"/>'
        "</svg></td></tr>"
        for text, count in rows
    )
    return f'<table class="bars"><tbody>{cells}</tbody></table>'


# Words --------------------------------------------------------------------------------------------


def _section(title: str, text: str, content: str) -> str:
    return f"<section>\n<h2>{title}</h2>\n<p>{text}</p>\n{content}\n</section>"


def _facts(*facts: tuple[int, str]) -> str:
    items = "".join(f"<li><b>{count:,}</b>{text}</li>" for count, text in facts)
    return f'<ul class="facts">{items}</ul>'


def _style(value: float) -> str:
    return "good" if value >= _GOOD else "fair" if value >= _POOR else "poor"


def _percent(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.1f} %".replace(".0 %", " %")


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _words(name: str) -> str:
    plain = name.replace("_", " ").capitalize()
    return {"email": "E-mail", "id": "Customer number"}.get(name, plain)
