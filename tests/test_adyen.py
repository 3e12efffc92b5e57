"""Adyen's adapter and its stand-in, held to the contract, to the descriptions and to each other."""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.deals import Deal
from tests.specs import spec
from tests.wire import CHECKS, REFERENCE, decides_on_page

from checkoutflow.errors import Contradiction, InvalidInput, NotSupported, UntrustedNotice
from checkoutflow.money import Money
from checkoutflow.payment.books import Books, Posting
from checkoutflow.payment.outcomes import Heard, MandateWord, Operation, Outcome
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.adyen import (
    EVENTS,
    LIVE,
    METHODS,
    Adyen,
    AdyenConfig,
    signature,
)
from checkoutflow.providers.contract import (
    Agree,
    Authorise,
    Charge,
    MandateAsk,
    Modification,
    OrderLine,
    Webhook,
)
from checkoutflow.testing.adapters import AdapterCase, Stage, exchange
from checkoutflow.testing.standins.adyen import ACCOUNT, SimulatedAdyen
from checkoutflow.testing.standins.faults import Fault

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


# --- the contract ---------------------------------------------------------------------------------


def stage_of(whose="ours", **account):
    now = [NOW]
    unit = SimulatedAdyen(lambda: now[0], secret=whose, **account)

    decide = decides_on_page(unit)

    def customer(action, approve):
        decide(action, approve)
        if not approve:  # they could try again, for a day
            now[0] += timedelta(days=1)

    return Stage(
        provider=unit.provider(),
        handler=unit.handle,
        customer=customer,
        notice=lambda: unit.outbox[-1],
        settle=lambda: None,
    )


def case_of(method, amount, **account):
    return AdapterCase(
        make=partial(stage_of, **account),
        foreign=partial(stage_of, "theirs", **account),
        method=method,
        amount=Money.read(amount),
        secrets=("ours-api-key", "ours-password"),
        details={"email": "customer@shop.example", "phone": "+4520123456"},
        words={"authorise": ("status",)},
        mandate_method="card",
        notice_age_s=None,
    )


