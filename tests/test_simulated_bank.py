"""The simulated bank: its book, its time, its faults, its page, and its adapter over both wires."""

from __future__ import annotations

import json
import re
import socket
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkoutflow.errors import Contradiction, InvalidInput, TransportError, UntrustedNotice
from checkoutflow.money import Money
from checkoutflow.payment.books import Books
from checkoutflow.payment.outcomes import (
    Done,
    Mandate,
    MandateWord,
    Operation,
    Outcome,
    Redirect,
    Word,
)
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.contract import (
    Agree,
    Ask,
    Authorise,
    Charge,
    MandateAsk,
    Modification,
    OrderLine,
    Webhook,
)
from checkoutflow.providers.simulated_bank import CAPABILITIES, SimulatedBankConfig
from checkoutflow.testing.adapters import exchange
from checkoutflow.testing.bank import (
    METHODS,
    TEST_CARDS,
    Book,
    Entry,
    Fault,
    Moved,
    Refusal,
    SimulatedBank,
)
from checkoutflow.testing.serve import post_notices, serve
from checkoutflow.testing.standins.book import State

START = datetime(2025, 3, 30, 0, 0, tzinfo=UTC)
REFERENCE = "a" * 20
MANDATE = "m" * 20
WEEK_S = 7 * 86_400


class Till:
    """A shop's till: the adapter, the bank behind it, and a clock moved by hand."""

    def __init__(self, **kind):
        self.now = START
        self.bank = SimulatedBank(lambda: self.now, **kind)
        self.provider = self.bank.provider()
        self.handler = self.bank.handle

    def wait(self, seconds):
        self.now += timedelta(seconds=seconds)

    def pay(self, minor=10000, **facts):
        facts = {
            "key": "pay",
            "merchant_reference": REFERENCE,
            "method": "card",
            "amount": Money(minor, "DKK"),
            "return_url": "https://shop.example/return",
            "locale": "da_DK",
            "market": "DK",
            "customer": "consumer",
            **facts,
        }
        return exchange(self.provider.authorise(Authorise(**facts)), self.handler)

    def _modify(self, operation, minor, key, reference):
        order = Modification(
            key, reference, None, Money(minor, "DKK"), "card", Books(currency="DKK")
        )
        return exchange(getattr(self.provider, operation)(order), self.handler)

    def capture(self, minor, key="capture", reference=REFERENCE):
        return self._modify("capture", minor, key, reference)

    def void(self, minor, key="void", reference=REFERENCE):
        return self._modify("void", minor, key, reference)

    def refund(self, minor, key="refund", reference=REFERENCE):
        return self._modify("refund", minor, key, reference)

    def look(self, minor=10000, reference=REFERENCE):
        ask = Ask(reference, None, Money(minor, "DKK"), "card")
        return exchange(self.provider.status(ask), self.handler)

    def agree(self, **facts):
        facts = {
            "key": "agree",
            "merchant_reference": MANDATE,
            "method": "card",
            "title": "Kaffe hver måned",
            "maximum": Money(10000, "DKK"),
            "return_url": "https://shop.example/return",
            "locale": "da_DK",
            "market": "DK",
            "customer": "consumer",
            "every_months": 1,
            **facts,
        }
        return exchange(self.provider.agree(Agree(**facts)), self.handler)

    def mandate(self, reference=MANDATE, known=None):
        return exchange(self.provider.mandate(MandateAsk(reference, known, "card")), self.handler)

    def end(self, key="end"):
        ask = MandateAsk(MANDATE, None, "card", key=key)
        return exchange(self.provider.end_mandate(ask), self.handler)

    def charge(self, minor=10000, **facts):
        return exchange(self.provider.charge(charge(minor, **facts)), self.handler)

    @property
    def book(self):
        """Authorised, captured, refunded, voided."""
        book = self.bank.book(REFERENCE)
        return book.authorised, book.captured, book.refunded, book.voided

    def post(self, path, body=None, *, key="k", **headers):
        headers = {
            "authorization": "Bearer simulated-bank-api-key",
            "idempotency-key": key,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        request = httpx.Request("POST", f"https://bank.example{path}", headers=headers, json=body)
        return self.bank.handle(request)


def charge(minor=10000, currency="DKK", **facts):
    facts = {
        "key": "charge",
        "merchant_reference": REFERENCE,
        "mandate": MANDATE,
        "token": Secret("leave-000001"),
        "method": "card",
        "amount": Money(minor, currency),
        "title": "Kaffe i marts",
        "locale": "da_DK",
        "market": "DK",
        "customer": "consumer",
        **facts,
    }
    return Charge(**facts)


def get(path):
    headers = {"authorization": "Bearer simulated-bank-api-key"}
    return httpx.Request("GET", f"https://bank.example{path}", headers=headers)


@pytest.fixture
def till():
    return Till()


def payment(**changes):
    body = {
        "merchant_reference": REFERENCE,
        "amount": {"value": 10000, "currency": "DKK"},
        "method": "card",
        "return_url": "https://shop.example/return",
        "locale": "da_DK",
        **changes,
    }
    return {name: value for name, value in body.items() if value is not ...}


# --- money ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "story",
    [
        """
        step     amount  outcome     authorised captured refunded voided
        pay       10000  succeeded        10000        0        0      0
        capture   10000  succeeded        10000    10000        0      0
        capture       1  refused          10000    10000        0      0
        void          0  refused          10000    10000        0      0
        refund    10001  refused          10000    10000        0      0
        refund     4000  succeeded        10000    10000     4000      0
        refund     6000  succeeded        10000    10000    10000      0
        refund        1  refused          10000    10000    10000      0
        """,
        """
        step     amount  outcome     authorised captured refunded voided
        pay       10000  succeeded        10000        0        0      0
        capture    4000  succeeded        10000     4000        0      0
        capture    6001  refused          10000     4000        0      0
        refund     4000  succeeded        10000     4000     4000      0
        void       6000  succeeded        10000     4000     4000   6000
        capture       1  refused          10000     4000     4000   6000
        """,
        """
        step     amount  outcome     authorised captured refunded voided
        pay       10000  succeeded        10000        0        0      0
        refund        1  refused          10000        0        0      0
        void      10000  succeeded        10000        0        0  10000
        void      10000  refused          10000        0        0  10000
        capture       1  refused          10000        0        0  10000
        """,
    ],
    ids=["captured and refunded", "part and the rest released", "released"],
)
def test_the_book_follows_the_money(till, story):
    for number, row in enumerate(story.strip().splitlines()[1:]):
        step, amount, outcome, *book = row.split()
        result = getattr(till, step)(int(amount), key=f"key-{number}")
        assert (result.outcome, *till.book) == (outcome, *map(int, book)), row
    assert till.bank.taken(REFERENCE) == till.book[1] - till.book[2]


def test_every_entry_says_what_when_how_much_and_why(till):
    till.pay()
    till.wait(5)
    till.capture(4000)
    assert till.bank.entries(REFERENCE) == till.bank.entries()
    assert till.bank.entries() == (
        Entry(1, START, REFERENCE, Moved.AUTHORISED, Money(10000, "DKK"), "pay"),
        Entry(
            2,
            START + timedelta(seconds=5),
            REFERENCE,
            Moved.CAPTURED,
            Money(4000, "DKK"),
            "capture",
        ),
    )
    assert till.bank.references == (REFERENCE,)


