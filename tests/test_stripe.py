"""Stripe's adapter and its stand-in, held to the contract and to what the provider publishes."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS30Validator
from tests import wire
from tests.deals import Deal
from tests.specs import FOLDER
from tests.wire import CHECKS, JSON, REFERENCE, always, bodies, decides_on_page, outcome_of, talk

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
    Done,
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
    Earlier,
    MandateAsk,
    Modification,
    OrderLine,
    Webhook,
)
from checkoutflow.providers.stripe import Stripe, StripeConfig
from checkoutflow.testing import Clock
from checkoutflow.testing.adapters import AdapterCase, Stage, exchange
from checkoutflow.testing.standins.faults import Fault
from checkoutflow.testing.standins.stripe import SimulatedStripe

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
KEY = f"{REFERENCE}-2"


# --- the contract ---------------------------------------------------------------------------------


def stage_of(method, whose="ours"):
    account = SimulatedStripe(lambda: NOW, secret=whose)

    return Stage(
        provider=account.provider(),
        handler=account.handle,
        customer=decides_on_page(account),
        notice=lambda: account.outbox[-1],
        takes_at_once=method == "swish",
    )


def case_of(method, amount, **more):
    reserving = () if method == "swish" else ("status", "capture", "void")
    words = dict.fromkeys(("authorise", "refund", *reserving), ("status",))
    return AdapterCase(
        make=lambda: stage_of(method),
        foreign=lambda: stage_of(method, "theirs"),
        method=method,
        amount=Money.read(amount),
        secrets=("sk_test_ours", "whsec_ours"),
        words=words,
        mandate_method="card",
        **more,
    )


EMAIL = {"email": "someone@shop.example"}
CASES = {
    "cards in Denmark": case_of("card", "1234.50 DKK", details=EMAIL),
    "cards in Iceland": case_of("card", "12345 ISK"),
    "MobilePay in Finland": case_of("mobilepay", "99.00 EUR"),
    "Klarna in Sweden": case_of("klarna", "250.00 SEK", details=EMAIL),
    "Swish": case_of("swish", "250.00 SEK"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", CHECKS)
def test_stripe_keeps_the_contract(check, case):
    check(case)


# --- what is asked --------------------------------------------------------------------------------


def config(**changes):
    keys = {
        "secret_key": "sk_test_0123456789",
        "is_test": True,
        "notice_secret": "whsec_checkoutflow_demo",
    }
    return StripeConfig.read({**keys, **changes})


ADAPTER = Stripe(config())


def line(minor=10000, quantity=1, currency="DKK", name="Kaffekværn", kind="goods"):
    zero = Money(0, currency)
    return OrderLine("mill", name, quantity, Money(minor, currency), 2500, zero, kind)


order = partial(wire.order, return_url="https://shop.example/return?sale=1")


TOKEN = Secret("cus_1:pm_1")


def agreement(**facts):
    """For later payments by the month."""
    facts = {
        "key": f"{REFERENCE}-1",
        "merchant_reference": REFERENCE,
        "method": "card",
        "title": "Kaffe hver måned",
        "maximum": Money(20000, "DKK"),
        "return_url": "https://shop.example/return?sale=1",
        "locale": "da_DK",
        "market": "DK",
        "customer": "consumer",
        "details": EMAIL,
        **facts,
    }
    return Agree(**facts)


def charge(**facts):
    facts = {
        "key": f"{REFERENCE}-3",
        "merchant_reference": REFERENCE,
        "mandate": "b" * 20,
        "token": TOKEN,
        "method": "card",
        "amount": Money(10000, "DKK"),
        "title": "Kaffe i november",
        "locale": "da_DK",
        "market": "DK",
        "customer": "consumer",
        **facts,
    }
    return Charge(**facts)


def of_mandate(known: str | None = "cs_test_1", token=None):
    return MandateAsk(REFERENCE, known, "card", token=token, key=KEY)


def change(minor=10000, currency="DKK", known: str | None = "pi_1", **books):
    held = Books(currency=currency, **{"authorised": 10000, **books})
    return Modification(KEY, REFERENCE, known, Money(minor, currency), "card", held)


def asked(minor=10000, currency="DKK", known: str | None = "pi_1"):
    return Ask(REFERENCE, known, Money(minor, currency), "card")


def answer(body=None, status=200):
    return httpx.Response(status, json=body)


def form(request):
    return dict(parse_qsl(request.content.decode(), strict_parsing=True, keep_blank_values=True))


def intent(status="requires_capture", **more):
    body = {
        "id": "pi_1",
        "object": "payment_intent",
        "amount": 10000,
        "amount_capturable": 10000 if status == "requires_capture" else 0,
        "amount_received": 10000 if status == "succeeded" else 0,
        "currency": "dkk",
        "metadata": {"checkoutflow_reference": REFERENCE},
        "status": status,
    }
    return {**body, **more}


def session(status="open", **more):
    body = {
        "id": "cs_test_1",
        "object": "checkout.session",
        "amount_total": 10000,
        "client_reference_id": REFERENCE,
        "currency": "dkk",
        "expires_at": 1_795_348_800,
        "payment_intent": None,
        "status": status,
        "url": "https://checkout.stripe.com/c/pay/cs_test_1#abc" if status == "open" else None,
    }
    return {**body, **more}


SOMEBODY_ELSES = {"checkoutflow_reference": "somebody else's"}


def error(status, code=None, kind="invalid_request_error", **more):
    return answer({"error": {"type": kind, "code": code, "message": "no", **more}}, status)


def test_a_card_is_paid_on_a_page_of_theirs():
    lines = (line(7000, 2), line(2500, name="Fragt", kind="delivery"), line(500, 3, name="Net"))
    result, (sent,) = talk(
        ADAPTER.authorise(order(lines=lines, details=EMAIL)), answer(session("open"))
    )
    assert result == Result(
        outcome=Outcome.PENDING,
        provider_reference="cs_test_1",
        action=Redirect(url="https://checkout.stripe.com/c/pay/cs_test_1#abc"),
        valid_until=datetime(2026, 11, 22, 12, tzinfo=UTC),
    )
    assert (sent.method, str(sent.url)) == ("POST", "https://api.stripe.com/v1/checkout/sessions")
    assert sent.headers["authorization"] == "Bearer sk_test_0123456789"
    assert sent.headers["stripe-version"] == "2026-06-24.dahlia"
    assert sent.headers["idempotency-key"] == f"{REFERENCE}-1"
    assert form(sent) == {
        "mode": "payment",
        "payment_method_types[0]": "card",
        "line_items[0][quantity]": "2",
        "line_items[0][price_data][currency]": "dkk",
        "line_items[0][price_data][unit_amount]": "3500",
        "line_items[0][price_data][product_data][name]": "Kaffekværn",
        "line_items[1][quantity]": "1",
        "line_items[1][price_data][currency]": "dkk",
        "line_items[1][price_data][unit_amount]": "2500",
        "line_items[1][price_data][product_data][name]": "Fragt",
        "line_items[2][quantity]": "1",  # 5.00 cannot be shared by three
        "line_items[2][price_data][currency]": "dkk",
        "line_items[2][price_data][unit_amount]": "500",
        "line_items[2][price_data][product_data][name]": "3 × Net",
        "success_url": "https://shop.example/return?sale=1",
        "cancel_url": "https://shop.example/return?sale=1",
        "client_reference_id": REFERENCE,
        "metadata[checkoutflow_reference]": REFERENCE,
        "payment_intent_data[capture_method]": "manual",
        "payment_intent_data[metadata][checkoutflow_reference]": REFERENCE,
        "adaptive_pricing[enabled]": "false",
        "locale": "da",
        "customer_email": "someone@shop.example",
    }


LINES = st.lists(
    st.tuples(st.integers(0, 100_000), st.integers(1, 999)), min_size=1, max_size=120
).filter(lambda rows: any(minor for minor, _ in rows))


@given(LINES, st.sampled_from(["DKK", "ISK"]))
def test_the_lines_of_a_page_add_up_to_what_was_accepted(rows, currency):
    lines = tuple(line(minor, quantity, currency) for minor, quantity in rows)
    total = sum(minor for minor, _ in rows)
    factor = 100 if currency == "ISK" else 1
    if total * factor > 99_999_999:
        return
    sent = form(next(ADAPTER.authorise(order(total, currency, lines=lines))))
    told, place = 0, 0
    while (prefix := f"line_items[{place}]") + "[quantity]" in sent:
        each = int(sent[f"{prefix}[price_data][unit_amount]"])
        told, place = told + int(sent[f"{prefix}[quantity]"]) * each, place + 1
    assert told == total * factor
    assert place == (len(rows) if len(rows) <= 100 else 1)


def test_a_payment_for_part_of_an_order_is_one_line():
    sent = form(next(ADAPTER.authorise(order(4000))))
    assert sent["line_items[0][price_data][product_data][name]"] == REFERENCE
    assert sent["line_items[0][price_data][unit_amount]"] == "4000"


REDIRECT = {"type": "redirect_to_url", "redirect_to_url": {"url": "https://pm.example/go"}}
SWISH = {
    "type": "swish_handle_redirect_or_display_qr_code",
    "swish_handle_redirect_or_display_qr_code": {"hosted_instructions_url": "https://pm.example/s"},
}


@pytest.mark.parametrize(
    ("facts", "action", "expected"),
    [
        ({"method": "mobilepay"}, REDIRECT, {"capture_method": "manual"}),
        ({"method": "swish", "currency": "SEK"}, SWISH, {"capture_method": "automatic"}),
        (
            {"method": "klarna", "details": EMAIL, "market": "FI", "locale": "sv_FI"},
            REDIRECT,
            {
                "capture_method": "manual",
                "payment_method_data[billing_details][email]": "someone@shop.example",
                "payment_method_data[billing_details][address][country]": "FI",
                "payment_method_options[klarna][preferred_locale]": "sv-FI",
            },
        ),
    ],
)
def test_the_other_methods_lead_to_their_own_page(facts, action, expected):
    wanted = order(**facts)
    body = intent("requires_action", currency=wanted.amount.currency.lower(), next_action=action)
    result, (sent,) = talk(ADAPTER.authorise(wanted), answer(body))
    page = next(iter(action[action["type"]].values()))
    assert result == Result(
        outcome=Outcome.PENDING, provider_reference="pi_1", action=Redirect(url=page)
    )
    assert sent.url.path == "/v1/payment_intents"
    assert form(sent) == {
        "amount": "10000",
        "currency": wanted.amount.currency.lower(),
        "confirm": "true",
        "payment_method_types[0]": wanted.method,
        "payment_method_data[type]": wanted.method,
        "expand[0]": "latest_charge",
        "return_url": "https://shop.example/return?sale=1",
        "metadata[checkoutflow_reference]": REFERENCE,
        **expected,
    }


@pytest.mark.parametrize(
    ("locale", "market", "page", "klarna"),
    [
        ("da_DK", "DK", "da", "da-DK"),
        ("nb_NO", "NO", "nb", "nb-NO"),
        ("nn_NO", "NO", "nb", "en-NO"),
        ("fi_FI", "FI", "fi", "fi-FI"),
        ("sv_FI", "FI", "sv", "sv-FI"),
        ("fi-FI", "FI", "fi", "fi-FI"),
        ("is_IS", "IS", "en", None),
        ("en_SE", "SE", "en", "en-SE"),
    ],
)
def test_the_pages_speak_the_customers_language(locale, market, page, klarna):
    facts = {"locale": locale, "market": market, "details": EMAIL}
    assert form(next(ADAPTER.authorise(order(**facts))))["locale"] == page
    told = form(next(ADAPTER.authorise(order(method="klarna", **facts))))
    assert told.get("payment_method_options[klarna][preferred_locale]") == klarna


def test_kronur_go_in_hundredths_and_must_come_back_whole():
    wanted = order(12345, "ISK")
    sent = form(next(ADAPTER.authorise(wanted)))
    assert sent["line_items[0][price_data][unit_amount]"] == "1234500"
    body = intent(amount=1_234_500, amount_capturable=1_234_500, currency="isk")
    standing, _ = talk(ADAPTER.status(asked(12345, "ISK")), answer(body))
    assert standing.authorised == Money(12345, "ISK")
    odd, _ = talk(ADAPTER.status(asked(12345, "ISK")), answer({**body, "amount": 1_234_550}))
    assert odd.word is Word.UNCLEAR


@pytest.mark.parametrize(
    ("kind", "field", "facts"),
    [
        (NotSupported, "method", {"method": "vipps"}),
        (NotSupported, "method", {"method": "swish"}),
        (NotSupported, "method", {"method": "mobilepay", "currency": "ISK"}),
        (InvalidInput, "amount", {"minor": 0}),
        (InvalidInput, "amount", {"minor": 100_000_000}),
        (InvalidInput, "amount", {"minor": 1_000_000, "currency": "ISK"}),
        (InvalidInput, "merchant_reference", {"merchant_reference": ""}),
        (InvalidInput, "merchant_reference", {"merchant_reference": "a" * 201}),
        (InvalidInput, "merchant_reference", {"merchant_reference": "a'b"}),
        (InvalidInput, "email", {"method": "klarna"}),
    ],
)
def test_what_is_beyond_their_limits_is_refused_before_anything_is_sent(kind, field, facts):
    with pytest.raises(kind) as caught:
        next(ADAPTER.authorise(order(**facts)))
    assert caught.value.field == field


@pytest.mark.parametrize("name", ["capture", "void", "refund"])
def test_a_payment_without_a_name_of_theirs_cannot_be_changed(name):
    with pytest.raises(InvalidInput):
        next(getattr(ADAPTER, name)(change(known=None)))


# --- what comes of it -----------------------------------------------------------------------------

FAILED = {"type": "card_error", "code": "card_declined", "decline_code": "expired_card"}
NOT_DONE = [
    (Outcome.DECLINED, "insufficient_funds",
     error(402, "card_declined", "card_error", decline_code="insufficient_funds")),
    (Outcome.DECLINED, "card_expired", error(402, "expired_card", "card_error")),
    (Outcome.DECLINED, "declined", error(402, "a_new_code", "card_error")),
    (Outcome.UNKNOWN, "", error(402, None, "invalid_request_error")),
    (Outcome.REFUSED, "invalid_request", error(400, "parameter_missing")),
    (Outcome.REFUSED, "amount_too_small", error(400, "amount_too_small")),
    (Outcome.REFUSED, "not_authorised", error(400, "payment_intent_unexpected_state")),
    (Outcome.UNKNOWN, "", error(400, None, "idempotency_error")),
    (Outcome.REFUSED, "invalid_request", error(401)),
    (Outcome.REFUSED, "invalid_request", error(403)),
    (Outcome.REFUSED, "payment_not_found", error(404, "resource_missing")),
    (Outcome.UNKNOWN, "", error(409, "idempotency_key_in_use")),
    (Outcome.UNKNOWN, "", error(424, None, "api_error")),
    (Outcome.UNKNOWN, "", error(429, "lock_timeout")),
    (Outcome.UNKNOWN, "", error(500, None, "api_error")),
    (Outcome.UNKNOWN, "", answer("no", 401)),
    (Outcome.UNKNOWN, "", httpx.Response(404)),
    (Outcome.UNKNOWN, "", answer({})),
    (Outcome.UNKNOWN, "", answer([])),
]  # fmt: skip


OPERATIONS = {
    "authorise": lambda: ADAPTER.authorise(order()),
    "mobilepay": lambda: ADAPTER.authorise(order(method="mobilepay")),
    "capture": lambda: ADAPTER.capture(change()),
    "refund": lambda: ADAPTER.refund(change()),
    "agree": lambda: ADAPTER.agree(agreement()),
    "charge": lambda: ADAPTER.charge(charge()),
}
ENDS = {
    "void": lambda: ADAPTER.void(change()),
    "close": lambda: ADAPTER.void(change(known="cs_test_1")),
    "detach": lambda: ADAPTER.end_mandate(of_mandate(token=TOKEN)),
    "withdraw": lambda: ADAPTER.end_mandate(of_mandate()),
}


@pytest.mark.parametrize(("outcome", "reason", "said"), NOT_DONE)
@pytest.mark.parametrize("name", OPERATIONS)
def test_what_an_error_means(name, outcome, reason, said):
    assert talk(OPERATIONS[name](), said)[0] == Result(outcome=outcome, reason=reason)


@pytest.mark.parametrize("said", [said for outcome, _, said in NOT_DONE if outcome != "declined"])
@pytest.mark.parametrize("name", ENDS)
def test_what_cannot_be_ended_may_be_over_by_our_own_doing(name, said):
    assert talk(ENDS[name](), said)[0].outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("outcome", "body"),
    [
        (Outcome.UNKNOWN, session("expired")),
        (Outcome.UNKNOWN, session("a_new_word")),
        (Outcome.UNKNOWN, session(url="javascript:alert(1)")),
        (Outcome.UNKNOWN, session(expires_at="soon")),
        (Outcome.PENDING, session(expires_at=None)),
    ],
)
def test_a_page_that_is_not_open_is_no_page(outcome, body):
    assert talk(ADAPTER.authorise(order()), answer(body))[0].outcome is outcome


@pytest.mark.parametrize(
    ("outcome", "body"),
    [
        (Outcome.PENDING, intent("requires_confirmation")),
        (Outcome.PENDING, intent("processing")),
        (Outcome.PENDING, intent("requires_action", next_action={"type": "use_stripe_sdk"})),
        (Outcome.PENDING, intent("requires_payment_method")),
        (Outcome.DECLINED, intent("requires_payment_method", last_payment_error=FAILED)),
        (Outcome.SUCCEEDED, intent("requires_capture")),
        (Outcome.UNKNOWN, intent("succeeded")),
        (Outcome.UNKNOWN, intent("canceled")),
        (Outcome.UNKNOWN, intent("a_new_word")),
    ],
)
def test_a_payment_that_was_just_begun(outcome, body):
    result, _ = talk(ADAPTER.authorise(order(method="mobilepay")), answer(body))
    assert (result.outcome, result.provider_reference) == (outcome, "pi_1")
    assert result.reason == ("card_expired" if outcome is Outcome.DECLINED else "")


@pytest.mark.parametrize(
    "body",
    [
        session(client_reference_id="somebody else's"),
        session(currency="sek"),
        session(amount_total=10001),
        session("complete", payment_intent=intent(metadata=SOMEBODY_ELSES)),
    ],
)
def test_a_page_about_something_else_is_a_contradiction(body):
    with pytest.raises(Contradiction):
        talk(ADAPTER.authorise(order()), answer(body))


@pytest.mark.parametrize(
    ("outcome", "body"),
    [
        (Outcome.SUCCEEDED, intent("succeeded", amount_received=4000)),
        (Outcome.UNKNOWN, intent("succeeded", amount_received=3999)),
        (Outcome.UNKNOWN, intent("processing")),
        (Outcome.UNKNOWN, intent("requires_capture")),
        (Outcome.UNKNOWN, intent("a_new_word", amount_received=4000)),
        (Outcome.UNKNOWN, {"id": "pi_1"}),
    ],
)
def test_a_capture_is_done_when_the_sum_says_so(outcome, body):
    result, (sent,) = talk(ADAPTER.capture(change(4000)), answer(body))
    assert result.outcome is outcome
    assert sent.url.path == "/v1/payment_intents/pi_1/capture"
    assert form(sent) == {"amount_to_capture": "4000", "expand[0]": "latest_charge"}


@pytest.mark.parametrize(
    "body",
    [
        intent("succeeded", amount_received=10001),
        intent("succeeded", amount_received=4000, id="pi_2"),
        intent("succeeded", amount_received=4000, currency="sek"),
        intent("succeeded", amount_received=4000, amount=4000),
        intent("succeeded", amount_received=4000, metadata=SOMEBODY_ELSES),
    ],
)
def test_a_capture_of_something_else_is_a_contradiction(body):
    with pytest.raises(Contradiction):
        talk(ADAPTER.capture(change(4000)), answer(body))


CHARGE = {"status": "succeeded", "amount_refunded": 10000, "refunded": True}
OVER = intent("canceled", latest_charge=CHARGE)


@pytest.mark.parametrize(
    ("outcome", "body"),
    [
        (Outcome.SUCCEEDED, OVER),
        (Outcome.SUCCEEDED, OVER | {"cancellation_reason": "automatic"}),
        (Outcome.SUCCEEDED, intent("canceled")),  # before anything was reserved
        (Outcome.UNKNOWN, intent("succeeded")),
        (Outcome.UNKNOWN, intent("a_new_word")),
        (Outcome.UNKNOWN, {"id": "pi_1"}),
        (Outcome.UNKNOWN, OVER | {"latest_charge": "ch_1"}),
        (Outcome.UNKNOWN, OVER | {"amount_received": 4000}),
    ],
)
def test_a_void_releases_the_whole_payment(outcome, body):
    result, (sent,) = talk(ADAPTER.void(change()), answer(body))
    assert result.outcome is outcome
    assert sent.url.path == "/v1/payment_intents/pi_1/cancel"
    assert form(sent) == {"expand[0]": "latest_charge"}


@pytest.mark.parametrize(
    ("outcome", "body"),
    [
        (Outcome.SUCCEEDED, session("expired")),
        (Outcome.UNKNOWN, session("open")),
        (Outcome.UNKNOWN, session("complete", payment_intent=intent())),
    ],
)
def test_a_page_that_nobody_paid_on_is_closed(outcome, body):
    result, (sent,) = talk(ADAPTER.void(change(known="cs_test_1")), answer(body))
    assert result.outcome is outcome
    assert (sent.url.path, sent.content) == ("/v1/checkout/sessions/cs_test_1/expire", b"")
    # Should it be paid, the same order is sent about the payment, under its own key.
    assert sent.headers["idempotency-key"] == f"{KEY}-expire"


def refund(status: object = "succeeded", minor=4000, key: str | None = KEY, **more):
    ours = {"checkoutflow_reference": REFERENCE, "checkoutflow_attempt": key} if key else {}
    body = {
        "id": "re_1",
        "object": "refund",
        "amount": minor,
        "balance_transaction": "txn_1",
        "currency": "dkk",
        "metadata": ours,
        "payment_intent": "pi_1",
        "reason": None,
        "status": status,
    }
    return {**body, **more}


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("succeeded", Outcome.SUCCEEDED),
        ("pending", Outcome.PENDING),
        ("requires_action", Outcome.PENDING),
        ("a_new_word", Outcome.PENDING),
        ("failed", Outcome.DECLINED),
        ("canceled", Outcome.DECLINED),
        (None, Outcome.UNKNOWN),
    ],
)
def test_how_a_refund_ends(status, outcome):
    result, (sent,) = talk(ADAPTER.refund(change(4000, captured=10000)), answer(refund(status)))
    assert result == Result(outcome=outcome)
    assert form(sent) == {
        "payment_intent": "pi_1",
        "amount": "4000",
        "metadata[checkoutflow_reference]": REFERENCE,
        "metadata[checkoutflow_attempt]": KEY,
    }


@pytest.mark.parametrize(
    "more",
    [
        {"amount": 4001},
        {"currency": "sek"},
        {"payment_intent": "pi_2"},
        {"metadata": {"checkoutflow_reference": REFERENCE, "checkoutflow_attempt": "another"}},
        {"metadata": {**SOMEBODY_ELSES, "checkoutflow_attempt": KEY}},
    ],
)
def test_a_refund_of_something_else_is_a_contradiction(more):
    with pytest.raises(Contradiction):
        talk(ADAPTER.refund(change(4000)), answer(refund(**more)))


# --- how it stands --------------------------------------------------------------------------------


def listed(*items, has_more=False):
    return answer({"object": "list", "data": list(items), "has_more": has_more})


def sums(standing):
    found = (standing.authorised, standing.captured, standing.refunded, standing.voided)
    return tuple(amount.minor for amount in found)


@pytest.mark.parametrize(
    ("body", "word", "expected"),
    [
        (intent("requires_payment_method"), Word.PENDING, (0, 0, 0, 0)),
        (intent("requires_payment_method", last_payment_error=FAILED), Word.DECLINED, (0, 0, 0, 0)),
        (intent("requires_confirmation"), Word.PENDING, (0, 0, 0, 0)),
        (intent("requires_action", next_action=REDIRECT), Word.PENDING, (0, 0, 0, 0)),
        (intent("processing"), Word.PENDING, (0, 0, 0, 0)),
        (intent("processing", latest_charge=CHARGE), Word.UNCLEAR, (0, 0, 0, 0)),
        (intent("requires_capture"), Word.AUTHORISED, (10000, 0, 0, 0)),
        (
            intent("requires_capture", amount_received=4000, amount_capturable=6000),
            Word.AUTHORISED,
            (10000, 4000, 0, 0),
        ),
        (intent("succeeded"), Word.AUTHORISED, (10000, 10000, 0, 0)),
        (intent("succeeded", amount_received=4000), Word.AUTHORISED, (10000, 4000, 0, 6000)),
        (intent("canceled"), Word.VOIDED, (0, 0, 0, 0)),
        (intent("canceled", latest_charge={"status": "failed"}), Word.VOIDED, (0, 0, 0, 0)),
        (OVER, Word.VOIDED, (10000, 0, 0, 10000)),
        (OVER | {"cancellation_reason": "automatic"}, Word.EXPIRED, (10000, 0, 0, 10000)),
        (OVER | {"cancellation_reason": "expired"}, Word.EXPIRED, (10000, 0, 0, 10000)),
        (intent("canceled", latest_charge="ch_1"), Word.UNCLEAR, (0, 0, 0, 0)),
        (intent("a_new_word"), Word.UNCLEAR, (0, 0, 0, 0)),
        (intent(amount="10000"), Word.UNCLEAR, (0, 0, 0, 0)),
        (intent(id="no such name!"), Word.UNCLEAR, (0, 0, 0, 0)),
    ],
)
def test_how_a_payment_stands(body, word, expected):
    standing, (sent, *_) = talk(ADAPTER.status(asked()), answer(body), listed())
    assert (standing.word, sums(standing)) == (word, expected)
    assert str(sent.url).endswith("/v1/payment_intents/pi_1?expand%5B%5D=latest_charge")
    assert standing.reason == ("card_expired" if word is Word.DECLINED else "")
    if word is not Word.UNCLEAR:
        assert standing.provider_reference == "pi_1"


def test_an_authorisation_says_until_when_it_holds():
    card = {"card": {"capture_before": 1_795_348_800}}
    charge = {"status": "succeeded", "payment_method_details": card}
    standing, _ = talk(ADAPTER.status(asked()), answer(intent(latest_charge=charge)))
    assert standing.valid_until == datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "body",
    [
        intent(amount=9999, amount_capturable=9999),
        intent(amount_capturable=9999),
        intent(amount_capturable=10001),
        intent("succeeded", amount_received=0),
        intent("succeeded", amount_received=10001),
        intent(currency="nok"),
        intent(id="pi_2"),
        intent("canceled", latest_charge=CHARGE, amount_capturable=1),
        intent(metadata=SOMEBODY_ELSES),
    ],
)
def test_a_payment_that_cannot_be_is_a_contradiction(body):
    with pytest.raises(Contradiction):
        talk(ADAPTER.status(asked()), answer(body), listed())


@pytest.mark.parametrize(
    ("body", "word", "expected"),
    [
        (session(), Word.PENDING, (0, 0, 0, 0)),
        (session(payment_intent="pi_1"), Word.PENDING, (0, 0, 0, 0)),
        (
            # A card was declined; the customer may try another one.
            session(payment_intent=intent("requires_payment_method", last_payment_error=FAILED)),
            Word.PENDING,
            (0, 0, 0, 0),
        ),
        (session("complete", payment_intent=intent()), Word.AUTHORISED, (10000, 0, 0, 0)),
        (session("complete", payment_intent=intent("processing")), Word.PENDING, (0, 0, 0, 0)),
        (session("complete", payment_intent=OVER), Word.VOIDED, (10000, 0, 0, 10000)),
        (session("complete"), Word.UNCLEAR, (0, 0, 0, 0)),
        (session("complete", payment_intent="pi_1"), Word.UNCLEAR, (0, 0, 0, 0)),
        (session("expired"), Word.EXPIRED, (0, 0, 0, 0)),
        (session("expired", payment_intent=intent("canceled")), Word.EXPIRED, (0, 0, 0, 0)),
        (session("a_new_word"), Word.UNCLEAR, (0, 0, 0, 0)),
        ({"id": "cs_test_1"}, Word.UNCLEAR, (0, 0, 0, 0)),
    ],
)  # fmt: skip
def test_how_a_page_stands(body, word, expected):
    standing, (sent,) = talk(ADAPTER.status(asked(known="cs_test_1")), answer(body))
    assert (standing.word, sums(standing)) == (word, expected)
    end = "/v1/checkout/sessions/cs_test_1?expand%5B%5D=payment_intent.latest_charge"
    assert str(sent.url).endswith(end)
    if sums(standing) != (0, 0, 0, 0):  # from now on it is called by the payment's name
        assert standing.provider_reference == "pi_1"
    assert (standing.action is None) is (word is not Word.PENDING or body["status"] != "open")


def test_another_page_than_was_asked_about_is_a_contradiction():
    with pytest.raises(Contradiction):
        talk(ADAPTER.status(asked(known="cs_test_2")), answer(session()))


@pytest.mark.parametrize(
    ("found", "word", "name"),
    [
        ([], Word.NOT_FOUND, None),
        ([intent()], Word.AUTHORISED, "pi_1"),
        ([intent(), intent()], Word.UNCLEAR, None),
        (["pi_1"], Word.UNCLEAR, None),
    ],
)
def test_what_we_have_no_name_for_is_searched(found, word, name):
    standing, (sent,) = talk(ADAPTER.status(asked(known=None)), answer({"data": found}))
    assert (standing.word, standing.provider_reference) == (word, name)
    assert sent.url.path == "/v1/payment_intents/search"
    query = f"metadata['checkoutflow_reference']:'{REFERENCE}'"
    assert dict(sent.url.params) == {"query": query, "expand[]": "data.latest_charge"}


def test_nothing_gets_into_a_search_but_a_reference():
    ask = replace(asked(known=None), merchant_reference="a' OR status:'succeeded")
    standing, sent = talk(ADAPTER.status(ask))
    assert (standing.word, sent) == (Word.UNCLEAR, [])


@pytest.mark.parametrize("said", [error(404, "resource_missing"), error(500), answer([])])
@pytest.mark.parametrize("known", ["pi_1", "cs_test_1"])
def test_what_they_had_and_do_not_show_is_unclear(known, said):
    assert talk(ADAPTER.status(asked(known=known)), said)[0].word is Word.UNCLEAR


THEIRS = {"key": None, "balance_transaction": None}
REST = refund(minor=6000, **THEIRS)
PART = {"amount_received": 4000}


@pytest.mark.parametrize(
    ("more", "refunds", "refunded"),
    [
        ({}, [refund()], 4000),
        ({}, [refund(), refund(minor=1000, key=None)], 5000),
        ({}, [refund("pending"), refund("requires_action"), refund("failed")], 0),
        ({}, [refund("canceled"), refund("a_new_word")], 0),
        # The release of what was not captured shows as a refund, and is none.
        (PART, [REST], 0),
        (PART, [refund(minor=1000), REST], 1000),
        # What touched the balance moved money; so did what carries our key.
        ({"amount_received": 6000}, [refund(key=None)], 4000),
        ({"amount_received": 6000}, [refund(balance_transaction=None)], 4000),
    ],
)
def test_what_was_really_given_back(more, refunds, refunded):
    body = intent("succeeded", latest_charge=CHARGE, **more)
    standing, (_, sent) = talk(ADAPTER.status(asked()), answer(body), listed(*refunds))
    assert standing.refunded.minor == refunded
    assert str(sent.url).endswith("/v1/refunds?payment_intent=pi_1&limit=100")


def test_our_refunds_are_told_by_their_keys():
    refunds = [refund("failed", key="three"), refund("pending", key="two"), refund(key="one")]
    standing, _ = talk(ADAPTER.status(asked()), answer(intent("succeeded")), listed(*refunds))
    assert standing.operations == (
        Done(key="three", outcome=Outcome.DECLINED),
        Done(key="two", outcome=Outcome.PENDING),
        Done(key="one", outcome=Outcome.SUCCEEDED),
    )


@pytest.mark.parametrize(
    "said",
    [
        listed(refund(), has_more=True),
        listed({"id": "re_1"}),
        listed(refund(payment_intent="pi_2")),
        listed(refund(minor="4000")),
        error(500),
        answer({}),
    ],
)
def test_refunds_that_do_not_all_show_leave_it_unclear(said):
    standing, _ = talk(ADAPTER.status(asked()), answer(intent("succeeded")), said)
    assert standing.word is Word.UNCLEAR


def test_more_given_back_than_was_taken_is_a_contradiction():
    with pytest.raises(Contradiction):
        talk(ADAPTER.status(asked()), answer(intent("succeeded")), listed(refund(minor=10001)))


def test_a_refund_of_ours_that_shows_another_amount_is_a_contradiction():
    """Found by the simulated world: by its sums alone such a look-up could be true."""
    earlier = Earlier(KEY, Operation.REFUND, Money(4000, "DKK"))
    ask = replace(asked(), earlier=(earlier,))
    with pytest.raises(Contradiction):
        talk(ADAPTER.status(ask), answer(intent("succeeded")), listed(refund(minor=4001)))


# --- mandates -------------------------------------------------------------------------------------


def consent(status="complete", customer: str | None = "cus_1", setup="succeeded", **more):
    """A page in setup mode, and the card that was given on it."""
    card = {"id": "pm_1", "object": "payment_method", "customer": customer}
    given = {"id": "seti_1", "object": "setup_intent", "status": setup, "payment_method": card}
    body = session(status, amount_total=None, currency=None, mode="setup")
    return {**body, "setup_intent": given if status == "complete" else None, **more}


def test_a_card_for_later_payments_is_given_on_a_page_of_theirs():
    result, (sent,) = talk(ADAPTER.agree(agreement()), answer(consent("open")))
    assert result == Result(
        outcome=Outcome.PENDING,
        provider_reference="cs_test_1",
        action=Redirect(url="https://checkout.stripe.com/c/pay/cs_test_1#abc"),
        valid_until=datetime(2026, 11, 22, 12, tzinfo=UTC),
    )
    assert sent.url.path == "/v1/checkout/sessions"
    assert form(sent) == {
        "mode": "setup",
        "payment_method_types[0]": "card",
        "customer_creation": "always",
        "customer_email": "someone@shop.example",
        "setup_intent_data[metadata][checkoutflow_reference]": REFERENCE,
        "custom_text[submit][message]": "Kaffe hver måned",
        "success_url": "https://shop.example/return?sale=1",
        "cancel_url": "https://shop.example/return?sale=1",
        "client_reference_id": REFERENCE,
        "metadata[checkoutflow_reference]": REFERENCE,
        "locale": "da",
    }


@pytest.mark.parametrize(
    ("body", "word", "token"),
    [
        (consent("open"), MandateWord.PENDING, None),
        (consent("expired"), MandateWord.DECLINED, None),
        (consent(), MandateWord.ACTIVE, TOKEN),
        (consent(customer=None), MandateWord.ENDED, None),
        (consent(setup="processing"), MandateWord.UNCLEAR, None),
        (consent(setup_intent="seti_1"), MandateWord.UNCLEAR, None),
        (consent("a_new_word"), MandateWord.UNCLEAR, None),
        (session(), MandateWord.UNCLEAR, None),
        ({"id": "cs_test_1"}, MandateWord.UNCLEAR, None),
        ([], MandateWord.UNCLEAR, None),
    ],
)
def test_how_a_mandate_stands(body, word, token):
    if body == {"id": "cs_test_1"}:
        body["client_reference_id"] = REFERENCE
    found, (sent,) = talk(ADAPTER.mandate(of_mandate()), answer(body))
    assert (found.word, found.token) == (word, token)
    assert (found.action is None) is (word is not MandateWord.PENDING)
    end = "/v1/checkout/sessions/cs_test_1?expand%5B%5D=setup_intent.payment_method"
    assert str(sent.url).endswith(end)


def test_nobody_gave_a_mandate_on_a_page_that_we_never_heard_of():
    found, sent = talk(ADAPTER.mandate(of_mandate(known=None)))
    assert (found.word, sent) == (MandateWord.NOT_FOUND, [])


@pytest.mark.parametrize(
    "body", [consent(id="cs_test_2"), consent(client_reference_id="somebody else's")]
)
def test_somebody_elses_mandate_is_a_contradiction(body):
    with pytest.raises(Contradiction):
        talk(ADAPTER.mandate(of_mandate()), answer(body))


@pytest.mark.parametrize("body", [consent("expired"), consent(), session()])
def test_a_mandate_that_nobody_can_give_is_not_asked_for(body):
    assert talk(ADAPTER.agree(agreement()), answer(body))[0].outcome is Outcome.UNKNOWN


def test_a_charge_is_reserved_on_the_card_that_was_given():
    until = {"card": {"capture_before": 1_795_348_800}}
    paid = intent(latest_charge={**CHARGE, "payment_method_details": until})
    result, (sent,) = talk(ADAPTER.charge(charge()), answer(paid))
    assert result == Result(
        outcome=Outcome.SUCCEEDED,
        provider_reference="pi_1",
        valid_until=datetime(2026, 11, 22, 12, tzinfo=UTC),
    )
    assert sent.url.path == "/v1/payment_intents"
    assert form(sent) == {
        "amount": "10000",
        "currency": "dkk",
        "capture_method": "manual",
        "confirm": "true",
        "customer": "cus_1",
        "payment_method": "pm_1",
        "payment_method_types[0]": "card",
        "off_session": "true",
        "description": "Kaffe i november",
        "metadata[checkoutflow_reference]": REFERENCE,
        "expand[0]": "latest_charge",
    }


def test_a_customer_who_must_come_back_is_a_no():
    said = error(402, "authentication_required", "card_error", decline_code="a_new_code")
    expected = Result(outcome=Outcome.DECLINED, reason="authentication_required")
    assert talk(ADAPTER.charge(charge()), said)[0] == expected


CARD_OF_NOBODY = {"id": "pm_1", "object": "payment_method", "customer": None}


@pytest.mark.parametrize(
    ("outcome", "body"),
    [
        (Outcome.SUCCEEDED, CARD_OF_NOBODY),
        (Outcome.UNKNOWN, CARD_OF_NOBODY | {"customer": "cus_1"}),
        (Outcome.UNKNOWN, CARD_OF_NOBODY | {"id": "pm_2"}),
        (Outcome.UNKNOWN, {"id": "pm_1"}),
    ],
)
def test_a_mandate_ends_when_its_card_is_no_customers(outcome, body):
    result, (sent,) = talk(ADAPTER.end_mandate(of_mandate(token=TOKEN)), answer(body))
    assert result.outcome is outcome
    assert (sent.url.path, sent.content) == ("/v1/payment_methods/pm_1/detach", b"")


@pytest.mark.parametrize(
    ("outcome", "body"),
    [(Outcome.SUCCEEDED, consent("expired")), (Outcome.UNKNOWN, consent())],
)
def test_a_mandate_that_is_not_given_yet_is_withdrawn(outcome, body):
    result, (sent,) = talk(ADAPTER.end_mandate(of_mandate()), answer(body))
    assert result.outcome is outcome
    assert sent.url.path == "/v1/checkout/sessions/cs_test_1/expire"
    assert sent.headers["idempotency-key"] == f"{KEY}-expire"


@pytest.mark.parametrize(
    ("operation", "order", "kind", "field"),
    [
        (ADAPTER.agree, agreement(method="klarna"), NotSupported, "method"),
        (ADAPTER.agree, agreement(first=charge(token=None)), NotSupported, "method"),
        (ADAPTER.agree, agreement(maximum=Money(0, "DKK")), InvalidInput, "amount"),
        (ADAPTER.charge, charge(token=None), InvalidInput, "token"),
        (ADAPTER.charge, charge(token=Secret("cus_1")), InvalidInput, "token"),
        (ADAPTER.charge, charge(amount=Money(0, "DKK")), InvalidInput, "amount"),
        (ADAPTER.end_mandate, of_mandate(known=None), InvalidInput, "provider_reference"),
    ],
)
def test_what_no_mandate_is_for_is_refused_before_anything_is_sent(operation, order, kind, field):
    with pytest.raises(kind) as caught:
        next(operation(order))
    assert caught.value.field == field


# --- notices --------------------------------------------------------------------------------------

VECTOR_BODY = (
    b'{"id":"evt_demo_1","object":"event","type":"payment_intent.amount_capturable_updated",'
    b'"data":{"object":{"id":"pi_demo_1","object":"payment_intent","status":"requires_capture"}}}'
)
VECTOR_T = 1_767_225_600
VECTOR_V1 = "5b7e89a9a7026c61393cab1502e72acd8d64ec02c707b83c08cd7a57b9680138"


def vector(value=f"t={VECTOR_T},v1={VECTOR_V1}", body=VECTOR_BODY, age_s=0):
    return Webhook({"Stripe-Signature": value}, body, VECTOR_T + age_s)


def signed(body, secret=b"whsec_checkoutflow_demo"):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    v1 = hmac.new(secret, b"%d." % VECTOR_T + content, hashlib.sha256).hexdigest()
    return vector(f"t={VECTOR_T},v1={v1}", content)


@pytest.mark.parametrize(
    "hook",
    [
        vector(),
        vector(f"v1={VECTOR_V1},t={VECTOR_T}"),
        vector(f"t={VECTOR_T},v1={'0' * 64},v1={VECTOR_V1},v0=abc"),
        vector(age_s=300),
        vector(age_s=-300),
    ],
)
def test_the_vector_of_the_sheet_is_genuine_and_not_ours(hook):
    assert ADAPTER.read_notices(hook) == ()


@pytest.mark.parametrize(
    "hook",
    [
        vector(f"t={VECTOR_T},v1={VECTOR_V1[:-1]}"),
        vector(f"t={VECTOR_T},v1={VECTOR_V1.upper()}"),
        vector(f"t={VECTOR_T},v0={VECTOR_V1}"),
        vector(f"t={VECTOR_T}"),
        vector(f"t={VECTOR_T + 1},v1={VECTOR_V1}"),
        vector(f"t={VECTOR_T},t={VECTOR_T},v1={VECTOR_V1}"),
        vector(f"t={VECTOR_T}, v1={VECTOR_V1}"),
        vector(f"t=+{VECTOR_T},v1={VECTOR_V1}"),
        vector(f"t=1_767_225_600,v1={VECTOR_V1}"),
        vector(f"v1={VECTOR_V1}"),
        vector(""),
        vector(age_s=301),
        vector(age_s=-301),
        vector(body=json.dumps(json.loads(VECTOR_BODY)).encode()),
        vector(body=VECTOR_BODY[:-1]),
        signed(VECTOR_BODY, b"checkoutflow_demo"),
        signed(b"not JSON"),
        signed([]),
        signed({"id": "evt_1"}),
        Webhook({}, VECTOR_BODY, VECTOR_T),
    ],
)
def test_anything_else_is_not_believed(hook):
    with pytest.raises(UntrustedNotice):
        ADAPTER.read_notices(hook)


OURS = {"metadata": {"checkoutflow_reference": REFERENCE}}


@pytest.mark.parametrize(
    ("about", "is_ours"),
    [
        (OURS, True),
        ({"metadata": {}}, False),
        ({"metadata": None}, False),
        ({"metadata": {"checkoutflow_reference": 7}}, False),
        ({"object": "dispute", "payment_intent": "pi_1"}, False),
    ],
)
def test_a_notice_is_about_what_carries_our_reference(about, is_ours):
    hook = signed({"id": "evt_1", "type": "refund.updated", "data": {"object": about}})
    found = [(item.id, item.merchant_reference, item.kind) for item in ADAPTER.read_notices(hook)]
    assert found == ([("evt_1", REFERENCE, "refund.updated")] if is_ours else [])


def test_a_thin_event_is_taken_in_and_left_alone():
    thin = {"id": "evt_1", "object": "v2.core.event", "type": "v1.billing.meter.no_meter_found"}
    assert ADAPTER.read_notices(signed(thin)) == ()


# --- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("secret_key", "pk_test_publishable"),
        ("secret_key", "sk_test_two words"),
        ("secret_key", "sk_live_0123456789"),
        ("is_test", False),
        ("notice_secret", "checkoutflow_demo"),
        ("base_url", "http://api.stripe.example"),
        ("name", "Stripe"),
    ],
)
def test_a_wrong_setting_is_named_and_not_repeated(field, value):
    with pytest.raises(InvalidInput) as caught:
        config(**{field: value})
    assert caught.value.field == ("secret_key" if field == "is_test" else field)
    assert str(value) not in str(caught.value)


def test_settings_show_no_secrets():
    shown = f"{config()!r} {ADAPTER!r} {config().model_dump_json()}"
    assert "0123456789" not in shown
    assert "demo" not in shown
    live = config(secret_key="rk_live_0123456789", is_test=False, name="stripe_se")
    assert Stripe(live).name == "stripe_se"


# --- the descriptions -----------------------------------------------------------------------------


@cache
def described_in(name, *, closed):
    """A description as plain data, in which what is nullable may be null among choices too.

    Args:
        name: The file.
        closed: Whether objects have the fields that are listed, and no others.
    """
    if not FOLDER.is_dir():
        pytest.skip(f"no specifications: {FOLDER} is not there")
    whole = json.loads((FOLDER / "stripe" / name).read_text())
    prepare(whole, closed)
    return whole


def prepare(value, closed):
    if isinstance(value, dict):
        if value.get("nullable") is True:
            value |= {"enum": [*value["enum"], None]} if "enum" in value else {}
            value |= {"anyOf": [*value["anyOf"], {"enum": [None]}]} if "anyOf" in value else {}
        if closed and value.get("type") == "object" and isinstance(value.get("properties"), dict):
            value.setdefault("additionalProperties", False)
        for item in value.values():
            prepare(item, closed)
    elif isinstance(value, list):
        for item in value:
            prepare(item, closed)


def newer():
    return described_in("spec.json", closed=True)


def older():
    """Exact, but older: what has come since is not in it."""
    return described_in("spec3.subset-2023-08-16.json", closed=False)


def nested(request):
    """A form as plain data: names in brackets unfolded, numbers and yes or no as such."""
    whole: dict[str, Any] = {}
    for name, text in form(request).items() if request.content else ():
        *folders, last = re.findall(r"[^\[\]]+", name)
        place = whole
        for folder in folders:
            place = place.setdefault(folder, {})
        is_text = folders[:1] == ["metadata"] or not re.fullmatch(r"[0-9]+|true|false", text)
        place[last] = text if is_text else json.loads(text)
    return {name: [*item.values()] if "0" in item else item for name, item in whole.items()
            if isinstance(item, dict)} | {
        name: item for name, item in whole.items() if not isinstance(item, dict)
    }  # fmt: skip


def place_of(request):
    """The path as the descriptions have it: ``/v1/payment_intents/{intent}/capture``."""
    place = re.sub("/pi_[^/]+", "/{intent}", request.url.path)
    return re.sub("/pm_[^/]+", "/{payment_method}", place)


def described(book, request):
    return book["paths"][place_of(request)][request.method.lower()]


def validate(book, schema, data):
    OAS30Validator({**schema, "components": book["components"]}).validate(data)


def check(book, name, data):
    validate(book, {"$ref": f"#/components/schemas/{name}"}, data)


def without_address(body):
    """What is found, without the list's own address, which the newer file leaves out."""
    return {name: item for name, item in body.items() if name != "url"}


