"""Checks that hold a store to the page in ``stores/contract.py`` about people.

They are among `STORE_CHECKS`, whose module says how to use them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from checkoutflow.stores.contract import (
    KEEP_CONSENTS,
    KEEP_ERASURES,
    KEEP_READS,
    ErasureRow,
    Forgotten,
    Limit,
    PersonChange,
    ProfileRow,
)
from checkoutflow.testing.holding import (
    ROUNDS,
    holds,
    opened,
    refuses,
    same,
    together,
)
from checkoutflow.testing.store_samples import (
    NOON,
    at,
    sample_change,
    sample_checkout,
    sample_consent,
    sample_field,
    sample_key,
    sample_read,
    sample_trace,
)

if TYPE_CHECKING:
    from threading import Barrier

    from checkoutflow.privacy.vault import SubjectKey
    from checkoutflow.stores.contract import DigestRow, Store
    from checkoutflow.testing.holding import MakeStore, StoreCheck

_TICK: Final = timedelta(microseconds=1)


def a_person_is_found_by_their_traces(make_store: MakeStore) -> None:
    """The shop may have several keys, so a trace is asked for by its digest under each of them."""
    with opened(make_store) as store:
        _add_traces(store, sample_trace("b", "d1"), sample_trace("b", "d2"))
        _add_traces(store, sample_trace("b", "d1", "phone"))
        _add_traces(store, sample_trace("c", "d3", until=10))
        store.commit(sample_change(digests=(sample_trace("a", "d1"),)))
        for kind, digests, now, found in (
            ("email", ["d1"], NOON, ["a", "b"]),
            ("email", ["d3", "d2", "d1"], NOON, ["a", "b", "c"]),
            ("phone", ["d1"], NOON, ["b"]),
            ("phone", ["d2"], NOON, []),
            ("login", ["d1"], NOON, []),
            ("email", ["d"], NOON, []),
            ("email", [], NOON, []),
            ("email", ["d2", "d3"], at(10) - _TICK, ["b", "c"]),
            ("email", ["d2", "d3"], at(10), ["b"]),
        ):
            same(
                list(store.find_people(kind, digests, now)),
                found,
                "find_people gives whoever has this kind of trace under any of the digests, each"
                " once and in order, until it expires",
            )
        for until, now, found in ((20, at(20) - _TICK, ["c"]), (5, at(5), [])):
            _add_traces(store, sample_trace("c", "d3", until=until))
            same(
                list(store.find_people("email", ["d3"], now)),
                found,
                "a trace that is written again lives for as long as it says then",
            )


def at_most_ten_people_are_found(make_store: MakeStore) -> None:
    """More than ten behind one switchboard cannot be told apart, and nobody reads them all."""
    with opened(make_store) as store:
        names = [f"person {n:02}" for n in range(24)]
        for name in reversed(names):
            digest = "even" if names.index(name) % 2 == 0 else "odd"
            _add_traces(store, sample_trace(name, digest, "phone"))
        for digests, found in ((["even"], names[::2]), (["odd", "even"], names)):
            same(
                list(store.find_people("phone", digests, NOON)),
                found[:10],
                "find_people gives the first ten in order, under however many digests",
            )
        same(
            list(store.find_people("phone", ["odd", "even"], NOON, limit=99)),
            names,
            "whoever answers people about their data can ask for all of them",
        )


def a_persons_traces_are_listed(make_store: MakeStore) -> None:
    """What a person is found by is made anew when the shop changes its key."""
    with opened(make_store) as store:
        first, over = sample_trace("one", "d1"), sample_trace("one", "d2", "phone", until=-1)
        _add_traces(store, first, over)
        _add_traces(store, sample_trace("two", "d1"))
        by_kind = sorted(store.traces("one"), key=lambda row: row.kind)
        same(by_kind, [first, over], "traces gives all of exactly this person's traces")
        same(list(store.traces("three")), [], "nobody has none")


def a_person_has_their_checkouts(make_store: MakeStore) -> None:
    """A checkout belongs to its own subject, and to whoever else it is said to belong to."""
    with opened(make_store) as store:
        for state, people in (
            (sample_checkout("co-2"), ("one",)),
            (sample_checkout("co-1"), ()),
            (sample_checkout("co-1", 2), ("one", "two")),
            (sample_checkout("co-1", 3), ("one",)),
        ):
            store.commit(sample_change(state, people=people))
        for person, found in (
            ("one", ["co-1", "co-2"]),
            ("two", ["co-1"]),
            ("subject of co-1", ["co-1"]),
            ("on", []),
        ):
            same(
                list(store.checkouts_of(person)),
                found,
                "checkouts_of gives every checkout of exactly this person once, in order",
            )


def what_is_remembered_is_replaced(make_store: MakeStore) -> None:
    """A profile is what they chose last, as a whole; and whether it may be used."""
    with opened(make_store) as store:
        _know(store, "one")
        first = ProfileRow("one", {"delivery": "post", "payment": "card"}, at(1))
        store.commit(sample_change(profile=first))
        same(store.profile("one"), first, "profile gives back what was written with a commit")
        later = ProfileRow("one", {"payment": "invoice"}, at(2), restricted_at=at(3))
        store.write_person(PersonChange(subject="one", profile=later))
        store.write_person(PersonChange(subject="one", reads=(sample_read("one"),)))
        same(store.profile("one"), later, "a later profile replaces the earlier one as a whole")
        same(store.profile("two"), None, "each person has a profile of their own, or none")


def consents_and_reads_are_kept_in_order(make_store: MakeStore) -> None:
    """They are proofs: none is lost, also of the same moment, and the last word is the last."""
    with opened(make_store) as store:
        yes = sample_consent("one", at=at(3))
        # Clocks stand still in one commit, and may go back from one machine to another.
        no = replace(yes, is_given=False)
        other = replace(yes, kind="analytics", text="analytics-2", locale="is_IS", proof="letter 7")
        back = replace(yes, at=at(1))
        read = sample_read("one", at=at(3))
        more = replace(read, fields=(), by="the shop's help desk", purpose="answer_rights")
        early = replace(read, at=at(2))
        store.commit(
            sample_change(
                consents=(yes, no, sample_consent("two"), other), reads=(read, read, more)
            )
        )
        store.write_person(PersonChange(subject="one", consents=(yes,), reads=(early,)))
        store.commit(
            sample_change(sample_checkout(version=2), consents=(back, no), reads=(read, more))
        )
        same(
            list(store.consents("one")),
            [yes, no, other, yes, back, no],
            "consents gives everything that this person said, in the order of writing",
        )
        same(
            list(store.reads("one")),
            [read, read, more, early, read, more],
            "reads gives every read of this person, in the order of writing",
        )
        same(list(store.consents("two")), [sample_consent("two")], "others have their own")


def a_change_about_a_person_is_whole(make_store: MakeStore) -> None:
    """It says what is new and what goes; the rest stays, and what is refused leaves nothing."""
    with opened(make_store) as store:
        for name in ("one", "two"):
            _know(store, name, "email", "city")
            _add_traces(store, sample_trace(name, "d1"), sample_trace(name, "d1", "phone"))
        two = _answers(store, "two")
        store.write_person(
            PersonChange(
                subject="one",
                vault=(sample_field("one", "name"), sample_field("one", "city", until=90)),
                dropped=("email", "street"),
                digests=(sample_trace("one", "d2"),),
                traces=("email", "login"),
                profile=ProfileRow("one", {}, NOON),
            )
        )
        key, rows = store.person("one")
        same(key, sample_key("one"), "a change without a key leaves the person's key")
        same(
            sorted(rows, key=lambda row: row.field),
            [sample_field("one", "city", until=90), sample_field("one", "name")],
            "fields that are dropped go, those that are written are there, and the others stay",
        )
        for kind, digest, found in (
            ("email", "d1", ["two"]),
            ("email", "d2", ["one"]),
            ("phone", "d1", ["one", "two"]),
        ):
            same(
                list(store.find_people(kind, [digest], NOON)),
                found,
                "kinds of trace in `traces` are replaced as a whole, and no other kind",
            )
        same(_answers(store, "two"), two, "a change is about one person only")
        store.commit(
            sample_change(
                digests=(sample_trace("one", "d3"),), traces=("email", "phone"), retraced="one"
            )
        )
        for kind, digest, found in (
            ("email", "d2", []),
            ("email", "d3", ["one"]),
            ("phone", "d1", ["two"]),
        ):
            same(
                list(store.find_people(kind, [digest], NOON)),
                found,
                "a checkout's change replaces traces of whoever it says in `retraced`",
            )


def a_refused_change_about_a_person_leaves_nothing(make_store: MakeStore) -> None:
    """Somebody made, or destroyed, this person's key meanwhile: the caller reads them again."""
    with opened(make_store) as store:
        _know(store, "one", "email", "city")
        _add_traces(store, sample_trace("one", "d1"))
        everything = PersonChange(
            subject="one",
            key=sample_key("one", "another key"),
            vault=(sample_field("one", "name"),),
            dropped=("email",),
            digests=(sample_trace("one", "d2"),),
            traces=("email",),
            consents=(sample_consent("one"),),
            reads=(sample_read("one"),),
            profile=ProfileRow("one", {}, NOON),
        )
        before = _answers(store, "one")
        refuses(store.write_person, everything, "the person has a key already")
        same(_answers(store, "one"), before, "nothing is kept of a refused change")
        before = _answers(store, "nobody")
        change = replace(
            everything,
            subject="nobody",
            key=None,
            consents=(sample_consent("nobody"),),
            reads=(sample_read("nobody"),),
            digests=(sample_trace("nobody", "d2"),),
            profile=ProfileRow("nobody", {}, NOON),
            vault=(sample_field("nobody"),),
        )
        refuses(store.write_person, change, "a field is sealed under a key that is not there")
        same(_answers(store, "nobody"), before, "nothing is kept of a refused change")
        change_of_a_checkout = sample_change(
            digests=change.digests, reads=change.reads, vault=change.vault
        )
        refuses(store.commit, change_of_a_checkout, "the person's key is not there any more")
        same(_answers(store, "nobody"), before, "nothing is kept of a refused change")
        same(store.load("co-1"), None, "a refused change makes no checkout")


