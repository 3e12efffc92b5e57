"""``checkoutflow suppress``: keep a register of who wants no marketing, and nobody's number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checkoutflow.cli.bar import Bar
from checkoutflow.cli.files import key_from, market_of
from checkoutflow.errors import UsageError
from checkoutflow.quality.columns import recognise
from checkoutflow.quality.reading import CsvFile, bare
from checkoutflow.quality.suppression import keep, register_named

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator
    from pathlib import Path

    from checkoutflow.cli.paper import Paper


def run(arguments: Namespace, paper: Paper) -> int:
    """Write the list from what the register delivered."""
    register = register_named(arguments.register)
    bar = Bar()
    try:
        count = keep(
            arguments.out,
            arguments.register,
            _numbers(arguments.numbers, register.field, bar),
            as_of=arguments.as_of,
            key=key_from(arguments),
            market=market_of(arguments),
        )
    finally:
        bar.close()
    paper.line(f"{arguments.out}: {count:,} numbers of {arguments.register}, as digests")
    return 0


def _numbers(path: Path, field: str, bar: Bar) -> Iterator[str]:
    """The numbers in a file: those of a column that is recognised, or each line of a plain one."""
    file = CsvFile.look(path)
    place = 0
    try:
        place = recognise(file.header)[field]
    except (KeyError, UsageError):
        if len(file.header) > 1:
            raise UsageError(f"{path}: has no column that is recognised as {field}") from None
        yield bare(file.header[0])  # no title, but the first number
    for cells in file.rows(lambda done: bar("reading", done, file.lines)):
        yield bare(cells[place])
