"""The simulated bank's adapter keeps the contract, and the checks find adapters that do not."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

import httpx
import pytest

from checkoutflow.errors import TransportError, UntrustedNotice
from checkoutflow.money import Money
from checkoutflow.payment.outcomes import Operation, Outcome, Result, Standing, Word
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.contract import Notice
from checkoutflow.providers.http import path, request
from checkoutflow.providers.simulated_bank import CAPABILITIES, SimulatedBankProvider
from checkoutflow.testing.adapters import (
    ADAPTER_CHECKS,
    AdapterCase,
    SealedNotice,
    Stage,
    exchange,
)
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


def stage_of(
    *, credentials="ours", adapter=SimulatedBankProvider, capabilities=None, currency="DKK", **bank
):
    """An adapter in front of a bank with an empty book."""
    bank = SimulatedBank(
        lambda: NOW, api_key=f"{credentials}-api-key", notice_secret=f"{credentials}-secret", **bank
    )
    bank.issue_gift_card(GIFT_CODE, Money(1_000_000, currency))
    provider = bank.provider()
    provider = adapter(provider.config, capabilities or provider.capabilities)

    def customer(action, approve):
        url = action.payload if action.kind == "show_qr" else action.url
        form = {"decision": "approve" if approve else "decline"}
        bank.handle(httpx.Request("POST", url, data=form))

    def notice():
        headers, body = bank.outbox[-1]
        return SealedNotice(headers, body, NOW.timestamp())

    return Stage(
        provider=provider,
        handler=bank.handle,
        customer=customer,
        decline_next=bank.decline_next,
        notice=notice,
    )


def case_of(method="card", amount="123.45 DKK", **stage):
    money = Money.read(amount)

    def make():
        made = stage_of(currency=money.currency, **stage)
        return made if method in {"wallet", "app", "qr"} else replace(made, customer=None)

    return AdapterCase(
        make=make,
        foreign=lambda: stage_of(credentials="theirs", currency=money.currency, **stage),
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
        capabilities=CAPABILITIES.model_copy(
            update={"partial_capture": False, "partial_refund": False}
        )
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


# --- wrong adapters: each check must find its own ---------------------------------------------------


def wrong(**methods):
    """The adapter, with some of its methods gone wrong."""
    return type("WrongProvider", (SimulatedBankProvider,), methods)


def sees(**changes):
    """An adapter that misreads how a payment stands: each change is made of the true standing."""

    def status(self, ask):
        standing = yield from SimulatedBankProvider.status(self, ask)
        changed = {name: change(standing) for name, change in changes.items()}
        return standing.model_copy(update=changed)

    return wrong(status=status)


def ends(operation, change):
    """An adapter that misreads how an operation ended."""

    def operate(self, order):
        result = yield from getattr(SimulatedBankProvider, operation)(self, order)
        return change(result)

    return wrong(**{operation: operate})


def outcome(value):
    return lambda result: Result(outcome=value, provider_reference=result.provider_reference)


def if_outcome(old, new):
    return lambda result: outcome(new)(result) if result.outcome is old else result


def keyed(operation, key):
    """An adapter that sends another key than the order's."""

    def operate(self, order):
        changed = replace(order, key=key(order))
        asked = getattr(SimulatedBankProvider, operation)(self, changed)
        return (yield from asked)

    return wrong(**{operation: operate})


def posts(where, read):
    """An adapter with a capture of its own making."""

    def capture(self, order):
        body = {"amount": {"value": order.amount.minor, "currency": order.amount.currency}}
        url = f"{self.config.base_url}{where(order)}"
        headers = {
            "authorization": f"Bearer {self.config.api_key.reveal()}",
            "idempotency-key": order.key,
        }
        response = yield request("POST", url, headers=headers, body=body)
        return (yield from read(response)) if callable(read) else read

    return wrong(capture=capture)


def quoted(order):
    return path("v1", "payments", order.merchant_reference, "captures")


def by(function):
    """A reader of answers that needs no further request."""

    def read(response):
        return Result(outcome=function(response))
        yield

    return read


def counting(name="x-request"):
    """An adapter that numbers its requests."""
    numbers = count()

    def request_of(self, *arguments):
        made = SimulatedBankProvider._request(self, *arguments)
        made.headers[name] = str(next(numbers))
        return made

    return wrong(_request=request_of)


def retries(self, order):
    asked = SimulatedBankProvider.capture(self, order)
    sent = next(asked)
    response = yield sent
    for _ in range(2):
        if response.status_code >= 500:
            response = yield sent
    try:
        asked.send(response)
    except StopIteration as stop:
        return stop.value


