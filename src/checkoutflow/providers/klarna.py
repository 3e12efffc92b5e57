"""Klarna Payments on Klarna's own page, the orders that come of it, and customer tokens.

Source: the provider's OpenAPI files (payments, hosted payment page 1.1, order management, customer
token) and its developer pages, read 2026-08. What they leave open is decided so that no money can
be lost:

- A page on which the customer was turned down, went back or met an error stays open, so it is
  pending; voiding closes it. One that is gone (404) may have been paid on before: it is unclear.
- An authorisation whose answer was lost has shown its page to nobody, so the repeat is safe. A
  charge without an answer can be found by nothing but its repeat: so it is unclear, and has a
  method of its own.
- The idempotency key is kept for 24 hours; we repeat for 23. It ignores the body, so what a 201 or
  204 is worth is read from the order right afterwards.
- What is left of an order that is over is released, whatever its ``remaining_authorized_amount``
  says. So is what was stopped for suspected fraud.
- A token is given once, to the first look after the consent. Two looks at the same time can both
  ask for it, so the one that is refused is unclear.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import NAMESPACE_URL, uuid5

from pydantic import Field, field_validator

from checkoutflow.errors import Contradiction, InvalidInput, NotSupported, UntrustedNotice
from checkoutflow.money import Money
from checkoutflow.payment.capabilities import Capabilities, MandateTerms
from checkoutflow.payment.outcomes import (
    Done,
    Mandate,
    MandateWord,
    Operation,
    Outcome,
    Redirect,
    Result,
    Standing,
    Word,
)
from checkoutflow.privacy.secret import Secret, octets
from checkoutflow.providers.base import (
    UNKNOWN,
    Address,
    Configured,
    Credential,
    Hosts,
    Name,
    ProviderConfig,
    careful,
    careful_look,
    careful_mandate,
    is_shown,
    require_possible,
    whole_of,
)
from checkoutflow.providers.contract import (
    Agree,
    Ask,
    Authorise,
    Charge,
    Exchange,
    MandateAsk,
    Modification,
    Notice,
    OrderLine,
    Webhook,
)
from checkoutflow.providers.http import (
    Unreadable,
    amount_of,
    body_of,
    json_of,
    page_of,
    path,
    request,
    time_of,
)
from checkoutflow.providers.notices import address_for, payment_in
from checkoutflow.texts import language_of, mark, translate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import httpx

    _Asked = Authorise | Agree | Charge
    _Json = Mapping[str, object]


CURRENCIES: Final = {"DK": "DKK", "SE": "SEK", "NO": "NOK", "FI": "EUR"}
_LANGUAGES: Final = {"DK": "da en", "SE": "sv en", "NO": "nb en", "FI": "fi sv en"}

# What a shop can name as ``provider_method``: all that the customer can have (``klarna``), or one
# category of it.
_CATEGORIES: Final = "pay_now pay_later pay_over_time direct_debit direct_bank_transfer"
METHODS: Final = ("klarna", *_CATEGORIES.split())
MANDATE: Final = "mandate"  # the method of mandates, and of what is charged on them

# Their words for a page without an order, for an order and for suspected fraud -> ours. An unlisted
# word is unclear. Of an order, the sums are believed over the words.
_OPEN: Final = "WAITING IN_PROGRESS MANUAL_ID_CHECK BACK FAILED ERROR COMPLETED"
_OVER: Final = "CANCELLED DISABLED"
PAGES: Final[Mapping[str, Word]] = {
    **dict.fromkeys(_OPEN.split(), Word.PENDING),
    **dict.fromkeys(_OVER.split(), Word.DECLINED),
}
_PLACED: Final = "AUTHORIZED PART_CAPTURED CAPTURED CLOSED"
ORDERS: Final[Mapping[str, Word]] = dict.fromkeys(_PLACED.split(), Word.AUTHORISED) | {
    "CANCELLED": Word.VOIDED,
    "EXPIRED": Word.EXPIRED,
}
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

_KINDS: Final = {"digital": "digital", "delivery": "shipping_fee", "fee": "surcharge"}
# Our field -> theirs. Where somebody lives is sent only if it is in the market: to them the country
# of the address overrides that of the purchase.
_CONTACT: Final = {"organisation": "organization_name", "email": "email", "phone": "phone"}
_PLACE: Final = {"street": "street_address", "postal_code": "postal_code"}
_ADDRESS: Final = {**_PLACE, "city": "city", "country": "country"}
# Translators: The only line of an order of which something else is paid in another way.
_PART: Final = mark("Part of the order")
# Translators: What a customer allows when they agree that a shop takes later payments.
_PURPOSE: Final = mark("Later payments, as agreed with the shop")

CAPABILITIES: Final = Capabilities(
    operations=frozenset(Operation),
    can_be_asked=True,
    finds_by_ours=False,
    currencies=frozenset(CURRENCIES.values()),
    repeat_s=23 * 3600,
    mandates=MandateTerms(),
    details=frozenset({*_CONTACT, *_ADDRESS}),
)


class KlarnaConfig(ProviderConfig):
    """One account at the provider, for its European hosts.

    Attributes:
        username: Of the API credentials, from the provider's portal.
        password: Of the same; each environment and region has its own.
        notice_url: Where the shop takes in this provider's notices, over https. Each payment gets
            an address of its own there.
        notice_secret: What those addresses are proven with; the shop makes it up, at least 32
            characters. Changed, notices of payments under way are dropped until a look finds them.
    """

    hosts = Hosts("https://api.klarna.com", "https://api.playground.klarna.com")

    name: Name = "klarna"
    username: str = Field(pattern=r"^[!-9;-~]{1,100}$")
    password: Credential
    notice_url: Address
    notice_secret: Credential

    @field_validator("notice_secret")
    @classmethod
    def _cannot_be_guessed(cls, secret: Secret) -> Secret:
        if len(secret.reveal()) < 32:  # noqa: PLR2004 -- 128 bits, also if they are written in hex
            raise ValueError("must be at least 32 characters")
        return secret


@dataclass(slots=True, eq=False)
class Klarna(Configured):
    """Klarna behind the contract.

    Its reference of a payment is ``hpp:`` and the id of the page, and once an order came of it
    ``order:`` and the order's id. That of a mandate is ``mandate:``, the language and country of
    its page, the months between charges, and the page's id. A mandate's token is followed by those
    months: every charge has to say them again.
    """

    config: KlarnaConfig
    capabilities: Capabilities = CAPABILITIES

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Describe the purchase, and make a page that places the order when the customer agrees.

        Raises:
            NotSupported: If the method, the market or its currency is not one of theirs.
        """
        self._require(order, order.amount, METHODS)
        purchase = {**_cart(order, translate(_PART, order.locale)), "intent": "buy"}
        options = {"place_order_mode": "PLACE_ORDER"}
        if order.method != "klarna":
            options["payment_method_category"] = order.method.upper()
        return (yield from careful(self._offer(order, purchase, options, "hpp:")))

    def status(self, ask: Ask) -> Exchange[Standing]:
        """Read the page until an order came of it, then the order."""
        if ask.provider_reference is None:
            # Nobody was ever sent to the page, so nothing was paid there. A charge needs no page.
            word = Word.UNCLEAR if ask.method == MANDATE else Word.NOT_FOUND
            return Standing.nothing(word, ask.amount.currency)
        return (yield from careful_look(ask, self._look(ask)))

    def capture(self, order: Modification) -> Exchange[Result]:
        """Take some or all of what is reserved. The law allows it when the goods are sent."""
        return careful(self._modify(Operation.CAPTURE, order, "captures", "captured_amount"))

    def void(self, order: Modification) -> Exchange[Result]:
        """Close the page, cancel the order, or after a part capture release the rest.

        If more was captured than we know, they refuse, and nothing happens.
        """
        word = "release-remaining-authorization" if order.books.captured else "cancel"
        return careful(self._modify(Operation.VOID, order, word))

    def refund(self, order: Modification) -> Exchange[Result]:
        """Give captured money back."""
        return careful(self._modify(Operation.REFUND, order, "refunds", "refunded_amount"))

    def read_notices(self, webhook: Webhook) -> tuple[Notice, ...]:
        """Of a page, or of a decision about suspected fraud: a reason to look, nothing is signed.

        Raises:
            UntrustedNotice: If the address is not one that we gave out, or it is not readable.
        """
        payment = payment_in(webhook.query, self.config.notice_secret)
        match json_of(webhook.body):
            case {"event_id": str(event), "session": {"status": str(kind)}} if event:
                return (Notice(id=event, merchant_reference=payment, kind=kind),)
            case {"order_id": str(order), "event_type": str(kind)}:
                return (Notice(id=f"{order}-{kind}", merchant_reference=payment, kind=kind),)
            case _:
                raise UntrustedNotice("at the right address, but not readable as a notice")

    def agree(self, order: Agree) -> Exchange[Result]:
        """Make a page on which the customer agrees to later payments, and pays nothing yet.

        Raises:
            NotSupported: If the method, the market or its currency is not one of theirs, or a first
                payment is to be taken at once.
        """
        self._require(order, order.maximum, {MANDATE})
        if order.first is not None:
            raise NotSupported(f"{self.name} takes no payment with the consent", field="first")
        purchase = {**_cart(order, order.title, order.every_months), "intent": "tokenize"}
        kind = f"mandate:{_locale(order)}:{order.every_months}:"
        options = {"place_order_mode": "NONE"}
        return (yield from careful(self._offer(order, purchase, options, kind)))

    def mandate(self, ask: MandateAsk) -> Exchange[Mandate]:
        """Read the token; while there is none, the page, and fetch the token that comes of it."""
        if ask.token is None:
            return (yield from careful_mandate(self._consent(ask.provider_reference)))
        response = yield self._request("GET", _token_path(ask.token))
        match response.status_code, body_of(response):
            case 200, {"status": "ACTIVE"}:
                return Mandate(word=MandateWord.ACTIVE, token=ask.token)
            case 200, {"status": "CANCELLED"}:
                return Mandate(word=MandateWord.ENDED)
            case _:  # they may let a suspended one work again
                return Mandate(word=MandateWord.UNCLEAR)

    def charge(self, order: Charge) -> Exchange[Result]:
        """Place an order on a token. Like any other it is reserved, and captured later.

        Raises:
            NotSupported: If the method, the market or its currency is not one of theirs.
            InvalidInput: If there is no token.
        """
        self._require(order, order.amount, {MANDATE})
        if order.token is None:
            raise InvalidInput("a charge needs the mandate's token", field="token")
        months = int(order.token.reveal().partition(":")[2] or 0)
        body, where = _cart(order, order.title, months), _token_path(order.token, "order")
        response = yield self._request("POST", where, body, _key("charge", order))
        match response.status_code, body_of(response):
            case 200, {"order_id": str(name)} if _NAME.fullmatch(name):
                return Result(outcome=Outcome.PENDING, provider_reference=f"order:{name}")
            case _:
                return _not_done(response)

    def end_mandate(self, ask: MandateAsk) -> Exchange[Result]:
        """Cancel the token; before there is one, close the page."""
        if ask.token is None:
            return (yield from self._close((ask.provider_reference or "").rpartition(":")[2]))
        where = _token_path(ask.token, "status")
        response = yield self._request("PATCH", where, {"status": "CANCELLED"})
        if response.status_code != 202:  # noqa: PLR2004 -- accepted, and under way
            return _not_done(response)
        found = yield from self.mandate(ask)
        is_done = found.word is MandateWord.ENDED
        return Result(outcome=Outcome.SUCCEEDED if is_done else Outcome.PENDING)

    # Steps ----------------------------------------------------------------------------------------

    def _require(self, order: _Asked, amount: Money, methods: Iterable[str]) -> None:
        self.capabilities.require(Operation.AUTHORISE, amount.currency)
        if order.method not in methods:
            raise NotSupported(f"{self.name} knows {', '.join(methods)} here", field="method")
        if CURRENCIES.get(order.market) != amount.currency:
            sold = ", ".join(f"{market} in {currency}" for market, currency in CURRENCIES.items())
            raise NotSupported(f"{self.name} sells in {sold}", field="market")

    def _offer(
        self, order: Authorise | Agree, purchase: _Json, options: _Json, kind: str
    ) -> Exchange[Result]:
        """Describe a purchase, and make a page for it, which comes back to us however it ends."""
        config, reference = self.config, order.merchant_reference
        address = address_for(config.notice_url, config.notice_secret, reference)
        body = {**purchase, **_customer(order), "merchant_urls": {"notification": address}}
        response = yield self._request("POST", _PURCHASES, body)
        match response.status_code, body_of(response):
            case 200, {"session_id": name}:
                where = f"{config.base_url}{_PURCHASES}{path(_name(name))}"
            case _:
                return _not_done(response)
        endings = ("success", "cancel", "back", "failure", "error")
        page = {
            "payment_session_url": where,
            "merchant_urls": {**dict.fromkeys(endings, order.return_url), "status_update": address},
            "options": options,
        }
        response = yield self._request("POST", _PAGES, page)
        match response.status_code, body_of(response):
            case 201, {"session_id": name, "redirect_url": url, **more}:
                return Result(
                    outcome=Outcome.PENDING,
                    provider_reference=f"{kind}{_name(name)}",
                    action=Redirect(url=page_of(url)),
                    valid_until=time_of(end) if (end := more.get("expires_at")) else None,
                )
            case _:
                return _not_done(response)

    def _look(self, ask: Ask) -> Exchange[Standing]:
        """Read the order, through its page as long as we do not know it."""
        currency = ask.amount.currency
        match (ask.provider_reference or "").split(":", 1):
            case ["order", order]:
                return (yield from self._order(order, ask, ask.amount))
            case ["hpp", name]:
                word, page = yield from self._page(name)
            case _:
                raise Unreadable("not a reference of theirs")
        if "order_id" not in page:
            return Standing.nothing(word, currency)
        standing = yield from self._order(_name(page["order_id"]), ask, ask.amount)
        if standing.reason and standing.captured.is_zero:
            # Turned down for suspected fraud before we knew it as authorised.
            return Standing.nothing(Word.DECLINED, currency, reason=standing.reason)
        return standing

    def _modify(
        self, operation: Operation, order: Modification, word: str, amount: str = ""
    ) -> Exchange[Result]:
        """Ask for it, then read what the order says: the answer itself is empty."""
        self.capabilities.require(operation, order.amount.currency)
        match (order.provider_reference or "").split(":", 1):
            case ["hpp", page] if operation is Operation.VOID:
                return (yield from self._close(page))
            case ["order", name]:
                where = f"{_ORDERS}{path(name, word)}"
            case _:
                raise InvalidInput("must be that of an order", field="provider_reference")
        body: dict[str, object] | None = None
        if amount:  # our key is their reference, by which it can be told from others
            body = {amount: order.amount.minor, "reference": order.key}
            if order.lines:
                body["order_lines"] = [_line(line) for line in order.lines]
        response = yield self._request("POST", where, body, _key(operation, order))
        if response.status_code not in {201, 204}:
            return _not_done(response)
        standing = yield from self._order(name, order, whole_of(order))
        is_done = is_shown(operation, order, standing)
        return Result(outcome=Outcome.SUCCEEDED) if is_done else UNKNOWN

    def _close(self, page: str) -> Exchange[Result]:
        """Disable a page for good. Otherwise the customer may have been faster: we look."""
        response = yield self._request("DELETE", f"{_PAGES}{path(page)}")
        is_closed = response.status_code == 204  # noqa: PLR2004 -- no content
        return Result(outcome=Outcome.SUCCEEDED) if is_closed else UNKNOWN

    def _page(self, name: str) -> Exchange[tuple[Word, dict[object, object]]]:
        """Read how a page stands, and what else it says."""
        response = yield self._request("GET", f"{_PAGES}{path(name)}")
        match response.status_code, body_of(response):
            case 200, {"session_id": str(theirs), "status": str(word), **more}:
                if theirs != name:
                    raise Contradiction("the answer is about another page")
                return PAGES.get(word, Word.UNCLEAR), more
            case _:
                raise Unreadable("not a page")

    def _order(self, name: str, asked: Ask | Modification, whole: Money) -> Exchange[Standing]:
        """Read an order, and compare it with what we asked about."""
        response = yield self._request("GET", f"{_ORDERS}{path(name)}")
        return _standing(response, name, asked.merchant_reference, whole)

    def _consent(self, reference: str | None) -> Exchange[Mandate]:
        """Read the page of a mandate, and make a token of what the customer has agreed to there."""
        match (reference or "").split(":", 3):
            case ["mandate", locale, months, name]:
                word, page = yield from self._page(name)
            case _:  # nobody was ever sent to a page
                return Mandate(word=MandateWord.NOT_FOUND)
        if word is not Word.PENDING or "authorization_token" not in page:
            return Mandate(word=MandateWord(word.value))
        given = _name(page["authorization_token"])
        body = {
            "purchase_country": locale[-2:],
            "purchase_currency": CURRENCIES[locale[-2:]],
            "locale": locale,
            "description": translate(_PURPOSE, locale.replace("-", "_")),
            "intended_use": "SUBSCRIPTION",
        }
        where = path("payments", "v1", "authorizations", given, "customer-token")
        response = yield self._request("POST", where, body)
        match response.status_code, body_of(response):
            case 200, {"token_id": token}:
                return Mandate(word=MandateWord.ACTIVE, token=Secret(f"{_name(token)}:{months}"))
            case _:  # also a refusal: another look, at the same time, may have the token
                return Mandate(word=MandateWord.UNCLEAR)

    def _request(
        self, method: str, where: str, body: object = None, key: str = ""
    ) -> httpx.Request:
        credentials = octets(f"{self.config.username}:{self.config.password.reveal()}")
        headers = {"authorization": f"Basic {b64encode(credentials).decode()}"}
        if key:
            headers["klarna-idempotency-key"] = key
        return request(method, f"{self.config.base_url}{where}", headers=headers, body=body)


