"""``checkoutflow options``: what customers may choose from, and what the law changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from checkoutflow.choice.options import with_only_delivery
from checkoutflow.choice.rules import Rules
from checkoutflow.choice.situation import Situation, holds
from checkoutflow.choice.variants import arms_of
from checkoutflow.cli.files import examples, read_cart, read_shop
from checkoutflow.cli.paper import TIMES, columns, padded
from checkoutflow.customer import clean
from checkoutflow.errors import UsageError
from checkoutflow.flow.host import system_clock
from checkoutflow.law import EVERYWHERE
from checkoutflow.texts import language_of, locale_of, percent_text, said

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from checkoutflow.cart import Cart
    from checkoutflow.choice.offers import CreditOffer, DeliveryOption, Options, PaymentOption
    from checkoutflow.choice.words import Explanation, Refusal
    from checkoutflow.cli.paper import Paper
    from checkoutflow.law.choice import Tier
    from checkoutflow.shop import Shop

_TIERS: Final[Mapping[Tier, str]] = {
    "no_credit": "",
    "may_include_credit": "may be credit",
    "credit": "credit",
}
_MINUS: Final = "\N{MINUS SIGN}"
_NO: Final = "\N{EN DASH}"
_CHANGED: Final = "*"
# Columns: the longest name of something, the longest id in the overview, the ids at the left.
_NAME: Final = 36
_ID: Final = 22
_MARGIN: Final = 16
# How many markets stand side by side.
_ABREAST: Final = 5


@dataclass(frozen=True, slots=True)
class Page:
    """What customers in one market are offered for one cart.

    Attributes:
        file: Where the cart is from.
        locale: Of the words and amounts for the customer.
        found: What is offered, with the delivery in ``s`` as the chosen one.
        refusal: Why the delivery that was asked for is not chosen; None if it is.
        button: What the order button says.
        button_on_credit: What it says for regulated credit; empty where none is offered.
    """

    rules: Rules
    file: Path
    locale: str
    s: Situation
    found: Options
    refusal: Refusal | None
    button: str
    button_on_credit: str

    def steering(self, *, held: bool) -> list[str]:
        """The shop's rules whose conditions hold, or do not."""
        return [rule.id for rule in self.rules.shop.steering if holds(rule.when, self.s) is held]


class Row(NamedTuple):
    """Something to choose: cells that stand in columns, and what stands below them."""

    cells: tuple[str, ...]
    notes: list[str]


def run(arguments: Namespace, paper: Paper) -> int:
    """Print what is offered, for each market and cart that go together."""
    shop = read_shop(arguments.shop or examples() / "steering.toml")
    at = system_clock()
    if arguments.date:
        at = datetime.combine(arguments.date, time(12), UTC)
    pages = list(_pages(arguments, Rules(shop, shop.law()), at))
    if arguments.json:
        paper.document({"date": str(at.date()), "pages": [_plain(page) for page in pages]})
        return 0
    if len(pages) > 1:
        for start in range(0, len(pages), _ABREAST):
            _print_overview(pages[start : start + _ABREAST], paper)
    for page in pages:
        _print_page(page, paper, explain=arguments.explain)
    return 0


# What was typed ----------------------------------------------------------------------------------


def _pages(arguments: Namespace, rules: Rules, at: datetime) -> Iterator[Page]:
    """One page for each cart of each market: in the market's own currency."""
    files = arguments.cart or sorted((examples() / "carts").glob("*.json"))
    carts = [(file, read_cart(file)) for file in files]
    for file, cart in carts:
        if arguments.customer == "consumer" and not cart.prices_include_vat:
            raise UsageError(f"{file}: its prices are without VAT: add --customer business")
    sold = [
        (market, file, cart)
        for market in _markets(arguments.market, rules.shop)
        for file, cart in _in_currency(carts, market, rules, at, is_asked=bool(arguments.market))
    ]
    if not sold:
        raise UsageError(f"none of the shop's markets pays in {carts[0][1].currency}")
    if arguments.postal_code and len({market for market, _, _ in sold}) > 1:
        raise UsageError("a postal code is of one country: name it with --market")
    for market, file, cart in sold:
        yield _page(arguments, rules, at, market, file, cart)


def _markets(asked: Sequence[str], shop: Shop) -> Sequence[str]:
    markets = list(dict.fromkeys(market.upper() for market in asked))
    for market in markets:
        if market not in shop.markets:
            raise UsageError(f"{market} is not a market of the shop: {', '.join(shop.markets)}")
    return markets or shop.markets


