"""Swish's adapter and its stand-in, held to the contract, to the schemas and to each other."""

from __future__ import annotations

import json
import ssl
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from tests.deals import BACK, Deal
from tests.wire import REFERENCE, always, answer, bodies, json_values, talk

from checkoutflow import CheckoutFlow
from checkoutflow.errors import Contradiction, InvalidInput, NotSupported, UntrustedNotice
from checkoutflow.money import Money
from checkoutflow.payment.books import Books
from checkoutflow.payment.outcomes import (
    Done,
    OpenApp,
    Operation,
    Outcome,
    ShowQr,
    Standing,
    Word,
)
from checkoutflow.privacy.secret import STARS, Secret
from checkoutflow.providers.contract import (
    Ask,
    Authorise,
    Earlier,
    Modification,
    Transport,
    Webhook,
)
from checkoutflow.providers.notices import proof_for, require_same
from checkoutflow.providers.swish import (
    METHODS,
    REASONS,
    REFUSALS,
    Swish,
    SwishConfig,
    payment_id,
    refund_id,
)
from checkoutflow.stores.memory import MemoryStore
from checkoutflow.testing import Clock
from checkoutflow.testing.adapters import ADAPTER_CHECKS, AdapterCase, Stage, exchange
from checkoutflow.testing.serve import _Server
from checkoutflow.testing.standins.faults import Fault
from checkoutflow.testing.standins.swish import SimulatedSwish

KEY = "refund-1"
NUMBER = "1234679304"
NOTICES = "https://shop.example/notices/swish"
PHONE = {"phone": "+46701234567"}
WHOLE = Money.read("123.45 SEK")
PRODUCTION, SIMULATOR = SwishConfig.hosts
SPECS = Path(__file__).resolve().parents[2] / "shared" / "specs" / "swish"


def config(**changes):
    given = {
        "number": NUMBER,
        "notice_url": NOTICES,
        "notice_secret": "ours-notice-secret-of-32-letters",
        "key_password": "ours-key-password",
        "is_test": True,
    }
    return SwishConfig.read({**given, **changes})


SWISH = Swish(config())
PROOF = proof_for(Secret("ours-notice-secret-of-32-letters"), REFERENCE)


# --- the contract ---------------------------------------------------------------------------------


def stage_of(whose="ours"):
    clock = Clock()
    account = SimulatedSwish(clock, secret=whose)

    def settle():
        clock.advance(seconds=10)

    def customer(action, approve):
        match action:
            case None:  # asked in the app of whoever has the number
                decide = account.approve if approve else account.decline
                decide(account.references[-1])
            case ShowQr(payload=code):
                click(account, code.removeprefix("D"), approve=approve)
            case OpenApp(url=url):
                click(account, httpx.URL(url).params["token"], approve=approve)

    return Stage(
        provider=account.provider(),
        handler=account.handle,
        customer=customer,
        notice=lambda: account.outbox[-1],
        settle=settle,
    )


def click(account, token, *, approve):
    form = {"decision": "approve" if approve else "decline"}
    page = httpx.Request("POST", f"https://mss.example/pay/{token}", data=form)
    assert account.handle(page).status_code == 303


def case_of(method):
    return AdapterCase(
        make=stage_of,
        foreign=lambda: stage_of("theirs"),
        method=method,
        amount=WHOLE,
        secrets=("ours-notice-secret-of-32-letters",),
        details=PHONE,
        words={"status": ("status",)},
        signature="header",
        notice_age_s=None,
    )


# Two requests at once to one phone are refused by Swish, whoever asks.
AT_ONCE = ("phone", "operations_share_nothing")
CHECKS = [
    pytest.param(check, case_of(method), id=f"{method}-{check.__name__}")
    for method in ("app", "qr", "phone")
    for check in ADAPTER_CHECKS
    if (method, check.__name__) != AT_ONCE
]


@pytest.mark.parametrize(("check", "case"), CHECKS)
def test_swish_keeps_the_contract(check, case):
    check(case)


# --- requests -------------------------------------------------------------------------------------


def order(method="app", **facts):
    given = {
        "key": "key-1",
        "merchant_reference": REFERENCE,
        "method": method,
        "amount": WHOLE,
        "return_url": "https://shop.example/back?a=1&b=2",
        "locale": "sv_SE",
        "market": "SE",
        "customer": "consumer",
        "details": PHONE,
    }
    return Authorise(**{**given, **facts})


