"""Turning a decision into one commit: timers, attempts, messages and sealed fields included."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from checkoutflow.checkout import events as e
from checkoutflow.checkout.messages import messages
from checkoutflow.checkout.timers import changed, timers
from checkoutflow.choice.rules import Rules
from checkoutflow.errors import (
    IdempotencyConflict,
    NotFound,
    UsageError,
)
from checkoutflow.flow.effects import Program, ask_store
from checkoutflow.flow.keeping import NOTHING, About
from checkoutflow.flow.noticing import Noticing
from checkoutflow.payment.outcomes import Operation
from checkoutflow.privacy.lasting import refuse_personal
from checkoutflow.privacy.vault import Keys, Vault, digests
from checkoutflow.providers.lookups import ProfileProvider
from checkoutflow.stores.contract import (
    AttemptRow,
    Change,
    IdempotencyRow,
    InvoiceRow,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from checkoutflow.checkout.state import Attempt, Checkout, Payment
    from checkoutflow.flow.registers import Lookups
    from checkoutflow.issuers.oidc import OpenIdConnect
    from checkoutflow.providers.contract import Provider
    from checkoutflow.review.score import ScoreModel
    from checkoutflow.shop import Shop
    from checkoutflow.stores.contract import NoticeRow

    Decided = tuple[Checkout, Sequence[e.Event]]

_NUMBERED: Final = (e.InvoiceIssued, e.CreditNoteIssued)


class Commits(Noticing):
    """What a program needs to read and write a checkout, and to open the vault."""

    def __init__(
        self,
        shop: Shop,
        providers: Iterable[Provider],
        keys: Keys,
        issuers: Iterable[OpenIdConnect],
        lookups: Lookups,
        score: ScoreModel | None = None,
    ) -> None:
        """Bind the shop's settings, its providers, its keys, its score, and whom else it can ask.

        Raises:
            UsageError: If two providers have the same name, or a method names one that is absent.
        """
        self.shop = shop
        self.providers: dict[str, Provider] = {}
        for provider in providers:
            if provider.name in self.providers:
                raise UsageError(f"two providers are named {provider.name}", field="providers")
            self.providers[provider.name] = provider
        shareable = {
            name: provider.shareable
            for name, provider in self.providers.items()
            if isinstance(provider, ProfileProvider)
        }
        for method in shop.methods:
            wanted = {method.provider} if method.provider else set()
            wanted |= {route.provider for route in method.routes}
            if method.shares and not wanted & shareable.keys():
                raise UsageError(
                    f"nobody who takes {method.id} can ask customers to share something",
                    field="providers",
                )
            if strangers := sorted(wanted - self.providers.keys()):
                names = ", ".join(self.providers) or "none"
                raise UsageError(
                    f"method {method.id} is taken by {strangers[0]}, but the providers are: "
                    f"{names}",
                    field="providers",
                )
        able = {name: provider.capabilities for name, provider in self.providers.items()}
        self.rules = Rules(shop, shop.law(), able, shareable, score)
        self.issuers = {issuer.name: issuer for issuer in issuers}
        self.lookups = lookups
        self._keys = keys
        self._vault = Vault(keys)

    def load(self, checkout_id: str) -> Program[Checkout]:
        """The checkout as it stands.

        Raises:
            NotFound: If there is none with this id.
        """
        state: Checkout | None = yield from ask_store("load", checkout_id)
        if state is None:
            raise NotFound("there is no checkout with this id", field="checkout_id")
        return state

    def _commit(
        self,
        before: Checkout | None,
        decided: Decided,
        *,
        at: datetime,
        command: str,
        idempotency: IdempotencyRow | None = None,
        about: About = NOTHING,
        notice: NoticeRow | None = None,
        again: Callable[..., Decided] | None = None,
    ) -> Program[Checkout]:
        """Write one change, with the timers, attempts and messages that it means.

        Args:
            before: The checkout as it was read; None for a new one.
            decided: The checkout afterwards, and the events that led there.
            at: When it was decided.
            command: What was asked, for the record.
            idempotency: The call's own key.
            about: What it says about people.
            notice: The notice that is taken in.
            again: Decides again with another ``number``, where there can be an invoice.
        """
        after, events = decided
        about += yield from self._about(before, after, events, at)

        def change(after: Checkout, events: Sequence[e.Event]) -> Change:
            events = (*events, *about.news)
            old = timers(before, self.shop) if before is not None else {}
            return Change(
                state=after.but(version=before.version + 1 if before is not None else 1),
                events=events,
                at=at,
                command=command,
                timers=changed(old, timers(after, self.shop)),
                attempts=_attempt_rows(before, after),
                idempotency=idempotency,
                subjects=about.subjects,
                vault=about.vault,
                dropped=about.dropped,
                digests=about.digests,
                people=about.people,
                consents=about.consents,
                reads=about.reads,
                profile=about.profile,
                traces=about.traces,
                retraced=about.retraced,
                messages=messages(events, self.shop.messages),
                notice=notice,
                invoices=_invoice_rows(after.id, events),
                sightings=about.sightings,
                unseen=about.unseen,
                value=about.value,
            )

        if again is None or not any(isinstance(event, _NUMBERED) for event in events):
            written = change(after, events)
            yield from ask_store("commit", written)
        else:
            written = yield from ask_store(
                "commit_numbered",
                lambda number: change(*again(number=max(number, self.shop.first_invoice))),
            )
        return written.state

    def _asked(self, content: Iterable[str], details: Mapping[str, str]) -> str:
        """A digest of what a call asks for; keyed, since it covers what the customer typed.

        While the shop changes its key there is one under each: a repeat is known by any of them.
        """
        typed = [f"{name}={details[name]}" for name in sorted(details)]
        return " ".join(digests(self._keys, "idempotency", "\n".join([*content, *typed])))

    def _repeated(self, key: str, owner: str | None, asked: str) -> Program[Checkout | None]:
        """The checkout as it stands now, if this call was made before under the same key.

        Raises:
            IdempotencyConflict: If the key was used for another call, or for another checkout.
            InvalidInput: If it is a new one that holds a card number or an e-mail address.
        """
        if not key:
            return None
        row: IdempotencyRow | None = yield from ask_store("idempotent", key)
        if row is None:
            refuse_personal(key, "idempotency_key", instead="a random token or the checkout's id")
            return None
        is_same = owner is None or row.checkout == owner
        if not is_same or not {*row.digest.split()} & {*asked.split()}:
            raise IdempotencyConflict(
                "this idempotency key was used for another call; take a new one",
                field="idempotency_key",
            )
        return (yield from self.load(row.checkout))


def _invoice_rows(checkout_id: str, events: Iterable[e.Event]) -> tuple[InvoiceRow, ...]:
    """The numbers that events took."""
    rows = []
    for event in events:
        if isinstance(event, e.InvoiceIssued):
            rows.append(InvoiceRow(event.invoice, checkout_id, event.scheme, event.reference))
        elif isinstance(event, e.CreditNoteIssued):
            rows.append(InvoiceRow(event.credit_note, checkout_id))
    return tuple(rows)


def _attempt_rows(before: Checkout | None, after: Checkout) -> tuple[AttemptRow, ...]:
    """The attempts that a change made or changed."""
    known = {
        attempt.id: attempt
        for payment in (before.payments if before is not None else ())
        for attempt in payment.attempts
    }
    return tuple(
        AttemptRow(
            id=attempt.id,
            payment=payment.id,
            provider=payment.provider or "",
            operation=attempt.operation,
            amount=attempt.amount,
            digest=_attempt_digest(after, payment, attempt),
            started_at=attempt.started_at,
            lease_until=attempt.lease_until,
            sends=attempt.sends,
            outcome=attempt.outcome,
        )
        for payment in after.payments
        for attempt in payment.attempts
        if known.get(attempt.id) != attempt
    )


def _attempt_digest(state: Checkout, payment: Payment, attempt: Attempt) -> str:
    """A digest of what was asked; nothing personal goes into it."""
    facts = [state.id, payment.id, payment.method, attempt.operation, str(attempt.amount)]
    if attempt.operation is Operation.AUTHORISE:
        facts.append(state.priced.model_dump_json())
    return sha256("\n".join(facts).encode()).hexdigest()
