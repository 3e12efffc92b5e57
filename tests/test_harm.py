"""What counts as harm, and that trying rules, learning and figures all count the same."""

from __future__ import annotations

from typing import Any

import pytest
from tests.test_review import MUG, Shopping, shopping

from checkoutflow import Money
from checkoutflow.checkout.follow import order_of
from checkoutflow.checkout.reviewed import fate_of, harm_heard, reviewed
from checkoutflow.review.backtest import Past, backtest
from checkoutflow.review.figures import figures
from checkoutflow.review.harm import NO_HARM, is_harm
from checkoutflow.review.machine import RejectReason
from checkoutflow.risk.history import row_of, rows_of

BY = {"reviewer": "reviewer-1"}
ALL = Money.read("198 NOK")


def held(shop: Shopping, **options: Any) -> Any:
    return shop.buy(MUG, **options)


def shipped(shop: Shopping, **options: Any) -> Any:
    return shop.flow.ship(shop.flow.approve(held(shop, **options).id, **BY).id)


def rejected(reason: str) -> Any:
    return lambda shop: shop.flow.reject(held(shop).id, reason=reason, **BY)


def charged_back(**why: bool) -> Any:
    return lambda shop: shop.flow.record_chargeback(shipped(shop).id, amount=ALL, **why)


def late(shop: Shopping, **time: int) -> None:
    shop.wait(**time)
    shop.world.settle()


def overdue(shop: Shopping) -> Any:
    sold = shipped(shop, payment="own_invoice")
    late(shop, days=40)
    return sold


def paid_in_the_end(shop: Shopping) -> None:
    sold = overdue(shop)
    today = shop.world.clock().date()
    (number,) = (invoice.number for invoice in shop.flow.load(sold.id).invoices)
    shop.flow.record_payment(sold.id, invoice=number, amount=ALL, received_on=today)


def forgotten(shop: Shopping) -> None:
    held(shop)
    late(shop, days=4)


def lost(shop: Shopping) -> None:
    order = held(shop)
    shop.bank.portal_void(order.payments[0].id)
    shop.flow.reconcile(order.id)


ENDINGS = {
    "sent": (shipped, "good"),
    "charged back as fraud": (charged_back(is_fraud=True), "bad"),
    "charged back, nobody says why": (charged_back(), "bad"),
    "charged back over the goods": (charged_back(is_fraud=False), "good"),
    "an invoice overdue": (overdue, "bad"),
    "an invoice paid late": (paid_in_the_end, "good"),
    **{
        f"rejected: {reason}": (rejected(reason), "open" if reason in NO_HARM else "bad")
        for reason in RejectReason
    },
    "still waiting": (held, "open"),
    "nobody decided in time": (forgotten, "open"),
    "its authorisation went away": (lost, "open"),
    "cancelled while held": (lambda shop: shop.flow.cancel(held(shop).id), "open"),
    "cancelled after a yes": (
        lambda shop: shop.flow.cancel(shop.flow.approve(held(shop).id, **BY).id),
        "open",
    ),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_harm_is_one_thing_for_rules_for_learning_and_for_figures(ending):
    play, fate = ENDINGS[ending]
    shop = shopping(
        default_rules=False, rules=[{"id": "mugs", "hold": True, "when": {"skus": ["mug"]}}]
    )
    play(shop)
    (state,) = shop.world.checkouts()
    history = [(entry.at, entry.events) for entry in shop.flow.journal(state.id)]
    assert fate_of(state) == fate
    assert bool(list(harm_heard(state, history))) == (fate == "bad")

    past = Past(order_of(state), state.signals, fate_of(state), was_held=True)
    tried = backtest(shop.world.shop.review, [past]).rules["mugs"]
    assert (tried.caught.orders, tried.delayed.orders) == (fate == "bad", fate == "good")

    rows = [row.label for row in rows_of(shop.world.store)]
    assert rows == {"bad": [True], "good": [False], "open": []}[fate]

    counted = reviewed(state, history)
    assert counted
    aim = figures([counted]).rules["mugs"]
    assert (aim.known, aim.bad) == (fate != "open", fate == "bad")
    assert aim.hit_rate == {"bad": 1, "good": 0, "open": None}[fate]


def test_what_the_shops_policy_lets_through_is_known_by_what_comes_of_it():
    shop = shopping(hold_above=["1 NOK"], at_deadline="approve")
    forgotten(shop)
    (state,) = shop.world.checkouts()
    assert fate_of(state) == "good"
    shop.flow.ship(state.id)
    shop.wait(days=30)
    shop.flow.record_chargeback(state.id, amount=ALL)
    row = row_of(shop.flow.journal(state.id), shop.flow.load(state.id))
    assert row
    assert (row.label, row.is_held) == (True, True)
    assert row.known_at == shop.world.clock()


def test_a_rejection_of_before_there_were_reasons_was_for_harm():
    assert is_harm("")
