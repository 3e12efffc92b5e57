"""What every stand-in does: takes requests, plans faults, remembers keys, posts notices.

One pure handler from ``httpx.Request`` to ``httpx.Response``, usable in process through
``httpx.MockTransport(stand_in.handle)`` and on loopback through
`checkoutflow.testing.serve.serve`. Its clock is handed in, its names come from counters, and every
fault happens because a test planned it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from threading import RLock
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias
from urllib.parse import unquote

import httpx

from checkoutflow.providers.contract import MAX_BODY_BYTES, Webhook
from checkoutflow.testing.standins.book import (
    BankLedger,
    BankOperation,
    BankPayment,
    Book,
    Entry,
    Fate,
    Kind,
    Refusal,
)
from checkoutflow.testing.standins.faults import (
    FATES,
    LOOKUPS,
    Fault,
    Names,
    Planned,
    lose,
    spoil,
)
from checkoutflow.testing.standins.mandates import BankMandate, MandateState
from checkoutflow.testing.standins.page import customer_page, decision_in

if TYPE_CHECKING:
    from datetime import datetime

    from checkoutflow.money import Money
    from checkoutflow.providers.base import ConfiguredProvider

Deliver: TypeAlias = Callable[["Webhook"], object]
Work: TypeAlias = Callable[[httpx.Request, str, Fate], httpx.Response]

STATUS: Final = "status"
PAGES: Final = "pay"  # the first part of the address of a page where a customer decides


@dataclass(frozen=True, slots=True)
class _Remembered:
    sent: tuple[str, bytes]
    answer: httpx.Response
    at: datetime

    def again(self) -> httpx.Response:
        """The first answer, as a new object: clients change what they receive."""
        kept = ("content-type", "location")
        headers = {name: self.answer.headers[name] for name in kept if name in self.answer.headers}
        return httpx.Response(self.answer.status_code, headers=headers, content=self.answer.content)


@dataclass(frozen=True, slots=True)
class Posted:
    """A notice that was posted.

    Attributes:
        number: Its place among all notices, from 1.
        payment: Our reference of the payment, or the mandate, that it is about.
        kind: What happened: ``payment.authorised``, ``capture.failed`` and so on.
    """

    number: int
    payment: str
    body: bytes
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a provider thinks of the risk of a payment, in its own words; see `StandIn.think`."""

    word: str | None = None
    country: str = ""
    card: str = ""


