"""An address line taken apart, to be compared with others. What was typed is never altered.

People write the floor and the door in Denmark ("2. tv."), the staircase and the flat in Finland
("A 5"), a flat's number in Sweden ("lgh 1201") and Norway ("H0201"), and everywhere a "c/o".
Whatever is not understood is left out of the parts, so that two lines can have the same parts
without being the same: a hint, not a proof.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from checkoutflow.privacy.secret import STARS


@dataclass(frozen=True, slots=True, repr=False)
class StreetAddress:
    """The parts of an address line; empty where there is none. It prints as stars.

    Attributes:
        street: Name of the street, as typed.
        number: Of the house, or several with a hyphen between.
        letter: Of the house, the entrance or the staircase, in lower case.
        floor: Its number; 0 for the ground floor and -1 for the cellar.
        door: Number of the flat, or ``tv``, ``th`` or ``mf``: left, right, in the middle.
        care_of: Whose door it is, when another lives behind it, as typed.
    """

    street: str
    number: str = ""
    letter: str = ""
    floor: str = ""
    door: str = ""
    care_of: str = ""

    def __repr__(self) -> str:
        return f"StreetAddress({STARS})"


_CARE_OF: Final = re.compile(r"(?i)(?:^|(?<=[\s,;(]))(?:c ?/ ?o\b|℅|v/)[.:]? ?([^,;)]*)[,;)]?")
_HOUSE: Final = re.compile(
    r"(?<!\w)(?P<number>[0-9]{1,4})(?: ?[-\N{EN DASH}/] ?(?P<to>[0-9]{1,4})(?!\w))?"
    r" ?(?P<letter>[^\W\d_](?!\w))?(?!\w)"
)
_UNIT: Final = re.compile(r"[hulk][0-9]{4}\b|[0-9]+|[^\W\d_]+")
_FLAT: Final = re.compile(r"[hulk][0-9]{4}")  # a Norwegian dwelling's own number

# Words beside a number or in the place of one.
_FLOOR: Final = re.compile(
    "sal|etg|etage|etasje|tr|trp|trappa|trappor|vån|våning|våningen|krs|kerros|hæð|hædd|floor"
)
_GROUND: Final = re.compile("st|stuen|stue|bv|nb|bottenvåning|jarðhæð")
_CELLAR: Final = re.compile("kl|kld|kælder|kjeller|källare|kjallari")
_DOOR: Final = re.compile(
    "dør|dörr|lejl|lejlighed|lgh|lägenhet|leil|leilighet|as|asunto|bst|bostad|íb|íbúð"
)
_SIDES: Final = {
    **dict.fromkeys(["tv", "venstre", "vänster"], "tv"),
    **dict.fromkeys(["th", "højre", "høyre", "höger"], "th"),
    **dict.fromkeys(["mf", "midt", "mitt"], "mf"),
}
# Where a bare number after the house's is a floor; elsewhere it is a flat.
_FLOOR_FIRST: Final = frozenset(["DK", "FO", "GL"])


def read_street(line: str, country: str) -> StreetAddress:
    """Take an address line apart.

    Args:
        line: As `checkoutflow.customer.clean` gives it.
        country: ISO 3166 code of the country or territory it is in.

    >>> it = read_street("c/o Byen, Vestergade 12 B, 2. tv.", "DK")
    >>> it.street, it.number, it.letter, it.floor, it.door, it.care_of
    ('Vestergade', '12', 'b', '2', 'tv', 'Byen')
    """
    care_of = ""
    if match := _CARE_OF.search(line):
        care_of = match[1].strip()
        line = f"{line[: match.start()]}, {line[match.end() :]}".strip(" ,")
        if not _house_in(line) and (house := _house_in(care_of)):  # no comma between the two
            words = care_of[: house.start()].split()
            line = f"{words[-1]} {care_of[house.start() :]}, {line}"
            care_of = " ".join(words[:-1])
    if (house := _house_in(line)) is None:
        street, _, unit = line.partition(",")
        return StreetAddress(street.strip(), care_of=care_of, **_unit(unit, "", country))
    before, _, street = line[: house.start()].rstrip(" ,").rpartition(",")
    number = "-".join(filter(None, house.group("number", "to")))
    parts = _unit(f"{before},{line[house.end() :]}", house["letter"] or "", country)
    return StreetAddress(street.strip(), number, care_of=care_of, **parts)


def _house_in(line: str) -> re.Match[str] | None:
    """Find the number of the house: the first that has the name of a street before it."""
    for house in _HOUSE.finditer(line):
        words = re.findall(r"[^\W\d_]+", line[: house.start()].casefold())
        if words and not _DOOR.fullmatch(words[-1]) and not _is_ordinal(line[house.end() :]):
            return house
    return None


def _is_ordinal(after: str) -> bool:
    """Tell whether the street's name goes on after a number, as in "Gamle 7. junivej"."""
    match = re.match(r"(?:\.|:[ae]\b) ?([^\W\d_]{3,})", after)
    if match is None:
        return False
    word = match[1].casefold()
    return not any(floor.fullmatch(word) for floor in (_FLOOR, _GROUND, _CELLAR))


def _unit(text: str, letter: str, country: str) -> dict[str, str]:
    """Read what stands around a house: letter, floor and door."""
    floor = door = ""
    words = _UNIT.findall(re.sub(r"([0-9]):[ae]\b", r"\1", text.casefold()))
    for at, word in enumerate(words):
        before = words[at - 1] if at else ""
        after = words[at + 1] if at + 1 < len(words) else ""
        if _GROUND.fullmatch(word):
            floor = "0"
        elif _CELLAR.fullmatch(word):
            floor = "-1"
        elif word in _SIDES:
            door = _SIDES[word]
        elif _FLAT.fullmatch(word) or _DOOR.fullmatch(before):
            door = word
        elif word.isdecimal():
            is_floor = bool(_FLOOR.fullmatch(after)) or after in _SIDES or country in _FLOOR_FIRST
            if is_floor and not floor:
                floor = word
            else:
                door = word
        elif len(word) == 1 and after.isdecimal():
            letter += word  # the staircase, after the letter of the house
    return {"letter": letter.casefold(), "floor": floor, "door": door}
