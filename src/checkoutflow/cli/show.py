"""``checkoutflow show``: what happened to a checkout, from its journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.cart import Cart, Priced
from checkoutflow.checkout import events as e
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.state import PartState
from checkoutflow.cli.files import open_kept
from checkoutflow.cli.paper import columns, moment, pieces, shortened
from checkoutflow.errors import UsageError
from checkoutflow.money import Money

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from checkoutflow.checkout.state import Checkout, Payment
    from checkoutflow.cli.paper import Paper
    from checkoutflow.model import Frozen
    from checkoutflow.payment.books import Books
    from checkoutflow.review import Scored
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
    paper.entry(
        str(entry.version), f"{entry.at:%Y-%m-%d %H:%M:%S} UTC  {entry.command}", "bold", margin=4
    )
    for event in entry.events:
        paper.entry(event.type, told(event), margin=_MARGIN)


def told(event: e.Event) -> str:
    """What an event says, for a person of the shop to read."""
    values = {name: _shown(name, getattr(event, name)) for name in type(event).model_fields}
    return _TELLS[type(event)].format(**values)


# How each kind of event is told. Where a field may be empty, `_shown` brings the words around it.
_TELLS: Final[Mapping[type[Frozen], str]] = MappingProxyType(
    {
        e.Started: "{cart}, {priced}, for a {customer} in {market}; expires {expires_at}",
        e.CartChanged: "another cart or other prices: {cart}, in {market}",
        e.DetailsProvided: "the customer gave {fields}; the vault holds them",
        e.DetailsDropped: "{fields} went: nothing needs it, or it must be given again",
        e.CodeAsked: "a code was asked for, by {by}{valid_until}",
        e.CodeRefused: "another code was typed",
        e.LoginAsked: "the customer was sent to {issuer}{valid_until}",
        e.LoginTaken: "the customer came back from there",
        e.Verified: "the customer has shown who they are, by {by}",
        e.AgeKnown: "the customer is {adult}",
        e.ConsentChanged: "the customer said {consents}",
        e.RefusalOffered: "the customer could refuse offers",
        e.ContactChanged: "{fields} of the customer who is remembered changed",
        e.ErasureAsked: "to be erased when it is over: {reason}",
        e.DeliveryChosen: "{delivery}",
        e.PaymentChosen: "{method}",
        e.CreditAdded: "{method} is to cover {amount}",
        e.CreditRemoved: "{method} is not used after all",
        e.InsuranceAnswered: "the customer said {answers}",
        e.QuotesTaken: "quoted: {quotes}",
        e.Repriced: "the total is {priced}{explained}",
        e.Placed: "the customer accepted {accepted_total}",
        e.PaymentStarted: "{payment}: {amount} by {method}, {provider}",
        e.ProfileAwaited: "{payment}: what was shared {ask_at}",
        e.DetailsShared: "{payment}: the customer shared {fields}; the vault holds them",
        e.AttemptStarted: "{payment}, {attempt}: {operation} {amount}{part}",
        e.AttemptResent: "{payment}, {attempt}: sent again under the same key",
        e.AttemptPending: "{payment}, {attempt}: not decided yet{action}",
        e.AttemptNamed: "{attempt} is called {reference} there",
        e.AttemptUnknown: "{payment}, {attempt}: no usable answer, so it may have been done",
        e.AttemptFailed: "{payment}, {attempt}: {outcome}{reason}",
        e.AttemptResolved: "{payment}, {attempt}: {by} saw in the {seen_in} that it {is_done}",
        e.Looked: "{payment}: the provider was asked, and {is_absent}",
        e.LookUnanswered: "{payment}: the provider has not told all",
        e.LookAnswered: "{payment}: the provider tells how it stands again",
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
        e.Rerouted: "{payment} came to nothing; {provider} is asked as {to}",
        e.Reopened: "the customer chooses again{reason}",
        e.EndingAsked: "to be {ending} as soon as its payment is settled",
        e.Assessed: "noticed with the payment: {signals}",
        e.Judged: "rules that apply: {hits}{scored}",
        e.Held: "{reasons}; a person decides by {deadline}",
        e.ReviewClaimed: "{reviewer} looks at it",
        e.ReviewReleased: "{reviewer} lets go of it",
        e.ReviewHandedOver: "{reviewer} hands it over to {to}",
        e.ReviewEndorsed: "{reviewer} would let it through; another reviewer decides with them",
        e.ReviewNoted: "{reviewer} writes a note",
        e.CustomerAsked: "{reviewer} asks the customer: {what}",
        e.CustomerAnswered: "the customer answers: {answer}",
        e.ReviewApproved: "{reviewer} lets it through",
        e.ReviewRejected: "{reviewer} turns it down{reason}",
        e.ReviewLapsed: "it counts as turned down{reason}",
        e.Confirmed: "the whole total is secure: there is an order",
        e.PoliciesBound: "from {on}: {free_until}",
        e.PolicyEntered: "{policy}: {entry}",
        e.Replaced: "{lines} were faulty, and others were sent",
        e.ShipmentStarted: "{shipment}: {lines}, {amount}",
        e.Shipped: "{shipment} is paid for and has left",
        e.ShipmentFailed: "{shipment} is not paid for and must not leave",
        e.ShipmentPaidAgain: "{shipment} is paid for again",
        e.RefundStarted: "{refund}: {lines}, {amount}",
        e.RefundDone: "{refund} is given back",
        e.RefundNotDone: "{refund} is not given back in full",
        e.InvoiceIssued: "invoice {invoice} for {shipment}: {amount} due {due_on}, {reference}",
        e.CreditNoteIssued: "credit note {credit_note}: {amount} of invoice {invoice}",
        e.PaymentRecorded: "{amount} arrived for invoice {invoice} on {received_on}",
        e.InvoiceOverdue: "the shop was told that invoice {invoice} is unpaid",
        e.ChargedBack: "the customer's bank took back {amount}{is_fraud}",
        e.LinesCancelled: "{lines}",
        e.Cancelled: "what is still reserved will be released",
        e.Expired: "nobody finished it in time",
        e.Fulfilled: "every unit is shipped or cancelled",
    }
)


def _score(value: Scored | None) -> str:
    """What the learned score said, where there is one."""
    if value is None or value.probability is None:
        return ""
    holds = "holds" if value.held else "does not hold"
    return f"; the score says {100 * value.probability:.0f} % and {holds}"


# Fields that are told in words of their own.
_WORDS: Final[Mapping[str, Callable[[Any], str]]] = MappingProxyType(
    {
        "payment": lambda value: f"payment {shortened(value)}",
        "attempt": lambda value: f"attempt {value.rpartition('-')[2]}" if value else "by itself",
        "provider": lambda value: f"taken by {value}" if value else "on the shop's own word",
        "is_done": lambda value: "was done" if value else "was not done",
        "is_absent": lambda value: "does not know of it" if value else "says nothing new",
        "origin": lambda value: ", by the provider itself" if value == "provider" else "",
        "adult": lambda value: "18 or older" if value else "under 18",
        "consents": lambda value: ", ".join(
            f"{'yes' if is_given else 'no'} to {kind.replace('_', ' ')}"
            for kind, is_given in value.items()
        ),
        "signals": lambda value: ", ".join(f"{name} {value[name]}" for name in sorted(value)),
        "hits": lambda value: (
            ", ".join(f"{hit.rule} (in the shadow)" if hit.shadow else hit.rule for hit in value)
            or "none"
        ),
        "scored": _score,
        "reviewer": lambda value: value or "the deadline",
        "is_fraud": lambda value: ": fraud" if value else "",
        "answers": lambda value: ", ".join(
            f"{'yes' if each.is_wanted else 'no'} to {each.offer} for {each.terms.each}"
            for each in value
        ),
        "quotes": lambda value: ", ".join(f"{each.offer} for {each.each}" for each in value),
        "free_until": lambda value: ", ".join(
            f"{policy}, free to give back until {day}" for policy, day in value.items()
        ),
        "entry": lambda value: f"{value.kind} {value.units:+}, {value.premium}",
        "part": lambda value: f" for {value}" if value else "",
        "explained": lambda value: f"; the law changed {len(value)}" if value else "",
        "reason": lambda value: f": {value.replace('_', ' ')}" if value else "",
        "ask_at": lambda value: (
            f"is to be asked for at {moment(value)}" if value else "is not asked for any more"
        ),
        "valid_until": lambda value: f" until {moment(value)}" if value else "",
        "action": lambda value: ", the customer has to act" if value else "",
    }
)


def _shown(name: str, value: object) -> str:
    """A field of an event as text."""
    if name in _WORDS:
        return _WORDS[name](value)
    match value:
        case datetime():
            return moment(value)
        case Mapping():
            return pieces(value) or "an amount"
        case tuple():
            return ", ".join(map(str, value))
        case Cart():
            return f"{len(value.lines)} line" + "s" * (len(value.lines) > 1)
        case Priced():
            return str(value.total)
        case _:
            return str(value)


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
        yield f"The customer has not finished; expires {moment(checkout.expires_at)}."
    review = checkout.review
    if review is not None and review.is_open:
        yield f"The review is {review.state}; to be decided by {moment(review.deadline)}."
    if checkout.phase in {Phase.HELD, Phase.CONFIRMED} and (left := checkout.to_ship()):
        yield f"To ship: {pieces(left)}."
    for payment in checkout.payments:
        yield from _open_payment(payment)
    under_way = [item.id for item in checkout.shipments if item.state is PartState.UNDER_WAY]
    under_way += [item.id for item in checkout.refunds if item.state is PartState.UNDER_WAY]
    if under_way:
        yield f"Under way: {', '.join(under_way)}."
    for invoice in checkout.invoices:
        if not invoice.open.is_zero:
            yield f"Invoice {invoice.number}: {invoice.open} is to be paid by {invoice.due_on}."
        if not invoice.owed.is_zero:
            yield f"Invoice {invoice.number}: {invoice.owed} too much was paid; pay it back."
    for item in checkout.attention:
        reason = item.reason.replace("_", " ")
        yield f"A person should look at payment {shortened(item.payment)}: {reason}."


def _open_payment(payment: Payment) -> Iterator[str]:
    name = f"Payment {shortened(payment.id)}"
    for attempt in payment.open_attempts:
        again = f"; asked again {moment(payment.look_at)}" if payment.look_at else ""
        outcome = attempt.outcome or "not answered"
        yield f"{name}: {attempt.operation} {attempt.amount} is {outcome}{again}."
    reserved = payment.books.capturable
    if payment.valid_until is not None and not reserved.is_zero:
        yield f"{name}: {reserved} is reserved until {moment(payment.valid_until)}."
    if payment.contradiction:
        yield f"{name} is stopped: the provider said {payment.contradiction}."
