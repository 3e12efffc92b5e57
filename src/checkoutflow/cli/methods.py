"""``checkoutflow methods``: the catalogue of ways to pay, as text, as JSON, or as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args

from checkoutflow.cli.paper import columns
from checkoutflow.customer import AREAS
from checkoutflow.errors import UsageError
from checkoutflow.flow.host import system_clock
from checkoutflow.law import Law
from checkoutflow.payment.catalogue import Family, Kind, catalogue, in_currency
from checkoutflow.texts import said

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from checkoutflow.cli.paper import Paper
    from checkoutflow.law import Market
    from checkoutflow.money import Money

_FAMILIES: Final[Mapping[Family, str]] = {
    "card": "Cards",
    "wallet": "Wallets",
    "bank": "Bank payments",
    "invoice": "Invoices",
    "cash": "Cash",
    "instalments": "Instalments",
    "account": "Accounts",
    "direct_debit": "Direct debit",
    "voucher": "Vouchers",
    "none": "Nothing to pay",
}
_TIERS: Final = {"no_credit": "no", "may_include_credit": "may be", "credit": "yes"}


def run(arguments: Namespace, paper: Paper) -> int:
    """Print the kinds, or write the page of all of them into a folder."""
    if arguments.write and arguments.market:
        raise UsageError("the page is about all markets: leave --market or --write out")
    if arguments.write:
        arguments.write.mkdir(parents=True, exist_ok=True)
        for name, content in files().items():
            file = arguments.write / name
            file.write_text(content, encoding="utf-8", newline="\n")
            paper.line(str(file))
        return 0
    market = _market(arguments.market.upper()) if arguments.market else None
    kinds = _kinds(market)
    if arguments.json:
        paper.document({kind.id: _plain(kind) for kind in kinds})
    else:
        _print(kinds, market, paper)
    return 0


def _market(code: str) -> Market:
    if code not in AREAS:
        raise UsageError(f"{code} is not a market: {', '.join(AREAS)}")
    return Law.load().market(code, system_clock().date())


def _kinds(market: Market | None) -> list[Kind]:
    """The kinds that exist in a market, or all, family by family."""
    kinds = catalogue().values()
    return [
        kind
        for family in get_args(Family)
        for kind in kinds
        if kind.family == family
        and (market is None or not kind.markets or market.market in kind.markets)
    ]


def _plain(kind: Kind) -> dict[str, Any]:
    """A kind as plain data. Sets have no order, so they are given one."""
    return {
        name: sorted(value) if isinstance(getattr(kind, name), frozenset) else value
        for name, value in kind.model_dump(mode="json").items()
    }


# On a terminal -----------------------------------------------------------------------------------


def _print(kinds: list[Kind], market: Market | None, paper: Paper) -> None:
    paper.heading("Ways to pay", f"{len(kinds)} kinds{f' in {market.market}' if market else ''}")
    paper.line(
        "What a method's `kind` can be. `credit` says whether choosing it can mean to borrow."
    )
    paper.line("Windows, settlement and costs are for orientation: state those of your agreements.")
    top = ("", "credit", "markets", "window", "settled", "cost")
    currency = market.currency if market else ""
    head, *lines = columns([top, *(_row(kind, currency) for kind in kinds)])
    paper.line(f"\n  {head}")
    family = None
    for kind, line in zip(kinds, lines, strict=True):
        if kind.family != family:
            family = kind.family
            paper.section(_FAMILIES[family])
        paper.line(f"  {line}")
        paper.entry("", f"{_nature(kind)}; {_lender(kind)}", "dim", margin=4)
    paper.line()


def _row(kind: Kind, currency: str) -> tuple[str, ...]:
    fixed = in_currency(kind.cost.fixed, currency)
    return (
        kind.id,
        _TIERS[kind.tier],
        _codes(kind.markets) or "all",
        _window(kind),
        _days(kind.settlement_days),
        _cost(kind, str(fixed or "") if currency else "fixed" * bool(kind.cost.fixed)),
    )


# The words ---------------------------------------------------------------------------------------


def _nature(kind: Kind) -> str:
    """What it is to the law."""
    *others, last = (instrument.replace("_", " ") for instrument in kind.instruments)
    return f"{', '.join(others)} or {last}" if others else last


def _lender(kind: Kind) -> str:
    if kind.financed_by == "nobody":
        return "nobody lends"
    lends = "lends" if kind.tier == "credit" else "may lend"
    return f"the {kind.financed_by} {lends}"


def _days(days: int) -> str:
    return {0: "at once", 1: "1 day"}.get(days, f"{days} days")


def _window(kind: Kind) -> str:
    return "none" if kind.window_days is None else _days(kind.window_days)


def _codes(codes: Collection[str]) -> str:
    """Market or currency codes, markets in the order of the house."""
    order = {code: place for place, code in enumerate(AREAS)}
    return " ".join(sorted(codes, key=lambda code: (order.get(code, len(order)), code)))


def _amounts(amounts: Iterable[Money]) -> str:
    return ", ".join(map(str, amounts))


def _cost(kind: Kind, fixed: str) -> str:
    percent = f"{kind.cost.percent} %" if kind.cost.percent else ""
    return " + ".join(filter(None, (percent, fixed)))


# The page ----------------------------------------------------------------------------------------

_TOP: Final = """\
# Ways to pay

