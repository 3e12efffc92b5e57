"""Kustom Checkout's adapter and stand-in: what is their own. Their orders are in test_klarna.py."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_path import SchemaPath
from openapi_schema_validator import OAS30Validator
from tests.specs import FOLDER, spec
from tests.test_klarna import follows_the_sum_rules, management
from tests.wire import CHECKS, REFERENCE, json_values, line
from tests.wire import order as any_order

from checkoutflow.errors import (
    Contradiction,
    InvalidInput,
    NotSupported,
    ProviderError,
    UntrustedNotice,
)
from checkoutflow.money import Money
from checkoutflow.payment.books import Books
from checkoutflow.payment.outcomes import Operation, Outcome, Redirect, Word
from checkoutflow.providers.contract import Ask, Modification
from checkoutflow.providers.kustom import FORMS, MAXIMUM, Kustom, KustomConfig
from checkoutflow.testing import Clock
from checkoutflow.testing.adapters import AdapterCase, Stage, exchange
from checkoutflow.testing.standins.faults import Fault
from checkoutflow.testing.standins.kustom import NOTICE_URL, PAGE_URL, SimulatedKustom

NOW = datetime(2026, 11, 21, 12, 0, 59, tzinfo=UTC)
FORM, ORDER = "form:order-1", "order:order-1"
WHOLE = 12345
TEST = KustomConfig.hosts.test

# What a checkout needs of the provider; the rest is on the provider's page, with the reasons.
NEEDED = {
    "createOrderMerchant",
    "readOrderMerchant",
    "abortOrder",
    "getOrder",
    "acknowledgeOrder",
    "captureOrder",
    "refundOrder",
    "cancelOrder",
    "releaseRemainingAuthorization",
}


# The contract -------------------------------------------------------------------------------------


def stage_of(credentials):
    account = SimulatedKustom(lambda: NOW, secret=credentials)

    def customer(action, approve):
        [reference] = parse_qs(urlsplit(action.url).query)["payment"]
        decide = account.approve if approve else account.decline
        decide(reference)

    return Stage(
        provider=account.provider(),
        handler=account.handle,
        customer=customer,
        notice=lambda: account.outbox[-1],
    )


CASE = AdapterCase(
    make=lambda: stage_of("ours"),
    foreign=lambda: stage_of("theirs"),
    method="kustom",
    amount=Money.read("123.45 DKK"),
    secrets=("ours-password", "ours-notice-secret-of-32-letters"),
    details={"email": "customer@shop.example", "phone": "+4512345678"},
    words=dict.fromkeys(("authorise", "status", "capture", "void", "refund"), ("status",)),
    signature="address",
    notice_age_s=None,
)


@pytest.mark.parametrize("check", CHECKS)
def test_kustom_keeps_the_contract(check):
    check(CASE)


# Builders -----------------------------------------------------------------------------------------


def config(**changes):
    return KustomConfig.read(
        {
            "username": "M12345_abc",
            "password": "sharedsecret",
            "terms_url": "https://shop.example/terms",
            "page_url": PAGE_URL,
            "notice_url": NOTICE_URL,
            "notice_secret": "our-notice-secret-of-32-characters",
            "is_test": True,
            **changes,
        }
    )


KUSTOM = Kustom(config())


def order(minor=WHOLE, currency="DKK", **facts):
    return any_order(minor, currency, **{"method": "kustom", **facts})


def ask(reference=FORM):
    return Ask(REFERENCE, reference, Money(WHOLE, "DKK"), "kustom")


def change(minor, reference=ORDER, *, key="change-1", lines=(), a=WHOLE, c=0, r=0):
    books = Books(currency="DKK", authorised=a, captured=c, refunded=r)
    amount = Money(minor, "DKK")
    return Modification(key, REFERENCE, reference, amount, "kustom", books, lines)


def form(status="checkout_incomplete", **changes):
    return {
        "order_id": "order-1",
        "status": status,
        "merchant_reference1": REFERENCE,
        "order_amount": WHOLE,
        "purchase_currency": "DKK",
        "html_snippet": "<div></div>",
        **changes,
    }


def shown(status="AUTHORIZED", fraud="ACCEPTED", **changes):
    return {
        "order_id": "order-1",
        "status": status,
        "fraud_status": fraud,
        "original_order_amount": WHOLE,
        "captured_amount": 0,
        "refunded_amount": 0,
        "remaining_authorized_amount": WHOLE,
        "purchase_currency": "DKK",
        "merchant_reference1": REFERENCE,
        **changes,
    }


def said(operation, *answers):
    """What comes of answers, one each, and where the requests went."""
    left, sent = list(answers), []

    def handle(request):
        sent.append(f"{request.method} {request.url.path}")
        answer = left.pop(0)
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        content = b"" if body is None else json.dumps(body).encode()
        return httpx.Response(status, content=content)

    return exchange(operation, handle), sent


LOOK = "GET /ordermanagement/v1/orders/order-1"
ACKNOWLEDGE = "POST /ordermanagement/v1/orders/order-1/acknowledge"
READ = "GET /checkout/v3/orders/order-1"


# The provider's own descriptions ------------------------------------------------------------------


def checkout():
    return spec("klarna", "kustom-checkout-api-openapi.yml", closed=True)


class Watched:
    """A stand-in of which every request and answer is held against the descriptions."""

    def __init__(self, account):
        self.account, self.covered = account, set()

    def handle(self, request):
        response = self.account.handle(request)
        is_form = request.url.path.startswith("/checkout/")
        file = checkout() if is_form else management()
        moved = httpx.Request(
            request.method,
            request.url.copy_with(host="api.klarna.com"),  # as the files still have it
            headers={n: v for n, v in request.headers.items() if n != "host"},
            content=request.content,
        )
        self.covered.add(file.operation(moved))
        if not request.url.path.endswith("/abort"):  # of any kind, so that nothing is read as JSON
            file.validate(moved, response)
        if response.is_success and is_form:
            checkout().check("order", response.json())
        if not response.is_success:
            management().check("ErrorMessageDto", response.json())
        return response


def test_every_word_between_them_is_in_the_providers_own_descriptions():
    account = SimulatedKustom(lambda: NOW)
    provider, watched = account.provider(), Watched(account)
    lines = (line(10_000, 3), line(2000, kind="delivery"), line(345, kind="fee"))
    details = {
        "email": "customer@shop.example",
        "phone": "+4512345678",
        "street": "Nygade 1",
        "postal_code": "8000",
        "city": "Aarhus",
        "country": "DK",
    }
    wanted = order(lines=lines, details=details, customer="business")
    theirs = exchange(provider.authorise(wanted), watched.handle).provider_reference
    assert exchange(provider.status(ask(theirs)), watched.handle).word is Word.PENDING
    account.approve(REFERENCE)
    assert not account.acknowledged
    standing = exchange(provider.status(ask(theirs)), watched.handle)
    assert account.acknowledged == {REFERENCE}
    theirs = standing.provider_reference
    capture = change(5000, theirs, key="c", lines=(line(5000, 3),))
    refund = change(2000, theirs, key="r", c=5000, lines=(line(2000),))
    too_much = change(9000, theirs, key="x", c=5000, r=2000)
    for operation, expected in (
        (provider.capture(capture), Outcome.SUCCEEDED),
        (provider.refund(refund), Outcome.SUCCEEDED),
        (provider.refund(too_much), Outcome.REFUSED),
        (provider.void(change(7345, theirs, key="v", c=5000, r=2000)), Outcome.SUCCEEDED),
        (provider.void(change(WHOLE, theirs, key="w")), Outcome.REFUSED),
    ):
        assert exchange(operation, watched.handle).outcome is expected
    standing = exchange(provider.status(ask(theirs)), watched.handle)
    assert [done.key for done in standing.operations] == ["c", "r"]
    open_form = order(merchant_reference="b" * 20)
    theirs = exchange(provider.authorise(open_form), watched.handle).provider_reference
    void = replace(change(WHOLE, theirs), merchant_reference="b" * 20)
    assert exchange(provider.void(void), watched.handle).outcome is Outcome.SUCCEEDED
    print(f"kustom: {len(watched.covered & NEEDED)} of {len(NEEDED)} operations covered")  # noqa: T201 - the measure
    assert watched.covered == NEEDED


def test_its_pushes_are_as_published():
    if not FOLDER.is_dir():
        pytest.skip(f"no specifications: {FOLDER} is not there")
    file = FOLDER / "klarna" / "klarna-push-notifications-asyncapi.yml"
    schemas = SchemaPath.from_file_path(str(file)).read_value()["components"]["schemas"]
    clock = Clock(NOW)
    account = SimulatedKustom(clock)
    provider = account.provider()
    account.plan("authorise", Fault.SLOW, Fault.FAIL_LATER)
    for reference in ("b" * 20, "c" * 20):
        exchange(provider.authorise(order(merchant_reference=reference)), account.handle)
        account.approve(reference)
    clock.advance(minutes=1)
    pushes, decisions = account.outbox[:2], account.outbox[2:]
    assert [hook.body for hook in pushes] == [b"", b""]
    told = [json.loads(hook.body) for hook in decisions]
    assert {event["event_type"] for event in told} == {"FRAUD_RISK_ACCEPTED", "FRAUD_RISK_REJECTED"}
    for event in told:
        OAS30Validator(schemas["PendingOrderNotificationPayload"]).validate(event)
    for hook in account.outbox:
        assert len(provider.read_notices(hook)) == 1


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)


@given(
    amounts=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 99), names), max_size=4),
    locale=st.sampled_from(["da_DK", "nn_NO", "is_IS", "en_GB", "xx"]),
    customer=st.sampled_from(["consumer", "business"]),
    details=st.dictionaries(st.sampled_from(sorted(KUSTOM.capabilities.details)), names),
)
def test_whatever_is_ordered_the_request_is_one_that_the_provider_describes(
    amounts, locale, customer, details
):
    lines = tuple(line(minor, count, name=name) for minor, count, name in amounts)
    minor = sum(item.amount.minor for item in lines)
    wanted = order(minor or WHOLE, lines=lines if minor else (), locale=locale, customer=customer)
    body = json.loads(next(KUSTOM.authorise(replace(wanted, details=details))).content)
    checkout().check("order", body)
    follows_the_sum_rules(body)


# Requests -----------------------------------------------------------------------------------------


def test_a_form_with_its_addresses():
    details = {"email": "customer@shop.example", "city": "Aarhus", "country": "SE"}
    details["organisation_number"] = "13585628"
    wanted = order(lines=(line(WHOLE, name="Kop, blå"),), details=details, customer="business")
    request = next(KUSTOM.authorise(wanted))
    assert (request.method, str(request.url)) == ("POST", f"{TEST}/checkout/v3/orders")
    assert request.headers["authorization"] == "Basic TTEyMzQ1X2FiYzpzaGFyZWRzZWNyZXQ="
    body = json.loads(request.content)
    push = body["merchant_urls"].pop("push")
    assert push == body["merchant_urls"].pop("notification")
    assert push.startswith(f"{NOTICE_URL}?payment={REFERENCE}&proof=")
    assert body == {
        "purchase_country": "DK",
        "purchase_currency": "DKK",
        "locale": "da-DK",
        "order_amount": WHOLE,
        "order_tax_amount": 2469,
        "order_lines": [
            {
                "type": "physical",
                "reference": "mill",
                "name": "Kop, blå",
                "quantity": 1,
                "unit_price": WHOLE,
                "tax_rate": 2500,
                "total_amount": WHOLE,
                "total_tax_amount": 2469,
            }
        ],
        "merchant_reference1": REFERENCE,
        "merchant_urls": {
            "terms": "https://shop.example/terms",
            "checkout": f"{PAGE_URL}?payment={REFERENCE}",
            "confirmation": "https://shop.example/return",
        },
        "customer": {"type": "organization", "organization_registration_id": "13585628"},
        "options": {"allowed_customer_types": ["organization"]},
        "billing_address": {"email": "customer@shop.example"},
    }


@pytest.mark.parametrize(
    ("facts", "error", "field"),
    [
        ({"method": "klarna"}, NotSupported, "method"),
        ({"market": "SE"}, NotSupported, "market"),
        ({"currency": "ISK"}, NotSupported, "currency"),
        ({"minor": MAXIMUM + 1}, InvalidInput, "amount"),
        ({"return_url": "https://shop.example/" + "a" * 2000}, InvalidInput, "return_url"),
    ],
)
def test_what_they_do_not_take_is_not_sent(facts, error, field):
    with pytest.raises(error) as raised:
        said(KUSTOM.authorise(order(**facts)))
    assert raised.value.field == field


@pytest.mark.parametrize("reference", [None, FORM, "order-1", "hpp:order-1"])
def test_a_capture_needs_the_reference_of_an_order(reference):
    with pytest.raises(InvalidInput, match="provider_reference"):
        said(KUSTOM.capture(change(100, reference)))


# Answers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        ((201, form()), "pending", ""),
        ((201, form("CHECKOUT_INCOMPLETE")), "pending", ""),
        ((201, form("checkout_complete")), "unknown", ""),
        ((201, form(order_id="a/b")), "unknown", ""),
        ((201, form(order_amount="12345")), "unknown", ""),
        ((201, None), "unknown", ""),
        ((200, form()), "unknown", ""),
        ((400, {"error_code": "BAD_VALUE"}), "refused", "invalid_request"),
        ((401, None), "refused", "unauthorised"),
        ((504, {"error_code": "BAD_VALUE"}), "unknown", ""),
    ],
)
def test_how_the_request_for_a_form_is_answered(answer, outcome, reason):
    result, _ = said(KUSTOM.authorise(order()), answer)
    assert (result.outcome, result.reason) == (outcome, reason)
    page = Redirect(url=f"{PAGE_URL}?payment={REFERENCE}")
    expected = (FORM, page) if outcome == "pending" else (None, None)
    assert (result.provider_reference, result.action) == expected


@pytest.mark.parametrize(
    "changes",
    [{"merchant_reference1": "b" * 20}, {"order_amount": 1}, {"purchase_currency": "SEK"}],
)
def test_a_form_for_something_else_is_a_contradiction(changes):
    with pytest.raises(Contradiction):
        said(KUSTOM.authorise(order()), (201, form(**changes)))


def test_without_their_id_nobody_can_have_paid():
    standing, sent = said(KUSTOM.status(ask(None)))
    assert (standing.word, sent) == (Word.NOT_FOUND, [])


def test_a_reference_that_is_not_theirs_is_unclear():
    assert said(KUSTOM.status(ask("psp-1")))[0].word is Word.UNCLEAR


def test_the_first_look_at_an_order_acknowledges_it():
    standing, sent = said(KUSTOM.status(ask()), shown(), (204, None))
    assert (standing.word, standing.provider_reference) == (Word.AUTHORISED, ORDER)
    assert sent == [LOOK, ACKNOWLEDGE]
    assert said(KUSTOM.status(ask(ORDER)), shown())[1] == [LOOK]


def test_an_order_stands_as_it_does_whatever_is_said_to_the_acknowledgement():
    standing, _ = said(KUSTOM.status(ask()), shown(), (500, None))
    assert (standing.word, standing.authorised.minor) == (Word.AUTHORISED, WHOLE)


def test_an_order_that_is_suspected_when_we_see_it_first_was_declined():
    standing, _ = said(KUSTOM.status(ask()), shown("CANCELLED", "REJECTED"), (204, None))
    assert (standing.word, standing.reason) == (Word.DECLINED, "suspected_fraud")
    known, _ = said(KUSTOM.status(ask(ORDER)), shown("CANCELLED", "REJECTED"))
    assert (known.word, known.voided.minor) == (Word.VOIDED, WHOLE)


def test_an_order_for_another_amount_is_a_contradiction():
    with pytest.raises(Contradiction):
        said(KUSTOM.status(ask()), shown(original_order_amount=WHOLE + 100))


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        *((form(status), word) for status, word in FORMS.items()),
        (form("CHECKOUT_INCOMPLETE"), Word.PENDING),
        (form("checkout_aborted"), Word.UNCLEAR),
        (form(status=None), Word.UNCLEAR),
        ((404, {"error_code": "NO_SUCH_ORDER"}), Word.UNCLEAR),
        ((500, form()), Word.UNCLEAR),
    ],
)
def test_while_there_is_no_order_the_form_says_how_it_stands(answer, word):
    standing, sent = said(KUSTOM.status(ask()), (404, None), answer)
    assert (standing.word, standing.authorised.minor, sent) == (word, 0, [LOOK, READ])


@pytest.mark.parametrize("changes", [{"order_id": "order-2"}, {"merchant_reference1": "b" * 20}])
def test_another_form_is_a_contradiction(changes):
    with pytest.raises(Contradiction):
        said(KUSTOM.status(ask()), (404, None), form(**changes))


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (form("checkout_aborted"), "succeeded"),
        (form(), "unknown"),
        (form("CHECKOUT_COMPLETE"), "unknown"),
        (form(status=None), "unknown"),
        ((403, {"error_code": "READ_ONLY_ORDER"}), "unknown"),
        ((404, {"error_code": "NO_SUCH_ORDER"}), "unknown"),
        ((500, form("checkout_aborted")), "unknown"),
    ],
)
def test_the_void_of_a_form_aborts_it(answer, outcome):
    result, sent = said(KUSTOM.void(change(WHOLE, FORM, a=0)), answer)
    assert (result.outcome, sent) == (outcome, ["POST /checkout/v3/orders/order-1/abort"])


def test_an_answer_about_another_abort_is_a_contradiction():
    with pytest.raises(Contradiction):
        said(KUSTOM.void(change(WHOLE, FORM, a=0)), form("checkout_aborted", order_id="order-2"))


@pytest.mark.parametrize("reference", [FORM, ORDER])
def test_the_page_of_the_shop_is_given_the_form(reference):
    html, sent = said(KUSTOM.snippet(reference), form("checkout_complete"))
    assert (html, sent) == ("<div></div>", [READ])


@pytest.mark.parametrize(
    "answer", [(404, None), (200, {}), form(html_snippet=""), form(order_id="order-2")]
)
def test_the_page_of_the_shop_is_told_that_there_is_no_form(answer):
    with pytest.raises(ProviderError):
        said(KUSTOM.snippet(FORM), answer)


@pytest.mark.parametrize("reference", ["", "order-1", "form:", "hpp:order-1"])
def test_a_form_is_shown_by_their_reference_only(reference):
    with pytest.raises(InvalidInput, match="provider_reference"):
        said(KUSTOM.snippet(reference))


@pytest.mark.parametrize("name", ["a/b", "a?b=c", "a#b", "a%2Fb", "a b", "a\r\nb"])
def test_a_reference_stays_one_part_of_the_address(name):
    for operation, parts in (
        (KUSTOM.status(ask(f"form:{name}")), 5),
        (KUSTOM.status(ask(f"order:{name}")), 5),
        (KUSTOM.snippet(f"form:{name}"), 5),
        (KUSTOM.void(change(WHOLE, f"form:{name}")), 6),
    ):
        request = next(operation)
        assert request.url.raw_path.count(b"/") == parts - 1
        assert not request.url.query


@given(
    body=json_values([*form(), *shown()], FORMS),
    status=st.sampled_from([200, 201, 204, 302, 400, 403, 404, 500]),
)
def test_whatever_they_answer_nothing_is_taken_for_a_success(body, status):
    for call in (
        KUSTOM.authorise(order()),
        KUSTOM.void(change(WHOLE, FORM, a=0)),
        KUSTOM.capture(change(100)),
    ):
        with suppress(Contradiction):
            result, _ = said(call, *[(status, body)] * 2)
            assert result.outcome in {Outcome.UNKNOWN, Outcome.REFUSED}
    with suppress(Contradiction):
        standing, _ = said(KUSTOM.status(ask()), *[(status, body)] * 2)
        assert standing.authorised.is_zero


# Notices ------------------------------------------------------------------------------------------


def test_a_push_makes_us_look_once_a_minute():
    account = SimulatedKustom(lambda: NOW)
    provider = account.provider()
    exchange(provider.authorise(order()), account.handle)
    account.approve(REFERENCE)
    hook = account.outbox[-1]
    [first] = provider.read_notices(hook)
    [later] = provider.read_notices(replace(hook, now_s=hook.now_s + 60))
    assert first.merchant_reference == later.merchant_reference == REFERENCE
    assert first.id != later.id
    assert first.heard is None
    with pytest.raises(UntrustedNotice):
        provider.read_notices(replace(hook, query=hook.query.replace(REFERENCE, "b" * 20)))


# Settings -----------------------------------------------------------------------------------------


def test_the_host_follows_the_environment():
    assert config().base_url == "https://api.playground.kustom.co"
    assert config(is_test=False).base_url == "https://api.kustom.co"
    assert "sharedsecret" not in repr(KUSTOM)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"username": "a:b"}, "username"),
        ({"password": ""}, "password"),
        ({"notice_secret": "s" * 31}, "notice_secret"),
        ({"page_url": "http://shop.example"}, "page_url"),
        ({"terms_url": "terms"}, "terms_url"),
    ],
)
def test_settings_say_what_is_wrong_with_them(changes, field):
    with pytest.raises(InvalidInput) as raised:
        config(**changes)
    assert raised.value.field == field


def test_what_it_can_do():
    capabilities = KUSTOM.capabilities
    assert capabilities.operations == frozenset(Operation)
    assert not capabilities.finds_by_ours
    assert {capabilities.repeats_for(operation) for operation in Operation} == {3600}


# The stand-in -------------------------------------------------------------------------------------


def test_the_stand_in_shows_the_form_and_takes_no_more_after_it_is_closed():
    clock = Clock(NOW)
    account = SimulatedKustom(clock)
    provider = account.provider()
    theirs = exchange(provider.authorise(order()), account.handle).provider_reference or ""
    assert f'src="{TEST}/pay/page-000001"' in exchange(provider.snippet(theirs), account.handle)
    void = change(WHOLE, theirs, a=0)
    assert exchange(provider.void(void), account.handle).outcome is Outcome.SUCCEEDED
    account.approve(REFERENCE)
    assert account.book(REFERENCE).authorised == 0
    assert exchange(provider.status(ask(theirs)), account.handle).word is Word.UNCLEAR


def test_a_customer_who_was_faster_has_paid_and_the_void_is_left_open():
    account = SimulatedKustom(Clock(NOW))
    provider = account.provider()
    theirs = exchange(provider.authorise(order()), account.handle).provider_reference
    account.approve(REFERENCE)
    void = change(WHOLE, theirs, a=0)
    assert exchange(provider.void(void), account.handle).outcome is Outcome.UNKNOWN
    standing = exchange(provider.status(ask(theirs)), account.handle)
    cancel = replace(void, provider_reference=standing.provider_reference)
    assert exchange(provider.void(cancel), account.handle).outcome is Outcome.SUCCEEDED
    assert account.book(REFERENCE).voided == WHOLE


def test_a_form_is_gone_after_two_days():
    clock = Clock(NOW)
    account = SimulatedKustom(clock)
    provider = account.provider()
    theirs = exchange(provider.authorise(order()), account.handle).provider_reference
    clock.advance(hours=49)
    assert exchange(provider.status(ask(theirs)), account.handle).word is Word.UNCLEAR
    void = change(WHOLE, theirs, a=0)
    assert exchange(provider.void(void), account.handle).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("method", "where", "status"),
    [
        ("GET", "/checkout/v3/orders/nobody", 404),
        ("POST", "/checkout/v3/orders/nobody/abort", 404),
        ("GET", "/ordermanagement/v1/orders/nobody", 404),
        ("POST", "/ordermanagement/v1/orders/nobody/acknowledge", 404),
        ("POST", "/checkout/v3/orders", 415),
    ],
)
def test_the_stand_in_knows_no_strangers(method, where, status):
    headers = {"authorization": next(KUSTOM.authorise(order())).headers["authorization"]}
    account = SimulatedKustom(lambda: NOW)
    stranger = httpx.Request(method, f"{TEST}{where}", headers=headers)
    assert account.handle(stranger).status_code == 401
    ours = next(account.provider().snippet(FORM)).headers["authorization"]
    known = httpx.Request(method, f"{TEST}{where}", headers={"authorization": ours})
    assert account.handle(known).status_code == status


@pytest.mark.parametrize(
    "changes",
    [
        {"order_amount": 1},
        {"purchase_currency": "SEK"},
        {"merchant_urls": {}},
        {"options": {"allowed_customer_types": []}},
        {"unheard_of": 1},
    ],
)
def test_the_stand_in_refuses_what_does_not_add_up(changes):
    account = SimulatedKustom(lambda: NOW)
    request = next(account.provider().authorise(order()))
    body = json.loads(request.content) | changes
    answer = account.handle(
        httpx.Request(
            "POST",
            request.url,
            headers={"authorization": request.headers["authorization"]},
            json=body,
        )
    )
    assert (answer.status_code, answer.json()["error_code"]) == (400, "BAD_VALUE")
