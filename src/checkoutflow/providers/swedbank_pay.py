"""Swedbank Pay (formerly PayEx): cards, Swish, Vipps, MobilePay, Trustly, invoice; Checkout 3.1.

Source: the provider's public documentation, read 2026-07, and its own SDKs; it publishes no
machine-readable description. The customer pays on its page. Every capture, void and refund is two
requests: a fresh look, and then the address that the look gives for it. Where the look does not
allow it nothing is sent, which also spares us the lock after five failures in a row.

A mandate is a card that was stored for unscheduled payments; the provider recommends these over its
recurring ones, which fix amount and interval. There each mandate is a payer of its own, under our
name for it: so it is looked up and ended by that name, and no token is ever part of an address.

What the documentation leaves open is decided so that no money can be lost:

- What a reused reference of an operation is answered with is not said: nothing is ever sent twice,
  and an error that names the reference is unknown. So is every error that we do not know.
- A payment can be found under the provider's own name only. If the answer to its creation is lost,
  so is the address of the page: nobody can pay it, and it counts as not found. A charge needs no
  page: it stays unclear, and a person has to look. That is why charges are a method of their own.
- The list of transactions lags behind. Until it agrees with the amounts that are said to be left,
  the payment is unclear; so is one that ran out without a line in the list.
- A refund that is answered with 202 may take days, and a failed operation may be listed without its
  reference: it then stays pending.
- Whether an order goes on to show a token that was deleted is not said. So it is believed only
  until we know the token, and after that the list of the payer's tokens.

The reference of an operation has 30 letters and digits, so the provider must handle settlement
(option A of the agreement). Callbacks are not signed: each payment has an address of its own.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b32encode
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

import httpx
from pydantic import Field

from checkoutflow.errors import Contradiction, InvalidInput, NotSupported
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
from checkoutflow.privacy.secret import Secret
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
    require_possible,
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
    page_of,
    path,
    reference_of,
    request,
)
from checkoutflow.providers.notices import address_for, payment_in
from checkoutflow.texts import language_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ORDERS: Final = "/psp/paymentorders"
CONTENT_TYPE: Final = "application/json;version=3.1"

# The API wants the customer's browser, which we are not told: who asks instead.
USER_AGENT: Final = "Mozilla/5.0 (compatible; checkoutflow)"

CAPABILITIES: Final = Capabilities(
    operations=frozenset(Operation),
    can_be_asked=True,
    finds_by_ours=False,
    currencies=frozenset({"DKK", "EUR", "NOK", "SEK"}),
    repeat_s=0,
    mandates=MandateTerms(first_charge=True),
    details=frozenset({"email", "phone"}),
)

# What a shop can name as ``provider_method`` -> the provider's name for it. With ``menu`` the
# customer chooses on the page. Swish and Trustly take the money at once, the others reserve it.
METHODS: Final[Mapping[str, str | None]] = MappingProxyType(
    {
        "menu": None,
        "card": "CreditCard",
        "swish": "Swish",
        "vipps": "Vipps",
        "mobilepay": "MobilePay",
        "trustly": "Trustly",
        "apple_pay": "ApplePay",
        "google_pay": "GooglePay",
        "click_to_pay": "ClickToPay",
        "invoice_se": "Invoice-PayExFinancingSe",
        "invoice_no": "Invoice-PayExFinancingNo",
        "invoice_fi": "Invoice-PayExFinancingFi",
        "monthly_invoice_se": "Invoice-PayMonthlyInvoiceSe",
        "account_credit_se": "CreditAccount-CreditAccountSe",
    }
)
MANDATE: Final = "card_mandate"  # the same for mandates, and for what is charged on them

# Our language -> theirs. The page does not speak Icelandic.
LANGUAGES: Final[Mapping[str, str]] = MappingProxyType(
    {"da": "da-DK", "fi": "fi-FI", "nb": "nb-NO", "nn": "nb-NO", "sv": "sv-SE"}
)

ITEM_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {"goods": "PRODUCT", "digital": "PRODUCT", "delivery": "SHIPPING_FEE", "fee": "PAYMENT_FEE"}
)

# Their word -> ours, before the amounts are looked at. They write it in several cases. ``paid`` is
# also what was sold, captured or given back in part. An unlisted word is UNCLEAR.
WORDS: Final[Mapping[str, Word]] = MappingProxyType(
    {
        "initialized": Word.PENDING,
        "paid": Word.AUTHORISED,
        "cancelled": Word.AUTHORISED,
        "reversed": Word.AUTHORISED,
        "aborted": Word.DECLINED,
        "failed": Word.DECLINED,
    }
)
# What we ask of a payment -> what they call it, and how often its amount then adds to what is left
# to capture, and to refund.
_STEPS: Final = MappingProxyType(
    {
        Operation.CAPTURE: ("capture", -1, 1),
        Operation.VOID: ("cancel", -1, 0),
        Operation.REFUND: ("reversal", 0, -1),
    }
)
_ENDS: Final = {"cancelled", "reversed"}  # their words where nothing is left
PAGES: Final = {"redirect-checkout", "redirect-verification"}  # where the customer decides

# Their errors that say that nothing was done. Every other one, and every one with another status
# code, leaves the outcome unknown.
PROBLEMS: Final = "https://api.payex.com/psp/errordetail/"
_REFUSED: Final = {
    "invalid_request": "inputerror paymentorders/inputerror",
    "not_set_up": "configerror configurationerror",
    "wrong_state": "forbidden",
    "payment_not_found": "notfound",
    "mandate_ended": "paymentorders/paymenttokeninactive",
    "authorisation_expired": "creditaccount/authorizationexpired",
}
_DECLINED: Final = {
    "insufficient_funds": "acquirerinsufficientfunds",
    "card_expired": "acquirercardexpired",
    "card_blocked": "acquirercardstolen acquirercardblacklisted cardblacklisted",
    "suspected_fraud": "acquirerpossiblefraud frauddetected",
    "limit_exceeded": "dailylimitexceeded monthlylimitexceeded velocitycheck",
    "authentication_required": "authenticationrequired authenticationstatusrejected "
    "3dsecuredeclined 3dsecurerequired",
    "do_not_retry": "acquirererrordonotretry",  # a card that is tried again is blocked for a month
    "declined": "carddeclined acquirererror acquirerinvalidamount cardbranddisabled "
    "cardtyperejected accountholdertyperejected paymenttokenerror",
}
ERRORS: Final[Mapping[str, Result]] = MappingProxyType(
    {
        f"{where}{kind}": Result(outcome=outcome, reason=reason)
        for outcome, where, table in (
            (Outcome.REFUSED, "", _REFUSED),
            (Outcome.DECLINED, "creditcard/", _DECLINED),
        )
        for reason, kinds in table.items()
        for kind in kinds.split()
    }
)
_GONE: Final = ERRORS["notfound"]
_DECLINE: Final = ERRORS["creditcard/carddeclined"]

DESCRIPTION: Final = 40  # characters
REFERENCE: Final = 30

_MERCHANT_REFERENCE: Final = re.compile(r"[A-Za-z0-9._-]{1,50}")
_PHONE: Final = re.compile(r"\+?[0-9]{8,15}")
_HOST: Final = re.compile(r"https?://[^/?#]+")
_KINDS: Final = ("authorization", "sale", "capture", "cancellation", "reversal")
_ALL: Final = "paid,failed,financialtransactions,postpurchasefailedattempts"
_ABORTION: Final = {"paymentorder": {"operation": "Abort", "abortReason": "CancelledByMerchant"}}
_DELETION: Final = {"state": "Deleted", "comment": "Ended by the merchant"}


class SwedbankPayConfig(ProviderConfig):
    """One agreement.

    Attributes:
        access_token: From the provider's portal; tests have another one than production.
        payee_id: The shop's id there.
        notice_url: Where callbacks are sent; each payment adds a query of its own.
        notice_secret: The shop's own, which proves that query: long, random, and known to nobody
            else. While it is changed, callbacks for older payments are not believed.
    """

    hosts = Hosts("https://api.payex.com", "https://api.externalintegration.payex.com")

    name: Name = "swedbank_pay"
    access_token: Credential
    payee_id: str = Field(pattern=r"^[A-Za-z0-9-]{1,64}$")
    notice_url: Address
    notice_secret: Credential


class _Order(NamedTuple):
    """What an answer says about a payment order, checked against what we asked about.

    Attributes:
        status: Their word, in lower case.
        to_capture: Left to capture, in minor units; ``to_refund`` accordingly.
        more: The rest of it, with names in lower case.
        links: What can be done now, and at which path.
        page: Where the customer can decide, as long as that is open.
    """

    reference: str
    status: str
    amount: Money
    to_capture: int
    to_refund: int
    more: Mapping[object, object]
    links: Mapping[str, str]
    page: Redirect | None


@dataclass(slots=True, eq=False)
class SwedbankPay(Configured):
    """Swedbank Pay behind the contract."""

    config: SwedbankPayConfig
    capabilities: Capabilities = CAPABILITIES

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Create a payment order and send the customer to its page.

        Raises:
            NotSupported: If the currency or the method is not among those of the provider.
            InvalidInput: If the reference or the return address is not one that it takes.
        """
        instruments = [name for name in (METHODS.get(order.method),) if name]
        more = {"payer": _payer(order), "restrictedToInstruments": instruments}
        body = self._creation(order, "Purchase", order.amount, order.lines, more)
        return (yield from careful(self._open(body, order.amount)))

    def status(self, ask: Ask) -> Exchange[Standing]:
        """Say how the payment stands now.

        Without the provider's name for it no customer ever saw its page: it is not found. Only a
        charge may be there all the same.
        """
        return careful_look(ask, self._status(ask))

    def capture(self, order: Modification) -> Exchange[Result]:
        """Take some or all of what is reserved."""
        return careful(self._modify(Operation.CAPTURE, order))

    def void(self, order: Modification) -> Exchange[Result]:
        """Release what is reserved and not captured; before the customer paid, close the order."""
        return careful(self._modify(Operation.VOID, order))

    def refund(self, order: Modification) -> Exchange[Result]:
        """Give captured money back."""
        return careful(self._modify(Operation.REFUND, order))

    def agree(self, order: Agree) -> Exchange[Result]:
        """Ask for a card to charge later, on a page: with the first payment, or without any.

        Raises:
            NotSupported: If the currency or the method is not among those for mandates.
            InvalidInput: If a reference or the return address is not one that they take.
        """
        payer = _payer(order) | {"payerReference": order.merchant_reference}
        more: dict[str, object] = {"generateUnscheduledToken": True, "payer": payer}
        if order.first is None:
            amount = Money.zero(order.maximum.currency)
            body = self._creation(order, "Verify", amount, (), more)
        else:
            amount, more["restrictedToInstruments"] = order.first.amount, [METHODS["card"]]
            body = self._creation(order, "Purchase", amount, order.first.lines, more)
        return (yield from careful(self._open(body, amount)))

    def mandate(self, ask: MandateAsk) -> Exchange[Mandate]:
        """Say how a mandate stands now; without their name for it, nobody ever saw its page."""
        found: _Order | list[Secret] | Result = _GONE
        with suppress(Unreadable):
            if ask.token is not None:
                found = yield from self._tokens(ask, "GET")
            elif ask.provider_reference is not None:
                found = yield from self._look(ask.provider_reference, "paid,failed")
            return _mandate(found, ask.token)
        return Mandate(word=MandateWord.UNCLEAR)

    def charge(self, order: Charge) -> Exchange[Result]:
        """Reserve money on a mandate; it is captured like any other.

        Raises:
            NotSupported: If the currency or the method is not among those for mandates.
            InvalidInput: If the token is missing, or the reference is not one that they take.
        """
        if order.token is None:
            raise InvalidInput("a charge is made with the mandate's token", field="token")
        payer = {"payerReference": order.mandate}
        more = {"payer": payer, "unscheduledToken": order.token.reveal()}
        body = self._creation(order, "UnscheduledPurchase", order.amount, order.lines, more)
        return (yield from careful(self._charge(order, body)))

    def end_mandate(self, ask: MandateAsk) -> Exchange[Result]:
        """Have the card forgotten; before the customer decided, close the page."""
        return careful(self._end(ask))

    def read_notices(self, webhook: Webhook) -> tuple[Notice, ...]:
        """See which payment's or mandate's own address it came to: that is to be looked at.

        Raises:
            UntrustedNotice: If the address is not one that we gave out.
        """
        ours = payment_in(webhook.query, self.config.notice_secret)
        event = hashlib.sha256(webhook.body).hexdigest()[:32]  # the same when it is sent again
        return (Notice(id=f"{ours}-{event}", merchant_reference=ours, kind="callback"),)

    # Steps ----------------------------------------------------------------------------------------

    def _open(self, body: object, amount: Money) -> Exchange[Result]:
        """Create an order on which the customer decides."""
        made = self._read((yield self._request("POST", ORDERS, body)), amount.currency)
        if isinstance(made, Result):
            return made
        if made.amount != amount:
            raise Contradiction(f"asked for {amount}, got {made.amount}")
        if made.page is None:
            return UNKNOWN
        theirs, page = made.reference, made.page
        return Result(outcome=Outcome.PENDING, provider_reference=theirs, action=page)

    def _status(self, ask: Ask) -> Exchange[Standing]:
        name, currency = ask.provider_reference, ask.amount.currency
        if name is None:
            word = Word.UNCLEAR if ask.method == MANDATE else Word.NOT_FOUND
            return Standing.nothing(word, currency)
        found = yield from self._look(name, _ALL, currency)
        if isinstance(found, _Order):
            return _standing(found, ask)
        return Standing.nothing(Word.NOT_FOUND if found == _GONE else Word.UNCLEAR, currency)

    def _modify(self, operation: Operation, order: Modification) -> Exchange[Result]:
        """Look, and then do it."""
        name, amount = order.provider_reference, order.amount.minor
        self.capabilities.require(operation, order.amount.currency)
        if name is None:
            return _GONE
        before = yield from self._look(name, "orderitems", order.amount.currency)
        if isinstance(before, Result):
            return before
        is_void = operation is Operation.VOID
        if is_void and before.status == "initialized":
            return (yield from self._follow(before, "abort", _ABORTION, (0, 0)))
        rel, captures, refunds = _STEPS[operation]
        left = before.to_capture + captures * amount, before.to_refund + refunds * amount
        if min(left) < 0 or (is_void and left[0]):
            return Result(outcome=Outcome.REFUSED, reason="amounts_differ")
        return (yield from self._follow(before, rel, _change(order, before, rel), left))

    def _follow(
        self, before: _Order, rel: str, body: object, left: tuple[int, int]
    ) -> Exchange[Result]:
        """Do what the look allows. It is done if just this is left to capture and to refund."""
        if rel not in before.links:
            return ERRORS["forbidden"]
        verb, ends = ("PATCH", {"aborted"}) if rel == "abort" else ("POST", _ENDS)
        response = yield self._request(verb, before.links[rel], body)
        if response.status_code == httpx.codes.ACCEPTED:
            return Result(outcome=Outcome.PENDING)
        after = self._read(response, before.amount.currency, before.reference)
        if isinstance(after, Result):
            return after
        if after.amount != before.amount:
            raise Contradiction(f"a payment of {before.amount} is now one of {after.amount}")
        # An amount that they leave out is zero, so where nothing is left the word must say so too.
        words = {"paid"} if any(left) else ends
        is_done = (after.to_capture, after.to_refund) == left and after.status in words
        return Result(outcome=Outcome.SUCCEEDED) if is_done else UNKNOWN

    def _charge(self, order: Charge, body: object) -> Exchange[Result]:
        """Reserve without a page: anything but a clear yes or no is there, and waits for a look."""
        response = yield self._request("POST", f"{ORDERS}?$expand=failed", body)
        made = self._read(response, order.amount.currency)
        if isinstance(made, Result):
            return made
        if made.amount != order.amount:
            raise Contradiction(f"asked for {order.amount}, got {made.amount}")
        outcome = Outcome.DECLINED if made.status == "failed" else Outcome.PENDING
        if made.status == "paid" and (made.to_capture, made.to_refund) == (made.amount.minor, 0):
            outcome = Outcome.SUCCEEDED
        return Result(outcome=outcome, provider_reference=made.reference, reason=_why(made))

    def _end(self, ask: MandateAsk) -> Exchange[Result]:
        if ask.token is None:
            name = ask.provider_reference
            if name is None:
                return _GONE
            found = yield from self._look(name, "paid")
            if isinstance(found, Result):
                return found
            if found.status == "initialized":
                return (yield from self._follow(found, "abort", _ABORTION, (0, 0)))
        held = yield from self._tokens(ask, "PATCH", _DELETION)
        return held if isinstance(held, Result) else Result(outcome=Outcome.SUCCEEDED)

    # Requests, and answers to them ----------------------------------------------------------------

    def _request(self, method: str, where: str, body: object = None) -> httpx.Request:
        headers = {
            "accept": CONTENT_TYPE,
            "authorization": f"Bearer {self.config.access_token.reveal()}",
            "user-agent": USER_AGENT,
        }
        built = request(method, f"{self.config.base_url}{where}", headers=headers, body=body)
        built.headers["content-type"] = CONTENT_TYPE  # the version, which some pages want here
        return built

    def _look(
        self, name: str, expand: str, currency: str | None = None
    ) -> Exchange[_Order | Result]:
        response = yield self._request("GET", f"{ORDERS}{path(name)}?$expand={expand}")
        return self._read(response, currency, name)

    def _tokens(
        self, ask: MandateAsk, method: str, body: object = None
    ) -> Exchange[list[Secret] | Result]:
        """The tokens that are kept, or were until now, for the payer that a mandate is."""
        where = f"{ORDERS}{path('payerownedtokens', ask.merchant_reference)}"
        response = yield self._request(method, where, body)
        if response.status_code != httpx.codes.OK:
            return _not_done(response)
        match _lowered(body_of(response)):
            case {"payerownedtokens": {"payerreference": str(payer), "tokens": list(items)}}:
                if payer != ask.merchant_reference:
                    raise Contradiction("the answer is about another mandate")
                return _stored(items)
            case _:
                raise Unreadable("not a payer's tokens")

    def _creation(
        self,
        order: Authorise | Agree | Charge,
        operation: str,
        amount: Money,
        lines: tuple[OrderLine, ...],
        more: Mapping[str, object],
    ) -> object:
        """The body that creates an order; with a mandate's first payment it is that payment's."""
        self.capabilities.require(Operation.AUTHORISE, amount.currency)
        methods = METHODS if isinstance(order, Authorise) else (MANDATE,)
        if order.method not in methods:
            raise NotSupported(f"{self.name} takes {', '.join(methods)} here", field="method")
        ours = order.merchant_reference
        paid = order.first.merchant_reference if isinstance(order, Agree) and order.first else ours
        if not all(_MERCHANT_REFERENCE.fullmatch(name) for name in (ours, paid)):
            raise InvalidInput("must be 1 to 50 of A-Z a-z 0-9 . _ -", field="merchant_reference")
        notice_url = address_for(self.config.notice_url, self.config.notice_secret, ours)
        wanted = {
            "currency": amount.currency,
            "description": _description(order),
            "language": LANGUAGES.get(language_of(order.locale), "en-US"),
            "operation": operation,
            "payeeInfo": {
                "orderReference": paid,
                "payeeId": self.config.payee_id,
                "payeeReference": payee_reference(order.key),
            },
            "urls": {"callbackUrl": notice_url, **_pages(order)},
            "userAgent": USER_AGENT,
            **(_sums(amount, lines) if amount.minor else {}),
            **more,
        }
        return {"paymentorder": {k: v for k, v in wanted.items() if v not in ({}, [])}}

    def _read(
        self, response: httpx.Response, currency: str | None, name: str | None = None
    ) -> _Order | Result:
        """The order in an answer, compared with what we know of it, or why there is none."""
        if response.status_code not in {httpx.codes.OK, httpx.codes.CREATED}:
            return _not_done(response)
        order = _order(body_of(response), self.config.base_url)
        if name not in {None, order.reference} or currency not in {None, order.amount.currency}:
            raise Contradiction("the answer is about another payment or currency")
        return order