CASES = {
    "cards, the rest is released": case_of("card", "1234.50 DKK"),
    "mobilepay in parts": case_of("mobilepay", "99.00 DKK", captures="many"),
    "klarna, invoiced": case_of("klarna", "499.00 SEK", captures="many", echoes="payment"),
    "cards in Iceland": case_of("scheme", "4990 ISK"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", CHECKS)
def test_adyen_keeps_the_contract(check, case):
    check(case)


# --- sales through the flow, with webhooks that decide --------------------------------------------

ECHOES = pytest.mark.parametrize("echoes", ["modification", "payment"])


def deal_with(**account):
    return Deal("adyen", open_bank=partial(SimulatedAdyen, **account))


@ECHOES
def test_a_capture_is_under_way_until_a_webhook_says_that_it_is_done(echoes):
    with deal_with(echoes=echoes) as deal:
        checkout = deal.sold()
        assert deal.ship(checkout.id).phase == "confirmed"
        deal.settle()
        assert deal.now(checkout).phase == "fulfilled"


def test_parts_may_be_under_way_at_once():
    with deal_with(captures="many") as deal:
        checkout = deal.sold()
        for _ in range(3):
            deal.ship(checkout.id, {"mug": 1})
        deal.called_off(checkout)
        assert deal.now(checkout).phase == "fulfilled"
        assert 0 < deal.taken < checkout.total.minor


@ECHOES
def test_a_capture_that_fails_hours_later_is_no_longer_paid(echoes):
    with deal_with(echoes=echoes) as deal:
        checkout = deal.later(deal.shipped(deal.sold()), hours=5)
        assert take_back(deal, checkout) == ["capture_failed"]
        assert deal.taken == 0


@ECHOES
def test_a_refund_that_fails_days_later_is_still_owed(echoes):
    with deal_with(echoes=echoes) as deal:
        checkout = deal.given_back(deal.shipped(deal.sold()), {"mug": 1})
        assert take_back(deal, deal.later(checkout, days=5)) == ["refund_failed"]
        assert deal.taken == checkout.total.minor


def take_back(deal, checkout):
    """The last operation fails after all; what the shop is then told."""
    payment = checkout.payments[0]
    deal.bank.take_back(payment.id, payment.attempts[-1].id)
    deal.settle()
    return [item.reason for item in deal.now(checkout).attention]


def test_many_items_in_one_webhook_are_taken_in_one_after_the_other():
    with deal_with() as deal:
        checkout = deal.placed()
        deal.bank.approve(checkout.payments[0].id)
        deal.cancel(checkout.id)
        hooks = deal.bank.outbox
        items = [item for hook in hooks for item in json.loads(hook.body)["notificationItems"]]
        body = json.dumps({"live": "false", "notificationItems": items * 2}).encode()
        (state,) = deal.world.flow.receive("adyen", hooks[0].headers, body)
        deal.settle()
        assert deal.now(state).books.voided == checkout.total.minor


def test_a_void_that_comes_to_nothing_is_tried_again():
    with deal_with() as deal:
        checkout = deal.sold()
        deal.bank.plan("void", Fault.FAIL_LATER, after_s=60)
        deal.cancel(checkout.id)
        attempts = deal.later(checkout, hours=1).payments[0].attempts
        assert [item.outcome for item in attempts if item.operation is Operation.VOID] == [
            Outcome.DECLINED,
            Outcome.SUCCEEDED,
        ]


@ECHOES
def test_a_notice_that_is_faster_than_the_answer_decides(echoes):
    with deal_with(echoes=echoes) as deal:
        world, handle = deal.world, deal.bank.handle
        checkout = deal.sold()

        def slow(request):
            response = handle(request)
            world.deliver()  # before the flow has its answer
            return response

        world.flow.close()
        world._http = httpx.Client(transport=httpx.MockTransport(slow))
        world.reopen()
        assert deal.ship(checkout.id).phase == "fulfilled"
        checkout = deal.given_back(checkout, {"mug": 1})
        assert checkout.refunds[0].state == "done"


@pytest.mark.parametrize("fault", ["lose_answer", "html", "not_found"])
def test_a_link_is_closed_whatever_its_look_up_says_at_first(fault):
    with deal_with() as deal:
        checkout = deal.placed()
        deal.bank.approve(checkout.payments[0].id)
        deal.bank.plan("status", Fault(fault))
        assert deal.called_off(checkout).books.voided == checkout.total.minor


def test_a_capture_that_was_heard_of_before_its_answer_came_is_known_by_name_when_it_fails():
    with deal_with(echoes="payment") as deal:
        checkout = deal.sold()
        deal.bank.plan("capture", Fault.LOSE_ANSWER)
        assert take_back(deal, deal.shipped(checkout)) == ["capture_failed"]
        assert deal.now(checkout).books.captured == 0


def test_a_failed_capture_of_money_that_was_taken_at_once_is_told():
    with Deal("adyen", market="SE", way=("swish", "swish")) as deal:
        checkout = deal.sold()
        item = item_of("CAPTURE_FAILED", merchantReference=f"{checkout.payments[0].id}.sale")
        item["amount"] = {"value": checkout.total.minor, "currency": "SEK"}
        deal.world.flow.receive("adyen", deal.bank.outbox[0].headers, deal.bank.webhook(item))
        assert deal.now(checkout).attention


def test_a_cancelled_checkout_whose_link_was_never_heard_of_is_ended():
    with deal_with() as deal:
        deal.bank.plan("authorise", Fault.LOSE_ANSWER)
        assert deal.called_off(deal.placed()).phase == "cancelled"


# --- what arrives --------------------------------------------------------------------------------


def item_of(code, success="true", **values):
    return {
        "amount": {"value": 2500, "currency": "DKK"},
        "eventCode": code,
        "eventDate": "2026-11-21T12:00:00+00:00",
        "merchantAccountCode": ACCOUNT,
        "merchantReference": REFERENCE,
        "originalReference": "" if code == "AUTHORISATION" else "PAY0000000000001",
        "paymentMethod": "visa",
        "pspReference": "EVT0000000000001",
        "reason": "",
        "success": success,
        **values,
    }


UNIT = SimulatedAdyen(lambda: NOW)
HEADERS = {
    "content-type": "application/json",
    "authorization": "Basic bm90aWNlczpzaW11bGF0ZWQtcGFzc3dvcmQ=",
}


def read(body, headers=HEADERS):
    return UNIT.provider().read_notices(Webhook(headers, body, NOW.timestamp()))


KEY = Secret("44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056")
VECTORS = {
    "7914073381342284::TestMerchant:TestPayment-1407325143704:1130:EUR:AUTHORISATION:true": (
        "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0="
    ),
    r"8836226171638872:8536214160615591:TestMerchant:order/1:a\b:2500:DKK:CAPTURE:true": (
        "juY0+sB5e6TX8NGMf6x+gKV00p//46drQ27nkD6KIqQ="
    ),
}


@pytest.mark.parametrize(("text", "expected"), VECTORS.items())
def test_published_signatures_come_out(text, expected):
    assert signature(KEY, [text]) == expected
    assert signature(KEY, [text[:-1]]) != expected


MEANINGS = {
    ("AUTHORISATION", "true"): Heard(
        operation=Operation.AUTHORISE,
        outcome=Outcome.SUCCEEDED,
        provider_reference="EVT0000000000001",
    ),
    ("CAPTURE", "true"): Heard(operation=Operation.CAPTURE, outcome=Outcome.SUCCEEDED),
    ("CAPTURE", "false"): Heard(
        operation=Operation.CAPTURE, outcome=Outcome.DECLINED, reason="capture"
    ),
    ("CAPTURE_FAILED", "true"): Heard(
        operation=Operation.CAPTURE,
        outcome=Outcome.DECLINED,
        is_taken_back=True,
        reason="capture_failed",
    ),
    ("CANCELLATION", "true"): Heard(operation=Operation.VOID, outcome=Outcome.SUCCEEDED),
    ("CANCELLATION", "false"): Heard(
        operation=Operation.VOID, outcome=Outcome.DECLINED, reason="cancellation"
    ),
    ("TECHNICAL_CANCEL", "true"): Heard(operation=Operation.VOID, outcome=Outcome.SUCCEEDED),
    ("TECHNICAL_CANCEL", "false"): Heard(
        operation=Operation.VOID, outcome=Outcome.DECLINED, reason="technical_cancel"
    ),
    ("EXPIRE", "true"): Heard(operation=Operation.VOID, outcome=Outcome.SUCCEEDED),
    ("REFUND", "true"): Heard(operation=Operation.REFUND, outcome=Outcome.SUCCEEDED),
    ("REFUND", "false"): Heard(
        operation=Operation.REFUND, outcome=Outcome.DECLINED, reason="refund"
    ),
    ("REFUND_FAILED", "true"): Heard(
        operation=Operation.REFUND,
        outcome=Outcome.DECLINED,
        is_taken_back=True,
        reason="refund_failed",
    ),
    ("REFUNDED_REVERSED", "true"): Heard(
        operation=Operation.REFUND,
        outcome=Outcome.DECLINED,
        is_taken_back=True,
        reason="refunded_reversed",
    ),
}


@pytest.mark.parametrize(("event", "meaning"), MEANINGS.items(), ids=map("-".join, MEANINGS))
def test_what_each_event_proves(event, meaning):
    assert EVENTS.keys() == MEANINGS.keys()
    (notice,) = read(UNIT.webhook(item_of(*event)))
    is_void = meaning.operation is Operation.VOID
    is_payment = meaning.operation is Operation.AUTHORISE
    more: dict[str, object] = {"amount": None if is_void else Money(2500, "DKK")}
    if not is_payment:
        more["provider_reference"] = "PAY0000000000001"
        more["reference"] = "" if event[0] == "EXPIRE" else "EVT0000000000001"
    assert notice.heard == meaning.model_copy(update=more)
    assert (notice.merchant_reference, notice.kind) == (REFERENCE, event[0])
    assert notice.id == f"{event[0]}-EVT0000000000001-{event[1]}"


LEFT_ALONE = [
    item_of("AUTHORISATION", "false"),  # a try: the next one may succeed
    item_of("OFFER_CLOSED"),
    item_of("CANCEL_OR_REFUND"),  # which of both it was is not signed
    item_of("CAPTURE_FAILED", "false"),
    item_of("CHARGEBACK"),
    item_of("REPORT_AVAILABLE", merchantReference="", pspReference="report 7"),
    item_of("A_NEW_ONE"),
    item_of("AUTHORISATION", merchantAccountCode="Another"),
    item_of("AUTHORISATION", merchantReference="order/1"),
    item_of("AUTHORISATION", pspReference="EVT:1"),
    item_of("CAPTURE", merchantReference=f"{REFERENCE}.sale"),
]


@pytest.mark.parametrize("item", LEFT_ALONE, ids=[str(i) for i in range(len(LEFT_ALONE))])
def test_what_is_genuine_and_proves_nothing_is_left_alone(item):
    assert read(UNIT.webhook(item)) == ()


def test_the_reference_says_which_operation_is_meant_and_whether_the_money_is_taken():
    (notice,) = read(UNIT.webhook(item_of("CAPTURE", merchantReference=f"{REFERENCE}.pay1-a-2")))
    assert (notice.merchant_reference, notice.heard.key) == (REFERENCE, "pay1-a-2")
    (notice,) = read(UNIT.webhook(item_of("AUTHORISATION", merchantReference=f"{REFERENCE}.sale")))
    assert notice.heard.is_taken
    assert notice.heard.key == ""
    (notice,) = read(UNIT.webhook(item_of("AUTHORISATION")))
    assert not notice.heard.is_taken


def test_krona_have_two_decimals_and_whole_ones_only():
    amount = {"value": 499_000, "currency": "ISK"}
    (notice,) = read(UNIT.webhook(item_of("CAPTURE", amount=amount)))
    assert notice.heard.amount == Money(4990, "ISK")
    amount["value"] = 499_001
    with pytest.raises(UntrustedNotice, match="not readable"):
        read(UNIT.webhook(item_of("CAPTURE", amount=amount)))


def test_each_item_is_verified_by_itself_and_one_that_is_not_genuine_spoils_all():
    items = [item_of("CAPTURE"), item_of("AUTHORISATION"), item_of("REPORT_AVAILABLE")]
    body = json.loads(UNIT.webhook(*items))
    assert [notice.kind for notice in read(json.dumps(body).encode())] == [
        "CAPTURE",
        "AUTHORISATION",
    ]
    body["notificationItems"][2]["NotificationRequestItem"]["success"] = "false"
    with pytest.raises(UntrustedNotice):
        read(json.dumps(body).encode())


SIGNED = {
    "pspReference": "EVT0000000000002",
    "originalReference": "PAY0000000000002",
    "merchantAccountCode": "Another",
    "merchantReference": "b" * 20,
    "eventCode": "REFUND",
    "success": "false",
    "amount": {"value": 2501, "currency": "DKK"},
}


@pytest.mark.parametrize("name", [*SIGNED, "currency"])
def test_nothing_that_is_signed_can_be_changed(name):
    body = json.loads(UNIT.webhook(item_of("CAPTURE")))
    item = body["notificationItems"][0]["NotificationRequestItem"]
    other = {"amount": {"value": 2500, "currency": "SEK"}} if name == "currency" else SIGNED
    name = "amount" if name == "currency" else name
    for value in (other[name], None, True, 7, [], {"x": 1}):
        item[name] = value
        with pytest.raises(UntrustedNotice):
            read(json.dumps(body).encode())


def test_what_is_not_signed_changes_nothing():
    body = json.loads(UNIT.webhook(item_of("CAPTURE")))
    genuine = read(json.dumps(body).encode())
    item = body["notificationItems"][0]["NotificationRequestItem"]
    item |= {"paymentMethod": "swish", "reason": "all is well", "eventDate": "never"}
    item["additionalData"]["modification.action"] = "refund"
    assert read(json.dumps(body | {"live": "true"}).encode()) == genuine


WRONG = {
    "cut": lambda sign: sign[:-1],
    "longer": lambda sign: sign + "=",
    "lower": str.lower,
    "other alphabet": lambda sign: sign.replace("/", "_").replace("+", "-") + " ",
    "hexadecimal": lambda sign: b64decode(sign).hex(),
    "empty": lambda _: "",
    "null": lambda _: None,
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_a_wrong_signature_is_not_believed(change):
    body = json.loads(UNIT.webhook(item_of("CAPTURE")))
    more = body["notificationItems"][0]["NotificationRequestItem"]["additionalData"]
    more["hmacSignature"] = change(more["hmacSignature"])
    with pytest.raises(UntrustedNotice):
        read(json.dumps(body).encode())


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["notificationItems", "NotificationRequestItem", "amount", "success"]
                ),
                inner,
            )
        ),
    )
)
def test_no_body_that_nobody_signed_is_believed(value):
    with pytest.raises(UntrustedNotice):
        read(json.dumps(value).encode())


