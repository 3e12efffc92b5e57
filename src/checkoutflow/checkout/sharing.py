"""Deciding what becomes of what customers share while they pay.

A wallet is asked for what is needed and was not typed (`checkoutflow.checkout.needs.to_be_shared`),
and the provider tells it after the payment, or some time later, or never. The order goes on all the
same: where something is still missing in the end, a person at the shop looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checkoutflow.checkout import events as e
from checkoutflow.checkout.needs import missing_details
from checkoutflow.checkout.paying import call_a_person, later

if TYPE_CHECKING:
    from datetime import datetime

    from checkoutflow.checkout import commands as c
    from checkoutflow.checkout.draft import Draft
    from checkoutflow.checkout.state import Payment

# Seconds from one asking to the next. Providers forget what was shared: Vipps MobilePay after a
# week, the shortest we know.
ASKS_S: Final = (5, 30, 120, 900, 3600, 21_600, 86_400, 86_400, 86_400)


def await_profile(draft: Draft) -> None:
    """Once it is paid, the provider can be asked."""
    if not draft.state.is_taking_profiles:
        return
    for payment in draft.state.current_payments:
        if payment.shares and not payment.profile_asks and payment.books.authorised:
            draft.add(e.ProfileAwaited(payment=payment.id, ask_at=draft.at))


def take_profile(draft: Draft, command: c.TakeProfile) -> None:
    """Take in what the provider told, or ask again some time later, and not for ever."""
    state = draft.state
    payment = state.payment(command.payment)
    if payment.profile_at is None or not state.is_taking_profiles:
        return
    if command.is_told:
        draft.add(e.DetailsShared(payment=payment.id, fields=command.fields))
        if (shown := command.shown) is not None:
            draft.add(e.Verified(person=shown.person, by=shown.by, consents=shown.consents))
    elif draft.at < payment.profile_at:
        return  # somebody else has asked meanwhile
    else:
        draft.add(e.ProfileAwaited(payment=payment.id, ask_at=_next(payment, draft.at)))
    is_over = draft.state.payment(payment.id).profile_at is None
    if is_over and missing_details(draft.state, draft.rules):
        call_a_person(draft, payment, "not_shared")


def _next(payment: Payment, at: datetime) -> datetime | None:
    asked = payment.profile_asks - 1
    if asked >= len(ASKS_S):
        return None
    return at + later(ASKS_S[asked], f"{payment.id} profile {asked}")
