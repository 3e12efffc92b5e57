"""What commands write on: lines of text, and colours where a person is looking."""

from __future__ import annotations

import unicodedata
from itertools import zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

WIDTH: Final = 88
# Where a line's label ends and its text begins.
GUTTER: Final = 11

_STYLES: Final = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


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
        print(text.rstrip(" "), file=self._stream, flush=True)  # noqa: T201 -- the one place

    def lines(self, texts: Iterable[str]) -> None:
        """Write lines."""
        for text in texts:
            self.line(text)

    def ink(self, text: str, *styles: str) -> str:
        """Colour a text: ``bold``, ``dim``, ``red``, ``green``, ``yellow``, ``cyan``."""
        if not self._is_coloured or not text:
            return text
        return f"\x1b[{';'.join(_STYLES[style] for style in styles)}m{text}\x1b[0m"

    def heading(self, text: str, aside: str = "") -> None:
        """Write a line across the page, the aside at its end."""
        rule = "─" * max(WIDTH - width(text) - width(aside) - 6, 2)
        self.line()
        self.line(f"{self.ink('──', 'dim')} {self.ink(text, 'bold')} {self.ink(rule, 'dim')} {aside}")

    def entry(self, label: str, text: str, *styles: str) -> None:
        """Write text beside its label, on as many lines as it needs."""
        for place, part in enumerate(wrap(text, WIDTH - GUTTER - 2) or [""]):
            beside = "" if place else label
            self.line(f"{self.ink(f'{beside:>{GUTTER}}', 'dim')}  {self.ink(part, *styles)}")


def width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(sign) else 1 + (unicodedata.east_asian_width(sign) in "WF")
        for sign in text
    )


def padded(text: str, columns: int, *, right: bool = False) -> str:
    """A text in a column of its own: filled up with spaces, or cut short with an ellipsis."""
    while width(text) > columns:
        text = f"{text.removesuffix('…')[:-1]}…"
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
