"""What people may ask about their data: to see it, put it right, leave it alone, have it erased."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from tests.shopkeeper import (
    ADDRESS,
    CURRENCIES,
    IN_BOOKS,
    KEY,
    LOGIN,
    OTHER,
    PLANTED,
    TYPED,
    World,
)
from tests.vectors import cases

from checkoutflow import (
    AsyncCheckoutFlow,
    InvalidInput,
    Keys,
    MemoryStore,
    Money,
    NotFound,
    NotVerified,
    PurposeRefused,
    VaultError,
)
from checkoutflow.checkout.commands import Cancel
from checkoutflow.checkout.machine import Phase
from checkoutflow.customer import example
from checkoutflow.flow.export_page import export_page
from checkoutflow.flow.exports import Export, plain
from checkoutflow.flow.keeping import books_of
from checkoutflow.law import Law
from checkoutflow.privacy.consent import TEXTS, Consent
from checkoutflow.privacy.fields import FIELDS, KEEP_PROFILE, KEEP_UNFINISHED, Purpose
from checkoutflow.privacy.secret import STARS
from checkoutflow.stores.schema import METADATA
from checkoutflow.stores.sql import open_store
from checkoutflow.testing.driver import Crash, Stepped, SteppingFlow, Steps, Stop
from checkoutflow.texts import translate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.stores.contract import Store

LAW = Law.load()


@pytest.fixture(params=["memory", "sqlite"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    store: Store = MemoryStore() if request.param == "memory" else open_store(tmp_path / "shop.db")
    store.create()
    yield World(store)
    store.close()


@pytest.fixture
def sql(tmp_path: Path) -> Iterator[World]:
    store = open_store(tmp_path / "shop.db")
    store.create()
    yield World(store)
    store.close()


# To be found --------------------------------------------------------------------------------------


def test_a_person_is_found_however_they_write_it(world):
    sale = world.buy(login=LOGIN)
    person = (sale.subject,)
    assert world.flow.find_people(email=f"{PLANTED.upper()}@Example.COM") == person
    assert world.flow.find_people(phone="0045 32 12 34 56") == person
    assert world.flow.find_people(email="nobody@example.com") == ()


def test_who_is_remembered_is_found_by_their_login_too(world):
    person, sale = world.known()
    assert world.flow.find_people(login=LOGIN) == (person,)
    assert {person, sale.subject} <= {*world.flow.find_people(email=TYPED["email"])}


def test_all_sales_of_a_faithful_customer_are_found(world):
    sales = {world.buy().subject for _ in range(12)}
    assert {*world.flow.find_people(email=TYPED["email"])} == sales


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "email"),
        ({"name": PLANTED}, "email"),
        ({"email": PLANTED}, "email"),
        ({"phone": PLANTED}, "phone"),
    ],
)
def test_looking_for_nobody_is_refused_without_repeating_it(world, given, field):
    with pytest.raises(InvalidInput) as refused:
        world.flow.find_people(**given)
    assert refused.value.field == field
    assert PLANTED not in str(refused.value)


# To see and to take along -------------------------------------------------------------------------


def test_an_export_has_what_is_remembered_and_every_sale(world):
    person, sale = world.known()
    world.flow.details(sale.id, Purpose.DELIVER, by="warehouse")
    export = world.flow.export_person(person)
    values = {name: kept.value for name, kept in export.fields.items()}
    assert values == {**TYPED, "country": "DK", "login": LOGIN}
    assert {kept.purposes for kept in export.fields.values()} == {("remember", "answer_rights")}
    assert export.choices == {"delivery": "parcel", "payment": "own_invoice"}
    assert {*export.found_by} == {
        *("email", "phone", "known email", "known phone", "known login", "checkout")
    }
    assert [row.kind for row in export.consents] == ["profile"]
    part = next(part for part in export.sales if part.sale and part.sale.id == sale.id)
    assert part.person == sale.subject
    assert {name: kept.value for name, kept in part.books.items()} == {
        name: TYPED[name] for name in IN_BOOKS
    }
    assert ("warehouse", "deliver") in {(row.by, row.purpose) for row in part.reads}
    assert next(entry.command for entry in part.history) == "start"


def test_an_export_of_a_sale_is_of_that_sale_alone(world):
    sale, other = world.buy(), world.buy(OTHER)
    export = world.flow.export_person(sale.subject)
    assert (export.sale, export.sales) == (world.flow.load(sale.id), ())
    text = json.dumps(plain(export))
    assert other.id not in text
    assert OTHER["email"] not in text


def test_an_export_has_every_row_about_a_person(sql):
    person, sale = sql.known()
    sql.flow.consent(sale.id, marketing=True)
    sql.flow.details(sale.id, Purpose.DELIVER, by="warehouse")
    other = sql.finish(sql.buy(OTHER))
    sql.flow.erase_person(other.subject)
    for mine in (person, other.subject):
        export = sql.flow.export_person(mine)
        text = json.dumps(plain(export))
        refs = {part.person for part in (export, *export.sales)}
        with closing(sqlite3.connect(sql.file)) as connection:
            for table in METADATA.sorted_tables:
                about = [name for name in ("subject_id", "checkout_id") if name in table.c]
                if table.name == "checkoutflow_attempts" or not about:
                    continue
                rows = connection.execute(
                    f"SELECT {', '.join(column.name for column in table.c)} FROM {table.name}"  # noqa: S608 -- our own names
                ).fetchall()
                for row in (dict(zip(table.c.keys(), row, strict=True)) for row in rows):
                    if row.get("subject_id") in refs:
                        for words in _words_of(row):
                            assert words in text, (table.name, words)


def _words_of(row: dict[str, Any]) -> Iterator[str]:
    for name, value in row.items():
        if name not in {"subject_id", "digest", "ciphertext", "wrapped_key", "key_id"} and (
            isinstance(value, str)
        ):
            yield from json.loads(value).values() if name == "choices" else value.split()


def test_what_gives_access_to_money_is_exported_as_stars(world):
    sale = world.start(details={"email": TYPED["email"], "gift_card_code": "ZANZIBAR-GIFT"})
    export = world.flow.export_person(sale.subject)
    assert export.fields["gift_card_code"].value == STARS
    assert export.fields["gift_card_code"].purposes == ("take_payment",)
    assert "ZANZIBAR" not in json.dumps(plain(export))


def test_an_export_prints_no_value(world):
    person, _ = world.known()
    assert PLANTED not in repr(world.flow.export_person(person)).lower()


def test_an_export_is_on_record_without_its_values(world):
    person, _ = world.known()
    world.flow.export_person(person)
    export = world.flow.export_person(person)
    for part in (export, *(part for part in export.sales if part.fields)):
        last = part.reads[-1]
        assert (last.purpose, last.by) == ("answer_rights", "person")
        assert last.fields == tuple(sorted({*part.fields, *part.books}))


def test_what_is_over_is_not_exported(world):
    sale = world.start(details=TYPED)
    world.clock.advance(days=KEEP_UNFINISHED)
    export = world.flow.export_person(sale.subject)
    assert (export.fields, export.books, export.found_by) == ({}, {}, {})


def test_of_nobody_there_is_nothing_to_export(world):
    with pytest.raises(NotFound, match="nothing is kept under this reference"):
        world.flow.export_person("nobody")


# A page to read -----------------------------------------------------------------------------------


def page_of(world: World, person: str, locale: str = "en_GB") -> str:
    export = world.flow.export_person(person)
    return export_page([export], world.clock(), shop=world.shop.name, locale=locale)


def test_the_page_shows_everything_and_runs_nothing(world):
    person, sale = world.known()
    world.flow.consent(sale.id, marketing=True, locale="en_GB")
    world.flow.restrict_person(person)
    page = page_of(world, person)
    for shown in (
        *TYPED.values(),
        LOGIN,
        "What Fjordbutikken keeps about you",
        "Fjordbutikken may send me offers and news",
        "only kept and not used",
        "Kept for bookkeeping alone",
        "1 January 2032",
        "DKK129.00",
        sale.subject,
    ):
        assert shown in page, shown
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_the_page_takes_nobody_at_their_word(world):
    sale = world.buy(TYPED | {"name": '<b>"Person" & One</b>'})
    page = page_of(world, sale.subject)
    assert "&lt;b&gt;&quot;Person&quot; &amp; One&lt;/b&gt;" in page
    assert "<b>" not in page


def test_the_page_of_somebody_erased_says_so(world):
    sale = world.finish(world.buy())
    world.flow.erase_person(sale.subject, reason="asked by letter")
    page = page_of(world, sale.subject)
    assert "asked by letter" in page
    assert "Kept for bookkeeping" in page
    assert TYPED["email"] not in page


def test_the_page_speaks_the_persons_language_and_names_what_it_does_not_know(world):
    sale = world.buy()
    export = world.flow.export_person(sale.subject)
    (kept,) = {kept for name, kept in export.fields.items() if name == "email"}
    older = replace(kept, purposes=("send_letters",))
    consent = world.flow.consent(sale.id, marketing=True)
    row = replace(world.flow.export_person(consent.subject).consents[-1], text="marketing-0")
    changed = replace(export, fields={"fax": older}, consents=(row,))
    page = export_page([changed], world.clock(), locale="da_DK")
    assert '<html lang="da">' in page
    for shown in ("fax", "send_letters", "marketing (marketing-0)"):
        assert shown in page


def test_the_page_says_what_stars_mean(world):
    sale = world.start(details={"gift_card_code": "ZANZIBAR-GIFT"})
    page = page_of(world, sale.subject)
    assert STARS in page
    assert "gives access to money" in page


# To be put right ----------------------------------------------------------------------------------


def test_what_is_put_right_is_read_and_found_from_then_on(world):
    person, sale = world.known()
    before = world.flow.export_person(person).fields
    world.clock.advance(days=10)
    world.flow.correct_person(person, market="DK", email="new@example.com", street="Nygade 5")
    after = world.flow.export_person(person).fields
    assert (after["email"].value, after["street"].value) == ("new@example.com", "Nygade 5")
    assert after["name"] == before["name"]
    assert after["email"].expires_at == before["email"].expires_at
    assert world.flow.find_people(email="new@example.com") == (person,)
    assert person not in world.flow.find_people(email=TYPED["email"])
    assert sale.subject in world.flow.find_people(email=TYPED["email"])  # each sale has its own
    assert world.flow.details(world.start(login=LOGIN).id, Purpose.DELIVER)["street"] == "Nygade 5"


def test_a_sale_is_put_right_and_its_voucher_stays_as_it_was(world):
    sale = world.buy()
    world.flow.correct_person(sale.subject, market="DK", street="Nygade 5", organisation="Fjord")
    assert world.flow.details(sale.id, Purpose.DELIVER)["street"] == "Nygade 5"
    assert world.flow.details(sale.id, Purpose.DELIVER)["organisation"] == "Fjord"
    assert world.flow.details(sale.id, Purpose.KEEP_BOOKS)["street"] == TYPED["street"]
    ends = {kept.expires_at for kept in world.flow.export_person(sale.subject).fields.values()}
    assert len(ends) == 1


def test_who_was_never_remembered_is_not_remembered_by_a_correction(world):
    sale = world.buy()
    world.flow.restrict_person(sale.subject)
    world.flow.restrict_person(sale.subject, is_restricted=False)
    world.flow.correct_person(sale.subject, market="DK", street="Nygade 5")
    again = world.start()
    world.flow.recognise(again.id, email=TYPED["email"], postal_code=TYPED["postal_code"])
    assert world.flow.code(again.id) is None


def test_a_correction_takes_nobody_elses_place(world):
    person, _ = world.known()
    theirs = world.buy(OTHER, remember=True)
    world.flow.correct_person(person, market="DK", email=OTHER["email"])
    again = world.start()
    world.flow.recognise(again.id, email=OTHER["email"], postal_code=OTHER["postal_code"])
    code = world.flow.code(again.id)
    assert code is not None
    found = world.flow.verify(again.id, code.text.body[:6]).recognition.person
    assert theirs.id in {part.sale.id for part in world.flow.export_person(found).sales}


@pytest.mark.parametrize(
    ("details", "field"),
    [
        ({"email": PLANTED}, "email"),
        ({"gift_card_code": "ZANZIBAR-GIFT"}, "gift_card_code"),
        ({"national_id": "180574-9014"}, "national_id"),
    ],
)
def test_a_wrong_correction_changes_nothing(world, details, field):
    sale = world.buy()
    before = world.store.person(sale.subject)
    with pytest.raises(InvalidInput) as refused:
        world.flow.correct_person(sale.subject, market="DK", **details)
    assert refused.value.field == field
    assert world.store.person(sale.subject) == before


def test_nobody_cannot_be_corrected(world):
    sale = world.start(details=TYPED)
    world.clock.advance(days=KEEP_UNFINISHED)
    for person in ("nobody", sale.subject):
        with pytest.raises(NotFound):
            world.flow.correct_person(person, market="DK", street="Nygade 5")


def test_a_code_for_money_does_not_outlive_its_time_by_a_correction(world):
    typed = {"gift_card_code": "ZANZIBAR-GIFT", "street": "Nygade 4"}
    sale = world.start(details=typed)
    before = world.flow.export_person(sale.subject).fields["gift_card_code"]
    world.clock.advance(days=1)
    world.flow.correct_person(sale.subject, market="DK", street="Nygade 5")
    fields = world.flow.export_person(sale.subject).fields
    assert fields["gift_card_code"] == before
    assert fields["street"].expires_at == before.expires_at


# To be left alone ---------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", Purpose)
def test_restricted_data_is_read_for_books_and_rights_alone(world, purpose):
    person, sale = world.known()
    world.flow.consent(sale.id, marketing=True)
    world.flow.restrict_person(person)
    if purpose in {Purpose.KEEP_BOOKS, Purpose.ANSWER_RIGHTS}:
        assert world.flow.details(sale.id, purpose)["street"] == TYPED["street"]
    else:
        with pytest.raises(PurposeRefused, match="only be kept"):
            world.flow.details(sale.id, purpose)
    world.flow.restrict_person(person, is_restricted=False)
    assert "street" in world.flow.details(sale.id, Purpose.DELIVER)


def test_who_is_restricted_is_nobody_known_until_it_is_lifted(world):
    person, _ = world.known()
    world.flow.restrict_person(person)
    assert world.start(login=LOGIN).provided == ("login",)
    since = world.flow.export_person(person).restricted_at
    assert since == world.clock()
    world.clock.advance(days=1)
    world.flow.restrict_person(person)  # again: since then all the same
    assert world.flow.export_person(person).restricted_at == since
    world.flow.restrict_person(person, is_restricted=False)
    assert "street" in world.start(login=LOGIN).provided


def test_who_asks_for_it_while_they_buy_is_not_kept_up_to_date(world):
    person, _ = world.known()
    sale = world.start(login=LOGIN, details={"street": "Nygade 5"})
    world.flow.restrict_person(person)
    world.order(sale)
    assert world.flow.export_person(person).fields["street"].value == TYPED["street"]
    assert world.flow.export_person(person).restricted_at is not None


def test_nobody_cannot_be_restricted(world):
    with pytest.raises(NotFound):
        world.flow.restrict_person("nobody")


# To be erased -------------------------------------------------------------------------------------


def test_who_is_erased_can_be_read_by_nobody_again(world):
    person, sale = world.known()
    theirs = world.buy(OTHER)
    erased = world.flow.erase_person(person)
    assert {person, sale.subject} <= {*erased.people}
    left = world.readable()
    assert left.pop(books_of(sale.subject)) == {name: TYPED[name] for name in IN_BOOKS}
    assert {subject.removesuffix(".books") for subject in left} == {theirs.subject}
    assert world.flow.find_people(email=TYPED["email"]) == ()
    assert world.flow.find_people(login=LOGIN) == ()
    assert world.start(login=LOGIN).recognition.person == ""
    assert world.flow.details(sale.id, Purpose.DELIVER) == {}


def test_not_a_byte_of_the_key_is_left_on_disk(sql, tmp_path):
    person, sale = sql.known()
    sealed = [
        octets
        for subject in (person, sale.subject)
        for key, rows in [sql.store.person(subject)]
        for octets in (key.wrapped_key, *(row.ciphertext for row in rows))
    ]

    def on_disk() -> bytes:
        return b"".join(file.read_bytes() for file in tmp_path.iterdir())

    assert all(octets in on_disk() for octets in sealed)
    sql.flow.erase_person(person)
    assert not any(octets in on_disk() for octets in sealed)
    assert PLANTED.encode() not in on_disk().lower()


def test_the_books_stay_readable_until_their_day_and_no_longer(world):
    sale = world.finish(world.buy())
    erased = world.flow.erase_person(sale.subject)
    end = erased.kept_until[sale.id]
    assert end == datetime(2032, 1, 1, 12, tzinfo=UTC)
    world.clock.advance(seconds=(end - world.clock()).total_seconds() - 1)
    world.flow.run_due()
    books = world.flow.details(sale.id, Purpose.KEEP_BOOKS, by="accountant")
    assert sorted(books) == IN_BOOKS
    assert not world.flow.details(sale.id, Purpose.INVOICE)
    world.clock.advance(seconds=1)
    assert not world.flow.details(sale.id, Purpose.KEEP_BOOKS, by="accountant")
    world.flow.run_due()
    assert world.subjects() == []


def test_what_was_never_sold_leaves_nothing_in_the_books(world):
    sale = world.start(details=TYPED)
    world.flow.cancel(sale.id)
    ordered = world.flow.cancel(world.buy(OTHER).id)
    for cancelled in (sale, ordered):
        erased = world.flow.erase_person(cancelled.subject)
        assert (erased.people, erased.kept_until) == ((cancelled.subject,), {})
    assert world.subjects() == []


def test_a_sale_under_way_stays_until_it_is_over(world):
    person, _ = world.known()
    sale = world.order(world.start(login=LOGIN))
    erased = world.flow.erase_person(person)
    assert erased.open == (sale.id,)
    assert world.flow.details(sale.id, Purpose.DELIVER)["street"] == TYPED["street"]
    sale = world.finish(sale, is_paid=False)
    assert world.flow.erase_person(person).open == (sale.id,)  # they still owe for it
    (invoice,) = sale.invoices
    day = world.clock().date()
    too_much = Money(invoice.amount.minor + 100, "DKK")
    world.flow.record_payment(sale.id, invoice=invoice.number, amount=too_much, received_on=day)
    assert world.flow.erase_person(person).open == (sale.id,)  # and now they are owed
    world.flow.record_payment(
        sale.id, invoice=invoice.number, amount=Money(-100, "DKK"), received_on=day
    )
    erased = world.flow.erase_person(person)
    assert (erased.people, erased.open) == ((sale.subject,), ())
    world.flow.run_due()
    assert len(world.store.erasures(sale.subject)) == 1


def test_an_erasure_that_waits_is_done_once_by_a_worker_with_a_lease(world):
    """Found by the simulated world: the lease had moved the timer, which then stayed for ever."""
    person, _ = world.known()
    sale = world.order(world.start(login=LOGIN))
    world.flow.erase_person(person)
    world.finish(sale)
    for _ in range(2):
        for due in world.flow.lease_due():
            world.flow.wake(due)
        world.clock.advance(days=1)
    assert len(world.store.erasures(sale.subject)) == 1
    assert "erase" not in world.store.timers(sale.id)


def test_an_erasure_that_waits_is_done_when_the_sale_is_over(world):
    person, _ = world.known()
    sale = world.order(world.start(login=LOGIN))
    world.flow.erase_person(person, reason="asked by letter")
    asked_at = world.clock()
    assert person not in world.readable()
    for days in (1, 40, 400):
        world.clock.advance(days=days)
        world.flow.run_due()
        assert world.flow.details(sale.id, Purpose.DELIVER)["street"] == TYPED["street"]
    world.finish(sale)
    world.flow.run_due()
    assert {*world.readable()} >= {books_of(sale.subject)}
    assert sale.subject not in world.readable()
    (proof,) = world.store.erasures(sale.subject)
    assert (proof.at, proof.reason) == (world.clock(), "asked by letter")
    assert proof.until == end_of(LAW.books_until("DK", sale.started_at.date()))
    assert world.flow.details(sale.id, Purpose.KEEP_BOOKS).keys() == {*proof.kept}
    assert {*proof.kept} == {*IN_BOOKS, "country"}
    assert asked_at < proof.at
    assert world.store.due(world.clock.advance(days=9), 99) == []


@pytest.mark.parametrize("purpose", Purpose)
def test_a_sale_that_waits_to_be_erased_is_read_for_itself_alone(world, purpose):
    sale = world.buy(remember=True)
    world.flow.consent(sale.id, marketing=True)
    world.flow.erase_person(sale.subject)
    if purpose in {Purpose.REMEMBER, Purpose.MARKET}:
        with pytest.raises(PurposeRefused, match="asked to be erased"):
            world.flow.details(sale.id, purpose)
    elif any(purpose in field.purposes for field in FIELDS.values()):
        assert world.flow.details(sale.id, purpose)


def test_who_asked_to_be_erased_while_buying_is_not_remembered(world):
    person, _ = world.known()
    known = world.start(login=LOGIN)
    new = world.flow.consent(world.start(details=OTHER).id, profile=True)
    world.flow.erase_person(person)
    world.flow.erase_person(new.subject)
    for sale in (known, new):
        world.finish(world.order(sale))
    world.flow.run_due()
    assert all(subject.endswith(".books") for subject in world.subjects())
    assert not world.flow.find_people(email=OTHER["email"])


def test_what_is_not_bought_is_erased_as_soon_as_it_expires(world):
    sale = world.start(details=TYPED)
    assert world.flow.erase_person(sale.subject).open == (sale.id,)
    assert world.flow.erase_person(sale.subject).open == (sale.id,)  # asked for once
    commands = [entry.command for entry in world.flow.journal(sale.id)]
    assert commands.count("erase") == 1
    world.clock.advance(seconds=world.shop.lifetime_s)
    world.flow.run_due()
    world.flow.run_due()
    assert world.subjects() == []
    assert [proof.until for proof in world.store.erasures(sale.subject)] == [None]


def test_a_wish_that_waits_is_shown_to_whom_it_belongs(world):
    sale = world.buy()
    world.flow.erase_person(sale.subject)
    export = world.flow.export_person(sale.subject)
    assert plain(export)["sale"]["erasure_asked_at"] == world.clock().isoformat()
    said = "as soon as this purchase is over"
    assert said in page_of(world, sale.subject)
    world.finish(sale)
    world.flow.run_due()
    assert said not in page_of(world, sale.subject)


@pytest.mark.parametrize("is_after", [False, True])
def test_an_erasure_that_waits_survives_a_crash_anywhere(is_after):
    def wait_and_finish(world: World, person: str, flow: SteppingFlow, sale: Checkout) -> None:
        flow.erase_person(person)
        if flow.load(sale.id).phase is not Phase.FULFILLED:
            flow.ship(sale.id)
        (invoice,) = flow.load(sale.id).invoices
        flow.record_payment(
            sale.id,
            invoice=invoice.number,
            amount=invoice.amount,
            received_on=world.clock().date(),
            idempotency_key="paid",
        )
        flow.run_due()

    for place in count(1):
        world = World(MemoryStore())
        person, _ = world.known()
        sale = world.order(world.start(login=LOGIN))
        steps = Steps(stops=[Stop(place, is_after=is_after)])
        with suppress(Crash):
            wait_and_finish(world, person, world.opened(Keys.of(KEY), steps), sale)
        if not steps.stops:
            wait_and_finish(world, person, world.flow, sale)
        assert all(subject.endswith(".books") for subject in world.subjects())
        assert [len(world.store.erasures(who)) for who in (person, sale.subject)] == [1, 1]
        assert not world.store.due(world.clock(), 99)
        if steps.stops:
            break
    assert place > 30


def test_of_two_machines_that_erase_and_sell_at_once_the_wish_is_kept():
    """The sale ends while the wish is written down: whoever is first, it is erased."""
    for order in ([0, 1], [1, 0], [0] * 6, [0] * 8, [1] * 3, [1] * 5, [0, 0, 1, 1, 1]):
        world = World(MemoryStore())
        sale = world.start(details=TYPED)
        flow = world.flow
        workers: list[Stepped[Any]] = [
            flow.stepped(flow.programs.erase(sale.subject, "asked")),
            flow.stepped(flow.programs.act(sale.id, [Cancel()], {}, "")),
        ]
        for number in (*order, *(0, 1) * 60):
            if not workers[number].is_over:
                workers[number].step()
        assert [worker.error for worker in workers] == [None, None]
        world.flow.run_due()
        assert world.subjects() == []
        assert len(world.store.erasures(sale.subject)) == 1


def test_of_an_erasure_there_is_a_proof_without_values(world):
    sale = world.finish(world.buy())
    world.flow.erase_person(sale.subject, reason="asked by letter")
    (proof,) = world.flow.export_person(sale.subject).erasures
    assert (proof.at, proof.reason) == (world.clock(), "asked by letter")
    assert (sorted(proof.kept), proof.until) == (IN_BOOKS, datetime(2032, 1, 1, 12, tzinfo=UTC))
    world.flow.erase_person(sale.subject)
    assert len(world.store.erasures(sale.subject)) == 1


def test_nobody_cannot_be_erased(world):
    with pytest.raises(NotFound):
        world.flow.erase_person("nobody")


@pytest.mark.parametrize("is_after", [False, True])
def test_an_erasure_that_breaks_off_anywhere_is_done_by_the_same_call(is_after):
    for place in count(1):
        world = World(MemoryStore())
        person, sale = world.known()
        steps = Steps(stops=[Stop(place, is_after=is_after)])
        try:
            world.opened(Keys.of(KEY), steps).erase_person(person)
        except Crash:
            pass
        else:
            break
        erased = world.flow.erase_person(person)
        assert erased.kept_until[sale.id] == datetime(2032, 1, 1, 12, tzinfo=UTC)
        assert world.subjects() == [books_of(sale.subject)]
        assert [len(world.store.erasures(who)) for who in (person, sale.subject)] == [1, 1]
    assert place >= 10


# To be forgotten as a customer --------------------------------------------------------------------


def test_who_takes_back_that_they_are_remembered_is_forgotten(world):
    person, sale = world.known()
    again = world.flow.consent(world.start(login=LOGIN).id, profile=False)
    assert person not in world.readable()
    assert sale.subject in world.readable()  # what was sold was sold
    (proof,) = world.store.erasures(person)
    assert proof.reason == "consent withdrawn"
    last = world.store.consents(person)[-1]
    assert (last.kind, last.is_given) == ("profile", False)
    assert world.start(login=LOGIN).recognition.person == ""
    world.order(again)
    assert world.start(login=LOGIN).recognition.person == ""
    world.flow.consent(again.id, profile=False)
    assert len(world.store.erasures(person)) == 1


def test_who_thinks_better_of_it_in_the_same_checkout_is_forgotten(world):
    sale = world.buy(remember=True, login=LOGIN)
    assert world.start(login=LOGIN).recognition.person
    world.flow.consent(sale.id, profile=False)
    assert world.start(login=LOGIN).recognition.person == ""
    assert {subject.removesuffix(".books") for subject in world.readable()} >= {sale.subject}


def test_who_wants_to_be_remembered_again_is(world):
    world.known()
    sale = world.flow.consent(world.start(login=LOGIN).id, profile=False)
    world.order(world.flow.consent(sale.id, profile=True))
    assert "street" in world.start(login=LOGIN).provided


def test_nobody_forgets_a_customer_for_them(world):
    person, _ = world.known()
    stranger = world.start()
    world.flow.recognise(stranger.id, email=TYPED["email"], postal_code=TYPED["postal_code"])
    for sale in (stranger, world.buy(OTHER)):
        world.flow.consent(sale.id, profile=False)
    assert person in world.readable()


def test_who_only_says_who_they_are_changes_nothing_of_it(world):
    """A stranger who knows an address and a postal code, and has no code."""
    person, _ = world.known()
    before = world.flow.export_person(person)
    sale = world.start(details=TYPED | {"street": "Strangergade 1"})
    sale = world.flow.recognise(sale.id, email=TYPED["email"], postal_code=TYPED["postal_code"])
    with pytest.raises(NotVerified):
        world.flow.verify(sale.id, "000000")
    sale = world.flow.consent(sale.id, marketing=True)
    world.order(sale)
    after = world.flow.export_person(person)
    assert (after.fields, after.consents) == (before.fields, before.consents)
    assert sale.id not in {part.sale.id for part in after.sales}


@pytest.mark.parametrize("is_after", [False, True])
def test_forgetting_that_breaks_off_anywhere_is_done_by_the_same_call(is_after):
    for place in count(1):
        world = World(MemoryStore())
        person, _ = world.known()
        sale = world.start(login=LOGIN)
        steps = Steps(stops=[Stop(place, is_after=is_after)])
        try:
            world.opened(Keys.of(KEY), steps).consent(sale.id, profile=False)
        except Crash:
            pass
        else:
            break
        world.flow.consent(sale.id, profile=False)
        assert person not in world.readable()
        assert len(world.store.erasures(person)) == 1
    assert place > 8


# To be sent offers --------------------------------------------------------------------------------


def may_be_sent_offers(world: World, sale: Checkout) -> bool:
    try:
        return world.flow.details(sale.id, Purpose.MARKET).keys() == {"email", "phone"}
    except PurposeRefused:
        return False


@pytest.mark.parametrize(
    ("said", "may"),
    [
        ([], True),  # a customer who could say no
        ([{"no_marketing": True}], False),
        ([{"no_marketing": True}, {"no_marketing": False}], True),
        ([{"marketing": True}], True),
        ([{"marketing": True}, {"marketing": False}], False),
        ([{"no_marketing": True}, {"marketing": True}], True),  # the last word counts
        ([{"marketing": True}, {"no_marketing": True}], False),
    ],
)
def test_a_customer_is_sent_offers_unless_they_say_no(world, said, may):
    sale = world.buy()
    for words in said:
        world.clock.advance(minutes=1)
        world.flow.consent(sale.id, **words)
    assert may_be_sent_offers(world, sale) is may


@pytest.mark.parametrize("consents", [["marketing"], ["marketing", "no_marketing"]])
def test_without_a_box_to_say_no_only_consent_counts(consents):
    world = World(MemoryStore(), consents=consents)
    sale = world.order(world.start(details=TYPED), could_say_no=False)
    assert not may_be_sent_offers(world, sale)
    world.flow.consent(sale.id, no_marketing=False)  # it was not before them when they bought
    assert not may_be_sent_offers(world, sale)
    world.flow.consent(sale.id, marketing=True)
    assert may_be_sent_offers(world, sale)


def test_that_there_was_a_box_to_say_no_is_proven_for_each_sale(world):
    _, sale = world.known()
    (proof,) = [it for it in world.store.consents(sale.subject) if it.kind == "could_say_no"]
    assert (proof.is_given, proof.text, proof.locale) == (True, "no_marketing-1", "da_DK")
    place = next(entry for entry in world.flow.journal(sale.id) if entry.command.endswith("place"))
    assert proof.proof == f"{sale.id}/{place.version}"
    other = world.order(world.start(login=LOGIN), could_say_no=False)
    assert may_be_sent_offers(world, sale)
    assert not may_be_sent_offers(world, other)
    assert "could_say_no" not in other.consents
    page = page_of(world, sale.subject)
    text = translate(TEXTS[Consent.NO_MARKETING][1], "da_DK").format(shop=world.shop.name)
    assert text in page
    assert ">Shown</td>" in page


def test_a_no_of_an_earlier_sale_stays_although_the_box_was_left_alone_since(world):
    first = world.start(details=TYPED, login=LOGIN)
    first = world.order(world.flow.consent(first.id, profile=True, no_marketing=True))
    world.clock.advance(days=1)
    second = world.order(world.start(login=LOGIN))
    assert second.could_say_no
    assert not may_be_sent_offers(world, first)
    assert not may_be_sent_offers(world, second)


@pytest.mark.parametrize(
    ("market", "postal_code", "may"), [("FO", "100", False), ("DK", "2100", True)]
)
def test_where_the_law_is_not_known_only_consent_counts(market, postal_code, may):
    world = World(MemoryStore(), markets=["DK", "FO"])
    typed = TYPED | {"postal_code": postal_code, "phone": example("phone", market)}
    # There, consumers do not buy on a plain invoice.
    typed |= {name: example(name, market) for name in ("organisation", "organisation_number")}
    sale = world.order(world.start(market, details=typed, customer="business"))
    assert sale.could_say_no
    assert may_be_sent_offers(world, sale) is may


def test_a_box_that_the_shop_does_not_have_was_before_nobody():
    world = World(MemoryStore(), consents=["marketing"])
    sale = world.start(details=TYPED)
    with pytest.raises(InvalidInput) as refused:
        world.flow.place(sale.id, accepted_total=sale.total, accepts_credit=True, could_say_no=True)
    assert refused.value.field == "could_say_no"


def test_who_has_not_bought_is_sent_offers_only_if_they_want_them(world):
    sale = world.start(details=TYPED)
    assert not may_be_sent_offers(world, sale)
    world.flow.consent(sale.id, marketing=True)
    assert may_be_sent_offers(world, sale)
    cancelled = world.flow.cancel(world.buy(OTHER).id)
    assert not may_be_sent_offers(world, cancelled)


def test_a_no_in_a_later_checkout_holds_for_the_earlier_ones_even_when_forgotten(world):
    first = world.start(details=TYPED, login=LOGIN)
    first = world.order(world.flow.consent(first.id, profile=True, marketing=True))
    world.clock.advance(days=1)
    second = world.order(world.start(login=LOGIN))
    assert may_be_sent_offers(world, first)
    assert may_be_sent_offers(world, second)
    world.flow.consent(second.id, marketing=False)
    assert not may_be_sent_offers(world, first)
    assert not may_be_sent_offers(world, second)
    world.clock.advance(days=1)
    world.flow.consent(second.id, profile=False)
    assert not may_be_sent_offers(world, first)
    assert not may_be_sent_offers(world, second)


# What goes by itself ------------------------------------------------------------------------------


def end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(12), UTC)


@pytest.mark.parametrize("market", CURRENCIES)
@pytest.mark.parametrize("durable", [False, True])
def test_what_a_sale_leaves_goes_on_the_last_day_of_its_country(world, market, durable):
    typed = {name: example(name, market) for name in [*ADDRESS, "email", "phone"]}
    # In Finland, only businesses buy on a plain invoice.
    company = {name: example(name, market) for name in ("organisation", "organisation_number")}
    typed |= company
    sale = world.buy(typed, market=market, durable=durable, customer="business")
    world.clock.advance(seconds=1)
    sold = world.clock().date()
    gone = end_of(LAW.contact_until(market, sold, durable=durable))
    closed = end_of(LAW.books_until("DK", sold))  # the law of where the books are kept
    for end, subject in ((gone, sale.subject), (closed, books_of(sale.subject))):
        world.clock.advance(seconds=(end - world.clock()).total_seconds() - 1)
        world.flow.run_due()
        assert world.readable()[subject]["street"] == typed["street"]
        world.clock.advance(seconds=1)
        world.flow.run_due()
        assert subject not in world.subjects()
    assert world.store.person(sale.subject) == (None, ())
    assert world.flow.find_people(email=typed["email"]) == ()


# Of what else the law wants kept, the library writes nothing.
VOUCHERS = [
    case
    for case in cases("late_and_retention_cases", "retention")
    if not case.values[0] or case.values[0]["record"] == "voucher"
]


@pytest.mark.parametrize("vector", VOUCHERS)
def test_the_vouchers_of_the_vectors(vector):
    end = date.fromisoformat(vector["financial_year_end"])
    world = World(MemoryStore(), home=vector["country"], year_ends=end.month)
    noon = datetime.combine(end, time(12), UTC)
    world.clock.advance(seconds=(noon - world.clock()).total_seconds())
    sale = world.finish(world.buy())
    erased = world.flow.erase_person(sale.subject)
    assert erased.kept_until[sale.id] == end_of(date.fromisoformat(vector["keep_through"]))


def test_an_unfinished_checkout_leaves_nothing_after_thirty_days(world):
    world.start(details=TYPED | {"gift_card_code": "ZANZIBAR-GIFT"})
    world.clock.advance(days=KEEP_UNFINISHED, seconds=-1)
    world.flow.run_due()
    assert len(world.subjects()) == 2
    world.clock.advance(seconds=1)
    forgotten = world.flow.forget_expired()
    assert (forgotten.people, forgotten.fields) == (2, len(TYPED) + 1 + len(IN_BOOKS))
    assert world.subjects() == []


def test_who_does_not_come_back_for_two_years_is_forgotten(world):
    person, _ = world.known()
    world.clock.advance(days=KEEP_PROFILE, seconds=-1)
    world.flow.run_due()
    assert person in world.subjects()
    world.clock.advance(seconds=1)
    world.flow.run_due()
    assert person not in world.subjects()
    assert world.store.profile(person) is None
    assert world.start(login=LOGIN).recognition.person == ""


def test_proofs_go_when_nobody_has_to_show_them_any_more(world):
    person, sale = world.known()
    world.flow.details(sale.id, Purpose.DELIVER)
    world.flow.erase_person(person)
    for days, reads, consents, erasures in ((364, 1, 1, 1), (1, 0, 0, 1), (4 * 365, 0, 0, 0)):
        world.clock.advance(days=days)
        world.flow.run_due()
        assert bool(world.store.reads(sale.subject)) == bool(reads)
        assert bool(world.store.consents(person)) == bool(consents)
        assert bool(world.store.erasures(person)) == bool(erasures)
    # What the books keep is named in the proof, which stays as long as they do.
    assert world.store.person(books_of(sale.subject)) != (None, ())
    (proof,) = world.store.erasures(sale.subject)
    assert proof.until
    world.clock.advance(seconds=(proof.until - world.clock()).total_seconds() - 1)
    world.flow.run_due()
    assert world.flow.export_person(sale.subject).erasures
    world.clock.advance(seconds=1)
    world.flow.run_due()
    assert not world.store.erasures(sale.subject)
    assert world.store.person(books_of(sale.subject)) == (None, ())


def test_a_consent_is_kept_as_long_as_it_is_relied_on(world):
    person, _ = world.known()
    for _ in range(6):
        world.clock.advance(days=KEEP_PROFILE - 1)
        world.finish(world.order(world.start(login=LOGIN)))
        world.flow.run_due()
    assert [row.kind for row in world.store.consents(person)] == ["profile"]
    world.clock.advance(days=KEEP_PROFILE)
    world.flow.run_due()
    world.clock.advance(days=364)
    world.flow.run_due()
    assert world.store.consents(person)
    world.clock.advance(days=1)
    world.flow.run_due()
    assert not world.store.consents(person)


def test_the_key_goes_with_the_last_field(world):
    sale = world.start(details=TYPED)
    world.flow.add_credit(sale.id, "gift_card", Money(2900, "DKK"), code="ZANZIBAR-GIFT")
    assert "gift_card_code" in world.readable()[world.order(sale).subject]
    world.clock.advance(days=KEEP_UNFINISHED + 2)
    world.flow.run_due()
    assert sorted(world.readable()[sale.subject]) == sorted(TYPED)


# For asynchronous callers -------------------------------------------------------------------------


def test_every_right_is_there_for_asynchronous_callers(world):
    person, sale = world.known()

    async def ask() -> None:
        flow = AsyncCheckoutFlow(
            world.shop, store=world.store, keys=Keys.of(KEY), clock=world.clock
        )
        assert person in await flow.find_people(email=TYPED["email"])
        export = await flow.export_person(person)
        assert isinstance(export, Export)
        await flow.correct_person(person, market="DK", street="Nygade 5")
        await flow.restrict_person(person)
        assert await flow.rotate_keys() == 0
        assert (await flow.forget_expired()).fields == 0
        erased = await flow.erase_person(person)
        assert sale.id in erased.kept_until

    asyncio.run(ask())


# What is damaged ----------------------------------------------------------------------------------


def tampered(world: World, subject: str, field: str) -> None:
    _, rows = world.store.person(subject)
    (row,) = (row for row in rows if row.field == field)
    bad = bytearray(row.ciphertext)
    bad[-1] ^= 1
    with closing(sqlite3.connect(world.file)) as connection, connection:
        connection.execute(
            "UPDATE checkoutflow_vault SET ciphertext = ? WHERE subject_id = ? AND field = ?",
            (bytes(bad), subject, field),
        )


def test_of_a_damaged_person_nothing_is_half_read(sql):
    sale = sql.buy()
    before = sql.store.reads(sale.subject)
    tampered(sql, sale.subject, "street")
    for read in (
        lambda: sql.flow.export_person(sale.subject),
        lambda: sql.flow.details(sale.id, Purpose.DELIVER),
        lambda: sql.flow.correct_person(sale.subject, market="DK", city="Byen"),
    ):
        with pytest.raises(VaultError, match="the field street cannot be opened") as refused:
            read()
        assert PLANTED not in str(refused.value).lower()
    assert sql.store.reads(sale.subject) == before
    assert sql.flow.details(sale.id, Purpose.SEND_RECEIPT)  # the others open all the same
    assert sql.flow.erase_person(sql.flow.cancel(sale.id).subject).people == (sale.subject,)


def test_the_fields_are_all_there_are():
    """The tests above name what is kept in the books; the register decides."""
    books = {name for name, field in FIELDS.items() if Purpose.KEEP_BOOKS in field.purposes}
    assert {*IN_BOOKS} == books - {"organisation", "organisation_number", "country"}
