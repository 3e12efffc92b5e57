"""Deciding what a provider's answer means; it is believed as far as the books allow."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final
from zlib import crc32

from checkoutflow.checkout import events as e
from checkoutflow.checkout.draft import LEASE
from checkoutflow.checkout.machine import Phase
from checkoutflow.errors import IllegalTransition, UsageError
from checkoutflow.money import Money, total
from checkoutflow.payment.outcomes import Heard, Operation, Outcome, Word

if TYPE_CHECKING:
    from datetime import datetime

    from checkoutflow.checkout import commands as c
    from checkoutflow.checkout.draft import Draft
    from checkoutflow.checkout.state import Attempt, Payment
    from checkoutflow.payment.outcomes import Result, Standing

# Seconds from one look to the next: quickly at first, a customer may be waiting; then hourly for a
# day and daily for a week.
LOOKS_S: Final = (5, 30, 120, 300, 900, *[3600] * 24, *[86_400] * 7)
CALL_AFTER: Final = timedelta(hours=24)
LAST_LOOK: Final = timedelta(days=7)


def next_look(payment: Payment, at: datetime) -> datetime | None:
    """When to ask the provider next; None once it was asked for a week.

    Somewhat later than the table says: after an outage, those who wait do not all ask in the same
    second.
    """
    if payment.looks >= len(LOOKS_S):
        return None
    return at + later(LOOKS_S[payment.looks], f"{payment.id} {payment.looks}")


def later(wait_s: int, name: str) -> timedelta:
    """So many seconds, or up to a fifth more, drawn from a name: a replay finds the same."""
    drawn = crc32(name.encode()) / 2**32
    return timedelta(seconds=wait_s, milliseconds=int(drawn * wait_s * 200))


def _look_at(payment: Payment, at: datetime) -> datetime:
    """When to ask about something that has just moved: once more also after the last time."""
    return next_look(payment, at) or at + LAST_LOOK


def assess(draft: Draft, command: c.Assess) -> None:
    """Take in what was noticed with a payment's answer, for the rules that judge the order next."""
    state = draft.state
    if state.phase is Phase.PLACING and command.signals.items() - state.signals.items():
        draft.add(e.Assessed(signals=command.signals))


def record_result(draft: Draft, command: c.RecordResult) -> None:
    """Take in what a provider answered to one attempt; an attempt that has its answer keeps it."""
    payment, attempt = draft.state.attempt(command.attempt)
    if not attempt.is_open:
        nothing_moved = {Outcome.DECLINED, Outcome.REFUSED}
        if attempt.outcome is Outcome.REFUSED and command.result.outcome not in nothing_moved:
            # It was given up for undone, and now it may have been done: ask at once.
            draft.add(e.Looked(payment=payment.id, look_at=draft.at))
        return
    if command.said:
        _contradicted(draft, payment, command.said, stops=False)
    take_result(draft, payment, attempt, command.result)


def take_result(draft: Draft, payment: Payment, attempt: Attempt, result: Result) -> None:
    """Let an open attempt have this answer; what the books forbid is a contradiction."""
    match result.outcome:
        case Outcome.SUCCEEDED:
            if attempt.operation is Operation.AUTHORISE:
                event = _authorised(draft, payment, attempt, attempt.amount, result)
                if _believe(draft, payment, event) and result.is_taken:
                    _taken_at_once(draft, payment, attempt.amount)
            else:
                _believe(draft, payment, _done(payment, attempt))
        case Outcome.DECLINED:
            failed(draft, payment, attempt, Outcome.DECLINED, result.reason)
        # A refusal says that this request did nothing. Of an earlier one under the same key, whose
        # answer was lost, it says nothing.
        case Outcome.REFUSED if attempt.sends == 1:
            failed(draft, payment, attempt, Outcome.REFUSED, result.reason)
        case Outcome.PENDING:
            draft.add(
                e.AttemptPending(
                    payment=payment.id,
                    attempt=attempt.id,
                    provider_reference=result.provider_reference,
                    operation_reference=result.operation_reference,
                    action=result.action if attempt.operation is Operation.AUTHORISE else None,
                    valid_until=result.valid_until,
                    look_at=_look_at(payment, draft.at),
                )
            )
        case _:
            look_at = _look_at(payment, draft.at)
            draft.add(
                e.AttemptUnknown(
                    payment=payment.id,
                    attempt=attempt.id,
                    provider_reference=result.provider_reference,
                    look_at=look_at,
                )
            )


