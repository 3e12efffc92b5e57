"""Several providers for one method: which is asked, when the next one is, and when never."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import httpx
import pytest

from checkoutflow import (
    CheckoutFlow,
    DetailsMissing,
    InvalidInput,
    MemoryStore,
    Money,
    NotSupported,
    Shop,
)
from checkoutflow.checkout.machine import Phase
from checkoutflow.flow import health
from checkoutflow.payment.capabilities import Capabilities
from checkoutflow.payment.methods import Method
from checkoutflow.payment.outcomes import Operation, Outcome
from checkoutflow.payment.routing import Route, providers_for
from checkoutflow.privacy.vault import Keys
from checkoutflow.providers.simulated_bank import SimulatedBankProvider
from checkoutflow.stores.contract import HealthRow
from checkoutflow.testing import CUSTOMERS, Clock, Fault, SimulatedBank, sample_carts, sample_shop

DKK = partial(Money, currency="DKK")
CAN = Capabilities(
    operations=frozenset(Operation), can_be_asked=True, currencies=frozenset({"DKK", "SEK"})
)


# Which one, and in which order -------------------------------------------------------------------


def route(provider, **more):
    return Route.read({"provider": provider, **more})


CHEAP = {"cost": {"percent": "0.5"}}
DEAR = {"cost": {"percent": "0.1", "fixed": ["3.00 DKK"]}}
CASES = [
    # (routes, amount in minor units, down, asked in this order)
    ([route("a"), route("b")], 100, (), "a b"),
    ([route("a"), route("b")], 100, ("a",), "b a"),
    ([route("a"), route("b")], 100, ("a", "b"), "a b"),
    ([route("a", **DEAR), route("b", **CHEAP)], 10_000, (), "b a"),
    ([route("a", **DEAR), route("b", **CHEAP)], 100_000, (), "a b"),  # 4 against 5 kroner
    ([route("a"), route("b", **DEAR)], 100, (), "b a"),
    ([route("a", **CHEAP), route("b", **DEAR)], 10_000, ("a",), "b a"),
    ([route("a", markets=["SE"]), route("b", markets=["DK"])], 100, (), "b"),
    ([route("a", minimum=["2.00 DKK"]), route("b")], 199, (), "b"),
    ([route("a", minimum=["2.00 DKK"]), route("b")], 200, (), "a b"),
    ([route("a", maximum=["2.00 DKK"]), route("b")], 201, (), "b"),
    ([route("a", maximum=["2.00 DKK"]), route("b")], 200, (), "a b"),
    ([route("a", maximum=["1.00 SEK"])], 200, (), "a"),
    ([route("kroner_of_norway_only"), route("stranger"), route("a")], 100, (), "a"),
    ([route("a", markets=["SE"])], 100, (), ""),
]


@pytest.mark.parametrize(("routes", "minor", "down", "order"), CASES)
def test_the_provider_to_ask_first(routes, minor, down, order):
    only_nok = CAN.model_copy(update={"currencies": frozenset({"NOK"})})
    capabilities = {"a": CAN, "b": CAN, "kroner_of_norway_only": only_nok}
    asked = providers_for(routes, "DK", DKK(minor), capabilities, down)
    assert " ".join(asked) == order


def test_where_providers_are_not_looked_at_every_route_fits():
    assert providers_for([route("anybody")], "DK", DKK(1), None) == ("anybody",)


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"provider": "a", "routes": [{"provider": "b"}]}, "either a provider or routes"),
        ({"routes": [{"provider": "a"}, {"provider": "a"}]}, "each provider once"),
        ({"routes": [{"provider": "a", "minimum": ["1 DKK", "2 DKK"]}]}, "one amount for each"),
    ],
)
def test_routes_that_make_no_sense_are_refused(settings, advice):
    with pytest.raises(InvalidInput, match=advice):
        Method.read({"id": "card", **settings})


# How healthy --------------------------------------------------------------------------------------

NOON = Clock()()


def after(*seconds):
    """What is known after failures at these seconds."""
    row = None
    for second in seconds:
        row = health.after_failure(row, "bank", NOON + timedelta(seconds=second))
    return row


@pytest.mark.parametrize(
    ("failures", "now", "is_down"),
    [
        ((), 0, False),
        ((0, 1, 2, 3), 3, False),
        ((0, 1, 2, 3, 4), 4, True),
        ((0, 1, 2, 3, 4), 33, True),
        ((0, 1, 2, 3, 4), 34, False),  # the next one is let through
        ((0, 1, 2, 3, 4, 35), 36, True),  # and decides
        ((0, 1, 2, 3, 4, 35), 65, False),
        ((0, 100, 200, 300, 400), 400, False),  # these have nothing to do with each other
    ],
)
def test_a_provider_is_down_after_failures_in_a_row(failures, now, is_down):
    assert health.is_down(after(*failures), NOON + timedelta(seconds=now)) is is_down


@pytest.mark.parametrize(
    ("status", "is_trouble"),
    [(200, False), (402, False), (404, False), (409, False), (429, True), (500, True), (503, True)],
)
def test_what_says_that_a_provider_is_not_well(status, is_trouble):
    assert health.is_trouble(httpx.Response(status)) is is_trouble


# In a sale ----------------------------------------------------------------------------------------


class Two:
    """A shop whose cards two banks can take, ``first`` and ``second``."""

    def __init__(self, **route):
        self.clock = Clock()
        self.banks = {name: SimulatedBank(self.clock) for name in ("first", "second")}
        method = {
            "id": "card",
            "routes": [
                {"provider": "first", "provider_method": "card", **route},
                {"provider": "second", "provider_method": "card"},
            ],
        }
        wallet = {
            "id": "wallet",
            "kind": "card",
            "routes": [
                {"provider": name, "provider_method": "wallet"} for name in ("first", "second")
            ],
        }
        self.shop = Shop.read({**sample_shop().model_dump(), "methods": [method, wallet]})
        self.store = MemoryStore()
        self.keys = Keys.of(b"k" * 32)
        self.flow = self.open()

    def open(self):
        """A flow over the same store, as in another process."""
        return CheckoutFlow(
            self.shop,
            providers=[named(bank, name) for name, bank in self.banks.items()],
            store=self.store,
            keys=self.keys,
            clock=self.clock,
            http=httpx.Client(transport=httpx.MockTransport(self.answer)),
        )

    def answer(self, request):
        return self.banks[request.url.host].handle(request)

    def buy(self, flow=None, method="card"):
        flow = flow or self.flow
        cart, details = sample_carts()["DK"], CUSTOMERS["DK"]
        sale = flow.start(cart, market="DK", details=details, delivery="parcel", payment=method)
        return flow.place(
            sale.id, accepted_total=sale.total, return_url="https://shop.example/back"
        )

    @property
    def asked(self):
        """Whom payments have reached."""
        return [name for name, bank in self.banks.items() if bank.references]


def named(bank, name):
    """The bank's adapter under another name and address."""
    given = bank.provider(f"https://{name}")
    return SimulatedBankProvider(given.config.but(name=name), bank.capabilities)


