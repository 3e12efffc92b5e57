"""Nexi Checkout's adapter and its stand-in, held to the contract, the document and each other."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from tests.specs import FOLDER, _Request, spec
from tests.wire import CHECKS, REFERENCE, answer, decides_on_page, json_values, line, order, talk

from checkoutflow.errors import Contradiction, InvalidInput, NotSupported, UntrustedNotice
from checkoutflow.money import Money
from checkoutflow.payment.books import Books
from checkoutflow.payment.outcomes import (
    Mandate,
    MandateWord,
    Operation,
    Outcome,
    Redirect,
    Result,
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
    Webhook,
)
from checkoutflow.providers.nexi import CODES, EVENTS, MANDATE, METHODS, REFUNDS, Nexi, NexiConfig
from checkoutflow.providers.notices import require_same
from checkoutflow.testing import Clock
from checkoutflow.testing.adapters import AdapterCase, Stage, exchange
from checkoutflow.testing.standins.faults import Fault
from checkoutflow.testing.standins.nexi import SimulatedNexi

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NAME = "00cd0000000000000000000000000001"
DETAILS = {
    "name": "Test Person",
    "email": "customer@shop.example",
    "phone": "+4712345678",
    "street": "Strandgata 1",
    "postal_code": "114 55",
    "city": "Stockholm",
    "country": "SE",
}


# --- the contract ---------------------------------------------------------------------------------


def stage_of(whose="ours", *, takes_at_once=False):
    account = SimulatedNexi(lambda: NOW, secret=whose)

    return Stage(
        provider=account.provider(),
        handler=account.handle,
        customer=decides_on_page(account),
        notice=lambda: account.outbox[-1],
        takes_at_once=takes_at_once,
    )


def case_of(method, amount, details=DETAILS, *, takes_at_once=False):
    return AdapterCase(
        make=partial(stage_of, takes_at_once=takes_at_once),
        foreign=partial(stage_of, "theirs"),
        method=method,
        mandate_method=MANDATE,
        amount=Money.read(amount),
        secrets=("ours-secret-key", "ours-notice-secret-of-32-letters"),
        details=details,
        words={"refund": ("payment", "refunds", 0, "state")},
        signature="header",
        notice_age_s=None,  # no time is proven
    )


CASES = {
    "cards in Denmark": case_of("card", "1234.50 DKK"),
    "Vipps in Norway": case_of("vipps", "99.00 NOK", {"email": "customer@shop.example"}),
    "an invoice in Sweden": case_of("invoice", "250.00 SEK"),
    "Swish in Sweden": case_of("swish", "250.00 SEK", takes_at_once=True),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", CHECKS)
def test_nexi_keeps_the_contract(check, case):
    check(case)


# --- what is asked --------------------------------------------------------------------------------


def config(**changes):
    given = {
        "secret_key": "0123456789abcdef",
        "terms_url": "https://shop.example/terms",
        "notice_url": "https://shop.example/notices/nexi",
        "notice_secret": "made-up-by-the-shop-in-32-letters",
        "is_test": True,
    }
    return NexiConfig.read({**given, **changes})


ADAPTER = Nexi(config())


def books(a=10000, c=0, r=0, x=0):
    return Books(currency="DKK", authorised=a, captured=c, refunded=r, voided=x)


def change(minor=10000, before=None, known: str | None = NAME, **facts):
    return Modification(
        key=f"{REFERENCE}-2",
        merchant_reference=REFERENCE,
        provider_reference=known,
        amount=Money(minor, "DKK"),
        method="card",
        books=before or books(),
        **facts,
    )


def asked(*earlier, minor=10000, known: str | None = NAME):
    return Ask(REFERENCE, known, Money(minor, "DKK"), "card", earlier)


def refunding(minor, reference: str | None = None, outcome: Outcome | None = Outcome.UNKNOWN):
    money = Money(minor, "DKK")
    return Earlier(f"refund-of-{minor}", Operation.REFUND, money, outcome, reference)


def no(code, status=402):
    return answer(status, {"code": code, "message": "no", "source": "internal"})


PAGE = "https://test.checkout.dibspayment.eu/hostedpaymentpage/?checkoutKey=1&pid=2"


def looked(r=0, c=0, f=0, x=0, *, charges=(), refunds=(), **more):
    """A look-up's answer; the letters are the sums, and a zero is left out."""
    names = ("reserved", "charged", "refunded", "cancelled")
    sums = zip(names, (r, c, f, x), strict=True)
    body = {
        "paymentId": NAME,
        "summary": {f"{name}Amount": minor for name, minor in sums if minor},
        "orderDetails": {"amount": 10000, "currency": "DKK", "reference": REFERENCE},
        "checkout": {"url": "", "cancelUrl": None},
        "created": "2026-11-21T12:00:00.1234567+00:00",
        "charges": [
            {"chargeId": name, "amount": minor, "created": f"2026-11-2{day}T12:00:00+00:00"}
            for name, minor, day in charges
        ],
        "refunds": [
            {"refundId": name, "amount": minor, "state": state} for name, minor, state in refunds
        ],
        **more,
    }
    return answer(200, {"payment": body})


ONE = (("charge-1", 10000, 1),)
TWO = (("charge-2", 6000, 2), ("charge-1", 4000, 1))  # in no order

CREATED = answer(201, {"paymentId": NAME, "hostedPaymentPageUrl": PAGE})


def test_a_payment_is_created_with_its_page_in_the_customers_language():
    lines = (line(7000), line(2500, kind="delivery", line_id="parcel"), line(500, kind="fee"))
    wanted = order(lines=lines, details=DETAILS, market="SE", locale="sv_SE")
    result, (sent,) = talk(ADAPTER.authorise(wanted), CREATED)
    action = Redirect(url=f"{PAGE}&language=sv-SE")
    assert result == Result(outcome=Outcome.PENDING, provider_reference=NAME, action=action)
    assert (sent.method, str(sent.url)) == ("POST", "https://test.api.dibspayment.eu/v1/payments")
    assert sent.headers["authorization"] == "0123456789abcdef"
    assert "idempotency-key" not in sent.headers
    body = json.loads(sent.content)
    assert body["order"]["amount"] == 10000
    assert body["order"]["reference"] == REFERENCE
    assert [item["grossTotalAmount"] for item in body["order"]["items"]] == [7000, 2500, 500]
    assert body["order"]["items"][0] == {
        "reference": "mill",
        "name": "Kaffekværn",
        "quantity": 1,
        "unit": "pcs",
        "unitPrice": 5600,
        "taxRate": 2500,
        "taxAmount": 1400,
        "netTotalAmount": 5600,
        "grossTotalAmount": 7000,
    }
    assert body["checkout"] == {
        "integrationType": "HostedPaymentPage",
        "returnUrl": "https://shop.example/return",
        "cancelUrl": "https://shop.example/return",
        "termsUrl": "https://shop.example/terms",
        "charge": False,
        "merchantHandlesConsumerData": True,
        "countryCode": "SWE",
        "consumer": {
            "email": "customer@shop.example",
            "phoneNumber": {"prefix": "+47", "number": "12345678"},
            "privatePerson": {"firstName": "Test", "lastName": "Person"},
            "shippingAddress": {
                "addressLine1": "Strandgata 1",
                "postalCode": "11455",
                "city": "Stockholm",
                "country": "SWE",
            },
        },
    }
    assert body["paymentMethodsConfiguration"] == [{"name": "Card", "enabled": True}]
    assert "myReference" not in body


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("da_DK", "da-DK"),
        ("sv_FI", "sv-SE"),
        ("sv-SE", "sv-SE"),
        ("no_NO", "nb-NO"),
        ("nb_NO", "nb-NO"),
        ("nn_NO", "nb-NO"),
        ("fi_FI", "fi-FI"),
        ("is_IS", "en-GB"),
        ("en_DK", "en-GB"),
    ],
)
def test_the_page_speaks_the_customers_language(locale, language):
    created = answer(201, {"paymentId": NAME, "hostedPaymentPageUrl": "https://pay.example/p"})
    result, _ = talk(ADAPTER.authorise(order(locale=locale)), created)
    assert result.action == Redirect(url=f"https://pay.example/p?language={language}")


