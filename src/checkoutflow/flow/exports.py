"""Everything that is kept about one person, for that person: to read, and to take along."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.stores.contract import (
        ConsentRow,
        ErasureRow,
        JournalEntry,
        ReadRow,
        SightingRow,
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """One field that is kept of a person.

    Attributes:
        value: Stars where the field gives access to money, which nobody is shown.
        purposes: What it may be used for.
        expires_at: When it goes.
    """

    value: str = field(repr=False)
    purposes: tuple[str, ...]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Export:
    """Everything that is kept about one person, or of one sale of theirs.

    Attributes:
        person: Under what reference.
        fields: By name, what the vault holds.
        books: By name, what is kept for bookkeeping alone.
        former: Where they were reached until it was changed, each time by name; kept for some
            days to tell them there.
        choices: What they chose last time, where they are remembered.
        restricted_at: Since when their data is only kept; None while it is used.
        found_by: Kinds of traces by which they are found again, each with its end.
        consents: What they agreed to and took back.
        reads: Who read what of them, and what for.
        erasures: When they were erased.
        seen: By what their order is seen again, and what became of it.
        sale: The checkout that was made under this reference, if one was.
        history: Everything that happened to that checkout, in order.
        sales: The same of each sale of a person who is remembered; sales have references of
            their own.
    """

    person: str
    fields: Mapping[str, Kept] = field(repr=False)
    books: Mapping[str, Kept] = field(repr=False)
    former: tuple[Mapping[str, Kept], ...] = field(repr=False)
    choices: Mapping[str, str]
    restricted_at: datetime | None
    found_by: Mapping[str, datetime]
    consents: tuple[ConsentRow, ...]
    reads: tuple[ReadRow, ...]
    erasures: tuple[ErasureRow, ...]
    seen: tuple[SightingRow, ...] = ()
    sale: Checkout | None = field(default=None, repr=False)
    history: tuple[JournalEntry, ...] = field(default=(), repr=False)
    sales: tuple[Export, ...] = field(default=(), repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is kept."""
        proofs = self.consents or self.reads or self.erasures
        return not (self.fields or self.books or proofs or self.sale or self.sales)


# As plain data -----------------------------------------------------------------------------------


def plain(export: Export) -> dict[str, Any]:
    """An export as plain data, ready for JSON."""
    return {
        "person": export.person,
        "fields": {name: _plain(item) for name, item in export.fields.items()},
        "kept_for_bookkeeping": {name: _plain(item) for name, item in export.books.items()},
        "former": [
            {name: _plain(item) for name, item in before.items()} for before in export.former
        ],
        "choices": dict(export.choices),
        "restricted_at": export.restricted_at and export.restricted_at.isoformat(),
        "found_by": {kind: until.isoformat() for kind, until in export.found_by.items()},
        "consents": [
            {
                "what": row.kind,
                "given": row.is_given,
                "at": row.at.isoformat(),
                "text": row.text,
                "language": row.locale,
                "proof": row.proof,
            }
            for row in export.consents
        ],
        "reads": [
            {
                "at": row.at.isoformat(),
                "purpose": row.purpose,
                "fields": list(row.fields),
                "by": row.by,
            }
            for row in export.reads
        ],
        "erasures": [
            {
                "at": row.at.isoformat(),
                "reason": row.reason,
                "kept": list(row.kept),
                "until": row.until and row.until.isoformat(),
            }
            for row in export.erasures
        ],
        "seen": [
            {
                "seen_by": row.kind,
                "what": row.fate,
                "at": row.at.isoformat(),
                "until": row.expires_at.isoformat(),
            }
            for row in export.seen
        ],
        "sale": export.sale and _plain_sale(export.sale, export.history),
        "sales": [plain(part) for part in export.sales],
    }


def _plain(item: Kept) -> dict[str, Any]:
    return {
        "value": item.value,
        "purposes": list(item.purposes),
        "expires_at": item.expires_at.isoformat(),
    }


def _plain_sale(sale: Checkout, history: Sequence[JournalEntry]) -> dict[str, Any]:
    """A checkout as a customer knows it, with what was decided about it."""
    return {
        "id": sale.id,
        "market": sale.market,
        "language": sale.locale,
        "customer": sale.customer,
        "adult": sale.adult,
        "phase": sale.phase.value,
        "started_at": sale.started_at.isoformat(),
        "shown_to_be": {"level": sale.recognition.level, "by": sale.recognition.by},
        "areas": list(sale.areas),
        "experiments": dict(sale.arms),
        "delivery": sale.delivery,
        "method": sale.method,
        "total": str(sale.total),
        "lines": [
            {
                "name": str(line.name),
                "sku": line.sku,
                "quantity": line.quantity,
                "unit_price": str(line.unit_price),
            }
            for line in sale.cart.lines
        ],
        "covers": [
            {
                "name": policy.terms.name,
                "for": list(policy.terms.lines),
                "insurer": policy.terms.insurer,
                "state": policy.state.value,
                "from": policy.starts and policy.starts.isoformat(),
                "to": policy.last_day and policy.last_day.isoformat(),
                "premium": str(policy.premium),
                "document": policy.terms.document,
                "answers": dict(policy.answers),
            }
            for policy in sale.policies
        ],
        "payments": [
            {
                "id": item.id,
                "method": item.method,
                "provider": item.provider,
                "provider_reference": item.provider_reference,
                "amount": str(item.amount),
                "state": item.state.value,
            }
            for item in sale.payments
        ],
        "shipments": [
            {"id": item.id, "lines": dict(item.lines), "amount": str(item.amount)}
            for item in sale.shipments
        ],
        "refunds": [
            {"id": item.id, "lines": dict(item.lines), "amount": str(item.amount)}
            for item in sale.refunds
        ],
        "invoices": [
            {
                "number": item.number,
                "amount": str(item.amount),
                "issued_on": str(item.issued_on),
                "due_on": str(item.due_on),
                "reference": item.reference,
                "paid": str(item.paid),
            }
            for item in sale.invoices
        ],
        "signals": dict(sale.signals),
        "erasure_asked_at": sale.erasure and sale.erasure.asked_at.isoformat(),
        "score": sale.scored and sale.scored.model_dump(mode="json"),
        "review": sale.review and sale.review.model_dump(mode="json"),
        "history": [{"at": entry.at.isoformat(), "what": entry.command} for entry in history],
    }
