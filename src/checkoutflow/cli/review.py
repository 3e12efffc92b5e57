"""``checkoutflow review``: signals, lists, and rules tried against past orders."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.cli.files import open_kept, read_review, read_shop
from checkoutflow.cli.paper import columns, moment
from checkoutflow.errors import UsageError
from checkoutflow.money import Money
from checkoutflow.review.signals import SIGNALS
from checkoutflow.stores.pages import every_checkout

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from checkoutflow.cli.paper import Paper
    from checkoutflow.review.backtest import Backtest, Past, Tally, Tried
    from checkoutflow.stores.contract import ListingRow
    from checkoutflow.stores.sql import SqlStore

_PAGE: Final = 500


def run(arguments: Namespace, paper: Paper) -> int:
    """Do one of the things that there are to do."""
    return _ACTIONS[arguments.action](arguments, paper)


# Signals ------------------------------------------------------------------------------------------


def _signals(arguments: Namespace, paper: Paper) -> int:
    if arguments.write:
        arguments.write.mkdir(parents=True, exist_ok=True)
        for name, content in files().items():
            file = arguments.write / name
            file.write_text(content, encoding="utf-8", newline="\n")
            paper.line(str(file))
    elif arguments.json:
        paper.document(
            {
                signal.name: {
                    "meaning": signal.meaning,
                    "unit": signal.unit or "yes or no",
                    "data": signal.data,
                    "kept": signal.kept,
                }
                for signal in SIGNALS.values()
            }
        )
    else:
        for line in columns([(signal.name, signal.meaning) for signal in SIGNALS.values()]):
            paper.line(line)
    return 0


_TOP: Final = """\
# Signals

