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
from checkoutflow.checkout import events as e
from checkoutflow.checkout.evolve import evolve
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.state import Attention, Checkout
from checkoutflow.cli import main
from checkoutflow.cli.status import ADVICE, LATE, stuck
from checkoutflow.payment.outcomes import Outcome
from checkoutflow.stores.contract import Change, HealthRow
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
    assert (one.checkout, one.what, one.about) == ("co", "unknown", sale.payment.id)
    assert one.since == sale.now
    assert one.provider == sale.payment.provider
    assert one.facts == f"authorise {sale.payment.amount} ({sale.payment.id}-1)"


def test_a_shipment_and_a_refund_that_failed_are_named():
    sale = Sale().confirmed().do(c.Ship())
    sale.hear(Outcome.DECLINED)
    assert found(sale) == [("shipment_failed", sale.state.shipments[-1].id)]
    sale = Sale().confirmed().do(c.Ship()).succeed().do(c.Refund(lines={"mug": 1}))
    sale.hear(Outcome.DECLINED)
    assert found(sale) == [("refund_not_done", sale.state.refunds[-1].id)]
    (one,) = stuck(sale.state, sale.now)
    assert (one.provider, one.reference) == (
        sale.payment.provider,
        sale.payment.provider_reference or "",
    )


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
    (one,) = stuck(state, sale.now + timedelta(days=2))
    assert (one.what, one.about, one.since) == ("unresolved", payment, None)


def test_what_a_provider_says_that_cannot_be_is_named():
    sale = Sale().placed()
    attention = (Attention(reason="contradiction", payment=sale.payment.id),)
    payment = sale.payment.but(contradiction="asked for 1, got 2", provider_reference="theirs")
    state = sale.state.but(attention=attention, payments=(payment,))
    (one,) = stuck(state, sale.now)
    assert (one.facts, one.reference) == ("asked for 1, got 2", "theirs")


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


def test_a_shop_without_a_worry(shop, status, checkout_carts, checkout_customers, checkout_clock):
    bought(shop, checkout_carts, checkout_customers)
    at = checkout_clock()
    said = "1 message is waiting to be taken by the shop, the first since "
    assert status() == (0, f"{said}{at:%Y-%m-%d %H:%M} UTC\nnothing is stuck\n")
    code, text = status("--json", "--days", "7")
    assert (code, json.loads(text)) == (
        0,
        {
            "stuck": [],
            "late": 0,
            "late_since": None,
            "late_checkouts": [],
            "providers_down": [],
            "messages": 1,
            "messages_since": at.isoformat(),
            "held": 0,
            "held_until": None,
            "lost_key": None,
            "over_read_since": (at - timedelta(days=7)).isoformat(),
        },
    )


def test_work_that_nobody_does_is_late(
    shop, status, checkout_carts, checkout_customers, checkout_clock
):
    sale = shop.start(checkout_carts["DK"], market="DK")
    checkout_clock.advance(days=2)
    code, text = status()
    assert code == 1
    assert text.startswith(f"1 checkout is late:\n  {sale.id}: expiry since ")
    assert "run_due()" in text
    assert json.loads(status("--json")[1])["late_checkouts"] == [sale.id]
    shop.run_due()
    assert status()[0] == 0


def test_work_that_was_tried_and_is_not_done_is_named(shop, status, checkout_carts, checkout_clock):
    sale = shop.start(checkout_carts["DK"], market="DK")
    checkout_clock.advance(seconds=(sale.expires_at - checkout_clock()).total_seconds())
    (due,) = shop.lease_due(for_s=600)
    assert status() == (0, "nothing is stuck\n")  # somebody is at it
    checkout_clock.advance(seconds=LATE.total_seconds())
    since, again = (f"{at:%Y-%m-%d %H:%M} UTC" for at in (sale.expires_at, due.until))
    told = f"{sale.id}: turn_failed (expiry) since {since}\n    again at {again}\n    tried and not"
    code, text = status()
    assert (code, text[: len(told)]) == (1, told)
    (one,) = json.loads(status("--json")[1])["stuck"]
    assert (one["since"], one["advice"]) == (sale.expires_at.isoformat(), ADVICE["turn_failed"])
    checkout_clock.advance(minutes=10)  # and then nobody tries any more
    assert status()[1].startswith(f"1 checkout is late:\n  {sale.id}: expiry since {since}\n")
    shop.run_due()
    assert status()[0] == 0


def test_messages_that_nobody_takes_are_a_worry_after_a_while(
    shop, status, checkout_carts, checkout_customers, checkout_clock
):
    bought(shop, checkout_carts, checkout_customers)
    checkout_clock.advance(hours=1)
    code, text = status()
    assert code == 1
    assert "messages() and delivered()" in text
    shop.delivered(shop.messages())
    assert status() == (0, "nothing is stuck\n")


