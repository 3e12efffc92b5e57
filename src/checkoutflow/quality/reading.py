"""Reading and writing CSV files as shops have them: in any of four encodings and separators."""

from __future__ import annotations

import codecs
import csv
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from checkoutflow.errors import InvalidInput, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_CHUNK: Final = 1 << 20
_SEPARATORS: Final = ",;\t|"
# What spreadsheets may put in a line before the header, for other spreadsheets.
_HINT: Final = "sep="
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# A spreadsheet runs what begins with one of these as a formula (OWASP, CSV injection).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A CSV file that has been looked at.

    Attributes:
        path: Where it is.
        encoding: ``utf-8-sig`` (with or without the mark), ``utf-16`` where it is marked so, else
            ``cp1252`` or ``latin-1``.
        separator: What stands between cells.
        header: The names of the columns.
        first: The line of the first row under it, in a spreadsheet; the first line is 1.
        lines: Lines in it; no fewer than rows.
    """

    path: Path
    encoding: str
    separator: str
    header: tuple[str, ...]
    first: int
    lines: int

    @classmethod
    def look(cls, path: Path) -> CsvFile:
        """Find out how a file is written.

        Raises:
            UsageError: If it cannot be read or has no header.
        """
        encoding, lines = _encoding(path)
        first = 1
        with path.open(encoding=encoding) as stream:
            for first, start in enumerate(stream, start=2):  # noqa: B007 -- the last one counts
                if start.strip() and not start.casefold().startswith(_HINT):
                    break
            else:
                start = ""
        try:
            separator = max(_SEPARATORS, key=lambda sign: len(_cells(start, sign)))
            header = tuple(cell.strip() for cell in _cells(start, separator))
        except csv.Error as error:
            raise UsageError(f"{path}, line {first - 1}: {error}") from None
        if not any(header):
            raise UsageError(f"{path}: has no header; its first line names the columns")
        return cls(path, encoding, separator, header, first, lines)

    def rows(self, tick: Callable[[int], None] | None = None) -> Iterator[list[str]]:
        """Give the rows under the header, each with a cell for every column, or more.

        Args:
            tick: Is told how many lines have been read, every thousand.

        Raises:
            UsageError: If a row cannot be read; the message has its line.
        """
        width = len(self.header)
        with self.path.open(encoding=self.encoding, newline="") as stream:
            reader = csv.reader(stream, delimiter=self.separator, skipinitialspace=True)
            try:
                for _ in range(self.first - 1):
                    next(reader, None)
                for number, cells in enumerate(reader):
                    if tick and not number % 1000:
                        tick(reader.line_num)
                    yield [cell.strip() for cell in cells] + [""] * (width - len(cells))
            except csv.Error as error:
                raise UsageError(f"{self.path}, line {reader.line_num}: {error}") from None


def _encoding(path: Path) -> tuple[str, int]:
    """The encoding of a file and how many lines it has. All of it is read: one bad byte decides."""
    decoders = {
        name: codecs.getincrementaldecoder(name)() for name in ("utf-8-sig", "cp1252", "latin-1")
    }
    lines = 0
    with path.open("rb") as stream:
        if stream.read(2) in _UTF_16:
            decoders = {"utf-16": codecs.getincrementaldecoder("utf-16")()}
        stream.seek(0)
        while chunk := stream.read(_CHUNK):
            lines += chunk.count(b"\n")
            for name in list(decoders):
                try:
                    decoders[name].decode(chunk)
                except UnicodeDecodeError:
                    del decoders[name]
    for name in list(decoders):
        try:
            decoders[name].decode(b"", final=True)
        except UnicodeDecodeError:
            del decoders[name]
    if not decoders:
        raise UsageError(f"{path}: begins as UTF-16, and goes on as something else")
    return next(iter(decoders)), lines


def _cells(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])


@contextmanager
def private(path: Path) -> Iterator[IO[str]]:
    """Open a file for writing that only its owner can read, from its first byte on."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8", newline="") as stream:
        path.chmod(0o600)  # it may have been there before
        yield stream


class Table:
    """A CSV file that is being written, one that no spreadsheet takes for formulas."""

    def __init__(self, stream: IO[str], header: Sequence[str]) -> None:
        """Write the header."""
        self._writer = csv.writer(stream)
        self._writer.writerow(header)

    def row(self, *cells: object) -> None:
        """Write a row. A cell that would run as a formula gets an apostrophe in front."""
        self._writer.writerow(safe(cell) if isinstance(cell, str) else cell for cell in cells)


def safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula.

    >>> safe("=1+1"), safe("Strandgata 1"), bare(safe("+45 32 12 34 56"))
    ("'=1+1", 'Strandgata 1', '+45 32 12 34 56')
    """
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def bare(cell: str) -> str:
    """A cell without the apostrophe that says "this is text" to a spreadsheet.

    >>> bare("'0150"), bare("'t Hooft"), bare("'")
    ('0150', "'t Hooft", '')
    """
    rest = cell.lstrip("'")
    return cell if rest[:1].isalpha() else rest


def folder(path: Path) -> Path:
    """A folder for results, made for its owner alone if it is not there.

    Raises:
        InvalidInput: If something else has its name.
    """
    if path.exists() and not path.is_dir():
        raise InvalidInput("is not a folder", field="out")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
