"""QuickPay: Dankort and other cards, and the wallets behind QuickPay's payment window.

Source: the provider's documentation pages of API v10, its official clients and its shop modules,
read 2026-11. Its own machine-readable description was not to be had.

A payment is a list of operations, and how it stands is worked out from them; ``state`` says less
than it seems to. There are no idempotency keys, so nothing is ever sent twice. Instead each
capture, void and refund has a callback address with our key in it, which the provider shows again
with the operation: so its outcome is found by name, also after a lost answer. What is open in the
documentation is decided so that no money can be lost:

- Where the provider should not show that address, the amounts settle what happened.
- 50000 and 50300 (no contact with the acquirer) may have moved money, and so may a code that we do
  not know. While such an operation is the last one, or one is under way, the payment is unclear.
- 402, 409 and 429 are unknown, as is a create that is refused for its order id: it may be ours.
- Currencies without decimals are not documented: there is no ISK.
- The languages of the payment window are not listed: an Icelandic customer reads English.
- A declined attempt leaves the link open, and the customer may try again on it: that is pending. A
  "no" is final only once the link is gone, and a void before the customer paid removes it.
- An authorisation that ran out shows when something is asked of it, and not before.

Test cards work on the live account, and their payments say ``test_mode``. Unless the configuration
is for tests, such a payment is a contradiction: nobody has paid.

Not used: subscriptions and stored cards, ``renew``, ``synchronized`` (it waits for the acquirer),
fees that the provider adds, PayPal and Resurs (they want to know more about the customer).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from pydantic import Field, field_validator

from checkoutflow.errors import Contradiction, InvalidInput, NotSupported, UntrustedNotice
from checkoutflow.model import Frozen
from checkoutflow.money import Money
from checkoutflow.payment.capabilities import Capabilities
from checkoutflow.payment.outcomes import (
    Done,
    Operation,
    Outcome,
    Redirect,
    Result,
    Standing,
    Word,
)
from checkoutflow.privacy.secret import Secret, octets
from checkoutflow.providers.contract import (
    Ask,
    Authorise,
    Exchange,
    Modification,
    Notice,
    OrderLine,
    Webhook,
)
from checkoutflow.providers.http import (
    Unreadable,
    amount_of,
    base_url,
    body_of,
    json_of,
    page_of,
    path,
    reference_of,
    request,
)
from checkoutflow.providers.notices import header, require_same

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

API: Final = "https://api.quickpay.net"  # for tests and for production

CAPABILITIES: Final = Capabilities(
    operations=frozenset(Operation),
    can_be_asked=True,
    currencies=frozenset({"DKK", "SEK", "NOK", "EUR", "GBP", "USD"}),
    repeat_s=0,
)

# What a shop can name as ``provider_method``, one or several with commas between; underscores do
# for hyphens.
_NAMES: Final = {
    "cards": "creditcard 3d-creditcard dankort visa visa-electron mastercard mastercard-debet "
    "maestro american-express diners jcb fbg1886",
    "wallets": "mobilepay vipps swish apple-pay google-pay",
    "others": "klarna-payments viabill anyday trustly ideal sofort",
}
METHODS: Final = frozenset(name for names in _NAMES.values() for name in names.split())
SHORT: Final = MappingProxyType({"card": "creditcard", "klarna": "klarna-payments"})

LANGUAGES: Final[Mapping[str, str]] = MappingProxyType(
    {"da": "da", "sv": "sv", "nb": "no", "nn": "no", "fi": "fi"}
)

# ``qp_status_code`` of an operation that has ended -> our outcome, and why not. An unlisted one is
# UNKNOWN: we ask again, and in the end a person.
CODES: Final[Mapping[str, tuple[Outcome, str]]] = MappingProxyType(
    {
        "20000": (Outcome.SUCCEEDED, ""),
        "30100": (Outcome.DECLINED, "authentication_required"),
        "30101": (Outcome.DECLINED, "authentication_required"),
        "40000": (Outcome.DECLINED, "declined"),
        "40001": (Outcome.REFUSED, "invalid_request"),
        "40002": (Outcome.DECLINED, "authorisation_expired"),
        "40003": (Outcome.DECLINED, "cancelled"),
        "40300": (Outcome.DECLINED, "suspected_fraud"),
    }
)
_WAITING: Final = "20200"  # with this, and without any code, it has not ended

# Status codes that say that a request did nothing -> why.
REFUSALS: Final[Mapping[int, str]] = MappingProxyType(
    {
        400: "invalid_request",
        401: "unauthorised",
        403: "unauthorised",
        404: "payment_not_found",
        405: "invalid_request",
        406: "invalid_request",
        422: "invalid_request",
    }
)

# Their word for what we do, in addresses and as an operation's type.
_WORDS: Final = MappingProxyType(
    {Operation.CAPTURE: "capture", Operation.VOID: "cancel", Operation.REFUND: "refund"}
)
_MODIFYING: Final = frozenset(_WORDS.values())
_MOVING: Final = frozenset({"authorize", "capture", "refund"})

_ORDER_ID: Final = re.compile(r"[A-Za-z0-9 ._-]{4,20}")
_KEY: Final = re.compile(r"[?&]attempt=([a-z0-9-]{1,40})(?:&|$)")
_CREDENTIAL: Final = re.compile(r"[!-~]{1,500}")


class QuickPayConfig(Frozen):
    """One QuickPay account.

    Attributes:
        api_key: The key of the account's API user; that of the payment window's lacks rights.
        private_key: The account's private key, with which notices are signed.
        notice_url: Where notices are to be sent; it has no query. Each request carries it, and
            nothing has to be set in the provider's portal.
        is_test: Whether payments with test cards are taken for paid.
        base_url: Another host: a stand-in, or a proxy.
        name: The provider's name in settings, in the store and in notice addresses.
    """

    api_key: Secret
    private_key: Secret
    notice_url: str
    is_test: bool = False
    base_url: str = API
    name: str = Field(default="quickpay", pattern=r"^[a-z][a-z0-9_]{0,39}$")

    @field_validator("api_key", "private_key")
    @classmethod
    def _is_a_key(cls, secret: Secret) -> Secret:
        if not _CREDENTIAL.fullmatch(secret.reveal()):
            raise ValueError("must be 1 to 500 letters, digits and signs, without spaces")
        return secret

    @field_validator("base_url", "notice_url")
    @classmethod
    def _is_an_address(cls, address: str) -> str:
        try:
            return base_url(address)
        except InvalidInput as error:
            raise ValueError(error.problems[0][1]) from None


class _Operation(NamedTuple):
    """One operation on a payment.

    Attributes:
        number: Its place in the payment, from 1.
        kind: The provider's word for it.
        key: Our key; empty where it is not ours, or does not say.
        amount: Zero where it has none.
    """

    number: int
    kind: str
    key: str
    amount: Money
    is_running: bool
    outcome: Outcome
    reason: str


class _Payment(NamedTuple):
    """What an answer says about a payment, checked against what we asked about.

    Attributes:
        page: Where the customer can pay; None where there is no link.
    """

    id: str
    is_accepted: bool
    page: str | None
    operations: tuple[_Operation, ...]
    authorised: Money
    captured: Money
    refunded: Money
    is_released: bool
    is_expired: bool

    @property
    def voided(self) -> Money:
        """Released without being captured, by a cancel or by time."""
        rest = self.authorised - self.captured
        return rest if self.is_released else rest - rest

    @property
    def is_unclear(self) -> bool:
        """Whether money is on its way, or may have moved without the provider's knowing."""
        changes = [item for item in self.operations if item.kind in _MODIFYING]
        is_under_way = any(item.is_running for item in changes)
        return is_under_way or (bool(changes) and changes[-1].outcome is Outcome.UNKNOWN)

    @property
    def word(self) -> Word:
        """Where it stands. One without a link that was never tried cannot be paid by anyone."""
        if self.is_unclear:
            return Word.UNCLEAR
        if self.is_released and self.captured.is_zero:
            return Word.EXPIRED if self.is_expired else Word.VOIDED
        if not self.authorised.is_zero:
            is_sure = self.is_accepted or not self.captured.is_zero
            return Word.AUTHORISED if is_sure else Word.UNCLEAR
        if self.page is not None:
            return Word.PENDING
        if not self.operations:
            return Word.NOT_FOUND
        is_no = {item.outcome for item in self.operations} <= {Outcome.DECLINED, Outcome.REFUSED}
        return Word.DECLINED if is_no else Word.PENDING


