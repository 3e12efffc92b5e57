"""Checks that later payments are taken only on a mandate that the customer has given."""

from __future__ import annotations

from dataclasses import replace

from checkoutflow.payment.outcomes import MandateWord, Operation, Outcome
from checkoutflow.providers.contract import MandateAsk
from checkoutflow.testing.adapters.case import (
    NOW,
    AdapterCase,
    Paid,
    agree,
    done,
    exchange,
    expect,
    key_of,
    mandates_of,
    offers,
    stands,
)


def a_mandate_is_given_by_the_customer_only(case: AdapterCase) -> None:
    """Before the customer has said yes, and after a no, there is no token to charge with."""
    if case.make().provider.capabilities.mandates is None:
        return
    stage = case.make()
    given = agree(case, stage)
    found = exchange(mandates_of(stage).mandate(given.ask), stage.handler)
    expect(
        found.word is MandateWord.ACTIVE and found.token is not None,
        f"after the customer's yes, mandate must say active and give the token, not {found.word}",
    )
    stage = case.make()
    denied = agree(case, stage, approve=False)
    found = exchange(mandates_of(stage).mandate(denied.ask), stage.handler)
    expect(
        found.word in {MandateWord.DECLINED, MandateWord.ENDED} and found.token is None,
        f"after the customer's no, mandate must say declined, not {found.word}",
    )


def a_mandate_that_is_not_given_yet_is_waited_for(case: AdapterCase) -> None:
    """Until the customer has decided, mandate says pending, and a stranger's is not found."""
    if case.make().provider.capabilities.mandates is None:
        return
    stage = case.make()
    given = agree(case, stage)
    other = replace(given.order, key=key_of(21), merchant_reference="w" * 20)
    waiting = replace(
        given, order=other, result=exchange(mandates_of(stage).agree(other), stage.handler)
    )
    found = exchange(mandates_of(stage).mandate(replace(waiting, token=None).ask), stage.handler)
    expect(
        found.word is MandateWord.PENDING and found.token is None,
        f"while the customer decides, mandate must say pending, not {found.word}",
    )
    stranger = MandateAsk("strangerstrangerstra", None, given.order.method, at=NOW)
    found = exchange(mandates_of(stage).mandate(stranger), stage.handler)
    expect(
        found.word in {MandateWord.NOT_FOUND, MandateWord.UNCLEAR} and found.token is None,
        f"mandate of an unknown reference must say not_found or unclear, not {found.word}",
    )


def a_charge_is_a_payment_like_any_other(case: AdapterCase) -> None:
    """What is charged on a mandate shows in status, and can be captured and given back."""
    if case.make().provider.capabilities.mandates is None:
        return
    stage = case.make()
    order = agree(case, stage).charge(case, 1)
    result = exchange(mandates_of(stage).charge(order), stage.handler)
    expect(
        result.outcome in {Outcome.SUCCEEDED, Outcome.PENDING},
        f"a charge on a mandate must end as succeeded or pending; it is {result.outcome}",
    )
    if stage.settle is not None:
        stage.settle()
    paid = Paid.charged(order, result)
    if not stage.provider.capabilities.can_be_asked:
        return
    standing = exchange(stage.provider.status(paid.ask), stage.handler)
    whole = case.amount
    expect(
        standing.authorised == whole and standing.captured in {whole, whole - whole},
        f"after a charge of {whole}, status must say it is authorised; it says {standing}",
    )
    paid.take_in(standing)
    if standing.captured.is_zero:
        done(stage, Operation.CAPTURE, paid, 2, whole)
    if offers(stage, Operation.REFUND):
        done(stage, Operation.REFUND, paid, 3, whole)
        both = {"authorised": whole.minor, "captured": whole.minor}
        stands(stage, paid, "after a charge was given back", **both, refunded=whole.minor)


def an_ended_mandate_takes_nothing(case: AdapterCase) -> None:
    """After its end nothing is charged on a mandate any more."""
    terms = case.make().provider.capabilities.mandates
    if terms is None or not terms.can_be_ended:
        return
    stage = case.make()
    given = agree(case, stage)
    ended = exchange(
        mandates_of(stage).end_mandate(replace(given.ask, key=key_of(30))), stage.handler
    )
    expect(
        ended.outcome is Outcome.SUCCEEDED,
        f"end_mandate must end as succeeded; it is {ended.outcome}",
    )
    found = exchange(mandates_of(stage).mandate(given.ask), stage.handler)
    expect(
        found.word in {MandateWord.ENDED, MandateWord.NOT_FOUND} and found.token is None,
        f"after its end, mandate must say ended, not {found.word}",
    )
    result = exchange(mandates_of(stage).charge(given.charge(case, 1)), stage.handler)
    expect(
        result.outcome in {Outcome.REFUSED, Outcome.DECLINED},
        f"a charge on an ended mandate must be refused or declined; it is {result.outcome}",
    )
