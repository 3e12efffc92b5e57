"""Svea Checkout: cards, invoices, part payments and bank payments in SE, NO, DK and FI.

Source: the provider's PHP library and developer pages, read 2026-11; it publishes no specification.
A checkout order is created with our reference, and a repeat finds the one that is there. When the
customer has paid, it becomes an order of the payment administration, where it is delivered
(captured), cancelled (voided) and credited (refunded). What is open is decided so that no money can
be lost:

- Orders are found by Svea's number only. Without it nobody saw the form, so nobody has paid.
- What is asked of an order has no key. An order is delivered, or cancelled, once by its nature, so
  both may be repeated; a credit is never sent twice. The sums tell what happened. Svea takes most
  of it in and works on it later: until the sums show it, it pends.
- A refund is sent only if Svea has credited as much as our books say, neither more nor less.
- Where Svea credits no amounts but rows, and the refund has several rates of VAT, it is refused:
  a row has one, and a wrong one would be on the customer's invoice.
- What is delivered for less releases the rest, whether it then shows as cancelled, as a smaller
  order, or not at all.
- A form that nobody has paid on cannot be withdrawn: a void is refused until the order is final. It
  runs out by itself, and what is paid meanwhile is seen and voided.
- 409, 423 and 429 are unknown, and so are all words that are not listed.

The customer pays on a page of the shop, in a form that Svea gives as HTML (`Svea.snippet`).
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final, Literal, NamedTuple
from urllib.parse import urlencode

import httpx
from pydantic import Field, field_validator

from checkoutflow.errors import (
    Contradiction,
    InvalidInput,
    NotSupported,
    ProviderError,
    UsageError,
)
from checkoutflow.money import Money, total
from checkoutflow.payment.capabilities import Capabilities
from checkoutflow.payment.outcomes import Operation, Outcome, Redirect, Result, Standing, Word
from checkoutflow.providers.base import (
    SUCCEEDED,
    UNKNOWN,
    Address,
    Configured,
    Credential,
    Hosts,
    Name,
    OwnSecret,
    ProviderConfig,
    careful,
    is_shown,
    require_possible,
    unclear,
    whole_of,
)
from checkoutflow.providers.contract import (
    Ask,
    Authorise,
    Exchange,
    Modification,
    Notice,
    OrderLine,
    Webhook,
)
from checkoutflow.providers.http import Unreadable, amount_of, body_of, path, request
from checkoutflow.providers.lines import by_piece, one_line
from checkoutflow.providers.notices import address_for, payment_in
from checkoutflow.texts import language_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

ADMIN: Final = Hosts("https://paymentadminapi.svea.com", "https://paymentadminapistage.svea.com")

CURRENCIES: Final[Mapping[str, str]] = MappingProxyType(
    {"SE": "SEK", "NO": "NOK", "DK": "DKK", "FI": "EUR"}
)
# A language that the form does not speak reads English.
LOCALES: Final[Mapping[str, str]] = MappingProxyType(
    {"sv": "sv-se", "da": "da-dk", "nb": "nn-no", "nn": "nn-no", "fi": "fi-fi"}
)
METHODS: Final = ("svea", "checkout")  # how to pay is chosen in the form

# Their word for a form that has not become an order.
FORMS: Final[Mapping[str, Word]] = MappingProxyType(
    {
        "Created": Word.PENDING,
        "Confirmed": Word.PENDING,
        "PaymentGuaranteed": Word.PENDING,
        "WaitingToBeSent": Word.PENDING,
        "Cancelled": Word.EXPIRED,
    }
)
# Their word for an order -> ours, and whether anything can be left in it.
ORDERS: Final[Mapping[str, tuple[Word, bool]]] = MappingProxyType(
    {
        "Open": (Word.AUTHORISED, True),
        "Delivered": (Word.AUTHORISED, False),
        "Cancelled": (Word.VOIDED, False),
        "Processing": (Word.PENDING, True),
        "Failed": (Word.DECLINED, False),
    }
)
REFUSALS: Final[Mapping[int, str]] = MappingProxyType(
    {
        400: "invalid_request",
        401: "unauthorised",
        403: "unauthorised",
        404: "payment_not_found",
        405: "invalid_request",
        422: "invalid_request",
    }
)
_TAKEN: Final = frozenset({200, 201, 202, 204})

NAME: Final = 40  # characters of the name of a row
ADDRESS: Final = 500  # characters

_REFERENCE: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,18}")


class SveaConfig(ProviderConfig):
    """One merchant at Svea, in one country.

    Attributes:
        admin_url: Another host for orders, as ``base_url`` is one for forms.
        merchant_id: The merchant's number at Svea.
        country: It decides the currency.
        secret: The merchant's secret, with which requests are signed.
        terms_url: The page with the shop's terms.
        page_url: The page of the shop on which the form is shown. ``payment`` is added to it.
        notice_url: Where notices are to be sent. Each order carries it.
        notice_secret: What the proofs in its addresses are made of: random characters of our own
            choice, at least 32.
        partial_capture: Whether the merchant may deliver for less than was ordered, once.
    """

    hosts: ClassVar = Hosts("https://checkoutapi.svea.com", "https://checkoutapistage.svea.com")

    name: Name = "svea"
    admin_url: Address = Field(
        default_factory=lambda data: ADMIN.test if data.get("is_test") else ADMIN.production
    )
    merchant_id: str = Field(pattern=r"^[0-9]{1,12}$")
    country: Literal["SE", "NO", "DK", "FI"]
    secret: Credential
    terms_url: Address
    page_url: Address
    notice_url: Address
    notice_secret: OwnSecret
    partial_capture: bool = False

    @field_validator("admin_url")
    @classmethod
    def _ends_without_a_slash(cls, address: str) -> str:
        return address.rstrip("/")


class _Delivery(NamedTuple):
    """Something that was captured."""

    number: str
    amount: Money
    credited: Money
    actions: tuple[object, ...]


class _Order(NamedTuple):
    """What an answer says about an order, checked against what we asked about."""

    standing: Standing
    deliveries: tuple[_Delivery, ...]


@dataclass(slots=True, eq=False)
class Svea(Configured):
    """Svea Checkout behind the contract. Nothing is kept from call to call.

    Each request is signed with the minute in which it is made: every order and question has to say
    when that is (``at``), or `UsageError` is raised and nothing is sent.
    """

    config: SveaConfig
    capabilities: Capabilities = field(init=False)

    def __post_init__(self) -> None:
        """Say what this merchant can do."""
        self.capabilities = Capabilities(
            operations=frozenset(Operation),
            can_be_asked=True,
            finds_by_ours=False,
            currencies=frozenset({CURRENCIES[self.config.country]}),
            captures="once" if self.config.partial_capture else "whole",
            repeat_s={Operation.AUTHORISE: 3600, Operation.CAPTURE: 3600, Operation.VOID: 3600},
            details=frozenset({"email", "phone"}),
        )

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Create a form, and send the customer to the page that shows it.

        Raises:
            NotSupported: If the currency or the method is not this merchant's.
            InvalidInput: If the reference or an address is beyond its limits.
        """
        self.capabilities.require(Operation.AUTHORISE, order.amount.currency)
        if order.method not in METHODS:
            raise NotSupported(f"{self.name} knows {', '.join(METHODS)}", field="method")
        answer = yield self._request(order.at, "POST", path("api", "orders"), self._form(order))
        match answer.status_code, body_of(answer):
            case 200 | 201, {"OrderId": number, "ClientOrderNumber": ours, "Status": "Created"}:
                if ours != order.merchant_reference:
                    raise Contradiction("the answer is about another payment")
                with suppress(Unreadable):
                    return Result(
                        outcome=Outcome.PENDING,
                        provider_reference=_number_of(number),
                        action=self._page(order.merchant_reference),
                    )
        return _not_done(answer)

    def snippet(self, provider_reference: str, at: datetime) -> Exchange[str]:
        """The HTML of the form, for the page at ``page_url``; later it says that all is paid.

        Args:
            provider_reference: Svea's number of the payment.
            at: Now.

        Raises:
            InvalidInput: If the reference is not one of Svea's.
            ProviderError: If there is no such form, or no readable answer.
        """
        answer = yield self._request(at, "GET", _form_path(provider_reference))
        match answer.status_code, body_of(answer):
            case 200, {"Gui": {"Snippet": str(html)}} if html:
                return html
            case _:
                raise ProviderError("Svea gave no form")

    def status(self, ask: Ask) -> Exchange[Standing]:
        """Say how the payment stands: first as an order, and while it is none, as a form."""
        return careful(self._status(ask), unclear(ask))

    def _status(self, ask: Ask) -> Exchange[Standing]:
        currency, number = ask.amount.currency, ask.provider_reference
        if number is None:
            return Standing.nothing(Word.NOT_FOUND, currency)
        answer = yield self._look(ask)
        if answer.status_code != httpx.codes.NOT_FOUND:
            return _order(answer, ask).standing
        answer = yield self._request(ask.at, "GET", _form_path(number))
        status = _form_word(answer, ask)
        page = self._page(ask.merchant_reference) if status == "Created" else None
        word = FORMS.get(status, Word.UNCLEAR)
        return Standing.nothing(word, currency, provider_reference=number, action=page)

    def capture(self, order: Modification) -> Exchange[Result]:
        """Deliver the order, or deliver it for less and release the rest."""
        return self._modify(Operation.CAPTURE, order)

    def void(self, order: Modification) -> Exchange[Result]:
        """Cancel an order of which nothing is delivered."""
        return self._modify(Operation.VOID, order)

    def refund(self, order: Modification) -> Exchange[Result]:
        """Credit a part or all of what was delivered."""
        return self._modify(Operation.REFUND, order)

    def read_notices(self, webhook: Webhook) -> tuple[Notice, ...]:
        """See that the address is one that we gave out for a payment; Svea signs nothing.

        A notice says nothing of what happened, so each minute's is another: it makes us look.

        Raises:
            UntrustedNotice: If the address was not made by us.
        """
        ours = payment_in(webhook.query, self.config.notice_secret)
        minute = int(webhook.now_s) // 60
        return (Notice(id=f"{ours}-{minute}", merchant_reference=ours, kind="push"),)

    def _modify(self, operation: Operation, order: Modification) -> Exchange[Result]:
        self.capabilities.require(operation, order.amount.currency)
        where = _order_path(order.provider_reference)
        if operation is Operation.REFUND:
            answer = yield self._look(order)
            try:
                method, where, body = _credit(order, _order(answer, order))
            except Unreadable:
                return Result(outcome=Outcome.REFUSED, reason="unavailable")
            except _CannotCreditError as error:
                return Result(outcome=Outcome.REFUSED, reason=str(error))
        elif operation is Operation.VOID:
            method, body = "PATCH", {"isCancelled": True}
        elif order.amount == order.books.capturable:
            method, where, body = "POST", f"{where}/deliveries", {"orderRowIds": []}
        else:
            method, where = "POST", f"{where}/deliveries/DeliverAndLowerAmount"
            body = {"DeliveredAmount": order.amount.minor}
        answer = yield self._request(order.at, method, where, body, admin=True)
        result = Result(outcome=Outcome.PENDING)
        if answer.status_code not in _TAKEN:
            result = _not_done(answer)
            if answer.status_code != httpx.codes.BAD_REQUEST:
                return result
        answer = yield self._look(order)  # what cannot be done may be done already
        with suppress(Unreadable):
            if is_shown(operation, order, _order(answer, order).standing):
                return SUCCEEDED
        return result

    def _look(self, asked: Ask | Modification) -> httpx.Request:
        return self._request(asked.at, "GET", _order_path(asked.provider_reference), admin=True)

    def _page(self, merchant_reference: str) -> Redirect:
        query = urlencode({"payment": merchant_reference})
        return Redirect(url=f"{self.config.page_url}?{query}")

    def _form(self, order: Authorise) -> dict[str, object]:
        if not _REFERENCE.fullmatch(order.merchant_reference):
            allowed = "must be 1 to 32 letters, digits, hyphens and underscores"
            raise InvalidInput(allowed, field="merchant_reference")
        config = self.config
        push = address_for(config.notice_url, config.notice_secret, order.merchant_reference)
        addresses = {
            "termsUri": config.terms_url,
            "checkoutUri": self._page(order.merchant_reference).url,
            "confirmationUri": order.return_url,
            "pushUri": f"{push}&order={{checkout.order.uri}}",  # theirs to fill in, and required
        }
        if max(map(len, addresses.values())) > ADDRESS:
            raise InvalidInput(f"addresses have at most {ADDRESS} characters", field="return_url")
        return {
            "countryCode": config.country,
            "currency": order.amount.currency,
            "locale": LOCALES.get(language_of(order.locale), "en-us"),
            "clientOrderNumber": order.merchant_reference,
            "merchantSettings": addresses,
            "cart": {"items": _rows(order)},
            "presetValues": [
                {"typeName": theirs, "value": order.details[ours], "isReadOnly": False}
                for ours, theirs in (("email", "EmailAddress"), ("phone", "PhoneNumber"))
                if ours in order.details
            ],
        }

    def _request(
        self,
        at: datetime | None,
        method: str,
        where: str,
        body: object = None,
        *,
        admin: bool = False,
    ) -> httpx.Request:
        """Build a request, and sign it as Svea wants: over body, secret and minute."""
        if at is None:
            raise UsageError("Svea signs the time with each request: say it", field="at")
        host = self.config.admin_url if admin else self.config.base_url
        made = request(method, f"{host}{where}", headers={}, body=body)
        minute = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
        made.headers["timestamp"] = minute
        made.headers["authorization"] = signature(self.config, made.content, minute)
        return made


