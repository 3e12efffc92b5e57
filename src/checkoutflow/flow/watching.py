"""What is seen of the drivers' work, and told to telemetry.

A driver hands each call of a flow to a `Watch`, which sees its effects come and go and tells a
`Telemetry` (``checkoutflow.otel`` has one) what it saw.
"""

from __future__ import annotations

from contextlib import nullcontext
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

from checkoutflow.checkout.state import Checkout
from checkoutflow.errors import CheckoutError, Next, UntrustedNotice
from checkoutflow.flow.effects import AskStore, Send
from checkoutflow.flow.host import seconds
from checkoutflow.flow.logs import COMMITS, outcomes, written
from checkoutflow.flow.telemetry import NOTHING, age
from checkoutflow.payment.outcomes import Outcome
from checkoutflow.providers.contract import Consult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime
    from types import TracebackType

    from checkoutflow.flow.effects import Effect
    from checkoutflow.flow.telemetry import About, Safe, Span
    from checkoutflow.stores.contract import Change, Message

_C: Final = "checkoutflow."
_DECISIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "held": "opened",
        "review_approved": "approved",
        "review_rejected": "rejected",
        "review_lapsed": "lapsed",
    }
)
_FINAL: Final = frozenset({Outcome.SUCCEEDED, Outcome.DECLINED, Outcome.REFUSED})
# Errors by which a caller, a customer, a stranger or a race is told no, and all is well.
_NO_FAULT: Final = frozenset({Next.FIX_THE_CALL, Next.DROP, Next.RELOAD, Next.LOOK_AGAIN})
_BAD_STATUS: Final = 400


class Watch:
    """One call of a flow, or one piece of a worker's work, while it lasts."""

    def __init__(self, telemetry: Safe, name: str, about: About, *, provider: str = "") -> None:
        """Bind it.

        Args:
            telemetry: Who is told.
            name: Of the call.
            about: What it is about.
            provider: Whose webhook is taken in, where one is.
        """
        self.telemetry = telemetry
        self._name = name
        self._about = about
        self._provider = provider
        self._call: Span | None = None
        self._call_is: tuple[str, str, str] = ("", "", "")
        self._call_error = ""
        self._before: Checkout | None = None

    def __enter__(self) -> Self:
        """It begins."""
        self._began_s = seconds()
        self._span = self.telemetry.begin(f"checkoutflow {self._name}", self._about)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """It is over."""
        self.telemetry.safely(lambda: self._end(error))

    def _end(self, error: BaseException | None) -> None:
        self.end_call()
        name, is_fault = _named(error)
        if isinstance(error, UntrustedNotice) and self._provider:
            about: About = {_C + "provider": self._provider, _C + "notice.result": "refused"}
            self.telemetry.tell("checkoutflow.notices", 1, about)
        if (command := self._about.get(_C + "command")) is not None:
            labels = _with_error({_C + "command": command}, name)
            self.telemetry.tell("checkoutflow.command.duration", seconds() - self._began_s, labels)
        self._span.end(name, is_fault=is_fault)

    def effect(self, effect: Effect) -> _Seen:
        """One effect, while it is performed."""
        return _Seen(self, effect)

    # Calls of providers ---------------------------------------------------------------------------

    def begin_call(self, effect: Send | Consult) -> None:
        """A request is sent: the first of an operation, or another one of the same."""
        asked = (effect.provider, effect.operation, effect.payment)
        if self._call is not None and self._call_is == asked:
            return
        self.end_call()
        about: About = {_C + "provider": effect.provider, _C + "operation": effect.operation}
        if effect.payment:
            about[_C + "payment.id"] = effect.payment
        self._call_is = asked
        self._call = self.telemetry.begin(f"{effect.provider} {effect.operation}", about)

    def end_call(self) -> None:
        """What came of the operation is on record, or never will be."""
        if self._call is not None:
            self._call.end(self._call_error, is_fault=bool(self._call_error))
            self._call = None
        self._call_error = ""

    def failed(self, error: str) -> None:
        """A request of the operation failed, or, if empty, the last one did not."""
        self._call_error = error

    # What a store was told and told ---------------------------------------------------------------

    def heard(self, effect: AskStore, answer: object) -> About:
        """What can be told of a store's answer; gives what its span is about."""
        if (change := written(effect.call, effect.arguments, answer)) is not None:
            return self._written(change)
        match effect.call, answer:
            case "load", Checkout() as state:
                self._know(state)
            case "take_notice" | "has_notice", bool(is_so):
                provider = getattr(effect.arguments[0], "provider", effect.arguments[0])
                if effect.call == "take_notice" or is_so:
                    is_new = effect.call == "take_notice" and is_so
                    self._noticed(provider, "taken" if is_new else "repeated")
            case "due" | "lease_due", [*found]:
                self._taken(found, effect.arguments[0])
            case _:
                pass
        return {}

    def _know(self, state: Checkout) -> None:
        if self._before is None or self._before.id != state.id:
            self._span.set({_C + "checkout.id": state.id})
        self._before = state

    def _noticed(self, provider: str, result: str) -> None:
        about: About = {_C + "provider": provider, _C + "notice.result": result}
        self.telemetry.tell("checkoutflow.notices", 1, about)

    def _taken(self, found: Iterable[Any], at: datetime) -> None:
        for due in found:
            for kind, set_to in due.timers.items():
                self.telemetry.tell("checkoutflow.due.delay", age(set_to, at), {_C + "timer": kind})

    def _written(self, change: Change) -> About:
        tell = self.telemetry.tell
        for event in change.events:
            tell("checkoutflow.events", 1, {_C + "event": event.type})
            if (decision := _DECISIONS.get(event.type)) is not None:
                self._decided(change, decision)
        if change.notice is not None:
            self._noticed(change.notice.provider, "taken")
        unknown = {
            attempt.id
            for payment in (self._before.payments if self._before is not None else ())
            for attempt in payment.attempts
            if attempt.outcome is Outcome.UNKNOWN
        }
        for row, outcome in outcomes(change):
            about: About = {
                _C + "provider": row.provider,
                _C + "operation": row.operation.value,
                _C + "outcome": outcome.value,
            }
            if self._call is not None and self._call_is == (
                row.provider,
                row.operation.value,
                row.payment,
            ):
                self._call.set({_C + "outcome": outcome.value})
            tell("checkoutflow.attempts", 1, about)
            if outcome in _FINAL:
                tell("checkoutflow.attempt.duration", age(row.started_at, change.at), about)
                if row.id in unknown:
                    tell("checkoutflow.unknown.duration", age(row.started_at, change.at), about)
        self._know(change.state)
        return {
            _C + "checkout.id": change.state.id,
            _C + "checkout.version": change.state.version,
            _C + "checkout.phase": change.state.phase.value,
            _C + "events": tuple(event.type for event in change.events),
        }

    def _decided(self, change: Change, decision: str) -> None:
        about: About = {_C + "review.decision": decision}
        self.telemetry.tell("checkoutflow.reviews", 1, about)
        review = change.state.review
        if decision != "opened" and review is not None and review.held_at is not None:
            waited_s = age(review.held_at, change.at)
            self.telemetry.tell("checkoutflow.review.duration", waited_s, about)