def payee_reference(key: str) -> str:
    """Our key as the reference of an operation: at most 30 letters and digits.

    A key has no capitals, so one stands for its dash. One that is too long becomes a digest.

    >>> payee_reference("abcdefghij2345672345-3")
    'abcdefghij2345672345Z3'
    """
    if len(key) <= REFERENCE:
        return key.replace("-", "Z")
    return b32encode(hashlib.sha256(key.encode()).digest()).decode("ascii")[:REFERENCE]


# What is sent -------------------------------------------------------------------------------------


def _payer(order: Authorise | Agree) -> dict[str, object]:
    email, phone = order.details.get("email"), order.details.get("phone", "")
    has_phone = _PHONE.fullmatch(phone)
    return {**({"email": email} if email else {}), **({"msisdn": phone} if has_phone else {})}


def _pages(order: Authorise | Agree | Charge) -> dict[str, object]:
    if isinstance(order, Charge):
        return {}
    url = order.return_url
    if (host := _HOST.match(url)) is None:
        raise InvalidInput("must be the address of a page", field="return_url")
    return {"cancelUrl": url, "completeUrl": url, "hostUrls": [host[0]]}


def _description(order: Authorise | Agree | Charge | Modification) -> str:
    if isinstance(order, Agree | Charge):
        text = order.title
    else:
        text = ", ".join(line.name for line in order.lines)
    return text[:DESCRIPTION].strip() or order.merchant_reference[:DESCRIPTION]