@pytest.mark.parametrize(
    ("details", "consumer"),
    [
        ({}, None),
        ({"name": "Prince"}, {"privatePerson": {"firstName": "Prince"}}),
        ({"name": "  "}, None),
        (
            {"name": "A B <C>", "organisation": "Søn & Co"},
            {
                "company": {
                    "name": "Søn   Co",
                    "contact": {"firstName": "A B", "lastName": "C"},
                }
            },
        ),
        ({"organisation": "Co"}, {"company": {"name": "Co"}}),
        ({"phone": "+491701234567"}, None),
        (
            {"phone": "+3544101234"},
            {"phoneNumber": {"prefix": "+354", "number": "4101234"}},
        ),
        ({"street": "Gata 1", "postal_code": "1", "city": "By", "country": "DE"}, None),
        ({"street": "Gata 1", "postal_code": "1", "city": "By"}, None),
    ],
)
def test_the_customer_is_told_as_far_as_it_fits(details, consumer):
    _, (sent,) = talk(ADAPTER.authorise(order(details=details)), CREATED)
    assert json.loads(sent.content)["checkout"].get("consumer") == consumer


def test_what_is_optional_is_left_out_or_sent():
    adapter = Nexi(config(privacy_url="https://shop.example/privacy", is_test=False))
    _, (sent,) = talk(adapter.authorise(order(market="DE")), CREATED)
    assert sent.url.host == "api.dibspayment.eu"
    checkout = json.loads(sent.content)["checkout"]
    assert checkout["merchantTermsUrl"] == "https://shop.example/privacy"
    assert "countryCode" not in checkout


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**7),
            st.integers(1, 999),
            st.sampled_from([0, 600, 1200, 2500, 2550]),
            st.sampled_from(["goods", "digital", "delivery", "fee"]),
            st.text(min_size=1, max_size=200),
        ),
        max_size=20,
    )
)
def test_lines_add_up_to_the_last_oere_and_have_names_that_they_take(rows):
    lines = tuple(line(*row) for row in rows)
    total = sum(row[0] for row in rows) or 1
    _, (sent,) = talk(ADAPTER.authorise(order(total, lines=lines)), CREATED)
    wanted = json.loads(sent.content)["order"]
    assert sum(item["grossTotalAmount"] for item in wanted["items"]) == sum(
        row[0] for row in rows or [(total,)]
    )
    for item in wanted["items"]:
        assert item["unitPrice"] * item["quantity"] == item["netTotalAmount"]
        assert item["netTotalAmount"] + item["taxAmount"] == item["grossTotalAmount"]
        for text in (item["name"], item["reference"]):
            assert 1 <= len(text) <= 128
            assert not set(text) & set("<>\\")


def test_what_cannot_be_priced_by_the_piece_is_one_piece():
    _, (sent,) = talk(ADAPTER.authorise(order(lines=(line(quantity=3),))), CREATED)
    (item,) = json.loads(sent.content)["order"]["items"]
    assert (item["quantity"], item["name"]) == (1, "3 × Kaffekværn")


@pytest.mark.parametrize(
    ("error", "field", "facts"),
    [
        (NotSupported, "method", {"method": "cheque"}),
        (NotSupported, "method", {"method": "Card"}),
        (NotSupported, "currency", {"currency": "ISK"}),
        (InvalidInput, "amount", {"minor": 0}),
        (InvalidInput, "amount", {"minor": 2**31}),
        (InvalidInput, "merchant_reference", {"merchant_reference": ""}),
        (InvalidInput, "merchant_reference", {"merchant_reference": "a" * 21}),
        (InvalidInput, "merchant_reference", {"merchant_reference": "a<b"}),
    ],
)
def test_what_is_beyond_their_limits_is_refused_before_anything_is_sent(error, field, facts):
    with pytest.raises(error) as caught:
        next(ADAPTER.authorise(order(**facts)))
    assert caught.value.field == field


@pytest.mark.parametrize(
    "changes",
    [
        {"secret_key": "with space"},
        {"notice_secret": "s" * 31},
        {"notice_url": "https://shop.example/n?x=1"},
        {"notice_url": "http://shop.example/n"},
        {"notice_url": "https://shop.example/" + "n" * 180},
        {"base_url": "ftp://shop.example"},
        {"terms_url": "terms"},
        {"name": "Nexi"},
    ],
)
def test_settings_that_cannot_work_are_refused(changes):
    with pytest.raises(InvalidInput) as caught:
        config(**changes)
    assert caught.value.field in changes


# --- what comes of it -----------------------------------------------------------------------------

CAPTURED = answer(201, {"chargeId": "charge-1"})
NO_CHARGE: list[object] = [{}, [], {"chargeId": None}, "x"]
INVALID = {"errors": {"amount": ["is wrong"]}}
REFUSALS: list[tuple[Outcome, str, httpx.Response]] = [
    *[(outcome, reason, no(code)) for code, (outcome, reason) in CODES.items()],
    *[(outcome, reason, no(code, 500)) for code, (outcome, reason) in CODES.items()],
    # It is done already, maybe by us; the key was used before; nobody knows.
    *[(Outcome.UNKNOWN, "", no(code)) for code in ("1008", "1019", "1023", "1026", "1027")],
    *[(Outcome.UNKNOWN, "", no(code)) for code in ("1000", "9999", "")],
    (Outcome.REFUSED, "amount_too_high", no("1001", 400)),
    (Outcome.REFUSED, "invalid_request", answer(400, INVALID)),
    (Outcome.REFUSED, "unauthorised", answer(401)),
    (Outcome.REFUSED, "payment_not_found", answer(404)),
    *[(Outcome.UNKNOWN, "", answer(status)) for status in (200, 204, 400, 402, 405, 409, 429, 500)],
    *[(Outcome.UNKNOWN, "", answer(status, INVALID)) for status in (402, 422, 500)],
    *[(Outcome.UNKNOWN, "", answer(201, body)) for body in NO_CHARGE],
]


@pytest.mark.parametrize(("outcome", "reason", "said"), REFUSALS)
def test_a_capture_that_was_not_done(outcome, reason, said):
    result, _ = talk(ADAPTER.capture(change()), said)
    assert result == Result(outcome=outcome, reason=reason)


