"""Mandates and charges with Vipps MobilePay: adapter, stand-in and the provider's own file."""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_core import OpenAPI
from tests.specs import FOLDER, Spec, spec

from checkoutflow.errors import Contradiction, InvalidInput, NotSupported, UsageError
from checkoutflow.money import Money
from checkoutflow.payment.books import Books
from checkoutflow.payment.capabilities import MandateTerms
from checkoutflow.payment.outcomes import (
    Mandate,
    MandateWord,
    Outcome,
    Redirect,
    Result,
    Word,
)
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.contract import Agree, Ask, Charge, MandateAsk, Modification, OrderLine
from checkoutflow.providers.vipps_recurring import AGREEMENTS, CHARGES, MAXIMA, REFUSALS
from checkoutflow.testing import Clock
from checkoutflow.testing.adapters import exchange
from checkoutflow.testing.standins.faults import Fault
from checkoutflow.testing.standins.vipps_mobilepay import SimulatedVippsMobilePay

MANDATE, FIRST, PAYMENT = "m" * 20, "f" * 20, "p" * 20
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DUE = date(2026, 11, 30)
PAGE = "https://shop.example/agreements/"
AGREEMENT = "agr_000001"


def nok(minor):
    return Money(minor, "NOK")


def charge(minor=19900, **facts):
    return Charge(
        **{
            "key": "charge-1",
            "merchant_reference": PAYMENT,
            "mandate": MANDATE,
            "token": Secret(AGREEMENT),
            "method": "recurring",
            "amount": nok(minor),
            "title": "Kaffe i december",
            "locale": "nb_NO",
            "market": "NO",
            "customer": "consumer",
            "due": DUE,
            **facts,
        }
    )


def agreement(**facts):
    return Agree(
        **{
            "key": "agree-1",
            "merchant_reference": MANDATE,
            "method": "recurring",
            "title": "Kaffe hver måned",
            "maximum": nok(30000),
            "return_url": "https://shop.example/return",
            "locale": "nb_NO",
            "market": "NO",
            "customer": "consumer",
            "every_months": 1,
            **facts,
        }
    )


def first(minor=9900):
    return charge(minor, key="first-1", merchant_reference=FIRST, token=None, due=None)


def asked(reference=AGREEMENT, key=""):
    return MandateAsk(MANDATE, reference, "recurring", key=key)


def about(ours=PAYMENT, minor=19900, reference: str | None = AGREEMENT):
    return Ask(ours, reference, nok(minor), "recurring")


def change(key, minor, reference: str | None = AGREEMENT, lines=(), **books):
    before = Books(currency="NOK", **{"authorised": 19900, **books})
    return Modification(key, PAYMENT, reference, nok(minor), "recurring", before, lines)


class Unit:
    """A sales unit at the stand-in, with what its adapter says to it held to the description."""

    def __init__(self):
        self.clock = Clock(NOW)
        self.there = SimulatedVippsMobilePay(self.clock, agreement_url=PAGE)
        self.provider = self.there.provider()
        self.seen, self.said = [], set()

    def do(self, operation):
        return exchange(operation, self.handle)

    def handle(self, request):
        response = self.there.handle(request)
        if request.url.path.startswith("/recurring"):
            self.seen.append(request)
            if FOLDER.is_dir():
                file = described()
                self.said.add(file.operation(request))
                file.validate(request, response)
        return response

    @property
    def body(self):
        """What was sent last."""
        return json.loads(self.seen[-1].content)

    def given(self, **facts):
        """With a mandate that the customer has given."""
        self.do(self.provider.agree(agreement(**facts)))
        self.there.approve_mandate(MANDATE)
        return self

    def charged(self):
        """With a charge that is reserved."""
        self.given().do(self.provider.charge(charge()))
        self.clock.advance(days=9)
        return self

    def standing(self, *asks):
        return self.do(self.provider.status(about(*asks)))

    def sums(self, *asks):
        found = self.standing(*asks)
        sums = (found.authorised, found.captured, found.refunded, found.voided)
        return found.word, *(one.minor for one in sums)


@pytest.fixture
def unit():
    return Unit()


def told(response):
    """A sales unit that has tokens and otherwise always says the same."""
    token = httpx.Response(200, json={"token_type": "Bearer", "access_token": "token-1"})
    return lambda request: token if request.url.path == "/accesstoken/get" else response


