"""Identity, organisation and VAT numbers of the Nordic countries, read as what they are.

Only what cannot be is refused, since whether a number was given to anybody is for the registers to
say. What only a date can tell is refused only when a date is given, for this module has no clock.

Sources: python-stdnum for check digits; for what it lacks the registers themselves, read 2026.

- Denmark: since 2007 CPR numbers are given out that fail the modulus, which is not looked at.
- Sweden: a samordningsnummer adds 60 to the day, and writes zeros for a month or day that nobody
  knows (the tax agency's own test numbers have them).
- Norway: a D-number adds 40 to the day, an H-number 40 to the month. Numbers given out from 2032
  may leave 0 to 3 in the first control where older ones leave 0, and birth dates are then for the
  register to tell (tax administration; that it is the first control is of medium confidence).
  Persons made up for tests have 65 or 80 added to the month. A hospital's FH-number is refused: it
  belongs to a journal, not to a person.
- Finland: from 2023 on each century has several signs; 900 to 999 are temporary, and for tests.
- Iceland: since 18 February 2026 the register gives out kennitölur that fail the modulus, and
  system numbers, which begin with 8 or 9 and hold no date, always did. A few dates are not in the
  calendar. Companies have 40 added to the day, and their modulus holds (medium confidence).
- Faroe Islands: a p-tal is a date and three digits. Greenland uses CPR, Åland what Finland and
  Svalbard what Norway does.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from checkoutflow.errors import InvalidInput, UsageError
from checkoutflow.privacy.secret import STARS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Kind(StrEnum):
    """Whose number it is, or what it is for."""

    PERSON = "person"
    COORDINATION = "coordination"  # Sweden: samordningsnummer
    D_NUMBER = "d_number"  # Norway
    H_NUMBER = "h_number"  # Norway: given by a hospital or the like
    TEMPORARY = "temporary"  # Finland
    SYSTEM = "system"  # Iceland: kerfiskennitala
    TEST_PERSON = "test_person"  # Norway: nobody
    ORGANISATION = "organisation"
    SOLE_TRADER = "sole_trader"  # a person's number in the place of an organisation's
    VAT = "vat"


ADULT: Final = 18  # years, in all five countries
_NORWAY_RENEWS: Final = date(2032, 1, 1)
_IN_VIES: Final = frozenset({"DK", "SE", "FI"})  # in the European Union; IS, NO and FO are not


@dataclass(frozen=True, slots=True, repr=False)
class IdentityNumber:
    """A number that was read. It prints as stars.

    Attributes:
        kind: Whose number it is.
        country: ISO 3166 code of the country whose register gives it out.
        normalised: As it is stored and compared: without blanks or marks, except a Finnish
            century sign and the mark of a Swedish number whose century is not known. VAT numbers
            begin with their letters.
        masked: As it may be shown to whom it belongs.
        birth_date: Where the number tells it; None where only a register can.
    """

    kind: Kind
    country: str
    normalised: str
    masked: str
    birth_date: date | None = None

    def __repr__(self) -> str:
        return f"IdentityNumber({self.kind.value}, {self.country}, {STARS})"

    def age(self, on: date) -> int | None:
        """Full years on a day; None where the number does not tell.

        From 2032 on no Norwegian number tells: a newly given one can have any birth date.
        """
        born = self.birth_date
        if born is None or (self.country == "NO" and on >= _NORWAY_RENEWS):
            return None
        return age_on(born, on)

    def adult(self, on: date) -> bool | None:
        """Whether the person is at least 18 on a day; None where the number does not tell."""
        age = self.age(on)
        return None if age is None else age >= ADULT

    @property
    def in_vies(self) -> bool:
        """Whether the European Union's VIES can be asked about this number."""
        return self.kind is Kind.VAT and self.country in _IN_VIES


