"""Riverty (formerly Arvato AfterPay): invoices in Sweden, Norway, Denmark and Finland.

Source: the provider's documentation of its e-commerce API v3, read 2026-11, and public clients of
it. There is no machine-readable description. What is open is decided so that no money can be lost:

- For how long an idempotency key lives is not published: a repeat is sent for an hour, while the
  order number guards an authorisation and the invoice number a capture. A refund is never repeated,
  because which capture it is of depends on what was given back before.
- The lines of a refund are ``orderItems`` on one page and ``items`` on another. Both are sent: a
  refund without lines gives everything back.
- What webhooks are signed over is not spelled out. The time, a point and the raw body is what we
  believe, and nothing else; a notice is only a reason to look.
- An order that waits for the customer cannot be voided for certain; it runs out by itself.
- Cancelled and Expired are said of reservations and of customers who never identified themselves.
  Only a reservation has a name of theirs, so an order without one never held money.
- What is not captured when its time is over is gone, though nothing is said of it: once an order is
  called fully captured, or three hours after the date that it carries.
- An order that they do not find is a 404 with their messages, or their code 400.115.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, NamedTuple, cast

from checkoutflow.errors import Contradiction, InvalidInput, NotSupported, UntrustedNotice
from checkoutflow.money import Money, total
from checkoutflow.payment.capabilities import Capabilities
from checkoutflow.payment.outcomes import Done, Operation, Outcome, Redirect, Result, Standing, Word
from checkoutflow.providers.base import (
    SUCCEEDED,
    UNKNOWN,
    Credential,
    Hosts,
    Name,
    ProviderConfig,
    careful,
    require_possible,
    unclear,
    whole_of,
)
from checkoutflow.providers.contract import Ask, Authorise, Exchange, Modification, Notice, Webhook
from checkoutflow.providers.http import (
    Unreadable,
    body_of,
    json_of,
    page_of,
    path,
    reference_of,
    request,
    time_or_none,
)
from checkoutflow.providers.notices import header, hmac_hex, require_recent, require_same
from checkoutflow.providers.riverty_lookups import RivertyLookups
from checkoutflow.providers.riverty_wire import CURRENCIES, METHODS, bill, money, number_for, person

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import httpx

DETAILS: Final = frozenset(
    {"name", "organisation", "organisation_number", "email", "phone", "national_id"}
    | {"street", "postal_code", "city", "country"}
)

# Their word for an order -> ours, before the amounts are looked at. An unlisted one is UNCLEAR.
WORDS: Final[Mapping[str, Word]] = MappingProxyType(
    {
        "Pending": Word.PENDING,
        "Accepted": Word.AUTHORISED,
        "Reserved": Word.AUTHORISED,
        "PartiallyCaptured": Word.AUTHORISED,
        "FullyCaptured": Word.AUTHORISED,
        "PartiallyRefunded": Word.AUTHORISED,
        "FullyRefunded": Word.AUTHORISED,
        "Rejected": Word.DECLINED,
        "Cancelled": Word.VOIDED,
        "Expired": Word.EXPIRED,
    }
)
_SAY_CAPTURED: Final = ("Captured", "Refunded")  # how the words end that say so
_ALL_CAPTURED: Final = "FullyCaptured"
# So long after its time what was not captured is gone, whoever's clock is wrong.
_SURELY_OVER: Final = timedelta(hours=3)

# What they want done about a "no" -> the reason that we give the shop.
REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AskConsumerToConfirm": "address_to_confirm",
        "AskConsumerToReEnterData": "details_wrong",
        "RequiresSsn": "national_id_needed",
        "AskConsumerToIdentify": "identification_needed",
    }
)
# With these a request may have been done all the same: an unknown error, and a number that is
# taken, perhaps by ourselves.
NOT_REFUSED: Final = frozenset({"400.000", "400.100"})

MOST_PARTS: Final = 6  # requests that one refund may take
# A notice is acted on once and only makes us look: an old one does no harm, a dropped one is lost.
NOTICE_AGE_S: Final = 86_400

_NUMBER: Final = re.compile(r"[A-Za-z0-9_-]{1,50}")
_SIGNATURE: Final = re.compile(r"t=([0-9]{1,12}), ?v1=([0-9a-f]{64})")


class RivertyConfig(ProviderConfig):
    """One web shop in one country. A shop that sells in four has four, each with its own key.

    Attributes:
        api_key: Sent with every request.
        market: Country of the key: it decides the currency.
        notice_secret: What they sign webhooks with; they hand it over when they register the
            address that the shop gives them.
    """

    hosts: ClassVar = Hosts("https://api.bnpl.riverty.io", "https://api.bnpl-pt.riverty.io")

    name: Name = "riverty"
    api_key: Credential
    market: Literal["SE", "NO", "DK", "FI"]
    notice_secret: Credential


@dataclass(slots=True, eq=False)
class Riverty(RivertyLookups):
    """Riverty behind the contract, and what it can be asked besides."""

    config: RivertyConfig
    capabilities: Capabilities = field(init=False)

    def __post_init__(self) -> None:
        """Say what this key can do."""
        self.capabilities = Capabilities(
            operations=frozenset(Operation),
            can_be_asked=True,
            currencies=frozenset({CURRENCIES[self.config.market]}),
            repeat_s=dict.fromkeys(set(Operation) - {Operation.REFUND}, 3600),
            details=DETAILS,
        )

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Have the customer's credit checked, and send them to identify themselves if need be.

        Raises:
            NotSupported: If the currency or the method is not theirs.
            InvalidInput: If the reference, the amount or the number of lines is beyond their
                limits, or the customer has no name.
        """
        return careful(self._authorise(order), UNKNOWN)

    def status(self, ask: Ask) -> Exchange[Standing]:
        """Say how the order stands now."""
        return careful(self._look(ask), unclear(ask))

    def capture(self, order: Modification) -> Exchange[Result]:
        """Take some or all of what is reserved: the customer gets an invoice for it."""
        return careful(self._capture(order), UNKNOWN)

    def void(self, order: Modification) -> Exchange[Result]:
        """Release what is reserved and not captured."""
        return careful(self._void(order), UNKNOWN)

    def refund(self, order: Modification) -> Exchange[Result]:
        """Give captured money back: a look at the captures, then a request for each it is of."""
        return careful(self._refund(order), UNKNOWN)

    def read_notices(self, webhook: Webhook) -> tuple[Notice, ...]:
        """Verify the signature over the time and the raw bytes, then parse.

        Raises:
            UntrustedNotice: If it is not proven genuine, too old, or not readable.
        """
        signature = _SIGNATURE.fullmatch(header(webhook.headers, "riverty-signature"))
        if signature is None:
            raise UntrustedNotice("no readable signature")
        moment, given = signature.groups()
        content = f"{moment}.".encode() + webhook.body
        require_same(hmac_hex(self.config.notice_secret, content), given)
        require_recent(int(moment), webhook.now_s, age_s=NOTICE_AGE_S)
        match json_of(webhook.body):
            case {
                "Header": {"MessageId": str(event), "MessageName": str(kind)},
                "Body": {"OrderNumber": str(number)},
            }:
                return (Notice(id=event, merchant_reference=number, kind=kind),)
            case {"Header": {"MessageId": str()}}:
                return ()  # about something that has no order
            case _:
                raise UntrustedNotice("signed, but not readable as a notice")

    # Steps and requests ---------------------------------------------------------------------------

    def _authorise(self, order: Authorise) -> Exchange[Result]:
        self.capabilities.require(Operation.AUTHORISE, order.amount.currency)
        if order.method not in METHODS:
            raise NotSupported(f"{self.name} knows {', '.join(METHODS)}", field="method")
        if order.amount.minor <= 0:
            raise InvalidInput("must be above zero", field="amount")
        number = _number(order)
        body = {
            "payment": {"type": METHODS[order.method]},
            "customer": person(order),
            "order": {"number": number, **bill(order.amount, order.lines, number)},
            "merchantUrl": order.return_url,
        }
        response = yield self.call(path("checkout", "authorize"), body, order.key)
        match response.status_code, body_of(response):
            case 200, dict(answer):
                return _authorised(answer)
            case _:
                return _not_done(response)

    def _look(self, ask: Ask) -> Exchange[Standing]:
        order = yield from self._order(ask)
        if order is None:
            return Standing.nothing(Word.NOT_FOUND, ask.amount.currency)
        return _standing(order, ask)

    def _capture(self, order: Modification) -> Exchange[Result]:
        self.capabilities.require(Operation.CAPTURE, order.amount.currency)
        body = {
            "orderDetails": bill(order.amount, order.lines, order.merchant_reference),
            "invoiceNumber": number_for(order.key),
            "transactionReference": order.key,
        }
        response = yield self.call(_orders(order, "captures"), body, order.key)
        must = {
            "capturedAmount": order.amount.minor,
            "authorizedAmount": order.books.authorised,
            "remainingAuthorizedAmount": (order.books.capturable - order.amount).minor,
        }
        return _modified(response, order, must)

    def _void(self, order: Modification) -> Exchange[Result]:
        self.capabilities.require(Operation.VOID, order.amount.currency)
        response = yield self.call(_orders(order, "voids"), {}, order.key)
        must = {
            "totalAuthorizedAmount": order.books.authorised,
            "totalCapturedAmount": order.books.captured,
            "remainingAuthorizedAmount": 0,
        }
        return _modified(response, order, must)

    def _refund(self, order: Modification) -> Exchange[Result]:
        self.capabilities.require(Operation.REFUND, order.amount.currency)
        found = yield from careful(self._order(order), None)
        if found is None:
            return Result(outcome=Outcome.REFUSED, reason="look_up_failed")  # nothing was asked for
        parts = _spread(order.amount, _free(found, order.amount.currency))
        if not 0 < len(parts) <= MOST_PARTS:
            reason = "too_many_captures" if parts else "amount_too_high"
            return Result(outcome=Outcome.REFUSED, reason=reason)
        is_whole = len(parts) == 1  # only then is our key the name of all of it
        result, given = UNKNOWN, order.books.refunded
        for place, (capture, amount) in enumerate(parts):
            key = order.key if is_whole else f"{order.key}_{place}"
            lines = order.lines if is_whole else ()
            items = bill(amount, lines, order.merchant_reference)["items"]
            body = {
                "captureNumber": capture,
                "orderItems": items,
                "items": items,
                "refundType": "Refund",
                "creditNoteNumber": number_for(key),
                "transactionReference": key,
            }
            response = yield self.call(_orders(order, "refunds"), body, key)
            given += amount.minor
            must = {"totalCapturedAmount": order.books.captured, "totalRefundedAmount": given}
            result = _modified(response, order, must)
            if result.outcome is not Outcome.SUCCEEDED:
                return UNKNOWN if place else result
        return result

    def _order(self, asked: Ask | Modification) -> Exchange[dict[str, object] | None]:
        """Look an order up, and see that it is ours; None if they have none of that number."""
        response = yield self.call(_orders(asked))
        match response.status_code, body_of(response):
            case 200, {
                "orderDetails": {
                    "orderNumber": str(number),
                    "totalGrossAmount": gross,
                    "currency": currency,
                }
            } as order:
                whole = money(gross, currency)
            case (404, [{"code": str()}, *_]) | (400, [{"code": "400.115"}]):
                return None
            case _:
                raise Unreadable("not an order")
        if number.lower() != asked.merchant_reference.lower():
            raise Contradiction("the answer is about another order")
        if whole != (ours := whole_of(asked)):
            raise Contradiction(f"asked about {ours}, and the answer is about another amount")
        return cast("dict[str, object]", order)

    def call(self, where: str, body: object = None, key: str = "") -> httpx.Request:
        """A request. What only asks has no key."""
        headers = {"x-auth-key": self.config.api_key.reveal()}
        if key:
            headers["x-idempotency-key"] = key
        url = f"{self.config.base_url}/api/v3{where}"
        return request("GET" if body is None else "POST", url, headers=headers, body=body)


