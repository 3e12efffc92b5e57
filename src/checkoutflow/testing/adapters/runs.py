"""Running every operation of an adapter, well and with broken answers."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from checkoutflow.errors import ProviderError, TransportError
from checkoutflow.payment.outcomes import (
    Mandate,
    MandateWord,
    Operation,
    Outcome,
    Result,
    Standing,
    Word,
)
from checkoutflow.providers.contract import Consult
from checkoutflow.testing.adapters.case import (
    AdapterCase,
    Stage,
    agree,
    agreement_of,
    captured,
    exchange,
    expect,
    key_of,
    mandates_of,
    modify,
    offers,
    order_of,
    part_of,
    pay,
)
from checkoutflow.testing.adapters.faults import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from checkoutflow.money import Money
    from checkoutflow.providers.contract import Exchange
    from checkoutflow.testing.adapters.case import Handler
    from checkoutflow.testing.adapters.faults import Broken

# What may come of an operation, in the contract's words.
Came: TypeAlias = "Result | Standing | Mandate | ProviderError | TransportError"

_MANY_REQUESTS: Final = 10


class Wire:
    """A handler that keeps what goes through it, and can break the answers to one request.

    Args:
        handler: The fake service.
        break_at: Which request's answer to break, from 0; a second try at the same address meets
            the same.
        how: How to break it.
    """

    def __init__(self, handler: Handler, break_at: int = 0, how: Broken | None = None) -> None:
        """Begin with nothing sent."""
        self.requests: list[httpx.Request] = []
        self.responses: list[httpx.Response] = []
        self._handler = handler
        self._break_at = break_at
        self._how = how

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Let one request through."""
        expect(
            len(self.requests) < _MANY_REQUESTS,
            f"an operation sends more than {_MANY_REQUESTS} requests: leave repeating to the flow",
        )
        self.requests.append(request)
        response = self._handler(request)
        how, is_reached = self._how, len(self.requests) > self._break_at
        if how and is_reached and _place(request) == _place(self.requests[self._break_at]):
            response = how.change(response)
        self.responses.append(response)
        return response


def _place(asked: httpx.Request | Consult) -> object:
    """Where something goes."""
    return asked.name if isinstance(asked, Consult) else asked.url.raw_path


def bytes_of(asked: httpx.Request | Consult) -> object:
    """Everything that a request puts on the wire; a call of the shop's own is what it is."""
    if isinstance(asked, Consult):
        return asked
    return asked.method, str(asked.url), asked.headers.raw, asked.read()


class Call(NamedTuple):
    """One operation on a new stage that is ready for it; it can be started more than once.

    Attributes:
        amount: What it is about.
        merchant_reference: Which payment it is about.
    """

    stage: Stage
    start: Callable[[], Exchange[Result | Standing | Mandate]]
    amount: Money
    merchant_reference: str


def calls_of(case: AdapterCase) -> dict[str, Callable[[], Call]]:
    """Every operation that is offered, by name."""

    def authorise() -> Call:
        stage, order = case.make(), order_of(case)
        start = lambda: stage.provider.authorise(order)  # noqa: E731 - as for the other operations
        return Call(stage, start, case.amount, order.merchant_reference)

    def status() -> Call:
        stage = case.make()
        paid = pay(case, stage)
        start = lambda: stage.provider.status(paid.ask)  # noqa: E731 - as for the other operations
        return Call(stage, start, case.amount, paid.order.merchant_reference)

    def modification(operation: Operation, amount: Money) -> Callable[[], Call]:
        def prepare() -> Call:
            stage = case.make()
            paid = captured(case, stage) if operation is Operation.REFUND else pay(case, stage)
            order = paid.modify(3, amount)
            start = lambda: modify(stage.provider, operation, order)  # noqa: E731 - as above
            return Call(stage, start, amount, order.merchant_reference)

        return prepare

    stage = case.make()
    capabilities = stage.provider.capabilities
    calls = {"authorise": authorise}
    if capabilities.can_be_asked:
        calls["status"] = status
    for operation, is_partial in (
        (Operation.CAPTURE, capabilities.captures != "whole"),
        (Operation.VOID, False),
        (Operation.REFUND, capabilities.partial_refund),
    ):
        if offers(stage, operation):
            amount = part_of(case) if is_partial else case.amount
            calls[operation] = modification(operation, amount)
    return calls | (_mandate_calls(case) if capabilities.mandates else {})