def test_a_capture_is_done_under_its_key():
    result, (sent, _) = talk(
        ADAPTER.capture(change(4000, lines=(line(4000),))),
        CAPTURED,
        looked(10000, 4000, charges=[("charge-1", 4000, 1)]),
    )
    assert result == Result(outcome=Outcome.SUCCEEDED)
    assert (sent.method, sent.url.path) == ("POST", f"/v1/payments/{NAME}/charges")
    assert sent.headers["idempotency-key"] == f"{REFERENCE}-2"
    body = json.loads(sent.content)
    assert (body["amount"], body["orderItems"][0]["reference"]) == (4000, "mill")


def test_a_part_of_which_nothing_is_known_is_one_line():
    _, (sent, _) = talk(ADAPTER.capture(change(4000)), CAPTURED, answer(429))
    (item,) = json.loads(sent.content)["orderItems"]
    assert (item["reference"], item["grossTotalAmount"], item["taxAmount"]) == (REFERENCE, 4000, 0)


@pytest.mark.parametrize(
    "seen", [answer(429), answer(404), looked(10000), looked(10000, 4000, charges=ONE)]
)
def test_a_capture_that_does_not_show_is_asked_about(seen):
    result, _ = talk(ADAPTER.capture(change(4000)), answer(201, {"chargeId": "charge-9"}), seen)
    assert result == Result(outcome=Outcome.UNKNOWN)


def test_a_capture_of_another_amount_is_asked_about():
    result, _ = talk(ADAPTER.capture(change(4000)), CAPTURED, looked(10000, 10000, charges=ONE))
    assert result == Result(outcome=Outcome.UNKNOWN)


@pytest.mark.parametrize(
    ("before", "minor", "seen", "method", "where", "lines"),
    [
        (books(a=0), 10000, looked(terminated="now"), "PUT", "terminate", None),
        (books(), 10000, looked(10000, x=10000), "POST", "cancels", 0),
        (books(c=4000), 6000, looked(10000, 4000, x=6000), "POST", "cancels", 1),
    ],
)
def test_a_void_ends_the_session_or_releases_what_is_left(
    before, minor, seen, method, where, lines
):
    result, (sent, _) = talk(ADAPTER.void(change(minor, before)), answer(204), seen)
    assert result.outcome is Outcome.SUCCEEDED
    assert (sent.method, sent.url.path) == (method, f"/v1/payments/{NAME}/{where}")
    assert "idempotency-key" not in sent.headers
    if lines is None:
        assert sent.content == b""
    else:
        body = json.loads(sent.content)
        assert (body["amount"], len(body.get("orderItems", ()))) == (minor, lines)


@pytest.mark.parametrize(
    "said",
    [
        [answer(200)],
        [answer(405)],
        [answer(409)],
        [no("1019", 500)],
        [answer(204), answer(429)],
        [answer(204), looked()],
        [answer(204), looked(10000)],
        [answer(204), looked(10000, 4000, x=6000)],
    ],
)
def test_a_void_that_may_not_be_done_is_asked_about(said):
    result, _ = talk(ADAPTER.void(change()), *said)
    assert result.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("operation", ["capture", "void", "refund"])
def test_nothing_is_asked_of_a_payment_without_their_name(operation):
    result, sent = talk(getattr(ADAPTER, operation)(change(known=None)))
    assert (result.outcome, sent) == (Outcome.UNKNOWN, [])


def test_a_payment_without_their_name_cannot_have_been_paid():
    standing, sent = talk(ADAPTER.status(asked(known=None)))
    assert (standing.word, sent) == (Word.NOT_FOUND, [])


@pytest.mark.parametrize(
    ("r", "c", "f", "x", "more", "word"),
    [
        (0, 0, 0, 0, {}, Word.PENDING),
        (0, 0, 0, 0, {"summary": None}, Word.PENDING),
        (0, 0, 0, 0, {"created": "yesterday"}, Word.PENDING),
        (0, 0, 0, 0, {"terminated": "2026-11-21T13:00:00+00:00"}, Word.VOIDED),
        (10000, 0, 0, 0, {}, Word.AUTHORISED),
        (10000, 0, 0, 0, {"terminated": "2026-11-21T13:00:00+00:00"}, Word.AUTHORISED),
        (10000, 4000, 0, 0, {}, Word.AUTHORISED),
        (10000, 4000, 0, 6000, {}, Word.AUTHORISED),
        (10000, 10000, 4000, 0, {}, Word.AUTHORISED),
        (10000, 0, 0, 10000, {}, Word.VOIDED),
        (0, 10000, 0, 0, {}, Word.AUTHORISED),
        (0, 10000, 10000, 0, {}, Word.AUTHORISED),
    ],
)
def test_how_a_payment_stands_is_worked_out_from_the_sums(r, c, f, x, more, word):
    standing, _ = talk(ADAPTER.status(asked()), looked(r, c, f, x, **more))
    assert standing.word is word
    assert standing.authorised.minor == (r or c)
    seen = (standing.captured, standing.refunded, standing.voided)
    assert [money.minor for money in seen] == [c, f, x]
    assert standing.provider_reference == NAME
    assert standing.action is None  # it was told when the payment was created


@pytest.mark.parametrize(
    ("hours", "word"), [(72, Word.PENDING), (73, Word.EXPIRED), (None, Word.PENDING)]
)
def test_the_time_to_pay_ends_a_day_after_the_session(hours, word):
    at = None if hours is None else NOW + timedelta(hours=hours)
    standing, _ = talk(ADAPTER.status(replace(asked(), at=at)), looked())
    assert standing.word is word


@pytest.mark.parametrize(
    "facts",
    [
        {"r": 9999},
        {"r": 10000, "c": 10001},
        {"r": 10000, "c": 6000, "x": 5000},
        {"r": 10000, "c": 4000, "f": 5000},
        {"x": 10000},
        {"paymentId": "another"},
        {"orderDetails": {"amount": 10000, "currency": "DKK", "reference": "another"}},
        {"orderDetails": {"amount": 10000, "currency": "SEK", "reference": REFERENCE}},
        {"orderDetails": {"amount": 10001, "currency": "DKK", "reference": REFERENCE}},
    ],
)
def test_what_cannot_be_true_is_a_contradiction(facts):
    with pytest.raises(Contradiction):
        talk(ADAPTER.status(asked()), looked(**facts))


@pytest.mark.parametrize(
    "said",
    [
        *[answer(status) for status in (200, 401, 404, 429, 500)],
        answer(200, {"payment": {}}),
        looked(summary=[1]),
        looked(summary={"reservedAmount": "10000"}),
        answer(200, {"payment": None}),
    ],
)
def test_what_is_not_readable_is_unclear(said):
    standing, _ = talk(ADAPTER.status(asked()), said)
    assert standing.word is Word.UNCLEAR


@pytest.mark.parametrize(
    "lists",
    [
        {"charges": 7},
        {"refunds": "x"},
        {"charges": [{"chargeId": "x"}]},
        {"refunds": [{"refundId": "x"}]},
    ],
)
def test_lists_that_are_none_prove_nothing(lists):
    said = json.loads(looked(10000).content)["payment"] | lists
    seen = answer(200, {"payment": said})
    assert talk(ADAPTER.capture(change()), CAPTURED, seen)[0].outcome is Outcome.UNKNOWN
    assert talk(ADAPTER.status(asked()), seen)[0].word is Word.UNCLEAR


# --- refunds --------------------------------------------------------------------------------------


def refunded(name="refund-1"):
    return answer(201, {"refundId": name})


