"""A stand-in for Klarna: purchases, the page where a customer decides, orders, customer tokens.

It refuses what the provider's own descriptions refuse, and lines that do not add up. Ids of
purchases and pages come from what is in them, so the same order twice gets the same page here; the
real one would make another. A customer who is turned down gives up at once here: the page is then
cancelled. What is examined for fraud (`Fault.SLOW`, `Fault.FAIL_LATER` of an authorisation) is an
order that waits, as at the real one.
"""

from __future__ import annotations

import json
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

import httpx
from pydantic import Field

from checkoutflow.money import Money
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.klarna import Klarna, KlarnaConfig
from checkoutflow.testing.standins.book import (
    BankPayment,
    Fate,
    Kind,
    Refusal,
    State,
)
from checkoutflow.testing.standins.klarna_orders import (
    FRAUD,
    USERNAME,
    Cart,
    Locale,
    Market,
    OrdersStandIn,
    Sale,
    Short,
    Text,
    Url,
    key_of,
    named,
    time_shown,
)
from checkoutflow.testing.standins.mandates import BankMandate, MandateState
from checkoutflow.testing.standins.reading import Strict, read

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from checkoutflow.testing.standins.base import Posted

NOTICE_URL: Final = "https://shop.example/notices/klarna"
_API: Final = "https://api.playground.klarna.com"

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


_Field = Literal[
    "organization_name", "email", "phone", "street_address", "postal_code", "city", "country"
]
_Ending = Literal["success", "cancel", "back", "failure", "error", "status_update"]


class _Purchase(Sale):
    intent: Literal["buy", "tokenize"]
    order_amount: int = Field(ge=0, le=200_000_000)
    merchant_urls: dict[Literal["notification"], Url]
    billing_address: dict[_Field, Short] = Field(default_factory=dict)


class _Options(Strict):
    place_order_mode: Literal["PLACE_ORDER", "NONE"]
    payment_method_category: Literal[
        "DIRECT_DEBIT", "DIRECT_BANK_TRANSFER", "PAY_NOW", "PAY_LATER", "PAY_OVER_TIME", "KLARNA"
    ] = "KLARNA"


class _Page(Strict):
    payment_session_url: str
    merchant_urls: dict[_Ending, Url]
    options: _Options


class _Tokenise(Strict):
    purchase_country: Market
    purchase_currency: str
    locale: Locale
    description: Text
    intended_use: Literal["SUBSCRIPTION"]


class _Cancel(Strict):
    status: Literal["CANCELLED"]