def test_the_first_provider_takes_it_and_the_other_never_hears_of_it():
    two = Two()
    sale = two.buy()
    assert sale.phase is Phase.CONFIRMED
    assert two.asked == ["first"]
    assert [payment.provider for payment in sale.payments] == ["first"]


@pytest.mark.parametrize("fault", [Fault.UNREACHABLE, Fault.UNAUTHORISED])
def test_one_that_takes_nothing_is_followed_by_the_next(fault):
    two = Two()
    two.banks["first"].plan("authorise", fault)
    sale = two.buy()
    assert sale.phase is Phase.CONFIRMED
    first, second = sale.payments
    assert (first.provider, first.attempts[0].outcome) == ("first", Outcome.REFUSED)
    assert (second.provider, second.id) == ("second", sale.tenders[0].payment)
    assert second.id != first.id
    assert len(second.id) == len(first.id)
    assert sale.books.authorised == sale.total.minor
    sale = two.flow.ship(sale.id)
    assert two.banks["second"].taken(second.id) == sale.total.minor


@pytest.mark.parametrize("fault", [Fault.DECLINE, Fault.LOSE_REQUEST, Fault.LOSE_ANSWER])
def test_after_a_no_or_an_unknown_outcome_nobody_else_is_asked(fault):
    two = Two()
    two.banks["first"].plan("authorise", fault)
    sale = two.buy()
    assert two.banks["second"].references == ()
    assert sale.phase is (Phase.COLLECTING if fault is Fault.DECLINE else Phase.PLACING)
    two.clock.advance(minutes=5)
    two.flow.run_due()
    assert two.banks["second"].references == ()


