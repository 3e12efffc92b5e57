"""The programs: what happens in which order, written once and driven by any driver.

Two rules hold in all of them. What we are about to ask of a provider is committed before it is
sent, and no store transaction is open while something is sent. A crash between any two effects
therefore leaves a state from which `wake` or `reconcile` goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from checkoutflow.checkout import commands as c
from checkoutflow.checkout.decide import begin
from checkoutflow.checkout.timers import KINDS, timers
from checkoutflow.checkout.view import View, view_of
from checkoutflow.errors import (
    CheckoutError,
    NotFound,
    StoreConflict,
    UntrustedNotice,
)
from checkoutflow.flow.acting import content_of
from checkoutflow.flow.covering import Covering
from checkoutflow.flow.effects import Program, ask_store, now, random
from checkoutflow.flow.freshening import Freshening
from checkoutflow.flow.health import is_down
from checkoutflow.flow.hinting import Hinting
from checkoutflow.flow.ids import CHECKOUT_BYTES, PAYMENT_BYTES, checkout_id, payment_id
from checkoutflow.flow.keeping import NOTHING
from checkoutflow.flow.linking import Linking
from checkoutflow.flow.logs import log_refused
from checkoutflow.flow.noticing import NOWHERE, Network
from checkoutflow.flow.reviewing import Reviewing
from checkoutflow.flow.sending import RELOADS
from checkoutflow.payment.references.scheme import without_blanks
from checkoutflow.providers.contract import MAX_BODY_BYTES, Webhook
from checkoutflow.stores.contract import (
    Due,
    IdempotencyRow,
    JournalEntry,
    Message,
    NoticeRow,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from checkoutflow.cart import Cart
    from checkoutflow.checkout.invoice import Invoice
    from checkoutflow.checkout.state import Checkout
    from checkoutflow.law.choice import Customer
    from checkoutflow.money import Money
    from checkoutflow.providers.contract import Notice


# Characters of all headers and the query of a webhook together.
_LONGEST_HEAD: Final = 64 << 10
# For so long a timer of a newer version is left for a machine that knows what it is.
_LEFT_FOR: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Report:
    """What one round of due work came to.

    Attributes:
        done: Checkouts that had their turn.
        failed: Checkouts whose turn failed, with the error; they are due again in a minute.
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


def _webhook(headers: Mapping[str, str], body: bytes, query: str, at: datetime) -> Webhook:
    length = sum(len(name) + len(value) for name, value in headers.items()) + len(query)
    if len(body) > MAX_BODY_BYTES or length > _LONGEST_HEAD:
        raise UntrustedNotice("larger than any notice")
    return Webhook(headers=headers, body=body, query=query, now_s=at.timestamp())