def provider():
    return SimulatedVippsMobilePay(lambda: NOW, agreement_url=PAGE).provider()


def problem(status, kind):
    return httpx.Response(
        status, json={"type": f"https://x.example/problems#{kind}", "title": "No"}
    )


# --- the provider's own file ----------------------------------------------------------------------


@cache
def described() -> Spec:
    """The provider's file of December 2023, with what is wrong in it or has changed since."""
    file = spec("vipps_mobilepay", "recurring.yaml", closed=True)
    whole = deepcopy(file.openapi.spec.read_value())
    schemas = whole["components"]["schemas"]
    del schemas["pricingResponse"]["discriminator"]  # its words are no names of schemas
    # A charge is called by the order's id, which has up to 50 characters.
    del schemas["ChargeReference"]["properties"]["chargeId"]["maxLength"]
    shown = schemas["ChargeResponseV3"]["properties"]
    del shown["id"]["maxLength"]
    shown["transactionId"] = {"type": "string", "nullable": True}  # null at first, says its text
    schemas["DraftAgreementV3"]["required"].remove("interval")  # they may come irregularly now
    schemas["AgreementResponseV3"]["required"].remove("interval")
    return Spec(OpenAPI.from_dict(whole))


NEEDED = {
    "DraftAgreementV3",
    "FetchAgreementV3",
    "UpdateAgreementPatchV3",
    "CreateChargeV3",
    "FetchChargeV3",
    "FetchChargeByIdV3",
    "CaptureChargeV3",
    "CancelChargeV3",
    "RefundChargeV3",
}


def test_a_subscription_from_consent_to_its_end_is_all_in_the_providers_description(unit):
    described()
    do, provider = unit.do, unit.provider
    begun = do(provider.agree(agreement(first=first(), details={"phone": "+4791234567"})))
    assert (begun.outcome, begun.provider_reference) == (Outcome.PENDING, AGREEMENT)
    waiting = do(provider.mandate(asked()))
    assert waiting == Mandate(word=MandateWord.PENDING, action=begun.action)
    assert unit.sums(FIRST, 9900, None) == (Word.PENDING, 0, 0, 0, 0)
    unit.there.approve_mandate(MANDATE)
    assert do(provider.mandate(asked())) == Mandate(
        word=MandateWord.ACTIVE, token=Secret(AGREEMENT)
    )
    assert unit.sums(FIRST, 9900, None) == (Word.AUTHORISED, 9900, 0, 0, 0)
    ordered = do(provider.charge(charge()))
    assert ordered == Result(outcome=Outcome.PENDING, provider_reference=AGREEMENT)
    assert unit.sums() == (Word.PENDING, 0, 0, 0, 0)
    unit.clock.advance(days=9)
    assert unit.sums() == (Word.AUTHORISED, 19900, 0, 0, 0)
    done = Result(outcome=Outcome.SUCCEEDED, provider_reference=AGREEMENT)
    assert do(provider.capture(change("capture", 15000))) == done
    assert do(provider.refund(change("refund", 5000, captured=15000))) == done
    # The charge is known by our reference alone as well.
    rest = change("void", 4900, None, captured=15000, refunded=5000)
    assert do(provider.void(rest)) == done
    assert unit.sums() == (Word.AUTHORISED, 19900, 15000, 5000, 4900)
    assert do(provider.refund(change("more", 15000, captured=15000))).outcome is Outcome.UNKNOWN
    assert do(provider.end_mandate(asked(key="end"))).outcome is Outcome.SUCCEEDED
    assert do(provider.mandate(asked())) == Mandate(word=MandateWord.ENDED)
    print(f"vipps_mobilepay, recurring: {len(unit.said)} of {len(NEEDED)} operations covered")  # noqa: T201 - the measure
    assert unit.said == NEEDED


# --- mandates -------------------------------------------------------------------------------------


def test_an_agreement_is_drafted_with_what_the_customer_consents_to(unit):
    unit.given(first=first(), details={"phone": "+47 no number"})
    assert unit.body == {
        "externalId": MANDATE,
        "initialCharge": {
            "amount": 9900,
            "description": "Kaffe i december",
            "orderId": FIRST,
            "transactionType": "RESERVE_CAPTURE",
        },
        "interval": {"unit": "MONTH", "count": 1},
        "merchantAgreementUrl": f"https://shop.example/agreements/{MANDATE}",
        "merchantRedirectUrl": "https://shop.example/return",
        "pricing": {"type": "VARIABLE", "suggestedMaxAmount": 30000, "currency": "NOK"},
        "productName": "Kaffe hver måned",
    }
    assert unit.seen[-1].headers["idempotency-key"] == "agree-1"