def an_erased_person_leaves_proofs_only(make_store: MakeStore) -> None:
    """With the key all that was sealed under it is gone; that it went has to be shown."""
    with opened(make_store) as store:
        for name in ("one", "two"):
            _know(store, name, "email", "city")
            _add_traces(store, sample_trace(name, "d1"), sample_trace(name, "d2", "phone"))
            state = sample_checkout(f"co of {name}")
            store.commit(
                sample_change(
                    state,
                    people=(name,),
                    consents=(sample_consent(name),),
                    reads=(sample_read(name),),
                    profile=ProfileRow(name, {"payment": "card"}, NOON),
                )
            )
        before, two = _answers(store, "one"), _answers(store, "two")
        proof = ErasureRow("one", at(1), "asked", ("name", "street"), at(99))
        holds(store.erase(proof), "erase says True when there is somebody to erase")
        same(
            _answers(store, "one"),
            {
                **before,
                "person": (None, ()),
                "profile": None,
                "email": ["two"],
                "phone": ["two"],
                "erasures": [proof],
            },
            "erase destroys key, fields, traces and profile, and keeps checkouts and proofs",
        )
        same(
            _answers(store, "two"),
            {**two, "email": ["two"], "phone": ["two"]},
            "nothing of anybody else goes with them",
        )
        same(
            store.load("co of one"),
            sample_checkout("co of one"),
            "the checkouts of an erased person stay as they are",
        )
        holds(not store.erase(replace(proof, at=at(2))), "there is nothing to erase any more")
        holds(not store.erase(ErasureRow("nobody", at(2), "asked")), "there never was anybody")
        for name, proofs in (("one", [proof]), ("nobody", [])):
            same(list(store.erasures(name)), proofs, "where nothing is erased, there is no proof")
        store.write_person(PersonChange(subject="one", key=sample_key("one", "a new key")))
        same(
            store.person("one"),
            (sample_key("one", "a new key"), ()),
            "whoever comes back gets a new key, and nothing of theirs is there",
        )
        again = ErasureRow("one", at(1), "expired")
        holds(store.erase(again), "they can be erased again, also at the same moment")
        same(list(store.erasures("one")), [proof, again], "each erasure has a proof, in order")
        _add_traces(store, sample_trace("one", "d1"))
        holds(store.erase(again), "a trace alone is something to erase")
        same(list(store.find_people("email", ["d1"], NOON)), ["two"], "it goes too")


