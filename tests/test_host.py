"""The real world: HTTP over loopback through both drivers, the clock, and where the key is kept."""

from __future__ import annotations

import asyncio
import socket
import stat
import threading
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import create_engine
from tests.desk import CUSTOMER, MUG, SHOP

from checkoutflow import AsyncCheckoutFlow, CheckoutFlow
from checkoutflow.cli.files import sells_nothing
from checkoutflow.errors import SchemaMismatch, TransportError, UsageError, VaultError
from checkoutflow.flow import host
from checkoutflow.flow.effects import Send
from checkoutflow.privacy.fields import Purpose
from checkoutflow.stores.keyfile import load_or_create_keys
from checkoutflow.stores.memory import MemoryStore
from checkoutflow.stores.schema import VERSION
from checkoutflow.stores.sql import SqlStore, open_store
from checkoutflow.testing.serve import serve

OFFICE = sells_nothing().but(deliveries=SHOP.deliveries)  # it needs no provider


def sync_send(effect):
    sender = host.SyncHttp()
    try:
        return sender.send(effect)
    finally:
        sender.close()


def async_send(effect):
    async def send():
        sender = host.AsyncHttp()
        try:
            return await sender.send(effect)
        finally:
            await sender.close()

    return asyncio.run(send())


both = pytest.mark.parametrize("send", [sync_send, async_send], ids=["sync", "async"])


def asking(url, timeout_s=5.0):
    return Send("bank", httpx.Request("POST", url, content=b"{}"), timeout_s)


@contextmanager
def answering(*pieces, pause_s=0.0):
    """A server that says exactly these bytes, with pauses between them."""
    goodbye = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk():
            with server.accept()[0] as connection:
                connection.recv(65536)
                for piece in pieces:
                    try:
                        connection.sendall(piece)
                    except OSError:
                        return
                    if goodbye.wait(pause_s):
                        return

        talker = threading.Thread(target=talk, daemon=True)
        talker.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        goodbye.set()
        talker.join(5)


@both
def test_an_answer_arrives_whole(send):
    def handle(request: httpx.Request) -> httpx.Response:
        assert request.content == b"{}"
        return httpx.Response(201, json={"id": "x" * 100_000}, headers={"x-bank": "yes"})

    with serve(handle) as url:
        answer = send(asking(f"{url}/v1"))
    assert answer.status_code == 201
    assert len(answer.json()["id"]) == 100_000
    assert answer.headers["x-bank"] == "yes"


@both
def test_a_redirect_is_an_answer_and_is_not_followed(send):
    elsewhere = httpx.Response(302, headers={"location": "http://192.0.2.1/"})
    with serve(lambda _: elsewhere) as url:
        assert send(asking(url)).status_code == 302


OK = b"HTTP/1.1 200 OK\r\n"


@both
@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (b"no http at all\r\n\r\n",),
        (OK + b"content-length: 10\r\n\r\nhalf",),
        (OK + b"content-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc",),
    ],
    ids=["nothing", "no http", "half of it", "damaged"],
)
def test_what_is_no_whole_answer_is_a_transport_error_that_names_no_address(send, pieces):
    with answering(*pieces) as url, pytest.raises(TransportError) as lost:
        send(asking(url))
    assert lost.value.next == "ask_the_provider"
    assert "127.0.0.1" not in str(lost.value)


@both
def test_nobody_there(send):
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
    with pytest.raises(TransportError, match="bank cannot be reached: ConnectError"):
        send(asking(url))


@both
def test_an_answer_in_drops_does_not_hold_us_for_ever(send):
    head = OK + b"content-length: 1000\r\n\r\n"
    with (
        answering(head, *[b"."] * 1000, pause_s=0.02) as url,
        pytest.raises(TransportError),
    ):
        send(asking(url, timeout_s=0.2))


@both
def test_an_answer_without_end_is_no_answer(send, monkeypatch):
    monkeypatch.setattr(host, "MAX_BODY", 1000)
    with (
        serve(lambda _: httpx.Response(200, content=b"x" * 1001)) as url,
        pytest.raises(TransportError, match="more than 1000 bytes"),
    ):
        send(asking(url))


@both
def test_a_client_that_was_never_used_is_closed_without_fuss(send):
    host.SyncHttp().close()
    asyncio.run(host.AsyncHttp().close())
    assert send


def test_the_clock_is_aware_and_dice_differ():
    assert abs((host.system_clock() - datetime.now(UTC)).total_seconds()) < 5
    assert len(host.system_random(32)) == 32
    assert host.system_random(32) != host.system_random(32)


def test_the_key_lies_beside_the_database_for_its_owner_alone(tmp_path):
    with closing(open_store(tmp_path / "shop.db")) as store:
        store.create()
        keys = host.default_keys(store, host.system_random)
        again = host.default_keys(store, host.system_random)
    file = tmp_path / "shop.db.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert keys.current == again.current


def test_a_lost_key_file_is_not_replaced_while_somebody_is_sealed_with_it(tmp_path):
    file, key = tmp_path / "shop.db", tmp_path / "shop.db.key"
    with closing(open_store(file)) as store:
        host.default_keys(store, host.system_random)  # before there is a database
        store.create()
        key.unlink()
        host.default_keys(store, host.system_random)  # nobody is in it
        with CheckoutFlow(OFFICE, store=open_store(file)) as flow:
            sale = flow.start(MUG, market="DK", details=CUSTOMER)
        key.rename(tmp_path / "elsewhere.key")
        for kind in (CheckoutFlow, AsyncCheckoutFlow):
            with pytest.raises(VaultError, match=r"shop\.db\.key is missing.*copy that file there"):
                kind(OFFICE, store=store)
        assert not key.exists()
        (tmp_path / "elsewhere.key").rename(key)
        with CheckoutFlow(OFFICE, store=open_store(file)) as flow:
            assert flow.details(sale.id, purpose=Purpose.DELIVER)["city"] == CUSTOMER["city"]


def test_a_key_file_that_another_process_makes_meanwhile_is_read(tmp_path):
    file = tmp_path / "shop.db.key"
    theirs = []

    def is_awaited():
        theirs.append(load_or_create_keys(file, host.system_random))
        return True

    assert (
        load_or_create_keys(file, host.system_random, is_awaited=is_awaited).current
        == theirs[0].current
    )


def test_tables_of_another_version_are_not_taken_for_empty(tmp_path):
    with closing(open_store(tmp_path / "shop.db")) as store:
        store.create()
        with store.transaction(is_writing=True) as cursor:
            cursor.execute("UPDATE checkoutflow_schema SET version = version + 1")
    with closing(open_store(tmp_path / "shop.db")) as store:
        with pytest.raises(SchemaMismatch) as caught:
            host.default_keys(store, host.system_random)
        assert caught.value.found == VERSION + 1
        assert not (tmp_path / "shop.db.key").exists()


def test_in_memory_a_key_lives_as_long_as_the_data():
    one, two = (host.default_keys(MemoryStore(), host.system_random) for _ in range(2))
    assert one.current != two.current


def test_a_database_of_the_shops_own_needs_a_key_of_the_shops_own(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path}/own.db")
    with pytest.raises(UsageError, match="needs keys"):
        host.default_keys(SqlStore(engine), host.system_random)
