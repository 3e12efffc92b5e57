"""What many runs came to: faults by class and place, steps of the tables, lines of programs."""

from __future__ import annotations

import ast
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from checkoutflow.checkout import evolve, evolve_payments
from checkoutflow.checkout.machine import CHECKOUT
from checkoutflow.insurance import policies
from checkoutflow.payment.machine import PAYMENT
from checkoutflow.review.machine import REVIEW
from checkoutflow.table import advance
from checkoutflow.testing.simulation.faults import CAN_HAPPEN, HIDDEN, Kind
from checkoutflow.testing.simulation.sometimes import SOMETIMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Where the programs are that move money; each of their effects is a step.
PROGRAMS: Final = ("programs", "acting", "commits", "sending", "noticing", "keeping")
TABLES: Final[Mapping[str, Mapping[Any, Mapping[Any, Any]]]] = {
    "checkout": CHECKOUT,
    "payment": PAYMENT,
    "review": REVIEW,
    "policy": policies.POLICY,
}


@dataclass(slots=True)
class Tally:
    """What runs came to.

    Attributes:
        providers: Runs, by who took the payments.
        steps: Effects that were performed.
        ends: Checkouts, by the phase that they ended in.
        faults: How often each class of faults happened at each place.
        spared: Pairs of a class and a place at which it was tried, and had no hold there.
        places: How often each place was come to, by its kind.
        moves: Steps of the state tables that were taken.
        lines: Lines of programs at which an effect was performed.
        seen: What must happen now and then, by how often it did.
    """

    runs: int = 0
    providers: Counter[str] = field(default_factory=Counter)
    steps: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    spared: set[tuple[str, str]] = field(default_factory=set)
    places: Counter[tuple[str, str]] = field(default_factory=Counter)
    moves: set[tuple[str, str, str]] = field(default_factory=set)
    lines: set[tuple[str, int]] = field(default_factory=set)
    seen: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Take in what other runs came to."""
        self.runs += other.runs
        self.providers.update(other.providers)
        self.steps += other.steps
        self.ends.update(other.ends)
        self.faults.update(other.faults)
        self.spared |= other.spared
        self.places.update(other.places)
        self.moves |= other.moves
        self.lines |= other.lines
        self.seen.update(other.seen)

    @property
    def checkouts(self) -> int:
        """How many were begun."""
        return self.ends.total()

    def lines_of_report(self, seconds: float) -> Iterator[str]:
        """The summary, line by line.

        Args:
            seconds: How long it all took.
        """
        rate = self.checkouts / seconds * 60 if seconds else 0
        yield f"{self.runs} runs, {self.steps} steps"
        yield f"{self.checkouts} checkouts, {rate:.0f} a minute"
        yield "with: " + ", ".join(
            f"{name} {count}" for name, count in self.providers.most_common()
        )
        yield "ends: " + ", ".join(f"{name} {count}" for name, count in self.ends.most_common())
        yield from self._faults()
        yield from self._sometimes()
        yield from self._moves()
        yield from self._lines()

    def _faults(self) -> Iterator[str]:
        classes: Counter[str] = Counter()
        for (trouble, _), times in self.faults.items():
            classes[trouble] += times
        yield "faults: " + ", ".join(f"{name} {times}" for name, times in classes.most_common())
        hit, missed = self._hit(), self.pairs_missed()
        possible = len(missed) + len(hit)
        yield f"pairs of fault and place: {len(hit)} of {possible} that can occur"
        for word, found in ("not hit", missed), ("never had a hold", sorted(self.spared - hit)):
            for trouble, pairs in groupby(found, key=itemgetter(0)):
                yield f"  {word}: {trouble} at " + "; ".join(place for _, place in pairs)

    def _sometimes(self) -> Iterator[str]:
        never = [name for name in SOMETIMES if not self.seen[name]]
        yield f"happened at least once: {len(SOMETIMES) - len(never)} of {len(SOMETIMES)}"
        for name in never:
            yield f"  never: {name}"

    def _hit(self) -> set[tuple[str, str]]:
        return {(str(trouble), place) for (trouble, place), times in self.faults.items() if times}

    def pairs_missed(self) -> list[tuple[str, str]]:
        """Classes of faults at places that were come to, where they never happened."""
        possible = {
            (str(trouble), place)
            for kind, place in self.places
            for trouble in CAN_HAPPEN[Kind(kind)]
            if trouble not in HIDDEN.get(place.rpartition(" with ")[2], ())
        }
        return sorted(possible - self._hit() - self.spared)

    def _moves(self) -> Iterator[str]:
        missed = self.moves_missed()
        every = sum(len(row) for table in TABLES.values() for row in table.values())
        yield f"steps of the state tables: {every - len(missed)} of {every}"
        if missed:
            yield "  not taken: " + "; ".join(
                f"{name}: {state} --{step}->" for name, state, step in missed
            )

    def moves_missed(self) -> list[tuple[str, str, str]]:
        """Steps of the tables that were never taken."""
        every = {
            (name, str(state), str(step))
            for name, table in TABLES.items()
            for state, row in table.items()
            for step in row
        }
        return sorted(every - self.moves)

    def _lines(self) -> Iterator[str]:
        every, missed = program_steps(), self.lines_missed()
        yield f"steps of programs: {len(every) - len(missed)} of {len(every)}"
        if missed:
            yield "  not reached: " + ", ".join(f"{name}:{line}" for name, line in missed)

    def lines_missed(self) -> list[tuple[str, int]]:
        """Steps of programs that were never come to."""
        return sorted(
            (name, first)
            for name, first, last in program_steps()
            if not any((name, line) in self.lines for line in range(first, last + 1))
        )


@cache
def program_steps() -> tuple[tuple[str, int, int], ...]:
    """Every place in the programs where the store or a provider is asked: file, lines."""
    found = []
    for name in PROGRAMS:
        source = files("checkoutflow.flow").joinpath(f"{name}.py").read_text("utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.YieldFrom) and isinstance(node.value, ast.Call):
                called = node.value.func
                if isinstance(called, ast.Name) and called.id in {"ask_store", "send"}:
                    found.append((name, node.lineno, node.end_lineno or node.lineno))
    return tuple(found)


@contextmanager
def watching_tables(moves: set[tuple[str, str, str]]) -> Iterator[None]:
    """Note every step that a state machine takes while the block lasts."""

    def watched(thing: str, table: Any, state: Any, step: Any) -> Any:  # noqa: ANN401 -- any table's
        after = advance(thing, table, state, step)
        moves.add((thing, str(state), str(step)))
        return after

    with (
        patch.object(evolve, "advance", watched),
        patch.object(evolve_payments, "advance", watched),
        patch.object(policies, "advance", watched),
    ):
        yield
