"""The adapter for the simulated bank, and the pattern for adapters of real ones.

It knows the bank by its HTTP interface only (``docs/reference/simulated-bank.md``). The simulator
itself is ``checkoutflow.testing.bank``.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from checkoutflow.errors import Contradiction, NotSupported, UntrustedNotice
from checkoutflow.money import Money
from checkoutflow.payment.capabilities import Capabilities
from checkoutflow.payment.outcomes import (
    Action,
    Done,
    OpenApp,
    Operation,
    Outcome,
    Redirect,
    Result,
    ShowQr,
    Standing,
    Word,
)
from checkoutflow.providers.contract import (
    Ask,
    Authorise,
    Exchange,
    Modification,
    Notice,
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
from checkoutflow.providers.notices import header, require_recent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    import httpx

    from checkoutflow.privacy.secret import Secret

CAPABILITIES: Final = Capabilities(
    operations=frozenset(Operation),
    can_be_asked=True,
    currencies=frozenset({"DKK", "SEK", "NOK", "EUR", "ISK"}),
    repeat_s=86_400,
    details=frozenset({"email"}),
)

# Their word for an operation -> our outcome. An unlisted one is PENDING: we ask again.
OUTCOMES: Final = MappingProxyType(
    {
        "done": Outcome.SUCCEEDED,
        "failed": Outcome.DECLINED,
        "processing": Outcome.PENDING,
    }
)

# Their word for a payment -> ours. It never moves past "authorised", so what happens later shows
# in the amounts only. An unlisted word is UNCLEAR.
WORDS: Final = MappingProxyType(
    {
        "pending": Word.PENDING,
        "authorised": Word.AUTHORISED,
        "declined": Word.DECLINED,
        "expired": Word.EXPIRED,
        "cancelled": Word.VOIDED,
    }
)

# Our word for a payment just created -> the outcome of creating it. Dropped or run out before the
# customer decided is a "no" as well: nothing is reserved, and nothing will be.
CREATED: Final = MappingProxyType(
    {
        Word.AUTHORISED: Outcome.SUCCEEDED,
        Word.DECLINED: Outcome.DECLINED,
        Word.EXPIRED: Outcome.DECLINED,
        Word.VOIDED: Outcome.DECLINED,
    }
)

# Codes that a shop may see. Any other becomes "other": a provider's text stays at the provider.
REASONS: Final = frozenset(
    {
        "amount_too_high",
        "authorisation_expired",
        "cancelled",
        "card_blocked",
        "card_expired",
        "declined_by_customer",
        "expired",
        "insufficient_funds",
        "invalid_request",
        "not_authorised",
        "nothing_to_void",
        "payment_not_found",
        "taken_back",
        "unauthorised",
        "unknown_instrument",
        "wrong_currency",
        "wrong_sum",
    }
)

LINE_NAME: Final = 255  # characters of a line's name that the bank takes
NOTICE_AGE_S: Final = 300
_SIGNATURE: Final = re.compile(r"t=([0-9]{1,12})((?:,v1=[0-9a-f]{64}){1,5})")


@dataclass(frozen=True, slots=True)
class SimulatedBankConfig:
    """How to reach one merchant's account at the bank.

    Attributes:
        base_url: Address of its API: https, or http on this machine.
        api_key: Bearer key.
        notice_secret: What it signs its notices with.
        name: The provider's name in settings, in the store and in notice addresses.

    Raises:
        InvalidInput: If the address is not acceptable.
    """

    base_url: str
    api_key: Secret
    notice_secret: Secret
    name: str = "simulated_bank"

    def __post_init__(self) -> None:
        """Check the address once, when the shop starts."""
        object.__setattr__(self, "base_url", base_url(self.base_url))


class _Payment(NamedTuple):
    """What an answer says about a payment, checked against what we asked about."""

    id: str
    word: Word
    reason: str
    authorised: Money
    captured: Money
    refunded: Money
    voided: Money
    is_expired: bool
    action: Action | None
    until: datetime | None
    operations: tuple[Done, ...]


@dataclass(frozen=True, slots=True)
class SimulatedBankProvider:
    """The simulated bank behind the contract.

    Attributes:
        capabilities: What to claim; tests weaken it together with the bank.
    """

    config: SimulatedBankConfig
    capabilities: Capabilities = CAPABILITIES

    @property
    def name(self) -> str:
        """The name from the configuration."""
        return self.config.name

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Reserve money, or say what the customer must do first."""
        self.capabilities.require(Operation.AUTHORISE, order.amount.currency)
        body: dict[str, object] = {
            "merchant_reference": order.merchant_reference,
            "amount": _amount(order.amount),
            "method": order.method,
            "return_url": order.return_url,
            "locale": order.locale,
            "lines": [
                {
                    "id": line.id,
                    "name": line.name[:LINE_NAME],
                    "quantity": line.quantity,
                    "amount": _amount(line.amount),
                    "vat_basis": line.vat_basis,
                }
                for line in order.lines
            ],
            "customer": {
                name: value
                for name, value in order.details.items()
                if name in self.capabilities.details
            },
        }
        if order.instrument is not None:
            body["instrument"] = order.instrument.reveal()
        response = yield self._post(path("v1", "payments"), order.key, body)
        match response.status_code, body_of(response):
            case 201 | 202, dict(answer):
                try:
                    payment = _payment(answer, order)
                except Unreadable:
                    return Result(outcome=Outcome.UNKNOWN)
                return Result(
                    outcome=CREATED.get(payment.word, Outcome.PENDING),
                    provider_reference=payment.id,
                    action=payment.action,
                    valid_until=payment.until,
                    reason=payment.reason,
                )
            case _:
                return _not_done(response)

    def status(self, ask: Ask) -> Exchange[Standing]:
        """Say how the payment stands now."""
        if not self.capabilities.can_be_asked:
            raise NotSupported(f"{self.name} cannot be asked how a payment stands")
        response = yield self._request("GET", path("v1", "payments", ask.merchant_reference))
        currency = ask.amount.currency
        match response.status_code, body_of(response):
            case 200, dict(answer):
                try:
                    return _standing(answer, ask)
                except Unreadable:
                    return Standing.nothing(Word.UNCLEAR, currency)
            case 404, {"code": "payment_not_found"}:
                return Standing.nothing(Word.NOT_FOUND, currency)
            case _:
                return Standing.nothing(Word.UNCLEAR, currency)

    def capture(self, order: Modification) -> Exchange[Result]:
        """Take some or all of what is reserved."""
        return self._modify(Operation.CAPTURE, "captures", order, {"amount": _amount(order.amount)})

    def void(self, order: Modification) -> Exchange[Result]:
        """Release what is reserved and not captured."""
        return self._modify(Operation.VOID, "voids", order, {})

    def refund(self, order: Modification) -> Exchange[Result]:
        """Give captured money back."""
        return self._modify(Operation.REFUND, "refunds", order, {"amount": _amount(order.amount)})

    def read_notices(self, webhook: Webhook) -> tuple[Notice, ...]:
        """Verify the signature over the time and the raw bytes, then parse.

        Raises:
            UntrustedNotice: If it is not proven genuine, older or newer than five minutes, or not
                readable.
        """
        signature = _SIGNATURE.fullmatch(header(webhook.headers, "bank-signature"))
        if signature is None:
            raise UntrustedNotice("no readable signature")
        moment, versions = signature.groups()
        require_recent(int(moment), webhook.now_s, age_s=NOTICE_AGE_S, ahead_s=NOTICE_AGE_S)
        body = webhook.body
        secret = self.config.notice_secret.reveal().encode()
        expected = hmac.new(secret, f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
        # While the bank changes secrets it signs with both; look at all, whichever is right.
        matches = [hmac.compare_digest(expected, one) for one in versions.split(",v1=")[1:]]
        if not any(matches):
            raise UntrustedNotice("the signature is not the bank's")
        match json_of(body):
            case {"id": str(event), "merchant_reference": str(reference), "type": str(kind)}:
                return (Notice(id=event, merchant_reference=reference, kind=kind),)
            case _:
                raise UntrustedNotice("signed, but not readable as a notice")

    def _modify(
        self, operation: Operation, word: str, order: Modification, body: dict[str, object]
    ) -> Exchange[Result]:
        self.capabilities.require(operation, order.amount.currency)
        where = path("v1", "payments", order.merchant_reference, word)
        response = yield self._post(where, order.key, body)
        match response.status_code, body_of(response):
            case 201 | 202, {"operation": dict(done), "payment": dict(answer)}:
                try:
                    return _modification(operation, order, done, answer)
                except Unreadable:
                    return Result(outcome=Outcome.UNKNOWN)
            case _:
                return _not_done(response)

    def _post(self, where: str, key: str, body: dict[str, object]) -> httpx.Request:
        return self._request("POST", where, {"idempotency-key": key}, body)

    def _request(
        self,
        method: str,
        where: str,
        headers: Mapping[str, str] = MappingProxyType({}),
        body: object = None,
    ) -> httpx.Request:
        authorization = f"Bearer {self.config.api_key.reveal()}"
        return request(
            method,
            f"{self.config.base_url}{where}",
            headers={"authorization": authorization, **headers},
            body=body,
        )


def _amount(amount: Money) -> dict[str, object]:
    return {"value": amount.minor, "currency": amount.currency}


def _money(value: object) -> Money:
    match value:
        case {"value": minor, "currency": currency}:
            return amount_of(minor, currency)
        case _:
            raise Unreadable("not an amount")


def _reason(code: str) -> str:
    return code if code in REASONS or not code else "other"


def _not_done(response: httpx.Response) -> Result:
    """An answer that is no payment: refused if the bank itself says so, else anything is possible.

    409, 429 and 5xx are never refused: an earlier send under this key may have been done.
    """
    match response.status_code, body_of(response):
        case 400 | 401 | 404 | 413 | 415 | 422, {"code": str(code)}:
            return Result(outcome=Outcome.REFUSED, reason=_reason(code))
        case _:
            return Result(outcome=Outcome.UNKNOWN)


def _modification(
    operation: Operation,
    order: Modification,
    done: Mapping[str, object],
    answer: Mapping[str, object],
) -> Result:
    """Read the answer to a capture, void or refund, and compare it with the order."""
    payment = _payment(answer, order)
    match done:
        case {
            "idempotency_key": str(key),
            "type": str(kind),
            "status": str(word),
            "reason": str(reason),
            "amount": amount,
        }:
            moved = _money(amount)
        case _:
            raise Unreadable("not an operation")
    if (key, kind) != (order.key, operation):
        raise Contradiction(f"asked for a {operation}, got the answer to another operation")
    # Before the customer has approved, a void releases nothing: nothing is reserved yet.
    is_early_void = operation is Operation.VOID and payment.authorised.is_zero
    expected = Money.zero(order.amount.currency) if is_early_void else order.amount
    if moved != expected:
        raise Contradiction(f"asked for a {operation} of {expected}, got {moved}")
    outcome = OUTCOMES.get(word, Outcome.PENDING)
    in_all = {
        Operation.CAPTURE: payment.captured,
        Operation.VOID: payment.voided,
        Operation.REFUND: payment.refunded,
    }[operation]
    if outcome is Outcome.SUCCEEDED and in_all < moved:
        raise Contradiction(f"a {operation} of {moved} is said to be done, but in all {in_all} is")
    return Result(
        outcome=outcome,
        provider_reference=payment.id,
        reason=_reason(reason) if outcome is Outcome.DECLINED else "",
    )


def _standing(answer: Mapping[str, object], ask: Ask) -> Standing:
    """Read the answer to "how does it stand?"."""
    payment = _payment(answer, ask)
    word = payment.word
    if word is Word.UNCLEAR:
        return Standing.nothing(word, ask.amount.currency)
    if word is Word.AUTHORISED and payment.voided == payment.authorised:
        word = Word.EXPIRED if payment.is_expired else Word.VOIDED
    return Standing(
        word=word,
        authorised=payment.authorised,
        captured=payment.captured,
        refunded=payment.refunded,
        voided=payment.voided,
        provider_reference=payment.id,
        action=payment.action,
        valid_until=payment.until,
        reason=payment.reason,
        operations=payment.operations,
    )


def _payment(answer: Mapping[str, object], asked: Authorise | Modification | Ask) -> _Payment:
    """Read a payment and compare it with what we asked about.

    Raises:
        Unreadable: If it is malformed.
        Contradiction: If it is about another payment, amount or currency, or cannot be true.
    """
    match answer:
        case {
            "id": name,
            "merchant_reference": str(reference),
            "state": str(state),
            "reason": str(reason),
            "amount": amount,
            "aggregate": dict(sums),
            "action": action,
            "expires_at": until,
            "operations": list(operations),
        }:
            whole = _money(amount)
            cancelled, expired = _money(sums.get("cancelled")), _money(sums.get("expired"))
            payment = _Payment(
                id=reference_of(name),
                word=WORDS.get(state, Word.UNCLEAR),
                reason=_reason(reason),
                authorised=_money(sums.get("authorised")),
                captured=_money(sums.get("captured")),
                refunded=_money(sums.get("refunded")),
                voided=cancelled + expired,
                is_expired=not expired.is_zero,
                action=_action(action),
                until=None if until is None else time_of(until),
                operations=tuple(_operations(operations)),
            )
        case _:
            raise Unreadable("not a payment")
    known_as = None if isinstance(asked, Authorise) else asked.provider_reference
    if reference != asked.merchant_reference or known_as not in {None, payment.id}:
        raise Contradiction("the answer is about another payment")
    amounts = (whole, payment.authorised, payment.captured, payment.refunded, cancelled, expired)
    if {item.currency for item in amounts} != {asked.amount.currency}:
        raise Contradiction(f"asked in {asked.amount.currency}, answered in another currency")
    if whole != asked.amount and not isinstance(asked, Modification):
        raise Contradiction(f"asked about {asked.amount}, got an answer about {whole}")
    _check_sums(payment, whole)
    return payment


def _check_sums(payment: _Payment, whole: Money) -> None:
    """Believe no sums that cannot be true.

    Raises:
        Contradiction: If more is captured, released or refunded than was there, more or less than
            the whole is authorised, or the word and the sums disagree.
    """
    zero = Money.zero(whole.currency)
    if payment.authorised not in {zero, whole}:
        raise Contradiction(f"{payment.authorised} is authorised where {whole} was asked for")
    if (
        payment.captured + payment.voided > payment.authorised
        or payment.refunded > payment.captured
    ):
        raise Contradiction(
            f"of {payment.authorised}, {payment.captured} captured, {payment.voided} voided and "
            f"{payment.refunded} refunded cannot all be true"
        )
    if payment.word not in {Word.UNCLEAR, Word.AUTHORISED} and payment.authorised != zero:
        raise Contradiction(f"{payment.word}, and {payment.authorised} is authorised")
    if payment.word is Word.AUTHORISED and payment.authorised == zero:
        raise Contradiction("authorised, and nothing is reserved")


def _action(value: object) -> Action | None:
    """What the customer must do. A kind that we do not know is none: the customer cannot do it."""
    match value:
        case None:
            return None
        case {"type": "redirect", "url": url}:
            return Redirect(url=page_of(url))
        case {"type": "open_app", "url": url}:
            return OpenApp(url=page_of(url))
        case {"type": "show_qr", "url": url}:
            return ShowQr(payload=page_of(url))
        case {"type": str()}:
            return None
        case _:
            raise Unreadable("not an action")


def _operations(values: list[object]) -> Iterator[Done]:
    """Our operations by key; the portal's have none and show in the sums only."""
    for value in values:
        match value:
            case {"idempotency_key": None}:
                pass
            case {"idempotency_key": str(key), "status": str(word)}:
                yield Done(key=key, outcome=OUTCOMES.get(word, Outcome.PENDING))
            case _:
                raise Unreadable("not an operation")
