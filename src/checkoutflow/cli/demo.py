"""``checkoutflow demo``: whole sales, on a real database file and over real HTTP on loopback."""

from __future__ import annotations

import shlex
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from checkoutflow.cli.files import Server, examples, read_cart, read_shop
from checkoutflow.cli.stage import BANK, open_stage, own_adapter
from checkoutflow.cli.stories import STORIES, Story, plain, play, stories_of
from checkoutflow.cli.transcript import as_json, tell
from checkoutflow.errors import UsageError
from checkoutflow.flow.host import system_clock
from checkoutflow.payment.catalogue import catalogue
from checkoutflow.payment.methods import Method
from checkoutflow.privacy.fields import FIELDS, Purpose
from checkoutflow.providers.registry import adapter_of
from checkoutflow.testing.bank import METHODS, SimulatedBank
from checkoutflow.testing.standins import SOLD, open_stand_in

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from checkoutflow.cart import Cart
    from checkoutflow.cli.paper import Paper
    from checkoutflow.cli.stories import Sale
    from checkoutflow.payment.capabilities import Capabilities
    from checkoutflow.providers.contract import Provider
    from checkoutflow.shop import Shop
    from checkoutflow.testing.standins.base import StandIn


def run(arguments: Namespace, paper: Paper) -> int:
    """Play the sales; 1 if the bank's books and ours differ after one of them."""
    markets = tuple(dict.fromkeys(market.upper() for market in arguments.market))
    if arguments.provider:
        if arguments.shop or arguments.cart:
            raise UsageError("--provider sells with settings and carts of its own")
        acts = _with_provider(arguments.provider, markets)
    else:
        acts = [Act(*_with_the_bank(arguments, markets), SimulatedBank, own_adapter)]
    sales: list[Sale] = []
    with _database(arguments.db) as database:
        for act in acts:
            with open_stage(act.shop, database, act.open_bank, act.adapter) as stage:
                if not arguments.json:
                    paper.entry("database", _described(database))
                    paper.entry("bank", f"{stage.bank_url}, simulated, reached over HTTP")
                    paper.entry("shop", f"{stage.shop_url}, takes the bank's notices over HTTP")
                    paper.line()
                for story, cart in act.plan:
                    sales.append(play(stage, story, cart))
                    if not arguments.json:
                        tell(sales[-1], paper)
    if arguments.json:
        kept = arguments.db and str(arguments.db)
        paper.document({"sales": [as_json(sale) for sale in sales], "database": kept})
    elif arguments.db:
        _tell_kept(arguments.db, sales, paper)
    else:
        paper.line("Keep the database with --db FILE; sell a cart of your own with --cart FILE.")
    return 0 if all(sale.is_agreed for sale in sales) else 1


class Act(NamedTuple):
    """Sales that are played with one shop and one stand-in."""

    shop: Shop
    plan: list[tuple[Story, Cart]]
    open_bank: Callable[[Callable[[], datetime]], StandIn]
    adapter: Callable[[StandIn, str], Provider]


def _with_provider(name: str, markets: Sequence[str]) -> list[Act]:
    """A sale in each country where a provider is used, each with an account of that country."""
    if name not in SOLD:
        raise UsageError(f"there is no stand-in {name}; there are {', '.join(SOLD)}")
    if strangers := [market for market in markets if market not in SOLD[name]]:
        raise UsageError(f"{name} is not used in {strangers[0]}: {', '.join(SOLD[name])}")
    example = read_shop(examples() / "shop.toml")
    able = open_stand_in(name, system_clock).provider().capabilities
    acts = []
    for story in stories_of(name, ships_in_parts=able.captures == "many"):
        if markets and story.market not in markets:
            continue
        kind, method = SOLD[name][story.market]
        account = f"{name}_{story.market.lower()}"
        own = Method(
            id=kind,
            provider=account,
            provider_method=method,
            creditor=name,
            identifies=True,
            details=_wanted(able, kind),
        )
        cart = read_cart(examples() / "carts" / f"{story.market.lower()}.json")
        open_bank = partial(open_stand_in, name, market=story.market)
        adapter = partial(_as_account, name, account)
        acts.append(Act(example.but(methods=(own,)), [(story, cart)], open_bank, adapter))
    return acts


