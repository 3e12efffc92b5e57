"""What is kept of people beside the vault."""

from __future__ import annotations

from alembic import op

revision = "5"
down_revision = "4"

# Tables of this age are in SQLite only.
_STATEMENTS = (
    """CREATE TABLE checkoutflow_belongs (
        subject_id TEXT NOT NULL,
        checkout_id TEXT NOT NULL,
        PRIMARY KEY (subject_id, checkout_id)
    ) WITHOUT ROWID""",
    """INSERT INTO checkoutflow_belongs
        SELECT json_extract(state, '$.subject'), id FROM checkoutflow_checkouts""",
    """CREATE TABLE checkoutflow_consents (
        subject_id TEXT NOT NULL,
        place BIGINT NOT NULL,
        at BIGINT NOT NULL,
        kind TEXT NOT NULL,
        is_given BIGINT NOT NULL,
        text TEXT NOT NULL,
        locale TEXT NOT NULL,
        proof TEXT NOT NULL,
        PRIMARY KEY (subject_id, place)
    ) WITHOUT ROWID""",
    """CREATE TABLE checkoutflow_digests (
        kind TEXT NOT NULL,
        digest TEXT NOT NULL,
        subject_id TEXT NOT NULL,
        expires_at BIGINT NOT NULL,
        PRIMARY KEY (kind, digest, subject_id)
    ) WITHOUT ROWID""",
    """CREATE INDEX checkoutflow_digests_by_expiry ON checkoutflow_digests (expires_at)""",
    """CREATE INDEX checkoutflow_digests_by_subject ON checkoutflow_digests (subject_id)""",
    """CREATE TABLE checkoutflow_erasures (
        subject_id TEXT NOT NULL,
        place BIGINT NOT NULL,
        at BIGINT NOT NULL,
        reason TEXT NOT NULL,
        kept TEXT NOT NULL,
        until BIGINT,
        PRIMARY KEY (subject_id, place)
    ) WITHOUT ROWID""",
    """CREATE TABLE checkoutflow_profiles (
        subject_id TEXT NOT NULL PRIMARY KEY,
        choices TEXT NOT NULL,
        updated_at BIGINT NOT NULL,
        restricted_at BIGINT
    ) WITHOUT ROWID""",
    """CREATE TABLE checkoutflow_reads (
        subject_id TEXT NOT NULL,
        place BIGINT NOT NULL,
        at BIGINT NOT NULL,
        purpose TEXT NOT NULL,
        fields TEXT NOT NULL,
        read_by TEXT NOT NULL,
        PRIMARY KEY (subject_id, place)
    ) WITHOUT ROWID""",
    """CREATE TABLE checkoutflow_turns (
        key TEXT NOT NULL,
        at BIGINT NOT NULL,
        place BIGINT NOT NULL,
        expires_at BIGINT NOT NULL,
        PRIMARY KEY (key, at, place)
    ) WITHOUT ROWID""",
    "CREATE INDEX checkoutflow_turns_by_expiry ON checkoutflow_turns (expires_at)",
    "CREATE INDEX checkoutflow_vault_by_expiry ON checkoutflow_vault (expires_at)",
    *(
        f"""CREATE TRIGGER checkoutflow_{table}_refuses_{action}
            BEFORE {action} ON checkoutflow_{table}
            BEGIN SELECT RAISE(ABORT, 'the {table} are append-only'); END"""
        for table in ("consents", "erasures", "reads")
        for action in ("update", "delete")
    ),
)


def upgrade() -> None:
    """Make this version of the tables of the one before."""
    for statement in _STATEMENTS:
        op.execute(statement)
