"""``checkoutflow privacy``: what a shop does with personal data, as its record of processing."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from checkoutflow.checkout.processing import record_of_processing
from checkoutflow.cli.files import read_shop
from checkoutflow.cli.paper import columns
from checkoutflow.errors import UsageError
from checkoutflow.flow.host import system_clock

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from checkoutflow.checkout.processing import Kept, Processing, Record
    from checkoutflow.cli.paper import Paper

_MARGIN: Final = 20
_ENDS: Final = ("", "not bought", "after a sale", "of goods meant to last", "in the books")


def run(arguments: Namespace, paper: Paper) -> int:
    """Print the record, by the law of today."""
    shop = read_shop(arguments.shop)
    markets = [code.upper() for code in arguments.market]
    if strangers := [code for code in markets if code not in shop.markets]:
        raise UsageError(f"{strangers[0]} is no market of the shop: {', '.join(shop.markets)}")
    record = record_of_processing(shop, shop.law(), system_clock().date(), markets=markets)
    if arguments.json:
        paper.document({**asdict(record), "on": str(record.on)})
    else:
        _print(record, paper)
    return 0


def _print(record: Record, paper: Paper) -> None:
    paper.heading("Record of processing", f"on {record.on}")
    paper.entry("controller", record.controller, "bold", margin=_MARGIN)
    paper.entry("sells to", ", ".join(record.markets), margin=_MARGIN)
    paper.entry("data of", "; ".join(record.people), margin=_MARGIN)
    paper.entry("asked for", ", ".join(record.asked), margin=_MARGIN)
    paper.entry("taken if given", ", ".join(record.if_given), margin=_MARGIN)
    paper.section("What it is used for")
    for processing in record.processing:
        _print_use(processing, paper)
    paper.section("Who is given it")
    for recipient in record.recipients:
        ways = f" ({', '.join(recipient.ways)})" if recipient.ways else ""
        name = recipient.name or "to be added"
        paper.entry(_words(recipient.reader), f"{name}{ways}", margin=_MARGIN)
    paper.section("How long it is kept")
    _print_ends(record.retention, paper)
    paper.section("What is kept as proof, without contact details")
    for proof in record.proofs:
        paper.entry("-", f"{proof.what}: {proof.kept}", margin=2)
        paper.entry("", proof.source, "dim", margin=2)
    paper.section("How it is kept safe")
    for measure in record.measures:
        paper.entry("-", measure, margin=2)
    paper.section("What only you can add")
    for question in record.to_add:
        paper.entry("-", question, margin=2)


def _print_use(processing: Processing, paper: Paper) -> None:
    paper.entry(_words(processing.purpose), processing.what, margin=_MARGIN)
    for basis in dict.fromkeys(processing.fields.values()):
        names = [name for name, ground in processing.fields.items() if ground is basis]
        paper.entry("", f"{', '.join(names)}: {_words(basis)}", margin=_MARGIN)
    readers = " and ".join(map(_words, processing.readers))
    paper.entry("", f"read by {readers} only; kept {processing.kept}", margin=_MARGIN)
    paper.entry("", processing.source, "dim", margin=_MARGIN)


def _print_ends(retention: Sequence[Kept], paper: Paper) -> None:
    """Print tables of markets, one for the fields that go together."""
    for fields in dict.fromkeys(kept.fields for kept in retention):
        paper.line()
        paper.entry("", ", ".join(fields), margin=0)
        rows = [
            (kept.market, kept.unfinished, kept.sale, kept.durable, kept.books)
            for kept in retention
            if kept.fields == fields
        ]
        for line in columns([_ENDS, *rows]):
            paper.line(f"  {line}")
    paper.line()
    for source in dict.fromkeys(source for kept in retention for source in kept.sources):
        paper.entry("", source, "dim", margin=2)


def _words(name: str) -> str:
    return name.replace("_", " ")
