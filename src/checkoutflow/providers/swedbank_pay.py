"""Swedbank Pay (formerly PayEx): cards, Swish, Vipps, MobilePay, Trustly, invoice; Checkout 3.1.

Source: the provider's public documentation, read 2026-07, and its own SDKs; it publishes no
machine-readable description. The customer pays on its page. Every capture, void and refund is two
requests: a fresh look, and then the address that the look gives for it. Where the look does not
allow it nothing is sent, which also spares us the lock after five failures in a row.

A mandate is a card that was stored for unscheduled payments. There each mandate is a payer of its
own, under our name for it: so it is looked up and ended by that name, and no token is ever part of
an address. An order may go on to show a token that was deleted, so it is believed only until we
know the token, and after that the list of the payer's tokens.

Nothing is ever sent twice. A payment can be found under the provider's own name only. If the answer
to its creation is lost, so is the address of the page: nobody can pay it, and it counts as not
found. A charge needs no page: it stays unclear, and a person has to look. That is why charges are a
method of their own. The list of transactions lags behind: until it agrees with the amounts that are
said to be left, the payment is unclear.

The reference of an operation has 30 letters and digits, so the provider must handle settlement
(option A of the agreement). Callbacks are not signed: each payment has an address of its own.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b32encode
from dataclasses import dataclass
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
    SUCCEEDED,
    UNCLEAR_MANDATE,
    UNKNOWN,
    Address,
    Configured,
    Credential,
    Hosts,
    Name,
    OwnSecret,
    ProviderConfig,
    careful,
    require_possible,
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
    page_of,
    path,
    reference_of,
    request,
)
from checkoutflow.providers.lines import by_piece
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
METHODS: Final[Mapping[str, str | None]] = {
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
MANDATE: Final = "card_mandate"  # the same for mandates, and for what is charged on them

# Our language -> theirs. The page does not speak Icelandic.
LANGUAGES: Final = {"da": "da-DK", "fi": "fi-FI", "nb": "nb-NO", "nn": "nb-NO", "sv": "sv-SE"}
_ITEM_TYPES: Final = {"delivery": "SHIPPING_FEE", "fee": "PAYMENT_FEE"}  # else a product

# Their word -> ours, before the amounts are looked at. They write it in several cases. ``paid`` is
# also what was sold, captured or given back in part. An unlisted word is UNCLEAR.
WORDS: Final[Mapping[str, Word]] = {
    "initialized": Word.PENDING,
    "paid": Word.AUTHORISED,
    "cancelled": Word.AUTHORISED,
    "reversed": Word.AUTHORISED,
    "aborted": Word.DECLINED,
    "failed": Word.DECLINED,
}
# What we ask of a payment -> what they call it, and how often its amount then adds to what is left
# to capture, and to refund.
_STEPS: Final = {
    Operation.CAPTURE: ("capture", (-1, 1)),
    Operation.VOID: ("cancel", (-1, 0)),
    Operation.REFUND: ("reversal", (0, -1)),
}
_ENDS: Final = {"cancelled", "reversed"}  # their words where nothing is left

# Their errors that say that nothing was done, and why. Every other one leaves the outcome unknown.
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
ERRORS: Final[Mapping[str, Result]] = {
    f"{where}{kind}": Result(outcome=outcome, reason=reason)
    for where, outcome, table in (
        ("", Outcome.REFUSED, _REFUSED),
        ("creditcard/", Outcome.DECLINED, _DECLINED),
    )
    for reason, kinds in table.items()
    for kind in kinds.split()
}
_GONE: Final = ERRORS["notfound"]

REFERENCE: Final = 30  # characters
DESCRIPTION: Final = 40

_PHONE: Final = re.compile(r"\+?[0-9]{8,15}")
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
        notice_secret: The shop's own, which proves that query: at least 32 random characters, known
            to nobody else. While it is changed, callbacks for older payments are not believed.
    """

    hosts = Hosts("https://api.payex.com", "https://api.externalintegration.payex.com")

    name: Name = "swedbank_pay"
    access_token: Credential
    payee_id: str = Field(pattern=r"^[A-Za-z0-9-]{1,64}$")
    notice_url: Address
    notice_secret: OwnSecret


