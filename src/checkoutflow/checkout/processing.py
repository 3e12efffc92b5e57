"""The record of what a shop does with personal data, as its settings and the register have it.

Article 30 of the General Data Protection Regulation wants it of every controller: who they are,
what the data is used for, of whom and which, who is given it, where to, when it goes, and how it is
kept safe. What only the shop can know is left for it to add, and the record says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from checkoutflow.checkout.needs import takers, to_deliver, to_pay
from checkoutflow.choice.rules import Rules
from checkoutflow.law.rules import EVERYWHERE
from checkoutflow.privacy.fields import FIELDS, KEEP_UNFINISHED, Basis, Purpose
from checkoutflow.privacy.register import MEASURES, PROOFS, USES, Proof, Reader
from checkoutflow.texts import said

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from checkoutflow.delivery import Delivery
    from checkoutflow.insurance import Product
    from checkoutflow.law import Law
    from checkoutflow.payment.methods import Way
    from checkoutflow.shop import Shop


@dataclass(frozen=True, slots=True)
class Processing:
    """What is done for one purpose.

    Attributes:
        what: In a few words.
        fields: What is used of what this shop asks for, each with the ground in law.
        readers: Who may read it.
        kept: Until when.
        source: What in law asks for it or allows it.
    """

    purpose: Purpose
    what: str
    fields: Mapping[str, Basis]
    readers: tuple[Reader, ...]
    kept: str
    source: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who is given data.

    Attributes:
        reader: As what.
        name: As the shop's settings have it; empty where they do not say.
        ways: For which ways to pay or of delivery, or covers, by their ids; empty for all.
    """

    reader: Reader
    name: str
    ways: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """For how long fields are kept in one market.

    Attributes:
        unfinished: While the customer has not bought.
        sale: After a sale.
        durable: The same, where some of the goods are meant to last.
        books: For bookkeeping, from the end of a year; empty where that does not need them.
        sources: The rules of law in full: from when it counts, and where that is written.
    """

    market: str
    fields: tuple[str, ...]
    unfinished: str
    sale: str
    durable: str
    books: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """A shop's record of processing.

    Attributes:
        controller: The shop.
        on: Day of the law it goes by.
        people: Whose data it is.
        asked: What this shop asks for, in its markets and with its ways to pay and of delivery.
        proofs: What is kept to show that all of it was done rightly.
        if_given: What it does not ask for, and takes where it serves what was chosen.
        to_add: What only the shop can say.
    """

    controller: str
    on: date
    markets: tuple[str, ...]
    people: tuple[str, ...]
    asked: tuple[str, ...]
    if_given: tuple[str, ...]
    processing: tuple[Processing, ...]
    recipients: tuple[Recipient, ...]
    retention: tuple[Kept, ...]
    proofs: tuple[Proof, ...]
    measures: tuple[str, ...]
    to_add: tuple[str, ...]


def record_of_processing(shop: Shop, law: Law, on: date, *, markets: Iterable[str] = ()) -> Record:
    """Make a shop's record of processing.

    Args:
        shop: Its settings.
        law: Its law.
        on: By the law of which day.
        markets: Only of these; by default of all that it sells to.

    Raises:
        UnknownRule: If the law has no rule for that day.
    """
    rules = Rules(shop, law)
    chosen = tuple(dict.fromkeys(markets)) or shop.markets
    ways = [way for way in rules.ways.values() if any(_is_in(way, market) for market in chosen)]
    deliveries = [each for each in shop.deliveries if any(_goes_to(each, to) for to in chosen)]
    there = Rules(
        shop.but(methods=tuple(way.method for way in ways), deliveries=tuple(deliveries)), law
    )
    covers = [each for each in shop.insurance if any(_is_sold_in(each, to) for to in chosen)]
    asked_in = {market: _asked(rules, market) for market in chosen}
    asked = _in_order(name for names in asked_in.values() for name in names)
    return Record(
        controller=shop.name,
        on=on,
        markets=chosen,
        people=("customers", "people whom an order is sent to or who order for a business"),
        asked=asked,
        if_given=tuple(
            name
            for name, field in FIELDS.items()
            if name not in asked and not field.secret and takers(name, there)
        ),
        processing=tuple(_processing(asked, ways, deliveries, covers)),
        recipients=tuple(_recipients(shop, chosen, ways, deliveries, covers)),
        retention=tuple(
            kept for market, names in asked_in.items() for kept in _kept(names, law, market, on)
        ),
        proofs=PROOFS,
        measures=MEASURES,
        to_add=tuple(_to_add(law, chosen, on, deliveries)),
    )


def _is_in(way: Way, market: str) -> bool:
    return all(not places or market in places for places in (way.method.markets, way.kind.markets))


def _goes_to(delivery: Delivery, market: str) -> bool:
    return not delivery.markets or market in delivery.markets


