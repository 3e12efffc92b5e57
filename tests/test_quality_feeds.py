"""Moves, deaths and opt-outs reach the base by feed, blocked numbers by fresh lists."""

from __future__ import annotations

import json
import stat
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkoutflow.errors import InvalidInput, UsageError
from checkoutflow.privacy.secret import Details, Secret
from checkoutflow.quality.feeds import Customer, Event, Kind, refreshed
from checkoutflow.quality.suppression import REGISTERS, DigestList, digest, keep

TODAY = date(2026, 6, 1)
SINCE = date(2026, 5, 1)
KEY = Secret("k" * 32)
BJORG = {
    "name": "Bjørg Dal", "birth_date": "1980-01-02", "street": "Strandgata 1 B",
    "postal_code": "0150", "city": "Oslo", "email": "bjorg@example.com",
}  # fmt: skip
BORN = {"name": "DAL Bjørg", "birth_date": "02.01.1980", "postal_code": "0150"}
LIVING = {"name": "Bjørg Dal", "street": "strandgt. 1B", "postal_code": "0150"}
NEW = {"street": "Bakken 7", "postal_code": "7010", "city": "Trondheim"}


class Told:
    """A feed that tells these events."""

    name = "register"

    def __init__(self, *events, as_of=TODAY):
        self.as_of = as_of
        self._events = events

    def events(self, since):
        return [event for event in self._events if event.on >= since]


def event(kind, keys, details=None, day=15):
    return Event(Kind(kind), date(2026, 5, day), Details(keys), Details(details or {}))


def after(customer, *events, since=SINCE, **feed):
    [changed] = refreshed([customer], Told(*events, **feed), market="NO", since=since, today=TODAY)
    return changed


def bjorg(**changes):
    return Customer("C1", Details(BJORG), **changes)


@pytest.mark.parametrize("keys", [BORN, LIVING])
def test_a_move_brings_the_new_address(keys):
    changed = after(bjorg(), event("moved", keys, NEW))
    assert {**changed.fields} == {**BJORG, **NEW}
    assert changed.updated == date(2026, 5, 15)


def test_what_the_customer_told_later_stays():
    customer = bjorg(updated=date(2026, 5, 20))
    assert after(customer, event("moved", BORN, NEW)) == customer


def test_the_later_of_two_moves_counts_in_any_order():
    events = [
        event("moved", BORN, {**NEW, "street": "Bakken 9"}, day=20),
        event("moved", BORN, NEW, day=10),
    ]
    assert after(bjorg(), *events).fields["street"] == "Bakken 9"
    assert after(bjorg(), *reversed(events)).fields["street"] == "Bakken 9"


def test_a_move_keeps_the_country_unless_it_names_another():
    at_home = Customer("C1", Details(BJORG, country="NO"))
    assert after(at_home, event("moved", BORN, NEW)).fields["country"] == "NO"
    abroad = {"street": "Bakken 7", "postal_code": "SE-114 55", "country": "SE"}
    changed = after(at_home, event("moved", BORN, abroad))
    assert (changed.fields["country"], changed.fields["postal_code"]) == ("SE", "11455")
    assert "city" not in changed.fields


def test_deaths_and_opt_outs_are_kept_with_their_first_day():
    changed = after(
        bjorg(),
        event("died", BORN),
        event("opted_out", {"email": "BJORG@example.com"}, day=12),
        event("opted_out", LIVING, day=11),
    )
    assert changed.died == date(2026, 5, 15)
    assert changed.opted_out == date(2026, 5, 11)


@pytest.mark.parametrize(
    "keys",
    [
        {**BORN, "name": "Bo Dal"},
        {**BORN, "birth_date": "1980-01-03"},
        {**LIVING, "street": "Strandgata 2"},
        {"national_id": "15858610076"},
    ],
)
def test_nobody_else_is_changed(keys):
    assert after(bjorg(), event("opted_out", keys)) == bjorg()


def test_who_moves_twice_is_known_by_the_new_address_the_second_time():
    again = {"street": "Fjordveien 3", "postal_code": "5003", "city": "Bergen"}
    then = {"name": "Bjørg Dal", "street": "Bakken 7", "postal_code": "7010"}
    events = [event("moved", then, again, day=20), event("moved", LIVING, NEW, day=10)]
    assert after(bjorg(), *events).fields["city"] == "Bergen"


EVENTS = [
    event("moved", BORN, NEW),
    event("died", BORN),
    event("opted_out", LIVING, day=3),
    event("moved", BORN, NEW, day=9),
]


@given(st.permutations(EVENTS))
def test_running_a_feed_again_changes_nothing(events):
    once = after(bjorg(), *events)
    assert after(once, *events) == once


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        (event("died", {"email": "bjorg@example.com"}), "events[0].keys"),
        (event("moved", {"phone": "40612345"}, NEW), "events[0].keys"),
        (event("opted_out", {"name": "Bjørg Dal"}), "events[0].keys"),
        (event("opted_out", {"email": "nobody"}), "events[0].keys"),
        (event("opted_out", {"shoe_size": "37"}), "events[0].keys"),
        (event("died", {**BORN, "birth_date": "soon"}), "events[0].keys"),
        (event("moved", BORN, {"city": "Oslo"}), "events[0].details"),
        (event("moved", BORN, {**NEW, "email": "a@example.com"}), "events[0].details"),
        (event("moved", BORN, {**NEW, "postal_code": "kanari"}), "events[0].details.postal_code"),
    ],
)
def test_an_event_that_does_not_say_enough_is_refused_without_its_values(broken, field):
    with pytest.raises(InvalidInput) as caught:
        after(bjorg(), broken)
    assert caught.value.field == field
    for value in ("Dal", "bjorg", "Bakken", "kanari", "37", "soon", "a@"):
        assert value not in str(caught.value)


