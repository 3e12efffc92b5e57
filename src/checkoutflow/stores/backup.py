"""Copies of a SQLite database that is in use, and whether a copy is whole."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from checkoutflow.errors import StoreError, UsageError
from checkoutflow.stores.schema import moment
from checkoutflow.stores.sqlite import explain

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

_PAGES: Final = 2000


@dataclass(frozen=True, slots=True)
class Copied:
    """What is in a copy.

    Attributes:
        checkouts: How many.
        until: When the last of them was changed; None if there is none.
    """

    checkouts: int
    until: datetime | None


def back_up(
    database: Path, copy: Path, progress: Callable[[int, int], None] = lambda _done, _of: None
) -> Copied:
    """Copy a database as of one moment, while others read and write it.

    The copy appears under its name when it is whole and was checked; its owner alone may read it.

    Args:
        database: The file.
        copy: Where to. Nothing may be there.
        progress: Told how many pages of how many are copied.

    Raises:
        UsageError: If there is something, or no database.
        StoreError: If it cannot be read or written, or the copy is not whole.
    """
    if not database.is_file():
        raise UsageError(f"{database}: there is no such file")
    if copy.exists():
        raise UsageError(f"{copy}: is there already; name another file")
    part = copy.with_name(f"{copy.name}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise StoreError(f"{part} cannot be made: {error.strerror}") from None
    try:
        _copy(database, part, progress)
        found = check(part)
        part.rename(copy)
    except sqlite3.Error as error:
        raise explain(error) from None
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
    return found


def _copy(database: Path, part: Path, progress: Callable[[int, int], None]) -> None:
    with (
        closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(part)) as target,
    ):
        # As long as it reads, it reads what was there when it began, whoever writes.
        source.isolation_level = None
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchall()
        source.backup(
            target, pages=_PAGES, progress=lambda _, left, of: progress(of - left, of), sleep=0
        )
        target.execute("PRAGMA synchronous = FULL")
        target.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it


def check(copy: Path) -> Copied:
    """See whether a copy is whole, page by page.

    Raises:
        StoreError: If it is not.
    """
    try:
        with closing(
            sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro", uri=True)
        ) as connection:
            wrong = [row for (row,) in connection.execute("PRAGMA integrity_check(1)")]
            lost = connection.execute("PRAGMA foreign_key_check").fetchone()
            count, until = connection.execute(
                "SELECT count(*), max(updated_at) FROM checkoutflow_checkouts"
            ).fetchone()
    except sqlite3.Error as error:
        raise explain(error) from None
    if wrong != ["ok"] or lost:
        raise StoreError(f"{copy} is damaged; take another copy")
    return Copied(count, None if until is None else moment(until))


def restore(
    copy: Path, database: Path, progress: Callable[[int, int], None] = lambda _done, _of: None
) -> Copied:
    """Put a copy in a database's place, where there is none any more.

    Raises:
        UsageError: If something is there, its log included.
        StoreError: If the copy is not whole; nothing is put there then.
    """
    for beside in ("-wal", "-shm"):
        if (left := database.with_name(database.name + beside)).exists():
            raise UsageError(f"{left}: belongs to a database that was here; put it aside with it")
    return back_up(copy, database, progress)


def erased(database: Path) -> dict[str, str]:
    """Who was erased by what a database proves, each with the last reason.

    Raises:
        StoreError: If it cannot be read.
    """
    try:
        with closing(
            sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
        ) as connection:
            return dict(
                connection.execute(
                    "SELECT subject_id, reason FROM checkoutflow_erasures ORDER BY at"
                )
            )
    except sqlite3.Error as error:
        raise explain(error) from None
