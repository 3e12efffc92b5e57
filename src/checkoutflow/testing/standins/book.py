"""What the simulated bank knows and does with money, without HTTP, faults or signatures.

The book is append-only and every balance is a sum of its entries, checked after each one. It shares
no code with the library's own books: in tests the two must agree, and this one is the truth.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from checkoutflow.money import Money


class Refusal(Exception):
    """The bank does not take a request: nothing moved."""

    def __init__(self, status: int, code: str, problems: Iterable[tuple[str, str]] = ()) -> None:
        """Keep the HTTP status, the stable code and the fields at fault (path, message)."""
        super().__init__(code)
        self.status = status
        self.code = code
        self.problems = tuple(problems)


class Moved(StrEnum):
    """Kinds of entries in the bank's book."""

    AUTHORISED = "authorised"
    CAPTURED = "captured"
    VOIDED = "voided"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    CAPTURE_TAKEN_BACK = "capture_taken_back"
    REFUND_TAKEN_BACK = "refund_taken_back"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the bank's book; never changed, never removed.

    Attributes:
        number: Place in the book, from 1.
        at: Bank time.
        key: Idempotency key of the operation; None for the portal's and the clock's doings.
    """

    number: int
    at: datetime
    merchant_reference: str
    operation: Moved
    amount: Money
    key: str | None


@dataclass(frozen=True, slots=True)
class Book:
    """Sums of one payment's entries, in minor units.

    Attributes:
        voided: Released without being captured, by a void or by expiry.
        expired: The part of ``voided`` that time released.
    """

    authorised: int = 0
    captured: int = 0
    refunded: int = 0
    voided: int = 0
    expired: int = 0

    @property
    def reserved(self) -> int:
        """Authorised and neither captured nor released."""
        return self.authorised - self.captured - self.voided

    @property
    def taken(self) -> int:
        """What the customer is without: captured and not given back."""
        return self.captured - self.refunded

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Book:
        """Add up entries.

        Raises:
            AssertionError: If they do not make sense together; that is a bug in the bank.
        """
        sums = {"authorised": 0, "captured": 0, "refunded": 0, "voided": 0, "expired": 0}
        for entry in entries:
            for total, sign in _EFFECTS[entry.operation]:
                sums[total] += sign * entry.amount.minor
        book = cls(**sums)
        if min(book.reserved, book.taken, book.refunded, book.expired) < 0:
            raise AssertionError(f"the bank's own sums are impossible: {book}")
        return book


_EFFECTS: Final = MappingProxyType(
    {
        Moved.AUTHORISED: (("authorised", 1),),
        Moved.CAPTURED: (("captured", 1),),
        Moved.VOIDED: (("voided", 1),),
        Moved.EXPIRED: (("voided", 1), ("expired", 1)),
        Moved.REFUNDED: (("refunded", 1),),
        Moved.CAPTURE_TAKEN_BACK: (("captured", -1),),
        Moved.REFUND_TAKEN_BACK: (("refunded", -1),),
    }
)


class Kind(StrEnum):
    """What the bank can be asked to do."""

    AUTHORISE = "authorise"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


class Status(StrEnum):
    """Where one operation stands."""

    PROCESSING = "processing"
    DONE = "done"
    FAILED = "failed"


class State(StrEnum):
    """The bank's word for a payment. As with real ones it never moves past ``authorised``."""

    PENDING = "pending"
    AUTHORISED = "authorised"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Fate:
    """How an operation is going to end, decided when it is accepted.

    Attributes:
        reason: Why it fails; empty where it is done.
        after_s: For how long it is processing first; 0 ends it at once.
    """

    reason: str = ""
    after_s: int = 0


@dataclass(slots=True)
class BankOperation:
    """One operation on one payment, of the merchant (with a key) or of the portal (without)."""

    kind: Kind
    key: str | None
    amount: Money
    fate: Fate
    status: Status = Status.PROCESSING
    reason: str = ""