class Programs(Hinting, Covering, Freshening, Linking, Reviewing):
    """Every call of the flow, as a program."""

    def start(
        self,
        cart: Cart,
        market: str,
        locale: str,
        customer: Customer,
        adult: bool | None,  # noqa: FBT001 -- as the command has it
        details: Mapping[str, str],
        commands: Sequence[c.Command],
        login: str,
        key: str,
    ) -> Program[Checkout]:
        """Begin a checkout, with whatever is known already."""
        asked = ""
        if key:
            start = [cart.model_dump_json(), market, locale, customer, str(adult), login]
            asked = self._asked([*start, *content_of(commands)], details)
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
                    "adult": adult,
                }
            )
            values: dict[str, str] = dict(self._typed(details, market))
            shown: list[c.Command] = []
            taken = NOTHING
            if login:
                known = yield from self.login(login, at)
                filled = self.filling(known, market, values)
                values = {**filled, **values, "login": login}
                shown = [self.verified(known, "login")]
                taken = self.taken_over(known, filled, at) if known else NOTHING
            given = self._given(values, command, at, values.keys() - details.keys())
            state, events = begin(command, self.rules, at, [*given, *commands, *shown])
            mine = {name: it for name, it in values.items() if name in state.provided}
            try:
                about = yield from self._sealed(command.subject, mine, at, is_new=True)
                return (
                    yield from self._commit(
                        None,
                        (state, events),
                        at=at,
                        command="start",
                        idempotency=IdempotencyRow(key, asked, state.id) if key else None,
                        about=about + taken,
                    )
                )
            except StoreConflict:
                continue
        raise StoreConflict("someone else kept using this idempotency key; call again")

    def place(
        self,
        checkout_id: str,
        accepted_total: Money,
        return_url: str,
        key: str,
        *,
        accepts_credit: bool,
        could_say_no: bool = False,
        network: Network = NOWHERE,
    ) -> Program[Checkout]:
        """The customer buys. Payment ids are drawn first: enough for every credit and one more."""
        count = 1 + sum(way.covers_part for way in self.rules.ways.values())
        down = yield from self._down()
        octets = yield from random(count * PAYMENT_BYTES)
        command = c.Place.read(
            {
                "accepted_total": accepted_total,
                "payments": [
                    payment_id(octets[start : start + PAYMENT_BYTES])
                    for start in range(0, len(octets), PAYMENT_BYTES)
                ],
                "accepts_credit": accepts_credit,
                "return_url": return_url,
                "down": down,
                "could_say_no": could_say_no,
            }
        )
        return (yield from self.act(checkout_id, [command], {}, key, network=network))

    def _down(self) -> Program[frozenset[str]]:
        """Of the providers that share a method with others, those that do not answer at present."""
        routed = {
            route.provider
            for way in self.rules.ways.values()
            for route in way.routes
            if len(way.routes) > 1
        }
        down: set[str] = set()
        if routed:
            at = yield from now()
            for name in sorted(routed):
                if is_down((yield from ask_store("health", name)), at):
                    down.add(name)
        return frozenset(down)

    def view(self, checkout_id: str, locale: str, *, explain: bool) -> Program[View]:
        """What a front end needs next."""
        state = yield from self.load(checkout_id)
        at = yield from now()
        return view_of(state, self.rules, locale or state.locale, at, explain=explain)

    def journal(self, checkout_id: str) -> Program[Sequence[JournalEntry]]:
        """Everything that happened to a checkout, in order."""
        yield from self.load(checkout_id)
        entries: Sequence[JournalEntry] = yield from ask_store("journal", checkout_id)
        return entries

    def receive(
        self, provider: str, headers: Mapping[str, str], body: bytes, query: str, *, look: bool
    ) -> Program[Sequence[Checkout]]:
        """Take in a webhook: verified, kept, and only then acted on.

        Raises:
            NotSupported: If there is no provider with this name.
            UntrustedNotice: If it is not proven genuine; nothing is kept then.
        """
        adapter = self._provider(provider)
        at = yield from now()
        try:
            notices = adapter.read_notices(_webhook(headers, body, query, at))
        except UntrustedNotice as error:
            log_refused(provider, error)
            raise
        about: dict[str, Checkout] = {}
        for notice in notices:
            owner: str | None = yield from ask_store(
                "find_payment", provider, notice.merchant_reference
            )
            if owner is not None:
                row = NoticeRow(provider, notice.id, owner, notice.kind[:100], at)
                about[owner] = yield from self._take_in(notice, row, look=look)
        return tuple(about.values())

    def _take_in(self, notice: Notice, row: NoticeRow, *, look: bool) -> Program[Checkout]:
        """One event: what it proves, or else a reason to ask."""
        if notice.heard is not None:
            state = yield from self.load(row.checkout)
            command = c.Hear(payment=notice.merchant_reference, heard=notice.heard)
            state, events = yield from self._report(state, command, row)
            return (yield from self._carry_out(state, events)) if look else state
        is_new: bool = yield from ask_store("take_notice", row)
        if is_new and look:
            return (yield from self.wake(Due(row.checkout, {"notice": row.received_at})))
        return (yield from self.load(row.checkout))

    def find_invoice(self, reference: str, market: str) -> Program[tuple[Checkout, Invoice]]:
        """The invoice that a customer quoted, and its checkout.

        Raises:
            InvalidReference: If it was copied wrong.
            NotFound: If there is none.
        """
        at = yield from now()
        scheme = self.rules.scheme(market, self.rules.law.day(market, at))
        bare = scheme.validate(reference) if scheme else without_blanks(reference)
        quoted = (scheme.market if scheme else "", bare)
        owner: str | None = yield from ask_store("find_invoice", *quoted)
        if owner is None:
            raise NotFound("no invoice has this reference", field="reference")
        state = yield from self.load(owner)
        found = (item for item in state.invoices if (item.scheme, item.reference) == quoted)
        return state, next(found)

    def reconcile(self, checkout_id: str) -> Program[Checkout]:
        """Ask the providers how all the checkout's payments stand, and take in what they say."""
        state = yield from self.load(checkout_id)
        for payment in state.payments:
            if payment.provider is not None:
                state = yield from self._look(state, payment.id)
        return (yield from self.take_profiles(state))

    def due(self, limit: int) -> Program[Sequence[Due]]:
        """Checkouts for which something is due now."""
        at = yield from now()
        found: Sequence[Due] = yield from ask_store("due", at, limit)
        return found

    def lease_due(self, limit: int, for_s: float) -> Program[Sequence[Due]]:
        """Checkouts for which something is due now, for this worker alone."""
        at = yield from now()
        until = at + timedelta(seconds=for_s)
        found: Sequence[Due] = yield from ask_store("lease_due", at, limit, until)
        return found

    def next_due(self) -> Program[datetime | None]:
        """When something is due next."""
        first: datetime | None = yield from ask_store("next_due")
        return first

    def put_off(self, due: Due, for_s: float) -> Program[None]:
        """Let a checkout whose turn failed wait behind the others."""
        at = yield from now()
        until = at + timedelta(seconds=for_s)
        yield from ask_store("put_off", due.checkout, up_to=due.until or at, until=until)

    def wake_any(self, due: Due | str) -> Program[Checkout]:
        """Do what is due for one checkout; of an id alone, whatever is due now."""
        if isinstance(due, Due):
            return (yield from self.wake(due))
        checkout_id = due
        set_to: Mapping[str, datetime] = yield from ask_store("timers", checkout_id)
        at = yield from now()
        mine = {kind: due_at for kind, due_at in set_to.items() if due_at <= at}
        if not mine:
            return (yield from self.load(checkout_id))
        return (yield from self.wake(Due(checkout_id, mine)))

    def wake(self, due: Due) -> Program[Checkout]:
        """Do what is due for one checkout. Safe to repeat, and to do on two machines at once."""
        at = yield from now()
        state = yield from self.act(due.checkout, [c.PassTime()], {}, "")
        is_told = "notice" in due.kinds
        for payment in state.payments:
            is_due = payment.look_at is not None and payment.look_at <= at
            if payment.provider is not None and (is_due or is_told):
                state = yield from self._look(state, payment.id, is_told=is_told)
        state = yield from self.take_profiles(state)
        if "erase" in due.kinds:
            yield from self.erase_when_over(state, due.until or due.timers["erase"])
        # What was due and is not what the state asks for: a notice, or a timer of older settings,
        # which may be asked for later now. What is asked for already stays, wherever a lease or a
        # failure has moved it, and however far a clock was set back.
        left = timers(state, self.shop)
        for kind, set_to in sorted(due.timers.items()):
            # What a newer version beside this one wants is left for it to do.
            to = left.get(kind) if kind in KINDS else at + _LEFT_FOR
            if to is None or to > max(at, set_to):
                yield from ask_store(
                    "reset_timer",
                    due.checkout,
                    kind,
                    at=due.until or set_to,
                    version=state.version,
                    to=to,
                )
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
