"""The tables: complete, reachable, and each pair of a phase and a command has one answer."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from tests.heart import CART, DEAR, Sale, nok, standing

from checkoutflow.checkout import commands as c
from checkoutflow.checkout import events as e
from checkoutflow.checkout.evolve import _APPLY, evolve
from checkoutflow.checkout.machine import ALLOWED, CHECKOUT, ENDS, CommandName, Phase, PhaseStep
from checkoutflow.errors import IllegalTransition, OutcomeUnknown, UsageError
from checkoutflow.insurance import POLICY, PolicyState, PolicyStep
from checkoutflow.payment.machine import PAYMENT, PaymentState, PaymentStep
from checkoutflow.payment.outcomes import Evidence, Heard, Operation, Outcome, Result, Word
from checkoutflow.review import REVIEW, ReviewState, ReviewStep
from checkoutflow.table import advance, mermaid, reachable

MACHINES: list[tuple[str, Any, Any, Any]] = [
    ("checkout", CHECKOUT, Phase.COLLECTING, PhaseStep),
    ("payment", PAYMENT, PaymentState.INITIATED, PaymentStep),
    ("review", REVIEW, ReviewState.OPEN, ReviewStep),
    ("policy", POLICY, PolicyState.OFFERED, PolicyStep),
]


@pytest.mark.parametrize(("name", "table", "start", "steps"), MACHINES, ids=str)
def test_every_state_has_a_row_and_a_way_to_it_and_every_step_is_used(name, table, start, steps):
    states: Any = type(start)
    assert set(table) == set(states), name
    assert reachable(table, start) == set(states)
    assert {step for row in table.values() for step in row} == set(steps)


def test_the_ends_are_ends():
    assert set(ENDS) == {Phase.FULFILLED, Phase.CANCELLED, Phase.REJECTED, Phase.EXPIRED}


def test_a_step_the_table_lacks_is_refused_by_name():
    with pytest.raises(IllegalTransition, match="placed cannot happen while the checkout is held"):
        advance("checkout", CHECKOUT, Phase.HELD, PhaseStep.PLACED)


def test_a_diagram_shows_every_step():
    drawn = mermaid(CHECKOUT, Phase.COLLECTING)
    for state, row in CHECKOUT.items():
        for step, target in row.items():
            assert f"{state} --> {target}: {step}" in drawn


def test_every_event_is_understood_and_every_command_has_a_name():
    assert set(_APPLY) == set(get_args(e.Event)) - {e.Started}
    assert {command.name for command in get_args(c.Command)} == set(CommandName)
    assert set(ALLOWED) == set(Phase)


def test_nothing_happens_to_a_checkout_that_did_not_start_and_it_starts_once():
    with pytest.raises(IllegalTransition, match="not started"):
        evolve(None, e.Confirmed())
    sale = Sale()
    with pytest.raises(IllegalTransition, match="started cannot happen"):
        evolve(sale.state, sale.events[0])


def _held() -> Sale:
    return Sale(DEAR).confirmed()


def _fulfilled() -> Sale:
    return Sale().confirmed().do(c.Ship()).succeed()


IN_PHASE = {
    Phase.COLLECTING: Sale,
    Phase.PLACING: lambda: Sale().placed(),
    Phase.HELD: _held,
    Phase.CONFIRMED: lambda: Sale().confirmed(),
    Phase.FULFILLED: _fulfilled,
    Phase.CANCELLED: lambda: Sale().do(c.Cancel()),
    Phase.REJECTED: lambda: _held().do(c.Reject(reviewer="r7")),
    Phase.EXPIRED: lambda: Sale().wait(days=2).do(c.PassTime()),
}


def _a(name: CommandName, sale: Sale) -> c.Command:
    """A command of this name, as fitting as it can be."""
    payment = sale.state.payments[-1].id if sale.state.payments else "none"
    commands: dict[CommandName, c.Command] = {
        CommandName.CHANGE_CART: c.ChangeCart(cart=CART),
        CommandName.PROVIDE: c.Provide(fields=("email",)),
        CommandName.RECOGNISE: c.AskCode(person="one", challenge="once", by="email"),
        CommandName.VERIFY: c.Verify(by="login"),
        CommandName.CONSENT: c.GiveConsent(consents={"profile": True}, locale="nb_NO"),
        CommandName.CHOOSE_DELIVERY: c.ChooseDelivery(delivery="parcel"),
        CommandName.CHOOSE_PAYMENT: c.ChoosePayment(method="card"),
        CommandName.ADD_CREDIT: c.AddCredit(method="store_credit", amount=nok(1)),
        CommandName.REMOVE_CREDIT: c.RemoveCredit(method="store_credit"),
        CommandName.ANSWER_INSURANCE: c.AnswerInsurance(covers={"sofa": False}),
        CommandName.QUOTE_INSURANCE: c.TakeQuotes(quotes=()),
        CommandName.CANCEL_COVER: c.CancelCover(cover="sofa"),
        CommandName.REPLACE: c.Replace(lines={"mug": 1}),
        CommandName.PLACE: c.Place(accepted_total=sale.state.total, payments=("p",)),
        CommandName.CLAIM: c.Claim(reviewer="r7"),
        CommandName.RELEASE: c.Release(reviewer="r7"),
        CommandName.HAND_OVER: c.HandOver(reviewer="r7", to="r8"),
        CommandName.NOTE: c.Note(reviewer="r7"),
        CommandName.ASK: c.AskCustomer(reviewer="r7", what="contact"),
        CommandName.ANSWER: c.AnswerReviewer(),
        CommandName.APPROVE: c.Approve(reviewer="r7"),
        CommandName.REJECT: c.Reject(reviewer="r7"),
        CommandName.SHIP: c.Ship(),
        CommandName.CAPTURE_AGAIN: c.CaptureAgain(shipment="s1"),
        CommandName.RECORD_PAYMENT: c.RecordPayment(
            invoice=1001, amount=nok(1), received_on=sale.now.date()
        ),
        CommandName.REFUND: c.Refund(amount=nok(1)),
        CommandName.RECORD_CHARGEBACK: c.RecordChargeback(amount=nok(1)),
        CommandName.RESOLVE: c.Resolve(
            attempt=f"{payment}-1", is_done=True, seen_in=Evidence.PORTAL, by=("anne",)
        ),
        CommandName.ASSESS: c.Assess(signals={"cards": 2}),
        CommandName.CHOOSE_AGAIN: c.ChooseAgain(),
        CommandName.CANCEL: c.Cancel(),
        CommandName.RECORD_RESULT: c.RecordResult(
            attempt=f"{payment}-1", result=Result(outcome=Outcome.UNKNOWN)
        ),
        CommandName.TAKE_STANDING: c.TakeStanding(payment=payment, standing=None),
        CommandName.HEAR: c.Hear(
            payment=payment, heard=Heard(operation=Operation.REFUND, outcome=Outcome.DECLINED)
        ),
        CommandName.TAKE_PROFILE: c.TakeProfile(payment=payment, is_told=False),
        CommandName.PASS_TIME: c.PassTime(),
    }
    return commands[name]


@pytest.mark.parametrize("name", CommandName)
@pytest.mark.parametrize("phase", Phase)
def test_every_pair_of_phase_and_command(phase, name):
    sale = IN_PHASE[phase]()
    assert sale.state.phase is phase
    before = sale.state
    if name in ALLOWED[phase]:
        try:
            sale.do(_a(name, sale))
        except IllegalTransition:
            raise
        except (UsageError, OutcomeUnknown):
            assert sale.state == before  # it fits the phase, but not with this content
    else:
        with pytest.raises(IllegalTransition, match=f"{name} cannot happen while the checkout"):
            sale.do(_a(name, sale))
        assert sale.state == before


def test_an_illegal_step_of_a_provider_is_a_contradiction_and_not_an_error_of_the_caller():
    sale = Sale().confirmed()
    sale.do(c.Cancel()).succeed()  # voided
    sale.look(standing(Word.AUTHORISED, 549, captured=549))
    assert sale.happened[0] == "contradicted"
    assert sale.state.attention[0].reason == "contradiction"


def test_every_operation_has_a_name_that_stays():
    assert [str(item) for item in Operation] == ["authorise", "capture", "void", "refund"]
