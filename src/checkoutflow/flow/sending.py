"""Sending what was committed, and taking in what comes back."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from checkoutflow.checkout import commands as c
from checkoutflow.checkout import events as e
from checkoutflow.checkout.decide import decide
from checkoutflow.errors import (
    Busy,
    Contradiction,
    NotSupported,
    ProviderError,
    StoreConflict,
    TransportError,
    Unreachable,
    UsageError,
)
from checkoutflow.flow.commits import Commits
from checkoutflow.flow.effects import Program, Send, ask_store, now, send
from checkoutflow.flow.health import after_failure, is_down, is_trouble
from checkoutflow.flow.lines import order_lines, part_lines
from checkoutflow.payment.outcomes import Operation, Outcome, Result, Standing
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.contract import (
    Ask,
    Authorise,
    Consult,
    Earlier,
    Exchange,
    Modification,
    transport_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    import httpx

    from checkoutflow.checkout.state import Attempt, Checkout, Payment
    from checkoutflow.providers.contract import Named, Provider
    from checkoutflow.stores.contract import HealthRow, NoticeRow

T = TypeVar("T")

# More answers than this no operation needs.
REQUESTS: Final = 8

# How often a change is decided again because someone else wrote first.
RELOADS: Final = 8


class Sending(Commits):
    """What a program needs to ask a provider for something, or how a payment stands."""

    def _carry_out(self, state: Checkout, events: Iterable[e.Event]) -> Program[Checkout]:
        """Send what our own commits have just written down, until nothing new comes of it."""
        waiting = _to_send(events)
        while waiting:
            attempt_id = waiting.pop(0)
            payment, attempt = state.attempt(attempt_id)
            command = yield from self._send(state, payment, attempt)
            if command is not None:
                state, news = yield from self._report(state, command)
                waiting += _to_send(news)
        return state

    def _report(
        self,
        state: Checkout,
        command: c.RecordResult | c.TakeStanding | c.Hear,
        notice: NoticeRow | None = None,
        *,
        is_old_soon: bool = False,
    ) -> Program[tuple[Checkout, Sequence[e.Event]]]:
        """Commit what a provider said, on whatever the state is by now.

        Args:
            state: As it was read last.
            command: What the provider said.
            notice: The notice that said it, which counts once.
            is_old_soon: What it said may be older than what somebody writes meanwhile.

        Raises:
            StoreConflict: If somebody did, or others wrote again and again.
        """
        for _ in range(RELOADS):
            if notice is not None and (
                yield from ask_store("has_notice", notice.provider, notice.id)
            ):
                return state, ()
            at = yield from now()
            commands, about = yield from self.weighed(state, command, at)
            again = partial(decide, state, commands, self.rules, at)
            after, events = again()
            if not events:
                return state, ()
            try:
                after = yield from self._commit(
                    state,
                    (after, events),
                    at=at,
                    command=command.name,
                    about=about,
                    notice=notice,
                    again=again,
                )
            except StoreConflict:
                if is_old_soon:
                    raise
                state = yield from self.load(state.id)
                continue
            return after, events
        raise StoreConflict(f"checkout {state.id} kept changing; reconcile it")

    def _send(
        self, state: Checkout, payment: Payment, attempt: Attempt
    ) -> Program[c.RecordResult | None]:
        """Send one attempt and read the answer; None if its lease is over and it is not ours."""
        at = yield from now()
        if at >= attempt.lease_until:
            return None
        provider = self._provider(payment.provider or "")
        if attempt.operation is Operation.AUTHORISE:
            order = yield from self._authorise_order(state, payment, attempt, at)
            ask = partial(provider.authorise, order)
        else:
            operation: Callable[[Modification], Exchange[Result]] = {
                Operation.CAPTURE: provider.capture,
                Operation.VOID: provider.void,
                Operation.REFUND: provider.refund,
            }[attempt.operation]
            modification = Modification(
                key=attempt.id,
                merchant_reference=payment.id,
                provider_reference=payment.provider_reference,
                amount=attempt.amount,
                method=self._method(payment),
                books=payment.books,
                lines=part_lines(state, attempt),
                earlier=_earlier(payment, attempt),
                at=at,
            )
            ask = partial(operation, modification)
        unknown = Result(outcome=Outcome.UNKNOWN)
        try:
            result = yield from self._exchanged(
                provider, ask(), at, attempt.operation.value, payment.id
            )
        except UsageError:
            # The adapter refused the order before anything was sent.
            result = Result(outcome=Outcome.REFUSED, reason="not_supported")
        except Unreachable:
            # Nothing was sent. The customer can take another way now; what was promised to somebody
            # is tried again.
            is_new = attempt.operation is Operation.AUTHORISE
            result = Result(outcome=Outcome.REFUSED, reason="unreachable") if is_new else unknown
        except TransportError:
            result = unknown
        except Contradiction as error:
            return c.RecordResult(attempt=attempt.id, result=unknown, said=str(error))
        except ProviderError:
            result = unknown
        return c.RecordResult(attempt=attempt.id, result=result)

    def _look(
        self, state: Checkout, payment_id: str, *, is_told: bool = False
    ) -> Program[Checkout]:
        """Ask how one payment stands, take it in, and carry out what follows.

        Args:
            state: The checkout as it was read last.
            payment_id: Which payment.
            is_told: A notice said that something happened.

        Raises:
            StoreConflict: If others wrote it again and again meanwhile.
        """
        for _ in range(RELOADS):
            command = yield from self._standing(state, payment_id, is_told=is_told)
            try:
                state, events = yield from self._report(state, command, is_old_soon=True)
            except StoreConflict:
                state = yield from self.load(state.id)
                continue
            return (yield from self._carry_out(state, events))
        raise StoreConflict(f"checkout {state.id} kept changing; reconcile it")

    def _standing(
        self, state: Checkout, payment_id: str, *, is_told: bool
    ) -> Program[c.TakeStanding]:
        """Ask how one payment stands."""
        payment = state.payment(payment_id)
        provider = self._provider(payment.provider or "")
        standing: Standing | None = None
        said = ""
        if provider.capabilities.can_be_asked:
            at = yield from now()
            ask = Ask(
                merchant_reference=payment.id,
                provider_reference=payment.provider_reference,
                amount=payment.amount,
                method=self._method(payment),
                earlier=_earlier(payment),
                at=at,
            )
            try:
                exchange = provider.status(ask)
                standing = yield from self._exchanged(provider, exchange, at, "status", payment.id)
            except Contradiction as error:
                said = str(error)
            except (TransportError, ProviderError, UsageError):
                standing = None
        return c.TakeStanding(payment=payment.id, standing=standing, said=said, is_told=is_told)

    def _authorise_order(
        self, state: Checkout, payment: Payment, attempt: Attempt, at: datetime
    ) -> Program[Authorise]:
        values: dict[str, str] = {}
        for purpose, names in self.wanted(state, payment.method, payment.provider).items():
            values |= yield from self._opened(state.subject, purpose, at, names)
        code = values.pop(self.code_field(payment.method), None)
        return Authorise(
            key=attempt.id,
            merchant_reference=payment.id,
            method=self._method(payment),
            amount=attempt.amount,
            return_url=state.return_url,
            locale=state.locale,
            market=state.market,
            customer=state.customer,
            lines=order_lines(state) if attempt.amount == state.total else (),
            instrument=Secret(code) if code is not None else None,
            details=values,
            shares=frozenset(payment.shares),
            at=at,
        )

    def _method(self, payment: Payment) -> str:
        """The provider's name for the way to pay."""
        way = self.rules.ways.get(payment.method)
        for route in way.routes if way else ():
            if route.provider == payment.provider and route.provider_method:
                return route.provider_method
        return payment.method

    def _exchanged(
        self,
        provider: Named,
        exchange: Exchange[T],
        began: datetime,
        operation: str,
        payment: str = "",
    ) -> Program[T]:
        """Run an adapter's operation: each request it yields is sent, each response handed back.

        Args:
            provider: Who is asked.
            exchange: The operation.
            began: The time now.
            operation: Its name, for whoever watches.
            payment: Our reference for the payment that it is about.

        Raises:
            UsageError: If the adapter refuses the order; nothing was sent then.
            ProviderError: If it refuses later, or wants more requests than any operation needs.
            Unreachable: If nothing could be sent, or nothing was since the provider is down.
            TransportError: If no whole answer came, or all of it took too long.
        """
        name, transport = provider.name, transport_of(provider)
        known: HealthRow | None = yield from ask_store("health", name)
        answer: Any = None
        for sent in range(REQUESTS + 1):
            try:
                asked = exchange.send(answer)
            except StopIteration as stop:
                value: T = stop.value
                return value
            except UsageError as error:
                if sent:
                    raise ProviderError(f"{name} refused the order half-way: {error}") from error
                raise
            left_s = transport.operation_s
            if sent:
                left_s -= ((yield from now()) - began).total_seconds()
                if left_s <= 0:
                    raise TransportError(f"{name} took longer than {transport.operation_s} seconds")
            elif is_down(known, began):
                raise Unreachable(f"{name} has not answered lately")
            timeout_s = min(transport.timeout_s, left_s)
            effect: Send | Consult = (
                replace(asked, provider=name, operation=operation, payment=payment)
                if isinstance(asked, Consult)
                else Send(name, asked, timeout_s, transport, operation, payment)
            )
            try:
                answer = yield from _answered(name, known, effect)
            except Unreachable as error:
                if sent:  # an earlier request may have moved something
                    raise TransportError(str(error)) from error
                raise
        raise ProviderError(f"{name} wanted more than {REQUESTS} requests for one operation")

    def _provider(self, name: str) -> Provider:
        try:
            return self.providers[name]
        except KeyError:
            raise NotSupported(f"there is no provider {name}", field="provider") from None


