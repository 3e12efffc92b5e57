"""``checkoutflow review list`` and what goes with it: a reviewer's work, and what came of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from checkoutflow.cli.files import database, open_kept, read_shop
from checkoutflow.cli.paper import columns, moment
from checkoutflow.errors import InvalidInput, UsageError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Mapping, Sequence

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.cli.paper import Paper
    from checkoutflow.flow.effects import AskStore
    from checkoutflow.flow.reviewing import ReviewFile
    from checkoutflow.flow.sync import CheckoutFlow
    from checkoutflow.review.figures import Figures
    from checkoutflow.review.machine import Request
    from checkoutflow.review.queue import Waiting
    from checkoutflow.shop import Shop
    from checkoutflow.stores.sql import SqlStore

# What opens a customer's details: to look at them, to keep a note beside them, and, where an order
# is confirmed, to keep them for as long as a sale's are kept.
_OPENING: Final = frozenset({"show", "note", "approve"})
_MARGIN: Final = 12
_NOTHING: Final = "-"
_ENGLISH: Final = "en"  # as all of the command line
_ASKS: Final = ("code", "login", "contact")


def add(
    action: Callable[[str, str], ArgumentParser], keys: Callable[[ArgumentParser], None]
) -> None:
    """Add the commands.

    Args:
        action: Adds a command, given its name and what it does.
        keys: Adds where a command finds settings and keys.
    """
    made = {name: action(name, text) for name, text in _COMMANDS.items()}
    for name, each in made.items():
        each.set_defaults(run="review_queue")
        each.add_argument("--db", type=database, required=True, metavar="DB", help="file, or URL")
        if name not in {"list", "report"}:
            each.add_argument("checkout", metavar="ID", help="the checkout's id")
            each.add_argument("--by", required=True, metavar="NAME", help="the reviewer")
        if name in _OPENING:
            keys(each)
        elif name != "report":
            each.add_argument(
                "--shop", type=Path, required=True, metavar="FILE", help="settings (TOML, JSON)"
            )
        each.add_argument("--json", action="store_true", help="print one JSON document")
    made["list"].add_argument("--limit", type=int, default=50, metavar="N", help="default: 50")
    made["show"].add_argument("--locale", default="en_GB", metavar="XX", help="of reasons")
    made["hand-over"].add_argument("--to", required=True, metavar="NAME", help="another reviewer")
    made["ask"].add_argument(
        "--for", required=True, dest="what", choices=_ASKS, help="what they are to do"
    )
    made["ask"].add_argument(
        "--over", default="", choices=("email", "phone"), help="of a code: where it is sent"
    )
    made["reject"].add_argument(
        "--reason", required=True, metavar="CODE", help="why; --reason help lists them"
    )
    made["report"].add_argument(
        "--report", type=Path, metavar="DIR", help="write figures and a page"
    )


_COMMANDS: Final[Mapping[str, str]] = {
    "list": "print the orders that wait for a person, the most urgent first",
    "show": "print what a decision needs; that it was read is on record",
    "claim": "take an order on, or keep it for longer",
    "release": "let go of an order",
    "hand-over": "give an order to another reviewer",
    "note": "write a note about an order, read from stdin",
    "ask": "ask the customer for a code, a login or a word; the deadline goes on",
    "approve": "let an order through",
    "reject": "turn an order down, and release the money",
    "report": "print what came of reviewing, in figures",
}


def run(arguments: Namespace, paper: Paper) -> int:
    """Do one of the things that there are to do."""
    if arguments.action == "reject" and arguments.reason == "help":
        return _reasons(paper)
    store = open_kept(arguments.db)
    try:
        return _ACTIONS[arguments.action](arguments, store, paper)
    finally:
        store.close()


def _reasons(paper: Paper) -> int:
    from checkoutflow.review.machine import REASONS  # noqa: PLC0415 -- only this needs it

    for line in columns([(code, text) for code, text in REASONS.items()]):
        paper.line(line)
    return 0


# A flow for reviewers -----------------------------------------------------------------------------


def _desk(arguments: Namespace, store: SqlStore) -> CheckoutFlow:
    """A flow that sells nothing and sends nothing, so that it needs no credentials.

    What needs no key gets one that opens nothing.
    """
    from checkoutflow.cli.person import keys_of  # noqa: PLC0415 -- it loads a flow
    from checkoutflow.flow.host import system_clock, system_random  # noqa: PLC0415 -- see above
    from checkoutflow.flow.sync import CheckoutFlow  # noqa: PLC0415 -- see above
    from checkoutflow.payment.methods import Method  # noqa: PLC0415 -- see above
    from checkoutflow.privacy.vault import Keys  # noqa: PLC0415 -- see above

    shop = read_shop(arguments.shop)
    quiet = shop.but(
        methods=(Method.read({"id": "own_invoice", "name": shop.name}),),
        steering=(),
        experiments=(),
    )
    opens = arguments.action in _OPENING
    keys = keys_of(arguments) if opens else Keys.of(system_random(32))
    return CheckoutFlow(quiet, store=store, keys=keys, clock=system_clock)


def _selling(arguments: Namespace, store: SqlStore) -> CheckoutFlow:
    """A flow with the shop's own providers: it releases money."""
    from checkoutflow.flow.host import system_clock, system_random  # noqa: PLC0415 -- heavy
    from checkoutflow.flow.sync import CheckoutFlow  # noqa: PLC0415 -- heavy
    from checkoutflow.privacy.vault import Keys  # noqa: PLC0415 -- heavy
    from checkoutflow.providers.registry import open_providers  # noqa: PLC0415 -- heavy
    from checkoutflow.shop import read_settings  # noqa: PLC0415 -- heavy

    shop: Shop = read_shop(arguments.shop)
    match read_settings(arguments.shop):
        case {"providers": dict(tables)}:
            providers = open_providers(tables, os.environ)
        case _:
            providers = ()
    keys = Keys.of(system_random(32))  # a void needs nobody's details
    return CheckoutFlow(shop, providers=providers, store=store, keys=keys, clock=system_clock)


