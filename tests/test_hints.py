"""What the flow says to what a customer is typing: advice in their language, never in the way."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import timedelta
from threading import Event
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkoutflow import (
    AsyncCheckoutFlow,
    Cart,
    CheckoutFlow,
    InvalidInput,
    MemoryStore,
    NotFound,
    Shop,
    open_store,
)
from checkoutflow.flow import hinting
from checkoutflow.flow.hinting import PATIENCE, Hint
from checkoutflow.privacy.fields import FIELDS
from checkoutflow.testing import Clock, registers
from checkoutflow.testing.registers import AUTHORITIES, BANKRUPT, NOBODYS, handle
from checkoutflow.testing.serve import serve

if TYPE_CHECKING:
    from collections.abc import Callable

BASE = "https://registers.example"
SHOP = Shop.read(
    {
        "name": "Fjordbutikken",
        "markets": ["NO", "DK", "SE", "FI", "GL"],
        "methods": [{"id": "own_invoice", "name": "Faktura"}],
        "deliveries": [
            {"id": "home", "name": "Home", "prices": ["39 NOK", "39 DKK", "39 SEK", "4 EUR"]},
            {
                "id": "shop",
                "name": "Shop",
                "to": "pickup",
                "prices": ["0 NOK", "0 DKK", "0 SEK", "0 EUR"],
            },
        ],
    }
)
CURRENCIES = {"NO": "NOK", "SE": "SEK", "FI": "EUR", "DK": "DKK", "GL": "DKK"}
HAVNEGATA = {"street": "Havnegata 48", "postal_code": "8900", "city": "Brønnøysund"}
LANGELINIE = {"street": "Langelinie Allé 17", "postal_code": "2100", "city": "København Ø"}


class Till:
    """A flow whose registers are the stand-ins or what a test puts in their place; either driver.

    Args:
        driver: Which flow.
        answer: Answers requests.
    """

    def __init__(
        self, driver: type, answer: Callable[[httpx.Request], httpx.Response] = handle, **more: Any
    ) -> None:
        self.clock = Clock()
        self.sent: list[httpx.Request] = []

        def count(request: httpx.Request) -> httpx.Response:
            self.sent.append(request)
            return answer(request)

        is_async = driver is AsyncCheckoutFlow
        self.runner = asyncio.Runner() if is_async else None
        client = httpx.AsyncClient if is_async else httpx.Client
        self.store = more.pop("store", None) or MemoryStore()
        more.setdefault("registers", registers.adapters(BASE))
        http = client(transport=httpx.MockTransport(count))
        self.flow = driver(SHOP, store=self.store, clock=self.clock, http=http, **more)

    def call(self, call: str, /, *arguments: Any, **options: Any) -> Any:
        answer = getattr(self.flow, call)(*arguments, **options)
        return self.runner.run(answer) if self.runner else answer

    def start(self, market: str = "NO", customer: str = "consumer", delivery: str = "home") -> str:
        line = {"sku": "m", "name": "M", "quantity": 1, "unit_price": f"100 {CURRENCIES[market]}"}
        cart = Cart.read({"lines": [line]})
        sale = self.call("start", cart, market=market, customer=customer, delivery=delivery)
        found: str = sale.id
        return found

    def hints(self, checkout: str, /, **typed: str) -> list[Hint]:
        return list(self.call("hints", checkout, **typed))

    def close(self) -> None:
        closing = self.flow.close()
        if self.runner:
            self.runner.run(closing)
            self.runner.close()


@pytest.fixture(params=[CheckoutFlow, AsyncCheckoutFlow])
def till(request):
    made = []

    def make(answer=handle, **more):
        made.append(Till(request.param, answer, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


def codes(hints):
    return [(hint.field, hint.kind, hint.code) for hint in hints]


# --- without a register ---------------------------------------------------------------------------


def test_what_is_unlikely_or_mistyped_is_said_without_a_register(till):
    shop = till(registers=())
    sale = shop.start("DK")
    hints = shop.hints(sale, name="Person 1", street="Bakki", email="post@hotmial.com", phone="1")
    assert codes(hints) == [
        ("name", "unlikely", "name_with_digits"),
        ("street", "unlikely", "street_without_number"),
        ("email", "suggestion", "mistyped"),
    ]
    assert hints[0].text == "Der er et tal i navnet. Er det rigtigt?"
    assert hints[2].text == "Mente du post@hotmail.com?"
    assert hints[2].proposals == ({"email": "post@hotmail.com"},)
    assert shop.sent == []


def test_a_telephone_that_gets_a_message_should_be_a_mobile(till):
    shop = till()
    for delivery, found in (("home", []), ("shop", [("phone", "unlikely", "phone_not_mobile")])):
        assert codes(shop.hints(shop.start("NO", delivery=delivery), phone="22 22 22 22")) == found


def test_the_language_is_the_checkouts_or_the_one_asked_for(till):
    shop = till()
    sale = shop.start("SE")
    assert shop.hints(sale, name="1 a")[0].text == "Det finns en siffra i namnet. Stämmer det?"
    said = shop.hints(sale, name="1 a", locale="en")[0].text
    assert said == "There is a digit in the name. Is it right?"


@pytest.mark.parametrize("typed", ["", " ", "x" * 5000, "\ud800", "4242 4242 4242 4242", None, 7])
def test_what_cannot_be_is_left_to_provide(till, typed):
    shop = till()
    sale = shop.start("NO", "business")
    contact = FIELDS.keys() - {"login", "email", "organisation", "name"}
    for field in [*contact, "organisation_number"]:
        shop.hints(sale, **{field: typed, "name": "1 a"})
    all_of_it = dict.fromkeys([*contact, "organisation_number"], typed)
    assert codes(shop.hints(sale, **all_of_it, name="1 a"))[0] == (
        "name",
        "unlikely",
        "name_with_digits",
    )
    assert shop.sent == []


def test_a_field_that_nobody_is_asked_for_is_a_mistake_of_the_page(till):
    shop = till()
    with pytest.raises(InvalidInput, match="is not asked of customers") as refused:
        shop.hints(shop.start(), shoe_size="Nøtteskrike", email="Nøtteskrike")
    assert "Nøtteskrike" not in str(refused.value)


def test_there_is_nothing_to_say_after_the_purchase_or_without_a_checkout(till):
    shop = till()
    sale = shop.start()
    shop.call("cancel", sale)
    assert shop.hints(sale, name="1 a", **HAVNEGATA) == []
    with pytest.raises(NotFound):
        shop.hints("nothing", name="1 a")
    assert shop.sent == []


# --- companies ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("market", "proposal"),
    [
        ("NO", {"organisation": "REGISTERENHETEN I BRØNNØYSUND", **HAVNEGATA}),
        ("DK", {"organisation": "ERHVERVSSTYRELSEN", **LANGELINIE}),
        (
            "FI",
            {
                "organisation": "Patentti- ja rekisterihallitus",
                "street": "Sörnäisten rantatie 13 C",
                "postal_code": "00530",
                "city": "Helsinki",
            },
        ),
        ("SE", {"organisation": "Bolagsverket", "postal_code": "85181", "city": "Sundsvall"}),
    ],
)
def test_the_number_of_a_company_fills_in_its_name_and_address(till, market, proposal):
    shop = till()
    sale = shop.start(market, "business")
    [hint] = shop.hints(sale, organisation_number=AUTHORITIES[market], locale="en")
    assert codes([hint]) == [("organisation_number", "found", "company_found")]
    assert hint.proposals == (proposal,)
    assert hint.text == f"This is the number of {proposal['organisation']}."
    assert hint.source in {register.source for register in registers.adapters(BASE)}
    shop.call("provide", sale, **proposal)


def test_only_what_the_sale_needs_is_filled_in(till):
    shop = till()
    sale = shop.start("NO", "business", "shop")
    number = AUTHORITIES["NO"]
    [hint] = shop.hints(sale, organisation_number=number)
    assert hint.proposals == ({"organisation": "REGISTERENHETEN I BRØNNØYSUND"},)
    [hint, *_] = shop.hints(sale, organisation_number=number, city="")
    assert hint.proposals[0].keys() == {"organisation", "city"}


def test_a_company_that_is_not_active_or_not_there_is_asked_about(till):
    shop = till()
    sale = shop.start("FI", "business")
    hints = shop.hints(sale, organisation_number=BANKRUPT["FI"])
    assert [hint.code for hint in hints] == ["company_found", "company_not_active"]
    hints = shop.hints(sale, national_id=NOBODYS["FI"])
    assert codes(hints) == [("national_id", "unlikely", "company_not_found")]


def test_no_number_of_a_person_is_sent_to_anybody(till):
    """A consumer's, and that of somebody who is a company in person."""
    shop = till()
    for customer, number in (
        ("consumer", AUTHORITIES["SE"]),
        ("business", "19890102-3286"),
        ("business", "12"),
    ):
        sale = shop.start("SE", customer)
        assert shop.hints(sale, organisation_number=number, national_id=number) == []
    assert shop.sent == []


