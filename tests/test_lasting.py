"""Nothing personal in what is kept for good: addresses to come back to, and the shop's own keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus

import pytest
from tests.test_cards import CARDS

from checkoutflow import CheckoutFlow, MemoryStore
from checkoutflow.errors import IdempotencyConflict, InvalidInput
from checkoutflow.privacy.cards import CARD_NUMBER_NOT_ALLOWED
from checkoutflow.privacy.fields import Purpose
from checkoutflow.privacy.lasting import PERSONAL_DATA_NOT_ALLOWED, refuse_personal
from checkoutflow.stores.contract import IdempotencyRow
from checkoutflow.testing import CUSTOMERS, sample_carts, sample_shop
from checkoutflow.testing.store_samples import sample_change, sample_checkout

if TYPE_CHECKING:
    from collections.abc import Callable

    from checkoutflow.testing import Clock, SimulatedBank

BACK: Final = "https://shop.example/back"
CARD: Final = "4242424242424242"
EMAIL: Final = "first.last+shop@post.example.com"


def said_of(text: str) -> str:
    with pytest.raises(InvalidInput) as refused:
        refuse_personal(text, "return_url", instead="the checkout's id")
    assert refused.value.field == "return_url"
    message = str(refused.value)
    assert "the checkout's id" in message
    assert "4242" not in message
    assert "post.example" not in message
    return message


WRITTEN: Final[dict[str, Callable[[str], str]]] = {
    "plain": str,
    "encoded": lambda text: quote(text, safe=""),
    "encoded twice": lambda text: quote(quote(text, safe=""), safe=""),
    "encoded thrice": lambda text: quote(quote(quote(text, safe=""), safe=""), safe=""),
    "every sign": lambda text: "".join(f"%{octet:02x}" for octet in text.encode()),
}


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("around", ["{}", f"{BACK}?c={{}}&d=1", f"{BACK}/{{}}", f"{BACK}#{{}}"])
def test_cards_and_addresses_are_found_in_every_coding(written, around):
    for card in CARDS:
        said = said_of(around.format(WRITTEN[written](card)))
        assert CARD_NUMBER_NOT_ALLOWED in said
    for email in (
        EMAIL,
        EMAIL.upper(),
        "o'b@x-y.no",
        "å@bø.example",
        "a@x.no/1",
        "a\uff20b.example",
    ):
        said = said_of(around.format(WRITTEN[written](email)))
        assert PERSONAL_DATA_NOT_ALLOWED in said


@pytest.mark.parametrize("card", ["4242 4242 4242 4242", "4242-4242-4242-4242"])
def test_a_card_number_in_groups_is_found_behind_signs_of_addresses(card):
    assert CARD_NUMBER_NOT_ALLOWED in said_of(f"{BACK}?c={quote_plus(card)}")
    assert CARD_NUMBER_NOT_ALLOWED in said_of(f"{BACK}?c={quote(card)}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{BACK}?order=7mjc2v4kq3xj5wq6ahxyz2bcde&lang=da",
        f"{BACK}?ean=4006381333023",
        f"{BACK}?id=42424242-4242-4242-4242-42424242424a",
        f"{BACK}/@fjord/thanks.html",
        f"{BACK}?rabat=100%&b=%zz%",
        "account 1, 2026-11-23, entry 17",
        "ship 7@2026-11-23T10:00",
        "job@worker-3",
        "case-4711",
    ],
)
def test_what_shops_write_passes(text):
    refuse_personal(text, "return_url", instead="the checkout's id")


# The doors ----------------------------------------------------------------------------------------


@pytest.fixture
def sold(checkout_clock: Clock, simulated_bank: SimulatedBank) -> CheckoutFlow:
    return CheckoutFlow(
        sample_shop(),
        providers=[simulated_bank.provider()],
        store=MemoryStore(),
        clock=checkout_clock,
    )


DOORS: Final = {
    "return_url": BACK + "?c={}",
    "idempotency_key": "order {}",
    "reason": "said {}",
    "by": "reviewer {}",
    "sku": "sku-{}",
    "market": "{}",
}


@pytest.mark.parametrize("value", [CARD, EMAIL, quote(EMAIL)])
@pytest.mark.parametrize("field", ["return_url", "idempotency_key"])
def test_what_is_kept_for_good_is_refused_and_nothing_is_stored(sold, field, value):
    given = DOORS[field].format(value)
    cart, details = sample_carts()["DK"], CUSTOMERS["DK"]
    if field == "idempotency_key":
        with pytest.raises(InvalidInput) as refused:
            sold.start(cart, market="DK", details=details, idempotency_key=given)
        assert refused.value.field == field
        assert not sold.checkouts()
    sale = sold.start(cart, market="DK", details=details, payment="card")
    with pytest.raises(InvalidInput) as refused:
        sold.place(sale.id, accepted_total=sale.total, **{"return_url": BACK, field: given})
    assert refused.value.field == field
    assert sold.load(sale.id) == sale
    assert len(sold.journal(sale.id)) == 1


@pytest.mark.parametrize("field", ["reason", "by", "sku", "market"])
def test_no_card_number_gets_on_a_list(sold, field):
    given = {"reason": "test", "by": "anna", "sku": "mug", field: DOORS[field].format(CARD)}
    for put in (sold.block, sold.allow):
        with pytest.raises(InvalidInput, match=CARD_NUMBER_NOT_ALLOWED) as refused:
            put(**given)
        assert refused.value.field == field
    assert not sold.listings()
    assert sold.block(reason="test", by="anna", sku="4006381333023")


def test_who_reads_and_who_says_is_no_card_number_either(sold, checkout_clock):
    sale = sold.start(sample_carts()["DK"], market="DK", details=CUSTOMERS["DK"])
    with pytest.raises(InvalidInput, match=CARD_NUMBER_NOT_ALLOWED) as refused:
        sold.details(sale.id, Purpose.SEND_RECEIPT, by=f"desk {CARD}")
    assert refused.value.field == "by"
    with pytest.raises(InvalidInput, match=CARD_NUMBER_NOT_ALLOWED) as refused:
        sold.opt_out(email=EMAIL, market="DK", on=checkout_clock().date(), source=f"row of {CARD}")
    assert refused.value.field == "source"


def test_a_key_that_was_kept_before_is_still_known(simulated_bank):
    """Whoever repeats a call of before is answered; only what is new is refused."""
    store = MemoryStore()
    checkout = sample_checkout()
    store.commit(sample_change(checkout, idempotency=IdempotencyRow(EMAIL, "other", checkout.id)))
    flow = CheckoutFlow(sample_shop(), providers=[simulated_bank.provider()], store=store)
    with pytest.raises(InvalidInput, match=PERSONAL_DATA_NOT_ALLOWED):
        flow.cancel(checkout.id, idempotency_key=f"{EMAIL} 2")
    with pytest.raises(IdempotencyConflict):
        flow.cancel(checkout.id, idempotency_key=EMAIL)
