"""Adyen: cards, wallets, invoices and bank payments, on payment links of the provider's own.

Source: the provider's OpenAPI files (Checkout API v72, Webhooks v1) and developer pages, read
2026-11. There is no way to ask how a payment stands: signed webhooks decide. Each payment is a link
(Pay by Link) and not a hosted session, because a link can be closed when the checkout ends, says
whether it was used, and asks for manual capture by itself. What the sources leave open is decided
so that no money can be lost:

- On a link the customer may try again. So neither a refused AUTHORISATION nor OFFER_CLOSED ends
  anything: both are about one try. What ends a payment that nobody makes is the checkout, which
  closes the link.
- Keys are kept for 7 days or for 31, as the page may be; we repeat for 6 days.
- Which merchantReference a modification's webhook carries depends on the account. Ours begins with
  the payment's and goes on with the key, and the webhook's pspReference is compared as well.
- CANCEL_OR_REFUND tells what it did in a field that is not signed, so nothing is concluded from it.
  We never ask for it.
- Methods that take the money at once are marked in the payment's reference, since the method that
  a webhook names is not signed.
- An Icelandic krona has two decimals here (ISO 4217: none), as users of the provider's list report.
- How rounding is judged in lines that are priced by the piece is open: a line that does not divide
  without a rest is sent as one piece.

Mandates are stored cards, which can be asked for: our name for the mandate is the shopper's.

- Without a first payment the link is for nothing (a zero-value authorisation). If an account has
  none, the link is refused, and nothing moved.
- An answer to a charge may lack the amount: it is then believed when the webhook comes.
- What wants the customer there (a redirect, a challenge) is declined, since nobody is shown it.
- The kind of agreement is known to the link only, so our token begins with it.
- To delete a card, its token must stand in the address.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, NamedTuple
from urllib.parse import urlencode

from httpx import codes
from pydantic import Field, field_validator, model_validator

from checkoutflow.errors import Contradiction, InvalidInput, NotSupported, UntrustedNotice
from checkoutflow.money import Money
from checkoutflow.payment.capabilities import Capabilities, MandateTerms
from checkoutflow.payment.outcomes import (
    Heard,
    Mandate,
    MandateWord,
    Operation,
    Outcome,
    Redirect,
    Result,
    Risk,
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
    risk_of,
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
    time_of,
)
from checkoutflow.providers.lines import by_piece, one_line
from checkoutflow.providers.notices import header, require_same
from checkoutflow.texts import language_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from checkoutflow.payment.outcomes import Standing

LIVE: Final = "https://{prefix}-checkout-live.adyenpayments.com/checkout/v72"

# Their minor units to one of ours, where they differ.
FACTORS: Final[Mapping[str, int]] = MappingProxyType({"ISK": 100})
CURRENCIES: Final = frozenset({"DKK", "SEK", "NOK", "EUR", "ISK"})
REPEAT_S: Final = 6 * 86_400


class Method(NamedTuple):
    """A way to pay.

    Attributes:
        type: The provider's name.
        is_sale: The money is taken at once: there is no capture.
        is_invoice: It wants the order's lines, and asks the customer who they are.
    """

    type: str
    is_sale: bool = False
    is_invoice: bool = False


_CARD: Final = Method("scheme")
_PLAIN: Final = "scheme applepay googlepay mobilepay vipps"
_INVOICES: Final = (
    "klarna klarna_account klarna_paynow klarna_b2b riverty riverty_account walley walley_b2b"
)
_SALES: Final = "swish trustly ebanking_FI"

# What a shop can name as ``provider_method``.
METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "card": _CARD,
        **{name: Method(name) for name in _PLAIN.split()},
        **{name: Method(name, is_invoice=True) for name in _INVOICES.split()},
        **{name: Method(name, is_sale=True) for name in _SALES.split()},
    }
)

# Events and their success -> the operation, and whether it is done. What is not here proves nothing
# that we act on: failed tries, disputes (they change no payment), reports, what nobody asked for.
_A, _C, _V, _R = Operation
EVENTS: Final[Mapping[tuple[str, str], tuple[Operation, bool]]] = MappingProxyType(
    {
        ("AUTHORISATION", "true"): (_A, True),
        ("CAPTURE", "true"): (_C, True),
        ("CAPTURE", "false"): (_C, False),
        ("CAPTURE_FAILED", "true"): (_C, False),
        ("CANCELLATION", "true"): (_V, True),
        ("CANCELLATION", "false"): (_V, False),
        ("TECHNICAL_CANCEL", "true"): (_V, True),
        ("TECHNICAL_CANCEL", "false"): (_V, False),
        ("EXPIRE", "true"): (_V, True),
        ("REFUND", "true"): (_R, True),
        ("REFUND", "false"): (_R, False),
        ("REFUND_FAILED", "true"): (_R, False),
        ("REFUNDED_REVERSED", "true"): (_R, False),
    }
)
TAKEN_BACK: Final = frozenset({"CAPTURE_FAILED", "REFUND_FAILED", "REFUNDED_REVERSED"})

# What became of a charge. What is not here leaves it open: "Error" as well, and a part of it.
_ABSENT: Final = (Outcome.DECLINED, "authentication_required")
RESULTS: Final[Mapping[str, tuple[Outcome, str]]] = MappingProxyType(
    {
        "Authorised": (Outcome.SUCCEEDED, ""),
        "Pending": (Outcome.PENDING, ""),
        "Received": (Outcome.PENDING, ""),
        "Refused": (Outcome.DECLINED, "declined"),
        "Cancelled": (Outcome.DECLINED, "declined"),
        "RedirectShopper": _ABSENT,
        "IdentifyShopper": _ABSENT,
        "ChallengeShopper": _ABSENT,
    }
)
# Their code for why a charge was declined -> ours; "declined" where it is not here.
REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "5": "card_blocked",
        "6": "card_expired",
        "12": "insufficient_funds",
        "20": "suspected_fraud",
    }
)
# Methods on which mandates are given, and the kinds of agreement: on a schedule, or as it comes.
MANDATES: Final = ("card", "scheme")
MODELS: Final = ("Subscription", "UnscheduledCardOnFile")

# Their kinds of errors with which a request did nothing -> the reason that we give the shop.
REFUSALS: Final[Mapping[str, str]] = MappingProxyType(
    {"validation": "invalid_request", "security": "unauthorised", "configuration": "not_set_up"}
)
_STILL_RUNNING: Final = "704"  # the first request under the key has not ended

# The page's language, by ours. Without one (Icelandic) the account's own is shown.
LOCALES: Final[Mapping[str, str]] = MappingProxyType(
    {"da": "da-DK", "sv": "sv-SE", "nb": "no-NO", "nn": "no-NO", "fi": "fi-FI", "en": "en-US"}
)
# What invoice companies must know, and the page asks for.
WHO: Final = ("billingAddress", "shopperEmail", "shopperName", "telephoneNumber")

SIGNED: Final = "hmacsignature"  # the header with the signature of a notice about a token
_NAMES: Final = ("reference", "shopperReference")  # what a link is called by
SALE: Final = "sale"  # what the reference of a payment ends with whose money is taken at once
RETURN_URL: Final = 8000  # characters
# A shopper's has at least 3 characters; with a dot and a key it has at most 80.
_REFERENCE: Final = re.compile(r"[A-Za-z0-9-]{3,39}")
_PHONE: Final = re.compile(r"\+[0-9]{5,18}")
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2}){16,64}")


class AdyenConfig(ProviderConfig):
    """One merchant account.

    Attributes:
        merchant_account: Its name; notices of other accounts are left alone.
        api_key: For the Checkout API; test and live differ.
        hmac_key: Hexadecimal, made in the portal for the webhook's address.
        notice_user: What the webhook signs in with (Basic), as set in the portal.
        notice_password: As above. The signatures leave out much of a webhook, and the time.
        live_prefix: What the merchant's own live addresses begin with; not needed for tests.
        captures: ``once``: after a partial capture the provider releases the rest, as accounts do
            by default. ``many``: the provider has switched on multiple partial captures.
        shop_url: The shop's address, which goes with each charge on a mandate although nobody is
            there to return to it. Without it there are no mandates.
        token_hmac_key: As ``hmac_key``, of the webhook for recurring tokens where there is one.
    """

    hosts: ClassVar = Hosts("", "https://checkout-test.adyen.com/v72")

    name: Name = "adyen"
    merchant_account: str = Field(pattern=r"^[A-Za-z0-9_-]{1,80}$")
    api_key: Credential
    hmac_key: Credential
    notice_user: str = Field(pattern=r"^[!-9;-~]{1,100}$")
    notice_password: Credential
    live_prefix: str = Field(default="", pattern=r"^[A-Za-z0-9-]{0,100}$")
    captures: Literal["once", "many"] = "once"
    shop_url: Address | None = None
    token_hmac_key: Credential | None = None

    @model_validator(mode="before")
    @classmethod
    def _has_a_live_host(cls, data: Any) -> Any:  # noqa: ANN401 -- whatever was given
        if isinstance(data, dict) and not (data.get("is_test") or data.get("base_url")):
            if not data.get("live_prefix"):
                raise ValueError("live_prefix is missing; or set is_test")
            return {**data, "base_url": LIVE.format(prefix=data["live_prefix"])}
        return data

    @field_validator("hmac_key", "token_hmac_key")
    @classmethod
    def _is_hexadecimal(cls, secret: Secret | None) -> Secret | None:
        if secret is not None and not _HEX.fullmatch(secret.reveal()):
            raise ValueError("must be 32 to 128 hexadecimal digits, as the portal shows it")
        return secret


@dataclass(slots=True, eq=False)
class Adyen(Configured):
    """Adyen behind the contract."""

    config: AdyenConfig
    capabilities: Capabilities = field(init=False)

    def __post_init__(self) -> None:
        """Say what this account can do."""
        self.capabilities = Capabilities(
            operations=frozenset(Operation),
            can_be_asked=False,
            finds_by_ours=False,
            currencies=CURRENCIES,
            captures=self.config.captures,
            repeat_s=REPEAT_S,
            mandates=MandateTerms(first_charge=True) if self.config.shop_url else None,
            details=frozenset({"email", "phone"}),
        )

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Make a link and send the customer there.

        The link's id stands for the payment until a notice brings the payment's own reference.

        Raises:
            NotSupported: If it does not know the currency or the method.
            InvalidInput: If a reference or the return address is beyond its limits.
        """
        return careful(self._authorise(order), UNKNOWN)

    def status(self, ask: Ask) -> Exchange[Standing]:
        """There is no look-up.

        Raises:
            NotSupported: Always.
        """
        del ask
        yield from ()  # as every operation, it does nothing before it is run
        raise NotSupported(f"{self.name} cannot be asked how a payment stands")

    def capture(self, order: Modification) -> Exchange[Result]:
        """Take some or all of what is reserved; a notice says later whether it was done."""
        return careful(self._modify(Operation.CAPTURE, "captures", order), UNKNOWN)

    def void(self, order: Modification) -> Exchange[Result]:
        """Release what is reserved, or close the link that nobody has paid on.

        Which of them depends on whether an authorisation is known: a void that did not reach a link
        is repeated as a cancellation, if the customer was faster. Where we have no reference of
        theirs, the payment is cancelled by ours.
        """
        return careful(self._void(order), UNKNOWN)

    def refund(self, order: Modification) -> Exchange[Result]:
        """Give captured money back; a notice says later whether it was done."""
        return careful(self._modify(Operation.REFUND, "refunds", order), UNKNOWN)

    def agree(self, order: Agree) -> Exchange[Result]:
        """Make a link on which a card is stored, together with the first payment or for nothing.

        The notices about a first payment carry its own reference.

        Raises:
            NotSupported: If there are no mandates in this currency or on this method.
            InvalidInput: If a reference or the return address is beyond its limits.
        """
        return careful(self._agree(order), UNKNOWN)

    def mandate(self, ask: MandateAsk) -> Exchange[Mandate]:
        """Say how a mandate stands: its card, and before there is one, its link."""
        return careful(self._mandate(ask), UNCLEAR_MANDATE)

    def charge(self, order: Charge) -> Exchange[Result]:
        """Take a payment on a stored card; it is captured like any other.

        Raises:
            NotSupported: If there are no mandates in this currency or on this method.
            InvalidInput: If the token is missing, or a reference is beyond its limits.
        """
        return careful(self._charge(order), UNKNOWN)

    def end_mandate(self, ask: MandateAsk) -> Exchange[Result]:
        """Close the link that nobody has used, or delete the card that was stored on it."""
        return careful(self._end(ask), UNKNOWN)

    def read_notices(self, webhook: Webhook) -> tuple[Notice, ...]:
        """Verify the password and the signatures, then parse: events, or one about a token.

        Raises:
            UntrustedNotice: If any of it is not proven genuine, or not readable.
        """
        user, password = self.config.notice_user, self.config.notice_password.reveal()
        basic = b64encode(octets(f"{user}:{password}")).decode()
        require_same(f"Basic {basic}", header(webhook.headers, "authorization"))
        if any(name.lower() == SIGNED for name in webhook.headers):
            return self._token_notices(webhook)
        match json_of(webhook.body):
            case {"notificationItems": [_, *_] as items}:
                notices = [self._notice(item) for item in items]
            case _:
                raise UntrustedNotice("no items in it")
        return tuple(notice for notice in notices if notice is not None)

    def _token_notices(self, webhook: Webhook) -> tuple[Notice, ...]:
        if self.config.token_hmac_key is None:
            raise UntrustedNotice("token_hmac_key is not set")
        ours = _digest(self.config.token_hmac_key, webhook.body)
        require_same(ours, header(webhook.headers, SIGNED))
        match json_of(webhook.body):
            case {
                "type": str(kind),
                "eventId": str(event),
                "data": {"merchantAccount": account, "shopperReference": str(mandate)},
            } if account == self.config.merchant_account and _REFERENCE.fullmatch(mandate):
                return (Notice(event, mandate, kind),)
            case {"type": str()}:
                return ()
            case _:
                raise UntrustedNotice("signed, but not readable as a notice")

    def _notice(self, item: object) -> Notice | None:
        """One verified item; None if it is about nothing that we act on."""
        match item:
            case {
                "NotificationRequestItem": {
                    "additionalData": {"hmacSignature": str(given), **more}
                } as i
            }:
                signed = _signed(i)
            case _:
                raise UntrustedNotice("not a signed item")
        require_same(signature(self.config.hmac_key, signed), given)
        event, original, account, reference, value, currency, code, success = signed
        ours, _, rest = reference.partition(".")
        operation, is_done = EVENTS.get((code, success), (None, False))
        if (
            operation is None
            or account != self.config.merchant_account
            or not _REFERENCE.fullmatch(ours)
            # A colon inside a value leaves open how the signed text is to be divided.
            or any(":" in text for text in signed)
            # Money that is taken at once was captured with the authorisation.
            or (operation is _C and is_done and rest == SALE)
        ):
            return None
        is_payment = operation is _A
        try:
            notice_id = f"{code}-{reference_of(event)}-{success}"
            if is_payment and value == "0":
                return Notice(notice_id, ours, code)  # a mandate without a first payment
            heard = Heard(
                operation=operation,
                outcome=Outcome.SUCCEEDED if is_done else Outcome.DECLINED,
                is_taken_back=code in TAKEN_BACK,
                # A release is of everything that is left, whatever amount stands there.
                amount=None if operation is _V else _money(int(value or -1), currency),
                key="" if rest == SALE else rest,
                reference="" if is_payment or code == "EXPIRE" else reference_of(event),
                provider_reference=reference_of(event) if is_payment else original or None,
                is_taken=is_payment and rest == SALE,
                reason="" if is_done else code.lower(),
                risk=_risk(more) if is_payment else None,
            )
            return Notice(notice_id, ours, code, heard)
        except Unreadable:
            raise UntrustedNotice("signed, but not readable as a notice") from None

    # --- requests ------------------------------------------------------------------------------

    def _link(
        self, order: Authorise | Agree, reference: str, amount: Money, method: Method
    ) -> dict[str, object]:
        if len(order.return_url) > RETURN_URL:
            raise InvalidInput(f"must be at most {RETURN_URL} characters", field="return_url")
        body: dict[str, object] = {
            "merchantAccount": self.config.merchant_account,
            "reference": reference,
            "amount": _amount(amount),
            "allowedPaymentMethods": [method.type],
            "countryCode": order.market,
            "returnUrl": order.return_url,
        }
        if not method.is_sale:
            body["manualCapture"] = True
        if locale := LOCALES.get(language_of(order.locale)):
            body["shopperLocale"] = locale
        if email := order.details.get("email"):
            body["shopperEmail"] = email
        if _PHONE.fullmatch(phone := order.details.get("phone", "")):
            body["telephoneNumber"] = phone
        return body

    def _open(self, body: dict[str, object], amount: Money, key: str) -> Exchange[Result]:
        """Make a link."""
        response = yield self._request("POST", path("paymentLinks"), body, key)
        status, said = response.status_code, body_of(response)
        match status, said:
            case 201, dict(answer) if answer.get("status") == "active":
                _about(answer, **{name: body[name] for name in _NAMES if name in body})
                _same(answer.get("amount"), amount)
                return Result(
                    outcome=Outcome.PENDING,
                    provider_reference=reference_of(answer.get("id")),
                    action=Redirect(url=page_of(answer.get("url"))),
                    valid_until=time_of(answer.get("expiresAt")),
                )
            case _:
                return _not_done(status, said)

    def _authorise(self, order: Authorise) -> Exchange[Result]:
        self.capabilities.require(Operation.AUTHORISE, order.amount.currency)
        if order.method not in METHODS:
            raise NotSupported(f"{self.name} knows {', '.join(METHODS)}", field="method")
        method = METHODS[order.method]
        body = self._link(order, _reference(order), order.amount, method)
        if method.is_invoice:
            body["lineItems"] = _lines(order.lines, order.amount)
            body["requiredShopperFields"] = list(WHO)
        return (yield from self._open(body, order.amount, order.key))

    def _named(self, order: Modification) -> dict[str, object]:
        reference = f"{_checked(order)}.{order.key}"
        return {"merchantAccount": self.config.merchant_account, "reference": reference}

    def _modify(self, operation: Operation, word: str, order: Modification) -> Exchange[Result]:
        self.capabilities.require(operation, order.amount.currency)
        if order.provider_reference is None:
            raise InvalidInput("this payment is not authorised", field="provider_reference")
        body = self._named(order)
        if operation is not Operation.VOID:
            body["amount"] = _amount(order.amount)
            if METHODS.get(order.method, _CARD).is_invoice:
                body["lineItems"] = _lines(order.lines, order.amount)
        theirs = order.provider_reference
        where = path("payments", theirs, word)
        return (yield from self._send(where, order, body, paymentPspReference=theirs))

    def _void(self, order: Modification) -> Exchange[Result]:
        if order.books.authorised:
            return (yield from self._modify(Operation.VOID, "cancels", order))
        if order.provider_reference is not None:
            return (yield from self._close(order.provider_reference, reference=_reference(order)))
        ours = _reference(order)
        body = {**self._named(order), "paymentReference": ours}
        return (yield from self._send(path("cancels"), order, body, paymentReference=ours))

    def _send(
        self, where: str, order: Modification, body: Mapping[str, object], **same: str
    ) -> Exchange[Result]:
        """Ask for a modification: it is taken in, and nothing more."""
        response = yield self._request("POST", where, body, order.key)
        status, said = response.status_code, body_of(response)
        match status, said:
            case 201, dict(answer):
                _about(answer, **same)
                if "amount" in body:
                    _same(answer.get("amount"), order.amount)
                reference = reference_of(answer.get("pspReference"))
                return Result(outcome=Outcome.PENDING, operation_reference=reference)
            case _:
                return _not_done(status, said)

    def _close(self, link: str, **same: str) -> Exchange[Result]:
        """Close a link. If it cannot be closed, see whether it is closed already.

        A link that was used, or is being used, leaves open what becomes of the payment.
        """
        where = path("paymentLinks", link)
        for method, body in (("PATCH", {"status": "expired"}), ("GET", None)):
            response = yield self._request(method, where, body)
            match response.status_code, body_of(response):
                case 200, dict(answer) if answer.get("status") == "expired":
                    _about(answer, id=link, **same)
                    return SUCCEEDED
                case _:
                    continue
        return UNKNOWN

    # --- mandates ------------------------------------------------------------------------------

    def _require_mandates(self, method: str, currency: str) -> None:
        self.capabilities.require(Operation.AUTHORISE, currency)
        if self.capabilities.mandates is None:
            raise NotSupported(f"{self.name} has no mandates: shop_url is not set")
        if method not in MANDATES:
            raise NotSupported("mandates are given on a card", field="method")

    def _agree(self, order: Agree) -> Exchange[Result]:
        self._require_mandates(order.method, order.maximum.currency)
        amount = order.first.amount if order.first else Money(0, order.maximum.currency)
        body = {
            **self._link(order, _checked(order.first or order), amount, _CARD),
            "shopperReference": _checked(order),
            "storePaymentMethodMode": "enabled",
            "recurringProcessingModel": MODELS[0 if order.every_months else 1],
        }
        return (yield from self._open(body, amount, order.key))

    def _mandate(self, ask: MandateAsk) -> Exchange[Mandate]:
        if ask.token is not None:
            known = ask.token.reveal().partition(".")[2]
            is_there = known in (yield from self._stored(ask))
            word = MandateWord.ACTIVE if is_there else MandateWord.ENDED
            return Mandate(word=word, token=ask.token if is_there else None)
        if ask.provider_reference is None:
            return Mandate(word=MandateWord.NOT_FOUND)  # nobody has seen its page
        link = yield from self._look(path("paymentLinks", ask.provider_reference))
        _about(link, id=ask.provider_reference, shopperReference=ask.merchant_reference)
        match link:
            case {"status": "active" | "paymentPending"}:
                return Mandate(
                    word=MandateWord.PENDING,
                    action=Redirect(url=page_of(link.get("url"))),
                    valid_until=time_of(link.get("expiresAt")),
                )
            case {"status": "expired"}:
                return Mandate(word=MandateWord.DECLINED)
            case {"status": "completed" | "paid", "recurringProcessingModel": str(model)} if (
                model in MODELS
            ):
                tokens = yield from self._stored(ask)
                if not tokens:  # it is stored a little later
                    return Mandate(word=MandateWord.PENDING)
                return Mandate(word=MandateWord.ACTIVE, token=Secret(f"{model}.{tokens[0]}"))
            case _:
                raise Unreadable("not a state of a link")

    def _charge(self, order: Charge) -> Exchange[Result]:
        self._require_mandates(order.method, order.amount.currency)
        if order.token is None:
            raise InvalidInput("a mandate is charged with its token", field="token")
        model, _, token = order.token.reveal().partition(".")
        reference = _checked(order)
        body = {
            "merchantAccount": self.config.merchant_account,
            "reference": reference,
            "amount": _amount(order.amount),
            "paymentMethod": {"type": _CARD.type, "storedPaymentMethodId": token},
            "shopperReference": order.mandate,
            "shopperInteraction": "ContAuth",
            "recurringProcessingModel": model,
            "returnUrl": self.config.shop_url,
            "additionalData": {"manualCapture": "true"},
        }
        response = yield self._request("POST", path("payments"), body, order.key)
        status, said = response.status_code, body_of(response)
        match status, said:
            case 200, {"resultCode": str(code), "merchantReference": ours, **answer}:
                _about({"merchantReference": ours}, merchantReference=reference)
            case _:
                return _not_done(status, said)
        outcome, reason = RESULTS.get(code, (Outcome.UNKNOWN, ""))
        if code == "Refused":
            reason = REASONS.get(str(answer.get("refusalReasonCode")), reason)
        if outcome is not Outcome.SUCCEEDED or answer.get("amount") is None:
            # Without a reference of theirs, a void goes by ours.
            outcome = Outcome.PENDING if outcome is Outcome.SUCCEEDED else outcome
            return Result(outcome=outcome, reason=reason)
        _same(answer["amount"], order.amount)
        return Result(outcome=outcome, provider_reference=reference_of(answer.get("pspReference")))

    def _end(self, ask: MandateAsk) -> Exchange[Result]:
        closed = SUCCEEDED
        if ask.token is None and ask.provider_reference is not None:
            same = {"shopperReference": ask.merchant_reference}
            closed = yield from self._close(ask.provider_reference, **same)
            if closed.outcome is Outcome.SUCCEEDED:
                return closed
        tokens = yield from self._stored(ask)
        for token in tokens:
            where = f"{path('storedPaymentMethods', token)}?{self._whose(ask)}"
            response = yield self._request("DELETE", where)
            if response.status_code != codes.NO_CONTENT:
                return _not_done(response.status_code, body_of(response))
        # A link that is being used may still bring a card.
        return SUCCEEDED if tokens else closed

    def _stored(self, ask: MandateAsk) -> Exchange[list[str]]:
        """The tokens of the cards that are stored for a mandate."""
        answer = yield from self._look(f"{path('storedPaymentMethods')}?{self._whose(ask)}")
        _about(answer, shopperReference=ask.merchant_reference)
        match answer:
            case {"storedPaymentMethods": [*items]}:
                return [_token(item) for item in items]
            case _:
                raise Unreadable("not a list of stored cards")

    def _whose(self, ask: MandateAsk) -> str:
        account = self.config.merchant_account
        return urlencode({"merchantAccount": account, "shopperReference": ask.merchant_reference})

    def _look(self, where: str) -> Exchange[dict[str, object]]:
        response = yield self._request("GET", where)
        match response.status_code, body_of(response):
            case 200, dict(answer):
                return answer
            case _:
                raise Unreadable("not an answer to a look-up")

    def _request(
        self, method: str, where: str, body: object = None, key: str = ""
    ) -> httpx.Request:
        headers = {"x-api-key": self.config.api_key.reveal()}
        if key:
            headers["idempotency-key"] = key
        return request(method, f"{self.config.base_url}{where}", headers=headers, body=body)


