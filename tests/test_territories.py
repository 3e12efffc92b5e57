"""Where the goods really go: Åland, Svalbard, Greenland and the Faroe Islands, told by the code.

A customer picks Finland, Norway or Denmark, and the postal code says that the goods go behind a tax
border. From then on the checkout is one of that market, with its taxes and its freight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checkoutflow import Cart, CheckoutFlow, InvalidInput, MemoryStore, Money, Purpose, Shop
from checkoutflow.customer import AREAS, mainland, territory
from checkoutflow.testing import Clock

if TYPE_CHECKING:
    from checkoutflow.checkout.state import Checkout

PARTS = ("FO", "GL", "SJ", "AX")
PRICES = {"DK": "125.00 DKK", "NO": "125.00 NOK", "FI": "125.50 EUR", "SE": "125.00 SEK"}
FEES = ["39 DKK", "49 NOK", "5 EUR", "59 SEK"]
BOAT = ["139 DKK", "149 NOK", "15 EUR", "159 SEK"]
DELIVERIES = [
    {"id": "van", "name": "Van", "prices": FEES, "markets": [*PRICES]},
    {"id": "boat", "name": "Boat", "prices": BOAT, "markets": [*PARTS]},
]

AREAS_OF_THE_SHOP = [
    {"id": "town", "market": "AX", "postal_codes": ["22100"]},
    {"id": "south", "market": "FI", "postal_codes": ["00100-29999"]},
]


def flow_to(*markets: str, deliveries: object = DELIVERIES) -> CheckoutFlow:
    shop = Shop.read(
        {
            "name": "Fjord",
            "markets": markets,
            "methods": [{"id": "own_invoice", "name": "Invoice"}],
            "deliveries": deliveries,
            "areas": [area for area in AREAS_OF_THE_SHOP if area["market"] in markets],
        }
    )
    return CheckoutFlow(shop, store=MemoryStore(), clock=Clock())


@pytest.fixture
def flow() -> CheckoutFlow:
    return flow_to(*PRICES, *PARTS)


def cart(market: str) -> Cart:
    price = PRICES[mainland(market)]
    return Cart.read({"lines": [{"sku": "mug", "name": "Mug", "quantity": 1, "unit_price": price}]})


def start(flow: CheckoutFlow, market: str, **details: str) -> Checkout:
    return flow.start(cart(market), market=market, details=details)


def vat(sale: Checkout) -> tuple[str, str]:
    [part] = sale.priced.vat
    return str(part.percent), str(part.vat.decimal())


def test_every_territory_is_a_part_of_a_country_and_a_country_of_itself():
    assert {area: mainland(area) for area in AREAS if mainland(area) != area} == {
        "FO": "DK",
        "GL": "DK",
        "SJ": "NO",
        "AX": "FI",
    }


@pytest.mark.parametrize(
    ("market", "typed", "where", "taxed", "total"),
    [
        # Finland's rates hold on Åland, behind a tax border; the others have none of Denmark's or
        # Norway's.
        ("FI", "22100", "AX", ("25.5", "28.55"), "140.50 EUR"),
        ("FI", "FIN-22999", "AX", ("25.5", "28.55"), "140.50 EUR"),
        ("NO", "9170", "SJ", ("0", "0.00"), "274.00 NOK"),
        ("NO", "N-8099", "SJ", ("0", "0.00"), "274.00 NOK"),
        ("DK", "3900", "GL", ("0", "0.00"), "264.00 DKK"),
        ("DK", "2412", "GL", ("0", "0.00"), "264.00 DKK"),
        ("FI", "21999", "FI", ("25.5", "26.52"), "130.50 EUR"),
        ("NO", "9169", "NO", ("25", "34.80"), "174.00 NOK"),
        ("DK", "3899", "DK", ("25", "32.80"), "164.00 DKK"),
        ("SE", "221 00", "SE", ("25", "36.80"), "184.00 SEK"),
    ],
)
def test_the_postal_code_decides_on_tax_and_freight(flow, market, typed, where, taxed, total):
    at_once = start(flow, market, postal_code=typed)
    sale = start(flow, market)
    assert sale.delivery == "van"
    sale = flow.provide(sale.id, postal_code=typed)
    for each in (at_once, sale):
        assert (each.market, each.delivery) == (where, "van" if where == market else "boat")
        assert (vat(each), each.total) == (taxed, Money.read(total))
        assert each.provided == ("postal_code",)


def test_on_svalbard_there_is_no_vat_in_what_is_bought(flow):
    on_the_mainland, there = start(flow, "NO"), start(flow, "NO", postal_code="9170")
    assert vat(on_the_mainland) == ("25", "34.80")
    assert vat(there) == ("0", "0.00")
    there = flow.provide(there.id, name="Test Person", street="Testgata 1", city="Longyearbyen")
    there = flow.provide(there.id, email="test@example.com", payment="own_invoice")
    there = flow.place(there.id, accepted_total=there.total)
    assert (there.market, vat(there)) == ("SJ", ("0", "0.00"))


def test_what_was_given_of_the_same_address_stays_given(flow):
    sale = start(flow, "FI", name="Test Person", street="Testgata 1", city="Mariehamn")
    sale = flow.provide(sale.id, postal_code="22100", email="test@example.com")
    assert flow.view(sale.id).missing == ()
    details = flow.details(sale.id, Purpose.DELIVER, by="warehouse")
    assert (details["street"], details["postal_code"]) == ("Testgata 1", "22100")


def test_a_code_of_the_mainland_leads_back(flow):
    sale = start(flow, "FI", postal_code="22100", street="Testgata 1")
    sale = flow.provide(sale.id, postal_code="00100")
    assert (sale.market, sale.delivery, sale.total) == ("FI", "van", Money.read("130.50 EUR"))
    assert {*sale.provided} == {"postal_code", "street"}
    assert start(flow, "GL", postal_code="2100").market == "DK"
    assert start(flow, "FO", postal_code="DK-2100").market == "DK"


def test_a_checkout_that_is_there_already_stays(flow):
    sale = start(flow, "AX", postal_code="22100")
    assert sale.market == "AX"
    assert [event.type for event in flow.journal(sale.id)[0].events] == [
        "started",
        "details_provided",
    ]


def test_the_area_is_one_of_where_the_goods_go(flow):
    assert start(flow, "FI", postal_code="22100").areas == ("town",)
    assert start(flow, "FI", postal_code="21999").areas == ("south",)
    sale = start(flow, "AX", postal_code="22100")
    assert flow.provide(sale.id, postal_code="00100").areas == ("south",)


def test_a_country_that_was_given_is_where_the_code_is_read(flow):
    assert start(flow, "FI", country="AX", postal_code="22100").market == "AX"
    assert start(flow, "FI", country="FI", postal_code="22100").market == "AX"
    assert start(flow, "DK", country="FO", postal_code="100").market == "FO"
    assert start(flow, "DK", country="SE", postal_code="114 55").market == "DK"


def test_a_number_without_a_country_code_stays_one_of_the_market():
    called = [delivery | {"details": ["phone"]} for delivery in DELIVERIES]
    flow = flow_to("DK", "GL", deliveries=called)
    sale = start(flow, "DK", postal_code="3900", phone="32 12 34 56")
    assert flow.details(sale.id, Purpose.DELIVER, by="warehouse")["phone"] == "+4532123456"


@pytest.mark.parametrize(
    ("flow", "match"),
    [
        (flow_to("FI", "NO"), "is one of AX, .*the shop sells to FI, NO; give an address in FI"),
        (
            flow_to("FI", "AX", deliveries=DELIVERIES[:1]),
            "is one of AX, .*no delivery to AX in EUR; give an address in FI",
        ),
    ],
    ids=["not a market", "no delivery"],
)
def test_where_the_shop_does_not_sell_the_customer_is_told(flow, match):
    sale = start(flow, "FI", street="Testgata 1")
    for attempt in (
        lambda: flow.provide(sale.id, postal_code="22100"),
        lambda: start(flow, "FI", postal_code="22100"),
    ):
        with pytest.raises(InvalidInput, match=match) as refused:
            attempt()
        assert refused.value.field == "postal_code"
        assert "22100" not in str(refused.value)
    assert flow.provide(sale.id, postal_code="00100").market == "FI"


@pytest.mark.parametrize("typed", ["", "x", "221", "2210000", 22100, None])
def test_what_is_no_code_is_refused_as_before(flow, typed):
    with pytest.raises(InvalidInput) as refused:
        start(flow, "FI", postal_code=typed)
    assert refused.value.field == "postal_code"


def test_who_is_remembered_on_svalbard_is_known_when_they_pick_norway(flow):
    sale = flow.start(
        cart("NO"),
        market="NO",
        login="customer 17",
        payment="own_invoice",
        details={
            "name": "Test Person",
            "street": "Testgata 1",
            "postal_code": "9170",
            "city": "Longyearbyen",
            "email": "test@example.com",
        },
    )
    sale = flow.consent(sale.id, profile=True)
    flow.place(sale.id, accepted_total=sale.total)
    again = flow.start(cart("NO"), market="NO", login="customer 17")
    assert (again.market, again.delivery, again.method) == ("SJ", "boat", "own_invoice")
    assert (vat(again), flow.view(again.id).missing) == (("0", "0.00"), ())
    elsewhere = flow.start(cart("DK"), market="DK", login="customer 17")
    assert {*elsewhere.provided} == {"name", "email", "login"}


@pytest.mark.parametrize(
    ("country", "typed", "where"),
    [
        ("AX", "00100", "FI"),
        ("GL", "2100", "DK"),
        ("GL", "FO-100", "FO"),
        ("AX", "x", "AX"),
        ("FI", "x", "FI"),
    ],
)
def test_a_part_of_a_country_counts_for_all_of_it(country, typed, where):
    assert territory(country, typed) == where