_DONE: Final[dict[Operation, type[e.PaymentCaptured | e.PaymentVoided | e.PaymentRefunded]]] = {
    Operation.CAPTURE: e.PaymentCaptured,
    Operation.VOID: e.PaymentVoided,
    Operation.REFUND: e.PaymentRefunded,
}


def _done(payment: Payment, attempt: Attempt) -> e.Event:
    """That an operation other than the authorisation was done.

    A void releases what is left: less than was asked for, where something was captured meanwhile.
    """
    amount = attempt.amount
    if attempt.operation is Operation.VOID and payment.books.capturable.minor:
        amount = min(amount, payment.books.capturable)
    return _DONE[attempt.operation](payment=payment.id, attempt=attempt.id, amount=amount)


def _authorised(
    draft: Draft,
    payment: Payment,
    attempt: Attempt,
    amount: Money,
    told: Result | Standing | Heard,
) -> e.Event:
    """That money is reserved, with what the provider told about it."""
    valid_until = None if isinstance(told, Heard) else told.valid_until
    return e.PaymentAuthorised(
        payment=payment.id,
        attempt=attempt.id,
        amount=amount,
        provider_reference=told.provider_reference,
        valid_until=valid_until or _runs_out(draft, payment, attempt),
    )


def _taken_at_once(draft: Draft, payment: Payment, amount: Money) -> None:
    """Some methods take the money with the customer's yes."""
    taken = e.PaymentCaptured(payment=payment.id, amount=amount, origin="provider")
    _believe(draft, payment, taken)


def _require_whole(draft: Draft, payment: Payment, amount: Money) -> None:
    """An authorisation of another amount is believed, and looked at by a person."""
    if amount != payment.amount:
        said = f"{amount} authorised instead of {payment.amount}"
        _contradicted(draft, payment, said, stops=False)


def failed(draft: Draft, payment: Payment, attempt: Attempt, outcome: Outcome, reason: str) -> None:
    """Let an open attempt have come to nothing."""
    # What was turned down of a payment that is reserved: somebody has to look why.
    is_odd = attempt.operation is not Operation.AUTHORISE
    draft.add(
        e.AttemptFailed(
            payment=payment.id,
            attempt=attempt.id,
            outcome=outcome,
            reason=reason,
            look_at=next_look(payment, draft.at) if is_odd else None,
        )
    )


def _believe(draft: Draft, payment: Payment, event: e.Event) -> bool:
    """Let an event happen that a provider reported, unless the tables or the books forbid it."""
    try:
        draft.add(event)
    except (IllegalTransition, UsageError) as error:
        _contradicted(draft, payment, str(error), stops=True)
        return False
    return True


def _contradicted(draft: Draft, payment: Payment, said: str, *, stops: bool) -> None:
    """Put on record what cannot be; the first time, a person is called as well.

    What was said before and is said again is no news. It is only asked about later.
    """
    payment = draft.state.payment(payment.id)
    if stops and payment.contradiction == said[:200]:
        if payment.look_at is None or draft.at >= payment.look_at:
            draft.add(e.Looked(payment=payment.id, look_at=_look_at(payment, draft.at)))
        return
    draft.add(
        e.Contradicted(
            payment=payment.id,
            said=said[:200],
            stops=stops,
            look_at=next_look(payment, draft.at) or draft.at + timedelta(days=1),
        )
    )
    call_a_person(draft, payment, "contradiction")


def call_a_person(draft: Draft, payment: Payment, reason: str) -> None:
    """Put something on the list for people, once."""
    known = {(item.reason, item.payment) for item in draft.state.attention}
    if (reason, payment.id) not in known:
        draft.add(e.AttentionNeeded(reason=reason, payment=payment.id))


# What the provider says by itself ----------------------------------------------------------------


