"""Checks that an adapter does with money what it says, and no more."""

from __future__ import annotations

import re
from dataclasses import replace

from checkoutflow.errors import NotSupported
from checkoutflow.money import DIGITS, Money
from checkoutflow.payment.capabilities import Capabilities
from checkoutflow.payment.outcomes import (
    Mandate,
    OpenApp,
    Operation,
    Outcome,
    Result,
    ShowQr,
    Standing,
    Word,
)
from checkoutflow.providers.contract import Ask, Exchange
from checkoutflow.testing.adapters.case import (
    NOW,
    AdapterCase,
    Paid,
    Stage,
    captured,
    done,
    exchange,
    expect,
    modify,
    offers,
    order_of,
    part_of,
    pay,
    stands,
)
from checkoutflow.testing.adapters.runs import Came, Wire, calls_of, run


def name_and_capabilities_are_well_formed(case: AdapterCase) -> None:
    """What the adapter says about itself is complete and makes sense together."""
    provider = case.make().provider
    expect(
        re.fullmatch(r"[a-z][a-z0-9_]{0,39}", provider.name),
        "name must be lower case letters, digits and underscores, at most 40",
    )
    capabilities = provider.capabilities
    expect(isinstance(capabilities, Capabilities), "capabilities must be a Capabilities")
    expect(capabilities == case.make().provider.capabilities, "capabilities must not change")
    expect(
        capabilities.operations >= {Operation.AUTHORISE},
        "operations must include authorise: without it nothing can be sold",
    )
    expect(
        capabilities.currencies and capabilities.currencies <= DIGITS.keys(),
        f"currencies must be some of {', '.join(DIGITS)}",
    )
    expect(
        case.amount.currency in capabilities.currencies and case.amount.minor >= 100,  # noqa: PLR2004 - thirds must differ
        "AdapterCase.amount must be at least 100 minor units of a currency that it takes",
    )
    expect(
        min(*map(capabilities.repeats_for, Operation), capabilities.absence_s) >= 0,
        "repeat_s and absence_s are seconds, zero or more",
    )
    expect(
        capabilities.can_be_asked or case.signature != "none",
        "a provider that cannot be asked must sign its notices: nothing else proves an outcome",
    )


def what_is_not_offered_is_refused_before_a_request(case: AdapterCase) -> None:
    """What the capabilities lack raises `NotSupported`, and nothing is sent."""
    stage = case.make()
    provider, capabilities = stage.provider, stage.provider.capabilities
    order = order_of(case)
    missing: dict[str, Exchange[Result] | Exchange[Standing]] = {}
    for operation in set(Operation) - capabilities.operations:
        modification = Paid.of(order, "reference").modify(2, case.amount)
        missing[operation] = modify(provider, operation, modification)
    if not capabilities.can_be_asked:
        missing["status"] = provider.status(Paid.of(order, None).ask)
    for currency in DIGITS.keys() - capabilities.currencies:
        amount = Money(case.amount.minor, currency)
        missing[f"authorise in {currency}"] = provider.authorise(
            replace(order, amount=amount, lines=())
        )
    for name, operation_run in missing.items():
        wire = Wire(stage.handler)
        try:
            exchange(operation_run, wire)
        except NotSupported:
            is_refused = not wire.requests
        else:
            is_refused = False
        expect(
            is_refused,
            f"{name} is not among the capabilities: raise NotSupported before any request "
            "(Capabilities.require does it)",
        )


def an_authorisation_shows_in_the_standing(case: AdapterCase) -> None:
    """After an authorisation, status says authorised and the whole amount."""
    stage = case.make()
    paid, whole = pay(case, stage), case.amount.minor
    taken = 0 if offers(stage, Operation.CAPTURE) else whole  # no capture: authorising sells
    stands(stage, paid, "after an authorisation", authorised=whole, captured=taken)
    if stage.provider.capabilities.can_be_asked:
        standing = exchange(stage.provider.status(paid.ask), stage.handler)
        expect(
            standing.word is Word.AUTHORISED,
            f"after an authorisation status must say authorised, not {standing.word}",
        )
        by_our_name_only = replace(paid.ask, provider_reference=None)
        found = exchange(stage.provider.status(by_our_name_only), stage.handler)
        expect(
            found == standing
            or not (stage.provider.capabilities.finds_by_ours or found.authorised.minor),
            "status must find a payment by our merchant reference alone: after a lost answer there "
            "is no provider reference; declare finds_by_ours=False if there is no such look-up",
        )


