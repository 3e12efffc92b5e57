"""How older tables become those of today: Alembic's revisions, in one transaction.

The number in ``checkoutflow_schema`` says how old the tables are. Alembic's own table is made from
it, and goes at the end: two that say the same can come to differ.

A revision that has been released never changes. A new one is a file in ``versions``, and
``schema.VERSION`` is its number.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, Table, select, update

from checkoutflow.stores.schema import SCHEMA, VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

HERE: Final = Path(__file__).parent
BOOKMARK: Final = "checkoutflow_alembic"


def upgrade(
    connection: Connection,
    begin: Sequence[str],
    *,
    folders: Sequence[Path] = (HERE / "versions",),
    to: int = VERSION,
) -> None:
    """Bring the tables up to this version, all of it or nothing.

    Args:
        connection: Outside any transaction, and it begins none by itself.
        begin: How one begins that nobody else can come between.
        folders: Where the revisions are.
        to: The version to reach.
    """
    for statement in begin:
        connection.exec_driver_sql(statement)
    found = connection.execute(select(SCHEMA.c.version)).scalar_one()
    if found < to:  # nobody else was faster
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(HERE).replace("%", "%%"))
        config.set_main_option("path_separator", "newline")
        locations = "\n".join(map(str, folders))
        config.set_main_option("version_locations", locations.replace("%", "%%"))
        command.stamp(config, str(found))
        command.upgrade(config, str(to))
        Table(BOOKMARK, MetaData()).drop(connection)
        connection.execute(update(SCHEMA).values(version=to))
    connection.exec_driver_sql("COMMIT")
