"""Feeds as CSV files: what each row says, and what is wrong with those that say too little.

A row names somebody as they were, in columns that are recognised as those of a base are, and says
what happened: ``kind`` and ``on``, and for a move ``new_street`` and ``new_postal_code``, with
``new_city`` and ``new_country`` where known. A row may name its person in several ways; each finds
them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from checkoutflow.customer import AREAS
from checkoutflow.errors import InvalidInput, UsageError
from checkoutflow.privacy.secret import Details
from checkoutflow.quality.columns import plain_title, recognise_feed
from checkoutflow.quality.feeds import A_PERSON, AN_ADDRESSEE, Event, Kind
from checkoutflow.quality.reading import CsvFile, bare
from checkoutflow.quality.rows import Examiner, country_code, read_day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from checkoutflow.quality.wash import Tick

# Their words for what happened; letters and digits only.
_KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        word: kind
        for kind, words in {
            Kind.MOVED: """
                moved move flyttet flyttat flytt flytning flyttning muuttanut muutto fluttur""",
            Kind.DIED: "died dead death deceased død død afdød avdød död avliden kuollut látinn",
            Kind.OPTED_OUT: """
                optedout optout unsubscribed unsubscribe nomarketing frameldt afmeldt avmeldt
                avanmäld reservert robinson nix kielto markkinointikielto afskráð""",
        }.items()
        for word in words.split()
    }
)
_MOST_PROBLEMS: Final = 1000  # of one file; as many are enough to see what is wrong


class Problem(NamedTuple):
    """What is wrong with a row of a feed; never a value.

    Attributes:
        row: The row's line in a spreadsheet; the header is 1.
        column: The column's title, or which ones there should be.
    """

    row: int
    column: str
    text: str


@dataclass(slots=True)
class FeedFile:
    """What was read of a feed.

    Attributes:
        name: The file's name, without its folder.
        rows: How many rows it has.
        taken: How many of them say something.
        to_come: How many are of a day that is still to come, and wait until then.
        too_old: How many are of days before the first one that is asked for.
        problems: What is wrong with others, up to a thousand.
        refused: How many those are.
    """

    name: str
    rows: int = 0
    taken: int = 0
    to_come: int = 0
    too_old: int = 0
    refused: int = 0
    problems: list[Problem] = field(default_factory=list)


def read_feed(
    path: Path,
    take: Callable[[Event, str], object],
    *,
    market: str,
    today: date,
    since: date | None = None,
    kind: Kind | None = None,
    tick: Tick = lambda stage, done, of: None,  # noqa: ARG005 -- nobody listens
) -> FeedFile:
    """Read a feed.

    Args:
        path: A CSV file with a header, written as a base may be.
        take: Called with each event and the market for reading it, such as `News.add`. A row tells
            the same once for each way in which it names somebody, and is refused if ``take``
            raises ``InvalidInput`` for all of them.
        market: ISO 3166 code of where people are whose row names no country.
        today: Later days are still to come. Who died or opted out on no day that is told, did so
            today.
        since: Earlier days are left out.
        kind: What happened in every row, for a file without a column that says it.
        tick: Is told how far the work has come.

    Raises:
        UsageError: If the file cannot be read, or its columns do not say what happened, when, to
            whom and, for moves, where to.
    """
    file = CsvFile.look(path)
    reader = _Reader(file, market, today, kind)
    found = FeedFile(path.name)
    rows = file.rows(lambda done: tick("feeds", done, file.lines))
    for number, cells in enumerate(rows, start=file.first):
        if not any(cells):
            continue
        found.rows += 1
        try:
            events = list(reader.events(number, cells))
            if events[0].on > today:
                found.to_come += 1
            elif since is not None and events[0].on < since:
                found.too_old += 1
            else:
                _take(take, events, reader.area(cells))
                found.taken += 1
        except InvalidInput as error:
            found.refused += 1
            name, text = error.problems[0]
            if found.refused <= _MOST_PROBLEMS:
                problem = Problem(number, reader.title(name), text.partition(";")[0])
                found.problems.append(problem)
    tick("feeds", file.lines, file.lines)
    return found


def _take(take: Callable[[Event, str], object], events: Sequence[Event], area: str) -> None:
    """Hand over what a row tells; one way to name somebody that is good is enough.

    Raises:
        InvalidInput: If none is.
    """
    wrong: list[InvalidInput] = []
    for event in events:
        try:
            take(event, area)
        except InvalidInput as error:
            wrong.append(error)
    if len(wrong) == len(events):
        raise wrong[-1]


class _Reader:
    """Makes events of the rows of one file."""

    def __init__(self, file: CsvFile, market: str, today: date, kind: Kind | None) -> None:
        self._path = file.path
        self._header = file.header
        self._market = market
        self._today = today
        self._kind = kind
        self._places = places = recognise_feed(file.header, file.path)
        self._who = Examiner(places, market, today)
        if kind is None and "kind" not in places:
            self._lacks("a column kind (moved, died, opted_out); or say it: moved=FILE.csv")
        if kind is Kind.MOVED and "on" not in places:
            self._lacks("a column on, with the day of the move")
        if kind is Kind.MOVED and not {"new_street", "new_postal_code"} <= places.keys():
            self._lacks("the columns new_street and new_postal_code")

    def _lacks(self, what: str) -> None:
        raise UsageError(f"{self._path}: lacks {what}")

    def _cell(self, cells: Sequence[str], role: str) -> str:
        place = self._places.get(role)
        return bare(cells[place]) if place is not None else ""

    def title(self, path: str) -> str:
        """The title of the column that an error is about."""
        role = path.rpartition(".")[2]
        if path.startswith("event.details."):
            role = f"new_{role}"
        place = self._places.get(role)
        return self._header[place] if place is not None else "who"

    def area(self, cells: Sequence[str]) -> str:
        """Where somebody was, for reading what they are called by."""
        code = country_code(self._cell(cells, "country"))
        return code if code in AREAS else self._market

    def events(self, row: int, cells: Sequence[str]) -> Iterator[Event]:
        """What a row tells: the same once for each way in which it names somebody."""
        kind, on = self._what(cells), self._day(cells)
        details = Details()
        if kind is Kind.MOVED:
            if not self._cell(cells, "on"):
                raise InvalidInput("a move has a day", field="on")
            details = self._new_address(cells)
        who = self._who.values(cells)
        ways = AN_ADDRESSEE if kind is Kind.OPTED_OUT else A_PERSON
        named = [way for way in ways if way <= who.keys()]
        if not named:
            raise InvalidInput("does not say well enough whom it is about", field="event.keys")
        for way in named:
            keys = Details({name: who[name] for name in sorted(way)})
            yield Event(kind, on, keys, details, f"{self._path.name}:{row}")

    def _what(self, cells: Sequence[str]) -> Kind:
        if self._kind is not None:
            return self._kind
        word = _KINDS.get(plain_title(self._cell(cells, "kind")))
        if word is None:
            raise InvalidInput("is not moved, died or opted_out", field="kind")
        return word

    def _day(self, cells: Sequence[str]) -> date:
        text = self._cell(cells, "on")
        day = read_day(text) if text else self._today
        if day is None:
            raise InvalidInput("is not a day", field="on")
        return day

    def _new_address(self, cells: Sequence[str]) -> Details:
        street = " ".join(
            filter(None, (self._cell(cells, f"new_{part}") for part in ("street", "house_number")))
        )
        parts = {
            "street": street,
            "postal_code": self._cell(cells, "new_postal_code"),
            "city": self._cell(cells, "new_city"),
            "country": country_code(self._cell(cells, "new_country")),
        }
        for name in ("street", "postal_code"):
            if not parts[name]:
                raise InvalidInput("is empty", field=f"event.details.{name}")
        return Details({name: value for name, value in parts.items() if value})