def test_a_long_title_is_shown_below_its_beginning_and_irregular_charges_have_no_interval(unit):
    unit.given(title="x" * 120, every_months=0)
    assert (unit.body["productName"], unit.body["productDescription"]) == ("x" * 45, "x" * 100)
    assert "interval" not in unit.body
    assert unit.do(unit.provider.mandate(asked())).word is MandateWord.ACTIVE


@pytest.mark.parametrize(
    ("facts", "error", "field"),
    [
        ({"method": "vipps"}, NotSupported, "method"),
        ({"maximum": Money(30000, "DKK")}, NotSupported, "currency"),
        ({"maximum": nok(99)}, InvalidInput, "amount"),
        ({"maximum": nok(MAXIMA["NOK"] + 1)}, InvalidInput, "maximum"),
        ({"every_months": 32}, InvalidInput, "every_months"),
        ({"every_months": -1}, InvalidInput, "every_months"),
        ({"return_url": "https://shop.example/" + "x" * 1024}, InvalidInput, "return_url"),
        ({"merchant_reference": "a/b" * 5}, InvalidInput, "merchant_reference"),
        ({"first": charge(amount=Money(100, "EUR"))}, NotSupported, "currency"),
    ],
)
def test_a_mandate_that_they_would_refuse_is_refused_before(facts, error, field):
    with pytest.raises(error) as caught:
        next(provider().agree(agreement(**facts)))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("facts", "error", "field"),
    [
        ({"method": "vipps"}, NotSupported, "method"),
        ({"amount": Money(30000, "DKK")}, NotSupported, "currency"),
        ({"amount": nok(99)}, InvalidInput, "amount"),
        ({"due": None}, InvalidInput, "due"),
        ({"token": None}, UsageError, None),
        ({"merchant_reference": "short"}, InvalidInput, "merchant_reference"),
    ],
)
def test_a_charge_that_they_would_refuse_is_refused_before(facts, error, field):
    with pytest.raises(error) as caught:
        next(provider().charge(charge(**facts)))
    assert getattr(caught.value, "field", None) == field


def test_mandates_are_there_where_the_sales_unit_has_them():
    plain = SimulatedVippsMobilePay(lambda: NOW, agreement_url=None).provider()
    swedish = SimulatedVippsMobilePay(lambda: NOW, market="SE").provider()
    assert plain.capabilities.mandates is swedish.capabilities.mandates is None
    with pytest.raises(NotSupported, match="agreement_url"):
        next(plain.agree(agreement()))
    terms = provider().capabilities.mandates
    assert terms == MandateTerms(first_charge=True, ahead_days=2, retries_days=5)
    with pytest.raises(InvalidInput, match="no mandates in Sweden") as caught:
        type(plain.config).read(
            {**fields_of(plain), "market": "SE", "agreement_url": PAGE, "name": "vipps"}
        )
    assert caught.value.field == "agreement_url"


def fields_of(plain):
    config = plain.config
    return {name: getattr(config, name) for name in type(config).model_fields}


def agreed(status="ACTIVE", **more):
    return {"id": AGREEMENT, "externalId": MANDATE, "status": status, **more}


LINK = {"vippsConfirmationUrl": "https://vipps.example/agree"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            agreed("PENDING", **LINK),
            Mandate(word=MandateWord.PENDING, action=Redirect(url="https://vipps.example/agree")),
        ),
        (agreed("ACTIVE"), Mandate(word=MandateWord.ACTIVE, token=Secret(AGREEMENT))),
        (agreed("STOPPED", start="2026-11-21T12:00:00Z"), Mandate(word=MandateWord.ENDED)),
        (
            agreed("STOPPED", start=None),
            Mandate(word=MandateWord.DECLINED, reason="declined_by_customer"),
        ),
        (agreed("EXPIRED"), Mandate(word=MandateWord.DECLINED, reason="expired")),
        (agreed("PENDING"), Mandate(word=MandateWord.UNCLEAR)),
        (agreed("PENDING", vippsConfirmationUrl="vipps://"), Mandate(word=MandateWord.UNCLEAR)),
        (agreed("PAUSED"), Mandate(word=MandateWord.UNCLEAR)),
        (agreed(externalId=7), Mandate(word=MandateWord.UNCLEAR)),
        ([], Mandate(word=MandateWord.UNCLEAR)),
    ],
)
def test_an_agreement_s_status_says_how_the_mandate_stands(body, expected):
    assert exchange(provider().mandate(asked()), told(httpx.Response(200, json=body))) == expected


