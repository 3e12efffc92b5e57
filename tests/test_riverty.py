"""Riverty's adapter and its stand-in, held to the contract and to each other."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import wire
from tests.wire import (
    CHECKS,
    JSON,
    REFERENCE,
    always,
    answer,
    bodies,
    decides_on_page,
    line,
    outcome_of,
    talk,
)

from checkoutflow.errors import Contradiction, InvalidInput, NotSupported, UntrustedNotice
from checkoutflow.money import Money
from checkoutflow.payment.books import Books
from checkoutflow.payment.outcomes import Operation, Outcome, Redirect, Result, Standing, Word
from checkoutflow.providers.contract import (
    Ask,
    Earlier,
    Modification,
    Webhook,
)
from checkoutflow.providers.riverty import WORDS, Riverty, RivertyConfig
from checkoutflow.providers.riverty_wire import number_for
from checkoutflow.testing.adapters import AdapterCase, Stage, exchange
from checkoutflow.testing.standins.faults import Fault
from checkoutflow.testing.standins.riverty import AUTHENTICATE, SimulatedRiverty

PRODUCTION, TEST = RivertyConfig.hosts
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
KEY = f"{REFERENCE}-2"
DETAILS = {
    "name": "Test Middle Person",
    "email": "test@example.com",
    "phone": "+4670123456",
    "street": "Testgata 1",
    "postal_code": "11122",
    "city": "Stockholm",
    "national_id": "19121212-1212",
}


# --- the contract ---------------------------------------------------------------------------------


def stage_of(market, whose="ours", is_asked=False):
    shop = SimulatedRiverty(lambda: NOW, market=market, secret=whose)

    return Stage(
        provider=shop.provider(),
        handler=shop.handle,
        notice=lambda: shop.outbox[-1],
        customer=decides_on_page(shop) if is_asked else None,
        decline_next=shop.decline_next,
    )


def case_of(market, amount, name="Test Person"):
    is_asked = name.startswith(AUTHENTICATE)
    return AdapterCase(
        make=lambda: stage_of(market, is_asked=is_asked),
        foreign=lambda: stage_of(market, "theirs", is_asked=is_asked),
        method="invoice",
        amount=Money.read(amount),
        secrets=("ours-api-key", "ours-notice-secret"),
        details={**DETAILS, "name": name},
        words={"authorise": ("outcome",), "status": ("orderDetails", "status")},
        notice_age_s=86_400,
    )


CASES = {
    "at once in Sweden": case_of("SE", "1234.50 SEK"),
    "after identification in Denmark": case_of("DK", "99.99 DKK", f"{AUTHENTICATE} Person"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("check", CHECKS)
def test_riverty_keeps_the_contract(check, case):
    check(CASES[case])


def test_while_the_customer_decides_the_address_of_the_page_comes_from_a_repeat():
    shop = SimulatedRiverty(lambda: NOW)
    adapter = shop.provider()
    first = exchange(adapter.authorise(order(name=f"{AUTHENTICATE} Person")), shop.handle)
    assert (first.outcome, first.provider_reference) == (Outcome.PENDING, None)
    assert isinstance(first.action, Redirect)
    standing = exchange(adapter.status(asked()), shop.handle)
    assert standing == Standing.nothing(Word.PENDING, "DKK")
    assert exchange(adapter.authorise(order(name=f"{AUTHENTICATE} Person")), shop.handle) == first


# --- what is asked --------------------------------------------------------------------------------


def config(**changes):
    keys = {"api_key": "riverty-api-key", "notice_secret": "topsecret", "market": "DK"}
    return RivertyConfig.read({**keys, **changes})


ADAPTER = Riverty(config())


def order(minor=10000, currency="DKK", name="Test Middle Person", **facts):
    return wire.order(
        minor, currency, **{"method": "invoice", "details": {**DETAILS, "name": name}, **facts}
    )


def change(minor=10000, key=KEY, captured=0, refunded=0, authorised=10000, **facts):
    books = Books(currency="DKK", authorised=authorised, captured=captured, refunded=refunded)
    return Modification(key, REFERENCE, "r1", Money(minor, "DKK"), "invoice", books, **facts)


def asked(minor=10000, known: str | None = None, earlier=()):
    return Ask(REFERENCE, known, Money(minor, "DKK"), "invoice", earlier)


def said(code="400.002", kind="BusinessError", advice="Unavailable"):
    return [{"type": kind, "code": code, "message": "m", "actionCode": advice}]


ACCEPTED = {"outcome": "Accepted", "reservationId": "r1", "checkoutId": "c1"}


def test_an_order_is_authorised_with_the_customers_data():
    lines = (line(7500), line(2000, kind="delivery", line_id="parcel"), line(500, kind="fee"))
    until = {"expirationDate": "2026-12-21T12:00:00Z"}
    result, (sent,) = talk(
        ADAPTER.authorise(order(lines=lines)), answer(200, {**ACCEPTED, **until})
    )
    expected = datetime(2026, 12, 21, 12, tzinfo=UTC)
    assert result == Result(
        outcome=Outcome.SUCCEEDED, provider_reference="r1", valid_until=expected
    )
    assert (sent.method, str(sent.url)) == ("POST", f"{PRODUCTION}/api/v3/checkout/authorize")
    assert sent.headers["x-auth-key"] == "riverty-api-key"
    assert sent.headers["x-idempotency-key"] == f"{REFERENCE}-1"
    body = json.loads(sent.content)
    assert body["payment"] == {"type": "Invoice"}
    assert body["merchantUrl"] == "https://shop.example/return"
    assert body["customer"] == {
        "customerCategory": "Person",
        "conversationLanguage": "DA",
        "firstName": "Test Middle",
        "lastName": "Person",
        "email": "test@example.com",
        "mobilePhone": "+4670123456",
        "identificationNumber": "19121212-1212",
        "address": {
            "street": "Testgata 1",
            "postalCode": "11122",
            "postalPlace": "Stockholm",
            "countryCode": "DK",
        },
    }
    items = body["order"].pop("items")
    assert body["order"] == {
        "number": REFERENCE,
        "currency": "DKK",
        "totalGrossAmount": 100.0,
        "totalNetAmount": 80.0,
    }
    assert [item["type"] for item in items] == ["PhysicalArticle", "ShippingFee", "Surcharge"]
    assert items[0] == {
        "productId": "mill",
        "description": "Kaffekværn",
        "type": "PhysicalArticle",
        "quantity": 1,
        "grossUnitPrice": 75.0,
        "netUnitPrice": 60.0,
        "vatAmount": 15.0,
        "vatPercent": 25.0,
    }


def customer_of(**facts):
    _, (sent,) = talk(ADAPTER.authorise(order(**facts)), answer(500))
    return json.loads(sent.content)["customer"]


def test_a_company_has_no_first_name():
    details = {**DETAILS, "organisation": "Testbolaget AB", "organisation_number": "5560160680"}
    customer = customer_of(customer="business", details=details)
    assert (customer["customerCategory"], customer["lastName"]) == ("Company", "Testbolaget AB")
    assert customer["identificationNumber"] == "5560160680"  # and nobody's own
    assert "firstName" not in customer
    assert customer_of(details=details)["identificationNumber"] == DETAILS["national_id"]


def test_what_the_customer_did_not_give_is_left_out():
    customer = customer_of(details={"name": "Person"}, locale="is_IS")
    assert customer == {
        "customerCategory": "Person",
        "conversationLanguage": "EN",
        "lastName": "Person",
        "address": {"countryCode": "DK"},
    }


@pytest.mark.parametrize(
    ("country", "code"), [("FO", "DK"), ("GL", "DK"), ("SJ", "NO"), ("AX", "FI"), ("SE", "SE")]
)
def test_a_territory_is_part_of_its_country(country, code):
    for facts in ({"market": country}, {"details": {**DETAILS, "country": country}}):
        assert customer_of(**facts)["address"]["countryCode"] == code


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("da_DK", "DA"),
        ("sv_FI", "SV"),
        ("sv-SE", "SV"),
        ("nb_NO", "NO"),
        ("nn_NO", "NO"),
        ("no_NO", "NO"),
        ("fi_FI", "FI"),
        ("fo_FO", "DA"),
        ("is_IS", "EN"),
    ],
)
def test_they_write_in_the_customers_language(locale, language):
    assert customer_of(locale=locale)["conversationLanguage"] == language


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**7),
            st.integers(1, 999),
            st.sampled_from([0, 600, 1200, 2500, 2550]),
            st.sampled_from(["goods", "digital", "delivery", "fee"]),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_totals_are_the_sums_of_the_pieces_to_the_last_oere(rows):
    lines = tuple(line(minor, quantity, basis, kind) for minor, quantity, basis, kind in rows)
    amount = sum(minor for minor, *_ in rows)
    if not amount:
        return
    shop = SimulatedRiverty(lambda: NOW)  # it refuses what does not add up
    result = exchange(shop.provider().authorise(order(amount, lines=lines)), shop.handle)
    assert result.outcome is Outcome.SUCCEEDED
    _, (sent,) = talk(ADAPTER.authorise(order(amount, lines=lines)), answer(500))
    items = json.loads(sent.content)["order"]["items"]
    pieces = [(item["quantity"], item["vatAmount"]) for item in items]
    vat = sum(round(vat * 100) * quantity for quantity, vat in pieces)
    assert vat == sum(item.vat.minor for item in lines)


def test_what_cannot_be_priced_by_the_piece_is_one_piece():
    _, (sent,) = talk(ADAPTER.authorise(order(lines=(line(quantity=3),))), answer(500))
    (item,) = json.loads(sent.content)["order"]["items"]
    assert (item["quantity"], item["description"]) == (1, "3 × Kaffekværn")


def test_the_order_of_the_fact_sheet():
    lines = (line(37500, quantity=3),)
    _, (sent,) = talk(ADAPTER.authorise(order(37500, lines=lines)), answer(500))
    told = json.loads(sent.content)["order"]
    assert (told["totalGrossAmount"], told["totalNetAmount"]) == (375, 300)
    (item,) = told["items"]
    names = ("quantity", "grossUnitPrice", "netUnitPrice", "vatAmount", "vatPercent")
    assert [item[name] for name in names] == [3, 125, 100, 25, 25]


def test_an_amount_without_lines_gets_one():
    _, (sent,) = talk(ADAPTER.authorise(order(lines=())), answer(500))
    (item,) = json.loads(sent.content)["order"]["items"]
    assert (item["grossUnitPrice"], item["netUnitPrice"], item["vatAmount"]) == (100, 100, 0)


@pytest.mark.parametrize(
    ("error", "field", "facts"),
    [
        (NotSupported, "method", {"method": "card"}),
        (NotSupported, "currency", {"currency": "SEK"}),
        (InvalidInput, "amount", {"minor": 0}),
        (InvalidInput, "name", {"details": {"email": "test@example.com"}}),
        (InvalidInput, "organisation", {"customer": "business"}),
        (InvalidInput, "lines", {"minor": 201, "lines": (line(1),) * 201}),
        (InvalidInput, "merchant_reference", {"merchant_reference": "a" * 51}),
        (InvalidInput, "merchant_reference", {"merchant_reference": "røde-12345"}),
    ],
)
def test_what_is_beyond_their_limits_is_refused_before_anything_is_sent(error, field, facts):
    with pytest.raises(error) as caught:
        next(ADAPTER.authorise(order(**facts)))
    assert caught.value.field == field


# --- what comes of it -----------------------------------------------------------------------------

BROKEN: list[object] = [{}, [], "text", {"outcome": 7}, {"outcome": "Accepted"}]


@pytest.mark.parametrize(
    ("outcome", "reason", "given_answer"),
    [
        (Outcome.DECLINED, "declined", answer(200, {"outcome": "Rejected"})),
        *[
            (
                Outcome.DECLINED,
                reason,
                answer(
                    200,
                    {"outcome": "Rejected", "riskCheckMessages": said("200.901", advice=advice)},
                ),
            )
            for advice, reason in [
                ("Unavailable", "declined"),
                ("OfferSecurePaymentMethods", "declined"),
                ("AskConsumerToConfirm", "address_to_confirm"),
                ("AskConsumerToReEnterData", "details_wrong"),
                ("RequiresSsn", "national_id_needed"),
                ("AskConsumerToIdentify", "identification_needed"),
            ]
        ],
        (Outcome.PENDING, "", answer(200, {"outcome": "Pending"})),
        (Outcome.PENDING, "", answer(200, {"outcome": "Deferred"})),
        (Outcome.UNKNOWN, "", answer(200, {"outcome": "Pending", "redirectUrl": "javascript:1"})),
        *[(Outcome.UNKNOWN, "", answer(200, body)) for body in BROKEN],
        (Outcome.UNKNOWN, "", answer(201, ACCEPTED)),
        (Outcome.REFUSED, "unauthorised", answer(401, {"message": "denied"})),
        (Outcome.REFUSED, "unauthorised", answer(403, {"message": "denied"})),
        (Outcome.REFUSED, "invalid_request", answer(400, said("400.102"))),
        (Outcome.REFUSED, "invalid_request", answer(404, said("400.115"))),
        (
            Outcome.REFUSED,
            "details_wrong",
            answer(400, said("400.004", advice="AskConsumerToReEnterData")),
        ),
        (Outcome.UNKNOWN, "", answer(400, said("400.100"))),
        (Outcome.UNKNOWN, "", answer(400, said("400.000"))),
        (Outcome.UNKNOWN, "", answer(400, said("400.002") + said("400.100"))),
        (Outcome.UNKNOWN, "", answer(400, said(kind="TechnicalError"))),
        (Outcome.UNKNOWN, "", answer(400, ["no"])),
        (Outcome.UNKNOWN, "", answer(400, [{"type": [], "code": {}}])),
        (Outcome.UNKNOWN, "", answer(400, [])),
        *[(Outcome.UNKNOWN, "", answer(status, said())) for status in (409, 413, 429, 500, 503)],
        *[(Outcome.UNKNOWN, "", answer(status)) for status in (200, 400, 401, 404)],
    ],
)
def test_an_authorisation_ends(outcome, reason, given_answer):
    result, _ = talk(ADAPTER.authorise(order()), given_answer)
    assert (result.outcome, result.reason) == (outcome, reason)


def test_the_older_name_of_the_page_is_read_as_well():
    body = {"outcome": "Pending", "secureLoginUrl": "https://riverty.example/login"}
    result, _ = talk(ADAPTER.authorise(order()), answer(200, body))
    assert result.action == Redirect(url="https://riverty.example/login")


CAPTURED = {
    "capturedAmount": 40,
    "authorizedAmount": 100,
    "remainingAuthorizedAmount": 60,
    "captureNumber": "800090089",
}
TOTALS = {"totalCapturedAmount": 40, "totalRefundedAmount": 0}


@pytest.mark.parametrize(
    ("outcome", "body"),
    [
        (Outcome.SUCCEEDED, CAPTURED),
        (Outcome.SUCCEEDED, {**CAPTURED, **TOTALS}),
        (Outcome.UNKNOWN, {**CAPTURED, "authorizedAmount": 99}),
        (Outcome.UNKNOWN, {**CAPTURED, "remainingAuthorizedAmount": 20}),
        (Outcome.UNKNOWN, {**CAPTURED, "remainingAuthorizedAmount": "sixty"}),
        (Outcome.UNKNOWN, {**CAPTURED, "remainingAuthorizedAmount": 60.005}),
        (Outcome.UNKNOWN, {}),
        (None, {**CAPTURED, "capturedAmount": 41}),
    ],
)
def test_a_capture_is_done_when_all_sums_are_what_they_have_to_be(outcome, body):
    operation = ADAPTER.capture(change(4000, lines=(line(4000),)))
    if outcome is None:
        with pytest.raises(Contradiction):
            talk(operation, answer(200, body))
        return
    result, (sent,) = talk(operation, answer(200, body))
    assert result.outcome is outcome
    assert sent.url.path == f"/api/v3/orders/{REFERENCE}/captures"
    assert sent.headers["x-idempotency-key"] == KEY
    content = json.loads(sent.content)
    assert content["invoiceNumber"] == number_for(KEY)
    assert content["transactionReference"] == KEY
    assert content["orderDetails"]["totalGrossAmount"] == 40


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=40))
def test_every_key_has_a_number_of_19_digits(key):
    assert len(number_for(key)) == 19
    assert number_for(key).isdecimal()
    assert number_for(key) != number_for(f"{key}0")


@pytest.mark.parametrize(
    ("outcome", "sums"),
    [
        (Outcome.SUCCEEDED, (100, 40, 0, None)),
        (Outcome.SUCCEEDED, (100, 40, 0, 60)),
        (Outcome.UNKNOWN, (100, 40, 60, 0)),
        (Outcome.UNKNOWN, (100, 100, 0, None)),
        (Outcome.UNKNOWN, (None, 40, 0, None)),
    ],
)
def test_a_void_releases_all_that_is_left(outcome, sums):
    names = (
        "totalAuthorizedAmount",
        "totalCapturedAmount",
        "remainingAuthorizedAmount",
        "voidedAmount",
    )
    body = {name: value for name, value in zip(names, sums, strict=True) if value is not None}
    result, (sent,) = talk(ADAPTER.void(change(6000, captured=4000)), answer(200, body))
    assert (result.outcome, json.loads(sent.content)) == (outcome, {})


# --- refunds --------------------------------------------------------------------------------------


def shown(status="Accepted", captures=(), refunds=(), cancelled=(), **details):
    """An order: captures by number, refunds as pairs of a capture's number and an amount."""
    return {
        "orderDetails": {
            "orderId": "o1",
            "orderNumber": REFERENCE,
            "totalGrossAmount": 100,
            "currency": "DKK",
            "status": status,
            **details,
        },
        "captures": [{"captureNumber": name, "amount": amount} for name, amount in captures],
        "refunds": [
            {"refundNumber": f"9{i}", "captureNumber": name, "amount": -amount}
            for i, (name, amount) in enumerate(refunds)
        ],
        "cancellations": [{"cancellationAmount": amount} for amount in cancelled],
    }