class Checked:
    """A stand-in with everything that passes held against the provider's descriptions.

    Sessions are in neither file; of them what is within is held against them.
    """

    def __init__(self, account):
        self.account, self.covered = account, set()

    def handle(self, request):
        response = self.account.handle(request)
        body = response.json()
        if "/checkout/" in request.url.path:
            if inner := body.get("payment_intent"):
                check(newer(), "payment_intent", inner)
                check(older(), "payment_intent", inner)
            if given := body.get("setup_intent"):
                check(newer(), "setup_intent", given)
            return response
        self.covered.add(f"{request.method} {place_of(request)}")
        is_new_method = "mobilepay" in str(body) or "swish" in str(body)
        for book in (newer(),) if is_new_method else (newer(), older()):
            operation = described(book, request)
            if request.method == "POST":
                content = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]
                validate(book, content["schema"], nested(request))
            names = {item["name"].removesuffix("[]") for item in operation.get("parameters", ())}
            assert {name.removesuffix("[]") for name in request.url.params} <= names
            kind = "200" if response.status_code == 200 else "default"
            said = operation["responses"][kind]["content"]["application/json"]["schema"]
            is_search = book is newer() and body.get("object") == "search_result"
            validate(book, said, without_address(body) if is_search else body)
        return response

    def check_notices(self):
        for hook in self.account.outbox:
            event = json.loads(hook.body)
            check(newer(), "event", event)
            if event["data"]["object"]["object"] != "checkout.session":
                check(newer(), event["data"]["object"]["object"], event["data"]["object"])