# --- requests and answers -------------------------------------------------------------------------

LINES = (
    OrderLine("mug", "Kop", 3, Money(29999, "DKK"), 2500, Money(6000, "DKK")),
    OrderLine("cup", "Glas", 2, Money(10000, "DKK"), 2500, Money(2000, "DKK")),
    OrderLine("parcel", "Fragt", 1, Money(5900, "DKK"), 2500, Money(1180, "DKK"), "delivery"),
)
WHOLE = Money(45899, "DKK")


def order(method="card", **more):
    given = {
        "key": "key-1",
        "merchant_reference": REFERENCE,
        "method": method,
        "amount": WHOLE,
        "return_url": "https://shop.example/back",
        "locale": "da_DK",
        "market": "DK",
        "customer": "consumer",
        "lines": LINES,
        "details": {"email": "customer@shop.example", "phone": "+4520123456"},
    }
    return Authorise(**given | more)


def modification(method="card", reference="PAY0000000000001", **more):
    books = Books(currency="DKK").post(Posting.AUTHORISED, WHOLE)
    given = {
        "key": "pay-2",
        "merchant_reference": REFERENCE,
        "provider_reference": reference,
        "amount": WHOLE,
        "method": method,
        "books": books,
    }
    return Modification(**given | more)


def sent(exchange_):
    return next(exchange_)


def body_sent(exchange_):
    return json.loads(sent(exchange_).content)


ADYEN = UNIT.provider()
NEW = Books(currency="DKK")


