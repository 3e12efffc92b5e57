"""Providers that have failed lately."""

from __future__ import annotations

from alembic import op

revision = "2"
down_revision = "1"

# Tables of this age are in SQLite only.
_STATEMENTS = (
    """CREATE TABLE checkoutflow_health (
        provider TEXT NOT NULL PRIMARY KEY,
        failures BIGINT NOT NULL,
        failed_at BIGINT NOT NULL,
        down_until BIGINT
    ) WITHOUT ROWID""",
)


def upgrade() -> None:
    """Make this version of the tables of the one before."""
    for statement in _STATEMENTS:
        op.execute(statement)
