"""The simulating driver: one heap of virtual time, on which everything that happens has its turn.

The real programs run on it effect by effect. Between any two effects everybody else can have a turn
and a machine can stop for good: then everything that it had in memory is gone, and what was being
done goes on from the store or not at all. Nothing here sleeps, and nothing is random that does not
come from the seed.
"""

from __future__ import annotations

import heapq
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import PurePath
from random import Random as Dice
from types import GeneratorType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import httpx

from checkoutflow.checkout.events import AttemptResent, AttemptStarted
from checkoutflow.errors import (
    CheckoutError,
    StoreConflict,
    StoreError,
    TransportError,
    Unreachable,
)
from checkoutflow.flow.effects import AskStore, Now, Random, Send
from checkoutflow.flow.programs import Programs
from checkoutflow.flow.registers import Lookups
from checkoutflow.privacy.vault import KEY_BYTES, Keys
from checkoutflow.stores.memory import MemoryStore
from checkoutflow.testing.bank import SimulatedBank
from checkoutflow.testing.driver import name_of
from checkoutflow.testing.simulation.faults import (
    AT_THE_PROVIDER,
    NEVER_RUN_OUT,
    Kind,
    Plan,
    Trouble,
)
from checkoutflow.testing.simulation.overheard import Overheard, purpose_of
from checkoutflow.testing.simulation.report import Tally
from checkoutflow.testing.simulation.scenes import BANK, scene_of
from checkoutflow.testing.simulation.sometimes import (
    LATE,
    LEASE_OVER,
    MAILED,
    REFUSED,
    REPEATED,
    SENT_AND_STOPPED,
    happened,
)
from checkoutflow.testing.simulation.watch import Broken, Watch
from checkoutflow.testing.standins import open_stand_in
from checkoutflow.testing.standins.base import STATUS
from checkoutflow.testing.standins.book import Moved
from checkoutflow.testing.standins.faults import FATES, LOOKUPS, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.flow.effects import Effect, Program
    from checkoutflow.flow.knowing import CodeToSend
    from checkoutflow.stores.contract import Change, Message, Store
    from checkoutflow.testing.standins.base import Posted, StandIn
    from checkoutflow.testing.standins.book import Entry

START: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MACHINES: Final = 3
HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
# More turns than any run needs that comes to rest.
MOST_TURNS: Final = 60_000

WRITES: Final = frozenset(
    {
        "commit",
        "commit_numbered",
        "take_notice",
        "set_health",
        "clear_health",
        "reset_timer",
        "delivered",
        "write_person",
        "take_turn",
        "lease_due",
        "put_off",
        "forget_expired",
        "erase",
    }
)
_OPERATIONS: Final = ("authorise", "capture", "void", "refund")


class Dropped(Exception):
    """Whoever called got no answer: the machine stopped, or the connection was lost."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Somebody does nothing for a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody calls the flow, and waits for the answer.

    Attributes:
        label: What they do, in a word or two.
        make: The program, on whichever machine takes the call.
        times: How often it is sent off at the same moment; the first one's answer is waited for.
    """

    label: str
    make: Callable[[Programs], Program[Any]]
    times: int = 1


Doing: TypeAlias = "Generator[Wait | Call, Any, None]"


@dataclass(frozen=True, slots=True)
class Injected:
    """One fault that happened.

    Attributes:
        who: In whose turn.
        number: Which of their draws it was, from 1; with ``who`` it names the fault.
        place: At what.
    """

    who: str
    number: int
    trouble: Trouble
    place: str


@dataclass(slots=True)
class Mail:
    """What comes for a customer, about one checkout.

    Attributes:
        to: The address that they gave last.
        code: The code that came last.
    """

    to: str
    code: str = ""


@dataclass(slots=True, eq=False)
class Actor:
    """Somebody or something that acts, with dice that nobody else throws."""

    name: str
    dice: Dice
    doing: Doing | None = None
    draws: int = 0


@dataclass(slots=True, eq=False)
class Machine:
    """One process of the shop's, with a clock that may be wrong."""

    name: str
    store: Store
    programs: Programs
    skew: timedelta = timedelta(0)
    life: int = 0
    tasks: dict[Task, None] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Task:
    """One program under way on one machine.

    Attributes:
        effect: What it waits to have done.
        told: What time it was told last.
        lease: Until when what it wrote down last is its own to send.
    """

    label: str
    program: Program[Any]
    actor: Actor
    machine: Machine
    life: int
    done: Callable[[Any, Exception | None], None]
    effect: Effect | None = None
    told: datetime = START
    lease: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """What a replay does without.

    Attributes:
        customers: Those who come, by number; None for all.
        faults: Those that happen, by whose turn and which draw; None for all.
        turns: How often each clerk acts at most; None for as often as they like.
    """

    customers: frozenset[int] | None = None
    faults: frozenset[tuple[str, int]] | None = None
    turns: int | None = None


