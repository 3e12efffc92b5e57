"""Copies of a database in use, what a restored one knows of money and of the erased, and shares."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest
from tests.desk import CUSTOMER, MUG, SHOP, Desk, Witness, buy, start

from checkoutflow import CheckoutFlow, StoreError, UsageError, open_store
from checkoutflow.checkout.machine import Phase
from checkoutflow.cli import main
from checkoutflow.cli.files import sells_nothing
from checkoutflow.stores.backup import back_up, check, restore
from checkoutflow.stores.keyfile import load_keys, load_or_create_keys
from checkoutflow.stores.shares import refuse_share
from checkoutflow.testing.bank import Fault
from checkoutflow.testing.store_samples import sample_change, sample_checkout
from checkoutflow.testing.world import World

OFFICE = sells_nothing().but(deliveries=SHOP.deliveries)  # it needs no provider


@pytest.fixture(name="file")
def fixture_file(tmp_path):
    file = tmp_path / "shop.db"
    with closing(open_store(file)) as store:
        store.create()
    return file


def test_a_copy_is_whole_while_others_write(file, tmp_path):
    is_over = Event()

    def write() -> None:
        with closing(open_store(file)) as store:
            number = 0
            while not is_over.is_set():
                number += 1
                store.commit(sample_change(sample_checkout(f"co-{number}")))

    writer = Thread(target=write)
    writer.start()
    try:
        counts = [back_up(file, tmp_path / f"copy-{n}.db").checkouts for n in range(4)]
    finally:
        is_over.set()
        writer.join()
    assert counts == sorted(counts)
    copy = tmp_path / "copy-3.db"
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(open_store(copy)) as store:
        ids = store.checkouts((), limit=10_000)
        assert len(ids) == counts[-1]
        assert all(store.load(name) and len(store.journal(name)) == 1 for name in ids)
    assert not list(tmp_path.glob("*.part"))


def test_what_is_not_whole_is_no_copy(file, tmp_path):
    copy = tmp_path / "copy.db"
    with pytest.raises(UsageError, match="no such file"):
        back_up(tmp_path / "none.db", copy)
    back_up(file, copy)
    with pytest.raises(UsageError, match="is there already"):
        back_up(file, copy)
    copy.write_bytes(copy.read_bytes()[:8192])
    for use in (check, lambda it: restore(it, tmp_path / "new.db")):
        with pytest.raises(StoreError, match="damaged"):
            use(copy)
    assert not (tmp_path / "new.db").exists()
    with pytest.raises(StoreError, match="cannot be made"):
        back_up(file, tmp_path / "nowhere" / "copy.db")
    (tmp_path / "new.db-wal").touch()
    with pytest.raises(UsageError, match="put it aside"):
        restore(file, tmp_path / "new.db")


BACKING_UP = """
import sys, time
from pathlib import Path
from checkoutflow.stores.backup import back_up

def wait(done, of):
    print("under way", flush=True)
    time.sleep(60)

