"""A worker of a fleet in a process of its own, to be killed.

Its arguments: the database, the bank's address, a folder with the time (`now`), where it writes
down which messages it took (`taken`).
"""

from __future__ import annotations

import os
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path

from tests.desk import SHOP

from checkoutflow import CheckoutFlow, Keys, open_store
from checkoutflow.testing.bank import SimulatedBank
from checkoutflow.workers.fleet import run_fleet


def main(url: str, bank: str, folder: Path) -> None:
    def clock() -> datetime:
        return datetime.fromisoformat((folder / "now").read_text())

    def take(message):
        with (folder / "taken").open("a") as file:
            file.write(f"{message.id}\n")

    with closing(open_store(url)) as store:
        flow = CheckoutFlow(
            SHOP,
            providers=[SimulatedBank(clock).provider(bank)],
            store=store,
            keys=Keys.of(bytes.fromhex(os.environ["KEY"])),
            clock=clock,
        )
        run_fleet(flow, url, take=take, threads=2, stalled_s=1.5)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
