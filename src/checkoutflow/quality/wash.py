"""A test wash: measure a base, find who stands in it twice, and propose how to merge them."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, Protocol

from checkoutflow.errors import UsageError
from checkoutflow.quality.clusters import Cluster, Groups, Households
from checkoutflow.quality.columns import recognise
from checkoutflow.quality.measures import Measures
from checkoutflow.quality.merge import merged
from checkoutflow.quality.pairs_large import LargeBase
from checkoutflow.quality.pairs_small import SmallBase
from checkoutflow.quality.reading import CsvFile, Table, folder, private
from checkoutflow.quality.rows import FIELDS, Examiner
from checkoutflow.quality.verdict import Pair, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date

# A base of up to so many rows is compared in memory.
SMALL_ROWS: Final = 20_000
_EXAMPLES: Final = 6  # pairs, of each verdict


class Tick(Protocol):
    """Is told how far the work has come."""

    def __call__(self, stage: str, done: int, of: int, /) -> None:
        """Take note."""


@dataclass(slots=True)
class Wash:
    """What was found in a base. Figures and lines only: nothing in it is personal.

    Attributes:
        file: The file's name, without its folder.
        encoding: How it is written.
        columns: For each role the name of its column.
        market: The market of customers who name no country.
        today: The day of the wash.
        engine: What compared the rows.
        measures: The counts of each field.
        pairs: How many pairs were found of each verdict.
        reasons: How often pairs that are one person gave which answer.
        examples: Some pairs of each verdict.
        clusters: Rows that are one person.
        households: How many households were found, by how many people they have.
        contested: For each field, in how many clusters there was something to choose.
        choices: How often a contested value won, by reason.
    """

    file: str
    encoding: str
    columns: Mapping[str, str]
    market: str
    today: date
    engine: str
    measures: Measures
    pairs: Counter[Verdict] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    examples: list[Pair] = field(default_factory=list)
    clusters: list[Cluster] = field(default_factory=list)
    households: Counter[int] = field(default_factory=Counter)
    contested: Counter[str] = field(default_factory=Counter)
    choices: Counter[str] = field(default_factory=Counter)

    @property
    def surplus(self) -> int:
        """Rows that would go if every cluster became one row."""
        return sum(len(cluster.rows) - 1 for cluster in self.clusters)


def wash(
    path: Path,
    *,
    market: str,
    today: date,
    out: Path | None = None,
    columns: Mapping[str, str] | None = None,
    tick: Tick = lambda stage, done, of: None,  # noqa: ARG005 -- nobody listens
    small_rows: int = SMALL_ROWS,
) -> Wash:
    """Wash a base, for trial: the file stays as it is.

    Args:
        path: A CSV file with a header.
        market: ISO 3166 code of where customers are who name no country.
        today: The day on which freshness is judged.
        out: Folder for the files of pairs, clusters, households and merges, which only their owner
            can read. Without it nothing is written anywhere.
        columns: The column of a role, where it is not recognised.
        tick: Is told how far the work has come.
        small_rows: Up to how many rows are compared in memory rather than on disk.

    Raises:
        UsageError: If the extra is not installed, or the file or an argument is wrong.
    """
    require_extra()
    file = CsvFile.look(path)
    places = recognise(file.header, columns, file.path)
    examiner = Examiner(places, market, today)
    is_small = file.lines <= small_rows
    found = Wash(
        path.name,
        file.encoding.removesuffix("-sig"),
        {role: file.header[place] for role, place in places.items()},
        market,
        today,
        "rapidfuzz" if is_small else "Splink on DuckDB",
        Measures(_fields(places), today),
    )
    with ExitStack() as stack:
        work = None
        if out is not None:
            out = folder(out)
            if not is_small:
                work = Path(stack.enter_context(TemporaryDirectory(prefix=".wash-", dir=out)))
        base: SmallBase | LargeBase
        base = SmallBase() if is_small else LargeBase(work)
        stack.callback(base.close)
        households = Households()
        rows = file.rows(lambda done: tick("reading", done, file.lines))
        for number, cells in enumerate(rows, start=file.first):
            row = examiner.examine(number, cells)
            found.measures.count(row)
            base.add(row.form)
            households.add(row.form.surname, row.form.street, row.form.postal_code)
        tick("reading", file.lines, file.lines)
        found.measures.finish()
        groups = Groups(found.measures.rows + 1)
        pairs = base.pairs(lambda done, of: tick("comparing", done, of))
        apart = _judge(found, groups, pairs, _table(stack, out, "pairs.csv", _PAIRS))
        found.clusters = groups.clusters(apart)
        _write_households(
            found, groups, households, _table(stack, out, "households.csv", ("household", "row"))
        )
        if out is not None:
            _write_merges(
                found,
                examiner,
                _rows_of(file, found.clusters, tick),
                places.get("id"),
                _table(stack, out, "clusters.csv", _CLUSTERS),
                _table(stack, out, "merges.csv", _MERGES),
            )
    return found


_PAIRS: Final = ("row", "other_row", "verdict", "bits", "reasons")
_CLUSTERS: Final = ("cluster", "row", "id", "look_first")
_MERGES: Final = ("cluster", "field", "value", "row", "reason", "contested")


def require_extra(*also: str) -> None:
    """Make sure that what compares is installed.

    Args:
        also: Further modules that are needed.

    Raises:
        UsageError: If one is not.
    """
    needed = ("duckdb", "rapidfuzz", "splink", *also)
    if missing := [name for name in needed if find_spec(name) is None]:
        raise UsageError(
            f"washing a base needs {', '.join(missing)}: pip install 'checkoutflow[quality]'"
        )


def _fields(places: Mapping[str, int]) -> list[str]:
    has_name = places.keys() & {"given_name", "surname"}
    return [field for field in FIELDS if field in places or (field == "name" and has_name)]


def _table(
    stack: ExitStack, out: Path | None, name: str, header: Sequence[str]
) -> Callable[..., None]:
    """What writes rows of a file; without a folder it does nothing."""
    if out is None:
        return lambda *_: None
    return Table(stack.enter_context(private(out / name)), header).row


def _judge(
    found: Wash, groups: Groups, pairs: Iterable[Pair], write: Callable[..., None]
) -> list[tuple[int, int]]:
    """Take in every pair; give those that look like two people."""
    apart: list[tuple[int, int]] = []
    for pair in pairs:
        verdict = pair.verdict
        found.pairs[verdict] += 1
        if verdict is Verdict.SAME:
            groups.join(pair.left, pair.right)
            found.reasons.update(level.text for level in pair.levels.values())
        elif verdict is not Verdict.PERHAPS:
            apart.append((pair.left, pair.right))
        if verdict is not Verdict.DIFFERENT:
            write(pair.left, pair.right, verdict.value, f"{pair.bits:.1f}", pair.reasons)
            if found.pairs[verdict] <= _EXAMPLES:
                found.examples.append(pair)
    return apart


def _write_households(
    found: Wash, groups: Groups, households: Households, write: Callable[..., None]
) -> None:
    for number, people in enumerate(households.found(groups), start=1):
        found.households[len(people)] += 1
        for row in people:
            write(number, row)


def _rows_of(file: CsvFile, clusters: Sequence[Cluster], tick: Tick) -> dict[int, list[str]]:
    """The cells of all rows of clusters, read once more: the other rows need no memory."""
    wanted = {row for cluster in clusters for row in cluster.rows}
    rows = file.rows(lambda done: tick("merging", done, file.lines))
    kept = {row: cells for row, cells in enumerate(rows, start=file.first) if row in wanted}
    tick("merging", file.lines, file.lines)
    return kept


def _write_merges(
    found: Wash,
    examiner: Examiner,
    rows: Mapping[int, Sequence[str]],
    id_place: int | None,
    write_cluster: Callable[..., None],
    write_merge: Callable[..., None],
) -> None:
    for number, cluster in enumerate(found.clusters, start=1):
        look = "yes" if cluster.is_doubtful else ""
        examined = {row: examiner.examine(row, rows[row]) for row in cluster.rows}
        for row in cluster.rows:
            write_cluster(number, row, rows[row][id_place] if id_place is not None else "", look)
        for choice in merged(tuple(examined.values())):
            value = examined[choice.row].values[choice.field]
            contested = "yes" if choice.is_contested else ""
            write_merge(number, choice.field, value, choice.row, choice.reason, contested)
            if choice.is_contested:
                found.contested[choice.field] += 1
                found.choices[choice.reason] += 1
