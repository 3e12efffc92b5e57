"""The command line: ``checkoutflow demo`` and what goes with it.

Each command is a module of this folder with a function ``run``, loaded when it is called for.
Whatever goes wrong because of what was typed is one line on stderr and exit code 2.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from datetime import date
from importlib import import_module
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from checkoutflow.cli import fleet, review_queue, review_score, work
from checkoutflow.cli.files import database, database_file
from checkoutflow.cli.paper import Paper
from checkoutflow.errors import CheckoutError

if TYPE_CHECKING:
    from collections.abc import Callable

WRONG = 2
INTERRUPTED = 128 + 2  # as shells tell of a process that SIGINT ended
PIPE_BROKEN = 128 + 13  # and SIGPIPE


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The words after ``checkoutflow``; those of this process by default.

    Returns:
        The exit code: 0 if all is well, 1 if what was looked at is not, 2 if what was typed or
        read is wrong.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # rather a sign unreadable than no text at all
    paper = Paper(sys.stdout, os.environ)
    try:
        arguments = _parser().parse_args(argv)
        status: int = import_module(f"checkoutflow.cli.{arguments.run}").run(arguments, paper)
    except _Stop as stop:
        return _wrong(str(stop)) if str(stop) else 0
    except CheckoutError as error:
        return _wrong(f"checkoutflow: {error}")
    except BrokenPipeError:
        # Whoever read has had enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_BROKEN
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _wrong(f"checkoutflow: {where}{error.strerror or error}")
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def _wrong(message: str) -> int:
    sys.stderr.write(" ".join(message.split()) + "\n")
    return WRONG


class _Stop(Exception):
    """The parser has had its say; the text is what is wrong, empty after help or version."""


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line and leaves the exit to ``main``."""

    def error(self, message: str) -> NoReturn:
        raise _Stop(f"{self.prog}: {message}")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:  # noqa: ARG002
        raise _Stop


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="checkoutflow",
        description="A checkout and payment flow for shops in the five Nordic countries.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {version('checkoutflow')}"
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    demo = _command(commands, "demo", "play five sales, one per country, and tell what happens")
    _several(demo, "--market", "XX", "only in these markets")
    demo.add_argument("--provider", metavar="NAME", help="sell with this provider's stand-in")
    demo.add_argument("--shop", type=Path, metavar="FILE", help="settings of your own (TOML, JSON)")
    demo.add_argument("--cart", type=Path, metavar="FILE", help="sell a cart of your own (JSON)")
    demo.add_argument("--json", action="store_true", help="print one JSON document instead")
    demo.add_argument("--db", type=database, metavar="DB", help="keep it: a file, or URL")

    show = _command(commands, "show", "print what happened to a checkout, from the journal")
    show.add_argument("checkout", metavar="ID", help="the checkout's id")
    show.add_argument("--db", type=database, required=True, metavar="DB", help="file, or URL")

    states = _command(commands, "states", "print the tables of states")
    instead = states.add_mutually_exclusive_group()
    instead.add_argument("--write", type=Path, metavar="DIR", help="write a page with diagrams")
    instead.add_argument("--json", action="store_true", help="print one JSON document")

    methods = _command(commands, "methods", "print the catalogue of ways to pay")
    methods.add_argument("--market", metavar="XX", help="only what exists in this market")
    instead = methods.add_mutually_exclusive_group()
    instead.add_argument("--write", type=Path, metavar="DIR", help="write the page of all kinds")
    instead.add_argument("--json", action="store_true", help="print one JSON document")

    law = _command(commands, "law", "print what the law of each country allows, and its sources")
    _several(law, "--market", "XX", "only in these markets")
    law.add_argument("--date", type=_date, metavar="YYYY-MM-DD", help="on that day; default: today")
    instead = law.add_mutually_exclusive_group()
    instead.add_argument("--write", type=Path, metavar="DIR", help="write a page with tables")
    instead.add_argument("--json", action="store_true", help="print one JSON document")

    _options(commands)
    _steer(commands)

    migrate = _command(
        commands, "migrate", "make a database's tables, or bring older ones up to this version"
    )
    migrate.add_argument("--db", type=database, required=True, metavar="DB", help="file, or URL")

    verify = _command(commands, "verify", "replay every journal and compare it with what is stored")
    verify.add_argument("--db", type=database, required=True, metavar="DB", help="file, or URL")

    status = _command(commands, "status", "say what is stuck, and what to do about it")
    status.add_argument("--db", type=database, required=True, metavar="DB", help="file, or URL")
    status.add_argument(
        "--days",
        type=_days,
        default=30,
        metavar="N",
        help="of orders that are over, read those of the last N days (default: 30)",
    )
    status.add_argument("--json", action="store_true", help="print one JSON document")

    doctor = _command(commands, "doctor", "look whether a shop is ready to take payments")
    doctor.add_argument(
        "--shop", type=Path, required=True, metavar="FILE", help="settings (TOML, JSON)"
    )
    doctor.add_argument("--offline", action="store_true", help="do not look who can be reached")
    doctor.add_argument("--json", action="store_true", help="print one JSON document")

    _providers(commands)
    _people(commands)
    _insurance(commands)
    _quality(commands)
    _review(
        _command(
            commands, "review", "look at signals and lists, try rules of review, learn a score"
        )
    )

    _keeping(commands)

    schema = _command(commands, "schema", "print the JSON Schema of a file or an answer")
    schema.add_argument(
        "model", choices=["shop", "cart", "view"], metavar="{shop,cart,view}", help="of what"
    )
    return parser


