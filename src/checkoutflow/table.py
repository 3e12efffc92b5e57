"""State machines as tables: one row per state, one entry per step, and nothing else.

There are no guards and no callbacks. Whoever advances a machine compares amounts first, then
chooses the step (``partly_captured`` or ``fully_captured``). An empty row is an end, on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from checkoutflow.errors import IllegalTransition

State = TypeVar("State", bound=StrEnum)
Step = TypeVar("Step", bound=StrEnum)

Table = Mapping[State, Mapping[Step, State]]


def advance(thing: str, table: Table[State, Step], state: State, step: Step) -> State:
    """Look one step up.

    Args:
        thing: What the machine is about (``"payment"``), for the error's text.
        table: The machine.
        state: Where it stands.
        step: What happened.

    Raises:
        IllegalTransition: If the table has no such step from here.
    """
    try:
        return table[state][step]
    except KeyError:
        raise IllegalTransition(thing, state, step) from None


def reachable(table: Table[State, Step], start: State) -> set[State]:
    """Every state that some path of steps from ``start`` comes to, ``start`` included."""
    found = {start}
    frontier = [start]
    while frontier:
        for state in table[frontier.pop()].values():
            if state not in found:
                found.add(state)
                frontier.append(state)
    return found


def mermaid(table: Table[State, Step], start: State) -> str:
    """Draw a machine as a Mermaid state diagram, in the order of its rows."""
    lines = ["stateDiagram-v2", "    direction LR", f"    [*] --> {start}"]
    for state, row in table.items():
        lines += [f"    {state} --> {target}: {step}" for step, target in row.items()]
        if not row:
            lines.append(f"    {state} --> [*]")
    return "\n".join(lines) + "\n"