def test_a_payment_that_never_came_has_an_empty_book(till):
    assert till.book == (0, 0, 0, 0)
    assert till.bank.entries(REFERENCE) == ()
    assert till.bank.taken(REFERENCE) == 0


def entry(number, operation, minor):
    return Entry(number, START, REFERENCE, operation, Money(minor, "DKK"), None)


@pytest.mark.parametrize(
    "entries",
    [
        [entry(1, Moved.CAPTURED, 1)],
        [entry(1, Moved.AUTHORISED, 10), entry(2, Moved.VOIDED, 11)],
        [entry(1, Moved.AUTHORISED, 10), entry(2, Moved.EXPIRED, 4), entry(3, Moved.CAPTURED, 7)],
        [entry(1, Moved.AUTHORISED, 10), entry(2, Moved.REFUNDED, 1)],
        [entry(1, Moved.AUTHORISED, 10), entry(2, Moved.REFUND_TAKEN_BACK, 1)],
    ],
)
def test_the_bank_finds_its_own_mistakes(entries):
    with pytest.raises(AssertionError, match="impossible"):
        Book.of(entries)


@pytest.mark.parametrize(("card", "reason"), TEST_CARDS.items())
def test_a_test_card_always_does_the_same(till, card, reason):
    result = till.pay(instrument=Secret(card))
    assert result.reason == reason
    assert result.outcome == ("declined" if reason else "succeeded")
    assert till.book[0] == (0 if reason else 10000)
    assert till.look().word == ("declined" if reason else "authorised")


def test_a_card_that_nobody_knows_is_declined(till):
    result = till.pay(instrument=Secret("4711"))
    assert (result.outcome, result.reason) == ("declined", "unknown_instrument")


def test_a_gift_card_is_reserved_taken_and_given_back(till):
    till.bank.issue_gift_card("GIFT-1", Money(15000, "DKK"))
    gift = {"method": "gift_card", "instrument": Secret("GIFT-1")}

    def left():
        return till.bank.gift_card_balance("GIFT-1").minor

    assert till.pay(**gift).outcome is Outcome.SUCCEEDED
    assert left() == 5000
    second = till.pay(6000, key="pay-2", merchant_reference="b" * 20, **gift)
    assert (second.outcome, second.reason) == ("declined", "insufficient_funds")
    till.capture(4000)
    assert left() == 5000
    till.void(6000)
    assert left() == 11000
    till.refund(1000)
    assert left() == 12000


@pytest.mark.parametrize(
    ("code", "amount", "reason"),
    [
        ("NO-SUCH-CARD", Money(100, "DKK"), "unknown_instrument"),
        ("GIFT-1", Money(100, "SEK"), "insufficient_funds"),
    ],
)
def test_a_gift_card_pays_only_what_it_can(till, code, amount, reason):
    till.bank.issue_gift_card("GIFT-1", Money(15000, "DKK"))
    result = till.pay(method="gift_card", instrument=Secret(code), amount=amount)
    assert (result.outcome, result.reason) == ("declined", reason)


def test_a_gift_card_gets_back_what_time_releases():
    till = Till(authorisation_s=60)
    till.bank.issue_gift_card("GIFT-1", Money(10000, "DKK"))
    till.pay(method="gift_card", instrument=Secret("GIFT-1"))
    till.wait(60)
    assert till.bank.gift_card_balance("GIFT-1") == Money(10000, "DKK")


STEPS = """
    capture void refund portal_capture portal_refund portal_void take_back wait plan
""".split()
TO_OPERATIONS = [fault for fault in Fault if fault not in {Fault.STALE, Fault.NOT_FOUND}]


@given(
    st.lists(
        st.tuples(st.sampled_from(STEPS), st.integers(1, 12000), st.sampled_from(TO_OPERATIONS)),
        max_size=12,
    )
)
def test_whatever_happens_the_sums_hold_and_the_adapter_tells_the_truth(steps):
    till = Till()
    till.pay()
    for number, (step, minor, fault) in enumerate(steps):
        amount = Money(minor, "DKK")
        with suppress(Refusal, ValueError, TransportError, Contradiction):
            match step:
                case "capture" | "void" | "refund":
                    till._modify(step, minor, f"key-{number}", REFERENCE)
                case "portal_void":
                    till.bank.portal_void(REFERENCE)
                case "portal_capture" | "portal_refund":
                    getattr(till.bank, step)(REFERENCE, amount)
                case "take_back":
                    till.bank.take_back(REFERENCE, f"key-{number - 1}")
                case "wait":
                    till.wait(minor * 60)
                case _:
                    for operation in ("capture", "void", "refund"):
                        till.bank.plan(operation, fault)
        book = till.bank.book(REFERENCE)  # asserts its sums
        seen = till.look()
        assert (
            seen.authorised.minor,
            seen.captured.minor,
            seen.refunded.minor,
            seen.voided.minor,
        ) == till.book
        assert book.authorised == 10000
        assert 0 <= book.taken <= 10000


# --- keys -----------------------------------------------------------------------------------------


def test_a_repeat_gets_the_first_answer_and_moves_nothing(till):
    first = (till.pay(), till.capture(4000), till.refund(1000), till.void(6000))
    book, entries = till.book, till.bank.entries()
    assert (till.pay(), till.capture(4000), till.refund(1000), till.void(6000)) == first
    assert (till.book, till.bank.entries()) == (book, entries)


def test_a_refusal_is_remembered_too(till):
    till.pay()
    assert till.capture(10001).reason == "amount_too_high"
    till.capture(10000, key="other")
    assert till.capture(10001).reason == "amount_too_high"


def test_one_key_for_two_orders_is_a_conflict_and_nobody_knows(till):
    till.pay()
    till.capture(4000)
    assert till.capture(4001).outcome is Outcome.UNKNOWN
    assert till.refund(4000, key="capture").outcome is Outcome.UNKNOWN
    assert till.book == (10000, 4000, 0, 0)
    answer = till.post(f"/v1/payments/{REFERENCE}/voids", {}, key="capture")
    assert (answer.status_code, answer.json()["code"]) == (409, "key_conflict")


def test_a_merchant_reference_is_used_once(till):
    till.pay()
    assert till.pay(key="another-key").outcome is Outcome.UNKNOWN
    assert till.book == (10000, 0, 0, 0)


def test_a_key_is_forgotten_after_its_life(till):
    till.pay()
    till.capture(4000)
    till.wait(CAPABILITIES.repeats_for(Operation.CAPTURE) - 1)
    till.capture(4000)
    assert till.book == (10000, 4000, 0, 0)
    till.wait(1)
    till.capture(4000)
    assert till.book == (10000, 8000, 0, 0)


def test_a_malformed_request_uses_up_no_key(till):
    path = "/v1/payments"
    assert till.post(path, payment(amount=None), key="same").status_code == 400
    assert till.post(path, payment(), key="same").status_code == 201


def test_a_bank_that_forgets_keys_does_everything_again_and_the_adapter_notices():
    till = Till(remembers_keys=False)
    assert till.provider.capabilities.repeat_s == 0
    till.pay()
    for _ in range(2):
        till.capture(2000)
        till.refund(500)
    assert till.book == (10000, 4000, 1000, 0)
    for again in (till.pay, till.look):
        with pytest.raises(Contradiction, match=r"asked for 100\.00 DKK, and 200\.00 DKK is"):
            again()
    assert till.book == (20000, 4000, 1000, 0)


