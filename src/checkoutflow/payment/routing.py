"""Which provider takes a payment, where a method has several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import Field, field_validator

from checkoutflow.model import Frozen
from checkoutflow.money import Money
from checkoutflow.payment.catalogue import Cost, in_currency, one_for_each_currency

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from checkoutflow.payment.capabilities import Capabilities

_UNSTATED: Final = 1 << 62  # dearer than any stated cost


class Route(Frozen):
    """One provider that can take a method.

    Attributes:
        provider: Name of the adapter.
        provider_method: The provider's name for the method; by default the method's id.
        markets: Where it is used; empty means wherever the method is offered.
        minimum: Smallest amounts, at most one per currency.
        maximum: Largest amounts, at most one per currency.
        cost: What a payment costs the shop this way. The cheapest is taken; one without a cost
            comes after those that state one.
    """

    provider: str = Field(min_length=1, max_length=40)
    provider_method: str = Field(default="", max_length=100)
    markets: frozenset[str] = frozenset()
    minimum: tuple[Money, ...] = ()
    maximum: tuple[Money, ...] = ()
    cost: Cost | None = None

    _check = field_validator("minimum", "maximum")(one_for_each_currency)

    def takes(self, market: str, amount: Money) -> bool:
        """Whether this is a way for a payment of this amount in this market."""
        least = in_currency(self.minimum, amount.currency)
        most = in_currency(self.maximum, amount.currency)
        return (
            (not self.markets or market in self.markets)
            and (least is None or amount >= least)
            and (most is None or amount <= most)
        )

    def price(self, amount: Money) -> int:
        """What it costs the shop in minor units, for comparing."""
        cost = self.cost.of_use(amount) if self.cost else None
        return _UNSTATED if cost is None else cost.minor


def providers_for(
    routes: Iterable[Route],
    market: str,
    amount: Money,
    capabilities: Mapping[str, Capabilities] | None,
    down: Collection[str] = (),
) -> tuple[str, ...]:
    """The providers that can take a payment, the one to be asked first in front.

    Args:
        routes: Those of the method, in the shop's order.
        market: Country or territory code.
        amount: What is to be paid.
        capabilities: By provider; None where providers are not looked at.
        down: Providers that do not answer at present. They come last: none is left out, since one
            that does not answer has taken nothing either.
    """
    fitting = [
        route
        for route in routes
        if route.takes(market, amount)
        and (
            capabilities is None
            or (
                route.provider in capabilities
                and amount.currency in capabilities[route.provider].currencies
            )
        )
    ]
    fitting.sort(key=lambda route: (route.provider in down, route.price(amount)))
    return tuple(route.provider for route in fitting)