def test_the_link_asks_for_what_the_method_needs():
    plain = body_sent(ADYEN.authorise(order()))
    assert plain == {
        "merchantAccount": ACCOUNT,
        "reference": REFERENCE,
        "amount": {"value": 45899, "currency": "DKK"},
        "allowedPaymentMethods": ["scheme"],
        "countryCode": "DK",
        "returnUrl": "https://shop.example/back",
        "shopperLocale": "da-DK",
        "shopperEmail": "customer@shop.example",
        "telephoneNumber": "+4520123456",
        "manualCapture": True,
    }
    sale = body_sent(ADYEN.authorise(order("swish", details={"phone": "20123456"}, locale="is_IS")))
    assert sale["reference"] == f"{REFERENCE}.sale"
    assert sale.keys() & {"manualCapture", "telephoneNumber", "shopperLocale", "lineItems"} == set()
    klarna = body_sent(ADYEN.authorise(order("klarna")))
    assert "shopperName" in klarna["requiredShopperFields"]
    odd, even, parcel = klarna["lineItems"]
    assert (odd["quantity"], odd["description"]) == (1, "3 × Kop")  # 299.99 in three
    assert (even["quantity"], even["description"], even["taxAmount"]) == (2, "Glas", 1000)
    assert parcel["amountExcludingTax"] == 4720


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("currency", ["DKK", "ISK"])
def test_lines_add_up_in_their_minor_units(name, currency):
    change = {"amount": Money(45899, currency), "lines": ()}
    if currency == "DKK":
        change["lines"] = LINES
    asked = body_sent(ADYEN.authorise(order(name, **change)))
    captured = body_sent(ADYEN.capture(modification(name, **change)))
    for body in (asked, captured):
        assert ("lineItems" in body) == METHODS[name].is_invoice
        for line in body.get("lineItems", ()):
            assert line["amountIncludingTax"] == line["amountExcludingTax"] + line["taxAmount"]
        if "lineItems" in body:
            total = sum(line["quantity"] * line["amountIncludingTax"] for line in body["lineItems"])
            assert total == body["amount"]["value"]


