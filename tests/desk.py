"""A shop and its customer at work, for the tests that break machines, drivers and workers.

A `Desk` calls the flow for both, and where the machine crashed it does what they would do: call
again under the same key at once, or later, or never. `play` plays a scenario to its end, lets
everything come to rest, and checks that nothing was lost.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager, suppress
from datetime import timedelta
from enum import StrEnum
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from traceback import format_exception
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.cart import Cart
from checkoutflow.checkout.events import to_json
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.messages import MESSAGES
from checkoutflow.checkout.messages import messages as kinds
from checkoutflow.checkout.state import Checkout, PartState
from checkoutflow.errors import CheckoutError, OutcomeUnknown
from checkoutflow.money import Money
from checkoutflow.shop import Shop
from checkoutflow.stores.sql import open_store
from checkoutflow.testing.bank import SimulatedBank
from checkoutflow.testing.driver import Crash
from checkoutflow.testing.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    import httpx

    from checkoutflow.stores.contract import Message, Store
    from checkoutflow.testing.driver import Stop

# Every personal value holds this word, so that one search finds any of them where none may be.
PLANTED: Final = "zanzibar"
GIFT_CARD: Final = f"{PLANTED.upper()}-GIFT-1"
CUSTOMER: Final = {
    "email": f"{PLANTED}@example.com",
    "name": f"{PLANTED.title()} Person",
    "street": f"{PLANTED.title()}gade 1",
    "postal_code": "2100",
    "city": f"{PLANTED.title()} Ø",
}
BACK: Final = "https://shop.example/back"

SHOP: Final = Shop.read(
    {
        "name": "Fjord",
        "markets": ["DK"],
        "methods": [
            {"id": "card", "name": "Card", "provider": "simulated_bank"},
            {"id": "wallet", "name": "Wallet", "provider": "simulated_bank"},
            {
                "id": "gift_card",
                "name": "Gift card",
                "provider": "simulated_bank",
            },
            {"id": "own_invoice", "name": "Invoice"},
            {
                "id": "amex",
                "provider": "simulated_bank",
                "provider_method": "card",
                "cost": {"percent": "3"},
            },
        ],
        "steering": [{"id": "dear", "methods": ["amex"], "fee": {"fixed": ["9.00 DKK"]}}],
        "deliveries": [{"id": "parcel", "name": "Parcel", "prices": ["49.00 DKK"]}],
        "review": {"hold_above": ["5000.00 DKK"], "four_eyes_above": ["20000.00 DKK"]},
        "insurers": [
            {"id": "nordvern", "name": "Nordvern", "address": "Oslo", "complaints": "Write to us"}
        ],
        "insurance": [
            {
                "id": "cover",
                "name": "Cover",
                "insurer": "nordvern",
                "skus": ["phone"],
                "risks": ["damage", "theft"],
                "premium": {"percent": "9.99"},
                "months": 12,
                "commission_percent": "12.5",
                "document": {"version": "1", "urls": {"da": "https://nordvern.example/ipid"}},
            },
            {
                "id": "longer",
                "name": "One more year",
                "kind": "warranty",
                "skus": ["phone"],
                "risks": ["breakdown"],
                "premium": {"fixed": ["199.00 DKK"]},
                "months": 36,
            },
        ],
        "pay_within_s": 1800,
        "messages": sorted(MESSAGES),
    }
)


def cart(**lines: tuple[int, str]) -> Cart:
    """A cart: quantity and price of each thing."""
    return Cart.read(
        {
            "lines": [
                {"sku": sku, "name": sku, "quantity": quantity, "unit_price": f"{price} DKK"}
                for sku, (quantity, price) in lines.items()
            ]
        }
    )


MUG: Final = cart(mug=(1, "129.00"))
MUGS_AND_BOOK: Final = cart(mug=(3, "129.00"), book=(1, "199.95"))
PHONES: Final = cart(phone=(2, "1500.00"), mug=(1, "129.00"))
COVERS: Final = ("cover:phone", "longer:phone")
SOFA: Final = cart(sofa=(1, "5999.00"))
PIANO: Final = cart(piano=(1, "45000.00"))
PHONE: Final = cart(phone=(1, "4499.00"))


class Witness(SimulatedBank):
    """A bank that remembers every request under a key."""

    def __init__(self, clock: Callable[[], datetime], **options: Any) -> None:
        super().__init__(clock, decision_s=3600, **options)
        self.sent: dict[str, list[bytes]] = {}

    def handle(self, request: httpx.Request) -> httpx.Response:
        if key := request.headers.get("idempotency-key"):
            self.sent.setdefault(key, []).append(request.content)
        return super().handle(request)


class Again(StrEnum):
    """When whoever made a call makes it again after a crash."""

    AT_ONCE = "at once"
    LATER = "later"
    NEVER = "never"


class Gone(Exception):
    """Nobody calls again."""


class Desk:
    """The shop and its customer. Every method of the flow is here under its name.

    Each call has an idempotency key of its own where the flow takes one, and a repeat has the same.

    Attributes:
        effects: What was done until everything was settled.
        ends: For each call, how many effects there had been when it had ended.
        errors: What was raised on the way.
    """

    def __init__(self, world: World, again: Again = Again.AT_ONCE) -> None:
        self.world = world
        assert isinstance(world.bank, Witness)
        self.bank = world.bank
        self.clock = world.clock
        self.again = again
        self.effects: list[str] = []
        self.ends: list[int] = []
        self.errors: list[CheckoutError] = []
        self._calls = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: object, **options: object) -> Any:
            if name not in KEYLESS:
                self._calls += 1
                options["idempotency_key"] = f"call-{self._calls}"
            return self.insist(lambda: getattr(self.world.flow, name)(*arguments, **options))

        return call

    def settle(self) -> None:
        """The shop's scheduler does its work until no outcome is open."""
        self.insist(self.world.settle)

    def deliver(self) -> None:
        """The bank's notices come in."""
        self.insist(self.world.deliver)

    def wait(self, **time: float) -> None:
        """Time passes, and the shop's scheduler does its work when it falls due."""
        end = self.clock() + timedelta(**time)
        self.insist(lambda: self.world.run_until(end))

    def insist(self, call: Callable[[], Any]) -> Any:
        """Make a call; where the machine crashes, or an outcome is open, do what people do."""
        answer: Any = None
        has_crashed = False
        while True:
            try:
                answer = call()
            except Crash:
                has_crashed = True
                self.world.reopen()
                if self.again is Again.NEVER:
                    raise Gone from None
                if self.again is Again.LATER:
                    self.settle()
            except CheckoutError as error:
                self.errors.append(error)
                if not isinstance(error, OutcomeUnknown) or len(self.errors) > _MOST_ERRORS:
                    raise
                self.settle()
            else:
                break
        self.ends.append(len(self.world.steps.names))
        if has_crashed:
            self.settle()
            if isinstance(answer, Checkout):
                answer = self.world.checkout(answer.id)
        return answer


