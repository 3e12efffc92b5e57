"""``checkoutflow steer``: what each way to pay costs the shop, and what the planner proposes."""

from __future__ import annotations

from datetime import UTC, datetime, time
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from checkoutflow.cart import Cart
from checkoutflow.choice.planner import plan
from checkoutflow.choice.rules import Rules
from checkoutflow.choice.situation import Situation
from checkoutflow.cli.files import read_cart, read_shop
from checkoutflow.cli.paper import columns
from checkoutflow.errors import InvalidInput, UsageError
from checkoutflow.flow.host import system_clock
from checkoutflow.money import Money, Rounding, divide

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from checkoutflow.choice.costs import Part, TrueCost
    from checkoutflow.choice.planner import Obstacle, Proposal, Prospect, Sums
    from checkoutflow.choice.words import Explanation
    from checkoutflow.cli.paper import Paper

_PARTS: Final[tuple[Part, ...]] = ("use", "billing", "waiting", "loss")
_MARGIN: Final = 20

_OBSTACLES: Final[Mapping[Obstacle, str]] = {
    "nothing": "no way to pay is offered here.",
    "step": "{best} saves less than {step}, the smallest step.",
    "budget": "the budget, {budget} on one order, is less than {step}, the smallest step.",
    "law": "the law does not let {best} cost the customer less than all else.",
    "own_rules": "by the shop's own rules something else costs the customer no more than {best}, "
    "and the budget is not enough to change that.",
}


def run(arguments: Namespace, paper: Paper) -> int:
    """Print what the planner proposes."""
    shop = read_shop(arguments.shop)
    market = arguments.market.upper()
    if market not in shop.markets:
        raise UsageError(f"{market} is not a market of the shop: {', '.join(shop.markets)}")
    cart = read_cart(arguments.cart) if arguments.cart else _cart(arguments.amount)
    day = arguments.date or system_clock().date()
    s = Situation(
        cart=cart,
        market=market,
        at=datetime.combine(day, time(12), UTC),
        customer=arguments.customer,
    )
    proposal = plan(
        Rules(shop, shop.law()),
        s,
        ship_days=arguments.ship_days,
        budget=_money("--budget", arguments.budget) if arguments.budget else None,
        shares=dict(map(_share, arguments.share)) if arguments.share else None,
        with_fees=arguments.with_fees,
    )
    if arguments.json:
        paper.document({"market": market, "date": str(day), **_document(proposal)})
    else:
        aside = f"{market}, {s.customer}, {proposal.amount}, {day}"
        paper.heading("What a payment costs the shop", aside)
        _print(proposal, arguments, paper)
    return 0


def _money(option: str, text: str) -> Money:
    try:
        return Money.read(text)
    except InvalidInput as error:
        raise UsageError(f"{option}: {error.problems[0][1]}") from None


def _cart(amount: str) -> Cart:
    """A cart that is worth the amount, VAT included."""
    price = _money("--amount", amount)
    line = {"sku": "-", "name": "-", "quantity": 1, "unit_price": price}
    try:
        return Cart.read({"lines": [line]})
    except InvalidInput as error:
        raise UsageError(f"--amount: {error.problems[0][1]}") from None


def _share(text: str) -> tuple[str, Decimal]:
    way, _, share = text.partition("=")
    try:
        return way, Decimal(share)
    except InvalidOperation:
        raise UsageError("--share: write it like dankort=60") from None


# On a terminal -----------------------------------------------------------------------------------


def _print(proposal: Proposal, arguments: Namespace, paper: Paper) -> None:
    if proposal.prospects:
        _print_costs(proposal, paper)
        _print_prices(proposal, paper)
    paper.line()
    paper.entry("", _verdict(proposal), "green" if proposal.is_aligned else "red", margin=0)
    if proposal.changes:
        paper.section("What the law takes away")
    for changes in _by_rule(proposal.changes):
        for change in changes:
            paper.entry(change.about, change.text(), margin=_MARGIN)
        paper.entry("", _law(changes[0]), "dim", margin=_MARGIN)
    if proposal.sums:
        paper.section("What payment costs for each order, on average")
        for label, text in _sums(proposal, proposal.sums):
            paper.entry(label, text, margin=_MARGIN)
        if not arguments.budget:
            text = f"{proposal.budget}, half of what could be saved: give yours with --budget"
            paper.entry("budget", text, margin=_MARGIN)
        if not arguments.share:
            text = "the same for all, for want of better: give yours with --share"
            paper.entry("shares", text, margin=_MARGIN)
    if proposal.rules:
        paper.section("To add at the end of the shop's settings")
        paper.line(f"\n{proposal.toml()}")
    else:
        paper.line()


def _print_costs(proposal: Proposal, paper: Paper) -> None:
    rows = [(f"in {proposal.amount.currency}", *_PARTS, "in all")]
    for each in proposal.prospects:
        parts = (_part(each.cost, part) for part in _PARTS)
        rows.append((each.way.id, *parts, _plain(each.cost.total)))
    paper.line()
    for line in columns(rows, right=range(1, 6)):
        paper.line(f"  {line}")
    if any("~" in cell for row in rows for cell in row):
        note = "the catalogue's, for orientation: state your own under cost and settlement_days"
        paper.entry("~", note, "dim", margin=3)