@given(
    st.lists(
        st.tuples(st.integers(0, 10**7), st.integers(1, 999), st.sampled_from([0, 600, 2500])),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from(["DKK", "ISK"]),
)
def test_lines_by_the_piece_add_up_whatever_the_rounding(rows, currency):
    lines = []
    for minor, quantity, basis in rows:
        vat = Money(minor * basis // (10_000 + basis), currency)
        lines.append(OrderLine("mug", "Kop", quantity, Money(minor, currency), basis, vat))
    whole = Money(sum(minor for minor, *_ in rows), currency)
    body = body_sent(ADYEN.authorise(order("klarna", amount=whole, lines=tuple(lines))))
    told = [
        item["quantity"] * (item["amountExcludingTax"] + item["taxAmount"])
        for item in body["lineItems"]
    ]
    assert sum(told) == body["amount"]["value"] == whole.minor * (100 if currency == "ISK" else 1)
    vat = sum(item["quantity"] * item["taxAmount"] for item in body["lineItems"])
    assert vat == sum(line.vat.minor for line in lines) * (100 if currency == "ISK" else 1)


def test_modifications_are_named_so_that_a_notice_finds_them():
    longest = modification(merchant_reference="a" * 39, key="k" * 40)
    assert len(body_sent(ADYEN.capture(longest))["reference"]) == 80
    assert body_sent(ADYEN.refund(modification()))["reference"] == f"{REFERENCE}.pay-2"
    assert sent(ADYEN.refund(modification())).headers["idempotency-key"] == "pay-2"


def test_a_void_goes_where_the_payment_is():
    known = sent(ADYEN.void(modification()))
    assert known.url.path == "/v72/payments/PAY0000000000001/cancels"
    link = sent(ADYEN.void(modification(reference="PL0000000000001", books=NEW)))
    assert (link.method, link.url.path) == ("PATCH", "/v72/paymentLinks/PL0000000000001")
    for method, ours in (("card", REFERENCE), ("swish", f"{REFERENCE}.sale")):
        nothing = sent(ADYEN.void(modification(method, reference=None, books=NEW)))
        assert nothing.url.path == "/v72/cancels"
        assert json.loads(nothing.content)["paymentReference"] == ours


@pytest.mark.parametrize(
    ("start", "error", "field"),
    [
        (lambda: ADYEN.authorise(order("cash")), NotSupported, "knows card"),
        (lambda: ADYEN.authorise(order(return_url="h" * 8001)), InvalidInput, "return_url"),
        (lambda: ADYEN.authorise(order(merchant_reference="a.b")), InvalidInput, "_reference"),
        (lambda: ADYEN.capture(modification(reference=None)), InvalidInput, "provider_reference"),
        (lambda: ADYEN.void(modification(merchant_reference="a" * 40)), InvalidInput, "merchant"),
        (lambda: ADYEN.void(modification(merchant_reference="aa")), InvalidInput, "merchant"),
    ],
    ids=["method", "return address", "reference", "not authorised", "too long", "too short"],
)
def test_what_is_beyond_its_limits_is_refused_before_a_request(start, error, field):
    exchange_ = start()  # nothing happens yet: the flow catches what running it raises
    with pytest.raises(error, match=field):
        next(exchange_)


def answered(status, body):
    return lambda _request: httpx.Response(status, json=body)


ERROR = {"status": 422, "errorCode": "130", "errorType": "validation", "message": "no"}
ANSWERS = [
    (422, ERROR, Outcome.REFUSED, "invalid_request"),
    (400, ERROR, Outcome.REFUSED, "invalid_request"),
    (401, ERROR | {"errorType": "security"}, Outcome.REFUSED, "unauthorised"),
    (403, ERROR | {"errorType": "configuration"}, Outcome.REFUSED, "not_set_up"),
    (422, ERROR | {"errorCode": "704"}, Outcome.UNKNOWN, ""),
    (422, ERROR | {"errorType": "internal"}, Outcome.UNKNOWN, ""),
    (422, {}, Outcome.UNKNOWN, ""),
    (404, ERROR, Outcome.UNKNOWN, ""),
    (409, ERROR, Outcome.UNKNOWN, ""),
    (429, ERROR, Outcome.UNKNOWN, ""),
    (500, ERROR, Outcome.UNKNOWN, ""),
    (503, ERROR, Outcome.UNKNOWN, ""),
    (200, {}, Outcome.UNKNOWN, ""),
]


@pytest.mark.parametrize(
    ("status", "body", "outcome", "reason"),
    ANSWERS,
    ids=[f"{row[0]}-{i}" for i, row in enumerate(ANSWERS)],
)
def test_only_an_error_that_says_so_is_a_refusal(status, body, outcome, reason):
    for operation in (ADYEN.capture, ADYEN.refund, ADYEN.void):
        result = exchange(operation(modification()), answered(status, body))
        assert (result.outcome, result.reason) == (outcome, reason)
    result = exchange(ADYEN.authorise(order()), answered(status, body))
    assert (result.outcome, result.reason) == (outcome, reason)


RECEIVED = {
    "merchantAccount": ACCOUNT,
    "paymentPspReference": "PAY0000000000001",
    "pspReference": "MOD0000000000001",
    "status": "received",
    "amount": {"value": 45899, "currency": "DKK"},
}


def test_a_modification_is_taken_in_under_a_name():
    result = exchange(ADYEN.capture(modification()), answered(201, RECEIVED))
    assert (result.outcome, result.operation_reference) == (Outcome.PENDING, "MOD0000000000001")
    for wrong in ({"amount": {"value": 1, "currency": "DKK"}}, {"paymentPspReference": "PAY2"}):
        with pytest.raises(Contradiction):
            exchange(ADYEN.capture(modification()), answered(201, RECEIVED | wrong))
    for odd in ({"amount": 45899}, {"pspReference": "a b"}, {"amount": {"value": "1"}}):
        result = exchange(ADYEN.capture(modification()), answered(201, RECEIVED | odd))
        assert result.outcome is Outcome.UNKNOWN


# --- mandates -------------------------------------------------------------------------------------

MANDATE = "m" * 20


def agreement(first=None, **more):
    given = {
        "key": "key-m",
        "merchant_reference": MANDATE,
        "method": "card",
        "title": "Kaffe hver måned",
        "maximum": WHOLE,
        "return_url": "https://shop.example/back",
        "locale": "da_DK",
        "market": "DK",
        "customer": "consumer",
        "every_months": 1,
        "first": first and charging(merchant_reference=REFERENCE, token=None),
    }
    return Agree(**given | more)


def charging(**more):
    given: dict[str, Any] = {
        "key": "key-c",
        "merchant_reference": "c" * 20,
        "mandate": MANDATE,
        "token": Secret("Subscription.TOKEN00000000001"),
        "method": "card",
        "amount": WHOLE,
        "title": "Kaffe",
        "locale": "da_DK",
        "market": "DK",
        "customer": "consumer",
    }
    return Charge(**given | more)


def about(reference="PL0000000000001", token=None):
    return MandateAsk(MANDATE, reference, "card", token and Secret(token), key="key-e")


def agreed(unit, order=None, *, approve=True):
    """A mandate that was asked for and given, as it is found afterwards."""
    adyen = unit.provider()
    asked = exchange(adyen.agree(order or agreement()), unit.handle)
    if approve:
        unit.approve_mandate(MANDATE)
    ask = about(asked.provider_reference)
    return ask, exchange(adyen.mandate(ask), unit.handle)


@pytest.mark.parametrize(("months", "model"), [(1, "Subscription"), (0, "UnscheduledCardOnFile")])
def test_a_card_is_stored_for_what_the_customer_agreed_to(months, model):
    unit = SimulatedAdyen(lambda: NOW)
    asked = body_sent(ADYEN.agree(agreement(every_months=months)))
    assert asked["amount"] == {"value": 0, "currency": "DKK"}
    assert (asked["reference"], asked["shopperReference"]) == (MANDATE, MANDATE)
    ask, found = agreed(unit, agreement(every_months=months))
    assert found.token is not None
    assert found.token.reveal().startswith(f"{model}.")
    charge = body_sent(ADYEN.charge(charging(token=found.token)))
    assert (charge["recurringProcessingModel"], charge["shopperReference"]) == (model, MANDATE)
    assert charge["additionalData"] == {"manualCapture": "true"}
    result = exchange(ADYEN.charge(charging(token=found.token)), unit.handle)
    assert (result.outcome, result.provider_reference) == (Outcome.SUCCEEDED, "PAY0000000000002")
    again = exchange(ADYEN.mandate(replace(ask, token=found.token)), unit.handle)
    assert (again.word, again.token) == (MandateWord.ACTIVE, found.token)
    unit.end_mandate(MANDATE)
    again = exchange(ADYEN.mandate(replace(ask, token=found.token)), unit.handle)
    assert (again.word, again.token) == (MandateWord.ENDED, None)


def test_a_first_payment_is_made_on_the_same_page_and_told_of_by_its_own_name():
    unit = SimulatedAdyen(lambda: NOW)
    ask, found = agreed(unit, agreement(first=True), approve=False)
    assert found.word is MandateWord.PENDING
    page = httpx.Request("POST", found.action.url, data={"decision": "approve"})
    unit.handle(page)
    assert unit.book(REFERENCE).authorised == WHOLE.minor
    assert exchange(ADYEN.mandate(ask), unit.handle).word is MandateWord.ACTIVE
    payment, card = (read(hook.body, hook.headers) for hook in unit.outbox)
    assert [notice.merchant_reference for notice in payment] == [REFERENCE]
    assert payment[0].heard.amount == WHOLE
    assert [(notice.merchant_reference, notice.heard) for notice in card] == [(MANDATE, None)]


def test_a_mandate_without_a_payment_is_told_of_as_a_reason_to_look():
    unit = SimulatedAdyen(lambda: NOW)
    agreed(unit)
    told = [notice for hook in unit.outbox for notice in read(hook.body, hook.headers)]
    assert [(notice.merchant_reference, notice.kind, notice.heard) for notice in told] == [
        (MANDATE, "AUTHORISATION", None),
        (MANDATE, "recurring.token.created", None),
    ]


def test_a_no_is_one_try_until_the_page_runs_out():
    now = [NOW]
    unit = SimulatedAdyen(lambda: now[0])
    ask, _ = agreed(unit, approve=False)
    unit.decline_mandate(MANDATE)
    assert exchange(ADYEN.mandate(ask), unit.handle).word is MandateWord.PENDING
    now[0] += timedelta(days=1)
    unit.approve_mandate(MANDATE)  # too late
    assert exchange(ADYEN.mandate(ask), unit.handle).word is MandateWord.DECLINED


def test_nobody_has_seen_the_page_of_a_link_that_we_never_got():
    found = exchange(ADYEN.mandate(about(None)), UNIT.handle)
    assert found.word is MandateWord.NOT_FOUND
    assert exchange(ADYEN.end_mandate(about(None)), UNIT.handle).outcome is Outcome.SUCCEEDED


LINK = {"id": "PL0000000000001", "shopperReference": MANDATE, "status": "completed"}
CARDS = {"merchantAccount": ACCOUNT, "shopperReference": MANDATE}
LOOKS = [
    ({"recurringProcessingModel": "Subscription"}, [], MandateWord.PENDING),
    ({"recurringProcessingModel": "Subscription"}, ["TOKEN"], MandateWord.UNCLEAR),
    ({"recurringProcessingModel": "CardOnFile"}, [{"id": "TOKEN"}], MandateWord.UNCLEAR),
    ({"status": "of another kind"}, [{"id": "TOKEN"}], MandateWord.UNCLEAR),
    ({"recurringProcessingModel": "Subscription"}, None, MandateWord.UNCLEAR),
]


def answers(*said):
    """A handler that gives these answers, one after the other."""
    left = [httpx.Response(status, json=body) for status, body in said]
    return lambda _request: left.pop(0)


@pytest.mark.parametrize(("link", "cards", "word"), LOOKS, ids=map(str, range(len(LOOKS))))
def test_only_a_card_that_is_listed_for_the_mandate_gives_a_token(link, cards, word):
    said = answers((200, LINK | link), (200, CARDS | {"storedPaymentMethods": cards}))
    found = exchange(ADYEN.mandate(about()), said)
    assert (found.word, found.token) == (word, None)


def test_an_unused_link_is_closed_and_a_stored_card_is_deleted():
    for is_used, is_known in ((False, False), (True, False), (True, True)):
        unit = SimulatedAdyen(lambda: NOW)
        ask, found = agreed(unit, approve=is_used)
        end = replace(ask, token=found.token if is_known else None, key="key-e")
        for is_repeat in (False, True):
            ended = exchange(ADYEN.end_mandate(end), unit.handle).outcome
            # Whoever does not know the token cannot tell a deleted card from one to come.
            is_sure = is_known or not (is_used and is_repeat)
            assert ended is (Outcome.SUCCEEDED if is_sure else Outcome.UNKNOWN)
        unit.approve_mandate(MANDATE)
        token = found.token or Secret("Subscription.TOKEN00000000001")
        assert exchange(ADYEN.charge(charging(token=token)), unit.handle).outcome is Outcome.REFUSED


def test_a_card_that_is_not_deleted_is_not_said_to_be():
    listed = CARDS | {"storedPaymentMethods": [{"id": "TOKEN00000000001"}]}
    end = about(token="Subscription.TOKEN00000000001")
    for status, outcome in ((422, Outcome.REFUSED), (200, Outcome.UNKNOWN)):
        ended = exchange(ADYEN.end_mandate(end), answers((200, listed), (status, ERROR)))
        assert ended.outcome is outcome


CHARGED = {
    "amount": {"value": 45899, "currency": "DKK"},
    "merchantReference": "c" * 20,
    "pspReference": "PAY0000000000001",
    "resultCode": "Authorised",
}
CHARGES = [
    ({}, Outcome.SUCCEEDED, ""),
    ({"amount": None}, Outcome.PENDING, ""),
    ({"pspReference": None}, Outcome.UNKNOWN, ""),
    ({"resultCode": "Refused", "refusalReasonCode": "12"}, Outcome.DECLINED, "insufficient_funds"),
    ({"resultCode": "Refused", "refusalReasonCode": "999"}, Outcome.DECLINED, "declined"),
    ({"resultCode": "Refused"}, Outcome.DECLINED, "declined"),
    ({"resultCode": "Cancelled"}, Outcome.DECLINED, "declined"),
    ({"resultCode": "Received"}, Outcome.PENDING, ""),
    ({"resultCode": "Pending"}, Outcome.PENDING, ""),
    ({"resultCode": "RedirectShopper"}, Outcome.DECLINED, "authentication_required"),
    ({"resultCode": "Error"}, Outcome.UNKNOWN, ""),
    ({"resultCode": "PartiallyAuthorised"}, Outcome.UNKNOWN, ""),
    ({"resultCode": "A new one"}, Outcome.UNKNOWN, ""),
]


@pytest.mark.parametrize(("change", "outcome", "reason"), CHARGES)
def test_what_a_charge_comes_to(change, outcome, reason):
    result = exchange(ADYEN.charge(charging()), answered(200, CHARGED | change))
    assert (result.outcome, result.reason) == (outcome, reason)
    assert (result.provider_reference is None) == (outcome is not Outcome.SUCCEEDED)


@pytest.mark.parametrize(
    "wrong", [{"amount": {"value": 1, "currency": "DKK"}}, {"merchantReference": "d" * 20}]
)
def test_a_charge_of_something_else_is_a_contradiction(wrong):
    with pytest.raises(Contradiction):
        exchange(ADYEN.charge(charging()), answered(200, CHARGED | wrong))


def test_a_declined_charge_is_over_and_says_why():
    unit = SimulatedAdyen(lambda: NOW)
    _, found = agreed(unit)
    unit.decline_next()
    result = exchange(ADYEN.charge(charging(token=found.token)), unit.handle)
    assert (result.outcome, result.reason) == (Outcome.DECLINED, "insufficient_funds")


def test_a_charge_is_captured_and_given_back_like_any_payment():
    unit = SimulatedAdyen(lambda: NOW)
    _, found = agreed(unit)
    unit.plan("authorise", Fault.SLOW)
    result = exchange(ADYEN.charge(charging(token=found.token)), unit.handle)
    assert result.outcome is Outcome.PENDING
    unit = SimulatedAdyen(lambda: NOW)
    _, found = agreed(unit)
    result = exchange(ADYEN.charge(charging(token=found.token)), unit.handle)
    part = modification(reference=result.provider_reference, merchant_reference="c" * 20)
    for operation, key in ((ADYEN.capture, "pay-2"), (ADYEN.refund, "pay-3")):
        exchange(operation(replace(part, key=key)), unit.handle)
    book = unit.book("c" * 20)
    assert (book.captured, book.refunded) == (WHOLE.minor, WHOLE.minor)


PLAIN = Adyen(ADYEN.config.model_copy(update={"shop_url": None, "token_hmac_key": None}))


@pytest.mark.parametrize(
    ("start", "error", "field"),
    [
        (lambda: ADYEN.agree(agreement(method="swish")), NotSupported, "on a card"),
        (lambda: ADYEN.charge(charging(method="klarna")), NotSupported, "on a card"),
        (lambda: ADYEN.charge(charging(amount=Money(1, "GBP"))), NotSupported, "GBP"),
        (lambda: ADYEN.charge(charging(token=None)), InvalidInput, "token"),
        (lambda: ADYEN.charge(charging(merchant_reference="a.b")), InvalidInput, "_reference"),
        (lambda: ADYEN.agree(agreement(merchant_reference="a.b")), InvalidInput, "_reference"),
        (lambda: PLAIN.agree(agreement()), NotSupported, "shop_url"),
    ],
    ids=["agree on swish", "charge klarna", "currency", "token", "charge", "agree", "no shop"],
)
def test_what_no_mandate_can_be_is_refused_before_a_request(start, error, field):
    exchange_ = start()
    with pytest.raises(error, match=field):
        next(exchange_)
    assert PLAIN.capabilities.mandates is None


def token_notice(**change):
    """A notice about a token, with something else in it and signed again."""
    unit = SimulatedAdyen(lambda: NOW)
    agreed(unit)
    hook = unit.outbox[-1]
    told = json.loads(hook.body)
    body = json.dumps(told | change | {"data": told["data"] | change.get("data", {})}).encode()
    key = ADYEN.config.token_hmac_key
    assert key is not None
    sign = b64encode(hmac.digest(bytes.fromhex(key.reveal()), body, "sha256")).decode()
    return replace(hook, body=body, headers={**hook.headers, "hmacsignature": sign})


def test_a_notice_about_a_token_is_signed_as_a_whole():
    hook = token_notice()
    assert ADYEN.read_notices(hook)
    for wrong in (
        replace(hook, body=hook.body + b" "),
        replace(hook, headers={**hook.headers, "hmacsignature": "x" * 44}),
        replace(hook, headers={**hook.headers, "HmacSignature": "x" * 44}),
        replace(hook, headers={**hook.headers, "authorization": "Basic eDp5"}),
    ):
        with pytest.raises(UntrustedNotice):
            ADYEN.read_notices(wrong)
    with pytest.raises(UntrustedNotice, match="token_hmac_key"):
        PLAIN.read_notices(hook)
    with pytest.raises(UntrustedNotice, match="not readable"):
        ADYEN.read_notices(token_notice(type=7))


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"merchantAccount": "Another"}},
        {"data": {"shopperReference": "customer/7"}},
        {"data": {"shopperReference": None}},
        {"eventId": None},
    ],
)
def test_a_genuine_notice_about_another_shopper_is_left_alone(change):
    assert ADYEN.read_notices(token_notice(**change)) == ()


