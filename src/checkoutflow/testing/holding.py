"""How the checks hold a store to its contract: open it, compare, refuse, and work together."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Final, TypeVar

from checkoutflow.errors import StoreConflict
from checkoutflow.stores.contract import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

MakeStore = Callable[[], Store]
StoreCheck = Callable[[MakeStore], None]

ROUNDS: Final = 12
WORKERS: Final = 6
# A store that stops a thread must fail a check, not hang it.
_PATIENCE_S: Final = 30.0

_T = TypeVar("_T")


@contextmanager
def opened(make_store: MakeStore) -> Iterator[Store]:
    """Make a store with its tables, and close it at the end."""
    store = make_store()
    try:
        store.create()
        yield store
    finally:
        store.close()


def same(found: object, expected: object, lesson: str) -> None:
    """Compare, and say what the flow relies on."""
    if found != expected:
        raise AssertionError(f"{lesson}\nexpected: {expected!r}\nfound:    {found!r}")


def holds(holds: bool, lesson: str) -> None:  # noqa: FBT001 -- as in assert
    """As ``assert``, and it says what the flow relies on."""
    if not holds:
        raise AssertionError(lesson)


def refuses(write: Callable[[_T], object], change: _T, why: str) -> None:
    """Write what must be refused as a conflict."""
    try:
        write(change)
    except StoreConflict:
        return
    raise AssertionError(f"the write must raise StoreConflict: {why}")


def together(work: Callable[[str, Barrier], None]) -> None:
    """Do the same work in several threads, which can wait for each other at a barrier."""
    meet = Barrier(WORKERS, timeout=_PATIENCE_S)
    errors: list[BaseException] = []

    def run(name: str) -> None:
        try:
            work(name, meet)
        except BaseException as error:  # noqa: BLE001 -- the first is raised again below
            errors.append(error)
            meet.abort()

    threads = [Thread(target=run, args=(f"worker {n}",)) for n in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise AssertionError("threads share a store, and its only refusal is StoreConflict") from (
            errors[0]
        )
