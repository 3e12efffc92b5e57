"""``checkoutflow review``: signals, lists, and rules tried against past orders."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.test_review import HOME, MUG, PHONE, SETTINGS, Shopping

from checkoutflow import Keys, Money, Shop
from checkoutflow.cli import main
from checkoutflow.review import SIGNALS
from checkoutflow.stores.keyfile import load_or_create_keys
from checkoutflow.stores.sql import open_store
from checkoutflow.testing.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

KEY = bytes(range(32))
WATCHES = """
[[rules]]
id = "watches"
hold = true
when = { categories = ["watches"] }

[[rules]]
id = "resold"
weight = 5
shadow = true
when = { signals = { easily_resold = { min = 50 } } }
"""
WHO = ["--reason", "test", "--by", "reviewer-1"]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shopping]:
    store = open_store(tmp_path / "shop.db")
    store.create()
    load_or_create_keys(tmp_path / "shop.db.key", lambda _: KEY)
    (tmp_path / "shop.json").write_text(json.dumps(SETTINGS))
    (tmp_path / "rules.toml").write_text(WATCHES)
    world = World(Shop.read(SETTINGS), open_store=lambda: store)
    world.flow = world.open_flow(
        store=store,
        keys=Keys.of(KEY),
        clock=world.clock,
        providers=[world.bank.provider()],
    )
    yield Shopping(world)
    store.close()


@pytest.fixture
def run(tmp_path: Path, capsys: Any, monkeypatch: Any) -> Run:
    """Run a command in the shop's folder; whatever it says holds nothing personal."""
    monkeypatch.chdir(tmp_path)

    def command(*words: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        status = main(["review", *words])
        said = capsys.readouterr()
        for value in HOME.values():
            assert len(value) < 5 or value not in said.out + said.err
        return status, said.out, said.err

    return command


def test_signals_are_printed_in_words_and_as_a_document(run):
    status, out, _ = run("signals")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == list(SIGNALS)
    told = json.loads(run("signals", "--json")[1])
    assert told.keys() == SIGNALS.keys()
    assert told["new_customer"]["unit"] == "yes or no"
    assert all({*each} == {"meaning", "unit", "data", "kept"} for each in told.values())


def test_the_page_of_signals_is_written_into_a_folder(run, tmp_path):
    status, out, _ = run("signals", "--write", "pages")
    assert (status, out.strip()) == (0, "pages/signals.md")
    assert "| `new_customer` |" in (tmp_path / "pages" / "signals.md").read_text("utf-8")


def several_orders(shop: Shopping) -> None:
    """Four orders: one good, one charged back, one rejected, and a watch that nobody held."""
    shop.sell(MUG)
    bad = shop.sell(("watch", 1, "900 NOK", "watches"), email="b@example.com")
    shop.flow.record_chargeback(bad.id, amount=Money.read("900 NOK"))
    shop.bank.think("high")
    far = {"email": "c@example.com", "phone": "+4740612398", "street": "Havnegata 9"}
    shop.flow.reject(shop.buy(PHONE, **far).id, reviewer="reviewer-1")
    shop.bank.think()
    far = {"email": "d@example.com", "phone": "+4740612397", "street": "Havnegata 19"}
    shop.sell(("watch", 1, "950 NOK", "watches"), **far)
    shop.start(MUG)


def test_rules_are_tried_on_past_orders(run, shop):
    several_orders(shop)
    shop.bank.decline_next()
    shop.buy(MUG)
    status, out, _ = run("backtest", "--db", "shop.db", "--rules", "rules.toml", "--json")
    found = json.loads(out)
    assert status == 0
    assert found["orders"]["orders"] == 4
    assert found["bad"]["orders"] == 2
    assert found["held_then"]["orders"] == 1
    assert found["without_signals"]["orders"] == 0
    assert found["caught"] == {"orders": 2, "amounts": ["7988.00 NOK"]}
    assert found["missed"]["orders"] == 0
    assert found["delayed"]["orders"] == 1
    assert found["held"]["orders"] == 3
    assert found["rules"]["watches"]["held"]["orders"] == 2
    assert found["rules"]["resold"]["caught"]["orders"] == 2


def test_rules_of_a_shop_are_tried_and_told_in_words(run, shop, tmp_path):
    several_orders(shop)
    settings = {**SETTINGS, "review": {"default_rules": False, "hold_above": ["1000 NOK"]}}
    (tmp_path / "other.json").write_text(json.dumps(settings))
    status, out, _ = run("backtest", "--db", "shop.db", "--rules", "other.json")
    rows = {line.split("  ")[0].strip(): line.split()[-3:] for line in out.splitlines() if line}
    assert status == 0
    assert rows["looked at"][0] == "4"
    assert rows["would be held"][0] == "1"
    assert "None applies" in out
    status, out, _ = run("backtest", "--db", "shop.db", "--rules", "rules.toml")
    assert "watches" in out.split("Rules that apply")[1]


def test_orders_that_are_still_open_are_neither_good_nor_bad(run, shop):
    shop.bank.think("high")
    shop.buy(PHONE)
    found = json.loads(run("backtest", "--db", "shop.db", "--rules", "rules.toml", "--json")[1])
    assert found["held"]["orders"] == 1
    assert found["caught"]["orders"] == found["delayed"]["orders"] == 0


def test_an_unpaid_invoice_turned_out_bad(run, shop):
    shop.sell(MUG, payment="own_invoice")
    shop.wait(days=40)
    shop.flow.run_due()
    found = json.loads(run("backtest", "--db", "shop.db", "--rules", "rules.toml", "--json")[1])
    assert found["missed"]["orders"] == found["bad"]["orders"] == 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("hold_at = 0", "hold_at"),
        ("[review]\nhold_at = 0", "review.hold_at"),
        ("nonsense = 1", "nonsense"),
        ("= 1", "is not toml"),
    ],
)
def test_wrong_rules_are_refused_in_one_line(run, shop, tmp_path, text, complaint):
    (tmp_path / "wrong.toml").write_text(text)
    status, out, err = run("backtest", "--db", "shop.db", "--rules", "wrong.toml")
    assert (status, out) == (2, "")
    assert complaint in err
    assert err.count("\n") == 1


