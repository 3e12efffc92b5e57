"""``checkoutflow migrate``: a database's tables are made, or brought up to this version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checkoutflow.cli.files import open_named

if TYPE_CHECKING:
    from argparse import Namespace

    from checkoutflow.cli.paper import Paper


def run(arguments: Namespace, paper: Paper) -> int:
    """Do what ``store.create()`` does; a database that is up to date stays as it is."""
    from checkoutflow.stores import schema  # noqa: PLC0415 -- heavy

    place = arguments.db
    store = open_named(place)
    try:
        found = store.version()
        store.create()
    finally:
        store.close()
    if found == schema.VERSION:
        paper.line(f"{place}: the tables are of version {found}, as they should be.")
    elif found:
        paper.line(f"{place}: the tables were of version {found} and are of {schema.VERSION} now.")
    else:
        paper.line(f"{place}: the tables were made, of version {schema.VERSION}.")
    return 0
