"""What must be true whatever happened: the bank's book against ours, the journal, the timers.

`check_world` is one call at the end of a test. The bank's book is the truth about money; the rest
is read through the store's own contract, so it works on any store.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from checkoutflow.checkout import events as e
from checkoutflow.checkout.accounts import accounts
from checkoutflow.checkout.evolve import evolve
from checkoutflow.checkout.machine import ENDS, Phase
from checkoutflow.checkout.messages import messages
from checkoutflow.checkout.state import PartState
from checkoutflow.checkout.timers import timers
from checkoutflow.errors import UsageError
from checkoutflow.insurance import PolicyState
from checkoutflow.payment.outcomes import Operation
from checkoutflow.testing.bank import Book

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from checkoutflow.checkout.state import Checkout, Payment
    from checkoutflow.shop import Shop
    from checkoutflow.stores.contract import JournalEntry, Store
    from checkoutflow.testing.standins.base import StandIn

_ALL: Final = 1_000_000
_MOMENT: Final = timedelta(microseconds=1)
_FAR: Final = timedelta(days=10_000)


def check_world(store: Store, bank: StandIn, shop: Shop) -> None:
    """Check every checkout of a store against the bank and against itself.

    Hand over the bank's waiting notices first (``bank.deliver``) and let due work run: what nobody
    told us, or what nobody looked after, cannot be in our books. A payment whose outcome is open
    is allowed to be behind the bank, never ahead of it.

    Args:
        store: Where the checkouts are.
        bank: The bank that took the payments of the provider ``simulated_bank``.
        shop: The settings that they were sold by.

    Raises:
        AssertionError: With one line for every promise that is broken.
    """
    found = [store.load(name) for name in store.checkouts((), limit=_ALL)]
    states = [state for state in found if state is not None]
    problems = [*_strangers(states, bank), *_numbers(states)]
    for state in states:
        where = f"checkout {state.id} ({state.phase})"
        journal = store.journal(state.id)
        theirs = _theirs(state, bank)
        for check in (_books, _money, _prices, _order, _covers, _accounts, _invoices):
            problems += [f"{where}: {text}" for text in check(state, theirs)]
        problems += [f"{where}: {text}" for text in _history(state, journal)]
        problems += [f"{where}: {text}" for text in _timers(state, store, shop)]
        problems += [f"{where}: {text}" for text in _messages(state, journal, store, shop)]
    if problems:
        raise AssertionError("\n".join(["the world is not in order:", *problems]))


def _theirs(state: Checkout, bank: StandIn) -> Mapping[str, Book]:
    """What the bank did for each payment; our own books where another provider took it, or none."""
    name = bank.provider().name
    return {
        payment.id: bank.book(payment.id)
        if payment.provider == name
        else Book(**payment.books.model_dump(exclude={"currency"}))
        for payment in state.payments
    }


def _is_settled(payment: Payment) -> bool:
    """Whether all that the provider was asked has its answer, and nothing is to be tried again."""
    return not payment.open_attempts and not payment.contradiction and payment.look_at is None


def _is_at_rest(state: Checkout) -> bool:
    """Whether all its payments are settled, and no person has to look at any of them."""
    return all(map(_is_settled, state.payments)) and not state.attention


# Money --------------------------------------------------------------------------------------------


def _strangers(states: Sequence[Checkout], bank: StandIn) -> Iterator[str]:
    """Payments at the bank that no checkout knows: an attempt was sent before it was kept."""
    ours = {payment.id for state in states for payment in state.payments}
    for reference in bank.references:
        if reference not in ours:
            yield (
                f"the bank has a payment {reference} that no checkout knows; an attempt must be "
                "committed before it is sent"
            )
    done = Counter((entry.operation, entry.key) for entry in bank.entries() if entry.key)
    for (operation, key), times in done.items():
        if times > 1:
            yield f"the bank {operation} {times} times under the key {key}; once is meant"


def _books(state: Checkout, theirs: Mapping[str, Book]) -> Iterator[str]:
    """Our books are the bank's; while an outcome is open they may be behind, never ahead."""
    for payment in state.payments:
        book = theirs[payment.id]
        ours = payment.books
        if book.authorised == book.voided and ours.authorised == ours.voided and payment.is_dead:
            continue  # reserved and released while it was given up: nothing is left of it
        for account in ("authorised", "captured", "refunded", "voided"):
            have, true = getattr(ours, account), getattr(book, account)
            if have > true:
                yield (
                    f"payment {payment.id}: we have {have} {account} and the bank only {true}; "
                    "only what a provider said may be written down as done"
                )
            elif have < true and _is_settled(payment):
                yield (
                    f"payment {payment.id}: the bank has {true} {account} and we only {have}, with "
                    "no outcome open; were its notices delivered, and did run_due() run?"
                )


