"""QuickPay: Dankort and other cards, and the wallets behind QuickPay's payment window.

Source: the provider's documentation pages of API v10, its official clients and its shop modules,
read 2026-11. Its own machine-readable description was not to be had.

A payment is a list of operations, and how it stands is worked out from them; ``state`` says less
than it seems to. There are no idempotency keys, so nothing is ever sent twice. Instead each charge,
capture, void and refund has a callback address with our key in it, which the provider shows again
with the operation: so its outcome is found by name, also after a lost answer. What is open in the
documentation is decided so that no money can be lost:

- Where the provider should not show that address, a look-up settles by the amounts what happened.
- 50000 and 50300 (no contact with the acquirer) may have moved money, and so may a code that we do
  not know. While such an operation is the last one, or one is under way, the payment is unclear.
- 402, 409 and 429 are unknown, as is a create that is refused for its order id: it may be ours.
- Currencies without decimals are not documented: there is no ISK.
- The languages of the payment window are not listed: an Icelandic customer reads English.
- A declined attempt leaves the link open, and the customer may try again on it: that is pending. A
  "no" is final only once the link is gone, and a void before the customer paid removes it.
- An authorisation that ran out shows when something is asked of it, and not before.

A mandate is a subscription: the customer gives a card in the window, and nothing is reserved. A
charge takes the subscription's currency, so our names for it carry that. The amount of its link is
the most that a charge will be, since not all acquirers take 0. Which wallets can give a mandate is
not listed, and one of them collects by itself: cards only.

Test cards work on the live account, and their payments say ``test_mode``. Unless the configuration
is for tests, such a payment is a contradiction: nobody has paid.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple
from urllib.parse import quote

import httpx

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
    Risk,
    Standing,
    Word,
)
from checkoutflow.privacy.secret import Secret, octets
from checkoutflow.providers.base import (
    SUCCEEDED,
    UNCLEAR_MANDATE,
    UNKNOWN,
    Address,
    Configured,
    Credential,
    Hosts,
    Level,
    Name,
    ProviderConfig,
    careful,
    is_shown,
    require_possible,
    risk_of,
    unclear,
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
    reference_of,
    request,
)
from checkoutflow.providers.lines import by_piece
from checkoutflow.providers.notices import header, hmac_hex, require_same
from checkoutflow.texts import language_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    _Question = Ask | Modification | MandateAsk

API: Final = "https://api.quickpay.net"  # for tests and for production

CAPABILITIES: Final = Capabilities(
    operations=frozenset(Operation),
    can_be_asked=True,
    currencies=frozenset({"DKK", "SEK", "NOK", "EUR", "GBP", "USD"}),
    repeat_s=0,
    mandates=MandateTerms(),
)

# What a shop can name as ``provider_method``, one or several with commas between; underscores do
# for hyphens. Mandates are given on cards.
_CARDS: Final = (
    "creditcard 3d-creditcard dankort visa visa-electron mastercard mastercard-debet maestro "
    "american-express diners jcb fbg1886"
)
_OTHERS: Final = (
    "mobilepay vipps swish apple-pay google-pay klarna-payments viabill anyday trustly ideal sofort"
)
CARDS: Final = frozenset(_CARDS.split())
METHODS: Final = CARDS | frozenset(_OTHERS.split())
SHORT: Final = MappingProxyType({"card": "creditcard", "klarna": "klarna-payments"})

LANGUAGES: Final = MappingProxyType({"da": "da", "sv": "sv", "nb": "no", "nn": "no", "fi": "fi"})

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
        "41000": (Outcome.REFUSED, "mandate_not_active"),
        "42300": (Outcome.REFUSED, "mandate_not_active"),
    }
)
_WAITING: Final = "20200"  # with this, and without any code, it has not ended
_NO: Final = frozenset({Outcome.DECLINED, Outcome.REFUSED})
_OPEN: Final = frozenset({Outcome.PENDING, Outcome.UNKNOWN})

# Status codes that say that a request did nothing -> why.
REFUSALS: Final[Mapping[int, str]] = MappingProxyType(
    {401: "unauthorised", 403: "unauthorised", 404: "payment_not_found"}
    | dict.fromkeys((400, 405, 406, 422), "invalid_request")
)
_TAKEN_IN: Final = frozenset({200, 202})

# What we ask of a payment that the customer is not asked about -> their word for it, in addresses
# and as an operation's type.
_WORDS: Final = MappingProxyType(
    {
        Operation.AUTHORISE: "recurring",
        Operation.CAPTURE: "capture",
        Operation.VOID: "cancel",
        Operation.REFUND: "refund",
    }
)
# Words after which nothing can be charged any more; without a link nobody can give a mandate.
_OVER: Final = frozenset({MandateWord.ENDED, MandateWord.DECLINED, MandateWord.NOT_FOUND})
_CHANGES: Final = frozenset({"capture", "cancel", "refund"})
_CONSENTS: Final = frozenset({"authorize", "subscribe"})
_PAYMENTS: Final = "payments"
_SUBSCRIPTIONS: Final = "subscriptions"

# Spaces, points and underscores are taken too, but not with Swish.
_ORDER_ID: Final = re.compile(r"[A-Za-z0-9-]{4,20}")
_KEY: Final = re.compile(r"[?&]attempt=([a-z0-9-]{1,40})(?:&|$)")


class QuickPayConfig(ProviderConfig):
    """One QuickPay account. There is one host, for tests as well.

    Attributes:
        api_key: The key of the account's API user; that of the payment window's lacks rights.
        private_key: The account's private key, with which notices are signed.
        notice_url: Where notices are to be sent; it has no query. Each request carries it, and
            nothing has to be set in the provider's portal.
        is_test: Whether payments with test cards are taken for paid.
    """

    hosts: ClassVar[Hosts] = Hosts(API, API)

    name: Name = "quickpay"
    api_key: Credential
    private_key: Credential
    notice_url: Address


class _Operation(NamedTuple):
    """One operation under their word for it; the key is empty where it is not ours."""

    kind: str
    key: str
    amount: Money | None
    outcome: Outcome
    reason: str


class _Seen(NamedTuple):
    """A payment or a subscription, checked against what we asked about."""

    number: str
    currency: str
    is_accepted: bool
    operations: list[_Operation]
    page: Redirect | None  # where the customer can decide
    balance: object
    risk: Risk | None


@dataclass(slots=True, eq=False)
class QuickPay(Configured):
    """QuickPay behind the contract."""

    config: QuickPayConfig
    capabilities: Capabilities = CAPABILITIES

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Create a payment and a link to the window in which the customer pays.

        Raises:
            NotSupported: If the currency or the method is not theirs.
            InvalidInput: If the reference or the amount is beyond their limits, or a method that
                wants to see the order lines has none.
        """
        self.capabilities.require(Operation.AUTHORISE, order.amount.currency)
        names = _methods(order.method, METHODS)
        if "klarna-payments" in names and not order.lines:
            raise InvalidInput("Klarna pays for whole orders only", field="lines")
        opening = self._open(_PAYMENTS, order, order.amount, names, _basket(order.lines))
        return (yield from careful(opening, UNKNOWN))

    def status(self, ask: Ask) -> Exchange[Standing]:
        """Say how the payment stands now."""
        return careful(self._standing(ask), unclear(ask))

    def capture(self, order: Modification) -> Exchange[Result]:
        """Take some or all of what is reserved."""
        return careful(self._modify(Operation.CAPTURE, order), UNKNOWN)

    def void(self, order: Modification) -> Exchange[Result]:
        """Release what is reserved and not captured; before the customer paid, remove the link.

        Which of the two it has to be shows only when the payment is looked at first.
        """
        return careful(self._modify(Operation.VOID, order), UNKNOWN)

    def refund(self, order: Modification) -> Exchange[Result]:
        """Give captured money back."""
        return careful(self._modify(Operation.REFUND, order), UNKNOWN)

    def agree(self, order: Agree) -> Exchange[Result]:
        """Create a subscription and a link to the window in which the customer gives a card.

        Raises:
            NotSupported: If the currency or the method is not theirs, or it is not for cards, or a
                first payment is wanted: that is a charge, once the mandate is given.
            InvalidInput: If the reference or the amount is beyond their limits.
        """
        self.capabilities.require(Operation.AUTHORISE, order.maximum.currency)
        if order.first is not None:
            raise NotSupported("QuickPay takes no payment with the consent", field="first")
        unscheduled = {} if order.every_months else {"unscheduled": True}
        terms = {"description": order.title, **unscheduled}
        names = _methods(order.method, CARDS)
        opening = self._open(_SUBSCRIPTIONS, order, order.maximum, names, terms)
        return (yield from careful(opening, UNKNOWN))

    def mandate(self, ask: MandateAsk) -> Exchange[Mandate]:
        """Say how the subscription stands now.

        Its token is the provider's number for it, which opens nothing without the API key.
        """
        return careful(self._mandate(ask), UNCLEAR_MANDATE)

    def charge(self, order: Charge) -> Exchange[Result]:
        """Take a payment on a mandate.

        Raises:
            InvalidInput: If there is no token, or the mandate is in another currency.
        """
        self.capabilities.require(Operation.AUTHORISE, order.amount.currency)
        number, _, currency = (order.token.reveal() if order.token else "").partition(":")
        if currency != order.amount.currency:
            raise InvalidInput("charge in the currency of a mandate that was given", field="token")
        body = {
            "order_id": _order_id(order.merchant_reference),
            "amount": _positive(order.amount),
            "auto_capture": False,
            "autofee": False,
        }
        where = path(_SUBSCRIPTIONS, number, _WORDS[Operation.AUTHORISE])
        return (yield from careful(self._operate(Operation.AUTHORISE, order, where, body), UNKNOWN))

    def end_mandate(self, ask: MandateAsk) -> Exchange[Result]:
        """Cancel the subscription; before the customer decided, remove the link."""
        return careful(self._end(ask), UNKNOWN)

    def read_notices(self, webhook: Webhook) -> tuple[Notice, ...]:
        """Verify the checksum over the raw bytes, then parse.

        A notice is the whole payment, or the whole subscription, and has no id of its own, so its
        bytes make one: a repeat that the provider has written anew only makes us look once more.

        Raises:
            UntrustedNotice: If it is not proven genuine, or not readable.
        """
        body = webhook.body
        given = header(webhook.headers, "quickpay-checksum-sha256")
        require_same(hmac_hex(self.config.private_key, body), given)
        match json_of(body):
            case {"id": int(number), "order_id": str(reference), **rest}:
                event = f"{number}-{hashlib.sha256(body).hexdigest()[:32]}"
                state = rest.get("state")
                kind = state if isinstance(state, str) else ""
                return (Notice(id=event, merchant_reference=reference, kind=kind),)
            case _:
                raise UntrustedNotice("signed, but not readable as a notice")

    # Steps ----------------------------------------------------------------------------------------

    def _open(
        self,
        what: str,
        order: Authorise | Agree,
        amount: Money,
        names: list[str],
        more: Mapping[str, object],
    ) -> Exchange[Result]:
        """Create something, and a link to the window in which the customer decides about it."""
        ours = _order_id(order.merchant_reference)
        link = {
            "amount": _positive(amount),
            "continue_url": order.return_url,
            "cancel_url": order.return_url,
            "callback_url": self.config.notice_url,
            "language": LANGUAGES.get(language_of(order.locale), "en"),
            "payment_methods": ",".join(names),
            "auto_capture": False,
            "auto_fee": False,  # the customer pays what they accepted, and no more
        }
        creation = {"order_id": ours, "currency": amount.currency, **more}
        created = yield self._request("POST", path(what), creation)
        if created.status_code != httpx.codes.CREATED:
            return _not_done(created)
        number, _ = _named(body_of(created), ours, amount.currency)
        linked = yield self._request("PUT", path(what, number, "link"), link)
        match linked.status_code, body_of(linked):
            case 200, {"url": url}:
                action = Redirect(url=page_of(url))
                return Result(outcome=Outcome.PENDING, provider_reference=number, action=action)
            case _:
                return _not_done(linked)  # without a link nobody can decide

    def _standing(self, ask: Ask) -> Exchange[Standing]:
        number = yield from self._find(_PAYMENTS, ask)
        if number is None:
            return Standing.nothing(Word.NOT_FOUND, ask.amount.currency)
        standing = yield from self._look(number, ask)
        if standing.word is Word.UNCLEAR:
            raise Unreadable("not settled")
        return standing

    def _modify(self, operation: Operation, order: Modification) -> Exchange[Result]:
        """Find the payment, and do what its state asks for."""
        self.capabilities.require(operation, order.amount.currency)
        number = yield from self._find(_PAYMENTS, order)
        if number is None:
            return UNKNOWN
        body: dict[str, object] = {"amount": order.amount.minor}
        if operation is Operation.VOID:
            standing = yield from self._look(number, order)
            if standing.authorised.is_zero:
                return (yield from self._close(number, order))
            if standing.word is not Word.UNCLEAR and is_shown(operation, order, standing):
                return Result(outcome=Outcome.SUCCEEDED, provider_reference=number)
            body = {}
        where = path(_PAYMENTS, number, _WORDS[operation])
        return (yield from self._operate(operation, order, where, body))

    def _operate(
        self,
        operation: Operation,
        order: Modification | Charge,
        where: str,
        body: Mapping[str, object],
    ) -> Exchange[Result]:
        """Ask for it; where the answer does not say how it ended, look once."""
        response = yield self._request("POST", where, body, order.key)
        if response.status_code not in _TAKEN_IN:
            return _not_done(response)
        result = self._result(operation, order, response)
        if result.outcome in _OPEN and result.provider_reference:
            with suppress(Unreadable):
                later = yield self._request("GET", path(_PAYMENTS, result.provider_reference))
                result = self._result(operation, order, later)
        return result

    def _close(self, number: str, order: Modification) -> Exchange[Result]:
        """Remove the link, and make sure that nobody has paid or is paying."""
        removed = yield self._request("DELETE", path(_PAYMENTS, number, "link"))
        if removed.status_code not in {204, 404}:
            return _not_done(removed)
        left = yield from self._look(number, order)
        if left.authorised.is_zero and left.word in {Word.NOT_FOUND, Word.DECLINED, Word.VOIDED}:
            return Result(outcome=Outcome.SUCCEEDED, provider_reference=number)
        return UNKNOWN

    def _mandate(self, ask: MandateAsk) -> Exchange[Mandate]:
        number = yield from self._find(_SUBSCRIPTIONS, ask)
        if number is None:
            return Mandate(word=MandateWord.NOT_FOUND)
        return (yield from self._given(number, ask))

    def _end(self, ask: MandateAsk) -> Exchange[Result]:
        """Remove the link, or cancel what was given; and make sure that nothing is left."""
        number = yield from self._find(_SUBSCRIPTIONS, ask)
        if number is None:
            return UNKNOWN
        word = (yield from self._given(number, ask)).word
        if word in _OVER:
            return SUCCEEDED
        if word is MandateWord.PENDING:
            response = yield self._request("DELETE", path(_SUBSCRIPTIONS, number, "link"))
            if response.status_code != httpx.codes.NO_CONTENT:
                return _not_done(response)
        else:
            where = path(_SUBSCRIPTIONS, number, "cancel")
            response = yield self._request("POST", where, {}, ask.key)
            if response.status_code not in _TAKEN_IN:
                return _not_done(response)
            self._seen(response, ask)
        left = yield from self._given(number, ask)
        return SUCCEEDED if left.word in _OVER else UNKNOWN

    def _given(self, number: str, ask: MandateAsk) -> Exchange[Mandate]:
        return _mandate(self._seen((yield self._request("GET", path(_SUBSCRIPTIONS, number))), ask))

    def _look(self, number: str, asked: Ask | Modification) -> Exchange[Standing]:
        """For the whole of it; a list may leave its operations out."""
        response = yield self._request("GET", path(_PAYMENTS, number))
        return _standing(self._seen(response, asked), asked)

    def _find(self, what: str, asked: _Question) -> Exchange[str | None]:
        """Their number of something, None if they have none; a list knows it by our reference."""
        ours = _order_id(asked.merchant_reference)
        if asked.provider_reference is not None:
            return asked.provider_reference
        response = yield self._request("GET", f"{path(what)}?order_id={quote(ours, safe='')}")
        match response.status_code, body_of(response):
            case 200, []:
                return None
            case 200, [item]:
                return _named(item, ours, _currency(asked))[0]
            case _:
                raise Unreadable("not a list with one of them")

    # Requests -------------------------------------------------------------------------------------

    def _request(
        self, method: str, where: str, body: object = None, key: str = ""
    ) -> httpx.Request:
        credentials = b64encode(octets(f":{self.config.api_key.reveal()}")).decode()
        headers = {"authorization": f"Basic {credentials}", "accept-version": "v10"}
        if key:
            headers["quickpay-callback-url"] = f"{self.config.notice_url}?attempt={key}"
        return request(method, f"{self.config.base_url}{where}", headers=headers, body=body)

    # Answers --------------------------------------------------------------------------------------

    def _seen(self, response: httpx.Response, asked: _Question | Charge) -> _Seen:
        """Read a payment or a subscription and compare it with what we asked about.

        Raises:
            Unreadable: If it is neither. They delete none, so that includes "not found".
            Contradiction: If it is about another one, or another currency, or was paid with a test
                card.
        """
        match response.status_code in _TAKEN_IN, body_of(response):
            case True, {"accepted": bool(is_accepted), "operations": list(values), **rest}:
                number, currency = _named(rest, asked.merchant_reference, _currency(asked))
            case _:
                raise Unreadable("not a payment")
        known = getattr(asked, "provider_reference", None)
        if known not in {None, number}:
            raise Contradiction("the answer is about another payment")
        if rest.get("test_mode") is True and not self.config.is_test:
            raise Contradiction("paid with a test card, and this is not a test")
        operations = [_operation(value, currency) for value in values]
        page = _page(rest.get("link"))
        balance, risk = rest.get("balance"), _risk(rest.get("metadata"))
        return _Seen(number, currency, is_accepted, operations, page, balance, risk)

    def _result(
        self, operation: Operation, order: Modification | Charge, response: httpx.Response
    ) -> Result:
        """What became of our operation, which is found by our key."""
        seen = self._seen(response, order)
        standing = _standing(seen, order)
        ours = [item for item in seen.operations if item.key == order.key]
        if not ours or ours[-1].kind != _WORDS[operation]:
            raise Unreadable("another operation")
        done = ours[-1]
        outcome = done.outcome
        if operation is not Operation.VOID and done.amount != order.amount:
            raise Contradiction(f"asked for a {operation} of {order.amount}, got {done.amount}")
        is_shown_or_new = isinstance(order, Charge) or is_shown(operation, order, standing)
        if outcome is Outcome.SUCCEEDED and not is_shown_or_new:
            outcome = Outcome.UNKNOWN
        return Result(outcome=outcome, provider_reference=seen.number, reason=done.reason)


