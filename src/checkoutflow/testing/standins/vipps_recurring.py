"""The half of Vipps MobilePay's stand-in that speaks its Recurring API: agreements and charges.

A charge is reserved at nine in the morning of the day that it is due, by the stand-in's clock. One
that fails is not tried again, and an agreement that nobody decides about stays open.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final, Literal, cast

import httpx
from pydantic import Field

from checkoutflow.money import Money
from checkoutflow.providers.vipps_recurring import RECURRING
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
from checkoutflow.testing.standins.mandates import BankMandate, MandateState
from checkoutflow.testing.standins.reading import Strict, read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checkoutflow.testing.standins.base import Work

_AHEAD: Final = timedelta(days=1)
_LONGEST: Final = timedelta(days=730)
_KEY_LENGTH: Final = 40
_WORDS: Final = frozenset({"capture", "refund"})
MSN: Final = "123456"

# Our word for why not -> the status and the kind of the provider's problem.
_PROBLEMS: Final = MappingProxyType(
    {
        "invalid_request": (400, "validation-error"),
        "unauthorised": (401, "not-authorized"),
        "payment_not_found": (404, "resource-not-found"),
        "mandate_not_found": (404, "resource-not-found"),
        "mandate_not_active": (422, "charge-creation-failed"),
        "not_stoppable": (400, "illegal-agreement-update"),
        "due_too_soon": (400, "charge-due-too-soon"),
        "due_too_late": (400, "charge-due-in-too-long"),
        "above_maximum": (400, "charge-amount-too-high"),
        "reference_taken": (409, "conflict"),
        "key_conflict": (409, "idempotency-conflict"),
        "key_in_use": (409, "conflict"),
    }
)
_AGREEMENTS: Final = MappingProxyType(
    {
        MandateState.WAITING: "PENDING",
        MandateState.ACTIVE: "ACTIVE",
        MandateState.DECLINED: "STOPPED",
        MandateState.ENDED: "STOPPED",
    }
)
# What happened to a charge -> the webhook's name for it, and the history's. The rest is a failure.
_EVENTS: Final = MappingProxyType(
    {
        "payment.authorised": "reserved",
        "payment.cancelled": "canceled",
        "payment.expired": "canceled",
        "payment.captured": "captured",
        "payment.voided": "canceled",
        "payment.refunded": "refunded",
    }
)
_HISTORY: Final = MappingProxyType(
    {
        Moved.AUTHORISED: "RESERVE",
        Moved.CAPTURED: "CAPTURE",
        Moved.VOIDED: "CANCEL",
        Moved.EXPIRED: "CANCEL",
        Moved.REFUNDED: "REFUND",
    }
)


def key_of(request: httpx.Request, longest: int) -> str:
    """A request's idempotency key.

    Raises:
        Refusal: If it has none, or one that is too long.
    """
    key: str = request.headers.get("idempotency-key", "")
    if not 1 <= len(key) <= longest:
        raise Refusal(400, "invalid_request", [("Idempotency-Key", f"has 1 to {longest} signs")])
    return key


_Minor = Annotated[int, Field(ge=100)]
_Url = Annotated[str, Field(pattern=r"^https://", max_length=1024)]


class _Pricing(Strict):
    type: Literal["VARIABLE"]
    currency: Literal["NOK", "DKK", "EUR"]
    suggestedMaxAmount: _Minor  # noqa: N815 -- their name for it


class _Interval(Strict):
    unit: Literal["YEAR", "MONTH", "WEEK", "DAY"]
    count: int = Field(ge=1, le=31)


class _Initial(Strict):
    amount: _Minor
    description: str = Field(min_length=1, max_length=45)
    transactionType: Literal["RESERVE_CAPTURE"]  # noqa: N815 -- as above; all that is played here
    orderId: str = Field(pattern=r"^[a-zA-Z0-9-]{8,64}$")  # noqa: N815


class _Charge(_Initial):
    due: date = Field(strict=False)
    retryDays: int = Field(ge=0, le=14)  # noqa: N815


class _Draft(Strict):
    pricing: _Pricing
    interval: _Interval | None = None
    merchantAgreementUrl: _Url  # noqa: N815
    merchantRedirectUrl: _Url  # noqa: N815
    productName: str = Field(min_length=1, max_length=45)  # noqa: N815
    productDescription: str | None = Field(default=None, max_length=100)  # noqa: N815
    phoneNumber: str | None = Field(default=None, pattern=r"^\d{9,15}$")  # noqa: N815
    initialCharge: _Initial | None = None  # noqa: N815
    externalId: str = Field(min_length=1, max_length=64)  # noqa: N815


class _Modify(Strict):
    amount: _Minor
    description: str = Field(min_length=1)


class _Stop(Strict):
    status: Literal["STOPPED"]


@dataclass(slots=True)
class _Agreement:
    """What a mandate is about.

    Attributes:
        start: When the customer gave it.
        stop: When it was ended.
    """

    draft: _Draft
    created: datetime
    start: datetime | None = None
    stop: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Order:
    """What a charge is about."""

    agreement: BankMandate
    wanted: _Initial
    due: datetime

    @property
    def kind(self) -> str:
        """Their word for it."""
        return "RECURRING" if isinstance(self.wanted, _Charge) else "INITIAL"


class RecurringStandIn(StandIn):
    """Agreements and charges. The sales unit that has them brings its money, keys and webhooks."""

    _market: Literal["NO", "DK", "FI", "SE"]
    _charges: dict[str, _Order]

    @abstractmethod
    def _currency(self) -> str:
        """What its customers pay in."""

    def end_mandate(self, reference: str) -> None:
        """The customer ends a mandate in the app; what is reserved on it stays reserved."""
        with self._open():
            self._stop(self._mandate(reference), releases=False)

    # --- how it speaks -------------------------------------------------------------------------

    def _recurring(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        """Answer a request of the Recurring API.

        Raises:
            Refusal: If it is not taken.
        """
        match request.method, parts:
            case "POST", ["agreements"]:
                return self._once(request, Kind.AUTHORISE, self._draft)
            case "GET", ["agreements", agreement]:
                return httpx.Response(200, json=self._agreement(self._by_id(agreement)))
            case "PATCH", ["agreements", agreement]:
                return self._once(request, Kind.VOID, partial(self._end, agreement))
            case "POST", ["agreements", agreement, "charges"]:
                return self._once(request, Kind.AUTHORISE, partial(self._charge, agreement))
            case "GET", ["charges", reference]:
                return self._look_up(request, reference)
            case "GET", ["agreements", agreement, "charges", reference]:
                self._of(agreement, reference)
                return self._look_up(request, reference)
            case "DELETE", ["agreements", agreement, "charges", reference]:
                work = partial(self._change, Kind.VOID, agreement, reference)
                return self._once(request, Kind.VOID, work)
            case "POST", ["agreements", agreement, "charges", reference, word] if word in _WORDS:
                work = partial(self._change, Kind(word), agreement, reference)
                return self._once(request, Kind(word), work)
            case _:
                raise Refusal(404, "no_such_resource")

    def _once(self, request: httpx.Request, kind: Kind, work: Work) -> httpx.Response:
        return self._perform(request, kind, key_of(request, _KEY_LENGTH), work)

    @staticmethod
    def _problem(refusal: Refusal) -> httpx.Response:
        """A refusal as this API writes it."""
        status, problem = _PROBLEMS.get(refusal.code, (refusal.status, "operation-failed"))
        body = {
            "type": f"https://developer.vippsmobilepay.com/docs/recurring-api-problems#{problem}",
            "title": refusal.code.replace("_", " "),
            "status": status,
            "extraDetails": [{"field": field, "text": text} for field, text in refusal.problems],
        }
        headers = {"content-type": "application/json;charset=UTF-8"}
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            headers["retry-after"] = "7"
        return httpx.Response(status, headers=headers, content=json.dumps(body))

    # --- agreements ----------------------------------------------------------------------------

    def _draft(self, request: httpx.Request, key: str, fate: Fate) -> httpx.Response:
        draft = read(_Draft, request)
        if draft.pricing.currency != self._currency():
            raise Refusal(400, "invalid_request", [("pricing.currency", "is another")])
        number = len(self._mandates) + 1
        agreement = self._open_mandate(
            request,
            BankMandate(
                reference=draft.externalId,
                id=f"agr_{number:06}",
                token=f"agr_{number:06}",
                return_url=draft.merchantRedirectUrl,
                data=_Agreement(draft, self._now),
            ),
        )
        if draft.initialCharge is not None:
            self._take(_Order(agreement, draft.initialCharge, self._now), key, fate)
        answer = {
            "agreementId": agreement.id,
            "uuid": _uuid(agreement),
            "vippsConfirmationUrl": agreement.page,
            "chargeId": draft.initialCharge.orderId if draft.initialCharge else None,
        }
        return httpx.Response(201, json=answer)

    def _agreed(self, mandate: BankMandate) -> None:
        is_given = mandate.state is MandateState.ACTIVE
        for payment in self._payments_on(mandate):
            self._ledger.decide(payment, approve=is_given)
        if is_given:
            _data(mandate).start = self._now
        self._tell(mandate, "activated" if is_given else "rejected")

    def _end(self, id_: str, request: httpx.Request, _key: str, _fate: Fate) -> httpx.Response:
        read(_Stop, request)
        agreement = self._by_id(id_)
        if agreement.is_waiting:
            raise Refusal(400, "not_stoppable")
        self._stop(agreement, releases=True)
        return httpx.Response(204)

    def _stop(self, agreement: BankMandate, *, releases: bool) -> None:
        """End an agreement; one that has ended stays as it is."""
        if agreement.state is not MandateState.ACTIVE:
            return
        agreement.state = MandateState.ENDED
        _data(agreement).stop = self._now
        for payment in self._payments_on(agreement):
            is_reserved = payment.state is State.AUTHORISED and payment.book.reserved > 0
            if payment.state is State.PENDING or (releases and is_reserved):
                self._ledger.void(payment, None, Fate())
        self._tell(agreement, "stopped")

    def _by_id(self, id_: str) -> BankMandate:
        for agreement in self._mandates.values():
            if agreement.id == id_:
                return agreement
        raise Refusal(404, "mandate_not_found")

    def _agreement(self, mandate: BankMandate) -> dict[str, object]:
        data = _data(mandate)
        draft, most = data.draft, data.draft.pricing.suggestedMaxAmount
        shown: dict[str, object] = {
            "id": mandate.id,
            "uuid": _uuid(mandate),
            "status": _AGREEMENTS[mandate.state],
            "created": _written(data.created),
            "start": _written(data.start),
            "stop": _written(data.stop),
            "pricing": {**draft.pricing.model_dump(), "maxAmount": most},
            "productName": draft.productName,
            "merchantAgreementUrl": draft.merchantAgreementUrl,
            "merchantRedirectUrl": draft.merchantRedirectUrl,
            "externalId": draft.externalId,
            "countryCode": self._market,
            "vippsConfirmationUrl": mandate.page,
        }
        if draft.interval is not None:
            unit, count = draft.interval.unit, draft.interval.count
            text = f"every {count} {unit.lower()}s"
            shown["interval"] = {"unit": unit, "count": count, "text": text}
        return shown

    def _tell(self, mandate: BankMandate, event: str) -> None:
        about = {"agreementExternalId": mandate.reference, "actor": "USER"}
        self._post(mandate.reference, self._event(f"agreement-{event}", mandate, about))

    def _event(self, name: str, mandate: BankMandate, about: Mapping[str, object]) -> bytes:
        """The body of a webhook."""
        body = {
            "agreementId": mandate.id,
            "eventType": f"recurring.{name}.v1",
            "occurred": _written(self._now),
            "msn": MSN,
        }
        return json.dumps({**body, **about}).encode()

    # --- charges -------------------------------------------------------------------------------

    def _charge(self, id_: str, request: httpx.Request, key: str, fate: Fate) -> httpx.Response:
        wanted, agreement = read(_Charge, request), self._by_id(id_)
        if agreement.state is not MandateState.ACTIVE:
            raise Refusal(422, "mandate_not_active")
        if wanted.amount > _data(agreement).draft.pricing.suggestedMaxAmount:
            raise Refusal(400, "above_maximum")
        ahead = wanted.due - self._now.date()
        if not _AHEAD <= ahead <= _LONGEST:
            raise Refusal(400, "due_too_soon" if ahead < _AHEAD else "due_too_late")
        due = datetime.combine(wanted.due, time(9), UTC)
        self._take(_Order(agreement, wanted, due), key, fate)
        return httpx.Response(201, json={"chargeId": wanted.orderId})

    def _take(self, order: _Order, key: str, fate: Fate) -> None:
        """Take a charge in; the first one waits for the customer, the others for their day."""
        reference = order.wanted.orderId
        if reference in self._ledger.payments:
            raise Refusal(409, "reference_taken")
        self._charges[reference] = order
        after_s = int((order.due - self._now).total_seconds())
        payment = BankPayment(
            id=reference,
            merchant_reference=reference,
            amount=Money(order.wanted.amount, self._currency()),
            method=RECURRING,
            return_url="",
            is_waiting=order.agreement.is_waiting,
        )
        self._ledger.create(payment, key, Fate(fate.reason, max(fate.after_s, after_s)))

    def _change(
        self, kind: Kind, id_: str, reference: str, request: httpx.Request, key: str, fate: Fate
    ) -> httpx.Response:
        self._of(id_, reference)
        amount = None
        if kind is not Kind.VOID:
            amount = Money(read(_Modify, request).amount, self._currency())
        _, operation = self._modify_payment(kind, reference, amount, key, fate)
        if operation.status is Status.FAILED:
            raise Refusal(422, operation.reason)
        return httpx.Response(202 if operation.status is Status.PROCESSING else 204)

    def _of(self, id_: str, reference: str) -> None:
        """See that a charge is one on this agreement.

        Raises:
            Refusal: If it is not.
        """
        order = self._charges.get(reference)
        if order is None or order.agreement.id != id_:
            raise Refusal(404, "payment_not_found")

    def _payments_on(self, mandate: BankMandate) -> list[BankPayment]:
        return [
            self._ledger.payments[reference]
            for reference, order in self._charges.items()
            if order.agreement is mandate
        ]

    def _charge_view(self, payment: BankPayment) -> dict[str, object]:
        order, book = self._charges[payment.merchant_reference], payment.book
        is_dropped = payment.state in {State.CANCELLED, State.EXPIRED}
        shown: dict[str, object] = {
            "id": payment.merchant_reference,
            "externalId": payment.merchant_reference,
            "agreementId": order.agreement.id,
            "amount": payment.amount.minor,
            "currency": payment.amount.currency,
            "description": order.wanted.description,
            "due": _written(order.due),
            "retryDays": order.wanted.retryDays if isinstance(order.wanted, _Charge) else 0,
            "status": self._charge_status(payment),
            "transactionId": None,
            "type": order.kind,
            "transactionType": order.wanted.transactionType,
            "summary": {
                "captured": book.captured,
                "refunded": book.refunded,
                # Of one that is dropped before it is reserved, all of it is cancelled.
                "cancelled": payment.amount.minor if is_dropped else book.voided,
            },
            "history": [
                {
                    "occurred": _written(entry.at),
                    "event": _HISTORY[entry.operation],
                    "amount": entry.amount.minor,
                    "idempotencyKey": entry.key or "",
                    "success": True,
                }
                for entry in payment.entries
                if entry.operation in _HISTORY
            ],
        }
        if payment.state is State.DECLINED:
            shown["failureReason"] = "user_action_required"
        return shown

    @staticmethod
    def _charge_status(payment: BankPayment) -> str:
        book = payment.book
        if payment.state is State.PENDING:
            return "PENDING" if payment.is_waiting else "DUE"
        if payment.state is State.DECLINED:
            return "FAILED"
        if book.refunded:
            return "PARTIALLY_REFUNDED" if book.taken else "REFUNDED"
        if book.captured:
            return "PARTIALLY_CAPTURED" if book.reserved else "CHARGED"
        return "RESERVED" if book.reserved else "CANCELLED"

    def _charge_notice(self, payment: BankPayment, kind: str, amount: Money) -> bytes:
        order, book = self._charges[payment.merchant_reference], payment.book
        about = {
            "chargeId": payment.merchant_reference,
            "chargeType": order.kind,
            "amount": amount.minor,
            "amountCaptured": book.captured,
            "amountCanceled": book.voided,
            "amountRefunded": book.refunded,
            "currency": amount.currency,
        }
        return self._event(f"charge-{_EVENTS.get(kind, 'failed')}", order.agreement, about)


def _data(mandate: BankMandate) -> _Agreement:
    return cast("_Agreement", mandate.data)  # this stand-in puts nothing else there


def _uuid(mandate: BankMandate) -> str:
    return f"00000000-0000-4000-8000-{mandate.id.removeprefix('agr_'):0>12}"


def _written(at: datetime | None) -> str | None:
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")
