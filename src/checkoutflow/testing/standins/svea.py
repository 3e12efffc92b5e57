"""A stand-in for Svea Checkout: its forms, its orders, its signed requests and unsigned pushes.

It refuses what the sources of the adapter say is refused. Where a merchant may deliver for less,
the rest shows as cancelled.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import (
    TYPE_CHECKING,
    Annotated,
    ClassVar,
    Final,
    Literal,
    TypeAlias,
    assert_never,
)
from urllib.parse import urlsplit

import httpx
from pydantic import Field

from checkoutflow.money import Money
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.svea import CURRENCIES, Svea, SveaConfig
from checkoutflow.testing.standins.base import StandIn
from checkoutflow.testing.standins.book import BankPayment, Fate, Kind, Refusal, State, Status
from checkoutflow.testing.standins.faults import Names
from checkoutflow.testing.standins.reading import Strict, read

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from checkoutflow.testing.standins.base import Posted

NOTICE_URL: Final = "https://shop.example/notices/svea"
PAGE_URL: Final = "https://shop.example/svea"
ACTION: Final = MappingProxyType({"amount": "CanCreditAmount", "row": "CanCreditNewRow"})

_WHOLE: Final = 100  # hundredths in one piece


_Address = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^https?://")]
_Name = Annotated[str, Field(min_length=1, max_length=40)]
_Minor = Annotated[int, Field(ge=1, lt=10**13)]


class _Row(Strict):
    articleNumber: str | None = Field(default=None, max_length=256)  # noqa: N815 -- their name
    name: _Name
    quantity: int = Field(ge=1, lt=10**9)
    unitPrice: int = Field(lt=10**13)  # noqa: N815 -- as above
    vatPercent: int = Field(ge=0, le=10_000)  # noqa: N815
    type: Literal["shipping_fee"] | None = None

    @property
    def minor(self) -> int:
        """What the row comes to, in minor units."""
        return self.unitPrice * self.quantity // _WHOLE


class _Cart(Strict):
    items: list[_Row] = Field(min_length=1)


class _Addresses(Strict):
    termsUri: _Address  # noqa: N815 -- as above
    checkoutUri: _Address  # noqa: N815
    confirmationUri: _Address  # noqa: N815
    pushUri: Annotated[_Address, Field(pattern=r"\{checkout\.order\.uri\}")]  # noqa: N815


class _Preset(Strict):
    typeName: Literal["EmailAddress", "PhoneNumber"]  # noqa: N815 -- as above
    value: str = Field(min_length=1, max_length=50)
    isReadOnly: bool  # noqa: N815 -- as above


class _Create(Strict):
    countryCode: Literal["SE", "NO", "DK", "FI"]  # noqa: N815 -- as above
    currency: str
    locale: Literal["sv-se", "da-dk", "de-de", "en-us", "fi-fi", "nn-no"]
    clientOrderNumber: str = Field(min_length=1, max_length=32)  # noqa: N815 -- as above
    merchantSettings: _Addresses  # noqa: N815
    cart: _Cart
    presetValues: list[_Preset] = Field(default=[])  # noqa: N815


class _Cancel(Strict):
    isCancelled: Literal[True]  # noqa: N815 -- as above


class _Deliver(Strict):
    orderRowIds: list[int]  # noqa: N815 -- as above


class _DeliverLess(Strict):
    DeliveredAmount: _Minor


class _CreditInAll(Strict):
    creditedAmount: _Minor  # noqa: N815 -- as above


class _CreditRow(Strict):
    newCreditOrderRow: _Row  # noqa: N815 -- as above


_Asked: TypeAlias = _Cancel | _Deliver | _DeliverLess | _CreditInAll | _CreditRow


class SimulatedSvea(StandIn):
    """One merchant at the stand-in.

    Args:
        clock: Its time, as an aware ``datetime``.
        country: ``SE``, ``NO``, ``DK`` or ``FI``.
        partial_capture: Whether the merchant may deliver for less.
        credits_by: Whether deliveries are credited by ``amount`` or by ``row``.
        secret: What its credentials are made of.
    """

    _title = "Svea Checkout, simulated"
    _names: ClassVar[Names] = Names(
        amounts=frozenset({"OrderAmount", "DeliveryAmount", "CreditedAmount"}),
        currencies=frozenset({"Currency"}),
        words=frozenset({"Status", "OrderStatus"}),
        ids=frozenset({"OrderId", "Id"}),
        references=frozenset({"ClientOrderNumber", "MerchantOrderId"}),
    )

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        country: Literal["SE", "NO", "DK", "FI"] = "SE",
        partial_capture: bool = False,
        credits_by: Literal["amount", "row"] = "amount",
        secret: str = "simulated",  # noqa: S107 -- opens nothing real
    ) -> None:
        """Open the account with an empty book."""
        super().__init__(clock, remembers_keys=False)
        self._country = country
        self._partial_capture = partial_capture
        self._credits_by = credits_by
        self._secret = secret
        self._orders: dict[str, tuple[str, _Create]] = {}  # by number: our reference, and the order

    def provider(self, base_url: str = SveaConfig.hosts.test) -> Svea:
        """An adapter for this merchant."""
        return Svea(
            SveaConfig(
                merchant_id="123456",
                country=self._country,
                secret=Secret(f"{self._secret}-merchant-secret"),
                terms_url="https://shop.example/terms",
                page_url=PAGE_URL,
                notice_url=NOTICE_URL,
                notice_secret=Secret(f"{self._secret}-notice-secret-of-32-letters"),
                partial_capture=self._partial_capture,
                base_url=base_url,
                admin_url=base_url,
            )
        )

    # --- how it speaks -------------------------------------------------------------------------

    def _route(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        if not self._is_merchant(request):
            raise Refusal(401, "unauthorised")
        key = f"request-{len(self._keys) + 1:06}"  # they have none: each request is another
        match request.method, parts:
            case "POST", ["api", "orders"]:
                return self._perform(request, Kind.AUTHORISE, key, self._create)
            case "GET", ["api", "orders", number]:
                return self._look_up(request, f"form-{number}")
            case "GET", ["api", "v1", "orders", number]:
                return self._look_up(request, f"order-{number}")
            case "PATCH", ["api", "v1", "orders", number]:
                work = partial(self._change, _Cancel, number)
                return self._perform(request, Kind.VOID, key, work)
            case "POST", ["api", "v1", "orders", number, "deliveries"]:
                work = partial(self._change, _Deliver, number)
                return self._perform(request, Kind.CAPTURE, key, work)
            case "POST", ["api", "v1", "orders", number, "deliveries", "DeliverAndLowerAmount"]:
                work = partial(self._change, _DeliverLess, number)
                return self._perform(request, Kind.CAPTURE, key, work)
            case "PATCH", ["api", "v1", "orders", number, "deliveries", "1"]:
                work = partial(self._change, _CreditInAll, number)
                return self._perform(request, Kind.REFUND, key, work)
            case "POST", ["api", "v1", "orders", number, "deliveries", "1", "credits"]:
                work = partial(self._change, _CreditRow, number)
                return self._perform(request, Kind.REFUND, key, work)
            case _:
                raise Refusal(404, "no_such_resource")

    def _is_merchant(self, request: httpx.Request) -> bool:
        minute = request.headers.get("timestamp", "")
        signed = request.content + f"{self._secret}-merchant-secret{minute}".encode()
        digest = hashlib.sha512(signed).hexdigest()
        wanted = base64.b64encode(f"123456:{digest}".encode()).decode()
        shown = request.headers.get("authorization", "")
        minutes = (self._now + timedelta(minutes=away) for away in (-1, 0, 1))
        is_recent = minute in {moment.strftime("%Y-%m-%d %H:%M") for moment in minutes}
        return is_recent and hmac.compare_digest(shown.encode(), f"Svea {wanted}".encode())

    def _refused(self, refusal: Refusal) -> httpx.Response:
        status = 400 if refusal.status == 422 else refusal.status  # noqa: PLR2004 -- of the ledger
        body = {"Code": str(status), "Message": refusal.code}
        return httpx.Response(status, json=body)

    def _create(self, request: httpx.Request, key: str, fate: Fate) -> httpx.Response:
        order = read(_Create, request)
        if (order.countryCode, order.currency) != (self._country, CURRENCIES[self._country]):
            raise Refusal(400, "wrong_currency")
        reference = order.clientOrderNumber
        known = self._ledger.payments.get(reference)
        if known is not None:
            return httpx.Response(200, json=self._view(known))
        number = str(9_000_001 + self._count)
        self._orders[number] = reference, order
        amount = Money(sum(row.minor for row in order.cart.items), order.currency)
        payment, _ = self._create_payment(
            request,
            key,
            fate,
            BankPayment(
                id=number,
                merchant_reference=reference,
                amount=amount,
                method="svea",
                return_url=order.merchantSettings.confirmationUri,
                is_waiting=True,
            ),
        )
        # Its page has an address only now.
        self._tell(payment)
        return httpx.Response(201, json=self._view(payment))

    def _change(
        self, model: type[_Asked], number: str, request: httpx.Request, key: str, fate: Fate
    ) -> httpx.Response:
        """Deliver, cancel or credit. Each is taken in; whether it is done shows in the sums."""
        payment = self._final(number)
        asked = read(model, request)
        book = payment.book
        match asked:
            case _Cancel():
                if book.captured:
                    raise Refusal(400, "already_delivered")
                self._ledger.void(payment, key, fate)
                return httpx.Response(204)
            case _Deliver():
                self._deliver(payment, book.reserved, key, fate)
            case _DeliverLess():
                if not self._partial_capture:
                    raise Refusal(400, "not_allowed")
                self._deliver(payment, asked.DeliveredAmount, key, fate)
                if payment.operations[-1].status is Status.DONE and payment.book.reserved:
                    self._ledger.void(payment, None, Fate())
            case _CreditInAll():
                self._credit(payment, "amount", asked.creditedAmount - book.refunded, key, fate)
            case _CreditRow():
                self._credit(payment, "row", asked.newCreditOrderRow.minor, key, fate)
            case _ as never:
                assert_never(never)
        where = str(request.url.join(f"/api/v1/queue/{key}"))
        return httpx.Response(202, headers={"location": where})

    def _deliver(self, payment: BankPayment, minor: int, key: str, fate: Fate) -> None:
        if payment.book.reserved == 0:
            raise Refusal(400, "nothing_to_deliver")
        self._ledger.capture(payment, Money(minor, payment.amount.currency), key, fate)

    def _credit(self, payment: BankPayment, by: str, minor: int, key: str, fate: Fate) -> None:
        if by != self._credits_by or minor <= 0:
            raise Refusal(400, "not_allowed")
        self._ledger.refund(payment, Money(minor, payment.amount.currency), key, fate)

    def _final(self, number: str) -> BankPayment:
        """A payment whose customer has paid."""
        if number not in self._orders:
            raise Refusal(404, "payment_not_found")
        payment = self._payment(self._orders[number][0])
        if payment.state is not State.AUTHORISED:
            raise Refusal(404, "payment_not_found")
        return payment

    # --- what it tells -------------------------------------------------------------------------

    def _changed(self, payment: BankPayment, notice: str, amount: Money, key: str | None) -> None:
        super()._changed(payment, notice, amount, key)
        self._tell(payment)

    def _tell(self, payment: BankPayment) -> None:
        """Keep what look-ups say: a form always, an order once it is one."""
        told = {f"form-{payment.id}": self._view(payment)}
        if payment.state is State.AUTHORISED:
            told[f"order-{payment.id}"] = self._order_view(payment)
        for name, now in told.items():
            _, before = self._views.get(name, (None, None))
            if now != before:
                self._views[name] = before, now

    def _view(self, payment: BankPayment) -> dict[str, object]:
        _, order = self._orders[payment.id]
        words = {State.PENDING: "Created", State.AUTHORISED: "Final"}
        status = words.get(payment.state, "Cancelled")
        if status == "Created" and not payment.is_waiting:
            status = "WaitingToBeSent"
        page = html.escape(payment.page)
        return {
            "OrderId": int(payment.id),
            "ClientOrderNumber": payment.merchant_reference,
            "Status": status,
            "Currency": order.currency,
            "CountryCode": order.countryCode,
            "Locale": order.locale,
            "Gui": {"Layout": "desktop", "Snippet": f'<iframe src="{page}"></iframe>'},
            "PaymentType": None,
        }

    def _order_view(self, payment: BankPayment) -> dict[str, object]:
        book = payment.book
        status = "Open" if book.reserved else "Delivered" if book.captured else "Cancelled"
        delivery = {
            "Id": 1,
            "DeliveryAmount": book.captured,
            "CreditedAmount": book.refunded,
            "Actions": [ACTION[self._credits_by]] if book.taken else [],
        }
        return {
            "Id": int(payment.id),
            "MerchantOrderId": payment.merchant_reference,
            "Currency": payment.amount.currency,
            "OrderStatus": status,
            "OrderAmount": payment.amount.minor,
            "CancelledAmount": book.voided,
            "Deliveries": [delivery] if book.captured else [],
            "Actions": ["CanDeliverOrder", "CanCancelOrder"] if book.reserved else [],
        }

    def _notice(self, _payment: BankPayment, _kind: str, _amount: Money, _key: str | None) -> bytes:
        """Nothing: whoever is pushed has to look."""
        return b""

    def _signed(self, posted: Posted) -> tuple[dict[str, str], bytes]:
        return {}, posted.body

    def _query(self, posted: Posted) -> str:
        payment = self._ledger.payments[posted.payment]
        _, order = self._orders[payment.id]
        address = order.merchantSettings.pushUri
        return urlsplit(address.replace("{checkout.order.uri}", payment.id)).query
