"""Vipps MobilePay's adapter: what it asks for, how it reads answers, and which it does not believe.

How it and the stand-in keep the contract is in test_vipps_standin.py, mandates and charges are in
test_vipps_recurring.py.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import formatdate

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import wire
from tests.specs import FOLDER, spec
from tests.test_lines import bought, carts

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
from checkoutflow.payment.outcomes import Operation, Outcome, Redirect, ShowQr, Word
from checkoutflow.providers.contract import Ask, Modification, OrderLine, Webhook
from checkoutflow.providers.vipps_mobilepay import (
    MARKETS,
    MAXIMUM,
    METHODS,
    NOTICE_AGE_S,
    REFUSALS,
    WORDS,
    VippsMobilePay,
    VippsMobilePayConfig,
)
from checkoutflow.testing import Clock
from checkoutflow.testing.adapters import exchange
from checkoutflow.testing.standins.vipps_mobilepay import SimulatedVippsMobilePay

REFERENCE = "abcdefghijklmnopqrst"
SECRETS = ("ours-client-secret", "ours-subscription-key", "ours-notice-secret")
NOW_S = 1_750_000_000


def config(market="DK", **changes):
    client_secret, subscription_key, notice_secret = SECRETS
    return VippsMobilePayConfig.read(
        {
            "merchant_serial_number": "123456",
            "market": market,
            "client_id": "ours-client-id",
            "client_secret": client_secret,
            "subscription_key": subscription_key,
            "notice_url": "https://shop.example/notices/vipps_mobilepay",
            "notice_secret": notice_secret,
            "is_test": True,
            **changes,
        }
    )


def order(minor=12345, currency="DKK", **facts):
    ours = {"key": "pay-" + "0" * 36, "merchant_reference": REFERENCE, "method": "wallet"}
    return wire.order(minor, currency, **{**ours, **facts})


def change(minor, key="change", **books):
    before = Books(currency="DKK", **{"authorised": 12345, **books})
    return Modification(key, REFERENCE, None, Money(minor, "DKK"), "wallet", before)


def asked(minor=12345, method="wallet"):
    return Ask(REFERENCE, None, Money(minor, "DKK"), method)


def amount(minor, currency="DKK"):
    return {"value": minor, "currency": currency}


def payment(state="AUTHORIZED", a=0, c=0, r=0, x=0, *, whole=12345, currency="DKK", **more):
    """A look-up's answer; the letters are the sums."""
    names = ("authorizedAmount", "capturedAmount", "refundedAmount", "cancelledAmount")
    return {
        "reference": REFERENCE,
        "pspReference": "psp-1",
        "state": state,
        "amount": amount(whole, currency),
        "aggregate": {
            name: amount(minor, currency) for name, minor in zip(names, (a, c, r, x), strict=True)
        },
        **more,
    }


LOOK_UP = {"paymentMethod": {"type": "WALLET"}, "profile": {}}


def problem(status, *codes):
    body = {
        "type": "https://developer.vippsmobilepay.com/docs/errors",
        "title": "No",
        "status": status,
        "traceId": "trace-1",
        "extraDetails": [{"name": "ErrorCode", "reason": code} for code in codes],
    }
    return answer(status, body, "application/problem+json")


def answer(status, body, kind="application/json"):
    return httpx.Response(status, headers={"content-type": kind}, content=json.dumps(body))


def token(text="token-1"):
    body = {
        "token_type": "Bearer",
        "expires_in": "3599",
        "ext_expires_in": "3599",
        "expires_on": "1750003600",
        "not_before": "1750000000",
        "resource": "00000002-0000-0000-c000-000000000000",
        "access_token": text,
    }
    return answer(200, body, "application/json;charset=UTF-8")


def seal(body, secret, url="https://shop.example/notices/vipps_mobilepay", date=None):
    """Sign as the provider describes it, written apart from the adapter."""
    date = date or formatdate(NOW_S, usegmt=True)
    host, _, path = url.removeprefix("https://").partition("/")
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    text = f"POST\n/{path}\n{date};{host};{digest}"
    sign = base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha256")).decode()
    return {
        "X-Ms-Date": date,
        "X-Ms-Content-Sha256": digest,
        "Authorization": "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256"
        f"&Signature={sign}",
    }


class Vipps:
    """The stand-in for a sales unit, and what it was asked."""

    def __init__(self):
        self.clock = Clock(datetime.fromtimestamp(NOW_S, UTC))
        self.unit = SimulatedVippsMobilePay(self.clock, market="DK", secret="ours")
        self.seen = []

    def handle(self, request):
        self.seen.append(request)
        return self.unit.handle(request)


@pytest.fixture
def vipps():
    return Vipps()


@pytest.fixture
def provider():
    return VippsMobilePay(config())


def told(response):
    """A service that has tokens and otherwise always says the same."""
    return lambda request: token() if request.url.path == "/accesstoken/get" else response


def pay(provider, vipps, what=None):
    exchange(provider.authorise(what or order()), vipps.handle)
    vipps.unit.approve(REFERENCE)


