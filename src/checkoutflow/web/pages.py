"""What stands on each page: rows of texts, made of orders, for the templates to lay out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from checkoutflow.checkout import events as e
from checkoutflow.checkout.view import LABELS
from checkoutflow.money import Money
from checkoutflow.payment.machine import PaymentState
from checkoutflow.privacy.fields import FIELDS
from checkoutflow.review.machine import REASONS, RejectReason, ReviewState
from checkoutflow.review.queue import LONGEST_NOTE, SOON
from checkoutflow.review.report import (
    NO_RULE,
    aims,
    approval_rates,
    bars,
    hit_rates,
    summary,
    waits,
)
from checkoutflow.review.rules import in_words
from checkoutflow.review.signals import SIGNALS
from checkoutflow.web import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.flow.reviewing import ReviewFile
    from checkoutflow.review.figures import Figures
    from checkoutflow.review.machine import Request
    from checkoutflow.review.queue import Waiting
    from checkoutflow.review.rules import Hit
    from checkoutflow.stores.contract import JournalEntry
    from checkoutflow.web.words import Tongue

# Characters of an id that are enough to tell orders apart by eye.
_SHORT: Final = 10


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks at a page, and how to speak to them."""

    name: str
    tongue: Tongue

    def named(self, reviewer: str) -> str:
        """A reviewer, or that it is the reader."""
        return self.tongue.say(words.TEXTS["you"]) if reviewer == self.name else reviewer


def short(id_: str) -> str:
    """An id to read."""
    return id_ if len(id_) <= _SHORT else f"{id_[:_SHORT]}…"


# The queue ----------------------------------------------------------------------------------------


def queue_rows(queue: Sequence[Waiting], reader: Reader) -> list[dict[str, Any]]:
    """A row for each order that waits."""
    say = reader.tongue.say
    return [
        {
            "id": order.checkout,
            "short": short(order.checkout),
            "total": reader.tongue.money(order.total),
            "deadline": reader.tongue.moment(order.deadline),
            "is_soon": order.deadline - reader.tongue.at < SOON[0],
            "score": _score(order, reader),
            "reasons": _reasons(order, reader),
            "holder": reader.named(order.reviewer) if order.reviewer else "",
            "until": say(words.UNTIL, time=reader.tongue.moment(order.claimed_until).text)
            if order.claimed_until
            else "",
            "four_eyes": _four_eyes(order, reader),
            "asked": _asked(order.request, reader) if order.request else (),
            "notes": order.notes,
        }
        for order in queue
    ]


def _score(order: Waiting, reader: Reader) -> str:
    return "" if order.probability is None else reader.tongue.percent(order.probability)


def _reasons(order: Waiting, reader: Reader) -> list[str]:
    texts = (in_words(reason, reader.tongue.locale) for reason in order.reasons)
    return [text[:1].upper() + text[1:] for text in texts]


def _four_eyes(order: Waiting, reader: Reader) -> str:
    if not order.needs_two:
        return ""
    if not order.endorsed_by:
        return reader.tongue.say(words.NEEDS_TWO)
    if order.endorsed_by == reader.name:
        return reader.tongue.say(words.MY_YES)
    return reader.tongue.say(words.FIRST_YES, reviewer=order.endorsed_by)


def _asked(request: Request, reader: Reader) -> tuple[str, str]:
    """What the customer was asked for, and what came of it."""
    what = f"{request.what}_{request.by}" if request.by else request.what
    say = reader.tongue.say
    return say(words.ASKS[what]), say(words.ANSWERS[request.answer])


# One order ----------------------------------------------------------------------------------------