@pytest.mark.parametrize(
    ("state", "outcome"),
    [*REFUNDS.items(), ("Pending", Outcome.PENDING), ("New", Outcome.PENDING), ("", None)],
)
def test_a_refund_is_of_a_charge_and_ends_as_a_look_says(state, outcome):
    seen = [("refund-1", 3000, state)] if state else []
    done = 3000 if state == "Completed" else 0
    result, (_, sent, _) = talk(
        ADAPTER.refund(change(3000, books(c=10000))),
        looked(10000, 10000, charges=ONE),
        refunded(),
        looked(10000, 10000, done, charges=ONE, refunds=seen),
    )
    assert result.outcome is (outcome or Outcome.PENDING)
    is_open = result.outcome is Outcome.PENDING
    assert result.operation_reference == ("refund-1" if is_open else None)
    assert sent.url.path == "/v1/charges/charge-1/refunds"
    assert sent.headers["idempotency-key"] == f"{REFERENCE}-2"
    assert json.loads(sent.content)["amount"] == 3000


@pytest.mark.parametrize(
    ("before", "minor", "parts"),
    [
        (0, 4000, [("charge-1", 4000)]),
        (0, 4001, [("charge-1", 4000), ("charge-2", 1)]),
        (1000, 3500, [("charge-1", 3000), ("charge-2", 500)]),
        (4000, 6000, [("charge-2", 6000)]),
        (9999, 1, [("charge-2", 1)]),
        (9999, 2, []),
    ],
)
def test_refunds_fill_the_charges_from_the_oldest_on(before, minor, parts):
    names = [f"refund-{number}" for number in range(len(parts))]
    made = list(zip(names, [part for _, part in parts], ["Completed"] * len(parts), strict=True))
    earlier = [("refund-before", before, "Completed")] if before else []
    result, sent = talk(
        ADAPTER.refund(change(minor, books(c=10000, r=before))),
        looked(10000, 10000, before, charges=TWO, refunds=earlier),
        *[refunded(name) for name in names],
        looked(10000, 10000, before + minor, charges=TWO, refunds=[*earlier, *made]),
    )
    posts = [request for request in sent if request.method == "POST"]
    told = [json.loads(request.content)["amount"] for request in posts]
    where = [request.url.path.split("/")[3] for request in posts]
    assert list(zip(where, told, strict=True)) == parts
    assert len({request.headers["idempotency-key"] for request in posts}) == len(parts)
    assert result.outcome is (Outcome.SUCCEEDED if parts else Outcome.REFUSED)


def test_a_refund_in_parts_of_which_one_is_refused_may_have_moved_money():
    first = looked(10000, 10000, charges=TWO)
    result, _ = talk(ADAPTER.refund(change(5000, books(c=10000))), first, refunded(), answer(401))
    assert result.outcome is Outcome.UNKNOWN
    result, _ = talk(ADAPTER.refund(change(5000, books(c=10000))), first, answer(401))
    assert result.outcome is Outcome.REFUSED


def test_parts_of_a_refund_that_do_not_end_alike_stay_open():
    seen = [("refund-1", 4000, "Completed"), ("refund-2", 1000, "Failed")]
    result, _ = talk(
        ADAPTER.refund(change(5000, books(c=10000))),
        looked(10000, 10000, charges=TWO),
        refunded("refund-1"),
        refunded("refund-2"),
        looked(10000, 10000, 4000, charges=TWO, refunds=seen),
    )
    assert (result.outcome, result.operation_reference) == (Outcome.PENDING, "refund-1+refund-2")
    standing, _ = talk(
        ADAPTER.status(asked(refunding(5000, "refund-1+refund-2", Outcome.PENDING))),
        looked(10000, 10000, 4000, charges=TWO, refunds=seen),
    )
    assert (standing.refunded.minor, standing.operations) == (4000, ())


def test_a_refund_is_taken_in_when_the_look_after_it_fails():
    first = looked(10000, 10000, charges=ONE)
    result, _ = talk(ADAPTER.refund(change(10000, books(c=10000))), first, refunded(), answer(429))
    assert (result.outcome, result.operation_reference) == (Outcome.PENDING, "refund-1")


def test_a_refund_of_another_amount_stays_open():
    seen = looked(10000, 10000, 2000, refunds=[("refund-1", 2000, "Completed")])
    first = looked(10000, 10000, charges=ONE)
    result, _ = talk(ADAPTER.refund(change(3000, books(c=10000))), first, refunded(), seen)
    assert result.outcome is Outcome.PENDING
    ask = asked(refunding(3000, "refund-1", Outcome.PENDING))
    assert talk(ADAPTER.status(ask), seen)[0].operations == ()


def test_without_a_look_nothing_is_refunded():
    result, sent = talk(ADAPTER.refund(change(3000, books(c=10000))), answer(429))
    assert (result.outcome, len(sent)) == (Outcome.UNKNOWN, 1)


@pytest.mark.parametrize(
    ("told", "refunds", "counted"),
    [
        (3000, [], 3000),
        (3000, [("one", 3000, "Completed")], 3000),
        (3000, [("one", 3000, "Pending")], None),  # the sum may hold what waits
        (0, [("one", 3000, "Pending")], None),  # or not
        (0, [("one", 3000, "Failed")], 0),
        (3000, [("one", 3000, "Failed")], None),
        (0, [("one", 3000, "Completed")], None),
        (5000, [("one", 3000, "Completed"), ("two", 1000, "Pending")], None),
        (4000, [("one", 3000, "Completed"), ("two", 1000, "Pending")], None),
    ],
)
def test_refunds_count_once_none_waits_and_the_sum_agrees(told, refunds, counted):
    said = looked(10000, 10000, told, refunds=refunds)
    standing, _ = talk(ADAPTER.status(asked()), said)
    assert (standing.word is Word.UNCLEAR) == (counted is None)
    assert standing.refunded.minor == (counted or 0)


@pytest.mark.parametrize(
    ("state", "done", "outcome"),
    [
        ("Completed", 3000, Outcome.SUCCEEDED),
        ("Failed", 0, Outcome.DECLINED),
        ("Cancelled", 0, Outcome.DECLINED),
        ("Expired", 0, Outcome.DECLINED),
        ("Pending", 0, None),
    ],
)
def test_a_refund_that_waited_is_found_by_their_name_for_it(state, done, outcome):
    said = looked(10000, 10000, done, refunds=[("one", 3000, state)])
    standing, _ = talk(ADAPTER.status(asked(refunding(3000, "one", Outcome.PENDING))), said)
    found = {item.key: item.outcome for item in standing.operations}
    assert found == ({"refund-of-3000": outcome} if outcome else {})


# --- mandates -------------------------------------------------------------------------------------

MANDATE_REFERENCE = "m" * 20
TOKEN = "5b000000000000000000000000000005"
STORED = {"unscheduledSubscriptionId": TOKEN, "paymentDetails": {"cardDetails": {"maskedPan": "4"}}}
TAKEN = answer(200, {"paymentId": NAME, "chargeId": "charge-1"})


def agreeing(**facts):
    facts = {
        "key": f"{MANDATE_REFERENCE}-1",
        "merchant_reference": MANDATE_REFERENCE,
        "method": MANDATE,
        "title": "Kaffe hver måned",
        "maximum": Money(50000, "DKK"),
        "return_url": "https://shop.example/return",
        "locale": "da_DK",
        "market": "DK",
        "customer": "consumer",
        **facts,
    }
    return Agree(**facts)