def hear(draft: Draft, command: c.Hear) -> None:
    """Take in what a signed notice proves, where the provider cannot be asked."""
    payment, heard = draft.state.payment(command.payment), command.heard
    attempt = _meant(payment, heard)
    if heard.outcome is Outcome.DECLINED:
        _hear_no(draft, payment, attempt, heard)
        return
    is_news = attempt is not None and heard.reference not in {"", attempt.reference}
    if attempt is not None and is_news and heard.operation is not Operation.AUTHORISE:
        # Whatever is said of it later comes under this name.
        draft.add(e.AttemptNamed(payment=payment.id, attempt=attempt.id, reference=heard.reference))
        payment = draft.state.payment(payment.id)
        attempt = payment.attempt(attempt.id)
    if heard.amount is not None and heard.amount.currency != payment.amount.currency:
        _contradicted(draft, payment, f"the payment is in {heard.amount.currency}", stops=True)
    elif heard.operation is Operation.AUTHORISE:
        _hear_authorisation(draft, payment, heard)
    elif attempt is None or attempt.outcome is not Outcome.SUCCEEDED:
        _hear_done(draft, payment, attempt, heard)


def _hear_no(draft: Draft, payment: Payment, attempt: Attempt | None, heard: Heard) -> None:
    """Something failed, at once or after it had succeeded."""
    if heard.operation is Operation.AUTHORISE and payment.books.authorised:
        return  # another try of the customer's; the one that succeeded stands
    if attempt is not None and attempt.is_open:
        failed(draft, payment, attempt, Outcome.DECLINED, heard.reason)
    elif attempt is not None and attempt.outcome is Outcome.SUCCEEDED:
        _taken_back(draft, payment, attempt.operation, attempt.amount, attempt.id)
    elif heard.is_taken_back and heard.operation in _FAILED_LATER:
        # Done without us, in the portal or by a method that takes the money at once.
        call_a_person(draft, payment, _FAILED_LATER[heard.operation][1])


def _meant(payment: Payment, heard: Heard) -> Attempt | None:
    """Which attempt a notice is about: by our key, by the provider's name for it, or by its amount.

    The amount counts only for one whose answer has not come, since that would have had the name.
    """
    same = [item for item in payment.attempts if item.operation is heard.operation]
    if heard.operation is Operation.AUTHORISE:
        return same[0]
    named = [
        item
        for item in same
        if item.id == heard.key or (item.reference and item.reference == heard.reference)
    ]
    nameless = [
        item
        for item in same
        if item.is_open and not item.reference and heard.amount in {None, item.amount}
    ]
    return next(iter([*named, *nameless]), None)


def _hear_authorisation(draft: Draft, payment: Payment, heard: Heard) -> None:
    attempt = next(item for item in payment.attempts if item.operation is Operation.AUTHORISE)
    amount = heard.amount or payment.amount
    if payment.books.authorised:
        if heard.provider_reference not in {None, payment.provider_reference}:
            _contradicted(draft, payment, f"another {amount} authorised", stops=False)
        return
    if not _believe(draft, payment, _authorised(draft, payment, attempt, amount, heard)):
        return
    _require_whole(draft, payment, amount)
    if heard.is_taken:
        _taken_at_once(draft, payment, amount)


def _hear_done(draft: Draft, payment: Payment, attempt: Attempt | None, heard: Heard) -> None:
    """A capture, void or refund that was not known to be done."""
    left = payment.amount if payment.is_waiting else payment.books.capturable
    amount = heard.amount or (left if heard.operation is Operation.VOID else None)
    if amount is None or amount.is_zero:
        return  # a release of what is gone already
    if attempt is not None and attempt.is_open:
        if amount == attempt.amount or heard.amount is None:
            _believe(draft, payment, _done(payment, attempt))
        else:
            said = f"{heard.operation} of {amount}, asked for {attempt.amount}"
            _contradicted(draft, payment, said, stops=True)
    else:
        _believe(draft, payment, _theirs(payment, heard.operation, amount, Word.VOIDED))


# What the provider says when asked ---------------------------------------------------------------


