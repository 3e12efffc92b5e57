"""A worker's memory over an hour of a shop's life: customers come, buy, leave; webhooks come late.

The hour is simulated: the clock is moved on by a second at a time, and the worker has a round
whenever something is due. Memory is looked at each minute. What counts is how it grows after the
first ten minutes, in which caches fill.
"""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta
from random import Random
from statistics import linear_regression
from typing import TYPE_CHECKING, Final

from benchmarks.measure import Row, blocks, folder, resident_mb, show, size
from benchmarks.world import BACK, CALLED, CART, DETAILS, NOON, Calling, open_flow

from checkoutflow import open_store
from checkoutflow.workers.loop import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from checkoutflow import CheckoutFlow

HOUR_S: Final = 3600
FIRST_S: Final = 600  # are not counted
LIFETIME_S: Final = 10 * 60  # of a checkout that nobody goes on with
SHIPPED_S: Final = 5 * 60  # after it was bought
SHOP: Final = CALLED.but(lifetime_s=LIFETIME_S, messages=frozenset({"confirmed", "expired"}))


def rows() -> Iterator[Row]:
    """Live for an hour, and look at how memory grew."""
    a_minute = size(quick=1, usual=30)
    with folder() as place:
        seen = [it for it in _live(place / "hour.db", a_minute) if it[0] >= FIRST_S]
    for what, unit, column in (
        ("resident memory", "{:.1f} MB", 1),
        ("Python's memory blocks", "{:,.0f}", 2),
    ):
        slope, begin = linear_regression([it[0] for it in seen], [it[column] for it in seen])
        first, last = begin + FIRST_S * slope, begin + HOUR_S * slope
        yield Row(
            f"{what} after an hour of {a_minute} checkouts a minute / after ten minutes",
            unit.format(last),
            unit.format(first),
            last / first,
            "~ 1",
        )


def _live(file: Path, a_minute: int) -> Iterator[tuple[float, float, float]]:
    """Memory now and then: after how many seconds, resident megabytes, and Python's blocks."""
    now = [NOON]
    dice = Random(7)  # noqa: S311 -- nothing here is secret

    def clock() -> datetime:
        return now[0]

    with closing(open_store(file)) as store:
        store.create()
    with open_flow(open_store(file), shop=SHOP, clock=clock) as flow:
        told: list[str] = []
        worker = Worker(flow, take=lambda message: told.append(message.id), clock=clock)
        later: list[tuple[int, str, str]] = []
        sold, looks_s = 0, size(quick=300, usual=60)
        for second in range(1, HOUR_S + 1):
            now[0] += timedelta(seconds=1)
            if dice.random() < a_minute / 60:
                later += _come(flow, second, dice)
                later.sort()
            while later and later[0][0] <= second:
                _, what, about = later.pop(0)
                if what == "webhook":
                    flow.receive("calling", *Calling().call(about, f"{about}-1"), look=False)
                elif flow.load(about).phase == "confirmed":
                    flow.ship(about)
                    sold += 1
            first = flow.next_due()
            if first is not None and first <= now[0]:
                worker.drain()
                told.clear()
            if second % looks_s == 0:
                yield second, resident_mb(), blocks()
        assert sold
        assert flow.checkouts({"expired"})


def _come(flow: CheckoutFlow, second: int, dice: Random) -> list[tuple[int, str, str]]:
    """A customer comes, and may buy; gives what comes of it later."""
    checkout = flow.start(CART, market="DK", details=DETAILS, payment="card")
    if dice.random() < 1 / 3:
        return []  # and leaves
    placed = flow.place(checkout.id, accepted_total=checkout.total, return_url=BACK)
    shipped = (second + SHIPPED_S, "shipped", checkout.id)
    if dice.random() < 1 / 10:
        return [shipped]  # the webhook is lost
    return [(second + dice.randrange(60), "webhook", placed.payments[0].id), shipped]


if __name__ == "__main__":
    show(rows())
