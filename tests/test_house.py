"""The house stands: imports point one way, the core has no doors, and importing is light."""

from __future__ import annotations

import ast
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import checkoutflow

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(checkoutflow.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))

# From the ground up. A room imports only from itself and from rooms before it.
ROOMS = """
    lazy errors model table money texts law privacy cart customer payment delivery insurance review
    shop choice
    checkout aftersale insight providers registries insurers issuers stores flow workers otel
    quality risk testing web cli
""".split()
CORE = ROOMS[: ROOMS.index("providers")]
NO_ROOMS = {"__init__", "__main__", "py.typed", "locale", "__pycache__"}

DOORS = set(
    """
    asyncio http httpx logging multiprocessing os pathlib random requests secrets selectors
    shutil signal socket sqlalchemy sqlite3 ssl subprocess tempfile threading time urllib uuid
    """.split()
)
READING = {"open", "read_text", "read_bytes"}
WRITING = {"write_text", "write_bytes", "mkdir", "unlink"}
READERS = {
    "texts",
    "law",
    "payment",
    "shop",
}  # their own tables in the package; the file a caller names
ALLOWED_DOORS = {("shop", "pathlib")}

# What only the one file that is the real world may use. Everyone else is handed it.
REAL_WORLD = Path("flow/host.py")
CLOCKS_AND_DICE = set(
    """
    datetime.date.today datetime.datetime.now datetime.datetime.today datetime.datetime.utcnow
    os.getrandom os.urandom
    random.SystemRandom random.choice random.choices random.getrandbits random.randbytes
    random.randint random.random random.randrange random.sample random.shuffle random.uniform
    secrets.SystemRandom secrets.choice secrets.randbelow secrets.randbits secrets.token_bytes
    secrets.token_hex secrets.token_urlsafe
    time.monotonic time.monotonic_ns time.perf_counter time.perf_counter_ns time.sleep time.time
    time.time_ns
    uuid.uuid1 uuid.uuid4 uuid.uuid6 uuid.uuid7
    """.split()
)


def room_of(file: Path) -> str:
    return file.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[str]:
    """Give the dotted name of everything imported, at any depth, also for type checkers only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def uses(tree: ast.AST) -> Iterator[str]:
    """Give the full dotted name of everything used through an import, whatever its local name."""
    origins = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                origins[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                origins[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            first, dot, rest = ast.unparse(node).partition(".")
            if first in origins:
                yield origins[first] + dot + rest


def calls(tree: ast.AST) -> Iterator[str]:
    """Give the last name of every function or method that is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id
            elif isinstance(node.func, ast.Attribute):
                yield node.func.attr


def wrong_in(room: str, source: str) -> Iterator[str]:
    """Say what a file of that room may not do."""
    tree = ast.parse(source)
    for name in imports(tree):
        top, _, rest = name.partition(".")
        ours = rest.partition(".")[0]
        if top == "checkoutflow" and ours not in ROOMS[: ROOMS.index(room) + 1]:
            yield f"{room} imports {ours or 'the whole package'}"
        if room in CORE and top in DOORS and (room, top) not in ALLOWED_DOORS:
            yield f"{room} opens {top}"
    if room in CORE:
        banned = WRITING if room in READERS else READING | WRITING
        yield from (f"{room} calls {name}" for name in banned.intersection(calls(tree)))


def real_world_in(source: str) -> set[str]:
    return CLOCKS_AND_DICE.intersection(uses(ast.parse(source)))


def test_every_file_has_a_room():
    assert {room_of(file) for file in SOURCE.iterdir()} - NO_ROOMS <= set(ROOMS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_imports_point_one_way_and_the_core_has_no_doors(file):
    if (room := room_of(file)) not in NO_ROOMS:
        assert not list(wrong_in(room, file.read_text("utf-8")))


def test_only_the_host_has_a_clock_and_dice():
    found = {
        file.relative_to(SOURCE): used
        for file in FILES
        if (used := real_world_in(file.read_text("utf-8")))
    }
    assert found.keys() <= {REAL_WORLD}, found


@pytest.mark.parametrize(
    ("room", "source", "complaint"),
    [
        ("money", "from checkoutflow.errors import UsageError", None),
        ("money", "def f():\n    from checkoutflow.cart import Cart", "money imports cart"),
        ("cart", "if TYPE_CHECKING:\n    from checkoutflow.shop import Shop", "cart imports shop"),
        ("cart", "import checkoutflow", "cart imports the whole package"),
        ("cart", "from checkoutflow import Money", "cart imports Money"),
        ("cart", "import urllib.parse", "cart opens urllib"),
        ("flow", "import asyncio, time", None),
        ("cart", "open('prices.csv')", "cart calls open"),
        ("cart", "path.write_text('')", "cart calls write_text"),
        ("shop", "from pathlib import Path\nPath('shop.toml').read_text()", None),
        ("shop", "path.write_text('')", "shop calls write_text"),
    ],
)
def test_the_rules_of_the_house_can_be_broken(room, source, complaint):
    assert list(wrong_in(room, source)) == ([] if complaint is None else [complaint])


@pytest.mark.parametrize(
    ("source", "used"),
    [
        ("from datetime import datetime\ndatetime.now(UTC)", "datetime.datetime.now"),
        ("import datetime as dt\ndt.date.today()", "datetime.date.today"),
        ("from time import sleep as rest\nrest(1)", "time.sleep"),
        ("from uuid import uuid4\nField(default_factory=uuid4)", "uuid.uuid4"),
        ("import os\nos.urandom(16)", "os.urandom"),
        ("from random import Random\nRandom(7).random()", None),
        ("clock.now()", None),
    ],
)
def test_clocks_and_dice_are_found_under_any_name(source, used):
    assert real_world_in(source) == ({used} if used else set())


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "example.invalid"])
def test_no_test_reaches_another_machine(host):
    with pytest.raises(ConnectionRefusedError, match="tests use no network"):
        socket.create_connection((host, 443), timeout=1)


def test_importing_the_package_and_its_first_names_loads_nothing_heavy():
    script = Path(__file__).with_name("typed_user") / "bare_import.py"
    subprocess.run([sys.executable, script], check=True)


def test_the_three_lists_of_public_names_agree():
    for_type_checkers = set()
    for name in imports(ast.parse((SOURCE / "__init__.py").read_text("utf-8"))):
        module, _, public = name.rpartition(".")
        if module.startswith("checkoutflow.") and module != "checkoutflow.lazy":
            assert getattr(checkoutflow, public) is getattr(sys.modules[module], public)
            for_type_checkers.add(public)
    assert for_type_checkers | {"__version__"} == set(checkoutflow.__all__)
    assert set(checkoutflow.__all__) <= set(dir(checkoutflow))


def test_the_version_is_that_of_the_installed_package():
    assert checkoutflow.__version__.count(".") == 2


def test_an_unknown_name_is_refused_as_by_any_module():
    with pytest.raises(AttributeError, match="module 'checkoutflow' has no attribute 'Basket'"):
        checkoutflow.Basket  # noqa: B018 -- looking it up is the test
