"""Swish Commerce: payments from phone to shop in Sweden, directly with the shop's own certificate.

Source: no documentation was to be had; open clients, recorded traffic and notes that quote the
Merchant Integration Guide 2.6, read 2026-11. A payment is a sale: when the customer says yes, the
money is taken. The id of a payment is made of our reference, and that of a refund of our key, so
whatever became of a lost answer is found by them, and nothing is done twice. What the sources leave
open, or disagree about, is decided so that no money can be lost:

- For how long an id is remembered is nowhere said: a refund is repeated for an hour at most, a
  payment for five minutes, since it rings on the customer's phone.
- An id that was used before (RP09) is pending: the look-up tells what became of it.
- A token to open the app with is shown once. If it is lost, nobody can pay and the request runs out
  by itself within six minutes.
- DS24 (timed out after it had begun) may have moved money, and so may a code that is not listed.
- There is no list of refunds: each of ours is asked about until it has succeeded. A refund that was
  made somewhere else is never seen.
- A 409, and a 422 without a readable code, are unknown.

A void ends a request that nobody has paid yet, so that a checkout that is given up rings on no
phone; of one that was paid meanwhile it does nothing, and the money goes back by a refund.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path  # noqa: TC003 -- the configuration is read by it
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final, Literal, NamedTuple
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

import httpx
from pydantic import Field

from checkoutflow.errors import Contradiction, InvalidInput, NotSupported, UntrustedNotice
from checkoutflow.money import Money
from checkoutflow.payment.capabilities import Capabilities
from checkoutflow.payment.outcomes import (
    Action,
    Done,
    OpenApp,
    Operation,
    Outcome,
    Result,
    ShowQr,
    Standing,
    Word,
)
from checkoutflow.privacy.secret import Secret  # noqa: TC001 -- as above
from checkoutflow.providers.base import (
    SUCCEEDED,
    UNKNOWN,
    Address,
    Configured,
    Hosts,
    Name,
    OwnSecret,
    ProviderConfig,
    careful,
    unclear,
)
from checkoutflow.providers.contract import (
    Ask,
    Authorise,
    Earlier,
    Exchange,
    Modification,
    Notice,
    Transport,
    Webhook,
)
from checkoutflow.providers.http import Unreadable, body_of, json_of, path, reference_of, request
from checkoutflow.providers.notices import header, proof_for, require_same

if TYPE_CHECKING:
    from collections.abc import Mapping

Way = Literal["app", "qr", "phone"]

# What a shop can name as ``provider_method``: a link that opens the app on the same phone, a code
# to scan with it, or a request that waits in the app of whoever has the phone number.
METHODS: Final[Mapping[str, Way]] = MappingProxyType(
    {"app": "app", "swish": "app", "qr": "qr", "phone": "phone"}
)

# Their word for a payment -> ours, and why nothing came of it. Of ERROR the code decides.
WORDS: Final[Mapping[str, tuple[Word, str]]] = MappingProxyType(
    {
        "CREATED": (Word.PENDING, ""),
        "PAID": (Word.AUTHORISED, ""),
        "DECLINED": (Word.DECLINED, "declined_by_customer"),
        "CANCELLED": (Word.VOIDED, ""),
    }
)
REFUNDS: Final[Mapping[str, Outcome]] = MappingProxyType(
    {
        "CREATED": Outcome.PENDING,
        "INITIATED": Outcome.PENDING,
        "VALIDATED": Outcome.PENDING,
        "DEBITED": Outcome.PENDING,
        "PAID": Outcome.SUCCEEDED,
    }
)

# Codes that say that nothing moved, of a refusal and of ERROR alike, by the reason that we give the
# shop. DS24 and RP09 say that something may have.
_REASONS: Final = {
    "declined": "RF07",
    "declined_by_customer": "BANKIDCL",
    "authentication_failed": "BANKIDONGOING BANKIDUNKN",
    "insufficient_funds": "AM04",
    "limit_exceeded": "AM21",
    "bank_error": "FF10",
    "not_enrolled": "ACMT01 ACMT03",
    "not_eligible": "VR01 VR02",
    "invalid_phone": "BE18",
    "payment_open": "RP06",
    "cancelled": "RP08",
    "wrong_state": "RP07",
    "refund_under_way": "RF09",
    "too_late": "RF02",
    "not_the_same_parties": "RF03 RF04 RF06",
    "amount_too_low": "AM06",
    "amount_too_high": "AM02 RF08",
    "wrong_currency": "AM03",
    "invalid_request": "FF08 RP01 RP02 RP03 PA02",
    "not_set_up": "ACMT07 PA01",
}
REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {code: reason for reason, codes in _REASONS.items() for code in codes.split()}
)
ERRORS: Final[Mapping[str, tuple[Word, str]]] = MappingProxyType(
    {code: (Word.DECLINED, reason) for code, reason in REASONS.items()}
    | {"TM01": (Word.EXPIRED, "timed_out")}
)
USED_BEFORE: Final = "RP09"

# Status codes with which they refuse, whatever else they say -> why.
REFUSALS: Final[Mapping[int, str]] = MappingProxyType(
    {
        400: "invalid_request",
        401: "unauthorised",
        403: "unauthorised",
        404: "payment_not_found",
        415: "invalid_request",
        429: "too_many_requests",
    }
)

_REFERENCE: Final = re.compile(r"[0-9a-zA-Z-]{1,35}")
_PHONE: Final = re.compile(r"\+?([1-9][0-9]{7,14})")
_ID: Final = re.compile(r"[0-9A-F]{32}")
_STATUS: Final = re.compile(r"[A-Z]{1,20}")


class SwishConfig(ProviderConfig):
    """One Swish number of a shop.

    Attributes:
        number: Ten digits that begin with 123.
        notice_url: Where notices are to be sent; https on port 443. Each request carries it.
        notice_secret: What the proofs in notices are made of: random characters of our own choice,
            at least 32. Nobody else knows it, Swish neither.
        certificate: Path of the PEM file with the certificate that was ordered for the number, and
            the chain behind it. None where something before us has it, or nobody asks.
        key: Path of the PEM file with its key; None if that is in the same file.
        key_password: What the key is locked with, if it is.
        roots: Path of a PEM file with the roots to trust. The test environment has its own.
    """

    hosts: ClassVar = Hosts(
        "https://cpc.getswish.net/swish-cpcapi", "https://mss.cpc.getswish.net/swish-cpcapi"
    )

    name: Name = "swish"
    number: str = Field(pattern=r"^123[0-9]{7}$")
    notice_url: Address
    notice_secret: OwnSecret
    certificate: Path | None = None
    key: Path | None = None
    key_password: Secret | None = None
    roots: Path | None = None

    @property
    def transport(self) -> Transport:
        """How requests are sent: the certificate says who we are, and nothing else does."""
        return replace(
            super().transport,
            certificate=self.certificate,
            key=self.key,
            password=self.key_password,
            roots=self.roots,
        )


class _Payment(NamedTuple):
    """What an answer says about a payment, checked against what we asked about.

    Attributes:
        reference: What a refund has to name; None unless it is paid.
    """

    word: Word
    reason: str
    reference: str | None


@dataclass(slots=True, eq=False)
class Swish(Configured):
    """Swish behind the contract. Nothing is kept from call to call."""

    config: SwishConfig
    capabilities: ClassVar = Capabilities(
        operations=frozenset({Operation.AUTHORISE, Operation.VOID, Operation.REFUND}),
        can_be_asked=True,
        currencies=frozenset({"SEK"}),
        repeat_s={Operation.AUTHORISE: 300, Operation.REFUND: 3600},
        details=frozenset({"phone"}),
    )

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Ask the customer to pay, with all of the money taken at once.

        Raises:
            NotSupported: If the currency is not SEK, or the method is none of Swish's.
            InvalidInput: If the reference is beyond its limits, or a phone number is needed and is
                not there.
        """
        self.capabilities.require(Operation.AUTHORISE, order.amount.currency)
        way = METHODS.get(order.method)
        if way is None:
            raise NotSupported(f"{self.name} knows {', '.join(METHODS)}", field="method")
        body = self._about(order, "payeePaymentReference")
        body["payeeAlias"] = self.config.number
        if way == "phone":
            phone = _PHONE.fullmatch(order.details.get("phone", ""))
            if phone is None:
                raise InvalidInput("Swish needs a number with its country code", field="phone")
            body["payerAlias"] = phone[1]
        number = payment_id(order.merchant_reference)
        answer = yield self._request("PUT", path("api", "v2", "paymentrequests", number), body)
        if not _is_created(answer, number):
            return _not_done(answer)
        if way == "phone":
            return Result(outcome=Outcome.PENDING)
        with suppress(Unreadable):
            token = reference_of(answer.headers.get("paymentrequesttoken"))
            return Result(outcome=Outcome.PENDING, action=_action(way, token, order.return_url))
        return UNKNOWN

    def status(self, ask: Ask) -> Exchange[Standing]:
        """Say how the payment stands, and ask about each refund that has not succeeded yet."""
        return careful(self._status(ask), unclear(ask))

    def _status(self, ask: Ask) -> Exchange[Standing]:
        answer = yield self._request("GET", _path_of(ask.merchant_reference))
        if _is_not_there(answer):
            return Standing.nothing(Word.NOT_FOUND, ask.amount.currency)
        payment = self._payment(answer, ask)
        if payment.reference is None:
            return Standing.nothing(payment.word, ask.amount.currency, reason=payment.reason)
        refunded, operations = Money.zero(ask.amount.currency), []
        for item in ask.earlier:
            if item.operation is not Operation.REFUND:
                continue
            outcome = item.outcome
            if outcome is not Outcome.SUCCEEDED:
                look = self._refund_stands(item, payment.reference)
                outcome = yield from careful(look, Outcome.UNKNOWN)
            if outcome is Outcome.SUCCEEDED:
                refunded += item.amount
            if outcome is not None:  # what they have is never taken for what never arrived
                operations.append(Done(key=item.key, outcome=outcome))
        return Standing(
            word=payment.word,
            authorised=ask.amount,
            captured=ask.amount,
            refunded=refunded,
            voided=Money.zero(ask.amount.currency),
            provider_reference=payment.reference,
            operations=tuple(operations),
        )

    def _refund_stands(self, item: Earlier, paid: str) -> Exchange[Outcome | None]:
        """What became of a refund of ours; None if they never heard of it."""
        number = refund_id(item.key)
        answer = yield self._request("GET", path("api", "v1", "refunds", number))
        if _is_not_there(answer):
            return None
        return _refund(answer, number, paid, item.amount)

    def capture(self, order: Modification) -> Exchange[Result]:  # noqa: ARG002 -- of the contract
        """Not offered: the money is taken when the customer says yes.

        Raises:
            NotSupported: Always.
        """
        yield from ()  # also what is refused is a generator
        raise NotSupported(f"{self.name} takes money when the customer says yes, and no other way")

    def void(self, order: Modification) -> Exchange[Result]:
        """Stop a request that is not paid yet. One that is paid is refused, and is refunded."""
        self.capabilities.require(Operation.VOID, order.amount.currency)
        change = [{"op": "replace", "path": "/status", "value": "cancelled"}]
        patch = self._request("PATCH", _path_of(order.merchant_reference), change)
        patch.headers["content-type"] = "application/json-patch+json"
        answer = yield patch
        if answer.status_code != httpx.codes.OK:
            return _not_done(answer)
        with suppress(Unreadable):
            if self._payment(answer, order).word is Word.VOIDED:
                return SUCCEEDED
        return UNKNOWN

    def refund(self, order: Modification) -> Exchange[Result]:
        """Give money back, in parts if need be, within 13 months (a bank says 12).

        Swish takes it in, and tells later how it ended. Two at once of one payment it refuses.

        Raises:
            InvalidInput: If it was not asked before under which reference the payment was paid.
        """
        self.capabilities.require(Operation.REFUND, order.amount.currency)
        if order.provider_reference is None:
            raise InvalidInput("ask how the payment stands first", field="provider_reference")
        number = refund_id(order.key)
        body = self._about(order, "payerPaymentReference")
        body["originalPaymentReference"] = order.provider_reference
        body["payerAlias"] = self.config.number
        answer = yield self._request("PUT", path("api", "v2", "refunds", number), body)
        if not _is_created(answer, number):
            return _not_done(answer)
        return Result(outcome=Outcome.PENDING, operation_reference=number)

    def read_notices(self, webhook: Webhook) -> tuple[Notice, ...]:
        """See that a notice carries the proof that we gave with the request, then parse it.

        Nothing is signed: the proof says that it comes from Swish, not that its words are true.

        Raises:
            UntrustedNotice: If the proof is not there or not ours, or it is not readable.
        """
        match json_of(webhook.body):
            case {
                "id": str(number),
                "status": str(status),
                "originalPaymentReference": str(),
                "payerPaymentReference": str(ours),
            } | {"id": str(number), "status": str(status), "payeePaymentReference": str(ours)} if (
                _ID.fullmatch(number) and _STATUS.fullmatch(status)
            ):
                proof = proof_for(self.config.notice_secret, ours)
                require_same(proof, header(webhook.headers, "callbackidentifier"))
                return (Notice(id=f"{number}-{status}", merchant_reference=ours, kind=status),)
            case _:
                raise UntrustedNotice("not readable as a notice about a payment")

    def _about(self, order: Authorise | Modification, reference: str) -> dict[str, object]:
        """What a payment and a refund have in common."""
        ours = order.merchant_reference
        if not _REFERENCE.fullmatch(ours):
            allowed = "must be 1 to 35 letters, digits and hyphens"
            raise InvalidInput(allowed, field="merchant_reference")
        return {
            reference: ours,
            "amount": str(order.amount.decimal()),
            "currency": order.amount.currency,
            "callbackUrl": self.config.notice_url,
            "callbackIdentifier": proof_for(self.config.notice_secret, ours),
        }

    def _request(self, method: str, where: str, body: object = None) -> httpx.Request:
        return request(method, f"{self.config.base_url}{where}", headers={}, body=body)

    def _payment(self, answer: httpx.Response, asked: Ask | Modification) -> _Payment:
        """Read a payment and compare it with what we asked about.

        Raises:
            Unreadable: If it is malformed.
            Contradiction: If it is about another payment, amount or shop.
        """
        match answer.status_code, body_of(answer):
            case 200, {
                "id": str(number),
                "payeePaymentReference": str(ours),
                "payeeAlias": str(payee),
                "amount": amount,
                "currency": str(currency),
                "status": str(status),
                **rest,
            }:
                money = _kronor(amount, currency)
            case _:
                raise Unreadable("not a payment")
        reference = asked.merchant_reference
        if (number, ours, payee) != (payment_id(reference), reference, self.config.number):
            raise Contradiction("the answer is about another payment")
        if money != asked.amount:
            raise Contradiction(f"asked about {asked.amount}, got {money}")
        code = str(rest.get("errorCode"))
        ended = ERRORS.get(code) if status == "ERROR" else WORDS.get(status)
        word, reason = ended or (Word.UNCLEAR, "")
        # It may be there earlier, and means something only now.
        is_paid = word is Word.AUTHORISED
        theirs = reference_of(rest.get("paymentReference")) if is_paid else None
        return _Payment(word, reason, theirs)