# --- towns and addresses --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("market", "typed", "found", "proposal"),
    [
        ("DK", {"postal_code": "2100"}, ("postal_code", "found", "postal_code_found"), "city"),
        (
            "DK",
            {"postal_code": "2100", "city": "Odense"},
            ("city", "suggestion", "postal_code"),
            "city",
        ),
        ("DK", {"postal_code": "2100", "city": "Koebenhavn"}, None, None),
        (
            "DK",
            {"postal_code": "2222"},
            ("postal_code", "unlikely", "postal_code_not_in_use"),
            None,
        ),
        (
            "SE",
            {"postal_code": "99999"},
            ("postal_code", "unlikely", "postal_code_not_in_use"),
            None,
        ),
        ("DK", {"postal_code": "3900", "city": "Nuuk"}, None, None),
        (
            "DK",
            {"street": "Langelinie Allé"},
            ("street", "unlikely", "street_without_number"),
            None,
        ),
        (
            "DK",
            {"street": "Langelinie Allé 17"},
            ("street", "suggestion", "addresses_like_it"),
            "street postal_code city",
        ),
        ("DK", {"street": "Nowhere 17"}, None, None),
        ("NO", HAVNEGATA | {"postal_code": "0150", "city": "Bergen"}, ("city",), "city"),
        ("SE", {"street": "Gatan 1", "postal_code": "114 55", "city": "Stockholm"}, None, None),
    ],
)
def test_what_registers_say_of_places(till, market, typed, found, proposal):
    shop = till()
    sale = shop.start(market)
    hints = shop.hints(sale, **typed)
    assert [it[: len(found)] for it in codes(hints)] == ([found] if found else [])
    assert [" ".join(it) for hint in hints for it in hint.proposals] == [proposal] * bool(proposal)


