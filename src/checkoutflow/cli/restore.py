"""``checkoutflow restore``: put a copy of a SQLite database back in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checkoutflow.cli.backup import said
from checkoutflow.cli.bar import Bar
from checkoutflow.errors import NotFound

if TYPE_CHECKING:
    from argparse import Namespace

    from checkoutflow.cli.paper import Paper


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
    if arguments.erased:
        paper.line(f"{count} who were erased since are erased again.")
    paper.line(
        "What was open then is asked about by: checkoutflow work. What was sold since is not"
    )
    paper.line("in it: compare the days since with your providers' own lists.")
    return 0