class _Order(NamedTuple):
    """What an answer says about a payment order."""

    reference: str
    status: str  # their word, in lower case
    amount: Money
    left: tuple[int, ...]  # to capture and to refund, in minor units
    more: Mapping[object, object]  # the rest of it, with names in lower case
    links: Mapping[str, str]  # what can be done now, and at which path
    page: Redirect | None  # where the customer can decide, as long as that is open


@dataclass(slots=True, eq=False)
class SwedbankPay(Configured):
    """Swedbank Pay behind the contract."""

    config: SwedbankPayConfig
    capabilities: Capabilities = CAPABILITIES

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Create a payment order and send the customer to its page.

        Raises:
            NotSupported: If the currency or the method is not among those of the provider.
            InvalidInput: If the reference is too long, or an invoice has no lines.
        """
        instrument = METHODS.get(order.method) or ""
        if instrument.startswith("Invoice") and not order.lines:
            raise InvalidInput("an invoice is for whole orders only", field="lines")
        instruments = [instrument] if instrument else []
        more = {"payer": _payer(order), "restrictedToInstruments": instruments}
        return careful(self._create(order, "Purchase", more), UNKNOWN)

    def status(self, ask: Ask) -> Exchange[Standing]:
        """Say how the payment stands now."""
        return careful(self._status(ask), unclear(ask))

    def capture(self, order: Modification) -> Exchange[Result]:
        """Take some or all of what is reserved."""
        return careful(self._modify(Operation.CAPTURE, order), UNKNOWN)

    def void(self, order: Modification) -> Exchange[Result]:
        """Release what is reserved and not captured; before the customer paid, close the order."""
        return careful(self._modify(Operation.VOID, order), UNKNOWN)

    def refund(self, order: Modification) -> Exchange[Result]:
        """Give captured money back."""
        return careful(self._modify(Operation.REFUND, order), UNKNOWN)

    def agree(self, order: Agree) -> Exchange[Result]:
        """Ask for a card to charge later, on a page: with the first payment, or without any.

        Raises:
            NotSupported: If the currency or the method is not among those for mandates.
        """
        payer = _payer(order) | {"payerReference": order.merchant_reference}
        more = {"generateUnscheduledToken": True, "payer": payer}
        if order.first is None:
            return careful(self._create(order, "Verify", more), UNKNOWN)
        cards = {"restrictedToInstruments": [METHODS["card"]]}
        return careful(self._create(order, "Purchase", more | cards), UNKNOWN)

    def mandate(self, ask: MandateAsk) -> Exchange[Mandate]:
        """Say how a mandate stands now."""
        return careful(self._mandate(ask), UNCLEAR_MANDATE)

    def charge(self, order: Charge) -> Exchange[Result]:
        """Reserve money on a mandate: pending until it is looked at, and captured like any other.

        Raises:
            NotSupported: If the currency or the method is not among those for mandates.
            InvalidInput: If the token is missing.
        """
        if order.token is None:
            raise InvalidInput("a charge is made with the mandate's token", field="token")
        payer = {"payerReference": order.mandate}
        more = {"payer": payer, "unscheduledToken": order.token.reveal()}
        return (yield from careful(self._create(order, "UnscheduledPurchase", more), UNKNOWN))

    def end_mandate(self, ask: MandateAsk) -> Exchange[Result]:
        """Have the card forgotten; before the customer decided, close the page."""
        return careful(self._end(ask), UNKNOWN)

    def read_notices(self, webhook: Webhook) -> tuple[Notice, ...]:
        """See which payment's or mandate's own address it came to: that is to be looked at.

        Raises:
            UntrustedNotice: If the address is not one that we gave out.
        """
        ours = payment_in(webhook.query, self.config.notice_secret)
        event = hashlib.sha256(webhook.body).hexdigest()[:32]  # the same when it is sent again
        return (Notice(id=f"{ours}-{event}", merchant_reference=ours, kind="callback"),)

    # Steps ----------------------------------------------------------------------------------------

    def _create(
        self, order: Authorise | Agree | Charge, operation: str, more: Mapping[str, object]
    ) -> Exchange[Result]:
        """Create an order; with a mandate's first payment it is that payment's."""
        paid = order.first or order if isinstance(order, Agree) else order
        amount = Money.zero(paid.maximum.currency) if isinstance(paid, Agree) else paid.amount
        self.capabilities.require(Operation.AUTHORISE, amount.currency)
        if isinstance(order, Authorise):
            methods, title = tuple(METHODS), ", ".join(line.name for line in order.lines)
        else:
            methods, title = (MANDATE,), order.title
        if order.method not in methods:
            raise NotSupported(f"{self.name} takes {', '.join(methods)} here", field="method")
        if len(order.merchant_reference) > DESCRIPTION:  # they may read it as one
            raise InvalidInput(f"is at most {DESCRIPTION} characters", field="merchant_reference")
        ours, config = order.merchant_reference, self.config
        urls: dict[str, object] = {
            "callbackUrl": address_for(config.notice_url, config.notice_secret, ours)
        }
        wanted = {
            "currency": amount.currency,
            "description": title[:DESCRIPTION].strip() or ours,
            "language": LANGUAGES.get(language_of(order.locale), "en-US"),
            "operation": operation,
            "payeeInfo": {
                "orderReference": paid.merchant_reference,
                "payeeId": config.payee_id,
                "payeeReference": payee_reference(order.key),
            },
            "urls": urls if isinstance(order, Charge) else {**urls, **_pages(order.return_url)},
            "userAgent": USER_AGENT,
            **({} if isinstance(paid, Agree) else _sums(amount, paid.lines)),
            **{name: value for name, value in more.items() if value},
        }
        made = yield from self._ask("POST", ORDERS, {"paymentorder": wanted}, None, amount)
        if isinstance(made, Result):
            return made
        if made.page is None and not isinstance(order, Charge):
            return UNKNOWN
        theirs = made.reference
        return Result(outcome=Outcome.PENDING, provider_reference=theirs, action=made.page)

    def _status(self, ask: Ask) -> Exchange[Standing]:
        found = yield from self._look(ask.provider_reference, _ALL, ask.amount)
        if isinstance(found, _Order):
            return _standing(found, ask)
        is_gone = found == _GONE and ask.method != MANDATE  # a charge needs no page
        return Standing.nothing(Word.NOT_FOUND if is_gone else Word.UNCLEAR, ask.amount.currency)

    def _modify(self, operation: Operation, order: Modification) -> Exchange[Result]:
        """Look, and then do it. A void takes no amount: all is released."""
        amount, is_void = order.amount, operation is Operation.VOID
        self.capabilities.require(operation, amount.currency)
        before = yield from self._look(order.provider_reference, "orderitems", whole_of(order))
        if isinstance(before, Result):
            return before
        if is_void and before.status == "initialized":
            return (yield from self._follow(before, "abort", _ABORTION, (0, 0)))
        rel, signs = _STEPS[operation]
        left = tuple(a + b * amount.minor for a, b in zip(before.left, signs, strict=True))
        if min(left) < 0 or (is_void and left[0]):
            return Result(outcome=Outcome.REFUSED, reason="amounts_differ")
        body = {} if is_void else _sums(amount, order.lines)
        if not _rows(before, "orderitems", "orderitemlist"):
            body.pop("orderItems", None)  # taken only where the order was created with some
        body |= {
            "description": order.merchant_reference,
            "payeeReference": payee_reference(order.key),
        }
        return (yield from self._follow(before, rel, {"transaction": body}, left))

    def _follow(
        self, before: _Order, rel: str, body: object, left: tuple[int, ...]
    ) -> Exchange[Result]:
        """Do what the look allows. It is done if just this is left to capture and to refund."""
        if rel not in before.links:
            return ERRORS["forbidden"]
        verb, ends = ("PATCH", {"aborted"}) if rel == "abort" else ("POST", _ENDS)
        where, name, whole = before.links[rel], before.reference, before.amount
        after = yield from self._ask(verb, where, body, name, whole)
        if isinstance(after, Result):
            return after
        # An amount that they leave out is zero, so where nothing is left the word must say so too.
        is_done = after.left == left and after.status in ({"paid"} if any(left) else ends)
        return SUCCEEDED if is_done else UNKNOWN

    def _mandate(self, ask: MandateAsk) -> Exchange[Mandate]:
        """By the order that it was asked for with; once the token is known, by the payer's list."""
        found: _Order | list[Secret] | Result
        if ask.token is None:
            found = yield from self._look(ask.provider_reference, "paid,failed")
        else:
            found = yield from self._tokens(ask, "GET")
        token = None
        match found:
            case Result():
                word = MandateWord.NOT_FOUND if found == _GONE else MandateWord.UNCLEAR
            case list():
                token = ask.token if ask.token in found else None
                word = MandateWord.ACTIVE if token else MandateWord.ENDED
            case _ if WORDS[found.status] is Word.AUTHORISED:
                tokens = _stored(_rows(found, "paid", "tokens"))
                token = tokens[0] if len(tokens) == 1 else None
                word = MandateWord.ACTIVE if token else MandateWord.UNCLEAR
            case _:
                word = MandateWord(WORDS[found.status].value)
                return Mandate(word=word, action=found.page, reason=_why(found))
        return Mandate(word=word, token=token)

    def _end(self, ask: MandateAsk) -> Exchange[Result]:
        if ask.token is None:
            found = yield from self._look(ask.provider_reference, "paid")
            if isinstance(found, Result):
                return found
            if found.status == "initialized":
                return (yield from self._follow(found, "abort", _ABORTION, (0, 0)))
        held = yield from self._tokens(ask, "PATCH", _DELETION)
        return held if isinstance(held, Result) else SUCCEEDED

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
        self, name: str | None, expand: str, whole: Money | None = None
    ) -> Exchange[_Order | Result]:
        if name is None:  # nobody ever saw its page
            return _GONE
        where = f"{ORDERS}{path(name)}?$expand={expand}"
        return (yield from self._ask("GET", where, None, name, whole))

    def _ask(
        self, method: str, where: str, body: object, name: str | None, whole: Money | None
    ) -> Exchange[_Order | Result]:
        """The order in an answer, compared with what we know of it, or why there is none."""
        response = yield self._request(method, where, body)
        if response.status_code == httpx.codes.ACCEPTED and name and body:  # a change, under way
            return Result(outcome=Outcome.PENDING)
        if response.status_code not in {httpx.codes.OK, httpx.codes.CREATED}:
            return _not_done(response)
        order = _order(body_of(response), self.config.base_url)
        if name not in {None, order.reference} or whole not in {None, order.amount}:
            raise Contradiction("the answer is about another payment or amount")
        return order

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


