"""The adapter for the simulated bank, and the pattern for adapters of real ones.

It knows the bank by its HTTP interface only (``docs/reference/simulated-bank.md``). The simulator
itself is ``checkoutflow.testing.bank``.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

from checkoutflow.errors import Contradiction, NotSupported, UntrustedNotice
from checkoutflow.money import Money
from checkoutflow.payment.capabilities import Capabilities, MandateTerms
from checkoutflow.payment.outcomes import (
    Action,
    Done,
    Mandate,
    MandateWord,
    OpenApp,
    Operation,
    Outcome,
    Redirect,
    Result,
    Risk,
    ShowQr,
    Standing,
    Word,
)
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.base import (
    SUCCEEDED,
    UNCLEAR_MANDATE,
    UNKNOWN,
    Configured,
    Credential,
    Hosts,
    Level,
    Name,
    ProviderConfig,
    careful,
    money_of,
    require_possible,
    risk_of,
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
    page_of,
    path,
    reference_of,
    request,
    time_of,
)
from checkoutflow.providers.notices import header, hmac_hex, require_recent, require_same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import httpx

    _Asked = Authorise | Charge | Modification | Ask | Agree | MandateAsk

CAPABILITIES: Final = Capabilities(
    operations=frozenset(Operation),
    can_be_asked=True,
    currencies=frozenset({"DKK", "SEK", "NOK", "EUR", "ISK"}),
    repeat_s=86_400,
    mandates=MandateTerms(first_charge=True),
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

# Their word for a mandate -> ours, and that -> the outcome of asking for one.
MANDATES: Final = MappingProxyType(
    {
        "waiting": MandateWord.PENDING,
        "active": MandateWord.ACTIVE,
        "declined": MandateWord.DECLINED,
        "ended": MandateWord.ENDED,
    }
)
AGREED: Final = MappingProxyType(
    {
        MandateWord.ACTIVE: Outcome.SUCCEEDED,
        MandateWord.DECLINED: Outcome.DECLINED,
        MandateWord.ENDED: Outcome.DECLINED,
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
        "mandate_not_active",
        "mandate_not_found",
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

# What a shop can write as ``provider_method``.
METHODS: Final = frozenset({"card", "wallet", "app", "qr", "gift_card"})

TEXT: Final = 255  # characters of a name or a title that the bank takes
NOTICE_AGE_S: Final = 300
_SIGNATURE: Final = re.compile(r"t=([0-9]{1,12})((?:,v1=[0-9a-f]{64}){1,5})")


class SimulatedBankConfig(ProviderConfig):
    """How to reach one merchant's account at the bank.

    Attributes:
        api_key: Bearer key.
        notice_secret: What it signs its notices with.
    """

    hosts: ClassVar[Hosts] = Hosts("http://127.0.0.1:8010", "http://127.0.0.1:8010")

    name: Name = "simulated_bank"
    api_key: Credential
    notice_secret: Credential


@dataclass(slots=True, eq=False)
class SimulatedBankProvider(Configured):
    """The simulated bank behind the contract.

    Attributes:
        capabilities: What to claim; tests weaken it together with the bank.
    """

    config: SimulatedBankConfig
    capabilities: Capabilities = CAPABILITIES

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Reserve money, or say what the customer must do first."""
        self.capabilities.require(Operation.AUTHORISE, order.amount.currency)
        body: dict[str, object] = {
            "merchant_reference": order.merchant_reference,
            "amount": _amount(order.amount),
            "method": order.method,
            "return_url": order.return_url,
            "locale": order.locale,
            "lines": _lines(order.lines),
            "customer": self._customer(order),
        }
        if order.instrument is not None:
            body["instrument"] = order.instrument.reveal()
        sent = self._post(path("v1", "payments"), order.key, body)
        return (yield from _told(sent, partial(_reserved, order)))

    def status(self, ask: Ask) -> Exchange[Standing]:
        """Say how the payment stands now."""
        if not self.capabilities.can_be_asked:
            raise NotSupported(f"{self.name} cannot be asked how a payment stands")
        return (yield from careful(self._look(ask), unclear(ask)))

    def capture(self, order: Modification) -> Exchange[Result]:
        """Take some or all of what is reserved."""
        return self._modify(Operation.CAPTURE, "captures", order, {"amount": _amount(order.amount)})

    def void(self, order: Modification) -> Exchange[Result]:
        """Release what is reserved and not captured."""
        return self._modify(Operation.VOID, "voids", order, {})

    def refund(self, order: Modification) -> Exchange[Result]:
        """Give captured money back."""
        return self._modify(Operation.REFUND, "refunds", order, {"amount": _amount(order.amount)})

    def agree(self, order: Agree) -> Exchange[Result]:
        """Ask for a mandate; the first payment waits for the same decision of the customer."""
        self.capabilities.require(Operation.AUTHORISE, order.maximum.currency)
        body: dict[str, object] = {
            "merchant_reference": order.merchant_reference,
            "method": order.method,
            "title": order.title[:TEXT],
            "maximum": _amount(order.maximum),
            "every_months": order.every_months,
            "return_url": order.return_url,
            "locale": order.locale,
            "customer": self._customer(order),
        }
        if order.first is not None:
            body["first"] = _charge(order.first)
        sent = self._post(path("v1", "mandates"), order.key, body)
        return (yield from _told(sent, partial(_agreed, order)))

    def mandate(self, ask: MandateAsk) -> Exchange[Mandate]:
        """Say how a mandate stands now."""
        response = yield self._request("GET", path("v1", "mandates", ask.merchant_reference))
        with suppress(Unreadable):
            match response.status_code, body_of(response):
                case 200, dict(answer):
                    return _mandate(ask, answer)[1]
                case 404, {"code": str()}:
                    return Mandate(word=MandateWord.NOT_FOUND)
        return UNCLEAR_MANDATE

    def charge(self, order: Charge) -> Exchange[Result]:
        """Take a payment on a mandate."""
        self.capabilities.require(Operation.AUTHORISE, order.amount.currency)
        token = order.token.reveal() if order.token else None
        where = path("v1", "mandates", order.mandate, "charges")
        sent = self._post(where, order.key, {**_charge(order), "token": token})
        return (yield from _told(sent, partial(_reserved, order)))

    def end_mandate(self, ask: MandateAsk) -> Exchange[Result]:
        """End a mandate for good."""
        where = path("v1", "mandates", ask.merchant_reference, "end")
        return (yield from _told(self._post(where, ask.key, {}), partial(_ended, ask)))

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
        ours = hmac_hex(self.config.notice_secret, f"{moment}.".encode() + webhook.body)
        require_same(ours, *versions.split(",v1=")[1:])
        match json_of(webhook.body):
            case {"id": str(event), "merchant_reference": str(reference), "type": str(kind)}:
                return (Notice(id=event, merchant_reference=reference, kind=kind),)
            case _:
                raise UntrustedNotice("signed, but not readable as a notice")

    def _look(self, ask: Ask) -> Exchange[Standing]:
        response = yield self._request("GET", path("v1", "payments", ask.merchant_reference))
        match response.status_code, body_of(response):
            case 200, dict(answer):
                seen = _standing(ask, answer)
                if seen.word is not Word.UNCLEAR:
                    return seen
            case 404, {"code": "payment_not_found"}:
                return Standing.nothing(Word.NOT_FOUND, ask.amount.currency)
        return unclear(ask)

    def _modify(
        self, operation: Operation, word: str, order: Modification, body: dict[str, object]
    ) -> Exchange[Result]:
        self.capabilities.require(operation, order.amount.currency)
        where = path("v1", "payments", order.merchant_reference, word)
        sent = self._post(where, order.key, body)
        return (yield from _told(sent, partial(_modified, operation, order)))

    def _customer(self, order: Authorise | Agree) -> dict[str, str]:
        wanted = self.capabilities.details
        return {name: value for name, value in order.details.items() if name in wanted}

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


