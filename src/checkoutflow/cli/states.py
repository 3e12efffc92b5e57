"""``checkoutflow states``: the tables of states, as text, as JSON, or as a page with pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.checkout.machine import ALLOWED, CALLS, CHECKOUT, Phase
from checkoutflow.cli.diagram import draw
from checkoutflow.cli.paper import columns
from checkoutflow.insurance import POLICY, PolicyState
from checkoutflow.payment.machine import PAYMENT, PaymentState
from checkoutflow.review import REVIEW, ReviewState
from checkoutflow.table import mermaid

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator, Mapping

    from checkoutflow.cli.paper import Paper


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine to show.

    Attributes:
        calls: By state, the flow's methods that may be called in it; empty where none may be.
    """

    name: str
    about: str
    table: Mapping[Any, Mapping[Any, Any]]
    start: Any
    calls: Mapping[Any, tuple[str, ...]]


MACHINES: Final = (
    Machine(
        "checkout",
        "What the customer and the shop see. The calls are those that make sense in a phase.",
        CHECKOUT,
        Phase.COLLECTING,
        {
            phase: tuple(call for call in CALLS if call in allowed)
            for phase, allowed in ALLOWED.items()
        },
    ),
    Machine(
        "payment",
        "One authorisation inside a checkout. Amounts are in its books, never in a state's name.",
        PAYMENT,
        PaymentState.INITIATED,
        {},
    ),
    Machine(
        "review",
        "The decision of a person on an order that is held.",
        REVIEW,
        ReviewState.OPEN,
        {},
    ),
    Machine(
        "policy",
        "Insurance or a warranty for goods: offered with them, and bound with the order.",
        POLICY,
        PolicyState.OFFERED,
        {},
    ),
)


def run(arguments: Namespace, paper: Paper) -> int:
    """Print the tables, or write the page and its pictures into a folder."""
    if arguments.write:
        arguments.write.mkdir(parents=True, exist_ok=True)
        for name, content in files().items():
            file = arguments.write / name
            file.write_text(content, encoding="utf-8", newline="\n")
            paper.line(str(file))
    elif arguments.json:
        paper.document({machine.name: _plain(machine) for machine in MACHINES})
    else:
        for machine in MACHINES:
            _print(machine, paper)
    return 0


def _plain(machine: Machine) -> dict[str, object]:
    return {
        "start": machine.start,
        "states": {
            state: {"steps": row, "calls": machine.calls[state]}
            if machine.calls
            else {"steps": row}
            for state, row in machine.table.items()
        },
    }


def _print(machine: Machine, paper: Paper) -> None:
    paper.heading(f"The states of a {machine.name}", f"begins {machine.start}")
    paper.line(machine.about)
    paper.section("Steps")
    for line in columns(list(_rows(machine))):
        paper.entry("", line, margin=2)
    if machine.calls:
        paper.section("Calls")
        for state, calls in machine.calls.items():
            paper.entry(state, ", ".join(calls), margin=max(map(len, machine.calls)) + 4)
    paper.line()


def _rows(machine: Machine) -> Iterator[tuple[str, ...]]:
    """The table as text: a state's name, each step from it, and where that leads."""
    for state, row in machine.table.items():
        name = str(state)
        for step, target in row.items():
            yield name, step, f"→ {target}"
            name = ""
        if not row:
            yield name, "(an end)"


# The page --------------------------------------------------------------------------------------

_TOP: Final = """\
# States

Made by `checkoutflow states --write docs/reference` from the tables that the library itself runs
on; a test compares. In the pictures, states with the same steps to take share a box, steps that
stay within a box are written in it, and ends have a thick frame.
"""


def files() -> dict[str, str]:
    """The page and its pictures, by file name."""
    page = [_TOP]
    pictures = {}
    for machine in MACHINES:
        picture = f"states-{machine.name}.svg"
        pictures[picture] = draw(machine.name, machine.table, machine.start)
        page += [
            f"## {machine.name.capitalize()}\n",
            f"{machine.about}\n",
            f"![The states of a {machine.name}]({picture})\n",
        ]
        if machine.calls:
            page += ["| phase | calls |", "|---|---|"]
            for state, calls in machine.calls.items():
                page.append(f"| `{state}` | {', '.join(f'`{call}`' for call in calls)} |")
            page.append("")
        page.append(f"```mermaid\n{mermaid(machine.table, machine.start)}```\n")
    return {"states.md": "\n".join(page), **pictures}
