"""Nothing personal gets out: values that nobody has go in everywhere, and are then looked for.

Each scene sells, recognises, refuses, erases or breaks something with a planted value in every
field. What it leaves behind is one `Trail`: every line of every logger, every answer and error as
it prints, every address that is asked, what commands write, and the database byte by byte and row
by row. A `Search` knows the planted values in each spelling and coding in which they could lie
there. Where a value may be is said by name: in the body of a request to a provider, in what a shop
reads for a purpose, and in what a person asks to see.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from contextlib import closing, suppress
from datetime import date
from functools import cache, partial
from hashlib import sha256
from io import StringIO
from itertools import product
from typing import TYPE_CHECKING, Any, Final, cast
from unittest.mock import patch
from urllib.parse import quote

import httpx
import pytest
from tests import desk, scenarios
from tests.canaries import (
    BORN,
    CARD_NUMBER,
    CLIENT,
    OF_A_MARKET,
    TRAIL,
    UNSEARCHED,
    VALUES,
    Overheard,
    Told,
    Trail,
    followed,
    planted,
    search_for,
)

from checkoutflow import AsyncCheckoutFlow, Cart, Shop
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.messages import MESSAGES
from checkoutflow.cli import _parser, main, stories
from checkoutflow.cli.files import examples
from checkoutflow.customer import clean
from checkoutflow.errors import CheckoutError, InvalidInput, PurposeRefused, TooManyTries
from checkoutflow.flow.registers import AsyncRegisters, Registers
from checkoutflow.issuers.oidc import OpenIdConnect
from checkoutflow.law import Law
from checkoutflow.money import Money
from checkoutflow.payment.catalogue import catalogue
from checkoutflow.payment.outcomes import Standing
from checkoutflow.privacy.consent import Consent
from checkoutflow.privacy.fields import FIELDS, Purpose
from checkoutflow.privacy.vault import Keys
from checkoutflow.providers.registry import ADAPTERS
from checkoutflow.providers.simulated_bank import SimulatedBankProvider
from checkoutflow.providers.stored_value import StoredValue
from checkoutflow.stores.ledger import MemoryLedger
from checkoutflow.stores.schema import METADATA
from checkoutflow.stores.sql import open_store
from checkoutflow.stores.sql_ledger import SqlLedger
from checkoutflow.testing import Clock, Fault, registers
from checkoutflow.testing.bank import SimulatedBank
from checkoutflow.testing.driver import SteppingFlow
from checkoutflow.testing.issuer import SUBJECT, IssuerFault, SimulatedIssuer, approve, decline
from checkoutflow.testing.standins import SOLD, open_stand_in
from checkoutflow.testing.standins.faults import FATES, LOOKUPS
from checkoutflow.testing.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.stores.sql import SqlStore
    from checkoutflow.testing.driver import SteppingFlow
    from checkoutflow.testing.standins.base import StandIn

# Where it is played ---------------------------------------------------------------------------


class Cage(World):
    """A world on a database file; its flow and its requests are on the trail.

    Args:
        file: The database.
        adapters: More providers than the bank.
        issuer: Who says who customers are.
    """

    def __init__(
        self,
        shop: Shop,
        file: Path | None = None,
        *,
        issuer: SimulatedIssuer | None = None,
        adapters: Callable[[Cage], list[Any]] = lambda _: [],
        **options: Any,
    ) -> None:
        self._issuer = issuer
        self._adapters = adapters
        if file is not None:
            options["open_store"] = lambda: open_store(file)
        super().__init__(shop, **options)

    def open_flow(self, **options: Any) -> SteppingFlow:
        options["providers"] = [*options["providers"], *self._adapters(self)]
        if self._issuer is not None:
            self._issuer._clock = self.clock
            options["issuers"] = [OpenIdConnect(self._issuer.config(ISSUER))]
        options["registers"] = registers.adapters(REGISTERS)
        http = httpx.Client(transport=httpx.MockTransport(self.answer))
        return Overheard(self.shop, http=http, steps=self.steps, **options)

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == httpx.URL(REGISTERS).host:
            return registers.handle(request)
        TRAIL.get().asked(request)
        if self._issuer is not None and request.url.host == httpx.URL(ISSUER).host:
            return self._issuer.handle(request)
        return self.bank.handle(request)


ISSUER: Final = "https://issuer.example"
REGISTERS: Final = "https://registers.example"
BACK: Final = "https://shop.example/back"
COMPANY: Final = planted("SE") | planted("SE", "organisation_number")
HELD: Final = {"hold_above": ["1000 SEK"]}


# The scenes ---------------------------------------------------------------------------------------

SCENES: Final[dict[str, Callable[[Trail, Path], None]]] = {}


def scene(act: Callable[[Trail, Path], None]) -> Callable[[Trail, Path], None]:
    SCENES[act.__name__.replace("_", " ")] = act
    return act


@cache
def left_by(name: str) -> Trail:
    """Play a scene and keep what it leaves, its database in the end and before it is closed."""
    with desk.database() as file, followed() as trail:
        SCENES[name](trail, file)
        trail.keep_database(file)
    return trail


def shop_in(market: str, **settings: Any) -> Shop:
    """A shop with ways to pay and to deliver of every kind that asks for something."""
    fee = f"9 {currency_of(market)}"
    return Shop.read(
        {
            "name": "Fjordbutikken",
            "markets": [market],
            "methods": [
                {"id": "own_invoice", "name": "Faktura"},
                {"id": "card", "name": "Kort", "provider": "simulated_bank"},
                {"id": "gift_card", "name": "Presentkort", "provider": "gift_cards"},
                {"id": "store_credit", "name": "Tillgodo", "provider": "store_credit"},
            ],
            "deliveries": [{"id": "parcel", "name": "P", "prices": [fee], "details": ["phone"]}],
            "consents": [kind for kind in Consent if kind is not Consent.NO_MARKETING],
            "messages": sorted(MESSAGES),
            **settings,
        }
    )


@cache
def currency_of(market: str) -> str:
    return Law.load().market(market, Clock()().date()).currency


def cart_in(market: str, price: int = 400) -> Cart:
    lines = [
        {"sku": sku, "name": sku, "quantity": 2, "unit_price": f"{price} {currency_of(market)}"}
        for sku in ("mug", "book")
    ]
    return Cart.read({"lines": lines})


def ledgers(cage: Cage) -> list[Any]:
    keys, store = Keys.of(bytes(32)), cast("SqlStore", cage.store)
    cards, accounts = (SqlLedger(store, keys, name=name) for name in ("cards", "accounts"))
    return [StoredValue(cards), StoredValue(accounts, "store_credit")]


def memory_ledgers(_: Cage) -> list[Any]:
    return [StoredValue(MemoryLedger(), name) for name in ("gift_cards", "store_credit")]


def buy(cage: World, checkout: Checkout, *, says_yes: bool = True) -> Checkout:
    """The customer buys, and decides where they are asked; the shop looks until it is known."""
    flow = cage.flow
    total = flow.load(checkout.id).total
    flow.place(checkout.id, accepted_total=total, return_url=BACK, accepts_credit=True)
    for _ in range(4):
        checkout = flow.load(checkout.id)
        if checkout.phase is not Phase.PLACING:
            break
        for payment in checkout.current_payments:
            if payment.action is not None:
                decide = cage.bank.approve if says_yes else cage.bank.decline
                decide(payment.id)
        cage.clock.advance(seconds=40)
        cage.deliver()
        flow.reconcile(checkout.id)
    return flow.load(checkout.id)


def refused(call: Callable[..., Any], *arguments: Any, **options: Any) -> None:
    """A call that must end with an error; what it says is on the trail."""
    with pytest.raises(CheckoutError):
        call(*arguments, **options)


@scene
def every_sale_at_the_bank(trail: Trail, file: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desk, "CUSTOMER", planted("DK", *desk.CUSTOMER))
        patch.setattr(desk, "GIFT_CARD", VALUES["gift_card_code"])
        patch.setattr(scenarios, "GIFT_CARD", VALUES["gift_card_code"])
        empty = file.read_bytes()
        for play in scenarios.SCENARIOS.values():
            file.write_bytes(empty)
            desk.play(play, open_world=cast("Any", partial(Cage, file=file)), days=0)
            trail.keep_database(file)


@scene
def what_the_shop_does_itself(trail: Trail, file: Path) -> None:
    """Its own invoices, gift cards, held orders, consents, messages, and rights in the end."""
    shop = shop_in("SE", review=HELD)
    with Cage(shop, file, adapters=ledgers) as cage:
        flow = cage.flow
        for provider, code in (
            ("gift_cards", "gift_card_code"),
            ("store_credit", "store_credit_code"),
        ):
            ledger = next(it for it in ledgers(cage) if it.name == provider).ledger
            ledger.issue(VALUES[code], Money(30000, "SEK"), at=cage.clock())
        sales = []
        for payment in ("own_invoice", "card"):
            sale = flow.start(
                cart_in("SE"),
                market="SE",
                details=planted("SE"),
                login=VALUES["login"],
                payment=payment,
                idempotency_key=f"start {payment}",
            )
            for method in ("gift_card", "store_credit"):
                code = VALUES[f"{method}_code"]
                flow.add_credit(sale.id, method, Money(10000, "SEK"), code=code)
            flow.consent(sale.id, profile=True, marketing=True, credit_check=False)
            for locale in ("sv_SE", "en", "fi"):
                flow.view(sale.id, locale=locale, explain=True)
            sale = buy(cage, sale)
            if sale.phase is Phase.HELD:
                flow.claim(sale.id, reviewer="reviewer-1")
                flow.approve(sale.id, reviewer="reviewer-1")
            flow.ship(sale.id, {"mug": 1})
            flow.ship(sale.id)
            flow.refund(sale.id, {"mug": 1})
            sales.append(flow.load(sale.id))
        the_shop_s_own_texts(flow, sales[0])
        [owed, _] = sales
        [first, *_] = owed.invoices
        quoted = first.reference
        flow.find_invoice(quoted, market="SE")
        flow.record_payment(
            owed.id, invoice=first.number, amount=Money(100, "SEK"), received_on=date(2026, 3, 2)
        )
        company = flow.start(
            cart_in("SE"), market="SE", customer="business", details=COMPANY, payment="own_invoice"
        )
        flow.approve(buy(cage, company).id, reviewer="reviewer-1")
        flow.ship(company.id)
        held = flow.start(cart_in("SE", 900), market="SE", details=planted("SE"), payment="card")
        held = buy(cage, held)
        flow.claim(held.id, reviewer="reviewer-1")
        flow.note(held.id, VALUES["review_notes"], reviewer="reviewer-1")
        refused(flow.note, held.id, f"{VALUES['review_notes']} {CARD_NUMBER}", reviewer="r-1")
        flow.ask(held.id, "contact", reviewer="reviewer-1")
        flow.answer(held.id, f"{VALUES['name']}: {VALUES['review_notes']}")
        repr(flow.open_review(held.id, reviewer="reviewer-1"))
        flow.reviews()
        flow.tell_reviewers([lambda alert: trail.leave("alerts", repr(alert))])
        flow.reject(held.id, reviewer="reviewer-1", reason="not_reached")
        left = flow.start(cart_in("SE"), market="SE", details=planted("SE"))
        flow.change_cart(left.id, cart_in("SE", 100))
        flow.cancel(left.id)
        cage.run_until(cage.clock.advance(days=60))
        flow.messages()
        flow.delivered(flow.messages()[:3])
        for purpose in Purpose:
            with suppress(CheckoutError):
                flow.details(owed.id, purpose, by="warehouse")
        trail.keep_database(file)
        rights(cage, owed)


def the_shop_s_own_texts(flow: SteppingFlow, sale: Checkout) -> None:
    """Where a shop could write what nobody may erase: skus, keys, addresses, lists, who reads."""
    for value in (CARD_NUMBER, CARD_NUMBER.replace(" ", ""), VALUES["email"]):
        again = flow.start(cart_in("SE"), market="SE", details=planted("SE"), payment="card")
        for address in (f"{BACK}?for={quote(value)}", f"{BACK}?for={quote(quote(value))}"):
            refused(flow.place, again.id, accepted_total=again.total, return_url=address)
        refused(flow.start, cart_in("SE"), market="SE", idempotency_key=f"for {value}")
        refused(flow.cancel, again.id, idempotency_key=quote(value))
        flow.cancel(again.id)
    for number in (CARD_NUMBER, CARD_NUMBER.replace(" ", "")):
        [mug, _] = cart_in("SE").model_dump()["lines"]
        for given in ({"sku": number}, {"id": number}, {"attributes": {number: number}}):
            refused(Cart.read, {"lines": [mug | given]})
        for given in ({"reason": number}, {"by": number}, {"sku": number}, {"market": number}):
            refused(flow.block, **{"reason": "test", "by": "reviewer-1", "sku": "mug", **given})
        refused(flow.details, sale.id, Purpose.SEND_RECEIPT, by=number)
        email, day = VALUES["email"], date(2026, 1, 2)
        refused(flow.opt_out, email=email, market="SE", on=day, source=number)
        refused(flow.refund, sale.id, amount=Money(100, "SEK"), by=(number,))


def rights(cage: Cage, sale: Checkout) -> None:
    """A person asks for everything that people may ask for."""
    flow, mine = cage.flow, planted("SE", "email", "phone")
    found = flow.find_people(**mine, login=VALUES["login"])
    assert len(found) > 1
    for person in found:
        flow.export_person(person)
        flow.correct_person(person, market="SE", email="other@example.com", street="Nygatan 1")
        flow.correct_person(person, market="SE", **planted("SE", "street", "email"))
        flow.restrict_person(person)
        with suppress(PurposeRefused):
            flow.details(sale.id, Purpose.DELIVER)
        flow.restrict_person(person, is_restricted=False)
    flow.rotate_keys()
    changed = [it for it in flow.messages(1000) if it.kind == "contact_changed"]
    for message in changed:
        assert flow.changes_to_tell(message)
    for person in found:
        flow.erase_person(person)
    cage.clock.advance(days=3000)
    flow.run_due()
    flow.journal(sale.id)


def code_for(cage: Cage, sale: Checkout) -> str:
    """The code that the shop sends, and the customer reads."""
    code = cage.flow.code(sale.id)
    assert code is not None
    cage.flow.delivered(cage.flow.messages())
    return code.text.body[:6]


@scene
def a_returning_customer(trail: Trail, file: Path) -> None:
    """Found by a code, by the shop's login, and by an issuer; and everything that goes wrong."""
    mine = planted("SE", "email", "phone", "name", "street", "city")
    person: dict[str, dict[str, object]] = {
        "profile": {"name": mine["name"], "birthdate": BORN},
        "email": {"email": mine["email"], "email_verified": True},
        "phone": {"phone_number": mine["phone"], "phone_number_verified": True},
        "address": {"address": {"street_address": mine["street"], "locality": mine["city"]}},
        "nin": {"nin": OF_A_MARKET["SE"]["national_id"]},
    }
    issuer = SimulatedIssuer(Clock(), person=person)
    with Cage(shop_in("SE"), file, issuer=issuer, adapters=ledgers) as cage:
        flow = cage.flow

        def start(**options: Any) -> Checkout:
            return flow.start(cart_in("SE"), market="SE", **options)

        sale = start(
            details=COMPANY, login=VALUES["login"], payment="own_invoice", customer="business"
        )
        flow.consent(sale.id, profile=True)
        buy(cage, sale)

        for given in (planted("SE", "email", "postal_code"), planted("SE", "phone")):
            sale = flow.recognise(start().id, client=CLIENT, **given)
            trail.codes.append(code_for(cage, sale))
            refused(flow.verify, sale.id, "000000")
            refused(flow.verify, sale.id, VALUES["name"])
            flow.view(sale.id)
            cage.clock.advance(seconds=31)
            flow.ask_again(sale.id)
            trail.codes.append(code_for(cage, sale))
            sale = flow.verify(sale.id, trail.codes[-1])
            assert sale.recognition.level == "verified"
            buy(cage, flow.provide(sale.id, payment="own_invoice"))
        for _ in range(5):
            with suppress(TooManyTries):
                flow.recognise(start().id, client=CLIENT, **planted("SE", "phone"))
        refused(flow.recognise, start().id, client=CLIENT, **planted("SE", "phone"))
        buy(cage, start(login=VALUES["login"]))

        for _ in range(2):
            sale = start()
            address = flow.begin_login(sale.id, "issuer", return_url=BACK, fields=["name", "email"])
            query = approve(address, issuer.handle)
            sale = flow.finish_login(sale.id, query)
            assert sale.recognition.level == "verified"
            refused(flow.finish_login, sale.id, query)
            sale = flow.provide(sale.id, payment="own_invoice", **planted("SE"))
            flow.consent(sale.id, profile=True)
            buy(cage, sale)
        for lie in (None, *IssuerFault):
            issuer.plan(*[lie] if lie else [])
            sale = start()
            with suppress(CheckoutError):
                address = flow.begin_login(sale.id, "issuer", return_url=BACK, fields=["email"])
                decide = approve if lie else decline
                flow.finish_login(sale.id, decide(address, issuer.handle))
        refused(flow.finish_login, sale.id, f"code={VALUES['name']}&state={mine['email']}")