@dataclass(slots=True)
class BankPayment:
    """One payment at the bank.

    Attributes:
        is_waiting: The customer has not decided yet.
        page: Where the customer decides; empty for methods that ask nobody.
        until: When the customer's time to decide, later the authorisation, runs out.
    """

    id: str
    merchant_reference: str
    amount: Money
    method: str
    return_url: str
    is_waiting: bool
    instrument: str | None = None
    page: str = ""
    state: State = State.PENDING
    reason: str = ""
    until: datetime | None = None
    operations: list[BankOperation] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    @property
    def book(self) -> Book:
        """The sums of its entries."""
        return Book.of(self.entries)

    def under_way(self, *kinds: Kind) -> int:
        """The amount of operations that are accepted and not ended, in minor units."""
        return sum(
            operation.amount.minor
            for operation in self.operations
            if operation.status is Status.PROCESSING and operation.kind in kinds
        )


# Cards that always do the same: the instrument's name, and why the issuer says no to it.
TEST_CARDS: Final = MappingProxyType(
    {
        "card-ok": "",
        "card-no-funds": "insufficient_funds",
        "card-expired": "card_expired",
        "card-blocked": "card_blocked",
    }
)
GIFT_CARD: Final = "gift_card"

_MOVES: Final = MappingProxyType(
    {
        Kind.AUTHORISE: Moved.AUTHORISED,
        Kind.CAPTURE: Moved.CAPTURED,
        Kind.VOID: Moved.VOIDED,
        Kind.REFUND: Moved.REFUNDED,
    }
)

# Told after every change: the payment, the notice's type ("" where no notice is due), the amount,
# and the operation's key (None where the portal or time did it).
Changed = Callable[[BankPayment, str, Money, "str | None"], None]


