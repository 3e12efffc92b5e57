"""What people at the shop do in a simulated world: a clerk for each order, and reviewers.

Each order has somebody who looks after it: ships it, cancels it, gives money back. What is held
waits for reviewers, of whom any may turn up, do it wrong, or forget it.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from checkoutflow.checkout import commands as c
from checkoutflow.checkout.machine import ENDS, Phase
from checkoutflow.errors import UsageError
from checkoutflow.money import Money
from checkoutflow.payment.outcomes import Evidence, Operation, Outcome
from checkoutflow.testing.simulation.faults import Trouble
from checkoutflow.testing.simulation.people import Gone, Person
from checkoutflow.testing.simulation.scenes import PLANTED
from checkoutflow.testing.simulation.world import DAY, HOUR, Wait
from checkoutflow.testing.standins.book import Refusal

if TYPE_CHECKING:
    from checkoutflow.checkout.state import Attempt, Checkout, Payment
    from checkoutflow.flow.effects import Program
    from checkoutflow.flow.programs import Programs
    from checkoutflow.testing.simulation.people import Doing
    from checkoutflow.testing.simulation.town import Town


class Clerk(Person):
    """Looks after one order: decides on it, ships it, cancels it, gives money back."""

    def __init__(self, world: Town, checkout_id: str, name: str) -> None:
        """Be the clerk for one order.

        Args:
            world: Where.
            checkout_id: Which order.
            name: What it is called here.
        """
        super().__init__(world, world.actor(f"clerk {name}"))
        self.id = checkout_id
        self.name = name

    @property
    def state(self) -> Checkout:
        """What the clerk sees on the screen."""
        return self.world.watch.states[self.id]

    def works(self) -> Doing:
        """All of it: a few turns, with hours between them."""
        dice = self.dice
        left = dice.randint(1, 6)
        if self.world.cut.turns is not None:
            left = min(left, self.world.cut.turns)
        with suppress(Gone):
            for _ in range(_SHIFTS):
                yield Wait(60 + (2 * HOUR if dice.random() < _SOON else DAY) * dice.random())
                yield from self._looks_into_silence()
                phase = self.state.phase
                if self._is_waiting_for_the_provider():
                    continue
                if phase in {Phase.COLLECTING, Phase.PLACING}:
                    continue
                if phase in ENDS - {Phase.FULFILLED} or left == 0:
                    return
                left -= 1
                with suppress(UsageError):
                    if phase is Phase.HELD:
                        yield from self._reviews()
                    else:
                        yield from self._serves()

    def _reviews(self) -> Doing:
        dice = self.dice
        chance = dice.random()
        if chance < _FORGETS:
            return
        if chance < _SHIPS_TOO_EARLY:
            yield from self.act(self.id, c.Ship())  # is refused
            return
        review = self.state.review
        if dice.random() < _AT_THE_LAST_MOMENT and review is not None:
            left = (review.deadline - self.world.clock()).total_seconds()
            yield Wait(max(left, 0.0) + 2 * dice.random())
            last = Reviewer(self.world, self.id, f"last {self.name}")
            self.world.begin(last.actor, last.decides(), self.world.now_s)
            return
        if dice.random() < _HAS_A_RIVAL:
            self.world.call(Reviewer(self.world, self.id, f"rival {self.name}"))
        reviewer = Reviewer(self.world, self.id, f"reviewer {self.name}")
        self.world.call(reviewer)
        yield Wait(2 * HOUR)

    def _serves(self) -> Doing:
        state, world = self.state, self.world
        yield from self._accidents()
        to_ship = {line: n for line, n in state.to_ship().items() if ":" not in line}
        if state.phase is Phase.CONFIRMED and to_ship:
            yield from self._sends(to_ship)
            return
        away = {
            line.id: state.left(line.id) - state.returned(line.id)
            for line in state.cart.lines
            if ":" not in line.id
        }
        away = {line: n for line, n in away.items() if n > 0}
        unpaid = [item.id for item in state.shipments if not item.is_paid]
        chance = self.dice.random()
        if unpaid and chance < _CAPTURES_AGAIN:
            yield from self.act(self.id, c.CaptureAgain(shipment=unpaid[0]))
        elif world.chance(self.actor, Trouble.CHARGED_BACK, "record_chargeback"):
            amount = Money(max(state.books.captured // 2, 1), state.total.currency)
            yield from self.act(self.id, c.RecordChargeback.read({"amount": amount}))
        elif state.invoices and chance < _IS_PAID:
            yield from self._is_paid(state)
        elif away and chance < _REFUNDS:
            yield from self.act(self.id, c.Refund.read({"lines": self._some(away)}))
        elif away and chance < _REPLACES:
            yield from self.act(self.id, c.Replace.read({"lines": self._some(away)}))
        elif state.policies and chance < _CANCELS_COVER:
            yield from self.act(self.id, c.CancelCover(cover=state.policies[0].id))
        elif state.books.captured:
            amount = Money(1 + int(self.dice.random() * state.books.captured), state.total.currency)
            yield from self.act(self.id, c.Refund.read({"amount": amount}))

    def _sends(self, to_ship: dict[str, int]) -> Doing:
        chance = self.dice.random()
        lines = {} if chance < _ALL else self._some(to_ship)
        command: c.Command = c.Ship.read({"lines": lines})
        if self.dice.random() < _CANCELS_ORDER:
            command = c.Cancel.read({"lines": lines})
        if self.world.chance(self.actor, Trouble.DOUBLE_CLICK, command.name):
            key = self.key()
            act = partial(_act, self.id, command, key)
            yield from self.insist(command.name, act, 2)
        else:
            yield from self.act(self.id, command)

    def _some(self, lines: dict[str, int]) -> dict[str, int]:
        """Some units of one of the lines."""
        line = self.dice.choice(sorted(lines))
        return {line: self.dice.randint(1, lines[line])}

    def _is_paid(self, state: Checkout) -> Doing:
        """What arrived at the shop's bank."""
        invoice = self.dice.choice(state.invoices)
        amount = (
            invoice.open if self.dice.random() < _IN_FULL else Money(5000, state.total.currency)
        )
        if amount.minor <= 0:
            return
        command = c.RecordPayment(
            invoice=invoice.number, amount=amount, received_on=self.world.clock().date()
        )
        yield from self.act(self.id, command)

    def _is_waiting_for_the_provider(self) -> bool:
        """Whether something may have to be told that the provider never says, or says wrong."""
        is_silent = self.world.plan.has(Trouble.SILENCE)
        return any(
            payment.open_attempts and (is_silent or payment.contradiction)
            for payment in self.state.payments
        )

    def _looks_into_silence(self) -> Doing:
        """Of what the provider never told of: look in its portal, and tell what is there."""
        reasons = {"unresolved", "contradiction"}
        called = {item.payment for item in self.state.attention if item.reason in reasons}
        for payment_id in sorted(called):
            payment = self.state.payment(payment_id)
            for attempt in payment.open_attempts[:1]:
                told = {
                    "attempt": attempt.id,
                    "seen_in": self.dice.choice(list(Evidence)),
                    "by": ("clerk-1", "clerk-2"),
                    **self._what_the_portal_shows(payment, attempt),
                }
                with suppress(UsageError):  # it has its answer by now, or is asked for just now
                    yield from self.act(self.id, c.Resolve.read(told))

    def _what_the_portal_shows(self, payment: Payment, attempt: Attempt) -> dict[str, object]:
        """Whether it was done. What nobody could capture is released there first."""
        bank, ours = self.world.bank, payment.books
        book = bank.book(payment.id)
        if attempt.operation is Operation.AUTHORISE:
            is_done = bool(book.authorised and payment.provider_reference)
            if not is_done:
                with suppress(Refusal):
                    bank.portal_void(payment.id)
                self.world.look_at_the_bank()
            return {"is_done": is_done}
        if attempt.operation is Operation.VOID:
            released = min(book.voided - ours.voided, attempt.amount.minor)
            if released <= 0:
                return {"is_done": False}
            return {"is_done": True, "released": Money(released, attempt.amount.currency)}
        named = {entry.key for entry in bank.entries(payment.id)}
        if any(item.id in named for item in payment.attempts):
            return {"is_done": attempt.id in named}
        is_capture = attempt.operation is Operation.CAPTURE
        more = book.captured - ours.captured if is_capture else book.refunded - ours.refunded
        return {"is_done": more >= attempt.amount.minor}

    def _accidents(self) -> Doing:
        """What happens at the provider behind our back."""
        world, bank, state = self.world, self.world.bank, self.state
        ours = [item for item in state.payments if item.provider and item.books.authorised]
        if not ours:
            return
        payment = self.dice.choice(ours)
        with suppress(Refusal, ValueError):
            if world.chance(self.actor, Trouble.IN_THE_PORTAL, "the bank"):
                what, book = self.dice.random(), bank.book(payment.id)
                currency = payment.amount.currency
                if what < 1 / 3:
                    bank.portal_capture(payment.id, Money(max(book.reserved // 2, 1), currency))
                elif what < 2 / 3:
                    bank.portal_void(payment.id)
                else:
                    bank.portal_refund(payment.id, Money(max(book.taken // 2, 1), currency))
            elif world.chance(self.actor, Trouble.TAKEN_BACK, "the bank"):
                done = [
                    item.id
                    for item in payment.attempts
                    if item.outcome is Outcome.SUCCEEDED
                    and item.operation in {Operation.CAPTURE, Operation.REFUND}
                ]
                if done:
                    bank.take_back(payment.id, self.dice.choice(done))
        world.look_at_the_bank()
        yield Wait(10 * self.dice.random())


class Reviewer(Person):
    """Looks at one order that is held, with all the rights and mistakes of a reviewer."""

    def __init__(self, world: Town, checkout_id: str, name: str) -> None:
        """Be somebody who reviews an order."""
        super().__init__(world, world.actor(name))
        self.id = checkout_id
        self.title = f"reviewer-{self.dice.randint(1, 3)}"

    @property
    def is_held(self) -> bool:
        """Whether it still waits."""
        return self.world.watch.states[self.id].phase is Phase.HELD

    def works(self) -> Doing:
        """Look, write, ask, and decide."""
        with suppress(Gone, UsageError):  # it may be decided, or be somebody else's, by then
            yield Wait(30 * self.dice.random())
            yield from self._reviews()

    def decides(self) -> Doing:
        """At once, and without much ado."""
        with suppress(Gone, UsageError):
            yield from self._decides()

    def _reviews(self) -> Doing:
        dice, id_ = self.dice, self.id
        if dice.random() < _LOOKS:
            yield from self.insist("open", lambda programs: programs.open_review(id_, self.title))
        if dice.random() < _CLAIMS:
            yield from self.act(id_, c.Claim(reviewer=self.title))
            yield from self._asks_around()
        if dice.random() < _RELEASES:
            yield from self.act(id_, c.Release(reviewer=self.title))
        yield from self._decides()

    def _decides(self) -> Doing:
        dice, id_ = self.dice, self.id
        times = 2 if self.world.chance(self.actor, Trouble.DOUBLE_CLICK, "decide") else 1
        if dice.random() >= _APPROVES:
            yield from self.act(id_, c.Reject(reviewer=self.title), times=times)
            return
        yield from self.act(id_, c.Approve(reviewer=self.title), times=times)
        if self.is_held and dice.random() < _TRIES_ALONE:
            yield from self.act(id_, c.Approve(reviewer=self.title))  # is refused
        if self.is_held:
            yield from self.act(id_, c.Approve(reviewer="reviewer-4"))

    def _asks_around(self) -> Doing:
        dice, id_ = self.dice, self.id
        yield Wait(600 * dice.random())
        if dice.random() < _WRITES:
            text, key = f"called {PLANTED} about it", self.key()
            yield from self.insist(
                "note", lambda programs: programs.note(id_, self.title, text, key)
            )
        if dice.random() < _ASKS:
            by, key = dice.choice(("", "email")), self.key()
            what = "code" if by else "contact"
            yield from self.insist(
                f"ask for {what}", lambda programs: programs.ask(id_, self.title, what, by, key)
            )
            self.world.call(Answering(self.world, id_, self.actor.name, what))
            yield Wait(HOUR * dice.random())
        if dice.random() < _HANDS_OVER:
            to = f"reviewer-{dice.randint(1, 3)}"
            if to != self.title:
                yield from self.act(id_, c.HandOver(reviewer=self.title, to=to))
                self.title = to


class Answering(Person):
    """The customer, whom a reviewer asked for something."""

    def __init__(self, world: Town, checkout_id: str, name: str, what: str) -> None:
        """Be asked."""
        super().__init__(world, world.actor(f"asked by {name}"))
        self.id = checkout_id
        self.what = what

    def works(self) -> Doing:
        """Write to them, or show the code that was sent."""
        with suppress(Gone, UsageError):  # it may be decided by then, or the code too old
            yield Wait(120 + 600 * self.dice.random())
            id_, key = self.id, self.key()
            code = self.world.mail[id_].code
            if self.what == "contact":
                text = f"it is for {PLANTED}, my sister"
                yield from self.insist("answer", lambda programs: programs.answer(id_, text, key))
            elif code:
                yield from self.insist("verify", lambda programs: programs.verify(id_, code, key))


def _act(id_: str, command: c.Command, key: str, programs: Programs) -> Program[Checkout]:
    return programs.act(id_, [command], {}, key)


_SHIFTS: Final = 40
_SOON: Final = 0.6
_FORGETS: Final = 0.15
_SHIPS_TOO_EARLY: Final = 0.2
_AT_THE_LAST_MOMENT: Final = 0.15
_HAS_A_RIVAL: Final = 0.3
_LOOKS: Final = 0.5
_WRITES: Final = 0.4
_ASKS: Final = 0.4
_HANDS_OVER: Final = 0.2
_RELEASES: Final = 0.1
_TRIES_ALONE: Final = 0.3
_CLAIMS: Final = 0.6
_APPROVES: Final = 0.6
_CAPTURES_AGAIN: Final = 0.7
_IS_PAID: Final = 0.4
_REFUNDS: Final = 0.65
_REPLACES: Final = 0.75
_CANCELS_COVER: Final = 0.85
_ALL: Final = 0.6
_CANCELS_ORDER: Final = 0.12
_IN_FULL: Final = 0.7