def _checked(order: Authorise | Modification | Agree | Charge) -> str:
    if not _REFERENCE.fullmatch(order.merchant_reference):
        raise InvalidInput("must be 3 to 39 letters, digits and dashes", field="merchant_reference")
    return order.merchant_reference


def _reference(order: Authorise | Modification) -> str:
    """The payment's reference as the provider has it."""
    is_sale = METHODS.get(order.method, _CARD).is_sale
    return f"{_checked(order)}.{SALE}" if is_sale else _checked(order)


def _amount(amount: Money) -> dict[str, object]:
    minor = amount.minor * FACTORS.get(amount.currency, 1)
    return {"value": minor, "currency": amount.currency}


def _lines(lines: Sequence[OrderLine], whole: Money) -> list[dict[str, object]]:
    """What the customer is invoiced for, priced by the piece."""
    lines = lines or [one_line(whole, "Part of an order", line_id="part")]
    return [_line(line, FACTORS.get(whole.currency, 1)) for line in lines]


def _line(line: OrderLine, factor: int) -> dict[str, object]:
    amount, vat = line.amount.minor * factor, line.vat.minor * factor
    line = by_piece(line, amount, vat)
    return {
        "id": line.id,
        "description": line.name,
        "quantity": line.quantity,
        "amountIncludingTax": amount // line.quantity,
        "amountExcludingTax": (amount - vat) // line.quantity,
        "taxAmount": vat // line.quantity,
        "taxPercentage": line.vat_basis,
    }