def _currency(asked: _Question | Charge) -> str | None:
    """In which currency it must be."""
    amount = asked.maximum if isinstance(asked, MandateAsk) else asked.amount
    return amount.currency if amount else None


def _order_id(reference: str) -> str:
    if not _ORDER_ID.fullmatch(reference):
        raise InvalidInput(
            "must be 4 to 20 letters, digits and hyphens", field="merchant_reference"
        )
    return reference


def _positive(amount: Money) -> int:
    if amount.minor <= 0:
        raise InvalidInput("must be above zero", field="amount")
    return amount.minor


def _methods(method: str, known: frozenset[str]) -> list[str]:
    names = [name.strip().replace("_", "-") for name in method.split(",")]
    names = [SHORT.get(name, name) for name in names]
    if not known.issuperset(names):
        raise NotSupported(f"QuickPay knows {', '.join(sorted(known))}", field="method")
    return names


def _basket(lines: tuple[OrderLine, ...]) -> dict[str, object]:
    """What is bought. Outside the basket there is room for one delivery, at one rate of VAT."""
    told: dict[str, object] = {}
    match [line for line in lines if line.kind == "delivery"]:
        case [line]:
            told["shipping"] = {"amount": line.amount.minor, "vat_rate": line.vat_basis / 10_000}
            lines = tuple(other for other in lines if other is not line)
    if lines or told:
        told["basket"] = [_item(line) for line in lines]
    return told


