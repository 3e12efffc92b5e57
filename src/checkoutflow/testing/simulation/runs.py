"""Playing many seeds, each on a store of its own.

It is a module apart from the command, so that a process of its own finds it by name.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from checkoutflow.stores.sql import open_store
from checkoutflow.testing.simulation.report import Tally, watching_tables
from checkoutflow.testing.simulation.shrink import play

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from checkoutflow.stores.contract import Store

MEMORY: Final = "memory"
SQLITE: Final = "sqlite"


@contextmanager
def store_at(db: str) -> Iterator[Callable[[], Store] | None]:
    """Where a run keeps its checkouts.

    Args:
        db: ``memory``; ``sqlite`` for a new file each run; or the URL of an empty database.
    """
    if db == MEMORY:
        yield None
    elif db == SQLITE:
        memory = Path("/dev/shm")  # noqa: S108 -- a folder of our own is made in it
        with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
            file = Path(folder) / "shop.db"
            _create(file)
            yield partial(open_store, file)
    else:
        _create(db)
        yield partial(open_store, db)


def _create(url: str | Path) -> None:
    store = open_store(url)
    store.create()
    store.close()


def play_some(
    seeds: Sequence[int], db: str = MEMORY, provider: str = ""
) -> tuple[Tally, list[int]]:
    """Play some seeds; gives what they came to, and those that failed."""
    tally, failed = Tally(), []
    with watching_tables(tally.moves):
        for seed in seeds:
            with store_at(db) as store:
                world, error = play(seed, open_store=store, provider=provider)
            tally.add(world.tally)
            if error is not None:
                failed.append(seed)
    return tally, failed
