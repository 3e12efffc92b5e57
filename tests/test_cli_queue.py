"""A reviewer works on the terminal, and the shop sees what came of it."""

from __future__ import annotations

import io
import json
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import urlsplit

import pytest
from tests.test_review import HOME, MUG, SETTINGS, Shopping

from checkoutflow import Cart, Keys, Money, Phase, Shop
from checkoutflow.cli import main
from checkoutflow.cli.paper import WIDTH
from checkoutflow.cli.review_page import page
from checkoutflow.cli.review_queue import _ASKS
from checkoutflow.privacy.secret import Secret
from checkoutflow.review.figures import Figures, Outcome, Reviewed, document, figures
from checkoutflow.review.machine import Ask, RejectReason, Review
from checkoutflow.review.report import waits
from checkoutflow.review.rules import Hit, Scored
from checkoutflow.stores.keyfile import load_or_create_keys
from checkoutflow.stores.sql import open_store
from checkoutflow.testing.serve import serve
from checkoutflow.testing.standins import SOLD, open_stand_in
from checkoutflow.testing.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

KEY = bytes(range(32))
REVIEW = {
    "default_rules": False,
    "hold_above": ["100 NOK"],
    "four_eyes_above": ["8000 NOK"],
    "rules": [{"id": "mugs", "weight": 1, "when": {"skus": ["mug"]}}],
}
BY = ["--by", "reviewer-1"]
WHERE = ["--db", "shop.db", "--shop", "shop.json"]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: Any) -> Iterator[Shopping]:
    """A shop that holds everything; the terminal's clock is the shop's."""
    store = open_store(tmp_path / "shop.db")
    store.create()
    load_or_create_keys(tmp_path / "shop.db.key", lambda _: KEY)
    settings = {**SETTINGS, "review": REVIEW}
    (tmp_path / "shop.json").write_text(json.dumps(settings))
    world = World(Shop.read(settings), open_store=lambda: store)
    world.flow = world.open_flow(
        store=store, keys=Keys.of(KEY), clock=world.clock, providers=[world.bank.provider()]
    )
    monkeypatch.setattr("checkoutflow.flow.host.system_clock", world.clock)
    yield Shopping(world)
    store.close()