def test_what_is_listed_on_the_terminal_counts_in_the_shop(run, shop):
    first = shop.sell(MUG)
    where = ["--db", "shop.db", "--shop", "shop.json"]
    status, out, _ = run("block", *where, *WHO, "--order", first.id, "--kind", "email")
    assert status == 0
    assert out.startswith("block email ")
    assert run("block", *where, *WHO, "--stdin", stdin="phone=40 61 23 99\n\n")[0] == 0
    assert run("allow", *where, *WHO, "--sku", "mug", "--days", "9")[0] == 0
    assert run("allow", *where, *WHO, "--market", "NO", "--days", "9")[0] == 0
    rows = json.loads(run("lists", "--db", "shop.db", "--json")[1])
    assert [(row["list"], row["kind"]) for row in rows] == [
        ("block", "email"),
        ("allow", "market"),
        ("block", "phone"),
        ("allow", "sku"),
    ]
    out = run("lists", "--db", "shop.db")[1]
    assert len(out.splitlines()) == 5
    for row in rows:
        words = ["unlist", "--db", "shop.db", row["kind"], row["value"]]
        assert run(*words) == (0, "It is on no list any more.\n", "")
        assert run(*words) == (1, "It was on no list.\n", "")
    assert run("lists", "--db", "shop.db") == (0, "Nothing is on a list.\n", "")


@pytest.mark.parametrize(
    ("words", "stdin", "complaint"),
    [
        (["--stdin"], "someone", "write lines like email="),
        (["--stdin"], "email=nonsense", "email"),
        ([], "", "or an order"),
        (["--order", "nobody"], "", "no checkout with this id"),
    ],
)
def test_what_cannot_be_listed_is_refused_in_one_line(run, shop, words, stdin, complaint):
    where = ["--db", "shop.db", "--shop", "shop.json"]
    status, out, err = run("block", *where, *WHO, *words, stdin=stdin)
    assert (status, out) == (2, "")
    assert complaint in err
