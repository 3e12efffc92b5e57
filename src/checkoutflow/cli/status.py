"""``checkoutflow status``: what is stuck in a shop's database, and what to do about it.

Nothing personal is read: checkouts by their ids, amounts, providers by their names, and times. It
may run while others write.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.checkout import events as e
from checkoutflow.checkout.machine import Phase
from checkoutflow.cli.files import open_kept
from checkoutflow.errors import VaultError
from checkoutflow.flow.host import system_clock
from checkoutflow.flow.telemetry import oldest_message
from checkoutflow.payment.outcomes import Outcome
from checkoutflow.stores.keyfile import load_keys, missing_key
from checkoutflow.stores.pages import every_checkout

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from checkoutflow.checkout.state import Checkout, Refund, Shipment
    from checkoutflow.cli.paper import Paper
    from checkoutflow.stores.contract import Due, JournalEntry, Store

_MOST: Final = 1000
_SHOWN: Final = 20  # of what is stuck and of what is late; a document has all
# Work that waits for longer than this is done by nobody, or by too few.
LATE: Final = timedelta(minutes=5)
# Messages that wait for longer are taken by nobody.
UNTAKEN: Final = timedelta(hours=1)
# These are few: what is not over. Of what is over there is more every day, and money can be stuck
# there as well; so of that only what something happened to lately is read.
_OPEN: Final = (Phase.COLLECTING, Phase.PLACING, Phase.HELD, Phase.CONFIRMED)
_OVER: Final = (Phase.FULFILLED, Phase.CANCELLED, Phase.REJECTED, Phase.EXPIRED)

ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "unresolved": "not known for a day: reconcile() asks; or look in the portal, and resolve()",
        "contradiction": "the provider says what cannot be: see its portal; resolve() what is open",
        "capture_failed": "goods left unpaid: capture_again(), or ask the customer to pay",
        "refund_failed": "the customer has no money back: refund() again, or pay it another way",
        "authorisation_lost": "nothing is reserved any more: do not ship; ask for another payment",
        "void_failed": "money is still reserved: release it in the provider's portal",
        "owed_to_customer": "more was paid than asked for: pay it back, then record_payment()",
        "no_reference": "the scheme of references has too few digits: change it, invoice by hand",
        "not_shared": "something needed was not shared with the payment: ask the customer",
        "turn_failed": "tried and not done, tried again: see the worker's log, or work --once",
        "late_review": "nobody decided in time: run_due() carries the shop's policy out",
        "unknown": "an answer did not come: run_due() asks the provider until it is known",
        "shipment_failed": "its capture was declined, nothing may leave: ship() again or cancel()",
        "refund_not_done": "not all was given back: refund() again gives the rest",
    }
)


@dataclass(frozen=True, slots=True)
class Stuck:
    """Something that goes no further by itself, or not yet.

    Attributes:
        checkout: Which one.
        what: A code of `ADVICE`.
        about: The payment, shipment or refund; or the timers of a turn that failed.
        since: Since when, as far as is known.
        provider: Who takes the payment; of a shipment or a refund, that which failed last.
        reference: The provider's own name for it, by which it is found in its portal.
        facts: Operations that are open, with amounts; or the payment's amount; or what the provider
            said that cannot be; or when a turn that failed is tried again.
    """

    checkout: str
    what: str
    about: str
    since: datetime | None = None
    provider: str = ""
    reference: str = ""
    facts: str = ""


@dataclass(frozen=True, slots=True)
class Silent:
    """A provider that did not answer when it was asked last."""

    provider: str
    failures: int
    last: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at a database found.

    Attributes:
        stuck: What goes no further, the oldest first.
        late: Checkouts with due work that nobody does: id, why, and since when.
        silent: Providers that do not answer.
        messages: How many wait for the shop; at most as many as are counted.
        oldest: Since when the oldest does.
        held: How many orders wait for a person.
        first: When the first of these is decided without one.
        since: What was over before is not read.
        lost_key: A key that people are under and that is not in the key file beside the database.
    """

    stuck: tuple[Stuck, ...]
    late: tuple[tuple[str, str, datetime], ...]
    silent: tuple[Silent, ...]
    messages: int
    oldest: datetime | None
    held: int
    first: datetime | None
    since: datetime
    lost_key: str | None = None

    def is_well(self, at: datetime) -> bool:
        """Whether nobody has to do anything, beside deciding on what is held."""
        untaken = self.oldest is not None and self.oldest + UNTAKEN <= at
        return not (self.stuck or self.late or self.silent or untaken or self.lost_key)


