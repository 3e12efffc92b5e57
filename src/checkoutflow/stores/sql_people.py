"""What the SQL store keeps of people: traces, profiles, proofs and limits."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from checkoutflow.privacy.vault import SubjectKey
from checkoutflow.stores.contract import (
    ConsentRow,
    ErasureRow,
    Forgotten,
    ProfileRow,
    ReadRow,
)
from checkoutflow.stores.schema import instant, moment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from sqlalchemy.engine.interfaces import DBAPICursor

    from checkoutflow.stores.contract import Change, Limit, PersonChange
    from checkoutflow.stores.statements import Statements

_MOST_FOUND = 10


class SqlPeople:
    """The part of `SqlStore` that is about people."""

    _sql: Statements

    def transaction(self, *, is_writing: bool) -> AbstractContextManager[DBAPICursor]:
        """One transaction."""
        raise NotImplementedError

    def _rows(self, statement: str, *values: object) -> Sequence[Any]:
        with self.transaction(is_writing=False) as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()

    def find_people(self, kind: str, digests: Collection[str], now: datetime) -> Sequence[str]:
        """Who is found by a trace, under any of these digests of it."""
        found: set[str] = set()
        with self.transaction(is_writing=False) as cursor:
            for digest in digests:
                values = (kind, digest, instant(now), _MOST_FOUND)
                cursor.execute(self._sql.find_people, values)
                found |= {subject for (subject,) in cursor.fetchall()}
        return sorted(found)[:_MOST_FOUND]

    def checkouts_of(self, subject_id: str) -> Sequence[str]:
        """Ids of the checkouts that belong to a person, ordered."""
        return [found for (found,) in self._rows(self._sql.checkouts_of, subject_id)]

    def profile(self, subject_id: str) -> ProfileRow | None:
        """What is remembered of a person."""
        for subject, choices, at, restricted in self._rows(self._sql.profile, subject_id):
            since = None if restricted is None else moment(restricted)
            return ProfileRow(subject, json.loads(choices), moment(at), since)
        return None

    def consents(self, subject_id: str) -> Sequence[ConsentRow]:
        """What a person agreed to and took back, in order."""
        return [
            ConsentRow(subject, kind, bool(is_given), moment(at), text, locale, proof)
            for subject, at, kind, is_given, text, locale, proof in self._rows(
                self._sql.consents, subject_id
            )
        ]

    def reads(self, subject_id: str) -> Sequence[ReadRow]:
        """When what was read of a person, in order."""
        return [
            ReadRow(subject, moment(at), purpose, tuple(fields.split()), by)
            for subject, at, purpose, fields, by in self._rows(self._sql.reads, subject_id)
        ]

    def write_person(self, change: PersonChange) -> None:
        """Write all of a change about a person.

        Raises:
            StoreConflict: If the person's key is new in it and exists. Nothing was written.
        """
        sql, person = self._sql, change.subject
        with self.transaction(is_writing=True) as cursor:
            if (key := change.key) is not None:
                values = (key.subject_id, key.wrapped_key, key.key_id)
                cursor.execute(sql.insert_subject, values)
            for name in change.dropped:
                cursor.execute(sql.delete_field, (person, name))
            for kind in change.traces:
                cursor.execute(sql.delete_traces, (person, kind))
            for statement, row in self._about(change):
                cursor.execute(statement, row)

    def _about(self, change: Change | PersonChange) -> Iterator[tuple[str, tuple[object, ...]]]:
        """What a change says about people, however it came, as statements and values."""
        sql = self._sql
        for field in change.vault:
            purposes, until = " ".join(field.purposes), instant(field.expires_at)
            values = (field.subject_id, field.field, field.ciphertext, purposes, until)
            yield sql.set_vault, values
        for digest in change.digests:
            until = instant(digest.expires_at)
            yield sql.set_digest, (digest.kind, digest.digest, digest.subject, until)
        for consent in change.consents:
            yield (
                sql.insert_consent,
                (
                    consent.subject,
                    instant(consent.at),
                    consent.kind,
                    int(consent.is_given),
                    consent.text,
                    consent.locale,
                    consent.proof,
                ),
            )
        for read in change.reads:
            fields = " ".join(read.fields)
            yield (
                sql.insert_read,
                (read.subject, instant(read.at), read.purpose, fields, read.by),
            )
        if (profile := change.profile) is not None:
            since = None if profile.restricted_at is None else instant(profile.restricted_at)
            choices = json.dumps(dict(profile.choices), sort_keys=True)
            yield (
                sql.set_profile,
                (profile.subject, choices, instant(profile.updated_at), since),
            )

    def erase(self, erasure: ErasureRow) -> bool:
        """Destroy a person's key, with their fields, traces and profile; keep the proof.

        Returns:
            False if there was nothing to destroy; nothing is written then.
        """
        sql, person = self._sql, erasure.subject
        with self.transaction(is_writing=True) as cursor:
            # The fields first: they point at the key.
            cursor.execute(sql.delete_fields, (person,))
            cursor.execute(sql.delete_subject, (person,))
            if cursor.rowcount == 0:
                return False
            cursor.execute(sql.delete_digests, (person,))
            cursor.execute(sql.delete_profile, (person,))
            until = None if erasure.until is None else instant(erasure.until)
            kept = " ".join(erasure.kept)
            proof = (person, instant(erasure.at), erasure.reason, kept, until)
            cursor.execute(sql.insert_erasure, proof)
        return True

    def erasures(self, subject_id: str) -> Sequence[ErasureRow]:
        """The proofs that a person was erased."""
        return [
            ErasureRow(
                subject,
                moment(at),
                reason,
                tuple(kept.split()),
                None if until is None else moment(until),
            )
            for subject, at, reason, kept, until in self._rows(self._sql.erasures, subject_id)
        ]

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
            for limit in limits:
                cursor.execute(sql.last_turn, (limit.key, at))
                ((last,),) = cursor.fetchall()
                until = instant(now + timedelta(seconds=limit.window_s))
                place = 0 if last is None else last + 1
                cursor.execute(sql.insert_turn, (limit.key, at, place, until))
        return True

    def forget_expired(self, now: datetime, limit: int) -> Forgotten:
        """Remove what is over: fields, traces, turns, and the keys that open nothing any more."""
        sql, over = self._sql, (instant(now), limit)
        with self.transaction(is_writing=False) as cursor:
            cursor.execute(sql.expired_fields, over)
            fields = cursor.fetchall()
            cursor.execute(sql.expired_digests, over)
            digests = cursor.fetchall()
            cursor.execute(sql.expired_turns, over)
            turns = cursor.fetchall()
        if not (fields or digests or turns):
            return Forgotten(0, 0, 0)  # most often: nobody waits for a writer then
        people = 0
        with self.transaction(is_writing=True) as cursor:
            for field in fields:
                cursor.execute(sql.delete_field, field)
            for subject in sorted({subject for subject, _ in fields}):
                cursor.execute(sql.any_field, (subject, 1))
                if not cursor.fetchall():
                    cursor.execute(sql.delete_subject, (subject,))
                    cursor.execute(sql.delete_profile, (subject,))
                    people += 1
            for digest in digests:
                cursor.execute(sql.delete_digest, digest)
            for turn in turns:
                cursor.execute(sql.delete_turn, turn)
        return Forgotten(len(fields), len(digests), people)

    def keys_to_rewrap(self, key_id: str, *, after: str, limit: int) -> Sequence[SubjectKey]:
        """Persons' keys that another key of the shop than this one opens, after an id."""
        return [
            SubjectKey(*row) for row in self._rows(self._sql.keys_to_rewrap, after, key_id, limit)
        ]

    def replace_key(self, old: SubjectKey, new: SubjectKey) -> bool:
        """Put another wrapping of a person's key in place, if the old one is still there."""
        values = (new.wrapped_key, new.key_id, old.subject_id, old.wrapped_key, old.key_id)
        with self.transaction(is_writing=True) as cursor:
            cursor.execute(self._sql.replace_key, values)
            return bool(cursor.rowcount)