@pytest.mark.parametrize("more", [{"id": "agr_other"}, {"externalId": "o" * 20}])
def test_another_agreement_is_a_contradiction(more):
    with pytest.raises(Contradiction):
        exchange(provider().mandate(asked()), told(httpx.Response(200, json=agreed() | more)))


@pytest.mark.parametrize(
    ("response", "word"),
    [
        (problem(404, "resource-not-found"), MandateWord.NOT_FOUND),
        (problem(404, "invalid-agreement-id"), MandateWord.UNCLEAR),
        (problem(400, "resource-not-found"), MandateWord.UNCLEAR),
        (httpx.Response(404, json={"statusCode": 404}), MandateWord.UNCLEAR),
        (httpx.Response(500), MandateWord.UNCLEAR),
    ],
)
def test_only_their_own_word_says_that_there_is_no_mandate(response, word):
    assert exchange(provider().mandate(asked()), told(response)).word is word


def test_a_mandate_of_which_their_name_never_came_was_never_shown(unit):
    unit.there.plan("authorise", Fault.LOSE_ANSWER)
    with suppress(Exception):
        unit.do(unit.provider.agree(agreement()))
    nameless = asked(None)
    assert unit.do(unit.provider.mandate(nameless)).word is MandateWord.NOT_FOUND
    ended = unit.do(unit.provider.end_mandate(nameless))
    assert (ended.outcome, ended.reason) == (Outcome.REFUSED, "not_found")
    # A repeat gets the same one.
    assert unit.do(unit.provider.agree(agreement())).provider_reference == AGREEMENT


def test_a_mandate_can_be_ended_again_but_not_before_it_was_given(unit):
    do, provider = unit.do, unit.provider
    do(provider.agree(agreement()))
    early = do(provider.end_mandate(asked(key="early")))
    assert (early.outcome, early.reason) == (Outcome.REFUSED, "wrong_state")
    unit.there.approve_mandate(MANDATE)
    for key in ("end", "again"):
        assert do(provider.end_mandate(asked(key=key))).outcome is Outcome.SUCCEEDED


def test_its_end_releases_what_is_reserved_and_the_customer_s_end_does_not(unit):
    unit.charged()
    unit.there.end_mandate(MANDATE)
    assert unit.sums() == (Word.AUTHORISED, 19900, 0, 0, 0)
    assert unit.do(unit.provider.capture(change("capture", 19900))).outcome is Outcome.SUCCEEDED
    late = unit.do(unit.provider.charge(charge(key="late", merchant_reference="q" * 20)))
    assert (late.outcome, late.reason) == (Outcome.REFUSED, "wrong_state")
    other = Unit().charged()
    other.do(other.provider.end_mandate(asked(key="end")))
    assert other.sums() == (Word.VOIDED, 19900, 0, 0, 19900)


def test_a_charge_that_is_not_due_yet_goes_with_the_mandate(unit):
    unit.given().do(unit.provider.charge(charge()))
    unit.there.end_mandate(MANDATE)
    unit.clock.advance(days=30)
    assert unit.sums() == (Word.VOIDED, 0, 0, 0, 0)


def test_a_customer_who_says_no_pays_nothing_first(unit):
    unit.do(unit.provider.agree(agreement(first=first())))
    unit.there.decline_mandate(MANDATE)
    found = unit.do(unit.provider.mandate(asked()))
    assert (found.word, found.reason) == (MandateWord.DECLINED, "declined_by_customer")
    assert unit.standing(FIRST, 9900, None).word is Word.DECLINED


@pytest.mark.parametrize(
    ("status", "outcome"), [(202, Outcome.PENDING), (204, Outcome.SUCCEEDED), (200, "unknown")]
)
def test_an_end_may_take_its_time(status, outcome):
    ended = exchange(provider().end_mandate(asked(key="end")), told(httpx.Response(status)))
    assert ended.outcome == outcome


# --- charges --------------------------------------------------------------------------------------


