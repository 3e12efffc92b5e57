"""Copies of a SQLite database that is in use, and whether a copy is whole."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from checkoutflow.errors import StoreError, UsageError
from checkoutflow.stores.schema import moment
from checkoutflow.stores.sqlite import explain, is_damage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

_POSIX: Final = os.name == "posix"
_PAGES: Final = 2000
_DRAFT: Final = ".checkoutflow.part"


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
    return _put(
        database,
        copy,
        progress,
        f"{database} is damaged or no SQLite database, and nothing was copied; put it aside with"
        " what is beside it, and restore your last whole copy",
    )


def _put(database: Path, copy: Path, progress: Callable[[int, int], None], damaged: str) -> Copied:
    """Copy a database; `damaged` says what to do where it is not whole."""
    if not database.is_file():
        raise UsageError(f"{database}: there is no such file")
    if copy.exists():
        raise UsageError(f"{copy}: is there already; name another file")
    with _draft(copy) as part:
        try:
            _copy(database, part, progress)
            found = _checked(part, damaged)
        except sqlite3.Error as error:
            raise _explained(error, damaged) from None
        part.rename(copy)
    return found


# While a copy is made -----------------------------------------------------------------------------


@contextmanager
def _draft(copy: Path) -> Iterator[Path]:
    """A file beside a copy to be, for its owner only, locked and in the end gone.

    The lock goes with its process: whoever was killed leaves a file without one, which the next
    copy in the same folder removes.
    """
    for left in copy.parent.glob(f".*{_DRAFT}"):
        _sweep(left)
    part = copy.with_name(f".{copy.name}{_DRAFT}")
    lock = _made(part)
    if not _POSIX:
        os.close(lock)  # what is open has no other name there
    try:
        yield part
    finally:
        _remove(part)
        if _POSIX:
            os.close(lock)


def _made(part: Path) -> int:
    """Make a draft, and lock it."""
    while True:
        try:
            lock = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        except FileExistsError:
            raise StoreError(
                f"another process is making this copy now; if none is, remove {part}"
            ) from None
        except OSError as error:
            raise StoreError(f"{part} cannot be made: {error.strerror}") from None
        _is_locked(lock, is_waiting=True)  # until who sweeps has looked at it
        if _is_at(lock, part):
            return lock
        os.close(lock)  # somebody swept it before it was locked


def _sweep(left: Path) -> None:
    """Remove a draft whose process is gone."""
    with suppress(OSError):
        lock = os.open(left, os.O_RDWR)
        try:
            if _is_locked(lock) and _is_at(lock, left):
                _remove(left)
        finally:
            os.close(lock)


def _is_locked(file: int, *, is_waiting: bool = False) -> bool:
    """Whether a file could be locked, until it is closed; not every file system can."""
    if not _POSIX:
        return False
    import fcntl  # noqa: PLC0415 -- there is none elsewhere

    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if is_waiting else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def _is_at(file: int, path: Path) -> bool:
    """Whether an open file still has this name."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _remove(part: Path) -> None:
    for name in (part.name, *(f"{part.name}{beside}" for beside in ("-journal", "-wal", "-shm"))):
        part.with_name(name).unlink(missing_ok=True)


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
    return _checked(copy, f"{copy} is damaged; take another copy")


def _checked(copy: Path, damaged: str) -> Copied:
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
        raise _explained(error, damaged) from None
    if wrong != ["ok"] or lost:
        raise StoreError(damaged)
    return Copied(count, None if until is None else moment(until))


def _explained(error: sqlite3.Error, damaged: str) -> StoreError:
    return StoreError(damaged) if is_damage(error) else explain(error)


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
    return _put(
        copy,
        database,
        progress,
        f"{copy} is damaged or no SQLite database, and nothing was put in place; restore another"
        " copy",
    )


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
