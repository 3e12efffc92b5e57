"""A simulated bank: a payment provider to sell with, and the truth in tests.

One pure handler from ``httpx.Request`` to ``httpx.Response``, usable in process through
``httpx.MockTransport(bank.handle)`` and on loopback through `checkoutflow.testing.serve.serve`. It
has a bearer key, idempotency keys, problem JSON, signed notices and a page where the customer
decides, as real providers do; its clock is handed in, its names come from counters, and every fault
happens because a test planned it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from threading import RLock
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import parse_qs, unquote

import httpx

from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.http import MAX_BODY_BYTES
from checkoutflow.providers.simulated_bank import (
    CAPABILITIES,
    SimulatedBankConfig,
    SimulatedBankProvider,
)
from checkoutflow.testing.bank.book import (
    BankLedger,
    BankPayment,
    Book,
    Entry,
    Fate,
    Kind,
    Refusal,
    Status,
)
from checkoutflow.testing.bank.faults import FATES, LOOKUPS, Fault, Planned, lose, spoil
from checkoutflow.testing.bank.wire import (
    METHODS,
    Create,
    Modify,
    Void,
    amount_view,
    customer_page,
    operation_view,
    problem,
    read,
    view,
)

if TYPE_CHECKING:
    from datetime import datetime

    from checkoutflow.money import Money
    from checkoutflow.payment.capabilities import Capabilities

Deliver: TypeAlias = Callable[[Mapping[str, str], bytes], object]

STATUS: Final = "status"


@dataclass(frozen=True, slots=True)
class _Remembered:
    sent: tuple[str, bytes]
    answer: httpx.Response
    at: datetime

    def again(self) -> httpx.Response:
        """The first answer, as a new object: clients change what they receive."""
        return httpx.Response(
            self.answer.status_code,
            headers={"content-type": self.answer.headers["content-type"]},
            content=self.answer.content,
        )


@dataclass(frozen=True, slots=True)
class _Event:
    number: int
    body: bytes


class SimulatedBank:
    """A payment provider in memory.

    Args:
        clock: Bank time, as an aware ``datetime``.
        api_key: What the merchant's requests must carry.
        notice_secret: What notices are signed with.
        remembers_keys: Whether a repeat under the same key gets the first answer. A bank that does
            not remember does everything again, also an authorisation.
        can_be_asked: Whether a payment can be looked up.
        authorisation_s: How long money stays reserved. Default 7 days.
        decision_s: How long a customer has to decide. Default 10 minutes.
        key_s: How long a key is remembered. Default 24 hours.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        api_key: str = "simulated-bank-api-key",
        notice_secret: str = "simulated-bank-notice-secret",  # noqa: S107 - opens nothing real
        remembers_keys: bool = True,
        can_be_asked: bool = True,
        authorisation_s: int = 7 * 86_400,
        decision_s: int = 600,
        key_s: int = 86_400,
    ) -> None:
        """Open the bank with an empty book."""
        self._clock = clock
        self._api_key = api_key
        self._notice_secret = notice_secret
        self._remembers_keys = remembers_keys
        self._can_be_asked = can_be_asked
        self._key_life = timedelta(seconds=key_s)
        self._lock = RLock()
        self._plans: defaultdict[str, deque[Planned]] = defaultdict(deque)
        self._keys: dict[str, _Remembered] = {}
        self._pages: dict[str, BankPayment] = {}
        self._views: dict[str, tuple[object, object]] = {}  # before the last change, and after it
        self._events: list[_Event] = []
        self._waiting: list[_Event] = []
        self._ledger = BankLedger(
            clock(),
            authorisation_s=authorisation_s,
            decision_s=decision_s,
            changed=self._changed,
        )

    # --- for tests: adapters and truth --------------------------------------------------------

    def provider(self, base_url: str = "https://bank.example") -> SimulatedBankProvider:
        """An adapter for this bank, with its address, its credentials and what it really can."""
        config = SimulatedBankConfig(
            base_url=base_url,
            api_key=Secret(self._api_key),
            notice_secret=Secret(self._notice_secret),
        )
        return SimulatedBankProvider(config, self.capabilities)

    @property
    def capabilities(self) -> Capabilities:
        """What this bank can do, as it was opened."""
        repeat_s = int(self._key_life.total_seconds()) if self._remembers_keys else 0
        claims = {"can_be_asked": self._can_be_asked, "repeat_s": repeat_s}
        return CAPABILITIES.model_copy(update=claims)

    @property
    def references(self) -> tuple[str, ...]:
        """Merchant references of every payment that reached the bank, oldest first."""
        with self._open() as ledger:
            return tuple(ledger.payments)

    def book(self, merchant_reference: str) -> Book:
        """What really happened to a payment; all zeros if it never reached the bank."""
        return Book.of(self.entries(merchant_reference))

    def taken(self, merchant_reference: str) -> int:
        """What the customer is really without, in minor units."""
        return self.book(merchant_reference).taken

    def entries(self, merchant_reference: str | None = None) -> tuple[Entry, ...]:
        """The bank's book, oldest entry first: of one payment, or all of it."""
        with self._open() as ledger:
            if merchant_reference is None:
                return tuple(ledger.entries)
            payment = ledger.payments.get(merchant_reference)
            return tuple(payment.entries) if payment else ()

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
            after_s: Bank seconds until `Fault.SLOW` and `Fault.FAIL_LATER` end.

        Raises:
            ValueError: If the operation is unknown or a fault cannot happen to it.
        """
        name = STATUS if operation == STATUS else str(Kind(operation))
        for fault in faults:
            if fault in (FATES if name == STATUS else LOOKUPS):
                raise ValueError(f"{fault} cannot happen to {name}")
        with self._lock:
            self._plans[name].extend(Planned(fault, reason, after_s) for fault in faults)

    def decline_next(self, reason: str = "insufficient_funds") -> None:
        """Let the next authorisation be declined."""
        self.plan("authorise", Fault.DECLINE, reason=reason)

    def heal(self) -> None:
        """Forget every planned fault."""
        with self._lock:
            self._plans.clear()

    def approve(self, merchant_reference: str) -> None:
        """The customer says yes; a decision that was made or is too late stays as it is."""
        with self._open() as ledger:
            ledger.decide(self._payment(merchant_reference), approve=True)

    def decline(self, merchant_reference: str) -> None:
        """The customer says no; a decision that was made or is too late stays as it is."""
        with self._open() as ledger:
            ledger.decide(self._payment(merchant_reference), approve=False)

    def issue_gift_card(self, code: str, amount: Money) -> None:
        """Bring a gift card into the world."""
        with self._open() as ledger:
            ledger.gift_cards[code] = amount

    def gift_card_balance(self, code: str) -> Money:
        """What can still be paid with a gift card."""
        with self._open() as ledger:
            return ledger.balance(code)

    def portal_capture(self, merchant_reference: str, amount: Money) -> None:
        """Someone at the shop captures in the bank's own portal, behind our back.

        Raises:
            Refusal: If the bank does not allow it.
        """
        with self._open() as ledger:
            ledger.capture(self._payment(merchant_reference), amount, None, Fate())

    def portal_void(self, merchant_reference: str) -> None:
        """Someone at the shop voids in the bank's own portal.

        Raises:
            Refusal: If the bank does not allow it.
        """
        with self._open() as ledger:
            ledger.void(self._payment(merchant_reference), None, Fate())

    def portal_refund(self, merchant_reference: str, amount: Money) -> None:
        """Someone at the shop refunds in the bank's own portal.

        Raises:
            Refusal: If the bank does not allow it.
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
    def outbox(self) -> list[tuple[dict[str, str], bytes]]:
        """Every notice ever, oldest first, as (headers, body), signed at the time of asking."""
        with self._open():
            return [self._signed(event) for event in self._events]

    def deliver(self, to: Deliver, *, times: int = 1, reverse: bool = False) -> int:
        """Hand over the notices that wait. One whose receiver raises goes on waiting.

        Args:
            to: The receiver; called with headers and raw body.
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
            for event in batch:
                to(*self._signed(event))  # without the lock: the receiver may ask the bank
                with self._lock:
                    self._waiting = [other for other in self._waiting if other != event]
        return len(batch)

    def _signed(self, event: _Event) -> tuple[dict[str, str], bytes]:
        moment = int(self._clock().timestamp())
        content = f"{moment}.".encode() + event.body
        digest = hmac.new(self._notice_secret.encode(), content, hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/json",
            "bank-signature": f"t={moment},v1={digest}",
        }
        return headers, event.body

    def _changed(self, payment: BankPayment, notice: str, amount: Money, key: str | None) -> None:
        """Keep the view before and after a change, and post a notice where one is due."""
        _, before = self._views.get(payment.merchant_reference, (None, None))
        self._views[payment.merchant_reference] = before, view(payment)
        if notice:
            number = len(self._events) + 1
            body = {
                "id": f"evt_{number:06}",
                "type": notice,
                "created": self._ledger.now.isoformat(),
                "merchant_reference": payment.merchant_reference,
                "payment_id": payment.id,
                "amount": amount_view(amount.minor, amount.currency),
                "idempotency_key": key,
            }
            event = _Event(number, json.dumps(body).encode())
            self._events.append(event)
            self._waiting.append(event)

    # --- HTTP ----------------------------------------------------------------------------------

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer one request.

        Raises:
            httpx.ConnectError: For `Fault.LOSE_REQUEST`; nothing was done.
            httpx.ReadTimeout: For `Fault.LOSE_ANSWER`; it was done.
        """
        with self._open():
            try:
                return self._route(request)
            except Refusal as refusal:
                return problem(refusal.status, refusal.code, refusal.problems)

    @contextmanager
    def _open(self) -> Iterator[BankLedger]:
        """One at a time, and with everything done that was due by now."""
        with self._lock:
            self._ledger.catch_up(self._clock())
            yield self._ledger

    def _route(self, request: httpx.Request) -> httpx.Response:
        raw_path = request.url.raw_path.partition(b"?")[0].decode("ascii")
        parts = [unquote(part) for part in raw_path.split("/")[1:]]
        if len(request.read()) > MAX_BODY_BYTES:
            raise Refusal(413, "too_large")
        match request.method, parts:
            case "GET" | "POST", ["pay", page] if page in self._pages:
                return self._customer_page(request, self._pages[page])
            case _ if not self._is_merchant(request):
                raise Refusal(401, "unauthorised")
            case "POST", ["v1", "payments"]:
                return self._perform(request, Kind.AUTHORISE, self._create)
            case "GET", ["v1", "payments", reference] if self._can_be_asked:
                return self._look_up(request, reference)
            case "POST", ["v1", "payments", reference, word] if word in _KINDS:
                kind = _KINDS[word]
                return self._perform(request, kind, partial(self._modify, kind, reference))
            case "POST", ["portal", "payments", reference, word] if word in _KINDS:
                self._modify(_KINDS[word], reference, request, None, Fate())
                return httpx.Response(201, json=view(self._payment(reference)))
            case _:
                raise Refusal(404, "no_such_resource")

    def _is_merchant(self, request: httpx.Request) -> bool:
        shown = request.headers.get("authorization", "").encode()
        return hmac.compare_digest(shown, f"Bearer {self._api_key}".encode())

    def _perform(self, request: httpx.Request, kind: Kind, work: _Work) -> httpx.Response:
        """Do an operation once per key, with the fault that is planned for it."""
        key = request.headers.get("idempotency-key", "")
        if not _KEY.fullmatch(key):
            raise Refusal(400, "invalid_key")
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
                answer = problem(refusal.status, refusal.code, refusal.problems)
            if answer.status_code in _DECIDED:
                self._keys[key] = _Remembered(sent, answer, self._ledger.now)
        elif known.sent != sent:
            raise Refusal(409, "key_conflict")
        else:
            answer = known.again()
        return spoil(request, planned.fault, answer)

    def _look_up(self, request: httpx.Request, reference: str) -> httpx.Response:
        fault = self._next_fault(STATUS).fault
        lose(request, fault)
        before, now = self._views.get(reference, (None, None))
        seen = {Fault.STALE: before, Fault.NOT_FOUND: None}.get(fault, now)
        if seen is None:
            answer = problem(404, "payment_not_found")
        else:
            answer = httpx.Response(200, json=seen)
        return spoil(request, fault, answer)

    def _next_fault(self, operation: str, *, is_repeat: bool = False) -> Planned:
        plan = self._plans[operation]
        if not plan or (is_repeat and plan[0].fault in FATES):
            return Planned(Fault.NONE)
        return plan.popleft()

    def _create(self, request: httpx.Request, key: str, fate: Fate) -> httpx.Response:
        order = read(Create, request)
        order.check()
        amount = order.amount.money
        payment = self._ledger.payments.get(order.merchant_reference)
        if payment is None:
            number = len(self._ledger.payments) + 1
            is_waiting = METHODS[order.method] != ""
            page = f"page-{number:06}" if is_waiting else ""
            payment = BankPayment(
                id=f"pay_{number:06}",
                merchant_reference=order.merchant_reference,
                amount=amount,
                method=order.method,
                return_url=order.return_url,
                instrument=order.instrument,
                page=str(request.url.join(f"/pay/{page}")) if page else "",
                is_waiting=is_waiting,
            )
            if page:
                self._pages[page] = payment
            operation = self._ledger.create(payment, key, fate)
        elif self._remembers_keys or (payment.amount, payment.method) != (amount, order.method):
            raise Refusal(409, "reference_taken")
        else:
            operation = self._ledger.authorise(payment, key, fate)
        is_processing = operation.status is Status.PROCESSING and not payment.is_waiting
        return httpx.Response(202 if is_processing else 201, json=view(payment))

    def _modify(
        self, kind: Kind, reference: str, request: httpx.Request, key: str | None, fate: Fate
    ) -> httpx.Response:
        payment = self._payment(reference)
        match kind:
            case Kind.CAPTURE:
                amount = read(Modify, request).amount.money
                operation = self._ledger.capture(payment, amount, key, fate)
            case Kind.REFUND:
                amount = read(Modify, request).amount.money
                operation = self._ledger.refund(payment, amount, key, fate)
            case _:
                read(Void, request)
                operation = self._ledger.void(payment, key, fate)
        status = 202 if operation.status is Status.PROCESSING else 201
        both = {"operation": operation_view(operation), "payment": view(payment)}
        return httpx.Response(status, json=both)

    def _payment(self, reference: str) -> BankPayment:
        payment = self._ledger.payments.get(reference)
        if payment is None:
            raise Refusal(404, "payment_not_found")
        return payment

    def _customer_page(self, request: httpx.Request, payment: BankPayment) -> httpx.Response:
        if request.method == "GET":
            return customer_page(payment)
        decision = parse_qs(request.content.decode("utf-8", "replace")).get("decision")
        if decision not in (["approve"], ["decline"]):
            raise Refusal(400, "invalid_request", [("decision", "approve or decline")])
        self._ledger.decide(payment, approve=decision == ["approve"])
        return httpx.Response(303, headers={"location": payment.return_url})


_KINDS: Final = MappingProxyType(
    {"captures": Kind.CAPTURE, "voids": Kind.VOID, "refunds": Kind.REFUND}
)
_KEY: Final = re.compile(r"[a-z0-9-]{1,40}")

# Answers that a key remembers: the operation was decided. A malformed request decided nothing.
_DECIDED: Final = frozenset({201, 202, 422})

_Work: TypeAlias = Callable[[httpx.Request, str, Fate], httpx.Response]
