"""What is noticed about an order, and what it is seen by again: facts from the store for signals.

Contact details are opened in place for the moment in which the customer buys. What stays are
signals, in the order's events, and keyed digests, in the store, which expire and go with the
person. However many orders there were, one asks the same few questions, each answered by an index.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from checkoutflow.checkout import commands as c
from checkoutflow.checkout import events as e
from checkoutflow.checkout.machine import Phase
from checkoutflow.flow.effects import Program, ask_store
from checkoutflow.flow.keeping import NOTHING, About, Keeping, shown
from checkoutflow.payment.machine import PaymentState
from checkoutflow.payment.outcomes import Operation, Outcome
from checkoutflow.privacy.fields import Purpose
from checkoutflow.privacy.vault import digests
from checkoutflow.review.signals import COUNTS, COUNTS_AGAIN, Facts, measured
from checkoutflow.review.traces import (
    FATED,
    KEEP_FATE,
    KEEP_SEEN,
    MOST_COUNTED,
    Count,
    Fate,
    Kind,
    traces,
)
from checkoutflow.review.values import band
from checkoutflow.stores.contract import ReadRow, SightingRow, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from checkoutflow.checkout.state import Checkout, Payment
    from checkoutflow.payment.outcomes import Risk
    from checkoutflow.stores.contract import ListingRow

# Hexadecimal digits of a digest that are kept: 128 bits, so that no two orders are taken for one.
_DIGITS: Final = 32

# What is looked at of a customer, in place.
LOOKED_AT: Final = ["name", "organisation", "email", "phone", "street", "postal_code", "country"]

# What the shop's people can put on a list, of traces.
LISTED: Final = (Kind.EMAIL, Kind.PHONE, Kind.ADDRESS, Kind.NETWORK)

# A learned score that is not to be relied on is on the list of what is held back, by its version.
SCORE: Final = "score"

# Who reads or lists something where nobody asked for it.
OURSELVES: Final = "checkoutflow"

Marks = dict[Kind, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Network:
    """Where an order came from, as the shop tells.

    Attributes:
        address: As `checkoutflow.review.traces.network_of` gives it; never kept.
        country: ISO 3166 code; empty where the shop does not know.
    """

    address: str = ""
    country: str = ""


NOWHERE: Final = Network()


class Noticing(Keeping):
    """Gathers facts, and writes down what an order is seen by."""

    def marks(self, kind: Kind, text: str) -> tuple[str, ...]:
        """The digests of a trace, under each of the shop's keys, the current one first."""
        return tuple(each[:_DIGITS] for each in digests(self._keys, f"seen {kind}", text))

    # When the customer buys -----------------------------------------------------------------------

    def noticed(
        self, state: Checkout, command: c.Place, at: datetime, network: Network
    ) -> Program[tuple[c.Place, About]]:
        """The command with what is noticed when the customer buys, and what is kept."""
        names = [name for name in LOOKED_AT if name in state.provided]
        contact: Mapping[str, str] = {}
        if names:
            contact = yield from self._opened(state.subject, Purpose.PREVENT_FRAUD, at, names)
        made_of = traces(state.cart, contact, state.market, network.address)
        marks = {kind: self.marks(kind, text) for kind, text in made_of.items()}
        way = self.rules.shop.delivery(state.delivery)
        facts = Facts(
            at=at,
            started_at=state.started_at,
            market=state.market,
            cart=state.cart,
            total=command.accepted_total,
            to=way.to if way else "",
            tries=len(state.payments),
            declines=sum(item.state is PaymentState.DECLINED for item in state.payments),
            is_recognised=bool(shown(state)),
            contact=contact,
            network_country=network.country,
            counts=(yield from self._counts(COUNTS, state.subject, marks, at)),
            values=(yield from ask_store("values", state.cart.currency)),
            lists=(yield from self._lists(state, marks, at)),
        )
        signals = measured(facts, self.rules.shop.review)
        # In a later round the order is the same one.
        before: Sequence[SightingRow] = ()
        if state.payments:
            before = yield from ask_store("sightings", state.subject)
        known = {(row.kind, row.digest) for row in before}
        about = About(
            sightings=tuple(
                _seen(kind, mark, state, at)
                for kind, (mark, *_) in marks.items()
                if (kind, mark) not in known
            ),
            value=None if state.payments else _value_of(command),
            reads=(
                (
                    ReadRow(
                        state.subject, at, Purpose.PREVENT_FRAUD, tuple(sorted(names)), OURSELVES
                    ),
                )
                if names
                else ()
            ),
        )
        return command.but(signals=signals), about

    def _counts(
        self, counts: Iterable[Count], subject: str, marks: Marks, at: datetime
    ) -> Program[Mapping[Count, int]]:
        """Orders of others under the same traces."""
        asked = [count for count in counts if count.kind in marks]
        tallies = [
            Tally(count.kind, marks[count.kind], count.fate, at - timedelta(days=count.days))
            for count in asked
        ]
        found: Sequence[int] = yield from ask_store(
            "count_sightings", tallies, apart_from=subject, most=MOST_COUNTED
        )
        return dict(zip(asked, found, strict=True))

    def _lists(self, state: Checkout, marks: Marks, at: datetime) -> Program[frozenset[str]]:
        """Which of the shop's lists has something of an order; all its goods, to be allowed."""
        skus = {line.sku for line in state.cart.lines}
        items = [(str(kind), mark) for kind in LISTED for mark in marks.get(kind, ())]
        items += [("sku", sku) for sku in sorted(skus)] + [("market", state.market)]
        rows: Sequence[ListingRow] = yield from ask_store("listed", items + self._score(), at)
        self._moved(rows)
        lists = {row.list for row in rows if row.kind not in {"sku", SCORE}}
        if any(row.kind == "sku" and row.list == "block" for row in rows):
            lists.add("block")
        if skus <= {row.value for row in rows if row.kind == "sku" and row.list == "allow"}:
            lists.add("allow")
        return frozenset(lists)

    def _look_at_score(self, at: datetime) -> Program[None]:
        """See whether the learned score, if there is one, may have a say now."""
        if items := self._score():
            self._moved((yield from ask_store("listed", items, at)))

    def _score(self) -> list[tuple[str, str]]:
        return [(SCORE, self.rules.score.version)] if self.rules.score is not None else []

    def _moved(self, rows: Iterable[ListingRow]) -> None:
        share = float(any(row.kind == SCORE for row in rows))
        if share != self.rules.moved:
            self.rules = replace(self.rules, moved=share)

    # When a payment's answer comes ----------------------------------------------------------------

    def weighed(
        self,
        state: Checkout,
        command: c.RecordResult | c.TakeStanding | c.Hear | c.Resolve,
        at: datetime,
    ) -> Program[tuple[list[c.Command], About]]:
        """What is noticed with the answer to an authorisation, before anybody judges the order.

        Others may have ordered since the customer bought, so that what was counted is counted
        again: of orders that come at once, all but the first see the others.
        """
        told = _told(state, command)
        if told is None:
            return [command], NOTHING
        is_secured, risk = told
        mine: Sequence[SightingRow] = yield from ask_store("sightings", state.subject)
        latest: Marks = {
            Kind(row.kind): (row.digest,)
            for row in sorted(mine, key=lambda row: row.at)
            if row.kind in set(Kind)  # a newer version beside this one may see more
        }
        cards = {row.digest for row in mine if row.kind == Kind.CARD}
        about = NOTHING
        if risk is not None and risk.card is not None:
            latest[Kind.CARD] = self.marks(Kind.CARD, risk.card.reveal())
            mark = latest[Kind.CARD][0]
            if mark not in cards:
                about = About(sightings=(_seen(Kind.CARD, mark, state, at),))
            cards.add(mark)
        if not is_secured:
            return [command], about
        yield from self._look_at_score(at)
        facts = Facts(
            at=at,
            started_at=state.started_at,
            market=state.market,
            cart=state.cart,
            total=state.total,
            is_recognised=bool(shown(state)),
            counts=(yield from self._counts(COUNTS_AGAIN, state.subject, latest, at)),
            risk=risk,
            cards=len(cards) or None,
        )
        # What was counted before stays: it was asked for under the shop's older keys as well.
        signals = {
            name: max(value, state.signals.get(name, value))
            for name, value in measured(facts, self.rules.shop.review, again=True).items()
        }
        return [c.Assess(signals=signals), command], about

    # What becomes of it ---------------------------------------------------------------------------

    def _about(
        self, before: Checkout | None, after: Checkout, events: Sequence[e.Event], at: datetime
    ) -> Program[About]:
        """What a commit means for what is kept, with what became of the order."""
        about = yield from super()._about(before, after, events, at)
        fates = {_FATES[type(event)] for event in events if type(event) in _FATES}
        if any(isinstance(event, e.ReviewApproved) and event.at_deadline for event in events):
            fates.discard(Fate.APPROVED)  # nobody looked at it
        if not any(isinstance(event, e.RefundStarted) and event.lines for event in events):
            fates.discard(Fate.RETURNED)
        if fates:
            rows: Sequence[SightingRow] = yield from ask_store("sightings", after.subject)
            about += About(sightings=tuple(_fated(rows, fates, at)))
        if before is not None and _is_overdue(before) and not _is_overdue(after):
            about += About(unseen=(Fate.UNPAID,))
        return about


