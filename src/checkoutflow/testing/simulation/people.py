"""What people do in a simulated world: customers who buy, and a clerk who looks after each order.

Each is a generator that waits and calls the flow, and takes what comes: no answer, an error, an
answer that is hours old. What they decide comes from dice of their own.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import httpx

from checkoutflow.checkout import commands as c
from checkoutflow.checkout.machine import ENDS, Phase
from checkoutflow.errors import CheckoutError, OutcomeUnknown, StoreError, UsageError
from checkoutflow.money import Money
from checkoutflow.payment.outcomes import Operation, Outcome, Redirect
from checkoutflow.testing.bank import SimulatedBank
from checkoutflow.testing.simulation.faults import Trouble
from checkoutflow.testing.simulation.scenes import BACK, COVERS, gift_card
from checkoutflow.testing.simulation.watch import Broken
from checkoutflow.testing.simulation.world import DAY, HOUR, Actor, Call, Dropped, Wait
from checkoutflow.testing.standins.book import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from checkoutflow.checkout.state import Checkout, Payment
    from checkoutflow.flow.effects import Program
    from checkoutflow.flow.programs import Programs
    from checkoutflow.testing.simulation.town import Town

    Doing = Generator[Wait | Call, Any, Any]

# How often a call is made again before whoever makes it goes home.
_MOST_TRIES: Final = 60


# And how often once nothing goes wrong any more.
_IN_VAIN: Final = 6


class Gone(Exception):
    """Whoever called does not call again."""


class Person:
    """Somebody who calls the flow, and calls again under the same key where no answer came."""

    def __init__(self, world: Town, actor: Actor) -> None:
        """Be somebody in a world."""
        self.world = world
        self.actor = actor
        self.dice = actor.dice
        self.calls = 0

    def key(self) -> str:
        """A key for the next call."""
        self.calls += 1
        return f"{self.actor.name} {self.calls}"

    def insist(self, label: str, make: Callable[[Programs], Program[Any]], times: int = 1) -> Doing:
        """Call until there is an answer.

        Raises:
            Gone: If no answer came and that was enough.
            UsageError: If it is refused.
        """
        in_vain = 0
        for _ in range(_MOST_TRIES):
            try:
                return (yield Call(label, make, times))
            except UsageError:
                raise
            except OutcomeUnknown:
                yield Wait(30 + 600 * self.dice.random())
            except (Dropped, StoreError, CheckoutError) as error:
                # A payment that is stopped waits for the provider or for people, not for a call.
                is_ours = isinstance(error, Dropped | StoreError)
                in_vain += is_ours and not self.world.is_faulty
                if in_vain == _IN_VAIN:
                    raise Broken(f"{self.actor.name} gets no answer to {label}: {error}") from error
                if self.world.chance(self.actor, Trouble.GIVES_UP, label):
                    raise Gone from None
                at_once = self.dice.random() < _AT_ONCE
                yield Wait(1.0 if at_once else HOUR * self.dice.random())
        raise Gone

    def act(self, checkout_id: str, command: c.Command) -> Doing:
        """Call with one command."""
        key = self.key()

        def make(programs: Programs) -> Program[Checkout]:
            return programs.act(checkout_id, [command], {}, key)

        return self.insist(command.name, make)


_AT_ONCE: Final = 0.6


class Customer(Person):
    """Fills a cart, buys, pays or does not, comes back or does not."""

    def __init__(self, world: Town, number: int) -> None:
        """Be a customer."""
        super().__init__(world, world.actor(f"customer {number}"))
        self.number = number

    def buys(self) -> Doing:
        """All of it."""
        with suppress(Gone):
            yield from self._buys()

    def _buys(self) -> Doing:
        dice, scene = self.dice, self.world.scene
        name, cart = dice.choices(list(scene.carts.items()), _OFTEN)[0]
        method = dice.choice(scene.methods)
        details = scene.customer(self.number)
        key = self.key()

        def start(programs: Programs) -> Program[Checkout]:
            commands = [c.ChoosePayment(method=method)]
            return programs.start(
                cart, scene.market, "", "consumer", None, details, commands, "", key
            )

        times = 2 if self.world.chance(self.actor, Trouble.DOUBLE_CLICK, "start") else 1
        checkout: Checkout = yield from self.insist(f"start with {name} and {method}", start, times)
        self.world.hire(checkout.id, self.number)
        yield Wait(1 + 60 * dice.random())
        if scene.asked and method != scene.methods[-1]:
            yield from self._chooses(checkout.id, method)
        if name == "phones" and dice.random() < _INSURES:
            checkout = yield from self.act(
                checkout.id, c.AnswerInsurance.read({"covers": dict.fromkeys(COVERS, True)})
            )
        bank = self.world.bank
        has_gift_card = dice.random() < _HAS_A_GIFT_CARD and method != "own_invoice"
        if has_gift_card and isinstance(bank, SimulatedBank):
            checkout = yield from self._gift_card(checkout, bank)
        for _ in range(_MOST_ROUNDS):
            if dice.random() < _LEAVES:
                return
            checkout = yield from self._round(checkout)
            if checkout.phase is not Phase.COLLECTING:
                return
            yield Wait(5 + 120 * dice.random())
            with suppress(UsageError):
                method = dice.choice(scene.methods[:-1])
                checkout = yield from self._chooses(checkout.id, method)

    def _chooses(self, checkout_id: str, method: str) -> Doing:
        """Choose a way to pay of the provider's, and give what it asks for."""
        key, details = self.key(), self.world.scene.asked
        choice = c.ChoosePayment(method=method)

        def make(programs: Programs) -> Program[Checkout]:
            return programs.act(checkout_id, [choice], details, key)

        return self.insist(choice.name, make)

    def _gift_card(self, checkout: Checkout, bank: SimulatedBank) -> Doing:
        code, key = gift_card(self.number), self.key()
        bank.issue_gift_card(code, Money(5000 + int(10_000 * self.dice.random()), "DKK"))
        credit = c.AddCredit(method="gift_card", amount=Money(4000, "DKK"))

        def make(programs: Programs) -> Program[Checkout]:
            return programs.act(checkout.id, [credit], {"gift_card_code": code}, key)

        return self.insist("add_credit", make)

    def _round(self, checkout: Checkout) -> Doing:
        """One try at paying."""
        dice, world, id_ = self.dice, self.world, checkout.id
        total, key = checkout.total, self.key()

        def place(programs: Programs) -> Program[Checkout]:
            return programs.place(id_, total, BACK, key, accepts_credit=True)

        times = 2 if world.chance(self.actor, Trouble.DOUBLE_CLICK, "place") else 1
        try:
            checkout = yield from self.insist("place", place, times)
        except UsageError:
            return world.watch.states[id_]
        yield Wait(1 + 20 * dice.random())
        state = world.watch.states[id_]
        waiting = [item for item in state.current_payments if item.action is not None]
        if waiting and state.phase is Phase.PLACING:
            yield from self._decides(waiting[0])
            if dice.random() < _RETURNS:
                yield from self.insist("return", lambda programs: programs.reconcile(id_))
            elif dice.random() < _THINKS_AGAIN:
                with suppress(UsageError):
                    yield from self.act(id_, c.ChooseAgain())
        elif dice.random() < _CANCELS and state.phase not in ENDS:
            with suppress(UsageError):
                yield from self.act(id_, c.Cancel())
        for _ in range(_PATIENCE):
            state = world.watch.states[id_]
            if state.phase is not Phase.PLACING:
                break
            yield Wait(10 + 600 * dice.random())
        return world.watch.states[id_]

    def _decides(self, payment: Payment) -> Doing:
        """On the provider's page, or in its app."""
        dice = self.dice
        yield Wait(5 + 300 * dice.random() ** 2 + (HOUR if dice.random() < _SLEEPS else 0))
        chance = dice.random()
        if chance < _SAYS_NO:
            self._says(payment, approve=chance < _SAYS_YES)
        self.world.note(self.actor.name, "decides on the provider's page, or does not")
        self.world.look_at_the_bank()
        yield Wait(3 * dice.random() ** 2)

    def _says(self, payment: Payment, *, approve: bool) -> None:
        """Yes or no, where they were sent: of two pages for a payment that is the one they saw."""
        bank, action = self.world.bank, payment.action
        if isinstance(action, Redirect):
            content = b"decision=approve" if approve else b"decision=decline"
            answer = bank.handle(httpx.Request("POST", action.url, content=content))
            if answer.status_code == httpx.codes.SEE_OTHER:
                return
        with suppress(Refusal):
            (bank.approve if approve else bank.decline)(payment.id)


