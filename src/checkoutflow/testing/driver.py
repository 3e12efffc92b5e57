"""Drivers that can stop: what proves that a crash at any step loses nothing.

A flow whose effects are counted breaks down before or after any one of them. A program can be
stepped one effect at a time, and two of them by turns, in each other's way as two machines are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from checkoutflow.errors import CheckoutError
from checkoutflow.flow.effects import AskStore, Effect, Send
from checkoutflow.flow.sync import CheckoutFlow
from checkoutflow.providers.contract import Consult

if TYPE_CHECKING:
    from checkoutflow.flow.effects import Program

T = TypeVar("T")
Perform = Callable[[Effect], Any]

# Longer parts of an address are references, not words.
_LONGEST_WORD: Final = 19


class Crash(BaseException):
    """The machine stops here, and nothing that was in memory is left.

    Not an ``Exception``: no ``except`` of a program can keep it alive.
    """


@dataclass(frozen=True, slots=True)
class Stop:
    """A place to stop.

    Attributes:
        effect: Which effect, counted from 1.
        is_after: After it was performed and before its answer is heard, instead of before it.
    """

    effect: int
    is_after: bool = False


@dataclass(slots=True)
class Steps:
    """The effects of a flow, counted, with places to stop.

    Attributes:
        names: What each effect was, in order: ``commit place``, ``send POST captures``,
            ``consult hold``.
        stops: Where to crash; each place once.
    """

    names: list[str] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)

    def perform(self, effect: Effect, perform: Perform) -> Any:  # noqa: ANN401 -- each effect has its own answer
        """Perform an effect, unless the machine stops here.

        Raises:
            Crash: Before the effect, or after it and in place of its answer.
        """
        self.names.append(name_of(effect))
        number = len(self.names)
        self._stop_at(Stop(number))
        try:
            return perform(effect)
        finally:
            self._stop_at(Stop(number, is_after=True))

    def _stop_at(self, here: Stop) -> None:
        if here in self.stops:
            self.stops.remove(here)
            when = "after" if here.is_after else "before"
            raise Crash(f"crash {when} effect {here.effect}: {self.names[-1]}")


def name_of(effect: Effect) -> str:
    """An effect in two or three words, the same in every run."""
    match effect:
        case AskStore(call="commit", arguments=(change,)):
            return f"commit {change.command}"
        case AskStore():
            return effect.call
        case Send():
            words = effect.request.url.path.split("/")
            last = [word for word in words if word.isalpha() and len(word) <= _LONGEST_WORD]
            return f"send {effect.request.method} {last[-1] if last else ''}".rstrip()
        case Consult():
            return f"consult {effect.name}"
        case _:
            return type(effect).__name__.lower()


class SteppingFlow(CheckoutFlow):
    """A ``CheckoutFlow`` whose every effect is counted, and which stops where it is told to."""

    def __init__(self, *arguments: Any, steps: Steps, **options: Any) -> None:  # noqa: ANN401 -- handed on
        """Put a flow together; the arguments are those of ``CheckoutFlow``."""
        super().__init__(*arguments, **options)
        self.steps = steps
        self.programs = self._programs

    def _perform(self, effect: Effect) -> Any:  # noqa: ANN401 -- each effect has its own answer
        return self.steps.perform(effect, super()._perform)

    def stepped(self, program: Program[T]) -> Stepped[T]:
        """A program of this flow, to be run one effect at a time."""
        return Stepped(program, self._perform)


class Stepped(Generic[T]):
    """One program, run one effect at a time.

    Attributes:
        error: What it ended with, if it did not end well.
    """

    def __init__(self, program: Program[T], perform: Perform) -> None:
        """Run it up to its first effect."""
        self._program = program
        self._perform = perform
        self._effect: Effect | None = None
        self._value: T | None = None
        self.error: CheckoutError | None = None
        self._resume(lambda: next(program))

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self._effect is None

    @property
    def next(self) -> str:
        """The effect that it is about to have performed; empty once it is over."""
        return "" if self._effect is None else name_of(self._effect)

    @property
    def value(self) -> T:
        """What it returned.

        Raises:
            CheckoutError: What it ended with instead.
            ValueError: If it is not over.
        """
        if self.error is not None:
            raise self.error
        if not self.is_over:
            raise ValueError(f"the program is not over: {self.next} comes next")
        value: T = self._value  # type: ignore[assignment]  # it is over, so it is there
        return value

    def step(self) -> None:
        """Perform one effect and hand the answer over. Does nothing once it is over."""
        if self._effect is None:
            return
        try:
            answer = self._perform(self._effect)
        except CheckoutError as error:
            thrown = error
            self._resume(lambda: self._program.throw(thrown))
        else:
            self._resume(lambda: self._program.send(answer))

    def finish(self) -> None:
        """Run it to its end."""
        while not self.is_over:
            self.step()

    def _resume(self, resume: Callable[[], Effect]) -> None:
        try:
            self._effect = resume()
        except StopIteration as stop:
            self._effect, self._value = None, stop.value
        except CheckoutError as error:
            self._effect, self.error = None, error
