"""A sale in the pure core: no store, no network; what the provider answers is said by the test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from checkoutflow.cart import Cart
from checkoutflow.checkout import commands as c
from checkoutflow.checkout.decide import begin, decide
from checkoutflow.checkout.needs import missing_details
from checkoutflow.choice.rules import Rules
from checkoutflow.law import Law
from checkoutflow.money import Money
from checkoutflow.payment.capabilities import Capabilities
from checkoutflow.payment.outcomes import Operation, Outcome, Result, Standing, Word
from checkoutflow.shop import Shop

if TYPE_CHECKING:
    from checkoutflow.checkout.events import Event
    from checkoutflow.checkout.state import Attempt, Checkout, Payment

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

SHOP = Shop.read(
    {
        "name": "Fjordbutikken",
        "markets": ["NO", "DK"],
        "methods": [
            {"id": "card", "name": "Card", "provider": "bank"},
            {"id": "wallet", "name": "Wallet", "provider": "bank"},
            {"id": "own_invoice", "name": "Invoice"},
            {
                "id": "gift_card",
                "name": "Gift card",
                "provider": "bank",
            },
            {"id": "store_credit", "name": "Store credit", "provider": "bank"},
        ],
        "deliveries": [
            {"id": "parcel", "name": "Parcel", "prices": ["49.00 NOK", "39.00 DKK"]},
            {"id": "pickup", "name": "Pickup", "prices": ["0.00 NOK"], "to": "pickup"},
        ],
        "review": {"hold_above": ["5000.00 NOK"]},
    }
)

BANK = Capabilities(
    operations=frozenset(Operation),
    can_be_asked=True,
    currencies=frozenset({"NOK", "DKK"}),
    repeat_s=24 * 3600,
)

CART = Cart.read(
    {
        "lines": [
            {"sku": "mug", "name": "Mug", "quantity": 2, "unit_price": "100.00 NOK"},
            {"sku": "lamp", "name": "Lamp", "quantity": 1, "unit_price": "300.00 NOK"},
        ]
    }
)
DEAR = Cart.read(
    {"lines": [{"sku": "watch", "name": "Watch", "quantity": 1, "unit_price": "9000.00 NOK"}]}
)
DIGITAL = Cart.read(
    {
        "lines": [
            {
                "sku": "song",
                "name": "Song",
                "quantity": 1,
                "unit_price": "10.00 NOK",
                "digital": True,
            }
        ]
    }
)
FREE = Cart.read(
    {
        "lines": [
            {
                "sku": "sample",
                "name": "Sample",
                "quantity": 1,
                "unit_price": "0.00 NOK",
                "digital": True,
            }
        ]
    }
)

ADDRESS = ("email", "name", "street", "postal_code", "city")
CODE = c.Provide(fields=("gift_card_code",))


def nok(kroner: str | float) -> Money:
    return Money.parse(str(kroner), "NOK")


class Sale:
    """One checkout, moved by commands. ``events`` are those of the last step."""

    def __init__(
        self,
        cart: Cart = CART,
        *,
        shop: Shop = SHOP,
        bank: Capabilities = BANK,
        market: str = "NO",
        **more: Any,
    ) -> None:
        self.rules = Rules(shop, Law.load(), {"bank": bank})
        self.now = START
        command = c.Start(
            checkout="co", subject="su", cart=cart, market=market, locale="nb_NO", **more
        )
        self.state: Checkout
        self.events: tuple[Event, ...]
        self.state, self.events = begin(command, self.rules, self.now)
        self.rounds = 0
        self.first_invoice = 1001

    # Moving ------------------------------------------------------------------------------------

    def do(self, *commands: c.Command) -> Sale:
        self.state, self.events = decide(
            self.state, commands, self.rules, self.now, number=self.number
        )
        return self

    def wait(self, **duration: float) -> Sale:
        self.now += timedelta(**duration)
        return self

    def ready(self, method: str = "card", delivery: str = "parcel") -> Sale:
        """All that must be asked is given and chosen."""
        if not all(line.digital for line in self.state.cart.lines):
            self.do(c.ChooseDelivery(delivery=delivery))
        if method:
            self.do(c.ChoosePayment(method=method))
        names = tuple(need.field for need in missing_details(self.state, self.rules))
        return self.do(c.Provide(fields=names)) if names else self

    def place(self) -> Sale:
        self.rounds += 1
        payments = tuple(f"pay{self.rounds}{letter}" for letter in "abc")
        return self.do(
            c.Place(
                accepted_total=self.state.total,
                payments=payments,
                return_url="https://shop.example/back",
            )
        )

    def placed(self, method: str = "card") -> Sale:
        return self.ready(method).place()

    def hear(self, outcome: Outcome, attempt: str = "", **more: Any) -> Sale:
        """The provider answers the (oldest) open attempt."""
        which = attempt or self.open[0].id
        return self.do(c.RecordResult(attempt=which, result=Result(outcome=outcome, **more)))

    def succeed(self) -> Sale:
        """The provider does everything that is open, and what comes of that."""
        while self.open:
            self.hear(Outcome.SUCCEEDED)
        return self

    def confirmed(self, method: str = "card") -> Sale:
        return self.placed(method).succeed()

    def look(self, standing: Standing | None, payment: str = "") -> Sale:
        """The provider is asked how a payment stands."""
        return self.do(
            c.TakeStanding(payment=payment or self.state.payments[-1].id, standing=standing)
        )

    # Looking -----------------------------------------------------------------------------------

    @property
    def open(self) -> list[Attempt]:
        return [item for payment in self.state.payments for item in payment.open_attempts]

    @property
    def number(self) -> int:
        """The next number of an invoice or a credit note."""
        invoices = self.state.invoices
        return self.first_invoice + len(invoices) + sum(len(item.credit_notes) for item in invoices)

    @property
    def payment(self) -> Payment:
        return self.state.payments[-1]

    @property
    def happened(self) -> list[str]:
        return [event.type for event in self.events]

    @property
    def books(self) -> tuple[int, int, int, int]:
        books = self.state.books
        return books.authorised, books.captured, books.refunded, books.voided


def standing(
    word: Word,
    authorised: float = 0,
    captured: float = 0,
    refunded: float = 0,
    voided: float = 0,
    **more: Any,
) -> Standing:
    """How the provider says a payment stands; amounts in whole kroner."""
    return Standing(
        word=word,
        authorised=nok(authorised),
        captured=nok(captured),
        refunded=nok(refunded),
        voided=nok(voided),
        **more,
    )
