"""Kustom Checkout (once Klarna Checkout): a form with many ways to pay, in DK, SE, NO and FI.

Source: its OpenAPI files (checkout 3, order management) and developer pages, read 2026-11. A form
is created, and shown on a page of the shop (`Kustom.snippet`). When the customer has paid, there is
an order of the same id. It is acknowledged, so that Kustom stops telling us of it, and from then on
captured, cancelled or released, and refunded as Klarna's are. What is open is decided so that no
money can be lost:

- Nothing is found by our reference, and to create a form has no key. Without Kustom's id nobody
  saw a form, so nobody has paid; a repeat makes another form, and only the last one is shown.
- How long a key of the other operations is kept is not said. We repeat for an hour.
- A form that is gone (it lives for 48 hours after its last use) is unclear, not a "no". So is one
  in a state that is not listed, as that of one that was aborted.
- Nobody who is turned down in a form is told to us: they can try another way, so it pends. The void
  of a form aborts it. That is done if Kustom says so, unless it also says that the form is open
  still, or paid; what were paid even so is seen, because Kustom tells us, and voided.
- An order for another amount than was asked for, as after something was added in the form, is a
  contradiction.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final
from urllib.parse import urlencode

import httpx

from checkoutflow.errors import Contradiction, InvalidInput, ProviderError
from checkoutflow.payment.capabilities import Capabilities
from checkoutflow.payment.outcomes import Operation, Outcome, Redirect, Result, Standing, Word
from checkoutflow.providers.base import SUCCEEDED, UNKNOWN, Address, Hosts, Name, careful, unclear
from checkoutflow.providers.contract import Ask, Authorise, Exchange, Notice, Webhook
from checkoutflow.providers.http import Unreadable, amount_of, body_of, path
from checkoutflow.providers.klarna_orders import (
    ADDRESS,
    CONTACT,
    CURRENCIES,
    PART,
    TYPES,
    KlarnaAccount,
    KlarnaOrders,
    cart_of,
    customer_of,
    name_of,
    not_done,
    order_path,
    seen_first,
    standing_of,
)
from checkoutflow.providers.notices import address_for, payment_in
from checkoutflow.texts import translate

if TYPE_CHECKING:
    from collections.abc import Mapping

METHODS: Final = ("kustom", "checkout")  # how to pay is chosen in the form

# Their word for a form, of which they write some in capitals -> ours. Of one that is complete there
# will be an order. An unlisted word is unclear.
_OPEN: Final = "checkout_incomplete"
FORMS: Final[Mapping[str, Word]] = MappingProxyType(
    {_OPEN: Word.PENDING, "checkout_complete": Word.PENDING}
)

MAXIMUM: Final = 100_000_000  # minor units: of a line there, so of an order here
URL: Final = 2000  # characters

CAPABILITIES: Final = Capabilities(
    operations=frozenset(Operation),
    can_be_asked=True,
    finds_by_ours=False,
    currencies=frozenset(CURRENCIES.values()),
    repeat_s=3600,
    details=frozenset({*CONTACT, *ADDRESS, "organisation_number"}),
)


class KustomConfig(KlarnaAccount):
    """One account at Kustom.

    Attributes:
        username: Of the API credentials, as Kustom's portal shows it.
        password: The API key, or with older credentials the shared secret.
        terms_url: The page with the shop's terms.
        page_url: The page of the shop on which the form is shown. ``payment`` is added to it.
        notice_url: Where notices are to be sent. Each order carries it.
        notice_secret: What the proofs in its addresses are made of: random characters of our own
            choice, at least 32.
    """

    hosts: ClassVar = Hosts("https://api.kustom.co", "https://api.playground.kustom.co")

    name: Name = "kustom"
    terms_url: Address
    page_url: Address


@dataclass(slots=True, eq=False)
class Kustom(KlarnaOrders):
    """Kustom Checkout behind the contract. Nothing is kept from call to call.

    Its reference of a payment is ``form:`` and the id, and ``order:`` and the same id once there is
    an order that was acknowledged.
    """

    page: ClassVar = "form"
    config: KustomConfig
    capabilities: Capabilities = CAPABILITIES

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Create a form, and send the customer to the page that shows it.

        Raises:
            NotSupported: If the method, the market or its currency is not one of theirs.
            InvalidInput: If the amount, the reference, the number of lines or the return address is
                beyond their limits.
        """
        self._require(order, order.amount, METHODS, MAXIMUM)
        if len(order.return_url) > URL:
            raise InvalidInput(f"must be at most {URL} characters", field="return_url")
        return (yield from careful(self._create(order), UNKNOWN))

    def snippet(self, provider_reference: str) -> Exchange[str]:
        """The HTML of the form, for the page at ``page_url``; later it says that all is paid.

        Args:
            provider_reference: Our reference of Kustom's, as a payment has it.

        Raises:
            InvalidInput: If the reference is not one of Kustom's.
            ProviderError: If there is no such form, or no readable answer.
        """
        kind, _, name = provider_reference.partition(":")
        if kind not in {self.page, "order"} or not name:
            raise InvalidInput("must be that of a form", field="provider_reference")
        response = yield self._request("GET", _form_path(name))
        match response.status_code, body_of(response):
            case 200, {"order_id": str(theirs), "html_snippet": str(html)} if html:
                if theirs == name:
                    return html
        raise ProviderError("Kustom gave no form")

    def status(self, ask: Ask) -> Exchange[Standing]:
        """Say how the payment stands: first as an order, and while it is none, as a form."""
        if ask.provider_reference is None:
            return Standing.nothing(Word.NOT_FOUND, ask.amount.currency)  # nobody saw a form
        return (yield from careful(self._look(ask), unclear(ask)))

    def read_notices(self, webhook: Webhook) -> tuple[Notice, ...]:
        """See that the address is one that we gave out for a payment; Kustom signs nothing.

        What it says is not believed, so each minute's is another: it makes us look.

        Raises:
            UntrustedNotice: If the address was not made by us.
        """
        ours = payment_in(webhook.query, self.config.notice_secret)
        minute = int(webhook.now_s) // 60
        return (Notice(id=f"{ours}-{minute}", merchant_reference=ours, kind="push"),)

    # Steps ----------------------------------------------------------------------------------------

    def _create(self, order: Authorise) -> Exchange[Result]:
        config, reference = self.config, order.merchant_reference
        address = address_for(config.notice_url, config.notice_secret, reference)
        page = f"{config.page_url}?{urlencode({'payment': reference})}"
        body = {
            **cart_of(order, translate(PART, order.locale)),
            **customer_of(order, CONTACT),
            "merchant_urls": {
                "terms": config.terms_url,
                "checkout": page,
                "confirmation": order.return_url,
                "push": address,
                "notification": address,
            },
            # Who they are was asked before, and what they may pay with depends on it.
            "options": {"allowed_customer_types": [TYPES[order.customer]]},
        }
        response = yield self._request("POST", _FORMS, body)
        if response.status_code != httpx.codes.CREATED:
            return not_done(response)
        match body_of(response):
            case {
                "order_id": name,
                "merchant_reference1": str(ours),
                "order_amount": minor,
                "purchase_currency": currency,
                "status": str(word),
            } if word.lower() == _OPEN:
                if (ours, amount_of(minor, currency)) != (reference, order.amount):
                    raise Contradiction("the answer is about something else")
                return Result(
                    outcome=Outcome.PENDING,
                    provider_reference=f"{self.page}:{name_of(name)}",
                    action=Redirect(url=page),
                )
            case _:
                return UNKNOWN

    def _look(self, ask: Ask) -> Exchange[Standing]:
        """Read the order; acknowledge it when it is there for the first time."""
        kind, _, name = (ask.provider_reference or "").partition(":")
        if kind == "order":
            return (yield from self._order(name, ask))
        if kind != self.page:
            raise Unreadable("not a reference of theirs")
        response = yield self._request("GET", order_path(name))
        if response.status_code == httpx.codes.NOT_FOUND:
            return (yield from self._form(name, ask))
        standing = standing_of(response, name, ask)
        # Whatever comes of it: until it is acknowledged, they go on telling us for two days.
        yield self._request("POST", order_path(name, "acknowledge"))
        return seen_first(standing)

    def _form(self, name: str, ask: Ask) -> Exchange[Standing]:
        """Read a form of which there is no order."""
        response = yield self._request("GET", _form_path(name))
        match response.status_code, body_of(response):
            case 200, {
                "order_id": str(theirs),
                "merchant_reference1": str(ours),
                "status": str(word),
            }:
                if (theirs, ours) != (name, ask.merchant_reference):
                    raise Contradiction("the answer is about another form")
                return Standing.nothing(FORMS.get(word.lower(), Word.UNCLEAR), ask.amount.currency)
            case _:
                raise Unreadable("not a form")

    def _close(self, name: str) -> Exchange[Result]:
        """Abort a form. Otherwise the customer may have been faster: we look."""
        response = yield self._request("POST", _form_path(name, "abort"))
        match response.status_code, body_of(response):
            case 200, {"order_id": str(theirs), "status": str(word)}:
                if theirs != name:
                    raise Contradiction("the answer is about another form")
                return UNKNOWN if word.lower() in FORMS else SUCCEEDED
            case _:
                return UNKNOWN


_FORMS: Final = "/checkout/v3/orders"


def _form_path(name: str, *more: str) -> str:
    return f"{_FORMS}{path(name, *more)}"