def _sums(amount: Money, lines: tuple[OrderLine, ...]) -> dict[str, object]:
    """An amount, its lines, and the VAT in it: 0, for "not told", where the lines are not known."""
    return {
        "amount": amount.minor,
        "orderItems": [_item(line) for line in lines],
        "vatAmount": sum(line.vat.minor for line in lines),
    }


def _item(line: OrderLine) -> dict[str, object]:
    name, quantity = line.name, line.quantity
    if line.amount.minor % quantity:  # no price a piece fits, so all of them are one piece
        name, quantity = f"{quantity} × {name}", 1
    return {
        "amount": line.amount.minor,
        "class": line.kind,
        "name": name,
        "quantity": quantity,
        "quantityUnit": "pcs",
        "reference": line.id,
        "type": ITEM_TYPES[line.kind],
        "unitPrice": line.amount.minor // quantity,
        "vatAmount": line.vat.minor,
        "vatPercent": line.vat_basis,
    }


def _change(order: Modification, before: _Order, rel: str) -> dict[str, object]:
    """The body of a capture, void or refund. A void takes no amount: all is released."""
    body: dict[str, object] = {
        "description": _description(order),
        "payeeReference": payee_reference(order.key),
    }
    if rel != "cancel":
        body |= _sums(order.amount, order.lines)
        if not (order.lines and _rows(before, "orderitems", "orderitemlist")):
            del body["orderItems"]  # they are taken only where the order was created with some
    return {"transaction": body}


