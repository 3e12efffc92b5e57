"""What Stripe answers: payments and the pages for them, refunds, mandates, and every kind of no.

Nothing is sent from here. The adapter, and where these facts are from, is ``providers.stripe``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.errors import Contradiction
from checkoutflow.payment.outcomes import (
    Done,
    Mandate,
    MandateWord,
    Operation,
    Outcome,
    Redirect,
    Result,
    Risk,
    Standing,
    Word,
)
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.base import (
    SUCCEEDED,
    UNKNOWN,
    Level,
    is_shown,
    require_possible,
    risk_of,
    whole_of,
)
from checkoutflow.providers.http import Unreadable, amount_of, page_of, reference_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checkoutflow.money import Money
    from checkoutflow.providers.contract import (
        Agree,
        Ask,
        Authorise,
        Charge,
        MandateAsk,
        Modification,
    )

    Answer = Mapping[Any, object]
    _OfPayment = Authorise | Charge | Modification | Ask
    _OfMandate = Agree | MandateAsk

# Their word for a PaymentIntent -> ours. An unlisted one is UNCLEAR.
WORDS: Final = MappingProxyType(
    {
        "requires_payment_method": Word.PENDING,  # DECLINED where an error says why
        "requires_confirmation": Word.PENDING,
        "requires_action": Word.PENDING,
        "processing": Word.PENDING,
        "requires_capture": Word.AUTHORISED,
        "succeeded": Word.AUTHORISED,
        "canceled": Word.VOIDED,  # EXPIRED where time did it
    }
)
_BY_TIME: Final = ("automatic", "expired")

# Their word for a refund -> our outcome. An unlisted one is PENDING.
REFUNDS: Final = MappingProxyType(
    {
        "succeeded": Outcome.SUCCEEDED,
        "pending": Outcome.PENDING,
        "requires_action": Outcome.PENDING,
        "failed": Outcome.DECLINED,
        "canceled": Outcome.DECLINED,
    }
)

# Their code for a no -> ours.
REASONS: Final = MappingProxyType(
    {
        "amount_too_large": "amount_too_large",
        "amount_too_small": "amount_too_small",
        "authentication_required": "authentication_required",
        "charge_already_refunded": "amount_too_high",
        "charge_expired_for_capture": "authorisation_expired",
        "expired_card": "card_expired",
        "fraudulent": "suspected_fraud",
        "insufficient_funds": "insufficient_funds",
        "lost_card": "card_blocked",
        "payment_intent_authentication_failure": "authentication_required",
        "payment_intent_payment_attempt_expired": "expired",
        "payment_intent_unexpected_state": "not_authorised",
        "pickup_card": "card_blocked",
        "resource_missing": "payment_not_found",
        "stolen_card": "card_blocked",
    }
)

# How a payment stands that was just begun -> what came of it. Any other has to be looked at.
_BEGUN: Final = MappingProxyType(
    {
        Word.PENDING: Outcome.PENDING,
        Word.AUTHORISED: Outcome.SUCCEEDED,
        Word.DECLINED: Outcome.DECLINED,
    }
)

PAGE: Final = "cs_"  # what their name for a page begins with
_PAYMENT: Final = "pi_"  # and that for a payment
_HUNDREDFOLD: Final = frozenset({"ISK"})  # has no decimals here, and two on the wire


def wire(amount: Money) -> int:
    """An amount as they write it."""
    return amount.minor * (100 if amount.currency in _HUNDREDFOLD else 1)


def _money(value: object, currency: str) -> Money:
    factor = 100 if currency in _HUNDREDFOLD else 1
    if type(value) is not int or value % factor:
        raise Unreadable("not an amount")
    return amount_of(value // factor, currency)


# What came of an operation; each raises what `standing` does --------------------------------------


def begun(answer: Answer, order: Authorise | Charge) -> Result:
    """A payment, or a page for one. What is taken already has to be looked at whole."""
    found = standing(answer, order)
    return Result(
        outcome=_BEGUN.get(found.word if found.captured.is_zero else Word.UNCLEAR, Outcome.UNKNOWN),
        provider_reference=found.provider_reference,
        action=found.action,
        valid_until=found.valid_until,
        reason=found.reason,
        risk=found.risk,
    )


def captured(answer: Answer, order: Modification) -> Result:
    """A payment that was captured, if its sum is exactly as much more."""
    found = standing(answer, order)
    is_done = found.word is Word.AUTHORISED and is_shown(Operation.CAPTURE, order, found)
    return SUCCEEDED if is_done else UNKNOWN


def voided(answer: Answer, order: Modification) -> Result:
    """A payment or a page that is over, if all that was reserved is released."""
    found = standing(answer, order)
    is_all = found.authorised.is_zero or is_shown(Operation.VOID, order, found)
    return SUCCEEDED if found.word in {Word.VOIDED, Word.EXPIRED} and is_all else UNKNOWN


def refunded(answer: Answer, order: Modification) -> Result:
    """A refund, which is told by our key."""
    match answer:
        case {
            "payment_intent": payment,
            "metadata": {"checkoutflow_reference": ours, "checkoutflow_attempt": key},
            "status": str(status),
        }:
            _require_amount(answer, order.amount, "amount")
        case _:
            raise Unreadable("not a refund")
    if (payment, ours, key) != (order.provider_reference, order.merchant_reference, order.key):
        raise Contradiction("the answer is about another refund")
    return Result(outcome=REFUNDS.get(status, Outcome.PENDING))


def asked_for(answer: Answer, order: Agree) -> Result:
    """A page on which a mandate can be given."""
    found = mandate(answer, order)
    return Result(
        outcome=Outcome.PENDING if found.word is MandateWord.PENDING else Outcome.UNKNOWN,
        provider_reference=reference_of(answer.get("id")),
        action=found.action,
        valid_until=found.valid_until,
    )


def withdrawn(answer: Answer, ask: MandateAsk) -> Result:
    """A page on which a mandate can not be given any more."""
    return SUCCEEDED if mandate(answer, ask).word is MandateWord.DECLINED else UNKNOWN


def taken_off(answer: Answer, ask: MandateAsk) -> Result:
    """The card of a mandate that is no customer's any more."""
    is_it = ask.token is not None and ask.token.reveal().endswith(f":{answer.get('id')}")
    return SUCCEEDED if is_it and answer.get("customer", "") is None else UNKNOWN


