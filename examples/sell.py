"""Sell two mugs to a customer in Denmark: a real state machine and file, a simulated bank."""

from __future__ import annotations

import httpx

from checkoutflow import Cart, CheckoutFlow, Shop, open_store
from checkoutflow.testing import CUSTOMERS, Clock, SimulatedBank

card = {"id": "card", "name": "Kort", "provider": "simulated_bank"}
parcel = {"id": "parcel", "name": "Pakke", "prices": ["39.00 DKK"]}
shop = Shop.read({"name": "My shop", "markets": ["DK"], "methods": [card], "deliveries": [parcel]})
mugs = {"sku": "mug", "name": "Krus", "quantity": 2, "unit_price": "129.00 DKK"}

bank = SimulatedBank(clock := Clock())
http = httpx.Client(transport=httpx.MockTransport(bank.handle))  # a real provider needs no `http`
store = open_store("sqlite:///shop.db")
store.create()
with CheckoutFlow(shop, providers=[bank.provider()], store=store, clock=clock, http=http) as flow:
    sale = flow.start(Cart.read({"lines": [mugs]}), market="DK", details=CUSTOMERS["DK"])
    sale = flow.choose_payment(sale.id, "card")
    view = flow.view(sale.id)
    print(f"{view.totals.total.text} [{view.button}]")
    sale = flow.place(sale.id, accepted_total=sale.total, return_url="https://shop.example/thanks")
    sale = flow.ship(sale.id, {"mug": 1})  # takes the money for one
    sale = flow.ship(sale.id)  # and for the rest
    print(sale.phase, sale.books.captured, bank.book(sale.payments[0].id).captured)
