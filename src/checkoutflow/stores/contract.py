"""The contract between the flow and a store.

A store is thin: it writes one `Change` completely or not at all, and it answers a few questions,
all by key. It decides nothing. The checks in ``checkoutflow.testing.STORE_CHECKS`` hold every store
to this page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from checkoutflow.privacy import register

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


# How long proofs are kept; see `ConsentRow`, `ReadRow` and `ErasureRow`.
KEEP_CONSENTS: Final = timedelta(days=register.CONSENTS.days)
KEEP_READS: Final = timedelta(days=register.READS.days)
KEEP_ERASURES: Final = timedelta(days=register.ERASURES.days)

# How many people a trace finds, unless somebody asks for all of them.
MOST_FOUND: Final = 10


@dataclass(frozen=True, slots=True)
class DigestRow:
    """A trace by which a person is found again: keyed, so that it tells nobody else anything.

    Attributes:
        kind: What was digested: ``email``, ``phone``, ``login``.
        subject: Who is found by it. Several persons may share one: a household, a switchboard.
        expires_at: From then on nobody is found by it.
    """

    kind: str
    digest: str
    subject: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SightingRow:
    """That an order was seen by a trace, or what became of it; see ``checkoutflow.review.traces``.

    Attributes:
        kind: What was digested.
        digest: Keyed, so that it tells nobody else anything.
        fate: That it was ordered, or what became of the order.
        subject: The sale's own person, as ``state.subject``.
        expires_at: When it is forgotten.
    """

    kind: str
    digest: str
    fate: str
    subject: str
    at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Tally:
    """Sightings to count.

    Attributes:
        digests: Of the trace, under each of the shop's keys.
        since: Only what came after it.
    """

    kind: str
    digests: tuple[str, ...]
    fate: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ListingRow:
    """Something that the shop's people put on one of their lists.

    Attributes:
        kind: What it is about: a kind of trace, ``sku`` or ``market``; or ``score``, for a learned
            score whose world has moved.
        value: A keyed digest; of a sku or market, itself; of a score, its version.
        list: ``block`` or ``allow``. What is on one is not on the other.
        by: Who put it there, in the shop's own words.
        expires_at: From then on it does not count.
    """

    kind: str
    value: str
    list: str
    reason: str
    by: str
    at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """Something a person agreed to, or took back. Kept as proof, for a while after them too.

    It has no end as long as the person has a key. It goes `KEEP_CONSENTS` after they lost it, or
    after it was said if they had none then.

    Attributes:
        kind: What for: see ``privacy.consent``.
        text: Which text they saw, by its version.
        proof: Where it happened: a checkout and its version, or the shop's own reference.
    """

    subject: str
    kind: str
    is_given: bool
    at: datetime
    text: str
    locale: str
    proof: str


@dataclass(frozen=True, slots=True)
class ReadRow:
    """That somebody read fields of a person; never what they read.

    Attributes:
        by: Who: the shop's word for it, or the provider that it was sent to.
    """

    subject: str
    at: datetime
    purpose: str
    fields: tuple[str, ...]
    by: str

    @property
    def expires_at(self) -> datetime:
        """When it goes."""
        return self.at + KEEP_READS


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """A person whom the shop remembers, by their consent.

    Attributes:
        choices: What they chose last: ``delivery``, ``payment``.
        restricted_at: Since when their data is only kept; None while it is used.
    """

    subject: str
    choices: Mapping[str, str]
    updated_at: datetime
    restricted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ErasureRow:
    """That a person was erased; the proof of it.

    Attributes:
        reason: ``asked`` by the person, ``expired``, or the shop's own word.
        kept: Fields that the law on bookkeeping keeps, under a key of their own.
        until: When these go; None if nothing is kept.
    """

    subject: str
    at: datetime
    reason: str
    kept: tuple[str, ...] = ()
    until: datetime | None = None

    @property
    def expires_at(self) -> datetime:
        """When it goes: never before what it says is kept."""
        return max(self.at + KEEP_ERASURES, self.until or self.at)


@dataclass(frozen=True, slots=True)
class Limit:
    """How often something may happen.

    Attributes:
        key: What is counted, with nothing personal in it: a kind and a digest. Limits with the
            same key count the same turns.
        most: How often in one window.
        window_s: Seconds, sliding: a turn counts until exactly so long after it.
    """

    key: str
    most: int
    window_s: int


def longest_windows(limits: Iterable[Limit]) -> dict[str, timedelta]:
    """For how long a turn is counted at each key that limits name."""
    windows: dict[str, timedelta] = {}
    for limit in limits:
        window = timedelta(seconds=limit.window_s)
        windows[limit.key] = max(window, windows.get(limit.key, window))
    return windows


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonChange:
    """What is written about a person outside any checkout: all of it, or none.

    Attributes:
        key: The person's wrapped key, where it is new. ``StoreConflict`` if they have one.
        vault: Fields that are new or changed. ``StoreConflict`` if the person has no key (any
            more): nothing opens what is kept then.
        dropped: Fields that go.
        digests: Traces that are new or have another expiry.
        traces: Kinds of trace that are replaced as a whole by ``digests``.
        profile: What is remembered of them, in place of what was.
    """

    subject: str
    key: SubjectKey | None = None
    vault: tuple[VaultRow, ...] = ()
    dropped: tuple[str, ...] = ()
    digests: tuple[DigestRow, ...] = ()
    traces: tuple[str, ...] = ()
    consents: tuple[ConsentRow, ...] = ()
    reads: tuple[ReadRow, ...] = ()
    profile: ProfileRow | None = None

    @property
    def retraced(self) -> str:
        """Whose traces are replaced."""
        return self.subject


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What a sweep removed because its time was over.

    Attributes:
        fields: Sealed fields.
        digests: Traces.
        people: Keys of persons of whom no field was left.
        turns: What was counted of limits.
        consents: Proofs of what was agreed to.
        reads: Proofs of who read.
        erasures: Proofs of who was erased.
        sightings: What orders were seen by, and what became of them.
        listings: What was on a list of the shop's people.
    """

    fields: int = 0
    digests: int = 0
    people: int = 0
    turns: int = 0
    consents: int = 0
    reads: int = 0
    erasures: int = 0
    sightings: int = 0
    listings: int = 0


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
        subjects: Wrapped keys that are new. ``StoreConflict`` if one exists already.
        vault: Fields that are new or changed. ``StoreConflict`` if the person has no key (any
            more): nothing opens what is kept then.
        dropped: Sealed fields that go, by whose they are and their name; with a field goes the
            trace of that kind.
        digests: Traces by which the person is found again; new, or with another expiry.
        people: Whose checkout it is, beside ``state.subject``: persons to find it under.
        consents: What the person agreed to or took back with it.
        reads: What was read of persons for it.
        profile: What is remembered of a person from now on.
        traces: Kinds of a person's traces that ``digests`` replace as a whole.
        retraced: Whose traces these are.
        messages: Kinds of message to keep for the shop.
        notice: The notice that this change takes in. ``StoreConflict`` if it was kept before.
        invoices: Numbers that it takes; see `Store.commit_numbered`.
        sightings: What the order is seen by, and what became of it.
        unseen: Fates of the order that are so no more.
        value: The order's currency and band of value, to count it by; None if it was before.
    """

    state: Checkout
    events: tuple[Event, ...]
    at: datetime
    command: str
    timers: Mapping[str, datetime | None] = field(default_factory=dict)
    attempts: tuple[AttemptRow, ...] = ()
    idempotency: IdempotencyRow | None = None
    subjects: tuple[SubjectKey, ...] = ()
    vault: tuple[VaultRow, ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()
    digests: tuple[DigestRow, ...] = ()
    people: tuple[str, ...] = ()
    consents: tuple[ConsentRow, ...] = ()
    reads: tuple[ReadRow, ...] = ()
    profile: ProfileRow | None = None
    traces: tuple[str, ...] = ()
    retraced: str = ""
    messages: tuple[str, ...] = ()
    notice: NoticeRow | None = None
    invoices: tuple[InvoiceRow, ...] = ()
    sightings: tuple[SightingRow, ...] = ()
    unseen: tuple[str, ...] = ()
    value: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A checkout for which something is due.

    Attributes:
        timers: Which timers, and what each was set to: ``expiry``, ``review``, ``look``,
            ``remind``, ``overdue``, ``erase`` or ``notice``.
        until: Until then whoever was given it has it for themselves, and the timers are set to
            that; None where everybody is given it.
    """

    checkout: str
    timers: Mapping[str, datetime]
    until: datetime | None = None

    @property
    def kinds(self) -> frozenset[str]:
        """The names of the timers."""
        return frozenset(self.timers)


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

    def lease_due(self, now: datetime, limit: int, until: datetime) -> Sequence[Due]:
        """As `due`, for one of many workers: what it is given nobody else is, before ``until``.

        The timers are set to ``until``, so that they are due again if nothing comes of it.
        """

    def put_off(self, checkout_id: str, *, up_to: datetime, until: datetime) -> None:
        """Set a checkout's timers to ``until`` that are not set to later than ``up_to``.

        What each was set to is kept for `delayed`, until it is set anew or removed; and so it is
        when `lease_due` does the same.
        """

    def delayed(self, now: datetime, limit: int) -> Sequence[Due]:
        """Checkouts with timers that were put off, and were due at or before ``now`` at first.

        Of so many timers at most, those that are due for longest first. A checkout has them with
        what they were set to before anybody put them off, and in ``until`` the first moment to
        which one of them is set now.
        """

    def timers(self, checkout_id: str) -> Mapping[str, datetime]:
        """What must happen later for a checkout, by its kind, and when."""

    def next_due(self) -> datetime | None:
        """When the first timer of all is due, be it past; None if there is none."""

    def waiting(self, *, limit: int = 100) -> Sequence[str]:
        """Checkouts with a timer ``review``, that of the earliest first.

        It costs the same however many other timers there are.
        """

    def reset_timer(
        self, checkout_id: str, kind: str, *, at: datetime, version: int, to: datetime | None = None
    ) -> None:
        """Remove a timer still set to this moment, of a checkout still at this version, or move it.

        What another machine has set meanwhile stays, whatever its clock says; and so does what
        somebody does not know of who has read an older version from a replica.
        """

    def checkouts(
        self,
        phases: Collection[str],
        *,
        after: str = "",
        limit: int = 100,
        since: datetime | None = None,
    ) -> Sequence[str]:
        """Ids of checkouts in these phases (all if empty), ordered, after an id.

        With ``since``, only of those that something was written about at that moment or later.
        """

    def latest(self, command: str, *, limit: int, among: int) -> Sequence[str]:
        """Checkouts to which a command was done last, the latest first, each once.

        Args:
            command: In the journal's words.
            limit: At most so many.
            among: Only so many entries of the whole journal are looked at, the last ones, so that
                it costs the same however long the journal is.
        """

    def messages(self, limit: int) -> Sequence[Message]:
        """The oldest messages that the shop has not taken yet."""

    def delivered(self, messages: Iterable[Message]) -> None:
        """Forget messages that the shop has taken."""

    # People ---------------------------------------------------------------------------------------

    def find_people(
        self, kind: str, digests: Collection[str], now: datetime, *, limit: int = MOST_FOUND
    ) -> Sequence[str]:
        """Who is found by a trace, under any of these digests of it; each once, ordered.

        As many as there are, up to the limit: more share it than could be told apart.
        """

    def traces(self, subject_id: str) -> Sequence[DigestRow]:
        """By what a person is found, in any order; also what is over and not yet removed."""

    def checkouts_of(self, subject_id: str) -> Sequence[str]:
        """Ids of the checkouts that belong to a person, ordered."""

    def profile(self, subject_id: str) -> ProfileRow | None:
        """What is remembered of a person."""

    def consents(self, subject_id: str) -> Sequence[ConsentRow]:
        """What a person agreed to and took back, in the order in which it was written."""

    def reads(self, subject_id: str) -> Sequence[ReadRow]:
        """When what was read of a person, in the order in which it was written."""

    def write_person(self, change: PersonChange) -> None:
        """Write all of a change about a person.

        Raises:
            StoreConflict: If the person's key is new in it and exists, or a field is and the key
                does not. Nothing was written.
        """

    def erase(self, erasure: ErasureRow) -> bool:
        """Destroy a person's key, with their fields, traces and profile, and keep the proof of it.

        What their order was seen by goes too. Checkouts, reads and earlier erasures stay as they
        are. Consents have an end from now on.

        Returns:
            False if there was none of these to destroy; nothing is written then.
        """

    def erasures(self, subject_id: str) -> Sequence[ErasureRow]:
        """The proofs that a person was erased, in the order in which it was written."""

    # Orders seen again ----------------------------------------------------------------------------

    def sightings(self, subject_id: str) -> Sequence[SightingRow]:
        """What an order was seen by, and what became of it, in any order."""

    def count_sightings(
        self, tallies: Sequence[Tally], *, apart_from: str, most: int
    ) -> Sequence[int]:
        """How many sightings there are of each.

        Args:
            tallies: What to count.
            apart_from: A subject whose own do not count.
            most: Where there are more, this is the answer: counting costs the same however many
                there are.
        """

    def values(self, currency: str) -> Mapping[int, int]:
        """How many orders were counted in each band of value."""

    def listed(self, items: Collection[tuple[str, str]], now: datetime) -> Sequence[ListingRow]:
        """What of these kinds and values is on a list and counts, in any order."""

    def listings(
        self, *, after: tuple[str, str] = ("", ""), limit: int = 100
    ) -> Sequence[ListingRow]:
        """What is on a list, in order of kind and value, after one of them.

        Also what is over and not yet removed.
        """

    def set_listing(self, row: ListingRow) -> None:
        """Put something on a list, in place of where it was before."""

    def remove_listing(self, kind: str, value: str) -> bool:
        """Take something off its list; False if it is on none."""

    # Limits and time ------------------------------------------------------------------------------

    def take_turn(self, limits: Sequence[Limit], now: datetime) -> bool:
        """Count one more of everything, unless that were too many of one of them.

        Counting and looking are one transaction: of any number of processes, no more than the
        limit get their turn.

        Returns:
            False if one is exhausted; nothing is counted then.
        """

    def forget_expired(self, now: datetime, limit: int) -> Forgotten:
        """Remove what is over: fields, traces, turns, proofs, sightings and what is on lists.

        A person's key and profile go with the last field that it removes. Traces go at their own
        time, so one may lead to a person of whom nothing is kept any more.

        Args:
            now: What expires at this moment or before goes.
            limit: At most so many rows of each kind; call again while it removes that many.
        """

    def keys_to_rewrap(self, key_id: str, *, after: str, limit: int) -> Sequence[SubjectKey]:
        """Persons' keys that another key of the shop than this one opens, after an id, ordered."""

    def replace_key(self, old: SubjectKey, new: SubjectKey) -> bool:
        """Put another wrapping of a person's key in place, if the old one is still there."""
