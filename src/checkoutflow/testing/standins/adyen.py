"""Adyen's stand-in: payment links, modifications that are only received, and signed webhooks.

It shares no code with the adapter: bodies are checked by strict models, and what goes wrong with a
modification is told later, as the real one does it. A try that fails leaves a link open. The
webhook's envelope and items have the published shape; each item is signed by itself. A card that is
stored on a link is told of by a webhook of its own kind, signed as a whole.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, NamedTuple, Self, TypeVar

import httpx
from pydantic import Field, model_validator

from checkoutflow.money import Money
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.adyen import Adyen, AdyenConfig
from checkoutflow.testing.standins.base import Posted, StandIn
from checkoutflow.testing.standins.book import (
    BankOperation,
    BankPayment,
    Fate,
    Kind,
    Refusal,
    State,
)
from checkoutflow.testing.standins.faults import Names
from checkoutflow.testing.standins.mandates import BankMandate, MandateState
from checkoutflow.testing.standins.reading import Strict, read

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

ACCOUNT: Final = "FjordTest"
SHOP: Final = "https://shop.example"
_LINK: Final = timedelta(hours=24)  # until it runs out
_KEY_LENGTH: Final = 64
_KRONA: Final = 100  # their minor units of an Icelandic krona
_AT_ONCE: Final = frozenset({"swish", "trustly", "ebanking_FI"})
_LINES: Final = ("klarna", "riverty", "walley")  # beginnings of methods that want lines

# What happened -> their event and whether it succeeded. Closing a link makes no webhook.
_EVENTS: Final = MappingProxyType(
    {
        "payment.authorised": ("AUTHORISATION", True),
        "payment.declined": ("AUTHORISATION", False),
        "payment.captured": ("CAPTURE", True),
        "capture.failed": ("CAPTURE", False),
        "payment.voided": ("CANCELLATION", True),
        "void.failed": ("CANCELLATION", False),
        "payment.refunded": ("REFUND", True),
        "refund.failed": ("REFUND", False),
        "payment.expired": ("EXPIRE", True),
    }
)
_TAKEN_BACK: Final = MappingProxyType({"CAPTURE": "CAPTURE_FAILED", "REFUND": "REFUND_FAILED"})
_STATUS: Final = MappingProxyType(
    {
        State.PENDING: "active",
        State.AUTHORISED: "completed",
        State.CANCELLED: "expired",
        State.EXPIRED: "expired",
    }
)
# What a charge came to, and why.
_RESULTS: Final = MappingProxyType({State.PENDING: "Received", State.DECLINED: "Refused"})
_REASONS: Final = MappingProxyType(
    {"insufficient_funds": "12", "card_expired": "6", "card_blocked": "5"}
)
# Our word for why not -> their status, code and kind of error.
_ERRORS: Final = MappingProxyType(
    {
        "unauthorised": (401, "000", "security"),
        "wrong_account": (403, "901", "security"),
        "payment_not_found": (422, "167", "validation"),
        "contract_not_found": (422, "800", "validation"),
        "token_not_found": (422, "803", "validation"),
        "key_in_use": (422, "704", "validation"),
        "internal_error": (500, "905", "internal"),
        "unavailable": (503, "905", "internal"),
    }
)


_Model = Literal["Subscription", "UnscheduledCardOnFile"]


class _Amount(Strict):
    currency: Literal["DKK", "SEK", "NOK", "EUR", "ISK"]
    value: int = Field(ge=1)

    @property
    def money(self) -> Money:
        """The amount in ISO 4217's minor units."""
        return Money(self.value // _factor(self.currency), self.currency)


class _AmountOrNothing(_Amount):
    value: int = Field(ge=0)


class _Line(Strict):
    id: str
    description: str = Field(max_length=10_000)
    quantity: int = Field(ge=1)
    amountIncludingTax: int  # noqa: N815 -- their name for it
    amountExcludingTax: int  # noqa: N815 -- as above
    taxAmount: int  # noqa: N815
    taxPercentage: int = Field(ge=0, le=10_000)  # noqa: N815


class _About(Strict):
    merchantAccount: str  # noqa: N815 -- as above
    reference: str = Field(min_length=1, max_length=80)


class _Link(_About):
    amount: _AmountOrNothing
    allowedPaymentMethods: list[str] = Field(min_length=1, max_length=1)  # noqa: N815
    countryCode: str = Field(pattern=r"^[A-Z]{2}$")  # noqa: N815
    returnUrl: str = Field(max_length=8000)  # noqa: N815
    manualCapture: bool = False  # noqa: N815
    lineItems: list[_Line] = Field(default=[])  # noqa: N815
    requiredShopperFields: list[str] = Field(default=[])  # noqa: N815
    shopperLocale: str | None = Field(default=None, max_length=32)  # noqa: N815
    shopperEmail: str | None = Field(default=None, max_length=500)  # noqa: N815
    telephoneNumber: str | None = Field(default=None, max_length=32)  # noqa: N815
    shopperReference: str | None = Field(default=None, min_length=3, max_length=256)  # noqa: N815
    storePaymentMethodMode: Literal["enabled"] | None = None  # noqa: N815
    recurringProcessingModel: _Model | None = None  # noqa: N815

    @model_validator(mode="after")
    def _stores_all_or_nothing(self) -> Self:
        stored = {self.shopperReference, self.storePaymentMethodMode, self.recurringProcessingModel}
        if None in stored and len(stored) > 1:
            raise ValueError("a card is stored for a shopper, and for a purpose")
        if self.amount.value == 0 and None in stored:
            raise ValueError("a payment is of something")
        return self


class _StoredCard(Strict):
    type: Literal["scheme"]
    storedPaymentMethodId: str  # noqa: N815


class _MoreData(Strict):
    manualCapture: Literal["true"]  # noqa: N815


class _Payment(_About):
    amount: _Amount
    paymentMethod: _StoredCard  # noqa: N815
    shopperReference: str = Field(min_length=3, max_length=256)  # noqa: N815
    shopperInteraction: Literal["ContAuth"]  # noqa: N815
    recurringProcessingModel: _Model  # noqa: N815
    returnUrl: str = Field(max_length=1024)  # noqa: N815
    additionalData: _MoreData  # noqa: N815


class _Close(Strict):
    status: Literal["expired"]


class _Modify(_About):
    amount: _Amount
    lineItems: list[_Line] = Field(default=[])  # noqa: N815


class _CancelOurs(_About):
    paymentReference: str  # noqa: N815


_M = TypeVar("_M", bound=Strict)
_KINDS: Final = MappingProxyType(
    {"captures": Kind.CAPTURE, "cancels": Kind.VOID, "refunds": Kind.REFUND}
)


class _Given(NamedTuple):
    """What a modification is called: by them and by us; and whether it named our payment only."""

    psp: str
    reference: str
    is_technical: bool


class SimulatedAdyen(StandIn):
    """One merchant account at the stand-in.

    Args:
        clock: Its time, as an aware ``datetime``.
        secret: What its credentials are made of.
        captures: Whether it captures ``once`` and releases the rest, or ``many`` times.
        echoes: Whose reference the webhook of a modification carries: that of the ``modification``
            or of the ``payment``.
    """

    _title = "Adyen, simulated"
    _names: ClassVar[Names] = Names(
        amounts=frozenset({"value"}),
        currencies=frozenset({"currency"}),
        words=frozenset({"status", "resultCode"}),
        ids=frozenset({"id", "pspReference", "paymentPspReference"}),
        references=frozenset(
            {"reference", "merchantReference", "paymentReference", "paymentPspReference"}
        ),
    )
    _decided = frozenset({201, 422})

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        secret: str = "simulated",  # noqa: S107 -- opens nothing real
        captures: Literal["once", "many"] = "once",
        echoes: Literal["modification", "payment"] = "modification",
    ) -> None:
        """Open the account with an empty book."""
        super().__init__(
            clock,
            can_be_asked=False,
            authorisation_s=28 * 86_400,
            decision_s=int(_LINK.total_seconds()),
            key_s=7 * 86_400,
        )
        self._secret = secret
        self._hmac_key = hashlib.sha256(secret.encode()).hexdigest().upper()
        self._token_key = hashlib.sha256(self._hmac_key.encode()).hexdigest().upper()
        self._captures = captures
        self._echoes = echoes
        self._asked: dict[str, _Link | _Payment] = {}  # by our reference
        self._opened: dict[str, datetime] = {}  # as above
        self._given: dict[str, _Given] = {}  # by key
        self._is_silent = False
        self._about_tokens: set[int] = set()  # numbers of notices

    def provider(self, base_url: str = AdyenConfig.hosts.test) -> Adyen:
        """An adapter for this account; its addresses lie below a version, wherever the host is."""
        base_url = base_url.rstrip("/")
        return Adyen(
            AdyenConfig(
                merchant_account=ACCOUNT,
                api_key=Secret(f"{self._secret}-api-key"),
                hmac_key=Secret(self._hmac_key),
                notice_user="notices",
                notice_password=Secret(f"{self._secret}-password"),
                token_hmac_key=Secret(self._token_key),
                shop_url=SHOP,
                captures=self._captures,
                is_test=True,
                base_url=base_url if base_url.endswith("/v72") else f"{base_url}/v72",
            )
        )

    # --- how it speaks -------------------------------------------------------------------------

    def _route(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        shown = request.headers.get("x-api-key", "").encode()
        if not hmac.compare_digest(shown, f"{self._secret}-api-key".encode()):
            raise Refusal(401, "unauthorised")
        key = request.headers.get("idempotency-key", "")
        if request.method == "POST" and not 1 <= len(key) <= _KEY_LENGTH:
            raise Refusal(400, "invalid_request", [("Idempotency-Key", "has 1 to 64 characters")])
        match request.method, parts[1:]:  # the first says the version
            case "POST", ["paymentLinks"]:
                return self._perform(request, Kind.AUTHORISE, key, self._create)
            case "GET", ["paymentLinks", link]:
                return self._look_up(request, self._linked(link).merchant_reference)
            case "PATCH", ["paymentLinks", link]:
                return self._close(request, self._linked(link))
            case "POST", ["payments"]:
                return self._perform(request, Kind.AUTHORISE, key, self._charge)
            case "GET" | "DELETE", ["storedPaymentMethods", *token]:
                return self._cards(request, token)
            case "POST", ["payments", psp, word] if word in _KINDS:
                work = partial(self._modify, _KINDS[word], psp)
                return self._perform(request, _KINDS[word], key, work)
            case "POST", ["cancels"]:
                return self._perform(request, Kind.VOID, key, self._cancel_ours)
            case _:
                raise Refusal(400, "no_such_resource")

    def _refused(self, refusal: Refusal) -> httpx.Response:
        status, code, kind = _ERRORS.get(
            refusal.code, (refusal.status, refusal.code[:20], "validation")
        )
        is_limit = status == HTTPStatus.TOO_MANY_REQUESTS
        problems = "; ".join(f"{path} {text}" for path, text in refusal.problems)
        body = {
            "status": status,
            "errorCode": code,
            "errorType": kind,
            "message": problems or refusal.code.replace("_", " "),
        }
        headers = {"transient-error": "true"} if is_limit else {}
        return httpx.Response(status, headers=headers, json=body)

    def _create(self, request: httpx.Request, key: str, fate: Fate) -> httpx.Response:
        wanted = _read(_Link, request)
        method = wanted.allowedPaymentMethods[0]
        total = sum(line.quantity * line.amountIncludingTax for line in wanted.lineItems)
        if method.startswith(_LINES) and total != wanted.amount.value:
            raise Refusal(422, "invalid_request", [("lineItems", "must add up to the amount")])
        # The real one makes another payment of the same reference; here that is refused (409).
        ours = wanted.reference.partition(".")[0]
        self._asked.setdefault(ours, wanted)
        self._opened.setdefault(ours, self._now)
        payment, _ = self._create_payment(
            request,
            key,
            fate,
            BankPayment(
                id=f"PAY{self._count + 1:013}",
                merchant_reference=ours,
                amount=wanted.amount.money,
                method=method,
                return_url=wanted.returnUrl,
                is_waiting=True,
            ),
        )
        if wanted.shopperReference is not None:
            token = f"TOKEN{len(self._mandates) + 1:011}"
            mandate = BankMandate(
                wanted.shopperReference, payment.id, token, wanted.returnUrl, payment.page
            )
            self._mandates[mandate.reference] = mandate
            self._pages[payment.page.rpartition("/")[2]] = mandate
        return httpx.Response(201, json=self._view(payment))

    def _charge(self, request: httpx.Request, key: str, fate: Fate) -> httpx.Response:
        """A payment on a stored card."""
        wanted = _read(_Payment, request)
        token = wanted.paymentMethod.storedPaymentMethodId
        if token not in self._tokens(wanted.shopperReference):
            raise Refusal(422, "contract_not_found")
        self._asked.setdefault(wanted.reference, wanted)
        payment, _ = self._create_payment(
            request,
            key,
            fate,
            BankPayment(
                id=f"PAY{self._count + 1:013}",
                merchant_reference=wanted.reference,
                amount=wanted.amount.money,
                method=wanted.paymentMethod.type,
                return_url=wanted.returnUrl,
                is_waiting=False,
            ),
        )
        return httpx.Response(200, json=self._view(payment))

    def _tokens(self, shopper: str) -> list[str]:
        mandate = self._mandates.get(shopper)
        is_given = mandate is not None and mandate.state is MandateState.ACTIVE
        return [mandate.token] if mandate is not None and is_given else []

    def _cards(self, request: httpx.Request, token: list[str]) -> httpx.Response:
        """List the cards that are stored for a shopper, or delete one."""
        if request.url.params.get("merchantAccount") != ACCOUNT:
            raise Refusal(403, "wrong_account")
        shopper = str(request.url.params.get("shopperReference", ""))
        tokens = self._tokens(shopper)
        match request.method, token:
            case "GET", []:
                name = f"cards of {shopper}"
                stored = [
                    {"id": item, "shopperReference": shopper, "type": "scheme"} for item in tokens
                ]
                shown = {
                    "merchantAccount": ACCOUNT,
                    "shopperReference": shopper,
                    "storedPaymentMethods": stored,
                }
                self._views[name] = self._views.get(name, (None, None))[1], shown
                return self._look_up(request, name)
            case "DELETE", [known] if known in tokens:
                self.end_mandate(shopper)
                return httpx.Response(204)
            case _:
                raise Refusal(422, "token_not_found")

    def _agreed(self, mandate: BankMandate) -> None:
        """What the customer says of a mandate is said of its link; what follows is the same."""
        approve = mandate.state is MandateState.ACTIVE
        mandate.state = MandateState.WAITING
        payment = self._found(lambda payment: payment.id == mandate.id)
        self._ledger.decide(payment, approve=approve)

    def _store(self, mandate: BankMandate) -> None:
        """The card of a link that was used is stored, and a webhook of its own tells of it."""
        mandate.state = MandateState.ACTIVE
        number = len(self._posted) + 1
        told = {
            "createdAt": self._now.isoformat(),
            "data": {
                "merchantAccount": ACCOUNT,
                "operation": "created",
                "shopperReference": mandate.reference,
                "storedPaymentMethodId": mandate.token,
                "type": "visa",
            },
            "environment": "test",
            "eventId": f"TOK{number:013}",
            "type": "recurring.token.created",
        }
        self._post(mandate.reference, json.dumps(told).encode())
        self._about_tokens.add(number)

    def _close(self, request: httpx.Request, payment: BankPayment) -> httpx.Response:
        _read(_Close, request)
        if payment.state is not State.PENDING or not payment.is_waiting:
            raise Refusal(422, "link_not_active")
        self._ledger.void(payment, None, Fate())
        return httpx.Response(200, json=self._view(payment))

    def _modify(
        self, kind: Kind, psp: str, request: httpx.Request, key: str, fate: Fate
    ) -> httpx.Response:
        payment = self._paid(psp)
        if kind is Kind.VOID:
            named, amount = _read(_About, request), None
        else:
            order = _read(_Modify, request)
            named, amount = order, order.amount.money
            if amount.currency != payment.amount.currency:
                raise Refusal(422, "wrong_currency")
        answer = self._take_in(kind, payment, amount, named, key, fate)
        return httpx.Response(201, json={"paymentPspReference": psp, **answer})

    def _cancel_ours(self, request: httpx.Request, key: str, fate: Fate) -> httpx.Response:
        order = _read(_CancelOurs, request)
        payment = self._ledger.payments.get(order.paymentReference.partition(".")[0])
        if payment is None or payment.state is State.PENDING:
            raise Refusal(422, "payment_not_found")
        answer = self._take_in(Kind.VOID, payment, None, order, key, fate)
        return httpx.Response(201, json={"paymentReference": order.paymentReference, **answer})

    def _take_in(
        self,
        kind: Kind,
        payment: BankPayment,
        amount: Money | None,
        order: _About,
        key: str,
        fate: Fate,
    ) -> dict[str, object]:
        """Receive a modification. What it comes to, a webhook tells."""
        psp = f"MOD{len(self._given) + 1:013}"
        self._given[key] = _Given(psp, order.reference, isinstance(order, _CancelOurs))
        try:
            self._modify_payment(kind, payment.merchant_reference, amount, key, fate)
        except Refusal:
            self._changed(payment, f"{kind}.failed", amount or payment.amount, key)
        answer: dict[str, object] = {
            "merchantAccount": ACCOUNT,
            "pspReference": psp,
            "reference": order.reference,
            "status": "received",
        }
        return answer if amount is None else {**answer, "amount": _amount(amount)}

    def _changed(self, payment: BankPayment, notice: str, amount: Money, key: str | None) -> None:
        """Announce a change as the real one does, and do what follows from it."""
        is_announced = notice in _EVENTS and not self._is_silent
        if notice == "payment.expired":  # a link that runs out makes no webhook
            is_announced = payment.book.authorised > 0
        super()._changed(payment, notice if is_announced else "", amount, key)
        free = payment.book.reserved - payment.under_way(Kind.CAPTURE, Kind.VOID)
        asked = self._asked[payment.merchant_reference]
        if notice == "payment.declined" and isinstance(asked, _Link):
            self._reopen(payment)
        elif notice == "payment.authorised" and isinstance(asked, _Link):
            if payment.method in _AT_ONCE or not asked.manualCapture:
                self._silently(Kind.CAPTURE, payment, amount)
            if asked.shopperReference is not None:
                self._store(self._mandate(asked.shopperReference))
        elif notice == "payment.captured" and self._captures == "once" and free:
            self._silently(Kind.VOID, payment, None)

    def _silently(self, kind: Kind, payment: BankPayment, amount: Money | None) -> None:
        self._is_silent = True
        self._modify_payment(kind, payment.merchant_reference, amount, None, Fate())
        self._is_silent = False

    def _reopen(self, payment: BankPayment) -> None:
        """After a try that failed the customer may make another one, until the link runs out."""
        payment.state, payment.reason, payment.is_waiting = State.PENDING, "", True
        payment.until = self._opened[payment.merchant_reference] + _LINK
        again = BankOperation(Kind.AUTHORISE, None, payment.amount, Fate())
        payment.operations = [*payment.operations, again]  # the old list is being gone through

    # --- what it shows -------------------------------------------------------------------------

    def _view(self, payment: BankPayment) -> dict[str, object]:
        """The link of a payment, or what a charge came to."""
        asked = self._asked[payment.merchant_reference]
        if isinstance(asked, _Payment):
            code = _REASONS.get(payment.reason, "2")
            refused = {"refusalReason": "Refused", "refusalReasonCode": code}
            return {
                "amount": _amount(payment.amount),
                "merchantReference": asked.reference,
                "pspReference": payment.id,
                "resultCode": _RESULTS.get(payment.state, "Authorised"),
                **(refused if payment.reason else {}),
            }
        is_paying = payment.state is State.PENDING and not payment.is_waiting
        return {
            **asked.model_dump(exclude_unset=True),
            "id": f"PL{payment.id[3:]}",
            "status": "paymentPending" if is_paying else _STATUS.get(payment.state, "active"),
            "url": payment.page,
            "expiresAt": (self._opened[payment.merchant_reference] + _LINK).isoformat(),
            "reusable": False,
        }

    def _notice(self, payment: BankPayment, kind: str, amount: Money, key: str | None) -> bytes:
        """A webhook with one item."""
        event, is_done = _EVENTS[kind]
        ours = self._asked[payment.merchant_reference].reference
        named = self._given.get(key or "")
        if any(item.key == key and item.reason == "taken_back" for item in payment.operations):
            event, is_done = _TAKEN_BACK[event], True
        if named is not None and named.is_technical:
            event = "TECHNICAL_CANCEL"
        elif named is not None and self._echoes == "modification":
            ours = named.reference
        item: dict[str, Any] = {
            "amount": _amount(amount),
            "eventCode": event,
            "eventDate": self._now.isoformat(),
            "merchantAccountCode": ACCOUNT,
            "merchantReference": ours,
            "paymentMethod": "visa" if payment.method == "scheme" else payment.method,
            "pspReference": named.psp if named else f"EVT{len(self._posted) + 1:013}",
            "reason": "" if is_done else "Refused",
            "success": str(is_done).lower(),
        }
        if event == "AUTHORISATION":
            item["operations"] = ["CANCEL", "CAPTURE", "REFUND"]
            if is_done:
                item["pspReference"] = payment.id
        else:
            item["originalReference"] = payment.id
        return self.webhook(item)

    def webhook(self, *items: dict[str, Any]) -> bytes:
        """The body of a webhook with these items, each signed by itself."""
        opinion = self._opinion
        told = {
            "fraudRiskLevel": opinion.word,
            "cardIssuingCountry": opinion.country,
            "alias": opinion.card,
        }
        more = {name: value for name, value in told.items() if value}
        wrapped = [
            {
                "NotificationRequestItem": {
                    **item,
                    "additionalData": {**more, "hmacSignature": self._sign(item)},
                }
            }
            for item in items
        ]
        return json.dumps({"live": "false", "notificationItems": wrapped}).encode()

    def _sign(self, item: dict[str, Any]) -> str:
        values = [
            item["pspReference"],
            item.get("originalReference", ""),
            item["merchantAccountCode"],
            item["merchantReference"],
            str(item["amount"]["value"]),
            item["amount"]["currency"],
            item["eventCode"],
            item["success"],
        ]
        digest = hmac.digest(bytes.fromhex(self._hmac_key), ":".join(values).encode(), "sha256")
        return base64.b64encode(digest).decode()

    def _signed(self, posted: Posted) -> tuple[dict[str, str], bytes]:
        """With the password that was set for the webhook's address."""
        password = base64.b64encode(f"notices:{self._secret}-password".encode()).decode()
        headers = {"content-type": "application/json", "authorization": f"Basic {password}"}
        if posted.number in self._about_tokens:
            digest = hmac.digest(bytes.fromhex(self._token_key), posted.body, "sha256")
            headers["hmacsignature"] = base64.b64encode(digest).decode()
        return headers, posted.body

    def _linked(self, link: str) -> BankPayment:
        return self._found(lambda payment: f"PL{payment.id[3:]}" == link)

    def _paid(self, psp: str) -> BankPayment:
        return self._found(lambda payment: payment.id == psp and payment.book.authorised > 0)

    def _found(self, is_it: Callable[[BankPayment], bool]) -> BankPayment:
        for payment in self._ledger.payments.values():
            if is_it(payment):
                return payment
        raise Refusal(422, "payment_not_found")


def _read(model: type[_M], request: httpx.Request) -> _M:
    asked = read(model, request, no_json=400, unfit=422)
    if isinstance(asked, _About) and asked.merchantAccount != ACCOUNT:
        raise Refusal(403, "wrong_account")
    return asked


def _factor(currency: str) -> int:
    return _KRONA if currency == "ISK" else 1


def _amount(amount: Money) -> dict[str, object]:
    return {"currency": amount.currency, "value": amount.minor * _factor(amount.currency)}