def charging(**facts):
    facts = {
        "key": f"{REFERENCE}-1",
        "merchant_reference": REFERENCE,
        "mandate": MANDATE_REFERENCE,
        "token": Secret(TOKEN),
        "method": MANDATE,
        "amount": Money(10000, "DKK"),
        "title": "Kaffe i marts",
        "locale": "da_DK",
        "market": "DK",
        "customer": "consumer",
        **facts,
    }
    return Charge(**facts)


def agreed(order=None, **more):
    """A look-up of the payment that an agreement made."""
    _, (sent,) = talk(ADAPTER.agree(order or agreeing()), CREATED)
    body = json.loads(sent.content)
    details = {name: body["order"][name] for name in ("amount", "currency", "reference")}
    return looked(**{"orderDetails": details, "myReference": body["myReference"], **more})


def stored(token=TOKEN):
    return agreed(unscheduledSubscription={"unscheduledSubscriptionId": token})


def mandate_asked(known: str | None = NAME, hours=0):
    return MandateAsk(MANDATE_REFERENCE, known, MANDATE, at=NOW + timedelta(hours=hours))


def test_a_card_is_stored_on_a_page_for_nothing():
    result, (sent,) = talk(ADAPTER.agree(agreeing(details=DETAILS)), CREATED)
    assert (result.outcome, result.provider_reference) == (Outcome.PENDING, NAME)
    assert result.action == Redirect(url=f"{PAGE}&language=da-DK")
    body = json.loads(sent.content)
    assert body["unscheduledSubscription"] == {"create": True}
    assert body["paymentMethodsConfiguration"] == [{"name": "Card", "enabled": True}]
    (item,) = body["order"]["items"]
    assert (body["order"]["amount"], item["name"]) == (0, "Kaffe hver måned")
    assert body["myReference"] == MANDATE_REFERENCE


def test_a_first_payment_is_reserved_with_the_mandate():
    first = charging(token=None, lines=(line(10000),))
    wanted = agreeing(first=first)
    _, (sent,) = talk(ADAPTER.agree(wanted), CREATED)
    body = json.loads(sent.content)
    assert (body["order"]["amount"], body["order"]["reference"]) == (10000, REFERENCE)
    assert body["checkout"]["charge"] is False
    assert MANDATE_REFERENCE in body["notifications"]["webHooks"][0]["url"]
    seen = agreed(wanted, unscheduledSubscription={"unscheduledSubscriptionId": TOKEN})
    found, _ = talk(ADAPTER.mandate(mandate_asked()), seen, answer(200, STORED))
    assert found.word is MandateWord.ACTIVE


@pytest.mark.parametrize(
    ("error", "field", "operation"),
    [
        (NotSupported, "method", ADAPTER.agree(agreeing(method="card"))),
        (NotSupported, "currency", ADAPTER.agree(agreeing(maximum=Money(1, "ISK")))),
        (InvalidInput, "merchant_reference", ADAPTER.agree(agreeing(merchant_reference="a b"))),
        (InvalidInput, "amount", ADAPTER.agree(agreeing(first=charging(amount=Money(0, "DKK"))))),
        (NotSupported, "method", ADAPTER.charge(charging(method="card"))),
        (InvalidInput, "amount", ADAPTER.charge(charging(amount=Money(0, "DKK")))),
        (InvalidInput, "token", ADAPTER.charge(charging(token=None))),
    ],
)
def test_a_mandate_beyond_their_limits_is_refused_before_anything_is_sent(error, field, operation):
    with pytest.raises(error) as caught:
        next(operation)
    assert caught.value.field == field


def test_a_mandate_has_no_end_but_to_forget_it():
    with pytest.raises(NotSupported, match="stored_card"):
        ADAPTER.end_mandate(mandate_asked())


def test_a_mandate_that_shows_a_card_can_be_charged():
    found, (_, sent) = talk(ADAPTER.mandate(mandate_asked()), stored(), answer(200, STORED))
    assert found == Mandate(word=MandateWord.ACTIVE, token=Secret(TOKEN))
    assert (sent.method, sent.url.path) == ("GET", f"/v1/unscheduledsubscriptions/{TOKEN}")
    assert TOKEN not in repr(found)


@pytest.mark.parametrize(
    ("hours", "said", "word", "reason"),
    [
        (0, [agreed()], MandateWord.PENDING, ""),
        (0, [agreed(unscheduledSubscription={})], MandateWord.PENDING, ""),
        (73, [agreed()], MandateWord.DECLINED, "expired"),
        (0, [agreed(terminated="2026-11-21T13:00:00+00:00")], MandateWord.DECLINED, ""),
        (
            0,
            [stored(), answer(200, {**STORED, "paymentDetails": {"cardDetails": {}}})],
            MandateWord.PENDING,
            "",
        ),
        (0, [stored(), answer(200, {**STORED, "paymentDetails": {}})], MandateWord.PENDING, ""),
        (0, [stored(), answer(404)], MandateWord.UNCLEAR, ""),
        (
            0,
            [stored(), answer(200, STORED | {"unscheduledSubscriptionId": "x"})],
            MandateWord.UNCLEAR,
            "",
        ),
        (73, [stored(), answer(500)], MandateWord.UNCLEAR, ""),
        (0, [stored(), answer(200, {})], MandateWord.UNCLEAR, ""),
        (0, [stored("../x")], MandateWord.UNCLEAR, ""),
        (0, [agreed(orderDetails=[])], MandateWord.UNCLEAR, ""),
        (0, [answer(404)], MandateWord.UNCLEAR, ""),
    ],
)
def test_a_mandate_that_shows_no_card_gives_no_token(hours, said, word, reason):
    found, _ = talk(ADAPTER.mandate(mandate_asked(hours=hours)), *said)
    assert (found.word, found.reason, found.token) == (word, reason, None)


def test_a_mandate_without_their_name_cannot_have_been_given():
    found, sent = talk(ADAPTER.mandate(mandate_asked(known=None)))
    assert (found.word, sent) == (MandateWord.NOT_FOUND, [])


@pytest.mark.parametrize(
    "payment",
    [
        {"paymentId": "another"},
        {"myReference": "another"},
        {"orderDetails": {"amount": 0, "currency": "SEK", "reference": MANDATE_REFERENCE}},
    ],
)
def test_what_is_about_another_mandate_is_a_contradiction(payment):
    said = json.loads(stored().content)["payment"] | payment
    ask = replace(mandate_asked(), maximum=Money(50000, "DKK"))
    with pytest.raises(Contradiction):
        talk(ADAPTER.mandate(ask), answer(200, {"payment": said}))


def test_a_charge_takes_the_money_under_its_key():
    seen = looked(10000, 10000, charges=ONE)
    result, (sent, _) = talk(ADAPTER.charge(charging()), TAKEN, seen)
    assert result == Result(outcome=Outcome.SUCCEEDED, provider_reference=NAME, is_taken=True)
    assert sent.url.path == f"/v1/unscheduledsubscriptions/{TOKEN}/charges"
    assert sent.headers["idempotency-key"] == f"{REFERENCE}-1"
    body = json.loads(sent.content)
    assert (body["order"]["amount"], body["order"]["reference"]) == (10000, REFERENCE)
    assert body["order"]["items"][0]["name"] == "Kaffe i marts"
    assert f"payment={REFERENCE}&" in body["notifications"]["webHooks"][0]["url"]