def no(outcome: Outcome, error: Answer) -> Result:
    """A no, and why not in our words."""
    codes = (str(error.get(name)) for name in ("decline_code", "code"))
    otherwise = "declined" if outcome is Outcome.DECLINED else "invalid_request"
    reason = next((REASONS[code] for code in codes if code in REASONS), otherwise)
    return Result(outcome=outcome, reason=reason)


# How things stand ---------------------------------------------------------------------------------


def standing(answer: Answer, asked: _OfPayment) -> Standing:
    """How a payment, or the page for it, stands; what was given back it does not say itself.

    Raises:
        Unreadable: If it is neither, or a page that is over without a payment.
        Contradiction: If it is about another payment, amount or currency, or cannot be true.
    """
    whole = whole_of(asked)
    if answer.get("object") != "checkout.session":
        return _payment(answer, asked, whole)
    name = _name(answer, asked, answer.get("client_reference_id"))
    _require_amount(answer, whole, "amount_total")
    found = Standing.nothing(Word.EXPIRED, whole.currency, provider_reference=name)
    match answer:
        case {"status": "complete", "payment_intent": dict(inner)}:
            return _payment(inner, asked, whole)
        case {"status": "open"}:  # whatever the last card said: there may come another one
            return found.but(word=Word.PENDING, **_open(answer))
        case {"status": "expired"}:
            return found
        case _:
            raise Unreadable("not a state of a page")


def _payment(answer: Answer, asked: _OfPayment, whole: Money) -> Standing:
    match answer:
        case {"status": str(status), "metadata": {"checkoutflow_reference": ours}}:
            name, word = _name(answer, asked, ours), WORDS.get(status, Word.UNCLEAR)
            _require_amount(answer, whole, "amount")
        case _:
            raise Unreadable("not a payment")
    found = Standing.nothing(word, whole.currency, provider_reference=name)
    error, charge = answer.get("last_payment_error"), answer.get("latest_charge")
    match word:
        case Word.UNCLEAR:
            return found
        case Word.PENDING if _is_charged(charge):  # it was reserved, and something is under way
            return found.but(word=Word.UNCLEAR)
        case Word.PENDING if status == "requires_payment_method" and isinstance(error, dict):
            why = no(Outcome.DECLINED, error).reason
            return found.but(word=Word.DECLINED, reason=why, risk=_risk(charge))
        case Word.PENDING:
            return found.but(action=_action(answer.get("next_action")))
        case Word.VOIDED:
            is_by_time = answer.get("cancellation_reason") in _BY_TIME
            found = found.but(word=Word.EXPIRED if is_by_time else word)
            if not _is_charged(charge):
                return found
    taken = _money(answer.get("amount_received"), whole.currency)
    left = _money(answer.get("amount_capturable"), whole.currency)
    rest = whole - taken
    is_possible = {
        "requires_capture": left == rest,
        "succeeded": left.is_zero and not taken.is_zero,
    }.get(status, left.is_zero)
    if taken > whole or not is_possible:
        raise Contradiction(f"of {whole}, {taken} captured and {left} reserved cannot be true")
    return found.but(
        authorised=whole,
        captured=taken,
        voided=rest - left,
        valid_until=_runs_out(charge),
        risk=_risk(charge),
    )