_FATES: Final[Mapping[type, Fate]] = {
    e.ReviewApproved: Fate.APPROVED,
    e.ReviewRejected: Fate.REJECTED,
    e.RefundStarted: Fate.RETURNED,
    e.InvoiceOverdue: Fate.UNPAID,
    e.ChargedBack: Fate.CHARGED_BACK,
}


def _seen(kind: Kind, mark: str, state: Checkout, at: datetime) -> SightingRow:
    until = at + timedelta(days=KEEP_SEEN[kind])
    return SightingRow(kind, mark, Fate.ORDERED, state.subject, at, until)


def _fated(
    rows: Iterable[SightingRow], fates: Iterable[Fate], at: datetime
) -> Iterable[SightingRow]:
    """What became of an order, under what it was seen by; each fate once."""
    known = {(row.kind, row.digest, row.fate) for row in rows}
    for kind, digest, was in sorted(known):
        for fate in fates if was == Fate.ORDERED and kind in FATED else ():
            if (kind, digest, fate) not in known:
                subject = next(row.subject for row in rows)
                until = at + timedelta(days=KEEP_FATE[fate])
                yield SightingRow(kind, digest, fate, subject, at, until)


def _value_of(command: c.Place) -> tuple[str, int]:
    total = command.accepted_total
    return total.currency, band(total.minor)


