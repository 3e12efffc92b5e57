"""A stand-in for Riverty: orders, captures, refunds by capture, voids, and signed webhooks.

As in the provider's own test environment, the customer's first name says what comes of an order:
``Reject`` is refused, ``Underage`` too, ``StrongCustomerAuthentication`` has to identify themselves
on a page; everybody else is accepted. Voids of a part are not simulated.
"""

# ruff: noqa: N815 -- fields are called what the provider calls them
from __future__ import annotations

import hashlib
import hmac
import json
import re
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import httpx
from pydantic import Field

from checkoutflow.money import Money
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.riverty import Riverty, RivertyConfig
from checkoutflow.providers.riverty_wire import CURRENCIES
from checkoutflow.testing.standins.base import StandIn
from checkoutflow.testing.standins.book import (
    BankPayment,
    Fate,
    Kind,
    Moved,
    Refusal,
    State,
    Status,
)
from checkoutflow.testing.standins.faults import Names
from checkoutflow.testing.standins.reading import Strict, read
from checkoutflow.testing.standins.riverty_lookups import (
    QUESTIONS,
    Address,
    Bill,
    Item,
    Language,
    Market,
    major,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from checkoutflow.testing.standins.base import Posted
    from checkoutflow.testing.standins.book import BankOperation

_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,50}")
_KINDS: Final = MappingProxyType(
    {"captures": Kind.CAPTURE, "voids": Kind.VOID, "refunds": Kind.REFUND}
)
# First names that the test environment knows -> why it says no, and its advice.
STEERED: Final = MappingProxyType({"Reject": "200.901", "Underage": "200.001"})
AUTHENTICATE: Final = "StrongCustomerAuthentication"

# Why we do not take something -> their code. 400.117 and 400.132 are seen in public test data only.
_CODES: Final = MappingProxyType(
    {
        "reference_taken": "400.100",
        "wrong_net": "400.101",
        "wrong_gross": "400.102",
        "payment_not_found": "400.115",
        "amount_too_high": "400.117",
        "required": "400.002",
        "invalid_request": "400.004",
        "not_json": "400.004",
        "internal_error": "400.000",
    }
)
_EVENTS: Final = MappingProxyType(
    {
        "payment.authorised": "AuthorizeAccepted",
        "payment.captured": "InvoiceCreated",
        "payment.declined": "CustomerAuthenticationCompleted",
        "payment.expired": "CustomerAuthenticationCompleted",
    }
)


class _Ordered(Bill):
    number: str = Field(pattern=r"^[A-Za-z0-9_-]{1,50}$")


class _Customer(Strict):
    identificationNumber: str | None = Field(default=None, max_length=20)
    firstName: str = Field(default="", max_length=50)
    lastName: str = Field(min_length=1, max_length=50)
    email: str = Field(pattern=r"^[^@]+@[^@]+$", max_length=255)
    mobilePhone: str | None = Field(default=None, max_length=20)
    customerCategory: Literal["Person", "Company"]
    conversationLanguage: Language
    address: Address


class _Payment(Strict):
    type: Literal["Invoice"]


class _Authorize(Strict):
    payment: _Payment
    customer: _Customer
    order: _Ordered
    merchantUrl: str = Field(pattern=r"^https?://[!-~]{1,2000}$")


class _Capture(Strict):
    orderDetails: Bill | None = None
    invoiceNumber: str | None = Field(default=None, min_length=1, max_length=20)
    transactionReference: str | None = Field(default=None, max_length=100)


class _Refund(Strict):
    captureNumber: str = Field(max_length=50)
    orderItems: list[Item] = Field(default_factory=list)
    items: list[Item] = Field(default_factory=list)
    refundType: Literal["Refund", "Return"] = "Refund"
    creditNoteNumber: str | None = Field(default=None, min_length=1, max_length=19)
    transactionReference: str | None = Field(default=None, max_length=100)


class _Void(Strict):
    pass


