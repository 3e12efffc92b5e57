"""``checkoutflow restore``: put a copy of a SQLite database back in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checkoutflow.cli.backup import said
from checkoutflow.cli.bar import Bar
from checkoutflow.errors import NotFound, VaultError
from checkoutflow.stores.keyfile import load_keys, missing_key

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from checkoutflow.cli.paper import Paper
    from checkoutflow.stores.sql import SqlStore


def run(arguments: Namespace, paper: Paper) -> int:
    """Put it there once it was checked, and erase again who was erased since."""
    from checkoutflow.cli.files import open_kept  # noqa: PLC0415 -- heavy
    from checkoutflow.cli.person import office_flow  # noqa: PLC0415 -- heavy
    from checkoutflow.stores.backup import erased, restore  # noqa: PLC0415 -- heavy

    again = erased(arguments.erased) if arguments.erased else {}
    bar = Bar()
    try:
        found = restore(arguments.copy, arguments.db, lambda done, of: bar("copying", done, of))
    finally:
        bar.close()
    paper.line(f"{arguments.db}: {said(found)}")
    count = 0
    store = open_kept(arguments.db)
    with office_flow(store) as flow:
        for person, reason in again.items():
            if store.erasures(person):
                continue
            try:
                flow.erase_person(person, reason=reason)
            except NotFound:
                continue
            count += 1
        keys = list(_keys_said(store))
    if arguments.erased:
        paper.line(f"{count} who were erased since are erased again.")
    for line in keys:
        paper.line(line)
    paper.line(
        "What was open then is asked about by: checkoutflow work. What was sold since is not"
    )
    paper.line("in it: compare the days since with your providers' own lists.")
    return 0


def _keys_said(store: SqlStore) -> Iterator[str]:
    """Whether the key file of the people in it is where it has to be."""
    file = store.key_file
    if file is None or not store.keys_to_rewrap("", after="", limit=1):
        return
    if not file.exists():
        yield f"Copy the key file of the database that was copied to {file} before the shop opens"
        yield "it, readable by its owner only: without it nobody can read names and addresses."
        return
    try:
        lost = missing_key(load_keys(file), store)
    except VaultError as error:
        yield str(error)
        return
    if lost:
        yield f"{file} is not the key file of this copy: put the one that was beside the database"
        yield "that was copied in its place, or nobody can read names and addresses."
    else:
        yield f"Names and addresses are read with the keys in {file}."
