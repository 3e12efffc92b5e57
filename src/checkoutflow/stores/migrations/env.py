"""What Alembic runs around its revisions: our connection, in our transaction."""

from __future__ import annotations

from alembic import context

from checkoutflow.stores.migrations import BOOKMARK

context.configure(connection=context.config.attributes["connection"], version_table=BOOKMARK)
context.run_migrations()
