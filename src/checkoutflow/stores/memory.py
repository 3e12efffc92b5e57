"""The store that keeps nothing: for unit tests, demonstrations and simulations."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import islice
from threading import RLock
from typing import TYPE_CHECKING, TypeVar

from checkoutflow.errors import StoreConflict
from checkoutflow.stores.contract import (
    KEEP_CONSENTS,
    MOST_FOUND,
    Due,
    Forgotten,
    HealthRow,
    IdempotencyRow,
    JournalEntry,
    Message,
    longest_windows,
)
from checkoutflow.stores.memory_orders import MemoryOrders

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.privacy.vault import SubjectKey, VaultRow
    from checkoutflow.stores.contract import (
        Change,
        ConsentRow,
        DigestRow,
        ErasureRow,
        InvoiceRow,
        Limit,
        NoticeRow,
        PersonChange,
        ProfileRow,
        ReadRow,
    )

_T = TypeVar("_T")
_Proof = TypeVar("_Proof", "ReadRow", "ErasureRow")


class MemoryStore(MemoryOrders):
    """A store in this process's memory, safe for threads. What it holds ends with it."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self._lock = RLock()
        self._checkouts: dict[str, Checkout] = {}
        self._journal: dict[str, list[JournalEntry]] = {}
        self._commands: list[tuple[str, str]] = []  # of all checkouts, with their ids
        self._timers: dict[tuple[str, str], datetime] = {}
        # What those were set to that are put off.
        self._since: dict[tuple[str, str], datetime] = {}
        self._payments: dict[tuple[str, str], str] = {}
        self._notices: set[tuple[str, str]] = set()
        self._health: dict[str, HealthRow] = {}
        self._idempotency: dict[str, IdempotencyRow] = {}
        self._subjects: dict[str, SubjectKey] = {}
        self._vault: dict[str, dict[str, VaultRow]] = {}
        # Who is found by a kind and a digest, and by which of them each is found.
        self._found: dict[tuple[str, str], dict[str, DigestRow]] = {}
        self._traces: dict[str, set[tuple[str, str]]] = {}
        self._belongs: dict[str, set[str]] = {}
        self._profiles: dict[str, ProfileRow] = {}
        # With the end of each, if it has one.
        self._consents: dict[str, list[tuple[ConsentRow, datetime | None]]] = {}
        self._reads: dict[str, list[ReadRow]] = {}
        self._erasures: dict[str, list[ErasureRow]] = {}
        # When each turn was taken, and until when it may count.
        self._turns: dict[str, list[tuple[datetime, datetime]]] = {}
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
        state, key, notice = change.state, change.idempotency, change.notice
        if len(self._journal.get(state.id, ())) != state.version - 1:
            raise StoreConflict(f"someone else wrote checkout {state.id} first; reload it")
        if key is not None and key.key in self._idempotency:
            raise StoreConflict("someone else used this idempotency key first; look it up")
        self._check_about(change.subjects, change.vault)
        if notice is not None and (notice.provider, notice.id) in self._notices:
            raise StoreConflict("someone else took this notice in first")
        if any(row.number in self._invoices for row in change.invoices):
            raise StoreConflict("someone else took this number first")

    def _check_about(self, new: Sequence[SubjectKey], vault: Sequence[VaultRow]) -> None:
        if any(key.subject_id in self._subjects for key in new):
            raise StoreConflict("someone else made this person's key first; reload it")
        made = {key.subject_id for key in new}
        if any(not (row.subject_id in made or row.subject_id in self._subjects) for row in vault):
            raise StoreConflict("someone else removed this person's key first; reload it")

    def _write(self, change: Change) -> None:
        """Keep what has been found to fit. Nothing here can fail."""
        state = change.state
        self._checkouts[state.id] = state
        self._journal.setdefault(state.id, []).append(
            JournalEntry(state.version, change.at, change.command, change.events)
        )
        self._commands.append((change.command, state.id))
        for kind, due_at in change.timers.items():
            self._since.pop((state.id, kind), None)
            if due_at is None:
                self._timers.pop((state.id, kind), None)
            else:
                self._timers[state.id, kind] = due_at
        for attempt in change.attempts:
            self._payments[attempt.provider, attempt.payment] = state.id
        if (key := change.idempotency) is not None:
            self._idempotency[key.key] = key
        for subject in change.subjects:
            self._add_key(subject)
        for person in (state.subject, *change.people):
            self._belongs.setdefault(person, set()).add(state.id)
        self._drop(change.dropped)
        self._write_about(change)
        if (notice := change.notice) is not None:
            self._notices.add((notice.provider, notice.id))
        for invoice in change.invoices:
            self._invoices[invoice.number] = invoice
            self._references[invoice.scheme, invoice.reference] = invoice.checkout
        for place, kind in enumerate(change.messages):
            message = Message(state.id, state.version, kind)
            self._outbox[message] = (change.at, state.id, state.version, place)
        self._write_order(change)

    def _add_key(self, key: SubjectKey) -> None:
        self._subjects[key.subject_id] = key
        self._end_consents(key.subject_id, None)

    def _end_consents(self, person: str, end: datetime | None) -> None:
        rows = self._consents.get(person, [])
        self._consents[person] = [(row, end) for row, _ in rows]

    def _drop(self, fields: Iterable[tuple[str, str]]) -> None:
        for person, name in fields:
            self._vault.get(person, {}).pop(name, None)
            mine = self._traces.get(person, ())
            self._lose_traces(person, [trace for trace in mine if trace[0] == name])

    def _write_about(self, change: Change | PersonChange) -> None:
        """What a change says about people, however it came."""
        for sealed in change.vault:
            self._vault.setdefault(sealed.subject_id, {})[sealed.field] = sealed
        mine = self._traces.get(change.retraced, ())
        self._lose_traces(change.retraced, [trace for trace in mine if trace[0] in change.traces])
        for row in change.digests:
            self._found.setdefault((row.kind, row.digest), {})[row.subject] = row
            self._traces.setdefault(row.subject, set()).add((row.kind, row.digest))
        for consent in change.consents:
            end = None if consent.subject in self._subjects else consent.at + KEEP_CONSENTS
            self._consents.setdefault(consent.subject, []).append((consent, end))
        for read in change.reads:
            self._reads.setdefault(read.subject, []).append(read)
        if (profile := change.profile) is not None:
            self._profiles[profile.subject] = profile

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
            self._since.pop((notice.checkout, "notice"), None)
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
        found: dict[str, dict[str, datetime]] = {}
        for at, checkout_id, kind in timers:
            found.setdefault(checkout_id, {})[kind] = at
        return [Due(checkout_id, mine) for checkout_id, mine in islice(found.items(), limit)]

    def lease_due(self, now: datetime, limit: int, until: datetime) -> Sequence[Due]:
        """As `due`, for one of many workers: what it is given nobody else is, before ``until``."""
        with self._lock:
            found = self.due(now, limit)
            for due in found:
                self.put_off(due.checkout, up_to=now, until=until)
        return [replace(due, until=until) for due in found]

    def put_off(self, checkout_id: str, *, up_to: datetime, until: datetime) -> None:
        """Set a checkout's timers to ``until`` that are not set to later than ``up_to``."""
        with self._lock:
            for timer, at in self._timers.items():
                if timer[0] == checkout_id and at <= up_to:
                    self._timers[timer] = until
                    self._since.setdefault(timer, at)

    def delayed(self, now: datetime, limit: int) -> Sequence[Due]:
        """Checkouts with timers that were put off and were due by ``now``, the longest first."""
        with self._lock:
            timers = sorted((since, *timer) for timer, since in self._since.items() if since <= now)
            found: dict[str, dict[str, datetime]] = {}
            for since, checkout_id, kind in timers[:limit]:
                found.setdefault(checkout_id, {})[kind] = since
            return [
                Due(checkout_id, mine, min(self._timers[checkout_id, kind] for kind in mine))
                for checkout_id, mine in found.items()
            ]

    def timers(self, checkout_id: str) -> Mapping[str, datetime]:
        """What must happen later for a checkout, by its kind, and when."""
        with self._lock:
            return {kind: at for (owner, kind), at in self._timers.items() if owner == checkout_id}

    def next_due(self) -> datetime | None:
        """When the first timer of all is due, be it past; None if there is none."""
        with self._lock:
            return min(self._timers.values(), default=None)

    def waiting(self, *, limit: int = 100) -> Sequence[str]:
        """Checkouts with a timer ``review``, that of the earliest first."""
        with self._lock:
            found = sorted(
                (at, checkout) for (checkout, kind), at in self._timers.items() if kind == "review"
            )
        return [checkout for _, checkout in found[:limit]]

    def latest(self, command: str, *, limit: int, among: int) -> Sequence[str]:
        """Checkouts to which a command was done last, the latest first, each once."""
        with self._lock:
            last = self._commands[: -among - 1 : -1]
        return list(dict.fromkeys(id_ for done, id_ in last if done == command))[:limit]

    def reset_timer(
        self, checkout_id: str, kind: str, *, at: datetime, version: int, to: datetime | None = None
    ) -> None:
        """Remove or move a timer still set to this moment, of a checkout still at this version."""
        with self._lock:
            is_known = len(self._journal.get(checkout_id, ())) == version
            if is_known and self._timers.get((checkout_id, kind)) == at:
                del self._timers[checkout_id, kind]
                self._since.pop((checkout_id, kind), None)
                if to is not None:
                    self._timers[checkout_id, kind] = to

    def checkouts(
        self,
        phases: Collection[str],
        *,
        after: str = "",
        limit: int = 100,
        since: datetime | None = None,
    ) -> Sequence[str]:
        """Ids of checkouts in these phases (all if empty), ordered, after an id."""
        with self._lock:
            return sorted(
                checkout_id
                for checkout_id, state in self._checkouts.items()
                if checkout_id > after
                and (not phases or state.phase in phases)
                and (since is None or self._journal[checkout_id][-1].at >= since)
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

    # People ---------------------------------------------------------------------------------------

    def find_people(
        self, kind: str, digests: Collection[str], now: datetime, *, limit: int = MOST_FOUND
    ) -> Sequence[str]:
        """Who is found by a trace, under any of these digests of it."""
        with self._lock:
            found = {
                row.subject
                for digest in digests
                for row in self._found.get((kind, digest), {}).values()
                if now < row.expires_at
            }
        return sorted(found)[:limit]

    def traces(self, subject_id: str) -> Sequence[DigestRow]:
        """By what a person is found."""
        with self._lock:
            mine = self._traces.get(subject_id, ())
            return [self._found[trace][subject_id] for trace in mine]

    def checkouts_of(self, subject_id: str) -> Sequence[str]:
        """Ids of the checkouts that belong to a person, ordered."""
        with self._lock:
            return sorted(self._belongs.get(subject_id, ()))

    def profile(self, subject_id: str) -> ProfileRow | None:
        """What is remembered of a person."""
        with self._lock:
            return self._profiles.get(subject_id)

    def consents(self, subject_id: str) -> Sequence[ConsentRow]:
        """What a person agreed to and took back, in the order in which it was written."""
        with self._lock:
            return tuple(row for row, _ in self._consents.get(subject_id, ()))

    def reads(self, subject_id: str) -> Sequence[ReadRow]:
        """When what was read of a person, in the order in which it was written."""
        with self._lock:
            return tuple(self._reads.get(subject_id, ()))

    def write_person(self, change: PersonChange) -> None:
        """Write all of a change about a person.

        Raises:
            StoreConflict: If the person's key is new in it and exists, or a field is and the key
                does not. Nothing was written.
        """
        person = change.subject
        with self._lock:
            new = () if change.key is None else (change.key,)
            self._check_about(new, change.vault)
            for key in new:
                self._add_key(key)
            for name in change.dropped:
                self._vault.get(person, {}).pop(name, None)
            self._write_about(change)

    def _lose_traces(self, person: str, traces: Iterable[tuple[str, str]]) -> None:
        for trace in traces:
            self._traces[person].remove(trace)
            del self._found[trace][person]

    def erase(self, erasure: ErasureRow) -> bool:
        """Destroy a person's key, with their fields, traces and profile, and keep the proof of it.

        Returns:
            False if there was none of these to destroy; nothing is written then.
        """
        person = erasure.subject
        with self._lock:
            traces = tuple(self._traces.get(person, ()))
            seen = tuple(self._seen_of.get(person, {}).values())
            is_known = person in self._subjects or person in self._profiles
            if not (traces or seen or is_known):
                return False
            self._lose_traces(person, traces)
            self._lose_sightings(seen)
            self._forget(person, erasure.at)
            self._erasures.setdefault(person, []).append(erasure)
            return True

    def _forget(self, person: str, at: datetime) -> None:
        if self._subjects.pop(person, None) is not None:
            self._end_consents(person, at + KEEP_CONSENTS)
        self._vault.pop(person, None)
        self._profiles.pop(person, None)

    def erasures(self, subject_id: str) -> Sequence[ErasureRow]:
        """The proofs that a person was erased, in the order in which it was written."""
        with self._lock:
            return tuple(self._erasures.get(subject_id, ()))

    def take_turn(self, limits: Sequence[Limit], now: datetime) -> bool:
        """Count one more of everything, unless that were too many of one of them.

        Returns:
            False if one is exhausted; nothing is counted then.
        """
        with self._lock:
            for limit in limits:
                since = now - timedelta(seconds=limit.window_s)
                if sum(at > since for at, _ in self._turns.get(limit.key, ())) >= limit.most:
                    return False
            for key, window in longest_windows(limits).items():
                self._turns.setdefault(key, []).append((now, now + window))
            return True

    def forget_expired(self, now: datetime, limit: int) -> Forgotten:
        """Remove what is over, and keys with their last field."""
        with self._lock:
            fields = _first(
                limit,
                (
                    (person, row.field)
                    for person, rows in self._vault.items()
                    for row in rows.values()
                    if row.expires_at <= now
                ),
            )
            for person, name in fields:
                del self._vault[person][name]
            gone = [
                person for person in {person for person, _ in fields} if not self._vault[person]
            ]
            for person in gone:
                self._forget(person, now)
            traces = _first(
                limit,
                (
                    (person, trace)
                    for trace, found in self._found.items()
                    for person, row in found.items()
                    if row.expires_at <= now
                ),
            )
            for person, trace in traces:
                self._lose_traces(person, [trace])
            turns = _first(
                limit,
                (
                    (key, turn)
                    for key, taken in self._turns.items()
                    for turn in taken
                    if turn[1] <= now
                ),
            )
            for key, turn in turns:
                self._turns[key].remove(turn)
            seen = _first(
                limit,
                (
                    row
                    for rows in self._seen_of.values()
                    for row in rows.values()
                    if row.expires_at <= now
                ),
            )
            self._lose_sightings(seen)
            listed = _first(
                limit, (key for key, row in self._listings.items() if row.expires_at <= now)
            )
            for listing in listed:
                del self._listings[listing]
            consents = _first(
                limit,
                (
                    (person, item)
                    for person, rows in self._consents.items()
                    for item in rows
                    if item[1] is not None and item[1] <= now
                ),
            )
            for person, item in consents:
                self._consents[person].remove(item)
            return Forgotten(
                fields=len(fields),
                digests=len(traces),
                people=len(gone),
                turns=len(turns),
                sightings=len(seen),
                listings=len(listed),
                consents=len(consents),
                reads=_forget_proofs(self._reads, now, limit),
                erasures=_forget_proofs(self._erasures, now, limit),
            )

    def keys_to_rewrap(self, key_id: str, *, after: str, limit: int) -> Sequence[SubjectKey]:
        """Persons' keys that another key of the shop than this one opens, after an id."""
        with self._lock:
            others = sorted(
                person
                for person, key in self._subjects.items()
                if key.key_id != key_id and person > after
            )
            return tuple(self._subjects[person] for person in others[:limit])

    def replace_key(self, old: SubjectKey, new: SubjectKey) -> bool:
        """Put another wrapping of a person's key in place, if the old one is still there."""
        with self._lock:
            if self._subjects.get(old.subject_id) != old:
                return False
            self._subjects[old.subject_id] = new
            return True


def _forget_proofs(kept: dict[str, list[_Proof]], now: datetime, limit: int) -> int:
    over = _first(
        limit,
        ((person, row) for person, rows in kept.items() for row in rows if row.expires_at <= now),
    )
    for person, row in over:
        kept[person].remove(row)
    return len(over)


def _first(limit: int, found: Iterable[_T]) -> list[_T]:
    """The first of what is found, before anything is changed."""
    return list(islice(found, limit))
