"""``checkoutflow simulate``: a provider's stand-in over HTTP, for a shop that is being built."""

from __future__ import annotations

import json
from contextlib import ExitStack, suppress
from threading import Event
from typing import TYPE_CHECKING, Final

from checkoutflow.errors import InvalidInput, UsageError
from checkoutflow.flow.host import system_clock
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.registry import ADAPTERS, methods_of
from checkoutflow.testing.bank import METHODS, SimulatedBank
from checkoutflow.testing.serve import post_notices, serve
from checkoutflow.testing.standins import open_stand_in

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from checkoutflow.cli.paper import Paper
    from checkoutflow.testing.standins.base import StandIn

API_KEY: Final = "simulated-bank-api-key"
NOTICE_SECRET: Final = "simulated-bank-notice-secret"  # noqa: S105 -- opens nothing real


def run(arguments: Namespace, paper: Paper) -> int:
    """Serve the stand-in, its page for customers included, until the process is interrupted."""
    name, notify = arguments.provider, arguments.notify
    stand_in = _opened(name, arguments.market.upper(), notify or "")
    with ExitStack() as stack:
        try:
            url = stack.enter_context(serve(stand_in.handle, arguments.port))
        except OSError as error:
            raise UsageError(f"port {arguments.port} cannot be used: {error.strerror}") from None
        if notify:
            stack.enter_context(post_notices(stand_in, notify))
        paper.line(f"{name} is played at {url} until you press Ctrl+C. No real money moves.")
        if name == "bank":
            paper.entry("api key", API_KEY)
            paper.entry("notices", f"signed with {NOTICE_SECRET}")
            paper.entry("methods", ", ".join(METHODS))
        else:
            paper.line("\nIn the shop's settings:\n")
            for line in _settings(name, stand_in, url, notify):
                paper.line(f"  {line}")
            paper.line()
            paper.entry("methods", ", ".join(methods_of(name)))
        paper.entry("notices", f"posted to {notify}" if notify else "not posted: give --notify")
        with suppress(KeyboardInterrupt):
            Event().wait()
    return 0


def _opened(name: str, market: str, notify: str) -> StandIn:
    if name == "bank":
        return SimulatedBank(system_clock, api_key=API_KEY, notice_secret=NOTICE_SECRET)
    try:
        return open_stand_in(name, system_clock, market=market, notice_url=notify)
    except (InvalidInput, KeyError):
        names = ", ".join(["bank", *ADAPTERS])
        where = f" in {market}" if market else ""
        raise UsageError(f"there is no stand-in {name}{where}; there are {names}") from None


def _settings(name: str, stand_in: StandIn, url: str, notify: str | None) -> Iterator[str]:
    """What a shop writes to sell with it, as TOML. The credentials open nothing real."""
    config = stand_in.provider(url).config
    yield f"[providers.{name}]"
    for field, info in type(config).model_fields.items():
        value = getattr(config, field)
        if field == "notice_url" and notify:
            value = notify
        if isinstance(value, Secret):
            value = value.reveal()
        if value is not None and (info.is_required() or value != info.default):
            yield f"{field} = {_toml(value)}"


def _toml(value: object) -> str:
    """A plain value as TOML writes it, which for these is as JSON does."""
    return json.dumps(value if isinstance(value, bool | int | float) else str(value))
