"""The tables, and how older ones become these.

Every table leads with the id by which it could be spread over machines, and no commit touches two
checkouts. Foreign keys point only along such an id. Instants are whole microseconds since 1970 in
UTC: exact, ordered, and the same in every database. The journal, the ledger and the series
of invoices are append-only.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

# The version of the tables that this version of the library reads and writes. Older ones become
# these by `checkoutflow.stores.migrations`, whose newest revision has this number.
VERSION: Final = 8

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

METADATA: Final = MetaData()

# Ordered by code points in every database. A language's order, which is PostgreSQL's default, costs
# more, and an index in it is broken by an upgrade of the machine's locales.
_TEXT: Final = Text().with_variant(Text(collation="C"), "postgresql")


def instant(at: datetime) -> int:
    """Write a moment as a number; exact, unlike a float."""
    return (at - _EPOCH) // _MICROSECOND


def moment(micros: int) -> datetime:
    """Read what `instant` wrote."""
    return _EPOCH + micros * _MICROSECOND


def _key(name: str, points_to: Column[str] | None = None) -> Column[str]:
    if points_to is None:
        return Column(name, _TEXT, primary_key=True)
    return Column(name, _TEXT, ForeignKey(points_to), primary_key=True)


def _place() -> Column[int]:
    return Column("place", BigInteger, primary_key=True, autoincrement=False)


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, _TEXT, nullable=null)


def _number(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


# `swept_at` is the time by which proofs were removed last: none goes before its own.
SCHEMA: Final = Table(
    "checkoutflow_schema",
    METADATA,
    Column("version", Integer, nullable=False),
    _number("swept_at", null=True),
)

# The state as it stands. `attention` counts what a person at the shop should look at.
CHECKOUTS: Final = Table(
    "checkoutflow_checkouts",
    METADATA,
    _key("id"),
    _text("phase"),
    _number("version"),
    _number("attention"),
    _number("updated_at"),
    _text("state"),
    Index("checkoutflow_checkouts_by_phase", "phase", "id"),
)

# One row for each commit. Rows arrive in order of time, and in SQLite they are cheapest at the end
# of the table: a table in order of its key writes a sixth more pages a commit.
JOURNAL: Final = Table(
    "checkoutflow_journal",
    METADATA,
    _key("checkout_id", CHECKOUTS.c.id),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    _number("at"),
    _text("command"),
    _text("events"),
)

ATTEMPTS: Final = Table(
    "checkoutflow_attempts",
    METADATA,
    _key("checkout_id", CHECKOUTS.c.id),
    _key("id"),
    _text("provider"),
    _text("payment"),
    _text("operation"),
    _number("amount_minor"),
    _text("currency"),
    _text("digest"),
    _number("started_at"),
    _number("lease_until"),
    _number("sends"),
    _text("outcome", null=True),
    Index("checkoutflow_attempts_by_payment", "provider", "payment"),
    sqlite_with_rowid=False,
)

TIMERS: Final = Table(
    "checkoutflow_timers",
    METADATA,
    _key("checkout_id", CHECKOUTS.c.id),
    _key("kind"),
    _number("due_at"),
    # What it was set to before a lease or a failure put it off; gone when it is set anew.
    _number("since", null=True),
    Index("checkoutflow_timers_by_due", "due_at", "checkout_id"),
    # Few are put off at any moment.
    Index(
        "checkoutflow_timers_put_off",
        "since",
        "checkout_id",
        sqlite_where=text("since IS NOT NULL"),
        postgresql_where=text("since IS NOT NULL"),
    ),
    # The queue of orders that wait for a person is short, however many timers there are.
    Index(
        "checkoutflow_timers_of_reviews",
        "due_at",
        "checkout_id",
        sqlite_where=text("kind = 'review'"),
        postgresql_where=text("kind = 'review'"),
    ),
    sqlite_with_rowid=False,
)

NOTICES: Final = Table(
    "checkoutflow_notices",
    METADATA,
    _key("provider"),
    _key("id"),
    _text("checkout_id"),
    _text("kind"),
    _number("received_at"),
    sqlite_with_rowid=False,
)

# Only of providers that have failed lately.
HEALTH: Final = Table(
    "checkoutflow_health",
    METADATA,
    _key("provider"),
    _number("failures"),
    _number("failed_at"),
    _number("down_until", null=True),
    sqlite_with_rowid=False,
)

IDEMPOTENCY: Final = Table(
    "checkoutflow_idempotency",
    METADATA,
    _key("key"),
    _text("digest"),
    _text("checkout_id"),
    sqlite_with_rowid=False,
)

SUBJECTS: Final = Table(
    "checkoutflow_subjects",
    METADATA,
    _key("id"),
    Column("wrapped_key", LargeBinary, nullable=False),
    _text("key_id"),
    sqlite_with_rowid=False,
)

# `purposes` are words with a space between.
VAULT: Final = Table(
    "checkoutflow_vault",
    METADATA,
    _key("subject_id", SUBJECTS.c.id),
    _key("field"),
    Column("ciphertext", LargeBinary, nullable=False),
    _text("purposes"),
    _number("expires_at"),
    Index("checkoutflow_vault_by_expiry", "expires_at"),
    sqlite_with_rowid=False,
)

# Whose checkouts are whose. A checkout belongs to its own subject, and to a person who is known.
BELONGS: Final = Table(
    "checkoutflow_belongs",
    METADATA,
    _key("subject_id"),
    _key("checkout_id"),
    sqlite_with_rowid=False,
)

# Keyed digests by which a person is found again.
DIGESTS: Final = Table(
    "checkoutflow_digests",
    METADATA,
    _key("kind"),
    _key("digest"),
    _key("subject_id"),
    _number("expires_at"),
    Index("checkoutflow_digests_by_expiry", "expires_at"),
    Index("checkoutflow_digests_by_subject", "subject_id"),
    sqlite_with_rowid=False,
)

# What is remembered of a person. `choices` is a JSON object of ids.
PROFILES: Final = Table(
    "checkoutflow_profiles",
    METADATA,
    _key("subject_id"),
    _text("choices"),
    _number("updated_at"),
    _number("restricted_at", null=True),
    sqlite_with_rowid=False,
)

# Proofs: what was agreed to, who read what, and who was erased. Append-only until they are over,
# and without values. A consent has no end as long as its person has a key.
# `place` is the order in which a person's were written: clocks may stand still or go back.
CONSENTS: Final = Table(
    "checkoutflow_consents",
    METADATA,
    _key("subject_id"),
    _place(),
    _number("at"),
    _text("kind"),
    _number("is_given"),
    _text("text"),
    _text("locale"),
    _text("proof"),
    _number("expires_at", null=True),
    Index("checkoutflow_consents_by_expiry", "expires_at"),
    sqlite_with_rowid=False,
)

READS: Final = Table(
    "checkoutflow_reads",
    METADATA,
    _key("subject_id"),
    _place(),
    _number("at"),
    _text("purpose"),
    _text("fields"),
    _text("read_by"),
    _number("expires_at", null=True),
    Index("checkoutflow_reads_by_expiry", "expires_at"),
    sqlite_with_rowid=False,
)

ERASURES: Final = Table(
    "checkoutflow_erasures",
    METADATA,
    _key("subject_id"),
    _place(),
    _number("at"),
    _text("reason"),
    _text("kept"),
    _number("until", null=True),
    _number("expires_at", null=True),
    Index("checkoutflow_erasures_by_expiry", "expires_at"),
    sqlite_with_rowid=False,
)

# One row for each turn that somebody took at something that is limited. `place` tells turns of the
# same instant apart.
TURNS: Final = Table(
    "checkoutflow_turns",
    METADATA,
    _key("key"),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    _place(),
    _number("expires_at"),
    Index("checkoutflow_turns_by_expiry", "expires_at"),
    sqlite_with_rowid=False,
)

# By what keyed digests an order was seen, and what became of it. What is counted is one stretch of
# the key: a kind, a digest and a fate, from some moment on.
SIGHTINGS: Final = Table(
    "checkoutflow_sightings",
    METADATA,
    _key("kind"),
    _key("digest"),
    _key("fate"),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    _key("subject_id"),
    _number("expires_at"),
    Index("checkoutflow_sightings_by_expiry", "expires_at"),
    Index("checkoutflow_sightings_by_subject", "subject_id"),
    sqlite_with_rowid=False,
)

# How many orders came to how much, in bands: a bounded number of rows, each a mere count.
VALUES: Final = Table(
    "checkoutflow_values",
    METADATA,
    _key("currency"),
    Column("band", BigInteger, primary_key=True, autoincrement=False),
    _number("orders"),
    sqlite_with_rowid=False,
)

# What the shop's people want held, and what not.
LISTINGS: Final = Table(
    "checkoutflow_listings",
    METADATA,
    _key("kind"),
    _key("value"),
    _text("list"),
    _text("reason"),
    _text("added_by"),
    _number("at"),
    _number("expires_at"),
    Index("checkoutflow_listings_by_expiry", "expires_at"),
    sqlite_with_rowid=False,
)

# `place` is the order among the messages of one commit.
OUTBOX: Final = Table(
    "checkoutflow_outbox",
    METADATA,
    _key("checkout_id", CHECKOUTS.c.id),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    _key("kind"),
    _number("at"),
    _number("place"),
    Index("checkoutflow_outbox_in_order", "at", "checkout_id", "version", "place"),
    sqlite_with_rowid=False,
)

# Gift cards and accounts with store credit. The id is a keyed digest of the code.
GIFT_CARDS: Final = Table(
    "checkoutflow_gift_cards",
    METADATA,
    _key("id"),
    _text("currency"),
    _number("expires_at", null=True),
    sqlite_with_rowid=False,
)

# One row for each thing that was asked of a card, also of one that was never issued. `payment` is
# empty for what was issued. `freed` is what a row adds to what is free on its card. Append-only.
LEDGER: Final = Table(
    "checkoutflow_ledger",
    METADATA,
    _key("card_id"),
    _key("payment"),
    _key("key"),
    _text("move"),
    _number("amount_minor"),
    _text("currency"),
    _text("answer"),
    _number("freed"),
    _number("at"),
    Index("checkoutflow_ledger_by_payment", "payment", "at"),
    sqlite_with_rowid=False,
)


# The shop's one series of numbers: the one table by which every commit that issues an invoice or a
# credit note (which has no reference) waits for the one before it. Append-only.
SERIES: Final = Table(
    "checkoutflow_series",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    _text("checkout_id"),
    _text("scheme"),
    _text("reference", null=True),
    Index("checkoutflow_series_by_reference", "scheme", "reference"),
    sqlite_with_rowid=False,
)
