"""A stand-in for Klarna: purchases, the page where a customer decides, orders, customer tokens.

It refuses what the provider's own descriptions refuse, and lines that do not add up. Ids of
purchases and pages come from what is in them, so the same order twice gets the same page here; the
real one would make another. A customer who is turned down gives up at once here: the page is then
cancelled. What is examined for fraud (`Fault.SLOW`, `Fault.FAIL_LATER` of an authorisation) is an
order that waits, as at the real one.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from functools import partial
from hmac import compare_digest
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from checkoutflow.errors import problem_paths
from checkoutflow.money import Money
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.http import json_of
from checkoutflow.providers.klarna import CURRENCIES, Klarna, KlarnaConfig
from checkoutflow.testing.standins.base import STATUS, Posted, StandIn
from checkoutflow.testing.standins.book import (
    BankPayment,
    Fate,
    Kind,
    Moved,
    Refusal,
    State,
    Status,
)
from checkoutflow.testing.standins.faults import Fault, Names, Planned, lose, spoil
from checkoutflow.testing.standins.mandates import BankMandate, MandateState

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from checkoutflow.testing.standins.base import Work

NOTICE_URL: Final = "https://shop.example/notices/klarna"
_USERNAME: Final = "PK00000_simulated"
_API: Final = "https://api.playground.klarna.com"

# Our word for why not -> the status and the code of the provider's error.
_CODES: Final = MappingProxyType(
    {
        "unauthorised": (401, "UNAUTHORIZED"),
        "invalid_request": (400, "BAD_VALUE"),
        "payment_not_found": (404, "NO_SUCH_ORDER"),
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
_PAGES: Final[MappingProxyType[object, str]] = MappingProxyType(
    {
        State.PENDING: "WAITING",
        State.DECLINED: "CANCELLED",
        State.CANCELLED: "DISABLED",
        MandateState.WAITING: "WAITING",
        MandateState.ACTIVE: "COMPLETED",
        MandateState.DECLINED: "CANCELLED",
        MandateState.ENDED: "DISABLED",
    }
)
_FRAUD: Final = MappingProxyType(
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


_Text = Annotated[str, Field(min_length=1, max_length=255)]
_Short = Annotated[str, Field(max_length=99)]
_Url = Annotated[str, Field(max_length=2000)]
_Locale = Annotated[str, Field(pattern=r"^[a-z]{2}-[A-Z]{2}$")]
_Market = Literal["DK", "SE", "NO", "FI"]
_Field = Literal[
    "organization_name", "email", "phone", "street_address", "postal_code", "city", "country"
]
_Ending = Literal["success", "cancel", "back", "failure", "error", "status_update"]


class _Strict(BaseModel):
    """Fields that the description does not list are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class _Subscription(_Strict):
    name: _Text
    interval: Literal["MONTH"]
    interval_count: int = Field(ge=1)


class _Line(_Strict):
    name: _Text
    quantity: int = Field(ge=0)
    unit_price: int = Field(le=200_000_000)
    total_amount: int = Field(le=200_000_000)
    tax_rate: int = Field(ge=0, le=10_000)
    total_tax_amount: int
    type: Literal["physical", "digital", "shipping_fee", "surcharge"]
    reference: _Text
    subscription: _Subscription | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> _Line:
        if self.total_amount != self.quantity * self.unit_price:
            raise ValueError("total_amount is not quantity * unit_price")
        whole = 10_000 + self.tax_rate
        if abs(self.total_tax_amount * whole - self.total_amount * self.tax_rate) > whole:
            raise ValueError("total_tax_amount is more than 1 from what tax_rate gives")
        return self


class _Cart(_Strict):
    """What is bought: all that a charge says, and a part of what a purchase says."""

    purchase_currency: str
    order_amount: int = Field(ge=1, le=100_000_000)
    order_tax_amount: int = Field(ge=0)
    order_lines: list[_Line] = Field(min_length=1, max_length=1000)
    merchant_reference1: _Text

    @model_validator(mode="after")
    def _adds_up(self) -> _Cart:
        if self.order_amount != sum(line.total_amount for line in self.order_lines):
            raise ValueError("order_amount is not the sum of total_amount")
        if self.order_tax_amount != sum(line.total_tax_amount for line in self.order_lines):
            raise ValueError("order_tax_amount is not the sum of total_tax_amount")
        return self


