"""What must still be asked, and why: the least that will do for what was chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Final, Literal

from checkoutflow.checkout.machine import Phase
from checkoutflow.choice.options import options
from checkoutflow.choice.situation import Situation
from checkoutflow.model import Frozen
from checkoutflow.privacy.consent import Consent
from checkoutflow.privacy.fields import FIELDS, REMEMBERED, Basis, Purpose

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.choice.offers import Options
    from checkoutflow.choice.rules import Rules
    from checkoutflow.delivery import Delivery
    from checkoutflow.law.choice import Customer
    from checkoutflow.payment.methods import Way

# In the order in which people expect to be asked.
_ADDRESS: Final = ("name", "street", "postal_code", "city")
_PICKUP: Final = ("name", "phone")
# Where goods go: one thing, of which a part says nothing.
PLACE: Final = frozenset({"street", "postal_code", "city"})
_OF_A_BUSINESS: Final = ("organisation", "organisation_number")
_BESIDE_ADDRESS: Final = ("organisation", "country")
_OF_SOME_CUSTOMERS: Final[Mapping[str, Sequence[str]]] = {
    "organisation": ("a business customer",),
    "login": ("a customer who is logged in",),
}
# What is taken for no other reason than that the customer agreed to something.
_BY_CONSENT: Final = {
    Consent.PROFILE: (*REMEMBERED, "login"),
    Consent.MARKETING: ("email", "phone"),
}

_A_MINOR: Final = 17  # years, for who is known to be younger than 18

Choice = Literal["delivery", "payment"]


class Need(Frozen):
    """One contact field that is needed, with the purpose and the ground that justify it."""

    field: str
    purpose: Purpose
    basis: Basis


def situation(state: Checkout, rules: Rules, at: datetime) -> Situation:
    """What a checkout's options depend on."""
    return Situation(
        cart=state.cart,
        market=state.market,
        at=at,
        customer=state.customer,
        age=_A_MINOR if state.adult is False else None,
        areas=frozenset(state.areas),
        delivery=state.delivery,
        credited=state.credited.minor,
        arms=state.arms,
        day=rules.law.day(state.market, at),
    )


def needed(state: Checkout, rules: Rules) -> tuple[Need, ...]:
    """Every contact field that this checkout must have, given or not, each with its purpose."""
    return tuple(
        Need(field=name, purpose=purpose, basis=FIELDS[name].purposes[purpose])
        for name, purpose in _first(_needed(state, rules)).items()
    )


def kept(state: Checkout, rules: Rules) -> Mapping[str, Purpose]:
    """The contact fields that serve what was chosen and agreed to; with "buy" all others go."""
    return _first(_kept(state, rules))


def taken(state: Checkout, rules: Rules, at: datetime) -> Mapping[str, Purpose]:
    """The contact fields that may be given: for what was chosen, or still can be.

    What is only for a choice (`Field.is_for_a_choice`) is taken after that choice, and none before.
    """
    found = chain(_kept(state, rules), _for_open_choices(state, rules, at))
    return _first(found if state.phase is Phase.COLLECTING else _kept(state, rules))


def takers(name: str, rules: Rules) -> list[str]:
    """What a customer can choose or agree to in this shop, so that a field is taken."""
    deliveries = [
        f"delivery {each.id}"
        for each in rules.shop.deliveries
        if name in _first((*to_deliver(each), *with_delivery(each)))
    ]
    ways = [
        f"payment {way.id}"
        for way in rules.ways.values()
        for customer in way.method.customers & way.kind.customers
        if name in _first((*to_pay(way, customer, rules), *_with_payment(way, customer, rules)))
    ]
    consents = [
        f"consent to {consent}"
        for consent, names in _BY_CONSENT.items()
        if consent in rules.shop.consents and name in names
    ]
    return [*deliveries, *dict.fromkeys(ways), *consents, *_OF_SOME_CUSTOMERS.get(name, ())]


def _first(fields: Iterable[tuple[str, Purpose]]) -> dict[str, Purpose]:
    """Each field with the first of its purposes."""
    found: dict[str, Purpose] = {}
    for name, purpose in fields:
        found.setdefault(name, purpose)
    return found


_Fields = Iterator[tuple[str, Purpose]]


def _needed(state: Checkout, rules: Rules) -> _Fields:
    yield "email", Purpose.SEND_RECEIPT
    if (delivery := rules.shop.delivery(state.delivery)) is not None:
        yield from to_deliver(delivery)
    for way in _chosen(state, rules):
        yield from to_pay(way, state.customer, rules)
    for policy in state.accepted:
        product = rules.shop.product(policy.terms.product)
        yield from ((name, Purpose.INSURE) for name in (product.details if product else ()))


def _kept(state: Checkout, rules: Rules) -> _Fields:
    yield from _needed(state, rules)
    if (delivery := rules.shop.delivery(state.delivery)) is not None:
        yield from with_delivery(delivery)
    if is_steered_by_area(state, rules):
        yield "postal_code", Purpose.DELIVER
    for way in _chosen(state, rules):
        yield from _with_payment(way, state.customer, rules)
    if state.customer == "business":
        yield "organisation", Purpose.INVOICE
    if is_remembered(state):
        yield from ((name, Purpose.REMEMBER) for name in _BY_CONSENT[Consent.PROFILE])
    if state.consents.get(Consent.MARKETING):
        yield from ((name, Purpose.MARKET) for name in _BY_CONSENT[Consent.MARKETING])


