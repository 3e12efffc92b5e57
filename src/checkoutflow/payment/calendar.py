"""Banking days: when a payment between banks can be made in a market.

Saturdays, Sundays and public holidays are closed, and what ``law/tables/banking_days.toml`` adds. A
part of a country is also closed when the country is, whose banks its payments pass through.

Source: public holidays from the ``holidays`` library, which knows them up to the year 2100.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from checkoutflow.errors import UnknownRule
from checkoutflow.law.banking import BankingDay
from checkoutflow.law.rules import EVERYWHERE

if TYPE_CHECKING:
    from datetime import date

    from checkoutflow.law.reader import Law

# To the next banking day, or back to the one before.
Way = Literal["following", "preceding"]

_SATURDAY: Final = 5


def is_banking_day(market: str, day: date, law: Law) -> bool:
    """Whether banks are open on a day.

    Raises:
        UnknownRule: If the market, or its public holidays, are not known.
    """
    if day.weekday() >= _SATURDAY:
        return False
    parent = law.market(market, day).parent
    areas = (market,) if parent is None else (market, parent)
    every = (rule for area in (*areas, EVERYWHERE) for rule in law.rules_of(BankingDay, area, day))
    rules = [rule for rule in every if rule.falls_on(day)]
    if rules:
        return not next((rule for rule in rules if rule.origin == "shop"), rules[0]).closed
    known = [days for area in areas if (days := _public_holidays(area, day.year)) is not None]
    if not known:
        raise UnknownRule(f"no public holidays known for {market}; give its market row a parent")
    return not any(day in days for days in known)


def banking_day(market: str, day: date, law: Law, *, way: Way = "following") -> date:
    """The day itself if banks are open, else the nearest banking day after or before it.

    Raises:
        UnknownRule: As for `is_banking_day`.
    """
    step = timedelta(1 if way == "following" else -1)
    while not is_banking_day(market, day, law):
        day += step
    return day


@lru_cache(maxsize=256)  # a few countries and the years around today
def _public_holidays(country: str, year: int) -> frozenset[date] | None:
    from holidays import country_holidays  # noqa: PLC0415 -- heavy

    try:
        return frozenset(country_holidays(country, years=year, categories="public"))
    except NotImplementedError:
        return None
