"""Stripe: cards on Stripe's own page, and MobilePay, Klarna and Swish by redirect.

Source: the types of stripe-python 15.3.1 (API version 2026-06-24.dahlia) and the provider's public
pages on Checkout Sessions, saved cards, manual capture, idempotency, webhooks and currencies, read
2026-11.

A card is paid, or given for later payments, on a page of Stripe's (a Checkout Session): no card
number and no client secret ever comes near the shop. The payment is called by the page's name
(``cs_...``) until it is paid, and by its own (``pi_...``) from then on. Whoever leaves the page has
not said no; it stays open until we close it, or for a day. The other methods are confirmed with the
request, and lead to the method's own page.

A mandate is a page in setup mode; its token is the customer and the card that came of it. Its end
takes the card off the customer, for good. A charge is a card payment like any other.

What is open in the documentation is decided so that no money can be lost:

- Keys are kept for at least a day; a request is repeated for 23 hours. A decline stays one.
- A key that was used with other content, a capture that does not show at once, and a refusal to
  end what may be over by our own doing are unknown.
- What is released shows as a refund, but touches no balance: such a one counts only if it has our
  key. One that waits or failed does not count either.
- Searching by our reference lags behind: "not found" proves something after an hour only.
- A Swish payment is taken when it is approved; there is nothing to capture later, or to void.
- A card that is kept for no customer cannot be charged: the mandate is over.

Krónur are sent in hundredths, which must be whole krónur. Icelandic customers read English.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar
from urllib.parse import urlencode

import httpx
from pydantic import ValidationInfo, field_validator

from checkoutflow.errors import InvalidInput, NotSupported, UntrustedNotice
from checkoutflow.payment.capabilities import Capabilities, MandateTerms
from checkoutflow.payment.outcomes import (
    Mandate,
    MandateWord,
    Operation,
    Outcome,
    Result,
    Standing,
    Word,
)
from checkoutflow.privacy.secret import Secret, octets
from checkoutflow.providers import stripe_answers as answers
from checkoutflow.providers.base import (
    UNCLEAR_MANDATE,
    UNKNOWN,
    Configured,
    Credential,
    Hosts,
    Name,
    ProviderConfig,
    careful,
    unclear,
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
    body_of,
    json_of,
    path,
    reference_of,
    request,
)
from checkoutflow.providers.lines import by_piece, one_line
from checkoutflow.providers.notices import header, hmac_hex, require_recent, require_same
from checkoutflow.texts import language_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from checkoutflow.money import Money

    _Fields = Mapping[str, object]
    _Read = Callable[[answers.Answer, "_Order"], Result]

# What is sent with a key of ours.
_Order = TypeVar("_Order", Authorise, Charge, Modification, Agree, MandateAsk)

API: Final = "https://api.stripe.com"  # for tests and for production: the key decides
VERSION: Final = "2026-06-24.dahlia"
NOTICE_AGE_S: Final = 300

# A way to pay -> the currencies it takes.
METHODS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "card": frozenset({"DKK", "SEK", "NOK", "EUR", "ISK", "GBP", "USD"}),
        "mobilepay": frozenset({"DKK", "SEK", "NOK", "EUR"}),
        "klarna": frozenset({"DKK", "SEK", "NOK", "EUR", "GBP", "USD"}),
        "swish": frozenset({"SEK"}),
    }
)

CAPABILITIES: Final = Capabilities(
    operations=frozenset(Operation),
    can_be_asked=True,
    finds_by_ours=False,
    currencies=METHODS["card"],
    captures="once",
    repeat_s=23 * 3600,
    absence_s=3600,
    mandates=MandateTerms(),
    details=frozenset({"email"}),
)

LANGUAGES: Final = MappingProxyType({"da": "da", "sv": "sv", "nb": "nb", "nn": "nb", "fi": "fi"})
_KLARNA_LOCALES: Final = frozenset(
    {"da-DK", "sv-SE", "nb-NO", "fi-FI", "sv-FI", "en-DK", "en-SE", "en-NO", "en-FI"}
)

_MAX_WIRE: Final = 99_999_999
_LINES: Final = 100
_LINE_NAME: Final = 250
_TEXT: Final = 1000

_CARD: Final = "card"
_INTENTS: Final = path("v1", "payment_intents")
_SESSIONS: Final = path("v1", "checkout", "sessions")
_REFUNDS: Final = path("v1", "refunds")
_METHODS: Final = path("v1", "payment_methods")
_WHOLE: Final[Mapping[str, object]] = {"expand": ["latest_charge"]}
# The shortest limit of all the fields that carry it, and no sign that a search reads otherwise.
_REFERENCE: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")
_MOMENT: Final = re.compile(r"[0-9]{1,12}", re.ASCII)


class StripeConfig(ProviderConfig):
    """One Stripe account, in test or in live mode: the host is the same.

    Attributes:
        secret_key: ``sk_...``, or a restricted ``rk_...`` that may write Checkout Sessions,
            PaymentIntents, refunds and payment methods, and read charges and SetupIntents. It says
            itself for which mode it is, and ``is_test`` must say the same.
        notice_secret: ``whsec_...`` of the webhook endpoint that was registered for this shop.
    """

    hosts: ClassVar[Hosts] = Hosts(API, API)

    name: Name = "stripe"
    secret_key: Credential
    notice_secret: Credential

    @field_validator("secret_key", "notice_secret")
    @classmethod
    def _is_theirs(cls, secret: Secret, field: ValidationInfo) -> Secret:
        mode = "test" if field.data.get("is_test") else "live"
        is_key = field.field_name == "secret_key"
        beginnings = (f"sk_{mode}_", f"rk_{mode}_") if is_key else ("whsec_",)
        if not secret.reveal().startswith(beginnings):
            raise ValueError(f"must begin with {' or '.join(beginnings)}")
        return secret


@dataclass(slots=True, eq=False)
class Stripe(Configured):
    """Stripe behind the contract."""

    config: StripeConfig
    capabilities: Capabilities = CAPABILITIES

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Open a page for a card, or begin a payment that leads to the method's own page.

        Raises:
            NotSupported: If the method is not theirs, or not in this currency.
            InvalidInput: If the amount or the reference is beyond their limits, or Klarna lacks an
                e-mail address.
        """
        self._require(order, order.amount)
        if order.method == _CARD:
            return (yield from self._send(_SESSIONS, order, _sale(order), answers.begun))
        return (yield from self._send(_INTENTS, order, _redirected(order), answers.begun))

    def status(self, ask: Ask) -> Exchange[Standing]:
        """Say how the payment stands now: the payment, and its refunds where it was captured."""
        return careful(self._standing(ask), unclear(ask))

    def capture(self, order: Modification) -> Exchange[Result]:
        """Take some or all of what is reserved; the rest is released with it."""
        self.capabilities.require(Operation.CAPTURE, order.amount.currency)
        where = _INTENTS + path(_known(order), "capture")
        fields = {"amount_to_capture": answers.wire(order.amount), **_WHOLE}
        return (yield from self._send(where, order, fields, answers.captured))

    def void(self, order: Modification) -> Exchange[Result]:
        """Release what is reserved and not captured; of a page not paid on, close it."""
        self.capabilities.require(Operation.VOID, order.amount.currency)
        known = _known(order)
        if known.startswith(answers.PAGE):
            return (yield from self._close(known, order, answers.voided))
        where = _INTENTS + path(known, "cancel")
        return (yield from self._end(where, order, _WHOLE, answers.voided))

    def refund(self, order: Modification) -> Exchange[Result]:
        """Give captured money back."""
        self.capabilities.require(Operation.REFUND, order.amount.currency)
        fields = {
            "payment_intent": _known(order),
            "amount": answers.wire(order.amount),
            "metadata": {**_ours(order), "checkoutflow_attempt": order.key},
        }
        return (yield from self._send(_REFUNDS, order, fields, answers.refunded))

    def agree(self, order: Agree) -> Exchange[Result]:
        """Open a page on which the customer gives a card for later payments.

        Raises:
            NotSupported: If it is not for cards, not in this currency, or a first payment is
                wanted: that is a charge, once the mandate is given.
            InvalidInput: If the amount or the reference is beyond their limits.
        """
        self._require(order, order.maximum)
        if order.method != _CARD or order.first is not None:
            raise NotSupported("mandates are for cards, without a first payment", field="method")
        return (yield from self._send(_SESSIONS, order, _consent(order), answers.asked_for))

    def mandate(self, ask: MandateAsk) -> Exchange[Mandate]:
        """Say how a mandate stands now. On a page that we never heard of nobody gave one."""
        if ask.provider_reference is None:
            return Mandate(word=MandateWord.NOT_FOUND)
        where = _SESSIONS + path(ask.provider_reference)
        with suppress(Unreadable):
            answer = yield from self._look(where, "setup_intent.payment_method")
            return answers.mandate(answer, ask)
        return UNCLEAR_MANDATE

    def charge(self, order: Charge) -> Exchange[Result]:
        """Reserve a payment on a card that was given for it.

        Raises:
            NotSupported: If the method is not theirs, or not in this currency.
            InvalidInput: If the amount or the reference is beyond their limits, or there is no
                token.
        """
        self._require(order, order.amount)
        customer, card = _customer_and_card(order.token)
        fields = {
            **_intent(order),
            "customer": customer,
            "payment_method": card,
            "off_session": "true",
            "description": order.title[:_TEXT],
        }
        return (yield from self._send(_INTENTS, order, fields, answers.begun))

    def end_mandate(self, ask: MandateAsk) -> Exchange[Result]:
        """Take the card off the customer; before the customer gave one, close the page."""
        if ask.token is None:
            return (yield from self._close(_known(ask), ask, answers.withdrawn))
        where = _METHODS + path(_customer_and_card(ask.token)[1], "detach")
        return (yield from self._end(where, ask, {}, answers.taken_off))

    def read_notices(self, webhook: Webhook) -> tuple[Notice, ...]:
        """Verify the signature over the time and the raw bytes, then parse.

        What carries none of our references (a dispute, somebody else's payment, a thin event) is
        genuine and not for us.

        Raises:
            UntrustedNotice: If it is not proven genuine, older than five minutes, or not readable.
        """
        signed = header(webhook.headers, "stripe-signature")
        parts = [item.partition("=") for item in signed.split(",")]
        moments = [value for scheme, _, value in parts if scheme == "t"]
        if len(moments) != 1 or not _MOMENT.fullmatch(moments[0]):
            raise UntrustedNotice("no readable signature")
        require_recent(int(moments[0]), webhook.now_s, age_s=NOTICE_AGE_S)
        ours = hmac_hex(self.config.notice_secret, octets(f"{moments[0]}.") + webhook.body)
        require_same(ours, *(value for scheme, _, value in parts if scheme == "v1"))
        match json_of(webhook.body):
            case {
                "id": str(event),
                "type": str(kind),
                "data": {"object": {"metadata": {"checkoutflow_reference": str(reference)}}},
            }:
                return (Notice(id=event, merchant_reference=reference, kind=kind),)
            case {"id": str(), "type": str()}:
                return ()
            case _:
                raise UntrustedNotice("signed, but not readable as a notice")

    # Steps ----------------------------------------------------------------------------------------

    def _require(self, order: Authorise | Charge | Agree, amount: Money) -> None:
        self.capabilities.require(Operation.AUTHORISE, amount.currency)
        if amount.currency not in METHODS.get(order.method, ()):
            raise NotSupported(f"of {', '.join(METHODS)}, each in its currencies", field="method")
        if not 0 < answers.wire(amount) <= _MAX_WIRE:
            raise InvalidInput("must be above zero and at most eight digits", field="amount")
        if not _REFERENCE.fullmatch(order.merchant_reference):
            said = "must be 1 to 200 letters, digits, dashes and underscores"
            raise InvalidInput(said, field="merchant_reference")

    def _standing(self, ask: Ask) -> Exchange[Standing]:
        known = ask.provider_reference
        if known is None:
            ours = f"metadata['checkoutflow_reference']:'{reference_of(ask.merchant_reference)}'"
            match (yield from self._look(f"{_INTENTS}/search", "data.latest_charge", query=ours)):
                case {"data": []}:
                    return Standing.nothing(Word.NOT_FOUND, ask.amount.currency)
                case {"data": [dict(answer)]}:
                    pass
                case _:
                    raise Unreadable("not one payment")
        elif known.startswith(answers.PAGE):
            charge = "payment_intent.latest_charge"
            answer = yield from self._look(_SESSIONS + path(known), charge)
        else:
            answer = yield from self._look(_INTENTS + path(known), "latest_charge")
        standing = answers.standing(answer, ask)
        if standing.captured.is_zero:
            return standing
        payment = str(standing.provider_reference)
        refunds = yield from self._look(_REFUNDS, payment_intent=payment, limit="100")
        return answers.with_refunds(standing, refunds, ask)

    def _look(self, where: str, part: str = "", **query: str) -> Exchange[dict[Any, Any]]:
        """Ask for something, with a part of it that is only named otherwise.

        Raises:
            Unreadable: If it does not come.
        """
        wanted = urlencode(query | ({"expand[]": part} if part else {}))
        url = f"{self.config.base_url}{where}?{wanted}"
        response = yield request("GET", url, headers=self._headers())
        match response.status_code, body_of(response):
            case 200, dict(answer):
                return answer
            case _:
                raise Unreadable("nothing to be read")

    def _close(self, page: str, order: _Order, read: _Read[_Order]) -> Exchange[Result]:
        # Should the customer be faster, the same order comes again, about what came of the page:
        # that will be another request, and needs another key.
        order = replace(order, key=f"{order.key}-expire")
        return self._end(_SESSIONS + path(page, "expire"), order, {}, read)

    def _end(
        self, where: str, order: _Order, fields: _Fields, read: _Read[_Order]
    ) -> Exchange[Result]:
        """End something. They refuse that for what is over already, maybe by our doing."""
        result = yield from self._send(where, order, fields, read)
        return UNKNOWN if result.outcome is Outcome.REFUSED else result

    def _send(
        self, where: str, order: _Order, fields: _Fields, read: _Read[_Order]
    ) -> Exchange[Result]:
        """Ask for something to be done, and read what came of it.

        A repeat gets the first answer. So what they refuse was not done before either, unless the
        key was used for something else.
        """
        headers = {
            "accept": "application/json",
            **self._headers(),
            "idempotency-key": order.key,
            "content-type": "application/x-www-form-urlencoded",
        }
        content = urlencode(list(_flat(fields))).encode()
        url = f"{self.config.base_url}{where}"
        response = yield httpx.Request("POST", url, headers=headers, content=content)
        match response.status_code, body_of(response):
            case 200, dict(answer):
                with suppress(Unreadable):
                    return read(answer, order)
            case 402, {"error": {"type": "card_error", **error}}:
                return answers.no(Outcome.DECLINED, error)
            case 400, {"error": {"type": "idempotency_error"}}:
                pass
            case 400 | 401 | 403 | 404, {"error": {"type": str(), **error}}:
                return answers.no(Outcome.REFUSED, error)
        return UNKNOWN

    def _headers(self) -> dict[str, str]:
        key = self.config.secret_key.reveal()
        return {"authorization": f"Bearer {key}", "stripe-version": VERSION}


