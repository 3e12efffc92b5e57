"""A stand-in for Swedbank Pay: its payment orders, tokens, problems and unsigned callbacks.

It refuses what the documentation of Checkout 3.1 refuses, and gives the addresses of operations in
its answers only. Where that is silent: a reference that was used before is refused as an input
error, and so is the name of an order; an authorisation that ran out shows as a cancellation without
a reference; a customer's time that ran out, as an aborted order; an order goes on to show a token
that was deleted. In the real one a customer who is declined tries again on the page, so a decline
ends here as ``Aborted``; that of a charge, as ``Failed``.
"""

from __future__ import annotations

import hmac
import json
from functools import partial
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal

import httpx
from pydantic import Field

from checkoutflow.money import Money
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.http import json_of
from checkoutflow.providers.swedbank_pay import (
    CONTENT_TYPE,
    ORDERS,
    PROBLEMS,
    SwedbankPay,
    SwedbankPayConfig,
)
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
from checkoutflow.testing.standins.mandates import BankMandate, MandateState
from checkoutflow.testing.standins.reading import Strict, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from checkoutflow.testing.standins.base import Posted

PAYEE: Final = "5cabf558-5283-482f-b252-4d58e06f6f3b"
NOTICE_URL: Final = "https://shop.example/notices/swedbank_pay"

# What takes the money as soon as the customer has paid.
SALES: Final = frozenset({"Swish", "Trustly"})

# Our word for why not -> the status and the end of the type of the provider's problem.
_PROBLEMS: Final = MappingProxyType(
    {
        "unauthorised": (401, "unauthorized"),
        "invalid_request": (400, "inputerror"),
        "reference_used": (400, "inputerror"),
        "no_such_token": (404, "paymentorders/inputerror"),
        "mandate_ended": (422, "paymentorders/paymenttokeninactive"),
        "payment_not_found": (404, "notfound"),
        "no_such_resource": (404, "notfound"),
        "insufficient_funds": (403, "creditcard/acquirerinsufficientfunds"),
        "card_expired": (403, "creditcard/acquirercardexpired"),
        "internal_error": (500, "systemerror"),
        "not_authorised": (403, "forbidden"),
        "authorisation_expired": (403, "forbidden"),
        "amount_too_high": (403, "forbidden"),
        "nothing_to_void": (403, "forbidden"),
        "wrong_state": (403, "forbidden"),
    }
)
_TYPES: Final = MappingProxyType(
    {Kind.CAPTURE: "Capture", Kind.VOID: "Cancellation", Kind.REFUND: "Reversal"}
)
_STEPS: Final = MappingProxyType(
    {"captures": Kind.CAPTURE, "cancellations": Kind.VOID, "reversals": Kind.REFUND}
)


_Url = Annotated[str, Field(pattern=r"^https?://[!-~]{1,2000}$")]
_Text = Annotated[str, Field(min_length=1)]
_Short = Annotated[str, Field(min_length=1, max_length=40)]
_Reference = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,30}$")]
_Minor = Annotated[int, Field(ge=0)]


class _Item(Strict):
    reference: _Text
    name: _Text
    type: Literal[
        "PRODUCT", "SERVICE", "SHIPPING_FEE", "PAYMENT_FEE", "DISCOUNT", "VALUE_CODE", "OTHER"
    ]
    class_: str = Field(alias="class", pattern=r"^[\w-]+$")
    quantity: int = Field(ge=1)
    quantityUnit: _Text  # noqa: N815 -- their name for it
    unitPrice: int  # noqa: N815
    vatPercent: int = Field(ge=0, le=10_000)  # noqa: N815
    amount: int
    vatAmount: int  # noqa: N815


class _PayeeInfo(Strict):
    payeeId: str = Field(pattern=f"^{PAYEE}$")  # noqa: N815
    payeeReference: _Reference  # noqa: N815
    orderReference: str = Field(min_length=1, max_length=50)  # noqa: N815


class _Callback(Strict):
    callbackUrl: _Url  # noqa: N815


class _Urls(_Callback):
    hostUrls: list[_Url] = Field(min_length=1)  # noqa: N815
    completeUrl: _Url  # noqa: N815
    cancelUrl: _Url  # noqa: N815