def stuck(state: Checkout, at: datetime) -> Iterator[Stuck]:
    """What is stuck in one checkout."""
    named = {item.payment for item in state.attention}
    for item in state.attention:
        yield _of_payment(state, item.payment, item.reason)
    for payment in state.payments:
        open_since = [it.started_at for it in payment.open_attempts if it.is_unresolved]
        if open_since and payment.id not in named and min(open_since) + LATE <= at:
            yield _of_payment(state, payment.id, "unknown", min(open_since))
    for shipment in state.shipments:
        if shipment.state == "failed" and state.phase is Phase.CONFIRMED and not named:
            yield _of_part(state, "shipment_failed", shipment)
    if state.refunds and state.refunds[-1].state == "failed" and not named:
        yield _of_part(state, "refund_not_done", state.refunds[-1])
    review = state.review
    if state.phase is Phase.HELD and review is not None and review.deadline + LATE <= at:
        yield Stuck(state.id, "late_review", "review", review.deadline)


def _of_payment(
    state: Checkout, payment_id: str, what: str, since: datetime | None = None
) -> Stuck:
    payment = state.payment(payment_id)
    asked = [f"{it.operation} {it.amount} ({it.id})" for it in payment.open_attempts]
    return Stuck(
        state.id,
        what,
        payment.id,
        since,
        payment.provider or "",
        payment.provider_reference or "",
        payment.contradiction or ", ".join(asked) or f"payment {payment.amount}",
    )


def _of_part(state: Checkout, what: str, part: Shipment | Refund) -> Stuck:
    """What did not go through for a shipment or a refund, where it was asked for last."""
    asked = [
        (attempt.started_at, payment.provider or "", payment.provider_reference or "")
        for payment in state.payments
        for attempt in payment.attempts
        if attempt.part == part.id and attempt.outcome in {Outcome.DECLINED, Outcome.REFUSED}
    ]
    _, provider, reference = max(asked, default=(None, "", ""))
    facts = str(part.amount)
    return Stuck(state.id, what, part.id, provider=provider, reference=reference, facts=facts)


def failed(due: Due) -> Stuck:
    """What was tried and is put off: its turn failed, or whoever took it last is still at it."""
    since, again = min(due.timers.values()), due.until
    facts = "" if again is None else f"again at {_time(again)}"
    return Stuck(due.checkout, "turn_failed", ", ".join(sorted(due.timers)), since, facts=facts)


def dated(one: Stuck, journal: Iterable[JournalEntry]) -> Stuck:
    """The same with the moment at which it was written down, if that is not known yet."""
    for entry in journal if one.since is None else ():
        for event in entry.events:
            match event:
                case e.AttentionNeeded(reason=one.what, payment=one.about):
                    one = replace(one, since=entry.at)
                case e.ShipmentFailed(shipment=one.about) | e.RefundNotDone(refund=one.about):
                    one = replace(one, since=entry.at)
                case _:
                    pass
    return one


def look(store: Store, at: datetime, since: datetime) -> Seen:
    """Look for what is stuck in a store.

    Args:
        store: Where to look.
        at: The time now.
        since: Of what is over, only what something happened to since then is read.
    """
    found: list[Stuck] = []
    providers: set[str] = set()
    for state in chain(every_checkout(store, _OPEN), every_checkout(store, _OVER, since=since)):
        stands = list(stuck(state, at))
        journal = () if all(one.since for one in stands) else store.journal(state.id)
        found += [dated(one, journal) for one in stands]
        providers.update(it.provider for it in state.payments if it.provider is not None)
    silent = [
        Silent(row.provider, row.failures, row.failed_at)
        for row in map(store.health, sorted(providers))
        if row is not None and row.down_until is not None
    ]
    delayed = store.delayed(at - LATE, _MOST)
    late = [due for due in store.due(at - LATE, _MOST) if due.timers]
    untried = {due.checkout for due in late}
    found += [failed(due) for due in delayed if due.checkout not in untried]
    # It is late since before whoever tried it last has stopped.
    since_first = {due.checkout: min(due.timers.values()) for due in delayed}
    held = store.waiting(limit=_MOST)
    first = store.load(held[0]) if held else None
    return Seen(
        tuple(sorted(found, key=lambda one: (one.since or at, one.checkout))),
        tuple(
            (
                due.checkout,
                ", ".join(sorted(due.timers)),
                min(since_first.get(due.checkout, at), *due.timers.values()),
            )
            for due in late
        ),
        tuple(silent),
        len(store.messages(_MOST)),
        oldest_message(store),
        len(held),
        first.review.deadline if first is not None and first.review is not None else None,
        since,
    )


