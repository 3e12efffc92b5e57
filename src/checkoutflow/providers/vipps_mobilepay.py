"""Vipps MobilePay: the wallet of NO and SE (Vipps) and of DK and FI (MobilePay), by ePayment.

Source: the provider's OpenAPI files (ePayment 1.8.1, access token 2.0.0, webhooks v1) and developer
pages, read 2026-08. What they leave open is decided so that no money can be lost:

- For how long an idempotency key lives is nowhere said: we repeat for an hour, and then only ask.
- Whether a cancel honours its key is not said either. So "already cancelled" (6070) is unknown, not
  refused: it may have been us.
- The ``amount`` of the answer to a capture may be that of the payment or of the capture. Both are
  taken; what counts is the aggregate. An answer that is less than whole is unknown.
- A 409 is unknown whatever its code, and a 404 without the code for "no such payment" as well.
- Whether a notice that is sent again gets a new date is open, and it is sent again for seven days.
- What happens to the sums when a reservation runs out is not said: what shows as cancelled is
  voided.

Not used: the event log (the sums settle what happened), force approve (test host only), Express,
profile sharing, and push messages, which ask for the provider's approval.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import httpx
from pydantic import Field, field_validator

from checkoutflow.errors import Contradiction, InvalidInput, NotSupported, UntrustedNotice
from checkoutflow.model import Frozen
from checkoutflow.money import Money
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
    base_url,
    body_of,
    json_of,
    page_of,
    path,
    reference_of,
    request,
    time_of,
)
from checkoutflow.providers.notices import (
    header,
    http_date_s,
    require_recent,
    require_same,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

PRODUCTION: Final = "https://api.vipps.no"
TEST: Final = "https://apitest.vipps.no"


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


# What a shop can name as ``provider_method``. A card works in production only.
METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "vipps": Method("WALLET", "WEB_REDIRECT"),
        "mobilepay": Method("WALLET", "WEB_REDIRECT"),
        "wallet": Method("WALLET", "WEB_REDIRECT"),
        "card": Method("CARD", "WEB_REDIRECT"),
        "qr": Method("WALLET", "QR"),
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
CLOCKS_DIFFER_S: Final = 300

DESCRIPTION: Final = range(3, 101)  # characters of a text about the payment
RETURN_URL: Final = 2500  # characters

_REFERENCE: Final = re.compile(r"[a-zA-Z0-9-]{8,64}")
_PHONE: Final = re.compile(r"\+?([0-9]{9,15})")
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,8192}")
_CREDENTIAL: Final = re.compile(r"[!-~]{8,500}")
_SIGNED: Final = "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="


class VippsMobilePayConfig(Frozen):
    """One sales unit. A shop that sells in three markets has three, each with its own keys.

    Attributes:
        merchant_serial_number: 4 to 10 digits, from the provider's portal.
        market: Country of the sales unit: it decides the currency.
        client_id: From the portal, as are ``client_secret`` and ``subscription_key``.
        notice_url: The address that was registered for webhooks, to the letter: it is part of what
            they sign, and behind a proxy the request does not show it.
        notice_secret: What they sign with; shown once, when the address is registered.
        is_test: Whether the keys are for the test environment.
        base_url: Another host: a stand-in, or a proxy. By default as ``is_test`` says.
        partial_capture: False if the sales unit takes captures of the whole amount only.
        system_name: The shop's system, at most 30 characters, for the provider's support.
        system_version: Its version, at most 30 characters; not sent if it is None.
        name: The provider's name in settings, in the store and in notice addresses.
    """

    merchant_serial_number: str = Field(pattern=r"^[0-9]{4,10}$")
    market: Literal["NO", "DK", "FI", "SE"]
    client_id: str = Field(pattern=r"^[!-~]{1,100}$")
    client_secret: Secret
    subscription_key: Secret
    notice_url: str
    notice_secret: Secret
    is_test: bool = False
    base_url: str = Field(default_factory=lambda data: TEST if data.get("is_test") else PRODUCTION)
    partial_capture: bool = True
    system_name: str = Field(default="checkoutflow", pattern=r"^[!-~]{1,30}$")
    system_version: str | None = Field(default=None, pattern=r"^[!-~]{1,30}$")
    name: str = Field(default="vipps_mobilepay", pattern=r"^[a-z][a-z0-9_]{0,39}$")

    @field_validator("client_secret", "subscription_key", "notice_secret")
    @classmethod
    def _fits_a_header(cls, secret: Secret) -> Secret:
        if not _CREDENTIAL.fullmatch(secret.reveal()):
            raise ValueError("must be 8 to 500 letters, digits and signs, without spaces")
        return secret

    @field_validator("base_url")
    @classmethod
    def _is_an_api(cls, address: str) -> str:
        try:
            return base_url(address)
        except InvalidInput as error:
            raise ValueError(error.problems[0][1]) from None

    @field_validator("notice_url")
    @classmethod
    def _can_be_signed(cls, address: str) -> str:
        cls._is_an_api(address)
        return address  # with its trailing slash, if it was registered with one


class _Payment(NamedTuple):
    """What an answer says about a payment, checked against what we asked about."""

    word: Word
    amount: Money
    authorised: Money
    captured: Money
    refunded: Money
    voided: Money
    provider_reference: str


@dataclass(slots=True, eq=False)
class VippsMobilePay:
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
            details=frozenset({"phone"}),
        )

    @property
    def name(self) -> str:
        """The name from the configuration."""
        return self.config.name

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Create a payment and send the customer to the app.

        Raises:
            NotSupported: If the currency or the method is not one of this sales unit.
            InvalidInput: If the amount, the reference or the return address is beyond its limits.
        """
        self.capabilities.require(Operation.AUTHORISE, order.amount.currency)
        if order.method not in METHODS:
            raise NotSupported(f"{self.name} knows {', '.join(METHODS)}", field="method")
        least = MARKETS[self.config.market].minimum
        if not least <= order.amount.minor <= MAXIMUM:
            raise InvalidInput(f"must be {least} to {MAXIMUM} minor units", field="amount")
        body = _creation(order, METHODS[order.method])
        status, answer = yield from self._ask("POST", path("v1", "payments"), order.key, body)
        match status, answer:
            case 201, {"reference": reference, "redirectUrl": url}:
                try:
                    _is_ours(reference, order)
                    return Result(outcome=Outcome.PENDING, action=_action(body["userFlow"], url))
                except Unreadable:
                    return Result(outcome=Outcome.UNKNOWN)
            case _:
                return _not_done(status, answer)

    def status(self, ask: Ask) -> Exchange[Standing]:
        """Say how the payment stands now."""
        currency = ask.amount.currency
        match (yield from self._ask("GET", _where(ask))):
            case 200, dict(answer):
                try:
                    return _standing(answer, ask)
                except Unreadable:
                    return Standing.nothing(Word.UNCLEAR, currency)
            case 404, answer if _codes(answer) == {"5090"}:
                return Standing.nothing(Word.NOT_FOUND, currency)
            case _:
                return Standing.nothing(Word.UNCLEAR, currency)

    def capture(self, order: Modification) -> Exchange[Result]:
        """Take some or all of what is reserved. The law allows it when the goods are sent."""
        return self._modify(Operation.CAPTURE, "capture", order)

    def void(self, order: Modification) -> Exchange[Result]:
        """Release what is reserved and not captured, for good."""
        return self._modify(Operation.VOID, "cancel", order)

    def refund(self, order: Modification) -> Exchange[Result]:
        """Give captured money back, within 365 days of the payment."""
        return self._modify(Operation.REFUND, "refund", order)

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
        require_recent(
            http_date_s(date), webhook.now_s, age_s=NOTICE_AGE_S, ahead_s=CLOCKS_DIFFER_S
        )
        match json_of(webhook.body):
            case {"reference": str(reference), "pspReference": str(event), "name": str(kind)}:
                return (Notice(id=f"{event}-{kind}", merchant_reference=reference, kind=kind),)
            case _:
                raise UntrustedNotice("signed, but not readable as a notice")

    def _modify(self, operation: Operation, word: str, order: Modification) -> Exchange[Result]:
        self.capabilities.require(operation, order.amount.currency)
        is_void = operation is Operation.VOID  # it takes no amount: everything left is released
        body: dict[str, object] = {} if is_void else {"modificationAmount": _amount(order.amount)}
        status, answer = yield from self._ask("POST", _where(order, word), order.key, body)
        match status, answer:
            case 200, dict(found):
                try:
                    return _modification(operation, order, found)
                except Unreadable:
                    return Result(outcome=Outcome.UNKNOWN)
            case _:
                return _not_done(status, answer)

    def _ask(
        self, method: str, where: str, key: str = "", body: object = None
    ) -> Exchange[tuple[int, object]]:
        """Send a request with a token: the status and the body of the answer.

        A kept token that is no longer taken is replaced once. Without a token the request is not
        sent; status 0 then stands for an answer that says nothing.
        """
        token, is_kept = self._token, self._token is not None
        while True:
            if token is None:
                answer = yield self._request("POST", "/accesstoken/get", self._credentials())
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
            answer = yield self._request(method, f"/epayment{where}", headers, body)
            if answer.status_code != httpx.codes.UNAUTHORIZED or not is_kept:
                return answer.status_code, body_of(answer)
            token, is_kept = None, False

    def _credentials(self) -> dict[str, str]:
        secret = self.config.client_secret.reveal()
        return {"client_id": self.config.client_id, "client_secret": secret}

    def _request(
        self, method: str, where: str, headers: Mapping[str, str], body: object = None
    ) -> httpx.Request:
        every = {
            "ocp-apim-subscription-key": self.config.subscription_key.reveal(),
            "merchant-serial-number": self.config.merchant_serial_number,
            "vipps-system-name": self.config.system_name,
        }
        if self.config.system_version is not None:
            every["vipps-system-version"] = self.config.system_version
        return request(
            method, f"{self.config.base_url}{where}", headers={**every, **headers}, body=body
        )


