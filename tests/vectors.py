"""The test vectors of the domain, which lie beside the repository where it is developed.

A clone on its own has no such folder: its vector tests are then skipped, and say why.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "domain" / "vectors"


def table(name: str) -> dict[str, Any]:
    """Read one file of vectors; without the folder, an empty table."""
    path = FOLDER / f"{name}.json"
    if not FOLDER.is_dir():
        return {}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def cases(name: str, *kinds: str, key: str = "vectors") -> list[Any]:
    """Give a file's vectors as parameters of a test, named by their ids.

    Args:
        name: Name of the file, without its ending.
        kinds: Only vectors of these kinds; none means all.
        key: Where the list is in the file.
    """
    found = [
        pytest.param(vector, id=vector.get("id", f"{key}-{i:02}"))
        for i, vector in enumerate(table(name).get(key, ()))
        if not kinds or vector["kind"] in kinds
    ]
    reason = f"no vectors: {FOLDER} is not there"
    return found or [pytest.param(None, id="absent", marks=pytest.mark.skip(reason=reason))]