def signature(config: SveaConfig, body: bytes, minute: str) -> str:
    """What stands in the ``Authorization`` of a request."""
    signed = body + config.secret.reveal().encode() + minute.encode()
    digest = hashlib.sha512(signed).hexdigest()
    return "Svea " + b64encode(f"{config.merchant_id}:{digest}".encode()).decode()


# Requests -----------------------------------------------------------------------------------------


def _number(provider_reference: str | None) -> str:
    if provider_reference is None or not _NUMBER.fullmatch(provider_reference):
        raise InvalidInput("Svea's orders have numbers", field="provider_reference")
    return provider_reference


def _form_path(provider_reference: str | None) -> str:
    return path("api", "orders", _number(provider_reference))


def _order_path(provider_reference: str | None) -> str:
    return path("api", "v1", "orders", _number(provider_reference))


def _rows(order: Authorise) -> list[dict[str, object]]:
    """The lines; where only a part of an order is paid, one row that says so much."""
    ours = order.merchant_reference
    return [_row(line) for line in order.lines or (one_line(order.amount, ours, line_id=ours),)]


def _row(line: OrderLine) -> dict[str, object]:
    """A line in their hundredths."""
    line = by_piece(line)
    row: dict[str, object] = {
        "articleNumber": line.id,
        "name": line.name[:NAME],
        "quantity": 100 * line.quantity,
        "unitPrice": line.amount.minor // line.quantity,
        "vatPercent": line.vat_basis,
    }
    return {**row, "type": "shipping_fee"} if line.kind == "delivery" else row