# What nobody would take: each holds a value, and no error may repeat it.
BAD: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("{0}\0", f"{{0}} {'x' * 200}", f"{{0}} {CARD_NUMBER}"),
    "organisation": ("{0}\x1b[31m", f"{{0}} {'x' * 200}", f"{{0}} {CARD_NUMBER}"),
    "email": ("{0}@{0}", "{0} {0}", "{0}.", "@{0}", "<{0}>", "4242424242424242@a.example"),
    "phone": ("{0}{0}", "{0} 999999999999", "call {0} {0}"),
    "street": ("{0}\0", f"{{0}} {'x' * 200}", f"{{0}} {CARD_NUMBER}"),
    "postal_code": ("{0} {0}", "x {0}", "SE {0} 1"),
    "city": ("{0}\0", f"{{0}} {'x' * 200}", f"{{0}} {CARD_NUMBER}"),
    "country": ("XX",),
    "login": (),  # the shop's own word: nobody types it
    "organisation_number": ("{0}9", "9{0}", "{0} {0}", "{0}x"),
    "national_id": ("{0}9", "9{0}", "{0} {0}", "{0}x"),
    "review_notes": ("{0}",),  # a reviewer's, never a customer's
    "gift_card_code": ("{0}\0", f"{{0}} {'x' * 200}", CARD_NUMBER),
    "store_credit_code": ("{0}\0", f"{{0}} {'x' * 200}", CARD_NUMBER),
}


