"""``checkoutflow person``: answering people from the command line, with nothing personal on it."""

from __future__ import annotations

import json
import os
import stat
from base64 import b64encode
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from tests.shopkeeper import IN_BOOKS, KEY, LOGIN, OTHER, PLANTED, TYPED, World

from checkoutflow import Keys, Purpose
from checkoutflow.cli import main
from checkoutflow.cli import person as commands
from checkoutflow.privacy.vault import key_id
from checkoutflow.stores.keyfile import load_keys, load_or_create_keys
from checkoutflow.stores.sql import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from checkoutflow.checkout.state import Checkout

    Run = Callable[..., tuple[int, str, str]]

SETTINGS = """
name = "Fjordbutikken"
markets = ["DK", "SE", "NO", "FI", "IS"]
methods = [{ id = "card", provider = "bank" }]
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    store = open_store(tmp_path / "shop.db")
    store.create()
    load_or_create_keys(tmp_path / "shop.db.key", lambda _: KEY)
    (tmp_path / "shop.toml").write_text(SETTINGS)
    world = World(store)
    monkeypatch.setattr(commands, "system_clock", world.clock)
    yield world
    store.close()


@pytest.fixture
def known(world: World) -> tuple[str, Checkout]:
    return world.known()


class Typed(StringIO):
    """What somebody types."""

    is_terminal = False

    def isatty(self) -> bool:
        return self.is_terminal


@pytest.fixture
def person(world: World, tmp_path: Path, capsys: Any, monkeypatch: Any) -> Run:
    """Run a command in the shop's folder; whatever it says holds nothing personal."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str, typed: str = "", asks: bool = False) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", Typed(f"{typed}\n"))
        monkeypatch.setattr(Typed, "is_terminal", asks)
        status = main(["person", *words, "--db", "shop.db"])
        said = capsys.readouterr()
        assert PLANTED not in f"{said.out}{said.err}".lower()
        return status, said.out, said.err

    return run


FIND = ["find", "--shop", "shop.toml"]


def test_whoever_is_found_is_printed_by_reference_alone(person, known):
    reference, sale = known
    for by, typed in (("--email", TYPED["email"].upper()), ("--phone", TYPED["phone"])):
        status, out, _ = person(*FIND, by, "-", typed=typed)
        assert status == 0
        assert {reference, sale.subject} <= {*out.split()}
    assert person(*FIND, "--login", "-", typed=LOGIN) == (0, f"{reference}\n", "")
    assert json.loads(person(*FIND, "--login", "-", "--json", typed=LOGIN)[1]) == [reference]
    assert person(*FIND, "--email", "-", typed="nobody@example.com") == (1, "", "")


def test_at_a_terminal_it_is_asked_for(person, known):
    said = person(*FIND, "--login", "-", typed=LOGIN, asks=True)
    assert said == (0, f"{known[0]}\n", "login: ")


@pytest.mark.parametrize("by", ["--email", "--phone", "--login"])
def test_a_value_in_the_command_is_refused_without_repeating_it(person, by):
    status, out, err = person(*FIND, by, TYPED["email"])
    assert (status, out) == (2, "")
    assert "standard input: a shell remembers" in err


def test_without_a_value_nobody_is_looked_for(person, known):
    status, out, err = person(*FIND, "--email", "-")
    assert (status, out, err.count("\n")) == (2, "", 1)


def test_an_export_is_two_files_for_their_owner_alone(person, known, tmp_path):
    reference, sale = known
    status, out, _ = person("export", reference, sale.subject, "--out", "for/them")
    assert status == 0
    assert out.split() == ["for/them/person.json", "for/them/person.html"]
    folder = tmp_path / "for" / "them"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in folder.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert TYPED["street"] in file.read_text("utf-8")
    document = json.loads((folder / "person.json").read_text("utf-8"))
    (found,) = document["people"]  # the sale is a part of the person
    assert found["person"] == reference
    assert sale.subject in {part["person"] for part in found["sales"]}
    assert '<html lang="da">' in (folder / "person.html").read_text("utf-8")


def test_an_export_names_the_shop_and_speaks_another_language(person, known, tmp_path):
    reference, _ = known
    person("export", reference, "--out", "x", "--shop", "shop.toml", "--locale", "en_GB")
    page = (tmp_path / "x" / "person.html").read_text("utf-8")
    assert "What Fjordbutikken keeps about you" in page
    assert '<html lang="en">' in page


def test_nothing_is_written_over_what_is_there(person, known, tmp_path):
    reference, _ = known
    person("export", reference, "--out", "x")
    before = (tmp_path / "x" / "person.json").read_bytes()
    status, out, err = person("export", reference, "--out", "x")
    assert (status, out) == (2, "")
    assert "x/person.json: is there already; give another folder" in err
    assert (tmp_path / "x" / "person.json").read_bytes() == before


def test_the_keys_are_where_they_are_said_to_be(person, known, tmp_path, monkeypatch):
    reference, _ = known
    (tmp_path / "shop.db.key").rename(tmp_path / "elsewhere.key")
    status, _, err = person("export", reference, "--out", "x")
    assert (status, "shop.db.key cannot be read" in err) == (2, True)
    assert not (tmp_path / "shop.db.key").exists()  # a new one would open nothing
    assert person("export", reference, "--out", "a", "--keys", "elsewhere.key")[0] == 0
    monkeypatch.setitem(os.environ, "SHOP_KEYS", b64encode(KEY).decode())
    assert person("export", reference, "--out", "b", "--keys-from", "SHOP_KEYS")[0] == 0
    status, _, err = person("export", reference, "--out", "c", "--keys-from", "NO_KEYS")
    assert (status, "the variable NO_KEYS must hold" in err) == (2, True)


