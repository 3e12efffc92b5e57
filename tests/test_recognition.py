"""A returning customer: recognised without anybody else learning of it, and then asked nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from checkoutflow import (
    Cart,
    CheckoutFlow,
    IdempotencyConflict,
    InvalidInput,
    MemoryStore,
    NotSupported,
    NotVerified,
    Shop,
    TooManyTries,
    UntrustedProof,
    UsageError,
)
from checkoutflow.checkout.machine import Phase
from checkoutflow.customer import clean, example
from checkoutflow.flow.keeping import words
from checkoutflow.issuers.oidc import OpenIdConnect
from checkoutflow.privacy.codes import CODE_LIFE, CODE_TRIES, RESEND_AFTER, RESENDS
from checkoutflow.privacy.consent import Consent
from checkoutflow.privacy.fields import REMEMBERED, Purpose
from checkoutflow.testing import Clock
from checkoutflow.testing.issuer import PERSON, SimulatedIssuer, approve, decline

if TYPE_CHECKING:
    from checkoutflow.checkout.state import Checkout

ADDRESS = ["name", "street", "postal_code", "city"]
ONE = {name: example(name, "DK") for name in [*ADDRESS, "email", "phone"]} | {"name": "Person One"}
TWO = ONE | {"name": "Person Two", "email": "two@example.com", "street": "Strandgata 2"}
COMPANY = ONE | {name: example(name, "DK") for name in ("organisation", "organisation_number")}

CALLED: dict[str, Any] = {"name": "To the door, after a call", "details": ["phone"]}


class World:
    """One shop that sells mugs on its own invoice, and the mailboxes that its codes go to."""

    def __init__(self, store: Any = None, **settings: Any) -> None:
        self.clock = Clock()
        self.shop = Shop.read(
            {
                "name": "Fjordbutikken",
                "markets": ["DK", "SE"],
                "methods": [
                    {"id": "own_invoice", "name": "Faktura"},
                    {"id": "later", "kind": "own_invoice", "name": "Senere"},
                ],
                "deliveries": [
                    {"id": "home", "prices": ["39 DKK", "49 SEK"], **CALLED},
                    {"id": "parcel", "prices": ["29 DKK", "39 SEK"], **CALLED},
                ],
                "messages": ["code_asked"],
                **settings,
            }
        )
        self.store = store or MemoryStore()
        self.flow = CheckoutFlow(self.shop, store=self.store, clock=self.clock)

    def start(self, market: str = "DK", **options: Any) -> Checkout:
        price = {"DK": "129 DKK", "SE": "189 SEK"}[market]
        cart = Cart.read(
            {"lines": [{"sku": "mug", "name": "Mug", "quantity": 1, "unit_price": price}]}
        )
        return self.flow.start(cart, market=market, **options)

    def buy(self, person: dict[str, str], *, remember: bool = True, **options: Any) -> Checkout:
        """Somebody new buys, and agrees to be remembered or not."""
        sale = self.start(details=person, delivery="parcel", payment="later", **options)
        if remember:
            sale = self.flow.consent(sale.id, profile=True)
        sale = self.flow.place(sale.id, accepted_total=sale.total, accepts_credit=True)
        assert sale.phase is Phase.CONFIRMED
        return sale

    def ask(self, sale: Checkout, **given: str) -> Checkout:
        given = given or {"email": ONE["email"], "postal_code": ONE["postal_code"]}
        return self.flow.recognise(sale.id, client="203.0.113.7", **given)

    def mail(self) -> list[tuple[str, str]]:
        """Send what is to be sent: where to, and the code."""
        sent = []
        for message in self.flow.messages():
            code = self.flow.code(message.checkout)
            if code is not None:
                sent.append((code.to.reveal(), code.text.body[:6]))
            self.flow.delivered([message])
        return sent

    def details(self, sale: Checkout) -> dict[str, str]:
        return dict(self.flow.details(sale.id, Purpose.DELIVER))


@pytest.fixture
def world() -> World:
    return World()


def test_a_customer_who_is_remembered_is_asked_for_a_code_and_for_nothing_else(world):
    world.buy(ONE)
    sale = world.ask(world.start())
    ((to, code),) = world.mail()
    assert to == ONE["email"]
    sale = world.flow.verify(sale.id, code)
    assert sale.recognition.level == "verified"
    assert world.details(sale).items() >= {name: ONE[name] for name in ADDRESS}.items()
    assert (sale.delivery, sale.method) == ("parcel", "later")
    view = world.flow.view(sale.id)
    assert (view.missing, view.choose) == ((), ())
    sale = world.flow.place(sale.id, accepted_total=sale.total, accepts_credit=True)
    assert sale.phase is Phase.CONFIRMED


def test_who_is_logged_in_with_the_shop_buys_with_two_calls(world):
    world.buy(ONE, login="customer 17")
    sale = world.start(login="customer 17")
    sale = world.flow.place(sale.id, accepted_total=sale.total, accepts_credit=True)
    assert sale.phase is Phase.CONFIRMED
    assert world.details(sale)["street"] == ONE["street"]


def test_a_login_is_remembered_beside_a_mailbox_that_is_somebodys_already(world):
    world.buy(ONE)
    world.buy(
        ONE | {"street": "Nygade 3"}, login="customer 17"
    )  # the shop knows them, not the mailbox
    assert world.details(world.start(login="customer 17"))["street"] == "Nygade 3"
    sale = world.ask(world.start())
    ((_, code),) = world.mail()
    assert world.details(world.flow.verify(sale.id, code))["street"] == ONE["street"]


def test_a_purchase_by_code_leaves_the_login_as_it_was(world):
    world.buy(ONE, login="customer 17")
    sale = world.ask(world.start())
    ((_, code),) = world.mail()
    sale = world.flow.verify(sale.id, code)
    sale = world.flow.provide(sale.id, street="Nygade 3")
    world.flow.place(sale.id, accepted_total=sale.total, accepts_credit=True)
    assert world.details(world.start(login="customer 17"))["street"] == "Nygade 3"


def test_a_login_that_nobody_is_remembered_under_is_a_new_customer(world):
    world.buy(ONE, login="customer 17")
    sale = world.start(login="customer 18")
    assert (sale.recognition.level, sale.recognition.person) == ("verified", "")
    assert sale.provided == ("login",)


def test_without_consent_nobody_is_remembered(world):
    world.buy(ONE, remember=False)
    world.ask(world.start())
    assert world.mail() == []


class Watched(MemoryStore):
    """Notes which of its methods are called."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if callable(found) and not name.startswith("_"):
            super().__getattribute__("calls").append(name)
        return found


