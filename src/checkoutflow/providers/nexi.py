"""Nexi Checkout (Nets Easy, DIBS Easy): cards, wallets, accounts, invoices on its hosted page.

Source: the provider's Payment API document (v1), its official PHP client and documentation pages,
read 2026-11. How a payment stands is worked out from four sums. What is open in the documentation
is decided so that no money can be lost:

- A payment is found by the provider's own name for it only. Nobody can pay on a page whose address
  never reached us: so creating is repeated, and a payment without that name is ``not_found``. A
  charge on a mandate has no page; without the name it is ``unclear``.
- For how long an Idempotency-Key lives is not said: captures, refunds and charges on mandates are
  repeated for ten minutes, and then only asked about. A void takes no key and is never repeated.
- 405, 409 (a wrong state, a twin call) and unlisted codes are unknown. A charge on a mandate that
  is not done is looked up by its key; if that shows nothing either, a 402 is a "no" in any case.
- A refund is of one charge, and a look-up does not say of which: ours fill the charges from the
  oldest on, in several requests if need be. After one in the portal they may refuse one of ours.
- Whether a refund that waits is in the sums already is not said: while one does, the payment is
  unclear.
- Nothing says that the time to pay is over: a day after the 48 hours a payment on which nothing is
  reserved has expired. A declined attempt leaves the page open.
- Whether a mandate has its name before it is given is not said: it counts once it shows a card.
- The language is not in the API document; two public clients add it to the page's address.

The answer to a capture, void or charge says no amount, so each is followed by a look-up. These are
rationed to 30 an hour for each payment: a capture, void or charge takes one, a refund two.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, TypeAlias

import httpx
from pydantic import Field

from checkoutflow.errors import Contradiction, InvalidInput, NotSupported, UntrustedNotice
from checkoutflow.money import Money, total
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
    is_shown,
    require_possible,
    unclear,
    whole_of,
)
from checkoutflow.providers.contract import (
    Agree,
    Ask,
    Authorise,
    Charge,
    Earlier,
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
    time_of,
)
from checkoutflow.providers.lines import by_piece, one_line
from checkoutflow.providers.notices import address_for, header, payment_in, proof_for, require_same
from checkoutflow.texts import language_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

CAPABILITIES: Final = Capabilities(
    operations=frozenset(Operation),
    can_be_asked=True,
    finds_by_ours=False,
    currencies=frozenset({"DKK", "SEK", "NOK", "EUR", "GBP", "USD"}),
    repeat_s={Operation.AUTHORISE: 600, Operation.CAPTURE: 600, Operation.REFUND: 600},
    mandates=MandateTerms(first_charge=True, can_be_ended=False),
    details=frozenset(
        {"name", "organisation", "email", "phone", "street", "postal_code", "city", "country"}
    ),
)
MAXIMUM: Final = 2**31 - 1  # minor units

# What a shop can name as ``provider_method`` -> their name of the method, or of all of a type.
_NAMES: Final = (
    "Visa MasterCard Dankort AmericanExpress Forbrugsforeningen PayPal Vipps MobilePay Swish "
    "Arvato EasyInvoice EasyInstallment EasyCampaign RatePayInvoice RatePayInstallment RatePaySepa "
    "Sofort Trustly ApplePay Klarna GooglePay Card Invoice Installment A2A Wallet"
)
METHODS: Final[Mapping[str, str]] = MappingProxyType({n.lower(): n for n in _NAMES.split()})
# Mandates are given on a card, and have a name of their own: what is charged on one has no page.
MANDATE: Final = "stored_card"

LANGUAGES: Final[Mapping[str, str]] = MappingProxyType(
    {"da": "da-DK", "sv": "sv-SE", "nb": "nb-NO", "nn": "nb-NO", "fi": "fi-FI", "en": "en-GB"}
)
COUNTRIES: Final[Mapping[str, str]] = MappingProxyType(
    {"DK": "DNK", "FO": "FRO", "GL": "GRL", "SE": "SWE", "NO": "NOR", "SJ": "SJM"}
    | {"FI": "FIN", "AX": "ALA", "IS": "ISL"}
)

# What makes them send a notice. Each event has one version here, since both would be sent. A failed
# attempt to pay is left out: the customer may try again, and look-ups are rationed.
_EVENTS: Final = (
    "checkout.completed reservation.created.v2 charge.created.v2 charge.failed.v2 "
    "refund.completed refund.failed cancel.created"
)
EVENTS: Final = tuple(f"payment.{event}" for event in _EVENTS.split())

# Their codes for "this was not done", by the reason that we give the shop. Any other leaves the
# outcome unknown: that it is done already, maybe by us (1008, 1019, 1023), that the key was used
# before (1026, 1027), news.
_REASONS: Final = {
    "invalid_request": "1005 1006 1015 1016 1017 1018 1021",
    "amount_too_low": "1002",
    "amount_too_high": "1001 1009",
    "whole_amount_only": "1007 1024",
    "not_authorised": "1003",
    "authorisation_expired": "1010",
    "wrong_state": "1004",
    "payment_not_found": "1011",
    "mandate_expired": "1030",
    "mandate_not_found": "1031 1032",
    "declined": "1020 1022",
    "declined_for_good": "1029",
    "refund_failed": "1012 1013 1014",
}
_DECLINED: Final = frozenset({"declined", "declined_for_good", "refund_failed"})
CODES: Final[Mapping[str, tuple[Outcome, str]]] = MappingProxyType(
    {
        code: (Outcome.DECLINED if reason in _DECLINED else Outcome.REFUSED, reason)
        for reason, codes in _REASONS.items()
        for code in codes.split()
    }
)

# Their word for a refund that has ended -> our outcome. One with any other word waits.
REFUNDS: Final[Mapping[str, Outcome]] = MappingProxyType(
    {"Completed": Outcome.SUCCEEDED}
    | dict.fromkeys(("Cancelled", "Failed", "Expired"), Outcome.DECLINED)
)

SESSION: Final = timedelta(hours=48)
GRACE: Final = timedelta(hours=24)  # for a payment under way when the time is over

_Body: TypeAlias = "dict[str, object]"

_REFERENCE: Final = re.compile(r"[A-Za-z0-9-]{1,20}")
_PHONE: Final = re.compile(r"(\+45|\+46|\+47|\+298|\+299|\+354|\+358)([0-9]{4,12})")
_UNWANTED: Final = re.compile(r"[<>'\"&\\\x00-\x1f]")
_MANDATES: Final = ("v1", "unscheduledsubscriptions")


class NexiConfig(ProviderConfig):
    """One merchant account.

    Attributes:
        secret_key: From the portal; test and production have different ones.
        terms_url: The shop's terms, which the payment page links to.
        privacy_url: The shop's page on personal data; not sent if it is None.
        notice_url: Where notices are to be sent; it has no query. Each payment carries it, and
            nothing has to be set in the portal.
        notice_secret: Made up by the shop, at least 32 characters: what proves a notice is derived
            from it. It stays the same for as long as notices of older payments are expected.
    """

    hosts: ClassVar[Hosts] = Hosts("https://api.dibspayment.eu", "https://test.api.dibspayment.eu")

    name: Name = "nexi"
    secret_key: Credential
    terms_url: str = Field(pattern=r"^https?://[!-~]{1,240}$")
    privacy_url: str | None = Field(default=None, pattern=r"^https?://[!-~]{1,240}$")
    notice_url: Annotated[Address, Field(max_length=180)]
    notice_secret: OwnSecret


@dataclass(slots=True, eq=False)
class Nexi(Configured):
    """Nexi Checkout behind the contract."""

    config: NexiConfig
    capabilities: Capabilities = CAPABILITIES

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Create a payment and send the customer to its page.

        Raises:
            NotSupported: If the currency or the method is not theirs.
            InvalidInput: If the reference or the amount is beyond their limits.
        """
        self._require(order, METHODS, order.amount)
        bill = _bill(order.merchant_reference, order.amount, order.lines)
        return (yield from self._open(order, METHODS[order.method], bill))

    def status(self, ask: Ask) -> Exchange[Standing]:
        """Say how the payment stands now."""
        if ask.provider_reference is None and ask.method != MANDATE:
            return Standing.nothing(Word.NOT_FOUND, ask.amount.currency)  # nobody has seen its page
        return (yield from careful(self._look(ask), unclear(ask)))

    def capture(self, order: Modification) -> Exchange[Result]:
        """Take some or all of what is reserved, and look whether the charge is there."""
        return careful(self._capture(order), UNKNOWN)

    def void(self, order: Modification) -> Exchange[Result]:
        """Release what is not captured, or end the session before the customer paid; then look."""
        return careful(self._void(order), UNKNOWN)

    def refund(self, order: Modification) -> Exchange[Result]:
        """Give captured money back, charge by charge, and look how that ended.

        What was refunded before is counted as our books had it when this refund began, so that a
        repeat asks for the same parts under the same keys.
        """
        return careful(self._refund(order), UNKNOWN)

    def agree(self, order: Agree) -> Exchange[Result]:
        """Send the customer to a page to store a card, with a first payment or without.

        At the provider the two are one payment, and so have one name. It is captured later.

        Raises:
            NotSupported: If the currency or the method is not one for mandates.
            InvalidInput: If a reference or an amount is beyond their limits.
        """
        self._require(order, {MANDATE}, order.maximum)
        nothing = Money.zero(order.maximum.currency)
        bill = _bill(order.merchant_reference, nothing, (), order.title)
        if first := order.first:
            self._require(first, {MANDATE}, first.amount)
            bill = _bill(first.merchant_reference, first.amount, first.lines, first.title)
        stored: _Body = {
            "unscheduledSubscription": {"create": True},
            "myReference": order.merchant_reference,
        }
        return (yield from self._open(order, METHODS["card"], bill, stored))

    def mandate(self, ask: MandateAsk) -> Exchange[Mandate]:
        """Say how a mandate stands now."""
        if ask.provider_reference is None:
            return Mandate(word=MandateWord.NOT_FOUND)  # nobody has seen its page
        return (yield from careful(self._mandate(ask), UNCLEAR_MANDATE))

    def charge(self, order: Charge) -> Exchange[Result]:
        """Take a payment on a mandate at once; a "no" is believed if its key shows nothing.

        Raises:
            NotSupported: If the currency or the method is not one for mandates.
            InvalidInput: If there is no token, or the reference or amount is beyond their limits.
        """
        self._require(order, {MANDATE}, order.amount)
        if order.token is None:
            raise InvalidInput("a mandate is charged with its token", field="token")
        where = (*_MANDATES, order.token.reveal(), "charges")
        ours = order.merchant_reference
        body = {
            "order": _bill(ours, order.amount, order.lines, order.title),
            "notifications": self._notifications(ours),
        }
        said = yield self._request("POST", path(*where), order.key, body)
        if name := _made(said, "paymentId", 200):
            seen = yield from self.status(Ask(ours, name, order.amount, order.method))
            is_taken = seen.captured == order.amount
            outcome = Outcome.SUCCEEDED if is_taken else Outcome.PENDING
            return Result(outcome=outcome, provider_reference=name, is_taken=is_taken)
        result = _not_done(said, missing="mandate_not_found")
        if said.status_code == httpx.codes.PAYMENT_REQUIRED and result == UNKNOWN:
            result = Result(outcome=Outcome.DECLINED, reason="declined")
        known = yield self._request("GET", path(*where, "status"), order.key)
        match known.status_code, body_of(known):
            case (404, _) | (200, {"completed": False}) if result != UNKNOWN:
                return result
            case 200, {"completed": bool()} if name := _made(known, "paymentId", 200):
                return Result(outcome=Outcome.PENDING, provider_reference=name)
        return UNKNOWN

    def end_mandate(self, ask: MandateAsk) -> Exchange[Result]:
        """They keep a card for good. What is forgotten here is charged no more.

        Raises:
            NotSupported: Always.
        """
        raise NotSupported(f"{self.name} has no end for a {ask.method}: forget its token")

    def read_notices(self, webhook: Webhook) -> tuple[Notice, ...]:
        """Verify the notice's address and what it was told to send along, then parse.

        Nothing is signed. The address says which payment it is about; the other proof is in a
        header, which no server writes into its log.

        Raises:
            UntrustedNotice: If it is not proven genuine, or not readable.
        """
        reference = payment_in(webhook.query, self.config.notice_secret)
        require_same(self._word_for(reference), header(webhook.headers, "authorization"))
        match json_of(webhook.body):
            case {"id": event, "event": kind, "data": {"paymentId": str()}}:
                with suppress(Unreadable):
                    return (Notice(reference_of(event), reference, reference_of(kind)),)
        raise UntrustedNotice("proven, but not readable as a notice")

    # Steps ----------------------------------------------------------------------------------------

    def _require(
        self, order: Authorise | Agree | Charge, methods: Collection[str], amount: Money
    ) -> None:
        self.capabilities.require(Operation.AUTHORISE, amount.currency)
        if order.method not in methods:
            raise NotSupported(f"{self.name} takes {', '.join(methods)} here", field="method")
        if not 1 <= amount.minor <= MAXIMUM:
            raise InvalidInput(f"must be 1 to {MAXIMUM} minor units", field="amount")
        if not _REFERENCE.fullmatch(order.merchant_reference):
            said = "must be 1 to 20 letters, digits and dashes"
            raise InvalidInput(said, field="merchant_reference")

    def _open(
        self, order: Authorise | Agree, method: str, bill: _Body, more: _Body | None = None
    ) -> Exchange[Result]:
        """Create a payment with a page."""
        checkout = {
            "integrationType": "HostedPaymentPage",
            "returnUrl": order.return_url,
            "cancelUrl": order.return_url,
            "termsUrl": self.config.terms_url,
            "merchantTermsUrl": self.config.privacy_url,
            "charge": False,
            "merchantHandlesConsumerData": True,  # the shop has asked for what it needs
            "countryCode": COUNTRIES.get(order.market),
            "consumer": _consumer(order.details) or None,
        }
        body = {
            "order": bill,
            "checkout": {field: value for field, value in checkout.items() if value is not None},
            "notifications": self._notifications(order.merchant_reference),
            "paymentMethodsConfiguration": [{"name": method, "enabled": True}],
            **(more or {}),
        }
        response = yield self._request("POST", path("v1", "payments"), body=body)
        match response.status_code, body_of(response):
            case 201, {"paymentId": name, "hostedPaymentPageUrl": page}:
                with suppress(Unreadable):
                    mark = "&" if "?" in page_of(page) else "?"
                    language = LANGUAGES.get(language_of(order.locale), LANGUAGES["en"])
                    return Result(
                        outcome=Outcome.PENDING,
                        provider_reference=reference_of(name),
                        action=Redirect(url=f"{page}{mark}language={language}"),
                    )
        return _not_done(response)

    def _capture(self, order: Modification) -> Exchange[Result]:
        self.capabilities.require(Operation.CAPTURE, order.amount.currency)
        where = _where(order.provider_reference, "charges")
        response = yield self._request("POST", where, order.key, _part(order, order.lines))
        made = _made(response, "chargeId")
        if made is None:
            return _not_done(response)
        is_there = (yield from self._charges(order)).get(made) == order.amount
        return SUCCEEDED if is_there else UNKNOWN

    def _void(self, order: Modification) -> Exchange[Result]:
        self.capabilities.require(Operation.VOID, order.amount.currency)
        name, reserved = order.provider_reference, order.books.authorised
        if not reserved:
            response = yield self._request("PUT", _where(name, "terminate"))
        else:
            # Without lines it is all of the payment, which every method takes.
            is_whole = order.amount.minor == reserved
            body = {"amount": reserved} if is_whole else _part(order, order.lines)
            response = yield self._request("POST", _where(name, "cancels"), body=body)
        if response.status_code != httpx.codes.NO_CONTENT:
            return _not_done(response)
        seen = yield from self._look(order)
        is_done = is_shown(Operation.VOID, order, seen) if reserved else seen.word is Word.VOIDED
        return SUCCEEDED if is_done else UNKNOWN

    def _refund(self, order: Modification) -> Exchange[Result]:
        self.capabilities.require(Operation.REFUND, order.amount.currency)
        parts = _parts((yield from self._charges(order)), order)
        if not parts:
            return Result(outcome=Outcome.REFUSED, reason="amount_too_high")
        names: list[str] = []
        for number, (charge, amount) in enumerate(parts, 1):
            key = order.key if number == 1 else f"{order.key}_{number}"
            body = _part(order, order.lines if len(parts) == 1 else (), amount)
            response = yield self._request(
                "POST", path("v1", "charges", charge, "refunds"), key, body
            )
            made = _made(response, "refundId")
            if made is None:
                return UNKNOWN if names else _not_done(response)
            names.append(made)
        ours = Earlier(order.key, Operation.REFUND, order.amount, reference="+".join(names))
        with suppress(Unreadable):
            seen = yield from self._look(replace(order, earlier=(ours,)))
            if seen.operations:
                return Result(outcome=seen.operations[0].outcome)
        return Result(outcome=Outcome.PENDING, operation_reference=ours.reference)

    def _mandate(self, ask: MandateAsk) -> Exchange[Mandate]:
        answer = yield from self._read(ask.provider_reference)
        match answer:
            case {"myReference": ours, "orderDetails": {"currency": currency}}:
                wanted = ask.maximum.currency if ask.maximum else currency
            case _:
                raise Unreadable("not a mandate's payment")
        if (ours, currency) != (ask.merchant_reference, wanted):
            raise Contradiction("the answer is about another mandate")
        match answer.get("unscheduledSubscription"):
            case {"unscheduledSubscriptionId": name}:
                token = reference_of(name)
                response = yield self._request("GET", path(*_MANDATES, token))
                match response.status_code, body_of(response):
                    case 200, {"unscheduledSubscriptionId": same, **rest} if same == token:
                        details = rest.get("paymentDetails")
                    case _:
                        raise Unreadable("not the mandate")
                match details:
                    case {"cardDetails": {"maskedPan": str(card)}} if card:
                        return Mandate(word=MandateWord.ACTIVE, token=Secret(token))
        word = _session(answer, ask.at)
        if word is Word.PENDING:
            return Mandate(word=MandateWord.PENDING)
        reason = "expired" if word is Word.EXPIRED else ""
        return Mandate(word=MandateWord.DECLINED, reason=reason)

    def _look(self, asked: Ask | Modification) -> Exchange[Standing]:
        return _standing((yield from self._read(asked.provider_reference)), asked)

    def _charges(self, order: Modification) -> Exchange[dict[str, Money]]:
        answer = yield from self._read(order.provider_reference)
        _standing(answer, order)
        return _charges(answer, order.amount.currency)

    def _read(self, name: str | None) -> Exchange[Mapping[str, object]]:
        """What they say of a payment. One that they had and do not find is not to be had."""
        response = yield self._request("GET", _where(name))
        match response.status_code, body_of(response):
            case 200, {"payment": dict(answer)}:
                if reference_of(answer.get("paymentId")) != name:
                    raise Contradiction("the answer is about another payment")
                return answer
        raise Unreadable("not a payment")

    def _request(
        self, method: str, where: str, key: str = "", body: object = None
    ) -> httpx.Request:
        headers = {"authorization": self.config.secret_key.reveal()}
        if key:
            headers["idempotency-key"] = key
        return request(method, f"{self.config.base_url}{where}", headers=headers, body=body)

    def _notifications(self, reference: str) -> _Body:
        hook = {
            "url": address_for(self.config.notice_url, self.config.notice_secret, reference),
            "authorization": self._word_for(reference),
        }
        return {"webHooks": [{"eventName": event, **hook} for event in EVENTS]}

    def _word_for(self, reference: str) -> str:
        """What notices of a payment carry in a header: another proof than the address has."""
        return proof_for(self.config.notice_secret, f"authorization {reference}")