class _Payer(Strict):
    email: _Text | None = None
    msisdn: str | None = Field(default=None, pattern=r"^\+?[0-9]{8,15}$")
    payerReference: str = ""  # noqa: N815


class _Sums(Strict):
    """An amount, and lines that add up to it."""

    amount: int = Field(ge=1)
    vatAmount: _Minor  # noqa: N815
    orderItems: list[_Item] | None = None  # noqa: N815

    def check(self) -> None:
        """Check what no single field shows.

        Raises:
            Refusal: If the lines do not add up.
        """
        items = self.orderItems or []
        sums = sum(item.amount for item in items), sum(item.vatAmount for item in items)
        wrong_price = any(item.unitPrice * item.quantity != item.amount for item in items)
        if items and (sums != (self.amount, self.vatAmount) or wrong_price):
            raise Refusal(400, "invalid_request", [("OrderItems", "must add up")])


class _Order(_Sums):
    """What every order says."""

    currency: Literal["SEK", "NOK", "DKK", "EUR"]
    description: _Short
    userAgent: _Text  # noqa: N815
    language: Literal["da-DK", "en-US", "fi-FI", "nb-NO", "sv-SE"]
    payeeInfo: _PayeeInfo  # noqa: N815
    payer: _Payer = _Payer()


class _Purchase(_Order):
    operation: Literal["Purchase"]
    urls: _Urls
    restrictedToInstruments: list[str] | None = Field(default=None, min_length=1)  # noqa: N815
    generateUnscheduledToken: bool = False  # noqa: N815


class _Verify(_Order):
    operation: Literal["Verify"]
    urls: _Urls
    generateUnscheduledToken: Literal[True]  # noqa: N815
    amount: Literal[0] = 0
    vatAmount: Literal[0] = 0  # noqa: N815
    orderItems: None = None  # noqa: N815


class _Unscheduled(_Order):
    operation: Literal["UnscheduledPurchase"]
    urls: _Callback
    unscheduledToken: _Text  # noqa: N815


_AnyOrder = _Purchase | _Verify | _Unscheduled


class _Create(Strict):
    paymentorder: Annotated[_AnyOrder, Field(discriminator="operation")]


class _Release(Strict):
    description: _Short
    payeeReference: _Reference  # noqa: N815


class _Change(_Release, _Sums):
    pass


class _Abort(Strict):
    operation: Literal["Abort"]
    abortReason: str = Field(pattern=r"^[A-Za-z0-9]+$")  # noqa: N815


class _Delete(Strict):
    state: Literal["Deleted"]
    comment: _Text


