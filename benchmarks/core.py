"""The pure core: how long one command takes to be decided and applied, without any store.

It is held against pydantic reading the same cart, which a shop does once for each sale anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.measure import Row, in_turn, show, size
from benchmarks.world import CART, CART_DATA, DETAILS, NOON, SHOP, Agreeable

from checkoutflow import Cart
from checkoutflow.checkout import commands as c
from checkoutflow.checkout.decide import begin, decide
from checkoutflow.choice.rules import Rules
from checkoutflow.payment.outcomes import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Iterator

SALES: Final = 50
RULES: Final = Rules(SHOP, SHOP.law(), {Agreeable.name: Agreeable.capabilities})
PAYMENT: Final = "p" * 20
START: Final = c.Start(checkout="c" * 26, subject="s" * 26, cart=CART, market="DK", locale="da_DK")
SUCCEEDED: Final = Result(outcome=Outcome.SUCCEEDED, provider_reference="reference")


def sell() -> int:
    """Play a plain sale, as the flow would; gives the number of commands."""
    state, _ = begin(START, RULES, NOON)
    commands: list[c.Command] = [
        c.Provide(fields=tuple(DETAILS)),
        c.ChoosePayment(method="card"),
        c.Place(
            accepted_total=state.total, payments=(PAYMENT,), return_url="https://shop.example/back"
        ),
        c.RecordResult(attempt=f"{PAYMENT}-1", result=SUCCEEDED),
        c.Ship(),
        c.RecordResult(attempt=f"{PAYMENT}-2", result=SUCCEEDED),
    ]
    for command in commands:
        state, _ = decide(state, [command], RULES, NOON)
    assert state.phase == "fulfilled"
    return 1 + len(commands)


def rows() -> Iterator[Row]:
    """Measure the commands of a plain sale, on average."""
    commands = sell()

    def sell_some() -> None:
        for _ in range(SALES):
            sell()

    def read_some() -> None:
        for _ in range(SALES):
            Cart.read(CART_DATA)

    ours_s, theirs_s = in_turn(sell_some, read_some, rounds=size(quick=3, usual=100))
    command_s, cart_s = ours_s / SALES / commands, theirs_s / SALES
    yield Row(
        "one command in the pure core / reading the cart with pydantic",
        f"{command_s * 1e6:.0f} us",
        f"{cart_s * 1e6:.0f} us",
        command_s / cart_s,
    )


if __name__ == "__main__":
    show(rows())
