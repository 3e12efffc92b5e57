"""Webhooks taken in, and a storm of them after a provider's outage.

They come through ``receive``, as a web server calls it: verified, kept, and left to a worker. What
one client takes in a second is held against the bare driver writing the same rows. In the storm
all webhooks of an outage come as fast as they are taken in, each of them twice and in any order;
one worker then asks how the payments stand. In its middle somebody else's payment is due as well.
"""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from random import Random
from statistics import median
from threading import Thread
from time import perf_counter
from typing import TYPE_CHECKING, Final

from benchmarks.measure import Row, folder, resident_mb, show, size
from benchmarks.race import against_bare, has_server, server, share
from benchmarks.world import CALLED, NOON, Calling, buy, open_flow

from checkoutflow import open_store
from checkoutflow.workers.loop import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from checkoutflow import CheckoutFlow
    from checkoutflow.stores.contract import Due

EVENTS: Final = 2  # about each payment
TIMES: Final = 2  # that each of them is sent


def rows() -> Iterator[Row]:
    """Measure on SQLite, and the intake on PostgreSQL where there is a server."""
    with folder() as place:
        yield _intake("SQLite", str(place), place)
    if has_server() and size(quick=0, usual=1):
        with folder() as place, server(place / "data") as url:
            yield _intake("PostgreSQL", url, place)
    with folder() as place:
        yield from _storm(place / "storm.db")


def _intake(name: str, url: str, place: Path) -> Row:
    each, rounds = size(quick=50, usual=500), size(quick=1, usual=3)
    ours, bare = against_bare(url, place, "webhook", clients=1, each=each, rounds=rounds)
    return share(f"{name}, webhooks taken in a second: ours / bare driver", ours, bare)


def _storm(file: Path) -> Iterator[Row]:
    count, others = size(quick=200, usual=10_000), size(quick=5, usual=20)
    began = perf_counter()

    def clock() -> datetime:  # real time, though on another day
        return NOON + timedelta(seconds=perf_counter() - began)

    with closing(open_store(file)) as store:
        store.create()
    with open_flow(open_store(file), shop=CALLED, clock=clock) as flow:
        payments = [_pending(flow) for _ in range(count // EVENTS // TIMES)]
        quiet_s = median(_told(flow, _pending(flow)) for _ in range(others))
        during = [_pending(flow) for _ in range(others)]
        odd = buy(flow)
        calls = _storm_about(payments)
        calls.insert(count // 2, Calling().call(flow.load(odd).payments[0].id, "odd"))
        before_mb = resident_mb()

        began_burst = perf_counter()
        for headers, body in calls:
            assert flow.receive("calling", headers, body, look=False)
        burst_s = perf_counter() - began_burst

        worker = _Timed(flow, clock=clock)
        thread = Thread(target=worker.drain)
        began_work = perf_counter()
        thread.start()
        during_s = [_told(flow, payment) for payment in during]
        thread.join()
        work_s = worker.at[-1][0] - began_work
        assert flow.due() == []
        assert len(flow.checkouts({"confirmed"}, limit=count)) == len(payments) + 1 + 2 * others
        # Each turn is one checkout's, and each of them was due once.
        odd_s = next(at for at, checkout in worker.at if checkout == odd) - began_work
    yield Row(
        f"{count:,} webhooks at once, half of them repeats: worked off / taken in",
        f"{work_s:.1f} s",
        f"{burst_s:.1f} s",
        work_s / burst_s,
        "<= 5",
    )
    yield Row(
        "one that came in their middle, left to the worker / all of them worked off",
        f"{odd_s:.1f} s",
        f"{work_s:.1f} s",
        odd_s / work_s,
    )
    yield Row(
        "one that comes meanwhile and is looked at as it comes / when all is quiet",
        f"{median(during_s) * 1e3:.1f} ms",
        f"{quiet_s * 1e3:.1f} ms",
        median(during_s) / quiet_s,
    )
    yield Row(
        f"resident memory after {count:,} webhooks at once / before",
        f"{resident_mb():.1f} MB",
        f"{before_mb:.1f} MB",
        resident_mb() / before_mb,
        "~ 1",
    )


class _Timed(Worker):
    """Keeps when it was done with which checkout."""

    def __init__(self, flow: CheckoutFlow, *, clock: Callable[[], datetime]) -> None:
        super().__init__(flow, clock=clock)
        self.at: list[tuple[float, str]] = []

    def _wake(self, due: Due) -> bool:
        is_done = super()._wake(due)
        assert is_done
        self.at.append((perf_counter(), due.checkout))
        return is_done


def _pending(flow: CheckoutFlow) -> str:
    return flow.load(buy(flow)).payments[0].id


def _storm_about(payments: list[str]) -> list[tuple[dict[str, str], bytes]]:
    bank = Calling()
    calls = TIMES * [
        bank.call(payment, f"{payment}-{event}") for payment in payments for event in range(EVENTS)
    ]
    Random(7).shuffle(calls)  # noqa: S311 -- their order is no secret
    return calls


def _told(flow: CheckoutFlow, payment: str) -> float:
    """Seconds until the provider's word is taken in."""
    call = Calling().call(payment, f"{payment}-told")
    began = perf_counter()
    (sale,) = flow.receive("calling", *call)
    assert sale.phase == "confirmed"
    return perf_counter() - began


if __name__ == "__main__":
    show(rows())
