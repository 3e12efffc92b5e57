"""The programs: what happens in which order, written once and driven by any driver.

Two rules hold in all of them. What we are about to ask of a provider is committed before it is
sent, and no store transaction is open while something is sent. A crash between any two effects
therefore leaves a state from which `wake` or `reconcile` goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, TypeVar

from checkoutflow.checkout import commands as c
from checkoutflow.checkout import events as e
from checkoutflow.checkout.decide import begin, decide
from checkoutflow.checkout.draft import Rules
from checkoutflow.checkout.messages import messages
from checkoutflow.checkout.timers import changed, timers
from checkoutflow.checkout.view import View, view_of
from checkoutflow.customer import clean
from checkoutflow.errors import (
    CheckoutError,
    Contradiction,
    IdempotencyConflict,
    NotFound,
    NotSupported,
    ProviderError,
    StoreConflict,
    TransportError,
    UsageError,
)
from checkoutflow.flow.effects import Program, ask_store, now, random, send
from checkoutflow.flow.ids import CHECKOUT_BYTES, PAYMENT_BYTES, checkout_id, payment_id
from checkoutflow.payment.outcomes import Operation, Outcome, Result, Standing
from checkoutflow.privacy.fields import Purpose
from checkoutflow.privacy.secret import Secret
from checkoutflow.privacy.vault import Keys, SubjectKey, Vault, VaultRow, digest, keep
from checkoutflow.providers.contract import Ask, Authorise, Exchange, Modification, OrderLine
from checkoutflow.stores.contract import (
    AttemptRow,
    Change,
    Due,
    IdempotencyRow,
    JournalEntry,
    Message,
    NoticeRow,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from checkoutflow.cart import Cart
    from checkoutflow.checkout.state import Attempt, Checkout, Customer, Payment
    from checkoutflow.money import Money
    from checkoutflow.providers.contract import Notice, Provider
    from checkoutflow.shop import Shop

T = TypeVar("T")

# Seconds to wait for one answer of a provider, and for all the answers that one operation needs,
# while a customer waits. Both stay well inside the lease that an attempt was committed with.
TIMEOUT_S: Final = 5.0
OPERATION_S: Final = 10.0
REQUESTS: Final = 6

# How often a change is decided again because someone else wrote first.
RELOADS: Final = 8


@dataclass(frozen=True, slots=True)
class Report:
    """What one round of due work came to.

    Attributes:
        done: Checkouts that had their turn.
        failed: Checkouts whose turn failed, with the error; they are due again.
    """

    done: tuple[str, ...] = ()
    failed: tuple[tuple[str, CheckoutError], ...] = ()

    def with_success(self, checkout_id: str) -> Report:
        """One more that had its turn."""
        return replace(self, done=(*self.done, checkout_id))

    def with_failure(self, checkout_id: str, error: CheckoutError) -> Report:
        """One more whose turn failed."""
        return replace(self, failed=(*self.failed, (checkout_id, error)))


def choices(delivery: str, payment: str) -> list[c.Command]:
    """The commands for choices that were made together with something else."""
    chosen: list[c.Command] = []
    if delivery:
        chosen.append(c.ChooseDelivery(delivery=delivery))
    if payment:
        chosen.append(c.ChoosePayment(method=payment))
    return chosen


class Programs:
    """Every call of the flow, as a program."""

    def __init__(self, shop: Shop, providers: Iterable[Provider], keys: Keys) -> None:
        """Bind the shop's settings, its providers and its keys.

        Raises:
            UsageError: If two providers have the same name, or a method names one that is absent.
        """
        self.shop = shop
        self.providers = {provider.name: provider for provider in providers}
        for method in shop.methods:
            if method.provider is not None and method.provider not in self.providers:
                names = ", ".join(self.providers) or "none"
                raise UsageError(
                    f"method {method.id} is taken by {method.provider}, but the providers are: "
                    f"{names}",
                    field="providers",
                )
        self.rules = Rules(
            shop, shop.law(), {name: item.capabilities for name, item in self.providers.items()}
        )
        self._keys = keys
        self._vault = Vault(keys)

    # Calls -----------------------------------------------------------------------------------

    def start(
        self,
        cart: Cart,
        market: str,
        locale: str,
        customer: Customer,
        details: Mapping[str, str],
        commands: Sequence[c.Command],
        key: str,
    ) -> Program[Checkout]:
        """Begin a checkout, with whatever is known already."""
        asked = ""
        if key:
            start = [cart.model_dump_json(), market, locale, customer]
            asked = self._asked([*start, *_content(commands)], details)
        for _ in range(RELOADS):
            found = yield from self._repeated(key, None, asked)
            if found is not None:
                return found
            octets = yield from random(2 * CHECKOUT_BYTES)
            at = yield from now()
            command = c.Start.read(
                {
                    "checkout": checkout_id(octets[:CHECKOUT_BYTES]),
                    "subject": checkout_id(octets[CHECKOUT_BYTES:]),
                    "cart": cart,
                    "market": market,
                    "locale": locale or self.rules.law.market(market, at.date()).locales[0],
                    "customer": customer,
                }
            )
            values = clean(details, market=market) if details else {}
            given = [c.Provide(fields=tuple(values))] if values else []
            state, events = begin(command, self.rules, at, [*given, *commands])
            try:
                subject, rows = yield from self._sealed(None, command.subject, values, at)
                return (
                    yield from self._commit(
                        None,
                        state,
                        events,
                        at=at,
                        command="start",
                        idempotency=IdempotencyRow(key, asked, state.id) if key else None,
                        subject=subject,
                        vault=rows,
                    )
                )
            except StoreConflict:
                continue
        raise StoreConflict("someone else kept using this idempotency key; call again")

    def act(
        self,
        checkout_id: str,
        commands: Sequence[c.Command],
        details: Mapping[str, str],
        key: str,
    ) -> Program[Checkout]:
        """Carry out commands in one commit, then send what they ask of providers."""
        asked = self._asked(_content(commands), details) if key else ""
        for _ in range(RELOADS):
            found = yield from self._repeated(key, checkout_id, asked)
            if found is not None:
                return found
            before = yield from self.load(checkout_id)
            at = yield from now()
            values = clean(details, market=before.market) if details else {}
            given = [c.Provide(fields=tuple(values))] if values else []
            state, events = decide(before, [*given, *commands], self.rules, at)
            if not events and not key:
                return before
            try:
                person = None
                if values and before.provided:
                    person, _ = yield from ask_store("person", before.subject)
                subject, rows = yield from self._sealed(person, before.subject, values, at)
                state = yield from self._commit(
                    before,
                    state,
                    events,
                    at=at,
                    command=", ".join(command.name for command in [*given, *commands]),
                    idempotency=IdempotencyRow(key, asked, before.id) if key else None,
                    subject=None if person else subject,
                    vault=rows,
                )
            except StoreConflict:
                continue
            return (yield from self._carry_out(state, events))
        raise StoreConflict(f"checkout {checkout_id} kept changing; call again")

    def place(
        self,
        checkout_id: str,
        accepted_total: Money,
        return_url: str,
        key: str,
    ) -> Program[Checkout]:
        """The customer buys. Payment ids are drawn first: enough for every credit and one more."""
        count = 1 + sum(method.credit for method in self.shop.methods)
        octets = yield from random(count * PAYMENT_BYTES)
        command = c.Place.read(
            {
                "accepted_total": accepted_total,
                "payments": [
                    payment_id(octets[start : start + PAYMENT_BYTES])
                    for start in range(0, len(octets), PAYMENT_BYTES)
                ],
                "return_url": return_url,
            }
        )
        return (yield from self.act(checkout_id, [command], {}, key))

    def load(self, checkout_id: str) -> Program[Checkout]:
        """The checkout as it stands.

        Raises:
            NotFound: If there is none with this id.
        """
        state: Checkout | None = yield from ask_store("load", checkout_id)
        if state is None:
            raise NotFound("there is no checkout with this id", field="checkout_id")
        return state

    def view(self, checkout_id: str, locale: str) -> Program[View]:
        """What a front end needs next."""
        state = yield from self.load(checkout_id)
        return view_of(state, self.rules, locale or state.locale)

    def journal(self, checkout_id: str) -> Program[Sequence[JournalEntry]]:
        """Everything that happened to a checkout, in order."""
        yield from self.load(checkout_id)
        entries: Sequence[JournalEntry] = yield from ask_store("journal", checkout_id)
        return entries

    def receive(
        self, provider: str, headers: Mapping[str, str], body: bytes, *, look: bool
    ) -> Program[Checkout | None]:
        """Take in a webhook: verified, kept, and only then acted on, by asking the provider.

        Raises:
            NotSupported: If there is no provider with this name.
            UntrustedNotice: If it is not proven genuine; nothing is kept then.
        """
        at = yield from now()
        notice: Notice = self._provider(provider).read_notice(headers, body, now_s=at.timestamp())
        owner: str | None = yield from ask_store(
            "find_payment", provider, notice.merchant_reference
        )
        if owner is None:
            return None
        row = NoticeRow(provider, notice.id, owner, notice.kind[:100], at)
        is_new: bool = yield from ask_store("take_notice", row)
        if is_new and look:
            yield from self.wake(Due(owner, frozenset({"notice"})))
        return (yield from self.load(owner))

    def reconcile(self, checkout_id: str) -> Program[Checkout]:
        """Ask the providers how all the checkout's payments stand, and take in what they say."""
        state = yield from self.load(checkout_id)
        for payment in state.payments:
            if payment.provider is not None:
                state = yield from self._look(state, payment.id)
        return state

    def due(self, limit: int) -> Program[Sequence[Due]]:
        """Checkouts for which something is due now."""
        at = yield from now()
        found: Sequence[Due] = yield from ask_store("due", at, limit)
        return found

    def wake(self, due: Due) -> Program[Checkout]:
        """Do what is due for one checkout. Safe to repeat, and to do on two machines at once."""
        at = yield from now()
        state = yield from self.act(due.checkout, [c.PassTime()], {}, "")
        for payment in state.payments:
            is_due = payment.look_at is not None and payment.look_at <= at
            if payment.provider is not None and (is_due or "notice" in due.kinds):
                state = yield from self._look(state, payment.id)
        # What was due and is still set to the past is a timer of older settings, or a notice.
        left = timers(state, self.shop)
        for kind in sorted(due.kinds):
            if kind not in left or left[kind] > at:
                yield from ask_store("clear_timer", due.checkout, kind, up_to=at)
        return state

    def messages(self, limit: int) -> Program[Sequence[Message]]:
        """What the shop asked to be told and has not taken yet."""
        found: Sequence[Message] = yield from ask_store("messages", limit)
        return found

    def delivered(self, taken: Iterable[Message]) -> Program[None]:
        """Forget messages that the shop has taken."""
        yield from ask_store("delivered", tuple(taken))

    def checkouts(self, phases: Iterable[str], after: str, limit: int) -> Program[Sequence[str]]:
        """Ids of checkouts in these phases."""
        found: Sequence[str] = yield from ask_store(
            "checkouts", frozenset(phases), after=after, limit=limit
        )
        return found

    def details(self, checkout_id: str, purpose: Purpose) -> Program[Mapping[str, str]]:
        """The person's contact fields that a purpose allows.

        Raises:
            VaultError: If they cannot be opened.
        """
        state = yield from self.load(checkout_id)
        at = yield from now()
        return (yield from self._opened(state, purpose, at, None))

    # Carrying out ----------------------------------------------------------------------------

    def _carry_out(self, state: Checkout, events: Iterable[e.Event]) -> Program[Checkout]:
        """Send what our own commits have just written down, until nothing new comes of it."""
        waiting = _to_send(events)
        while waiting:
            attempt_id = waiting.pop(0)
            payment, attempt = _attempt(state, attempt_id)
            command = yield from self._send(state, payment, attempt)
            if command is not None:
                state, news = yield from self._report(state, command)
                waiting += _to_send(news)
        return state

    def _report(
        self, state: Checkout, command: c.RecordResult | c.TakeStanding
    ) -> Program[tuple[Checkout, Sequence[e.Event]]]:
        """Commit what a provider said, on whatever the state is by now."""
        for _ in range(RELOADS):
            at = yield from now()
            after, events = decide(state, [command], self.rules, at)
            if not events:
                return state, ()
            try:
                after = yield from self._commit(state, after, events, at=at, command=command.name)
            except StoreConflict:
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
            exchange = provider.authorise(order)
        else:
            operation: Callable[[Modification], Exchange[Result]] = {
                Operation.CAPTURE: provider.capture,
                Operation.VOID: provider.void,
                Operation.REFUND: provider.refund,
            }[attempt.operation]
            exchange = operation(
                Modification(attempt.id, payment.id, payment.provider_reference, attempt.amount)
            )
        unknown = Result(outcome=Outcome.UNKNOWN)
        try:
            result = yield from _exchanged(provider.name, exchange, at)
        except UsageError:
            # The adapter refused the order before anything was sent.
            result = Result(outcome=Outcome.REFUSED, reason="not_supported")
        except TransportError:
            result = unknown
        except Contradiction as error:
            return c.RecordResult(attempt=attempt.id, result=unknown, said=str(error))
        except ProviderError:
            result = unknown
        return c.RecordResult(attempt=attempt.id, result=result)

    def _look(self, state: Checkout, payment_id: str) -> Program[Checkout]:
        """Ask how one payment stands, take it in, and carry out what follows."""
        payment = state.payment(payment_id)
        provider = self._provider(payment.provider or "")
        standing: Standing | None = None
        said = ""
        if provider.capabilities.can_be_asked:
            ask = Ask(payment.id, payment.provider_reference, payment.amount)
            try:
                at = yield from now()
                standing = yield from _exchanged(provider.name, provider.status(ask), at)
            except Contradiction as error:
                said = str(error)
            except (TransportError, ProviderError):
                standing = None
        command = c.TakeStanding(payment=payment.id, standing=standing, said=said)
        state, events = yield from self._report(state, command)
        return (yield from self._carry_out(state, events))

    def _authorise_order(
        self, state: Checkout, payment: Payment, attempt: Attempt, at: datetime
    ) -> Program[Authorise]:
        method = self.shop.method(payment.method)
        wanted = self._provider(payment.provider or "").capabilities.details
        takes_code = method is not None and method.takes_code
        names = {name for name in wanted if name in state.provided}
        if takes_code:
            names.add("gift_card_code")
        values: dict[str, str] = {}
        if names:
            values = dict((yield from self._opened(state, Purpose.TAKE_PAYMENT, at, names)))
        code = values.pop("gift_card_code", None)
        return Authorise(
            key=attempt.id,
            merchant_reference=payment.id,
            method=(method and method.provider_method) or payment.method,
            amount=attempt.amount,
            return_url=state.return_url,
            locale=state.locale,
            lines=_order_lines(state) if attempt.amount == state.total else (),
            instrument=Secret(code) if code is not None else None,
            details=values,
        )

    def _provider(self, name: str) -> Provider:
        try:
            return self.providers[name]
        except KeyError:
            raise NotSupported(f"there is no provider {name}", field="provider") from None

    # Writing ---------------------------------------------------------------------------------

    def _commit(
        self,
        before: Checkout | None,
        after: Checkout,
        events: Sequence[e.Event],
        *,
        at: datetime,
        command: str,
        idempotency: IdempotencyRow | None = None,
        subject: SubjectKey | None = None,
        vault: Sequence[VaultRow] = (),
    ) -> Program[Checkout]:
        """Write one change, with the timers, attempts and messages that it means."""
        version = before.version + 1 if before is not None else 1
        after = after.but(version=version)
        if after.provided and any(isinstance(event, _ORDERED) for event in events):
            # Now there is a sale to look after: what was typed for it lives as long as it must.
            _, rows = yield from ask_store("person", after.subject)
            vault = keep(rows, at=at)
        change = Change(
            state=after,
            events=tuple(events),
            at=at,
            command=command,
            timers=changed(
                timers(before, self.shop) if before is not None else {}, timers(after, self.shop)
            ),
            attempts=_attempt_rows(before, after),
            idempotency=idempotency,
            subject=subject,
            vault=tuple(vault),
            messages=messages(events, self.shop.messages),
        )
        yield from ask_store("commit", change)
        return after

    def _sealed(
        self, person: SubjectKey | None, subject_id: str, values: Mapping[str, str], at: datetime
    ) -> Program[tuple[SubjectKey | None, Sequence[VaultRow]]]:
        """Seal contact details for the vault."""
        if not values:
            return None, ()
        # One drawing for all that sealing needs: a data key, and a nonce for each thing sealed.
        octets = yield from random(32 + 12 * (len(values) + 1))
        return self._vault.write(person, subject_id, values, at=at, random=_Drawn(octets))

    def _opened(
        self, state: Checkout, purpose: Purpose, at: datetime, names: Iterable[str] | None
    ) -> Program[Mapping[str, str]]:
        """Open a person's fields for a purpose."""
        person: SubjectKey | None
        person, rows = yield from ask_store("person", state.subject)
        if person is None:
            return {}
        return self._vault.read(person, rows, purpose, at, names)

    # Repeats ---------------------------------------------------------------------------------

    def _asked(self, content: Iterable[str], details: Mapping[str, str]) -> str:
        """A digest of what a call asks for; keyed, since it covers what the customer typed."""
        typed = [f"{name}={details[name]}" for name in sorted(details)]
        return digest(self._keys, "idempotency", "\n".join([*content, *typed]))

    def _repeated(self, key: str, owner: str | None, asked: str) -> Program[Checkout | None]:
        """The checkout as it stands now, if this call was made before under the same key.

        Raises:
            IdempotencyConflict: If the key was used for another call, or for another checkout.
        """
        if not key:
            return None
        row: IdempotencyRow | None = yield from ask_store("idempotent", key)
        if row is None:
            return None
        is_same = owner is None or row.checkout == owner
        if not is_same or row.digest != asked:
            raise IdempotencyConflict(
                "this idempotency key was used for another call; take a new one",
                field="idempotency_key",
            )
        return (yield from self.load(row.checkout))


