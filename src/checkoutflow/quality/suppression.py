"""Registers of those who want no marketing: a list of keyed digests with a day, refused when old.

Norway's Reservasjonsregisteret, Sweden's NIX and Denmark's Robinson list have no open interface: a
shop or its supplier gets a file. `keep` turns it into a list that holds nobody's number, and
`DigestList` looks numbers up in it, on disk, in a few reads however long it is.

Being on no list is no consent: for e-mail and SMS the law wants one of its own.
"""

from __future__ import annotations

import hmac
import json
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Final, Protocol, Self

from checkoutflow.customer.matching import matching_form
from checkoutflow.errors import UsageError
from checkoutflow.model import from_json
from checkoutflow.quality.reading import private

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from checkoutflow.privacy.secret import Secret

_DIGITS: Final = 64  # of a SHA-256 digest
_LEAST_KEY: Final = 32  # characters
_MOST_HEAD: Final = 1000


@dataclass(frozen=True, slots=True)
class Register:
    """What is known of a register.

    Attributes:
        months: How old its list may be, counted from the day it is of.
        field: What it is kept by.
        covers: What it blocks.
        source: Where that is from, and how sure it is.
    """

    months: int
    field: str
    covers: tuple[str, ...]
    source: str


REGISTERS: Final[Mapping[str, Register]] = MappingProxyType(
    {
        "NO-RESERVASJON": Register(
            1,
            "national_id",
            ("phone", "post"),
            "brreg.no: lists are washed against a register at most a month old; medium",
        ),
        "SE-NIX-TELEFON": Register(
            2,
            "phone",
            ("phone",),
            "nixtelefon.org: who is cleared may be called for two months from the register's "
            "version; medium",
        ),
        "DK-ROBINSON": Register(
            3,
            "national_id",
            ("phone", "post"),
            "danadresse.dk: the CPR office issues a list each quarter; medium",
        ),
    }
)


class SuppressionList(Protocol):
    """A port: who is not to be written to or called.

    Attributes:
        register: Which one, by its key in `REGISTERS`.
        as_of: The day it is of.
    """

    register: str
    as_of: date

    def blocks(self, value: str, market: str) -> bool:
        """Tell whether this number stands in it."""


def digest(key: Secret, field: str, value: str, market: str) -> str:
    """The keyed digest of a value (HMAC-SHA-256 of its matching form); empty if it has no form.

    Raises:
        UsageError: If the key is so short that it could be tried out.
    """
    if len(key.reveal()) < _LEAST_KEY:
        raise UsageError(f"the key must have {_LEAST_KEY} characters or more", field="key")
    form = matching_form(field, value, market)
    text = f"suppression\0{field}\0{form}".encode()
    return hmac.digest(key.reveal().encode(), text, "sha256").hex() if form else ""


def keep(
    path: Path,
    register: str,
    values: Iterable[str],
    *,
    as_of: date,
    key: Secret,
    market: str,
) -> int:
    """Write a list from what a register delivered. The file holds digests only.

    Args:
        path: Where to; only its owner can read it.
        register: Which one; see `REGISTERS`.
        values: The numbers in it. What cannot be one is left out.
        as_of: The day the delivery is of, not the day on which it is read.
        key: The shop's own for this purpose, 32 characters or more. Who has it and the file can
            try numbers out.
        market: ISO 3166 code of where the numbers are from.

    Returns:
        How many there are.
    """
    field = register_named(register).field
    digests = sorted({found for value in values if (found := digest(key, field, value, market))})
    head = {"register": register, "as_of": str(as_of), "digests": len(digests)}
    with private(path) as stream:
        stream.write(json.dumps(head) + "\n")
        stream.writelines(f"{each}\n" for each in digests)
    return len(digests)


class DigestList:
    """A suppression list in a file that `keep` wrote. Use it in a ``with`` statement."""

    def __init__(
        self, stream: IO[bytes], register: str, as_of: date, digests: Digests, key: Secret
    ) -> None:
        """Take over an open file; `open` is how to get one."""
        self._stream = stream
        self.register = register
        self.as_of = as_of
        self._digests = digests
        self._key = key

    @classmethod
    def open(cls, path: Path, *, key: Secret, today: date) -> Self:
        """Open a list.

        Args:
            path: The file.
            key: The key it was written with.
            today: The day on which it is to be used.

        Raises:
            UsageError: If it is no such file, is damaged, of a day still to come, or too old. Then
                nobody may be called or written to before there is a newer one.
        """
        stream = path.open("rb")
        try:
            register, as_of, digests = _head(stream, path)
            _check_day(path, as_of, register_named(register).months, today)
        except BaseException:
            stream.close()
            raise
        return cls(stream, register, as_of, digests, key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.close()

    def blocks(self, value: str, market: str) -> bool:
        """Tell whether this number stands in the list. What cannot be a number does not."""
        wanted = digest(self._key, REGISTERS[self.register].field, value, market)
        place = bisect_left(self._digests, wanted)
        return bool(wanted) and place < len(self._digests) and self._digests[place] == wanted


class Digests(Sequence[str]):
    """The digests of an open file, in order, each read when it is asked for."""

    def __init__(self, stream: IO[bytes], start: int, count: int) -> None:
        """Begin at this byte."""
        self._stream = stream
        self._start = start
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: int) -> str:  # type: ignore[override]  # no slices are taken
        self._stream.seek(self._start + place * (_DIGITS + 1))
        return self._stream.read(_DIGITS).decode("ascii")


def _head(stream: IO[bytes], path: Path) -> tuple[str, date, Digests]:
    first = stream.readline(_MOST_HEAD)
    try:
        match from_json(first):
            case {"register": str(register), "as_of": str(day), "digests": int(count)}:
                as_of = date.fromisoformat(day)
            case _:
                raise ValueError  # noqa: TRY301 -- the same answer as to what is no JSON
    except ValueError:
        raise UsageError(f"{path}: is not a suppression list") from None
    if stream.seek(0, 2) != len(first) + count * (_DIGITS + 1):
        raise UsageError(f"{path}: is not as long as it says; write it anew")
    return register, as_of, Digests(stream, len(first), count)


def _check_day(path: Path, as_of: date, months: int, today: date) -> None:
    last = _months_after(as_of, months)
    if as_of > today:
        raise UsageError(f"{path}: is of a day that is still to come", field="as_of")
    if today > last:
        raise UsageError(
            f"{path}: is of {as_of} and could be used until {last}; get a newer one",
            field="as_of",
        )


def register_named(name: str) -> Register:
    """Look up what is known of a register.

    Raises:
        UsageError: If it is none of `REGISTERS`.
    """
    if name not in REGISTERS:
        raise UsageError(f"a register is one of {', '.join(REGISTERS)}", field="register")
    return REGISTERS[name]


def _months_after(day: date, months: int) -> date:
    """The same day some months later, or the last of a month that is too short.

    >>> _months_after(date(2026, 11, 30), 3)
    datetime.date(2027, 2, 28)
    """
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    for last in range(day.day, 0, -1):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise AssertionError  # pragma: no cover -- every month has a first day
