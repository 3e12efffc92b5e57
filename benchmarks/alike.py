"""Whether the time of an answer tells that a customer is known.

Customers who are remembered and customers nobody knows ask to be recognised in pairs, and each
types a wrong code, in an order drawn at random. If being known changed nothing, the two of a pair
could change places: how far the ratio then strays from 1 is how far it may by chance.
"""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from random import Random
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Final

from benchmarks.measure import Row, folder, show, size
from benchmarks.world import ASKING, CART, DETAILS, Ticking, open_flow, remember

from checkoutflow import open_store
from checkoutflow.errors import NotVerified

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from checkoutflow import CheckoutFlow

PEOPLE: Final = 20
SHUFFLES: Final = 1_000

# Known and unknown seconds of each pair.
Pairs = list[tuple[float, float]]


def rows() -> Iterator[Row]:
    """Ask and guess in pairs."""
    dice = Random(7)  # noqa: S311 -- whose turn it is is no secret
    with folder() as place, closing(open_store(place / "alike.db")) as store:
        store.create()
        clock = Ticking()
        flow = open_flow(store, shop=ASKING, clock=clock)
        for number in range(PEOPLE):
            remember(flow, f"known{number:02}@example.com")
        asked: Pairs = []
        guessed: Pairs = []
        for number in range(PEOPLE + size(quick=40, usual=1_000)):
            clock.at += timedelta(hours=3)  # nobody is held back
            names = [f"{kind}{number % PEOPLE:02}@example.com" for kind in ("known", "no_one")]
            taken = {}
            for name in dice.sample(names, 2):
                taken[name] = _recognise(flow, name)
            if number >= PEOPLE:
                (known, unknown) = (taken[name] for name in names)
                asked.append((known[0], unknown[0]))
                guessed.append((known[1], unknown[1]))
    yield _row("asking to be recognised, known / unknown customer", asked, dice)
    yield _row("a wrong code, known / unknown customer", guessed, dice)


def _recognise(flow: CheckoutFlow, email: str) -> tuple[float, float]:
    """How long the two answers take."""
    checkout = flow.start(CART, market="DK").id
    asking = _seconds(
        lambda: flow.recognise(checkout, email=email, postal_code=DETAILS["postal_code"])
    )
    return asking, _seconds(lambda: _guess(flow, checkout))


def _guess(flow: CheckoutFlow, checkout: str) -> None:
    try:
        flow.verify(checkout, "000000")
    except NotVerified:
        return
    raise AssertionError("one in a million")


def _seconds(call: Callable[[], object]) -> float:
    began = perf_counter()
    call()
    return perf_counter() - began


def _row(what: str, pairs: Pairs, dice: Random) -> Row:
    known, unknown = _medians(pairs)
    by_chance = []
    for _ in range(SHUFFLES):
        one, other = _medians([pair[::-1] if dice.getrandbits(1) else pair for pair in pairs])
        by_chance.append(abs(one / other - 1))
    bound = sorted(by_chance)[SHUFFLES * 99 // 100]
    return Row(
        what,
        f"{known * 1e6:.0f} us",
        f"{unknown * 1e6:.0f} us",
        known / unknown,
        f"1 ± {bound:.3f} by chance",
    )


def _medians(pairs: Pairs) -> tuple[float, float]:
    known, unknown = zip(*pairs, strict=True)
    return median(known), median(unknown)


if __name__ == "__main__":
    show(rows())
