"""Adapters: what they add to building and reading the same JSON, and a thousand payments at once.

An operation is held against httpx and ``json`` alone with the very bytes that went over the wire. A
thousand authorisations through the asynchronous flow are held against the bare HTTP client with the
same requests, both against a stand-in in a process of its own on loopback.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from contextlib import contextmanager
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode

import httpx
from benchmarks.measure import Row, in_turn, show, size
from benchmarks.world import CART, DETAILS

from checkoutflow import AsyncCheckoutFlow, Keys, MemoryStore, Money, Shop
from checkoutflow.checkout.machine import Phase
from checkoutflow.customer import example
from checkoutflow.flow.host import system_clock
from checkoutflow.law import Law
from checkoutflow.providers.contract import Ask, Authorise, OrderLine
from checkoutflow.providers.registry import ADAPTERS
from checkoutflow.testing.bank import SimulatedBank
from checkoutflow.testing.serve import serve
from checkoutflow.testing.standins import SOLD, open_stand_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

    from checkoutflow.payment.capabilities import Capabilities

NOON: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PAYMENT: Final = "abcdefghijklmnopqrst"
OPERATIONS: Final = 20
PATIENCE_S: Final = 100

Exchanged = list[tuple[httpx.Request, httpx.Response]]


# One operation ------------------------------------------------------------------------------------


def order_for(market: str, method: str, able: Capabilities) -> Authorise:
    """A payment for a line or two."""
    currency = Law.load().market(market, NOON.date()).currency
    lines = tuple(
        OrderLine(
            id=f"line-{number}",
            name="Kaffekværn",
            quantity=1,
            amount=Money(12_500, currency),
            vat_basis=2500,
            vat=Money(2_500, currency),
        )
        for number in range(5)
    )
    details = {field: example(field, market) for field in able.details - {"organisation"}}
    return Authorise(
        key="bench-1",
        merchant_reference=PAYMENT,
        method=method,
        amount=Money(62_500, currency),
        return_url="https://shop.example/back",
        locale=Law.load().market(market, NOON.date()).locales[0],
        market=market,
        customer="consumer",
        lines=lines,
        details=details,
        at=NOON,
    )


def replayed(operation: Any, exchanged: Exchanged) -> Any:  # noqa: ANN401 -- results of all kinds
    """Run an operation over answers that were recorded."""
    answer = None
    for _, answer in [(None, None), *exchanged]:
        try:
            operation.send(answer)
        except StopIteration as stop:
            return stop.value
    raise AssertionError("the operation wants more than it did")


def recorded(operation: Any, handler: Callable[[httpx.Request], httpx.Response]) -> Exchanged:  # noqa: ANN401 -- as above
    """Run an operation and keep what went over the wire."""
    exchanged: Exchanged = []
    answer = None
    while True:
        try:
            request = operation.send(answer)
        except StopIteration:
            return exchanged
        answer = handler(request)
        exchanged.append((request, answer))


def by_hand(exchanged: Exchanged) -> None:
    """The same bytes with httpx and json alone."""
    for request, answer in exchanged:
        content = request.content
        kind = request.headers.get("content-type", "")
        if content and "json" in kind:
            content = json.dumps(json.loads(content)).encode()
        elif content and "form" in kind:
            content = urlencode(parse_qsl(content.decode())).encode()
        httpx.Request(request.method, str(request.url), headers=request.headers, content=content)
        if answer.content:
            json.loads(answer.content)


class Subject:
    """One adapter's operations, with the answers that were recorded."""

    def __init__(self, name: str) -> None:
        """Run them once against the stand-in."""
        market, (_, method) = next(iter(SOLD[name].items()))
        stand_in = open_stand_in(name, lambda: NOON, market=market)
        provider: Any = stand_in.provider()
        able = provider.capabilities
        order = order_for(market, method, able)
        calls: list[Callable[[], Any]] = [lambda: provider.authorise(order)]
        self.wires = [recorded(calls[0](), stand_in.handle)]
        if able.can_be_asked:
            reference = replayed(calls[0](), self.wires[0]).provider_reference
            ask = Ask(PAYMENT, reference, order.amount, method, at=NOON)
            calls.append(lambda: provider.status(ask))
            self.wires.append(recorded(calls[1](), stand_in.handle))
        self.calls = calls

    def ours(self) -> None:
        """Build and read with the adapter."""
        for _ in range(OPERATIONS):
            for start, wire in zip(self.calls, self.wires, strict=True):
                replayed(start(), wire)

    def by_hand(self) -> None:
        """Build and read with httpx and json alone."""
        for _ in range(OPERATIONS):
            for wire in self.wires:
                by_hand(wire)