def change(amount=WHOLE, **facts):
    given = {
        "key": KEY,
        "merchant_reference": REFERENCE,
        "provider_reference": "PAID1",
        "amount": amount,
        "method": "app",
        "books": Books(currency="SEK"),
    }
    return Modification(**{**given, **facts})


def ask(*earlier):
    return Ask(REFERENCE, None, WHOLE, "app", tuple(earlier))


def no(*codes, status=422):
    return answer(status, [{"errorCode": code, "errorMessage": "no"} for code in codes])


CREATED = answer(201, paymentrequesttoken="token1", location=f"https://x/{payment_id(REFERENCE)}")


@pytest.mark.parametrize("host", [PRODUCTION, SIMULATOR])
def test_a_request_names_the_shop_and_proves_its_notices(host):
    swish = Swish(config(is_test=host is SIMULATOR))
    _, [sent] = talk(swish.authorise(order()), CREATED)
    assert (sent.method, str(sent.url)) == (
        "PUT",
        f"{host}/api/v2/paymentrequests/{payment_id(REFERENCE)}",
    )
    assert json.loads(sent.content) == {
        "payeeAlias": NUMBER,
        "amount": "123.45",
        "currency": "SEK",
        "callbackUrl": NOTICES,
        "callbackIdentifier": PROOF,
        "payeePaymentReference": REFERENCE,
    }


@pytest.mark.parametrize(
    ("method", "action"),
    [
        ("qr", ShowQr(payload="Dtoken1")),
        *(
            (
                name,
                OpenApp(
                    url="swish://paymentrequest?token=token1"
                    "&callbackurl=https%3A%2F%2Fshop.example%2Fback%3Fa%3D1%26b%3D2"
                ),
            )
            for name in ("app", "swish")
        ),
    ],
)
def test_the_token_opens_the_app_or_is_scanned(method, action):
    result, [sent] = talk(SWISH.authorise(order(method)), CREATED)
    assert (result.outcome, result.action) == (Outcome.PENDING, action)
    assert "payerAlias" not in json.loads(sent.content)


def test_with_a_phone_number_the_request_waits_in_the_app():
    result, [sent] = talk(SWISH.authorise(order("phone")), answer(201))
    assert (result.outcome, result.action) == (Outcome.PENDING, None)
    assert json.loads(sent.content)["payerAlias"] == "46701234567"


@pytest.mark.parametrize("phone", ["", "0701234567", "+46", "46 70 123", "+4670123456789012"])
def test_a_phone_number_needs_its_country_code(phone):
    with pytest.raises(InvalidInput, match="phone"):
        talk(SWISH.authorise(order("phone", details={"phone": phone} if phone else {})))


def test_what_cannot_be_asked_is_never_sent():
    with pytest.raises(NotSupported, match="app, swish, qr, phone"):
        talk(SWISH.authorise(order("card")))
    with pytest.raises(NotSupported):
        talk(SWISH.authorise(order(amount=Money.read("1 DKK"))))
    with pytest.raises(NotSupported):
        talk(SWISH.capture(change()))
    with pytest.raises(InvalidInput, match="merchant_reference"):
        talk(SWISH.authorise(order(merchant_reference="a" * 36)))
    with pytest.raises(InvalidInput, match="provider_reference"):
        talk(SWISH.refund(change(provider_reference=None)))


def test_a_refund_names_the_paid_request_and_has_an_id_of_its_own():
    part = change(Money.read("40 SEK"))
    result, [sent] = talk(SWISH.refund(part), answer(201))
    number = refund_id(KEY)
    assert (result.outcome, result.operation_reference) == (Outcome.PENDING, number)
    assert (sent.method, sent.url.path) == ("PUT", f"/swish-cpcapi/api/v2/refunds/{number}")
    assert json.loads(sent.content) == {
        "originalPaymentReference": "PAID1",
        "payerAlias": NUMBER,
        "payerPaymentReference": REFERENCE,
        "amount": "40.00",
        "currency": "SEK",
        "callbackUrl": NOTICES,
        "callbackIdentifier": PROOF,
    }


