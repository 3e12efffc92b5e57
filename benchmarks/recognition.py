"""Recognising one of very many stored customers against recognising one of a few.

Recognising is finding who has a trace, under each of two keys of the shop's, and reading that
person's key and fields. Both stores are filled by SQL. Who is recognised is drawn at random.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Final

from benchmarks.measure import Row, folder, in_turn, show, size
from benchmarks.world import NOON

from checkoutflow import open_store
from checkoutflow.stores.schema import instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FEW: Final = 1_000
LOOKS: Final = 200
FIELDS: Final = ("city", "email", "name", "phone", "postal_code", "street")

# Ids, digests and wrapped keys are as long as ours are and as random. In order of its key each
# table is filled at its end, which is quick.
FILL: Final = (
    """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :people)
    INSERT INTO checkoutflow_subjects
    SELECT lower(hex(randomblob(13))), randomblob(77), 'key' FROM n ORDER BY 1""",
    """INSERT INTO checkoutflow_digests
    SELECT 'email', lower(hex(randomblob(32))), id, :until FROM checkoutflow_subjects
    ORDER BY 2""",
    """INSERT INTO checkoutflow_vault
    SELECT person.id, field.value, randomblob(48), 'remember', :until
    FROM checkoutflow_subjects AS person CROSS JOIN json_each(:fields) AS field""",
)


def rows() -> Iterator[Row]:
    """Recognise some of both in turn."""
    many, rounds = size(quick=100_000, usual=1_000_000), size(quick=3, usual=50)
    with folder() as place:
        large_s, small_s = in_turn(
            _recogniser(place / "large.db", many),
            _recogniser(place / "small.db", FEW),
            rounds=rounds,
        )
    yield Row(
        f"recognising a customer among {many:,} / among {FEW:,}",
        f"{large_s / LOOKS * 1e6:.0f} us",
        f"{small_s / LOOKS * 1e6:.0f} us",
        large_s / small_s,
        "~ 1",
    )


def _recogniser(file: Path, people: int) -> Callable[[], None]:
    """Fill a store, and make what recognises a few of its people, drawn anew each time."""
    store = open_store(file)
    store.create()
    until = instant(NOON + timedelta(days=1))
    values = {"people": people, "until": until, "fields": json.dumps(FIELDS)}
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA cache_size = -500000")
        for statement in FILL:
            connection.execute(statement, values)
        traces = connection.execute(
            "SELECT digest, subject_id FROM checkoutflow_digests ORDER BY random() LIMIT 20000"
        ).fetchall()
    dice = Random(7)  # noqa: S311 -- whom to recognise is no secret

    def recognise() -> None:
        for digest, expected in dice.choices(traces, k=LOOKS):
            (person,) = store.find_people("email", (digest[::-1], digest), NOON)
            key, fields = store.person(person)
            assert key is not None
            assert person == expected
            assert len(fields) == len(FIELDS)

    return recognise


if __name__ == "__main__":
    show(rows())
