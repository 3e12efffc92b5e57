"""What every payment reference can do: be generated, validated, printed and explained.

A reference is a row of parts, and a scheme says what each part has to be. It is valid when no part
is wrong, and explained by listing them, so that the two cannot disagree.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal

from pydantic import Field

from checkoutflow.errors import InvalidInput
from checkoutflow.model import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

# Why a reference is refused; stable, for callers to branch on.
Reason = Literal[
    "format",  # characters that do not belong there
    "length",  # neither of the lengths there are
    "too_short",
    "too_long",
    "length_digit",  # the digit that counts the others is wrong
    "check_digit",
    "card_type",  # FIK: no type there is, or not the scheme's
    "payment_id",  # FIK: one is given where the type has none
    "creditor",  # FIK: the line pays somebody else
]

Market = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]

LONGEST: Final = 25  # of any scheme, in characters


class InvalidReference(InvalidInput):
    """The text is not a reference of this scheme, or was copied wrong.

    Attributes:
        reason: Why; one of `Reason`.
    """

    def __init__(self, reason: Reason, message: str, *, field: str) -> None:
        """Keep the reason beside the message."""
        super().__init__(message, field=field)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a reference, as it stands there.

    Attributes:
        text: Its characters.
        name: What it is.
        rule: How it comes about, in words; empty if there is nothing to say.
        expected: What it has to be; None where anything goes.
        reason: Why the reference is refused if it is something else; None if it is not refused.
    """

    text: str
    name: str
    rule: str = ""
    expected: str | None = None
    reason: Reason | None = "check_digit"

    @property
    def is_wrong(self) -> bool:
        """Whether it had to be something else."""
        return self.expected is not None and self.text != self.expected

    def __str__(self) -> str:
        """Say what the part is, and what it should have been."""
        said = f"{self.text}: {self.name}" + (f" ({self.rule})" if self.rule else "")
        return f"{said}; wrong, it should be {self.expected}" if self.is_wrong else said


class CheckedNumber(Frozen):
    """A number that people copy by hand, with a check that shows most slips.

    Attributes:
        what: What it is called in messages, and the ``field`` of its errors.
    """

    what: ClassVar[str] = "reference"

    def validate(self, text: str) -> str:  # type: ignore[override] # pydantic's own: deprecated
        """Check what somebody wrote or a bank sent.

        Args:
            text: The number as printed or as stored; blanks do not count.

        Returns:
            The number as it is stored, without blanks or marks.

        Raises:
            InvalidReference: If it is not one, with the reason.
        """
        bare = self._shaped(text)
        for part in self._parts(bare):
            if part.is_wrong and part.reason:
                message = f"wrong {part.name}; copy the {self.what} again, digit for digit"
                raise self._refusal(part.reason, message)
        return bare

    def format(self, reference: str) -> str:
        """Write the number as it is printed for people.

        Raises:
            InvalidReference: If it is not one.
        """
        return self._printed(self.validate(reference))

    def explain(self, reference: str) -> tuple[str, ...]:
        """Say in words for the shop what each part is, and which is wrong; never raises.

        Returns:
            One line a part; or one line in all, saying why it cannot be taken apart.
        """
        try:
            bare = self._shaped(reference)
        except InvalidReference as refused:
            return (refused.problems[0][1],)
        return tuple(str(part) for part in self._parts(bare))

    @abstractmethod
    def _shaped(self, text: str) -> str:
        """Take off what is only print, and refuse what cannot be taken apart."""

    @abstractmethod
    def _parts(self, bare: str) -> Iterable[Part]:
        """Give the parts of a number of the right shape."""

    def _printed(self, bare: str) -> str:
        return bare

    def _refusal(self, reason: Reason, message: str) -> InvalidReference:
        return InvalidReference(reason, message, field=self.what)

    def _digits(self, text: str) -> str:
        bare = without_blanks(text)
        if not is_digits(bare):
            raise self._refusal("format", f"a {self.what} here is digits only")
        return bare

    def _within(self, bare: str, shortest: int, longest: int) -> str:
        if len(bare) < shortest:
            raise self._refusal("too_short", f"at least {shortest} characters are needed")
        if len(bare) > longest:
            raise self._refusal("too_long", f"at most {longest} characters are allowed")
        return bare

    def _of_length(self, bare: str, *lengths: int) -> str:
        if len(bare) not in lengths:
            needed = " or ".join(map(str, sorted(lengths)))
            raise self._refusal("length", f"{needed} digits are needed, not {len(bare)}")
        return bare


class ReferenceScheme(CheckedNumber):
    """One agreement with a bank about references; a shop writes it as data.

    Attributes:
        market: ISO 3166 code of the country whose customers quote these references.
    """

    market: Market

    def generate(self, number: int) -> str:
        """Make the reference of a number, for instance of an invoice.

        Args:
            number: From zero on; one that was never used before. Different numbers have
                different references.

        Returns:
            The reference as it is stored. Where the scheme has a fixed length, zeros come first.

        Raises:
            InvalidInput: If the number does not fit, or is one to skip (see `next_usable`).
        """
        return self._built(number_text(number), field="number")

    def next_usable(self, number: int) -> int:
        """The first number from this one on that has a reference.

        Only MOD11 in Norway leaves some out; a skipped number is never used later either.

        Raises:
            InvalidInput: If the numbers do not fit, or no longer do.
        """
        self.generate(number)
        return number

    def of_base(self, base: str) -> str:
        """Make the reference of a text, for those whose numbers begin with zeros or have letters.

        Args:
            base: Digits (and capital letters for RF) that the shop chose, without any check digit.

        Raises:
            InvalidInput: If it does not fit.
        """
        return self._built(base, field="base")

    @abstractmethod
    def _built(self, base: str, *, field: str) -> str:
        """Add to a base what the scheme adds; errors name the field it came from."""


def number_text(number: int) -> str:
    """A whole number from zero on as digits.

    Raises:
        InvalidInput: If it is none, or longer than any reference.
    """
    if type(number) is not int or not 0 <= number < 10**LONGEST:
        message = f"is a whole number from zero on, of at most {LONGEST} digits"
        raise InvalidInput(message, field="number")
    return str(number)


def base_digits(base: str, *, most: int, field: str, least: int = 1) -> str:
    """Check that a base is digits and fits.

    Raises:
        InvalidInput: If not; the message says how many digits do.
    """
    if not (is_digits(base) and least <= len(base) <= most):
        message = f"{least} to {most} digits make a reference here; go on in a series that fits"
        raise InvalidInput(message, field=field)
    return base


def without_blanks(text: str) -> str:
    """The text without blanks of any kind, wherever they are."""
    return "".join(text.split())


def is_digits(text: str) -> bool:
    """Whether the text is one or more of the digits 0 to 9, and nothing else."""
    return re.fullmatch("[0-9]+", text) is not None


def grouped_from_right(digits: str, size: int) -> str:
    """Digits in groups with blanks between them; only the first group may be shorter.

    >>> grouped_from_right("1234561", 5)
    '12 34561'
    """
    first = len(digits) % size
    groups = [digits[:first], *(digits[i : i + size] for i in range(first, len(digits), size))]
    return " ".join(filter(None, groups))


def luhn_digit(digits: str) -> str:
    """The check digit of modulus 10, which doubles every second digit (Luhn)."""
    from stdnum import luhn  # noqa: PLC0415 -- loaded by those who need it

    return luhn.calc_check_digit(digits)