def test_a_void_cancels_the_request():
    result, [sent] = talk(SWISH.void(change()), answer(200, payment("CANCELLED")))
    assert result.outcome is Outcome.SUCCEEDED
    assert sent.method == "PATCH"
    assert sent.headers["content-type"] == "application/json-patch+json"
    assert sent.url.path.endswith(f"/api/v1/paymentrequests/{payment_id(REFERENCE)}")
    patch = [{"op": "replace", "path": "/status", "value": "cancelled"}]
    assert json.loads(sent.content) == patch


def test_ids_are_thirty_two_upper_case_hexadecimal_digits_and_differ():
    ids = {payment_id("a"), payment_id("b"), refund_id("a"), refund_id("b")}
    assert len(ids) == 4
    assert all(len(number) == 32 and set(number) <= set("0123456789ABCDEF") for number in ids)


# --- answers --------------------------------------------------------------------------------------


def payment(status="CREATED", code=None, **changes):
    given = {
        "id": payment_id(REFERENCE),
        "payeePaymentReference": REFERENCE,
        "paymentReference": "PAID1",
        "payeeAlias": NUMBER,
        "amount": 123.45,
        "currency": "SEK",
        "status": status,
        "dateCreated": "2026-11-21T12:00:00.000Z",
        "errorCode": code,
    }
    return {**given, **changes}


def refund(status="CREATED", code=None, key=KEY, amount="40.00", **changes):
    given = {
        "id": refund_id(key),
        "originalPaymentReference": "PAID1",
        "amount": amount,
        "currency": "SEK",
        "status": status,
        "dateCreated": "2026-11-21T12:00:00.000Z",
        "errorCode": code,
    }
    return {**given, **changes}


@pytest.mark.parametrize(
    ("answered", "outcome", "reason"),
    [
        *((answer(code), Outcome.REFUSED, reason) for code, reason in REFUSALS.items()),
        *((no(code), Outcome.REFUSED, reason) for code, reason in REASONS.items()),
        (answer(422, {"errorCode": "BE18"}), Outcome.REFUSED, "invalid_phone"),
        (no("AM06", "RP03"), Outcome.REFUSED, "amount_too_low"),
        (no("RP09"), Outcome.PENDING, ""),
        (no("DS24"), Outcome.UNKNOWN, ""),
        (no("XX99"), Outcome.UNKNOWN, ""),
        (no("RF08", "XX99"), Outcome.UNKNOWN, ""),
        (no(), Outcome.UNKNOWN, ""),
        (answer(422), Outcome.UNKNOWN, ""),
        (answer(422, [{"errorMessage": "no"}]), Outcome.UNKNOWN, ""),
        (no("RF07", status=500), Outcome.UNKNOWN, ""),
        (answer(504), Outcome.UNKNOWN, ""),
        (answer(409), Outcome.UNKNOWN, ""),
        (answer(200), Outcome.UNKNOWN, ""),
    ],
)
@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: SWISH.authorise(order()), id="authorise"),
        pytest.param(lambda: SWISH.refund(change()), id="refund"),
    ],
)
def test_what_was_not_created_is_refused_only_if_they_say_so(call, answered, outcome, reason):
    result, _ = talk(call(), answered)
    assert (result.outcome, result.reason) == (outcome, reason)


def test_the_answer_names_what_was_created():
    elsewhere = answer(201, paymentrequesttoken="token1", location=f"https://x/{refund_id(KEY)}")
    for call in (SWISH.authorise(order()), SWISH.refund(change(key="refund-2"))):
        with pytest.raises(Contradiction):
            talk(call, elsewhere)


@pytest.mark.parametrize("headers", [{}, {"paymentrequesttoken": "a&b"}])
def test_without_a_token_nobody_can_pay_yet(headers):
    assert talk(SWISH.authorise(order()), answer(201, **headers))[0].outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("status", "code", "word", "reason"),
    [
        ("CREATED", None, Word.PENDING, ""),
        ("DECLINED", None, Word.DECLINED, "declined_by_customer"),
        ("CANCELLED", "RP08", Word.VOIDED, ""),
        ("ERROR", "TM01", Word.EXPIRED, "timed_out"),
        ("ERROR", "DS24", Word.UNCLEAR, ""),
        ("ERROR", "XX99", Word.UNCLEAR, ""),
        ("ERROR", None, Word.UNCLEAR, ""),
        ("PAYING", None, Word.UNCLEAR, ""),
        *(("ERROR", code, Word.DECLINED, reason) for code, reason in REASONS.items()),
    ],
)
def test_how_a_request_stands_that_is_not_paid(status, code, word, reason):
    standing, _ = talk(SWISH.status(ask()), answer(200, payment(status, code)))
    assert standing == Standing.nothing(word, "SEK", reason=reason)