# --- the provider's own file ----------------------------------------------------------------------

LINES = (
    OrderLine("cup", "Kop, blå", 2, Money(10000, "DKK"), 2500, Money(2000, "DKK")),
    OrderLine("tea", "Te", 3, Money(1001, "DKK"), 2500, Money(200, "DKK"), "digital"),
    OrderLine("post", "Levering", 1, Money(1344, "DKK"), 2500, Money(269, "DKK"), "delivery"),
)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
lines = st.builds(
    OrderLine,
    id=names,
    name=names,
    quantity=st.integers(1, 999),
    amount=st.builds(Money, st.integers(0, 10**6), st.just("DKK")),
    vat_basis=st.integers(0, 2550),
    vat=st.builds(Money, st.integers(0, 10**5), st.just("DKK")),
    kind=st.sampled_from(["goods", "digital", "delivery", "fee"]),
)


@given(
    method=st.sampled_from(sorted(name for name, means in METHODS.items() if means)),
    minor=st.integers(1, MAXIMUM),
    lines=st.lists(lines, max_size=4).map(tuple),
    phone=st.one_of(st.text(max_size=20), st.from_regex(r"\A\+[0-9]{5,18}\Z")),
    reference=st.from_regex(r"\A[a-zA-Z0-9-]{8,64}\Z"),
)
def test_whatever_is_ordered_the_request_is_one_that_the_provider_describes(
    method, minor, lines, phone, reference
):
    file = spec("vipps_mobilepay", "epayment.yaml", closed=True)
    provider = VippsMobilePay(config())
    what = order(
        minor, method=method, lines=lines, details={"phone": phone}, merchant_reference=reference
    )
    operation = provider.authorise(what)
    assert next(operation).url.path == "/accesstoken/get"
    assert file.operation(operation.send(token())) == "createPayment"


@given(st.sampled_from(["capture", "void", "refund"]), st.integers(1, MAXIMUM))
def test_whatever_is_changed_the_request_is_one_that_the_provider_describes(name, minor):
    file = spec("vipps_mobilepay", "epayment.yaml", closed=True)
    operation = getattr(VippsMobilePay(config()), name)(change(minor))
    next(operation)
    word = "cancel" if name == "void" else name
    assert file.operation(operation.send(token())) == f"{word}Payment"


def test_the_file_would_find_a_field_that_is_not_in_it(provider):
    file = spec("vipps_mobilepay", "epayment.yaml", closed=True)
    operation = provider.capture(change(1))
    next(operation)
    sent = operation.send(token())
    for body in ({"modificationAmount": {**amount(1), "more": 1}}, {"amount": amount(1)}):
        bad = httpx.Request(sent.method, sent.url, headers=sent.headers, json=body)
        bad.headers["content-type"] = "application/json"
        with pytest.raises(Exception, match="not valid for schema"):
            file.operation(bad)


# --- what is asked for ----------------------------------------------------------------------------


def body_for(provider, vipps, what):
    exchange(provider.authorise(what), vipps.handle)
    return json.loads(vipps.seen[-1].content)


def test_a_payment_is_created_with_what_the_customer_buys(provider, vipps):
    what = order(lines=LINES, details={"phone": "+4520123456"})
    body = body_for(provider, vipps, what)
    receipt = body.pop("receipt")
    assert body == {
        "amount": {"value": 12345, "currency": "DKK"},
        "customer": {"phoneNumber": "4520123456"},
        "paymentDescription": "Kop, blå, Te, Levering",
        "paymentMethod": {"type": "WALLET"},
        "reference": REFERENCE,
        "returnUrl": "https://shop.example/return",
        "userFlow": "WEB_REDIRECT",
    }
    assert receipt["bottomLine"] == {"currency": "DKK"}
    cup, tea, post = receipt["orderLines"]
    assert cup == {
        "id": "cup",
        "name": "Kop, blå",
        "totalAmount": 10000,
        "totalAmountExcludingTax": 8000,
        "totalTaxAmount": 2000,
        "taxRate": 2500,
        "isShipping": False,
        "unitInfo": {"unitPrice": 5000, "quantity": "2"},
    }
    assert "unitInfo" not in tea  # three times no whole number is 1001
    assert post["isShipping"] is True
    assert sum(line["totalAmount"] for line in receipt["orderLines"]) == 12345


@given(carts())
def test_the_receipt_of_any_cart_adds_up_to_the_last_oere(cart):
    state = bought(cart).state
    total = state.total.minor
    if not MARKETS["NO"].minimum <= total <= MAXIMUM:
        return
    operation = VippsMobilePay(config("NO")).authorise(
        order(total, "NOK", lines=order_lines(state))
    )
    next(operation)
    body = json.loads(operation.send(token()).content)
    rows = body["receipt"]["orderLines"]
    assert sum(row["totalAmount"] for row in rows) == body["amount"]["value"] == total
    assert sum(row["totalTaxAmount"] for row in rows) == state.priced.total_vat.minor
    for row in rows:
        assert row["totalAmountExcludingTax"] + row["totalTaxAmount"] == row["totalAmount"]
        if unit := row.get("unitInfo"):
            assert unit["unitPrice"] * int(unit["quantity"]) == row["totalAmount"]