Made by `checkoutflow review signals --write docs/reference` from the table that the library itself
works from; a test compares. A signal that is not known of an order is left out, and a rule that
asks for it does not apply.
"""


def files() -> dict[str, str]:
    """The page, by file name."""
    rows = [
        "| signal | meaning | counts | worked out from | kept for it |",
        "|---|---|---|---|---|",
    ]
    for signal in SIGNALS.values():
        counts = signal.unit or "yes or no"
        rows.append(
            f"| `{signal.name}` | {signal.meaning} | {counts} | {signal.data} | {signal.kept} |"
        )
    return {"signals.md": "\n".join([_TOP, *rows, ""])}


# Rules tried against the past ---------------------------------------------------------------------


def _backtest(arguments: Namespace, paper: Paper) -> int:
    from checkoutflow.review.backtest import backtest  # noqa: PLC0415 -- only this action needs it

    rules = read_review(arguments.rules)
    store = open_kept(arguments.db)
    try:
        found = backtest(rules, _past(store))
    finally:
        store.close()
    if arguments.json:
        paper.document(_plain(found))
    else:
        _print(found, paper)
    return 0


def _past(store: SqlStore) -> Iterator[Past]:
    """Every order that money was reserved for, a page at a time."""
    from checkoutflow.checkout.follow import order_of  # noqa: PLC0415 -- only this action needs it
    from checkoutflow.checkout.reviewed import fate_of, is_an_order  # noqa: PLC0415 -- see above
    from checkoutflow.review.backtest import Past  # noqa: PLC0415 -- only this action needs it

    for state in every_checkout(store):
        if is_an_order(state):
            was_held = state.review is not None
            yield Past(order_of(state), state.signals, fate_of(state), was_held)


def _plain(found: Backtest) -> dict[str, Any]:
    return {
        "orders": _counted(found.looked_at),
        "bad": _counted(found.bad),
        "held_then": _counted(found.was_held),
        "without_signals": _counted(found.unnoticed),
        **_tried(found.tried),
        "missed": _counted(found.missed),
        "rules": {name: _tried(tried) for name, tried in found.rules.items()},
    }


def _tried(tried: Tried) -> dict[str, object]:
    return {
        "held": _counted(tried.held),
        "caught": _counted(tried.caught),
        "delayed": _counted(tried.delayed),
    }


def _counted(tally: Tally) -> dict[str, object]:
    return {"orders": tally.orders, "amounts": _amounts(tally)}


def _amounts(tally: Tally) -> list[str]:
    return [str(Money(minor, currency)) for currency, minor in sorted(tally.amounts.items())]


def _print(found: Backtest, paper: Paper) -> None:
    paper.heading("These rules and past orders", f"{found.looked_at.orders} orders")
    rows = [
        ("looked at", found.looked_at),
        ("turned out bad", found.bad),
        ("held then", found.was_held),
        ("would be held", found.tried.held),
        ("  of them bad: caught", found.tried.caught),
        ("  of them good: delayed", found.tried.delayed),
        ("bad and let through", found.missed),
        ("without signals", found.unnoticed),
    ]
    table = [(name, str(tally.orders), ", ".join(_amounts(tally))) for name, tally in rows]
    for line in columns([("", "orders", "worth"), *table], right=[1]):
        paper.line(line)
    hits = [
        (name, str(tried.held.orders), str(tried.caught.orders), str(tried.delayed.orders))
        for name, tried in found.rules.items()
        if tried.held.orders
    ]
    paper.section("Rules that apply")
    if hits:
        head = ("rule", "applies to", "bad", "good")
        for line in columns([head, *hits], right=range(1, 4)):
            paper.line(line)
    else:
        paper.line("None applies to any of these orders.")


# Lists --------------------------------------------------------------------------------------------


def _lists(arguments: Namespace, paper: Paper) -> int:
    store = open_kept(arguments.db)
    try:
        rows = list(_listed(store))
    finally:
        store.close()
    if arguments.json:
        paper.document([_plain_listing(row) for row in rows])
    elif rows:
        head = ("list", "kind", "what", "until", "by", "reason")
        lines = [
            (row.list, row.kind, row.value, moment(row.expires_at), row.by, row.reason)
            for row in rows
        ]
        for line in columns([head, *lines]):
            paper.line(line)
    else:
        paper.line("Nothing is on a list.")
    return 0


def _listed(store: SqlStore) -> Iterator[ListingRow]:
    after = ("", "")
    while page := store.listings(after=after, limit=_PAGE):
        yield from page
        after = (page[-1].kind, page[-1].value)


def _plain_listing(row: ListingRow) -> dict[str, str]:
    return {
        "list": row.list,
        "kind": row.kind,
        "value": row.value,
        "reason": row.reason,
        "by": row.by,
        "at": row.at.isoformat(),
        "expires_at": row.expires_at.isoformat(),
    }


def _list(arguments: Namespace, paper: Paper) -> int:
    """Put something on a list."""
    from checkoutflow.cli.person import keys_of, office_flow  # noqa: PLC0415 -- it loads a flow

    given = {"sku": arguments.sku or "", "market": arguments.market or ""}
    if arguments.stdin:
        given |= _typed(sys.stdin.read().splitlines())
    store = open_kept(arguments.db)
    try:
        flow = office_flow(store, keys_of(arguments), read_shop(arguments.shop))
        put = flow.block if arguments.action == "block" else flow.allow
        rows = put(
            reason=arguments.reason,
            by=arguments.by,
            days=arguments.days,
            order=arguments.order or "",
            kinds=arguments.kind,
            **{name: value for name, value in given.items() if value},
        )
    finally:
        store.close()
    for row in rows:
        paper.line(f"{row.list} {row.kind} {row.value} until {moment(row.expires_at)}")
    return 0


def _typed(lines: Sequence[str]) -> Mapping[str, str]:
    """Contact details that nobody else sees: not in the list of processes, nor in a history.

    Raises:
        UsageError: If a line is no ``name=value``.
    """
    pairs = [line.partition("=") for line in lines if line.strip()]
    if any(not sign for _, sign, _ in pairs):
        raise UsageError("write lines like email=name@example.com")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _unlist(arguments: Namespace, paper: Paper) -> int:
    store = open_kept(arguments.db)
    try:
        was_there = store.remove_listing(arguments.kind, arguments.value)
    finally:
        store.close()
    paper.line("It is on no list any more." if was_there else "It was on no list.")
    return 0 if was_there else 1


_ACTIONS: Final[Mapping[str, Callable[[Namespace, Paper], int]]] = {
    "signals": _signals,
    "backtest": _backtest,
    "lists": _lists,
    "block": _list,
    "allow": _list,
    "unlist": _unlist,
}