NEEDED = {
    "POST /v1/payment_intents",
    "GET /v1/payment_intents/{intent}",
    "GET /v1/payment_intents/search",
    "POST /v1/payment_intents/{intent}/capture",
    "POST /v1/payment_intents/{intent}/cancel",
    "POST /v1/payment_methods/{payment_method}/detach",
    "POST /v1/refunds",
    "GET /v1/refunds",
}


def played(checked, case, name, *steps):
    """A payment, or with steps that begin with a mandate a charge, and what is done with it."""
    account, adapter = checked.account, checked.account.provider()
    say = lambda operation: exchange(operation, checked.handle)  # noqa: E731 - short
    if "charge" in steps:
        wanted = agreement(key="m-1", merchant_reference="m" * 20)
        known = say(adapter.agree(wanted)).provider_reference
        account.approve_mandate(wanted.merchant_reference)
        given = MandateAsk(wanted.merchant_reference, known, "card", key="m-2")
        given = replace(given, token=say(adapter.mandate(given)).token)
        facts = {"key": f"{name}-1", "merchant_reference": name, "amount": case.amount}
        result = say(adapter.charge(charge(token=given.token, **facts)))
        assert say(adapter.end_mandate(given)).outcome is Outcome.SUCCEEDED
    else:
        wanted = order(key=f"{name}-1", merchant_reference=name, method=case.method)
        wanted = replace(wanted, amount=case.amount, details=case.details)
        result = say(adapter.authorise(wanted))
        if "no" in steps:
            account.decline(name)
    ask = Ask(name, result.provider_reference, case.amount, case.method)
    say(adapter.status(ask))
    if "no" not in steps:
        account.approve(name)
    say(adapter.status(replace(ask, provider_reference=None)))
    known = say(adapter.status(ask)).provider_reference
    books = Books(currency=case.amount.currency, authorised=case.amount.minor)
    change = Modification(f"{name}-2", name, known, case.amount, case.method, books)
    if "void" in steps:
        assert say(adapter.void(change)).outcome is Outcome.SUCCEEDED
    if "later" in steps:
        account.plan("capture", Fault.DECLINE)
        assert say(adapter.capture(change)).outcome is Outcome.DECLINED
    if "capture" in steps:
        part = Money(case.amount.minor // 3, case.amount.currency)
        assert say(adapter.capture(replace(change, amount=part))).outcome is Outcome.SUCCEEDED
        assert say(adapter.capture(replace(change, key=f"{name}-4"))).outcome is Outcome.REFUSED
        back = replace(change, key=f"{name}-3", amount=part)
        assert say(adapter.refund(back)).outcome is Outcome.SUCCEEDED
        account.take_back(name, f"{name}-3")
    say(adapter.status(replace(ask, provider_reference=known)))


def test_everything_sent_and_shown_is_as_the_provider_describes_it():
    covered = set()
    for case in CASES.values():
        checked = Checked(SimulatedStripe(lambda: NOW, secret="ours"))
        stories = [["void"], ["capture"], ["no"], ["later"], ["charge", "capture"]]
        if case.method == "swish":
            stories = [[], ["no"]]
        for letter, steps in zip("abcde", stories, strict=False):
            played(checked, case, letter * 20, *steps)
        checked.check_notices()
        covered |= checked.covered
    print(f"Stripe: {len(covered & NEEDED)} of {len(NEEDED)} described operations covered")  # noqa: T201 - the measure
    assert covered == NEEDED


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/payment_intents", {"amount": "100"}),
        ("/v1/payment_intents", {"amount": "12.50", "currency": "dkk"}),
        ("/v1/checkout/sessions", {"mode": "payment"}),
        ("/v1/refunds", {"payment_intent": "pi_1", "unheard_of": "1"}),
        ("/v1/payment_intents/pi_1/capture", {}),
    ],
)
def test_the_stand_in_refuses_what_the_real_one_would_refuse(path, fields):
    account = SimulatedStripe(lambda: NOW)
    good = next(account.provider().authorise(order()))
    headers = {name: good.headers[name] for name in ("authorization", "stripe-version")}
    headers |= {"idempotency-key": "one"}
    request = httpx.Request("POST", f"https://api.stripe.com{path}", headers=headers, data=fields)
    answer = account.handle(request)
    assert answer.status_code in {400, 404}
    check(newer(), "error_envelope", answer.json())