def turns_are_counted_in_a_sliding_window(make_store: MakeStore) -> None:
    """A turn counts until exactly one window later; one that was refused never counts."""
    with opened(make_store) as store:
        limit = Limit("try", most=2, window_s=60)
        for now, expected in (
            (_second(0), True),
            (_second(30), True),
            (_second(30), False),
            (_second(60) - _TICK, False),
            (_second(60), True),
            (_second(90) - _TICK, False),
            (_second(90), True),
            (_second(90), False),
            (_second(1000), True),
        ):
            same(
                store.take_turn([limit], now),
                expected,
                f"of 2 turns a minute, taken after {now - NOON}: one that was taken counts until"
                " exactly a minute later, and one that was refused does not count",
            )
        holds(store.take_turn([replace(limit, key="tr")], _second(90)), "each key counts alone")
        holds(not store.take_turn([Limit("never", 0, 60)], NOON), "none at all is a limit too")


def a_turn_counts_everywhere_or_nowhere(make_store: MakeStore) -> None:
    """Were one limit charged for what another refuses, an attacker could lock others out."""
    with opened(make_store) as store:
        one, shop = Limit("one", 1, 60), Limit("shop", 3, 60)
        for limits, expected in (
            ([one, shop], True),
            ([one, shop], False),
            ([shop, one], False),
            ([shop], True),
            ([shop, Limit("two", 1, 60)], True),
            ([Limit("three", 1, 60), shop], False),
            ([Limit("three", 1, 60)], True),
            ([], True),
        ):
            same(
                store.take_turn(limits, NOON),
                expected,
                "a turn is counted for all of its limits, or for none if one is exhausted",
            )
        short, long = Limit("both", 2, 10), Limit("both", 3, 100)
        for second, expected in ((0, True), (1, True), (2, False), (15, True), (30, False)):
            same(
                store.take_turn([short, long], _second(second)),
                expected,
                "limits with the same key count the same turns, each once",
            )
            store.forget_expired(_second(second), 99)
        holds(store.take_turn([short, long], _second(100)), "and each in its own window")