@pytest.mark.parametrize(
    "pair",
    [
        ({"email": ONE["email"], "postal_code": "2100"},
         {"email": "nobody@example.com", "postal_code": "2100"}),
        ({"phone": ONE["phone"]}, {"phone": "32 12 34 57"}),
        ({"organisation_number": "13585628"}, {"organisation_number": "10150817"}),
    ],
    ids=["email", "phone", "organisation_number"],
)  # fmt: skip
def test_the_known_and_the_unknown_get_the_same_answer_for_the_same_work(pair):
    store = Watched()
    world = World(store)
    world.buy(COMPANY, customer="business")
    seen = []
    for given in pair:
        sale = world.start()
        store.calls.clear()
        sale = world.ask(sale, **given)
        asking = [*store.calls]
        store.calls.clear()
        with pytest.raises(NotVerified) as refused:
            world.flow.verify(sale.id, "000000")
        assert "person" not in store.calls  # even reading takes its time
        state = world.flow.view(sale.id).model_dump(exclude={"id", "expires_at"})
        shape = [(name, len(str(value))) for name, value in sale.recognition]
        entry = [len(str(item)) for item in world.flow.journal(sale.id)[-2].events]
        seen.append((asking, [*store.calls], str(refused.value), state, shape, entry))
    assert seen[0] == seen[1]


def test_a_code_that_is_wrong_counts_and_five_are_the_end(world):
    world.buy(ONE)
    sale = world.ask(world.start())
    ((_, code),) = world.mail()
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for _ in range(CODE_TRIES):
        with pytest.raises(NotVerified, match="not right, or not any more"):
            world.flow.verify(sale.id, wrong)
    with pytest.raises(NotVerified):
        world.flow.verify(sale.id, code)
    assert world.flow.view(sale.id).missing


