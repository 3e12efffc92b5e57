"""The benchmarks run, and the page is made of what they found. Nobody measures anything here."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks import page, run
from benchmarks.measure import in_turn, size

ROOT = Path(__file__).parents[1]
FIGURES = json.loads(page.RESULTS.read_text("utf-8"))


def test_a_part_prints_its_rows_and_keeps_them(tmp_path):
    # All parts are run by `BENCH_QUICK=1 make bench`, which takes longer than this suite likes.
    kept = tmp_path / "rows.jsonl"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.core"],
        cwd=ROOT,
        env={**os.environ, "BENCH_QUICK": "1", "BENCH_ROWS": str(kept)},
        check=True,
        capture_output=True,
        text=True,
    )
    what = "one command in the pure core / reading the cart with pydantic"
    assert re.fullmatch(rf"{what} +\d+ us +\d+ us +\d+\.\d\d\n", done.stdout)
    (row,) = map(json.loads, kept.read_text("utf-8").splitlines())
    assert (row["what"], row["ratio"] > 0) == (what, True)


def test_the_figures_of_the_page_are_those_that_were_measured():
    made = "\n".join(page.tables(FIGURES))
    assert page.BEGIN + made + "\n" + page.END in page.PAGE.read_text("utf-8")
    assert page.chart(FIGURES) == page.CHART.read_text("utf-8")


def test_every_part_has_a_table_and_was_measured():
    assert sorted(("machine", *page.PARTS)) == sorted(run.PARTS + run.LONG)
    assert [part for part in page.PARTS if not FIGURES.get(part, {}).get("rows")] == []
    assert {path.stem for path in (ROOT / "benchmarks").glob("*.py")} - set(
        run.PARTS + run.LONG
    ) == {"copies", "measure", "page", "race", "run", "world"}


def test_the_picture_keeps_its_bars_within_the_scale():
    rows = [
        {"what": f"{ratio} & ours / bare", "ratio": ratio, "aim": "", "ours": "", "theirs": ""}
        for ratio in (0.0, 0.5, 7.0)
    ]
    drawn = page.chart({"durable": {"rows": rows}})
    bars = re.findall(r'class="bar" x="([\d.]+)" y="\d+" width="([\d.]+)"', drawn)
    assert bars == [("540.0", "2.0"), ("540.0", "150.0"), ("540.0", "300.0")]
    assert "0.5 &amp; ours / bare" in drawn


def test_what_is_compared_runs_in_turn_and_the_first_round_is_not_counted():
    ran = []
    assert len(in_turn(lambda: ran.append("A"), lambda: ran.append("B"), rounds=2)) == 2
    assert "".join(ran) == "ABABAB"


@pytest.mark.parametrize(
    ("asked", "how_much"), [({}, 2), ({"BENCH_QUICK": "1"}, 1), ({"BENCH_FULL": "1"}, 3)]
)
def test_how_much_is_done_can_be_asked_for(asked, how_much, monkeypatch):
    for name in ("BENCH_QUICK", "BENCH_FULL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    assert size(quick=1, usual=2, full=3) == how_much