def _part(cost: TrueCost, part: Part) -> str:
    amount: Money = getattr(cost, part)
    return f"{'~' if part in cost.estimated else ''}{_plain(amount)}" if amount.minor else ""


def _print_prices(proposal: Proposal, paper: Paper) -> None:
    rows = [("", "share", "customer now", "then", "shop now", "then")]
    rows += [
        (
            each.way.id,
            f"{_percent(each)} %",
            _signed(each.price_now),
            _signed(each.price_then),
            _plain(each.net_now),
            _plain(each.net_then),
        )
        for each in proposal.prospects
    ]
    paper.section("What choosing it costs the customer, and then the shop")
    for line in columns(rows, right=range(1, 6)):
        paper.line(f"  {line}")


def _plain(amount: Money) -> str:
    return str(amount.decimal())


def _signed(amount: Money) -> str:
    """A fee with its plus, a discount with its minus."""
    return f"{'+' if amount.minor > 0 else ''}{_plain(amount)}"


def _percent(prospect: Prospect) -> Decimal:
    numerator, denominator = prospect.share.as_integer_ratio()
    return Decimal(divide(1000 * numerator, denominator, Rounding.HALF_UP)).scaleb(-1)


def _verdict(proposal: Proposal) -> str:
    """Whether the aim is met, in a sentence."""
    best = proposal.prospects[0].way.id if proposal.prospects else ""
    if proposal.obstacle is not None:
        why = _OBSTACLES[proposal.obstacle]
        why = why.format(best=best, budget=proposal.budget, step=proposal.step)
        return f"Nothing is proposed: {why}"
    if not proposal.rules:
        return "Nothing to steer: the customer's cheapest choice is the shop's cheapest already."
    return f"With the rules below the customer's cheapest choice is the shop's cheapest, {best}."


def _by_rule(changes: Sequence[Explanation]) -> Iterable[list[Explanation]]:
    """What each rule changed."""
    found: dict[int, list[Explanation]] = {}
    for change in changes:
        found.setdefault(id(change.law), []).append(change)
    return found.values()


def _law(change: Explanation) -> str:
    """The rule behind a change, and where it is from."""
    if change.law is None:
        return change.statement
    statement = change.statement.removeprefix(f"{change.law.market}: ")
    whose = "; the shop's own rule" if change.law.origin == "shop" else ""
    return f"{change.rule}: {statement}; since {change.since}, {change.source}{whose}"


def _sums(proposal: Proposal, sums: Sums) -> Iterator[tuple[str, str]]:
    """The averages with what they mean, label and text."""
    best = proposal.prospects[0].way.id
    yield "today", str(sums.now)
    if proposal.rules:
        yield "if nobody moves", f"{sums.if_nobody_moves}: what is given away has no effect"
    yield "if all move", f"{sums.if_all_move}: everybody pays with {best}"
    if not proposal.rules:
        return
    percent = sums.break_even_percent
    if percent is None:
        yield "breaks even", "never: it gives away more than it can save; lower the budget"
    elif percent:
        yield "breaks even", f"when {percent} % of those who pay otherwise today move"
    else:
        yield "breaks even", "at once, even if nobody moves"
    yield "gives away", f"at most {proposal.largest_discount} of {proposal.budget} on one order"


# As JSON ------------------------------------------------------------------------------------------


def _document(proposal: Proposal) -> dict[str, object]:
    sums = proposal.sums
    return {
        "amount": _money_of(proposal.amount),
        "budget": _money_of(proposal.budget),
        "step": _money_of(proposal.step),
        "is_aligned": proposal.is_aligned,
        "obstacle": proposal.obstacle,
        "ways": [_way(each) for each in proposal.prospects],
        "law": [
            {
                "about": change.about,
                "change": change.change,
                "asked": change.asked and _money_of(change.asked),
                "given": change.given and _money_of(change.given),
                "text": change.text(),
                "rule": change.rule or None,
                "statement": change.statement,
                "source": change.source,
                "since": change.since and str(change.since),
                "origin": change.law and change.law.origin,
            }
            for change in proposal.changes
        ],
        "sums": sums
        and {
            "now": _money_of(sums.now),
            "if_nobody_moves": _money_of(sums.if_nobody_moves),
            "if_all_move": _money_of(sums.if_all_move),
            "break_even_percent": sums.break_even_percent and str(sums.break_even_percent),
            "largest_discount": _money_of(proposal.largest_discount),
        },
        "toml": proposal.toml(),
    }


def _way(prospect: Prospect) -> dict[str, object]:
    cost = prospect.cost
    return {
        "id": prospect.way.id,
        "share_percent": str(_percent(prospect)),
        "cost": {
            "use": _money_of(cost.use),
            "billing": _money_of(cost.billing),
            "waiting": _money_of(cost.waiting),
            "loss": _money_of(cost.loss),
            "total": _money_of(cost.total),
            "estimated": sorted(cost.estimated),
        },
        "price_now": _money_of(prospect.price_now),
        "price_then": _money_of(prospect.price_then),
        "net_now": _money_of(prospect.net_now),
        "net_then": _money_of(prospect.net_then),
    }


def _money_of(amount: Money) -> dict[str, int | str]:
    return {"minor": amount.minor, "currency": amount.currency}