class StandIn(ABC):
    """A payment provider in memory. Its own part is how it speaks.

    Attributes:
        _title: What the page where a person decides is headed with.
        _names: What its JSON calls the fields that faults change.
        _decided: Status codes of answers that a key remembers: the operation was decided.

    Args:
        clock: The provider's time, as an aware ``datetime``.
        remembers_keys: Whether a repeat under the same key gets the first answer. A provider that
            does not remember does everything again, also an authorisation.
        can_be_asked: Whether a payment can be looked up.
        authorisation_s: How long money stays reserved.
        decision_s: How long a customer has to decide.
        key_s: How long a key is remembered.
    """

    _title: ClassVar[str]
    _names: ClassVar[Names]
    _decided: ClassVar[frozenset[int]] = frozenset({200, 201, 202, 204, 422})

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        remembers_keys: bool = True,
        can_be_asked: bool = True,
        authorisation_s: int = 7 * 86_400,
        decision_s: int = 600,
        key_s: int = 86_400,
    ) -> None:
        """Open it with an empty book."""
        self._clock = clock
        self._remembers_keys = remembers_keys
        self._can_be_asked = can_be_asked
        self._key_life = timedelta(seconds=key_s)
        self._lock = RLock()
        self._plans: defaultdict[str, deque[Planned]] = defaultdict(deque)
        self._opinion = Opinion()
        self._keys: dict[str, _Remembered] = {}
        self._pages: dict[str, BankPayment | BankMandate] = {}
        self._mandates: dict[str, BankMandate] = {}
        self._views: dict[str, tuple[object, object]] = {}  # before the last change, and after it
        self._changed_at: dict[str, datetime] = {}
        self._posted: list[Posted] = []
        self._waiting: list[Posted] = []
        self._ledger = BankLedger(
            clock(),
            authorisation_s=authorisation_s,
            decision_s=decision_s,
            changed=self._changed,
        )

    # --- what is the provider's own ------------------------------------------------------------

    @abstractmethod
    def provider(self, base_url: str = ...) -> ConfiguredProvider:
        """An adapter for it, with its address, its credentials and what it really can."""

    @abstractmethod
    def _route(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        """Answer a request; ``parts`` are those of its path, unquoted.

        Raises:
            Refusal: If it is not taken.
        """

    @abstractmethod
    def _refused(self, refusal: Refusal) -> httpx.Response:
        """A refusal as the provider writes it."""

    @abstractmethod
    def _view(self, payment: BankPayment) -> object:
        """A payment as the provider tells it, as plain data for JSON."""

    @abstractmethod
    def _notice(self, payment: BankPayment, kind: str, amount: Money, key: str | None) -> bytes:
        """The body of a notice.

        Args:
            payment: Which payment it is about.
            kind: What happened: ``payment.authorised``, ``capture.failed`` and so on.
            amount: Of what happened.
            key: The operation's idempotency key; None where the portal or time did it.
        """

    @abstractmethod
    def _signed(self, posted: Posted) -> tuple[dict[str, str], bytes]:
        """Headers and body of a notice, signed now."""

    def _query(self, _posted: Posted) -> str:
        """What follows the question mark in the address that a notice goes to."""
        return ""

    # --- for tests: the truth ------------------------------------------------------------------

    @property
    def references(self) -> tuple[str, ...]:
        """Merchant references of every payment that reached it, oldest first."""
        with self._open() as ledger:
            return tuple(ledger.payments)

    def book(self, merchant_reference: str) -> Book:
        """What really happened to a payment; all zeros if it never arrived."""
        return Book.of(self.entries(merchant_reference))

    def taken(self, merchant_reference: str) -> int:
        """What the customer is really without, in minor units."""
        return self.book(merchant_reference).taken

    def entries(self, merchant_reference: str | None = None) -> tuple[Entry, ...]:
        """The book, oldest entry first: of one payment, or all of it."""
        with self._open() as ledger:
            if merchant_reference is None:
                return tuple(ledger.entries)
            payment = ledger.payments.get(merchant_reference)
            if payment is None:
                return ()
            older = ledger.older.get(merchant_reference, ())
            return tuple(entry for each in (*older, payment) for entry in each.entries)

    def entries_after(self, number: int) -> tuple[Entry, ...]:
        """The entries of the book after so many."""
        with self._open() as ledger:
            return tuple(ledger.entries[number:])

    def changed_at(self, merchant_reference: str) -> datetime | None:
        """When a payment changed last; None for one that never arrived."""
        with self._open():
            return self._changed_at.get(merchant_reference)

    @property
    def next_due(self) -> datetime | None:
        """When something happens next by itself: an expiry, or the end of what takes its time."""
        with self._open() as ledger:
            return ledger.next_due

    # --- for tests: what people, cards and accidents do ----------------------------------------

    def plan(
        self,
        operation: str,
        *faults: Fault,
        reason: str = "insufficient_funds",
        after_s: int = 30,
    ) -> None:
        """Let the next requests for an operation go wrong, one fault each, in this order.

        For methods that ask the customer, a decline or delay takes effect after they approved. A
        repeat that is answered from memory uses up no such fault.

        Args:
            operation: ``authorise``, ``capture``, ``void``, ``refund``, or ``status`` for look-ups.
            faults: What goes wrong.
            reason: Why, for `Fault.DECLINE` and `Fault.FAIL_LATER`.
            after_s: Seconds until `Fault.SLOW` and `Fault.FAIL_LATER` end.

        Raises:
            ValueError: If the operation is unknown or a fault cannot happen to it.
        """
        name = STATUS if operation == STATUS else str(Kind(operation))
        for fault in faults:
            if fault in (FATES if name == STATUS else LOOKUPS):
                raise ValueError(f"{fault} cannot happen to {name}")
        with self._lock:
            self._plans[name].extend(Planned(fault, reason, after_s) for fault in faults)

    def think(self, word: str | None = None, *, country: str = "", card: str = "") -> None:
        """Say from now on what it thinks of the risk of each payment, where it tells such things.

        Args:
            word: In its own language; None for no opinion.
            country: The card's, as it writes it.
            card: Its name for the card.
        """
        with self._lock:
            self._opinion = Opinion(word, country, card)

    def decline_next(self, reason: str = "insufficient_funds") -> None:
        """Let the next authorisation be declined."""
        self.plan("authorise", Fault.DECLINE, reason=reason)

    def heal(self) -> int:
        """Forget every planned fault; gives how many there were."""
        with self._lock:
            left = sum(map(len, self._plans.values()))
            self._plans.clear()
        return left

    def keep_for(self, authorisation_s: int) -> None:
        """Let what is reserved from now on stay reserved for so many seconds."""
        with self._lock:
            self._ledger.authorisation = timedelta(seconds=authorisation_s)

    def approve(self, merchant_reference: str) -> None:
        """The customer says yes; a decision that was made or is too late stays as it is."""
        with self._open() as ledger:
            ledger.decide(self._payment(merchant_reference), approve=True)

    def decline(self, merchant_reference: str) -> None:
        """The customer says no; a decision that was made or is too late stays as it is."""
        with self._open() as ledger:
            ledger.decide(self._payment(merchant_reference), approve=False)

    def approve_mandate(self, reference: str) -> None:
        """The customer gives a mandate; a decision that was made stays as it is."""
        with self._open():
            self._agree(self._mandate(reference), approve=True)

    def decline_mandate(self, reference: str) -> None:
        """The customer gives no mandate; a decision that was made stays as it is."""
        with self._open():
            self._agree(self._mandate(reference), approve=False)

    def end_mandate(self, reference: str) -> None:
        """The customer ends a mandate at the provider."""
        with self._open():
            self._mandate(reference).state = MandateState.ENDED

    def portal_capture(self, merchant_reference: str, amount: Money) -> None:
        """Someone at the shop captures in the provider's own portal, behind our back.

        Raises:
            Refusal: If the provider does not allow it.
        """
        with self._open() as ledger:
            ledger.capture(self._payment(merchant_reference), amount, None, Fate())

    def portal_void(self, merchant_reference: str) -> None:
        """Someone at the shop voids in the provider's own portal.

        Raises:
            Refusal: If the provider does not allow it.
        """
        with self._open() as ledger:
            ledger.void(self._payment(merchant_reference), None, Fate())

    def portal_refund(self, merchant_reference: str, amount: Money) -> None:
        """Someone at the shop refunds in the provider's own portal.

        Raises:
            Refusal: If the provider does not allow it.
        """
        with self._open() as ledger:
            ledger.refund(self._payment(merchant_reference), amount, None, Fate())

    def take_back(self, merchant_reference: str, key: str) -> None:
        """A capture or refund that was done fails after all, and a notice says so.

        Args:
            merchant_reference: The payment.
            key: Idempotency key of the capture or refund.

        Raises:
            ValueError: If no such operation is done, or what it captured is already given back.
        """
        with self._open() as ledger:
            ledger.take_back(self._payment(merchant_reference), key)

    # --- notices -------------------------------------------------------------------------------

    @property
    def outbox(self) -> list[Webhook]:
        """Every notice ever, oldest first, signed at the time of asking."""
        with self._open():
            return [self._sealed(posted) for posted in self._posted]

    def posted_after(self, number: int) -> tuple[Posted, ...]:
        """The notices that were posted after so many, those among them that are due by now."""
        with self._open():
            return tuple(self._posted[number:])

    def notice(self, number: int) -> Webhook:
        """One notice by its number, from 1, signed at the time of asking."""
        return self._sealed(self._posted[number - 1])

    def deliver(self, to: Deliver, *, times: int = 1, reverse: bool = False) -> int:
        """Hand over the notices that wait. One whose receiver raises goes on waiting.

        Args:
            to: The receiver.
            times: How often the whole batch is handed over.
            reverse: Newest first.

        Returns:
            How many different notices were handed over.
        """
        with self._open():
            batch = list(self._waiting)
        if reverse:
            batch.reverse()
        for _ in range(times):
            for posted in batch:
                to(self._sealed(posted))  # without the lock: the receiver may ask the provider
                with self._lock:
                    self._waiting = [other for other in self._waiting if other != posted]
        return len(batch)

    def _sealed(self, posted: Posted) -> Webhook:
        headers, body = self._signed(posted)
        return Webhook(headers, body, self._clock().timestamp(), self._query(posted))

    def _changed(self, payment: BankPayment, notice: str, amount: Money, key: str | None) -> None:
        """Keep the view before and after a change, and post a notice where one is due."""
        _, before = self._views.get(payment.merchant_reference, (None, None))
        self._views[payment.merchant_reference] = before, self._view(payment)
        self._changed_at[payment.merchant_reference] = self._now
        if notice:
            reference = payment.merchant_reference
            self._post(reference, self._notice(payment, notice, amount, key), notice)

    def _post(self, reference: str, body: bytes, kind: str = "") -> None:
        """Post a notice about a payment or a mandate."""
        posted = Posted(len(self._posted) + 1, reference, body, kind)
        self._posted.append(posted)
        self._waiting.append(posted)

    # --- HTTP ----------------------------------------------------------------------------------

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer one request.

        Raises:
            httpx.ConnectError: For `Fault.UNREACHABLE`; nothing was sent.
            httpx.WriteError: For `Fault.LOSE_REQUEST`; nothing was done.
            httpx.ReadTimeout: For `Fault.LOSE_ANSWER`; it was done.
        """
        raw_path = request.url.raw_path.partition(b"?")[0].decode("ascii")
        parts = [unquote(part) for part in raw_path.split("/")[1:]]
        with self._open():
            if len(request.read()) > MAX_BODY_BYTES:
                return self._refused(Refusal(413, "too_large"))
            try:
                match request.method, parts:
                    case "GET" | "POST", [first, page] if first == PAGES and page in self._pages:
                        return self._decide(request, self._pages[page])
                    case _:
                        return self._route(request, parts)
            except Refusal as refusal:
                return self._refused(refusal)

    @contextmanager
    def _open(self) -> Iterator[BankLedger]:
        """One at a time, and with everything done that was due by now."""
        with self._lock:
            self._ledger.catch_up(self._clock())
            yield self._ledger

    def _perform(self, request: httpx.Request, kind: Kind, key: str, work: Work) -> httpx.Response:
        """Do an operation once per key, with the fault that is planned for it.

        Raises:
            Refusal: If it is not taken: a fault, or a key that was used for something else.
        """
        known = self._keys.get(key) if self._remembers_keys else None
        if known is not None and self._ledger.now - known.at >= self._key_life:
            known = None
        planned = self._next_fault(kind, is_repeat=known is not None)
        lose(request, planned.fault)
        sent = (str(request.url), request.content)
        if known is None:
            try:
                answer = work(request, key, planned.fate)
            except Refusal as refusal:
                answer = self._refused(refusal)
            if answer.status_code in self._decided:
                self._keys[key] = _Remembered(sent, answer, self._ledger.now)
        elif known.sent != sent:
            raise Refusal(409, "key_conflict")
        else:
            answer = known.again()
        return spoil(request, planned.fault, answer, self._names)

    def _look_up(self, request: httpx.Request, reference: str) -> httpx.Response:
        """How a payment stands, with the fault that is planned for look-ups.

        Raises:
            Refusal: If there is no such payment, or a fault says so.
        """
        before, now = self._views.get(reference, (None, None))
        return self._shows(request, now, before)

    def _shows(self, request: httpx.Request, now: object, before: object) -> httpx.Response:
        """Answer a look-up, with the fault that is planned for look-ups.

        Args:
            request: What asks.
            now: How it shows; None if there is no such thing.
            before: How it showed before the last change.

        Raises:
            Refusal: If a fault says so.
        """
        fault = self._next_fault(STATUS).fault
        lose(request, fault)
        seen = {Fault.STALE: before, Fault.NOT_FOUND: None}.get(fault, now)
        if seen is None:
            answer = self._refused(Refusal(404, "payment_not_found"))
        else:
            answer = httpx.Response(200, json=seen)
        return spoil(request, fault, answer, self._names)

    def _next_fault(self, operation: str, *, is_repeat: bool = False) -> Planned:
        plan = self._plans[operation]
        if not plan or (is_repeat and plan[0].fault in FATES):
            return Planned(Fault.NONE)
        return plan.popleft()

    def _create_payment(
        self, request: httpx.Request, key: str, fate: Fate, wanted: BankPayment
    ) -> tuple[BankPayment, BankOperation]:
        """Take a payment in, or do it again where the provider does not remember.

        Args:
            request: What asks for it; its address is that of the customer's page.
            key: The idempotency key.
            fate: How it is going to end.
            wanted: The payment as it was asked for. If the customer has to decide, it is given a
                page.

        Raises:
            Refusal: If the reference belongs to another payment.
        """
        payment = self._ledger.payments.get(wanted.merchant_reference)
        if payment is None:
            if wanted.is_waiting:
                page = f"page-{len(self._ledger.payments) + 1:06}"
                wanted.page = str(request.url.join(f"/{PAGES}/{page}"))
                self._pages[page] = wanted
            return wanted, self._ledger.create(wanted, key, fate)
        is_same = (payment.amount, payment.method) == (wanted.amount, wanted.method)
        if self._remembers_keys or not is_same:
            raise Refusal(409, "reference_taken")
        return payment, self._ledger.authorise(payment, key, fate)

    def _modify_payment(
        self, kind: Kind, reference: str, amount: Money | None, key: str | None, fate: Fate
    ) -> tuple[BankPayment, BankOperation]:
        """Capture, refund or void. A void has no amount.

        Raises:
            Refusal: If there is no such payment, or its money does not allow it.
        """
        payment = self._payment(reference)
        match kind, amount:
            case Kind.CAPTURE, amount if amount is not None:
                return payment, self._ledger.capture(payment, amount, key, fate)
            case Kind.REFUND, amount if amount is not None:
                return payment, self._ledger.refund(payment, amount, key, fate)
            case _:
                return payment, self._ledger.void(payment, key, fate)

    def _payment(self, reference: str) -> BankPayment:
        """A payment by our reference.

        Raises:
            Refusal: If there is none.
        """
        payment = self._ledger.payments.get(reference)
        if payment is None:
            raise Refusal(404, "payment_not_found")
        return payment

    def _open_mandate(self, request: httpx.Request, wanted: BankMandate) -> BankMandate:
        """Take a mandate in, with a page where the customer decides; a repeat gets the first one.

        Args:
            request: What asks for it; its address is that of the page.
            wanted: The mandate as it was asked for.
        """
        known = self._mandates.get(wanted.reference)
        if known is not None and self._remembers_keys:
            return known
        page = f"mandate-{len(self._mandates) + 1:06}"
        wanted.page = str(request.url.join(f"/{PAGES}/{page}"))
        self._mandates[wanted.reference] = self._pages[page] = wanted
        return wanted

    def _mandate(self, reference: str) -> BankMandate:
        """A mandate by our reference.

        Raises:
            Refusal: If there is none.
        """
        mandate = self._mandates.get(reference)
        if mandate is None:
            raise Refusal(404, "mandate_not_found")
        return mandate

    def _agree(self, mandate: BankMandate, *, approve: bool) -> None:
        if mandate.is_waiting:
            mandate.state = MandateState.ACTIVE if approve else MandateState.DECLINED
            self._agreed(mandate)

    def _agreed(self, mandate: BankMandate) -> None:  # noqa: B027 -- few need it
        """The customer has decided about a mandate: take a first payment, tell the shop."""

    @property
    def _count(self) -> int:
        """How many payments there are: the next one's number is one more."""
        return len(self._ledger.payments)

    @property
    def _now(self) -> datetime:
        """The provider's time."""
        return self._ledger.now

    def _decide(self, request: httpx.Request, asked: BankPayment | BankMandate) -> httpx.Response:
        if request.method == "GET":
            return customer_page(self._title, asked)
        approve = decision_in(request)
        if isinstance(asked, BankMandate):
            self._agree(asked, approve=approve)
        else:
            self._ledger.decide(asked, approve=approve)
        return httpx.Response(303, headers={"location": asked.return_url})