def run(arguments: Namespace, paper: Paper) -> int:
    """Say what is stuck; 1 if anything is."""
    at = system_clock()
    store = open_kept(arguments.db)
    seen = look(store, at, at - timedelta(days=arguments.days))
    seen = replace(seen, lost_key=_lost_key(store))
    store.close()
    if arguments.json:
        paper.document(_document(seen))
    else:
        _tell(paper, seen, at)
    return 0 if seen.is_well(at) else 1


def _lost_key(store: Store) -> str | None:
    """A key that people are under and that is not in the key file, where there is one."""
    if store.key_file is None or not store.key_file.exists():
        return None  # the keys may be handed over
    try:
        return missing_key(load_keys(store.key_file), store)
    except VaultError:
        return None  # not for whoever looks here to read; the shop itself says what is wrong


def _document(seen: Seen) -> dict[str, object]:
    return {
        "stuck": [
            {
                "checkout": one.checkout,
                "what": one.what,
                "about": one.about,
                "since": one.since and one.since.isoformat(),
                "provider": one.provider,
                "reference": one.reference,
                "facts": one.facts,
                "advice": ADVICE.get(one.what, ""),
            }
            for one in seen.stuck
        ],
        "late": len(seen.late),
        "late_since": min(since for *_, since in seen.late).isoformat() if seen.late else None,
        "late_checkouts": [name for name, *_ in seen.late],
        "providers_down": [one.provider for one in seen.silent],
        "messages": seen.messages,
        "messages_since": seen.oldest and seen.oldest.isoformat(),
        "held": seen.held,
        "held_until": seen.first and seen.first.isoformat(),
        "lost_key": seen.lost_key,
        "over_read_since": seen.since.isoformat(),
    }


def _tell(paper: Paper, seen: Seen, at: datetime) -> None:
    if seen.lost_key is not None:
        paper.line(f"people are under the vault key {seen.lost_key}, which is not in the key file")
        advice = "put the key file that was beside the database when they came back in its place"
        paper.entry("", advice, margin=2)
    _tell_stuck(paper, seen.stuck)
    _tell_late(paper, seen.late)
    for silent in seen.silent:
        paper.line(
            f"{silent.provider} does not answer: {silent.failures} times in a row, the last at "
            f"{_time(silent.last)}; it is asked again by itself"
        )
    if seen.oldest is not None:
        paper.line(
            f"{_count(seen.messages, 'message')} waiting to be taken by the shop, the first since "
            f"{_time(seen.oldest)}"
        )
        if seen.oldest + UNTAKEN <= at:
            advice = "does your program take them? messages() and delivered(), or work --take"
            paper.entry("", advice, margin=2)
    if seen.first is not None:
        paper.line(
            f"{_count(seen.held, 'order')} held for a person; without one the first is decided at "
            f"{_time(seen.first)}"
        )
    if seen.is_well(at):
        paper.line("nothing is stuck")


def _tell_stuck(paper: Paper, found: Sequence[Stuck]) -> None:
    for one in found[:_SHOWN]:
        since = f" since {_time(one.since)}" if one.since else ""
        paper.line(f"{one.checkout}: {one.what} ({one.about}){since}")
        there = f" at {one.provider}" if one.provider else ""
        named = f", there {one.reference}" if one.reference else ""
        if one.facts:
            paper.entry("", f"{one.facts}{there}{named}", margin=2)
        paper.entry("", ADVICE.get(one.what, ""), margin=2)
    if len(found) > _SHOWN:
        kinds = Counter(one.what for one in found)
        counts = ", ".join(f"{count} {what}" for what, count in kinds.most_common())
        paper.line(f"... of {len(found)} ({counts}); --json has all")


def _tell_late(paper: Paper, late: Sequence[tuple[str, str, datetime]]) -> None:
    if not late:
        return
    paper.line(f"{_count(len(late), 'checkout')} late:")
    for name, why, since in late[:_SHOWN]:
        paper.line(f"  {name}: {why} since {_time(since)}")
    if len(late) > _SHOWN:
        paper.line("  ...")
    advice = "does a worker run, or something call run_due()? is one enough?"
    paper.entry("", f"{advice} of a fleet: checkoutflow fleet dead", margin=2)


def _count(count: int, what: str) -> str:
    more = " or more" if count >= _MOST else ""
    return f"{count}{more} {what}{'s are' if count != 1 else ' is'}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