# What comes back ----------------------------------------------------------------------------------


def _not_done(response: httpx.Response) -> Result:
    """An answer that is not what we asked for: not done if they say so, else all is possible.

    An error about the reference of an operation may mean that it was done before.
    """
    match response.status_code, body_of(response):
        case 401, dict():
            return Result(outcome=Outcome.REFUSED, reason="unauthorised")
        case 400 | 403 | 404 | 422, {"type": str(kind), **more} if kind.startswith(PROBLEMS):
            if "payeereference" in str(more).lower():
                return UNKNOWN
            return ERRORS.get(kind.removeprefix(PROBLEMS).lower(), UNKNOWN)
        case _:
            return UNKNOWN


def _order(answer: object, base: str) -> _Order:
    match _lowered(answer):
        case {"paymentorder": {"id": str(name), "status": str(word), **more}, **beside} if (
            name.startswith(f"{ORDERS}/") and word.lower() in WORDS
        ):
            whole = amount_of(more.get("amount"), more.get("currency"))
            links = dict(_links(beside.get("operations"), base))
            page, status = links.get("page"), word.lower()
            return _Order(
                reference=reference_of(name.removeprefix(f"{ORDERS}/")),
                status=status,
                amount=whole,
                to_capture=amount_of(more.get("remainingcaptureamount", 0), whole.currency).minor,
                to_refund=amount_of(more.get("remainingreversalamount", 0), whole.currency).minor,
                more=more,
                links=links,
                page=Redirect(url=page) if page and status == "initialized" else None,
            )
        case _:
            raise Unreadable("not a payment order")