def _number(asked: Authorise | Ask | Modification) -> str:
    if not _NUMBER.fullmatch(asked.merchant_reference):
        raise InvalidInput(
            "must be 1 to 50 letters, digits, underscores and hyphens", field="merchant_reference"
        )
    return asked.merchant_reference


def _orders(asked: Ask | Modification, *parts: str) -> str:
    return path("orders", _number(asked), *parts)


# Answers ------------------------------------------------------------------------------------------


def _authorised(answer: Mapping[str, object]) -> Result:
    """Read the answer to an authorisation. A word that we do not know is pending."""
    match answer.get("outcome"):
        case "Accepted":
            return Result(
                outcome=Outcome.SUCCEEDED,
                provider_reference=reference_of(
                    answer.get("reservationId") or answer.get("checkoutId")
                ),
                valid_until=time_or_none(answer.get("expirationDate")),
            )
        case "Rejected":
            messages = answer.get("riskCheckMessages")
            reason = _reason(messages if isinstance(messages, list) else [])
            return Result(outcome=Outcome.DECLINED, reason=reason or "declined")
        case str():
            page = answer.get("redirectUrl") or answer.get("secureLoginUrl")
            action = None if page is None else Redirect(url=page_of(page))
            return Result(outcome=Outcome.PENDING, action=action)
        case _:
            raise Unreadable("no outcome")