def with_refunds(found: Standing, answer: Answer, ask: Ask) -> Standing:
    """Add what was given back, and what became of each refund of ours.

    Raises:
        Unreadable: If they do not all show.
        Contradiction: If more is given back than was captured, or one of ours is another amount.
    """
    asked = {item.key: item.amount for item in ask.earlier}
    total, operations = found.refunded, []
    match answer:
        case {"data": list(refunds), "has_more": False}:
            pass
        case _:
            raise Unreadable("not all refunds")
    for value in refunds:
        match value:
            case {"payment_intent": about, "status": str(status), "amount": minor, **more} if (
                about == found.provider_reference
            ):
                outcome = REFUNDS.get(status, Outcome.PENDING)
                amount = _money(minor, total.currency)
            case _:
                raise Unreadable("not a refund of this payment")
        match more.get("metadata"):
            case {"checkoutflow_attempt": str(key)}:
                if amount != asked.get(key, amount):
                    raise Contradiction(f"asked to refund {asked[key]}, and {amount} is shown")
                operations.append(Done(key=key, outcome=outcome))
            case _ if more.get("balance_transaction") is None:
                continue
        if outcome is Outcome.SUCCEEDED:
            total = total + amount
    found = found.but(refunded=total, operations=tuple(operations))
    require_possible(found, found.authorised)
    return found


def mandate(answer: Answer, asked: _OfMandate) -> Mandate:
    """How a mandate stands: its page, and the card that was given on it.

    Raises:
        Unreadable: If it is none, or a page that is over without a card.
        Contradiction: If it is about another one.
    """
    _name(answer, asked, answer.get("client_reference_id"))
    match answer:
        case {"status": "open", "mode": "setup"}:
            return Mandate(word=MandateWord.PENDING, **_open(answer))
        case {"status": "expired", "mode": "setup"}:
            return Mandate(word=MandateWord.DECLINED, reason="expired")
        case {"setup_intent": {"status": "succeeded", "payment_method": {"customer": None}}}:
            return Mandate(word=MandateWord.ENDED)
        case {
            "setup_intent": {
                "status": "succeeded",
                "payment_method": {"customer": customer, "id": card},
            }
        }:
            token = Secret(f"{reference_of(customer)}:{reference_of(card)}")
            return Mandate(word=MandateWord.ACTIVE, token=token)
        case _:
            raise Unreadable("not a mandate")


def _name(answer: Answer, asked: _OfPayment | _OfMandate, ours: object) -> str:
    """Their name for something, once it is sure that it is ours. A page becomes a payment."""
    name, known = reference_of(answer.get("id")), getattr(asked, "provider_reference", None)
    is_paid = known is not None and known.startswith(PAGE) and name.startswith(_PAYMENT)
    if ours != asked.merchant_reference or not (known in {None, name} or is_paid):
        raise Contradiction("the answer is about something else")
    return name


def _require_amount(answer: Answer, amount: Money, field: str) -> None:
    told = answer.get("currency"), _money(answer.get(field), amount.currency)
    if told != (amount.currency.lower(), amount):
        raise Contradiction(f"asked about {amount}, and the answer is about another amount")


def _is_charged(charge: object) -> bool:
    """Whether money was reserved or taken, also if it has been released since."""
    match charge:
        case None | {"status": "failed"}:
            return False
        case {"status": "succeeded"}:
            return True
        case _:
            raise Unreadable("whether anything was reserved does not show")


def _open(page: Answer) -> dict[str, Any]:
    """What the customer can do on an open page, and until when."""
    return {
        "action": Redirect(url=page_of(page.get("url"))),
        "valid_until": _time(page.get("expires_at")),
    }


def _action(value: object) -> Redirect | None:
    """Where the customer must go. A kind that we do not know is none: they cannot do it."""
    match value:
        case {"redirect_to_url": {"url": url}} | {
            "swish_handle_redirect_or_display_qr_code": {"hosted_instructions_url": url}
        }:
            return Redirect(url=page_of(url))
        case _:
            return None


def _runs_out(charge: object) -> datetime | None:
    match charge:
        case {"payment_method_details": {"card": {"capture_before": moment}}}:
            return _time(moment)
        case _:
            return None


# Their words for the risk; `not_assessed` is no opinion, and `unknown` says itself that it is none.
RISKS: Final[Mapping[str, Level]] = {
    "normal": "low",
    "elevated": "elevated",
    "highest": "high",
    "not_assessed": "",
}


def _risk(charge: object) -> Risk | None:
    """What they say of the risk, and of the card."""
    if not isinstance(charge, dict):
        return None
    outcome, details = charge.get("outcome"), charge.get("payment_method_details")
    card = details.get("card") if isinstance(details, dict) else None
    card = card if isinstance(card, dict) else {}
    return risk_of(
        outcome.get("risk_level") if isinstance(outcome, dict) else None,
        RISKS,
        country=card.get("country"),
        card=card.get("fingerprint"),
    )


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    if type(value) is not int or not 0 < value < 10**11:
        raise Unreadable("not a point in time")
    return datetime.fromtimestamp(value, UTC)
