"""``checkoutflow show``: what happened to a checkout, from its journal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.cart import Cart, Priced
from checkoutflow.checkout import events as e
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.state import PartState
from checkoutflow.cli.files import open_kept
from checkoutflow.cli.paper import columns, day_and_time, shortened
from checkoutflow.errors import UsageError
from checkoutflow.money import Money
from checkoutflow.review import ReviewState

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.cli.paper import Paper
    from checkoutflow.payment.books import Books
    from checkoutflow.stores.contract import JournalEntry

# Columns of the events' names.
_MARGIN: Final = 24


def run(arguments: Namespace, paper: Paper) -> int:
    """Print a checkout's journal, its books and what is open. No personal data is touched."""
    store = open_kept(arguments.db)
    checkout = store.load(arguments.checkout)
    journal = store.journal(arguments.checkout)
    store.close()
    if checkout is None:
        raise UsageError(f"{arguments.db} holds no checkout with this id")
    paper.heading(f"{checkout.id}: {checkout.phase}", f"{checkout.locale} · {checkout.market}")
    for entry in journal:
        _entry(entry, paper)
    paper.section(f"The books, in {checkout.total.currency}")
    for line in _books(checkout):
        paper.entry("", line)
    paper.section("What is open")
    for line in list(_open(checkout)) or ["Nothing."]:
        paper.entry("", line)
    return 0


# The journal -----------------------------------------------------------------------------------


def _entry(entry: JournalEntry, paper: Paper) -> None:
    paper.line()
    paper.entry(str(entry.version), f"{day_and_time(entry.at)}  {entry.command}", "bold", margin=4)
    for event in entry.events:
        paper.entry(event.type, told(event), margin=_MARGIN)


def told(event: e.Event) -> str:
    """What an event says, for a person of the shop to read."""
    values = {name: _shown(name, getattr(event, name)) for name in type(event).model_fields}
    return _TELLS[type(event)].format(**values)


# How each kind of event is told. Where a field may be empty, `_shown` brings the words around it.
_TELLS: Final[Mapping[type, str]] = MappingProxyType(
    {
        e.Started: "{cart}, {priced}, for a {customer} in {market}; expires {expires_at}",
        e.CartChanged: "another cart or other prices: {cart}, {priced}",
        e.DetailsProvided: "the customer gave {fields}; the vault holds them",
        e.DeliveryChosen: "{delivery}; the total is {priced}",
        e.PaymentChosen: "{method}",
        e.CreditAdded: "{method} is to cover {amount}",
        e.CreditRemoved: "{method} is not used after all",
        e.Placed: "the customer accepted {accepted_total}",
        e.PaymentStarted: "{payment}: {amount} by {method}, {provider}",
        e.AttemptStarted: "{payment}, {attempt}: {operation} {amount}{part}",
        e.AttemptResent: "{payment}, {attempt}: sent again under the same key",
        e.AttemptPending: "{payment}, {attempt}: not decided yet{action}",
        e.AttemptUnknown: "{payment}, {attempt}: no usable answer, so it may have been done",
        e.AttemptFailed: "{payment}, {attempt}: {outcome}{reason}",
        e.Looked: "{payment}: the provider was asked, and {is_absent}",
        e.PaymentAuthorised: "{payment}: {amount} is reserved{valid_until}{origin}",
        e.PaymentCaptured: "{payment}: {amount} is captured{origin}",
        e.PaymentVoided: "{payment}: {amount} is released{origin}",
        e.PaymentExpired: "{payment}: ran out, so {amount} is no longer reserved",
        e.PaymentRefunded: "{payment}: {amount} is given back{origin}",
        e.CaptureFailed: "{payment}, {attempt}: the capture of {amount} failed after all",
        e.RefundFailed: "{payment}, {attempt}: the refund of {amount} failed after all",
        e.Contradicted: "{payment}: the provider says what cannot be: {said}",
        e.ContradictionCleared: "{payment}: the provider agrees with the books again",
        e.AttentionNeeded: "{payment}: a person should look{reason}",
        e.AuthorisationReminded: "{payment}: the shop was reminded of it{valid_until}",
        e.Reopened: "the customer chooses again{reason}",
        e.EndingAsked: "to be {ending} as soon as its payment is settled",
        e.Held: "{reasons}; a person decides by {deadline}",
        e.ReviewClaimed: "{reviewer} looks at it",
        e.ReviewApproved: "{reviewer} lets it through",
        e.ReviewRejected: "{reviewer} turns it down{reason}",
        e.ReviewLapsed: "it counts as turned down{reason}",
        e.Confirmed: "the whole total is secure: there is an order",
        e.ShipmentStarted: "{shipment}: {lines}, {amount}",
        e.Shipped: "{shipment} is paid for and has left",
        e.ShipmentFailed: "{shipment} is not paid for and must not leave",
        e.ShipmentPaidAgain: "{shipment} is paid for again",
        e.RefundStarted: "{refund}: {lines}, {amount}",
        e.RefundDone: "{refund} is given back",
        e.RefundNotDone: "{refund} is not given back in full",
        e.LinesCancelled: "{lines}",
        e.Cancelled: "what is still reserved will be released",
        e.Expired: "nobody finished it in time",
        e.Fulfilled: "every unit is shipped or cancelled",
    }
)