def take_standing(draft: Draft, command: c.TakeStanding) -> None:
    """Take in how a provider says a payment stands.

    In this order: does it make sense at all; was it authorised; of captures, then voids, then
    refunds, what became of those that are open, what happened that we did not ask for, and what was
    taken back; and what is still open.
    """
    draft.may_retry = True
    payment = draft.state.payment(command.payment)
    if command.said:
        _contradicted(draft, payment, command.said, stops=True)
        return
    standing = _answer(draft, payment, command.standing)
    if standing is None:
        _still_open(draft, payment.id, is_heard=False)
        return
    if problem := _nonsense(payment, standing):
        _contradicted(draft, payment, problem, stops=True)
        return
    before = len(draft.events)
    for take in (_take_authorisation, _take_operations):
        if not take(draft, command.payment, standing):
            return
    payment = draft.state.payment(payment.id)
    if payment.contradiction:
        draft.add(e.ContradictionCleared(payment=payment.id))
    is_news = len(draft.events) > before
    if payment.open_attempts or not is_news:
        # Of a capture, void or refund that neither the amounts nor the list show, the provider
        # knows nothing.
        listed = {done.key for done in standing.operations}
        unseen = any(
            item.is_unresolved
            and item.operation is not Operation.AUTHORISE
            and item.id not in listed
            for item in payment.open_attempts
        )
        _still_open(draft, payment.id, is_absent=unseen or standing.word is Word.NOT_FOUND)
    if command.is_told and not is_news:
        _look_once_more(draft, payment.id)


def _look_once_more(draft: Draft, payment_id: str) -> None:
    """A notice came and the look-up shows nothing new: it may lag behind, and nobody tells again.

    Unless it was about something of ours that has just been done, as most notices are.
    """
    payment = draft.state.payment(payment_id)
    settle = _settle(draft, payment)
    latest = max(item.lease_until for item in payment.attempts)
    if payment.look_at is None and draft.at >= latest + settle:
        draft.add(e.Looked(payment=payment.id, look_at=draft.at + settle))


def _answer(draft: Draft, payment: Payment, standing: Standing | None) -> Standing | None:
    """How the provider says that it stands, if it did; that it did not is kept until it does."""
    if standing is None or standing.word is Word.UNCLEAR or _is_forgotten(payment, standing):
        if draft.rules.behind(payment.provider).can_be_asked:
            _owe_a_look(draft, payment)
        return None
    if payment.is_unheard:
        draft.add(e.LookAnswered(payment=payment.id))
    return standing


def _owe_a_look(draft: Draft, payment: Payment) -> None:
    """Keep in mind that a look has not told all, until one does."""
    if not draft.state.payment(payment.id).is_unheard:
        draft.add(e.LookUnanswered(payment=payment.id))


def _settle(draft: Draft, payment: Payment) -> timedelta:
    """For how long a look-up of the provider's may lag behind what happened."""
    return timedelta(seconds=draft.rules.behind(payment.provider).absence_s)


def _is_forgotten(payment: Payment, standing: Standing) -> bool:
    """Whether the provider does not find what it had: its look-up fails, the money is there."""
    return standing.word is Word.NOT_FOUND and payment.books.authorised > 0


def _nonsense(payment: Payment, standing: Standing) -> str:
    """What about a standing cannot be; empty if nothing."""
    if standing.authorised.currency != payment.amount.currency:
        return f"the payment is in {standing.authorised.currency}"
    if standing.captured + standing.voided > standing.authorised:
        gone = standing.captured + standing.voided
        return f"{gone} captured and voided of {standing.authorised} authorised"
    if standing.refunded > standing.captured:
        return f"{standing.refunded} refunded of {standing.captured} captured"
    return ""


def _runs_out(draft: Draft, payment: Payment, attempt: Attempt) -> datetime | None:
    """When an authorisation runs out as its kind goes, where the provider does not say.

    Counted from the first request, since the provider may have reserved the money then.
    """
    way = draft.rules.ways.get(payment.method)
    if way is None or not way.window_days:
        return None
    return attempt.started_at + timedelta(days=way.window_days)