@scene
def whatever_is_refused(trail: Trail, file: Path) -> None:
    """Bad values in every field, by every way in."""
    values = {**VALUES, **OF_A_MARKET["SE"], "country": "SE"}
    with Cage(shop_in("SE"), file, adapters=ledgers) as cage:
        flow = cage.flow
        sale = flow.start(cart_in("SE"), market="SE", details=planted("SE"))
        [person] = flow.find_people(**planted("SE", "phone"))
        ways: tuple[Callable[..., Any], ...] = (
            partial(flow.provide, sale.id),
            lambda **given: flow.start(cart_in("SE"), market="SE", details=given),
            partial(flow.correct_person, person, market="SE"),
            partial(flow.recognise, sale.id, client=CLIENT),
            flow.find_people,
        )
        for field, shapes in BAD.items():
            for shape, way in product(shapes, ways):
                refused(way, **{field: shape.format(values[field])})
        for value in values.values():  # a value in place of a name
            refused(flow.provide, sale.id, **{value: "x"})
            refused(flow.start, cart_in("SE"), market="SE", details={value: value})
            refused(flow.export_person, value)
            refused(flow.erase_person, value)
            refused(flow.restrict_person, value)
            refused(flow.correct_person, value, market="SE", city="Nuuk")
            refused(flow.load, value)
            refused(flow.find_invoice, value, market="SE")
            refused(flow.verify, sale.id, value)
            with suppress(CheckoutError):
                body = json.dumps({"payment": value}).encode()
                flow.receive("simulated_bank", {"signature": value}, body, query=quote(value))
        flow.add_credit(sale.id, "gift_card", Money(100, "SEK"), code=values["gift_card_code"])
        flow.provide(sale.id, payment="own_invoice")
        buy(cage, sale)  # no such gift card
        flow.provide(sale.id, idempotency_key="key", **planted("SE", "name"))
        refused(flow.provide, sale.id, idempotency_key="key", **planted("SE", "email"))


