"""What a shop can ask to be told: kept in the same commit as the change, until it is taken."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.checkout import events as e

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from checkoutflow.shop import MessageKind

# Kind of message -> the events that it tells of. A message names the checkout and nothing else:
# whoever receives it loads the checkout, which is always newer than the message.
MESSAGES: Final[Mapping[MessageKind, tuple[type, ...]]] = MappingProxyType(
    {
        "code_asked": (e.CodeAsked,),
        "contact_changed": (e.ContactChanged,),
        "details_shared": (e.DetailsShared,),
        "held": (e.Held,),
        "review_waits": (e.Held, e.ReviewReleased, e.ReviewHandedOver, e.ReviewEndorsed),
        "review_asked": (e.CustomerAsked,),
        "review_answered": (e.CustomerAnswered,),
        "confirmed": (e.Confirmed, e.ReviewApproved),
        "declined": (e.Reopened,),
        "rejected": (e.ReviewRejected, e.ReviewLapsed),
        "cancelled": (e.Cancelled,),
        "expired": (e.Expired,),
        "shipped": (e.Shipped,),
        "shipment_failed": (e.ShipmentFailed,),
        "refunded": (e.RefundDone,),
        "refund_failed": (e.RefundNotDone, e.RefundFailed),
        "fulfilled": (e.Fulfilled,),
        "authorisation_runs_out": (e.AuthorisationReminded,),
        "invoice_overdue": (e.InvoiceOverdue,),
        "attention": (e.AttentionNeeded,),
    }
)

_KINDS: Final[Mapping[type, tuple[MessageKind, ...]]] = MappingProxyType(
    {
        event: tuple(kind for kind, events in MESSAGES.items() if event in events)
        for event in dict.fromkeys(event for events in MESSAGES.values() for event in events)
    }
)


def messages(events: Iterable[e.Event], wanted: frozenset[MessageKind]) -> tuple[MessageKind, ...]:
    """The kinds of message that one commit's events make, each once, of those that are wanted."""
    if not wanted:
        return ()
    kinds = dict.fromkeys(kind for event in events for kind in _KINDS.get(type(event), ()))
    return tuple(kind for kind in kinds if kind in wanted)