_OFTEN: Final = (4, 4, 2, 2, 1)
_INSURES: Final = 0.6
_HAS_A_GIFT_CARD: Final = 0.2
_MOST_ROUNDS: Final = 3
_LEAVES: Final = 0.03
_RETURNS: Final = 0.75
_THINKS_AGAIN: Final = 0.3
_CANCELS: Final = 0.05
_PATIENCE: Final = 8
_SLEEPS: Final = 0.05
_SAYS_YES: Final = 0.75
_SAYS_NO: Final = 0.88


class Clerk(Person):
    """Looks after one order: decides on it, ships it, cancels it, gives money back."""

    def __init__(self, world: Town, checkout_id: str, number: int) -> None:
        """Be the clerk for one order."""
        super().__init__(world, world.actor(f"clerk {number}"))
        self.id = checkout_id

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
                phase = self.state.phase
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
        reviewer = f"reviewer-{dice.randint(1, 3)}"
        chance = dice.random()
        if chance < _FORGETS:
            return
        if chance < _SHIPS_TOO_EARLY:
            yield from self.act(self.id, c.Ship())  # is refused
            return
        if chance < _CLAIMS:
            yield from self.act(self.id, c.Claim(reviewer=reviewer))
            yield Wait(600 * dice.random())
        if dice.random() < _APPROVES:
            yield from self.act(self.id, c.Approve(reviewer=reviewer))
            if self.state.phase is Phase.HELD:
                yield from self.act(self.id, c.Approve(reviewer="reviewer-4"))
        else:
            yield from self.act(self.id, c.Reject(reviewer=reviewer))

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


def _act(id_: str, command: c.Command, key: str, programs: Programs) -> Program[Checkout]:
    return programs.act(id_, [command], {}, key)


_SHIFTS: Final = 40
_SOON: Final = 0.6
_FORGETS: Final = 0.15
_SHIPS_TOO_EARLY: Final = 0.2
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
