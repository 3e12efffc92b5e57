"""What day it is where the law holds: clocks of markets, told from UTC.

Summer time runs from 01:00 UTC on the last Sunday of March to 01:00 UTC on the last Sunday of
October.

Source: directive 2000/84/EC, articles 2 and 3; Norway, the Faroe Islands and Greenland follow it by
rules of their own. That the directive may be repealed was proposed in 2018 and not decided.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

_MARCH, _OCTOBER = 3, 10


def is_summer_time(at: datetime) -> bool:
    """Whether clocks that have summer time are an hour ahead."""
    at = at.astimezone(UTC)
    return _last_sunday(at.year, _MARCH) <= at < _last_sunday(at.year, _OCTOBER)


def _last_sunday(year: int, month: int) -> datetime:
    """01:00 UTC on the last Sunday of a month that has 31 days."""
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=last.isoweekday() % 7)


def local_day(at: datetime, *, utc_offset_h: int, summer_time: bool) -> date:
    """The date on a wall calendar.

    Args:
        at: A moment; aware.
        utc_offset_h: Hours ahead of UTC in winter.
        summer_time: Whether clocks go an hour ahead in summer.
    """
    ahead = utc_offset_h + (summer_time and is_summer_time(at))
    return (at.astimezone(UTC) + timedelta(hours=ahead)).date()
