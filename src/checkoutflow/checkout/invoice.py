"""The shop's own invoice for one shipment: what it asks for, what was credited, what was paid."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from checkoutflow.model import Frozen
from checkoutflow.money import Money, total


class InvoiceState(StrEnum):
    """What is left of an invoice. It follows from the amounts and is kept nowhere."""

    OPEN = "open"
    PART_PAID = "part_paid"
    PAID = "paid"
    OVERPAID = "overpaid"  # also what was paid before, or after, it was credited
    CREDITED = "credited"  # in full, and nothing was paid


class CreditNote(Frozen):
    """An invoice, or a part of one, taken back. Its number is of the same series."""

    number: int
    amount: Money
    issued_on: date


class Invoice(Frozen):
    """What one payment is to pay for one shipment.

    Attributes:
        number: Its place in the shop's one series of invoices and credit notes.
        issued_on: The day on which the goods left, where the market is.
        due_on: Last day on which to pay; a banking day.
        remind_at: When the shop is told if it is still unpaid.
        reference: What the customer quotes, as it is stored.
        scheme: Market whose scheme made the reference; empty where it is the number itself.
        paid: What arrived at the shop's bank for it, less what was paid back.
        is_reminded: The shop has been told that it is overdue.
    """

    number: int
    payment: str
    shipment: str
    amount: Money
    issued_on: date
    due_on: date
    remind_at: datetime
    reference: str
    scheme: str
    credit_notes: tuple[CreditNote, ...] = ()
    paid: Money
    is_reminded: bool = False

    @property
    def credited(self) -> Money:
        """What credit notes took back."""
        return total((note.amount for note in self.credit_notes), self.amount.currency)

    @property
    def claim(self) -> Money:
        """What it asks for after credit notes."""
        return self.amount - self.credited

    @property
    def open(self) -> Money:
        """What is still to be paid."""
        return max(self.claim - self.paid, Money(0, self.amount.currency))

    @property
    def owed(self) -> Money:
        """What was paid beyond the claim: the customer's, for the shop to pay back."""
        return max(self.paid - self.claim, Money(0, self.amount.currency))

    @property
    def state(self) -> InvoiceState:
        """What is left of it."""
        if self.owed.minor:
            return InvoiceState.OVERPAID
        if self.open.is_zero:
            return InvoiceState.PAID if self.paid.minor else InvoiceState.CREDITED
        return InvoiceState.PART_PAID if self.paid.minor else InvoiceState.OPEN

    @property
    def reminder(self) -> datetime | None:
        """When to tell the shop that it is overdue; None if there is no need to."""
        return None if self.is_reminded or self.open.is_zero else self.remind_at