def _take_authorisation(draft: Draft, payment_id: str, standing: Standing) -> bool:
    """Whether the customer's money is reserved, where we do not know that it is."""
    payment = draft.state.payment(payment_id)
    if payment.books.authorised:
        return True
    attempt = next(item for item in payment.attempts if item.operation is Operation.AUTHORISE)
    if standing.authorised.minor:
        # Also after a decline, an expiry or a void: the money is there whatever was said before.
        # And also if it was released since, which the amounts say next: the books have both.
        draft.add(_authorised(draft, payment, attempt, standing.authorised, standing))
        _require_whole(draft, payment, standing.authorised)
    elif payment.is_waiting:
        _take_no_authorisation(draft, payment, attempt, standing)
    return True


def _take_no_authorisation(
    draft: Draft, payment: Payment, attempt: Attempt, standing: Standing
) -> None:
    """Nothing is reserved: is it over, or is somebody still waited for?"""
    is_news = standing.action is not None and payment.action is None
    match standing.word:
        case Word.DECLINED:
            failed(draft, payment, attempt, Outcome.DECLINED, standing.reason)
        case Word.EXPIRED:
            draft.add(e.PaymentExpired(payment=payment.id, amount=payment.amount))
        case Word.VOIDED:
            void = _open(payment, Operation.VOID)
            draft.add(
                e.PaymentVoided(
                    payment=payment.id,
                    attempt=void[0].id if void else "",
                    amount=payment.amount,
                    origin="shop" if void else "provider",
                )
            )
        # Without an action to show, the same request once more is the way to get it back.
        case Word.PENDING if is_news or (
            attempt.is_unresolved and not _may_send_again(draft, payment, attempt)
        ):
            draft.add(
                e.AttemptPending(
                    payment=payment.id,
                    attempt=attempt.id,
                    provider_reference=standing.provider_reference,
                    action=standing.action if is_news else None,
                    valid_until=standing.valid_until,
                    look_at=_look_at(payment, draft.at),
                )
            )
        case _:
            pass


def _open(payment: Payment, operation: Operation) -> list[Attempt]:
    return [item for item in payment.open_attempts if item.operation is operation]


def _take_operations(draft: Draft, payment_id: str, standing: Standing) -> bool:
    """Captures first: what was given back was taken before, what ran out may have been as well."""
    return all(
        _take_listed(draft, payment_id, standing, operation)
        and _take_amounts(draft, payment_id, standing, operation)
        and _take_back(draft, payment_id, standing, operation)
        for operation in (Operation.CAPTURE, Operation.VOID, Operation.REFUND)
    )


def _take_listed(draft: Draft, payment_id: str, standing: Standing, operation: Operation) -> bool:
    """Operations that the provider names by our key: theirs is the plainest word."""
    nothing_moved = {Outcome.DECLINED, Outcome.REFUSED}
    for done in standing.operations:
        payment = draft.state.payment(payment_id)
        attempt = next((item for item in payment.attempts if item.id == done.key), None)
        if attempt is None or attempt.operation is not operation:
            continue
        is_sound = True
        if attempt.is_open and done.outcome is Outcome.SUCCEEDED:
            is_sound = _believe(draft, payment, _done(payment, attempt))
        elif attempt.is_open and done.outcome in nothing_moved:
            failed(draft, payment, attempt, done.outcome, "provider_says_failed")
        elif attempt.outcome is Outcome.SUCCEEDED and done.outcome in nothing_moved:
            is_sound = _taken_back(draft, payment, operation, attempt.amount, attempt.id)
        if not is_sound:
            return False
    return True


def _taken_back(
    draft: Draft, payment: Payment, operation: Operation, amount: Money, attempt: str = ""
) -> bool:
    """A success that turned into a failure later: of an attempt, or made there without us."""
    if operation not in _FAILED_LATER:
        _contradicted(draft, payment, f"{operation} taken back", stops=True)
        return False
    event, reason = _FAILED_LATER[operation]
    if not _believe(draft, payment, event(payment=payment.id, attempt=attempt, amount=amount)):
        return False
    call_a_person(draft, payment, reason)
    return True