def _keeping(commands: argparse._SubParsersAction[_Parser]) -> None:
    backup = _command(commands, "backup", "copy a SQLite database in use")
    backup.add_argument(
        "--db", type=database_file, required=True, metavar="FILE", help="the database"
    )
    backup.add_argument("--to", type=database_file, required=True, metavar="FILE", help="the copy")
    restore = _command(commands, "restore", "put a copy back in the place of a database")
    restore.add_argument(
        "--from", dest="copy", type=database_file, required=True, metavar="FILE", help="the copy"
    )
    restore.add_argument(
        "--db", type=database_file, required=True, metavar="FILE", help="its place"
    )
    restore.add_argument(
        "--erased",
        type=database_file,
        metavar="FILE",
        help="erase again who was erased in this database",
    )
    work.add(
        _command(commands, "work", "do what is due, until it is told to stop"),
        _keys,
        _name_in_module,
    )
    fleet.add(_command(commands, "fleet", "let due work become jobs for many machines"))


def _options(commands: argparse._SubParsersAction[_Parser]) -> None:
    options = _command(
        commands, "options", "print what customers may choose from, and what the law changed"
    )

    options.add_argument(
        "--shop", type=Path, metavar="FILE", help="settings (TOML, JSON); default: an example"
    )
    _several(
        options,
        "--cart",
        "FILE",
        "carts (JSON), for the markets of their currencies; default: one for each country",
        Path,
    )
    _several(options, "--market", "XX", "only in these markets")
    options.add_argument(
        "--date", type=_date, metavar="YYYY-MM-DD", help="noon on that day, in UTC; default: now"
    )
    options.add_argument("--customer", choices=["consumer", "business"], default="consumer")
    options.add_argument("--age", type=_years, metavar="N", help="the customer's, where known")
    options.add_argument("--postal-code", metavar="CODE", help="where the customer lives")
    options.add_argument("--delivery", metavar="ID", default="", help="the chosen way of delivery")
    options.add_argument("--locale", metavar="XX_YY", help="default: the market's own")
    options.add_argument("--explain", action="store_true", help="say why, and by which law")
    options.add_argument(
        "--json", action="store_true", help="print one JSON document, with reasons"
    )
    arms = options.add_mutually_exclusive_group()
    arms.add_argument("--checkout", metavar="ID", help="in its arms of the shop's experiments")
    _several(arms, "--arm", "TEST:ARM", "in these arms")


