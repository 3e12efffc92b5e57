"""Amounts as a view shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checkoutflow.model import Frozen

if TYPE_CHECKING:
    from checkoutflow.money import Money


class Amount(Frozen):
    """An amount, to calculate with and to show.

    Attributes:
        minor: Minor units.
        text: As people of the view's locale write it.
    """

    minor: int
    currency: str
    text: str


def shown(money: Money, locale: str) -> Amount:
    """An amount as people of this locale write it."""
    return Amount(minor=money.minor, currency=money.currency, text=money.format(locale))