class _Purchase(_Cart):
    intent: Literal["buy", "tokenize"]
    purchase_country: _Market
    locale: _Locale
    order_amount: int = Field(ge=0, le=200_000_000)
    merchant_urls: dict[Literal["notification"], _Url]
    customer: dict[Literal["type"], Literal["person", "organization"]]
    billing_address: dict[_Field, _Short] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_for_the_country(self) -> _Purchase:
        if self.purchase_currency != CURRENCIES[self.purchase_country]:
            raise ValueError("purchase_currency is not that of purchase_country")
        return self


class _Options(_Strict):
    place_order_mode: Literal["PLACE_ORDER", "NONE"]
    payment_method_category: Literal[
        "DIRECT_DEBIT", "DIRECT_BANK_TRANSFER", "PAY_NOW", "PAY_LATER", "PAY_OVER_TIME", "KLARNA"
    ] = "KLARNA"


class _Page(_Strict):
    payment_session_url: str
    merchant_urls: dict[_Ending, _Url]
    options: _Options


class _Part(_Strict):
    minor: int
    reference: _Text
    order_lines: list[_Line] = Field(default=[], max_length=1000)


class _Capture(_Part):
    minor: int = Field(alias="captured_amount", ge=1, le=200_000_000)


class _Refund(_Part):
    minor: int = Field(alias="refunded_amount", ge=1, le=200_000_000)


class _Tokenise(_Strict):
    purchase_country: _Market
    purchase_currency: str
    locale: _Locale
    description: _Text
    intended_use: Literal["SUBSCRIPTION"]


class _Cancel(_Strict):
    status: Literal["CANCELLED"]


_M = TypeVar("_M", bound=_Strict)


