"""``checkoutflow fleet``: put a fleet of workers up, take it down, see what it gave up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checkoutflow.cli.paper import columns

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping, Sequence

    from checkoutflow.cli.paper import Paper
    from checkoutflow.workers.fleet import Dead

_COMMANDS: Final[Mapping[str, str]] = {
    "install": "let due work become jobs, for workers to do",
    "uninstall": "let it become jobs no more; jobs that wait go",
    "dead": "print the jobs that failed for a day, and that nobody tries any more",
    "retry": "let dead jobs be tried again",
}


def add(fleet: ArgumentParser) -> None:
    """Add its actions."""
    actions = fleet.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in _COMMANDS.items():
        about = f"{text[0].upper()}{text[1:]}."
        action = actions.add_parser(name, help=text, description=about, allow_abbrev=False)
        action.add_argument("--db", required=True, metavar="URL", help="of the database")
        if name == "install":
            action.add_argument(
                "--messages", action="store_true", help="messages for the shop too: work --take"
            )
        if name == "dead":
            action.add_argument("--json", action="store_true", help="print one JSON document")
        if name == "retry":
            action.add_argument("job", nargs="+", type=int, metavar="JOB", help="its number")


def run(arguments: Namespace, paper: Paper) -> int:
    """Do it; ``dead`` gives 1 if there are any."""
    from checkoutflow.workers import fleet  # noqa: PLC0415 -- not everybody has it

    match arguments.action:
        case "install":
            fleet.install(arguments.db, messages=arguments.messages)
            paper.line("Due work becomes jobs. Start workers with: checkoutflow work --fleet")
        case "uninstall":
            fleet.uninstall(arguments.db)
            paper.line("Due work becomes jobs no more. Do it with: checkoutflow work")
        case "retry":
            for job in arguments.job:
                fleet.retry(arguments.db, job)
            paper.line(f"{len(arguments.job)} jobs are tried again.")
        case _:
            return _dead(fleet.dead(arguments.db), arguments, paper)
    return 0


def _dead(found: Sequence[Dead], arguments: Namespace, paper: Paper) -> int:
    if arguments.json:
        paper.document([{"job": job.id, "about": job.about, "tries": job.tries} for job in found])
    elif found:
        rows = [(str(job.id), job.about, str(job.tries)) for job in found]
        for line in columns([("job", "about", "tries"), *rows], right=[0, 2]):
            paper.line(line)
    else:
        paper.line("No job was given up.")
    return 1 if found else 0