@pytest.mark.parametrize("amount", [123.45, "123.45"], ids=["number", "text"])
def test_what_is_paid_is_authorised_and_captured(amount):
    standing, _ = talk(SWISH.status(ask()), answer(200, payment("PAID", amount=amount)))
    assert (standing.word, standing.provider_reference) == (Word.AUTHORISED, "PAID1")
    assert (standing.authorised, standing.captured, standing.refunded.minor) == (WHOLE, WHOLE, 0)


@pytest.mark.parametrize(
    ("answered", "word"),
    [
        (answer(404), Word.NOT_FOUND),
        (no("RP04", status=404), Word.NOT_FOUND),
        (httpx.Response(404, text="<html>no such host</html>"), Word.UNCLEAR),
        (answer(500), Word.UNCLEAR),
        (answer(200), Word.UNCLEAR),
        (answer(200, payment("PAID", paymentReference=None)), Word.UNCLEAR),
        (answer(200, payment("PAID", payeePaymentReference=None)), Word.UNCLEAR),
        (answer(200, payment("PAID", amount="123.456")), Word.UNCLEAR),
        (answer(200, payment("PAID", amount=True)), Word.UNCLEAR),
    ],
)
def test_what_cannot_be_read_is_unclear(answered, word):
    assert talk(SWISH.status(ask()), answered)[0] == Standing.nothing(word, "SEK")


@pytest.mark.parametrize(
    "changes",
    [
        {"id": refund_id(KEY)},
        {"payeePaymentReference": "b" * 20},
        {"payeeAlias": "1231181189"},
        {"amount": 123.44},
        {"amount": "12345.00"},
        {"currency": "DKK"},
    ],
)
def test_an_answer_about_something_else_is_a_contradiction(changes):
    for call in (SWISH.status(ask()), SWISH.void(change())):
        with pytest.raises(Contradiction):
            talk(call, answer(200, payment("CANCELLED", **changes)))


@pytest.mark.parametrize(
    ("answered", "outcome"),
    [
        (answer(200, payment("CREATED")), Outcome.UNKNOWN),
        (answer(200, payment("PAID")), Outcome.UNKNOWN),
        (answer(200, {"status": "CANCELLED"}), Outcome.UNKNOWN),
        (answer(200), Outcome.UNKNOWN),
        (no("RP07"), Outcome.REFUSED),  # paid, or over already: the flow looks, and gives it back
        (answer(404), Outcome.REFUSED),
    ],
)
def test_a_void_that_did_not_cancel_is_no_success(answered, outcome):
    assert talk(SWISH.void(change()), answered)[0].outcome is outcome


def earlier(key, outcome=None, amount="40 SEK", operation=Operation.REFUND):
    return Earlier(key, operation, Money.read(amount), outcome)


PENDING, SUCCEEDED, DECLINED, UNKNOWN = (
    Outcome.PENDING,
    Outcome.SUCCEEDED,
    Outcome.DECLINED,
    Outcome.UNKNOWN,
)


@pytest.mark.parametrize("known", [None, PENDING, UNKNOWN])
@pytest.mark.parametrize(
    ("answered", "refunded", "done"),
    [
        (answer(200, refund("PAID")), 4000, [Done(key=KEY, outcome=SUCCEEDED)]),
        (answer(200, refund("PAID", amount=40)), 4000, [Done(key=KEY, outcome=SUCCEEDED)]),
        (answer(200, refund("ERROR", "RF07")), 0, [Done(key=KEY, outcome=DECLINED)]),
        (answer(200, refund("ERROR", "TM01")), 0, [Done(key=KEY, outcome=DECLINED)]),
        (answer(404), 0, []),
    ],
)
def test_a_refund_that_has_ended_shows_in_the_standing(known, answered, refunded, done):
    paid = answer(200, payment("PAID"))
    standing, sent = talk(SWISH.status(ask(earlier(KEY, known))), paid, answered)
    assert (standing.refunded.minor, list(standing.operations)) == (refunded, done)
    assert sent[1].url.path.endswith(f"/api/v1/refunds/{refund_id(KEY)}")