def overheads() -> Iterator[Row]:
    """Beginning a payment and asking how it stands, for each adapter."""
    for name in ADAPTERS:
        subject = Subject(name)
        rounds = size(quick=3, usual=30)
        ours_s, theirs_s = in_turn(subject.ours, subject.by_hand, rounds=rounds)
        each = OPERATIONS * len(subject.calls)
        yield Row(
            f"{name}: one operation built and read / the same JSON with httpx alone",
            f"{ours_s / each * 1e6:.0f} us",
            f"{theirs_s / each * 1e6:.0f} us",
            ours_s / theirs_s,
        )


# A thousand at once -------------------------------------------------------------------------------


def serve_a_bank(line: Connection) -> None:
    """Another process: a bank on loopback, until it is told to stop."""
    with serve(SimulatedBank(system_clock).handle) as url:
        line.send(url)
        line.recv()


@contextmanager
def bank() -> Iterator[str]:
    """A bank in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve_a_bank, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("stop")
        process.join(10)


SHOP: Final = Shop.read(
    {
        "name": "Bench",
        "markets": ["DK"],
        "methods": [{"id": "card", "provider": "simulated_bank"}],
        "deliveries": [{"id": "parcel", "name": "Pakke", "prices": ["39.00 DKK"]}],
    }
)


async def through_the_flow(url: str, count: int) -> tuple[float, list[httpx.Request]]:
    """Place so many orders at once; gives the seconds, and what was sent. None may be lost."""
    sent: list[httpx.Request] = []

    async def keep(request: httpx.Request) -> None:
        sent.append(request)

    limits = httpx.Limits(max_connections=100)
    client = httpx.AsyncClient(trust_env=False, limits=limits, event_hooks={"request": [keep]})
    provider = SimulatedBank(system_clock).provider(url)
    async with AsyncCheckoutFlow(
        SHOP, providers=[provider], store=MemoryStore(), keys=Keys.of(b"k" * 32), http=client
    ) as flow:
        sales = [
            await flow.start(CART, market="DK", details=DETAILS, payment="card")
            for _ in range(count)
        ]
        began = perf_counter()
        placed = await asyncio.gather(
            *(
                flow.place(
                    sale.id, accepted_total=sale.total, return_url="https://shop.example/back"
                )
                for sale in sales
            )
        )
        seconds = perf_counter() - began
        # On a busy machine an answer may come too late: then the bank is asked, until it is known.
        unsure = [sale.id for sale in placed if sale.phase is not Phase.CONFIRMED]
        for _ in range(PATIENCE_S):
            if not unsure:
                break
            await asyncio.sleep(1)
            asked = [await flow.reconcile(sale_id) for sale_id in unsure]
            unsure = [sale.id for sale in asked if sale.phase is not Phase.CONFIRMED]
        assert not unsure, "an authorisation was lost"
    return seconds, sent


async def bare(requests: list[httpx.Request]) -> float:
    """The same requests with the HTTP client alone; gives the seconds."""
    limits = httpx.Limits(max_connections=100)
    async with httpx.AsyncClient(trust_env=False, limits=limits, timeout=30) as client:
        again = [
            client.build_request(item.method, item.url, headers=item.headers, content=item.content)
            for item in requests
        ]
        # As many at a time as there are connections: its own queue is slow when it is long.
        turns = asyncio.Semaphore(100)

        async def send(request: httpx.Request) -> None:
            async with turns:
                await client.send(request)

        began = perf_counter()
        await asyncio.gather(*(send(item) for item in again))
        return perf_counter() - began


def at_once() -> Row:
    """A thousand authorisations, ours and bare, each against a bank that is new."""
    count = size(quick=100, usual=1000)
    with bank() as url:
        ours_s, sent = asyncio.run(through_the_flow(url, count))
    with bank() as url:
        host = httpx.URL(url)
        moved = [
            httpx.Request(
                item.method,
                item.url.copy_with(host=host.host, port=host.port),
                headers={**item.headers, "host": host.netloc.decode()},
                content=item.content,
            )
            for item in sent
            if item.method == "POST"
        ]
        bare_s = asyncio.run(bare(moved))
    return Row(
        f"{count} authorisations at once, none lost / the bare HTTP client (share of its rate)",
        f"{count / ours_s:.0f} /s",
        f"{count / bare_s:.0f} /s",
        bare_s / ours_s,
    )


def rows() -> Iterator[Row]:
    """All of it."""
    yield from overheads()
    yield at_once()


if __name__ == "__main__":
    show(rows())
