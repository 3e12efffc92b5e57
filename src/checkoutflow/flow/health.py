"""Which providers answer: a circuit breaker that all processes over one store share.

After a few failures in a row a provider counts as down for half a minute, and nobody is kept
waiting for it: what asks it is told at once that it cannot be reached. Then the next request is let
through; it decides. Kept in the store only while something is wrong, so a provider that answers
costs one look-up by key.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from checkoutflow.stores.contract import HealthRow

if TYPE_CHECKING:
    from datetime import datetime

    import httpx

FAILURES: Final = 5  # in a row
# Failures further apart than this and the time of being down have nothing to do with each other.
TOGETHER: Final = timedelta(seconds=60)
DOWN: Final = timedelta(seconds=30)

_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500


def is_down(row: HealthRow | None, at: datetime) -> bool:
    """Whether a provider is not to be asked now."""
    return row is not None and row.down_until is not None and at < row.down_until


def is_trouble(answer: httpx.Response) -> bool:
    """Whether an answer says that the provider itself is not well."""
    return answer.status_code >= _SERVER_ERROR or answer.status_code == _TOO_MANY_REQUESTS


def after_failure(row: HealthRow | None, provider: str, at: datetime) -> HealthRow:
    """What is known of a provider that has failed once more."""
    if row is None or at - row.failed_at > DOWN + TOGETHER:
        return HealthRow(provider, failures=1, failed_at=at)
    row = replace(row, failures=row.failures + 1, failed_at=at)
    return replace(row, down_until=at + DOWN) if row.failures >= FAILURES else row
