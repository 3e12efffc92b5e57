"""Why something is not offered, and what the law changed: as codes, and in words for the shop."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from checkoutflow.model import Frozen
from checkoutflow.money import Money
from checkoutflow.texts import locale_of, mark, translate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checkoutflow.law import Rule

ReasonCode = Literal[
    "market",
    "currency",
    "customer",
    "too_small",
    "too_large",
    "age",
    "goods",
    "delivery",
    "no_provider",
    "no_route",
    "provider_currency",
    "no_price",
    "nothing_sent",
    "hidden",
    "identification",
    "cap",
    "plan",
]

_REASONS: Final[Mapping[ReasonCode, str]] = MappingProxyType(
    {
        # Translators: these say to the shop why a way to pay or of delivery is not offered.
        "market": mark("It is not offered in {market}."),
        "currency": mark("It does not take {currency}."),
        "customer": mark("It is not for this kind of customer."),
        "too_small": mark("The amount is below its smallest, {limit}."),
        "too_large": mark("The amount is above its largest, {limit}."),
        "age": mark("The customer is younger than {age}."),
        "goods": mark("It cannot pay for goods of the category {goods}."),
        "delivery": mark("It does not go with the chosen delivery."),
        "no_provider": mark("There is no provider {provider}."),
        "no_route": mark("No provider takes this amount here."),
        "provider_currency": mark("The provider {provider} does not take {currency}."),
        "no_price": mark("It has no price in {currency}."),
        "nothing_sent": mark("Nothing in this cart is sent."),
        "hidden": mark("The shop's own rule {rule} hides it."),
        "identification": mark(
            "The law asks for strong identification of who pays later; this way to pay has none."
        ),
        "cap": mark("As a credit it breaks a cap: {cap}"),
        "plan": mark("The amount is too small for its instalments."),
    }
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that is not offered.

    Attributes:
        id: The shop's name for it.
        code: Why, as a code.
        facts: What the words need: limits, names.
        rule: The rule of law behind it, where there is one.
    """

    id: str
    code: ReasonCode
    facts: Mapping[str, str | Money] = field(default_factory=lambda: MappingProxyType({}))
    rule: Rule | None = None

    def text(self, locale: str = "en") -> str:
        """Why, in words for the shop, in this locale's language."""
        facts = {
            name: fact.format(locale_of(locale)) if isinstance(fact, Money) else fact
            for name, fact in self.facts.items()
        }
        words = translate(_REASONS[self.code], locale).format_map(facts)
        # A broken cap is told with its source already.
        return f"{words} ({self.rule.source})" if self.rule and self.code != "cap" else words


Change = Literal[
    "fee_removed",
    "fee_cut",
    "discount_removed",
    "discount_cut",
    "reordered",
    "preselection_removed",
    "recommendation_removed",
    "split_advised",
]

_CHANGES: Final[Mapping[Change, str]] = MappingProxyType(
    {
        # Translators: these say to the shop what the law changed of what its rules asked for.
        "fee_removed": mark("The fee of {asked} is not allowed and was removed."),
        "fee_cut": mark("The fee was cut from {asked} to {given}."),
        "discount_removed": mark("The discount of {asked} is not allowed and was removed."),
        "discount_cut": mark("The discount was cut from {asked} to {given}."),
        "reordered": mark("Ways to pay without credit were put first."),
        "preselection_removed": mark("It may not be chosen beforehand."),
        "recommendation_removed": mark("Paying on credit may not be recommended."),
        "split_advised": mark(
            "It stands first and can mean credit: offer debit and credit cards apart."
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the law changed.

    Attributes:
        about: The way to pay or of delivery; empty for their order.
        change: What was changed, as a code.
        law: The rule behind it; None where no rule allows what was asked for.
        asked: The amount that the shop's rules asked for.
        given: The amount that is left.
    """

    about: str
    change: Change
    law: Rule | None
    asked: Money | None = None
    given: Money | None = None

    @property
    def rule(self) -> str:
        """The rule's id or kind; empty where there is none."""
        return self.law.called if self.law else ""

    @property
    def statement(self) -> str:
        """What the rule says."""
        return self.law.statement() if self.law else "no rule is known that allows it"

    @property
    def source(self) -> str:
        """Where the rule is from; empty where there is none."""
        return self.law.source if self.law else ""

    @property
    def since(self) -> date | None:
        """First day on which the rule holds."""
        return self.law.valid_from if self.law else None

    def text(self, locale: str = "en") -> str:
        """What was changed, in words for the shop, in this locale's language."""
        facts = {
            name: amount.format(locale_of(locale)) if amount else ""
            for name, amount in (("asked", self.asked), ("given", self.given))
        }
        return translate(_CHANGES[self.change], locale).format_map(facts)

    def noted(self) -> LawNote:
        """The same as plain values, for the journal."""
        return LawNote(
            about=self.about,
            change=self.change,
            asked=self.asked,
            given=self.given,
            rule=self.rule,
            source=self.source,
            since=self.since,
            origin=self.law.origin if self.law else "",
        )


class LawNote(Frozen):
    """What the law changed, as the journal keeps it.

    Attributes:
        about: The way to pay or of delivery.
        change: What was changed, as a code.
        asked: The amount that the shop's rules asked for.
        given: The amount that is left.
        rule: The rule's id or kind; empty where no rule allows what was asked for.
        source: Where the rule is from.
        since: First day on which it holds.
        origin: Whose row it is: the library's or the shop's.
    """

    about: str
    change: Change
    asked: Money | None = None
    given: Money | None = None
    rule: str = ""
    source: str = ""
    since: date | None = None
    origin: Literal["library", "shop", ""] = ""