# Requests -----------------------------------------------------------------------------------------


def _flat(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Nested data as form fields: ``a[b][0]=c``."""
    if isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        yield name, str(value)
        return
    for key, item in value.items():
        yield from _flat(item, f"{name}[{key}]" if name else key)


def _known(order: Modification | MandateAsk) -> str:
    if order.provider_reference is None:
        raise InvalidInput("it has to be known to them", field="provider_reference")
    return order.provider_reference


def _customer_and_card(token: Secret | None) -> tuple[str, str]:
    customer, _, card = token.reveal().partition(":") if token else ("", "", "")
    if not card:
        raise InvalidInput("a mandate has to be given first", field="token")
    return customer, card


def _ours(order: Authorise | Charge | Modification | Agree) -> dict[str, object]:
    return {"checkoutflow_reference": order.merchant_reference}


def _page(order: Authorise | Agree) -> dict[str, object]:
    """What all their pages have in common."""
    fields: dict[str, object] = {
        "payment_method_types": [_CARD],
        "success_url": order.return_url,
        "cancel_url": order.return_url,
        "client_reference_id": order.merchant_reference,
        "metadata": _ours(order),
        "locale": LANGUAGES.get(language_of(order.locale), "en"),
    }
    if email := order.details.get("email"):
        fields["customer_email"] = email
    return fields


def _sale(order: Authorise) -> dict[str, object]:
    """A page for one card payment, in the accepted currency and without anything to add to it."""
    lines = order.lines
    if not 0 < len(lines) <= _LINES:
        lines = (one_line(order.amount, order.merchant_reference),)
    return {
        **_page(order),
        "mode": "payment",
        "line_items": [_line(line) for line in lines],
        "payment_intent_data": {"capture_method": "manual", "metadata": _ours(order)},
        "adaptive_pricing": {"enabled": "false"},
    }


def _consent(order: Agree) -> dict[str, object]:
    """A page on which a card is kept; who holds it is a new customer to them."""
    return {
        **_page(order),
        "mode": "setup",
        "customer_creation": "always",
        "setup_intent_data": {"metadata": _ours(order)},
        "custom_text": {"submit": {"message": order.title[:_TEXT]}},
    }


def _line(line: OrderLine) -> dict[str, object]:
    line = by_piece(line)
    price = {
        "currency": line.amount.currency.lower(),
        "unit_amount": answers.wire(line.amount) // line.quantity,
        "product_data": {"name": line.name[:_LINE_NAME]},
    }
    return {"quantity": line.quantity, "price_data": price}


def _intent(order: Authorise | Charge) -> dict[str, object]:
    """A payment that is confirmed at once."""
    return {
        "amount": answers.wire(order.amount),
        "currency": order.amount.currency.lower(),
        "capture_method": "automatic" if order.method == "swish" else "manual",
        "confirm": "true",
        "payment_method_types": [order.method],
        "metadata": _ours(order),
        **_WHOLE,
    }


def _redirected(order: Authorise) -> dict[str, object]:
    """A payment that goes on at the method's own page."""
    method: dict[str, object] = {"type": order.method}
    fields = {**_intent(order), "payment_method_data": method, "return_url": order.return_url}
    if order.method == "klarna":
        email = order.details.get("email")
        if not email:
            raise InvalidInput("Klarna needs the customer's e-mail address", field="email")
        method["billing_details"] = {"email": email, "address": {"country": order.market}}
        wanted = (order.locale.replace("_", "-"), f"en-{order.market}")
        if locale := next((one for one in wanted if one in _KLARNA_LOCALES), None):
            fields["payment_method_options"] = {"klarna": {"preferred_locale": locale}}
    return fields
