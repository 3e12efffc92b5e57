"""What is put off is known by the moment since which it is due."""

from __future__ import annotations

from alembic import op

revision = "8"
down_revision = "7"

_STATEMENTS = (
    "ALTER TABLE checkoutflow_timers ADD COLUMN since BIGINT",
    """CREATE INDEX checkoutflow_timers_put_off ON checkoutflow_timers (since, checkout_id)
        WHERE since IS NOT NULL""",
)


def upgrade() -> None:
    """Make this version of the tables of the one before."""
    for statement in _STATEMENTS:
        op.execute(statement)