def a_customer_who_has_not_decided_is_waited_for(case: AdapterCase) -> None:
    """Until the customer has decided, status says pending and nothing is authorised."""
    stage = case.make()
    order = order_of(case)
    result = exchange(stage.provider.authorise(order), stage.handler)
    if result.outcome is not Outcome.PENDING or not stage.provider.capabilities.can_be_asked:
        return
    paid = Paid.of(order, result.provider_reference)
    standing = exchange(stage.provider.status(paid.ask), stage.handler)
    expect(
        standing.word is Word.PENDING and standing.action in {None, result.action},
        f"while the customer decides, status must say pending with the same action or none, not "
        f"{standing.word} with {standing.action}",
    )
    stands(stage, paid, "while the customer decides")


def a_no_is_declined(case: AdapterCase) -> None:
    """A "no" of the issuer or the customer is an outcome, and leaves nothing reserved."""
    stage = case.make()
    if stage.customer is None:
        if stage.decline_next is None:
            raise AssertionError("fill in Stage.decline_next or Stage.customer: people do say no")
        stage.decline_next()
    order = order_of(case)
    result = exchange(stage.provider.authorise(order), stage.handler)
    paid = Paid.of(order, result.provider_reference)
    if result.outcome is Outcome.PENDING and stage.customer is not None:
        stage.customer(result.action, False)  # noqa: FBT003 - an author's callable: yes or no
        if not stage.provider.capabilities.can_be_asked:
            return
        standing = exchange(stage.provider.status(paid.ask), stage.handler)
        expect(
            standing.word in {Word.DECLINED, Word.VOIDED, Word.EXPIRED},
            f"after the customer's no, status must say declined, not {standing.word}",
        )
    else:
        expect(
            result.outcome is Outcome.DECLINED,
            f"a no must be declined (not refused, not unknown); it is {result.outcome}",
        )
    stands(stage, paid, "after a no")


def captures_add_up(case: AdapterCase) -> None:
    """Captures, in parts where that is offered, show in the aggregates; too much is not taken."""
    stage = case.make()
    if not offers(stage, Operation.CAPTURE):
        return
    paid, whole = pay(case, stage), case.amount
    captures = stage.provider.capabilities.captures
    part = whole if captures == "whole" else part_of(case)
    done(stage, Operation.CAPTURE, paid, 2, part)
    now = {"authorised": whole.minor, "captured": part.minor}
    if captures == "once":
        now["voided"] = whole.minor - part.minor
    stands(stage, paid, f"after {part}", **now)
    too_much = exchange(stage.provider.capture(paid.modify(3, whole)), stage.handler)
    expect(
        too_much.outcome in _no(stage),
        f"capturing {whole} after {part} of {whole} must be refused; it is {too_much.outcome}",
    )
    if stage.settle is not None:
        stage.settle()
    stands(stage, paid, "after too much", **now)
    if captures == "many":
        authorised = whole.minor
        done(stage, Operation.CAPTURE, paid, 4, whole - part)
        stands(stage, paid, "after the rest", authorised=authorised, captured=authorised)


def refunds_add_up(case: AdapterCase) -> None:
    """Refunds, in parts where that is offered, show in the aggregates; too much is not given."""
    stage = case.make()
    if not offers(stage, Operation.REFUND):
        return
    paid, whole = captured(case, stage), case.amount
    both = {"authorised": whole.minor, "captured": whole.minor}
    part = part_of(case) if stage.provider.capabilities.partial_refund else whole
    done(stage, Operation.REFUND, paid, 3, part)
    stands(stage, paid, f"after a refund of {part}", **both, refunded=part.minor)
    too_much = exchange(stage.provider.refund(paid.modify(4, whole)), stage.handler)
    expect(
        too_much.outcome in _no(stage),
        f"refunding {whole} after {part} of {whole} must be refused; it is {too_much.outcome}",
    )
    if stage.settle is not None:
        stage.settle()
    if part < whole:
        done(stage, Operation.REFUND, paid, 5, whole - part)
    stands(stage, paid, "after refunding it all", **both, refunded=whole.minor)


def _no(stage: Stage) -> set[Outcome]:
    """How a "no" may end: a service that only takes things in says it later."""
    said = {Outcome.REFUSED, Outcome.DECLINED}
    return said if stage.settle is None else {*said, Outcome.PENDING}