# What is sent ---------------------------------------------------------------------------------


def _amount(amount: Money) -> dict[str, object]:
    return {"value": amount.minor, "currency": amount.currency}


def _lines(lines: tuple[OrderLine, ...]) -> list[dict[str, object]]:
    return [
        {
            "id": line.id,
            "name": line.name[:TEXT],
            "quantity": line.quantity,
            "amount": _amount(line.amount),
            "vat_basis": line.vat_basis,
        }
        for line in lines
    ]


def _charge(order: Charge) -> dict[str, object]:
    return {
        "merchant_reference": order.merchant_reference,
        "amount": _amount(order.amount),
        "title": order.title[:TEXT],
        "lines": _lines(order.lines),
    }


# What comes back ------------------------------------------------------------------------------


def _told(sent: httpx.Request, read: Callable[[Mapping[str, object]], Result]) -> Exchange[Result]:
    """What the bank says to a request that does something.

    It is refused if the bank itself says so, else anything is possible: 409, 429 and 5xx are never
    refused, since an earlier send under this key may have been done.
    """
    response = yield sent
    match response.status_code, body_of(response):
        case 201 | 202, dict(answer):
            with suppress(Unreadable):
                return read(answer)
        case 400 | 401 | 404 | 413 | 415 | 422, {"code": str(code)}:
            return Result(outcome=Outcome.REFUSED, reason=_reason(code))
    return UNKNOWN


def _reason(code: str) -> str:
    return code if code in REASONS or not code else "other"


def _reserved(order: Authorise | Charge, answer: Mapping[str, object]) -> Result:
    seen = _standing(order, answer)
    return Result(
        outcome=CREATED.get(seen.word, Outcome.PENDING),
        provider_reference=seen.provider_reference,
        action=seen.action,
        valid_until=seen.valid_until,
        reason=seen.reason,
        risk=seen.risk,
    )


