"""What must be true after every step, and in the end: our books against the bank's, and the rest.

Looked at from outside: the store as it was written, the bank's own book, the bytes that were sent.
The bank's book is the truth about money.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from traceback import format_exception
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.checkout import events as e
from checkoutflow.checkout.evolve import evolve
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.messages import messages
from checkoutflow.payment.outcomes import Operation
from checkoutflow.testing.check import check_world
from checkoutflow.testing.simulation.overheard import purpose_of
from checkoutflow.testing.simulation.scenes import BANK, PLANTED
from checkoutflow.testing.standins.book import Entry, Moved

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    import httpx

    from checkoutflow.checkout.state import Checkout, Payment
    from checkoutflow.flow.rights import Erased
    from checkoutflow.stores.contract import Change, Message, Store
    from checkoutflow.testing.simulation.scenes import Scene
    from checkoutflow.testing.standins.base import StandIn


class Broken(AssertionError):
    """A promise is broken."""


class Watch:
    """Knows what was written and what was done, and says where that is not in order.

    Attributes:
        states: Each checkout as it was committed last.
    """

    def __init__(self, store: Store, bank: StandIn, scene: Scene) -> None:
        """Watch a store and a bank."""
        self.states: dict[str, Checkout] = {}
        self._store = store
        self._bank = bank
        self._shop = scene.shop
        self._able = bank.provider().capabilities
        self._is_real = scene.provider != BANK
        self._owners: dict[str, str] = {}
        self._attempts: dict[str, str] = {}
        self._sent: dict[tuple[str, int, bytes], bytes] = {}
        self._seen = 0
        self._done: set[tuple[str, str]] = set()
        self._gross: Counter[tuple[str, Moved]] = Counter()
        self._taken: Counter[str] = Counter()
        self._reserved: Counter[str] = Counter()
        self._told: Counter[Message] = Counter()
        self._decided: set[str] = set()
        self._gone: set[str] = set()
        self._answer: object = None
        self._meant: set[tuple[str, int, str]] = set()

    # The store --------------------------------------------------------------------------------

    def committed(self, change: Change) -> None:
        """Check one change against what was before: replaying the journal gives the state."""
        after = change.state
        state = self.states.get(after.id)
        if after.version != (state.version if state else 0) + 1:
            raise Broken(f"{after.id[:6]}: version {after.version} was written over another one")
        for event in change.events:
            self._not_too_early(state, event)
            self._reviewed(state, event, change.at)
            state = evolve(state, event)
            self._in_order(state, event)
        if state is None or state.but(version=after.version) != after:
            raise Broken(f"{after.id[:6]}: its events lead to another state than was written")
        self.states[after.id] = after
        for payment in after.payments:
            self._owners[payment.id] = after.id
            self._not_ahead(payment)
        for kind in messages(change.events, self._shop.messages):
            self._meant.add((after.id, after.version, kind))
        if PLANTED in change.command.lower():
            raise Broken("something personal is in the name of a command")

    def _not_too_early(self, state: Checkout | None, event: e.Event) -> None:
        """What must be so before an event can happen."""
        if state is None or not isinstance(event, e.AttemptStarted):
            return
        if any(item.id == event.attempt for each in state.payments for item in each.attempts):
            raise Broken(f"{event.attempt} was begun twice")
        self._attempts[event.attempt] = state.id
        if event.operation is Operation.CAPTURE and state.phase not in _SOLD:
            raise Broken(f"a capture was begun while the checkout was {state.phase}")
        if event.operation is Operation.REFUND:
            payment = state.payment(event.payment)
            given = payment.books.refunded + payment.under_way(Operation.REFUND).minor
            if given + event.amount.minor > payment.books.captured:
                raise Broken(f"more is given back of {payment.id[:6]} than was taken")
        if event.operation is Operation.AUTHORISE:
            for payment in state.payments:
                if payment.id != event.payment and payment.is_waiting:
                    raise Broken(f"a second payment was begun while {payment.id[:6]} is not known")

    def _reviewed(self, state: Checkout | None, event: e.Event, at: datetime) -> None:
        """A decision is made once, in time, and by whoever may make it."""
        if state is None or not isinstance(event, _DECISIONS):
            return
        review, rules = state.review, self._shop.review
        if review is None or state.id in self._decided:
            raise Broken(f"{event.type}, and it was never held, or decided before")
        self._decided.add(state.id)
        if isinstance(event, e.ReviewLapsed):
            return
        is_approved = isinstance(event, e.ReviewApproved)
        is_alone = review.endorsed_by in {"", event.reviewer}
        if is_approved and is_alone and state.total > rules.four_eyes_above[0]:
            raise Broken("one yes was enough, and two are needed")
        if isinstance(event, e.ReviewApproved) and event.at_deadline:
            if rules.at_deadline != "approve":
                raise Broken("the deadline let it through")
        elif at > review.deadline:
            raise Broken(f"{event.type} after its deadline")
        elif review.holder(at) not in {"", event.reviewer}:
            raise Broken(f"{event.type} by {event.reviewer}, and another one has it")

    def asked(self, answer: Checkout) -> None:
        """Somebody asked to be known: nobody can see by the answer whether they are remembered."""
        if answer.version < self.states[answer.id].version:
            return  # it was read from where it lags behind, or others wrote since
        dumped = answer.showing.model_dump(mode="json")
        seen = {name: len(str(value)) for name, value in dumped.items()}
        if self._answer not in (None, seen):
            raise Broken(f"who asked for a code was told {seen}, and before {self._answer}")
        self._answer = seen

    def erased(self, erased: Erased) -> None:
        """Somebody was erased, and told so."""
        self._gone |= {*erased.people}

    def _in_order(self, state: Checkout, event: e.Event) -> None:
        """What must be so once an event has happened."""
        if isinstance(event, e.Held | e.Confirmed | e.ReviewApproved):
            books = [payment.books for payment in state.current_payments]
            secured = sum(book.authorised - book.voided - book.refunded for book in books)
            if secured != state.total.minor:
                raise Broken(f"{event.type} with {secured} secured of {state.total.minor}")

    def _not_ahead(self, payment: Payment) -> None:
        """We have nothing in our books that the bank never did."""
        if payment.provider is None:
            return
        books = payment.books
        if books.captured > books.authorised or books.refunded > books.captured:
            raise Broken(f"payment {payment.id[:6]}: its books do not add up: {books}")
        ours = {
            Moved.AUTHORISED: books.authorised,
            Moved.CAPTURED: books.captured,
            Moved.REFUNDED: books.refunded,
            Moved.VOIDED: books.voided,
        }
        # What came to nothing at once was reserved and released by the words of some of them.
        nothing = books.voided if books.voided == books.authorised and self._is_real else 0
        for moved, amount in ours.items():
            if amount > (true := self._gross[payment.id, moved]) and amount != nothing:
                raise Broken(
                    f"payment {payment.id[:6]}: we have {amount} {moved}, and the bank only {true}"
                )

    def owner(self, payment: str) -> str:
        """The checkout that a payment belongs to."""
        return self._owners[payment]

    # The wire and the bank --------------------------------------------------------------------

    def sending(self, request: httpx.Request, told: datetime) -> None:
        """Check a request before it leaves: an attempt that was written down, one key one content.

        Args:
            request: What leaves.
            told: What time whoever sends it was told last; it may have slept since.
        """
        purpose = purpose_of(request)
        key = purpose.key
        if not key:
            return
        owner = self._attempts.get(key)
        if owner is None:
            raise Broken(f"{key} was sent, and no such attempt was written down")
        attempt = self.states[owner].attempt(key)[1]
        if told >= attempt.lease_until:
            raise Broken(f"{key} was sent at {told}, after its lease was over")
        lives = timedelta(seconds=self._able.repeats_for(attempt.operation))
        if attempt.sends > 1 and told >= attempt.started_at + lives:
            raise Broken(f"{key} was sent again at {told}, when the bank may have forgotten it")
        to = (key, purpose.step, request.url.raw_path)
        if self._sent.setdefault(to, request.content) != request.content:
            raise Broken(f"{key} was sent with different contents")

    def handled(self) -> Sequence[Entry]:
        """Check what the bank did since this was asked last; gives it."""
        entries = self._bank.entries_after(self._seen)
        for entry in entries:
            self._seen = entry.number
            self._entered(entry)
        return entries

    def _entered(self, entry: Entry) -> None:
        owner = self._owners.get(entry.merchant_reference)
        if owner is None:
            raise Broken(
                f"the bank has a payment {entry.merchant_reference} that no checkout knows"
            )
        state, amount = self.states[owner], entry.amount.minor
        move = Moved.VOIDED if entry.operation is Moved.EXPIRED else entry.operation
        self._gross[entry.merchant_reference, move] += amount
        if entry.key and entry.operation in _ONCE:
            if (entry.operation, entry.key) in self._done:
                raise Broken(f"the bank {entry.operation} twice under the key {entry.key}")
            self._done.add((entry.operation, entry.key))
        self._taken[owner] += amount * _TAKES.get(entry.operation, 0)
        self._reserved[owner] += amount * _RESERVES.get(entry.operation, 0)
        if self._taken[owner] > state.total.minor:
            raise Broken(
                f"{self._taken[owner]} is taken for an order of {state.total.minor}: "
                "the customer was charged twice"
            )
        live = self._reserved[owner] + self._taken[owner]
        if entry.operation is Moved.AUTHORISED and live > state.total.minor:
            raise Broken(f"{live} is reserved or taken for an order of {state.total.minor}")
        if entry.operation is Moved.CAPTURED and entry.key and state.phase not in _SOLD:
            raise Broken(f"the bank captured for us while the checkout was {state.phase}")

    # Messages and errors ----------------------------------------------------------------------

    def told(self, taken: Iterable[Message]) -> None:
        """The shop acts on messages."""
        for message in taken:
            self._told[message] += 1
            if (message.checkout, message.version, message.kind) not in self._meant:
                raise Broken(f"the message {message.id} tells of nothing that happened")

    def said(self, error: Exception) -> None:
        """Check the text of an error, with what it came from."""
        cause: BaseException | None = error
        while cause is not None:
            if PLANTED in str(cause).lower():
                raise Broken(f"something personal is in an error: {format_exception(error)[-1]}")
            cause = cause.__cause__ or cause.__context__

    # In the end -------------------------------------------------------------------------------

    def at_the_end(self, end: datetime) -> None:
        """Check everything, with nothing under way any more.

        Args:
            end: All that was due by then has had its turn.

        Raises:
            Broken: With a line for everything that is not in order.
        """
        problems = [*self._not_ended(), *self._untold(), *self._personal(), *self._still_there()]
        for due in self._store.due(end, 100):
            # A customer may owe for ever, and what a provider says that cannot be waits for people.
            payments = self.states[due.checkout].payments
            if due.kinds - {"overdue"} and not any(item.contradiction for item in payments):
                problems.append(f"something is still due: {due}")
        try:
            check_world(self._store, self._bank, self._shop)
        except AssertionError as error:
            problems.append(str(error))
        if problems:
            raise Broken("\n".join(problems))

    def _not_ended(self) -> Iterable[str]:
        for state in self.states.values():
            called = {item.payment for item in state.attention}
            if state.phase in _PASSING and not state.attention:
                yield f"{state.id[:6]} is {state.phase} for ever"
            for payment in state.payments:
                if payment.open_attempts and payment.id not in called:
                    yield f"payment {payment.id[:6]} is open for ever, and nobody is told"

    def _untold(self) -> Iterable[str]:
        told = {(item.checkout, item.version, item.kind) for item in self._told}
        if lost := self._meant - told:
            yield f"messages for the shop were lost: {sorted(lost)[:3]}"

    def _personal(self) -> Iterable[str]:
        for state in self.states.values():
            kept: list[Any] = [state.model_dump_json()]
            kept += [
                event.model_dump_json()
                for entry in self._store.journal(state.id)
                for event in entry.events
            ]
            if any(PLANTED in text.lower() for text in kept):
                yield f"something personal is in {state.id[:6]} or its journal"

    def _still_there(self) -> Iterable[str]:
        """Nothing is left of who was erased: nothing that opens, and nothing they are found by."""
        over = [state for state in self.states.values() if state.erasure and state.is_over]
        for person in sorted(self._gone.union(state.subject for state in over)):
            key, _ = self._store.person(person)
            if key is not None or self._store.traces(person) or self._store.profile(person):
                yield f"{person[:6]} was erased, and can still be found or opened"
            if not self._store.erasures(person):
                yield f"{person[:6]} was erased, and there is no proof of it"


_DECISIONS: Final = (e.ReviewApproved, e.ReviewRejected, e.ReviewLapsed)
_SOLD: Final = frozenset({Phase.CONFIRMED, Phase.FULFILLED})
_PASSING: Final = frozenset({Phase.COLLECTING, Phase.PLACING, Phase.HELD})
_ONCE: Final = frozenset({Moved.AUTHORISED, Moved.CAPTURED, Moved.REFUNDED, Moved.VOIDED})
_RESERVES: Final = {
    Moved.AUTHORISED: 1,
    Moved.CAPTURED: -1,
    Moved.CAPTURE_TAKEN_BACK: 1,
    Moved.VOIDED: -1,
    Moved.EXPIRED: -1,
}
_TAKES: Final = {
    Moved.CAPTURED: 1,
    Moved.CAPTURE_TAKEN_BACK: -1,
    Moved.REFUNDED: -1,
    Moved.REFUND_TAKEN_BACK: 1,
}
