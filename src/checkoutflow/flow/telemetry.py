"""What telemetry is told, under names that stay; and the port through which it is told.

All that is told is in `ATTRIBUTES`: ids that we drew ourselves, names from the shop's settings,
words of this library, and figures. Nothing that a customer typed, and no text of an error. Whatever
telemetry does, no sale ends over it.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeVar

from checkoutflow.flow.health import is_down
from checkoutflow.flow.logs import LOG

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from datetime import datetime

    from checkoutflow.flow.host import Clock
    from checkoutflow.stores.contract import Store

T = TypeVar("T")
Value = str | int | float | bool | tuple[str, ...]
About = dict[str, Value]


# Names --------------------------------------------------------------------------------------------

ATTRIBUTES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "checkoutflow.command": "the method of the flow that was called: `place`, `ship`, `wake`",
        "checkoutflow.checkout.id": "which checkout, once it is known",
        "checkoutflow.checkout.version": "its version after a commit",
        "checkoutflow.checkout.phase": "its phase after a commit",
        "checkoutflow.events": "what a commit wrote into the journal: a list of types of event",
        "checkoutflow.event": "one of them",
        "checkoutflow.provider": "whom we asked, or who wrote to us: the name in the settings",
        "checkoutflow.operation": (
            "what was asked: `authorise`, `capture`, `void`, `refund`, `status`, `profile`, "
            "`quotes`, `begin_login`, `finish_login`, `look_up`"
        ),
        "checkoutflow.outcome": "`succeeded`, `declined`, `refused`, `pending` or `unknown`",
        "checkoutflow.payment.id": "our reference for the payment, which the provider has too",
        "checkoutflow.store.call": "the method of the store",
        "checkoutflow.review.decision": "`opened`, `approved`, `rejected` or `lapsed`",
        "checkoutflow.notice.result": "`taken`, `repeated` or `refused`",
        "checkoutflow.timer": "why it is due: `expiry`, `review`, `look`, `notice` ...",
        "checkoutflow.work": "what a worker does: `round`, `run_due`, `tell`, `wake`",
        "checkoutflow.message.kind": "which kind of message the shop is handed",
        "error.type": "the class of the error, or the HTTP status from 400 on",
        "http.request.method": "`GET`, `POST` ...",
        "http.response.status_code": "what was answered",
        "server.address": "the provider's host; paths are not told, references stand in them",
        "server.port": "its port",
    }
)


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that is counted, timed, or looked at now and then.

    Attributes:
        unit: ``s``, or ``{what is counted}``.
        kind: A ``counter`` adds up, a ``histogram`` keeps how often which value was seen, a
            ``gauge`` is asked when somebody collects.
        labels: What it is told apart by.
        buckets: Limits of a histogram's buckets.
    """

    unit: str
    kind: Literal["counter", "histogram", "gauge"]
    about: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


_COMMAND: Final = "checkoutflow.command"
_PROVIDER: Final = "checkoutflow.provider"
_OPERATION: Final = "checkoutflow.operation"
_ATTEMPT: Final = (_PROVIDER, _OPERATION, "checkoutflow.outcome")
_DECISION: Final = "checkoutflow.review.decision"
_REQUEST: Final = (
    *("http.request.method", "server.address", "server.port", "http.response.status_code"),
    *("error.type", _PROVIDER, _OPERATION),
)
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_MOMENTS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, *_SECONDS)
_WAITS: Final = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0, 259200.0, 604800.0)


def _counted(what: str, about: str, *labels: str) -> Measure:
    return Measure(f"{{{what}}}", "counter", about, labels)


def _timed(about: str, buckets: tuple[float, ...], *labels: str) -> Measure:
    return Measure("s", "histogram", about, labels, buckets)


def _looked_at(unit: str, about: str, *labels: str) -> Measure:
    return Measure(unit, "gauge", about, labels)


MEASURES: Final[Mapping[str, Measure]] = MappingProxyType(
    {
        "checkoutflow.command.duration": _timed(
            "calls of the flow", _SECONDS, _COMMAND, "error.type"
        ),
        "checkoutflow.store.duration": _timed(
            "calls of the store", _MOMENTS, "checkoutflow.store.call", "error.type"
        ),
        "http.client.request.duration": _timed(
            "requests to providers, registers, issuers and insurers", _SECONDS, *_REQUEST
        ),
        "checkoutflow.events": _counted(
            "event",
            "what happened, by the journal: orders that were `placed`, `confirmed`, `held` ...",
            "checkoutflow.event",
        ),
        "checkoutflow.attempts": _counted(
            "attempt",
            "answers of providers; an attempt that was `unknown` is counted again once it is known",
            *_ATTEMPT,
        ),
        "checkoutflow.attempt.duration": _timed(
            "from writing an attempt down until it is known how it ended", _WAITS, *_ATTEMPT
        ),
        "checkoutflow.unknown.duration": _timed(
            "the same, of attempts whose outcome was unknown in between", _WAITS, *_ATTEMPT
        ),
        "checkoutflow.reviews": _counted(
            "review", "orders held for a person, and what was decided", _DECISION
        ),
        "checkoutflow.review.duration": _timed(
            "from being held until it was decided", _WAITS, _DECISION
        ),
        "checkoutflow.notices": _counted(
            "notice",
            "webhooks, and whether they were believed",
            _PROVIDER,
            "checkoutflow.notice.result",
        ),
        "checkoutflow.due.delay": _timed(
            "how late due work was when a worker took it; `notice`: since the webhook came",
            _WAITS,
            "checkoutflow.timer",
        ),
        "checkoutflow.dead_letters": _counted(
            "job", "jobs of a fleet that nobody tries any more", "checkoutflow.work"
        ),
        "checkoutflow.due.age": _looked_at(
            "s", "how long what is longest overdue has been due; 0 where nothing is"
        ),
        "checkoutflow.messages.age": _looked_at(
            "s", "how long the oldest message waits for the shop; 0 where none does"
        ),
        "checkoutflow.provider.down": _looked_at(
            "1", "1 while a provider is left alone since it does not answer", _PROVIDER
        ),
    }
)

