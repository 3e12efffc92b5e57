"""Klarna's adapter and stand-in, held to the contract and to the provider's own descriptions."""

from __future__ import annotations

import json
from base64 import b64encode
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_path import SchemaPath
from openapi_core import OpenAPI
from tests import wire
from tests.specs import FOLDER, Spec, spec
from tests.test_lines import bought, carts
from tests.wire import CHECKS, decides_on_page

from checkoutflow.errors import (
    Contradiction,
    InvalidInput,
    NotSupported,
    TransportError,
    UntrustedNotice,
)
from checkoutflow.flow.lines import order_lines
from checkoutflow.money import Money
from checkoutflow.payment.books import Books
from checkoutflow.payment.outcomes import MandateWord, Operation, Outcome, Word
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.contract import (
    Agree,
    Ask,
    Charge,
    MandateAsk,
    Modification,
    OrderLine,
    Webhook,
)
from checkoutflow.providers.klarna import MANDATE, METHODS, PAGES, Klarna, KlarnaConfig
from checkoutflow.providers.klarna_orders import CURRENCIES, FRAUD, ORDERS, REFUSALS
from checkoutflow.providers.notices import address_for
from checkoutflow.testing import Clock
from checkoutflow.testing.adapters import ADAPTER_CHECKS, AdapterCase, Stage, exchange
from checkoutflow.testing.standins.faults import Fault
from checkoutflow.testing.standins.klarna import NOTICE_URL, SimulatedKlarna
from checkoutflow.texts import translate

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
REFERENCE = "abcdefghijklmnopqrst"
PAGE, ORDER = "hpp:page-1", "order:order-1"
WHOLE = 12345
MOST = 200_000_000  # minor units, of an order there
SECRET = "our-notice-secret-of-32-characters"

# What a checkout needs of the provider; the rest is on the provider's page, with the reasons.
NEEDED = {
    "createCreditSession",
    "createHppSession",
    "getSessionById",
    "disableHppSession",
    "getOrder",
    "captureOrder",
    "refundOrder",
    "cancelOrder",
    "releaseRemainingAuthorization",
    "purchaseToken",
    "readCustomerToken",
    "createOrder",
    "patchCustomerToken",
}


# The contract ------------------------------------------------------------------------------------


def stage_of(credentials):
    unit = SimulatedKlarna(lambda: NOW, secret=credentials)

    return Stage(
        provider=unit.provider(),
        handler=unit.handle,
        customer=decides_on_page(unit),
        notice=lambda: unit.outbox[-1],
    )


def case_of(method, amount):
    return AdapterCase(
        make=lambda: stage_of("ours"),
        foreign=lambda: stage_of("theirs"),
        method=method,
        amount=Money.read(amount),
        secrets=("ours-password", "ours-notice-secret-of-32-letters"),
        details={"email": "customer@shop.example", "phone": "+4512345678"},
        words=dict.fromkeys(("status", "capture", "void", "refund"), ("status",)),
        signature="address",
        mandate_method=MANDATE,
        notice_age_s=None,
    )


@pytest.mark.parametrize("method", ["klarna", "pay_later"])
@pytest.mark.parametrize("check", CHECKS)
def test_klarna_keeps_the_contract(check, method):
    check(case_of(method, "123.45 DKK"))


@pytest.mark.parametrize("place", [("status",), ("fraud_status",)], ids=str)
def test_no_word_of_an_order_is_guessed(place):
    (check,) = (c for c in ADAPTER_CHECKS if c.__name__ == "unknown_words_are_not_guessed")
    case = case_of("klarna", "123.45 DKK")
    check(replace(case, words=dict.fromkeys(case.words, place)))


# Builders ----------------------------------------------------------------------------------------


def config(**changes):
    return KlarnaConfig.read(
        {
            "username": "PK12345_abc",
            "password": "sharedsecret",
            "notice_url": NOTICE_URL,
            "notice_secret": SECRET,
            "is_test": True,
            **changes,
        }
    )


KLARNA = Klarna(config())
TEST = KlarnaConfig.hosts.test


def dkk(minor):
    return Money(minor, "DKK")


def order(minor=WHOLE, currency="DKK", **facts):
    ours = {"key": "pay-" + "0" * 36, "merchant_reference": REFERENCE, "method": "klarna"}
    return wire.order(minor, currency, **{**ours, **facts})


def line(minor, quantity=1, rate=2500, vat=None, kind="goods", currency="DKK", name="Kop"):
    vat = minor * rate // (10_000 + rate) if vat is None else vat
    amount, tax = Money(minor, currency), Money(vat, currency)
    return OrderLine(f"line-{minor}", name, quantity, amount, rate, tax, kind)


def ask(reference=ORDER, minor=WHOLE):
    return Ask(REFERENCE, reference, dkk(minor), "klarna")


def change(minor, reference=ORDER, *, key="change-1", lines=(), a=WHOLE, c=0, r=0, v=0):
    books = Books(currency="DKK", authorised=a, captured=c, refunded=r, voided=v)
    return Modification(key, REFERENCE, reference, dkk(minor), "klarna", books, lines)


def agreement(**facts):
    facts = {
        "key": "mandate-1",
        "merchant_reference": REFERENCE,
        "method": MANDATE,
        "title": "Kaffe hver måned",
        "maximum": dkk(WHOLE),
        "return_url": "https://shop.example/return",
        "locale": "da_DK",
        "market": "DK",
        "customer": "consumer",
        "every_months": 3,
        **facts,
    }
    return Agree(**facts)


def charge(minor=WHOLE, **facts):
    facts = {
        "key": "1",
        "merchant_reference": "order-1",
        "mandate": REFERENCE,
        "token": Secret("token-1:3"),
        "method": MANDATE,
        "amount": dkk(minor),
        "title": "Kaffe hver måned",
        "locale": "da_DK",
        "market": "DK",
        "customer": "consumer",
        **facts,
    }
    return Charge(**facts)


def mandate_ask(reference="mandate:da-DK:3:page-1", token=None):
    return MandateAsk(REFERENCE, reference, MANDATE, token)


def shown(status="AUTHORIZED", c=0, r=0, left=None, fraud="ACCEPTED", **more):
    """An order as they tell it; ``c`` captured, ``r`` refunded, ``left`` can still be captured."""
    return {
        "order_id": "order-1",
        "status": status,
        "fraud_status": fraud,
        "original_order_amount": WHOLE,
        "captured_amount": c,
        "refunded_amount": r,
        "remaining_authorized_amount": WHOLE - c if left is None else left,
        "purchase_currency": "DKK",
        "merchant_reference1": REFERENCE,
        **more,
    }


def page(status="WAITING", **more):
    return {"session_id": "page-1", "status": status, **more}


def script(*answers):
    """A service that gives these answers, one each; and what it was sent."""
    left, seen = list(answers), []

    def handle(request):
        seen.append(request)
        answer = left.pop(0)
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        content = b"" if body is None else json.dumps(body).encode()
        return httpx.Response(status, content=content)

    return SimpleNamespace(handle=handle, seen=seen)


def said(operation, *answers):
    """What comes of answers, and where the requests went."""
    service = script(*answers)
    result = exchange(operation, service.handle)
    return result, [f"{request.method} {request.url.path}" for request in service.seen]


def sums(standing):
    parts = (standing.authorised, standing.captured, standing.refunded, standing.voided)
    return tuple(part.minor for part in parts)


# The provider's own descriptions -----------------------------------------------------------------


