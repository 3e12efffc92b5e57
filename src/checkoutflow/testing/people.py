"""Customers whom nobody is: made of syllables and a seed, with what is hard about real ones.

Doubles that are one person (misspelt, moved, married, written twice), and people who look like one
and are not: twins, families, fathers and sons of one name. Who is who is known, so that what finds
doubles can be measured.

Names are put together from syllables. E-mail addresses are in domains set aside for examples (RFC
2606). There is no series of phone numbers for fiction large enough in any of the five countries, so
numbers have the right length and begin as no number there does; see `PHONES`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Country code and first digits that the country's plan gives to nobody, and how many follow:
# of the right length, and not valid by libphonenumber 9.
PHONES: Final[Mapping[str, tuple[str, int]]] = MappingProxyType(
    {
        "DK": ("+451", 7),
        "SE": ("+46279", 6),
        "NO": ("+471", 7),
        "FI": ("+35899", 7),
        "IS": ("+3541", 6),
    }
)
_POSTAL: Final = MappingProxyType(
    {
        "DK": (1000, 9990, 4),
        "SE": (10000, 98999, 5),
        "NO": (150, 9991, 4),
        "FI": (100, 99999, 5),
        "IS": (101, 902, 3),
    }
)
_STREETS: Final = MappingProxyType(
    {
        "DK": ("gade", "vej", "allé", "stræde"),
        "SE": ("gatan", "vägen", "gränd", "stigen"),
        "NO": ("gata", "veien", "bakken", "stien"),
        "FI": ("katu", "tie", "kuja", "polku"),
        "IS": ("gata", "vegur", "stígur", "braut"),
    }
)
_STARTS: Final = (*"bdfghjklmnrstv", "br", "dr", "fj", "gr", "hj", "kr", "sk", "st", "tr")
_VOWELS: Final = tuple("aeiouyåäöæø")
_ENDS: Final = (*"lnrstk", "nd", "rn", "lm", "st", "ld")
# How many of a hundred.
_TWINS: Final = 5
_NAMESAKES: Final = 2
_DOUBLES: Final = 12
_WITH_PHONE: Final = 80
_WITH_BIRTHDAY: Final = 70
_DAYS_OF_BIRTH: Final = 25_000  # days back from the end of 2007: everybody is grown up


class Double(NamedTuple):
    """One more row of a person.

    Attributes:
        kind: ``misspelt``, ``moved``, ``married`` or ``again``.
        row: Place of the first row.
        other: Place of the other one.
    """

    kind: str
    row: int
    other: int


@dataclass(frozen=True, slots=True)
class Population:
    """A customer base of people who do not exist.

    Attributes:
        rows: Their fields, in the order of the base; see `COLUMNS`.
        people: For each row the number of the person it is.
        doubles: Every row that is a person's second.
        twins: Pairs of rows of twins: one birthday, last name, address, e-mail and phone.
        families: Rows of each family that lives together, twins and namesakes included.
        namesakes: Pairs of rows of a parent and a child with one name at one address.
    """

    rows: tuple[Mapping[str, str], ...]
    people: tuple[int, ...]
    doubles: tuple[Double, ...]
    twins: tuple[tuple[int, int], ...]
    families: tuple[tuple[int, ...], ...]
    namesakes: tuple[tuple[int, int], ...]

    @property
    def links(self) -> set[tuple[int, int]]:
        """Every pair of rows that is one person, the earlier row first."""
        return {(double.row, double.other) for double in self.doubles}


COLUMNS: Final = (
    "customer_id",
    "name",
    "email",
    "phone",
    "street",
    "postal_code",
    "city",
    "country",
    "birth_date",
    "updated",
)


def population(
    households: int, *, seed: int, market: str = "DK", today: date = date(2026, 6, 1)
) -> Population:
    """Make a customer base.

    Args:
        households: How many; each has one to four people, and about every eighth person stands in
            the base twice.
        seed: The same seed gives the same people.
        market: ISO 3166 code of one of the five countries.
        today: The last day on which any row was changed.
    """
    return _Maker(Random(seed), market, today).make(households)  # noqa: S311 -- no secret


class _Maker:
    def __init__(self, dice: Random, market: str, today: date) -> None:
        self._dice = dice
        self._market = market
        self._today = today
        self._rows: list[dict[str, str]] = []
        self._people: list[int] = []
        self._doubles: list[Double] = []
        self._twins: list[tuple[int, int]] = []
        self._families: list[tuple[int, ...]] = []
        self._namesakes: list[tuple[int, int]] = []
        # As in life, some names are borne by many.
        self._given = [self._word(2).capitalize() for _ in range(900)]
        self._surnames = [
            self._word(2).capitalize() + dice.choice(("sen", "berg", "dal", "nen", "son"))
            for _ in range(2500)
        ]

    def make(self, households: int) -> Population:
        for _ in range(households):
            self._household()
        return Population(
            tuple(self._rows),
            tuple(self._people),
            tuple(self._doubles),
            tuple(self._twins),
            tuple(self._families),
            tuple(self._namesakes),
        )

    def _household(self) -> None:
        dice = self._dice
        surname, home = self._often(self._surnames), self._home()
        size = dice.choice((1, 1, 1, 2, 2, 3))
        names = {self._often(self._given) for _ in range(size)}  # in one family all different
        members = [self._add(self._person(f"{given} {surname}", home)) for given in sorted(names)]
        first = self._rows[members[0]]
        if self._happens(_TWINS):
            members.append(self._twin(members[0]))
        if self._happens(_NAMESAKES):
            child = {**first, "birth_date": self._birthday(), "email": "", "phone": first["phone"]}
            members.append(self._add(child))
            self._namesakes.append((members[0], members[-1]))
        if len(members) > 1:
            self._families.append(tuple(members))
        for place in members:
            if self._rows[place]["email"] and self._happens(_DOUBLES):
                self._double(place)

    def _twin(self, place: int) -> int:
        row = self._rows[place]
        given, _, surname = row["name"].rpartition(" ")
        other = given
        while _near(other, given):
            other = self._often(self._given)
        twin = self._add({**row, "name": f"{other} {surname}"})
        self._twins.append((place, twin))
        return twin

    def _double(self, place: int) -> None:
        kinds: dict[str, Callable[[dict[str, str]], dict[str, str]]] = {
            "misspelt": self._misspelt,
            "moved": lambda row: {**row, **self._home()},
            "married": self._married,
            "again": self._again,
        }
        kind = self._dice.choices(list(kinds), (4, 3, 1, 3))[0]
        row = kinds[kind]({**self._rows[place], "updated": self._day()})
        other = self._add(row, self._people[place])
        self._doubles.append(Double(kind, place, other))

    def _misspelt(self, row: dict[str, str]) -> dict[str, str]:
        """One slip in the name, one in the street, and a field left out."""
        given, _, surname = row["name"].rpartition(" ")
        street, _, house = row["street"].rpartition(" ")
        left_out = self._dice.choice(("email", "phone", "birth_date"))
        return {
            **row,
            "name": f"{given} {self._slip(surname)}",
            "street": f"{self._slip(street)} {house}",
            left_out: "",
        }

    def _married(self, row: dict[str, str]) -> dict[str, str]:
        given, _, _ = row["name"].rpartition(" ")
        return {**row, "name": f"{given} {self._often(self._surnames)}"}

    def _again(self, row: dict[str, str]) -> dict[str, str]:
        """Written another way, and with another e-mail."""
        given, _, surname = row["name"].rpartition(" ")
        return {
            **row,
            "name": f"{given} {self._often(self._given)} {surname}".upper(),
            "email": self._email(surname),
            "street": row["street"].upper(),
        }

    def _person(self, name: str, home: Mapping[str, str]) -> dict[str, str]:
        return {
            "name": name,
            "email": self._email(name.rpartition(" ")[2]),
            "phone": self._phone() if self._happens(_WITH_PHONE) else "",
            **home,
            "country": self._market,
            "birth_date": self._birthday() if self._happens(_WITH_BIRTHDAY) else "",
            "updated": self._day(),
        }

    def _add(self, row: Mapping[str, str], person: int | None = None) -> int:
        place = len(self._rows)
        numbered = {**row, "customer_id": f"C{place + 1:07}"}
        self._rows.append({column: numbered[column] for column in COLUMNS})
        self._people.append(place if person is None else person)
        return place

    def _home(self) -> dict[str, str]:
        dice = self._dice
        lowest, highest, digits = _POSTAL[self._market]
        street = self._word(2).capitalize() + dice.choice(_STREETS[self._market])
        return {
            "street": f"{street} {dice.randint(1, 99)}",
            "postal_code": f"{dice.randint(lowest, highest):0{digits}}",
            "city": self._word(2).capitalize(),
        }

    def _happens(self, percent: int) -> bool:
        return self._dice.randrange(100) < percent

    def _often(self, names: list[str]) -> str:
        """One of these, the first ones more often."""
        return names[int(len(names) * self._dice.random() ** 2)]

    def _word(self, syllables: int) -> str:
        pick = self._dice.choice
        parts = [pick(_STARTS) + pick(_VOWELS) for _ in range(syllables)]
        return "".join([*parts, pick(_ENDS)])

    def _slip(self, word: str) -> str:
        """One letter twice."""
        place = self._dice.randrange(len(word))
        return word[: place + 1] + word[place:]

    def _email(self, surname: str) -> str:
        plain = surname.lower().encode("ascii", "ignore").decode()
        domain = self._dice.choice(("example.com", "example.org", "example.net"))
        return f"{plain}.{self._dice.randrange(10**6):06}@{domain}"

    def _phone(self) -> str:
        start, digits = PHONES[self._market]
        return f"{start}{self._dice.randrange(10**digits):0{digits}}"

    def _birthday(self) -> str:
        return str(date(2007, 12, 31) - timedelta(self._dice.randrange(_DAYS_OF_BIRTH)))

    def _day(self) -> str:
        return str(self._today - timedelta(int(2000 * self._dice.random() ** 2)))


def _near(one: str, other: str) -> bool:
    """Whether two names have more than half of their letters at the same place."""
    same = sum(a == b for a, b in zip(one.lower(), other.lower(), strict=False))
    return 2 * same > max(len(one), len(other))
