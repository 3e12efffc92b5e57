"""Recognising one of very many stored customers against recognising one of a few.

Both stores hold a few hundred customers who were sold to and remembered, and among them strangers
who were filled in by SQL. Somebody drawn at random asks to be recognised, gets a code and types it;
and what that looks up is measured alone: who has a trace, under each of two keys of the shop's, and
that person's key and fields.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Final, Self

from benchmarks.measure import Row, folder, in_turn, show, size
from benchmarks.world import (
    ASKING,
    CART,
    DETAILS,
    NOON,
    Ticking,
    open_flow,
    remember,
)

from checkoutflow import open_store
from checkoutflow.stores.schema import instant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FEW: Final = 1_000
KNOWN: Final = 300
RECOGNISED: Final = 10
LOOKS: Final = 200
FIELDS: Final = ("city", "email", "name", "phone", "postal_code", "street")

# Ids, digests and wrapped keys are as long as ours are and as random. In order of its key each
# table is filled at its end, which is quick.
FILL: Final = (
    """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :people)
    INSERT INTO checkoutflow_subjects
    SELECT lower(hex(randomblob(13))), randomblob(77), 'stranger' FROM n ORDER BY 1""",
    """INSERT INTO checkoutflow_digests
    SELECT 'email', lower(hex(randomblob(32))), id, :until FROM checkoutflow_subjects
    WHERE key_id = 'stranger' ORDER BY 2""",
    """INSERT INTO checkoutflow_vault
    SELECT person.id, field.value, randomblob(48), 'remember', :until
    FROM checkoutflow_subjects AS person CROSS JOIN json_each(:fields) AS field
    WHERE key_id = 'stranger'""",
)


def rows() -> Iterator[Row]:
    """Recognise some of both in turn."""
    many = size(quick=100_000, usual=1_000_000)
    with folder() as place, Base(place / "l.db", many) as large, Base(place / "s.db", FEW) as small:
        _, large_s, small_s = in_turn(
            lambda: begin(large, small),
            large.recognise,
            small.recognise,
            rounds=size(quick=3, usual=100),
        )
        yield Row(
            f"a customer recognised by a code, among {many:,} / among {FEW:,}",
            f"{large_s / RECOGNISED * 1e6:.0f} us",
            f"{small_s / RECOGNISED * 1e6:.0f} us",
            large_s / small_s,
            "~ 1",
        )
        large_s, small_s = in_turn(large.look, small.look, rounds=size(quick=3, usual=50))
        yield Row(
            f"looking one customer up among {many:,} / among {FEW:,}",
            f"{large_s / LOOKS * 1e6:.0f} us",
            f"{small_s / LOOKS * 1e6:.0f} us",
            large_s / small_s,
        )


def begin(*bases: Base) -> None:
    """Some of the customers of each come back."""
    for base in bases:
        base.begin()


class Base:
    """A shop with very many customers, or with a few."""

    def __init__(self, file: Path, people: int) -> None:
        """Remember some, and fill in the others."""
        self.dice = Random(7)  # noqa: S311 -- whom to recognise is no secret
        self.clock = Ticking()
        self.store = open_store(file)
        self.store.create()
        self.flow = open_flow(self.store, shop=ASKING, clock=self.clock)
        self.known = [f"known{number}@example.com" for number in range(KNOWN)]
        for email in self.known:
            remember(self.flow, email)
        until = instant(NOON + timedelta(days=1000))
        values = {"people": people, "until": until, "fields": json.dumps(FIELDS)}
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("PRAGMA cache_size = -500000")
            for statement in FILL:
                connection.execute(statement, values)
            self.strangers = connection.execute(
                "SELECT digest, subject.id FROM checkoutflow_digests JOIN checkoutflow_subjects"
                " AS subject ON subject_id = subject.id WHERE key_id = 'stranger'"
                " ORDER BY random() LIMIT 20000"
            ).fetchall()
        self.begun: list[tuple[str, str]] = []

    def __enter__(self) -> Self:
        """Use it in a ``with`` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close its store."""
        self.store.close()

    def begin(self) -> None:
        """Some of them come back, and have said nothing yet."""
        self.clock.at += timedelta(hours=3)  # nobody is held back
        self.begun = [
            (self.flow.start(CART, market="DK").id, email)
            for email in self.dice.sample(self.known, RECOGNISED)
        ]

    def recognise(self) -> None:
        """They ask, and type the code that they get."""
        for checkout, email in self.begun:
            self.flow.recognise(checkout, email=email, postal_code=DETAILS["postal_code"])
            code = self.flow.code(checkout)
            assert code is not None
            sale = self.flow.verify(checkout, code.text.body[:6])
            assert sale.recognition.level == "verified"

    def look(self) -> None:
        """Look some of the others up."""
        for digest, expected in self.dice.choices(self.strangers, k=LOOKS):
            (person,) = self.store.find_people("email", (digest[::-1], digest), NOON)
            key, fields = self.store.person(person)
            assert key is not None
            assert person == expected
            assert len(fields) == len(FIELDS)


if __name__ == "__main__":
    show(rows())
