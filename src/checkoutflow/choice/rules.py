"""What decisions are made by: the shop's settings, the law, and what providers can do."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from checkoutflow.errors import UnknownRule
from checkoutflow.law.choice import ButtonWords
from checkoutflow.law.rules import EVERYWHERE
from checkoutflow.payment.capabilities import Capabilities
from checkoutflow.payment.methods import Way

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from checkoutflow.law import Law
    from checkoutflow.payment.references import ReferenceScheme
    from checkoutflow.review.score import ScoreModel
    from checkoutflow.shop import Shop
    from checkoutflow.texts import Language


@dataclass(frozen=True, slots=True)
class Rules:
    """The shop's settings, the law, and what providers can do.

    Attributes:
        capabilities: By provider; None where providers are not looked at, as when settings are
            tried out.
        shareable: By provider, the contact fields that it can ask customers to share.
        score: The learned score of orders, where the shop has one.
        moved: How much of what it rests on has moved since, as far as it is known: 1 once the store
            says that it is too much, and else 0.
        ways: The shop's ways to pay by id, in its order, with what their kinds say.
    """

    shop: Shop
    law: Law
    capabilities: Mapping[str, Capabilities] | None = None
    shareable: Mapping[str, frozenset[str]] = field(default_factory=dict)
    score: ScoreModel | None = None
    moved: float = 0
    ways: Mapping[str, Way] = field(init=False)

    def __post_init__(self) -> None:
        """Put methods and kinds together, once for all checkouts."""
        kinds = self.shop.all_kinds()
        ways = {method.id: Way.of(method, kinds) for method in self.shop.methods}
        object.__setattr__(self, "ways", MappingProxyType(ways))

    def button_words(self, language: Language, on: date) -> ButtonWords:
        """What the order button says in a language.

        Raises:
            UnknownRule: If the law has no words for that day.
        """
        for words in self.law.rules_of(ButtonWords, EVERYWHERE, on):
            if words.language == language:
                return words
        raise UnknownRule(f"no words for the order button in {language} on {on}")

    def scheme(self, market: str, on: date) -> ReferenceScheme | None:
        """How the shop makes payment references for a market, or else for the market it is part of.

        Raises:
            UnknownRule: If there is no such market.
        """
        parent = self.law.market(market, on).parent
        return self.shop.scheme(market) or self.shop.scheme(parent or "")

    def behind(self, provider: str | None) -> Capabilities:
        """What a provider can do: nothing, where it is not there any more."""
        return (self.capabilities or {}).get(provider or "") or _nobody()


@cache
def _nobody() -> Capabilities:
    return Capabilities(operations=frozenset(), can_be_asked=False, currencies=frozenset())