@pytest.mark.parametrize(("late", "is_good"), [(-1, True), (0, False)])
def test_a_code_works_for_ten_minutes(world, late, is_good):
    world.buy(ONE)
    sale = world.ask(world.start())
    ((_, code),) = world.mail()
    world.clock.advance(seconds=CODE_LIFE.total_seconds() + late)
    if is_good:
        assert world.flow.verify(sale.id, code).recognition.level == "verified"
    else:
        with pytest.raises(NotVerified):
            world.flow.verify(sale.id, code)


def test_another_code_can_be_sent_three_times_and_ends_the_one_before(world):
    world.buy(ONE)
    sale = world.ask(world.start())
    ((_, first),) = world.mail()
    with pytest.raises(NotVerified, match="wait 30 seconds"):
        world.flow.ask_again(sale.id)
    codes = [first]
    for _ in range(RESENDS):
        world.clock.advance(seconds=RESEND_AFTER.total_seconds())
        world.flow.ask_again(sale.id)
        codes += [code for _, code in world.mail()]
    world.clock.advance(seconds=RESEND_AFTER.total_seconds())
    with pytest.raises(NotVerified, match="too many codes"):
        world.flow.ask_again(sale.id)
    for old in {*codes[:-1]} - {codes[-1]}:
        with pytest.raises(NotVerified):
            world.flow.verify(sale.id, old)
    assert world.flow.verify(sale.id, codes[-1]).recognition.level == "verified"


def test_a_code_is_used_once_and_for_its_own_checkout(world):
    world.buy(ONE)
    one = world.ask(world.start())
    world.clock.advance(seconds=1)  # messages come in order of time
    two = world.ask(world.start())
    codes = [code for _, code in world.mail()]
    with pytest.raises(NotVerified):
        world.flow.verify(two.id, codes[0])
    world.flow.verify(one.id, codes[0])
    with pytest.raises(NotVerified):
        world.flow.verify(one.id, codes[0])


def test_a_call_that_is_repeated_under_its_key_is_answered_and_not_made_again(world):
    world.buy(ONE)
    sale = world.start()
    given = {"email": ONE["email"], "postal_code": ONE["postal_code"]}
    asked = [
        world.flow.recognise(sale.id, client="203.0.113.7", idempotency_key="ask", **given)
        for _ in range(7)  # more often than one network address may ask
    ]
    assert {state.recognition.challenge for state in asked} == {asked[0].recognition.challenge}
    with pytest.raises(IdempotencyConflict):
        world.flow.recognise(sale.id, idempotency_key="ask", phone=ONE["phone"])
    ((_, code),) = world.mail()
    shown = world.flow.verify(sale.id, code, idempotency_key="show")
    assert world.flow.verify(sale.id, code, idempotency_key="show") == shown
    with pytest.raises(IdempotencyConflict):
        world.flow.verify(sale.id, "000000", idempotency_key="show")
    with pytest.raises(NotVerified):
        world.flow.verify(sale.id, code)


def test_nothing_is_sent_any_more_once_a_code_cannot_be_right(world):
    world.buy(ONE)
    late, used = world.ask(world.start()), world.ask(world.start())
    assert world.flow.code(late.id) is not None
    code = world.flow.code(used.id)
    world.flow.verify(used.id, code.text.body[:6])
    world.clock.advance(seconds=CODE_LIFE.total_seconds())
    assert world.flow.code(late.id) is world.flow.code(used.id) is None
    assert world.flow.code(world.start().id) is None


def test_another_code_is_sent_once_for_one_call(world):
    world.buy(ONE)
    sale = world.ask(world.start())
    world.clock.advance(seconds=RESEND_AFTER.total_seconds())
    for _ in range(2):
        sale = world.flow.ask_again(sale.id, idempotency_key="again")
    assert sale.recognition.sending == 1


def test_guessing_is_held_down_for_a_mailbox_and_for_a_network_address(world):
    for number in range(5):
        world.ask(world.start(), email=f"guess{number}@example.com", postal_code="2100")
    with pytest.raises(TooManyTries):
        world.ask(world.start(), email="guess5@example.com", postal_code="2100")
    world.clock.advance(seconds=601)
    world.ask(world.start(), email="guess5@example.com", postal_code="2100")
    other = World()
    for _ in range(10):
        other.flow.recognise(other.start().id, email="a@example.com", postal_code="2100")
    with pytest.raises(TooManyTries):
        other.flow.recognise(other.start().id, email="A@example.com", postal_code="2100")


