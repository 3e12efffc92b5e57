"""Rules on consumer credit: when giving time to pay is credit, and what credit may cost.

Sources: Directive (EU) 2023/2225, applied from 2026-11-20 on, and the national acts that each row
names.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import Field, StringConstraints, model_validator

from checkoutflow.law.rules import Rule
from checkoutflow.money import Money

# What whoever gives credit, or lets a customer choose it, has to do.
Duty = Literal[
    "precontract_information",  # the standard form, the key figures on its first page
    "creditworthiness_check",  # never from social media or special categories of data
    "explanation",
    "active_consent",  # nothing ticked beforehand
    "durable_copy",  # of the agreement
    "withdrawal_14_days",  # from the credit, whatever holds for the goods
    "early_repayment",  # at any time, and it lowers the cost
    "forbearance",  # before anything is done about missed payments
    "licence",  # or an entry in a register, of the creditor or of who brings the customer to it
    "creditor_named",  # where the customer chooses how to pay
    "borrowing_warning",  # in advertising: that borrowing costs money
    "cost_and_risk_notice",  # in Swedish marketing: what happens to who cannot pay back
    "strong_identification",  # an electronic one, and a record that it took place
]
DUTIES: Final[tuple[Duty, ...]] = get_args(Duty)

Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,40}$")]


class CreditScope(Rule):
    """When giving a consumer time to pay is a consumer credit, and what then has to be done.

    One such rule holds in a market on a day. Where there is none, every deferral is a consumer
    credit with every duty.

    Attributes:
        id: Always ``deferral``.
        no_cost_is_outside: Whether credit without interest and any charge is outside the law,
            however long, whoever gives it.
        supplier_days: Days after delivery within which a seller's own free deferral is exempt, if
            the seller is a small or medium enterprise; 0 for never.
        supplier_days_if_large: The same for any other seller, on line.
        light_days: Days within which a free deferral, whoever gives it, has the `light_duties`
            only; 0 for never.
        duties: What a consumer credit asks for.
        light_duties: What remains of them under the light rules.
        deferral_duties: What any deferral asks for, also an exempt one.
        age: Years a customer must have to be given time to pay at all.
    """

    id: Literal["deferral"]
    no_cost_is_outside: bool = False
    supplier_days: int = Field(default=0, ge=0)
    supplier_days_if_large: int = Field(default=0, ge=0)
    light_days: int = Field(default=0, ge=0)
    duties: tuple[Duty, ...] = DUTIES
    light_duties: tuple[Duty, ...] = ()
    deferral_duties: tuple[Duty, ...] = ()
    age: int = Field(default=18, ge=0)

    @property
    def keys(self) -> tuple[str, ...]:
        """Its id: one rule on scope holds in a market on any day."""
        return (self.id,)

    def days_of_supplier(self, *, is_sme: bool) -> int:
        """Days after delivery for which a seller of this size may itself give time, free."""
        return self.supplier_days if is_sme else self.supplier_days_if_large

    def statement(self) -> str:
        """What the rule says, in a few words."""
        outside = []
        if self.no_cost_is_outside:
            outside.append("free credit is outside the law")
        if self.supplier_days or self.supplier_days_if_large:
            outside.append(
                f"a seller's own free deferral is exempt for {self.supplier_days} days after "
                f"delivery, for {self.supplier_days_if_large} if the seller is large"
            )
        if self.light_days:
            outside.append(f"light rules hold for free credit of at most {self.light_days} days")
        return f"time to pay in {self.market}: {', '.join([*outside, 'all else is credit'])}"


class ReferenceRate(Rule):
    """A rate of interest that caps lean on, for the days for which it was set.

    Attributes:
        id: ``reference_rate`` (of the act on interest) or ``policy_rate`` (of the central bank).
        percent: Per cent a year; may be negative.
    """

    id: Word
    percent: Decimal = Field(ge=-10, le=100, decimal_places=4)

    @property
    def keys(self) -> tuple[str, ...]:
        """Its id: each reference has one rate on any day."""
        return (self.id,)

    def statement(self) -> str:
        """What the rule says, in a few words."""
        return f"{self.id} in {self.market} is {self.percent} %"


# What can be capped.
Item = Literal[
    "credit_interest_percent",  # nominal, a year
    "late_interest_percent",  # a year
    "total_cost_percent_of_credit",
    "apr_percent",
    "advertised_apr_percent",
    "other_cost_percent_per_day",  # beside interest, of the credit
    "other_cost_per_year",
    "setup_fee",
]
AMOUNTS: Final[frozenset[Item]] = frozenset({"other_cost_per_year", "setup_fee"})


class CreditCap(Rule):
    """How much credit may cost at most.

    Attributes:
        id: Names the cap within its market.
        item: What is capped.
        percent: The most in per cent, whatever a reference says.
        points: Percentage points over `reference`, the most in per cent. Of the two, the lower.
        reference: Id of the `ReferenceRate` that `points` go over.
        amount: The most as money, for a fee.
        is_below: Whether the limit itself is already too much.
    """

    id: Word
    item: Item
    percent: Decimal | None = Field(default=None, ge=0, decimal_places=4)
    points: Decimal | None = Field(default=None, ge=0, decimal_places=4)
    reference: Word | None = None
    amount: Money | None = None
    is_below: bool = False

    @model_validator(mode="after")
    def _has_a_limit_in_its_unit(self) -> Self:
        if (self.points is None) != (self.reference is None):
            raise ValueError("points go over a reference: give both or neither")
        if self.item in AMOUNTS:
            if self.amount is None or self.percent is not None or self.points is not None:
                raise ValueError("this item is capped by an amount alone")
        elif self.amount is not None or (self.percent is None and self.points is None):
            raise ValueError("this item is capped in per cent")
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """Its id."""
        return (self.id,)

    def most(self, reference: Decimal) -> Decimal | Money:
        """The limit, in per cent or as money, with the given rate of its reference."""
        if self.amount is not None:
            return self.amount
        limits = [] if self.percent is None else [self.percent]
        if self.points is not None:
            limits.append(reference + self.points)
        return min(limits)

    def statement(self) -> str:
        """What the rule says, in a few words."""
        limits = [str(self.amount)] if self.amount is not None else []
        if self.percent is not None:
            limits.append(f"{self.percent} %")
        if self.points is not None:
            limits.append(f"{self.reference} plus {self.points} points")
        bound = "below" if self.is_below else "at most"
        return f"{self.item} in {self.market} is {bound} {' and '.join(limits)}"
