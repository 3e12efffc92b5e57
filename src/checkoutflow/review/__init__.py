"""Orders held for a person to decide: what is noticed, the rules that hold, and the decision."""

from __future__ import annotations

from checkoutflow.review.machine import (
    REVIEW,
    RejectReason,
    Request,
    Review,
    ReviewState,
    ReviewStep,
)
from checkoutflow.review.rules import Band, Hit, Judgement, Range, Rule, Scored, When
from checkoutflow.review.settings import Forwarder, ReviewRules
from checkoutflow.review.signals import SIGNALS

__all__ = [
    "REVIEW",
    "SIGNALS",
    "Band",
    "Forwarder",
    "Hit",
    "Judgement",
    "Range",
    "RejectReason",
    "Request",
    "Review",
    "ReviewRules",
    "ReviewState",
    "ReviewStep",
    "Rule",
    "Scored",
    "When",
]
