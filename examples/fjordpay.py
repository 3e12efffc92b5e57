"""Fjordpay: card payments in DKK and NOK. Source: imaginary, API 3, read 2025-01-15.

A template for adapters: the adapter, a fake of the service, and the case for the checks. The page
"Write your own adapter" explains it. Check it with ``checkoutflow conform fjordpay:CASE``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import httpx

from checkoutflow import Contradiction, Money, UntrustedNotice
from checkoutflow.payment.outcomes import Operation, Outcome, Result, Standing, Word
from checkoutflow.privacy import Secret
from checkoutflow.providers import http, notices
from checkoutflow.providers.contract import Capabilities, Notice, Webhook
from checkoutflow.testing.adapters import AdapterCase, Stage

if TYPE_CHECKING:
    from checkoutflow.providers.contract import Ask, Authorise, Exchange, Modification

OUTCOMES = {"done": Outcome.SUCCEEDED, "rejected": Outcome.DECLINED}  # else PENDING: ask again
WORDS = {"reserved": Word.AUTHORISED, "rejected": Word.DECLINED}  # else UNCLEAR: ask again

CAPABILITIES = Capabilities(
    operations=frozenset(Operation),
    can_be_asked=True,
    currencies=frozenset({"DKK", "NOK"}),
    repeat_s=86_400,  # how long they answer a repeated key with the first answer; 0 if unsure
)


@dataclass(frozen=True)
class Fjordpay:
    """One merchant account with Fjordpay."""

    base_url: str
    api_key: Secret  # prints as stars
    notice_secret: Secret

    name: ClassVar[str] = "fjordpay"
    capabilities: ClassVar[Capabilities] = CAPABILITIES

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Reserve an amount."""
        self.capabilities.require(Operation.AUTHORISE, order.amount.currency)
        body = {"reference": order.merchant_reference, **written(order.amount)}
        response = yield self.request("POST", http.path("payments"), order.key, body)
        return result(response, order, {"reserved": Outcome.SUCCEEDED, **OUTCOMES})

    def capture(self, order: Modification) -> Exchange[Result]:
        """Take what is reserved, or a part of it."""
        return self.modify(Operation.CAPTURE, "take", order)

    def void(self, order: Modification) -> Exchange[Result]:
        """Release what is not captured."""
        return self.modify(Operation.VOID, "release", order)

    def refund(self, order: Modification) -> Exchange[Result]:
        """Give captured money back."""
        return self.modify(Operation.REFUND, "return", order)

    def modify(self, operation: Operation, word: str, order: Modification) -> Exchange[Result]:
        """Do what these three have in common."""
        self.capabilities.require(operation, order.amount.currency)
        where = http.path("payments", order.merchant_reference, word)
        response = yield self.request("POST", where, order.key, written(order.amount))
        return result(response, order, OUTCOMES)

    def status(self, ask: Ask) -> Exchange[Standing]:
        """How a payment stands."""
        where = http.path("payments", ask.merchant_reference)
        response = yield self.request("GET", where)
        match response.status_code, http.body_of(response):
            case 200, dict(body):
                try:
                    return standing(body, ask)
                except http.Unreadable:
                    return Standing.nothing(Word.UNCLEAR, ask.amount.currency)
            case 404, {"error": "no_such_payment"}:
                return Standing.nothing(Word.NOT_FOUND, ask.amount.currency)
            case _:
                return Standing.nothing(Word.UNCLEAR, ask.amount.currency)

    def request(
        self, method: str, where: str, key: str = "", body: dict[str, Any] | None = None
    ) -> httpx.Request:
        """Build a request; the key is the order's own, never one made up here."""
        headers = {"authorization": f"Bearer {self.api_key.reveal()}"}
        if key:
            headers["idempotency-key"] = key
        return http.request(method, f"{self.base_url}{where}", headers=headers, body=body)

    def read_notices(self, webhook: Webhook) -> tuple[Notice, ...]:
        """Prove a notice genuine, and read which payment it is about."""
        given = notices.header(webhook.headers, "fjordpay-signature")
        moment, _, signature = given.partition(".")
        if not re.fullmatch("[0-9]{10}", moment):
            raise UntrustedNotice("no readable signature")
        notices.require_recent(int(moment), webhook.now_s, age_s=300)
        secret = self.notice_secret.reveal().encode()
        content = f"{moment}.".encode() + webhook.body
        notices.require_same(hmac.new(secret, content, hashlib.sha256).hexdigest(), signature)
        match http.json_of(webhook.body):
            case {"event": str(event), "reference": str(reference), "about": str(kind)}:
                return (Notice(event, reference, kind),)
            case _:
                raise UntrustedNotice("not readable as a notice")


def written(amount: Money) -> dict[str, Any]:
    """An amount as they write it: in minor units."""
    return {"value": amount.minor, "currency": amount.currency}


