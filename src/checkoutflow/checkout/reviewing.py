"""Deciding about an order that is held: who has it, what the customer is asked, and yes or no.

Of two reviewers at once one is too late, and is told so: whoever has claimed an order has it until
the lease is over or they give it away, and an order that nobody has is decided by whoever comes
first. What has run out meanwhile (the deadline, the authorisation) has been decided by that.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from checkoutflow.checkout import events as e
from checkoutflow.checkout.ordering import all_is_known, is_all_known
from checkoutflow.errors import InvalidInput, NeedsAnother, ReviewTaken, UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from checkoutflow.checkout import commands as c
    from checkoutflow.checkout.draft import Draft
    from checkoutflow.review import Request, Review
    from checkoutflow.review.machine import Answer

# So many questions are enough; whoever has not answered by then is decided about as they are.
MOST_REQUESTS = 10


def _review(draft: Draft) -> Review:
    review = draft.state.review
    assert review is not None  # noqa: S101 -- what is held has one
    return review


def _nobody_elses(draft: Draft, reviewer: str) -> None:
    """See that no other reviewer has it.

    Raises:
        ReviewTaken: If one does.
    """
    review = _review(draft)
    if review.holder(draft.at) not in {"", reviewer}:
        raise ReviewTaken(review.reviewer, f"{review.claimed_until:%Y-%m-%d %H:%M} UTC")


def _is_mine(draft: Draft, reviewer: str) -> None:
    """See that this reviewer has it, or had it last and nobody has since.

    Raises:
        ReviewTaken: If not.
    """
    _nobody_elses(draft, reviewer)
    review = _review(draft)
    if review.claimed_until is None or review.reviewer != reviewer:
        raise ReviewTaken("", "")


def _lease(draft: Draft) -> datetime:
    return draft.at + timedelta(seconds=draft.rules.shop.review.lease_s)


def claim(draft: Draft, command: c.Claim) -> None:
    """A reviewer takes the order on, or keeps it for longer.

    Raises:
        ReviewTaken: If another reviewer has it.
    """
    _nobody_elses(draft, command.reviewer)
    draft.add(e.ReviewClaimed(reviewer=command.reviewer, until=_lease(draft)))


def release(draft: Draft, command: c.Release) -> None:
    """A reviewer lets go of it.

    Raises:
        ReviewTaken: If another one has it, or nobody.
    """
    _is_mine(draft, command.reviewer)
    draft.add(e.ReviewReleased(reviewer=command.reviewer))


def hand_over(draft: Draft, command: c.HandOver) -> None:
    """A reviewer gives it to another one, who has it from now on.

    Raises:
        InvalidInput: If they would give it to themselves.
        ReviewTaken: If another one has it, or nobody.
    """
    if command.to == command.reviewer:
        raise InvalidInput("is another reviewer than the one who has it", field="to")
    _is_mine(draft, command.reviewer)
    draft.add(e.ReviewHandedOver(reviewer=command.reviewer, to=command.to, until=_lease(draft)))


def note(draft: Draft, command: c.Note) -> None:
    """Somebody wrote a note; also a reviewer who does not have it may know something."""
    draft.add(e.ReviewNoted(reviewer=command.reviewer))


def ask(draft: Draft, command: c.AskCustomer) -> None:
    """Ask the customer for something. A request that is open is replaced.

    Raises:
        InvalidInput: If there is nowhere to send a code to.
        ReviewTaken: If another reviewer has the order.
        UsageError: If they were asked too often.
    """
    _nobody_elses(draft, command.reviewer)
    review = _review(draft)
    if command.what == "code" and command.by not in draft.state.provided:
        raise InvalidInput("is email or phone, which the customer gave for this order", field="by")
    if command.what != "code" and command.by:
        raise InvalidInput("is for codes only", field="by")
    if len(review.requests) >= MOST_REQUESTS:
        raise UsageError(f"the customer was asked {MOST_REQUESTS} times; decide without")
    draft.add(
        e.CustomerAsked(
            request=f"q{len(review.requests) + 1}",
            reviewer=command.reviewer,
            what=command.what,
            by=command.by,
            challenge=command.challenge,
            at=draft.at,
        )
    )


def answer(draft: Draft, _: c.AnswerReviewer) -> None:
    """The customer wrote.

    Raises:
        UsageError: If nobody waits for it.
    """
    answered(draft, waits_for(draft, "contact"), "wrote")


def waits_for(draft: Draft, what: str) -> Request:
    """The open request of a kind.

    Raises:
        UsageError: If there is none.
    """
    request = _review(draft).asked
    if request is None or request.what != what:
        raise UsageError("nobody waits for this; only what a reviewer asked for can be answered")
    return request


def answered(draft: Draft, request: Request, answer: Answer) -> None:
    """Note what came of a request."""
    draft.add(e.CustomerAnswered(request=request.id, answer=answer, at=draft.at))


def approve(draft: Draft, command: c.Approve) -> None:
    """A reviewer lets it through; where two must, the first one's yes waits for the second's.

    Raises:
        NeedsAnother: If it is the first one again.
        OutcomeUnknown: If an earlier operation has no known outcome yet.
        ReviewTaken: If another reviewer has it.
    """
    _nobody_elses(draft, command.reviewer)
    all_is_known(draft)
    review = _review(draft)
    if not draft.rules.shop.review.needs_two(draft.state.total):
        draft.add(e.ReviewApproved(reviewer=command.reviewer))
    elif not review.endorsed_by:
        draft.add(e.ReviewEndorsed(reviewer=command.reviewer))
    elif review.endorsed_by == command.reviewer:
        raise NeedsAnother(
            f"{command.reviewer} was the first of the two who approve this order; "
            "the second is another reviewer",
            field="reviewer",
        )
    else:
        draft.add(e.ReviewApproved(reviewer=command.reviewer))


def reject(draft: Draft, command: c.Reject) -> None:
    """A reviewer turns it down; one is enough.

    Raises:
        ReviewTaken: If another reviewer has it.
    """
    _nobody_elses(draft, command.reviewer)
    draft.add(e.ReviewRejected(reviewer=command.reviewer, reason=command.reason))


def pass_deadline(draft: Draft) -> None:
    """Nobody decided in time: the shop's policy does.

    What two reviewers must approve is never approved by none.
    """
    rules = draft.rules.shop.review
    is_approved = (
        rules.at_deadline == "approve"
        and not rules.needs_two(draft.state.total)
        and is_all_known(draft.state)
    )
    if is_approved:
        draft.add(e.ReviewApproved(reviewer="", at_deadline=True))
    else:
        draft.add(e.ReviewLapsed(reason="deadline"))
