"""Vipps MobilePay: the wallet of NO and SE (Vipps) and of DK and FI (MobilePay), by ePayment.

Mandates are in `checkoutflow.providers.vipps_recurring`, and what customers share of themselves in
`checkoutflow.providers.vipps_profile`. Source: the provider's OpenAPI files
(ePayment 1.8.1, access token 2.0.0, webhooks v1) and developer pages, read 2026-08. What they leave
open is decided so that no money can be lost:

- For how long an idempotency key lives is nowhere said: we repeat for an hour, and then only ask.
- Whether a cancel honours its key is not said either. So "already cancelled" (6070) is unknown, not
  refused: it may have been us.
- The ``amount`` of the answer to a capture may be that of the payment or of the capture. Both are
  taken; what counts is the aggregate. An answer that is less than whole is unknown.
- A 409 is unknown whatever its code, and a 404 without the code for "no such payment" as well.
- Whether a notice that is sent again gets a new date is open, and it is sent again for seven days.
- What happens to the sums when a reservation runs out is not said: what shows as cancelled is
  voided.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final, Literal, NamedTuple

import httpx
from pydantic import Field, ValidationInfo, field_validator

from checkoutflow.errors import Contradiction, InvalidInput, NotSupported, UntrustedNotice
from checkoutflow.payment.capabilities import Capabilities
from checkoutflow.payment.outcomes import (
    Action,
    Operation,
    Outcome,
    Redirect,
    Result,
    ShowQr,
    Standing,
    Word,
)
from checkoutflow.privacy.secret import Secret, octets
from checkoutflow.providers import vipps_profile as profiles
from checkoutflow.providers import vipps_recurring as recurring
from checkoutflow.providers.base import (
    UNCLEAR_MANDATE,
    UNKNOWN,
    Address,
    Configured,
    Credential,
    Hosts,
    Name,
    ProviderConfig,
    careful,
    money_of,
    require_possible,
    unclear,
    whole_of,
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
    body_of,
    json_of,
    page_of,
    path,
    reference_of,
    request,
    time_or_none,
)
from checkoutflow.providers.notices import header, http_date_s, require_recent, require_same
from checkoutflow.providers.vipps_recurring import (
    RECURRING,
    msisdn,
    our_reference,
    outcome_of,
    require_ours,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checkoutflow.money import Money
    from checkoutflow.payment.outcomes import Mandate
    from checkoutflow.providers.contract import Agree, Charge, MandateAsk
    from checkoutflow.providers.lookups import Profile, ProfileAsk


class Market(NamedTuple):
    """What a sales unit's country decides.

    Attributes:
        currency: The only one that its wallet takes.
        minimum: Smallest amount, in minor units.
        capture_days: Until a reservation that is neither captured nor voided is dropped. Cards
            behind the wallet may guarantee less. The provider names no figure for Sweden; the
            shorter one stands here. Denmark and Finland: 180 by agreement.
    """

    currency: str
    minimum: int
    capture_days: int


MARKETS: Final[Mapping[str, Market]] = MappingProxyType(
    {
        "NO": Market("NOK", 100, 180),
        "DK": Market("DKK", 1, 14),
        "FI": Market("EUR", 1, 14),
        "SE": Market("SEK", 100, 14),
    }
)
MAXIMUM: Final = 65_000_000  # minor units, in every currency


class Method(NamedTuple):
    """How a customer pays: the provider's names for the means and for the way there."""

    type: Literal["WALLET", "CARD"]
    flow: Literal["WEB_REDIRECT", "QR"]


# What a shop can name as ``provider_method``. A card works in production only. What has no means of
# its own is for mandates, and for the charges on them.
METHODS: Final[Mapping[str, Method | None]] = MappingProxyType(
    {
        "vipps": Method("WALLET", "WEB_REDIRECT"),
        "mobilepay": Method("WALLET", "WEB_REDIRECT"),
        "wallet": Method("WALLET", "WEB_REDIRECT"),
        "card": Method("CARD", "WEB_REDIRECT"),
        "qr": Method("WALLET", "QR"),
        RECURRING: None,
    }
)

