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

import json
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import count
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from checkoutflow.choice.costs import figures_of
from checkoutflow.choice.options import options, priced
from checkoutflow.choice.rules import Rules
from checkoutflow.errors import InvalidInput
from checkoutflow.money import MAX_MINOR, Money, Rounding, divide
from checkoutflow.payment.steering import SteeringRule, Sum, When

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from checkoutflow.choice.costs import TrueCost
    from checkoutflow.choice.offers import Options
    from checkoutflow.choice.situation import Situation
    from checkoutflow.choice.words import Explanation
    from checkoutflow.payment.methods import Way

# Why the customer's cheapest choice cannot be made the shop's: nothing is offered; there is less
# than a step to save; the budget is less than a step; the law; the shop's own rules as they are.
Obstacle = Literal["nothing", "step", "budget", "law", "own_rules"]

# Fees and discounts are multiples of this unless the caller says otherwise: a krone, 0.10 EUR,
# 10 ISK. Less is not noticed.
_STEPS: Final[Mapping[str, int]] = {"DKK": 100, "SEK": 100, "NOK": 100}
_STEP: Final = 10


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
        prospects: Every way to pay that is offered, the shop's cheapest first; of several that
            cost it the same, what is then the customer's cheapest.
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

    is_needed = not case.is_aligned(case.today)
    cover = case.fees_that_cover() if with_fees and is_needed else case.fees
    most = budget or case.money(case.affordable(cover))
    extras: Mapping[str, _Extra] = {}
    found, obstacle = case.today, None
    if is_needed:
        extras, found, obstacle = case.solved(cover, most.minor, Fraction(pass_on_percent) / 100)
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
        sums=_sums(prospects),
    )


def _check_amount(field: str, amount: Money, s: Situation, *, least: int) -> None:
    if amount.currency != s.currency:
        raise InvalidInput(f"the cart is in {s.currency}", field=field)
    if amount.minor < least:
        raise InvalidInput("must be above zero" if least else "must not be negative", field=field)


class _Extra(NamedTuple):
    """What is proposed for one way to pay beside what the shop's rules ask for; minor units."""

    fee: int = 0
    discount: int = 0


_NO_EXTRA: Final = _Extra()


