"""What is noticed about one order, and its rules, on a history of very many orders against a few.

All that review adds when a customer buys: contact details are opened, digests made, earlier orders
counted, lists and values looked up, signals worked out and rules applied. Both histories are filled
by SQL, and each order that is looked at has others under its own digests.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from benchmarks.measure import Row, folder, in_turn, show, size
from benchmarks.world import CART, DETAILS, NOON, SHOP, open_flow

from checkoutflow import open_store
from checkoutflow.checkout import commands as c
from checkoutflow.checkout.follow import order_of
from checkoutflow.flow.effects import AskStore, drive
from checkoutflow.flow.noticing import Network
from checkoutflow.review.score import Feature, Learned, ScoreModel
from checkoutflow.review.signals import SIGNALS
from checkoutflow.review.traces import Kind
from checkoutflow.stores.schema import instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from checkoutflow.flow.effects import Effect

FEW: Final = 1_000
LOOKS: Final = 50
KINDS: Final = tuple(kind for kind in Kind if kind is not Kind.CARD)
OTHERS: Final = 20  # orders under each digest of an order that is looked at

# Digests and ids are as long as ours. In order of its key the table is filled at its end, which is
# quick; the digests of the orders that are looked at lie anywhere between.
FILL: Final = """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :orders)
    INSERT INTO checkoutflow_sightings
    SELECT :kind, printf('%016x', i * (9223372036854775807 / :orders)) || '0123456789abcdef',
        'ordered', :at, printf('%026d', i), :until
    FROM n"""


def rows() -> Iterator[Row]:
    """Look at some orders on both histories in turn."""
    many, rounds = size(quick=20_000, usual=1_000_000), size(quick=3, usual=30)
    with folder() as place:
        large_s, small_s, scored_s = in_turn(
            _looker(place / "large.db", many),
            _looker(place / "small.db", FEW),
            _looker(place / "scored.db", FEW, _model()),
            rounds=rounds,
        )
    yield Row(
        f"signals and rules of an order after {many:,} orders / after {FEW:,}",
        f"{large_s / LOOKS * 1e6:.0f} us",
        f"{small_s / LOOKS * 1e6:.0f} us",
        large_s / small_s,
        "~ 1",
    )
    yield Row(
        "signals, rules and learned score of an order / signals and rules",
        f"{scored_s / LOOKS * 1e6:.0f} us",
        f"{small_s / LOOKS * 1e6:.0f} us",
        scored_s / small_s,
        "<= 1.3",
    )


def _model() -> ScoreModel:
    """A model that knows every signal, each in eight bands."""
    edges = tuple(band + 0.5 for band in range(7))
    points = tuple(band / 100 for band in range(8))
    features = tuple(
        Feature(name=name, meaning=name, edges=edges, points=points, missing=0.0, seen=(100,) * 9)
        for name in SIGNALS
    )
    learned = Learned(
        digest="0" * 64,
        rows=20_000,
        harmful=300,
        first=NOON - timedelta(days=400),
        last=NOON - timedelta(days=61),
        settle_days=60,
        seed=0,
        made_by="a benchmark",
    )
    model = ScoreModel(
        trained_at=NOON, learned=learned, base=-4.0, features=features, cuts=((2, -1.0),)
    )
    return model.but(version=model.digest())


def _looker(file: Path, orders: int, model: ScoreModel | None = None) -> Callable[[], None]:
    """Fill a store, and make what looks at some orders on it."""
    store = open_store(file)
    store.create()
    at, until = instant(NOON - timedelta(hours=1)), instant(NOON + timedelta(days=1))
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA cache_size = -500000")
        for kind in sorted(KINDS):
            values = {"orders": orders, "kind": kind, "at": at, "until": until}
            connection.execute(FILL, values)
    flow = open_flow(store, score=model)
    programs = flow._programs  # noqa: SLF001 -- a part of a call is measured

    def perform(effect: Effect) -> object:
        assert isinstance(effect, AskStore)
        return effect.on(store)

    looked_at = []
    for n in range(LOOKS):
        details = {**DETAILS, "email": f"name{n}@example.com", "street": f"Testvej {n + 1}"}
        state = flow.start(CART, market="DK", details=details, payment="card")
        command = c.Place(accepted_total=state.total, payments=("one",))
        looked_at.append((state, command, Network(f"192.0.2.{n}")))
    seen = [
        row
        for state, command, network in looked_at
        for row in drive(programs.noticed(state, command, NOON, network), perform)[1].sightings
    ]
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executemany(
            "INSERT INTO checkoutflow_sightings VALUES (?, ?, ?, ?, ?, ?)",
            [
                (row.kind, row.digest, row.fate, at, f"another {n}", until)
                for row in seen
                for n in range(OTHERS)
            ],
        )

    def look() -> None:
        for state, command, network in looked_at:
            placed, _ = drive(programs.noticed(state, command, NOON, network), perform)
            assert placed.signals["address_orders_day"] == OTHERS
            rules, order = SHOP.review, order_of(state)
            judged = (
                rules.judge_all(order, placed.signals, model, NOON)
                if model is not None
                else rules.judge(order, placed.signals)
            )
            assert judged.hits
            assert (judged.scored is not None) == (model is not None)

    return look


if __name__ == "__main__":
    show(rows())
