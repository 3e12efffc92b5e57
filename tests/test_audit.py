"""The check for known vulnerabilities fails where there is one, and never passes in silence."""

from __future__ import annotations

import json
import re
from pathlib import Path
from runpy import run_path
from typing import Any, Final

import pytest

SCRIPT: Final = Path(__file__).parents[1] / ".ci" / "audit.py"
GOOD: Final = {"name": "good", "version": "1.0", "vulns": []}
BAD: Final = {
    "name": "bad",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}, {"id": "PYSEC-2", "fix_versions": []}],
}
UNSEEN: Final = {"name": "unseen", "skip_reason": "not found"}


def verdict(*pins: dict[str, Any], report: str | None = None, said: str = "") -> tuple[str, int]:
    made = json.dumps({"dependencies": list(pins)}) if report is None else report
    lines, status = run_path(str(SCRIPT))["verdict"](made, said)
    return "\n".join(lines), status


def test_what_is_known_to_be_well_passes():
    assert verdict(GOOD, GOOD) == ("2 of 2 pins were looked up", 0)


def test_a_vulnerability_fails_whatever_else_there_is():
    text, status = verdict(UNSEEN, GOOD, BAD)
    assert status == 1
    assert "VULNERABLE: bad 1.0: PYSEC-1 (fixed in 1.1)" in text
    assert "PYSEC-2 (fixed in no version yet)" in text
    assert "NOT AUDITED: 1 of 3" in text


def test_what_was_not_looked_up_is_said():
    text, status = verdict(*[UNSEEN] * 7)
    assert status == 0
    assert text.startswith("0 of 7 pins were looked up\nNOT AUDITED: 7 of 7")
    assert text.endswith("and more")


@pytest.mark.parametrize("report", ["", "no JSON", "[]", "{}", "null"])
def test_no_report_is_no_health(report):
    text, status = verdict(report=report, said="warning\nConnectionError: nobody there\n")
    assert (text, status) == (
        "NOT AUDITED: pip-audit gave no report: ConnectionError: nobody there",
        0,
    )
    assert verdict(report=report)[0].endswith("it said nothing")


def test_the_page_on_security_names_tests_that_are_there():
    page = (Path(__file__).parents[1] / "docs" / "explanation" / "security.md").read_text("utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    assert len(named) > 30
    assert [
        name for name in sorted(named) if not Path(__file__).with_name(f"{name}.py").exists()
    ] == []
