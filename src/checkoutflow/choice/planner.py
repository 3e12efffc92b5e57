"""What each way to pay truly costs the shop, and prices that lead customers to the cheapest.

A customer who pays the same whatever they choose has no reason to choose what is cheap for the
shop. The planner hands on part of what a cheaper way saves, as a discount, until the customer's
cheapest choice is the shop's cheapest too. The discounts mirror what each way saves against the
dearest, all made smaller alike to stay inside a budget. They go through the law before anybody sees
them, and a proposal that misses its aim is not made.

Costs are those of the amount without fee and discount. Fees and discounts count at face value, as
the cart's prices are: with VAT in them, a discount costs the shop less and a fee brings it less.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from checkoutflow.choice.options import options, priced
from checkoutflow.choice.rules import Rules
from checkoutflow.errors import InvalidInput
from checkoutflow.money import MAX_MINOR, Money, Rounding, divide
from checkoutflow.payment.catalogue import DAYS_A_YEAR, catalogue, in_currency
from checkoutflow.payment.credit.intervals import months_after
from checkoutflow.payment.steering import SteeringRule, Sum, When

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from checkoutflow.choice.options import Options
    from checkoutflow.choice.situation import Situation
    from checkoutflow.choice.words import Explanation
    from checkoutflow.payment.catalogue import Cost
    from checkoutflow.payment.methods import Way

# Why the customer's cheapest choice cannot be made the shop's: nothing is offered; there is less
# than a step to save; the budget is less than a step; the law; the shop's own rules as they are.
Obstacle = Literal["nothing", "step", "budget", "law", "own_rules"]

Part = Literal["use", "billing", "waiting", "loss"]

# Where the shop states a part of the cost.
_FIELDS: Final[Mapping[Part, frozenset[str]]] = {
    "use": frozenset({"fixed", "percent"}),
    "billing": frozenset({"billing"}),
    "loss": frozenset({"loss_percent"}),
}
_PARTS_PER_PERCENT: Final = 10**4  # percentages of costs have no more than four decimals

# Fees and discounts are multiples of this unless the caller says otherwise: a krone, 0.10 EUR,
# 10 ISK. Less is not noticed.
_STEPS: Final[Mapping[str, int]] = {"DKK": 100, "SEK": 100, "NOK": 100}
_STEP: Final = 10


# -- What a payment costs --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TrueCost:
    """What one payment costs the shop in the end. Each part is rounded up.

    Attributes:
        use: What the provider or the bank takes.
        billing: What issuing and sending the bill costs.
        waiting: What the money costs until the shop has it.
        loss: What experience says will never come.
        estimated: Parts for which the shop states no figures: the catalogue's are taken, which are
            for orientation.
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
    return _figures(way, rules, s, ship_days).of(amount)


class _Figures(NamedTuple):
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


def _figures(way: Way, rules: Rules, s: Situation, ship_days: int) -> _Figures:
    figures: dict[Part, Cost] = {}
    estimated: set[Part] = set()
    for part in _FIELDS:
        own = way.stated_cost
        if own is not None and _states(own, part, s.currency):
            figures[part] = own
        else:
            figures[part] = way.kind.cost
            estimated.add(part)
    if way.method.settlement_days is None:
        estimated.add("waiting")
    fixed = in_currency(figures["use"].fixed, s.currency)
    billing = in_currency(figures["billing"].billing, s.currency)
    is_ours = catalogue().get(way.kind.id) == way.kind  # else the kind is the shop's own
    return _Figures(
        fixed=fixed.minor if fixed else 0,
        percent=figures["use"].percent,
        billing=billing.minor if billing else 0,
        loss_percent=figures["loss"].loss_percent,
        capital_percent=rules.shop.capital_cost_percent,
        days=_days_waited(way, rules, s, ship_days),
        estimated=frozenset(estimated) if is_ours else frozenset(),
    )


def _states(own: Cost, part: Part, currency: str) -> bool:
    """Whether the shop's own figures say what a part costs in this currency."""
    if own.model_fields_set.isdisjoint(_FIELDS[part]):
        return False
    amounts = {"use": own.fixed, "billing": own.billing}.get(part)
    return not amounts or in_currency(amounts, currency) is not None


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