def _item(line: OrderLine) -> dict[str, object]:
    """A line of the basket, its rate as a fraction."""
    line = by_piece(line)
    return {
        "qty": line.quantity,
        "item_no": line.id,
        "item_name": line.name,
        "item_price": line.amount.minor // line.quantity,
        "vat_rate": line.vat_basis / 10_000,
    }


def _named(answer: object, ours: object, currency: object) -> tuple[str, str]:
    """Their number and currency of something, once it is sure that it is ours."""
    match answer:
        case {"id": int(number), "order_id": str(reference), "currency": str(given)}:
            if reference != ours or currency not in {None, given}:
                raise Contradiction("the answer is about another payment, or another currency")
            return reference_of(str(number)), given
        case _:
            raise Unreadable("not a payment")


def _operation(value: object, currency: str) -> _Operation:
    match value:
        case {"type": str(kind), **rest}:
            code, minor, callback = map(rest.get, ("qp_status_code", "amount", "callback_url"))
        case _:
            raise Unreadable("not an operation")
    if not isinstance(code, str | None):
        raise Unreadable("not a status code")
    outcome, reason = CODES.get(code or "", (Outcome.UNKNOWN, ""))
    if rest.get("pending") is not False or code in {None, _WAITING}:
        outcome, reason = Outcome.PENDING, ""
    key = _KEY.search(callback) if isinstance(callback, str) else None
    return _Operation(
        kind=kind,
        key=key[1] if key else "",
        amount=None if minor is None else amount_of(minor, currency),
        outcome=outcome,
        reason=reason,
    )


