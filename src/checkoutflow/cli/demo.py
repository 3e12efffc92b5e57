"""``checkoutflow demo``: whole sales, on a real database file and over real HTTP on loopback."""

from __future__ import annotations

import shlex
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from checkoutflow.cli.files import examples, read_cart, read_shop
from checkoutflow.cli.stage import BANK, open_stage
from checkoutflow.cli.stories import STORIES, Story, plain, play
from checkoutflow.cli.transcript import as_json, tell
from checkoutflow.errors import UsageError
from checkoutflow.flow.host import system_clock
from checkoutflow.testing.bank import METHODS

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator, Sequence

    from checkoutflow.cart import Cart
    from checkoutflow.cli.paper import Paper
    from checkoutflow.cli.stories import Sale
    from checkoutflow.shop import Shop


def run(arguments: Namespace, paper: Paper) -> int:
    """Play the sales; 1 if the bank's books and ours differ after one of them."""
    shop = _shop(arguments.shop)
    markets = tuple(dict.fromkeys(market.upper() for market in arguments.market))
    for market in markets:
        if market not in shop.markets:
            raise UsageError(f"{market} is not a market of the shop: {', '.join(shop.markets)}")
    plan = _own_cart(shop, markets, arguments.cart) if arguments.cart else _stories(shop, markets)
    sales: list[Sale] = []
    with _database(arguments.db) as database, open_stage(shop, database, system_clock) as stage:
        if not arguments.json:
            paper.entry("database", f"{database}, SQLite, one file for everything")
            paper.entry("bank", f"{stage.bank_url}, simulated, reached over HTTP")
            paper.entry("shop", f"{stage.shop_url}, takes the bank's notices over HTTP")
            paper.line()
        for story, cart in plan:
            sales.append(play(stage, story, cart))
            if not arguments.json:
                tell(sales[-1], paper)
    if arguments.json:
        kept = arguments.db and str(arguments.db)
        paper.document({"sales": [as_json(sale) for sale in sales], "database": kept})
    elif arguments.db:
        paper.line(f"The sales are kept in {arguments.db}. What the journal says of them:\n")
        file = shlex.quote(str(arguments.db))
        for sale in sales:
            paper.line(f"  checkoutflow show {sale.checkout.id} --db {file}")
    else:
        paper.line("Keep the database with --db FILE; sell a cart of your own with --cart FILE.")
    return 0 if all(sale.is_agreed for sale in sales) else 1


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
def _database(kept: Path | None) -> Iterator[Path]:
    """The database file: the one to keep, or one that is gone afterwards."""
    if kept:
        yield kept
    else:
        with tempfile.TemporaryDirectory(prefix="checkoutflow-") as folder:
            yield Path(folder) / "demo.db"