def test_an_erasure_prints_its_proof(person, known, world):
    reference, sale = known
    open_ = world.order(world.start(login=LOGIN))
    status, out, _ = person("erase", reference, "--reason", "asked by letter")
    assert status == 1  # something is left to do
    for shown in (reference, sale.subject, "asked by letter", "2032-01-01", open_.id):
        assert shown in out
    world.finish(open_)
    status, out, _ = person("erase", reference, "--json")
    answer = json.loads(out)
    assert (status, answer["erased"], answer["open"]) == (0, [open_.subject], [])
    assert {*answer["kept_until"]} == {sale.id, open_.id}
    assert {proof["person"] for proof in answer["proofs"]} == {reference, open_.subject}
    assert world.flow.details(sale.id, Purpose.DELIVER) == {}


def test_an_erasure_needs_no_key(person, known, tmp_path):
    reference, _ = known
    (tmp_path / "shop.db.key").unlink()
    assert person("erase", reference)[0] == 0
    assert person("erase", "nobody") == (
        2,
        "",
        "checkoutflow: nothing is kept under this reference\n",
    )


def test_a_restriction_is_made_and_lifted(person, known, world):
    reference, _ = known
    assert person("restrict", reference)[:2] == (
        0,
        f"{reference}: what there is of this person is only kept from now on\n",
    )
    assert not world.start(login=LOGIN).recognition.person
    assert "is used again" in person("restrict", reference, "--lift")[1]
    assert world.start(login=LOGIN).recognition.person


def test_retention_tells_what_goes_when_and_removes_what_is_over(person, world):
    world.finish(world.buy())
    world.start(details=OTHER)
    rows = [line.split() for line in person("retention")[1].splitlines()]
    assert rows[0][0] == "month"
    assert ["2026-04", str(len(OTHER)), "1", str(len(IN_BOOKS)), "1"] in rows
    assert ["2032-01", "0", "0", str(len(IN_BOOKS)), "1"] in rows
    world.clock.advance(days=30)
    answer = json.loads(person("retention", "--now", "--json")[1])
    assert answer["removed"]["fields"] == len(OTHER) + len(IN_BOOKS)
    assert answer["removed"]["keys"] == 2
    assert "2026-04" not in answer["months"]
    assert person("retention", "--now")[1].startswith(
        "removed: 0 fields, 0 traces, 0 keys, 0 proofs, 0 sightings\n"
    )


def test_of_an_empty_shop_nothing_is_kept(person):
    assert person("retention") == (0, "Nothing is kept.\n", "")


def test_the_key_is_changed_beside_a_shop_that_runs(person, known, world, tmp_path):
    reference, sale = known
    running = world.opened(load_keys(tmp_path / "shop.db.key"))
    status, out, _ = person("rotate", "--shop", "shop.toml")
    keys = load_keys(tmp_path / "shop.db.key")
    assert status == 0
    assert keys.older == (key_id(KEY),)
    for shown in (keys.current, key_id(KEY), "may go once every process"):
        assert shown in out
    assert running.details(sale.id, Purpose.DELIVER)["street"] == TYPED["street"]
    world.flow = world.opened(Keys.of(KEY))
    world.buy(OTHER)  # by a process that knows nothing of the new key yet
    assert "2 keys of persons" in person("rotate", "--shop", "shop.toml", "--rest")[1]
    assert "0 keys of persons" in person("rotate", "--shop", "shop.toml", "--rest")[1]
    assert len(load_keys(tmp_path / "shop.db.key").older) == 1
    lines = (tmp_path / "shop.db.key").read_text().splitlines()
    (tmp_path / "shop.db.key").write_text("\n".join(lines[:-1]) + "\n")
    assert reference in person(*FIND, "--login", "-", typed=LOGIN)[1]
    assert "older keys  none" in person("rotate", "--shop", "shop.toml", "--rest")[1]


def test_in_a_variable_the_shop_puts_the_new_key_itself(person, known, monkeypatch):
    new = b64encode(bytes(range(50, 82))).decode()
    monkeypatch.setitem(os.environ, "SHOP_KEYS", f"{new} {b64encode(KEY).decode()}")
    words = ["rotate", "--shop", "shop.toml", "--keys-from", "SHOP_KEYS"]
    status, _, err = person(*words)
    assert (status, "put the new key before the others in SHOP_KEYS" in err) == (2, True)
    status, out, _ = person(*words, "--rest")
    assert (status, key_id(bytes(range(50, 82))) in out) == (0, True)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "checkoutflow person: the following arguments are required: ACTION"),
        (["find", "--shop", "shop.toml"], "one of the arguments --email --phone --login"),
        (["find", "--login", "-"], "the following arguments are required: --shop"),
        (["rotate"], "the following arguments are required: --shop"),
        (["export", "x"], "the following arguments are required: --out"),
        (["export", "x", "--out", "x", "--keys", "k", "--keys-from", "K"], "not allowed with"),
        (["erase"], "the following arguments are required: PERSON"),
    ],
)
def test_what_is_wrong_is_one_line(capsys, words, complaint):
    status = main(["person", *words, *(["--db", "shop.db"] if words else [])])
    said = capsys.readouterr()
    assert (status, said.out, said.err.count("\n")) == (2, "", 1)
    assert complaint in said.err


def test_without_a_database_there_is_nobody(tmp_path, capsys):
    assert main(["person", "retention", "--db", str(tmp_path / "none.db")]) == 2
    assert "there is no such file" in capsys.readouterr().err
    assert not (tmp_path / "none.db").exists()