_MOST_ERRORS: Final = 10
KEYLESS: Final = frozenset(
    {
        "receive",
        "reconcile",
        "find_invoice",
        "code",
        "details",
        "begin_login",
        "finish_login",
        "open_review",
    }
)


# What a shop's pages do ---------------------------------------------------------------------------


def buy(desk: Desk, checkout: Checkout, tries: int = 3) -> Checkout:
    """The customer presses "buy", and again where it came to nothing."""
    for _ in range(tries):
        checkout = desk.place(checkout.id, accepted_total=checkout.total, return_url=BACK)
        if checkout.next_action is None:
            checkout = known(desk, checkout)
        if checkout.phase is not Phase.COLLECTING:
            break
    return checkout


def start(desk: Desk, cart: Cart = MUG, payment: str = "card") -> Checkout:
    """The customer fills the page in."""
    started: Checkout = desk.start(cart, market="DK", details=CUSTOMER, payment=payment)
    return started


def ship(desk: Desk, checkout: Checkout, lines: dict[str, int] | None = None) -> Checkout:
    """The shop sends goods off: they leave once they are paid for."""
    for _ in range(3):
        checkout = desk.ship(checkout.id, lines)
        checkout = known(desk, checkout)
        if checkout.shipments[-1].state is PartState.DONE:
            break
    return checkout


def refund(desk: Desk, checkout: Checkout, lines: dict[str, int]) -> Checkout:
    """The shop gives money back, and asks again where it was not all given back."""
    checkout = known(desk, desk.refund(checkout.id, lines))
    for _ in range(2):
        if checkout.refunds[-1].state is not PartState.FAILED:
            break
        checkout = known(desk, desk.refund(checkout.id, lines))
    return checkout


def known(desk: Desk, checkout: Checkout) -> Checkout:
    """Wait until no outcome is open."""
    if any(payment.open_attempts for payment in checkout.payments):
        desk.settle()
        checkout = desk.world.checkout(checkout.id)
    return checkout


def taken(desk: Desk, checkout: Checkout) -> Money:
    """What the customer is really without."""
    minor = sum(desk.bank.taken(payment.id) for payment in checkout.payments)
    return Money(minor, checkout.total.currency)


