"""A contact field is given for what needs it, and for nothing else."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkoutflow import Cart, CheckoutFlow, InvalidInput, MemoryStore, Money, Shop
from checkoutflow.checkout.events import CartChanged
from checkoutflow.checkout.evolve import evolve
from checkoutflow.customer import example
from checkoutflow.flow.keeping import books_of
from checkoutflow.privacy.fields import FIELDS, REMEMBERED
from checkoutflow.testing import Clock
from checkoutflow.testing.bank import SimulatedBank
from checkoutflow.testing.standins import open_stand_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from checkoutflow.checkout.state import Checkout

ADDRESS = ("name", "street", "postal_code", "city")
TYPED = {name: example(name, "SE") for name in FIELDS if name not in ("login", "review_notes")}
NUMBER = {"national_id": TYPED["national_id"]}
BACK = "https://shop.example/back"
LATER = {
    "id": "later",
    "kind": "provider_invoice_30",
    "provider": "riverty",
    "provider_method": "invoice",
    "creditor": "Riverty",
    "identifies": True,
    "details": ["national_id"],
}
SETTINGS: dict[str, Any] = {
    "name": "Fjordbutikken",
    "markets": ["SE"],
    "methods": [
        {"id": "till", "kind": "card"},
        {"id": "own_invoice", "name": "Faktura"},
        LATER,
        {"id": "gift_card"},
    ],
    "deliveries": [
        {"id": "parcel", "name": "Parcel", "prices": ["49 SEK"]},
        {"id": "pickup", "name": "Pick-up", "prices": ["0 SEK"], "to": "pickup"},
        {"id": "van", "name": "Van", "prices": ["99 SEK"], "details": ["phone"]},
    ],
    "consents": ["profile", "marketing"],
    "messages": ["code_asked"],
}
# What each choice serves, told apart from how the library works it out.
OF_CHOICE = {
    "parcel": {*ADDRESS, "organisation", "country"},
    "pickup": {"name", "phone"},
    "van": {*ADDRESS, "organisation", "country", "phone"},
    "till": set[str](),
    "own_invoice": {*ADDRESS},
    "later": {
        *ADDRESS,
        "phone",
        "country",
        "organisation",
        "national_id",
    },  # all that Riverty takes
    "profile": {*REMEMBERED},
    "marketing": {"phone"},
    "business": {"organisation"},
    "business own_invoice": {"organisation_number"},
    "business later": {"organisation_number"},
}


def cart_of(*, digital: bool = False, price: str = "189 SEK") -> Cart:
    line = {"sku": "it", "name": "It", "quantity": 1, "unit_price": price, "digital": digital}
    return Cart.read({"lines": [line]})


CART, SONG = cart_of(), cart_of(digital=True)


class Till:
    """A shop, and what its vault holds."""

    def __init__(self, **changes: Any) -> None:
        clock = Clock()
        self.store = MemoryStore()
        riverty = open_stand_in("riverty", clock, market="SE")
        self.flow = CheckoutFlow(
            Shop.read(SETTINGS | changes),
            providers=[riverty.provider()],
            store=self.store,
            clock=clock,
            http=httpx.Client(transport=httpx.MockTransport(riverty.handle)),
        )
        self.start = partial(self.flow.start, market="SE")

    def held(self, sale: Checkout) -> set[str]:
        """The fields in the vault, which are those that the checkout names."""
        _, rows = self.store.person(sale.subject)
        _, books = self.store.person(books_of(sale.subject))
        found = {row.field for row in rows}
        assert found == {*self.flow.load(sale.id).provided}
        assert {row.field for row in books} <= found
        return found

    def place(self, sale: Checkout) -> Checkout:
        total = self.flow.load(sale.id).total
        return self.flow.place(sale.id, accepted_total=total, return_url=BACK, accepts_credit=True)

    def give(self, sale: Checkout, *fields: str) -> Checkout:
        return self.flow.provide(sale.id, **{name: TYPED[name] for name in fields})

    def finish(self, sale: Checkout) -> set[str]:
        """Give all that is asked for, buy, and see what is held then."""
        if missing := [need.field for need in self.flow.view(sale.id).missing]:
            self.give(sale, *missing)
        self.place(sale)
        return self.held(sale)


@pytest.fixture
def till() -> Till:
    return Till()


# What nothing needs is refused --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cart", "options", "refused", "takers"),
    [
        (CART, {"delivery": "parcel"}, "phone", "delivery pickup, delivery van, payment later,"),
        (CART, {"delivery": "pickup", "payment": "till"}, "street", "delivery parcel, delivery"),
        (CART, {"payment": "till"}, "national_id", "payment later"),
        (CART, {}, "national_id", "payment later"),
        (SONG, {"payment": "till"}, "name", "delivery parcel, delivery pickup"),
        (SONG, {"payment": "own_invoice"}, "country", "consent to profile"),
        (SONG, {}, "organisation", "a business customer"),
        (SONG, {}, "store_credit_code", ""),
    ],
)
def test_what_nothing_in_the_order_needs_cannot_be_given(till, cart, options, refused, takers):
    sale = till.start(cart, **options)
    given = {refused: TYPED[refused]}
    attempts = [
        partial(till.flow.provide, sale.id, **given),
        partial(till.flow.provide, sale.id, **given, email=TYPED["email"]),
        partial(till.start, cart, details=given, **options),
    ]
    for attempt in attempts:
        match = f"choose that first: .*{takers}" if takers else "nothing that this shop sells"
        with pytest.raises(InvalidInput, match=match) as error:
            attempt()
        assert error.value.field == refused
        assert TYPED[refused] not in str(error.value)
    assert till.flow.load(sale.id) == sale
    assert till.held(sale) == set()


def test_every_field_that_nothing_needs_is_named_at_once(till):
    sale = till.start(SONG, payment="till")
    with pytest.raises(InvalidInput) as refused:
        till.give(sale, "email", "street", "phone")
    assert [field for field, _ in refused.value.problems] == ["street", "phone"]


def test_while_nothing_is_chosen_all_that_can_be_chosen_counts(till):
    sale = till.give(till.start(CART), "email", *ADDRESS, "phone", "country", "gift_card_code")
    assert {*sale.provided} == {"email", *ADDRESS, "phone", "country", "gift_card_code"}


def test_a_choice_in_the_same_call_counts(till):
    together = till.start(
        CART, details={**NUMBER, "phone": TYPED["phone"]}, delivery="van", payment="later"
    )
    assert {*together.provided} == {"national_id", "phone"}
    sale = till.start(CART, delivery="parcel")
    assert "phone" in till.flow.provide(sale.id, delivery="van", phone=TYPED["phone"]).provided
    with pytest.raises(InvalidInput, match="street: nothing in this order"):
        till.flow.provide(sale.id, delivery="pickup", payment="till", street=TYPED["street"])


def test_who_buys_for_a_business_may_name_it(till):
    assert (
        "organisation" in till.give(till.start(SONG, customer="business"), "organisation").provided
    )


def test_an_area_that_steers_takes_the_postal_code_of_what_is_sent():
    areas = [{"id": "town", "market": "SE", "postal_codes": ["100-199"]}]
    till = Till(areas=areas, deliveries=SETTINGS["deliveries"][1:2])
    sale = till.start(CART, payment="till", details={"postal_code": "114 55"})
    assert till.finish(sale) == {"email", "name", "phone", "postal_code"}
    with pytest.raises(InvalidInput, match="postal_code"):
        till.start(SONG, payment="till", details={"postal_code": "114 55"})


def test_a_sale_is_corrected_where_it_holds_something_and_nowhere_else(till):
    sale = till.start(CART, delivery="pickup", payment="till")
    till.finish(sale)
    with pytest.raises(InvalidInput, match="street: nothing in this sale needs it"):
        till.flow.correct_person(sale.subject, market="SE", street="Nygatan 2")
    till.flow.correct_person(sale.subject, market="SE", name="Other Person")
    assert till.flow.export_person(sale.subject).fields["name"].value == "Other Person"


def test_a_delivery_asks_for_what_its_settings_say(till):
    sale = till.start(CART, delivery="van")
    assert [need.field for need in till.flow.view(sale.id).missing] == ["email", *ADDRESS, "phone"]
    with pytest.raises(InvalidInput, match="national_id is not used to deliver"):
        Shop.read(
            SETTINGS | {"deliveries": [SETTINGS["deliveries"][0] | {"details": ["national_id"]}]}
        )


# National identity numbers ------------------------------------------------------------------------


def test_before_a_choice_that_needs_it_nobody_may_give_a_national_identity_number(till):
    sale = till.start(CART)
    for give in (
        partial(till.start, CART, details=NUMBER),
        partial(till.start, CART, details=NUMBER, payment="own_invoice"),
        partial(till.flow.provide, sale.id, **NUMBER),
        partial(till.flow.provide, sale.id, payment="own_invoice", **NUMBER),
    ):
        with pytest.raises(InvalidInput, match="choose that first: payment later") as refused:
            give()
        assert refused.value.field == "national_id"
    assert till.flow.export_person(sale.subject).fields == {}


def test_with_the_choice_that_needs_it_it_is_asked_for_and_taken(till):
    sale = till.start(CART, payment="later")
    assert "national_id" in [need.field for need in till.flow.view(sale.id).missing]
    assert "national_id" in till.give(sale, "national_id").provided


def test_with_another_choice_it_is_gone_at_once(till):
    sale = till.give(till.start(CART, payment="later"), "national_id", "phone")
    sale = till.flow.choose_payment(sale.id, "till")
    assert till.held(sale) == {"phone"}
    assert till.flow.journal(sale.id)[-1].events[-1].fields == ("national_id",)
    assert "national_id" not in till.flow.choose_payment(sale.id, "later").provided


@pytest.mark.parametrize("change", ["too dear", "covered"])
def test_it_is_gone_too_when_the_choice_falls_away(change):
    till = Till(methods=[LATER | {"maximum": ["500 SEK"]}, {"id": "gift_card"}])
    sale = till.give(till.start(SONG, payment="later"), "email", "national_id")
    if change == "too dear":
        till.flow.change_cart(sale.id, cart_of(digital=True, price="900 SEK"))
    else:
        till.flow.add_credit(sale.id, "gift_card", Money(18900, "SEK"), code="GIFT-17")
    assert "national_id" not in till.held(sale)


COMPANY = {"organisation", "organisation_number"}


@pytest.mark.parametrize("payment", ["own_invoice", "later"])
def test_a_business_that_is_sent_a_bill_is_asked_which_one_it_is(till, payment):
    asked = []
    for customer, not_theirs in (("consumer", "organisation_number"), ("business", "national_id")):
        sale = till.start(SONG, customer=customer, payment=payment)
        asked.append({need.field for need in till.flow.view(sale.id).missing})
        with pytest.raises(InvalidInput, match=not_theirs):
            till.give(sale, not_theirs)
        till.give(sale, *asked[-1])
    consumer, business = asked
    assert business == consumer - {"national_id"} | COMPANY


@pytest.mark.parametrize("kind", ["card", "provider_invoice_30"])
def test_it_is_not_asked_for_what_nobody_takes(kind):
    """The bank behind these ways wants an e-mail address, and no company."""
    clock = Clock()
    way = {"id": "way", "kind": kind, "provider": "simulated_bank", "creditor": "Bank"}
    shop = Shop.read({"name": "Fjord", "markets": ["SE"], "methods": [way]})
    bank = SimulatedBank(clock).provider()
    flow = CheckoutFlow(shop, providers=[bank], store=MemoryStore(), clock=clock)
    line = {"sku": "e", "name": "E-book", "quantity": 1, "unit_price": "189 SEK", "digital": True}
    sale = flow.start(Cart.read({"lines": [line]}), market="SE", customer="business", payment="way")
    assert not {need.field for need in flow.view(sale.id).missing} & COMPANY


def test_only_what_identifies_for_credit_waits_for_a_choice():
    assert {name for name, field in FIELDS.items() if field.is_for_a_choice} == {"national_id"}


# What nothing needs any more ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("delivery", "payment", "consents", "kept"),
    [
        ("parcel", "till", (), {"email", *ADDRESS, "country"}),
        ("pickup", "till", (), {"email", "name", "phone"}),
        ("pickup", "own_invoice", (), {"email", *ADDRESS, "phone"}),
        ("parcel", "till", ("marketing",), {"email", *ADDRESS, "country", "phone"}),
        ("pickup", "till", ("profile",), {"email", *ADDRESS, "country", "phone", "login"}),
    ],
)
def test_with_buy_all_goes_that_no_choice_and_no_consent_needs(
    till, delivery, payment, consents, kept
):
    details = {x: TYPED[x] for x in ("email", *ADDRESS, "phone", "country", "gift_card_code")}
    sale = till.start(CART, details=details, login="customer 17")
    till.flow.choose_delivery(sale.id, delivery)
    till.flow.choose_payment(sale.id, payment)
    till.flow.consent(sale.id, **dict.fromkeys(consents, True))
    assert till.finish(sale) == kept
    assert till.flow.find_people(phone=TYPED["phone"]) == (
        () if "phone" not in kept else till.flow.find_people(email=TYPED["email"])
    )


def test_what_a_provider_can_use_for_the_chosen_way_is_taken_and_kept(till):
    sale = till.start(SONG, payment="later")
    till.give(sale, "street", "phone", "email", "national_id")
    assert {"street", "phone", "national_id"} <= till.finish(sale)


def test_who_is_remembered_may_have_more_filled_in_and_says_so_no_more(till):
    details = {name: TYPED[name] for name in ("email", *ADDRESS)}
    sale = till.start(CART, details=details, login="customer 17", delivery="parcel", payment="till")
    till.flow.consent(sale.id, profile=True)
    till.place(sale)
    again = till.start(SONG, login="customer 17")
    assert {"street", "email"} <= {*again.provided}
    till.flow.consent(again.id, profile=False)
    assert till.finish(again) == {"email"}


def test_a_stranger_who_logs_in_is_known_by_nothing_else(till):
    sale = till.start(SONG, login="customer 18", payment="till")
    assert till.held(sale) == {"login"}
    assert till.finish(sale) == {"email"}


def test_older_journals_say_it_with_the_cart(till):
    sale = till.give(till.start(CART), "email", *ADDRESS)
    event = CartChanged(
        cart=CART, market="SE", details_dropped=ADDRESS[1:], expires_at=sale.expires_at
    )
    assert evolve(sale, event).provided == ("email", "name")


# Whatever is chosen -------------------------------------------------------------------------------

FIELD = st.sampled_from(sorted(TYPED))
DELIVERY = st.sampled_from(["parcel", "pickup", "van"])
PAYMENT = st.sampled_from(["till", "own_invoice", "later"])
CONSENTS = st.fixed_dictionaries(
    {}, optional={"profile": st.booleans(), "marketing": st.booleans()}
)


def served(sale: Checkout) -> set[str]:
    """What the choices that stand serve."""
    choices = [sale.delivery, sale.method, *(name for name, it in sale.consents.items() if it)]
    if sale.customer == "business":
        choices += ["business", f"business {sale.method}"]
    needed = {"email"}.union(*(OF_CHOICE.get(choice, ()) for choice in choices))
    return needed | ({"gift_card_code"} if sale.credits else set())


@settings(max_examples=150, deadline=None)
@given(
    digital=st.booleans(),
    customer=st.sampled_from(["consumer", "business"]),
    acts=st.lists(
        st.one_of(
            st.tuples(st.just("give"), st.lists(FIELD, min_size=1, max_size=4, unique=True)),
            st.tuples(st.just("delivery"), DELIVERY),
            st.tuples(st.just("payment"), PAYMENT),
            st.tuples(st.just("consent"), CONSENTS),
            st.tuples(st.just("cart"), st.booleans()),
            st.tuples(st.just("credit"), st.integers(1, 100)),
        ),
        max_size=12,
    ),
    last=st.tuples(DELIVERY, PAYMENT),
)
def test_the_vault_never_holds_more_than_what_was_chosen_needs(digital, customer, acts, last):
    till = Till()
    sale = till.start(SONG if digital else CART, customer=customer)
    for act, what in acts:
        before, held = till.flow.load(sale.id), till.held(sale)
        try:
            match act:
                case "give":
                    till.give(sale, *what)
                case "delivery":
                    till.flow.choose_delivery(sale.id, what)
                case "payment":
                    till.flow.choose_payment(sale.id, what)
                case "consent":
                    till.flow.consent(sale.id, **what)
                case "cart":
                    till.flow.change_cart(sale.id, SONG if what else CART)
                case "credit":
                    amount = Money(what * 100, "SEK")
                    till.flow.add_credit(sale.id, "gift_card", amount, code="GIFT-17")
        except InvalidInput:
            assert till.flow.load(sale.id) == before
            assert till.held(sale) == held
        now = till.flow.load(sale.id)
        assert ("national_id" not in till.held(sale)) or now.method == "later"
    delivery, payment = last
    with suppress(InvalidInput):  # nothing is sent
        till.flow.choose_delivery(sale.id, delivery)
    till.flow.choose_payment(sale.id, payment)
    asked = {need.field for need in till.flow.view(sale.id).missing}
    told = till.held(sale)
    held = till.finish(sale)
    assert asked <= held <= told | asked
    assert held <= served(till.flow.load(sale.id))


def is_done(act: Callable[[], object]) -> bool:
    try:
        act()
    except InvalidInput:
        return False
    return True


@settings(max_examples=60, deadline=None)
@given(delivery=DELIVERY, payment=PAYMENT, consents=CONSENTS, order=st.randoms())
def test_in_whatever_order_it_is_told_and_chosen_the_same_is_held(
    delivery, payment, consents, order
):
    def sold(*, shuffled: bool) -> set[str]:
        till = Till()
        sale = till.start(CART)
        names = (OF_CHOICE[delivery] | OF_CHOICE[payment]) - {"national_id"}
        acts = [
            partial(till.flow.choose_delivery, sale.id, delivery),
            partial(till.flow.choose_payment, sale.id, payment),
            partial(till.flow.consent, sale.id, **consents),
            *(partial(till.give, sale, name) for name in sorted(names)),
        ]
        if shuffled:
            order.shuffle(acts)
        for _ in acts:  # what is refused is told again when more was chosen
            acts = [act for act in acts if not is_done(act)]
        assert not acts
        return till.finish(sale)

    assert sold(shuffled=True) == sold(shuffled=False)
