"""The benchmarks run and print every row. What they print is measured by nobody here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.measure import in_turn, size

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "explanation" / "performance.md"
ROWS = """
durable sale, every step a call, 7 commits: bound / ours
durable sale, steps given together, 6 commits: bound / ours
one command in the pure core / reading the cart with pydantic
options, 20 methods, 50 rules, 30 lines / reading the cart
vipps_mobilepay: one operation built and read / the same JSON with httpx alone
swedbank_pay: one operation built and read / the same JSON with httpx alone
quickpay: one operation built and read / the same JSON with httpx alone
walley: one operation built and read / the same JSON with httpx alone
riverty: one operation built and read / the same JSON with httpx alone
klarna: one operation built and read / the same JSON with httpx alone
nexi: one operation built and read / the same JSON with httpx alone
swish: one operation built and read / the same JSON with httpx alone
adyen: one operation built and read / the same JSON with httpx alone
stripe: one operation built and read / the same JSON with httpx alone
svea: one operation built and read / the same JSON with httpx alone
kustom: one operation built and read / the same JSON with httpx alone
100 authorisations at once, none lost / the bare HTTP client (share of its rate)
import checkoutflow / import pydantic
importing CheckoutFlow, Cart, Shop and Money / pydantic's BaseModel
resident memory after 200 sales / after 20
Python's memory blocks after 200 sales / after 20
loading a checkout from 10,000 / from 1,000
a customer recognised by a code, among 100,000 / among 1,000
looking one customer up among 100,000 / among 1,000
asking to be recognised, known / unknown customer
a wrong code, known / unknown customer
signals and rules of an order after 20,000 orders / after 1,000
signals, rules and learned score of an order / signals and rules
one of 200 expiries in the same minute / of 50
""".strip().splitlines()


def test_the_short_run_prints_every_row():
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "run.py"],
        env={
            "BENCH_QUICK": "1",
            # Measured while it measures, it would take twice as long.
            **{name: value for name, value in os.environ.items() if "COVERAGE" not in name},
        },
        check=True,
        capture_output=True,
        text=True,
    )
    machine, _, heading, *rows = done.stdout.splitlines()
    assert re.search(r"cores, .* a durable commit of one row takes \d+\.\d\d ms$", machine)
    assert heading.split() == ["ours", "theirs", "ratio", "aim"]
    for row, what in zip(rows, ROWS, strict=True):
        assert re.fullmatch(
            rf"{re.escape(what)} +[\d.,]+( [/\w]+)? +[\d.,]+( [/\w]+)? +\d+\.\d\d.*", row
        )


def test_the_page_explains_every_row():
    page = PAGE.read_text("utf-8")
    for what in ROWS:
        assert re.search(re.sub(r"[\d,]{2,}", r"[\\d,]+", re.escape(what)), page), what


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
