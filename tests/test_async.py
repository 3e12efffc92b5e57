"""The asynchronous flow has every call of the synchronous one, and each does the same."""

from __future__ import annotations

import asyncio
import inspect

import httpx
import pytest

from checkoutflow import (
    AsyncCheckoutFlow,
    CheckoutFlow,
    MemoryStore,
    Money,
    NotFound,
    Phase,
    Purpose,
    StoreConflict,
)
from checkoutflow.testing import Fault

BACK = "https://shop.example/back"


def public(flow: type) -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(call)
        for name, call in vars(flow).items()
        if inspect.isfunction(call) and not name.startswith("_")
    }


def test_both_flows_have_the_same_calls_with_the_same_arguments():
    assert public(AsyncCheckoutFlow) == public(CheckoutFlow)
    for name in public(AsyncCheckoutFlow):
        assert inspect.iscoroutinefunction(getattr(AsyncCheckoutFlow, name)), name


@pytest.fixture
def play(checkout_shop, checkout_clock, simulated_bank):
    """Run a story on a flow of its own."""

    def run(story):
        async def begin():
            http = httpx.AsyncClient(transport=httpx.MockTransport(simulated_bank.handle))
            async with AsyncCheckoutFlow(
                checkout_shop,
                providers=[simulated_bank.provider()],
                store=MemoryStore(),
                clock=checkout_clock,
                http=http,
            ) as flow:
                await story(flow)

        asyncio.run(begin())

    return run


def test_a_sale_with_everything_in_it(play, simulated_bank, checkout_carts, checkout_customers):
    cart = checkout_carts["DK"]

    async def story(flow):
        simulated_bank.issue_gift_card("GIFT-CODE-1", Money(5000, "DKK"))
        sale = await flow.start(cart, market="DK")
        sale = await flow.change_cart(sale.id, cart)
        sale = await flow.choose_delivery(sale.id, "parcel")
        sale = await flow.provide(sale.id, **checkout_customers["DK"])
        sale = await flow.choose_payment(sale.id, "wallet")
        credit = Money(5000, "DKK")
        await flow.add_credit(sale.id, "gift_card", credit, code="GIFT-CODE-1")
        await flow.remove_credit(sale.id, "gift_card")
        sale = await flow.add_credit(sale.id, "gift_card", credit)
        assert (await flow.view(sale.id)).can_place
        sale = await flow.place(sale.id, accepted_total=sale.total, return_url=BACK)
        simulated_bank.approve(sale.payments[1].id)
        for hook in simulated_bank.outbox:
            (sale,) = await flow.receive("simulated_bank", hook.headers, hook.body)
        assert sale.phase is Phase.CONFIRMED
        sale = await flow.ship(sale.id, {"mug": 1})
        sale = await flow.cancel(sale.id, {"mug": 1})
        sale = await flow.ship(sale.id)
        sale = await flow.refund(sale.id, {"mug": 1})
        assert (await flow.reconcile(sale.id)).books == (await flow.load(sale.id)).books
        assert (await flow.journal(sale.id))[0].command == "start"
        assert (await flow.details(sale.id, Purpose.DELIVER))["city"]
        assert sale.id in await flow.checkouts([Phase.FULFILLED])
        waiting = await flow.messages()
        await flow.delivered(waiting)
        assert waiting
        assert not await flow.messages()
        for payment in sale.payments:
            book = simulated_bank.book(payment.id)
            assert (book.captured, book.refunded) == (
                payment.books.captured,
                payment.books.refunded,
            )

    play(story)


def test_held_orders_are_decided(play, checkout_carts, checkout_customers):
    data = checkout_carts["SE"].model_dump(mode="json")
    data["lines"][0]["quantity"] = 50
    cart = type(checkout_carts["SE"]).read(data)

    async def story(flow):
        for decide, phase in (("approve", Phase.CONFIRMED), ("reject", Phase.REJECTED)):
            sale = await flow.start(
                cart, market="SE", details=checkout_customers["SE"], payment="card"
            )
            sale = await flow.place(sale.id, accepted_total=sale.total, return_url=BACK)
            assert sale.phase is Phase.HELD
            await flow.claim(sale.id, reviewer="r1")
            sale = await getattr(flow, decide)(sale.id, reviewer="r1")
            assert sale.phase is phase

    play(story)


def test_a_capture_that_was_taken_back_is_taken_again(
    play, simulated_bank, checkout_carts, checkout_customers
):
    async def story(flow):
        sale = await flow.start(
            checkout_carts["NO"], market="NO", details=checkout_customers["NO"], payment="card"
        )
        sale = await flow.place(sale.id, accepted_total=sale.total, return_url=BACK)
        sale = await flow.ship(sale.id)
        payment = sale.payments[0]
        simulated_bank.take_back(payment.id, payment.attempts[-1].id)
        sale = await flow.reconcile(sale.id)
        assert not sale.shipments[0].is_paid
        sale = await flow.capture_again(sale.id, "s1")
        assert sale.shipments[0].is_paid

    play(story)


def test_due_work_and_what_fails_of_it(
    play, checkout_clock, simulated_bank, checkout_carts, checkout_customers, monkeypatch
):
    async def story(flow):
        simulated_bank.plan("authorise", Fault.LOSE_ANSWER)
        sale = await flow.start(
            checkout_carts["IS"], market="IS", details=checkout_customers["IS"], payment="card"
        )
        sale = await flow.place(sale.id, accepted_total=sale.total, return_url=BACK)
        assert sale.phase is Phase.PLACING
        checkout_clock.advance(seconds=10)
        with monkeypatch.context() as broken:

            def taken(store, change):
                raise StoreConflict("somebody is always first")

            broken.setattr(MemoryStore, "commit", taken)
            report = await flow.run_due()
            assert [name for name, _ in report.failed] == [sale.id]
        assert (await flow.run_due()).done == ()
        checkout_clock.advance(minutes=1)
        assert (await flow.run_due()).done == (sale.id,)
        assert (await flow.load(sale.id)).phase is Phase.CONFIRMED
        with pytest.raises(NotFound):
            await flow.load("nothing")

    play(story)