_FAILED_LATER: Final[dict[Operation, tuple[type[e.CaptureFailed | e.RefundFailed], str]]] = {
    Operation.CAPTURE: (e.CaptureFailed, "capture_failed"),
    Operation.REFUND: (e.RefundFailed, "refund_failed"),
}


def _take_amounts(draft: Draft, payment_id: str, standing: Standing, operation: Operation) -> bool:
    """What the provider's total has more than ours: first what we asked for, then the rest."""
    payment = draft.state.payment(payment_id)
    if not payment.books.authorised:
        return True
    listed = {done.key for done in standing.operations}
    ours = [_done(payment, attempt) for attempt in _covered(payment, standing, operation, listed)]
    return all(
        _believe(draft, draft.state.payment(payment_id), event) for event in ours
    ) and _take_theirs(draft, draft.state.payment(payment_id), operation, standing)


def _take_theirs(draft: Draft, payment: Payment, operation: Operation, standing: Standing) -> bool:
    """What happened at the provider without us."""
    more = _more(payment, standing, operation)
    if more.minor <= 0:
        return True
    if _is_a_part(payment, operation, more):
        _owe_a_look(draft, payment)
        return True
    if operation is Operation.VOID and _more(payment, standing, Operation.CAPTURE).minor < 0:
        return True  # of what is captured by our books: first it must have been taken back
    return _believe(draft, payment, _theirs(payment, operation, more, standing.word))


def _is_a_part(payment: Payment, operation: Operation, more: Money) -> bool:
    """Whether it may be a part of what was sent and has no answer.

    A refund of several captures is several requests to some providers, and a look between two of
    them shows only what is done. Once there is an answer, a look tells it from a refund of theirs.
    """
    return operation is Operation.REFUND and any(
        item.is_unresolved and more < item.amount for item in _open(payment, operation)
    )


def _covered(
    payment: Payment, standing: Standing, operation: Operation, listed: set[str]
) -> list[Attempt]:
    """Our open attempts that the provider's total has room for, the oldest first."""
    more = _more(payment, standing, operation)
    covered = []
    for attempt in _open(payment, operation):
        if attempt.id not in listed and attempt.amount <= more:
            covered.append(attempt)
            more = more - attempt.amount
    return covered


def _more(payment: Payment, standing: Standing, operation: Operation) -> Money:
    theirs = {
        Operation.CAPTURE: standing.captured,
        Operation.VOID: standing.voided,
        Operation.REFUND: standing.refunded,
    }[operation]
    return theirs - _booked(payment, operation)


def _booked(payment: Payment, operation: Operation) -> Money:
    ours = {
        Operation.CAPTURE: payment.books.captured,
        Operation.VOID: payment.books.voided,
        Operation.REFUND: payment.books.refunded,
    }[operation]
    return Money(ours, payment.amount.currency)


def _theirs(payment: Payment, operation: Operation, amount: Money, word: Word) -> e.Event:
    """Something that happened at the provider without us: in its portal, or by its clock."""
    if operation is Operation.CAPTURE:
        return e.PaymentCaptured(payment=payment.id, amount=amount, origin="provider")
    if operation is Operation.REFUND:
        return e.PaymentRefunded(payment=payment.id, amount=amount, origin="provider")
    if word is Word.EXPIRED:
        return e.PaymentExpired(payment=payment.id, amount=amount)
    return e.PaymentVoided(payment=payment.id, amount=amount, origin="provider")


def _take_back(draft: Draft, payment_id: str, standing: Standing, operation: Operation) -> bool:
    """What the provider's totals have less than ours, where it does not name operations.

    A provider's look-up may lag behind, so nothing is concluded while anything is young enough for
    that; we look again when it no longer is.
    """
    payment = draft.state.payment(payment_id)
    less = -_more(payment, standing, operation)
    if operation is Operation.VOID or less.minor <= 0:
        return True
    settle = _settle(draft, payment)
    latest = max(item.lease_until for item in payment.attempts)
    if draft.at < latest + settle:
        if not payment.open_attempts:
            draft.add(e.Looked(payment=payment.id, look_at=latest + settle))
        return True
    done = [
        item
        for item in payment.attempts
        if item.operation is operation and item.outcome is Outcome.SUCCEEDED
    ]
    named = [item.id for item in done if item.amount == less]
    ours = total((item.amount for item in done), less.currency)
    # What an older answer made us book as done there without us goes like this as well.
    if not named and less > _booked(payment, operation) - ours:
        said = f"a {operation} of {less} that never was is gone"
        _contradicted(draft, payment, said, stops=True)
        return False
    return _taken_back(draft, payment, operation, less, named[-1] if named else "")


