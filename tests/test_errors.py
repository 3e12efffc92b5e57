"""Errors: one tree, each with what to do next, and none that repeats what it was given."""

from __future__ import annotations

import pytest

from checkoutflow.cart import Cart
from checkoutflow.checkout import events as e
from checkoutflow.checkout.commands import Cancel, RecordResult
from checkoutflow.errors import CheckoutError, InvalidInput, Next

CANARY = "canary-4571-9999"


def every(base: type[CheckoutError]) -> set[type[CheckoutError]]:
    return {base}.union(*(every(kind) for kind in base.__subclasses__()))


def test_every_error_says_what_to_do_next_and_what_it_is():
    for kind in every(CheckoutError):
        assert isinstance(kind.next, Next)
        assert kind.__doc__
    assert {kind.next for kind in every(CheckoutError)} == set(Next)


@pytest.mark.parametrize(
    ("model", "data", "field"),
    [
        (Cancel, {"lines": {"mug": CANARY}}, "lines.mug"),
        (Cancel, {"lines": CANARY}, "lines"),
        (Cancel, CANARY, ""),
        (
            RecordResult,
            {"attempt": "a", "result": {"outcome": "pending", "action": {"kind": CANARY}}},
            "result.action",
        ),
        (e.Held, {"reasons": [], "deadline": CANARY}, "deadline"),
        (e.Confirmed, {"type": CANARY}, "type"),
    ],
)
def test_no_value_is_repeated(model, data, field):
    with pytest.raises(InvalidInput) as refused:
        model.read(data)
    assert refused.value.field == field
    assert CANARY not in f"{refused.value}{refused.value!r}{refused.value.problems}"
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_a_bad_cart_names_what_is_wrong_and_not_what_follows_from_it():
    line = {"sku": "", "name": "Mug", "quantity": 0, "unit_price": "1.00 DKK"}
    with pytest.raises(InvalidInput) as refused:
        Cart.read({"lines": [line]})
    assert [field for field, _ in refused.value.problems] == ["lines[0].sku", "lines[0].quantity"]
    with pytest.raises(InvalidInput, match="lines: must not be empty"):
        Cart.read({"lines": []})


def test_an_outer_path_comes_before_the_inner_one():
    with pytest.raises(InvalidInput) as refused:
        Cancel.read({"lines": {"mug": "x"}, "more": 1}, at="order")
    assert [field for field, _ in refused.value.problems] == ["order.lines.mug", "order.more"]
    with pytest.raises(InvalidInput) as refused:
        Cancel.read(3, at="order")
    assert refused.value.field == "order"