def no_more_turns_are_taken_than_there_are(make_store: MakeStore) -> None:
    """Looking and counting are one: guessing a code in parallel must not give more guesses."""
    with opened(make_store) as store:
        taken: list[str] = []

        def work(_name: str, meet: Barrier) -> None:
            for key in keys:
                meet.wait()
                if store.take_turn([Limit("shop", 99, 60), Limit(key, 2, 60)], NOON):
                    taken.append(key)

        keys = [f"round {n:02}" for n in range(ROUNDS)]
        together(work)
        same(
            sorted(taken),
            sorted(keys * 2),
            "of those that ask at once, exactly as many get a turn as there are",
        )


def what_is_over_is_forgotten(make_store: MakeStore) -> None:
    """At its very moment, and nothing else; a key goes when it opens nothing any more."""
    with opened(make_store) as store:
        for name, untils in (("all", (10, 9)), ("part", (10, 11)), ("none", (11, 60))):
            fields = zip(("email", "city"), untils, strict=True)
            _know(store, name)
            store.write_person(
                PersonChange(
                    subject=name,
                    vault=tuple(sample_field(name, field, until) for field, until in fields),
                    digests=(sample_trace(name, "d1", until=max(untils)),),
                    consents=(sample_consent(name),),
                    profile=ProfileRow(name, {}, NOON),
                )
            )
        _add_traces(store, sample_trace("all", "d1", "phone", until=11))
        # What was over soon is written again, and then it is not.
        _add_traces(store, sample_trace("part", "d2", "phone", until=1))
        _add_traces(store, sample_trace("part", "d2", "phone"))
        store.write_person(PersonChange(subject="none", vault=(sample_field("none", "name", 1),)))
        store.write_person(PersonChange(subject="none", vault=(sample_field("none", "name"),)))
        limit = Limit("try", most=1, window_s=600)
        holds(store.take_turn([limit], NOON), "the first turn is taken")
        before = {name: _answers(store, name) for name in ("all", "part", "none")}
        same(
            store.forget_expired(at(9) - _TICK, 99),
            Forgotten(),
            "before its moment nothing is over",
        )
        for name, answers in before.items():
            same(_answers(store, name), answers, "what is not over stays as it is")
        same(
            store.forget_expired(at(10), 99),
            Forgotten(fields=3, digests=1, people=1, turns=1),
            "forget_expired says how much of each kind it removed",
        )
        same(
            _answers(store, "all"),
            {
                **before["all"],
                "person": (None, ()),
                "profile": None,
                "email": ["none", "part"],
            },
            "key and profile go with the last field, and a trace at its own moment",
        )
        same(
            store.person("part"),
            (sample_key("part"), (sample_field("part", "city", 11),)),
            "the key stays while there is a field",
        )
        holds(store.profile("part") is not None, "and so does what is remembered of them")
        same(
            list(store.find_people("phone", ["d2"], NOON)),
            ["part"],
            "what was written again lives for as long as it says then",
        )
        same(_answers(store, "none")["person"], before["none"]["person"], "and so do fields")
        same(store.forget_expired(at(10), 99), Forgotten(), "it is done once")
        holds(store.take_turn([limit], at(10)), "what was counted is over at the same moment")