def _earlier(payment: Payment, than: Attempt | None = None) -> tuple[Earlier, ...]:
    """What was asked of a payment beside its authorisation, and did not fail."""
    nothing_moved = {Outcome.DECLINED, Outcome.REFUSED}
    return tuple(
        Earlier(item.id, item.operation, item.amount, item.outcome, item.reference)
        for item in payment.attempts
        if item.operation is not Operation.AUTHORISE
        and item.outcome not in nothing_moved
        and (than is None or item.id != than.id)
    )


def _to_send(events: Iterable[e.Event]) -> list[str]:
    return [
        event.attempt for event in events if isinstance(event, e.AttemptStarted | e.AttemptResent)
    ]


def _answered(
    provider: str, known: HealthRow | None, effect: Send | Consult
) -> Program[httpx.Response]:
    """Send one request, and keep in mind whether the provider is well.

    Raises:
        TransportError: If no whole answer came.
    """
    try:
        answer = yield from send(effect)
    except Busy:
        raise  # that says nothing of the provider
    except TransportError:
        yield from _failed(provider, known)
        raise
    if isinstance(effect, Send) and is_trouble(answer):
        yield from _failed(provider, known)
    elif known is not None:
        yield from ask_store("clear_health", provider)
    return answer


def _failed(provider: str, known: HealthRow | None) -> Program[None]:
    at = yield from now()
    yield from ask_store("set_health", after_failure(known, provider, at))
