"""The orders of Klarna, and of Kustom, which was a part of it: described, read, captured, voided.

Source: the order management API, which both have in the same words; its OpenAPI file, read 2026-08.
What it leaves open is decided so that no money can be lost:

- The idempotency key ignores the body, so what a 201 or 204 is worth is read from the order right
  afterwards.
- What is left of an order that is over is released, whatever its ``remaining_authorized_amount``
  says. So is what was stopped for suspected fraud.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from base64 import b64encode
from typing import TYPE_CHECKING, ClassVar, Final
from uuid import NAMESPACE_URL, uuid5

from pydantic import Field

from checkoutflow.errors import Contradiction, InvalidInput, NotSupported
from checkoutflow.money import Money
from checkoutflow.payment.outcomes import Done, Operation, Outcome, Result, Standing, Word
from checkoutflow.privacy.secret import octets
from checkoutflow.providers.base import (
    SUCCEEDED,
    UNKNOWN,
    Address,
    Configured,
    Credential,
    Level,
    OwnSecret,
    ProviderConfig,
    careful,
    is_shown,
    require_possible,
    risk_of,
    whole_of,
)
from checkoutflow.providers.contract import (
    Agree,
    Ask,
    Authorise,
    Charge,
    Exchange,
    Modification,
    OrderLine,
)
from checkoutflow.providers.http import Unreadable, amount_of, body_of, path, request, time_of
from checkoutflow.providers.lines import by_piece, one_line
from checkoutflow.texts import language_of, mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import httpx

    from checkoutflow.payment.capabilities import Capabilities

    _Asked = Authorise | Agree | Charge


CURRENCIES: Final = {"DK": "DKK", "SE": "SEK", "NO": "NOK", "FI": "EUR"}
_LANGUAGES: Final = {"DK": "da en", "SE": "sv en", "NO": "nb en", "FI": "fi sv en"}

# Their words for an order and for suspected fraud -> ours. An unlisted word is unclear. The sums
# are believed over the words.
_PLACED: Final = "AUTHORIZED PART_CAPTURED CAPTURED CLOSED"
ORDERS: Final[Mapping[str, Word]] = dict.fromkeys(_PLACED.split(), Word.AUTHORISED) | {
    "CANCELLED": Word.VOIDED,
    "EXPIRED": Word.EXPIRED,
}
_RISKS: Final[Mapping[str, Level]] = {"ACCEPTED": "low", "PENDING": "elevated"}
FRAUD: Final[Mapping[str, Word]] = {
    "ACCEPTED": Word.AUTHORISED,
    "PENDING": Word.PENDING,
    "REJECTED": Word.VOIDED,
    "STOPPED": Word.VOIDED,
}

# Their codes for "this request did nothing" -> why. Every other code leaves the outcome unknown.
_REASONS: Final = {
    "invalid_request": "BAD_VALUE BAD_REQUEST",
    "not_set_up": "MERCHANT_INACTIVE TOKEN_FORBIDDEN PAYMENT_METHOD_CURRENCY_MISMATCH",
    "payment_not_found": "NO_SUCH_ORDER NO_SUCH_CAPTURE NOT_FOUND",
    "wrong_state": "CAPTURE_NOT_ALLOWED REFUND_NOT_ALLOWED CANCEL_NOT_ALLOWED NOT_ALLOWED "
    "INVALID_OPERATION",
    "unauthorised": "UNAUTHORIZED",
    "mandate_ended": "TOKEN_NOT_FOUND TOKEN_SUSPENDED TOKEN_CANCELLED TOKEN_CANCELED",
    "declined": "REJECTED PAYMENT_METHOD_FAILED UNAVAILABLE_PAYMENT_METHOD",
}
REFUSALS: Final[Mapping[str, str]] = {
    code: reason for reason, codes in _REASONS.items() for code in codes.split()
}

TEXT: Final = 255  # characters of a name or a reference
LINES: Final = 1000

TYPES: Final = {"consumer": "person", "business": "organization"}
_KINDS: Final = {"digital": "digital", "delivery": "shipping_fee", "fee": "surcharge"}
# Our field -> theirs. Where somebody lives is sent only if it is in the market: to them the country
# of the address overrides that of the purchase.
CONTACT: Final = {"email": "email", "phone": "phone"}
_PLACE: Final = {"street": "street_address", "postal_code": "postal_code"}
ADDRESS: Final = {**_PLACE, "city": "city", "country": "country"}
# Translators: The only line of an order of which something else is paid in another way.
PART: Final = mark("Part of the order")


class KlarnaAccount(ProviderConfig):
    """What is set of an account with either of them.

    Attributes:
        username: Of the API credentials, from the provider's portal.
        password: Of the same.
        notice_url: Where the shop takes in this provider's notices.
        notice_secret: What the addresses of notices are proven with.
    """

    username: str = Field(pattern=r"^[!-9;-~]{1,100}$")
    password: Credential
    notice_url: Address
    notice_secret: OwnSecret


class KlarnaOrders(Configured):
    """The part of an adapter that is about orders.

    Its reference of a payment is ``order:`` and the order's id; before there is an order, `page`, a
    colon, and the name of what the customer pays on.
    """

    __slots__ = ()

    page: ClassVar[str]
    config: KlarnaAccount
    capabilities: Capabilities

    def capture(self, order: Modification) -> Exchange[Result]:
        """Take some or all of what is reserved. The law allows it when the goods are sent."""
        return careful(
            self._modify(Operation.CAPTURE, order, "captures", "captured_amount"), UNKNOWN
        )

    def void(self, order: Modification) -> Exchange[Result]:
        """Close the page or form, cancel the order, or after a part capture release the rest.

        If more was captured than we know, they refuse, and nothing happens.
        """
        word = "release-remaining-authorization" if order.books.captured else "cancel"
        return careful(self._modify(Operation.VOID, order, word), UNKNOWN)

    def refund(self, order: Modification) -> Exchange[Result]:
        """Give captured money back."""
        return careful(self._modify(Operation.REFUND, order, "refunds", "refunded_amount"), UNKNOWN)

    # Steps ----------------------------------------------------------------------------------------

    def _require(self, order: _Asked, amount: Money, methods: Iterable[str], most: int) -> None:
        self.capabilities.require(Operation.AUTHORISE, amount.currency)
        if order.method not in methods:
            raise NotSupported(f"{self.name} knows {', '.join(methods)} here", field="method")
        if CURRENCIES.get(order.market) != amount.currency:
            sold = ", ".join(f"{market} in {currency}" for market, currency in CURRENCIES.items())
            raise NotSupported(f"{self.name} sells in {sold}", field="market")
        if not 0 < amount.minor <= most:
            raise InvalidInput(f"must be 1 to {most} minor units", field="amount")
        if len(order.merchant_reference) > TEXT:
            raise InvalidInput(f"must be at most {TEXT} characters", field="merchant_reference")
        if not isinstance(order, Agree) and len(order.lines) > LINES:
            raise InvalidInput(f"{self.name} takes {LINES} lines at most", field="lines")

    def _modify(
        self, operation: Operation, order: Modification, word: str, amount: str = ""
    ) -> Exchange[Result]:
        """Ask for it, then read what the order says: the answer itself is empty."""
        self.capabilities.require(operation, order.amount.currency)
        match (order.provider_reference or "").split(":", 1):
            case [self.page, name] if operation is Operation.VOID:
                return (yield from self._close(name))
            case ["order", name]:
                where = order_path(name, word)
            case _:
                raise InvalidInput("must be that of an order", field="provider_reference")
        body: dict[str, object] | None = None
        if amount:  # our key is their reference, by which it can be told from others
            body = {amount: order.amount.minor, "reference": order.key}
            if order.lines:
                body["order_lines"] = [_line(line) for line in order.lines]
        response = yield self._request("POST", where, body, key_of(operation, order))
        if response.status_code not in {201, 204}:
            return not_done(response)
        standing = yield from self._order(name, order)
        is_done = is_shown(operation, order, standing)
        return SUCCEEDED if is_done else UNKNOWN

    @abstractmethod
    def _close(self, name: str) -> Exchange[Result]:
        """See that nobody pays on it any more. If the customer may have been faster: unknown."""

    def _order(self, name: str, asked: Ask | Modification) -> Exchange[Standing]:
        """Read an order, and compare it with what we asked about."""
        return standing_of((yield self._request("GET", order_path(name))), name, asked)

    def _request(
        self, method: str, where: str, body: object = None, key: str = ""
    ) -> httpx.Request:
        credentials = octets(f"{self.config.username}:{self.config.password.reveal()}")
        headers = {"authorization": f"Basic {b64encode(credentials).decode()}"}
        if key:
            headers["klarna-idempotency-key"] = key
        return request(method, f"{self.config.base_url}{where}", headers=headers, body=body)


# Requests -----------------------------------------------------------------------------------------

_ORDERS: Final = "/ordermanagement/v1/orders"


def order_path(name: str, *more: str) -> str:
    """Where an order is, or something of it."""
    return f"{_ORDERS}{path(name, *more)}"


def key_of(operation: str, order: Modification | Charge) -> str:
    """The idempotency key in the form that they recommend."""
    return str(uuid5(NAMESPACE_URL, f"{operation}:{order.merchant_reference}:{order.key}"))


def locale_of(order: Authorise | Agree) -> str:
    """The language and country of the customer, in a language that they speak there."""
    language = language_of(order.locale).replace("nn", "nb")
    is_theirs = language in _LANGUAGES[order.market].split()
    return f"{language if is_theirs else 'en'}-{order.market}"


def customer_of(order: Authorise | Agree, contact: Mapping[str, str]) -> dict[str, object]:
    """Who buys, where, and in which language.

    Args:
        order: What the customer told is in its details.
        contact: Our name for a contact field -> theirs, for those that they take.
    """
    is_here = order.details.get("country") == order.market
    fields = {**contact, **ADDRESS} if is_here else contact
    told = {
        theirs: value
        for ours, theirs in fields.items()
        if 0 < len(value := order.details.get(ours, "")) <= (10 if ours == "postal_code" else 99)
    }
    return {
        "purchase_country": order.market,
        "locale": locale_of(order),
        "customer": {"type": TYPES[order.customer], **_company(order)},
        **({"billing_address": told} if told else {}),
    }


def _company(order: Authorise | Agree) -> dict[str, str]:
    number = order.details.get("organisation_number") if order.customer == "business" else None
    return {"organization_registration_id": number} if number else {}


def cart_of(order: _Asked, title: str, months: int = 0) -> dict[str, object]:
    """What is bought. They want at least one line; of a part of an order the VAT is not known."""
    amount = Money.zero(order.maximum.currency) if isinstance(order, Agree) else order.amount
    lines = () if isinstance(order, Agree) else order.lines
    shown = [_line(line) for line in lines or (one_line(amount, title, line_id="whole"),)]
    if months:
        terms = {"name": title[:TEXT], "interval": "MONTH", "interval_count": months}
        shown = [{**line, "subscription": terms} for line in shown]
    return {
        "purchase_currency": amount.currency,
        "order_amount": amount.minor,
        "order_tax_amount": sum(map(_tax, lines)),
        "order_lines": shown,
        "merchant_reference1": order.merchant_reference,
    }


def _line(line: OrderLine) -> dict[str, object]:
    line = by_piece(line)
    return {
        "type": _KINDS.get(line.kind, "physical"),
        "reference": line.id[:TEXT],
        "name": line.name[:TEXT],
        "quantity": line.quantity,
        "unit_price": line.amount.minor // line.quantity,
        "tax_rate": line.vat_basis,
        "total_amount": line.amount.minor,
        "total_tax_amount": _tax(line),
    }


def _tax(line: OrderLine) -> int:
    """The VAT of a line, within the one minor unit from the exact one that they allow.

    Ours is a share of the order's, which is rounded once; a share can be further off.
    """
    exact, whole = line.amount.minor * line.vat_basis, 10_000 + line.vat_basis
    least, most = -((whole - exact) // whole), (exact + whole) // whole
    return min(max(line.vat.minor, least), most)


# Answers ------------------------------------------------------------------------------------------

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,99}")


def name_of(value: object) -> str:
    """Their name for something, as it goes into an address and a reference."""
    if isinstance(value, str) and NAME.fullmatch(value):
        return value
    raise Unreadable("not a name")


def not_done(response: httpx.Response) -> Result:
    """Declined or refused if they say so, else anything is possible. A 401 let nobody in."""
    match response.status_code, body_of(response):
        case 401, _:
            reason = "unauthorised"
        case ((400 | 403 | 404 | 413 | 422), {"error_code": str(code)}) if code in REFUSALS:
            reason = REFUSALS[code]
        case _:
            return UNKNOWN
    outcome = Outcome.DECLINED if reason == "declined" else Outcome.REFUSED
    return Result(outcome=outcome, reason=reason)


def standing_of(response: httpx.Response, name: str, asked: Ask | Modification) -> Standing:
    """Read an order. Nothing is left of one that is over, whatever it says."""
    match response.status_code, body_of(response):
        case 200, {
            "order_id": str(theirs),
            "merchant_reference1": str(ours),
            "status": str(status),
            "fraud_status": str(fraud),
            "purchase_currency": currency,
            "original_order_amount": original,
            "captured_amount": taken,
            "refunded_amount": given,
            "remaining_authorized_amount": rest,
            **more,
        } if status in ORDERS and fraud in FRAUD:
            authorised, captured, refunded, left = (
                amount_of(minor, currency) for minor in (original, taken, given, rest)
            )
        case _:
            raise Unreadable("not an order")
    if (theirs, ours) != (name, asked.merchant_reference):
        raise Contradiction("the answer is about another order")
    is_fraud = FRAUD[fraud] is Word.VOIDED
    word = Word.VOIDED if is_fraud else ORDERS[status]
    if status == "CLOSED" or word is not Word.AUTHORISED:
        left = Money.zero(authorised.currency)
    reference = f"order:{name}"
    standing = Standing(
        word=word,
        authorised=authorised,
        captured=captured,
        refunded=refunded,
        voided=amount_of((authorised - captured - left).minor, currency),
        provider_reference=reference,
        valid_until=time_of(end) if (end := more.get("expires_at")) else None,
        reason="suspected_fraud" if is_fraud else "",
        operations=tuple(_done(more)),
        risk=risk_of(fraud, _RISKS),
    )
    require_possible(standing, whole_of(asked))
    if FRAUD[fraud] is Word.PENDING and left == authorised:  # it is still examined
        return Standing.nothing(Word.PENDING, left.currency, provider_reference=reference)
    return standing


def seen_first(standing: Standing) -> Standing:
    """An order that we see for the first time; suspected fraud was a no."""
    if standing.reason and standing.captured.is_zero:
        currency = standing.authorised.currency
        return Standing.nothing(Word.DECLINED, currency, reason=standing.reason)
    return standing


def _done(answer: Mapping[object, object]) -> Iterator[Done]:
    """Captures and refunds that carry a reference: ours are our keys."""
    for kind in ("captures", "refunds"):
        listed = answer.get(kind)
        for item in listed if isinstance(listed, list) else []:
            match item:
                case {"reference": str(key)} if key:
                    yield Done(key=key, outcome=Outcome.SUCCEEDED)
