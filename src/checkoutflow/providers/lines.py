"""The lines of an order as providers want them who take a price by the piece."""

from __future__ import annotations

from dataclasses import replace

from checkoutflow.money import Money
from checkoutflow.providers.contract import OrderLine


def by_piece(line: OrderLine, *sums: int) -> OrderLine:
    """The line where a price by the piece gives its amount, else all of it as one piece.

    Args:
        line: As the order has it.
        sums: What of it the provider wants by the piece, in any unit; by default its amount.

    >>> each, nothing = Money(100, "DKK"), Money(0, "DKK")
    >>> by_piece(OrderLine("1", "Cup", 3, each, 2500, nothing)).name
    '3 × Cup'
    >>> by_piece(OrderLine("1", "Cup", 4, each, 2500, nothing)).name
    'Cup'
    """
    if not any(minor % line.quantity for minor in sums or (line.amount.minor,)):
        return line
    return replace(line, name=f"{line.quantity} × {line.name}", quantity=1)


def one_line(amount: Money, name: str, *, line_id: str = "order") -> OrderLine:
    """A line of our own for an amount without lines: what is bought is not known, nor its VAT."""
    return OrderLine(line_id, name, 1, amount, vat_basis=0, vat=Money.zero(amount.currency))