@pytest.mark.parametrize(
    ("method", "kind", "flow"),
    [
        ("vipps", "WALLET", "WEB_REDIRECT"),
        ("mobilepay", "WALLET", "WEB_REDIRECT"),
        ("wallet", "WALLET", "WEB_REDIRECT"),
        ("card", "CARD", "WEB_REDIRECT"),
        ("qr", "WALLET", "QR"),
    ],
)
def test_each_method_has_its_means_and_its_way(provider, vipps, method, kind, flow):
    body = body_for(provider, vipps, order(method=method, details={"phone": "+4520123456"}))
    assert (body["paymentMethod"], body["userFlow"]) == ({"type": kind}, flow)
    assert ("customer" in body) == (kind == "WALLET" and flow == "WEB_REDIRECT")
    assert ("returnUrl" in body) == (flow == "WEB_REDIRECT")


@pytest.mark.parametrize("phone", ["", "+12345678", "20 12 34 56 78", "+45201234567890123"])
def test_a_phone_number_that_is_none_is_left_out(provider, vipps, phone):
    assert "customer" not in body_for(provider, vipps, order(details={"phone": phone}))


@pytest.mark.parametrize(("name", "text"), [("Te", None), (" é ", None), ("x" * 200, "x" * 100)])
def test_a_description_is_3_to_100_characters_or_none(provider, vipps, name, text):
    line = OrderLine("1", name, 1, Money(12345, "DKK"), 2500, Money(2469, "DKK"))
    body = body_for(provider, vipps, order(lines=(line,)))
    assert body.get("paymentDescription") == text


@pytest.mark.parametrize(("market", "row"), MARKETS.items())
def test_the_market_decides_currency_and_smallest_amount(market, row):
    provider = VippsMobilePay(config(market))
    assert provider.capabilities.currencies == {row.currency}
    for minor in (row.minimum - 1, MAXIMUM + 1):
        with pytest.raises(InvalidInput, match="amount: must be"):
            next(provider.authorise(order(minor, row.currency)))
    for minor in (row.minimum, MAXIMUM):
        next(provider.authorise(order(minor, row.currency)))


@pytest.mark.parametrize(
    ("facts", "error", "field"),
    [
        ({"method": "cheque"}, NotSupported, "method"),
        ({"method": "recurring"}, NotSupported, "method"),
        ({"amount": Money(1000, "NOK")}, NotSupported, "currency"),
        ({"merchant_reference": "short"}, InvalidInput, "merchant_reference"),
        ({"merchant_reference": "a" * 65}, InvalidInput, "merchant_reference"),
        ({"merchant_reference": "a/b" * 5}, InvalidInput, "merchant_reference"),
        ({"return_url": "https://shop.example/" + "x" * 2480}, InvalidInput, "return_url"),
    ],
)
def test_what_they_would_refuse_is_refused_before_anything_is_sent(provider, facts, error, field):
    with pytest.raises(error) as caught:
        next(provider.authorise(order(**facts)))
    assert caught.value.field == field


def test_our_key_goes_with_every_change_and_no_look(provider, vipps):
    pay(provider, vipps)
    exchange(provider.capture(change(1, "capture-key")), vipps.handle)
    exchange(provider.status(asked()), vipps.handle)
    keys = [request.headers.get("idempotency-key") for request in vipps.seen]
    assert keys == [None, order().key, "capture-key", None]
    for request in vipps.seen:
        assert request.headers["merchant-serial-number"] == "123456"
        assert request.headers["ocp-apim-subscription-key"] == SECRETS[1]
        assert request.headers["vipps-system-name"] == "checkoutflow"
        assert "vipps-system-version" not in request.headers


def test_the_shop_s_system_is_named_where_it_says_so(vipps):
    provider = VippsMobilePay(config(system_name="fjordshop", system_version="5.4.0"))
    pay(provider, vipps)
    names = {
        (r.headers["vipps-system-name"], r.headers["vipps-system-version"]) for r in vipps.seen
    }
    assert names == {("fjordshop", "5.4.0")}


# --- tokens ---------------------------------------------------------------------------------------


def test_a_token_is_kept_until_it_is_not_taken_and_then_fetched_once(provider, vipps):
    pay(provider, vipps)
    exchange(provider.capture(change(1, "one")), vipps.handle)
    vipps.clock.advance(hours=2)
    second = provider.capture(change(2, "two", captured=1))
    assert exchange(second, vipps.handle).outcome is Outcome.SUCCEEDED
    paths = [request.url.path.rsplit("/", 1)[-1] for request in vipps.seen]
    assert paths == ["get", "payments", "capture", "capture", "get", "capture"]
    before, after = vipps.seen[3], vipps.seen[5]
    assert before.content == after.content
    assert before.headers["idempotency-key"] == after.headers["idempotency-key"]