@pytest.mark.parametrize("changes", [
    {"currency": "isk", "amount": "150"},
    {"payment_method_types[0]": "klarna"},
    {"capture_method": "automatic"},
    {"payment_method_data[type]": "swish", "payment_method_types[0]": "swish"},
    {"payment_method_data[type]": "klarna", "payment_method_types[0]": "klarna"},
    {
        "payment_method_data[type]": "swish",
        "payment_method_types[0]": "swish",
        "capture_method": "automatic",
    },
])  # fmt: skip
def test_the_stand_in_refuses_what_does_not_go_together(changes):
    account = SimulatedStripe(lambda: NOW)
    good = next(account.provider().authorise(order(method="mobilepay")))
    headers = {name: value for name, value in good.headers.items() if name != "content-length"}
    bad = httpx.Request("POST", good.url, headers=headers, data=form(good) | changes)
    assert account.handle(bad).status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"authorization": "Bearer sk_test_another"},
        {"stripe-version": "2020-08-27"},
        {"idempotency-key": ""},
        {"content-type": "application/json"},
    ],
)
def test_the_stand_in_wants_the_right_headers(changes):
    account = SimulatedStripe(lambda: NOW)
    good = next(account.provider().authorise(order()))
    bad = httpx.Request("POST", good.url, headers={**good.headers, **changes}, content=good.content)
    assert account.handle(bad).status_code in {400, 401}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/customers"),
        ("POST", "/v1/customers"),
        ("POST", "/v1/payment_intents/pi_1/confirm"),
        ("GET", "/v1/payment_intents/search"),
        ("DELETE", "/v1/payment_intents/pi_1"),
        ("DELETE", "/v1/checkout/sessions/cs_1"),
        ("GET", "/v1/payment_intents/pi_1"),
    ],
)
def test_the_stand_in_has_nothing_else(method, path):
    account = SimulatedStripe(lambda: NOW)
    good = next(account.provider().authorise(order()))
    request = httpx.Request(method, f"https://api.stripe.com{path}", headers=good.headers)
    assert account.handle(request).status_code in {400, 404}


