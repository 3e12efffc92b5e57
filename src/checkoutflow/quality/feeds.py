"""What happens to customers after they were written down: moves, deaths and opt-outs, by feed.

A base that hears of changes stays good without being washed again and again. A feed gives dated
events about people whom it names by matching keys. `refreshed` runs a base past them: the events
of one feed are kept in memory, the base is not.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from checkoutflow.customer import clean
from checkoutflow.customer.matching import matching_form
from checkoutflow.errors import InvalidInput, UsageError
from checkoutflow.privacy.secret import Details
from checkoutflow.quality.rows import read_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date


class Kind(StrEnum):
    """What happened."""

    MOVED = "moved"
    DIED = "died"
    OPTED_OUT = "opted_out"


# Which details together are one person. Only an opt-out may go by an e-mail or a phone alone: a
# household shares them, and nobody is dead or moved because somebody at that number is.
A_PERSON: Final = (
    frozenset({"national_id"}),
    frozenset({"name", "birth_date", "postal_code"}),
    frozenset({"name", "street", "postal_code"}),
)
AN_ADDRESSEE: Final = (*A_PERSON, frozenset({"email"}), frozenset({"phone"}))
HOME: Final = ("street", "postal_code", "city", "country")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to somebody.

    Attributes:
        kind: What.
        on: The day it took effect.
        keys: Who: an identity number; or a name with the postal code and either birthday or
            street, as they were before; for an opt-out also an e-mail or a phone.
        details: What is new; for a move the parts of the address.
        source: Where it is told: a feed and a place in it. Two that say the same are one event.
    """

    kind: Kind
    on: date
    keys: Details
    details: Details = field(default_factory=Details)
    source: str = field(default="", compare=False)


