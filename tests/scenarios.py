"""Sales as a shop drives them, for the tests that break machines, drivers and workers.

Each scenario is a plain function of a `Desk`. The desk calls the flow for the shop and its customer,
and where the machine crashed it does what they would do: call again under the same key at once, or
later, or never.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.cart import Cart
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.messages import MESSAGES
from checkoutflow.checkout.state import PartState
from checkoutflow.errors import CheckoutError, OutcomeUnknown
from checkoutflow.money import Money
from checkoutflow.shop import Shop
from checkoutflow.testing.bank import Fault
from checkoutflow.testing.driver import Crash

if TYPE_CHECKING:
    from checkoutflow.checkout.state import Checkout
    from checkoutflow.testing.world import World

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
                "credit": True,
                "takes_code": True,
            },
            {"id": "own_invoice", "name": "Invoice"},
        ],
        "deliveries": [{"id": "parcel", "name": "Parcel", "prices": ["49.00 DKK"]}],
        "review": {"hold_above": ["5000.00 DKK"]},
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
SOFA: Final = cart(sofa=(1, "5999.00"))


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
    """

    def __init__(self, world: World, again: Again = Again.AT_ONCE) -> None:
        self.world = world
        self.bank = world.bank
        self.clock = world.clock
        self.errors: list[CheckoutError] = []
        # How many effects each call so far ended with, to know the last effect of each.
        self.ends: list[int] = []
        self.again = again
        self._calls = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: object, **options: object) -> Any:
            if name not in KEYLESS:
                self._calls += 1
                options["idempotency_key"] = f"call-{self._calls}"
            return self.insist(lambda: getattr(self.world.flow, name)(*arguments, **options))

        return call

    def settle(self) -> None:
        """Let the shop's scheduler do its work until no outcome is open."""
        self.insist(self.world.settle)

    def deliver(self) -> None:
        """The bank's notices come in."""
        self.insist(self.world.deliver)

    def run_until(self, **time: float) -> None:
        """Time passes, and the shop's scheduler does its work."""
        end = self.clock() + timedelta(**time)
        self.insist(lambda: self.world.run_until(end))

    def insist(self, call: Callable[[], Any]) -> Any:
        """Make a call; after a crash, do what people do."""
        has_crashed = False
        while True:
            try:
                answer = call()
                break
            except Crash:
                has_crashed = True
                self.world.reopen()
                if self.again is Again.NEVER:
                    raise Gone from None
                if self.again is Again.LATER:
                    self.settle()
            except OutcomeUnknown as error:
                self.errors.append(error)
                self.settle()
        self.ends.append(len(self.world.steps.names))
        if has_crashed:
            self.settle()
            if answer is not None:
                answer = self.world.checkout(answer.id)
        return answer


KEYLESS: Final = frozenset({"load", "reconcile", "receive", "run_due", "view", "journal"})


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
    """The shop gives money back."""
    for _ in range(3):
        checkout = desk.refund(checkout.id, lines)
        checkout = known(desk, checkout)
        if checkout.refunds[-1].state is PartState.DONE:
            break
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


# The scenarios ------------------------------------------------------------------------------------

SCENARIOS: Final[dict[str, Callable[[Desk], None]]] = {}
Scenario = Callable[["Desk"], None]


def scenario(play: Scenario) -> Scenario:
    """Put a scenario on the list, under its name in words."""
    SCENARIOS[play.__name__.replace("_", " ")] = play
    return play


@scenario
def plain_sale(desk: Desk) -> None:
    checkout = ship(desk, buy(desk, start(desk)))
    assert checkout.phase is Phase.FULFILLED
    assert taken(desk, checkout) == checkout.total


@scenario
def declined_and_retried(desk: Desk) -> None:
    desk.bank.decline_next()
    checkout = ship(desk, buy(desk, start(desk)))
    assert len(checkout.payments) > 1
    assert checkout.phase is Phase.FULFILLED
    assert taken(desk, checkout) == checkout.total