# Their word for a payment -> ours. It never moves past AUTHORIZED: captures, voids and refunds show
# in the sums only. An unlisted word is UNCLEAR. A card that is turned down is tried again inside
# the app, so the only "no" is the customer's.
WORDS: Final[Mapping[str, Word]] = MappingProxyType(
    {
        "CREATED": Word.PENDING,
        "AUTHORIZED": Word.AUTHORISED,
        "ABORTED": Word.DECLINED,
        "EXPIRED": Word.EXPIRED,
        "TERMINATED": Word.VOIDED,
    }
)

# Their codes for "this request did nothing", by the reason that we give the shop. Every other code
# leaves the outcome unknown: it says that the thing is done already (6170, 6180, 6230, 6070), that
# the reference or the key was used before (4150, 4010, 4020), that they are busy (6160, 6250), that
# a capture may go through later under its key (6260, 6280), or nothing that we know.
_REASONS: Final = {
    "invalid_request": "4040 4050 4060 4070 4080 4090 4100 4110 4120 4130 4140 4160 6110 6120 6130",
    "not_set_up": "5010 5020 5030 5040 5050 5060 5070 5080 5100",
    "payment_not_found": "5090",
    "customer_unreachable": "7010",
    "amount_too_low": "6010",
    "amount_too_high": "6090 6150",
    "whole_amount_only": "6140",
    "not_authorised": "6020 6080",
    "too_late": "6030 6100 6220",
    "wrong_state": "6040 6050 6060 6190 6200 6210",
}
REFUSALS: Final[Mapping[str, str]] = MappingProxyType(
    {code: reason for reason, codes in _REASONS.items() for code in codes.split()}
)

# The status codes with which they refuse, and the reason where the answer has no code. A bare 404
# may be about the address only.
UNCODED: Final[Mapping[int, str]] = MappingProxyType(
    {400: "invalid_request", 401: "unauthorised", 403: "unauthorised", 404: ""}
)

# They send a notice again for seven days, perhaps under its first date. A notice is acted on once
# and only makes us look, so an old one that is believed does no harm; one that is not is lost.
NOTICE_AGE_S: Final = 8 * 86_400

DESCRIPTION: Final = range(3, 101)  # characters of a text about the payment
RETURN_URL: Final = 2500  # characters

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,8192}")
_SIGNED: Final = "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="


class VippsMobilePayConfig(ProviderConfig):
    """One sales unit. A shop that sells in three markets has three, each with its own keys.

    Attributes:
        merchant_serial_number: 4 to 10 digits, from the provider's portal.
        market: Country of the sales unit: it decides the currency.
        client_id: From the portal, as are ``client_secret`` and ``subscription_key``.
        notice_url: The address that was registered for webhooks, to the letter: it is part of what
            they sign, and behind a proxy the request does not show it.
        notice_secret: What they sign with; shown once, when the address is registered.
        partial_capture: False if the sales unit takes captures of the whole amount only.
        agreement_url: Where customers see and end their mandates. A slash and our reference of the
            mandate are added. Without it there are no mandates; in Sweden there are none.
        userinfo_key: Whether the subscription key is sent along where it is asked what a customer
            shared. The provider says both that it must be and that it must not.
        system_name: The shop's system, at most 30 characters, for the provider's support.
        system_version: Its version, at most 30 characters; not sent if it is None.
    """

    hosts: ClassVar = Hosts("https://api.vipps.no", "https://apitest.vipps.no")

    name: Name = "vipps_mobilepay"
    merchant_serial_number: str = Field(pattern=r"^[0-9]{4,10}$")
    market: Literal["NO", "DK", "FI", "SE"]
    client_id: str = Field(pattern=r"^[!-~]{1,100}$")
    client_secret: Credential
    subscription_key: Credential
    notice_url: Address
    notice_secret: Credential
    partial_capture: bool = True
    agreement_url: Address | None = None
    userinfo_key: bool = False
    system_name: str = Field(default="checkoutflow", pattern=r"^[!-~]{1,30}$")
    system_version: str | None = Field(default=None, pattern=r"^[!-~]{1,30}$")

    @field_validator("agreement_url")
    @classmethod
    def _has_mandates(cls, address: str | None, info: ValidationInfo) -> str | None:
        if address is not None and info.data.get("market") == "SE":
            raise ValueError("the provider takes no mandates in Sweden")
        return address


