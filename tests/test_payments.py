"""One payment, played as a ledger: what happened, where it leads, and what the books say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.heart import CART, START, Sale

from checkoutflow.checkout import events as e
from checkoutflow.checkout.evolve import evolve
from checkoutflow.errors import UsageError
from checkoutflow.money import Money
from checkoutflow.payment.books import POSTINGS, Account, Books, Posting
from checkoutflow.payment.outcomes import Operation, Outcome

if TYPE_CHECKING:
    from checkoutflow.checkout.state import Checkout

PAYMENT = "pay"


def _begun() -> Checkout:
    """A payment of 100.00 whose authorisation and later operations are under way."""
    state = Sale(CART).ready().state
    tender = {"payment": PAYMENT, "method": "card", "provider": "bank", "amount": "100.00 NOK"}
    total = state.total
    placed = e.Placed.read(
        {
            "accepted_total": total,
            "priced": state.priced,
            "tenders": [tender],
            "return_url": "",
            "expires_at": START,
        }
    )
    state = evolve(state, placed)
    state = evolve(state, e.PaymentStarted.read({"type": "payment_started", **tender}))
    for number, operation in enumerate(
        (Operation.AUTHORISE, Operation.CAPTURE, Operation.REFUND), start=1
    ):
        state = evolve(
            state,
            e.AttemptStarted(
                payment=PAYMENT,
                attempt=f"{PAYMENT}-{number}",
                operation=operation,
                amount=Money(10000, "NOK"),
                at=START,
                lease_until=START,
            ),
        )
    return state


def _event(name: str, minor: int) -> e.Event:
    amount = {"amount": Money(minor, "NOK")}
    kinds: dict[str, tuple[Any, dict[str, Any]]] = {
        "action_required": (
            e.AttemptPending,
            {
                "attempt": "pay-1",
                "action": {"kind": "redirect", "url": "https://bank.example/"},
                "look_at": START,
            },
        ),
        "unknown": (e.AttemptUnknown, {"attempt": "pay-1", "look_at": START}),
        "declined": (
            e.AttemptFailed,
            {"attempt": "pay-1", "outcome": Outcome.DECLINED, "reason": "insufficient_funds"},
        ),
        "authorised": (e.PaymentAuthorised, {"attempt": "pay-1", **amount}),
        "captured": (e.PaymentCaptured, amount),
        "voided": (e.PaymentVoided, amount),
        "expired": (e.PaymentExpired, amount),
        "refunded": (e.PaymentRefunded, amount),
        "capture_failed": (e.CaptureFailed, {"attempt": "pay-2", **amount}),
        "refund_failed": (e.RefundFailed, {"attempt": "pay-3", **amount}),
    }
    kind, more = kinds[name]
    event: e.Event = kind.model_validate({"payment": PAYMENT, **more})
    return event


def play(ledger: str) -> None:
    """Each row: event, amount, arrow, state, then authorised, captured, refunded, voided.

    A ``!`` instead of a state is a step that must be refused and change nothing.
    """
    state = _begun()
    for row in [line.split() for line in ledger.strip().splitlines()]:
        name, minor, _, target, *books = row
        amounts = tuple(int(item) for item in books)
        if target == "!":
            with pytest.raises(UsageError):
                evolve(state, _event(name, int(minor)))
        else:
            state = evolve(state, _event(name, int(minor)))
            assert state.payment(PAYMENT).state == target, row
        ours = state.payment(PAYMENT).books
        assert (ours.authorised, ours.captured, ours.refunded, ours.voided) == amounts, row


def test_a_plain_sale():
    play("""
        authorised      10000 -> authorised      10000     0     0     0
        captured        10000 -> captured        10000 10000     0     0
        captured            1 -> !               10000 10000     0     0
        voided              1 -> !               10000 10000     0     0
    """)


def test_a_redirect_that_ends_well_after_a_lost_answer():
    play("""
        unknown             0 -> unknown             0     0     0     0
        action_required     0 -> action_required     0     0     0     0
        captured          100 -> !                   0     0     0     0
        authorised      10000 -> authorised      10000     0     0     0
        authorised      10000 -> !               10000     0     0     0
    """)


def test_in_parts_and_the_rest_released():
    play("""
        authorised      10000 -> authorised      10000     0     0     0
        captured         4000 -> part_captured   10000  4000     0     0
        captured         7000 -> !               10000  4000     0     0
        captured         1000 -> part_captured   10000  5000     0     0
        voided           5000 -> captured        10000  5000     0  5000
        captured            1 -> !               10000  5000     0  5000
    """)


def test_a_part_released_leaves_the_rest_to_capture():
    play("""
        authorised      10000 -> authorised      10000     0     0     0
        voided           3000 -> authorised      10000     0     0  3000
        captured         5000 -> part_captured   10000  5000     0  3000
        voided           1000 -> part_captured   10000  5000     0  4000
        captured         1000 -> captured        10000  6000     0  4000
    """)


def test_refunds_up_to_what_was_captured():
    play("""
        authorised      10000 -> authorised      10000     0     0     0
        refunded            1 -> !               10000     0     0     0
        captured        10000 -> captured        10000 10000     0     0
        refunded         2500 -> part_refunded   10000 10000  2500     0
        refunded         8000 -> !               10000 10000  2500     0
        refunded         7500 -> refunded        10000 10000 10000     0
        refunded            1 -> !               10000 10000 10000     0
    """)


def test_a_refund_before_the_rest_is_captured():
    play("""
        authorised      10000 -> authorised      10000     0     0     0
        captured         4000 -> part_captured   10000  4000     0     0
        refunded         1000 -> part_captured   10000  4000  1000     0
        refunded         3000 -> part_captured   10000  4000  4000     0
        refund_failed    3000 -> part_captured   10000  4000  1000     0
        refund_failed    1000 -> part_captured   10000  4000     0     0
        captured         6000 -> captured        10000 10000     0     0
    """)


def test_a_capture_that_is_taken_back_can_be_tried_again():
    play("""
        authorised      10000 -> authorised      10000     0     0     0
        captured        10000 -> captured        10000 10000     0     0
        capture_failed   4000 -> part_captured   10000  6000     0     0
        capture_failed   6000 -> authorised      10000     0     0     0
        capture_failed      1 -> !               10000     0     0     0
        captured        10000 -> captured        10000 10000     0     0
    """)


def test_a_refund_that_is_taken_back():
    play("""
        authorised      10000 -> authorised      10000     0     0     0
        captured        10000 -> captured        10000 10000     0     0
        refunded        10000 -> refunded        10000 10000 10000     0
        refund_failed    2000 -> part_refunded   10000 10000  8000     0
        refund_failed    8000 -> captured        10000 10000     0     0
        refund_failed       1 -> !               10000 10000     0     0
    """)


def test_a_capture_cannot_be_taken_back_out_of_what_was_refunded():
    play("""
        authorised      10000 -> authorised      10000     0     0     0
        captured        10000 -> captured        10000 10000     0     0
        refunded         6000 -> part_refunded   10000 10000  6000     0
        capture_failed   5000 -> !               10000 10000  6000     0
        capture_failed   4000 -> part_captured   10000  6000  6000     0
    """)


@pytest.mark.parametrize("end", ["voided", "expired"])
def test_what_is_partly_over_is_not_over(end):
    play(f"""
        authorised      10000 -> authorised      10000     0     0     0
        {end}            4000 -> authorised      10000     0     0  4000
        captured         6000 -> captured        10000  6000     0  4000
    """)


@pytest.mark.parametrize("end", ["voided", "expired"])
def test_what_is_over_stays_over(end):
    play(f"""
        authorised      10000 -> authorised      10000     0     0     0
        {end}           10000 -> {end}           10000     0     0 10000
        captured            1 -> !               10000     0     0 10000
        refunded            1 -> !               10000     0     0 10000
    """)


@pytest.mark.parametrize("end", ["declined", "expired", "voided"])
def test_money_that_comes_after_all_is_booked(end):
    play(f"""
        {end}           10000 -> {end}               0     0     0     0
        authorised      10000 -> authorised      10000     0     0     0
    """)


def test_dropped_before_the_customer_said_yes():
    play("""
        action_required     0 -> action_required     0     0     0     0
        voided          10000 -> voided              0     0     0     0
    """)


def test_an_expiry_of_the_rest_keeps_what_was_taken():
    play("""
        authorised      10000 -> authorised      10000     0     0     0
        captured         4000 -> part_captured   10000  4000     0     0
        expired          6000 -> captured        10000  4000     0  6000
        refunded         4000 -> refunded        10000  4000  4000  6000
    """)


# The books by themselves ---------------------------------------------------------------------


@given(
    st.lists(
        st.tuples(st.sampled_from(Posting), st.integers(min_value=-5, max_value=40)), max_size=30
    )
)
def test_no_sequence_of_postings_talks_the_books_into_nonsense(entries):
    books = Books(currency="SEK")
    entered: list[tuple[Posting, int]] = []
    for posting, minor in entries:
        try:
            books = books.post(posting, Money(minor, "SEK"))
        except UsageError:
            continue
        entered.append((posting, minor))
        assert minor > 0
        assert 0 <= books.refunded <= books.captured
        assert books.captured + books.voided <= books.authorised
        assert sum(books.balance(account) for account in Account) == 0
    # The running totals are nothing but the sums of the entries, account by account.
    for account in Account:
        balance = sum(
            minor * ((POSTINGS[posting][1] is account) - (POSTINGS[posting][0] is account))
            for posting, minor in entered
        )
        assert books.balance(account) == balance


def test_books_refuse_another_currency():
    with pytest.raises(UsageError, match="the books are in SEK, not DKK"):
        Books(currency="SEK").post(Posting.AUTHORISED, Money(100, "DKK"))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "action_required",
                    "unknown",
                    "declined",
                    "authorised",
                    "captured",
                    "voided",
                    "expired",
                    "refunded",
                    "capture_failed",
                    "refund_failed",
                ]
            ),
            st.integers(min_value=1, max_value=20),
        ),
        max_size=25,
    )
)
def test_whatever_is_reported_a_payment_is_never_in_a_state_its_books_deny(reports):
    state = _begun()
    for name, minor in reports:
        try:
            state = evolve(state, _event(name, minor))
        except UsageError:  # an illegal step is one too; any other error fails the test
            continue
        payment = state.payment(PAYMENT)
        books = payment.books
        if payment.is_dead or payment.is_waiting:
            assert books.capturable.is_zero
            assert not books.captured
        if payment.state == "refunded":
            assert books.captured == books.refunded > 0
            assert books.capturable.is_zero
        if payment.state == "captured":
            assert books.capturable.is_zero
            assert books.captured > 0
        if payment.state == "authorised":
            assert books.capturable.minor > 0
            assert not books.captured
