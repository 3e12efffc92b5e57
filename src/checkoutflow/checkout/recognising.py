"""Deciding who the customer is, as far as they want to be known, and what they agree to.

Nobody learns from a checkout who shops here. Whoever asks to be recognised is asked for a code,
whether or not there is anybody to send one to, and all that follows is the same until a code is
right. So a level of ``known`` says that somebody asked, and not that we know them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checkoutflow.checkout import events as e
from checkoutflow.checkout.collecting import settle
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.needs import situation
from checkoutflow.checkout.reviewing import answered, waits_for
from checkoutflow.choice.options import options
from checkoutflow.errors import InvalidInput, NotVerified, UsageError
from checkoutflow.privacy.codes import CODE_LIFE, CODE_TRIES, RESEND_AFTER, RESENDS
from checkoutflow.privacy.consent import Consent, version_of

if TYPE_CHECKING:
    from datetime import datetime

    from checkoutflow.checkout import commands as c
    from checkoutflow.checkout.draft import Draft
    from checkoutflow.checkout.state import Recognition
    from checkoutflow.review.machine import Answer


# For whatever reason: which one it was would tell somebody who guesses how far they are.
WRONG_CODE: Final = "the code is not right, or not any more; ask for another one"


def ask_code(draft: Draft, command: c.AskCode) -> None:
    """Ask for a code by which the customer shows that the address or telephone is theirs.

    Raises:
        UsageError: If the order is held: then a reviewer asks.
    """
    if draft.state.phase is Phase.HELD:
        raise UsageError("a reviewer asks for a code; the customer takes it with ask_again")
    draft.add(
        e.CodeAsked(
            person=command.person,
            challenge=command.challenge,
            by=command.by,
            sending=0,
            at=draft.at,
            valid_until=draft.at + CODE_LIFE,
        )
    )


def ask_again(draft: Draft, _: c.AskAgain) -> None:
    """Let another code be sent; the one before stops working.

    Raises:
        NotVerified: If no code was asked for, it is too soon, or too many were sent.
    """
    asked = draft.state.showing
    is_held = draft.state.phase is Phase.HELD
    # What a reviewer asked for waits until the customer is there to type a code.
    is_waited_for = asked.level == "known" and bool(asked.challenge) and asked.tries < CODE_TRIES
    if is_held:
        waits_for(draft, "code")
    is_sent = is_open(asked, draft.at) and asked.sent_at is not None
    if not (is_waited_for if is_held else is_sent):
        raise NotVerified("no code is waited for; ask to be recognised first", field="code")
    if asked.sending >= RESENDS:
        raise NotVerified("too many codes were sent; ask to be recognised anew", field="code")
    if asked.sent_at is not None and draft.at < asked.sent_at + RESEND_AFTER:
        seconds = int(RESEND_AFTER.total_seconds())
        raise NotVerified(f"wait {seconds} seconds between two codes", field="code")
    draft.add(
        e.CodeAsked(
            person=asked.person,
            challenge=asked.challenge,
            by=asked.by,
            sending=asked.sending + 1,
            at=draft.at,
            valid_until=asked.valid_until
            if asked.valid_until and not is_held
            else draft.at + CODE_LIFE,
        )
    )


def is_open(asked: Recognition, at: datetime) -> bool:
    """Whether a code can still be right."""
    in_time = asked.valid_until is not None and at < asked.valid_until
    return asked.level == "known" and in_time and asked.tries < CODE_TRIES


def refuse_code(draft: Draft, _: c.RefuseCode) -> None:
    """Count a code that was not right."""
    if is_open(draft.state.showing, draft.at):
        draft.add(e.CodeRefused())


def ask_login(draft: Draft, command: c.AskLogin) -> None:
    """Remember that the customer went to somebody who can say who they are.

    Raises:
        UsageError: If the order is held, and no reviewer asked for it.
    """
    if draft.state.phase is Phase.HELD:
        waits_for(draft, "login")
    draft.add(
        e.LoginAsked(
            issuer=command.issuer, pending=command.pending, valid_until=command.valid_until
        )
    )


def take_login(draft: Draft, command: c.TakeLogin) -> None:
    """Take in that the customer came back, before what they brought is looked at.

    Raises:
        NotVerified: If this is not waited for, or not any more: somebody else came back with it.
    """
    asked = draft.state.showing
    if asked.level != "known" or asked.challenge != command.pending:
        raise NotVerified("nobody is waited for; let the customer start again", field="query")
    draft.add(e.LoginTaken())


def verify(draft: Draft, command: c.Verify) -> None:
    """Take the customer for who they have shown to be, with what they chose last time.

    Raises:
        NotVerified: If the code was right when it was looked at and is not any more: five wrong
            ones were typed by then, another one was sent, or it has been used.
    """
    asked = draft.state.showing
    is_the_last = (asked.challenge, asked.sending) == (command.challenge, command.sending)
    if command.challenge and not (is_the_last and is_open(asked, draft.at)):
        raise NotVerified(WRONG_CODE, field="code")
    if draft.state.phase is Phase.HELD:
        _shown_again(draft, command)
        return
    draft.add(e.Verified(person=command.person, by=command.by, consents=command.consents))
    if command.adult is not None and draft.state.adult is None:
        draft.add(e.AgeKnown(adult=command.adult))
    settle(draft)
    _choose(draft, command)


def _shown_again(draft: Draft, command: c.Verify) -> None:
    """The customer showed what a reviewer asked for; it changes nothing but what the review says.

    Raises:
        UsageError: If no reviewer asked.
    """
    request = waits_for(draft, "code" if command.challenge else "login")
    answers: dict[bool | None, Answer] = {True: "same_name", False: "other_name", None: "shown"}
    draft.add(e.Verified(person="", by=command.by))
    answered(draft, request, answers[command.is_named_so])


def _choose(draft: Draft, command: c.Verify) -> None:
    """Their choices of last time, as far as they are offered this time and nothing is chosen."""
    state = draft.state
    if command.delivery and not state.delivery:
        found = options(draft.rules, situation(state, draft.rules, draft.at))
        if found.delivery(command.delivery) is not None:
            expires_at = draft.fresh_expiry()
            draft.add(e.DeliveryChosen(delivery=command.delivery, expires_at=expires_at))
            settle(draft)
    state = draft.state
    if command.payment and not state.method and state.credited < state.total:
        found = options(draft.rules, situation(state, draft.rules, draft.at))
        if found.payment(command.payment) is not None:
            expires_at = draft.fresh_expiry()
            draft.add(e.PaymentChosen(method=command.payment, expires_at=expires_at))
            settle(draft)


def consent(draft: Draft, command: c.GiveConsent) -> None:
    """Note what the customer agrees to, or takes back: what differs from what they said before.

    A "no" is noted also where it differs only from what they said elsewhere since: taking back
    must be as easy in an old checkout.

    Raises:
        InvalidInput: If that is nothing that somebody can agree to.
    """
    known = {item.value for item in Consent}
    if strangers := sorted(command.consents.keys() - known):
        names = ", ".join(sorted(known))
        raise InvalidInput(f"is none of {names}", field=f"consents.{strangers[0][:40]}")
    here = draft.state.consents
    elsewhere = {**here, **command.said}
    changed = {
        kind: is_given
        for kind, is_given in command.consents.items()
        if {here.get(kind, False), elsewhere.get(kind, False)} != {is_given}
    }
    if changed:
        texts = {kind: version_of(Consent(kind)) for kind in changed}
        draft.add(e.ConsentChanged(consents=changed, texts=texts, locale=command.locale))
