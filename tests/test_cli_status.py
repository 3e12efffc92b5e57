"""``checkoutflow status`` finds what is stuck, and says what to do."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.heart import DEAR, Sale

from checkoutflow import CheckoutFlow
from checkoutflow.checkout import commands as c
from checkoutflow.checkout.state import Attention, Checkout
from checkoutflow.cli import main
from checkoutflow.cli.status import ADVICE, LATE, Stuck, stuck
from checkoutflow.payment.outcomes import Outcome
from checkoutflow.stores.contract import HealthRow
from checkoutflow.stores.sql import open_store
from checkoutflow.testing import Fault

A_MOMENT = timedelta(microseconds=1)


def found(sale: Sale, **later: float) -> list[tuple[str, str]]:
    return [(one.what, one.about) for one in stuck(sale.state, sale.now + timedelta(**later))]


def test_what_goes_well_is_not_stuck():
    for sale in (Sale(), Sale().placed(), Sale().confirmed(), Sale().confirmed().do(c.Ship())):
        assert found(sale) == []
    assert found(Sale().confirmed().do(c.Ship()).succeed(), days=99) == []


def test_an_answer_that_does_not_come_is_waited_for_a_while():
    sale = Sale().placed()
    assert list(stuck(sale.state, sale.now + LATE - A_MOMENT)) == []
    (one,) = stuck(sale.state, sale.now + LATE)
    assert one == Stuck("co", "unknown", sale.payment.id, sale.now)


def test_a_shipment_and_a_refund_that_failed_are_named():
    sale = Sale().confirmed().do(c.Ship())
    sale.hear(Outcome.DECLINED)
    assert found(sale) == [("shipment_failed", sale.state.shipments[-1].id)]
    sale = Sale().confirmed().do(c.Ship()).succeed().do(c.Refund(lines={"mug": 1}))
    sale.hear(Outcome.DECLINED)
    assert found(sale) == [("refund_not_done", sale.state.refunds[-1].id)]


def test_a_review_that_nobody_decided_in_time_is_named():
    sale = Sale(DEAR).confirmed()
    review = sale.state.review
    assert review is not None
    assert list(stuck(sale.state, review.deadline)) == []
    (one,) = stuck(sale.state, review.deadline + LATE)
    assert (one.what, one.since) == ("late_review", review.deadline)


def test_what_calls_a_person_is_named_and_nothing_twice():
    sale = Sale().placed()
    payment = sale.payment.id
    attention = (Attention(reason="unresolved", payment=payment),)
    state = sale.state.but(attention=attention)
    assert list(stuck(state, sale.now + timedelta(days=2))) == [Stuck("co", "unresolved", payment)]


def test_for_everything_there_is_advice():
    assert Attention.__doc__ is not None
    reasons = set(re.findall(r"``(\w+)``", Attention.__doc__))
    assert "unresolved" in reasons
    assert reasons <= ADVICE.keys()


# The command --------------------------------------------------------------------------------------


@pytest.fixture
def shop(tmp_path, checkout_shop, checkout_clock, simulated_bank, monkeypatch):
    """A shop with a database of its own; the command's clock is the shop's."""
    monkeypatch.setattr("checkoutflow.cli.status.system_clock", checkout_clock)
    store = open_store(tmp_path / "shop.db")
    store.create()
    with (
        httpx.Client(transport=httpx.MockTransport(simulated_bank.handle)) as http,
        CheckoutFlow(
            checkout_shop,
            providers=[simulated_bank.provider()],
            store=store,
            clock=checkout_clock,
            http=http,
        ) as flow,
    ):
        yield flow


@pytest.fixture
def status(tmp_path, capsys):
    def run(*more: str) -> tuple[int, str]:
        code = main(["status", "--db", str(tmp_path / "shop.db"), *more])
        return code, capsys.readouterr().out

    return run


def bought(flow: Any, carts: Any, customers: Any, payment: str = "card") -> Checkout:
    sale = flow.start(carts["DK"], market="DK", payment=payment, details=customers["DK"])
    placed: Checkout = flow.place(
        sale.id, accepted_total=sale.total, return_url="https://shop.example/back"
    )
    return placed


def test_a_shop_without_a_worry(shop, status, checkout_carts, checkout_customers):
    bought(shop, checkout_carts, checkout_customers)
    assert status() == (0, "1 messages wait to be taken by the shop\nnothing is stuck\n")
    code, text = status("--json")
    assert (code, json.loads(text)) == (
        0,
        {"stuck": [], "late": 0, "late_since": None, "providers_down": [], "messages": 1},
    )


def test_work_that_nobody_does_is_late(
    shop, status, checkout_carts, checkout_customers, checkout_clock
):
    shop.start(checkout_carts["DK"], market="DK")
    checkout_clock.advance(days=2)
    code, text = status()
    assert code == 1
    assert "1 checkouts are late, the first since " in text
    assert "run_due()" in text
    shop.run_due()
    assert status()[0] == 0


def test_a_lost_answer_and_a_provider_that_is_down_are_told(
    shop, status, checkout_carts, checkout_customers, checkout_clock, simulated_bank
):
    sale = bought(shop, checkout_carts, checkout_customers)
    simulated_bank.plan("capture", Fault.LOSE_ANSWER)
    shop.ship(sale.id)
    at = checkout_clock.advance(minutes=6)
    shop._store.set_health(
        HealthRow("simulated_bank", 5, at, down_until=at + timedelta(seconds=30))
    )
    code, text = status()
    assert code == 1
    assert text.startswith(f"{sale.id}: unknown (")
    assert "simulated_bank does not answer" in text
    code, text = status("--json")
    told = json.loads(text)
    assert code == 1
    assert told["providers_down"] == ["simulated_bank"]
    (one,) = told["stuck"]
    assert (one["checkout"], one["what"]) == (sale.id, "unknown")
    assert one["since"] == (at - timedelta(minutes=6)).isoformat()
    assert one["advice"] == ADVICE["unknown"]
