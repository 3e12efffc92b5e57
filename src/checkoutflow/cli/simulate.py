"""``checkoutflow simulate bank``: the simulated bank over HTTP, for a shop that is being built."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from threading import Event
from typing import TYPE_CHECKING, Final

from checkoutflow.errors import UsageError
from checkoutflow.flow.host import system_clock
from checkoutflow.testing.bank import SimulatedBank
from checkoutflow.testing.serve import post_notices, serve

if TYPE_CHECKING:
    from argparse import Namespace

    from checkoutflow.cli.paper import Paper

API_KEY: Final = "simulated-bank-api-key"
NOTICE_SECRET: Final = "simulated-bank-notice-secret"  # noqa: S105 -- opens nothing real


def run(arguments: Namespace, paper: Paper) -> int:
    """Serve the bank, its page for customers included, until the process is interrupted."""
    bank = SimulatedBank(system_clock, api_key=API_KEY, notice_secret=NOTICE_SECRET)
    with ExitStack() as stack:
        try:
            url = stack.enter_context(serve(bank.handle, arguments.port))
        except OSError as error:
            raise UsageError(f"port {arguments.port} cannot be used: {error.strerror}") from None
        if arguments.notify:
            stack.enter_context(post_notices(bank, arguments.notify))
        paper.line(f"The simulated bank is at {url} until you press Ctrl+C. No real money moves.")
        paper.entry("api key", API_KEY)
        paper.entry("notices", f"signed with {NOTICE_SECRET}")
        paper.entry("", f"posted to {arguments.notify}" if arguments.notify else "not posted")
        with suppress(KeyboardInterrupt):
            Event().wait()
    return 0
