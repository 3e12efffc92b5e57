"""A shop on its own invoice and its customers, for the tests of what people may ask about data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checkoutflow import Cart, Keys, Shop
from checkoutflow.checkout.machine import Phase
from checkoutflow.privacy.vault import open_subject, unseal
from checkoutflow.testing import Clock
from checkoutflow.testing.driver import SteppingFlow, Steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from checkoutflow import CheckoutFlow
    from checkoutflow.checkout.state import Checkout
    from checkoutflow.privacy.vault import SubjectKey, VaultRow
    from checkoutflow.stores.contract import Store

KEY = bytes(range(32))
PLANTED = "zanzibar"
LOGIN = f"{PLANTED}-17"
ADDRESS = ["name", "street", "postal_code", "city"]
IN_BOOKS = sorted(ADDRESS)
TYPED = {
    "name": f"{PLANTED.title()} Person",
    "email": f"{PLANTED}@example.com",
    "phone": "+4532123456",
    "street": f"{PLANTED.title()}gade 1",
    "postal_code": "2100",
    "city": f"{PLANTED.title()} Ø",
}
OTHER = TYPED | {"name": "Other Person", "email": "other@example.com", "street": "Nygade 2"}
CURRENCIES = {"DK": "DKK", "SE": "SEK", "NO": "NOK", "FI": "EUR", "IS": "ISK"}


class World:
    """A shop that sells mugs on its own invoice to all five countries."""

    def __init__(self, store: Store, **settings: Any) -> None:
        self.clock = Clock()
        self.store = store
        self.shop = Shop.read(
            {
                "name": "Fjordbutikken",
                "markets": [*CURRENCIES],
                "methods": [{"id": "own_invoice", "name": "Faktura"}, {"id": "gift_card"}],
                "deliveries": [
                    {
                        "id": "parcel",
                        "name": "Parcel",
                        "details": ["phone"],
                        "prices": [f"0 {currency}" for currency in CURRENCIES.values()],
                    }
                ],
                "messages": ["code_asked"],
                "consents": ["marketing", "no_marketing", "profile"],
                **settings,
            }
        )
        self.flow = self.opened(Keys.of(KEY))

    def opened(self, keys: Keys, steps: Steps | None = None) -> SteppingFlow:
        """Another process of the shop, with keys of its own."""
        return SteppingFlow(
            self.shop, store=self.store, keys=keys, clock=self.clock, steps=steps or Steps()
        )

    def start(self, market: str = "DK", *, durable: bool = False, **options: Any) -> Checkout:
        line = {"sku": "mug", "name": "Mug", "quantity": 1, "durable": durable}
        cart = Cart.read({"lines": [line | {"unit_price": f"129 {CURRENCIES.get(market, 'DKK')}"}]})
        options = {"delivery": "parcel", "payment": "own_invoice", **options}
        return self.flow.start(cart, market=market, **options)

    def order(
        self, sale: Checkout, *, flow: CheckoutFlow | None = None, could_say_no: bool = True
    ) -> Checkout:
        flow = flow or self.flow
        sale = flow.place(
            sale.id,
            accepted_total=sale.total,
            accepts_credit=True,
            could_say_no=could_say_no and "no_marketing" in self.shop.consents,
        )
        assert sale.phase is Phase.CONFIRMED
        return sale

    def buy(
        self, typed: dict[str, str] = TYPED, *, remember: bool = False, **options: Any
    ) -> Checkout:
        sale = self.start(details=typed, **options)
        if remember:
            sale = self.flow.consent(sale.id, profile=True)
        return self.order(sale)

    def finish(self, sale: Checkout, *, is_paid: bool = True) -> Checkout:
        """It is sent and, with luck, paid."""
        sale = self.flow.ship(sale.id)
        if is_paid:
            (invoice,) = sale.invoices
            day = self.clock().date()
            sale = self.flow.record_payment(
                sale.id, invoice=invoice.number, amount=invoice.amount, received_on=day
            )
        assert sale.phase is Phase.FULFILLED
        return sale

    def known(self) -> tuple[str, Checkout]:
        """Somebody who is remembered, with one sale that is over."""
        sale = self.finish(self.buy(remember=True, login=LOGIN))
        again = self.start(login=LOGIN)
        person = again.recognition.person
        self.flow.cancel(again.id)
        return person, sale

    @property
    def file(self) -> Path:
        """The database's file."""
        assert self.store.key_file is not None
        return self.store.key_file.with_suffix("")

    def in_the_vault(self) -> Iterator[tuple[SubjectKey, tuple[VaultRow, ...]]]:
        for person in self.subjects():
            key, rows = self.store.person(person)
            assert key is not None
            yield key, rows

    def subjects(self) -> Sequence[str]:
        return [key.subject_id for key in self.store.keys_to_rewrap("", after="", limit=10_000)]

    def readable(self, *secrets: bytes) -> dict[str, dict[str, str]]:
        """What whoever has the database and these keys can read, by subject and field."""
        keys = Keys.of(*(secrets or (KEY,)))
        return {
            key.subject_id: {
                row.field: unseal(
                    open_subject(keys, key), key.subject_id, row.field, row.ciphertext
                )
                for row in rows
            }
            for key, rows in self.in_the_vault()
        }