def order_page(found: ReviewFile, reader: Reader, *, is_opened: bool) -> dict[str, Any]:
    """Everything that stands on an order's page."""
    order, sale, tongue = found.waiting, found.checkout, reader.tongue
    noticed, rest = _signals(sale, reader)
    return {
        "id": order.checkout,
        "short": short(order.checkout),
        "total": tongue.money(order.total),
        "market": order.market,
        "held_at": tongue.moment(order.held_at) if order.held_at else None,
        "deadline": tongue.moment(order.deadline),
        "is_soon": order.deadline - tongue.at < SOON[0],
        "standing": _standing(found, reader),
        "four_eyes": _four_eyes(order, reader),
        "score": _score(order, reader),
        "score_words": _score_words(found, reader),
        "reasons": _reasons(order, reader),
        "rules": [(hit.rule, _effect(hit, reader)) for hit in sale.hits],
        "noticed": noticed,
        "rest": rest,
        "goods": [
            (line.name, line.sku, str(line.quantity), tongue.money(line.unit_price))
            for line in sale.cart.lines
        ],
        "delivery": sale.delivery,
        "payments": [
            (
                item.method,
                tongue.money(item.amount),
                tongue.say(words.STATES[item.state]),
                tongue.moment(item.valid_until)
                if item.valid_until and item.state is PaymentState.AUTHORISED
                else None,
            )
            for item in sale.current_payments
        ],
        "requests": [
            (
                tongue.moment(request.asked_at),
                reader.named(request.reviewer),
                *_asked(request, reader),
            )
            for request in (sale.review.requests if sale.review else ())
        ],
        "is_opened": is_opened,
        "details": [(_label(name, reader), found.details[name]) for name in _in_order(found)],
        "notes": [
            (tongue.moment(note.at), reader.named(note.by), note.text) for note in found.notes
        ],
        "notes_count": order.notes,
        "history": list(_history(found.history, reader)),
        **_may(found, reader),
    }


def _may(found: ReviewFile, reader: Reader) -> dict[str, Any]:
    """What this reviewer can do about it now."""
    order = found.waiting
    review = found.checkout.review
    is_open = review is not None and review.is_open and reader.tongue.at < order.deadline
    is_mine = is_open and order.reviewer == reader.name
    is_first = order.needs_two and not order.endorsed_by
    approve = "approve_first" if is_first else "approve_second" if order.needs_two else "approve"
    asks = [
        (what, reader.tongue.say(text))
        for what, text in words.ASKS.items()
        if not what.startswith("code_") or what.removeprefix("code_") in found.checkout.provided
    ]
    return {
        "is_open": is_open,
        "is_mine": is_mine,
        "may_decide": is_open and order.reviewer in {"", reader.name},
        "may_approve": order.endorsed_by != reader.name,
        "approve": reader.tongue.say(words.TEXTS[approve]),
        "reject_reasons": [(str(code), reader.tongue.say(REASONS[code])) for code in RejectReason],
        "asks": asks,
        "longest_note": LONGEST_NOTE,
    }


def _standing(found: ReviewFile, reader: Reader) -> str:
    """Who has it, or how it ended, in a sentence."""
    order, review, say = found.waiting, found.checkout.review, reader.tongue.say
    if review is None or not review.is_open:
        return _ended(found, reader)
    if order.deadline <= reader.tongue.at:
        return say(words.PAST)
    if order.claimed_until is None:
        return say(words.OPEN)
    time = reader.tongue.moment(order.claimed_until).text
    if order.reviewer == reader.name:
        return say(words.MINE, time=time)
    return say(words.THEIRS, reviewer=order.reviewer, time=time)


def _ended(found: ReviewFile, reader: Reader) -> str:
    review, say = found.checkout.review, reader.tongue.say
    if review is None or review.ended not in words.ENDED:
        return say(words.IS_OVER)
    if review.ended == "deadline" and review.state is ReviewState.APPROVED:
        return say(words.DEADLINE_APPROVED)
    reason = say(REASONS[RejectReason(review.reason)]) if review.reason else ""
    return say(words.ENDED[review.ended], reviewer=review.reviewer, reason=reason)


