"""A base brought up to date: feeds and lists go in, a fresh file and a log of changes come out.

The base is read row by row and never held; what happened is. A row that nothing is told of stays as
it is, but for blanks around its cells. The same feeds change nothing in the fresh file.
"""

from __future__ import annotations

import csv
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from checkoutflow.customer import AREAS
from checkoutflow.errors import UsageError
from checkoutflow.quality.columns import recognise
from checkoutflow.quality.feeds import Customer, Kind
from checkoutflow.quality.reading import CsvFile, Table, bare, private, safe
from checkoutflow.quality.rows import Examiner, read_day
from checkoutflow.quality.suppression import REGISTERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from checkoutflow.quality.feeds import News
    from checkoutflow.quality.suppression import SuppressionList
    from checkoutflow.quality.wash import Tick

_LOG: Final = ("row", "id", "change", "on", "source")
_DAYS: Final = ("updated", "died", "opted_out")
_BLOCKED: Final = "marketing_blocked"
_MARK: Final = b"\xef\xbb\xbf"


@dataclass(slots=True)
class Freshened:
    """What came of it. Figures only.

    Attributes:
        rows: Rows of the base.
        changed: How many of them changed.
        changes: How many changes there were, by what changed.
        sources: Which rows of feeds changed something.
    """

    rows: int = 0
    changed: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    sources: set[str] = field(default_factory=set)


def freshen(
    path: Path,
    news: News,
    *,
    market: str,
    today: date,
    out: Path,
    log: Path,
    lists: Sequence[SuppressionList] = (),
    columns: Mapping[str, str] | None = None,
    tick: Tick = lambda stage, done, of: None,  # noqa: ARG005 -- nobody listens
) -> Freshened:
    """Write a base as it is after the news.

    Args:
        path: The base, a CSV file with a header; it stays as it is.
        news: What happened; see `feed_files.read_feed`.
        market: ISO 3166 code of where customers are who name no country.
        today: The day on which this runs.
        out: The fresh base: the same rows and columns, and after them ``updated``, ``died`` and
            ``opted_out`` where the base has none. Its owner alone can read it, and the log.
        log: Which row changed how, since which day, and which row of which feed says so; no values.
        lists: Who is not to be written to or called. With them ``marketing_blocked`` says how these
            lists forbid it: ``phone``, ``post``.
        columns: The column of a role, where it is not recognised.
        tick: Is told how far the work has come.

    Raises:
        UsageError: If the file or an argument is wrong. Then nothing is written.
    """
    if len({each.resolve() for each in (path, out, log)}) < 3:  # noqa: PLR2004 -- all of them
        raise UsageError("the base, the fresh one and the log are three files", field="out")
    file = CsvFile.look(path)
    base = _Base(file, market, today, columns, lists)
    found = Freshened()
    with ExitStack() as stack:
        stream = stack.enter_context(_replacing(out, is_marked=_is_marked(file)))
        write = csv.writer(stream, delimiter=file.separator).writerow
        write(base.header)
        told = Table(stack.enter_context(_replacing(log)), _LOG)
        rows = file.rows(lambda done: tick("freshening", done, file.lines))
        for number, narrow in enumerate(rows, start=file.first):
            cells = base.widened(narrow)
            changes = base.freshen(cells, news)
            for change in changes:
                told.row(number, base.id(cells), *change)
                found.changes[change.what] += 1
                found.sources.add(change.source)
            found.rows += 1
            found.changed += bool(changes)
            write(cells)
        tick("freshening", file.lines, file.lines)
    return found


class _Change(NamedTuple):
    """What changed in a row."""

    what: str
    on: date
    source: str


class _Base:
    """The columns of a base, and how a row is read and changed."""

    def __init__(
        self,
        file: CsvFile,
        market: str,
        today: date,
        columns: Mapping[str, str] | None,
        lists: Sequence[SuppressionList],
    ) -> None:
        self._file = file
        self._market = market
        self._lists = lists
        self._places = recognise(file.header, columns, file.path)
        self._who = Examiner(dict(self._places), market, today)
        own = [*_DAYS, *([_BLOCKED] if lists else [])]
        self._added = [role for role in own if role not in self._places]
        for place, role in enumerate(self._added, start=len(file.header)):
            self._places[role] = place
        self.header = [*file.header, *self._added]

    def widened(self, cells: list[str]) -> list[str]:
        """A row with cells for our own columns; what a row has too many of comes last."""
        width = len(self._file.header)
        return [*cells[:width], *("" for _ in self._added), *cells[width:]]

    def id(self, cells: Sequence[str]) -> str:
        """The shop's own name for the customer, if there is one."""
        return self._cell(cells, "id")

    def _cell(self, cells: Sequence[str], role: str) -> str:
        place = self._places.get(role)
        return "" if place is None else bare(cells[place])

    def _put(self, cells: list[str], role: str, text: str) -> None:
        if role in self._places:
            cells[self._places[role]] = safe(text)

    def freshen(self, cells: list[str], news: News) -> list[_Change]:
        """Bring a row up to date, and tell what changed."""
        fields = self._who.values(cells)
        if fields.get("country") not in AREAS:
            fields.pop("country", None)
        days = {role: read_day(self._cell(cells, role)) for role in _DAYS}
        before = Customer(self.id(cells), fields, **days)
        after, events = news.after(before, self._market)
        if any(event.kind is Kind.MOVED for event in events):
            self._move(cells, after.fields)
        for role in _DAYS:
            day = getattr(after, role)
            if day != days[role]:
                self._put(cells, role, str(day))
        changes = [_Change(event.kind.value, event.on, event.source) for event in events]
        return changes + self._block(cells, after.fields)

    def _move(self, cells: list[str], fields: Mapping[str, str]) -> None:
        if not {"street", "postal_code"} <= self._places.keys():
            raise UsageError(
                f"{self._file.path}: somebody moved, and it has no columns of street and postal "
                "code; if it has, say it like --map street=COLUMN"
            )
        for role in ("street", "postal_code", "city"):
            self._put(cells, role, fields.get(role, ""))
        self._put(cells, "house_number", "")  # it is in the street
        if "country" in fields:
            self._put(cells, "country", fields["country"])

    def _block(self, cells: list[str], fields: Mapping[str, str]) -> list[_Change]:
        """Say what the lists forbid, if there are any; who is on none any more is free."""
        if not self._lists:
            return []
        area = fields.get("country", self._market)
        blocking = [
            each
            for each in self._lists
            if each.blocks(fields.get(REGISTERS[each.register].field, ""), area)
        ]
        covered = {way for each in blocking for way in REGISTERS[each.register].covers}
        text = " ".join(sorted(covered))
        if text == self._cell(cells, _BLOCKED):
            return []
        self._put(cells, _BLOCKED, text)
        told_by = blocking or self._lists
        names = " ".join(each.register for each in told_by)
        what = _BLOCKED if blocking else "marketing_free"
        return [_Change(what, max(each.as_of for each in told_by), names)]


def _is_marked(file: CsvFile) -> bool:
    """Whether the fresh file begins with a mark, by which spreadsheets see that it is UTF-8.

    Whatever reads a base that was UTF-8 without one knows it anyway.
    """
    with file.path.open("rb") as stream:
        return file.encoding != "utf-8-sig" or stream.read(3) == _MARK


@contextmanager
def _replacing(path: Path, *, is_marked: bool = False) -> Iterator[IO[str]]:
    """Write a file for its owner alone that is there when it is whole, in place of an older one."""
    part = path.with_name(f".{path.name}.part")
    try:
        with private(part) as stream:
            if is_marked:
                stream.write(_MARK.decode())
            yield stream
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