@cache
def management():
    """Order management; its file breaks the rules of OpenAPI in places, which are mended here."""
    if not FOLDER.is_dir():
        pytest.skip(f"no specifications: {FOLDER} is not there")
    file = FOLDER / "klarna" / "order-management-api-openapi.yml"
    whole = deepcopy(SchemaPath.from_file_path(str(file)).read_value())
    # An enum of one value: all the kinds of lines with bars between them.
    kind = whole["components"]["schemas"]["order_line"]["properties"]["type"]
    kind["enum"] = kind.pop("enum")[0].split("|")
    for schema in whole["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    for path in whole["paths"].values():
        for method in path.values():
            for status, response in method["responses"].items():
                for header in response.get("headers", {}).values():
                    header.setdefault("schema", {"type": "string"})
                if status in {"201", "204"}:
                    response.pop("content", None)  # "a string", where the answer is empty
    return Spec(OpenAPI.from_dict(whole))


FILES: dict[str, Callable[[], Spec]] = {
    "payments": lambda: spec("klarna", "klarna-payments-api-openapi.yml", closed=True),
    "hpp": lambda: spec("klarna", "hosted-payment-page-api-openapi.yml", closed=True),
    "ordermanagement": management,
    "customer-token": lambda: spec("klarna", "klarna-customer-token-api-openapi.yml", closed=True),
}


class Watched:
    """A stand-in of which every request and answer is held against the descriptions."""

    def __init__(self, unit):
        self.unit, self.covered = unit, set()

    def handle(self, request):
        response = self.unit.handle(request)
        file = FILES[request.url.path.split("/")[1]]()
        moved = httpx.Request(
            request.method,
            request.url.copy_with(host="api.klarna.com"),
            headers={n: v for n, v in request.headers.items() if n != "host"},
            content=request.content,
        )
        self.covered.add(file.operation(moved))
        file.validate(moved, response)
        if not response.is_success:
            FILES["payments"]().check("ErrorV2", response.json())
        return response


def test_every_word_between_them_is_in_the_providers_own_descriptions():
    unit = SimulatedKlarna(lambda: NOW)
    provider, watched = unit.provider(), Watched(unit)
    lines = (line(10_000, 3), line(2000, kind="delivery"), line(345, kind="fee"))
    details = {
        "email": "customer@shop.example",
        "phone": "+4512345678",
        "street": "Nygade 1",
        "postal_code": "8000",
        "city": "Aarhus",
        "country": "DK",
        "organisation": "Kop og Kande ApS",
        "organisation_number": "13585628",
    }
    wanted = order(lines=lines, details=details, customer="business", method="pay_later")
    result = exchange(provider.authorise(wanted), watched.handle)
    exchange(provider.status(ask(result.provider_reference)), watched.handle)
    unit.approve(REFERENCE)
    standing = exchange(provider.status(ask(result.provider_reference)), watched.handle)
    theirs = standing.provider_reference
    capture = change(5000, theirs, key="c", lines=(line(5000, 3),))
    refund = change(2000, theirs, key="r", c=5000, lines=(line(2000),))
    too_much = change(9000, theirs, key="x", c=5000, r=2000)
    for operation, expected in (
        (provider.capture(capture), Outcome.SUCCEEDED),
        (provider.refund(refund), Outcome.SUCCEEDED),
        (provider.refund(too_much), Outcome.REFUSED),
        (provider.capture(too_much), Outcome.REFUSED),
        (provider.void(change(7345, theirs, key="v", c=5000, r=2000)), Outcome.SUCCEEDED),
        (provider.void(change(WHOLE, theirs, key="w")), Outcome.REFUSED),
    ):
        assert exchange(operation, watched.handle).outcome is expected
    standing = exchange(provider.status(ask(theirs)), watched.handle)
    assert sums(standing) == (WHOLE, 5000, 2000, 7345)
    assert [done.key for done in standing.operations] == ["c", "r"]
    for reference in ("b" * 20, "c" * 20):
        wanted = order(merchant_reference=reference)
        page = exchange(provider.authorise(wanted), watched.handle).provider_reference
        about = replace(ask(page), merchant_reference=reference)
        if reference > "c":
            unit.approve(reference)
            page = exchange(provider.status(about), watched.handle).provider_reference
        void = replace(change(WHOLE, page), merchant_reference=reference)
        assert exchange(provider.void(void), watched.handle).outcome is Outcome.SUCCEEDED
    assert unit.book("b" * 20).authorised == 0
    assert unit.book("c" * 20).voided == WHOLE
    asked = agreement(details=details)
    about = mandate_ask(exchange(provider.agree(asked), watched.handle).provider_reference)
    unit.approve_mandate(REFERENCE)
    about = replace(about, token=exchange(provider.mandate(about), watched.handle).token)
    assert exchange(provider.mandate(about), watched.handle).word is MandateWord.ACTIVE
    order_of = charge(token=about.token, lines=lines)
    paid = exchange(provider.charge(order_of), watched.handle)
    about_it = replace(ask(paid.provider_reference), merchant_reference=order_of.merchant_reference)
    standing = exchange(provider.status(about_it), watched.handle)
    assert (standing.word, sums(standing)) == (Word.AUTHORISED, (WHOLE, 0, 0, 0))
    assert exchange(provider.end_mandate(about), watched.handle).outcome is Outcome.SUCCEEDED
    assert exchange(provider.charge(order_of), watched.handle).outcome is Outcome.PENDING  # again
    other = replace(order_of, key="another")
    assert exchange(provider.charge(other), watched.handle).outcome is Outcome.REFUSED
    print(f"klarna: {len(watched.covered & NEEDED)} of {len(NEEDED)} operations covered")  # noqa: T201 - the measure
    assert watched.covered == NEEDED


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)


