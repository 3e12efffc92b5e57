"""After a crash with very many attempts under way: how long until a provider was asked about all.

The process that sent them is gone and nobody heard an answer. When their leases are over, one
worker asks about each payment, takes in what the provider says, and goes on with the sale. What one
costs must not grow with how many there are.
"""

from __future__ import annotations

from contextlib import closing, suppress
from datetime import datetime, timedelta
from time import perf_counter
from typing import TYPE_CHECKING, Final

from benchmarks.copies import copy
from benchmarks.measure import folder, many_and_few, show, size
from benchmarks.world import CALLED, KEYS, NOON, Calling, buy, open_flow

from checkoutflow import open_store
from checkoutflow.workers.loop import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.measure import Row

    from checkoutflow.payment.outcomes import Result, Standing
    from checkoutflow.providers.contract import Ask, Authorise, Exchange


ROUNDS: Final = 3  # before the large one, and after it


class Crash(BaseException):
    """The process is gone."""


class Crashing(Calling):
    """Ends the process when it is asked to reserve; afterwards it knows the payment."""

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self.asked = 0

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Crash, with the attempt on disk."""
        yield from ()
        raise Crash(order.key)

    def status(self, ask: Ask) -> Exchange[Standing]:
        """Count, and have agreed."""
        self.asked += 1
        return (yield from super().status(ask))


def rows() -> Iterator[Row]:
    """Recover from many and from few."""
    few, many = size(quick=20, usual=100), size(quick=200, usual=10_000)
    with folder() as place:
        _recover(place / "warm.db", few)
    what = f"one of {many:,} open attempts asked about after a crash / one of {few:,}"
    yield many_and_few(what, _recover, many=many, few=few, rounds=ROUNDS)


def _recover(file: Path, count: int) -> float:
    """Seconds for each, until all were asked about."""
    now = [NOON]

    def clock() -> datetime:
        return now[0]

    with closing(open_store(file)) as store:
        store.create()
    provider = Crashing()
    with open_flow(open_store(file), shop=CALLED, clock=clock, providers=[provider]) as flow:
        with suppress(Crash):
            buy(flow)
        (crashed,) = flow.checkouts()
        copy(file, flow.load(crashed), count - 1, KEYS)
        now[0] += timedelta(minutes=2)
        began = perf_counter()
        came = Worker(flow, clock=clock).drain()
        taken = perf_counter() - began
        assert (came.done, came.failed, provider.asked) == (count, 0, count)
        assert len(flow.checkouts({"confirmed"}, limit=count + 1)) == count
        return taken / count


if __name__ == "__main__":
    show(rows())
