"""What a shop writes, checked by strict types and run against the installed wheel."""

from __future__ import annotations

import asyncio
from typing import assert_type

import httpx

import checkoutflow
from checkoutflow import (
    AsyncCheckoutFlow,
    Cart,
    Checkout,
    CheckoutError,
    CheckoutFlow,
    InvalidInput,
    MemoryStore,
    Money,
    Next,
    OpenApp,
    Phase,
    Redirect,
    Shop,
    ShowQr,
    UsageError,
    View,
)
from checkoutflow.testing import Clock, SimulatedBank, sample_carts, sample_shop


def price(text: str) -> Money | None:
    """Read a price that somebody typed."""
    try:
        return Money.parse(text, "DKK")
    except InvalidInput as error:
        assert_type(error.field, str | None)
        assert_type(error.next, Next)
        return None


def sell(flow: CheckoutFlow, cart: Cart) -> Checkout:
    """Sell on the shop's own invoice."""
    checkout = flow.start(cart, market="SE", details={"email": "test@example.com"})
    checkout = flow.provide(
        checkout.id,
        name="Test Person",
        street="Testgata 1",
        postal_code="111 22",
        city="Stockholm",
        payment="own_invoice",
    )
    view = flow.view(checkout.id)
    assert_type(view, View)
    assert_type(view.totals.total.text, str)
    checkout = flow.place(checkout.id, accepted_total=checkout.total)
    assert_type(checkout.next_action, Redirect | OpenApp | ShowQr | None)
    return flow.ship(checkout.id)


async def sell_later(flow: AsyncCheckoutFlow, cart: Cart) -> Phase:
    """The same, awaited."""
    checkout = await flow.start(cart, market="SE")
    return (await flow.cancel(checkout.id)).phase


def main() -> None:
    """Use the first names as their types say."""
    assert_type(checkoutflow.__version__, str)
    assert_type(Money(100, "DKK") + Money(50, "DKK"), Money)
    assert_type(Money(100, "DKK").format("da_DK"), str)
    assert_type(price("1.50"), Money | None)
    try:
        Money(100, "DKK") + Money(100, "SEK")
    except UsageError as error:
        kept: CheckoutError = error
        print(f"refused: {kept}")
    shop = sample_shop()
    assert_type(shop, Shop)
    bank = SimulatedBank(Clock())
    http = httpx.Client(transport=httpx.MockTransport(bank.handle))
    with CheckoutFlow(
        shop, providers=[bank.provider()], store=MemoryStore(), clock=Clock(), http=http
    ) as flow:
        print(sell(flow, sample_carts()["SE"]).phase)
    later = AsyncCheckoutFlow(shop, providers=[bank.provider()], store=MemoryStore())
    print(asyncio.run(sell_later(later, sample_carts()["SE"])))


if __name__ == "__main__":
    main()
