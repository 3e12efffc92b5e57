"""Money: whole minor units and a currency, and the few named places where rounding happens.

Nothing here is ever a float. A calculation that does not come out even says how it rounds
(`divide`), and a split says where the odd minor units go (`allocate`, `share`), so that the parts
always add up to the whole.

Source: ISO 4217 for the codes and their digits; ``docs/explanation/rounding.md`` for the methods.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

from pydantic_core import PydanticCustomError, core_schema

from checkoutflow.errors import InvalidInput, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

# Digits after the decimal point, by ISO 4217 code. A currency that is not here is refused.
DIGITS: Final = {"DKK": 2, "SEK": 2, "NOK": 2, "EUR": 2, "ISK": 0, "GBP": 2, "USD": 2}

# No cart, order or refund comes near this, and every store and provider can hold it exactly.
MAX_MINOR: Final = 10**13

_AMOUNT: Final = re.compile(r"(-?)([0-9]{1,14})(?:\.([0-9]{1,4}))?")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency, exact to its smallest unit.

    Attributes:
        minor: Whole minor units (øre, öre, cent; whole krónur for ISK); may be negative.
        currency: ISO 4217 code, one of `DIGITS`.

    Raises:
        InvalidInput: If ``minor`` is not an ``int`` (``bool`` is refused too) or is beyond
            `MAX_MINOR`, or if the currency is not known.

    As a field of a model it is read from a ``Money``, from ``{"minor": 12900, "currency": "DKK"}``
    or from ``"129.00 DKK"``, and written to JSON in the second form.

    >>> Money(12900, "DKK") + Money.parse("1.50", "DKK")
    Money(minor=13050, currency='DKK')
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        """Refuse what is not an exact, bounded amount in a known currency."""
        if type(self.minor) is not int:  # a bool is an int to isinstance, and never an amount
            raise InvalidInput("an amount is a whole number of minor units", field="minor")
        if not -MAX_MINOR <= self.minor <= MAX_MINOR:
            raise InvalidInput(f"an amount is at most {MAX_MINOR} minor units", field="minor")
        if self.currency not in DIGITS:
            digits_of(self.currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in the given currency."""
        return cls(0, currency)

    @classmethod
    def parse(cls, text: str, currency: str) -> Self:
        """Read plain decimal text such as ``1234.50``.

        Args:
            text: Digits, with an optional leading minus and decimal point; no thousands marks, no
                exponent, no spaces, no more decimals than the currency has.
            currency: ISO 4217 code.

        Raises:
            InvalidInput: If the text is anything else.
        """
        digits = digits_of(currency)
        match = _AMOUNT.fullmatch(text)
        if match is None:
            raise InvalidInput("write the amount as plain decimals, like 1234.50", field="amount")
        sign, whole, fraction = match.group(1), match.group(2), match.group(3) or ""
        if len(fraction) > digits:
            raise InvalidInput(f"{currency} has {digits} decimals, not more", field="amount")
        return cls(int(f"{sign}{whole}{fraction:0<{digits}}"), currency)

    @classmethod
    def read(cls, text: str) -> Self:
        """Read an amount followed by one space and its currency: ``1234.50 DKK``.

        Raises:
            InvalidInput: If the text has another form or the currency is not known.
        """
        amount, _, currency = text.partition(" ")
        return cls.parse(amount, currency)

    @property
    def is_zero(self) -> bool:
        """Whether this is exactly nothing."""
        return self.minor == 0

    def decimal(self) -> Decimal:
        """The amount in whole units (kroner, euro), exact, with the currency's own decimals."""
        return Decimal(self.minor).scaleb(-DIGITS[self.currency])

    def __str__(self) -> str:
        """Plain text for logs, errors and files; `Money.read` reads it back."""
        return f"{self.decimal()} {self.currency}"

    def format(self, locale: str) -> str:
        """Write the amount as people in ``locale`` (``da_DK``) write it.

        Raises:
            InvalidInput: If the locale is not known.

        Source: Unicode CLDR through Babel, which also chooses the kind of space.
        """
        # Babel is large, and most processes that move money never print any.
        from babel.core import Locale, UnknownLocaleError  # noqa: PLC0415 - see above
        from babel.numbers import format_currency  # noqa: PLC0415 - see above

        try:
            known = Locale.parse(locale)  # an empty name would mean the machine's own locale
        except (UnknownLocaleError, ValueError):
            raise InvalidInput("no such locale; write it like da_DK", field="locale") from None
        return format_currency(self.decimal(), self.currency, locale=known)

    def __add__(self, other: Money) -> Money:
        """Sum in one currency; `UsageError` if the currencies differ."""
        if not isinstance(other, Money):
            return NotImplemented
        self._agree(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        """Difference in one currency; `UsageError` if the currencies differ."""
        if not isinstance(other, Money):
            return NotImplemented
        self._agree(other)
        return Money(self.minor - other.minor, self.currency)

    def __mul__(self, times: int) -> Money:
        """The amount a whole number of times; anything but an ``int`` is a ``TypeError``."""
        if type(times) is not int:
            return NotImplemented
        return Money(self.minor * times, self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> Money:
        """The same amount the other way."""
        return Money(-self.minor, self.currency)

    def __abs__(self) -> Money:
        """The size of the amount, without its sign."""
        return Money(abs(self.minor), self.currency)

    def __lt__(self, other: Money) -> bool:
        """Whether less; `UsageError` if the currencies differ."""
        if not isinstance(other, Money):
            return NotImplemented
        self._agree(other)
        return self.minor < other.minor

    def __le__(self, other: Money) -> bool:
        """Whether less or equal; `UsageError` if the currencies differ."""
        if not isinstance(other, Money):
            return NotImplemented
        self._agree(other)
        return self.minor <= other.minor

    def __gt__(self, other: Money) -> bool:
        """Whether more; `UsageError` if the currencies differ."""
        if not isinstance(other, Money):
            return NotImplemented
        self._agree(other)
        return self.minor > other.minor

    def __ge__(self, other: Money) -> bool:
        """Whether more or equal; `UsageError` if the currencies differ."""
        if not isinstance(other, Money):
            return NotImplemented
        self._agree(other)
        return self.minor >= other.minor

    def _agree(self, other: Money) -> None:
        if self.currency != other.currency:
            raise UsageError(f"{self.currency} and {other.currency} do not mix; convert one first")

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: object, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Let models hold money. Everything but the short text is checked without Python code."""
        minor = core_schema.int_schema(strict=True, ge=-MAX_MINOR, le=MAX_MINOR)
        fields = [
            core_schema.dataclass_field("minor", minor),
            core_schema.dataclass_field("currency", core_schema.literal_schema(list(DIGITS))),
        ]
        arguments = core_schema.dataclass_args_schema("Money", fields, extra_behavior="forbid")
        return core_schema.no_info_before_validator_function(
            _from_text,
            core_schema.dataclass_schema(cls, arguments, fields=["minor", "currency"], slots=True),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the written form, and when reading the short text as well."""
        written: JsonSchemaValue = {
            "type": "object",
            "title": "Money",
            "description": "Whole minor units of an ISO 4217 currency.",
            "properties": {
                "minor": {"type": "integer", "minimum": -MAX_MINOR, "maximum": MAX_MINOR},
                "currency": {"type": "string", "enum": list(DIGITS)},
            },
            "required": ["minor", "currency"],
            "additionalProperties": False,
        }
        if handler.mode == "serialization":
            return written
        short = {
            "type": "string",
            "pattern": r"^-?[0-9]+(\.[0-9]+)? [A-Z]{3}$",
            "examples": ["129.00 DKK"],
        }
        return {"anyOf": [written, short]}


def _from_text(value: object) -> object:
    """Money if it is the short text, else the value as it is. The error never repeats the value."""
    if not isinstance(value, str):
        return value
    try:
        return Money.read(value)
    except InvalidInput as error:
        ((_, problem),) = error.problems
        raise PydanticCustomError("money", "{problem}", {"problem": problem}) from None


def digits_of(currency: str) -> int:
    """How many decimals a currency has.

    Raises:
        InvalidInput: If the currency is not one of `DIGITS`.
    """
    digits = DIGITS.get(currency)
    if digits is None:
        raise InvalidInput(f"unknown currency; known are {', '.join(DIGITS)}", field="currency")
    return digits


class Rounding(StrEnum):
    """What happens to the part that does not fit; named at every division."""

    HALF_UP = "half_up"  # to the nearest; a half goes away from zero
    HALF_EVEN = "half_even"  # to the nearest; a half goes to the even neighbour
    DOWN = "down"  # towards zero
    UP = "up"  # away from zero


# Whether a quotient moves one away from zero, from its size and from how its remainder compares
# with one half (both without sign): below, at or above zero.
_MOVES: Final[dict[Rounding, Callable[[int, int, int], bool]]] = {
    Rounding.HALF_UP: lambda _size, _rest, to_half: to_half >= 0,
    Rounding.HALF_EVEN: lambda size, _rest, to_half: to_half + size % 2 > 0,
    Rounding.DOWN: lambda _size, _rest, _to_half: False,
    Rounding.UP: lambda _size, rest, _to_half: rest > 0,
}


def divide(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Divide whole numbers, exactly, and round the quotient as named.

    Raises:
        ZeroDivisionError: If the denominator is zero.

    >>> divide(-5, 2, Rounding.HALF_UP), divide(-5, 2, Rounding.DOWN)
    (-3, -2)
    """
    size, rest = divmod(abs(numerator), abs(denominator))
    size += _MOVES[rounding](size, rest, 2 * rest - abs(denominator))
    return size if (numerator < 0) == (denominator < 0) else -size


def total(items: Iterable[Money], currency: str) -> Money:
    """Add up amounts of one currency; nothing gives zero in that currency.

    Raises:
        UsageError: If one of them is in another currency.
    """
    minor = 0
    for item in items:
        if item.currency != currency:
            raise UsageError(f"{currency} and {item.currency} do not mix; convert one first")
        minor += item.minor
    return Money(minor, currency)


def exceeded(amount: Money, limits: Iterable[Money]) -> Money | None:
    """The limit in its currency that an amount is above; None if it is above none.

    >>> str(exceeded(Money(200, "DKK"), [Money(100, "NOK"), Money(150, "DKK")]))
    '1.50 DKK'
    """
    return next((it for it in limits if it.currency == amount.currency and amount > it), None)


def allocate(total: Money, weights: Sequence[int]) -> list[Money]:
    """Split an amount over order lines so that the parts add up to the whole.

    Args:
        total: Amount to split, in minor units; negative for a discount.
        weights: One non-negative integer per line; at least one above zero.

    Returns:
        One amount per weight, in the same order. What rounding leaves over goes to the lines with
        the largest remainders; of equal remainders, to the earlier line.

    Raises:
        ValueError: If no weight is above zero, or one is negative.

    Source: largest-remainder method; see ``docs/explanation/rounding.md``.

    >>> [part.minor for part in allocate(Money(100, "NOK"), [1, 1, 1])]
    [34, 33, 33]
    """
    return [Money(part, total.currency) for part in spread(total.minor, weights)]


def spread(minor: int, weights: Sequence[int]) -> list[int]:
    """`allocate` on bare minor units, for calculations that wrap their results once at the end.

    Raises:
        ValueError: If no weight is above zero, or one is negative.
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError("weights are non-negative, and at least one is above zero")
    size = abs(minor)
    parts = [size * weight // whole for weight in weights]
    left = size - sum(parts)
    if left:
        # A stable sort keeps lines with equal remainders in order. A weight of zero has no
        # remainder, and fewer units are left than there are remainders: it never gets one.
        by_remainder = sorted(range(len(parts)), key=lambda i: -(size * weights[i] % whole))
        for i in by_remainder[:left]:
            parts[i] += 1
    return parts if minor >= 0 else [-part for part in parts]


def share(total: Money, parts: int, upto: int) -> Money:
    """What the first ``upto`` of ``parts`` equal parts of an amount come to, together.

    A line of three pieces for 100.00 is worth 33.33, 66.66 and 100.00 after one, two and three of
    them. Whoever ships, cancels or returns pieces takes the difference of two shares, so every
    order of doing it adds up to the whole. Rounds towards zero: no one is charged ahead.

    Args:
        total: The amount of all parts.
        parts: How many equal parts there are; at least one.
        upto: How many of them count; from none to all.

    Raises:
        ValueError: If ``upto`` is not between zero and ``parts``, or there are no parts.
    """
    if not 0 <= upto <= parts or parts == 0:
        raise ValueError(f"cannot take {upto} of {parts} parts")
    return Money(divide(total.minor * upto, parts, Rounding.DOWN), total.currency)