def test_a_mandate_from_its_page_to_its_end():
    account = SimulatedStripe(lambda: NOW)
    adapter = account.provider()

    def say(operation):
        return exchange(operation, account.handle)

    known = say(adapter.agree(agreement())).provider_reference
    ask = of_mandate(known)
    assert say(adapter.charge(charge())).reason == "payment_not_found"
    account.approve_mandate(REFERENCE)
    assert say(adapter.end_mandate(ask)).outcome is Outcome.UNKNOWN  # the customer was faster
    (told,) = adapter.read_notices(account.outbox[-1])
    assert (told.merchant_reference, told.kind) == (REFERENCE, "checkout.session.completed")
    given = of_mandate(known, token=say(adapter.mandate(ask)).token)
    account.end_mandate(REFERENCE)
    assert say(adapter.mandate(ask)).word is MandateWord.ENDED
    assert say(adapter.end_mandate(given)).outcome is Outcome.UNKNOWN
    assert say(adapter.charge(charge(token=given.token))).outcome is Outcome.REFUSED


def test_a_mandate_that_is_withdrawn_cannot_be_given_any_more():
    account = SimulatedStripe(lambda: NOW)
    adapter = account.provider()
    known = exchange(adapter.agree(agreement()), account.handle).provider_reference
    ended = exchange(adapter.end_mandate(of_mandate(known)), account.handle)
    assert ended.outcome is Outcome.SUCCEEDED
    account.approve_mandate(REFERENCE)
    found = exchange(adapter.mandate(of_mandate(known)), account.handle)
    assert found.word is MandateWord.DECLINED