@st.composite
def any_lines(draw):
    """Lines with VAT as near as a fair share of a rounded sum can be to the exact one."""
    found = []
    for _ in range(draw(st.integers(0, 5))):
        minor, rate = draw(st.integers(0, 10**6)), draw(st.sampled_from([0, 1400, 2500, 2550]))
        vat = max(0, minor * rate // (10_000 + rate) + draw(st.integers(-2, 2)))
        kind = draw(st.sampled_from(["goods", "digital", "delivery", "fee"]))
        found.append(line(minor, draw(st.integers(1, 99)), rate, vat, kind, name=draw(names)))
    return tuple(found)


def requests_of(wanted, provider=KLARNA):
    """The two requests of an authorisation, as plain data."""
    service = script((200, {"session_id": "kp-1", "client_token": "t"}), (500, None))
    result = exchange(provider.authorise(wanted), service.handle)
    assert result.outcome is Outcome.UNKNOWN
    return [json.loads(request.content) for request in service.seen]


def follows_the_sum_rules(body):
    lines = body["order_lines"]
    assert body["order_amount"] == sum(item["total_amount"] for item in lines)
    assert body["order_tax_amount"] == sum(item["total_tax_amount"] for item in lines)
    for item in lines:
        assert item["total_amount"] == item["quantity"] * item["unit_price"]
        exact = item["total_amount"] - Fraction(
            item["total_amount"] * 10_000, 10_000 + item["tax_rate"]
        )
        assert abs(item["total_tax_amount"] - exact) <= 1


@given(
    lines=any_lines(),
    minor=st.integers(1, MOST),
    method=st.sampled_from(sorted(METHODS)),
    customer=st.sampled_from(["consumer", "business"]),
    locale=st.sampled_from(["da_DK", "nn_NO", "is_IS", "en_GB", "fo_FO", "xx"]),
    details=st.dictionaries(
        st.sampled_from(sorted(KLARNA.capabilities.details)), st.one_of(st.just("DK"), names)
    ),
)
def test_whatever_is_ordered_the_requests_are_ones_that_the_provider_describes(
    lines, minor, method, customer, locale, details
):
    whole = sum(item.amount.minor for item in lines) or minor
    lines = lines if sum(item.amount.minor for item in lines) else ()
    wanted = order(
        whole, lines=lines, method=method, customer=customer, locale=locale, details=details
    )
    purchase, hosted = requests_of(wanted)
    FILES["payments"]().check("session_create", purchase)
    FILES["hpp"]().check("SessionCreationRequestV1", hosted)
    follows_the_sum_rules(purchase)
    if lines:
        service = script((500, None))
        exchange(KLARNA.capture(change(whole, lines=lines, a=whole)), service.handle)
        management().check("CaptureObject", json.loads(service.seen[0].content))


@given(cart=carts(), method=st.sampled_from(["card", "amex"]))
def test_the_sum_rules_hold_for_any_cart_and_its_vat_is_ours(cart, method):
    state = bought(cart, method).state
    if not 0 < state.total.minor <= MOST:
        return
    wanted = order(state.total.minor, "NOK", market="NO", locale="nb_NO", lines=order_lines(state))
    purchase, _ = requests_of(wanted)
    follows_the_sum_rules(purchase)
    assert purchase["order_amount"] == state.total.minor
    apart = abs(purchase["order_tax_amount"] - state.priced.total_vat.minor)
    assert apart <= len(wanted.lines)


# total, rate, the VAT that the sheet gives
@pytest.mark.parametrize(
    ("minor", "rate", "tax"),
    [
        (10_000, 2500, 2000),
        (9999, 2500, 2000),
        (12_345, 1200, 1323),
        (995, 600, 56),
        (10_000, 2550, 2032),
    ],
)
def test_vat_as_the_provider_reckons_it_is_sent_as_it_is(minor, rate, tax):
    (purchase, _) = requests_of(order(minor, lines=(line(minor, 1, rate, tax),)))
    assert purchase["order_tax_amount"] == tax


def test_what_is_below_zero_has_vat_below_zero():
    purchase, _ = requests_of(order(7500, lines=(line(10_000), line(-2500, vat=-500))))
    assert [item["total_tax_amount"] for item in purchase["order_lines"]] == [2000, -500]
    follows_the_sum_rules(purchase)


def test_vat_too_far_off_is_brought_to_what_they_allow():
    lines = tuple(line(1000, vat=vat) for vat in (190, 199, 200, 201, 260))
    purchase, _ = requests_of(order(5000, lines=lines))
    assert [item["total_tax_amount"] for item in purchase["order_lines"]] == [
        199,
        199,
        200,
        201,
        201,
    ]


def test_a_line_that_has_no_price_a_piece_is_one_of_so_many_things():
    lines = (line(1000, 3), line(900, 3), line(100, kind="delivery"), line(50, kind="fee"))
    purchase, _ = requests_of(order(2050, lines=lines))
    told = [
        (item["type"], item["name"], item["quantity"], item["unit_price"])
        for item in purchase["order_lines"]
    ]
    assert told == [
        ("physical", "3 × Kop", 1, 1000),
        ("physical", "Kop", 3, 300),
        ("shipping_fee", "Kop", 1, 100),
        ("surcharge", "Kop", 1, 50),
    ]


# Requests ----------------------------------------------------------------------------------------


def test_a_purchase_and_its_page():
    purchase, hosted = requests_of(order(lines=(line(WHOLE, name="Kop, blå"),)))
    address = address_for(NOTICE_URL, Secret(SECRET), REFERENCE)
    assert purchase == {
        "intent": "buy",
        "purchase_country": "DK",
        "purchase_currency": "DKK",
        "locale": "da-DK",
        "order_amount": WHOLE,
        "order_tax_amount": 2469,
        "order_lines": [
            {
                "type": "physical",
                "reference": "line-12345",
                "name": "Kop, blå",
                "quantity": 1,
                "unit_price": WHOLE,
                "tax_rate": 2500,
                "total_amount": WHOLE,
                "total_tax_amount": 2469,
            }
        ],
        "merchant_reference1": REFERENCE,
        "merchant_urls": {"notification": address},
        "customer": {"type": "person"},
    }
    back = "https://shop.example/return"
    assert hosted == {
        "payment_session_url": f"{TEST}/payments/v1/sessions/kp-1",
        "merchant_urls": {
            **dict.fromkeys(["success", "cancel", "back", "failure", "error"], back),
            "status_update": address,
        },
        "options": {"place_order_mode": "PLACE_ORDER"},
    }


def test_a_part_of_an_order_is_one_line_without_vat():
    purchase, _ = requests_of(order())
    (item,) = purchase["order_lines"]
    assert item["total_amount"] == WHOLE
    assert (purchase["order_tax_amount"], item["tax_rate"]) == (0, 0)


@pytest.mark.parametrize(
    ("market", "locale", "theirs"),
    [
        ("DK", "da_DK", "da-DK"),
        ("DK", "sv_SE", "en-DK"),
        ("SE", "sv_SE", "sv-SE"),
        ("NO", "nb_NO", "nb-NO"),
        ("NO", "nn_NO", "nb-NO"),
        ("FI", "sv_FI", "sv-FI"),
        ("FI", "fi_FI", "fi-FI"),
        ("FI", "is_IS", "en-FI"),
    ],
)
def test_the_page_speaks_a_language_of_the_country(market, locale, theirs):
    currency = CURRENCIES[market]
    purchase, _ = requests_of(order(market=market, locale=locale, currency=currency))
    assert purchase["locale"] == theirs


def test_an_address_is_sent_only_if_it_is_in_the_market_and_fits():
    address = {"street": "Nygade 1", "postal_code": "8000", "city": "Aarhus", "country": "DK"}
    details = {**address, "email": "a@shop.example", "phone": "", "organisation": "x" * 100}
    here, _ = requests_of(order(details=details))
    assert here["billing_address"] == {
        "email": "a@shop.example",
        "street_address": "Nygade 1",
        "postal_code": "8000",
        "city": "Aarhus",
        "country": "DK",
    }
    abroad, _ = requests_of(order(details={**details, "country": "SE"}))
    assert abroad["billing_address"] == {"email": "a@shop.example"}


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"method": "card"}, "method"),
        ({"method": MANDATE}, "method"),
        ({"market": "AX", "currency": "EUR"}, "market"),
        ({"market": "SE"}, "market"),
        ({"currency": "ISK"}, "currency"),
    ],
)
def test_what_they_do_not_take_is_not_sent(facts, field):
    service = script()
    with pytest.raises(NotSupported) as raised:
        exchange(KLARNA.authorise(order(**facts)), service.handle)
    assert raised.value.field == field
    assert not service.seen


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (order(0), "amount"),
        (order(MOST + 1), "amount"),
        (order(merchant_reference="a" * 256), "merchant_reference"),
        (order(1001, lines=(line(1),) * 1001), "lines"),
    ],
    ids=["nothing", "too much", "reference", "lines"],
)
def test_what_is_beyond_their_limits_is_not_sent(wanted, field):
    service = script()
    with pytest.raises(InvalidInput) as raised:
        exchange(KLARNA.authorise(wanted), service.handle)
    assert raised.value.field == field
    assert not service.seen