class BankLedger:
    """All payments of one merchant at the bank, moved by operations and by time.

    Attributes:
        payments: By our reference; where one was made twice under it, the newer.
        older: The others of those, oldest first.
        authorisation: How long money stays reserved.

    Args:
        start: Bank time to begin with; afterwards `catch_up` moves it, and never back.
        authorisation_s: How long money stays reserved.
        decision_s: How long a customer has to approve.
        changed: Told after every change.
    """

    def __init__(
        self, start: datetime, *, authorisation_s: int, decision_s: int, changed: Changed
    ) -> None:
        """Open an empty book."""
        self.now = start
        self.payments: dict[str, BankPayment] = {}
        self.older: dict[str, list[BankPayment]] = {}
        self.entries: list[Entry] = []
        self.gift_cards: dict[str, Money] = {}
        self.authorisation = timedelta(seconds=authorisation_s)
        self._decision = timedelta(seconds=decision_s)
        self._changed = changed
        self._timers: list[tuple[datetime, int, Callable[[], None]]] = []
        self._timers_set = 0

    def catch_up(self, now: datetime) -> None:
        """Do everything that was due by ``now``, in order and each at its own time."""
        while self._timers and self._timers[0][0] <= now:
            at, _, act = heapq.heappop(self._timers)
            self.now = max(self.now, at)
            act()
        self.now = max(self.now, now)  # a clock set back does not turn the bank's

    @property
    def next_due(self) -> datetime | None:
        """When something happens next by itself."""
        return self._timers[0][0] if self._timers else None

    def create(self, payment: BankPayment, key: str, fate: Fate) -> BankOperation:
        """Take a payment in; unless the customer has to decide first, authorise it."""
        before = self.payments.get(payment.merchant_reference)
        if before is not None:
            self.older.setdefault(payment.merchant_reference, []).append(before)
        self.payments[payment.merchant_reference] = payment
        if payment.is_waiting:
            payment.until = self.now + self._decision
            self._at(payment.until, lambda: self._expire(payment))
        return self.authorise(payment, key, fate)

    def authorise(self, payment: BankPayment, key: str, fate: Fate) -> BankOperation:
        """Reserve the payment's amount, or wait for the customer to decide."""
        operation = BankOperation(Kind.AUTHORISE, key, payment.amount, fate)
        payment.operations.append(operation)
        if payment.is_waiting:
            self._changed(payment, "", operation.amount, key)
        else:
            self._begin(payment, operation)
        return operation

    def decide(self, payment: BankPayment, *, approve: bool) -> None:
        """Take the customer's decision; a second one, or one too late, changes nothing."""
        if not payment.is_waiting:
            return
        payment.is_waiting = False
        payment.until = None
        for operation in payment.operations:
            if operation.kind is Kind.AUTHORISE and operation.status is Status.PROCESSING:
                if not approve:
                    operation.fate = Fate("declined_by_customer")
                self._begin(payment, operation)

    def capture(
        self, payment: BankPayment, amount: Money, key: str | None, fate: Fate
    ) -> BankOperation:
        """Take part or all of what is reserved.

        Raises:
            Refusal: If it is not reserved, or not in this currency.
        """
        if payment.state is not State.AUTHORISED:
            raise Refusal(422, "not_authorised")
        if self._free(payment) == 0 and payment.book.expired:
            raise Refusal(422, "authorisation_expired")
        self._check(payment, amount, at_most=self._free(payment))
        return self._accept(payment, BankOperation(Kind.CAPTURE, key, amount, fate))

    def void(self, payment: BankPayment, key: str | None, fate: Fate) -> BankOperation:
        """Release what is not captured; before the customer has decided, close the payment.

        Raises:
            Refusal: If there is nothing to release.
        """
        free = self._free(payment)
        if payment.state is not State.PENDING and free == 0:
            raise Refusal(422, "nothing_to_void")
        amount = Money(free, payment.amount.currency)
        return self._accept(payment, BankOperation(Kind.VOID, key, amount, fate))

    def refund(
        self, payment: BankPayment, amount: Money, key: str | None, fate: Fate
    ) -> BankOperation:
        """Give captured money back.

        Raises:
            Refusal: If that much was not captured, or not in this currency.
        """
        refundable = payment.book.taken - payment.under_way(Kind.REFUND)
        self._check(payment, amount, at_most=refundable)
        return self._accept(payment, BankOperation(Kind.REFUND, key, amount, fate))

    def take_back(self, payment: BankPayment, key: str) -> None:
        """Turn a capture or refund that was done into one that failed after all.

        Raises:
            ValueError: If no such operation is done, or what it captured is already given back.
        """
        for operation in payment.operations:
            if operation.key == key and operation.status is Status.DONE:
                break
        else:
            raise ValueError("no operation under that key is done")
        not_given_back = payment.book.taken - payment.under_way(Kind.REFUND)
        match operation.kind:
            case Kind.CAPTURE if operation.amount.minor <= not_given_back:
                move, notice = Moved.CAPTURE_TAKEN_BACK, "capture.failed"
            case Kind.REFUND:
                move, notice = Moved.REFUND_TAKEN_BACK, "refund.failed"
            case _:
                raise ValueError("only a capture not given back, or a refund, can be taken back")
        operation.status, operation.reason = Status.FAILED, "taken_back"
        self._enter(payment, move, operation.amount, key)
        self._changed(payment, notice, operation.amount, key)
        self._expire(payment)

    def balance(self, code: str) -> Money:
        """What is left on a gift card: its issue less what its payments hold or have taken."""
        issued = self.gift_cards[code]
        books = [item.book for item in self.payments.values() if item.instrument == code]
        used = sum(book.reserved + book.taken for book in books)
        return issued - Money(used, issued.currency)

    def _free(self, payment: BankPayment) -> int:
        """What is reserved and not spoken for by an operation under way."""
        return payment.book.reserved - payment.under_way(Kind.CAPTURE, Kind.VOID)

    @staticmethod
    def _check(payment: BankPayment, amount: Money, *, at_most: int) -> None:
        if amount.currency != payment.amount.currency:
            raise Refusal(422, "wrong_currency")
        if amount.minor > at_most:
            raise Refusal(422, "amount_too_high")

    def _accept(self, payment: BankPayment, operation: BankOperation) -> BankOperation:
        payment.operations.append(operation)
        self._begin(payment, operation)
        return operation

    def _begin(self, payment: BankPayment, operation: BankOperation) -> None:
        """End an operation now, or set a timer for its end."""
        if operation.fate.after_s:
            due = self.now + timedelta(seconds=operation.fate.after_s)
            self._at(due, lambda: self._end(payment, operation))
            self._changed(payment, "", operation.amount, operation.key)
        else:
            self._end(payment, operation)

    def _end(self, payment: BankPayment, operation: BankOperation) -> None:
        if operation.status is not Status.PROCESSING:
            return  # its payment was closed while it waited
        operation.reason = operation.fate.reason
        if operation.kind is Kind.AUTHORISE and not operation.reason:
            operation.reason = self._objection(payment)
        if operation.reason:
            operation.status = Status.FAILED
            notice = self._fail(payment, operation)
        else:
            operation.status = Status.DONE
            notice = self._do(payment, operation)
        self._changed(payment, notice, operation.amount, operation.key)
        self._expire(payment)

    def _fail(self, payment: BankPayment, operation: BankOperation) -> str:
        """Record that it was not done; give the notice's type."""
        if operation.kind is not Kind.AUTHORISE:
            return f"{operation.kind}.failed"
        if payment.state is State.PENDING:
            payment.state, payment.reason = State.DECLINED, operation.reason
        return "payment.declined"

    def _do(self, payment: BankPayment, operation: BankOperation) -> str:
        """Move the money; give the notice's type."""
        match operation.kind:
            case Kind.AUTHORISE:
                payment.state, payment.reason = State.AUTHORISED, ""
                payment.until = self.now + self.authorisation
                self._at(payment.until, lambda: self._expire(payment))
            case Kind.VOID if payment.state is State.PENDING:
                self._close(payment, State.CANCELLED)
                return "payment.cancelled"
            case (
                Kind.VOID
            ):  # what it releases is settled only now: others may have failed meanwhile
                free = self._free(payment)
                operation.amount = Money(free, operation.amount.currency)
            case _:
                pass
        move = _MOVES[operation.kind]
        if operation.amount.minor:
            self._enter(payment, move, operation.amount, operation.key)
        return f"payment.{move}"

    def _objection(self, payment: BankPayment) -> str:
        """Why the means of payment itself says no; empty if it does not."""
        if payment.method != GIFT_CARD:
            return TEST_CARDS.get(payment.instrument or "card-ok", "unknown_instrument")
        if payment.instrument not in self.gift_cards:
            return "unknown_instrument"
        left = self.balance(payment.instrument)
        is_enough = left.currency == payment.amount.currency and left >= payment.amount
        return "" if is_enough else "insufficient_funds"

    def _expire(self, payment: BankPayment) -> None:
        """Let time release what it may: the customer's turn, or what is still reserved."""
        if payment.until is None or self.now < payment.until:
            return
        if payment.is_waiting:
            self._close(payment, State.EXPIRED)
            # Where one was made twice under a reference, nobody saw the page of the older.
            if self.payments[payment.merchant_reference] is payment:
                self._changed(payment, "payment.expired", payment.amount, None)
        elif free := self._free(payment):
            amount = Money(free, payment.amount.currency)
            self._enter(payment, Moved.EXPIRED, amount, None)
            self._changed(payment, "payment.expired", amount, None)

    @staticmethod
    def _close(payment: BankPayment, state: State) -> None:
        """End a payment that was never authorised."""
        payment.state, payment.is_waiting, payment.until = state, False, None
        for operation in payment.operations:
            if operation.kind is Kind.AUTHORISE and operation.status is Status.PROCESSING:
                operation.status, operation.reason = Status.FAILED, str(state)

    def _enter(self, payment: BankPayment, move: Moved, amount: Money, key: str | None) -> None:
        number = len(self.entries) + 1
        entry = Entry(number, self.now, payment.merchant_reference, move, amount, key)
        self.entries.append(entry)
        payment.entries.append(entry)
        Book.of(payment.entries)  # asserts the sums

    def _at(self, due: datetime, act: Callable[[], None]) -> None:
        self._timers_set += 1
        heapq.heappush(self._timers, (due, self._timers_set, act))