@scenario
def held_and_approved(desk: Desk) -> None:
    checkout = buy(desk, start(desk, SOFA))
    assert checkout.phase is Phase.HELD
    desk.claim(checkout.id, reviewer="reviewer-1")
    checkout = ship(desk, desk.approve(checkout.id, reviewer="reviewer-1"))
    assert checkout.phase is Phase.FULFILLED
    assert taken(desk, checkout) == checkout.total


@scenario
def held_and_rejected(desk: Desk) -> None:
    checkout = buy(desk, start(desk, SOFA))
    checkout = desk.reject(checkout.id, reviewer="reviewer-1", reason="too good to be true")
    assert checkout.phase is Phase.REJECTED


@scenario
def held_and_forgotten(desk: Desk) -> None:
    checkout = buy(desk, start(desk, SOFA))
    desk.run_until(days=4)
    assert desk.load(checkout.id).phase is Phase.REJECTED


@scenario
def two_shipments(desk: Desk) -> None:
    checkout = buy(desk, start(desk, MUGS_AND_BOOK))
    checkout = ship(desk, checkout, {"mug": 2})
    assert checkout.phase is Phase.CONFIRMED
    assert Money(0, "DKK") < taken(desk, checkout) < checkout.total
    checkout = ship(desk, checkout)
    assert checkout.phase is Phase.FULFILLED
    assert taken(desk, checkout) == checkout.total


@scenario
def one_line_returned(desk: Desk) -> None:
    checkout = ship(desk, buy(desk, start(desk, MUGS_AND_BOOK)))
    checkout = refund(desk, checkout, {"mug": 1})
    assert checkout.phase is Phase.FULFILLED
    mug = checkout.priced.unit_amount("mug", 0, 1)
    assert taken(desk, checkout) == checkout.total - mug


@scenario
def answer_to_the_authorisation_lost(desk: Desk) -> None:
    desk.bank.plan("authorise", Fault.LOSE_ANSWER)
    plain_sale(desk)


@scenario
def answer_to_the_capture_lost(desk: Desk) -> None:
    desk.bank.plan("capture", Fault.LOSE_ANSWER)
    two_shipments(desk)


@scenario
def answer_to_the_refund_lost(desk: Desk) -> None:
    desk.bank.plan("refund", Fault.LOSE_ANSWER)
    one_line_returned(desk)


@scenario
def answer_to_the_void_lost(desk: Desk) -> None:
    desk.bank.plan("void", Fault.LOSE_ANSWER)
    held_and_rejected(desk)


@scenario
def notice_before_the_customer_returns(desk: Desk) -> None:
    checkout = buy(desk, start(desk, payment="wallet"))
    desk.bank.approve(checkout.payments[-1].id)
    desk.deliver()
    assert desk.load(checkout.id).phase is Phase.CONFIRMED
    checkout = ship(desk, desk.reconcile(checkout.id))
    assert taken(desk, checkout) == checkout.total


@scenario
def customer_returns_before_the_notice(desk: Desk) -> None:
    checkout = buy(desk, start(desk, payment="wallet"))
    desk.bank.approve(checkout.payments[-1].id)
    checkout = desk.reconcile(checkout.id)
    assert checkout.phase is Phase.CONFIRMED
    desk.deliver()
    checkout = ship(desk, checkout)
    assert taken(desk, checkout) == checkout.total


@scenario
def redirect_lost(desk: Desk) -> None:
    desk.bank.plan("authorise", Fault.LOSE_ANSWER)
    checkout = buy(desk, start(desk, payment="wallet"))
    assert checkout.next_action is not None
    desk.bank.approve(checkout.payments[-1].id)
    checkout = desk.reconcile(checkout.id)
    assert checkout.phase is Phase.CONFIRMED


@scenario
def customer_declines_in_the_wallet(desk: Desk) -> None:
    checkout = buy(desk, start(desk, payment="wallet"))
    desk.bank.decline(checkout.payments[-1].id)
    checkout = desk.reconcile(checkout.id)
    assert checkout.phase is Phase.COLLECTING
    checkout = desk.choose_payment(checkout.id, "card")
    checkout = ship(desk, buy(desk, checkout))
    assert taken(desk, checkout) == checkout.total