def _reason(messages: Iterable[object]) -> str:
    """Why not, for the shop: what they advise to do, and never what they wrote."""
    for message in messages:
        match message:
            case {"actionCode": str(advice)} if advice in REASONS:
                return REASONS[advice]
    return ""


def _not_done(response: httpx.Response) -> Result:
    """An answer that is no success: refused if they say so, else anything is possible."""
    match response.status_code, body_of(response):
        case 401 | 403, {"message": str()}:
            return Result(outcome=Outcome.REFUSED, reason="unauthorised")
        case 400 | 404, [_, *_] as messages if all(map(_refuses, messages)):
            return Result(outcome=Outcome.REFUSED, reason=_reason(messages) or "invalid_request")
        case _:
            return UNKNOWN


def _refuses(message: object) -> bool:
    match message:
        case {"type": "BusinessError", "code": str(code)}:
            return code not in NOT_REFUSED
        case _:
            return False


def _modified(response: httpx.Response, order: Modification, must: Mapping[str, int]) -> Result:
    """Compare the sums of an answer with what they have to be now, in minor units.

    Raises:
        Contradiction: If another amount was captured than was asked.
    """
    match response.status_code, body_of(response):
        case 200, dict(answer):
            sums = {name: money(answer.get(name), order.amount.currency).minor for name in must}
        case _:
            return _not_done(response)
    if sums.get("capturedAmount", order.amount.minor) != order.amount.minor:
        raise Contradiction(f"asked for {order.amount}, and another amount is captured")
    return SUCCEEDED if sums == must else UNKNOWN