def a_void_releases_what_is_not_captured(case: AdapterCase) -> None:
    """A void releases the whole, or after a part capture the rest."""
    stage = case.make()
    if not offers(stage, Operation.VOID):
        return
    whole = case.amount
    if not offers(stage, Operation.CAPTURE):
        _closes_what_waits(case, stage)
        return
    paid = pay(case, stage)
    done(stage, Operation.VOID, paid, 3, whole)
    stands(stage, paid, "after a void", authorised=whole.minor, voided=whole.minor)
    if stage.provider.capabilities.captures != "many":
        return
    stage, part = case.make(), part_of(case)
    paid = pay(case, stage)
    done(stage, Operation.CAPTURE, paid, 2, part)
    done(stage, Operation.VOID, paid, 3, whole - part)
    stands(
        stage,
        paid,
        "after a part capture and a void",
        authorised=whole.minor,
        captured=part.minor,
        voided=whole.minor - part.minor,
    )


def _closes_what_waits(case: AdapterCase, stage: Stage) -> None:
    """Where the money is taken at once, a void ends a payment that the customer has not made."""
    order = order_of(case)
    result = exchange(stage.provider.authorise(order), stage.handler)
    paid = Paid.of(order, result.provider_reference)
    done(stage, Operation.VOID, paid, 3, case.amount)
    if stage.provider.capabilities.can_be_asked:
        standing = exchange(stage.provider.status(paid.ask), stage.handler)
        expect(
            standing.word in {Word.VOIDED, Word.DECLINED, Word.EXPIRED},
            f"after a void while the customer decides, status must say voided, not {standing.word}",
        )


def the_same_key_does_it_once(case: AdapterCase) -> None:
    """Where ``repeat_s`` promises it, a repeat gets the first answer and moves nothing."""
    capabilities = case.make().provider.capabilities
    repeatable = {item for item in Operation if capabilities.repeats_for(item)}
    if not capabilities.finds_by_ours:
        repeatable.discard(Operation.AUTHORISE)  # another page, of which the customer sees only one
    on_mandates = {"agree", "charge"} if Operation.AUTHORISE in repeatable else set()
    for name, prepare in calls_of(case).items():
        if name not in {*repeatable, "status", "mandate"} | on_mandates:
            continue
        call = prepare()
        first, second = (_gist(run(call, call.stage.handler, name)) for _ in range(2))
        if isinstance(first[-1], OpenApp | ShowQr) and second[-1] is None:
            second = first  # a token that is told once only
        expect(
            first == second,
            f"{name}: a repeat under the same key must give the first answer, not {second} after "
            f"{first}: send the order's key, or declare repeat_s=0",
        )
    stage = case.make()
    paid, whole = captured(case, stage), case.amount.minor
    if Operation.AUTHORISE in repeatable:
        exchange(stage.provider.authorise(paid.order), stage.handler)
    expected = {"authorised": whole, "captured": whole}
    if {Operation.REFUND} <= repeatable & capabilities.operations and capabilities.partial_refund:
        for _ in range(2):
            done(stage, Operation.REFUND, paid, 3, part_of(case))
        expected["refunded"] = part_of(case).minor
    stands(stage, paid, "after every order was sent twice", **expected)


def _gist(came: Came) -> tuple[object, ...]:
    """What must be the same the second time."""
    match came:
        case Result():
            return came.outcome, came.provider_reference, came.action
        case Mandate():
            return came.word, came.token
        case Standing():
            return came.word, came.authorised, came.captured, came.refunded, came.voided
        case _:
            return (type(came).__name__,)


def another_key_does_it_again(case: AdapterCase) -> None:
    """Two captures or refunds of one amount are two, if their keys differ."""
    capabilities = case.make().provider.capabilities
    part = part_of(case)
    for operation, is_offered, total in (
        (Operation.CAPTURE, capabilities.captures == "many", "captured"),
        (Operation.REFUND, capabilities.partial_refund, "refunded"),
    ):
        stage = case.make()
        if not (is_offered and offers(stage, operation)):
            continue
        expected = {"authorised": case.amount.minor}
        if operation is Operation.REFUND:
            paid = captured(case, stage)
            expected["captured"] = case.amount.minor
        else:
            paid = pay(case, stage)
        for number in (5, 6):
            done(stage, operation, paid, number, part)
        expected[total] = 2 * part.minor
        stands(stage, paid, f"after two {operation}s under two keys", **expected)


def a_stranger_is_not_found(case: AdapterCase) -> None:
    """A payment that the provider never heard of is ``not_found``, and no error."""
    stage = case.make()
    if not stage.provider.capabilities.can_be_asked:
        return
    ask = Ask("strangerstrangerstra", None, case.amount, case.method, at=NOW)
    standing = exchange(stage.provider.status(ask), stage.handler)
    expect(
        standing.word is Word.NOT_FOUND,
        f"status of an unknown reference must say not_found, not {standing.word}",
    )
