"""Svea Checkout's adapter and its stand-in, held to the contract and to each other."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire import CHECKS, REFERENCE, always, answer, bodies, json_values, talk

from checkoutflow.errors import (
    Contradiction,
    InvalidInput,
    NotSupported,
    ProviderError,
    UntrustedNotice,
    UsageError,
)
from checkoutflow.money import Money
from checkoutflow.payment.books import Books
from checkoutflow.payment.outcomes import Operation, Outcome, Redirect, Standing, Word
from checkoutflow.providers.contract import Ask, Authorise, Modification, OrderLine
from checkoutflow.providers.svea import (
    ADMIN,
    CURRENCIES,
    FORMS,
    REFUSALS,
    Svea,
    SveaConfig,
    signature,
)
from checkoutflow.testing import Clock
from checkoutflow.testing.adapters import AdapterCase, Stage, exchange
from checkoutflow.testing.adapters.case import NOW as SENT
from checkoutflow.testing.standins.faults import Fault
from checkoutflow.testing.standins.svea import SimulatedSvea

NUMBER = "9000001"
WHOLE = Money.read("100.00 SEK")
NOW = datetime(2026, 1, 15, 10, 30, 59, tzinfo=UTC)
CHECKOUT = SveaConfig.hosts


def config(**changes):
    given = {
        "merchant_id": "123456",
        "country": "SE",
        "secret": "ours-merchant-secret",
        "terms_url": "https://shop.example/terms",
        "page_url": "https://shop.example/svea",
        "notice_url": "https://shop.example/notices/svea",
        "notice_secret": "ours-notice-secret-of-32-letters",
        "partial_capture": True,
        "is_test": True,
    }
    return SveaConfig.read({**given, **changes})


def svea(**changes):
    return Svea(config(**changes))


SVEA = svea()


# --- the contract ---------------------------------------------------------------------------------


def stage_of(whose="ours", **options):
    account = SimulatedSvea(Clock(SENT), secret=whose, **options)

    def customer(action, approve):
        [reference] = parse_qs(urlsplit(action.url).query)["payment"]
        decide = account.approve if approve else account.decline
        decide(reference)

    def notice():
        hook = account.outbox[-1]
        # What Svea adds to the address proves nothing, and may be anything.
        return replace(hook, query=hook.query.partition("&order=")[0])

    return Stage(
        provider=account.provider(), handler=account.handle, customer=customer, notice=notice
    )


def case_of(amount, **options):
    return AdapterCase(
        make=lambda: stage_of(**options),
        foreign=lambda: stage_of("theirs", **options),
        method="svea",
        amount=Money.read(amount),
        secrets=("ours-merchant-secret", "ours-notice-secret-of-32-letters"),
        details={"email": "customer@shop.example", "phone": "+46701234567"},
        words={
            "authorise": ("Status",),
            "status": ("OrderStatus",),
            "capture": ("OrderStatus",),
            "void": ("OrderStatus",),
            "refund": ("OrderStatus",),
        },
        signature="address",
        notice_age_s=None,
    )


CASES = {
    "whole, in Sweden": case_of("123.45 SEK"),
    "a part, in Norway": case_of("900.00 NOK", country="NO", partial_capture=True),
    "in Finland": case_of("19.99 EUR", country="FI"),
    "in Denmark": case_of("250.00 DKK", country="DK"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", CHECKS)
def test_svea_keeps_the_contract(check, case):
    check(case)


# --- requests -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "first", "second"),
    [
        (
            b'{"currency":"SEK"}',
            "964d951fc8533b022d16aa592132168298ee10428dd1d26e1830093b1265c8d7",
            "c63c07e8ceb4824a0f5697a5990280bcc252ddd15b4fbe99f6bb8924d1526e25",
        ),
        (
            b"",
            "7f1908d36d447c1672e35fbbdfa46b5ac0b989f6602d20e7d27dbfeb43c60528",
            "5e187a28be1219b9ae0a88812514d9afebe4940f441e5aa5941919f492709923",
        ),
    ],
)
def test_a_request_is_signed_over_body_secret_and_minute(body, first, second):
    # The secret of the published example is shorter than any that we take.
    short = config().but(secret=type(config().secret)("s3cr3t"))
    given = signature(short, body, "2026-01-15 10:30")
    assert given.startswith("Svea ")
    assert b64decode(given.removeprefix("Svea ")).decode() == f"123456:{first}{second}"


def test_what_is_signed_is_what_is_sent():
    _, [sent] = talk(SVEA.authorise(order()), answer(201, form()))
    assert sent.headers["timestamp"] == "2026-01-15 10:30"
    signed = sent.content + b"ours-merchant-secret2026-01-15 10:30"
    merchant, _, digest = b64decode(sent.headers["authorization"].split()[1]).partition(b":")
    assert (merchant, digest) == (b"123456", hashlib.sha512(signed).hexdigest().encode())


def test_the_minute_is_that_of_the_order_in_utc():
    east = NOW.astimezone(timezone(timedelta(hours=2)))
    for call in (SVEA.authorise(order(at=east)), SVEA.status(replace(ask(), at=east))):
        assert next(call).headers["timestamp"] == "2026-01-15 10:30"
    for call in (
        SVEA.authorise(order(at=None)),
        SVEA.status(replace(ask(), at=None)),
        SVEA.capture(change(at=None)),
        SVEA.void(change(at=None)),
        SVEA.refund(change(at=None)),
    ):
        with pytest.raises(UsageError, match="signs the time") as error:
            next(call)
        assert error.value.field == "at"


def line(minor=10000, *, name="Kaffekvarn", quantity=1, kind="goods", basis=2500, number="1"):
    amount = Money(minor, "SEK")
    return OrderLine(number, name, quantity, amount, basis, Money(minor // 5, "SEK"), kind)


def order(*lines, **facts):
    given = {
        "key": "key-1",
        "merchant_reference": REFERENCE,
        "method": "svea",
        "amount": WHOLE,
        "return_url": "https://shop.example/back",
        "locale": "sv_SE",
        "market": "SE",
        "customer": "consumer",
        "lines": lines,
        "at": NOW,
    }
    return Authorise(**{**given, **facts})


def change(amount=WHOLE, *lines, a=10000, c=0, r=0, x=0, **facts):
    """A capture, void or refund; the letters are our books before it."""
    books = Books(currency="SEK", authorised=a, captured=c, refunded=r, voided=x)
    given = {
        "key": "key-2",
        "merchant_reference": REFERENCE,
        "provider_reference": NUMBER,
        "amount": amount,
        "method": "svea",
        "books": books,
        "lines": lines,
        "at": NOW,
    }
    return Modification(**{**given, **facts})


def ask(number=NUMBER):
    return Ask(REFERENCE, number, WHOLE, "svea", at=NOW)


def form(status="Created", **changes):
    given = {
        "OrderId": int(NUMBER),
        "ClientOrderNumber": REFERENCE,
        "Status": status,
        "Gui": {"Layout": "desktop", "Snippet": "<div></div>"},
    }
    return {**given, **changes}


def bill(status="Open", cancelled=0, *deliveries, whole=10000, **changes):
    """An order of the administration."""
    given = {
        "Id": int(NUMBER),
        "MerchantOrderId": REFERENCE,
        "Currency": "SEK",
        "OrderStatus": status,
        "OrderAmount": whole,
        "CancelledAmount": cancelled,
        "Deliveries": list(deliveries),
    }
    return {**given, **changes}


def delivery(amount=10000, credited=0, *actions, number=1):
    names = list(actions) or ["CanCreditAmount"]
    return {"Id": number, "DeliveryAmount": amount, "CreditedAmount": credited, "Actions": names}


def test_a_form_has_the_order_its_addresses_and_what_the_customer_told():
    details = {"email": "customer@shop.example", "phone": "+46701234567"}
    lines = (
        line(6000, quantity=3, name="Mugg"),
        line(3100, quantity=3, name="En mycket lång benämning på en vara i butiken", number="2"),
        line(900, kind="delivery", name="Paket", number="parcel"),
    )
    result, [sent] = talk(SVEA.authorise(order(*lines, details=details)), answer(201, form()))
    assert result.outcome is Outcome.PENDING
    assert result.provider_reference == NUMBER
    assert result.action == Redirect(url=f"https://shop.example/svea?payment={REFERENCE}")
    assert (sent.method, str(sent.url)) == ("POST", f"{CHECKOUT[1]}/api/orders")
    body = json.loads(sent.content)
    push = body["merchantSettings"].pop("pushUri")
    assert push.startswith(f"https://shop.example/notices/svea?payment={REFERENCE}&proof=")
    assert push.endswith("&order={checkout.order.uri}")
    assert body == {
        "countryCode": "SE",
        "currency": "SEK",
        "locale": "sv-se",
        "clientOrderNumber": REFERENCE,
        "merchantSettings": {
            "termsUri": "https://shop.example/terms",
            "checkoutUri": f"https://shop.example/svea?payment={REFERENCE}",
            "confirmationUri": "https://shop.example/back",
        },
        "cart": {
            "items": [
                row("1", "Mugg", 300, 2000),
                row("2", "3 × En mycket lång benämning på en vara i", 100, 3100),
                {**row("parcel", "Paket", 100, 900), "type": "shipping_fee"},
            ]
        },
        "presetValues": [
            {"typeName": "EmailAddress", "value": details["email"], "isReadOnly": False},
            {"typeName": "PhoneNumber", "value": details["phone"], "isReadOnly": False},
        ],
    }


def row(number, name, quantity, price, basis=2500):
    return {
        "articleNumber": number,
        "name": name[:40],
        "quantity": quantity,
        "unitPrice": price,
        "vatPercent": basis,
    }


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**7),
            st.integers(1, 999),
            st.sampled_from(["goods", "digital", "delivery", "fee"]),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_rows_in_hundredths_add_up_whatever_the_rounding(rows):
    lines = tuple(line(minor, quantity=count, kind=kind) for minor, count, kind in rows)
    whole = Money(sum(minor for minor, *_ in rows), "SEK")
    sent = json.loads(next(SVEA.authorise(order(*lines, amount=whole))).content)
    items = sent["cart"]["items"]
    assert all(item["quantity"] % 100 == 0 for item in items)
    assert sum(item["quantity"] * item["unitPrice"] for item in items) == 100 * whole.minor
    freight = [item.get("type") == "shipping_fee" for item in items]
    assert freight == [kind == "delivery" for *_, kind in rows]


def test_a_part_of_an_order_is_one_row():
    _, [sent] = talk(SVEA.authorise(order()), answer(201, form()))
    assert json.loads(sent.content)["cart"]["items"] == [row(REFERENCE, REFERENCE, 100, 10000, 0)]


@pytest.mark.parametrize(
    ("locale", "theirs"),
    [
        *[("da_DK", "da-dk"), ("fo_FO", "da-dk"), ("nb_NO", "nn-no"), ("no-NO", "nn-no")],
        *[("nn", "nn-no"), ("fi_FI", "fi-fi"), ("is", "en-us")],
    ],
)
def test_the_form_speaks_the_customers_language_or_english(locale, theirs):
    _, [sent] = talk(SVEA.authorise(order(locale=locale)), answer(201, form()))
    assert json.loads(sent.content)["locale"] == theirs


def test_what_cannot_be_asked_is_never_sent():
    long = "https://shop.example/" + "a" * 500
    for wrong, error in (
        (order(method="card"), NotSupported),
        (order(amount=Money.read("1 NOK")), NotSupported),
        (order(merchant_reference="a" * 33), InvalidInput),
        (order(return_url=long), InvalidInput),
    ):
        with pytest.raises(error):
            talk(SVEA.authorise(wrong))
    for number in (None, "../1", "", "0"):
        with pytest.raises(InvalidInput, match="provider_reference"):
            talk(SVEA.capture(change(provider_reference=number)))
    with pytest.raises(InvalidInput, match="provider_reference"):
        talk(SVEA.status(ask("../1")))


@pytest.mark.parametrize(
    ("call", "method", "where", "body"),
    [
        (lambda: SVEA.capture(change()), "POST", "/deliveries", {"orderRowIds": []}),
        (
            lambda: SVEA.capture(change(Money.read("40 SEK"))),
            "POST",
            "/deliveries/DeliverAndLowerAmount",
            {"DeliveredAmount": 4000},
        ),
        (lambda: SVEA.void(change()), "PATCH", "", {"isCancelled": True}),
    ],
    ids=["all", "less", "void"],
)
def test_an_order_is_delivered_or_cancelled(call, method, where, body):
    _, [sent, look] = talk(call(), answer(202), answer(500))
    assert (sent.method, sent.url.path) == (method, f"/api/v1/orders/{NUMBER}{where}")
    assert json.loads(sent.content) == body
    assert (look.method, str(look.url)) == ("GET", f"{ADMIN[1]}/api/v1/orders/{NUMBER}")


@pytest.mark.parametrize(
    ("able", "method", "where", "body"),
    [
        ("CanCreditAmount", "PATCH", "", {"creditedAmount": 5000}),
        (
            "CanCreditNewRow",
            "POST",
            "/credits",
            {
                "newCreditOrderRow": {
                    "name": "Kaffekvarn",
                    "quantity": 100,
                    "unitPrice": 4000,
                    "vatPercent": 2500,
                }
            },
        ),
    ],
)
def test_a_refund_is_credited_on_a_delivery_as_it_can_be(able, method, where, body):
    before = answer(200, bill("Delivered", 0, delivery(10000, 1000, able, number=7)))
    after = answer(200, bill("Delivered", 0, delivery(10000, 5000, able, number=7)))
    asked = change(Money.read("40 SEK"), line(4000), c=10000, r=1000)
    result, [_, sent, _] = talk(SVEA.refund(asked), before, answer(202), after)
    assert result.outcome is Outcome.SUCCEEDED
    assert (sent.method, sent.url.path) == (method, f"/api/v1/orders/{NUMBER}/deliveries/7{where}")
    assert json.loads(sent.content) == body


@pytest.mark.parametrize(
    ("found", "lines", "reason"),
    [
        (bill("Delivered", 0, delivery(10000, 2000)), [], "refunds_differ"),
        (bill("Delivered", 0, delivery(3000)), [], "refunds_differ"),
        (bill("Delivered", 0, delivery(4900, 1000)), [], "amount_too_high"),
        (bill("Open"), [], "refunds_differ"),
        (bill("Delivered", 0, delivery(10000, 1000, "None")), [line()], "not_by_amount"),
        (bill("Delivered", 0, delivery(10000, 1000, "CanCreditNewRow")), [], "not_by_amount"),
        (
            bill("Delivered", 0, delivery(10000, 1000, "CanCreditNewRow")),
            [line(2000), line(2000, basis=1200)],
            "not_by_amount",
        ),
        (bill("Unheard"), [], "unavailable"),
        (None, [], "unavailable"),
    ],
)
def test_a_refund_that_cannot_be_said_exactly_is_not_sent(found, lines, reason):
    asked = change(Money.read("40 SEK"), *lines, c=10000, r=1000)
    result, _ = talk(SVEA.refund(asked), answer(200, found))
    assert (result.outcome, result.reason) == (Outcome.REFUSED, reason)


# --- answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *((status, Outcome.REFUSED) for status in REFUSALS),
        *((status, Outcome.UNKNOWN) for status in (299, 302, 408, 409, 423, 429, 500, 503)),
    ],
)
def test_only_what_says_so_is_refused(status, outcome):
    looks = [answer(200, bill())] if status == 400 else []
    for call, more in (
        (SVEA.authorise(order()), []),
        (SVEA.capture(change()), looks),
        (SVEA.void(change()), looks),
    ):
        result, _ = talk(call, answer(status), *more)
        assert (result.outcome, result.reason) == (outcome, REFUSALS.get(status, ""))


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (form(), Outcome.PENDING),
        (form("Final"), Outcome.UNKNOWN),
        (form("Cancelled"), Outcome.UNKNOWN),
        (form(OrderId="9000001"), Outcome.UNKNOWN),
        (form(OrderId=True), Outcome.UNKNOWN),
        (form(OrderId=0), Outcome.UNKNOWN),
        ({}, Outcome.UNKNOWN),
    ],
)
def test_a_repeat_finds_the_form_that_is_there(body, outcome):
    assert talk(SVEA.authorise(order()), answer(200, body))[0].outcome is outcome


@pytest.mark.parametrize(
    ("call", "after", "outcome"),
    [
        (lambda: SVEA.capture(change()), bill("Delivered", 0, delivery()), Outcome.SUCCEEDED),
        (lambda: SVEA.capture(change()), bill(), Outcome.PENDING),
        (lambda: SVEA.capture(change()), bill("Unheard", 0, delivery()), Outcome.PENDING),
        (lambda: SVEA.void(change()), bill("Cancelled", 10000), Outcome.SUCCEEDED),
        (lambda: SVEA.void(change()), bill("Cancelled", 0), Outcome.SUCCEEDED),
        (lambda: SVEA.void(change()), bill("Open"), Outcome.PENDING),
        (lambda: SVEA.void(change(a=0)), bill("Cancelled", 10000), Outcome.SUCCEEDED),
    ],
    ids=["done", "not yet", "new word", "void", "void without sum", "not yet void", "unpaid"],
)
def test_what_was_taken_in_is_done_when_the_sums_show_it(call, after, outcome):
    assert talk(call(), answer(204), answer(200, after))[0].outcome is outcome


def test_what_cannot_be_done_may_be_done_already():
    shown = answer(200, bill("Delivered", 0, delivery()))
    assert talk(SVEA.capture(change()), answer(400), shown)[0].outcome is Outcome.SUCCEEDED


def test_without_their_number_nobody_can_have_paid():
    standing, sent = talk(SVEA.status(ask(None)))
    assert (standing, sent) == (Standing.nothing(Word.NOT_FOUND, "SEK"), [])


@pytest.mark.parametrize(
    ("status", "word"), [*FORMS.items(), ("Final", Word.UNCLEAR), ("Unheard", Word.UNCLEAR)]
)
def test_how_a_form_stands(status, word):
    standing, _ = talk(SVEA.status(ask()), answer(404), answer(200, form(status)))
    assert standing.word is word
    assert (standing.action is not None) == (status == "Created")


@pytest.mark.parametrize(
    ("body", "word", "sums"),
    [
        (bill("Open"), Word.AUTHORISED, (10000, 0, 0, 0)),
        (bill("Open", Deliveries=None), Word.AUTHORISED, (10000, 0, 0, 0)),
        (bill("Open", 3000), Word.AUTHORISED, (10000, 0, 0, 3000)),
        (bill("Open", 0, delivery(4000)), Word.AUTHORISED, (10000, 4000, 0, 0)),
        (bill("Delivered", 0, delivery()), Word.AUTHORISED, (10000, 10000, 0, 0)),
        (bill("Delivered", 0, delivery(4000)), Word.AUTHORISED, (10000, 4000, 0, 6000)),
        (bill("Delivered", 6000, delivery(4000)), Word.AUTHORISED, (10000, 4000, 0, 6000)),
        (
            bill("Delivered", 0, delivery(4000), whole=4000),
            Word.AUTHORISED,
            (10000, 4000, 0, 6000),
        ),
        (
            bill("Delivered", 0, delivery(4000, 1000), delivery(6000, 500, number=2)),
            Word.AUTHORISED,
            (10000, 10000, 1500, 0),
        ),
        (bill("Cancelled", 10000), Word.VOIDED, (10000, 0, 0, 10000)),
        (bill("Processing"), Word.PENDING, (0, 0, 0, 0)),
        (bill("Failed"), Word.DECLINED, (0, 0, 0, 0)),
        (bill("Failed", 0, delivery()), Word.UNCLEAR, (0, 0, 0, 0)),
        (bill("Unheard"), Word.UNCLEAR, (0, 0, 0, 0)),
        (bill(OrderAmount=100.5), Word.UNCLEAR, (0, 0, 0, 0)),
        (bill("Open", 0, {"Id": 1}), Word.UNCLEAR, (0, 0, 0, 0)),
        ([], Word.UNCLEAR, (0, 0, 0, 0)),
    ],
)
def test_how_an_order_stands(body, word, sums):
    standing, _ = talk(SVEA.status(ask()), answer(200, body))
    seen = (standing.authorised, standing.captured, standing.refunded, standing.voided)
    assert (standing.word, tuple(item.minor for item in seen)) == (word, sums)


@pytest.mark.parametrize(
    "body",
    [
        bill(Id=1),
        bill(MerchantOrderId="b" * 20),
        bill(Currency="NOK"),
        bill(whole=10001),
        bill(whole=7000),
        bill("Delivered", 0, delivery(10001)),
        bill("Delivered", 0, delivery(10000, 10001)),
        bill("Open", 6000, delivery(5000)),
        bill("Open", 10001),
        bill("Delivered", 7000, delivery(4000)),
    ],
)
def test_an_order_that_cannot_be_is_a_contradiction(body):
    with pytest.raises(Contradiction):
        talk(SVEA.status(ask()), answer(200, body))


@pytest.mark.parametrize("changes", [{"ClientOrderNumber": "b" * 20}, {"OrderId": 1}])
def test_another_form_is_a_contradiction(changes):
    with pytest.raises(Contradiction):
        talk(SVEA.status(ask()), answer(404), answer(200, form(**changes)))
    if "OrderId" not in changes:
        with pytest.raises(Contradiction):
            talk(SVEA.authorise(order()), answer(200, form(**changes)))


def test_an_order_that_is_nowhere_is_unclear():
    standing, _ = talk(SVEA.status(ask()), answer(404), answer(404))
    assert standing.word is Word.UNCLEAR


def test_the_page_of_the_shop_is_given_the_form():
    html, [sent] = talk(SVEA.snippet(NUMBER, NOW), answer(200, form()))
    assert html == "<div></div>"
    assert sent.url.path == f"/api/orders/{NUMBER}"
    for wrong in (answer(404), answer(200, {}), answer(200, form(Gui={"Snippet": ""}))):
        with pytest.raises(ProviderError):
            talk(SVEA.snippet(NUMBER, NOW), wrong)


JSON = json_values([*form(), *bill(), *delivery()], ["Open", "Created"])


@given(
    st.sampled_from([200, 201, 202, 204, 404]) | st.integers(100, 599),
    bodies(JSON),
    st.dictionaries(st.sampled_from([*bill()]), JSON, min_size=1),
)
def test_no_answer_crashes_it_and_none_that_is_made_up_is_a_success(status, body, changes):
    for said in (body, json.dumps({**bill("Processing"), **changes}).encode()):
        handler = always(status, said)
        calls = (SVEA.authorise(order()), SVEA.capture(change()), SVEA.refund(change(c=10000)))
        for call in calls:
            with suppress(Contradiction):
                assert exchange(call, handler).outcome is not Outcome.SUCCEEDED
        with suppress(Contradiction):
            standing = exchange(SVEA.status(ask()), handler)
            assert standing.captured.is_zero


# --- notices --------------------------------------------------------------------------------------


def test_a_push_makes_us_look_once_a_minute():
    account = SimulatedSvea(lambda: NOW, secret="ours")
    adapter = account.provider()
    exchange(adapter.authorise(order()), account.handle)
    account.approve(REFERENCE)
    hook = account.outbox[-1]
    assert hook.query.endswith(f"&order={NUMBER}")
    [first] = adapter.read_notices(hook)
    [later] = adapter.read_notices(replace(hook, now_s=hook.now_s + 60))
    assert first.merchant_reference == later.merchant_reference == REFERENCE
    assert first.id != later.id
    assert first.heard is None
    [same] = adapter.read_notices(replace(hook, body=b"anything"))
    assert same == first
    with pytest.raises(UntrustedNotice):
        adapter.read_notices(replace(hook, query=hook.query.replace("aaaa", "bbbb")))


# --- the configuration ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"merchant_id": "x"},
        {"country": "IS"},
        {"secret": "short"},
        {"page_url": "http://shop.example"},
        {"notice_url": "https://shop.example/?a=1"},
        {"name": "Svea"},
    ],
)
def test_a_configuration_that_cannot_work_is_refused(changes):
    with pytest.raises(InvalidInput) as error:
        config(**changes)
    assert error.value.field == next(iter(changes))


def test_what_the_merchant_may_do_decides_what_it_offers():
    assert svea(partial_capture=False).capabilities.captures == "whole"
    assert SVEA.capabilities.captures == "once"
    assert {svea(country=name).capabilities.currencies for name in CURRENCIES} == {
        frozenset({currency}) for currency in CURRENCIES.values()
    }
    live = config(is_test=False)
    assert (live.base_url, live.admin_url) == (CHECKOUT[0], ADMIN[0])
    assert (config().base_url, config().admin_url) == (CHECKOUT[1], ADMIN[1])


# --- the stand-in ---------------------------------------------------------------------------------


@pytest.fixture
def account():
    return SimulatedSvea(lambda: NOW, secret="ours")


def refused(account, operation):
    return exchange(operation, account.handle).reason


def test_the_stand_in_refuses_what_svea_refuses(account):
    adapter = account.provider()
    stranger = svea(secret="theirs-merchant-secret")
    assert refused(account, stranger.authorise(order())) == "unauthorised"
    late = order(at=NOW.replace(hour=11))
    assert refused(account, adapter.authorise(late)) == "unauthorised"
    abroad = svea(country="NO")
    assert refused(account, abroad.authorise(order(amount=Money.read("1 NOK")))) == (
        "invalid_request"
    )
    long = order(details={"email": "a" * 60})
    assert refused(account, adapter.authorise(long)) == "invalid_request"
    assert refused(account, adapter.capture(change())) == "payment_not_found"
    exchange(adapter.authorise(order()), account.handle)
    assert refused(account, adapter.void(change())) == "payment_not_found"  # not final
    account.approve(REFERENCE)
    part = Money.read("40 SEK")
    assert refused(account, adapter.capture(change(part))) == "invalid_request"  # may not
    assert exchange(adapter.capture(change()), account.handle).outcome is Outcome.SUCCEEDED
    assert refused(account, adapter.void(change())) == "invalid_request"  # delivered
    by_row = {"newCreditOrderRow": row("1", "Mugg", 100, 100)}
    where = f"/api/v1/orders/{NUMBER}/deliveries/1/credits"
    wrong = adapter._request(NOW, "POST", where, by_row)
    assert account.handle(wrong).status_code == 400
    wrong.headers["content-type"] = "text/plain"
    assert account.handle(wrong).status_code == 415
    assert account.handle(adapter._request(NOW, "GET", "/api/v2")).status_code == 404


def test_what_is_delivered_later_pends(account):
    adapter = account.provider()
    exchange(adapter.authorise(order()), account.handle)
    html = exchange(adapter.snippet(NUMBER, NOW), account.handle)
    assert "/pay/page-000001" in html
    account.plan("authorise", Fault.NONE)
    account.approve(REFERENCE)
    account.plan("capture", Fault.SLOW)
    assert exchange(adapter.capture(change()), account.handle).outcome is Outcome.PENDING


def test_what_is_delivered_for_less_later_releases_nothing_yet():
    account = SimulatedSvea(lambda: NOW, secret="ours", partial_capture=True)
    adapter = account.provider()
    exchange(adapter.authorise(order()), account.handle)
    account.approve(REFERENCE)
    account.plan("capture", Fault.SLOW)
    less = change(Money.read("40 SEK"))
    assert exchange(adapter.capture(less), account.handle).outcome is Outcome.PENDING
    assert account.book(REFERENCE).voided == 0


def test_a_form_that_is_being_worked_on_is_no_longer_shown():
    account = SimulatedSvea(lambda: NOW, secret="ours")
    adapter = account.provider()
    account.plan("authorise", Fault.SLOW)
    exchange(adapter.authorise(order()), account.handle)
    account.approve(REFERENCE)
    standing = exchange(adapter.status(ask()), account.handle)
    assert (standing.word, standing.action) == (Word.PENDING, None)


def test_all_that_is_needed_is_covered():
    asked = {Operation.AUTHORISE, Operation.CAPTURE, Operation.VOID, Operation.REFUND}
    assert SVEA.capabilities.operations == asked
