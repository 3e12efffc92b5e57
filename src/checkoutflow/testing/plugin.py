"""Fixtures for a shop's own tests. pytest finds them by itself once checkoutflow is installed.

Override ``checkout_shop`` in your ``conftest.py`` to test with your own settings; the other
fixtures follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from checkoutflow.cart import Cart
    from checkoutflow.flow.sync import CheckoutFlow
    from checkoutflow.shop import Shop
    from checkoutflow.testing.bank import SimulatedBank
    from checkoutflow.testing.clock import Clock

# Imports are inside the fixtures: pytest loads this module in every project that has checkoutflow
# installed, also for tests that have nothing to do with it.
# ruff: noqa: PLC0415


@pytest.fixture
def checkout_clock() -> Clock:
    """A clock to move by hand: ``checkout_clock.advance(days=3)``."""
    from checkoutflow.testing.clock import Clock

    return Clock()


@pytest.fixture
def simulated_bank(checkout_clock: Clock) -> SimulatedBank:
    """A payment provider with books of its own, reached without a network."""
    from checkoutflow.testing.bank import SimulatedBank

    return SimulatedBank(checkout_clock)


@pytest.fixture
def checkout_shop() -> Shop:
    """The settings to test with; override this one with your own."""
    from checkoutflow.testing.samples import sample_shop

    return sample_shop()


@pytest.fixture
def checkout_carts() -> Mapping[str, Cart]:
    """A cart for each of the markets DK, SE, NO, FI and IS."""
    from checkoutflow.testing.samples import sample_carts

    return sample_carts()


@pytest.fixture
def checkout_customers() -> Mapping[str, Mapping[str, str]]:
    """Contact details for each market, as ``start(details=...)`` and ``provide`` take them."""
    from checkoutflow.testing.samples import CUSTOMERS

    return CUSTOMERS


@pytest.fixture
def checkout_flow(
    checkout_shop: Shop, checkout_clock: Clock, simulated_bank: SimulatedBank
) -> Iterator[CheckoutFlow]:
    """A flow on a memory store, with the clock and the bank of the same test."""
    import httpx

    from checkoutflow.flow.sync import CheckoutFlow
    from checkoutflow.stores.memory import MemoryStore

    with (
        httpx.Client(transport=httpx.MockTransport(simulated_bank.handle)) as http,
        CheckoutFlow(
            checkout_shop,
            providers=[simulated_bank.provider()],
            store=MemoryStore(),
            clock=checkout_clock,
            http=http,
        ) as flow,
    ):
        yield flow