@dataclass(frozen=True, slots=True)
class QuickPay:
    """QuickPay behind the contract."""

    config: QuickPayConfig
    capabilities: Capabilities = CAPABILITIES

    @property
    def name(self) -> str:
        """The name from the configuration."""
        return self.config.name

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Create a payment and a link to the window in which the customer pays.

        Raises:
            NotSupported: If the currency or the method is not theirs.
            InvalidInput: If the reference or the amount is beyond their limits, or a method that
                wants to see the order lines has none.
        """
        self.capabilities.require(Operation.AUTHORISE, order.amount.currency)
        creation, link = _creation(order), self._link(order)
        created = yield self._request("POST", "/payments", body=creation)
        match created.status_code, body_of(created):
            case 201, dict(answer):
                try:
                    number = _id_of(answer, order)
                except Unreadable:
                    return _UNKNOWN
            case 400 | 422, {"errors": {"order_id": _}}:
                return _UNKNOWN  # there is one already: it may be ours
            case _:
                return _not_done(created)
        linked = yield self._request("PUT", path("payments", number, "link"), body=link)
        match linked.status_code, body_of(linked):
            case 200, {"url": url}:
                try:
                    action = Redirect(url=page_of(url))
                except Unreadable:
                    return _UNKNOWN
                return Result(outcome=Outcome.PENDING, provider_reference=number, action=action)
            case _:
                return _not_done(linked)  # without a link nobody can pay

    def status(self, ask: Ask) -> Exchange[Standing]:
        """Say how the payment stands now."""
        currency = ask.amount.currency
        payment = yield from self._look(ask)
        if isinstance(payment, Word):
            return Standing.nothing(payment, currency)
        if payment.authorised not in {Money.zero(currency), ask.amount}:
            raise Contradiction(f"{payment.authorised} is authorised where {ask.amount} was asked")
        word = payment.word
        if word is Word.UNCLEAR:
            return Standing.nothing(word, currency)
        is_open = word is Word.PENDING and payment.page
        return Standing(
            word=word,
            authorised=payment.authorised,
            captured=payment.captured,
            refunded=payment.refunded,
            voided=payment.voided,
            provider_reference=payment.id,
            action=Redirect(url=is_open) if is_open else None,
            reason=payment.operations[-1].reason if word is Word.DECLINED else "",
            operations=tuple(
                Done(key=item.key, outcome=item.outcome)
                for item in payment.operations
                if item.kind in _MODIFYING and item.key and item.outcome is not Outcome.UNKNOWN
            ),
        )

    def capture(self, order: Modification) -> Exchange[Result]:
        """Take some or all of what is reserved."""
        return self._modify(Operation.CAPTURE, order)

    def void(self, order: Modification) -> Exchange[Result]:
        """Release what is reserved and not captured; before the customer paid, remove the link.

        Which of the two it has to be shows only when the payment is looked at first.
        """
        self.capabilities.require(Operation.VOID, order.amount.currency)
        payment = yield from self._look(order)
        if isinstance(payment, Word):
            return _UNKNOWN
        if payment.authorised.is_zero:
            return (yield from self._close(payment.id, order))
        if payment.voided == order.amount and not payment.is_unclear:
            return Result(outcome=Outcome.SUCCEEDED, provider_reference=payment.id)
        known = replace(order, provider_reference=payment.id)
        return (yield from self._modify(Operation.VOID, known))

    def refund(self, order: Modification) -> Exchange[Result]:
        """Give captured money back."""
        return self._modify(Operation.REFUND, order)

    def read_notices(self, webhook: Webhook) -> tuple[Notice, ...]:
        """Verify the checksum over the raw bytes, then parse.

        A notice is the whole payment and has no id of its own, so its bytes make one: a repeat that
        the provider has written anew only makes us look once more.

        Raises:
            UntrustedNotice: If it is not proven genuine, or not readable.
        """
        body = webhook.body
        key = octets(self.config.private_key.reveal())
        good = hmac.new(key, body, hashlib.sha256).hexdigest()
        require_same(good, header(webhook.headers, _CHECKSUM))
        match json_of(body):
            case {"id": int(number), "order_id": str(reference), **rest}:
                event = f"{number}-{hashlib.sha256(body).hexdigest()[:32]}"
                kind = rest.get("state")
                word = kind if isinstance(kind, str) else ""
                return (Notice(id=event, merchant_reference=reference, kind=word),)
            case _:
                raise UntrustedNotice("signed, but not readable as a notice")

    # Steps ----------------------------------------------------------------------------------------

    def _modify(self, operation: Operation, order: Modification) -> Exchange[Result]:
        """Ask for it; where it was only taken in, look once how it ended."""
        self.capabilities.require(operation, order.amount.currency)
        number = yield from self._find(order)
        if isinstance(number, Word):
            return _UNKNOWN
        where = path("payments", number, _WORDS[operation])
        body = {} if operation is Operation.VOID else {"amount": order.amount.minor}
        callback = {"quickpay-callback-url": f"{self.config.notice_url}?attempt={order.key}"}
        response = yield self._request("POST", where, callback, body)
        match response.status_code, body_of(response):
            case 200 | 202, dict(answer):
                try:
                    done = _ours(operation, order, self._payment(answer, order))
                except Unreadable:
                    return _UNKNOWN
            case _:
                return _not_done(response)
        if done.is_running:
            later = yield from self._look_at(number, order)
            if isinstance(later, _Payment):
                with suppress(Unreadable):
                    done = _ours(operation, order, later, done.number)
        if done.is_running and not done.key:
            return _UNKNOWN  # it has no name by which to see how it ends: the amounts must say
        return Result(outcome=done.outcome, provider_reference=number, reason=done.reason)

    def _close(self, number: str, order: Modification) -> Exchange[Result]:
        """Remove the link, and make sure that nobody has paid or is paying."""
        removed = yield self._request("DELETE", path("payments", number, "link"))
        if removed.status_code not in {204, 404}:
            return _not_done(removed)
        left = yield from self._look_at(number, order)
        if isinstance(left, Word) or left.page is not None or not left.authorised.is_zero:
            return _UNKNOWN
        if any(item.is_running for item in left.operations):
            return _UNKNOWN
        return Result(outcome=Outcome.SUCCEEDED, provider_reference=number)

    def _find(self, asked: Ask | Modification) -> Exchange[str | Word]:
        """Their number of a payment; a list knows it by our reference."""
        ours = _order_id(asked)
        if asked.provider_reference is not None:
            return asked.provider_reference
        response = yield self._request("GET", f"/payments?order_id={quote(ours, safe='')}")
        match response.status_code, body_of(response):
            case 200, []:
                return Word.NOT_FOUND
            case 200, [dict(item)]:
                with suppress(Unreadable):
                    return _id_of(item, asked)
        return Word.UNCLEAR

    def _look(self, asked: Ask | Modification) -> Exchange[_Payment | Word]:
        number = yield from self._find(asked)
        return number if isinstance(number, Word) else (yield from self._look_at(number, asked))

    def _look_at(self, number: str, asked: Ask | Modification) -> Exchange[_Payment | Word]:
        """The whole payment. One that they had and do not find is unclear: they delete none."""
        response = yield self._request("GET", path("payments", number))
        match response.status_code, body_of(response):
            case 200, dict(answer):
                with suppress(Unreadable):
                    return self._payment(answer, asked)
        return Word.UNCLEAR

    # Requests -------------------------------------------------------------------------------------

    def _request(
        self,
        method: str,
        where: str,
        headers: Mapping[str, str] = MappingProxyType({}),
        body: object = None,
    ) -> httpx.Request:
        credentials = b64encode(octets(f":{self.config.api_key.reveal()}")).decode()
        every = {"authorization": f"Basic {credentials}", "accept-version": "v10"}
        return request(
            method, f"{self.config.base_url}{where}", headers={**every, **headers}, body=body
        )

    def _link(self, order: Authorise) -> dict[str, object]:
        return {
            "amount": order.amount.minor,
            "continue_url": order.return_url,
            "cancel_url": order.return_url,
            "callback_url": self.config.notice_url,
            "language": LANGUAGES.get(order.locale.partition("_")[0], "en"),
            "payment_methods": _methods(order),
            "auto_capture": False,
            "auto_fee": False,  # the customer pays what they accepted, and no more
        }

    # Answers --------------------------------------------------------------------------------------

    def _payment(self, answer: Mapping[str, object], asked: Ask | Modification) -> _Payment:
        """Read a payment and compare it with what we asked about.

        Raises:
            Unreadable: If it is malformed.
            Contradiction: If it is about another payment or currency, was paid with a test card, or
                cannot be true.
        """
        number, currency = _id_of(answer, asked), asked.amount.currency
        if asked.provider_reference not in {None, number}:
            raise Contradiction("the answer is about another payment")
        if answer.get("test_mode") is True and not self.config.is_test:
            raise Contradiction("paid with a test card, and this is not a test")
        match answer:
            case {"accepted": bool(is_accepted), "operations": list(values)}:
                operations = [_operation(value, currency) for value in values]
            case _:
                raise Unreadable("not a payment")
        payment = _added_up(operations, Money.zero(currency))._replace(
            id=number, is_accepted=is_accepted, page=_page(answer.get("link"), asked)
        )
        balance, taken = answer.get("balance"), payment.captured - payment.refunded
        if balance not in (None, taken.minor) and not payment.is_unclear:
            raise Contradiction(f"the operations leave {taken} taken, and the balance is another")
        return payment


_CHECKSUM: Final = "quickpay-checksum-sha256"
_UNKNOWN: Final = Result(outcome=Outcome.UNKNOWN)


def _order_id(asked: Authorise | Ask | Modification) -> str:
    if not _ORDER_ID.fullmatch(asked.merchant_reference):
        raise InvalidInput(
            "must be 4 to 20 letters, digits, spaces, points, underscores and hyphens",
            field="merchant_reference",
        )
    return asked.merchant_reference


def _methods(order: Authorise) -> str:
    names = [name.strip().replace("_", "-") for name in order.method.split(",")]
    names = [SHORT.get(name, name) for name in names]
    if not METHODS.issuperset(names):
        raise NotSupported(f"QuickPay knows {', '.join(sorted(METHODS))}", field="method")
    if "klarna-payments" in names and not order.lines:
        raise InvalidInput("Klarna pays for whole orders only", field="lines")
    return ",".join(names)


def _creation(order: Authorise) -> dict[str, object]:
    if order.amount.minor <= 0:
        raise InvalidInput("must be above zero", field="amount")
    body: dict[str, object] = {"order_id": _order_id(order), "currency": order.amount.currency}
    if order.lines:
        # There is room for one delivery outside the basket; with several rates of VAT it has more.
        deliveries = [line for line in order.lines if line.kind == "delivery"]
        shipping = deliveries[0] if len(deliveries) == 1 else None
        body["basket"] = [_item(line) for line in order.lines if line is not shipping]
        if shipping is not None:
            body["shipping"] = {"amount": shipping.amount.minor, "vat_rate": _vat_rate(shipping)}
    return body


def _item(line: OrderLine) -> dict[str, object]:
    """A line of the basket: what cannot be priced by the piece is one piece."""
    is_odd = line.amount.minor % line.quantity
    pieces, name = (1, f"{line.quantity} × {line.name}") if is_odd else (line.quantity, line.name)
    return {
        "qty": pieces,
        "item_no": line.id,
        "item_name": name,
        "item_price": line.amount.minor // pieces,
        "vat_rate": _vat_rate(line),
    }


def _vat_rate(line: OrderLine) -> float:
    """As a fraction: 2550 is 0.255. Four decimals at most, so the same rate is the same bytes."""
    return line.vat_basis / 10_000


def _id_of(answer: Mapping[str, object], asked: Authorise | Ask | Modification) -> str:
    """Their number of the payment, once it is sure that it is ours.

    Raises:
        Unreadable: If it is no payment.
        Contradiction: If it is another one, or in another currency.
    """
    match answer:
        case {"id": int(number), "order_id": str(reference), "currency": str(currency)}:
            if reference != asked.merchant_reference:
                raise Contradiction("the answer is about another payment")
            if currency != asked.amount.currency:
                raise Contradiction(f"asked in {asked.amount.currency}, answered in another one")
            return reference_of(str(number))
        case _:
            raise Unreadable("not a payment")


def _operation(value: object, currency: str) -> _Operation:
    match value:
        case {"id": int(number), "type": str(kind), **rest}:
            code, minor = rest.get("qp_status_code"), rest.get("amount")
            callback = rest.get("callback_url")
        case _:
            raise Unreadable("not an operation")
    if not (code is None or isinstance(code, str)):
        raise Unreadable("not a status code")
    is_running = rest.get("pending") is not False or code is None or code == _WAITING
    outcome, reason = Outcome.PENDING, ""
    if not is_running:
        outcome, reason = CODES.get(code or "", (Outcome.UNKNOWN, ""))
    has_amount = minor is not None or kind in _MOVING
    key = _KEY.search(callback) if isinstance(callback, str) else None
    return _Operation(
        number=number,
        kind=kind,
        key=key[1] if key else "",
        amount=amount_of(minor, currency) if has_amount else Money.zero(currency),
        is_running=is_running,
        outcome=outcome,
        reason=reason,
    )


def _added_up(operations: list[_Operation], zero: Money) -> _Payment:
    """The sums of what was approved.

    Raises:
        Contradiction: If more is captured or refunded than was there.
    """
    authorised = captured = refunded = zero
    is_released = is_expired = False
    for item in operations:
        match item.kind, item.outcome, item.reason:
            case "authorize", Outcome.SUCCEEDED, _:
                authorised = authorised + item.amount
            case "capture", Outcome.SUCCEEDED, _:
                captured = captured + item.amount
                is_released = is_expired = False  # so it had not run out
            case "refund", Outcome.SUCCEEDED, _:
                refunded = refunded + item.amount
            case "cancel", Outcome.SUCCEEDED, _:
                is_released = True
            case "capture" | "cancel", _, "authorisation_expired":
                is_released = is_expired = True
    if captured > authorised or refunded > captured:
        raise Contradiction(
            f"of {authorised}, {captured} captured and {refunded} refunded cannot both be true"
        )
    return _Payment(
        id="",
        is_accepted=False,
        page=None,
        operations=tuple(operations),
        authorised=authorised,
        captured=captured,
        refunded=refunded,
        is_released=is_released,
        is_expired=is_expired,
    )


def _page(link: object, asked: Ask | Modification) -> str | None:
    """Where the customer can pay, if there is a link.

    Raises:
        Unreadable: If it is malformed.
        Contradiction: If it is for another amount than was asked.
    """
    match link:
        case None | {"url": None}:
            return None
        case {"url": url, **rest}:
            minor = rest.get("amount")
            if isinstance(asked, Ask) and minor not in (None, asked.amount.minor):
                raise Contradiction(f"asked for {asked.amount}, and the link is for another amount")
            return page_of(url)
        case _:
            raise Unreadable("not a link")


def _ours(
    operation: Operation, order: Modification, payment: _Payment, number: int | None = None
) -> _Operation:
    """Our operation in an answer: the newest one, and when looking again that number.

    Raises:
        Unreadable: If the newest one is none of ours.
        Contradiction: If it is about another amount; a void is about all that is not captured.
    """
    done = payment.operations[-1] if payment.operations else None
    if done is None or done.kind != _WORDS[operation] or done.key not in {"", order.key}:
        raise Unreadable("another operation")
    if number not in {None, done.number}:
        raise Unreadable("another operation")
    left = payment.authorised - payment.captured
    moved = left if operation is Operation.VOID else done.amount
    if moved != order.amount:
        raise Contradiction(f"asked for a {operation} of {order.amount}, got {moved}")
    return done


def _not_done(response: httpx.Response) -> Result:
    """An answer that is no payment: refused if they themselves say so, else anything is possible.

    Nothing is ever sent twice, so what they refuse was not done before either.
    """
    match response.status_code, body_of(response):
        case status, {"message": str()} if status in REFUSALS:
            return Result(outcome=Outcome.REFUSED, reason=REFUSALS[status])
        case _:
            return Result(outcome=Outcome.UNKNOWN)