def test_a_bank_that_forgets_keys_still_knows_what_a_payment_is():
    till = Till(remembers_keys=False)
    till.pay()
    assert till.pay(20000).outcome is Outcome.UNKNOWN
    assert till.pay(method="wallet").outcome is Outcome.UNKNOWN
    assert till.book == (10000, 0, 0, 0)


def test_a_second_no_does_not_undo_what_is_authorised():
    till = Till(remembers_keys=False)
    till.pay()
    till.bank.decline_next()
    till.pay()
    assert till.look().word is Word.AUTHORISED
    assert till.book == (10000, 0, 0, 0)


# --- time -----------------------------------------------------------------------------------------


def test_an_authorisation_runs_out(till):
    assert till.pay().valid_until == START + timedelta(seconds=WEEK_S)
    till.wait(WEEK_S - 1)
    assert till.look().word is Word.AUTHORISED
    till.wait(1)
    seen = till.look()
    assert (seen.word, seen.voided) == (Word.EXPIRED, Money(10000, "DKK"))
    assert till.bank.entries()[-1].at == START + timedelta(seconds=WEEK_S)
    assert till.capture(1).reason == "authorisation_expired"


def test_what_is_captured_stays_when_the_rest_runs_out(till):
    till.pay()
    till.capture(4000)
    till.wait(10 * WEEK_S)
    seen = till.look()
    assert (seen.word, seen.captured.minor, seen.voided.minor) == (Word.AUTHORISED, 4000, 6000)
    assert till.bank.book(REFERENCE).expired == 6000
    assert till.refund(4000).outcome is Outcome.SUCCEEDED


def test_a_clock_that_is_set_back_does_not_turn_the_bank(till):
    till.pay()
    till.wait(WEEK_S)
    assert till.look().word is Word.EXPIRED
    till.wait(-WEEK_S)
    assert till.capture(1).outcome is Outcome.REFUSED
    assert [entry.at for entry in till.bank.entries()] == sorted(e.at for e in till.bank.entries())


def test_what_takes_time_is_pending_then_done(till):
    till.bank.plan("authorise", Fault.SLOW)
    till.bank.plan("capture", Fault.SLOW, after_s=3600)
    assert till.pay().outcome is Outcome.PENDING
    assert till.look().word is Word.PENDING
    till.wait(30)
    assert till.look().word is Word.AUTHORISED
    assert till.capture(4000).outcome is Outcome.PENDING
    assert till.book == (10000, 0, 0, 0)
    assert till.capture(7000, key="more").outcome is Outcome.REFUSED  # 4000 is spoken for
    assert till.void(6000).outcome is Outcome.SUCCEEDED
    till.wait(3600)
    assert till.book == (10000, 4000, 0, 6000)
    assert till.look().operations[1] == Done(key="capture", outcome=Outcome.SUCCEEDED)


def test_what_was_accepted_can_fail_later(till):
    till.pay()
    till.bank.plan("capture", Fault.FAIL_LATER, reason="card_expired")
    assert till.capture(4000).outcome is Outcome.PENDING
    till.wait(30)
    assert till.look().operations[1] == Done(key="capture", outcome=Outcome.DECLINED)
    assert till.book == (10000, 0, 0, 0)
    assert till.capture(10000, key="again").outcome is Outcome.SUCCEEDED


def test_a_capture_under_way_outlives_the_authorisation(till):
    till.pay()
    till.bank.plan("capture", Fault.SLOW, Fault.FAIL_LATER, after_s=2 * WEEK_S)
    till.capture(4000, key="good")
    till.capture(3000, key="bad")
    till.wait(WEEK_S)
    assert till.book == (10000, 0, 0, 3000)
    till.wait(WEEK_S)
    assert till.book == (10000, 4000, 0, 6000)


def test_a_slow_void_releases_what_is_there_when_it_is_done(till):
    till.pay(method="wallet")
    till.bank.plan("void", Fault.SLOW)
    assert till.void(10000).outcome is Outcome.PENDING
    till.bank.approve(REFERENCE)
    till.capture(4000)
    till.wait(30)
    assert till.book == (10000, 4000, 0, 6000)


def test_a_slow_void_can_come_too_late(till):
    till.pay(method="wallet")
    till.bank.plan("void", Fault.SLOW)
    till.void(10000)
    till.bank.approve(REFERENCE)
    till.capture(10000)
    till.wait(30)
    assert till.book == (10000, 10000, 0, 0)


def test_a_void_stops_an_authorisation_that_takes_time(till):
    till.bank.plan("authorise", Fault.SLOW)
    till.pay()
    assert till.void(10000).outcome is Outcome.SUCCEEDED
    till.wait(30)
    assert till.book == (0, 0, 0, 0)
    assert till.look().word is Word.VOIDED


@pytest.mark.parametrize("operation", ["capture", "void", "refund"])
def test_an_operation_can_be_declined(till, operation):
    till.pay()
    till.capture(4000, key="before")
    till.bank.plan(operation, Fault.DECLINE, reason="not in the list of reasons")
    result = getattr(till, operation)(6000 if operation == "void" else 100)
    assert (result.outcome, result.reason) == ("declined", "other")
    assert till.book == (10000, 4000, 0, 0)
    assert till.bank.outbox[-1].body.count(f'"{operation}.failed"'.encode()) == 1


def test_a_capture_is_taken_back(till):
    till.pay()
    till.capture(4000)
    till.bank.take_back(REFERENCE, "capture")
    assert till.book == (10000, 0, 0, 0)
    seen = till.look()
    assert seen.operations[1] == Done(key="capture", outcome=Outcome.DECLINED)
    assert (seen.word, seen.captured.minor) == (Word.AUTHORISED, 0)
    assert till.capture(10000, key="again").outcome is Outcome.SUCCEEDED


def test_a_capture_taken_back_too_late_is_released(till):
    till.pay()
    till.capture(4000)
    till.wait(WEEK_S)
    till.bank.take_back(REFERENCE, "capture")
    assert till.book == (10000, 0, 0, 10000)


def test_a_refund_is_taken_back(till):
    till.pay()
    till.capture(4000)
    till.refund(4000)
    till.bank.take_back(REFERENCE, "refund")
    assert till.book == (10000, 4000, 0, 0)


def test_what_cannot_be_taken_back_is_refused(till):
    till.pay()
    till.capture(4000)
    till.refund(1000)
    for key in ("pay", "capture", "never-used"):
        with pytest.raises(ValueError, match=r"taken back|no operation"):
            till.bank.take_back(REFERENCE, key)
    assert till.book == (10000, 4000, 1000, 0)


def test_a_capture_that_is_being_refunded_cannot_be_taken_back(till):
    till.pay()
    till.capture(4000)
    till.bank.plan("refund", Fault.SLOW)
    till.refund(1000)
    with pytest.raises(ValueError, match="not given back"):
        till.bank.take_back(REFERENCE, "capture")
    till.wait(30)
    assert till.book == (10000, 4000, 1000, 0)


# --- customers ------------------------------------------------------------------------------------


