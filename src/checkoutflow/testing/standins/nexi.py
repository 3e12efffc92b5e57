"""A stand-in for Nexi Checkout: payments with a hosted page, stored cards, refunds and notices.

It refuses what the provider's own document refuses, also the 31st look-up of a payment in an hour,
and sends the notices that a payment was created with. As at the real one there is no word for how a
payment stands, and no answer but a look-up says an amount.

Two things are simpler. A "no" on the page ends the session, where the real one lets the customer
try again. And of two payments under one reference of ours the newest counts: the page of an older
one was never seen by anybody.
"""

from __future__ import annotations

import hmac
import json
from collections import defaultdict
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal

import httpx
from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from checkoutflow.money import Money
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.nexi import MANDATE, MAXIMUM, METHODS, SESSION, Nexi, NexiConfig
from checkoutflow.testing.standins.base import PAGES, StandIn
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
from checkoutflow.testing.standins.reading import Strict, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from checkoutflow.testing.standins.base import Posted

RESERVED_DAYS: Final = 30  # then the platform cancels what is not charged
LOOKUPS_AN_HOUR: Final = 30

_CARD: Final = {"paymentType": "CARD", "cardDetails": {"maskedPan": "492500******0004"}}
_ACCOUNTS: Final = frozenset({"Swish", "Trustly", "Sofort", "A2A"})  # they reserve nothing first
_AT_ONCE: Final = _ACCOUNTS | {MANDATE}

_EVENTS: Final = MappingProxyType(
    {
        "payment.authorised": "payment.reservation.created.v2",
        "payment.captured": "payment.charge.created.v2",
        "payment.voided": "payment.cancel.created",
        "payment.refunded": "payment.refund.completed",
        "payment.expired": "payment.cancel.created",
        "capture.failed": "payment.charge.failed.v2",
        "refund.failed": "payment.refund.failed",
    }
)
# What the ledger says -> status and code, by operation; no code is an answer without a body.
_CODES: Final = MappingProxyType(
    {
        (Kind.CAPTURE, "amount_too_high"): (402, "1001"),
        (Kind.CAPTURE, "not_authorised"): (402, "1003"),
        (Kind.CAPTURE, "authorisation_expired"): (402, "1010"),
        (Kind.CAPTURE, "failed"): (402, "1020"),
        (Kind.REFUND, "amount_too_high"): (500, "1009"),
        (Kind.REFUND, "failed"): (500, "1014"),
        (Kind.VOID, "nothing_to_void"): (500, "1019"),
        (Kind.VOID, "failed"): (405, ""),
    }
)
_REFUNDS: Final = MappingProxyType(
    {Status.PROCESSING: "Pending", Status.DONE: "Completed", Status.FAILED: "Failed"}
)


class _Strict(Strict):
    model_config = ConfigDict(alias_generator=to_camel)  # type: ignore[pydantic-alias]  # JSON only


_Text = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^<>\\]*$")]
_Plain = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^<>'\"&\\]*$")]
_Page = Annotated[str, Field(pattern=r"^https?://[!-~]+$")]
_Country = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class _Item(_Strict):
    reference: _Text
    name: _Text
    quantity: int = Field(ge=0)
    unit: _Plain
    unit_price: int
    tax_rate: int = Field(default=0, ge=0, le=99_999)
    tax_amount: int = 0
    net_total_amount: int
    gross_total_amount: int

    @property
    def adds_up(self) -> bool:
        """Whether price, VAT and totals belong together, but for the rounding of the VAT."""
        vat = self.net_total_amount * self.tax_rate / 10_000
        return (
            self.net_total_amount == self.unit_price * self.quantity
            and self.gross_total_amount == self.net_total_amount + self.tax_amount
            and abs(vat - self.tax_amount) <= 1
        )


class _Order(_Strict):
    items: list[_Item] = Field(min_length=1)
    amount: int = Field(ge=0, le=MAXIMUM)
    currency: Literal["DKK", "SEK", "NOK", "EUR", "GBP", "USD"]
    reference: _Plain


class _Person(_Strict):
    first_name: _Plain | None = None
    last_name: _Plain | None = None


class _Company(_Strict):
    name: _Plain
    contact: _Person | None = None


class _Phone(_Strict):
    prefix: str = Field(pattern=r"^[+]\d{1,3}$")
    number: str = Field(pattern=r"^[0-9]*$")


class _Address(_Strict):
    address_line1: _Plain
    postal_code: str = Field(pattern=r"^[A-Za-z0-9]{1,12}$")
    city: _Plain
    country: _Country