@dataclass(slots=True, eq=False)
class VippsMobilePay(Configured):
    """Vipps MobilePay behind the contract.

    The access token is kept from call to call for as long as the provider takes it, and fetched
    again when it says 401. Nothing else is kept.
    """

    config: VippsMobilePayConfig
    capabilities: Capabilities = field(init=False)
    _token: Secret | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Say what this sales unit can do."""
        self.capabilities = Capabilities(
            operations=frozenset(Operation),
            can_be_asked=True,
            currencies=frozenset({MARKETS[self.config.market].currency}),
            captures="many" if self.config.partial_capture else "whole",
            repeat_s=3600,
            mandates=recurring.TERMS if self.config.agreement_url else None,
            details=frozenset({"phone"}),
        )

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Create a payment and send the customer to the app.

        Raises:
            NotSupported: If the currency or the method is not one of this sales unit, or a customer
                cannot be asked to share something.
            InvalidInput: If the amount, the reference or the return address is beyond its limits.
        """
        return careful(self._authorise(order), UNKNOWN)

    def status(self, ask: Ask) -> Exchange[Standing]:
        """Say how the payment stands now."""
        look = recurring.look(self, ask) if ask.method == RECURRING else self._look(ask)
        return careful(look, unclear(ask))

    def capture(self, order: Modification) -> Exchange[Result]:
        """Take some or all of what is reserved. The law allows it when the goods are sent."""
        return careful(self._modify(Operation.CAPTURE, order), UNKNOWN)

    def void(self, order: Modification) -> Exchange[Result]:
        """Release what is reserved and not captured, for good."""
        return careful(self._modify(Operation.VOID, order), UNKNOWN)

    def refund(self, order: Modification) -> Exchange[Result]:
        """Give captured money back, within 365 days of the payment."""
        return careful(self._modify(Operation.REFUND, order), UNKNOWN)

    def agree(self, order: Agree) -> Exchange[Result]:
        """Ask the customer for a mandate, in the app; a first payment is reserved with it.

        Raises:
            NotSupported: If this sales unit has no mandates, or not in this currency or method.
            InvalidInput: If the maximum, the months or an address is beyond its limits.
        """
        return careful(recurring.agree(self, order), UNKNOWN)

    def mandate(self, ask: MandateAsk) -> Exchange[Mandate]:
        """Say how a mandate stands now."""
        return careful(recurring.mandate(self, ask), UNCLEAR_MANDATE)

    def charge(self, order: Charge) -> Exchange[Result]:
        """Have a payment reserved on the day that it is due.

        Raises:
            NotSupported: If this sales unit has no mandates, or not in this currency or method.
            InvalidInput: If it has no day, or the amount or the reference is beyond its limits.
        """
        return careful(recurring.charge(self, order), UNKNOWN)

    def end_mandate(self, ask: MandateAsk) -> Exchange[Result]:
        """End a mandate for good. What is reserved on it and not captured is released."""
        return careful(recurring.end(self, ask), UNKNOWN)

    @property
    def shareable(self) -> frozenset[str]:
        """Contact fields that a customer can be asked to share while they pay in the app."""
        return frozenset(profiles.SCOPES)

    def profile(self, ask: ProfileAsk) -> Exchange[Profile | None]:
        """What the customer shared with a payment, for a week; None also while it is not there yet.

        Raises:
            InvalidInput: If the reference is beyond their limits.
        """
        return careful(profiles.profile(self, ask), None)

    def read_notices(self, webhook: Webhook) -> tuple[Notice, ...]:
        """Verify the signature over date, registered address and raw bytes, then parse.

        Raises:
            UntrustedNotice: If it is not proven genuine, older than eight days, from the future, or
                not readable.
        """
        date = header(webhook.headers, "x-ms-date")
        url = httpx.URL(self.config.notice_url)
        where, host = url.raw_path.decode(), url.netloc.decode()
        digest = b64encode(hashlib.sha256(webhook.body).digest()).decode()
        key = octets(self.config.notice_secret.reveal())
        signed = octets(f"POST\n{where}\n{date};{host};{digest}")
        signature = b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        require_same(digest, header(webhook.headers, "x-ms-content-sha256"))
        require_same(_SIGNED + signature, header(webhook.headers, "authorization"))
        require_recent(http_date_s(date), webhook.now_s, age_s=NOTICE_AGE_S)
        match json_of(webhook.body):
            case {"reference": str(ours), "pspReference": str(event), "name": str(kind)}:
                pass
            case {"chargeId": str(ours), "eventType": str(kind)} | {
                "agreementExternalId": str(ours),
                "eventType": str(kind),
            }:
                event = digest  # it has no name of its own, and is sent again as it was
            case _:
                raise UntrustedNotice("signed, but not readable as a notice")
        return (Notice(id=f"{event}-{kind}", merchant_reference=ours, kind=kind),)

    # Steps ----------------------------------------------------------------------------------------

    def _authorise(self, order: Authorise) -> Exchange[Result]:
        self.capabilities.require(Operation.AUTHORISE, order.amount.currency)
        method = METHODS.get(order.method)
        if method is None:
            known = ", ".join(name for name, means in METHODS.items() if means)
            raise NotSupported(f"{self.name} takes payments by {known}", field="method")
        least = MARKETS[self.config.market].minimum
        if not least <= order.amount.minor <= MAXIMUM:
            raise InvalidInput(f"must be {least} to {MAXIMUM} minor units", field="amount")
        body = _creation(order, method)
        status, answer = yield from self.send("POST", _PAYMENTS, order.key, body)
        match status, answer:
            case 201, {"reference": reference, "redirectUrl": url}:
                require_ours(reference, order.merchant_reference)
                return Result(outcome=Outcome.PENDING, action=_action(method, url))
            case _:
                return _not_done(status, answer)

    def _look(self, ask: Ask) -> Exchange[Standing]:
        match (yield from self.send("GET", _where(ask))):
            case 200, answer:
                return _standing(answer, ask)
            case 404, answer if _codes(answer) == {"5090"}:
                return Standing.nothing(Word.NOT_FOUND, ask.amount.currency)
            case _:
                raise Unreadable("not a payment")

    def _modify(self, operation: Operation, order: Modification) -> Exchange[Result]:
        """Do it, and compare the sums with what we knew before: a 200 alone proves nothing."""
        self.capabilities.require(operation, order.amount.currency)
        if order.method == RECURRING:
            return (yield from recurring.modify(self, operation, order))
        # A void takes no amount: everything left is released.
        amount = {"modificationAmount": _amount(order.amount)}
        body = {} if operation is Operation.VOID else amount
        where = f"{_where(order)}/{_MODIFICATIONS[operation]}"
        status, answer = yield from self.send("POST", where, order.key, body)
        if status != httpx.codes.OK:
            return _not_done(status, answer)
        standing = _standing(answer, order)
        return Result(
            outcome=outcome_of(operation, order, standing),
            provider_reference=standing.provider_reference,
        )

    def send(
        self,
        method: str,
        where: str,
        key: str = "",
        body: object = None,
        *,
        is_subscribed: bool = True,
    ) -> Exchange[tuple[int, object]]:
        """Send a request with a token: the status and the body of the answer.

        A kept token that is no longer taken is replaced once. Without a token the request is not
        sent; status 0 then stands for an answer that says nothing.

        Args:
            method: ``GET``, ``POST`` and so on.
            where: Path at their host.
            key: The idempotency key; empty for a question.
            body: Plain data.
            is_subscribed: Whether the subscription key is sent along.
        """
        token, is_kept = self._token, self._token is not None
        while True:
            if token is None:
                secret = self.config.client_secret.reveal()
                who = {"client_id": self.config.client_id, "client_secret": secret}
                answer = yield self._request("POST", "/accesstoken/get", who)
                match answer.status_code, body_of(answer):
                    case 200, {"token_type": "Bearer", "access_token": str(text)} if (
                        _TOKEN.fullmatch(text)
                    ):
                        token = self._token = Secret(text)
                    case 401 | 403 as status, said:
                        return status, said
                    case _:
                        return 0, None
            headers = {"authorization": f"Bearer {token.reveal()}"}
            if key:
                headers["idempotency-key"] = key
            asked = self._request(method, where, headers, body)
            if not is_subscribed:
                del asked.headers[_SUBSCRIPTION]
            answer = yield asked
            if answer.status_code != httpx.codes.UNAUTHORIZED or not is_kept:
                return answer.status_code, body_of(answer)
            token, is_kept = None, False

    def _request(
        self, method: str, where: str, headers: Mapping[str, str], body: object = None
    ) -> httpx.Request:
        every = {
            _SUBSCRIPTION: self.config.subscription_key.reveal(),
            "merchant-serial-number": self.config.merchant_serial_number,
            "vipps-system-name": self.config.system_name,
        }
        if self.config.system_version is not None:
            every["vipps-system-version"] = self.config.system_version
        url = f"{self.config.base_url}{where}"
        return request(method, url, headers={**every, **headers}, body=body)