def _is_overdue(state: Checkout) -> bool:
    """Whether an invoice was told to be overdue and is not paid yet."""
    return any(item.is_reminded and item.open.minor > 0 for item in state.invoices)


def _told(
    state: Checkout, command: c.RecordResult | c.TakeStanding | c.Hear | c.Resolve
) -> tuple[bool, Risk | None] | None:
    """Of an answer to an authorisation: whether money is reserved, and what is told of the risk."""
    if state.phase is not Phase.PLACING:
        return None
    payment: Payment
    match command:
        case c.RecordResult():
            payment, attempt = state.attempt(command.attempt)
            if attempt.operation is not Operation.AUTHORISE:
                return None
            told = command.result.outcome is Outcome.SUCCEEDED, command.result.risk
        case c.Resolve():
            payment, attempt = state.attempt(command.attempt)
            if attempt.operation is not Operation.AUTHORISE:
                return None
            told = command.is_done, None
        case c.TakeStanding() if command.standing is not None:
            payment = state.payment(command.payment)
            told = command.standing.authorised.minor > 0, command.standing.risk
        case c.Hear():
            payment, heard = state.payment(command.payment), command.heard
            is_yes = heard.outcome is Outcome.SUCCEEDED
            if heard.operation is not Operation.AUTHORISE:
                return None
            told = is_yes, heard.risk
        case _:
            return None
    return told if payment.is_waiting and any(told) else None