def _steer(commands: argparse._SubParsersAction[_Parser]) -> None:
    steer = _command(
        commands, "steer", "propose prices that lead customers to what is cheap to take"
    )
    steer.add_argument(
        "--shop", type=Path, required=True, metavar="FILE", help="settings (TOML, JSON)"
    )
    steer.add_argument("--market", required=True, metavar="XX", help="in this market")
    paid = steer.add_mutually_exclusive_group(required=True)
    paid.add_argument("--amount", metavar="AMOUNT", help='to be paid, such as "500.00 DKK"')
    paid.add_argument("--cart", type=Path, metavar="FILE", help="a cart instead (JSON)")
    steer.add_argument("--budget", metavar="AMOUNT", help="the largest discount on one order")
    steer.add_argument("--date", type=_date, metavar="YYYY-MM-DD", help="order day; default: today")
    steer.add_argument(
        "--customer", choices=["consumer", "business"], default="consumer", help="who pays"
    )
    steer.add_argument(
        "--ship-days", type=_days, default=2, metavar="N", help="until it is sent; default: 2"
    )
    _several(
        steer,
        "--share",
        "WAY=PERCENT",
        "how many orders are paid with it today; default: the same for all",
    )
    steer.add_argument("--with-fees", action="store_true", help="propose fees too, where lawful")
    steer.add_argument("--json", action="store_true", help="print one JSON document")


def _providers(commands: argparse._SubParsersAction[_Parser]) -> None:
    providers = _command(commands, "providers", "print what each payment provider can do")
    instead = providers.add_mutually_exclusive_group()
    instead.add_argument("--write", type=Path, metavar="DIR", help="write a table for each page")
    instead.add_argument("--json", action="store_true", help="print one JSON document")

    simulate = _command(commands, "simulate", "serve a simulated provider on loopback")
    simulate.add_argument(
        "provider",
        metavar="NAME",
        help="bank, or an adapter's name: checkoutflow providers lists them",
    )
    simulate.add_argument("--market", metavar="XX", default="", help="country of the account")
    simulate.add_argument("--port", type=_port, default=0, metavar="N", help="default: a free one")
    simulate.add_argument("--notify", type=_web_address, metavar="URL", help="post notices there")

    conform = _command(commands, "conform", "check whether an adapter keeps the contract")
    what = conform.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "case",
        nargs="*",
        default=[],
        type=_name_in_module,
        metavar="MODULE:NAME",
        help="an AdapterCase, such as fjordpay:CASE",
    )
    what.add_argument("--template", type=Path, metavar="FILE", help="write one to start from")


def _people(commands: argparse._SubParsersAction[_Parser]) -> None:
    privacy = _command(commands, "privacy", "print a shop's record of processing (article 30 GDPR)")
    privacy.add_argument(
        "--shop", type=Path, required=True, metavar="FILE", help="settings (TOML, JSON)"
    )
    _several(privacy, "--market", "XX", "only in these markets")
    privacy.add_argument("--json", action="store_true", help="print one JSON document")
    _person(_command(commands, "person", "answer people about their data, and forget what is over"))


def _person(person: argparse.ArgumentParser) -> None:
    actions = person.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(name: str, text: str) -> argparse.ArgumentParser:
        about = f"{text[0].upper()}{text[1:]}."
        added = actions.add_parser(name, help=text, description=about, allow_abbrev=False)
        added.add_argument("--db", type=database, required=True, metavar="DB", help="file, or URL")
        return added

    find = action("find", "print the references of whoever is found")
    by = find.add_mutually_exclusive_group(required=True)
    for option, text in (
        ("--email", "by an e-mail address"),
        ("--phone", "by a telephone, with its country code"),
        ("--login", "by the shop's own name for a customer"),
    ):
        by.add_argument(option, type=_dash, metavar="-", help=f"{text}, on standard input")
    export = action("export", "write what is kept of a person, as JSON and as a page to read")
    export.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="where; for you alone to read"
    )
    export.add_argument("--locale", metavar="XX_YY", help="default: that of their last checkout")
    erase = action("erase", "destroy a person's keys, and print the proof")
    erase.add_argument("--reason", default="asked", metavar="TEXT", help="default: asked")
    restrict = action("restrict", "only keep a person's data from now on")
    restrict.add_argument("--lift", action="store_true", help="use it again")
    opt_out = action("opt-out", "take in from feeds who wants no offers any more")
    _several(opt_out, "--feed", "FILE", "opt-outs by e-mail or phone (CSV); see freshen")
    retention = action("retention", "print how much goes in which month")
    retention.add_argument("--now", action="store_true", help="remove what is over")
    rotate = action("rotate", "add a key to the key file, and put everybody under it")
    rotate.add_argument("--rest", action="store_true", help="add no key: put the rest under it")
    for each in (export, erase, restrict):
        each.add_argument("person", nargs="+", metavar="PERSON", help="a reference, from find")
    for each in (find, export, opt_out, rotate):
        _keys(each, needs_shop=each is not export)
    for each in (find, erase, opt_out, retention):
        each.add_argument("--json", action="store_true", help="print one JSON document")