class _Consumer(_Strict):
    email: str | None = None
    phone_number: _Phone | None = None
    private_person: _Person | None = None
    company: _Company | None = None
    shipping_address: _Address | None = None


class _Checkout(_Strict):
    integration_type: Literal["HostedPaymentPage"]
    return_url: _Page
    cancel_url: _Page
    terms_url: _Page
    merchant_terms_url: _Page | None = None
    country_code: _Country | None = None
    charge: Literal[False] = False
    merchant_handles_consumer_data: bool = False
    consumer: _Consumer | None = None


class _Hook(_Strict):
    event_name: str = Field(pattern=r"^payment\.[a-z0-9.]+$")
    url: str = Field(max_length=256, pattern=r"^https?://[!-~]+$")
    authorization: str = Field(pattern=r"^[A-Za-z0-9]{8,64}$")


class _Notifications(_Strict):
    web_hooks: list[_Hook] = Field(max_length=32)


class _Method(_Strict):
    name: str = Field(pattern=f"^({'|'.join(METHODS.values())})$")
    enabled: bool = True


class _Card(_Strict):
    create: Literal[True]


class _Charge(_Strict):
    order: _Order
    notifications: _Notifications
    my_reference: str = Field(default="", max_length=36, pattern=r"^[^<>'\"&\\]*$")


class _Create(_Charge):
    checkout: _Checkout
    payment_methods_configuration: list[_Method] = Field(min_length=1, max_length=1)
    unscheduled_subscription: _Card | None = None


class _Modify(_Strict):
    amount: int = Field(ge=1, le=MAXIMUM)
    order_items: list[_Item] = Field(default=[])