class Feed(Protocol):
    """Where events come from: a register's file, an address service, a shop's own mailings."""

    name: str
    as_of: date

    def events(self, since: date) -> Iterable[Event]:
        """Give what took effect on that day or later, up to the day the feed is of."""


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer of the base.

    Attributes:
        id: The shop's own.
        fields: What is known, by field; ``birth_date`` as ISO 8601.
        updated: When it was last changed or confirmed.
        died: When the customer died.
        opted_out: Since when the customer wants no marketing.
    """

    id: str
    fields: Details
    updated: date | None = None
    died: date | None = None
    opted_out: date | None = None


class News:
    """Events by whom they are about, in memory; customers are taken past them one by one."""

    def __init__(self) -> None:
        """Begin with none."""
        self._told: dict[frozenset[str], dict[tuple[str, ...], list[Event]]] = defaultdict(dict)
        self._looked_at: frozenset[str] = frozenset()

    def add(self, event: Event, market: str, path: str = "event") -> None:
        """Take an event in.

        Args:
            event: What happened.
            market: ISO 3166 code of where it happened, if the event names no country.
            path: What errors call it.

        Raises:
            InvalidInput: If it does not say well enough whom it is about, or its new details
                cannot be right; no value is repeated.
        """
        names, key, checked = _read(event, market, path)
        self._looked_at |= names
        self._told[names].setdefault(key, []).append(checked)

    def after(self, customer: Customer, market: str) -> tuple[Customer, tuple[Event, ...]]:
        """A customer after all that is told of them, and what of it changed something, in order.

        Whom an event is about is looked up again after each one: who moves twice may be named by
        the first address or by the second.
        """
        heard: list[Event] = []
        waiting: list[Event] = []
        taken: list[Event] = []
        while True:
            known = {
                name: _form(name, value, customer.fields.get("country", market))
                for name, value in customer.fields.items()
                if name in self._looked_at
            }
            for names, people in self._told.items():
                key = tuple(known.get(name, "") for name in sorted(names))
                for event in people.get(key, ()):
                    if event not in heard:
                        heard.append(event)
                        waiting.append(event)
            if not waiting:
                return customer, tuple(taken)
            event = min(waiting, key=_in_order)
            waiting.remove(event)
            before, customer = customer, _CHANGES[event.kind](customer, event)
            if customer != before:
                taken.append(event)


def refreshed(
    base: Iterable[Customer], feed: Feed, *, market: str, since: date, today: date
) -> Iterator[Customer]:
    """Give every customer of a base as they are after what a feed tells.

    Running the same events again changes nothing. A move that is older than what the shop knows
    from the customer is not taken over; the later of two moves counts. The dead stay dead, and an
    opt-out keeps its first day: only the customer takes it back, not a feed.

    Args:
        base: The customers, in any order; they are not held in memory.
        feed: What happened.
        market: ISO 3166 code of where customers and events are that name no country.
        since: The day up to which the base was refreshed by this feed before; some days earlier
            does no harm. Keep the feed's ``as_of`` for the next time.
        today: The day on which this runs.

    Raises:
        UsageError: If the feed is of a later day than today, or ends before ``since``: then it
            would leave a gap.
        InvalidInput: If an event does not say well enough who it is about, or its new details
            cannot be right. ``field`` has its place in the feed; no value is repeated.
    """
    if feed.as_of > today:
        raise UsageError(f"{feed.name}: is of a day that is still to come", field="as_of")
    if feed.as_of < since:
        raise UsageError(f"{feed.name}: ends before the day it is to begin", field="as_of")
    news = News()
    for place, event in enumerate(feed.events(since)):
        if since <= event.on <= feed.as_of:
            news.add(event, market, f"events[{place}]")
    for customer in base:
        yield news.after(customer, market)[0]


def _read(event: Event, market: str, path: str) -> tuple[frozenset[str], tuple[str, ...], Event]:
    names = frozenset(event.keys)
    allowed = AN_ADDRESSEE if event.kind is Kind.OPTED_OUT else A_PERSON
    key = _key(names, event.keys, market)
    if names not in allowed or not all(key):
        raise InvalidInput("does not say well enough whom it is about", field=f"{path}.keys")
    event = replace(event, keys=Details())  # it is found by its key from now on
    if event.kind is not Kind.MOVED:
        return names, key, event
    if not {"street", "postal_code"} <= event.details.keys() <= set(HOME):
        raise InvalidInput(
            "a move has a street and a postal code, and perhaps city and country",
            field=f"{path}.details",
        )
    try:
        details = clean(event.details, market=market)
    except InvalidInput as error:
        problems = [(f"{path}.details.{name}", text) for name, text in error.problems]
        raise InvalidInput(problems[0][1], field=problems[0][0], problems=problems) from None
    return names, key, replace(event, details=details)


def _in_order(event: Event) -> tuple[date, str, list[tuple[str, str]]]:
    """By day; what is told of one day in an order of its own, however the feeds come."""
    return event.on, event.kind, sorted(event.details.items())


def _key(names: frozenset[str], fields: Mapping[str, str], market: str) -> tuple[str, ...]:
    """Someone's forms for comparing; empty texts where something is missing."""
    return tuple(_form(name, fields.get(name, ""), market) for name in sorted(names))


def _form(name: str, value: str, market: str) -> str:
    if not value or name not in {*HOME, "name", "national_id", "email", "phone", "birth_date"}:
        return ""
    if name == "birth_date":
        return str(read_day(value) or "")
    return matching_form(name, value, market)


def _moved(customer: Customer, event: Event) -> Customer:
    if customer.updated is not None and customer.updated >= event.on:
        return customer
    kept = {name: value for name, value in customer.fields.items() if name not in HOME}
    # A move within the country need not name it.
    country = {name: customer.fields[name] for name in ("country",) if name in customer.fields}
    return replace(customer, fields=Details({**kept, **country, **event.details}), updated=event.on)


def _died(customer: Customer, event: Event) -> Customer:
    return replace(customer, died=customer.died or event.on)


def _opted_out(customer: Customer, event: Event) -> Customer:
    first = min(day for day in (customer.opted_out, event.on) if day is not None)
    return replace(customer, opted_out=first)


_CHANGES: Final = {Kind.MOVED: _moved, Kind.DIED: _died, Kind.OPTED_OUT: _opted_out}
