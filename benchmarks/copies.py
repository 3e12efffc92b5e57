"""A store with very many checkouts: one that the flow made, and copies of all that belongs to it.

Each copy has ids and digests of its own, as long as ours and as random, in every row that has them.
A person's key and fields are bound to the person, so where commands are to read them they are
sealed anew for each copy, which takes most of the time; otherwise they only fill their tables.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from random import Random
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.privacy import vault
from checkoutflow.stores import schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Table

    from checkoutflow import Checkout, Keys

    Stored = tuple[Any, ...]

_SIGNS: Final = "abcdefghijklmnopqrstuvwxyz234567"
_HEX: Final = "0123456789abcdef"


def copy(file: Path, sale: Checkout, count: int, keys: Keys | None = None) -> list[str]:
    """Copy a checkout so many times.

    Args:
        file: The database.
        sale: What is copied.
        count: How often.
        keys: What the fields of the copies are sealed with; None if nobody will read them.

    Returns:
        The ids of the copies.
    """
    dice = Random(sale.id)  # noqa: S311 -- nothing here is secret
    ids = [sale.id, sale.subject, *(payment.id for payment in sale.payments)]
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA cache_size = -500000")
        found = [
            (table, row)
            for table in schema.METADATA.sorted_tables
            for row in _rows_of(connection, table, [*ids, f"{sale.subject}.books"])
        ]
        digests = {row[1] for table, row in found if table in {schema.DIGESTS, schema.SIGHTINGS}}
        names = [*ids, *sorted(digests)]
        signs = [*(_SIGNS for _ in ids), *(_HEX for _ in digests)]
        copies = [
            ["".join(dice.choices(of, k=len(name))) for name, of in zip(names, signs, strict=True)]
            for _ in range(count)
        ]
        copies.sort()  # a table is filled quicker in the order of its key
        marks = ", ".join("?" * len(names))
        columns = ", ".join(f"name{n}" for n in range(len(names)))
        connection.execute(f"CREATE TEMP TABLE copies ({columns})")
        connection.executemany(f"INSERT INTO copies VALUES ({marks})", copies)  # noqa: S608 -- ours
        for table, row in found:
            is_sealed = table in {schema.SUBJECTS, schema.VAULT}
            if is_sealed and keys is not None:
                connection.create_function("sealed", 1, _sealer(table, row, keys, found))
                _copy(connection, table, row, names, "sealed")
            else:
                _copy(connection, table, row, names)
    return [copied[0] for copied in copies]


def _rows_of(connection: sqlite3.Connection, table: Table, ids: list[str]) -> list[Stored]:
    """The rows of a table whose key has one of these ids."""
    keys = [column.name for column in table.primary_key]
    marks = ", ".join("?" * len(ids))
    named = " OR ".join(f"{key} IN ({marks})" for key in keys) or "FALSE"
    found = connection.execute(f"SELECT * FROM {table.name} WHERE {named}", ids * len(keys))  # noqa: S608 -- ours
    return found.fetchall()


def _copy(
    connection: sqlite3.Connection,
    table: Table,
    row: Stored,
    names: list[str],
    sealed: str = "",
) -> None:
    """Copy one row for each copy; what is sealed by a function of whose it is."""
    columns, values = [], []
    for value in row:
        column, given = _renamed(value, names)
        if sealed and isinstance(value, bytes):
            whose, given = _renamed(row[0], names)
            column = f"{sealed}({whose})"
        columns.append(column)
        values += given
    connection.execute(
        f"INSERT INTO {table.name} SELECT {', '.join(columns)} FROM copies",  # noqa: S608 -- ours
        values,
    )


def _renamed(value: object, names: list[str]) -> tuple[str, list[object]]:
    """A value with a copy's names in place of the first one's, as SQL with what it needs."""
    column, given = "?", [value]
    for n, name in enumerate(names):
        if isinstance(value, str) and name in value:
            column, given = f"replace({column}, ?, name{n})", [*given, name]
    return column, given


def _sealer(
    table: Table,
    row: Stored,
    keys: Keys,
    found: list[tuple[Table, Stored]],
) -> Callable[[str], bytes]:
    """What seals a row's secret for somebody else: the same key of theirs, and the same values."""
    (owner,) = (
        vault.SubjectKey(*other)
        for of, other in found
        if of is schema.SUBJECTS and other[0] == row[0]
    )
    cipher = keys.cipher(owner.key_id)
    label = vault._label("subject", owner.subject_id, owner.key_id)  # noqa: SLF001 -- as it wraps
    key = vault._decrypt(cipher, owner.wrapped_key, label, "the key")  # noqa: SLF001
    if table is schema.SUBJECTS:

        def wrap(subject: str) -> bytes:
            label = vault._label("subject", subject, owner.key_id)  # noqa: SLF001
            return vault._encrypt(cipher, key, label, os.urandom(vault.NONCE_BYTES))  # noqa: SLF001

        return wrap
    data_key = vault._cipher(key)  # noqa: SLF001
    field = row[1]
    value = vault.unseal(data_key, row[0], field, row[2])
    return lambda subject: vault.seal(
        data_key, subject, field, value, os.urandom(vault.NONCE_BYTES)
    )