def proofs_go_when_they_are_over(make_store: MakeStore) -> None:
    """A proof is kept for as long as somebody may ask for it, and no longer."""
    with opened(make_store) as store:
        for name in ("one", "two", "stays"):
            _know(store, name, "email", until=10 if name == "two" else 10**8)
        early, late = sample_read("one"), sample_read("one", at=at(5))
        books = ErasureRow("books", NOON, "asked", ("name",), NOON + 2 * KEEP_ERASURES)
        for name in ("books", "again"):
            _add_traces(store, sample_trace(name))
        # Before there is anything of a person, a consent has an end; once there is, it has none.
        for name in ("nobody", "later"):
            said = sample_consent(name, at=at(2))
            store.write_person(PersonChange(subject=name, consents=(said,)))
        _know(store, "later", "email", until=10**8)
        for name in ("one", "two", "stays"):
            store.commit(
                sample_change(sample_checkout(f"co of {name}"), consents=(sample_consent(name),))
            )
        store.write_person(PersonChange(subject="one", reads=(early, late)))
        store.erase(books)
        asked = ErasureRow("again", at(1), "asked")
        store.erase(asked)
        store.erase(ErasureRow("one", at(19), "asked"))
        same(store.forget_expired(at(20), 99).people, 1, "the last field of one of them goes")
        steps: tuple[tuple[datetime, tuple[str, str, list[object]]], ...] = (
            (NOON + KEEP_READS, ("reads", "one", [late])),
            (at(5) + KEEP_READS, ("reads", "one", [])),
            (at(2) + KEEP_CONSENTS, ("consents", "nobody", [])),
            (at(19) + KEEP_CONSENTS, ("consents", "one", [])),
            (at(20) + KEEP_CONSENTS, ("consents", "two", [])),
            (at(1) + KEEP_ERASURES, ("erasures", "again", [])),
            (NOON + 2 * KEEP_ERASURES, ("erasures", "books", [])),
        )
        for moment, (kind, name, left) in sorted(steps, key=lambda step: step[0]):
            ask = {"reads": store.reads, "consents": store.consents, "erasures": store.erasures}
            store.forget_expired(moment - _TICK, 99)
            holds(len(ask[kind](name)) > len(left), f"{kind} stay until their moment: {name}")
            store.forget_expired(moment, 99)
            same(list(ask[kind](name)), left, f"{kind} go at their moment: {name}")
        for name in ("stays", "later"):
            holds(
                len(store.consents(name)) == 1,
                "a consent has no end while anything else is kept of the person",
            )


def forgetting_is_bounded(make_store: MakeStore) -> None:
    """Others write too: however much is over, each call takes a little of it."""
    with opened(make_store) as store:
        for n in range(5):
            _know(store, f"person {n}", "email", until=10)
            _add_traces(store, sample_trace(f"person {n}", until=10))
            store.take_turn([Limit(f"key {n}", 1, 60)], NOON)
            gone = f"gone {n}"
            _add_traces(store, sample_trace(gone))
            store.erase(ErasureRow(gone, at(10) - KEEP_ERASURES, "asked"))
            proofs = PersonChange(
                subject=gone,
                consents=(sample_consent(gone, at=at(10) - KEEP_CONSENTS),),
                reads=(sample_read(gone, at=at(10) - KEEP_READS),),
            )
            store.write_person(proofs)
        _know(store, "another", "email")
        same(
            [store.forget_expired(at(10), 2) for _ in range(4)],
            [
                Forgotten(fields=n, digests=n, people=n, turns=n, consents=n, reads=n, erasures=n)
                for n in (2, 2, 1, 0)
            ],
            "forget_expired removes at most `limit` of each kind, and the rest when called again",
        )
        for n in range(5):
            same(store.person(f"person {n}"), (None, ()), "in the end nothing of it is left")
        same(
            store.person("another"),
            (sample_key("another"), (sample_field("another"),)),
            "who is not over stays",
        )