class _Part(NamedTuple):
    """A capture, or what was given back of one.

    Attributes:
        capture: Number of the capture.
        names: What it can be known by: our key, and a number that may be the one we gave it.
    """

    capture: str
    amount: Money
    names: tuple[object, ...]


def _list(answer: Mapping[str, object], name: str) -> list[dict[str, object]]:
    match answer.get(name):
        case None:
            return []
        case list(items) if all(isinstance(item, dict) for item in items):
            return items
        case _:
            raise Unreadable(f"{name} is no list")


def _parts(order: Mapping[str, object], kind: str, currency: str) -> list[_Part]:
    """The captures or the refunds of an order. What is given back they write below zero."""
    return [
        _Part(
            reference_of(item.get("captureNumber")),
            money(item.get("amount"), currency, sign=-1 if kind == "refund" else 1),
            (item.get("transactionReference"), item.get(f"{kind}Number")),
        )
        for item in _list(order, f"{kind}s")
    ]


def _free(order: Mapping[str, object], currency: str) -> Mapping[str, Money]:
    """What can still be given back, by the number of the capture."""
    parts = _parts(order, "capture", currency)
    parts += [item._replace(amount=-item.amount) for item in _parts(order, "refund", currency)]
    left: dict[str, Money] = {}
    for item in parts:
        left[item.capture] = left.get(item.capture, Money.zero(currency)) + item.amount
    return left


