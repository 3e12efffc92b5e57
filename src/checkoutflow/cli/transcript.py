"""A sale of the demo, told to a person or to a machine."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.checkout.accounts import accounts
from checkoutflow.cli.paper import TIMES, columns, moment, padded, pieces, shortened
from checkoutflow.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable

    from checkoutflow.checkout.amounts import Amount
    from checkoutflow.checkout.state import Payment
    from checkoutflow.checkout.view import Offer, View
    from checkoutflow.cli.paper import Paper
    from checkoutflow.cli.stories import Sale

# Widths on the customer's page: what something is, and what it costs.
_WHAT: Final = 46
_COSTS: Final = 18

# Whether something that is offered was chosen.
_MARKS: Final = {True: "●", False: "○"}


def tell(sale: Sale, paper: Paper) -> None:
    """Write a sale as a transcript that fits on a screen."""
    paper.heading(sale.story.title, f"{sale.page.locale} · {sale.bank.currency}")
    _customers_page(sale.page, paper)
    _what_happens(sale, paper)
    _what_the_shop_has(sale, paper)
    _books(sale, paper)
    paper.line()


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


def _customers_page(page: View, paper: Paper) -> None:
    paper.section("What the customer sees")
    paper.entry("page", page.status, "cyan")
    totals = page.totals
    for line in page.lines:
        paper.entry("", _priced(f"{line.quantity} {TIMES} {line.name}", line.amount), "cyan")
    for named in (*totals.discounts, *totals.charges):
        paper.entry("", _priced(named.name, named.amount), "cyan")
    paper.entry("total", _priced("", totals.total), "cyan", "bold")
    for part in totals.vat:
        paper.entry("VAT", _priced(f"{part.text} in {part.gross.text}", part.vat), "cyan")
    if page.deliveries:
        paper.entry("delivery", _offered(page.deliveries), "cyan")
    paper.entry("payment", _offered(page.payments), "cyan")
    for cover in page.covers:
        taken = _priced(f"{_MARKS[cover.is_accepted]} {cover.name}", cover.premium)
        paper.entry("insurance", taken, "cyan")
    paper.entry("is asked", ", ".join(need.label for need in page.missing), "cyan")
    paper.entry("button", f"[ {page.button} ]", "cyan", "bold")


def _priced(what: str, amount: Amount) -> str:
    return padded(what, _WHAT) + padded(amount.text, _COSTS, right=True)


def _offered(offers: Iterable[Offer]) -> str:
    return "   ".join(f"{_MARKS[offer.is_chosen]} {offer.name}" for offer in offers)


def _what_happens(sale: Sale, paper: Paper) -> None:
    paper.section("What happens")
    seen = sale.page.status
    for step in sale.steps:
        paper.entry(step.actor, step.text)
        says = f"{step.view.status}. {step.view.notice}".removesuffix(". ")
        if says != seen:
            paper.entry("", f"“{says}”", "cyan")
        seen = says


def _what_the_shop_has(sale: Sale, paper: Paper) -> None:
    checkout = sale.checkout
    names = {line.id: line.name for line in checkout.cart.lines}
    paper.section("What the shop has")
    paper.entry("checkout", f"{checkout.id}, {checkout.phase}, {checkout.version} commits")
    for payment in checkout.payments:
        paper.entry("payment", _payment(payment))
    if review := checkout.review:
        reasons, until = ", ".join(review.reasons), moment(review.deadline)
        paper.entry("hold", f"{reasons}, to be decided by {until}")
        paper.entry("review", f"{review.state} by {review.reviewer}")
    for label, parts in (("shipment", checkout.shipments), ("refund", checkout.refunds)):
        for part in parts:
            paper.entry(label, f"{part.amount}, {part.state}: {pieces(part.lines, names)}")
    for insurer, premiums in accounts(checkout).premiums.items():
        paper.entry("insurance", f"{premiums} of it is for {insurer}")
    if checkout.cancelled:
        paper.entry("cancelled", pieces(checkout.cancelled, names))
    if sale.notices:
        counted = Counter(sale.notices).items()
        paper.entry("notices", ", ".join(f"{count} {TIMES} {kind}" for kind, count in counted))


def _payment(payment: Payment) -> str:
    attempts = ", ".join(f"{item.operation} {item.outcome or 'sent'}" for item in payment.attempts)
    reason = f" ({payment.reason.replace('_', ' ')})" if payment.reason else ""
    return f"{shortened(payment.id)} {payment.method}, {payment.state}: {attempts}{reason}"


def _books(sale: Sale, paper: Paper) -> None:
    paper.section(f"The books, in {sale.bank.currency}")
    totals = ("authorised", "captured", "refunded", "voided")
    rows = [
        totals,
        *(
            [str(Money(getattr(books, total), books.currency).decimal()) for total in totals]
            for books in (sale.checkout.books, sale.bank)
        ),
    ]
    head, ours, banks = columns(rows, right=range(len(totals)))
    paper.entry("", head, "dim")
    paper.entry("ours", ours)
    said, colour = ("they agree", "green") if sale.is_agreed else ("THEY DIFFER", "red")
    paper.entry("the bank's", f"{banks}   {said}", colour)