def _still_open(
    draft: Draft, payment_id: str, *, is_heard: bool = True, is_absent: bool = False
) -> None:
    """Something is open and this look did not settle it: send again, conclude, or look later.

    A look that was not answered comes again also where nothing is open: there was a reason for it,
    and a notice comes only once.
    """
    payment = draft.state.payment(payment_id)
    is_open = bool(payment.open_attempts) or (
        not is_heard and draft.rules.behind(payment.provider).can_be_asked
    )
    if not is_open and payment.look_at is None:
        return
    unresolved = [item for item in payment.open_attempts if item.is_unresolved]
    late = [item for item in payment.open_attempts if is_waited_for(item)]
    if late and draft.at >= min(item.started_at for item in late) + CALL_AFTER:
        call_a_person(draft, payment, "unresolved")
    for attempt in unresolved:
        if _may_send_again(draft, payment, attempt):
            draft.add(
                e.AttemptResent(
                    payment=payment.id, attempt=attempt.id, lease_until=draft.at + LEASE
                )
            )
            return  # one at a time: the first one's answer may change what the next one means
        if is_absent and _is_proof_of_absence(draft, payment, attempt):
            failed(draft, payment, attempt, Outcome.REFUSED, "never_arrived")
            return
    if payment.look_at is not None and draft.at < payment.look_at:
        # Asked before its time, because of a notice or a customer who came back. The timetable
        # stands: however often somebody asks, the next look comes no later for it.
        return
    look_at = next_look(payment, draft.at) if is_open else _look_at_its_end(draft, payment)
    if look_at is not None and not payment.open_attempts:
        # What was told of has happened by now: this look comes when no look-up lags behind it.
        settle = _settle(draft, payment)
        look_at = max(look_at, draft.at + settle)
    draft.add(e.Looked(payment=payment.id, is_absent=is_absent, look_at=look_at))


def _look_at_its_end(draft: Draft, payment: Payment) -> datetime | None:
    """When to see whether a reservation has run out that the shop was reminded of.

    At that moment, and once more when no look-up lags behind it.
    """
    if not (payment.is_reminded and payment.books.capturable.minor and payment.valid_until):
        return None
    settle = _settle(draft, payment)
    moments = (payment.valid_until, payment.valid_until + settle)
    return next((moment for moment in moments if draft.at < moment), None)


def is_waited_for(attempt: Attempt) -> bool:
    """Whether the provider owes us an answer to it.

    A customer may take their time. A provider that has taken a capture on and never says what
    became of it has us waiting for money.
    """
    is_asked = attempt.is_open and attempt.operation is not Operation.AUTHORISE
    return is_asked or attempt.is_unresolved


def _may_send_again(draft: Draft, payment: Payment, attempt: Attempt) -> bool:
    """Only while the provider promises that the same key does the same thing once."""
    if payment.contradiction or draft.at < attempt.lease_until:
        return False
    able = draft.rules.behind(payment.provider)
    if draft.state.ending and attempt.operation is Operation.AUTHORISE and able.can_be_asked:
        return False  # what is to end reserves nothing more; elsewhere this is how to find out
    repeat_s = able.repeats_for(attempt.operation)
    return draft.at < attempt.started_at + timedelta(seconds=repeat_s) - LEASE


def _is_proof_of_absence(draft: Draft, payment: Payment, attempt: Attempt) -> bool:
    """One "not found" proves nothing: it must have lasted since the last possible send."""
    settle = _settle(draft, payment)
    return payment.absences > 0 and draft.at >= attempt.lease_until + settle
