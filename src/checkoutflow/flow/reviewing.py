"""What reviewers do: the queue, what a decision needs, notes, and questions to the customer.

A reviewer sees a customer's details for one purpose, preventing fraud, and each look is on record
under their name. Notes may hold personal data too: they are sealed beside the details, and no event
or state has a word of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from checkoutflow.checkout import commands as c
from checkoutflow.checkout.decide import decide
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.reviewed import reviewed
from checkoutflow.errors import NotFound, StoreConflict
from checkoutflow.flow.effects import Program, ask_store, now, random
from checkoutflow.flow.ids import CHECKOUT_BYTES, checkout_id
from checkoutflow.flow.keeping import About
from checkoutflow.flow.listing import Listing
from checkoutflow.flow.noticing import OURSELVES, SCORE
from checkoutflow.flow.sending import RELOADS
from checkoutflow.privacy.fields import Purpose
from checkoutflow.privacy.secret import Details
from checkoutflow.review.drift import FEWEST, Drift, drift
from checkoutflow.review.figures import Figures
from checkoutflow.review.notice import held_notice, lapsed_notice, rejected_notice
from checkoutflow.review.queue import Note, Waiting, by_urgency, from_text, note_of, to_text
from checkoutflow.review.score import Opinion, opinion
from checkoutflow.stores.contract import IdempotencyRow, ListingRow, ReadRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.review.score import ScoreModel
    from checkoutflow.stores.contract import JournalEntry, Message

NOTES: Final = "review_notes"
CUSTOMER: Final = "customer"
_PAGE: Final = 500
# So many entries of the journal are looked at for each order that is looked for.
_ENTRIES: Final = 20
# Orders that tell whether the world is still the one that the score was learned in.
RECENT: Final = 1000


@dataclass(frozen=True, slots=True)
class ReviewFile:
    """Everything that a decision needs, for one reviewer; printing it shows nothing personal.

    Attributes:
        waiting: Where it stands in the queue.
        checkout: The order: goods, payments, signals, rules that applied.
        details: Name, address and so on, as far as they may be used to prevent fraud; none where
            nothing personal was opened.
        notes: What was written about it, the oldest first; none where nothing personal was opened.
        opinion: What the learned score says to its signals now, and why; its ``words`` say it.
        history: Everything that happened to it.
    """

    waiting: Waiting
    checkout: Checkout = field(repr=False)
    details: Mapping[str, str] = field(repr=False)
    notes: tuple[Note, ...] = field(repr=False)
    opinion: Opinion = field(repr=False)
    history: tuple[JournalEntry, ...] = field(repr=False)


def review_figures() -> Program[Figures]:
    """What came of reviewing; every order is read once."""
    found = Figures()
    after = ""
    while True:
        ids: Sequence[str] = yield from ask_store("checkouts", (), after=after, limit=_PAGE)
        if not ids:
            return found
        for each in ids:
            state: Checkout | None = yield from ask_store("load", each)
            journal: Sequence[JournalEntry] = yield from ask_store("journal", each)
            history = ((entry.at, entry.events) for entry in journal)
            order = reviewed(state, history) if state is not None else None
            if order is not None:
                found.add(order)
        after = ids[-1]


class Reviewing(Listing):
    """What a flow does for reviewers."""

    # The queue ------------------------------------------------------------------------------------

    def reviews(self, limit: int) -> Program[tuple[Waiting, ...]]:
        """Orders that wait for a decision, the most urgent first."""
        at = yield from now()
        ids: Sequence[str] = yield from ask_store("waiting", limit=limit)
        found = []
        for each in ids:
            state: Checkout | None = yield from ask_store("load", each)
            if state is not None and state.phase is Phase.HELD and state.review is not None:
                found.append(self._waiting(state, at))
        return by_urgency(found, at)

    def _waiting(self, state: Checkout, at: datetime) -> Waiting:
        review = state.review
        if review is None:
            raise NotFound("this order was not held for a person", field="checkout_id")
        holder = review.holder(at) if review.is_open else review.reviewer
        return Waiting(
            checkout=state.id,
            market=state.market,
            total=state.total,
            held_at=review.held_at,
            deadline=review.deadline,
            state=review.state,
            reasons=review.reasons,
            probability=state.scored.probability if state.scored else None,
            reviewer=holder,
            claimed_until=review.claimed_until if holder and review.is_open else None,
            endorsed_by=review.endorsed_by,
            needs_two=self.shop.review.needs_two(state.total),
            request=review.requests[-1] if review.requests else None,
            notes=review.notes,
        )

    def review(self, id_: str) -> Program[ReviewFile]:
        """What a decision needs and is not personal: details and notes stay closed.

        Raises:
            NotFound: If the order was not held.
        """
        state = yield from self.load(id_)
        at = yield from now()
        waiting = self._waiting(state, at)
        yield from self._look_at_score(at)
        rules = self.rules
        said = opinion(rules.score, state.signals, at, self.shop.review.score, moved=rules.moved)
        history: Sequence[JournalEntry] = yield from ask_store("journal", id_)
        return ReviewFile(waiting, state, Details(), (), said, tuple(history))

    def open_review(self, id_: str, reviewer: str) -> Program[ReviewFile]:
        """Everything that a decision needs; that it was read, and by whom, is on record first.

        Raises:
            NotFound: If the order was not held.
            PurposeRefused: If the person asked that their data only be kept.
            VaultError: If it cannot be opened.
        """
        c.Claim.read({"reviewer": reviewer})
        found = yield from self.review(id_)
        values = dict((yield from self.details(id_, Purpose.PREVENT_FRAUD, reviewer)))
        notes = from_text(values.pop(NOTES, ""))
        return replace(found, details=Details(values), notes=notes)

    def to_tell(self, limit: int) -> Program[list[tuple[Message, Waiting | None]]]:
        """What reviewers are to be told; nothing of an order that was decided meanwhile."""
        at = yield from now()
        messages: Sequence[Message] = yield from ask_store("messages", limit)
        found: list[tuple[Message, Waiting | None]] = []
        for message in messages:
            if message.kind == "review_waits":
                state = yield from self.load(message.checkout)
                waits = state.phase is Phase.HELD
                found.append((message, self._waiting(state, at) if waits else None))
        return found

    # What is written ------------------------------------------------------------------------------

    def note(self, id_: str, reviewer: str, text: str, key: str) -> Program[Checkout]:
        """Write a note.

        Raises:
            InvalidInput: If there is nothing in it, too much, or a card number.
        """
        command = c.Note.read({"reviewer": reviewer})
        return (yield from self._written(id_, command, reviewer, text, key))

    def answer(self, id_: str, text: str, key: str) -> Program[Checkout]:
        """Take what the customer wrote, where a reviewer asked them to get in touch.

        Raises:
            InvalidInput: As for `note`.
            UsageError: If nobody waits for it.
        """
        return (yield from self._written(id_, c.AnswerReviewer(), CUSTOMER, text, key))

    def _written(
        self, id_: str, command: c.Command, by: str, text: str, key: str
    ) -> Program[Checkout]:
        """Keep a text with the commit that says that there is one."""
        asked = self._asked([command.name, by], {"text": text}) if key else ""
        for _ in range(RELOADS):
            found = yield from self._repeated(key, id_, asked)
            if found is not None:
                return found
            before = yield from self.load(id_)
            at = yield from now()
            note = note_of(at, by, text)
            decided = decide(before, [command], self.rules, at)
            kept = yield from self._opened(before.subject, Purpose.PREVENT_FRAUD, at, [NOTES])
            notes = to_text([*from_text(kept.get(NOTES, "")), note])
            about = yield from self._sealed_for(before.subject, {NOTES: notes}, at, is_new=False)
            if kept:
                read = ReadRow(before.subject, at, Purpose.PREVENT_FRAUD, (NOTES,), by)
                about += About(reads=(read,))
            try:
                return (
                    yield from self._commit(
                        before,
                        decided,
                        at=at,
                        command=command.name,
                        idempotency=IdempotencyRow(key, asked, before.id) if key else None,
                        about=about,
                    )
                )
            except StoreConflict:
                continue
        raise StoreConflict(f"checkout {id_} kept changing; call again")

    # What the customer is asked and told ----------------------------------------------------------

    def ask(self, id_: str, reviewer: str, what: str, by: str, key: str) -> Program[Checkout]:
        """Ask the customer for something."""
        wanted = {"reviewer": reviewer, "what": what, "by": by}
        c.AskCustomer.read(wanted)
        asked = self._asked(["ask", *wanted.values()], {}) if key else ""
        octets = yield from random(CHECKOUT_BYTES)
        command = c.AskCustomer.read({**wanted, "challenge": checkout_id(octets)})
        return (yield from self.act(id_, [command], {}, key, asked=asked))

    def notice(self, id_: str, contact: str, locale: str) -> Program[tuple[str, ...]]:
        """What to tell the customer about the review, in their language; nothing if nothing."""
        state = yield from self.load(id_)
        review = state.review
        if review is None:
            return ()
        told = {"shop": self.shop.name, "contact": contact, "locale": locale or state.locale}
        match state.phase, review.ended:
            case Phase.HELD, _:
                day = self.rules.law.day(state.market, review.deadline)
                return held_notice(**told, decide_by=day, request=review.asked)
            case Phase.REJECTED, "rejected":
                return rejected_notice(**told, reason=review.reason)
            case Phase.REJECTED, _:
                return lapsed_notice(**told)
            case _:
                return ()

    # The learned score ----------------------------------------------------------------------------

    def watch_score(self, recent: int) -> Program[Drift | None]:
        """Compare the latest orders with those that the score was learned from.

        A score that rests on signals which have moved is put on the shop's list of what is held
        back, where every process finds it (see `Noticing`): it is left out, and the rules decide
        alone, until orders are again what they were. Too few orders change nothing.
        """
        model: ScoreModel | None = self.rules.score
        if model is None:
            return None
        at = yield from now()
        ids: Sequence[str] = yield from ask_store(
            "latest", str(c.Place.name), limit=recent, among=recent * _ENTRIES
        )
        latest: list[Mapping[str, bool | int]] = []
        for each in ids:
            state: Checkout | None = yield from ask_store("load", each)
            if state is not None and state.signals:
                latest.append(state.signals)
        found = drift(model, latest)
        if found.orders < FEWEST:
            return found
        kept = self.shop.review.score
        if found.moved > kept.most_moved:
            reason = f"{found.moved:.0%} of its weight lies in signals that have moved"
            until = at + timedelta(days=kept.max_age_days)  # it is too old by then
            yield from ask_store(
                "set_listing",
                ListingRow(SCORE, model.version, "block", reason, OURSELVES, at, until),
            )
        else:
            yield from ask_store("remove_listing", SCORE, model.version)
        return found