def result(
    response: httpx.Response, order: Authorise | Modification, outcomes: dict[str, Outcome]
) -> Result:
    """What an answer means; whatever is not known to be a yes or a no is neither."""
    match response.status_code, http.body_of(response):
        case 201, {"reference": str(reference), "state": str(word), "value": v, "currency": c}:
            try:
                amount = http.amount_of(v, c)
            except http.Unreadable:
                return Result(outcome=Outcome.UNKNOWN)
            if (reference, amount) != (order.merchant_reference, order.amount):
                raise Contradiction(f"asked for {order.amount}, got {amount}")
            return Result(outcome=outcomes.get(word, Outcome.PENDING))
        case 400 | 401 | 404 | 422, {"error": str()}:
            return Result(outcome=Outcome.REFUSED)  # they say that nothing happened
        case _:
            return Result(outcome=Outcome.UNKNOWN)  # anything else may have moved money


def standing(body: dict[str, Any], ask: Ask) -> Standing:
    """What their sums say."""
    value, authorised, captured, voided, refunded = (
        http.amount_of(body.get(name), body.get("currency"))
        for name in ("value", "authorised", "captured", "voided", "refunded")
    )
    if (body.get("reference"), value) != (ask.merchant_reference, ask.amount):
        raise Contradiction(f"asked about {ask.amount}, got {value}")
    word = WORDS.get(str(body.get("state")), Word.UNCLEAR)
    if word is Word.UNCLEAR:
        return Standing.nothing(word, ask.amount.currency)
    return Standing(
        word=word, authorised=authorised, captured=captured, voided=voided, refunded=refunded
    )


class FakeFjordpay:
    """The service, with a book of its own."""

    def __init__(self, api_key: str, notice_secret: str) -> None:
        """Open an empty book."""
        self.api_key, self.notice_secret = api_key, notice_secret
        self.payments: dict[str, dict[str, Any]] = {}
        self.sums: dict[str, dict[str, int]] = {}
        self.answers: dict[str, tuple[int, dict[str, Any]]] = {}  # by idempotency key
        self.latest, self.declines = "", False

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; the same key gets the same answer."""
        if request.headers["authorization"] != f"Bearer {self.api_key}":
            return httpx.Response(401, json={"error": "who_are_you"})
        if request.method == "POST":
            key = request.headers["idempotency-key"]
            if key not in self.answers:
                self.answers[key] = self.post(request.url.path, json.loads(request.content))
            status, body = self.answers[key]
            return httpx.Response(status, json=body)
        reference = request.url.path.split("/")[2]
        if reference not in self.payments:
            return httpx.Response(404, json={"error": "no_such_payment"})
        return httpx.Response(200, json=self.payments[reference] | self.sums[reference])

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Reserve, take, release or return money."""
        amount = {"value": body["value"], "currency": body["currency"]}
        if path == "/payments":
            is_good, self.declines = not self.declines, False
            state = "reserved" if is_good else "rejected"
            self.latest = body["reference"]
            self.payments[self.latest] = {"reference": self.latest, "state": state, **amount}
            self.sums[self.latest] = dict.fromkeys(("captured", "refunded", "voided"), 0)
            self.sums[self.latest]["authorised"] = body["value"] if is_good else 0
            return 201, self.payments[self.latest]
        _, _, reference, word = path.split("/")
        sums = self.sums.get(reference)
        if sums is None:
            return 404, {"error": "no_such_payment"}
        left = sums["authorised"] - sums["captured"] - sums["voided"]
        room = sums["captured"] - sums["refunded"] if word == "return" else left
        if body["value"] > room:
            return 422, {"error": "too_much"}
        sums[{"take": "captured", "release": "voided", "return": "refunded"}[word]] += body["value"]
        return 201, {"reference": reference, "state": "done", **amount}

    def decline_next(self) -> None:
        """Say no to the next customer."""
        self.declines = True

    def notice(self) -> Webhook:
        """The newest notice, signed as they sign."""
        event = {"event": "1", "reference": self.latest, "about": "payment"}
        body, moment = json.dumps(event).encode(), 1_700_000_000
        content = f"{moment}.".encode() + body
        signature = hmac.new(self.notice_secret.encode(), content, hashlib.sha256).hexdigest()
        return Webhook({"Fjordpay-Signature": f"{moment}.{signature}"}, body, moment)


def stage(api_key: str, notice_secret: str) -> Stage:
    """An adapter, and the service that it speaks to."""
    fake = FakeFjordpay(api_key, notice_secret)
    return Stage(
        provider=Fjordpay("https://fjordpay.example", Secret(api_key), Secret(notice_secret)),
        handler=fake.handle,
        decline_next=fake.decline_next,
        notice=fake.notice,
    )


CASE = AdapterCase(
    make=lambda: stage("our-key", "our-secret"),
    foreign=lambda: stage("their-key", "their-secret"),
    method="card",
    amount=Money(12345, "DKK"),
    secrets=("our-key", "our-secret"),
    words=dict.fromkeys(("authorise", "capture", "void", "refund", "status"), ("state",)),
)