def test_an_e_mail_address_finds_nobody_without_its_postal_code(world):
    world.buy(ONE)
    world.ask(world.start(), email=ONE["email"], postal_code="2200")
    assert world.mail() == []
    with pytest.raises(InvalidInput, match="email and postal_code, or phone"):
        world.flow.recognise(world.start().id, email=ONE["email"])


def test_a_postal_code_counts_in_every_market(world):
    swede = {name: example(name, "SE") for name in [*ADDRESS, "email", "phone"]}
    world.buy(swede | {"name": "Person One"}, market="SE")
    world.ask(world.start("SE"), email=swede["email"], postal_code="222 22")
    assert world.mail() == []
    world.ask(world.start("SE"), email=swede["email"].upper(), postal_code="SE-11455")
    assert [to for to, _ in world.mail()] == [swede["email"]]


def test_a_telephone_that_two_share_finds_neither(world):
    world.buy(ONE)
    world.ask(world.start(), phone=ONE["phone"])
    ((to, _),) = world.mail()
    assert to.endswith(ONE["phone"].replace(" ", ""))
    world.buy(TWO)
    world.ask(world.start(), phone=ONE["phone"])
    assert world.mail() == []


def test_a_company_is_found_by_its_number_and_the_code_goes_to_the_mailbox_on_file(world):
    world.buy(COMPANY, customer="business")
    sale = world.start(customer="business", details={"phone": TWO["phone"]})
    sale = world.ask(sale, organisation_number=" 13 58 56 28 ")
    assert sale.provided == ("phone",)  # whoever knows the number knows no more by it
    ((to, code),) = world.mail()
    assert to == ONE["email"]
    sale = world.flow.verify(sale.id, code)
    assert {"organisation", "organisation_number", "email", "street"} <= {*sale.provided}
    assert world.flow.view(sale.id).missing == ()


def test_a_company_for_which_several_buy_finds_none_of_them(world):
    world.buy(COMPANY, customer="business")
    colleague = {"email": TWO["email"], "name": TWO["name"], "phone": "32 12 34 57"}
    world.buy(COMPANY | colleague, customer="business")
    world.ask(world.start(), organisation_number=COMPANY["organisation_number"])
    assert world.mail() == []
    world.ask(world.start(), phone=colleague["phone"])
    assert [to for to, _ in world.mail()] == ["+4532123457"]


@pytest.mark.parametrize(
    ("market", "spellings"),
    [
        ("SE", ["5560160680", "556016-0680", "16556016-0680"]),
        ("SE", ["191212121212", "121212-1212", "19121212-1212"]),
        ("DK", ["13585628", "13 58 56 28"]),
    ],
)
def test_a_company_is_found_however_its_number_is_written(market, spellings):
    typed = {name: example(name, market) for name in [*ADDRESS, "email", "phone", "organisation"]}
    for number in spellings:
        world = World()
        typed["organisation_number"] = number
        world.buy(typed | {"name": "Person One"}, market=market, customer="business")
        for spelling in spellings:
            world.ask(world.start(market), organisation_number=spelling)
        assert len(world.mail()) == len(spellings)


def test_numbers_of_two_countries_with_the_same_digits_are_two():
    assert clean({"organisation_number": "28000707"}, market="FI") != clean(
        {"organisation_number": "28000707"}, market="DK"
    )


def test_nobody_takes_over_what_is_kept_of_somebody_else(world):
    world.buy(ONE)
    world.buy(ONE | {"street": "Elsewhere 9", "name": "Person Three"})  # with the same mailbox
    sale = world.ask(world.start())
    ((_, code),) = world.mail()
    sale = world.flow.verify(sale.id, code)
    assert world.details(sale)["street"] == ONE["street"]


def test_who_only_asked_for_a_code_changes_nothing_of_what_is_kept(world):
    world.buy(ONE)
    stranger = {**TWO, "phone": "32 12 34 57"}
    sale = world.ask(world.start(details=stranger, delivery="parcel", payment="later"))
    ((to, code),) = world.mail()
    assert to == ONE["email"]
    world.flow.consent(sale.id, marketing=True)
    world.flow.place(sale.id, accepted_total=sale.total, accepts_credit=True)
    world.ask(world.start(), email=TWO["email"], postal_code=TWO["postal_code"])
    assert world.mail() == []
    sale = world.ask(world.start())
    ((_, code),) = world.mail()
    sale = world.flow.verify(sale.id, code)
    assert world.details(sale)["name"] == ONE["name"]
    assert {row.kind for row in world.store.consents(sale.recognition.person)} == {"profile"}