class _Seen:
    """One effect.

    Attributes:
        answer: What came of it; the driver puts it there.
    """

    __slots__ = ("_about", "_began_s", "_effect", "_span", "_watch", "answer")

    def __init__(self, watch: Watch, effect: Effect) -> None:
        self._watch = watch
        self._effect = effect
        self._span: Span = NOTHING
        self._about: About = {}
        self.answer: Any = None

    def __enter__(self) -> Self:
        self._watch.telemetry.safely(self._begin)
        self._began_s = seconds()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        took_s = seconds() - self._began_s
        self._watch.telemetry.safely(lambda: self._end(took_s, error))

    def _begin(self) -> None:
        effect, begin = self._effect, self._watch.telemetry.begin
        match effect:
            case AskStore():
                self._about = {_C + "store.call": effect.call}
                self._span = begin(f"store {effect.call}", self._about)
            case Send():
                self._watch.begin_call(effect)
                url = effect.request.url
                self._about = {
                    "http.request.method": effect.request.method,
                    "server.address": url.host,
                    "server.port": url.port or _PORTS.get(url.scheme, 0),
                    _C + "provider": effect.provider,
                    _C + "operation": effect.operation,
                }
                self._span = begin(effect.request.method, self._about, is_client=True)
            case Consult():
                self._watch.begin_call(effect)
                self._span = begin(f"consult {effect.name}", {})
            case _:
                pass  # the time and random bytes cost nothing, and tell nothing

    def _end(self, took_s: float, error: BaseException | None) -> None:
        effect, watch = self._effect, self._watch
        name, is_fault = _named(error)
        match effect:
            case AskStore():
                watch.telemetry.tell(
                    "checkoutflow.store.duration", took_s, _with_error(self._about, name)
                )
                if error is None and (more := watch.heard(effect, self.answer)):
                    self._span.set(more)
            case Send():
                if error is None:
                    status = self.answer.status_code
                    self._about["http.response.status_code"] = status
                    self._span.set({"http.response.status_code": status})
                    if status >= _BAD_STATUS:
                        name, is_fault = str(status), True
                watch.telemetry.tell(
                    "http.client.request.duration", took_s, _with_error(self._about, name)
                )
                watch.failed(name)
            case Consult():
                watch.failed(name)
            case _:
                pass
        self._span.end(name, is_fault=is_fault)
        if error is None and isinstance(effect, AskStore) and effect.call in COMMITS:
            watch.end_call()


_PORTS: Final = MappingProxyType({"https": 443, "http": 80})


def _with_error(about: About, name: str) -> About:
    return {**about, "error.type": name} if name else about


def _named(error: BaseException | None) -> tuple[str, bool]:
    """An error as ``error.type`` has it, and whether somebody should know."""
    if error is None:
        return "", False
    is_fault = not (isinstance(error, CheckoutError) and error.next in _NO_FAULT)
    return type(error).__name__, is_fault


def name_of(program: object) -> str:
    """The name of a program: that of the method that made it."""
    return str(getattr(program, "__name__", "call"))


def calling(telemetry: Safe, command: str, provider: str = "") -> Watch:
    """Watch one call of a flow."""
    return Watch(telemetry, command, {_C + "command": command}, provider=provider)


def working(
    telemetry: Safe | None, work: str, about: About | None = None
) -> AbstractContextManager[object]:
    """Watch one piece of a worker's work, if anybody watches."""
    if telemetry is None:
        return nullcontext()
    return Watch(telemetry, work, {_C + "work": work, **(about or {})})


def telling(telemetry: Safe | None, message: Message) -> AbstractContextManager[object]:
    """Watch how the shop is handed a message, if anybody watches."""
    about: About = {_C + "checkout.id": message.checkout, _C + "message.kind": message.kind}
    return working(telemetry, "tell", about)