def _for_open_choices(state: Checkout, rules: Rules, at: datetime) -> _Fields:
    found = options(rules, situation(state, rules, at))
    for delivery in () if state.delivery else found.deliveries:
        yield from to_deliver(delivery.delivery)
        yield from with_delivery(delivery.delivery)
    ways = [option.way for option in found.payments if not state.method]
    for way in (*ways, *found.vouchers):
        yield from (
            (name, it)
            for name, it in to_pay(way, state.customer, rules)
            if not FIELDS[name].is_for_a_choice
        )
        if way.code_field:
            yield way.code_field, Purpose.TAKE_PAYMENT
    # By it they may turn out to be somebody who is remembered.
    yield "login", Purpose.REMEMBER


def _chosen(state: Checkout, rules: Rules) -> Iterator[Way]:
    """The ways to pay that are used: what credits cover needs no other."""
    rest = (state.method,) if state.credited < state.total else ()
    for method_id in (*rest, *(credit.method for credit in state.credits)):
        if (way := rules.ways.get(method_id)) is not None:
            yield way


def is_remembered(state: Checkout) -> bool:
    """Whether what the customer tells is remembered for the next time.

    Who has shown that they are remembered already brought along that they agreed to it.
    """
    return state.erasure is None and state.consents.get(Consent.PROFILE, False)


def is_steered_by_area(state: Checkout, rules: Rules) -> bool:
    """Whether what is offered can depend on where the goods go."""
    is_sent = not all(line.digital for line in state.cart.lines)
    return is_sent and any(area.market == state.market for area in rules.shop.areas)


def to_deliver(delivery: Delivery) -> _Fields:
    """What a way of delivery needs."""
    to = _ADDRESS if delivery.to == "address" else _PICKUP
    for name in (*to, *delivery.details):
        yield name, Purpose.DELIVER


def with_delivery(delivery: Delivery) -> _Fields:
    """What may be given with it besides."""
    for name in _BESIDE_ADDRESS if delivery.to == "address" else ():
        yield name, Purpose.DELIVER


def asked_by(way: Way, customer: Customer, rules: Rules) -> tuple[str, ...]:
    """The contact fields that a way to pay asks of a customer.

    Where businesses are known by their numbers, a business is asked for its own and for no
    person's: by the shop for a bill of its own, else where a provider of this way takes it.
    """
    if customer == "consumer" or "organisation_number" not in way.kind.identity:
        return way.details
    taken = {name for route in way.routes for name in rules.behind(route.provider).details}
    if way.routes and "organisation_number" not in taken:
        return way.details
    names = dict.fromkeys((*way.details, *_OF_A_BUSINESS))
    return tuple(name for name in names if name != "national_id")


def to_pay(way: Way, customer: Customer, rules: Rules) -> _Fields:
    """What a way to pay needs."""
    for name in asked_by(way, customer, rules):
        purposes = FIELDS[name].purposes
        if Purpose.TAKE_PAYMENT in purposes:
            yield name, Purpose.TAKE_PAYMENT
        elif way.is_deferred and Purpose.IDENTIFY_FOR_CREDIT in purposes:
            yield name, Purpose.IDENTIFY_FOR_CREDIT
        else:
            yield name, Purpose.INVOICE


def for_provider(way: Way | None, names: Iterable[str]) -> _Fields:
    """Of these fields, those that a provider may be given for a way to pay.

    Args:
        way: None where the shop does not have it any more.
        names: What the provider asks for.
    """
    purposes = [Purpose.TAKE_PAYMENT]
    if way is not None and way.is_deferred:
        purposes.append(Purpose.IDENTIFY_FOR_CREDIT)
    for name in (*names, *([way.code_field] if way is not None and way.code_field else [])):
        for purpose in purposes:
            if purpose in FIELDS[name].purposes:
                yield name, purpose
                break


def _with_payment(way: Way, customer: Customer, rules: Rules) -> _Fields:
    """What the providers of a way to pay can use besides what it needs."""
    is_by_number = "organisation_number" in asked_by(way, customer, rules)
    unfit = "national_id" if is_by_number else "organisation_number"
    for route in way.routes:
        names = rules.behind(route.provider).details
        if rules.capabilities is None:  # it could be anything
            names = frozenset(name for name, field in FIELDS.items() if not field.secret)
        yield from for_provider(way, sorted(names - {unfit}))
    yield from for_provider(way, ())


def missing_details(state: Checkout, rules: Rules) -> tuple[Need, ...]:
    """The needed contact fields that the customer has not given."""
    return tuple(need for need in needed(state, rules) if need.field not in state.provided)


def to_be_shared(state: Checkout, rules: Rules) -> tuple[str, ...]:
    """Of what is missing, what the customer will share while they pay, as they have chosen.

    That is never what the provider wants to begin with, nor part of an address, nor an address
    that decides what there is to choose from.
    """
    way = rules.ways.get(state.method)
    if way is None or not way.method.shares or not way.routes or state.credited >= state.total:
        return ()
    able = [rules.shareable.get(route.provider, frozenset()) for route in way.routes]
    names = frozenset.intersection(*able) - {*asked_by(way, state.customer, rules)}
    is_by_area = any(area.market == state.market for area in rules.shop.areas)
    if is_by_area or not PLACE.isdisjoint(state.provided):
        names -= PLACE
    return tuple(need.field for need in missing_details(state, rules) if need.field in names)


def missing_choices(state: Checkout, s: Situation, found: Options) -> tuple[Choice, ...]:
    """What the customer has not chosen yet, or chose and cannot have any more.

    Args:
        state: The checkout.
        s: Its situation.
        found: Its options.
    """
    missing: list[Choice] = []
    if s.is_sent and found.delivery(state.delivery) is None:
        missing.append("delivery")
    if state.credited < state.total and found.payment(state.method) is None:
        missing.append("payment")
    return tuple(missing)