SPANS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "checkoutflow COMMAND": "a call of the flow",
        "checkoutflow WORK": "a worker's round, `run_due`, or handing one message to the shop",
        "store CALL": "a call of the store",
        "PROVIDER OPERATION": (
            "an operation of a provider, from the first request until what came of it is on record"
        ),
        "METHOD": "one request, of kind client",
        "consult CALL": "a call of a ledger of the shop's own",
    }
)


# The port -----------------------------------------------------------------------------------------


class Span(Protocol):
    """Something that has begun. What begins before it ends is part of it."""

    def set(self, about: About) -> None:
        """Say more of it."""

    def end(self, error: str, *, is_fault: bool) -> None:
        """It is over.

        Args:
            error: What went wrong, as ``error.type`` has it; empty if nothing did.
            is_fault: Whether somebody should know.
        """


class Telemetry(Protocol):
    """Where spans and measures go. It is called from whatever thread or task does the work."""

    def begin(self, name: str, about: About, *, is_client: bool = False) -> Span:
        """Something begins, as a part of what this thread or task is at.

        Args:
            name: One of few; see `SPANS`.
            about: What it is about, by names of `ATTRIBUTES`.
            is_client: Whether it is a request to somebody else.
        """

    def tell(self, measure: str, value: float, about: About) -> None:
        """Count or keep a value.

        Args:
            measure: A name of `MEASURES`; no gauge.
            value: In its unit.
            about: Its labels.
        """

    def watch(self, sight: Sight) -> None:
        """Ask it for gauges from now on, whenever somebody collects."""

    def leave(self, sight: Sight) -> None:
        """Ask it no more."""


class Sight:
    """What can be seen of a store at any moment: the gauges."""

    def __init__(self, store: Store, clock: Clock, providers: Collection[str]) -> None:
        """Bind where to look."""
        self._store = store
        self._clock = clock
        self._providers = providers

    def see(self, gauge: str) -> Iterator[tuple[float, About]]:
        """The values of a gauge, each with its labels.

        Raises:
            StoreError: If the store cannot be asked.
        """
        at = self._clock()
        if gauge == "checkoutflow.due.age":
            yield age(longest_due(self._store, at), at), {}
        elif gauge == "checkoutflow.messages.age":
            yield age(oldest_message(self._store), at), {}
        elif gauge == "checkoutflow.provider.down":
            for name in self._providers:
                down = is_down(self._store.health(name), at)
                yield float(down), {_PROVIDER: name}


def longest_due(store: Store, at: datetime) -> datetime | None:
    """Since when something is due that is not done, be it tried again and again; or what is next.

    None if nothing ever is.
    """
    tried = (min(each.timers.values()) for each in store.delayed(at, 1))
    return min((due for due in (store.next_due(), *tried) if due is not None), default=None)


def oldest_message(store: Store) -> datetime | None:
    """Since when the oldest message waits for the shop; None if none does."""
    for message in store.messages(1):
        for entry in store.journal(message.checkout):
            if entry.version == message.version:
                return entry.at
    return None


def age(since: datetime | None, at: datetime) -> float:
    """Seconds since a moment; 0 if there is none, or it is yet to come."""
    return 0.0 if since is None else max((at - since).total_seconds(), 0.0)


# Nothing that telemetry does ends a sale ----------------------------------------------------------


class Safe:
    """Telemetry that never raises: what it could not tell is not told."""

    def __init__(self, telemetry: Telemetry) -> None:
        """Bind it."""
        self._telemetry = telemetry
        self._is_known_to_fail = False

    def begin(self, name: str, about: About, *, is_client: bool = False) -> Span:
        """As `Telemetry.begin`."""
        span = self.safely(lambda: self._telemetry.begin(name, about, is_client=is_client))
        return NOTHING if span is None else _SafeSpan(self, span)

    def tell(self, measure: str, value: float, about: About) -> None:
        """As `Telemetry.tell`."""
        self.safely(lambda: self._telemetry.tell(measure, value, about))

    def watch(self, sight: Sight) -> None:
        """As `Telemetry.watch`."""
        self.safely(lambda: self._telemetry.watch(sight))

    def leave(self, sight: Sight) -> None:
        """As `Telemetry.leave`."""
        self.safely(lambda: self._telemetry.leave(sight))

    def safely(self, call: Callable[[], T]) -> T | None:
        """Make a call; None if it raised. The first time is logged."""
        try:
            return call()
        except Exception as error:  # noqa: BLE001 -- it is somebody else's, and may raise anything
            if not self._is_known_to_fail:
                LOG.warning("telemetry fails, and is not complete: %s", type(error).__name__)
            self._is_known_to_fail = True
            return None


@dataclass(frozen=True, slots=True)
class _SafeSpan:
    safe: Safe
    span: Span

    def set(self, about: About) -> None:
        self.safe.safely(lambda: self.span.set(about))

    def end(self, error: str, *, is_fault: bool) -> None:
        self.safe.safely(lambda: self.span.end(error, is_fault=is_fault))


class _Nothing:
    """A span that nobody sees."""

    def set(self, about: About) -> None:
        pass

    def end(self, error: str, *, is_fault: bool) -> None:
        pass


NOTHING: Final = _Nothing()