def given_back(refunded, captured=100):
    return answer(200, {"totalCapturedAmount": captured, "totalRefundedAmount": refunded})


@pytest.mark.parametrize(
    ("minor", "refunds", "parts"),
    [
        (3000, [], [("c1", 30)]),
        (4000, [], [("c1", 40)]),
        (5000, [], [("c2", 50)]),
        (3000, [("c1", 20)], [("c2", 30)]),
        (2000, [("c1", 20)], [("c1", 20)]),
        (7000, [], [("c1", 40), ("c2", 30)]),
        (10000, [], [("c1", 40), ("c2", 60)]),
        (6000, [("c1", 40)], [("c2", 60)]),
        (5000, [("c2", 50)], [("c1", 40), ("c2", 10)]),
    ],
)
def test_a_refund_is_of_one_capture_or_of_one_after_the_other(minor, refunds, parts):
    before = sum(amount for _, amount in refunds)
    told, sums = before, []
    for _, amount in parts:
        told += amount
        sums.append(given_back(told))
    found = shown("FullyCaptured", [("c1", 40), ("c2", 60)], refunds)
    asked_for = change(minor, captured=10000, refunded=before * 100, lines=(line(minor),))
    result, (look, *sent) = talk(ADAPTER.refund(asked_for), answer(200, found), *sums)
    assert result.outcome is Outcome.SUCCEEDED
    assert (look.method, look.url.path) == ("GET", f"/api/v3/orders/{REFERENCE}")
    bodies = [json.loads(request.content) for request in sent]
    assert [
        (body["captureNumber"], sum(i["grossUnitPrice"] for i in body["items"])) for body in bodies
    ] == parts
    assert all(body["items"] == body["orderItems"] for body in bodies)
    keys = [request.headers["x-idempotency-key"] for request in sent]
    assert keys == ([KEY] if len(parts) == 1 else [f"{KEY}_0", f"{KEY}_1"])
    names = [(body["transactionReference"], body["creditNoteNumber"]) for body in bodies]
    assert names == [(key, number_for(key)) for key in keys]