def test_a_new_token_that_is_not_taken_either_is_the_end(provider):
    for _ in range(2):
        result = exchange(provider.capture(change(1)), told(problem(401)))
        assert (result.outcome, result.reason) == ("refused", "unauthorised")


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (answer(401, {"error": "invalid_client"}), "refused"),
        (answer(403, {"statusCode": 403, "message": "no"}), "refused"),
        (httpx.Response(401, text="<html>"), "unknown"),
        (answer(500, {"error": "server"}), "unknown"),
        (answer(400, {"error": "bad"}), "unknown"),
        (answer(200, {"token_type": "Basic", "access_token": "x"}), "unknown"),
        (answer(200, {"token_type": "Bearer", "access_token": "x\r\ny"}), "unknown"),
        (answer(200, {"token_type": "Bearer", "access_token": "ø"}), "unknown"),
        (answer(200, payment("AUTHORIZED", 12345, 12345)), "unknown"),
    ],
)
def test_without_a_token_nothing_is_asked(provider, response, outcome):
    seen = []

    def handler(request):
        seen.append(request)
        return response

    for name in ("capture", "void", "refund"):
        assert exchange(getattr(provider, name)(change(1)), handler).outcome == outcome
    assert exchange(provider.authorise(order()), handler).outcome == outcome
    ask = asked()
    assert exchange(provider.status(ask), handler).word is Word.UNCLEAR
    assert {request.url.path for request in seen} == {"/accesstoken/get"}


# --- how a payment stands -------------------------------------------------------------------------


def look(provider, response, minor=12345):
    return exchange(provider.status(asked(minor)), told(response))


@pytest.mark.parametrize(
    "row",
    """
    state           A     C     R     X  word       authorised captured refunded voided
    CREATED         0     0     0     0  pending             0        0        0      0
    AUTHORIZED  12345     0     0     0  authorised      12345        0        0      0
    AUTHORIZED  12345  4000     0     0  authorised      12345     4000        0      0
    AUTHORIZED  12345 12345     0     0  authorised      12345    12345        0      0
    AUTHORIZED  12345  4000     0  8345  authorised      12345     4000        0   8345
    AUTHORIZED  12345  4000  4000  8345  authorised      12345     4000     4000   8345
    AUTHORIZED  12345 12345  1000     0  authorised      12345    12345     1000      0
    AUTHORIZED  12345 12345 12345     0  authorised      12345    12345    12345      0
    AUTHORIZED  12345     0     0 12345  voided          12345        0        0  12345
    ABORTED         0     0     0     0  declined            0        0        0      0
    ABORTED         0     0     0 12345  declined            0        0        0      0
    EXPIRED         0     0     0     0  expired             0        0        0      0
    TERMINATED      0     0     0 12345  voided              0        0        0      0
    TERMINATED      0     0     0     0  voided              0        0        0      0
    REOPENED    12345 12345     0     0  unclear             0        0        0      0
    """.strip().splitlines()[1:],
)
def test_the_state_and_the_sums_say_how_a_payment_stands(provider, row):
    state, *sums, word, a, c, r, x = row.split()
    body = payment(state, *map(int, sums), **LOOK_UP)
    if FOLDER.is_dir() and state != "REOPENED":
        spec("vipps_mobilepay", "epayment.yaml", closed=True).check("GetPaymentResponse", body)
    standing = look(provider, answer(200, body))
    assert standing.word == word
    assert standing.reason == ("declined_by_customer" if word == "declined" else "")
    seen = (standing.authorised, standing.captured, standing.refunded, standing.voided)
    assert [one.minor for one in seen] == [int(a), int(c), int(r), int(x)]


def test_every_state_that_the_provider_has_is_known():
    file = spec("vipps_mobilepay", "epayment.yaml")
    for state in WORDS:
        file.check("State", state)
    with pytest.raises(Exception, match="is not one of") as caught:
        file.check("State", "REOPENED")
    assert all(state in str(caught.value) for state in WORDS)
    assert str(caught.value).count("'") >= 2 * len(WORDS)


@pytest.mark.parametrize(
    "body",
    [
        payment("AUTHORIZED", 12345) | {"reference": "anotherpaymentofours"},
        payment("AUTHORIZED", 12345, whole=12346),
        payment("AUTHORIZED", 12346),
        payment("AUTHORIZED", 12344),
        payment("AUTHORIZED", 12345, currency="NOK"),
        payment("AUTHORIZED", 0),
        payment("AUTHORIZED", 12345, 12346),
        payment("AUTHORIZED", 12345, 5000, 5001),
        payment("AUTHORIZED", 12345, 5000, 0, 7346),
        payment("CREATED", 12345),
        payment("ABORTED", 12345),
        payment("TERMINATED", 12345, 0, 0, 12345),
        payment("EXPIRED", 0, 1),
        payment("EXPIRED", 0, 0, 1),
    ],
)
def test_what_cannot_be_is_a_contradiction(provider, body):
    with pytest.raises(Contradiction):
        look(provider, answer(200, body))