class SimulatedNexi(StandIn):
    """One merchant account at the stand-in.

    Args:
        clock: Its time, as an aware ``datetime``.
        secret: What the key and the secret of its notices are made of.
        notice_url: Where the adapter asks for notices.
    """

    _title = "Nexi Checkout, simulated"
    _names: ClassVar[Names] = Names(
        amounts=frozenset(
            {"amount", "reservedAmount", "chargedAmount", "refundedAmount", "cancelledAmount"}
        ),
        currencies=frozenset({"currency"}),
        words=frozenset({"state"}),
        ids=frozenset({"paymentId", "chargeId", "refundId"}),
        references=frozenset({"reference"}),
    )
    _decided = frozenset({200, 201, 402})

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        secret: str = "simulated",  # noqa: S107 -- opens nothing real
        notice_url: str = "https://shop.example/notices/nexi",
    ) -> None:
        """Open the account with an empty book."""
        super().__init__(
            clock,
            authorisation_s=RESERVED_DAYS * 86_400,
            decision_s=int(SESSION.total_seconds()),
        )
        self._secret = secret
        self._notice_url = notice_url
        self._sessions: list[_Charge] = []  # payments are numbered by their place, from 1
        self._made: list[BankPayment] = []
        self._requests = 0
        self._times: dict[str, str] = {}  # when a payment or a charge was made
        self._charge_of: dict[str, str] = {}  # by the refund's name
        self._charged: dict[str, BankPayment] = {}  # by the key of a charge on a stored card
        self._lookups: defaultdict[str, list[datetime]] = defaultdict(list)

    def provider(self, base_url: str = NexiConfig.hosts.test) -> Nexi:
        """An adapter for this account."""
        return Nexi(
            NexiConfig(
                secret_key=Secret(f"{self._secret}-secret-key"),
                terms_url="https://shop.example/terms",
                notice_url=self._notice_url,
                notice_secret=Secret(f"{self._secret}-notice-secret-of-32-letters"),
                base_url=base_url,
            )
        )

    # --- how it speaks -------------------------------------------------------------------------

    def _route(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        shown = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(shown, f"{self._secret}-secret-key".encode()):
            raise Refusal(401, "unauthorised")
        self._requests += 1
        no_key = f"request-{self._requests}"  # no two are the same
        match request.method, parts:
            case "POST", ["v1", "payments"]:
                return self._perform(request, Kind.AUTHORISE, no_key, self._create)
            case "GET", ["v1", "payments", name]:
                return self._looked_up(request, self._named(name))
            case "PUT", ["v1", "payments", name, "terminate"]:
                work = partial(self._terminate, self._named(name))
                return self._perform(request, Kind.VOID, no_key, work)
            case "POST", ["v1", "payments", name, "cancels"]:
                work = partial(self._cancel, self._named(name))
                return self._perform(request, Kind.VOID, no_key, work)
            case "POST", ["v1", "payments", name, "charges"]:
                work = partial(self._charge, self._named(name))
                return self._perform(request, Kind.CAPTURE, _key_of(request), work)
            case "POST", ["v1", "charges", name, "refunds"]:
                work = partial(self._refund, name)
                return self._perform(request, Kind.REFUND, _key_of(request), work)
            case _, ["v1", "unscheduledsubscriptions", token, *rest]:
                return self._on_card(request, self._stored(token), rest)
            case _:
                raise Refusal(404, "no_such_resource")

    def _refused(self, refusal: Refusal) -> httpx.Response:
        if refusal.problems:
            errors: dict[str, list[str]] = {}
            for field, text in refusal.problems:
                errors.setdefault(field, []).append(text)
            return httpx.Response(400, json={"errors": errors})
        status, code = refusal.status, refusal.code if refusal.code.isdigit() else ""
        if code == "" and status >= httpx.codes.INTERNAL_SERVER_ERROR:
            code = "1000"
        if refusal.code == "key_conflict":
            status, code = 402, "1026"
        if not code:
            return httpx.Response(status)
        body = {"code": code, "message": f"error {code}", "source": "internal"}
        return httpx.Response(status, json=body)

    def _create(self, request: httpx.Request, key: str, fate: Fate) -> httpx.Response:
        wanted = read(_Create, request)
        stores = wanted.unscheduled_subscription is not None
        method = wanted.payment_methods_configuration[0].name
        payment = self._opened(wanted, method, least=0 if stores else 1)
        page = f"page-{len(self._sessions):06}"
        payment.return_url, payment.is_waiting = wanted.checkout.return_url, True
        payment.page = str(request.url.join(f"/{PAGES}/{page}?pid={payment.id}"))
        self._pages[page] = payment
        if stores:
            mandate = BankMandate(
                reference=wanted.my_reference.partition(" ")[0],
                id=payment.id,
                token=_name(0, len(self._sessions)),
                return_url=payment.return_url,
                page=payment.page,
            )
            self._pages[page] = self._mandates[mandate.reference] = mandate
        self._ledger.create(payment, key, fate)
        created = {"paymentId": payment.id, "hostedPaymentPageUrl": payment.page}
        return httpx.Response(201, json=created)

    def _opened(self, wanted: _Charge, method: str, *, least: int = 1) -> BankPayment:
        order = wanted.order
        _check_items(order.items, order.amount)
        if order.amount < least:
            raise Refusal(400, "invalid_request", [("order.amount", "must be above zero")])
        self._sessions.append(wanted)
        payment = BankPayment(
            id=_name(len(self._sessions)),
            merchant_reference=order.reference,
            amount=Money(order.amount, order.currency),
            method=method,
            return_url="",
            is_waiting=False,
        )
        self._times[payment.id] = self._now.isoformat()
        self._made.append(payment)
        return payment

    def _agreed(self, mandate: BankMandate) -> None:
        approve = mandate.state is MandateState.ACTIVE
        self._ledger.decide(self._named(mandate.id), approve=approve)

    def _stored(self, token: str) -> BankMandate:
        for mandate in self._mandates.values():
            if mandate.token == token and self._named(mandate.id).state is State.AUTHORISED:
                return mandate
        raise Refusal(404, "mandate_not_found")

    def _on_card(
        self, request: httpx.Request, mandate: BankMandate, rest: list[str]
    ) -> httpx.Response:
        match request.method, rest:
            case "GET", []:
                shown = {"unscheduledSubscriptionId": mandate.token, "paymentDetails": _CARD}
                return httpx.Response(200, json=shown)
            case "POST", ["charges"]:
                work = partial(self._charge_card, mandate)
                return self._perform(request, Kind.AUTHORISE, _key_of(request), work)
            case "GET", ["charges", "status"] if _key_of(request) in self._charged:
                payment = self._charged[_key_of(request)]
                is_done = payment.book.captured > 0
                return httpx.Response(200, json={**_taken(payment), "completed": is_done})
            case _:
                raise Refusal(404, "no_such_resource")

    def _charge_card(
        self, mandate: BankMandate, request: httpx.Request, key: str, fate: Fate
    ) -> httpx.Response:
        wanted = read(_Charge, request)
        if mandate.state is MandateState.ENDED:
            raise Refusal(402, "1031")
        payment = self._charged[key] = self._opened(wanted, MANDATE)
        self._ledger.create(payment, key, fate)
        if payment.state is State.DECLINED:
            raise Refusal(402, "1020")
        return httpx.Response(200, json=_taken(payment))

    def _looked_up(self, request: httpx.Request, payment: BankPayment) -> httpx.Response:
        hour_ago = self._now - timedelta(hours=1)
        recent = [time for time in self._lookups[payment.id] if time > hour_ago]
        if len(recent) >= LOOKUPS_AN_HOUR:
            raise Refusal(429, "too_many_requests")
        self._lookups[payment.id] = [*recent, self._now]
        return self._look_up(request, payment.id)

    def _terminate(
        self, payment: BankPayment, _request: httpx.Request, key: str, _fate: Fate
    ) -> httpx.Response:
        if not payment.is_waiting:
            raise Refusal(405, "wrong_state")
        self._ledger.void(payment, key, Fate())
        return httpx.Response(204)

    def _cancel(
        self, payment: BankPayment, request: httpx.Request, key: str, fate: Fate
    ) -> httpx.Response:
        wanted = self._modification(payment.amount.minor, request)
        free = payment.book.reserved - payment.under_way(Kind.CAPTURE, Kind.VOID)
        if payment.state is not State.AUTHORISED:
            raise Refusal(405, "wrong_state")
        if free and wanted.amount != free:
            raise Refusal(500, "1007")
        self._moved(Kind.VOID, payment, None, key, fate)
        return httpx.Response(204)

    def _charge(
        self, payment: BankPayment, request: httpx.Request, key: str, fate: Fate
    ) -> httpx.Response:
        wanted = self._modification(payment.amount.minor, request)
        amount = Money(wanted.amount, payment.amount.currency)
        name = self._moved(Kind.CAPTURE, payment, amount, key, fate)
        return httpx.Response(201, json={"chargeId": name})

    def _refund(self, charge: str, request: httpx.Request, key: str, fate: Fate) -> httpx.Response:
        for payment in self._ledger.payments.values():
            operations = dict(self._operations(payment))
            if charge in operations and operations[charge].kind is Kind.CAPTURE:
                break
        else:
            raise Refusal(404, "payment_not_found")
        wanted = self._modification(operations[charge].amount.minor, request)
        gone = sum(
            operation.amount.minor
            for name, operation in operations.items()
            if self._charge_of.get(name) == charge and operation.status is not Status.FAILED
        )
        if gone + wanted.amount > operations[charge].amount.minor:
            raise Refusal(500, "1009")
        amount = Money(wanted.amount, payment.amount.currency)
        name = self._moved(Kind.REFUND, payment, amount, key, fate)
        self._charge_of[name] = charge
        return httpx.Response(201, json={"refundId": name})

    def _modification(self, whole: int, request: httpx.Request) -> _Modify:
        wanted = read(_Modify, request)
        if wanted.order_items:
            _check_items(wanted.order_items, wanted.amount)
        elif wanted.amount < whole:
            raise Refusal(400, "1015")
        return wanted

    def _moved(
        self, kind: Kind, payment: BankPayment, amount: Money | None, key: str, fate: Fate
    ) -> str:
        """Do it, or refuse it in their words; their name for it."""
        try:
            _, operation = self._modify_payment(kind, payment.merchant_reference, amount, key, fate)
            code = "failed" if operation.status is Status.FAILED else ""
        except Refusal as refusal:
            code = refusal.code
        if code:
            status, theirs = _CODES[kind, code]
            raise Refusal(status, theirs)
        return list(self._operations(payment))[-1][0]

    def _view(self, payment: BankPayment) -> dict[str, Any]:
        session = self._session(payment)
        book = payment.book
        sums = {
            "reservedAmount": 0 if payment.method in _ACCOUNTS else book.authorised,
            "chargedAmount": book.captured,
            "refundedAmount": book.refunded,
            "cancelledAmount": book.voided,
        }
        charges, refunds = [], []
        for name, operation in self._operations(payment):
            amount = operation.amount.minor
            if operation.kind is Kind.CAPTURE and operation.status is Status.DONE:
                created = self._times.setdefault(name, self._now.isoformat())
                charges.append({"chargeId": name, "amount": amount, "created": created})
            if operation.kind is Kind.REFUND:
                state = _REFUNDS[operation.status]
                refunds.append({"refundId": name, "amount": amount, "state": state})
        shown: dict[str, object] = {
            "paymentId": payment.id,
            "summary": {name: amount for name, amount in sums.items() if amount},
            "consumer": {},
            "paymentDetails": {"paymentType": "CARD"} if book.authorised else {},
            "orderDetails": {
                "amount": payment.amount.minor,
                "currency": payment.amount.currency,
                "reference": payment.merchant_reference,
            },
            "checkout": {"url": payment.page, "cancelUrl": payment.return_url},
            "created": self._times[payment.id],
            "myReference": session.my_reference,
        }
        lists = {"charges": charges, "refunds": refunds}
        shown |= {field: items for field, items in lists.items() if items}
        if payment.state in {State.CANCELLED, State.DECLINED}:
            shown["terminated"] = self._now.isoformat()
        for mandate in self._mandates.values():
            if mandate.id == payment.id and payment.state is State.AUTHORISED:
                shown["unscheduledSubscription"] = {"unscheduledSubscriptionId": mandate.token}
        return {"payment": shown}

    def _changed(self, payment: BankPayment, notice: str, amount: Money, key: str | None) -> None:
        """A notice is due if the payment was created with its event."""
        asked = {hook.event_name for hook in self._session(payment).notifications.web_hooks}
        is_due = _event_of(notice, amount) in asked and payment.state is State.AUTHORISED
        super()._changed(payment, notice if is_due else "", amount, key)
        # Two can be made under one reference: each is looked up by their own name for it.
        _, before = self._views.get(payment.id, (None, None))
        self._views[payment.id] = before, self._view(payment)
        if notice == "payment.authorised" and payment.method in _AT_ONCE:
            self._ledger.capture(payment, amount, None, Fate())

    def _notice(self, payment: BankPayment, kind: str, amount: Money, key: str | None) -> bytes:
        event = _event_of(kind, amount)
        data: dict[str, object] = {
            "paymentId": payment.id,
            "amount": {"amount": amount.minor, "currency": amount.currency},
        }
        named = [name for name, item in self._operations(payment) if item.key == key]
        field = {"charge": "chargeId", "refund": "refundId"}.get(event.split(".")[1])
        if field and named:
            data[field] = named[-1]
        if "failed" in event:
            data["error"] = {"code": "1020", "message": "it failed", "source": "issuer"}
        number = len(self._posted) + 1
        body = {
            "id": f"{number:032x}",
            "event": event,
            "timestamp": self._now.isoformat(),
            "merchantNumber": 100_000_001,
            "data": data,
        }
        return json.dumps(body).encode()

    def _signed(self, posted: Posted) -> tuple[dict[str, str], bytes]:
        word = self._hook(posted).authorization
        return {"content-type": "application/json", "authorization": word}, posted.body

    def _query(self, posted: Posted) -> str:
        return self._hook(posted).url.partition("?")[2]

    def _hook(self, posted: Posted) -> _Hook:
        event = json.loads(posted.body)["event"]
        hooks = self._session(self._payment(posted.payment)).notifications.web_hooks
        return next(hook for hook in hooks if hook.event_name == event)

    def _session(self, payment: BankPayment) -> _Charge:
        return self._sessions[int(payment.id[:16], 16) - 1]

    def _named(self, name: str) -> BankPayment:
        for payment in self._made:
            if payment.id == name:
                return payment
        raise Refusal(404, "payment_not_found")

    def _operations(self, payment: BankPayment) -> Iterator[tuple[str, BankOperation]]:
        """What was done with a payment, by their names for it."""
        number = int(payment.id[:16], 16)
        for place, operation in enumerate(payment.operations, 1):
            yield _name(number, place), operation


def _name(number: int, place: int = 0) -> str:
    """A payment's name, or that of one of its operations: 32 hexadecimal digits."""
    return f"{number:016x}{place:016x}"


def _event_of(notice: str, amount: Money) -> str:
    """What a change is called; a card that is stored reserves nothing."""
    return _EVENTS.get(notice, "") if amount.minor else "payment.checkout.completed"


def _taken(payment: BankPayment) -> dict[str, str]:
    """A charge on a stored card: it is the second operation on its payment, after reserving."""
    return {"paymentId": payment.id, "chargeId": _name(int(payment.id[:16], 16), 2)}


def _key_of(request: httpx.Request) -> str:
    key: str = request.headers.get("idempotency-key", "")
    if not 1 <= len(key) <= 64:  # noqa: PLR2004 -- theirs
        raise Refusal(400, "invalid_request", [("Idempotency-Key", "has 1 to 64 characters")])
    return key


def _check_items(items: list[_Item], amount: int) -> None:
    if sum(item.gross_total_amount for item in items) != amount:
        raise Refusal(400, "1005")
    if not all(item.adds_up for item in items):
        raise Refusal(400, "invalid_request", [("items", "do not add up")])
