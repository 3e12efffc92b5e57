"""What a customer may have meant: suggestions for likely typing errors.

A suggestion is a question put to the customer beside the field. Nothing is refused for it and
nothing is changed without them: an unusual address may well be right.

The domains are our own list of mailbox providers that many customers of the five countries use,
collected 2026-11 from general knowledge: it decides what is suggested and nothing else. One that is
missing costs a suggestion, no more.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.texts import mark, translate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Most used first: of two as near, the first is suggested.
_EVERYWHERE: Final = _words(
    """
    gmail.com hotmail.com outlook.com icloud.com yahoo.com live.com msn.com protonmail.com
    googlemail.com hotmail.dk hotmail.se hotmail.no hotmail.fi outlook.dk live.dk live.se live.no
    live.fi yahoo.dk yahoo.se yahoo.no
    """
)
_LOCAL: Final = _words(
    """
    jubii.dk ofir.dk mail.dk email.dk youmail.dk stofanet.dk webspeed.dk privat.dk sol.dk c.dk
    mail.tele.dk post.tele.dk get2net.dk tdcadsl.dk
    telia.com comhem.se bredband.net bredband2.com tele2.se spray.se passagen.se home.se swipnet.se
    glocalnet.net bahnhof.se ownit.nu
    online.no broadpark.no getmail.no lyse.net altibox.no start.no frisurf.no c2i.net ebnett.no
    elisanet.fi luukku.com suomi24.fi saunalahti.fi kolumbus.fi pp.inet.fi netti.fi dnainternet.net
    mbnet.fi phnet.fi welho.com jippii.fi aland.net
    simnet.is internet.is visir.is vortex.is hive.is
    olivant.fo kallnet.fo greennet.gl
    proton.me pm.me me.com mac.com aol.com ymail.com mail.com email.com gmx.com gmx.net gmx.de
    fastmail.com hey.com zoho.com
    """
)
_KNOWN: Final = frozenset((*_EVERYWHERE, *_LOCAL))

# Who gives out addresses under one ending only: any other ending is a mistake.
_ONE_ENDING: Final = MappingProxyType({"gmail": "gmail.com", "icloud": "icloud.com"})

# No such endings exist.
_NO_ENDINGS: Final = MappingProxyType(
    dict.fromkeys(("con", "vom", "xom", "cpm", "cmo", "ocm", "comm", "coom", "ckm"), "com")
)
# With one of these, a name that we know under another is a real address elsewhere.
_ENDINGS: Final = _words(
    """
    com net org eu info dk se no fi is fo gl nu de at ch fr nl be lu es pt it gr ie pl cz sk hu ro
    bg hr si ee lv lt ru ua tr uk us ca au nz jp cn in br mx
    """
)

_LONGEST_DOMAIN: Final = 40  # characters; none that we know is half as long
_LONGEST_CITY: Final = 100
_LONG_ENOUGH: Final = 9  # characters of a domain in which two may be wrong
_SHORTEST_NAME: Final = 5  # shorter ones are too near to too many others


class Reason(StrEnum):
    """Why something else is suggested."""

    MISTYPED = "mistyped"
    POSTAL_CODE = "postal_code"


_MESSAGES: Final[Mapping[Reason, str]] = MappingProxyType(
    {
        # Translators: {value} is an e-mail address or a town, nearly as the customer typed it.
        Reason.MISTYPED: mark("Did you mean {value}?"),
        # Translators: {value} is a town, and not the one that the customer typed.
        Reason.POSTAL_CODE: mark("The postal code belongs to {value}. Is it the right one?"),
    }
)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a field may have been meant to hold.

    Attributes:
        field: The field's name.
        value: What to put there if the customer says yes; never printed.
        reason: Why it is suggested.
    """

    field: str
    value: str = dataclasses.field(repr=False)
    reason: Reason

    def message(self, locale: str) -> str:
        """The question to the customer, in their language; it shows the value."""
        return translate(_MESSAGES[self.reason], locale).format(value=self.value)


def suggestions(typed: Mapping[str, str], *, cities: Iterable[str] = ()) -> tuple[Suggestion, ...]:
    """Everything that looks like a typing error.

    Args:
        typed: What the customer typed, by field name; also what is refused elsewhere.
        cities: The names of the place that their postal code belongs to, in any language, as a
            register gave them; none where nothing is known.

    >>> found = suggestions({"email": "post@hotmial.com", "city": "Bergen"}, cities=["OSLO"])
    >>> [(it.field, it.reason.value) for it in found]
    [('email', 'mistyped'), ('city', 'postal_code')]
    >>> found[1].message("en")
    'The postal code belongs to Oslo. Is it the right one?'
    """
    found = (suggest_email(typed.get("email", "")), suggest_city(typed.get("city", ""), cities))
    return tuple(suggestion for suggestion in found if suggestion is not None)