# Requests -----------------------------------------------------------------------------------------

_PAYMENTS: Final = "/epayment/v1/payments"
_SUBSCRIPTION: Final = "ocp-apim-subscription-key"
_MODIFICATIONS: Final = MappingProxyType(
    {Operation.CAPTURE: "capture", Operation.VOID: "cancel", Operation.REFUND: "refund"}
)


def _where(asked: Ask | Modification) -> str:
    return f"{_PAYMENTS}{path(our_reference(asked.merchant_reference))}"


def _amount(amount: Money) -> dict[str, object]:
    return {"value": amount.minor, "currency": amount.currency}


def _creation(order: Authorise, method: Method) -> dict[str, object]:
    if len(order.return_url) > RETURN_URL:
        raise InvalidInput(f"must be at most {RETURN_URL} characters", field="return_url")
    body: dict[str, object] = {
        "amount": _amount(order.amount),
        "paymentMethod": {"type": method.type},
        "reference": our_reference(order.merchant_reference),
        "userFlow": method.flow,
    }
    if method.flow == "QR":
        body["qrFormat"] = {"format": "TEXT/TARGETURL"}  # the address instead of a picture of it
    else:
        body["returnUrl"] = order.return_url
        phone = msisdn(order.details)
        if phone and method.type == "WALLET":  # spares the customer the typing, nothing more
            body["customer"] = {"phoneNumber": phone}
    if scope := profiles.scope_of(order, is_wallet=method.type == "WALLET"):
        body["profile"] = {"scope": scope}
    if order.lines:
        body["receipt"] = {
            "orderLines": [_line(line) for line in order.lines],
            "bottomLine": {"currency": order.amount.currency},
        }
        text = ", ".join(line.name for line in order.lines)[: DESCRIPTION[-1]].strip()
        if len(text) in DESCRIPTION:
            body["paymentDescription"] = text
    return body