class SimulatedSwedbankPay(StandIn):
    """One agreement at the stand-in.

    Args:
        clock: Its time, as an aware ``datetime``.
        secret: What its access token and the proof in the notice addresses are made of.
    """

    _title = "Swedbank Pay, simulated"
    _names: ClassVar[Names] = Names(
        amounts=frozenset({"amount"}),
        currencies=frozenset({"currency"}),
        words=frozenset({"status"}),
        ids=frozenset({"id"}),
        references=frozenset({"orderReference"}),
    )

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        secret: str = "simulated",  # noqa: S107 -- opens nothing real
    ) -> None:
        """Open it with an empty book."""
        # It remembers references only, and repeats no answer.
        super().__init__(clock, remembers_keys=False, authorisation_s=180 * 86_400)
        self._secret = secret
        self._used: set[str] = set()
        self._made: dict[str, _AnyOrder] = {}  # by our reference
        self._ours: dict[str, str] = {}  # our reference by theirs
        self._base = httpx.URL()

    def provider(self, base_url: str = "") -> SwedbankPay:
        """An adapter for this agreement."""
        return SwedbankPay(
            SwedbankPayConfig(
                access_token=Secret(f"{self._secret}-access-token"),
                payee_id=PAYEE,
                notice_url=NOTICE_URL,
                notice_secret=Secret(f"{self._secret}-notice-secret-of-32-letters"),
                is_test=True,
                base_url=base_url,
            )
        )

    # --- how it speaks -------------------------------------------------------------------------

    def _route(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        shown = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(shown, f"Bearer {self._secret}-access-token".encode()):
            raise Refusal(401, "unauthorised")
        return _expanded(self._answered(request, parts), request.url.params.get("$expand", ""))

    def _answered(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        match request.method, parts:
            case "POST", ["psp", "paymentorders"]:
                order = read(_Create, request).paymentorder
                key, work = order.payeeInfo.payeeReference, partial(self._create, order)
                return self._perform(request, Kind.AUTHORISE, key, work)
            case "GET" | "PATCH", ["psp", "paymentorders", "payerownedtokens", payer]:
                return self._tokens(request, payer)
            case "GET", ["psp", "paymentorders", name]:
                return self._look_up(request, self._ours.get(name, ""))
            case "PATCH", ["psp", "paymentorders", name]:
                read(_Abort, request, under="paymentorder")
                reference = self._known(name)
                work = partial(self._modify, Kind.VOID, reference, None, State.PENDING)
                return self._perform(request, Kind.VOID, f"abort-{name}", work)
            case "POST", ["psp", "paymentorders", name, word] if word in _STEPS:
                kind, reference, amount = _STEPS[word], self._known(name), None
                if kind is Kind.VOID:
                    key = read(_Release, request, under="transaction").payeeReference
                else:
                    change = read(_Change, request, under="transaction")
                    key = change.payeeReference
                    amount = self._amount(reference, change)
                work = partial(self._modify, kind, reference, amount, State.AUTHORISED)
                return self._perform(request, kind, key, work)
            case _:
                raise Refusal(404, "no_such_resource")

    def _known(self, name: str) -> str:
        if name not in self._ours:
            raise Refusal(404, "payment_not_found")
        return self._ours[name]

    def _amount(self, reference: str, change: _Change) -> Money:
        change.check()
        made = self._made[reference]
        if change.orderItems and not made.orderItems:
            raise Refusal(400, "invalid_request", [("OrderItems", "were not sent at creation")])
        return Money(change.amount, made.currency)

    def _use(self, key: str) -> None:
        if key in self._used:
            raise Refusal(400, "reference_used", [("PayeeReference", "was used before")])
        self._used.add(key)

    def _create(
        self, order: _AnyOrder, request: httpx.Request, key: str, fate: Fate
    ) -> httpx.Response:
        order.check()
        method, return_url, payer = "CreditCard", "", order.payer.payerReference
        if isinstance(order, _Unscheduled):
            self._require_token(order)
        else:
            return_url = order.urls.completeUrl
        if isinstance(order, _Purchase) and order.restrictedToInstruments:
            method = order.restrictedToInstruments[0]
        reference = order.payeeInfo.orderReference
        self._use(key)
        self._use(f"order {reference}")
        name = f"00000000-0000-4000-8000-{self._count + 1:012}"
        self._made[reference], self._ours[name], self._base = order, reference, request.url
        payment, _ = self._create_payment(
            request,
            key,
            fate,
            BankPayment(
                id=name,
                merchant_reference=reference,
                amount=Money(order.amount, order.currency),
                method=method,
                return_url=return_url,
                is_waiting=not isinstance(order, _Unscheduled),
            ),
        )
        if not isinstance(order, _Unscheduled) and order.generateUnscheduledToken:
            token = name.replace("-8000-", "-9000-")
            self._mandates[payer] = BankMandate(payer, name, token, return_url)
        return _answer(200, self._view(payment))

    def _require_token(self, order: _Unscheduled) -> None:
        mandate = self._mandates.get(order.payer.payerReference)
        if mandate is None or mandate.is_waiting or mandate.token != order.unscheduledToken:
            raise Refusal(404, "no_such_token", [("UnscheduledToken", "does not exist")])
        if mandate.state is not MandateState.ACTIVE:
            raise Refusal(422, "mandate_ended", [("UnscheduledToken", "is inactive")])

    def _tokens(self, request: httpx.Request, payer: str) -> httpx.Response:
        """A payer's tokens: what there are, or what was deleted just now."""
        mandate = self._mandates.get(payer)
        if mandate is None:
            raise Refusal(404, "payment_not_found")
        is_there = mandate.state is MandateState.ACTIVE
        if request.method == "PATCH":
            read(_Delete, request)
            mandate.state = MandateState.ENDED if is_there else mandate.state
        token = {"token": mandate.token, "tokenType": "Unscheduled", "instrument": "CreditCard"}
        shown = {"payerReference": payer, "tokens": [token] if is_there else []}
        return _answer(200, {"payerOwnedTokens": shown})

    def _agreed(self, mandate: BankMandate) -> None:
        """It was decided beside the page: then the order with which it was asked for is as well."""
        payment = self._payment(self._ours[mandate.id])
        self._ledger.decide(payment, approve=mandate.state is MandateState.ACTIVE)
        mandate.state = _given(payment)

    def _modify(
        self,
        kind: Kind,
        reference: str,
        amount: Money | None,
        state: State,
        _request: httpx.Request,
        key: str,
        fate: Fate,
    ) -> httpx.Response:
        payment = self._payment(reference)
        if payment.state is not state:
            raise Refusal(403, "wrong_state")
        self._use(key)
        payment, operation = self._modify_payment(kind, reference, amount, key, fate)
        if operation.status is Status.FAILED:
            raise Refusal(403, operation.reason)
        status = 202 if operation.status is Status.PROCESSING else 200
        return _answer(status, self._view(payment))

    def _changed(self, payment: BankPayment, notice: str, amount: Money, key: str | None) -> None:
        """Tell of tries to pay and what follows them; what is sold at once is captured here."""
        made = self._made[payment.merchant_reference]
        mandate = self._mandates.get(made.payer.payerReference)
        if mandate and mandate.is_waiting and payment.state is not State.PENDING:
            mandate.state = _given(payment)
        if notice == "payment.authorised" and payment.method in SALES:
            self._ledger.capture(payment, amount, None, Fate())  # which is told in its stead
        else:
            is_untold = notice in {"payment.cancelled", "payment.expired"} or (
                isinstance(made, _Unscheduled)
                and notice in {"payment.authorised", "payment.declined"}
            )
            super()._changed(payment, "" if is_untold else notice, amount, key)

    def _refused(self, refusal: Refusal) -> httpx.Response:
        status, kind = _PROBLEMS.get(refusal.code, (refusal.status, refusal.code))
        problem = {
            "type": f"{PROBLEMS}{kind}",
            "title": refusal.code.replace("_", " "),
            "status": status,
            "problems": [{"name": name, "description": text} for name, text in refusal.problems],
        }
        headers = {"content-type": "application/problem+json;version=3.1"}
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            headers["retry-after"] = "7"
        return httpx.Response(status, headers=headers, content=json.dumps(problem))

    def _view(self, payment: BankPayment) -> dict[str, object]:
        """All of it, with every resource expanded."""
        book, made = payment.book, self._made[payment.merchant_reference]
        where = f"{ORDERS}/{payment.id}"
        paid = self._paid(payment) if payment.state is State.AUTHORISED else {}
        items = [item.model_dump(by_alias=True) for item in made.orderItems or []]
        failed = {"problem": self._refused(Refusal(403, payment.reason)).json()}
        resources: dict[str, dict[str, object]] = {
            "orderItems": {"orderItemList": items},
            "paid": paid,
            "failed": failed if _status(payment, made) == "Failed" else {},
            "financialTransactions": {"financialTransactionsList": list(_transactions(payment))},
            "postPurchaseFailedAttempts": {"postpurchaseFailedAttemptList": list(_failed(payment))},
        }
        left = {
            "remainingCaptureAmount": book.reserved,
            "remainingCancellationAmount": book.reserved,
            "remainingReversalAmount": book.taken,
        }
        order: dict[str, object] = {
            "id": where,
            "operation": made.operation,
            "status": _status(payment, made),
            "currency": made.currency,
            "amount": made.amount,
            "vatAmount": made.vatAmount,
            **{name: {"id": f"{where}/{name.lower()}", **more} for name, more in resources.items()},
            **{name: minor for name, minor in left.items() if minor},
        }
        return {
            "paymentOrder": order,
            "operations": list(_operations(payment, str(self._base.join(where)))),
        }

    def _paid(self, payment: BankPayment) -> dict[str, object]:
        made = self._made[payment.merchant_reference]
        kind = "Sale" if payment.method in SALES else "Authorization"
        tokens = [
            {"type": "unscheduled", "token": mandate.token, "name": "492500******0004"}
            for mandate in self._mandates.values()
            if mandate.id == payment.id
        ]
        return {
            "instrument": payment.method,
            "payeeReference": made.payeeInfo.payeeReference,
            "orderReference": payment.merchant_reference,
            "transactionType": kind if made.amount else "Verification",
            "amount": made.amount,
            "tokens": tokens,
        }

    def _notice(self, payment: BankPayment, kind: str, amount: Money, key: str | None) -> bytes:
        del kind, amount, key  # a callback does not tell what happened
        body = {
            "orderReference": payment.merchant_reference,
            "paymentOrder": {
                "id": f"{ORDERS}/{payment.id}",
                "instrument": payment.method,
                "number": len(self._posted) + 1,
            },
        }
        return json.dumps(body).encode()

    def _signed(self, posted: Posted) -> tuple[dict[str, str], bytes]:
        return {"content-type": "application/json"}, posted.body

    def _query(self, posted: Posted) -> str:
        return httpx.URL(self._made[posted.payment].urls.callbackUrl).query.decode()


def _given(payment: BankPayment) -> MandateState:
    """What became of the mandate that was asked for with an order."""
    is_given = payment.state is State.AUTHORISED
    return MandateState.ACTIVE if is_given else MandateState.DECLINED


def _status(payment: BankPayment, made: _AnyOrder) -> str:
    """Their word; ``Paid`` stays through captures, voids and refunds in part."""
    book = payment.book
    match payment.state:
        case State.PENDING:
            return "Initialized"
        case State.AUTHORISED if book.voided and book.voided == book.authorised:
            return "Cancelled"
        case State.AUTHORISED if book.captured and not (book.taken or book.reserved):
            return "Reversed"
        case State.AUTHORISED:
            return "Paid"
        case _:
            return "Failed" if isinstance(made, _Unscheduled) else "Aborted"


def _transactions(payment: BankPayment) -> Iterator[dict[str, object]]:
    """What was done: by us with a reference, by the portal or by time without."""
    is_sale = payment.method in SALES
    types = {**_TYPES, Kind.AUTHORISE: "Sale" if is_sale else "Authorization"}
    for item in payment.operations:
        is_told = is_sale and item.kind is Kind.CAPTURE  # as the sale itself
        if item.status is Status.DONE and item.amount.minor and not is_told:
            shown: dict[str, object] = {"type": types[item.kind], "amount": item.amount.minor}
            yield shown | ({} if item.key is None else {"payeeReference": item.key})
    for entry in payment.entries:
        if entry.operation is Moved.EXPIRED:
            yield {"type": "Cancellation", "amount": entry.amount.minor}


def _failed(payment: BankPayment) -> Iterator[dict[str, object]]:
    for operation in payment.operations:
        if operation.kind is not Kind.AUTHORISE and operation.status is Status.FAILED:
            shown: dict[str, object] = {"status": "Failed", "type": _TYPES[operation.kind]}
            yield shown | ({} if operation.key is None else {"payeeReference": operation.key})


def _operations(payment: BankPayment, where: str) -> Iterator[dict[str, object]]:
    """What can be done now."""
    links = [("GET", payment.page, "redirect-checkout")] if payment.page else []
    is_idle = not payment.under_way(Kind.CAPTURE, Kind.VOID, Kind.REFUND)
    if payment.state is State.PENDING:
        links.append(("PATCH", where, "abort"))
    if is_idle and payment.book.reserved:
        links.append(("POST", f"{where}/captures", "capture"))
        links.append(("POST", f"{where}/cancellations", "cancel"))
    if is_idle and payment.book.taken:
        links.append(("POST", f"{where}/reversals", "reversal"))
    for method, href, rel in links:
        yield {"method": method, "href": href, "rel": rel}


def _answer(status: int, body: object) -> httpx.Response:
    return httpx.Response(status, headers={"content-type": CONTENT_TYPE}, content=json.dumps(body))


def _expanded(answer: httpx.Response, wanted: str) -> httpx.Response:
    """Leave only a link to each resource that was not asked for."""
    body: Any = json_of(answer.content)
    if not isinstance(body, dict) or "paymentOrder" not in body:
        return answer
    order = body["paymentOrder"]
    for name, inner in order.items():
        if isinstance(inner, dict) and name.lower() not in wanted.lower().split(","):
            order[name] = {field: inner[field] for field in ("id",) if field in inner}
    return _answer(answer.status_code, body)
