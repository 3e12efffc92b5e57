"""Walley's adapter and its stand-in, held to the contract and to each other."""

from __future__ import annotations

import json
from functools import partial
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import wire
from tests.wire import CHECKS, JSON, REFERENCE, answer, bodies, line, outcome_of

from checkoutflow.errors import Contradiction, InvalidInput, NotSupported, UntrustedNotice
from checkoutflow.money import Money
from checkoutflow.payment.books import Books
from checkoutflow.payment.outcomes import Operation, Outcome, Redirect, Result, Standing, Word
from checkoutflow.providers.contract import Ask, Modification, Webhook
from checkoutflow.providers.notices import address_for
from checkoutflow.providers.walley import ITEMS, ORDERS, Walley, WalleyConfig
from checkoutflow.testing import Clock
from checkoutflow.testing.adapters import AdapterCase, Stage, exchange
from checkoutflow.testing.standins.faults import Fault
from checkoutflow.testing.standins.walley import SimulatedWalley

PRODUCTION, TEST = WalleyConfig.hosts
KEY = f"{REFERENCE}-2"
PAGE = "https://shop.example/pay"


# --- the contract ---------------------------------------------------------------------------------


def stage_of(market, page_url, whose="ours"):
    clock = Clock()
    stores = SimulatedWalley(clock, market=market, secret=whose, page_url=page_url)

    def customer(action, approve):
        if page_url is None:
            form = {"decision": "approve" if approve else "decline"}
            stores.handle(httpx.Request("POST", action.url, data=form))
            return
        (token,) = parse_qs(urlsplit(action.url).query)["token"]
        (stores.approve if approve else stores.decline)(stores.with_token(token))

    def settle():
        clock.advance(seconds=10)

    return Stage(
        provider=stores.provider(),
        handler=stores.handle,
        notice=lambda: stores.outbox[-1],
        customer=customer,
        settle=settle,
    )


def case_of(market, amount, page_url=None):
    return AdapterCase(
        make=lambda: stage_of(market, page_url),
        foreign=lambda: stage_of(market, page_url, "theirs"),
        method="checkout",
        amount=Money.read(amount),
        secrets=("ours-client-secret", "ours-secret-of-the-notice-addresses"),
        details={"email": "test@example.com", "phone": "+4670123456"},
        words={"status": ("data", "status")},
        signature="address",
        notice_age_s=None,  # no time is signed
    )