class SimulatedKlarna(OrdersStandIn):
    """One account at the stand-in.

    Args:
        clock: Its time, as an aware ``datetime``.
        secret: What its credentials and the shop's secret for notice addresses are made of.
        notice_url: Where the shop takes in notices.
    """

    _title = "Klarna, simulated"

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        secret: str = "simulated",  # noqa: S107 -- opens nothing real
        notice_url: str = NOTICE_URL,
    ) -> None:
        """Open the account with an empty book."""
        super().__init__(clock, secret=secret, notice_url=notice_url, decision_s=47 * 3600)
        self._purchases: dict[str, _Purchase] = {}
        self._hosted: dict[str, str] = {}  # id of a page -> our reference
        self._told: dict[str, tuple[_Purchase, _Page]] = {}  # by our reference

    def provider(self, base_url: str = _API) -> Klarna:
        """An adapter for this account."""
        return Klarna(
            KlarnaConfig(
                base_url=base_url,
                is_test=True,
                username=USERNAME,
                password=Secret(f"{self._secret}-password"),
                notice_url=self._notice_url,
                notice_secret=Secret(f"{self._secret}-notice-secret-of-32-letters"),
            )
        )

    # --- how it speaks -------------------------------------------------------------------------

    def _answer(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        match request.method, parts:
            case "POST", ["payments", "v1", "sessions"]:
                return self._describe(request)
            case "POST", ["hpp", "v1", "sessions"]:
                key = f"page-{named(request.content.decode())}"
                return self._perform(request, Kind.AUTHORISE, key, self._host)
            case "GET", ["hpp", "v1", "sessions", page]:
                return self._tell(request, self._hosted.get(page), "session")
            case "DELETE", ["hpp", "v1", "sessions", page] if page in self._hosted:
                work = partial(self._disable, self._hosted[page])
                return self._perform(request, Kind.VOID, f"disable-{page}", work)
            case _:
                return self._on_mandate(request, parts)

    def _on_mandate(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        match request.method, parts:
            case "POST", ["payments", "v1", "authorizations", given, "customer-token"]:
                read(_Tokenise, request)
                return httpx.Response(200, json={"token_id": self._given(given, "NOT_FOUND").token})
            case "GET", ["customer-token", "v1", "tokens", token]:
                is_good = self._given(token).state is MandateState.ACTIVE
                status = "ACTIVE" if is_good else "CANCELLED"
                return httpx.Response(200, json={"payment_method_type": "CARD", "status": status})
            case "PATCH", ["customer-token", "v1", "tokens", token, "status"]:
                read(_Cancel, request)
                self._given(token).state = MandateState.ENDED
                return httpx.Response(202)
            case "POST", ["customer-token", "v1", "tokens", token, "order"]:
                work = partial(self._charge, self._given(token))
                return self._perform(request, Kind.AUTHORISE, key_of(request), work)
            case _:
                raise Refusal(404, "payment_not_found")

    def _describe(self, request: httpx.Request) -> httpx.Response:
        purchase, name = read(_Purchase, request), named(request.content.decode())
        self._purchases[name] = purchase
        return httpx.Response(200, json={"session_id": name, "client_token": f"token-{name}"})

    def _host(self, request: httpx.Request, key: str, fate: Fate) -> httpx.Response:
        asked = read(_Page, request)
        purchase = self._purchases.get(asked.payment_session_url.rpartition("/")[2])
        if purchase is None:
            raise Refusal(404, "NOT_FOUND")
        reference, back = purchase.merchant_reference1, asked.merchant_urls["success"]
        page = named(f"page {reference}")
        self._hosted[page], self._told[reference] = reference, (purchase, asked)
        shown = {"session_id": page, "expires_at": time_shown(None)}
        if purchase.intent == "tokenize":
            given, token = named(f"authorisation {reference}"), named(f"token {reference}")
            mandate = self._open_mandate(request, BankMandate(reference, given, token, back))
            shown["redirect_url"] = mandate.page
        else:
            wanted = self._payment_of(purchase, asked.options.payment_method_category, back)
            payment, _ = self._create_payment(request, key, fate, wanted)
            shown |= {"redirect_url": payment.page, "expires_at": time_shown(payment.until)}
        return httpx.Response(201, json=shown)

    def _payment_of(self, cart: Cart, method: str, return_url: str) -> BankPayment:
        """A payment as it is asked for; with a page if there is somewhere to come back to."""
        reference = cart.merchant_reference1
        order = named(f"order {reference}")
        self._orders[order] = reference
        return BankPayment(
            id=order,
            merchant_reference=reference,
            amount=Money(cart.order_amount, cart.purchase_currency),
            method=method,
            return_url=return_url,
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
        wanted = self._payment_of(read(Cart, request), "KLARNA", "")
        payment, _ = self._create_payment(request, key, fate, wanted)
        if payment.state is State.DECLINED:
            raise Refusal(403, "PAYMENT_METHOD_FAILED")
        shown = {
            "order_id": payment.id,
            "fraud_status": FRAUD[payment.state],
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

    def _seen(self, reference: str) -> tuple[Any, Any]:
        if mandate := self._mandates.get(reference):
            now = {"session": self._session_of(mandate)}
            return now, now
        return super()._seen(reference)

    def _session(self, reference: str, word: str, more: dict[str, str]) -> dict[str, str]:
        page = named(f"page {reference}")
        return {"session_id": page, "status": word, "updated_at": time_shown(self._now), **more}

    def _session_of(self, mandate: BankMandate) -> dict[str, str]:
        is_given = mandate.state is MandateState.ACTIVE
        more = {"authorization_token": mandate.id} if is_given else {}
        return self._session(mandate.reference, _PAGES[mandate.state], more)

    # --- what it tells -------------------------------------------------------------------------

    def _agreed(self, mandate: BankMandate) -> None:
        reference = mandate.reference
        self._post(reference, self._told_of_page(reference, self._session_of(mandate)))

    def _decision(self, payment: BankPayment) -> bytes:
        return self._told_of_page(payment.merchant_reference, self._view(payment)["session"])

    def _told_of_page(self, reference: str, session: object) -> bytes:
        event = named(f"{reference} {len(self._posted) + 1}")
        return json.dumps({"event_id": event, "session": session}).encode()

    def _signed(self, posted: Posted) -> tuple[dict[str, str], bytes]:
        return {"content-type": "application/json"}, posted.body

    def _query(self, posted: Posted) -> str:
        purchase, page = self._told[posted.payment]
        is_of_page = b'"session"' in posted.body
        urls = page.merchant_urls["status_update"], purchase.merchant_urls["notification"]
        return httpx.URL(urls[0] if is_of_page else urls[1]).query.decode()
