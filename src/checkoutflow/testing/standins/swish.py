"""A stand-in for Swish Commerce: its requests and refunds, its codes, and its unsigned callbacks.

It refuses what the sources of the adapter say is refused. The customer's app is the page of a
payment; its token is the last part of the page's address. Certificates are not looked at.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final, Literal, NamedTuple, TypeVar

import httpx
from pydantic import Field

from checkoutflow.money import Money
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.http import json_of
from checkoutflow.providers.swish import Swish, SwishConfig
from checkoutflow.testing.standins.base import StandIn
from checkoutflow.testing.standins.book import (
    BankOperation,
    BankPayment,
    Fate,
    Kind,
    Refusal,
    State,
    Status,
)
from checkoutflow.testing.standins.faults import Names
from checkoutflow.testing.standins.reading import Strict, fitted

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from checkoutflow.testing.standins.base import Posted

NOTICE_URL: Final = "https://shop.example/notices/swish"
REFUND_S: Final = 4  # seconds until a refund has ended

# What is wrong with a field of a request -> the code for it; others make the request malformed.
_FIELDS: Final = MappingProxyType(
    {
        "payeeAlias": "RP01",
        "payerAlias": "BE18",
        "amount": "PA02",
        "currency": "AM03",
        "callbackUrl": "RP03",
        "payeePaymentReference": "FF08",
        "payerPaymentReference": "FF08",
        "originalPaymentReference": "RF02",
        "message": "RP02",
    }
)
# Why an operation ended badly -> the code for it; RF07 is the bank's plain "no".
_ENDS: Final = MappingProxyType({"insufficient_funds": "AM04", "expired": "TM01"})
# What the ledger refuses -> the code for it.
_LEDGER: Final = MappingProxyType({"amount_too_high": "RF08", "wrong_currency": "AM03"})

_AMOUNT: Final = r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?$"
_REFERENCE: Final = r"^[0-9a-zA-Z-]{1,35}$"
_PROOF: Final = r"^[0-9a-zA-Z-]{32,36}$"
_MESSAGE: Final = r'^[a-zA-Z0-9åäöÅÄÖ :;.,?!()"]*$'


class _Order(Strict):
    amount: str = Field(pattern=_AMOUNT)
    currency: Literal["SEK"]
    callbackUrl: str = Field(pattern=r"^https://")  # noqa: N815 -- their name for it
    callbackIdentifier: str | None = Field(default=None, pattern=_PROOF)  # noqa: N815 -- as above
    message: str = Field(default="", max_length=50, pattern=_MESSAGE)

    @property
    def money(self) -> Money:
        """The amount as a value."""
        return Money.parse(self.amount, self.currency)


class _Create(_Order):
    payeeAlias: str = Field(pattern=r"^123[0-9]{7}$")  # noqa: N815 -- as above
    payeePaymentReference: str = Field(pattern=_REFERENCE)  # noqa: N815 -- as above
    payerAlias: str | None = Field(default=None, pattern=r"^[1-9][0-9]{7,14}$")  # noqa: N815


class _Refund(_Order):
    originalPaymentReference: str  # noqa: N815 -- as above
    payerAlias: str = Field(pattern=r"^[0-9]{10}$")  # noqa: N815 -- as above
    payerPaymentReference: str = Field(pattern=_REFERENCE)  # noqa: N815 -- as above


_M = TypeVar("_M", bound=_Order)


class _Made(NamedTuple):
    """What was asked for, and when."""

    order: _Create | _Refund
    at: datetime
    payment: str


class SimulatedSwish(StandIn):
    """One Swish number at the stand-in.

    Args:
        clock: Its time, as an aware ``datetime``.
        secret: What the shop's proofs are made of.
        notice_url: Where the shop wants its callbacks.
    """

    _title = "Swish, simulated"
    _names: ClassVar[Names] = Names(
        amounts=frozenset({"amount"}),
        currencies=frozenset({"currency"}),
        words=frozenset({"status"}),
        ids=frozenset({"id"}),
        references=frozenset({"payeePaymentReference", "payerPaymentReference"}),
    )

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        secret: str = "simulated",  # noqa: S107 -- opens nothing real
        notice_url: str = NOTICE_URL,
    ) -> None:
        """Open the number with an empty book."""
        # A repeat is refused, so no answer is remembered. The customer has five minutes and a half.
        super().__init__(clock, remembers_keys=False, decision_s=330)
        self._secret = secret
        self._notice_url = notice_url
        self._number = "1234679304"
        self._made: dict[str, _Made] = {}

    def provider(self, base_url: str = SwishConfig.hosts.test) -> Swish:
        """An adapter for this number."""
        return Swish(
            SwishConfig(
                number=self._number,
                notice_url=self._notice_url,
                notice_secret=Secret(f"{self._secret}-notice-secret-of-32-letters"),
                base_url=base_url,
            )
        )

    # --- how it speaks -------------------------------------------------------------------------

    def _route(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        match request.method, parts[1:] if parts[0] == "swish-cpcapi" else parts:
            case "PUT", ["api", "v2", "paymentrequests", number]:
                return self._perform(request, Kind.AUTHORISE, number, self._create)
            case "PUT", ["api", "v2", "refunds", number]:
                return self._perform(request, Kind.REFUND, number, self._give_back)
            case "PATCH", ["api", "v1", "paymentrequests", number]:
                return self._perform(request, Kind.VOID, number, self._cancel)
            case "GET", ["api", "v1", "paymentrequests" | "refunds", number]:
                return self._look_up(request, number)
            case _:
                raise Refusal(404, "no_such_resource")

    def _refused(self, refusal: Refusal) -> httpx.Response:
        problems = [_error(_LEDGER.get(refusal.code, refusal.code))]
        body = json.dumps(problems) if refusal.status == 422 else b""  # noqa: PLR2004 -- has codes
        headers = {"content-type": "application/json"}
        return httpx.Response(refusal.status, headers=headers, content=body)

    def _create(self, request: httpx.Request, number: str, fate: Fate) -> httpx.Response:
        order = self._new(_Create, request, number)
        if order.payeeAlias != self._number:
            raise Refusal(403, "PA01")
        if order.payerAlias and any(
            made.order.payerAlias == order.payerAlias and self._payment(made.payment).is_waiting
            for made in self._made.values()
        ):
            raise Refusal(422, "RP06")
        reference = order.payeePaymentReference
        self._made[number] = _Made(order, self._now, reference)
        payment, _ = self._create_payment(
            request,
            number,
            fate,
            BankPayment(
                id=number,
                merchant_reference=reference,
                amount=order.money,
                method="ecommerce" if order.payerAlias else "mcommerce",
                return_url="",
                is_waiting=True,
            ),
        )
        headers = {"location": str(request.url).replace("/v2/", "/v1/")}
        if order.payerAlias is None:
            headers["paymentrequesttoken"] = payment.page.rpartition("/")[2]
        return httpx.Response(201, headers=headers)

    def _cancel(self, request: httpx.Request, number: str, fate: Fate) -> httpx.Response:
        if request.headers.get("content-type") != "application/json-patch+json":
            raise Refusal(415, "not_a_patch")
        if json_of(request.content) != [{"op": "replace", "path": "/status", "value": "cancelled"}]:
            raise Refusal(400, "invalid_request")
        payment = self._by_id(number)
        if payment.state is not State.PENDING or fate.reason:
            raise Refusal(422, "RP07")
        self._ledger.void(payment, number, fate)
        return httpx.Response(200, json=self._view(payment))

    def _give_back(self, request: httpx.Request, number: str, fate: Fate) -> httpx.Response:
        order = self._new(_Refund, request, number)
        paid = [item for item in self._ledger.payments.values() if item.state is State.AUTHORISED]
        found = [item for item in paid if _paid_as(item) == order.originalPaymentReference]
        if not found:
            raise Refusal(422, "RF02")
        if order.payerAlias != self._number:
            raise Refusal(422, "RF03")
        if found[0].under_way(Kind.REFUND):
            raise Refusal(422, "RF09")
        self._made[number] = _Made(order, self._now, found[0].merchant_reference)
        late = Fate(fate.reason, fate.after_s or REFUND_S)
        try:
            self._ledger.refund(found[0], order.money, number, late)
        except Refusal:
            del self._made[number]
            raise
        return httpx.Response(201, headers={"location": str(request.url).replace("/v2/", "/v1/")})

    def _new(self, model: type[_M], request: httpx.Request, number: str) -> _M:
        """Read a request for something that is not there yet."""
        if len(number) != 32 or not set(number) <= set("0123456789ABCDEF"):  # noqa: PLR2004 -- digits
            raise Refusal(400, "invalid_request")
        try:
            order = fitted(model, json_of(request.content))
        except Refusal as refusal:
            code = _FIELDS.get(refusal.problems[0][0])
            raise (Refusal(422, code) if code else refusal) from None
        if number in self._made:
            raise Refusal(422, "RP09")
        return order

    def _by_id(self, number: str) -> BankPayment:
        if number not in self._made:
            raise Refusal(404, "payment_not_found")
        return self._payment(self._made[number].payment)

    # --- what it tells -------------------------------------------------------------------------

    def _changed(self, payment: BankPayment, notice: str, amount: Money, key: str | None) -> None:
        if notice == "payment.authorised":  # there is no reservation: a yes takes the money
            self._ledger.capture(payment, payment.amount, None, Fate())
            return
        if notice.startswith("payment.refunded") and key is None:
            notice = ""  # nobody is told of a refund that was made in the portal
        super()._changed(payment, notice, amount, key)
        # Payments and refunds are looked up by their ids.
        told = {payment.id: self._view(payment)}
        told |= {
            item.key: self._refund_view(payment, item)
            for item in payment.operations
            if item.kind is Kind.REFUND and item.key
        }
        for number, now in told.items():
            _, before = self._views.get(number, (None, None))
            if now != before:
                self._views[number] = before, now

    def _view(self, payment: BankPayment) -> dict[str, object]:
        made = self._made[payment.id]
        status, code = "PAID" if payment.book.captured else "CREATED", None
        match payment.state:
            case State.CANCELLED:
                status, code = "CANCELLED", "RP08"
            case State.DECLINED if payment.reason == "declined_by_customer":
                status = "DECLINED"
            case State.DECLINED | State.EXPIRED:
                reason = payment.reason if payment.state is State.DECLINED else "expired"
                status, code = "ERROR", _ENDS.get(reason, "RF07")
        is_paid = status == "PAID"
        return {
            "id": payment.id,
            "payeePaymentReference": payment.merchant_reference,
            "paymentReference": _paid_as(payment),  # there from the beginning, as at the real one
            "callbackUrl": made.order.callbackUrl,
            "payerAlias": made.order.payerAlias,
            "payeeAlias": self._number,
            "amount": _number(payment.amount),
            "currency": "SEK",
            "message": made.order.message,
            "status": status,
            "dateCreated": _time(made.at),
            "datePaid": _time(payment.entries[0].at) if is_paid else None,
            "errorCode": code,
            "errorMessage": None if code is None else "no",
        }

    def _refund_view(self, payment: BankPayment, operation: BankOperation) -> dict[str, object]:
        made = self._made[operation.key or ""]
        ended = {Status.DONE: "PAID", Status.FAILED: "ERROR"}
        code = None
        if operation.status is Status.FAILED:
            code = _ENDS.get(operation.reason, "RF07")
        return {
            "id": operation.key,
            "paymentReference": None,
            "payerPaymentReference": payment.merchant_reference,
            "originalPaymentReference": _paid_as(payment),
            "callbackUrl": made.order.callbackUrl,
            "payerAlias": self._number,
            "payeeAlias": self._made[payment.id].order.payerAlias,
            "amount": _number(operation.amount),
            "currency": "SEK",
            "message": made.order.message,
            "status": ended.get(operation.status, "INITIATED"),
            "dateCreated": _time(made.at),
            "datePaid": _time(self._now) if operation.status is Status.DONE else None,
            "errorCode": code,
            "errorMessage": None if code is None else "no",
        }

    def _notice(self, payment: BankPayment, kind: str, amount: Money, key: str | None) -> bytes:
        told = self._view(payment)
        if "refund" in kind:
            operation = next(item for item in payment.operations if item.key == key)
            told = self._refund_view(payment, operation)
        # Here an amount is text, and a time has another form than in a look-up.
        told["amount"] = str(amount.decimal())
        for name in ("dateCreated", "datePaid"):
            told[name] = str(told[name]).replace("Z", "+0000") if told[name] else None
        return json.dumps(told).encode()

    def _signed(self, posted: Posted) -> tuple[dict[str, str], bytes]:
        proof = self._made[json.loads(posted.body)["id"]].order.callbackIdentifier
        headers = {"content-type": "application/json"}
        return headers | ({"callbackIdentifier": proof} if proof else {}), posted.body


def _paid_as(payment: BankPayment) -> str:
    """Their own reference of a payment: what a refund names."""
    return payment.id[::-1]


def _number(amount: Money) -> int | float:
    whole, odd = divmod(amount.minor, 100)
    return whole if not odd else float(amount.decimal())


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _error(code: str) -> dict[str, str | None]:
    return {"errorCode": code, "errorMessage": "no", "additionalInformation": None}