def polls_forever(self, order):
    asked = SimulatedBankProvider.capture(self, order)
    response = yield next(asked)
    number = 0
    while response.status_code == 500:
        number += 1
        response = yield self._request("GET", f"/v1/payments/{number}")
    try:
        asked.send(response)
    except StopIteration as stop:
        return stop.value


def shares(self, order):
    """Keep the order on the class while the request is under way."""
    type(self).order = order
    asked = SimulatedBankProvider.authorise(self, order)
    response = yield next(asked)
    again = SimulatedBankProvider.authorise(self, type(self).order)
    next(again)
    try:
        again.send(response)
    except StopIteration as stop:
        return stop.value


def one_for_all(self, order):
    """Give every payment the reference that the last one got."""
    result = yield from SimulatedBankProvider.authorise(self, order)
    return result.model_copy(update={"provider_reference": "pay_000001"})


def hopes(self, order):
    try:
        return (yield from SimulatedBankProvider.capture(self, order))
    except TransportError:
        return Result(outcome=Outcome.SUCCEEDED)


def needs_their_reference(self, ask):
    if ask.provider_reference is None:
        return Standing.nothing(Word.UNCLEAR, ask.amount.currency)
    return (yield from SimulatedBankProvider.status(self, ask))


def does_not_care(operation):
    """An adapter that offers less than it sends."""

    def operate(self, order):
        able = SimulatedBankProvider(self.config, CAPABILITIES)
        return (yield from getattr(able, operation)(order))

    return wrong(**{operation: operate})


def believes(verify, read=None):
    """An adapter with a verification of its own making."""

    def read_notice(self, headers, body, *, now_s):
        lower = {name.lower(): value for name, value in headers.items()}
        try:
            moment, version = lower["bank-signature"].split(",")
            secret = self.config.notice_secret.reveal().encode()
            content = moment.removeprefix("t=").encode() + b"." + body
            expected = hmac.new(secret, content, hashlib.sha256).hexdigest()
            is_genuine = verify(expected, version.removeprefix("v1="), body)
            is_fresh = abs(now_s - int(moment.removeprefix("t="))) <= 300
            if not (is_genuine and is_fresh):
                raise UntrustedNotice("no")
            data = json.loads(body)
            return (read or plainly)(data)
        except (ValueError, KeyError, TypeError):
            raise UntrustedNotice("no") from None

    return wrong(read_notice=read_notice)


def plainly(data):
    return Notice(data["id"], data["merchant_reference"], data["type"])


def exact(expected, given, _body):
    return hmac.compare_digest(expected, given)


def notices(change):
    """An adapter whose reading of notices is changed: `change(read, headers, body, now_s)`."""

    def read_notice(self, headers, body, *, now_s):
        def read(headers, body, now_s):
            return SimulatedBankProvider.read_notice(self, headers, body, now_s=now_s)

        return change(read, headers, body, now_s)

    return wrong(read_notice=read_notice)


def stops_the_clock(read, headers, body, now_s):
    """Believe any age by believing the time in the header."""
    signature = next((v for n, v in headers.items() if n.lower() == "bank-signature"), "t=0,")
    moment = signature.partition(",")[0].removeprefix("t=")
    return read(headers, body, float(moment) if moment.isdecimal() else now_s)


def exact_case(read, headers, body, now_s):
    if "bank-signature" not in headers:
        raise UntrustedNotice("no signature")
    return read(headers, body, now_s)


def raises_key_errors(read, headers, body, now_s):
    headers["bank-signature"]
    return read(headers, body, now_s)


def parses_first(read, headers, body, now_s):
    json.loads(body)
    return read(headers, body, now_s)


def everybody_is_us(self, headers, body, *, now_s):
    ours = Secret("ours-secret")
    theirs = replace(self.config, notice_secret=Secret("theirs-secret"))
    for config in (replace(self.config, notice_secret=ours), theirs):
        try:
            return SimulatedBankProvider(config).read_notice(headers, body, now_s=now_s)
        except UntrustedNotice:
            pass
    raise UntrustedNotice("no")