def test_a_place_with_two_names_offers_both(till):
    def in_two_languages(request):
        found = [{"postal_code": "00100", "city": name} for name in ("HELSINKI", "HELSINGFORS")]
        return httpx.Response(200, json={"postal_codes": found})

    shop = till(in_two_languages)
    [hint] = shop.hints(shop.start("FI"), postal_code="00100", locale="sv_FI")
    assert hint.proposals == ({"city": "Helsinki"}, {"city": "Helsingfors"})
    assert hint.text == "Postnumret hör till Helsinki."


@pytest.mark.parametrize(
    ("typed", "found", "text"),
    [
        (LANGELINIE, ("found", "address_found"), "The register knows this address."),
        (
            LANGELINIE | {"street": "Langeline Allé 17"},
            ("suggestion", "address_misspelt"),
            "Did you mean Langelinie Allé 17, 2100 København Ø?",
        ),
        (
            LANGELINIE | {"street": "Langelinie Allé 99999"},
            ("unlikely", "address_not_found"),
            "The register does not know this address. Is it right?",
        ),
        (
            LANGELINIE | {"street": "Nowhere 1"},
            ("unlikely", "address_not_found"),
            "The register does not know this address. Is it right?",
        ),
    ],
)
def test_an_address_is_known_misspelt_or_not_known(till, typed, found, text):
    shop = till()
    [hint] = shop.hints(shop.start("DK"), **typed, locale="en")
    assert (hint.field, hint.kind, hint.code, hint.text) == ("street", *found, text)
    assert hint.proposals == ((LANGELINIE,) if found[0] == "suggestion" else ())


