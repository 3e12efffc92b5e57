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
)

# Older tables become these step by step: the first entry holds the statements that make version 2
# of version 1, and so on. An entry that has been released never changes.
UPGRADES: Final[tuple[tuple[str, ...], ...]] = (
    (
        """CREATE TABLE checkoutflow_health (
            provider TEXT NOT NULL PRIMARY KEY,
            failures BIGINT NOT NULL,
            failed_at BIGINT NOT NULL,
            down_until BIGINT
        ) WITHOUT ROWID""",
    ),
    (
        """CREATE TABLE checkoutflow_gift_cards (
            id TEXT NOT NULL PRIMARY KEY,
            currency TEXT NOT NULL,
            expires_at BIGINT
        ) WITHOUT ROWID""",
        """CREATE TABLE checkoutflow_ledger (
            card_id TEXT NOT NULL,
            payment TEXT NOT NULL,
            key TEXT NOT NULL,
            move TEXT NOT NULL,
            amount_minor BIGINT NOT NULL,
            currency TEXT NOT NULL,
            answer TEXT NOT NULL,
            freed BIGINT NOT NULL,
            at BIGINT NOT NULL,
            PRIMARY KEY (card_id, payment, key)
        ) WITHOUT ROWID""",
        "CREATE INDEX checkoutflow_ledger_by_payment ON checkoutflow_ledger (payment, at)",
        """CREATE TRIGGER checkoutflow_ledger_refuses_update BEFORE UPDATE ON checkoutflow_ledger
            BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
        """CREATE TRIGGER checkoutflow_ledger_refuses_delete BEFORE DELETE ON checkoutflow_ledger
            BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    ),
    (
        """CREATE TABLE checkoutflow_series (
            number BIGINT NOT NULL PRIMARY KEY,
            checkout_id TEXT NOT NULL,
            scheme TEXT NOT NULL,
            reference TEXT
        ) WITHOUT ROWID""",
        """CREATE INDEX checkoutflow_series_by_reference
            ON checkoutflow_series (scheme, reference)""",
        """CREATE TRIGGER checkoutflow_series_refuses_update
            BEFORE UPDATE ON checkoutflow_series
            BEGIN SELECT RAISE(ABORT, 'the series is append-only'); END""",
        """CREATE TRIGGER checkoutflow_series_refuses_delete
            BEFORE DELETE ON checkoutflow_series
            BEGIN SELECT RAISE(ABORT, 'the series is append-only'); END""",
    ),
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

METADATA: Final = MetaData()


def instant(at: datetime) -> int:
    """Write a moment as a number; exact, unlike a float."""
    return (at - _EPOCH) // _MICROSECOND


def moment(micros: int) -> datetime:
    """Read what `instant` wrote."""
    return _EPOCH + micros * _MICROSECOND


def _key(name: str, points_to: Column[str] | None = None) -> Column[str]:
    if points_to is None:
        return Column(name, Text, primary_key=True)
    return Column(name, Text, ForeignKey(points_to), primary_key=True)


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _number(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


SCHEMA: Final = Table("checkoutflow_schema", METADATA, Column("version", Integer, nullable=False))

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
    Index("checkoutflow_timers_by_due", "due_at", "checkout_id"),
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


def version() -> int:
    """The version of the tables that this version of the library reads and writes."""
    return 1 + len(UPGRADES)
