"""The README says only what is so: its picture and its program are the real ones."""

from __future__ import annotations

from pathlib import Path

from checkoutflow.checkout.machine import CHECKOUT, Phase
from checkoutflow.table import mermaid

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_picture_is_drawn_from_the_table():
    assert f"```mermaid\n{mermaid(CHECKOUT, Phase.COLLECTING)}```" in README


def test_the_program_is_the_example():
    program = (ROOT / "examples" / "sell.py").read_text("utf-8")
    assert f"```python\n{program}```" in README


def test_the_changelog_has_something_to_say():
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert "## Unreleased" in changes
    assert "- **added** " in changes