class SimulatedKlarna(StandIn):
    """One account at the stand-in.

    Args:
        clock: Its time, as an aware ``datetime``.
        secret: What its credentials and the shop's secret for notice addresses are made of.
        notice_url: Where the shop takes in notices.
    """

    _title = "Klarna, simulated"
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
        secret: str = "simulated",  # noqa: S107 -- opens nothing real
        notice_url: str = NOTICE_URL,
    ) -> None:
        """Open the account with an empty book."""
        super().__init__(clock, authorisation_s=28 * 86_400, decision_s=47 * 3600)
        self._secret = secret
        self._notice_url = notice_url
        self._purchases: dict[str, _Purchase] = {}
        self._hosted: dict[str, str] = {}  # id of a page -> our reference
        self._orders: dict[str, str] = {}  # id of an order -> our reference
        self._told: dict[str, tuple[_Purchase, _Page]] = {}  # by our reference
        self._references: dict[str, str] = {}  # of a capture or refund, by idempotency key

    def provider(self, base_url: str = _API) -> Klarna:
        """An adapter for this account."""
        return Klarna(
            KlarnaConfig(
                base_url=base_url,
                is_test=True,
                username=_USERNAME,
                password=Secret(f"{self._secret}-password"),
                notice_url=self._notice_url,
                notice_secret=Secret(f"{self._secret}-notice-secret-of-32-letters"),
            )
        )

    # --- how it speaks -------------------------------------------------------------------------

    def _route(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        shown = request.headers.get("authorization", "")
        credentials = b64encode(f"{_USERNAME}:{self._secret}-password".encode()).decode()
        if not compare_digest(shown.encode(), f"Basic {credentials}".encode()):
            raise Refusal(401, "unauthorised")
        match request.method, parts:
            case "POST", ["payments", "v1", "sessions"]:
                return self._describe(request)
            case "POST", ["hpp", "v1", "sessions"]:
                key = f"page-{_named(request.content.decode())}"
                return self._perform(request, Kind.AUTHORISE, key, self._host)
            case "GET", ["hpp", "v1", "sessions", page]:
                return self._tell(request, self._hosted.get(page), "session")
            case "DELETE", ["hpp", "v1", "sessions", page] if page in self._hosted:
                work = partial(self._disable, self._hosted[page])
                return self._perform(request, Kind.VOID, f"disable-{page}", work)
            case "GET", ["ordermanagement", "v1", "orders", order]:
                return self._tell(request, self._orders.get(order), "order")
            case "POST", ["ordermanagement", "v1", "orders", order, word] if (
                order in self._orders and word in _PATHS
            ):
                work = partial(self._modify, self._orders[order], word)
                return self._perform(request, _PATHS[word][0], _key_of(request), work)
            case _:
                return self._on_mandate(request, parts)

    def _on_mandate(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        match request.method, parts:
            case "POST", ["payments", "v1", "authorizations", given, "customer-token"]:
                _read(_Tokenise, request)
                return httpx.Response(200, json={"token_id": self._given(given, "NOT_FOUND").token})
            case "GET", ["customer-token", "v1", "tokens", token]:
                is_good = self._given(token).state is MandateState.ACTIVE
                status = "ACTIVE" if is_good else "CANCELLED"
                return httpx.Response(200, json={"payment_method_type": "CARD", "status": status})
            case "PATCH", ["customer-token", "v1", "tokens", token, "status"]:
                _read(_Cancel, request)
                self._given(token).state = MandateState.ENDED
                return httpx.Response(202)
            case "POST", ["customer-token", "v1", "tokens", token, "order"]:
                work = partial(self._charge, self._given(token))
                return self._perform(request, Kind.AUTHORISE, _key_of(request), work)
            case _:
                raise Refusal(404, "payment_not_found")

    def _perform(self, request: httpx.Request, kind: Kind, key: str, work: Work) -> httpx.Response:
        """Do an operation once per key, whatever else the request says: the key alone counts."""
        if known := self._keys.get(key):
            self._keys[key] = replace(known, sent=(str(request.url), request.content))
        plan = self._plans[kind]
        if kind is not Kind.AUTHORISE and plan and plan[0].fault in _SAID_LATER.split():
            self._plans[STATUS].appendleft(plan.popleft())
            plan.appendleft(Planned(Fault.NONE))
        return super()._perform(request, kind, key, work)

    def _tell(
        self, request: httpx.Request, reference: str | None, what: Literal["session", "order"]
    ) -> httpx.Response:
        """How a page or an order stands, with the fault that is planned for look-ups."""
        fault = self._next_fault(STATUS).fault
        lose(request, fault)
        before, now = self._views.get(reference or "", (None, None))
        seen: Any = {Fault.STALE: before, Fault.NOT_FOUND: None}.get(fault, now)
        if mandate := self._mandates.get(reference or ""):
            seen = {"session": self._session_of(mandate)}
        if not seen or seen[what] is None:
            raise Refusal(404, "payment_not_found")
        return spoil(request, fault, httpx.Response(200, json=seen[what]), self._names)

    def _refused(self, refusal: Refusal) -> httpx.Response:
        status, code = _CODES.get(refusal.code, (refusal.status, refusal.code))
        problems = [f"{path}: {message}" for path, message in refusal.problems]
        body = {
            "error_code": code,
            "error_messages": problems or [code.replace("_", " ").lower()],
            "correlation_id": _named(f"error {code}"),
        }
        return httpx.Response(status, json=body)

    def _describe(self, request: httpx.Request) -> httpx.Response:
        purchase, name = _read(_Purchase, request), _named(request.content.decode())
        self._purchases[name] = purchase
        return httpx.Response(200, json={"session_id": name, "client_token": f"token-{name}"})

    def _host(self, request: httpx.Request, key: str, fate: Fate) -> httpx.Response:
        asked = _read(_Page, request)
        purchase = self._purchases.get(asked.payment_session_url.rpartition("/")[2])
        if purchase is None:
            raise Refusal(404, "NOT_FOUND")
        reference, back = purchase.merchant_reference1, asked.merchant_urls["success"]
        page = _named(f"page {reference}")
        self._hosted[page], self._told[reference] = reference, (purchase, asked)
        shown = {"session_id": page, "expires_at": _time(None)}
        if purchase.intent == "tokenize":
            given, token = _named(f"authorisation {reference}"), _named(f"token {reference}")
            mandate = self._open_mandate(request, BankMandate(reference, given, token, back))
            shown["redirect_url"] = mandate.page
        else:
            wanted = self._payment_of(purchase, asked.options.payment_method_category, back)
            payment, _ = self._create_payment(request, key, fate, wanted)
            shown |= {"redirect_url": payment.page, "expires_at": _time(payment.until)}
        return httpx.Response(201, json=shown)

    def _payment_of(self, cart: _Cart, method: str, return_url: str) -> BankPayment:
        """A payment as it is asked for; with a page if there is somewhere to come back to."""
        reference = cart.merchant_reference1
        order = _named(f"order {reference}")
        self._orders[order] = reference
        return BankPayment(
            id=order,
            merchant_reference=reference,
            amount=Money(cart.order_amount, cart.purchase_currency),
            method=method,
            return_url=return_url,
            instrument=None,
            page="",
            is_waiting=bool(return_url),
        )

    def _disable(
        self, reference: str, _request: httpx.Request, key: str, fate: Fate
    ) -> httpx.Response:
        if mandate := self._mandates.get(reference):
            if mandate.state is MandateState.ACTIVE:
                raise Refusal(400, "BAD_REQUEST")
            mandate.state = MandateState.ENDED
            return httpx.Response(204)
        payment = self._payment(reference)
        if payment.is_waiting:
            self._ledger.void(payment, key, fate)
        elif payment.state is State.EXPIRED:
            raise Refusal(404, "NOT_FOUND")
        elif payment.state is not State.CANCELLED:
            raise Refusal(400, "BAD_REQUEST")
        return httpx.Response(204)

    def _modify(
        self, reference: str, word: str, request: httpx.Request, key: str, fate: Fate
    ) -> httpx.Response:
        payment, (kind, code) = self._payment(reference), _PATHS[word]
        amount = None
        if kind is not Kind.VOID:
            asked: _Part = _read(_Capture if kind is Kind.CAPTURE else _Refund, request)
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
        name, where = _named(f"{kind} {key}"), str(request.url)
        headers = {"location": f"{where}/{name}", f"{kind}-id": name}
        return httpx.Response(201, headers=headers)

    def _given(self, name: str, code: str = "TOKEN_NOT_FOUND") -> BankMandate:
        """A mandate that the customer gave, by its token or by what the page said before it."""
        for mandate in self._mandates.values():
            if name in {mandate.token, mandate.id} and not mandate.is_waiting:
                return mandate
        raise Refusal(404, code)

    def _charge(
        self, mandate: BankMandate, request: httpx.Request, key: str, fate: Fate
    ) -> httpx.Response:
        if mandate.state is not MandateState.ACTIVE:
            raise Refusal(403, "TOKEN_CANCELLED")
        wanted = self._payment_of(_read(_Cart, request), "KLARNA", "")
        payment, _ = self._create_payment(request, key, fate, wanted)
        if payment.state is State.DECLINED:
            raise Refusal(403, "PAYMENT_METHOD_FAILED")
        shown = {
            "order_id": payment.id,
            "fraud_status": _FRAUD[payment.state],
            "redirect_url": str(request.url.join(f"/redirect/{payment.id}")),
        }
        return httpx.Response(200, json=shown)

    # --- what it shows -------------------------------------------------------------------------

    def _view(self, payment: BankPayment) -> dict[str, object]:
        """The page and the order, each None where there is none."""
        fate = payment.operations[0].fate if payment.operations else Fate()
        is_examined = fate.after_s > 0 and not payment.is_waiting
        is_placed = payment.state is State.AUTHORISED or (
            is_examined and payment.state is not State.EXPIRED
        )
        session = None
        if payment.state is not State.EXPIRED:
            word = "COMPLETED" if is_placed else _PAGES[payment.state]
            more = {"order_id": payment.id} if is_placed else {}
            session = self._session(payment.merchant_reference, word, more)
        return {"session": session, "order": self._order(payment) if is_placed else None}

    def _session(self, reference: str, word: str, more: dict[str, str]) -> dict[str, str]:
        page = _named(f"page {reference}")
        return {"session_id": page, "status": word, "updated_at": _time(self._now), **more}

    def _session_of(self, mandate: BankMandate) -> dict[str, str]:
        is_given = mandate.state is MandateState.ACTIVE
        more = {"authorization_token": mandate.id} if is_given else {}
        return self._session(mandate.reference, _PAGES[mandate.state], more)

    def _order(self, payment: BankPayment) -> dict[str, object]:
        book, whole = payment.book, payment.amount.minor
        is_open = payment.state in {State.AUTHORISED, State.PENDING}
        return {
            "order_id": payment.id,
            "status": _status(payment),
            "fraud_status": _FRAUD[payment.state],
            "order_amount": whole,
            "original_order_amount": whole,
            "captured_amount": book.captured,
            "refunded_amount": book.refunded,
            "remaining_authorized_amount": (whole - book.captured - book.voided) * is_open,
            "purchase_currency": payment.amount.currency,
            "merchant_reference1": payment.merchant_reference,
            "expires_at": _time(payment.until),
            "captures": self._listed(payment, Moved.CAPTURED, "capture"),
            "refunds": self._listed(payment, Moved.REFUNDED, "refund"),
        }

    def _listed(self, payment: BankPayment, move: Moved, kind: str) -> list[dict[str, object]]:
        return [
            {
                f"{kind}_id": _named(f"{kind} {entry.key}"),
                f"{move}_amount": entry.amount.minor,
                f"{move}_at": _time(entry.at),
                "reference": self._references.get(entry.key or "", ""),
            }
            for entry in payment.entries
            if entry.operation is move
        ]

    # --- what it tells -------------------------------------------------------------------------

    def _agreed(self, mandate: BankMandate) -> None:
        body = self._told_of_page(mandate.reference, self._session_of(mandate))
        posted = Posted(len(self._posted) + 1, mandate.reference, body)
        self._posted.append(posted)
        self._waiting.append(posted)

    def _changed(self, payment: BankPayment, notice: str, amount: Money, key: str | None) -> None:
        """Only what became of a page, and of a suspicion on it, is told."""
        is_examined = payment.state is State.PENDING and not payment.is_waiting
        told = "payment.examined" if is_examined and not notice else notice
        is_told = told in {"payment.authorised", "payment.declined", "payment.examined"}
        super()._changed(payment, told if is_told and payment.page else "", amount, key)

    def _notice(self, payment: BankPayment, kind: str, amount: Money, key: str | None) -> bytes:
        del amount, key  # it does not say how much
        if kind == "payment.examined" or not payment.operations[0].fate.after_s:
            return self._told_of_page(payment.merchant_reference, self._view(payment)["session"])
        word = "ACCEPTED" if kind == "payment.authorised" else "REJECTED"
        event = {"order_id": payment.id, "event_type": f"FRAUD_RISK_{word}"}
        return json.dumps(event | {"timestamp": _time(self._now)}).encode()

    def _told_of_page(self, reference: str, session: object) -> bytes:
        event = _named(f"{reference} {len(self._posted) + 1}")
        return json.dumps({"event_id": event, "session": session}).encode()

    def _signed(self, posted: Posted) -> tuple[dict[str, str], bytes]:
        return {"content-type": "application/json"}, posted.body

    def _query(self, posted: Posted) -> str:
        purchase, page = self._told[posted.payment]
        is_of_page = b'"session"' in posted.body
        urls = page.merchant_urls["status_update"], purchase.merchant_urls["notification"]
        return httpx.URL(urls[0] if is_of_page else urls[1]).query.decode()


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


def _named(text: str) -> str:
    """An id as theirs are, always the same for the same text."""
    return str(uuid5(NAMESPACE_URL, text))


def _time(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z") if at else "2038-01-19T03:14:07.000Z"


def _key_of(request: httpx.Request) -> str:
    """The idempotency key; a UUID is recommended, and always comes from us."""
    key: str = request.headers.get("klarna-idempotency-key", "")
    try:
        return str(UUID(key))
    except ValueError:
        raise Refusal(400, "invalid_request", [("Klarna-Idempotency-Key", "a UUID")]) from None


def _read(model: type[_M], request: httpx.Request) -> _M:
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise Refusal(415, "BAD_REQUEST")
    try:
        return model.model_validate(json_of(request.content))
    except ValidationError as error:
        problems = problem_paths(error.errors(include_input=False, include_url=False))
        raise Refusal(400, "invalid_request", problems) from None