Made by `checkoutflow methods --write docs/reference` from the catalogue that the library itself
uses; a test compares.

A method of the shop says what it is by naming its `kind`. Where it says nothing, its kind is what
its `id` says:

```toml
[[methods]]
id = "vipps" # is of the kind vipps
provider = "vipps_mobilepay"

[[methods]]
id = "invoice"
kind = "own_invoice_30"

[[methods]]
id = "card"
provider = "quickpay"
settlement_days = 2
cost = { percent = "1.25", fixed = ["0.50 DKK"] }
```

From its kind a method has its name in seven languages, the law that holds for it, and its limits.
What the shop states itself goes before that: windows, settlement and costs depend on agreements,
and those of the catalogue are for orientation only. They are general knowledge where no source is
named, on the dear and late side. A fee "at cost" is never reckoned from them.

What the catalogue lacks, a shop adds in the same form, for instance instalments that it gives
itself:

```toml
[[kinds]]
id = "own_instalments_6"
name = { sv = "Delbetalning hos oss, 6 månader", en = "Pay us over 6 months" }
family = "instalments"
instruments = ["invoice"]
tier = "credit"
financed_by = "shop"
customers = ["consumer"]
age_limit = 18
not_for = ["gift_card"]
settlement_days = 110 # on average
months = 6
details = ["name", "email", "street", "postal_code", "city"]

[[methods]]
id = "own_instalments_6"
creditor = "My shop"
```

A kind of the shop with an id of the catalogue stands in its place. A total of zero needs no way
to pay; `zero` is for pages that want to show one.

"""

_WHAT: Final = """\
## What they are

*Credit* says whether choosing it can mean to borrow. Several words under *to the law* mean that
it may turn out to be one or the other; the strictest rule for any of them holds. The words are
those of the rules on fees.
"""
_FIGURES: Final = """\
## Where, and on what terms

The *window* is for how many days after the authorisation a capture is sure; "at once" means that
the money is taken with the order, "none" that nothing is reserved with anyone else. *Settled* is
from the capture until the shop has the money. *Parts* says whether less than the whole can be
captured, and the rest later. The *bill* is what issuing and sending one costs, *lost* what is
expected never to come.
"""
_ASKED: Final = """\
## What they ask for

Contact fields, and what else is asked for to know who pays. A *mandate* allows payments later on.
An age limit holds where the age is known.
"""
_SOURCES: Final = """\
## Where this is from

The confidence is about what a kind is, where it exists and how long its window is.
"""


def files() -> dict[str, str]:
    """The page, by file name."""
    kinds = _kinds(None)
    parts = [
        _TOP + _WHAT,
        *_table(kinds, "kind | name | to the law | credit | who lends | customers", _what),
        f"\n{_FIGURES}",
        *_table(
            kinds,
            "kind | markets | currencies | amounts | window | parts | settled | due | cost | bill "
            "| lost",
            _figures,
        ),
        f"\n{_ASKED}",
        *_table(kinds, "kind | contact fields | identity | age | mandate | not for", _asked),
        f"\n{_SOURCES}",
        *_table(kinds, "kind | source | read on | confidence | note", _source),
        "",
    ]
    return {"methods.md": "\n".join(parts)}


def _table(kinds: list[Kind], head: str, cells: Callable[[Kind], tuple[str, ...]]) -> Iterator[str]:
    yield f"| {head} |"
    yield "|---" * (head.count("|") + 1) + "|"
    for kind in kinds:
        yield f"| {' | '.join((f'`{kind.id}`', *cells(kind)))} |"


def _what(kind: Kind) -> tuple[str, ...]:
    return (
        said(kind.name, "en"),
        _nature(kind) + (" (four-party scheme)" if kind.four_party else ""),
        _TIERS[kind.tier],
        "" if kind.financed_by == "nobody" else kind.financed_by,
        " ".join(sorted(kind.customers, reverse=True)),
    )


def _figures(kind: Kind) -> tuple[str, ...]:
    least, most = _amounts(kind.minimum), _amounts(kind.maximum)
    limits = (f"from {least}" if least else "", f"to {most}" if most else "")
    due = f"after {_days(kind.days)}" if kind.days else ""
    return (
        _codes(kind.markets) or "all",
        _codes(kind.currencies) or "all",
        " ".join(filter(None, limits)),
        _window(kind),
        "yes" if kind.partial_capture else "no",
        _days(kind.settlement_days),
        f"{kind.months} times, monthly" if kind.months else due,
        _cost(kind, _amounts(kind.cost.fixed)),
        _amounts(kind.cost.billing),
        f"{kind.cost.loss_percent} %" if kind.cost.loss_percent else "",
    )


def _asked(kind: Kind) -> tuple[str, ...]:
    return (
        " ".join(f"`{name}`" for name in kind.details),
        ", ".join(sorted(kind.identity)).replace("_", " "),
        f"{kind.age_limit}" if kind.age_limit else "",
        "yes" if kind.is_repeatable else "",
        ", ".join(sorted(kind.not_for)).replace("_", " "),
    )


def _source(kind: Kind) -> tuple[str, ...]:
    return (kind.source, str(kind.read_on), kind.confidence, kind.note)