def _in_currency(
    carts: Sequence[tuple[Path, Cart]], market: str, rules: Rules, at: datetime, *, is_asked: bool
) -> list[tuple[Path, Cart]]:
    currency = rules.law.market(market, at.date()).currency
    fitting = [(file, cart) for file, cart in carts if cart.currency == currency]
    if is_asked and not fitting:
        raise UsageError(f"{market} pays in {currency}, and so does no cart: give one with --cart")
    return fitting


def _page(
    arguments: Namespace, rules: Rules, at: datetime, market: str, file: Path, cart: Cart
) -> Page:
    shop = rules.shop
    if arguments.delivery and shop.delivery(arguments.delivery) is None:
        known = ", ".join(delivery.id for delivery in shop.deliveries)
        raise UsageError(f"{arguments.delivery} is not a delivery of the shop: {known}")
    areas: tuple[str, ...] = ()
    if arguments.postal_code:
        cleaned = clean({"postal_code": arguments.postal_code}, market=market)
        areas = shop.areas_of(market, cleaned["postal_code"])
    s = Situation(
        cart=cart,
        market=market,
        at=at,
        customer=arguments.customer,
        age=arguments.age,
        areas=frozenset(areas),
        delivery=arguments.delivery,
        arms=_arms(arguments, shop, market),
    )
    asked = s.delivery
    s, found = with_only_delivery(rules, s)
    refusal = found.refusal(asked)
    locale = locale_of(arguments.locale or rules.law.market(market, s.on).locales[0])
    button = rules.button_words(language_of(locale), s.on)
    is_regulated = any(option.credit and option.credit.is_regulated for option in found.payments)
    return Page(
        rules=rules,
        file=file,
        locale=locale,
        s=s,
        found=found,
        refusal=refusal,
        button=button.short[0] if shop.order_button == "short" else button.strict,
        button_on_credit=button.on_credit if is_regulated else "",
    )


def _arms(arguments: Namespace, shop: Shop, market: str) -> dict[str, str]:
    """The arms of a checkout, or those that were asked for, of experiments in this market."""
    if arguments.checkout:
        return arms_of(shop.experiments, arguments.checkout, market)
    known = {f"{test.id}:{arm}": test for test in shop.experiments for arm in test.arms}
    arms: dict[str, str] = {}
    for name in arguments.arm:
        if name not in known:
            raise UsageError(f"{name} is not an arm: {', '.join(known) or 'the shop has none'}")
        test = known[name]
        if not test.markets or market in test.markets:
            arms[test.id] = name.partition(":")[2]
    return arms


# In the terminal ---------------------------------------------------------------------------------


def _print_overview(pages: Sequence[Page], paper: Paper) -> None:
    """Print what choosing each thing costs, markets side by side."""
    shop, on = pages[0].rules.shop, pages[0].s.on
    paper.heading("What a choice costs the customer, market by market", f"on {on}")
    rows = [
        ["", *(f"{page.s.market} {page.s.currency}" for page in pages)],
        ["goods", *(f"{page.s.cart.worth.decimal()}" for page in pages)],
        *(
            [delivery.id, *(_price(page, delivery.id) for page in pages)]
            for delivery in shop.deliveries
        ),
        *([method.id, *(_effect(page, method.id) for page in pages)] for method in shop.methods),
    ]
    rows = [[padded(row[0], min(len(row[0]), _ID)), *row[1:]] for row in rows]
    for line in columns(rows, right=range(1, len(pages) + 1)):
        paper.line(f"  {line}")
    paper.entry("", f"{_CHANGED} the law changed it   {_NO} not offered", "dim", margin=0)
    paper.line()


def _price(page: Page, delivery_id: str) -> str:
    option = page.found.delivery(delivery_id)
    return f"{option.price.decimal()} " if option else f"{_NO} "


def _effect(page: Page, method_id: str) -> str:
    option = page.found.payment(method_id)
    if option is None:
        is_voucher = any(way.id == method_id for way in page.found.vouchers)
        return "0 " if is_voucher else f"{_NO} "
    net = option.fee - option.discount
    sign = "+" if net.minor > 0 else _MINUS if net.minor < 0 else ""
    is_cut = any(change.asked for change in page.found.about(method_id))
    return f"{sign}{abs(net.decimal())}{_CHANGED if is_cut else ' '}"


def _mark(page: Page, thing_id: str) -> str:
    return _CHANGED if page.found.about(thing_id) else " "


