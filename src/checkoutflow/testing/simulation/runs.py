"""Playing many seeds, each on a store of its own.

It is a module apart from the command, so that a process of its own finds it by name.
"""

from __future__ import annotations

import gc
import os
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, TypeAlias

from sqlalchemy import make_url

from checkoutflow.stores.schema import METADATA, SCHEMA
from checkoutflow.stores.sql import open_store
from checkoutflow.testing.simulation.report import Tally, watching_tables
from checkoutflow.testing.simulation.shrink import play

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from checkoutflow.stores.contract import Store

MEMORY: Final = "memory"
SQLITE: Final = "sqlite"


Opens: TypeAlias = "Callable[[], Store] | None"
Fresh: TypeAlias = "Callable[[], AbstractContextManager[Opens]]"


@contextmanager
def stores_at(db: str) -> Iterator[Fresh]:
    """Where runs keep their checkouts: each call of what is given makes a store with nothing in it.

    Args:
        db: ``memory``; ``sqlite`` for new files; or the URL of a database on PostgreSQL, in which
            the user may make schemas and be a superuser: a schema is made, and goes in the end.
    """
    if db == MEMORY:
        yield lambda: nullcontext(None)
    elif db == SQLITE:
        memory = Path("/dev/shm")  # noqa: S108 -- a folder of our own is made in it
        with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
            empty = Path(folder) / "empty.db"
            with closing(open_store(empty)) as store:
                store.create()
            yield partial(_copied, empty)
    else:
        with _schema(db) as url:
            yield partial(_emptied, url)


@contextmanager
def _copied(empty: Path) -> Iterator[Opens]:
    with TemporaryDirectory(dir=empty.parent) as folder:
        file = Path(folder) / "shop.db"
        copy(empty, file)
        yield partial(open_store, file)


@contextmanager
def _schema(url: str) -> Iterator[str]:
    """Our tables in a schema of their own; gives its address."""
    import psycopg  # noqa: PLC0415 -- only where there is such a server

    name = f"simulated_{os.getpid()}"
    place = make_url(url).update_query_dict({"options": f"-csearch_path={name}"})
    ours = place.render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning")
        connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
        connection.execute(f"CREATE SCHEMA {name}")
        try:
            with closing(open_store(ours)) as store:
                store.create()
            yield ours
        finally:
            connection.execute(f"DROP SCHEMA {name} CASCADE")


@contextmanager
def _emptied(url: str) -> Iterator[Opens]:
    """The same tables with nothing in them, which is quicker than new ones."""
    import psycopg  # noqa: PLC0415 -- as above

    tables = ", ".join(name for name in METADATA.tables if name != SCHEMA.name)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # our guards look away
        connection.execute(f"TRUNCATE {tables}")
    yield partial(open_store, url)


def play_some(
    seeds: Sequence[int], db: str = MEMORY, provider: str = ""
) -> tuple[Tally, list[int]]:
    """Play some seeds; gives what they came to, and those that failed."""
    tally, failed = Tally(), []
    with stores_at(db) as fresh, watching_tables(tally.moves), _collecting_at_the_end():
        for seed in seeds:
            with fresh() as store:
                world, error = play(seed, open_store=store, provider=provider)
            tally.add(world.tally)
            if error is not None:
                failed.append(seed)
    return tally, failed


@contextmanager
def _collecting_at_the_end() -> Iterator[None]:
    """A world is garbage as a whole: to look for it while it lives is an eighth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
        gc.collect()