class SimulatedRiverty(StandIn):
    """One web shop in one country at the stand-in.

    Args:
        clock: Its time, as an aware ``datetime``.
        market: Its country.
        secret: What the key and the secret of the webhooks are made of.
    """

    _title = "Riverty, simulated"
    _names: ClassVar[Names] = Names(
        amounts=frozenset(
            {"amount", "capturedAmount", "totalRefundedAmount", "remainingAuthorizedAmount"}
        ),
        currencies=frozenset({"currency"}),
        words=frozenset({"status", "outcome"}),
        ids=frozenset({"orderNumber", "reservationId", "checkoutId", "captureNumber"}),
        references=frozenset({"orderNumber"}),
    )
    _decided = frozenset({200})

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        market: Market = "DK",
        secret: str = "simulated",  # noqa: S107 -- opens nothing real
    ) -> None:
        """Open the shop with an empty book."""
        super().__init__(clock, authorisation_s=30 * 86_400, decision_s=900)
        self._market: Market = market
        self._secret = secret
        self._numbers: dict[str, str] = {}  # of captures and refunds, by key
        self._of: dict[str, str] = {}  # of which capture a refund is, by key
        self._references: dict[str, str | None] = {}  # by key

    def provider(self, base_url: str = "https://api.bnpl-pt.riverty.io") -> Riverty:
        """An adapter for this shop."""
        return Riverty(
            RivertyConfig(
                api_key=Secret(f"{self._secret}-api-key"),
                market=self._market,
                notice_secret=Secret(f"{self._secret}-notice-secret"),
                is_test=True,
                base_url=base_url,
            )
        )

    # --- how it speaks -------------------------------------------------------------------------

    def _route(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        shown = request.headers.get("x-auth-key", "").encode()
        if not hmac.compare_digest(shown, f"{self._secret}-api-key".encode()):
            raise Refusal(401, "unauthorised")
        question = "/".join(parts[2:])
        if request.method == "POST" and question in QUESTIONS:
            return httpx.Response(200, json=QUESTIONS[question](request, self._market))
        key = request.headers.get("x-idempotency-key", "")
        if request.method == "POST" and not _KEY.fullmatch(key):
            raise Refusal(400, "invalid_request")  # without one a repeat would be done again
        match request.method, parts:
            case "POST", ["api", "v3", "checkout", "authorize"]:
                return self._perform(request, Kind.AUTHORISE, key, self._authorize)
            case "GET", ["api", "v3", "orders", number]:
                return self._look_up(request, number.lower())
            case "POST", ["api", "v3", "orders", number, word] if word in _KINDS:
                kind = _KINDS[word]
                return self._perform(
                    request, kind, key, partial(self._modify, kind, number.lower())
                )
            case _:
                raise Refusal(405, "no_such_resource")

    def _refused(self, refusal: Refusal) -> httpx.Response:
        """Messages for what they understood; other errors have a message of their own."""
        if refusal.status in {401, 405, 413}:
            message = {"message": refusal.code.replace("_", " ")}
            return httpx.Response(refusal.status, json=message)
        # What money or state does not allow is 400, as are an order number that is taken and a body
        # that is no JSON.
        is_400 = refusal.status == HTTPStatus.UNPROCESSABLE_ENTITY
        is_400 = is_400 or refusal.code in {"reference_taken", "not_json"}
        is_limit = refusal.status == HTTPStatus.TOO_MANY_REQUESTS
        is_theirs = refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        code = _CODES.get(refusal.code, "400.132")
        return httpx.Response(
            400 if is_400 else refusal.status,
            headers={"retry-after": "7"} if is_limit else {},
            json=[
                _message(code, field, is_theirs=is_theirs)
                for field in [path for path, _ in refusal.problems] or [""]
            ],
        )

    def _authorize(self, request: httpx.Request, key: str, fate: Fate) -> httpx.Response:
        wanted = read(_Authorize, request)
        amount = wanted.order.amount()
        if wanted.order.currency != CURRENCIES[self._market]:
            raise Refusal(400, "invalid_request", [("order.currency", "not this shop's")])
        first = wanted.customer.firstName
        number = f"{self._count + 1:012}"
        payment, _ = self._create_payment(
            request,
            key,
            Fate(STEERED[first]) if first in STEERED else fate,
            BankPayment(
                id=f"29dab5d5-9a9f-4b4e-8aec-{number}",
                merchant_reference=wanted.order.number.lower(),
                amount=amount,
                method=wanted.payment.type,
                return_url=wanted.merchantUrl,
                is_waiting=first == AUTHENTICATE,
            ),
        )
        answer: dict[str, object] = {"checkoutId": f"10f63f1c-2c9e-4b6e-a0b5-{number}"}
        match payment.state:
            case State.AUTHORISED:
                answer["outcome"] = "Accepted"
                answer["reservationId"] = f"fb583567-c5a1-45de-a341-{number}"
                answer["expirationDate"] = _date(payment)
            case State.DECLINED:
                answer["outcome"] = "Rejected"
                answer["riskCheckMessages"] = [_message(payment.reason)]
            case _:
                answer["outcome"] = "Pending"
                if payment.is_waiting:
                    answer["redirectUrl"] = answer["secureLoginUrl"] = payment.page
        return httpx.Response(200, json=answer)

    def _modify(
        self, kind: Kind, reference: str, request: httpx.Request, key: str, fate: Fate
    ) -> httpx.Response:
        payment = self._payment(reference)
        amount = None
        if kind is Kind.VOID:
            read(_Void, request)
        else:
            wanted = self._capture if kind is Kind.CAPTURE else self._refund
            amount = wanted(payment, request, key)
        # They say at once how it ends: what is slow elsewhere is done, or refused, here.
        _, operation = self._modify_payment(kind, reference, amount, key, Fate(fate.reason))
        if operation.status is Status.FAILED:
            raise Refusal(422, "refused")
        book = payment.book
        sums = {
            "totalCapturedAmount": book.captured,
            "totalRefundedAmount": book.refunded,
            "remainingAuthorizedAmount": book.reserved,
        }
        if kind is Kind.CAPTURE:
            sums |= {"capturedAmount": operation.amount.minor, "authorizedAmount": book.authorised}
        else:
            sums |= {"totalAuthorizedAmount": book.authorised}
        answer: dict[str, object] = {name: major(minor) for name, minor in sums.items()}
        number = self._numbers.get(key, "")
        if kind is Kind.CAPTURE:
            answer["captureNumber"] = number
        if kind is Kind.REFUND:
            answer["refundNumbers"] = [number]
        return httpx.Response(200, json=answer)

    def _capture(self, payment: BankPayment, request: httpx.Request, key: str) -> Money:
        capture = read(_Capture, request)
        number = capture.invoiceNumber or f"8{len(self._numbers):08}"
        if number in self._numbers.values():
            raise Refusal(422, "invoice_number_taken")
        self._numbers[key] = number
        self._references[key] = capture.transactionReference
        if capture.orderDetails is None:
            return Money(payment.book.reserved, payment.amount.currency)
        return capture.orderDetails.amount()

    def _refund(self, payment: BankPayment, request: httpx.Request, key: str) -> Money:
        refund, left = read(_Refund, request), self._left(payment)
        if refund.captureNumber not in left:
            raise Refusal(422, "no_such_capture")
        items = refund.orderItems or refund.items
        currency, free = payment.amount.currency, left[refund.captureNumber]
        amount = _sum(items, currency) if items else Money(free, currency)
        if amount.minor > free:
            raise Refusal(422, "amount_too_high")
        self._numbers[key] = f"9{len(self._numbers):08}"
        self._of[key] = refund.captureNumber
        return amount

    def _view(self, payment: BankPayment) -> dict[str, Any]:
        left, common = (
            self._left(payment),
            {
                "orderNumber": payment.merchant_reference,
                "currency": payment.amount.currency,
            },
        )
        return {
            "orderDetails": {
                **common,
                "orderId": payment.id,
                "totalGrossAmount": major(payment.amount.minor),
                "status": _status(payment),
                **({"expirationDate": _date(payment)} if payment.book.authorised else {}),
            },
            "captures": [
                {
                    **common,
                    "captureNumber": number,
                    "amount": major(item.amount.minor),
                    "balance": major(left[number]),
                    "totalRefundedAmount": major(item.amount.minor - left[number]),
                    "transactionReference": self._references.get(item.key or ""),
                }
                for number, item in self._done(payment, Kind.CAPTURE)
            ],
            "refunds": [
                {
                    **common,
                    "refundNumber": number,
                    "amount": -major(item.amount.minor),
                    "balance": -major(item.amount.minor),
                    "captureNumber": self._of.get(item.key or "", next(iter(left))),
                }
                for number, item in self._done(payment, Kind.REFUND)
            ],
            "cancellations": [
                {"cancellationNo": f"{place:06}", "cancellationAmount": major(entry.amount.minor)}
                for place, entry in enumerate(payment.entries)
                if entry.operation is Moved.VOIDED
            ],
            "payment": {"type": payment.method},
        }

    def _done(self, payment: BankPayment, kind: Kind) -> Iterator[tuple[str, BankOperation]]:
        """Captures or refunds by their numbers; those made in the portal are numbered by place."""
        for place, item in enumerate(payment.operations):
            if item.kind is kind and item.status is Status.DONE:
                yield self._numbers.get(item.key or "", f"{payment.id[-5:]}{place:04}"), item

    def _left(self, payment: BankPayment) -> dict[str, int]:
        """What can still be given back of each capture; the portal gives back of the first."""
        left = {number: item.amount.minor for number, item in self._done(payment, Kind.CAPTURE)}
        for _, item in self._done(payment, Kind.REFUND):
            left[self._of.get(item.key or "", next(iter(left)))] -= item.amount.minor
        return left

    def _changed(self, payment: BankPayment, notice: str, amount: Money, key: str | None) -> None:
        """They tell of authorisations, invoices, and of customers who identified themselves."""
        is_told = notice in _EVENTS and (
            notice in {"payment.authorised", "payment.captured"}
            or (payment.page and not payment.book.authorised)
        )
        super()._changed(payment, notice if is_told else "", amount, key)

    def _notice(self, payment: BankPayment, kind: str, amount: Money, key: str | None) -> bytes:
        del amount, key
        name, body = _EVENTS[kind], {"OrderNumber": payment.merchant_reference}
        if payment.page and kind != "payment.captured":
            name, body["Status"] = "CustomerAuthenticationCompleted", _status(payment)
        head = {
            "TransmittedTimestamp": self._now.isoformat(),
            "ClientId": 12523,
            "MessageName": name,
            "Version": "1.0",
            "MessageId": f"9e0a0000-569c-0050-45ab-{len(self._posted) + 1:012}",
            "ShopId": "RTY000002240",
            "CountryCode": self._market,
        }
        return json.dumps({"Header": head, "Body": body}).encode()

    def _signed(self, posted: Posted) -> tuple[dict[str, str], bytes]:
        moment = int(self._clock().timestamp())
        secret = f"{self._secret}-notice-secret".encode()
        content = f"{moment}.".encode() + posted.body
        digest = hmac.new(secret, content, hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/json",
            "riverty-signature": f"t={moment},v1={digest}",
        }
        return headers, posted.body


def _status(payment: BankPayment) -> str:
    """Their word for an order."""
    book = payment.book
    if not book.authorised:
        if payment.state is State.DECLINED and payment.page:
            return "Cancelled"  # the customer did not identify themselves
        return {
            State.PENDING: "Pending",
            State.DECLINED: "Rejected",
            State.EXPIRED: "Expired",
        }.get(payment.state, "Cancelled")
    if book.captured:
        if book.refunded:
            return "FullyRefunded" if book.taken == 0 else "PartiallyRefunded"
        return "PartiallyCaptured" if book.reserved else "FullyCaptured"
    if book.expired:
        return "Expired"
    return "Cancelled" if book.voided else "Accepted"


def _date(payment: BankPayment) -> str | None:
    return payment.until.isoformat() if payment.until else None


def _message(code: str, field: str = "", *, is_theirs: bool = False) -> dict[str, object]:
    return {
        "type": "TechnicalError" if is_theirs else "BusinessError",
        "code": code,
        "message": "see the list of codes",
        "customerFacingMessage": "Please choose another way to pay.",
        "actionCode": "AskConsumerToReEnterData" if field else "Unavailable",
        "fieldReference": field or None,
    }


def _sum(items: Iterable[Item], currency: str) -> Money:
    """What lines are for."""
    prices = [Decimal(item.grossUnitPrice) * item.quantity for item in items]
    return Money(int(sum(prices, Decimal(0)) * 100), currency)
