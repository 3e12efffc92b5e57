"""What bounds a try to pay: how often there may be one, and where the customer comes back to."""

from __future__ import annotations

import string
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.heart import SHOP, Sale
from tests.test_recognition import BACK, Visited
from tests.test_review import MUG, shopping

from checkoutflow.checkout import commands as c
from checkoutflow.checkout.machine import Phase
from checkoutflow.errors import CheckoutError, InvalidInput, TooManyTries
from checkoutflow.payment.bounds import Tries, origin_of
from checkoutflow.payment.outcomes import Outcome
from checkoutflow.shop import Shop

# Where the customer comes back to -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://shop.example", "https://shop.example"),
        ("https://shop.example/back", "https://shop.example"),
        ("HTTPS://Shop.Example:443/Back?order=1#top", "https://shop.example:443"),
        ("https://shop.example?order=a:b@c", "https://shop.example"),
        ("http://127.0.0.1:8000/back", "http://127.0.0.1:8000"),
        ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443"),
        ("fjordshop://back?order=1", "fjordshop://back"),
    ],
)
def test_an_address_has_an_origin(address, origin):
    assert origin_of(address) == origin
    assert origin_of(origin) == origin


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/back",
        "//evil.example/back",
        "https:evil.example",
        "https:/evil.example",
        "https:///evil.example",
        "https://",
        "https://shop.example@evil.example/",
        "https://shop.example:secret@evil.example/",
        "https://shop.example\\@evil.example/",
        "https://shop.example/\\evil.example",
        "https://shop.example\t.evil.example/",
        "https://shop.example/\r\nset-cookie:x",
        "https://shop.example/a b",
        "https://shöp.example/",
        "https://shop.example。evil.example/",
        "https://-shop.example/",
        "https://shop.example:/",
        "https://shop.example:123456/",
        "https://[::1/",
        "javascript://shop.example/%0aalert(1)",
        "JavaScript://shop.example/",
        "data://text/html,x",
        "file://shop.example/etc/passwd",
        " https://shop.example/",
        "https://shop.example/\ud800",
    ],
)
def test_what_is_no_address_of_a_page_is_refused_without_being_repeated(address):
    with pytest.raises(InvalidInput) as refused:
        origin_of(address)
    assert refused.value.field == "return_url"
    assert "evil" not in str(refused.value)


@given(st.text(string.printable + "\u3002\ud800\x00", max_size=60))
def test_whatever_follows_a_shop_s_host_it_stays_the_host_or_is_refused(rest):
    try:
        origin = origin_of(f"https://shop.example{rest}")
    except InvalidInput:
        return
    if not rest or rest[0] in "/?#":
        assert origin == "https://shop.example"
    else:
        assert origin != "https://shop.example"


def with_settings(**settings: object) -> Shop:
    return Shop.read({**SHOP.model_dump(mode="json", exclude_defaults=True), **settings})


HOME = {"return_origins": ["https://shop.example", "fjordshop://back"]}


def placed(shop: Shop, address: str) -> Sale:
    sale = Sale(shop=shop).ready()
    command = c.Place(
        accepted_total=sale.state.total, payments=("p1", "p2", "p3"), return_url=address
    )
    return sale.do(command)


@pytest.mark.parametrize("address", ["https://shop.example/back", "fjordshop://back/7"])
def test_a_customer_comes_back_to_one_of_the_shop_s_own_places(address):
    assert placed(with_settings(**HOME), address).state.return_url == address


@pytest.mark.parametrize(
    "address",
    [
        "https://shop.example.evil.example/",
        "https://evil.example/?https://shop.example",
        "http://shop.example/",
        "https://shop.example:8443/",
        "fjordshop://elsewhere",
    ],
)
def test_and_to_no_other(address):
    with pytest.raises(InvalidInput, match="return_origins"):
        placed(with_settings(**HOME), address)
    assert placed(SHOP, address).state.return_url == address  # unless no place is named


def test_nothing_that_a_browser_would_run_is_ever_taken():
    with pytest.raises(InvalidInput, match="return_url: is an address such as"):
        placed(SHOP, "javascript://shop.example/%0aalert(1)")


def test_who_shows_who_they_are_comes_back_to_the_shop_as_well():
    world = Visited()
    world.flow._programs.shop = world.shop.but(return_origins=("https://other.example",))
    sale = world.start()
    with pytest.raises(InvalidInput, match="return_origins"):
        world.flow.begin_login(sale.id, world.name, return_url=BACK)
    world.flow._programs.shop = world.shop.but(return_origins=("https://shop.example",))
    assert world.flow.begin_login(sale.id, world.name, return_url=BACK)


@pytest.mark.parametrize(
    "origin", ["https://shop.example/", "https://Shop.example", "shop.example", "data://x", ""]
)
def test_an_origin_in_the_settings_is_written_in_one_way(origin):
    with pytest.raises(InvalidInput) as refused:
        with_settings(return_origins=[origin])
    assert refused.value.field == "return_origins[0]"


# How often ----------------------------------------------------------------------------------------


def declined(sale: Sale) -> Sale:
    while sale.open:
        sale.hear(Outcome.DECLINED)
    return sale


def test_a_checkout_has_five_tries_with_each_way_to_pay():
    sale = Sale().ready("card")
    for _ in range(5):
        declined(sale.place())
        assert sale.state.phase is Phase.COLLECTING
    with pytest.raises(TooManyTries, match="card was tried 5 times") as refused:
        sale.place()
    assert refused.value.field == "method"
    assert sale.ready("wallet").place().state.phase is Phase.PLACING


def test_a_shop_sets_how_many():
    sale = Sale(shop=with_settings(tries={"in_checkout": 1})).ready("card")
    declined(sale.place())
    with pytest.raises(TooManyTries):
        sale.place()


def test_an_invoice_of_the_shop_s_own_is_no_try_at_anything():
    sale = Sale(shop=with_settings(tries={"in_checkout": 1}))
    assert sale.placed("own_invoice").state.phase is Phase.CONFIRMED


NUMBERS = count()


def tried(shop, **more) -> bool:
    number = next(NUMBERS)
    sale = shop.start(MUG, email=f"one{number}@example.com", name=f"Number {number}")
    try:
        shop.place(sale, **more)
    except TooManyTries:
        assert shop.flow.load(sale.id).phase is Phase.COLLECTING
        return False
    return True


def test_a_network_has_ten_tries_an_hour_over_all_checkouts():
    shop = shopping()
    assert [tried(shop, network="192.0.2.7") for _ in range(12)] == [True] * 10 + [False] * 2
    assert tried(shop, network="::ffff:192.0.2.8")
    assert tried(shop)  # a shop that does not say where
    shop.wait(minutes=59)
    assert not tried(shop, network="::ffff:192.0.2.7")
    shop.wait(minutes=1)
    assert tried(shop, network="192.0.2.7")
    shop.world.close()


def test_a_repeat_of_a_call_and_one_that_begins_nothing_are_no_tries():
    shop = shopping()
    shop.flow._programs.shop = shop.world.shop.but(tries=Tries(by_network=1))
    sale = shop.start(MUG)
    for _ in range(3):
        with pytest.raises(CheckoutError):
            shop.flow.place(
                sale.id, accepted_total=sale.total + sale.total, return_url=BACK, network="::1"
            )
    for _ in range(3):
        assert shop.place(sale, network="::1", idempotency_key="k").phase is not Phase.COLLECTING
    assert not tried(shop, network="::1")
    shop.world.close()