_ORDERED: Final = (e.Confirmed, e.ReviewApproved)


class _Drawn:
    """Hands out bytes that were drawn before."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    def __call__(self, count: int) -> bytes:
        taken, self._octets = self._octets[:count], self._octets[count:]
        return taken


def _content(commands: Iterable[c.Command]) -> list[str]:
    """What a call asks for, without what was drawn for it."""
    return [
        f"{command.name}:{command.model_dump_json(exclude={'payments'})}" for command in commands
    ]


def _to_send(events: Iterable[e.Event]) -> list[str]:
    return [
        event.attempt for event in events if isinstance(event, e.AttemptStarted | e.AttemptResent)
    ]


def _attempt(state: Checkout, attempt_id: str) -> tuple[Payment, Attempt]:
    return next(
        (payment, attempt)
        for payment in state.payments
        for attempt in payment.attempts
        if attempt.id == attempt_id
    )


def _exchanged(provider: str, exchange: Exchange[T], began: datetime) -> Program[T]:
    """Run an adapter's operation: each request it yields is sent, each response handed back.

    Raises:
        UsageError: If the adapter refuses the order; nothing was sent then.
        ProviderError: If it refuses later, or wants more requests than any operation should need.
        TransportError: If no whole answer came, or all of it took too long.
    """
    answer: Any = None
    for sent in range(REQUESTS + 1):
        try:
            request = exchange.send(answer)
        except StopIteration as stop:
            value: T = stop.value
            return value
        except UsageError as error:
            if sent:
                raise ProviderError(f"{provider} refused the order half-way: {error}") from error
            raise
        left_s = OPERATION_S
        if sent:
            left_s -= ((yield from now()) - began).total_seconds()
            if left_s <= 0:
                raise TransportError(f"{provider} took longer than {OPERATION_S:.0f} seconds")
        answer = yield from send(provider, request, min(TIMEOUT_S, left_s))
    raise ProviderError(f"{provider} wanted more than {REQUESTS} requests for one operation")


def _order_lines(state: Checkout) -> tuple[OrderLine, ...]:
    names = {line.id: line.name for line in state.cart.lines}
    return tuple(
        OrderLine(
            id=line.id,
            name=names[line.id],
            quantity=line.quantity,
            amount=line.payable,
            vat_basis=int(line.vat_percent * 100),
        )
        for line in state.priced.lines
    )


def _attempt_rows(before: Checkout | None, after: Checkout) -> tuple[AttemptRow, ...]:
    """The attempts that a change made or changed."""
    known = {
        attempt.id: attempt
        for payment in (before.payments if before is not None else ())
        for attempt in payment.attempts
    }
    return tuple(
        AttemptRow(
            id=attempt.id,
            payment=payment.id,
            provider=payment.provider or "",
            operation=attempt.operation,
            amount=attempt.amount,
            digest=_attempt_digest(after, payment, attempt),
            started_at=attempt.started_at,
            lease_until=attempt.lease_until,
            sends=attempt.sends,
            outcome=attempt.outcome,
        )
        for payment in after.payments
        for attempt in payment.attempts
        if known.get(attempt.id) != attempt
    )


def _attempt_digest(state: Checkout, payment: Payment, attempt: Attempt) -> str:
    """A digest of what was asked; nothing personal goes into it."""
    facts = [state.id, payment.id, payment.method, attempt.operation, str(attempt.amount)]
    if attempt.operation is Operation.AUTHORISE:
        facts.append(state.priced.model_dump_json())
    return sha256("\n".join(facts).encode()).hexdigest()
