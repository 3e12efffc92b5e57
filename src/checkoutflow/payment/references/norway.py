"""Norway: KID, the customer identification on a giro.

Sources: Mastercard Payment Services' KID page and public test vectors, recomputed. Confidence: high
for the arithmetic, medium for the hyphen.
"""

from __future__ import annotations

import re
from itertools import cycle
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from checkoutflow.errors import InvalidInput
from checkoutflow.payment.references.scheme import (
    LONGEST,
    Market,
    Part,
    ReferenceScheme,
    base_digits,
    luhn_digit,
    number_text,
    without_blanks,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class Kid(ReferenceScheme):
    """A Norwegian KID: digits of an agreed number, the last of them a check.

    An agreement may have up to three kinds of KID, each of another length. Each is a scheme.

    Attributes:
        method: Which modulus the check follows.
        length: Characters in all, 2 to 25, as agreed with the bank.
        allows_hyphen: Whether the agreement takes the hyphen that MOD11 gives about every
            eleventh number for a check. Not every bank and form does, so that such numbers are
            skipped by default.

    >>> Kid(method="mod11", length=12).generate(2026000123)
    '020260001230'
    """

    kind: Literal["kid"] = "kid"
    market: Market = "NO"
    method: Literal["mod10", "mod11"]
    length: Annotated[int, Field(ge=2, le=LONGEST)]
    allows_hyphen: bool = False

    def next_usable(self, number: int) -> int:
        """The first number from this one on whose check is a digit, or an allowed hyphen.

        Raises:
            InvalidInput: If the numbers do not fit, or no longer do.
        """
        while self._skips(number_text(number)):
            number += 1
        return super().next_usable(number)

    def _built(self, base: str, *, field: str) -> str:
        base_digits(base, most=self.length - 1, field=field)
        if self._skips(base):
            message = "its check would be a hyphen; skip it and take what next_usable gives"
            raise InvalidInput(message, field=field)
        padded = base.zfill(self.length - 1)
        return padded + self._check(padded)

    def _skips(self, base: str) -> bool:
        return not self.allows_hyphen and self._check(base) == "-"

    def _check(self, base: str) -> str:
        return luhn_digit(base) if self.method == "mod10" else _mod11_check(base)

    def _shaped(self, text: str) -> str:
        bare = without_blanks(text)
        if not re.fullmatch("[0-9]+-?" if self.allows_hyphen else "[0-9]+", bare):
            last = "; only the last may be a hyphen" if self.allows_hyphen else " only"
            raise self._refusal("format", f"a KID is digits{last}")
        return self._within(bare, self.length, self.length)

    def _parts(self, bare: str) -> Iterator[Part]:
        yield Part(bare[:-1], "the shop's number", "with zeros before it, to the agreed length")
        rule = "modulus 10" if self.method == "mod10" else "modulus 11"
        yield Part(bare[-1], "check digit", rule, self._check(bare[:-1]))


def _mod11_check(base: str) -> str:
    weighted = zip(reversed(base), cycle(range(2, 8)), strict=False)  # 2 to 7, from the right
    check = -sum(int(digit) * weight for digit, weight in weighted) % 11
    return "-" if check == 10 else str(check)  # noqa: PLR2004 -- the one value that is no digit
