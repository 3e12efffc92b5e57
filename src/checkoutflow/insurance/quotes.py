"""What a partner quotes for a cover: what it is asked, and what may come back.

A quote is advice for an offer and nothing else. It says nothing about the customer, it holds for
goods of one worth until a moment, and where there is none, or one that cannot be read, nothing is
offered and the sale goes on.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints, ValidationError

from checkoutflow.model import Frozen
from checkoutflow.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST: Final = 200  # offers that are asked about at once

Reference = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[\x21-\x7e]+$")
]


class Asked(Frozen):
    """One cover that a price is wanted for. Nothing in it is about a person.

    Attributes:
        offer: As the offer is named.
        product: The shop's id of the cover.
        market: Where the goods go.
        goods_category: What it is for; empty for a whole order.
        sku: The same, by number.
        condition: ``new`` or ``used``.
        age_months: How old it is.
        value: Worth of a piece, or of the order.
    """

    offer: str
    product: str
    market: str
    goods_category: str = ""
    sku: str = ""
    condition: str = "new"
    age_months: int = 0
    value: Money


class Quote(Frozen):
    """A partner's price.

    Attributes:
        offer: As it was asked.
        each: What the cover of a piece, or of the order, costs; the product says with what tax.
        value: The worth of goods that it is for.
        reference: The partner's name for it; it is told back to the partner on the bordereau.
        valid_until: Until when it holds.
    """

    offer: str
    each: Money
    value: Money
    reference: str
    valid_until: datetime

    def holds(self, value: Money, at: datetime) -> bool:
        """Whether it is for goods of this worth, and not over."""
        return self.value == value and at < self.valid_until


class _Said(Frozen):
    """One quote as the partner writes it. What else it writes is not read."""

    model_config = ConfigDict(extra="ignore")

    offer: str = Field(max_length=200)
    premium: Money
    reference: Reference
    valid_until: AwareDatetime


def read_quotes(told: object, asked: Iterable[Asked], at: datetime) -> tuple[Quote, ...]:
    """The quotes in a partner's answer; what is no good is left out, and does no harm.

    Args:
        told: The answer, as JSON: ``{"quotes": [...]}``.
        asked: What was asked; anything else was not.
        at: Now; aware. What is over already is left out.
    """
    wanted: Mapping[str, Asked] = {each.offer: each for each in asked}
    listed = told.get("quotes") if isinstance(told, dict) else None
    found: dict[str, Quote] = {}
    for each in (listed if isinstance(listed, list) else [])[:MOST]:
        said = _said(each)
        ask = wanted.get(said.offer) if said else None
        if said is None or ask is None or said.valid_until <= at:
            continue
        if said.premium.currency == ask.value.currency and said.premium.minor > 0:
            found[said.offer] = Quote(
                offer=said.offer,
                each=said.premium,
                value=ask.value,
                reference=said.reference,
                valid_until=said.valid_until,
            )
    return tuple(found.values())


def _said(told: Any) -> _Said | None:  # noqa: ANN401 -- a partner may write anything
    try:
        return _Said.model_validate(told)
    except ValidationError:
        return None
