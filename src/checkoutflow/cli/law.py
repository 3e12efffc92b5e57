"""``checkoutflow law``: what the law of each country allows on a day, and where that is written."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar, get_args

from checkoutflow.cli.paper import columns
from checkoutflow.flow.host import system_clock
from checkoutflow.law import EVERYWHERE, Law, Rows, Rule
from checkoutflow.law.choice import (
    ButtonWords,
    Customer,
    DiscountRule,
    FeeLimit,
    FeeRule,
    Instrument,
    PresentationRule,
    in_words,
)
from checkoutflow.payment.fees import FeeVerdict, fee_limit
from checkoutflow.texts import language_of

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from checkoutflow.cli.paper import Paper
    from checkoutflow.law import Market

R = TypeVar("R", bound=Rule)

PAGE: Final = "what-each-country-allows.md"

# Rows that say nothing about what is allowed: rates, currencies, days, terms of contracts.
_OTHER: Final = frozenset({"vat", "market", "banking_day", "window"})
# What is shown, by the name its rows have in the tables. A new kind of rule is in it by itself.
KINDS: Final[Mapping[str, type[Rule]]] = MappingProxyType(
    {
        name: get_args(field.annotation)[0]
        for name, field in Rows.model_fields.items()
        if name not in _OTHER
    }
)
WAYS: Final[tuple[Instrument, ...]] = tuple(way for way in get_args(Instrument) if way != "unknown")

_LIMITS: Final[Mapping[FeeLimit, tuple[str, str]]] = MappingProxyType(
    {
        "nothing": ("no fee", "a fee is forbidden"),
        "cost": ("cost", "at most what the payment costs the shop, as the shop itself states"),
        "cost_of_billing": ("billing", "at most what issuing and sending the bill costs the shop"),
        "agreed": ("agreed", "what was agreed and is in the total that the customer is shown"),
    }
)
_BESIDE: Final = ("+free", "only if a way to pay in general use is free beside it")
_UNKNOWN: Final = ("–", "no rule is known, so there is no fee")  # noqa: RUF001 -- a dash, not a minus
_OF_WHOM: Final = ("a / b", "for a consumer / for a business; otherwise it is the same for both")


@dataclass(frozen=True, slots=True)
class Day:
    """The law on a day, and the markets to be shown."""

    law: Law
    on: date
    markets: tuple[Market, ...]

    def rules(self, kind: type[R], market: str) -> tuple[R, ...]:
        """The rules of a kind that hold in a market, without those for every market."""
        return self.law.rules_of(kind, market, self.on)

    def is_known(self, market: str) -> bool:
        """Whether anything is known of the market's own law."""
        return any(self.rules(kind, market) for kind in KINDS.values())

    def fees(self, market: str, way: Instrument) -> dict[Customer, FeeVerdict]:
        """How high a fee for a way to pay may be, by who pays."""
        rules = self.rules(FeeRule, market)
        return {whose: fee_limit(rules, [way], whose) for whose in get_args(Customer)}


def run(arguments: Namespace, paper: Paper) -> int:
    """Print what is allowed, or write the page into a folder."""
    law, on = Law.load(), arguments.date or system_clock().date()
    asked = dict.fromkeys(code.upper() for code in arguments.market)
    markets = [law.market(code, on) for code in asked]
    day = Day(law, on, tuple(markets or (m for m in law.markets(on) if m.parent is None)))
    if arguments.write:
        arguments.write.mkdir(parents=True, exist_ok=True)
        file = arguments.write / PAGE
        file.write_text(page(day), encoding="utf-8", newline="\n")
        paper.line(str(file))
    elif arguments.json:
        paper.document(_document(day))
    else:
        if len(day.markets) > 1:
            _print_overview(day, paper)
        for market in day.markets:
            _print_market(day, market, paper)
        _print_everywhere(day, paper)
    return 0


def _said(verdict: FeeVerdict) -> str:
    """The limit in a word or two."""
    if verdict.rule is None:
        return _UNKNOWN[0]
    return _LIMITS[verdict.limit][0] + (f" {_BESIDE[0]}" if verdict.free_rule else "")


