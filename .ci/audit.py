"""Say whether anything that constraints.txt pins has a known vulnerability.

Reads what ``pip-audit --format json`` wrote. A vulnerability fails. What could not be looked up
does not, as the source may be out of reach, but it is said loudly: silence would read as health.
"""

from __future__ import annotations

import json
import sys


def verdict(report: str, said: str) -> tuple[list[str], int]:
    """The lines to print, and the status to end with.

    Args:
        report: What pip-audit wrote; it may be nothing.
        said: What it said besides, where it failed.
    """
    try:
        pins = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = said.strip().splitlines()[-1:] or ["it said nothing"]
        return [f"NOT AUDITED: pip-audit gave no report: {last[0]}"], 0
    lines = [
        f"VULNERABLE: {pin['name']} {pin['version']}: {flaw['id']}"
        f" (fixed in {', '.join(flaw['fix_versions']) or 'no version yet'})"
        for pin in pins
        for flaw in pin.get("vulns", ())
    ]
    unseen = [pin["name"] for pin in pins if "vulns" not in pin]
    status = 1 if lines else 0
    lines.append(f"{len(pins) - len(unseen)} of {len(pins)} pins were looked up")
    if unseen:
        lines.append(
            f"NOT AUDITED: {len(unseen)} of {len(pins)} pins are unknown to the source of"
            f" vulnerabilities, or it cannot be reached: {', '.join(unseen[:5])}"
            f"{' and more' * (len(unseen) > 5)}"  # noqa: PLR2004 -- enough to see which
        )
    return lines, status


def main() -> int:
    """Read the report from the standard input, and what was said from the file that is named."""
    with open(sys.argv[1], encoding="utf-8") as stream:  # noqa: PTH123 -- nothing else of pathlib
        lines, status = verdict(sys.stdin.read(), stream.read())
    print("\n".join(lines))
    return status


if __name__ == "__main__":
    sys.exit(main())
