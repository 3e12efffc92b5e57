"""A stand-in for Kustom Checkout: forms, the orders that come of them, and pushes.

It refuses what the provider's own descriptions refuse, and lines that do not add up. The id of a
form comes from what is in it, so the same order twice gets the same form here; the real one would
make another. A customer who says no, or is turned down, leaves an order here that was rejected at
once; with the real one they could try another way, and the form would stay open. What is examined
for fraud (`Fault.SLOW`, `Fault.FAIL_LATER` of an authorisation) is an order that waits. An abort
that is repeated gets the first answer; what the real one says is not published. A push is posted
once here; the real one repeats it for two days, until the order is acknowledged.
"""

from __future__ import annotations

import html
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

import httpx
from pydantic import Field

from checkoutflow.money import Money
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.kustom import Kustom, KustomConfig
from checkoutflow.testing.standins.book import BankPayment, Fate, Kind, Refusal, State
from checkoutflow.testing.standins.klarna_orders import (
    USERNAME,
    OrdersStandIn,
    Sale,
    Short,
    Url,
    named,
    time_shown,
)
from checkoutflow.testing.standins.reading import Strict, read

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from checkoutflow.testing.standins.base import Posted

NOTICE_URL: Final = "https://shop.example/notices/kustom"
PAGE_URL: Final = "https://shop.example/kustom"

_OPEN: Final = "checkout_incomplete"
_COMPLETE: Final = "checkout_complete"
_ABORTED: Final = "checkout_aborted"  # made up: what the real one says then is not published

_Field = Literal["email", "phone", "street_address", "postal_code", "city", "country"]


class _Urls(Strict):
    terms: Url
    checkout: Url
    confirmation: Url
    push: Url
    notification: Url


class _Options(Strict):
    allowed_customer_types: list[Literal["person", "organization"]] = Field(
        min_length=1, max_length=2
    )


class _Form(Sale):
    merchant_urls: _Urls
    options: _Options
    billing_address: dict[_Field, Short] = Field(default_factory=dict)


class SimulatedKustom(OrdersStandIn):
    """One account at the stand-in.

    Attributes:
        acknowledged: Our references of the orders that were acknowledged.

    Args:
        clock: Its time, as an aware ``datetime``.
        secret: What its credentials and the shop's secret for notice addresses are made of.
        notice_url: Where the shop takes in notices.
    """

    _title = "Kustom Checkout, simulated"

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        secret: str = "simulated",  # noqa: S107 -- opens nothing real
        notice_url: str = NOTICE_URL,
    ) -> None:
        """Open the account with an empty book."""
        super().__init__(clock, secret=secret, notice_url=notice_url, decision_s=48 * 3600)
        self.acknowledged: set[str] = set()
        self._forms: dict[str, tuple[str, _Form, datetime]] = {}  # by id

    def provider(self, base_url: str = KustomConfig.hosts.test) -> Kustom:
        """An adapter for this account."""
        return Kustom(
            KustomConfig(
                base_url=base_url,
                is_test=True,
                username=USERNAME,
                password=Secret(f"{self._secret}-password"),
                terms_url="https://shop.example/terms",
                page_url=PAGE_URL,
                notice_url=self._notice_url,
                notice_secret=Secret(f"{self._secret}-notice-secret-of-32-letters"),
            )
        )

    # --- how it speaks -------------------------------------------------------------------------

    def _answer(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        match request.method, parts:
            case "POST", ["checkout", "v3", "orders"]:
                key = f"form-{named(request.content.decode())}"
                return self._perform(request, Kind.AUTHORISE, key, self._create)
            case "GET", ["checkout", "v3", "orders", name] if name in self._forms:
                return self._tell(request, self._forms[name][0], "form")
            case "POST", ["checkout", "v3", "orders", name, "abort"] if name in self._forms:
                work = partial(self._abort, self._forms[name][0])
                return self._perform(request, Kind.VOID, f"abort-{name}", work)
            case "POST", ["ordermanagement", "v1", "orders", name, "acknowledge"] if (
                name in self._orders
            ):
                self.acknowledged.add(self._orders[name])
                return httpx.Response(204)
            case _:
                raise Refusal(404, "payment_not_found")

    def _create(self, request: httpx.Request, key: str, fate: Fate) -> httpx.Response:
        form = read(_Form, request)
        reference = form.merchant_reference1
        wanted = BankPayment(
            id=named(f"order {reference}"),
            merchant_reference=reference,
            amount=Money(form.order_amount, form.purchase_currency),
            method="kustom",
            return_url=form.merchant_urls.confirmation,
            is_waiting=True,
        )
        self._forms.setdefault(wanted.id, (reference, form, self._now))
        payment, _ = self._create_payment(request, key, fate, wanted)
        where = str(request.url.join(f"/checkout/v3/orders/{payment.id}"))
        return httpx.Response(201, headers={"location": where}, json=self._form(payment))

    def _abort(
        self, reference: str, _request: httpx.Request, key: str, fate: Fate
    ) -> httpx.Response:
        payment = self._payment(reference)
        if payment.state is State.EXPIRED:
            raise Refusal(404, "payment_not_found")
        if not payment.is_waiting or fate.reason:
            raise Refusal(403, "READ_ONLY_ORDER")
        self._ledger.void(payment, key, Fate())  # at once, or not at all
        return httpx.Response(200, json=self._form(payment))

    # --- what it shows -------------------------------------------------------------------------

    def _view(self, payment: BankPayment) -> dict[str, object]:
        """The form and the order, each None where there is none."""
        return {
            "form": None if payment.state is State.EXPIRED else self._form(payment),
            "order": self._order(payment) if payment.id in self._orders else None,
        }

    def _form(self, payment: BankPayment) -> dict[str, object]:
        _, form, created = self._forms[payment.id]
        status = _OPEN if payment.is_waiting else _ABORTED
        page = html.escape(payment.page)
        return {
            **form.model_dump(exclude_none=True),
            "order_id": payment.id,
            "status": _COMPLETE if payment.id in self._orders else status,
            "html_snippet": f'<div id="kustom"><iframe src="{page}"></iframe></div>',
            "started_at": time_shown(created),
        }

    # --- what it tells -------------------------------------------------------------------------

    def _changed(self, payment: BankPayment, notice: str, amount: Money, key: str | None) -> None:
        if not payment.is_waiting and payment.state not in {State.CANCELLED, State.EXPIRED}:
            self._orders[payment.id] = payment.merchant_reference  # the customer is through
        super()._changed(payment, notice, amount, key)

    def _decision(self, _payment: BankPayment) -> bytes:
        """Nothing: whoever is pushed has to look."""
        return b""

    def _signed(self, posted: Posted) -> tuple[dict[str, str], bytes]:
        return {"content-type": "application/json"} if posted.body else {}, posted.body

    def _query(self, posted: Posted) -> str:
        _, form, _ = self._forms[self._ledger.payments[posted.payment].id]
        urls = form.merchant_urls
        return httpx.URL(urls.notification if posted.body else urls.push).query.decode()