@pytest.mark.parametrize(
    ("answered", "outcome"),
    [
        *(
            (answer(200, refund(word)), PENDING)
            for word in ("CREATED", "INITIATED", "VALIDATED", "DEBITED")
        ),
        (answer(200, refund("ERROR", "DS24")), UNKNOWN),
        (answer(200, refund("ERROR")), UNKNOWN),
        (answer(200, refund("SENT")), UNKNOWN),
        (answer(200, {"id": refund_id(KEY)}), UNKNOWN),
        (answer(200, refund("PAID", amount="forty")), UNKNOWN),
        (httpx.Response(404, text="<html>no such host</html>"), UNKNOWN),
        (answer(500), UNKNOWN),
    ],
)
@pytest.mark.parametrize("known", [None, PENDING, UNKNOWN])
def test_a_refund_that_has_not_ended_is_listed_and_hinders_no_other(answered, outcome, known):
    both = ask(earlier(KEY, known), earlier("other", PENDING))
    other = answer(200, refund("PAID", key="other"))
    standing, _ = talk(SWISH.status(both), answer(200, payment("PAID")), answered, other)
    assert (standing.word, standing.refunded.minor) == (Word.AUTHORISED, 4000)
    assert standing.operations == (
        Done(key=KEY, outcome=outcome),
        Done(key="other", outcome=SUCCEEDED),
    )


def test_what_is_known_to_be_refunded_is_not_asked_about_again():
    known = ask(earlier("1", SUCCEEDED), earlier("2", operation=Operation.VOID))
    standing, sent = talk(SWISH.status(known), answer(200, payment("PAID")))
    assert (standing.refunded.minor, len(sent)) == (4000, 1)


@pytest.mark.parametrize(
    "changes",
    [{"key": "other"}, {"originalPaymentReference": "PAID2"}, {"amount": 41}, {"currency": "DKK"}],
)
def test_a_refund_of_something_else_is_a_contradiction(changes):
    paid = answer(200, payment("PAID"))
    with pytest.raises(Contradiction):
        talk(SWISH.status(ask(earlier(KEY))), paid, answer(200, refund("PAID", **changes)))


JSON = json_values([*payment(), *refund()], ["PAID", "ERROR"])


@given(st.integers(100, 599), bodies(JSON), st.dictionaries(st.sampled_from([*payment()]), JSON))
def test_no_answer_crashes_it_and_none_that_is_made_up_is_a_success(status, body, changes):
    for said in (body, json.dumps({**payment(), **changes}).encode()):
        handler = always(status, said)
        for call in (SWISH.authorise(order()), SWISH.refund(change()), SWISH.void(change())):
            with suppress(Contradiction):
                result = exchange(call, handler)
                is_cancelled = changes.get("status") == "CANCELLED"
                assert result.outcome is not Outcome.SUCCEEDED or is_cancelled
        with suppress(Contradiction):
            standing = exchange(SWISH.status(ask(earlier(KEY))), handler)
            assert standing.authorised.is_zero or changes.get("status") == "PAID"


# --- notices --------------------------------------------------------------------------------------


def hook(body, proof=PROOF, name="callbackIdentifier"):
    headers = {} if proof is None else {name: proof}
    return Webhook(headers, json.dumps(body).encode(), 0.0)


def test_notices_of_payments_and_refunds_name_our_payment():
    [paid] = SWISH.read_notices(hook(payment("PAID", amount="123.45")))
    assert (paid.merchant_reference, paid.kind) == (REFERENCE, "PAID")
    assert paid.id == f"{payment_id(REFERENCE)}-PAID"
    assert paid.heard is None
    [back] = SWISH.read_notices(hook(refund("PAID", payerPaymentReference=REFERENCE)))
    assert (back.merchant_reference, back.id) == (REFERENCE, f"{refund_id(KEY)}-PAID")