@pytest.mark.parametrize(
    ("outcome", "reason", "answers"),
    [
        (Outcome.REFUSED, "look_up_failed", [answer(500)]),
        (Outcome.REFUSED, "look_up_failed", [answer(404, said("400.115"))]),
        (Outcome.REFUSED, "amount_too_high", [answer(200, shown())]),
        (
            Outcome.REFUSED,
            "amount_too_high",
            [answer(200, shown("FullyRefunded", [("c1", 100)], [("c1", 80)]))],
        ),
        (
            Outcome.REFUSED,
            "too_many_captures",
            [answer(200, shown("FullyCaptured", [(f"c{i}", 10) for i in range(10)]))],
        ),
        (
            Outcome.REFUSED,
            "invalid_request",
            [answer(200, shown(captures=[("c1", 100)])), answer(400, said("400.117"))],
        ),
        (Outcome.UNKNOWN, "", [answer(200, shown(captures=[("c1", 100)])), answer(500)]),
        (Outcome.UNKNOWN, "", [answer(200, shown(captures=[("c1", 100)])), given_back(50)]),
        (
            Outcome.UNKNOWN,
            "",
            [
                answer(200, shown(captures=[("c1", 60), ("c2", 40)])),
                given_back(60),
                answer(400, said("400.117")),
            ],
        ),
    ],
)
def test_a_refund_that_is_not_done(outcome, reason, answers):
    result, _ = talk(ADAPTER.refund(change(9000, captured=10000)), *answers)
    assert (result.outcome, result.reason) == (outcome, reason)