# With every provider ------------------------------------------------------------------------------


class Recorder:
    """An adapter whose exchanges are kept: the order, and what was answered."""

    def __init__(
        self, adapter: Any, kept: list[tuple[Any, str, Any, list[httpx.Response]]]
    ) -> None:
        self._adapter = adapter
        self._kept = kept

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._adapter, name)
        if name not in {"authorise", "capture", "void", "refund", "status"}:
            return found

        def kept(order: Any) -> Any:
            exchange, answer = found(order), None
            answers: list[httpx.Response] = []
            self._kept.append((self._adapter, name, order, answers))
            while True:
                try:
                    request = exchange.send(answer)
                except StopIteration as stop:
                    return stop.value
                answer = yield request
                answers.append(answer)

        return kept


def sold_by(name: str, file: Path | None, kept: list[Any]) -> Cage:
    """A shop that sells with one provider, which is given all that it takes."""
    market, (kind, method) = next(iter(SOLD[name].items()))

    def open_bank(clock: Clock) -> StandIn:
        bank = open_stand_in(name, clock, market=market)
        make = bank.provider
        bank.provider = lambda *url: Recorder(make(*url), kept)  # type: ignore[method-assign]
        return bank

    able = open_stand_in(name, Clock(), market=market).provider().capabilities
    purposes = {Purpose.TAKE_PAYMENT}
    if catalogue()[kind].financed_by == "provider":
        purposes.add(Purpose.IDENTIFY_FOR_CREDIT)
    way = {
        "id": "way",
        "kind": kind,
        "provider": name,
        "provider_method": method,
        "creditor": name,
        "identifies": True,
        "details": sorted(
            field
            for field in able.details - {"organisation", "organisation_number", "country"}
            if purposes & FIELDS[field].purposes.keys()
        ),
    }
    shop = shop_in(market, methods=[way], review={"hold_above": [f"3000 {currency_of(market)}"]})
    return Cage(shop, file, open_bank=open_bank)