def payee_reference(key: str) -> str:
    """Our key as the reference of an operation: at most 30 letters and digits.

    >>> payee_reference("abcdefghij2345672345-3")
    'abcdefghij2345672345Z3'
    """
    if len(key) <= REFERENCE:
        return key.replace("-", "Z")  # a key has no capitals
    return b32encode(hashlib.sha256(key.encode()).digest()).decode("ascii")[:REFERENCE]


def _payer(order: Authorise | Agree) -> dict[str, object]:
    phone = _PHONE.fullmatch(order.details.get("phone", ""))
    payer = {"email": order.details.get("email"), "msisdn": phone and phone[0]}
    return {name: value for name, value in payer.items() if value}


def _pages(url: str) -> dict[str, object]:
    return {"cancelUrl": url, "completeUrl": url, "hostUrls": ["/".join(url.split("/")[:3])]}


def _sums(amount: Money, lines: tuple[OrderLine, ...]) -> dict[str, object]:
    """An amount, its lines, and the VAT in it: 0, for "not told", where the lines are not known."""
    items = {"orderItems": [_item(line) for line in lines]} if lines else {}
    return {"amount": amount.minor, "vatAmount": sum(line.vat.minor for line in lines), **items}


def _item(line: OrderLine) -> dict[str, object]:
    line = by_piece(line)
    return {
        "amount": line.amount.minor,
        "class": line.kind,
        "name": line.name,
        "quantity": line.quantity,
        "quantityUnit": "pcs",
        "reference": line.id,
        "type": _ITEM_TYPES.get(line.kind, "PRODUCT"),
        "unitPrice": line.amount.minor // line.quantity,
        "vatAmount": line.vat.minor,
        "vatPercent": line.vat_basis,
    }


