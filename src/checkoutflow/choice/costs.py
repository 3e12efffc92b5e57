"""What each way to pay truly costs the shop: use, billing, waiting and losses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from checkoutflow.money import Money, Rounding, divide
from checkoutflow.payment.catalogue import DAYS_A_YEAR, Cost, catalogue, in_currency
from checkoutflow.payment.credit.intervals import months_after

if TYPE_CHECKING:
    from decimal import Decimal

    from checkoutflow.choice.rules import Rules
    from checkoutflow.choice.situation import Situation
    from checkoutflow.payment.methods import Way

Part = Literal["use", "billing", "waiting", "loss"]

_PARTS_PER_PERCENT: Final = 10**4  # percentages of costs have no more than four decimals


@dataclass(frozen=True, slots=True)
class TrueCost:
    """What one payment costs the shop in the end. Each part is rounded up.

    Attributes:
        use: What the provider or the bank takes.
        billing: What issuing and sending the bill costs.
        waiting: What the money costs until the shop has it.
        loss: What experience says will never come.
        estimated: Parts for which the shop states no figures, or zero per cent: the catalogue's
            are taken, which are for orientation.
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


def true_cost(way: Way, amount: Money, rules: Rules, s: Situation, *, ship_days: int) -> TrueCost:
    """What a payment of some amount costs the shop.

    Money is waited for from the order until it is captured, which is when the goods are sent (at
    once, where a way to pay knows nothing else), and from then until it is settled. What the shop
    itself finances does not come before its bill is due, or its instalments on average, unless the
    shop says when it comes; interest that instalments bring is not set off.

    Args:
        way: The way to pay.
        amount: What is paid, VAT included.
        rules: The shop's settings, with what capital costs it, and the law, for due dates.
        s: For whom and when.
        ship_days: Days from the order until the goods are sent.

    Raises:
        UnknownRule: If the market's banking days are needed for a due date and not known.
    """
    return figures_of(way, rules, s, ship_days).of(amount)


class Figures(NamedTuple):
    """What the cost of a way to pay is made of; amounts in minor units."""

    fixed: int
    percent: Decimal
    billing: int
    loss_percent: Decimal
    capital_percent: Decimal
    days: int
    estimated: frozenset[Part]

    def of(self, amount: Money) -> TrueCost:
        """The cost of a payment of this amount."""

        def share(percent: Decimal, days: int = 1, of_days: int = 1) -> int:
            numerator = amount.minor * int(percent * _PARTS_PER_PERCENT) * days
            return divide(numerator, 100 * _PARTS_PER_PERCENT * of_days, Rounding.UP)

        def money(minor: int) -> Money:
            return Money(minor, amount.currency)

        return TrueCost(
            use=money(self.fixed + share(self.percent)),
            billing=money(self.billing),
            waiting=money(share(self.capital_percent, self.days, DAYS_A_YEAR)),
            loss=money(share(self.loss_percent)),
            estimated=self.estimated,
        )

    @property
    def rate(self) -> Fraction:
        """What one more minor unit costs."""
        waiting = Fraction(self.capital_percent) * self.days / DAYS_A_YEAR
        return (Fraction(self.percent) + Fraction(self.loss_percent) + waiting) / 100


def figures_of(way: Way, rules: Rules, s: Situation, ship_days: int) -> Figures:
    """The shop's own figures, and for each part that it does not state those of the kind."""
    own, kinds = way.stated_cost or Cost(), way.kind.cost
    estimated: set[Part] = set()
    use = own
    if own.of_use(Money.zero(s.currency)) is None:
        use = kinds
        estimated.add("use")
    billing = own.of_billing(s.currency)
    if billing is None:
        billing = kinds.of_billing(s.currency)
        estimated.add("billing")
    if not own.loss_percent:
        estimated.add("loss")
    if way.method.settlement_days is None:
        estimated.add("waiting")
    fixed = in_currency(use.fixed, s.currency)
    is_ours = catalogue().get(way.kind.id) == way.kind  # else the kind is the shop's own
    return Figures(
        fixed=fixed.minor if fixed else 0,
        percent=use.percent,
        billing=billing.minor if billing else 0,
        loss_percent=own.loss_percent or kinds.loss_percent,
        capital_percent=rules.shop.capital_cost_percent,
        days=_days_waited(way, rules, s, ship_days),
        estimated=frozenset(estimated) if is_ours else frozenset(),
    )


def _days_waited(way: Way, rules: Rules, s: Situation, ship_days: int) -> int:
    """Days from the order until the shop has the money."""
    until_capture = 0 if way.window_days == 0 else ship_days
    settled = way.settlement_days
    if way.method.settlement_days is None and way.financed_by == "shop":
        settled = max(settled, _days_financed(way, rules, s, ship_days))
    return until_capture + settled


def _days_financed(way: Way, rules: Rules, s: Situation, ship_days: int) -> int:
    """Days from delivery until a bill is due, or instalments are on average."""
    sent = s.on + timedelta(ship_days)
    if way.plan is not None:
        months = way.plan.months
        days = sum((months_after(sent, month + 1) - sent).days for month in range(months))
        return divide(days, months, Rounding.UP)
    return (way.terms.due(sent, s.market, rules.law) - sent).days if way.terms else 0
