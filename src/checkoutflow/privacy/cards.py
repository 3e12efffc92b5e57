"""Card numbers are never let in: found in text, refused, or masked.

A card number is 12 to 19 digits whose beginning and length fit a card scheme and whose last digit
is the check of modulus 10 (Luhn). Found in every spelling: digits of any script, with invisible
characters among them, in groups with a space, a line break or one mark between.

Many numbers of the Nordic countries end in the same check digit on purpose: KID, OCR and FIK,
which look like a card in two of five cases. So what decides is the kind of field. One that is typed
goes by its own rule, and what the rule takes passes (`refuse_card_number`). In free text an IBAN
with its letters passes. A Swedish identity number needs no exception: the only ones of twelve
digits begin with 16, 18, 19 or 20, and no scheme does. What is masked already is no number.

Programs write skus, keys and addresses, and there a barcode or a random token looks like a card by
chance: one in ten of the barcodes that begin with 40 to 49, one in a thousand UUIDs. In such a text
a valid GTIN passes, and so do UUIDs and 32 or more hexadecimal digits. A GTIN has 14 digits at
most, so no card of 15 to 19 passes for one.

Source: prefixes and lengths as the schemes publish them (ISO/IEC 7812 ranges; Dankort 5019);
GS1 General Specifications, check digits of GTINs.
Confidence: high for Visa, Mastercard, American Express and Dankort, medium for the wide Maestro
range.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator, ValidationInfo

from checkoutflow.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

CARD_NUMBER_NOT_ALLOWED: Final = "card_number_not_allowed"
REFUSAL: Final = (
    f"{CARD_NUMBER_NOT_ALLOWED}: it holds a card number, which belongs on the payment provider's"
    " own page only; leave it out"
)

_ANY: Final = range(12, 20)
_LONG: Final = range(16, 20)
# First and last beginning of four digits, and the lengths in digits.
_SCHEMES: Final[Sequence[tuple[int, int, Sequence[int]]]] = (
    (4000, 4999, (13, 16, 19)),  # Visa
    (5100, 5599, (16,)),  # Mastercard
    (2221, 2720, (16,)),
    (3400, 3499, (15,)),  # American Express
    (3700, 3799, (15,)),
    (3000, 3059, range(14, 20)),  # Diners Club
    (3600, 3699, range(14, 20)),
    (3800, 3999, range(14, 20)),
    (3528, 3589, _LONG),  # JCB
    (6011, 6011, _LONG),  # Discover
    (6440, 6499, _LONG),
    (6500, 6599, _LONG),
    (6200, 6299, _LONG),  # UnionPay
    (8100, 8199, _LONG),
    (5000, 5099, _ANY),  # Maestro; Dankort's 5019 is among them
    (5600, 5899, _ANY),
    (6000, 6199, _ANY),
    (6300, 6499, _ANY),
    (6600, 6999, _ANY),
)

# Digits that belong together: between two of them, blanks or one mark with a blank beside it.
_MARKS: Final = r"[-‐‒–—―−./⁄∕\\_,·•]"  # noqa: RUF001 -- the dashes people paste
_RUN: Final = re.compile(rf"[0-9](?:(?:\s?{_MARKS}\s?|\s{{1,3}})?[0-9])*+")
_GROUP: Final = re.compile("[0-9]+")
_DIGIT: Final = re.compile("[0-9¹²³]")
# Beyond the letters of Latin, signs may be digits, and one may be several.
_FOLDS_TO_DIGITS: Final = re.compile("[¼½¾\u0180-\U0010ffff]")
_SHORTEST: Final = 12  # digits

_TOKEN: Final = re.compile(
    r"(?<![0-9a-z])(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32,}+)(?![0-9a-z])",
    re.IGNORECASE,
)
_OF_GTINS: Final = (12, 13, 14)  # digits; those of 8 are shorter than any card

_IBAN: Final = re.compile(
    r"(?<![A-Za-z0-9])(?=([A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,30}))[A-Za-z]{2}"
)
_PART: Final = re.compile("[A-Za-z0-9]+")
_IBAN_LENGTHS: Final[Mapping[str, Collection[int]]] = {
    **dict.fromkeys(("DK", "FO", "GL", "FI"), (18,)),
    "SE": (24,),
    "NO": (15,),
    "IS": (26,),
}
_IBAN_WIDTH: Final = 68  # characters of the longest, with a blank after each


def holds_card_number(text: str) -> bool:
    """Tell whether there is a card number anywhere in the text.

    Time grows with the length of the text only, whatever is in it.

    >>> holds_card_number("call me, 4242-4242 4242.4242"), holds_card_number("ends in 4242")
    (True, False)
    """
    is_plain = text.isascii() or not _FOLDS_TO_DIGITS.search(text)
    if is_plain and len(_DIGIT.findall(text)) < _SHORTEST:
        return False  # most texts, at a tenth of the time
    return any(True for _ in _found(text.translate(_FOLDING)))


def reference_holds_card_number(text: str) -> bool:
    """Tell whether there is one in a text that a program wrote: a sku, a key, an address.

    Barcodes of goods (GTIN-12, 13 and 14, ISBN among them) and random tokens are none.

    >>> reference_holds_card_number("mug-4242424242424242")
    True
    >>> holds_card_number("4006381333023"), reference_holds_card_number("4006381333023")
    (True, False)
    """
    if not holds_card_number(text):
        return False
    plain = _TOKEN.sub(_without_digits, text.translate(_FOLDING))
    return any(not _is_gtin([int(plain[at]) for at in places]) for places in _found(plain))


def refuse_card_number(
    text: str, field: str, *, rule: Callable[[str], object] | None = None
) -> None:
    """Refuse a card number in a text that is about to be kept.

    Args:
        text: What was given.
        field: Its path, for the error.
        rule: For a typed field, what decides what may stand in it, such as ``Kid.validate``: it
            raises `InvalidInput` for what does not belong there. What it takes passes, though it
            may look like a card number.

    Raises:
        InvalidInput: If there is one. The message begins with `CARD_NUMBER_NOT_ALLOWED` and names
            the field, never the number.
    """
    if not holds_card_number(text):
        return
    if rule is not None:
        try:
            rule(text)
        except InvalidInput:
            pass
        else:
            return
    raise InvalidInput(REFUSAL, field=field)


# The context in which what is stored is read again: it was looked at when it came in, and stays
# readable if a later version of this module would refuse it.
STORED: Final = "stored"


def without_card_number(text: str, info: ValidationInfo) -> str:
    """Let a text through that holds none; for the validators of models, which say where it stands.

    Raises:
        ValueError: If it holds one, and is not what was stored before.
    """
    if info.context != STORED and holds_card_number(text):
        raise ValueError(REFUSAL)
    return text


def reference_without_card_number(text: str, info: ValidationInfo) -> str:
    """Let what a program wrote through if it holds none; for the validators of models, too.

    Raises:
        ValueError: If it holds one, and is not what was stored before.
    """
    if info.context != STORED and reference_holds_card_number(text):
        raise ValueError(REFUSAL)
    return text


def mask_card_numbers(text: str) -> str:
    """Put stars in place of all digits of card numbers but the first six and the last four.

    For what providers send, before it is kept. JSON stays readable for people; a number without
    quotes is not a JSON number any more, so read the body before it is masked.

    >>> mask_card_numbers('{"pan": "4242 4242 4242 4242"}')
    '{"pan": "4242 42** **** 4242"}'
    """
    signs: list[str] = []
    origins: list[int] = []  # where in the text each sign came from
    for origin, typed in enumerate(text):
        for sign in typed.translate(_FOLDING):
            signs.append(sign)
            origins.append(origin)
    masked = list(text)
    for positions in _found("".join(signs)):
        for position in positions[6:-4]:
            masked[origins[position]] = "*"
    return "".join(masked)


# What people write freely.
FreeText = Annotated[str, AfterValidator(without_card_number)]
# What a program wrote, to find something by.
ReferenceText = Annotated[str, AfterValidator(reference_without_card_number)]
# What comes from outside in words.
OutsideText = Annotated[str, AfterValidator(mask_card_numbers)]


class _Folding(dict[int, str]):
    """For each character its plain form: ASCII digits, no marks of its own, nothing unseen."""

    def __missing__(self, point: int) -> str:
        sign = chr(point)
        plain = ""
        for part in unicodedata.normalize("NFKC", sign):
            if unicodedata.category(part) not in {"Cf", "Mn", "Me"}:
                digit = unicodedata.decimal(part, None)
                plain += part if digit is None else str(digit)
        self[point] = plain
        return plain


_FOLDING: Final = _Folding()


def _found(plain: str) -> Iterator[list[int]]:
    """Give the place of every digit of every card number in a folded text."""
    for run in _RUN.finditer(plain):
        groups = _GROUP.findall(run[0])
        edges = [0, *accumulate(map(len, groups))]
        if edges[-1] < _SHORTEST:
            continue
        places: list[int] = []
        for first, last in _numbers_in("".join(groups), edges):
            places = places or [at for at in range(*run.span()) if plain[at].isdecimal()]
            found = places[first:last]
            if not _is_in_iban(plain, found[0], found[-1]):
                yield found


def _numbers_in(digits: str, edges: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Give the bounds of all card numbers that begin and end where a group of digits does.

    Whether the check holds is told by two running sums, one in which the digits at even places are
    doubled and one for the odd, so that a window of any length costs the same.
    """
    ends = set(edges)
    values = list(map(int, digits))
    sums: list[list[int]] = []
    for parity in (0, 1):
        counted = values.copy()
        counted[parity::2] = [_DOUBLED[value] for value in values[parity::2]]
        sums.append([0, *accumulate(counted)])
    for first in edges:
        for length in _lengths(digits[first : first + 4]):
            last = first + length
            if last in ends and (sums[last % 2][last] - sums[last % 2][first]) % 10 == 0:
                yield first, last


