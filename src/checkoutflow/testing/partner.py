"""A partner that quotes: answers as its real service would, and misbehaves where it is told to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import httpx

from checkoutflow.insurers import QuoteConfig, QuoteService

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

ADDRESS: Final = "https://quotes.example"
KEY: Final = "key-for-tests"


@dataclass(slots=True)
class SimulatedPartner:
    """Quotes a share of what things are worth.

    Attributes:
        clock: Tells the time: aware, in UTC.
        name: As products have it in ``quoted_by``.
        percent: What a cover costs, of the worth of a piece.
        holds: For how long a quote is good.
        refuses: Products that it quotes nothing for.
        faults: What the next answers are instead: a status code, bytes for a body, or an error of
            httpx to raise.
        asked: What it was asked, call by call.
    """

    clock: Callable[[], datetime]
    name: str = "partner"
    percent: int = 5
    holds: timedelta = timedelta(minutes=30)
    refuses: frozenset[str] = frozenset()
    faults: list[int | bytes | Exception] = field(default_factory=list)
    asked: list[Sequence[Mapping[str, Any]]] = field(default_factory=list)

    def service(self) -> QuoteService:
        """What to hand to the flow, as one of ``partners``."""
        return QuoteService(
            QuoteConfig.read({"name": self.name, "base_url": ADDRESS, "api_key": KEY})
        )

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer a request; for ``httpx.MockTransport``."""
        if (request.method, str(request.url)) != ("POST", f"{ADDRESS}/quotes"):
            return httpx.Response(404)
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return httpx.Response(401)
        covers = json.loads(request.content)["covers"]
        self.asked.append(covers)
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Exception):
            raise fault
        if isinstance(fault, bytes):
            return httpx.Response(200, content=fault)
        quotes = [self._quote(cover) for cover in covers if cover["product"] not in self.refuses]
        return httpx.Response(fault or 200, json={"quotes": quotes})

    def _quote(self, cover: Mapping[str, Any]) -> dict[str, object]:
        value = cover["value"]
        return {
            "offer": cover["offer"],
            "premium": {**value, "minor": value["minor"] * self.percent // 100},
            "reference": f"Q-{len(self.asked)}",
            "valid_until": (self.clock() + self.holds).isoformat(),
        }