def _lowered(value: object) -> object:
    """Plain data with all names in lower case: the provider's own pages differ about them."""
    match value:
        case list():
            return [_lowered(item) for item in value]
        case dict():
            return {name.lower(): _lowered(item) for name, item in value.items()}
        case _:
            return value


def _rows(order: _Order, place: str, name: str) -> list[object]:
    """A list in an order, where it is shown."""
    inner = order.more.get(place)
    rows = inner.get(name) if isinstance(inner, dict) else None
    return rows if isinstance(rows, list) else []


def _links(operations: object, base: str) -> Iterator[tuple[str, str]]:
    """What can be done now. The token goes along, so it must be at the API's own address."""
    for item in operations if isinstance(operations, list) else []:
        match item:
            case {"rel": str(rel), "href": href} if rel in PAGES:
                yield "page", page_of(href)
            case {"rel": str(rel), "href": str(href)} if href.startswith(f"{base}/"):
                yield rel, page_of(href).removeprefix(base)


def _standing(order: _Order, ask: Ask) -> Standing:
    """Read the answer to "how does it stand?", if the list agrees with what is left."""
    word, currency = WORDS[order.status], ask.amount.currency
    if order.amount != ask.amount:
        raise Contradiction(f"asked about {ask.amount}, got an answer about {order.amount}")
    sums, listed = dict.fromkeys(_KINDS, 0), {}
    for row in _rows(order, "postpurchasefailedattempts", "postpurchasefailedattemptlist"):
        match row:
            case {"status": "Failed" | "failed", "payeereference": str(reference)}:
                listed[reference] = Outcome.DECLINED
    for kind, minor, reference in _transactions(order, ask):
        sums[kind] += minor
        listed[reference] = Outcome.SUCCEEDED
    authorised, captured = sums["authorization"] + sums["sale"], sums["sale"] + sums["capture"]
    refunded, voided = sums["reversal"], sums["cancellation"]
    if (
        captured + voided + order.to_capture != authorised
        or refunded + order.to_refund != captured
        or (word is Word.AUTHORISED) != (authorised > 0)
    ):
        raise Unreadable("the list of transactions is not complete")
    if word is Word.AUTHORISED and voided == authorised:
        word = Word.VOIDED
    keys = {payee_reference(item.key): item.key for item in ask.earlier}
    standing = Standing(
        word=word,
        authorised=Money(authorised, currency),
        captured=Money(captured, currency),
        refunded=Money(refunded, currency),
        voided=Money(voided, currency),
        provider_reference=order.reference,
        action=order.page,
        reason=_why(order),
        operations=tuple(
            Done(key=key, outcome=listed[reference])
            for reference, key in keys.items()
            if reference in listed
        ),
    )
    require_possible(standing, ask.amount)
    return standing


