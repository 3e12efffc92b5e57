"""Vipps MobilePay's stand-in and its adapter, held to the contract and to each other."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

import httpx
import pytest
from tests.specs import spec
from tests.wire import CHECKS

from checkoutflow.money import Money
from checkoutflow.payment.books import Books
from checkoutflow.providers.contract import Ask, Modification
from checkoutflow.testing import Clock
from checkoutflow.testing.adapters import (
    AdapterCase,
    Stage,
    exchange,
)
from checkoutflow.testing.adapters.case import order_of
from checkoutflow.testing.adapters.case import part_of as part_of_case
from checkoutflow.testing.standins.faults import Fault
from checkoutflow.testing.standins.vipps_mobilepay import AGREEMENT_URL, SimulatedVippsMobilePay

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
# The day on which the checks' charges are due, and one within the two years before it.
DUE = datetime(2027, 1, 16, tzinfo=UTC)
BEFORE = datetime(2026, 12, 1, tzinfo=UTC)
Country = Literal["NO", "DK", "FI", "SE"]


def stage_of(credentials: str, market: Country, *, has_mandates: bool) -> Stage:
    clock = Clock(BEFORE if has_mandates else NOW)
    page = AGREEMENT_URL if has_mandates else None
    unit = SimulatedVippsMobilePay(clock, market=market, secret=credentials, agreement_url=page)

    def customer(action, approve):
        url = action.payload if action.kind == "show_qr" else action.url
        form = {"decision": "approve" if approve else "decline"}
        unit.handle(httpx.Request("POST", url, data=form))

    def settle() -> None:
        if unit.references:  # a charge waits for its day
            clock.advance(days=(DUE - clock()).days)

    return Stage(
        provider=unit.provider(),
        handler=without_maximum(unit.handle) if has_mandates else unit.handle,
        customer=customer,
        notice=lambda: unit.outbox[-1],
        settle=settle if has_mandates else None,
    )


def without_maximum(handle):
    """The stand-in, but it does not tell a mandate's maximum: a question cannot be held to it."""

    def handler(request):
        response = handle(request)
        if request.method == "GET" and response.is_success and "pricing" in response.json():
            body = {**response.json(), "pricing": {}}
            return httpx.Response(200, json=body)
        return response

    return handler


def case_of(
    method: str, amount: str, market: Country, *, has_mandates: bool = False
) -> AdapterCase:
    return AdapterCase(
        make=lambda: stage_of("ours", market, has_mandates=has_mandates),
        foreign=lambda: stage_of("theirs", market, has_mandates=has_mandates),
        method=method,
        amount=Money.read(amount),
        secrets=("ours-client-secret", "ours-subscription-key", "ours-notice-secret"),
        words=dict.fromkeys(("status", "capture", "void", "refund"), ("state",)),
        mandate_method="recurring",
        notice_age_s=8 * 86_400,
    )


