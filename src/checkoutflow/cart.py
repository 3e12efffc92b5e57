"""What is for sale, and what it costs: lines, discounts, charges, VAT and the total.

The shop is the price authority: a cart comes from the shop, and nothing a customer sends changes a
price. `price` turns a cart into a `Priced`, whose lines carry everything the customer pays, so that
any part of an order shipped, cancelled or returned later is worth a known share of the total.

Covers of goods, insurance or a warranty, are lines of the same cart, which the checkout adds when
the customer chooses them. Discounts and charges are for goods and pass them by.

How odd minor units are placed is told in ``docs/explanation/rounding.md``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from itertools import compress
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import (
    Field,
    PlainValidator,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from checkoutflow.errors import InvalidInput, UsageError
from checkoutflow.model import Frozen, wrong
from checkoutflow.money import MAX_MINOR, Money, Rounding, divide, share, spread, total
from checkoutflow.privacy.cards import FreeText, ReferenceText, reference_without_card_number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from checkoutflow.law import Law

MAX_LINES = 1_000
MAX_QUANTITY = 100_000
MAX_DISCOUNTS = 100
MAX_ATTRIBUTES = 20
MAX_ATTRIBUTE_LENGTH = 500

# Control characters mean nothing in a name, and some stores and channels choke on them.
_PRINTED = r"^[^\x00-\x1f\x7f]*$"
Id = Annotated[ReferenceText, StringConstraints(min_length=1, max_length=100, pattern=_PRINTED)]
Name = Annotated[FreeText, StringConstraints(min_length=1, max_length=300, pattern=_PRINTED)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,40}$")]
LineKind = Literal["goods", "insurance", "warranty"]
Condition = Literal["new", "used"]
# Not every database takes NUL, and half a surrogate pair is no character at all.
_STORABLE = re.compile(rf"[^\x00\ud800-\udfff]{{0,{MAX_ATTRIBUTE_LENGTH}}}")


def _attribute(value: object, info: ValidationInfo) -> str | int | bool:
    """Let through what any store, language and browser can hold exactly."""
    match value:
        case bool():
            return value
        case int() if abs(value) <= 2**53:
            reference_without_card_number(str(value), info)
            return value
        case str() if _STORABLE.fullmatch(value):
            return reference_without_card_number(value, info)
    raise ValueError(
        f"is a text of at most {MAX_ATTRIBUTE_LENGTH} characters, a whole number, true or false"
    )


Attribute = Annotated[
    str | int | bool, PlainValidator(_attribute, json_schema_input_type=str | int | bool)
]


class Line(Frozen):
    """One kind of goods in a cart.

    Attributes:
        sku: The shop's own number for the goods. A barcode (GTIN, ISBN) may be one, a card number
            not: a number of 12 to 19 digits that could be a card's needs a letter among them.
        id: Names the line within its cart; the sku unless the same goods stand on two lines.
        name: What the customer reads.
        quantity: Pieces, from 1 to `MAX_QUANTITY`.
        unit_price: Price of one piece, with or without VAT as the cart says; zero for a gift.
        vat_category: One of ``checkoutflow.law.CATEGORIES``; another word has the standard rate.
        goods_category: The shop's own word, for its rules on review, insurance and so on.
        weight_g: Grams a piece.
        digital: Whether nothing is sent, so that no address is needed.
        durable: Whether it is meant to last clearly longer than two years: in Norway and Iceland
            customers may then complain for five.
        condition: Whether it was used by somebody before.
        age_months: How old it is, in whole months.
        attributes: Whatever else the shop wants back; never personal data, and no card numbers.
        kind: What it is. Lines of a shop are goods; covers are added by the checkout.
        insures: Ids of the lines that a cover is for.
    """

    sku: Id
    id: Id = Field(default_factory=lambda data: data["sku"])
    name: Name
    quantity: int = Field(strict=True, ge=1, le=MAX_QUANTITY)
    unit_price: Money
    vat_category: Word = "standard"
    goods_category: Word = "general"
    weight_g: int = Field(default=0, strict=True, ge=0, le=10_000_000)
    digital: bool = False
    durable: bool = False
    condition: Condition = "new"
    age_months: int = Field(default=0, strict=True, ge=0, le=10_000)
    attributes: Mapping[Id, Attribute] = Field(default={}, max_length=MAX_ATTRIBUTES)
    kind: LineKind = "goods"
    insures: tuple[Id, ...] = ()

    @field_validator("unit_price")
    @classmethod
    def _is_not_negative(cls, price: Money) -> Money:
        return _at_least(0, price)

    @property
    def goods(self) -> Money:
        """Price of all the pieces, before discounts."""
        return self.unit_price * self.quantity

    @property
    def is_cover(self) -> bool:
        """Whether it is insurance or a warranty, and no goods."""
        return self.kind != "goods"


class Discount(Frozen):
    """Something taken off the goods, as an amount or as a percentage.

    Attributes:
        name: What the customer reads.
        amount: Taken off in all, with or without VAT as the cart says; above zero.
        percent: Taken off what earlier discounts have left; above 0 and at most 100.
        lines: Ids of the lines it applies to; empty means the whole cart.
    """

    name: Name
    amount: Money | None = None
    percent: Decimal | None = Field(default=None, gt=0, le=100, decimal_places=2)
    lines: tuple[Id, ...] = Field(default=(), max_length=MAX_LINES)

    @field_validator("amount")
    @classmethod
    def _takes_something(cls, amount: Money | None) -> Money | None:
        return None if amount is None else _at_least(1, amount)

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        if (self.amount is None) == (self.percent is None):
            raise ValueError("give either an amount or a percentage")
        return self

    def worth(self, value: int) -> int:
        """What is taken off goods worth ``value`` minor units; a percentage is rounded half-up."""
        if self.amount is not None:
            return self.amount.minor
        percent = self.percent or 0  # one of the two is always given
        return divide(value * int(percent * 100), 100_00, Rounding.HALF_UP)


class Charge(Frozen):
    """What delivery or a way of paying costs the customer.

    Attributes:
        kind: What it is for.
        id: The shop's name for it.
        name: What the customer reads.
        amount: With or without VAT, as the cart's prices are; zero if free.
    """

    kind: Literal["delivery", "payment"]
    id: Id
    name: Name
    amount: Money

    @field_validator("amount")
    @classmethod
    def _is_not_negative(cls, amount: Money) -> Money:
        return _at_least(0, amount)


class Cart(Frozen):
    """What a customer wants to buy, at the shop's prices, in one currency.

    `Cart.read` is the front door: it refuses a bad cart with ``InvalidInput`` and the path of the
    field, such as ``lines[2].quantity``.

    Attributes:
        lines: From one to `MAX_LINES`, each with an id of its own.
        discounts: Taken off in this order, never below zero.
        prices_include_vat: False for carts of businesses, whose prices are without VAT.
    """

    lines: tuple[Line, ...] = Field(min_length=1, max_length=MAX_LINES)
    discounts: tuple[Discount, ...] = Field(default=(), max_length=MAX_DISCOUNTS)
    prices_include_vat: bool = True

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        ids: set[str] = set()
        worth = 0
        for i, line in enumerate(self.lines):
            if line.id in ids:
                raise wrong("another line has this id", "lines", i, "id")
            ids.add(line.id)
            if line.unit_price.currency != self.currency:
                raise wrong(f"the first line is in {self.currency}", "lines", i, "unit_price")
            worth += line.unit_price.minor * line.quantity
            if worth > MAX_MINOR:
                raise wrong("the cart is worth too much to be true", "lines", i, "unit_price")
        for i, discount in enumerate(self.discounts):
            if not ids.issuperset(discount.lines):
                raise wrong("no line has this id", "discounts", i, "lines")
            if len(set(discount.lines)) != len(discount.lines):
                raise wrong("each line is named once", "discounts", i, "lines")
            if discount.amount is not None and discount.amount.currency != self.currency:
                raise wrong(f"the cart is in {self.currency}", "discounts", i, "amount")
        _discounted(self)
        return self

    @property
    def currency(self) -> str:
        """The currency all its lines agree on."""
        return self.lines[0].unit_price.currency

    @property
    def worth(self) -> Money:
        """The goods after discounts, with or without VAT as the prices are; without covers."""
        values, _ = _discounted(self)
        return Money(sum(values), self.currency) - self.covers

    @property
    def covers(self) -> Money:
        """What the covers cost."""
        return total((line.goods for line in self.lines if line.is_cover), self.currency)

    @property
    def goods(self) -> tuple[Line, ...]:
        """The lines that are goods."""
        return tuple(line for line in self.lines if not line.is_cover)


class PricedLine(Frozen):
    """A line with what the customer pays for it.

    Attributes:
        id: The cart line's.
        quantity: Pieces.
        goods: Price of the pieces before discounts, with or without VAT as the cart gave it.
        payable: With VAT, after discounts and with its share of the charges.
        charged: That share, with VAT.
        vat_percent: The VAT rate of the goods.
        kind: The cart line's.
    """

    id: str
    quantity: int
    goods: Money
    payable: Money
    charged: Money
    vat_percent: Decimal
    kind: LineKind = "goods"


class PricedDiscount(Frozen):
    """A discount with what it came to, with or without VAT as the cart's prices are.

    Attributes:
        id: The way to pay it is given for; empty for a discount of the cart's own.
    """

    name: str
    amount: Money
    id: str = ""


class VatPart(Frozen):
    """What the customer pays at one VAT rate.

    Attributes:
        percent: The rate.
        gross: Amount with VAT.
        vat: The VAT in it.
    """

    percent: Decimal
    gross: Money
    vat: Money

    @property
    def net(self) -> Money:
        """Amount without VAT."""
        return self.gross - self.vat


class Priced(Frozen):
    """What a cart costs with its charges, by line and by VAT rate. The parts add up exactly.

    Attributes:
        lines: As in the cart; their ``payable`` add up to the total.
        discounts: What each came to.
        charges: As they were given.
        vat: One part for each rate, the highest first; their ``gross`` add up to the total.
        prices_include_vat: Whether goods, discounts and charges are given with VAT.
    """

    lines: tuple[PricedLine, ...]
    discounts: tuple[PricedDiscount, ...]
    charges: tuple[Charge, ...]
    vat: tuple[VatPart, ...]
    prices_include_vat: bool

    @property
    def currency(self) -> str:
        """The currency of every amount."""
        return self.lines[0].payable.currency

    @property
    def goods(self) -> Money:
        """The goods before discounts, with or without VAT as the cart gave them; no covers."""
        goods = (line.goods for line in self.lines if line.kind == "goods")
        return total(goods, self.currency)

    @property
    def total(self) -> Money:
        """What the customer pays, with VAT."""
        return total((part.gross for part in self.vat), self.currency)

    @property
    def total_vat(self) -> Money:
        """The VAT in the total."""
        return total((part.vat for part in self.vat), self.currency)

    def line(self, line_id: str) -> PricedLine:
        """The line with this id.

        Raises:
            UsageError: If there is none.
        """
        for line in self.lines:
            if line.id == line_id:
                return line
        raise UsageError("no line has this id", field="lines")

    def unit_amount(self, line_id: str, first: int, last: int) -> Money:
        """What some pieces of a line cost the customer: those from ``first`` up to ``last``.

        Pieces are counted from zero and ``last`` is not among them, so the amounts of 0..2 and
        2..5 add up to that of 0..5, in whatever order they are shipped, cancelled or returned.

        Raises:
            UsageError: If there is no such line or it has no such pieces.
        """
        line = self.line(line_id)
        if not 0 <= first <= last <= line.quantity:
            raise UsageError(
                f"the line has {line.quantity} pieces, so none from {first} to {last}",
                field="lines",
            )
        pieces = line.quantity
        return share(line.payable, pieces, last) - share(line.payable, pieces, first)


def price(
    cart: Cart,
    charges: Sequence[Charge],
    *,
    law: Law,
    market: str,
    on: date,
    reduction: Charge | None = None,
) -> Priced:
    """Work out what a cart costs with its charges.

    VAT is worked out once for each rate, on the sum of what is taxed at it, and rounded half-up.
    Charges follow the goods: they are split over the rates by value, and within a rate over its
    lines. Where all goods are free, the pieces share the charges evenly. A cover is what it costs:
    no discount or charge is shared with it.

    Args:
        cart: The goods and their discounts.
        charges: Delivery and payment, in the cart's currency, with VAT if its prices are.
        law: Where the VAT rates are from.
        market: Where the goods go; a part behind a tax border is a market of its own.
        on: Date of supply, or of payment if that is earlier.
        reduction: A discount for the way to pay, taken off all goods after the cart's own
            discounts; at most what they are worth.

    Raises:
        InvalidInput: If a charge is in another currency, or the total is absurd.
        UnknownRule: If the law has no VAT rate for that market and date.

    Source: charges are part of what is taxed by VAT directive 2006/112 art. 78, Swedish act
    2023:200 ch. 8 and Icelandic act 50/1988 art. 7; splitting them by value is accepted practice.
    """
    currency = cart.currency
    for i, charge in enumerate(charges):
        if charge.amount.currency != currency:
            raise InvalidInput(f"the cart is in {currency}", field=f"charges[{i}].amount")

    categories = {line.vat_category for line in cart.lines}
    rate_of = {category: law.vat_rate(market, category, on) for category in categories}
    percent_of = {rate.basis: rate.percent for rate in rate_of.values()}
    # Lines by VAT rate, in hundredths of a per cent, in the order in which rates appear.
    lines_at: dict[int, list[int]] = {}
    for i, line in enumerate(cart.lines):
        lines_at.setdefault(rate_of[line.vat_category].basis, []).append(i)

    values, taken = _discounted(cart)
    is_goods = [not line.is_cover for line in cart.lines]
    if reduction is not None and reduction.amount.minor:
        values = _reduced(values, is_goods, reduction.amount, currency)
    weights = _only(values, is_goods)
    if not any(weights):
        weights = _only([line.quantity for line in cart.lines], is_goods)
    weight_at = [sum(weights[i] for i in indices) for indices in lines_at.values()]
    charged_at = spread(sum(charge.amount.minor for charge in charges), weight_at)

    parts = []
    payable = [0] * len(values)
    charged_of = [0] * len(values)
    for (basis, indices), charged in zip(lines_at.items(), charged_at, strict=True):
        shares = spread(charged, [weights[i] for i in indices]) if charged else [0] * len(indices)
        taxed = [values[i] + part for i, part in zip(indices, shares, strict=True)]
        amount = sum(taxed)
        if cart.prices_include_vat:
            gross, vat = amount, divide(amount * basis, 100_00 + basis, Rounding.HALF_UP)
        else:
            vat = divide(amount * basis, 100_00, Rounding.HALF_UP)
            gross = amount + vat
            nets, taxed = taxed, spread(gross, taxed) if amount else taxed
            shares = [
                divide(minor * part, net, Rounding.HALF_UP) if net else 0
                for minor, part, net in zip(taxed, shares, nets, strict=True)
            ]
        for i, minor, part in zip(indices, taxed, shares, strict=True):
            payable[i], charged_of[i] = minor, part
        parts.append((basis, gross, vat))

    return Priced(
        lines=tuple(
            PricedLine(
                id=line.id,
                quantity=line.quantity,
                goods=line.goods,
                payable=Money(minor, currency),
                charged=Money(charged, currency),
                vat_percent=rate_of[line.vat_category].percent,
                kind=line.kind,
            )
            for line, minor, charged in zip(cart.lines, payable, charged_of, strict=True)
        ),
        discounts=tuple(
            PricedDiscount(name=discount.name, amount=Money(minor, currency))
            for discount, minor in zip(cart.discounts, taken, strict=True)
        )
        + (
            (PricedDiscount(name=reduction.name, amount=reduction.amount, id=reduction.id),)
            if reduction is not None
            else ()
        ),
        charges=tuple(charges),
        vat=tuple(
            VatPart(
                percent=percent_of[basis], gross=Money(gross, currency), vat=Money(vat, currency)
            )
            for basis, gross, vat in sorted(parts, reverse=True)
        ),
        prices_include_vat=cart.prices_include_vat,
    )


def _discounted(cart: Cart) -> tuple[list[int], list[int]]:
    """Minor units of each line after discounts, and of each discount.

    Raises:
        ValidationError: If a discount takes more than is left of the lines it applies to.
    """
    values = [line.unit_price.minor * line.quantity for line in cart.lines]
    taken = []
    for i, discount in enumerate(cart.discounts):
        named = set(discount.lines)
        applies = [not line.is_cover and (not named or line.id in named) for line in cart.lines]
        left = list(compress(values, applies))
        minor = discount.worth(sum(left))
        if minor > sum(left):
            raise wrong("takes more than the goods are worth", "discounts", i, "amount")
        if minor:
            parts = iter(spread(minor, left))
            values = [
                value - next(parts) if applied else value
                for value, applied in zip(values, applies, strict=True)
            ]
        taken.append(minor)
    return values, taken


def _only(numbers: list[int], wanted: list[bool]) -> list[int]:
    """The numbers that are wanted, and nothing in place of the others."""
    return [number if is_wanted else 0 for number, is_wanted in zip(numbers, wanted, strict=True)]


def _reduced(values: list[int], is_goods: list[bool], amount: Money, currency: str) -> list[int]:
    """Take an amount off all the goods."""
    goods = _only(values, is_goods)
    if amount > Money(sum(goods), currency):
        raise InvalidInput("takes more than the goods are worth", field="reduction.amount")
    parts = spread(amount.minor, goods)
    return [value - part for value, part in zip(values, parts, strict=True)]


def _at_least(least: int, amount: Money) -> Money:
    if amount.minor < least:
        raise ValueError("cannot be negative" if least == 0 else "must be above zero")
    return amount