def _legend(cells: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The words that some cell uses, and what they mean."""
    text = "\n".join(cells)
    for word, meaning in (*_LIMITS.values(), _BESIDE, _UNKNOWN):
        if word in text:
            yield word, meaning
    if " / " in text:
        yield _OF_WHOM


def _about(rule: Rule) -> str:
    """What a rule is called among its kind: by its id, its language, or where it holds."""
    where = "everywhere" if rule.market == EVERYWHERE else rule.market
    return ", ".join(filter(None, rule.keys)) or where


def _says(rule: Rule) -> str:
    """What a rule says, where it is clear which market it is for."""
    return rule.statement().removeprefix(f"{rule.market}: ")


def _title(kind: str) -> str:
    return kind.replace("_", " ").capitalize()


def _name(market: str) -> str:
    from babel import Locale  # noqa: PLC0415 -- heavy

    name: str = Locale("en").territories.get(market, market)
    return name


def _whose_law(day: Day, market: Market) -> str:
    """Whose law holds in a part of a country; empty where a market has its own."""
    named = f"{_name(market.market)} ({market.market})"
    if market.law_as:
        return f"{named}: the law of {_name(market.law_as)} holds."
    if not day.is_known(market.market):
        return f"{named}: no rules are known, so there is no fee, and what holds everywhere holds."
    return ""


# In the terminal ----------------------------------------------------------------------------------

_MARGIN: Final = 18


def _print_overview(day: Day, paper: Paper) -> None:
    """Print the fees of all markets side by side."""
    paper.heading("How high a fee for a way to pay may be", f"on {day.on}")
    rows = [["", *(market.market for market in day.markets)]]
    for way in WAYS:
        fees = [day.fees(market.market, way).values() for market in day.markets]
        rows.append([in_words(way), *(" / ".join(dict.fromkeys(map(_said, of))) for of in fees)])
    for line in columns(rows):
        paper.line(f"  {line}")
    paper.line()
    for word, meaning in _legend(cell for row in rows for cell in row):
        paper.entry(word, meaning, "dim", margin=9)
    paper.line()


def _print_market(day: Day, market: Market, paper: Paper) -> None:
    """Print a market's own rules, those on fees by way to pay."""
    code = market.market
    paper.heading(f"{code} {_name(code)}", f"on {day.on}")
    if whose := _whose_law(day, market):
        paper.entry("", whose, margin=0)
    paper.section(_title("fee"))
    for (said, fee_rule), ways in _by_rule(day, code).items():
        paper.entry(said, ", ".join(ways), margin=_MARGIN)
        source = f"{fee_rule.id}, {_source(fee_rule)}" if fee_rule else _UNKNOWN[1]
        paper.entry("", source, "dim", margin=_MARGIN)
    for name, kind in KINDS.items():
        if kind is not FeeRule:
            _print_rules(name, day.rules(kind, code), paper)
    paper.line()


def _print_everywhere(day: Day, paper: Paper) -> None:
    """Print the rules for every market, and the words of the languages that are spoken there."""
    paper.heading("Everywhere, beside or in place of a country's own", f"on {day.on}")
    spoken = {language_of(locale) for market in day.markets for locale in market.locales}
    for name, kind in KINDS.items():
        rules = day.rules(kind, EVERYWHERE)
        if kind is ButtonWords:
            rules = tuple(rule for rule in rules if spoken.intersection(rule.keys))
        _print_rules(name, rules, paper)


def _print_rules(name: str, rules: Sequence[Rule], paper: Paper) -> None:
    """Print rules of a kind, each with where it is from."""
    if rules:
        paper.section(_title(name))
    for rule in rules:
        paper.entry(_about(rule), _says(rule), margin=_MARGIN)
        paper.entry("", _source(rule), "dim", margin=_MARGIN)


def _by_rule(day: Day, market: str) -> dict[tuple[str, FeeRule | None], list[str]]:
    """The ways to pay by what is said of them and by which rule."""
    found: dict[tuple[str, FeeRule | None], list[str]] = {}
    for way in WAYS:
        fees = day.fees(market, way)
        is_same = len({_said(verdict) for verdict in fees.values()}) == 1
        for whose, verdict in fees.items():
            name = in_words(way) if is_same else f"{in_words(way)} of a {whose}"
            ways = found.setdefault((_said(verdict), verdict.rule), [])
            if name not in ways:
                ways.append(name)
    return found


def _source(rule: Rule) -> str:
    """Since when a rule holds, where it is from, and what else is to be known of it."""
    until = f" to {rule.valid_to}" if rule.valid_to else ""
    note = f"; {rule.note}" if rule.note else ""
    return f"since {rule.valid_from}{until}, confidence {rule.confidence}: {rule.source}{note}"


# As JSON ------------------------------------------------------------------------------------------


def _document(day: Day) -> dict[str, object]:
    places = [*(market.market for market in day.markets), EVERYWHERE]
    return {
        "date": str(day.on),
        "fees": {
            market.market: {
                way: {
                    whose: {
                        "limit": verdict.limit,
                        "rule": verdict.rule and verdict.rule.id,
                        "needs_free_method": verdict.free_rule is not None,
                    }
                    for whose, verdict in day.fees(market.market, way).items()
                }
                for way in WAYS
            }
            for market in day.markets
        },
        "rules": {
            place: {
                name: [
                    {**_fields(rule), "statement": rule.statement()}
                    for rule in day.rules(kind, place)
                ]
                for name, kind in KINDS.items()
            }
            for place in places
        },
    }


def _fields(rule: Rule) -> dict[str, object]:
    # What a rule keeps as a set has no order of its own, and the document is to be the same twice.
    return {
        name: sorted(value) if isinstance(getattr(rule, name), frozenset) else value
        for name, value in rule.model_dump(mode="json").items()
    }


# The page -----------------------------------------------------------------------------------------

_TOP: Final = """\
# What each country allows

Made by `checkoutflow law --date {on} --write docs/explanation` from the tables that the library
itself goes by, as they stand on {on}; a test compares. It is no legal advice.

A shop may wish for any fee, discount or order of its ways to pay. What the law of the customer's
country does not allow on the day of the contract is taken away, and the shop is told so, with the
rule and its source. Three things hold throughout:

- **What is not known is not allowed.** A way to pay that no rule names has no fee, and in a country
  of which no rule is known nothing has.
- **At cost means at the cost that the shop states.** A shop that states none may charge none.
- **Order and preselection are strict by default.** One order satisfies all countries at once, with
  nothing chosen beforehand. Where a country's own rule is looser, a shop may ask for that instead.

A discount for what is cheap is allowed in all five countries, a fee for what is dear is mostly not:
write a discount where you can.

In parts of a country that are markets of their own:
"""


def page(day: Day) -> str:
    """The page: what holds side by side, and then every rule with its source."""
    parts = [
        [_TOP.format(on=day.on), *_parts(day)],
        ["## Fees", "", *_fees(day)],
        ["## Discounts", "", *_discounts(day)],
        ["## Order and preselection", "", *_presentation(day)],
        ["## The words on the button", "", *_buttons(day)],
        ["## Every rule and its source", "", *_sources(day)],
    ]
    return "\n\n".join("\n".join(part).rstrip("\n") for part in parts) + "\n"


def _parts(day: Day) -> Iterator[str]:
    for market in day.law.markets(day.on):
        if whose := _whose_law(day, market):
            yield f"- {whose}"


def _table(*rows: Sequence[str]) -> Iterator[str]:
    """Rows as a table; the first is its head."""
    head, *body = rows
    for row in (head, ["---"] * len(head), *body):
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"


def _cell(fees: Mapping[Customer, FeeVerdict]) -> str:
    texts = [
        _said(verdict) + (f" `{verdict.rule.id}`" if verdict.rule else "")
        for verdict in fees.values()
    ]
    return " / ".join(dict.fromkeys(texts))


def _fees(day: Day) -> Iterator[str]:
    rows = [
        [in_words(way), *(_cell(day.fees(market.market, way)) for market in day.markets)]
        for way in WAYS
    ]
    yield from _table(["", *(_name(market.market) for market in day.markets)], *rows)
    yield ""
    for word, meaning in _legend(cell for row in rows for cell in row):
        yield f"- **{word}**: {meaning}"


def _discounts(day: Day) -> Iterator[str]:
    yield from _table(
        ["", "rule", "what it says", "of whom", "since", "confidence"],
        *(
            [
                _name(market.market),
                f"`{rule.id}`",
                _says(rule),
                ", ".join(sorted(rule.customers)),
                str(rule.valid_from),
                rule.confidence,
            ]
            for market in day.markets
            for rule in day.rules(DiscountRule, market.market)
        ),
    )


def _presentation(day: Day) -> Iterator[str]:
    places = [
        (EVERYWHERE, "everywhere, by default"),
        *((m.market, _name(m.market)) for m in day.markets),
    ]
    rows = []
    for place, name in places:
        own = day.rules(PresentationRule, place)
        rows += [[name, _says(rule), str(rule.valid_from), rule.confidence] for rule in own]
        if not own:
            rows.append([name, "no rule of its own was found: the default holds", "", ""])
    yield from _table(["", "what it says", "since", "confidence"], *rows)


def _buttons(day: Day) -> Iterator[str]:
    yield from _table(
        ["language", "leaves no doubt", "shorter, seen as sufficient", "on credit", "confidence"],
        *(
            [rule.language, rule.strict, ", ".join(rule.short), rule.on_credit, rule.confidence]
            for rule in day.rules(ButtonWords, EVERYWHERE)
        ),
    )


def _sources(day: Day) -> Iterator[str]:
    """Every rule of every kind, in its own words."""
    for name, kind in KINDS.items():
        places = [EVERYWHERE, *(market.market for market in day.markets)]
        rules = [rule for place in places for rule in day.rules(kind, place)]
        if rules:
            yield f"### {_title(name)}"
            yield ""
            yield from (f"- `{_about(rule)}` {rule.explain()}" for rule in rules)
            yield ""