def _added_up(
    operations: list[_Operation], zero: Money
) -> tuple[tuple[Money, Money, Money], Word | None]:
    """What was reserved, captured and refunded, and how what is left of it was released."""
    sums = {"authorize": zero, "recurring": zero, "capture": zero, "refund": zero}
    gone: Word | None = None
    for item in operations:
        if item.outcome is Outcome.SUCCEEDED and item.kind in sums:
            if item.amount is None:
                raise Unreadable("money without an amount")
            sums[item.kind] += item.amount
            gone = None if item.kind == "capture" else gone  # it had not run out, then
        elif item.outcome is Outcome.SUCCEEDED and item.kind == "cancel":
            gone = Word.VOIDED
        elif item.reason == "authorisation_expired" and item.kind in {"capture", "cancel"}:
            gone = Word.EXPIRED
    return (sums["authorize"] + sums["recurring"], sums["capture"], sums["refund"]), gone


def _standing(seen: _Seen, asked: Ask | Modification | Charge) -> Standing:
    """How a payment stands, with its sums also while the word is unclear, and why.

    Raises:
        Unreadable: If an amount is missing.
        Contradiction: If it cannot be true.
    """
    zero = Money.zero(seen.currency)
    (authorised, captured, refunded), gone = _added_up(seen.operations, zero)
    changes = [item for item in seen.operations if item.kind in _CHANGES]
    standing = Standing(
        word=Word.PENDING if authorised.is_zero else Word.AUTHORISED,
        authorised=authorised,
        captured=captured,
        refunded=refunded,
        voided=zero if gone is None else authorised - captured,
        provider_reference=seen.number,
        operations=tuple(
            Done(key=item.key, outcome=item.outcome)
            for item in changes
            if item.key and item.outcome is not Outcome.UNKNOWN
        ),
        risk=seen.risk,
    )
    require_possible(standing, whole_of(asked))
    if _is_open(changes):
        return standing.but(word=Word.UNCLEAR)
    taken = captured - refunded
    if seen.balance not in (None, taken.minor):
        raise Contradiction(f"the operations leave {taken} taken, and the balance is another")
    if gone is not None and captured.is_zero:
        return standing.but(word=gone)
    if not authorised.is_zero:
        is_clear = seen.is_accepted or not captured.is_zero
        return standing if is_clear else standing.but(word=Word.UNCLEAR)
    word, action, reason = _undecided(seen)
    return standing.but(word=word, action=action, reason=reason)


