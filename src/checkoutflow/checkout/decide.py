"""``decide(state, command, rules) -> events``: the front door of the heart.

Pure: no clock, no randomness, no database, no network. A command that cannot be carried out raises
and changes nothing.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.checkout import (
    collecting,
    invoicing,
    ordering,
    paying,
    recognising,
    resolving,
    reviewing,
    sharing,
)
from checkoutflow.checkout import commands as c
from checkoutflow.checkout import events as e
from checkoutflow.checkout.draft import Draft
from checkoutflow.checkout.evolve import evolve
from checkoutflow.checkout.follow import follow
from checkoutflow.checkout.machine import ALLOWED, REVIEWING, Phase
from checkoutflow.checkout.timers import reminder
from checkoutflow.errors import IllegalTransition, ReviewOver

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from checkoutflow.checkout.machine import CommandName
    from checkoutflow.checkout.state import Checkout
    from checkoutflow.choice.rules import Rules


def begin(
    command: c.Start, rules: Rules, at: datetime, then: Sequence[c.Command] = ()
) -> tuple[Checkout, tuple[e.Event, ...]]:
    """Start a checkout, and carry out further commands on it in the same change.

    Raises:
        UsageError: If the command does not fit the shop, the market or the cart.
    """
    started = collecting.start(command, rules, at)
    state, events = decide(evolve(None, started), then, rules, at)
    return state, (started, *events)


def decide(
    state: Checkout,
    commands: Sequence[c.Command],
    rules: Rules,
    at: datetime,
    *,
    number: int = 1,
) -> tuple[Checkout, tuple[e.Event, ...]]:
    """Work out what happens.

    Args:
        state: The checkout as it stands.
        commands: What is asked of it, one after the other, all in one change or not at all.
        rules: The shop's settings, the law and the providers' capabilities.
        at: Now; aware, in UTC.
        number: For an invoice, should there be one, and those after it. Nothing else depends on it,
            so that a commit can decide again with the number that is free then.

    Returns:
        The checkout afterwards (its version as before) and the events that led there.

    Raises:
        IllegalTransition: If a command cannot happen in the checkout's phase.
        UsageError: If a command's content does not fit.
        OutcomeUnknown: If an earlier outcome must be known first.
    """
    draft = Draft(state, rules, at, number)
    for command in commands:
        # Deadlines first, so that nobody acts on what has run out. What a provider says comes
        # before them: money that is there counts, also when we hear of it late.
        is_report = isinstance(command, _REPORTS)
        if not is_report:
            _pass_time(draft)
        if command.name not in ALLOWED[draft.state.phase]:
            raise _refusal(draft.state, command.name)
        _HANDLERS[type(command)](draft, command)
        follow(draft)
        if is_report:
            _pass_time(draft)
    collecting.only_needed(draft, [each for each in commands if isinstance(each, c.Provide)])
    return draft.state, tuple(draft.events)


def _refusal(state: Checkout, name: CommandName) -> IllegalTransition:
    """Say that a phase has no such command; to a reviewer, what came before them."""
    review = state.review
    if name in REVIEWING and review is not None and review.ended:
        return ReviewOver(state.phase, name, review.ended)
    return IllegalTransition("checkout", state.phase, name)


def _pass_time(draft: Draft, _: c.PassTime | None = None) -> None:
    """Let deadlines that are over take effect."""
    state, before = draft.state, len(draft.events)
    match state.phase:
        case Phase.COLLECTING if draft.at >= state.expires_at:
            draft.add(e.Expired())
        case Phase.PLACING if draft.at >= state.expires_at and not state.ending:
            draft.add(e.EndingAsked(ending="expired"))
        case Phase.HELD if state.review and draft.at >= state.review.deadline:
            reviewing.pass_deadline(draft)
        case _:
            pass
    _remind(draft)
    invoicing.remind(draft)
    if len(draft.events) > before:
        follow(draft)


def _remind(draft: Draft) -> None:
    """Tell the shop in time that an authorisation runs out."""
    if draft.state.phase not in {Phase.HELD, Phase.CONFIRMED}:
        return
    for payment in draft.state.current_payments:
        due = reminder(payment, draft.rules.shop)
        if due is not None and draft.at >= due and payment.valid_until is not None:
            draft.add(e.AuthorisationReminded(payment=payment.id, valid_until=payment.valid_until))


_REPORTS: Final = c.Assess | c.RecordResult | c.TakeStanding | c.Hear | c.Resolve

_HANDLERS: Final[MappingProxyType[type, Callable[[Draft, Any], None]]] = MappingProxyType(
    {
        c.ChangeCart: collecting.change_cart,
        c.Provide: collecting.provide,
        c.AskCode: recognising.ask_code,
        c.AskAgain: recognising.ask_again,
        c.AskLogin: recognising.ask_login,
        c.TakeLogin: recognising.take_login,
        c.RefuseCode: recognising.refuse_code,
        c.Verify: recognising.verify,
        c.GiveConsent: recognising.consent,
        c.ChooseDelivery: collecting.choose_delivery,
        c.ChoosePayment: collecting.choose_payment,
        c.AddCredit: collecting.add_credit,
        c.RemoveCredit: collecting.remove_credit,
        c.AnswerInsurance: collecting.answer_insurance,
        c.TakeQuotes: collecting.take_quotes,
        c.Place: collecting.place,
        c.Claim: reviewing.claim,
        c.Release: reviewing.release,
        c.HandOver: reviewing.hand_over,
        c.Note: reviewing.note,
        c.AskCustomer: reviewing.ask,
        c.AnswerReviewer: reviewing.answer,
        c.Approve: reviewing.approve,
        c.Reject: reviewing.reject,
        c.Ship: ordering.ship,
        c.CaptureAgain: ordering.capture_again,
        c.RecordPayment: invoicing.record_payment,
        c.Refund: ordering.refund,
        c.RecordChargeback: ordering.record_chargeback,
        c.Resolve: resolving.resolve,
        c.CancelCover: ordering.cancel_cover,
        c.Replace: ordering.replace,
        c.ChooseAgain: ordering.choose_again,
        c.Cancel: ordering.cancel,
        c.Assess: paying.assess,
        c.RecordResult: paying.record_result,
        c.TakeStanding: paying.take_standing,
        c.Hear: paying.hear,
        c.TakeProfile: sharing.take_profile,
        c.PassTime: _pass_time,
    }
)