def _is_sold_in(product: Product, market: str) -> bool:
    return not product.markets or market in product.markets


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Fields in the order of the register, each once."""
    found = set(names)
    return tuple(name for name in FIELDS if name in found)


def _asked(rules: Rules, market: str) -> tuple[str, ...]:
    """All that a customer in a market can be asked for, whatever they choose."""
    names = {"email"}
    for delivery in rules.shop.deliveries:
        if _goes_to(delivery, market):
            names.update(name for name, _ in to_deliver(delivery))
    for way in rules.ways.values():
        if _is_in(way, market):
            for customer in way.method.customers & way.kind.customers:
                names.update(name for name, _ in to_pay(way, customer, rules))
            names.update(filter(None, [way.code_field if way.covers_part else ""]))
    for product in rules.shop.insurance:
        names.update(product.details if _is_sold_in(product, market) else ())
    return _in_order(names)


def _processing(
    asked: Sequence[str],
    ways: Sequence[Way],
    deliveries: Sequence[Delivery],
    covers: Sequence[Product],
) -> Iterator[Processing]:
    billed = {name for way in ways for name in way.details}
    is_used = {
        Purpose.DELIVER: bool(deliveries),
        Purpose.TAKE_PAYMENT: any(way.routes for way in ways),
        Purpose.IDENTIFY_FOR_CREDIT: any(way.is_deferred for way in ways),
        Purpose.INVOICE: any(Purpose.INVOICE in FIELDS[name].purposes for name in billed),
        Purpose.INSURE: any(product.details for product in covers),
    }
    for purpose, use in USES.items():
        fields = {
            name: FIELDS[name].purposes[purpose]
            for name in asked
            if purpose in FIELDS[name].purposes
        }
        if fields and is_used.get(purpose, True):
            yield Processing(purpose, use.what, fields, use.readers, use.kept, use.source)


def _recipients(
    shop: Shop,
    markets: Sequence[str],
    ways: Sequence[Way],
    deliveries: Sequence[Delivery],
    covers: Sequence[Product],
) -> Iterator[Recipient]:
    found: dict[tuple[Reader, str], list[str]] = {(Reader.STAFF, shop.name): []}
    for way in ways:
        for route in way.routes:
            if not route.markets or route.markets.intersection(markets):
                found.setdefault((Reader.PAYMENT_PROVIDER, route.provider), []).append(way.id)
        if way.creditor:
            found.setdefault((Reader.LENDER, way.creditor), []).append(way.id)
    for delivery in deliveries:
        found.setdefault((Reader.CARRIER, ""), []).append(delivery.id)
    for product in covers:
        if (insurer := shop.insurer(product.insurer)) is not None and product.details:
            found.setdefault((Reader.INSURER, insurer.name), []).append(product.id)
    found[Reader.ACCOUNTANT, ""] = []
    for (reader, name), those in found.items():
        yield Recipient(reader, name, tuple(those))


def _kept(names: Sequence[str], law: Law, market: str, on: date) -> Iterator[Kept]:
    """How long what is asked for in a market is kept, fields that go together in one."""
    sale = law.retention(market, "order", on)
    durable = law.retention(market, "durable_order", on)
    books = law.retention(market, "voucher", on)
    groups: dict[tuple[bool, bool, int], list[str]] = {}
    for name in names:
        field = FIELDS[name]
        in_books = Purpose.KEEP_BOOKS in field.purposes
        days = field.keep_days if field.secret else 0
        groups.setdefault((field.secret, in_books, days), []).append(name)
    for (is_secret, in_books, days), those in groups.items():
        rules = (() if is_secret else (sale, durable)) + ((books,) if in_books else ())
        yield Kept(
            market=market,
            fields=tuple(those),
            unfinished=f"{KEEP_UNFINISHED} days",
            sale=f"{days} days" if is_secret else sale.duration,
            durable=f"{days} days" if is_secret else durable.duration,
            books=books.duration if in_books else "",
            sources=tuple(dict.fromkeys(rule.explain() for rule in rules)),
        )


def _to_add(
    law: Law, markets: Sequence[str], on: date, deliveries: Sequence[Delivery]
) -> Iterator[str]:
    yield "how the controller, and its data protection officer where there is one, are reached"
    for delivery in deliveries:
        yield f"who carries what is sent by {delivery.id} ({said(delivery.name, 'en')})"
    yield "who keeps the books, and in which country: its law holds for them"
    yield "which registers are asked about companies and addresses, and who proves identities"
    yield "who runs the machines and keeps the backups for the shop (processors)"
    yield "for each recipient, whether the data leaves the EEA, where to, and on what safeguards"
    for market in markets:
        if law.retention(market, "voucher", on).market == EVERYWHERE:
            yield f"how long the law of {market} wants vouchers kept; here that is not known"
        if law.retention(market, "order", on).market == EVERYWHERE:
            yield f"how long a customer in {market} may complain; here that is not known"
