"""What events mean for covers: one step in their table, one line in an account."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.checkout import events as e
from checkoutflow.insurance.policies import (
    Entry,
    Policy,
    PolicyState,
    PolicyStep,
    with_covers,
)
from checkoutflow.money import Money

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from checkoutflow.checkout.state import Checkout


def insured(state: Checkout, policies: Iterable[Policy]) -> Checkout:
    """The checkout with these policies, and in its cart those of them that are accepted."""
    policies = tuple(policies)
    return state.but(policies=policies, cart=with_covers(state.cart, policies))


def lapsed(state: Checkout) -> Checkout:
    """There is no order, so what the customer wanted for it is not bound either.

    Its lines stay in the cart: that is what was accepted and paid for, or not.
    """
    return _each(
        state,
        lambda policy: (
            policy.moved(PolicyStep.LAPSED) if policy.state is PolicyState.ACCEPTED else policy
        ),
    )


def _each(state: Checkout, change: Callable[[Policy], Policy]) -> Checkout:
    policies = tuple(map(change, state.policies))
    return state if policies == state.policies else state.but(policies=policies)


def _insurance_answered(state: Checkout, event: e.InsuranceAnswered) -> Checkout:
    policies = {policy.id: policy for policy in state.policies}
    for said in event.answers:
        policy = Policy(id=said.offer, terms=said.terms, answers=said.answers)
        before = policies.get(said.offer)
        if before is not None and (before.state is PolicyState.DECLINED or not said.is_wanted):
            policy = policy.but(state=before.state)
        step = PolicyStep.ACCEPTED if said.is_wanted else PolicyStep.DECLINED
        policies[said.offer] = policy.moved(step)
    return insured(state, policies.values()).but(expires_at=event.expires_at)


def _quotes_taken(state: Checkout, event: e.QuotesTaken) -> Checkout:
    return state.but(quotes=event.quotes, expires_at=event.expires_at)


def _policies_bound(state: Checkout, event: e.PoliciesBound) -> Checkout:
    units = {line.id: line.quantity for line in state.cart.lines}
    return _each(
        state,
        lambda policy: (
            policy.bound(units[policy.id], event.at, event.on, event.free_until[policy.id])
            if policy.id in event.free_until
            else policy
        ),
    )


def _policy_entered(state: Checkout, event: e.PolicyEntered) -> Checkout:
    return _each(
        state,
        lambda policy: policy.entered(event.entry) if policy.id == event.policy else policy,
    )


def _replaced(state: Checkout, event: e.Replaced) -> Checkout:
    replaced = dict(state.replaced)
    for line_id, units in event.lines.items():
        replaced[line_id] = replaced.get(line_id, 0) + units
    nothing = Money(0, state.total.currency)
    entry = Entry(kind="replaced", units=0, premium=nothing, at=event.at, on=event.on)
    state = _each(
        state,
        lambda policy: (
            policy.entered(entry)
            if policy.state is PolicyState.BOUND and event.lines.keys() & {*policy.terms.lines}
            else policy
        ),
    )
    return state.but(replaced=replaced)


INSURANCE_EVENTS: Final[Mapping[type, Callable[[Checkout, Any], Checkout]]] = MappingProxyType(
    {
        e.InsuranceAnswered: _insurance_answered,
        e.QuotesTaken: _quotes_taken,
        e.PoliciesBound: _policies_bound,
        e.PolicyEntered: _policy_entered,
        e.Replaced: _replaced,
    }
)