def _undecided(seen: _Seen) -> tuple[Word, Redirect | None, str]:
    """How a payment or a mandate stands to which nobody has said yes, where to decide, why not."""
    if seen.page is not None:
        return Word.PENDING, seen.page, ""
    if not seen.operations:  # without a link nobody can
        return Word.NOT_FOUND, None, ""
    if {item.outcome for item in seen.operations} <= _NO:
        return Word.DECLINED, None, seen.operations[-1].reason
    return Word.PENDING, None, ""


def _is_open(changes: list[_Operation]) -> bool:
    """Whether one of them is under way, or nobody knows how the last one ended."""
    outcomes = [item.outcome for item in changes]
    return Outcome.PENDING in outcomes or outcomes[-1:] == [Outcome.UNKNOWN]


def _mandate(seen: _Seen) -> Mandate:
    """How a subscription stands: as with payments, the operations say it."""
    approved = {item.kind for item in seen.operations if item.outcome is Outcome.SUCCEEDED}
    if "cancel" in approved:
        return Mandate(word=MandateWord.ENDED)
    if _is_open([item for item in seen.operations if item.kind == "cancel"]):
        return UNCLEAR_MANDATE
    if not approved & _CONSENTS:
        word, action, reason = _undecided(seen)
        return Mandate(word=MandateWord(word), action=action, reason=reason)
    if not seen.is_accepted:
        return UNCLEAR_MANDATE
    return Mandate(word=MandateWord.ACTIVE, token=Secret(f"{seen.number}:{seen.currency}"))