def test_an_event_outside_of_the_feeds_days_is_not_taken():
    late = event("died", BORN, day=31)
    assert after(bjorg(), late, as_of=date(2026, 5, 30)) == bjorg()


@pytest.mark.parametrize(
    ("as_of", "complaint"),
    [
        (date(2026, 6, 2), "register: is of a day that is still to come"),
        (date(2026, 4, 30), "register: ends before the day it is to begin"),
    ],
)
def test_a_feed_of_the_wrong_days_is_refused(as_of, complaint):
    with pytest.raises(UsageError, match=complaint):
        after(bjorg(), as_of=as_of)


def test_a_customer_prints_without_what_is_known_of_them():
    assert "Dal" not in repr(bjorg())
    assert "Dal" not in repr(event("died", BORN))


# Suppression lists --------------------------------------------------------------------------------

NUMBERS = ["070-174 06 05", "070-174 06 07", "+46 70 174 06 09"]


@pytest.fixture
def kept(tmp_path):
    """Keep a list of numbers."""

    def keep_them(numbers=NUMBERS, as_of=TODAY):
        path = tmp_path / "nix.txt"
        count = keep(path, "SE-NIX-TELEFON", numbers, as_of=as_of, key=KEY, market="SE")
        return path, count

    return keep_them


def test_who_is_in_the_list_is_blocked_however_the_number_is_written(kept):
    path, count = kept()
    assert count == 3
    with DigestList.open(path, key=KEY, today=TODAY) as blocked:
        assert (blocked.register, blocked.as_of) == ("SE-NIX-TELEFON", TODAY)
        for number in [*NUMBERS, "0701740605", "+46701740607"]:
            assert blocked.blocks(number, "SE")
        for number in ["070-174 06 06", "070-174 06 99", "nobody", ""]:
            assert not blocked.blocks(number, "SE")


def test_another_key_finds_nothing(kept):
    path, _ = kept()
    with DigestList.open(path, key=Secret("x" * 32), today=TODAY) as blocked:
        assert not blocked.blocks(NUMBERS[0], "SE")


@given(st.sets(st.integers(605, 699)), st.integers(605, 699))
def test_a_list_of_any_length_knows_its_own(tmp_path_factory, ends, end):
    path = tmp_path_factory.mktemp("lists") / "nix.txt"
    numbers = [f"070-1740{each}" for each in ends]
    keep(path, "SE-NIX-TELEFON", numbers, as_of=TODAY, key=KEY, market="SE")
    with DigestList.open(path, key=KEY, today=TODAY) as blocked:
        assert blocked.blocks(f"070-1740{end}", "SE") == (end in ends)


def test_the_file_holds_no_number_and_is_its_owners(kept):
    path, _ = kept([*NUMBERS, NUMBERS[0], "nobody"])
    text = path.read_text("ascii")
    assert "1740605" not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(text.splitlines()) == 4


@pytest.mark.parametrize(
    ("register", "as_of", "last"),
    [
        ("NO-RESERVASJON", date(2026, 1, 31), date(2026, 2, 28)),
        ("NO-RESERVASJON", date(2026, 5, 1), date(2026, 6, 1)),
        ("SE-NIX-TELEFON", date(2025, 12, 31), date(2026, 2, 28)),
        ("DK-ROBINSON", date(2026, 10, 1), date(2027, 1, 1)),
    ],
)
def test_a_list_that_is_too_old_is_refused(tmp_path, register, as_of, last):
    path = tmp_path / "list.txt"
    keep(path, register, [], as_of=as_of, key=KEY, market="NO")
    with DigestList.open(path, key=KEY, today=last) as blocked:
        assert not blocked.blocks("211062-5629", "DK")
    with pytest.raises(UsageError, match=f"could be used until {last}; get a newer one"):
        DigestList.open(path, key=KEY, today=date.fromordinal(last.toordinal() + 1))


def test_a_list_of_tomorrow_is_refused(kept):
    path, _ = kept(as_of=date(2026, 6, 2))
    with pytest.raises(UsageError, match="still to come"):
        DigestList.open(path, key=KEY, today=TODAY)


HEAD = {"register": "SE-NIX-TELEFON", "as_of": "2026-06-01", "digests": 0}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is not a suppression list"),
        (b"070-174 06 05\n", "is not a suppression list"),
        (b"\xff\n", "is not a suppression list"),
        (json.dumps({**HEAD, "digests": "many"}), "is not a suppression list"),
        (json.dumps({**HEAD, "as_of": "soon"}), "is not a suppression list"),
        (json.dumps({**HEAD, "digests": 1}), "not as long as it says"),
        (json.dumps({**HEAD, "register": "XX"}), "a register is one of NO-RESERVASJON"),
    ],
)
def test_what_is_no_list_is_refused(tmp_path, content, complaint):
    path = tmp_path / "list.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode() + b"\n")
    with pytest.raises(UsageError, match=complaint):
        DigestList.open(path, key=KEY, today=TODAY)


def test_a_key_that_could_be_tried_out_is_refused():
    with pytest.raises(UsageError, match="32 characters") as caught:
        digest(Secret("short"), "phone", NUMBERS[0], "SE")
    assert caught.value.field == "key"


def test_each_register_says_what_it_is_and_where_that_is_from():
    for register in REGISTERS.values():
        assert register.field in {"national_id", "phone"}
        assert set(register.covers) <= {"phone", "post"}  # e-mail and SMS want consent
        assert register.source