# The queue ----------------------------------------------------------------------------------------


def _list(arguments: Namespace, store: SqlStore, paper: Paper) -> int:
    from checkoutflow.flow.review_documents import plain  # noqa: PLC0415 -- only for this

    queue = _desk(arguments, store).reviews(limit=arguments.limit)
    if arguments.json:
        paper.document([plain(order) for order in queue])
    elif queue:
        head = ("order", "worth", "decide by", "score", "who has it", "asked", "why")
        for line in columns([head, *map(_row, queue)], right=[1, 3]):
            paper.line(line)
    else:
        paper.line("No order waits for a person.")
    return 0


def _row(order: Waiting) -> tuple[str, ...]:
    asked = order.request
    who = order.reviewer or _NOTHING
    if order.needs_two:
        who += f" (second to {order.endorsed_by})" if order.endorsed_by else " (needs two)"
    return (
        order.checkout,
        str(order.total),
        moment(order.deadline),
        _percent(order.probability),
        who,
        f"{asked.what}: {asked.answer or 'no answer yet'}" if asked else _NOTHING,
        "; ".join(order.reasons),
    )


def _show(arguments: Namespace, store: SqlStore, paper: Paper) -> int:
    from checkoutflow.flow.review_documents import plain_file  # noqa: PLC0415 -- only for this

    found = _desk(arguments, store).open_review(arguments.checkout, reviewer=arguments.by)
    if arguments.json:
        paper.document(plain_file(found, arguments.locale))
    else:
        _print_file(found, arguments.locale, paper)
    return 0


def _print_file(found: ReviewFile, locale: str, paper: Paper) -> None:
    from checkoutflow.flow.review_documents import goods, payments  # noqa: PLC0415 -- only for this

    order, sale = found.waiting, found.checkout
    paper.heading(f"Order {order.checkout}", str(order.total))
    rows: list[tuple[str, Sequence[str]]] = [
        ("state", [f"{order.state}, to be decided by {moment(order.deadline)}"]),
        ("who has it", [order.reviewer] if order.reviewer else []),
        ("first yes", [order.endorsed_by] if order.endorsed_by else []),
        ("why", order.reasons),
        ("rules", [f"{hit.rule}{' (shadow)' if hit.shadow else ''}" for hit in sale.hits]),
        ("score", [_percent(order.probability), *found.opinion.words(locale)]),
        ("goods", goods(sale)),
        ("delivery", [sale.delivery] if sale.delivery else []),
        ("payment", payments(sale)),
        ("customer", [f"{name}: {value}" for name, value in found.details.items()]),
        ("signals", [f"{name}: {value}" for name, value in sorted(sale.signals.items())]),
        ("asked", list(map(_request, _asked(sale)))),
        ("notes", [f"{moment(note.at)}, {note.by}: {note.text}" for note in found.notes]),
    ]
    for label, texts in rows:
        for i, text in enumerate(texts):
            paper.entry("" if i else label, text, margin=_MARGIN)


def _asked(sale: Checkout) -> Sequence[Request]:
    return sale.review.requests if sale.review else ()


def _request(asked: Request) -> str:
    """What the customer was asked for, and what came of it; what they wrote is a note."""
    over = f" by {asked.by}" if asked.by else ""
    if asked.answered_at is None:
        return f"{asked.what}{over}: no answer yet, since {moment(asked.asked_at)}"
    return f"{asked.what}{over}: {asked.answer}, {moment(asked.answered_at)}"


# What a reviewer does -----------------------------------------------------------------------------


def _claim(arguments: Namespace, store: SqlStore, paper: Paper) -> int:
    flow = _desk(arguments, store)
    return _told(flow.claim(arguments.checkout, reviewer=arguments.by), arguments, paper)


def _release(arguments: Namespace, store: SqlStore, paper: Paper) -> int:
    flow = _desk(arguments, store)
    return _told(flow.release(arguments.checkout, reviewer=arguments.by), arguments, paper)