def test_a_customer_approves_on_the_banks_page(till):
    result = till.pay(method="wallet")
    url = "https://bank.example/pay/page-000001"
    assert result.outcome is Outcome.PENDING
    assert result.action == Redirect(url=url)
    assert result.valid_until == START + timedelta(minutes=10)
    page = till.bank.handle(httpx.Request("GET", url))
    assert page.status_code == 200
    assert "100.00 DKK" in page.text
    assert ">Approve<" in page.text
    back = till.bank.handle(httpx.Request("POST", url, data={"decision": "approve"}))
    assert (back.status_code, back.headers["location"]) == (303, "https://shop.example/return")
    assert till.look().word is Word.AUTHORISED
    again = till.bank.handle(httpx.Request("POST", url, data={"decision": "decline"}))
    assert again.status_code == 303
    assert till.look().word is Word.AUTHORISED
    assert "no longer open" in till.bank.handle(httpx.Request("GET", url)).text


def test_a_customer_declines(till):
    till.pay(method="wallet")
    till.bank.decline(REFERENCE)
    till.bank.approve(REFERENCE)  # too late
    seen = till.look()
    assert (seen.word, seen.reason) == (Word.DECLINED, "declined_by_customer")
    assert till.void(10000).reason == "nothing_to_void"


def test_a_customer_who_never_decides_runs_out_of_time(till):
    till.pay(method="wallet")
    till.wait(600)
    till.bank.approve(REFERENCE)
    seen = till.look()
    assert (seen.word, seen.reason, seen.authorised.minor) == (Word.EXPIRED, "", 0)
    assert till.book == (0, 0, 0, 0)


def test_a_payment_dropped_before_the_customer_decides_cannot_be_approved(till):
    till.pay(method="wallet")
    assert till.void(10000).outcome is Outcome.SUCCEEDED
    till.bank.approve(REFERENCE)
    assert till.look().word is Word.VOIDED
    assert till.book == (0, 0, 0, 0)
    assert till.capture(1).reason == "not_authorised"


def test_the_issuer_says_no_after_the_customer_said_yes(till):
    till.bank.decline_next("card_blocked")
    assert till.pay(method="wallet").outcome is Outcome.PENDING
    till.bank.approve(REFERENCE)
    seen = till.look()
    assert (seen.word, seen.reason) == (Word.DECLINED, "card_blocked")


def test_a_slow_issuer_answers_after_the_customer_said_yes(till):
    till.bank.plan("authorise", Fault.SLOW)
    till.pay(method="wallet")
    till.bank.approve(REFERENCE)
    assert (till.look().word, till.look().action) == (Word.PENDING, None)
    till.wait(3600)
    assert till.look().word is Word.AUTHORISED


@pytest.mark.parametrize(("method", "kind"), METHODS.items())
def test_every_method_asks_the_customer_in_its_own_way(till, method, kind):
    till.bank.issue_gift_card("GIFT-1", Money(10000, "DKK"))
    result = till.pay(method=method, instrument=Secret("GIFT-1") if "gift" in method else None)
    assert (result.action.kind if result.action else "") == kind


@pytest.mark.parametrize("decision", [None, {"decision": "perhaps"}, {"decide": "approve"}])
def test_no_decision_is_no_decision(till, decision):
    till.pay(method="wallet")
    url = "https://bank.example/pay/page-000001"
    assert till.bank.handle(httpx.Request("POST", url, data=decision)).status_code == 400
    assert till.look().word is Word.PENDING


def test_the_page_shows_text_as_text(till):
    url = "https://shop.example/?q=<script>&x='\""
    till.pay(method="wallet", return_url=url)
    till.bank.decline(REFERENCE)
    page = till.bank.handle(httpx.Request("GET", "https://bank.example/pay/page-000001"))
    assert "<script>" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert till.bank.handle(httpx.Request("GET", "https://bank.example/pay/")).status_code == 401


# --- mandates -------------------------------------------------------------------------------------


def mandate_view(till):
    return till.bank.handle(get(f"/v1/mandates/{MANDATE}")).json()


def answer(till, status, body):
    """Let the bank answer everything with this."""
    till.handler = lambda _: httpx.Response(status, json=body)


def test_a_customer_gives_a_mandate_on_the_banks_page(till):
    result = till.agree()
    url = "https://bank.example/pay/mandate-000001"
    assert (result.outcome, result.action) == (Outcome.PENDING, Redirect(url=url))
    assert till.mandate() == Mandate(word=MandateWord.PENDING, action=result.action)
    assert "Allow later payments?" in till.bank.handle(httpx.Request("GET", url)).text
    till.bank.handle(httpx.Request("POST", url, data={"decision": "approve"}))
    token = Secret("leave-000001")
    assert till.mandate() == Mandate(word=MandateWord.ACTIVE, token=token)
    till.bank.decline_mandate(MANDATE)  # too late
    assert till.mandate(known=result.provider_reference).token == token


def test_what_is_charged_on_a_mandate_is_a_payment(till):
    till.agree()
    till.bank.approve_mandate(MANDATE)
    lines = (OrderLine("1", "Kaffe", 1, Money(4000, "DKK"), 2500, Money(800, "DKK")),)
    assert till.charge(4000, lines=lines).outcome is Outcome.SUCCEEDED
    assert till.look(4000).word is Word.AUTHORISED
    till.capture(4000)
    till.refund(1000)
    assert till.book == (4000, 4000, 1000, 0)
    assert till.charge(4000, lines=lines).outcome is Outcome.SUCCEEDED  # a repeat
    assert till.charge(4000, key="c2", merchant_reference="b" * 20).outcome is Outcome.SUCCEEDED
    assert till.bank.book("b" * 20).authorised == 4000


@pytest.mark.parametrize(
    ("reason", "order"),
    [
        ("amount_too_high", charge(10001)),
        ("wrong_currency", charge(100, "SEK")),
        ("mandate_not_active", charge(100, token=Secret("leave-000002"))),
        ("mandate_not_found", charge(100, mandate="n" * 20)),
        ("invalid_request", charge(100, token=None)),
    ],
)
def test_what_the_customer_did_not_agree_to_is_not_charged(till, reason, order):
    till.agree()
    till.bank.approve_mandate(MANDATE)
    result = exchange(till.provider.charge(order), till.handler)
    assert (result.outcome, result.reason) == (Outcome.REFUSED, reason)
    assert till.bank.references == ()


@pytest.mark.parametrize(
    ("happens", "word", "outcome"),
    [
        (lambda till: None, MandateWord.PENDING, Outcome.PENDING),
        (lambda till: till.bank.approve_mandate(MANDATE), MandateWord.ACTIVE, Outcome.SUCCEEDED),
        (lambda till: till.bank.decline_mandate(MANDATE), MandateWord.DECLINED, Outcome.DECLINED),
        (lambda till: till.bank.end_mandate(MANDATE), MandateWord.ENDED, Outcome.DECLINED),
        (lambda till: till.end(), MandateWord.ENDED, Outcome.DECLINED),
    ],
    ids=["undecided", "approved", "declined", "ended by the customer", "ended by the shop"],
)
def test_only_a_mandate_that_is_active_takes_money(happens, word, outcome):
    till = Till(remembers_keys=False)
    till.agree()
    happens(till)
    assert till.mandate().word is word
    is_active = word is MandateWord.ACTIVE
    assert till.charge().outcome is (Outcome.SUCCEEDED if is_active else Outcome.REFUSED)
    # Asked when the customer has decided already: as for a request that was under way for long.
    answer(till, 201, mandate_view(till))
    assert till.agree().outcome is outcome


def test_an_end_before_the_customer_decided_closes_the_page(till):
    till.agree(first=charge(merchant_reference="f" * 20))
    assert till.end().outcome is Outcome.SUCCEEDED
    assert till.end("again").outcome is Outcome.SUCCEEDED
    till.bank.approve_mandate(MANDATE)
    assert till.mandate().word is MandateWord.ENDED
    assert till.look(reference="f" * 20).word is Word.DECLINED


