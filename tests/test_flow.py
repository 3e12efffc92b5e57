"""The flow as a shop uses it: one store, one bank, every call."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import httpx
import pytest

from checkoutflow import (
    CheckoutFlow,
    DetailsMissing,
    IdempotencyConflict,
    InvalidInput,
    Keys,
    MemoryStore,
    Money,
    NotFound,
    NotSupported,
    Phase,
    Purpose,
    Redirect,
    Secret,
    Shop,
    StoreConflict,
    TotalChanged,
    UntrustedNotice,
    UsageError,
    VaultError,
)
from checkoutflow.testing.bank import Fault

if TYPE_CHECKING:
    from checkoutflow.providers.contract import Exchange, Modification

BACK = "https://shop.example/back"


@pytest.fixture
def begin(checkout_flow, checkout_carts, checkout_customers):
    """Start a checkout, ready to be placed."""

    def start(market="DK", payment="card", **more):
        more.setdefault("details", checkout_customers[market])
        return checkout_flow.start(checkout_carts[market], market=market, payment=payment, **more)

    return start


@pytest.fixture
def buy(checkout_flow, begin):
    """Start and place."""

    def place(market="DK", payment="card", **more):
        checkout = begin(market, payment, **more)
        return checkout_flow.place(checkout.id, accepted_total=checkout.total, return_url=BACK)

    return place


@pytest.mark.parametrize("market", ["DK", "SE", "NO", "FI", "IS"])
def test_a_sale_in_every_country(checkout_flow, simulated_bank, buy, market):
    checkout = buy(market)
    assert checkout.phase is Phase.CONFIRMED
    checkout = checkout_flow.ship(checkout.id)
    assert checkout.phase is Phase.FULFILLED
    assert simulated_bank.taken(checkout.payments[0].id) == checkout.total.minor


def test_every_step_by_itself_and_the_view_beside_it(
    checkout_flow, checkout_carts, checkout_customers
):
    checkout = checkout_flow.start(checkout_carts["NO"], market="NO")
    view = checkout_flow.view(checkout.id)
    assert [item.field for item in view.missing] == [
        "email",
        "name",
        "street",
        "postal_code",
        "city",
    ]
    assert view.choose == ("payment",)
    assert not view.can_place
    checkout = checkout_flow.provide(checkout.id, **checkout_customers["NO"])
    checkout = checkout_flow.choose_payment(checkout.id, "wallet")
    view = checkout_flow.view(checkout.id)
    assert view.can_place
    assert (view.missing, view.choose) == ((), ())
    checkout = checkout_flow.place(checkout.id, accepted_total=checkout.total, return_url=BACK)
    assert isinstance(checkout.next_action, Redirect)
    assert checkout_flow.view(checkout.id).next_action == checkout.next_action


def test_the_customer_comes_back_and_the_shop_asks_the_bank(checkout_flow, simulated_bank, buy):
    checkout = buy(payment="wallet")
    assert checkout_flow.reconcile(checkout.id).phase is Phase.PLACING  # coming back proves nothing
    simulated_bank.approve(checkout.payments[0].id)
    assert checkout_flow.reconcile(checkout.id).phase is Phase.CONFIRMED


def test_the_customer_comes_back_without_paying_and_pays_with_a_card(
    checkout_flow, simulated_bank, buy
):
    checkout = buy(payment="wallet")
    page = checkout.payments[0].id
    checkout = checkout_flow.choose_again(checkout.id)
    assert checkout.phase is Phase.COLLECTING
    assert "choose_payment" in checkout_flow.view(checkout.id).allowed
    simulated_bank.approve(page)  # too late: the page is closed
    checkout = checkout_flow.choose_payment(checkout.id, "card")
    checkout = checkout_flow.place(
        checkout.id, accepted_total=checkout.total, return_url="https://shop.example/back"
    )
    assert checkout.phase is Phase.CONFIRMED
    assert simulated_bank.book(page).authorised == 0


def test_the_notice_is_enough_when_the_customer_never_comes_back(
    checkout_flow, simulated_bank, buy
):
    checkout = buy(payment="wallet")
    simulated_bank.approve(checkout.payments[0].id)
    seen = []
    simulated_bank.deliver(
        lambda hook: seen.extend(checkout_flow.receive("simulated_bank", hook.headers, hook.body)),
        times=2,
    )
    assert {found.phase for found in seen} == {Phase.CONFIRMED}
    assert checkout_flow.load(checkout.id).phase is Phase.CONFIRMED


def test_a_notice_can_be_kept_now_and_looked_at_later(
    checkout_flow, checkout_clock, simulated_bank, buy
):
    checkout = buy(payment="wallet")
    simulated_bank.approve(checkout.payments[0].id)
    simulated_bank.deliver(
        lambda hook: checkout_flow.receive("simulated_bank", hook.headers, hook.body, look=False)
    )
    assert checkout_flow.load(checkout.id).phase is Phase.PLACING
    report = checkout_flow.run_due()
    assert report.done == (checkout.id,)
    assert checkout_flow.load(checkout.id).phase is Phase.CONFIRMED
    assert checkout_flow.run_due().done == ()


def test_a_forged_notice_is_dropped_and_one_about_strangers_is_ignored(
    checkout_flow, checkout_shop, checkout_clock, simulated_bank, buy
):
    buy()
    hook, *_ = simulated_bank.outbox
    headers, body = hook.headers, hook.body
    with pytest.raises(UntrustedNotice):
        checkout_flow.receive("simulated_bank", headers, body + b" ")
    with pytest.raises(NotSupported):
        checkout_flow.receive("other_bank", headers, body)
    stranger = CheckoutFlow(
        checkout_shop,
        providers=[simulated_bank.provider()],
        store=MemoryStore(),
        clock=checkout_clock,
    )
    assert stranger.receive("simulated_bank", headers, body) == ()


# Repeats --------------------------------------------------------------------------------------


def test_a_repeated_call_is_answered_and_not_done_again(
    checkout_flow, checkout_carts, simulated_bank, begin
):
    first = begin(idempotency_key="order-1")
    again = begin(idempotency_key="order-1")
    assert first.id == again.id
    calls = [
        lambda: checkout_flow.place(
            first.id, accepted_total=first.total, return_url=BACK, idempotency_key="buy-1"
        ),
        lambda: checkout_flow.ship(first.id, {"mug": 1}, idempotency_key="ship-1"),
        lambda: checkout_flow.refund(first.id, {"mug": 1}, idempotency_key="refund-1"),
    ]
    for call in calls:
        assert call() == call()
    assert len(simulated_bank.entries()) == 3


def test_the_same_key_for_something_else_is_refused(checkout_flow, checkout_carts, begin):
    first = begin(idempotency_key="key")
    with pytest.raises(IdempotencyConflict) as error:
        begin(details={"email": "other@example.com"}, idempotency_key="key")
    assert error.value.field == "idempotency_key"
    assert "other@example.com" not in str(error.value)
    with pytest.raises(IdempotencyConflict):
        checkout_flow.choose_payment(first.id, "card", idempotency_key="key")
    checkout_flow.choose_payment(first.id, "card", idempotency_key="card")
    with pytest.raises(IdempotencyConflict):
        checkout_flow.choose_payment(begin().id, "card", idempotency_key="card")


def test_a_refused_call_leaves_its_key_free(checkout_flow, begin):
    checkout = begin(details={})
    with pytest.raises(DetailsMissing):
        checkout_flow.place(
            checkout.id, accepted_total=checkout.total, return_url=BACK, idempotency_key="buy"
        )
    checkout_flow.provide(checkout.id, email="test@example.com", name="Test Person")
    checkout_flow.provide(checkout.id, street="Testgata 1", postal_code="2100", city="København")
    placed = checkout_flow.place(
        checkout.id, accepted_total=checkout.total, return_url=BACK, idempotency_key="buy"
    )
    assert placed.phase is Phase.CONFIRMED


# What goes wrong ------------------------------------------------------------------------------


def test_a_lost_answer_is_found_again_by_asking(checkout_flow, checkout_clock, simulated_bank, buy):
    simulated_bank.plan("authorise", Fault.LOSE_ANSWER)
    checkout = buy()
    assert checkout.phase is Phase.PLACING
    assert "Please do not pay again" in checkout_flow.view(checkout.id, locale="en").notice
    checkout_clock.advance(seconds=6)
    assert checkout_flow.run_due().done == (checkout.id,)
    assert checkout_flow.load(checkout.id).phase is Phase.CONFIRMED


def test_a_request_that_never_arrived_is_sent_again_under_the_same_key(
    checkout_flow, checkout_clock, simulated_bank, buy
):
    simulated_bank.plan("authorise", Fault.LOSE_REQUEST)
    checkout = buy()
    for _ in range(5):
        checkout_clock.advance(minutes=2)
        checkout_flow.run_due()
    checkout = checkout_flow.load(checkout.id)
    assert checkout.phase is Phase.CONFIRMED
    assert checkout.payments[0].attempts[0].sends == 2
    assert len(simulated_bank.entries()) == 1


def test_an_answer_about_something_else_is_on_record_and_the_bank_is_asked(
    checkout_flow, checkout_clock, simulated_bank, buy
):
    simulated_bank.plan("authorise", Fault.OTHER_AMOUNT)
    checkout = buy()
    assert checkout.phase is Phase.PLACING
    assert [item.reason for item in checkout.attention] == ["contradiction"]
    checkout_clock.advance(seconds=10)
    checkout_flow.run_due()
    assert checkout_flow.load(checkout.id).phase is Phase.CONFIRMED


def test_a_declined_customer_is_told_that_nothing_was_taken(checkout_flow, simulated_bank, buy):
    simulated_bank.decline_next()
    checkout = buy()
    assert checkout.phase is Phase.COLLECTING
    assert "Nothing was taken" in checkout_flow.view(checkout.id, locale="en").notice


def test_an_adapter_that_refuses_the_order_sends_nothing(
    checkout_flow, simulated_bank, checkout_shop, checkout_clock, buy, monkeypatch
):
    checkout = buy()
    provider = checkout_flow._programs.providers["simulated_bank"]

    def refuses(self: object, order: Modification) -> Exchange[object]:
        raise NotSupported("not in this currency")
        yield

    monkeypatch.setattr(type(provider), "capture", refuses)
    checkout = checkout_flow.ship(checkout.id)
    assert [str(item.state) for item in checkout.shipments] == ["failed"]
    assert checkout.payments[0].attempts[-1].outcome == "refused"


def test_an_adapter_that_wants_no_end_of_requests_is_stopped(
    checkout_flow, simulated_bank, buy, monkeypatch
):
    checkout = buy()
    provider = checkout_flow._programs.providers["simulated_bank"]
    sent = []

    def endless(self: object, order: Modification) -> Exchange[object]:
        while True:
            sent.append(1)
            yield httpx.Request("GET", "https://bank.example/v1/payments/x")

    monkeypatch.setattr(type(provider), "capture", endless)
    checkout = checkout_flow.ship(checkout.id)
    assert checkout.payments[0].attempts[-1].outcome == "unknown"
    assert len(sent) < 10

    def half_way(self: object, order: Modification) -> Exchange[object]:
        yield httpx.Request("GET", "https://bank.example/v1/payments/x")
        raise NotSupported("too late to say so")

    monkeypatch.setattr(type(provider), "status", half_way)
    assert checkout_flow.reconcile(checkout.id).payments[0].attempts[-1].outcome == "unknown"


def test_an_operation_of_several_slow_requests_is_given_up_in_time(
    checkout_flow, checkout_clock, buy, monkeypatch
):
    checkout = buy()
    provider = checkout_flow._programs.providers["simulated_bank"]
    sent = []

    def slow(self: object, order: Modification) -> Exchange[object]:
        while True:
            sent.append(checkout_clock.advance(seconds=4))
            yield httpx.Request("GET", "https://bank.example/v1/payments/x")

    monkeypatch.setattr(type(provider), "capture", slow)
    checkout = checkout_flow.ship(checkout.id)
    assert checkout.payments[0].attempts[-1].outcome == "unknown"
    assert len(sent) == 3  # the third would have begun after 12 seconds


def test_one_checkout_that_fails_does_not_keep_the_others_from_their_turn(
    checkout_flow, checkout_clock, buy, monkeypatch
):
    first, second = buy(payment="wallet"), buy(payment="wallet")
    checkout_clock.advance(days=1)
    load = MemoryStore.load

    def broken(self, checkout_id):
        if checkout_id == first.id:
            raise StoreConflict("somebody is always first")
        return load(self, checkout_id)

    monkeypatch.setattr(MemoryStore, "load", broken)
    report = checkout_flow.run_due()
    assert report.done == (second.id,)
    assert [name for name, _ in report.failed] == [first.id]


def test_writers_who_are_always_second_give_up_with_a_conflict(checkout_flow, begin, monkeypatch):
    checkout = begin()

    def taken(self, change):
        raise StoreConflict("somebody was first")

    monkeypatch.setattr(MemoryStore, "commit", taken)
    with pytest.raises(StoreConflict, match="kept changing"):
        checkout_flow.choose_payment(checkout.id, "wallet")
    with pytest.raises(StoreConflict, match="kept using this idempotency key"):
        begin()


def test_the_total_the_customer_saw_is_the_total_they_pay(checkout_flow, checkout_carts, begin):
    checkout = begin("SE")
    dearer = checkout_carts["SE"].model_dump(mode="json")
    dearer["lines"][0]["unit_price"] = "999.00 SEK"
    checkout_flow.change_cart(checkout.id, type(checkout_carts["SE"]).read(dearer))
    with pytest.raises(TotalChanged) as error:
        checkout_flow.place(checkout.id, accepted_total=checkout.total, return_url=BACK)
    assert error.value.accepted != error.value.actual


# The shop's side ------------------------------------------------------------------------------


def test_a_gift_card_covers_part_and_is_given_back_when_the_rest_fails(
    checkout_flow, simulated_bank, begin
):
    simulated_bank.issue_gift_card("GIFT-CODE-1", Money(10000, "DKK"))
    checkout = begin()
    checkout = checkout_flow.add_credit(
        checkout.id, "gift_card", Money(10000, "DKK"), code="GIFT-CODE-1"
    )
    simulated_bank.plan("authorise", None)
    simulated_bank.plan("authorise", Fault.DECLINE)
    checkout = checkout_flow.place(checkout.id, accepted_total=checkout.total, return_url=BACK)
    assert checkout.phase is Phase.COLLECTING
    assert simulated_bank.gift_card_balance("GIFT-CODE-1") == Money(10000, "DKK")
    checkout = checkout_flow.remove_credit(checkout.id, "gift_card")
    assert checkout.credits == ()


def test_held_claimed_and_decided(checkout_flow, simulated_bank, checkout_carts, begin):
    cart = checkout_carts["FI"].model_dump(mode="json")
    cart["lines"][0]["quantity"] = 40
    held = []
    for _ in range(2):
        checkout = begin("FI")
        checkout = checkout_flow.change_cart(checkout.id, type(checkout_carts["FI"]).read(cart))
        checkout = checkout_flow.place(checkout.id, accepted_total=checkout.total, return_url=BACK)
        assert checkout.phase is Phase.HELD
        held.append(checkout.id)
    assert sorted(checkout_flow.checkouts([Phase.HELD])) == sorted(held)
    checkout_flow.claim(held[0], reviewer="r1")
    assert checkout_flow.approve(held[0], reviewer="r1").phase is Phase.CONFIRMED
    rejected = checkout_flow.reject(held[1], reviewer="r1", reason="not_reached")
    assert rejected.phase is Phase.REJECTED
    assert simulated_bank.book(rejected.payments[0].id).voided == rejected.total.minor
    with pytest.raises(InvalidInput):
        checkout_flow.claim(held[0], reviewer="")


def test_a_capture_that_was_taken_back_is_taken_again(checkout_flow, simulated_bank, buy):
    checkout = checkout_flow.ship(buy().id)
    payment = checkout.payments[0]
    simulated_bank.take_back(payment.id, payment.attempts[-1].id)
    assert not checkout_flow.reconcile(checkout.id).shipments[0].is_paid
    assert checkout_flow.capture_again(checkout.id, "s1").shipments[0].is_paid


def test_who_gave_no_details_has_none(checkout_flow, begin):
    assert checkout_flow.details(begin(details={}).id, Purpose.DELIVER) == {}


def test_what_the_bank_said_is_kept_for_later_where_others_always_write_first(
    checkout_flow, simulated_bank, buy, monkeypatch
):
    checkout = buy(payment="wallet")
    simulated_bank.approve(checkout.payments[0].id)

    def taken(self, change):
        raise StoreConflict("somebody was first")

    with monkeypatch.context() as broken:
        broken.setattr(MemoryStore, "commit", taken)
        with pytest.raises(StoreConflict, match="reconcile it"):
            checkout_flow.reconcile(checkout.id)
    assert checkout_flow.reconcile(checkout.id).phase is Phase.CONFIRMED


def test_messages_come_until_they_are_taken(checkout_flow, buy):
    checkout = checkout_flow.ship(buy().id)
    kinds = [message.kind for message in checkout_flow.messages()]
    assert kinds == ["confirmed", "shipped", "fulfilled"]
    first, *rest = checkout_flow.messages()
    assert first.id == f"{checkout.id}/3/confirmed"
    checkout_flow.delivered([first])
    assert list(checkout_flow.messages()) == rest


def test_what_the_customer_typed_is_opened_for_a_purpose_and_kept_for_the_order(
    checkout_flow, checkout_clock, checkout_customers, begin, buy
):
    bought, left = buy(), begin()
    for_delivery = checkout_flow.details(bought.id, Purpose.DELIVER)
    assert for_delivery["street"] == checkout_customers["DK"]["street"]
    assert "email" in checkout_flow.details(bought.id, Purpose.TAKE_PAYMENT)
    assert "street" not in checkout_flow.details(bought.id, Purpose.TAKE_PAYMENT)
    checkout_clock.advance(days=40)
    assert checkout_flow.details(bought.id, Purpose.DELIVER)
    assert not checkout_flow.details(left.id, Purpose.DELIVER)


def test_nothing_the_customer_typed_is_seen_outside_the_vault(
    checkout_flow, checkout_customers, simulated_bank, buy, caplog
):
    caplog.set_level(logging.DEBUG)
    simulated_bank.issue_gift_card("GIFT-CODE-1", Money(10000, "DKK"))
    checkout = checkout_flow.ship(buy().id)
    seen = checkout.model_dump_json() + repr(checkout) + caplog.text
    seen += repr(checkout_flow.journal(checkout.id))
    seen += checkout_flow.view(checkout.id).model_dump_json()
    seen += repr(checkout_flow.details(checkout.id, Purpose.DELIVER))
    for value in checkout_customers["DK"].values():
        assert value not in seen


def test_a_wrong_detail_names_the_field_and_never_the_value(checkout_flow, begin):
    checkout = begin(details={})
    with pytest.raises(InvalidInput) as error:
        checkout_flow.provide(checkout.id, email="no-at-sign.example", postal_code="99999999")
    assert {field for field, _ in error.value.problems} == {"email", "postal_code"}
    assert "no-at-sign" not in str(error.value)


def test_a_business_sees_prices_without_vat_and_pays_with(checkout_flow, checkout_carts):
    cart = checkout_carts["SE"].model_copy(update={"prices_include_vat": False})
    checkout = checkout_flow.start(cart, market="SE", customer="business")
    assert checkout.priced.total_vat.minor > 0
    assert checkout.locale == "sv_SE"


# Putting a flow together ----------------------------------------------------------------------


def test_a_flow_needs_the_providers_its_methods_name(checkout_shop):
    with pytest.raises(UsageError, match="method card is taken by simulated_bank"):
        CheckoutFlow(checkout_shop, store=MemoryStore())


def test_two_providers_of_one_name_are_refused(checkout_shop, simulated_bank):
    twice = [simulated_bank.provider(), simulated_bank.provider()]
    with pytest.raises(UsageError, match="two providers are named simulated_bank"):
        CheckoutFlow(checkout_shop, providers=twice, store=MemoryStore())


def test_what_is_not_there_is_not_found(checkout_flow):
    for call in (checkout_flow.load, checkout_flow.view, checkout_flow.journal):
        with pytest.raises(NotFound):
            call("nothing")


def test_without_the_right_key_nothing_is_read(
    checkout_flow, checkout_shop, checkout_clock, simulated_bank, buy
):
    checkout = buy()
    other = CheckoutFlow(
        checkout_shop,
        providers=[simulated_bank.provider()],
        store=checkout_flow._store,
        keys=Keys.of(b"k" * 32),
        clock=checkout_clock,
    )
    with pytest.raises(VaultError):
        other.details(checkout.id, Purpose.DELIVER)


def test_the_shops_own_invoice_needs_no_provider(checkout_flow, simulated_bank, buy):
    checkout = checkout_flow.ship(buy(payment="own_invoice").id, {"mug": 2})
    checkout = checkout_flow.cancel(checkout.id)
    assert checkout.phase is Phase.FULFILLED
    assert checkout_flow.reconcile(checkout.id) == checkout
    assert not simulated_bank.entries()


def test_settings_come_from_files_and_errors_name_their_path(tmp_path, checkout_shop):
    path = tmp_path / "shop.json"
    path.write_text(checkout_shop.model_dump_json(), encoding="utf-8")
    assert Shop.load(path) == checkout_shop
    path = tmp_path / "shop.toml"
    path.write_text('name = "S"\nmarkets = ["DK"]\n[[methods]]\nid = "Card!"\nname = "C"\n')
    with pytest.raises(InvalidInput) as error:
        Shop.load(path)
    assert error.value.field == "methods[0].id"
    path.write_text("name = ")
    with pytest.raises(InvalidInput, match="is not toml"):
        Shop.load(path)
    with pytest.raises(InvalidInput, match="cannot be read"):
        Shop.load(tmp_path / "none.toml")
    for wrong, field in (({"markets": ["NO", "XX"]}, "markets"), ({"messages": ["x"]}, "messages")):
        with pytest.raises(InvalidInput) as error:
            Shop.read({**checkout_shop.model_dump(mode="json"), **wrong})
        assert str(error.value.field).startswith(field)
    twice = checkout_shop.model_dump(mode="json")
    twice["methods"].append(twice["methods"][0])
    with pytest.raises(InvalidInput, match=r"methods\[4\].id: another one has this id"):
        Shop.read(twice)


def test_a_shops_own_rule_shows_in_the_explanation_and_in_the_price(checkout_shop):
    row = {
        "market": "DK",
        "categories": ["books"],
        "percent": "0",
        "valid_from": "2026-01-01",
        "source": "our auditor",
        "read_on": "2026-01-02",
        "confidence": "high",
    }
    shop = Shop.read({**checkout_shop.model_dump(mode="json"), "own_law": {"vat": [row]}})
    from datetime import date  # noqa: PLC0415 -- only here

    rate = shop.law().vat_rate("DK", "books", date(2026, 11, 21))
    assert rate.percent == 0
    assert "the shop's own rule instead of" in rate.explain()


def test_secrets_print_as_stars():
    assert "hunter2" not in f"{Secret('hunter2')!r}{Keys.of(b'hunter2' + b'x' * 25)!r}"
