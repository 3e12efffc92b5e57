"""A stand-in for Walley: tokens, sessions with a page, and orders that change seconds later.

What is asked of an order is answered with 202 and done three seconds after. A planned decline of a
capture or refund never shows: that is all the real one promises. Items are split where only a part
of one is captured or given back.
"""

# ruff: noqa: N815 -- fields are called what the provider calls them
from __future__ import annotations

import hmac
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal
from urllib.parse import parse_qs, urlsplit

import httpx
from pydantic import Field

from checkoutflow.money import Money
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.http import json_of, money_from
from checkoutflow.providers.walley import CURRENCIES, SCOPES, Walley, WalleyConfig
from checkoutflow.testing.standins.base import StandIn
from checkoutflow.testing.standins.book import BankPayment, Fate, Kind, Refusal, State
from checkoutflow.testing.standins.faults import Names
from checkoutflow.testing.standins.reading import Strict, read

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from checkoutflow.testing.standins.base import Posted

SECONDS: Final = 3  # until what was taken in is done
STORE, BUSINESS_STORE = 123, 124
SESSION, ORDER = "session", "order"

_KINDS: Final = MappingProxyType(
    {"capture": Kind.CAPTURE, "cancel": Kind.VOID, "refund": Kind.REFUND}
)
_TOLD: Final = frozenset({"payment.authorised", "payment.declined", "payment.cancelled"})


_Price = int | Annotated[Decimal, Field(max_digits=14, decimal_places=2)]
_Page = Annotated[str, Field(pattern=r"^https?://[!-~]{1,2000}$")]
_Text = Annotated[str, Field(min_length=1, max_length=50)]


class _Item(Strict):
    id: _Text
    description: _Text
    unitPrice: _Price
    quantity: int = Field(ge=1)
    vat: _Price


class _Cart(Strict):
    items: list[_Item] = Field(min_length=1)


class _Customer(Strict):
    email: str | None = Field(default=None, pattern=r"^[^@]+@[^@]+$")
    mobilePhoneNumber: str | None = Field(default=None, pattern=r"^\+?[0-9]{6,15}$")


class _Session(Strict):
    storeId: Literal[123, 124]
    countryCode: Literal["SE", "NO", "FI", "DK"]
    reference: str = Field(min_length=1, max_length=50)
    merchantTermsUri: _Page
    notificationUri: _Page
    redirectPageUri: _Page
    checkoutAbortedRedirectPageUri: _Page
    cart: _Cart
    customer: _Customer = _Customer()


class _Modify(Strict):
    amount: _Price
    actionReference: str | None = None
    description: str | None = None


class _Cancel(Strict):
    actionReference: str | None = None


