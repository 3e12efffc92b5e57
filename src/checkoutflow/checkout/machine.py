"""The rules about a checkout's phases, as two tables: where a step leads, and what may be asked."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checkoutflow.table import Table


class Phase(StrEnum):
    """Where a checkout stands, as the customer and the shop see it."""

    COLLECTING = "collecting"
    PLACING = "placing"
    HELD = "held"
    CONFIRMED = "confirmed"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"


class PhaseStep(StrEnum):
    """What moves a checkout from one phase to the next."""

    PLACED = "placed"
    REOPENED = "reopened"
    HELD = "held"
    CONFIRMED = "confirmed"
    APPROVED = "approved"
    REJECTED = "rejected"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class CommandName(StrEnum):
    """What can be asked of a checkout. From ``assess`` on, programs ask, and not people."""

    CHANGE_CART = "change_cart"
    PROVIDE = "provide"
    RECOGNISE = "recognise"
    VERIFY = "verify"
    CONSENT = "consent"
    CHOOSE_DELIVERY = "choose_delivery"
    CHOOSE_PAYMENT = "choose_payment"
    ADD_CREDIT = "add_credit"
    REMOVE_CREDIT = "remove_credit"
    QUOTE_INSURANCE = "quote_insurance"
    ANSWER_INSURANCE = "answer_insurance"
    PLACE = "place"
    CLAIM = "claim"
    RELEASE = "release"
    HAND_OVER = "hand_over"
    NOTE = "note"
    ASK = "ask"
    ANSWER = "answer"
    APPROVE = "approve"
    REJECT = "reject"
    SHIP = "ship"
    CAPTURE_AGAIN = "capture_again"
    RECORD_PAYMENT = "record_payment"
    REFUND = "refund"
    RECORD_CHARGEBACK = "record_chargeback"
    RESOLVE = "resolve"
    CANCEL_COVER = "cancel_cover"
    REPLACE = "replace"
    CHOOSE_AGAIN = "choose_again"
    CANCEL = "cancel"
    ASSESS = "assess"
    RECORD_RESULT = "record_result"
    TAKE_STANDING = "take_standing"
    HEAR = "hear"
    TAKE_PROFILE = "take_profile"
    PASS_TIME = "pass_time"  # noqa: S105 -- a command's name


_P = Phase
_S = PhaseStep
_C = CommandName

CHECKOUT: Final[Table[Phase, PhaseStep]] = MappingProxyType(
    {
        _P.COLLECTING: {
            _S.PLACED: _P.PLACING,
            _S.CANCELLED: _P.CANCELLED,
            _S.EXPIRED: _P.EXPIRED,
        },
        _P.PLACING: {
            _S.REOPENED: _P.COLLECTING,  # declined: the customer chooses again
            _S.HELD: _P.HELD,
            _S.CONFIRMED: _P.CONFIRMED,
            _S.CANCELLED: _P.CANCELLED,
            _S.EXPIRED: _P.EXPIRED,
        },
        _P.HELD: {
            _S.APPROVED: _P.CONFIRMED,
            _S.REJECTED: _P.REJECTED,
            _S.CANCELLED: _P.CANCELLED,
        },
        _P.CONFIRMED: {
            _S.FULFILLED: _P.FULFILLED,
            _S.CANCELLED: _P.CANCELLED,
        },
        # Ends. What is still reserved is voided, and what was captured can be refunded.
        _P.FULFILLED: {},
        _P.CANCELLED: {},
        _P.REJECTED: {},
        _P.EXPIRED: {},
    }
)

# What programs may report at any time: money does not ask in which phase it arrives.
_ALWAYS: Final = frozenset(
    {_C.ASSESS, _C.RECORD_RESULT, _C.TAKE_STANDING, _C.HEAR, _C.TAKE_PROFILE, _C.PASS_TIME}
)

# And what people find out where a provider does not tell.
_ANY_TIME: Final = _ALWAYS | {_C.RESOLVE}

# What reviewers do, and what they asked of the customer.
REVIEWING: Final = frozenset(
    {
        _C.CLAIM,
        _C.RELEASE,
        _C.HAND_OVER,
        _C.NOTE,
        _C.ASK,
        _C.ANSWER,
        _C.APPROVE,
        _C.REJECT,
    }
)

ALLOWED: Final[Mapping[Phase, frozenset[CommandName]]] = MappingProxyType(
    {
        _P.COLLECTING: _ANY_TIME
        | {
            _C.CHANGE_CART,
            _C.PROVIDE,
            _C.RECOGNISE,
            _C.VERIFY,
            _C.CONSENT,
            _C.CHOOSE_DELIVERY,
            _C.CHOOSE_PAYMENT,
            _C.ADD_CREDIT,
            _C.REMOVE_CREDIT,
            _C.QUOTE_INSURANCE,
            _C.ANSWER_INSURANCE,
            _C.PLACE,
            _C.CANCEL,
        },
        _P.PLACING: _ANY_TIME | {_C.CONSENT, _C.CHOOSE_AGAIN, _C.CANCEL},
        # Whoever is asked for it shows once more who they are.
        _P.HELD: _ANY_TIME | REVIEWING | {_C.CONSENT, _C.RECOGNISE, _C.VERIFY, _C.CANCEL},
        _P.CONFIRMED: _ANY_TIME
        | {
            _C.CONSENT,
            _C.SHIP,
            _C.CAPTURE_AGAIN,
            _C.RECORD_PAYMENT,
            _C.REFUND,
            _C.RECORD_CHARGEBACK,
            _C.CANCEL_COVER,
            _C.REPLACE,
            _C.CANCEL,
        },
        _P.FULFILLED: _ANY_TIME
        | {
            _C.CONSENT,
            _C.CAPTURE_AGAIN,
            _C.RECORD_PAYMENT,
            _C.REFUND,
            _C.RECORD_CHARGEBACK,
            _C.CANCEL_COVER,
            _C.REPLACE,
        },
        _P.CANCELLED: _ANY_TIME | {_C.CONSENT, _C.REFUND, _C.RECORD_CHARGEBACK},
        _P.REJECTED: _ANY_TIME | {_C.CONSENT, _C.REFUND},
        _P.EXPIRED: _ANY_TIME | {_C.CONSENT, _C.REFUND},
    }
)

# What people ask for, in the order in which an order lives.
CALLS: Final = tuple(name for name in CommandName if name not in _ALWAYS)

ENDS: Final = frozenset(phase for phase, row in CHECKOUT.items() if not row)