# --- the descriptions -----------------------------------------------------------------------------

NEEDED = {
    "post-paymentLinks",
    "get-paymentLinks-linkId",
    "patch-paymentLinks-linkId",
    "post-payments-paymentPspReference-captures",
    "post-payments-paymentPspReference-cancels",
    "post-payments-paymentPspReference-refunds",
    "post-cancels",
    "post-payments",
    "get-storedPaymentMethods",
    "delete-storedPaymentMethods-storedPaymentMethodId",
}


def overheard(unit, checkout, said):
    def handler(request):
        response = unit.handle(request)
        said.add(checkout.operation(request))
        checkout.validate(request, response)
        return response

    return handler


@pytest.mark.parametrize("method", ["card", "klarna", "swish"])
def test_every_word_between_them_is_in_the_providers_own_description(method):
    checkout = spec("adyen", "CheckoutService-v72.json", closed=True)
    unit = SimulatedAdyen(lambda: NOW, captures="many")
    said: set[str] = set()
    adyen, handler = unit.provider(), overheard(unit, checkout, said)
    for reference in ("a" * 20, "b" * 20):
        exchange(
            adyen.authorise(order(method, merchant_reference=reference, key=reference)), handler
        )
    unit.approve("a" * 20)
    part = modification(method, amount=Money(29999, "DKK"), lines=LINES[:1])
    exchange(adyen.capture(part), handler)
    exchange(adyen.refund(replace(part, key="pay-3")), handler)
    exchange(adyen.void(replace(part, key="pay-4")), handler)
    exchange(adyen.void(replace(part, key="pay-5", provider_reference=None, books=NEW)), handler)
    exchange(adyen.capture(replace(part, key="pay-6", provider_reference="PAY9")), handler)
    used = replace(part, key="pay-7", provider_reference="PL0000000000001", books=NEW)
    assert exchange(adyen.void(used), handler).outcome is Outcome.UNKNOWN
    unused = replace(used, merchant_reference="b" * 20, provider_reference="PL0000000000002")
    for _ in range(2):  # closed, and closed already
        assert exchange(adyen.void(unused), handler).outcome is Outcome.SUCCEEDED
    order_ = agreement(maximum=Money(45899, "DKK"))
    ask = about(exchange(adyen.agree(order_), handler).provider_reference)
    unit.approve_mandate(MANDATE)
    token = exchange(adyen.mandate(ask), handler).token
    for key, decline in (("c" * 20, False), ("d" * 20, True)):
        if decline:
            unit.decline_next()
        exchange(adyen.charge(charging(key=key, merchant_reference=key, token=token)), handler)
    for _ in range(2):  # deleted, and deleted already
        exchange(adyen.end_mandate(replace(ask, token=token)), handler)
    exchange(adyen.charge(charging(key="key-9", merchant_reference="e" * 20, token=token)), handler)
    print(f"adyen: {len(said & NEEDED)} of {len(NEEDED)} operations covered")  # noqa: T201
    assert said == NEEDED