# Answers ------------------------------------------------------------------------------------------


def _money(value: object, currency: object) -> Money:
    """An amount in their minor units."""
    if isinstance(value, int) and isinstance(currency, str):
        minor, odd = divmod(value, FACTORS.get(currency, 1))
        if not odd:
            return amount_of(minor, currency)
    raise Unreadable("not an amount")


def _same(amount: object, ours: Money) -> None:
    match amount:
        case {"value": value, "currency": currency}:
            if (said := _money(value, currency)) != ours:
                raise Contradiction(f"asked for {ours}, the answer says {said}")
        case _:
            raise Unreadable("not an amount")


def _about(answer: Mapping[str, object], **same: object) -> None:
    for name, ours in same.items():
        if answer.get(name) != ours:
            raise Contradiction(f"the answer is about another payment: {name} differs")


def _token(item: object) -> str:
    match item:
        case {"id": name}:
            return reference_of(name)
        case _:
            raise Unreadable("not a stored card")


def _not_done(status: int, answer: object) -> Result:
    """Refused if they themselves say what is wrong with the request, else anything is possible."""
    match status, answer:
        case 400 | 401 | 403 | 422, {"errorCode": str(code), "errorType": str(kind)} if (
            kind in REFUSALS and code != _STILL_RUNNING
        ):
            return Result(outcome=Outcome.REFUSED, reason=REFUSALS[kind])
        case _:
            return UNKNOWN