@pytest.mark.parametrize(
    ("decide", "word"), [("approve", Word.AUTHORISED), ("decline", Word.DECLINED)]
)
def test_a_first_payment_waits_for_the_same_decision(till, decide, word):
    result = till.agree(first=charge(9000))
    seen = till.look(9000)
    assert (seen.word, seen.action) == (Word.PENDING, result.action)
    getattr(till.bank, f"{decide}_mandate")(MANDATE)
    assert till.look(9000).word is word


def test_a_first_payment_runs_out_although_the_mandate_does_not(till):
    till.agree(first=charge())
    till.wait(600)
    till.bank.approve_mandate(MANDATE)
    assert till.look().word is Word.EXPIRED
    assert till.mandate().word is MandateWord.ACTIVE


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({"first": charge(10001)}, Outcome.REFUSED),
        ({"first": charge(100, "EUR")}, Outcome.REFUSED),
        ({"first": charge(merchant_reference="p" * 20)}, Outcome.UNKNOWN),
        ({"method": "gift_card"}, Outcome.REFUSED),
        ({"maximum": Money(0, "DKK")}, Outcome.REFUSED),
    ],
)
def test_a_mandate_that_cannot_be_is_not_opened(till, facts, outcome):
    till.pay(merchant_reference="p" * 20)
    assert till.agree(**facts).outcome is outcome
    assert till.mandate().word is MandateWord.NOT_FOUND


def test_a_mandate_is_opened_once(till):
    first = till.agree()
    assert till.agree() == first
    assert till.agree(key="another") == first
    assert till.agree(key="third", title="Te hver måned").outcome is Outcome.UNKNOWN


def test_faults_happen_to_mandates_too(till):
    till.bank.plan("authorise", Fault.LOSE_ANSWER, Fault.HTML)
    assert came_of(till.agree) is TransportError
    till.bank.approve_mandate(MANDATE)
    till.bank.plan("status", Fault.NOT_FOUND, Fault.ERROR, Fault.UNKNOWN_WORD, Fault.STALE)
    words = [till.mandate().word for _ in range(5)]
    assert words == ["not_found", "unclear", "unclear", "active", "active"]
    assert till.charge().outcome is Outcome.UNKNOWN
    assert till.book[0] == 10000
    till.bank.plan("void", Fault.ERROR, Fault.UNKNOWN_WORD, Fault.OTHER_REFERENCE)
    ends = [getattr(came, "outcome", came) for came in (came_of(till.end) for _ in range(4))]
    assert ends == ["unknown", "unknown", Contradiction, "succeeded"]


def test_another_name_of_the_banks_is_another_mandate(till):
    till.agree()
    with pytest.raises(Contradiction, match="another mandate"):
        till.mandate(known="man_000002")


@pytest.mark.parametrize(
    "changes",
    [{"token": "not a token"}, {"token": None}, {"id": ""}, {"action": "dance"}, {"state": 1}],
)
def test_a_mandate_that_cannot_be_read_is_unclear(till, changes):
    till.agree()
    till.bank.approve_mandate(MANDATE)
    body = mandate_view(till) | changes
    answer(till, 201, body)
    assert till.agree().outcome is Outcome.UNKNOWN
    answer(till, 200, body)
    assert till.mandate() == Mandate(word=MandateWord.UNCLEAR)


# --- the portal -----------------------------------------------------------------------------------


def test_what_people_do_in_the_portal_shows_in_the_sums_only(till):
    till.pay()
    till.bank.portal_capture(REFERENCE, Money(4000, "DKK"))
    till.bank.portal_refund(REFERENCE, Money(1000, "DKK"))
    till.bank.portal_void(REFERENCE)
    seen = till.look()
    assert till.book == (10000, 4000, 1000, 6000)
    assert (seen.captured.minor, seen.refunded.minor, seen.voided.minor) == (4000, 1000, 6000)
    assert [done.key for done in seen.operations] == ["pay"]
    assert [entry.key for entry in till.bank.entries()] == ["pay", None, None, None]
    with pytest.raises(Refusal, match="amount_too_high"):
        till.bank.portal_refund(REFERENCE, Money(3001, "DKK"))
    with pytest.raises(Refusal, match="payment_not_found"):
        till.bank.portal_void("b" * 20)


def test_the_portal_is_there_over_http_too(till):
    till.pay()
    amount = {"amount": {"value": 4000, "currency": "DKK"}}
    assert till.post(f"/portal/payments/{REFERENCE}/captures", amount).status_code == 201
    assert till.post(f"/portal/payments/{REFERENCE}/refunds", amount).status_code == 201
    assert till.post(f"/portal/payments/{REFERENCE}/voids", {}).status_code == 201
    assert till.post(f"/portal/payments/{REFERENCE}/voids", {}).status_code == 422
    assert till.book == (10000, 4000, 4000, 6000)


def test_the_adapter_says_so_when_a_void_found_less_than_expected(till):
    till.pay()
    till.bank.portal_capture(REFERENCE, Money(4000, "DKK"))
    with pytest.raises(Contradiction, match=r"void of 100\.00 DKK, got 60\.00 DKK"):
        till.void(10000)


# --- faults ---------------------------------------------------------------------------------------

IS_DONE = {
    **dict.fromkeys(Fault, True),
    Fault.DECLINE: False,
    Fault.SLOW: False,
    Fault.FAIL_LATER: False,
    Fault.UNREACHABLE: False,
    Fault.LOSE_REQUEST: False,
    Fault.ERROR: False,
    Fault.UNAUTHORISED: False,
    Fault.BUSY: False,
    Fault.RATE_LIMIT: False,
}
HEARD = {
    Fault.NONE: "succeeded",
    Fault.DECLINE: "declined",
    Fault.SLOW: "pending",
    Fault.FAIL_LATER: "pending",
    Fault.UNREACHABLE: TransportError,
    Fault.LOSE_REQUEST: TransportError,
    Fault.ERROR: "unknown",
    Fault.UNAUTHORISED: "refused",
    Fault.BUSY: "unknown",
    Fault.RATE_LIMIT: "unknown",
    Fault.LOSE_ANSWER: TransportError,
    Fault.ERROR_AFTER: "unknown",
    Fault.HTML: "unknown",
    Fault.EMPTY: "unknown",
    Fault.TRUNCATED: "unknown",
    Fault.HUGE: "unknown",
    Fault.WRONG_TYPE: "unknown",
    Fault.UNKNOWN_WORD: "pending",
    Fault.MISSING_ID: "unknown",
    Fault.OTHER_AMOUNT: Contradiction,
    Fault.OTHER_CURRENCY: Contradiction,
    Fault.OTHER_REFERENCE: Contradiction,
}


def came_of(call, *amount):
    """What an operation returned, or the kind of error that came instead."""
    try:
        return call(*amount)
    except (TransportError, Contradiction) as error:
        return type(error)


