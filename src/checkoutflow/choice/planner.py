"""What each way to pay truly costs the shop, and prices that lead customers to the cheapest.

A customer who pays the same whatever they choose has no reason to choose what is cheap for the
shop. The planner hands on part of what a cheaper way saves, as a discount, until the customer's
cheapest choice is the shop's cheapest too. Each discount mirrors what the way saves against the
dearest one, all of them made smaller alike to stay inside a budget. What it proposes goes through
the law before anybody sees it, and a proposal that misses its aim is not made.

Costs are for the amount without fee and discount. Fees and discounts count at their face value, as
the cart's prices are: where these include VAT, a discount costs the shop less than that and a fee
brings it less, by the VAT in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from checkoutflow.choice.options import options, priced
from checkoutflow.choice.rules import Rules
from checkoutflow.errors import InvalidInput
from checkoutflow.money import MAX_MINOR, Money, Rounding, divide
from checkoutflow.payment.catalogue import DAYS_A_YEAR, catalogue, in_currency
from checkoutflow.payment.credit.intervals import months_after
from checkoutflow.payment.steering import SteeringRule, Sum, When

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from checkoutflow.choice.options import Options, PaymentOption
    from checkoutflow.choice.situation import Situation
    from checkoutflow.choice.words import Explanation
    from checkoutflow.payment.catalogue import Cost
    from checkoutflow.payment.methods import Way

Part = Literal["use", "billing", "waiting", "loss"]

# Why the customer's cheapest choice is not the shop's: nothing is offered at all; a step is more
# than there is to save; it is more than the budget; the law; rules that the shop has already.
Obstacle = Literal["nothing", "step", "budget", "law", "own_rules"]

# What discounts are multiples of unless the caller says otherwise: what people notice.
_STEPS: Final = {"DKK": 100, "SEK": 100, "NOK": 100}
_STEP: Final = 10  # 0.10 EUR, 10 ISK


# -- What a payment costs --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TrueCost:
    """What one payment costs the shop in the end. Each part is rounded up.

    Attributes:
        use: What the provider or the bank takes.
        billing: What issuing and sending the bill costs.
        waiting: What the money would have earned or saved until the shop has it.
        loss: What experience says will never come.
        estimated: The parts for which the shop states no figures, so that the catalogue's are
            taken, which are for orientation.
    """

    use: Money
    billing: Money
    waiting: Money
    loss: Money
    estimated: frozenset[Part]

    @property
    def total(self) -> Money:
        """All parts together."""
        return self.use + self.billing + self.waiting + self.loss


class _Figures(NamedTuple):
    """What the costs of a way to pay are made of, in one currency; amounts in minor units."""

    fixed: int
    percent: Decimal
    billing: int
    loss_percent: Decimal
    capital_percent: Decimal
    days: int
    estimated: frozenset[Part]

    def cost(self, amount: Money) -> TrueCost:
        """What a payment of this amount costs."""

        def part(percent: Decimal, times: int = 1, of: int = 1) -> int:
            return divide(amount.minor * int(percent * 10**4) * times, 10**6 * of, Rounding.UP)

        parts: dict[Part, int] = {
            "use": self.fixed + part(self.percent),
            "billing": self.billing,
            "waiting": part(self.capital_percent, self.days, DAYS_A_YEAR),
            "loss": part(self.loss_percent),
        }
        return TrueCost(
            **{name: Money(minor, amount.currency) for name, minor in parts.items()},
            estimated=frozenset(name for name in self.estimated if parts[name]),
        )

    @property
    def rate(self) -> Fraction:
        """How much more one more minor unit costs."""
        waiting = Fraction(self.capital_percent) * self.days / DAYS_A_YEAR
        return (Fraction(self.percent) + Fraction(self.loss_percent) + waiting) / 100


def true_cost(way: Way, amount: Money, rules: Rules, s: Situation, *, ship_days: int) -> TrueCost:
    """What a payment of some amount costs the shop.

    The money is waited for from the order on: until it is captured, which is when the goods are
    sent or at once where the way to pay knows nothing else, and from then on until it is settled.
    Where the shop itself gives time to pay, that is no sooner than its bill is due, or its
    instalments on average; interest that they bring is not counted against the cost.

    Args:
        way: The way to pay.
        amount: What is paid, VAT included.
        rules: The shop's settings, whose capital has a price, and the law, for due dates.
        s: For whom and when.
        ship_days: Days from the order until the goods are sent.

    Raises:
        UnknownRule: If a due date has to be worked out and the banking days are not known.
    """
    return _figures(way, amount.currency, rules, s, ship_days).cost(amount)


def _figures(way: Way, currency: str, rules: Rules, s: Situation, ship_days: int) -> _Figures:
    ours = frozenset[Part]()
    if catalogue().get(way.kind.id) == way.kind:
        ours = frozenset(
            part for part in ("use", "billing", "loss") if not _states(way, part, currency)
        )
    own = way.stated_cost

    def cost(part: Part) -> Cost:
        return own if own is not None and _states(way, part, currency) else way.kind.cost

    use, billing = cost("use"), in_currency(cost("billing").billing, currency)
    fixed = in_currency(use.fixed, currency)
    return _Figures(
        fixed=fixed.minor if fixed else 0,
        percent=use.percent,
        billing=billing.minor if billing else 0,
        loss_percent=cost("loss").loss_percent,
        capital_percent=rules.shop.capital_cost_percent,
        days=_days(way, rules, s, ship_days),
        estimated=ours,
    )