def test_a_charge_is_ordered_for_its_day_and_reserved(unit):
    unit.given().do(unit.provider.charge(charge(title="y" * 60)))
    assert unit.body == {
        "amount": 19900,
        "description": "y" * 45,
        "due": "2026-11-30",
        "orderId": PAYMENT,
        "retryDays": 5,
        "transactionType": "RESERVE_CAPTURE",
    }
    assert unit.seen[-1].url.path == f"/recurring/v3/agreements/{AGREEMENT}/charges"
    assert unit.seen[-1].headers["idempotency-key"] == "charge-1"


def test_what_is_captured_or_given_back_says_for_what(unit):
    line = OrderLine("c", "Kaffe, " + "z" * 50, 1, nok(19900), 2500, nok(3980))
    unit.charged().do(unit.provider.capture(change("one", 10000)))
    assert json.loads(unit.seen[-2].content) == {"amount": 10000, "description": PAYMENT}
    unit.do(unit.provider.capture(change("two", 9900, captured=10000, lines=(line,))))
    assert json.loads(unit.seen[-2].content)["description"] == "Kaffe, " + "z" * 38


def test_a_charge_that_fails_is_declined_with_their_reason(unit):
    unit.there.plan("authorise", Fault.NONE, Fault.DECLINE)
    unit.charged()
    found = unit.standing()
    assert (found.word, found.reason) == (Word.DECLINED, "user_action_required")


def test_a_lost_charge_is_found_by_our_reference(unit):
    unit.given()
    unit.there.plan("authorise", Fault.LOSE_ANSWER)
    with suppress(Exception):
        unit.do(unit.provider.charge(charge()))
    found = unit.standing(PAYMENT, 19900, None)
    assert (found.word, found.provider_reference) == (Word.PENDING, AGREEMENT)
    # And can be called off before its day.
    void = replace(change("void", 19900, None), books=Books(currency="NOK"))
    assert unit.do(unit.provider.void(void)).outcome is Outcome.SUCCEEDED
    assert unit.sums() == (Word.VOIDED, 0, 0, 0, 0)


def test_what_was_never_there_is_not_found(unit):
    unit.given()
    for reference in (None, AGREEMENT):
        assert unit.standing(PAYMENT, 19900, reference).word is Word.NOT_FOUND
        for name in ("capture", "void", "refund"):
            result = unit.do(getattr(unit.provider, name)(change(name, 100, reference)))
            assert (result.outcome, result.reason) == (Outcome.REFUSED, "not_found")


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"due": date(2026, 11, 21)}, "wrong_day"),
        ({"due": date(2029, 1, 1)}, "wrong_day"),
        ({"amount": nok(30001)}, "amount_too_high"),
        ({"token": Secret("agr_000002")}, "not_found"),
        ({"title": ""}, "invalid_request"),
    ],
)
def test_a_charge_that_the_mandate_does_not_cover_is_refused(unit, facts, reason):
    result = unit.given().do(unit.provider.charge(charge(**facts)))
    assert (result.outcome, result.reason) == (Outcome.REFUSED, reason)


def charged(status="RESERVED", captured=0, refunded=0, cancelled=0, history=("RESERVE",), **more):
    """A charge as they tell it."""
    return {
        "id": PAYMENT,
        "agreementId": AGREEMENT,
        "status": status,
        "amount": 19900,
        "currency": "NOK",
        "summary": {"captured": captured, "refunded": refunded, "cancelled": cancelled},
        "history": [{"event": event, "success": True} for event in history if event],
        **more,
    }