def test_an_address_is_asked_about_when_the_town_is_settled(till):
    shop = till()
    sale = shop.start("DK")
    for town in ({"city": "Odense"}, {"postal_code": "2222"}):
        before = len(shop.sent)
        assert len(shop.hints(sale, **LANGELINIE | town)) == 1
        assert len(shop.sent) == before + 1


# --- registers in trouble -------------------------------------------------------------------------

ALL = {"organisation_number": AUTHORITIES["DK"], **LANGELINIE}
NOT_AVAILABLE = [
    (field, "unavailable", "not_available")
    for field in ("organisation_number", "postal_code", "street")
]


def lost(request):
    raise httpx.ConnectError("Langelinie Allé")


def broken(request):
    raise KeyError("Langelinie Allé")


TROUBLE = {
    "lost": lost,
    "broken": broken,
    "down": lambda _: httpx.Response(500),
    "refused": lambda _: httpx.Response(403),
    "a page": lambda _: httpx.Response(200, content=b"<html>"),
    "too much": lambda _: httpx.Response(200, content=b"\xff" * 5_000_000),
    "another shape": lambda _: httpx.Response(200, json=[{"kategori": 7}]),
    "elsewhere": lambda _: httpx.Response(302, headers={"location": "https://other.example/"}),
}


@pytest.mark.parametrize("answer", TROUBLE.values(), ids=TROUBLE)
def test_a_register_that_is_down_or_talks_nonsense_is_not_available_and_nothing_more(till, answer):
    shop = till(answer)
    sale = shop.start("DK", "business")
    hints = shop.hints(sale, **ALL, name="1 a", locale="en")
    assert codes(hints) == [("name", "unlikely", "name_with_digits"), *NOT_AVAILABLE]
    assert hints[-1].text == "This cannot be looked up at the moment. Please go on without it."
    shop.call("provide", sale, **LANGELINIE)


def test_what_a_register_can_never_answer_is_not_spoken_of(till):
    shop = till(lambda _: httpx.Response(400))
    assert shop.hints(shop.start("DK", "business"), **ALL) == []


def test_slow_registers_cost_their_time_together(till):
    """The first one takes all of it; the others are not asked."""

    def slow(request):
        shop.clock.advance(seconds=PATIENCE.total_seconds())
        return handle(request)

    shop = till(slow)
    hints = shop.hints(shop.start("DK", "business"), **ALL)
    assert [hint.code for hint in hints] == ["company_found", "not_available", "not_available"]
    assert len(shop.sent) == 1


def test_a_register_that_is_down_is_left_alone_and_what_one_said_is_kept(till):
    def cvr_is_down(request):
        return httpx.Response(503) if "cvr" in str(request.url) else handle(request)

    shop = till(cvr_is_down)
    sale = shop.start("DK", "business")
    for _ in range(3):
        hints = shop.hints(sale, organisation_number=AUTHORITIES["DK"], postal_code="2100")
        assert [hint.code for hint in hints] == ["not_available", "postal_code_found"]
    assert len(shop.sent) == 2