@pytest.mark.parametrize(
    ("body", "proof"),
    [
        (payment("PAID"), None),
        (payment("PAID"), ""),
        (payment("PAID"), PROOF.upper()),
        (payment("PAID"), PROOF[:-1]),
        (payment("PAID"), proof_for(Secret("ours-notice-secret-of-32-letters"), "b" * 20)),
        (payment("PAID", payeePaymentReference="b" * 20), PROOF),
        (refund("PAID"), PROOF),
        (payment("PAID", id="x"), PROOF),
        (payment("paid!"), PROOF),
        ({"payoutInstructionUUID": "A" * 32, "status": "PAID"}, PROOF),
        ([], PROOF),
    ],
)
def test_a_notice_without_its_proof_is_untrusted(body, proof):
    with pytest.raises(UntrustedNotice):
        SWISH.read_notices(hook(body, proof))


def test_a_proof_is_compared_to_the_letter():
    ours = "1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f809"
    require_same(ours, ours)
    for theirs in (ours.upper(), ours[:-1], ""):
        with pytest.raises(UntrustedNotice):
            require_same(ours, theirs)


# --- the schemas ----------------------------------------------------------------------------------


def schema(name):
    if not SPECS.is_dir():
        pytest.skip(f"no schemas: {SPECS} is not there")
    text = (SPECS / f"{name}.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text))


def test_every_word_between_them_fits_the_schemas():
    clock = Clock()
    account = SimulatedSwish(clock)
    swish = account.provider()
    said = set()

    def overheard(request):
        response = account.handle(request)
        word = request.url.path.split("/")[4]
        kind = {"paymentrequests": "payment-request", "refunds": "refund"}[word]
        said.add(f"{request.method} {kind}")
        if request.method == "PUT":
            schema(f"{kind}.request").validate(json.loads(request.content))
        if response.status_code == 200:
            schema(f"{kind}.object").validate(response.json())
        if response.status_code == 422:
            schema("error").validate(response.json())
        return response

    for number, method in enumerate(METHODS):
        name = "abcd"[number] * 20
        exchange(swish.authorise(order(method, merchant_reference=name)), overheard)
        exchange(swish.authorise(order(method, merchant_reference=name)), overheard)
    account.approve("a" * 20)
    account.decline("b" * 20)
    exchange(swish.void(change(merchant_reference="c" * 20)), overheard)
    exchange(swish.void(change(merchant_reference="c" * 20)), overheard)
    clock.advance(minutes=6)
    standings = {
        name: exchange(swish.status(replace(ask(), merchant_reference=name * 20)), overheard)
        for name in "abcd"
    }
    words = [standing.word for standing in standings.values()]
    assert words == [Word.AUTHORISED, Word.DECLINED, Word.VOIDED, Word.EXPIRED]
    paid = standings["a"].provider_reference
    account.plan("refund", Fault.NONE, Fault.DECLINE)
    for key in ("1", "2"):
        part = change(Money.read("40 SEK"), key=key, provider_reference=paid)
        exchange(swish.refund(part), overheard)
        clock.advance(seconds=10)
    both = ask(earlier("1", PENDING), earlier("2", PENDING))
    standing = exchange(swish.status(both), overheard)
    assert [item.outcome for item in standing.operations] == [SUCCEEDED, DECLINED]
    for webhook in account.outbox:
        body = json.loads(webhook.body)
        kind = "refund" if "originalPaymentReference" in body else "payment-request"
        schema(f"{kind}.object").validate(body)
        assert swish.read_notices(webhook)
    print(f"swish: {len(said)} of 5 operations covered")  # noqa: T201 -- for the record
    assert said == {
        *("PUT payment-request", "GET payment-request", "PATCH payment-request"),
        *("PUT refund", "GET refund"),
    }


def test_every_code_that_is_known_has_a_reason_or_is_one_of_three():
    if not SPECS.is_dir():
        pytest.skip(f"no schemas: {SPECS} is not there")
    known = json.loads((SPECS / "error-codes.json").read_text(encoding="utf-8"))
    assert known["codes"].keys() | {"AM02", "AM21"} == REASONS.keys() | {"TM01", "DS24", "RP09"}


# --- the stand-in ---------------------------------------------------------------------------------


@pytest.fixture
def account():
    return SimulatedSwish(Clock())


def put(account, where, body):
    return account.handle(httpx.Request("PUT", f"{SIMULATOR}/api/v2/{where}", json=body))


def body_of_order(**changes):
    _, [sent] = talk(SWISH.authorise(order("phone")), answer(201))
    return {**json.loads(sent.content), **changes}


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"amount": 123.45}, 422, "PA02"),
        ({"amount": "1,50"}, 422, "PA02"),
        ({"currency": "NOK"}, 422, "AM03"),
        ({"callbackUrl": "http://shop.example"}, 422, "RP03"),
        ({"payeeAlias": "999"}, 422, "RP01"),
        ({"payeeAlias": "1231181189"}, 403, None),
        ({"payerAlias": "+46701234567"}, 422, "BE18"),
        ({"payeePaymentReference": "a b"}, 422, "FF08"),
        ({"message": "5-pack"}, 422, "RP02"),
        ({"callbackIdentifier": "short"}, 400, None),
        ({"extra": 1}, 400, None),
    ],
)
def test_the_stand_in_refuses_what_swish_refuses(account, changes, status, code):
    where = f"paymentrequests/{payment_id(REFERENCE)}"
    refused = put(account, where, body_of_order(**changes))
    assert refused.status_code == status
    if code:
        assert [item["errorCode"] for item in refused.json()] == [code]
    assert account.references == ()


