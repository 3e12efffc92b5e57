"""The contract between the flow and a store.

A store is thin: it writes one `Change` completely or not at all, and it answers a few questions,
all by key. It decides nothing. The checks in ``checkoutflow.testing.STORE_CHECKS`` hold every store
to this page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from checkoutflow.checkout.events import Event
    from checkoutflow.checkout.state import Checkout
    from checkoutflow.money import Money
    from checkoutflow.payment.outcomes import Operation, Outcome
    from checkoutflow.privacy.vault import SubjectKey, VaultRow


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """An attempt as it is kept beside the state: what was asked, and what came of it.

    Attributes:
        id: The idempotency key.
        payment: Our reference at the provider; notices are matched by (provider, payment).
        digest: SHA-256 of what was asked (operation, amount, payment, cart), in hexadecimal.
        outcome: None while nothing was heard.
        lease_until: Until then the worker that wrote it down sends it.
    """

    id: str
    payment: str
    provider: str
    operation: Operation
    amount: Money
    digest: str
    started_at: datetime
    lease_until: datetime
    sends: int
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class IdempotencyRow:
    """A shop's own key for a call, so that a repeat is answered and not done again.

    Attributes:
        digest: Keyed digest of the call's content.
        checkout: The checkout that the call made or changed.
    """

    key: str
    digest: str
    checkout: str


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A verified webhook, kept so that it acts once."""

    provider: str
    id: str
    checkout: str
    kind: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class HealthRow:
    """A provider that has failed lately, for all processes to see.

    Attributes:
        failures: How often in a row.
        failed_at: The last time.
        down_until: Until then it is not asked; None while it still is.
    """

    provider: str
    failures: int
    failed_at: datetime
    down_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """A number in the shop's one series of invoices and credit notes, and what took it.

    Attributes:
        number: One above the highest that was kept before.
        scheme: Market whose scheme made the reference; empty where it is the number itself.
        reference: What customers quote; None for a credit note.
    """

    number: int
    checkout: str
    scheme: str = ""
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One commit, as the journal holds it.

    Attributes:
        version: The checkout's version after it, counted from 1 without gaps.
        command: What was asked, for the record.
    """

    version: int
    at: datetime
    command: str
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """Something the shop asked to be told; kept until the shop has taken it.

    Attributes:
        id: Stable, so that the shop can see a repeat: checkout id, version and kind.
    """

    checkout: str
    version: int
    kind: str

    @property
    def id(self) -> str:
        """The same for every delivery of this message."""
        return f"{self.checkout}/{self.version}/{self.kind}"


@dataclass(frozen=True, slots=True)
class Change:
    """One commit: all of it is written, or none of it.

    Attributes:
        state: The checkout afterwards. ``state.version`` is one more than the version that was
            read; the store refuses the change with ``StoreConflict`` if that is not so any more
            (version 1: if the checkout exists already).
        timers: What changed among the checkout's timers: a time sets one, None removes it.
        attempts: Attempts that are new or changed.
        idempotency: The call's own key. ``StoreConflict`` if the key exists already.
        subject: The person's wrapped key, where it is new.
        vault: Fields that are new or changed.
        messages: Kinds of message to keep for the shop.
        notice: The notice that this change takes in. ``StoreConflict`` if it was kept before.
        invoices: Numbers that it takes; see `Store.commit_numbered`.
    """

    state: Checkout
    events: tuple[Event, ...]
    at: datetime
    command: str
    timers: Mapping[str, datetime | None] = field(default_factory=dict)
    attempts: tuple[AttemptRow, ...] = ()
    idempotency: IdempotencyRow | None = None
    subject: SubjectKey | None = None
    vault: tuple[VaultRow, ...] = ()
    messages: tuple[str, ...] = ()
    notice: NoticeRow | None = None
    invoices: tuple[InvoiceRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """A checkout for which something is due.

    Attributes:
        kinds: Which timers: ``expiry``, ``review``, ``look``, ``remind``, ``overdue`` or
            ``notice``.
    """

    checkout: str
    kinds: frozenset[str]


class Store(Protocol):
    """What the flow needs of a store. Every method is one short transaction of its own.

    Raises ``SchemaMismatch`` from any method if the tables are not those of this version, and
    ``StoreError`` if the database cannot be used.
    """

    @property
    def key_file(self) -> Path | None:
        """Where the embedded default keeps its key: beside the database file, if there is one."""

    @property
    def is_ephemeral(self) -> bool:
        """Whether everything is gone when the process ends."""

    def create(self) -> None:
        """Make the tables, or bring older ones up to this version. Safe to call again."""

    def close(self) -> None:
        """Let go of files and connections."""

    def commit(self, change: Change) -> None:
        """Write all of a change.

        Raises:
            StoreConflict: If someone else wrote this checkout, used this key, or took this notice
                in first. Nothing was written.
        """

    def commit_numbered(self, make: Callable[[int], Change]) -> Change:
        """Write a change that takes numbers, in the transaction in which they are the next ones.

        Args:
            make: Makes the change of the number after the highest that is kept (1 where none is).
                It is called once, while nobody else can take that number; it only computes. What
                it raises is raised again, and nothing is written.

        Returns:
            The change that was written.

        Raises:
            StoreConflict: As for `commit`. The number is then free for the next change.
        """

    def load(self, checkout_id: str) -> Checkout | None:
        """The checkout as it stands; one look-up by key however many there are."""

    def journal(self, checkout_id: str) -> Sequence[JournalEntry]:
        """Everything that happened to it, in order."""

    def idempotent(self, key: str) -> IdempotencyRow | None:
        """What this key was used for."""

    def find_payment(self, provider: str, payment_id: str) -> str | None:
        """The id of the checkout that a payment belongs to."""

    def find_invoice(self, scheme: str, reference: str) -> str | None:
        """The id of the checkout that an invoice belongs to."""

    def person(self, subject_id: str) -> tuple[SubjectKey | None, tuple[VaultRow, ...]]:
        """A person's wrapped key and encrypted fields."""

    def take_notice(self, notice: NoticeRow) -> bool:
        """Keep a notice and make its checkout due at once, in one transaction.

        Returns:
            False if it was kept before; nothing is written then.
        """

    def has_notice(self, provider: str, notice_id: str) -> bool:
        """Whether a notice was kept before."""

    def health(self, provider: str) -> HealthRow | None:
        """What is known of a provider that has failed lately; None if it has not."""

    def set_health(self, row: HealthRow) -> None:
        """Keep that a provider has failed, in place of what was known before."""

    def clear_health(self, provider: str) -> None:
        """Forget its failures: it has answered."""

    def due(self, now: datetime, limit: int) -> Sequence[Due]:
        """Checkouts with a timer at or before ``now``, the longest overdue first."""

    def clear_timer(self, checkout_id: str, kind: str, *, up_to: datetime) -> None:
        """Remove a timer that is not set to later than ``up_to``."""

    def checkouts(
        self, phases: Collection[str], *, after: str = "", limit: int = 100
    ) -> Sequence[str]:
        """Ids of checkouts in these phases (all if empty), ordered, after an id."""

    def messages(self, limit: int) -> Sequence[Message]:
        """The oldest messages that the shop has not taken yet."""

    def delivered(self, messages: Iterable[Message]) -> None:
        """Forget messages that the shop has taken."""