@pytest.mark.parametrize(
    "row",
    """
    status                 C     R     X  history  word       authorised captured refunded voided
    PENDING                0     0     0  -        pending             0        0        0      0
    DUE                    0     0     0  CREATE   pending             0        0        0      0
    PROCESSING             0     0     0  CREATE   pending             0        0        0      0
    PROCESSING             0     0     0  RESERVE  unclear             0        0        0      0
    DUE                  100     0     0  CREATE   unclear             0        0        0      0
    RESERVED               0     0     0  RESERVE  authorised      19900        0        0      0
    RESERVED               0     0     0  -        authorised      19900        0        0      0
    RESERVED               0     0 19900  RESERVE  voided          19900        0        0  19900
    RESERVED             100     0     0  RESERVE  unclear             0        0        0      0
    PARTIALLY_CAPTURED  5000     0     0  RESERVE  authorised      19900     5000        0      0
    PARTIALLY_CAPTURED  5000     0 14900  RESERVE  authorised      19900     5000        0  14900
    PARTIALLY_CAPTURED     0     0     0  RESERVE  unclear             0        0        0      0
    CHARGED            19900     0     0  RESERVE  authorised      19900    19900        0      0
    CHARGED             5000     0 14900  RESERVE  authorised      19900     5000        0  14900
    CHARGED                0     0     0  RESERVE  unclear             0        0        0      0
    PARTIALLY_REFUNDED 19900   900     0  RESERVE  authorised      19900    19900      900      0
    REFUNDED           19900   900     0  RESERVE  authorised      19900    19900      900      0
    REFUNDED           19900 19900     0  -        authorised      19900    19900    19900      0
    CANCELLED              0     0     0  CREATE   voided              0        0        0      0
    CANCELLED              0     0 19900  CREATE   voided              0        0        0      0
    CANCELLED              0     0 19900  RESERVE  voided          19900        0        0  19900
    CANCELLED              0     0     0  RESERVE  unclear             0        0        0      0
    CANCELLED           5000     0 14900  -        authorised      19900     5000        0  14900
    FAILED                 0     0     0  FAIL     declined            0        0        0      0
    FAILED                 0     0     0  RESERVE  unclear             0        0        0      0
    PAUSED                 0     0     0  -        unclear             0        0        0      0
    """.strip().splitlines()[1:],
)
def test_status_sums_and_history_say_how_a_charge_stands(row):
    status, c, r, x, event, word, *sums = row.split()
    body = charged(status, int(c), int(r), int(x), [event.strip("-")])
    found = exchange(provider().status(about()), told(httpx.Response(200, json=body)))
    seen = (found.authorised, found.captured, found.refunded, found.voided)
    assert (found.word, *(str(one.minor) for one in seen)) == (word, *sums)


def test_every_word_that_the_provider_has_is_known():
    file = described()
    for name, known in (("AgreementStatus", AGREEMENTS), ("ChargeStatus", CHARGES)):
        for word in known:
            file.check(name, word)
        with pytest.raises(Exception, match="is not one of") as caught:
            file.check(name, "PAUSED")
        assert str(caught.value).count("'") >= 2 * len(known)


def test_a_reservation_that_did_not_succeed_is_none():
    body = charged("FAILED", failureReason="technical_error")
    body["history"] = [{"event": "RESERVE", "success": False}, "odd"]
    found = exchange(provider().status(about()), told(httpx.Response(200, json=body)))
    assert (found.word, found.reason) == (Word.DECLINED, "technical_error")
    body["failureReason"] = {"text": "call us"}
    found = exchange(provider().status(about()), told(httpx.Response(200, json=body)))
    assert (found.word, found.reason) == (Word.DECLINED, "")


@pytest.mark.parametrize(
    "body",
    [
        charged(id="o" * 20),
        charged(agreementId="agr_other"),
        charged(amount=19901),
        charged(currency="DKK"),
        charged("CHARGED", 19901),
        charged("CHARGED", 19900, 19901),
        charged("CHARGED", 19900, 0, 1),
    ],
)
def test_what_cannot_be_is_a_contradiction(body):
    with pytest.raises(Contradiction):
        exchange(provider().status(about()), told(httpx.Response(200, json=body)))


BEFORE: dict[str, dict[str, Any]] = {
    "capture": {},
    "void": {"captured": 15000},
    "refund": {"captured": 15000},
}
AFTER = {
    "capture": charged("PARTIALLY_CAPTURED", 4900),
    "void": charged("CHARGED", 15000, 0, 4900),
    "refund": charged("PARTIALLY_REFUNDED", 15000, 4900),
}


def changed(name, status, body, looked=200):
    """Ask for a change: the answer to it is empty, and the look after it finds the body."""

    def handler(request):
        if request.url.path == "/accesstoken/get":
            return told(None)(request)
        if request.method == "GET":
            return httpx.Response(looked, json=body)
        return httpx.Response(status)

    return exchange(getattr(provider(), name)(change(name, 4900, **BEFORE[name])), handler)