def test_at_their_limits_it_is_sent():
    purchase, _ = requests_of(
        order(MOST, lines=(line(MOST // 1000),) * 1000, merchant_reference="a" * 255)
    )
    FILES["payments"]().check("session_create", purchase)


@pytest.mark.parametrize("reference", [None, PAGE, "psp-1"])
def test_a_capture_needs_the_reference_of_an_order(reference):
    with pytest.raises(InvalidInput) as raised:
        exchange(KLARNA.capture(change(100, reference)), script().handle)
    assert raised.value.field == "provider_reference"


@pytest.mark.parametrize("name", ["a/b", "a?b=c", "a#b", "a%2Fb", "a b", "a\r\nb"])
def test_a_reference_stays_one_part_of_the_address(name):
    for reference, length in ((f"hpp:{name}", 5), (f"order:{name}", 5)):
        service = script((404, None))
        exchange(KLARNA.status(ask(reference)), service.handle)
        (request,) = service.seen
        assert request.url.raw_path.count(b"/") == length - 1
        assert not request.url.query


def test_credentials_and_the_key_as_the_sheet_has_them():
    service = script((500, None))
    what = replace(change(100, key="1"), merchant_reference="order-1")
    exchange(KLARNA.capture(what), service.handle)
    (request,) = service.seen
    assert request.headers["authorization"] == "Basic UEsxMjM0NV9hYmM6c2hhcmVkc2VjcmV0"
    assert request.headers["klarna-idempotency-key"] == "a55c80d2-1451-5973-88b2-ee4d4eb0b991"
    assert json.loads(request.content) == {"captured_amount": 100, "reference": "1"}


# Answers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "outcome", "reason"),
    [
        ([(400, {"error_code": "BAD_VALUE"})], Outcome.REFUSED, "invalid_request"),
        ([(400, None)], Outcome.UNKNOWN, ""),
        ([(403, {"error_code": "REJECTED"})], Outcome.DECLINED, "declined"),
        ([(401, None)], Outcome.REFUSED, "unauthorised"),
        ([(403, {"error_code": "MERCHANT_INACTIVE"})], Outcome.REFUSED, "not_set_up"),
        ([(400, {"error_code": "A_NEW_CODE"})], Outcome.UNKNOWN, ""),
        ([(400, {"error_code": ["BAD_VALUE"]})], Outcome.UNKNOWN, ""),
        ([(404, None)], Outcome.UNKNOWN, ""),
        ([(409, {"error_code": "CONFLICT"})], Outcome.UNKNOWN, ""),
        ([(429, {"error_code": "TOO_MANY_REQUESTS"})], Outcome.UNKNOWN, ""),
        ([(500, {"error_code": "BAD_VALUE"})], Outcome.UNKNOWN, ""),
        ([(200, {"session_id": ""})], Outcome.UNKNOWN, ""),
        ([(200, {"session_id": ".."})], Outcome.UNKNOWN, ""),
        ([(200, {"session_id": "kp"}), (404, None)], Outcome.UNKNOWN, ""),
        ([(200, {"session_id": "kp"}), (201, page())], Outcome.UNKNOWN, ""),
        (
            [(200, {"session_id": "kp"}), (201, page(redirect_url="javascript:x"))],
            Outcome.UNKNOWN,
            "",
        ),
        (
            [(200, {"session_id": "kp"}), (201, {"redirect_url": "https://pay.example"})],
            Outcome.UNKNOWN,
            "",
        ),
        (
            [(200, {"session_id": "kp"}), (201, page(redirect_url="https://pay.example/1"))],
            Outcome.PENDING,
            "",
        ),
    ],
)
def test_how_an_authorisation_is_answered(answers, outcome, reason):
    result, _ = said(KLARNA.authorise(order()), *answers)
    assert (result.outcome, result.reason) == (outcome, reason)
    assert (result.action is not None) == (outcome is Outcome.PENDING)


def test_without_a_reference_nobody_has_seen_a_page():
    assert said(KLARNA.status(ask(None)))[0].word is Word.NOT_FOUND
    assert said(KLARNA.status(ask("psp-1")))[0].word is Word.UNCLEAR


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        *PAGES.items(),
        ("TIMEOUT", Word.UNCLEAR),
        ("", Word.UNCLEAR),
    ],
)
def test_the_words_of_a_page(word, expected):
    standing, _ = said(KLARNA.status(ask(PAGE)), page(word))
    assert (standing.word, sums(standing)) == (expected, (0, 0, 0, 0))


@pytest.mark.parametrize(
    "answer", [(404, None), (500, None), (200, []), (200, {"status": "CANCELLED"})]
)
def test_a_page_that_cannot_be_read_says_nothing(answer):
    assert said(KLARNA.status(ask(PAGE)), answer)[0].word is Word.UNCLEAR


def test_once_the_page_has_an_order_the_order_says_how_it_stands():
    standing, sent = said(KLARNA.status(ask(PAGE)), page("COMPLETED", order_id="order-1"), shown())
    assert sent == ["GET /hpp/v1/sessions/page-1", "GET /ordermanagement/v1/orders/order-1"]
    assert (standing.word, sums(standing)) == (Word.AUTHORISED, (WHOLE, 0, 0, 0))
    assert (standing.provider_reference, standing.valid_until) == (ORDER, None)


def test_when_an_order_runs_out_is_told_readably_or_not_at_all():
    standing, _ = said(KLARNA.status(ask()), shown(expires_at="2026-12-19T12:00:00.000Z"))
    assert standing.valid_until == datetime(2026, 12, 19, 12, tzinfo=UTC)
    assert said(KLARNA.status(ask()), shown(expires_at="soon"))[0].word is Word.UNCLEAR


def test_an_order_without_a_name_is_no_order():
    standing, sent = said(KLARNA.status(ask(PAGE)), page("COMPLETED", order_id=""))
    assert (standing.word, len(sent)) == (Word.UNCLEAR, 1)


def test_the_tables_have_every_word_that_is_published():
    files = FILES["hpp"](), management()
    names = ("SessionResponseV1", "MerchantOrderDto")
    pages, orders = (
        file.openapi.spec.read_value()["components"]["schemas"][name]["properties"]["status"]
        for file, name in zip(files, names, strict=True)
    )
    assert set(pages["enum"]) == PAGES.keys()
    assert set(orders["enum"]) == ORDERS.keys()


# What the order says, and how it then stands: authorised, captured, refunded, voided. In the last
# three rows the order is over, and what is said to be left is not believed.
@pytest.mark.parametrize(
    ("answer", "word", "expected"),
    [
        (shown(), Word.AUTHORISED, (WHOLE, 0, 0, 0)),
        (shown("PART_CAPTURED", 5000), Word.AUTHORISED, (WHOLE, 5000, 0, 0)),
        (shown("PART_CAPTURED", 5000, 5000), Word.AUTHORISED, (WHOLE, 5000, 5000, 0)),
        (shown("CAPTURED", WHOLE), Word.AUTHORISED, (WHOLE, WHOLE, 0, 0)),
        (shown("CAPTURED", WHOLE, 1), Word.AUTHORISED, (WHOLE, WHOLE, 1, 0)),
        (shown("CLOSED", 5000, left=0), Word.AUTHORISED, (WHOLE, 5000, 0, 7345)),
        (shown("AUTHORIZED", left=10_000), Word.AUTHORISED, (WHOLE, 0, 0, 2345)),
        (shown("CANCELLED"), Word.VOIDED, (WHOLE, 0, 0, WHOLE)),
        (shown("EXPIRED"), Word.EXPIRED, (WHOLE, 0, 0, WHOLE)),
        (shown("EXPIRED", 5000), Word.EXPIRED, (WHOLE, 5000, 0, 7345)),
    ],
)
def test_how_an_order_stands(answer, word, expected):
    for reference, answers in ((ORDER, []), (PAGE, [page("COMPLETED", order_id="order-1")])):
        standing, _ = said(KLARNA.status(ask(reference)), *answers, answer)
        assert (standing.word, sums(standing)) == (word, expected)