@pytest.mark.parametrize(
    ("response", "word"),
    [
        (problem(404, "5090"), Word.NOT_FOUND),
        (problem(404), Word.UNCLEAR),
        (problem(404, "5090", "4040"), Word.UNCLEAR),
        (problem(400, "5090"), Word.UNCLEAR),
        (answer(404, {"statusCode": 404, "message": "Resource not found"}), Word.UNCLEAR),
        (problem(401), Word.UNCLEAR),
        (problem(429), Word.UNCLEAR),
        (problem(500), Word.UNCLEAR),
        (httpx.Response(200, text="<html>"), Word.UNCLEAR),
        (answer(200, payment("AUTHORIZED", 12345) | {"pspReference": 7}), Word.UNCLEAR),
        (answer(200, payment("AUTHORIZED", 12345) | {"amount": 12345}), Word.UNCLEAR),
    ],
)
def test_only_their_own_word_says_that_nothing_is_there(provider, response, word):
    assert look(provider, response).word is word


@pytest.mark.parametrize(
    ("value", "until"),
    [
        ("2026-01-02T03:04:05.1234567Z", "2026-01-02T03:04:05.123456+00:00"),
        ("2026-01-02T03:04:05+01:00", "2026-01-02T02:04:05+00:00"),
        ("2026-01-02", None),
        (None, None),
        (7, None),
    ],
)
def test_a_guarantee_says_until_when(provider, value, until):
    standing = look(
        provider, answer(200, payment("AUTHORIZED", 12345, captureGuaranteedUntil=value))
    )
    assert (standing.valid_until and standing.valid_until.isoformat()) == until
    assert standing.word is Word.AUTHORISED


@pytest.mark.parametrize(
    ("method", "more", "action"),
    [
        ("vipps", {"redirectUrl": "https://page.example/"}, Redirect(url="https://page.example/")),
        ("qr", {"redirectUrl": "https://qr.example/"}, ShowQr(payload="https://qr.example/")),
        ("former", {"redirectUrl": "https://page.example/"}, Redirect(url="https://page.example/")),
        ("vipps", {"redirectUrl": None}, None),
        ("qr", {}, None),
    ],
)
def test_a_waiting_payment_says_what_the_customer_can_do(provider, method, more, action):
    response = answer(200, payment("CREATED", **more))
    standing = exchange(provider.status(asked(method=method)), told(response))
    assert (standing.word, standing.action) == (Word.PENDING, action)


def test_a_link_that_is_no_page_is_not_shown(provider):
    body = payment("CREATED", redirectUrl="javascript:alert(1)")
    assert look(provider, answer(200, body)).word is Word.UNCLEAR


# --- answers to changes ---------------------------------------------------------------------------


def changed(provider, name, minor, response, **books):
    return exchange(getattr(provider, name)(change(minor, **books)), told(response)).outcome


@pytest.mark.parametrize(
    "row",
    """
    asks           before: A     C     R     X  after: A     C     R     X  outcome
    capture  5000      12345     0     0     0     12345  5000     0     0  succeeded
    capture  5000      12345  4000     0     0     12345  9000     0     0  succeeded
    capture  5000      12345  4000  1000     0     12345  9000  1000     0  succeeded
    capture  5000      12345     0     0     0     12345     0     0     0  unknown
    capture  5000      12345     0     0     0     12345  4999     0     0  unknown
    capture  5000      12345     0     0     0     12345  9000     0     0  unknown
    capture  5000      12345  5000     0     0     12345  5000     0     0  unknown
    refund   5000      12345 12345     0     0     12345 12345  5000     0  succeeded
    refund   5000      12345 12345  2000     0     12345 12345  7000     0  succeeded
    refund   5000      12345 12345     0     0     12345 12345  4999     0  unknown
    refund   5000      12345 12345  5000     0     12345 12345  5000     0  unknown
    void    12345      12345     0     0     0     12345     0     0 12345  succeeded
    void     7345      12345  5000     0     0     12345  5000     0  7345  succeeded
    void    12345          0     0     0     0     12345     0     0 12345  succeeded
    void    12345      12345     0     0     0     12345     0     0     0  unknown
    void    12345      12345     0     0     0     12345  5000     0  7345  unknown
    void     7345      12345  5000     0  7345     12345  5000     0  7345  unknown
    """.strip().splitlines()[1:],
)
@pytest.mark.parametrize("is_its_own", [True, False])
def test_a_200_counts_for_exactly_what_its_sums_have_more_than_ours(provider, row, is_its_own):
    name, minor, *figures, outcome = row.split()
    *sums, a, c, r, x = map(int, figures)
    books = dict(zip(("authorised", "captured", "refunded", "voided"), sums, strict=True))
    body = payment("AUTHORIZED", a, c, r, x, whole=int(minor) if is_its_own else 12345)
    assert changed(provider, name, int(minor), answer(200, body), **books) == outcome


