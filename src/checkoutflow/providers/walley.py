"""Walley (formerly Collector Bank): its checkout with invoice, part payment, card and bank.

Source: the provider's documentation of its checkout and order APIs, read 2026-11, and its shop
modules. There is no machine-readable description. The customer pays in a session: on Walley's own
page, or in a script on a page of the shop. An order comes of it, and what is asked of the order is
only taken in (202); the look-ups show seconds later what became of it. What is open is decided so
that no money can be lost:

- Two headers are named for idempotency, so both are sent. As either may not count for orders, a
  capture or refund is never repeated: it is asked about.
- A session can only be found by the provider's own name for it. Where that was lost, the customer
  never got a page, and the same request makes another session that does no harm.
- How an order stands is worked out from its items. When these do not add up to what was bought,
  which is not documented for captures and refunds of a mere amount, the order is unclear.
- 404 is said of what is not visible yet as well, and so proves nothing.
- Nothing is signed. Each payment has a notice address of its own, and a notice only makes us look.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

import httpx
from pydantic import Field

from checkoutflow.errors import Contradiction, InvalidInput, NotSupported
from checkoutflow.money import Money
from checkoutflow.payment.capabilities import Capabilities
from checkoutflow.payment.outcomes import Operation, Outcome, Redirect, Result, Standing, Word
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.base import (
    SUCCEEDED,
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
)
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
    body_of,
    money_from,
    page_of,
    path,
    reference_of,
    request,
    time_or_none,
)
from checkoutflow.providers.lines import by_piece, one_line
from checkoutflow.providers.notices import address_for, payment_in

if TYPE_CHECKING:
    from collections.abc import Mapping

SCOPES: Final = MappingProxyType(
    {
        True: "705798e0-8cef-427c-ae00-6023deba29af/.default",  # for tests
        False: "a3f3019f-2be9-41cc-a254-7bb347238e89/.default",
    }
)

CURRENCIES: Final[Mapping[str, str]] = MappingProxyType(
    {"SE": "SEK", "NO": "NOK", "DK": "DKK", "FI": "EUR"}
)
# The customer chooses among the store's ways to pay on the page itself.
METHODS: Final = frozenset({"checkout"})

# Their word for a session without an order, or for the result of its purchase -> ours.
SESSIONS: Final[Mapping[str, Word]] = MappingProxyType(
    {
        "Initialized": Word.PENDING,
        "CustomerIdentified": Word.PENDING,
        "CommittedToPurchase": Word.PENDING,
        "OnHold": Word.PENDING,
        "Signing": Word.PENDING,
        "Aborted": Word.VOIDED,
        "Cancelled": Word.VOIDED,
        "Rejected": Word.DECLINED,
    }
)
# Their word for an order -> ours, before its items are looked at.
ORDERS: Final[Mapping[str, Word]] = MappingProxyType(
    {
        "OnHold": Word.PENDING,
        "Rejected": Word.DECLINED,
        "NotActivated": Word.AUTHORISED,
        "PartActivated": Word.AUTHORISED,
        "Activated": Word.AUTHORISED,
        "Returned": Word.AUTHORISED,
        "Cancelled": Word.VOIDED,
        "Expired": Word.EXPIRED,
    }
)
# Their word for an item of an order -> which of our sums its price counts for.
ITEMS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "NotActivated": (),
        "Activated": ("captured",),
        "Returned": ("captured", "refunded"),
        "Canceled": ("voided",),
        "Cancelled": ("voided",),
        "Expired": ("voided",),
    }
)

# The status codes with which they refuse, and why.
REFUSALS: Final[Mapping[int, str]] = MappingProxyType(
    {
        400: "invalid_request",
        401: "unauthorised",
        403: "unauthorised",
        404: "payment_not_found",
        422: "invalid_request",
    }
)
# In their codes for a "no" that is none: it was done before, or is being done.
_MAYBE_DONE: Final = re.compile("ALREADY|IDEMPOTENCY")

TEXT: Final = 50  # characters of a line's id and of its description
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,8192}")


class WalleyConfig(ProviderConfig):
    """One merchant's stores in one country.

    Attributes:
        client_id: From Walley, as is ``client_secret``.
        market: Country of the stores: it decides the currency.
        store_id: The store that sells to consumers.
        business_store_id: The store that sells to businesses; without one, none are sold to.
        terms_url: Page of the shop's terms.
        notice_url: Where notices are to be sent; it has no query.
        notice_secret: The shop's own: what the address of each payment's notices is proven with. At
            least 32 characters, known to nobody else.
        page_url: A page of the shop that runs Walley's script with the token in its query
            (``?token=``). Without one, customers are sent to Walley's own page.
    """

    hosts = Hosts("https://api.walleypay.com", "https://api.uat.walleydev.com")

    name: Name = "walley"
    client_id: str = Field(pattern=r"^[!-~]{1,100}$")
    client_secret: Credential
    market: Literal["SE", "NO", "DK", "FI"]
    store_id: int = Field(ge=1)
    business_store_id: int | None = Field(default=None, ge=1)
    terms_url: Address
    notice_url: Address
    notice_secret: OwnSecret
    page_url: Address | None = None


@dataclass(slots=True, eq=False)
class Walley(Configured):
    """Walley behind the contract.

    The access token is kept from call to call for as long as the provider takes it, and fetched
    again when it says 401. Nothing else is kept.

    Their name for a payment is that of the session; once there is an order, that of the order
    follows it after a colon.
    """

    config: WalleyConfig
    capabilities: Capabilities = field(init=False)
    _token: Secret | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Say what these stores can do."""
        self.capabilities = Capabilities(
            operations=frozenset(Operation),
            can_be_asked=True,
            finds_by_ours=False,
            currencies=frozenset({CURRENCIES[self.config.market]}),
            repeat_s={Operation.AUTHORISE: 3600, Operation.VOID: 3600},
            details=frozenset({"email", "phone"}),
        )

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Open a session and send the customer to its page.

        Raises:
            NotSupported: If the currency, the method or the kind of customer is not these stores'.
            InvalidInput: If the amount is not above zero.
        """
        return careful(self._authorise(order), UNKNOWN)

    def status(self, ask: Ask) -> Exchange[Standing]:
        """Say how the payment stands now: by its order, or while there is none by its session."""
        return careful(self._status(ask), unclear(ask))

    def capture(self, order: Modification) -> Exchange[Result]:
        """Ask for some or all of what is reserved to be taken."""
        return careful(self._modify(Operation.CAPTURE, "capture", order), UNKNOWN)

    def void(self, order: Modification) -> Exchange[Result]:
        """Ask for what is left to be released; while there is no order, abort the session."""
        return careful(self._modify(Operation.VOID, "cancel", order), UNKNOWN)

    def refund(self, order: Modification) -> Exchange[Result]:
        """Ask for captured money to be given back."""
        return careful(self._modify(Operation.REFUND, "refund", order), UNKNOWN)

    def read_notices(self, webhook: Webhook) -> tuple[Notice, ...]:
        """See that the address is one that we gave out. The request itself says nothing.

        There is nothing in it to tell a repeat by, so the second of its arrival is its name.

        Raises:
            UntrustedNotice: If the address is not ours.
        """
        payment = payment_in(webhook.query, self.config.notice_secret)
        return (Notice(f"{payment}-{int(webhook.now_s)}", payment, "notification"),)

    # Steps ----------------------------------------------------------------------------------------

    def _authorise(self, order: Authorise) -> Exchange[Result]:
        self.capabilities.require(Operation.AUTHORISE, order.amount.currency)
        body = self._session(order)
        status, answer = yield from self._ask("POST", "/checkouts", order.key, body)
        match status, answer:
            case ((200 | 201), {"data": dict(data), "error": None}):
                return Result(
                    outcome=Outcome.PENDING,
                    provider_reference=reference_of(data.get("privateId")),
                    action=Redirect(url=self._page(data)),
                )
        return _not_done(status, answer)

    def _status(self, ask: Ask) -> Exchange[Standing]:
        found = yield from self._locate(ask)
        if isinstance(found, Word):
            return _nothing(found, ask)
        match (yield from self._ask("GET", path("manage", "orders", found))):
            case 200, {"data": dict(answer)}:
                return _standing(answer, ask, found)
        return unclear(ask)

    def _modify(self, operation: Operation, word: str, order: Modification) -> Exchange[Result]:
        self.capabilities.require(operation, order.amount.currency)
        found = yield from self._locate(order)
        if isinstance(found, Word):
            if operation is Operation.VOID and found is Word.PENDING:
                return (yield from self._abort(order))
            return UNKNOWN
        body: dict[str, object] = {"actionReference": order.key}
        if operation is not Operation.VOID:
            # By the amount alone: lines would have to match theirs to the letter.
            body["amount"] = order.amount.decimal()
        where = path("manage", "orders", found, word)
        status, answer = yield from self._ask("POST", where, order.key, body)
        if status == httpx.codes.ACCEPTED:
            return Result(outcome=Outcome.PENDING)
        return _not_done(status, answer)

    def _abort(self, order: Modification) -> Exchange[Result]:
        """Close a session. They refuse it of one whose customer is paying, or has paid."""
        match (yield from self._ask("DELETE", path("checkouts", _names(order)[0]))):
            case 200, {"error": None}:
                return SUCCEEDED
        return UNKNOWN

    def _locate(self, asked: Ask | Modification) -> Exchange[str | Word]:
        """Their name for the order; while there is none, where the session stands."""
        session, order = _names(asked)
        if order:
            return order
        if not session:
            return Word.NOT_FOUND
        match (yield from self._ask("GET", path("checkouts", session))):
            case 200, {"data": {"reference": str(reference), "status": str(status), **data}}:
                _require_ours(reference, asked)
                match data.get("order"), data.get("purchase"):
                    case {"orderId": str(name)}, _:
                        return reference_of(name)
                    case _, {"result": str(result)} if status == "PurchaseCompleted":
                        return SESSIONS.get(result, Word.UNCLEAR)
                    case _:
                        return SESSIONS.get(status, Word.UNCLEAR)
        return Word.UNCLEAR

    def _ask(
        self, method: str, where: str, key: str = "", body: object = None
    ) -> Exchange[tuple[int, object]]:
        """Send a request with a token: the status and the body of the answer.

        A kept token that is no longer taken is replaced once. Without a token the request is not
        sent: 401 if they refused one, and status 0 for an answer that says nothing.
        """
        token, is_kept = self._token, self._token is not None
        while True:
            if token is None:
                answer = yield self._token_request()
                match answer.status_code, body_of(answer):
                    case 200, {"token_type": "Bearer", "access_token": str(text)} if (
                        _TOKEN.fullmatch(text)
                    ):
                        token = self._token = Secret(text)
                    case 400 | 401, {"error": str()}:
                        return 401, {"error": {}}
                    case _:
                        return 0, None
            headers = {"authorization": f"Bearer {token.reveal()}"}
            if key:
                guid = str(uuid5(NAMESPACE_URL, f"walley/{key}"))  # the form that they recommend
                headers |= {"walley-idempotency-key": guid, "x-idempotency": guid}
            answer = yield request(
                method, f"{self.config.base_url}{where}", headers=headers, body=body
            )
            if answer.status_code != httpx.codes.UNAUTHORIZED or not is_kept:
                return answer.status_code, body_of(answer)
            token, is_kept = None, False

    # Requests -------------------------------------------------------------------------------------

    def _token_request(self) -> httpx.Request:
        """The one request of theirs that is a form."""
        form = {
            "client_id": self.config.client_id,
            "client_secret": self.config.client_secret.reveal(),
            "grant_type": "client_credentials",
            "scope": SCOPES[self.config.is_test],
        }
        return httpx.Request(
            "POST",
            f"{self.config.base_url}/oauth2/v2.0/token",
            headers={"accept": "application/json"},
            data=form,
        )

    def _session(self, order: Authorise) -> dict[str, object]:
        if order.method not in METHODS:
            raise NotSupported(f"{self.name} knows {', '.join(METHODS)}", field="method")
        is_business = order.customer == "business"
        store = self.config.business_store_id if is_business else self.config.store_id
        if store is None:
            raise NotSupported(f"{self.name} has no store for businesses", field="customer")
        if order.amount.minor <= 0:
            raise InvalidInput("must be above zero", field="amount")
        config, reference = self.config, order.merchant_reference
        lines = order.lines or (one_line(order.amount, f"Order {reference}"),)
        body: dict[str, object] = {
            "storeId": store,
            "countryCode": config.market,
            "reference": reference,
            "merchantTermsUri": config.terms_url,
            "notificationUri": address_for(config.notice_url, config.notice_secret, reference),
            "redirectPageUri": order.return_url,
            "checkoutAbortedRedirectPageUri": order.return_url,
            "cart": {"items": [_item(line) for line in lines]},
        }
        names = {"email": "email", "phone": "mobilePhoneNumber"}
        given = {names[name]: order.details[name] for name in names if name in order.details}
        if given:
            body["customer"] = given
        return body

    def _page(self, data: Mapping[str, object]) -> str:
        """Where the customer pays: the shop's page with the session's token, or theirs."""
        if self.config.page_url is None:
            return page_of(data.get("paymentUri"))
        token = reference_of(data.get("publicToken"))
        return f"{self.config.page_url}?{urlencode({'token': token})}"


def _names(asked: Ask | Modification) -> tuple[str, str]:
    """Their names for the session and, once there is one, for the order."""
    session, _, order = (asked.provider_reference or "").partition(":")
    return session, order


def _item(line: OrderLine) -> dict[str, object]:
    line = by_piece(line)
    return {
        "id": line.id[:TEXT],
        "description": line.name[:TEXT],
        "unitPrice": Money(line.amount.minor // line.quantity, line.amount.currency).decimal(),
        "quantity": line.quantity,
        "vat": Decimal(line.vat_basis).scaleb(-2),
    }


# Answers ------------------------------------------------------------------------------------------


def _require_ours(reference: str, asked: Ask | Modification) -> None:
    if reference != asked.merchant_reference:
        raise Contradiction("the answer is about another payment")


def _nothing(word: Word, ask: Ask) -> Standing:
    reason = "declined" if word is Word.DECLINED else ""
    return Standing.nothing(word, ask.amount.currency, reason=reason)


def _standing(answer: Mapping[str, object], ask: Ask, order: str) -> Standing:
    """How an order stands, from its word and its items.

    Raises:
        Unreadable: If it is malformed, or its items do not add up to what was bought.
        Contradiction: If it is about another payment or currency, or cannot be true.
    """
    match answer:
        case {
            "reference": str(reference),
            "currency": str(currency),
            "status": str(status),
            "items": list(items),
            **rest,
        } if status in ORDERS:
            _require_ours(reference, ask)
        case _:
            raise Unreadable("not an order")
    if currency != ask.amount.currency:
        raise Contradiction(f"asked in {ask.amount.currency}, answered in another currency")
    word = ORDERS[status]
    if word in {Word.PENDING, Word.DECLINED}:
        return _nothing(word, ask)
    parts = [_part(item, currency) for item in items]
    if sum(minor for _, minor in parts) != ask.amount.minor:
        raise Unreadable("its items do not add up")
    captured, refunded, voided = (
        amount_of(sum(minor for names, minor in parts if name in names), currency)
        for name in ("captured", "refunded", "voided")
    )
    if voided != ask.amount:
        word = Word.AUTHORISED
    elif word is Word.AUTHORISED:
        word = Word.VOIDED
    standing = Standing(
        word=word,
        authorised=ask.amount,
        captured=captured,
        refunded=refunded,
        voided=voided,
        provider_reference=reference_of(f"{_names(ask)[0]}:{order}"),
        valid_until=time_or_none(rest.get("expiresAt")),
    )
    require_possible(standing, ask.amount)
    return standing


def _part(item: object, currency: str) -> tuple[tuple[str, ...], int]:
    """Which of our sums an item counts for, and its price in minor units, which can be negative."""
    match item:
        case {"status": str(status), "totalPrice": price} if status in ITEMS:
            return ITEMS[status], money_from(price, currency).minor
        case _:
            raise Unreadable("not an item")


def _not_done(status: int, answer: object) -> Result:
    """An answer that is no success: refused if they say so, else anything is possible.

    Busy (409, 423, 429) is never refused, nor is "already": it may have been done before.
    """
    match answer:
        case {"error": dict(error)} if status in REFUSALS:
            errors = error.get("errors")
            codes = [error.get("code"), *(errors if isinstance(errors, list) else [])]
            if not any(_MAYBE_DONE.search(str(code)) for code in codes):
                return Result(outcome=Outcome.REFUSED, reason=REFUSALS[status])
    return UNKNOWN
