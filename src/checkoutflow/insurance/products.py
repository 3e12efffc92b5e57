"""What a shop offers to insure its goods with, as data of its settings."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from checkoutflow.cart import Condition
from checkoutflow.law.choice import Customer
from checkoutflow.law.insurance import Risk
from checkoutflow.model import Frozen, wrong
from checkoutflow.money import Money, Rounding, divide
from checkoutflow.payment.catalogue import in_currency, one_for_each_currency
from checkoutflow.privacy.fields import Purpose, all_usable
from checkoutflow.texts import Language, Text

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,40}$")]
Url = Annotated[str, StringConstraints(max_length=500, pattern=r"^https://[^\s<>\"]+$")]
Words = Annotated[
    str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")
]


class Insurer(Frozen):
    """Whose insurance it is.

    Attributes:
        id: The shop's name for it; the bordereau is made by it.
        name: Its own name in full.
        address: Where it has its seat.
        complaints: How a customer complains, as the insurer has it.
        registration: In which register it can be found; may be empty.
    """

    id: Id
    name: Words
    address: Words
    complaints: Text
    registration: str = Field(default="", max_length=200)


class Document(Frozen):
    """The information document (IPID) that a customer has to be given before buying.

    Attributes:
        version: As the insurer numbers it; it is kept with the policy.
        urls: Where it is, by language; none where the insurer has not sent it yet.
    """

    version: Words
    urls: Mapping[Language, Url] = {}


class Answer(Frozen):
    """One answer to choose.

    Attributes:
        fits: Whether the cover is for somebody who answers so.
    """

    id: Id
    text: Text
    fits: bool = True


class Question(Frozen):
    """A short question about demands and needs, asked of whoever wants the cover.

    Attributes:
        id: The shop's name for it; where products share one, it is asked once.
        text: What the customer reads.
        answers: At least two, of which some fit.
    """

    id: Id
    text: Text
    answers: tuple[Answer, ...] = Field(min_length=2, max_length=20)

    @model_validator(mode="after")
    def _can_be_answered(self) -> Self:
        if len({answer.id for answer in self.answers}) != len(self.answers):
            raise wrong("each answer has an id of its own", "answers")
        if not any(answer.fits for answer in self.answers):
            raise wrong("some answer has to fit", "answers")
        return self


class Band(Frozen):
    """What it costs for goods up to a value.

    Attributes:
        up_to: Worth of a piece, this one included.
        premium: What the cover of such a piece costs.
    """

    up_to: Money
    premium: Money

    @model_validator(mode="after")
    def _is_in_one_currency(self) -> Self:
        if self.up_to.currency != self.premium.currency:
            raise ValueError("up_to and premium are in one currency")
        return self


class Tariff(Frozen):
    """What a cover costs: exactly one of an amount, a percentage, or bands by value.

    Attributes:
        fixed: At most one amount per currency.
        percent: Of the worth of what is insured, rounded half-up.
        minimum: The least that a percentage comes to, at most one amount per currency.
        bands: By currency and value; the lowest that is high enough counts.
    """

    fixed: tuple[Money, ...] = ()
    percent: Decimal | None = Field(default=None, gt=0, le=100, decimal_places=2)
    minimum: tuple[Money, ...] = ()
    bands: tuple[Band, ...] = ()

    _check = field_validator("fixed", "minimum")(one_for_each_currency)

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        if [bool(self.fixed), self.percent is not None, bool(self.bands)].count(True) != 1:
            raise ValueError("give one of fixed, percent and bands")
        if self.minimum and self.percent is None:
            raise ValueError("a minimum goes with a percentage")
        amounts = (*self.fixed, *self.minimum, *(band.premium for band in self.bands))
        if any(amount.minor <= 0 for amount in amounts):
            raise ValueError("amounts are above zero")
        if len({str(band.up_to) for band in self.bands}) != len(self.bands):
            raise ValueError("each band ends at a value of its own")
        return self

    def of(self, value: Money) -> Money | None:
        """What the cover of something with this worth costs; None where there is no price."""
        if self.percent is None:
            if self.fixed:
                return in_currency(self.fixed, value.currency)
            reach = (band for band in self.bands if band.up_to.currency == value.currency)
            enough = [band for band in reach if band.up_to >= value]
            return min(enough, key=lambda band: band.up_to).premium if enough else None
        least = in_currency(self.minimum, value.currency)
        if least is None and self.minimum:
            return None
        cost = divide(value.minor * int(self.percent * 100), 100_00, Rounding.HALF_UP)
        return Money(max(cost, least.minor if least else 0), value.currency)


class Wording(Frozen):
    """Other words, or another place, for a part of the customers, to compare.

    Attributes:
        arms: The checkout is in one of these arms: ``experiment:arm``.
        text: What the customer reads beside the offer.
        rank: Where the offer stands.
    """

    arms: frozenset[str] = Field(min_length=1)
    text: Text | None = None
    rank: int | None = Field(default=None, ge=-1000, le=1000)

    @model_validator(mode="after")
    def _differs(self) -> Self:
        if self.text is None and self.rank is None:
            raise ValueError("does nothing; give text or rank")
        return self


class Product(Frozen):
    """A cover that the shop offers for its goods.

    Attributes:
        id: The shop's name for it.
        name: What the customer reads.
        text: What it is good for, in a sentence beside the offer; may be left out.
        kind: ``insurance`` of an insurer, or a ``warranty`` of the shop's own, which bears VAT.
        insurer: Whose it is; for a warranty nobody's but the shop's own.
        group: Of the products of one group a piece has at most one; empty for none.
        markets: Where it is offered; empty means in all the shop's markets.
        customers: Whom it is for.
        age_limit: Youngest customer, in years.
        goods: Goods categories that it covers.
        skus: Goods that it covers by their number. With neither, all goods.
        conditions: Whether it covers new goods, used ones or both.
        max_age_months: The oldest that goods may be, in months.
        minimum: The least worth of a piece, or with ``per = "order"`` of all pieces, before
            discounts; at most one per currency.
        maximum: The same, the most.
        per: Whether it is bought by ``item``, for each piece of a line, or once for an ``order``.
        risks: What it is against.
        premium: What it costs; for an order, by the worth of all its goods that it covers.
        quoted_by: Name of a partner's quote service that says what it costs, in place of a premium.
        tax: Whether the amounts have the premium tax in them, or it is added.
        months: For how long it covers.
        service_months: How long the service lasts that it is for, where it is for one.
        document: The information document; insurance is not offered without.
        questions: About demands and needs.
        details: Contact fields that the insurer wants of who is insured.
        cooling_off_days: For how long the customer may give it back, for the whole premium.
        commission_percent: What the shop is paid by the insurer, of the premium without tax.
        registration: The shop's own registration for selling insurance, where it has one. Without,
            nothing is offered that only a registered intermediary may sell.
        rank: Where it stands: lower comes first.
        wordings: Other words and places for parts of the customers.
    """

    id: Id
    name: Text
    text: Text | None = None
    kind: Literal["insurance", "warranty"] = "insurance"
    insurer: str = ""
    group: str = Field(default="", max_length=40, pattern=r"^[a-z0-9_]*$")
    markets: frozenset[str] = frozenset()
    customers: frozenset[Customer] = frozenset({"consumer"})
    age_limit: int = Field(default=18, ge=0, le=100)
    goods: frozenset[str] = frozenset()
    skus: frozenset[str] = frozenset()
    conditions: frozenset[Condition] = frozenset({"new"})
    max_age_months: int | None = Field(default=None, ge=0, le=10_000)
    minimum: tuple[Money, ...] = ()
    maximum: tuple[Money, ...] = ()
    per: Literal["item", "order"] = "item"
    risks: frozenset[Risk] = Field(min_length=1)
    premium: Tariff | None = None
    quoted_by: str = Field(default="", max_length=40, pattern=r"^[a-z0-9_]*$")
    tax: Literal["included", "added"] = "included"
    months: int = Field(ge=1, le=120)
    service_months: int | None = Field(default=None, ge=1, le=120)
    document: Document | None = None
    questions: tuple[Question, ...] = Field(default=(), max_length=10)
    details: tuple[str, ...] = ()
    cooling_off_days: int = Field(default=14, ge=14, le=365)
    commission_percent: Decimal = Field(default=Decimal(0), ge=0, le=100, decimal_places=2)
    registration: str = Field(default="", max_length=200)
    rank: int = Field(default=0, ge=-1000, le=1000)
    wordings: tuple[Wording, ...] = ()

    _check = field_validator("minimum", "maximum")(one_for_each_currency)

    @field_validator("details")
    @classmethod
    def _may_be_used_for_this(cls, details: tuple[str, ...]) -> tuple[str, ...]:
        all_usable(details, Purpose.INSURE)
        return details

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.premium is None) == (not self.quoted_by):
            raise ValueError("give either a premium or who quotes it")
        if self.kind == "warranty":
            self._is_of_the_shop_alone()
        elif not self.insurer:
            raise wrong("insurance names its insurer", "insurer")
        for limit in self.maximum:
            least = in_currency(self.minimum, limit.currency)
            if least is not None and limit < least:
                raise wrong("is below the minimum", "maximum")
        if len({question.id for question in self.questions}) != len(self.questions):
            raise wrong("each question has an id of its own", "questions")
        return self

    def _is_of_the_shop_alone(self) -> None:
        """See that a warranty has nothing of insurance."""
        for name in ("insurer", "quoted_by", "commission_percent", "registration"):
            if getattr(self, name):
                raise wrong("a warranty is the shop's own and has none", name)
        if self.tax != "included":
            raise wrong("a warranty bears VAT and no premium tax", "tax")

    def wording(self, arms: Mapping[str, str]) -> tuple[Wording | None, str]:
        """The words for the arm that a checkout is in, and that arm; none where it is in none."""
        for each in self.wordings:
            for test, arm in arms.items():
                if (name := f"{test}:{arm}") in each.arms:
                    return each, name
        return None, ""
