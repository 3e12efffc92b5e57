"""``checkoutflow quality``: how good is a customer base, and who stands in it twice?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from checkoutflow.cli.bar import Bar
from checkoutflow.cli.files import columns_of, market_of
from checkoutflow.cli.paper import columns
from checkoutflow.flow.host import system_clock
from checkoutflow.quality import report
from checkoutflow.quality.home import home_of
from checkoutflow.quality.wash import Wash, require_extra, wash

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

    from checkoutflow.cli.paper import Paper


def run(arguments: Namespace, paper: Paper) -> int:
    """Wash a base for trial, print the figures and write the report."""
    require_extra("tqdm")
    if not arguments.market:
        arguments.market = home_of(arguments.customers, columns_of(arguments))
    market = market_of(arguments)
    bar = Bar()
    try:
        found = wash(
            arguments.customers,
            market=market,
            today=arguments.today or system_clock().date(),
            out=arguments.out,
            columns=columns_of(arguments),
            tick=bar,
        )
    finally:
        bar.close()
    if arguments.out:
        report.write(found, arguments.out)
    if arguments.json:
        paper.document(report.document(found))
    else:
        _print(found, market, paper)
        if arguments.out:
            paper.line(f"  {arguments.out / 'report.html'}: the report; figures only")
            paper.line(
                "  pairs.csv, clusters.csv, households.csv, merges.csv beside it: "
                "personal data, readable by you alone"
            )
        else:
            paper.line("  With --out DIR it writes a report, and files of pairs and merges.")
        paper.line()
    return 0


def _print(found: Wash, market: str, paper: Paper) -> None:
    data = report.document(found)
    paper.heading(
        "How good is the customer base?", f"{found.file}, {data['rows']:,} rows in {market}"
    )
    rows: list[tuple[str, ...]] = [("in per cent", *report.MEASURES)]
    rows += [(name, *_cells(each)) for name, each in data["fields"].items()]
    rows.append(("in all", *_cells(data["total"])))
    paper.line()
    for line in columns(rows, right=range(1, 5)):
        paper.line(f"  {line}")
    doubles, households = data["duplicates"], data["households"]
    paper.section("Who stands in it twice")
    for label, count, text in (
        ("people", doubles["people"], "have more than one row"),
        ("rows", doubles["surplus_rows"], "would go if each of them had one"),
        ("pairs", doubles["pairs_to_look_at"], "are for a person to look at"),
        ("households", households["count"], f"hold {households['people']:,} people"),
    ):
        paper.entry(label, f"{count:,} {text}")
    paper.line()


def _cells(measures: Mapping[str, float | None]) -> list[str]:
    each = (measures[name] for name in report.MEASURES)
    return ["" if value is None else f"{value:.1f}" for value in each]
