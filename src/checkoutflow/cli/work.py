"""``checkoutflow work``: do what is due, until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
from threading import Thread
from typing import TYPE_CHECKING, Any

from checkoutflow.cli.files import Server, database, imported, open_kept, read_shop
from checkoutflow.errors import UsageError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

    from checkoutflow.cli.paper import Paper
    from checkoutflow.flow.sync import CheckoutFlow
    from checkoutflow.workers.loop import Worker


def add(
    work: ArgumentParser, keys: Callable[..., None], name_in_module: Callable[[str], str]
) -> None:
    """Add its options.

    Args:
        work: The command.
        keys: Adds where a command finds settings and keys.
        name_in_module: Reads ``MODULE:NAME``.
    """
    work.add_argument("--db", type=database, metavar="DB", help="file, or URL")
    keys(work, needs_shop=False)
    work.add_argument(
        "--flow",
        type=name_in_module,
        metavar="MODULE:NAME",
        help="instead of --shop, --db and keys: a function that gives your program's CheckoutFlow",
    )
    work.add_argument(
        "--take",
        type=name_in_module,
        metavar="MODULE:NAME",
        help="a function that takes each message for the shop; default: they stay",
    )
    work.add_argument("--threads", type=int, default=1, metavar="N", help="default: 1")
    work.add_argument(
        "--otel", action="store_true", help="tell OpenTelemetry, as the environment sets it up"
    )
    until = work.add_mutually_exclusive_group()
    until.add_argument("--once", action="store_true", help="until nothing is due; for cron")
    until.add_argument(
        "--fleet", action="store_true", help="as one of a fleet; see checkoutflow fleet"
    )


def run(arguments: Namespace, paper: Paper) -> int:
    """Work, and say so. With ``--once``, 1 if something failed."""
    if arguments.threads < 1:
        raise UsageError("--threads: is a number above 0")
    take = imported(arguments.take) if arguments.take else None
    # What fails is said on the terminal, unless the shop's program has set logging up.
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with _flow(arguments) as flow:
        if arguments.fleet:
            return _fleet(arguments, flow, take, paper)
        from checkoutflow.workers.loop import Worker  # noqa: PLC0415 -- only here

        workers = [Worker(flow, take=take) for _ in range(arguments.threads)]
        _stop_by_signal(workers)
        if arguments.once:
            came = workers[0].drain()
            told = f", {came.told} messages taken" if take else ""
            paper.line(f"{came.done} checkouts had their turn, {came.failed} failed{told}")
            return 1 if came.failed else 0
        paper.line(f"Working, {arguments.threads} at a time, until SIGTERM or Ctrl+C.")
        _run(workers)
    return 0


def _flow(arguments: Namespace) -> CheckoutFlow:
    """The program's own flow, or one for these settings."""
    if arguments.flow:
        return _own_flow(arguments)
    if not (arguments.shop and arguments.db):
        raise UsageError("name --shop and --db; or --flow, for a flow of your own program")
    from checkoutflow.cli.person import keys_of  # noqa: PLC0415 -- heavy
    from checkoutflow.flow.sync import CheckoutFlow  # noqa: PLC0415 -- heavy
    from checkoutflow.providers.registry import open_providers  # noqa: PLC0415 -- heavy
    from checkoutflow.shop import read_settings  # noqa: PLC0415 -- heavy

    store = open_kept(arguments.db)
    match read_settings(arguments.shop):
        case {"providers": dict(tables)}:
            providers = open_providers(tables, os.environ)
        case _:
            providers = ()
    telemetry = None
    if arguments.otel:
        from checkoutflow.otel import OpenTelemetry  # noqa: PLC0415 -- not everybody has it

        telemetry = OpenTelemetry()
    return CheckoutFlow(
        read_shop(arguments.shop),
        providers=providers,
        store=store,
        keys=keys_of(arguments),
        telemetry=telemetry,
    )


def _own_flow(arguments: Namespace) -> CheckoutFlow:
    """What the program's function gives."""
    from checkoutflow.flow.sync import CheckoutFlow  # noqa: PLC0415 -- heavy

    if arguments.otel:
        raise UsageError("--otel: your program's flow is told of as your program says")
    for name in ("shop", "keys", "keys_from", *(() if arguments.fleet else ("db",))):
        if getattr(arguments, name) is not None:
            option = name.replace("_", "-")
            raise UsageError(f"--{option}: your program's flow has its own; leave it out")
    named = arguments.flow
    make = imported(named)
    try:
        flow = make()
    except Exception as error:  # noqa: BLE001 -- it is the shop's own, and may do anything
        raise UsageError(f"{named}: gave no flow: {type(error).__name__}: {error}") from None
    if not isinstance(flow, CheckoutFlow):
        what = type(flow).__name__
        raise UsageError(f"{named}: write a function that returns a CheckoutFlow; it gave {what}")
    return flow


def _fleet(arguments: Namespace, flow: CheckoutFlow, take: Any, paper: Paper) -> int:  # noqa: ANN401 -- whatever was named
    from checkoutflow.workers.fleet import (  # noqa: PLC0415 -- not everybody has it
        require_installed,
        run_fleet,
    )

    url = arguments.db and (
        arguments.db.url if isinstance(arguments.db, Server) else str(arguments.db)
    )
    require_installed(flow, url)
    paper.line(f"Working as one of a fleet, {arguments.threads} at a time, until SIGTERM.")
    run_fleet(flow, url, take=take, threads=arguments.threads)
    return 0


def _stop_by_signal(workers: list[Worker]) -> None:
    """Let workers finish what they began; a second signal ends the process at once."""

    def stop(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        for worker in workers:
            worker.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _run(workers: list[Worker]) -> None:
    threads = [Thread(target=worker.run) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
