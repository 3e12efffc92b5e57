"""Whose the money of an order is: the shop's own, or an insurer's that the shop collected it for.

The premium of an insurance is never the shop's revenue. It is the insurer's from the day on which
the cover began, is collected with the shipment that it goes along with, and goes back with what it
covers. A warranty is the shop's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from checkoutflow.checkout.state import PartState
from checkoutflow.model import Frozen
from checkoutflow.money import Money, total
from checkoutflow.payment.outcomes import Operation, Outcome

if TYPE_CHECKING:
    from checkoutflow.checkout.state import Checkout


class Accounts(Frozen):
    """The money of an order that was taken and not given back, by whose it is.

    Attributes:
        revenue: The shop's: goods, charges and warranties that left, VAT included, less what was
            given back. Below zero where the shop gave more back than it had sold.
        premiums: What was collected for each insurer, by its id; the insurer is told of it by the
            bordereau, with what the shop keeps of it.
        advance: Taken before anything left for it; below zero, what left and is not paid for.
    """

    revenue: Money
    premiums: Mapping[str, Money]
    advance: Money

    @property
    def total(self) -> Money:
        """All of it: what the books have as captured, less what they have as refunded."""
        return total((self.revenue, *self.premiums.values(), self.advance), self.revenue.currency)


def accounts(state: Checkout) -> Accounts:
    """Split what was taken for an order by whose it is. The parts add up to the books."""
    currency, books = state.total.currency, state.books
    left = [item for item in state.shipments if item.state is PartState.DONE]
    back = [item for item in state.refunds if item.state is PartState.DONE]
    premiums: dict[str, int] = {}
    for policy in state.policies:
        if policy.starts is None or not policy.terms.insurer:
            continue
        collected = sum(
            state.unit_amount(part, policy.id, first, first + units).minor
            for part in left
            if (units := part.lines.get(policy.id, 0))
            for first in [part.first.get(policy.id, 0)]
        )
        returned = sum(part.premiums[policy.id].minor for part in back if policy.id in part.lines)
        insurer = policy.terms.insurer
        premiums[insurer] = premiums.get(insurer, 0) + collected - returned
    unearned = sum(
        attempt.amount.minor
        for attempt in state.attempts_for("")
        if attempt.operation is Operation.REFUND and attempt.outcome is Outcome.SUCCEEDED
    )
    shipped = sum(part.amount.minor for part in left)
    advance = books.captured - shipped - unearned
    revenue = books.captured - books.refunded - advance - sum(premiums.values())
    return Accounts(
        revenue=Money(revenue, currency),
        premiums={insurer: Money(minor, currency) for insurer, minor in premiums.items()},
        advance=Money(advance, currency),
    )
