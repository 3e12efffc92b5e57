"""The lines of an order as providers want them: sums that agree to the last minor unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checkoutflow.money import Money, Rounding, divide, spread
from checkoutflow.providers.contract import OrderLine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from checkoutflow.checkout.state import Attempt, Checkout, Refund, Shipment
    from checkoutflow.providers.contract import LineKind

_WHOLE: Final = 100_00  # hundredths of a per cent


def order_lines(state: Checkout) -> tuple[OrderLine, ...]:
    """What is bought: goods after discounts, and each charge on a line of its own.

    A charge follows the goods, so where these have several rates of VAT it has a line for each.
    """
    plain = [*_goods(state), *_charges(state)]
    vat = {int(part.percent * 100): part.vat.minor for part in state.priced.vat}
    left = {basis: _spread_over(minor, basis, plain) for basis, minor in vat.items()}
    return tuple(
        OrderLine(
            id=line_id,
            name=name,
            quantity=quantity,
            amount=Money(minor, state.total.currency),
            vat_basis=basis,
            vat=Money(next(left[basis]), state.total.currency),
            kind=kind,
        )
        for line_id, name, quantity, minor, basis, kind in plain
    )


_Plain = tuple[str, str, int, int, int, "LineKind"]


def _goods(state: Checkout) -> Iterator[_Plain]:
    for line, priced in zip(state.cart.lines, state.priced.lines, strict=True):
        minor = (priced.payable - priced.charged).minor
        kind: LineKind = "digital" if line.digital else "goods"
        yield line.id, line.name, line.quantity, minor, int(priced.vat_percent * 100), kind


def _charges(state: Checkout) -> Iterator[_Plain]:
    charged: dict[int, int] = {}
    for line in state.priced.lines:
        basis = int(line.vat_percent * 100)
        charged[basis] = charged.get(basis, 0) + line.charged.minor
    charges = [charge for charge in state.priced.charges if charge.amount.minor]
    rates = [(basis, minor) for basis, minor in charged.items() if minor]
    parts = {
        basis: spread(minor, [charge.amount.minor for charge in charges]) for basis, minor in rates
    }
    for i, charge in enumerate(charges):
        kind: LineKind = "delivery" if charge.kind == "delivery" else "fee"
        for basis, _ in rates:
            line_id = charge.id if len(rates) == 1 else f"{charge.id}-{basis}"
            yield line_id, charge.name, 1, parts[basis][i], basis, kind


def _spread_over(minor: int, basis: int, plain: Sequence[_Plain]) -> Iterator[int]:
    """Split the VAT at one rate over its lines."""
    weights = [line[3] for line in plain if line[4] == basis]
    return iter(spread(minor, weights) if any(weights) else [0] * len(weights))


def part_lines(state: Checkout, attempt: Attempt) -> tuple[OrderLine, ...]:
    """What is captured or given back for; empty where it is not known or does not add up.

    Each line has its share of the charges in it, as the amounts of shipments and refunds do. What
    went before a part is written down with it, so that a repeat of a request is a repeat.
    """
    parts: tuple[Shipment | Refund, ...] = (*state.shipments, *state.refunds)
    part = next((part for part in parts if part.id == attempt.part), None)
    if part is None or part.amount != attempt.amount:
        return ()
    lines = []
    for line in state.cart.lines:
        if units := part.lines.get(line.id, 0):
            first = part.first.get(line.id, 0)
            amount = state.unit_amount(part, line.id, first, first + units)
            basis = int(state.priced.line(line.id).vat_percent * 100)
            vat = divide(amount.minor * basis, _WHOLE + basis, Rounding.HALF_UP)
            lines.append(
                OrderLine(
                    id=line.id,
                    name=line.name,
                    quantity=units,
                    amount=amount,
                    vat_basis=basis,
                    vat=Money(vat, amount.currency),
                    kind="digital" if line.digital else "goods",
                )
            )
    return tuple(lines)
