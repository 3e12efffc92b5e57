"""A clock to move by hand, so that no test sleeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

NOON: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Clock:
    """Time that passes only when it is told to. Give the same one to the flow and to the bank.

    >>> clock = Clock()
    >>> clock.advance(days=1, seconds=30).isoformat()
    '2026-03-03T12:00:30+00:00'
    >>> clock() == clock()
    True
    """

    def __init__(self, start: datetime = NOON) -> None:
        """Begin at a moment.

        Args:
            start: Aware; by default noon on a Monday, in UTC.

        Raises:
            ValueError: If it has no time zone.
        """
        self._now = _aware(start)

    def __call__(self) -> datetime:
        """Tell the time, in UTC."""
        return self._now

    def advance(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> datetime:
        """Let time pass; negative amounts set the clock back, as happens to real ones."""
        self._now += timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        return self._now

    def move_to(self, moment: datetime) -> datetime:
        """Make it that moment.

        Raises:
            ValueError: If it has no time zone.
        """
        self._now = _aware(moment)
        return self._now


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone, as in datetime(..., tzinfo=UTC)")
    return moment.astimezone(UTC)
