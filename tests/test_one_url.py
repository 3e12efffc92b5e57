"""The same shop on one SQLite file and on a PostgreSQL server: what changes is one URL."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests import postgres

from checkoutflow.cli import main
from checkoutflow.cli.files import Server, database

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKERS = 3
SELLING = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.desk import BACK, CUSTOMER, MUG, SHOP, SOFA
from checkoutflow.checkout.machine import Phase
from checkoutflow.stores.sql import open_store
from checkoutflow.testing.world import World

url, seed = sys.argv[2], int(sys.argv[3])

def buy(flow, cart):
    checkout = flow.start(cart, market="DK", details=CUSTOMER, payment="card")
    return flow.place(checkout.id, accepted_total=checkout.total, return_url=BACK)

with World(SHOP, seed=seed, open_store=lambda: open_store(url)) as world:
    for _ in range(2):
        sold = world.flow.ship(buy(world.flow, MUG).id)
        assert sold.phase is Phase.FULFILLED
    print(buy(world.flow, SOFA).id)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'shop.db'}"
    else:
        with postgres.new_schema() as url:
            yield url


def test_several_workers_sell_and_every_command_reads(url, capsys, tmp_path):
    def says(*words: str) -> str:
        assert main([*words, "--db", url]) == 0
        out: str = capsys.readouterr().out
        return out

    assert "the tables were made, of version" in says("migrate")
    assert "as they should be" in says("migrate")
    command = [sys.executable, "-c", SELLING, str(Path(__file__).parents[1]), url]
    processes = [
        subprocess.Popen([*command, str(seed)], stdout=subprocess.PIPE, text=True)
        for seed in range(WORKERS)
    ]
    held = [process.communicate(timeout=120)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0] * WORKERS
    assert says("verify") == f"{WORKERS * 3} checkouts, each as its journal says\n"
    assert f"{held[0]}: held" in says("show", held[0])
    assert '"fields"' in says("person", "retention", "--json")
    bordereau = ["insurance", "bordereau", "--insurer", "nobody"]
    assert "nobody" in says(*bordereau, "--from", "2020-01-01", "--to", "2030-01-01")
    settings = tmp_path / "shop.toml"
    settings.write_text(
        'name = "S"\nmarkets = ["DK"]\n[[methods]]\nid = "own_invoice"\nname = "F"\n'
    )
    assert held[0] in says("review", "list", "--shop", str(settings))


def test_a_server_is_named_without_its_password(capsys):
    server = database("postgresql://user:s3cret@127.0.0.1:9/shop?sslmode=disable")
    assert isinstance(server, Server)
    assert str(server) == "postgresql://127.0.0.1:9/shop"
    assert main(["migrate", "--db", server.url]) != 0
    assert "s3cret" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "short", "typed"),
    [
        ("://shop@db/s", "://db/s", "://shop@db/s"),
        ("://shop:s3cret@db/s", "://db/s", "://shop@db/s"),
        ("://:s3cret@/s?host=/run&user=me", ":///s?host=/run", ":///s?host=/run&user=me"),
        (
            "://u:s3cret@/s?host=a:1&host=b:2&sslmode=require&password=s3cret",
            ":///s?host=a:1&host=b:2",
            "://u@/s?host=a:1&host=b:2&sslmode=require",
        ),
        ("://shop:s3cret?x@db/s", "://***", "://***"),
        ("://shop:@s3cret@db/s", "://***", "://***"),
        ("://shop:s/3cret@db/s?password=s3cret@", "://***", "://***"),
    ],
)
def test_what_is_typed_again_has_no_password(url, short, typed):
    server = Server(f"postgresql{url}")
    assert (str(server), server.without_password) == (f"postgresql{short}", f"postgresql{typed}")


@pytest.mark.parametrize(
    "words",
    [
        "backup --to h.db --db {}",
        "backup --db shop.db --to {}",
        "restore --from shop.db --db {}",
        "restore --db shop.db --from {}",
        "restore --db shop.db --from shop.db --erased {}",
    ],
)
def test_a_server_is_not_copied_as_a_file(words, capsys):
    url = "postgresql://zanzibar:s3cret@db/shop"
    assert main(words.format(url).split()) == 2
    said = capsys.readouterr().err
    assert "pg_dump" in said
    assert said.count("\n") == 1
    assert not {"zanzibar", "s3cret"} & set(re.findall(r"\w+", said))


@pytest.mark.parametrize("password", ["some@s3cret", "some@s3cret/s3cret", "a@s3cret?s3cret"])
def test_a_password_that_is_not_escaped_is_not_taken_for_a_host(password, capsys):
    assert main(["verify", "--db", f"postgresql://shop:{password}@127.0.0.1:9/shop"]) == 2
    said = capsys.readouterr().err
    assert "write it as %40" in said
    assert "s3cret" not in said


def test_beside_a_server_lies_no_key(capsys):
    assert main(["person", "find", "-", "--kind", "email", "--db", "postgresql://host/shop"]) != 0
    assert capsys.readouterr().err
