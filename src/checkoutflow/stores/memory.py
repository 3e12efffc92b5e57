"""The store that keeps nothing: for unit tests, demonstrations and simulations."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from checkoutflow.errors import StoreConflict
from checkoutflow.stores.contract import Due, HealthRow, IdempotencyRow, JournalEntry, Message

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from datetime import datetime

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.privacy.vault import SubjectKey, VaultRow
    from checkoutflow.stores.contract import Change, InvoiceRow, NoticeRow


class MemoryStore:
    """A store in this process's memory, safe for threads. What it holds ends with it."""

    def __init__(self) -> None:
        """Begin empty."""
        self._lock = Lock()
        self._checkouts: dict[str, Checkout] = {}
        self._journal: dict[str, list[JournalEntry]] = {}
        self._timers: dict[tuple[str, str], datetime] = {}
        self._payments: dict[tuple[str, str], str] = {}
        self._notices: set[tuple[str, str]] = set()
        self._health: dict[str, HealthRow] = {}
        self._idempotency: dict[str, IdempotencyRow] = {}
        self._subjects: dict[str, SubjectKey] = {}
        self._vault: dict[str, dict[str, VaultRow]] = {}
        self._invoices: dict[int, InvoiceRow] = {}
        self._references: dict[tuple[str, str | None], str] = {}
        # Each message with its place in the order of delivery.
        self._outbox: dict[Message, tuple[datetime, str, int, int]] = {}

    @property
    def key_file(self) -> None:
        """Nothing here is on disk, keys neither."""

    @property
    def is_ephemeral(self) -> bool:
        """It ends with the process."""
        return True

    def create(self) -> None:
        """Do nothing: there are no tables."""

    def close(self) -> None:
        """Do nothing: there are no files."""

    def commit(self, change: Change) -> None:
        """Keep all of a change.

        Raises:
            StoreConflict: If someone else wrote this checkout, used this key, or took this notice
                in first. Nothing was written.
        """
        with self._lock:
            self._check(change)
            self._write(change)

    def commit_numbered(self, make: Callable[[int], Change]) -> Change:
        """Keep a change that takes numbers, made of the next one.

        Raises:
            StoreConflict: As for `commit`.
        """
        with self._lock:
            change = make(max(self._invoices, default=0) + 1)
            self._check(change)
            self._write(change)
        return change

    def _check(self, change: Change) -> None:
        state, key, subject = change.state, change.idempotency, change.subject
        notice = change.notice
        if len(self._journal.get(state.id, ())) != state.version - 1:
            raise StoreConflict(f"someone else wrote checkout {state.id} first; reload it")
        if key is not None and key.key in self._idempotency:
            raise StoreConflict("someone else used this idempotency key first; look it up")
        if subject is not None and subject.subject_id in self._subjects:
            raise StoreConflict("someone else made this person's key first; reload it")
        if notice is not None and (notice.provider, notice.id) in self._notices:
            raise StoreConflict("someone else took this notice in first")
        if any(row.number in self._invoices for row in change.invoices):
            raise StoreConflict("someone else took this number first")

    def _write(self, change: Change) -> None:
        """Keep what has been found to fit. Nothing here can fail."""
        state, key, subject = change.state, change.idempotency, change.subject
        self._checkouts[state.id] = state
        self._journal.setdefault(state.id, []).append(
            JournalEntry(state.version, change.at, change.command, change.events)
        )
        for kind, due_at in change.timers.items():
            if due_at is None:
                self._timers.pop((state.id, kind), None)
            else:
                self._timers[state.id, kind] = due_at
        for attempt in change.attempts:
            self._payments[attempt.provider, attempt.payment] = state.id
        if key is not None:
            self._idempotency[key.key] = key
        if subject is not None:
            self._subjects[subject.subject_id] = subject
        for row in change.vault:
            self._vault.setdefault(row.subject_id, {})[row.field] = row
        if (notice := change.notice) is not None:
            self._notices.add((notice.provider, notice.id))
        for invoice in change.invoices:
            self._invoices[invoice.number] = invoice
            self._references[invoice.scheme, invoice.reference] = invoice.checkout
        for place, kind in enumerate(change.messages):
            message = Message(state.id, state.version, kind)
            self._outbox[message] = (change.at, state.id, state.version, place)

    def load(self, checkout_id: str) -> Checkout | None:
        """The checkout as it stands."""
        with self._lock:
            return self._checkouts.get(checkout_id)

    def journal(self, checkout_id: str) -> Sequence[JournalEntry]:
        """Everything that happened to it, in order."""
        with self._lock:
            return tuple(self._journal.get(checkout_id, ()))

    def idempotent(self, key: str) -> IdempotencyRow | None:
        """What this key was used for."""
        with self._lock:
            return self._idempotency.get(key)

    def find_payment(self, provider: str, payment_id: str) -> str | None:
        """The id of the checkout that a payment belongs to."""
        with self._lock:
            return self._payments.get((provider, payment_id))

    def find_invoice(self, scheme: str, reference: str) -> str | None:
        """The id of the checkout that an invoice belongs to."""
        with self._lock:
            return self._references.get((scheme, reference))

    def person(self, subject_id: str) -> tuple[SubjectKey | None, tuple[VaultRow, ...]]:
        """A person's wrapped key and encrypted fields, by name."""
        with self._lock:
            rows = self._vault.get(subject_id, {})
            return self._subjects.get(subject_id), tuple(rows[name] for name in sorted(rows))

    def take_notice(self, notice: NoticeRow) -> bool:
        """Keep a notice and make its checkout due at once.

        Returns:
            False if it was kept before; nothing is changed then.
        """
        with self._lock:
            if (notice.provider, notice.id) in self._notices:
                return False
            self._notices.add((notice.provider, notice.id))
            self._timers[notice.checkout, "notice"] = notice.received_at
            return True

    def has_notice(self, provider: str, notice_id: str) -> bool:
        """Whether a notice was kept before."""
        with self._lock:
            return (provider, notice_id) in self._notices

    def health(self, provider: str) -> HealthRow | None:
        """What is known of a provider that has failed lately; None if it has not."""
        with self._lock:
            return self._health.get(provider)

    def set_health(self, row: HealthRow) -> None:
        """Keep that a provider has failed, in place of what was known before."""
        with self._lock:
            self._health[row.provider] = row

    def clear_health(self, provider: str) -> None:
        """Forget its failures: it has answered."""
        with self._lock:
            self._health.pop(provider, None)

    def due(self, now: datetime, limit: int) -> Sequence[Due]:
        """Checkouts with a timer at or before ``now``, the longest overdue first."""
        with self._lock:
            timers = sorted((at, *timer) for timer, at in self._timers.items() if at <= now)
        kinds: dict[str, set[str]] = {}
        for _, checkout_id, kind in timers:
            kinds.setdefault(checkout_id, set()).add(kind)
        return [Due(checkout, frozenset(kinds[checkout])) for checkout in [*kinds][:limit]]

    def clear_timer(self, checkout_id: str, kind: str, *, up_to: datetime) -> None:
        """Remove a timer that is not set to later than ``up_to``."""
        with self._lock:
            if self._timers.get((checkout_id, kind), up_to) <= up_to:
                self._timers.pop((checkout_id, kind), None)

    def checkouts(
        self, phases: Collection[str], *, after: str = "", limit: int = 100
    ) -> Sequence[str]:
        """Ids of checkouts in these phases (all if empty), ordered, after an id."""
        with self._lock:
            return sorted(
                checkout_id
                for checkout_id, state in self._checkouts.items()
                if checkout_id > after and (not phases or state.phase in phases)
            )[:limit]

    def messages(self, limit: int) -> Sequence[Message]:
        """The oldest messages that the shop has not taken yet."""
        with self._lock:
            return sorted(self._outbox, key=self._outbox.__getitem__)[:limit]

    def delivered(self, messages: Iterable[Message]) -> None:
        """Forget messages that the shop has taken."""
        with self._lock:
            for message in messages:
                self._outbox.pop(message, None)