def _money(state: Checkout, theirs: Mapping[str, Book]) -> Iterator[str]:
    """Nobody pays twice, and nobody's money is kept for nothing."""
    total, books = state.total.minor, theirs.values()
    taken = sum(book.taken for book in books)
    if taken > total:
        yield f"{taken} is taken for an order of {total}: the customer was charged twice"
    if not _is_at_rest(state):
        return
    held = sum(book.reserved for book in books) + taken
    if held > total:
        yield (
            f"{held} is reserved or taken for an order of {total}: an authorisation that nobody "
            "wants was not voided"
        )
    wanted = {tender.payment for tender in state.tenders} if state.phase not in ENDS else set()
    for payment_id, book in theirs.items():
        if book.reserved and payment_id not in wanted:
            yield f"payment {payment_id} still holds {book.reserved}; it must be voided"
    if taken and state.phase in _SELLS_NOTHING:
        yield f"{taken} is taken and bought nothing; it must be given back"


_SELLS_NOTHING: Final = ENDS - {Phase.FULFILLED} | {Phase.COLLECTING}


def _prices(state: Checkout, _: Mapping[str, Book]) -> Iterator[str]:
    """What an order costs is the sum of its parts, by whatever it is split."""
    priced, whole = state.priced, state.total.minor
    lines = sum(line.payable.minor for line in priced.lines)
    if lines != whole:
        yield f"its lines come to {lines}, and the order to {whole}: a split has lost something"
    if priced.prices_include_vat:
        given = sum(line.goods.minor for line in priced.lines)
        given += sum(charge.amount.minor for charge in priced.charges)
        given -= sum(discount.amount.minor for discount in priced.discounts)
        if given != whole:
            yield f"what it is made of comes to {given}, and it to {whole}: something was lost"


# Orders -------------------------------------------------------------------------------------------


def _order(state: Checkout, theirs: Mapping[str, Book]) -> Iterator[str]:
    """Nothing leaves unpaid, nothing is given back in words only, and an order has its money."""
    captured = sum(book.captured for book in theirs.values())
    reserved = sum(book.reserved for book in theirs.values())
    shipped = [item for item in state.shipments if item.state is PartState.DONE]
    paid = sum(item.amount.minor for item in shipped if item.is_paid)
    if paid > captured:
        yield f"goods worth {paid} have left, and only {captured} is captured"
    reasons = {item.reason for item in state.attention}
    if any(not item.is_paid for item in shipped) and "capture_failed" not in reasons:
        yield "a shipment that has left is unpaid, and nobody at the shop is told"
    if any(units < 0 for units in state.unsent().values()):
        yield f"more units are shipped and cancelled than were ordered: {state.unsent()}"
    refunded = sum(book.refunded for book in theirs.values())
    given = sum(item.amount.minor for item in state.refunds if item.state is PartState.DONE)
    if given > refunded:
        yield f"refunds of {given} count as done, and the bank gave back {refunded}"
    total, is_whole = state.total.minor, _is_at_rest(state) and not state.cancelled
    if state.phase in {Phase.HELD, Phase.CONFIRMED} and is_whole and reserved + captured < total:
        yield (
            f"only {reserved + captured} of {total} is reserved or taken; an order without its "
            "money needs a person"
        )


# Covers -------------------------------------------------------------------------------------------


def _covers(state: Checkout, _: Mapping[str, Book]) -> Iterator[str]:
    """A cover stands with an order and with its goods."""
    quantities = {line.id: line.quantity for line in state.cart.lines}
    for policy in state.policies:
        if policy.state is PolicyState.ACCEPTED and state.phase not in _UNDECIDED:
            yield f"the cover {policy.id} is neither bound nor over, with the order {state.phase}"
        if policy.units < 0 or policy.premium.minor < 0:
            yield f"more of the cover {policy.id} has gone than there was"
        kept = sum(state.kept(name, quantities.get(name, 0)) for name in policy.terms.lines)
        if policy.units > kept and _is_at_rest(state):
            yield f"{policy.units} covers {policy.id} stand, for {kept} that they are for"


def _accounts(state: Checkout, theirs: Mapping[str, Book]) -> Iterator[str]:
    """What was taken is the shop's or an insurer's, whose policies say the same."""
    if not _is_at_rest(state):
        return
    split, net = accounts(state), sum(book.captured - book.refunded for book in theirs.values())
    if split.total.minor != net:
        yield f"{split.total} is told apart, and the bank has {net}"
    to_come = state.unsent() if state.phase is Phase.CONFIRMED else {}
    stands = dict.fromkeys(split.premiums, 0)
    for policy in state.policies:
        if policy.terms.insurer in stands:
            unsent = policy.terms.each.minor * to_come.get(policy.id, 0)
            stands[policy.terms.insurer] += policy.premium.minor - unsent
    collected = {insurer: money.minor for insurer, money in split.premiums.items()}
    if stands != collected:
        yield f"{stands} is the insurers' by their policies, and {collected} is collected"


