"""A stand-in for QuickPay: payments, links, operations that end later, and signed callbacks.

It refuses what the provider's documentation says is refused. As at the real one, an answer to a
capture, refund or cancel shows the operation as pending, a callback is the whole payment, and
nothing but an operation makes one.

Two kinds of "no" differ. A declined attempt (`SimulatedQuickPay.reject`) leaves the link open. The
one that a person gives on the page, or a test plans, is the last: the link is closed with it.

Subscriptions have one kind of "no", the last. To planned faults, making their link and charging on
them are ``authorise``, and cancelling them is ``void``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from functools import partial
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, TypeVar
from urllib.parse import parse_qs, urlsplit

import httpx
from pydantic import Field, ValidationError

from checkoutflow.errors import problem_paths
from checkoutflow.money import MAX_MINOR, Money
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.quickpay import QuickPay, QuickPayConfig
from checkoutflow.testing.standins.base import Posted, StandIn
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
from checkoutflow.testing.standins.mandates import BankMandate, MandateState
from checkoutflow.testing.standins.reading import Strict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

MERCHANT: Final = 1234

_TYPES: Final = MappingProxyType(
    {
        Kind.AUTHORISE: "authorize",
        Kind.CAPTURE: "capture",
        Kind.VOID: "cancel",
        Kind.REFUND: "refund",
    }
)
_KINDS: Final = MappingProxyType(
    {"capture": Kind.CAPTURE, "cancel": Kind.VOID, "refund": Kind.REFUND}
)
# Why an operation failed -> their code; 40000 for every other reason.
_CODES: Final = MappingProxyType(
    {
        "": "20000",
        "authorisation_expired": "40002",
        "declined_by_customer": "40003",
        "suspected_fraud": "40300",
        "no_contact": "50300",
    }
)
# Where nothing is done: our ledger's word -> the field at fault; empty for the payment's state.
_FIELDS: Final = MappingProxyType({"amount_too_high": "amount", "reference_taken": "order_id"})


# What is there and says nothing.
_EMPTY: Final = (
    "ulid text_on_statement branding_id shipping_address invoice_address facilitator retented_at "
    "deadline_at"
)


_Text = Annotated[str, Field(min_length=1)]
_Minor = Annotated[int, Field(ge=1, le=MAX_MINOR)]
_OrderId = Annotated[str, Field(pattern=r"^[A-Za-z0-9 ._-]{4,20}$")]
_Currency = Literal["DKK", "SEK", "NOK", "EUR", "GBP", "USD"]


class _Item(Strict):
    qty: int = Field(ge=1)
    item_no: _Text
    item_name: _Text
    item_price: int = Field(ge=0)
    vat_rate: float = Field(ge=0, le=1)


class _Shipping(Strict):
    amount: int = Field(ge=0)
    vat_rate: float = Field(ge=0, le=1)


class _Create(Strict):
    order_id: _OrderId
    currency: _Currency
    basket: list[_Item] = Field(default=[])
    shipping: _Shipping | None = None


class _Subscribe(Strict):
    order_id: _OrderId
    currency: _Currency
    description: _Text
    unscheduled: bool = False


class _Recurring(Strict):
    order_id: _OrderId
    amount: _Minor
    auto_capture: Literal[False]
    autofee: Literal[False]


class _Link(Strict):
    amount: _Minor
    continue_url: _Text
    cancel_url: _Text
    callback_url: _Text
    language: str = Field(pattern=r"^[a-z]{2}$")
    payment_methods: _Text
    auto_capture: bool = False
    auto_fee: bool = False


class _Modify(Strict):
    amount: _Minor


class _Void(Strict):
    pass


_M = TypeVar("_M", bound=Strict)


class SimulatedQuickPay(StandIn):
    """One account at the stand-in.

    Args:
        clock: Its time, as an aware ``datetime``.
        secret: What the API key and the private key are made of.
        notice_url: Where the adapter asks for callbacks.
    """

    _title = "QuickPay, simulated"
    _names: ClassVar[Names] = Names(
        amounts=frozenset({"amount"}),
        currencies=frozenset({"currency"}),
        words=frozenset({"state", "qp_status_code"}),
        ids=frozenset({"id", "order_id"}),
        references=frozenset({"order_id"}),
    )

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        secret: str = "simulated",  # noqa: S107 -- opens nothing real
        notice_url: str = "https://shop.example/notices/quickpay",
    ) -> None:
        """Open the account with an empty book."""
        # A link stays open until it is removed; to the ledger, that is a very long time.
        super().__init__(clock, remembers_keys=False, decision_s=3650 * 86_400)
        self._secret = secret
        self._notice_url = notice_url
        self._references: list[str] = []  # ours, in the order of their numbers
        self._created: dict[str, _Create] = {}
        self._subscribed: dict[str, _Subscribe] = {}
        self._charged: dict[str, str] = {}  # a payment that was taken on one, and its number
        self._steps: dict[str, list[dict[str, Any]]] = {}  # operations on subscriptions
        self._links: dict[str, _Link] = {}
        self._callbacks: dict[str, str] = {}  # by the operation's key

    def provider(self, base_url: str = "https://api.quickpay.net") -> QuickPay:
        """An adapter for this account."""
        return QuickPay(
            QuickPayConfig(
                api_key=Secret(f"{self._secret}-api-key"),
                private_key=Secret(f"{self._secret}-private-key"),
                notice_url=self._notice_url,
                is_test=True,
                base_url=base_url,
            )
        )

    def reject(self, merchant_reference: str, reason: str = "declined") -> None:
        """A card is declined on the link, which stays open: the customer may try another one."""
        with self._open():
            payment = self._payment(merchant_reference)
            if payment.is_waiting:  # the attempt that still may come is the last of the list
                self._failed(payment, Kind.AUTHORISE, "", payment.amount, reason, place=-1)

    def end_mandate(self, reference: str) -> None:
        """Someone at the shop cancels a subscription in the provider's own portal."""
        with self._open():
            super().end_mandate(reference)
            self._step(reference, "cancel")

    # --- how it speaks -------------------------------------------------------------------------

    def _route(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        credentials = base64.b64encode(f":{self._secret}-api-key".encode()).decode()
        shown = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(shown, f"Basic {credentials}".encode()):
            raise Refusal(401, "unauthorised")
        if request.headers.get("accept-version") != "v10":
            raise Refusal(406, "wrong_version")
        match request.method, parts:
            case "POST", ["payments"]:
                return self._create(request)
            case "POST", ["subscriptions"]:
                return self._subscribe(request)
            case "GET", ["payments" | "subscriptions" as what]:
                return self._find(request, what)
            case method, [("payments" | "subscriptions") as what, number, *rest]:
                return self._on(request, (method, what, *rest), self._reference(number, what))
            case _:
                raise Refusal(404, "no_such_resource")

    def _on(self, request: httpx.Request, step: tuple[str, ...], reference: str) -> httpx.Response:
        """Answer what is asked of one payment, or of one subscription."""
        match step:
            case "GET", _:
                return self._look_up(request, reference)
            case "PUT", what, "link":
                make = self._link if what == "payments" else self._ask_leave
                return self._perform(request, Kind.AUTHORISE, "", partial(make, reference))
            case "DELETE", what, "link":
                return self._unlink(reference) if what == "payments" else self._withdraw(reference)
            case "POST", "payments", word if word in _KINDS:
                kind, work = _KINDS[word], partial(self._modify, _KINDS[word], reference)
            case "POST", "subscriptions", "recurring":
                kind, work = Kind.AUTHORISE, partial(self._charge, reference)
            case "POST", "subscriptions", "cancel":
                kind, work = Kind.VOID, partial(self._cancel, reference)
            case _:
                raise Refusal(404, "no_such_resource")
        return self._perform(request, kind, self._named(request), work)

    def _named(self, request: httpx.Request) -> str:
        """The key in the address for callbacks, which is kept."""
        callback: str = request.headers.get("quickpay-callback-url", "")
        key = parse_qs(urlsplit(callback).query).get("attempt", ["unnamed"])[0]
        self._callbacks[key] = callback
        return key

    def _refused(self, refusal: Refusal) -> httpx.Response:
        problems: dict[str, list[str]] = {}
        for field, text in refusal.problems:
            problems.setdefault(field, []).append(text)
        message = refusal.code.replace("_", " ")
        if field := _FIELDS.get(refusal.code, ""):
            problems[field] = [message]
        # Their own word for what money or state does not allow is 400 as well.
        is_unprocessable = refusal.status == HTTPStatus.UNPROCESSABLE_ENTITY
        status = HTTPStatus.BAD_REQUEST if is_unprocessable else refusal.status
        is_limit = status == HTTPStatus.TOO_MANY_REQUESTS
        body = {"message": message, "errors": problems, "error_code": None}
        return httpx.Response(status, json=body, headers={"retry-after": "7"} if is_limit else {})

    def _create(self, request: httpx.Request) -> httpx.Response:
        wanted = _read(_Create, request)
        self._enter(wanted.order_id)
        self._created[wanted.order_id] = wanted
        view = self._shown(wanted.order_id, None)
        self._views[wanted.order_id] = None, view
        return httpx.Response(201, json=view)

    def _find(self, request: httpx.Request, what: str) -> httpx.Response:
        """A list of at most one, in which the operations are left out."""
        reference = request.url.params.get("order_id", "")
        _, view = self._views.get(reference, (None, None))
        if not isinstance(view, dict) or reference not in self._known(what):
            return httpx.Response(200, json=[])
        return httpx.Response(200, json=[view | {"operations": []}])

    def _link(self, reference: str, request: httpx.Request, key: str, fate: Fate) -> httpx.Response:
        wanted = _read(_Link, request)
        created = self._created[reference]
        total = sum(item.qty * item.item_price for item in created.basket)
        total += created.shipping.amount if created.shipping else 0
        if "klarna-payments" in wanted.payment_methods.split(",") and total != wanted.amount:
            raise Refusal(400, "wrong_sum", [("basket", "must add up to the amount")])
        self._keep_link(reference, wanted)
        payment, _ = self._create_payment(
            request,
            key,
            fate,
            BankPayment(
                id=self._number(reference),
                merchant_reference=reference,
                amount=Money(wanted.amount, created.currency),
                method=wanted.payment_methods,
                return_url=wanted.continue_url,
                is_waiting=True,
            ),
        )
        return httpx.Response(200, json={"url": payment.page})

    def _keep_link(self, reference: str, link: _Link) -> None:
        if reference in self._links:  # it could be replaced, but nobody asks for it
            raise Refusal(400, "wrong_state")
        self._links[reference] = link

    def _unlink(self, reference: str) -> httpx.Response:
        payment = self._payment(reference)
        if not payment.is_waiting:
            raise Refusal(404, "no_such_resource")
        self._ledger.void(payment, None, Fate())
        return httpx.Response(204)

    def _modify(
        self, kind: Kind, reference: str, request: httpx.Request, key: str, fate: Fate
    ) -> httpx.Response:
        payment = self._payment(reference)
        amount = None
        if kind is Kind.VOID:
            _read(_Void, request)
        else:
            amount = Money(_read(_Modify, request).amount, payment.amount.currency)
        if payment.under_way(Kind.CAPTURE, Kind.VOID, Kind.REFUND):
            raise Refusal(409, "operation_under_way")
        if payment.state is not State.AUTHORISED:
            raise Refusal(400, "wrong_state")
        if kind is not Kind.REFUND and payment.book.expired:
            gone = Money(payment.book.expired, payment.amount.currency)
            reason = "authorisation_expired"
            self._failed(payment, kind, key, gone if amount is None else amount, reason)
        else:
            self._modify_payment(kind, reference, amount, key, fate)
        # By the time of the answer the acquirer has not spoken yet.
        return httpx.Response(202, json=_running(self._shown(reference, payment)))

    def _failed(
        self,
        payment: BankPayment,
        kind: Kind,
        key: str,
        amount: Money,
        reason: str,
        place: int | None = None,
    ) -> None:
        """Put in an operation that the acquirer has turned down."""
        operation = BankOperation(kind, key, amount, Fate(reason), Status.FAILED, reason)
        end = len(payment.operations) if place is None else place
        payment.operations.insert(end, operation)
        self._changed(payment, f"{kind}.failed", amount, key)

    def _changed(self, payment: BankPayment, notice: str, amount: Money, key: str | None) -> None:
        """Removing a link, and time, are no operations: they make no callback."""
        is_silent = notice in {"payment.cancelled", "payment.expired"}
        super()._changed(payment, "" if is_silent else notice, amount, key)

    def _view(self, payment: BankPayment) -> dict[str, Any]:
        return self._shown(payment.merchant_reference, payment)

    def _shown(self, reference: str, payment: BankPayment | None) -> dict[str, Any]:
        created = self._created[reference]
        operations = [] if payment is None else self._operations(payment)
        is_open = payment is not None and payment.state in {State.PENDING, State.AUTHORISED}
        page = payment.page if payment is not None and is_open else None
        subscription = self._charged.get(reference)
        return {
            **self._common(reference, created.currency, operations, page),
            "accepted": payment is not None and payment.book.authorised > 0,
            "type": "Payment",
            "basket": [item.model_dump() for item in created.basket],
            "shipping": created.shipping.model_dump() if created.shipping else None,
            "balance": payment.book.taken if payment else 0,
            "fee": None,
            "subscription_id": int(subscription) if subscription else None,
        }

    def _common(
        self, reference: str, currency: str, operations: list[dict[str, Any]], page: str | None
    ) -> dict[str, Any]:
        """What payments and subscriptions both show; a link while somebody can decide on it."""
        link = self._links.get(reference)
        return {
            **dict.fromkeys(_EMPTY.split()),
            "id": int(self._number(reference)),
            "merchant_id": MERCHANT,
            "order_id": reference,
            "variables": {},
            "currency": currency,
            "state": _state(operations),
            "metadata": self._metadata() if operations else {},
            "link": link.model_dump() | {"url": page, "version": "v10"} if link and page else None,
            "operations": operations,
            "test_mode": True,
            "acquirer": "clearhaus" if operations else None,
            "created_at": self._now.isoformat(),
            "updated_at": self._now.isoformat(),
        }

    def _metadata(self) -> dict[str, object]:
        """What is known of the card."""
        opinion = self._opinion
        return {
            "type": "card",
            "country": opinion.country or None,
            "hash": opinion.card or None,
            "fraud_suspected": None if opinion.word is None else opinion.word == "true",
            "fraud_remarks": [],
        }

    def _operations(self, payment: BankPayment) -> list[dict[str, Any]]:
        """Attempts that ended or are under way; a customer who has not decided has made none."""
        found: list[dict[str, Any]] = []
        for item in payment.operations:
            is_attempt = item.kind is Kind.AUTHORISE
            if is_attempt and (
                (payment.is_waiting and item.status is Status.PROCESSING)
                or item.reason in {State.CANCELLED, State.EXPIRED}
            ):
                continue
            if item.kind is Kind.VOID and not payment.book.authorised:
                continue  # the link was removed
            ended = item.status is not Status.PROCESSING
            code = _CODES.get(item.reason, "40000") if ended else None
            link = self._links.get(payment.merchant_reference)
            is_charge = payment.merchant_reference in self._charged
            callback = self._callbacks.get(item.key or "") or None
            kind = "recurring" if is_attempt and is_charge else _TYPES[item.kind]
            if is_attempt and link:
                callback = link.callback_url
            found.append(self._operation(len(found) + 1, kind, item.amount.minor, code, callback))
        return found

    def _operation(
        self, number: int, kind: str, minor: int | None, code: str | None, callback: str | None
    ) -> dict[str, Any]:
        return {
            "id": number,
            "type": kind,
            "amount": minor,
            "pending": code is None,
            "qp_status_code": code,
            "qp_status_msg": "Approved" if code == "20000" else code and "Rejected",
            "data": {},
            "callback_url": callback,
            "acquirer": "clearhaus",
            "created_at": self._now.isoformat(),
        }

    # --- subscriptions -------------------------------------------------------------------------

    def _subscribe(self, request: httpx.Request) -> httpx.Response:
        wanted = _read(_Subscribe, request)
        self._enter(wanted.order_id)
        self._subscribed[wanted.order_id] = wanted
        self._steps[wanted.order_id] = []
        return httpx.Response(201, json=self._keep(wanted.order_id))

    def _ask_leave(
        self, reference: str, request: httpx.Request, _key: str, _fate: Fate
    ) -> httpx.Response:
        link = _read(_Link, request)
        self._keep_link(reference, link)
        number = self._number(reference)
        wanted = BankMandate(reference, id=number, token=number, return_url=link.continue_url)
        page = self._open_mandate(request, wanted).page
        self._keep(reference)
        return httpx.Response(200, json={"url": page})

    def _withdraw(self, reference: str) -> httpx.Response:
        mandate = self._mandate(reference)
        if not mandate.is_waiting:
            raise Refusal(404, "no_such_resource")
        mandate.state = MandateState.ENDED
        self._keep(reference)
        return httpx.Response(204)

    def _agreed(self, mandate: BankMandate) -> None:
        is_given = mandate.state is MandateState.ACTIVE
        callback = self._links[mandate.reference].callback_url
        self._step(mandate.reference, "authorize", "20000" if is_given else "40003", callback)

    def _cancel(
        self, reference: str, request: httpx.Request, key: str, fate: Fate
    ) -> httpx.Response:
        _read(_Void, request)
        mandate = self._active(reference)
        if not fate.reason:
            mandate.state = MandateState.ENDED
        code = _CODES.get(fate.reason, "40000")
        self._step(reference, "cancel", code, self._callbacks[key])
        return httpx.Response(202, json=_running(self._subscription(reference)))

    def _charge(
        self, reference: str, request: httpx.Request, key: str, fate: Fate
    ) -> httpx.Response:
        wanted = _read(_Recurring, request)
        mandate, currency = self._active(reference), self._subscribed[reference].currency
        ours = wanted.order_id
        self._enter(ours)
        self._created[ours] = _Create(order_id=ours, currency=currency)
        self._charged[ours] = mandate.id
        payment, _ = self._create_payment(
            request,
            key,
            fate,
            BankPayment(
                id=self._number(ours),
                merchant_reference=ours,
                amount=Money(wanted.amount, currency),
                method="recurring",
                return_url="",
                is_waiting=False,
            ),
        )
        return httpx.Response(202, json=_running(self._shown(ours, payment)))

    def _active(self, reference: str) -> BankMandate:
        mandate = self._mandates.get(reference)
        if mandate is None or mandate.state is not MandateState.ACTIVE:
            raise Refusal(400, "wrong_state")
        return mandate

    def _step(
        self, reference: str, kind: str, code: str = "20000", callback: str | None = None
    ) -> None:
        """Put in an operation on a subscription, and tell the shop."""
        steps = self._steps[reference]
        steps.append(self._operation(len(steps) + 1, kind, None, code, callback))
        self._post(reference, json.dumps(self._keep(reference)).encode())

    def _keep(self, reference: str) -> dict[str, Any]:
        """The subscription as it now shows when it is looked up."""
        _, before = self._views.get(reference, (None, None))
        view = self._subscription(reference)
        self._views[reference] = before, view
        return view

    def _subscription(self, reference: str) -> dict[str, Any]:
        wanted, mandate = self._subscribed[reference], self._mandates.get(reference)
        page = mandate.page if mandate is not None and mandate.is_waiting else None
        is_given = mandate is not None and mandate.state is MandateState.ACTIVE
        steps = list(self._steps[reference])
        return {
            **self._common(reference, wanted.currency, steps, page),
            "accepted": is_given,
            "type": "Subscription",
            "description": wanted.description,
            "group_ids": [],
        }

    # --- callbacks -----------------------------------------------------------------------------

    def _notice(self, payment: BankPayment, kind: str, amount: Money, key: str | None) -> bytes:
        del kind, amount, key  # it does not say what has changed
        return json.dumps(self._view(payment)).encode()

    def _signed(self, posted: Posted) -> tuple[dict[str, str], bytes]:
        key = f"{self._secret}-private-key".encode()
        headers = {
            "content-type": "application/json",
            "quickpay-resource-type": json.loads(posted.body)["type"],
            "quickpay-account-id": str(MERCHANT),
            "quickpay-api-version": "v10",
            "quickpay-checksum-sha256": hmac.new(key, posted.body, hashlib.sha256).hexdigest(),
        }
        return headers, posted.body

    # --- numbers -------------------------------------------------------------------------------

    def _enter(self, reference: str) -> None:
        """Give a reference of ours a number; it is used once, for whatever it is."""
        if reference in self._references:
            raise Refusal(400, "reference_taken")
        self._references.append(reference)

    def _number(self, reference: str) -> str:
        return str(900_001 + self._references.index(reference))

    def _reference(self, number: str, what: str) -> str:
        for reference in self._known(what):
            if self._number(reference) == number:
                return reference
        raise Refusal(404, "payment_not_found")

    def _known(self, what: str) -> Collection[str]:
        return self._created if what == "payments" else self._subscribed


def _running(view: dict[str, Any]) -> dict[str, Any]:
    """As the answer shows it in which the newest operation has only been taken in."""
    *earlier, last = view["operations"]
    last = {**last, "pending": True, "qp_status_code": None, "qp_status_msg": None}
    return {**view, "operations": [*earlier, last], "state": "pending"}


def _state(operations: list[dict[str, Any]]) -> str:
    """Their word, which says little."""
    if not operations:
        return "initial"
    last = operations[-1]
    if last["pending"]:
        return "pending"
    if all(item["type"] == "authorize" for item in operations):
        return "new" if last["qp_status_code"] == "20000" else "rejected"
    return "processed"


def _read(model: type[_M], request: httpx.Request) -> _M:
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise Refusal(415, "not_json")
    try:
        return model.model_validate_json(request.content)
    except ValidationError as error:
        problems = problem_paths(error.errors(include_input=False, include_url=False))
        raise Refusal(400, "invalid_request", problems) from None
