"""When a checkout must be woken: worked out from its state, so that no timer can be forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from checkoutflow.checkout.machine import Phase

if TYPE_CHECKING:
    from datetime import datetime

    from checkoutflow.checkout.state import Checkout, Payment
    from checkoutflow.shop import Shop


# What this version sets, and what a notice sets. Another version beside it may set others.
KINDS: Final = frozenset(
    {"expiry", "review", "look", "remind", "profile", "overdue", "erase", "notice"}
)


def timers(state: Checkout, shop: Shop) -> dict[str, datetime]:
    """What is due for a checkout, and when.

    Returns:
        At most one time each for ``expiry`` (an unfinished checkout ends), ``review`` (the
        decision's deadline), ``look`` (a provider is asked), ``remind`` (an authorisation runs
        out before it is captured), ``profile`` (a provider is asked what the customer shared),
        ``overdue`` (an invoice is not paid in time) and ``erase`` (whoever bought asked for it, and
        it is over).
    """
    due: dict[str, datetime] = {}
    if state.phase is Phase.COLLECTING or (state.phase is Phase.PLACING and not state.ending):
        due["expiry"] = state.expires_at
    if state.phase is Phase.HELD and state.review is not None:
        due["review"] = state.review.deadline
    looks = [payment.look_at for payment in state.payments if payment.look_at is not None]
    if looks:
        due["look"] = min(looks)
    if state.phase in {Phase.HELD, Phase.CONFIRMED}:
        reminders = [reminder(payment, shop) for payment in state.current_payments]
        if given := [at for at in reminders if at is not None]:
            due["remind"] = min(given)
    if state.is_taking_profiles:
        asks = [payment.profile_at for payment in state.current_payments]
        if wanted := [at for at in asks if at is not None]:
            due["profile"] = min(wanted)
    overdue = [invoice.reminder for invoice in state.invoices]
    if unpaid := [at for at in overdue if at is not None]:
        due["overdue"] = min(unpaid)
    if state.erasure is not None and state.is_over:
        due["erase"] = state.erasure.asked_at
    return due


def reminder(payment: Payment, shop: Shop) -> datetime | None:
    """When to tell the shop that an authorisation runs out; None if there is no need to."""
    if payment.is_reminded or payment.valid_until is None or payment.books.capturable.is_zero:
        return None
    return payment.valid_until - timedelta(seconds=shop.remind_before_s)


def changed(before: dict[str, datetime], after: dict[str, datetime]) -> dict[str, datetime | None]:
    """What must be written to get from one set of timers to the next; None removes one."""
    gone: dict[str, datetime | None] = dict.fromkeys(before.keys() - after.keys())
    return gone | {kind: at for kind, at in after.items() if before.get(kind) != at}
