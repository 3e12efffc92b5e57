"""Checks of what goes over the wire: requests that repeat, and answers that cannot be trusted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote

import httpx

from checkoutflow.errors import ProviderError, UsageError
from checkoutflow.money import Money
from checkoutflow.payment.outcomes import Operation
from checkoutflow.providers.contract import Ask, Consult
from checkoutflow.testing.adapters.case import (
    NOW,
    AdapterCase,
    Paid,
    Stage,
    exchange,
    expect,
    modify,
    order_of,
)
from checkoutflow.testing.adapters.faults import (
    Broken,
    Verdict,
    about_something_else,
    at,
    blank,
    broken,
    unknown_words,
)
from checkoutflow.testing.adapters.runs import Call, Wire, bytes_of, calls_of, judge, run, try_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checkoutflow.payment.outcomes import Result
    from checkoutflow.providers.contract import Exchange


def the_same_order_gives_the_same_bytes(case: AdapterCase) -> None:
    """A repeat is a repeat: the same address, headers and body."""
    for name, prepare in calls_of(case).items():
        call = prepare()
        runs = []
        for _ in range(3):
            wire = Wire(call.stage.handler)
            run(call, wire, name)
            runs.append([bytes_of(request) for request in wire.requests])
        expect(
            # The first may fetch what the adapter keeps from then on: a token.
            runs[1] == runs[2],
            f"{name}: the same order must give the same requests; leave out counters, clocks and "
            "random values, and sort what has no order",
        )


def operations_share_nothing(case: AdapterCase) -> None:
    """One adapter serves many checkouts at once: what one operation learns stays in it."""
    stage, alone = case.make(), case.make()
    first, second = order_of(case, 1), order_of(case, 2)
    waiting = stage.provider.authorise(first)
    request = next(waiting)  # the first is under way when the second comes
    try:
        other = exchange(stage.provider.authorise(second), stage.handler)
        result = exchange(_resumed(waiting, request), stage.handler)
    except ProviderError as error:
        raise AssertionError(f"two operations at once: {error}; {_SHARED}") from error
    for order, mixed in ((first, result), (second, other)):
        expected = exchange(alone.provider.authorise(order), alone.handler)
        expect(mixed.outcome is expected.outcome, f"two at once do not end as alone: {_SHARED}")
    expect(
        result.provider_reference is None or result.provider_reference != other.provider_reference,
        f"two payments at once got one provider reference: {_SHARED}",
    )


_SHARED: Final = "keep what an operation learns in its own variables, not on the adapter"


def _resumed(operation: Exchange[Result], request: httpx.Request) -> Exchange[Result]:
    """An operation that has given its first request already."""
    while True:
        response = yield request
        try:
            request = operation.send(response)
        except StopIteration as stop:
            result: Result = stop.value
            return result


def a_lost_answer_stays_lost(case: AdapterCase) -> None:
    """When no answer comes, `TransportError` goes through the adapter, or it says unknown."""

    def lose(_request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("lost by the check")

    for name, prepare in calls_of(case).items():
        outcome = run(prepare(), lose, f"{name} without an answer")
        judge(name, Broken("no answer", Verdict.OPEN, lambda good: good), outcome, is_last=True)


def broken_answers_are_never_success(case: AdapterCase) -> None:
    """Errors, web pages, cut, huge and malformed answers prove nothing, and break nothing."""
    try_all(case, lambda _name, _call, good, _is_last: broken(good))


def answers_about_something_else_are_never_believed(case: AdapterCase) -> None:
    """Another amount, currency or reference, or none where there was one, is no success."""
    try_all(
        case,
        lambda _name, call, good, _is_last: about_something_else(
            good, amount=call.amount, merchant_reference=call.merchant_reference
        ),
    )


def unknown_words_are_not_guessed(case: AdapterCase) -> None:
    """A word that the adapter does not know makes us ask again."""

    def variants(name: str, _call: Call, good: httpx.Response, is_last: bool) -> Iterator[Broken]:  # noqa: FBT001 - the signature of `try_all`
        if name in case.words and is_last:
            place = case.words[name]
            try:
                at(good.json(), place)
            except (ValueError, LookupError, TypeError):
                raise AssertionError(f"AdapterCase.words[{name!r}]: nothing is there") from None
            yield from unknown_words(place)

    unknown = case.words.keys() - {*Operation, "status"}
    expect(not unknown, f"AdapterCase.words has no operation called {', '.join(unknown)}")
    try_all(case, variants)


def references_stay_in_their_place(case: AdapterCase) -> None:
    """A reference in an address is quoted, so that it never becomes another address."""
    stage = case.make()
    for name in ("capture", "void", "refund", "status"):
        for which in ("merchant_reference", "provider_reference"):
            places = _places(case, stage, name, which, "plainplainplainplain")
            if not places:
                continue
            for reference in ("a/b", "a?b=c", "a#b", "a&b=c", "a%2Fb", "a b", "..", "a\r\nb"):
                seen = _places(case, stage, name, which, reference)
                expect(
                    seen is None or seen == places,
                    f"{name}: the {which} {reference!r} must stay one part of the address, or be "
                    "refused: build paths with checkoutflow.providers.http.path",
                )


def _places(
    case: AdapterCase, stage: Stage, name: str, which: str, reference: str
) -> list[object] | None:
    """Where a reference stands in the addresses of an operation; None if it is refused."""
    merchant, provider = "b" * 20, "c" * 20
    if which == "merchant_reference":
        merchant = reference
    else:
        provider = reference
    amount = Money(100, min(stage.provider.capabilities.currencies))
    wire = Wire(stage.handler)
    try:
        if name == "status":
            exchange(
                stage.provider.status(Ask(merchant, provider, amount, case.method, at=NOW)), wire
            )
        else:
            paid = Paid.of(order_of(case), provider)
            order = replace(
                paid.modify(9, amount), merchant_reference=merchant, provider_reference=provider
            )
            exchange(modify(stage.provider, Operation(name), order), wire)
    except (UsageError, ProviderError):
        if not wire.requests:
            return None
    except httpx.InvalidURL:
        return []
    found: list[object] = []
    for request in wire.requests:
        if isinstance(request, Consult):
            continue  # it has no address
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        parts = [unquote(part) for part in path.split("/")]
        values = [value for _, value in parse_qsl(query, keep_blank_values=True)]
        shape = (request.url.host, len(parts), len(values))
        found += [(shape, place) for place, text in enumerate(parts + values) if text == reference]
    return found


def credentials_never_show(case: AdapterCase) -> None:
    """No credential is in a repr, an address, a result or an error."""
    hidden = [*case.secrets, *([case.instrument.reveal()] if case.instrument else [])]
    texts: list[str] = []
    for name, prepare in calls_of(case).items():
        call = prepare()
        provider = call.stage.provider
        texts += [repr(provider), str(provider), repr(getattr(provider, "__dict__", ""))]
        wire = Wire(call.stage.handler)
        texts.append(repr(run(call, wire, name)))
        texts += [str(getattr(request, "url", request)) for request in wire.requests]
        for how in broken(blank(wire.responses[0])):
            again = prepare()
            texts.append(repr(run(again, Wire(again.stage.handler, 0, how), name)))
    for text in texts:
        expect(
            not any(secret in text for secret in hidden),
            "a credential shows in a repr, an address or an error: keep it in a Secret, send it in "
            "a header or the body, and reveal it only there",
        )
