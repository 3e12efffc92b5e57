"""From pairs to people, and from people to households."""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# More at one address with one last name are no household but a common name in a large house.
_MOST_IN_HOUSEHOLD: Final = 12


@dataclass(frozen=True, slots=True)
class Cluster:
    """Rows that are one person.

    Attributes:
        rows: Their lines in a spreadsheet, in order.
        is_doubtful: Whether two of them, which others connect, look like two people.
    """

    rows: tuple[int, ...]
    is_doubtful: bool


class Groups:
    """Rows that belong together, directly or through others (a union-find forest)."""

    def __init__(self, rows: int) -> None:
        """Begin with every row on its own, up to the last line of the spreadsheet."""
        self._parent = array("L", range(rows + 1))

    def root(self, row: int) -> int:
        """The row that stands for all of its group."""
        parent = self._parent
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    def join(self, left: int, right: int) -> None:
        """Put two groups together; the earliest row stands for them."""
        one, other = sorted((self.root(left), self.root(right)))
        self._parent[other] = one

    def clusters(self, apart: Iterable[tuple[int, int]]) -> list[Cluster]:
        """The groups of two rows and more.

        Args:
            apart: Pairs of rows that are two people.
        """
        members: dict[int, list[int]] = defaultdict(list)
        for row in range(len(self._parent)):
            if (root := self.root(row)) != row:
                members[root].append(row)
        doubtful = {self.root(left) for left, right in apart if self.root(left) == self.root(right)}
        return [Cluster((root, *rows), root in doubtful) for root, rows in sorted(members.items())]


class Households:
    """Finds people of one last name at one address, with eight bytes a row."""

    def __init__(self) -> None:
        """Start empty."""
        self._keys = array("q")

    def add(self, surname: str, street: str, postal_code: str) -> None:
        """Take in the next row's forms; the first is that of line 2."""
        key = (surname, street, postal_code)
        self._keys.append(hash(key) if all(key) else 0)

    def found(self, groups: Groups) -> Iterator[tuple[int, ...]]:
        """Give households of two people and more: for each person their first row."""
        keys = self._keys
        seen: set[int] = set()
        twice: set[int] = set()
        for key in keys:
            (twice if key in seen else seen).add(key)
        twice.discard(0)
        del seen
        homes: dict[int, list[int]] = defaultdict(list)
        for row, key in enumerate(keys, start=2):
            if key in twice:
                homes[key].append(row)
        for rows in homes.values():
            people = sorted({groups.root(row) for row in rows})
            if 1 < len(people) <= _MOST_IN_HOUSEHOLD:
                yield tuple(people)