def age_on(born: date, on: date) -> int:
    """Full years of somebody on a day."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


# Good numbers as errors show them: official test persons, and organisations that publish theirs.
_EXAMPLES: Final[Mapping[str, tuple[str, str, str]]] = MappingProxyType(
    {
        # a person's, an organisation's, for VAT
        "DK": ("211062-5629", "13585628", "DK13585628"),
        "FO": ("211062-5629", "623857", "FO623857"),
        "SE": ("19121212-1212", "202100-5448", "SE202100544801"),
        "NO": ("15858610076", "974 760 673", "NO 974 760 673 MVA"),
        "FI": ("131052-308T", "2077474-0", "FI20774740"),
        "IS": ("120174-3399", "450401-3150", "IS00621"),
    }
)
_NUMBERS_OF: Final = MappingProxyType({"GL": "DK", "SJ": "NO", "AX": "FI"})


def example_number(country: str, of: Literal["person", "organisation"] = "person") -> str:
    """A good number as errors show it: of nobody, or of an authority that publishes its own."""
    return _EXAMPLES[_registrar(country)][of == "organisation"]


def identity_number(
    text: str,
    country: str,
    *,
    on: date | None = None,
    allows_temporary: bool = False,
    allows_test_persons: bool = False,
    field: str = "national_id",
) -> IdentityNumber:
    """Read the number of a person.

    Args:
        text: The number, with or without blanks and marks.
        country: ISO 3166 code of the country or territory.
        on: The day on which it is read. Without it a Swedish number of ten digits keeps its
            century to itself, and a birth date to come and both Norwegian rules are accepted.
        allows_temporary: Whether a Finnish number from 900 to 999 will do; those are for who is
            not in the register yet, and for tests.
        allows_test_persons: Whether a person of the Norwegian test registers will do.
        field: Path of the field, for errors.

    Raises:
        InvalidInput: If it cannot be one. The message gives the reason and an example, never the
            number.
        UsageError: If the country is not one of those known here.

    >>> number = identity_number("19121212-1212", "SE")
    >>> number, number.masked, number.birth_date.year
    (IdentityNumber(person, SE, ********), '19121212****', 1912)
    """
    registrar = _registrar(country)
    try:
        number = _PERSONS[registrar](tidy(text), on)
    except _UnfitError as unfit:
        raise _refusal(unfit, _EXAMPLES[registrar][0], field) from None
    born = number.birth_date
    for is_unfit, reason in (
        (on is not None and born is not None and born > on, "is of somebody not born yet"),
        (number.kind is Kind.TEMPORARY and not allows_temporary, "is only a temporary one"),
        (number.kind is Kind.TEST_PERSON and not allows_test_persons, "was made up for tests"),
    ):
        if is_unfit:
            raise _refusal(reason, _EXAMPLES[registrar][0], field)
    return number


def organisation_number(
    text: str, country: str, *, field: str = "organisation_number"
) -> IdentityNumber:
    """Read the number of a company, an association or a public body.

    In Sweden and Iceland a sole trader has the number of the person, which is personal data; the
    kind tells.

    Args:
        text: The number, with or without blanks and marks.
        country: ISO 3166 code of the country or territory.
        field: Path of the field, for errors.

    Raises:
        InvalidInput: If it cannot be one. The message gives the reason and an example, never the
            number.
        UsageError: If the country is not one of those known here.
    """
    registrar = _registrar(country)
    try:
        return _ORGANISATIONS[registrar](tidy(text))
    except _UnfitError as unfit:
        raise _refusal(unfit, _EXAMPLES[registrar][1], field) from None


def vat_number(
    text: str, country: str | None = None, *, field: str = "vat_number"
) -> IdentityNumber:
    """Read a number of the value added tax.

    Args:
        text: The number, with or without the letters of the country.
        country: ISO 3166 code of the country or territory it is from; the letters of the number
            have to agree. None goes by the letters.
        field: Path of the field, for errors.

    Raises:
        InvalidInput: If it cannot be one. The message gives the reason and an example, never the
            number.
        UsageError: If the country is not one of those known here.

    >>> vat_number("FI 2077474-0").in_vies, vat_number("NO 995 525 828 MVA").in_vies
    (True, False)
    """
    tidied = tidy(text)
    letters = "NO" if tidied.endswith("MVA") else tidied[:2]
    registrar = _registrar(country) if country else letters
    example = _EXAMPLES.get(registrar, _EXAMPLES["DK"])[2]
    if registrar not in _VAT:
        raise _refusal(f"begins with none of {', '.join(_VAT)}", example, field)
    try:
        bare = _checked(_VAT[registrar], tidied)
    except _UnfitError as unfit:
        raise _refusal(unfit, example, field) from None
    return _of_organisation(Kind.VAT, registrar, f"{registrar}{bare}")


def tidy(text: str) -> str:
    """Write a number plainly: capital letters, hyphens for all dashes, and no blanks."""
    plain = unicodedata.normalize("NFKC", text).upper().replace("\N{MINUS SIGN}", "-")
    return "".join(
        "-" if unicodedata.category(sign) == "Pd" else sign for sign in plain if not sign.isspace()
    )


class _UnfitError(Exception):
    """What is wrong with a number, in words that do not repeat it."""


def _refusal(unfit: _UnfitError | str, example: str, field: str) -> InvalidInput:
    return InvalidInput(f"{unfit}; a good value looks like: {example}", field=field)


def _registrar(country: str) -> str:
    """Whose register gives out the numbers of a country or territory."""
    registrar = _NUMBERS_OF.get(country, country)
    if registrar not in _EXAMPLES:
        known = ", ".join([*_EXAMPLES, *_NUMBERS_OF])
        raise UsageError(f"the countries of numbers are {known}", field="country")
    return registrar


def _parts(pattern: str, number: str, what: str) -> tuple[str, ...]:
    """Take a number apart; what an optional part lacks is empty."""
    if (match := re.fullmatch(pattern, number)) is None:
        raise _UnfitError(f"is not {what}")
    return match.groups(default="")


def _checked(module: str, number: str, **options: bool) -> str:
    """Have python-stdnum check a number and give its bare form."""
    from stdnum.exceptions import (  # noqa: PLC0415 -- only numbers need it
        InvalidChecksum,
        InvalidComponent,
        ValidationError,
    )

    try:
        bare: str = import_module(f"stdnum.{module}").validate(number, **options)
    except InvalidChecksum:
        raise _UnfitError("has a wrong check digit, so that it was mistyped") from None
    except InvalidComponent:
        raise _UnfitError(_NO_SUCH_DAY) from None
    except ValidationError:
        raise _UnfitError("has the wrong form or length") from None
    return bare


_NO_SUCH_DAY: Final = "does not begin with a day that there is, so that it was mistyped"


def _day(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise _UnfitError(_NO_SUCH_DAY) from None


def _of_person(
    kind: Kind, country: str, number: str, born: date | None, *, hidden: int = 4
) -> IdentityNumber:
    """The number of a person, whose last digits are hidden when it is shown."""
    return IdentityNumber(kind, country, number, number[:-hidden] + "*" * hidden, born)


def _of_organisation(kind: Kind, country: str, number: str) -> IdentityNumber:
    """The number of an organisation, of which the last four digits are shown."""
    masked = re.sub(r"[0-9](?=(?:[^0-9]*[0-9]){4})", "*", number)
    return IdentityNumber(kind, country, number, masked)


# Persons ------------------------------------------------------------------------------------------


def _danish(number: str, _on: date | None) -> IdentityNumber:
    digits = "".join(_parts("([0-9]{6})-?([0-9]{4})", number, "a CPR number"))
    day, month, year = (int(digits[at : at + 2]) for at in (0, 2, 4))
    # The seventh digit and the year tell the century between them.
    if digits[6] in "5678":
        century = 1800 if year >= 58 else 2000  # noqa: PLR2004 -- as the register has it
    elif digits[6] in "49":
        century = 1900 if year >= 37 else 2000  # noqa: PLR2004 -- as the register has it
    else:
        century = 1900
    return _of_person(Kind.PERSON, "DK", digits, _day(century + year, month, day))


def _faroese(number: str, on: date | None) -> IdentityNumber:
    try:
        return _danish(number, on)  # many have one of these too
    except _UnfitError:
        digits = "".join(_parts("([0-9]{6})-?([0-9]{3})", number, "a p-tal or a CPR number"))
    _some_day(digits)
    return _of_person(Kind.PERSON, "FO", digits, None, hidden=3)


def _some_day(digits: str) -> None:
    """See that DDMMYY is a day in one century or another."""
    day, month, year = (int(digits[at : at + 2]) for at in (0, 2, 4))
    _day(2000 + year, month, day)  # a leap year wherever any century has one


def _swedish(number: str, on: date | None) -> IdentityNumber:
    from stdnum import luhn  # noqa: PLC0415 -- only numbers need it

    shape = "(18|19|20)?([0-9]{2})([0-9]{2})([0-9]{2})([-+]?)([0-9]{4})"
    century, yy, mm, dd, sign, serial = _parts(shape, number, "a personnummer")
    if not luhn.is_valid(yy + mm + dd + serial):
        raise _UnfitError("has a wrong check digit, so that it was mistyped")
    is_coordination = int(dd) >= _UNKNOWN_DAY
    kind = Kind.COORDINATION if is_coordination else Kind.PERSON
    month, day = int(mm), int(dd) - is_coordination * _UNKNOWN_DAY
    is_known = not is_coordination or (month > 0 and day > 0)
    if is_known:
        _some_day(f"{day:02}{mm}{yy}")
    else:  # what there is of a date is still one
        _day(2000, month or 1, day or 1)
    if century:
        year = int(century + yy)
    elif on is None:
        return _of_person(kind, "SE", f"{yy}{mm}{dd}{sign or '-'}{serial}", None)
    else:
        year = _swedish_year(int(yy), (month, day), sign, on)
    born = _day(year, month, day) if is_known else None
    return _of_person(kind, "SE", f"{year:04}{mm}{dd}{serial}", born)


_UNKNOWN_DAY: Final = 60  # what a samordningsnummer adds to the day


def _swedish_year(yy: int, day: tuple[int, int], sign: str, on: date) -> int:
    """The latest year that fits; a plus is for who turns 100 in the year of ``on`` or did before.

    Args:
        yy: Last two digits of the year.
        day: Month and day of birth.
        sign: What stands before the last four digits.
        on: The day on which the number is read.
    """
    year = on.year - (on.year - yy) % 100
    if sign == "+" or (year, *day) > (on.year, on.month, on.day):
        year -= 100
    return year


# Norway: what is added to the month, and what the number is then.
_MONTHS: Final[Mapping[int, Kind]] = MappingProxyType(
    {0: Kind.PERSON, 40: Kind.H_NUMBER, 65: Kind.TEST_PERSON, 80: Kind.TEST_PERSON}
)
_D_DAYS: Final = 40  # what a D-number adds to the day
_FROM_2032: Final = range(4)  # remainders of the first control


def _norwegian(number: str, on: date | None) -> IdentityNumber:
    from stdnum.no import fodselsnummer  # noqa: PLC0415 -- only numbers need it

    date_part, rest = _parts("([0-9]{6})-?([0-9]{5})", number, "a fødselsnummer")
    digits = date_part + rest
    first = (int(digits[9]) - int(fodselsnummer.calc_check_digit1(digits))) % 11
    second = (int(digits[10]) - int(fodselsnummer.calc_check_digit2(digits))) % 11
    is_renewed = on is None or on >= _NORWAY_RENEWS
    if second or first not in (_FROM_2032 if is_renewed else (0,)):
        raise _UnfitError("has wrong check digits, so that it was mistyped")
    day, month = int(digits[:2]), int(digits[2:4])
    added, kind = next(
        ((added, kind) for added, kind in _MONTHS.items() if 1 <= month - added <= 12),  # noqa: PLR2004 -- months
        (0, Kind.PERSON),
    )
    if kind is Kind.PERSON and day > _D_DAYS:
        kind = Kind.D_NUMBER
    plain = f"{day - _D_DAYS * (day > _D_DAYS):02}{month - added:02}{digits[4:]}"
    _some_day(plain)
    born = None
    if first == 0 and (on is None or on < _NORWAY_RENEWS):
        born = _norwegian_birth(plain)
        if born is None and on is not None:
            raise _UnfitError("is of a series that is not given out")
    return _of_person(kind, "NO", digits, born, hidden=5)


def _norwegian_birth(plain: str) -> date | None:
    """The birth date by the series of the old rule; None where it has no such series."""
    from stdnum.exceptions import InvalidComponent  # noqa: PLC0415 -- only numbers need it
    from stdnum.no import fodselsnummer  # noqa: PLC0415 -- only numbers need it

    try:
        born: date = fodselsnummer.get_birth_date(plain)
    except InvalidComponent:
        return None
    return born


_TEMPORARY: Final = 900  # and up
_FINNISH_CENTURIES: Final = MappingProxyType(
    {"+": 1800, **dict.fromkeys("-YXWVU", 1900), **dict.fromkeys("ABCDEF", 2000)}
)


def _finnish(number: str, _on: date | None) -> IdentityNumber:
    bare = _checked("fi.hetu", number, allow_temporary=True)
    century = _FINNISH_CENTURIES[bare[6]]
    born = date(century + int(bare[4:6]), int(bare[2:4]), int(bare[:2]))
    kind = Kind.TEMPORARY if int(bare[7:10]) >= _TEMPORARY else Kind.PERSON
    return _of_person(kind, "FI", bare, born)


_ICELANDIC_CENTURIES: Final = MappingProxyType({"8": 1800, "9": 1900, "0": 2000})


def _icelandic(number: str, _on: date | None) -> IdentityNumber:
    digits = "".join(_parts("([0-9]{6})-?([0-9]{4})", number, "a kennitala"))
    if digits[0] in "89":
        return _of_person(Kind.SYSTEM, "IS", digits, None)
    day, month, year = (int(digits[at : at + 2]) for at in (0, 2, 4))
    _day(2000, month, 1)
    _day(2000, 1, day)
    if digits[9] not in _ICELANDIC_CENTURIES:
        raise _UnfitError("does not end with the digit of a century")
    try:
        born = date(_ICELANDIC_CENTURIES[digits[9]] + year, month, day)
    except ValueError:  # given out all the same
        born = None
    return _of_person(Kind.PERSON, "IS", digits, born)


_PERSONS: Final[Mapping[str, Callable[[str, date | None], IdentityNumber]]] = MappingProxyType(
    {
        "DK": _danish,
        "FO": _faroese,
        "SE": _swedish,
        "NO": _norwegian,
        "FI": _finnish,
        "IS": _icelandic,
    }
)


# Organisations ------------------------------------------------------------------------------------


def _by_module(country: str, module: str) -> Callable[[str], IdentityNumber]:
    """Make the rule for a country where python-stdnum knows all about its organisations."""

    def rule(number: str) -> IdentityNumber:
        return _of_organisation(Kind.ORGANISATION, country, _checked(module, number))

    return rule


def _swedish_organisation(number: str) -> IdentityNumber:
    shape = "(?:16)?([0-9]{2}[2-9][0-9]{3})-?([0-9]{4})"  # 16 stands where persons have a century
    if match := re.fullmatch(shape, number):
        bare = _checked("se.orgnr", "".join(match.groups()))
        return _of_organisation(Kind.ORGANISATION, "SE", bare)
    return _sole_trader(_swedish(number, None))


def _finnish_organisation(number: str) -> IdentityNumber:
    shape = "([0-9]{6,7})-?([0-9])"  # the oldest are written without their first zero
    body, check = _parts(shape, number, "a Y-tunnus")
    bare = _checked("fi.ytunnus", f"{body:0>7}{check}")
    return _of_organisation(Kind.ORGANISATION, "FI", bare)


def _icelandic_organisation(number: str) -> IdentityNumber:
    if number[:1] in {"4", "5", "6", "7"}:
        bare = _checked("is_.kennitala", number)
        return _of_organisation(Kind.ORGANISATION, "IS", bare)
    return _sole_trader(_icelandic(number, None))


def _sole_trader(person: IdentityNumber) -> IdentityNumber:
    return _of_person(
        Kind.SOLE_TRADER, person.country, person.normalised, person.birth_date, hidden=4
    )


_ORGANISATIONS: Final[Mapping[str, Callable[[str], IdentityNumber]]] = MappingProxyType(
    {
        "DK": _by_module("DK", "dk.cvr"),
        "FO": _by_module("FO", "fo.vn"),
        "SE": _swedish_organisation,
        "NO": _by_module("NO", "no.orgnr"),
        "FI": _finnish_organisation,
        "IS": _icelandic_organisation,
    }
)

# Modules of python-stdnum.
_VAT: Final[Mapping[str, str]] = MappingProxyType(
    {"DK": "dk.cvr", "FO": "fo.vn", "SE": "se.vat", "NO": "no.mva", "FI": "fi.alv", "IS": "is_.vsk"}
)
