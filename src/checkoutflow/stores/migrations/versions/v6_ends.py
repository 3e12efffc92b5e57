"""Proofs have an end."""

from __future__ import annotations

from alembic import op

revision = "6"
down_revision = "5"

# Tables of this age are in SQLite only.
_STATEMENTS = (
    "ALTER TABLE checkoutflow_schema ADD COLUMN swept_at BIGINT",
    *(
        statement
        for table in ("consents", "erasures", "reads")
        for statement in (
            f"DROP TRIGGER checkoutflow_{table}_refuses_update",
            f"DROP TRIGGER checkoutflow_{table}_refuses_delete",
            f"ALTER TABLE checkoutflow_{table} ADD COLUMN expires_at BIGINT",
            f"""CREATE INDEX checkoutflow_{table}_by_expiry
                ON checkoutflow_{table} (expires_at)""",
        )
    ),
    # In microseconds: five years of erasures, and one of reads, and of consents of whoever is
    # not kept any more.
    """UPDATE checkoutflow_erasures
        SET expires_at = max(at + 157680000000000, coalesce(until, 0))""",
    "UPDATE checkoutflow_reads SET expires_at = at + 31536000000000",
    """UPDATE checkoutflow_consents
        SET expires_at = 31536000000000 + max(at, coalesce(
            (SELECT max(erased.at) FROM checkoutflow_erasures AS erased
                WHERE erased.subject_id = checkoutflow_consents.subject_id), 0))
        WHERE subject_id NOT IN (SELECT id FROM checkoutflow_subjects)""",
    """CREATE TRIGGER checkoutflow_consents_refuses_update
        BEFORE UPDATE OF subject_id, place, at, kind, is_given, text, locale, proof
        ON checkoutflow_consents
        BEGIN SELECT RAISE(ABORT, 'the consents are append-only'); END""",
    *(
        f"""CREATE TRIGGER checkoutflow_{table}_refuses_update
            BEFORE UPDATE ON checkoutflow_{table}
            BEGIN SELECT RAISE(ABORT, 'the {table} are append-only'); END"""
        for table in ("erasures", "reads")
    ),
    *(
        f"""CREATE TRIGGER checkoutflow_{table}_refuses_delete
            BEFORE DELETE ON checkoutflow_{table}
            WHEN OLD.expires_at IS NULL OR OLD.expires_at >
                (SELECT coalesce(max(swept_at), 0) FROM checkoutflow_schema)
            BEGIN SELECT RAISE(ABORT, 'the {table} are append-only'); END"""  # noqa: S608 -- ours
        for table in ("consents", "erasures", "reads")
    ),
)


def upgrade() -> None:
    """Make this version of the tables of the one before."""
    for statement in _STATEMENTS:
        op.execute(statement)