class _Case:
    """One situation with what each way to pay costs in it. All amounts are minor units.

    Attributes:
        today: What is offered by the shop's rules as they are.
        amount: What is to be paid without any fee or discount.
        costs: What a payment costs the shop, by way to pay.
        cheapest: Those that cost it least.
        fees: What customers pay today for choosing them, discounts apart.
        shares: Which part of all orders each has.
        changes: What the law changed of what was tried, by way to pay and by which of the two.
    """

    def __init__(
        self,
        rules: Rules,
        s: Situation,
        step: int,
        ship_days: int,
        shares: Mapping[str, Decimal] | None,
    ) -> None:
        self.rules, self.s, self.step = rules, s, step
        self.today = options(rules, s)
        total = priced(rules, s, self.today, "", "en").total
        self.amount = Money(max(total.minor - s.credited, 0), s.currency)
        figures = {
            option.id: figures_of(option.way, rules, s, ship_days) for option in self.today.payments
        }
        self.rates = {id_: each.rate for id_, each in figures.items()}
        self.true_costs = {id_: each.of(self.amount) for id_, each in figures.items()}
        self.costs = {id_: cost.total.minor for id_, cost in self.true_costs.items()}
        least = min(self.costs.values(), default=0)
        self.cheapest = frozenset(id_ for id_, cost in self.costs.items() if cost == least)
        self.asked = {
            option.id: _Extra(option.wish.fee, option.wish.discount)
            for option in self.today.payments
        }
        self.fees = {option.id: option.fee.minor for option in self.today.payments}
        self.shares = _shares(shares, rules, tuple(self.costs))
        self.changes: dict[tuple[str, str], Explanation] = {}

    def money(self, minor: int) -> Money:
        """An amount in the cart's currency."""
        return Money(minor, self.s.currency)

    def whole(self, minor: int) -> int:
        """As many whole steps as fit."""
        return max(minor, 0) // self.step * self.step

    # What to ask for

    def fees_that_cover(self) -> dict[str, int]:
        """The fees that the law allows, up to what each way costs more than the cheapest."""
        least = min(self.costs.values())
        extras = {
            id_: _Extra(fee=self.whole(cost - least - self.asked[id_].fee))
            for id_, cost in self.costs.items()
        }
        found = self.tried(extras)
        fees = {}
        for id_, extra in extras.items():
            option = found.payment(id_)
            lawful = option.fee.minor if option else 0
            fees[id_] = min(lawful, self.asked[id_].fee + self.left(id_, extra, found).fee)
        return fees

    def pivot(self, cover: Mapping[str, int]) -> int:
        """What the dearest way costs, once fees have covered what they may."""
        return max(cost - cover[id_] for id_, cost in self.costs.items())

    def affordable(self, cover: Mapping[str, int]) -> int:
        """Half of what payment would cost less on average if all paid with the cheapest."""
        pivot = self.pivot(cover)
        costs = {id_: cost - max(self.fees[id_], cost - pivot) for id_, cost in self.costs.items()}
        average = sum((self.shares[id_] * cost for id_, cost in costs.items()), Fraction())
        return max(_down((average - min(costs[id_] for id_ in self.cheapest)) / 2), 0)

    def solved(
        self, cover: Mapping[str, int], budget: int, part: Fraction
    ) -> tuple[Mapping[str, _Extra], Options, Obstacle | None]:
        """What to propose, what is offered then, and what is in the way if it is nothing.

        Args:
            cover: The fees that the law allows.
            budget: The largest discount.
            part: How much of each difference in cost the customer may see.
        """
        wanted, short = self.mirror(cover, budget, part)
        extras, found = self.lawful(wanted)
        if self.is_aligned(found):
            return extras, found, None
        is_cut = any(
            extras.get(id_) != wanted[id_]
            or any(item.change.startswith("discount") for item in found.about(id_))
            for id_ in self.cheapest
        )
        return {}, self.today, short or ("law" if is_cut else "own_rules")

    def mirror(
        self, cover: Mapping[str, int], budget: int, part: Fraction
    ) -> tuple[dict[str, _Extra], Obstacle | None]:
        """What to ask for so that prices mirror costs, and why that may be too little.

        What costs less than the pivot has a discount, what costs more a fee.
        """
        pivot = self.pivot(cover)
        sent = self.today.delivery(self.s.delivery)
        goods = self.s.goods
        # A discount is taken off the goods, and off what vouchers leave to be paid.
        most = min(goods, max(goods + (sent.price.minor if sent else 0) - self.s.credited, 0))
        saved = {id_: min(max(pivot - cost, 0), most) for id_, cost in self.costs.items()}
        top = max(saved.values())
        limit = min(_down(top * part), budget)
        extras = {}
        for id_, cost in self.costs.items():
            discount = divide(saved[id_] * limit, max(top, 1), Rounding.DOWN)
            fee = _down(max(cost - pivot, 0) * part)
            asked = self.asked[id_]
            extras[id_] = _Extra(self.whole(fee - asked.fee), self.whole(discount - asked.discount))
        return extras, "step" if top < self.step else "budget" if limit < self.step else None

    # What the law says

    def lawful(self, extras: Mapping[str, _Extra]) -> tuple[Mapping[str, _Extra], Options]:
        """What the law leaves, in whole steps and with the cheapest alone in front.

        To lower one discount can make the law lower another. That ends after a few rounds, unless
        the law ties the cheapest to one that has to stay behind it: then nothing is left.
        """
        for _ in range(len(self.costs) + 2):
            extras = self.without_ties(extras)
            found = self.tried(extras)
            left = {id_: self.left(id_, extra, found) for id_, extra in extras.items()}
            if left == extras:
                return extras, found
            extras = left
        return {}, self.today

    def without_ties(self, extras: Mapping[str, _Extra]) -> dict[str, _Extra]:
        """With the discounts of all others so small that the cheapest is a step in front."""
        prices = _prices(self.today)
        best = min(prices[id_] + extras[id_].fee - extras[id_].discount for id_ in self.cheapest)
        return {
            id_: extra
            if id_ in self.cheapest
            else extra._replace(
                discount=min(extra.discount, self.whole(prices[id_] + extra.fee - best - self.step))
            )
            for id_, extra in extras.items()
        }

    def tried(self, extras: Mapping[str, _Extra]) -> Options:
        """The options with such rules beside the shop's; what the law changes is kept."""
        shop = self.rules.shop
        steering = (*shop.steering, *self.steering(extras))
        rules = Rules(shop.but(steering=steering), self.rules.law, self.rules.capabilities)
        found = options(rules, self.s)
        for item in found.explanations:
            what = item.change.partition("_")[0]
            if what in _Extra._fields:
                self.changes.setdefault((item.about, what), item)
        return found

    def left(self, id_: str, extra: _Extra, found: Options) -> _Extra:
        """What the law leaves of it, in whole steps."""
        option = found.payment(id_)
        if option is None:
            return _NO_EXTRA
        asked = self.asked[id_]
        return _Extra(
            min(extra.fee, self.whole(option.fee.minor - asked.fee)),
            min(extra.discount, self.whole(option.discount.minor - asked.discount)),
        )

    # What came of it

    def is_aligned(self, found: Options) -> bool:
        """Whether whatever costs customers least is among what costs the shop least."""
        prices = _prices(found)
        best = min(prices.values())
        return all(id_ in self.cheapest for id_, price in prices.items() if price == best)

    def prospects(self, found: Options) -> tuple[Prospect, ...]:
        """Every way to pay with its costs and prices, the shop's cheapest first."""
        now, then = _prices(self.today), _prices(found)
        return tuple(
            Prospect(
                way=self.rules.ways[id_],
                share=self.shares[id_],
                cost=self.true_costs[id_],
                price_now=self.money(now[id_]),
                price_then=self.money(then[id_]),
            )
            for id_ in sorted(self.costs, key=lambda id_: (self.costs[id_], then[id_], id_))
        )

    def steering(
        self, extras: Mapping[str, _Extra], below: int | None = None
    ) -> tuple[SteeringRule, ...]:
        """Rules that ask for it, one for each amount, the largest discounts first."""
        groups: dict[tuple[Literal["fee", "discount"], int], set[str]] = {}
        for id_, extra in extras.items():
            if extra.discount:
                groups.setdefault(("discount", extra.discount), set()).add(id_)
            if extra.fee:
                groups.setdefault(("fee", extra.fee), set()).add(id_)
        when = When(
            markets=frozenset({self.s.market}),
            customers=frozenset({self.s.customer}),
            at_least=(self.money(self.s.goods),),
            below=() if below is None else (self.money(below),),
        )
        taken = {rule.id for rule in self.rules.shop.steering}
        stem = f"by_cost_{self.s.market.lower()}_{self.s.customer}"
        free = (id_ for n in count(1) if (id_ := f"{stem}_{n}") not in taken)
        return tuple(
            SteeringRule(
                id=next(free),
                methods=frozenset(methods),
                when=when,
                fee=Sum(fixed=(self.money(minor),)) if what == "fee" else None,
                discount=Sum(fixed=(self.money(minor),)) if what == "discount" else None,
            )
            for (what, minor), methods in sorted(
                groups.items(), key=lambda group: (group[0][0], -group[0][1])
            )
        )

    def true_below(self, extras: Mapping[str, _Extra], cover: Mapping[str, int]) -> int | None:
        """Up to which worth of goods the plan stays true; None if for all that are worth more.

        True means that the same way is the cheapest and no discount more than its way saves, of
        those that are offered here. Costs grow evenly with the amount, so each condition holds up
        to one point or for good. At least the amount that was planned for is below it.
        """
        dearest = max(self.costs, key=lambda id_: (self.costs[id_] - cover[id_], self.rates[id_]))
        # What each condition has to spare, and how much of that one more minor unit takes.
        spare = [
            (self.costs[other] - self.costs[best], self.rates[best] - self.rates[other])
            for best in self.cheapest
            for other in self.costs
        ]
        for id_, extra in extras.items():
            if extra.discount:
                saved = self.costs[dearest] - cover[dearest] - self.costs[id_]
                given = self.asked[id_].discount + extra.discount
                spare.append((saved - given, self.rates[id_] - self.rates[dearest]))
        grows = min((_down(has / takes) for has, takes in spare if takes > 0), default=None)
        if grows is None:
            return None
        # VAT and delivery may make more of one more minor unit of goods.
        goods = self.s.goods
        grows = divide(grows * goods, max(self.amount.minor, goods, 1), Rounding.DOWN)
        limit = max(self.whole(goods + grows), goods + 1)
        return limit if limit <= MAX_MINOR else None