NOTHING = (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("answer", "new", "known"),
    [
        (shown(fraud="PENDING"), (Word.PENDING, NOTHING), (Word.PENDING, NOTHING)),
        (
            shown("CANCELLED", fraud="PENDING"),
            (Word.VOIDED, (WHOLE, 0, 0, WHOLE)),
            (Word.VOIDED, (WHOLE, 0, 0, WHOLE)),
        ),
        (
            shown(fraud="REJECTED"),
            (Word.DECLINED, NOTHING),
            (Word.VOIDED, (WHOLE, 0, 0, WHOLE)),
        ),
        (
            shown(fraud="STOPPED"),
            (Word.DECLINED, NOTHING),
            (Word.VOIDED, (WHOLE, 0, 0, WHOLE)),
        ),
        (
            shown("PART_CAPTURED", 5000, fraud="STOPPED"),
            (Word.VOIDED, (WHOLE, 5000, 0, 7345)),
            (Word.VOIDED, (WHOLE, 5000, 0, 7345)),
        ),
        (shown(fraud="A_NEW_WORD"), (Word.UNCLEAR, NOTHING), (Word.UNCLEAR, NOTHING)),
    ],
)
def test_suspected_fraud_declines_what_was_new_and_voids_what_we_knew(answer, new, known):
    standing, _ = said(KLARNA.status(ask(PAGE)), page("COMPLETED", order_id="order-1"), answer)
    assert (standing.word, sums(standing)) == new
    standing, _ = said(KLARNA.status(ask(ORDER)), answer)
    assert (standing.word, sums(standing)) == known
    assert answer["fraud_status"] in {*FRAUD, "A_NEW_WORD"}


@pytest.mark.parametrize(
    "changes",
    [
        {"order_id": "order-2"},
        {"merchant_reference1": "b" * 20},
        {"purchase_currency": "SEK"},
        {"original_order_amount": WHOLE - 1, "remaining_authorized_amount": WHOLE - 1},
        {"refunded_amount": 1},
    ],
)
def test_an_order_that_cannot_be_is_a_contradiction(changes):
    answer = shown() | changes
    with pytest.raises(Contradiction):
        said(KLARNA.status(ask()), answer)
    with pytest.raises(Contradiction):
        said(KLARNA.capture(change(100)), (201, None), answer)


@pytest.mark.parametrize("name", ["captured_amount", "remaining_authorized_amount"])
def test_an_order_with_more_than_there_was_is_unclear(name):
    answer = shown() | {name: WHOLE + 1}
    assert said(KLARNA.status(ask()), answer)[0].word is Word.UNCLEAR
    result, _ = said(KLARNA.capture(change(100)), (201, None), answer)
    assert result.outcome is Outcome.UNKNOWN


def test_another_page_is_a_contradiction():
    with pytest.raises(Contradiction):
        said(KLARNA.status(ask("hpp:page-2")), page())


def test_captures_and_refunds_are_known_by_our_keys_where_they_are_listed():
    listed = {
        "captures": [{"reference": "c-1"}, {"reference": ""}, {"capture_id": "x"}, "odd"],
        "refunds": [{"reference": "r-1"}],
    }
    standing, _ = said(KLARNA.status(ask()), shown("PART_CAPTURED", 5000, 1, **listed))
    assert [(done.key, done.outcome) for done in standing.operations] == [
        ("c-1", Outcome.SUCCEEDED),
        ("r-1", Outcome.SUCCEEDED),
    ]


# What was asked and known before, what they answer, and what comes of it.
MODIFICATIONS = {
    "captured": ("capture", change(5000), 201, shown("PART_CAPTURED", 5000), "succeeded"),
    "a second part": (
        "capture",
        change(5000, c=5000),
        201,
        shown("PART_CAPTURED", 10_000),
        "succeeded",
    ),
    "not shown yet": ("capture", change(5000), 201, shown(), "unknown"),
    "another under this key": (
        "capture",
        change(5000),
        201,
        shown("PART_CAPTURED", 4000),
        "unknown",
    ),
    "cancelled": ("void", change(WHOLE), 204, shown("CANCELLED"), "succeeded"),
    "released": ("void", change(7345, c=5000), 204, shown("CLOSED", 5000), "succeeded"),
    "not released yet": (
        "void",
        change(7345, c=5000),
        204,
        shown("PART_CAPTURED", 5000),
        "unknown",
    ),
    "refunded": (
        "refund",
        change(100, c=WHOLE, r=200),
        201,
        shown("CAPTURED", WHOLE, 300),
        "succeeded",
    ),
    "more refunded than we know": (
        "refund",
        change(100, c=WHOLE),
        201,
        shown("CAPTURED", WHOLE, 300),
        "unknown",
    ),
    "an order that cannot be read": ("capture", change(5000), 201, {}, "unknown"),
    "another word for done": ("capture", change(5000), 202, shown("PART_CAPTURED", 5000), None),
}


@pytest.mark.parametrize(
    ("name", "what", "status", "after", "expected"), MODIFICATIONS.values(), ids=MODIFICATIONS
)
def test_an_operation_is_done_when_the_order_says_so(name, what, status, after, expected):
    result, sent = said(getattr(KLARNA, name)(what), (status, None), after)
    assert result.outcome == (expected or "unknown")
    assert len(sent) == (2 if expected else 1)


@pytest.mark.parametrize(
    ("captured", "where"), [(0, "cancel"), (5000, "release-remaining-authorization")]
)
def test_a_void_cancels_or_releases_the_rest(captured, where):
    _, sent = said(KLARNA.void(change(100, c=captured)), (500, None))
    assert sent == [f"POST /ordermanagement/v1/orders/order-1/{where}"]


@pytest.mark.parametrize("code", sorted(REFUSALS))
@pytest.mark.parametrize("name", ["capture", "void", "refund"])
def test_a_refusal_moved_nothing(name, code):
    result, sent = said(getattr(KLARNA, name)(change(100, c=200)), (403, {"error_code": code}))
    outcome = Outcome.DECLINED if REFUSALS[code] == "declined" else Outcome.REFUSED
    assert (result.outcome, result.reason) == (outcome, REFUSALS[code])
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("status", "outcome"), [(204, "succeeded"), (400, "unknown"), (404, "unknown")]
)
def test_before_there_is_an_order_a_void_closes_the_page(status, outcome):
    result, sent = said(KLARNA.void(change(WHOLE, PAGE, a=0)), (status, None))
    assert (result.outcome, sent) == (outcome, ["DELETE /hpp/v1/sessions/page-1"])


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
odd_orders = st.fixed_dictionaries({}, optional=dict.fromkeys(shown(), plain)).map(
    lambda changes: shown() | changes
)