def test_who_has_shown_who_they_are_keeps_it_up_to_date(world):
    world.buy(ONE)
    sale = world.ask(world.start())
    ((_, code),) = world.mail()
    sale = world.flow.verify(sale.id, code)
    sale = world.flow.provide(sale.id, street="Nygade 3", email="moved@example.com")
    sale = world.flow.place(sale.id, accepted_total=sale.total, accepts_credit=True)
    again = world.ask(world.start(), email="moved@example.com", postal_code=ONE["postal_code"])
    ((to, code),) = world.mail()
    assert to == "moved@example.com"
    assert world.details(world.flow.verify(again.id, code))["street"] == "Nygade 3"
    world.ask(world.start())  # the address of before
    assert world.mail() == []


def test_what_the_customer_typed_already_goes_first(world):
    world.buy(ONE)
    sale = world.start(details={"street": "Nygade 3"})
    sale = world.ask(sale)
    ((_, code),) = world.mail()
    sale = world.flow.verify(sale.id, code)
    assert world.details(sale)["street"] == "Nygade 3"
    assert world.details(sale)["city"] == ONE["city"]


def test_an_address_in_another_market_is_not_filled_in(world):
    world.buy(ONE)
    sale = world.ask(world.start("SE"), phone=f"+45{ONE['phone']}")
    ((_, code),) = world.mail()
    sale = world.flow.verify(sale.id, code)
    assert {"name", "email", "phone"} == {*sale.provided} - {"login"}


# What they said before ----------------------------------------------------------------------------


def boxes(world: World, sale: Checkout) -> dict[str, bool]:
    """What the page shows ticked."""
    return {box.consent: box.is_given for box in world.flow.view(sale.id).consents}


def show(world: World, sale: Checkout) -> Checkout:
    """The customer asks to be recognised and types the code."""
    world.ask(sale)
    ((_, code),) = world.mail()
    return world.flow.verify(sale.id, code)


def last_words(world: World, person: str) -> dict[str, bool]:
    return words(world.store.consents(person))


@pytest.fixture
def asking() -> World:
    """A shop that asks whether it may."""
    return World(consents=[kind for kind in Consent if kind is not Consent.CREDIT_CHECK])


NOTHING_TICKED = dict.fromkeys(["marketing", "no_marketing", "analytics", "profile"], False)


def test_who_is_remembered_sees_what_they_said_and_a_page_that_says_it_again_changes_nothing(
    asking,
):
    sale = asking.start(details=ONE, delivery="parcel", payment="later")
    asking.flow.consent(sale.id, profile=True, analytics=True)
    asking.flow.place(sale.id, accepted_total=sale.total, accepts_credit=True)
    sale = asking.ask(asking.start())
    assert boxes(asking, sale) == NOTHING_TICKED
    ((_, code),) = asking.mail()
    sale = asking.flow.verify(sale.id, code)
    seen = boxes(asking, sale)
    assert seen == NOTHING_TICKED | {"profile": True, "analytics": True}
    assert asking.flow.consent(sale.id, **seen).version == sale.version
    person = sale.recognition.person
    sale = asking.flow.consent(sale.id, **seen | {"analytics": False})
    assert last_words(asking, person) == {"profile": True, "analytics": False}
    assert asking.details(show(asking, asking.start()))["street"] == ONE["street"]
    asking.flow.consent(sale.id, profile=False)
    asking.ask(asking.start())
    assert asking.mail() == []


def test_what_was_said_before_the_code_is_theirs_with_its_proof(asking):
    asking.buy(ONE)
    sale = asking.flow.consent(asking.start().id, marketing=True)
    asking.clock.advance(minutes=1)
    sale = show(asking, sale)
    (here,) = asking.store.consents(sale.subject)
    there = asking.store.consents(sale.recognition.person)[-1]
    assert there == replace(here, subject=sale.recognition.person)
    assert boxes(asking, sale) == NOTHING_TICKED | {"profile": True, "marketing": True}


def test_a_new_customer_keeps_the_proof_of_what_they_agreed_to(asking):
    sale = asking.buy(ONE)
    (said,) = asking.store.consents(sale.subject)
    (kept,) = asking.store.consents(show(asking, asking.start()).recognition.person)
    assert replace(kept, subject=sale.subject) == said


