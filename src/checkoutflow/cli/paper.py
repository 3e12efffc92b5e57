"""What commands write on: lines of text, and colours where a person is looking."""

from __future__ import annotations

import json
import unicodedata
from itertools import zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

WIDTH: Final = 88
TIMES: Final = "\N{MULTIPLICATION SIGN}"
# Columns of the labels at the left.
_LABEL: Final = 11

_STYLES: Final = {"bold": "1", "dim": "2", "red": "31", "green": "32", "cyan": "36"}


class Paper:
    """Lines of text on a stream."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        """Write on a stream.

        Args:
            stream: Where to.
            environ: The process's environment. Colours are used on a terminal, unless it is a
                dumb one or ``NO_COLOR`` is set (see no-color.org).
        """
        self._stream = stream
        self._is_coloured = (
            stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        )

    def line(self, text: str = "") -> None:
        """Write a line, at once: whoever reads along does not wait for a buffer to fill."""
        self._stream.write(f"{text.rstrip(' ')}\n")
        self._stream.flush()

    def document(self, data: object) -> None:
        """Write plain data as JSON; in ASCII, which survives any pipe."""
        self.line(json.dumps(data, indent=2))

    def heading(self, text: str, aside: str = "") -> None:
        """Write a line across the page, with the aside at its end."""
        rule = "━" * (WIDTH - width(text) - width(aside) - 5)
        parts = (self._ink("━━", "dim"), self._ink(text, "bold"), self._ink(rule, "dim"), aside)
        self.line(" ".join(parts))

    def section(self, text: str) -> None:
        """Write the title of what follows."""
        self.line(f"\n  {self._ink(text, 'bold')}")

    def entry(self, label: str, text: str, *styles: str, margin: int = _LABEL) -> None:
        """Write a text beside its label, on as many lines as it needs.

        Args:
            label: What it is.
            text: The text.
            margin: Columns of the label, which stands at their right.
            styles: For the text: ``bold``, ``dim``, ``red``, ``green``, ``cyan``.
        """
        for part in wrap(text, WIDTH - margin - 2) or [""]:
            self.line(f"{self._ink(f'{label:>{margin}}', 'dim')}  {self._ink(part, *styles)}")
            label = ""

    def _ink(self, text: str, *styles: str) -> str:
        if not self._is_coloured or not styles or not text.strip():
            return text
        return f"\x1b[{';'.join(_STYLES[style] for style in styles)}m{text}\x1b[0m"


def width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(sign) else 1 + (unicodedata.east_asian_width(sign) in "WF")
        for sign in text
    )


def padded(text: str, columns: int, *, right: bool = False) -> str:
    """A text in so many columns: filled up with spaces, or cut short with an ellipsis."""
    if width(text) > columns:
        while width(text) >= columns:
            text = text[:-1]
        text += "…"
    space = " " * (columns - width(text))
    return space + text if right else text + space


def columns(rows: Sequence[Sequence[str]], *, right: Collection[int] = ()) -> list[str]:
    """Rows of cells as lines with aligned columns, two spaces apart.

    Args:
        rows: The cells; a row may be short.
        right: Which columns are aligned to the right.
    """
    widths = [max(map(width, column)) for column in zip_longest(*rows, fillvalue="")]
    return [
        "  ".join(
            padded(cell, widths[place], right=place in right) for place, cell in enumerate(row)
        ).rstrip(" ")
        for row in rows
    ]


def shortened(reference: str) -> str:
    """The first characters of a reference: enough to tell two apart by eye."""
    return f"{reference[:6]}…"


def moment(at: datetime) -> str:
    """A time to the minute, in UTC."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def pieces(units: Mapping[str, int], names: Mapping[str, str] | None = None) -> str:
    """How many of what: units by line id, or by the names of these."""
    names = names or {}
    return ", ".join(f"{count} {TIMES} {names.get(line, line)}" for line, count in units.items())