def _why(order: _Order) -> str:
    """Why nothing was paid; the type of a problem may be cut down to its last part."""
    match order.status, order.more:
        case "failed", {"failed": {"problem": {"type": str(kind)}}}:
            return ERRORS.get(f"creditcard/{kind.lower().rpartition('/')[2]}", _DECLINE).reason
        case ("failed" | "aborted") as word, _:
            return word
        case _:
            return ""


def _transactions(order: _Order, ask: Ask) -> Iterator[tuple[str, int, str]]:
    """What happened: a kind that we know, minor units, and the reference of the operation."""
    rows = _rows(order, "financialtransactions", "financialtransactionslist")
    match order.more:
        case {"paid": {"transactiontype": kind, **paid}}:
            if reference_of(paid.get("orderreference")) != ask.merchant_reference:
                raise Contradiction("the answer is about another payment")
            rows = rows or [{"type": kind, **paid}]  # right after it the list may still be empty
    for row in rows:
        match row:
            case {"type": str(kind), "amount": minor, **more} if kind.lower() in _KINDS:
                amount = amount_of(minor, order.amount.currency)
                yield kind.lower(), amount.minor, str(more.get("payeereference"))
            case _:
                raise Unreadable("not a transaction that we know")


def _mandate(found: _Order | list[Secret] | Result, known: Secret | None) -> Mandate:
    """How a mandate stands: by the order it was asked for with, later by what tokens there are."""
    token = None
    match found:
        case Result():
            word = MandateWord.NOT_FOUND if found == _GONE else MandateWord.UNCLEAR
        case list():
            token = known if known in found else None
            word = MandateWord.ACTIVE if token else MandateWord.ENDED
        case _ if WORDS[found.status] is Word.AUTHORISED:
            tokens = _stored(_rows(found, "paid", "tokens"))
            token = tokens[0] if len(tokens) == 1 else None
            word = MandateWord.ACTIVE if token else MandateWord.UNCLEAR
        case _:
            word = MandateWord(WORDS[found.status].value)
            return Mandate(word=word, action=found.page, reason=_why(found))
    return Mandate(word=word, token=token)


def _stored(items: list[object]) -> list[Secret]:
    """The tokens for unscheduled payments among those of an order or of a payer."""
    found: list[Secret] = []
    for item in items:
        match item:
            case {"token": token, "type": str(kind)} | {"token": token, "tokentype": str(kind)} if (
                kind.lower() == "unscheduled"
            ):
                found.append(Secret(reference_of(token)))
    return found