WRONG = [
    ("name_and_capabilities", {"adapter": wrong(name="My Bank")}, "lower case letters"),
    ("name_and_capabilities", {"adapter": wrong(capabilities={})}, "must be a Capabilities"),
    ("name_and_capabilities", {"capabilities": only(Operation.CAPTURE)}, "include authorise"),
    (
        "name_and_capabilities",
        {"capabilities": only(*Operation, currencies=frozenset({"DKK", "XXX"}))},
        "currencies must be some of",
    ),
    ("name_and_capabilities", {"capabilities": only(*Operation, repeat_s=-1)}, "zero or more"),
    (
        "what_is_not_offered",
        {"adapter": does_not_care("capture"), "capabilities": only(Operation.AUTHORISE)},
        "capture is not among",
    ),
    (
        "what_is_not_offered",
        {"adapter": does_not_care("status"), "capabilities": only(*Operation, can_be_asked=False)},
        "status is not among",
    ),
    (
        "what_is_not_offered",
        {
            "adapter": does_not_care("authorise"),
            "capabilities": only(*Operation, currencies=frozenset({"DKK"})),
        },
        "authorise in .* is not",
    ),
    ("the_same_order_gives", {"adapter": counting()}, "leave out counters"),
    (
        "an_authorisation_shows",
        {"adapter": sees(authorised=lambda seen: seen.authorised - seen.authorised)},
        "must say 123.45 DKK authorised; it says 0.00 DKK",
    ),
    (
        "an_authorisation_shows",
        {"adapter": sees(word=lambda _: Word.PENDING)},
        "must say authorised, not pending",
    ),
    (
        "an_authorisation_shows",
        {"adapter": wrong(status=needs_their_reference)},
        "by our merchant reference alone",
    ),
    (
        "an_authorisation_shows",
        {"adapter": ends("authorise", outcome(Outcome.UNKNOWN))},
        "must end as succeeded, or pending with an action; it is unknown",
    ),
    (
        "a_customer_who_has_not_decided",
        {"method": "wallet", "adapter": sees(word=lambda _: Word.AUTHORISED)},
        "must say pending",
    ),
    (
        "a_customer_who_has_not_decided",
        {"method": "wallet", "adapter": sees(action=lambda _: None)},
        "with the same action",
    ),
    (
        "a_no_is_declined",
        {"adapter": ends("authorise", if_outcome(Outcome.DECLINED, Outcome.REFUSED))},
        "not refused",
    ),
    (
        "a_no_is_declined",
        {"method": "wallet", "adapter": sees(word=lambda _: Word.PENDING)},
        "after the customer's no, status must say declined",
    ),
    (
        "captures_add_up",
        {"adapter": sees(captured=lambda seen: seen.refunded)},
        "must say 41.15 DKK captured; it says 0.00 DKK",
    ),
    (
        "captures_add_up",
        {"adapter": sees(authorised=lambda seen: seen.authorised - seen.captured)},
        "count what was authorised also after",
    ),
    (
        "captures_add_up",
        {"adapter": ends("capture", if_outcome(Outcome.REFUSED, Outcome.UNKNOWN))},
        "capturing .* must be refused; it is unknown",
    ),
    (
        "captures_add_up",
        {"adapter": ends("capture", outcome(Outcome.PENDING))},
        "capture of 41.15 DKK must end as succeeded; it is pending",
    ),
    (
        "refunds_add_up",
        {"adapter": sees(captured=lambda seen: seen.captured - seen.refunded)},
        "DKK captured; it says",
    ),
    (
        "refunds_add_up",
        {"adapter": ends("refund", if_outcome(Outcome.REFUSED, Outcome.SUCCEEDED))},
        "refunding .* must be refused",
    ),
    (
        "a_void_releases",
        {"adapter": sees(voided=lambda seen: seen.voided - seen.voided)},
        "DKK voided; it says 0.00 DKK",
    ),
    (
        "the_same_key_does_it_once",
        {"adapter": keyed("refund", lambda _, numbers=count(): f"refund-{next(numbers)}")},
        "refund: a repeat|must say 41.15 DKK refunded",
    ),
    (
        "the_same_key_does_it_once",
        {"adapter": keyed("authorise", lambda _, numbers=count(): f"pay-{next(numbers)}")},
        "authorise: a repeat under the same key must give the first answer",
    ),
    (
        "another_key_does_it_again",
        {"adapter": keyed("capture", lambda order: order.merchant_reference)},
        "must say 82.30 DKK captured; it says 41.15 DKK",
    ),
    (
        "a_stranger_is_not_found",
        {"adapter": sees(word=lambda _: Word.DECLINED)},
        "must say not_found, not declined",
    ),
    ("operations_share_nothing", {"adapter": wrong(authorise=shares)}, "another payment; keep"),
    ("operations_share_nothing", {"adapter": wrong(authorise=one_for_all)}, "one provider ref"),
    (
        "operations_share_nothing",
        {
            "adapter": ends(
                "authorise",
                lambda result, n=count(): outcome(
                    Outcome.SUCCEEDED if next(n) == 0 else Outcome.PENDING
                )(result),
            )
        },
        "do not end as alone",
    ),
    ("a_lost_answer_stays_lost", {"adapter": wrong(capture=hopes)}, "no answer, must not be succ"),
    (
        "broken_answers",
        {"adapter": ends("capture", if_outcome(Outcome.UNKNOWN, Outcome.REFUSED))},
        "capture, answered with status 500 over the good body, must not be refused",
    ),
    (
        "broken_answers",
        {
            "adapter": posts(
                quoted,
                by(lambda response: Outcome.SUCCEEDED if response.is_success else Outcome.UNKNOWN),
            )
        },
        "capture, answered with status 299.* must not be succeeded",
    ),
    (
        "broken_answers",
        {
            "adapter": posts(
                quoted,
                by(
                    lambda response: (
                        Outcome.SUCCEEDED if response.status_code == 201 else Outcome.UNKNOWN
                    )
                ),
            )
        },
        "capture, answered with a web page, must not be succeeded",
    ),
    (
        "broken_answers",
        {
            "adapter": posts(
                quoted,
                by(
                    lambda response: (
                        Outcome.SUCCEEDED
                        if response.json()["operation"]["status"] == "done"
                        else Outcome.UNKNOWN
                    )
                ),
            )
        },
        "JSONDecodeError comes out of the adapter",
    ),
    (
        "broken_answers",
        {
            "adapter": sees(
                word=lambda seen: Word.DECLINED if seen.word is Word.UNCLEAR else seen.word
            )
        },
        "status, answered with .* must not be declined",
    ),
    ("broken_answers", {"adapter": wrong(capture=retries)}, "sends the same request again"),
    ("broken_answers", {"adapter": wrong(capture=polls_forever)}, "more than 10 requests"),
    (
        "answers_about_something_else",
        {
            "adapter": posts(
                quoted,
                by(
                    lambda response: (
                        Outcome.SUCCEEDED
                        if b'"status":"done"' in response.content.replace(b" ", b"")
                        else Outcome.UNKNOWN
                    )
                ),
            )
        },
        "capture, answered with amount .* must not be succeeded",
    ),
    (
        "unknown_words",
        {"adapter": ends("capture", if_outcome(Outcome.PENDING, Outcome.SUCCEEDED))},
        "operation.status 'a_word_nobody_knows', must not be succeeded",
    ),
    (
        "references_stay",
        {
            "adapter": posts(
                lambda order: f"/v1/payments/{order.merchant_reference}/captures",
                by(lambda _: Outcome.UNKNOWN),
            )
        },
        "capture: the merchant_reference 'a/b' must stay one part",
    ),
    (
        "references_stay",
        {
            "adapter": posts(
                lambda order: f"/v1/captures?of={order.provider_reference}",
                by(lambda _: Outcome.UNKNOWN),
            )
        },
        "capture: the provider_reference 'a#b' must stay one part",
    ),
    ("a_genuine_notice", {"adapter": notices(exact_case)}, "header names come in any case"),
    ("a_genuine_notice", {"adapter": notices(raises_key_errors)}, "read_notice raises KeyError"),
    (
        "a_genuine_notice",
        {"adapter": believes(lambda *_: False)},
        "a genuine notice must be read; yours is untrusted",
    ),
    (
        "a_genuine_notice",
        {"adapter": believes(exact, lambda data: replace(plainly(data), id=""))},
        "needs an id",
    ),
    (
        "a_genuine_notice",
        {
            "adapter": believes(
                exact, lambda data: replace(plainly(data), merchant_reference=data["payment_id"])
            )
        },
        "must carry our merchant reference",
    ),
    ("a_changed_notice", {"adapter": believes(lambda *_: True)}, "must be untrusted"),
    (
        "a_changed_notice",
        {"adapter": believes(lambda expected, given, _: expected[:8] == given[:8])},
        "changed at character",
    ),
    ("a_changed_notice", {"adapter": notices(parses_first)}, "read_notice raises JSONDecodeError"),
    ("an_old_notice", {"adapter": notices(stops_the_clock)}, "more than 300 s ago"),
    (
        "an_old_notice",
        {"adapter": notices(lambda read, headers, body, now_s: read(headers, body, now_s + 200))},
        "must be believed for 300 s",
    ),
    ("a_foreign_notice", {"adapter": wrong(read_notice=everybody_is_us)}, "another merchant's"),
    (
        "signatures_are_compared",
        {"adapter": believes(lambda expected, given, _: expected == given)},
        "with hmac.compare_digest, not with ==",
    ),
    (
        "credentials_never_show",
        {"adapter": wrong(__repr__=lambda self: f"Bank({self.config.api_key.reveal()})")},
        "a credential shows",
    ),
]


@pytest.mark.parametrize(("name", "how", "advice"), WRONG, ids=map(str, range(len(WRONG))))
def test_a_check_finds_the_adapter_that_is_wrong(name, how, advice):
    (check,) = (check for check in ADAPTER_CHECKS if check.__name__.startswith(name))
    with pytest.raises(AssertionError, match=advice):
        check(case_of(**how))


def test_every_check_is_shown_to_find_something():
    assert all(
        any(check.__name__.startswith(name) for name, _, _ in WRONG) for check in ADAPTER_CHECKS
    )