@pytest.mark.parametrize("name", BEFORE)
def test_a_change_counts_once_its_sum_has_grown_by_what_was_asked(name):
    nothing_yet = {"capture": charged(), "void": charged("PARTIALLY_CAPTURED", 15000)}.get(
        name, charged("CHARGED", 15000, 0, 4900)
    )
    assert changed(name, 204, AFTER[name]).outcome is Outcome.SUCCEEDED
    assert changed(name, 202, AFTER[name]).outcome is Outcome.SUCCEEDED
    assert changed(name, 202, nothing_yet).outcome is Outcome.PENDING
    assert changed(name, 204, nothing_yet).outcome is Outcome.UNKNOWN
    assert changed(name, 204, AFTER[name], looked=500).outcome is Outcome.UNKNOWN
    assert changed(name, 204, []).outcome is Outcome.UNKNOWN
    for status in (200, 201, 206, 302, 500):
        assert changed(name, status, AFTER[name]).outcome is Outcome.UNKNOWN


# --- what they refuse -----------------------------------------------------------------------------

UNKNOWNS = (
    "conflict idempotency-conflict operation-failed charge-capture-failed cancel-charge-failed"
)


@pytest.mark.parametrize("kind", [*REFUSALS, *UNKNOWNS.split(), "a-new-one", ""])
def test_each_kind_of_problem_has_its_outcome(kind):
    there = provider()
    for status in (400, 401, 403, 404, 422):
        for operation in (
            there.agree(agreement()),
            there.charge(charge()),
            there.end_mandate(asked(key="end")),
            there.capture(change("one", 100)),
        ):
            result = exchange(operation, told(problem(status, kind)))
            assert result.reason == REFUSALS.get(kind, "")
            assert result.outcome == ("refused" if kind in REFUSALS else "unknown")
    for status in (200, 202, 409, 429, 500):
        result = exchange(there.charge(charge()), told(problem(status, kind)))
        assert result.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (httpx.Response(401, json={"responseInfo": {}, "result": {}}), "refused"),
        (httpx.Response(403, json={"statusCode": 403, "message": "no"}), "refused"),
        (httpx.Response(403, text="<html>"), "unknown"),
        (httpx.Response(400, json={"statusCode": 400, "message": "no"}), "unknown"),
    ],
)
def test_their_gateway_refuses_those_without_rights(response, outcome):
    assert exchange(provider().charge(charge()), told(response)).outcome == outcome


@pytest.mark.parametrize(
    "body",
    [
        {"agreementId": AGREEMENT},
        {"agreementId": AGREEMENT, "vippsConfirmationUrl": "vipps://agree"},
        {"agreementId": "a/b", **LINK},
        {"agreementId": AGREEMENT, **LINK},  # and no word of the first payment
        {},
    ],
)
def test_a_draft_without_all_that_is_needed_is_unknown(body):
    order = agreement(first=first())
    result = exchange(provider().agree(order), told(httpx.Response(201, json=body)))
    assert result == Result(outcome=Outcome.UNKNOWN)


def test_another_charge_s_name_is_a_contradiction():
    body = {"agreementId": AGREEMENT, **LINK, "chargeId": "o" * 20}
    there, answer = provider(), told(httpx.Response(201, json=body))
    with pytest.raises(Contradiction):
        exchange(there.agree(agreement(first=first())), answer)
    with pytest.raises(Contradiction):
        exchange(there.charge(charge()), answer)


def test_the_stand_in_refuses_what_is_no_request_of_theirs(unit):
    unit.given()
    token = unit.seen[-1].headers["authorization"]
    known = {"authorization": token, "ocp-apim-subscription-key": "simulated-subscription-key"}

    def raw(method, where, key="key", body=None):
        url = f"https://apitest.vipps.no/recurring/v3/{where}"
        headers = {**known, "idempotency-key": key}
        return unit.there.handle(httpx.Request(method, url, headers=headers, json=body))

    agreement_url = f"agreements/{AGREEMENT}"
    assert raw("PUT", agreement_url).status_code == 404
    assert raw("GET", "agreements/agr_000009").status_code == 404
    assert raw("PATCH", agreement_url, "k" * 41, {"status": "STOPPED"}).status_code == 400
    assert raw("PATCH", agreement_url, "both", {"status": "STOPPED", "x": 1}).status_code == 400
    draft = json.loads(unit.seen[-1].content)
    draft["pricing"]["currency"] = "EUR"
    assert raw("POST", "agreements", "euro", draft).status_code == 400
    unit.do(unit.provider.charge(charge()))
    again = raw("POST", f"{agreement_url}/charges", "other", unit.body)
    assert (again.status_code, again.json()["title"]) == (409, "reference taken")
    unit.there.plan("authorise", Fault.RATE_LIMIT)
    busy = raw("POST", "agreements", "busy", draft)
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "7")