def test_the_stand_in_takes_an_id_once_and_a_payer_once(account):
    where = f"paymentrequests/{payment_id(REFERENCE)}"
    assert put(account, where, body_of_order()).status_code == 201
    assert put(account, where, body_of_order()).json()[0]["errorCode"] == "RP09"
    again = body_of_order(payeePaymentReference="b" * 20)
    other = f"paymentrequests/{payment_id('b' * 20)}"
    assert put(account, other, again).json()[0]["errorCode"] == "RP06"
    assert put(account, "paymentrequests/abc", again).status_code == 400
    assert put(account, "payouts/abc", again).status_code == 404
    cancelled = [{"op": "replace", "path": "/status", "value": "cancelled"}]
    assert patch(account, where, cancelled, kind="application/json") == 415
    assert patch(account, where, []) == 400
    assert patch(account, other, cancelled) == 404
    assert patch(account, where, cancelled) == 200
    assert patch(account, where, cancelled) == 422


def patch(account, where, body, kind="application/json-patch+json"):
    url, headers = f"{SIMULATOR}/api/v1/{where}", {"content-type": kind}
    return account.handle(httpx.Request("PATCH", url, json=body, headers=headers)).status_code


def test_the_stand_in_refuses_refunds_of_nothing_of_too_much_and_at_once(account):
    swish = account.provider()
    exchange(swish.authorise(order()), account.handle)
    early = exchange(swish.refund(change()), account.handle)
    assert (early.outcome, early.reason) == (Outcome.REFUSED, "too_late")
    account.approve(REFERENCE)
    paid = exchange(swish.status(ask()), account.handle).provider_reference
    much = change(WHOLE + WHOLE, provider_reference=paid)
    assert exchange(swish.refund(much), account.handle).reason == "amount_too_high"
    other = Swish(config(number="1231181189"))
    fitting = change(Money.read("1 SEK"), provider_reference=paid)
    assert exchange(other.refund(fitting), account.handle).reason == "not_the_same_parties"
    assert exchange(swish.refund(fitting), account.handle).outcome is Outcome.PENDING
    second = replace(fitting, key="refund-2")
    assert exchange(swish.refund(second), account.handle).reason == "refund_under_way"
    assert exchange(swish.refund(fitting), account.handle).outcome is Outcome.PENDING
    assert account.book(REFERENCE).refunded == 0


def test_a_refund_in_the_portal_is_told_to_nobody(account):
    exchange(account.provider().authorise(order()), account.handle)
    account.approve(REFERENCE)
    told = len(account.outbox)
    account.portal_refund(REFERENCE, Money.read("1 SEK"))
    assert len(account.outbox) == told


# --- the configuration ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"number": "0701234567"},
        {"notice_secret": "s" * 31},
        {"notice_url": "http://shop.example/notices"},
        {"base_url": "ftp://x"},
        {"name": "Swish"},
    ],
)
def test_a_configuration_that_cannot_work_is_refused(changes):
    with pytest.raises(InvalidInput) as error:
        config(**changes)
    assert error.value.field == next(iter(changes))


