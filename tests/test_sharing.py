"""Customers who share, while they pay, what they have not typed; and are never waited for."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from checkoutflow import (
    Cart,
    CheckoutFlow,
    DetailsMissing,
    InvalidInput,
    Keys,
    MemoryStore,
    Shop,
    UsageError,
)
from checkoutflow.checkout import commands as c
from checkoutflow.checkout.decide import decide
from checkoutflow.checkout.events import to_json
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.sharing import ASKS_S
from checkoutflow.customer import clean, example
from checkoutflow.flow.keeping import words
from checkoutflow.privacy.fields import Purpose
from checkoutflow.testing import Clock, SimulatedBank
from checkoutflow.testing.driver import Crash, Stop
from checkoutflow.testing.standins import open_stand_in
from checkoutflow.testing.standins.vipps_profile import SUBJECT
from checkoutflow.testing.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from checkoutflow.checkout.state import Checkout

BACK = "https://shop.example/back"
PLACE = ("street", "postal_code", "city")
TYPED = {name: example(name, "NO") for name in (*PLACE, "email", "phone")} | {"name": "Test Person"}
PERSON = clean(TYPED, market="NO")
SETTINGS: dict[str, Any] = {
    "name": "Fjordbutikken",
    "markets": ["NO"],
    "methods": [
        {
            "id": "vipps",
            "provider": "vipps_mobilepay",
            "provider_method": "wallet",
            "shares": True,
        },
        {"id": "own_invoice", "name": "Faktura"},
    ],
    "deliveries": [
        {"id": "home", "name": "Hjem", "prices": ["49 NOK"]},
        {"id": "shop", "name": "Henting", "prices": ["0 NOK"], "to": "pickup"},
    ],
    "consents": ["marketing", "profile"],
    "messages": ["details_shared", "attention", "confirmed"],
}
MUG = Cart.read({"lines": [{"sku": "mug", "name": "Krus", "quantity": 1, "unit_price": "99 NOK"}]})
Told = dict[str, Any]


class Shared(World):
    """A shop with a wallet, whose app may tell something else than it should."""

    def __init__(self, **settings: Any) -> None:
        self.told: Callable[[Told], Told | int] = lambda told: told
        self.asked: list[Mapping[str, Any]] = []
        self.looks = 0
        shop = Shop.read({**SETTINGS, **settings})
        super().__init__(shop, open_bank=partial(open_stand_in, "vipps_mobilepay", market="NO"))

    def handle(self, request: httpx.Request) -> httpx.Response:
        response = self.bank.handle(request)
        if request.method == "POST" and request.url.path.endswith("/payments"):
            self.asked.append(json.loads(request.content))
        if "/userinfo/" in request.url.path:
            self.looks += 1
            told = self.told(response.json())
            if isinstance(told, int):
                return httpx.Response(told, json={})
            return httpx.Response(200, json=told)
        return response

    def open_flow(self, **options: Any) -> Any:
        self._http = httpx.Client(transport=httpx.MockTransport(self.handle))
        return super().open_flow(**options)

    def start(self, **details: str) -> Checkout:
        return self.flow.start(MUG, market="NO", delivery="home", payment="vipps", details=details)

    def place(self, sale: Checkout) -> Checkout:
        return self.flow.place(sale.id, accepted_total=sale.total, return_url=BACK)

    def buy(self, sale: Checkout) -> Checkout:
        sale = self.place(sale)
        self.bank.approve(sale.current_payments[0].id)
        self.run_due()
        return self.checkout(sale.id)

    def later(self, **time: float) -> None:
        self.run_until(self.clock() + timedelta(**time))

    def details(self, sale: Checkout, purpose: Purpose = Purpose.DELIVER) -> dict[str, str]:
        return dict(self.flow.details(sale.id, purpose))

    def kinds(self) -> list[str]:
        return [message.kind for message in self.flow.messages()]


@pytest.fixture
def world():
    with Shared() as world:
        yield world


# What is asked ------------------------------------------------------------------------------------


def missing(world: World, sale: Checkout) -> dict[str, str]:
    return {need.field: need.shared_by for need in world.flow.view(sale.id).missing}


def scopes(world: Shared) -> set[str]:
    return {*world.asked[-1].get("profile", {}).get("scope", "").split()}


def test_nothing_has_to_be_typed_that_the_wallet_will_share(world):
    sale = world.start()
    names = ("email", "name", *PLACE)
    assert missing(world, sale) == dict.fromkeys(names, "vipps")
    assert world.flow.view(sale.id).can_place
    sale = world.buy(sale)
    assert scopes(world) == {"name", "email", "address"}
    assert sale.phase is Phase.CONFIRMED
    assert world.details(sale) == {name: PERSON[name] for name in names}
    assert {*sale.provided} == {*names}
    assert sorted(world.kinds()) == ["confirmed", "details_shared"]


def test_only_what_is_missing_is_asked_for(world):
    typed = {name: TYPED[name] for name in (*PLACE, "name")}
    world.buy(world.start(**typed))
    assert scopes(world) == {"email"}
    world.buy(world.start(**TYPED))
    assert "profile" not in world.asked[-1]


def test_to_fetch_it_nobody_is_asked_where_they_live(world):
    sale = world.flow.choose_delivery(world.start().id, "shop")
    sale = world.buy(sale)
    assert scopes(world) == {"name", "email", "phoneNumber"}
    assert world.details(sale)["phone"] == PERSON["phone"]


def test_an_address_is_shared_whole_or_typed(world):
    sale = world.start(postal_code="0150")
    assert missing(world, sale) == {"email": "vipps", "name": "vipps", "street": "", "city": ""}
    assert not world.flow.view(sale.id).can_place
    with pytest.raises(DetailsMissing, match="street, city"):
        world.place(sale)


def test_where_the_area_decides_the_address_is_typed():
    areas = [{"id": "town", "market": "NO", "postal_codes": ["0000-1299"]}]
    with Shared(areas=areas) as world:
        assert {name for name, by in missing(world, world.start()).items() if not by} == {*PLACE}


def test_what_the_provider_wants_to_begin_with_is_typed():
    methods = [{**SETTINGS["methods"][0], "details": ["phone"]}]
    with Shared(methods=methods) as world:
        assert {name for name, by in missing(world, world.start()).items() if not by} == {"phone"}


def test_another_way_to_pay_and_a_shop_that_does_not_ask_want_all_of_it(world):
    sale = world.flow.choose_payment(world.start().id, "own_invoice")
    assert {*missing(world, sale).values()} == {""}
    with Shared(methods=[{**SETTINGS["methods"][0], "shares": False}]) as other:
        sale = other.start()
        with pytest.raises(DetailsMissing):
            other.place(sale)


def test_settings_that_nobody_can_carry_out_are_refused():
    card = {"id": "card", "provider": "vipps_mobilepay", "shares": True}
    with pytest.raises(InvalidInput, match="only who pays in an app") as refused:
        Shop.read({**SETTINGS, "methods": [card]})
    assert refused.value.field == "methods[0].shares"
    way = {**SETTINGS["methods"][0], "provider": "simulated_bank"}
    shop = Shop.read({**SETTINGS, "methods": [way]})
    bank = SimulatedBank(Clock()).provider()
    with pytest.raises(UsageError, match="can ask customers to share"):
        CheckoutFlow(shop, providers=[bank], store=MemoryStore(), keys=Keys.of(bytes(32)))


# What is told -------------------------------------------------------------------------------------


def changed(**told: object) -> Callable[[Told], Told | int]:
    return lambda before: {**before, **told}


def moved(**place: str) -> Callable[[Told], Told | int]:
    return lambda before: {**before, "address": {**before["address"], **place}}


@pytest.mark.parametrize(
    ("told", "left_out"),
    [
        (changed(email="nobody"), {"email"}),
        (changed(name="4242 4242 4242 4242", given_name="", family_name=""), {"name"}),
        (changed(address="Oslo"), {*PLACE}),
        (moved(postal_code="x"), {*PLACE}),
        (moved(street_address=""), {*PLACE}),
        (moved(postal_code="9170"), {*PLACE}),  # Svalbard has other taxes
        (moved(country="SE", postal_code="11455"), {*PLACE}),
        (moved(country="Norge"), {*PLACE}),
    ],
    ids=[
        "no address",
        "a card",
        "text",
        "no code",
        "no street",
        "Svalbard",
        "Sweden",
        "no country",
    ],
)
def test_what_cannot_be_right_or_is_elsewhere_is_left_out_and_a_person_looks(world, told, left_out):
    world.told = told
    sale = world.buy(world.start())
    assert sale.phase is Phase.CONFIRMED
    assert {"email", "name", *PLACE} - {*sale.provided} == left_out
    assert [item.reason for item in sale.attention] == ["not_shared"]
    assert sorted(world.kinds()) == ["attention", "confirmed", "details_shared"]


def test_no_more_is_kept_than_was_asked_for(world):
    world.told = changed(phone_number="4712345678", birthdate="2000-12-31")
    sale = world.buy(world.start())
    assert "phone" not in world.flow.export_person(sale.subject).fields


@pytest.mark.parametrize("answer", [404, 429, 500, 503])
def test_a_profile_that_is_not_there_is_asked_for_again(world, answer):
    answers = iter([answer, answer])
    world.told = lambda told: next(answers, told)
    sale = world.buy(world.start())
    assert sale.phase is Phase.CONFIRMED
    assert sale.provided == ()
    world.later(minutes=1)
    assert "street" in world.checkout(sale.id).provided
    assert world.looks == 3
    world.later(days=8)
    assert world.looks == 3


def test_who_never_tells_is_given_up_and_a_person_looks(world):
    world.told = lambda _told: 404
    sale = world.buy(world.start())
    world.later(days=6)
    sale = world.checkout(sale.id)
    assert (sale.phase, sale.provided) == (Phase.CONFIRMED, ())
    assert [item.reason for item in sale.attention] == ["not_shared"]
    assert world.looks == len(ASKS_S) + 1
    assert world.flow.view(sale.id).attention == ("not_shared",)
    assert sum(ASKS_S) * 1.2 < 7 * 86_400  # what they forget after a week was asked for before


def test_of_two_who_ask_at_once_one_tells_and_neither_gives_up(world):
    def told(sale: Checkout, command: c.TakeProfile) -> list[str]:
        rules = world.flow.programs.rules
        return [event.type for event in decide(sale, [command], rules, world.clock())[1]]

    world.told = lambda _told: 404
    sale = world.buy(world.start())
    asked = c.TakeProfile(payment=sale.current_payments[0].id, is_told=False)
    assert told(sale, asked) == []  # somebody has asked a moment ago
    world.told = lambda told: told
    world.later(minutes=1)
    sale = world.checkout(sale.id)
    assert told(sale, asked) == told(sale, asked.but(is_told=True, fields=("email",))) == []


def test_an_order_that_was_called_off_is_told_nothing(world):
    world.told = lambda _told: 404
    sale = world.buy(world.start())
    world.flow.cancel(sale.id)
    seen = world.looks
    world.told = lambda told: told
    world.later(days=1)
    assert world.looks == seen
    assert world.checkout(sale.id).provided == ()


def test_who_wants_to_be_erased_is_asked_nothing_more(world):
    world.told = lambda _told: 404
    sale = world.buy(world.start(email=TYPED["email"]))
    world.flow.erase_person(sale.subject)
    seen = world.looks
    world.later(hours=1)
    assert world.looks == seen


def test_who_refuses_has_not_paid_and_can_type_it(world):
    sale = world.place(world.start())
    world.bank.decline(sale.current_payments[0].id)
    world.run_due()
    sale = world.checkout(sale.id)
    assert sale.phase is Phase.COLLECTING
    sale = world.flow.provide(sale.id, **TYPED)
    sale = world.buy(sale)
    assert sale.phase is Phase.CONFIRMED
    assert world.looks == 0


def test_what_was_shared_is_kept_as_long_as_what_was_typed(world):
    shared = world.buy(world.start())
    typed = world.buy(world.start(**TYPED))
    ends = [
        {
            name: kept.expires_at
            for name, kept in world.flow.export_person(sale.subject).fields.items()
        }
        for sale in (shared, typed)
    ]
    assert {name: ends[0][name] for name in PLACE} == {name: ends[1][name] for name in PLACE}
    assert world.details(shared, Purpose.KEEP_BOOKS)["street"] == PERSON["street"]
    assert shared.subject in world.flow.find_people(email=TYPED["email"])


@pytest.mark.parametrize("answer", [200, 500])
def test_nothing_of_it_is_anywhere_but_in_the_vault(world, caplog, answer):
    caplog.set_level("DEBUG")
    world.told = lambda told: told if answer == 200 else answer
    sale = remembered(world)
    journal = world.store.journal(sale.id)
    texts = [
        sale.model_dump_json(),
        world.flow.view(sale.id).model_dump_json(),
        *(to_json(entry.events).decode() for entry in journal),
        repr(world.flow.messages()),
        caplog.text,
    ]
    assert caplog.text
    for value in (SUBJECT, *PERSON.values()):
        assert not any(value in text for text in texts if value != PERSON["postal_code"])


def test_a_held_order_keeps_it_like_any_other():
    with Shared(review={"hold_above": ["1 NOK"]}) as world:
        sale = world.buy(world.start())
        assert sale.phase is Phase.HELD
        assert "street" in sale.provided
        sale = world.flow.approve(sale.id, reviewer="one")
        world.later(days=40)
        assert world.details(sale)["street"] == PERSON["street"]


# Who it is ----------------------------------------------------------------------------------------


def remembered(world: Shared, **typed: str) -> Checkout:
    """Somebody new buys with what they share, and asks to be remembered."""
    sale = world.flow.consent(world.start(**typed).id, profile=True, marketing=True)
    return world.buy(sale)


def test_who_shares_is_known_by_it_the_next_time(world):
    sale = remembered(world)
    assert (sale.recognition.level, sale.recognition.by) == ("verified", "vipps_mobilepay")
    assert sale.recognition.person == ""
    login = f"vipps_mobilepay:{SUBJECT}"
    (person,) = world.flow.find_people(login=login)
    world.clock.advance(minutes=1)
    sale = world.buy(world.start())
    assert sale.recognition.person == person
    assert sale.consents == {"profile": True, "marketing": True}
    assert {part.sale.id for part in world.flow.export_person(person).sales} >= {sale.id}
    assert world.flow.start(MUG, market="NO", login=login).recognition.person == person


def test_without_consent_nobody_is_remembered_by_it(world):
    world.buy(world.start())
    assert world.flow.find_people(login=f"vipps_mobilepay:{SUBJECT}") == ()


def test_somebody_else_who_pays_is_not_taken_for_the_customer(world):
    remembered(world)
    (person,) = world.flow.find_people(login=f"vipps_mobilepay:{SUBJECT}")
    before = world.flow.export_person(person)
    sale = world.start(email="another@example.com")
    world.flow.consent(sale.id, marketing=False)
    sale = world.buy(sale)
    assert (sale.phase, sale.recognition.person) == (Phase.CONFIRMED, "")
    assert "login" not in sale.provided
    after = world.flow.export_person(person)
    assert (after.fields, after.consents) == (before.fields, before.consents)


def test_a_new_customer_is_not_known_by_whoever_paid_for_them(world):
    typed = {name: TYPED[name] for name in ("email", *PLACE)}
    sale = remembered(world, **typed)  # they share no more than a name
    assert sale.recognition.level == "unknown"
    assert world.flow.find_people(login=f"vipps_mobilepay:{SUBJECT}") == ()


def test_who_is_known_already_stays_who_they_are(world):
    remembered(world)
    sale = world.flow.start(MUG, market="NO", login="customer 17", delivery="home", payment="vipps")
    sale = world.buy(sale)
    assert (sale.recognition.by, sale.recognition.person) == ("login", "")
    assert world.flow.find_people(login="customer 17") == ()


def test_what_they_said_before_is_theirs_and_holds(world):
    remembered(world)
    (person,) = world.flow.find_people(login=f"vipps_mobilepay:{SUBJECT}")
    world.clock.advance(minutes=1)
    sale = world.start()
    sale = world.flow.consent(sale.id, marketing=True)
    world.clock.advance(minutes=1)
    sale = world.flow.consent(sale.id, marketing=False)
    world.clock.advance(minutes=1)
    sale = world.buy(sale)
    assert sale.recognition.person == person
    assert words(world.store.consents(person)) == {"profile": True, "marketing": False}


# Crashes ------------------------------------------------------------------------------------------


def insist(world: Shared, name: str, *arguments: object, **options: object) -> Any:
    """Make a call, and the same again after a crash."""
    try:
        return getattr(world.flow, name)(*arguments, **options)
    except Crash:
        return getattr(world.reopen(), name)(*arguments, **options)


def rest(world: Shared, **time: float) -> None:
    """Let time pass, whatever crashes on the way."""
    end = world.clock() + timedelta(**time)
    try:
        world.run_until(end)
    except Crash:
        world.reopen()
        world.run_until(end)


def bought_by_app(world: Shared, key: str) -> Checkout:
    """Somebody who wants to be remembered buys and types nothing."""
    sale = insist(
        world,
        "start",
        MUG,
        market="NO",
        delivery="home",
        payment="vipps",
        idempotency_key=f"{key} 1",
    )
    insist(world, "consent", sale.id, profile=True, idempotency_key=f"{key} 2")
    insist(
        world,
        "place",
        sale.id,
        accepted_total=sale.total,
        return_url=BACK,
        idempotency_key=f"{key} 3",
    )
    rest(world, minutes=5)
    world.bank.approve(world.checkout(sale.id).current_payments[0].id)
    rest(world, minutes=5)
    return world.checkout(sale.id)


def test_a_crash_at_every_step_loses_nothing_that_was_shared_and_nobody_who_shared_it():
    with Shared() as world:
        bought_by_app(world, "first")
        bought_by_app(world, "second")
        count = len(world.steps.names)
    for number in range(1, count + 1):
        for is_after in (False, True):
            with Shared() as world:
                world.steps.stops = [Stop(number, is_after=is_after)]
                bought_by_app(world, "first")
                sale = bought_by_app(world, "second")
                assert sale.phase is Phase.CONFIRMED, number
                assert {"email", "name", *PLACE, "login"} <= {*sale.provided}, number
                assert sale.recognition.person, number
                assert not sale.attention
                (person,) = world.flow.find_people(login=f"vipps_mobilepay:{SUBJECT}")
                assert person == sale.recognition.person
                assert world.details(sale)["street"] == PERSON["street"]
                world.check()
