"""Gift cards and store credit."""

from __future__ import annotations

from alembic import op

revision = "3"
down_revision = "2"

# Tables of this age are in SQLite only.
_STATEMENTS = (
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
)


def upgrade() -> None:
    """Make this version of the tables of the one before."""
    for statement in _STATEMENTS:
        op.execute(statement)