# What comes back ----------------------------------------------------------------------------------


def _not_done(response: httpx.Response) -> Result:
    """Not done if they say so; an error about a reference may mean that it was done before."""
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
            name.startswith(f"{ORDERS}/") and (status := word.lower()) in WORDS
        ):
            whole = amount_of(more.get("amount"), more.get("currency"))
            left = (more.get(f"remaining{kind}amount", 0) for kind in ("capture", "reversal"))
            links = dict(_links(beside.get("operations"), base))
            is_open = status == "initialized" and "page" in links
            return _Order(
                reference=reference_of(name.removeprefix(f"{ORDERS}/")),
                status=status,
                amount=whole,
                left=tuple(amount_of(minor, whole.currency).minor for minor in left),
                more=more,
                links=links,
                page=Redirect(url=links["page"]) if is_open else None,
            )
        case _:
            raise Unreadable("not a payment order")


def _lowered(value: object) -> object:
    """Plain data with all names in lower case: the provider's own pages differ about them."""
    if isinstance(value, dict):
        return {name.lower(): _lowered(item) for name, item in value.items()}
    return [_lowered(item) for item in value] if isinstance(value, list) else value


def _rows(order: _Order, place: str, name: str) -> list[object]:
    """A list in an order, where it is shown."""
    inner = order.more.get(place)
    rows = inner.get(name) if isinstance(inner, dict) else None
    return rows if isinstance(rows, list) else []


