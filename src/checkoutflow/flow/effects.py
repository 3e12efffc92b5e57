"""What a program can want of the world. It yields one of these and receives the answer.

A driver performs them: the synchronous one, the asynchronous one, and in tests one that stops,
delays, repeats or breaks any of them.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from checkoutflow.errors import CheckoutError
from checkoutflow.providers.contract import DEFAULT, Consult, Transport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    import httpx

    from checkoutflow.stores.contract import Store

T = TypeVar("T")
E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Now:
    """What time is it? Answered with an aware datetime in UTC."""


@dataclass(frozen=True, slots=True)
class Random:
    """So many random bytes, fit for keys."""

    count: int


@dataclass(frozen=True, slots=True)
class AskStore:
    """One call of the store: a short transaction of its own.

    Attributes:
        call: Name of the store's method.
        arguments: What it is called with.
    """

    call: str
    arguments: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    def on(self, store: Store) -> Any:  # noqa: ANN401 -- each call has its own answer
        """Make the call."""
        method: Callable[..., Any] = getattr(store, self.call)
        return method(*self.arguments, **self.options)


@dataclass(frozen=True, slots=True)
class Send:
    """Send one request to a provider; answered with the response.

    A driver throws ``TransportError`` into the program where no whole answer came.

    Attributes:
        timeout_s: Seconds to wait for the answer.
        transport: How this provider's requests are sent.
        operation: What it is a step of: ``capture``, ``status``.
        payment: Our reference for the payment that it is about; empty where it is about none.
    """

    provider: str
    request: httpx.Request
    timeout_s: float
    transport: Transport = DEFAULT
    operation: str = ""
    payment: str = ""


Effect = Now | Random | AskStore | Send | Consult
Program = Generator[Effect, Any, T]


def now() -> Program[datetime]:
    """The time."""
    moment: datetime = yield Now()
    return moment


def random(count: int) -> Program[bytes]:
    """Random bytes."""
    octets: bytes = yield Random(count)
    return octets


def send(effect: Send | Consult) -> Program[httpx.Response]:
    """One request to a provider, or one call of what the shop itself keeps.

    Raises:
        TransportError: If no whole answer came.
    """
    response: httpx.Response = yield effect
    return response


def ask_store(call: str, *arguments: object, **options: object) -> Program[Any]:
    """One call of the store. Named by its method, so that a test can stop before any of them.

    Raises:
        StoreError: As the store's method does.
    """
    answer = yield AskStore(call, arguments, options)
    return answer


def drive(
    program: Generator[E, Any, T],
    perform: Callable[[E], object],
    caught: type[Exception] = CheckoutError,
) -> T:
    """Run a program: each effect that it yields is performed, and the answer handed back.

    Args:
        program: What to run.
        perform: Does one effect.
        caught: What ``perform`` may raise that the program is told of, to go on from there.
    """
    resume = partial(next, program)
    while True:
        try:
            effect = resume()
        except StopIteration as stop:
            value: T = stop.value
            return value
        try:
            resume = partial(program.send, perform(effect))
        except caught as error:
            resume = partial(program.throw, error)


async def drive_async(
    program: Generator[E, Any, T],
    perform: Callable[[E], Awaitable[object]],
    caught: type[Exception] = CheckoutError,
) -> T:
    """As `drive`, for effects that are awaited."""
    resume = partial(next, program)
    while True:
        try:
            effect = resume()
        except StopIteration as stop:
            value: T = stop.value
            return value
        try:
            resume = partial(program.send, await perform(effect))
        except caught as error:
            resume = partial(program.throw, error)
