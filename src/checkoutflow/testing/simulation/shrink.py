"""Making a failing seed short: fewer customers, fewer faults, fewer steps, while it still fails."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.testing.simulation.faults import Plan
from checkoutflow.testing.simulation.town import Town
from checkoutflow.testing.simulation.watch import Broken
from checkoutflow.testing.simulation.world import NOTHING_CUT, Cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    from checkoutflow.stores.contract import Store

# More replays than this are not worth anybody's time.
_MOST_REPLAYS: Final = 400


@dataclass(frozen=True, slots=True)
class Failure:
    """A seed in which a promise was broken, as short as it could be made.

    Attributes:
        said: What is broken.
        cut: What the short story does without.
        story: What happened, one line each.
        options: What else it has to be replayed with.
    """

    seed: int
    said: str
    cut: Cut
    story: tuple[str, ...]
    options: str = ""

    def __str__(self) -> str:
        """The seed, the story and what is wrong with it."""
        replay = f"--seed {self.seed}{self.options}"
        head = f"seed {self.seed} breaks a promise; replay it with {replay}"
        return "\n".join([head, *self.story, self.said])


def play(
    seed: int,
    cut: Cut = NOTHING_CUT,
    open_store: Callable[[], Store] | None = None,
    provider: str = "",
) -> tuple[Town, BaseException | None]:
    """Play one seed; gives the world as it ended, and what went wrong."""
    world = Town(Plan.of(seed, provider), open_store=open_store, cut=cut)
    try:
        world.run()
    except Exception as error:  # noqa: BLE001 -- whatever a program raises is a finding
        return world, error
    finally:
        world.close()
    return world, None


def shrink(
    seed: int,
    fresh: Callable[[], AbstractContextManager[Callable[[], Store] | None]] = nullcontext,
    provider: str = "",
    options: str = "",
) -> Failure:
    """Make a failing seed short.

    Args:
        seed: Which.
        fresh: Gives a store with nothing in it, for each replay.
        provider: Who takes the payments, where that is not the seed's own.
        options: What else it has to be replayed with.

    Raises:
        ValueError: If it does not fail.
    """
    left = _MOST_REPLAYS

    def once(cut: Cut) -> tuple[Town, BaseException | None]:
        with fresh() as open_store:
            return play(seed, cut, open_store, provider)

    world, error = once(NOTHING_CUT)
    if error is None:
        raise ValueError(f"seed {seed} does not fail")

    def fails(cut: Cut) -> bool:
        nonlocal left, world, error
        if left == 0:
            return False
        left -= 1
        found, again = once(cut)
        if again is None:
            return False
        world, error = found, again
        return True

    cut = Cut()
    everybody = range(1, world.plan.customers + 1)
    customers = _fewest(everybody, lambda some: fails(replace(cut, customers=frozenset(some))))
    cut = replace(cut, customers=frozenset(customers))
    happened = [(each.who, each.number) for each in world.injected]
    faults = _fewest(happened, lambda some: fails(replace(cut, faults=frozenset(some))))
    cut = replace(cut, faults=frozenset(faults))
    for turns in range(6):
        if fails(replace(cut, turns=turns)):
            cut = replace(cut, turns=turns)
            break
    fails(cut)
    return Failure(seed, told(error), cut, world.story(), options)


def told(error: BaseException) -> str:
    """What is wrong, in words."""
    return str(error) if isinstance(error, Broken) else f"{type(error).__name__}: {error}"


def _fewest(items: Iterable[Any], fails: Callable[[Sequence[Any]], bool]) -> Sequence[Any]:
    """A small part of some items with which it still fails: halves first, then single ones."""
    kept = list(items)
    size = len(kept)
    while size:
        start = 0
        while start < len(kept):
            without = kept[:start] + kept[start + size :]
            if fails(without):
                kept = without
            else:
                start += size
        size //= 2
    return kept
