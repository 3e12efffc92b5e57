"""What is noticed about an order: each signal by itself, and what is counted for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkoutflow.cart import Cart
from checkoutflow.cli import review as command
from checkoutflow.customer import AREAS, clean, example
from checkoutflow.errors import InvalidInput
from checkoutflow.flow import noticing
from checkoutflow.money import Money
from checkoutflow.payment.outcomes import Risk
from checkoutflow.privacy.fields import FIELDS, Purpose
from checkoutflow.review.settings import DISPOSABLE, ReviewRules
from checkoutflow.review.signals import COUNTS, SIGNALS, Facts, measured
from checkoutflow.review.traces import (
    KEEP_FATE,
    KEEP_SEEN,
    Count,
    Fate,
    Kind,
    network_of,
    traces,
)
from checkoutflow.review.values import FEWEST, band, place

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
RULES = ReviewRules()
CUSTOMER = {
    "email": "name@example.com",
    "phone": "+4740612345",
    "name": "Test Person",
    "street": "Storgata 1",
    "postal_code": "0150",
    "city": "Oslo",
}


def cart(*lines: tuple[str, int, str, str]) -> Cart:
    """A cart: sku, pieces, price of one and category."""
    return Cart.read(
        {
            "lines": [
                {
                    "sku": sku,
                    "id": f"{sku}-{n}",
                    "name": sku,
                    "quantity": quantity,
                    "unit_price": price,
                    "goods_category": category,
                }
                for n, (sku, quantity, price, category) in enumerate(lines)
            ]
        }
    )


PHONE = cart(("phone", 1, "4000 NOK", "phones"))
MIXED = cart(
    ("phone", 2, "3000 NOK", "phones"),
    ("mug", 5, "400 NOK", "kitchen"),
)


def facts(**more):
    given = {
        "at": AT,
        "started_at": AT - timedelta(seconds=90),
        "market": "NO",
        "cart": PHONE,
        "total": Money.read("4049 NOK"),
        "to": "address",
        "contact": CUSTOMER,
        **more,
    }
    return Facts(**given)


def counted(kind: Kind, fate: Fate = Fate.ORDERED, days: int = 365, orders: int = 1):
    return {Count(kind, fate, days): orders}


def signal(name: str, rules: ReviewRules = RULES, **more):
    return measured(facts(**more), rules).get(name)


@pytest.mark.parametrize(
    ("name", "more", "expected"),
    [
        ("value", {}, 404_900),
        ("value_place", {}, None),
        ("value_place", {"values": {band(100): 19}}, None),
        ("value_place", {"values": {band(100): 20}}, 100),
        ("value_place", {"values": {band(404_900): 20}}, 50),
        ("value_place", {"values": {band(10**9): 20}}, 0),
        ("easily_resold", {}, 100),
        ("easily_resold", {"cart": MIXED}, 75),
        ("easily_resold", {"cart": cart(("mug", 1, "5 NOK", "kitchen"))}, 0),
        ("easily_resold", {"cart": cart(("phone", 1, "0 NOK", "phones"))}, 0),
        ("units", {"cart": MIXED}, 7),
        ("most_of_one", {"cart": MIXED}, 5),
        ("seconds_to_place", {}, 90),
        ("tries", {"tries": 3}, 3),
        ("declines", {"declines": 2}, 2),
        ("parcel_shop", {}, False),
        ("parcel_shop", {"to": "pickup"}, True),
        ("parcel_shop", {"to": ""}, None),
        ("parcel_shop", {"contact": {}}, None),
        ("forwarder", {}, False),
        ("forwarder", {"to": "pickup"}, None),
        ("forwarder", {"to": ""}, None),
        ("forwarder", {"contact": {}}, None),
        ("disposable_email", {}, False),
        ("disposable_email", {"contact": {"phone": "+4740612345"}}, None),
        ("disposable_email", {"contact": {"email": "x@mailinator.com"}}, True),
        ("disposable_email", {"contact": {"email": "x@a.b.Mailinator.com"}}, True),
        ("disposable_email", {"contact": {"email": "x@notmailinator.com"}}, False),
        ("phone_country_differs", {}, False),
        ("phone_country_differs", {"market": "DK"}, True),
        ("phone_country_differs", {"contact": {"phone": "+4915112345678"}}, True),
        ("phone_country_differs", {"contact": {"email": "x@example.com"}}, None),
        ("phone_country_differs", {"market": "AX", "contact": {"phone": "+35818123"}}, False),
        ("phone_country_differs", {"market": "DK", "contact": {"phone": "+298201234"}}, False),
        ("delivery_country_differs", {}, None),
        ("delivery_country_differs", {"contact": {"country": "SE"}}, True),
        ("delivery_country_differs", {"contact": {"country": "SJ"}}, False),
        ("network_country_differs", {}, None),
        ("network_country_differs", {"network_country": "NO"}, False),
        ("network_country_differs", {"network_country": "BR"}, True),
        ("new_customer", {}, None),
        ("new_customer", {"counts": counted(Kind.EMAIL, orders=0)}, True),
        ("new_customer", {"counts": counted(Kind.EMAIL, orders=1)}, False),
        ("new_customer", {"counts": counted(Kind.PHONE), "is_recognised": True}, False),
        ("new_customer", {"counts": counted(Kind.PHONE, orders=0), "is_recognised": True}, False),
        ("on_block_list", {}, None),
        ("on_block_list", {"lists": frozenset()}, False),
        ("on_block_list", {"lists": frozenset({"block"})}, True),
        ("on_allow_list", {"lists": frozenset({"block"})}, False),
        ("on_allow_list", {"lists": frozenset({"allow"})}, True),
        ("provider_risk", {}, None),
        ("provider_risk", {"risk": Risk()}, None),
        ("provider_risk", {"risk": Risk(level="low")}, 0),
        ("provider_risk", {"risk": Risk(level="unclear")}, 1),
        ("provider_risk", {"risk": Risk(level="elevated")}, 2),
        ("provider_risk", {"risk": Risk(level="high")}, 3),
        ("card_country_differs", {"risk": Risk(level="low")}, None),
        ("card_country_differs", {"risk": Risk(card_country="NO")}, False),
        ("card_country_differs", {"risk": Risk(card_country="US")}, True),
        ("cards", {}, None),
        ("cards", {"cards": 2}, 2),
    ],
)
def test_a_signal(name, more, expected):
    found = signal(name, **more)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("before", "here", "expected"),
    [(0, 0, None), (1, 0, True), (1, 1, False), (9, 3, False)],
)
def test_a_known_customer_at_an_address_that_is_new(before, here, expected):
    at_address = counted(Kind.CONTACT_AT_ADDRESS, orders=here)
    counts = counted(Kind.EMAIL, orders=before) | at_address
    assert signal("address_differs", counts=counts) is expected
    # Who gave no e-mail address is known by the phone.
    contact = {"phone": CUSTOMER["phone"]}
    assert signal("address_differs", counts=counts, contact=contact) is None
    counts = counted(Kind.PHONE, orders=before) | at_address
    assert signal("address_differs", counts=counts, contact=contact) is expected
    assert signal("address_differs", counts=counts, contact=contact, to="pickup") is None


@pytest.mark.parametrize(
    "name", [name for name, row in SIGNALS.items() if row.again and row.counts]
)
def test_what_is_counted_is_the_most_that_any_trace_counts(name):
    if name == "cards":
        return
    counts = SIGNALS[name].counts
    assert signal(name) is None
    for i, one in enumerate(counts):
        assert signal(name, counts={one: 3}) == 3
        every = {count: (7 if j == i else 2) for j, count in enumerate(counts)}
        assert signal(name, counts=every) == 7
        # Other days, fates and kinds are other counts.
        assert signal(name, counts={Count(one.kind, one.fate, one.days + 1): 3}) is None


@pytest.mark.parametrize(
    ("field", "text", "market"),
    [
        ("street", "Pakkeboks 1234, Storgade 1", "DK"),
        ("organisation", "PostNord Pakkeshop", "DK"),
        ("street", "Pakettiautomaatti 77", "FI"),
        ("street", "Smartpost noutopiste, Katu 1", "FI"),
        ("street", "Box 123", "SE"),
        ("street", "PL 12", "FI"),
        ("street", "Postboks 12", "NO"),
        ("street", "Pósthólf 8", "IS"),
        ("name", "ICA utlämning paketombud", "SE"),
    ],
)
def test_parcel_shops_and_boxes_are_known_by_their_words(field, text, market):
    assert signal("parcel_shop", contact={**CUSTOMER, field: text}, market=market) is True


@pytest.mark.parametrize(
    "text",
    [
        "Nordic Cargo A/S",
        "c/o Parcel Forwarding Ltd",
        "Speditør Test",
        "Huolintaliike Oy",
        "Shipito",
    ],
)
def test_forwarders_are_known_by_their_words(text):
    assert signal("forwarder", contact={**CUSTOMER, "organisation": text}) is True


@pytest.mark.parametrize("street", ["Lagervej 3", "Logistikvej 1", "Boxgatan 12", "Plassen 3"])
def test_ordinary_streets_are_neither(street):
    contact = {**CUSTOMER, "street": street}
    assert (signal("forwarder", contact=contact), signal("parcel_shop", contact=contact)) == (
        False,
        False,
    )


def test_the_shop_names_forwarders_however_they_are_written():
    rules = ReviewRules.read(
        {"forwarders": [{"market": "NO", "street": "Storgaten 1", "postal_code": "N-0150"}]}
    )
    assert signal("forwarder", rules) is True
    assert signal("forwarder", rules, contact={**CUSTOMER, "postal_code": "0151"}) is False


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"market": "XX"}, "market"),
        ({"postal_code": "99"}, "postal_code"),
        ({"postal_code": ""}, "postal_code"),
        ({"street": ""}, "street"),
    ],
)
def test_a_forwarder_without_an_address_is_none(change, field):
    forwarder = {"market": "NO", "street": "Storgata 1", "postal_code": "0150", **change}
    with pytest.raises(InvalidInput) as refused:
        ReviewRules.read({"forwarders": [forwarder]})
    assert refused.value.field == f"forwarders[0].{field}"


def test_the_shop_names_goods_and_domains_of_its_own():
    rules = ReviewRules.read(
        {"resold_skus": ["mug"], "resold_categories": [], "disposable_domains": ["example.com"]}
    )
    assert signal("easily_resold", rules) == 0
    assert signal("easily_resold", rules, cart=MIXED) == 25
    assert signal("disposable_email", rules) is True
    assert all("." in domain and domain == domain.lower() for domain in DISPOSABLE)


def test_all_signals_are_numbers_or_a_yes_and_nothing_personal_is_in_them():
    counts = dict.fromkeys(COUNTS, 3)
    found = measured(
        facts(
            counts=counts,
            values={1: 99},
            lists=frozenset(),
            risk=Risk(level="high", card_country="US"),
            network_country="SE",
            cards=2,
            contact={**CUSTOMER, "country": "NO"},
        ),
        RULES,
    )
    assert found.keys() == SIGNALS.keys()
    for name, value in found.items():
        assert type(value) is (int if SIGNALS[name].unit else bool), name
    assert "Test Person" not in repr(facts())


def test_with_the_payments_answer_only_that_is_worked_out_which_can_have_changed():
    late = facts(contact={}, counts=dict.fromkeys(COUNTS, 1), risk=Risk(level="low"), cards=1)
    again = measured(late, RULES, again=True)
    assert again.keys() == {name for name, row in SIGNALS.items() if row.again} - {
        "card_country_differs"
    }
    assert measured(facts(), RULES, again=True) == {}


def test_each_signal_says_what_it_is():
    for name, row in SIGNALS.items():
        assert name == row.name
        assert all((row.meaning, row.data, row.kept))
        for count in row.counts:
            kept = KEEP_SEEN[count.kind] if count.fate is Fate.ORDERED else KEEP_FATE[count.fate]
            assert count.days <= kept, f"{name} counts what is forgotten"


def test_what_is_looked_at_may_be_used_to_prevent_fraud():
    for name in noticing.LOOKED_AT:
        assert Purpose.PREVENT_FRAUD in FIELDS[name].purposes


def test_the_page_of_signals_is_the_table():
    assert (REFERENCE / "signals.md").read_text("utf-8") == command.files()["signals.md"]


# What an order is seen by -------------------------------------------------------------------------


def test_what_is_known_is_traced_and_nothing_else():
    network = network_of("192.0.2.7")
    found = traces(PHONE, CUSTOMER, "NO", network)
    assert found.keys() == set(Kind) - {Kind.CARD}
    assert traces(PHONE, {}, "NO", "") == {}
    without_street = {k: v for k, v in CUSTOMER.items() if k != "street"}
    assert traces(PHONE, without_street, "NO", "").keys() == {
        Kind.EMAIL,
        Kind.PHONE,
        Kind.GOODS_BY_CONTACT,
    }


@pytest.mark.parametrize(
    ("change", "differ"),
    [
        ({}, set()),
        ({"email": "NAME@example.com"}, set()),
        ({"street": "Storgaten 1"}, set()),
        ({"street": "STORGATA 1"}, set()),
        ({"name": "Another Name", "city": "OSLO"}, set()),
        ({"email": "other@example.com"}, {"email", "contact_at_address"}),
        ({"phone": "+4740612346"}, {"phone", "goods_by_contact"}),
        (
            {"street": "Storgata 2"},
            {"address", "contact_at_address", "goods_at_address"},
        ),
        (
            {"postal_code": "0151"},
            {"address", "contact_at_address", "goods_at_address"},
        ),
    ],
)
def test_what_makes_another_trace(change, differ):
    one = traces(PHONE, CUSTOMER, "NO", "")
    other = traces(PHONE, {**CUSTOMER, **change}, "NO", "")
    assert {kind for kind in one if one[kind] != other[kind]} == differ


def test_the_same_goods_are_so_in_any_order_and_number():
    one = cart(("a", 1, "1 NOK", "x"), ("b", 2, "1 NOK", "x"))
    other = cart(("b", 9, "2 NOK", "y"), ("a", 1, "1 NOK", "x"), ("a", 3, "1 NOK", "x"))
    assert traces(one, CUSTOMER, "NO", "") == traces(other, CUSTOMER, "NO", "")
    assert traces(one, CUSTOMER, "NO", "") != traces(PHONE, CUSTOMER, "NO", "")


@pytest.mark.parametrize("market", AREAS)
def test_addresses_of_every_market_are_traced(market):
    names = ("email", "phone", "street", "postal_code")
    contact = clean({name: example(name, market) for name in names}, market=market)
    assert Kind.ADDRESS in traces(PHONE, contact, market, "")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("", ""),
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
    ],
)
def test_the_network_of_an_address(address, network):
    assert network_of(address) == network


@pytest.mark.parametrize(
    "address", ["192.0.2.7:443", "192.0.2", "name@example.com", "::g", "300.1.1.1"]
)
def test_what_is_no_address_is_not_repeated(address):
    with pytest.raises(InvalidInput) as refused:
        network_of(address)
    assert refused.value.problems[0][0] == "network"
    assert address not in str(refused.value).replace("as 192.0.2.7", "")


# Values -------------------------------------------------------------------------------------------


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_bands_keep_the_order_and_are_few(one, other):
    assert 0 <= band(one) <= 4 * 50 + 1
    if one <= other:
        assert band(one) <= band(other)


@given(st.integers(16, 10**12))
def test_a_band_is_a_quarter_of_a_doubling_at_most(minor):
    assert band(minor * 5 // 4 + 1) > band(minor)


@given(st.lists(st.integers(1, 10**7), min_size=FEWEST, max_size=200), st.integers(1, 10**7))
def test_a_place_is_right_but_for_those_in_the_same_band(values, minor):
    counts: dict[int, int] = {}
    for value in values:
        counts[band(value)] = counts.get(band(value), 0) + 1
    found = place(minor, counts)
    below = sum(band(value) < band(minor) for value in values)
    same = sum(band(value) == band(minor) for value in values)
    assert found is not None
    assert 100 * below // len(values) <= found <= 100 * (below + same) // len(values) + 1