def sales_with(name: str, trail: Trail, file: Path) -> None:
    """Sales that go well, that are declined, and with every fault of the provider's."""
    market = next(iter(SOLD[name]))
    kept: list[Any] = []
    with sold_by(name, file, kept) as cage:
        flow = cage.flow

        def start(price: int = 400) -> Checkout:
            cart, details = cart_in(market, price), planted(market)
            if "national_id" in cage.shop.methods[0].details:
                details |= planted(market, "national_id")
            return flow.start(
                cart, market=market, details=details, delivery="parcel", payment="way"
            )

        sale = buy(cage, start())
        assert sale.phase is Phase.CONFIRMED
        assert sale.provided
        flow.view(flow.ship(sale.id).id, explain=True)
        cage.settle()
        flow.refund(sale.id, {"mug": 1})
        cage.settle()
        flow.journal(sale.id)
        held = buy(cage, start(2000))
        assert held.phase is Phase.HELD
        flow.reject(held.id, reviewer="reviewer-1")
        buy(cage, start(), says_yes=False)
        cage.bank.decline_next()
        buy(cage, start())
        cage.settle()
        echo(trail, kept, market)
        kept.clear()
        for fault in Fault:
            for operation, other in (("authorise", LOOKUPS), ("status", FATES)):
                if fault not in other:
                    cage.bank.plan(operation, fault)
            with suppress(CheckoutError):
                buy(cage, start())
            cage.bank.heal()
        cage.clock.advance(days=1)
        flow.run_due(1000)
        flow.messages()


def echo(trail: Trail, kept: list[Any], market: str) -> None:
    """What if a provider repeated in any text of its answers what the customer is called?"""
    told = " ".join(planted(market).values())
    alike = {  # one of each operation, by the shapes of its answers
        (name, *(tuple(paths_of(answer_of(it))) for it in answers)): (adapter, name, order, answers)
        for adapter, name, order, answers in kept
    }
    for adapter, name, order, answers in alike.values():
        for number, answer in enumerate(answers):
            for status, spoilt in spoilt_answers(answer, told):
                said = httpx.Response(status, json=spoilt, headers=_kept_headers(answer))
                said.request = answer.request
                replay = [*answers[:number], said, *answers[number + 1 :]]
                try:
                    result = _replayed(getattr(adapter, name)(order), replay)
                    if isinstance(result, Standing):  # keys are compared with ours, and not kept
                        result = result.but(operations=())
                except CheckoutError as error:
                    trail.raised(error)
                else:
                    trail.answered(result)


def _replayed(exchange: Any, answers: list[httpx.Response]) -> object:
    left = iter(answers)
    try:
        exchange.send(None)
        while True:
            exchange.send(next(left))
    except StopIteration as stop:  # the adapter has made up its mind, or asks more than before
        return stop.value
    return None


def _kept_headers(answer: httpx.Response) -> dict[str, str]:
    return {name: answer.headers[name] for name in ("location",) if name in answer.headers}


def spoilt_answers(answer: httpx.Response, told: str) -> Iterator[tuple[int, Any]]:
    """The answer with one text of it lengthened, as it is and as a refusal."""
    data = answer_of(answer)
    for path in paths_of(data):
        for status in {answer.status_code, 400, 422}:
            yield status, put(data, path, told)
    for word in ("message", "detail", "title", "error", "reason", "description", "error_message"):
        yield 400, {word: told}
    yield (
        400,
        {"errors": [{"code": told, "message": told}], "error": {"message": told, "code": told}},
    )


