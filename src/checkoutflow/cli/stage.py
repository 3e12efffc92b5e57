"""The demo's stage: a shop, a bank and a browser, with real HTTP on loopback between them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import httpx

from checkoutflow.cli.files import Server, open_named
from checkoutflow.errors import UntrustedNotice
from checkoutflow.flow.host import system_clock, system_random
from checkoutflow.flow.sync import CheckoutFlow
from checkoutflow.payment.outcomes import ShowQr
from checkoutflow.privacy.vault import KEY_BYTES, Keys
from checkoutflow.testing.bank import SimulatedBank
from checkoutflow.testing.serve import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from checkoutflow.checkout.state import Payment
    from checkoutflow.payment.outcomes import Action
    from checkoutflow.providers.contract import Provider, Webhook
    from checkoutflow.shop import Shop
    from checkoutflow.testing.standins.base import StandIn

BANK: Final = "simulated_bank"
_ROUNDS: Final = 20


class Clock:
    """The time of this machine, for the shop and the bank alike; it can be made to pass."""

    def __init__(self) -> None:
        """Begin now."""
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        """The time."""
        return system_clock() + self._ahead

    def pass_time(self) -> None:
        """Half a minute passes."""
        self._ahead += timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Stage:
    """Who plays: the shop's flow, the bank, and the customer's browser.

    Attributes:
        shop_url: Where the shop takes notices, and customers who come back.
        notices: Kinds of the notices that the shop has taken, oldest first.
    """

    flow: CheckoutFlow
    bank: StandIn
    provider: Provider
    browser: httpx.Client
    clock: Clock
    bank_url: str
    shop_url: str
    notices: list[str] = field(default_factory=list)

    def approve(self, payment: Payment) -> None:
        """Do as a customer does: open the bank's page, approve, and follow back to the shop.

        Where the way there is an app, or a page of the shop's own, the customer approves in theirs.
        """
        page = page_of(payment.action) if payment.action is not None else ""
        if page.startswith(self.bank_url):
            self.browser.get(page).raise_for_status()
            self.browser.post(page, data={"decision": "approve"}).raise_for_status()
        else:
            self.bank.approve(payment.id)

    def settle(self, checkout_id: str) -> None:
        """Let what a provider only took in so far come to its end."""
        self.deliver_notices()
        for _ in range(_ROUNDS):
            checkout = self.flow.load(checkout_id)
            if not any(item.open_attempts and item.action is None for item in checkout.payments):
                break
            self.clock.pass_time()
            self.deliver_notices()
            self.flow.reconcile(checkout_id)

    def deliver_notices(self) -> None:
        """Let the bank post to the shop what it has to tell."""
        self.bank.deliver(self._post)

    def _post(self, hook: Webhook) -> None:
        url = f"{self.shop_url}/notices/{self.provider.name}?{hook.query}"
        self.browser.post(url, headers=dict(hook.headers), content=hook.body).raise_for_status()
        self.notices.extend(notice.kind for notice in self.provider.read_notices(hook))


def page_of(action: Action) -> str:
    """Where the customer goes to pay, by whatever means the address reaches them."""
    return action.payload if isinstance(action, ShowQr) else action.url


def own_adapter(bank: StandIn, url: str) -> Provider:
    """The adapter that comes with a stand-in."""
    return bank.provider(url)


@contextmanager
def open_stage(
    shop: Shop,
    database: Path | Server,
    open_bank: Callable[[Clock], StandIn] = SimulatedBank,
    adapter: Callable[[StandIn, str], Provider] = own_adapter,
) -> Iterator[Stage]:
    """Set the stage for as long as the block lasts.

    Args:
        shop: The settings to sell with.
        database: What to keep the sales in; made, or added to. Where it is on a server, the keys of
            the vault are new, and gone afterwards.
        open_bank: Opens the stand-in that takes the payments.
        adapter: Makes the adapter for it, from its address.

    Raises:
        StoreError: If the database cannot be used.
    """
    clock = Clock()
    bank = open_bank(clock)
    store = open_named(database)
    store.create()
    keys = Keys.of(system_random(KEY_BYTES)) if isinstance(database, Server) else None
    with serve(bank.handle) as bank_url:
        provider = adapter(bank, bank_url)
        with (
            CheckoutFlow(shop, providers=[provider], store=store, keys=keys, clock=clock) as flow,
            serve(partial(_answer, flow)) as shop_url,
            httpx.Client(follow_redirects=True, trust_env=False) as browser,
        ):
            yield Stage(flow, bank, provider, browser, clock, bank_url, shop_url)


def _answer(flow: CheckoutFlow, request: httpx.Request) -> httpx.Response:
    """What the shop's web server does: two addresses are all that the flow needs of it."""
    match request.method, request.url.path.split("/"):
        case "POST", ["", "notices", provider]:
            try:
                query = request.url.query.decode()
                flow.receive(provider, request.headers, request.content, query=query)
            except UntrustedNotice:
                return httpx.Response(400)
            return httpx.Response(204)
        case "GET", ["", "back", checkout_id]:
            flow.reconcile(checkout_id)  # coming back proves nothing: the bank is asked
            return httpx.Response(200, text=flow.view(checkout_id).status)
        case _:
            return httpx.Response(404)
