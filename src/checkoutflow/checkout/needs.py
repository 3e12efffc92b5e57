"""What must still be asked, and why: the least that will do for what was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from checkoutflow.choice.situation import Situation
from checkoutflow.model import Frozen
from checkoutflow.privacy.fields import FIELDS, Basis, Purpose

if TYPE_CHECKING:
    from datetime import datetime

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.choice.offers import Options
    from checkoutflow.choice.rules import Rules
    from checkoutflow.law.choice import Customer
    from checkoutflow.payment.methods import Way

# In the order in which people expect to be asked.
_ADDRESS: Final = ("name", "street", "postal_code", "city")
_PICKUP: Final = ("name", "phone")
# Where goods go: one thing, of which a part says nothing.
PLACE: Final = frozenset({"street", "postal_code", "city"})
_OF_A_BUSINESS: Final = ("organisation", "organisation_number")

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
    """Every contact field that this checkout needs, given or not, each with its purpose."""
    wanted: dict[str, Purpose] = {"email": Purpose.SEND_RECEIPT}
    delivery = rules.shop.delivery(state.delivery)
    if delivery is not None:
        for name in _ADDRESS if delivery.to == "address" else _PICKUP:
            wanted.setdefault(name, Purpose.DELIVER)
    chosen = (state.method, *(credit.method for credit in state.credits))
    for method_id in chosen:
        way = rules.ways.get(method_id)
        if way is None:
            continue
        for name in asked_by(way, state.customer, rules):
            wanted.setdefault(name, _to_pay(name, is_deferred=way.is_deferred))
    for policy in state.accepted:
        product = rules.shop.product(policy.terms.product)
        for name in product.details if product else ():
            wanted.setdefault(name, Purpose.INSURE)
    return tuple(
        Need(field=name, purpose=purpose, basis=FIELDS[name].purposes[purpose])
        for name, purpose in wanted.items()
    )


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


def _to_pay(field: str, *, is_deferred: bool) -> Purpose:
    """What a way to pay needs a field for: the first of these that fits."""
    purposes = FIELDS[field].purposes
    if Purpose.TAKE_PAYMENT in purposes:
        return Purpose.TAKE_PAYMENT
    is_for_credit = is_deferred and Purpose.IDENTIFY_FOR_CREDIT in purposes
    return Purpose.IDENTIFY_FOR_CREDIT if is_for_credit else Purpose.INVOICE


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