def test_a_lost_answer_and_a_provider_that_is_down_are_told(
    shop, status, checkout_carts, checkout_customers, checkout_clock, simulated_bank
):
    sale = bought(shop, checkout_carts, checkout_customers)
    simulated_bank.plan("capture", Fault.LOSE_ANSWER)
    shop.ship(sale.id)
    at = checkout_clock.advance(minutes=6)
    shop._store.set_health(HealthRow("simulated_bank", 5, at, down_until=at - A_MOMENT))
    code, text = status()
    assert code == 1
    assert text.startswith(f"{sale.id}: unknown (")
    (payment,) = sale.payments
    asked = f"capture {sale.total} ({payment.id}-2)"
    assert f"{asked} at simulated_bank, there " in text
    assert "simulated_bank does not answer: 5 times in a row" in text
    code, text = status("--json")
    told = json.loads(text)
    assert code == 1
    assert told["providers_down"] == ["simulated_bank"]
    (one,) = told["stuck"]
    assert (one["checkout"], one["what"]) == (sale.id, "unknown")
    assert (one["provider"], one["facts"]) == ("simulated_bank", asked)
    assert one["reference"] == shop.load(sale.id).payments[0].provider_reference
    assert one["since"] == (at - timedelta(minutes=6)).isoformat()
    assert one["advice"] == ADVICE["unknown"]


def test_money_that_stays_reserved_after_the_end_is_found_for_as_long_as_one_looks_back(
    shop, status, checkout_carts, checkout_customers, checkout_clock, monkeypatch
):
    """Whatever phase it ended in; and the moment is the journal's."""
    sale = bought(shop, checkout_carts, checkout_customers)
    at = checkout_clock.advance(minutes=1)
    needed = e.AttentionNeeded(reason="void_failed", payment=sale.payments[0].id)
    for phase in (Phase.REJECTED, Phase.EXPIRED, Phase.CANCELLED, Phase.COLLECTING):
        state = shop.load(sale.id)
        after = evolve(state.but(attention=()), needed).but(version=state.version + 1, phase=phase)
        shop._store.commit(Change(state=after, events=(needed,), at=at, command="test"))
        (one,) = json.loads(status("--json")[1])["stuck"]
        assert (one["what"], one["since"]) == ("void_failed", at.isoformat())
    checkout_clock.advance(days=9)
    assert "void_failed" in status("--days", "8")[1]  # it is open still
    after = after.but(version=after.version + 1, phase=Phase.REJECTED)
    shop._store.commit(Change(state=after, events=(needed,), at=at, command="test"))
    assert "void_failed" not in status("--days", "8")[1]
    assert "void_failed" in status("--days", "9")[1]


def test_what_failed_for_good_has_the_moment_at_which_it_did(
    shop, status, checkout_carts, checkout_customers, checkout_clock, simulated_bank
):
    sale = bought(shop, checkout_carts, checkout_customers)
    at = checkout_clock.advance(minutes=1)
    simulated_bank.plan("capture", Fault.DECLINE)
    shop.ship(sale.id)
    checkout_clock.advance(minutes=9)
    (one,) = json.loads(status("--json")[1])["stuck"]
    assert (one["what"], one["since"], one["facts"]) == (
        "shipment_failed",
        at.isoformat(),
        str(sale.total),
    )
    (payment,) = sale.payments
    assert (one["provider"], one["reference"]) == ("simulated_bank", payment.provider_reference)


def test_after_an_outage_the_oldest_are_shown_and_the_rest_is_counted(
    shop, status, checkout_carts, checkout_customers, checkout_clock, simulated_bank
):
    names = []
    for _ in range(21):
        sale = bought(shop, checkout_carts, checkout_customers)
        simulated_bank.plan("capture", Fault.LOSE_ANSWER)
        names.append(shop.ship(sale.id).id)
        checkout_clock.advance(seconds=1)
    checkout_clock.advance(hours=1)
    code, text = status()
    assert code == 1
    assert text.startswith(f"{names[0]}: unknown")
    assert f"{names[-2]}: unknown" in text
    assert f"{names[-1]}: unknown" not in text
    assert "... of 21 (21 unknown); --json has all" in text
    assert "21 checkouts are late:" in text
    assert "\n  ...\n" in text
    assert len(json.loads(status("--json")[1])["stuck"]) == 21


def test_orders_that_wait_for_a_person_are_counted(
    shop, status, checkout_carts, checkout_customers
):
    dear = checkout_carts["DK"]
    dear = dear.but(lines=tuple(line.but(quantity=500) for line in dear.lines))
    sale = bought(shop, {"DK": dear}, checkout_customers)
    assert sale.phase is Phase.HELD
    assert sale.review is not None
    code, text = status()
    assert code == 0
    assert "1 order is held for a person; without one the first is decided at " in text
    assert f"{sale.review.deadline:%Y-%m-%d %H:%M} UTC" in text