@pytest.mark.parametrize(
    ("name", "minor", "body", "outcome"),
    [
        ("void", 12345, payment("TERMINATED", 0, 0, 0, 12345), "succeeded"),
        ("void", 12345, payment("TERMINATED"), "succeeded"),
        ("void", 12345, payment("ABORTED"), "unknown"),
        ("void", 12345, payment("CREATED"), "unknown"),
        ("capture", 5000, payment("REOPENED", 12345, 5000), "unknown"),
        ("capture", 5000, {"aggregate": payment("", 12345, 5000)["aggregate"]}, "unknown"),
    ],
)
def test_a_200_about_a_payment_that_nobody_approved(provider, name, minor, body, outcome):
    assert changed(provider, name, minor, answer(200, body), authorised=0) == outcome


@pytest.mark.parametrize(
    ("name", "minor", "body"),
    [
        ("capture", 5000, payment("AUTHORIZED", 12345, 5000, whole=4000)),
        ("capture", 5000, payment("AUTHORIZED", 12345, 5000, currency="NOK")),
        ("capture", 5000, payment("AUTHORIZED", 12345, 12346)),
        ("capture", 5000, payment("AUTHORIZED", 12346, 5000)),
        ("capture", 5000, payment("AUTHORIZED", 5000, 5000, whole=5000)),
        ("capture", 5000, payment("AUTHORIZED", 12345, 5000) | {"reference": "other" * 4}),
        ("refund", 5000, payment("AUTHORIZED", 12345, 4000, 5000)),
    ],
)
def test_a_200_about_something_else_is_a_contradiction(provider, name, minor, body):
    with pytest.raises(Contradiction):
        changed(provider, name, minor, answer(200, body))


ERRORS = """
    refused  4040 4050 4060 4070 4080 4090 4100 4110 4120 4130 4140 4160
    refused  5010 5020 5030 5040 5050 5060 5070 5080 5090 5100 7010
    refused  6010 6020 6080 6030 6100 6220 6040 6050 6060 6090 6110 6120 6130 6140 6150
    refused  6190 6200 6210
    unknown  6170 6180 6230 4150 4010 4020 6160 6250 6260 6280 3010 6070 10010 9999 x
"""


@pytest.mark.parametrize(
    ("outcome", "code"),
    [(row.split()[0], code) for row in ERRORS.strip().splitlines() for code in row.split()[1:]],
)
def test_each_code_has_its_outcome(provider, outcome, code):
    for name in ("capture", "void", "refund"):
        result = exchange(getattr(provider, name)(change(1)), told(problem(400, code)))
        assert result.outcome == outcome
        assert result.reason == (REFUSALS[code] if outcome == "refused" else "")
    assert exchange(provider.authorise(order()), told(problem(400, code))).outcome == outcome
    for status in (200, 201, 409, 422, 423, 429, 500, 503):
        assert changed(provider, "capture", 1, problem(status, code)) == "unknown"


@pytest.mark.parametrize(
    ("response", "outcome", "reason"),
    [
        (problem(400), "refused", "invalid_request"),
        (problem(403), "refused", "unauthorised"),
        (problem(403, "5070"), "refused", "not_set_up"),
        (problem(403, "4150"), "unknown", ""),
        (problem(404), "unknown", ""),
        (problem(404, "5090"), "refused", "payment_not_found"),
        (problem(400, "6090", "6170"), "unknown", ""),
        (answer(403, {"responseInfo": {}, "result": {"message": "no"}}), "refused", "unauthorised"),
        (answer(400, {"responseInfo": {}, "result": {"message": "no"}}), "unknown", ""),
        (httpx.Response(403, text="<html>"), "unknown", ""),
        (
            answer(400, {"title": "", "status": 400, "extraDetails": [{"name": "ErrorCode"}]}),
            "unknown",
            "",
        ),
        (
            answer(400, {"title": "", "status": 400, "extraDetails": [{"name": "amount"}, 7]}),
            "refused",
            "invalid_request",
        ),
        (answer(400, {"title": "", "status": 400}), "refused", "invalid_request"),
    ],
)
def test_refused_is_only_what_they_say_did_nothing(provider, response, outcome, reason):
    result = exchange(provider.capture(change(1)), told(response))
    assert (result.outcome, result.reason) == (outcome, reason)


@pytest.mark.parametrize(
    "body",
    [
        {"reference": REFERENCE},
        {"reference": REFERENCE, "redirectUrl": "vipps://pay"},
        {"reference": None, "redirectUrl": "https://landing.example/"},
        {"redirectUrl": "https://landing.example/"},
        [],
    ],
)
def test_a_payment_without_a_way_to_pay_is_unknown(provider, body):
    result = exchange(provider.authorise(order()), told(answer(201, body)))
    assert (result.outcome, result.action) == (Outcome.UNKNOWN, None)


def test_another_payment_s_link_is_a_contradiction(provider):
    body = {"reference": "other" * 4, "redirectUrl": "https://landing.example/"}
    with pytest.raises(Contradiction):
        exchange(provider.authorise(order()), told(answer(201, body)))


