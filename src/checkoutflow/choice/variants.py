"""Experiments: which arm of each a checkout is in. The same checkout always has the same arm."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from checkoutflow.payment.steering import Experiment


def arm_of(experiment: Experiment, checkout: str) -> str:
    """The arm of a checkout.

    A hash of both ids picks a part, so that the arms of two experiments do not go together, and
    nothing has to be stored to find the arm again.
    """
    parts = sum(experiment.arms.values())
    digest = sha256(f"{experiment.id}:{checkout}".encode()).digest()
    part = int.from_bytes(digest[:8], "big") % parts
    for arm, size in experiment.arms.items():
        part -= size
        if part < 0:
            return arm
    raise AssertionError("the parts of the arms add up to all parts")  # pragma: no cover


def arms_of(experiments: Sequence[Experiment], checkout: str, market: str) -> dict[str, str]:
    """The arm of a checkout in each experiment that runs in its market."""
    return {
        experiment.id: arm_of(experiment, checkout)
        for experiment in experiments
        if not experiment.markets or market in experiment.markets
    }