# Requests -----------------------------------------------------------------------------------------


def _where(name: str | None, *more: str) -> str:
    if name is None:
        raise Unreadable("their name for it is not known")
    return path("v1", "payments", name, *more)


def _plain(text: str) -> str:
    """Text without the characters that they do not take in names, and no longer than they take."""
    return _UNWANTED.sub(" ", text)[:128].strip() or "-"


def _consumer(details: Mapping[str, str]) -> _Body:
    """The customer, as far as given."""
    found: _Body = {}
    if email := details.get("email"):
        found["email"] = email
    if phone := _PHONE.fullmatch(details.get("phone", "")):
        found["phoneNumber"] = {"prefix": phone[1], "number": phone[2]}
    first, _, last = details.get("name", "").strip().rpartition(" ")
    names = (("firstName", first or last), ("lastName", last if first else ""))
    person = {field: _plain(name) for field, name in names if name}
    if company := details.get("organisation"):
        found["company"] = {"name": _plain(company), **({"contact": person} if person else {})}
    elif person:
        found["privatePerson"] = person
    match details:
        case {"street": street, "postal_code": code, "city": city, "country": land}:
            if land in COUNTRIES:
                found["shippingAddress"] = {
                    "addressLine1": _plain(street),
                    "postalCode": code.replace(" ", ""),
                    "city": _plain(city),
                    "country": COUNTRIES[land],
                }
    return found