def _print_page(page: Page, paper: Paper, *, explain: bool) -> None:
    """Print what the customer is shown; with ``explain``, what the shop should know as well."""
    s, found = page.s, page.found
    paper.heading(f"{s.market}, {page.file.name}", f"{page.locale} · {s.customer} · {s.on}")
    paper.entry("", "; ".join(_known(page)), "dim", margin=0)
    sent = [_delivery_row(page, option) for option in found.deliveries]
    paid = [_payment_row(page, option) for option in found.payments]
    lines = iter(columns([row.cells for row in (*sent, *paid)], right={2, 3}))
    paper.section("Delivery")
    _print_rows(sent, lines, paper)
    if page.refusal:
        paper.entry("", f"{page.refusal.id}: {page.refusal.text()}", "red", margin=0)
    paper.section(_payment_title(page))
    _print_rows(paid, lines, paper)
    if found.vouchers:
        names = ", ".join(said(way.name, page.locale) for way in found.vouchers)
        paper.entry("", f"for a part of it: {names}", "cyan", margin=0)
    paper.line()
    for button in filter(None, (page.button, page.button_on_credit)):
        paper.entry("", f"[ {button} ]", "cyan", "bold", margin=0)
    if explain:
        _explain(page, paper)
    elif changed := _counted(page):
        paper.entry("", f"{changed}; --explain says why", "dim", margin=0)
    paper.line()


def _print_rows(rows: Sequence[Row], lines: Iterator[str], paper: Paper) -> None:
    for row in rows:
        paper.entry("", next(lines), "cyan", margin=0)
        for note in row.notes:
            paper.entry("", note, "dim", margin=2)
    if not rows:
        paper.entry("", "Nothing is offered.", margin=0)


def _known(page: Page) -> Iterator[str]:
    """What the offer depends on, beside market, day and kind of customer."""
    s = page.s
    yield f"goods {s.cart.worth.format(page.locale)}"
    if s.weight_g:
        yield f"{s.weight_g} g"
    if s.age is not None:
        yield f"{s.age} years old"
    if s.areas:
        yield f"lives in {', '.join(sorted(s.areas))}"
    yield from (f"{test}:{arm}" for test, arm in s.arms.items())


def _payment_title(page: Page) -> str:
    chosen = page.found.delivery(page.s.delivery)
    if chosen is None:
        return "Payment, without delivery" if page.s.is_sent else "Payment"
    return f"Payment, with {said(chosen.delivery.name, page.locale)}"


def _counted(page: Page) -> str:
    counts = (
        (len(page.found.explanations), "changed by law"),
        (len(page.found.refused), "not offered"),
    )
    return ", ".join(f"{count} {what}" for count, what in counts if count)


def _named(name: str, *, is_chosen: bool) -> str:
    return padded(f"{'●' if is_chosen else '○'} {name}", _NAME).rstrip()


def _delivery_row(page: Page, option: DeliveryOption) -> Row:
    is_chosen = option.id == page.s.delivery or (not page.s.delivery and option.is_preselected)
    name = _named(said(option.delivery.name, page.locale), is_chosen=is_chosen)
    price, total = (amount.format(page.locale) for amount in (option.price, option.total))
    notes = [f"“{said(option.recommendation, page.locale)}”"] if option.recommendation else []
    return Row((name, "", price, total, _mark(page, option.id)), notes)


def _payment_row(page: Page, option: PaymentOption) -> Row:
    name = _named(said(option.way.name, page.locale), is_chosen=option.is_preselected)
    effects = [
        f"{sign}{amount.format(page.locale)}"
        for sign, amount in (("+", option.fee), (_MINUS, option.discount))
        if amount.minor
    ]
    total = option.total.format(page.locale)
    notes = [f"“{words}”" for words in _texts(option, page.locale)]
    if option.credit:
        notes.append(_credit(option.credit, page.locale))
    tier = _TIERS[option.way.tier]
    return Row((name, tier, " ".join(effects), total, _mark(page, option.id)), notes)


def _texts(option: PaymentOption, locale: str) -> list[str]:
    """The shop's own words beside a way to pay: recommending it, naming its fee or discount."""
    texts = (
        option.recommendation,
        option.wish.fee_label if option.fee.minor else None,
        option.wish.discount_label if option.discount.minor else None,
    )
    return [said(text, locale) for text in texts if text]


def _credit(offer: CreditOffer, locale: str) -> str:
    """What it means as a credit, in a line."""
    plan, apr = offer.plan, f"APR {percent_text(offer.shown_apr, locale, decimals=1)}"
    total_payable = offer.total_payable.format(locale)
    if plan is None:
        facts = [f"{total_payable} by {offer.due}", apr]
    else:
        facts = [
            f"{offer.payments} {TIMES} {plan.regular_payment.format(locale)} from {offer.due}",
            f"interest {percent_text(plan.nominal_percent, locale)}, {apr}",
            f"in all {total_payable}",
        ]
    if offer.classification:
        facts.append(_spaced(offer.classification.word))
    if offer.needs_consent:
        facts.append("needs consent")
    return f"{offer.creditor}: {'; '.join(facts)}"