def test_a_charge_whose_answer_is_lost_is_found_by_a_search_later():
    clock = Clock()
    account = SimulatedStripe(clock)
    adapter = account.provider()
    known = exchange(adapter.agree(agreement()), account.handle).provider_reference
    account.approve_mandate(REFERENCE)
    token = exchange(adapter.mandate(of_mandate(known)), account.handle).token
    wanted = charge(token=token, merchant_reference="c" * 20)
    account.plan("authorise", Fault.LOSE_ANSWER)
    with pytest.raises(TransportError):
        exchange(adapter.charge(wanted), account.handle)
    ask = Ask(wanted.merchant_reference, None, wanted.amount, "card")
    assert exchange(adapter.status(ask), account.handle).word is Word.NOT_FOUND
    clock.advance(minutes=2)
    found = exchange(adapter.status(ask), account.handle)
    assert (found.word, found.provider_reference) == (Word.AUTHORISED, "pi_" + "1".zfill(24))


def test_the_payment_of_a_page_that_is_open_cannot_be_voided_past_it():
    account = SimulatedStripe(lambda: NOW)
    adapter = account.provider()
    result = exchange(adapter.authorise(order()), account.handle)
    inside = str(result.provider_reference).replace("cs_test_", "pi_")
    assert exchange(adapter.void(change(known=inside)), account.handle).outcome is Outcome.UNKNOWN
    assert account.book(REFERENCE).authorised == 0
    account.approve(REFERENCE)
    late = change(known=result.provider_reference)
    assert exchange(adapter.void(late), account.handle).outcome is Outcome.UNKNOWN
    assert account.book(REFERENCE).reserved == 10000


