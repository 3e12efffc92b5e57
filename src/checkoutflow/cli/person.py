"""``checkoutflow person``: what a shop does for people who ask about their data, and the sweep."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import astuple
from typing import TYPE_CHECKING, Final

from checkoutflow.cli.files import Server, open_kept, read_shop, sells_nothing
from checkoutflow.cli.paper import columns
from checkoutflow.errors import InvalidInput, UsageError
from checkoutflow.flow.host import system_clock, system_random
from checkoutflow.flow.sync import CheckoutFlow
from checkoutflow.privacy.environment import keys_from_environment
from checkoutflow.privacy.vault import Keys
from checkoutflow.stores.keyfile import add_key, load_keys

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from checkoutflow.cli.paper import Paper
    from checkoutflow.flow.exports import Export
    from checkoutflow.flow.rights import Erased
    from checkoutflow.quality.feeds import Event
    from checkoutflow.shop import Shop
    from checkoutflow.stores.sql import SqlStore

_MARGIN: Final = 14
_FOUND_BY: Final = ("email", "phone", "login")
_FILES: Final = ("person.json", "person.html")
# What goes in a month: fields and of how many people, and the same in the books.
_COUNTS: Final = ("fields", "people", "book_fields", "sales")


def run(arguments: Namespace, paper: Paper) -> int:
    """Do one of the things that there are to do; nothing personal is printed."""
    store = open_kept(arguments.db)
    try:
        return _ACTIONS[arguments.action](arguments, store, paper)
    finally:
        store.close()


def _find(arguments: Namespace, store: SqlStore, paper: Paper) -> int:
    flow = office_flow(store, keys_of(arguments), read_shop(arguments.shop))
    (by,) = (name for name in _FOUND_BY if getattr(arguments, name))
    people = flow.find_people(**{by: _asked(by)})
    if arguments.json:
        paper.document(people)
    else:
        for person in people:
            paper.line(person)
    return 0 if people else 1


def _export(arguments: Namespace, store: SqlStore, paper: Paper) -> int:
    """Write what is kept under the references: for machines, and for the person."""
    # The page is for one who waits for it; the other commands do without its texts.
    from checkoutflow.flow.export_page import export_page  # noqa: PLC0415 -- see above
    from checkoutflow.flow.exports import plain  # noqa: PLC0415 -- see above

    shop = read_shop(arguments.shop) if arguments.shop else None
    flow = office_flow(store, keys_of(arguments))
    at = system_clock()
    exports = _without_parts([flow.export_person(person) for person in arguments.person])
    locale = arguments.locale or _locale(exports)
    name = shop.name if shop else ""
    document = {"at": at.isoformat(), "shop": name, "people": [plain(each) for each in exports]}
    texts = (
        json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        export_page(exports, at, shop=name, locale=locale),
    )
    arguments.out.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file, text in zip(_FILES, texts, strict=True):
        _write(arguments.out / file, text)
        paper.line(str(arguments.out / file))
    return 0


def _erase(arguments: Namespace, store: SqlStore, paper: Paper) -> int:
    """Erase; 1 if something stays until a sale is over."""
    flow = office_flow(store)
    erased = [flow.erase_person(person, reason=arguments.reason) for person in arguments.person]
    gone = list(dict.fromkeys(person for each in erased for person in each.people))
    kept = {sale: str(until) for each in erased for sale, until in each.kept_until.items()}
    open_ = list(dict.fromkeys(sale for each in erased for sale in each.open))
    if arguments.json:
        proofs = [
            {"person": row.subject, "at": str(row.at), "reason": row.reason}
            for person in _all_of(arguments.person, erased)
            for row in store.erasures(person)
        ]
        paper.document({"erased": gone, "kept_until": kept, "open": open_, "proofs": proofs})
        return 1 if open_ else 0
    for person in _all_of(arguments.person, erased):
        for row in store.erasures(person):
            paper.entry("erased", f"{row.subject} at {row.at:%Y-%m-%d %H:%M} UTC", margin=_MARGIN)
            paper.entry("", f"reason: {row.reason}", "dim", margin=_MARGIN)
    for sale, until in kept.items():
        paper.entry("books", f"{sale}: name and address until {until[:10]}", margin=_MARGIN)
    for sale in open_:
        text = f"{sale} is under way, or not paid for: it is erased by itself when it is over"
        paper.entry("open", text, "cyan", margin=_MARGIN)
    return 1 if open_ else 0


def _restrict(arguments: Namespace, store: SqlStore, paper: Paper) -> int:
    flow = office_flow(store)
    for person in arguments.person:
        flow.restrict_person(person, is_restricted=not arguments.lift)
        word = "is used again" if arguments.lift else "is only kept from now on"
        paper.line(f"{person}: what there is of this person {word}")
    return 0


def _opt_out(arguments: Namespace, store: SqlStore, paper: Paper) -> int:
    """Take in opt-outs from feeds; 1 if rows were refused."""
    # What reads customer bases is for this alone.
    from checkoutflow.cli.freshen import feed_of, feeds_document, print_feeds  # noqa: PLC0415 -- see above
    from checkoutflow.quality.feed_files import read_feed  # noqa: PLC0415 -- see above
    from checkoutflow.quality.feeds import Kind  # noqa: PLC0415 -- see above

    if not arguments.feed:
        raise UsageError("--feed: give a file; there is nothing to do")
    shop = read_shop(arguments.shop)
    flow = office_flow(store, keys_of(arguments), shop)
    people: set[str] = set()

    def take(event: Event, market: str) -> None:
        if event.kind is not Kind.OPTED_OUT:
            raise InvalidInput(
                "is no opt-out: find the person, and correct or restrict", field="kind"
            )
        if not event.keys.keys() <= {"email", "phone"}:
            raise InvalidInput("nobody is found here but by e-mail or phone", field="event.keys")
        people.update(flow.opt_out(on=event.on, source=event.source, market=market, **event.keys))

    today = system_clock().date()
    feeds = [
        read_feed(path, take, market=shop.markets[0], today=today, kind=kind)
        for kind, path in map(feed_of, arguments.feed)
    ]
    if arguments.json:
        paper.document({"opted_out": sorted(people), "feeds": feeds_document(feeds)})
    else:
        print_feeds(feeds, paper)
        paper.section("People and sales")
        paper.entry("opted out", f"{len(people):,}, and were not before", margin=_MARGIN)
    return 1 if any(feed.refused for feed in feeds) else 0


def _retention(arguments: Namespace, store: SqlStore, paper: Paper) -> int:
    """Tell what goes when, and with ``--now`` remove what is over."""
    removed: dict[str, int] = {}
    if arguments.now:
        removed = _removed(office_flow(store))
    months = _months(store)
    if arguments.json:
        paper.document({"removed": removed, "months": months})
        return 0
    if arguments.now:
        counts = ", ".join(f"{count} {what}" for what, count in removed.items())
        paper.line(f"removed: {counts}")
    head = ("month", "fields", "of people or sales", "in the books", "of sales")
    rows = [(month, *map(str, counts.values())) for month, counts in months.items()]
    for line in columns([head, *rows], right=range(1, 5)) if rows else ["Nothing is kept."]:
        paper.line(line)
    return 0


def _rotate(arguments: Namespace, store: SqlStore, paper: Paper) -> int:
    """Put a new key before the others, and everything under it."""
    keys = keys_of(arguments)
    if not arguments.rest:
        if arguments.keys_from:
            raise UsageError(
                f"put the new key before the others in {arguments.keys_from}, start every process"
                " of the shop anew, and then use --rest"
            )
        add_key(_key_file(arguments), system_random)
        keys = keys_of(arguments)
    flow = office_flow(store, keys, read_shop(arguments.shop))
    done = flow.rotate_keys(sys.maxsize)
    paper.entry("current key", keys.current, "bold", margin=_MARGIN)
    paper.entry("put under it", f"{done} keys of persons", margin=_MARGIN)
    older = ", ".join(keys.older) or "none"
    paper.entry("older keys", older, margin=_MARGIN)
    if keys.older:
        advice = (
            "An older key may go once every process of the shop was started anew and --rest puts"
            " nothing more under the current one; but not while gift cards of the shop's own ledger"
            " were issued under it, nor while review is to know the orders and lists made under it."
        )
        paper.entry("", advice, "dim", margin=_MARGIN)
    return 0


_ACTIONS: Final[Mapping[str, Callable[[Namespace, SqlStore, Paper], int]]] = {
    "find": _find,
    "export": _export,
    "erase": _erase,
    "restrict": _restrict,
    "opt-out": _opt_out,
    "retention": _retention,
    "rotate": _rotate,
}


# What they work with ------------------------------------------------------------------------------


def office_flow(
    store: SqlStore, keys: Keys | None = None, shop: Shop | None = None
) -> CheckoutFlow:
    """A flow for what concerns people: of a shop only the markets count.

    What needs no key gets one that opens nothing.
    """
    settings = sells_nothing(shop.markets if shop else ("DK",))
    keys = keys or Keys.of(system_random(32))
    return CheckoutFlow(settings, store=store, keys=keys, clock=system_clock)


def _asked(what: str) -> str:
    """A value from standard input; at a terminal it is asked for."""
    if sys.stdin.isatty():
        sys.stderr.write(f"{what}: ")
        sys.stderr.flush()
    return sys.stdin.readline().strip()


def keys_of(arguments: Namespace) -> Keys:
    """The shop's keys, from the environment or the key file."""
    if arguments.keys_from:
        return keys_from_environment(os.environ, arguments.keys_from)
    return load_keys(_key_file(arguments))


