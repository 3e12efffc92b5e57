"""``checkoutflow providers``: what each adapter can do: as text, as JSON, as tables for pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from checkoutflow.cli.paper import columns
from checkoutflow.flow.host import system_clock
from checkoutflow.payment.outcomes import Operation
from checkoutflow.providers.registry import ADAPTERS, methods_of
from checkoutflow.testing.standins import open_stand_in

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

    from checkoutflow.cli.paper import Paper
    from checkoutflow.payment.capabilities import Capabilities

_CAPTURES: Final = {
    "many": "in parts, each when it is sent",
    "once": "once; what is left is released with it",
    "whole": "whole only",
}


def run(arguments: Namespace, paper: Paper) -> int:
    """Print what they can do, or write it into a folder."""
    able = {name: _capabilities(name) for name in ADAPTERS}
    if arguments.write:
        arguments.write.mkdir(parents=True, exist_ok=True)
        pages = {name: _page(name, able[name]) for name in ADAPTERS} | {"all": _overview(able)}
        for name, page in pages.items():
            file = arguments.write / f"{name}.md"
            file.write_text(page, encoding="utf-8", newline="\n")
            paper.line(str(file))
    elif arguments.json:
        paper.document(
            {name: {**_facts(able[name]), "methods": methods_of(name)} for name in ADAPTERS}
        )
    else:
        head = ("adapter", "currencies", "capture", "void", "refund", "look-up", "mandates")
        for line in columns([head, *(_row(name, able[name]) for name in ADAPTERS)]):
            paper.line(line)
    return 0


def _capabilities(name: str) -> Capabilities:
    """Those of an account as its stand-in has it."""
    return open_stand_in(name, system_clock).provider().capabilities


def _row(name: str, able: Capabilities) -> tuple[str, ...]:
    facts = _facts(able)
    return (
        name,
        " ".join(sorted(able.currencies)),
        able.captures if Operation.CAPTURE in able.operations else "at once",
        "yes" if Operation.VOID in able.operations else "no",
        "in parts" if able.partial_refund else "whole",
        "yes" if able.can_be_asked else "no",
        "yes" if facts["mandates"] else "no",
    )


def _facts(able: Capabilities) -> dict[str, Any]:
    return able.model_dump(mode="json")


def _page(name: str, able: Capabilities) -> str:
    """The table that stands on a provider's page."""
    rows = {
        "`provider_method`": ", ".join(f"`{method}`" for method in methods_of(name)),
        "Currencies": ", ".join(sorted(able.currencies)),
        "Capture": _CAPTURES[able.captures]
        if Operation.CAPTURE in able.operations
        else "none: the money is taken at once",
        "Void": "yes" if Operation.VOID in able.operations else "no",
        "Refund": "in parts" if able.partial_refund else "whole only",
        "Look-up": _look_up(able),
        "Repeats": _repeats(able),
        "Not found proves": f"that nothing was done, after {_duration(able.absence_s)}",
        "Contact details": ", ".join(f"`{field}`" for field in sorted(able.details)) or "none",
        "Mandates": _mandates(able),
    }
    return f"{_MADE}\n\n| | |\n|---|---|\n" + "".join(
        f"| {label} | {text} |\n" for label, text in rows.items()
    )


def _overview(able: Mapping[str, Capabilities]) -> str:
    head = "| Adapter | Currencies | Capture | Void | Refund | Look-up | Mandates |\n"
    rows = [
        "| " + " | ".join((f"[{name}]({name}.md)", *_row(name, able[name])[1:])) + " |\n"
        for name in ADAPTERS
    ]
    return f"{_MADE}\n\n{head}|---|---|---|---|---|---|---|\n{''.join(rows)}"


_MADE: Final = "<!-- Made by `checkoutflow providers --write docs/providers/tables`. -->"


def _look_up(able: Capabilities) -> str:
    if not able.can_be_asked:
        return "none: signed notices decide"
    return "by our reference" if able.finds_by_ours else "by the provider's own reference"


def _repeats(able: Capabilities) -> str:
    """For how long the same request may go out again."""
    named = {
        operation: able.repeats_for(operation)
        for operation in Operation
        if operation in able.operations
    }
    if len({*named.values()}) == 1:
        seconds = named[Operation.AUTHORISE]
        return f"done once for {_duration(seconds)}" if seconds else "never sent again"
    said = [
        f"{operation} {_duration(seconds) if seconds else 'never'}"
        for operation, seconds in named.items()
    ]
    return "sent again for: " + ", ".join(said)


def _mandates(able: Capabilities) -> str:
    terms = able.mandates
    if terms is None:
        return "no"
    said = ["yes"]
    if terms.first_charge:
        said.append("with a first payment")
    if terms.ahead_days:
        said.append(f"sent {terms.ahead_days} days ahead")
    if terms.retries_days:
        said.append(f"the provider tries again for {terms.retries_days} days")
    return ", ".join(said)


def _duration(seconds: int) -> str:
    for name, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        count, rest = divmod(seconds, length)
        if count and not rest:
            return f"{count} {name}{'s' if count > 1 else ''}"
    return f"{seconds} seconds"