@pytest.mark.parametrize("seen", [answer(429), answer(404), looked(), looked(10000)])
def test_a_charge_that_does_not_show_yet_is_waited_for(seen):
    result, _ = talk(ADAPTER.charge(charging()), TAKEN, seen)
    assert result == Result(outcome=Outcome.PENDING, provider_reference=NAME)


def test_a_charge_of_another_amount_is_a_contradiction():
    seen = looked(5000, 5000, orderDetails={"amount": 5000, "currency": "DKK", "reference": "x"})
    with pytest.raises(Contradiction):
        talk(ADAPTER.charge(charging()), TAKEN, seen)


def settled(completed):
    return answer(200, {"paymentId": NAME, "chargeId": "charge-1", "completed": completed})


NOTHING, WAITS, DONE, LOST = answer(404), settled(False), settled(True), answer(401)


@pytest.mark.parametrize(
    ("said", "known", "outcome", "reason"),
    [
        # A "no" counts if nothing was taken under the key.
        (no("1029"), NOTHING, Outcome.DECLINED, "declined_for_good"),
        (no("1030"), WAITS, Outcome.REFUSED, "mandate_expired"),
        (no("99"), NOTHING, Outcome.DECLINED, "declined"),
        (answer(402), WAITS, Outcome.DECLINED, "declined"),
        (answer(404), NOTHING, Outcome.REFUSED, "mandate_not_found"),
        (answer(400, INVALID), NOTHING, Outcome.REFUSED, "invalid_request"),
        # What was taken, or is under way, is found by its name from then on.
        (no("1026"), DONE, Outcome.PENDING, ""),
        (answer(402), DONE, Outcome.PENDING, ""),
        (answer(409), DONE, Outcome.PENDING, ""),
        (answer(500), WAITS, Outcome.PENDING, ""),
        # Nothing is proven.
        (answer(409), NOTHING, Outcome.UNKNOWN, ""),
        (answer(500), NOTHING, Outcome.UNKNOWN, ""),
        (answer(401), LOST, Outcome.UNKNOWN, ""),
        (no("1029"), LOST, Outcome.UNKNOWN, ""),
        (answer(200, {}), answer(200, {"completed": True}), Outcome.UNKNOWN, ""),
        (answer(200, {}), settled("yes"), Outcome.UNKNOWN, ""),
        (answer(200, {}), answer(200, {"completed": True, "paymentId": "/"}), Outcome.UNKNOWN, ""),
    ],
)
def test_a_charge_in_doubt_is_looked_up_by_its_key(said, known, outcome, reason):
    result, (first, second) = talk(ADAPTER.charge(charging()), said, known)
    assert (result.outcome, result.reason) == (outcome, reason)
    assert result.provider_reference == (NAME if outcome is Outcome.PENDING else None)
    assert second.url.path == f"{first.url.path}/status"
    assert second.headers["idempotency-key"] == first.headers["idempotency-key"]


def test_a_charge_without_their_name_may_have_been_made():
    ask = replace(asked(known=None), method=MANDATE)
    standing, sent = talk(ADAPTER.status(ask))
    assert (standing.word, sent) == (Word.UNCLEAR, [])


# --- arbitrary answers ----------------------------------------------------------------------------

JSON = json_values(["payment", "summary", "paymentId", "code", "errors", "checkout"])


@given(st.sampled_from([200, 201, 202, 204, 400, 402, 404, 500]), JSON)
def test_arbitrary_answers_never_succeed_and_never_crash(status, body):
    said = answer(status, body)
    for operation in (
        ADAPTER.authorise(order()),
        ADAPTER.capture(change()),
        ADAPTER.void(change()),
        ADAPTER.refund(change(before=books(c=10000))),
        ADAPTER.agree(agreeing()),
        ADAPTER.charge(charging()),
    ):
        result, _ = talk(operation, said, said, said)
        assert result.outcome not in {Outcome.SUCCEEDED, Outcome.PENDING}
    standing, _ = talk(ADAPTER.status(asked()), said)
    assert standing.word is Word.UNCLEAR
    found, _ = talk(ADAPTER.mandate(mandate_asked()), said)
    assert found.word is MandateWord.UNCLEAR


# --- notices --------------------------------------------------------------------------------------


def hooks():
    _, (sent,) = talk(ADAPTER.authorise(order()), CREATED)
    return json.loads(sent.content)["notifications"]["webHooks"]


def notice(body=None, word="", query=""):
    """A notice as they would send it, with what the payment was created with."""
    hook = hooks()[0]
    content = body or {"id": "event-1", "event": EVENTS[0], "data": {"paymentId": NAME}}
    return Webhook(
        headers={"Authorization": word or hook["authorization"]},
        body=json.dumps(content).encode(),
        query=query or hook["url"].partition("?")[2],
        now_s=NOW.timestamp(),
    )


def test_each_payment_asks_for_its_notices_at_an_address_of_its_own():
    assert [hook["eventName"] for hook in hooks()] == list(EVENTS)
    assert len({event.removesuffix(".v2") for event in EVENTS}) == len(EVENTS)
    for hook in hooks():
        assert hook["url"].startswith(f"https://shop.example/notices/nexi?payment={REFERENCE}&")
        assert len(hook["url"]) <= 256
        assert hook["authorization"].isalnum()
        assert 8 <= len(hook["authorization"]) <= 32
        assert hook["authorization"] not in hook["url"]


def test_a_notice_names_the_payment_that_its_address_was_made_for():
    (found,) = ADAPTER.read_notices(notice())
    assert (found.id, found.merchant_reference, found.kind, found.heard) == (
        "event-1",
        REFERENCE,
        "payment.checkout.completed",
        None,
    )


@pytest.mark.parametrize(
    "forged",
    ["Bearer {word}", "{word} ", "{word:.31}", "{upper}", "A1b2C3d4E5f6G7h8J9k0", "0" * 32],
)
def test_a_notice_with_another_word_is_untrusted(forged):
    word = hooks()[0]["authorization"]
    assert word != word.upper()
    with pytest.raises(UntrustedNotice, match="the proof"):
        ADAPTER.read_notices(notice(word=forged.format(word=word, upper=word.upper())))


@pytest.mark.parametrize(
    "theirs", ["Bearer A1b2C3d4E5f6G7h8J9k0", "a1b2c3d4e5f6g7h8j9k0", "A1b2C3d4E5f6G7h8J9k", ""]
)
def test_a_word_is_compared_to_the_letter(theirs):
    ours = "A1b2C3d4E5f6G7h8J9k0"
    require_same(ours, ours)
    with pytest.raises(UntrustedNotice):
        require_same(ours, theirs)


def test_a_notice_without_a_word_or_address_is_untrusted():
    genuine = notice()
    for broken in (
        replace(genuine, headers={}),
        replace(genuine, query=""),
        replace(genuine, query=genuine.query.replace(REFERENCE, "b" * 20)),
        replace(genuine, query=genuine.query[:-1]),
        replace(genuine, query=f"{genuine.query}&payment={REFERENCE}"),
    ):
        with pytest.raises(UntrustedNotice):
            ADAPTER.read_notices(broken)


