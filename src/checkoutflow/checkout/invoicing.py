"""The shop's own invoices: one for each shipment that such a payment covers, and credit notes.

**Numbers.** An invoice needs "a sequential number, based on one or more series, which uniquely
identifies" it (VAT directive 2006/112/EC, article 226(2); the five countries' rules on invoices
say the same, Norway and Iceland by rules of their own), and tax offices take a hole in the series
for a sale that was left out. Neither a checkout's random id nor anything made of it is sequential,
and a counter of the database leaves a hole whenever a commit fails after it has counted. So a
number is one above the highest that is kept, it is taken inside the transaction that writes the
invoice, and both are written or neither is. Deciding is done again with that number, which changes
nothing else. Credit notes are numbered in the same series. There is one series, since a store holds
one shop.

**References** are made of the number with a zero after it: where Norway's MOD11 has no digit for
the check, the last digit is another one, and the series of invoices needs no hole for it.

**The books.** What is captured of such a payment is what was invoiced, and what is refunded was
credited. That money arrived is said by the shop, and kept on the invoice; what the customer has
paid beyond its claim is the customer's, and a person is called to pay it back.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from itertools import product
from typing import TYPE_CHECKING

from checkoutflow.checkout import events as e
from checkoutflow.checkout.paying import call_a_person
from checkoutflow.checkout.state import PartState
from checkoutflow.errors import InvalidInput, UsageError
from checkoutflow.money import Money
from checkoutflow.payment.calendar import banking_day

if TYPE_CHECKING:
    from datetime import date

    from checkoutflow.checkout import commands as c
    from checkoutflow.checkout.draft import Draft
    from checkoutflow.checkout.state import Checkout, Payment, Shipment
    from checkoutflow.payment.terms import Terms

# When the bank's list of what came in on the due day has been read.
_REMINDED_AT = time(12, tzinfo=UTC)


def issue(draft: Draft, shipment: Shipment) -> None:
    """Ask for what a shipment costs, as far as a payment on invoice covers it."""
    for payment in draft.state.payments:
        invoices = [item for item in draft.state.invoices if item.shipment == shipment.id]
        asked = sum(item.amount.minor for item in invoices)
        left = Money(shipment.amount.minor - asked, shipment.amount.currency)
        amount = min(left, draft.state.uninvoiced(payment))
        if payment.terms is not None and amount.minor > 0:
            _issue(draft, payment, payment.terms, shipment.id, amount)


def _issue(draft: Draft, payment: Payment, terms: Terms, shipment: str, amount: Money) -> None:
    market, law = draft.state.market, draft.rules.law
    today = law.day(market, draft.at)
    due = terms.due(today, market, law)
    number = draft.take_number()
    scheme, reference = _reference(draft, payment, number, today)
    draft.add(
        e.InvoiceIssued(
            invoice=number,
            payment=payment.id,
            shipment=shipment,
            amount=amount,
            issued_on=today,
            due_on=due,
            remind_at=datetime.combine(
                banking_day(market, due + timedelta(days=1), law), _REMINDED_AT
            ),
            reference=reference,
            scheme=scheme,
        )
    )


def _reference(draft: Draft, payment: Payment, number: int, today: date) -> tuple[str, str]:
    """Whose scheme makes the reference, and what it is; the bare number where there is none."""
    scheme = draft.rules.scheme(draft.state.market, today)
    if scheme is not None:
        try:
            return scheme.market, scheme.generate(scheme.next_usable(10 * number))
        except InvalidInput:
            # The agreement with the bank has too few digits. The goods have left all the same.
            call_a_person(draft, payment, "no_reference")
    return "", str(number)


def credit(draft: Draft, refund_id: str = "") -> None:
    """Take back on invoices what was given back of payments on invoice.

    What units of a refund cost is credited on the invoice of the shipment that they left with, and
    anything else where most is still to be paid: the newest invoices that are open, then the rest.
    """
    for payment in draft.state.payments if draft.state.invoices else ():
        over = -draft.state.uninvoiced(payment).minor
        if over <= 0:
            continue
        invoices = [item for item in draft.state.invoices if item.payment == payment.id]
        shares = _shares(draft.state, refund_id)
        newest = sorted(invoices, key=lambda item: (item.open.is_zero, -item.number))
        most = [(item, shares[item.shipment]) for item in invoices]
        most += [(item, item.claim.minor) for item in newest]
        parts: Counter[int] = Counter()
        for invoice, wanted in most:
            number = invoice.number
            part = min(wanted, invoice.claim.minor - parts[number], over)
            parts[number] += part
            over -= part
        for number, minor in sorted(parts.items()):
            if minor:
                _credit(draft, number, Money(minor, payment.amount.currency))


def _credit(draft: Draft, invoice: int, amount: Money) -> None:
    today = draft.rules.law.day(draft.state.market, draft.at)
    draft.add(
        e.CreditNoteIssued(
            credit_note=draft.take_number(), invoice=invoice, amount=amount, issued_on=today
        )
    )


def _shares(state: Checkout, refund_id: str) -> Counter[str]:
    """What returned units cost, by shipment: the units of a line come back as they left."""
    shares: Counter[str] = Counter()
    back = [item for item in state.refunds if item.id == refund_id]
    left = [item for item in state.shipments if item.state is PartState.DONE]
    for refund, shipment in product(back, left):
        for line_id in refund.lines.keys() & shipment.lines.keys():
            firsts = refund.first.get(line_id, 0), shipment.first.get(line_id, 0)
            units = refund.lines[line_id], shipment.lines[line_id]
            start, end = max(firsts), min(map(sum, zip(firsts, units, strict=True)))
            if start < end:
                shares[shipment.id] += state.unit_amount(refund, line_id, start, end).minor
    return shares


def record_payment(draft: Draft, command: c.RecordPayment) -> None:
    """The shop tells what arrived at its bank, or, below zero, what it paid back.

    Raises:
        NotFound: If there is no such invoice.
        InvalidInput: If the amount or the day cannot be.
        UsageError: If more would be paid back than has arrived.
    """
    invoice, amount = draft.state.invoice(command.invoice), command.amount
    if amount.currency != invoice.amount.currency:
        raise InvalidInput(f"this invoice is in {invoice.amount.currency}", field="amount")
    if amount.is_zero:
        raise InvalidInput("is what arrived, or below zero what was paid back", field="amount")
    if command.received_on > draft.rules.law.day(draft.state.market, draft.at):
        raise InvalidInput("lies in the future", field="received_on")
    if (invoice.paid + amount).minor < 0:
        raise UsageError(f"only {invoice.paid} has arrived for invoice {invoice.number}")
    draft.add(
        e.PaymentRecorded(invoice=invoice.number, amount=amount, received_on=command.received_on)
    )


def owe(draft: Draft) -> None:
    """Call a person where a customer has paid more than is asked for."""
    for invoice in draft.state.invoices:
        if invoice.owed.minor:
            payment = draft.state.payment(invoice.payment)
            call_a_person(draft, payment, "owed_to_customer")


def remind(draft: Draft) -> None:
    """Tell the shop, once, that an invoice is overdue."""
    for invoice in draft.state.invoices:
        if invoice.reminder is not None and draft.at >= invoice.reminder:
            draft.add(e.InvoiceOverdue(invoice=invoice.number))