def _links(operations: object, base: str) -> Iterator[tuple[str, str]]:
    """What can be done now. The token goes along, so it must be at the API's own address."""
    for item in operations if isinstance(operations, list) else []:
        match item:
            case {"rel": str(rel), "href": href} if rel.startswith("redirect-"):
                yield "page", page_of(href)
            case {"rel": str(rel), "href": str(href)} if href.startswith(f"{base}/"):
                yield rel, page_of(href).removeprefix(base)


def _standing(order: _Order, ask: Ask) -> Standing:
    """Read the answer to "how does it stand?", if the list agrees with what is left."""
    word, currency = WORDS[order.status], ask.amount.currency
    sums, listed = dict.fromkeys(_KINDS, 0), {}
    for row in _rows(order, "postpurchasefailedattempts", "postpurchasefailedattemptlist"):
        match row:
            case {"status": "Failed" | "failed", "payeereference": str(reference)}:
                listed[reference] = Outcome.DECLINED
    rows = _rows(order, "financialtransactions", "financialtransactionslist")
    match order.more:
        case {"paid": {"transactiontype": kind, **paid}}:
            if reference_of(paid.get("orderreference")) != ask.merchant_reference:
                raise Contradiction("the answer is about another payment")
            rows = rows or [{"type": kind, **paid}]  # right after it the list may still be empty
    for row in rows:
        match row:
            case {"type": str(kind), "amount": minor, **more} if kind.lower() in _KINDS:
                sums[kind.lower()] += amount_of(minor, currency).minor
                listed[str(more.get("payeereference"))] = Outcome.SUCCEEDED
            case _:
                raise Unreadable("not a transaction that we know")
    authorised, captured = sums["authorization"] + sums["sale"], sums["sale"] + sums["capture"]
    refunded, voided = sums["reversal"], sums["cancellation"]
    left = authorised - captured - voided, captured - refunded
    if order.left != left or (word is Word.AUTHORISED) != (authorised > 0):
        raise Unreadable("the list of transactions is not complete")
    standing = Standing(
        word=Word.VOIDED if 0 < authorised == voided else word,
        authorised=Money(authorised, currency),
        captured=Money(captured, currency),
        refunded=Money(refunded, currency),
        voided=Money(voided, currency),
        provider_reference=order.reference,
        action=order.page,
        reason=_why(order),
        operations=tuple(
            Done(key=item.key, outcome=listed[reference])
            for item in ask.earlier
            if (reference := payee_reference(item.key)) in listed
        ),
    )
    require_possible(standing, ask.amount)
    return standing


def _why(order: _Order) -> str:
    """Why nothing was paid; the type of a problem may be cut down to its last part."""
    match order.status, order.more:
        case "failed", {"failed": {"problem": {"type": str(kind)}}}:
            known = ERRORS.get(f"creditcard/{kind.lower().rpartition('/')[2]}")
            return known.reason if known else "declined"
        case _:
            return order.status if WORDS[order.status] is Word.DECLINED else ""


def _stored(items: list[object]) -> list[Secret]:
    """The tokens for unscheduled payments among those of an order or of a payer."""
    return [
        Secret(reference_of(item.get("token")))
        for item in items
        if isinstance(item, dict)
        and str(item.get("tokentype", item.get("type"))).lower() == "unscheduled"
    ]