@pytest.mark.parametrize("operation", ["authorise", "capture", "void", "refund"])
@pytest.mark.parametrize(("fault", "heard"), HEARD.items())
def test_a_fault_is_heard_as_what_it_is_and_the_same_order_again_puts_it_right(
    till, operation, fault, heard
):
    till.pay(key="before", merchant_reference="b" * 20)
    if operation != "authorise":
        till.pay()
    if operation == "refund":
        till.capture(10000)
    entries = len(till.bank.entries())
    till.bank.plan(operation, fault)
    act = till.pay if operation == "authorise" else getattr(till, operation)
    came = came_of(act, 10000)
    assert getattr(came, "outcome", came) == heard
    assert len(till.bank.entries()) == entries + IS_DONE[fault]
    if fault not in {Fault.DECLINE, Fault.SLOW, Fault.FAIL_LATER}:
        assert act(10000).outcome is Outcome.SUCCEEDED
        assert len(till.bank.entries()) == entries + 1


UNCLEAR = set(HEARD) - {Fault.NONE, Fault.DECLINE, Fault.SLOW, Fault.FAIL_LATER}


@pytest.mark.parametrize("fault", sorted(UNCLEAR))
def test_a_look_up_with_a_fault_says_nothing(till, fault):
    till.pay()
    till.bank.plan("status", fault)
    seen = came_of(till.look)
    assert getattr(seen, "word", seen) == (
        Word.UNCLEAR if isinstance(HEARD[fault], str) else HEARD[fault]
    )
    assert till.look().word is Word.AUTHORISED


def test_faults_happen_in_order_one_each_time(till):
    till.bank.plan("status", Fault.ERROR, Fault.NONE)
    till.bank.plan("status", Fault.HTML)
    till.pay()
    words = [till.look().word for _ in range(4)]
    assert words == ["unclear", "authorised", "unclear", "authorised"]


def test_healing_forgets_every_fault(till):
    till.bank.plan("authorise", Fault.ERROR)
    till.bank.heal()
    assert till.pay().outcome is Outcome.SUCCEEDED


def test_a_repeat_from_memory_leaves_a_planned_decline_for_the_next(till):
    till.pay()
    till.capture(4000)
    till.bank.plan("capture", Fault.DECLINE)
    assert till.capture(4000).outcome is Outcome.SUCCEEDED
    assert till.capture(4000, key="next").outcome is Outcome.DECLINED


@pytest.mark.parametrize(
    ("operation", "fault"),
    [("capture", Fault.STALE), ("authorise", Fault.NOT_FOUND), ("status", Fault.DECLINE),
     ("settle", Fault.ERROR)],
)  # fmt: skip
def test_a_fault_that_cannot_happen_is_refused(till, operation, fault):
    with pytest.raises(ValueError, match=r"cannot happen to|is not a valid"):
        till.bank.plan(operation, fault)


def test_a_look_up_can_lag_behind(till):
    till.bank.plan("status", Fault.NOT_FOUND, Fault.STALE, Fault.NONE, Fault.STALE)
    till.pay()
    seen = [till.look().word, till.look().word, till.look().word]
    assert seen == ["not_found", "not_found", "authorised"]
    till.capture(4000)
    assert till.look().captured.minor == 0
    assert till.look().captured.minor == 4000


def test_rate_limits_say_when_to_come_back(till):
    till.bank.plan("authorise", Fault.RATE_LIMIT)
    answer = till.post("/v1/payments", payment())
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


# --- what the bank takes --------------------------------------------------------------------------

LINE = {
    "id": "1",
    "name": "Kaffi",
    "quantity": 2,
    "amount": {"value": 10000, "currency": "DKK"},
    "vat_basis": 2500,
}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (payment(amount=...), "amount"),
        (payment(amount=10000), "amount"),
        (payment(amount={"value": 0, "currency": "DKK"}), "amount.value"),
        (payment(amount={"value": -1, "currency": "DKK"}), "amount.value"),
        (payment(amount={"value": "10000", "currency": "DKK"}), "amount.value"),
        (payment(amount={"value": True, "currency": "DKK"}), "amount.value"),
        (payment(amount={"value": 100.5, "currency": "DKK"}), "amount.value"),
        (payment(amount={"value": 10**14, "currency": "DKK"}), "amount.value"),
        (payment(amount={"value": 1, "currency": "USD"}), "amount.currency"),
        (payment(amount={"value": 1, "currency": "DKK", "vat": 0}), "amount.vat"),
        (payment(method="cash"), "method"),
        (payment(method="gift_card"), "instrument"),
        (payment(colour="red"), "colour"),
        (payment(merchant_reference="short"), "merchant_reference"),
        (payment(merchant_reference="../../v1/payments"), "merchant_reference"),
        (payment(return_url="javascript:alert(1)"), "return_url"),
        (payment(return_url="https://shop.example/\r\nx: y"), "return_url"),
        (payment(locale="danish"), "locale"),
        (payment(customer={"shoe_size": 42}), "customer.shoe_size"),
        (payment(lines=[LINE, LINE]), "lines"),
        (payment(lines=[{**LINE, "amount": {"value": 10000, "currency": "SEK"}}]), "lines"),
        (payment(lines=[{**LINE, "quantity": 0}]), "lines[0].quantity"),
        (payment(lines=[{**LINE, "vat_basis": 25.5}]), "lines[0].vat_basis"),
        ([], ""),
        ("pay", ""),
    ],
)
def test_a_payment_that_is_not_right_is_refused_with_the_field_and_without_the_value(
    till, body, field
):
    answer = till.post("/v1/payments", body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"] == field
    assert till.bank.references == ()


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "code"),
    [
        ("/v1/payments", payment(), {"authorization": "Bearer wrong"}, 401, "unauthorised"),
        ("/v1/payments", payment(), {"authorization": ""}, 401, "unauthorised"),
        ("/v1/payments", payment(), {"key": ""}, 400, "invalid_key"),
        ("/v1/payments", payment(), {"key": "x" * 41}, 400, "invalid_key"),
        ("/v1/payments", payment(), {"key": "Upper"}, 400, "invalid_key"),
        ("/v1/payments", payment(), {"content_type": "text/plain"}, 415, "not_json"),
        ("/v1/payments", payment(lines="x" * (1 << 20)), {}, 413, "too_large"),
        ("/v1/refunds", {}, {}, 404, "no_such_resource"),
        (f"/v1/payments/{REFERENCE}/captures", {}, {}, 404, "payment_not_found"),
        (f"/v1/payments/{REFERENCE}/settlements", {}, {}, 404, "no_such_resource"),
    ],
)
def test_a_request_that_is_not_right_is_refused(till, path, body, headers, status, code):
    answer = till.post(path, body, **headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("word", "body", "status", "code"),
    [
        ("captures", {}, 400, "invalid_request"),
        ("captures", {"amount": {"value": 0, "currency": "DKK"}}, 400, "invalid_request"),
        ("captures", {"amount": {"value": 1, "currency": "SEK"}}, 422, "wrong_currency"),
        ("captures", {"amount": {"value": 10001, "currency": "DKK"}}, 422, "amount_too_high"),
        ("refunds", {"amount": {"value": 1, "currency": "SEK"}}, 422, "wrong_currency"),
        ("refunds", {"amount": {"value": 1, "currency": "DKK"}}, 422, "amount_too_high"),
        ("voids", {"amount": {"value": 1, "currency": "DKK"}}, 400, "invalid_request"),
    ],
)
def test_a_modification_that_is_not_right_is_refused(till, word, body, status, code):
    till.pay()
    answer = till.post(f"/v1/payments/{REFERENCE}/{word}", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert till.book == (10000, 0, 0, 0)


def test_a_whole_order_with_lines_and_an_email_is_taken(till):
    lines = (
        OrderLine("1", "K" * 300, 2, Money(8000, "DKK"), 2500, Money(1600, "DKK")),
        OrderLine("2", "Bog", 1, Money(2000, "DKK"), 0, Money(0, "DKK")),
    )
    details = {"email": "customer@shop.example", "phone": "not asked for"}
    assert till.pay(lines=lines, details=details).outcome is Outcome.SUCCEEDED


def test_a_bank_that_cannot_be_asked_has_no_look_up():
    till = Till(can_be_asked=False)
    till.pay()
    assert till.bank.handle(get(f"/v1/payments/{REFERENCE}")).status_code == 404
    assert not till.provider.capabilities.can_be_asked


# --- what the adapter does not believe ------------------------------------------------------------


def view(**changes):
    """The bank's answer about a payment of 100.00 of which 40.00 is captured."""
    till = Till()
    till.pay()
    till.capture(4000)
    body = till.bank.handle(get(f"/v1/payments/{REFERENCE}")).json()
    sums = changes.pop("sums", {})
    body["aggregate"] |= {name: {"value": v, "currency": "DKK"} for name, v in sums.items()}
    return body | changes


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"sums": {"captured": 10001}}, "cannot all be true"),
        ({"sums": {"captured": 9000, "expired": 1001}}, "cannot all be true"),
        ({"sums": {"refunded": 4001}}, "cannot all be true"),
        ({"sums": {"authorised": 9999}}, "asked for .*, and .* is authorised"),
        ({"state": "declined"}, "declined, and .* is authorised"),
        ({"sums": {"authorised": 0, "captured": 0}}, "authorised, and nothing is reserved"),
        ({"merchant_reference": "b" * 20}, "another payment"),
    ],
)
def test_an_answer_that_cannot_be_true_is_a_contradiction(till, changes, complaint):
    with pytest.raises(Contradiction, match=complaint):
        exchange(
            till.provider.status(Ask(REFERENCE, "pay_000001", Money(10000, "DKK"), "card")),
            lambda _: httpx.Response(200, json=view(**changes)),
        )


