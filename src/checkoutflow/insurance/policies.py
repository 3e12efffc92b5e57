"""A policy: its terms as they were offered, its states as a table, and its account.

An account is a list of entries, and nothing in it is changed later: what was bound and what went
back, each with its day. Whatever else is told of a policy's money, to the shop or to an insurer, is
a sum over it. Tax and commission follow from the premium that stands after an entry, so that they
add up as the premiums do, however a policy is taken back in parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from checkoutflow.cart import Line
from checkoutflow.model import Frozen
from checkoutflow.money import Money, Rounding, divide
from checkoutflow.privacy.cards import STORED
from checkoutflow.table import advance

if TYPE_CHECKING:
    from collections.abc import Iterable

    from checkoutflow.cart import Cart
    from checkoutflow.table import Table

_MONTHS: Final = 12
_WHOLE: Final = 100_00  # hundredths of a per cent


class PolicyState(StrEnum):
    """Where a policy stands."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    BOUND = "bound"
    CANCELLED = "cancelled"


class PolicyStep(StrEnum):
    """What can happen to a policy."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    BOUND = "bound"
    LAPSED = "lapsed"
    PARTLY_CANCELLED = "partly_cancelled"
    CANCELLED = "cancelled"
    REPLACED = "replaced"
    REINSTATED = "reinstated"


_S = PolicyState
_E = PolicyStep

POLICY: Final[Table[PolicyState, PolicyStep]] = MappingProxyType(
    {
        _S.OFFERED: {_E.ACCEPTED: _S.ACCEPTED, _E.DECLINED: _S.DECLINED},
        _S.ACCEPTED: {
            _E.DECLINED: _S.DECLINED,  # the customer thinks again, as often as they like
            _E.BOUND: _S.BOUND,
            _E.LAPSED: _S.CANCELLED,  # there is no order: it was rejected, cancelled or expired
        },
        _S.DECLINED: {_E.ACCEPTED: _S.ACCEPTED},
        _S.BOUND: {
            _E.PARTLY_CANCELLED: _S.BOUND,
            _E.CANCELLED: _S.CANCELLED,
            _E.REPLACED: _S.BOUND,  # a piece was faulty: the cover goes on for the one in its place
            _E.REINSTATED: _S.BOUND,
        },
        # What was to go back did not arrive, so the customer still has it to come.
        _S.CANCELLED: {_E.REINSTATED: _S.BOUND},
    }
)


class CoverTerms(Frozen):
    """What was offered, as the customer saw it. It holds whatever becomes of the settings.

    Attributes:
        product: The shop's id of it.
        name: As the customer read it.
        kind: ``insurance`` or ``warranty``.
        lines: Ids of the cart lines that it covers.
        per: ``item``: each piece of its one line; ``order``: all of them together.
        each: What the cover of a piece, or of the order, costs, taxes included.
        tax_percent: The premium tax in it, in per cent of the premium without the tax.
        insurer: Whose it is; empty for a warranty of the shop's own.
        commission_percent: What the insurer pays the shop, of the premium without the tax.
        months: For how long it covers.
        cooling_off_days: For how long the customer may give it back.
        document: Version of the information document.
        quote: The partner's name for its quote, where there is one.
        wording: The words or place that were tried, as ``experiment:arm``; empty for the usual.
    """

    product: str
    name: str
    kind: Literal["insurance", "warranty"]
    lines: tuple[str, ...]
    per: Literal["item", "order"]
    each: Money
    tax_percent: Decimal = Decimal(0)
    insurer: str = ""
    commission_percent: Decimal = Decimal(0)
    months: int
    cooling_off_days: int
    document: str = ""
    quote: str = ""
    wording: str = ""

    def tax(self, premium: int) -> int:
        """The premium tax in so many minor units of premium, rounded half-up."""
        return tax_in(premium, self.tax_percent)

    def commission(self, premium: int) -> int:
        """The shop's commission on so many minor units of premium, rounded half-up."""
        basis = int(self.commission_percent * 100)
        return divide((premium - self.tax(premium)) * basis, _WHOLE, Rounding.HALF_UP)


def tax_in(premium: int, percent: Decimal) -> int:
    """The premium tax in a premium that has it in it, in minor units, rounded half-up.

    >>> tax_in(100_09, Decimal("1.1"))
    109
    """
    basis = int(percent * 100)
    return divide(premium * basis, _WHOLE + basis, Rounding.HALF_UP)


def tax_on(premium: int, percent: Decimal) -> int:
    """The premium tax that comes on top of a premium, in minor units, rounded half-up.

    >>> tax_on(99_00, Decimal("1.1"))
    109
    """
    return divide(premium * int(percent * 100), _WHOLE, Rounding.HALF_UP)


EntryKind = Literal["bound", "cancelled", "replaced", "reinstated"]


class Entry(Frozen):
    """A line of a policy's account.

    Attributes:
        units: Covers that came; below zero, that went.
        premium: What they came to, taxes included; below zero, what goes back of it.
        at: When it was written down. An insurer is told of it by this day.
        on: From when it counts: the cover began, or ended.
        part: The refund that gives the money back, where there is one.
    """

    kind: EntryKind
    units: int
    premium: Money
    at: datetime
    on: date
    part: str = ""


