"""Streams of orders have what is hard about real ones, and the same seed gives the same stream."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from checkoutflow.review.signals import SIGNALS
from checkoutflow.testing.orders import PATTERNS, RESOLD, orders
from checkoutflow.testing.orders.watching import watched

START = datetime(2025, 1, 1, tzinfo=UTC)
DAYS = 360


@pytest.fixture(scope="module")
def stream():
    return orders(seed=5, days=DAYS, per_day=12, fraud_percent=5)


@pytest.fixture(scope="module")
def seen():
    """A shorter stream, with what a shop makes of each order."""
    return list(watched(orders(seed=6, days=90, per_day=12, fraud_percent=8)))


def test_one_seed_is_one_stream():
    one, again, other = (orders(seed=seed, days=20, per_day=8) for seed in (1, 1, 2))
    assert one == again != other


def test_orders_come_in_the_order_in_which_they_were_placed(stream):
    assert all(one.at <= other.at for one, other in pairwise(stream))
    assert stream[0].at >= START


def test_every_pattern_is_planted_and_most_orders_are_honest(stream):
    found = Counter(order.pattern for order in stream)
    assert set(found) == {"", *PATTERNS}
    assert 0.03 < 1 - found[""] / len(stream) < 0.08


def test_money_adds_up_in_the_currency_of_the_market(stream):
    currencies = {"DK": "DKK", "SE": "SEK", "NO": "NOK", "FI": "EUR", "IS": "ISK"}
    for order in stream:
        assert order.currency == currencies[order.market]
        assert order.minor == sum(item.quantity * item.minor for item in order.items) > 0
        assert order.since <= order.at <= order.known_at


def test_only_tokens_stand_for_people(stream):
    for order in stream:
        for token in (order.account, order.contact, order.home, order.address, order.network):
            assert token.partition(":")[0] in {
                "account",
                "mail",
                "home",
                "parcel",
                "forward",
                "net",
            }
        assert not order.card or order.card.startswith("card:")


def test_what_came_of_an_order_is_known_weeks_later(stream):
    days = [(order.known_at - order.at).days for order in stream if order.label]
    assert 20 < sorted(days)[len(days) // 2] < 70
    assert max(days) <= 120
    assert {order.outcome for order in stream} == {"", "chargeback", "unpaid"}
    for order in stream:
        assert (order.outcome == "unpaid") == (order.label and order.method == "invoice")


def test_some_fraud_is_never_reported_and_some_honest_people_are_charged_back(stream):
    by = Counter((bool(order.pattern), order.label) for order in stream)
    assert all(by[pattern, label] for pattern in (True, False) for label in (True, False))
    assert by[True, True] > by[True, False]
    assert by[False, False] > 50 * by[False, True]


def test_labels_can_be_true_to_what_happened():
    exact = orders(seed=1, days=60, per_day=8, missed_percent=0, fraud_percent=5)
    assert all(order.label for order in exact if order.pattern)


def test_honest_people_look_suspicious(stream):
    honest = [order for order in stream if not order.pattern]
    december = [order for order in honest if order.at.month == 12]
    gifts = [order for order in december if order.place == "home" and order.address != order.home]
    assert len(december) > 1.3 * len(honest) / 12
    assert len(gifts) > 0.25 * len(december)
    assert any(order.place == "forwarder" for order in honest)
    assert any(order.is_business and order.items[0].quantity >= 10 for order in honest)
    assert any(len(set(order.countries.values())) > 2 for order in honest)
    homes = defaultdict(set)
    for order in honest:
        homes[order.home].add(order.account)
    assert sum(len(accounts) > 1 for accounts in homes.values()) > 0.05 * len(homes)


def campaign(stream, pattern, key):
    groups = defaultdict(list)
    for order in stream:
        if order.pattern == pattern:
            groups[key(order)].append(order)
    return max(groups.values(), key=len)


def test_cards_are_tested_within_minutes_from_one_network(stream):
    burst = campaign(stream, "card_testing", lambda order: order.network)
    assert len({order.card for order in burst}) == len(burst) >= 3
    assert burst[-1].at - burst[0].at < timedelta(hours=8)


def test_goods_are_reshipped_by_one_address_for_many_contacts(stream):
    mule = campaign(stream, "reship", lambda order: order.address)
    assert len({order.contact for order in mule}) == len(mule) >= 3
    assert all(item.category in RESOLD for order in mule for item in order.items)


def test_one_thing_is_ordered_again_and_again_to_one_address(stream):
    series = campaign(stream, "identical", lambda order: order.address)
    assert len({order.items for order in series}) == 1
    assert len(series) >= 4


def test_an_account_that_is_taken_over_was_there_before(stream):
    honest = {order.account for order in stream if not order.pattern}
    taken = [order for order in stream if order.pattern == "takeover"]
    assert all(order.account in honest and order.network != "" for order in taken)


def test_who_denies_it_shops_like_anybody(stream):
    denied = [order for order in stream if order.pattern == "friendly"]
    assert all(order.address == order.home and order.method == "card" for order in denied)


def test_who_means_not_to_pay_buys_on_invoice(stream):
    assert {order.method for order in stream if order.pattern == "not_paying"} == {"invoice"}


def test_fraud_changes_and_stays_as_it_was_without_drift():
    def phones(drift):
        late = [
            item.category
            for order in orders(seed=3, days=DAYS, per_day=12, fraud_percent=9, drift=drift)
            for item in order.items
            if order.pattern in {"identical", "reship"}
            and order.at > START + timedelta(days=DAYS * 0.7)
        ]
        return late.count("phones") / len(late)

    assert phones(drift=True) < phones(drift=False)


# What a shop sees ---------------------------------------------------------------------------------


def test_the_signals_of_a_stream_are_those_of_the_library(seen):
    assert {name for each in seen for name in each.signals} <= set(SIGNALS)
    assert len(seen[-1].signals) > 20


def test_nothing_is_known_before_it_happened(seen):
    chargebacks = [each.order.known_at for each in seen if each.order.outcome == "chargeback"]
    for each in seen:
        if each.order.at < min(chargebacks):
            assert not each.signals["earlier_chargebacks"]
    assert any(each.signals["earlier_chargebacks"] for each in seen)


def test_the_first_order_has_no_past(seen):
    first = seen[0].signals
    assert first["new_customer"] is True
    assert not any(first[name] for name in first if name.endswith(("_day", "_month", "_year")))
    assert "value_place" not in first


def test_the_rules_see_the_series_and_leave_most_people_alone(seen):
    held = Counter((each.order.pattern, bool(each.judgement.reasons)) for each in seen)
    assert held["identical", True] > held["identical", False]
    assert held["", False] > 20 * held["", True]


def test_a_row_is_what_was_known(seen):
    each = next(each for each in seen if each.order.label)
    row = each.row
    assert (row.label, row.known_at) == (True, each.order.known_at)
    assert not row.known(row.known_at - timedelta(seconds=1))
    assert row.known(row.known_at)
