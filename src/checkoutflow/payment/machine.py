"""The life of one payment, as a table.

Amounts live in the books, never in a state's name: compare them first, then choose the step.
A success can be taken back by the provider hours or days later (``capture_failed``,
``refund_failed``); the table has steps for it.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from checkoutflow.table import Table


class PaymentState(StrEnum):
    """Where one payment stands."""

    INITIATED = "initiated"
    ACTION_REQUIRED = "action_required"
    UNKNOWN = "unknown"
    AUTHORISED = "authorised"
    PART_CAPTURED = "part_captured"
    CAPTURED = "captured"
    PART_REFUNDED = "part_refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"
    DECLINED = "declined"
    EXPIRED = "expired"


class PaymentStep(StrEnum):
    """What can happen to one payment."""

    ACTION_REQUIRED = "action_required"
    OUTCOME_UNKNOWN = "outcome_unknown"
    AUTHORISED = "authorised"
    DECLINED = "declined"
    EXPIRED = "expired"
    VOIDED = "voided"
    PARTLY_VOIDED = "partly_voided"
    PARTLY_CAPTURED = "partly_captured"
    FULLY_CAPTURED = "fully_captured"
    CAPTURE_FAILED = "capture_failed"
    PART_CAPTURE_FAILED = "part_capture_failed"
    PARTLY_REFUNDED = "partly_refunded"
    FULLY_REFUNDED = "fully_refunded"
    REFUND_FAILED = "refund_failed"
    PART_REFUND_FAILED = "part_refund_failed"


_S = PaymentState
_E = PaymentStep

# Before the answer to an authorisation is known, all three waiting states can end alike.
_WAITING: Final = {
    _E.ACTION_REQUIRED: _S.ACTION_REQUIRED,
    _E.OUTCOME_UNKNOWN: _S.UNKNOWN,
    _E.AUTHORISED: _S.AUTHORISED,
    _E.DECLINED: _S.DECLINED,
    _E.EXPIRED: _S.EXPIRED,
    _E.VOIDED: _S.VOIDED,  # dropped before the customer said yes
}

PAYMENT: Final[Table[PaymentState, PaymentStep]] = MappingProxyType(
    {
        _S.INITIATED: _WAITING,
        _S.ACTION_REQUIRED: _WAITING,
        _S.UNKNOWN: _WAITING,
        _S.AUTHORISED: {
            _E.PARTLY_CAPTURED: _S.PART_CAPTURED,
            _E.FULLY_CAPTURED: _S.CAPTURED,
            _E.PARTLY_VOIDED: _S.AUTHORISED,
            _E.VOIDED: _S.VOIDED,
            _E.EXPIRED: _S.EXPIRED,
        },
        _S.PART_CAPTURED: {
            _E.PARTLY_CAPTURED: _S.PART_CAPTURED,
            _E.FULLY_CAPTURED: _S.CAPTURED,
            _E.PARTLY_VOIDED: _S.PART_CAPTURED,
            _E.VOIDED: _S.CAPTURED,  # only the rest is released; what we took stays taken
            _E.EXPIRED: _S.CAPTURED,
            _E.PARTLY_REFUNDED: _S.PART_CAPTURED,  # the rest can still be captured
            _E.FULLY_REFUNDED: _S.PART_CAPTURED,
            _E.REFUND_FAILED: _S.PART_CAPTURED,
            _E.PART_REFUND_FAILED: _S.PART_CAPTURED,
            _E.CAPTURE_FAILED: _S.AUTHORISED,
            _E.PART_CAPTURE_FAILED: _S.PART_CAPTURED,
        },
        _S.CAPTURED: {
            _E.PARTLY_REFUNDED: _S.PART_REFUNDED,
            _E.FULLY_REFUNDED: _S.REFUNDED,
            _E.CAPTURE_FAILED: _S.AUTHORISED,
            _E.PART_CAPTURE_FAILED: _S.PART_CAPTURED,
        },
        _S.PART_REFUNDED: {
            _E.PARTLY_REFUNDED: _S.PART_REFUNDED,
            _E.FULLY_REFUNDED: _S.REFUNDED,
            _E.REFUND_FAILED: _S.CAPTURED,
            _E.PART_REFUND_FAILED: _S.PART_REFUNDED,
            _E.PART_CAPTURE_FAILED: _S.PART_CAPTURED,
        },
        _S.REFUNDED: {
            _E.REFUND_FAILED: _S.CAPTURED,
            _E.PART_REFUND_FAILED: _S.PART_REFUNDED,
        },
        # A provider may say that a customer paid after we gave up waiting, or while we dropped it.
        # Then the money is, or was, there.
        _S.DECLINED: {_E.AUTHORISED: _S.AUTHORISED},
        _S.EXPIRED: {_E.AUTHORISED: _S.AUTHORISED},
        _S.VOIDED: {_E.AUTHORISED: _S.AUTHORISED},
    }
)