def _review(review: argparse.ArgumentParser) -> None:
    actions = review.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(name: str, text: str) -> argparse.ArgumentParser:
        about = f"{text[0].upper()}{text[1:]}."
        return actions.add_parser(name, help=text, description=about, allow_abbrev=False)

    signals = action("signals", "print what is noticed about an order")
    instead = signals.add_mutually_exclusive_group()
    instead.add_argument("--write", type=Path, metavar="DIR", help="write the page of all signals")
    instead.add_argument("--json", action="store_true", help="print one JSON document")
    backtest = action("backtest", "print what rules would have done with past orders")
    backtest.add_argument(
        "--rules", type=Path, required=True, metavar="FILE", help="rules, or a shop's settings"
    )
    lists = action("lists", "print what is on the lists of what to hold and what not")
    block = action("block", "hold orders that have something of this")
    allow = action("allow", "hold no orders that have something of this")
    for each in (block, allow):
        each.add_argument("--order", metavar="ID", help="the customer of this checkout")
        _several(each, "--kind", "KIND", "of it: email, phone, address; default: all")
        each.add_argument("--sku", help="goods with this sku")
        each.add_argument("--market", metavar="XX", help="every order in this market")
        each.add_argument(
            "--stdin", action="store_true", help="read lines like email=name@example.com"
        )
        each.add_argument("--reason", required=True, metavar="TEXT", help="why; nothing personal")
        each.add_argument("--by", required=True, metavar="NAME", help="who decides it")
        each.add_argument("--days", type=int, default=365, help="for how long; default: 365")
        _keys(each)
    unlist = action("unlist", "take something off its list")
    unlist.add_argument("kind", metavar="KIND", help="as lists prints it")
    unlist.add_argument("value", metavar="WHAT", help="as lists prints it")
    for each in (backtest, lists, block, allow, unlist):
        each.add_argument("--db", type=database, required=True, metavar="DB", help="file, or URL")
    for each in (backtest, lists):
        each.add_argument("--json", action="store_true", help="print one JSON document")
    review_queue.add(action, _keys)
    review_score.add(action)


def _keys(action: argparse.ArgumentParser, *, needs_shop: bool = True) -> None:
    """Where an action finds the shop's settings and keys."""
    action.add_argument(
        "--shop", type=Path, required=needs_shop, metavar="FILE", help="settings (TOML, JSON)"
    )
    keys = action.add_mutually_exclusive_group()
    keys.add_argument(
        "--keys", type=Path, metavar="FILE", help="the key file; default: beside the database"
    )
    keys.add_argument(
        "--keys-from", metavar="NAME", help="a variable of the environment with the keys"
    )


def _insurance(commands: argparse._SubParsersAction[_Parser]) -> None:
    insurance = _command(commands, "insurance", "tell insurers what was bound and what ended")
    actions = insurance.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = "print what an insurer is told of a period: each cover that began or ended"
    told = actions.add_parser(
        "bordereau", help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False
    )
    told.add_argument("--db", type=database, required=True, metavar="DB", help="file, or URL")
    told.add_argument("--insurer", required=True, metavar="ID", help="as the settings name it")
    for option, dest, text in (("--from", "first", "first"), ("--to", "last", "last")):
        told.add_argument(
            option,
            dest=dest,
            type=_date,
            required=True,
            metavar="YYYY-MM-DD",
            help=f"{text} day of the period, in UTC",
        )
    form = told.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON document")
    form.add_argument("--csv", action="store_true", help="print a table for a spreadsheet")