def _modified(operation: Operation, order: Modification, answer: Mapping[str, object]) -> Result:
    """Read the answer to a capture, void or refund, and compare it with the order."""
    match answer:
        case {
            "payment": dict(payment),
            "operation": {
                "idempotency_key": str(key),
                "type": str(kind),
                "status": str(word),
                "reason": str(reason),
                "amount": amount,
            },
        }:
            moved, seen = money_of(amount), _standing(order, payment)
        case _:
            raise Unreadable("not an operation on a payment")
    if (key, kind) != (order.key, operation):
        raise Contradiction(f"asked for a {operation}, got the answer to another operation")
    # Before the customer has approved, a void releases nothing: nothing is reserved yet.
    is_early_void = operation is Operation.VOID and seen.authorised.is_zero
    expected = Money.zero(order.amount.currency) if is_early_void else order.amount
    if moved != expected:
        raise Contradiction(f"asked for a {operation} of {expected}, got {moved}")
    outcome = OUTCOMES.get(word, Outcome.PENDING)
    in_all = {
        Operation.CAPTURE: seen.captured,
        Operation.VOID: seen.voided,
        Operation.REFUND: seen.refunded,
    }[operation]
    if outcome is Outcome.SUCCEEDED and in_all < moved:
        raise Contradiction(f"a {operation} of {moved} is said to be done, but in all {in_all} is")
    return Result(
        outcome=outcome,
        provider_reference=seen.provider_reference,
        reason=_reason(reason) if outcome is Outcome.DECLINED else "",
    )


def _standing(
    asked: Authorise | Charge | Modification | Ask, answer: Mapping[str, object]
) -> Standing:
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
            whole = money_of(amount)
            names = ("authorised", "captured", "refunded", "cancelled", "expired")
            amounts = [money_of(sums.get(name)) for name in names]
        case _:
            raise Unreadable("not a payment")
    if {item.currency for item in (whole, *amounts)} != {asked.amount.currency}:
        raise Contradiction(f"asked in {asked.amount.currency}, answered in another currency")
    if whole != asked.amount and not isinstance(asked, Modification):
        raise Contradiction(f"asked about {asked.amount}, got an answer about {whole}")
    authorised, captured, refunded, cancelled, expired = amounts
    seen = Standing(
        word=WORDS.get(state, Word.UNCLEAR),
        authorised=authorised,
        captured=captured,
        refunded=refunded,
        voided=cancelled + expired,
        provider_reference=reference_of(name),
        action=_action(action),
        valid_until=None if until is None else time_of(until),
        reason=_reason(reason),
        operations=tuple(_operations(operations)),
        risk=_risk(answer.get("risk")),
    )
    _require_ours(asked, reference, seen.provider_reference)
    require_possible(seen, whole)
    if seen.word is Word.AUTHORISED:
        if authorised.is_zero:
            raise Contradiction("authorised, and nothing is reserved")
        if seen.voided == authorised:
            return seen.but(word=Word.VOIDED if expired.is_zero else Word.EXPIRED)
    elif seen.word is not Word.UNCLEAR and not authorised.is_zero:
        raise Contradiction(f"{seen.word}, and {authorised} is authorised")
    return seen


RISKS: Final[Mapping[str, Level]] = {"low": "low", "elevated": "elevated", "high": "high"}


def _risk(told: object) -> Risk | None:
    """What the bank thinks of the risk, and which card it was."""
    match told:
        case {"word": word, "card_country": country, "card": card}:
            return risk_of(word, RISKS, country=country, card=card)
        case _:
            return None


def _agreed(order: Agree, answer: Mapping[str, object]) -> Result:
    name, mandate = _mandate(order, answer)
    return Result(
        outcome=AGREED.get(mandate.word, Outcome.PENDING),
        provider_reference=name,
        action=mandate.action,
    )


def _ended(ask: MandateAsk, answer: Mapping[str, object]) -> Result:
    _, mandate = _mandate(ask, answer)
    return SUCCEEDED if mandate.word is MandateWord.ENDED else UNKNOWN


def _mandate(asked: Agree | MandateAsk, answer: Mapping[str, object]) -> tuple[str, Mandate]:
    """Read a mandate, and the bank's name for it, and compare them with what we asked about."""
    match answer:
        case {
            "id": name,
            "merchant_reference": str(reference),
            "state": str(state),
            "token": token,
            "action": action,
        }:
            known, word = reference_of(name), MANDATES.get(state, MandateWord.UNCLEAR)
        case _:
            raise Unreadable("not a mandate")
    _require_ours(asked, reference, known)
    held = Secret(reference_of(token)) if word is MandateWord.ACTIVE else None
    return known, Mandate(word=word, token=held, action=_action(action))


def _require_ours(asked: _Asked, reference: str, name: str | None) -> None:
    """Believe no answer about another payment, or another mandate.

    Raises:
        Contradiction: If our name for it is another one, or the bank's is, where we know it.
    """
    known_as = getattr(asked, "provider_reference", None)
    if reference != asked.merchant_reference or known_as not in {None, name}:
        raise Contradiction("the answer is about another payment, or another mandate")


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