# --- suspicion ------------------------------------------------------------------------------------

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=12,
)
GOOD = payment("AUTHORIZED", 12345, 5000, 5000, 5000)
bodies = st.one_of(
    st.binary(max_size=200),
    anything.map(lambda value: json.dumps(value).encode()),
    # A good answer, but for one field.
    st.tuples(st.sampled_from(["reference", "state", "amount", "aggregate"]), anything).map(
        lambda spoilt: json.dumps(GOOD | dict([spoilt])).encode()
    ),
    st.tuples(st.sampled_from(sorted(GOOD["aggregate"])), anything).map(
        lambda spoilt: json.dumps(GOOD | {"aggregate": GOOD["aggregate"] | dict([spoilt])}).encode()
    ),
    st.sampled_from([b"", b"<html>", b"[" * 5000, b" " * (1 << 20) + b"{}", b'{"a":1e999}']),
)


@given(status=st.sampled_from([200, 201, 202, 204, 302, 400, 401, 404, 409, 500]), body=bodies)
def test_no_odd_answer_is_ever_a_success_or_a_crash(status, body):
    provider = VippsMobilePay(config())
    handler = told(httpx.Response(status, content=body))
    operations = [provider.authorise(order())]
    operations += [getattr(provider, name)(change(5000, **BEFORE[name])) for name in BEFORE]
    for operation in operations:
        with suppress(Contradiction):
            assert exchange(operation, handler).outcome is not Outcome.SUCCEEDED
    with suppress(Contradiction):
        ask = asked()
        standing = exchange(provider.status(ask), handler)
        assert (standing.word, standing.authorised.minor) == (Word.UNCLEAR, 0)


# What was known before each change of which that is the answer.
BEFORE = {
    "capture": {"refunded": 5000, "voided": 5000},
    "void": {"captured": 5000, "refunded": 5000},
    "refund": {"captured": 5000, "voided": 5000},
}


def test_the_answer_that_is_spoilt_there_is_good_as_it_is(provider):
    for name, books in BEFORE.items():
        assert changed(provider, name, 5000, answer(200, GOOD), **books) == "succeeded"
    assert look(provider, answer(200, GOOD)).word is Word.AUTHORISED


@pytest.mark.parametrize("name", ["capture", "void", "refund"])
@pytest.mark.parametrize("status", [201, 202, 204, 206, 299, 302, 500])
def test_the_good_body_under_another_status_proves_nothing(provider, name, status):
    assert changed(provider, name, 5000, answer(status, GOOD), **BEFORE[name]) == "unknown"


def test_a_lost_answer_goes_through(provider):
    def lose(request):
        raise httpx.ReadTimeout("lost")

    with pytest.raises(TransportError):
        exchange(provider.capture(change(1)), lose)


def test_no_secret_shows(provider, vipps):
    pay(provider, vipps)
    texts = repr(provider) + str(provider.config) + provider.config.model_dump_json()
    assert not any(secret in texts for secret in (*SECRETS, "token-000001"))


# --- configuration --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "address"),
    [
        ({}, "https://apitest.vipps.no"),
        ({"is_test": False}, "https://api.vipps.no"),
        ({"base_url": "http://127.0.0.1:8080/"}, "http://127.0.0.1:8080"),
    ],
)
def test_the_address_goes_by_the_environment(changes, address):
    assert config(**changes).base_url == address


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("merchant_serial_number", "123"),
        ("merchant_serial_number", "12345678901"),
        ("market", "IS"),
        ("client_id", ""),
        ("client_secret", "short"),
        ("agreement_url", "http://shop.example/agreements"),
        ("subscription_key", "with a space"),
        ("notice_secret", ""),
        ("notice_secret", "line\nline-line"),
        ("notice_url", "http://shop.example/notices"),
        ("notice_url", "https://shop.example/notices?a=b"),
        ("notice_url", "https://shop.example:port/"),
        ("base_url", "http://api.example"),
        ("system_name", "x" * 31),
        ("system_version", "x" * 31),
        ("name", "Vipps"),
        ("secret", "x"),
    ],
)
def test_a_wrong_setting_is_named_and_not_repeated(field, value):
    with pytest.raises(InvalidInput) as caught:
        config(**{field: value})
    assert caught.value.field == field
    assert len(value) < 5 or value not in str(caught.value)


def test_what_it_can_do_is_what_the_sales_unit_can():
    capabilities = VippsMobilePay(config(partial_capture=False)).capabilities
    assert capabilities.operations == set(Operation)
    assert capabilities.can_be_asked
    assert capabilities.captures == "whole"
    assert VippsMobilePay(config()).capabilities.captures == "many"
    assert capabilities.partial_refund
    assert VippsMobilePay(config(name="vipps_dk")).name == "vipps_dk"


# --- notices --------------------------------------------------------------------------------------