def _spaced(code: str) -> str:
    return code.replace("_", " ")


# Why ---------------------------------------------------------------------------------------------


def _explain(page: Page, paper: Paper) -> None:
    """Print what the law changed, what is not offered, and which rules of the shop hold."""
    if page.found.explanations:
        paper.section("What the law changed")
    for changes in _by_rule(page.found.explanations):
        for change in changes:
            paper.entry(change.about or "order", change.text(), margin=_MARGIN)
        paper.entry("", _law(changes[0], page.s.market), "dim", margin=_MARGIN)
    if page.found.refused:
        paper.section("Not offered")
    for refusal in page.found.refused:
        paper.entry(refusal.id, refusal.text(), margin=_MARGIN)
    if page.rules.shop.steering:
        paper.section("The shop's rules")
    for label, held in (("hold here", True), ("do not", False)):
        if names := ", ".join(page.steering(held=held)):
            paper.entry(label, names, margin=_MARGIN)


def _by_rule(explanations: Sequence[Explanation]) -> Iterable[list[Explanation]]:
    """What each rule changed, in the order in which rules first changed something."""
    found: dict[int, list[Explanation]] = {}
    for item in explanations:
        found.setdefault(id(item.law), []).append(item)
    return found.values()


def _law(change: Explanation, market: str) -> str:
    """The rule behind a change, and where it is from."""
    law = change.law
    if law is None:
        return change.statement
    statement = law.statement().removeprefix(f"{market}: ").removeprefix(f"{EVERYWHERE}: ")
    whose = "; the shop's own rule" if law.origin == "shop" else ""
    return f"{law.called}: {statement}; since {law.valid_from}, {law.source}{whose}"


# As JSON -----------------------------------------------------------------------------------------


def _plain(page: Page) -> dict[str, Any]:
    """A page as plain data: codes, and amounts in minor units of its currency."""
    s, found = page.s, page.found
    return {
        "market": s.market,
        "currency": s.currency,
        "locale": page.locale,
        "cart": str(page.file),
        "customer": s.customer,
        "age": s.age,
        "areas": sorted(s.areas),
        "arms": dict(s.arms),
        "goods": s.cart.worth.minor,
        "weight_g": s.weight_g,
        "delivery": s.delivery or None,
        "deliveries": [
            {
                "id": option.id,
                "name": said(option.delivery.name, page.locale),
                "words": [said(option.recommendation, page.locale)]
                if option.recommendation
                else [],
                "price": option.price.minor,
                "total": option.total.minor,
                "is_preselected": option.is_preselected,
            }
            for option in found.deliveries
        ],
        "payments": [
            {
                "id": option.id,
                "name": said(option.way.name, page.locale),
                "words": _texts(option, page.locale),
                "tier": option.way.tier,
                "fee": option.fee.minor,
                "discount": option.discount.minor,
                "total": option.total.minor,
                "is_preselected": option.is_preselected,
                "credit": _plain_credit(option.credit) if option.credit else None,
            }
            for option in found.payments
        ],
        "vouchers": [{"id": way.id, "name": said(way.name, page.locale)} for way in found.vouchers],
        "button": page.button,
        "button_on_credit": page.button_on_credit or None,
        "changed": [
            {
                "about": change.about or None,
                "change": change.change,
                "asked": change.asked and change.asked.minor,
                "given": change.given and change.given.minor,
                "text": change.text(),
                "rule": change.rule or None,
                "statement": change.statement,
                "source": change.source,
                "since": change.since and str(change.since),
                "origin": change.law and change.law.origin,
            }
            for change in found.explanations
        ],
        "refused": [
            {
                "id": refusal.id,
                "code": refusal.code,
                "facts": {name: str(fact) for name, fact in refusal.facts.items()},
                "text": refusal.text(),
                "rule": refusal.rule and refusal.rule.called,
            }
            for refusal in found.refused
        ],
        "steering": {"held": page.steering(held=True), "not_held": page.steering(held=False)},
    }


def _plain_credit(offer: CreditOffer) -> dict[str, Any]:
    plan = offer.plan
    return {
        "creditor": offer.creditor,
        "classification": offer.classification.word if offer.classification else None,
        "duties": list(offer.duties),
        "needs_consent": offer.needs_consent,
        "credit": offer.credit.minor,
        "due": str(offer.due),
        "payments": offer.payments,
        "payment": (plan.regular_payment if plan else offer.total_payable).minor,
        "last_payment": (plan.last_payment if plan else offer.total_payable).minor,
        "total_payable": offer.total_payable.minor,
        "cost": offer.cost.minor,
        "nominal_percent": str(plan.nominal_percent if plan else 0),
        "apr": str(offer.shown_apr),
    }