def test_a_page_for_two_currencies_is_refused():
    account = SimulatedStripe(lambda: NOW)
    lines = (line(5000), line(5000, currency="SEK"))
    result = exchange(account.provider().authorise(order(lines=lines)), account.handle)
    assert result.outcome is Outcome.REFUSED


# --- whatever comes -------------------------------------------------------------------------------

STATUSES = st.sampled_from([200, 201, 302, 400, 401, 402, 404, 409, 429, 500])


@settings(max_examples=150)
@given(STATUSES, bodies())
def test_an_arbitrary_answer_is_never_a_success_and_never_breaks_anything(status, body):
    handler = always(status, body)
    nothing = {Outcome.UNKNOWN, Outcome.REFUSED, Outcome.DECLINED}
    for start in (OPERATIONS | ENDS).values():
        found = outcome_of(start(), handler)
        assert found is None or found.outcome in nothing
    assert outcome_of(ADAPTER.mandate(of_mandate()), handler).word is MandateWord.UNCLEAR
    for known in ("pi_1", "cs_1"):
        assert outcome_of(ADAPTER.status(asked(known=known)), handler).word is Word.UNCLEAR


FIELDS = st.sampled_from(sorted({*intent(), *session(), "latest_charge", "next_action"}))


@settings(max_examples=150)
@given(st.sampled_from(["intent", "session"]), st.dictionaries(FIELDS, JSON, max_size=3))
def test_an_arbitrary_payment_is_read_or_left_unclear(kind, changed):
    good = intent() if kind == "intent" else session("complete", payment_intent=intent())
    known = good["id"]
    body = {**good, **changed}
    found = outcome_of(ADAPTER.status(asked(known=known)), lambda _: answer(body))
    if isinstance(found, Standing):
        assert found.authorised.minor in {0, 10000}
        assert found.refunded.is_zero


# --- sales ----------------------------------------------------------------------------------------


def test_a_capture_of_less_releases_the_rest_and_refunds_nothing():
    with Deal("stripe") as deal:
        checkout = deal.sold()
        deal.bank.portal_capture(checkout.payments[0].id, Money(15900, deal.currency))
        deal.settle()
        books = deal.now(checkout).books
        assert (books.captured, books.refunded) == (15900, 0)
        assert books.voided == checkout.total.minor - 15900


def test_a_refund_in_their_portal_is_seen():
    with Deal("stripe") as deal:
        checkout = deal.shipped(deal.sold())
        deal.bank.portal_refund(checkout.payments[0].id, Money(5000, deal.currency))
        deal.settle()
        assert deal.now(checkout).books.refunded == 5000


def test_a_refund_that_fails_later_is_taken_again():
    with Deal("stripe") as deal:
        checkout = deal.given_back(deal.shipped(deal.sold()), {"mug": 1})
        payment = checkout.payments[0]
        assert payment.books.refunded > 0
        deal.bank.take_back(payment.id, payment.attempts[-1].id)
        deal.settle()
        checkout = deal.now(checkout)
        assert checkout.books.refunded == 0
        assert [item.reason for item in checkout.attention] == ["refund_failed"]