_UNDECIDED: Final = {Phase.COLLECTING, Phase.PLACING, Phase.HELD}


# Invoices -----------------------------------------------------------------------------------------


def _numbers(states: Sequence[Checkout]) -> Iterator[str]:
    """Invoices and credit notes are one series, in which no number is missing or there twice."""
    numbers = sorted(
        number
        for state in states
        for invoice in state.invoices
        for number in (invoice.number, *(note.number for note in invoice.credit_notes))
    )
    if numbers and numbers != [*range(numbers[0], numbers[0] + len(numbers))]:
        yield f"invoices and credit notes are numbered {numbers}; a series has no gaps"


def _invoices(state: Checkout, _: Mapping[str, Book]) -> Iterator[str]:
    """What has left on invoice is asked for, once, and what was given back is credited."""
    for payment in state.payments:
        uninvoiced = state.uninvoiced(payment).minor
        if uninvoiced < 0 or (uninvoiced and state.phase in ENDS):
            yield f"payment {payment.id}: {uninvoiced} is taken and not invoiced"
    reasons = {item.reason for item in state.attention}
    if any(item.owed.minor for item in state.invoices) != ("owed_to_customer" in reasons):
        yield "a customer is owed money and nobody is told, or the other way round"


# Records ------------------------------------------------------------------------------------------


def _history(state: Checkout, journal: Sequence[JournalEntry]) -> Iterator[str]:
    """Replaying the journal gives the state, and no step of it came too early."""
    versions = [entry.version for entry in journal]
    if versions != list(range(1, state.version + 1)):
        yield f"the journal has versions {versions}; they count from 1 to {state.version}"
        return
    replayed: Checkout | None = None
    for entry in journal:
        for event in entry.events:
            try:
                replayed = evolve(replayed, event)
            except UsageError as error:
                yield f"version {entry.version} cannot be replayed: {error}"
                return
            for problem in _too_early(replayed, event):
                yield f"version {entry.version}: {problem}"
    if replayed is None or replayed.but(version=state.version) != state:
        yield "replaying the journal gives another state than the stored one"


def _too_early(state: Checkout, event: e.Event) -> Iterator[str]:
    match event:
        case e.AttemptStarted(operation=Operation.CAPTURE) if state.phase not in {
            Phase.CONFIRMED,
            Phase.FULFILLED,
        }:
            yield f"a capture was begun while the checkout was {state.phase}"
        case e.Held() | e.Confirmed() | e.ReviewApproved():
            books = [payment.books for payment in state.current_payments]
            secured = sum(book.authorised - book.voided - book.refunded for book in books)
            if secured != state.total.minor:
                yield f"{event.type} with {secured} secured of {state.total.minor}"
        case e.Shipped():
            left = [item for item in state.shipments if item.state is PartState.DONE]
            worth = sum(item.amount.minor for item in left if item.is_paid)
            if worth > state.books.captured:
                yield f"{worth} has left with {state.books.captured} captured"
        case _:
            pass


def _timers(state: Checkout, store: Store, shop: Shop) -> Iterator[str]:
    """The stored timers are those that the state asks for, to the microsecond."""

    def due_by(moment: datetime) -> frozenset[str]:
        kinds = (due.kinds for due in store.due(moment, _ALL) if due.checkout == state.id)
        return next(kinds, frozenset()) - {"notice"}

    wanted = timers(state, shop)
    if store.erasures(state.subject):
        wanted.pop("erase", None)  # it has been done
    stored = due_by(state.started_at + _FAR)
    if stored != wanted.keys():
        yield f"timers {sorted(stored)} are stored, and {sorted(wanted)} are needed"
    for kind, at in wanted.items():
        if kind in stored and (kind in due_by(at - _MOMENT) or kind not in due_by(at)):
            yield f"the timer {kind} is not set to {at}, when it is due"


def _messages(
    state: Checkout, journal: Sequence[JournalEntry], store: Store, shop: Shop
) -> Iterator[str]:
    """Every stored message tells of something that the journal has."""
    told = {
        (entry.version, kind) for entry in journal for kind in messages(entry.events, shop.messages)
    }
    for message in store.messages(_ALL):
        if message.checkout == state.id and (message.version, message.kind) not in told:
            yield f"the message {message.id} tells of nothing that happened"
