"""What came of reviewing: how much is held, for how long, and who was right."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any, Final, Literal

from checkoutflow.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from checkoutflow.review.harm import Fate
    from checkoutflow.review.rules import Hit, Scored

# How a review ended; ``waiting`` for one that has not.
Outcome = Literal[
    "waiting", "approved", "rejected", "deadline", "authorisation_lost", "cancelled", "unknown"
]
DECIDED: Final = ("approved", "rejected")

# Seconds to a decision, in the steps in which they are drawn.
STEPS: Final[Mapping[str, int]] = {
    "1 hour": 3600,
    "4 hours": 4 * 3600,
    "1 day": 24 * 3600,
    "3 days": 72 * 3600,
}
LONGER: Final = "longer"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One past order, as figures count it.

    Attributes:
        outcome: How its review ended; None if it was not held.
        held_at: Since when it waited.
        decided_at: When a reviewer decided.
        hits: Rules that applied to it, those in the shadow among them.
        scored: What the learned score said.
        fate: What it turned out to be.
    """

    total: Money
    outcome: Outcome | None
    held_at: datetime | None
    decided_at: datetime | None
    hits: tuple[Hit, ...]
    scored: Scored | None
    fate: Fate

    @property
    def waited_s(self) -> float | None:
        """Seconds from the hold to a reviewer's decision."""
        if self.held_at is None or self.decided_at is None:
            return None
        return (self.decided_at - self.held_at).total_seconds()


@dataclass(slots=True)
class Aim:
    """How well one rule, or the score, aims.

    Attributes:
        orders: That it pointed at.
        held: Those among them that were held, for whatever reason.
        decided: Those among them that a reviewer decided.
        approved: Those among them that a reviewer let through.
        known: Of all that it pointed at, those of which it is known what they turned out to be.
        bad: Those among them that did harm.
        is_shadow: Whether it was only watched the last time.
    """

    orders: int = 0
    held: int = 0
    decided: int = 0
    approved: int = 0
    known: int = 0
    bad: int = 0
    is_shadow: bool = False

    def add(self, order: Reviewed) -> None:
        """One more order that it pointed at."""
        self.orders += 1
        self.held += order.outcome is not None
        self.decided += order.outcome in DECIDED
        self.approved += order.outcome == "approved"
        self.known += order.fate != "open"
        self.bad += order.fate == "bad"

    @property
    def approval_rate(self) -> float | None:
        """Of what reviewers decided, how much they let through; None where they decided nothing."""
        return self.approved / self.decided if self.decided else None

    @property
    def hit_rate(self) -> float | None:
        """Of what is known, how much did harm; None where nothing is known."""
        return self.bad / self.known if self.known else None


@dataclass(slots=True)
class Figures:
    """Figures of a shop's reviewing.

    Attributes:
        orders: All orders whose money was reserved.
        outcomes: Held orders by how their review ended.
        money: What was held, in minor units by currency.
        waits_s: Seconds to each reviewer's decision.
        rules: By rule.
        score: Of the learned score.
        standings: How often the score could be relied on, and why not.
    """

    orders: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    money: Counter[str] = field(default_factory=Counter)
    waits_s: list[float] = field(default_factory=list)
    rules: dict[str, Aim] = field(default_factory=dict)
    score: Aim = field(default_factory=Aim)
    standings: Counter[str] = field(default_factory=Counter)

    def add(self, order: Reviewed) -> None:
        """Count one more past order."""
        self.orders += 1
        if order.outcome is not None:
            self.outcomes[order.outcome] += 1
            self.money[order.total.currency] += order.total.minor
        if order.waited_s is not None:
            self.waits_s.append(order.waited_s)
        for hit in order.hits:
            aim = self.rules.setdefault(hit.rule, Aim())
            aim.is_shadow = hit.shadow
            aim.add(order)
        if order.scored is not None:
            self.standings[order.scored.standing] += 1
            if order.scored.would_hold:
                self.score.add(order)

    @property
    def held(self) -> int:
        """Held orders."""
        return self.outcomes.total()

    @property
    def held_share(self) -> float | None:
        """Of all orders, how many were held; None where there are none."""
        return self.held / self.orders if self.orders else None

    @property
    def approval_rate(self) -> float | None:
        """Of what reviewers decided, how much they let through."""
        decided = sum(self.outcomes[outcome] for outcome in DECIDED)
        return self.outcomes["approved"] / decided if decided else None

    @property
    def median_wait_s(self) -> float | None:
        """Seconds in which half of the decisions were made."""
        return median(self.waits_s) if self.waits_s else None

    @property
    def slow_wait_s(self) -> float | None:
        """Seconds in which nine of ten decisions were made."""
        if len(self.waits_s) < 2:  # noqa: PLR2004 -- quantiles need two
            return self.median_wait_s
        return quantiles(self.waits_s, n=10, method="inclusive")[-1]

    @property
    def waits(self) -> Mapping[str, int]:
        """How many decisions were made within each step, and not within the one before."""
        counts = dict.fromkeys((*STEPS, LONGER), 0)
        for wait in self.waits_s:
            step = next((name for name, seconds in STEPS.items() if wait <= seconds), LONGER)
            counts[step] += 1
        return counts

    @property
    def amounts(self) -> Sequence[Money]:
        """What was held, by currency."""
        return [Money(minor, currency) for currency, minor in sorted(self.money.items())]


def figures(orders: Iterable[Reviewed]) -> Figures:
    """Count past orders; however many there are, they are looked at one by one."""
    found = Figures()
    for order in orders:
        found.add(order)
    return found


def document(found: Figures) -> dict[str, Any]:
    """Figures as plain data: shares from 0 to 1, times in seconds."""
    return {
        "orders": found.orders,
        "held": found.held,
        "held_share": _short(found.held_share),
        "money_held": [str(amount) for amount in found.amounts],
        "outcomes": dict(sorted(found.outcomes.items())),
        "approval_rate": _short(found.approval_rate),
        "time_to_decision": {
            "median_s": _short(found.median_wait_s),
            "nine_of_ten_s": _short(found.slow_wait_s),
            "within": dict(found.waits),
        },
        "rules": {name: _aim(aim) for name, aim in sorted(found.rules.items())},
        "score": _aim(found.score) | {"standings": dict(sorted(found.standings.items()))},
    }


def _aim(aim: Aim) -> dict[str, Any]:
    return {
        "orders": aim.orders,
        "held": aim.held,
        "decided": aim.decided,
        "approval_rate": _short(aim.approval_rate),
        "known": aim.known,
        "bad": aim.bad,
        "hit_rate": _short(aim.hit_rate),
        "shadow": aim.is_shadow,
    }


def _short(number: float | None) -> float | None:
    return None if number is None else round(number, 4)
