"""What the pages say, in the reviewer's language: texts, amounts, times, and what went wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.errors import (
    InvalidInput,
    NeedsAnother,
    OutcomeUnknown,
    PurposeRefused,
    ReviewOver,
    ReviewTaken,
    StoreConflict,
    VaultError,
)
from checkoutflow.payment.machine import PaymentState
from checkoutflow.privacy.cards import CARD_NUMBER_NOT_ALLOWED
from checkoutflow.review.queue import LONGEST_NOTE
from checkoutflow.texts import language_of, locale_of, mark, translate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

    from checkoutflow.errors import CheckoutError
    from checkoutflow.money import Money

# Translators: all of these stand on the pages on which the shop's own people look at orders that
# were held, and decide. A reviewer is one of them. An order is held until somebody decides.
TEXTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "skip": mark("Skip to the content"),
        "pages": mark("Pages"),
        "queue": mark("Orders to review"),
        # Translators: a page with figures on reviewing: how many orders were held, and so on.
        "figures": mark("Figures"),
        "you_are": mark("You are {reviewer}."),
        "zone": mark("Times are in {zone}."),
        # The queue
        "queue_about": mark("Orders that wait for a person, the most urgent first"),
        "queue_empty": mark("No order waits for a person."),
        "queue_more": mark("There are more: these are the {count} whose time is over first."),
        "order": mark("Order"),
        "total": mark("Total"),
        "decide_by": mark("Decide by"),
        # Translators: how likely it is that an order does harm, in per cent.
        "score": mark("Score"),
        "why": mark("Why it waits"),
        "who_has_it": mark("Who has it"),
        "nobody": mark("Nobody"),
        # Translators: in place of a name, in a list of who has what.
        "you": mark("You"),
        "asked_and_noted": mark("Asked and noted"),
        "notes_count": mark("Notes: {count}"),
        # One order
        "order_title": mark("Order {id}"),
        "how_it_stands": mark("How it stands"),
        "market": mark("Market"),
        "held_since": mark("Held since"),
        "four_eyes": mark("Two reviewers"),
        "decide": mark("Decide"),
        "claim": mark("Take it on"),
        "claim_about": mark("Then nobody else decides it for the time being."),
        "longer": mark("Keep it for longer"),
        "release": mark("Let go of it"),
        "hand_over": mark("Hand it over"),
        "hand_over_to": mark("To which reviewer"),
        "approve": mark("Approve"),
        "approve_first": mark("Approve as the first of two"),
        "approve_second": mark("Approve as the second of two"),
        "reject": mark("Reject and release the money"),
        "reject_reason": mark("Why it is rejected"),
        "choose": mark("Choose one"),
        "score_none": mark("No signal speaks strongly for harm."),
        "rules": mark("Rules that applied"),
        "rule": mark("Rule"),
        # Translators: what a rule does: see the next three.
        "does": mark("What it does"),
        "signals": mark("What was noticed"),
        "signals_rest": mark("What was looked at besides"),
        "signal": mark("Signal"),
        "value": mark("Value"),
        "goods": mark("What was ordered"),
        "item": mark("Item"),
        "quantity": mark("Quantity"),
        "price_each": mark("Price each"),
        "amount": mark("Amount"),
        "delivery": mark("Delivery"),
        "money": mark("Payments"),
        "method": mark("Way to pay"),
        "state": mark("State"),
        "reserved_until": mark("Reserved until"),
        "customer": mark("The customer"),
        "details_closed": mark(
            "Name, address and notes are closed. They are opened to prevent fraud and for nothing"
            " else, and it goes on record that {reviewer} read them."
        ),
        "details_opened": mark(
            "Opened to prevent fraud. It is on record that {reviewer} read this."
        ),
        "details_none": mark("Nothing is kept of the customer that may be used for this."),
        "open_details": mark("Open name, address and notes"),
        "detail": mark("Detail"),
        "notes": mark("Notes"),
        "notes_none": mark("Nobody has written any."),
        "note_new": mark("A note for other reviewers"),
        "note_about": mark(
            "At most {count} characters, and no card numbers. It is sealed beside the customer's"
            " details."
        ),
        "note_write": mark("Write the note"),
        "one_no": mark("One no is enough."),
        "asked": mark("Questions to the customer"),
        "asked_none": mark("Nobody has asked anything."),
        "ask": mark("Ask the customer"),
        "ask_what": mark("What they are asked for"),
        "ask_about": mark("The deadline goes on meanwhile."),
        "history": mark("What happened"),
        # Figures
        "figures_about": mark("What came of reviewing. Figures, and nobody's data."),
        "figures_as_of": mark("Counted {time}."),
        "in_all": mark("In all"),
        "waits": mark("Time to decision"),
        "waits_about": mark("How many orders waited for so long for a reviewer's decision."),
        "rates": mark("Who was right"),
        "rates_about": mark("Of a hundred orders that each pointed at, how many did harm."),
        # Translators: of orders that waited for a person.
        "approvals": mark("Let through"),
        "approvals_about": mark(
            "Of a hundred of these that reviewers decided, how many they let through."
        ),
        "rules_and_score": mark("Rules and score"),
        # What went wrong
        "problem": mark("This was not done"),
        "back": mark("Back to the queue"),
    }
)

# After something was done, by what it was.
DONE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "claim": mark("You have this order now."),
        "release": mark("You let go of this order."),
        "hand-over": mark("You handed this order over."),
        "note": mark("The note is written."),
        "ask": mark("The customer is being asked."),
        "approve": mark("You approved this order."),
        "reject": mark("You rejected this order. What was reserved is being released."),
    }
)

# How an order stands, and how its review ended.
OPEN: Final = mark("It waits for a person, and nobody has it.")
MINE: Final = mark("You have it until {time}.")
THEIRS: Final = mark("{reviewer} has it until {time}.")
PAST: Final = mark("Its time is over. The shop's settings decide, and no reviewer does any more.")
UNTIL: Final = mark("until {time}")
ENDED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "approved": mark("{reviewer} approved it."),
        "rejected": mark("{reviewer} rejected it: {reason}."),
        "deadline": mark("Nobody decided in time, and it was rejected."),
        "authorisation_lost": mark("What was reserved for it went away, and it was rejected."),
        "cancelled": mark("It was cancelled meanwhile."),
    }
)
DEADLINE_APPROVED: Final = mark("Nobody decided in time, and it was approved.")
IS_OVER: Final = mark("It is decided.")
NEEDS_TWO: Final = mark("Two reviewers approve an order of this value.")
FIRST_YES: Final = mark("{reviewer} has said yes; another reviewer must, too.")
MY_YES: Final = mark("You have said yes; another reviewer must, too.")

HOLDS: Final = mark("holds the order")
# Translators: {weight} is a number such as +40; it speaks for or against holding the order.
WEIGHS: Final = mark("weighs {weight}")
WATCHES: Final = mark("is only watched")
YES: Final = mark("Yes")
NO: Final = mark("No")

# Translators: where a payment stands.
STATES: Final[Mapping[PaymentState, str]] = MappingProxyType(
    {
        PaymentState.INITIATED: mark("Begun"),
        PaymentState.ACTION_REQUIRED: mark("Waits for the customer"),
        PaymentState.UNKNOWN: mark("Not known yet"),
        PaymentState.AUTHORISED: mark("Reserved"),
        PaymentState.PART_CAPTURED: mark("Taken in part"),
        PaymentState.CAPTURED: mark("Taken"),
        PaymentState.PART_REFUNDED: mark("Given back in part"),
        PaymentState.REFUNDED: mark("Given back"),
        PaymentState.VOIDED: mark("Released"),
        PaymentState.DECLINED: mark("Declined"),
        PaymentState.EXPIRED: mark("Run out"),
    }
)

# What a customer is asked for, and what came of it.
ASKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "code_email": mark("To type a code that is sent to the order's e-mail address"),
        "code_phone": mark("To type a code that is sent to the order's telephone"),
        "login": mark("To log in with an electronic identity"),
        "contact": mark("To get in touch"),
    }
)
ANSWERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "": mark("No answer yet"),
        "shown": mark("They typed the right code"),
        "same_name": mark("They logged in, with the name on the order"),
        "other_name": mark("They logged in, with another name than on the order"),
        "wrote": mark("They wrote; see the notes"),
    }
)

# What happened to an order, as far as it matters to who decides about it.
EVENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "started": mark("The customer began"),
        "placed": mark("The customer ordered"),
        "payment_authorised": mark("The money was reserved"),
        "attempt_failed": mark("A payment came to nothing"),
        "held": mark("The order was held"),
        "review_claimed": mark("{reviewer} took it on"),
        "review_released": mark("{reviewer} let go of it"),
        "review_handed_over": mark("{reviewer} handed it over to {to}"),
        "review_endorsed": mark("{reviewer} said yes, the first of two"),
        "review_noted": mark("{reviewer} wrote a note"),
        "customer_asked": mark("{reviewer} asked the customer: {what}"),
        "customer_answered": mark("The customer answered: {answer}"),
        "review_approved": mark("{reviewer} approved it"),
        "review_rejected": mark("{reviewer} rejected it"),
        "review_lapsed": mark("Nobody decided in time, or what was reserved went away"),
        "confirmed": mark("The order was confirmed"),
        "payment_voided": mark("The money was released"),
        "payment_expired": mark("What was reserved ran out"),
        "cancelled": mark("The order was cancelled"),
    }
)
APPROVED_BY_TIME: Final = mark("It was approved, since nobody decided in time")

# Why something was not done.
NOT_FOUND: Final = mark("There is no such page, or no such order was held.")
NO_METHOD: Final = mark("This page is not asked for in that way.")
LOG_IN: Final = mark("Please log in first.")
NOT_FROM_HERE: Final = mark(
    "This did not come from a page of yours, or from one that is too old. Open the page again, and"
    " try once more."
)
TOO_MUCH: Final = mark("That is more than a note can be.")
NOT_A_FORM: Final = mark("This is neither a form nor JSON with texts in it.")
BROKEN: Final = mark("Something went wrong. Nothing is known to have been done; look again.")
_OVER: Final = mark("It came too late: the order does not wait any more.")
_TAKEN: Final = mark("{reviewer} has this order. Wait, or ask them to hand it over.")
_FREE: Final = mark("You do not have this order any more. Take it on first.")
_ELSE: Final = mark("You were the first of the two who approve this order. Another one must, too.")
_CHANGED: Final = mark("Somebody else changed this order at the same time. Look again.")
_OUTCOME: Final = mark(
    "The provider has not told yet how an earlier operation ended. Try again in some minutes."
)
_KEPT_ONLY: Final = mark(
    "The customer asked that their details only be kept, and not used. They stay closed."
)
_SEALED: Final = mark(
    "What is kept of the customer cannot be opened. Tell those who look after the shop's keys."
)
_CARD: Final = mark("There is a card number in it. Leave it out.")
_NOTHING: Final = mark("Write something.")
_LONG: Final = mark("It is longer than {count} characters.")
_FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "to": mark("Name another reviewer than yourself."),
        "reason": mark("Choose why it is rejected."),
        "what": mark("Choose what the customer is asked for."),
        "by": mark("The customer gave no such telephone or e-mail address."),
    }
)
_AS_IT_STANDS: Final = mark("That cannot be done with the order as it stands.")


# What a browser asks for: da, nb-NO. Other tags are not looked at, so that few are remembered.
_TAG: Final = re.compile(
    r"\s*([a-z]{2,3})(?:-([a-z]{2}))?\s*(?:;\s*q=\s*([01](?:\.[0-9]{0,3})?)\s*)?"
)
_MOST_TAGS: Final = 20
# English is not anybody's own here; these are the times and amounts of the nearest who speak it.
_ENGLISH: Final = "en_GB"


def preferred(accepted: str) -> str:
    """The locale that a browser asks for, among those that we speak; English if none.

    >>> preferred("de-DE, nn;q=0.8, da-DK;q=0.9"), preferred("fr"), preferred("")
    ('da_DK', 'en_GB', 'en_GB')
    """
    found: dict[str, float] = {}
    for part in accepted.lower().split(",")[:_MOST_TAGS]:
        if tag := _TAG.fullmatch(part):
            language, country, weight = tag.groups()
            locale = f"{language}_{country.upper()}" if country else language
            if language == "en" or language_of(locale) != "en":
                found.setdefault(locale, float(weight or 1))
    best = max(found, key=lambda locale: found[locale], default="")
    return best if best and found[best] and best != "en" else _ENGLISH


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as it stands on a page: for machines, in full, and how far away it is."""

    iso: str
    text: str
    left: str