def _line(line: OrderLine) -> dict[str, object]:
    found: dict[str, object] = {
        "id": line.id,
        "name": line.name,
        "totalAmount": line.amount.minor,
        "totalAmountExcludingTax": (line.amount - line.vat).minor,
        "totalTaxAmount": line.vat.minor,
        "taxRate": line.vat_basis,
        "isShipping": line.kind == "delivery",
    }
    unit, odd = divmod(line.amount.minor, line.quantity)
    if not odd:  # else no price a piece times the pieces gives the amount
        found["unitInfo"] = {"unitPrice": unit, "quantity": str(line.quantity)}
    return found


# Answers ------------------------------------------------------------------------------------------


def _codes(problem: object) -> set[str] | None:
    """The business codes of an answer that is a problem of theirs; None if it is no such thing."""
    match problem:
        case {"title": str(), "status": int(), **rest}:
            details = rest.get("extraDetails")
        case _:
            return None
    given = details if isinstance(details, list) else []
    named = [item for item in given if isinstance(item, dict) and item.get("name") == "ErrorCode"]
    return {str(item.get("reason")) for item in named}


def _not_done(status: int, answer: object) -> Result:
    """An answer that is no payment: refused if they themselves say so, else anything is possible.

    Their gateway answers 401 and 403 in shapes of its own, and before anything is done.
    """
    codes, reason = _codes(answer), ""
    if codes is None and status in {401, 403} and isinstance(answer, dict):
        codes = set()
    if codes is not None and status in UNCODED and codes <= REFUSALS.keys():
        reason = REFUSALS[min(codes)] if codes else UNCODED[status]
    return Result(outcome=Outcome.REFUSED if reason else Outcome.UNKNOWN, reason=reason)


