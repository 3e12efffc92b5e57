"""Older tables become those of today, with everything that is in them, on both databases."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from tests import postgres
from tests.cutting import Cut, Wire
from tests.test_sql_store import big_change, shape, versions

from checkoutflow.checkout.machine import Phase
from checkoutflow.errors import SchemaMismatch, StoreError, StoreUnavailable
from checkoutflow.stores import migrations, schema
from checkoutflow.stores.sql import SqlStore, open_store
from checkoutflow.testing.store_samples import sample_change

if TYPE_CHECKING:
    from collections.abc import Iterator

STORED = Path(__file__).parent / "stored"
# Written by the library as it was then: sales, some of them by people who came back. Version 3 was
# never anybody's: what made it came together with version 4.
AGES = sorted(int(file.stem.rpartition("-")[2]) for file in STORED.glob("tables-*.sql"))


def restore(version: int, file: Path) -> Path:
    """A database as that version of the tables left it."""
    with closing(sqlite3.connect(file)) as database:
        database.executescript((STORED / f"tables-{version}.sql").read_text("utf-8"))
    return file


def test_there_is_a_stored_database_of_every_age():
    assert [1, 2, *range(4, schema.VERSION + 1)] == AGES


def test_the_newest_revision_is_the_version_of_the_tables():
    config = Config()
    config.set_main_option("script_location", str(migrations.HERE))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_current_head() == str(schema.VERSION)
    assert [script.revision for script in scripts.walk_revisions()] == [
        str(version) for version in range(schema.VERSION, 0, -1)
    ]


@pytest.mark.parametrize("version", AGES)
def test_a_stored_database_is_read_after_an_upgrade_and_sells_on(version, tmp_path):
    file = restore(version, tmp_path / "old.db")
    with closing(sqlite3.connect(file)) as database:
        kept = "SELECT id, phase, version, state FROM checkoutflow_checkouts ORDER BY id"
        before = database.execute(kept).fetchall()
        entries = database.execute("SELECT count(*) FROM checkoutflow_journal").fetchone()[0]
        vault = database.execute("SELECT * FROM checkoutflow_vault").fetchall()
    with closing(open_store(file)) as store:
        if version < schema.VERSION:
            with pytest.raises(SchemaMismatch, match=f"are version {version}, .* make a backup"):
                store.checkouts(())
        store.create()
        store.create()
        assert store.checkouts(()) == [id_ for id_, *_ in before]
        assert sum(len(store.journal(id_)) for id_, *_ in before) == entries
        for id_, phase, number, _ in before:
            state = store.load(id_)
            assert state
            assert (state.phase, state.version) == (Phase(phase), number)
            assert id_ in store.checkouts_of(state.subject)
        store.commit(big_change(1))
        assert store.load("co-1") is not None
    with closing(sqlite3.connect(file)) as database:
        after = database.execute(kept).fetchall()
        assert [row for row in after if row[0] != "co-1"] == before
        left = database.execute("SELECT * FROM checkoutflow_vault WHERE subject_id <> 'person 1'")
        assert left.fetchall() == vault
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    with closing(open_store(tmp_path / "new.db")) as store:
        store.create()
    assert shape(file) == shape(tmp_path / "new.db")


# A version to come --------------------------------------------------------------------------------

NOVELTY = f"""
import sqlalchemy as sa
from alembic import op
revision, down_revision = "{schema.VERSION + 1}", "{schema.VERSION}"
def upgrade():
    op.create_table("checkoutflow_novelty", sa.Column("id", sa.Text, primary_key=True))
    op.execute("INSERT INTO checkoutflow_novelty SELECT id FROM checkoutflow_checkouts")
    op.add_column("checkoutflow_timers", sa.Column("novelty", sa.BigInteger))
