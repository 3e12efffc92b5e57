"""Mandates and later payments with Vipps (NO) and MobilePay (DK, FI): the provider's Recurring API.

An agreement is a mandate, and a charge on it a payment whose id is our reference. Source: the
provider's OpenAPI file (Recurring 2.6.17) and its newer developer pages, read 2026-11. What they
leave open, or leave to us, is decided so:

- Charges are reserved on their day (``RESERVE_CAPTURE``) and captured by us. So goods are paid for
  when they are sent, and a charge is captured, voided and refunded like any other payment.
- The price of an agreement is variable, up to our maximum. The customer may choose a lower one; a
  charge above theirs waits until they have raised it, or fails.
- A charge has to be sent one day ahead, or two, as the page may be: two.
- The answer to a capture, void or refund is empty. So we look once, and the sums decide.
- An agreement cannot be looked up by our reference. Where its own never reached us, the customer
  never saw the page either: there is no mandate. It is no secret, but nothing else names the
  mandate in a charge: it is both the reference and the token.
- A charge is found by our reference alone at an address meant for support. We use it only where the
  agreement is not known: the answer was lost, or the charge came with the agreement.
- How a customer's no shows is not said: an agreement that ended and never began was declined.
- A charge in a state that does not fit its sums is unclear, and asked about again.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.errors import Contradiction, InvalidInput, NotSupported
from checkoutflow.money import Money
from checkoutflow.payment.capabilities import MandateTerms
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
from checkoutflow.providers.base import is_shown, require_possible, whole_of
from checkoutflow.providers.http import Unreadable, amount_of, page_of, path, reference_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checkoutflow.providers.contract import (
        Agree,
        Ask,
        Charge,
        Exchange,
        MandateAsk,
        Modification,
    )
    from checkoutflow.providers.vipps_mobilepay import VippsMobilePay

RECURRING: Final = "recurring"  # the way to pay on which mandates are given
TERMS: Final = MandateTerms(first_charge=True, ahead_days=2, retries_days=5)

MINIMUM: Final = 100  # minor units, in every currency
MAXIMA: Final[Mapping[str, int]] = MappingProxyType(
    {"NOK": 2_000_000, "DKK": 30_000_000, "EUR": 200_000}
)
MONTHS: Final = range(32)  # from one charge to the next; 0 where they come irregularly
RETURN_URL: Final = 1024  # characters
TITLE: Final = 45
DESCRIPTION: Final = 100

# Their word for an agreement -> ours. One that was stopped before it began was declined.
AGREEMENTS: Final[Mapping[str, MandateWord]] = MappingProxyType(
    {
        "PENDING": MandateWord.PENDING,
        "ACTIVE": MandateWord.ACTIVE,
        "STOPPED": MandateWord.ENDED,
        "EXPIRED": MandateWord.DECLINED,
    }
)

# Their word for a charge -> ours, and whether some of it must be captured; None for either.
CHARGES: Final[Mapping[str, tuple[Word, bool | None]]] = MappingProxyType(
    {
        "PENDING": (Word.PENDING, False),
        "DUE": (Word.PENDING, False),
        "PROCESSING": (Word.PENDING, False),
        "RESERVED": (Word.AUTHORISED, False),
        "PARTIALLY_CAPTURED": (Word.AUTHORISED, True),
        "CHARGED": (Word.AUTHORISED, True),
        "PARTIALLY_REFUNDED": (Word.AUTHORISED, True),
        "REFUNDED": (Word.AUTHORISED, True),
        "CANCELLED": (Word.VOIDED, None),
        "FAILED": (Word.DECLINED, False),
    }
)

# Why a charge failed. They have retried it by then, and told the customer what to do.
FAILURES: Final = frozenset(
    {"user_action_required", "charge_amount_too_high", "non_technical_error", "technical_error"}
)

# Their kinds of problems with which a request did nothing, by the reason that we give the shop.
# Every other one leaves the outcome unknown.
_REASONS: Final = {
    "invalid_request": "validation-error invalid-json unsupported-media-type missing-request-header"
    " idempotency-key-header",
    "unauthorised": "not-authorized",
    "not_found": "resource-not-found invalid-agreement-id",
    "not_set_up": "unsupported-feature invalid-sale-unit",
    "amount_too_high": "charge-amount-too-high invalid-suggested-max-amount",
    "wrong_day": "charge-due-too-soon charge-due-in-too-long",
    "wrong_state": "illegal-agreement-update charge-creation-failed",
}
REFUSALS: Final[Mapping[str, str]] = MappingProxyType(
    {problem: reason for reason, problems in _REASONS.items() for problem in problems.split()}
)
_REFUSING: Final = frozenset({400, 401, 403, 404, 415, 422})

_NO_SUCH: Final = "resource-not-found"
_NOT_FOUND: Final = Result(outcome=Outcome.REFUSED, reason="not_found")

_TAKEN_IN: Final = 202
_DONE: Final = 204
_REFERENCE: Final = re.compile(r"[a-zA-Z0-9-]{8,64}")
_PHONE: Final = re.compile(r"\+?([0-9]{9,15})")


# Of both APIs -------------------------------------------------------------------------------------


def our_reference(reference: str) -> str:
    """Our reference, once it is one that they take.

    Raises:
        InvalidInput: If it is not.
    """
    if not _REFERENCE.fullmatch(reference):
        raise InvalidInput("must be 8 to 64 letters, digits and dashes", field="merchant_reference")
    return reference


def require_ours(theirs: object, ours: str) -> None:
    """See that an answer is about what was asked.

    Raises:
        Unreadable: If it names nothing.
        Contradiction: If it names something else.
    """
    if reference_of(theirs) != ours:
        raise Contradiction("the answer is about something else than was asked")


def msisdn(details: Mapping[str, str]) -> str:
    """The customer's phone number as they want it: digits only; empty if it is none."""
    phone = _PHONE.fullmatch(details.get("phone", ""))
    return phone[1] if phone else ""