_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


@cache
def _lengths(beginning: str) -> tuple[int, ...]:
    """Say how long the card numbers are that begin with these four digits."""
    fitting = (
        set(lengths)
        for first, last, lengths in _SCHEMES
        if str(first) <= beginning <= str(last) and len(beginning) == len(str(first))
    )
    return tuple(sorted(set().union(*fitting)))


def _without_digits(token: re.Match[str]) -> str:
    """A stand-in for a random token; one that is all digits was not drawn from hexadecimal ones."""
    return token[0] if token[0].replace("-", "").isdecimal() else "x"


def _is_gtin(digits: Sequence[int]) -> bool:
    """GS1: from the right, the second digit and every other one after it count three times."""
    weighed = sum(digits[::-1][::2]) + 3 * sum(digits[::-1][1::2])
    return len(digits) in _OF_GTINS and weighed % 10 == 0


def _is_in_iban(plain: str, first: int, last: int) -> bool:
    """Tell whether the digits from one place to another are all in one valid IBAN."""
    near = _IBAN.finditer(plain, max(0, first - _IBAN_WIDTH), last + _IBAN_WIDTH)
    before = [beginning for beginning in near if beginning.start() < first]
    for beginning in reversed(before):  # most often it is the last
        letters = ""
        for part in _PART.finditer(plain, *beginning.span(1)):
            letters += part[0].upper()
            is_whole = not plain[part.end() : part.end() + 1].isalnum()
            if part.end() > last and is_whole and _is_iban(letters):
                return True
    return False


def _is_iban(letters: str) -> bool:
    """ISO 13616: with its first four characters at the end, the remainder by 97 is 1."""
    if len(letters) not in _IBAN_LENGTHS.get(letters[:2], range(15, 35)):
        return False
    return int("".join(str(int(sign, 36)) for sign in letters[4:] + letters[:4])) % 97 == 1
