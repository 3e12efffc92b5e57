"""``checkoutflow freshen``: let moves, deaths and opt-outs into a customer base."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from checkoutflow.cli.bar import Bar
from checkoutflow.cli.files import columns_of, key_from, market_of
from checkoutflow.errors import UsageError
from checkoutflow.flow.host import system_clock
from checkoutflow.quality.feed_files import FeedFile, read_feed
from checkoutflow.quality.feeds import Kind, News
from checkoutflow.quality.freshen import Freshened, freshen
from checkoutflow.quality.suppression import DigestList

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from checkoutflow.cli.paper import Paper

_MARGIN: Final = 17
_MOST_SHOWN: Final = 10  # rows of a feed that are refused
_WORDS: Final = {
    "moved": "moved",
    "died": "died",
    "opted_out": "opted out",
    "marketing_blocked": "blocked by a list",
    "marketing_free": "on no list any more",
}


def run(arguments: Namespace, paper: Paper) -> int:
    """Write the fresh base and its log; 1 if rows of a feed were refused."""
    market = market_of(arguments)
    today = arguments.today or system_clock().date()
    if not (arguments.feed or arguments.list):
        raise UsageError("--feed: give a feed, or a list with --list; there is nothing to do")
    out: Path = arguments.out
    log: Path = arguments.log or out.with_name(f"{out.stem}.changes.csv")
    bar, news = Bar(), News()
    with ExitStack() as stack:
        stack.callback(bar.close)
        lists = []
        for path in arguments.list:
            opened = DigestList.open(path, key=key_from(arguments), today=today)
            lists.append(stack.enter_context(opened))
        feeds = []
        for kind, path in map(feed_of, arguments.feed):
            feed = read_feed(
                path,
                news.add,
                market=market,
                today=today,
                since=arguments.since,
                kind=kind,
                tick=bar,
            )
            if feed.refused and not feed.taken:
                raise UsageError(f"{path}: no row can be used; {_problem(feed, 0)}")
            feeds.append(feed)
        found = freshen(
            arguments.customers,
            news,
            market=market,
            today=today,
            out=out,
            log=log,
            lists=lists,
            columns=columns_of(arguments),
            tick=bar,
        )
    if arguments.json:
        paper.document(_document(found, feeds))
    else:
        _print(found, feeds, paper, arguments.customers, out, log)
    return 1 if any(feed.refused for feed in feeds) else 0


def feed_of(text: str) -> tuple[Kind | None, Path]:
    """A feed's file, and what it is of if all of it is of one kind."""
    word, equals, path = text.partition("=")
    if equals and word in set(Kind):
        return Kind(word), Path(path)
    return None, Path(text)


def _problem(feed: FeedFile, number: int) -> str:
    row, column, text = feed.problems[number]
    return f"row {row}, {column}: {text}"


def _document(found: Freshened, feeds: Sequence[FeedFile]) -> dict[str, object]:
    return {
        "rows": found.rows,
        "changed": found.changed,
        "changes": dict(sorted(found.changes.items())),
        "feeds": feeds_document(feeds),
    }


def feeds_document(feeds: Sequence[FeedFile]) -> list[dict[str, object]]:
    """The same for machines."""
    return [
        {
            "file": feed.name,
            "rows": feed.rows,
            "taken": feed.taken,
            "to_come": feed.to_come,
            "too_old": feed.too_old,
            "refused": feed.refused,
            "problems": [problem._asdict() for problem in feed.problems],
        }
        for feed in feeds
    ]


def print_feeds(feeds: Sequence[FeedFile], paper: Paper) -> None:
    """Say of each feed how much was taken in, and what was wrong with the rest."""
    for feed in feeds:
        paper.section(f"{feed.name}, {feed.rows:,} rows")
        for label, count, text in (
            ("taken in", feed.taken, ""),
            ("to come", feed.to_come, "of a day still to come: run it again then"),
            ("left out", feed.too_old, "of days before --since"),
            ("refused", feed.refused, "say too little, or what cannot be:"),
        ):
            if count or label == "taken in":
                paper.entry(label, f"{count:,} {text}", margin=_MARGIN)
        for number in range(min(len(feed.problems), _MOST_SHOWN)):
            paper.entry("", _problem(feed, number), "red", margin=_MARGIN)
        if feed.refused > _MOST_SHOWN:
            paper.entry("", "and more; --json has them all", "dim", margin=_MARGIN)


def _print(
    found: Freshened,
    feeds: Sequence[FeedFile],
    paper: Paper,
    base: Path,
    out: Path,
    log: Path,
) -> None:
    paper.heading("What happened to the customers?", f"{base.name}, {found.rows:,} rows")
    print_feeds(feeds, paper)
    paper.section("The base")
    for what, word in _WORDS.items():
        if count := found.changes[what]:
            paper.entry(word, f"{count:,}", margin=_MARGIN)
    paper.entry("rows changed", f"{found.changed:,} of {found.rows:,}", margin=_MARGIN)
    paper.line()
    paper.line(f"  {out}: the fresh base; personal data, readable by you alone")
    paper.line(f"  {log}: which row changed how, and what says so; no values")
    paper.line()