def outcome_of(operation: Operation, order: Modification, standing: Standing) -> Outcome:
    """What the sums say of a change: done only if they have grown by exactly what was asked.

    A void before anything was reserved shows in the word alone.
    """
    is_done = is_shown(operation, order, standing)
    if operation is Operation.VOID and standing.authorised.is_zero:
        is_done = standing.word is Word.VOIDED
    return Outcome.SUCCEEDED if is_done else Outcome.UNKNOWN


# Mandates -----------------------------------------------------------------------------------------


def agree(unit: VippsMobilePay, order: Agree) -> Exchange[Result]:
    """Draft an agreement and send the customer to the app. A first payment is reserved with it."""
    body = _draft(unit, order)
    status, answer = yield from unit.send("POST", _path("agreements"), order.key, body)
    match status, answer:
        case 201, {"agreementId": agreement, "vippsConfirmationUrl": url, **more}:
            if order.first is not None:
                require_ours(more.get("chargeId"), order.first.merchant_reference)
            return Result(
                outcome=Outcome.PENDING,
                provider_reference=reference_of(agreement),
                action=Redirect(url=page_of(url)),
            )
        case _:
            return _not_done(status, answer)


def mandate(unit: VippsMobilePay, ask: MandateAsk) -> Exchange[Mandate]:
    """Read an agreement.

    Raises:
        Unreadable: If that cannot be done.
    """
    agreement = ask.provider_reference
    if agreement is None:
        return Mandate(word=MandateWord.NOT_FOUND)
    match (yield from unit.send("GET", _path("agreements", agreement))):
        case 200, {"id": theirs, "externalId": ours, "status": str(state), **more} if (
            state in AGREEMENTS
        ):
            require_ours(theirs, agreement)
            require_ours(ours, ask.merchant_reference)
            return _mandate(state, agreement, more)
        case 404, answer if _problem(answer) == _NO_SUCH:
            return Mandate(word=MandateWord.NOT_FOUND)
        case _:
            raise Unreadable("not an agreement")


def _mandate(state: str, agreement: str, more: Mapping[Any, object]) -> Mandate:
    match AGREEMENTS[state]:
        case MandateWord.PENDING:
            page = page_of(more.get("vippsConfirmationUrl"))
            return Mandate(word=MandateWord.PENDING, action=Redirect(url=page))
        case MandateWord.ACTIVE:
            return Mandate(word=MandateWord.ACTIVE, token=Secret(agreement))
        case MandateWord.ENDED if more.get("start") is not None:
            return Mandate(word=MandateWord.ENDED)
        case _:
            reason = "expired" if state == "EXPIRED" else "declined_by_customer"
            return Mandate(word=MandateWord.DECLINED, reason=reason)