def _bill(reference: str, amount: Money, lines: Sequence[OrderLine], title: str = "") -> _Body:
    """An amount and the lines that add up to it; one of our own where there are none."""
    known = lines or (one_line(amount, title or reference, line_id=reference),)
    return {
        "items": [_item(line) for line in known],
        "amount": amount.minor,
        "currency": amount.currency,
        "reference": reference,
    }


def _part(order: Modification, lines: Sequence[OrderLine], amount: Money | None = None) -> _Body:
    bill = _bill(order.merchant_reference, amount or order.amount, lines)
    return {"amount": bill["amount"], "orderItems": bill["items"]}


def _item(line: OrderLine) -> _Body:
    net = (line.amount - line.vat).minor
    line = by_piece(line, net)
    return {
        "reference": _plain(line.id),
        "name": _plain(line.name),
        "quantity": line.quantity,
        "unit": "pcs",
        "unitPrice": net // line.quantity,
        "taxRate": line.vat_basis,
        "taxAmount": line.vat.minor,
        "netTotalAmount": net,
        "grossTotalAmount": line.amount.minor,
    }


def _parts(charges: Mapping[str, Money], order: Modification) -> list[tuple[str, Money]]:
    """What to refund of which charge; nothing if there is not enough."""
    gone, wanted = order.books.refunded, order.amount.minor
    parts = []
    for name, charge in charges.items():
        given_back = min(gone, charge.minor)
        part = min(wanted, charge.minor - given_back)
        gone, wanted = gone - given_back, wanted - part
        if part:
            parts.append((name, Money(part, order.amount.currency)))
    return [] if wanted else parts


