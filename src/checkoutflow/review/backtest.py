"""Trying rules against a shop's own past orders: what they would have held, caught and delayed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from checkoutflow.review.harm import Fate
    from checkoutflow.review.rules import Order
    from checkoutflow.review.settings import ReviewRules
    from checkoutflow.review.signals import Signals


@dataclass(frozen=True, slots=True)
class Past:
    """One past order.

    Attributes:
        signals: What was noticed about it then.
        fate: What it turned out to be.
        was_held: Whether a person had to decide.
    """

    order: Order
    signals: Signals
    fate: Fate
    was_held: bool


@dataclass(slots=True)
class Tally:
    """Orders of one kind, and what they came to in minor units of each currency."""

    orders: int = 0
    amounts: Counter[str] = field(default_factory=Counter)

    def add(self, order: Order) -> None:
        """One more."""
        self.orders += 1
        self.amounts[order.total.currency] += order.total.minor


@dataclass(slots=True)
class Tried:
    """What one rule, or all of them, would have done.

    Attributes:
        held: Orders that would have been held; of a rule, that it applies to.
        caught: The bad ones among them.
        delayed: The good ones: each waits for a person, who lets it through.
    """

    held: Tally = field(default_factory=Tally)
    caught: Tally = field(default_factory=Tally)
    delayed: Tally = field(default_factory=Tally)

    def add(self, past: Past) -> None:
        """One more that would have been held."""
        self.held.add(past.order)
        if past.fate == "bad":
            self.caught.add(past.order)
        elif past.fate == "good":
            self.delayed.add(past.order)


@dataclass(slots=True)
class Backtest:
    """What rules would have done with past orders.

    Attributes:
        looked_at: Every order.
        bad: Those that turned out bad.
        was_held: Those that were held then.
        unnoticed: Those without signals, made before there were any: only what rules say of cart
            and choice counts for them.
        tried: What the rules would have done.
        missed: Bad ones that they would have let through.
        rules: The same of each rule by its id, those in the shadow among them; no amounts are left
            out, so that an order that two apply to counts for both.
    """

    looked_at: Tally = field(default_factory=Tally)
    bad: Tally = field(default_factory=Tally)
    was_held: Tally = field(default_factory=Tally)
    unnoticed: Tally = field(default_factory=Tally)
    tried: Tried = field(default_factory=Tried)
    missed: Tally = field(default_factory=Tally)
    rules: dict[str, Tried] = field(default_factory=dict)


def backtest(rules: ReviewRules, orders: Iterable[Past]) -> Backtest:
    """Judge past orders by rules, one after the other; nothing of them is kept but counts."""
    found = Backtest(rules={rule.id: Tried() for rule in rules.all_rules})
    for past in orders:
        judged = rules.judge(past.order, past.signals)
        found.looked_at.add(past.order)
        if past.was_held:
            found.was_held.add(past.order)
        if not past.signals:
            found.unnoticed.add(past.order)
        if past.fate == "bad":
            found.bad.add(past.order)
        if judged.reasons:
            found.tried.add(past)
        elif past.fate == "bad":
            found.missed.add(past.order)
        for hit in judged.hits:
            found.rules[hit.rule].add(past)
    return found
