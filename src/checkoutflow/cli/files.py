"""The files that people hand to commands. What is wrong in one is said in one line."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.cart import Cart
from checkoutflow.customer import AREAS
from checkoutflow.errors import InvalidInput, UsageError
from checkoutflow.model import from_json
from checkoutflow.privacy.secret import Secret
from checkoutflow.review import ReviewRules
from checkoutflow.shop import Shop, read_settings

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterable

    from checkoutflow.stores.sql import SqlStore


def examples() -> Path:
    """The folder of the examples: inside the installed package, or at the top of a clone."""
    here = Path(__file__).parent
    installed = here / "examples"
    return installed if installed.is_dir() else here.parents[2] / "examples"


def read_shop(path: Path) -> Shop:
    """Read a shop's settings.

    Raises:
        UsageError: If they cannot be read or are wrong; the text is for a person.
    """
    try:
        return Shop.load(path)
    except InvalidInput as error:
        raise _explained(path, error) from None


def read_cart(path: Path) -> Cart:
    """Read a cart from a JSON file.

    Raises:
        UsageError: If it cannot be read or is wrong; the text is for a person.
    """
    try:
        data = from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path}: is not JSON: {error}") from None
    try:
        return Cart.read(data)
    except InvalidInput as error:
        raise _explained(path, error) from None


def read_review(path: Path) -> ReviewRules:
    """Read rules of review: a file of their own, or the ``review`` table of a shop's settings.

    Raises:
        UsageError: If they cannot be read or are wrong; the text is for a person.
    """
    try:
        data = read_settings(path)
        match data:
            case {"review": rules}:
                return ReviewRules.read(rules, at="review")
            case _:
                return ReviewRules.read(data)
    except InvalidInput as error:
        raise _explained(path, error) from None


def _explained(path: Path, error: InvalidInput) -> UsageError:
    field, message = error.problems[0]
    where = f"{path}: {field}" if field not in {"", str(path)} else str(path)
    return UsageError(f"{where}: {message}")


def imported(named: str) -> Any:  # noqa: ANN401 -- whatever it is
    """What ``module:name`` names, from a module of this folder or any other that can be imported.

    Raises:
        UsageError: If there is no such thing.
    """
    module, _, name = named.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return getattr(import_module(module), name)
    except AttributeError:
        raise UsageError(f"{named}: there is no {name} in {module}") from None
    except Exception as error:  # noqa: BLE001 -- a module may fail in any way while it is imported
        raise UsageError(f"{named}: cannot be imported: {type(error).__name__}: {error}") from None


# A URL in which nothing has two meanings: an @ or ? more may be a piece of a password.
_URL: Final = re.compile(
    r"(?P<scheme>[^:/]+://)((?P<user>[^:@/?]*)(:[^@/?]*)?@)?(?P<place>[^@?]*)(\?(?P<options>[^@?]*))?"
)
_WHERE: Final = frozenset({"host", "hostaddr", "port", "service", "dbname"})
_SECRET: Final = re.compile("password|secret|key$", re.IGNORECASE)


@dataclass(frozen=True)
class Server:
    """A database on a server, by its URL; printed without user, password and other settings."""

    url: str

    def __str__(self) -> str:
        """Where it is."""
        if (found := _URL.fullmatch(self.url)) is None:
            return f"{self.url.partition('://')[0]}://***"
        return found["scheme"] + found["place"] + _options(found, _WHERE.__contains__)

    @property
    def without_password(self) -> str:
        """The URL as somebody may type it who has the password elsewhere."""
        if (found := _URL.fullmatch(self.url)) is None:
            return str(self)
        user = f"{found['user']}@" if found["user"] else ""
        options = _options(found, lambda name: not _SECRET.search(name))
        return found["scheme"] + user + found["place"] + options


def _options(url: re.Match[str], is_told: Callable[[str], object]) -> str:
    """What follows the ? of a URL, as far as it may be told."""
    told = [it for it in (url["options"] or "").split("&") if it and is_told(it.partition("=")[0])]
    return f"?{'&'.join(told)}" if told else ""


def database(text: str) -> Path | Server:
    """Read what a person gives as a database: a file, or the URL of one or of a server's."""
    if text.startswith("sqlite:///"):
        return Path(text.removeprefix("sqlite:///"))
    return Server(text) if "://" in text else Path(text)


def database_file(text: str) -> Path:
    """Read what a person gives as the file of a database, for what is done with files alone.

    Raises:
        UsageError: If it is on a server.
    """
    found = database(text)
    if isinstance(found, Server):
        raise UsageError(
            f"{found.url.partition(':')[0]}: a database on a server is backed up and restored with"
            " the server's own tools, such as pg_dump and pg_restore; this copies files of SQLite"
        )
    return found


def open_kept(database: Path | Server) -> SqlStore:
    """Open a database that is there already.

    Raises:
        UsageError: If there is no such file.
    """
    if not isinstance(database, Server) and not database.is_file():
        raise UsageError(f"{database}: there is no such file")
    return open_named(database)


def open_named(database: Path | Server) -> SqlStore:
    """Open a database that need not have our tables yet."""
    # Carts and settings need no SQLAlchemy, which is heavy.
    from checkoutflow.stores.sql import open_store  # noqa: PLC0415 -- see above

    return open_store(database.url if isinstance(database, Server) else database)


def sells_nothing(markets: Iterable[str] = ("DK",)) -> Shop:
    """Settings for a flow that only looks at what is kept: it needs no provider."""
    method = {"id": "own_invoice", "name": "-"}
    return Shop.read({"name": "-", "markets": tuple(markets), "methods": [method]})


# Bases of customers -------------------------------------------------------------------------------


def market_of(arguments: Namespace) -> str:
    """Where customers are who name no country.

    Raises:
        UsageError: If it is none that is known.
    """
    market: str = arguments.market.upper()
    if market not in AREAS:
        raise UsageError(f"--market: is one of {', '.join(AREAS)}")
    return market


def columns_of(arguments: Namespace) -> dict[str, str]:
    """Which column is what, where the shop says so."""
    given: dict[str, str] = {}
    for text in arguments.map:
        role, equals, column = text.partition("=")
        if not (role and equals and column):
            raise UsageError("--map: write it like email=COLUMN")
        given[role] = column
    if arguments.updated:
        given["updated"] = arguments.updated
    return given


def key_from(arguments: Namespace) -> Secret:
    """The key of a shop's lists, from the environment.

    Raises:
        UsageError: If it is not there.
    """
    name = arguments.key_from
    if not name or not os.environ.get(name):
        raise UsageError(
            "--key-from: name a variable of the environment with the key of your lists, "
            "32 characters or more"
        )
    return Secret(os.environ[name])