def _score_words(found: ReviewFile, reader: Reader) -> tuple[str, ...]:
    """Why the score holds it or has no say; else what speaks most for harm all the same."""
    opinion, locale = found.opinion, reader.tongue.locale
    said = opinion.words(locale)
    return said or (opinion.score.reasons(locale) if opinion.score is not None else ())


def _effect(hit: Hit, reader: Reader) -> str:
    if hit.shadow:
        return reader.tongue.say(words.WATCHES)
    if hit.hold:
        return reader.tongue.say(words.HOLDS)
    return reader.tongue.say(words.WEIGHS, weight=f"{hit.weight:+}")


def _signals(sale: Checkout, reader: Reader) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """What was noticed, and what was looked at and is nothing."""
    noticed: list[tuple[str, str]] = []
    rest: list[tuple[str, str]] = []
    for name, value in sale.signals.items():
        signal = SIGNALS.get(name)
        meaning = reader.tongue.say(signal.meaning) if signal else name
        if isinstance(value, bool):
            text = reader.tongue.say(words.YES if value else words.NO)
        elif signal is not None and signal.unit == "minor units":
            text = reader.tongue.money(Money(value, sale.total.currency))
        else:
            text = reader.tongue.number(value)
        (noticed if value else rest).append((meaning[:1].upper() + meaning[1:], text))
    return noticed, rest


def _in_order(found: ReviewFile) -> list[str]:
    """Names of the customer's details, as the register of fields has them."""
    places = {name: place for place, name in enumerate(FIELDS)}
    return sorted(found.details, key=lambda name: places.get(name, len(places)))


def _label(field: str, reader: Reader) -> str:
    return reader.tongue.say(LABELS[field]) if field in LABELS else field


def _history(history: Sequence[JournalEntry], reader: Reader) -> Iterator[tuple[words.Moment, str]]:
    for entry in history:
        for event in entry.events:
            if event.type in words.EVENTS:
                yield reader.tongue.moment(entry.at), _happened(event, reader)


def _happened(event: e.Event, reader: Reader) -> str:
    say, text = reader.tongue.say, words.EVENTS[event.type]
    match event:
        case e.ReviewApproved(at_deadline=True):
            return say(words.APPROVED_BY_TIME)
        case e.ReviewHandedOver(reviewer=reviewer, to=to):
            return say(text, reviewer=reviewer, to=to)
        case e.CustomerAsked(reviewer=reviewer, what=what, by=by):
            asked = say(words.ASKS[f"{what}_{by}" if by else what])
            return say(text, reviewer=reviewer, what=asked)
        case e.CustomerAnswered(answer=answer):
            return say(text, answer=say(words.ANSWERS[answer]))
        case _:
            return say(text, reviewer=getattr(event, "reviewer", ""))


# Figures ------------------------------------------------------------------------------------------


def figures_page(found: Figures, counted_at: datetime, reader: Reader) -> dict[str, Any]:
    """The figures of reviewing, and drawings of them."""
    locale, say = reader.tongue.locale, reader.tongue.say
    head, *rows = aims(found, locale)
    rates = {"most": 100, "unit": " %"}
    charts: list[tuple[str, Mapping[str, int], dict[str, Any]]] = [
        ("waits", waits(found, locale), {}),
        ("rates", hit_rates(found, locale), rates),
        ("approvals", approval_rates(found, locale), rates),
    ]
    titles = {name: say(words.TEXTS[name]) for name, _, _ in charts}
    return {
        "as_of": reader.tongue.moment(counted_at),
        "summary": summary(found, locale, money=reader.tongue.money),
        "charts": [
            (
                titles[name],
                say(words.TEXTS[f"{name}_about"]),
                Markup(bars(counts, titles[name], **scale)),  # noqa: S704 -- it escapes
            )
            for name, counts, scale in charts
            if counts
        ],
        "head": head,
        "rows": rows,
        "no_rule": say(NO_RULE),
    }
