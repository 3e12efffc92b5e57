"""Inside a transaction of Django's: its model's row and our commit stand or fall together.

What a shop writes is on the page `docs/how-to/keep-the-data.md`, and is run from there.
"""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django  # type: ignore[import-untyped]
import pytest
from django.conf import settings  # type: ignore[import-untyped]
from django.db import connection, connections, models, transaction  # type: ignore[import-untyped]
from sqlalchemy import make_url
from tests import postgres
from tests.desk import BACK, CUSTOMER, MUG, SHOP

from checkoutflow import joined
from checkoutflow.errors import StoreConflict, UsageError
from checkoutflow.stores.contract import IdempotencyRow
from checkoutflow.stores.joined import JoinedStore
from checkoutflow.stores.sql import open_store
from checkoutflow.testing.store_samples import sample_change, sample_checkout
from checkoutflow.testing.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[1] / "docs/how-to/keep-the-data.md"
if not settings.configured:
    settings.configure(USE_TZ=True)
    django.setup()


class _Meta:
    app_label = "shop"


_FIELDS = {
    "__module__": __name__,
    "Meta": _Meta,
    "id": models.AutoField(primary_key=True),
    "reference": models.CharField(max_length=50),
    "checkout": models.CharField(max_length=50),
}
Order: Any = type("Order", (models.Model,), _FIELDS)


class Fault(Exception):
    """Something of the shop's own goes wrong."""


def on_the_page(word: str) -> str:
    """The piece of code with this word in it."""
    blocks: list[str] = re.findall(
        r"^```text\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    (found,) = (block for block in blocks if word in block)
    return found


@contextmanager
def connected(database: dict[str, Any]) -> Iterator[None]:
    """Django on a database, with the table of its model."""
    connections.databases["default"] = connections.configure_settings({"default": database})[
        "default"
    ]
    connections["default"] = connections.create_connection("default")
    try:
        with connection.schema_editor() as editor:
            editor.create_model(Order)
        yield
    finally:
        connection.close()
        del connections["default"]


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request, tmp_path, monkeypatch) -> Iterator[World]:
    monkeypatch.chdir(tmp_path)
    if request.param == "sqlite":
        said: dict[str, Any] = {}
        exec(on_the_page("DATABASES"), said)  # noqa: S102 -- our own page
        store = open_store("sqlite:///shop.db")
        store.create()
        with (
            connected(said["DATABASES"]["default"]),
            World(SHOP, open_store=lambda: store) as world,
        ):
            yield world
        return
    with postgres.new_schema() as url:
        parsed = make_url(url)
        database = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": parsed.database,
            "USER": parsed.username,
            "PASSWORD": parsed.password or "",
            "HOST": parsed.host or parsed.query["host"],
            "PORT": parsed.port or "",
            "OPTIONS": {"options": parsed.query["options"]},
        }
        store = open_store(url)
        store.create()
        with connected(database), World(SHOP, open_store=lambda: store) as world:
            yield world


def is_there(world: World) -> tuple[int, int]:
    return Order.objects.count(), len(world.checkouts())


def test_what_the_page_says_writes_both(world):
    said: dict[str, Any] = {"Order": Order, "joined": joined, "flow": world.flow}
    exec(on_the_page("def begin_order"), said)  # noqa: S102 -- our own page
    order = said["begin_order"](MUG)
    (checkout,) = world.checkouts()
    assert Order.objects.get(id=order.id).checkout == checkout.id
    world.flow.provide(checkout.id, payment="card", **CUSTOMER)
    placed = world.flow.place(checkout.id, accepted_total=checkout.total, return_url=BACK)
    assert placed.phase == "confirmed"


STEPS = ["begin", "order", "start", "provide", "commit", "nothing"]


@pytest.mark.parametrize("fault", STEPS)
def test_both_are_there_or_neither(world, fault):
    def step(name: str) -> None:
        if name == fault:
            raise Fault

    with suppress(Fault), transaction.atomic():
        step("begin")
        ours = joined(world.flow, connection.connection)
        step("order")
        Order.objects.create(reference="1")
        step("start")
        checkout = ours.start(MUG, market="DK", payment="card")
        step("provide")
        ours.provide(checkout.id, **CUSTOMER)
        Order.objects.filter(reference="1").update(checkout=checkout.id)
        step("commit")
    assert is_there(world) == ((1, 1) if fault == "nothing" else (0, 0))


def test_what_an_inner_block_undoes_is_undone_there_only(world):
    with transaction.atomic():
        ours = joined(world.flow, connection.connection)
        kept = ours.start(MUG, market="DK")
        with suppress(Fault), transaction.atomic():
            Order.objects.create(reference="undone")
            ours.start(MUG, market="DK")
            raise Fault
        Order.objects.create(reference="kept", checkout=kept.id)
    assert [checkout.id for checkout in world.checkouts()] == [kept.id]
    assert [order.checkout for order in Order.objects.all()] == [kept.id]


def test_a_call_that_is_refused_leaves_djangos_transaction_as_it_was(world):
    checkout = world.flow.start(MUG, market="DK", details=CUSTOMER, payment="card")
    used = IdempotencyRow("key", "00" * 32, "co-1")
    world.store.commit(sample_change(idempotency=used))
    with transaction.atomic():
        Order.objects.create(reference="1")
        ours = joined(world.flow, connection.connection)
        with pytest.raises(UsageError, match="asks a provider"):
            ours.place(checkout.id, accepted_total=checkout.total, return_url=BACK)
        with pytest.raises(StoreConflict):
            JoinedStore(world.store, connection.connection).commit(
                sample_change(sample_checkout("co-2"), idempotency=used, messages=("one", "two"))
            )
        Order.objects.create(reference="2")
        transaction.on_commit(
            lambda: world.flow.place(checkout.id, accepted_total=checkout.total, return_url=BACK)
        )
    assert Order.objects.count() == 2
    assert world.checkout(checkout.id).phase == "confirmed"


def test_outside_a_transaction_it_is_refused(world):
    connection.ensure_connection()
    with pytest.raises(UsageError, match="begin your transaction first"):
        joined(world.flow, connection.connection)