@pytest.mark.parametrize(
    ("before", "kind", "after"),
    [(True, "profile", True), (True, "no_marketing", True), (True, "marketing", False)],
)
def test_who_unticks_what_they_just_ticked_takes_back_no_more_than_they_mean(
    asking, before, kind, after
):
    sale = asking.start(details=ONE, delivery="parcel", payment="later")
    asking.flow.consent(sale.id, **{"profile": True, kind: before})
    asking.flow.place(sale.id, accepted_total=sale.total, accepts_credit=True)
    sale = asking.start()
    for is_ticked in (True, False):
        asking.clock.advance(minutes=1)
        sale = asking.flow.consent(sale.id, **{kind: is_ticked})
    sale = show(asking, sale)
    assert boxes(asking, sale)[kind] is after
    assert last_words(asking, sale.recognition.person)[kind] is after


def test_the_later_word_counts_wherever_it_was_said(asking):
    asking.buy(ONE, login="customer 17")
    early = asking.flow.consent(asking.start().id, marketing=True, analytics=True)
    asking.clock.advance(minutes=1)
    other = asking.flow.consent(asking.start(login="customer 17").id, marketing=True)
    asking.clock.advance(minutes=1)
    asking.flow.consent(other.id, marketing=False)
    early = show(asking, early)
    assert boxes(asking, early) == NOTHING_TICKED | {"profile": True, "analytics": True}
    assert last_words(asking, early.recognition.person)["marketing"] is False


def test_a_no_is_noted_in_a_checkout_of_before_the_yes(asking):
    first = asking.buy(ONE, login="customer 17")
    later = asking.start(login="customer 17")
    asking.flow.consent(later.id, marketing=True)
    for old in (first, later):
        asking.clock.advance(minutes=1)
        asking.flow.consent(old.id, marketing=False)
        assert last_words(asking, later.recognition.person)["marketing"] is False
        asking.clock.advance(minutes=1)
        asking.flow.consent(later.id, marketing=True)


def test_nothing_of_what_one_said_is_shown_to_another_at_the_same_desk(asking):
    asking.buy(ONE, login="customer 17")
    asking.flow.consent(asking.start(login="customer 17").id, analytics=True)
    asking.buy(TWO, login="customer 18")
    sale = asking.start(login="customer 18")
    assert boxes(asking, show(asking, sale)) == NOTHING_TICKED | {
        "profile": True,
        "analytics": True,
    }
    sale = asking.start(login="customer 17")
    given = {"email": TWO["email"], "postal_code": TWO["postal_code"]}
    asking.ask(sale, **given)
    ((_, code),) = asking.mail()
    assert boxes(asking, asking.flow.verify(sale.id, code)) == NOTHING_TICKED | {"profile": True}


def test_who_was_forgotten_is_not_remembered_by_a_checkout_that_was_open_then(asking):
    asking.buy(ONE, login="customer 17")
    for forget in (
        lambda sale: asking.flow.consent(sale.id, profile=False),
        lambda sale: asking.flow.erase_person(sale.recognition.person),
    ):
        one, other = (asking.start(login="customer 17") for _ in range(2))
        asking.clock.advance(minutes=1)
        forget(other)
        asking.flow.place(one.id, accepted_total=one.total, accepts_credit=True)
        assert asking.start(login="customer 17").recognition.person == ""
        asking.clock.advance(minutes=1)
        again = asking.flow.consent(asking.start(login="customer 17", details=ONE).id, profile=True)
        again = asking.flow.provide(again.id, delivery="parcel", payment="later")
        asking.flow.place(again.id, accepted_total=again.total, accepts_credit=True)


def test_codes_need_somebody_who_sends_them():
    world = World(messages=[])
    with pytest.raises(UsageError, match="code_asked"):
        world.ask(world.start())


def test_after_two_years_without_a_purchase_nobody_is_remembered(world):
    world.buy(ONE)
    world.clock.advance(days=730)
    world.ask(world.start())
    assert world.mail() == []


def test_what_had_to_be_gone_does_not_come_back_with_the_sale():
    world = World(lifetime_s=40 * 24 * 3600)
    sale = world.start(details=ONE, delivery="parcel", payment="later")
    world.clock.advance(days=29)
    sale = world.flow.provide(sale.id, street="Nygade 3")
    world.clock.advance(days=2)
    sale = world.flow.place(sale.id, accepted_total=sale.total, accepts_credit=True)
    assert world.details(sale) == {"street": "Nygade 3"}