def _quality(commands: argparse._SubParsersAction[_Parser]) -> None:
    quality = _command(
        commands, "quality", "measure a customer base, and find who stands in it twice"
    )
    quality.add_argument(
        "--out", type=Path, metavar="DIR", help="write a report, and files of pairs and merges"
    )
    freshen = _command(commands, "freshen", "let moves, deaths and opt-outs into a customer base")
    _several(
        freshen, "--feed", "FILE", "what happened (CSV); moved=FILE if all of it is of one kind"
    )
    _several(freshen, "--list", "FILE", "who is not to be written to or called; see suppress", Path)
    freshen.add_argument(
        "--out", type=Path, required=True, metavar="FRESH.csv", help="write the fresh base"
    )
    freshen.add_argument(
        "--log", type=Path, metavar="FILE", help="what changed; default: FRESH.changes.csv"
    )
    freshen.add_argument(
        "--since", type=_date, metavar="YYYY-MM-DD", help="leave out what happened before"
    )
    suppress = _command(
        commands, "suppress", "keep a register of those who want no marketing, without a number"
    )
    suppress.add_argument("numbers", type=Path, metavar="NUMBERS.csv", help="what was delivered")
    suppress.add_argument(
        "--register", required=True, metavar="NAME", help="such as NO-RESERVASJON"
    )
    suppress.add_argument(
        "--as-of", type=_date, required=True, metavar="YYYY-MM-DD", help="the day it is of"
    )
    suppress.add_argument(
        "--out", type=Path, required=True, metavar="LIST.txt", help="write the list"
    )
    for each in (quality, freshen):
        each.add_argument(
            "customers", type=Path, metavar="CUSTOMERS.csv", help="the base; it stays as it is"
        )
        _several(each, "--map", "FIELD=COLUMN", "which column is what")
        each.add_argument(
            "--updated", metavar="COLUMN", help="the column that says when a row was last changed"
        )
        each.add_argument(
            "--today", type=_date, metavar="YYYY-MM-DD", help="as on that day; default: today"
        )
        each.add_argument("--json", action="store_true", help="print one JSON document")
    for each in (freshen, suppress):
        each.add_argument(
            "--key-from", metavar="NAME", help="the variable of the environment with the lists' key"
        )
    for each in (freshen, suppress):
        each.add_argument(
            "--market", required=True, metavar="XX", help="where people are who name no country"
        )
    quality.add_argument(
        "--market",
        metavar="XX",
        help="where people are who name no country; default: as most rows tell",
    )


def _command(
    commands: argparse._SubParsersAction[_Parser], name: str, text: str
) -> argparse.ArgumentParser:
    """Add a command; the module of the same name runs it."""
    about = f"{text[0].upper()}{text[1:]}."
    command = commands.add_parser(name, help=text, description=about, allow_abbrev=False)
    command.set_defaults(run=name)
    return command


def _several(
    command: argparse._ActionsContainer,
    option: str,
    metavar: str,
    text: str,
    kind: Callable[[str], object] = str,
) -> None:
    """Add an option that takes several values, and may be given several times."""
    command.add_argument(
        option, nargs="+", action="extend", default=[], type=kind, metavar=metavar, help=text
    )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 2**16):
        raise argparse.ArgumentTypeError("is a number from 0 to 65535")
    return int(text)


def _years(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text):
        raise argparse.ArgumentTypeError("is a number of years")
    return int(text)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("is a day such as 2026-11-21") from None


def _days(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text):
        raise argparse.ArgumentTypeError("is a number of days")
    return int(text)


def _dash(text: str) -> str:
    if text != "-":
        raise argparse.ArgumentTypeError(
            "is - and the value comes on standard input: a shell remembers what it is told"
        )
    return text


def _name_in_module(text: str) -> str:
    if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*", text):
        raise argparse.ArgumentTypeError("is a module and a name in it, such as fjordpay:CASE")
    return text


def _web_address(text: str) -> str:
    if not re.fullmatch(r"https?://[!-~]+", text):
        raise argparse.ArgumentTypeError("is an address that begins with http:// or https://")
    return text
