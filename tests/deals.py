"""A shop, a customer and a provider's stand-in: sales that are played until they go through.

What is true of every provider is played in test_every_provider.py. What is one provider's own is in
that provider's tests, played here too.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

from checkoutflow import Cart, OutcomeUnknown, Shop
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.state import Checkout
from checkoutflow.customer import example
from checkoutflow.law import Law
from checkoutflow.money import Money
from checkoutflow.payment.catalogue import catalogue
from checkoutflow.payment.outcomes import Operation
from checkoutflow.privacy.fields import FIELDS, Purpose
from checkoutflow.testing import Clock
from checkoutflow.testing.driver import Crash, Stop
from checkoutflow.testing.standins import SOLD, open_stand_in
from checkoutflow.testing.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from checkoutflow.testing.standins.base import StandIn

BACK: Final = "https://shop.example/back"
_PATIENCE: Final = 20
_TRIES: Final = 3

_PRICES: Final = {
    "DKK": ("129.00", "199.95"),
    "SEK": ("189.00", "249.50"),
    "NOK": ("189.00", "249.90"),
    "EUR": ("19.90", "24.95"),
}


def covers(market: str) -> dict[str, Any]:
    """An insurance for mugs, and a warranty."""
    insurer = {"id": "nordvern", "name": "Nordvern", "address": "Oslo", "complaints": "Write to us"}
    languages = {locale[:2] for locale in Law.load().market(market, Clock()().date()).locales}
    common = {"skus": ["mug"], "months": 12}
    insurance = {
        "id": "mug_cover",
        "name": "Mug cover",
        "insurer": "nordvern",
        "risks": ["damage"],
        "premium": {"percent": "9.9"},
        "commission_percent": "15",
        "document": {
            "version": "1",
            "urls": dict.fromkeys(languages, "https://nordvern.example/mugs"),
        },
    }
    warranty = {
        "id": "longer",
        "name": "One more year",
        "kind": "warranty",
        "risks": ["breakdown"],
        "premium": {"percent": "5"},
    }
    return {"insurers": [insurer], "insurance": [insurance | common, warranty | common]}


class Marked(World):
    """A world that knows after how many effects each call of the flow had ended."""

    def open_flow(self, **options: Any) -> Any:
        flow: Any = super().open_flow(**options)
        run = flow._run
        self.ends: set[int] = set()

        def to_its_end(program: Any, *named: str, **more: Any) -> Any:
            try:
                return run(program, *named, **more)
            finally:
                self.ends.add(len(self.steps.names))

        flow._run = to_its_end
        return flow


class Deal:
    """One shop that sells with one provider; calls are made again until they go through.

    Where a `with` block ends well, everything is let come to rest and looked through.

    Args:
        name: The provider's adapter.
        stops: Where the machine crashes.
        market: Where it is sold; the provider's first market unless told.
        way: The kind of the way to pay, and what the provider calls it.
        customer: What the customer is called.
        review: Settings of review, with amounts that are in the market's currency.
        open_bank: Opens the stand-in, where the account is not to be as usual.
        open_world: With another flow in it.
    """

    def __init__(
        self,
        name: str,
        *stops: Stop,
        market: str = "",
        way: tuple[str, str] | None = None,
        customer: str = "Testperson",
        review: Mapping[str, str] = MappingProxyType({}),
        open_bank: Callable[[Clock], StandIn] | None = None,
        open_world: type[World] = Marked,
    ) -> None:
        self.market = market or next(iter(SOLD[name]))
        kind, method = way or SOLD[name][self.market]
        open_bank = open_bank or partial(open_stand_in, name, market=self.market)
        self.able = open_bank(Clock()).provider().capabilities
        self.currency = Law.load().market(self.market, Clock()().date()).currency
        wanted = {Purpose.TAKE_PAYMENT}
        if catalogue()[kind].financed_by == "provider":
            wanted.add(Purpose.IDENTIFY_FOR_CREDIT)
        fields = self.able.details - {"organisation", "organisation_number", "country"}
        asked = sorted(field for field in fields if wanted & FIELDS[field].purposes.keys())
        offer = {
            "id": "way",
            "kind": kind,
            "provider": name,
            "provider_method": method,
            "creditor": name,
            "identifies": True,
            "details": asked,
        }
        settings: dict[str, Any] = {
            "name": "Fjordbutikken",
            "markets": [self.market],
            "methods": [offer],
            "deliveries": [{"id": "parcel", "name": "Parcel", "prices": [f"9.00 {self.currency}"]}],
            **covers(self.market),
        }
        if review:
            limits = {name: [f"{amount} {self.currency}"] for name, amount in review.items()}
            settings["review"] = {"default_rules": False, **limits}
        prices = zip(("mug", "book"), (3, 1), _PRICES[self.currency], strict=True)
        lines = [
            {"sku": sku, "name": sku, "quantity": count, "unit_price": f"{price} {self.currency}"}
            for sku, count, price in prices
        ]
        self.cart = Cart.read({"lines": lines})
        names = dict.fromkeys(("email", "street", "postal_code", "city", *asked))
        given = {field: example(field, self.market) for field in names} | {"name": customer}
        # Nobody may give this before a choice that needs it.
        self.identity = {field: given.pop(field) for field in ["national_id"] if field in given}
        self.details = given
        self.world: Any = open_world(Shop.read(settings), open_bank=open_bank)
        self.world.steps.stops = list(stops)
        self._calls = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self.world:
            if error is None:
                self.settle()
                self.world.check()

    @property
    def bank(self) -> Any:
        return self.world.bank

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: object, **options: object) -> Any:
            if name not in {"reconcile", "load", "view", "open_review"}:
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
                self.no_held_order_is_captured()
            except OutcomeUnknown:
                self.settle()
            else:
                return self.now(answer) if isinstance(answer, Checkout) else answer
        raise AssertionError("the call never goes through")

    def settle(self) -> None:
        self.insist(self.world.settle)

    def later(self, checkout: Checkout, **time: float) -> Checkout:
        """Let time pass, and what is due be done on the way."""
        end = self.world.clock() + timedelta(**time)
        self.insist(lambda: self.world.run_until(end))
        return self.now(checkout)

    def now(self, checkout: Checkout) -> Checkout:
        found: Checkout = self.world.checkout(checkout.id)
        return found

    # People ---------------------------------------------------------------------------------------

    def start(self) -> Checkout:
        self._calls += 1
        key = f"call-{self._calls}"
        sale = self.insist(
            lambda: self.world.flow.start(
                self.cart, market=self.market, details=self.details, idempotency_key=key
            )
        )
        begun: Checkout = self.provide(sale.id, delivery="parcel", payment="way", **self.identity)
        return begun

    def placed(self, checkout: Checkout | None = None) -> Checkout:
        """The customer buys, and has not decided yet where they are asked."""
        checkout = checkout or self.start()
        bought: Checkout = self.place(
            checkout.id, accepted_total=checkout.total, return_url=BACK, accepts_credit=True
        )
        return bought

    def buy(self, checkout: Checkout) -> Checkout:
        """The customer buys, and says yes wherever they are asked."""
        checkout = self.placed(checkout)
        for _ in range(_PATIENCE):
            checkout = self.now(checkout)
            if checkout.phase is not Phase.PLACING:
                break
            for payment in checkout.current_payments:
                if payment.action is not None:  # they have seen where to go
                    self.bank.approve(payment.id)
            self.settle()
            self.later(checkout, minutes=1)
        return self.now(checkout)

    def insured(self) -> Checkout:
        """The customer takes both covers for their mugs."""
        sale = self.start()
        wanted = {"mug_cover:mug": True, "longer:mug": True}
        begun: Checkout = self.answer_insurance(sale.id, wanted)
        return begun

    def sold(self, start: Callable[[], Checkout] | None = None) -> Checkout:
        """What never arrived, and cannot be sent again safely, is bought again."""
        start = start or self.start
        checkout = start()
        for _ in range(_TRIES):
            checkout = self.buy(checkout)
            if checkout.phase is Phase.EXPIRED:  # it took too long to find out
                checkout = start()
            elif checkout.phase is not Phase.COLLECTING:
                break
        assert checkout.phase in {Phase.CONFIRMED, Phase.HELD}
        return checkout

    def shipped(self, checkout: Checkout, lines: dict[str, int] | None = None) -> Checkout:
        for _ in range(_TRIES):
            self.ship(checkout.id, lines)
            self.settle()
            checkout = self.now(checkout)
            if checkout.shipments[-1].state != "failed":
                break
        return checkout

    def given_back(self, checkout: Checkout, lines: dict[str, int]) -> Checkout:
        """Where only some of it could be given back, the rest is, by its amount."""
        before = checkout.books.refunded
        self.refund(checkout.id, lines)
        whole = self.now(checkout).refunds[-1].amount.minor
        for _ in range(_TRIES):
            self.settle()
            checkout = self.now(checkout)
            if checkout.refunds[-1].state != "failed":
                break
            given = checkout.books.refunded - before
            rest = {"amount": Money(whole - given, self.currency)} if given else {"lines": lines}
            self.refund(checkout.id, **rest)
        return checkout

    def called_off(self, checkout: Checkout) -> Checkout:
        self.cancel(checkout.id)
        self.settle()
        return self.now(checkout)

    def no_held_order_is_captured(self) -> None:
        """Nor asked for a capture; some ways to pay take the money at once, unasked."""
        if any(state.phase is Phase.HELD for state in self.world.checkouts()):
            asked = {entry.operation for entry in self.bank.entries() if entry.key}
            assert Operation.CAPTURE not in asked

    # Money ----------------------------------------------------------------------------------------

    @property
    def taken(self) -> int:
        """What the customer is without, whatever it was taken for."""
        return sum(self.bank.taken(reference) for reference in self.bank.references)

    @property
    def reserved(self) -> int:
        return sum(self.bank.book(reference).reserved for reference in self.bank.references)
