"""``checkoutflow insurance``: what insurers are told of the covers that a shop sold for them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from checkoutflow.cli.files import open_kept, sells_nothing
from checkoutflow.cli.paper import columns
from checkoutflow.flow.host import system_random
from checkoutflow.flow.sync import CheckoutFlow
from checkoutflow.insurance.bordereau import as_csv, as_document
from checkoutflow.money import Money
from checkoutflow.privacy.vault import KEY_BYTES, Keys

if TYPE_CHECKING:
    from argparse import Namespace

    from checkoutflow.cli.paper import Paper
    from checkoutflow.insurance.bordereau import Bordereau

_MARGIN: Final = 10


def run(arguments: Namespace, paper: Paper) -> int:
    """Print the bordereau of one insurer and period."""
    store = open_kept(arguments.db)
    try:
        # Nothing personal is read, so any key will do.
        keys = Keys.of(system_random(KEY_BYTES))
        flow = CheckoutFlow(sells_nothing(), store=store, keys=keys)
        made = flow.bordereau(arguments.insurer, first=arguments.first, last=arguments.last)
    finally:
        store.close()
    if arguments.json:
        paper.document(as_document(made))
    elif arguments.csv:
        sys.stdout.write(as_csv(made))
    else:
        _print(made, paper)
    return 0


def _print(made: Bordereau, paper: Paper) -> None:
    paper.heading(f"What {made.insurer} is told", f"{made.first} to {made.last}")
    table: list[tuple[str, ...]] = [
        ("booked", "policy", "entry", "units", "premium", "tax", "commission", "due")
    ]
    table += [
        (
            f"{row.booked_at:%Y-%m-%d}",
            row.policy,
            row.entry,
            f"{row.units:+}" if row.units else "",
            *(str(amount) for amount in (row.premium, row.tax, row.commission, row.due)),
        )
        for row in made.rows
    ]
    for line in columns(table, right=range(3, 8)):
        paper.line(f"  {line}")
    if not made.rows:
        paper.line("  nothing began or ended")
    for currency, sums in sorted(made.sums.items()):
        whole = {"premium": sums.premium, "tax": sums.tax, "due": sums.due}
        text = ", ".join(f"{what} {Money(minor, currency)}" for what, minor in whole.items())
        paper.entry("sum", text, "bold", margin=_MARGIN)
    paper.line()
