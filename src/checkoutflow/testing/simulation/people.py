"""What customers do in a simulated world: they buy, come back, are known, and ask to be erased.

Each is a generator that waits and calls the flow, and takes what comes: no answer, an error, an
answer that is hours old. What they decide comes from dice of their own.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import httpx

from checkoutflow.checkout import commands as c
from checkoutflow.checkout.machine import ENDS, Phase
from checkoutflow.errors import CheckoutError, OutcomeUnknown, StoreError, UsageError
from checkoutflow.money import Money
from checkoutflow.payment.outcomes import Redirect
from checkoutflow.testing.bank import SimulatedBank
from checkoutflow.testing.simulation.faults import Trouble
from checkoutflow.testing.simulation.scenes import BACK, COVERS, gift_card
from checkoutflow.testing.simulation.sometimes import ERASED
from checkoutflow.testing.simulation.watch import Broken
from checkoutflow.testing.simulation.world import DAY, HOUR, Actor, Call, Dropped, Mail, Wait
from checkoutflow.testing.standins.book import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

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

    def act(
        self,
        checkout_id: str,
        *commands: c.Command,
        details: Mapping[str, str] = MappingProxyType({}),
        times: int = 1,
    ) -> Doing:
        """Call with commands, and with what is given along with them."""
        key = self.key()

        def make(programs: Programs) -> Program[Checkout]:
            return programs.act(checkout_id, commands, details, key)

        return self.insist(", ".join([each.name for each in commands] or ["provide"]), make, times)


_AT_ONCE: Final = 0.6


class Customer(Person):
    """Fills a cart, buys, pays or does not, comes back or does not."""

    def __init__(self, world: Town, number: int) -> None:
        """Be a customer."""
        super().__init__(world, world.actor(f"customer {number}"))
        self.number = number
        self.details = world.scene.customer(number)

    def buys(self) -> Doing:
        """All of it."""
        with suppress(Gone):
            yield from self._buys(str(self.number), self.details)
            if self.dice.random() < _COMES_BACK:
                yield Wait(2 * DAY * self.dice.random())
                given = {} if self.dice.random() < _HOPES_TO_BE_KNOWN else self.details
                yield from self._buys(f"{self.number} again", given)
            if self.dice.random() < _ASKS_TO_BE_ERASED:
                yield Wait(10 * DAY * self.dice.random() ** 2)
                yield from self._is_erased()

    def _buys(self, name: str, details: Mapping[str, str]) -> Doing:
        dice, scene = self.dice, self.world.scene
        goods, cart = dice.choices(list(scene.carts.items()), _OFTEN)[0]
        method = dice.choice(scene.methods)
        key = self.key()

        def start(programs: Programs) -> Program[Checkout]:
            commands = [c.ChoosePayment(method=method)]
            return programs.start(
                cart, scene.market, "", "consumer", None, details, commands, "", key
            )

        times = 2 if self.world.chance(self.actor, Trouble.DOUBLE_CLICK, "start") else 1
        label = f"start with {goods} and {method}"
        checkout: Checkout = yield from self.insist(label, start, times)
        self.world.hire(checkout.id, name, self.details["email"])
        yield Wait(1 + 60 * dice.random())
        checkout = yield from self._introduces(checkout, is_new=not details)
        if scene.asked and method != scene.methods[-1]:
            yield from self._chooses(checkout.id, method)
        if goods == "phones" and dice.random() < _INSURES:
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

    def _introduces(self, checkout: Checkout, *, is_new: bool) -> Doing:
        """Show who they are or type it, and say what may be done with it."""
        dice = self.dice
        if is_new or dice.random() < _SHOWS_WHO_THEY_ARE:
            with suppress(UsageError):
                yield from self._shows_who(checkout)
            checkout = self.world.watch.states[checkout.id]
        if missing := self.details.keys() - checkout.provided:
            given = {name: self.details[name] for name in sorted(missing)}
            checkout = yield from self.act(checkout.id, details=given)
        if dice.random() < _SAYS_WHAT_MAY_BE_DONE:
            checkout = yield from self._consents(checkout)
        return checkout

    def _chooses(self, checkout_id: str, method: str) -> Doing:
        """Choose a way to pay of the provider's, and give what it asks for."""
        choice = c.ChoosePayment(method=method)
        return self.act(checkout_id, choice, details=self.world.scene.asked)

    def _shows_who(self, checkout: Checkout) -> Doing:
        """Say that they were here before; with the code that is sent they are known.

        Some give somebody else's address, and guess the code.
        """
        dice, world, id_ = self.dice, self.world, checkout.id
        is_somebody_else = dice.random() < _IS_SOMEBODY_ELSE
        told = world.scene.customer(self.number % world.plan.customers + 1)
        details = told if is_somebody_else else self.details
        given = {name: details[name] for name in ("email", "postal_code")}
        asks, shows = self.key(), self.key()
        world.mail[id_] = Mail(details["email"])
        answer = yield from self.insist(
            "recognise", lambda programs: programs.recognise(id_, given, f"client {id_}", asks)
        )
        world.watch.asked(answer)
        yield Wait(60 + 120 * dice.random())
        code = "000000" if is_somebody_else else world.mail[id_].code or "000000"
        yield from self.insist("verify", lambda programs: programs.verify(id_, code, shows))

    def _consents(self, checkout: Checkout) -> Doing:
        """Say what may be done with their data."""
        dice, key = self.dice, self.key()
        said = {"profile": dice.random() < _MAY, "marketing": dice.random() < _MAY}
        return self.insist("consent", lambda programs: programs.consent(checkout.id, said, "", key))

    def _is_erased(self) -> Doing:
        """Ask the shop to erase everything about them."""
        email = {"email": self.details["email"]}
        found: tuple[str, ...] = yield from self.insist(
            "find everything", lambda programs: programs.find_people(email)
        )
        for person in found:
            with suppress(UsageError):  # nothing may be left of them by now
                erased = yield from self.insist("erase", partial(_erase, person))
                self.world.watch.erased(erased)
                self.world.tally.seen[ERASED] += len(erased.people)

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


def _erase(person: str, programs: Programs) -> Program[Any]:
    return programs.erase(person, "asked")


_COMES_BACK: Final = 0.2
_HOPES_TO_BE_KNOWN: Final = 0.7
_SHOWS_WHO_THEY_ARE: Final = 0.1
_IS_SOMEBODY_ELSE: Final = 0.2
_SAYS_WHAT_MAY_BE_DONE: Final = 0.4
_MAY: Final = 0.7
_ASKS_TO_BE_ERASED: Final = 0.15
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