VECTOR = Webhook(
    {
        "x-ms-date": "Thu, 30 Mar 2023 08:38:32 GMT",
        "x-ms-content-sha256": "lNlsp1XA03N34HrQsVzPgJKtC+r7l/RBF4V3JQUWMj4=",
        "authorization": "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256"
        "&Signature=agAiSyogQbDHpeucoNwYz+yAr5nJ+v+zasdkSbqzv+U=",
    },
    b'{"some-unique-content":"ee6e441b-cc4a-46f8-895d-a5af79bcc233/hello-world"}',
    1_680_165_512,
)


def test_the_published_signature_is_genuine():
    provider = VippsMobilePay(
        config(
            notice_url="https://webhook.site/e2cee29b-012e-4f1d-8ef4-e95fd74a7a63",
            notice_secret="A0+AeKBRG2KRGvnNwJpQlb6IJFk48CKXCIcrLoHncVJKDILsQSxS6NWCccwWm6r6FhGKh"
            "iHTBsG2wo/xU6FY/A==",
        )
    )
    # Its body is no payment's, so what is left to say is that it was signed.
    with pytest.raises(UntrustedNotice, match="signed, but not readable as a notice"):
        provider.read_notices(VECTOR)
    with pytest.raises(UntrustedNotice, match="not the provider's"):
        provider.read_notices(replace(VECTOR, body=VECTOR.body + b" "))


def notice_of(provider, headers, body, now_s=NOW_S):
    (notice,) = provider.read_notices(Webhook(headers, body, now_s))
    return notice


def test_a_notice_is_named_by_its_event(provider, vipps):
    pay(provider, vipps)
    exchange(provider.capture(change(5000)), vipps.handle)
    (notice,) = provider.read_notices(vipps.unit.outbox[-1])
    assert (notice.id, notice.merchant_reference) == ("event-000002-CAPTURED", REFERENCE)
    assert notice.kind == "CAPTURED"


BODY = json.dumps({"reference": REFERENCE, "pspReference": "psp-1", "name": "CAPTURED"}).encode()


def sealed(**changes):
    return seal(BODY, **{"secret": SECRETS[2], **changes})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        sealed(secret="another-secret-of-ours"),
        sealed(url="https://shop.example/notices/other"),
        sealed(url="https://shop.example/notices/vipps_mobilepay/"),
        sealed(url="https://other.example/notices/vipps_mobilepay"),
        {**sealed(), "x-ms-date": formatdate(NOW_S, usegmt=True)},  # twice, in two cases
        {**sealed(), "X-Ms-Date": formatdate(NOW_S + 1, usegmt=True)},
        {**sealed(), "X-Ms-Content-Sha256": "ø"},
        {**sealed(), "Authorization": "ø\ud800"},
        {**sealed(), "Authorization": sealed()["Authorization"][:-2]},
        {**sealed(), "Authorization": sealed()["Authorization"].split("=")[-2] + "="},
        {**sealed(), "Authorization": sealed()["Authorization"].replace(";host", "")},
        sealed(date="yesterday"),
        sealed(date="Thu, 99 Mar 2023 08:38:32 GMT"),
    ],
)
def test_a_wrong_signature_proves_nothing(provider, headers):
    with pytest.raises(UntrustedNotice):
        notice_of(provider, headers, BODY)
    assert notice_of(provider, sealed(), BODY).kind == "CAPTURED"


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_one_changed_byte_is_enough(place, bits):
    body = bytearray(BODY)
    body[place] ^= bits
    with pytest.raises(UntrustedNotice):
        notice_of(VippsMobilePay(config()), sealed(), bytes(body))


@pytest.mark.parametrize(
    "body",
    [BODY[:-1], BODY + b"\n", json.dumps(json.loads(BODY), indent=1).encode(), BODY * 2, b""],
)
def test_a_body_cut_or_written_anew_is_another_one(provider, body):
    with pytest.raises(UntrustedNotice, match="not the provider's"):
        notice_of(provider, sealed(), body)


@pytest.mark.parametrize(
    ("age_s", "is_believed"),
    [(-301, False), (-300, True), (0, True), (NOTICE_AGE_S, True), (NOTICE_AGE_S + 1, False)],
)
def test_a_notice_is_believed_for_as_long_as_they_send_it(provider, age_s, is_believed):
    if is_believed:
        notice_of(provider, sealed(), BODY, NOW_S + age_s)
    else:
        with pytest.raises(UntrustedNotice, match="too long ago"):
            notice_of(provider, sealed(), BODY, NOW_S + age_s)


@pytest.mark.parametrize("url", ["https://shop.example:8080/notices/", "http://127.0.0.1:9/n"])
def test_the_registered_address_is_signed_to_the_letter(url):
    provider = VippsMobilePay(config(notice_url=url))
    headers = seal(BODY, SECRETS[2], url.replace("http:", "https:"))
    assert notice_of(provider, headers, BODY).kind == "CAPTURED"


@pytest.mark.parametrize("body", [b"{}", b"[]", b"<html>", b'{"reference": 7}', b"\xff"])
def test_what_is_signed_must_still_be_a_notice(provider, body):
    with pytest.raises(UntrustedNotice, match="not readable as a notice"):
        notice_of(provider, seal(body, SECRETS[2]), body)