back_up(Path(sys.argv[1]), Path(sys.argv[2]), wait)
"""


def test_what_a_killed_backup_leaves_is_swept_and_no_other(file, tmp_path):
    copy = tmp_path / "copy.db"
    other = tmp_path / "copy.db.part"
    other.write_text("somebody's")
    command = [sys.executable, "-c", BACKING_UP, str(file), str(copy)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"under way\n"
            with pytest.raises(StoreError, match="another process is making this copy now"):
                back_up(file, copy)
            back_up(file, tmp_path / "meanwhile.db")
            (left,) = tmp_path.glob(".copy.db*.part")
        finally:
            process.kill()
    left.with_name(f"{left.name}-journal").touch()
    back_up(file, tmp_path / "tuesday.db")  # under any name
    back_up(file, copy)
    assert [it.name for it in tmp_path.glob("*.part*")] == [other.name]
    assert {it.name for it in tmp_path.glob("*.db")} == {
        "shop.db",
        "copy.db",
        "meanwhile.db",
        "tuesday.db",
    }


def test_it_is_said_which_file_is_damaged(file, tmp_path):
    with closing(open_store(file)) as store:
        for number in range(40):
            store.commit(sample_change(sample_checkout(f"co-{number}")))
    back_up(file, tmp_path / "whole.db")
    for name, content in (
        ("torn.db", (tmp_path / "whole.db").read_bytes()[:40960]),
        ("letter.db", b"Dear shop, " * 1000),
    ):
        bad = tmp_path / name
        bad.write_bytes(content)
        with pytest.raises(StoreError, match=rf"{name} is damaged.*restore your last whole copy"):
            back_up(bad, tmp_path / "copy.db")
        with pytest.raises(StoreError, match=rf"{name} is damaged.*restore another copy"):
            restore(bad, tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


def test_an_older_copy_finds_the_money_again_and_nobody_pays_twice(tmp_path, file):
    """What was under way when it was copied: the bank went on, and the copy does not know."""
    with World(SHOP, open_store=lambda: open_store(file), open_bank=Witness) as world:
        desk = Desk(world)
        desk.bank.plan("authorise", Fault.LOSE_ANSWER)
        sale = start(desk)
        world.flow.place(sale.id, accepted_total=sale.total, return_url="https://shop.example")
        sold = buy(desk, start(desk))
        back_up(file, tmp_path / "copy.db")
        world.flow.ship(sold.id)
        desk.settle()
        books = desk.bank.book(sold.payments[0].id)
        world.store.close()
        for each in tmp_path.glob("shop.db*"):
            if not each.name.endswith(".key"):
                each.rename(tmp_path / f"old-{each.name}")
        restore(tmp_path / "copy.db", file)
        world.reopen()
        assert world.checkout(sold.id).phase is Phase.CONFIRMED
        world.flow.reconcile(sold.id)
        desk.settle()
        assert world.checkout(sale.id).phase is Phase.CONFIRMED
        assert desk.bank.book(sold.payments[0].id) == books
        assert world.checkout(sold.id).books.captured == sold.total.minor
        assert all(len(sent) == 1 for sent in desk.bank.sent.values())


def test_who_was_erased_since_is_erased_again(tmp_path, file, capsys):
    with World(SHOP, open_store=lambda: open_store(file)) as world:
        sale = world.flow.start(MUG, market="DK", details=CUSTOMER)
        sale = world.flow.cancel(sale.id)
        assert main(["backup", "--db", str(file), "--to", str(tmp_path / "copy.db")]) == 0
        assert "keep a copy of" in capsys.readouterr().out
        world.flow.erase_person(sale.subject)
    file.rename(tmp_path / "old.db")
    words = ["--from", str(tmp_path / "copy.db"), "--db", str(file)]
    assert main(["restore", *words, "--erased", str(tmp_path / "old.db")]) == 0
    assert "1 who were erased since" in capsys.readouterr().out
    with closing(open_store(file)) as store:
        assert store.person(sale.subject) == (None, ())
        assert store.erasures(sale.subject)
    assert main(["restore", *words]) == 2
    assert "is there already" in capsys.readouterr().err


MOUNTS = r"""22 1 8:1 / / rw - ext4 /dev/sda1 rw
30 22 0:40 / /mnt/the\040shop rw - nfs4 server:/shop rw
31 30 0:41 / /mnt/the\040shop/disk rw - ext4 /dev/sdb1 rw
32 22 0:42 / /mnt/w rw shared:1 - cifs //server/w rw
odd
"""


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("/var/shop.db", ""),
        ("/mnt/the shop/shop.db", "nfs4"),
        ("/mnt/the shop/disk/shop.db", ""),
        ("/mnt/the shopping/shop.db", ""),
        ("/mnt/w/a/shop.db", "cifs"),
    ],
)
def test_a_file_on_a_network_share_is_refused_with_the_reason(file, kind, tmp_path):
    (tmp_path / "mounts").write_text(MOUNTS)
    if not kind:
        return refuse_share(Path(file), tmp_path / "mounts")
    with pytest.raises(StoreError, match=rf"network share \({kind}\)"):
        refuse_share(Path(file), tmp_path / "mounts")
    return refuse_share(Path(file), tmp_path / "none")


def test_a_store_on_a_share_is_neither_made_nor_opened(file, monkeypatch):
    def refuse(_: object) -> None:
        raise StoreError("on a network share")

    monkeypatch.setattr("checkoutflow.stores.sql.refuse_share", refuse)
    with closing(open_store(file)) as store:
        for use in (store.create, lambda: store.load("co-1")):
            with pytest.raises(StoreError, match="network share"):
                use()


def test_a_restored_database_asks_for_its_own_key_file(tmp_path, file, capsys):
    with CheckoutFlow(OFFICE, store=open_store(file)) as flow:
        flow.start(MUG, market="DK", details=CUSTOMER)
    back_up(file, tmp_path / "copy.db")
    old, new = tmp_path / "shop.db.key", tmp_path / "new.db.key"

    def restored() -> str:
        (tmp_path / "new.db").unlink(missing_ok=True)
        words = ["--from", str(tmp_path / "copy.db"), "--db", str(tmp_path / "new.db")]
        assert main(["restore", *words]) == 0
        return str(capsys.readouterr().out)

    def status() -> str | None:
        main(["status", "--json", "--db", str(tmp_path / "new.db")])
        lost: str | None = json.loads(capsys.readouterr().out)["lost_key"]
        return lost

    assert f"Copy the key file of the database that was copied to {new}" in restored()
    assert status() is None
    load_or_create_keys(new, os.urandom)
    assert f"{new} is not the key file" in restored()
    assert status() == load_keys(old).current
    assert main(["status", "--db", str(tmp_path / "new.db")]) == 1
    assert f"key {load_keys(old).current}, which is not in" in capsys.readouterr().out
    new.write_bytes(old.read_bytes())
    assert f"read with the keys in {new}" in restored()
    assert status() is None
    new.chmod(0o644)
    assert "run chmod 600" in restored()
    assert status() is None
