"""``checkoutflow backup``: a copy of a SQLite database in use, whole and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checkoutflow.cli.bar import Bar

if TYPE_CHECKING:
    from argparse import Namespace

    from checkoutflow.cli.paper import Paper
    from checkoutflow.stores.backup import Copied


def run(arguments: Namespace, paper: Paper) -> int:
    """Copy it, and say what is in the copy and what is not."""
    from checkoutflow.stores.backup import back_up  # noqa: PLC0415 -- it loads SQLAlchemy

    bar = Bar()
    try:
        found = back_up(arguments.db, arguments.to, lambda done, of: bar("copying", done, of))
    finally:
        bar.close()
    paper.line(f"{arguments.to}: {said(found)}; the copy is whole")
    paper.line(
        f"The keys are not in it: keep a copy of {arguments.db}.key in another place, or nobody can"
        " read names and addresses."
    )
    return 0


def said(found: Copied) -> str:
    """What is in a copy."""
    until = f", the last changed {found.until:%Y-%m-%d %H:%M} UTC" if found.until else ""
    return f"{found.checkouts:,} checkouts{until}"