def answer_of(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def paths_of(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(data, str):
        yield path
    items = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    for name, value in items:
        yield from paths_of(value, (*path, name))


def put(data: Any, path: tuple[str | int, ...], told: str) -> Any:
    if not path:
        return f"{data} {told}"
    first, *rest = path
    copy: Any = data.copy()
    copy[first] = put(data[first], tuple(rest), told)
    return copy


for _name in ADAPTERS:

    def _sales(trail: Trail, file: Path, name: str = _name) -> None:
        sales_with(name, trail, file)

    SCENES[f"sales with {_name}"] = _sales


@scene
def a_provider_that_fails_beside_another(trail: Trail, file: Path) -> None:
    card = {"id": "card", "routes": [{"provider": name} for name in ("simulated_bank", "spare")]}

    def spare(cage: Cage) -> list[Any]:
        given = cast("SimulatedBankProvider", cage.bank.provider())
        return [SimulatedBankProvider(given.config.but(name="spare"), given.capabilities)]

    with Cage(shop_in("SE", methods=[card]), file, adapters=spare) as cage:
        for fault in (Fault.UNREACHABLE, Fault.LOSE_REQUEST, Fault.ERROR) * 2:
            cage.bank.plan("authorise", fault)
            details = planted("SE")
            buy(cage, cage.flow.start(cart_in("SE"), market="SE", details=details, payment="card"))
            trail.keep_database(file)


@scene
def an_asynchronous_shop(trail: Trail, file: Path) -> None:
    clock, shop = Clock(), shop_in("SE")
    bank = SimulatedBank(clock)

    class AsyncOverheard(AsyncCheckoutFlow):
        async def _run(self, program: Any, *names: Any, **more: Any) -> Any:
            try:
                answer = await super()._run(program, *names, **more)
            except BaseException as error:
                trail.raised(error)
                raise
            trail.answered(answer)
            return answer

    async def sell() -> None:
        http = httpx.AsyncClient(transport=httpx.MockTransport(bank.handle))
        store = open_store(file)
        ways = [StoredValue(MemoryLedger(), name) for name in ("gift_cards", "store_credit")]
        async with AsyncOverheard(
            shop,
            providers=[bank.provider(), *ways],
            store=store,
            clock=clock,
            http=http,
            telemetry=Told(trail),
        ) as flow:
            sale = await flow.start(cart_in("SE"), market="SE", details=planted("SE"))
            with suppress(CheckoutError):
                await flow.provide(sale.id, email=f"{VALUES['email']}@{VALUES['city']}")
            bank.plan("authorise", Fault.LOSE_ANSWER)
            sale = await flow.choose_payment(sale.id, "card")
            sale = await flow.place(sale.id, accepted_total=sale.total, return_url=BACK)
            sale = await flow.reconcile(sale.id)
            sale = await flow.ship(sale.id)
            assert sale.phase is Phase.FULFILLED
            await flow.view(sale.id)
            await flow.details(sale.id, Purpose.DELIVER)
            await flow.export_person(sale.subject)

    asyncio.run(sell(), debug=True)


@scene
def asking_the_open_registers(trail: Trail, file: Path) -> None:
    """Their addresses hold what is asked: it may be sent there, and logged nowhere."""
    transport = httpx.MockTransport(registers.handle)
    calls = [
        call
        for market in OF_A_MARKET
        for call in (
            ("check_address", market, planted(market, "street", "postal_code", "city")),
            ("suggest_addresses", market, VALUES["street"]),
            ("company", market, OF_A_MARKET[market]["national_id"]),
            ("city_of", market, OF_A_MARKET[market]["postal_code"]),
        )
    ]

    async def ask() -> None:
        http = httpx.AsyncClient(transport=transport)
        async with AsyncRegisters(registers.adapters(ISSUER), http=http) as them:
            for name, *arguments in calls:
                trail.answered(await getattr(them, name)(*arguments))

    for name, *arguments in calls:
        http = httpx.Client(transport=transport)
        with Registers(registers.adapters(ISSUER), http=http) as them:
            trail.answered(getattr(them, name)(*arguments))
    asyncio.run(ask(), debug=True)
    for market in OF_A_MARKET:
        with Cage(shop_in(market), file, adapters=memory_ledgers) as cage:
            sale = cage.flow.start(cart_in(market), market=market, customer="business")
            number = OF_A_MARKET[market]["national_id"]
            for email in (VALUES["email"], VALUES["email"].replace(".example", ",dk")):
                typed = planted(market) | {"email": email, "organisation_number": number}
                hints = cage.flow.hints(sale.id, client=CLIENT, **typed)
                assert hints
                trail.answered(hints)


# Commands that read what is kept of customers, and those that know of none.
TOLD: Final = set(
    """
    backup demo freshen insurance person quality restore review show status suppress verify work
    """.split()
)
TOLD_NOTHING: Final = set(
    """
    conform doctor fleet law methods migrate options privacy providers schema simulate states steer
    """.split()
)


def review_orders(file: Path) -> None:
    """``checkoutflow review`` with all that it does, also with what cannot be right."""

    def review(action: str, *words: object, typed: str = "") -> int:
        with patch("sys.stdin", StringIO(typed)):
            return main(["review", action, "--db", f"{file}", *map(str, words)])

    rules = file.with_name("rules.toml")
    rules.write_text("hold_at = 1")
    for more in ((), ("--json",)):
        assert review("backtest", "--rules", rules, *more) == 0
    why = ("--shop", examples() / "shop.toml", "--reason", "test", "--by", "reviewer-1", "--stdin")
    for name in ("email", "phone"):
        value = VALUES.get(name) or OF_A_MARKET["DK"][name]
        assert review("block", *why, typed=f"country=DK\n{name}={value}") == 0
        assert review("allow", *why, typed=f"country=DK\n{name}={value}@ 99 99 99 99 99")
        assert review("allow", *why, typed=value)
    address = f"street={VALUES['street']}\npostal_code={OF_A_MARKET['DK']['postal_code']}"
    assert review("allow", *why, typed=f"country=DK\n{address}") == 0
    for more in ((), ("--json",)):
        assert review("lists", *more) == 0


def answer_people(trail: Trail, file: Path, people: list[str]) -> None:
    """``checkoutflow person`` with all that it does; only the files for the person have more."""

    def person(action: str, *words: object, typed: str = "") -> int:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stdin", StringIO(f"{typed}\n"))
            return main(["person", action, "--db", f"{file}", *map(str, words)])

    shop = ("--shop", examples() / "shop.toml")
    for more in ((), ("--json",)):
        assert person("find", "--email", "-", *shop, *more, typed=VALUES["email"]) == 0
        assert person("find", "--phone", "-", *shop, *more, typed="+3541771903") == 0
        nobody = person("find", "--login", "-", *shop, *more, typed=VALUES["login"])
        assert nobody == 1
    assert person("find", "--email", "-", *shop, typed=f"{VALUES['email']}@")
    assert person("find", "--email", VALUES["email"], *shop)
    review_orders(file)
    out = file.with_name("export")
    assert person("export", "--out", out, *people) == 0
    assert person("export", "--out", out, *people)  # is there already
    trail.sent = [path.read_bytes() for path in out.iterdir()]
    assert person("restrict", *people) == 0
    assert person("restrict", "--lift", *people) == 0
    feed = file.with_name("optouts.csv")
    feed.write_text(f"email,name\n{VALUES['email']},\n,{VALUES['name']}\n", encoding="utf-8")
    for more in ((), ("--json",)):
        assert person("opt-out", *shop, "--feed", f"opted_out={feed}", *more) == 1
    assert person("rotate", *shop) == 0
    assert person("retention") == 0
    person("erase", "--json", *people)
    person("erase", *people)
    assert person("retention", "--now", "--json") == 0
    for action in ("erase", "restrict"):
        assert person(action, VALUES["name"])
    assert person("export", VALUES["name"], "--out", file.with_name("nobody"))


@scene
def the_commands(trail: Trail, file: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stories, "_given", lambda field, market: planted(market, field)[field])
        for more in ((), ("--json",), ("--provider", "riverty", "--market", "SE")):
            assert main(["demo", "--db", f"{file}", *more]) == 0
    with closing(open_store(file)) as store:
        kept = store.checkouts((), limit=100)
        sold = [state for name in kept if (state := store.load(name)) is not None]
    assert {state.market for state in sold} == OF_A_MARKET.keys()
    for state in sold:
        assert main(["show", state.id, "--db", f"{file}"]) == 0
    assert main(["show", VALUES["name"], "--db", f"{file}"])
    assert main(["verify", "--db", f"{file}"]) == 0
    for form in ([], ["--json"]):
        main(["status", "--db", f"{file}", *form])
    period = ["--from", "2025-01-01", "--to", "2030-12-31"]
    for form in ([], ["--csv"], ["--json"]):
        told = ["insurance", "bordereau", "--db", f"{file}", "--insurer", "nordvern", *period]
        assert main([*told, *form]) == 0
    copy, again = file.with_name("copy.db"), file.with_name("again.db")
    assert main(["backup", "--db", f"{file}", "--to", f"{copy}"]) == 0
    assert main(["restore", "--from", f"{copy}", "--db", f"{again}"]) == 0
    answer_people(trail, file, [state.subject for state in sold])
    main(["work", "--db", f"{file}", "--shop", str(examples() / "shop.toml"), "--once"])
    base, out = file.with_name("customers.csv"), file.with_name("out")
    rows = [planted("SE", "name", "email", "phone", "street", "postal_code", "city")] * 2
    rows.append(dict.fromkeys(rows[0], VALUES["name"]))
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    base.write_text("\n".join(lines), encoding="utf-8")
    assert main(["quality", f"{base}", "--market", "SE", "--out", f"{out}"]) == 0
    for figures in ("report.html", "report.json"):
        trail.leave("figures", (out / figures).read_text(encoding="utf-8"))
    freshen_a_base(trail, base)


def freshen_a_base(trail: Trail, base: Path) -> None:
    """``checkoutflow freshen`` and ``suppress``: only the fresh base says who anybody is."""
    feed, fresh, numbers, kept = (base.with_name(name) for name in ("f", "fresh.csv", "n", "list"))
    told = planted("SE", "name", "street", "postal_code") | {"kind": "died", "on": "2026-01-01"}
    wrong = dict.fromkeys(told, VALUES["name"])
    lines = [",".join(each) for each in (told, told.values(), wrong.values())]
    feed.write_text("\n".join(lines), encoding="utf-8")
    words = [f"{base}", "--market", "SE", "--out", f"{fresh}", "--feed", f"{feed}"]
    assert main(["freshen", *words]) == 1
    assert main(["freshen", *words, "--json"]) == 1
    trail.leave("figures", fresh.with_name("fresh.changes.csv").read_text(encoding="utf-8"))
    numbers.write_text(OF_A_MARKET["SE"]["phone"], encoding="utf-8")
    key = ("--key-from", "LIST_KEY")
    words = ["--register", "SE-NIX-TELEFON", "--as-of", f"{date.today()}", *key]  # noqa: DTZ011 -- as theirs
    with patch.dict("os.environ", LIST_KEY="k" * 32):
        assert main(["suppress", f"{numbers}", "--market", "SE", "--out", f"{kept}", *words]) == 0
        words = [f"{base}", "--market", "SE", "--out", f"{fresh}", "--list", f"{kept}", *key]
        assert main(["freshen", *words]) == 0
    for figures in (kept, fresh.with_name("fresh.changes.csv")):
        trail.leave("figures", figures.read_text(encoding="utf-8"))


def markets_of(name: str) -> tuple[str, ...]:
    """Where a scene is set."""
    if (adapter := name.removeprefix("sales with ")) in ADAPTERS:
        return (next(iter(SOLD[adapter])),)
    everywhere = tuple(OF_A_MARKET)
    return {
        "every sale at the bank": ("DK",),
        "the commands": everywhere,
        "asking the open registers": everywhere,
    }.get(name, ("SE",))


# Nothing is found ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCENES)
def test_nothing_personal_is_left_behind(name):
    search = search_for(*markets_of(name), client=CLIENT, card=CARD_NUMBER, born=BORN)
    trail = left_by(name)
    assert trail.finds(search) == set(), trail.shows(search)
    assert trail.left["log"]


def test_one_time_codes_and_names_at_an_issuer_are_left_nowhere():
    trail = left_by("a returning customer")
    assert len(trail.codes) == 4
    assert trail.left["telemetry"]
    codes = {f"code {number}": code for number, code in enumerate(trail.codes)}
    assert trail.finds(search_for(**codes)) == set()
    assert not [where for where, parts in trail.left.items() if SUBJECT.encode() in b"".join(parts)]


def test_every_field_is_planted_and_refused():
    for market, values in OF_A_MARKET.items():
        assert {*VALUES, *values, "country"} == FIELDS.keys()
        assert clean(planted(market), market=market)
    assert BAD.keys() == FIELDS.keys()
    assert {field for field, _ in UNSEARCHED} == {"country", "postal_code"}


def test_every_table_had_rows_to_look_at():
    """A table that nobody fills here would be one that nobody looks at."""
    had_rows: set[str] = set().union(*(left_by(name).tables for name in SCENES))
    assert had_rows == METADATA.tables.keys()


def test_every_command_is_run_or_knows_of_no_customers():
    commands = next(it.choices for it in _parser()._actions if isinstance(it.choices, dict))
    assert {*commands} == TOLD | TOLD_NOTHING


def test_of_an_address_that_is_asked_only_the_host_is_logged():
    for name in ADAPTERS:
        trail = left_by(f"sales with {name}")
        log = b"\n".join(trail.left["log"])
        assert b"HTTP Request: " in log
        for address in trail.left["addresses"]:
            url = httpx.URL(address.decode())
            assert url.host.encode() in log
            assert url.raw_path not in log or not url.host  # a part of one


# And it would be found ----------------------------------------------------------------------------


SPELT: Final = {
    "name": (
        "kanariefugl",
        "NØTTESKRIKE",
        "Nøtteskrike, Kanariefugl",
        "N%C3%B8tteskrike",
        "N\\u00f8tteskrike",
        "N&#248;tteskrike",
        "N\\xc3\\xb8tteskrike",
        "KanariefuglNøtteskrike",
        base64.b64encode(b'{"a": "x", "name": "Kanariefugl"}').decode(),
        base64.urlsafe_b64encode("{'åå': 'Nøtteskrike'}".encode()).decode(),
        b"Kanariefugl".hex().upper(),
        "Nøtteskrike".encode("utf-16"),
        "Nøtteskrike".encode("latin-1"),
        sha256("Kanariefugl Nøtteskrike".encode()).hexdigest(),
    ),
    "organisation": ("papegøjehuset", "PAPEGØJEHUSET"),
    "email": ("SOLSORT.REDE@fuglereir.example", "solsort", "fuglereir", "solsort.rede%40fuglereir"),
    "phone": ("+46279771903", "0279771903", "tel:+46-279-77-19-03", "279771903", "0279-77 19 03"),
    "street": ("bogfinkevænget", "Bogfinkevænget+7+B"),
    "postal_code": ("98761", "987 61", "SE-98761 ", '"98761"'),
    "city": ("GRÅSPURVEBY", "Graspurveby"),
    "login": ("kunde-r%C3%B8dk%C3%A6lk-3318", "Rødkælk"),
    "organisation_number": ("4777190333", "477719-0333", "477719 0333"),
    "national_id": ("8901023286", "198901023286", "890102-3286", "19890102-3286"),
    "gift_card_code": ("musvit-gave-7193", "MUSVITGAVE7193"),
    "store_credit_code": ("SKOVSKADE KONTO", "skovskade"),
    "review_notes": ("HORNUGLEN", "hornuglen%20svarede"),
}


@pytest.mark.parametrize("field", SPELT)
def test_the_search_knows_a_value_however_it_is_written(field):
    search = search_for("SE")
    assert SPELT.keys() == FIELDS.keys() - {"country"}
    for text in SPELT[field]:
        octets = text if isinstance(text, bytes) else text.encode()
        assert field in search.found_in(b"\0\1before " + octets + b" after"), text
    assert search.found_in(b"1987610 pl2pxuzkg4n54isyjbkt gravspurv 27977190 \0\1\2") == set()


def test_it_is_found_where_it_may_be():
    """In what a provider is sent, what a shop reads for a purpose, and what a person asks for."""
    told: set[str] = set()
    for name in ADAPTERS:
        [market] = markets_of(f"sales with {name}")
        sent = search_for(market).found_in(b"\n".join(left_by(f"sales with {name}").sent))
        cage = sold_by(name, None, [])
        assert sent <= cage.bank.provider().capabilities.details
        told |= sent
    written = b"\n".join(left_by("the commands").sent)
    assert search_for(*OF_A_MARKET).found_in(written) >= {"name", "email", "phone", "street"}
    contact = {"city", "email", "name", "organisation", "phone", "postal_code", "street"}
    assert told == contact | {"national_id"}
    search = search_for("SE")
    with followed(), Cage(shop_in("SE"), adapters=memory_ledgers) as cage:
        sale = cage.flow.start(
            cart_in("SE"),
            market="SE",
            customer="business",
            details=COMPANY,
            login=VALUES["login"],
            payment="own_invoice",
        )
        buy(cage, cage.flow.consent(sale.id, profile=True))
        fields = cage.flow.export_person(sale.subject).fields
        export = json.dumps([kept.value for kept in fields.values()]).encode()
        assert search.found_in(export) == contact | {"login", "organisation_number"}
        read = cage.flow.details(sale.id, Purpose.SEND_RECEIPT)
        assert search.found_in(json.dumps(read).encode()) == {"email"}
        assert search.found_in(repr(read).encode()) == set()
        sale = cage.flow.start(cart_in("SE"), market="SE")
        sale = cage.flow.recognise(sale.id, **planted("SE", "phone"))
        code = cage.flow.code(sale.id)
        assert code is not None
        assert search.found_in(code.to.reveal().encode()) == {"phone"}


def test_what_leaks_is_found():
    name, street, log = VALUES["name"], VALUES["street"], logging.getLogger("shop.own")
    with desk.database() as file:
        with followed() as trail, Cage(shop_in("SE", review=HELD), file, adapters=ledgers) as cage:
            flow = cage.flow
            sale = flow.start(cart_in("SE"), market="SE", details=planted("SE"), payment="card")
            sale = buy(cage, sale)
            print(f"sold to {name}")  # noqa: T201 -- a leak
            log.debug("sold", extra={"to": VALUES["email"]})
            Told(trail).tell("checkoutflow.events", 1, {"checkoutflow.event": VALUES["login"]})
            log.error("not sold", exc_info=KeyError(VALUES["city"]))
            trail.asked(httpx.Request("GET", f"https://bank.example/{quote(VALUES['login'])}"))
            flow.reject(sale.id, reviewer=f"neighbour of {street}", reason="other")
            flow.journal(sale.id)
            trail.raised(InvalidInput(planted("SE")["phone"], field="phone"))
            trail.keep_database(file)
        trail.keep_database(file)
    assert trail.finds(search_for("SE")) == {
        "name in output",
        "email in log",
        "city in log",
        "login in addresses",
        "login in telemetry",
        "phone in errors",
        "street in answers",
        "street in file .db",
        "street in file .db-wal",
        "street in table checkoutflow_checkouts",
        "street in table checkoutflow_journal",
    }
