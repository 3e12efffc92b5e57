"""A checkout of a large store against one of a small store: loaded, and changed by a whole command.

Both stores are filled with copies of a checkout and of all that belongs to it. Which one is loaded
or changed is drawn at random each time, so that no cache of ours answers. A sale from start to end
is there too: its rows go between those of all others.
"""

from __future__ import annotations

from contextlib import closing
from random import Random
from typing import TYPE_CHECKING, Final

from benchmarks.copies import copy
from benchmarks.measure import Row, folder, in_turn, show, size
from benchmarks.world import CART, DETAILS, open_flow, sell_in_steps

from checkoutflow import Cart, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from checkoutflow import SqlStore

FEW: Final = 1_000
LOADS: Final = 200
CHANGES: Final = 20
SALES: Final = 5
COMMANDS: Final = 7  # of a sale

# What a customer changes to and fro.
CARTS: Final = tuple(
    Cart(lines=(CART.lines[0].but(quantity=quantity), *CART.lines[1:])) for quantity in (1, 2)
)


def rows() -> Iterator[Row]:
    """Do each in both stores in turn."""
    many, rounds = size(quick=10_000, usual=100_000, full=1_000_000), size(quick=3, usual=50)
    with (
        folder() as place,
        closing(open_store(place / "large.db")) as large,
        closing(open_store(place / "small.db")) as small,
    ):
        stores = {large: _filled(place / "large.db", many), small: _filled(place / "small.db", FEW)}
        for what, make, times in (
            ("loading a checkout from {} / from {}", _loader, LOADS),
            ("a cart changed: loaded, decided, committed among {} / among {}", _changer, CHANGES),
            (
                "a command of a sale from start to end among {} / among {}",
                _seller,
                SALES * COMMANDS,
            ),
        ):
            runs = (make(store, ids) for store, ids in stores.items())
            large_s, small_s = in_turn(*runs, rounds=rounds)
            yield Row(
                what.format(f"{many:,}", f"{FEW:,}"),
                f"{large_s / times * 1e6:.0f} us",
                f"{small_s / times * 1e6:.0f} us",
                large_s / small_s,
                "~ 1",
            )


def _filled(file: Path, count: int) -> list[str]:
    """Fill it; gives the ids of checkouts that are not over yet."""
    with closing(open_store(file)) as store:
        store.create()
        flow = open_flow(store)
        sold = flow.load(sell_in_steps(flow))
        begun = flow.start(CART, market="DK", details=DETAILS)
        copy(file, sold, count // 2)
        return copy(file, begun, count // 2)


def _loader(store: SqlStore, ids: list[str]) -> Callable[[], None]:
    """Make what loads a few checkouts, drawn anew each time."""
    dice = Random(7)  # noqa: S311 -- which checkouts to load is no secret

    def load() -> None:
        for checkout_id in dice.choices(ids, k=LOADS):
            assert store.load(checkout_id)

    return load


def _changer(store: SqlStore, ids: list[str]) -> Callable[[], None]:
    """Make what changes a few carts, drawn anew each time."""
    dice, flow = Random(7), open_flow(store)  # noqa: S311 -- as above

    def change() -> None:
        for checkout_id in dice.choices(ids, k=CHANGES):
            before = store.load(checkout_id)
            assert before
            flow.change_cart(checkout_id, CARTS[before.cart == CARTS[0]], market="DK")

    return change


def _seller(store: SqlStore, _: list[str]) -> Callable[[], None]:
    """Make what sells a few times."""
    flow = open_flow(store, seed=8)

    def sell() -> None:
        for _ in range(SALES):
            sell_in_steps(flow)

    return sell


if __name__ == "__main__":
    show(rows())