def _shown(name: str, value: object) -> str:
    """A field of an event as text."""
    match name, value:
        case "payment", str():
            return f"payment {shortened(value)}"
        case "attempt", str():
            return f"attempt {value.rpartition('-')[2]}"
        case "provider", _:
            return f"taken by {value}" if value else "on the shop's own word"
        case "is_absent", _:
            return "does not know of it" if value else "says nothing new"
        case "origin", _:
            return ", by the provider itself" if value == "provider" else ""
        case "part", _:
            return f" for {value}" if value else ""
        case "reason", str():
            return f": {value.replace('_', ' ')}" if value else ""
        case "valid_until", datetime():
            return f" until {day_and_time(value)}"
        case "action", value if value is not None:
            return ", the customer has to act"
        case _, None:
            return ""
        case _, datetime():
            return day_and_time(value)
        case _, Mapping():
            return units(value) or "an amount"
        case _, tuple():
            return ", ".join(map(str, value))
        case _, Cart():
            return f"{len(value.lines)} line" + "s" * (len(value.lines) > 1)
        case _, Priced():
            return str(value.total)
        case _:
            return str(value)


def units(lines: Mapping[str, int]) -> str:
    """Pieces by line, as text."""
    return ", ".join(f"{count} × {line}" for line, count in lines.items())


# How it stands now --------------------------------------------------------------------------------


def _books(checkout: Checkout) -> list[str]:
    rows = [("payment", "method", "state", "authorised", "captured", "refunded", "voided")]
    rows += [
        (shortened(payment.id), payment.method, str(payment.state), *_sums(payment.books))
        for payment in checkout.payments
    ]
    rows.append(("together", "", "", *_sums(checkout.books)))
    return columns(rows, right=range(3, 7))


def _sums(books: Books) -> tuple[str, str, str, str]:
    minors = (books.authorised, books.captured, books.refunded, books.voided)
    first, second, third, fourth = (str(Money(m, books.currency).decimal()) for m in minors)
    return first, second, third, fourth


def _open(checkout: Checkout) -> Iterator[str]:
    """What is not settled, and until when."""
    if checkout.phase in {Phase.COLLECTING, Phase.PLACING}:
        yield f"The customer has not finished; expires {day_and_time(checkout.expires_at)}."
    review = checkout.review
    if review is not None and review.state in {ReviewState.OPEN, ReviewState.CLAIMED}:
        yield f"The review is {review.state}, to be decided by {day_and_time(review.deadline)}."
    if checkout.phase in {Phase.HELD, Phase.CONFIRMED}:
        yield f"To ship: {units(checkout.to_ship())}."
    for payment in checkout.payments:
        name = f"Payment {shortened(payment.id)}"
        for attempt in payment.open_attempts:
            what = f"{attempt.operation} {attempt.amount}, {attempt.outcome or 'not answered'}"
            again = f"; asked again {day_and_time(payment.look_at)}" if payment.look_at else ""
            yield f"{name}: {what}{again}."
        if payment.valid_until is not None and not payment.books.capturable.is_zero:
            until = day_and_time(payment.valid_until)
            yield f"{name}: {payment.books.capturable} is reserved until {until}."
        if payment.contradiction:
            yield f"{name} is stopped: the provider said {payment.contradiction}."
    for part in (*checkout.shipments, *checkout.refunds):
        if part.state is PartState.UNDER_WAY:
            yield f"{part.id} is under way."
    for item in checkout.attention:
        reason = item.reason.replace("_", " ")
        yield f"A person should look at payment {shortened(item.payment)}: {reason}."
