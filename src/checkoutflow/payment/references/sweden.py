"""Sweden: OCR references, and the account numbers of Bankgirot and Plusgirot.

Sources: Bankgirot's OCR test page and the manual of Bankgiro Receivables. Confidence: high for the
check digit and the length digit, medium for the limit of 2 to 25 digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from checkoutflow.payment.references.scheme import (
    LONGEST,
    CheckedNumber,
    Market,
    Part,
    ReferenceScheme,
    base_digits,
    grouped_from_right,
    luhn_digit,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_LUHN: Final = "modulus 10"


class Ocr(ReferenceScheme):
    """A Swedish OCR reference: digits, the last of them a check digit.

    Attributes:
        level: What the shop agreed with its bank. ``soft``: a check digit, but after a warning
            the bank also takes a reference with a wrong one, and so does `validate`. ``hard``: a
            check digit that must be right. ``length_digit``: also, last but one, the last digit
            of the length. ``fixed_length``: a check digit, and one of the agreed lengths.
        lengths: The one or two lengths of ``fixed_length``, check digit included. A number takes
            the shorter one if it fits there.

    >>> Ocr(level="length_digit").generate(20260417)
    '2026041703'
    """

    kind: Literal["ocr"] = "ocr"
    market: Market = "SE"
    level: Literal["soft", "hard", "length_digit", "fixed_length"]
    lengths: tuple[Annotated[int, Field(ge=2, le=LONGEST)], ...] = Field(default=(), max_length=2)

    @model_validator(mode="after")
    def _lengths_are_of_their_level(self) -> Self:
        if bool(self.lengths) != (self.level == "fixed_length"):
            raise ValueError("lengths belong to the level fixed_length, which needs one or two")
        return self

    def _built(self, base: str, *, field: str) -> str:
        if self.level == "fixed_length":
            base_digits(base, most=max(self.lengths) - 1, field=field)
            length = min(length for length in self.lengths if length > len(base))
            base = base.zfill(length - 1)
        elif self.level == "length_digit":
            base_digits(base, most=LONGEST - 2, field=field)
            base += _length_digit(len(base) + 2)
        else:
            base_digits(base, most=LONGEST - 1, field=field)
        return base + luhn_digit(base)

    def _shaped(self, text: str) -> str:
        bare = self._digits(text)
        if self.level == "fixed_length":
            return self._of_length(bare, *self.lengths)
        return self._within(bare, 3 if self.level == "length_digit" else 2, LONGEST)

    def _parts(self, bare: str) -> Iterator[Part]:
        checked = bare[:-1]
        if self.level == "length_digit":
            length, rule = _length_digit(len(bare)), f"{len(bare)} digits in all"
            yield Part(bare[:-2], "the shop's number")
            yield Part(bare[-2], "length digit", rule, length, "length_digit")
            checked = bare[:-2] + length  # so that all that should be makes a good reference
        elif self.level == "fixed_length":
            yield Part(checked, "the shop's number", "with zeros before it, to a fixed length")
        else:
            yield Part(checked, "the shop's number")
        check = luhn_digit(checked)
        if self.level == "soft":
            rule = f"{_LUHN}; a wrong one passes after a warning"
            yield Part(bare[-1], "check digit", rule, check, reason=None)
        else:
            yield Part(bare[-1], "check digit", _LUHN, check)


def _length_digit(length: int) -> str:
    return str(length % 10)


class _Giro(CheckedNumber):
    """What the two kinds of account number share: digits, of which the last is a check digit."""

    lengths: ClassVar[range]

    def _shaped(self, text: str) -> str:
        bare = self._digits(text.replace("-", ""))
        if len(bare) not in self.lengths:
            message = f"{self.lengths[0]} to {self.lengths[-1]} digits are needed, not {len(bare)}"
            raise self._refusal("length", message)
        return bare

    def _parts(self, bare: str) -> Iterator[Part]:
        yield Part(bare[:-1], f"{self.what} number")
        yield Part(bare[-1], "check digit", _LUHN, luhn_digit(bare[:-1]))


class Bankgiro(_Giro):
    """A bankgiro number: 7 or 8 digits.

    >>> Bankgiro().format("9912346")
    '991-2346'
    """

    what: ClassVar[str] = "bankgiro"
    lengths: ClassVar[range] = range(7, 9)

    def _printed(self, bare: str) -> str:
        return f"{bare[:-4]}-{bare[-4:]}"


class Plusgiro(_Giro):
    """A plusgiro number: 2 to 8 digits.

    >>> Plusgiro().format("9019514")
    '90 19 51-4'
    """

    what: ClassVar[str] = "plusgiro"
    lengths: ClassVar[range] = range(2, 9)

    def _printed(self, bare: str) -> str:
        return f"{grouped_from_right(bare[:-1], 2)}-{bare[-1]}"