def persons_keys_are_wrapped_anew(make_store: MakeStore) -> None:
    """When the shop's key changes: page by page, and never over what came meanwhile."""
    with opened(make_store) as store:
        names = [f"person {n}" for n in range(7)]
        for name in reversed(names):
            _know(store, name, "email")
        ready = sample_key("person 3 and a half", "new")
        store.write_person(PersonChange(subject=ready.subject_id, key=ready))
        listed: list[SubjectKey] = []
        for limit in (3, 1, 2, 5):
            after = listed[-1].subject_id if listed else ""
            page = store.keys_to_rewrap("new", after=after, limit=limit)
            holds(len(page) <= limit, "a page has at most `limit` keys")
            listed += page
        same(
            listed,
            [sample_key(name) for name in names],
            "following pages by `after` gives each key once, in order, that another key opens",
        )
        old, new = sample_key(names[2]), sample_key(names[2], "new")
        for stale, why in (
            (replace(old, key_id="older"), "it is under another key by now"),
            (replace(old, wrapped_key=b"another"), "it was wrapped anew meanwhile"),
            (sample_key("nobody"), "there is no such person"),
        ):
            wrapped = replace(new, subject_id=stale.subject_id)
            holds(not store.replace_key(stale, wrapped), f"replace_key says False: {why}")
        same(store.person(names[2])[0], old, "a key that was not replaced stays")
        same(store.person("nobody"), (None, ()), "nobody gets a key by it")
        holds(store.replace_key(old, new), "replace_key says True when it did")
        holds(not store.replace_key(old, replace(new, wrapped_key=b"late")), "the first one wins")
        same(
            store.person(names[2]),
            (new, (sample_field(names[2]),)),
            "the new wrapping is in place, and the fields are as they were",
        )
        same(
            list(store.keys_to_rewrap("new", after=names[1], limit=1)),
            [sample_key(names[3])],
            "a key that was wrapped anew is not listed any more",
        )


PEOPLE_CHECKS: Final[tuple[StoreCheck, ...]] = (
    a_person_is_found_by_their_traces,
    at_most_ten_people_are_found,
    a_persons_traces_are_listed,
    a_person_has_their_checkouts,
    what_is_remembered_is_replaced,
    consents_and_reads_are_kept_in_order,
    a_change_about_a_person_is_whole,
    a_refused_change_about_a_person_leaves_nothing,
    an_erased_person_leaves_proofs_only,
    turns_are_counted_in_a_sliding_window,
    a_turn_counts_everywhere_or_nowhere,
    no_more_turns_are_taken_than_there_are,
    what_is_over_is_forgotten,
    proofs_go_when_they_are_over,
    forgetting_is_bounded,
    persons_keys_are_wrapped_anew,
)


def _second(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


def _know(store: Store, person: str, *fields: str, until: float = 60) -> None:
    """Write a person with a key and some fields."""
    rows = tuple(sample_field(person, field, until) for field in fields)
    store.write_person(PersonChange(subject=person, key=sample_key(person), vault=rows))


def _add_traces(store: Store, *traces: DigestRow) -> None:
    """Write traces of one person."""
    store.write_person(PersonChange(subject=traces[0].subject, digests=traces))


def _answers(store: Store, person: str) -> dict[str, object]:
    """What a store answers about a person, by question; and who has the traces of the checks."""
    found, rows = store.person(person)
    return {
        "person": (found, tuple(sorted(rows, key=lambda row: row.field))),
        "checkouts_of": list(store.checkouts_of(person)),
        "profile": store.profile(person),
        "consents": list(store.consents(person)),
        "reads": list(store.reads(person)),
        "erasures": list(store.erasures(person)),
        "email": list(store.find_people("email", ["d1", "d2"], NOON)),
        "phone": list(store.find_people("phone", ["d1", "d2"], NOON)),
    }
