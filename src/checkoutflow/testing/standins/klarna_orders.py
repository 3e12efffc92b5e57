"""What the stand-ins of Klarna and Kustom share: orders, and what is done with them.

They refuse what the description of order management refuses, and lines that do not add up. A key
counts alone, whatever else the request says.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from base64 import b64encode
from dataclasses import replace
from functools import partial
from hmac import compare_digest
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

import httpx
from pydantic import Field, model_validator

from checkoutflow.money import Money
from checkoutflow.providers.klarna_orders import CURRENCIES
from checkoutflow.testing.standins.base import STATUS, StandIn
from checkoutflow.testing.standins.book import (
    BankPayment,
    Fate,
    Kind,
    Moved,
    Refusal,
    State,
    Status,
)
from checkoutflow.testing.standins.faults import Fault, Names, Planned
from checkoutflow.testing.standins.reading import Strict, read

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from checkoutflow.testing.standins.base import Work

USERNAME: Final = "PK00000_simulated"

# Our word for why not -> the status and the code of the provider's error.
_CODES: Final = MappingProxyType(
    {
        "unauthorised": (401, "UNAUTHORIZED"),
        "invalid_request": (400, "BAD_VALUE"),
        "payment_not_found": (404, "NO_SUCH_ORDER"),
        "not_json": (415, "BAD_REQUEST"),
        "key_in_use": (409, "CONFLICT"),
        "too_many_requests": (429, "TOO_MANY_REQUESTS"),
        "internal_error": (500, "INTERNAL_SERVER_ERROR"),
        "unavailable": (503, "TEMPORARILY_UNAVAILABLE"),
    }
)
_PATHS: Final = MappingProxyType(
    {
        "captures": (Kind.CAPTURE, "CAPTURE_NOT_ALLOWED"),
        "refunds": (Kind.REFUND, "REFUND_NOT_ALLOWED"),
        "cancel": (Kind.VOID, "CANCEL_NOT_ALLOWED"),
        "release-remaining-authorization": (Kind.VOID, "NOT_ALLOWED"),
    }
)
FRAUD: Final = MappingProxyType(
    {
        State.PENDING: "PENDING",
        State.AUTHORISED: "ACCEPTED",
        State.DECLINED: "REJECTED",
        State.CANCELLED: "PENDING",
    }
)
_AMOUNTS: Final = """
    order_amount original_order_amount captured_amount refunded_amount remaining_authorized_amount
"""
# Answers to captures, voids and refunds are empty: what can go wrong with what an answer says goes
# wrong with the look-up that follows it.
_SAID_LATER: Final = """
    empty truncated huge wrong_type unknown_word missing_id other_amount other_currency
    other_reference