@given(body=plain | odd_orders, status=st.sampled_from([200, 201, 204, 302, 400, 403, 404, 500]))
def test_whatever_they_answer_nothing_is_taken_for_a_success(body, status):
    if body == shown():
        return
    for name in ("capture", "void", "refund"):
        done = 204 if name == "void" else 201
        for answers in ([(status, body)] * 2, [(done, None), (status, body)]):
            try:
                result, _ = said(getattr(KLARNA, name)(change(100, c=100)), *answers)
            except Contradiction:
                continue
            assert result.outcome in {Outcome.UNKNOWN, Outcome.REFUSED}
    for reference in (PAGE, ORDER):
        try:
            standing, _ = said(KLARNA.status(ask(reference)), *[(status, body)] * 2)
        except Contradiction:
            continue
        assert standing.authorised.is_zero or body.keys() == shown().keys()


# Mandates ----------------------------------------------------------------------------------------


def test_a_customer_is_asked_for_a_mandate_on_a_page_that_places_no_order():
    service = script((200, {"session_id": "kp-1"}), (201, page(redirect_url="https://pay.example")))
    result = exchange(KLARNA.agree(agreement()), service.handle)
    assert (result.outcome, result.provider_reference) == (
        Outcome.PENDING,
        "mandate:da-DK:3:page-1",
    )
    purchase, hosted = (json.loads(request.content) for request in service.seen)
    (item,) = purchase["order_lines"]
    assert (purchase["intent"], purchase["order_amount"]) == ("tokenize", 0)
    assert (item["name"], item["total_amount"]) == ("Kaffe hver måned", 0)
    assert item["subscription"] == {
        "name": "Kaffe hver måned",
        "interval": "MONTH",
        "interval_count": 3,
    }
    assert hosted["options"] == {"place_order_mode": "NONE"}


def test_later_payments_without_a_rhythm_are_no_subscription():
    service = script(*[(500, None)] * 3)
    exchange(KLARNA.agree(agreement(every_months=0)), service.handle)
    for token in ("token-1:0", "token-1"):  # the second comes from somewhere else
        exchange(KLARNA.charge(charge(token=Secret(token))), service.handle)
    for request in service.seen:
        (item,) = json.loads(request.content)["order_lines"]
        assert "subscription" not in item


def test_the_token_is_fetched_when_the_customer_has_agreed():
    service = script(
        page("COMPLETED", authorization_token="given-1"), (200, {"token_id": "token-1"})
    )
    found = exchange(KLARNA.mandate(mandate_ask()), service.handle)
    assert (found.word, found.token) == (MandateWord.ACTIVE, Secret("token-1:3"))
    assert "token-1" not in repr(found)
    request = service.seen[1]
    assert request.url.path == "/payments/v1/authorizations/given-1/customer-token"
    assert json.loads(request.content) == {
        "purchase_country": "DK",
        "purchase_currency": "DKK",
        "locale": "da-DK",
        "description": translate("Later payments, as agreed with the shop", "da_DK"),
        "intended_use": "SUBSCRIPTION",
    }


CONSENT = page("COMPLETED", authorization_token="given-1")


@pytest.mark.parametrize(
    ("answers", "word"),
    [
        ([page("WAITING")], "pending"),
        ([page("FAILED")], "pending"),
        ([page("COMPLETED")], "pending"),
        ([page("CANCELLED")], "declined"),
        ([page("DISABLED")], "declined"),
        ([page("DISABLED", authorization_token="given-1")], "declined"),
        ([page("A_NEW_WORD", authorization_token="given-1")], "unclear"),
        ([(404, None)], "unclear"),
        ([page("COMPLETED", authorization_token="a/b")], "unclear"),
        ([CONSENT, (200, {})], "unclear"),
        ([CONSENT, (200, {"token_id": "to:ken"})], "unclear"),
        ([CONSENT, (500, None)], "unclear"),
        ([CONSENT, (403, {"error_code": "A_NEW_CODE"})], "unclear"),
        ([CONSENT, (403, {"error_code": "INVALID_OPERATION"})], "unclear"),
    ],
)
def test_how_a_mandate_stands_before_there_is_a_token(answers, word):
    found, sent = said(KLARNA.mandate(mandate_ask()), *answers)
    assert (found.word, found.token, len(sent)) == (word, None, len(answers))


def test_a_mandate_that_nobody_was_asked_for_is_not_found():
    for reference in (None, PAGE, "psp-1"):
        assert said(KLARNA.mandate(mandate_ask(reference)))[0].word is MandateWord.NOT_FOUND


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ({"status": "ACTIVE"}, "active"),
        ({"status": "CANCELLED"}, "ended"),
        ({"status": "SUSPENDED"}, "unclear"),
        ({"status": ["ACTIVE"]}, "unclear"),
        ((404, {"error_code": "NOT_FOUND"}), "unclear"),
        ((500, {"status": "ACTIVE"}), "unclear"),
    ],
)
def test_how_a_token_stands(answer, word):
    token = Secret("token-1:3")
    found, sent = said(KLARNA.mandate(mandate_ask(token=token)), answer)
    assert (found.word, found.token) == (word, token if word == "active" else None)
    assert sent == ["GET /customer-token/v1/tokens/token-1"]


def test_a_charge_is_an_order_on_the_token():
    service = script((200, {"order_id": "order-9", "fraud_status": "ACCEPTED"}))
    result = exchange(KLARNA.charge(charge(100)), service.handle)
    assert (result.outcome, result.provider_reference) == (Outcome.PENDING, "order:order-9")
    (request,) = service.seen
    assert request.url.path == "/customer-token/v1/tokens/token-1/order"
    assert request.headers["klarna-idempotency-key"] == str(
        uuid5(NAMESPACE_URL, "charge:order-1:1")
    )
    body = json.loads(request.content)
    (item,) = body["order_lines"]
    assert (body["order_amount"], body["merchant_reference1"]) == (100, "order-1")
    assert (item["name"], item["subscription"]["interval_count"]) == ("Kaffe hver måned", 3)


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        ((200, {"order_id": "a/b"}), "unknown", ""),
        ((200, None), "unknown", ""),
        ((409, {"error_code": "CONFLICT"}), "unknown", ""),
        ((503, {"error_code": "PAYMENT_METHOD_FAILED"}), "unknown", ""),
        ((403, {"error_code": "PAYMENT_METHOD_FAILED"}), "declined", "declined"),
        ((403, {"error_code": "TOKEN_SUSPENDED"}), "refused", "mandate_ended"),
        ((404, {"error_code": "TOKEN_NOT_FOUND"}), "refused", "mandate_ended"),
    ],
)
def test_how_a_charge_is_answered(answer, outcome, reason):
    result, _ = said(KLARNA.charge(charge()), answer)
    assert (result.outcome, result.reason) == (outcome, reason)


def test_a_charge_without_an_answer_may_have_been_taken():
    assert said(KLARNA.status(replace(ask(None), method=MANDATE)))[0].word is Word.UNCLEAR


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([(202, None), {"status": "CANCELLED"}], "succeeded"),
        ([(202, None), {"status": "ACTIVE"}], "pending"),
        ([(202, None), (500, None)], "pending"),
        ([(500, None)], "unknown"),
        ([(403, {"error_code": "TOKEN_CANCELLED"})], "refused"),
    ],
)
def test_how_the_end_of_a_mandate_is_answered(answers, outcome):
    result, _ = said(KLARNA.end_mandate(mandate_ask(token=Secret("token-1:3"))), *answers)
    assert result.outcome == outcome


