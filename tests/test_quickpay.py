"""QuickPay's adapter and its stand-in, held to the contract, to the schemas and to each other."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError  # type: ignore[import-untyped]
from tests.deals import Deal
from tests.wire import (
    CHECKS,
    JSON,
    REFERENCE,
    always,
    answer,
    bodies,
    decides_on_page,
    line,
    order,
    outcome_of,
    talk,
)

from checkoutflow.errors import (
    Contradiction,
    InvalidInput,
    NotSupported,
    TransportError,
    UntrustedNotice,
)
from checkoutflow.money import Money
from checkoutflow.payment.books import Books
from checkoutflow.payment.outcomes import (
    MandateWord,
    Operation,
    Outcome,
    Redirect,
    Result,
    Standing,
    Word,
)
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.contract import (
    Agree,
    Ask,
    Charge,
    MandateAsk,
    Modification,
    Webhook,
)
from checkoutflow.providers.quickpay import CODES, METHODS, QuickPay, QuickPayConfig
from checkoutflow.testing import Clock
from checkoutflow.testing.adapters import (
    AdapterCase,
    Stage,
    exchange,
)
from checkoutflow.testing.standins.faults import Fault
from checkoutflow.testing.standins.quickpay import SimulatedQuickPay

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NUMBER = "900001"
NOTICES = "https://shop.example/notices/quickpay"
SPECS = Path(__file__).resolve().parents[2] / "shared" / "specs" / "quickpay"


# --- the contract ---------------------------------------------------------------------------------


def stage_of(whose="ours"):
    account = SimulatedQuickPay(lambda: NOW, secret=whose)

    return Stage(
        provider=account.provider(),
        handler=account.handle,
        customer=decides_on_page(account),
        notice=lambda: account.outbox[-1],
    )


def case_of(method, amount):
    return AdapterCase(
        make=stage_of,
        foreign=lambda: stage_of("theirs"),
        method=method,
        amount=Money.read(amount),
        secrets=("ours-api-key", "ours-private-key"),
        words={
            "status": ("operations", 0, "qp_status_code"),
            "capture": ("operations", 1, "qp_status_code"),
            "void": ("operations", 1, "qp_status_code"),
            "refund": ("operations", 2, "qp_status_code"),
        },
        mandate_method="dankort",
        notice_age_s=None,  # no time is signed
    )


CASES = {
    "cards in Denmark": case_of("dankort,visa,mastercard", "1234.50 DKK"),
    "MobilePay in Finland": case_of("mobilepay", "99.00 EUR"),
    "Klarna in Sweden": case_of("klarna", "250.00 SEK"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", CHECKS)
def test_quickpay_keeps_the_contract(check, case):
    check(case)


# --- what is asked --------------------------------------------------------------------------------


def config(**changes):
    keys = {"api_key": "0123456789abcdef", "private_key": "qp-private-key"}
    return QuickPayConfig.read({**keys, "notice_url": NOTICES, "is_test": True, **changes})


ADAPTER = QuickPay(config())


def change(minor=10000, key=f"{REFERENCE}-2", known: str | None = NUMBER, **books):
    before = Books(currency="DKK", **{"authorised": 10000, **books})
    return Modification(key, REFERENCE, known, Money(minor, "DKK"), "card", before)


def asked(minor=10000, known: str | None = NUMBER):
    return Ask(REFERENCE, known, Money(minor, "DKK"), "card")


def step(kind, code: str | None = "20000", minor=10000, **more):
    """One operation."""
    return {"type": kind, "amount": minor, "pending": False, "qp_status_code": code, **more}


def mine(kind, code: str | None = "20000", minor=10000, **more):
    """One operation under our key."""
    return step(kind, code, minor, callback_url=f"{NOTICES}?attempt={REFERENCE}-2", **more)


def running(kind, minor=10000):
    return mine(kind, None, minor, pending=True)


LINK = {"url": "https://payment.quickpay.net/payments/abc", "amount": 10000}


def payment(*steps, link=LINK, **more):
    """A payment with these operations."""
    numbered = [{"id": i, **item} for i, item in enumerate(steps, 1)]
    body = {"id": int(NUMBER), "order_id": REFERENCE, "currency": "DKK", "accepted": True}
    return {**body, "operations": numbered, "test_mode": True, "link": link, **more}


def created():
    return answer(201, payment(link=None, accepted=False))


def test_a_payment_is_created_and_then_gets_a_link():
    lines = (line(7000), line(2500, kind="delivery", line_id="parcel"), line(500, kind="fee"))
    result, sent = talk(
        ADAPTER.authorise(order(method="dankort, apple_pay", lines=lines)),
        created(),
        answer(200, {"url": LINK["url"]}),
    )
    action = Redirect(url="https://payment.quickpay.net/payments/abc")
    assert result == Result(outcome=Outcome.PENDING, provider_reference=NUMBER, action=action)
    create, link = sent
    assert (create.method, str(create.url)) == ("POST", "https://api.quickpay.net/payments")
    assert create.headers["authorization"] == "Basic OjAxMjM0NTY3ODlhYmNkZWY="
    assert create.headers["accept-version"] == "v10"
    body = json.loads(create.content)
    assert (body["order_id"], body["currency"]) == (REFERENCE, "DKK")
    assert body["shipping"] == {"amount": 2500, "vat_rate": 0.25}
    assert [item["item_price"] for item in body["basket"]] == [7000, 500]
    assert (link.method, link.url.path) == ("PUT", f"/payments/{NUMBER}/link")
    assert json.loads(link.content) == {
        "amount": 10000,
        "continue_url": "https://shop.example/return",
        "cancel_url": "https://shop.example/return",
        "callback_url": NOTICES,
        "language": "da",
        "payment_methods": "dankort,apple-pay",
        "auto_capture": False,
        "auto_fee": False,
    }


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("da_DK", "da"),
        ("sv_FI", "sv"),
        ("nb_NO", "no"),
        ("nn_NO", "no"),
        ("no_NO", "no"),
        ("da-DK", "da"),
        ("fo_FO", "da"),
        ("fi_FI", "fi"),
        ("is_IS", "en"),
        ("en_DK", "en"),
    ],
)
def test_the_window_speaks_the_customers_language(locale, language):
    _, sent = talk(ADAPTER.authorise(order(locale=locale)), created(), answer(500))
    assert json.loads(sent[1].content)["language"] == language


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**7),
            st.integers(1, 999),
            st.sampled_from([0, 600, 1200, 2500, 2550]),
            st.sampled_from(["goods", "digital", "delivery", "fee"]),
        ),
        min_size=1,
    )
)
def test_basket_and_shipping_add_up_to_the_last_oere(rows):
    lines = tuple(line(minor, quantity, basis, kind) for minor, quantity, basis, kind in rows)
    total = sum(minor for minor, *_ in rows) or 1
    _, (create, *_) = talk(ADAPTER.authorise(order(total, lines=lines)), answer(500))
    body = json.loads(create.content)
    told = sum(item["qty"] * item["item_price"] for item in body["basket"])
    told += body.get("shipping", {"amount": 0})["amount"]
    assert told == sum(minor for minor, *_ in rows)
    assert all(item["vat_rate"] in {0, 0.06, 0.12, 0.25, 0.255} for item in body["basket"])


def test_what_cannot_be_priced_by_the_piece_is_one_piece():
    _, (create, _) = talk(
        ADAPTER.authorise(order(lines=(line(quantity=3),))), created(), answer(500)
    )
    (item,) = json.loads(create.content)["basket"]
    assert (item["qty"], item["item_name"], item["item_price"]) == (1, "3 × Kaffekværn", 10000)


@pytest.mark.parametrize(
    ("error", "field", "facts"),
    [
        (NotSupported, "method", {"method": "cheque"}),
        (NotSupported, "method", {"method": "resurs"}),
        (NotSupported, "method", {"method": "dankort,,visa"}),
        (NotSupported, "currency", {"currency": "ISK"}),
        (InvalidInput, "amount", {"minor": 0}),
        (InvalidInput, "lines", {"method": "klarna"}),
        (InvalidInput, "merchant_reference", {"merchant_reference": "abc"}),
        (InvalidInput, "merchant_reference", {"merchant_reference": "a" * 21}),
        (InvalidInput, "merchant_reference", {"merchant_reference": "røde-12345"}),
        (InvalidInput, "merchant_reference", {"merchant_reference": "red_12345"}),
    ],
)
def test_what_is_beyond_their_limits_is_refused_before_anything_is_sent(error, field, facts):
    with pytest.raises(error) as caught:
        next(ADAPTER.authorise(order(**facts)))
    assert caught.value.field == field


@pytest.mark.parametrize("name", ["capture", "void", "refund", "status"])
def test_a_reference_that_is_none_is_never_sent(name):
    operation = getattr(ADAPTER, name)
    with pytest.raises(InvalidInput):
        next(operation(replace(asked() if name == "status" else change(), merchant_reference="a?")))


# --- what comes of it -----------------------------------------------------------------------------

NO: dict[str, object] = {"message": "Validation error", "errors": {}, "error_code": None}
TAKEN = {**NO, "errors": {"order_id": ["already exists on another payment"]}}
BROKEN: list[object] = [None, {}, [], "text", {"url": 7}, {"url": "javascript:alert(1)"}]


@pytest.mark.parametrize(
    ("outcome", "answers"),
    [
        (Outcome.UNKNOWN, [answer(400, TAKEN)]),
        (Outcome.UNKNOWN, [answer(422, TAKEN)]),
        *[
            (Outcome.REFUSED, [answer(status, NO)])
            for status in (400, 401, 403, 404, 405, 406, 422)
        ],
        *[(Outcome.UNKNOWN, [answer(status, NO)]) for status in (402, 408, 409, 429, 500, 503)],
        *[(Outcome.UNKNOWN, [answer(status)]) for status in (200, 202, 400, 401, 404)],
        *[(Outcome.UNKNOWN, [answer(201, body)]) for body in BROKEN],
        *[(Outcome.UNKNOWN, [created(), answer(200, body)]) for body in BROKEN],
        (Outcome.REFUSED, [created(), answer(400, NO)]),
        (Outcome.UNKNOWN, [created(), answer(500, NO)]),
    ],
)
def test_a_payment_that_is_not_there_or_has_no_link(outcome, answers):
    result, _ = talk(ADAPTER.authorise(order()), *answers)
    assert (result.outcome, result.action) == (outcome, None)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("20000", Outcome.SUCCEEDED),
        ("30100", Outcome.DECLINED),
        ("30101", Outcome.DECLINED),
        ("40000", Outcome.DECLINED),
        ("40001", Outcome.REFUSED),
        ("40002", Outcome.DECLINED),
        ("40003", Outcome.DECLINED),
        ("40300", Outcome.DECLINED),
        ("20200", Outcome.PENDING),
        (None, Outcome.PENDING),
        ("50000", Outcome.UNKNOWN),
        ("50300", Outcome.UNKNOWN),
        ("99999", Outcome.UNKNOWN),
        ("", Outcome.UNKNOWN),
    ],
)
@pytest.mark.parametrize("is_at_once", [True, False])
def test_an_answer_of_2xx_may_be_a_no(code, outcome, is_at_once):
    ended = payment(step("authorize"), mine("capture", code, 4000))
    early = payment(step("authorize"), running("capture", 4000))
    answers = [answer(200, ended)] if is_at_once else [answer(202, early)]
    result, sent = talk(ADAPTER.capture(change(4000)), *answers, answer(200, ended))
    assert (result.outcome, result.provider_reference) == (outcome, NUMBER)
    assert result.reason == CODES.get(code or "", (None, ""))[1]
    assert sent[0].headers["quickpay-callback-url"] == f"{NOTICES}?attempt={REFERENCE}-2"
    assert (sent[0].method, sent[0].url.path) == ("POST", f"/payments/{NUMBER}/capture")
    assert json.loads(sent[0].content) == {"amount": 4000}


NAMELESS = {"callback_url": None}


@pytest.mark.parametrize(
    ("later", "outcome"),
    [
        (answer(500), Outcome.PENDING),
        (answer(404, NO), Outcome.PENDING),
        (answer(200, payment(step("authorize"))), Outcome.PENDING),
        (answer(200, payment(step("authorize"), running("refund"))), Outcome.PENDING),
        (answer(200, payment(step("authorize"), mine("capture"))), Outcome.SUCCEEDED),
    ],
)
def test_what_was_taken_in_is_pending_until_it_shows_how_it_ended(later, outcome):
    early = answer(202, payment(step("authorize"), running("capture")))
    assert talk(ADAPTER.capture(change()), early, later)[0].outcome is outcome


def test_an_operation_without_our_name_is_unknown_until_a_look_up_shows_it_in_the_sums():
    before = [step("authorize"), step("capture", minor=5000)]
    early = answer(202, payment(*before, {**running("capture", 5000), **NAMELESS}))
    result, sent = talk(ADAPTER.capture(change(5000, captured=5000)), early)
    assert (result.outcome, len(sent)) == (Outcome.UNKNOWN, 1)
    ended = answer(200, payment(*before, step("capture", minor=5000)))
    assert talk(ADAPTER.status(asked()), ended)[0].captured == Money(10000, "DKK")


BEFORE = [step("authorize"), step("capture", minor=3000), step("refund", minor=1000)]


@pytest.mark.parametrize(
    ("name", "minor", "books", "done", "outcome"),
    [
        ("capture", 2000, {"captured": 3000, "refunded": 1000}, "capture", Outcome.SUCCEEDED),
        ("capture", 2000, {"captured": 2000}, "capture", Outcome.UNKNOWN),
        ("capture", 2000, {}, "capture", Outcome.UNKNOWN),
        ("capture", 2000, {"captured": 5000}, "capture", Outcome.UNKNOWN),
        ("refund", 2000, {"captured": 3000, "refunded": 1000}, "refund", Outcome.SUCCEEDED),
        ("refund", 2000, {"captured": 3000}, "refund", Outcome.UNKNOWN),
        ("void", 7000, {"captured": 3000}, "cancel", Outcome.SUCCEEDED),
        ("void", 8000, {"captured": 2000}, "cancel", Outcome.UNKNOWN),
        ("void", 7000, {"captured": 3000, "voided": 1}, "cancel", Outcome.UNKNOWN),
    ],
)
def test_what_is_done_shows_in_the_sums_to_the_last_oere(name, minor, books, done, outcome):
    order = change(minor, **books)
    ended = answer(200, payment(*BEFORE, mine(done, minor=None if done == "cancel" else minor)))
    looks = [answer(200, payment(*BEFORE))] if name == "void" else []
    result, _ = talk(getattr(ADAPTER, name)(order), *looks, ended, ended)
    assert result.outcome is outcome


def test_our_operation_is_found_by_its_name_although_the_portal_did_another_one_since():
    body = payment(step("authorize"), mine("capture", minor=4000), step("refund", minor=1000))
    result, _ = talk(ADAPTER.capture(change(4000)), answer(200, body))
    assert result.outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize(
    "body",
    [
        payment(),
        payment(step("authorize")),
        payment(step("authorize"), running("refund")),
        payment(step("authorize"), step("capture", callback_url=f"{NOTICES}?attempt=other")),
        payment(step("authorize"), mine("capture", qp_status_code=20000)),
        payment(step("authorize"), {"type": "capture"}),
        payment(accepted="yes"),
        payment(operations={}),
        payment(link="none"),
    ],
)
def test_an_answer_without_our_operation_is_unknown(body):
    assert talk(ADAPTER.capture(change()), answer(202, body))[0].outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "body",
    [
        payment(step("authorize"), mine("capture", minor=9999)),
        payment(step("authorize", minor=9000), mine("capture")),
        payment(step("authorize"), mine("capture"), order_id="b" * 20),
        payment(step("authorize"), mine("capture"), currency="SEK"),
        payment(step("authorize"), mine("capture"), id=7),
        payment(step("authorize"), mine("capture"), balance=1),
    ],
)
def test_an_answer_about_something_else_is_a_contradiction(body):
    with pytest.raises(Contradiction):
        talk(ADAPTER.capture(change()), answer(200, body))


# --- how it stands --------------------------------------------------------------------------------

OTHERS = {"link": None}


@pytest.mark.parametrize(
    ("word", "sums", "steps", "more"),
    [
        (Word.NOT_FOUND, (0, 0, 0, 0), [], OTHERS),
        (Word.PENDING, (0, 0, 0, 0), [], {}),
        (Word.PENDING, (0, 0, 0, 0), [running("authorize")], {}),
        (Word.PENDING, (0, 0, 0, 0), [step("authorize", "40000")], {}),
        (Word.PENDING, (0, 0, 0, 0), [running("authorize")], OTHERS),
        (Word.PENDING, (0, 0, 0, 0), [step("authorize", "50300")], OTHERS),
        (Word.DECLINED, (0, 0, 0, 0), [step("authorize", "40000")], OTHERS),
        (Word.VOIDED, (0, 0, 0, 0), [step("cancel", minor=None)], OTHERS),
        (Word.AUTHORISED, (10000, 0, 0, 0), [step("authorize")], {}),
        (Word.AUTHORISED, (10000, 0, 0, 0), [step("authorize", "30100"), step("authorize")], {}),
        (Word.UNCLEAR, (0, 0, 0, 0), [step("authorize")], {"accepted": False}),
        (
            Word.AUTHORISED,
            (10000, 4000, 0, 0),
            [step("authorize"), mine("capture", minor=4000)],
            {},
        ),
        (Word.UNCLEAR, (0, 0, 0, 0), [step("authorize"), running("capture")], {}),
        (Word.UNCLEAR, (0, 0, 0, 0), [step("authorize"), mine("capture", "50300")], {}),
        (Word.UNCLEAR, (0, 0, 0, 0), [step("authorize"), mine("capture", "12345")], {}),
        (
            Word.AUTHORISED,
            (10000, 4000, 0, 0),
            [step("authorize"), mine("capture", "50300"), step("capture", minor=4000)],
            {},
        ),
        (
            Word.AUTHORISED,
            (10000, 4000, 1000, 6000),
            [
                step("authorize"),
                step("capture", minor=4000),
                step("cancel"),
                step("refund", minor=1000),
            ],
            {"balance": 3000},
        ),
        (Word.VOIDED, (10000, 0, 0, 10000), [step("authorize"), step("cancel")], {}),
        (Word.EXPIRED, (10000, 0, 0, 10000), [step("authorize"), step("capture", "40002")], {}),
        (
            Word.AUTHORISED,
            (10000, 10000, 0, 0),
            [step("authorize"), step("capture", "40002"), step("capture")],
            {},
        ),
        (Word.AUTHORISED, (10000, 0, 0, 0), [step("authorize"), step("fraud-report")], {}),
    ],
)
def test_how_it_stands_is_worked_out_from_the_operations(word, sums, steps, more):
    standing, _ = talk(ADAPTER.status(asked()), answer(200, payment(*steps, **more)))
    seen = (standing.authorised, standing.captured, standing.refunded, standing.voided)
    assert standing.word is word
    assert tuple(amount.minor for amount in seen) == sums
    assert (standing.action is not None) == (word is Word.PENDING and not more)
    assert standing.reason == ("declined" if word is Word.DECLINED else "")


def test_operations_are_told_by_our_keys():
    steps = [
        step("authorize", callback_url=NOTICES),
        step("capture", minor=1000, callback_url=f"{NOTICES}?attempt=one"),
        step("capture", "40000", callback_url=f"{NOTICES}?attempt=two"),
        step("capture", "50300", callback_url=f"{NOTICES}?attempt=three"),
        step("capture", minor=2000),
    ]
    standing, _ = talk(ADAPTER.status(asked()), answer(200, payment(*steps)))
    named = [(done.key, done.outcome) for done in standing.operations]
    assert named == [("one", Outcome.SUCCEEDED), ("two", Outcome.DECLINED)]


@pytest.mark.parametrize(
    "body",
    [
        payment(step("authorize", minor=9999)),
        payment(step("authorize"), step("authorize")),
        payment(step("authorize"), step("capture", minor=10001)),
        payment(step("authorize"), step("capture"), step("refund", minor=10001)),
        payment(step("authorize"), step("capture"), balance=0),
        payment(step("authorize"), step("capture"), balance={}),
        payment(order_id="b" * 20),
        payment(currency="EUR"),
        payment(id=7),
    ],
)
def test_sums_that_cannot_be_true_are_a_contradiction(body):
    with pytest.raises(Contradiction):
        talk(ADAPTER.status(asked()), answer(200, body))


def test_a_test_card_is_no_money_unless_this_is_a_test():
    live = QuickPay(config(is_test=False))
    paid = answer(200, payment(step("authorize")))
    assert talk(ADAPTER.status(asked()), paid)[0].word is Word.AUTHORISED
    with pytest.raises(Contradiction, match="test card"):
        talk(live.status(asked()), paid)
    real = answer(200, payment(step("authorize"), test_mode=False))
    assert talk(live.status(asked()), real)[0].word is Word.AUTHORISED


@pytest.mark.parametrize(
    ("word", "answers"),
    [
        (Word.NOT_FOUND, [answer(200, [])]),
        (Word.UNCLEAR, [answer(200, [payment(), payment()])]),
        (Word.UNCLEAR, [answer(200, [{}])]),
        (Word.UNCLEAR, [answer(200, {})]),
        (Word.UNCLEAR, [answer(401, NO)]),
        (Word.UNCLEAR, [answer(404, NO)]),
        (Word.UNCLEAR, [answer(200, [payment()]), answer(404, NO)]),
        (Word.UNCLEAR, [answer(200, [payment()]), answer(200, [])]),
        (Word.AUTHORISED, [answer(200, [payment()]), answer(200, payment(step("authorize")))]),
    ],
)
def test_a_payment_is_found_by_our_reference_alone(word, answers):
    standing, sent = talk(ADAPTER.status(asked(known=None)), *answers)
    assert standing.word is word
    assert sent[0].url.raw_path == b"/payments?order_id=" + REFERENCE.encode()


def test_a_list_about_another_payment_is_a_contradiction():
    with pytest.raises(Contradiction):
        talk(ADAPTER.status(asked(known=None)), answer(200, [payment(order_id="A" * 20)]))


# --- voids ----------------------------------------------------------------------------------------

PAID = answer(200, payment(step("authorize")))
OPEN = answer(200, payment())
GONE = answer(200, payment(link=None))


@pytest.mark.parametrize(
    ("outcome", "methods", "answers"),
    [
        (
            Outcome.SUCCEEDED,
            "GET POST GET",
            [
                PAID,
                answer(202, payment(step("authorize"), running("cancel"))),
                answer(200, payment(step("authorize"), mine("cancel", minor=None))),
            ],
        ),
        (Outcome.SUCCEEDED, "GET", [answer(200, payment(step("authorize"), step("cancel")))]),
        (Outcome.UNKNOWN, "GET", [answer(500)]),
        (Outcome.UNKNOWN, "GET POST", [PAID, answer(409, NO)]),
        (Outcome.REFUSED, "GET POST", [PAID, answer(400, NO)]),
        (Outcome.SUCCEEDED, "GET DELETE GET", [OPEN, answer(204), GONE]),
        (Outcome.SUCCEEDED, "GET DELETE GET", [GONE, answer(404, NO), GONE]),
        (Outcome.UNKNOWN, "GET DELETE GET", [OPEN, answer(204), OPEN]),
        (Outcome.UNKNOWN, "GET DELETE GET", [OPEN, answer(204), PAID]),
        (Outcome.UNKNOWN, "GET DELETE GET", [OPEN, answer(204), answer(500)]),
        (
            Outcome.UNKNOWN,
            "GET DELETE GET",
            [OPEN, answer(204), answer(200, payment(running("authorize"), link=None))],
        ),
        (
            Outcome.UNKNOWN,
            "GET DELETE GET",
            [OPEN, answer(204), answer(200, payment(step("authorize", "50300"), link=None))],
        ),
        (Outcome.UNKNOWN, "GET DELETE", [OPEN, answer(500)]),
        (Outcome.REFUSED, "GET DELETE", [OPEN, answer(403, NO)]),
    ],
)
def test_a_void_releases_what_is_reserved_or_closes_the_link(outcome, methods, answers):
    result, sent = talk(ADAPTER.void(change()), *answers)
    assert result.outcome is outcome
    assert " ".join(request.method for request in sent) == methods
    assert all(json.loads(request.content) == {} for request in sent if request.method == "POST")


def test_what_nobody_finds_is_neither_captured_nor_voided():
    for operation in (ADAPTER.capture, ADAPTER.void):
        result, sent = talk(operation(change(known=None)), answer(200, []))
        assert (result.outcome, len(sent)) == (Outcome.UNKNOWN, 1)


# --- mandates -------------------------------------------------------------------------------------

MANDATE = "m" * 20
NAMED = f"{NUMBER}:DKK"  # the token


def leave(minor=10000, currency="DKK", **facts):
    facts = {
        "key": f"{MANDATE}-1",
        "merchant_reference": MANDATE,
        "method": "dankort",
        "title": "Kaffe hver måned",
        "maximum": Money(minor, currency),
        "return_url": "https://shop.example/return",
        "locale": "da_DK",
        "market": "DK",
        "customer": "consumer",
        "every_months": 1,
        **facts,
    }
    return Agree(**facts)


def charge(minor=10000, currency="DKK", token: str | None = NAMED, **facts):
    facts = {
        "key": f"{REFERENCE}-2",
        "merchant_reference": REFERENCE,
        "mandate": MANDATE,
        "token": token and Secret(token),
        "method": "dankort",
        "amount": Money(minor, currency),
        "title": "Kaffe i marts",
        "locale": "da_DK",
        "market": "DK",
        "customer": "consumer",
        **facts,
    }
    return Charge(**facts)


def wish(known: str | None = NUMBER):
    most = Money(10000, "DKK")
    return MandateAsk(MANDATE, known, "dankort", maximum=most, key=f"{MANDATE}-9")


def subscription(*steps, link=LINK, **more):
    return {**payment(*steps, link=link), "order_id": MANDATE, "type": "Subscription", **more}


CONSENT = step("authorize", minor=None)
WAITING = answer(200, subscription())
GIVEN = answer(200, subscription(CONSENT, link=None))
ENDED = answer(200, subscription(CONSENT, step("cancel", minor=None), link=None))
WITHDRAWN = answer(200, subscription(link=None))
CANCELLING = answer(202, subscription(CONSENT, step("cancel", None, None, pending=True)))


@pytest.mark.parametrize(("months", "more"), [(1, {}), (0, {"unscheduled": True})])
def test_a_mandate_is_a_subscription_with_a_link(months, more):
    result, (create, link) = talk(
        ADAPTER.agree(leave(every_months=months, method="dankort,visa")),
        answer(201, subscription(link=None, accepted=False)),
        answer(200, {"url": LINK["url"]}),
    )
    action = Redirect(url="https://payment.quickpay.net/payments/abc")
    assert result == Result(outcome=Outcome.PENDING, provider_reference=NUMBER, action=action)
    assert (create.method, create.url.path) == ("POST", "/subscriptions")
    facts = {"order_id": MANDATE, "currency": "DKK", "description": "Kaffe hver måned"}
    assert json.loads(create.content) == {**facts, **more}
    assert (link.method, link.url.path) == ("PUT", f"/subscriptions/{NUMBER}/link")
    body = json.loads(link.content)
    assert (body["amount"], body["payment_methods"]) == (10000, "dankort,visa")


@pytest.mark.parametrize(
    ("error", "field", "order"),
    [
        (NotSupported, "method", leave(method="mobilepay")),
        (NotSupported, "currency", leave(currency="ISK")),
        (NotSupported, "first", leave(first=charge(token=None))),
        (InvalidInput, "amount", leave(0)),
        (InvalidInput, "merchant_reference", leave(merchant_reference="a?")),
        (NotSupported, "currency", charge(currency="ISK")),
        (InvalidInput, "token", charge(token=None)),
        (InvalidInput, "token", charge(currency="SEK")),
        (InvalidInput, "amount", charge(0)),
        (InvalidInput, "merchant_reference", charge(merchant_reference="a?")),
    ],
)
def test_what_is_no_mandate_or_no_charge_is_refused_before_anything_is_sent(error, field, order):
    operation = ADAPTER.charge if isinstance(order, Charge) else ADAPTER.agree
    with pytest.raises(error) as caught:
        next(operation(order))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("outcome", "answers"),
    [
        (Outcome.UNKNOWN, [answer(400, TAKEN)]),
        (Outcome.REFUSED, [answer(400, NO)]),
        (Outcome.UNKNOWN, [answer(201, {})]),
        (Outcome.REFUSED, [answer(201, subscription()), answer(403, NO)]),
    ],
)
def test_a_mandate_that_is_not_there_or_has_no_link(outcome, answers):
    result, _ = talk(ADAPTER.agree(leave()), *answers)
    assert (result.outcome, result.provider_reference, result.action) == (outcome, None, None)


@pytest.mark.parametrize(
    ("word", "body"),
    [
        (MandateWord.PENDING, subscription()),
        (MandateWord.PENDING, subscription(step("authorize", "40000", None))),
        (MandateWord.PENDING, subscription(step("authorize", None, None), link=None)),
        (MandateWord.PENDING, subscription(step("authorize", "50300", None), link=None)),
        (MandateWord.ACTIVE, subscription(CONSENT, link=None)),
        (MandateWord.ACTIVE, subscription(CONSENT)),
        (MandateWord.ACTIVE, subscription(step("subscribe"), link=None)),
        (MandateWord.ACTIVE, subscription(CONSENT, step("cancel", "40000", None))),
        (MandateWord.UNCLEAR, subscription(CONSENT, accepted=False)),
        (MandateWord.UNCLEAR, subscription(CONSENT, step("cancel", None, None))),
        (MandateWord.UNCLEAR, subscription(CONSENT, step("cancel", "50000", None))),
        (MandateWord.UNCLEAR, subscription(CONSENT, operations={})),
        (MandateWord.UNCLEAR, subscription(CONSENT, link="none")),
        (MandateWord.ENDED, subscription(CONSENT, step("cancel", minor=None))),
        (MandateWord.DECLINED, subscription(step("authorize", "40003", None), link=None)),
        (MandateWord.NOT_FOUND, subscription(link=None)),
    ],
)
def test_how_a_mandate_stands_is_worked_out_from_the_operations(word, body):
    seen, (sent,) = talk(ADAPTER.mandate(wish()), answer(200, body))
    is_active = word is MandateWord.ACTIVE
    assert (seen.word, seen.token) == (word, Secret(NAMED) if is_active else None)
    assert (seen.action is not None) == (word is MandateWord.PENDING and body["link"] is not None)
    assert seen.reason == ("cancelled" if word is MandateWord.DECLINED else "")
    assert (sent.method, sent.url.path) == ("GET", f"/subscriptions/{NUMBER}")


@pytest.mark.parametrize(
    ("word", "answers"),
    [
        (MandateWord.NOT_FOUND, [answer(200, [])]),
        (MandateWord.UNCLEAR, [answer(404, NO)]),
        (MandateWord.UNCLEAR, [answer(200, [subscription()]), answer(500)]),
        (MandateWord.ACTIVE, [answer(200, [subscription()]), GIVEN]),
    ],
)
def test_a_mandate_is_found_by_our_reference_alone(word, answers):
    seen, sent = talk(ADAPTER.mandate(wish(None)), *answers)
    assert (seen.word, seen.token and seen.token.reveal()) == (
        word,
        NAMED if word is MandateWord.ACTIVE else None,
    )
    assert sent[0].url.raw_path == b"/subscriptions?order_id=" + MANDATE.encode()


@pytest.mark.parametrize("changes", [{"id": 7}, {"order_id": "b" * 20}, {"currency": "SEK"}])
def test_another_mandate_is_a_contradiction(changes):
    with pytest.raises(Contradiction):
        talk(ADAPTER.mandate(wish()), answer(200, {**subscription(CONSENT), **changes}))


def test_a_mandate_on_a_test_card_is_none_unless_this_is_a_test():
    with pytest.raises(Contradiction, match="test card"):
        talk(QuickPay(config(is_test=False)).mandate(wish()), GIVEN)


def charged(code: str | None = "20000", minor=10000, **more):
    return payment(mine("recurring", code, minor), link=None, **more)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("20000", Outcome.SUCCEEDED),
        ("30101", Outcome.DECLINED),
        ("40000", Outcome.DECLINED),
        ("41000", Outcome.REFUSED),
        ("42300", Outcome.REFUSED),
        ("20200", Outcome.PENDING),
        ("50300", Outcome.UNKNOWN),
        (None, Outcome.PENDING),
    ],
)
@pytest.mark.parametrize("is_at_once", [True, False])
def test_a_charge_is_one_operation_of_a_new_payment(code, outcome, is_at_once):
    first = answer(202, charged(code if is_at_once else None))
    result, sent = talk(ADAPTER.charge(charge()), first, answer(200, charged(code)))
    assert (result.outcome, result.provider_reference) == (outcome, NUMBER)
    assert result.reason == CODES.get(code or "", (None, ""))[1]
    assert (sent[0].method, sent[0].url.path) == ("POST", f"/subscriptions/{NUMBER}/recurring")
    assert sent[0].headers["quickpay-callback-url"] == f"{NOTICES}?attempt={REFERENCE}-2"
    assert json.loads(sent[0].content) == {
        "order_id": REFERENCE,
        "amount": 10000,
        "auto_capture": False,
        "autofee": False,
    }


@pytest.mark.parametrize(
    ("outcome", "response"),
    [
        (Outcome.REFUSED, answer(400, NO)),
        (Outcome.UNKNOWN, answer(400, TAKEN)),
        (Outcome.UNKNOWN, answer(409, NO)),
        (Outcome.UNKNOWN, answer(202, payment(step("recurring"), link=None))),
        (Outcome.UNKNOWN, answer(202, payment(mine("authorize"), link=None))),
        (Outcome.UNKNOWN, answer(202, charged("20000", None))),
    ],
)
def test_a_charge_without_a_clear_answer(outcome, response):
    assert talk(ADAPTER.charge(charge()), response)[0].outcome is outcome


@pytest.mark.parametrize(
    "body", [charged(minor=9999), charged("40000", 9999), charged(currency="SEK")]
)
def test_a_charge_of_something_else_is_a_contradiction(body):
    with pytest.raises(Contradiction):
        talk(ADAPTER.charge(charge()), answer(202, body))


@pytest.mark.parametrize(
    ("code", "word"),
    [("20000", Word.AUTHORISED), ("40000", Word.DECLINED), (None, Word.PENDING)],
)
def test_a_charge_is_asked_about_as_any_payment(code, word):
    assert talk(ADAPTER.status(asked()), answer(200, charged(code)))[0].word is word


@pytest.mark.parametrize(
    ("outcome", "methods", "answers"),
    [
        (Outcome.SUCCEEDED, "GET POST GET", [GIVEN, CANCELLING, ENDED]),
        (Outcome.UNKNOWN, "GET POST GET", [GIVEN, CANCELLING, CANCELLING]),
        (Outcome.UNKNOWN, "GET POST", [GIVEN, answer(202, {})]),
        (Outcome.REFUSED, "GET POST", [GIVEN, answer(400, NO)]),
        (Outcome.SUCCEEDED, "GET", [ENDED]),
        (Outcome.SUCCEEDED, "GET", [WITHDRAWN]),
        (Outcome.SUCCEEDED, "GET DELETE GET", [WAITING, answer(204), WITHDRAWN]),
        (Outcome.UNKNOWN, "GET DELETE GET", [WAITING, answer(204), GIVEN]),
        (Outcome.REFUSED, "GET DELETE", [WAITING, answer(404, NO)]),
        (Outcome.UNKNOWN, "GET DELETE", [WAITING, answer(500)]),
        (Outcome.UNKNOWN, "GET", [answer(404, NO)]),
    ],
)
def test_an_end_cancels_what_was_given_or_removes_the_link(outcome, methods, answers):
    result, sent = talk(ADAPTER.end_mandate(wish()), *answers)
    assert result.outcome is outcome
    assert " ".join(request.method for request in sent) == methods


def test_a_mandate_that_nobody_finds_is_not_ended():
    assert talk(ADAPTER.end_mandate(wish(None)), answer(200, []))[0].outcome is Outcome.UNKNOWN


# --- notices --------------------------------------------------------------------------------------

# The two vectors of the fact sheet.
FIRST = (
    b'{"id":9001,"order_id":"co-10001","accepted":true,"type":"Payment","currency":"DKK",'
    b'"state":"new","operations":[{"id":1,"type":"authorize","amount":12500,"pending":false,'
    b'"qp_status_code":"20000"}],"test_mode":true,"balance":0}'
)
SECOND = (
    '{"id":9002,"order_id":"co-10002","variables":{"name":"Rødgrød"},"accepted":false,'
    '"currency":"DKK","operations":[]}'
).encode()
VECTORS = [
    (FIRST, "1c208d5027d0b92f872ee90efb6115efe2bdc6c29ec3330cd0a65cf1ce93bc3d", "co-10001", "new"),
    (SECOND, "cfd03d9b898686c505af1150a876698f01ad00487d9e6a57087d9f01fcbcbf03", "co-10002", ""),
]


def read(body, *checksums):
    names = ("QuickPay-Checksum-Sha256", "quickpay-checksum-sha256")[: len(checksums)]
    headers = dict(zip(names, checksums, strict=True))
    (notice,) = ADAPTER.read_notices(Webhook(headers, body, 0))
    return notice


@pytest.mark.parametrize(("body", "checksum", "reference", "kind"), VECTORS)
def test_the_checksums_of_the_fact_sheet(body, checksum, reference, kind):
    notice = read(body, checksum)
    assert (notice.merchant_reference, notice.kind) == (reference, kind)
    assert notice == read(body, checksum)
    changed = body.replace(b"DKK", b"SEK")
    again = b64encode(bytes.fromhex(checksum)).decode()
    for wrong in (checksum[:-1], checksum.upper(), f" {checksum}", f"{checksum}0", again, "", "ø"):
        with pytest.raises(UntrustedNotice):
            read(body, wrong)
    for other in (changed, body + b"\n", body[:-1], json.dumps(json.loads(body)).encode(), b""):
        with pytest.raises(UntrustedNotice):
            read(other, checksum)
    for headers in ((), (checksum, checksum)):
        with pytest.raises(UntrustedNotice):
            read(body, *headers)


@pytest.mark.parametrize("body", [b"[]", b"{}", b"no", b'{"id":"1","order_id":"a"}', b'{"id":1}'])
def test_what_is_signed_and_no_payment_is_untrusted(body):
    checksum = hmac.new(b"qp-private-key", body, hashlib.sha256).hexdigest()
    with pytest.raises(UntrustedNotice, match="not readable"):
        read(body, checksum)


def test_two_notices_of_one_payment_are_two():
    account = paid_account()
    exchange(account.provider().capture(change(4000)), account.handle)
    (first,), (second,) = map(account.provider().read_notices, account.outbox)
    assert first.id != second.id
    assert first.id.startswith(f"{NUMBER}-")
    assert (first.kind, second.kind) == ("new", "processed")


# --- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("api_key", ""),
        ("api_key", "two words"),
        ("private_key", "line\nbreak"),
        ("base_url", "http://api.quickpay.example"),
        ("notice_url", "https://shop.example/notices?shop=1"),
        ("name", "Quick Pay"),
    ],
)
def test_a_wrong_setting_is_named_and_not_repeated(field, value):
    with pytest.raises(InvalidInput) as caught:
        config(**{field: value})
    assert caught.value.field == field
    assert not value or value not in str(caught.value)


def test_settings_show_no_secrets():
    assert "0123456789abcdef" not in f"{config()!r} {ADAPTER!r} {config().model_dump_json()}"
    assert QuickPay(config(name="quickpay_se")).name == "quickpay_se"


# --- the schemas ----------------------------------------------------------------------------------


def schema(name):
    if not SPECS.is_dir():
        pytest.skip(f"no schemas: {SPECS} is not there")
    return Draft202012Validator(json.loads((SPECS / f"{name}.schema.json").read_text()))


BODIES = {
    ("POST", "payments"): "create-payment.request",
    ("PUT", "link"): "link.request",
    ("POST", "capture"): "amount.request",
    ("POST", "refund"): "amount.request",
}
NEEDED = {
    "POST payments", "PUT payments link", "GET payments", "GET payments one",
    "POST payments capture", "POST payments refund", "POST payments cancel",
    "DELETE payments link", "POST subscriptions", "PUT subscriptions link", "GET subscriptions",
    "GET subscriptions one", "POST subscriptions recurring", "POST subscriptions cancel",
    "DELETE subscriptions link",
}  # fmt: skip


class Checked:
    """A stand-in with everything that passes held against the published schemas.

    There is none for subscriptions: those show what payments show, and more.
    """

    def __init__(self, account):
        self.account, self.covered = account, set()

    def handle(self, request):
        _, what, *rest = urlsplit(str(request.url)).path.split("/")
        last = rest[-1] if rest else what
        if wanted := BODIES.get((request.method, last)):
            schema(wanted).validate(json.loads(request.content))
        elif request.content and last in {"cancel", "link"}:
            assert json.loads(request.content) == {}
        response = self.account.handle(request)
        if response.status_code >= 400:
            schema("error").validate(response.json())
        elif response.content and last != "link":
            body = response.json()
            for item in body if isinstance(body, list) else [body]:
                schema("payment").validate(item)
        names = [request.method, what, *("one" if part.isdigit() else part for part in rest[-1:])]
        self.covered.add(" ".join(names))
        return response


def test_requests_answers_and_notices_fit_the_published_schemas():
    account = SimulatedQuickPay(lambda: NOW)
    wire, adapter = Checked(account), account.provider()
    lines = (line(7001, 3), line(2999, kind="delivery"))
    for reference in (REFERENCE, "b" * 20):
        exchange(adapter.authorise(order(merchant_reference=reference, lines=lines)), wire.handle)
    again = exchange(adapter.authorise(order()), wire.handle)
    assert again.outcome is Outcome.UNKNOWN
    account.reject(REFERENCE)
    account.approve(REFERENCE)
    for operation, minor, taken in (
        ("capture", 6000, 0),
        ("refund", 1000, 6000),
        ("void", 4000, 6000),
    ):
        done = getattr(adapter, operation)(change(minor, f"k-{operation}", captured=taken))
        assert exchange(done, wire.handle).outcome is Outcome.SUCCEEDED
    too_much = adapter.refund(change(6000, "k-more", captured=6000, refunded=1000))
    assert exchange(too_much, wire.handle).outcome is Outcome.REFUSED
    late = replace(change(known=None, authorised=0), merchant_reference="b" * 20)
    assert exchange(adapter.void(late), wire.handle).outcome is Outcome.SUCCEEDED
    for reference in (MANDATE, "n" * 20):
        exchange(adapter.agree(leave(merchant_reference=reference)), wire.handle)
    account.approve_mandate(MANDATE)
    token = exchange(adapter.mandate(wish(None)), wire.handle).token
    for reference in ("c" * 20, "c" * 20):
        paid = charge(key="k-charge", merchant_reference=reference)
        again = exchange(adapter.charge(replace(paid, token=token)), wire.handle)
    assert again.outcome is Outcome.UNKNOWN
    for reference in (MANDATE, "n" * 20):
        ask = replace(wish(None), merchant_reference=reference)
        assert exchange(adapter.end_mandate(ask), wire.handle).outcome is Outcome.SUCCEEDED
    for hook in account.outbox:
        schema("payment").validate(json.loads(hook.body))
        assert hook.headers["quickpay-resource-type"] == json.loads(hook.body)["type"]
    assert len(account.outbox) == 8  # the links that were removed are no operations
    print(f"quickpay: {len(wire.covered)} of {len(NEEDED)} operations covered")  # noqa: T201
    assert wire.covered == NEEDED
    assert account.book(REFERENCE).taken == 5000


def test_the_schema_check_can_fail():
    with pytest.raises(ValidationError):
        schema("create-payment.request").validate({"order_id": "abc", "currency": "DKK"})


def test_our_codes_are_theirs():
    if not SPECS.is_dir():
        pytest.skip(f"no schemas: {SPECS} is not there")
    theirs = json.loads((SPECS / "status-codes.json").read_text())
    assert theirs["codes"].keys() >= CODES.keys()
    assert theirs["codes"].keys() - CODES.keys() == {"20200", *theirs["outcome_unknown"]}


# --- the stand-in ---------------------------------------------------------------------------------


def paid_account():
    account = SimulatedQuickPay(lambda: NOW)
    exchange(account.provider().authorise(order()), account.handle)
    account.approve(REFERENCE)
    return account


def raw(account, method, where, body=None, headers=None):
    key = b64encode(b":simulated-api-key").decode()
    known = {"authorization": f"Basic {key}", "accept-version": "v10"}
    request = httpx.Request(
        method, f"https://api.quickpay.net{where}", headers={**known, **(headers or {})}, json=body
    )
    return account.handle(request)


WANTED = {"order_id": "b" * 20, "currency": "DKK"}
RECURRING = {"order_id": "b" * 20, "amount": 1, "auto_capture": False, "autofee": False}
LINK_WANTED = {
    "amount": 10000,
    "continue_url": "https://shop.example/return",
    "cancel_url": "https://shop.example/return",
    "callback_url": NOTICES,
    "language": "da",
    "payment_methods": "creditcard",
}


@pytest.mark.parametrize(
    ("status", "method", "where", "body", "headers"),
    [
        (401, "GET", "/payments", None, {"authorization": "Basic Og=="}),
        (406, "GET", "/payments", None, {"accept-version": "v9"}),
        (404, "GET", "/payments/1", None, None),
        (404, "GET", "/nothing", None, None),
        (415, "POST", "/payments", WANTED, {"content-type": "text/plain"}),
        (400, "POST", "/payments", {**WANTED, "order_id": "abc"}, None),
        (400, "POST", "/payments", {**WANTED, "order_id": REFERENCE}, None),
        (400, "POST", "/payments", {**WANTED, "currency": "ISK"}, None),
        (400, "POST", "/payments", {**WANTED, "idempotency": "x"}, None),
        (400, "PUT", f"/payments/{NUMBER}/link", {"amount": 1}, None),
        (404, "DELETE", f"/payments/{NUMBER}/link", None, None),
        (400, "POST", f"/payments/{NUMBER}/capture", {"amount": 0}, None),
        (400, "POST", f"/payments/{NUMBER}/capture", {"amount": 10001}, None),
        (400, "POST", f"/payments/{NUMBER}/refund", {"amount": 1}, None),
        (400, "POST", f"/payments/{NUMBER}/cancel", [], None),
        (202, "POST", f"/payments/{NUMBER}/cancel", {}, None),
    ],
)
def test_the_stand_in_refuses_what_they_refuse(status, method, where, body, headers):
    assert raw(paid_account(), method, where, body, headers).status_code == status


@pytest.mark.parametrize(
    ("status", "method", "where", "body"),
    [
        (400, "POST", "/subscriptions", {**WANTED, "description": ""}),
        (400, "POST", "/subscriptions", {**WANTED, "description": "x", "order_id": MANDATE}),
        (400, "PUT", f"/subscriptions/{NUMBER}/link", LINK_WANTED),
        (404, "DELETE", f"/subscriptions/{NUMBER}/link", None),
        (404, "PATCH", f"/subscriptions/{NUMBER}", {}),
        (404, "PATCH", "/payments/900002", {}),
        (404, "GET", f"/payments/{NUMBER}", None),
        (400, "POST", f"/subscriptions/{NUMBER}/recurring", {"order_id": "b" * 20, "amount": 1}),
        (202, "POST", f"/subscriptions/{NUMBER}/recurring", RECURRING),
        (400, "POST", f"/subscriptions/{NUMBER}/recurring", {**RECURRING, "order_id": MANDATE}),
        (404, "POST", "/subscriptions/900002/recurring", RECURRING),
        (202, "POST", f"/subscriptions/{NUMBER}/cancel", {}),
    ],
)
def test_the_stand_in_takes_of_subscriptions_what_they_take(status, method, where, body):
    account = subscribed_account()
    raw(account, "POST", "/payments", {**WANTED, "order_id": "x" * 20})
    assert raw(account, method, where, body).status_code == status


def subscribed_account():
    account = SimulatedQuickPay(lambda: NOW)
    exchange(account.provider().agree(leave()), account.handle)
    account.approve_mandate(MANDATE)
    return account


def test_a_subscription_that_is_not_active_is_neither_charged_nor_cancelled():
    account = SimulatedQuickPay(lambda: NOW)
    raw(account, "POST", "/subscriptions", {**WANTED, "description": "x"})
    for word, body in (("recurring", RECURRING), ("cancel", {})):
        where = f"/subscriptions/{NUMBER}/{word}"
        assert raw(account, "POST", where, body).status_code == 400


def test_a_subscription_that_was_cancelled_in_the_portal_takes_nothing():
    account = subscribed_account()
    adapter = account.provider()
    account.end_mandate(MANDATE)
    assert exchange(adapter.mandate(wish()), account.handle).word is MandateWord.ENDED
    assert exchange(adapter.charge(charge()), account.handle).outcome is Outcome.REFUSED
    (*_, last) = account.outbox
    (notice,) = adapter.read_notices(last)
    assert (notice.merchant_reference, json.loads(last.body)["type"]) == (MANDATE, "Subscription")


def test_a_cancel_that_is_declined_leaves_the_mandate_as_it_was():
    account = subscribed_account()
    account.plan("void", Fault.DECLINE)
    ended = exchange(account.provider().end_mandate(wish()), account.handle)
    assert ended.outcome is Outcome.UNKNOWN
    assert exchange(account.provider().mandate(wish()), account.handle).word is MandateWord.ACTIVE


def test_a_charge_is_declined_or_found_after_its_answer_was_lost():
    account = subscribed_account()
    adapter = account.provider()
    account.plan("authorise", Fault.DECLINE, Fault.LOSE_ANSWER)
    result = exchange(adapter.charge(charge()), account.handle)
    assert (result.outcome, result.reason) == (Outcome.DECLINED, "declined")
    assert exchange(adapter.status(asked(known=None)), account.handle).word is Word.DECLINED
    again = charge(merchant_reference="c" * 20, key="again")
    with pytest.raises(TransportError):
        exchange(adapter.charge(again), account.handle)
    ask = replace(asked(known=None), merchant_reference="c" * 20)
    assert exchange(adapter.status(ask), account.handle).authorised == Money(10000, "DKK")


def test_a_link_is_made_once_and_klarna_wants_a_basket_that_adds_up():
    account = SimulatedQuickPay(lambda: NOW)
    lines = (line(9000),)
    wrong = account.provider().authorise(order(method="klarna", lines=lines))
    assert exchange(wrong, account.handle).outcome is Outcome.REFUSED
    assert exchange(account.provider().status(asked()), account.handle).word is Word.NOT_FOUND
    early = account.provider().void(change(authorised=0))
    assert exchange(early, account.handle).outcome is Outcome.SUCCEEDED
    good = replace(order(lines=(line(),)), merchant_reference="b" * 20)
    exchange(account.provider().authorise(good), account.handle)
    link = {**LINK_WANTED, "payment_methods": "dankort"}
    assert raw(account, "PUT", "/payments/900002/link", link).status_code == 400
    assert raw(account, "POST", "/payments/900002/capture", {"amount": 1}).status_code == 400


def test_one_operation_at_a_time():
    account, adapter = paid_account(), paid_account().provider()
    account.plan("capture", Fault.SLOW)
    first = exchange(adapter.capture(change(1000)), account.handle)
    second = exchange(adapter.capture(change(2000, "second")), account.handle)
    assert (first.outcome, second.outcome) == (Outcome.PENDING, Outcome.UNKNOWN)
    assert exchange(adapter.status(asked()), account.handle).word is Word.UNCLEAR
    assert account.book(REFERENCE).captured == 0


def test_a_busy_service_says_when_to_come_back():
    account = paid_account()
    account.plan("capture", Fault.RATE_LIMIT)
    answer = raw(account, "POST", f"/payments/{NUMBER}/capture", {"amount": 1})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


def test_a_declined_card_leaves_the_link_open_and_the_next_one_pays():
    account = SimulatedQuickPay(lambda: NOW)
    adapter = account.provider()
    action = exchange(adapter.authorise(order()), account.handle).action
    account.reject(REFERENCE)
    account.reject(REFERENCE, "suspected_fraud")
    standing = exchange(adapter.status(asked()), account.handle)
    assert (standing.word, standing.action) == (Word.PENDING, action)
    account.approve(REFERENCE)
    account.reject(REFERENCE)  # too late
    standing = exchange(adapter.status(asked()), account.handle)
    assert (standing.word, standing.authorised.minor) == (Word.AUTHORISED, 10000)
    codes = [item["qp_status_code"] for item in json.loads(account.outbox[-1].body)["operations"]]
    assert codes == ["40000", "40300", "20000"]


def test_an_authorisation_that_ran_out_shows_when_something_is_asked_of_it():
    clock = Clock()
    account = SimulatedQuickPay(clock)
    adapter = account.provider()
    exchange(adapter.authorise(order()), account.handle)
    account.approve(REFERENCE)
    clock.advance(days=8)
    assert exchange(adapter.status(asked()), account.handle).word is Word.AUTHORISED
    result = exchange(adapter.void(change()), account.handle)
    assert (result.outcome, result.reason) == (Outcome.DECLINED, "authorisation_expired")
    standing = exchange(adapter.status(asked()), account.handle)
    assert (standing.word, standing.voided.minor) == (Word.EXPIRED, 10000)
    late = exchange(adapter.capture(change(key="late")), account.handle)
    assert (late.outcome, late.reason) == (Outcome.DECLINED, "authorisation_expired")


# --- whatever arrives -----------------------------------------------------------------------------

FIELDS = st.sampled_from(sorted(payment())) | st.just("balance")
STEPS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "id": st.integers() | JSON,
            "type": st.sampled_from(["authorize", "capture", "refund", "cancel"]) | JSON,
            "amount": st.sampled_from([10000, 1]) | JSON,
            "pending": st.booleans() | JSON,
            "qp_status_code": st.sampled_from([*CODES, "50000"]) | JSON,
            "callback_url": JSON,
        },
    ),
    max_size=4,
)


@given(st.sampled_from([200, 201, 202, 400, 404, 500]), bodies())
def test_an_arbitrary_answer_is_never_a_success(status, body):
    handler = always(status, body)
    for operation in (
        *(getattr(ADAPTER, name)(change()) for name in ("capture", "void", "refund")),
        ADAPTER.authorise(order()),
        ADAPTER.agree(leave()),
        ADAPTER.charge(charge()),
        ADAPTER.end_mandate(wish()),
    ):
        result = outcome_of(operation, handler)
        assert result is None or result.outcome in {Outcome.REFUSED, Outcome.UNKNOWN}
    mandate = outcome_of(ADAPTER.mandate(wish(None)), handler)
    assert mandate is None or mandate.word in {MandateWord.UNCLEAR, MandateWord.NOT_FOUND}
    standing = outcome_of(ADAPTER.status(asked(known=None)), handler)
    assert standing is None or standing.word in {Word.UNCLEAR, Word.NOT_FOUND}


@given(STEPS, st.dictionaries(FIELDS, JSON, max_size=2))
def test_an_arbitrary_payment_is_read_or_left_unclear_and_never_breaks_anything(steps, changed):
    body = {**payment(), "operations": steps, **changed}
    approved = [s for s in steps if s.get("qp_status_code") == "20000" and not s.get("pending")]
    for operation in (ADAPTER.status(asked()), ADAPTER.capture(change()), ADAPTER.void(change())):
        found = outcome_of(operation, lambda _: httpx.Response(200, json=body))
        if isinstance(found, Standing) and not approved:
            assert found.authorised.is_zero
        if isinstance(found, Result) and not approved:
            assert found.outcome is not Outcome.SUCCEEDED
    given = outcome_of(
        ADAPTER.mandate(wish()), lambda _: httpx.Response(200, json=body | {"order_id": MANDATE})
    )
    assert given is None or given.token is None or approved


# --- sales ----------------------------------------------------------------------------------------


def test_a_card_that_is_rejected_is_not_the_end_and_the_next_one_pays():
    with Deal("quickpay") as deal:
        checkout = deal.placed()
        deal.bank.reject(checkout.payments[0].id)
        deal.settle()
        assert deal.now(checkout).phase == "placing"
        deal.bank.approve(checkout.payments[0].id)
        deal.settle()
        assert deal.now(checkout).phase == "confirmed"


def test_a_capture_that_nobody_can_tell_about_goes_to_a_person():
    with Deal("quickpay") as deal:
        checkout = deal.sold()
        deal.bank.plan("capture", Fault.DECLINE, reason="no_contact")
        deal.ship(checkout.id)
        checkout = deal.later(checkout, days=2)
        assert [item.reason for item in checkout.attention] == ["unresolved"]
        assert checkout.payments[0].attempts[-1].outcome is Outcome.UNKNOWN


def test_a_link_whose_answer_was_lost_is_found():
    with Deal("quickpay") as deal:
        deal.bank.plan("authorise", Fault.LOSE_ANSWER)
        checkout = deal.placed()
        assert checkout.next_action is None
        assert isinstance(deal.later(checkout, minutes=1).next_action, Redirect)


def test_the_link_of_a_cancelled_checkout_opens_nothing():
    with Deal("quickpay") as deal:
        checkout = deal.placed()
        assert isinstance(checkout.next_action, Redirect)
        deal.called_off(checkout)
        page = httpx.Request("GET", checkout.next_action.url)
        assert b"no longer open" in deal.bank.handle(page).content


def test_every_method_is_one_of_theirs_and_every_operation_is_offered():
    assert {"dankort", "visa", "mastercard", "mobilepay", "vipps", "swish"} <= METHODS
    assert ADAPTER.capabilities.operations == frozenset(Operation)
    assert ADAPTER.capabilities.repeat_s == 0
