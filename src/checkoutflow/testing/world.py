"""A whole world for a test: a bank, a store, a clock and a flow, and what must be true in it."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, Final, Self

import httpx

from checkoutflow.checkout.timers import timers
from checkoutflow.errors import NotFound
from checkoutflow.privacy.vault import KEY_BYTES, Keys
from checkoutflow.stores.memory import MemoryStore
from checkoutflow.testing.bank import SimulatedBank
from checkoutflow.testing.check import check_world
from checkoutflow.testing.clock import Clock
from checkoutflow.testing.driver import SteppingFlow, Steps

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from types import TracebackType

    from checkoutflow.checkout.state import Checkout, Payment
    from checkoutflow.shop import Shop
    from checkoutflow.stores.contract import Store
    from checkoutflow.testing.standins.base import StandIn

# Due work that goes on for longer than this many rounds never comes to rest.
_MOST_ROUNDS: Final = 500
_ALL: Final = 1_000_000


class World:
    """One shop, one bank, one store and one clock; the flow over them can crash and be reopened.

    Here the machine stops when the request for the payment has left and no answer has come:

    >>> from checkoutflow.testing import CUSTOMERS, sample_carts, sample_shop
    >>> from checkoutflow.testing.driver import Crash, Stop
    >>> with World(sample_shop()) as world:
    ...     checkout = world.flow.start(
    ...         sample_carts()["DK"], market="DK", details=CUSTOMERS["DK"], payment="card"
    ...     )
    ...     world.steps.stops = [Stop(17, is_after=True)]  # see world.steps.names
    ...     try:
    ...         world.flow.place(
    ...             checkout.id, accepted_total=checkout.total, return_url="https://shop.example"
    ...         )
    ...     except Crash as crash:
    ...         print(crash)
    ...     flow = world.reopen()
    ...     world.settle()
    ...     world.check()
    ...     print(flow.load(checkout.id).phase)
    crash after effect 17: send POST payments
    confirmed

    Attributes:
        clock: Moves by hand; the bank and the flow share it.
        bank: The truth about money.
        store: As it was opened last.
        flow: A ``CheckoutFlow`` that counts its effects and stops where it is told to.
        steps: The effects so far, and the places to stop.
    """

    def __init__(
        self,
        shop: Shop,
        *,
        open_store: Callable[[], Store] | None = None,
        open_bank: Callable[[Clock], StandIn] = SimulatedBank,
        seed: int = 0,
    ) -> None:
        """Make a world; the same seed gives the same ids.

        Args:
            shop: The settings to sell by. Methods name the provider ``simulated_bank``.
            open_store: Opens the store, at first and after every crash; it must find again what
                was committed. By default one ``MemoryStore`` that outlives crashes.
            open_bank: Opens the bank: another provider's stand-in, or one that can do less, such as
                ``partial(SimulatedBank, remembers_keys=False)``.
            seed: What the random bytes are drawn from.
        """
        self.shop = shop
        self.clock = Clock()
        self.bank = open_bank(self.clock)
        self.steps = Steps()
        memory = MemoryStore()
        self._open_store = open_store or (lambda: memory)
        self._random = Random(seed).randbytes  # noqa: S311 -- a test wants the same bytes again
        self._keys = Keys.of(self._random(KEY_BYTES))
        self._http = httpx.Client(transport=httpx.MockTransport(self.bank.handle))
        self._stores: list[Store] = []
        self.reopen()

    def reopen(self) -> SteppingFlow:
        """Start again after a crash: a new flow over the same database, bank and clock."""
        # A crashed machine closes nothing, so what it had open is closed at the very end.
        self.store = self._open_store()
        self._stores.append(self.store)
        self.flow = self.open_flow(
            providers=[self.bank.provider()],
            store=self.store,
            keys=self._keys,
            clock=self.clock,
            random=self._random,
        )
        return self.flow

    def open_flow(self, **options: Any) -> SteppingFlow:  # noqa: ANN401 -- those of the flow
        """Put the flow together; override it to test one of your own, with these options."""
        return SteppingFlow(self.shop, http=self._http, steps=self.steps, **options)

    def close(self) -> None:
        """Close what was opened."""
        self._http.close()
        for store in self._stores:
            store.close()

    def __enter__(self) -> Self:
        """Use it in a ``with`` block, which closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    # Looking ---------------------------------------------------------------------------------

    def checkout(self, checkout_id: str) -> Checkout:
        """One checkout as the store has it, without a step of the flow.

        Raises:
            NotFound: If there is none.
        """
        state = self.store.load(checkout_id)
        if state is None:
            raise NotFound("there is no checkout with this id", field="checkout_id")
        return state

    def checkouts(self) -> list[Checkout]:
        """Every checkout as the store has it."""
        return [self.checkout(name) for name in self.store.checkouts((), limit=_ALL)]

    def check(self) -> None:
        """Check everything that must be true; see `check_world`."""
        check_world(self.store, self.bank, self.shop)

    # What happens by itself -------------------------------------------------------------------

    def deliver(self) -> None:
        """Hand the bank's waiting notices over."""
        name = self.bank.provider().name
        self.bank.deliver(
            lambda hook: self.flow.receive(name, hook.headers, hook.body, query=hook.query)
        )

    def run_due(self) -> None:
        """Take in notices and do what is due now.

        Raises:
            AssertionError: If a checkout's turn failed.
        """
        self.deliver()
        for checkout_id, error in self.flow.run_due(_ALL).failed:
            raise AssertionError(f"due work on checkout {checkout_id} failed: {error}") from error

    def settle(self) -> None:
        """Do what is due, for as long as it takes until no outcome is open but the customer's.

        Raises:
            AssertionError: If it never comes to that.
        """
        for _ in range(_MOST_ROUNDS):
            self.run_due()
            looks = [
                payment.look_at
                for state in self.checkouts()
                for payment in state.payments
                if payment.look_at is not None and _is_awaited(payment)
            ]
            if not looks:
                return
            self._wait_for(min(looks))
        raise AssertionError("some outcome stays open for ever; look at World.checkouts()")

    def run_until(self, end: datetime) -> None:
        """Let time pass, and do everything on the way when it falls due.

        Raises:
            AssertionError: If due work never comes to rest.
        """
        for _ in range(_MOST_ROUNDS):
            self.run_due()
            due = [at for state in self.checkouts() for at in timers(state, self.shop).values()]
            upcoming = min(due, default=end)
            if upcoming >= end <= self.clock():
                return
            self._wait_for(min(upcoming, end))
        raise AssertionError("due work never comes to rest; look at World.checkouts()")

    def _wait_for(self, moment: datetime) -> None:
        self.clock.move_to(max(moment, self.clock()))


def _is_awaited(payment: Payment) -> bool:
    """Whether the provider is to be asked, and not only because the customer has not decided.

    A contradiction with nothing open waits for a person and may last for ever.
    """
    count = len(payment.open_attempts)
    if payment.action is not None and count == 1:
        return False
    return count > 0 or not payment.contradiction