# --- how it stands --------------------------------------------------------------------------------

C100, C40 = [("c1", 100)], [("c1", 40)]


@pytest.mark.parametrize(
    ("word", "sums", "known", "body"),
    [
        (Word.PENDING, (0, 0, 0, 0), None, shown("Pending")),
        (Word.DECLINED, (0, 0, 0, 0), None, shown("Rejected")),
        (Word.VOIDED, (0, 0, 0, 0), None, shown("Cancelled")),
        (Word.EXPIRED, (0, 0, 0, 0), None, shown("Expired")),
        (Word.VOIDED, (100, 0, 0, 100), "r1", shown("Cancelled")),
        (Word.VOIDED, (100, 0, 0, 100), None, shown("Cancelled", cancelled=[100])),
        (Word.EXPIRED, (100, 0, 0, 100), "r1", shown("Expired")),
        (Word.AUTHORISED, (100, 40, 0, 60), None, shown("Expired", C40)),
        (Word.AUTHORISED, (100, 0, 0, 0), None, shown()),
        (Word.AUTHORISED, (100, 0, 0, 0), None, shown("Reserved")),
        (Word.AUTHORISED, (100, 40, 0, 0), None, shown("PartiallyCaptured", C40)),
        (Word.AUTHORISED, (100, 40, 0, 0), None, shown("Accepted", C40)),
        (Word.AUTHORISED, (100, 40, 0, 60), None, shown("FullyCaptured", C40, [], [50, 10])),
        (Word.AUTHORISED, (100, 40, 0, 60), None, shown("FullyCaptured", C40)),  # the rest ran out
        (Word.AUTHORISED, (100, 0, 0, 30), None, shown("Accepted", cancelled=[30])),
        (Word.VOIDED, (100, 0, 0, 100), None, shown("Accepted", cancelled=[100])),
        (Word.AUTHORISED, (100, 100, 30, 0), None, shown("PartiallyRefunded", C100, [("c1", 30)])),
        (Word.AUTHORISED, (100, 100, 100, 0), None, shown("FullyRefunded", C100, [("c1", 100)])),
        (Word.AUTHORISED, (100, 40, 0, 0), None, shown("Pending", C40)),
        (Word.AUTHORISED, (100, 40, 0, 0), None, shown("Rejected", C40)),
        (Word.UNCLEAR, (0, 0, 0, 0), None, shown("FullyCaptured")),
        (Word.UNCLEAR, (0, 0, 0, 0), None, shown("OnHold", C40)),
        (Word.UNCLEAR, (0, 0, 0, 0), None, {**shown(), "captures": {}}),
        (Word.UNCLEAR, (0, 0, 0, 0), None, {**shown(), "captures": [7]}),
        (Word.UNCLEAR, (0, 0, 0, 0), None, {**shown(), "orderDetails": {}}),
        (Word.UNCLEAR, (0, 0, 0, 0), None, shown(status=7)),
        (Word.UNCLEAR, (0, 0, 0, 0), None, shown(totalGrossAmount=True)),
        (Word.UNCLEAR, (0, 0, 0, 0), None, shown(orderId="../1")),
        (
            Word.AUTHORISED,
            (100, 0, 0, 0),
            None,
            {"orderDetails": shown(orderNumber=REFERENCE.upper())["orderDetails"]},
        ),
    ],
)
def test_how_it_stands_is_said_by_the_sums(word, sums, known, body):
    standing, _ = talk(ADAPTER.status(asked(known=known)), answer(200, body))
    seen = (standing.authorised, standing.captured, standing.refunded, standing.voided)
    assert (standing.word, tuple(amount.minor // 100 for amount in seen)) == (word, sums)
    assert standing.provider_reference == ("o1" if sums[0] else None)


@pytest.mark.parametrize(
    ("until", "voided"),
    [("2026-11-21T09:00:00Z", 6000), ("2026-11-21T09:00:01Z", 0), ("2026-12-21T12:00:00Z", 0)],
)
def test_what_is_not_captured_long_after_its_time_is_gone(until, voided):
    """Found by the simulated world: after a refund no word says that the rest ran out."""
    body = shown("PartiallyRefunded", C40, [("c1", 10)], expirationDate=until)
    ask = replace(asked(), at=NOW)
    standing, _ = talk(ADAPTER.status(ask), answer(200, body))
    assert standing.voided.minor == voided


def test_every_word_of_theirs_is_said_by_the_table_above():
    assert set(WORDS.values()) == set(Word) - {Word.NOT_FOUND, Word.UNCLEAR}


@pytest.mark.parametrize(
    "body",
    [
        shown(orderNumber="b" * 20),
        shown(currency="SEK"),
        shown(totalGrossAmount=99),
        shown("FullyCaptured", [("c1", 101)]),
        shown("Expired", [("c1", 101)]),
        shown("FullyCaptured", C100, cancelled=[1]),
        shown("FullyRefunded", C40, [("c1", 41)]),
    ],
)
def test_sums_that_cannot_be_true_are_a_contradiction(body):
    with pytest.raises(Contradiction):
        talk(ADAPTER.status(asked()), answer(200, body))


@pytest.mark.parametrize(
    ("word", "given_answer"),
    [
        (Word.NOT_FOUND, answer(404, said("400.115"))),
        (Word.NOT_FOUND, answer(404, said("404.001"))),
        (Word.NOT_FOUND, answer(400, said("400.115"))),
        (Word.UNCLEAR, answer(400, said("400.000"))),
        (Word.UNCLEAR, answer(404, {"message": "no such address"})),
        (Word.UNCLEAR, answer(404)),
        (Word.UNCLEAR, answer(401, {"message": "denied"})),
        (Word.UNCLEAR, answer(500, said("400.115"))),
    ],
)
def test_an_order_that_they_do_not_have(word, given_answer):
    assert talk(ADAPTER.status(asked()), given_answer)[0] == Standing.nothing(word, "DKK")


def test_operations_are_known_by_our_key_or_its_number_and_their_amount():
    body = shown(
        "PartiallyRefunded",
        [("c1", 10), (number_for("two"), 10), ("c3", 20)],
        [("c1", 10), ("c3", 10)],
    )
    body["captures"][0]["transactionReference"] = "one"
    body["captures"][2]["transactionReference"] = "five"
    body["refunds"][0]["refundNumber"] = number_for("three")
    earlier = tuple(
        Earlier(key, operation, Money(1000, "DKK"))
        for key, operation in [
            ("one", Operation.CAPTURE),
            ("two", Operation.CAPTURE),
            ("three", Operation.REFUND),
            ("four", Operation.REFUND),
            ("five", Operation.CAPTURE),
        ]
    )
    standing, _ = talk(ADAPTER.status(asked(earlier=earlier)), answer(200, body))
    assert [done.key for done in standing.operations] == ["one", "two", "three"]
    assert {done.outcome for done in standing.operations} == {Outcome.SUCCEEDED}


# --- notices --------------------------------------------------------------------------------------

# The vector of the fact sheet, for what the signature is believed to cover.
T, SIGNATURE = 1_700_000_000, "96db78ff92fe3e8bd0983bbf9225828b1a251deecf8f4d609a86cf544d57740b"


def read(body, signature, now_s=T):
    return ADAPTER.read_notices(Webhook({"Riverty-Signature": signature}, body, now_s))


def signed(body, moment=T):
    content = f"{moment}.".encode() + body
    return f"t={moment},v1={hmac.new(b'topsecret', content, hashlib.sha256).hexdigest()}"


def test_the_signature_of_the_fact_sheet():
    body = b'{"id":"evt_1"}'
    assert signed(body) == f"t={T},v1={SIGNATURE}"
    with pytest.raises(UntrustedNotice, match="signed, but not readable"):
        read(body, signed(body))


EVENT = {
    "Header": {"MessageId": "m-1", "MessageName": "AuthorizeAccepted", "ShopId": "RTY1"},
    "Body": {"OrderNumber": REFERENCE},
}


def test_a_notice_is_believed_in_one_form_only():
    body = json.dumps(EVENT).encode()
    good = signed(body)
    (notice,) = read(body, good)
    assert (notice.id, notice.merchant_reference) == ("m-1", REFERENCE)
    assert (notice.kind, notice.heard) == ("AuthorizeAccepted", None)
    assert read(body, good.replace(",", ", "), T + 86_400) == (notice,)
    digest = hmac.new(b"topsecret", body, hashlib.sha256).hexdigest()
    for wrong in (
        good[:-1], f"{good}0", good.upper(), f"v1={SIGNATURE},t={T}", f"t={T},v1={digest}", digest,
        good.replace(f"t={T}", f"t={T + 1}"), f" {good}", "", "ø",
    ):  # fmt: skip
        with pytest.raises(UntrustedNotice):
            read(body, wrong)
    for other in (body + b"\n", body[:-1], json.dumps(EVENT, indent=1).encode(), b""):
        with pytest.raises(UntrustedNotice):
            read(other, good)
    for now_s in (T + 86_401, T - 301):
        with pytest.raises(UntrustedNotice, match="ago"):
            read(body, good, now_s)


def test_a_notice_about_something_without_an_order_is_about_nothing():
    body = json.dumps({**EVENT, "Body": {"DisputeId": "d1"}}).encode()
    assert read(body, signed(body)) == ()


def test_what_they_send_is_read():
    shop = SimulatedRiverty(lambda: NOW, secret="other")
    adapter = shop.provider()
    exchange(adapter.authorise(order(name=f"{AUTHENTICATE} Person")), shop.handle)
    shop.approve(REFERENCE)
    exchange(adapter.capture(change(4000)), shop.handle)
    told = [adapter.read_notices(hook)[0].kind for hook in shop.outbox]
    assert told == ["CustomerAuthenticationCompleted", "InvoiceCreated"]
    assert json.loads(shop.outbox[0].body)["Body"]["Status"] == "Accepted"


# --- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("api_key", ""),
        ("api_key", "two words"),
        ("notice_secret", "line\nbreak"),
        ("market", "IS"),
        ("base_url", "http://api.riverty.example"),
        ("name", "Riverty SE"),
    ],
)
def test_a_wrong_setting_is_named_and_not_repeated(field, value):
    with pytest.raises(InvalidInput) as caught:
        config(**{field: value})
    assert caught.value.field == field
    assert len(value) < 3 or value not in str(caught.value)