class _CannotCreditError(Exception):
    """Nothing is sent, and this is why."""


def _credit(order: Modification, found: _Order) -> tuple[str, str, dict[str, object]]:
    """The request that gives money back from a delivery.

    Raises:
        _CannotCreditError: If it cannot be said exactly what is to be given back.
    """
    if found.standing.refunded.minor != order.books.refunded:
        raise _CannotCreditError("refunds_differ")
    fitting = [item for item in found.deliveries if item.amount - item.credited >= order.amount]
    if not fitting:
        raise _CannotCreditError("amount_too_high")
    delivery = fitting[0]
    where = f"{_order_path(order.provider_reference)}/deliveries/{delivery.number}"
    if "CanCreditAmount" in delivery.actions:
        return "PATCH", where, {"creditedAmount": (delivery.credited + order.amount).minor}
    rates = {line.vat_basis for line in order.lines}
    if "CanCreditNewRow" not in delivery.actions or len(rates) != 1:
        raise _CannotCreditError("not_by_amount")
    row = {
        "name": order.lines[0].name[:NAME],
        "quantity": 100,
        "unitPrice": order.amount.minor,
        "vatPercent": rates.pop(),
    }
    return "POST", f"{where}/credits", {"newCreditOrderRow": row}


# Answers ------------------------------------------------------------------------------------------