# Requests -----------------------------------------------------------------------------------------

_PURCHASES: Final = "/payments/v1/sessions"
_PAGES: Final = "/hpp/v1/sessions"
_ORDERS: Final = "/ordermanagement/v1/orders"


def _key(operation: str, order: Modification | Charge) -> str:
    """The idempotency key in the form that they recommend."""
    return str(uuid5(NAMESPACE_URL, f"{operation}:{order.merchant_reference}:{order.key}"))


def _token_path(token: Secret, *more: str) -> str:
    return path("customer-token", "v1", "tokens", token.reveal().partition(":")[0], *more)


def _locale(order: Authorise | Agree) -> str:
    language = language_of(order.locale).replace("nn", "nb")
    is_theirs = language in _LANGUAGES[order.market].split()
    return f"{language if is_theirs else 'en'}-{order.market}"


def _customer(order: Authorise | Agree) -> dict[str, object]:
    is_here = order.details.get("country") == order.market
    fields = {**_CONTACT, **_ADDRESS} if is_here else _CONTACT
    contact = {
        theirs: value
        for ours, theirs in fields.items()
        if 0 < len(value := order.details.get(ours, "")) <= (10 if ours == "postal_code" else 99)
    }
    return {
        "purchase_country": order.market,
        "locale": _locale(order),
        "customer": {"type": "organization" if order.customer == "business" else "person"},
        **({"billing_address": contact} if contact else {}),
    }