def test_settings_show_no_secrets_and_choose_the_address():
    assert "riverty-api-key" not in f"{config()!r} {ADAPTER!r} {config().model_dump_json()}"
    assert (config().base_url, config(is_test=True).base_url) == (PRODUCTION, TEST)
    adapter = Riverty(config(name="riverty_fi", market="FI"))
    assert (adapter.name, adapter.capabilities.currencies) == ("riverty_fi", {"EUR"})
    assert adapter.capabilities.repeats_for(Operation.REFUND) == 0


# --- the stand-in ---------------------------------------------------------------------------------


def paid_shop():
    shop = SimulatedRiverty(lambda: NOW)
    exchange(shop.provider().authorise(order()), shop.handle)
    return shop


def raw(shop, method, where, body=None, **headers):
    known = {"x-auth-key": "simulated-api-key", "x-idempotency-key": f"k-{where}-{method}"[:50]}
    known["x-idempotency-key"] = known["x-idempotency-key"].replace("/", "-")
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"https://riverty.example/api/v3{where}"
    return shop.handle(httpx.Request(method, url, headers={**known, **headers}, json=body))


def wanted(**changes):
    _, (sent,) = talk(ADAPTER.authorise(order(merchant_reference="b" * 20)), answer(500))
    body = json.loads(sent.content)
    return {**body, "order": {**body["order"], **changes}}


