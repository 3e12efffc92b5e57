"""Ways to get goods to the customer, as the shop offers them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from checkoutflow.model import Frozen
from checkoutflow.money import Money
from checkoutflow.payment.catalogue import in_currency, one_for_each_currency
from checkoutflow.privacy.fields import Purpose, all_usable
from checkoutflow.texts import Text


class Delivery(Frozen):
    """One way to get goods to the customer.

    Attributes:
        id: The shop's name for it.
        name: What the customer reads; one text, or one per language.
        prices: What it costs, at most one per currency; a currency without a price is not served.
            With or without VAT, as the cart's prices are. Steering rules may change it.
        markets: Where it is offered; empty means in all the shop's markets.
        to: ``address`` needs the customer's full address, ``pickup`` only a name and a phone
            number to be called on.
        details: Contact fields that it needs beyond these: a ``phone`` to call at the door.
    """

    id: str = Field(min_length=1, max_length=40, pattern=r"^[a-z0-9_]+$")
    name: Text
    prices: tuple[Money, ...]
    markets: frozenset[str] = frozenset()
    to: Literal["address", "pickup"] = "address"
    details: tuple[str, ...] = ()

    _check = field_validator("prices")(one_for_each_currency)

    @field_validator("prices")
    @classmethod
    def _cost_something(cls, prices: tuple[Money, ...]) -> tuple[Money, ...]:
        if any(price.minor < 0 for price in prices):
            raise ValueError("a price cannot be negative")
        return prices

    @field_validator("details")
    @classmethod
    def _may_be_used_for_this(cls, details: tuple[str, ...]) -> tuple[str, ...]:
        all_usable(details, Purpose.DELIVER)
        return details

    def price(self, currency: str) -> Money | None:
        """What it costs in this currency; None where it is not offered in it."""
        return in_currency(self.prices, currency)