@pytest.fixture
def run(tmp_path: Path, capsys: Any, monkeypatch: Any) -> Run:
    monkeypatch.chdir(tmp_path)

    def command(*words: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        status = main(["review", *words])
        said = capsys.readouterr()
        return status, said.out, said.err

    return command


def test_an_empty_queue_says_so(shop, run):
    assert run("list", *WHERE)[:2] == (0, "No order waits for a person.\n")
    assert json.loads(run("list", *WHERE, "--json")[1]) == []


def test_the_queue_is_a_table_with_nothing_personal(shop, run):
    dear = shop.buy(("watch", 1, "9000 NOK", "watches"))
    held = shop.buy(MUG)
    shop.flow.approve(dear.id, reviewer="reviewer-2")
    shop.flow.ask(held.id, "contact", reviewer="reviewer-1")
    _, out, _ = run("list", *WHERE)
    head, first, second = out.splitlines()
    assert head.split()[:2] == ["order", "worth"]
    assert dear.id in first
    assert "second to reviewer-2" in first
    assert held.id in second
    assert "contact: no answer yet" in second
    assert "total above 100.00 NOK" in second
    assert not [value for value in HOME.values() if value in out]
    assert len(run("list", *WHERE, "--limit", "1")[1].splitlines()) == 2
    told = json.loads(run("list", *WHERE, "--json")[1])
    assert [order["checkout"] for order in told] == [dear.id, held.id]
    assert told[0]["needs_two"] is True


def test_an_order_is_shown_to_a_reviewer_and_that_is_on_record(shop, run):
    held = shop.buy(MUG)
    assert run("note", held.id, *BY, *WHERE, stdin="Rang at noon\n")[0] == 0
    shop.flow.ask(held.id, "contact", reviewer="reviewer-1")
    _, out, _ = run("show", held.id, *BY, *WHERE)
    for value in (*HOME.values(), "reviewer-1: Rang at noon", "total above", "1 x mug (mug)"):
        assert value in out
    assert "There is no learned score." in out
    assert all(len(line) <= WIDTH for line in out.splitlines())
    told = json.loads(run("show", held.id, *BY, *WHERE, "--json")[1])
    assert told["details"]["name"] == HOME["name"]
    assert told["notes"][0]["text"] == "Rang at noon"
    assert told["requests"][0]["what"] == "contact"
    reads = [row for row in shop.world.store.reads(held.subject) if row.by == "reviewer-1"]
    assert len(reads) >= 2
    assert not [value for value in HOME.values() if value in str(shop.flow.journal(held.id))]


def test_orders_are_claimed_handed_over_let_go_and_approved(shop, run):
    held = shop.buy(MUG)
    status, out, _ = run("claim", held.id, *BY, *WHERE)
    assert (status, "claimed (reviewer-1)" in out, "until" in out) == (0, True, True)
    status, _, err = run("approve", held.id, "--by", "reviewer-2", *WHERE)
    assert status == 2
    assert "reviewer-1 has this order until" in err
    assert run("hand-over", held.id, *BY, "--to", "reviewer-2", *WHERE)[0] == 0
    assert run("release", held.id, "--by", "reviewer-2", *WHERE)[0] == 0
    told = json.loads(run("approve", held.id, *BY, *WHERE, "--json")[1])
    assert (told["phase"], told["review"]["ended"]) == ("confirmed", "approved")
    status, _, err = run("approve", held.id, *BY, *WHERE)
    assert (status, "it was approved" in err) == (2, True)
    # What is kept for a sale is kept as it is after any other confirmation.
    assert shop.flow.ship(held.id).phase is Phase.FULFILLED


def test_rejecting_needs_the_shops_own_providers(shop, run, tmp_path):
    held = shop.buy(MUG)
    status, _, err = run("reject", held.id, *BY, "--reason", "series", *WHERE)
    assert status == 2
    assert "simulated_bank" in err
    assert shop.flow.load(held.id).phase is Phase.HELD
    settings = json.loads((tmp_path / "shop.json").read_text())
    settings["methods"] = [{"id": "own_invoice", "name": "Invoice"}]
    (tmp_path / "shop.json").write_text(json.dumps(settings))
    owed = shop.buy(MUG, payment="own_invoice")
    told = json.loads(run("reject", owed.id, *BY, "--reason", "series", *WHERE, "--json")[1])
    assert (told["phase"], told["review"]["reason"]) == ("rejected", "series")
    assert set(told["payments"].values()) == {"voided"}


@pytest.mark.parametrize("provider", ["stripe", "quickpay", "adyen"])
def test_rejecting_releases_the_money_with_the_provider_of_the_settings(
    provider, shop, run, tmp_path, monkeypatch
):
    """Over real HTTP, with an account whose key is in the environment."""
    kind, method = SOLD[provider]["NO"]
    way = {"id": "way", "kind": kind, "provider": provider, "provider_method": method}
    settings = {**SETTINGS, "methods": [way], "markets": ["NO"], "review": REVIEW}
    world = World(
        Shop.read(settings),
        open_store=lambda: shop.world.store,
        open_bank=partial(open_stand_in, provider, market="NO"),
    )
    with world, serve(world.bank.handle) as url:
        monkeypatch.setattr("checkoutflow.flow.host.system_clock", world.clock)
        elsewhere = Shopping(world)
        held = elsewhere.buy(MUG, payment="way")
        world.bank.approve(held.payments[0].id)
        world.settle()
        assert world.checkout(held.id).phase is Phase.HELD
        assert world.bank.book(held.payments[0].id).reserved == held.total.minor
        config = world.bank.provider().config
        table = {}
        for name in type(config).model_fields:
            value = getattr(config, name)
            if isinstance(value, Secret):
                monkeypatch.setenv(f"TEST_{name.upper()}", value.reveal())
                value = {"env": f"TEST_{name.upper()}"}
            table[name] = value
        table["base_url"] = url + urlsplit(config.base_url).path
        (tmp_path / "shop.json").write_text(
            json.dumps({**settings, "providers": {provider: table}})
        )
        told = json.loads(run("reject", held.id, *BY, "--reason", "series", *WHERE, "--json")[1])
        assert told["phase"] == "rejected"
        world.settle()
        assert world.bank.book(held.payments[0].id).reserved == 0


def test_reasons_are_listed_and_no_other_is_taken(shop, run):
    held = shop.buy(MUG)
    _, out, _ = run("reject", held.id, *BY, "--reason", "help", *WHERE)
    assert [line.split()[0] for line in out.splitlines()] == list(RejectReason)
    own = shop.buy(MUG, payment="own_invoice")
    assert run("reject", own.id, *BY, "--reason", "a hunch", *WHERE)[0] == 2


def test_the_customer_is_asked_and_what_they_say_is_shown(shop, run):
    held = shop.buy(MUG)
    status, out, _ = run("ask", held.id, *BY, *WHERE, "--for", "code", "--over", "phone")
    assert status == 0
    assert "code by phone: no answer yet, since" in out
    assert "review_asked is not among the shop's messages" in out
    shop.flow.ask_again(held.id)
    shop.flow.verify(held.id, shop.flow.code(held.id).text.body[:6])
    assert "code by phone: shown, " in run("show", held.id, *BY, *WHERE)[1]
    told = json.loads(run("ask", held.id, *BY, *WHERE, "--for", "contact", "--json")[1])
    assert [each["what"] for each in told["review"]["requests"]] == ["code", "contact"]
    shop.flow.answer(held.id, "It is a present")
    shown = run("show", held.id, *BY, *WHERE)[1]
    assert "contact: wrote, " in shown
    assert "customer: It is a present" in shown
    told = json.loads(run("show", held.id, *BY, *WHERE, "--json")[1])
    assert [each["answer"] for each in told["requests"]] == ["shown", "wrote"]
    assert get_args(Ask) == _ASKS


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--for", "code"], "--over: email or phone, for a code"),
        (["--for", "contact", "--over", "email"], "--over: email or phone, for a code"),
        (["--for", "code", "--over", "phone"], "--over: the customer gave no phone"),
        (["--for", "contact", "--by", ""], "reviewer: "),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(shop, run, words, complaint):
    game = {"sku": "game", "name": "Game", "quantity": 1, "unit_price": "149 NOK", "digital": True}
    goods, details = Cart.read({"lines": [game]}), {"email": HOME["email"]}
    held = shop.place(shop.flow.start(goods, market="NO", payment="card", details=details))
    status, out, err = run("ask", held.id, *BY, *WHERE, *words)
    assert (status, out) == (2, "")
    assert complaint in err
    assert err.count("\n") == 1


def test_a_card_number_is_no_note(shop, run):
    held = shop.buy(MUG)
    status, _, err = run("note", held.id, *BY, *WHERE, stdin="4242 4242 4242 4242")
    assert status == 2
    assert "card_number_not_allowed" in err
    assert "4242 4242" not in err


# Of before ----------------------------------------------------------------------------------------

# What was not written down before there were leases, of events and of states.
SINCE = {"at", "until", "at_deadline", "reason"}
REVIEW_SINCE = set(Review.model_fields) - {"state", "reasons", "deadline", "reviewer"}
STATE_SINCE = {"hits", "scored", "signals", "chargebacks", "second"}


def as_it_was_before(file: Path) -> None:
    """Write journals and states as they were before there were leases, signals and reasons."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        guards = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in guards.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        entries = "SELECT rowid, events FROM checkoutflow_journal"
        for row, text in connection.execute(entries).fetchall():
            events = json.loads(text)
            for event in events:
                if event["type"] in {"held", "review_claimed", "review_approved"}:
                    for name in SINCE:
                        event.pop(name, None)
            kept = [event for event in events if event["type"] not in {"judged", "assessed"}]
            for event in kept:
                event.pop("signals", None)
            change = "UPDATE checkoutflow_journal SET events = ? WHERE rowid = ?"
            connection.execute(change, (json.dumps(kept), row))
        states = "SELECT id, state FROM checkoutflow_checkouts"
        for id_, text in connection.execute(states).fetchall():
            state = {k: v for k, v in json.loads(text).items() if k not in STATE_SINCE}
            review = state["review"].items()
            state["review"] = {k: v for k, v in review if k not in REVIEW_SINCE}
            change = "UPDATE checkoutflow_checkouts SET state = ? WHERE id = ?"
            connection.execute(change, (json.dumps(state), id_))


def test_reviews_of_before_there_were_leases_are_as_their_journals_say(shop, run, tmp_path, capsys):
    approved, rejected, claimed = (shop.buy(MUG) for _ in range(3))
    late = shop.buy(MUG)
    shop.flow.approve(approved.id, reviewer="reviewer-1")
    shop.flow.reject(rejected.id, reviewer="reviewer-1")
    shop.flow.cancel(late.id)
    shop.flow.claim(claimed.id, reviewer="reviewer-1")
    before = shop.flow.load(approved.id)
    as_it_was_before(tmp_path / "shop.db")
    assert shop.flow.load(approved.id) != before

    def verified() -> str:
        status = main(["verify", "--db", "shop.db"])
        said: str = capsys.readouterr().out
        assert status == 0, said
        return said

    assert verified() == "4 checkouts, each as its journal says\n"
    told = json.loads(run("report", "--db", "shop.db", "--json")[1])
    assert (told["outcomes"]["approved"], told["outcomes"]["rejected"]) == (1, 1)
    assert "nobody" not in run("claim", claimed.id, "--by", "reviewer-2", *WHERE)[1]
    assert run("approve", claimed.id, "--by", "reviewer-2", *WHERE)[0] == 0
    assert shop.flow.ship(claimed.id).phase is Phase.FULFILLED
    assert verified()
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection, connection:
        change = "UPDATE checkoutflow_checkouts SET state = replace(state, 'reviewer-1', 'x')"
        connection.execute(change)
    assert main(["verify", "--db", "shop.db"]) == 1
    assert "review" in capsys.readouterr().out


# Figures ------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a page says, and what it would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, _: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_what_came_of_reviewing(shop, run, tmp_path):
    decided = [shop.buy(MUG) for _ in range(4)]
    shop.wait(hours=2)
    for sale in decided[:2]:
        shop.flow.approve(sale.id, reviewer="reviewer-1")
    shop.flow.ship(decided[0].id)
    shop.flow.record_chargeback(decided[0].id, amount=Money(100, "NOK"))
    shop.flow.reject(decided[2].id, reviewer="reviewer-1")
    shop.flow.cancel(decided[3].id)
    late = shop.buy(MUG)
    shop.wait(days=3)
    shop.world.settle()
    waiting = shop.buy(MUG)
    shop.start(MUG)
    told = json.loads(run("report", "--db", "shop.db", "--json")[1])
    assert (told["orders"], told["held"], told["held_share"]) == (6, 6, 1.0)
    assert told["money_held"] == ["1188.00 NOK"]
    assert told["outcomes"] == {
        "approved": 2,
        "cancelled": 1,
        "deadline": 1,
        "rejected": 1,
        "waiting": 1,
    }
    assert told["approval_rate"] == pytest.approx(2 / 3, abs=1e-4)
    assert told["time_to_decision"]["median_s"] == 7200
    assert told["time_to_decision"]["within"] == {
        "1 hour": 0,
        "4 hours": 3,
        "1 day": 0,
        "3 days": 0,
        "longer": 0,
    }
    mugs = told["rules"]["mugs"]
    assert (mugs["orders"], mugs["decided"], mugs["known"], mugs["bad"]) == (6, 3, 3, 2)
    assert mugs["hit_rate"] == pytest.approx(2 / 3, abs=1e-4)
    status, out, _ = run("report", "--db", "shop.db", "--report", "out")
    assert status == 0
    assert "6 (100 %)" in out
    assert all(len(line) <= WIDTH for line in out.splitlines())
    written = (tmp_path / "out" / "review.html").read_text("utf-8")
    assert json.loads((tmp_path / "out" / "review.json").read_text("utf-8")) == told
    drawn = Page(written)
    assert drawn.tags.count("svg") == 3
    assert not {"script", "img", "link"} & set(drawn.tags)
    assert "mugs" in drawn.words
    assert not [value for value in HOME.values() if value in written]
    assert late.id not in written
    assert waiting.id not in written


def test_a_shop_without_orders_has_no_figures(shop, run):
    told = json.loads(run("report", "--db", "shop.db", "--json")[1])
    assert (told["orders"], told["held_share"], told["approval_rate"]) == (0, None, None)
    _, out, _ = run("report", "--db", "shop.db")
    assert "No rule has applied" in out


NOW = datetime(2026, 11, 1, tzinfo=UTC)


def order(
    outcome: Outcome | None, fate: Any, *, hours: float | None = None, **more: Any
) -> Reviewed:
    return Reviewed(
        total=Money(10000, "NOK"),
        outcome=outcome,
        held_at=NOW if outcome else None,
        decided_at=NOW + timedelta(hours=hours) if hours is not None else None,
        hits=more.get("hits", ()),
        scored=more.get("scored"),
        fate=fate,
    )


HIGH = Scored(standing="ready", version="one", probability=0.9, would_hold=True, held=True)
CALM = HIGH.but(would_hold=False, held=False, probability=0.1)
ABSENT = Scored(standing="absent")
WATCHED = Hit(rule="watched", weight=1, shadow=True)


@pytest.fixture
def counted() -> Figures:
    return figures(
        [
            order("approved", "good", hours=0.5, scored=HIGH, hits=(WATCHED,)),
            order("rejected", "bad", hours=30, scored=HIGH),
            order("approved", "bad", hours=100, scored=HIGH),
            order("deadline", "open", scored=HIGH),
            order(None, "good", scored=CALM, hits=(WATCHED,)),
            order(None, "good", scored=ABSENT),
        ]
    )


def test_how_well_rules_and_score_aim(counted):
    told = document(counted)
    assert told["held_share"] == pytest.approx(4 / 6, abs=1e-4)
    score = told["score"]
    assert (score["orders"], score["decided"], score["known"], score["bad"]) == (4, 3, 3, 2)
    assert score["hit_rate"] == pytest.approx(2 / 3, abs=1e-4)
    assert score["standings"] == {"absent": 1, "ready": 5}
    watched = told["rules"]["watched"]
    assert (watched["orders"], watched["held"], watched["shadow"]) == (2, 1, True)
    assert watched["hit_rate"] == 0
    assert told["time_to_decision"]["median_s"] == 30 * 3600
    assert told["time_to_decision"]["nine_of_ten_s"] == pytest.approx(86 * 3600)
    assert list(told["time_to_decision"]["within"].values()) == [1, 0, 0, 1, 1]


def test_the_page_draws_what_was_counted(counted):
    drawn = Page(page(counted))
    assert {"learned score", "watched (shadow)", "67 %", "Let through"} <= set(drawn.words)
    # Of a cumulated count each step has those before it; what is longer is in none.
    assert list(waits(counted, "en").items()) == [
        ("within 1 hour", 1),
        ("within 4 hours", 1),
        ("within 1 day", 1),
        ("within 3 days", 2),
        ("longer", 1),
    ]
    assert drawn.tags.count("svg") == 3


def test_a_page_of_nothing_has_no_charts():
    nothing = figures([])
    drawn = Page(page(nothing))
    assert drawn.tags.count("svg") == 0
    assert "No rule has applied to any order." in drawn.words