"""  # noqa: S608 -- ours


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'shop.db'}"
    else:
        with postgres.new_schema() as url:
            yield url


@pytest.fixture
def store(url) -> Iterator[SqlStore]:
    """A store of today, with a sale in it."""
    with closing(open_store(url)) as store:
        store.create()
        store.commit(big_change(1))
        store.close()
        yield store


def release(monkeypatch: pytest.MonkeyPatch, folder: Path, revision: str = NOVELTY) -> None:
    """From now on the library wants tables of the next version."""
    folder.mkdir()
    (folder / "novelty.py").write_text(revision, "utf-8")
    wanted, folders = schema.VERSION + 1, (migrations.HERE / "versions", folder)
    monkeypatch.setattr(schema, "VERSION", wanted)
    upgrade = partial(migrations.upgrade, folders=folders, to=wanted)
    monkeypatch.setattr(migrations, "upgrade", upgrade)


def rows_of(store: SqlStore, query: str) -> list[tuple[object, ...]]:
    with store._transaction() as cursor:
        cursor.execute(query)
        return [tuple(row) for row in cursor.fetchall()]


def is_upgraded(store: SqlStore) -> bool:
    """Whether the tables are of the next version, all of them."""
    assert rows_of(store, "SELECT id, novelty FROM checkoutflow_novelty, checkoutflow_timers") == [
        ("co-1", None)
    ]
    assert rows_of(store, "SELECT version FROM checkoutflow_schema") == [(schema.VERSION,)]
    return versions(store) == 1


def test_older_tables_are_upgraded_by_create_and_only_by_create(store, monkeypatch, tmp_path):
    now = schema.VERSION
    release(monkeypatch, tmp_path / "versions")
    wanted = rf"are version {now}, .* needs {now + 1}; make a backup, then run"
    with pytest.raises(SchemaMismatch, match=wanted):
        store.load("co-1")
    store.create()
    store.create()
    assert is_upgraded(store)


def test_an_upgrade_that_fails_leaves_the_older_tables(store, monkeypatch, tmp_path):
    with monkeypatch.context() as later:
        release(later, tmp_path / "versions", f"{NOVELTY}    op.execute('INSERT INTO nowhere')\n")
        with pytest.raises(StoreError, match="refused"):
            store.create()
    assert versions(store) == 1
    with pytest.raises(StoreError, match="novelty"):
        rows_of(store, "SELECT * FROM checkoutflow_novelty")


def test_newer_tables_are_refused_with_the_reason(store, monkeypatch, tmp_path):
    with monkeypatch.context() as later:
        release(later, tmp_path / "versions")
        store.create()
        store.close()
    for use in (store.create, lambda: store.load("co-1")):
        with pytest.raises(SchemaMismatch, match="install the newer version"):
            use()


def test_an_upgrade_whose_wire_is_cut_anywhere_is_done_or_can_be_done_again(monkeypatch, tmp_path):
    release(monkeypatch, tmp_path / "versions")
    wanted = schema.VERSION
    cuts = [(Cut.BEFORE, place) for place in range(0, 40, 3)] + [(Cut.AFTER, 5), (Cut.AFTER, 38)]
    done = 0
    for when, place in cuts:
        with (
            postgres.new_schema() as url,
            Wire(url) as wire,
            closing(open_store(wire.url)) as store,
        ):
            monkeypatch.setattr(schema, "VERSION", wanted - 1)
            store.create()
            store.commit(big_change(1))
            store.close()
            monkeypatch.setattr(schema, "VERSION", wanted)
            wire.cut(when, after=place)
            try:
                store.create()
                done += 1
            except (StoreUnavailable, StoreError):
                store.create()
            wire.is_left()
            assert is_upgraded(store)
    assert done


KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from sqlalchemy import event
from checkoutflow.stores.sql import open_store

folder, deaths = Path(sys.argv[1]), 0
while True:
    file = folder / f"{deaths}.db"
    shutil.copy(folder / "old.db", file)
    store = open_store(file)
    if (child := os.fork()) == 0:
        left = deaths
        def count(statement):
            global left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
        event.listen(store._engine, "connect", lambda made, _: made.set_trace_callback(count))
        store.create()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0
        break
    deaths += 5
print(deaths)
"""


@pytest.mark.repeats
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL and fork")
@pytest.mark.parametrize("version", [1, 5])
def test_an_upgrade_that_is_killed_in_the_middle_has_not_begun(version, tmp_path):
    restore(version, tmp_path / "old.db")
    script = [sys.executable, "-c", KILLED, str(tmp_path)]
    deaths = int(subprocess.run(script, check=True, capture_output=True, text=True).stdout)
    assert deaths > 20
    for death in range(0, deaths + 1, 5):
        with closing(open_store(tmp_path / f"{death}.db")) as store:
            if death < deaths:
                with pytest.raises(SchemaMismatch, match=f"are version {version}"):
                    store.checkouts(())
                store.create()
            assert store.checkouts(())
            store.commit(sample_change())


def test_nothing_is_loaded_for_an_upgrade_that_is_not_due(tmp_path):
    script = (
        "import sys\n"
        "from checkoutflow import open_store\n"
        f"store = open_store({str(tmp_path / 'shop.db')!r})\n"
        "store.create()\n"
        "store.create()\n"
        "store.close()\n"
        "sys.exit('alembic' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