CASES = {
    "vipps in Norway": case_of("vipps", "1234.50 NOK", "NO"),
    "mobilepay in Denmark": case_of("mobilepay", "99.00 DKK", "DK"),
    "a code to scan in Finland": case_of("qr", "12.34 EUR", "FI"),
    "mandates in Norway": case_of("vipps", "1234.50 NOK", "NO", has_mandates=True),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", CHECKS)
def test_vipps_mobilepay_keeps_the_contract(check, case):
    check(case)


# What the two say to each other is what the provider publishes ------------------------------------

NEEDED = {
    "fetchAuthorizationTokenUsingPost",
    "createPayment",
    "getPayment",
    "capturePayment",
    "cancelPayment",
    "refundPayment",
}


def test_every_word_between_them_is_in_the_providers_own_description():
    epayment = spec("vipps_mobilepay", "epayment.yaml", closed=True)
    unit = SimulatedVippsMobilePay(lambda: NOW)
    provider = unit.provider()
    said = set()

    def overheard(request):
        response = unit.handle(request)
        is_token = request.url.path == "/accesstoken/get"
        file = spec("vipps_mobilepay", "access-token.yaml", closed=True) if is_token else epayment
        said.add(file.operation(request))
        file.validate(request, response)
        return response

    order = order_of(CASES["vipps in Norway"])
    asked = Ask(order.merchant_reference, None, order.amount, order.method)
    books = Books(currency=order.amount.currency, authorised=order.amount.minor)
    exchange(provider.authorise(order), overheard)
    exchange(provider.status(asked), overheard)
    unit.approve(order.merchant_reference)
    amount = part_of_case(CASES["vipps in Norway"])
    part = Modification("capture-1", order.merchant_reference, None, amount, order.method, books)
    exchange(provider.capture(part), overheard)
    exchange(provider.refund(replace(part, key="refund-1")), overheard)
    exchange(provider.refund(replace(part, key="refund-2")), overheard)  # too much: a problem
    rest = order.amount - part.amount
    exchange(provider.void(replace(part, key="void-1", amount=rest)), overheard)
    exchange(provider.status(asked), overheard)
    print(f"vipps_mobilepay: {len(said)} of {len(NEEDED)} operations covered")  # noqa: T201
    assert said == NEEDED
    webhooks = [json.loads(hook.body) for hook in unit.outbox]
    assert [body["name"] for body in webhooks] == [
        "AUTHORIZED",
        "CAPTURED",
        "REFUNDED",
        "CANCELLED",
    ]
    for body in webhooks:
        epayment.check("WebhookEvent", body)


# What the stand-in refuses --------------------------------------------------------------------


def raw(unit, method, where, body=None, **headers):
    names = ("client_id", "client_secret", "ocp-apim-subscription-key")
    values = ("client-id", "client-secret", "subscription-key")
    known = {n: f"simulated-{v}" for n, v in zip(names, values, strict=True)}
    host = "https://apitest.vipps.no"
    token = unit.handle(httpx.Request("POST", f"{host}/accesstoken/get", headers=known)).json()
    known |= {"authorization": f"Bearer {token['access_token']}", "idempotency-key": "key"}
    known |= {name.replace("_", "-"): value for name, value in headers.items()}
    return unit.handle(httpx.Request(method, f"{host}{where}", headers=known, json=body))


WANTED = {
    "amount": {"currency": "NOK", "value": 10000},
    "paymentMethod": {"type": "WALLET"},
    "reference": "abcdefgh",
    "userFlow": "WEB_REDIRECT",
    "returnUrl": "https://shop.example/return",
}
PAYMENTS = "/epayment/v1/payments"


@pytest.mark.parametrize(
    ("status", "code", "body", "headers"),
    [
        (201, None, WANTED, {}),
        (201, None, {**WANTED, "userFlow": "QR", "returnUrl": None}, {}),
        (400, None, {**WANTED, "returnUrl": None}, {}),
        (400, None, {**WANTED, "reference": "short"}, {}),
        (400, None, {**WANTED, "surprise": 1}, {}),
        (400, "5040", {**WANTED, "amount": {"currency": "DKK", "value": 10000}}, {}),
        (400, None, WANTED, {"idempotency_key": "k" * 51}),
        (415, None, WANTED, {"content_type": "text/plain"}),
        (401, None, WANTED, {"authorization": "Bearer other"}),
        (401, None, WANTED, {"ocp_apim_subscription_key": "other"}),
    ],
)
def test_the_stand_in_takes_and_refuses_what_they_do(status, code, body, headers):
    answer = raw(SimulatedVippsMobilePay(lambda: NOW), "POST", PAYMENTS, body, **headers)
    assert answer.status_code == status
    details = answer.json().get("extraDetails", [])
    codes = [item["reason"] for item in details if item["name"] == "ErrorCode"]
    assert codes == ([code] if code else [])


def test_the_stand_in_approves_and_cancels_as_theirs_does():
    unit = SimulatedVippsMobilePay(lambda: NOW)
    raw(unit, "POST", PAYMENTS, WANTED)
    assert raw(unit, "POST", "/epayment/v1/test/payments/abcdefgh/approve").status_code == 200
    assert unit.book("abcdefgh").authorised == 10000
    cancel = f"{PAYMENTS}/abcdefgh/cancel"
    only = {"cancelTransactionOnly": True}
    late = raw(unit, "POST", cancel, only, idempotency_key="early")
    assert late.json()["extraDetails"] == [{"name": "ErrorCode", "reason": "6060"}]
    assert raw(unit, "POST", cancel, {}, idempotency_key="late").status_code == 200
    assert unit.book("abcdefgh").voided == 10000
    assert raw(unit, "GET", f"{PAYMENTS}/none-of-them").json()["status"] == 404
    assert raw(unit, "DELETE", cancel).status_code == 404


def test_the_stand_in_gives_no_token_to_strangers_and_says_when_it_is_busy():
    unit = SimulatedVippsMobilePay(lambda: NOW)
    stranger = httpx.Request("POST", "https://apitest.vipps.no/accesstoken/get")
    assert unit.handle(stranger).status_code == 401
    unit.plan("authorise", Fault.RATE_LIMIT)
    answer = raw(unit, "POST", PAYMENTS, WANTED)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


def test_a_capture_that_the_bank_turns_down_moves_nothing():
    unit = SimulatedVippsMobilePay(lambda: NOW)
    raw(unit, "POST", PAYMENTS, WANTED)
    unit.approve("abcdefgh")
    unit.plan("capture", Fault.DECLINE)
    wanted = {"modificationAmount": WANTED["amount"]}
    answer = raw(unit, "POST", f"{PAYMENTS}/abcdefgh/capture", wanted, idempotency_key="no")
    assert answer.json()["extraDetails"] == [{"name": "ErrorCode", "reason": "6260"}]
    assert unit.book("abcdefgh").captured == 0