class SimulatedWalley(StandIn):
    """One merchant's stores in one country at the stand-in.

    Args:
        clock: Its time, as an aware ``datetime``.
        market: Their country.
        secret: What the credentials and the secret of the notice addresses are made of.
        notice_url: Where the adapter asks for notices.
        page_url: A page of the shop that runs the script; None for the provider's own page.
    """

    _title = "Walley, simulated"
    _names: ClassVar[Names] = Names(
        amounts=frozenset({"totalPrice"}),
        currencies=frozenset({"currency"}),
        words=frozenset({"status", "result"}),
        ids=frozenset({"id", "orderId", "privateId", "reference"}),
        references=frozenset({"reference"}),
    )
    _decided = frozenset({200, 202, 400, 422})

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        market: Literal["SE", "NO", "DK", "FI"] = "DK",
        secret: str = "simulated",  # noqa: S107 -- opens nothing real
        notice_url: str = "https://shop.example/notices/walley",
        page_url: str | None = None,
    ) -> None:
        """Open the stores with an empty book."""
        super().__init__(clock, authorisation_s=90 * 86_400, decision_s=7 * 86_400, key_s=3600)
        self._market: Literal["SE", "NO", "DK", "FI"] = market
        self._secret = secret
        self._notice_url = notice_url
        self._page_url = page_url
        self._sessions: dict[str, _Session] = {}  # by our reference
        self._token = 0  # tokens have the number of the day

    def provider(self, base_url: str = "https://api.uat.walleydev.com") -> Walley:
        """An adapter for these stores."""
        return Walley(
            WalleyConfig(
                client_id="walley-client",
                client_secret=Secret(f"{self._secret}-client-secret"),
                market=self._market,
                store_id=STORE,
                business_store_id=BUSINESS_STORE,
                terms_url="https://shop.example/terms",
                notice_url=self._notice_url,
                notice_secret=Secret(f"{self._secret}-secret-of-the-notice-addresses"),
                page_url=self._page_url,
                is_test=True,
                base_url=base_url,
            )
        )

    def forget_tokens(self) -> None:
        """Every token that was given out is too old from now on."""
        with self._lock:
            self._token += 1

    def with_token(self, public_token: str) -> str:
        """Our reference of the session that a page of the shop was given the token of."""
        for reference in self._sessions:
            if self._public_token(reference) == public_token:
                return reference
        raise ValueError("there is no session with this token")

    # --- how it speaks -------------------------------------------------------------------------

    def _route(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        if (request.method, parts) == ("POST", ["oauth2", "v2.0", "token"]):
            return self._give_token(request)
        shown = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(shown, f"Bearer {self._access_token}".encode()):
            raise Refusal(401, "unauthorised")
        key = request.headers.get("walley-idempotency-key", "")
        match request.method, parts:
            case "POST", ["checkouts"]:
                return self._perform(request, Kind.AUTHORISE, key, self._open_session)
            case "GET", ["checkouts", name]:
                return self._show(request, self._reference(name, SESSION), SESSION)
            case "DELETE", ["checkouts", name]:
                return self._abort(self._payment(self._reference(name, SESSION)))
            case "GET", ["manage", "orders", name]:
                return self._show(request, self._reference(name, ORDER), ORDER)
            case "POST", ["manage", "orders", name, word] if word in _KINDS:
                work = partial(self._modify, _KINDS[word], self._reference(name, ORDER))
                return self._perform(request, _KINDS[word], key, work)
            case _:
                raise Refusal(404, "no_such_resource")

    def _refused(self, refusal: Refusal) -> httpx.Response:
        reasons = [{"reason": "INVALID", "message": path} for path, _ in refusal.problems]
        is_limit = refusal.status == HTTPStatus.TOO_MANY_REQUESTS
        code = {"key_in_use": "IDEMPOTENCY_REQUEST_IN_PROGRESS"}.get(
            refusal.code, refusal.code.upper()
        )
        error = {"code": code, "message": "see the list of codes", "errors": reasons}
        return httpx.Response(
            refusal.status,
            headers={"retry-after": "7"} if is_limit else {},
            json={"id": "e0000000-0000-4000-8000-000000000000", "error": error},
        )

    def _give_token(self, request: httpx.Request) -> httpx.Response:
        wanted = {
            "client_id": ["walley-client"],
            "client_secret": [f"{self._secret}-client-secret"],
            "grant_type": ["client_credentials"],
            "scope": [SCOPES[True]],
        }
        if parse_qs(request.content.decode("utf-8", "replace")) != wanted:
            return httpx.Response(401, json={"error": "invalid_client"})
        answer = {
            "token_type": "Bearer",
            "expires_in": 3599,
            "ext_expires_in": 3599,
            "access_token": self._access_token,
        }
        return httpx.Response(200, json=answer)

    @property
    def _access_token(self) -> str:
        return f"{self._secret}-token-{self._token}"

    def _open_session(self, request: httpx.Request, key: str, fate: Fate) -> httpx.Response:
        wanted = read(_Session, request, no_json=400)
        if wanted.countryCode != self._market:
            raise Refusal(400, "invalid_request", [("countryCode", "not this store's")])
        currency = CURRENCIES[self._market]
        prices = [
            money_from(item.unitPrice, currency).minor * item.quantity for item in wanted.cart.items
        ]
        reference, number = wanted.reference, f"{self._count + 1:012}"
        self._sessions.setdefault(reference, wanted)
        payment, _ = self._create_payment(
            request,
            key,
            fate,
            BankPayment(
                id=number,
                merchant_reference=reference,
                amount=Money(sum(prices), currency),
                method="checkout",
                return_url=wanted.redirectPageUri,
                is_waiting=True,
            ),
        )
        data = {
            "privateId": f"1eec44b5-66d3-4058-a31f-{payment.id}",
            "publicToken": self._public_token(reference),
            "paymentUri": payment.page,
            "expiresAt": payment.until.isoformat() if payment.until else None,
        }
        answer = {"id": f"91714012-6ae9-4780-a927-{payment.id}", "data": data, "error": None}
        return httpx.Response(200, json=answer)

    def _abort(self, payment: BankPayment) -> httpx.Response:
        if not payment.is_waiting:
            raise Refusal(409, "committed_to_purchase")
        self._ledger.void(payment, None, Fate())
        answer = {"id": f"f5f4e86d-95b1-4c1a-8ad0-{payment.id}", "data": None, "error": None}
        return httpx.Response(200, json=answer)

    def _modify(
        self, kind: Kind, reference: str, request: httpx.Request, key: str, fate: Fate
    ) -> httpx.Response:
        payment, amount = self._payment(reference), None
        if kind is Kind.VOID:
            read(_Cancel, request, no_json=400)
        else:
            amount = money_from(read(_Modify, request, no_json=400).amount, payment.amount.currency)
        later = Fate(fate.reason, fate.after_s or SECONDS)
        self._modify_payment(kind, reference, amount, key, later)
        headers = {
            "location": f"/manage/orders/{_order_id(payment)}",
            "content-type": "application/json",  # faults copy it
        }
        return httpx.Response(202, headers=headers)

    def _show(self, request: httpx.Request, reference: str, which: str) -> httpx.Response:
        """The session or the order of a payment."""
        answer = self._look_up(request, reference)
        both = json_of(answer.content)
        if not isinstance(both, dict) or which not in both:
            return answer
        if both[which] is None:
            raise Refusal(404, "not_found")
        return httpx.Response(answer.status_code, json=answer.json()[which])

    def _view(self, payment: BankPayment) -> dict[str, Any]:
        status, result = _session_status(payment)
        items = self._items(payment)
        session = {
            "customerType": "PrivateCustomer",
            "countryCode": self._market,
            "status": status,
            "reference": payment.merchant_reference,
            "cart": None,
            "fees": None,
            "purchase": result and {"amountToPay": _major(payment.amount.minor), "result": result},
            "order": result and {"orderId": _order_id(payment)},
        }
        order = result and {
            "id": _order_id(payment),
            "reference": payment.merchant_reference,
            "paymentMethod": "Invoice",
            "totalAmount": _major(payment.amount.minor),
            "currency": payment.amount.currency,
            "status": _order_status(payment),
            "countryCode": self._market,
            "expiresAt": payment.until.isoformat() if payment.until else None,
            "items": items,
            "invoices": [],
        }
        is_gone = payment.state is State.EXPIRED  # sessions are dropped after seven days
        answer = {"id": f"9eec015f-4b97-44be-a711-{payment.id}", "error": None}
        return {
            SESSION: None if is_gone else {**answer, "data": session},
            ORDER: order and {"data": order, "links": {}, "metaData": {}},
        }

    def _items(self, payment: BankPayment) -> list[dict[str, object]]:
        book = payment.book
        parts = {
            "Returned": book.refunded,
            "Activated": book.taken,
            "Canceled": book.voided - book.expired,
            "Expired": book.expired,
            "NotActivated": book.reserved,
        }
        first = self._sessions[payment.merchant_reference].cart.items[0]
        return [
            {
                "articleNumber": first.id,
                "description": first.description,
                "price": _major(minor),
                "totalPrice": _major(minor),
                "vatRate": float(first.vat),
                "currency": payment.amount.currency,
                "quantity": 1,
                "status": status,
            }
            for status, minor in parts.items()
            if minor
        ]

    def _changed(self, payment: BankPayment, notice: str, amount: Money, key: str | None) -> None:
        """They tell when a purchase is completed, or a session aborted, and of nothing else."""
        super()._changed(payment, notice if notice in _TOLD else "", amount, key)

    def _notice(self, payment: BankPayment, kind: str, amount: Money, key: str | None) -> bytes:
        del payment, kind, amount, key
        return b""  # a plain GET

    def _signed(self, posted: Posted) -> tuple[dict[str, str], bytes]:
        return {}, posted.body

    def _query(self, posted: Posted) -> str:
        return urlsplit(self._sessions[posted.payment].notificationUri).query

    def _public_token(self, reference: str) -> str:
        number = list(self._sessions).index(reference) + 1
        return f"public-{self._market}-{number:048}"

    def _reference(self, name: str, which: str) -> str:
        """Our reference of a session or an order."""
        for payment in self._ledger.payments.values():
            known = f"1eec44b5-66d3-4058-a31f-{payment.id}"
            if name == (known if which == SESSION else _order_id(payment)):
                return payment.merchant_reference
        raise Refusal(404, "not_found")


def _order_id(payment: BankPayment) -> str:
    return f"853f3f82-ab12-47c3-9d97-{payment.id}"


def _session_status(payment: BankPayment) -> tuple[str, str]:
    """Their word for a session, and for the result of its purchase where there is one."""
    if payment.book.authorised:
        return "PurchaseCompleted", "Preliminary"
    if payment.is_waiting:
        return "Initialized", ""
    if payment.state is State.PENDING:
        return "CommittedToPurchase", ""
    is_dropped = payment.reason == "declined_by_customer" or payment.state is not State.DECLINED
    return ("Aborted", "") if is_dropped else ("PurchaseCompleted", "Rejected")


def _order_status(payment: BankPayment) -> str:
    """Their word for an order."""
    book = payment.book
    if not book.authorised:
        return "Rejected"
    if book.captured and book.taken == 0:
        return "Returned"
    if book.captured:
        return "PartActivated" if book.reserved else "Activated"
    if book.expired:
        return "Expired"
    return "Cancelled" if book.voided else "NotActivated"


def _major(minor: int) -> float:
    """As they write amounts: whole where they are whole."""
    return minor // 100 if minor % 100 == 0 else minor / 100
