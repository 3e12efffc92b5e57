"""The shop's own invoices: what they ask for and when, under which number, and what is left."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.desk import CUSTOMER, MUG, MUGS_AND_BOOK, database
from tests.heart import ADDRESS, CODE, SHOP, Sale, nok

from checkoutflow import AsyncCheckoutFlow, CheckoutFlow
from checkoutflow.cart import Cart
from checkoutflow.checkout import commands as c
from checkoutflow.checkout import events as e
from checkoutflow.checkout.evolve import evolve, replay
from checkoutflow.checkout.invoice import InvoiceState
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.messages import messages
from checkoutflow.checkout.timers import timers
from checkoutflow.checkout.view import view_of
from checkoutflow.cli.show import _open as still_open
from checkoutflow.errors import (
    CheckoutError,
    IdempotencyConflict,
    InvalidInput,
    NotFound,
    UsageError,
)
from checkoutflow.money import Money
from checkoutflow.payment.outcomes import Outcome
from checkoutflow.payment.references import InvalidReference
from checkoutflow.shop import Shop
from checkoutflow.stores.memory import MemoryStore
from checkoutflow.stores.sql import open_store
from checkoutflow.testing.clock import Clock

if TYPE_CHECKING:
    from checkoutflow.checkout.state import Payment

TODAY = date(2026, 11, 21)
CURRENCIES = {"DK": "DKK", "SE": "SEK", "NO": "NOK", "FI": "EUR", "IS": "ISK", "AX": "EUR"}


def a_shop(**more: Any) -> Shop:
    """A shop that sells on invoice everywhere, with an agreement in every country that has one."""
    return Shop.read(
        {
            "name": "Fjord",
            "markets": [*CURRENCIES],
            "methods": [
                {"id": "own_invoice", "identifies": True, **more.pop("method", {})},
                {"id": "gift_card", "provider": "bank"},
            ],
            "references": [
                {"kind": "fik", "creditor": "81234567"},
                {"kind": "ocr", "level": "hard"},
                {"kind": "kid", "method": "mod11", "length": 12},
                {"kind": "viite"},
            ],
            "deliveries": [
                {"id": "parcel", "prices": [f"{n} {cur}" for cur, n in _FEES.items()], "name": "P"}
            ],
            **more,
        }
    )


_FEES = {"DKK": "49.00", "SEK": "49.00", "NOK": "49.00", "EUR": "4.90", "ISK": "490"}


def a_sale(market: str = "NO", **more: Any) -> Sale:
    """An order on invoice: two mugs and a lamp for 549, before any of it has left."""
    price = {"EUR": ("10.00", "30.00"), "ISK": ("1000", "3000")}
    mug, lamp = price.get(CURRENCIES[market], ("100.00", "300.00"))
    cart = {
        "lines": [
            {"sku": "mug", "name": "Mug", "quantity": 2, "unit_price": mug},
            {"sku": "lamp", "name": "Lamp", "quantity": 1, "unit_price": lamp},
        ]
    }
    for line in cart["lines"]:
        line["unit_price"] = f"{line['unit_price']} {CURRENCIES[market]}"
    return Sale(Cart.read(cart), shop=a_shop(**more), market=market).placed("own_invoice")


def after(sale: Sale, *commands: c.Command) -> list[tuple[int, ...]]:
    """What each invoice asks for, what was credited, what is open and what is owed, in kroner."""
    sale.do(*commands)
    return [
        tuple(money.minor // 100 for money in (item.amount, item.credited, item.open, item.owed))
        for item in sale.state.invoices
    ]


def paid(kroner: float, invoice: int = 1001, on: date = TODAY) -> c.RecordPayment:
    return c.RecordPayment(invoice=invoice, amount=nok(kroner), received_on=on)


def called(sale: Sale) -> list[str]:
    return [item.reason for item in sale.state.attention]


# Issuing --------------------------------------------------------------------------------------


def test_an_invoice_is_issued_for_what_has_left_and_not_before():
    sale = a_sale()
    assert sale.state.phase is Phase.CONFIRMED
    assert not sale.state.invoices
    sale.do(c.Ship(lines={"mug": 1}))
    assert sale.happened == ["shipment_started", "payment_captured", "shipped", "invoice_issued"]
    sale.do(c.Ship())
    first, second = sale.state.invoices
    assert (first.number, first.shipment, first.payment) == (1001, "s1", "pay1a")
    assert (second.number, second.shipment) == (1002, "s2")
    assert first.amount + second.amount == sale.state.total
    assert first.state is second.state is InvoiceState.OPEN


def test_goods_that_are_not_sent_are_not_invoiced():
    sale = a_sale()
    assert after(sale, c.Ship(lines={"lamp": 1}), c.Cancel()) == [(329, 0, 329, 0)]
    assert not a_sale().do(c.Cancel()).state.invoices


def test_a_payment_that_somebody_else_takes_has_no_invoice():
    sale = Sale().confirmed().do(c.Ship()).succeed()
    assert sale.payment.terms is None
    assert not sale.state.invoices


def test_what_the_shop_trusts_without_terms_has_no_invoice():
    shop = SHOP.model_dump(mode="json")
    shop["methods"] = [{"id": "till", "kind": "card"}]
    sale = Sale(shop=Shop.read(shop)).placed("till").do(c.Ship())
    assert sale.state.phase is Phase.FULFILLED
    assert not sale.state.invoices


def with_gift_card(kroner: float) -> Sale:
    sale = Sale(shop=a_shop()).do(c.Provide(fields=ADDRESS), c.ChoosePayment(method="own_invoice"))
    return sale.do(CODE, c.AddCredit(method="gift_card", amount=nok(kroner))).place().succeed()


def test_the_invoice_asks_only_for_what_the_gift_card_does_not_cover():
    sale = with_gift_card(200)
    sale.do(c.Ship(lines={"mug": 1})).succeed()  # 109.80, all of it from the card
    assert not sale.state.invoices
    sale.do(c.Ship())
    assert not sale.state.invoices, "the card has not answered, so nothing has left"
    sale.hear(Outcome.SUCCEEDED)
    assert [item.amount for item in sale.state.invoices] == [nok(349)]
    assert sale.state.books.captured == sale.state.total.minor


def test_a_shipment_that_its_card_does_not_pay_is_not_invoiced():
    sale = with_gift_card(200).do(c.Ship()).hear(Outcome.DECLINED)
    assert sale.happened == ["attempt_failed", "shipment_failed"]
    assert not sale.state.invoices
    sale.do(c.Ship(lines={"mug": 1}))  # paid from what was taken for the one that failed
    assert [item.amount for item in sale.state.invoices] == [nok(109.8)]
    sale.do(c.Ship()).succeed()
    assert sum(item.amount.minor for item in sale.state.invoices) == nok(349).minor


def test_what_was_taken_and_never_left_is_given_back_without_a_credit_note():
    sale = with_gift_card(200).do(c.Ship()).hear(Outcome.DECLINED)
    sale.do(c.Ship(lines={"mug": 1}), c.Cancel()).succeed()
    (invoice,) = sale.state.invoices
    assert invoice.open == nok(109.8)
    assert invoice.credit_notes == ()
    own = next(item for item in sale.state.payments if item.terms)
    assert own.books.refundable == nok(109.8)


def test_a_shipment_whose_card_fails_later_is_invoiced_where_the_invoice_takes_over():
    sale = with_gift_card(200).do(c.Ship(lines={"lamp": 1})).succeed()
    assert [item.amount for item in sale.state.invoices] == [nok(129.4)]
    card = sale.state.payments[0]
    failed = e.CaptureFailed(payment=card.id, attempt=card.attempts[-1].id, amount=nok(200))
    gone = e.PaymentVoided(payment=card.id, amount=nok(200), origin="provider")
    for event in (failed, gone):
        sale.state = evolve(sale.state, event)
    sale.do(c.CaptureAgain(shipment="s1"))
    assert sale.happened[-3:-1] == ["shipment_paid_again", "invoice_issued"]
    assert [item.amount for item in sale.state.invoices] == [nok(129.4), nok(200)]


MONTH_END = {"last_banking_day": True, "months_after": 0, "at_least_days": 14}


@pytest.mark.parametrize(
    ("market", "at", "terms", "issued", "due", "reminded"),
    [
        # The default: fourteen days, or the banking day before.
        ("NO", "2026-11-24T12:00", None, "2026-11-24", "2026-12-08", "2026-12-09"),
        ("NO", "2026-11-21T12:00", None, "2026-11-21", "2026-12-04", "2026-12-07"),
        # A quarter to midnight in Oslo is the same day; a quarter past is the next, in summer too.
        ("NO", "2026-11-24T22:45", None, "2026-11-24", "2026-12-08", "2026-12-09"),
        ("NO", "2026-11-24T23:15", None, "2026-11-25", "2026-12-09", "2026-12-10"),
        ("NO", "2026-07-14T22:15", None, "2026-07-15", "2026-07-29", "2026-07-30"),
        ("FI", "2026-11-24T22:15", None, "2026-11-25", "2026-12-09", "2026-12-10"),
        ("IS", "2026-11-24T23:15", None, "2026-11-24", "2026-12-08", "2026-12-09"),
        # Christmas: due on its eve would be closed in Sweden.
        ("SE", "2026-12-10T12:00", {"days": 14}, "2026-12-10", "2026-12-28", "2026-12-29"),
        ("SE", "2026-11-21T12:00", MONTH_END, "2026-11-21", "2026-12-30", "2027-01-04"),
        ("DK", "2026-11-21T12:00", {"days": 0}, "2026-11-21", "2026-11-23", "2026-11-24"),
    ],
)
def test_an_invoice_is_dated_and_due_by_the_calendar_of_its_market(
    market, at, terms, issued, due, reminded
):
    sale = a_sale(market, method={"terms": terms} if terms else {}, is_sme=True)
    sale.now = datetime.fromisoformat(f"{at}+00:00")
    (invoice,) = sale.do(c.Ship()).state.invoices
    assert str(invoice.issued_on) == issued
    assert str(invoice.due_on) == due
    assert invoice.remind_at == datetime.fromisoformat(f"{reminded}T12:00+00:00")


def test_the_terms_are_those_of_the_day_on_which_the_customer_agreed():
    sale = a_sale()
    sale.rules = type(sale.rules)(
        a_shop(method={"terms": {"days": 1}}), sale.rules.law, sale.rules.capabilities
    )
    assert sale.do(c.Ship()).state.invoices[0].due_on == date(2026, 12, 4)


@pytest.mark.parametrize(
    ("market", "number", "reference", "as_typed"),
    [
        ("DK", 1001, "000000000100107", "+71<000000000100107+81234567<"),
        ("SE", 1001, "100107", "100107"),
        ("NO", 1001, "000000100102", "000000100102"),
        ("NO", 1002, "000000100218", "000000100218"),  # for 10020 the check would be a hyphen
        ("FI", 1001, "100104", "1 00104"),
        ("AX", 1001, "100104", "1 00104"),
        ("IS", 1001, "1001", "1001"),
    ],
)
def test_every_country_quotes_the_number_in_its_own_way(market, number, reference, as_typed):
    sale = a_sale(market)
    sale.first_invoice = number
    (invoice,) = sale.do(c.Ship()).state.invoices
    assert invoice.reference == reference
    assert invoice.scheme == {"AX": "FI", "IS": ""}.get(market, market)
    assert called(sale) == []
    (seen,) = view_of(sale.state, sale.rules, "en_GB", sale.now).invoices
    assert (seen.reference, seen.reference_text) == (reference, as_typed)


def test_a_reference_of_an_agreement_that_has_changed_is_shown_as_it_is():
    sale = a_sale("SE").do(c.Ship())
    shop = a_shop(references=[{"kind": "ocr", "level": "fixed_length", "lengths": [12]}])
    (seen,) = view_of(
        sale.state, type(sale.rules)(shop, sale.rules.law), "sv_SE", sale.now
    ).invoices
    assert seen.reference_text == "100107"


@pytest.mark.parametrize(
    ("market", "scheme", "number"),
    [
        ("NO", {"kind": "kid", "method": "mod10", "length": 5}, 1001),
        ("FI", {"kind": "viite"}, 9),
    ],
)
def test_where_the_number_does_not_fit_the_agreement_a_person_is_called(market, scheme, number):
    sale = a_sale(market, references=[scheme])
    sale.first_invoice = number
    (invoice,) = sale.do(c.Ship()).state.invoices
    assert (invoice.scheme, invoice.reference) == ("", str(number))
    assert called(sale) == ["no_reference"]


# Paying ---------------------------------------------------------------------------------------

S = InvoiceState


@pytest.mark.parametrize(
    ("arrived", "state", "left", "owed"),
    [
        ((), S.OPEN, 549, 0),
        ((100,), S.PART_PAID, 449, 0),
        ((100, 449), S.PAID, 0, 0),
        ((549.01,), S.OVERPAID, 0, 0.01),
        ((549, 549), S.OVERPAID, 0, 549),
        ((549, 549, -549), S.PAID, 0, 0),  # the shop paid it back
        ((549, -549), S.OPEN, 549, 0),  # it was another invoice's
    ],
)
def test_what_arrives_is_set_against_the_invoice(arrived, state, left, owed):
    sale = a_sale().do(c.Ship())
    for kroner in arrived:
        sale.do(paid(kroner))
    (invoice,) = sale.state.invoices
    assert (invoice.state, invoice.open, invoice.owed) == (state, nok(left), nok(owed))
    assert called(sale) == (["owed_to_customer"] if owed else [])


def test_a_person_is_called_once_and_until_nothing_is_owed():
    sale = a_sale().do(c.Ship(lines={"mug": 2}), c.Ship())
    sale.do(paid(300), paid(400, 1002))
    assert [item.open for item in sale.state.invoices] == [nok(0), nok(0)]
    assert called(sale) == ["owed_to_customer"]
    sale.do(paid(-80.4))
    assert called(sale) == ["owed_to_customer"], "the other invoice is overpaid as well"
    sale.do(paid(-70.6, 1002))
    assert called(sale) == []


@pytest.mark.parametrize(
    ("command", "error", "match"),
    [
        (paid(1, 7), NotFound, "no invoice 7"),
        (paid(0), InvalidInput, "amount"),
        (paid(-1), UsageError, "only 0.00 NOK has arrived for invoice 1001"),
        (paid(1, on=date(2026, 11, 22)), InvalidInput, "received_on: lies in the future"),
        (
            c.RecordPayment(invoice=1001, amount=Money(1, "SEK"), received_on=TODAY),
            InvalidInput,
            "this invoice is in NOK",
        ),
    ],
)
def test_a_payment_that_cannot_be_is_refused(command, error, match):
    sale = a_sale().do(c.Ship())
    before = sale.state
    with pytest.raises(error, match=match):
        sale.do(command)
    assert sale.state == before


def test_nothing_arrives_for_an_order_that_was_never_invoiced():
    with pytest.raises(NotFound, match="no invoice 1001"):
        a_sale().do(paid(1))


# Crediting ------------------------------------------------------------------------------------

MUGS = c.Ship(lines={"mug": 2})  # 219.60, invoice 1001
REST = c.Ship()  # 329.40, invoice 1002


@pytest.mark.parametrize(
    ("refund", "credited"),
    [
        # What came back is credited where it was invoiced.
        (c.Refund(lines={"lamp": 1}), (0, 329.4)),
        (c.Refund(lines={"mug": 1}), (109.8, 0)),
        (c.Refund(lines={"mug": 2, "lamp": 1}), (219.6, 329.4)),
        # A plain amount: the newest first, as far as it goes.
        (c.Refund(amount=nok(50)), (0, 50)),
        (c.Refund(amount=nok(400)), (70.6, 329.4)),
    ],
)
def test_what_is_given_back_is_credited(refund, credited):
    sale = a_sale().do(MUGS, REST, refund)
    assert tuple(item.credited for item in sale.state.invoices) == tuple(map(nok, credited))
    assert sale.state.books.refunded == sum(nok(part).minor for part in credited)
    assert sale.state.refunds[-1].state == "done"
    assert called(sale) == []


def test_credit_notes_are_numbered_in_the_series_of_invoices():
    sale = a_sale().do(MUGS, REST, c.Refund(lines={"mug": 1, "lamp": 1}))
    notes = [(note.number, note.issued_on) for i in sale.state.invoices for note in i.credit_notes]
    assert notes == [(1003, TODAY), (1004, TODAY)]


def test_units_of_one_line_come_back_as_they_left():
    sale = a_sale().do(c.Ship(lines={"mug": 1}), c.Ship())
    assert after(sale, c.Refund(lines={"mug": 1}))[0] == (109, 109, 0, 0)
    assert after(sale, c.Refund(lines={"mug": 1}))[1] == (439, 109, 329, 0)


def test_a_plain_amount_is_credited_first_where_most_is_still_to_be_paid():
    sale = a_sale().do(MUGS, REST, paid(329.4, 1002))
    assert after(sale, c.Refund(amount=nok(50))) == [(219, 50, 169, 0), (329, 0, 0, 0)]
    assert called(sale) == []


def test_what_was_paid_and_is_credited_is_owed_to_the_customer():
    sale = a_sale().do(REST, paid(549), c.Refund(lines={"lamp": 1}))
    (invoice,) = sale.state.invoices
    assert (invoice.state, invoice.owed) == (S.OVERPAID, nok(329.4))
    assert called(sale) == ["owed_to_customer"]
    sale.do(paid(-329.4))
    assert (invoice := sale.state.invoices[0]).state is S.PAID
    assert invoice.paid == nok(219.6)
    assert called(sale) == []


def test_what_is_paid_after_it_was_credited_is_owed_too():
    sale = a_sale().do(REST, c.Refund(amount=nok(549)))
    assert sale.state.invoices[0].state is S.CREDITED
    sale.do(paid(549))
    assert (sale.state.invoices[0].state, called(sale)) == (S.OVERPAID, ["owed_to_customer"])


def test_the_gift_card_is_filled_up_after_the_invoice_is_credited():
    sale = with_gift_card(200).do(c.Ship()).succeed()
    sale.do(c.Refund(lines={"mug": 2, "lamp": 1})).succeed()
    assert [item.credited for item in sale.state.invoices] == [nok(349)]
    assert sale.state.payments[0].books.refunded == nok(200).minor


# In time and not in time ----------------------------------------------------------------------


def test_the_shop_is_told_once_that_an_invoice_is_overdue():
    sale = a_sale().do(c.Ship())
    due = sale.state.invoices[0].remind_at
    assert timers(sale.state, sale.rules.shop) == {"overdue": due}
    sale.now = due - timedelta(microseconds=1)
    assert sale.do(c.PassTime()).happened == []
    sale.now = due
    assert sale.do(c.PassTime()).happened == ["invoice_overdue"]
    assert messages(sale.events, frozenset({"invoice_overdue"})) == ("invoice_overdue",)
    assert timers(sale.state, sale.rules.shop) == {}
    assert sale.wait(days=30).do(c.PassTime()).happened == []


@pytest.mark.parametrize(
    ("settled", "told"),
    [
        ((paid(549),), False),
        ((paid(548),), True),
        ((c.Refund(amount=nok(549)),), False),
        ((c.Refund(amount=nok(100)), paid(449)), False),
        ((paid(549), paid(-549)), True),
    ],
)
def test_only_an_invoice_with_something_open_is_overdue(settled, told):
    sale = a_sale().do(c.Ship(), *settled)
    assert ("overdue" in timers(sale.state, sale.rules.shop)) is told
    assert (sale.wait(days=60).do(c.PassTime()).happened == ["invoice_overdue"]) is told


# What people see ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locale", "due", "status", "late"),
    [
        ("en_GB", "4 December 2026", "To be paid", "Overdue"),
        ("da_DK", "4. december 2026", "Skal betales", "Forfalden"),
        ("sv_SE", "4 december 2026", "Att betala", "Förfallen"),
        ("nb_NO", "4. desember 2026", "Skal betales", "Forfalt"),
        ("nn_NO", "4. desember 2026", "Skal betalast", "Forfallen"),
        ("fi_FI", "4. joulukuuta 2026", "Maksettava", "Erääntynyt"),
        ("is_IS", "4. desember 2026", "Ógreiddur", "Gjaldfallinn"),
    ],
)
def test_the_customer_reads_what_to_pay_and_by_when(locale, due, status, late):
    sale = a_sale().do(c.Ship(lines={"lamp": 1}))
    (seen,) = view_of(sale.state, sale.rules, locale, sale.now).invoices
    assert (seen.due, seen.status, seen.is_overdue) == (due, status, False)
    assert seen.open.minor == seen.amount.minor == 32940
    assert seen.open.text == nok(329.4).format(locale)
    sale.now = datetime(2026, 12, 4, 22, 59, tzinfo=UTC)
    assert not view_of(sale.state, sale.rules, locale, sale.now).invoices[0].is_overdue
    sale.now = datetime(2026, 12, 4, 23, 0, tzinfo=UTC)  # midnight in Oslo
    (seen,) = view_of(sale.state, sale.rules, locale, sale.now).invoices
    assert (seen.status, seen.is_overdue) == (late, True)


@pytest.mark.parametrize(
    ("commands", "status", "code"),
    [
        ((paid(100),), "Paid in part", "part_paid"),
        ((paid(549),), "Paid", "paid"),
        ((paid(600),), "Paid too much: we will pay it back", "overpaid"),
        ((c.Refund(amount=nok(549)),), "Credited", "credited"),
    ],
)
def test_the_customer_reads_how_an_invoice_stands(commands, status, code):
    sale = a_sale().do(c.Ship(), *commands)
    (seen,) = view_of(sale.state, sale.rules, "en_GB", sale.now).invoices
    assert (seen.status, seen.state) == (status, code)


def test_the_shop_is_shown_what_is_open_and_what_is_owed():
    sale = a_sale().do(MUGS, REST, paid(229.6))
    assert list(still_open(sale.state)) == [
        "Invoice 1001: 10.00 NOK too much was paid; pay it back.",
        "Invoice 1002: 329.40 NOK is to be paid by 2026-12-04.",
        "A person should look at payment pay1a…: owed to customer.",
    ]


# Whatever happens -----------------------------------------------------------------------------

units = st.dictionaries(st.sampled_from(["mug", "lamp"]), st.integers(1, 2), min_size=1)
steps = st.one_of(
    units.map(lambda lines: c.Ship(lines=lines)),
    units.map(lambda lines: c.Cancel(lines=lines)),
    units.map(lambda lines: c.Refund(lines=lines)),
    st.integers(1, 60_000).map(lambda minor: c.Refund(amount=Money(minor, "NOK"))),
    st.builds(
        c.RecordPayment,
        invoice=st.integers(1001, 1004),
        amount=st.integers(-30_000, 60_000).map(lambda minor: Money(minor, "NOK")),
        received_on=st.just(TODAY),
    ),
    st.just(c.PassTime()),
)


def an_order(kroner: int) -> Sale:
    return with_gift_card(kroner) if kroner else a_sale()


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([0, 1, 200]), st.lists(st.tuples(steps, st.booleans()), max_size=12))
def test_the_sums_are_right_however_it_is_shipped_cancelled_returned_and_paid(card, doing):
    sale = an_order(card)
    state = sale.state
    commits = []
    for command, succeeds in doing:
        with suppress(CheckoutError):
            commits.append(sale.do(command).events)
        while sale.open:
            outcome = Outcome.SUCCEEDED if succeeds else Outcome.DECLINED
            commits.append(sale.hear(outcome).events)
        invoices = sale.state.invoices
        own = own_payment(sale)
        if sale.state.phase is Phase.FULFILLED:
            issued_less_credited = sum(item.claim.minor for item in invoices)
            assert issued_less_credited == own.books.refundable.minor
        assert sale.state.uninvoiced(own).minor >= 0
        for item in invoices:
            assert item.paid + item.open - item.owed == item.amount - item.credited
            assert min(item.paid, item.open, item.owed, item.claim).minor >= 0
            assert item.open.is_zero or item.owed.is_zero
        assert any(item.owed.minor for item in invoices) == ("owed_to_customer" in called(sale))
        shipped = {item.shipment: item.amount for item in invoices}
        for shipment in sale.state.shipments:
            asked = shipped.get(shipment.id, nok(0))
            assert asked <= shipment.amount
            if not card and shipment.state == "done":
                assert asked == shipment.amount
    for events in commits:
        for event in events:
            state = evolve(state, event)
        assert e.from_json(e.to_json(events)) == events
    assert state == sale.state


def own_payment(sale: Sale) -> Payment:
    return next(item for item in sale.state.payments if item.terms is not None)


@pytest.mark.parametrize(
    "event",
    [
        e.CreditNoteIssued(credit_note=9, invoice=1001, amount=nok(330), issued_on=TODAY),
        e.CreditNoteIssued(credit_note=9, invoice=7, amount=nok(1), issued_on=TODAY),
        e.PaymentRecorded(invoice=7, amount=nok(1), received_on=TODAY),
        e.InvoiceOverdue(invoice=7),
        e.InvoiceIssued(
            invoice=1002,
            payment="pay1a",
            shipment="s1",
            amount=nok(0.01),
            issued_on=TODAY,
            due_on=TODAY,
            remind_at=datetime(2026, 12, 1, tzinfo=UTC),
            reference="1",
            scheme="",
        ),
    ],
    ids=lambda event: f"{event.type} {event.invoice}",
)
def test_what_cannot_be_is_refused_on_replay(event):
    sale = a_sale().do(c.Ship(lines={"lamp": 1}))
    with pytest.raises(UsageError):
        evolve(sale.state, event)


# Through the flow, over both stores -----------------------------------------------------------

ON_INVOICE = a_shop(
    methods=[{"id": "own_invoice"}], review={}, messages=["invoice_overdue", "attention"]
)


@pytest.fixture(params=["memory", "sqlite"])
def store(request):
    if request.param == "memory":
        yield MemoryStore()
    else:
        with database() as file:
            store = open_store(file)
            yield store
            store.close()


@pytest.fixture
def clock():
    return Clock(datetime(2026, 11, 21, 12, 0, tzinfo=UTC))


@pytest.fixture
def flow(store, clock):
    return CheckoutFlow(ON_INVOICE, store=store, clock=clock)


def sold(flow, market="DK", cart=MUG):
    checkout = flow.start(cart, market=market, details=CUSTOMER, payment="own_invoice")
    flow.place(checkout.id, accepted_total=checkout.total)
    return flow.ship(checkout.id)


def test_all_orders_share_one_series_and_each_is_found_by_its_reference(flow, store):
    orders = [sold(flow) for _ in range(3)]
    flow.refund(orders[0].id, amount=Money(1000, "DKK"))
    orders.append(sold(flow))
    numbers = [order.invoices[0].number for order in orders]
    assert numbers == [1001, 1002, 1003, 1005]
    (note,) = flow.load(orders[0].id).invoices[0].credit_notes
    assert note.number == 1004
    for order in orders:
        (seen,) = flow.view(order.id).invoices
        found, invoice = flow.find_invoice(seen.reference_text, market="DK")
        assert found.id == order.id
        assert flow.find_invoice(f" {seen.reference}", market="DK") == (found, invoice)
    assert replay(entry.events for entry in store.journal(orders[0].id)) == store.load(orders[0].id)


def test_a_reference_copied_wrong_says_so_and_an_unknown_one_is_not_found(flow):
    sold(flow)
    with pytest.raises(InvalidReference, match="check digit"):
        flow.find_invoice("000000000100106", market="DK")
    with pytest.raises(NotFound, match="no invoice has this reference"):
        flow.find_invoice("+71<000000000100206+81234567<", market="DK")
    with pytest.raises(NotFound):
        flow.find_invoice("100107", market="SE")


def test_where_there_is_no_scheme_the_number_is_the_reference(flow):
    mug = {"sku": "mug", "name": "Mug", "quantity": 1, "unit_price": "2000 ISK"}
    details = {**CUSTOMER, "postal_code": "101"}
    checkout = flow.start(
        Cart.read({"lines": [mug]}), market="IS", details=details, payment="own_invoice"
    )
    flow.place(checkout.id, accepted_total=checkout.total)
    flow.ship(checkout.id)
    found, invoice = flow.find_invoice("1001 ", market="IS")
    assert (found.id, invoice.number) == (checkout.id, 1001)


def test_a_payment_under_one_key_counts_once(flow, clock):
    checkout = sold(flow)
    entry = {"invoice": 1001, "amount": Money(5000, "DKK"), "received_on": clock().date()}
    for _ in range(2):
        checkout = flow.record_payment(checkout.id, **entry, idempotency_key="statement 7, 1")
    assert checkout.invoices[0].paid == Money(5000, "DKK")
    checkout = flow.record_payment(checkout.id, **entry, idempotency_key="statement 7, 2")
    assert checkout.invoices[0].paid == Money(10000, "DKK")
    with pytest.raises(IdempotencyConflict):
        flow.record_payment(
            checkout.id, **{**entry, "invoice": 1002}, idempotency_key="statement 7, 2"
        )


def test_the_first_number_is_the_shops_to_choose(store, clock):
    old = CheckoutFlow(ON_INVOICE.but(first_invoice=7), store=store, clock=clock)
    assert sold(old).invoices[0].number == 7
    new = CheckoutFlow(ON_INVOICE.but(first_invoice=5), store=store, clock=clock)
    assert sold(new).invoices[0].number == 8


def test_due_work_tells_of_an_overdue_invoice_once(flow, clock):
    checkout = sold(flow)
    kept = sold(flow)
    flow.record_payment(kept.id, invoice=1002, amount=kept.total, received_on=clock().date())
    for _ in range(3):
        clock.move_to(clock() + timedelta(days=20))
        assert flow.run_due().failed == ()
    assert [(item.checkout, item.kind) for item in flow.messages()] == [
        (checkout.id, "invoice_overdue")
    ]


def test_however_many_are_shipped_at_once_the_series_has_no_gap(store, clock):
    flow = CheckoutFlow(ON_INVOICE, store=store, clock=clock)
    orders = []
    for _ in range(40):
        checkout = flow.start(MUGS_AND_BOOK, market="DK", details=CUSTOMER, payment="own_invoice")
        orders.append(flow.place(checkout.id, accepted_total=checkout.total))

    async def ship_all():
        many = AsyncCheckoutFlow(ON_INVOICE, store=store, clock=clock)
        calls = [many.ship(order.id, {"book": 1}) for order in orders]
        calls += [many.ship(order.id, {"mug": 1}) for order in orders]
        await asyncio.gather(*calls)

    asyncio.run(ship_all())
    numbers = [item.number for order in orders for item in flow.load(order.id).invoices]
    assert sorted(numbers) == [*range(1001, 1081)]
