"""Steering: what a shop does to move customers to what is good for it, written as data.

A rule says for which ways to pay or of delivery it is, under which conditions, and what it does.
The law of the market goes over the result (`checkoutflow.choice`), so a rule can ask for anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from checkoutflow.law.choice import Customer
from checkoutflow.model import Frozen
from checkoutflow.money import Money, Rounding, divide
from checkoutflow.payment.catalogue import in_currency, one_for_each_currency
from checkoutflow.texts import Text

Id = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[a-z0-9_]+$")]
Span = Annotated[str, StringConstraints(pattern=r"^[0-9]{3,5}(-[0-9]{3,5})?$")]


class Area(Frozen):
    """A part of a market, by its postal codes.

    Attributes:
        id: The shop's name for it.
        market: The market whose postal codes they are.
        postal_codes: Codes and spans of codes, digits only: ``0150`` or ``0001-1299``.
    """

    id: Id
    market: str
    postal_codes: tuple[Span, ...] = Field(min_length=1)

    @field_validator("postal_codes")
    @classmethod
    def _run_upwards(cls, spans: tuple[str, ...]) -> tuple[str, ...]:
        for span in spans:
            first, _, last = span.partition("-")
            if last and (len(first) != len(last) or last < first):
                raise ValueError("a span runs from a lower to a higher code of the same length")
        return spans

    def has(self, postal_code: str) -> bool:
        """Whether a postal code lies in it; spaces and letters in the code do not matter."""
        digits = "".join(sign for sign in postal_code if sign.isdigit())
        return any(
            len(digits) == len(first) and first <= digits <= (last or first)
            for first, _, last in (span.partition("-") for span in self.postal_codes)
        )


class Experiment(Frozen):
    """A comparison of ways to steer. Each checkout is given one arm, and keeps it.

    Attributes:
        id: The shop's name for it.
        arms: How many parts of all checkouts each arm gets.
        markets: Where it runs; empty means everywhere.
    """

    id: Id
    arms: Mapping[Id, Annotated[int, Field(ge=1, le=1000)]] = Field(min_length=2, max_length=20)
    markets: frozenset[str] = frozenset()


class Sum(Frozen):
    """A fee or a discount: a fixed amount, a percentage, or both, up to a cap.

    Attributes:
        fixed: At most one amount per currency.
        percent: Per cent of what is to be paid, without the fee itself.
        at_most: The cap, at most one amount per currency.
    """

    fixed: tuple[Money, ...] = ()
    percent: Decimal = Field(default=Decimal(0), ge=0, le=100, decimal_places=2)
    at_most: tuple[Money, ...] = ()

    _check = field_validator("fixed", "at_most")(one_for_each_currency)

    @model_validator(mode="after")
    def _is_something(self) -> Self:
        if not self.fixed and not self.percent:
            raise ValueError("give a fixed amount or a percentage")
        if any(amount.minor < 0 for amount in (*self.fixed, *self.at_most)):
            raise ValueError("amounts cannot be negative")
        return self

    def of(self, minor: int, currency: str) -> int:
        """What it comes to on so many minor units; a percentage is rounded half-up.

        Nothing in a currency for which only other currencies' amounts are given.
        """
        fixed = in_currency(self.fixed, currency)
        if fixed is None and self.fixed:
            return 0
        worth = divide(minor * int(self.percent * 100), 100_00, Rounding.HALF_UP)
        worth += fixed.minor if fixed else 0
        cap = in_currency(self.at_most, currency)
        if cap is None and self.at_most:
            return 0
        return min(worth, cap.minor) if cap else worth


class When(Frozen):
    """The conditions of a rule; all that are given must hold.

    What is not known yet does not hold: an area before the postal code is given, for instance.

    Attributes:
        markets: Country or territory codes.
        customers: ``consumer``, ``business`` or both.
        at_least: Worth of the goods after discounts, as the cart's prices are; at most one amount
            per currency. In another currency the condition does not hold.
        below: The same, for carts worth less.
        goods: At least one line has one of these goods categories.
        areas: The customer lives in one of these areas.
        outside: The customer is not known to live in one of these areas.
        min_weight_g: Grams of all goods together, from.
        max_weight_g: Grams of all goods together, up to.
        deliveries: One of these ways of delivery is chosen.
        since: From this moment.
        until: Before this moment.
        arms: The checkout is in one of these arms: ``experiment:arm``.
    """

    markets: frozenset[str] = frozenset()
    customers: frozenset[Customer] = frozenset()
    at_least: tuple[Money, ...] = ()
    below: tuple[Money, ...] = ()
    goods: frozenset[str] = frozenset()
    areas: frozenset[str] = frozenset()
    outside: frozenset[str] = frozenset()
    min_weight_g: int | None = Field(default=None, ge=0)
    max_weight_g: int | None = Field(default=None, ge=0)
    deliveries: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    arms: frozenset[str] = frozenset()

    _check = field_validator("at_least", "below")(one_for_each_currency)

    @field_validator("since", "until")
    @classmethod
    def _names_its_zone(cls, moment: datetime | None) -> datetime | None:
        if moment is not None and moment.utcoffset() is None:
            raise ValueError("say in which time zone: 2026-11-27T00:00:00+01:00")
        return moment

    @model_validator(mode="after")
    def _can_hold(self) -> Self:
        if self.since and self.until and self.until - self.since <= timedelta(0):
            raise ValueError("until is not after since")
        least, most = self.min_weight_g, self.max_weight_g
        if least is not None and most is not None and most < least:
            raise ValueError("max_weight_g is below min_weight_g")
        for limit in self.below:
            floor = in_currency(self.at_least, limit.currency)
            if floor is not None and limit <= floor:
                raise ValueError("below is not above at_least")
        return self


class SteeringRule(Frozen):
    """What a shop does for some ways to pay or of delivery, under some conditions.

    Attributes:
        id: The shop's name for it; explanations use it.
        methods: Ways to pay it is for.
        deliveries: Ways of delivery it is for. A rule is for one or the other.
        when: Under which conditions; none means always.
        fee: Is added to what choosing it costs.
        discount: Is taken off: for a way to pay off the goods, for a delivery off its price.
        free_from: Choosing it costs nothing when the goods are worth this much after discounts;
            at most one amount per currency.
        rank: Where it stands: lower comes first, 0 is where it stands without a rule.
        recommend: Words beside it, for the customer.
        preselect: Show it as chosen before the customer chooses.
        hide: Do not offer it.
        label: What the customer reads beside the fee or the discount.
    """

    id: Id
    methods: frozenset[str] = frozenset()
    deliveries: frozenset[str] = frozenset()
    when: When = Field(default_factory=When)
    fee: Sum | None = None
    discount: Sum | None = None
    free_from: tuple[Money, ...] = ()
    rank: int | None = Field(default=None, ge=-1000, le=1000)
    recommend: Text | None = None
    preselect: bool = False
    hide: bool = False
    label: Text | None = None

    _check = field_validator("free_from")(one_for_each_currency)

    @model_validator(mode="after")
    def _is_for_something_and_does_something(self) -> Self:
        if bool(self.methods) == bool(self.deliveries):
            raise ValueError("name either methods or deliveries")
        acts = (self.fee, self.discount, self.rank, self.recommend)
        if not (self.free_from or self.preselect or self.hide) and acts == (None,) * len(acts):
            raise ValueError(
                "does nothing; give fee, discount, free_from, rank, recommend, preselect or hide"
            )
        return self
