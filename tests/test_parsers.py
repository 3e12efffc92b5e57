"""Whatever comes from outside, reading it ends soon, in a value or in one of our own errors.

What was found once is kept in ``tests/corpus``, a folder for each reader, and tried for ever. The
answers of providers are broken field by field in the checks of ``checkoutflow.testing.adapters``;
references, identity numbers, codes, tokens, card numbers and proofs of issuers have properties of
their own beside their tests.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.deals import Deal
from tests.heart import CART
from tests.heart import SHOP as HEART

from checkoutflow.cart import MAX_LINES, Cart
from checkoutflow.errors import CheckoutError, InvalidInput, UntrustedNotice, UsageError
from checkoutflow.money import MAX_MINOR
from checkoutflow.providers.contract import MAX_BODY_BYTES, Notice, Webhook
from checkoutflow.providers.registry import ADAPTERS, open_providers
from checkoutflow.quality.reading import CsvFile
from checkoutflow.review.score import read_model
from checkoutflow.shop import Shop
from checkoutflow.testing.adapters.faults import paths

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis.strategies import SearchStrategy

CORPUS: Final = Path(__file__).parent / "corpus"
EXAMPLE: Final = Path(__file__).parents[1] / "examples" / "shop.toml"
SOON_S: Final = 2.0  # of the processor's time, for what takes milliseconds

# What a field can be that should be something else.
ODD: Final = (
    *("", " ", "\x00", "\ud800", "\u202e", "é" * 300, "x" * 100_000, "1e400", "NaN", "=1+1"),
    *("-1", "0", "9" * 5000, "2026-02-30", "https://[::1", "../..", "null", "DKK", "a_new_word"),
)
LEAVES: Final = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 2**31, 2**63, 10**30, 10**400])
    | st.floats()
    | st.sampled_from(ODD)
    | st.text(max_size=50)
)
JSON: Final = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner)
)


@st.composite
def mutated(draw: Any, whole: object) -> object:
    """Plain data with one to three of its fields changed, taken away, doubled or renamed."""
    value = json.loads(json.dumps(whole))
    for _ in range(draw(st.integers(1, 3))):
        places = list(paths(value))
        if not places:
            return draw(JSON)
        *way, last = draw(st.sampled_from(places))
        parent = value
        for step in way:
            parent = parent[step]
        match draw(st.sampled_from(["change", "remove", "more", "rename"])):
            case "change":
                parent[last] = draw(JSON)
            case "remove":
                del parent[last]
            case "more" if isinstance(parent, list):
                parent += [parent[last]] * draw(st.sampled_from([1, 1001]))
            case _ if isinstance(parent, dict):
                parent[draw(st.sampled_from(ODD) | st.text(max_size=9))] = parent[last]
    return value


def in_time(read: Callable[[], Any], *typed: type[Exception]) -> Any:
    """What a reader gives, or None where it raises one of the errors that it may."""
    began = process_time()
    with suppress(*typed):
        found = read()
        assert process_time() - began < SOON_S
        return found
    assert process_time() - began < SOON_S
    return None


# Webhooks -----------------------------------------------------------------------------------------


@cache
def genuine(name: str) -> tuple[Any, Sequence[Webhook]]:
    """An adapter, and what its provider sent about a sale."""
    deal = Deal(name)
    deal.shipped(deal.sold())
    return deal.bank.provider(), tuple(deal.bank.outbox)


def readable(notices: Sequence[Notice] | None) -> None:
    """See that what was read can be stored and looked up."""
    for notice in notices or ():
        assert notice.id
        for text in (notice.id, notice.merchant_reference, notice.kind):
            assert len(text) <= 300
            assert text.isprintable()


# A hundred of each provider are many hundred.
EACH: Final = settings(max_examples=min(100, settings().max_examples))


@pytest.mark.parametrize("name", ADAPTERS)
@EACH
@given(data=st.data())
def test_whatever_is_sent_to_a_notice_s_address_is_untrusted(name, data):
    provider, hooks = genuine(name)
    hook = data.draw(st.sampled_from([*hooks, Webhook({}, b"", 0)]))
    texts = st.sampled_from(ODD) | st.text(max_size=80)
    sent = Webhook(
        headers={each: data.draw(texts) for each in hook.headers},
        body=data.draw(st.binary(max_size=200) | st.just(hook.body)),
        now_s=hook.now_s,
        query=data.draw(texts),
    )
    assert not in_time(lambda: provider.read_notices(sent), UntrustedNotice)


@cache
def proofs() -> tuple[tuple[Any, str], ...]:
    """Where adapters have the functions that compare proofs."""
    modules = [import_module(f"checkoutflow.providers.{name}") for name in ADAPTERS]
    return tuple(
        (module, name)
        for module in modules
        for name in ("require_same", "require_recent")
        if hasattr(module, name)
    )


def bodies(body: bytes) -> SearchStrategy[bytes]:
    raw = st.binary(max_size=100) | st.integers(0, len(body)).map(lambda end: body[:end])
    try:
        whole = json.loads(body)
    except ValueError:
        return raw
    return raw | mutated(whole).map(lambda data: json.dumps(data).encode())


@pytest.mark.parametrize("name", ADAPTERS)
@EACH
@given(data=st.data())
def test_a_notice_of_a_provider_gone_mad_is_read_or_untrusted(name, data):
    """The proofs fit, so the parsing itself is tried."""
    provider, hooks = genuine(name)
    if not hooks:
        return
    hook = data.draw(st.sampled_from(hooks))
    body = data.draw(bodies(hook.body))
    with ExitStack() as patches:
        for module, function in proofs():
            patches.enter_context(patch.object(module, function, lambda *_, **__: None))
        readable(in_time(lambda: provider.read_notices(replace(hook, body=body)), UntrustedNotice))


def test_every_provider_that_sends_notices_has_sent_some():
    assert [name for name in ADAPTERS if not genuine(name)[1]] == []


@pytest.mark.parametrize(
    "hook",
    [
        {"body": b" " * (MAX_BODY_BYTES + 1)},
        {"headers": {"x": "y" * (64 << 10)}},
        {"headers": {f"x{number}": "" for number in range(20_000)}},
        {"query": "y" * ((64 << 10) + 1)},
    ],
    ids=["body", "header", "headers", "query"],
)
def test_a_webhook_larger_than_any_is_not_looked_at(hook):
    deal = Deal("quickpay")
    deal.sold()
    provider = deal.world.flow._programs.providers["quickpay"]
    sent = {"headers": {}, "body": b"", "query": "", **hook}
    with (
        patch.object(type(provider), "read_notices", side_effect=AssertionError("is read")),
        pytest.raises(UntrustedNotice, match="larger"),
    ):
        deal.world.flow.receive("quickpay", sent["headers"], sent["body"], query=sent["query"])


# Carts and settings -------------------------------------------------------------------------------

CARTS: Final = {
    **CART.model_dump(mode="json", exclude_defaults=True),
    "discounts": [{"name": "Sale", "percent": "10.00", "lines": ["mug"]}],
}


@given(mutated(CARTS) | JSON)
def test_whatever_a_cart_is_it_is_sane_or_refused(data):
    cart = in_time(lambda: Cart.read(data), InvalidInput)
    if cart is not None:
        assert 1 <= len(cart.lines) <= MAX_LINES
        assert all(line.quantity >= 1 and line.unit_price.minor >= 0 for line in cart.lines)
        assert sum(line.goods.minor for line in cart.lines) <= MAX_MINOR
        cart.model_dump_json().encode("utf-8")


SETTINGS: Final = HEART.model_dump(mode="json", exclude_defaults=True)


@given(mutated(SETTINGS) | JSON)
def test_whatever_settings_are_they_are_a_shop_s_or_refused(data):
    shop = in_time(lambda: Shop.read(data), InvalidInput)
    if shop is not None:
        assert Shop.read(shop.model_dump(mode="json")) == shop


LINES: Final = EXAMPLE.read_text("utf-8").splitlines()


@given(data=st.data())
def test_whatever_is_in_a_file_of_settings_it_is_read_or_refused_by_its_name(
    data, tmp_path_factory
):
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(lines) - 1))
        line = lines[place]
        at = data.draw(st.integers(0, len(line)))
        sign = data.draw(st.sampled_from([*"[]{}='.,#\"\\\n\x00é0-", "", "\ud800", "[[", "= ["]))
        lines[place] = line[:at] + sign + line[at + 1 :]
    file = tmp_path_factory.mktemp("settings") / "shop.toml"
    file.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    in_time(lambda: Shop.load(file), InvalidInput)


TABLES: Final = {
    "quickpay": {
        "api_key": {"env": "KEY"},
        "private_key": "private-key-for-tests",
        "notice_url": "https://shop.example/notices/quickpay",
    },
    "other": {"adapter": "stripe", "secret_key": "sk_test_x", "is_test": True},
}


@given(mutated(TABLES) | st.dictionaries(st.sampled_from(list(ADAPTERS)), JSON))
def test_whatever_is_set_of_providers_it_opens_or_is_refused(tables):
    if isinstance(tables, dict):
        in_time(lambda: open_providers(tables, {"KEY": "key-for-tests"}), InvalidInput)


# Files --------------------------------------------------------------------------------------------


def read_csv(content: bytes, folder: Path) -> list[list[str]]:
    file = folder / "base.csv"
    file.write_bytes(content)
    return list(CsvFile.look(file).rows())


ROWS: Final = st.lists(
    st.sampled_from([b"name", b"a;b", b'"', b",", b"\r", b"\n", b"\xff", b"\x00"])
)


@given(content=ROWS.map(b"".join) | st.binary(max_size=200))
def test_whatever_is_in_a_csv_file_it_is_read_or_refused_by_its_line(content, tmp_path_factory):
    folder = tmp_path_factory.mktemp("csv")
    rows = in_time(lambda: read_csv(content, folder), UsageError)
    for row in rows or ():
        assert all(isinstance(cell, str) for cell in row)


@given(JSON.map(json.dumps) | st.text(max_size=50) | st.binary(max_size=50))
def test_whatever_is_given_as_a_model_it_is_one_or_refused(text):
    in_time(lambda: read_model(text), InvalidInput)


# What was found -----------------------------------------------------------------------------------


def settings_of(content: bytes, ending: str, folder: Path) -> Shop:
    file = folder / f"shop{ending}"
    file.write_bytes(content)
    return Shop.load(file)


READERS: Final[dict[str, Callable[[bytes, str, Path], Any]]] = {
    "settings": settings_of,
    "csv": lambda content, _, folder: read_csv(content, folder),
    "model": lambda content, _, __: read_model(content),
    "cart": lambda content, _, __: Cart.read(json.loads(content)),
}
KEPT: Final = sorted(path for path in CORPUS.rglob("*") if path.is_file())


@pytest.mark.parametrize("case", KEPT, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found_once_is_refused_for_ever(case, tmp_path):
    read = READERS[case.parent.name]
    with pytest.raises(CheckoutError):
        read(case.read_bytes(), case.suffix, tmp_path)
