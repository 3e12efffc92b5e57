"""Which covers are offered for a cart, what they cost, and why others are not."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from checkoutflow.cart import MAX_LINES
from checkoutflow.errors import UnknownRule
from checkoutflow.insurance.policies import CoverTerms, tax_on
from checkoutflow.insurance.quotes import MOST, Asked
from checkoutflow.law.insurance import AncillaryLimits, EuroRate, PremiumTax
from checkoutflow.law.rules import EVERYWHERE
from checkoutflow.money import Money, total
from checkoutflow.payment.catalogue import in_currency
from checkoutflow.texts import language_of, locale_of, mark, said, translate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    from checkoutflow.cart import Cart, Line
    from checkoutflow.insurance.products import Product, Wording
    from checkoutflow.insurance.quotes import Quote
    from checkoutflow.law import Law, Rule
    from checkoutflow.law.choice import Customer
    from checkoutflow.texts import Language

ReasonCode = Literal[
    "market",
    "customer",
    "age",
    "document",
    "no_rule",
    "without_vat",
    "goods",
    "used",
    "new",
    "too_old",
    "too_small",
    "too_large",
    "no_price",
    "no_quote",
    "registration",
    "no_room",
]

_REASONS: Final[Mapping[ReasonCode, str]] = MappingProxyType(
    {
        # Translators: these say to the shop why insurance or a warranty is not offered.
        "market": mark("It is not offered in {market}."),
        "customer": mark("It is not for this kind of customer."),
        "age": mark("The customer is younger than {age}."),
        "document": mark("Its information document is missing in a language of {market}."),
        "no_rule": mark("No rule on selling insurance is known in {market}."),
        "without_vat": mark("Its price has VAT in it, and this cart's prices do not."),
        "goods": mark("It covers nothing in this cart."),
        "used": mark("It does not cover used goods."),
        "new": mark("It does not cover new goods."),
        "too_old": mark("It covers goods of at most {months} months."),
        "too_small": mark("What it would cover is worth less than {limit}."),
        "too_large": mark("What it would cover is worth more than {limit}."),
        "no_price": mark("It has no price in {currency} for what it would cover."),
        "no_quote": mark("The partner {partner} has given no price."),
        "registration": mark(
            "Only who is registered as an intermediary may sell it: it costs more than {limit}, "
            "or covers other risks. State the shop's registration with the product."
        ),
        "no_room": mark("The cart has no room for its line."),
    }
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A cover that is not offered.

    Attributes:
        id: As the offer would be named; the product's id where it is about all of the cart.
        code: Why, as a code.
        facts: What the words need.
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
        return f"{words} ({self.rule.source})" if self.rule else words


@dataclass(frozen=True, slots=True)
class Buying:
    """What offers depend on.

    Attributes:
        cart: What is bought; its covers do not count.
        market: Country or territory code.
        on: The day of the contract where the market is.
        at: Now; aware.
        locale: Of the customer.
        customer: ``consumer`` or ``business``.
        age: In years, where known.
        arms: The arm of each of the shop's experiments.
        quotes: What partners quoted, by offer.
    """

    cart: Cart
    market: str
    on: date
    at: datetime
    locale: str
    customer: Customer = "consumer"
    age: int | None = None
    arms: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    quotes: Mapping[str, Quote] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Offer:
    """A cover that fits.

    Attributes:
        id: Names it in calls: the product, and the line for which it is.
        terms: What the customer would buy.
        units: Pieces, or one for the order.
        wording: The words that are tried on this customer, where there are any.
    """

    id: str
    product: Product
    terms: CoverTerms
    units: int
    wording: Wording | None = None

    @property
    def premium(self) -> Money:
        """What it costs for all the pieces, taxes included."""
        return self.terms.each * self.units

    @property
    def tax(self) -> Money:
        """The premium tax in it."""
        return Money(self.terms.tax(self.premium.minor), self.premium.currency)

    @property
    def rank(self) -> int:
        """Where it stands."""
        if self.wording is not None and self.wording.rank is not None:
            return self.wording.rank
        return self.product.rank


@dataclass(frozen=True, slots=True)
class Found:
    """The covers for a cart.

    Attributes:
        offers: In the order in which they stand.
        refused: What is not offered and why.
    """

    offers: tuple[Offer, ...] = ()
    refused: tuple[Refusal, ...] = ()

    def offer(self, offer_id: str) -> Offer | None:
        """The offer with this id, if there is one."""
        return next((offer for offer in self.offers if offer.id == offer_id), None)

    def refusal(self, offer_id: str) -> Refusal | None:
        """Why there is no such offer, if that is known."""
        product = offer_id.partition(":")[0]
        named = [each for each in self.refused if each.id in {offer_id, product}]
        return named[0] if named else None


def offer_id(product: Product, line: Line) -> str:
    """The name of the offer of a product for a line."""
    name = f"{product.id}:{line.id}"
    # A line's id may be as long as an id can be.
    return name if len(name) <= _LONGEST else f"{product.id}:{sha256(name.encode()).hexdigest()}"


_LONGEST: Final = 100


def find_offers(products: Sequence[Product], buying: Buying, law: Law) -> Found:
    """Work out which covers fit a cart.

    Args:
        products: The shop's, in its order.
        buying: For what and for whom.
        law: Premium tax, and when a shop may sell without being registered.
    """
    offers: list[Offer] = []
    refused: list[Refusal] = []
    for fit in (each for product in products for each in _fits(product, buying, law)):
        result = fit if isinstance(fit, Refusal) else _offered(fit, buying)
        if isinstance(result, Refusal):
            refused.append(result)
        else:
            offers.append(result)
    offers.sort(key=lambda offer: offer.rank)
    taken = {line.id for line in buying.cart.goods}
    fitting = [offer for offer in offers if offer.id not in taken][: MAX_LINES - len(taken)]
    refused += [Refusal(offer.id, "no_room") for offer in offers if offer not in fitting]
    return Found(tuple(fitting), tuple(refused))


@dataclass(frozen=True, slots=True)
class _Fit:
    """A product and what it would cover.

    Attributes:
        name: As the offer would be named.
        value: Worth of a piece, or of all pieces for an order.
    """

    name: str
    product: Product
    rules: _Rules
    lines: tuple[Line, ...]
    value: Money


def _fits(product: Product, buying: Buying, law: Law) -> Iterator[_Fit | Refusal]:
    """What a product covers of a cart: each line by itself, or the order; or why it does not."""
    try:
        rules = _Rules.of(product, buying, law)
    except UnknownRule:
        yield Refusal(product.id, "no_rule", {"market": buying.market})
        return
    if (refusal := _why_not_at_all(product, buying, law)) is not None:
        yield refusal
        return
    lines = tuple(line for line in buying.cart.goods if _is_of(product, line))
    if not lines:
        yield Refusal(product.id, "goods")
    elif product.per == "item":
        for line in lines:
            name = offer_id(product, line)
            refusal = _why_not_line(product, name, line)
            yield refusal or _within(_Fit(name, product, rules, (line,), line.unit_price))
    else:
        refusals = [_why_not_line(product, product.id, line) for line in lines]
        fitting = tuple(
            line for line, refusal in zip(lines, refusals, strict=True) if refusal is None
        )
        value = total((line.goods for line in fitting), buying.cart.currency)
        whole = _Fit(product.id, product, rules, fitting, value)
        yield _within(whole) if fitting else refusals[0] or whole


def _within(fit: _Fit) -> _Fit | Refusal:
    """What fits, unless it is worth too little or too much."""
    limits = (fit.product.minimum, fit.product.maximum)
    least, most = (in_currency(amounts, fit.value.currency) for amounts in limits)
    if least is not None and fit.value < least:
        return Refusal(fit.name, "too_small", {"limit": least})
    if most is not None and fit.value > most:
        return Refusal(fit.name, "too_large", {"limit": most})
    return fit


@dataclass(frozen=True, slots=True)
class _Rules:
    """What the law says of a product in a market.

    Attributes:
        tax_percent: The premium tax on it.
        limits: Within which anybody may sell it; None where it does not matter.
        per_euro: What one euro counts as in the cart's currency.
    """

    tax_percent: Decimal = Decimal(0)
    limits: AncillaryLimits | None = None
    per_euro: Decimal = Decimal(1)

    @classmethod
    def of(cls, product: Product, buying: Buying, law: Law) -> _Rules:
        """Look them up.

        Raises:
            UnknownRule: If one of them is not known.
        """
        if product.kind == "warranty":
            return cls()
        tax = law.rule_of(PremiumTax, buying.market, buying.on).percent_for(product.risks)
        if product.registration:
            return cls(tax)
        limits = law.rule_of(AncillaryLimits, buying.market, buying.on)
        currency = buying.cart.currency
        if currency == limits.yearly.currency:
            return cls(tax, limits)
        for rate in law.rules_of(EuroRate, EVERYWHERE, buying.on):
            if rate.currency == currency:
                return cls(tax, limits, rate.per_euro)
        raise UnknownRule(f"no EuroRate for {currency} on {buying.on}")


def _why_not_at_all(product: Product, buying: Buying, law: Law) -> Refusal | None:
    """Why a product is not for this sale, whatever is in the cart."""
    if product.markets and buying.market not in product.markets:
        return Refusal(product.id, "market", {"market": buying.market})
    if buying.customer not in product.customers:
        return Refusal(product.id, "customer")
    if buying.age is not None and buying.age < product.age_limit:
        return Refusal(product.id, "age", {"age": str(product.age_limit)})
    spoken = (buying.locale, *law.market(buying.market, buying.on).locales)
    if product.kind == "insurance" and document_for(product, spoken) is None:
        return Refusal(product.id, "document", {"market": buying.market})
    if product.kind == "warranty" and not buying.cart.prices_include_vat:
        return Refusal(product.id, "without_vat")
    return None


def document_for(product: Product, locales: Iterable[str]) -> tuple[Language, str] | None:
    """In which language its information document is there, and where; the first that is.

    Args:
        product: The cover.
        locales: The customer's, and then those of the market: its own language will do by law.
    """
    urls = product.document.urls if product.document else {}
    for language in map(language_of, locales):
        # Who reads Bokmål reads Nynorsk, and the other way round.
        norwegian: tuple[Language, ...] = ("nb", "nn") if language in {"nb", "nn"} else ()
        for each in (language, *norwegian):
            if each in urls:
                return each, urls[each]
    return None


def _is_of(product: Product, line: Line) -> bool:
    if not product.goods and not product.skus:
        return True
    return line.goods_category in product.goods or line.sku in product.skus


def _why_not_line(product: Product, name: str, line: Line) -> Refusal | None:
    if line.condition not in product.conditions:
        return Refusal(name, line.condition)
    oldest = product.max_age_months
    if oldest is not None and line.age_months > oldest:
        return Refusal(name, "too_old", {"months": str(oldest)})
    return None


def _offered(fit: _Fit, buying: Buying) -> Offer | Refusal:
    """The offer of what fits, or why there is none."""
    product, rules = fit.product, fit.rules
    result = _priced(fit, buying)
    if isinstance(result, Refusal):
        return result
    each, quote = result
    if rules.limits is not None and not rules.limits.allow(
        each,
        months=product.months,
        risks=product.risks,
        service_months=product.service_months,
        per_euro=rules.per_euro,
    ):
        return Refusal(fit.name, "registration", {"limit": rules.limits.yearly}, rules.limits)
    wording, tried = product.wording(buying.arms)
    terms = CoverTerms(
        product=product.id,
        name=said(product.name, buying.locale),
        kind=product.kind,
        lines=tuple(line.id for line in fit.lines),
        per=product.per,
        each=each,
        tax_percent=rules.tax_percent,
        insurer=product.insurer,
        commission_percent=product.commission_percent,
        months=product.months,
        cooling_off_days=product.cooling_off_days,
        document=product.document.version if product.document else "",
        quote=quote,
        wording=tried,
    )
    units = fit.lines[0].quantity if product.per == "item" else 1
    return Offer(fit.name, product, terms, units, wording)


def _priced(fit: _Fit, buying: Buying) -> tuple[Money, str] | Refusal:
    """What a piece costs with its tax, and under which quote."""
    product, value = fit.product, fit.value
    if product.premium is None:
        quote = buying.quotes.get(fit.name)
        if quote is None or not quote.holds(value, buying.at):
            return Refusal(fit.name, "no_quote", {"partner": product.quoted_by})
        each, reference = quote.each, quote.reference
    else:
        listed, reference = product.premium.of(value), ""
        if listed is None or listed.minor <= 0:
            return Refusal(fit.name, "no_price", {"currency": value.currency})
        each = listed
    if product.tax == "added":
        each += Money(tax_on(each.minor, fit.rules.tax_percent), each.currency)
    return each, reference


def to_ask(products: Sequence[Product], buying: Buying, law: Law) -> dict[str, list[Asked]]:
    """What partners have to be asked for this cart, by partner; quotes that hold are not."""
    asked: dict[str, list[Asked]] = {}
    for product in products:
        for fit in _fits(product, buying, law) if product.quoted_by else ():
            if isinstance(fit, Refusal) or not isinstance(_priced(fit, buying), Refusal):
                continue
            line = fit.lines[0] if product.per == "item" else None
            asked.setdefault(product.quoted_by, []).append(
                Asked(
                    offer=fit.name,
                    product=product.id,
                    market=buying.market,
                    goods_category=line.goods_category if line else "",
                    sku=line.sku if line else "",
                    condition=line.condition if line else "new",
                    age_months=line.age_months if line else 0,
                    value=fit.value,
                )
            )
    return {partner: wanted[:MOST] for partner, wanted in asked.items()}
