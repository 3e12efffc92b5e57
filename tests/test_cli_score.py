"""On the terminal a shop trains its score, and sees how good it has been since."""

from __future__ import annotations

import argparse
import json
import shutil
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from io import StringIO
from random import Random

import pytest
from tests.desk import database

from checkoutflow.cli import review_score
from checkoutflow.cli.paper import WIDTH, Paper
from checkoutflow.errors import InvalidInput, UsageError
from checkoutflow.review.score import read_model
from checkoutflow.risk.rows import Row, write_rows

pytest.importorskip("sklearn")

START = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Rows, and a model that was made from the first of them."""
    dice = Random(3)  # noqa: S311 -- no secret
    rows = []
    for place in range(1200):
        tries, is_new = dice.randrange(4), dice.random() < 0.3
        at = START + timedelta(hours=8 * place)
        label = dice.random() < 0.02 + 0.06 * tries + 0.2 * is_new
        signals = {"tries": tries, "new_customer": is_new, "units": dice.randrange(1, 5)}
        rows.append(Row(at, label, at, signals, weight=20 * tries, is_held=tries == 3))
    made = tmp_path_factory.mktemp("score")
    write_rows(made / "rows.csv", rows)
    run("train", "--rows", made / "rows.csv", "--out", made / "old.json", "--today", "2025-10-01")
    return made


def run(*arguments):
    """Run a command as the command line does: its exit code, and what it wrote."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    actions = parser.add_subparsers(dest="action", required=True)
    review_score.add(lambda name, text: actions.add_parser(name, help=text))
    page = StringIO()
    read = parser.parse_args([str(argument) for argument in arguments])
    assert read.run == "review_score"
    status = review_score.run(read, Paper(page, {}))
    return status, page.getvalue()


def test_training_writes_a_model_and_tells_how_good_it_is(folder, tmp_path):
    out = tmp_path / "model.json"
    status, said = run(
        *("train", "--rows", folder / "rows.csv", "--out", out, "--today", "2026-03-01"),
        *("--report", tmp_path / "report", "--capacity", "5", "--seed", "4"),
    )
    assert status == 0
    model = read_model(out.read_bytes())
    assert model.learned.seed == 4
    assert model.version in said
    assert "if people look at 5 %" in said
    for words in ("score", "rules", "constant", "precision", "recall", "Brier", "new_customer"):
        assert words in said
    assert max(len(line) for line in said.splitlines() if str(tmp_path) not in line) <= WIDTH
    figures = json.loads((tmp_path / "report" / "score.json").read_text())
    assert figures == model.figures
    page = (tmp_path / "report" / "score.html").read_text()
    HTMLParser().feed(page)
    assert "<svg" in page
    assert "<script" not in page


def test_training_prints_one_document_instead(folder, tmp_path):
    status, said = run(
        *("train", "--rows", folder / "rows.csv", "--out", tmp_path / "model.json"),
        *("--today", "2026-03-01", "--json"),
    )
    data = json.loads(said)
    model = read_model((tmp_path / "model.json").read_bytes())
    assert (status, data["version"], data["figures"]) == (0, model.version, model.figures)
    assert data["learned"]["harmful"] == model.learned.harmful


def test_a_model_is_told_with_how_good_it_has_been_since(folder):
    status, said = run(
        "score", folder / "old.json", "--rows", folder / "rows.csv", "--today", "2026-03-01"
    )
    assert status == 0
    for words in ("What has moved", "later orders", "Standing", "ready"):
        assert words in said
    assert max(map(len, said.splitlines())) <= WIDTH


def test_a_model_that_is_too_old_is_told_to_be(folder):
    status, said = run("score", folder / "old.json", "--today", "2027-03-01", "--json")
    data = json.loads(said)
    assert (status, data["standing"], data["figures"]) == (1, "stale", None)
    status, said = run("score", folder / "old.json")
    assert status == 1
    assert "Not measured: no orders were given." in said


def test_what_was_too_early_to_measure_is_said(folder):
    _, said = run(
        "score", folder / "old.json", "--rows", folder / "rows.csv", "--today", "2025-10-20"
    )
    assert "Not measured: no order was placed after the model was made" in said


def test_a_database_without_orders_has_nothing_to_learn_from(tmp_path):
    with database() as file:
        shutil.copy(file, tmp_path / "shop.db")
    with pytest.raises(UsageError, match="a score needs at least"):
        run("train", "--db", tmp_path / "shop.db", "--out", tmp_path / "model.json")
    assert not (tmp_path / "model.json").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["train", "--out", "x"], "--db or --rows"),
        (["train", "--out", "x", "--rows", "r", "--capacity", "0"], "--capacity: is a percentage"),
        (["train", "--out", "x", "--rows", "r", "--capacity", "nan"], "--capacity"),
        (["train", "--out", "x", "--rows", "r", "--settle-days", "-1"], "--settle-days"),
        (["train", "--out", "x", "--rows", "r", "--today", "soon"], "--today: is a day"),
        (["train", "--out", "x", "--db", "no.db"], "there is no such file"),
    ],
)
def test_what_was_typed_wrong_is_told(arguments, complaint):
    with pytest.raises((UsageError, InvalidInput), match=complaint):
        run(*arguments)