# Requests -----------------------------------------------------------------------------------------


def payment_id(merchant_reference: str) -> str:
    """The id that Swish is to know a payment by.

    >>> payment_id("aaaaaaaaaaaaaaaaaaaa")
    'BD361CE01C8759238833E2A5F6796AD0'
    """
    return uuid5(NAMESPACE_URL, f"swish/payments/{merchant_reference}").hex.upper()


def refund_id(key: str) -> str:
    """The id that Swish is to know a refund by."""
    return uuid5(NAMESPACE_URL, f"swish/refunds/{key}").hex.upper()


def _path_of(merchant_reference: str) -> str:
    return path("api", "v1", "paymentrequests", payment_id(merchant_reference))


def _action(way: Way, token: str, return_url: str) -> Action:
    if way == "qr":
        return ShowQr(payload=f"D{token}")  # the letter tells the app that a token follows
    back = quote(return_url, safe="")
    return OpenApp(url=f"swish://paymentrequest?token={quote(token, safe='')}&callbackurl={back}")


# Answers ------------------------------------------------------------------------------------------


def _is_created(answer: httpx.Response, number: str) -> bool:
    """Whether they have taken in what we asked for.

    Raises:
        Contradiction: If it is something else that was created.
    """
    if answer.status_code != httpx.codes.CREATED:
        return False
    place = answer.headers.get("location", number)
    if place.rstrip("/").rpartition("/")[2].upper() != number:
        raise Contradiction("the answer is about another payment")
    return True


