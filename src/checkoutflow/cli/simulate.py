"""``checkoutflow simulate``: a provider's stand-in over HTTP, for a shop that is being built."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from threading import Event
from typing import TYPE_CHECKING, Final

from checkoutflow.errors import UsageError
from checkoutflow.flow.host import system_clock
from checkoutflow.testing.bank import SimulatedBank
from checkoutflow.testing.serve import post_notices, serve
from checkoutflow.testing.standins.vipps_mobilepay import NOTICE_URL, SimulatedVippsMobilePay

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

    from checkoutflow.cli.paper import Paper
    from checkoutflow.testing.standins.base import StandIn

API_KEY: Final = "simulated-bank-api-key"
NOTICE_SECRET: Final = "simulated-bank-notice-secret"  # noqa: S105 -- opens nothing real


def run(arguments: Namespace, paper: Paper) -> int:
    """Serve the stand-in, its page for customers included, until the process is interrupted."""
    title, stand_in, facts = _opened(arguments.provider, arguments.notify)
    with ExitStack() as stack:
        try:
            url = stack.enter_context(serve(stand_in.handle, arguments.port))
        except OSError as error:
            raise UsageError(f"port {arguments.port} cannot be used: {error.strerror}") from None
        if arguments.notify:
            stack.enter_context(post_notices(stand_in, arguments.notify))
        paper.line(f"{title} is at {url} until you press Ctrl+C. No real money moves.")
        for label, fact in facts.items():
            paper.entry(label, fact)
        paper.entry("", f"posted to {arguments.notify}" if arguments.notify else "not posted")
        with suppress(KeyboardInterrupt):
            Event().wait()
    return 0


def _opened(name: str, notify: str | None) -> tuple[str, StandIn, Mapping[str, str]]:
    """What it is called, the stand-in itself, and what a shop has to be told to use it."""
    if name == "bank":
        bank = SimulatedBank(system_clock, api_key=API_KEY, notice_secret=NOTICE_SECRET)
        facts = {"api key": API_KEY, "notices": f"signed with {NOTICE_SECRET}"}
        return "The simulated bank", bank, facts
    unit = SimulatedVippsMobilePay(system_clock, notice_url=notify or NOTICE_URL)
    config = unit.provider().config
    facts = {
        "serial no.": config.merchant_serial_number,
        "client id": config.client_id,
        "secret": config.client_secret.reveal(),
        "key": config.subscription_key.reveal(),
        "notices": f"signed with {config.notice_secret.reveal()}",
    }
    return "Vipps MobilePay's stand-in", unit, facts
