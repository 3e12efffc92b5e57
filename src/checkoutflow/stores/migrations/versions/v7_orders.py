"""Orders are known again, and lists of what to hold."""

from __future__ import annotations

from alembic import op

revision = "7"
down_revision = "6"

# Tables of this age are in SQLite only.
_STATEMENTS = (
    """CREATE TABLE checkoutflow_sightings (
        kind TEXT NOT NULL,
        digest TEXT NOT NULL,
        fate TEXT NOT NULL,
        at BIGINT NOT NULL,
        subject_id TEXT NOT NULL,
        expires_at BIGINT NOT NULL,
        PRIMARY KEY (kind, digest, fate, at, subject_id)
    ) WITHOUT ROWID""",
    "CREATE INDEX checkoutflow_sightings_by_expiry ON checkoutflow_sightings (expires_at)",
    "CREATE INDEX checkoutflow_sightings_by_subject ON checkoutflow_sightings (subject_id)",
    """CREATE TABLE checkoutflow_values (
        currency TEXT NOT NULL,
        band BIGINT NOT NULL,
        orders BIGINT NOT NULL,
        PRIMARY KEY (currency, band)
    ) WITHOUT ROWID""",
    """CREATE TABLE checkoutflow_listings (
        kind TEXT NOT NULL,
        value TEXT NOT NULL,
        list TEXT NOT NULL,
        reason TEXT NOT NULL,
        added_by TEXT NOT NULL,
        at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL,
        PRIMARY KEY (kind, value)
    ) WITHOUT ROWID""",
    "CREATE INDEX checkoutflow_listings_by_expiry ON checkoutflow_listings (expires_at)",
    """CREATE INDEX checkoutflow_timers_of_reviews ON checkoutflow_timers (due_at, checkout_id)
        WHERE kind = 'review'""",
)


def upgrade() -> None:
    """Make this version of the tables of the one before."""
    for statement in _STATEMENTS:
        op.execute(statement)