CASES = {
    "their page in Sweden": case_of("SE", "1234.50 SEK"),
    "the shop's page in Finland": case_of("FI", "99.99 EUR", PAGE),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", CHECKS)
def test_walley_keeps_the_contract(check, case):
    check(case)


# --- what is asked --------------------------------------------------------------------------------


def config(**changes):
    settings = {
        "client_id": "client-1",
        "client_secret": "walley-client-secret",
        "market": "DK",
        "store_id": 123,
        "terms_url": "https://shop.example/terms",
        "notice_url": "https://shop.example/notices/walley",
        "notice_secret": "a secret that nobody else knows of",
    }
    return WalleyConfig.read({**settings, **changes})


def adapter_of(**changes):
    return Walley(config(**changes))


order = partial(
    wire.order, method="checkout", details={"email": "test@example.com", "phone": "+4570123456"}
)


def change(minor=10000, key=KEY, known: str | None = "s1:o1"):
    books = Books(currency="DKK", authorised=10000)
    return Modification(key, REFERENCE, known, Money(minor, "DKK"), "checkout", books)


def asked(minor=10000, known: str | None = "s1:o1"):
    return Ask(REFERENCE, known, Money(minor, "DKK"), "checkout")


TOKEN = {"token_type": "Bearer", "expires_in": 3599, "access_token": "t1"}


def talk(operation, *answers, token=True):
    """Run an operation against prepared answers: what comes of it, and what was sent."""
    if not token:
        return wire.talk(operation, *answers)
    result, sent = wire.talk(operation, answer(200, TOKEN), *answers)
    return result, sent[1:]


OPENED = {
    "id": "x1",
    "data": {
        "privateId": "s1",
        "publicToken": "public-DK-1",
        "paymentUri": "https://w.example/p/1",
    },
    "error": None,
}


def test_a_session_is_opened_and_the_customer_sent_to_its_page():
    lines = (line(7500), line(2000, kind="delivery", line_id="parcel"), line(500, kind="fee"))
    result, (sent,) = talk(adapter_of().authorise(order(lines=lines)), answer(200, OPENED))
    assert result == Result(
        outcome=Outcome.PENDING,
        provider_reference="s1",
        action=Redirect(url="https://w.example/p/1"),
    )
    assert (sent.method, str(sent.url)) == ("POST", f"{PRODUCTION}/checkouts")
    assert sent.headers["authorization"] == "Bearer t1"
    guid = sent.headers["walley-idempotency-key"]
    assert str(UUID(guid)) == guid == sent.headers["x-idempotency"]
    body = json.loads(sent.content)
    items = body.pop("cart")["items"]
    secret = config().notice_secret
    assert body == {
        "storeId": 123,
        "countryCode": "DK",
        "reference": REFERENCE,
        "merchantTermsUri": "https://shop.example/terms",
        "notificationUri": address_for("https://shop.example/notices/walley", secret, REFERENCE),
        "redirectPageUri": "https://shop.example/return",
        "checkoutAbortedRedirectPageUri": "https://shop.example/return",
        "customer": {"email": "test@example.com", "mobilePhoneNumber": "+4570123456"},
    }
    assert [item["unitPrice"] for item in items] == [75.0, 20.0, 5.0]
    assert items[0] == {
        "id": "mill",
        "description": "Kaffekværn",
        "unitPrice": 75.0,
        "quantity": 1,
        "vat": 25.0,
    }


def test_a_page_of_the_shop_gets_the_public_token():
    adapter = adapter_of(page_url=PAGE)
    result, _ = talk(adapter.authorise(order()), answer(201, OPENED))
    assert result.action == Redirect(url=f"{PAGE}?token=public-DK-1")


def test_businesses_have_a_store_of_their_own():
    adapter = adapter_of(business_store_id=124)
    _, (sent,) = talk(adapter.authorise(order(customer="business", details={})), answer(500))
    body = json.loads(sent.content)
    assert body["storeId"] == 124
    assert "customer" not in body


def test_a_token_is_asked_for_with_a_form_and_kept():
    adapter = adapter_of(is_test=True)
    _, sent = talk(adapter.status(asked()), answer(200, TOKEN), answer(500), token=False)
    assert (sent[0].method, str(sent[0].url)) == ("POST", f"{TEST}/oauth2/v2.0/token")
    assert sent[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(sent[0].content.decode()) == {
        "client_id": ["client-1"],
        "client_secret": ["walley-client-secret"],
        "grant_type": ["client_credentials"],
        "scope": ["705798e0-8cef-427c-ae00-6023deba29af/.default"],
    }
    _, sent = talk(adapter.status(asked()), answer(500), token=False)
    assert len(sent) == 1


def test_a_token_that_is_too_old_is_replaced_once():
    stores = SimulatedWalley(Clock())
    adapter = stores.provider()
    known = exchange(adapter.authorise(order()), stores.handle).provider_reference
    stores.forget_tokens()
    standing = exchange(adapter.status(asked(known=known)), stores.handle)
    assert standing.word is Word.PENDING
    _, sent = talk(
        adapter.status(asked()), answer(401), answer(200, TOKEN), answer(401), token=False
    )
    assert [request.url.path.split("/")[1] for request in sent] == ["manage", "oauth2", "manage"]


@pytest.mark.parametrize(
    ("outcome", "token"),
    [
        (Outcome.REFUSED, answer(401, {"error": "invalid_client"})),
        (Outcome.REFUSED, answer(400, {"error": "invalid_scope"})),
        (Outcome.UNKNOWN, answer(500)),
        (Outcome.UNKNOWN, answer(200, {**TOKEN, "token_type": "MAC"})),
        (Outcome.UNKNOWN, answer(200, {**TOKEN, "access_token": "two words"})),
    ],
)
def test_without_a_token_nothing_is_asked(outcome, token):
    result, sent = talk(adapter_of().authorise(order()), token, token=False)
    assert (result.outcome, len(sent)) == (outcome, 1)


@given(
    st.lists(
        st.tuples(
            st.integers(1, 10**7),
            st.integers(1, 999),
            st.sampled_from([0, 600, 1200, 2500, 2550]),
            st.sampled_from(["goods", "digital", "delivery", "fee"]),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_the_cart_adds_up_to_the_last_oere(rows):
    lines = tuple(line(minor, quantity, basis, kind) for minor, quantity, basis, kind in rows)
    amount = sum(minor for minor, *_ in rows)
    stores = SimulatedWalley(Clock())
    adapter = stores.provider()
    result = exchange(adapter.authorise(order(amount, lines=lines)), stores.handle)
    stores.approve(REFERENCE)
    known = result.provider_reference
    standing = exchange(adapter.status(asked(amount, known)), stores.handle)
    assert standing.authorised.minor == stores.book(REFERENCE).authorised == amount


def test_what_cannot_be_priced_by_the_piece_is_one_piece_and_names_are_cut():
    lines = (line(quantity=3, name="x" * 60, line_id="y" * 60),)
    _, (sent,) = talk(adapter_of().authorise(order(lines=lines)), answer(500))
    (item,) = json.loads(sent.content)["cart"]["items"]
    assert (item["quantity"], item["description"], item["id"]) == (1, f"3 × {'x' * 46}", "y" * 50)


@pytest.mark.parametrize(
    ("error", "field", "facts"),
    [
        (NotSupported, "method", {"method": "card"}),
        (NotSupported, "currency", {"currency": "SEK"}),
        (NotSupported, "customer", {"customer": "business"}),
        (InvalidInput, "amount", {"minor": 0}),
    ],
)
def test_what_is_beyond_their_limits_is_refused_before_anything_is_sent(error, field, facts):
    with pytest.raises(error) as caught:
        next(adapter_of().authorise(order(**facts)))
    assert caught.value.field == field


# --- what comes of it -----------------------------------------------------------------------------


def no(code="900", *reasons):
    errors = [{"reason": reason, "message": "m"} for reason in reasons]
    return {"id": "x", "error": {"code": code, "message": "m", "errors": errors}}


NOT_DONE = [
    (Outcome.REFUSED, "invalid_request", answer(400, no("VALIDATION_ERROR", "UNIT_PRICE"))),
    (Outcome.REFUSED, "invalid_request", answer(422, no())),
    (Outcome.REFUSED, "unauthorised", answer(403, no("403"))),
    (Outcome.REFUSED, "payment_not_found", answer(404, {"id": "x", "error": {"code": 404}})),
    (Outcome.UNKNOWN, "", answer(400, no("CAPTURE_ORDER_ALREADY_CAPTURED"))),
    (Outcome.UNKNOWN, "", answer(422, no("900", "ORDER_ALREADY_CAPTURED"))),
    (Outcome.UNKNOWN, "", answer(400, no("IDEMPOTENCY_RESPONSE_EXPIRED"))),
    (Outcome.UNKNOWN, "", answer(400, {"error": "no"})),
    (Outcome.UNKNOWN, "", answer(400)),
    *[(Outcome.UNKNOWN, "", answer(status, no())) for status in (408, 409, 423, 429, 500, 503)],
]


@pytest.mark.parametrize(("outcome", "reason", "given_answer"), NOT_DONE)
def test_what_they_do_not_take(outcome, reason, given_answer):
    for operation in (adapter_of().authorise(order()), adapter_of().capture(change())):
        result, _ = talk(operation, given_answer)
        assert (result.outcome, result.reason) == (outcome, reason)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {**OPENED, "error": {}},
        {**OPENED, "data": {"privateId": "../1", "paymentUri": "https://w.example/p/1"}},
        {**OPENED, "data": {"privateId": "s1", "publicToken": "t"}},
        {**OPENED, "data": {"privateId": "s1", "paymentUri": "javascript:alert(1)"}},
    ],
)
def test_a_session_without_a_page_is_unknown(body):
    assert talk(adapter_of().authorise(order()), answer(200, body))[0].outcome is Outcome.UNKNOWN


SESSION = {"reference": REFERENCE, "status": "Initialized", "purchase": None, "order": None}


def session(status="Initialized", result=None, order_id=None, **more):
    purchase = {"amountToPay": 100, "result": result} if result else None
    found = {"orderId": order_id} if order_id else None
    data = {**SESSION, "status": status, "purchase": purchase, "order": found, **more}
    return answer(200, {"id": "x", "data": data, "error": None})


@pytest.mark.parametrize(
    ("name", "word", "body"),
    [
        ("capture", "capture", {"amount": 40.0, "actionReference": KEY}),
        ("refund", "refund", {"amount": 40.0, "actionReference": KEY}),
        ("void", "cancel", {"actionReference": KEY}),
    ],
)
@pytest.mark.parametrize("known", ["s1:o1", "s1"])
def test_what_is_asked_of_an_order_is_taken_in(name, word, body, known):
    first = [] if known == "s1:o1" else [session("PurchaseCompleted", "Preliminary", "o1")]
    operation = getattr(adapter_of(), name)(change(4000, known=known))
    result, sent = talk(operation, *first, answer(202))
    assert result == Result(outcome=Outcome.PENDING)
    assert (sent[-1].method, sent[-1].url.path) == ("POST", f"/manage/orders/o1/{word}")
    assert json.loads(sent[-1].content) == body
    assert sent[-1].headers["walley-idempotency-key"] == sent[-1].headers["x-idempotency"]


@pytest.mark.parametrize(
    ("outcome", "methods", "answers"),
    [
        (Outcome.SUCCEEDED, "GET DELETE", [session(), answer(200, {"data": None, "error": None})]),
        (Outcome.UNKNOWN, "GET DELETE", [session("CommittedToPurchase"), answer(409, no())]),
        (Outcome.UNKNOWN, "GET DELETE", [session(), answer(400, no("900"))]),
        (Outcome.UNKNOWN, "GET", [session("Aborted")]),
        (Outcome.UNKNOWN, "GET", [answer(404, no())]),
    ],
)
def test_before_there_is_an_order_a_void_aborts_the_session(outcome, methods, answers):
    result, sent = talk(adapter_of().void(change(known="s1")), *answers)
    assert result.outcome is outcome
    assert " ".join(request.method for request in sent) == methods


def test_nothing_is_asked_of_what_is_not_there():
    for name in ("capture", "refund"):
        result, sent = talk(getattr(adapter_of(), name)(change(known="s1")), session())
        assert (result.outcome, len(sent)) == (Outcome.UNKNOWN, 1)
        result, sent = talk(getattr(adapter_of(), name)(change(known=None)), token=False)
        assert (result.outcome, len(sent)) == (Outcome.UNKNOWN, 0)


# --- how it stands --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "given_answer"),
    [
        *[
            (Word.PENDING, session(status))
            for status in ("Initialized", "CustomerIdentified", "CommittedToPurchase")
        ],
        (Word.PENDING, session("PurchaseCompleted", "OnHold")),
        (Word.PENDING, session("PurchaseCompleted", "Signing")),
        (Word.VOIDED, session("Aborted")),
        (Word.VOIDED, session("PurchaseCompleted", "Cancelled")),
        (Word.DECLINED, session("PurchaseCompleted", "Rejected")),
        (Word.UNCLEAR, session("PurchaseCompleted", "Preliminary")),
        (Word.UNCLEAR, session("PurchaseCompleted", "Activated")),
        (Word.UNCLEAR, session("PurchaseCompleted")),
        (Word.UNCLEAR, session("PurchaseCompleted", "Preliminary", order_id="../1")),
        (Word.UNCLEAR, session("Paused")),
        (Word.UNCLEAR, session(status=7)),
        (Word.UNCLEAR, answer(404, no("404"))),
        (Word.UNCLEAR, answer(401, no())),
        (Word.UNCLEAR, answer(200, {"data": None})),
        (Word.UNCLEAR, answer(500)),
    ],
)
def test_a_session_without_an_order(word, given_answer):
    standing, (sent, *_) = talk(adapter_of().status(asked(known="s1")), given_answer)
    reason = "declined" if word is Word.DECLINED else ""
    assert standing == Standing.nothing(word, "DKK", reason=reason)
    assert sent.url.path == "/checkouts/s1"


def test_a_session_whose_name_was_lost_was_seen_by_nobody():
    standing, sent = talk(adapter_of().status(asked(known=None)), token=False)
    assert (standing, sent) == (Standing.nothing(Word.NOT_FOUND, "DKK"), [])


def shown(status="NotActivated", items=((100, "NotActivated"),), **more):
    data = {
        "id": "o1",
        "reference": REFERENCE,
        "currency": "DKK",
        "status": status,
        "items": [{"totalPrice": price, "status": word} for price, word in items],
        **more,
    }
    return answer(200, {"data": data, "links": {}})


OPEN, TAKEN, BACK, GONE = "NotActivated", "Activated", "Returned", "Canceled"


@pytest.mark.parametrize(
    ("word", "sums", "status", "items"),
    [
        (Word.AUTHORISED, (100, 0, 0, 0), OPEN, [(100, OPEN)]),
        (Word.AUTHORISED, (100, 0, 0, 0), OPEN, [(150, OPEN), (-50, OPEN)]),
        (Word.AUTHORISED, (100, 40, 0, 0), "PartActivated", [(40, TAKEN), (60, OPEN)]),
        (Word.AUTHORISED, (100, 40, 0, 0), OPEN, [(40, TAKEN), (60, OPEN)]),
        (Word.AUTHORISED, (100, 40, 0, 60), TAKEN, [(40, TAKEN), (60, GONE)]),
        (Word.AUTHORISED, (100, 40, 0, 60), "Expired", [(40, TAKEN), (60, "Expired")]),
        (Word.AUTHORISED, (100, 100, 30, 0), TAKEN, [(70, TAKEN), (30, BACK)]),
        (Word.AUTHORISED, (100, 100, 100, 0), BACK, [(100, BACK)]),
        (Word.VOIDED, (100, 0, 0, 100), "Cancelled", [(100, GONE)]),
        (Word.VOIDED, (100, 0, 0, 100), OPEN, [(100, "Cancelled")]),
        (Word.EXPIRED, (100, 0, 0, 100), "Expired", [(100, "Expired")]),
        (Word.PENDING, (0, 0, 0, 0), "OnHold", [(100, OPEN)]),
        (Word.DECLINED, (0, 0, 0, 0), "Rejected", [(100, OPEN)]),
        (Word.UNCLEAR, (0, 0, 0, 0), TAKEN, [(100, TAKEN), (30, BACK)]),
        (Word.UNCLEAR, (0, 0, 0, 0), OPEN, [(99.99, OPEN)]),
        (Word.UNCLEAR, (0, 0, 0, 0), OPEN, [(100, "Moved")]),
        (Word.UNCLEAR, (0, 0, 0, 0), OPEN, [(200, TAKEN), (-100, GONE)]),
        (Word.UNCLEAR, (0, 0, 0, 0), OPEN, [(True, OPEN)]),
        (Word.UNCLEAR, (0, 0, 0, 0), OPEN, []),
        (Word.UNCLEAR, (0, 0, 0, 0), "Reauthorised", [(100, OPEN)]),
        (Word.UNCLEAR, (0, 0, 0, 0), 7, [(100, OPEN)]),
    ],
)
def test_an_order_stands_as_its_items_say(word, sums, status, items):
    standing, (sent,) = talk(adapter_of().status(asked()), shown(status, items))
    seen = (standing.authorised, standing.captured, standing.refunded, standing.voided)
    assert (standing.word, tuple(amount.minor // 100 for amount in seen)) == (word, sums)
    assert standing.provider_reference == ("s1:o1" if sums[0] else None)
    assert sent.url.path == "/manage/orders/o1"


@pytest.mark.parametrize("given_answer", [answer(200, {"data": {}}), answer(404, no("404"))])
def test_an_order_that_does_not_show_is_unclear(given_answer):
    standing, _ = talk(adapter_of().status(asked()), given_answer)
    assert standing == Standing.nothing(Word.UNCLEAR, "DKK")


def test_the_order_is_named_with_its_session_from_then_on():
    until = {"expiresAt": "2027-02-19T12:00:00+01:00"}
    answers = session("PurchaseCompleted", "Preliminary", "o1"), shown(**until)
    standing, sent = talk(adapter_of().status(asked(known="s1")), *answers)
    assert standing.provider_reference == "s1:o1"
    assert standing.valid_until is not None
    assert standing.valid_until.hour == 11
    assert [request.url.path for request in sent] == ["/checkouts/s1", "/manage/orders/o1"]


@pytest.mark.parametrize(
    ("known", "given_answer"),
    [
        ("s1", session(reference="b" * 20)),
        ("s1:o1", shown(reference="b" * 20)),
        ("s1:o1", shown(currency="SEK")),
        ("s1:o1", shown("OnHold", currency="ZZZ")),
        ("s1:o1", shown("Activated", [(150, TAKEN), (-50, OPEN)])),
    ],
)
def test_an_answer_about_something_else_is_a_contradiction(known, given_answer):
    with pytest.raises(Contradiction):
        talk(adapter_of().status(asked(known=known)), given_answer)


# --- notices --------------------------------------------------------------------------------------


def test_a_notice_is_believed_at_the_address_of_its_payment():
    adapter = adapter_of()
    _, (sent,) = talk(adapter.authorise(order()), answer(500))
    query = urlsplit(json.loads(sent.content)["notificationUri"]).query
    (notice,) = adapter.read_notices(Webhook({}, b"", 1_700_000_000.5, query))
    assert (notice.id, notice.merchant_reference) == (f"{REFERENCE}-1700000000", REFERENCE)
    assert (notice.kind, notice.heard) == ("notification", None)
    (later,) = adapter.read_notices(Webhook({}, b"", 1_700_000_100, query))
    assert later.id != notice.id
    for wrong in (
        "",
        "payment=x",
        query.replace("payment=a", "payment=b"),
        query[:-1],
        f"{query}&{query}",
    ):
        with pytest.raises(UntrustedNotice):
            adapter.read_notices(Webhook({}, b"", 1_700_000_000, wrong))
    other = adapter_of(notice_secret="another secret that nobody knows of")
    with pytest.raises(UntrustedNotice):
        other.read_notices(Webhook({}, b"", 1_700_000_000, query))


# --- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("client_id", ""),
        ("client_secret", "two words more"),
        ("notice_secret", "too short"),
        ("market", "IS"),
        ("store_id", 0),
        ("base_url", "http://api.walley.example"),
        ("notice_url", "https://shop.example/notices?shop=1"),
        ("page_url", "https://shop.example/pay#here"),
        ("terms_url", "terms"),
        ("name", "Walley SE"),
    ],
)
def test_a_wrong_setting_is_named(field, value):
    with pytest.raises(InvalidInput) as caught:
        config(**{field: value})
    assert caught.value.field == field


def test_settings_show_no_secrets_and_choose_the_address():
    adapter = adapter_of(name="walley_fi", market="FI")
    talk(adapter.status(asked()), answer(500))
    texts = f"{config()!r} {adapter!r} {config().model_dump_json()}"
    assert "walley-client-secret" not in texts
    assert "nobody else" not in texts
    assert "t1" not in repr(adapter)
    assert (config().base_url, config(is_test=True).base_url) == (PRODUCTION, TEST)
    assert (adapter.name, adapter.capabilities.currencies) == ("walley_fi", {"EUR"})
    repeats = [adapter.capabilities.repeats_for(operation) for operation in Operation]
    assert repeats == [3600, 0, 3600, 0]


# --- the stand-in ---------------------------------------------------------------------------------


def paid_stores(clock=None):
    stores = SimulatedWalley(clock or Clock())
    exchange(stores.provider().authorise(order()), stores.handle)
    stores.approve(REFERENCE)
    return stores


def raw(stores, method, where, body=None, **headers):
    known = {"authorization": "Bearer simulated-token-0", "walley-idempotency-key": "k1"}
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"https://walley.example{where}"
    return stores.handle(httpx.Request(method, url, headers={**known, **headers}, json=body))


SESSION_ID = "1eec44b5-66d3-4058-a31f-000000000001"
ORDER_ID = "853f3f82-ab12-47c3-9d97-000000000001"
PAID_SESSION, PAID_ORDER = f"/checkouts/{SESSION_ID}", f"/manage/orders/{ORDER_ID}"


def wanted(**changes):
    facts = order(merchant_reference="b" * 20)
    _, (sent,) = talk(adapter_of().authorise(facts), answer(500))
    return {**json.loads(sent.content), **changes}


@pytest.mark.parametrize(
    ("status", "method", "where", "body", "headers"),
    [
        (401, "GET", PAID_ORDER, None, {"authorization": "Bearer old"}),
        (401, "POST", "/oauth2/v2.0/token", None, {}),
        (404, "GET", "/nothing", None, {}),
        (404, "GET", "/checkouts/none", None, {}),
        (404, "GET", "/manage/orders/none", None, {}),
        (404, "POST", "/manage/orders/none/capture", {"amount": 1}, {}),
        (409, "DELETE", PAID_SESSION, None, {}),
        (400, "POST", "/checkouts", {}, {}),
        (400, "POST", "/checkouts", wanted(), {"content_type": "text/plain"}),
        (400, "POST", "/checkouts", wanted(storeId=7), {}),
        (400, "POST", "/checkouts", wanted(countryCode="SE"), {}),
        (400, "POST", "/checkouts", wanted(sessionId="x"), {}),
        (200, "POST", "/checkouts", wanted(), {}),
        (400, "POST", f"{PAID_ORDER}/capture", {}, {}),
        (422, "POST", f"{PAID_ORDER}/capture", {"amount": 100.01}, {}),
        (422, "POST", f"{PAID_ORDER}/refund", {"amount": 1}, {}),
        (202, "POST", f"{PAID_ORDER}/capture", {"amount": 100}, {}),
        (202, "POST", f"{PAID_ORDER}/cancel", {}, {}),
    ],
)
def test_the_stand_in_refuses_what_they_refuse(status, method, where, body, headers):
    response = raw(paid_stores(), method, where, body, **headers)
    assert response.status_code == status
    if status == 202:
        assert response.headers["location"] == PAID_ORDER
        assert response.content == b""


def test_what_was_taken_in_shows_seconds_later():
    clock = Clock()
    stores = paid_stores(clock)
    adapter = stores.provider()
    exchange(adapter.capture(change(4000, known=SESSION_ID)), stores.handle)
    known = f"{SESSION_ID}:{ORDER_ID}"
    before = exchange(adapter.status(asked(known=known)), stores.handle)
    clock.advance(seconds=5)
    after = exchange(adapter.status(asked(known=known)), stores.handle)
    assert (before.captured.minor, after.captured.minor) == (0, 4000)


def test_a_session_that_nobody_used_is_gone_after_a_week():
    clock = Clock()
    stores = SimulatedWalley(clock)
    known = exchange(stores.provider().authorise(order()), stores.handle).provider_reference
    clock.advance(days=8)
    standing = exchange(stores.provider().status(asked(known=known)), stores.handle)
    assert standing.word is Word.UNCLEAR


def test_a_purchase_that_they_reject_is_declined():
    clock = Clock()
    stores = SimulatedWalley(clock)
    stores.decline_next()
    known = exchange(stores.provider().authorise(order()), stores.handle).provider_reference
    stores.approve(REFERENCE)
    standing = exchange(stores.provider().status(asked(known=known)), stores.handle)
    assert standing == Standing.nothing(Word.DECLINED, "DKK", reason="declined")


def test_a_purchase_takes_its_time():
    clock = Clock()
    stores = SimulatedWalley(clock)
    stores.plan("authorise", Fault.SLOW)
    known = exchange(stores.provider().authorise(order()), stores.handle).provider_reference
    stores.approve(REFERENCE)
    words = []
    for _ in range(2):
        words.append(exchange(stores.provider().status(asked(known=known)), stores.handle).word)
        clock.advance(minutes=1)
    assert words == [Word.PENDING, Word.AUTHORISED]


def test_a_token_of_a_page_that_is_none():
    with pytest.raises(ValueError, match="no session"):
        paid_stores().with_token("public-DK-7")


def test_a_busy_service_says_when_to_come_back():
    stores = paid_stores()
    stores.plan("capture", Fault.RATE_LIMIT, Fault.BUSY)
    limited = raw(stores, "POST", f"{PAID_ORDER}/capture", {"amount": 1})
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
    busy = raw(stores, "POST", f"{PAID_ORDER}/capture", {"amount": 1})
    assert busy.json()["error"]["code"] == "IDEMPOTENCY_REQUEST_IN_PROGRESS"


NEEDED = {
    "POST oauth2/v2.0/token", "POST checkouts", "GET checkouts/S", "DELETE checkouts/S",
    "GET manage/orders/O", "POST manage/orders/O/capture", "POST manage/orders/O/refund",
    "POST manage/orders/O/cancel",
}  # fmt: skip


def test_every_operation_that_a_checkout_needs_is_covered():
    clock, covered = Clock(), set()
    stores = SimulatedWalley(clock)
    adapter = stores.provider()

    def ask(operation):
        def handle(request):
            where = request.url.path[1:].replace(ORDER_ID, "O").replace(SESSION_ID, "S")
            covered.add(f"{request.method} {where.replace(SESSION_ID[:-1] + '2', 'S')}")
            return stores.handle(request)

        clock.advance(seconds=10)
        return exchange(operation, handle)

    ask(adapter.authorise(order()))
    stores.approve(REFERENCE)
    known = ask(adapter.status(asked(known=SESSION_ID))).provider_reference
    for name, minor in (("capture", 6000), ("refund", 1000), ("void", 4000)):
        taken_in = ask(getattr(adapter, name)(change(minor, f"k-{name}", known)))
        assert taken_in.outcome is Outcome.PENDING
    other = order(merchant_reference="b" * 20, key="other")
    session_id = ask(adapter.authorise(other)).provider_reference
    unpaid = Modification(
        "k", "b" * 20, session_id, other.amount, "checkout", Books(currency="DKK")
    )
    assert ask(adapter.void(unpaid)).outcome is Outcome.SUCCEEDED
    standing = ask(adapter.status(asked(known=known)))
    sums = (standing.captured.minor, standing.refunded.minor, standing.voided.minor)
    assert sums == (6000, 1000, 4000)
    print(f"walley: {len(covered)} of {len(NEEDED)} operations covered")  # noqa: T201
    assert covered == NEEDED


# --- whatever arrives -----------------------------------------------------------------------------


@given(st.sampled_from([200, 201, 202, 400, 404, 500]), bodies(), st.booleans())
def test_an_arbitrary_answer_is_never_a_success(status, body, has_token):
    adapter = adapter_of()

    def handler(request):
        if has_token and request.url.path.startswith("/oauth2"):
            return answer(200, TOKEN)
        return httpx.Response(status, content=body)

    not_done = {Outcome.REFUSED, Outcome.UNKNOWN}
    result = outcome_of(adapter.authorise(order()), handler)
    assert result is None or result.outcome in not_done
    for name in ("capture", "void", "refund"):
        for known in ("s1", "s1:o1"):
            result = outcome_of(getattr(adapter, name)(change(known=known)), handler)
            pending = {Outcome.PENDING} if status == 202 and known == "s1:o1" else set()
            assert result is None or result.outcome in not_done | pending
    for known in ("s1", "s1:o1"):
        standing = outcome_of(adapter.status(asked(known=known)), handler)
        assert standing is None or standing.word is Word.UNCLEAR


@given(
    st.sampled_from([*ORDERS, "Moved"]) | JSON,
    st.lists(
        st.tuples(
            st.sampled_from([0, 40, 60, 100, -40, 1e300, 0.001]) | JSON,
            st.sampled_from(list(ITEMS)) | JSON,
        ),
        max_size=4,
    ),
    st.dictionaries(st.sampled_from(["reference", "currency", "expiresAt"]), JSON),
)
def test_an_arbitrary_order_is_read_or_left_unclear(status, items, changed):
    response = shown(status, items, **changed)
    standing = outcome_of(
        adapter_of().status(asked()),
        lambda request: answer(200, TOKEN) if "oauth2" in request.url.path else response,
    )
    if standing is not None:
        assert standing.captured + standing.voided <= standing.authorised
        assert standing.refunded <= standing.captured
        assert standing.authorised.minor in {0, 10000}