def _not_done(answer: httpx.Response) -> Result:
    reason = REFUSALS.get(answer.status_code)
    return Result(outcome=Outcome.REFUSED, reason=reason) if reason else UNKNOWN


def _number_of(value: object) -> str:
    if type(value) is int and _NUMBER.fullmatch(str(value)):
        return str(value)
    raise Unreadable("not a number of theirs")


def _check_ours(number: object, ours: str, asked: Ask | Modification) -> None:
    if (_number_of(number), ours) != (asked.provider_reference, asked.merchant_reference):
        raise Contradiction("the answer is about another payment")


def _form_word(answer: httpx.Response, ask: Ask) -> str:
    """Read a form: its word for where it stands.

    Raises:
        Unreadable: If it is malformed.
        Contradiction: If it is about another payment.
    """
    match answer.status_code, body_of(answer):
        case 200, {"OrderId": number, "ClientOrderNumber": str(ours), "Status": str(status)}:
            _check_ours(number, ours, ask)
            return status
        case _:
            raise Unreadable("not a form")


def _order(answer: httpx.Response, asked: Ask | Modification) -> _Order:
    """Read an order and compare it with what we asked about.

    Raises:
        Unreadable: If it is malformed, or in a state that we do not know.
        Contradiction: If it is about another payment, or its sums cannot be true.
    """
    match answer.status_code, body_of(answer):
        case 200, {
            "Id": number,
            "MerchantOrderId": str(ours),
            "OrderStatus": str(status),
            "Currency": currency,
            "OrderAmount": ordered,
            "CancelledAmount": cancelled,
            "Deliveries": list() | None as found,
        } if status in ORDERS:
            _check_ours(number, ours, asked)
            in_all, gone = amount_of(ordered, currency), amount_of(cancelled, currency)
            deliveries = tuple(_delivery(item, currency) for item in found or ())
        case _:
            raise Unreadable("not an order")
    whole = whole_of(asked)
    if in_all.currency != whole.currency:
        raise Contradiction(f"asked in {whole.currency}, answered in {in_all.currency}")
    captured = total((item.amount for item in deliveries), whole.currency)
    refunded = total((item.credited for item in deliveries), whole.currency)
    # An order that was delivered for less may have become one for less.
    is_smaller = status == "Delivered" and in_all < whole
    if (in_all != whole and not is_smaller) or captured + gone > in_all:
        raise Contradiction(
            f"{whole} was ordered; now it is {in_all} with {captured} delivered, {gone} cancelled"
        )
    word, is_open = ORDERS[status]
    if word in {Word.PENDING, Word.DECLINED}:
        if not captured.is_zero:
            raise Unreadable("delivered, and not an order")
        nothing = Standing.nothing(word, whole.currency, provider_reference=str(number))
        return _Order(nothing, deliveries)
    voided = gone if is_open else whole - captured
    standing = Standing(
        word=Word.VOIDED if voided == whole else Word.AUTHORISED,
        authorised=whole,
        captured=captured,
        refunded=refunded,
        voided=voided,
        provider_reference=str(number),
    )
    require_possible(standing, whole)
    return _Order(standing, deliveries)


def _delivery(item: object, currency: object) -> _Delivery:
    match item:
        case {"Id": number, "DeliveryAmount": amount, "CreditedAmount": credited, **rest}:
            actions = rest.get("Actions")
            return _Delivery(
                number=_number_of(number),
                amount=amount_of(amount, currency),
                credited=amount_of(credited, currency),
                actions=tuple(actions) if isinstance(actions, list) else (),
            )
        case _:
            raise Unreadable("not a delivery")