# Answers ------------------------------------------------------------------------------------------


def _made(response: httpx.Response, field: str, status: int = 201) -> str | None:
    """Their name for what a request made; None if it does not say that it made anything."""
    match body_of(response):
        case dict(answer) if response.status_code == status:
            with suppress(Unreadable):
                return reference_of(answer.get(field))
    return None


def _not_done(response: httpx.Response, missing: str = "payment_not_found") -> Result:
    """An answer that is none of success: refused if they say so, else anything is possible."""
    match response.status_code, body_of(response):
        case 400 | 402 | 500, {"code": str(code)} if code in CODES:
            outcome, reason = CODES[code]
            return Result(outcome=outcome, reason=reason)
        case 400, {"errors": dict()}:
            return Result(outcome=Outcome.REFUSED, reason="invalid_request")
        case 401, _:
            return Result(outcome=Outcome.REFUSED, reason="unauthorised")
        case 404, _:
            return Result(outcome=Outcome.REFUSED, reason=missing)
        case _:
            return UNKNOWN


def _standing(answer: Mapping[str, object], asked: Ask | Modification) -> Standing:
    """Read a payment.

    Raises:
        Unreadable: If it is malformed, its parts do not agree, or a refund waits that may be ours.
        Contradiction: If it is about another payment, amount or currency, or cannot be true.
    """
    wanted = whole_of(asked)
    match answer.get("orderDetails"), answer.get("summary") or {}:
        case {"amount": minor, "currency": theirs, "reference": reference}, {**sums}:
            found = reference_of(reference), amount_of(minor, theirs)
        case _:
            raise Unreadable("not a payment")
    if found != (asked.merchant_reference, wanted):
        raise Contradiction(f"asked about {wanted}, and the answer is about another payment")
    reserved, captured, refunded, voided = (
        amount_of(sums.get(f"{word}Amount", 0), theirs)
        for word in ("reserved", "charged", "refunded", "cancelled")
    )
    # Some methods take the money without reserving it first.
    authorised = captured if reserved.is_zero else reserved
    _charges(answer, theirs)  # an answer is believed as a whole, or not
    refunds = {
        name: (REFUNDS.get(state), amount)
        for state, name, amount in _listed(answer, "refunds", "refundId", "state", theirs)
    }
    done = total((gone for how, gone in refunds.values() if how is Outcome.SUCCEEDED), theirs)
    if any(how is None for how, _ in refunds.values()) or (refunds and done != refunded):
        raise Unreadable("a refund waits, or the list and the sum do not agree")
    if authorised.is_zero:
        word = _session(answer, asked.at)
    else:
        word = Word.VOIDED if voided == authorised else Word.AUTHORISED
    standing = Standing(
        word=word,
        authorised=authorised,
        captured=captured,
        refunded=refunded,
        voided=voided,
        provider_reference=asked.provider_reference,
        operations=tuple(
            Done(key=item.key, outcome=outcome)
            for item in asked.earlier
            if (outcome := _ended(item, refunds))
        ),
    )
    require_possible(standing, wanted)
    return standing


