"""The demo's stage: a shop, a bank and a browser, with real HTTP on loopback between them."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

import httpx

from checkoutflow.errors import UntrustedNotice
from checkoutflow.flow.sync import CheckoutFlow
from checkoutflow.payment.outcomes import ShowQr
from checkoutflow.stores.sql import open_store
from checkoutflow.testing.bank import SimulatedBank
from checkoutflow.testing.serve import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from checkoutflow.flow.host import Clock
    from checkoutflow.payment.outcomes import Action
    from checkoutflow.providers.contract import Webhook
    from checkoutflow.shop import Shop

BANK: Final = "simulated_bank"


@dataclass(frozen=True, slots=True)
class Stage:
    """Who plays: the shop's flow, the bank, and the customer's browser.

    Attributes:
        shop_url: Where the shop takes notices, and customers who come back.
        notices: Kinds of the notices that the shop has taken, oldest first.
    """

    flow: CheckoutFlow
    bank: SimulatedBank
    browser: httpx.Client
    bank_url: str
    shop_url: str
    notices: list[str] = field(default_factory=list)

    def approve(self, page: str) -> None:
        """Do as a customer does: open the bank's page, approve, and follow back to the shop."""
        self.browser.get(page).raise_for_status()
        self.browser.post(page, data={"decision": "approve"}).raise_for_status()

    def deliver_notices(self) -> None:
        """Let the bank post to the shop what it has to tell."""
        self.bank.deliver(self._post)

    def _post(self, hook: Webhook) -> None:
        url = f"{self.shop_url}/notices/{BANK}"
        self.browser.post(url, headers=dict(hook.headers), content=hook.body).raise_for_status()
        self.notices.append(json.loads(hook.body)["type"])


def page_of(action: Action) -> str:
    """Where the customer goes to pay, by whatever means the address reaches them."""
    return action.payload if isinstance(action, ShowQr) else action.url


@contextmanager
def open_stage(shop: Shop, database: Path, clock: Clock) -> Iterator[Stage]:
    """Set the stage for as long as the block lasts.

    Args:
        shop: The settings to sell with.
        database: SQLite file to keep the sales in; made, or added to.
        clock: The time, for the shop and the bank alike.

    Raises:
        StoreError: If the database cannot be used.
    """
    bank = SimulatedBank(clock)
    store = open_store(database)
    store.create()
    with (
        serve(bank.handle) as bank_url,
        CheckoutFlow(shop, providers=[bank.provider(bank_url)], store=store, clock=clock) as flow,
        serve(partial(_answer, flow)) as shop_url,
        httpx.Client(follow_redirects=True, trust_env=False) as browser,
    ):
        yield Stage(flow, bank, browser, bank_url, shop_url)


def _answer(flow: CheckoutFlow, request: httpx.Request) -> httpx.Response:
    """What the shop's web server does: two addresses are all that the flow needs of it."""
    match request.method, request.url.path.split("/"):
        case "POST", ["", "notices", provider]:
            try:
                flow.receive(provider, request.headers, request.content)
            except UntrustedNotice:
                return httpx.Response(400)
            return httpx.Response(204)
        case "GET", ["", "back", checkout_id]:
            flow.reconcile(checkout_id)  # coming back proves nothing: the bank is asked
            return httpx.Response(200, text=flow.view(checkout_id).status)
        case _:
            return httpx.Response(404)