def test_another_name_of_the_banks_is_another_payment(till):
    with pytest.raises(Contradiction, match="another payment"):
        exchange(
            till.provider.status(Ask(REFERENCE, "pay_000002", Money(10000, "DKK"), "card")),
            lambda _: httpx.Response(200, json=view()),
        )


@pytest.mark.parametrize(
    ("changes", "word", "action"),
    [
        ({"action": {"type": "dance"}}, Word.AUTHORISED, None),
        ({"action": {"type": "redirect", "url": "javascript:alert(1)"}}, Word.UNCLEAR, None),
        ({"action": "dance"}, Word.UNCLEAR, None),
        ({"expires_at": "soon"}, Word.UNCLEAR, None),
        ({"operations": ["capture"]}, Word.UNCLEAR, None),
        ({"id": "a/../b"}, Word.UNCLEAR, None),
    ],
)
def test_what_the_adapter_cannot_read_is_unclear_save_a_new_kind_of_action(
    till, changes, word, action
):
    seen = exchange(
        till.provider.status(Ask(REFERENCE, None, Money(10000, "DKK"), "card")),
        lambda _: httpx.Response(200, json=view(**changes)),
    )
    assert (seen.word, seen.action) == (word, action)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"idempotency_key": "other"}, "another operation"),
        ({"type": "refund"}, "another operation"),
        ({"amount": {"value": 3999, "currency": "DKK"}}, r"of 40\.00 DKK, got 39\.99 DKK"),
    ],
)
def test_an_answer_to_another_operation_is_a_contradiction(till, changes, complaint):
    done = {
        "idempotency_key": "capture",
        "type": "capture",
        "amount": {"value": 4000, "currency": "DKK"},
        "status": "done",
        "reason": "",
    }
    till.handler = lambda _: httpx.Response(
        201, json={"operation": done | changes, "payment": view()}
    )
    with pytest.raises(Contradiction, match=complaint):
        till.capture(4000)


def test_done_and_yet_not_in_the_sums_is_a_contradiction(till):
    till.pay()
    till.capture(4000)
    till.bank.take_back(REFERENCE, "capture")

    def handler(request):
        answer = till.bank.handle(request).json()
        return httpx.Response(201, json=answer | {"payment": view(sums={"captured": 0})})

    till.handler = handler
    with pytest.raises(Contradiction, match=r"said to be done, but in all 0\.00 DKK is"):
        till.capture(4000)


def test_a_not_found_that_is_not_the_banks_own_proves_nothing(till):
    till.handler = lambda _: httpx.Response(404, html="<h1>No such page</h1>")
    assert till.look().word is Word.UNCLEAR
    assert till.pay().outcome is Outcome.UNKNOWN


def test_the_configuration_is_checked_and_shows_no_secret():
    keys = {"api_key": "bank-api-key", "notice_secret": "bank-notices"}
    with pytest.raises(InvalidInput, match="must be https"):
        SimulatedBankConfig.read({**keys, "base_url": "http://bank.example"})
    config = SimulatedBankConfig.read({**keys, "base_url": "https://bank.example/"})
    assert (config.base_url, config.name) == ("https://bank.example", "simulated_bank")
    assert "bank-api-key" not in repr(config)


# --- notices --------------------------------------------------------------------------------------


def read(till, hook):
    (notice,) = till.provider.read_notices(replace(hook, now_s=till.now.timestamp()))
    return notice


def test_every_change_is_told(till):
    till.pay()
    till.capture(4000)
    till.refund(1000)
    till.bank.take_back(REFERENCE, "refund")
    till.void(6000)
    till.bank.take_back(REFERENCE, "capture")
    for method, decide in (("wallet", till.bank.approve), ("app", till.bank.decline)):
        till.pay(key=method, merchant_reference=method.ljust(20, "x"), method=method)
        decide(method.ljust(20, "x"))
    till.pay(key="dropped", merchant_reference="d" * 20, method="qr")
    till.void(10000, key="drop", reference="d" * 20)
    till.wait(10 * WEEK_S)
    notices = [read(till, sealed) for sealed in till.bank.outbox]
    assert [notice.kind for notice in notices] == [
        "payment.authorised",
        "payment.captured",
        "payment.refunded",
        "refund.failed",
        "payment.voided",
        "capture.failed",
        "payment.authorised",
        "payment.declined",
        "payment.cancelled",
        "payment.expired",
        "payment.expired",
    ]
    assert len({notice.id for notice in notices}) == len(notices)
    assert {notice.merchant_reference for notice in notices[:6]} == {REFERENCE}


def test_notices_wait_until_they_are_taken_and_come_as_often_as_wanted(till):
    till.pay()
    till.capture(4000)
    got = []
    take = lambda hook: got.append(read(till, hook).kind)  # noqa: E731 - short
    assert till.bank.deliver(take, times=2, reverse=True) == 2
    assert got == ["payment.captured", "payment.authorised"] * 2
    assert till.bank.deliver(take) == 0
    assert len(till.bank.outbox) == 2


def test_a_notice_that_is_not_taken_comes_again_signed_anew(till):
    till.pay()

    def refuse(_hook):
        raise RuntimeError("the shop is closed")

    with pytest.raises(RuntimeError, match="closed"):
        till.bank.deliver(refuse)
    stale = till.bank.outbox[0]
    till.wait(3600)
    with pytest.raises(UntrustedNotice, match="too long ago"):
        read(till, stale)
    taken = []
    till.bank.deliver(lambda hook: taken.append(read(till, hook)))
    assert [notice.kind for notice in taken] == ["payment.authorised"]


