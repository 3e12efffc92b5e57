"""The simulated bank's adapter keeps the contract, and the checks find adapters that do not."""

from __future__ import annotations

import hashlib
import hmac
import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from urllib.parse import quote

import httpx
import pytest

from checkoutflow.errors import Contradiction, TransportError, UntrustedNotice
from checkoutflow.money import Money
from checkoutflow.payment.outcomes import (
    Mandate,
    MandateWord,
    Operation,
    Outcome,
    Redirect,
    Result,
    Standing,
    Word,
)
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.contract import Ask, Notice, Webhook
from checkoutflow.providers.http import body_of, path
from checkoutflow.providers.simulated_bank import CAPABILITIES, SimulatedBankProvider
from checkoutflow.testing.adapters import (
    ADAPTER_CHECKS,
    AdapterCase,
    Stage,
    exchange,
)
from checkoutflow.testing.adapters.faults import about_something_else, broken, tampered
from checkoutflow.testing.bank import SimulatedBank

NOW = datetime(2025, 3, 30, 0, 59, 59, tzinfo=UTC)
GIFT_CODE = "GIFT-CODE-4711"
WORDS = {
    "authorise": ("state",),
    "status": ("state",),
    "capture": ("operation", "status"),
    "void": ("operation", "status"),
    "refund": ("operation", "status"),
}


ASKING = {"wallet", "app", "qr"}  # methods that send the customer to a page


def stage_of(
    *,
    credentials="ours",
    adapter=SimulatedBankProvider,
    capabilities=None,
    currency="DKK",
    method="card",
    **kind,
):
    """An adapter in front of a bank with an empty book; mandates are given on a page."""
    bank = SimulatedBank(
        lambda: NOW, api_key=f"{credentials}-api-key", notice_secret=f"{credentials}-secret", **kind
    )
    bank.issue_gift_card(GIFT_CODE, Money(1_000_000, currency))
    provider = bank.provider()
    offered, is_asking = capabilities or provider.capabilities, method in ASKING
    provider = adapter(provider.config, offered if is_asking else offered.but(mandates=None))

    def customer(action, approve):
        url = action.payload if action.kind == "show_qr" else action.url
        form = {"decision": "approve" if approve else "decline"}
        bank.handle(httpx.Request("POST", url, data=form))

    def notice():
        return bank.outbox[-1]

    return Stage(
        provider=provider,
        handler=bank.handle,
        customer=customer if is_asking else None,
        decline_next=bank.decline_next,
        notice=notice,
    )


def case_of(method="card", amount="123.45 DKK", **stage):
    money = Money.read(amount)
    make = partial(stage_of, currency=money.currency, method=method, **stage)
    return AdapterCase(
        make=make,
        foreign=partial(make, credentials="theirs"),
        method=method,
        amount=money,
        secrets=("ours-api-key", "ours-secret"),
        instrument=Secret(GIFT_CODE) if method == "gift_card" else None,
        details={"email": "customer@shop.example"},
        words=WORDS,
    )


def only(*operations, **claims):
    return CAPABILITIES.model_copy(update={"operations": frozenset(operations), **claims})