def test_registers_that_hang_never_hold_up_a_customer_for_long():
    gone = Event()

    def hang(request):
        gone.wait(20)
        return httpx.Response(200)

    with serve(hang) as url:
        flow = CheckoutFlow(SHOP, store=MemoryStore(), registers=registers.adapters(url))
        with flow:
            line = {"sku": "m", "name": "M", "quantity": 1, "unit_price": "100 DKK"}
            sale = flow.start(Cart.read({"lines": [line]}), market="DK", customer="business")
            before = flow._clock()
            hints = flow.hints(sale.id, **ALL)
            assert flow._clock() - before < PATIENCE + timedelta(seconds=2)
        gone.set()
    assert codes(hints) == NOT_AVAILABLE


@given(body=st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_any_answer_gives_hints_or_none(body):
    shop = Till(CheckoutFlow, lambda _: httpx.Response(200, json=body))
    sale = shop.start("DK", "business")
    assert {hint.kind for hint in shop.hints(sale, **ALL)} <= {"unavailable", "unlikely", "found"}
    shop.close()


# --- nobody uses the shop to ask the registers ----------------------------------------------------


def test_who_asks_too_often_gets_no_more_out_of_the_registers(till, monkeypatch):
    monkeypatch.setattr(hinting, "ASKED_BY_CLIENT", (3, 600))
    shop = till()
    sales = [shop.start("DK", "business") for _ in range(3)]
    for sale in sales:
        assert shop.hints(sale, postal_code="2100", client="203.0.113.7")[0].kind == "found"
    before = len(shop.sent)
    hints = shop.hints(sales[0], **ALL, name="1 a", client="203.0.113.7")
    assert codes(hints) == [("name", "unlikely", "name_with_digits"), *NOT_AVAILABLE]
    assert len(shop.sent) == before
    assert shop.hints(sales[0], postal_code="2100", client="203.0.113.8")[0].kind == "found"
    shop.clock.advance(seconds=600)
    assert shop.hints(sales[0], postal_code="2100", client="203.0.113.7")[0].kind == "found"


@pytest.mark.parametrize("limit", ["ASKED_IN_CHECKOUT", "ASKED_OF_SHOP"])
def test_neither_one_checkout_nor_all_together_ask_without_end(till, monkeypatch, limit):
    monkeypatch.setattr(hinting, limit, (2, 60))
    shop = till()
    sale, other = shop.start("DK"), shop.start("DK")
    kinds = [shop.hints(sale, postal_code="2100")[0].kind for _ in range(3)]
    assert kinds == ["found", "found", "unavailable"]
    [hint] = shop.hints(other, postal_code="2100")
    assert hint.kind == ("found" if limit == "ASKED_IN_CHECKOUT" else "unavailable")


def test_what_needs_no_register_is_not_counted(till, monkeypatch):
    monkeypatch.setattr(hinting, "ASKED_OF_SHOP", (0, 60))
    shop = till()
    hints = shop.hints(shop.start("DK"), name="1 a")
    assert codes(hints) == [("name", "unlikely", "name_with_digits")]


# --- nothing is kept ------------------------------------------------------------------------------


def test_nothing_that_is_typed_is_kept_printed_or_logged(till, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    store = open_store(tmp_path / "shop.db")
    store.create()
    shop = till(store=store)
    sale = shop.start("DK", "business")
    typed = {**ALL, "email": "solsort@hotmial.com", "street": "Langeline Allé 17"}
    before = shop.call("journal", sale)
    hints = shop.hints(sale, **typed, client="203.0.113.7")
    assert len(hints) == 3
    assert shop.call("journal", sale) == before
    assert shop.call("load", sale).provided == ()
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    printed = f"{hints!r} {hints} {caplog.text}"
    for value in ("solsort", "angelin", "10150817", "ERHVERV", "203.0.113.7"):
        assert value.encode() not in kept
        assert value not in printed
    told = json.loads(hints[-1].model_dump_json())
    assert told["proposals"] == [LANGELINIE]
