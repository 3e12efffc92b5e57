"""Rules of when an order is held: data of the shop, judged on the order's own facts and signals.

A rule holds by itself, or adds weight, and an order whose weights reach a sum is held. A rule in
the shadow is recorded and does nothing: so it can be watched before it acts. Nothing here refuses
an order. A person decides, and until then the money is reserved and nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from pydantic import Field, field_validator, model_validator

from checkoutflow.errors import InvalidInput
from checkoutflow.model import Frozen
from checkoutflow.money import Money, exceeded
from checkoutflow.review.signals import SIGNALS
from checkoutflow.texts import locale_of, mark, translate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from checkoutflow.cart import Cart
    from checkoutflow.review.signals import Signals


class Range(Frozen):
    """Numbers of a signal that count, both ends among them; at least one end."""

    min: int | None = None
    max: int | None = None

    @model_validator(mode="after")
    def _has_an_end(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is at most max")
        return self

    def has(self, number: int) -> bool:
        """Whether a number lies in it."""
        above = self.min is None or number >= self.min
        return above and (self.max is None or number <= self.max)


class Band(Frozen):
    """Amounts that count, in one currency.

    Attributes:
        at_least: The lowest that counts.
        below: The lowest above it that does not.
    """

    at_least: Money | None = None
    below: Money | None = None

    @model_validator(mode="after")
    def _has_an_end(self) -> Self:
        if self.at_least is None and self.below is None:
            raise ValueError("give at_least, below or both")
        if self.at_least is not None and self.below is not None:
            if self.at_least.currency != self.below.currency:
                raise ValueError("both are in one currency")
            if self.at_least >= self.below:
                raise ValueError("at_least is less than below")
        return self

    @property
    def currency(self) -> str:
        """Of its amounts."""
        return next(end.currency for end in (self.at_least, self.below) if end is not None)

    def has(self, amount: Money) -> bool:
        """Whether an amount lies in it; never one in another currency."""
        if amount.currency != self.currency:
            return False
        above = self.at_least is None or amount >= self.at_least
        return above and (self.below is None or amount < self.below)


def bands(*at_least: str) -> tuple[Band, ...]:
    """Bands from these amounts upwards."""
    return tuple(Band(at_least=Money.read(text)) for text in at_least)


class When(Frozen):
    """What must be so for a rule to apply: all that is named. What is not known is not so.

    Attributes:
        markets: One of them.
        categories: Some of the goods are of one of these categories ...
        skus: ... or have one of these skus.
        units: So many pieces at least of these goods; of all where neither is named.
        goods: What these goods cost, before discounts, lies in one of these bands; in a currency
            without a band it does not.
        total: What the order comes to lies in one of these bands.
        methods: One of these ways to pay is used, credits among them.
        deliveries: One of these ways of delivery is chosen.
        signals: By name, true or false, or a range of numbers.
    """

    markets: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    skus: frozenset[str] = frozenset()
    units: int = Field(default=0, ge=0)
    goods: tuple[Band, ...] = ()
    total: tuple[Band, ...] = ()
    methods: frozenset[str] = frozenset()
    deliveries: frozenset[str] = frozenset()
    signals: Mapping[str, bool | Range] = {}

    @field_validator("signals")
    @classmethod
    def _are_known(cls, signals: Mapping[str, bool | Range]) -> Mapping[str, bool | Range]:
        for name, wanted in signals.items():
            if name not in SIGNALS:
                raise ValueError(f"{name} is not a signal; {', '.join(SIGNALS)} are")
            if isinstance(wanted, bool) == bool(SIGNALS[name].unit):
                asked = "a range, as {min = 2}" if SIGNALS[name].unit else "true or false"
                raise ValueError(f"{name} is asked for by {asked}")
        return signals

    def fits(self, order: Order, signals: Signals) -> bool:
        """Whether all of it is so."""
        return (
            all(self._fits_signal(name, signals.get(name)) for name in self.signals)
            and (not self.markets or order.market in self.markets)
            and (not self.methods or not self.methods.isdisjoint(order.methods))
            and (not self.deliveries or order.delivery in self.deliveries)
            and (not self.total or any(band.has(order.total) for band in self.total))
            and self._fits_goods(order.cart)
        )

    def _fits_goods(self, cart: Cart) -> bool:
        if not (self.categories or self.skus or self.units or self.goods):
            return True
        is_any = not (self.categories or self.skus)
        meant = [
            line
            for line in cart.lines
            if is_any or line.goods_category in self.categories or line.sku in self.skus
        ]
        if not meant or sum(line.quantity for line in meant) < self.units:
            return False
        worth = Money(sum(line.goods.minor for line in meant), cart.currency)
        return not self.goods or any(band.has(worth) for band in self.goods)

    def _fits_signal(self, name: str, value: bool | int | None) -> bool:  # noqa: FBT001 -- a signal
        wanted = self.signals[name]
        if value is None:
            return False
        return wanted.has(value) if isinstance(wanted, Range) else wanted is value


class Rule(Frozen):
    """One rule of the shop.

    Attributes:
        id: Its name, in figures and in the record of each order.
        reason: What a reviewer reads; the id if empty.
        hold: Whether it holds by itself.
        weight: What it adds otherwise; below zero, what speaks for an order.
        shadow: Whether it is only recorded.
    """

    id: str = Field(min_length=1, max_length=40, pattern=r"^[a-z0-9_]+$")
    reason: str = Field(default="", max_length=200)
    hold: bool = False
    weight: int = Field(default=0, ge=-1000, le=1000)
    shadow: bool = False
    when: When

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        if self.hold == bool(self.weight):
            raise ValueError("give either hold = true or a weight")
        return self


@dataclass(frozen=True, slots=True)
class Order:
    """What rules look at, beside signals.

    Attributes:
        methods: Ways to pay that are used.
        delivery: Chosen way of delivery; empty where nothing is sent.
    """

    market: str
    cart: Cart
    total: Money
    methods: frozenset[str]
    delivery: str


class Hit(Frozen):
    """A rule that applied to an order, as it was then."""

    rule: str
    hold: bool = False
    weight: int = 0
    shadow: bool = False


class Scored(Frozen):
    """What the learned score said to an order, as it was then.

    Attributes:
        standing: Whether the model could be relied on; see ``checkoutflow.review.score.Standing``.
        version: The model's; empty where there was none.
        probability: Of harm, from 0 to 1; None where there was no model.
        would_hold: Whether the order was among those that people can look at.
        held: Whether it was held for that: never in the shadow, nor where the list allows it.
        because: The signals that spoke most for harm, by name.
    """

    standing: str
    version: str = ""
    probability: float | None = None
    would_hold: bool = False
    held: bool = False
    because: tuple[str, ...] = ()


class Judgement(Frozen):
    """What the rules came to.

    Attributes:
        hits: Every rule that applied, in the rules' order.
        weight: What those that act add up to.
        reasons: Why the order is held, in words for the reviewer; empty if it is not.
        is_allowed: Whether it is not held since the shop's list says so.
        scored: What the learned score said; None where it was not asked.
    """

    hits: tuple[Hit, ...] = ()
    weight: int = 0
    reasons: tuple[str, ...] = ()
    is_allowed: bool = False
    scored: Scored | None = None


# Translators: these are reasons for which an order waits for a person.
BLOCKED: Final = mark("on the shop's list")
SCORED: Final = mark("the learned score is high")
_ABOVE: Final = mark("total above {limit}")


def judge(
    rules: Iterable[Rule],
    order: Order,
    signals: Signals,
    *,
    hold_at: int,
    hold_above: Sequence[Money],
) -> Judgement:
    """Apply the rules to one order.

    What is on the shop's list of what to hold is held whatever else speaks for it; what is on the
    list of what not to hold is not, whatever speaks against it.

    Args:
        rules: All there are, those in the shadow among them.
        order: The order.
        signals: What is known of it.
        hold_at: The sum of weights from which it is held.
        hold_above: Totals above which it is held, at most one per currency.
    """
    hits: list[Hit] = []
    holding: list[str] = []
    weighing: list[str] = []
    weight = 0
    for rule in rules:
        if not rule.when.fits(order, signals):
            continue
        hits.append(Hit(rule=rule.id, hold=rule.hold, weight=rule.weight, shadow=rule.shadow))
        if not rule.shadow:
            weight += rule.weight
            (holding if rule.hold else weighing).append(rule.reason or rule.id)
    if (limit := exceeded(order.total, hold_above)) is not None:
        holding.append(_ABOVE.format(limit=limit))
    if weight >= hold_at:
        holding += weighing
    is_blocked = signals.get("on_block_list") is True
    is_allowed = signals.get("on_allow_list") is True and not is_blocked
    return Judgement(
        hits=tuple(hits),
        weight=weight,
        reasons=() if is_allowed else ((BLOCKED,) if is_blocked else ()) + tuple(holding),
        is_allowed=is_allowed and bool(holding),
    )


def in_words(reason: str, locale: str) -> str:
    """A reason as a reviewer reads it in their language; a shop's own words stay as they are.

    >>> in_words("total above 5000.00 DKK", "en_GB")
    'total above DKK5,000.00'
    """
    before = _ABOVE.partition("{")[0]
    if not reason.startswith(before):
        return translate(reason, locale)
    try:
        limit = Money.read(reason.removeprefix(before))
    except InvalidInput:
        return reason
    return translate(_ABOVE, locale).format(limit=limit.format(locale_of(locale)))
