"""Rules on insurance that is sold with goods: who may sell it unregistered, and its tax.

Sources: Directive (EU) 2016/97 on insurance distribution, and the national acts that each row
names.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from checkoutflow.law.rules import Rule
from checkoutflow.money import DIGITS, Money

# What a cover is against. ``transport``: loss or damage while the goods are on their way.
# ``non_use``: that a service cannot be used. ``other``: life, liability and all else.
Risk = Literal[
    "breakdown", "damage", "loss", "theft", "transport", "non_use", "baggage", "travel", "other"
]
RISKS: Final[tuple[Risk, ...]] = get_args(Risk)

_YEAR: Final = 12  # months


class PremiumTax(Rule):
    """The tax on premiums; it is in the price that is shown, and the insurer pays it.

    Attributes:
        percent: Per cent of the premium without the tax.
        exempt: A cover against nothing but these is free of it.
    """

    percent: Decimal = Field(ge=0, le=100, decimal_places=2)
    exempt: frozenset[Risk] = frozenset()

    def percent_for(self, risks: frozenset[Risk]) -> Decimal:
        """The rate for a cover against these."""
        return Decimal(0) if risks <= self.exempt else self.percent

    def statement(self) -> str:
        """What the rule says, in a few words."""
        if not self.percent:
            return f"{self.market}: no tax on the premium of insurance that is sold with goods"
        exempt = f", none on {', '.join(sorted(self.exempt))}" if self.exempt else ""
        return f"{self.market}: {self.percent} % tax on the premium{exempt}"


class AncillaryLimits(Rule):
    """When a shop may sell insurance beside goods or a service without being registered for it.

    Attributes:
        risks: All that the cover may be against.
        yearly: What it may cost for a year, by item and contract; longer and shorter covers in
            proportion.
        service_months: Beside a service that lasts no longer, the cost for a year does not count.
        service: What it may then cost in all, for a person.
    """

    risks: frozenset[Risk]
    yearly: Money
    service_months: int = Field(ge=0)
    service: Money

    @model_validator(mode="after")
    def _is_in_euro(self) -> Self:
        if {self.yearly.currency, self.service.currency} != {"EUR"}:
            raise ValueError("the limits are in EUR; other currencies have a rate")
        return self

    def allow(
        self,
        premium: Money,
        *,
        months: int,
        risks: frozenset[Risk],
        service_months: int | None = None,
        per_euro: Decimal = Decimal(1),
    ) -> bool:
        """Whether this cover may be sold so.

        Args:
            premium: What it costs in all, taxes included.
            months: For how long.
            risks: What it is against.
            service_months: How long the service lasts that it is sold with; None for goods.
            per_euro: What one euro is in the premium's currency.
        """
        if not risks <= self.risks:
            return False
        cost = premium.decimal()
        if cost * _YEAR <= self.yearly.decimal() * per_euro * months:
            return True
        is_short = service_months is not None and service_months <= self.service_months
        return is_short and cost <= self.service.decimal() * per_euro

    def statement(self) -> str:
        """What the rule says, in a few words."""
        return (
            f"without being registered, a shop sells cover of its own goods for at most "
            f"{self.yearly} a year, or beside a service of at most {self.service_months} months "
            f"for at most {self.service}; against {', '.join(sorted(self.risks))}"
        )


class EuroRate(Rule):
    """What one euro counts as in another currency where a limit is in euro."""

    currency: str
    per_euro: Decimal = Field(gt=0, le=1_000, decimal_places=5)

    @field_validator("currency")
    @classmethod
    def _is_known(cls, currency: str) -> str:
        if currency not in DIGITS or currency == "EUR":
            raise ValueError(f"is one of {', '.join(code for code in DIGITS if code != 'EUR')}")
        return currency

    @property
    def keys(self) -> tuple[str, ...]:
        """The currency: each has one rate on any day."""
        return (self.currency,)

    def statement(self) -> str:
        """What the rule says, in a few words."""
        return f"one euro counts as {self.per_euro} {self.currency}"