ORDERS = f"/orders/{REFERENCE}"


@pytest.mark.parametrize(
    ("status", "code", "method", "where", "body", "headers"),
    [
        (401, None, "GET", ORDERS, None, {"x_auth_key": "wrong"}),
        (405, None, "GET", "/nothing", None, {}),
        (404, "400.115", "GET", "/orders/none", None, {}),
        (404, "400.115", "POST", "/orders/none/voids", {}, {}),
        (400, "400.004", "POST", "/checkout/authorize", wanted(), {"x_idempotency_key": "a b"}),
        (400, "400.004", "POST", "/checkout/authorize", wanted(), {"content_type": "text/plain"}),
        (400, "400.004", "POST", "/checkout/authorize", {}, {}),
        (400, "400.004", "POST", "/checkout/authorize", wanted(number="å"), {}),
        (400, "400.004", "POST", "/checkout/authorize", wanted(currency="EUR"), {}),
        (400, "400.102", "POST", "/checkout/authorize", wanted(totalGrossAmount=99), {}),
        (400, "400.101", "POST", "/checkout/authorize", wanted(totalNetAmount=99), {}),
        (400, "400.100", "POST", "/checkout/authorize", wanted(number=REFERENCE), {}),
        (200, None, "POST", "/checkout/authorize", wanted(), {}),
        (400, "400.132", "POST", f"{ORDERS}/refunds", {"captureNumber": "none"}, {}),
        (200, None, "POST", f"{ORDERS}/captures", {}, {}),
        (200, None, "POST", f"{ORDERS}/voids", {}, {}),
    ],
)
def test_the_stand_in_refuses_what_they_refuse(status, code, method, where, body, headers):
    response = raw(paid_shop(), method, where, body, **headers)
    assert response.status_code == status
    if code:
        assert {message["code"] for message in response.json()} == {code}