"""

Text = Annotated[str, Field(min_length=1, max_length=255)]
Short = Annotated[str, Field(max_length=99)]
Url = Annotated[str, Field(max_length=2000)]
Locale = Annotated[str, Field(pattern=r"^[a-z]{2}-[A-Z]{2}$")]
Market = Literal["DK", "SE", "NO", "FI"]


class _Subscription(Strict):
    name: Text
    interval: Literal["MONTH"]
    interval_count: int = Field(ge=1)


class Line(Strict):
    """A line, which has to add up."""

    name: Text
    quantity: int = Field(ge=0)
    unit_price: int = Field(le=200_000_000)
    total_amount: int = Field(le=200_000_000)
    tax_rate: int = Field(ge=0, le=10_000)
    total_tax_amount: int
    type: Literal["physical", "digital", "shipping_fee", "surcharge"]
    reference: Text
    subscription: _Subscription | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> Line:
        if self.total_amount != self.quantity * self.unit_price:
            raise ValueError("total_amount is not quantity * unit_price")
        whole = 10_000 + self.tax_rate
        if abs(self.total_tax_amount * whole - self.total_amount * self.tax_rate) > whole:
            raise ValueError("total_tax_amount is more than 1 from what tax_rate gives")
        return self


class Cart(Strict):
    """What is bought: all that a charge says, and a part of what a purchase says."""

    purchase_currency: str
    order_amount: int = Field(ge=1, le=100_000_000)
    order_tax_amount: int = Field(ge=0)
    order_lines: list[Line] = Field(min_length=1, max_length=1000)
    merchant_reference1: Text

    @model_validator(mode="after")
    def _adds_up(self) -> Cart:
        if self.order_amount != sum(line.total_amount for line in self.order_lines):
            raise ValueError("order_amount is not the sum of total_amount")
        if self.order_tax_amount != sum(line.total_tax_amount for line in self.order_lines):
            raise ValueError("order_tax_amount is not the sum of total_tax_amount")
        return self


class Buyer(Strict):
    """Who buys; a company may be named by its number."""

    type: Literal["person", "organization"]
    organization_registration_id: Text | None = None

    @model_validator(mode="after")
    def _is_a_company(self) -> Buyer:
        if self.type == "person" and self.organization_registration_id is not None:
            raise ValueError("a person has no organization_registration_id")
        return self


class Sale(Cart):
    """What is sold to whom."""

    purchase_country: Market
    locale: Locale
    customer: Buyer

    @model_validator(mode="after")
    def _is_for_the_country(self) -> Sale:
        if self.purchase_currency != CURRENCIES[self.purchase_country]:
            raise ValueError("purchase_currency is not that of purchase_country")
        return self


class _Part(Strict):
    minor: int
    reference: Text
    order_lines: list[Line] = Field(default=[], max_length=1000)


class _Capture(_Part):
    minor: int = Field(alias="captured_amount", ge=1, le=200_000_000)


class _Refund(_Part):
    minor: int = Field(alias="refunded_amount", ge=1, le=200_000_000)


class OrdersStandIn(StandIn):
    """One account at a stand-in that has orders.

    Args:
        clock: Its time, as an aware ``datetime``.
        secret: What its credentials and the shop's secret for notice addresses are made of.
        notice_url: Where the shop takes in notices.
        decision_s: How long a customer has to decide.
    """

    _names: ClassVar[Names] = Names(
        amounts=frozenset(_AMOUNTS.split()),
        currencies=frozenset({"purchase_currency"}),
        words=frozenset({"status", "fraud_status"}),
        ids=frozenset({"session_id", "order_id"}),
        references=frozenset({"merchant_reference1"}),
    )
    _decided = frozenset({200, 201, 204})

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        secret: str,
        notice_url: str,
        decision_s: int,
    ) -> None:
        """Open the account with an empty book."""
        super().__init__(clock, authorisation_s=28 * 86_400, decision_s=decision_s)
        self._secret = secret
        self._notice_url = notice_url
        self._orders: dict[str, str] = {}  # id of an order -> our reference
        self._references: dict[str, str] = {}  # of a capture or refund, by idempotency key

    @abstractmethod
    def _answer(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        """Answer a request that is not about an order's money; as `_route`."""

    # --- how it speaks -------------------------------------------------------------------------

    def _route(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        shown = request.headers.get("authorization", "")
        credentials = b64encode(f"{USERNAME}:{self._secret}-password".encode()).decode()
        if not compare_digest(shown.encode(), f"Basic {credentials}".encode()):
            raise Refusal(401, "unauthorised")
        match request.method, parts:
            case "GET", ["ordermanagement", "v1", "orders", order]:
                return self._tell(request, self._orders.get(order), "order")
            case "POST", ["ordermanagement", "v1", "orders", order, word] if (
                order in self._orders and word in _PATHS
            ):
                work = partial(self._modify, self._orders[order], word)
                return self._perform(request, _PATHS[word][0], key_of(request), work)
            case _:
                return self._answer(request, parts)

    def _perform(self, request: httpx.Request, kind: Kind, key: str, work: Work) -> httpx.Response:
        """Do an operation once per key, whatever else the request says: the key alone counts."""
        if known := self._keys.get(key):
            self._keys[key] = replace(known, sent=(str(request.url), request.content))
        plan = self._plans[kind]
        if kind is not Kind.AUTHORISE and plan and plan[0].fault in _SAID_LATER.split():
            self._plans[STATUS].appendleft(plan.popleft())
            plan.appendleft(Planned(Fault.NONE))
        return super()._perform(request, kind, key, work)

    def _tell(self, request: httpx.Request, reference: str | None, what: str) -> httpx.Response:
        """How something stands that a view has, with the fault that is planned for look-ups."""
        before, now = ((view or {}).get(what) for view in self._seen(reference or ""))
        return self._shows(request, now, before)

    def _seen(self, reference: str) -> tuple[Any, Any]:
        """What can be told of something: before the last change, and after it."""
        return self._views.get(reference, (None, None))

    def _refused(self, refusal: Refusal) -> httpx.Response:
        status, code = _CODES.get(refusal.code, (refusal.status, refusal.code))
        problems = [f"{path}: {message}" for path, message in refusal.problems]
        body = {
            "error_code": code,
            "error_messages": problems or [code.replace("_", " ").lower()],
            "correlation_id": named(f"error {code}"),
        }
        return httpx.Response(status, json=body)

    def _modify(
        self, reference: str, word: str, request: httpx.Request, key: str, fate: Fate
    ) -> httpx.Response:
        payment, (kind, code) = self._payment(reference), _PATHS[word]
        amount = None
        if kind is not Kind.VOID:
            asked: _Part = read(_Capture if kind is Kind.CAPTURE else _Refund, request)
            amount = Money(asked.minor, payment.amount.currency)
            self._references[key] = asked.reference
        elif (word == "cancel") == bool(payment.book.captured):
            raise Refusal(403, code)
        try:
            _, operation = self._modify_payment(kind, reference, amount, key, fate)
        except Refusal as refusal:
            raise Refusal(403, code) from refusal
        if operation.status is Status.FAILED:
            raise Refusal(403, code)
        if kind is Kind.VOID:
            return httpx.Response(204)
        name, where = named(f"{kind} {key}"), str(request.url)
        headers = {"location": f"{where}/{name}", f"{kind}-id": name}
        return httpx.Response(201, headers=headers)

    def _changed(self, payment: BankPayment, notice: str, amount: Money, key: str | None) -> None:
        """Only what the customer did, and what became of a suspicion on it, is told."""
        is_examined = payment.state is State.PENDING and not payment.is_waiting
        told = "payment.examined" if is_examined and not notice else notice
        is_told = told in {"payment.authorised", "payment.declined", "payment.examined"}
        super()._changed(payment, told if is_told and payment.page else "", amount, key)

    def _notice(self, payment: BankPayment, kind: str, amount: Money, key: str | None) -> bytes:
        del amount, key  # it does not say how much
        if kind == "payment.examined" or not payment.operations[0].fate.after_s:
            return self._decision(payment)
        word = "ACCEPTED" if kind == "payment.authorised" else "REJECTED"
        event = {"order_id": payment.id, "event_type": f"FRAUD_RISK_{word}"}
        return json.dumps(event | {"timestamp": time_shown(self._now)}).encode()

    @abstractmethod
    def _decision(self, payment: BankPayment) -> bytes:
        """The body of the notice that the customer has decided."""

    def _order(self, payment: BankPayment) -> dict[str, object]:
        book, whole = payment.book, payment.amount.minor
        is_open = payment.state in {State.AUTHORISED, State.PENDING}
        return {
            "order_id": payment.id,
            "status": _status(payment),
            "fraud_status": FRAUD[payment.state],
            "order_amount": whole,
            "original_order_amount": whole,
            "captured_amount": book.captured,
            "refunded_amount": book.refunded,
            "remaining_authorized_amount": (whole - book.captured - book.voided) * is_open,
            "purchase_currency": payment.amount.currency,
            "merchant_reference1": payment.merchant_reference,
            "expires_at": time_shown(payment.until),
            "captures": self._listed(payment, Moved.CAPTURED, "capture"),
            "refunds": self._listed(payment, Moved.REFUNDED, "refund"),
        }

    def _listed(self, payment: BankPayment, move: Moved, kind: str) -> list[dict[str, object]]:
        return [
            {
                f"{kind}_id": named(f"{kind} {entry.key}"),
                f"{move}_amount": entry.amount.minor,
                f"{move}_at": time_shown(entry.at),
                "reference": self._references.get(entry.key or "", ""),
            }
            for entry in payment.entries
            if entry.operation is move
        ]


def _status(payment: BankPayment) -> str:
    book = payment.book
    if payment.state in {State.DECLINED, State.CANCELLED}:
        return "CANCELLED"
    if book.expired:
        return "EXPIRED"
    if book.voided:
        return "CLOSED" if book.captured else "CANCELLED"
    if book.captured:
        return "PART_CAPTURED" if book.reserved else "CAPTURED"
    return "AUTHORIZED"


def named(text: str) -> str:
    """An id as theirs are, always the same for the same text."""
    return str(uuid5(NAMESPACE_URL, text))


def time_shown(at: datetime | None) -> str:
    """A point in time as they write it; of None, one far off."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z") if at else "2038-01-19T03:14:07.000Z"


def key_of(request: httpx.Request) -> str:
    """The idempotency key; a UUID is recommended, and always comes from us."""
    key: str = request.headers.get("klarna-idempotency-key", "")
    try:
        return str(UUID(key))
    except ValueError:
        raise Refusal(400, "invalid_request", [("Klarna-Idempotency-Key", "a UUID")]) from None
