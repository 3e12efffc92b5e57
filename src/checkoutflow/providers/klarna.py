"""Klarna Payments on Klarna's own page, the orders that come of it, and customer tokens.

Source: the provider's OpenAPI files (payments, hosted payment page 1.1, order management, customer
token) and its developer pages, read 2026-08. What they leave open is decided so that no money can
be lost:

- A page on which the customer was turned down, went back or met an error stays open, so it is
  pending; voiding closes it. One that is gone (404) may have been paid on before: it is unclear.
- An authorisation whose answer was lost has shown its page to nobody, so the repeat is safe. A
  charge without an answer can be found by nothing but its repeat: so it is unclear, and has a
  method of its own.
- The idempotency key is kept for 24 hours; we repeat for 23.
- A token is given once, to the first look after the consent. Two looks at the same time can both
  ask for it, so the one that is refused is unclear.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from checkoutflow.errors import Contradiction, InvalidInput, NotSupported, UntrustedNotice
from checkoutflow.payment.capabilities import Capabilities, MandateTerms
from checkoutflow.payment.outcomes import (
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
    Hosts,
    Name,
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
    Notice,
    Webhook,
)
from checkoutflow.providers.http import (
    Unreadable,
    body_of,
    json_of,
    page_of,
    path,
    time_of,
)
from checkoutflow.providers.klarna_orders import (
    ADDRESS,
    CONTACT,
    CURRENCIES,
    NAME,
    PART,
    KlarnaAccount,
    KlarnaOrders,
    cart_of,
    customer_of,
    key_of,
    locale_of,
    name_of,
    not_done,
    seen_first,
)
from checkoutflow.providers.notices import address_for, payment_in
from checkoutflow.texts import mark, translate

if TYPE_CHECKING:
    from collections.abc import Mapping

    _Json = Mapping[str, object]


# What a shop can name as ``provider_method``: all that the customer can have (``klarna``), or one
# category of it.
_CATEGORIES: Final = "pay_now pay_later pay_over_time direct_debit direct_bank_transfer"
METHODS: Final = ("klarna", *_CATEGORIES.split())
MANDATE: Final = "mandate"  # the method of mandates, and of what is charged on them

# Their words for a page without an order -> ours. An unlisted word is unclear.
_OPEN: Final = "WAITING IN_PROGRESS MANUAL_ID_CHECK BACK FAILED ERROR COMPLETED"
_OVER: Final = "CANCELLED DISABLED"
PAGES: Final[Mapping[str, Word]] = {
    **dict.fromkeys(_OPEN.split(), Word.PENDING),
    **dict.fromkeys(_OVER.split(), Word.DECLINED),
}

MAXIMUM: Final = 200_000_000  # minor units
CHARGE_MAXIMUM: Final = 100_000_000

_CONTACT: Final = {"organisation": "organization_name", **CONTACT}
# Translators: What a customer allows when they agree that a shop takes later payments.
_PURPOSE: Final = mark("Later payments, as agreed with the shop")

CAPABILITIES: Final = Capabilities(
    operations=frozenset(Operation),
    can_be_asked=True,
    finds_by_ours=False,
    currencies=frozenset(CURRENCIES.values()),
    repeat_s=23 * 3600,
    mandates=MandateTerms(),
    details=frozenset({*_CONTACT, *ADDRESS, "organisation_number"}),
)


class KlarnaConfig(KlarnaAccount):
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


@dataclass(slots=True, eq=False)
class Klarna(KlarnaOrders):
    """Klarna behind the contract.

    Its reference of a payment is ``hpp:`` and the id of the page, and once an order came of it
    ``order:`` and the order's id. That of a mandate is ``mandate:``, the language and country of
    its page, the months between charges, and the page's id. A mandate's token is followed by those
    months: every charge has to say them again.
    """

    page: ClassVar = "hpp"
    config: KlarnaConfig
    capabilities: Capabilities = CAPABILITIES

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Describe the purchase, and make a page that places the order when the customer agrees.

        Raises:
            NotSupported: If the method, the market or its currency is not one of theirs.
            InvalidInput: If the amount, the reference or the number of lines is beyond their
                limits.
        """
        self._require(order, order.amount, METHODS, MAXIMUM)
        purchase = {**cart_of(order, translate(PART, order.locale)), "intent": "buy"}
        options = {"place_order_mode": "PLACE_ORDER"}
        if order.method != "klarna":
            options["payment_method_category"] = order.method.upper()
        return (yield from careful(self._offer(order, purchase, options, f"{self.page}:"), UNKNOWN))

    def status(self, ask: Ask) -> Exchange[Standing]:
        """Read the page until an order came of it, then the order."""
        if ask.provider_reference is None:
            # Nobody was ever sent to the page, so nothing was paid there. A charge needs no page.
            word = Word.UNCLEAR if ask.method == MANDATE else Word.NOT_FOUND
            return Standing.nothing(word, ask.amount.currency)
        return (yield from careful(self._look(ask), unclear(ask)))

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
        self._require(order, order.maximum, {MANDATE}, MAXIMUM)
        if order.first is not None:
            raise NotSupported(f"{self.name} takes no payment with the consent", field="first")
        purchase = {**cart_of(order, order.title, order.every_months), "intent": "tokenize"}
        kind = f"mandate:{locale_of(order)}:{order.every_months}:"
        options = {"place_order_mode": "NONE"}
        return (yield from careful(self._offer(order, purchase, options, kind), UNKNOWN))

    def mandate(self, ask: MandateAsk) -> Exchange[Mandate]:
        """Read the token; while there is none, the page, and fetch the token that comes of it."""
        if ask.token is None:
            return (yield from careful(self._consent(ask.provider_reference), UNCLEAR_MANDATE))
        response = yield self._request("GET", _token_path(ask.token))
        match response.status_code, body_of(response):
            case 200, {"status": "ACTIVE"}:
                return Mandate(word=MandateWord.ACTIVE, token=ask.token)
            case 200, {"status": "CANCELLED"}:
                return Mandate(word=MandateWord.ENDED)
            case _:  # they may let a suspended one work again
                return UNCLEAR_MANDATE

    def charge(self, order: Charge) -> Exchange[Result]:
        """Place an order on a token. Like any other it is reserved, and captured later.

        Raises:
            NotSupported: If the method, the market or its currency is not one of theirs.
            InvalidInput: If there is no token, or as in `authorise`.
        """
        self._require(order, order.amount, {MANDATE}, CHARGE_MAXIMUM)
        if order.token is None:
            raise InvalidInput("a charge needs the mandate's token", field="token")
        months = int(order.token.reveal().partition(":")[2] or 0)
        body, where = cart_of(order, order.title, months), _token_path(order.token, "order")
        response = yield self._request("POST", where, body, key_of("charge", order))
        match response.status_code, body_of(response):
            case 200, {"order_id": str(name)} if NAME.fullmatch(name):
                return Result(outcome=Outcome.PENDING, provider_reference=f"order:{name}")
            case _:
                return not_done(response)

    def end_mandate(self, ask: MandateAsk) -> Exchange[Result]:
        """Cancel the token; before there is one, close the page."""
        if ask.token is None:
            return (yield from self._close((ask.provider_reference or "").rpartition(":")[2]))
        where = _token_path(ask.token, "status")
        response = yield self._request("PATCH", where, {"status": "CANCELLED"})
        if response.status_code != 202:  # noqa: PLR2004 -- accepted, and under way
            return not_done(response)
        found = yield from self.mandate(ask)
        is_done = found.word is MandateWord.ENDED
        return Result(outcome=Outcome.SUCCEEDED if is_done else Outcome.PENDING)

    # Steps ----------------------------------------------------------------------------------------

    def _offer(
        self, order: Authorise | Agree, purchase: _Json, options: _Json, kind: str
    ) -> Exchange[Result]:
        """Describe a purchase, and make a page for it, which comes back to us however it ends."""
        config, reference = self.config, order.merchant_reference
        address = address_for(config.notice_url, config.notice_secret, reference)
        body = {
            **purchase,
            **customer_of(order, _CONTACT),
            "merchant_urls": {"notification": address},
        }
        response = yield self._request("POST", _PURCHASES, body)
        match response.status_code, body_of(response):
            case 200, {"session_id": name}:
                where = f"{config.base_url}{_PURCHASES}{path(name_of(name))}"
            case _:
                return not_done(response)
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
                    provider_reference=f"{kind}{name_of(name)}",
                    action=Redirect(url=page_of(url)),
                    valid_until=time_of(end) if (end := more.get("expires_at")) else None,
                )
            case _:
                return not_done(response)

    def _look(self, ask: Ask) -> Exchange[Standing]:
        """Read the order, through its page as long as we do not know it."""
        match (ask.provider_reference or "").split(":", 1):
            case ["order", order]:
                return (yield from self._order(order, ask))
            case [self.page, name]:
                word, page = yield from self._page(name)
            case _:
                raise Unreadable("not a reference of theirs")
        if "order_id" not in page:
            return Standing.nothing(word, ask.amount.currency)
        return seen_first((yield from self._order(name_of(page["order_id"]), ask)))

    def _close(self, page: str) -> Exchange[Result]:
        """Disable a page for good. Otherwise the customer may have been faster: we look."""
        response = yield self._request("DELETE", f"{_PAGES}{path(page)}")
        is_closed = response.status_code == 204  # noqa: PLR2004 -- no content
        return SUCCEEDED if is_closed else UNKNOWN

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

    def _consent(self, reference: str | None) -> Exchange[Mandate]:
        """Read the page of a mandate, and make a token of what the customer has agreed to there."""
        match (reference or "").split(":", 3):
            case ["mandate", locale, months, name]:
                word, page = yield from self._page(name)
            case _:  # nobody was ever sent to a page
                return Mandate(word=MandateWord.NOT_FOUND)
        if word is not Word.PENDING or "authorization_token" not in page:
            return Mandate(word=MandateWord(word.value))
        given = name_of(page["authorization_token"])
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
                return Mandate(word=MandateWord.ACTIVE, token=Secret(f"{name_of(token)}:{months}"))
            case _:  # also a refusal: another look, at the same time, may have the token
                return UNCLEAR_MANDATE


# Requests -----------------------------------------------------------------------------------------

_PURCHASES: Final = "/payments/v1/sessions"
_PAGES: Final = "/hpp/v1/sessions"


def _token_path(token: Secret, *more: str) -> str:
    return path("customer-token", "v1", "tokens", token.reveal().partition(":")[0], *more)
