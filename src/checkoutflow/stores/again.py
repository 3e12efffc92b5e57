"""Running a transaction again, where that is safe.

A database undoes transactions: two could not be put in an order, waited for each other, or lost
their connection. Then nothing was written, and the same can be run again. Where a connection is
lost while a commit is under way, nobody knows; what is run again then must be the same whether it
was written or not, or be able to see that it was.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from checkoutflow.errors import CommitUnknown, StoreConflict, StoreError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable


class Undone(StoreUnavailable):
    """The database undid a transaction that may well succeed when it is run again."""


# Whoever is undone is so because somebody else was not: of any number, one gets on each time.
TRIES: Final = 10

_T = TypeVar("_T")
_Method = TypeVar("_Method", bound="Callable[..., Any]")


def until_done(work: Callable[[], _T], written: Callable[[], _T | None]) -> _T:
    """Run a transaction until it is not undone, also where its outcome is not known.

    Args:
        work: Writes something that can be written only once: the second time it is a conflict.
        written: Looks whether it was written after all; None if not.

    Raises:
        StoreConflict: If somebody else wrote first.
        StoreUnavailable: If it was undone each time. Nothing was written.
        CommitUnknown: If the database could not be asked any more.
    """
    unknown: CommitUnknown | None = None
    for left in reversed(range(TRIES)):
        try:
            return work()
        except CommitUnknown as error:
            unknown = error
            if not left:
                raise
        except StoreConflict:
            found = None if unknown is None else _asked(written, unknown)
            if found is None:
                raise
            return found
        except StoreUnavailable as error:
            if not isinstance(error, Undone) or not left:
                raise unknown or error from None
    raise AssertionError  # pragma: no cover -- the last try ends above


def _asked(written: Callable[[], _T | None], unknown: CommitUnknown) -> _T | None:
    try:
        return written()
    except StoreUnavailable:
        raise unknown from None


def _rerun(method: _Method, *after: type[StoreError]) -> _Method:
    @wraps(method)
    def run(*args: Any, **options: Any) -> Any:  # noqa: ANN401 -- whatever the method takes
        for _ in range(TRIES - 1):
            try:
                return method(*args, **options)
            except after:
                continue
        return method(*args, **options)

    return cast("_Method", run)


def again(method: _Method) -> _Method:
    """Run a method's one transaction again if it was undone; if its outcome is unknown, say so."""
    return _rerun(method, Undone)


def again_anyway(method: _Method) -> _Method:
    """Run it again also if its outcome is unknown: done twice, it is as if done once."""
    return _rerun(method, Undone, CommitUnknown)
