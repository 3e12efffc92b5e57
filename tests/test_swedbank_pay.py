"""Swedbank Pay's adapter and its stand-in, against the provider's fields and against each other."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # has none
from tests.deals import Deal
from tests.wire import CHECKS, bodies, decides_on_page, json_values, talk

from checkoutflow.errors import (
    Contradiction,
    InvalidInput,
    NotSupported,
    TransportError,
    UntrustedNotice,
)
from checkoutflow.money import Money
from checkoutflow.payment.books import Books, Posting
from checkoutflow.payment.outcomes import MandateWord, Operation, Outcome, Redirect, Word
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.contract import (
    Agree,
    Ask,
    Authorise,
    Charge,
    Earlier,
    MandateAsk,
    Modification,
    OrderLine,
    Webhook,
)
from checkoutflow.providers.notices import address_for
from checkoutflow.providers.swedbank_pay import (
    CAPABILITIES,
    ERRORS,
    MANDATE,
    METHODS,
    PROBLEMS,
    WORDS,
    SwedbankPay,
    SwedbankPayConfig,
    payee_reference,
)
from checkoutflow.testing.adapters import (
    AdapterCase,
    Stage,
    exchange,
)
from checkoutflow.testing.standins.faults import Fault
from checkoutflow.testing.standins.swedbank_pay import SimulatedSwedbankPay

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
OURS = "abcdefghijklmnop2345"
THEIRS = "5adc265f-f87f-4313-577e-08d3dca1a26c"
WHERE = f"/psp/paymentorders/{THEIRS}"
TEST = "https://api.externalintegration.payex.com"
TOKEN = "access-token-of-ours"  # opens nothing
PROOF = "notice-secret-of-ours-in-32-letters"  # nor does this


# What the provider publishes: tables of fields, written down as schemas ---------------------------

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "specs" / "swedbank_pay"


@cache
def schema(name):
    """One schema, in which no object has fields that it does not list; without it, a skip."""
    if not FOLDER.is_dir():
        pytest.skip(f"no specifications: {FOLDER} is not there")
    whole = json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))
    close(whole)
    return Draft202012Validator(whole)


def close(value):
    if isinstance(value, dict):
        if value.get("type") == "object" and "properties" in value and "allOf" not in value:
            value.setdefault("additionalProperties", False)
        for item in value.values():
            close(item)
    elif isinstance(value, list):
        for item in value:
            close(item)


def test_the_schemas_would_find_a_field_that_is_not_listed():
    assert schema("problem").is_valid({"type": "t", "title": "t", "status": 400})
    assert not schema("problem").is_valid({"type": "t", "title": "t", "status": 400, "x": 1})
    assert not schema("cancel.request").is_valid({"transaction": {"description": "d"}})


REQUESTS = {
    "": "create-payment-order.request",
    "captures": "capture.request",
    "cancellations": "cancel.request",
    "reversals": "reversal.request",
}


def checked(handler, seen):
    """A handler whose requests and answers are held against the schemas; ``seen`` says which."""

    def handle(request):
        response = handler(request)
        if request.url.path.startswith("/psp/"):
            word = request.url.path.removeprefix("/psp/paymentorders").rpartition("/")[2]
            if request.method == "POST":
                seen.add(REQUESTS[word])
                schema(REQUESTS[word]).validate(json.loads(request.content))
            answer = "payment-order.response" if response.is_success else "problem"
            if "payerOwnedTokens" not in response.json():  # of these there is no schema
                seen.add(answer)
                schema(answer).validate(response.json())
        return response

    return handle


# Held to the contract -----------------------------------------------------------------------------


def stage_of(secret, takes_at_once):
    unit = SimulatedSwedbankPay(lambda: NOW, secret=secret)

    return Stage(
        provider=unit.provider(),
        handler=unit.handle,
        customer=decides_on_page(unit),
        notice=lambda: unit.outbox[-1],
        takes_at_once=takes_at_once,
    )


def case_of(method, amount, takes_at_once=False):
    return AdapterCase(
        make=lambda: stage_of("ours-of-16-chars", takes_at_once),
        foreign=lambda: stage_of("theirs-of-others", takes_at_once),
        method=method,
        mandate_method=MANDATE,
        amount=Money.read(amount),
        secrets=("ours-of-16-chars-access-token", "ours-of-16-chars-notice-secret-of-32-letters"),
        details={"email": "test@example.com", "phone": "+46701234567"},
        words=dict.fromkeys({"status", *CAPABILITIES.operations}, ("paymentOrder", "status")),
        signature="address",
        notice_age_s=None,
    )


CASES = {
    "a card in Sweden": case_of("card", "123.45 SEK"),
    "MobilePay in Denmark": case_of("mobilepay", "99.00 DKK"),
    "Vipps in Norway": case_of("vipps", "10000.00 NOK"),
    "a choice of their own in Finland": case_of("menu", "12.34 EUR"),
    "Swish, which takes the money at once": case_of("swish", "123.45 SEK", takes_at_once=True),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", CHECKS)
def test_swedbank_pay_keeps_the_contract(check, case):
    check(case)


# What is sent -------------------------------------------------------------------------------------


def config(**changes):
    facts = {
        "access_token": TOKEN,
        "payee_id": "5cabf558-5283-482f-b252-4d58e06f6f3b",
        "notice_url": "https://shop.example/notices/swedbank_pay",
        "notice_secret": PROOF,
        "is_test": True,
    }
    return SwedbankPayConfig.read(facts | changes)


ADAPTER = SwedbankPay(config())


def line(minor=12345, quantity=1, vat=2469, kind="goods", basis=2500, name="Kaffekvarn"):
    return OrderLine(
        id=f"{kind}-{minor}",
        name=name,
        quantity=quantity,
        amount=Money(minor, "SEK"),
        vat_basis=basis,
        vat=Money(vat, "SEK"),
        kind=kind,
    )


def order(minor=12345, **changes):
    facts = Authorise(
        key=f"{OURS}-1",
        merchant_reference=OURS,
        method="card",
        amount=Money(minor, "SEK"),
        return_url="https://shop.example/return?id=1",
        locale="sv_SE",
        market="SE",
        customer="consumer",
        lines=(line(minor),),
    )
    return replace(facts, **changes)


BOOKS = Books(currency="SEK").post(Posting.AUTHORISED, Money(12345, "SEK"))


def change(minor, *, number=2, known_as=THEIRS, lines=()):
    key, amount = f"{OURS}-{number}", Money(minor, "SEK")
    return Modification(key, OURS, known_as, amount, "card", BOOKS, lines)


def ask(known_as=THEIRS, minor=12345, numbers=()):
    """How does it stand? The numbers are those of what we asked of it since."""
    some = Money(1, "SEK")
    earlier = tuple(Earlier(f"{OURS}-{n}", Operation.CAPTURE, some) for n in numbers)
    return Ask(OURS, known_as, Money(minor, "SEK"), "card", earlier)


def sent(wanted):
    """The body of a creation."""
    request = next(ADAPTER.authorise(wanted))
    body = json.loads(request.content)
    schema("create-payment-order.request").validate(body)
    return body["paymentorder"]


def test_a_creation_says_what_is_bought_and_whose_it_is():
    delivery = line(4900, vat=980, kind="delivery", name="Frakt")
    fee = line(1900, vat=380, kind="fee", name="Avgift")
    download = line(1001, quantity=3, vat=57, kind="digital", basis=600, name="Bok")
    mugs = line(10000, quantity=2, vat=2000, name="Mugg")
    lines = (mugs, download, delivery, fee)
    body = sent(order(17801, lines=lines, method="invoice_se"))
    assert (body["amount"], body["vatAmount"], body["currency"]) == (17801, 3417, "SEK")
    assert body["operation"] == "Purchase"
    assert body["restrictedToInstruments"] == ["Invoice-PayExFinancingSe"]
    assert body["language"] == "sv-SE"
    assert body["description"] == "Mugg, Bok, Frakt, Avgift"
    assert body["payeeInfo"]["orderReference"] == OURS
    assert body["payeeInfo"]["payeeReference"] == f"{OURS}Z1"
    assert "checkoutflow" in body["userAgent"]
    assert body["urls"] == {
        "callbackUrl": address_for(ADAPTER.config.notice_url, Secret(PROOF), OURS),
        "cancelUrl": "https://shop.example/return?id=1",
        "completeUrl": "https://shop.example/return?id=1",
        "hostUrls": ["https://shop.example"],
    }
    assert "payer" not in body
    names = ("name", "type", "class", "quantity", "unitPrice", "amount", "vatAmount", "vatPercent")
    assert [tuple(item[name] for name in names) for item in body["orderItems"]] == [
        ("Mugg", "PRODUCT", "goods", 2, 5000, 10000, 2000, 2500),
        ("3 × Bok", "PRODUCT", "digital", 1, 1001, 1001, 57, 600),
        ("Frakt", "SHIPPING_FEE", "delivery", 1, 4900, 4900, 980, 2500),
        ("Avgift", "PAYMENT_FEE", "fee", 1, 1900, 1900, 380, 2500),
    ]


@given(
    st.lists(
        st.tuples(st.integers(0, 10**7), st.integers(1, 99), st.integers(0, 10**5)),
        min_size=1,
        max_size=8,
    ).filter(lambda rows: sum(row[0] for row in rows) > 0)
)
def test_items_add_up_to_the_last_minor_unit(rows):
    lines = tuple(line(minor, quantity, vat) for minor, quantity, vat in rows)
    body = sent(order(sum(row[0] for row in rows), lines=lines))
    items = body["orderItems"]
    assert sum(item["amount"] for item in items) == body["amount"]
    assert sum(item["vatAmount"] for item in items) == body["vatAmount"]
    assert all(item["quantity"] * item["unitPrice"] == item["amount"] for item in items)


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("da_DK", "da-DK"),
        ("sv_FI", "sv-SE"),
        ("nb_NO", "nb-NO"),
        ("nn_NO", "nb-NO"),
        ("no_NO", "nb-NO"),
        ("fi_FI", "fi-FI"),
        ("en_GB", "en-US"),
        ("is_IS", "en-US"),
    ],
)
def test_the_page_speaks_the_customers_language_where_it_can(locale, language):
    assert sent(order(locale=locale))["language"] == language


@pytest.mark.parametrize("method", METHODS)
def test_the_page_offers_what_was_chosen(method):
    body = sent(order(method=method))
    wanted = METHODS[method]
    assert body.get("restrictedToInstruments") == (None if wanted is None else [wanted])


@pytest.mark.parametrize(
    ("details", "payer"),
    [
        ({}, None),
        ({"email": "test@example.com"}, {"email": "test@example.com"}),
        ({"phone": "+46701234567"}, {"msisdn": "+46701234567"}),
        ({"phone": "070-123 45 67"}, None),
    ],
)
def test_the_customer_types_no_more_than_is_needed(details, payer):
    assert sent(order(details=details)).get("payer") == payer


def test_an_order_for_part_of_the_purchase_has_no_items():
    body = sent(order(lines=()))
    assert "orderItems" not in body
    assert (body["vatAmount"], body["description"]) == (0, OURS)


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"amount": Money(100, "ISK"), "lines": ()}, NotSupported, "currency"),
        ({"method": "cheque"}, NotSupported, "method"),
        ({"merchant_reference": "a" * 41}, InvalidInput, "merchant_reference"),
        *[
            ({"method": method, "lines": ()}, InvalidInput, "lines")
            for method in METHODS
            if "invoice" in method
        ],
    ],
)
def test_what_they_would_not_take_is_refused_before_it_is_sent(changes, error, field):
    with pytest.raises(error) as caught:
        next(ADAPTER.authorise(order(**changes)))
    assert caught.value.field == field


def test_the_longest_reference_is_sent_with_an_amount_without_lines():
    assert sent(order(merchant_reference="a" * 40, lines=()))["description"] == "a" * 40


def test_every_request_says_who_asks_and_in_which_version():
    for request in (next(ADAPTER.authorise(order())), next(ADAPTER.status(ask()))):
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert request.headers["accept"] == "application/json;version=3.1"
        assert request.headers["content-type"] == "application/json;version=3.1"
        assert request.headers["user-agent"]


@pytest.mark.parametrize(
    ("key", "reference"),
    [
        (f"{OURS}-1", f"{OURS}Z1"),
        (f"{OURS}-123456789", f"{OURS}Z123456789"),
        ("a-b", "aZb"),
        ("ab-", "abZ"),
        ("a" * 30, "a" * 30),
        ("a" * 31, "MHDAWSD5DKJB4C6MTP4FHXNA7MKZWM"),
    ],
)
def test_a_key_that_fits_can_be_read_in_its_reference(key, reference):
    assert payee_reference(key) == reference


KEYS = st.text("abz019-", min_size=1, max_size=40)


@given(KEYS, KEYS)
def test_every_operation_has_a_reference_of_its_own(one, other):
    references = [payee_reference(key) for key in (one, other)]
    assert all(item.isascii() and item.isalnum() and len(item) <= 30 for item in references)
    assert (references[0] == references[1]) == (one == other)


@pytest.mark.parametrize(
    ("changes", "address"),
    [
        ({}, TEST),
        ({"is_test": False}, "https://api.payex.com"),
        ({"base_url": "http://127.0.0.1:8000/"}, "http://127.0.0.1:8000"),
    ],
)
def test_where_it_is_sent(changes, address):
    provider = SwedbankPay(config(**changes))
    assert str(next(provider.authorise(order())).url) == f"{address}/psp/paymentorders"


@pytest.mark.parametrize(
    "changes",
    [
        {"access_token": "short"},
        {"access_token": "with a space in it"},
        {"notice_secret": "s" * 31},
        {"payee_id": "a/b"},
        {"notice_url": "http://shop.example/notices"},
        {"notice_url": "https://shop.example/notices?a=b"},
        {"base_url": "http://api.payex.com"},
        {"name": "Swedbank Pay"},
        {"colour": "orange"},
    ],
)
def test_a_wrong_setting_is_found_at_once(changes):
    with pytest.raises(InvalidInput) as caught:
        config(**changes)
    assert next(iter(changes)) in str(caught.value.field)


def test_the_token_prints_as_stars():
    assert TOKEN not in repr(ADAPTER)
    assert PROOF not in repr(ADAPTER)
    assert "********" in repr(ADAPTER)
    assert ADAPTER.name == "swedbank_pay"


# What comes back ----------------------------------------------------------------------------------


def answer(
    status="Paid", c=None, x=None, r=None, *, rels=(), whole=12345, root="paymentOrder", **more
):
    """A payment order; the letters are what is left to capture, void and refund."""
    left = {"Capture": c, "Cancellation": x, "Reversal": r}
    shown = {
        "id": WHERE,
        "status": status,
        "amount": whole,
        "currency": "SEK",
        **{f"remaining{name}Amount": minor for name, minor in left.items() if minor is not None},
        **more,
    }
    links = {
        "capture": ("POST", f"{TEST}{WHERE}/take-it"),
        "cancel": ("POST", f"{TEST}{WHERE}/let-go"),
        "reversal": ("POST", f"{TEST}{WHERE}/give-back"),
        "abort": ("PATCH", f"{TEST}{WHERE}"),
        "redirect-checkout": ("GET", "https://ecom.example/pay/1"),
        "capture-the-flag": ("POST", "nowhere"),
    }
    operations = [{"rel": rel, "method": links[rel][0], "href": links[rel][1]} for rel in rels]
    return {root: shown, "operations": operations}


def transactions(*rows):
    """Rows of a type, an amount and, for what is ours, a reference."""
    items = []
    for row in rows:
        kind, minor, *reference = row.split()
        ours = {"payeeReference": reference[0]} if reference else {}
        items.append({"type": kind, "amount": int(minor), **ours})
    return {"financialTransactions": {"id": f"{WHERE}/f", "financialTransactionsList": items}}


def paid(kind="Authorization", minor=12345):
    shown = {"transactionType": kind, "amount": minor, "orderReference": OURS}
    return {"paid": {"id": f"{WHERE}/paid", **shown}}


def problem(status, kind, *names):
    body = {
        "type": f"{PROBLEMS}{kind}",
        "title": "No",
        "status": status,
        "problems": [{"name": name, "description": "is wrong"} for name in names],
    }
    return httpx.Response(status, json=body)


def ok(body, status=200):
    return httpx.Response(status, json=body)


FOR_ALL = "Authorization 12345 abcdefghijklmnop2345Z1"

# Their word, what is left to capture and to refund, and the list of what happened; our word, and
# what is authorised, captured, refunded and voided.
STANDS = """
Initialized      -     - |                                            | pending        0     0     0     0
Aborted          -     - |                                            | declined       0     0     0     0
Failed           -     - |                                            | declined       0     0     0     0
Paid         12345     - | Authorization 12345                        | authorised 12345     0     0     0
Paid         12000   345 | Authorization 12345, Capture 345           | authorised 12345   345     0     0
PAID             - 12345 | Authorization 12345, CAPTURE 12345         | authorised 12345 12345     0     0
Paid             - 12000 | Authorization 12345, Capture 12345, Reversal 345     | authorised 12345 12345 345   0
Paid             - 12000 | Authorization 12345, Capture 12000, Cancellation 345 | authorised 12345 12000   0 345
Paid             - 12345 | Sale 12345                                 | authorised 12345 12345     0     0
Cancelled        -     - | Authorization 12345, Cancellation 12345    | voided     12345     0     0 12345
Reversed         -     - | Sale 12345, Reversal 12345                 | authorised 12345 12345 12345     0
Paid         12000   345 | Authorization 12345                        | unclear        0     0     0     0
Paid         12000     - | Authorization 12345                        | unclear        0     0     0     0
Paid             -     - | Authorization 12345                        | unclear        0     0     0     0
Paid             - 12345 | Authorization 12345, Capture 12345, Reversal 345     | unclear  0 0 0 0
Paid         12345     1 | Authorization 12345                        | unclear        0     0     0     0
Paid         12345     - | Authorization 12000                        | unclear        0     0     0     0
Paid             -     - |                                            | unclear        0     0     0     0
Cancelled        -     - |                                            | unclear        0     0     0     0
Initialized  12345     - | Authorization 12345                        | unclear        0     0     0     0
Initialized  12345     - |                                            | unclear        0     0     0     0
Paid         12345     - | Authorization 12345, Payout 5              | unclear        0     0     0     0
Settled      12345     - | Authorization 12345                        | unclear        0     0     0     0
"""  # noqa: E501 -- a table


def look(body):
    """What comes of a look: our word, and the four sums."""
    standing, (request,) = talk(ADAPTER.status(ask()), ok(body))
    assert request.url.path == WHERE
    expanded = "paid,failed,financialtransactions,postpurchasefailedattempts"
    assert request.url.params["$expand"] == expanded
    sums = (standing.authorised, standing.captured, standing.refunded, standing.voided)
    return standing.word, [amount.minor for amount in sums]


@pytest.mark.parametrize("row", STANDS.strip().splitlines())
@pytest.mark.parametrize("root", ["paymentOrder", "paymentorder"])
def test_amounts_tell_how_a_payment_stands(row, root):
    theirs, listed, ours = (part.split() for part in row.split("|"))
    left = [None if text == "-" else int(text) for text in theirs[1:]]
    rows = transactions(*(f"{kind} {minor.rstrip(',')}" for kind, minor in pairs(listed)))
    body = answer(theirs[0], c=left[0], r=left[1], root=root, **rows)
    assert look(body) == (Word(ours[0]), [int(text) for text in ours[1:]])


def pairs(words):
    return zip(words[::2], words[1::2], strict=True)


@pytest.mark.parametrize(
    ("body", "captured"),
    [
        (answer(c=12345, **transactions(), **paid()), 0),
        (answer(c=12345, financialTransactions={"id": "f"}, **paid()), 0),
        (answer(r=12345, **paid("Sale")), 12345),
    ],
)
def test_right_after_a_payment_its_list_may_be_empty(body, captured):
    assert look(body) == (Word.AUTHORISED, [12345, captured, 0, 0])


@pytest.mark.parametrize(
    "body",
    [
        answer(c=12345, **paid("Verification")),
        answer(c=12345, paid={"transactionType": "Sale"}),
        answer(c=12345, paid={"transactionType": "Sale", "amount": 12345}),
        answer("Initialized", id="/psp/creditcard/payments/1"),
        {"operations": []},
    ],
)
def test_what_cannot_be_read_is_unclear(body):
    assert look(body) == (Word.UNCLEAR, [0, 0, 0, 0])


def test_a_word_has_a_row_in_the_table_above():
    schema_words = schema("payment-order.response").schema["properties"]["paymentOrder"]
    listed = schema_words["properties"]["status"]["enum"]
    assert {word.lower() for word in listed} == set(WORDS)


@pytest.mark.parametrize(
    "body",
    [
        answer("Initialized", whole=12344),
        answer("Initialized", currency="NOK"),
        answer("Initialized", id=f"{WHERE}2"),
        answer(c=12345, x=12345, paid={"transactionType": "Sale", "orderReference": "else"}),
        answer(c=12000, x=12000, **transactions("Authorization 12000")),
    ],
)
def test_what_cannot_be_is_a_contradiction(body):
    with pytest.raises(Contradiction):
        talk(ADAPTER.status(ask()), ok(body))


def test_a_customer_who_waits_is_sent_to_the_page_again():
    body = answer("Initialized", rels=("redirect-checkout", "abort"))
    standing, _ = talk(ADAPTER.status(ask()), ok(body))
    assert standing.action == Redirect(url="https://ecom.example/pay/1")
    later = answer(c=12345, x=12345, rels=("redirect-checkout",), **transactions(FOR_ALL))
    standing, _ = talk(ADAPTER.status(ask()), ok(later))
    assert standing.action is None


def test_operations_are_known_by_our_keys():
    failed = [
        {"status": "Failed", "type": "Reversal", "payeeReference": f"{OURS}Z3"},
        {"status": "Failed", "type": "Capture", "payeeReference": f"{OURS}Z2"},
        {"status": "Failed", "type": "Reversal"},
        {"status": "Odd", "type": "Reversal", "payeeReference": f"{OURS}Z4"},
    ]
    body = answer(
        c=12000,
        x=12000,
        r=345,
        **transactions(FOR_ALL, f"Capture 300 {OURS}Z2", "Capture 45 Portal1"),
        postpurchasefailedattempts={"postPurchaseFailedAttemptList": failed},
    )
    standing, _ = talk(ADAPTER.status(ask(numbers=(2, 3, 4, 5))), ok(body))
    assert [(done.key, done.outcome) for done in standing.operations] == [
        (f"{OURS}-2", Outcome.SUCCEEDED),
        (f"{OURS}-3", Outcome.DECLINED),
    ]


@pytest.mark.parametrize(
    ("response", "word"),
    [
        (problem(404, "notfound"), Word.NOT_FOUND),
        (problem(404, "nowhere"), Word.UNCLEAR),
        (httpx.Response(404, html="<h1>Not found</h1>"), Word.UNCLEAR),
        (problem(500, "systemerror"), Word.UNCLEAR),
        (problem(403, "forbidden"), Word.UNCLEAR),
        (httpx.Response(200, json={"type": f"{PROBLEMS}notfound"}), Word.UNCLEAR),
    ],
)
def test_a_look_up_that_gives_no_payment(response, word):
    standing, _ = talk(ADAPTER.status(ask()), response)
    assert standing.word is word


def test_without_their_name_for_it_nobody_can_have_paid():
    standing, requests = talk(ADAPTER.status(ask(known_as=None)))
    assert standing.word is Word.NOT_FOUND
    assert not requests
    result, requests = talk(ADAPTER.capture(change(100, known_as=None)))
    assert (result.outcome, result.reason) == (Outcome.REFUSED, "payment_not_found")
    assert not requests


# --- creating


@pytest.mark.parametrize("status", [200, 201])
def test_a_created_order_waits_for_the_customer(status):
    body = answer("Initialized", rels=("redirect-checkout", "capture-the-flag"))
    result, _ = talk(ADAPTER.authorise(order()), ok(body, status))
    assert result.outcome is Outcome.PENDING
    assert result.provider_reference == THEIRS
    assert result.action == Redirect(url="https://ecom.example/pay/1")


@pytest.mark.parametrize(
    "body",
    [
        answer("Initialized"),
        answer("Initialized", rels=("abort",)),
        answer("Paid", c=12345, rels=("redirect-checkout",)),
        answer("Brewing", rels=("redirect-checkout",)),
        {"paymentOrder": answer("Initialized")["paymentOrder"], "operations": "none"},
    ],
)
def test_an_order_without_a_page_to_pay_on_is_unknown(body):
    result, _ = talk(ADAPTER.authorise(order()), ok(body))
    assert result.outcome is Outcome.UNKNOWN


def test_an_order_of_another_amount_is_a_contradiction():
    body = answer("Initialized", whole=1, rels=("redirect-checkout",))
    with pytest.raises(Contradiction):
        talk(ADAPTER.authorise(order()), ok(body))


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_an_error_that_says_that_nothing_was_done(status, kind):
    result, _ = talk(ADAPTER.authorise(order()), problem(status, kind, "Amount"))
    assert result == ERRORS[kind]


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize(
    "status", [200, 202, 402, 405, 408, 409, 410, 425, 429, 500, 502, 503, 504]
)
def test_an_error_that_may_hide_that_it_was_done(status, kind):
    result, _ = talk(ADAPTER.authorise(order()), problem(status, kind))
    assert result.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (problem(400, "inputerror", "PaymentOrder.PayeeInfo.PayeeReference"), Outcome.UNKNOWN),
        (problem(403, "forbidden", "payeereference"), Outcome.UNKNOWN),
        (problem(403, "creditaccount/IDENTIFIERALREADYINUSE"), Outcome.UNKNOWN),
        (problem(403, "creditaccount/AUTHORIZATIONEXPIRED"), Outcome.REFUSED),
        (problem(403, "creditcard/newerror"), Outcome.UNKNOWN),
        (httpx.Response(403, json={"type": "https://else.example/forbidden"}), Outcome.UNKNOWN),
        (httpx.Response(400, html="<h1>Bad request</h1>"), Outcome.UNKNOWN),
        (httpx.Response(401, html="<h1>Log in</h1>"), Outcome.UNKNOWN),
        (httpx.Response(401, json={}), Outcome.REFUSED),
    ],
)
def test_other_errors(response, outcome):
    result, _ = talk(ADAPTER.authorise(order()), response)
    assert result.outcome is outcome


# --- capturing, voiding, giving back

RESERVED = answer(c=12345, x=12345, rels=("capture", "cancel"))
TAKEN = answer(r=12345, rels=("reversal",))
PART = answer(c=12000, x=12000, r=345, rels=("capture", "cancel", "reversal"))


@pytest.mark.parametrize(
    ("verb", "minor", "before", "href", "after", "outcome"),
    [
        ("capture", 345, RESERVED, "take-it", PART, Outcome.SUCCEEDED),
        ("capture", 12345, RESERVED, "take-it", TAKEN, Outcome.SUCCEEDED),
        ("capture", 12000, PART, "take-it", TAKEN, Outcome.SUCCEEDED),
        ("capture", 345, RESERVED, "take-it", RESERVED, Outcome.UNKNOWN),
        ("capture", 346, RESERVED, "take-it", PART, Outcome.UNKNOWN),
        ("capture", 345, RESERVED, "take-it", answer(c=12000, x=12000), Outcome.UNKNOWN),
        ("capture", 345, RESERVED, "take-it", answer("Aborted", c=12000, r=345), Outcome.UNKNOWN),
        ("capture", 345, RESERVED, "take-it", answer("Brewing", c=12000, r=345), Outcome.UNKNOWN),
        ("void", 12345, RESERVED, "let-go", answer("Cancelled"), Outcome.SUCCEEDED),
        ("void", 12345, RESERVED, "let-go", answer("Paid"), Outcome.UNKNOWN),
        ("void", 12345, RESERVED, "let-go", RESERVED, Outcome.UNKNOWN),
        ("void", 12000, PART, "let-go", answer(r=345), Outcome.SUCCEEDED),
        ("void", 12000, PART, "let-go", answer(r=12345), Outcome.UNKNOWN),
        ("void", 12345, RESERVED, "let-go", answer("Aborted"), Outcome.UNKNOWN),
        ("refund", 345, TAKEN, "give-back", answer(r=12000), Outcome.SUCCEEDED),
        ("refund", 12345, TAKEN, "give-back", answer("Reversed"), Outcome.SUCCEEDED),
        ("refund", 345, PART, "give-back", answer(c=12000, x=12000), Outcome.SUCCEEDED),
        ("refund", 345, TAKEN, "give-back", TAKEN, Outcome.UNKNOWN),
        ("refund", 345, TAKEN, "give-back", answer("Aborted", r=12000), Outcome.UNKNOWN),
    ],
)
def test_what_is_left_tells_what_was_done(verb, minor, before, href, after, outcome):
    operation = getattr(ADAPTER, verb)(change(minor))
    result, (look, post) = talk(operation, ok(before), ok(after))
    assert result.outcome is outcome
    assert (look.method, look.url.path) == ("GET", WHERE)
    assert look.url.params["$expand"] == "orderitems"
    assert (post.method, str(post.url)) == ("POST", f"{TEST}{WHERE}/{href}")
    body = json.loads(post.content)
    assert body["transaction"]["payeeReference"] == f"{OURS}Z2"
    names = {"capture": "capture", "void": "cancel", "refund": "reversal"}
    schema(f"{names[verb]}.request").validate(body)
    assert body["transaction"].get("amount") == (None if verb == "void" else minor)


@pytest.mark.parametrize(
    ("verb", "minor", "before", "reason"),
    [
        ("capture", 12346, RESERVED, "amounts_differ"),
        ("capture", 345, answer(c=12345, x=12345, rels=("cancel",)), "wrong_state"),
        ("capture", 345, answer("Initialized", rels=("abort",)), "amounts_differ"),
        ("void", 12000, RESERVED, "amounts_differ"),
        ("void", 12345, TAKEN, "amounts_differ"),
        ("void", 12345, answer(c=12345, x=12345), "wrong_state"),
        ("void", 12345, answer("Initialized"), "wrong_state"),
        ("refund", 346, PART, "amounts_differ"),
        ("refund", 345, answer(r=345), "wrong_state"),
    ],
)
def test_what_the_look_does_not_allow_is_not_sent(verb, minor, before, reason):
    result, requests = talk(getattr(ADAPTER, verb)(change(minor)), ok(before))
    assert (result.outcome, result.reason) == (Outcome.REFUSED, reason)
    assert len(requests) == 1


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (problem(404, "notfound"), Outcome.REFUSED),
        (problem(500, "systemerror"), Outcome.UNKNOWN),
        (ok(answer("Brewing")), Outcome.UNKNOWN),
    ],
)
def test_a_look_that_fails_ends_it(response, outcome):
    result, requests = talk(ADAPTER.refund(change(345)), response)
    assert result.outcome is outcome
    assert len(requests) == 1


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (problem(403, "forbidden", "Reversal"), Outcome.REFUSED),
        (problem(403, "creditcard/acquirererror"), Outcome.DECLINED),
        (problem(400, "inputerror", "PayeeReference"), Outcome.UNKNOWN),
        (problem(504, "creditcard/acquirergatewaytimeout"), Outcome.UNKNOWN),
        (ok(TAKEN, 202), Outcome.PENDING),
        (httpx.Response(202), Outcome.PENDING),
    ],
)
def test_a_refund_that_is_not_done_at_once(response, outcome):
    result, _ = talk(ADAPTER.refund(change(345)), ok(TAKEN), response)
    assert result.outcome is outcome


def test_a_payment_that_changes_its_amount_is_a_contradiction():
    with pytest.raises(Contradiction):
        talk(ADAPTER.capture(change(345)), ok(RESERVED), ok(answer(c=12000, r=345, whole=12346)))


@pytest.mark.parametrize("odd", [{"currency": "NOK"}, {"id": f"{WHERE}2"}])
def test_a_look_at_something_else_is_a_contradiction(odd):
    with pytest.raises(Contradiction):
        talk(ADAPTER.capture(change(345)), ok(answer(c=12345, rels=("capture",), **odd)))


def test_the_token_goes_to_the_api_only():
    before = answer(c=12345, x=12345, rels=("capture",))
    before["operations"][0]["href"] = f"{TEST}.example/captures"
    result, requests = talk(ADAPTER.capture(change(345)), ok(before))
    assert (result.outcome, result.reason) == (Outcome.REFUSED, "wrong_state")
    assert len(requests) == 1


@pytest.mark.parametrize(
    ("after", "outcome"),
    [
        (answer("Aborted"), Outcome.SUCCEEDED),
        (answer("Paid", c=12345, x=12345), Outcome.UNKNOWN),
        (answer("Initialized"), Outcome.UNKNOWN),
    ],
)
def test_a_void_before_the_customer_paid_closes_the_order(after, outcome):
    before = answer("Initialized", rels=("redirect-checkout", "abort"))
    result, (_, abort) = talk(ADAPTER.void(change(12345)), ok(before), ok(after))
    assert result.outcome is outcome
    assert (abort.method, str(abort.url)) == ("PATCH", f"{TEST}{WHERE}")
    assert json.loads(abort.content) == {
        "paymentorder": {"operation": "Abort", "abortReason": "CancelledByMerchant"}
    }


@pytest.mark.parametrize(
    ("items", "is_sent"),
    [
        ({"id": "o", "orderItemList": [{"reference": "1"}]}, True),
        ({"id": "o", "orderItemList": []}, False),
        ({"id": "o"}, False),
        (None, False),
    ],
)
def test_items_are_told_of_a_part_only_if_they_were_told_of_the_whole(items, is_sent):
    before = answer(c=12345, x=12345, rels=("capture",), orderItems=items)
    part = change(345, lines=(line(345, vat=69),))
    _, (_, post) = talk(ADAPTER.capture(part), ok(before), ok(PART))
    body = json.loads(post.content)
    schema("capture.request").validate(body)
    assert body["transaction"]["vatAmount"] == 69
    assert ("orderItems" in body["transaction"]) is is_sent
    _, (_, post) = talk(ADAPTER.capture(change(345)), ok(before), ok(PART))
    assert "orderItems" not in json.loads(post.content)["transaction"]


@pytest.mark.parametrize("verb", ["capture", "void", "refund"])
def test_a_currency_that_they_do_not_take_is_refused(verb):
    with pytest.raises(NotSupported):
        next(getattr(ADAPTER, verb)(replace(change(1), amount=Money(1, "ISK"))))


# --- mandates

GIVEN = Secret("11111111-0000-4000-8000-000000000001")
PAYER = "abcdefghijklmnop7777"  # our name for a mandate: there, a payer of its own
BOOK = (line(9900, vat=1980, name="Bok"),)


def charge(minor=9900, token=GIVEN, **changes):
    facts = Charge(
        key=f"{OURS}-1",
        merchant_reference=OURS,
        mandate=PAYER,
        token=token,
        method=MANDATE,
        amount=Money(minor, "SEK"),
        title="Boken i november, och allt annat som behövs",
        locale="sv_SE",
        market="SE",
        customer="consumer",
        lines=BOOK,
    )
    return replace(facts, **changes)


def agreement(first=None, **changes):
    facts = Agree(
        key=f"{PAYER}-1",
        merchant_reference=PAYER,
        method=MANDATE,
        title="En bok i månaden",
        maximum=Money(50000, "SEK"),
        return_url="https://shop.example/return?id=1",
        locale="sv_SE",
        market="SE",
        customer="consumer",
        every_months=1,
        first=first,
        details={"email": "test@example.com"},
    )
    return replace(facts, **changes)


def mandate_ask(token=None, known_as=THEIRS):
    return MandateAsk(PAYER, known_as, MANDATE, token, key=f"{PAYER}-9")


def body_of_creation(operation):
    body = json.loads(next(operation).content)
    schema("create-payment-order.request").validate(body)
    return body["paymentorder"]


def test_a_mandate_is_asked_for_without_money():
    body = body_of_creation(ADAPTER.agree(agreement()))
    assert (body["operation"], body["generateUnscheduledToken"]) == ("Verify", True)
    assert body["payer"] == {"email": "test@example.com", "payerReference": PAYER}
    assert (body["description"], body["currency"]) == ("En bok i månaden", "SEK")
    assert body["payeeInfo"]["orderReference"] == PAYER
    assert body["urls"]["callbackUrl"].endswith(address_for("", Secret(PROOF), PAYER))
    assert not body.keys() & {"amount", "vatAmount", "orderItems", "restrictedToInstruments"}


def test_a_mandate_is_asked_for_together_with_a_first_payment():
    body = body_of_creation(ADAPTER.agree(agreement(charge(token=None))))
    assert (body["operation"], body["generateUnscheduledToken"]) == ("Purchase", True)
    assert (body["amount"], body["vatAmount"], len(body["orderItems"])) == (9900, 1980, 1)
    assert body["restrictedToInstruments"] == ["CreditCard"]
    assert body["payer"]["payerReference"] == PAYER
    assert body["payeeInfo"]["orderReference"] == OURS  # the payment's
    assert body["urls"]["callbackUrl"].endswith(address_for("", Secret(PROOF), PAYER))


def test_a_charge_names_the_token_and_no_page():
    body = body_of_creation(ADAPTER.charge(charge()))
    assert (body["operation"], body["amount"]) == ("UnscheduledPurchase", 9900)
    assert body["unscheduledToken"] == GIVEN.reveal()
    assert body["description"] == "Boken i november, och allt annat som beh"
    assert body["payer"] == {"payerReference": PAYER}
    assert body["payeeInfo"]["orderReference"] == OURS
    assert body["urls"].keys() == {"callbackUrl"}


@pytest.mark.parametrize(
    ("verb", "wanted", "error", "field"),
    [
        ("agree", agreement(method="card"), NotSupported, "method"),
        ("agree", agreement(maximum=Money(1, "ISK")), NotSupported, "currency"),
        ("charge", charge(method="card"), NotSupported, "method"),
        ("charge", charge(token=None), InvalidInput, "token"),
        ("authorise", order(method=MANDATE), NotSupported, "method"),
    ],
    ids=str,
)
def test_a_mandate_that_cannot_be_is_not_asked_for(verb, wanted, error, field):
    with pytest.raises(error) as caught:
        next(getattr(ADAPTER, verb)(wanted))
    assert caught.value.field == field


@pytest.mark.parametrize(("first", "whole"), [(None, 0), (charge(token=None), 9900)])
@pytest.mark.parametrize("rel", ["redirect-checkout", "redirect-verification"])
def test_a_mandate_waits_for_the_customer(first, whole, rel):
    made = answer("Initialized", whole=whole, rels=("redirect-checkout",))
    made["operations"][0]["rel"] = rel
    result, _ = talk(ADAPTER.agree(agreement(first)), ok(made))
    assert (result.outcome, result.provider_reference) == (Outcome.PENDING, THEIRS)
    assert result.action == Redirect(url="https://ecom.example/pay/1")
    with pytest.raises(Contradiction):
        talk(ADAPTER.agree(agreement(first)), ok(answer("Initialized", whole=whole + 1)))


@pytest.mark.parametrize(
    ("response", "outcome", "reason"),
    [
        (ok(answer("Paid", c=9900, x=9900, whole=9900)), Outcome.PENDING, ""),
        (ok(answer("Initialized", whole=9900)), Outcome.PENDING, ""),
        (ok(answer("Failed", whole=9900)), Outcome.PENDING, ""),
        (ok(answer("Brewing", whole=9900)), Outcome.UNKNOWN, ""),
        (
            problem(422, "paymentorders/paymenttokeninactive", "UnscheduledToken"),
            Outcome.REFUSED,
            "mandate_ended",
        ),
        (
            problem(404, "paymentorders/inputerror", "UnscheduledToken"),
            Outcome.REFUSED,
            "invalid_request",
        ),
        (problem(403, "creditcard/velocitycheck"), Outcome.DECLINED, "limit_exceeded"),
        (problem(429, "creditcard/velocitycheck"), Outcome.UNKNOWN, ""),
        (problem(400, "inputerror", "PayeeReference"), Outcome.UNKNOWN, ""),
    ],
)
def test_a_charge_is_declined_at_once_or_waits_for_a_look(response, outcome, reason):
    result, _ = talk(ADAPTER.charge(charge()), response)
    assert (result.outcome, result.reason) == (outcome, reason)
    assert result.provider_reference == (THEIRS if outcome is Outcome.PENDING else None)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"type": "acquirercardexpired"}, "card_expired"),
        ({"type": f"{PROBLEMS}creditcard/acquirerErrorDoNotRetry"}, "do_not_retry"),
        ({"type": "newerror"}, "declined"),
        ({}, "failed"),
    ],
)
def test_a_look_says_why_nothing_was_paid(more, reason):
    body = answer("Failed", failed={"id": "f", "problem": more})
    standing, _ = talk(ADAPTER.status(ask()), ok(body))
    assert (standing.word, standing.reason) == (Word.DECLINED, reason)


def test_a_charge_of_another_amount_is_a_contradiction():
    with pytest.raises(Contradiction):
        talk(ADAPTER.charge(charge()), ok(answer("Paid", c=9901, x=9901, whole=9901)))


def test_a_charge_whose_answer_was_lost_may_be_there():
    standing, requests = talk(ADAPTER.status(replace(ask(known_as=None), method=MANDATE)))
    assert (standing.word, requests) == (Word.UNCLEAR, [])


def granted(*tokens, status="Paid"):
    shown = [{"type": kind, "token": token} for kind, token in tokens]
    return answer(status, whole=0, paid={"id": "p", "tokens": shown})


def owned(*tokens, payer=PAYER):
    shown = [{"tokenType": kind, "token": token} for kind, token in tokens]
    return {"payerOwnedTokens": {"payerReference": payer, "tokens": shown}, "operations": []}


OURS_THERE = ("Unscheduled", GIVEN.reveal())
ANOTHER = ("unscheduled", "22222222-0000-4000-8000-000000000001")
STORED = ("payment", "33333333-0000-4000-8000-000000000001")


@pytest.mark.parametrize(
    ("token", "response", "word"),
    [
        # Before we know the token, the order tells.
        (None, ok(answer("Initialized", whole=0)), MandateWord.PENDING),
        (None, ok(granted(STORED, OURS_THERE)), MandateWord.ACTIVE),
        (None, ok(granted(OURS_THERE, status="Reversed")), MandateWord.ACTIVE),
        (None, ok(granted(STORED)), MandateWord.UNCLEAR),
        (None, ok(granted(ANOTHER, OURS_THERE)), MandateWord.UNCLEAR),
        (None, ok(granted(("unscheduled", "a b"))), MandateWord.UNCLEAR),
        (None, ok(answer("Paid", whole=0)), MandateWord.UNCLEAR),
        (None, ok(answer("Aborted", whole=0)), MandateWord.DECLINED),
        (None, ok(answer("Brewing", whole=0)), MandateWord.UNCLEAR),
        (None, problem(404, "notfound"), MandateWord.NOT_FOUND),
        (None, problem(500, "systemerror"), MandateWord.UNCLEAR),
        # Afterwards the list of the payer's tokens does.
        (GIVEN, ok(owned(STORED, OURS_THERE)), MandateWord.ACTIVE),
        (GIVEN, ok(owned(STORED, ANOTHER)), MandateWord.ENDED),
        (GIVEN, ok(owned()), MandateWord.ENDED),
        (GIVEN, ok({"payerOwnedTokens": {"payerReference": PAYER}}), MandateWord.UNCLEAR),
        (GIVEN, ok(owned(OURS_THERE), 202), MandateWord.UNCLEAR),
        (GIVEN, problem(404, "notfound"), MandateWord.NOT_FOUND),
        (GIVEN, problem(403, "forbidden"), MandateWord.UNCLEAR),
    ],
)
def test_how_a_mandate_stands(token, response, word):
    found, (request,) = talk(ADAPTER.mandate(mandate_ask(token)), response)
    assert found.word is word
    assert found.token == (GIVEN if word is MandateWord.ACTIVE else None)
    listed = f"/psp/paymentorders/payerownedtokens/{PAYER}"
    assert (request.method, request.url.path) == ("GET", listed if token else WHERE)
    assert GIVEN.reveal() not in str(request.url) + repr(found)


def test_a_mandate_that_waits_has_its_page_again():
    made = answer("Initialized", whole=0, rels=("redirect-checkout",))
    found, _ = talk(ADAPTER.mandate(mandate_ask()), ok(made))
    assert found.action == Redirect(url="https://ecom.example/pay/1")


def test_a_mandate_whose_page_nobody_saw_is_not_there():
    unknown = mandate_ask(known_as=None)
    found, requests = talk(ADAPTER.mandate(unknown))
    assert (found.word, requests) == (MandateWord.NOT_FOUND, [])
    result, requests = talk(ADAPTER.end_mandate(unknown))
    assert (result.outcome, requests) == (Outcome.REFUSED, [])


WAITING = answer("Initialized", whole=0, rels=("redirect-checkout", "abort"))


@pytest.mark.parametrize(
    ("token", "responses", "outcome"),
    [
        (GIVEN, [ok(owned(OURS_THERE))], Outcome.SUCCEEDED),
        (GIVEN, [ok(owned())], Outcome.SUCCEEDED),
        (GIVEN, [ok({"state": "Deleted"})], Outcome.UNKNOWN),
        (GIVEN, [problem(404, "notfound")], Outcome.REFUSED),
        (GIVEN, [problem(500, "systemerror")], Outcome.UNKNOWN),
        (None, [ok(granted(OURS_THERE)), ok(owned(OURS_THERE))], Outcome.SUCCEEDED),
        (None, [ok(WAITING), ok(answer("Aborted", whole=0))], Outcome.SUCCEEDED),
        (None, [ok(WAITING), ok(granted(OURS_THERE))], Outcome.UNKNOWN),
        (None, [ok(WAITING), problem(403, "forbidden")], Outcome.REFUSED),
        (None, [problem(500, "systemerror")], Outcome.UNKNOWN),
    ],
)
def test_a_mandate_is_ended_by_our_name_for_it(token, responses, outcome):
    result, requests = talk(ADAPTER.end_mandate(mandate_ask(token)), *responses)
    assert result.outcome is outcome
    last = requests[-1]
    if last.method == "PATCH":
        is_page = last.url.path == WHERE
        assert is_page or last.url.path == f"/psp/paymentorders/payerownedtokens/{PAYER}"
        assert ("Abort" if is_page else "Deleted") in last.content.decode()
    assert not any(GIVEN.reveal() in str(request.url) for request in requests)


@pytest.mark.parametrize("operation", [ADAPTER.mandate, ADAPTER.end_mandate])
def test_tokens_of_another_payer_are_a_contradiction(operation):
    with pytest.raises(Contradiction):
        talk(operation(mandate_ask(GIVEN)), ok(owned(OURS_THERE, payer="somebodyelse")))


# --- callbacks


def callback(**changes):
    body = {
        "orderReference": OURS,
        "paymentOrder": {"id": WHERE, "instrument": "CreditCard", "number": 12345678},
    }
    return json.dumps(body | changes).encode()


def webhook(body, query):
    return Webhook({"content-type": "application/json"}, body, now_s=0, query=query)


QUERY = address_for("", Secret(PROOF), OURS).removeprefix("?")

# The vector of the fact sheet; an address carries the first half of it.
VECTOR = "5ceadae308d2e0c2f4da3e6c06f5a987682d731fc03ffdf5074e0599534c8c58"


def test_the_proof_of_the_fact_sheet():
    adapter = SwedbankPay(config().but(notice_secret=Secret("callback-secret")))
    query = f"payment=co-10001&proof={VECTOR[:32]}"
    (notice,) = adapter.read_notices(webhook(callback(), query))
    assert notice.merchant_reference == "co-10001"
    for wrong in (VECTOR[:31], VECTOR[:33], VECTOR, VECTOR[:32].upper(), VECTOR[32:]):
        with pytest.raises(UntrustedNotice):
            adapter.read_notices(webhook(callback(), f"payment=co-10001&proof={wrong}"))


def test_a_callback_is_a_reason_to_look_at_the_payment_whose_address_it_came_to():
    schema("callback").validate(json.loads(callback()))
    (notice,) = ADAPTER.read_notices(webhook(callback(), QUERY))
    assert (notice.merchant_reference, notice.kind, notice.heard) == (OURS, "callback", None)
    assert ADAPTER.read_notices(webhook(callback(), f"{QUERY}&added=1")) == (notice,)
    (later,) = ADAPTER.read_notices(webhook(callback(orderReference="2"), QUERY))
    assert later.id != notice.id
    assert later.merchant_reference == OURS  # whatever the body says


@pytest.mark.parametrize(
    "query",
    [
        "",
        f"payment={OURS}",
        QUERY.replace(OURS, f"{OURS[:-1]}6"),
        QUERY[:-1],
        QUERY.upper(),
        f"{QUERY}&payment={OURS}",
        address_for("", Secret(f"{PROOF}2"), OURS).removeprefix("?"),
    ],
)
def test_a_callback_to_an_address_that_was_not_given_out_is_dropped(query):
    with pytest.raises(UntrustedNotice):
        ADAPTER.read_notices(webhook(callback(), query))


# --- anything at all

BODIES = bodies(
    json_values(
        ["id", "status", "amount", "currency", "paymentOrder", "operations", "rel", "method",
         "href", "type", "paid", "financialTransactions", "financialTransactionsList",
         "transactionType", "orderReference", "remainingCaptureAmount"],
        ["Paid", "Initialized", "SEK", WHERE, OURS, "POST", "capture", 12345],
    )
)  # fmt: skip
OPERATIONS: dict[str, Any] = {
    "agree": lambda: ADAPTER.agree(agreement()),
    "charge": lambda: ADAPTER.charge(charge()),
    "mandate": lambda: ADAPTER.mandate(mandate_ask()),
    "a known mandate": lambda: ADAPTER.mandate(mandate_ask(GIVEN)),
    "end_mandate": lambda: ADAPTER.end_mandate(mandate_ask()),
    "authorise": lambda: ADAPTER.authorise(order()),
    "status": lambda: ADAPTER.status(ask()),
    "capture": lambda: ADAPTER.capture(change(345)),
    "void": lambda: ADAPTER.void(change(12345)),
    "refund": lambda: ADAPTER.refund(change(345)),
}


@pytest.mark.parametrize("name", OPERATIONS)
@given(st.integers(200, 599), BODIES, BODIES)
def test_no_answer_of_noise_is_a_success_or_a_crash(name, status, one, other):
    bodies = iter([one, other])
    with suppress(Contradiction, TransportError):
        came = exchange(OPERATIONS[name](), lambda _: httpx.Response(status, content=next(bodies)))
        if name == "status":
            assert came.authorised.is_zero
        elif "mandate" in name and name != "end_mandate":
            assert came.token is None
        else:
            assert came.outcome is not Outcome.SUCCEEDED


@given(BODIES, st.text(max_size=80))
def test_no_callback_of_noise_is_believed_or_a_crash(body, query):
    with pytest.raises(UntrustedNotice):
        ADAPTER.read_notices(webhook(body, query))


# The two of them, in the provider's own words -----------------------------------------------------


def test_every_word_between_them_is_in_the_tables_of_the_provider():
    seen: set[str] = set()
    unit = SimulatedSwedbankPay(lambda: NOW)
    provider, handler = unit.provider(), checked(unit.handle, seen)
    goods = (line(10000, vat=2000, quantity=2), line(2345, vat=469))
    created = exchange(provider.authorise(order(lines=goods)), handler)
    known_as = created.provider_reference
    asked = ask(known_as)
    exchange(provider.status(asked), handler)
    unit.approve(OURS)
    part = (line(345, vat=69),)
    steps = [
        provider.capture(change(345, number=2, known_as=known_as, lines=part)),
        provider.refund(change(45, number=3, known_as=known_as)),
        provider.void(change(12000, number=4, known_as=known_as)),
        provider.refund(change(300, number=5, known_as=known_as)),
    ]
    assert [exchange(step, handler).outcome for step in steps] == [Outcome.SUCCEEDED] * 4
    standing = exchange(provider.status(ask(known_as, numbers=range(2, 6))), handler)
    sums = (standing.authorised, standing.captured, standing.refunded, standing.voided)
    assert [amount.minor for amount in sums] == [12345, 345, 345, 12000]
    assert {done.key for done in standing.operations} == {f"{OURS}-{n}" for n in range(2, 6)}
    stranger = exchange(provider.status(ask(f"{THEIRS}2")), handler)
    assert stranger.word is Word.NOT_FOUND
    callbacks = [json.loads(hook.body) for hook in unit.outbox]
    for body in callbacks:
        schema("callback").validate(body)
    assert len({str(body) for body in callbacks}) == 5
    needed = {*REQUESTS.values(), "payment-order.response", "problem"}
    print(f"swedbank_pay: {len(seen & needed)} of {len(needed)} schemas covered")  # noqa: T201
    assert seen == needed


@pytest.mark.parametrize("fault", [Fault.SLOW, Fault.FAIL_LATER, Fault.DECLINE])
def test_what_ends_later_or_badly_is_shown_by_name(fault):
    seen: set[str] = set()
    now = [NOW]
    unit = SimulatedSwedbankPay(lambda: now[0])
    provider, handler = unit.provider(), checked(unit.handle, seen)
    known_as = exchange(provider.authorise(order()), handler).provider_reference
    unit.approve(OURS)
    exchange(provider.capture(change(12345, known_as=known_as)), handler)
    unit.plan("refund", fault)
    result = exchange(provider.refund(change(345, number=3, known_as=known_as)), handler)
    if fault is Fault.DECLINE:
        assert (result.outcome, result.reason) == (Outcome.DECLINED, "insufficient_funds")
    else:
        assert result.outcome is Outcome.PENDING
        other = exchange(provider.refund(change(5, number=4, known_as=known_as)), handler)
        assert (other.outcome, other.reason) == (Outcome.REFUSED, "wrong_state")
    now[0] = NOW.replace(hour=13)
    standing = exchange(provider.status(ask(known_as, numbers=(2, 3))), handler)
    outcome = Outcome.SUCCEEDED if fault is Fault.SLOW else Outcome.DECLINED
    assert (standing.operations[-1].key, standing.operations[-1].outcome) == (f"{OURS}-3", outcome)
    assert standing.refunded.minor == (345 if fault is Fault.SLOW else 0)


def test_an_authorisation_that_runs_out_is_released():
    now = [NOW]
    unit = SimulatedSwedbankPay(lambda: now[0])
    provider = unit.provider()
    known_as = exchange(provider.authorise(order()), unit.handle).provider_reference
    unit.approve(OURS)
    now[0] = NOW.replace(year=2027)
    standing = exchange(provider.status(ask(known_as)), unit.handle)
    assert (standing.word, standing.voided) == (Word.VOIDED, standing.authorised)


# Mandates between the two of them -----------------------------------------------------------------


@dataclass
class Desk:
    """Both, with every word between them held against the schemas."""

    def __post_init__(self):
        self.now = NOW
        self.unit = SimulatedSwedbankPay(lambda: self.now)
        self.provider = self.unit.provider()
        self.seen: set[str] = set()

    def run(self, operation):
        return exchange(operation, checked(self.unit.handle, self.seen))

    def asked(self, first=None):
        return self.run(self.provider.agree(agreement(first))).provider_reference

    def found(self, known_as, token=None):
        return self.run(self.provider.mandate(mandate_ask(token, known_as)))

    def taken(self, token, **changes):
        return self.run(self.provider.charge(charge(token=token, **changes)))


NEXT = {"key": "next-1", "merchant_reference": "abcdefghijklmnop3333"}


def test_a_first_payment_and_its_mandate_go_their_own_ways():
    desk = Desk()
    known_as = desk.asked(charge(token=None))
    desk.unit.approve(OURS)
    token = desk.found(known_as).token
    about = Ask(OURS, known_as, Money(9900, "SEK"), MANDATE)
    assert desk.run(desk.provider.status(about)).word is Word.AUTHORISED
    assert desk.taken(token, **NEXT).outcome is Outcome.PENDING
    ended = desk.run(desk.provider.end_mandate(mandate_ask(token, known_as)))
    assert ended.outcome is Outcome.SUCCEEDED
    assert desk.found(known_as, token).word is MandateWord.ENDED
    refused = desk.taken(token, key="next-2", merchant_reference="abcdefghijklmnop4444")
    assert (refused.outcome, refused.reason) == (Outcome.REFUSED, "mandate_ended")
    books = Books(currency="SEK").post(Posting.AUTHORISED, Money(9900, "SEK"))
    whole = replace(change(9900, known_as=known_as), method=MANDATE, books=books)
    assert desk.run(desk.provider.capture(whole)).outcome is Outcome.SUCCEEDED
    assert [desk.unit.taken(name) for name in (OURS, NEXT["merchant_reference"])] == [9900, 0]
    # A charge on a card is not called back about.
    assert {hook.query for hook in desk.unit.outbox} == {
        address_for("", Secret("simulated-notice-secret-of-32-letters"), PAYER).removeprefix("?")
    }


@pytest.mark.parametrize("first", [None, charge(token=None)])
def test_a_mandate_that_is_ended_before_it_is_given_closes_its_page(first):
    desk = Desk()
    known_as = desk.asked(first)
    ended = desk.run(desk.provider.end_mandate(mandate_ask(known_as=known_as)))
    assert ended.outcome is Outcome.SUCCEEDED
    desk.unit.approve_mandate(PAYER)
    assert desk.found(known_as).word is MandateWord.DECLINED
    assert desk.unit.taken(OURS) == 0


@pytest.mark.parametrize(
    ("decide", "word"),
    [
        (SimulatedSwedbankPay.approve_mandate, MandateWord.ACTIVE),
        (SimulatedSwedbankPay.decline_mandate, MandateWord.DECLINED),
        (lambda unit, _: unit.decline_next(), MandateWord.PENDING),
    ],
)
def test_a_customer_decides_about_a_mandate(decide, word):
    desk = Desk()
    known_as = desk.asked()
    decide(desk.unit, PAYER)
    assert desk.found(known_as).word is word
    desk.now += timedelta(days=1)
    later = MandateWord.DECLINED if word is MandateWord.PENDING else word
    assert desk.found(known_as).word is later


def test_a_customer_who_ends_a_mandate_there_is_not_charged():
    desk = Desk()
    known_as = desk.asked()
    assert desk.taken(GIVEN).outcome is Outcome.REFUSED  # of which nobody has heard
    desk.unit.approve_mandate(PAYER)
    token = desk.found(known_as).token
    desk.unit.end_mandate(PAYER)
    assert desk.found(known_as, token).word is MandateWord.ENDED
    assert desk.taken(token, **NEXT).reason == "mandate_ended"
    assert desk.found(known_as, GIVEN).word is MandateWord.ENDED
    stranger = replace(mandate_ask(GIVEN), merchant_reference=OURS)
    assert desk.run(desk.provider.mandate(stranger)).word is MandateWord.NOT_FOUND


@pytest.mark.parametrize("fault", [Fault.DECLINE, Fault.SLOW])
def test_a_charge_may_end_badly_or_later(fault):
    desk = Desk()
    known_as = desk.asked()
    desk.unit.approve_mandate(PAYER)
    token = desk.found(known_as).token
    desk.unit.plan("authorise", fault)
    result = desk.taken(token)
    is_late = fault is Fault.SLOW
    assert result.outcome is Outcome.PENDING
    desk.now += timedelta(minutes=5)
    about = Ask(OURS, result.provider_reference, Money(9900, "SEK"), MANDATE)
    standing = desk.run(desk.provider.status(about))
    assert standing.word is (Word.AUTHORISED if is_late else Word.DECLINED)
    assert standing.reason == ("" if is_late else "insufficient_funds")


# What the stand-in does not take ------------------------------------------------------------------


def post(unit, where, body, method="POST", **headers):
    headers = {"content-type": "application/json;version=3.1"} | headers
    given = {"authorization": "Bearer simulated-access-token"} | headers
    url = f"{TEST}/psp/paymentorders{where}"
    return unit.handle(httpx.Request(method, url, headers=given, content=json.dumps(body)))


def creation():
    return json.loads(next(ADAPTER.authorise(order(lines=(line(quantity=5),)))).content)


def changed(body, place, value):
    inner = body
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return body


ROOT = "paymentorder"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ((ROOT, "operation"), "Recur"),
        ((ROOT, "amount"), 0),
        ((ROOT, "amount"), "12345"),
        ((ROOT, "amount"), 12346),
        ((ROOT, "vatAmount"), 1),
        ((ROOT, "currency"), "ISK"),
        ((ROOT, "description"), "a" * 41),
        ((ROOT, "language"), "is-IS"),
        ((ROOT, "colour"), "orange"),
        ((ROOT, "urls", "hostUrls"), []),
        ((ROOT, "urls", "completeUrl"), "back"),
        ((ROOT, "payeeInfo", "payeeId"), "someone else"),
        ((ROOT, "payeeInfo", "payeeReference"), "a-b"),
        ((ROOT, "payeeInfo", "payeeReference"), "a" * 31),
        ((ROOT, "orderItems", 0, "class"), "two words"),
        ((ROOT, "orderItems", 0, "type"), "GOODS"),
        ((ROOT, "orderItems", 0, "unitPrice"), 1),
        ((ROOT, "payer"), {"msisdn": "070"}),
    ],
)
def test_a_creation_is_refused_as_the_real_one_would(place, value):
    unit = SimulatedSwedbankPay(lambda: NOW)
    response = post(unit, "", changed(creation(), place, value))
    assert response.status_code == 400
    assert response.json()["type"] == f"{PROBLEMS}inputerror"
    assert not unit.references


def test_a_reference_is_good_for_one_operation():
    unit = SimulatedSwedbankPay(lambda: NOW)
    assert post(unit, "", creation()).status_code == 200
    again = post(unit, "", creation())
    assert (again.status_code, again.json()["problems"][0]["name"]) == (400, "PayeeReference")
    another = changed(creation(), (ROOT, "payeeInfo", "payeeReference"), "another")
    assert post(unit, "", another).status_code == 400
    assert len(unit.references) == 1


CAPTURE = {"description": "d", "payeeReference": "a", "amount": 1, "vatAmount": 0}
RELEASE = {"description": "d", "payeeReference": "a", "amount": 1}
STOP = {"operation": "Abort", "abortReason": "two words"}
REFUSED = {
    "a wrong token": (401, "unauthorized", lambda unit, _: post(
        unit, "", creation(), authorization="Bearer x")),
    "no JSON": (415, "not_json", lambda unit, _: post(
        unit, "", creation(), **{"content-type": "text/xml"})),
    "a stranger": (404, "notfound", lambda unit, _: post(
        unit, "/x/captures", {"transaction": CAPTURE})),
    "no such operation": (404, "notfound", lambda unit, at: post(unit, f"{at}/sales", {})),
    "a void with an amount": (400, "inputerror", lambda unit, at: post(
        unit, f"{at}/cancellations", {"transaction": RELEASE})),
    "a capture too early": (403, "forbidden", lambda unit, at: post(
        unit, f"{at}/captures", {"transaction": CAPTURE})),
    "a reason in two words": (400, "inputerror", lambda unit, at: post(
        unit, at, {ROOT: STOP}, "PATCH")),
}  # fmt: skip


@pytest.mark.parametrize(("status", "kind", "request_of"), REFUSED.values(), ids=REFUSED)
def test_other_requests_are_refused_as_the_real_one_would(status, kind, request_of):
    unit = SimulatedSwedbankPay(lambda: NOW)
    where = post(unit, "", creation()).json()["paymentOrder"]["id"]
    response = request_of(unit, where.removeprefix("/psp/paymentorders"))
    assert response.status_code == status
    assert response.json()["type"] == f"{PROBLEMS}{kind}"


def test_items_come_with_a_capture_only_if_they_came_with_the_order():
    unit = SimulatedSwedbankPay(lambda: NOW)
    known_as = exchange(unit.provider().authorise(order(lines=())), unit.handle).provider_reference
    unit.approve(OURS)
    item = creation()[ROOT]["orderItems"]
    body = {"description": "d", "payeeReference": "a", "amount": 12345, "vatAmount": 2469}
    response = post(unit, f"/{known_as}/captures", {"transaction": body | {"orderItems": item}})
    assert (response.status_code, unit.book(OURS).captured) == (400, 0)
    part = change(345, known_as=known_as, lines=(line(345, vat=69),))
    assert exchange(unit.provider().capture(part), unit.handle).outcome is Outcome.SUCCEEDED


def test_an_order_that_is_paid_is_not_aborted():
    unit = SimulatedSwedbankPay(lambda: NOW)
    known_as = exchange(unit.provider().authorise(order()), unit.handle).provider_reference
    unit.approve(OURS)
    stop = {ROOT: {"operation": "Abort", "abortReason": "CancelledByMerchant"}}
    assert post(unit, f"/{known_as}", stop, "PATCH").status_code == 403
    assert unit.book(OURS).reserved == 12345


# --- a whole sale


class InTheApp(SimulatedSwedbankPay):
    """While the customer is in an app, their order cannot be closed."""

    is_there = True

    def handle(self, request):
        if request.method == "PATCH" and self.is_there:
            return problem(403, "forbidden")
        return super().handle(request)


@pytest.mark.parametrize("pays", [True, False])
def test_an_order_that_cannot_be_closed_yet_is_closed_later_or_gives_everything_back(pays):
    with Deal("swedbank_pay", open_bank=InTheApp) as deal:
        sale = deal.placed()
        reference = sale.payments[-1].id
        sale = deal.called_off(sale)
        assert sale.payments[-1].attempts[-1].outcome is Outcome.REFUSED
        if pays:
            deal.bank.approve(reference)
        deal.bank.is_there = False
        sale = deal.later(sale, days=1)
        deal.bank.approve(reference)
        assert deal.now(sale).phase == "cancelled"
    assert (deal.bank.book(reference).authorised > 0) == pays
    assert (deal.reserved, deal.taken) == (0, 0)
