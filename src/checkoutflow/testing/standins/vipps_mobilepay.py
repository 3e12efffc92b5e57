"""A stand-in for Vipps MobilePay: its ePayment API with its token, errors and signed webhooks.

It refuses what the provider's own description (ePayment 1.8.1) refuses. The look-up's ``state``
never moves past ``AUTHORIZED``; what happened later is in the aggregate, as at the real one. A card
that is declined is tried again in the real app, so a decline ends here as ``ABORTED``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from email.utils import format_datetime
from functools import partial
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal

import httpx
from pydantic import Field

from checkoutflow.money import Money
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.vipps_mobilepay import (
    MARKETS,
    VippsMobilePay,
    VippsMobilePayConfig,
)
from checkoutflow.testing.standins.book import BankPayment, Fate, Kind, Refusal, State, Status
from checkoutflow.testing.standins.faults import Names
from checkoutflow.testing.standins.reading import Strict, read
from checkoutflow.testing.standins.vipps_profile import SUBJECT, Asked, Consent, userinfo
from checkoutflow.testing.standins.vipps_recurring import (
    MSN,
    RecurringStandIn,
    key_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from checkoutflow.testing.standins.base import Posted

NOTICE_URL: Final = "https://shop.example/notices/vipps_mobilepay"
AGREEMENT_URL: Final = "https://shop.example/agreements"
_TOKEN_LIFE: Final = timedelta(hours=1)

_STATES: Final = MappingProxyType(
    {
        State.PENDING: "CREATED",
        State.AUTHORISED: "AUTHORIZED",
        State.DECLINED: "ABORTED",
        State.EXPIRED: "EXPIRED",
        State.CANCELLED: "TERMINATED",
    }
)
# What happened -> the webhook's name for it, and whether it succeeded.
_EVENTS: Final = MappingProxyType(
    {
        "payment.authorised": ("AUTHORIZED", True),
        "payment.declined": ("ABORTED", True),
        "payment.cancelled": ("TERMINATED", True),
        "payment.expired": ("EXPIRED", True),
        "payment.captured": ("CAPTURED", True),
        "payment.voided": ("CANCELLED", True),
        "payment.refunded": ("REFUNDED", True),
        "capture.failed": ("CAPTURED", False),
        "void.failed": ("CANCELLED", False),
        "refund.failed": ("REFUNDED", False),
    }
)
# Our word for why not -> the status and the code of the provider's error.
_CODES: Final = MappingProxyType(
    {
        "invalid_request": (400, ""),
        "payment_not_found": (404, "5090"),
        "reference_taken": (409, "4150"),
        "key_conflict": (409, "4010"),
        "not_authorised": (400, "6020"),
        "authorisation_expired": (400, "6030"),
        "amount_too_high": (400, "6090"),
        "nothing_to_void": (400, "6050"),
        "approved_already": (400, "6060"),
        "wrong_currency": (400, "5040"),
        "insufficient_funds": (400, "6260"),
        "key_in_use": (409, "6160"),
    }
)


class _Amount(Strict):
    currency: Literal["NOK", "DKK", "EUR", "SEK", "USD", "GBP"]
    value: int = Field(ge=1, le=65_000_000)

    @property
    def money(self) -> Money:
        """The amount as a value."""
        return Money(self.value, self.currency)


class _PaymentMethod(Strict):
    type: Literal["WALLET", "CARD"]


class _Customer(Strict):
    phoneNumber: str = Field(pattern=r"^\d{9,15}$")  # noqa: N815 -- their name for it


_Minor = Annotated[int, Field(ge=0)]


class _UnitInfo(Strict):
    unitPrice: _Minor | None = None  # noqa: N815 -- their name for it
    quantity: str
    quantityUnit: Literal["PCS", "KG", "KM", "MINUTE", "LITRE", "KWH"] = "PCS"  # noqa: N815


class _OrderLine(Strict):
    id: str = Field(min_length=1, max_length=255)
    name: str = Field(min_length=1, max_length=2048)
    totalAmount: int  # noqa: N815 -- as above
    totalAmountExcludingTax: int  # noqa: N815
    totalTaxAmount: int  # noqa: N815
    taxRate: int = Field(default=0, ge=0, le=10_000)  # noqa: N815
    unitInfo: _UnitInfo | None = None  # noqa: N815
    discount: int = 0
    isReturn: bool = False  # noqa: N815
    isShipping: bool = False  # noqa: N815
    productUrl: str | None = None  # noqa: N815


class _BottomLine(Strict):
    currency: Literal["NOK", "DKK", "EUR", "SEK", "USD", "GBP"]
    receiptNumber: str | None = None  # noqa: N815


_Presence = Literal["CUSTOMER_PRESENT", "CUSTOMER_NOT_PRESENT"]


class _Receipt(Strict):
    orderLines: list[_OrderLine]  # noqa: N815
    bottomLine: _BottomLine  # noqa: N815


class _Create(Strict):
    amount: _Amount
    paymentMethod: _PaymentMethod  # noqa: N815
    reference: str = Field(pattern=r"^[a-zA-Z0-9-]{8,64}$")
    userFlow: Literal["WEB_REDIRECT", "QR", "PUSH_MESSAGE", "NATIVE_REDIRECT"]  # noqa: N815
    returnUrl: str | None = Field(default=None, max_length=2500)  # noqa: N815
    customer: _Customer | None = None
    customerInteraction: _Presence | None = None  # noqa: N815
    qrFormat: dict[str, object] | None = None  # noqa: N815
    paymentDescription: str | None = Field(default=None, min_length=3, max_length=100)  # noqa: N815
    profile: Asked | None = None
    receipt: _Receipt | None = None
    minimumUserAge: int | None = Field(default=None, ge=0, le=100)  # noqa: N815


class _Modify(Strict):
    modificationAmount: _Amount  # noqa: N815


class _Cancel(Strict):
    cancelTransactionOnly: bool = False  # noqa: N815


class SimulatedVippsMobilePay(RecurringStandIn):
    """One sales unit at the stand-in.

    Args:
        clock: Its time, as an aware ``datetime``.
        market: ``NO``, ``SE``, ``DK`` or ``FI``: fixes the wallet's currency.
        secret: What its credentials and the secret of its webhooks are made of.
        notice_url: Where webhooks are registered; part of what is signed.
        agreement_url: Where the shop's customers see their mandates; None for a sales unit without.
            In Sweden there are none.
    """

    _title = "Vipps MobilePay, simulated"
    _names: ClassVar[Names] = Names(
        amounts=frozenset({"value", "amount"}),
        currencies=frozenset({"currency"}),
        words=frozenset({"state", "status"}),
        ids=frozenset({"reference", "pspReference", "id", "agreementId", "chargeId"}),
        references=frozenset({"reference", "id", "chargeId"}),
    )
    _decided = frozenset({200, 201, 202, 204, 400, 404, 409, 422})

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        market: Literal["NO", "DK", "FI", "SE"] = "NO",
        secret: str = "simulated",  # noqa: S107 -- opens nothing real
        notice_url: str = NOTICE_URL,
        agreement_url: str | None = AGREEMENT_URL,
    ) -> None:
        """Open the sales unit with an empty book."""
        super().__init__(clock, authorisation_s=MARKETS[market].capture_days * 86_400)
        self._market = market
        self._secret = secret
        self._notice_url = notice_url
        self._agreement_url = None if market == "SE" else agreement_url
        self._tokens: dict[str, datetime] = {}
        self._charges = {}
        self._scopes: dict[str, str] = {}  # what payments ask to share, by our reference
        self._consents: list[Consent] = []
        self._is_recurring = False  # whether the request under way is of the Recurring API

    def provider(self, base_url: str = "https://apitest.vipps.no") -> VippsMobilePay:
        """An adapter for this sales unit."""
        return VippsMobilePay(
            VippsMobilePayConfig(
                base_url=base_url,
                market=self._market,
                merchant_serial_number=MSN,
                client_id=f"{self._secret}-client-id",
                client_secret=Secret(f"{self._secret}-client-secret"),
                subscription_key=Secret(f"{self._secret}-subscription-key"),
                notice_secret=Secret(f"{self._secret}-notice-secret"),
                notice_url=self._notice_url,
                agreement_url=self._agreement_url,
            )
        )

    # --- how it speaks -------------------------------------------------------------------------

    def _route(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        self._is_recurring = parts[0] == "recurring"
        if (request.method, parts) == ("POST", ["accesstoken", "get"]):
            return self._token(request)
        is_keyed = parts[0] != "vipps-userinfo-api"  # there some send the key, and others do not
        if not self._is_merchant(request, is_keyed=is_keyed):
            raise Refusal(401, "unauthorised")
        match request.method, parts:
            case "GET", ["vipps-userinfo-api", "userinfo", subject]:
                if subject != SUBJECT or not self._consents:
                    raise Refusal(404, "not_shared")
                told = userinfo(self._consents[-1], self._market, self._now)
                headers = {"content-type": "application/json;charset=UTF-8"}
                return httpx.Response(200, headers=headers, content=json.dumps(told))
            case _, ["recurring", "v3", *rest]:
                return self._recurring(request, rest)
            case "POST", ["epayment", "v1", "payments"]:
                key = key_of(request, _KEY_LENGTH)
                return self._perform(request, Kind.AUTHORISE, key, self._create)
            case "GET", ["epayment", "v1", "payments", reference]:
                return self._look_up(request, reference)
            case "POST", ["epayment", "v1", "payments", reference, word] if word in _KINDS:
                kind = _KINDS[word]
                work = partial(self._modify, kind, reference)
                return self._perform(request, kind, key_of(request, _KEY_LENGTH), work)
            case "POST", ["epayment", "v1", "test", "payments", reference, "approve"]:
                self._ledger.decide(self._payment(reference), approve=True)
                return httpx.Response(200)
            case _:
                raise Refusal(404, "no_such_resource")

    def _token(self, request: httpx.Request) -> httpx.Response:
        wanted = {
            "client_id": f"{self._secret}-client-id",
            "client_secret": f"{self._secret}-client-secret",
            "ocp-apim-subscription-key": f"{self._secret}-subscription-key",
        }
        for name, value in wanted.items():
            shown = request.headers.get(name, "").encode()
            if not hmac.compare_digest(shown, value.encode()):
                raise Refusal(401, "unauthorised")
        token = f"token-{len(self._tokens) + 1:06}"
        self._tokens[token] = self._now
        until = int((self._now + _TOKEN_LIFE).timestamp())
        seconds = str(int(_TOKEN_LIFE.total_seconds()))
        answer = {
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "expires_on": str(until),
            "not_before": str(int(self._now.timestamp())),
            "resource": "00000002-0000-0000-c000-000000000000",
            "access_token": token,
        }
        headers = {"content-type": "application/json;charset=UTF-8"}
        return httpx.Response(200, headers=headers, content=json.dumps(answer))

    def _is_merchant(self, request: httpx.Request, *, is_keyed: bool) -> bool:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        issued = self._tokens.get(token) if kind == "Bearer" else None
        key = request.headers.get("ocp-apim-subscription-key", "")
        is_ours = not is_keyed or hmac.compare_digest(
            key.encode(), f"{self._secret}-subscription-key".encode()
        )
        return is_ours and issued is not None and self._now < issued + _TOKEN_LIFE

    def _refused(self, refusal: Refusal) -> httpx.Response:
        if self._is_recurring:
            return self._problem(refusal)
        status, code = _CODES.get(refusal.code, (refusal.status, ""))
        details = [{"name": name, "reason": text} for name, text in refusal.problems]
        if code:
            details.append({"name": "ErrorCode", "reason": code})
        body = {
            "type": "https://example.com/problems/error",
            "title": refusal.code.replace("_", " "),
            "detail": refusal.code.replace("_", " "),
            "status": status,
            "traceId": f"trace-{self._count:06}",
            "extraDetails": details,
        }
        headers = {"content-type": "application/problem+json"}
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            headers["retry-after"] = "7"
        return httpx.Response(status, headers=headers, content=json.dumps(body))

    def _create(self, request: httpx.Request, key: str, fate: Fate) -> httpx.Response:
        order = read(_Create, request)
        if order.userFlow == "WEB_REDIRECT" and not order.returnUrl:
            raise Refusal(400, "invalid_request", [("returnUrl", "is required")])
        if order.paymentMethod.type == "WALLET" and order.amount.currency != self._currency():
            raise Refusal(400, "wrong_currency")
        payment, _ = self._create_payment(
            request,
            key,
            fate,
            BankPayment(
                id=f"psp-{self._count + 1:06}",
                merchant_reference=order.reference,
                amount=order.amount.money,
                method=order.paymentMethod.type,
                return_url=order.returnUrl or "",
                is_waiting=True,
            ),
        )
        if order.profile is not None:
            self._scopes[order.reference] = order.profile.scope
        created = {"redirectUrl": payment.page, "reference": payment.merchant_reference}
        return httpx.Response(201, json=created)

    def _modify(
        self, kind: Kind, reference: str, request: httpx.Request, key: str, fate: Fate
    ) -> httpx.Response:
        payment = self._payment(reference)
        amount = None
        if kind is not Kind.VOID:
            amount = read(_Modify, request).modificationAmount.money
        elif (
            request.content
            and read(_Cancel, request).cancelTransactionOnly
            and payment.state is not State.PENDING
        ):
            raise Refusal(400, "approved_already")
        payment, operation = self._modify_payment(kind, reference, amount, key, fate)
        if operation.status is Status.FAILED:
            raise Refusal(409, operation.reason)
        shown = self._view(payment)
        wanted = ("state", "aggregate", "pspReference", "reference")
        answer = {name: shown[name] for name in wanted}
        # Not said by the description: we take it for the amount of what was asked.
        answer["amount"] = _amount(operation.amount.minor, operation.amount.currency)
        # The description labels it so, though it is no problem.
        headers = {"content-type": "application/problem+json"}
        return httpx.Response(200, headers=headers, content=json.dumps(answer))

    def _currency(self) -> str:
        return MARKETS[self._market].currency

    def _view(self, payment: BankPayment) -> dict[str, object]:
        if payment.merchant_reference in self._charges:
            return self._charge_view(payment)
        book, currency = payment.book, payment.amount.currency
        is_terminated = payment.state is State.CANCELLED
        # A payment that was ended before it was approved says that all of it is cancelled.
        voided = payment.amount.minor if is_terminated else book.voided
        shown: dict[str, object] = {
            "aggregate": {
                "authorizedAmount": _amount(book.authorised, currency),
                "cancelledAmount": _amount(voided, currency),
                "capturedAmount": _amount(book.captured, currency),
                "refundedAmount": _amount(book.refunded, currency),
            },
            "amount": _amount(payment.amount.minor, currency),
            "state": _STATES[payment.state],
            "paymentMethod": {"type": payment.method},
            "profile": {"sub": SUBJECT} if self._is_shared(payment) else {},
            "pspReference": payment.id,
            "reference": payment.merchant_reference,
        }
        if payment.is_waiting:
            shown["redirectUrl"] = payment.page
        return shown

    def _is_shared(self, payment: BankPayment) -> bool:
        return payment.merchant_reference in self._scopes and payment.book.authorised > 0

    def _changed(self, payment: BankPayment, notice: str, amount: Money, key: str | None) -> None:
        if notice == "payment.authorised" and self._is_shared(payment):
            self._consents.append(Consent(self._scopes[payment.merchant_reference], self._now))
        super()._changed(payment, notice, amount, key)

    def _notice(self, payment: BankPayment, kind: str, amount: Money, key: str | None) -> bytes:
        if payment.merchant_reference in self._charges:
            return self._charge_notice(payment, kind, amount)
        name, is_done = _EVENTS[kind]
        body = {
            "msn": MSN,
            "reference": payment.merchant_reference,
            "pspReference": f"event-{len(self._posted) + 1:06}",
            "name": name,
            "amount": _amount(amount.minor, amount.currency),
            "timestamp": self._now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "success": is_done,
        }
        if name == "AUTHORIZED" and self._is_shared(payment):
            body["sub"] = SUBJECT
        return json.dumps(body | ({"idempotencyKey": key} if key else {})).encode()

    def _signed(self, posted: Posted) -> tuple[dict[str, str], bytes]:
        url = httpx.URL(self._notice_url)
        date = format_datetime(self._clock(), usegmt=True)
        digest = base64.b64encode(hashlib.sha256(posted.body).digest()).decode()
        text = f"POST\n{url.raw_path.decode()}\n{date};{url.netloc.decode()};{digest}"
        key = f"{self._secret}-notice-secret".encode()
        sign = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
        headers = {
            "content-type": "application/json",
            "host": url.netloc.decode(),
            "x-ms-date": date,
            "x-ms-content-sha256": digest,
            "authorization": "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256"
            f"&Signature={sign}",
        }
        return headers, posted.body


_KINDS: Final = MappingProxyType(
    {"capture": Kind.CAPTURE, "cancel": Kind.VOID, "refund": Kind.REFUND}
)
_KEY_LENGTH: Final = 50


def _amount(minor: int, currency: str) -> dict[str, object]:
    return {"currency": currency, "value": minor}
