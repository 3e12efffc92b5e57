"""Ways to pay, as the shop offers them. Data, not code: a shop writes its own."""

from __future__ import annotations

from pydantic import Field, field_validator

from checkoutflow.model import Frozen
from checkoutflow.money import Money
from checkoutflow.privacy.fields import Purpose, all_usable
from checkoutflow.texts import Text


class Method(Frozen):
    """One way to pay.

    Attributes:
        id: The shop's name for it, used in calls and in the store.
        name: What the customer reads; one text, or one per language.
        provider: Name of the adapter that takes it. None where no one else is asked: the shop
            itself trusts the customer (its own invoice), and the order confirms without a call.
        provider_method: The provider's name for it; by default the same as ``id``.
        markets: Where it is offered; empty means in all the shop's markets.
        customers: ``consumer``, ``business`` or both.
        minimum: Smallest amounts, at most one per currency.
        maximum: Largest amounts, at most one per currency.
        credit: It covers part of a total next to another method (a gift card, store credit) and is
            chosen by adding it, not by ``choose_payment``.
        takes_code: It works on a code that the customer types (a gift card).
        details: Contact fields that this method needs beyond what delivery needs.
    """

    id: str = Field(min_length=1, max_length=40, pattern=r"^[a-z0-9_]+$")
    name: Text
    provider: str | None = None
    provider_method: str = ""
    markets: frozenset[str] = frozenset()
    customers: frozenset[str] = frozenset({"consumer", "business"})
    minimum: tuple[Money, ...] = ()
    maximum: tuple[Money, ...] = ()
    credit: bool = False
    takes_code: bool = False
    details: tuple[str, ...] = ()

    @field_validator("details")
    @classmethod
    def _may_be_used_for_this(cls, details: tuple[str, ...]) -> tuple[str, ...]:
        all_usable(details, Purpose.TAKE_PAYMENT)
        return details

    def why_not(self, *, market: str, customer: str, amount: Money) -> str:
        """Why it is not offered for this market, kind of customer and amount; empty if it is.

        Args:
            market: Country or territory code.
            customer: ``consumer`` or ``business``.
            amount: What it would have to pay.
        """
        if self.markets and market not in self.markets:
            return f"not offered in {market}"
        if customer not in self.customers:
            return f"not offered to a {customer}"
        for limit in self.minimum:
            if limit.currency == amount.currency and amount < limit:
                return f"below its smallest amount {limit}"
        for limit in self.maximum:
            if limit.currency == amount.currency and amount > limit:
                return f"above its largest amount {limit}"
        return ""