def _prices(found: Options) -> dict[str, int]:
    """What choosing each way to pay costs the customer: below zero for a discount."""
    return {option.id: option.fee.minor - option.discount.minor for option in found.payments}


def _down(value: Fraction) -> int:
    return divide(value.numerator, value.denominator, Rounding.DOWN)


def _shares(
    given: Mapping[str, Decimal] | None, rules: Rules, offered: Collection[str]
) -> dict[str, Fraction]:
    """Which part of all orders each way has, of those that are offered."""
    weights = {id_: Fraction(1) for id_ in offered}
    if given is not None:
        for id_, share in given.items():
            if id_ not in rules.ways:
                raise InvalidInput("the shop has no such way to pay", field=f"shares.{id_}")
            if not share.is_finite() or share < 0:
                raise InvalidInput("is a number, not below zero", field=f"shares.{id_}")
        weights = {id_: Fraction(given.get(id_, 0)) for id_ in offered}
    whole = sum(weights.values())
    if offered and not whole:
        raise InvalidInput("nothing that is offered here has any", field="shares")
    return {id_: weight / whole for id_, weight in weights.items()}


def _sums(prospects: Sequence[Prospect]) -> Sums:
    """What payment costs on average, where the first of these is what all can move to."""
    currency = prospects[0].price_now.currency
    now = sum(each.share * each.net_now.minor for each in prospects)
    stays = sum(each.share * each.net_then.minor for each in prospects)
    moved = prospects[0].net_then.minor
    percent: Decimal | None = None
    if stays <= now:
        percent = Decimal(0)
    elif moved <= now:
        part = Fraction(stays - now) / Fraction(stays - moved)
        percent = Decimal(divide(1000 * part.numerator, part.denominator, Rounding.UP)).scaleb(-1)

    def money(value: Fraction | int) -> Money:
        return Money(divide(*Fraction(value).as_integer_ratio(), Rounding.HALF_UP), currency)

    return Sums(money(now), money(stays), money(moved), percent)


def _toml(rule: SteeringRule) -> str:
    """A rule as the planner makes them, as text for the shop's settings."""
    what, given = ("fee", rule.fee) if rule.fee else ("discount", rule.discount)
    amounts = given.fixed if given else ()
    lines = [
        "[[steering]]",
        f'id = "{rule.id}"',
        f"methods = {_list(sorted(rule.methods))}",
        f"when.markets = {_list(rule.when.markets)}",
        f"when.customers = {_list(rule.when.customers)}",
        f"when.at_least = {_list(rule.when.at_least)}",
    ]
    if rule.when.below:
        lines.append(f"when.below = {_list(rule.when.below)}")
    return "\n".join([*lines, f"{what} = {{ fixed = {_list(amounts)} }}", ""])


def _list(items: Iterable[object]) -> str:
    return json.dumps([str(item) for item in items])
