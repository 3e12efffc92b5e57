"""Deciding about covers: what is offered and answered, what stands, and how they begin and end.

Insurance and warranties are lines of the cart, so that they are reserved, captured and given back
with what they cover. A line of a cover goes along with its goods: it is shipped with them,
cancelled with them, and no more of it stands than of them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from checkoutflow.checkout import events as e
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.needs import situation
from checkoutflow.checkout.state import PartState
from checkoutflow.errors import DetailsMissing, InvalidInput, NotFound, NotSupported
from checkoutflow.insurance import Buying, Found, Policy, PolicyState, find_offers
from checkoutflow.insurance.policies import Entry, with_covers
from checkoutflow.payment.calendar import banking_day

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date, datetime

    from checkoutflow.cart import Cart
    from checkoutflow.checkout import commands as c
    from checkoutflow.checkout.draft import Draft
    from checkoutflow.checkout.state import Checkout, Refund
    from checkoutflow.choice.rules import Rules
    from checkoutflow.insurance import Offer
    from checkoutflow.money import Money


# Offers -------------------------------------------------------------------------------------------


def buying(state: Checkout, rules: Rules, at: datetime) -> Buying:
    """What the offers of a checkout depend on."""
    s = situation(state, rules, at)
    return Buying(
        cart=state.cart,
        market=state.market,
        on=s.on,
        at=at,
        locale=state.locale,
        customer=state.customer,
        age=s.age,
        arms=state.arms,
        quotes={quote.offer: quote for quote in state.quotes},
    )


def covers_for(state: Checkout, rules: Rules, at: datetime) -> Found:
    """The covers that fit a checkout, and why others do not."""
    if not rules.shop.insurance:
        return Found()
    return find_offers(rules.shop.insurance, buying(state, rules, at), rules.law)


def with_standing(state: Checkout, rules: Rules, at: datetime) -> Checkout:
    """The checkout with those covers that are still had on the terms that the customer took.

    What was declined stays so while there is an offer: nobody is asked twice for one choice.
    """
    if not state.policies:
        return state
    found = covers_for(state, rules, at)
    policies = tuple(
        policy
        for policy in state.policies
        if (offer := found.offer(policy.id)) is not None
        and (policy.state is PolicyState.DECLINED or policy.terms == offer.terms)
    )
    return state.but(policies=policies, cart=with_covers(state.cart, policies))


def answers_to(draft: Draft, command: c.AnswerInsurance) -> tuple[e.CoverAnswer, ...]:
    """What is new in what the customer says to offers.

    Raises:
        InvalidInput: If there is no such offer, question or answer.
        NotSupported: If it cannot be had here, or is not for somebody with these answers.
        DetailsMissing: If a question is not answered.
    """
    state = draft.state
    found = covers_for(state, draft.rules, draft.at)
    said: dict[str, e.CoverAnswer] = {}
    for name, is_wanted in command.covers.items():
        offer, before = found.offer(name), state.policy(name)
        if offer is not None and is_wanted:
            answers = _fitting(offer, command.answers)
            terms = offer.terms
        elif before is not None and not is_wanted:
            answers, terms = {}, before.terms
        elif offer is not None:
            answers, terms = {}, offer.terms
        else:
            raise _not_offered(found, name)
        said[name] = e.CoverAnswer(offer=name, is_wanted=is_wanted, terms=terms, answers=answers)
    _are_asked(found, command.answers)
    for other in _instead(found, state, said):
        said[other.id] = e.CoverAnswer(offer=other.id, is_wanted=False, terms=other.terms)
    return tuple(each for each in said.values() if not _is_known(each, state.policy(each.offer)))


def _is_known(said: e.CoverAnswer, before: Policy | None) -> bool:
    """Whether the customer has said so already."""
    if before is None or not said.is_wanted:
        return before is not None and before.state is PolicyState.DECLINED
    is_same = (before.terms, before.answers) == (said.terms, said.answers)
    return before.state is PolicyState.ACCEPTED and is_same


def _not_offered(found: Found, name: str) -> Exception:
    """Why it cannot be had, or what can be instead of what there is not."""
    if (refusal := found.refusal(name)) is not None:
        return NotSupported(f"{name} cannot be had: {refusal.text()}", field=f"covers.{name}")
    names = ", ".join(offer.id for offer in found.offers) or "none, on this checkout"
    return InvalidInput(f"choose one of: {names}", field="covers")


def _are_asked(found: Found, given: Mapping[str, str]) -> None:
    asked = {question.id for offer in found.offers for question in offer.product.questions}
    for name in given.keys() - asked:
        known = ", ".join(sorted(asked)) or "none"
        raise InvalidInput(f"is not asked; asked are: {known}", field=f"answers.{name}")


def _fitting(offer: Offer, given: Mapping[str, str]) -> dict[str, str]:
    """The answers to an offer's questions."""
    questions = offer.product.questions
    if missing := [f"answers.{each.id}" for each in questions if each.id not in given]:
        raise DetailsMissing(missing)
    for question in questions:
        answers = {answer.id: answer for answer in question.answers}
        answer = answers.get(given[question.id])
        field = f"answers.{question.id}"
        if answer is None:
            raise InvalidInput(f"choose one of: {', '.join(answers)}", field=field)
        if not answer.fits:
            raise NotSupported(
                f"{offer.id} is not for somebody who answers so; decline it", field=field
            )
    return {question.id: given[question.id] for question in questions}


