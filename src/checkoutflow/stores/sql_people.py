"""What the SQL store keeps of people: traces, profiles, proofs and limits."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from checkoutflow.errors import StoreConflict
from checkoutflow.privacy.vault import SubjectKey
from checkoutflow.stores.again import Undone, again
from checkoutflow.stores.contract import (
    KEEP_CONSENTS,
    MOST_FOUND,
    ConsentRow,
    DigestRow,
    ErasureRow,
    Forgotten,
    ProfileRow,
    ReadRow,
    longest_windows,
)
from checkoutflow.stores.databases import run_all
from checkoutflow.stores.schema import instant, moment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from sqlalchemy.engine.interfaces import DBAPICursor

    from checkoutflow.stores.contract import Change, Limit, PersonChange
    from checkoutflow.stores.databases import Database
    from checkoutflow.stores.statements import Statements


class SqlPeople:
    """The part of `SqlStore` that is about people."""

    _sql: Statements
    _database: Database

    if TYPE_CHECKING:  # what the store has

        def transaction(self, *, is_writing: bool) -> AbstractContextManager[DBAPICursor]:
            """One transaction."""

        def _transaction(self, *begin: str) -> AbstractContextManager[DBAPICursor]:
            """One transaction, or each statement for itself."""

        def _empty_log(self) -> None:
            """See that nothing of what was destroyed is left on disk, as far as can be now."""

    @again
    def _ask(self, statement: str, *values: object) -> Sequence[Any]:
        with self._transaction() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()

    @again
    def find_people(
        self, kind: str, digests: Collection[str], now: datetime, *, limit: int = MOST_FOUND
    ) -> Sequence[str]:
        """Who is found by a trace, under any of these digests of it."""
        found: set[str] = set()
        with self.transaction(is_writing=False) as cursor:
            for digest in digests:
                values = (kind, digest, instant(now), limit)
                cursor.execute(self._sql.find_people, values)
                found |= {subject for (subject,) in cursor.fetchall()}
        return sorted(found)[:limit]

    def traces(self, subject_id: str) -> Sequence[DigestRow]:
        """By what a person is found."""
        return [
            DigestRow(kind, digest, subject, moment(until))
            for kind, digest, subject, until in self._ask(self._sql.traces, subject_id)
        ]

    def checkouts_of(self, subject_id: str) -> Sequence[str]:
        """Ids of the checkouts that belong to a person, ordered."""
        return [found for (found,) in self._ask(self._sql.checkouts_of, subject_id)]

    def profile(self, subject_id: str) -> ProfileRow | None:
        """What is remembered of a person."""
        for subject, choices, at, restricted in self._ask(self._sql.profile, subject_id):
            since = None if restricted is None else moment(restricted)
            return ProfileRow(subject, json.loads(choices), moment(at), since)
        return None

    def consents(self, subject_id: str) -> Sequence[ConsentRow]:
        """What a person agreed to and took back, in the order in which it was written."""
        return [
            ConsentRow(subject, kind, bool(is_given), moment(at), text, locale, proof)
            for subject, at, kind, is_given, text, locale, proof in self._ask(
                self._sql.consents, subject_id
            )
        ]

    def reads(self, subject_id: str) -> Sequence[ReadRow]:
        """When what was read of a person, in the order in which it was written."""
        return [
            ReadRow(subject, moment(at), purpose, tuple(fields.split()), by)
            for subject, at, purpose, fields, by in self._ask(self._sql.reads, subject_id)
        ]

    @again
    def write_person(self, change: PersonChange) -> None:
        """Write all of a change about a person.

        Raises:
            StoreConflict: If the person's key is new in it and exists, or a field is and the key
                does not. Nothing was written.
        """
        sql, person = self._sql, change.subject
        with self.transaction(is_writing=True) as cursor:
            if (key := change.key) is not None:
                values = (key.subject_id, key.wrapped_key, key.key_id)
                cursor.execute(sql.insert_subject, values)
                cursor.execute(sql.keep_consents, (key.subject_id,))
            for name in change.dropped:
                cursor.execute(sql.delete_field, (person, name))
            run_all(self._database, cursor, self._about(change))

    def _about(self, change: Change | PersonChange) -> Iterator[tuple[str, tuple[object, ...]]]:
        """What a change says about people, however it came, as statements and values."""
        sql = self._sql
        for field in change.vault:
            purposes, until = " ".join(field.purposes), instant(field.expires_at)
            values = (field.subject_id, field.field, field.ciphertext, purposes, until)
            yield sql.set_vault, values
        for kind in change.traces:
            yield sql.delete_traces, (change.retraced, kind)
        for digest in change.digests:
            until = instant(digest.expires_at)
            yield sql.set_digest, (digest.kind, digest.digest, digest.subject, until)
        for consent in change.consents:
            yield (
                sql.append_consent,
                (
                    consent.subject,
                    instant(consent.at),
                    consent.kind,
                    int(consent.is_given),
                    consent.text,
                    consent.locale,
                    consent.proof,
                    None,
                    consent.subject,
                ),
            )
            yield sql.end_consents, (instant(consent.at + KEEP_CONSENTS), consent.subject)
        for read in change.reads:
            fields = " ".join(read.fields)
            yield (
                sql.append_read,
                (
                    read.subject,
                    instant(read.at),
                    read.purpose,
                    fields,
                    read.by,
                    instant(read.expires_at),
                    read.subject,
                ),
            )
        if (profile := change.profile) is not None:
            since = None if profile.restricted_at is None else instant(profile.restricted_at)
            choices = json.dumps(dict(profile.choices), sort_keys=True)
            yield (
                sql.set_profile,
                (profile.subject, choices, instant(profile.updated_at), since),
            )

    @again
    def erase(self, erasure: ErasureRow) -> bool:
        """Destroy a person's key, with their fields, traces and profile, and keep the proof of it.

        Returns:
            False if there was none of these to destroy; nothing is written then.
        """
        sql, person = self._sql, erasure.subject
        until = None if erasure.until is None else instant(erasure.until)
        kept = " ".join(erasure.kept)
        end = instant(erasure.expires_at)
        proof = (person, instant(erasure.at), erasure.reason, kept, until, end, person)
        # The fields before the key that they point at.
        everything = (
            sql.delete_fields,
            sql.delete_subject,
            sql.delete_digests,
            sql.delete_profile,
            sql.delete_sightings,
        )
        try:
            with self.transaction(is_writing=True) as cursor:
                destroyed = 0
                for statement in everything:
                    cursor.execute(statement, (person,))
                    destroyed += cursor.rowcount
                if not destroyed:
                    return False
                cursor.execute(sql.append_erasure, proof)
                cursor.execute(sql.end_consents, (instant(erasure.at + KEEP_CONSENTS), person))
        except StoreConflict as error:
            # Something was written about them after we looked; now it is there to be seen.
            raise Undone("somebody else wrote about this person; try again") from error
        self._empty_log()
        return True

    def erasures(self, subject_id: str) -> Sequence[ErasureRow]:
        """The proofs that a person was erased, in the order in which it was written."""
        return [
            ErasureRow(
                subject,
                moment(at),
                reason,
                tuple(kept.split()),
                None if until is None else moment(until),
            )
            for subject, at, reason, kept, until in self._ask(self._sql.erasures, subject_id)
        ]

    @again
    def take_turn(self, limits: Sequence[Limit], now: datetime) -> bool:
        """Count one more of everything, unless that were too many of one of them.

        Returns:
            False if one is exhausted; nothing is counted then.
        """
        sql, at = self._sql, instant(now)
        with self.transaction(is_writing=True) as cursor:
            for limit in limits:
                since = now - timedelta(seconds=limit.window_s)
                cursor.execute(sql.turns, (limit.key, instant(since)))
                ((count,),) = cursor.fetchall()
                if count >= limit.most:
                    return False
            for key, window in longest_windows(limits).items():
                cursor.execute(sql.append_turn, (key, at, instant(now + window), key, at))
        return True

    @again
    def forget_expired(self, now: datetime, limit: int) -> Forgotten:
        """Remove what is over, and keys with their last field."""
        sql, at = self._sql, instant(now)
        found = []
        with self.transaction(is_writing=False) as cursor:
            for expired in (
                sql.expired_fields,
                sql.expired_digests,
                sql.expired_turns,
                sql.expired_consents,
                sql.expired_reads,
                sql.expired_erasures,
                sql.expired_sightings,
                sql.expired_listings,
            ):
                cursor.execute(expired, (at, limit))
                found.append(cursor.fetchall())
        if not any(found):
            return Forgotten()  # most often: nobody waits for a writer then
        fields, digests, turns, consents, reads, erasures, sightings, listings = found
        with self.transaction(is_writing=True) as cursor:
            gone = _delete(cursor, sql.forget_field, [(*field, at) for field in fields])
            people = 0
            for subject in sorted({subject for subject, _ in fields}):
                cursor.execute(sql.any_field, (subject, 1))
                if not cursor.fetchall():
                    people += _delete(cursor, sql.delete_subject, [(subject,)])
                    cursor.execute(sql.delete_profile, (subject,))
                    cursor.execute(sql.end_consents, (instant(now + KEEP_CONSENTS), subject))
            if consents or reads or erasures:
                cursor.execute(sql.set_swept, (at,))
            forgotten = Forgotten(
                fields=gone,
                digests=_delete(cursor, sql.forget_digest, [(*row, at) for row in digests]),
                people=people,
                turns=_delete(cursor, sql.delete_turn, turns),
                sightings=_delete(cursor, sql.delete_sighting, sightings),
                listings=_delete(cursor, sql.forget_listing, [(*row, at) for row in listings]),
                consents=_delete(cursor, sql.forget_consent, [(*row, at) for row in consents]),
                reads=_delete(cursor, sql.forget_read, [(*row, at) for row in reads]),
                erasures=_delete(cursor, sql.forget_erasure, [(*row, at) for row in erasures]),
            )
        if people:
            self._empty_log()
        return forgotten

    def fields_by_month(self) -> Sequence[tuple[str, bool, int, int]]:
        """How many fields go in which month (``2026-11``), and of how many; in the books apart."""
        return [
            (month, bool(in_books), fields, people)
            for month, in_books, fields, people in self._ask(self._sql.fields_by_month)
        ]

    def keys_to_rewrap(self, key_id: str, *, after: str, limit: int) -> Sequence[SubjectKey]:
        """Persons' keys that another key of the shop than this one opens, after an id."""
        return [
            SubjectKey(*row) for row in self._ask(self._sql.keys_to_rewrap, after, key_id, limit)
        ]

    @again
    def replace_key(self, old: SubjectKey, new: SubjectKey) -> bool:
        """Put another wrapping of a person's key in place, if the old one is still there."""
        values = (new.wrapped_key, new.key_id, old.subject_id, old.wrapped_key, old.key_id)
        with self.transaction(is_writing=True) as cursor:
            cursor.execute(self._sql.replace_key, values)
            return bool(cursor.rowcount)


def _delete(cursor: DBAPICursor, statement: str, rows: Iterable[tuple[object, ...]]) -> int:
    """Delete rows one by one, and say how many were there."""
    count = 0
    for row in rows:
        cursor.execute(statement, row)
        count += cursor.rowcount
    return count
