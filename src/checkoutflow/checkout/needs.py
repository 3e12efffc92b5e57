"""What must still be asked, and why: the least that will do for what was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from checkoutflow.model import Frozen
from checkoutflow.privacy.fields import FIELDS, Basis, Purpose

if TYPE_CHECKING:
    from checkoutflow.checkout.draft import Rules
    from checkoutflow.checkout.state import Checkout
    from checkoutflow.payment.methods import Method
    from checkoutflow.shop import Delivery

# In the order in which people expect to be asked.
_ADDRESS: Final = ("name", "street", "postal_code", "city")
_PICKUP: Final = ("name", "phone")


Choice = Literal["delivery", "payment"]


class Need(Frozen):
    """One contact field that is needed, with the purpose and the ground that justify it."""

    field: str
    purpose: Purpose
    basis: Basis


def needs_delivery(state: Checkout) -> bool:
    """Whether anything in the cart has to be sent."""
    return not all(line.digital for line in state.cart.lines)


def deliveries(state: Checkout, rules: Rules) -> tuple[Delivery, ...]:
    """The ways of delivery that this customer may choose from."""
    if not needs_delivery(state):
        return ()
    return tuple(
        delivery
        for delivery in rules.shop.deliveries
        if delivery.serves(state.market, state.cart.currency)
    )


def why_not(method: Method, state: Checkout, rules: Rules) -> str:
    """Why a method cannot pay what is left of this checkout's total; empty if it can."""
    amount = state.total if method.credit else state.total - state.credited
    reason = method.why_not(market=state.market, customer=state.customer, amount=amount)
    if reason or method.provider is None:
        return reason
    capabilities = rules.capabilities.get(method.provider)
    if capabilities is None:
        return f"there is no provider {method.provider}"
    if amount.currency not in capabilities.currencies:
        return f"{method.provider} does not take {amount.currency}"
    return ""


def methods(state: Checkout, rules: Rules, *, credit: bool = False) -> tuple[Method, ...]:
    """The ways to pay that this customer may choose from: for the rest, or as credits."""
    return tuple(
        method
        for method in rules.shop.methods
        if method.credit is credit and not why_not(method, state, rules)
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
        method = rules.shop.method(method_id)
        for name in method.details if method else ():
            wanted.setdefault(name, Purpose.TAKE_PAYMENT)
    return tuple(
        Need(field=name, purpose=purpose, basis=FIELDS[name].purposes[purpose])
        for name, purpose in wanted.items()
    )


def missing_details(state: Checkout, rules: Rules) -> tuple[Need, ...]:
    """The needed contact fields that the customer has not given."""
    return tuple(need for need in needed(state, rules) if need.field not in state.provided)


def missing_choices(state: Checkout, rules: Rules) -> tuple[Choice, ...]:
    """What the customer has not chosen yet, or chose and cannot have any more."""
    missing: list[Choice] = []
    offered = {delivery.id for delivery in deliveries(state, rules)}
    if needs_delivery(state) and state.delivery not in offered:
        missing.append("delivery")
    if not state.method and state.credited < state.total:
        missing.append("payment")
    return tuple(missing)
