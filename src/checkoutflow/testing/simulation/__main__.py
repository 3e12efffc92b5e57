"""``python -m checkoutflow.testing.simulation``: play seeds, and say what came of them."""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final

from checkoutflow.flow.host import system_clock
from checkoutflow.testing.simulation.report import Tally
from checkoutflow.testing.simulation.runs import MEMORY, play_some, stores_at
from checkoutflow.testing.simulation.scenes import PROVIDERS
from checkoutflow.testing.simulation.shrink import play, shrink

if TYPE_CHECKING:
    from collections.abc import Sequence


_AT_ONCE: Final = 20
_MOST_SHOWN: Final = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Play what the command line says.

    Returns:
        0 if every promise was kept.
    """
    parser = argparse.ArgumentParser(prog="checkoutflow.testing.simulation", description=__doc__)
    parser.add_argument("--seeds", type=_range, default=range(1000), metavar="N or A:B")
    parser.add_argument("--seed", type=int, help="replay one seed, shrunk if it fails")
    parser.add_argument("--whole", action="store_true", help="with --seed: all of its story")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--db", default=MEMORY, help="memory, sqlite, or the URL of a database")
    parser.add_argument("--provider", default="", choices=PROVIDERS, help="with one alone")
    options = parser.parse_args(arguments)
    if options.seed is not None:
        return _replay(options.seed, options.db, options.provider, is_whole=options.whole)
    return _play_many(options.seeds, options.db, options.provider, options.jobs)


def _range(text: str) -> range:
    first, colon, last = text.partition(":")
    return range(int(first), int(last)) if colon else range(int(first))


def _replay(seed: int, db: str, provider: str, *, is_whole: bool) -> int:
    with stores_at(db) as fresh:
        with fresh() as store:
            world, error = play(seed, open_store=store, provider=provider)
        if error is None or is_whole:
            print("\n".join(world.story()))
            print(error or "every promise was kept")
            return 0 if error is None else 1
        print(shrink(seed, fresh, provider, _more(db, provider)))
        return 1


def _more(db: str, provider: str) -> str:
    """What a seed has to be replayed with."""
    return f" --db {db}" * (db != MEMORY) + f" --provider {provider}" * bool(provider)


def _play_many(seeds: range, db: str, provider: str, jobs: int) -> int:
    began = system_clock()
    tally, failed = Tally(), []
    parts = [seeds[start : start + _AT_ONCE] for start in range(0, len(seeds), _AT_ONCE)]
    # A fork would inherit what others left in this process, and their threads not.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(play_some, part, db, provider) for part in parts]):
            some, bad = done.result()
            tally.add(some)
            failed += bad
            _show(f"{tally.runs} of {len(seeds)} runs, {tally.checkouts} checkouts", failed)
    seconds = (system_clock() - began).total_seconds()
    _show("")
    for line in tally.lines_of_report(seconds):
        print(line)
    for seed in sorted(failed)[:_MOST_SHOWN]:
        print()
        with suppress(ValueError), stores_at(db) as fresh:
            print(shrink(seed, fresh, provider, _more(db, provider)))
    print(f"{len(failed)} seeds failed: {sorted(failed)}" if failed else "every promise was kept")
    return 1 if failed else 0


def _show(text: str, failed: Sequence[int] = ()) -> None:
    """Progress, where somebody watches."""
    if sys.stderr.isatty():
        bad = f", {len(failed)} failed" if failed else ""
        sys.stderr.write(f"\r\x1b[K{text}{bad}")
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
