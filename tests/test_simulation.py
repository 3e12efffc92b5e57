"""A seeded world that breaks keeps every promise, replays exactly, and finds what is planted."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256

import pytest

from checkoutflow.testing.simulation.__main__ import main, play_some
from checkoutflow.testing.simulation.faults import CAN_HAPPEN, Kind, Plan, Trouble
from checkoutflow.testing.simulation.shrink import play, shrink
from checkoutflow.testing.simulation.watch import Broken

SEEDS = range(12)


def fingerprint(seed: int) -> str:
    world, error = play(seed)
    assert error is None
    return sha256("\n".join(world.story()).encode()).hexdigest()


def test_every_promise_is_kept():
    tally, failed = play_some(SEEDS)
    assert not failed
    assert tally.runs == len(SEEDS)
    assert tally.checkouts > len(SEEDS)


@pytest.mark.repeats
def test_every_promise_is_kept_on_a_database():
    _, failed = play_some(range(6), "sqlite")
    assert not failed


@pytest.mark.parametrize("hash_seed", ["0", "1", "4711"])
def test_a_seed_gives_the_same_story_whatever_python_hashes_by(hash_seed):
    asks = f"from {__name__} import fingerprint; print(fingerprint(7))"
    told = subprocess.run(
        [sys.executable, "-c", asks],
        env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == fingerprint(7)


def test_every_class_of_faults_can_happen_somewhere():
    somewhere = {trouble for every in CAN_HAPPEN.values() for trouble in every}
    assert somewhere == set(Trouble)


def test_seeds_differ_in_what_they_turn_on():
    plans = [Plan.of(seed) for seed in range(300)]
    assert {trouble for plan in plans for trouble in plan.strength} == set(Trouble)
    assert any(not plan.strength for plan in plans)
    assert any(len(plan.strength) == len(Trouble) for plan in plans)


@pytest.mark.parametrize("kind", Kind)
def test_something_always_gets_through(kind):
    for plan in map(Plan.of, range(300)):
        ends = [upto for upto, _ in plan.thresholds(kind)]
        assert ends == sorted(ends)
        assert not ends or ends[-1] <= 0.5 + 1e-9


def test_what_happens_to_a_customer_does_not_hang_on_other_customers():
    """So that a failing seed can be made short by leaving customers out."""
    seed = next(seed for seed in range(99) if Plan.of(seed).customers > 1)
    world, _ = play(seed)
    assert {who for _, who, _ in world.trace} >= {"customer 1", "customer 2"}


# The command line -------------------------------------------------------------------------------


def test_a_run_says_what_it_covered(capsys):
    assert main(["--seeds", "0:4", "--jobs", "2"]) == 0
    told = capsys.readouterr().out
    for part in (
        "4 runs",
        "pairs of fault and place",
        "not hit",
        "steps of the state tables",
        "steps of programs",
        "every promise was kept",
    ):
        assert part in told


def test_one_seed_tells_its_story(capsys):
    assert main(["--seed", "3"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-1] == "every promise was kept"
    assert any("commit" not in line and "version 1, start" in line for line in told)


def test_a_seed_that_keeps_every_promise_is_not_made_short():
    with pytest.raises(ValueError, match="does not fail"):
        shrink(3)


# What it found, each as its own test elsewhere too -----------------------------------------------


def test_a_broken_promise_has_a_short_story(monkeypatch, capsys):
    from checkoutflow.checkout import paying  # noqa: PLC0415 -- it is broken here

    monkeypatch.setattr(paying, "next_look", lambda *_: None)
    seed = next(seed for seed in range(60) if play(seed)[1] is not None)
    whole, _ = play(seed)
    failure = shrink(seed)
    assert len(failure.story) < len(whole.trace)
    again, error = play(seed, failure.cut)
    assert again.story() == failure.story
    assert isinstance(error, Broken)
    assert main(["--seed", str(seed)]) == 1
    assert f"--seed {seed}" in capsys.readouterr().out