def test_an_address_can_be_given_again_after_a_move_that_dropped_all_there_was(world):
    sale = world.start(details={"postal_code": "2100"})
    price = {"sku": "mug", "name": "Mug", "quantity": 1, "unit_price": "189 SEK"}
    sale = world.flow.change_cart(sale.id, Cart.read({"lines": [price]}), market="SE")
    assert sale.provided == ()
    sale = world.flow.provide(sale.id, postal_code="114 55")
    assert world.details(sale) == {"postal_code": "11455"}


def test_nothing_personal_is_filled_in_that_pays_or_identifies():
    assert {"national_id", "gift_card_code", "store_credit_code"}.isdisjoint(REMEMBERED)


# With an issuer -----------------------------------------------------------------------------------


class Visited(World):
    """A shop whose customers can show at an issuer who they are."""

    def __init__(self, person: Any = PERSON, **settings: Any) -> None:
        super().__init__()
        self.issuer = SimulatedIssuer(self.clock, person=person)
        config = self.issuer.config("https://issuer.example", **settings)
        self.flow = CheckoutFlow(
            self.shop,
            store=self.store,
            clock=self.clock,
            issuers=[OpenIdConnect(config)],
            http=httpx.Client(transport=httpx.MockTransport(self.issuer.handle)),
        )
        self.name = config.name

    def log_in(self, sale: Checkout, *fields: str, says_yes: bool = True) -> Checkout:
        address = self.flow.begin_login(sale.id, self.name, return_url=BACK, fields=fields)
        decide = approve if says_yes else decline
        self.query = decide(address, self.issuer.handle)
        return self.flow.finish_login(sale.id, self.query)


BACK = "https://shop.example/back"


def test_who_shows_at_an_issuer_who_they_are_is_known_from_the_second_time_on():
    world = Visited()
    sale = world.log_in(world.start(), "name", "email")
    assert (sale.recognition.level, sale.recognition.person) == ("verified", "")
    assert {"name", "email"} <= {*sale.provided}
    details = {name: ONE[name] for name in (*ADDRESS, "phone") if name not in sale.provided}
    sale = world.flow.provide(sale.id, delivery="parcel", payment="later", **details)
    sale = world.flow.consent(sale.id, profile=True)
    world.flow.place(sale.id, accepted_total=sale.total, accepts_credit=True)
    again = world.log_in(world.start())
    assert again.recognition.person
    assert world.details(again)["street"] == ONE["street"]
    again = world.flow.place(again.id, accepted_total=again.total, accepts_credit=True)
    assert again.phase is Phase.CONFIRMED


def test_an_address_that_an_issuer_of_another_country_tells_is_not_where_the_goods_go():
    for market, told in (("NO", {"name"}), ("", {"name", "city"})):
        world = Visited(market=market)
        sale = world.log_in(world.start(), "name", "city")
        assert {*sale.provided} == {*told, "login"}


@pytest.mark.parametrize(
    ("born", "adult"), [("2008-03-02", True), ("2008-03-03", False), ("", None)]
)
def test_an_issuer_that_tells_a_birthday_tells_whether_the_customer_is_an_adult(born, adult):
    world = Visited({"profile": {"name": "Test Person", "birthdate": born}})  # 2 March 2026
    sale = world.log_in(world.start(), "birth_date")
    assert sale.adult is adult
    assert sale.provided == ("login",)


def test_a_return_serves_once_and_for_its_own_checkout():
    world = Visited()
    mine, theirs = world.start(), world.start()
    world.log_in(mine)
    with pytest.raises(NotVerified, match="nobody is waited for"):
        world.flow.finish_login(mine.id, world.query)
    world.flow.begin_login(theirs.id, world.name, return_url=BACK)
    with pytest.raises(UntrustedProof):
        world.flow.finish_login(theirs.id, world.query)


def test_who_says_no_is_as_unknown_as_before():
    world = Visited()
    sale = world.start()
    with pytest.raises(NotVerified, match="access_denied"):
        world.log_in(sale, says_yes=False)
    assert world.flow.view(sale.id).missing
    with pytest.raises(NotSupported, match="no issuer nobody"):
        world.flow.begin_login(sale.id, "nobody", return_url=BACK)