def test_every_webhook_has_the_published_shape():
    webhooks = spec("adyen", "Webhooks-v1.json")
    with deal_with(captures="many") as deal:
        payment = deal.given_back(deal.shipped(deal.sold()), {"mug": 1}).payments[0]
        for attempt in payment.attempts[-1:0:-1]:
            deal.bank.take_back(payment.id, attempt.id)
        other = deal.placed()
        deal.bank.decline(other.payments[0].id)
        deal.bank.approve(other.payments[0].id)
        deal.settle()
        deal.called_off(other)
        seen = set()
        for hook in deal.bank.outbox:
            body = json.loads(hook.body)
            (item,) = (entry["NotificationRequestItem"] for entry in body["notificationItems"])
            seen.add((item["eventCode"], item["success"]))
            # The file closes the additional data, and leaves the signature out of it.
            given = item.pop("additionalData")
            assert given.keys() == {"hmacSignature"}
            webhooks.check(SHAPES[item["eventCode"]], body)
    assert seen == {
        ("AUTHORISATION", "true"),
        ("AUTHORISATION", "false"),
        ("CAPTURE", "true"),
        ("CAPTURE_FAILED", "true"),
        ("REFUND", "true"),
        ("REFUND_FAILED", "true"),
        ("CANCELLATION", "true"),
    }