def end(unit: VippsMobilePay, ask: MandateAsk) -> Exchange[Result]:
    """Stop an agreement for good; charges that are not captured are released with it."""
    if ask.provider_reference is None:
        return _NOT_FOUND
    where = _path("agreements", ask.provider_reference)
    status, answer = yield from unit.send("PATCH", where, ask.key, {"status": "STOPPED"})
    if status not in {_TAKEN_IN, _DONE}:
        return _not_done(status, answer)
    return Result(outcome=Outcome.SUCCEEDED if status == _DONE else Outcome.PENDING)


# Charges ------------------------------------------------------------------------------------------


def charge(unit: VippsMobilePay, order: Charge) -> Exchange[Result]:
    """Have a charge reserved on the day that it is due. Until then it is pending."""
    body = _creation(unit, order)
    if order.due is None:
        raise InvalidInput("say on which day it is due", field="due")
    agreement = order.token.reveal() if order.token is not None else ""
    body |= {"due": order.due.isoformat(), "retryDays": TERMS.retries_days}
    where = _path("agreements", agreement, "charges")
    status, answer = yield from unit.send("POST", where, order.key, body)
    match status, answer:
        case 201, {"chargeId": theirs}:
            require_ours(theirs, order.merchant_reference)
            return Result(outcome=Outcome.PENDING, provider_reference=agreement)
        case _:
            return _not_done(status, answer)


def look(unit: VippsMobilePay, asked: Ask | Modification) -> Exchange[Standing]:
    """Read a charge.

    Raises:
        Unreadable: If that cannot be done.
    """
    match (yield from unit.send("GET", _where(asked, asked.provider_reference))):
        case 200, answer:
            return _standing(answer, asked)
        case 404, answer if _problem(answer) == _NO_SUCH:
            return Standing.nothing(Word.NOT_FOUND, asked.amount.currency)
        case _:
            raise Unreadable("not a charge")


def modify(unit: VippsMobilePay, operation: Operation, order: Modification) -> Exchange[Result]:
    """Capture, void or refund a charge, and look what became of it."""
    agreement = order.provider_reference
    if agreement is None:
        agreement = (yield from look(unit, order)).provider_reference
        if agreement is None:
            return _NOT_FOUND
    where = _where(order, agreement)
    if operation is Operation.VOID:
        status, answer = yield from unit.send("DELETE", where, order.key)
    else:
        names = ", ".join(line.name for line in order.lines)[:TITLE].strip()
        # The customer reads the description.
        body = {"amount": order.amount.minor, "description": names or order.merchant_reference}
        status, answer = yield from unit.send("POST", f"{where}/{operation}", order.key, body)
    if status not in {_TAKEN_IN, _DONE}:
        return _not_done(status, answer)
    outcome = outcome_of(operation, order, (yield from look(unit, order)))
    if outcome is Outcome.UNKNOWN and status == _TAKEN_IN:
        outcome = Outcome.PENDING
    return Result(outcome=outcome, provider_reference=agreement)


# Requests -----------------------------------------------------------------------------------------


def _path(*parts: str) -> str:
    return path("recurring", "v3", *parts)


def _where(asked: Ask | Modification, agreement: str | None) -> str:
    charge = ("charges", our_reference(asked.merchant_reference))
    return _path(*charge) if agreement is None else _path("agreements", agreement, *charge)


def _require(unit: VippsMobilePay, method: str, amount: Money) -> str:
    """See that this sales unit can take it; where customers see their mandates."""
    page = unit.config.agreement_url
    if page is None or method != RECURRING:
        raise NotSupported(
            f"{unit.name} takes mandates by {RECURRING}, and with agreement_url set", field="method"
        )
    unit.capabilities.require(Operation.AUTHORISE, amount.currency)
    if amount.minor < MINIMUM:
        raise InvalidInput(f"must be at least {MINIMUM} minor units", field="amount")
    return page.rstrip("/")


