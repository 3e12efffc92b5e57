"""Links that customers get: of one purpose, for one checkout, for a time, and proven."""

from __future__ import annotations

import asyncio
import string
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.heart import DIGITAL

from checkoutflow import (
    AsyncCheckoutFlow,
    CheckoutFlow,
    InvalidInput,
    Keys,
    MemoryStore,
    NotFound,
    UntrustedLink,
)
from checkoutflow.errors import UsageError
from checkoutflow.privacy.links import (
    LIVES,
    LONGEST_LIFE,
    ONCE,
    Link,
    LinkPurpose,
    opened,
    token_of,
)
from checkoutflow.privacy.secret import STARS
from checkoutflow.shop import Shop
from checkoutflow.stores.sql import open_store
from checkoutflow.testing.clock import Clock

if TYPE_CHECKING:
    from checkoutflow.stores.contract import Store

NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
OLD, NEW, OTHER = (bytes([number]) * 32 for number in (1, 2, 3))
KEYS: Final = Keys.of(OLD)
CHECKOUT: Final = "a" * 26
URL_SAFE: Final = string.ascii_letters + string.digits + "-_"


def link(**changes: Any) -> Link:
    facts: dict[str, Any] = {
        "checkout": CHECKOUT,
        "purpose": LinkPurpose.RECEIPT,
        "audience": "shop.example",
        "made_at": NOW - timedelta(hours=1),
        "expires_at": NOW + timedelta(days=1),
        "nonce": bytes(16),
    }
    return Link(**{**facts, **changes})


def token(keys: Keys = KEYS, **changes: Any) -> str:
    return token_of(keys, link(**changes)).reveal()


def read(text: str, keys: Keys = KEYS, at: datetime = NOW, **changes: Any) -> Link:
    wanted = link(**changes)
    return opened(keys, text, wanted.purpose, wanted.audience, at)


def refused(text: str, keys: Keys = KEYS, at: datetime = NOW, **changes: Any) -> str:
    with pytest.raises(UntrustedLink) as caught:
        read(text, keys, at, **changes)
    assert "link cannot be followed" in str(caught.value)  # and not why
    return caught.value.reason


# The token ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", LinkPurpose)
def test_a_token_gives_back_what_it_was_made_of(purpose):
    text = token(purpose=purpose)
    assert set(text) <= set(URL_SAFE)
    assert read(text, purpose=purpose) == link(purpose=purpose)


@pytest.mark.parametrize("made", LinkPurpose)
@pytest.mark.parametrize("shown", LinkPurpose)
def test_a_token_of_one_purpose_serves_no_other(made, shown):
    text = token(purpose=made)
    if made is shown:
        assert read(text, purpose=shown).purpose is shown
    else:
        assert refused(text, purpose=shown) == "proof"


def test_a_token_is_for_one_audience():
    assert refused(token(), audience="") == "proof"
    assert refused(token(audience=""), audience="shop.example") == "proof"
    # Where the id ends and the audience begins cannot be moved.
    assert refused(token(checkout="ab", audience="c"), checkout="a", audience="bc") == "proof"


def test_a_token_is_of_one_shop():
    assert refused(token(Keys.of(OTHER))) == "key"
    # Also where somebody says that it is another key.
    content = bytearray(raw(token(Keys.of(OTHER))))
    content[1:9] = bytes.fromhex(KEYS.current)
    assert refused(text_of(content)) == "proof"


def test_a_token_ends():
    last = NOW + timedelta(days=1)
    assert read(token(), at=last - timedelta(microseconds=1)) == link()
    assert refused(token(), at=last) == "expired"


def test_a_key_that_was_replaced_still_proves_what_it_made_until_it_is_taken_away():
    before = token()
    both = Keys.of(NEW, OLD)
    assert read(before, both) == link()
    assert read(token(both), Keys.of(NEW)) == link()
    assert refused(before, Keys.of(NEW)) == "key"


def test_who_names_a_key_that_is_not_there_has_nobody_asked_for_it():
    asked = 0

    def source() -> list[bytes]:
        nonlocal asked
        asked += 1
        return [NEW]

    keys = Keys.from_source(source)
    assert refused(token(), keys) == "key"
    assert asked == 1  # when it was made