def test_an_empty_capture_takes_all_and_an_empty_refund_gives_all_back():
    shop = paid_shop()
    number = raw(shop, "POST", f"{ORDERS}/captures", {}).json()["captureNumber"]
    raw(shop, "POST", f"{ORDERS}/refunds", {"captureNumber": number})
    assert shop.book(REFERENCE).refunded == 10000
    again = raw(shop, "POST", f"{ORDERS}/captures", {"invoiceNumber": number})
    assert again.status_code == 409  # the same key for something else


def test_an_invoice_number_is_taken_once_and_too_much_is_not_given_back():
    shop = paid_shop()
    body = {"invoiceNumber": "77", "orderDetails": wanted()["order"]}
    del body["orderDetails"]["number"]
    assert raw(shop, "POST", f"{ORDERS}/captures", body).status_code == 200
    again = raw(shop, "POST", f"{ORDERS}/captures", body, x_idempotency_key="other")
    assert again.status_code == 400
    items = body["orderDetails"]["items"] * 2
    more = raw(shop, "POST", f"{ORDERS}/refunds", {"captureNumber": "77", "orderItems": items})
    assert (more.status_code, more.json()[0]["code"]) == (400, "400.117")


def test_refunds_in_the_portal_are_seen_and_stay_within_a_capture():
    shop, adapter = paid_shop(), paid_shop().provider()
    shop.portal_capture(REFERENCE, Money(4000, "DKK"))
    exchange(adapter.capture(change(6000, captured=4000)), shop.handle)
    shop.portal_refund(REFERENCE, Money(1000, "DKK"))
    books = {"captured": 10000, "refunded": 1000}
    result = exchange(adapter.refund(change(9000, "k-refund", **books)), shop.handle)
    assert result.outcome is Outcome.SUCCEEDED
    assert shop.book(REFERENCE).refunded == 10000
    standing = exchange(adapter.status(asked()), shop.handle)
    assert (standing.captured, standing.refunded) == (Money(10000, "DKK"), Money(10000, "DKK"))