def test_a_slow_capture_is_taken_in_and_one_that_fails_is_not_done(unit):
    unit.charged()
    unit.there.plan("capture", Fault.SLOW, Fault.DECLINE)
    assert unit.do(unit.provider.capture(change("slow", 10000))).outcome is Outcome.PENDING
    unit.clock.advance(minutes=1)
    assert unit.sums() == (Word.AUTHORISED, 19900, 10000, 0, 0)
    failed = unit.do(unit.provider.capture(change("fails", 9900, captured=10000)))
    assert failed.outcome is Outcome.UNKNOWN
    assert unit.sums() == (Word.AUTHORISED, 19900, 10000, 0, 0)
    unit.do(unit.provider.capture(change("rest", 9900, captured=10000)))
    unit.do(unit.provider.refund(change("back", 19900, captured=19900)))
    assert unit.sums() == (Word.AUTHORISED, 19900, 19900, 19900, 0)


# --- notices --------------------------------------------------------------------------------------


def test_a_notice_names_the_mandate_or_the_charge(unit):
    unit.charged().do(unit.provider.capture(change("capture", 19900)))
    unit.there.end_mandate(MANDATE)
    read = [unit.provider.read_notices(hook) for hook in unit.there.outbox]
    notices = [notice for (notice,) in read]
    assert [(one.merchant_reference, one.kind) for one in notices] == [
        (MANDATE, "recurring.agreement-activated.v1"),
        (PAYMENT, "recurring.charge-reserved.v1"),
        (PAYMENT, "recurring.charge-captured.v1"),
        (MANDATE, "recurring.agreement-stopped.v1"),
    ]
    assert len({one.id for one in notices}) == 4
    again = [unit.provider.read_notices(hook) for hook in unit.there.outbox]
    assert again == read


# --- suspicion ------------------------------------------------------------------------------------

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=12,
)
GOOD = [AFTER["capture"], agreed("PENDING", **LINK), {"chargeId": PAYMENT}]
bodies = st.one_of(
    st.binary(max_size=200),
    anything.map(lambda value: json.dumps(value).encode()),
    # A good answer, but for one field.
    st.sampled_from(GOOD)
    .flatmap(lambda good: st.tuples(st.just(good), st.sampled_from(sorted(good)), anything))
    .map(lambda spoilt: json.dumps(spoilt[0] | {spoilt[1]: spoilt[2]}).encode()),
)


@given(status=st.sampled_from([200, 201, 202, 302, 400, 401, 404, 409, 500]), body=bodies)
def test_no_odd_answer_is_ever_a_success_or_a_crash(status, body):
    there, handler = provider(), told(httpx.Response(status, content=body))
    operations = [there.agree(agreement()), there.charge(charge())]
    operations += [there.end_mandate(asked(key="end"))]
    operations += [getattr(there, name)(change(name, 4900, **BEFORE[name])) for name in BEFORE]
    for operation in operations:
        with suppress(Contradiction):
            assert exchange(operation, handler).outcome is not Outcome.SUCCEEDED
    with suppress(Contradiction):
        assert exchange(there.mandate(asked()), handler).token is None


@given(
    title=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200),
    minor=st.integers(100, MAXIMA["NOK"]),
    months=st.integers(0, 31),
    phone=st.one_of(st.text(max_size=20), st.from_regex(r"\A\+[0-9]{5,18}\Z")),
    due=st.dates(),
)
def test_whatever_is_ordered_the_request_is_one_that_the_provider_describes(
    title, minor, months, phone, due
):
    there, file = provider(), described()
    wanted = agreement(
        title=title,
        maximum=nok(minor),
        every_months=months,
        details={"phone": phone},
        first=first(),
    )
    token = told(None)(httpx.Request("POST", "https://x.example/accesstoken/get"))
    for operation, name in (
        (there.agree(wanted), "DraftAgreementV3"),
        (there.charge(charge(minor, title=title, due=due)), "CreateChargeV3"),
        (there.capture(change("one", minor)), "CaptureChargeV3"),
        (there.refund(change("one", minor)), "RefundChargeV3"),
        (there.void(change("one", minor)), "CancelChargeV3"),
    ):
        sent = next(operation)
        sent = operation.send(token) if sent.url.path == "/accesstoken/get" else sent
        assert file.operation(sent) == name