def _hand_over(arguments: Namespace, store: SqlStore, paper: Paper) -> int:
    flow = _desk(arguments, store)
    sale = flow.hand_over(arguments.checkout, reviewer=arguments.by, to=arguments.to)
    return _told(sale, arguments, paper)


def _note(arguments: Namespace, store: SqlStore, paper: Paper) -> int:
    flow = _desk(arguments, store)
    sale = flow.note(arguments.checkout, sys.stdin.read(), reviewer=arguments.by)
    return _told(sale, arguments, paper)


def _ask(arguments: Namespace, store: SqlStore, paper: Paper) -> int:
    what, by = arguments.what, arguments.over
    if (what == "code") != bool(by):
        raise UsageError("--over: email or phone, for a code and nothing else")
    flow = _desk(arguments, store)
    try:
        sale = flow.ask(arguments.checkout, what, by=by, reviewer=arguments.by)
    except InvalidInput as error:
        if error.field != "by":
            raise
        raise UsageError(f"--over: the customer gave no {by} for this order") from None
    status = _told(sale, arguments, paper)
    if not arguments.json and "review_asked" not in read_shop(arguments.shop).messages:
        text = "Tell them: review_asked is not among the shop's messages."
        paper.entry("", text, margin=_MARGIN)
    return status


def _approve(arguments: Namespace, store: SqlStore, paper: Paper) -> int:
    flow = _desk(arguments, store)
    return _told(flow.approve(arguments.checkout, reviewer=arguments.by), arguments, paper)


def _reject(arguments: Namespace, store: SqlStore, paper: Paper) -> int:
    with _selling(arguments, store) as flow:
        sale = flow.reject(arguments.checkout, reviewer=arguments.by, reason=arguments.reason)
    return _told(sale, arguments, paper)


def _told(sale: Checkout, arguments: Namespace, paper: Paper) -> int:
    """Say how the order stands now."""
    from checkoutflow.flow.review_documents import (  # noqa: PLC0415 -- only for this
        payments,
        plain_standing,
    )

    review = sale.review
    assert review is not None  # noqa: S101 -- whoever could act on it, acted on one
    if arguments.json:
        paper.document(plain_standing(sale))
        return 0
    paper.entry("order", f"{sale.id} is {sale.phase}", margin=_MARGIN)
    paper.entry("review", f"{review.state} ({review.reviewer or 'nobody'})", margin=_MARGIN)
    if review.is_open and review.claimed_until:
        paper.entry("until", moment(review.claimed_until), margin=_MARGIN)
    for asked in review.requests[-1:]:
        paper.entry("asked", _request(asked), margin=_MARGIN)
    for line in payments(sale):
        paper.entry("payment", line, margin=_MARGIN)
    return 0


# Figures ------------------------------------------------------------------------------------------


def _report(arguments: Namespace, store: SqlStore, paper: Paper) -> int:
    from checkoutflow.flow.effects import drive  # noqa: PLC0415 -- only the report needs it
    from checkoutflow.flow.reviewing import review_figures  # noqa: PLC0415 -- as above
    from checkoutflow.review.figures import document  # noqa: PLC0415 -- as above
    from checkoutflow.review.report import NO_RULE, aims, summary  # noqa: PLC0415 -- as above

    # It asks the store and nothing else, so that neither keys nor settings are needed.
    found = drive(review_figures(), lambda effect: cast("AskStore", effect).on(store))
    if arguments.report:
        _write(arguments.report, found)
    if arguments.json:
        paper.document(document(found))
        return 0
    paper.heading("What came of reviewing", f"{found.orders} orders")
    for name, value in summary(found, _ENGLISH):
        paper.entry(name, value, margin=24)
    head, *rows = aims(found, _ENGLISH)
    paper.section("Rules and score")
    if rows:
        for line in columns([head, *rows], right=range(1, len(head))):
            paper.line(line)
    else:
        paper.line(NO_RULE)
    if arguments.report:
        paper.line()
        paper.line(f"  {arguments.report / 'review.html'}: the report, with charts")
    return 0


def _write(folder: Path, found: Figures) -> None:
    import json  # noqa: PLC0415 -- only here

    from checkoutflow.cli.review_page import page  # noqa: PLC0415 -- only here
    from checkoutflow.review.figures import document  # noqa: PLC0415 -- only here

    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document(found), indent=2) + "\n"
    (folder / "review.json").write_text(text, encoding="utf-8")
    (folder / "review.html").write_text(page(found), encoding="utf-8")


def _percent(share: float | None) -> str:
    return _NOTHING if share is None else f"{100 * share:.0f} %"


_ACTIONS: Final[Mapping[str, Callable[[Namespace, SqlStore, Paper], int]]] = {
    "list": _list,
    "show": _show,
    "claim": _claim,
    "release": _release,
    "hand-over": _hand_over,
    "note": _note,
    "ask": _ask,
    "approve": _approve,
    "reject": _reject,
    "report": _report,
}
