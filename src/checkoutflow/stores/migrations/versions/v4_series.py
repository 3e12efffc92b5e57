"""The shop's one series of numbers."""

from __future__ import annotations

from alembic import op

revision = "4"
down_revision = "3"

# Tables of this age are in SQLite only.
_STATEMENTS = (
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
)


def upgrade() -> None:
    """Make this version of the tables of the one before."""
    for statement in _STATEMENTS:
        op.execute(statement)