_SUSPECTS: Final[Mapping[str, Level]] = {"True": "high", "False": "low"}
# They write countries with three letters. Any other stays as it is: it is elsewhere.
_COUNTRIES: Final = {
    "DNK": "DK",
    "FRO": "FO",
    "GRL": "GL",
    "SWE": "SE",
    "NOR": "NO",
    "SJM": "SJ",
    "FIN": "FI",
    "ALA": "AX",
    "ISL": "IS",
}


def _risk(metadata: object) -> Risk | None:
    """What they say of the risk, and of the card."""
    if not isinstance(metadata, dict):
        return None
    country = metadata.get("country")
    return risk_of(
        metadata.get("fraud_suspected"),
        _SUSPECTS,
        country=_COUNTRIES.get(country, country) if isinstance(country, str) else None,
        card=metadata.get("hash"),
    )


def _page(link: object) -> Redirect | None:
    """Where the customer can decide, if there is a link."""
    match link:
        case None | {"url": None}:
            return None
        case {"url": url}:
            return Redirect(url=page_of(url))
        case _:
            raise Unreadable("not a link")


def _not_done(response: httpx.Response) -> Result:
    """An answer that is no payment: refused if they themselves say so, else anything is possible.

    Nothing is ever sent twice, so what they refuse was not done before either; but for a payment
    under our order id, which may be ours.
    """
    match response.status_code, body_of(response):
        case _, {"errors": {"order_id": _}}:
            return UNKNOWN
        case status, {"message": str()} if status in REFUSALS:
            return Result(outcome=Outcome.REFUSED, reason=REFUSALS[status])
        case _:
            return UNKNOWN
