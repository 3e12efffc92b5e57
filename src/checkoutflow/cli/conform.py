"""``checkoutflow conform``: does an adapter keep the contract, and what is to change if not?"""

from __future__ import annotations

import shutil
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Final

from checkoutflow.cli.files import examples, imported
from checkoutflow.errors import UsageError
from checkoutflow.testing.adapters import ADAPTER_CHECKS, AdapterCase

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    from checkoutflow.cli.paper import Paper

_TEMPLATE: Final = "fjordpay.py"


def run(arguments: Namespace, paper: Paper) -> int:
    """Write a template, or run every check over every case; 1 if one fails."""
    if arguments.template:
        _write(arguments.template, paper)
        return 0
    cases = {named: _case(named) for named in arguments.case}
    failed = 0
    for named, case in cases.items():
        paper.section(named)
        for check in ADAPTER_CHECKS:
            wrong = _wrong(check, case)
            about = check.__name__.replace("_", " ")
            if wrong:
                paper.entry("wrong", f"{about}: {wrong}", "red")
            else:
                paper.entry("ok", about)
            failed += bool(wrong)
    count = len(ADAPTER_CHECKS) * len(cases)
    paper.line()
    paper.line(f"{failed} of {count} checks failed" if failed else f"all {count} checks passed")
    return int(failed > 0)


def _wrong(check: Callable[[AdapterCase], None], case: AdapterCase) -> str:
    """What a check says is wrong; empty if nothing."""
    try:
        check(case)
    except AssertionError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 -- whatever an adapter raises is what was looked for
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
    return ""


def _write(file: Path, paper: Paper) -> None:
    if file.exists():
        raise UsageError(f"{file}: is there already; name another file")
    shutil.copyfile(examples() / _TEMPLATE, file)
    paper.line(f"{file}: an adapter to start from")
    paper.line(f"Check it with: checkoutflow conform {file.stem}:CASE")


def _case(named: str) -> AdapterCase:
    case = imported(named)
    if not isinstance(case, AdapterCase):
        raise UsageError(f"{named}: is no AdapterCase")
    return case
