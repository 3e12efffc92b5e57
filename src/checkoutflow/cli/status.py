"""``checkoutflow status``: what is stuck in a shop's database, and what to do about it.

Nothing personal is read: checkouts by their ids, amounts, providers by their names, and times. It
may run while others write.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.checkout.machine import Phase
from checkoutflow.cli.files import open_kept
from checkoutflow.flow.health import is_down
from checkoutflow.flow.host import system_clock
from checkoutflow.stores.pages import every_checkout

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.cli.paper import Paper

_MOST: Final = 1000
# Work that waits for longer than this is done by nobody, or by too few.
LATE: Final = timedelta(minutes=5)
# Where something can be open: before there is an order nothing is stuck, it just expires.
_OPEN: Final = (Phase.PLACING, Phase.HELD, Phase.CONFIRMED, Phase.FULFILLED, Phase.CANCELLED)

ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "unresolved": "not known for a day: look it up in the provider's portal; reconcile() asks",
        "contradiction": "the provider says what cannot be: compare with its portal, and ask it",
        "capture_failed": "goods left unpaid: capture_again(), or ask the customer to pay",
        "refund_failed": "the customer has no money back: refund() again, or pay it another way",
        "authorisation_lost": "nothing is reserved any more: do not ship; ask for another payment",
        "void_failed": "money is still reserved: release it in the provider's portal",
        "owed_to_customer": "more was paid than asked for: pay it back, then record_payment()",
        "no_reference": "the scheme of references has too few digits: change it, invoice by hand",
        "not_shared": "something needed was not shared with the payment: ask the customer",
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
        about: The payment, shipment or refund.
        since: Since when, as far as is known.
    """

    checkout: str
    what: str
    about: str
    since: datetime | None = None


def stuck(state: Checkout, at: datetime) -> Iterator[Stuck]:
    """What is stuck in one checkout."""
    named = {item.payment for item in state.attention}
    for item in state.attention:
        yield Stuck(state.id, item.reason, item.payment)
    for payment in state.payments:
        open_since = [it.started_at for it in payment.open_attempts if it.is_unresolved]
        if open_since and payment.id not in named and min(open_since) + LATE <= at:
            yield Stuck(state.id, "unknown", payment.id, min(open_since))
    for shipment in state.shipments:
        if shipment.state == "failed" and state.phase is Phase.CONFIRMED and not named:
            yield Stuck(state.id, "shipment_failed", shipment.id)
    if state.refunds and state.refunds[-1].state == "failed" and not named:
        yield Stuck(state.id, "refund_not_done", state.refunds[-1].id)
    review = state.review
    if state.phase is Phase.HELD and review is not None and review.deadline + LATE <= at:
        yield Stuck(state.id, "late_review", "review", review.deadline)


def run(arguments: Namespace, paper: Paper) -> int:
    """Say what is stuck; 1 if anything is."""
    at = system_clock()
    store = open_kept(arguments.db)
    found: list[Stuck] = []
    providers: set[str] = set()
    for state in every_checkout(store, _OPEN):
        found += stuck(state, at)
        providers.update(it.provider for it in state.payments if it.provider is not None)
    late = [
        (due.checkout, min(due.timers.values()))
        for due in store.due(at - LATE, _MOST)
        if due.timers
    ]
    down = sorted(name for name in providers if is_down(store.health(name), at))
    messages = len(store.messages(_MOST))
    store.close()
    if arguments.json:
        paper.document(
            {
                "stuck": [
                    {
                        "checkout": one.checkout,
                        "what": one.what,
                        "about": one.about,
                        "since": one.since and one.since.isoformat(),
                        "advice": ADVICE.get(one.what, ""),
                    }
                    for one in found
                ],
                "late": len(late),
                "late_since": min(since for _, since in late).isoformat() if late else None,
                "providers_down": down,
                "messages": messages,
            }
        )
    else:
        _tell(paper, found, late, down, messages)
    return 1 if found or late or down else 0


def _tell(
    paper: Paper,
    found: list[Stuck],
    late: list[tuple[str, datetime]],
    down: list[str],
    messages: int,
) -> None:
    for one in found:
        since = f" since {one.since:%Y-%m-%d %H:%M} UTC" if one.since else ""
        paper.line(f"{one.checkout}: {one.what} ({one.about}){since}")
        paper.entry("", ADVICE.get(one.what, ""), margin=2)
    if late:
        oldest = min(since for _, since in late)
        more = " or more" if len(late) >= _MOST else ""
        since = f"{oldest:%Y-%m-%d %H:%M} UTC"
        paper.line(f"{len(late)}{more} checkouts are late, the first since {since}")
        paper.entry("", "does something call run_due()? is one worker enough?", margin=2)
    for name in down:
        paper.line(f"{name} does not answer; it is asked again by itself")
    more = " or more" if messages >= _MOST else ""
    paper.line(f"{messages}{more} messages wait to be taken by the shop")
    if not (found or late or down):
        paper.line("nothing is stuck")
