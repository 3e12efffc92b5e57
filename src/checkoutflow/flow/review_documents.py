"""Orders that wait for a person, and what became of them, as plain data ready for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.flow.reviewing import ReviewFile
    from checkoutflow.review.queue import Waiting


def plain(order: Waiting) -> dict[str, object]:
    """An order that waits, as plain data."""
    asked = order.request
    return {
        "checkout": order.checkout,
        "market": order.market,
        "total": str(order.total),
        "held_at": order.held_at.isoformat() if order.held_at else None,
        "deadline": order.deadline.isoformat(),
        "state": str(order.state),
        "reasons": list(order.reasons),
        "probability": order.probability,
        "reviewer": order.reviewer,
        "claimed_until": order.claimed_until.isoformat() if order.claimed_until else None,
        "endorsed_by": order.endorsed_by,
        "needs_two": order.needs_two,
        "asked": {"what": asked.what, "answer": asked.answer} if asked else None,
        "notes": order.notes,
    }


def plain_file(found: ReviewFile, locale: str) -> dict[str, object]:
    """Everything that a decision needs; with what is personal, where that was opened.

    Args:
        found: It.
        locale: Of the score's reasons.
    """
    sale = found.checkout
    requests = sale.review.requests if sale.review else ()
    return {
        **plain(found.waiting),
        "goods": goods(sale),
        "payments": payments(sale),
        "signals": dict(sale.signals),
        "rules": [hit.model_dump() for hit in sale.hits],
        "score": {
            "standing": str(found.opinion.standing),
            "why": list(found.opinion.words(locale)),
        },
        "requests": [request.model_dump(mode="json") for request in requests],
        "details": dict(found.details),
        "notes": [
            {"at": note.at.isoformat(), "by": note.by, "text": note.text} for note in found.notes
        ],
    }


def plain_standing(sale: Checkout) -> Mapping[str, object]:
    """How an order stands after something was done about it."""
    return {
        "checkout": sale.id,
        "phase": str(sale.phase),
        "review": sale.review.model_dump(mode="json") if sale.review else None,
        "payments": {item.id: str(item.state) for item in sale.current_payments},
    }


def goods(sale: Checkout) -> list[str]:
    """A line of text for each line of the cart."""
    return [
        f"{line.quantity} x {line.name} ({line.sku}), {line.unit_price}" for line in sale.cart.lines
    ]


def payments(sale: Checkout) -> list[str]:
    """A line of text for each payment."""
    return [f"{item.method}: {item.amount}, {item.state}" for item in sale.current_payments]