def with_gift_card(desk: Desk, payment: str) -> Checkout:
    desk.bank.issue_gift_card(GIFT_CARD, Money(20000, "DKK"))
    checkout = start(desk, payment=payment)
    return desk.add_credit(checkout.id, "gift_card", Money(5000, "DKK"), code=GIFT_CARD)


def left_on_card(desk: Desk) -> Money:
    return desk.bank.gift_card_balance(GIFT_CARD)


@scenario
def gift_card_and_card_that_declines(desk: Desk) -> None:
    checkout = with_gift_card(desk, "card")
    desk.bank.plan("authorise", Fault.NONE, Fault.DECLINE)
    checkout = ship(desk, buy(desk, checkout))
    assert checkout.phase is Phase.FULFILLED
    assert taken(desk, checkout) == checkout.total
    assert left_on_card(desk) == Money(15000, "DKK")


@scenario
def gift_card_and_wallet_cancelled_while_the_customer_pays(desk: Desk) -> None:
    checkout = buy(desk, with_gift_card(desk, "wallet"))
    assert left_on_card(desk) == Money(15000, "DKK")
    checkout = known(desk, desk.cancel(checkout.id))
    assert checkout.phase is Phase.CANCELLED
    desk.bank.approve(checkout.payments[-1].id)  # too late
    assert left_on_card(desk) == Money(20000, "DKK")


@scenario
def cancelled_while_the_customer_says_yes(desk: Desk) -> None:
    checkout = buy(desk, with_gift_card(desk, "wallet"))
    desk.bank.approve(checkout.payments[-1].id)  # and nobody has told us
    checkout = known(desk, desk.cancel(checkout.id))
    assert checkout.phase is Phase.CANCELLED
    assert left_on_card(desk) == Money(20000, "DKK")


@scenario
def gift_card_pays_and_one_line_is_returned(desk: Desk) -> None:
    desk.bank.issue_gift_card(GIFT_CARD, Money(20000, "DKK"))
    checkout = start(desk, MUGS_AND_BOOK)
    checkout = desk.add_credit(checkout.id, "gift_card", Money(5000, "DKK"), code=GIFT_CARD)
    checkout = ship(desk, buy(desk, checkout))
    checkout = refund(desk, checkout, {"mug": 3, "book": 1})
    assert taken(desk, checkout) == Money(0, "DKK")
    assert left_on_card(desk) == Money(20000, "DKK")


@scenario
def cancelled_after_confirmation(desk: Desk) -> None:
    checkout = buy(desk, start(desk))
    checkout = known(desk, desk.cancel(checkout.id))
    assert checkout.phase is Phase.CANCELLED


@scenario
def one_line_shipped_and_the_rest_cancelled(desk: Desk) -> None:
    checkout = ship(desk, buy(desk, start(desk, MUGS_AND_BOOK)), {"book": 1})
    checkout = known(desk, desk.cancel(checkout.id))
    assert checkout.phase is Phase.FULFILLED
    assert taken(desk, checkout) == checkout.priced.unit_amount("book", 0, 1)


@scenario
def expired_while_the_customer_pays(desk: Desk) -> None:
    checkout = buy(desk, start(desk, payment="wallet"))
    desk.run_until(minutes=40)  # the shop waits half an hour, the bank an hour
    assert desk.load(checkout.id).phase is Phase.EXPIRED


@scenario
def capture_fails_after_a_while(desk: Desk) -> None:
    desk.bank.plan("capture", Fault.FAIL_LATER)
    checkout = ship(desk, buy(desk, start(desk)))
    assert checkout.phase is Phase.FULFILLED
    assert taken(desk, checkout) == checkout.total


@scenario
def everything_is_slow(desk: Desk) -> None:
    for operation in ("authorise", "capture", "refund"):
        desk.bank.plan(operation, Fault.SLOW)
    checkout = buy(desk, start(desk, MUGS_AND_BOOK))
    checkout = refund(desk, ship(desk, checkout), {"book": 1})
    assert taken(desk, checkout) == checkout.total - checkout.priced.unit_amount("book", 0, 1)


@scenario
def own_invoice(desk: Desk) -> None:
    checkout = ship(desk, buy(desk, start(desk, payment="own_invoice")))
    assert checkout.phase is Phase.FULFILLED