def _mandate_calls(case: AdapterCase) -> dict[str, Callable[[], Call]]:
    """Every operation on mandates."""

    def asks() -> Call:
        stage, order = case.make(), agreement_of(case)
        start = lambda: mandates_of(stage).agree(order)  # noqa: E731 - as for payments
        return Call(stage, start, order.maximum, order.merchant_reference)

    def looks() -> Call:
        stage = case.make()
        ask = agree(case, stage).ask
        start = lambda: mandates_of(stage).mandate(ask)  # noqa: E731 - as for payments
        return Call(stage, start, case.amount, ask.merchant_reference)

    def charges() -> Call:
        stage = case.make()
        order = agree(case, stage).charge(case, 1)
        start = lambda: mandates_of(stage).charge(order)  # noqa: E731 - as for payments
        return Call(stage, start, order.amount, order.merchant_reference)

    def ends() -> Call:
        stage = case.make()
        ask = replace(agree(case, stage).ask, key=key_of(30))
        start = lambda: mandates_of(stage).end_mandate(ask)  # noqa: E731 - as for payments
        return Call(stage, start, case.amount, ask.merchant_reference)

    calls = {"agree": asks, "mandate": looks, "charge": charges}
    terms = case.make().provider.capabilities.mandates
    return calls | ({"end_mandate": ends} if terms and terms.can_be_ended else {})


def run(call: Call, handler: Handler, how: str) -> Came:
    """Run one operation.

    Raises:
        AssertionError: If anything comes out that the contract does not name.
    """
    try:
        return exchange(call.start(), handler)
    except (ProviderError, TransportError) as error:
        return error
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(
            f"{how}: {type(error).__name__} comes out of the adapter ({error}); read answers with "
            "a match that falls through to unknown, and turn Unreadable into unknown"
        ) from error


def judge(call: str, how: Broken, came: Came, *, is_last: bool) -> None:
    """Hold what came of a broken answer against what may come of it.

    Args:
        call: Name of the operation.
        how: How the answer was broken.
        came: What came of it.
        is_last: Whether the operation's last answer was broken. Before it nothing was asked of the
            provider yet, so ``refused`` is true as well.
    """
    if how.verdict is Verdict.TYPED:
        return
    allowed = {Outcome.UNKNOWN, Outcome.PENDING}
    if how.verdict is Verdict.NOT_DONE or not is_last:
        allowed.add(Outcome.REFUSED)
    match came:
        case Result(outcome=outcome):
            is_fine, seen = outcome in allowed, str(outcome)
        case Standing(word=word, authorised=a, captured=c, refunded=r, voided=v):
            is_fine = word in {Word.UNCLEAR, Word.PENDING} and a.is_zero and c.is_zero
            is_fine = is_fine and r.is_zero and v.is_zero
            seen = f"{word} with {a} authorised, {c} captured, {r} refunded and {v} voided"
        case Mandate(word=mandate_word, token=token):
            is_fine = mandate_word in {MandateWord.UNCLEAR, MandateWord.PENDING} and token is None
            seen = f"{mandate_word}{' with a token' if token else ''}"
        case _:
            return  # a Contradiction, or a TransportError: never success
    expect(
        is_fine,
        f"{call}, answered with {how.name}, must not be {seen}: only a complete answer that the "
        "adapter knows counts; anything else is unknown, pending or unclear",
    )


def try_all(
    case: AdapterCase, variants: Callable[[str, Call, httpx.Response, bool], Iterator[Broken]]
) -> None:
    """Break every answer of every operation, each time on a new stage.

    Args:
        case: The adapter.
        variants: The ways to break an answer, from the operation's name, the operation, the good
            answer, and whether it is the operation's last.

    Raises:
        AssertionError: If the adapter takes one for a success, lets an error out that the contract
            does not name, or sends the same request again by itself.
    """
    for name, prepare in calls_of(case).items():
        call = prepare()
        good = Wire(call.stage.handler)
        run(call, good, name)
        for step, response in enumerate(good.responses):
            is_last = step == len(good.responses) - 1
            for how in variants(name, call, response, is_last):
                again = prepare()
                wire = Wire(again.stage.handler, step, how)
                label = f"{name}, answered with {how.name}"
                judge(name, how, run(again, wire, label), is_last=is_last)
                sent = [bytes_of(request) for request in wire.requests[step:]]
                expect(
                    all(one != other for one, other in pairwise(sent)),
                    f"{label}, the adapter sends the same request again: leave that to the flow",
                )