# -- The proposal ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a proposal means for one way to pay.

    Attributes:
        way: The way to pay.
        share: Which part of all orders is paid with it today.
        cost: What a payment costs the shop.
        price_now: What the customer pays for choosing it: its fee less its discount, so below zero
            for a discount; with or without VAT as the cart's prices are.
        price_then: The same with the proposal.
    """

    way: Way
    share: Fraction
    cost: TrueCost
    price_now: Money
    price_then: Money

    @property
    def net_now(self) -> Money:
        """What it costs the shop, fee and discount reckoned in."""
        return self.cost.total - self.price_now

    @property
    def net_then(self) -> Money:
        """The same with the proposal."""
        return self.cost.total - self.price_then


@dataclass(frozen=True, slots=True)
class Sums:
    """What payment costs the shop on average, for each order, fees and discounts reckoned in.

    Attributes:
        now: As it is today.
        if_nobody_moves: With the proposal, and everybody paying as before: the worst case.
        if_all_move: With the proposal, and everybody paying with what is then the cheapest.
        break_even_percent: How many per cent of those who pay otherwise today must move for the
            proposal to cost nothing, those who move coming from every other way alike; rounded up.
            None if it costs more even if all move.
    """

    now: Money
    if_nobody_moves: Money
    if_all_move: Money
    break_even_percent: Decimal | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """Fees and discounts that lead customers to what is cheap for the shop.

    Attributes:
        amount: What is to be paid, VAT included, without any fee or discount.
        budget: The largest discount that was allowed.
        step: What fees and discounts are multiples of.
        prospects: Every way to pay that is offered, the shop's cheapest first.
        rules: What is proposed, to stand after the shop's own rules. None if there is nothing to
            do, or if the aim cannot be reached.
        changes: What the law changed of the fees and discounts that were looked at, those of the
            shop's own rules included. The proposal itself has only what was left.
        is_aligned: Whether what is cheapest for the customer is, with the proposal, what is
            cheapest for the shop.
        obstacle: What is in the way, if it is not.
        sums: What it all comes to; None if nothing is offered.
    """

    amount: Money
    budget: Money
    step: Money
    prospects: tuple[Prospect, ...]
    rules: tuple[SteeringRule, ...]
    changes: tuple[Explanation, ...]
    is_aligned: bool
    obstacle: Obstacle | None
    sums: Sums | None

    @property
    def largest_discount(self) -> Money:
        """How much of the budget an order can take."""
        least = min((prospect.price_then.minor for prospect in self.prospects), default=0)
        return Money(max(-least, 0), self.amount.currency)

    def toml(self) -> str:
        """The rules as text to add at the end of the shop's settings; empty if there are none."""
        return "\n".join(map(_toml, self.rules))


def plan(
    rules: Rules,
    s: Situation,
    *,
    ship_days: int,
    budget: Money | None = None,
    pass_on_percent: Decimal = Decimal(100),
    step: Money | None = None,
    shares: Mapping[str, Decimal] | None = None,
    with_fees: bool = False,
) -> Proposal:
    """Propose what makes the customer's cheapest choice the shop's cheapest.

    What the shop's rules give and take already stays, and the proposal comes on top of it. Planned
    again with the proposal among the shop's rules, there is nothing more to propose.

    Args:
        rules: The shop's settings, the law, and what its providers can do.
        s: For whom and for what. The rules that are proposed are for this market and kind of
            customer, and for goods worth this much or more, as far as the plan stays true.
        ship_days: Days from the order until the goods are sent.
        budget: The largest discount on one order. By default half of what payment would cost less
            on average if all paid with what is cheapest: so it can pay for itself.
        pass_on_percent: How much of what a way saves the customer may get, in per cent.
        step: Fees and discounts are multiples of this; by default a krone, 0.10 EUR or 10 ISK.
        shares: How many of all orders are paid with which way today, in per cent or any other
            measure. Those left out have none; by default all have the same.
        with_fees: Whether fees may be proposed too, where the law allows them.

    Raises:
        InvalidInput: If an argument is out of range, in another currency than the cart, or names
            a way to pay that the shop does not have.
        UnknownRule: If the law lacks the market's VAT rates.
    """
    step = step or Money(_STEPS.get(s.currency, _STEP), s.currency)
    _check_amount("step", step, s, least=1)
    if budget is not None:
        _check_amount("budget", budget, s, least=0)
    if ship_days < 0:
        raise InvalidInput("must not be negative", field="ship_days")
    if not 0 <= pass_on_percent <= 100:  # noqa: PLR2004 -- the whole of it
        raise InvalidInput("is from 0 to 100", field="pass_on_percent")
    case = _Case(rules, s, step.minor, ship_days, shares)
    if not case.costs:
        most = budget or Money.zero(s.currency)
        return Proposal(case.amount, most, step, (), (), (), False, "nothing", None)  # noqa: FBT003

    cover = case.fees_that_cover() if with_fees else case.fees
    most = budget or case.money(case.affordable(cover))
    wanted, short = case.mirror(cover, most.minor, Fraction(pass_on_percent) / 100)
    extras, found = case.lawful(wanted)
    obstacle: Obstacle | None = None
    if not case.is_aligned(found):
        obstacle = short or ("law" if case.is_cut(wanted, extras, found) else "own_rules")
        extras, found = {}, case.today
    if case.is_aligned(found):
        obstacle = None
    prospects = case.prospects(found)
    return Proposal(
        amount=case.amount,
        budget=most,
        step=step,
        prospects=prospects,
        rules=case.steering(extras, below=case.true_below(extras, cover)),
        changes=tuple(change for _, change in sorted(case.changes.items())),
        is_aligned=obstacle is None,
        obstacle=obstacle,
        sums=_sums(prospects, case.target(found)),
    )


def _check_amount(field: str, amount: Money, s: Situation, *, least: int) -> None:
    if amount.currency != s.currency:
        raise InvalidInput(f"the cart is in {s.currency}", field=field)
    if amount.minor < least:
        raise InvalidInput(
            "must be above zero" if least else "must not be negative", field=field
        )
