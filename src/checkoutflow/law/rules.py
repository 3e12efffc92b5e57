"""What a country rule is: something that holds in a market between two dates, from a source."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import Field, PrivateAttr, StringConstraints, field_validator, model_validator

from checkoutflow.errors import InvalidInput
from checkoutflow.model import Frozen
from checkoutflow.money import digits_of

# Words for what is sold, the same in every market; a row of a table uses no other.
CATEGORIES: Final = (
    "standard",
    "food",
    "sweets",
    "restaurant",
    "hotel",
    "books",
    "newspapers",  # single copies
    "newspaper_subscription",
    "culture",
    "passenger_transport",
    "medicine",
    "repairs",
    "insurance",
)

MarketCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
# Left free by ISO 3166 for its users. Here it stands for every market.
EVERYWHERE: Final = "ZZ"
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class Rule(Frozen):
    """One row of a table of law.

    Attributes:
        market: Where it holds: an ISO 3166 code, of a country or of a part behind a tax border.
        valid_from: First day on which it holds.
        valid_to: Last day on which it holds; None while no end is known.
        source: Short citation of where the fact is from.
        read_on: When somebody last read the source.
        confidence: How sure we are. Unsure rows take the strict side and say so in the note.
        note: What else a reader should know.
    """

    market: MarketCode
    valid_from: date
    valid_to: date | None = None
    source: Sentence
    read_on: date
    confidence: Literal["high", "medium", "low"]
    note: str = Field(default="", max_length=300)

    # Filled in by the tables, never by a row's author.
    _origin: Literal["library", "shop"] = PrivateAttr(default="library")
    _replaces: Self | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to is before valid_from")
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """What the rule is about within its market; one rule per key holds on any day."""
        return ("",)

    @property
    def called(self) -> str:
        """What explanations call it: its id where it has one, else its kind in words."""
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(self).__name__).lower()
        return str(getattr(self, "id", "")) or words

    @property
    def origin(self) -> Literal["library", "shop"]:
        """Whose rule this is."""
        return self._origin

    @property
    def replaces(self) -> Self | None:
        """The library's rule that the shop's rule stands in for, where there is one."""
        return self._replaces

    def statement(self) -> str:
        """What the rule says, in a few words."""
        raise NotImplementedError

    def explain(self) -> str:
        """One line: what holds, when, from which source, and what it stands in for."""
        until = f" to {self.valid_to}" if self.valid_to else ""
        line = (
            f"{self.statement()}, from {self.valid_from}{until} "
            f"({self.source}; read {self.read_on}; confidence {self.confidence})"
        )
        if self.note:
            line += f"; {self.note}"
        if self.origin == "shop":
            line += "; the shop's own rule"
        if self.replaces is not None:
            line += f" instead of: {self.replaces.explain()}"
        return line


class VatRate(Rule):
    """A VAT rate.

    Attributes:
        categories: What it applies to, in the words of `CATEGORIES`.
        percent: Per cent of the price without VAT, exact to two decimals.
    """

    categories: tuple[str, ...] = Field(min_length=1)
    percent: Decimal = Field(ge=0, le=100, decimal_places=2)

    _asked: tuple[str, str] | None = PrivateAttr(default=None)  # market and category, if others

    @field_validator("categories")
    @classmethod
    def _are_known(cls, categories: tuple[str, ...]) -> tuple[str, ...]:
        if not set(categories) <= set(CATEGORIES):
            raise ValueError(f"categories are {', '.join(CATEGORIES)}")
        return categories

    @property
    def keys(self) -> tuple[str, ...]:
        """The categories: each has one rate on any day."""
        return self.categories

    @property
    def basis(self) -> int:
        """The rate in hundredths of a per cent, for whole-number arithmetic: 25.5 % is 2550."""
        return int(self.percent * 100)

    @property
    def is_fallback(self) -> bool:
        """Whether this is the standard rate because the category asked for has none."""
        return self._asked is not None and self._asked[1] not in self.categories

    def asked_for(self, market: str, category: str) -> Self:
        """The same rate as the answer for a market or category that has none of its own."""
        answer = self.model_copy()
        answer._asked = (market, category)  # noqa: SLF001 - a copy of ourselves
        return answer

    def statement(self) -> str:
        """What the rule says, in a few words."""
        text = f"VAT in {self.market} for {', '.join(self.categories)} is {self.percent} %"
        if self._asked is not None:
            market, category = self._asked
            text += f" and applies to {market} {category}, which has no rate of its own"
        return text


class Market(Rule):
    """A country, or a part of one that lies behind a tax border and is a market of its own.

    Attributes:
        currency: ISO 4217 code in which the market pays.
        locales: Languages of the market, the default first (``nb_NO``).
        parent: The country this is a part of; None for a country.
        postal_codes: Codes that tell this part from its country: ``22000-22999`` or ``2412``.
        tax_border: Whether goods sent here from the country itself are exported.
        vat_as: The market whose VAT rates apply here; None if it has its own, or none at all.
        utc_offset_h: Hours that its clocks are ahead of UTC in winter.
        summer_time: Whether they go an hour ahead in summer, on the days of directive 2000/84/EC.
        law_as: The market whose rules on payment and credit apply here; None if it has its own,
            or none that we know.
    """

    currency: str
    locales: tuple[str, ...] = Field(min_length=1)
    parent: MarketCode | None = None
    postal_codes: tuple[Annotated[str, StringConstraints(pattern=r"^[0-9]+(-[0-9]+)?$")], ...] = ()
    tax_border: bool = False
    vat_as: MarketCode | None = None
    utc_offset_h: int = Field(default=0, ge=-12, le=14)
    summer_time: bool = False
    law_as: MarketCode | None = None

    @field_validator("currency")
    @classmethod
    def _is_known(cls, currency: str) -> str:
        try:
            digits_of(currency)
        except InvalidInput as error:
            raise ValueError(error.problems[0][1]) from None
        return currency

    def has_postal_code(self, digits: str) -> bool:
        """Whether the code, bare digits, is one of this part's own."""
        for span in self.postal_codes:
            first, _, last = span.partition("-")
            if len(digits) == len(first) and first <= digits <= (last or first):
                return True
        return False

    def statement(self) -> str:
        """What the rule says, in a few words."""
        text = f"{self.market} pays in {self.currency}"
        if self.parent is not None:
            text += f", belongs to {self.parent}"
        if self.tax_border:
            text += " and lies behind a tax border"
        return text