CASES = {
    "card": case_of(),
    "wallet": case_of("wallet", "99.00 SEK"),
    "gift card": case_of("gift_card", "500.00 NOK"),
    "app": case_of("app", "19.99 EUR"),
    "qr": case_of("qr", "4990 ISK"),
    "forgets keys": case_of(remembers_keys=False),
    "cannot be asked": case_of("wallet", can_be_asked=False),
    "no parts": case_of(
        capabilities=CAPABILITIES.model_copy(update={"captures": "whole", "partial_refund": False})
    ),
    "no refunds, kroner only": case_of(
        capabilities=only(
            Operation.AUTHORISE,
            Operation.CAPTURE,
            Operation.VOID,
            currencies=frozenset({"DKK"}),
        )
    ),
    "no voids": case_of(
        capabilities=only(Operation.AUTHORISE, Operation.CAPTURE, Operation.REFUND)
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", ADAPTER_CHECKS, ids=lambda check: check.__name__)
def test_the_simulated_bank_keeps_the_contract(check, case):
    check(case)


# --- wrong adapters: each check must find its own -------------------------------------------------


def wrong(**methods):
    """The adapter with some of its methods gone wrong."""
    return type("WrongProvider", (SimulatedBankProvider,), methods)


def sees(**changes):
    """It misreads how a payment stands; each change is made of the true standing."""

    def status(self, ask):
        standing = yield from SimulatedBankProvider.status(self, ask)
        changed = {name: change(standing) for name, change in changes.items()}
        return standing.model_copy(update=changed)

    return wrong(status=status)


def finds_mandates(change):
    """It misreads how a mandate stands."""

    def mandate(self, ask):
        return change((yield from SimulatedBankProvider.mandate(self, ask)))

    return wrong(mandate=mandate)


def given_too_early(mandate):
    is_early = mandate.word is MandateWord.PENDING
    return Mandate(word=MandateWord.ACTIVE, token=Secret("early")) if is_early else mandate


def asks_nobody(self, order):
    yield from SimulatedBankProvider.agree(self, order)
    return Result(outcome=Outcome.SUCCEEDED)


def takes(operation, heard, for_what):
    """It takes one outcome of an operation for another."""

    def operate(self, order):
        result = yield from getattr(SimulatedBankProvider, operation)(self, order)
        if result.outcome is heard:
            return result.model_copy(update={"outcome": for_what})
        return result

    return wrong(**{operation: operate})


def keys(operation, key):
    """It makes up its own key for an operation."""

    def operate(self, order):
        changed = replace(order, key=key(order))
        return (yield from getattr(SimulatedBankProvider, operation)(self, changed))

    return wrong(**{operation: operate})


def captures_at(where):
    """It sends captures to an address of its own making."""

    def capture(self, order):
        yield self._post(where(order), order.key, {})
        raise Contradiction("an answer about something else")

    return wrong(capture=capture)


def captured_if(is_success):
    """It has its own idea of when a capture succeeded."""

    def capture(self, order):
        body = {"amount": {"value": order.amount.minor, "currency": order.amount.currency}}
        where = path("v1", "payments", order.merchant_reference, "captures")
        response = yield self._post(where, order.key, body)
        return Result(outcome=Outcome.SUCCEEDED if is_success(response) else Outcome.UNKNOWN)

    return wrong(capture=capture)


def half_quoted(order):
    return quote(order.merchant_reference, safe="\r\n")


def does_everything(operation):
    """It does what its capabilities do not offer."""

    def operate(self, order):
        able = SimulatedBankProvider(self.config, CAPABILITIES)
        return (yield from getattr(able, operation)(order))

    return wrong(**{operation: operate})


def finish(operation, response):
    """What an operation returns on its last answer."""
    try:
        operation.send(response)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("that was not the last")


def numbers_requests():
    numbers = count()

    def numbered(self, *arguments):
        request = SimulatedBankProvider._request(self, *arguments)
        request.headers["x-request"] = str(next(numbers))
        return request

    return wrong(_request=numbered)


def counts(prefix):
    numbers = count()
    return lambda _order: f"{prefix}-{next(numbers)}"


def every_other_is_pending():
    numbers = count()

    def authorise(self, order):
        result = yield from SimulatedBankProvider.authorise(self, order)
        is_second = next(numbers) % 2
        return result.model_copy(update={"outcome": Outcome.PENDING}) if is_second else result

    return wrong(authorise=authorise)


def contradicts_itself():
    seen = set()

    def capture(self, order):
        if order.key in seen:
            raise Contradiction("that was done before")
        seen.add(order.key)
        return (yield from SimulatedBankProvider.capture(self, order))

    return wrong(capture=capture)


def keeps_the_order(self, order):
    type(self).order = order
    response = yield next(SimulatedBankProvider.authorise(self, order))
    latest = SimulatedBankProvider.authorise(self, type(self).order)
    next(latest)
    return finish(latest, response)


def one_reference_for_all(self, order):
    result = yield from SimulatedBankProvider.authorise(self, order)
    return result.model_copy(update={"provider_reference": "pay_000001"})


def retries(self, order):
    operation = SimulatedBankProvider.capture(self, order)
    request = next(operation)
    response = yield request
    if response.status_code == 500:
        response = yield request
    return finish(operation, response)


def polls_forever(self, order):
    yield next(SimulatedBankProvider.capture(self, order))
    for number in count():
        yield self._request("GET", f"/v1/payments/{number}")


def hopes(self, order):
    try:
        return (yield from SimulatedBankProvider.capture(self, order))
    except TransportError:
        return Result(outcome=Outcome.SUCCEEDED)


def needs_their_reference(self, ask):
    if ask.provider_reference is None:
        return Standing.nothing(Word.UNCLEAR, ask.amount.currency)
    return (yield from SimulatedBankProvider.status(self, ask))


def believes(is_genuine, read=lambda notice: notice):
    """It verifies notices in its own way."""

    def read_notices(self, hook):
        try:
            headers = {name.lower(): value for name, value in hook.headers.items()}
            signature = headers["bank-signature"]
            moment, version = signature.removeprefix("t=").split(",v1=")
            secret = self.config.notice_secret.reveal().encode()
            content = f"{moment}.".encode() + hook.body
            expected = hmac.new(secret, content, hashlib.sha256).hexdigest()
            if not is_genuine(expected, version):
                raise UntrustedNotice("not genuine")
            data = json.loads(hook.body)
            return (read(Notice(data["id"], data["merchant_reference"], data["type"])),)
        except (ValueError, KeyError, TypeError):
            raise UntrustedNotice("not readable") from None

    return wrong(read_notices=read_notices)


def reads_notices(change):
    """It does something around reading a notice: ``change(read, hook)``."""

    def read_notices(self, hook):
        return change(partial(SimulatedBankProvider.read_notices, self), hook)

    return wrong(read_notices=read_notices)


def needs_exact_case(read, hook):
    if "bank-signature" not in hook.headers:
        raise UntrustedNotice("no signature")
    return read(hook)


def indexes_headers(read, hook):
    return read(replace(hook, headers={"bank-signature": hook.headers["bank-signature"]}))


def parses_first(read, hook):
    json.loads(hook.body)
    return read(hook)


def has_no_clock(read, hook):
    names = (value for name, value in hook.headers.items() if name == "bank-signature")
    moment = next(names, "").partition(",")[0].removeprefix("t=")
    return read(replace(hook, now_s=int(moment)) if moment.isdecimal() else hook)


def runs_fast(read, hook):
    return read(replace(hook, now_s=hook.now_s + 200))


def knows_everybodys_secret(self, hook):
    for secret in ("ours-secret", "theirs-secret"):
        config = self.config.but(notice_secret=Secret(secret))
        with suppress(UntrustedNotice):
            return SimulatedBankProvider(config).read_notices(hook)
    raise UntrustedNotice("nobody's")


def lacking(*operations, **claims):
    return {"capabilities": only(*operations, **claims)}


OURS = SimulatedBankProvider
WALLET = {"method": "wallet"}
ELSEWHERE = Redirect(url="https://elsewhere.example/pay")

# The check, the adapter, more about the case, and what its author is told.
WRONG = [
    ("name_and", wrong(name="My Bank"), {}, "lower case letters"),
    ("name_and", wrong(capabilities=property(lambda _: 1, print)), {}, "must be a Capabilities"),
    ("name_and", OURS, lacking(Operation.CAPTURE), "must include authorise"),
    ("name_and", OURS, lacking(*Operation, currencies=frozenset({"XXX"})), "must be some of DKK"),
    ("name_and", OURS, lacking(*Operation, repeat_s=-1), "seconds, zero or more"),
    ("name_and", OURS, {"amount": "0.99 DKK"}, "at least 100 minor units"),
    (
        "what_is_not_offered",
        does_everything("capture"),
        lacking(Operation.AUTHORISE),
        "capture is not among the capabilities",
    ),
    (
        "what_is_not_offered",
        does_everything("status"),
        lacking(*Operation, can_be_asked=False),
        "status is not among the capabilities",
    ),
    (
        "what_is_not_offered",
        does_everything("authorise"),
        lacking(*Operation, currencies=frozenset({"DKK"})),
        "authorise in [A-Z]+ is not among the capabilities",
    ),
    ("the_same_order", numbers_requests(), {}, "leave out counters"),
    (
        "an_authorisation_shows",
        sees(authorised=lambda seen: seen.captured),
        {},
        "must say 123.45 DKK authorised; it says 0.00 DKK",
    ),
    ("an_authorisation_shows", sees(word=lambda _: Word.PENDING), {}, "authorised, not pending"),
    ("an_authorisation_shows", wrong(status=needs_their_reference), {}, "reference alone"),
    (
        "an_authorisation_shows",
        takes("authorise", Outcome.SUCCEEDED, Outcome.UNKNOWN),
        {},
        "must end as succeeded, or pending; it is unknown",
    ),
    ("a_customer_who", sees(word=lambda _: Word.AUTHORISED), WALLET, "must say pending"),
    ("a_customer_who", sees(action=lambda _: ELSEWHERE), WALLET, "with the same action or none"),
    ("a_no_is", takes("authorise", Outcome.DECLINED, Outcome.REFUSED), {}, "not refused"),
    ("a_no_is", sees(word=lambda _: Word.PENDING), WALLET, "must say declined, not pending"),
    ("captures", sees(captured=lambda seen: seen.refunded), {}, "41.15 DKK captured; it says 0.00"),
    ("captures", sees(authorised=lambda seen: seen.authorised - seen.captured), {}, "also after"),
    ("captures", takes("capture", Outcome.SUCCEEDED, Outcome.PENDING), {}, "must end as succeeded"),
    ("captures", takes("capture", Outcome.REFUSED, Outcome.UNKNOWN), {}, "after .* be refused"),
    ("refunds", sees(captured=lambda seen: seen.captured - seen.refunded), {}, "DKK captured"),
    ("refunds", takes("refund", Outcome.REFUSED, Outcome.SUCCEEDED), {}, "after .* be refused"),
    ("a_void", sees(voided=lambda seen: seen.refunded), {}, "123.45 DKK voided; it says 0.00 DKK"),
    ("the_same_key", keys("authorise", counts("pay")), {}, "authorise: a repeat under the same"),
    ("the_same_key", keys("refund", counts("back")), {}, "must say 41.15 DKK refunded"),
    ("the_same_key", contradicts_itself(), {}, "capture: a repeat .*Contradiction"),
    ("another_key", keys("capture", lambda order: order.merchant_reference), {}, "82.30 DKK capt"),
    ("a_stranger", sees(word=lambda _: Word.DECLINED), {}, "must say not_found, not declined"),
    (
        "a_mandate_is_given",
        finds_mandates(lambda seen: seen.but(token=None)),
        WALLET,
        "must say active and give the token",
    ),
    (
        "a_mandate_is_given",
        finds_mandates(lambda seen: seen.but(token=seen.token or Secret("any"))),
        WALLET,
        "after the customer's no, mandate must say declined",
    ),
    ("a_mandate_is_given", wrong(agree=asks_nobody), WALLET, "agree must end as pending with"),
    (
        "a_mandate_that_is_not_given",
        finds_mandates(given_too_early),
        WALLET,
        "while the customer decides, mandate must say pending, not active",
    ),
    (
        "a_mandate_that_is_not_given",
        finds_mandates(
            lambda seen: (
                seen.but(word=MandateWord.ENDED) if seen.word is MandateWord.NOT_FOUND else seen
            )
        ),
        WALLET,
        "mandate of an unknown reference must say not_found or unclear, not ended",
    ),
    (
        "a_charge",
        takes("charge", Outcome.SUCCEEDED, Outcome.UNKNOWN),
        WALLET,
        "a charge on a mandate must end as succeeded or pending; it is unknown",
    ),
    (
        "a_charge",
        sees(authorised=lambda seen: seen.captured),
        WALLET,
        "after a charge of 123.45 DKK, status must say it is authorised",
    ),
    ("a_charge", sees(refunded=lambda seen: seen.voided), WALLET, "after a charge was given back"),
    (
        "an_ended",
        takes("end_mandate", Outcome.SUCCEEDED, Outcome.PENDING),
        WALLET,
        "end_mandate must end as succeeded; it is pending",
    ),
    (
        "an_ended",
        finds_mandates(
            lambda seen: (
                seen.but(word=MandateWord.ACTIVE) if seen.word is MandateWord.ENDED else seen
            )
        ),
        WALLET,
        "after its end, mandate must say ended, not active",
    ),
    (
        "an_ended",
        takes("charge", Outcome.REFUSED, Outcome.PENDING),
        WALLET,
        "a charge on an ended mandate must be refused or declined; it is pending",
    ),
    ("operations_share", wrong(authorise=keeps_the_order), {}, "at once: .* another payment"),
    ("operations_share", wrong(authorise=one_reference_for_all), {}, "one provider reference"),
    ("operations_share", every_other_is_pending(), {}, "two at once do not end as alone"),
    ("a_lost_answer", wrong(capture=hopes), {}, "with no answer, must not be succeeded"),
    (
        "broken_answers",
        takes("capture", Outcome.UNKNOWN, Outcome.REFUSED),
        {},
        "capture, answered with status 500 over the good body, must not be refused",
    ),
    (
        "broken_answers",
        captured_if(lambda response: response.status_code == 409),
        {},
        "capture, answered with status 409 with a web page, must not be succeeded",
    ),
    (
        "broken_answers",
        captured_if(lambda response: response.is_success),
        {},
        "capture, answered with status 299, which nobody documents, must not be succeeded",
    ),
    (
        "broken_answers",
        captured_if(lambda response: response.status_code == 201),
        {},
        "capture, answered with a web page, must not be succeeded",
    ),
    (
        "broken_answers",
        captured_if(lambda response: response.status_code == 201 and response.json()),
        {},
        "capture, answered with a web page: JSONDecodeError comes out of the adapter",
    ),
    (
        "broken_answers",
        captured_if(
            lambda response: (
                response.status_code == 201
                and b'"done"' in response.content
                and len(response.content) < 1 << 20
            )
        ),
        {},
        "capture, answered with .* must not be succeeded",
    ),
    (
        "broken_answers",
        sees(word=lambda seen: Word.DECLINED if seen.word is Word.UNCLEAR else seen.word),
        {},
        "status, answered with status 500 over the good body, must not be declined",
    ),
    ("broken_answers", wrong(capture=retries), {}, "sends the same request again"),
    ("broken_answers", wrong(capture=polls_forever), {}, "sends more than 10 requests"),
    (
        "answers_about_something_else",
        captured_if(lambda response: b'"status":"done"' in response.content.replace(b" ", b"")),
        {},
        "capture, answered with amount .* must not be succeeded",
    ),
    (
        "unknown_words",
        takes("capture", Outcome.PENDING, Outcome.SUCCEEDED),
        {},
        "operation.status 'a_word_nobody_knows', must not be succeeded",
    ),
    (
        "references_stay",
        captures_at(lambda order: f"/v1/payments/{order.merchant_reference}/captures"),
        {},
        "capture: the merchant_reference 'a/b' must stay one part of the address",
    ),
    (
        "references_stay",
        captures_at(lambda order: f"/v1/captures?of={order.provider_reference}"),
        {},
        "capture: the provider_reference 'a#b' must stay one part of the address",
    ),
    (
        "references_stay",
        captures_at(lambda order: f"/v1/{half_quoted(order)}"),
        {},
        r"capture: the merchant_reference '\.\.' must stay one part of the address",
    ),
    (
        "references_stay",
        captures_at(lambda order: f"/v1/of/{half_quoted(order).replace('..', '%2E%2E')}"),
        {},
        r"capture: the merchant_reference 'a\\r\\nb' must stay one part of the address",
    ),
    ("a_genuine", reads_notices(needs_exact_case), {}, "header names come in any case"),
    ("a_genuine", reads_notices(indexes_headers), {}, "read_notices raises KeyError"),
    ("a_genuine", believes(lambda *_: False), {}, "must be read; yours is untrusted"),
    (
        "a_genuine",
        believes(lambda *_: True, lambda notice: replace(notice, id="")),
        {},
        "must be read; yours is untrusted",
    ),
    (
        "a_genuine",
        believes(lambda *_: True, lambda notice: replace(notice, merchant_reference=notice.id)),
        {},
        "must carry our merchant reference",
    ),
    ("a_changed", believes(lambda *_: True), {}, "junk proof must be untrusted|byte 0"),
    ("a_changed", believes(lambda good, given: good[:8] == given[:8]), {}, "at character 24"),
    ("a_changed", reads_notices(parses_first), {}, "read_notices raises JSONDecodeError"),
    ("an_old", reads_notices(has_no_clock), {}, "signed more than 300 s ago"),
    ("an_old", reads_notices(runs_fast), {}, "must be believed for 300 s"),
    ("a_foreign", wrong(read_notices=knows_everybodys_secret), {}, "another merchant's secret"),
    ("signatures", believes(lambda good, given: good == given), {}, "compare_digest, not with =="),
    (
        "credentials",
        wrong(__repr__=lambda self: f"Bank({self.config.api_key.reveal()})"),
        {},
        "a credential shows in a repr",
    ),
]


@pytest.mark.parametrize(
    ("name", "adapter", "more", "advice"),
    WRONG,
    ids=[f"{i}-{row[0]}" for i, row in enumerate(WRONG)],
)
def test_a_check_finds_the_adapter_that_is_wrong(name, adapter, more, advice):
    (check,) = (check for check in ADAPTER_CHECKS if check.__name__.startswith(name))
    with pytest.raises(AssertionError, match=advice):
        check(case_of(adapter=adapter, **more))


def test_every_check_is_shown_to_find_something():
    assert all(
        any(check.__name__.startswith(name) for name, *_ in WRONG) for check in ADAPTER_CHECKS
    )


# --- wrong cases: the checks tell their author what is missing ------------------------------------


def without(**stage):
    """A case whose stage lacks something."""
    case = case_of("wallet")
    return replace(case, make=lambda: replace(case.make(), **stage))


@pytest.mark.parametrize(
    ("name", "case", "advice"),
    [
        ("name_and", replace(case_of(can_be_asked=False), signature="none"), "must sign"),
        ("an_authorisation_shows", without(customer=None), "fill in Stage.customer"),
        ("a_no_is", without(customer=None, decline_next=None), "people do say no"),
        ("unknown_words", replace(case_of(), words={"capture": ("outcome",)}), "nothing is there"),
        ("unknown_words", replace(case_of(), words={"settle": ()}), "no operation called settle"),
        ("a_foreign", replace(case_of(), foreign=lambda: stage_of(
            adapter=believes(lambda *_: False))), "genuine notices of its own"),
    ],
)  # fmt: skip
def test_a_case_that_is_not_filled_in_is_found(name, case, advice):
    (check,) = (check for check in ADAPTER_CHECKS if check.__name__.startswith(name))
    with pytest.raises(AssertionError, match=advice):
        check(case)


# --- other kinds of providers ---------------------------------------------------------------------


@pytest.mark.parametrize("check", ADAPTER_CHECKS, ids=lambda check: check.__name__)
def test_notices_that_nobody_signs_are_hints_and_only_have_to_be_readable(check):
    hints = believes(lambda *_: True)

    def make():
        stage = stage_of(adapter=hints)
        headers = {"bank-signature": "t=0,v1=0"}
        notice = lambda: Webhook(headers, stage.notice().body, 0.0)  # noqa: E731 - a field
        return replace(stage, notice=notice)

    check(replace(case_of(), make=make, foreign=make, signature="none"))


@pytest.mark.parametrize("check", ADAPTER_CHECKS, ids=lambda check: check.__name__)
def test_where_there_is_no_capture_authorising_sells(check):
    """As with instant payments: the bank captures by itself as soon as the customer has paid."""
    capabilities = only(Operation.AUTHORISE, Operation.REFUND)

    def make():
        stage = stage_of(capabilities=capabilities)

        def handler(request):
            response = stage.handler(request)
            is_payment = request.url.path == "/v1/payments"
            if is_payment and response.json()["state"] == "authorised":
                order = json.loads(request.content)
                capture(stage, order["merchant_reference"], order["amount"])
            return response

        return replace(stage, handler=handler)

    check(replace(case_of(), make=make))


def capture(stage, reference, amount):
    """Capture in the bank's portal; the second time there is nothing left to capture."""
    url = f"https://bank.example/portal/payments/{reference}/captures"
    headers = {"authorization": "Bearer ours-api-key"}
    stage.handler(httpx.Request("POST", url, headers=headers, json={"amount": amount}))


def with_a_token(operation):
    """An operation that fetches a token first, as with providers that hand them out."""

    def operate(self, order):
        asked = getattr(SimulatedBankProvider, operation)(self, order)
        request = next(asked)  # what is not offered is refused before a token is asked for
        answer = yield httpx.Request("POST", f"{self.config.base_url}/token")
        match answer.status_code, body_of(answer):
            case 200, {"token": str()}:
                return finish(asked, (yield request))
            case _:
                return Result(outcome=Outcome.REFUSED)

    return operate


@pytest.mark.parametrize("check", ADAPTER_CHECKS, ids=lambda check: check.__name__)
def test_an_operation_of_two_requests_keeps_the_contract(check):
    adapter = wrong(**{name: with_a_token(name) for name in ("authorise", "capture", "void")})

    def make():
        stage = stage_of(adapter=adapter)

        def handler(request):
            if request.url.path == "/token":
                return httpx.Response(200, json={"token": "t"})
            return stage.handler(request)

        return replace(stage, handler=handler)

    check(replace(case_of(), make=make))


def looks_again(self, order):
    asked = SimulatedBankProvider.capture(self, order)
    response = yield next(asked)
    if response.status_code >= 500:
        yield self._request("GET", path("v1", "payments", order.merchant_reference))
    return finish(asked, response)


@pytest.mark.parametrize("check", ADAPTER_CHECKS, ids=lambda check: check.__name__)
def test_an_operation_that_sends_one_more_request_after_an_error_keeps_the_contract(check):
    check(case_of(adapter=wrong(capture=looks_again)))


# --- breaking things ------------------------------------------------------------------------------


def test_an_answer_without_json_is_broken_as_a_whole_only():
    names = [how.name for how in broken(httpx.Response(200, text="DONE"))]
    assert "status 500 over the good body" in names
    assert "a body cut in the middle" in names
    assert not any(name.startswith("no ") for name in names)
    assert not others(httpx.Response(200, text="DONE"))


def others(good):
    amount = Money(10000, "DKK")
    return list(about_something_else(good, amount=amount, merchant_reference="a" * 20))


def test_an_empty_answer_is_broken_by_its_status_only():
    assert all(how.name.startswith("status") for how in broken(httpx.Response(204)))


@pytest.mark.parametrize("amount", [10000, "100.00", 100.0])
def test_an_amount_is_found_in_minor_units_and_as_a_decimal(amount):
    good = httpx.Response(200, json={"sum": amount, "is_paid": True, "name": "100", "x": "one"})
    changed = [how.change(good).json() for how in others(good)]
    assert changed
    assert all(body.get("sum") != amount for body in changed)
    assert all(body["is_paid"] is True for body in changed)


def test_a_notice_that_is_no_json_is_tampered_with_byte_by_byte():
    names = [name for name, _ in tampered(b"status=paid")]
    assert "byte 0 changed" in names
    assert not any("JSON" in name for name in names)


# --- running an operation -------------------------------------------------------------------------


def test_exchange_gives_what_the_operation_returns():
    def operation():
        first = yield httpx.Request("GET", "https://bank.example/one")
        second = yield httpx.Request("GET", f"https://bank.example/{first.text}")
        return second.text

    answers = {"/one": "two", "/two": "done"}
    assert exchange(operation(), lambda r: httpx.Response(200, text=answers[r.url.path])) == "done"


def test_exchange_tells_the_operation_that_no_answer_came():
    def operation():
        try:
            yield httpx.Request("GET", "https://bank.example/one")
        except TransportError:
            return (yield httpx.Request("GET", "https://bank.example/two")).status_code

    def handler(request):
        if request.url.path == "/one":
            raise httpx.ConnectTimeout("slow")
        return httpx.Response(204)

    assert exchange(operation(), handler) == 204


def test_exchange_raises_our_own_error_when_no_answer_came():
    def lose(_request):
        raise httpx.ReadError("gone")

    with pytest.raises(TransportError, match="no answer: ReadError"):
        exchange(stage_of().provider.status(Ask("a" * 20, None, Money(100, "DKK"), "card")), lose)