def _standing(order: Mapping[str, Any], ask: Ask) -> Standing:
    """How an order stands: its sums are believed over its word.

    Raises:
        Unreadable: If it is malformed.
        Contradiction: If the sums cannot be true.
    """
    details, whole, currency = order["orderDetails"], ask.amount, ask.amount.currency
    status, name = details.get("status"), details.get("orderId")
    captures, refunds = _parts(order, "capture", currency), _parts(order, "refund", currency)
    if not isinstance(status, str) or (status.endswith(_SAY_CAPTURED) and not captures):
        raise Unreadable("no status, or captured and without captures")
    word = WORDS.get(status, Word.UNCLEAR)
    captured = total((item.amount for item in captures), currency)
    voids = [
        money(item.get("cancellationAmount"), currency) for item in _list(order, "cancellations")
    ]
    voided = total(voids, currency)
    is_over = word in {Word.VOIDED, Word.EXPIRED}
    was_reserved = word is Word.AUTHORISED or captured.minor or voided.minor
    if is_over and ask.provider_reference is not None:
        was_reserved = True
    if word is Word.UNCLEAR or not was_reserved:
        reason = "declined" if word is Word.DECLINED else ""
        return Standing.nothing(word, currency, reason=reason)
    until = time_or_none(details.get("expirationDate"))
    is_late = until is not None and ask.at is not None and ask.at >= until + _SURELY_OVER
    if is_over:
        voided = max(whole - captured, Money.zero(currency))
    elif captured.minor and (status == _ALL_CAPTURED or is_late):
        # The word for what is captured hides that the rest of it ran out.
        voided = max(whole - captured, voided)
    if voided != whole:
        word = Word.AUTHORISED
    elif not is_over:
        word = Word.VOIDED
    known = [(name, item.amount) for item in captures + refunds for name in item.names]
    keys = [
        item.key
        for item in ask.earlier
        if (item.key, item.amount) in known or (number_for(item.key), item.amount) in known
    ]
    standing = Standing(
        word=word,
        authorised=whole,
        captured=captured,
        refunded=total((item.amount for item in refunds), currency),
        voided=voided,
        provider_reference=None if name is None else reference_of(name),
        valid_until=until,
        operations=tuple(Done(key=key, outcome=Outcome.SUCCEEDED) for key in keys),
    )
    require_possible(standing, whole)
    return standing


def _spread(amount: Money, free: Mapping[str, Money]) -> list[tuple[str, Money]]:
    """Of which captures to give an amount back: of one if it has that much, else of one by one.

    Nothing if all of them together have less.
    """
    for capture, left in free.items():
        if left >= amount:
            return [(capture, amount)]
    parts = []
    for capture, left in free.items():
        part = min(left, amount)
        if part.minor > 0:
            parts.append((capture, part))
            amount -= part
    return [] if amount.minor else parts