class Policy(Frozen):
    """One cover, from the customer's answer on.

    Attributes:
        id: As it was offered; also the id of its line in the cart.
        answers: What the customer answered about demands and needs: answer by question.
        starts: First day of the cover, once it is bound.
        ends: The day after its last.
        free_until: Last day on which the customer may give it back for the whole premium.
        entries: Its account.
    """

    id: str
    terms: CoverTerms
    state: PolicyState = PolicyState.OFFERED
    answers: Mapping[str, str] = {}
    starts: date | None = None
    ends: date | None = None
    free_until: date | None = None
    entries: tuple[Entry, ...] = ()

    def moved(self, step: PolicyStep, **changes: object) -> Policy:
        """The policy one step on.

        Raises:
            IllegalTransition: If the table has no such step from here.
        """
        return self.but(state=advance("policy", POLICY, self.state, step), **changes)

    def bound(self, units: int, at: datetime, on: date, free_until: date) -> Policy:
        """The policy with its cover begun.

        Args:
            units: Covers: pieces of its line, or one for the order.
            at: When.
            on: First day of the cover.
            free_until: Last day on which it can be given back for the whole premium.
        """
        entry = Entry(kind="bound", units=units, premium=self.terms.each * units, at=at, on=on)
        return self.moved(
            PolicyStep.BOUND,
            starts=on,
            ends=months_after(on, self.terms.months),
            free_until=free_until,
            entries=(entry,),
        )

    def entered(self, entry: Entry) -> Policy:
        """The policy with another line in its account, and the step that this means."""
        match entry.kind:
            case "cancelled":
                is_all = self.units + entry.units == 0
                step = PolicyStep.CANCELLED if is_all else PolicyStep.PARTLY_CANCELLED
            case "reinstated":
                step = PolicyStep.REINSTATED
            case _:
                step = PolicyStep.REPLACED
        return self.moved(step, entries=(*self.entries, entry))

    @property
    def last_day(self) -> date | None:
        """The last day of its cover, had it not ended before; None while it is not bound."""
        return self.ends and self.ends - timedelta(days=1)

    @property
    def units(self) -> int:
        """Covers that stand."""
        return sum(entry.units for entry in self.entries)

    @property
    def premium(self) -> Money:
        """What stands of the premium: the insurer's, for insurance."""
        return Money(sum(entry.premium.minor for entry in self.entries), self.terms.each.currency)

    def settled(self, part: str) -> int:
        """How many covers its account has as gone with a refund, or without one."""
        return -sum(
            entry.units
            for entry in self.entries
            if entry.part == part and entry.kind in {"cancelled", "reinstated"}
        )

    def is_free(self, on: date) -> bool:
        """Whether it can be given back on this day for the whole premium."""
        return self.free_until is None or on <= self.free_until

    def give_back(self, paid: Money, on: date) -> Money:
        """What goes back of a premium when its cover ends on a day, that day still covered.

        Within the cooling-off time it is all of it, then the share of the days that are left,
        rounded half-up: never below zero, and never more than was paid.
        """
        if self.starts is None or self.ends is None or self.is_free(on):
            return paid
        left = min(max((self.ends - on).days - 1, 0), (self.ends - self.starts).days)
        share = divide(paid.minor * left, (self.ends - self.starts).days, Rounding.HALF_UP)
        return Money(share, paid.currency)


def months_after(day: date, months: int) -> date:
    """The same day so many months later, or the first of the next month where there is none.

    >>> months_after(date(2026, 11, 30), 3), months_after(date(2026, 11, 28), 3)
    (datetime.date(2027, 3, 1), datetime.date(2027, 2, 28))
    """
    years, month = divmod(day.year * _MONTHS + day.month - 1 + months, _MONTHS)
    first = date(years, month + 1, 1)
    same = first + timedelta(days=day.day - 1)
    if same.month == first.month:
        return same
    years, month = divmod(years * _MONTHS + month + 1, _MONTHS)
    return date(years, month + 1, 1)


def with_covers(cart: Cart, policies: Iterable[Policy]) -> Cart:
    """The goods of a cart, and a line for each policy that the customer accepted for them."""
    goods = {line.id: line for line in cart.goods}
    covers = tuple(
        # Made of what the checkout has already: what is stored is not looked at again.
        Line.model_validate(
            {
                "sku": policy.terms.product,
                "id": policy.id,
                "name": policy.terms.name,
                "quantity": (
                    goods[policy.terms.lines[0]].quantity if policy.terms.per == "item" else 1
                ),
                "unit_price": policy.terms.each,
                "vat_category": "insurance" if policy.terms.kind == "insurance" else "standard",
                "goods_category": policy.terms.kind,
                "digital": True,
                "kind": policy.terms.kind,
                "insures": policy.terms.lines,
            },
            context=STORED,
        )
        for policy in policies
        if policy.state is PolicyState.ACCEPTED
        and policy.terms.each.currency == cart.currency
        and goods.keys() >= {*policy.terms.lines}
    )
    lines = (*goods.values(), *covers)
    return cart if lines == cart.lines else cart.but(lines=lines)