def raw(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def text_of(content: bytes | bytearray) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def test_every_bit_of_a_token_counts():
    content = raw(token())
    for place in range(8 * len(content)):
        changed = bytearray(content)
        changed[place // 8] ^= 1 << place % 8
        assert refused(text_of(changed)) in {"token", "key", "proof"}


def test_every_letter_of_a_token_counts_and_there_is_one_way_to_write_it():
    text = token(checkout="a" * 25)  # its last letter has bits to spare
    assert len(raw(text)) % 3
    for place in range(len(text)):
        for letter in URL_SAFE + "+/=. \n\u00e9\u0430":
            changed = text[:place] + letter + text[place + 1 :]
            if changed != text:
                assert refused(changed) in {"token", "key", "proof"}
    for changed in (text + "=", text + "A", text[:-1], text[1:], text + text, f" {text}", ""):
        assert refused(changed) in {"token", "key", "proof"}


@given(st.text(max_size=300) | st.text(URL_SAFE, max_size=300))
def test_whatever_comes_is_refused(text):
    refused(text)


@given(st.binary(max_size=300))
def test_whatever_bytes_come_are_refused(content):
    refused(text_of(b"\x01" + content))
    refused(text_of(b"\x01" + bytes.fromhex(KEYS.current) + content))


@given(st.text(URL_SAFE, min_size=1, max_size=100), st.text(max_size=50), st.binary(min_size=16))
def test_any_id_and_audience_are_taken(name, audience, nonce):
    changes = {"checkout": name, "audience": audience, "nonce": nonce[:16]}
    assert read(token(**changes), **changes) == link(**changes)


@pytest.mark.parametrize(
    "changes", [{"nonce": bytes(15)}, {"checkout": ""}, {"checkout": "a" * 101}]
)
def test_a_link_without_its_parts_is_not_made(changes):
    with pytest.raises(UsageError):
        token(**changes)


def test_a_token_prints_as_stars():
    assert repr(token_of(KEYS, link())) == STARS


def test_every_purpose_has_a_life_and_what_changes_something_serves_once():
    assert set(LIVES) == set(LinkPurpose)
    assert all(life <= LONGEST_LIFE for life in LIVES.values())
    assert set(LinkPurpose) - ONCE == {"return", "receipt", "download"}  # they only look


# The flow -----------------------------------------------------------------------------------------


SHOP: Final = Shop.read(
    {
        "name": "Fjordbutikken",
        "markets": ["NO"],
        "methods": [{"id": "own_invoice", "name": "Invoice"}],
    }
)


class Page:
    """A shop's page: the checkout of a customer, and the links to it."""

    def __init__(self, keys: Keys = KEYS, store: Store | None = None) -> None:
        self.clock = Clock(NOW)
        self.store = store or MemoryStore()
        self.flow = CheckoutFlow(SHOP, store=self.store, keys=keys, clock=self.clock)
        self.checkout = self.flow.start(DIGITAL, market="NO")

    def link(self, purpose: str = "receipt", **more: Any) -> str:
        return self.flow.link(self.checkout.id, purpose, **more).reveal()

    def refuses(self, text: str, purpose: str = "receipt", **more: Any) -> str:
        with pytest.raises(UntrustedLink) as caught:
            self.flow.open_link(text, purpose, **more)
        return caught.value.reason


@pytest.mark.parametrize("purpose", LinkPurpose)
def test_a_link_leads_to_its_checkout_for_as_long_as_it_lives(purpose):
    page = Page()
    text = page.link(purpose, audience="shop.example")
    assert page.refuses(text, purpose) == "proof"
    page.clock.advance(seconds=LIVES[purpose].total_seconds() - 1)
    assert page.flow.open_link(text, purpose, audience="shop.example") == page.checkout
    page.clock.advance(seconds=1)
    assert page.refuses(text, purpose, audience="shop.example") == "expired"


@pytest.mark.parametrize("purpose", sorted(ONCE))
def test_what_changes_something_serves_once_for_all_workers(purpose, tmp_path):
    with (
        closing(open_store(tmp_path / "shop.db")) as store,
        closing(open_store(tmp_path / "shop.db")) as second,
    ):
        store.create()
        page, other = Page(store=store), Page(store=second)
        text, again = page.link(purpose), page.link(purpose)
        assert page.flow.open_link(text, purpose).id == page.checkout.id
        assert page.refuses(text, purpose) == other.refuses(text, purpose) == "used"
        page.clock.advance(seconds=LIVES[purpose].total_seconds() - 1)
        page.flow.forget_expired()
        assert page.refuses(text, purpose) == "used"
        assert other.flow.open_link(again, purpose).id == page.checkout.id  # each is its own


def test_a_link_that_was_not_for_this_page_is_not_used_up():
    page = Page()
    text = page.link("pay", audience="one")
    assert page.refuses(text, "pay", audience="two") == "proof"
    assert page.refuses(text, "resume", audience="one") == "proof"
    assert page.flow.open_link(text, "pay", audience="one") == page.checkout


@pytest.mark.parametrize("purpose", sorted(set(LinkPurpose) - ONCE))
def test_what_only_looks_serves_again(purpose):
    page = Page()
    text = page.link(purpose)
    assert page.flow.open_link(text, purpose) == page.flow.open_link(text, purpose)


def test_a_link_to_a_checkout_of_another_store_leads_nowhere():
    text = Page().link()
    assert Page(store=MemoryStore()).refuses(text) == "gone"
    assert Page(Keys.of(OTHER)).refuses(text) == "key"


def test_no_link_is_made_to_nothing_or_for_nothing_or_for_ever():
    page = Page()
    with pytest.raises(NotFound):
        page.flow.link("nothing", "receipt")
    for call in (page.link, lambda purpose: page.flow.open_link("x", purpose)):
        with pytest.raises(InvalidInput) as caught:
            call("everything")
        assert caught.value.field == "purpose"
    for life in (timedelta(0), timedelta(days=-1), LONGEST_LIFE + timedelta(seconds=1)):
        with pytest.raises(InvalidInput) as caught:
            page.link(life=life)
        assert caught.value.field == "life"
    text = page.link(life=timedelta(minutes=5))
    page.clock.advance(minutes=5)
    assert page.refuses(text) == "expired"


def test_two_links_are_never_the_same():
    page = Page()
    assert len({page.link() for _ in range(10)}) == 10


def test_an_asynchronous_shop_has_them_too():
    async def followed() -> None:
        flow = AsyncCheckoutFlow(SHOP, store=MemoryStore(), keys=KEYS, clock=Clock(NOW))
        checkout = await flow.start(DIGITAL, market="NO")
        text = (await flow.link(checkout.id, "pay", audience="a")).reveal()
        assert await flow.open_link(text, "pay", audience="a") == checkout
        with pytest.raises(UntrustedLink):
            await flow.open_link(text, "pay", audience="a")
        await flow.close()

    asyncio.run(followed())
