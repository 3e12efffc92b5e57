"""Checks that hold a store to the page in ``stores/contract.py`` about orders seen again.

They are among `STORE_CHECKS`, whose module says how to use them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from checkoutflow.stores.contract import ErasureRow, Forgotten, Tally
from checkoutflow.testing.holding import holds, opened, same
from checkoutflow.testing.store_samples import (
    NOON,
    at,
    sample_change,
    sample_checkout,
    sample_listing,
    sample_sighting,
)

if TYPE_CHECKING:
    from checkoutflow.stores.contract import SightingRow, Store
    from checkoutflow.testing.holding import MakeStore, StoreCheck

_TICK: Final = timedelta(microseconds=1)


def orders_are_counted_by_what_they_were_seen_by(make_store: MakeStore) -> None:
    """Under any of the shop's keys, since some moment, and never the order that asks."""
    with opened(make_store) as store:
        for minute, name in enumerate("abc"):
            _see(store, sample_sighting(name, "d1", minute=minute))
        _see(store, sample_sighting("d", "d2", minute=2))
        _see(store, sample_sighting("e", "d1", "phone"))
        _see(store, sample_sighting("f", "d1", fate="rejected"))
        for kind, digests, fate, since, me, count in (
            ("email", ("d1",), "ordered", at(-1), "", 3),
            ("email", ("d1", "d2"), "ordered", at(-1), "", 4),
            ("email", ("d1",), "ordered", at(0), "", 2),
            ("email", ("d1",), "ordered", at(1) - _TICK, "", 2),
            ("email", ("d1",), "ordered", at(2), "", 0),
            ("email", ("d1",), "ordered", at(-1), "b", 2),
            ("email", ("d1", "d2"), "ordered", at(-1), "d", 3),
            ("phone", ("d1",), "ordered", at(-1), "", 1),
            ("phone", ("d2",), "ordered", at(-1), "", 0),
            ("email", ("d1",), "rejected", at(-1), "", 1),
            ("email", ("d",), "ordered", at(-1), "", 0),
            ("email", (), "ordered", at(-1), "", 0),
        ):
            same(
                _count(store, Tally(kind, digests, fate, since), me),
                count,
                f"count_sightings of {kind}, {digests}, {fate}, after {since - NOON}, not of {me}",
            )
        tallies = [Tally("email", (name,), "ordered", at(-1)) for name in ("d2", "none", "d1")]
        same(
            list(store.count_sightings(tallies, apart_from="", most=99)),
            [1, 0, 3],
            "count_sightings gives one number for each that is asked, in that order",
        )
        same(list(store.count_sightings([], apart_from="", most=99)), [], "and none for none")


def counting_has_an_end(make_store: MakeStore) -> None:
    """A thousand orders from one switchboard cost no more than a hundred."""
    with opened(make_store) as store:
        for n in range(9):
            _see(store, sample_sighting(f"person {n}", f"d{n % 2}"))
        for digests, most, count in (
            (("d0",), 4, 4),
            (("d0",), 5, 5),
            (("d0",), 6, 5),
            (("d0", "d1"), 6, 6),
            (("d0", "d1"), 99, 9),
        ):
            tally = Tally("email", digests, "ordered", at(-1))
            same(
                list(store.count_sightings([tally], apart_from="", most=most)),
                [count],
                f"count_sightings says {most} for all that are as many, and counts no further",
            )


def sightings_are_those_of_one_order(make_store: MakeStore) -> None:
    """What became of an order is written under what it was seen by; and may be so no more."""
    with opened(make_store) as store:
        first = sample_sighting("one", "d1")
        unpaid = sample_sighting("one", "d1", fate="unpaid", minute=5)
        other = sample_sighting("two", "d1", fate="unpaid")
        for row in (first, unpaid, other):
            _see(store, row)
        _see(store, unpaid)
        same(_sightings(store, "one"), [first, unpaid], "sightings are of exactly this order")
        same(_sightings(store, "nobody"), [], "nobody has none")
        state = sample_checkout("co of one", 4, subject="one")
        store.commit(sample_change(state, unseen=("unpaid", "returned")))
        same(_sightings(store, "one"), [first], "what is so no more is not counted")
        same(_sightings(store, "two"), [other], "and of others it is")


def an_erased_person_is_not_seen_again(make_store: MakeStore) -> None:
    """A digest leads back to whoever it is of; so it goes with their key."""
    with opened(make_store) as store:
        for name in ("one", "two"):
            _see(store, sample_sighting(name, "d1"), sample_sighting(name, "d1", fate="rejected"))
        proof = ErasureRow("one", at(1), "asked")
        holds(store.erase(proof), "sightings alone are something to erase")
        same(_sightings(store, "one"), [], "erase takes them all")
        holds(_sightings(store, "two") != [], "and nobody else's")
        tally = Tally("email", ("d1",), "rejected", at(-1))
        same(_count(store, tally, ""), 1, "they are not counted any more")
        holds(not store.erase(proof), "there is nothing to erase any more")


