"""Every statement of the SQL store, written once for all databases and compiled once for each.

Values go in by position: for an INSERT in the order of the table's columns, else in the order in
which the statement names them.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import (
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.schema import CreateIndex, CreateTable

from checkoutflow.stores import schema
from checkoutflow.stores.databases import database

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ClauseElement, Column, ColumnElement, GenerativeSelect, Select, Table

    from checkoutflow.stores.databases import Database

_Query = TypeVar("_Query", bound="GenerativeSelect")


class Statements:
    """The statements as the driver takes them."""

    def __init__(self, database: Database) -> None:
        """Compile them for a kind of database."""
        self._database = database
        checkouts, journal = schema.CHECKOUTS, schema.JOURNAL
        attempts, outbox, vault = schema.ATTEMPTS, schema.OUTBOX, schema.VAULT
        idempotency, subjects = schema.IDEMPOTENCY, schema.SUBJECTS

        self.create = self._creation()
        self.version = self._sql(select(schema.SCHEMA.c.version))
        self.insert_version = self._sql(insert(schema.SCHEMA).values(version=bindparam("version")))

        self.insert_checkout = self._sql(insert(checkouts))
        facts = list(checkouts.c)[1:]
        self.update_checkout = self._update(checkouts, facts)
        self.update_in_phase = self._update(checkouts, facts[1:])
        self.insert_entry = self._sql(insert(journal))
        self.set_attempt = self._upsert(attempts, fixed=("provider", "payment"))
        self.insert_idempotency = self._sql(insert(idempotency))
        self.insert_subject = self._sql(insert(subjects))
        self.set_vault = self._upsert(vault)
        self.insert_message = self._sql(insert(outbox))
        self.keep_notice = self._sql(self._database.insert(schema.NOTICES).on_conflict_do_nothing())
        self.delete_message = self._sql(
            delete(outbox).where(
                _is(outbox, "checkout_id"), _is(outbox, "version"), _is(outbox, "kind")
            )
        )

        self.load = self._sql(select(checkouts.c.state).where(_is(checkouts, "id")))
        self.journal = self._sql(
            select(journal.c.version, journal.c.at, journal.c.command, journal.c.events)
            .where(_is(journal, "checkout_id"))
            .order_by(journal.c.version)
        )
        self.entry = self._sql(
            select(journal.c.at, journal.c.command, journal.c.events).where(
                _is(journal, "checkout_id"), _is(journal, "version")
            )
        )
        self.idempotent = self._sql(select(idempotency).where(_is(idempotency, "key")))
        health = schema.HEALTH
        self.health = self._sql(select(health).where(_is(health, "provider")))
        self.set_health = self._upsert(health)
        self.clear_health = self._sql(delete(health).where(_is(health, "provider")))
        notices = schema.NOTICES
        self.has_notice = self._sql(
            select(notices.c.id).where(_is(notices, "provider"), _is(notices, "id"))
        )
        self.find_payment = self._sql(
            select(attempts.c.checkout_id)
            .where(_is(attempts, "provider"), _is(attempts, "payment"))
            .distinct()
        )
        # A key without fields is one row, and there are no fields without a key.
        self.person = self._sql(
            select(subjects.c.wrapped_key, subjects.c.key_id, *list(vault.c)[1:])
            .outerjoin(vault, vault.c.subject_id == subjects.c.id)
            .where(_is(subjects, "id"))
            .order_by(vault.c.field)
        )
        ids = select(checkouts.c.id).order_by(checkouts.c.id)
        after = checkouts.c.id > bindparam("after")
        in_phase = ids.where(_is(checkouts, "phase"), after)
        since = checkouts.c.updated_at >= bindparam("since")
        self.checkouts = self._sql(_first(ids.where(after)))
        self.checkouts_since = self._sql(_first(ids.where(after, since)))
        self.checkouts_in_phase = self._sql(_first(in_phase))
        self.checkouts_in_phase_since = self._sql(_first(in_phase.where(since)))
        self.messages = self._sql(
            _first(
                select(outbox.c.checkout_id, outbox.c.version, outbox.c.kind).order_by(
                    outbox.c.at, outbox.c.checkout_id, outbox.c.version, outbox.c.place
                )
            )
        )

        self._about_timers()
        self._about_invoices()
        self._about_cards()
        self._about_people()
        self._about_orders()

    def _about_timers(self) -> None:
        checkouts, timers = schema.CHECKOUTS, schema.TIMERS
        self.set_timer = self._upsert(timers)
        self.delete_timer = self._sql(
            delete(timers).where(_is(timers, "checkout_id"), _is(timers, "kind"))
        )
        self.waiting = self._sql(
            _first(
                select(timers.c.checkout_id)
                .where(timers.c.kind == literal_column("'review'"))
                .order_by(timers.c.due_at, timers.c.checkout_id)
            )
        )
        self.lock_checkout = self._sql(
            select(checkouts.c.version).where(_is(checkouts, "id")).with_for_update()
        )
        still = (
            _is(timers, "checkout_id"),
            _is(timers, "kind"),
            _is(timers, "due_at"),
            exists().where(_is(checkouts, "id"), _is(checkouts, "version")),
        )
        self.clear_timer = self._sql(delete(timers).where(*still))
        self.move_timer = self._sql(
            update(timers).values(due_at=bindparam("to"), since=null()).where(*still)
        )
        self.put_off = self._sql(
            update(timers)
            .values(due_at=bindparam("until"), since=func.coalesce(timers.c.since, timers.c.due_at))
            .where(_is(timers, "checkout_id"), timers.c.due_at <= bindparam("up_to"))
        )
        self.timers = self._sql(
            select(timers.c.kind, timers.c.due_at).where(_is(timers, "checkout_id"))
        )
        self.due_of = self._sql(
            select(timers.c.kind, timers.c.due_at).where(
                _is(timers, "checkout_id"), timers.c.due_at <= bindparam("now")
            )
        )
        self.next_due = self._sql(select(func.min(timers.c.due_at)))
        self.delayed = self._sql(
            _first(
                select(timers.c.checkout_id, timers.c.kind, timers.c.since, timers.c.due_at)
                .where(timers.c.since <= bindparam("now"))
                .order_by(timers.c.since, timers.c.checkout_id)
            )
        )
        self.due = self._due()
        self.lease_due = self._lease_due()

    def _about_invoices(self) -> None:
        series = schema.SERIES
        self.insert_invoice = self._sql(insert(series))
        # Whoever issues waits for whoever issues: for the one row that is always there.
        self.lock_series = self._sql(select(schema.SCHEMA.c.version).with_for_update())
        self.last_number = self._sql(select(func.max(series.c.number)))
        self.find_invoice = self._sql(
            select(series.c.checkout_id).where(_is(series, "scheme"), _is(series, "reference"))
        )

    def _about_cards(self) -> None:
        cards, ledger = schema.GIFT_CARDS, schema.LEDGER
        self.card = self._sql(select(cards).where(_is(cards, "id")))
        self.set_card = self._upsert(cards)
        self.insert_move = self._sql(insert(ledger))
        self.moves = self._sql(select(ledger).where(_is(ledger, "payment")).order_by(ledger.c.at))
        self.issued = self._sql(
            select(ledger.c.amount_minor, ledger.c.currency).where(
                _is(ledger, "card_id"), _is(ledger, "payment"), _is(ledger, "key")
            )
        )
        self.free = self._sql(select(func.sum(ledger.c.freed)).where(_is(ledger, "card_id")))

    def _about_people(self) -> None:
        digests, profiles, subjects = schema.DIGESTS, schema.PROFILES, schema.SUBJECTS
        vault, turns, belongs = schema.VAULT, schema.TURNS, schema.BELONGS
        self.set_digest = self._upsert(digests)
        self.find_people = self._sql(
            _first(
                select(digests.c.subject_id)
                .where(
                    _is(digests, "kind"),
                    _is(digests, "digest"),
                    digests.c.expires_at > bindparam("now"),
                )
                .order_by(digests.c.subject_id)
            )
        )
        self.traces = self._sql(select(digests).where(_is(digests, "subject_id")))
        self.delete_digests = self._sql(delete(digests).where(_is(digests, "subject_id")))
        self.delete_traces = self._sql(
            delete(digests).where(_is(digests, "subject_id"), _is(digests, "kind"))
        )
        self.insert_belonging = self._sql(self._database.insert(belongs).on_conflict_do_nothing())
        self.checkouts_of = self._sql(
            select(belongs.c.checkout_id)
            .where(_is(belongs, "subject_id"))
            .order_by(belongs.c.checkout_id)
        )
        self.set_profile = self._upsert(profiles)
        self.profile = self._sql(select(profiles).where(_is(profiles, "subject_id")))
        self.delete_profile = self._sql(delete(profiles).where(_is(profiles, "subject_id")))
        consents, reads, erasures = schema.CONSENTS, schema.READS, schema.ERASURES
        self.append_consent, self.consents = self._append(consents), self._in_order(consents)
        self.append_read, self.reads = self._append(reads), self._in_order(reads)
        self.append_erasure, self.erasures = self._append(erasures), self._in_order(erasures)
        self.keep_consents = self._sql(
            update(consents).values(expires_at=null()).where(_is(consents, "subject_id"))
        )
        self.end_consents = self._sql(
            update(consents)
            .values(expires_at=bindparam("end"))
            .where(
                _is(consents, "subject_id"),
                consents.c.expires_at.is_(None),
                ~exists().where(subjects.c.id == consents.c.subject_id),
            )
        )
        self.set_swept = self._sql(update(schema.SCHEMA).values(swept_at=bindparam("now")))
        self.expired_consents, self.forget_consent = self._over(consents)
        self.expired_reads, self.forget_read = self._over(reads)
        self.expired_erasures, self.forget_erasure = self._over(erasures)
        self.delete_subject = self._sql(delete(subjects).where(_is(subjects, "id")))
        self.delete_fields = self._sql(delete(vault).where(_is(vault, "subject_id")))
        self.delete_field = self._sql(
            delete(vault).where(_is(vault, "subject_id"), _is(vault, "field"))
        )
        self.expired_fields = self._sql(
            _first(
                select(vault.c.subject_id, vault.c.field)
                .where(vault.c.expires_at <= bindparam("now"))
                .order_by(vault.c.expires_at)
            )
        )
        self.expired_digests = self._sql(
            _first(
                select(digests.c.kind, digests.c.digest, digests.c.subject_id)
                .where(digests.c.expires_at <= bindparam("now"))
                .order_by(digests.c.expires_at)
            )
        )
        # What was written anew since it was found to be over is not over.
        self.forget_field = self._sql(
            delete(vault).where(
                _is(vault, "subject_id"),
                _is(vault, "field"),
                vault.c.expires_at <= bindparam("now"),
            )
        )
        self.forget_digest = self._sql(
            delete(digests).where(
                _is(digests, "kind"),
                _is(digests, "digest"),
                _is(digests, "subject_id"),
                digests.c.expires_at <= bindparam("now"),
            )
        )
        self.any_field = self._sql(_first(select(vault.c.field).where(_is(vault, "subject_id"))))
        self.turns = self._sql(
            select(func.count()).where(_is(turns, "key"), turns.c.at > bindparam("since"))
        )
        self.append_turn = self._append(turns)
        self.expired_turns = self._sql(
            _first(
                select(turns.c.key, turns.c.at, turns.c.place)
                .where(turns.c.expires_at <= bindparam("now"))
                .order_by(turns.c.expires_at)
            )
        )
        self.delete_turn = self._sql(
            delete(turns).where(_is(turns, "key"), _is(turns, "at"), _is(turns, "place"))
        )
        month: ColumnElement[str] = literal_column(self._database.MONTH_OF_EXPIRY)
        is_books = vault.c.subject_id.like(literal_column("'%.books'"))
        of = func.count(vault.c.subject_id.distinct())
        self.fields_by_month = self._sql(
            select(month.label("month"), is_books.label("books"), func.count(), of)
            .group_by("month", "books")
            .order_by("month")
        )
        self.keys_to_rewrap = self._sql(
            _first(
                select(subjects)
                .where(subjects.c.id > bindparam("after"), subjects.c.key_id != bindparam("key"))
                .order_by(subjects.c.id)
            )
        )
        self.replace_key = self._sql(
            update(subjects)
            .values(wrapped_key=bindparam("new_key"), key_id=bindparam("new_id"))
            .where(
                _is(subjects, "id"),
                subjects.c.wrapped_key == bindparam("old_key"),
                subjects.c.key_id == bindparam("old_id"),
            )
        )

    def _about_orders(self) -> None:
        """What orders are seen again by."""
        seen, values, listings = schema.SIGHTINGS, schema.VALUES, schema.LISTINGS
        # The journal is only added to, and its end is what came last.
        journal = schema.JOURNAL
        last = self._database.LAST
        places: dict[str, ColumnElement[int]] = {name: literal_column(name) for name in last}
        first = _first(
            select(
                journal.c.checkout_id,
                journal.c.command,
                *(place.label(f"place_{name}") for name, place in places.items()),
            ).order_by(*(place.desc() for place in places.values())),
            "among",
        ).subquery("first")
        self.latest = self._sql(
            _first(
                select(first.c.checkout_id)
                .where(first.c.command == bindparam("command"))
                .group_by(first.c.checkout_id)
                .order_by(*(func.max(first.c[f"place_{name}"]).desc() for name in last))
            )
        )
        self.set_sighting = self._upsert(seen)
        self.sightings = self._sql(select(seen).where(_is(seen, "subject_id")))
        some = _first(
            select(seen.c.at).where(
                _is(seen, "kind"),
                _is(seen, "digest"),
                _is(seen, "fate"),
                seen.c.at > bindparam("since"),
                seen.c.subject_id != bindparam("apart_from"),
            )
        )
        self._count_sightings = self._sql(select(func.count()).select_from(some.subquery("first")))
        self.delete_sightings = self._sql(delete(seen).where(_is(seen, "subject_id")))
        self.delete_fate = self._sql(delete(seen).where(_is(seen, "subject_id"), _is(seen, "fate")))
        self.expired_sightings = self._sql(
            _first(
                select(*seen.primary_key)
                .where(seen.c.expires_at <= bindparam("now"))
                .order_by(seen.c.expires_at)
            )
        )
        self.delete_sighting = self._sql(
            delete(seen).where(*(_is(seen, column.name) for column in seen.primary_key))
        )
        add = self._database.insert(values)
        self.add_value = self._sql(
            add.on_conflict_do_update(
                index_elements=values.primary_key,
                set_={"orders": values.c.orders + add.excluded.orders},
            )
        )
        self.values = self._sql(
            select(values.c.band, values.c.orders).where(_is(values, "currency"))
        )
        self._listed = self._sql(
            select(listings).where(
                _is(listings, "kind"),
                _is(listings, "value"),
                listings.c.expires_at > bindparam("now"),
            )
        )
        name = tuple_(listings.c.kind, listings.c.value)
        after = tuple_(bindparam("after_kind"), bindparam("after_value"))
        self.listings = self._sql(
            _first(select(listings).where(name > after).order_by(listings.c.kind, listings.c.value))
        )
        self.set_listing = self._upsert(listings)
        one = (_is(listings, "kind"), _is(listings, "value"))
        self.delete_listing = self._sql(delete(listings).where(*one))
        self.expired_listings = self._sql(
            _first(
                select(listings.c.kind, listings.c.value)
                .where(listings.c.expires_at <= bindparam("now"))
                .order_by(listings.c.expires_at)
            )
        )
        self.forget_listing = self._sql(
            delete(listings).where(*one, listings.c.expires_at <= bindparam("now"))
        )

    def count_sightings(self, times: int) -> str:
        """Counts so many kinds of sightings, the figures in one row."""
        return "SELECT " + ", ".join([f"({self._count_sightings})"] * times)

    def listed(self, times: int) -> str:
        """Looks so many items up in the lists."""
        return " UNION ALL ".join([self._listed] * times)

    def _sql(self, statement: ClauseElement) -> str:
        return str(statement.compile(dialect=self._database.DIALECT))

    def _update(self, checkouts: Table, facts: Sequence[Column[Any]]) -> str:
        """Write a checkout that stands as it was read. An index on a fact is written with it."""
        return self._sql(
            update(checkouts)
            .values({column: bindparam(f"new_{column.name}") for column in facts})
            .where(checkouts.c.id == bindparam("id"), checkouts.c.version == bindparam("read"))
        )

    def _upsert(self, table: Table, *, fixed: Collection[str] = ()) -> str:
        """Insert a row, or write it anew but for what never changes of it."""
        statement = self._database.insert(table)
        new = {
            column.name: statement.excluded[column.name]
            for column in table.c
            if not column.primary_key and column.name not in fixed
        }
        return self._sql(
            statement.on_conflict_do_update(index_elements=table.primary_key, set_=new)
        )

    def _append(self, table: Table) -> str:
        """Insert a row at the next place among those that share the rest of its key.

        Its values are the row without the place, and then the rest of the key again.
        """
        last = func.coalesce(func.max(table.c.place), literal_column("0"))
        row = [
            bindparam(f"new_{column.name}", type_=column.type)
            if column is not table.c.place
            else last + literal_column("1")
            for column in table.c
        ]
        rest = [column for column in table.primary_key if column is not table.c.place]
        key = [_is(table, column.name) for column in rest]
        return self._sql(insert(table).from_select(list(table.c), select(*row).where(*key)))

    def _over(self, table: Table) -> tuple[str, str]:
        """Ask for the first proofs that are over, and remove one of them if it still is."""
        is_over = table.c.expires_at <= bindparam("now")
        found = (
            select(table.c.subject_id, table.c.place).where(is_over).order_by(table.c.expires_at)
        )
        gone = delete(table).where(_is(table, "subject_id"), _is(table, "place"), is_over)
        return self._sql(_first(found)), self._sql(gone)

    def _in_order(self, table: Table) -> str:
        """Ask for a person's rows of such a table, without their places and ends."""
        columns = [column for column in table.c if column.name not in {"place", "expires_at"}]
        return self._sql(select(*columns).where(_is(table, "subject_id")).order_by(table.c.place))

    def _due(self) -> str:
        """Ask for the due timers of the longest overdue checkouts.

        A checkout's place is that of its earliest timer. Only those rows count against the limit,
        so the index on the time is read no further than needed, however much is overdue.
        """
        timers = schema.TIMERS
        first = self._overdue(timers.c.checkout_id, timers.c.due_at).subquery("first")
        return self._sql(
            select(timers.c.checkout_id, timers.c.kind, timers.c.due_at)
            .join(first, first.c.checkout_id == timers.c.checkout_id)
            .where(timers.c.due_at <= bindparam("now"))
            .order_by(first.c.due_at, first.c.checkout_id)
        )

    def _lease_due(self) -> str:
        """Ask for the longest overdue checkouts that nobody else is about to take.

        A database that locks rows locks these, and passes by what others have locked. SQLite has
        one writer at a time and needs neither.
        """
        timers = schema.TIMERS
        locked = self._overdue(timers.c.checkout_id).with_for_update(of=timers, skip_locked=True)
        return self._sql(locked)

    def _overdue(self, *columns: Column[Any]) -> Select[Any]:
        """The earliest due timers of as many checkouts."""
        timers, earlier = schema.TIMERS, schema.TIMERS.alias("earlier")
        return _first(
            select(*columns)
            .where(
                timers.c.due_at <= bindparam("now"),
                ~exists().where(
                    earlier.c.checkout_id == timers.c.checkout_id,
                    or_(
                        earlier.c.due_at < timers.c.due_at,
                        and_(earlier.c.due_at == timers.c.due_at, earlier.c.kind < timers.c.kind),
                    ),
                ),
            )
            .order_by(timers.c.due_at, timers.c.checkout_id)
        )

    def _creation(self) -> tuple[str, ...]:
        tables = schema.METADATA.sorted_tables
        indexes = [index for table in tables for index in sorted(table.indexes, key=str)]
        return (
            *(self._sql(CreateTable(table)) for table in tables),
            *(self._sql(CreateIndex(index)) for index in indexes),
            *self._database.GUARDS,
        )


@cache
def statements(name: str) -> Statements:
    """The statements for a kind of database, compiled when they are first needed."""
    return Statements(database(name))


def _is(table: Table, name: str) -> ColumnElement[bool]:
    return table.c[name] == bindparam(f"this_{name}")


def _first(query: _Query, most: str = "limit") -> _Query:
    # Without an offset in the text, SQLAlchemy gives SQLite one more value to fill in.
    return query.limit(bindparam(most)).offset(literal_column("0"))
