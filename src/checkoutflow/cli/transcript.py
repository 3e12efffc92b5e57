"""A sale of the demo, told to a person, or to a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checkoutflow.cli.paper import columns, padded, shortened
from checkoutflow.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checkoutflow.checkout.view import Offer, View
    from checkoutflow.cli.paper import Paper
    from checkoutflow.cli.stories import Sale
    from checkoutflow.payment.books import Books

# Columns of the customer's page: what it is, and what it costs.
_NAME = 46
_AMOUNT = 18


def tell(sale: Sale, paper: Paper) -> None:
    """Write a sale as a transcript that fits on a screen."""
    paper.heading(sale.story.title, f"{sale.page.locale} · {sale.bank.currency}")
    _customers_page(sale.page, paper)
    _what_happens(sale, paper)
    _what_the_shop_has(sale, paper)
    _books(sale, paper)


def as_json(sale: Sale) -> dict[str, Any]:
    """A sale as plain data: views, books in minor units, and the journal's types of events."""
    return {
        "market": sale.story.market,
        "title": sale.story.title,
        "checkout": sale.checkout.id,
        "phase": sale.checkout.phase,
        "page": sale.page.model_dump(mode="json"),
        "steps": [
            {"actor": step.actor, "text": step.text, "view": step.view.model_dump(mode="json")}
            for step in sale.steps
        ],
        "notices": sale.notices,
        "books": {
            "ours": sale.checkout.books.model_dump(mode="json"),
            "bank": sale.bank.model_dump(mode="json"),
            "agree": sale.is_agreed,
        },
        "journal": [
            {
                "version": entry.version,
                "command": entry.command,
                "events": [event.type for event in entry.events],
            }
            for entry in sale.journal
        ],
    }