def test_the_receiver_of_a_notice_may_ask_the_bank(till):
    till.pay()
    words = []
    till.bank.deliver(lambda *_: words.append(till.look().word))
    assert words == [Word.AUTHORISED]


@pytest.mark.parametrize("seconds", [301, -301])
def test_a_notice_of_another_time_is_untrusted(till, seconds):
    till.pay()
    hook = replace(till.bank.outbox[0], now_s=START.timestamp() + seconds)
    with pytest.raises(UntrustedNotice, match="too long ago, or in the future"):
        till.provider.read_notices(hook)


def test_while_secrets_change_one_good_signature_is_enough(till):
    till.pay()
    hook = till.bank.outbox[0]
    moment, good = hook.headers["bank-signature"].split(",")
    for both in (f"{moment},v1={'0' * 64},{good}", f"{moment},{good},v1={'0' * 64}"):
        both_ways = replace(hook, headers={"bank-signature": both})
        assert read(till, both_ways).merchant_reference == REFERENCE
    with pytest.raises(UntrustedNotice, match="no readable"):
        read(till, replace(hook, headers={"bank-signature": moment + f",{good}" * 6}))


def test_two_signatures_in_two_headers_are_none(till):
    till.pay()
    hook = till.bank.outbox[0]
    twice = {**hook.headers, "Bank-Signature": hook.headers["bank-signature"]}
    with pytest.raises(UntrustedNotice, match="must be there once"):
        read(till, replace(hook, headers=twice))


def test_what_the_bank_signs_must_still_be_a_notice(till):
    till.pay()
    till.bank._posted[0] = replace(till.bank._posted[0], body=b'{"id": 7}')
    with pytest.raises(UntrustedNotice, match="not readable as a notice"):
        read(till, till.bank.outbox[0])


# --- the same every time, and from every thread ---------------------------------------------------


def test_the_same_story_gives_the_same_bank():
    def play():
        till = Till()
        till.pay()
        till.capture(4000)
        till.pay(key="p2", merchant_reference="b" * 20, method="wallet")
        till.wait(WEEK_S)
        return till.bank.entries(), till.bank.outbox

    assert play() == play()


def test_many_threads_cannot_take_more_than_there_is(till):
    till.pay()
    ready = Event()

    def work(number):
        ready.wait()
        till.capture(700, key=f"capture-{number}")

    threads = [Thread(target=work, args=[number]) for number in range(20)]
    for thread in threads:
        thread.start()
    ready.set()
    for thread in threads:
        thread.join()
    assert till.book == (10000, 9800, 0, 0)


def test_it_is_an_httpx_transport_too(till):
    with httpx.Client(transport=httpx.MockTransport(till.bank.handle)) as client:
        till.handler = client.send
        first = till.pay()
        assert till.pay() == first
        assert till.look().word is Word.AUTHORISED


# --- over loopback --------------------------------------------------------------------------------


@pytest.fixture
def loopback(till):
    with serve(till.bank.handle) as base_url, httpx.Client(trust_env=False) as client:
        till.provider = till.bank.provider(base_url)
        till.handler = client.send
        till.base_url = base_url
        till.client = client
        yield till


def test_a_sale_over_loopback(loopback):
    result = loopback.pay(method="wallet")
    assert result.action.url.startswith(f"{loopback.base_url}/pay/")
    back = loopback.client.post(result.action.url, data={"decision": "approve"})
    assert (back.status_code, back.headers["location"]) == (303, "https://shop.example/return")
    assert loopback.capture(10000).outcome is Outcome.SUCCEEDED
    assert loopback.look().captured == Money(10000, "DKK")


@pytest.mark.parametrize(("fault", "taken"), [("lose_answer", 10000), ("lose_request", 0)])
def test_over_loopback_the_line_goes_dead(loopback, fault, taken):
    loopback.pay()
    loopback.bank.plan("capture", Fault(fault))
    with pytest.raises(TransportError):
        loopback.capture(10000)
    assert loopback.bank.taken(REFERENCE) == taken
    assert loopback.capture(10000).outcome is Outcome.SUCCEEDED
    assert loopback.bank.taken(REFERENCE) == 10000


@pytest.mark.parametrize(
    ("request_line", "headers", "status"),
    [
        ("POST /v1/payments", {"Content-Length": "-1"}, 411),
        ("POST /v1/payments", {"Content-Length": "many"}, 411),
        ("POST /v1/payments", {"Transfer-Encoding": "chunked"}, 411),
        ("POST /v1/payments", {"Content-Length": "1048577"}, 413),
        ("GET http://[/v1/payments", {}, 400),
        ("GET /v1/payments", {"X-Odd": "\xe6"}, 401),
        ("BREW /v1/payments", {}, 501),
    ],
)
def test_over_loopback_an_odd_request_is_refused(loopback, request_line, headers, status):
    url = httpx.URL(loopback.base_url)
    head = [f"{request_line} HTTP/1.1", f"Host: {url.host}"]
    head += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection((url.host, url.port), timeout=5) as line:
        line.sendall("\r\n".join([*head, "", ""]).encode("latin-1"))
        assert line.recv(100).split()[1] == str(status).encode()


def test_a_port_can_be_chosen_and_is_free_again_afterwards(till):
    with serve(till.bank.handle) as first:
        port = int(first.rpartition(":")[2])
    with serve(till.bank.handle, port) as again:
        assert again == first


def test_notices_are_posted_until_they_are_taken(till):
    """The shop answers 500 once; the same notice comes again, before the next one."""
    got, all_here = [], Event()

    def shop(request):
        got.append(json.loads(request.content)["type"])
        read(till, Webhook(request.headers, request.content, 0))
        if len(got) == 3:
            all_here.set()
        return httpx.Response(500 if len(got) == 1 else 204)

    till.pay()
    till.capture(4000)
    with serve(shop) as url, post_notices(till.bank, f"{url}/notices", every_s=0.001):
        assert all_here.wait(timeout=10)
    assert got == ["payment.authorised", "payment.authorised", "payment.captured"]


def test_on_leaving_what_still_waits_is_posted(till):
    got = []

    def shop(request):
        got.append(request.content)
        return httpx.Response(204)

    with serve(shop) as url, post_notices(till.bank, url, every_s=3600):
        till.pay()
    assert len(got) == 1


def test_a_shop_that_is_not_there_loses_no_notice(till):
    till.pay()
    with serve(till.bank.handle) as gone:
        pass
    with post_notices(till.bank, gone, every_s=0.001):
        pass
    assert till.bank.deliver(lambda _: None) == 1


def test_the_capabilities_are_the_banks_own(till):
    assert till.provider.capabilities == CAPABILITIES
    assert CAPABILITIES.operations == set(Operation)


def test_its_page_in_the_reference_leaves_nothing_out():
    page = Path(__file__).parents[1] / "docs" / "reference" / "simulated-bank.md"
    prose = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    told = " ".join(re.findall(r"`([^`]+)`", prose))
    own = {name for name in dir(SimulatedBank) if not name.startswith("_")}
    names = own | {fault.name for fault in Fault} | {*METHODS, *State, *TEST_CARDS}
    assert {name for name in names if not re.search(rf"\b{name}\b", told)} == {
        "capabilities",
        "handle",
    }