NOTHING_CUT: Final = Cut()


class Simulation:
    """One seed's world.

    Args:
        plan: What can go wrong in it.
        open_store: Opens the store, for each machine and again after each crash; by default one in
            memory that outlives crashes, as a server does.
        cut: What a replay does without.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        open_store: Callable[[], Store] | None = None,
        cut: Cut = NOTHING_CUT,
    ) -> None:
        """Make the world; nobody is in it yet."""
        self.plan = plan
        self.cut = cut
        self.now_s = 0.0
        self.trace: list[tuple[float, str, str]] = []
        self.injected: list[Injected] = []
        self.tally = Tally()
        self._lines: set[tuple[str, int]] = set()
        self.dice = Dice(f"world {plan.seed}")  # noqa: S311 -- the same seed gives the same world
        memory = MemoryStore()
        self._open_store = open_store or (lambda: memory)
        self._keys = Keys.of(self.dice.randbytes(KEY_BYTES))
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._pushed = 0
        self._turns = 0
        self.faults_end_s = self.dice.choice((900.0, 6 * HOUR, DAY, 3 * DAY))
        if plan.has(Trouble.SILENCE):
            self.faults_end_s = 3 * DAY
        self.scene = scene_of(plan.provider, plan.market)
        self.bank = self._open_bank()
        self.provider = Overheard(self.bank.provider())
        self.is_asked = self.provider.capabilities.can_be_asked
        self.store = self._open_store()
        self.watch = Watch(self.store, self.bank, self.scene)
        self._stores = [self.store]
        self.machines = [self._boot(f"machine {1 + n}") for n in range(MACHINES)]
        self._world = self.actor("the world")
        self._messenger = self.actor("messenger")
        # For each order somebody who brings its notices, and somebody whom its timers wake.
        self._numbers: dict[str, str] = {}
        self._helpers: dict[str, Actor] = {}
        self.mail: dict[str, Mail] = {}
        self._is_telling = False
        self._comes_back = False
        self._posted = 0
        self._bank_due: datetime | None = None
        self._outages: list[tuple[float, float, str, Fault]] = []
        self._shares = {kind: plan.thresholds(kind) for kind in Kind}
        self._before: dict[str, Checkout | None] = {}
        # For whom a clock jumps, ten minutes are hours: longer than any adapter allows for.
        self._may_lag = not plan.has(Trouble.CLOCKS_JUMP)

    # Making the world -------------------------------------------------------------------------

    def _open_bank(self) -> StandIn:
        """Open the provider. What an adapter promises of keys is so; the bank's own may differ."""
        plan, dice = self.plan, self.dice
        runs_out = dice.choice((6 * HOUR, DAY, 2 * DAY))
        life = dice.choice((600.0, 1800.0, HOUR))
        if plan.provider == BANK:
            bank: StandIn = SimulatedBank(
                self.clock,
                decision_s=3600,
                remembers_keys=not plan.has(Trouble.FORGETS_KEYS),
                key_s=int(life if plan.has(Trouble.KEYS_EXPIRE) else DAY),
            )
        else:
            bank = open_stand_in(plan.provider, self.clock, market=plan.market)
        if plan.has(Trouble.RUNS_OUT):
            bank.keep_for(int(runs_out))
        elif plan.provider in NEVER_RUN_OUT:
            bank.keep_for(int(_FOR_EVER_S))
        return bank

    def _boot(self, name: str) -> Machine:
        store = self._open_store()
        self._stores.append(store)
        return Machine(name, store, self._fresh_programs())

    def _fresh_programs(self) -> Programs:
        programs = Programs(
            self.scene.shop, [self.provider], self._keys, (), Lookups((), self.clock), None
        )
        programs.meet(())
        return programs

    def actor(self, name: str) -> Actor:
        """Somebody new, with dice of their own."""
        return Actor(name, Dice(f"{name} {self.plan.seed}"))  # noqa: S311 -- as above

    def helper(self, name: str, checkout_id: str) -> Actor:
        """Whoever does something for one order, with dice of its own as well."""
        name = f"{name} {self._numbers.get(checkout_id, 0)}"
        if name not in self._helpers:
            self._helpers[name] = self.actor(name)
        return self._helpers[name]

    def clock(self) -> datetime:
        """The true time, which is the provider's."""
        return START + timedelta(seconds=self.now_s)

    @property
    def is_faulty(self) -> bool:
        """Whether faults may still happen."""
        return self.now_s < self.faults_end_s

    # Running ----------------------------------------------------------------------------------

    def at(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something at a time."""
        self._pushed += 1
        heapq.heappush(self._heap, (seconds, self._pushed, act))

    def run(self) -> None:
        """Run until nothing is left to be done, and check that all is well.

        Raises:
            Broken: If a promise is broken, on the way or in the end.
        """
        try:
            self._run()
        finally:
            self.tally.ends.update(str(state.phase) for state in self.watch.states.values())
            self.tally.lines |= {(PurePath(file).stem, line) for file, line in self._lines}

    def _run(self) -> None:
        self.tally.runs += 1
        self.tally.providers[self.plan.provider] += 1
        self._plan_the_world()
        self.settle_in()
        heap, end_s = self._heap, self.faults_end_s + _LONG_AFTER_S
        while heap:
            seconds, _, act = heapq.heappop(heap)
            if seconds > end_s:
                break
            self.now_s = max(seconds, self.now_s)
            act()
            self._turns += 1
            if self._turns > MOST_TURNS:
                raise Broken("it never comes to rest")
        self.watch.at_the_end(START + timedelta(seconds=end_s))

    def settle_in(self) -> None:
        """Whoever is in this world begins."""

    def story(self) -> tuple[str, ...]:
        """What happened, one line each, as a ledger has it."""
        return tuple(f"{_moment(at_s)}  {who:<11}  {what}" for at_s, who, what in self.trace)

    def close(self) -> None:
        """Close what was opened."""
        for store in self._stores:
            store.close()

    def begin(self, actor: Actor, doing: Doing, at_s: float) -> None:
        """Let somebody act from a time on."""
        actor.doing = doing
        self.at(at_s, partial(self._go_on, actor, None, None))

    def note(self, who: str, what: str) -> None:
        """Put a line on record."""
        self.trace.append((self.now_s, who, what))

    # People -----------------------------------------------------------------------------------

    def _go_on(self, actor: Actor, value: Any, error: Exception | None) -> None:  # noqa: ANN401 -- whatever the call returned
        doing = actor.doing
        if doing is None:
            return
        try:
            wish = doing.throw(error) if error is not None else doing.send(value)
        except StopIteration:
            actor.doing = None
            return
        if isinstance(wish, Wait):
            self.at(self.now_s + wish.seconds, partial(self._go_on, actor, None, None))
            return
        answered = False

        def done(value: Any, error: Exception | None) -> None:  # noqa: ANN401 -- as above
            nonlocal answered
            if not answered:
                answered = True
                self._go_on(actor, value, error)

        for _ in range(wish.times):
            self.start(actor, wish.label, wish.make, done)

    def start(
        self,
        actor: Actor,
        label: str,
        make: Callable[[Programs], Program[Any]],
        done: Callable[[Any, Exception | None], None],
    ) -> None:
        """Let one of the machines run a program."""
        machine = self.machines[int(actor.dice.random() * MACHINES)]
        self.note(actor.name, f"{label}, on {machine.name}")
        task = Task(label, make(machine.programs), actor, machine, machine.life, done)
        machine.tasks[task] = None
        self._resume(task, partial(next, task.program))

    # Programs ---------------------------------------------------------------------------------

    def _resume(self, task: Task, resume: Callable[[], Effect]) -> None:
        """Run a program to its next effect that others can notice."""
        program, machine = task.program, task.machine
        try:
            effect = resume()
            while True:
                if type(effect) is Now:
                    task.told = self.clock() + machine.skew
                    if task.lease is not None and task.told >= task.lease:
                        self.tally.seen[LEASE_OVER] += 1
                        task.lease = None
                    effect = program.send(task.told)
                elif type(effect) is Random:
                    effect = program.send(task.actor.dice.randbytes(effect.count))
                else:
                    break
        except StopIteration as stop:
            del machine.tasks[task]
            task.done(stop.value, None)
            return
        except CheckoutError as error:
            del machine.tasks[task]
            self.note(task.actor.name, f"{task.label}: {type(error).__name__}: {error}")
            self.watch.said(error)
            task.done(None, error)
            return
        task.effect = effect
        chance = task.actor.dice.random()
        # Mostly some hundredths of a second, sometimes two seconds.
        self.at(self.now_s + 0.01 / (chance + 0.005), partial(self._perform, task))

    def _perform(self, task: Task) -> None:
        machine, effect = task.machine, task.effect
        if task.life != machine.life or effect is None:
            return  # the machine it ran on is gone
        self.tally.steps += 1
        place, kind = self._place(effect)
        self.tally.places[kind, place] += 1
        self._note_line(task.program)
        trouble, more = self.draw(task.actor, kind, place)
        if trouble is Trouble.CRASH_BEFORE:
            self._crash(machine)
            return
        resume: Callable[[], Effect]
        try:
            if isinstance(effect, Send):
                self.watch.sending(effect.request, task.told)
            answer = self._done(effect, task, trouble, more)
        except CheckoutError as error:
            resume = partial(task.program.throw, error)
        else:
            resume = partial(task.program.send, answer)
        if trouble is Trouble.CRASH_AFTER:
            self.tally.seen[SENT_AND_STOPPED] += isinstance(effect, Send)
            self._crash(machine)
        elif wait := _waits(effect, trouble, more):
            self.at(self.now_s + wait, partial(self._heard, task, resume))
        else:
            self._resume(task, resume)

    def _done(self, effect: Effect, task: Task, trouble: Trouble | None, more: float) -> Any:  # noqa: ANN401 -- each effect has its own answer
        if isinstance(effect, AskStore):
            return self._ask_store(effect, task, trouble)
        if isinstance(effect, Send):
            task.lease = None
            return self._send(effect, trouble, more)
        raise TypeError(f"no {type(effect).__name__} is simulated")

    def _heard(self, task: Task, resume: Callable[[], Effect]) -> None:
        if task.life == task.machine.life:
            self._resume(task, resume)

    def _note_line(self, program: Program[Any]) -> None:
        """Note where a program stands: the line that asks, in the innermost of our generators."""
        asks = inner = cast("GeneratorType[Any, Any, Any]", program)
        while isinstance(inner.gi_yieldfrom, GeneratorType):
            asks, inner = inner, inner.gi_yieldfrom
        if asks.gi_frame is not None:
            self._lines.add((asks.gi_code.co_filename, asks.gi_frame.f_lineno))

    def _place(self, effect: Effect) -> tuple[str, Kind]:
        """The name of what is done, and its kind."""
        kind = Kind.READ
        if isinstance(effect, AskStore):
            if effect.call == "load":
                return effect.call, Kind.LOAD
            kind = Kind.WRITE if effect.call in WRITES else Kind.READ
        elif isinstance(effect, Send):
            purpose = purpose_of(effect.request)
            kind = Kind.ORDER
            if purpose.operation == STATUS:
                changed_at = self.bank.changed_at(purpose.reference)
                is_early = (
                    self._may_lag and changed_at is not None and self.clock() - changed_at < _LAGS
                )
                kind = Kind.EARLY_LOOK if is_early else Kind.LOOK
            return f"{purpose.operation} with {effect.provider}", kind
        return name_of(effect), kind

    # Effects ----------------------------------------------------------------------------------

    def _ask_store(self, effect: AskStore, task: Task, trouble: Trouble | None) -> Any:  # noqa: ANN401 -- each call has its own answer
        if trouble is Trouble.STORE_DOWN:
            raise StoreError("another process kept the database locked; try again")
        if trouble is Trouble.STALE_READ:
            stale = self._before.get(effect.arguments[0])
            if stale is not None:
                return stale
        try:
            answer = effect.on(task.machine.store)
        except StoreConflict:
            self.tally.seen[REFUSED] += 1
            raise
        self._written(effect, answer, task)
        if trouble is Trouble.COMMIT_UNKNOWN:
            raise StoreError("the connection was lost; whether it was done is not known")
        return answer

    def _written(self, effect: AskStore, answer: Any, task: Task) -> None:  # noqa: ANN401 -- as above
        """Note what a call of the store came to."""
        match effect.call:
            case "idempotent":
                self.tally.seen[REPEATED] += answer is not None
            case "commit":
                self._committed(effect.arguments[0])
                task.lease = _lease(effect.arguments[0])
            case "commit_numbered":
                self._committed(answer)
            case "take_notice" if answer:
                self._due_at(effect.arguments[0].received_at)
            case "lease_due" | "put_off":
                self._due_at(effect.options.get("until") or effect.arguments[-1])
            case _:
                pass

    def _committed(self, change: Change) -> None:
        state = change.state
        before = self._before[state.id] = self.watch.states.get(state.id)
        self.tally.seen.update(happened(before, change))
        events = ", ".join(event.type for event in change.events)
        self.note("store", f"{state.id[:6]} version {state.version}, {change.command}: {events}")
        self.watch.committed(change)
        for at in change.timers.values():
            if at is not None:
                self._due_at(at)
        if change.messages:
            self._tell_soon()

    def _send(self, effect: Send, trouble: Trouble | None, more: float) -> httpx.Response:
        request = effect.request
        if trouble is Trouble.LATE_REQUEST:
            late = effect.timeout_s + _LATEST_S * more * more
            self.at(self.now_s + late, partial(self._arrives_late, request))
            self.note("wire", f"{purpose_of(request)}: on its way for {late:.0f} s")
            raise TransportError("no usable answer: ReadTimeout")
        faults = AT_THE_PROVIDER.get(trouble, ()) if trouble is not None else ()
        fault = faults[int(more * len(faults))] if faults else self._outage(request)
        return self._handle(request, fault, is_drawn=bool(faults))

    def _arrives_late(self, request: httpx.Request) -> None:
        self.tally.seen[LATE] += 1
        self.note("wire", f"{purpose_of(request)}: arrives, and nobody waits for the answer")
        with suppress(CheckoutError):
            self._handle(request, None)

    def _handle(
        self, request: httpx.Request, fault: Fault | None, *, is_drawn: bool = False
    ) -> httpx.Response:
        """What the provider makes of a request.

        Args:
            request: What is asked.
            fault: What goes wrong with it.
            is_drawn: Whether that was drawn for this request, and is noted as a fault of its own.
        """
        came_of_it = str(fault)
        try:
            answer = self._answered(request, fault, is_drawn=is_drawn)
            came_of_it = f"{answer.status_code} {fault or ''}".rstrip()
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            name = self.scene.provider
            raise Unreachable(f"{name} cannot be reached: {type(error).__name__}") from None
        except httpx.HTTPError as error:
            raise TransportError(f"no usable answer: {type(error).__name__}") from None
        finally:
            self.note("wire", f"{purpose_of(request)}: {came_of_it}")
            self.look_at_the_bank()
        return answer

    def _answered(
        self, request: httpx.Request, fault: Fault | None, *, is_drawn: bool
    ) -> httpx.Response:
        """Let a request have its fault: on the wire, or at the provider."""
        bank = self.bank
        match fault:
            case None:
                return bank.handle(request)
            case Fault.UNREACHABLE:
                raise httpx.ConnectError("nobody there", request=request)
            case Fault.LOSE_REQUEST:
                raise httpx.WriteError("the request was lost on its way", request=request)
            case Fault.LOSE_ANSWER:
                bank.handle(request)
                raise httpx.ReadTimeout("the answer was lost on its way", request=request)
            case _:
                after_s = int(self.dice.choice((30, 600, 7200)))
                operations = _operations(fault)
                for operation in operations:
                    bank.plan(operation, fault, after_s=after_s)
                try:
                    return bank.handle(request)
                finally:
                    if bank.heal() == len(operations) and is_drawn:
                        self._spare()

    def look_at_the_bank(self, *, is_by_itself: bool = False) -> None:
        """Check what it did since, and let the notices that it posted be on their way.

        Args:
            is_by_itself: Whether only time has passed. What was asked for may be done late, too,
                and not all of them tell of that; the bank does.
        """
        entries = self.watch.handled()
        for entry in entries:
            self.note("bank", f"{entry.operation} {entry.amount} of {entry.merchant_reference[:6]}")
        posted = self.bank.posted_after(self._posted)
        unasked = _unasked(entries)
        if is_by_itself and self.plan.provider != BANK:
            unasked |= {entry.merchant_reference for entry in entries}
        for each in posted:
            self._posted = each.number
            self._on_its_way(each, is_unasked=each.payment in unasked)
        for payment in unasked - {each.payment for each in posted}:
            self._will_be_reported(payment)
        due = self.bank.next_due
        if due is not None and due != self._bank_due:
            self._bank_due = due
            look = partial(self.look_at_the_bank, is_by_itself=True)
            self.at((due - START).total_seconds() + 0.001, look)

    def _outage(self, request: httpx.Request) -> Fault | None:
        """What an outage does to a request, while there is one."""
        if not self.is_faulty:
            return None
        operation = purpose_of(request).operation
        for begin, end, what, fault in self._outages:
            if begin <= self.now_s < end and what in {operation, ""}:
                return fault
        return None

    # Notices ----------------------------------------------------------------------------------

    def _on_its_way(self, posted: Posted, *, is_unasked: bool) -> None:
        """A notice was posted."""
        # Where nobody can be asked, a notice comes again until it is taken.
        kind = Kind.NOTICE if self.is_asked else Kind.PROOF
        place = f"notice from {self.scene.provider}"
        self.tally.places[kind, place] += 1
        porter = self.helper("porter", self.watch.owner(posted.payment))
        trouble, more = self.draw(porter, kind, place)
        soon = 0.05 + 4 * porter.dice.random() ** 3
        match trouble:
            case Trouble.NOTICE_LOST:
                if is_unasked:
                    self._will_be_reported(posted.payment)
                return
            case Trouble.NOTICE_LATE:
                soon += 2 * DAY * more**4
            case Trouble.NOTICE_TWICE:
                again = soon + 3 * DAY * more**4
                self.at(self.now_s + again, partial(self._deliver, porter, posted, 0))
            case Trouble.NOTICE_FORGED:
                self.at(
                    self.now_s + soon, partial(self._deliver, porter, posted, 0, is_forged=True)
                )
            case _:
                pass
        self.at(self.now_s + soon, partial(self._deliver, porter, posted, 0))

    def _will_be_reported(self, payment: str) -> None:
        """Nothing but the provider's own report, which comes later, tells of what it did."""
        porter = self.helper("porter", self.watch.owner(payment))
        later = _REPORTED_S + DAY * porter.dice.random()
        self.at(self.now_s + later, partial(self._reported, porter, payment))

    def _deliver(
        self, porter: Actor, posted: Posted, tries: int, *, is_forged: bool = False
    ) -> None:
        hook = self.bank.notice(posted.number)
        headers, body, query = hook.headers, hook.body, hook.query
        if is_forged:  # by somebody who does not know what it is signed with, nor the address
            headers = {name: f"{value}0" for name, value in headers.items()}
            body, query = body + b" ", query.replace("proof=", "proof=0")
        look = porter.dice.random() < _LOOKED_AT_ONCE

        def make(programs: Programs) -> Program[Any]:
            return programs.receive(self.scene.provider, headers, body, query, look=look)

        def done(_: object, error: Exception | None) -> None:
            if is_forged:
                if error is None:
                    raise Broken("a forged notice was taken in")
            elif error is not None and (tries < len(_NOTICE_AGAIN_S) or not self.is_asked):
                again = partial(self._deliver, porter, posted, tries + 1)
                self.at(self.now_s + _NOTICE_AGAIN_S[min(tries, len(_NOTICE_AGAIN_S) - 1)], again)
            elif error is not None:  # none of ours with a clock that is right took it
                self._will_be_reported(posted.payment)

        self.start(porter, f"notice {posted.number}{' forged' * is_forged}", make, done)

    def _reported(self, porter: Actor, payment: str) -> None:
        """The provider's report of the day shows it, and the shop asks how the order stands."""

        def make(programs: Programs) -> Program[Any]:
            return programs.reconcile(self.watch.owner(payment))

        def done(_: object, error: Exception | None) -> None:
            if error is not None:
                self.at(self.now_s + HOUR, partial(self._reported, porter, payment))

        self.start(porter, "report of the day", make, done)

    # Due work ---------------------------------------------------------------------------------

    def _due_at(self, moment: datetime) -> None:
        """Something is due then: a scheduler will come by."""
        self.at((moment - START).total_seconds() + 1, self._come_by)

    def _come_by(self) -> None:
        found = self.store.due(self.clock(), 1)
        if not found:
            return
        scheduler = self.helper("scheduler", found[0].checkout)
        self.tally.places[Kind.JOB, "run_due"] += 1
        trouble, more = self.draw(scheduler, Kind.JOB, "run_due")
        if trouble is Trouble.JOB_LATE:
            self.at(self.now_s + 60 + 2 * DAY * more**4, partial(self._work, scheduler))
            return
        for _ in range(2 if trouble is Trouble.JOB_TWICE else 1):
            self._work(scheduler)

    def _come_back(self) -> None:
        self._comes_back = False
        self._come_by()

    def _work(self, scheduler: Actor) -> None:
        failed: list[CheckoutError] = []
        chance = scheduler.dice.random()

        def make(programs: Programs) -> Program[None]:
            return _run_due(programs, failed, chance)

        def done(_: object, error: Exception | None) -> None:
            for each in failed:
                self.watch.said(each)
                self.note(scheduler.name, f"{type(each).__name__}: {each}")
            # Also where nothing failed: a clock that is slow leaves things for later.
            if not self._comes_back and (error or failed or self.store.due(self.clock(), 1)):
                self._comes_back = True
                self.at(self.now_s + _AGAIN_S, self._come_back)

        self.start(scheduler, "run_due", make, done)

    # Messages ---------------------------------------------------------------------------------

    def _tell(self) -> None:
        """The shop takes its messages, and acts on them."""

        def make(programs: Programs) -> Program[None]:
            return _hand_over(programs, self.watch.told, self._mailed)

        def done(_: object, error: Exception | None) -> None:
            self._is_telling = False
            if error or self.store.messages(1):
                self._tell_soon()

        self.start(self._messenger, "messages", make, done)

    def _mailed(self, sent: CodeToSend) -> None:
        """A code is sent: to whoever gave the address, and to nobody else."""
        mail = self.mail[sent.checkout]
        self.note("messenger", f"a code for {sent.checkout[:6]}")
        if sent.to.reveal() != mail.to:
            raise Broken(f"a code of {sent.checkout[:6]} went to somebody else")
        self.tally.seen[MAILED] += 1
        mail.code = sent.text.body.split()[0]

    def _tell_soon(self) -> None:
        if not self._is_telling:
            self._is_telling = True
            self.at(self.now_s + 20 * self._messenger.dice.random(), self._tell)

    # Faults -----------------------------------------------------------------------------------

    def draw(self, actor: Actor, kind: Kind, place: str) -> tuple[Trouble | None, float]:
        """Whether something goes wrong here; and a number in [0, 1) for what exactly."""
        shares = self._shares[kind]
        if not shares or self.now_s >= self.faults_end_s:
            return None, 0.0
        actor.draws += 1
        chance = actor.dice.random()
        if chance >= shares[-1][0]:
            return None, 0.0
        below = 0.0
        for upto, trouble in shares:
            if chance < upto:
                if self.happens(actor, trouble, place):
                    return trouble, (chance - below) / (upto - below)
                return None, 0.0
            below = upto
        return None, 0.0

    def chance(self, actor: Actor, trouble: Trouble, place: str) -> bool:
        """Whether somebody does something that belongs to a class of faults."""
        strength = self.plan.strength.get(trouble)
        if strength is None or not self.is_faulty:
            return False
        actor.draws += 1
        return actor.dice.random() < strength and self.happens(actor, trouble, place)

    def happens(self, actor: Actor, trouble: Trouble, place: str) -> bool:
        """Note a fault, unless this replay is to do without it."""
        name = (actor.name, actor.draws)
        if self.cut.faults is not None and name not in self.cut.faults:
            return False
        self.injected.append(Injected(*name, trouble, place))
        self.tally.faults[trouble, place] += 1
        self.note(actor.name, f"!! {trouble} at {place}")
        return True

    def _spare(self) -> None:
        """What was to go wrong last could not, where it was to: that request is of another kind."""
        last = self.injected.pop()
        self.tally.faults[last.trouble, last.place] -= 1
        self.tally.spared.add((str(last.trouble), last.place))

    def _crash(self, machine: Machine) -> None:
        """The machine stops, and another one is started in its place with what is on disk."""
        self._stores.remove(machine.store)
        machine.store.close()  # its connections end with it
        self._stores.append(self._open_store())
        under_way = machine.tasks
        machine.life += 1
        machine.tasks = {}
        machine.store = self._stores[-1]
        machine.programs = self._fresh_programs()
        for task in under_way:
            task.program.close()
            self.at(self.now_s + 1, partial(task.done, None, Dropped("no answer came")))

    def _plan_the_world(self) -> None:
        """What does not happen at effects: outages, and clocks that are wrong."""
        plan, actor, end = self.plan, self._world, self.faults_end_s
        dice = actor.dice
        for what in ("", STATUS, *_OPERATIONS) if plan.has(Trouble.OUTAGE) else ():
            begin, lasts = dice.random() * end, 30 + 6 * HOUR * dice.random() ** 3
            fault = dice.choice((Fault.UNREACHABLE, Fault.LOSE_REQUEST, Fault.ERROR))
            actor.draws += 1
            if dice.random() < _OUT and self.happens(actor, Trouble.OUTAGE, what or "all"):
                self._outages.append((begin, begin + lasts, what, fault))
        self._fall_silent()
        for machine in self.machines:
            if plan.has(Trouble.CLOCKS_DIFFER):
                actor.draws += 1
                seconds = dice.uniform(-150, 150)
                if self.happens(actor, Trouble.CLOCKS_DIFFER, machine.name):
                    machine.skew = timedelta(seconds=seconds)
            if plan.has(Trouble.CLOCKS_JUMP):
                for _ in range(2):
                    jump = partial(self._jump, machine, timedelta(hours=dice.uniform(-2, 2)))
                    self.at(dice.random() * end, jump)
        for each in _ONE_OF_ALL:
            if plan.has(each):
                actor.draws += 1
                self.happens(actor, each, "the bank")
        self.at(end, self._all_is_well)

    def _fall_silent(self) -> None:
        """The provider does what it is asked, or does not, and tells nobody for a day or two."""
        if not self.plan.has(Trouble.SILENCE):
            return
        dice = self._world.dice
        begin = 6 * HOUR * dice.random() ** 2
        end = begin + DAY * dice.uniform(1.2, 2)
        self._world.draws += 1
        if self.happens(self._world, Trouble.SILENCE, "all"):
            for what in _OPERATIONS:
                fault = dice.choice((Fault.LOSE_ANSWER, Fault.LOSE_ANSWER, Fault.LOSE_REQUEST))
                self._outages.append((begin, end, what, fault))
            self._outages.append((begin, end, STATUS, Fault.LOSE_REQUEST))

    def _jump(self, machine: Machine, by: timedelta) -> None:
        self._world.draws += 1
        if self.is_faulty and self.happens(self._world, Trouble.CLOCKS_JUMP, machine.name):
            machine.skew = by

    def _all_is_well(self) -> None:
        self.note("the world", "from here on nothing goes wrong any more")
        for machine in self.machines:
            machine.skew = timedelta(0)


_ONE_OF_ALL: Final = (Trouble.FORGETS_KEYS, Trouble.KEYS_EXPIRE, Trouble.RUNS_OUT)


def _unasked(entries: Sequence[Entry]) -> set[str]:
    """Payments to which something happened that we did not ask for."""
    asked = {entry.merchant_reference for entry in entries if not _is_unasked(entry)}
    return {entry.merchant_reference for entry in entries} - asked


def _is_unasked(entry: Entry) -> bool:
    return entry.key is None or entry.operation in _TAKEN_BACK


_TAKEN_BACK: Final = frozenset({Moved.CAPTURE_TAKEN_BACK, Moved.REFUND_TAKEN_BACK})


def _run_due(programs: Programs, failed: list[CheckoutError], chance: float) -> Program[None]:
    """What ``run_due`` does as one program; sometimes as a worker of many does it, or a fleet."""
    has_leases = _SWEEPS <= chance < _HAS_LEASES
    if has_leases:
        found = yield from programs.lease_due(_FEW, _LEASE_S)
    else:
        found = yield from programs.due(_AT_ONCE)
    for due in found:
        try:
            is_by_id = _HAS_LEASES <= chance < _IS_BY_ID
            yield from programs.wake_any(due.checkout if is_by_id else due)
        except CheckoutError as error:
            failed.append(error)
            with suppress(StoreError):  # then it is due at once, or when the lease is over
                yield from programs.put_off(due, _AGAIN_S)
    if chance < _SWEEPS:
        yield from programs.forget_expired()


def _hand_over(
    programs: Programs,
    told: Callable[[Sequence[Message]], None],
    mailed: Callable[[CodeToSend], None],
) -> Program[None]:
    """The shop acts on messages, sends codes, and says so."""
    taken = yield from programs.messages(_AT_ONCE)
    told(taken)
    for message in taken:
        if message.kind in {"code_asked", "review_asked"}:
            code = yield from programs.code(message.checkout)
            if code is not None:
                mailed(code)
    if taken:
        yield from programs.delivered(taken)


def _lease(change: Change) -> datetime | None:
    """Until when what a change begins is its writer's to send."""
    begun = [item for item in change.events if isinstance(item, AttemptStarted | AttemptResent)]
    return begun[-1].lease_until if begun else None


def _operations(fault: Fault) -> tuple[str, ...]:
    """For which operations a fault is planned, so that the next request has it."""
    if fault in FATES:
        return _OPERATIONS
    return (STATUS,) if fault in LOOKUPS else (*_OPERATIONS, STATUS)


def _waits(effect: Effect, trouble: Trouble | None, more: float) -> float:
    """Seconds until a program hears the answer, where that is not at once."""
    if trouble is Trouble.PAUSE:
        return 5 + _LONGEST_PAUSE_S * more * more
    if trouble is Trouble.LATE_REQUEST and isinstance(effect, Send):
        return effect.timeout_s
    return 0.0


def _moment(seconds: float) -> str:
    """So long after the beginning."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours // 24:3}d {hours % 24:02}:{minutes:02}:{rest:05.2f}"


_OUT: Final = 0.4
_AT_ONCE: Final = 100
_AGAIN_S: Final = 60.0
_SWEEPS: Final = 0.05
_HAS_LEASES: Final = 0.3
_IS_BY_ID: Final = 0.4
_FEW: Final = 5
_LEASE_S: Final = 300.0
_LOOKED_AT_ONCE: Final = 0.7
_LONGEST_PAUSE_S: Final = 300.0
# A request is acted on at most so late: well before one "not found" after another is proof enough.
_LATEST_S: Final = 400.0
# For so long a look-up may show how a payment stood before: less than an adapter says that it may.
_LAGS: Final = timedelta(minutes=10)
# So long after the last fault everything has its answer, but what waits for a person.
# What happened by itself is in the report of the next day.
_REPORTED_S: Final = 6 * HOUR
_FOR_EVER_S: Final = 3650 * DAY
_LONG_AFTER_S: Final = 45 * DAY
_NOTICE_AGAIN_S: Final = (30.0, 300.0, HOUR, 6 * HOUR, DAY)