SHAPES = {
    "AUTHORISATION": "AuthorisationNotificationRequest",
    "CAPTURE": "CaptureNotificationRequest",
    "CAPTURE_FAILED": "RefundCaptureFailedNotificationRequest",
    "REFUND": "RefundNotificationRequest",
    "REFUND_FAILED": "RefundCaptureFailedNotificationRequest",
    "CANCELLATION": "CancellationNotificationRequest",
}


STORING = ["shopperReference", "storePaymentMethodMode", "recurringProcessingModel"]


# --- what the stand-in does not take --------------------------------------------------------------


def test_the_stand_in_refuses_what_the_real_one_would():
    def asked(request, **changes):
        body = json.loads(request.content or "{}") | changes.pop("body", {})
        headers = {**request.headers, **changes}
        headers.pop("content-length", None)
        again = httpx.Request(request.method, request.url, headers=headers, json=body)
        response = unit.handle(again)
        return response.status_code, response.json()["errorCode"]

    unit = SimulatedAdyen(lambda: NOW)
    klarna = sent(ADYEN.authorise(order("klarna")))
    assert asked(klarna, **{"x-api-key": "another"}) == (401, "000")
    assert asked(klarna, **{"idempotency-key": "k" * 65}) == (400, "invalid_request")
    assert asked(klarna, **{"content-type": "text/plain"}) == (400, "not_json")
    assert asked(klarna, body={"merchantAccount": "Another"}) == (403, "901")
    assert asked(klarna, body={"colour": "red"}) == (422, "invalid_request")
    dear = klarna.headers["idempotency-key"] + "-dear"
    whole = {"amount": {"value": 1, "currency": "DKK"}}
    assert asked(klarna, body=whole, **{"idempotency-key": dear}) == (422, "invalid_request")
    link = sent(ADYEN.agree(agreement()))
    for key, without in (("key-half", ["shopperReference"]), ("key-nothing", STORING)):
        body = dict.fromkeys(without)
        assert asked(link, body=body, **{"idempotency-key": key}) == (422, "invalid_request")
    cards = sent(ADYEN.end_mandate(about(None)))
    whose = str(cards.url.params).replace(ACCOUNT, "Another")
    foreign = httpx.Request("GET", cards.url.copy_with(query=whose.encode()))
    assert asked(foreign, **{"x-api-key": cards.headers["x-api-key"]}) == (403, "901")
    unknown = httpx.Request("DELETE", str(cards.url).replace("?", "/TOKEN?"))
    assert asked(unknown, **{"x-api-key": cards.headers["x-api-key"]}) == (422, "803")
    exchange(ADYEN.authorise(order(key="key-2")), unit.handle)
    by_ours = sent(ADYEN.void(modification(reference=None, books=NEW)))
    assert asked(by_ours) == (422, "167")  # nobody has paid yet
    unit.approve(REFERENCE)
    abroad = {"amount": {"value": 100, "currency": "SEK"}}
    capture = sent(ADYEN.capture(modification(key="sek")))
    assert asked(capture, body=abroad) == (422, "wrong_currency")
    nowhere = httpx.Request("GET", "https://x.example/v72/payments", headers=capture.headers)
    assert unit.handle(nowhere).status_code == 400


def test_without_manual_capture_the_stand_in_takes_the_money_at_once():
    unit = SimulatedAdyen(lambda: NOW)
    link = sent(ADYEN.authorise(order()))
    body = json.loads(link.content) | {"manualCapture": False}
    headers = {name: value for name, value in link.headers.items() if name != "content-length"}
    unit.handle(httpx.Request("POST", link.url, headers=headers, json=body))
    unit.approve(REFERENCE)
    assert unit.taken(REFERENCE) == WHOLE.minor


# --- configuration --------------------------------------------------------------------------------

CONFIG = {
    "merchant_account": ACCOUNT,
    "api_key": "an-api-key",
    "hmac_key": "AB" * 32,
    "notice_user": "notices",
    "notice_password": "a-password",
}


def test_the_address_follows_from_the_prefix_or_the_test_system():
    live = AdyenConfig.read(CONFIG | {"live_prefix": "1797a841fbb37ca7-FjordTest"})
    assert live.base_url == LIVE.format(prefix="1797a841fbb37ca7-FjordTest")
    assert AdyenConfig.read(CONFIG | {"is_test": True}).base_url == AdyenConfig.hosts.test
    assert Adyen(live).capabilities.captures == "once"
    assert "an-api-key" not in repr(live)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({}, "live_prefix"),
        ({"is_test": True, "hmac_key": "not-hexadecimal"}, "hmac_key"),
        ({"is_test": True, "notice_user": "a:b"}, "notice_user"),
        ({"is_test": True, "api_key": "short"}, "api_key"),
        ({"live_prefix": "evil.example/"}, "live_prefix"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(change, path):
    with pytest.raises(InvalidInput, match=path):
        AdyenConfig.read(CONFIG | change)