def test_when_nobody_takes_it_the_customer_chooses_again():
    two = Two()
    for bank in two.banks.values():
        bank.plan("authorise", Fault.UNREACHABLE)
    sale = two.buy()
    assert sale.phase is Phase.COLLECTING
    assert [payment.reason for payment in sale.payments] == ["unreachable"] * 2


def test_a_customer_who_lets_the_page_go_by_is_not_sent_to_another_one():
    two = Two()
    sale = two.buy(method="wallet")
    assert sale.phase is Phase.PLACING
    two.clock.advance(hours=2)
    two.flow.run_due()
    assert two.banks["second"].references == ()


def test_a_dearer_provider_waits_behind_a_cheaper_one():
    two = Two(cost={"percent": "9"})
    assert [payment.provider for payment in two.buy().payments] == ["first"]  # the only stated cost
    two = Two(maximum=["1.00 DKK"])
    assert [payment.provider for payment in two.buy().payments] == ["second"]


def test_a_fee_that_brings_it_above_what_a_provider_takes_never_makes_it_nobodys():
    two = Two()
    cart, details = sample_carts()["DK"], CUSTOMERS["DK"]
    sale = two.flow.start(cart, market="DK", details=details, delivery="parcel", payment="card")
    limit = f"{sale.total.minor / 100 - 1:.2f} DKK"
    settings = two.shop.model_dump()
    for given in settings["methods"][0]["routes"]:
        given["maximum"] = [limit]
    two.shop = Shop.read(settings)
    with pytest.raises((NotSupported, DetailsMissing)):
        two.open().place(sale.id, accepted_total=sale.total, return_url="https://shop.example/back")
    assert two.asked == []


def test_a_provider_that_keeps_failing_is_asked_last_by_every_process():
    two = Two()
    two.banks["first"].plan("authorise", *[Fault.UNREACHABLE] * health.FAILURES)
    for _ in range(health.FAILURES):
        assert two.buy().phase is Phase.CONFIRMED
    known = two.store.health("first")
    assert known is not None
    assert known.down_until is not None
    sale = two.buy(two.open())
    assert [payment.provider for payment in sale.payments] == ["second"]
    two.clock.advance(seconds=31)
    sale = two.buy(two.open())
    assert [payment.provider for payment in sale.payments] == ["first"]
    assert two.store.health("first") is None


def test_a_provider_that_is_down_keeps_nobody_waiting_and_loses_nothing():
    two = Two()
    sale = two.buy()
    row = HealthRow("first", health.FAILURES, two.clock(), two.clock() + health.DOWN)
    two.store.set_health(row)
    before = len(two.banks["first"].entries())
    sale = two.flow.ship(sale.id)  # nothing is sent now
    assert len(two.banks["first"].entries()) == before
    assert sale.shipments[0].state == "under_way"
    for _ in range(8):
        two.clock.advance(minutes=2)
        two.flow.run_due()
    assert two.flow.load(sale.id).phase is Phase.FULFILLED
    assert two.banks["first"].taken(sale.payments[0].id) == sale.total.minor


def test_answers_that_say_trouble_count_as_failures():
    two = Two()
    two.banks["first"].plan("authorise", Fault.ERROR)
    two.buy()
    known = two.store.health("first")
    assert known is not None
    assert known.failures == 1