def _action(method: Method | None, url: object) -> Action:
    page = page_of(url)
    is_qr = method is not None and method.flow == "QR"
    return ShowQr(payload=page) if is_qr else Redirect(url=page)


def _standing(answer: object, asked: Ask | Modification) -> Standing:
    """Read a payment, and compare it with what we asked about.

    It is ours by our reference. Their own differs between answers and notices.

    Raises:
        Unreadable: If it is malformed, or in a state that we do not know.
        Contradiction: If it is about another payment, amount or currency, or cannot be true.
    """
    match answer:
        case {
            "reference": reference,
            "pspReference": theirs,
            "state": str(state),
            "amount": given,
            "aggregate": dict(sums),
            **more,
        } if state in WORDS:
            require_ours(reference, asked.merchant_reference)
            names = ("authorized", "captured", "refunded", "cancelled")
            totals = [money_of(sums.get(f"{name}Amount")) for name in names]
        case _:
            raise Unreadable("not a payment")
    authorised, captured, refunded, voided = totals
    whole = whole_of(asked)
    if money_of(given) not in {whole, asked.amount}:
        raise Contradiction(f"asked about {whole}, and the answer is about another amount")
    word, action, until = WORDS[state], None, None
    if (word is Word.AUTHORISED) == authorised.is_zero:
        raise Contradiction(f"{word}, and {authorised} is authorised")
    if authorised.is_zero:
        voided = authorised  # what is cancelled before a payment is approved was never reserved
    match word:
        case Word.PENDING if more.get("redirectUrl") is not None:
            action = _action(METHODS.get(asked.method), more["redirectUrl"])
        case Word.AUTHORISED if voided == authorised:
            word = Word.VOIDED
        case Word.AUTHORISED:
            until = time_or_none(more.get("captureGuaranteedUntil"))
    standing = Standing(
        word=word,
        authorised=authorised,
        captured=captured,
        refunded=refunded,
        voided=voided,
        provider_reference=reference_of(theirs),
        action=action,
        valid_until=until,
        reason="declined_by_customer" if word is Word.DECLINED else "",
    )
    require_possible(standing, whole)
    return standing