def test_the_word_of_one_payment_proves_nothing_about_another():
    other = order(merchant_reference="b" * 20)
    _, (sent,) = talk(ADAPTER.authorise(other), CREATED)
    query = json.loads(sent.content)["notifications"]["webHooks"][0]["url"].partition("?")[2]
    with pytest.raises(UntrustedNotice, match="the proof"):
        ADAPTER.read_notices(notice(query=query))


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"id": "x"},
        {"id": 7, "event": "e", "data": {"paymentId": "x"}},
        {"id": "x", "event": "e e", "data": {"paymentId": "x"}},
        {"id": "x", "event": "e", "data": {}},
    ],
)
def test_what_is_proven_must_still_be_a_notice(body):
    with pytest.raises(UntrustedNotice):
        ADAPTER.read_notices(notice(body or [1]))


# --- what the two say to each other is what the provider publishes --------------------------------

NEEDED = {
    ("post", "/v1/payments"),
    ("get", "/v1/payments/{paymentId}"),
    ("put", "/v1/payments/{paymentId}/terminate"),
    ("post", "/v1/payments/{paymentId}/charges"),
    ("post", "/v1/payments/{paymentId}/cancels"),
    ("post", "/v1/charges/{chargeId}/refunds"),
    ("get", "/v1/unscheduledsubscriptions/{unscheduledSubscriptionId}"),
    ("post", "/v1/unscheduledsubscriptions/{unscheduledSubscriptionId}/charges"),
    ("get", "/v1/unscheduledsubscriptions/{unscheduledSubscriptionId}/charges/status"),
}
NAMED = {
    "payments": "{paymentId}",
    "charges": "{chargeId}",
    "unscheduledsubscriptions": "{unscheduledSubscriptionId}",
}


def template(request):
    """An operation of the document, which has no names for them."""
    parts = request.url.path.split("/")
    parts[3:4] = [NAMED[parts[2]]] * len(parts[3:4])
    return request.method.lower(), "/".join(parts)


class Overheard:
    """An account where everything that is said is held against the document."""

    def __init__(self):
        self.account = SimulatedNexi(lambda: NOW)
        self.adapter = self.account.provider()
        self.document = spec("nexi", "payment-api-v1.openapi.json", closed=True)
        self.said = set()
        self.refused = []

    def __call__(self, request):
        response = self.account.handle(request)
        # The document has no names for its operations, so `Spec.operation` cannot be asked.
        self.document.openapi.validate_request(_Request(request))
        self.document.validate(request, response)
        self.said.add(template(request))
        if response.status_code >= 400:
            self.refused.append(response.status_code)
        return response

    def run(self, operation):
        return exchange(operation, self)


def test_every_word_between_them_is_in_the_providers_own_document():
    world = Overheard()
    lines = (line(7000, 2), line(3000, kind="delivery", line_id="parcel"))
    made = world.run(world.adapter.authorise(order(lines=lines, details=DETAILS)))
    ask = asked(known=made.provider_reference)
    known = {"known": made.provider_reference}
    assert world.run(world.adapter.status(ask)).word is Word.PENDING
    world.account.approve(REFERENCE)
    capture = change(4000, lines=(line(4000),), **known)
    assert world.run(world.adapter.capture(capture)).outcome is Outcome.SUCCEEDED
    second = replace(change(3000, books(c=4000), **known), key="second")
    assert world.run(world.adapter.capture(second)).outcome is Outcome.SUCCEEDED
    too_much = replace(change(4000, books(c=7000), **known), key="too-much")
    assert world.run(world.adapter.capture(too_much)).reason == "amount_too_high"
    refund = replace(change(5000, books(c=7000), **known), key="back")
    assert world.run(world.adapter.refund(refund)).outcome is Outcome.SUCCEEDED
    rest = change(3000, books(c=7000, r=5000), **known)
    assert world.run(world.adapter.void(rest)).outcome is Outcome.SUCCEEDED
    standing = world.run(world.adapter.status(ask))
    assert (standing.captured.minor, standing.refunded.minor, standing.voided.minor) == (
        7000,
        5000,
        3000,
    )
    other = order(merchant_reference="b" * 20)
    made = world.run(world.adapter.authorise(other))
    dropped = replace(change(before=books(a=0)), merchant_reference="b" * 20)
    dropped = replace(dropped, provider_reference=made.provider_reference)
    assert world.run(world.adapter.void(dropped)).outcome is Outcome.SUCCEEDED
    assert world.run(world.adapter.void(dropped)).outcome is Outcome.UNKNOWN
    agreement = agreeing(details=DETAILS)
    made = world.run(world.adapter.agree(agreement))
    world.account.approve_mandate(MANDATE_REFERENCE)
    question = mandate_asked(known=made.provider_reference)
    token = world.run(world.adapter.mandate(question)).token
    monthly = charging(merchant_reference="c" * 20, key="monthly", token=token)
    taken = world.run(world.adapter.charge(monthly))
    assert (taken.outcome, taken.is_taken) == (Outcome.SUCCEEDED, True)
    assert world.run(world.adapter.charge(monthly)) == taken
    world.account.plan("authorise", Fault.DECLINE)
    declined = charging(merchant_reference="d" * 20, key="declined", token=token)
    assert world.run(world.adapter.charge(declined)).outcome is Outcome.DECLINED
    print(f"nexi: {len(world.said)} of {len(NEEDED)} operations covered")  # noqa: T201 -- a figure
    assert world.said == NEEDED
    assert world.refused == [402, 405, 402]
    schema = json.loads((FOLDER / "nexi" / "webhook.schema.json").read_text(encoding="utf-8"))
    told = [json.loads(hook.body) for hook in world.account.outbox]
    assert [body["event"] for body in told] == [
        "payment.reservation.created.v2",
        "payment.charge.created.v2",
        "payment.charge.created.v2",
        "payment.refund.completed",
        "payment.refund.completed",
        "payment.cancel.created",
        "payment.checkout.completed",
        "payment.reservation.created.v2",
        "payment.charge.created.v2",
    ]
    for body in told:
        Draft202012Validator(schema).validate(body)


def test_a_failed_refund_is_told_as_the_schema_has_it():
    world = Overheard()
    made = world.run(world.adapter.authorise(order()))
    world.account.approve(REFERENCE)
    known = {"known": made.provider_reference}
    world.run(world.adapter.capture(change(**known)))
    refund = replace(change(before=books(c=10000), **known), key="back")
    world.run(world.adapter.refund(refund))
    world.account.take_back(REFERENCE, "back")
    schema = json.loads((FOLDER / "nexi" / "webhook.schema.json").read_text(encoding="utf-8"))
    body = json.loads(world.account.outbox[-1].body)
    Draft202012Validator(schema).validate(body)
    assert (body["event"], body["data"]["error"]["code"]) == ("payment.refund.failed", "1020")


def test_every_name_of_a_method_is_in_the_document():
    document = spec("nexi", "payment-api-v1.openapi.json").openapi.spec.read_value()
    schema = document["components"]["schemas"]["PaymentMethodConfiguration"]
    assert set(METHODS.values()) == set(schema["properties"]["name"]["enum"])


# --- the stand-in ---------------------------------------------------------------------------------


def post(account, path, body, method="POST", **headers):
    headers = {"authorization": "simulated-secret-key", "idempotency-key": "key", **headers}
    url = f"https://test.api.dibspayment.eu{path}"
    return account.handle(httpx.Request(method, url, json=body, headers=headers))


