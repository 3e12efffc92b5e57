"""What the adapters' tests have in common: orders, prepared answers, and answers of any kind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from hypothesis import strategies as st

from checkoutflow.errors import Contradiction
from checkoutflow.money import Money
from checkoutflow.providers.contract import Authorise, OrderLine
from checkoutflow.testing.adapters import ADAPTER_CHECKS, exchange
from checkoutflow.testing.adapters.answers import broken_answers_are_never_success

if TYPE_CHECKING:
    from collections.abc import Iterable

    from checkoutflow.testing.standins.base import StandIn

REFERENCE: Final = "a" * 20

# The contract of an adapter. Broken answers are thousands of sales that go the same ways.
CHECKS: Final = [
    pytest.param(
        check,
        id=check.__name__,
        marks=[pytest.mark.repeats] if check is broken_answers_are_never_success else [],
    )
    for check in ADAPTER_CHECKS
]


def line(minor=10000, quantity=1, basis=2500, kind="goods", name="Kaffekværn", line_id="mill"):
    vat = Money(minor * basis // (10_000 + basis), "DKK")
    return OrderLine(line_id, name, quantity, Money(minor, "DKK"), basis, vat, kind)


def order(minor=10000, currency="DKK", **facts):
    facts = {
        "key": f"{REFERENCE}-1",
        "merchant_reference": REFERENCE,
        "method": "card",
        "amount": Money(minor, currency),
        "return_url": "https://shop.example/return",
        "locale": "da_DK",
        "market": "DK",
        "customer": "consumer",
        **facts,
    }
    return Authorise(**facts)


def answer(status: int, body: Any = None, **headers: str) -> httpx.Response:
    content = {} if body is None else {"json": body}
    return httpx.Response(status, headers=headers, **content)


def talk(operation, *answers):
    """Run an operation against prepared answers: what comes of it, and what was sent."""
    sent: list[httpx.Request] = []
    left = list(answers)

    def handler(request):
        sent.append(request)
        return left.pop(0)

    return exchange(operation, handler), sent


def outcome_of(operation, handler):
    """What comes of an operation; nothing if what they answered cannot be."""
    try:
        return exchange(operation, handler)
    except Contradiction:
        return None


def decides_on_page(account: StandIn):
    """A customer who says yes or no on the page that they are sent to."""

    def customer(action, approve):
        form = {"decision": "approve" if approve else "decline"}
        account.handle(httpx.Request("POST", action.url, data=form))

    return customer


def json_values(keys: Iterable[str] = (), words: Iterable[Any] = ()) -> st.SearchStrategy[Any]:
    """Anything that JSON can say; what the provider itself says comes up often."""
    plain: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers()
    plain |= st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
    names = st.text(max_size=12)
    if words:
        plain |= st.sampled_from(list(words))
    if keys:
        names |= st.sampled_from(list(keys))
    return st.recursive(
        plain,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=6),
        max_leaves=12,
    )


JSON: Final = json_values()


def bodies(values: st.SearchStrategy[Any] = JSON) -> st.SearchStrategy[bytes]:
    """Anything that may arrive: mostly JSON."""
    return values.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=200)


def always(status: int, body: bytes):
    """A service that says the same to everything."""
    return lambda _request: httpx.Response(status, content=body)
