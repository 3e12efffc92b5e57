"""What events mean for the shop's own invoices: no more is asked for than what left, and so on."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.checkout import events as e
from checkoutflow.checkout.invoice import CreditNote, Invoice
from checkoutflow.errors import UsageError
from checkoutflow.money import Money

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from checkoutflow.checkout.state import Checkout


def _put(state: Checkout, invoice: Invoice) -> Checkout:
    return state.but(
        invoices=tuple(
            invoice if item.number == invoice.number else item for item in state.invoices
        ),
    )


def _invoice_issued(state: Checkout, event: e.InvoiceIssued) -> Checkout:
    left = state.uninvoiced(state.payment(event.payment))
    if event.amount > left:
        raise UsageError(f"an invoice over {event.amount} is more than the {left} there is")
    invoice = Invoice(
        number=event.invoice,
        payment=event.payment,
        shipment=event.shipment,
        amount=event.amount,
        issued_on=event.issued_on,
        due_on=event.due_on,
        remind_at=event.remind_at,
        reference=event.reference,
        scheme=event.scheme,
        paid=Money(0, event.amount.currency),
    )
    return state.but(invoices=(*state.invoices, invoice))


def _credit_note_issued(state: Checkout, event: e.CreditNoteIssued) -> Checkout:
    invoice = state.invoice(event.invoice)
    if event.amount > invoice.claim:
        raise UsageError(f"only {invoice.claim} of invoice {invoice.number} can be credited")
    note = CreditNote(number=event.credit_note, amount=event.amount, issued_on=event.issued_on)
    return _put(state, invoice.but(credit_notes=(*invoice.credit_notes, note)))


def _payment_recorded(state: Checkout, event: e.PaymentRecorded) -> Checkout:
    invoice = state.invoice(event.invoice)
    state = _put(state, invoice.but(paid=invoice.paid + event.amount))
    if any(item.owed.minor for item in state.invoices if item.payment == invoice.payment):
        return state
    return state.without_attention(invoice.payment, "owed_to_customer")


def _invoice_overdue(state: Checkout, event: e.InvoiceOverdue) -> Checkout:
    return _put(state, state.invoice(event.invoice).but(is_reminded=True))


INVOICE_EVENTS: Final[Mapping[type, Callable[[Checkout, Any], Checkout]]] = MappingProxyType(
    {
        e.InvoiceIssued: _invoice_issued,
        e.CreditNoteIssued: _credit_note_issued,
        e.PaymentRecorded: _payment_recorded,
        e.InvoiceOverdue: _invoice_overdue,
    }
)