def test_the_password_of_the_key_prints_as_stars():
    given = config(certificate="/etc/swish/cert.pem", key="/etc/swish/key.pem")
    assert "ours-" not in repr(given)
    assert repr(given.key_password) == STARS
    assert (config().base_url, config(is_test=False).base_url) == (SIMULATOR, PRODUCTION)


# --- the certificate ------------------------------------------------------------------------------


class Certificates:
    """An authority in a folder, and what it signs: a PEM file each, and one with a locked key."""

    def __init__(self, folder):
        self.folder = folder
        self._key, self._name = ec.generate_private_key(ec.SECP256R1()), _named("Roots")
        authority = self._sign(self._name, self._key.public_key(), is_authority=True)
        self.roots = self._write("roots", authority)

    def sign(self, name, password=None):
        """Paths of a certificate for this machine, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        locked = BestAvailableEncryption(password.encode()) if password else NoEncryption()
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)
        certificate = self._sign(_named(name), key.public_key(), is_authority=False)
        return self._write(name, certificate), self._write(f"{name}-key", pem)

    def _sign(self, subject, key, *, is_authority):
        now = datetime.now(UTC)
        here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        signed = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
            .add_extension(here, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return signed.public_bytes(Encoding.PEM)

    def _write(self, name, pem):
        path = self.folder / f"{name}.pem"
        path.write_bytes(pem)
        return path


def _named(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@contextmanager
def asking_for_a_certificate(handler, certificates):
    """Swish as it is: nobody without a certificate of its authority gets a word out of it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates.roots)
    context.load_cert_chain(*certificates.sign("server"))
    context.verify_mode = ssl.CERT_REQUIRED
    with _Server(0, handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def pay_over_the_wire(account, clock, settings):
    """A sale over real sockets, with the HTTP client that the flow makes itself."""
    swish, deal = Swish(account.provider().config.but(**settings)), Deal("swish")
    flow = CheckoutFlow(deal.world.shop, providers=[swish], store=MemoryStore(), clock=clock)
    try:
        sale = flow.start(deal.cart, market="SE", details=deal.details, payment="way")
        flow.place(sale.id, accepted_total=sale.total, return_url=BACK)
        for reference in account.references:
            account.approve(reference)
        account.deliver(lambda hook: flow.receive("swish", hook.headers, hook.body))
        return flow.load(sale.id).phase
    finally:
        flow.close()


def test_a_sale_over_the_wire_with_the_shops_own_certificate(tmp_path):
    clock, certificates = Clock(), Certificates(tmp_path)
    ours, key = certificates.sign("shop", password="swish")
    account = SimulatedSwish(clock)
    with asking_for_a_certificate(account.handle, certificates) as url:
        settings = {"base_url": url, "roots": certificates.roots}
        shown = {**settings, "certificate": ours, "key": key, "key_password": Secret("swish")}
        assert pay_over_the_wire(account, clock, shown) == "confirmed"
        assert len(account.references) == 1
        # Another authority's: the line is cut, and nothing has arrived.
        (tmp_path / "other").mkdir()
        theirs, key = Certificates(tmp_path / "other").sign("shop")
        foreign = {**settings, "certificate": theirs, "key": key}
        assert pay_over_the_wire(account, clock, foreign) != "confirmed"
        assert len(account.references) == 1


def test_the_certificate_is_how_requests_are_sent():
    files = {"certificate": "/etc/swish/cert.pem", "key": "/etc/swish/key", "roots": "/etc/roots"}
    transport = Swish(config(**files, timeout_s=3)).transport
    assert transport == Transport(
        timeout_s=3,
        operation_s=6,
        certificate=Path(files["certificate"]),
        key=Path(files["key"]),
        password=Secret("ours-key-password"),
        roots=Path(files["roots"]),
    )


# --- sales ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "requests"),
    [("lose_request", 1), ("error", 1), ("lose_answer", 2), ("error_after", 2), ("html", 2)],
)
def test_what_has_not_arrived_is_sent_again_and_where_the_token_is_lost_they_buy_anew(
    fault, requests
):
    with Deal("swish") as deal:
        deal.bank.plan("authorise", Fault(fault))
        checkout = deal.sold()
        assert len(deal.bank.references) == requests
        assert deal.taken == checkout.total.minor