def _key_file(arguments: Namespace) -> Path:
    """The key file: by default the one beside the database."""
    if arguments.keys is None and isinstance(arguments.db, Server):
        raise UsageError(
            "--keys, --keys-from: say where the keys are; no file lies beside a server"
        )
    file: Path = arguments.keys or arguments.db.with_name(f"{arguments.db.name}.key")
    return file


def _write(path: Path, text: str) -> None:
    """Write a new file that its owner alone can read.

    Raises:
        UsageError: If there is one already: it may be of somebody else.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"{path}: is there already; give another folder") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _without_parts(exports: Sequence[Export]) -> list[Export]:
    """Without the sales that are part of what is kept of a person who is asked for as well."""
    parts = {part.person for export in exports for part in export.sales}
    return [export for export in exports if export.person not in parts]


def _locale(exports: Iterable[Export]) -> str:
    """The language of the person's last checkout."""
    sales = [part.sale for export in exports for part in (export, *export.sales)]
    latest = max((sale for sale in sales if sale), key=lambda sale: sale.started_at, default=None)
    return latest.locale if latest else "en"


def _all_of(asked: Iterable[str], erased: Iterable[Erased]) -> list[str]:
    """Everybody of whom there may be a proof: who was asked for, and their sales."""
    return list(dict.fromkeys((*asked, *(person for each in erased for person in each.people))))


def _removed(flow: CheckoutFlow) -> dict[str, int]:
    """Remove everything that is over, and count it."""
    total = dict.fromkeys(("fields", "traces", "keys", "proofs", "sightings"), 0)
    while True:
        done = flow.forget_expired()
        proofs = done.consents + done.reads + done.erasures
        counts = (done.fields, done.digests, done.people, proofs, done.sightings)
        if not any(astuple(done)):
            return total
        total = {what: total[what] + count for what, count in zip(total, counts, strict=True)}


def _months(store: SqlStore) -> dict[str, dict[str, int]]:
    """How many fields go in which month, and of how many; in the books apart."""
    months: dict[str, dict[str, int]] = {}
    for name, in_books, fields, of in store.fields_by_month():
        counts = months.setdefault(name, dict.fromkeys(_COUNTS, 0))
        counts.update(zip(_COUNTS[2:] if in_books else _COUNTS[:2], (fields, of), strict=True))
    return months