def test_before_there_is_a_token_the_end_of_a_mandate_closes_the_page():
    result, sent = said(KLARNA.end_mandate(mandate_ask()), (204, None))
    assert (result.outcome, sent) == (Outcome.SUCCEEDED, ["DELETE /hpp/v1/sessions/page-1"])


@pytest.mark.parametrize(
    ("wanted", "error", "field"),
    [
        (agreement(method="klarna"), NotSupported, "method"),
        (agreement(first=charge()), NotSupported, "first"),
        (charge(method="klarna"), NotSupported, "method"),
        (charge(market="SE"), NotSupported, "market"),
        (charge(token=None), InvalidInput, "token"),
        (charge(amount=Money(100_000_001, "DKK")), InvalidInput, "amount"),
    ],
    ids=str,
)
def test_what_mandates_do_not_do_is_not_sent(wanted, error, field):
    ask_for = KLARNA.agree if isinstance(wanted, Agree) else KLARNA.charge
    with pytest.raises(error) as raised:
        said(ask_for(wanted))
    assert raised.value.field == field


@given(body=plain, status=st.sampled_from([200, 202, 302, 403, 404, 500]))
def test_whatever_they_answer_no_token_is_made_up(body, status):
    for ask_for in (mandate_ask(), mandate_ask(token=Secret("token-1:3"))):
        found, _ = said(KLARNA.mandate(ask_for), *[(status, body)] * 2)
        assert found.token is None
        result, _ = said(KLARNA.end_mandate(ask_for), *[(status, body)] * 2)
        assert result.outcome is not Outcome.SUCCEEDED
    result, _ = said(KLARNA.charge(charge()), (status, body))
    assert result.outcome is not Outcome.SUCCEEDED


# Notices -----------------------------------------------------------------------------------------


def hook(body, reference=REFERENCE, secret=SECRET):
    query = httpx.URL(address_for(NOTICE_URL, Secret(secret), reference)).query.decode()
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Webhook({}, content, NOW.timestamp(), query)


@pytest.mark.parametrize(
    ("body", "name", "kind"),
    [
        ({"event_id": "e-1", "session": page("COMPLETED")}, "e-1", "COMPLETED"),
        (
            {"order_id": "o-1", "event_type": "FRAUD_RISK_STOPPED", "timestamp": "2026"},
            "o-1-FRAUD_RISK_STOPPED",
            "FRAUD_RISK_STOPPED",
        ),
    ],
)
def test_notices_are_known_by_their_address(body, name, kind):
    (notice,) = KLARNA.read_notices(hook(body))
    assert (notice.id, notice.merchant_reference, notice.kind) == (name, REFERENCE, kind)
    assert notice.heard is None
    with pytest.raises(UntrustedNotice):
        KLARNA.read_notices(hook(body, secret="another-secret-of-32-characters!"))
    query = hook(body, reference="b" * 20).query.replace("b" * 20, REFERENCE)
    with pytest.raises(UntrustedNotice):
        KLARNA.read_notices(replace(hook(body), query=query))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"<html>", {"event_id": "", "session": page()}, {"event_id": "e-1"}]
)
def test_what_is_no_notice_is_not_read(body):
    with pytest.raises(UntrustedNotice):
        KLARNA.read_notices(hook(body))


def test_the_notices_of_the_stand_in_are_as_published():
    unit = SimulatedKlarna(lambda: NOW)
    provider = unit.provider()
    unit.plan("authorise", Fault.SLOW)
    exchange(provider.authorise(order()), unit.handle)
    unit.approve(REFERENCE)
    session = json.loads(unit.outbox[-1].body)
    assert session.keys() == {"event_id", "session"}
    FILES["hpp"]().check("SessionResponseV1", session["session"])
    assert unit.outbox[-1].query == hook(b"", secret="simulated-notice-secret-of-32-letters").query


# Settings ----------------------------------------------------------------------------------------


def test_the_host_follows_the_environment():
    assert config().base_url == TEST
    assert config(is_test=False).base_url == "https://api.klarna.com"
    assert config(base_url="http://127.0.0.1:8011/").base_url == "http://127.0.0.1:8011"
    assert config(notice_url=f"{NOTICE_URL}/").notice_url == f"{NOTICE_URL}/"
    assert "sharedsecret" not in repr(KLARNA)
    assert SECRET not in repr(KLARNA)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"username": "a:b"}, "username"),
        ({"password": ""}, "password"),
        ({"notice_secret": "s" * 31}, "notice_secret"),
        ({"base_url": "http://api.klarna.com"}, "base_url"),
        ({"notice_url": "https://shop.example/notices?x=1"}, "notice_url"),
        ({"name": "Klarna"}, "name"),
    ],
)
def test_settings_say_what_is_wrong_with_them(changes, field):
    with pytest.raises(InvalidInput) as raised:
        config(**changes)
    assert raised.value.field == field


def test_what_it_can_do():
    capabilities = KLARNA.capabilities
    assert capabilities.operations == frozenset(Operation)
    assert {capabilities.repeats_for(operation) for operation in Operation} == {82_800}


# The stand-in ------------------------------------------------------------------------------------


def told(unit, method, where, body=None, key="a55c80d2-1451-5973-88b2-ee4d4eb0b991"):
    """Answer of the stand-in to a request that the adapter would not send."""
    credentials = b64encode(b"PK00000_simulated:simulated-password").decode()
    headers = {"authorization": f"Basic {credentials}", "klarna-idempotency-key": key}
    return unit.handle(httpx.Request(method, f"{TEST}{where}", headers=headers, json=body))


def paid():
    """A stand-in with one payment that the customer has agreed to, and its order."""
    unit = SimulatedKlarna(lambda: NOW)
    result = exchange(unit.provider().authorise(order()), unit.handle)
    unit.approve(REFERENCE)
    standing = exchange(unit.provider().status(ask(result.provider_reference)), unit.handle)
    return unit, standing.provider_reference


@pytest.mark.parametrize(
    "changes",
    [
        {"order_amount": WHOLE + 1},
        {"order_tax_amount": 1},
        {"purchase_currency": "SEK"},
        {"purchase_country": "IS"},
        {"order_lines": []},
        {"unheard_of": 1},
    ],
)
def test_the_stand_in_refuses_what_does_not_add_up(changes):
    purchase, _ = requests_of(order(lines=(line(WHOLE),)))
    answer = told(SimulatedKlarna(lambda: NOW), "POST", "/payments/v1/sessions", purchase | changes)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "BAD_VALUE")


@pytest.mark.parametrize("changes", [{"unit_price": 1}, {"total_tax_amount": 2471}])
def test_the_stand_in_refuses_a_line_that_does_not_add_up(changes):
    purchase, _ = requests_of(order(lines=(line(WHOLE),)))
    purchase["order_lines"][0] |= changes
    purchase["order_tax_amount"] = purchase["order_lines"][0]["total_tax_amount"]
    answer = told(SimulatedKlarna(lambda: NOW), "POST", "/payments/v1/sessions", purchase)
    assert answer.status_code == 400


def test_the_key_alone_counts_and_the_order_gives_the_mistake_away():
    unit, theirs = paid()
    provider = unit.provider()
    first = exchange(provider.capture(change(5000, theirs, key="k")), unit.handle)
    again = exchange(provider.capture(change(4000, theirs, key="k")), unit.handle)
    assert (first.outcome, again.outcome) == (Outcome.SUCCEEDED, Outcome.UNKNOWN)
    assert unit.book(REFERENCE).captured == 5000