def _draft(unit: VippsMobilePay, order: Agree) -> dict[str, object]:
    page = _require(unit, order.method, order.maximum)
    most = MAXIMA[order.maximum.currency]
    if order.maximum.minor > most:
        raise InvalidInput(f"must be at most {most} minor units", field="maximum")
    if order.every_months not in MONTHS:
        raise InvalidInput(f"must be at most {MONTHS[-1]}", field="every_months")
    if len(order.return_url) > RETURN_URL:
        raise InvalidInput(f"must be at most {RETURN_URL} characters", field="return_url")
    ours = our_reference(order.merchant_reference)
    body: dict[str, object] = {
        "externalId": ours,
        "merchantAgreementUrl": f"{page}{path(ours)}",
        "merchantRedirectUrl": order.return_url,
        "pricing": {
            "currency": order.maximum.currency,
            "suggestedMaxAmount": order.maximum.minor,
            "type": "VARIABLE",
        },
        "productName": order.title[:TITLE],
    }
    if len(order.title) > TITLE:
        body["productDescription"] = order.title[:DESCRIPTION]
    if order.every_months:
        body["interval"] = {"unit": "MONTH", "count": order.every_months}
    if phone := msisdn(order.details):
        body["phoneNumber"] = phone
    if order.first is not None:
        body["initialCharge"] = _creation(unit, order.first)
    return body


def _creation(unit: VippsMobilePay, order: Charge) -> dict[str, object]:
    _require(unit, order.method, order.amount)
    return {
        "amount": order.amount.minor,
        "description": order.title[:TITLE],
        "orderId": our_reference(order.merchant_reference),
        "transactionType": "RESERVE_CAPTURE",
    }


# Answers ------------------------------------------------------------------------------------------


def _problem(answer: object) -> str | None:
    """What kind of problem of theirs an answer is; None if it is no such thing."""
    match answer:
        case {"type": str(kind)}:
            return kind.partition("#")[2]
        case _:
            return None


def _not_done(status: int, answer: object) -> Result:
    """An answer that is no success: refused if they themselves say so, else anything is possible.

    Their gateway answers 401 and 403 in shapes of its own, and before anything is done.
    """
    problem, reason = _problem(answer), ""
    if problem is None:
        is_gateway = status in {401, 403} and isinstance(answer, dict)
        reason = "unauthorised" if is_gateway else ""
    elif status in _REFUSING:
        reason = REFUSALS.get(problem, "")
    return Result(outcome=Outcome.REFUSED if reason else Outcome.UNKNOWN, reason=reason)


def _standing(answer: object, asked: Ask | Modification) -> Standing:
    """Read a charge, and compare it with what we asked about.

    Raises:
        Unreadable: If it is malformed, in a state that we do not know, or in one that its sums do
            not fit.
        Contradiction: If it is about another payment, amount or currency, or cannot be true.
    """
    match answer:
        case {
            "id": ours,
            "agreementId": theirs,
            "status": str(state),
            "amount": minor,
            "currency": currency,
            "summary": dict(sums),
            "history": list(history),
            **more,
        } if state in CHARGES:
            require_ours(ours, asked.merchant_reference)
            agreement = reference_of(theirs)
            require_ours(agreement, asked.provider_reference or agreement)
            amount = amount_of(minor, currency)
            names = ("captured", "refunded", "cancelled")
            captured, refunded, voided = (amount_of(sums.get(name), currency) for name in names)
        case _:
            raise Unreadable("not a charge")
    whole = whole_of(asked)
    if amount != whole:
        raise Contradiction(f"asked about {whole}, and the charge is of {amount}")
    word, is_captured = CHARGES[state]
    is_reserved = word is Word.AUTHORISED or captured.minor > 0 or any(map(_reserves, history))
    if is_captured is captured.is_zero or (is_reserved and word in {Word.PENDING, Word.DECLINED}):
        raise Unreadable("its state and its sums do not fit")
    authorised = whole if is_reserved else Money.zero(whole.currency)
    if not is_reserved:
        voided = authorised  # what is cancelled before it is reserved was never there
    elif word is Word.VOIDED and captured + voided != authorised:
        raise Unreadable("cancelled, and something is left")
    else:
        word = Word.VOIDED if voided == authorised else Word.AUTHORISED
    failure = more.get("failureReason")
    standing = Standing(
        word=word,
        authorised=authorised,
        captured=captured,
        refunded=refunded,
        voided=voided,
        provider_reference=agreement,
        reason=failure if isinstance(failure, str) and failure in FAILURES else "",
    )
    require_possible(standing, whole)
    return standing


def _reserves(event: object) -> bool:
    match event:
        case {"event": "RESERVE", "success": True}:
            return True
        case _:
            return False