def _as_account(name: str, account: str, stand_in: StandIn, url: str) -> Provider:
    """The adapter for a stand-in under a name of its own: one shop has an account per country."""
    return adapter_of(name)(stand_in.provider(url).config.but(name=account))


def _wanted(able: Capabilities, kind: str) -> tuple[str, ...]:
    """The contact fields that a provider wants for such a way to pay."""
    is_credit = catalogue()[kind].financed_by == "provider"
    allowed = {Purpose.TAKE_PAYMENT, *([Purpose.IDENTIFY_FOR_CREDIT] if is_credit else [])}
    # The demo's customers are people at home.
    left_out = {"organisation", "organisation_number", "country"}
    return tuple(
        sorted(name for name in able.details - left_out if allowed & FIELDS[name].purposes.keys())
    )


def _with_the_bank(
    arguments: Namespace, markets: Sequence[str]
) -> tuple[Shop, list[tuple[Story, Cart]]]:
    shop = _shop(arguments.shop)
    for market in markets:
        if market not in shop.markets:
            raise UsageError(f"{market} is not a market of the shop: {', '.join(shop.markets)}")
    own = arguments.cart
    return shop, _own_cart(shop, markets, own) if own else _stories(shop, markets)


def _shop(path: Path | None) -> Shop:
    """The settings to sell with, whose ways to pay the simulated bank must take."""
    path = path or examples() / "shop.toml"
    shop = read_shop(path)
    for place, method in enumerate(shop.methods):
        where = f"{path}: methods[{place}]"
        if method.provider != BANK:
            raise UsageError(f'{where}.provider: the demo sells with "{BANK}" only')
        if (method.provider_method or method.id) not in METHODS:
            raise UsageError(f"{where}.provider_method: the bank has {', '.join(METHODS)}")
    return shop


def _own_cart(shop: Shop, markets: Sequence[str], path: Path) -> list[tuple[Story, Cart]]:
    """A cart of the newcomer's own, sold plainly where its currency is at home."""
    cart = read_cart(path)
    if not markets:
        law, today = shop.law(), system_clock().date()
        markets = [
            market for market in shop.markets if law.market(market, today).currency == cart.currency
        ][:1]
        if not markets:
            raise UsageError(f"{path}: none of the shop's markets pays in {cart.currency}")
    return [(Story(market, f"{market}: a cart of your own", plain), cart) for market in markets]


def _stories(shop: Shop, markets: Sequence[str]) -> list[tuple[Story, Cart]]:
    """The demo's own sales, in the markets that were asked for or in all it knows."""
    known = {story.market: story for story in STORIES}
    wanted = markets or [market for market in known if market in shop.markets]
    for market in wanted or shop.markets:
        if market not in known:
            raise UsageError(f"the demo has no cart for {market}; give one with --cart")
    folder = examples() / "carts"
    return [(known[market], read_cart(folder / f"{market.lower()}.json")) for market in wanted]


@contextmanager
def _database(kept: Path | Server | None) -> Iterator[Path | Server]:
    """The database: the one to keep, or a file that is gone afterwards."""
    if kept:
        yield kept
    else:
        with tempfile.TemporaryDirectory(prefix="checkoutflow-") as folder:
            yield Path(folder) / "demo.db"


def _tell_kept(database: Path | Server, sales: Iterable[Sale], paper: Paper) -> None:
    """Say where the sales are, and what to type to see them; a password is not repeated."""
    paper.line(f"The sales are kept in {database}. What the journal says of them:\n")
    typed = database.without_password if isinstance(database, Server) else str(database)
    for sale in sales:
        paper.line(f"  checkoutflow show {sale.checkout.id} --db {shlex.quote(typed)}")
    if isinstance(database, Server) and typed != database.url:
        paper.line("\nThe password is left out: write it into the URL, or set PGPASSWORD.")


def _described(database: Path | Server) -> str:
    if isinstance(database, Server):
        return f"{database}, on a server; the keys of its vault are gone when this ends"
    return f"{database}, SQLite, one file for everything"