# Requests -----------------------------------------------------------------------------------------


def _where(asked: Ask | Modification, *word: str) -> str:
    return path("v1", "payments", _reference(asked), *word)


def _reference(asked: Authorise | Ask | Modification) -> str:
    if not _REFERENCE.fullmatch(asked.merchant_reference):
        raise InvalidInput("must be 8 to 64 letters, digits and dashes", field="merchant_reference")
    return asked.merchant_reference


def _amount(amount: Money) -> dict[str, object]:
    return {"value": amount.minor, "currency": amount.currency}


def _creation(order: Authorise, method: Method) -> dict[str, object]:
    if len(order.return_url) > RETURN_URL:
        raise InvalidInput(f"must be at most {RETURN_URL} characters", field="return_url")
    body: dict[str, object] = {
        "amount": _amount(order.amount),
        "paymentMethod": {"type": method.type},
        "reference": _reference(order),
        "userFlow": method.flow,
    }
    if method.flow == "QR":
        # The address itself instead of a picture of it. A look-up does not tell the flow, so it is
        # written down where a look-up shows it.
        body["qrFormat"] = {"format": "TEXT/TARGETURL"}
        body["metadata"] = {"userFlow": method.flow}
    else:
        body["returnUrl"] = order.return_url
        phone = _PHONE.fullmatch(order.details.get("phone", ""))
        if phone and method.type == "WALLET":  # spares the customer the typing, nothing more
            body["customer"] = {"phoneNumber": phone[1]}
    if order.lines:
        currency = order.amount.currency
        body["receipt"] = {
            "orderLines": [_line(line) for line in order.lines],
            "bottomLine": {"currency": currency},
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
            found: set[str] = set()
            details = rest.get("extraDetails")
            for detail in details if isinstance(details, list) else []:
                match detail:
                    case {"name": "ErrorCode", "reason": str(code)}:
                        found.add(code)
                    case {"name": "ErrorCode"}:
                        return None
            return found
        case _:
            return None


def _not_done(status: int, answer: object) -> Result:
    """An answer that is no payment: refused if they themselves say so, else anything is possible.

    Their gateway answers 401 and 403 in shapes of its own, and before anything is done.
    """
    codes = _codes(answer)
    if codes is None and status in {401, 403} and isinstance(answer, dict):
        codes = set()
    if codes is None or status not in UNCODED or not codes <= REFUSALS.keys():
        return Result(outcome=Outcome.UNKNOWN)
    reason = REFUSALS[min(codes)] if codes else UNCODED[status]
    return Result(outcome=Outcome.REFUSED if reason else Outcome.UNKNOWN, reason=reason)


def _action(flow: object, url: object) -> Action:
    page = page_of(url)
    return ShowQr(payload=page) if flow == "QR" else Redirect(url=page)


def _modification(
    operation: Operation, order: Modification, answer: Mapping[str, object]
) -> Result:
    """Read the answer to a capture, void or refund. A 200 alone proves nothing."""
    payment = _payment(answer, order)
    if payment.amount not in {order.amount, payment.authorised}:
        raise Contradiction(f"asked for a {operation} of {order.amount}, got {payment.amount}")
    match operation:
        case Operation.CAPTURE:
            is_done = payment.captured >= order.amount
        case Operation.REFUND:
            is_done = payment.refunded >= order.amount
        case _ if payment.word is Word.VOIDED:
            is_done = True  # before the customer approved: nothing was reserved
        case _:
            is_done = not payment.voided.is_zero
            if is_done and payment.voided != order.amount:
                raise Contradiction(f"asked for a void of {order.amount}, got {payment.voided}")
    return Result(
        outcome=Outcome.SUCCEEDED if is_done else Outcome.UNKNOWN,
        provider_reference=payment.provider_reference,
    )


def _standing(answer: Mapping[str, object], ask: Ask) -> Standing:
    """Read the answer to "how does it stand?"."""
    payment = _payment(answer, ask)
    zero = Money.zero(ask.amount.currency)
    if payment.amount != ask.amount or payment.authorised not in {zero, ask.amount}:
        raise Contradiction(
            f"asked about {ask.amount}; of {payment.amount}, {payment.authorised} is authorised"
        )
    word, action, until = payment.word, None, None
    match word:
        case Word.PENDING if answer.get("redirectUrl") is not None:
            metadata = answer.get("metadata")
            flow = metadata.get("userFlow") if isinstance(metadata, dict) else None
            action = _action(flow, answer["redirectUrl"])
        case Word.AUTHORISED if payment.voided == payment.authorised:
            word = Word.VOIDED
        case Word.AUTHORISED:
            until = _until(answer.get("captureGuaranteedUntil"))
    return Standing(
        word=word,
        authorised=payment.authorised,
        captured=payment.captured,
        refunded=payment.refunded,
        # A payment that was dropped before it was approved shows its amount as cancelled.
        voided=zero if payment.authorised.is_zero else payment.voided,
        provider_reference=payment.provider_reference,
        action=action,
        valid_until=until,
        reason="declined_by_customer" if word is Word.DECLINED else "",
    )


def _until(value: object) -> datetime | None:
    """The end of the guarantee, where it is a point in time: the field is newer than the spec."""
    try:
        return time_of(value)
    except Unreadable:
        return None


def _is_ours(reference: object, asked: Authorise | Modification | Ask) -> None:
    if reference_of(reference) != asked.merchant_reference:
        raise Contradiction("the answer is about another payment")


def _payment(answer: Mapping[str, object], asked: Modification | Ask) -> _Payment:
    """Read a payment and compare it with what we asked about.

    It is ours by our reference. Their own differs between answers and notices.

    Raises:
        Unreadable: If it is malformed, or in a state that we do not know.
        Contradiction: If it is about another payment or currency, or cannot be true.
    """
    match answer:
        case {
            "reference": reference,
            "pspReference": theirs,
            "state": str(state),
            "amount": amount,
            "aggregate": dict(sums),
        } if state in WORDS:
            _is_ours(reference, asked)
            payment = _Payment(
                word=WORDS[state],
                amount=_money(amount),
                authorised=_money(sums.get("authorizedAmount")),
                captured=_money(sums.get("capturedAmount")),
                refunded=_money(sums.get("refundedAmount")),
                voided=_money(sums.get("cancelledAmount")),
                provider_reference=reference_of(theirs),
            )
        case _:
            raise Unreadable("not a payment")
    _check_sums(payment, asked.amount.currency)
    return payment


def _money(value: object) -> Money:
    match value:
        case {"value": minor, "currency": currency}:
            return amount_of(minor, currency)
        case _:
            raise Unreadable("not an amount")


def _check_sums(payment: _Payment, currency: str) -> None:
    """Believe no sums that cannot be true.

    Raises:
        Contradiction: If they are in another currency, more is captured, released or refunded than
            was there, or the word and the sums disagree.
    """
    if {item.currency for item in payment if isinstance(item, Money)} != {currency}:
        raise Contradiction(f"asked in {currency}, answered in another currency")
    if (payment.word is Word.AUTHORISED) == payment.authorised.is_zero:
        raise Contradiction(f"{payment.word}, and {payment.authorised} is authorised")
    # Before a payment is approved, what is cancelled was never reserved.
    gone = payment.captured if payment.authorised.is_zero else payment.captured + payment.voided
    if gone > payment.authorised or payment.refunded > payment.captured:
        raise Contradiction(
            f"of {payment.authorised}, {payment.captured} captured, {payment.voided} voided and "
            f"{payment.refunded} refunded cannot all be true"
        )