@dataclass(frozen=True, slots=True)
class Tongue:
    """How to speak to one reviewer.

    Attributes:
        locale: Theirs.
        zone: In which times are told.
        at: Now.
    """

    locale: str
    zone: tzinfo
    at: datetime

    @property
    def language(self) -> str:
        """Of the page, as HTML has it."""
        return language_of(self.locale)

    def say(self, text: str, **values: object) -> str:
        """One of our texts."""
        return translate(text, self.locale).format(**values)

    def texts(self) -> Mapping[str, str]:
        """All texts that stand on pages, by name."""
        return {name: translate(text, self.locale) for name, text in TEXTS.items()}

    def money(self, amount: Money) -> str:
        """An amount."""
        return amount.format(locale_of(self.locale))

    def number(self, number: float) -> str:
        """A number."""
        from babel.numbers import format_decimal  # noqa: PLC0415 -- heavy

        return format_decimal(number, locale=locale_of(self.locale))

    def percent(self, share: float) -> str:
        """A share, from 0 to 1, in whole per cent."""
        from babel.numbers import format_percent  # noqa: PLC0415 -- heavy

        return format_percent(share, locale=locale_of(self.locale))

    def moment(self, at: datetime) -> Moment:
        """A time: day, month in words, and to the minute."""
        from babel.dates import (  # noqa: PLC0415 -- heavy
            format_skeleton,
            format_time,
            format_timedelta,
        )

        locale = locale_of(self.locale)
        there = at.astimezone(self.zone)
        left = format_timedelta(at - self.at, add_direction=True, threshold=2, locale=locale)
        is_near = abs(at - self.at) < timedelta(days=100)
        day = format_skeleton("MMMEd" if is_near else "yMMMd", there, locale=locale)
        iso = at.astimezone(UTC).isoformat(timespec="seconds")
        return Moment(iso, f"{day} {format_time(there, 'short', locale=locale)}", left)

    def wrong(self, error: CheckoutError) -> str:
        """Why something was not done, and what to do about it."""
        match error:
            case ReviewTaken(by=str(by)):
                return self.say(_TAKEN, reviewer=by) if by else self.say(_FREE)
            case InvalidInput(field="text"):
                return self.say(_wrong_note(str(error)), count=LONGEST_NOTE)
            case InvalidInput(field=str(field)) if field in _FIELDS:
                return self.say(_FIELDS[field])
            case _:
                known = (text for kind, text in _KINDS if isinstance(error, kind))
                return self.say(next(known, _AS_IT_STANDS))


_KINDS: Final[tuple[tuple[type[CheckoutError], str], ...]] = (
    (ReviewOver, _OVER),
    (NeedsAnother, _ELSE),
    (OutcomeUnknown, _OUTCOME),
    (StoreConflict, _CHANGED),
    (PurposeRefused, _KEPT_ONLY),
    (VaultError, _SEALED),
)


def _wrong_note(message: str) -> str:
    if CARD_NUMBER_NOT_ALLOWED in message:
        return _CARD
    return _NOTHING if "is needed" in message else _LONG