def _instead(found: Found, state: Checkout, said: Mapping[str, e.CoverAnswer]) -> Iterator[Policy]:
    """Covers that were accepted before, and give way to another one of their group."""
    taken: dict[tuple[str, tuple[str, ...]], str] = {}
    for name, answer in said.items():
        offer = found.offer(name)
        if offer is not None and answer.is_wanted and offer.product.group:
            key = (offer.product.group, answer.terms.lines)
            if key in taken:
                raise InvalidInput(f"take either {taken[key]} or {name}", field=f"covers.{name}")
            taken[key] = name
    for policy in state.accepted:
        offer = found.offer(policy.id)
        group = offer.product.group if offer else ""
        if policy.id not in said and (group, policy.terms.lines) in taken:
            yield policy


# Beginning and ending -----------------------------------------------------------------------------


def bind(draft: Draft) -> None:
    """With the order, the covers that the customer wants begin."""
    state = draft.state
    if state.phase is not Phase.CONFIRMED or not state.accepted:
        return
    today = draft.rules.law.day(state.market, draft.at)
    draft.add(
        e.PoliciesBound(
            at=draft.at,
            on=today,
            free_until={
                policy.id: _free_until(draft, today, policy.terms.cooling_off_days)
                for policy in state.accepted
            },
        )
    )


def _free_until(draft: Draft, today: date, days: int) -> date:
    """The last day to give a cover back.

    A time that would end on a day off ends with the next working day.

    Source: directive 2002/65 art. 6 counts calendar days; regulation 1182/71 art. 3(4).
    """
    return banking_day(draft.state.market, today + timedelta(days=days), draft.rules.law)


def follow_covers(draft: Draft) -> None:
    """Covers end when they are cancelled, and when what was paid for them has gone back."""
    state = draft.state
    for policy in state.policies:
        if policy.starts is None:
            continue
        gone = state.cancelled.get(policy.id, 0) - policy.settled("")
        if gone:
            _enter(draft, policy, -gone, -(policy.terms.each * gone))
        for refund in state.refunds:
            units, entered = refund.lines.get(policy.id, 0), policy.settled(refund.id)
            if units and not entered and refund.state is PartState.DONE:
                _enter(draft, policy, -units, -refund.premiums[policy.id], refund)
            elif entered and refund.state is PartState.FAILED:
                _enter(draft, policy, units, refund.premiums[policy.id], refund)


def _enter(
    draft: Draft, policy: Policy, units: int, premium: Money, refund: Refund | None = None
) -> None:
    today = draft.rules.law.day(draft.state.market, draft.at)
    entry = Entry(
        kind="cancelled" if units < 0 else "reinstated",
        units=units,
        premium=premium,
        at=draft.at,
        on=(refund.on if refund else None) or today,
        part=refund.id if refund else "",
    )
    draft.add(e.PolicyEntered(policy=policy.id, entry=entry))


# Along with goods ---------------------------------------------------------------------------------


def shipped_along(state: Checkout, lines: Mapping[str, int]) -> dict[str, int]:
    """Covers that leave with units of goods: as many as there are, and no more than of those."""
    left = state.unsent()
    along = {
        cover.id: min(left.get(cover.id, 0), sum(lines.get(each, 0) for each in cover.insures))
        for cover in state.cart.lines
        if cover.is_cover
    }
    return {line_id: units for line_id, units in along.items() if units}


def ended_with(state: Checkout, lines: Mapping[str, int]) -> dict[str, int]:
    """Covers that end when units of goods go: of no cover more stands than of what it is for."""
    quantities = {line.id: line.quantity for line in state.cart.lines}
    kept = {line_id: state.kept(line_id, units) for line_id, units in quantities.items()}
    ended = {
        cover.id: kept[cover.id] - sum(kept[each] - lines.get(each, 0) for each in cover.insures)
        for cover in state.cart.lines
        if cover.is_cover
    }
    return {line_id: units for line_id, units in ended.items() if units > 0}


def premiums_back(state: Checkout, units: Mapping[str, int], on: date) -> dict[str, Money]:
    """What goes back for covers that end on a day, by line."""
    back = {}
    for line_id, count in units.items():
        first = state.returned(line_id)
        paid = state.priced.unit_amount(line_id, first, first + count)
        policy = state.policy(line_id)
        back[line_id] = policy.give_back(paid, on) if policy else paid
    return back


def goods_of(units: Mapping[str, int], cart: Cart) -> dict[str, int]:
    """Of units by line, those of goods."""
    goods = {line.id for line in cart.goods}
    return {line_id: count for line_id, count in units.items() if line_id in goods}


def bound_policy(state: Checkout, name: str) -> Policy:
    """A cover that stands.

    Raises:
        NotFound: If there is none with this id.
    """
    policy = state.policy(name)
    if policy is None or policy.state is not PolicyState.BOUND:
        known = [each.id for each in state.policies if each.state is PolicyState.BOUND]
        raise NotFound(
            f"no such cover stands on this order; there are: {', '.join(known) or 'none'}",
            field="cover",
        )
    return policy