@pytest.mark.parametrize("name", ["Reject", "Underage"])
def test_first_names_decide_as_in_their_test_environment(name):
    shop = SimulatedRiverty(lambda: NOW)
    result = exchange(shop.provider().authorise(order(name=f"{name} Person")), shop.handle)
    assert result.outcome is Outcome.DECLINED
    standing = exchange(shop.provider().status(asked()), shop.handle)
    assert standing.word is Word.DECLINED


def test_a_busy_service_says_when_to_come_back():
    shop = paid_shop()
    shop.plan("capture", Fault.RATE_LIMIT)
    limited = raw(shop, "POST", f"{ORDERS}/captures", {})
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
    shop.plan("capture", Fault.DECLINE)
    assert raw(shop, "POST", f"{ORDERS}/captures", {}).status_code == 400


NEEDED = {
    "POST checkout/authorize", "GET orders/N", "POST orders/N/captures", "POST orders/N/refunds",
    "POST orders/N/voids",
}  # fmt: skip


def test_every_operation_that_a_checkout_needs_is_covered():
    shop, covered = SimulatedRiverty(lambda: NOW), set()
    adapter = shop.provider()

    def handle(request):
        where = request.url.path.removeprefix("/api/v3/").replace(REFERENCE, "N")
        covered.add(f"{request.method} {where}")
        return shop.handle(request)

    for operation in (
        adapter.authorise(order()),
        adapter.capture(change(6000, "k-capture")),
        adapter.refund(change(1000, "k-refund", captured=6000)),
        adapter.void(change(4000, "k-void", captured=6000)),
    ):
        assert exchange(operation, handle).outcome is Outcome.SUCCEEDED
    print(f"riverty: {len(covered)} of {len(NEEDED)} operations covered")  # noqa: T201
    assert covered == NEEDED
    assert shop.book(REFERENCE).taken == 5000


# --- whatever arrives -----------------------------------------------------------------------------


@given(st.sampled_from([200, 201, 202, 400, 404, 500]), bodies())
def test_an_arbitrary_answer_is_never_a_success(status, body):
    handler = always(status, body)
    for operation in (
        ADAPTER.authorise(order()),
        ADAPTER.capture(change()),
        ADAPTER.void(change()),
        ADAPTER.refund(change(captured=10000)),
    ):
        result = outcome_of(operation, handler)
        assert result is None or result.outcome in {Outcome.REFUSED, Outcome.UNKNOWN}
    standing = outcome_of(ADAPTER.status(asked()), handler)
    assert standing is None or standing.word in {Word.UNCLEAR, Word.NOT_FOUND}


AMOUNTS = st.sampled_from([0, 40, 100, -40, 1e300, 0.001]) | JSON
PARTS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "captureNumber": st.sampled_from(["c1", "c2"]) | JSON,
            "amount": AMOUNTS,
            "cancellationAmount": AMOUNTS,
            "transactionReference": JSON,
        },
    ),
    max_size=3,
)


@given(
    st.sampled_from(list(WORDS)) | JSON, PARTS, PARTS, PARTS, st.dictionaries(
        st.sampled_from(sorted(shown()["orderDetails"])), JSON, max_size=1
    ),
)  # fmt: skip
def test_an_arbitrary_order_is_read_or_left_unclear(status, captures, refunds, voids, changed):
    body = shown(status)
    body["orderDetails"] |= changed
    body |= {"captures": captures, "refunds": refunds, "cancellations": voids}
    for operation in (ADAPTER.status(asked()), ADAPTER.refund(change(captured=10000))):
        found = outcome_of(operation, lambda _: httpx.Response(200, json=body))
        if isinstance(found, Standing):
            assert found.captured + found.voided <= found.authorised
            assert found.refunded <= found.captured
        elif found is not None:
            assert found.outcome in {Outcome.REFUSED, Outcome.UNKNOWN}