def _cart(order: _Asked, title: str, months: int = 0) -> dict[str, object]:
    """What is bought. They want at least one line; of a part of an order the VAT is not known."""
    amount = Money.zero(order.maximum.currency) if isinstance(order, Agree) else order.amount
    lines = () if isinstance(order, Agree) else order.lines
    whole = OrderLine("whole", title, 1, amount, vat_basis=0, vat=Money.zero(amount.currency))
    shown = [_line(line) for line in lines or (whole,)]
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
    """A line whose price times its quantity is its amount; else it is one of so many things."""
    unit, odd = divmod(line.amount.minor, line.quantity)
    name = f"{line.quantity} \N{MULTIPLICATION SIGN} {line.name}" if odd else line.name
    return {
        "type": _KINDS.get(line.kind, "physical"),
        "reference": line.id[:TEXT],
        "name": name[:TEXT],
        "quantity": 1 if odd else line.quantity,
        "unit_price": line.amount.minor if odd else unit,
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

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,99}")


def _name(value: object) -> str:
    """Their name for something, as it goes into an address and a reference."""
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    raise Unreadable("not a name")


def _not_done(response: httpx.Response) -> Result:
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


def _standing(
    response: httpx.Response, name: str, merchant_reference: str, whole: Money
) -> Standing:
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
    if (theirs, ours) != (name, merchant_reference):
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
    )
    require_possible(standing, whole)
    if FRAUD[fraud] is Word.PENDING and left == authorised:  # it is still examined
        return Standing.nothing(Word.PENDING, whole.currency, provider_reference=reference)
    return standing


def _done(answer: Mapping[object, object]) -> Iterator[Done]:
    """Captures and refunds that carry a reference: ours are our keys."""
    for kind in ("captures", "refunds"):
        listed = answer.get(kind)
        for item in listed if isinstance(listed, list) else []:
            match item:
                case {"reference": str(key)} if key:
                    yield Done(key=key, outcome=Outcome.SUCCEEDED)