def is_sold(desk: Desk, checkout: Checkout) -> bool:
    """Whether all has left and all is paid, once."""
    return checkout.phase is Phase.FULFILLED and taken(desk, checkout) == checkout.total


# Playing to the end -------------------------------------------------------------------------------


def play(
    scenario: Callable[[Desk], None],
    stops: Sequence[Stop] = (),
    again: Again = Again.AT_ONCE,
    *,
    open_world: type[World] = World,
    open_store: Callable[[], Store] | None = None,
    days: float = 8,
    remembers_keys: bool = True,
    can_be_asked: bool = True,
) -> Desk:
    """Play a scenario with crashes, let everything come to rest, and check that nothing is lost.

    Args:
        scenario: What the shop and its customer do.
        stops: Where the machine crashes.
        again: What whoever was calling does then.
        open_world: With another flow in it.
        open_store: With another store than one in memory.
        days: For how long to watch afterwards: longer than an authorisation lasts. None, where an
            outcome may stay open for ever.
        remembers_keys: Whether the bank does.
        can_be_asked: Whether the bank can.
    """
    bank = partial(Witness, remembers_keys=remembers_keys, can_be_asked=can_be_asked)
    with open_world(SHOP, open_store=open_store, open_bank=bank) as world:
        world.steps.stops = list(stops)
        desk = Desk(world, again)
        with suppress(Gone):
            scenario(desk)
        desk.again = Again.AT_ONCE  # the shop's scheduler always comes back
        desk.settle()
        desk.effects = world.steps.names[:]
        nothing_is_lost(desk)
        if days:
            hand_all_notices_over_again(desk)
            desk.wait(days=days)
            desk.settle()
            nothing_is_lost(desk)
            everything_is_at_rest(desk)
    return desk


def nothing_is_lost(desk: Desk) -> None:
    """What must be true in every world, and what these tests know besides."""
    desk.world.check()
    for key, bodies in desk.bank.sent.items():
        assert len(set(bodies)) == 1, f"{key} was sent with different contents"
        assert desk.bank.capabilities.repeat_s or len(bodies) == 1, f"{key} was sent again"
    told = Counter((item.checkout, item.version, item.kind) for item in messages(desk.world))
    happened = Counter(
        (state.id, entry.version, kind)
        for state in desk.world.checkouts()
        for entry in desk.world.store.journal(state.id)
        for kind in kinds(entry.events, SHOP.messages)
    )
    assert told == happened, "messages for the shop were lost or made up"
    assert PLANTED not in everything_but_the_vault(desk).lower(), "something personal got out"


@contextmanager
def database() -> Iterator[Path]:
    """A new database file with its tables; in memory where the machine has such a folder.

    It is written in full and synchronised all the same, which is most of a test's time on a disk.
    """
    memory = Path("/dev/shm")  # noqa: S108 -- a folder of our own is made in it
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        file = Path(folder) / "shop.db"
        file.write_bytes(_empty_database())
        yield file


@cache
def _empty_database() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "shop.db"
        store = open_store(file)
        store.create()
        store.close()
        return file.read_bytes()


def messages(world: World) -> Sequence[Message]:
    return world.store.messages(1_000_000)


def everything_but_the_vault(desk: Desk) -> str:
    """All that is kept or raised outside the vault, as one text."""
    store = desk.world.store
    texts = [
        text
        for state in desk.world.checkouts()
        for text in (
            state.model_dump_json(),
            repr(state),
            *(f"{entry.command} {to_json(entry.events)!r}" for entry in store.journal(state.id)),
        )
    ]
    return "\n".join([*texts, *(repr(message) for message in messages(desk.world)), *said(desk)])


def said(desk: Desk) -> Iterator[str]:
    """The text of every error, with what it came from."""
    for error in desk.errors:
        yield from format_exception(error)


def hand_all_notices_over_again(desk: Desk) -> None:
    """In reverse, and long after: each acted once."""
    before = [state.version for state in desk.world.checkouts()]
    for hook in reversed(desk.bank.outbox):
        desk.receive("simulated_bank", hook.headers, hook.body)
    assert [state.version for state in desk.world.checkouts()] == before


def everything_is_at_rest(desk: Desk) -> None:
    """Nothing is open, and nothing is due any more."""
    for state in desk.world.checkouts():
        assert state.phase is not Phase.PLACING
        assert not [item for payment in state.payments for item in payment.open_attempts]
    due = desk.world.store.due(desk.clock() + timedelta(days=365), 10)
    assert {kind for item in due for kind in item.kinds} <= {"overdue"}  # a customer may owe
