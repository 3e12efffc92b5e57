"""The same sales with every provider's stand-in, and nothing is ever lost.

Each is played with a crash before and after every effect, with answers lost on the way, with
notices twice and in reverse, and with two workers at once. The stand-in's own book is the truth.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from checkoutflow import Cart, CheckoutError, NotSupported, OutcomeUnknown, Shop
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.state import Checkout, PartState
from checkoutflow.cli.stories import SOLD
from checkoutflow.customer import example
from checkoutflow.law import Law
from checkoutflow.payment.catalogue import catalogue
from checkoutflow.payment.outcomes import Operation
from checkoutflow.privacy.fields import FIELDS, Purpose
from checkoutflow.providers.registry import ADAPTERS
from checkoutflow.testing import Clock, Fault
from checkoutflow.testing.driver import Crash, Stop
from checkoutflow.testing.standins import open_stand_in
from checkoutflow.testing.standins.faults import FATES, LOOKUPS
from checkoutflow.testing.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

BACK: Final = "https://shop.example/back"
_PATIENCE: Final = 20
_TRIES: Final = 3

_PRICES: Final = {
    "DKK": ("129.00", "199.95"),
    "SEK": ("189.00", "249.50"),
    "NOK": ("189.00", "249.90"),
    "EUR": ("19.90", "24.95"),
}


class Deal:
    """One shop that sells with one provider; calls are made again until they go through."""

    def __init__(self, name: str, *stops: Stop, hold_above: str = "") -> None:
        self.name = name
        self.market, (kind, method) = next(iter(SOLD[name].items()))
        able = open_stand_in(name, Clock(), market=self.market).provider().capabilities
        self.able = able
        self.currency = Law.load().market(self.market, Clock()().date()).currency
        wanted = {Purpose.TAKE_PAYMENT}
        if catalogue()[kind].financed_by == "provider":
            wanted.add(Purpose.IDENTIFY_FOR_CREDIT)
        fields = able.details - {"organisation", "country"}
        way = {
            "id": "way",
            "kind": kind,
            "provider": name,
            "provider_method": method,
            "creditor": name,
            "identifies": True,
            "details": sorted(field for field in fields if wanted & FIELDS[field].purposes.keys()),
        }
        settings: dict[str, Any] = {
            "name": "Fjordbutikken",
            "markets": [self.market],
            "methods": [way],
            "deliveries": [{"id": "parcel", "name": "Parcel", "prices": [f"9.00 {self.currency}"]}],
        }
        if hold_above:
            settings["review"] = {"hold_above": [f"{hold_above} {self.currency}"]}
        open_bank = partial(open_stand_in, name, market=self.market)
        self.world = World(Shop.read(settings), open_bank=open_bank)
        self.world.steps.stops = list(stops)
        self._calls = 0

    @property
    def bank(self) -> Any:
        return self.world.bank

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: object, **options: object) -> Any:
            if name not in {"reconcile", "load", "view"}:
                self._calls += 1
                options["idempotency_key"] = f"call-{self._calls}"
            return self.insist(lambda: getattr(self.world.flow, name)(*arguments, **options))

        return call

    def insist(self, call: Callable[[], Any]) -> Any:
        """Make a call; after a crash, or while an outcome is open, make it again."""
        for _ in range(_PATIENCE):
            try:
                answer = call()
            except Crash:
                self.world.reopen()
            except OutcomeUnknown:
                self.settle()
            else:
                return self.world.checkout(answer.id) if isinstance(answer, Checkout) else answer
        raise AssertionError("the call never goes through")

    def settle(self) -> None:
        self.insist(self.world.settle)

    # People ---------------------------------------------------------------------------------------

    def start(self) -> Checkout:
        prices = zip(("mug", "book"), (3, 1), _PRICES[self.currency], strict=True)
        lines = [
            {"sku": sku, "name": sku, "quantity": count, "unit_price": f"{price} {self.currency}"}
            for sku, count, price in prices
        ]
        cart = Cart.read({"lines": lines})
        names = ["email", "name", "phone", "street", "postal_code", "city", "national_id"]
        details = {name: example(name, self.market) for name in names} | {"name": "Testperson"}
        self._calls += 1
        key = f"call-{self._calls}"
        sale = self.insist(
            lambda: self.world.flow.start(
                cart, market=self.market, details=details, idempotency_key=key
            )
        )
        begun: Checkout = self.provide(sale.id, delivery="parcel", payment="way")
        return begun

    def buy(self, checkout: Checkout, *, says_yes: bool = True) -> Checkout:
        """The customer buys, and decides wherever they are asked."""
        checkout = self.place(
            checkout.id, accepted_total=checkout.total, return_url=BACK, accepts_credit=True
        )
        for _ in range(_PATIENCE):
            checkout = self.world.checkout(checkout.id)
            if checkout.phase is not Phase.PLACING:
                break
            for payment in checkout.current_payments:
                if payment.action is not None:  # they have seen where to go
                    self.decide(payment.id, says_yes=says_yes)
            self.settle()
            self.reconcile(checkout.id)
        return self.world.checkout(checkout.id)

    def decide(self, payment: str, *, says_yes: bool) -> None:
        if says_yes:
            self.bank.approve(payment)
        else:
            self.bank.decline(payment)

    def sold(self) -> Checkout:
        """What never arrived, and cannot be sent again safely, is bought again."""
        checkout = self.start()
        for _ in range(_TRIES):
            checkout = self.buy(checkout)
            if checkout.phase is Phase.EXPIRED:  # it took too long to find out
                checkout = self.start()
            elif checkout.phase is not Phase.COLLECTING:
                break
        assert checkout.phase in {Phase.CONFIRMED, Phase.HELD}
        return checkout

    def shipped(self, checkout: Checkout, lines: dict[str, int] | None = None) -> Checkout:
        for _ in range(_TRIES):
            self.ship(checkout.id, lines)
            self.settle()
            checkout = self.world.checkout(checkout.id)
            if checkout.shipments[-1].state != "failed":
                break
        return checkout

    def given_back(self, checkout: Checkout, lines: dict[str, int]) -> Checkout:
        for _ in range(_TRIES):
            self.refund(checkout.id, lines)
            self.settle()
            checkout = self.world.checkout(checkout.id)
            if checkout.refunds[-1].state != "failed":
                break
        return checkout

    # Money ----------------------------------------------------------------------------------------

    def taken(self, checkout: Checkout) -> int:
        return sum(self.bank.taken(payment.id) for payment in checkout.payments)

    def reserved(self, checkout: Checkout) -> int:
        return sum(self.bank.book(payment.id).reserved for payment in checkout.payments)


# The sales ----------------------------------------------------------------------------------------


def plain(deal: Deal) -> None:
    checkout = deal.shipped(deal.sold())
    assert checkout.phase is Phase.FULFILLED
    assert deal.taken(checkout) == checkout.total.minor


def in_parts(deal: Deal) -> None:
    checkout = deal.sold()
    if deal.able.captures != "many":
        with pytest.raises(NotSupported):
            deal.shipped(checkout, {"mug": 1})
        return
    checkout = deal.shipped(checkout, {"mug": 1})
    if Operation.CAPTURE in deal.able.operations:
        assert 0 < deal.taken(checkout) < checkout.total.minor
    checkout = deal.shipped(checkout)
    assert deal.taken(checkout) == checkout.total.minor


def returned(deal: Deal) -> None:
    checkout = deal.given_back(deal.shipped(deal.sold()), {"mug": 2})
    assert checkout.refunds[-1].state == "done"
    back = checkout.priced.unit_amount("mug", 0, 2).minor
    assert deal.taken(checkout) == checkout.total.minor - back


def cancelled(deal: Deal) -> None:
    checkout = deal.sold()
    deal.cancel(checkout.id)
    deal.settle()
    checkout = deal.world.checkout(checkout.id)
    assert checkout.phase is Phase.CANCELLED
    assert (deal.taken(checkout), deal.reserved(checkout)) == (0, 0)


def turned_down(deal: Deal) -> None:
    checkout = deal.sold()
    assert checkout.phase is Phase.HELD
    deal.reject(checkout.id, reviewer="reviewer-1")
    deal.settle()
    checkout = deal.world.checkout(checkout.id)
    assert checkout.phase is Phase.REJECTED
    assert (deal.taken(checkout), deal.reserved(checkout)) == (0, 0)


def no_at_first(deal: Deal) -> None:
    checkout = deal.start()
    deal.bank.decline_next()
    checkout = deal.buy(checkout)
    for _ in range(3):
        if checkout.phase is Phase.COLLECTING:
            checkout = deal.buy(checkout)
    assert checkout.phase in {Phase.CONFIRMED, Phase.COLLECTING}
    assert deal.reserved(checkout) + deal.taken(checkout) in {0, checkout.total.minor}


class Plot(NamedTuple):
    play: Callable[[Deal], None]
    hold_above: str = ""


PLOTS: Final = {
    "plain": Plot(plain),
    "in parts": Plot(in_parts),
    "returned": Plot(returned),
    "cancelled": Plot(cancelled),
    "turned down": Plot(turned_down, hold_above="10.00"),
    "no at first": Plot(no_at_first),
}


def play(name: str, plot: Plot, *stops: Stop) -> Deal:
    """Play it, let everything come to rest, and look whether anything is lost."""
    deal = Deal(name, *stops, hold_above=plot.hold_above)
    with deal.world:
        plot.play(deal)
        deal.settle()
        deal.world.check()
    return deal


@pytest.mark.parametrize("plot", PLOTS)
@pytest.mark.parametrize("name", ADAPTERS)
def test_a_sale(name, plot):
    play(name, PLOTS[plot])


@pytest.mark.parametrize("plot", ["returned", "cancelled"])
@pytest.mark.parametrize("name", ADAPTERS)
def test_a_crash_before_and_after_every_effect(name, plot):
    effects = len(play(name, PLOTS[plot]).world.steps.names)
    for number in range(1, effects + 1):
        for is_after in (False, True):
            play(name, PLOTS[plot], Stop(number, is_after=is_after))


FAULTS: Final = [
    (operation, fault)
    for operation in ("authorise", "capture", "void", "refund", "status")
    for fault in Fault
    if fault not in (FATES if operation == "status" else LOOKUPS) | {Fault.NONE}
]


@pytest.mark.parametrize(("operation", "fault"), FAULTS)
@pytest.mark.parametrize("name", ADAPTERS)
def test_a_fault_of_any_kind_is_lived_through(name, operation, fault):
    """What could not be settled by asking is left to a person, and never done twice."""
    plot = {"void": cancelled}.get(operation, returned)

    def with_fault(deal: Deal) -> None:
        deal.bank.plan(operation, fault)
        try:
            plot(deal)
        except (AssertionError, CheckoutError):
            checkout = deal.world.checkouts()[0]
            is_open = checkout.phase in {Phase.COLLECTING, Phase.PLACING, Phase.EXPIRED}
            assert is_open or checkout.attention or _has_failed(checkout)

    play(name, Plot(with_fault))


def _has_failed(checkout: Checkout) -> bool:
    states = [part.state for part in checkout.shipments]
    states += [part.state for part in checkout.refunds]
    return PartState.FAILED in states


@pytest.mark.parametrize("name", ADAPTERS)
def test_notices_twice_in_reverse_and_long_after(name):
    deal = Deal(name)
    with deal.world as world:
        returned(deal)
        before = [state.version for state in world.checkouts()]
        for hook in reversed([*deal.bank.outbox, *deal.bank.outbox]):
            world.flow.receive(deal.bank.provider().name, hook.headers, hook.body, query=hook.query)
        world.check()
        assert [state.version for state in world.checkouts()] == before


@pytest.mark.parametrize("name", ADAPTERS)
def test_two_workers_at_once(name):
    """Both look, both hear, both send: each takes turns with the other, effect by effect."""
    deal = Deal(name)
    with deal.world as world:
        checkout = deal.start()
        deal.place(checkout.id, accepted_total=checkout.total, return_url=BACK, accepts_credit=True)
        for payment in world.checkout(checkout.id).payments:
            deal.decide(payment.id, says_yes=True)
        programs = world.flow.programs
        in_turns(world, *(programs.reconcile(checkout.id) for _ in range(2)))
        deal.settle()
        deal.reconcile(checkout.id)
        deal.settle()
        assert world.checkout(checkout.id).phase is Phase.CONFIRMED
        deal.ship(checkout.id)
        in_turns(world, *(programs.reconcile(checkout.id) for _ in range(2)))
        deal.settle()
        world.check()
        assert deal.taken(world.checkout(checkout.id)) == checkout.total.minor


def in_turns(world: World, *programs: Any) -> None:
    workers = [world.flow.stepped(program) for program in programs]
    while any(not worker.is_over for worker in workers):
        for worker in workers:
            if not worker.is_over:
                worker.step()
    for worker in workers:
        worker.value  # noqa: B018 -- raises what it ended with