@pytest.mark.parametrize(
    ("method", "where", "body", "status"),
    [
        ("POST", "/hpp/v1/sessions", requests_of(order())[1], 404),
        ("GET", "/hpp/v1/sessions/nobody", None, 404),
        ("DELETE", "/hpp/v1/sessions/nobody", None, 404),
        ("GET", "/ordermanagement/v1/orders/nobody", None, 404),
        ("POST", "/ordermanagement/v1/orders/nobody/captures", {"captured_amount": 1}, 404),
        ("POST", "/payments/v1/sessions", None, 415),
    ],
)
def test_the_stand_in_knows_no_strangers(method, where, body, status):
    assert told(SimulatedKlarna(lambda: NOW), method, where, body).status_code == status


def test_the_stand_in_wants_a_key_and_the_right_credentials():
    unit, theirs = paid()
    where = f"/ordermanagement/v1/orders/{theirs.removeprefix('order:')}/cancel"
    assert told(unit, "POST", where, key="not-a-uuid").status_code == 400
    answer = unit.handle(httpx.Request("POST", f"{TEST}{where}"))
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("fault", "expected", "event"),
    [
        (Fault.SLOW, Word.AUTHORISED, "FRAUD_RISK_ACCEPTED"),
        (Fault.FAIL_LATER, Word.DECLINED, "FRAUD_RISK_REJECTED"),
    ],
)
def test_suspected_fraud_is_examined_and_a_notice_tells_the_end(fault, expected, event):
    clock = Clock()
    unit = SimulatedKlarna(clock)
    unit.plan("authorise", fault)
    provider = unit.provider()
    result = exchange(provider.authorise(order()), unit.handle)
    unit.approve(REFERENCE)
    pending = exchange(provider.status(ask(result.provider_reference)), unit.handle)
    assert pending.word is Word.PENDING
    clock.advance(minutes=5)
    ended = exchange(provider.status(ask(result.provider_reference)), unit.handle)
    assert ended.word is expected
    (notice,) = provider.read_notices(unit.outbox[-1])
    assert (notice.kind, notice.merchant_reference) == (event, REFERENCE)


def test_what_is_examined_is_voided_once_the_decision_is_made():
    clock = Clock()
    unit = SimulatedKlarna(clock)
    unit.plan("authorise", Fault.SLOW)
    provider = unit.provider()
    result = exchange(provider.authorise(order()), unit.handle)
    unit.approve(REFERENCE)
    void = change(WHOLE, result.provider_reference, a=0)
    assert exchange(provider.void(void), unit.handle).outcome is Outcome.UNKNOWN
    clock.advance(minutes=5)
    found = exchange(provider.status(ask(result.provider_reference)), unit.handle)
    void = replace(void, provider_reference=found.provider_reference)
    assert exchange(provider.void(void), unit.handle).outcome is Outcome.SUCCEEDED
    assert unit.book(REFERENCE).reserved == 0


def test_a_page_that_is_over_cannot_be_read_or_closed():
    clock = Clock()
    unit = SimulatedKlarna(clock)
    provider = unit.provider()
    result = exchange(provider.authorise(order()), unit.handle)
    name = (result.provider_reference or "").removeprefix("hpp:")
    clock.advance(hours=48)
    assert exchange(provider.status(ask(f"hpp:{name}")), unit.handle).word is Word.UNCLEAR
    assert told(unit, "DELETE", f"/hpp/v1/sessions/{name}").status_code == 404


def agreed(clock):
    """A stand-in with a mandate that is waited for, and the question how it stands."""
    unit = SimulatedKlarna(clock)
    reference = exchange(unit.provider().agree(agreement()), unit.handle).provider_reference
    return unit, mandate_ask(reference)


def test_a_charge_under_the_same_key_is_one_and_can_be_declined():
    unit, about = agreed(Clock())
    unit.approve_mandate(REFERENCE)
    provider = unit.provider()
    token = exchange(provider.mandate(about), unit.handle).token
    for _ in range(2):
        result = exchange(provider.charge(charge(token=token)), unit.handle)
        assert result.outcome is Outcome.PENDING
    assert unit.book("order-1").authorised == WHOLE
    unit.decline_next()
    other = charge(token=token, merchant_reference="order-2")
    assert exchange(provider.charge(other), unit.handle).outcome is Outcome.DECLINED
    assert unit.book("order-2").authorised == 0
    assert [json.loads(hook.body)["session"]["status"] for hook in unit.outbox] == ["COMPLETED"]
    (notice,) = provider.read_notices(unit.outbox[0])
    assert notice.merchant_reference == REFERENCE


def test_a_token_is_given_to_nobody_else():
    unit, about = agreed(Clock())
    provider = unit.provider()
    stranger = charge(token=Secret("somebody-elses:1"))
    assert exchange(provider.charge(stranger), unit.handle).outcome is Outcome.REFUSED
    unit.decline_mandate(REFERENCE)
    assert exchange(provider.mandate(about), unit.handle).word is MandateWord.DECLINED


@pytest.mark.parametrize(("approves", "outcome"), [(False, "succeeded"), (True, "unknown")])
def test_a_mandate_can_be_withdrawn_until_the_customer_gave_it(approves, outcome):
    unit, about = agreed(Clock())
    if approves:
        unit.approve_mandate(REFERENCE)
    assert exchange(unit.provider().end_mandate(about), unit.handle).outcome == outcome
    found = exchange(unit.provider().mandate(about), unit.handle)
    assert found.word == ("active" if approves else "declined")


@pytest.mark.parametrize(
    ("happens", "status"), [(None, 204), ("approve", 400), ("portal_void", 204)]
)
def test_a_page_is_closed_once_and_not_after_it_was_paid_on(happens, status):
    unit = SimulatedKlarna(lambda: NOW)
    result = exchange(unit.provider().authorise(order()), unit.handle)
    if happens:
        getattr(unit, happens)(REFERENCE)
    where = f"/hpp/v1/sessions/{(result.provider_reference or '').removeprefix('hpp:')}"
    assert [told(unit, "DELETE", where).status_code for _ in range(2)] == [status] * 2


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.NONE])
@pytest.mark.parametrize("name", ["capture", "void", "refund"])
def test_no_fault_is_taken_for_a_success(name, fault):
    unit, theirs = paid()
    provider = unit.provider()
    captured = 0
    if name == "refund":
        captured = WHOLE
        exchange(provider.capture(change(WHOLE, theirs, key="c")), unit.handle)
    unit.plan("status" if fault in {Fault.NOT_FOUND, Fault.STALE} else name, fault)
    amount = WHOLE if name == "void" else 100
    with suppress(Contradiction, TransportError):
        result = exchange(getattr(provider, name)(change(amount, theirs, c=captured)), unit.handle)
        assert result.outcome in {Outcome.UNKNOWN, Outcome.REFUSED}


def test_an_authorisation_that_runs_out_is_over():
    clock = Clock()
    unit = SimulatedKlarna(clock)
    provider = unit.provider()
    result = exchange(provider.authorise(order()), unit.handle)
    unit.approve(REFERENCE)
    found = exchange(provider.status(ask(result.provider_reference)), unit.handle)
    clock.advance(days=29)
    standing = exchange(provider.status(ask(found.provider_reference)), unit.handle)
    assert (standing.word, sums(standing)) == (Word.EXPIRED, (WHOLE, 0, 0, WHOLE))