def creation(**changes):
    _, (sent,) = talk(ADAPTER.authorise(order(lines=(line(quantity=2),))), CREATED)
    body = json.loads(sent.content)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = body
        for parent in parents:
            place = place[int(parent) if parent.isdigit() else parent]
        place[last] = value
    return body


FREE = dict.fromkeys(("reference", "name", "unit"), "card") | dict.fromkeys(
    ("quantity", "unitPrice", "netTotalAmount", "grossTotalAmount"), 0
)
NOTHING_TO_PAY = {"amount": 0, "currency": "DKK", "reference": REFERENCE, "items": [FREE]}


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 201),
        ({"order": NOTHING_TO_PAY}, 400),
        ({"order": NOTHING_TO_PAY, "unscheduledSubscription": {"create": True}}, 201),
        ({"order__amount": 9999}, 400),
        ({"order__items": []}, 400),
        ({"order__items__0__unitPrice": 1}, 400),
        ({"order__items__0__taxRate": 100_000}, 400),
        ({"order__items__0__name": "<b>"}, 400),
        ({"order__currency": "ISK"}, 400),
        ({"order__unknown": 1}, 400),
        ({"checkout__integrationType": "hostedpaymentpage"}, 400),
        ({"checkout__countryCode": "DK"}, 400),
        ({"myReference": "x" * 37}, 400),
        ({"notifications__webHooks__0__authorization": "no-dashes"}, 400),
        ({"notifications__webHooks__0__url": "https://shop.example/" + "n" * 256}, 400),
        ({"paymentMethodsConfiguration": [{"name": "Cheque"}]}, 400),
    ],
)
def test_the_stand_in_refuses_what_the_document_refuses(changes, status):
    account = SimulatedNexi(lambda: NOW)
    assert post(account, "/v1/payments", creation(**changes)).status_code == status


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, {"authorization": "Bearer simulated-secret-key"}),
        (415, {"content-type": "text/plain"}),
    ],
)
def test_the_stand_in_refuses_a_wrong_key_and_what_is_no_json(status, said):
    assert (
        post(SimulatedNexi(lambda: NOW), "/v1/payments", creation(), **said).status_code == status
    )


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/payments/{}/charges", {"amount": 10000}, 201, None),
        ("/v1/payments/{}/charges", {"amount": 4000}, 400, "1015"),
        ("/v1/payments/{}/charges", {"amount": 10001}, 402, "1001"),
        ("/v1/payments/{}/cancels", {"amount": 10001}, 500, "1007"),
        ("/v1/payments/{}/cancels", {"amount": 10000}, 204, None),
        ("/v1/payments/{}/nothing", {}, 404, None),
        ("/v1/payments/another/charges", {"amount": 1}, 404, None),
        ("/v1/charges/{}/refunds", {"amount": 1}, 404, None),
    ],
)
def test_the_stand_in_refuses_what_the_money_does_not_allow(path, body, status, code):
    account = SimulatedNexi(lambda: NOW)
    name = post(account, "/v1/payments", creation()).json()["paymentId"]
    account.approve(REFERENCE)
    said = post(account, path.format(name), body)
    assert said.status_code == status
    assert not code or said.json()["code"] == code


def test_the_stand_in_keeps_keys_charges_and_states():
    account = SimulatedNexi(lambda: NOW)
    name = post(account, "/v1/payments", creation()).json()["paymentId"]
    charges, cancels = f"/v1/payments/{name}/charges", f"/v1/payments/{name}/cancels"
    assert post(account, charges, {"amount": 10000}).json()["code"] == "1003"
    assert post(account, cancels, {"amount": 10000}).status_code == 405
    account.approve(REFERENCE)
    assert post(account, f"/v1/payments/{name}/terminate", None, "PUT").status_code == 405
    key = {"idempotency-key": "other"}
    charge = post(account, charges, {"amount": 10000}, **key).json()["chargeId"]
    assert post(account, charges, {"amount": 10000}, **key).json()["chargeId"] == charge
    assert post(account, charges, {"amount": 9999}, **key).json()["code"] == "1026"
    assert post(account, cancels, {"amount": 10000}).json()["code"] == "1019"
    refunds = f"/v1/charges/{charge}/refunds"
    assert post(account, refunds, {"amount": 10001}, **{"idempotency-key": "a"}).json()["code"] == (
        "1009"
    )
    assert post(account, refunds, {"amount": 1}, **{"idempotency-key": ""}).status_code == 400
    assert post(account, charges, {"amount": 1}, **{"idempotency-key": "x" * 65}).status_code == 400


def test_a_stored_card_is_charged_until_its_mandate_ends():
    clock = Clock()
    account = SimulatedNexi(clock)
    adapter = account.provider()

    def run(operation):
        return exchange(operation, account.handle)

    def token_of(reference, **facts):
        made = run(adapter.agree(agreeing(merchant_reference=reference, **facts)))
        account.approve_mandate(reference)
        question = replace(mandate_asked(made.provider_reference), merchant_reference=reference)
        return run(adapter.mandate(question)).token, made.provider_reference

    def charge(letter, token):
        order = charging(key=letter, merchant_reference=letter * 20, token=token)
        return run(adapter.charge(order))

    def look(letter, known):
        ask = replace(asked(known=known), merchant_reference=letter * 20, method=MANDATE)
        return run(adapter.status(ask))

    first = charging(merchant_reference="f" * 20, token=None)
    token, known = token_of("n" * 20, first=first)
    assert look("f", known).authorised == Money(10000, "DKK")
    assert look("f", known).captured == Money(0, "DKK")
    token, _ = token_of(MANDATE_REFERENCE)
    account.plan("authorise", Fault.SLOW, after_s=60)
    slow = charge("a", token)
    assert (slow.outcome, look("a", slow.provider_reference).word) == (
        Outcome.PENDING,
        Word.PENDING,
    )
    clock.advance(minutes=2)
    assert look("a", slow.provider_reference).captured == Money(10000, "DKK")
    account.plan("authorise", Fault.ERROR_AFTER)
    lost = charge("b", token)
    assert look("b", lost.provider_reference).captured == Money(10000, "DKK")
    assert charge("c", Secret("another")).reason == "mandate_not_found"
    account.end_mandate(MANDATE_REFERENCE)
    assert charge("d", token) == Result(outcome=Outcome.REFUSED, reason="mandate_not_found")
    assert sum(account.taken(reference) for reference in account.references) == 20000


def test_the_thirty_first_look_in_an_hour_is_refused():
    clock = Clock()
    account = SimulatedNexi(clock)
    made = exchange(account.provider().authorise(order()), account.handle)
    ask = asked(known=made.provider_reference)

    def word():
        return exchange(account.provider().status(ask), account.handle).word

    assert [word() for _ in range(30)] == [Word.PENDING] * 30
    assert word() is Word.UNCLEAR
    clock.advance(hours=1)
    assert word() is Word.PENDING


def test_a_session_that_nobody_paid_is_over_in_the_end():
    clock = Clock()
    account = SimulatedNexi(clock)
    made = exchange(account.provider().authorise(order()), account.handle)
    clock.advance(hours=73)
    ask = replace(asked(known=made.provider_reference), at=clock())
    assert exchange(account.provider().status(ask), account.handle).word is Word.EXPIRED
    assert account.outbox == []
