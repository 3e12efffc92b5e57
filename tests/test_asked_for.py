"""Numbers of people and companies are asked for by the choice that needs them, and nothing else."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from checkoutflow import Cart, CheckoutFlow, InvalidInput, MemoryStore, Shop
from checkoutflow.customer import example
from checkoutflow.privacy.fields import FIELDS
from checkoutflow.testing import Clock
from checkoutflow.testing.bank import SimulatedBank
from checkoutflow.testing.standins import open_stand_in

CART = Cart.read({"lines": [{"sku": "mug", "name": "Mug", "quantity": 1, "unit_price": "189 SEK"}]})
NUMBER = {"national_id": example("national_id", "SE")}
WAYS: list[dict[str, Any]] = [
    {"id": "own_invoice", "name": "Faktura"},
    {
        "id": "later",
        "kind": "provider_invoice_30",
        "provider": "riverty",
        "provider_method": "invoice",
        "creditor": "Riverty",
        "identifies": True,
        "details": ["national_id"],
    },
]


@pytest.fixture
def flow() -> CheckoutFlow:
    clock = Clock()
    shop = {
        "name": "Fjordbutikken",
        "markets": ["SE"],
        "methods": WAYS,
        "deliveries": [{"id": "parcel", "name": "Parcel", "prices": ["49 SEK"]}],
    }
    riverty = open_stand_in("riverty", clock, market="SE").provider()
    return CheckoutFlow(Shop.read(shop), providers=[riverty], store=MemoryStore(), clock=clock)


def test_before_a_choice_that_needs_it_nobody_may_give_it(flow):
    begin = partial(flow.start, CART, market="SE")
    sale = begin()
    for give in (
        partial(begin, details=NUMBER),
        partial(begin, details=NUMBER, payment="own_invoice"),
        partial(flow.provide, sale.id, **NUMBER),
        partial(flow.provide, sale.id, payment="own_invoice", **NUMBER),
    ):
        with pytest.raises(InvalidInput, match="choose that first") as refused:
            give()
        assert refused.value.field == "national_id"
        assert NUMBER["national_id"] not in str(refused.value)
    assert flow.export_person(sale.subject).fields == {}


def test_with_the_choice_that_needs_it_it_is_asked_for_and_taken(flow):
    sale = flow.start(CART, market="SE", payment="later")
    assert "national_id" in [need.field for need in flow.view(sale.id).missing]
    assert "national_id" in flow.provide(sale.id, **NUMBER).provided
    together = flow.start(
        CART, market="SE", details=NUMBER | {"phone": "070-1740605"}, payment="later"
    )
    assert {"national_id", "phone"} == {*together.provided}


COMPANY = {"organisation", "organisation_number"}


def asked(flow: CheckoutFlow, customer: Any, payment: str) -> set[str]:
    sale = flow.start(CART, market="SE", customer=customer, payment=payment)
    return {need.field for need in flow.view(sale.id).missing}


@pytest.mark.parametrize("payment", ["own_invoice", "later"])
def test_a_business_that_is_sent_a_bill_is_asked_which_one_it_is(flow, payment):
    consumer, business = (asked(flow, who, payment) for who in ("consumer", "business"))
    assert business == consumer - {"national_id"} | COMPANY


@pytest.mark.parametrize("kind", ["card", "provider_invoice_30"])
def test_it_is_not_asked_for_what_nobody_takes(kind):
    """The bank behind these ways wants an e-mail address, and no company."""
    clock = Clock()
    way = {"id": "way", "kind": kind, "provider": "simulated_bank", "creditor": "Bank"}
    shop = Shop.read({"name": "Fjord", "markets": ["SE"], "methods": [way]})
    bank = SimulatedBank(clock).provider()
    flow = CheckoutFlow(shop, providers=[bank], store=MemoryStore(), clock=clock)
    line = {"sku": "e", "name": "E-book", "quantity": 1, "unit_price": "189 SEK", "digital": True}
    sale = flow.start(Cart.read({"lines": [line]}), market="SE", customer="business", payment="way")
    assert not {need.field for need in flow.view(sale.id).missing} & COMPANY


def test_only_what_identifies_for_credit_waits_for_a_choice():
    assert {name for name, field in FIELDS.items() if field.is_for_a_choice} == {"national_id"}