# Notices ------------------------------------------------------------------------------------------


# Their words for the risk. They are not signed, so that a good one proves nothing.
RISKS: Final[Mapping[str, Level]] = {
    "veryLow": "",
    "low": "",
    "GREEN": "",
    "medium": "elevated",
    "high": "high",
    "veryHigh": "high",
    "FRAUD": "high",
}


def _risk(more: Mapping[object, object]) -> Risk | None:
    """What they say of the risk, and of the card, beside what is signed."""
    return risk_of(
        more.get("fraudRiskLevel", more.get("fraudResultType")),
        RISKS,
        country=more.get("cardIssuingCountry"),
        card=more.get("alias"),
    )


def signature(key: Secret, signed: Sequence[str]) -> str:
    """The signature of an item: HMAC-SHA256 over its signed values, joined by colons, in base64.

    Args:
        key: Hexadecimal.
        signed: pspReference, originalReference, merchantAccountCode, merchantReference, the
            amount's value and currency, eventCode and success; empty where there is none.
    """
    return _digest(key, octets(":".join(signed)))


def _digest(key: Secret, content: bytes) -> str:
    digest = hmac.new(bytes.fromhex(key.reveal()), content, hashlib.sha256).digest()
    return b64encode(digest).decode()


def _signed(item: Mapping[str, object]) -> list[str]:
    """The values of an item that are signed, as texts.

    Raises:
        UntrustedNotice: If one is of another kind than it should be.
    """
    amount = item.get("amount", {})
    amount = amount if isinstance(amount, dict) else {"value": amount}
    value = amount.get("value")
    front = ("pspReference", "originalReference", "merchantAccountCode", "merchantReference")
    texts = [item.get(name) for name in front]
    texts += [str(value) if type(value) is int else value, amount.get("currency")]
    texts += [item.get("eventCode"), item.get("success")]
    found = [text or "" for text in texts if text is None or isinstance(text, str)]
    if len(found) != len(texts) or isinstance(value, str):
        raise UntrustedNotice("a signed value is not what it should be")
    return found