def _is_not_there(answer: httpx.Response) -> bool:
    """Whether they themselves say so, and not something in between with a page."""
    is_theirs = not answer.content or _codes(answer) is not None
    return answer.status_code == httpx.codes.NOT_FOUND and is_theirs


def _codes(answer: httpx.Response) -> set[str] | None:
    """The codes of a refusal: a list of them or only one; None if it is no such thing."""
    body = body_of(answer)
    codes = set()
    for item in body if isinstance(body, list) else [body]:
        match item:
            case {"errorCode": str(code)}:
                codes.add(code)
            case _:
                return None
    return codes


def _not_done(answer: httpx.Response) -> Result:
    """An answer that is not what was asked for: refused if they say so, else all is possible."""
    status = answer.status_code
    if status in REFUSALS:
        return Result(outcome=Outcome.REFUSED, reason=REFUSALS[status])
    codes = _codes(answer) if status == httpx.codes.UNPROCESSABLE_ENTITY else None
    if codes and USED_BEFORE in codes:
        return Result(outcome=Outcome.PENDING)
    if codes and codes <= REASONS.keys():
        return Result(outcome=Outcome.REFUSED, reason=REASONS[min(codes)])
    return UNKNOWN


def _refund(answer: httpx.Response, number: str, paid: str, asked: Money) -> Outcome:
    """Read a refund and compare it with what we asked about.

    Raises:
        Unreadable: If it is malformed.
        Contradiction: If it is about another payment or amount.
    """
    match answer.status_code, body_of(answer):
        case 200, {
            "id": str(theirs),
            "originalPaymentReference": str(original),
            "amount": amount,
            "currency": str(currency),
            "status": str(status),
            **rest,
        }:
            money = _kronor(amount, currency)
        case _:
            raise Unreadable("not a refund")
    if (theirs, original, money) != (number, paid, asked):
        raise Contradiction(f"asked about a refund of {asked}, got one of {money}, or another")
    if status == "ERROR" and str(rest.get("errorCode")) in ERRORS:
        return Outcome.DECLINED
    return REFUNDS.get(status, Outcome.UNKNOWN)


def _kronor(amount: object, currency: str) -> Money:
    """An amount, as the number of a look-up or the text of a notice."""
    try:
        return Money.parse(str(amount), currency)
    except InvalidInput:
        raise Unreadable("not an amount") from None
