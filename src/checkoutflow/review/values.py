"""Where an order's value stands among the shop's orders, by counts in a bounded number of bands.

A band is a quarter of a doubling: from 100.00 to 124.99, to 149.99, to 174.99, to 199.99. So a
currency has some sixty bands in use, and two hundred at the very most, however many orders there
were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# Among fewer orders than this a place says nothing.
FEWEST: Final = 20


def band(minor: int) -> int:
    """The band of an amount in minor units; zero for nothing.

    >>> [band(minor) for minor in (0, 1, 4, 5, 6, 7, 8, 1000, 1001)]
    [0, 1, 9, 10, 11, 12, 13, 40, 40]
    """
    if minor <= 0:
        return 0
    doublings = minor.bit_length() - 1
    quarter = (minor << 2 >> doublings) - 4
    return 1 + 4 * doublings + quarter


def place(minor: int, counts: Mapping[int, int]) -> int | None:
    """How many of a hundred orders are worth less; of those in the same band, half.

    Args:
        minor: The order's value.
        counts: Orders of the same currency by band.

    Returns:
        0 to 100; None among fewer than `FEWEST` orders.

    >>> place(10_000, {band(100): 30, band(10_000): 10, band(90_000): 60})
    35
    """
    orders = sum(counts.values())
    if orders < FEWEST:
        return None
    own = band(minor)
    below = sum(count for other, count in counts.items() if other < own)
    return (200 * below + 100 * counts.get(own, 0)) // (2 * orders)
