"""The merchant's settings, made of the rooms' own settings. Frozen, and handed in by the caller."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from checkoutflow.customer import AREAS
from checkoutflow.errors import InvalidInput
from checkoutflow.law import Law, VatRate
from checkoutflow.model import Frozen
from checkoutflow.money import Money
from checkoutflow.payment.methods import Method
from checkoutflow.review import ReviewRules
from checkoutflow.texts import Text

# What a shop can ask to be told; `checkoutflow.checkout.messages` says when each is.
MessageKind = Literal[
    "held",
    "confirmed",
    "declined",
    "rejected",
    "cancelled",
    "expired",
    "shipped",
    "shipment_failed",
    "refunded",
    "refund_failed",
    "fulfilled",
    "authorisation_runs_out",
    "attention",
]


class Delivery(Frozen):
    """One way to get goods to the customer.

    Attributes:
        id: The shop's name for it.
        name: What the customer reads; one text, or one per language.
        prices: What it costs, at most one per currency; a currency without a price is not served.
            With or without VAT, as the cart's prices are.
        markets: Where it is offered; empty means in all the shop's markets.
        to: ``address`` needs the customer's full address, ``pickup`` only a name and a phone
            number to be called on.
    """

    id: str = Field(min_length=1, max_length=40, pattern=r"^[a-z0-9_]+$")
    name: Text
    prices: tuple[Money, ...]
    markets: frozenset[str] = frozenset()
    to: Literal["address", "pickup"] = "address"

    def price(self, currency: str) -> Money | None:
        """What it costs in this currency; None where it is not offered in it."""
        return next((price for price in self.prices if price.currency == currency), None)

    def serves(self, market: str, currency: str) -> bool:
        """Whether it is offered there, and has a price in this currency."""
        return (not self.markets or market in self.markets) and self.price(currency) is not None


class Shop(Frozen):
    """Everything a shop decides once.

    Attributes:
        name: What customers and providers read.
        markets: Countries and territories it sells to.
        methods: Ways to pay, in the order in which they are shown.
        deliveries: Ways of delivery, in the order in which they are shown.
        review: When orders are held for a person.
        lifetime_s: Seconds without a change after which an unfinished checkout expires.
        pay_within_s: Seconds a customer has to finish paying after "buy".
        remind_before_s: Seconds before an authorisation runs out at which the shop is reminded to
            ship.
        messages: Kinds of message to keep until the shop has taken them (see
            ``checkoutflow.checkout.messages``); none by default.
        vat_rates: The shop's own rows over the law's VAT table; named in explanations.
    """

    name: str = Field(min_length=1, max_length=100)
    markets: tuple[str, ...] = Field(min_length=1)
    methods: tuple[Method, ...] = Field(min_length=1)
    deliveries: tuple[Delivery, ...] = ()
    review: ReviewRules = Field(default_factory=ReviewRules)
    lifetime_s: int = Field(default=24 * 3600, gt=0)
    pay_within_s: int = Field(default=3600, gt=0)
    remind_before_s: int = Field(default=24 * 3600, ge=0)
    messages: frozenset[MessageKind] = frozenset()
    vat_rates: tuple[VatRate, ...] = ()

    @field_validator("markets")
    @classmethod
    def _are_known(cls, markets: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [market for market in markets if market not in AREAS]:
            raise ValueError(f"{unknown[0]} is not one of {', '.join(AREAS)}")
        return markets

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        for things in (self.methods, self.deliveries):
            ids = [thing.id for thing in things]
            if len(set(ids)) != len(ids):
                raise ValueError(f"each id is used once, not twice as in {', '.join(ids)}")
        return self

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read settings from a TOML or JSON file, by its ending.

        Raises:
            InvalidInput: With the path of the first wrong setting, or saying that the file cannot
                be read as what its ending says.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
            data = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        except OSError as error:
            raise InvalidInput(f"cannot be read: {error.strerror}", field=str(path)) from None
        except ValueError as error:
            raise InvalidInput(f"is not {path.suffix[1:]}: {error}", field=str(path)) from None
        return cls.read(data)

    def law(self) -> Law:
        """The law's tables with this shop's own rows over them."""
        law = Law.load()
        return law.overridden_by(self.vat_rates) if self.vat_rates else law

    def method(self, method_id: str) -> Method | None:
        """The way to pay with this id, if there is one."""
        return next((method for method in self.methods if method.id == method_id), None)

    def delivery(self, delivery_id: str) -> Delivery | None:
        """The way of delivery with this id, if there is one."""
        return next((delivery for delivery in self.deliveries if delivery.id == delivery_id), None)