def values_are_counted_in_bands(make_store: MakeStore) -> None:
    """A bounded number of counts says where an order stands among all the others."""
    with opened(make_store) as store:
        same(dict(store.values("DKK")), {}, "before the first order there is no count")
        for n, value in enumerate((("DKK", 40), ("DKK", 40), ("NOK", 40), ("DKK", 0), None)):
            state = sample_checkout(f"co-{n}", subject=f"person {n}")
            store.commit(sample_change(state, value=value))
        same(dict(store.values("DKK")), {40: 2, 0: 1}, "each band counts its own orders")
        same(dict(store.values("NOK")), {40: 1}, "each currency counts alone")
        same(dict(store.values("SEK")), {}, "and has none where nothing was sold")


def what_is_on_a_list_is_found(make_store: MakeStore) -> None:
    """By kind and value together, until its time is over; on one list at a time."""
    with opened(make_store) as store:
        mail = sample_listing("email", "d1")
        goods = sample_listing("sku", "watch", on="allow", until=10)
        later = sample_listing("market", "FI", minute=3)
        for row in (later, mail, goods):
            store.set_listing(row)
        for after, limit, page in (
            (("", ""), 99, [mail, later, goods]),
            (("", ""), 2, [mail, later]),
            (("market", "FI"), 2, [goods]),
            (("market", "A"), 1, [later]),
            (("sku", "watch"), 9, []),
        ):
            same(
                list(store.listings(after=after, limit=limit)),
                page,
                "listings gives a page of what is on lists, in order of kind and value",
            )
        for items, now, found in (
            ([("email", "d1")], NOON, [mail]),
            ([("email", "d1"), ("sku", "watch"), ("sku", "phone")], NOON, [goods, mail]),
            ([("phone", "d1"), ("email", "watch")], NOON, []),
            ([], NOON, []),
            ([("sku", "watch")], at(10) - _TICK, [goods]),
            ([("sku", "watch")], at(10), []),
        ):
            same(
                sorted(store.listed(items, now), key=lambda row: row.list),
                found,
                "listed gives what of these counts, until it expires",
            )
        moved = replace(mail, list="allow", reason="we know them")
        store.set_listing(moved)
        same(list(store.listed([("email", "d1")], NOON)), [moved], "the last word counts")
        holds(store.remove_listing("email", "d1"), "remove_listing says True when it did")
        holds(not store.remove_listing("email", "d1"), "and False when there is nothing to remove")
        same(list(store.listings()), [later, goods], "the rest stays")


def what_was_seen_is_forgotten(make_store: MakeStore) -> None:
    """At its very moment, a little at a time, and nothing else."""
    with opened(make_store) as store:
        for n in range(3):
            _see(store, sample_sighting(f"person {n}", until=10))
            store.set_listing(sample_listing("sku", f"goods {n}", until=10))
        stays = sample_sighting("person 0", fate="rejected")
        _see(store, stays)
        listed = sample_listing("market", "FI")
        store.set_listing(listed)
        same(
            store.forget_expired(at(10) - _TICK, 99),
            Forgotten(),
            "before its moment nothing is over",
        )
        same(
            [store.forget_expired(at(10), 2) for _ in range(3)],
            [Forgotten(sightings=n, listings=n) for n in (2, 1, 0)],
            "forget_expired removes at most `limit` of each kind, and the rest when called again",
        )
        same(_sightings(store, "person 0"), [stays], "what is not over stays")
        same(list(store.listings()), [listed], "on lists too")


ORDER_CHECKS: Final[tuple[StoreCheck, ...]] = (
    orders_are_counted_by_what_they_were_seen_by,
    counting_has_an_end,
    sightings_are_those_of_one_order,
    an_erased_person_is_not_seen_again,
    values_are_counted_in_bands,
    what_is_on_a_list_is_found,
    what_was_seen_is_forgotten,
)


def _see(store: Store, *rows: SightingRow) -> None:
    """Write sightings of one order, in a commit of its checkout."""
    person = rows[0].subject
    before = store.load(f"co of {person}")
    version = 1 if before is None else before.version + 1
    state = sample_checkout(f"co of {person}", version, subject=person)
    store.commit(sample_change(state, sightings=rows))


def _count(store: Store, tally: Tally, me: str) -> int:
    (count,) = store.count_sightings([tally], apart_from=me, most=99)
    return count


def _sightings(store: Store, person: str) -> list[SightingRow]:
    return sorted(store.sightings(person), key=lambda row: row.fate)