def suggest_email(typed: str) -> Suggestion | None:
    """The address with the domain that was likely meant; None if nothing looks wrong.

    >>> suggest_email("post@outlook,dk")
    Suggestion(field='email', reason=<Reason.MISTYPED: 'mistyped'>)
    """
    text = typed.strip()
    if "@" not in text:
        text = text.replace('"', "@", 1)  # the same key on a Nordic keyboard
    local, _, domain = text.rpartition("@")
    if not local or len(domain) > _LONGEST_DOMAIN:
        return None
    meant = _domain_meant(domain)
    if meant == domain.lower() and text == typed.strip():
        return None
    return Suggestion("email", f"{local}@{meant}", Reason.MISTYPED)


def _one_dot(between: re.Match[str]) -> str:
    """What stands between two parts: nothing, where it is only blanks."""
    return "." if between[0].strip() else ""


def _domain_meant(domain: str) -> str:
    """The domain that was likely meant: itself where nothing looks wrong."""
    tidy = re.sub(r"[.,;:\s]++", _one_dot, domain.lower()).strip(".")
    if tidy in _KNOWN:
        return tidy
    name = tidy.partition(".")[0]
    if name in _ONE_ENDING:
        return _ONE_ENDING[name]
    near = [
        (wrong, rank, known)
        for rank, known in enumerate((*_EVERYWHERE, *_LOCAL))
        if (wrong := _mistakes(tidy, known)) is not None
    ]
    if near:
        return min(near)[2]
    front, dot, last = tidy.rpartition(".")
    return f"{front}{dot}{_NO_ENDINGS.get(last, last)}"


def _mistakes(domain: str, known: str) -> int | None:
    """How many letters of a known domain are wrong; None if it is not likely to be meant."""
    name, _, ending = domain.partition(".")
    known_name, _, known_ending = known.partition(".")
    if ending != known_ending and ending in _ENDINGS:
        return None
    if name != known_name and len(known_name) < _SHORTEST_NAME:
        return None
    is_everywhere = known in _EVERYWHERE
    most = 2 if is_everywhere and len(known) >= _LONG_ENOUGH else 1
    if abs(len(domain) - len(known)) > most:
        return None
    wrong = distance(domain, known)
    # The first letter is seldom wrong, so that another one more likely is another domain.
    if wrong > most or (domain[0] != known[0] and (wrong > 1 or not is_everywhere)):
        return None
    return wrong


def suggest_city(typed: str, known: Iterable[str]) -> Suggestion | None:
    """The place that the postal code belongs to; None if it is the one typed, or nothing is known.

    Part of a name is right as well: "København" in "København Ø", and the other way round.

    Args:
        typed: What the customer typed.
        known: The names of the place, in any language.

    >>> suggest_city("Koebenhavn", ["KØBENHAVN Ø"]) is None
    True
    """
    city = spelling(typed)
    names = {spelling(name): name for name in known if len(name) <= _LONGEST_CITY}
    names.pop("", None)
    if not city or not names or len(typed) > _LONGEST_CITY:
        return None
    if any(_begins(city, name) or _begins(name, city) for name in names):
        return None
    wrong, spelt = min((_least(city, name), name) for name in names)
    is_near = wrong <= 1 + len(city) // 8
    reason = Reason.MISTYPED if is_near else Reason.POSTAL_CODE
    return Suggestion("city", place_name(names[spelt]), reason)


def _least(city: str, name: str) -> int:
    """How many mistakes are in a city, if it is the name or its first words."""
    words = name.split()
    return min(distance(city, " ".join(words[:count])) for count in range(1, len(words) + 1))


def _begins(whole: str, part: str) -> bool:
    return f"{whole} ".startswith(f"{part} ")


_LETTERS: Final = str.maketrans({"ø": "o", "æ": "ae", "ð": "d", "þ": "th", "ß": "ss"})


def spelling(text: str) -> str:
    """One spelling for what people spell in several ways; to compare by, never to show.

    >>> spelling("ÅRHUS  C."), spelling("Aarhus C"), spelling("Tórshavn")
    ('arhus c', 'arhus c', 'torshavn')
    """
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    plain = "".join(sign for sign in apart if not unicodedata.combining(sign))
    words = re.sub(r"[^\w]+|_", " ", plain).strip()
    return words.replace("aa", "a").replace("ae", "a").replace("oe", "o")


_SMALL_WORDS: Final = frozenset({"i", "på", "og", "och"})


def place_name(text: str) -> str:
    """A place as people write it, where a register writes it in capitals.

    >>> place_name("MO I RANA"), place_name("KØBENHAVN Ø"), place_name("Nuuk")
    ('Mo i Rana', 'København Ø', 'Nuuk')
    """
    if not text.isupper():
        return text
    words = text.title().split()
    return " ".join(word.lower() if word.lower() in _SMALL_WORDS else word for word in words)


def distance(one: str, other: str) -> int:
    """How many mistakes turn one text into another: letters missing, wrong, too many or swapped.

    The optimal string alignment: what was swapped is not changed again. Takes time with the product
    of the lengths.

    >>> distance("hotmial", "hotmail"), distance("gmal", "gmail"), distance("", "abc")
    (1, 1, 3)
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        before, last, row = row, before, [i]
        for j, wanted in enumerate(other, start=1):
            least = min(before[j] + 1, row[-1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                least = min(least, last[j - 2] + 1)
            row.append(least)
    return row[-1]