def _session(answer: Mapping[str, object], at: datetime | None) -> Word:
    """How a page stands on which nobody has paid yet."""
    if answer.get("terminated"):
        return Word.VOIDED
    is_over = at is not None and at > time_of(answer.get("created")) + SESSION + GRACE
    return Word.EXPIRED if is_over else Word.PENDING


def _charges(answer: Mapping[str, object], currency: str) -> dict[str, Money]:
    """The amount of each charge by their name for it, oldest first."""
    charges = _listed(answer, "charges", "chargeId", "created", currency)
    by_age = sorted(charges, key=lambda charge: charge[:2])
    return {name: amount for _, name, amount in by_age}


def _listed(
    answer: Mapping[str, object], field: str, name: str, word: str, currency: str
) -> list[tuple[str, str, Money]]:
    """A word of each item of a list, their name for the item, and its amount."""
    items, found = answer.get(field) or [], []
    for item in items if isinstance(items, list) else [items]:
        match item:
            case {"amount": minor, **rest} if isinstance(said := rest.get(word), str):
                found.append((said, reference_of(rest.get(name)), amount_of(minor, currency)))
            case _:
                raise Unreadable("not a list of what was done")
    return found


def _ended(asked: Earlier, refunds: Mapping[str, tuple[Outcome | None, Money]]) -> Outcome | None:
    """How a refund ended; None if its parts did not end alike, or do not add up to it."""
    names = (asked.reference or "").split("+")
    parts = [refunds[name] for name in names if name in refunds]
    outcomes = {outcome for outcome, _ in parts}
    is_whole = sum(amount.minor for _, amount in parts) == asked.amount.minor
    return outcomes.pop() if is_whole and len(outcomes) == 1 else None
