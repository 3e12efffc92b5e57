"""What a customer may choose from, what each choice costs, and in which order the choices stand.

First what is possible at all, then what the shop's rules make of it, then what the law leaves of
that. Nothing here is chosen for anybody, and nothing is kept: the checkout asks again whenever
something changes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from checkoutflow.cart import Charge, price
from checkoutflow.choice.available import why_no_delivery, why_not
from checkoutflow.choice.credit import credit_of, why_no_deferral
from checkoutflow.choice.lawful import in_lawful_order, lawful_amounts, not_preticked
from checkoutflow.choice.offers import DeliveryOption, Options, PaymentOption
from checkoutflow.choice.steer import rules_by_thing, wish
from checkoutflow.choice.words import Refusal
from checkoutflow.money import Money
from checkoutflow.texts import mark, said, translate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from checkoutflow.cart import Priced
    from checkoutflow.choice.rules import Rules
    from checkoutflow.choice.situation import Situation
    from checkoutflow.choice.steer import Wish
    from checkoutflow.choice.words import Explanation
    from checkoutflow.delivery import Delivery
    from checkoutflow.payment.methods import Way
    from checkoutflow.texts import Text


Thing = TypeVar("Thing", DeliveryOption, PaymentOption)


def options(rules: Rules, s: Situation) -> Options:
    """Work out what can be chosen.

    Args:
        rules: The shop's settings, the law, and what its providers can do.
        s: For whom and for what.

    Raises:
        UnknownRule: If the law has no VAT rate for the market, and prices are without VAT.
    """
    steering = rules_by_thing(rules.shop.steering, s)
    refused: list[Refusal] = []
    explanations: list[Explanation] = []

    deliveries = []
    for delivery in rules.shop.deliveries:
        listed = delivery.price(s.currency)
        asked = wish(steering["deliveries"].get(delivery.id, ()), s, listed.minor if listed else 0)
        refusal = why_no_delivery(delivery, s) or _hidden(delivery.id, asked)
        if refusal:
            refused.append(refusal)
        else:
            deliveries.append(_delivery(delivery, asked, rules, s, explanations))
    deliveries.sort(key=lambda option: option.rank)

    chosen = next((item for item in deliveries if item.id == s.delivery), None)
    sending = chosen.price.minor if chosen else 0
    amount = _total(rules, s, sending)
    rest = Money(max(amount.minor - s.credited, 0), s.currency)
    # What percentages are taken of: as the cart's prices are, and without what vouchers cover.
    basis = max(s.goods + sending - s.credited, 0)

    payments: list[PaymentOption] = []
    vouchers: list[Way] = []
    for way in rules.ways.values():
        asked = wish(steering["methods"].get(way.id, ()), s, basis)
        refusal = (
            why_not(way, s, rules, amount if way.covers_part else rest)
            or why_no_deferral(way, s, rules)
            or _hidden(way.id, asked)
        )
        if refusal:
            refused.append(refusal)
        elif way.covers_part:
            vouchers.append(way)
        else:
            payments.append(_asked_for(way, asked, basis, amount, s))
    offered, unlawful, changes = _lawful(payments, rules, s, sending, basis)
    refused += unlawful
    explanations += changes
    offered.sort(key=lambda option: option.wish.rank)
    offered, changes = in_lawful_order(offered, rules, s)
    explanations += changes
    return Options(
        deliveries=_one_preselected(deliveries),
        payments=_one_preselected(offered),
        vouchers=tuple(vouchers),
        refused=tuple(refused),
        explanations=tuple(explanations),
    )


def with_only_delivery(rules: Rules, s: Situation) -> tuple[Situation, Options]:
    """The options, with the chosen delivery if it is offered; where only one is, that one.

    With only one way of delivery there is nothing to choose, and its price shows at once.
    """
    found = options(rules, s)
    if found.delivery(s.delivery) is not None:
        return s, found
    only = found.deliveries[0].id if len(found.deliveries) == 1 else ""
    if only == s.delivery:
        return s, found
    s = replace(s, delivery=only)
    return s, options(rules, s)


def _hidden(thing_id: str, asked: Wish) -> Refusal | None:
    return Refusal(thing_id, "hidden", {"rule": asked.hidden_by}) if asked.hidden_by else None


def _total(rules: Rules, s: Situation, charges: int, reduction: int = 0) -> Money:
    """Goods, covers, charges and reduction, VAT included; amounts are as the cart's prices are."""
    if s.cart.prices_include_vat:
        return Money(s.goods + s.covers + charges - reduction, s.currency)
    extra = [Charge(kind="delivery", id="-", name="-", amount=Money(charges, s.currency))]
    off = Charge(kind="payment", id="-", name="-", amount=Money(reduction, s.currency))
    return price(s.cart, extra, law=rules.law, market=s.market, on=s.on, reduction=off).total


def _delivery(
    delivery: Delivery, asked: Wish, rules: Rules, s: Situation, explanations: list[Explanation]
) -> DeliveryOption:
    listed = delivery.price(s.currency)
    # Only a delivery with a price in this currency comes here.
    minor = (listed.minor if listed else 0) + asked.fee - asked.discount
    cost = Money(0 if asked.is_free else max(minor, 0), s.currency)
    is_preselected = asked.preselect
    if is_preselected and cost.minor:
        is_preselected = False
        explanations.append(not_preticked(delivery.id, rules, s))
    return DeliveryOption(
        delivery=delivery,
        price=cost,
        total=_total(rules, s, cost.minor),
        rank=asked.rank,
        recommendation=asked.recommend,
        is_preselected=is_preselected,
    )


def _asked_for(way: Way, asked: Wish, basis: int, total: Money, s: Situation) -> PaymentOption:
    """What the shop's rules ask for. A discount is never more than what is to be paid.

    Where vouchers cover everything, no way to pay is used, and none costs anything.
    """
    is_free = asked.is_free or total.minor <= s.credited
    return PaymentOption(
        way=way,
        fee=Money(0 if is_free else asked.fee, s.currency),
        discount=Money(min(asked.discount, basis, s.goods), s.currency),
        total=total,
        wish=asked,
        recommendation=asked.recommend,
        is_preselected=asked.preselect,
    )


def _lawful(
    asked: Sequence[PaymentOption], rules: Rules, s: Situation, sending: int, basis: int
) -> tuple[list[PaymentOption], list[Refusal], list[Explanation]]:
    """What the law leaves of ways to pay, those it does not let be offered, and what it changed.

    Rules on fees and discounts compare what is offered, so they are asked again without a credit
    that is refused.
    """
    refused: list[Refusal] = []
    while True:
        left, explanations = lawful_amounts(asked, rules, s, basis)
        offered = []
        unlawful = {}
        for option in left:
            result = _with_total(option, rules, s, sending)
            if isinstance(result, Refusal):
                unlawful[option.id] = result
            else:
                offered.append(result[0])
                explanations += result[1]
        if not unlawful:
            return offered, refused, explanations
        refused += unlawful.values()
        asked = [option for option in asked if option.id not in unlawful]


def _with_total(
    option: PaymentOption, rules: Rules, s: Situation, sending: int
) -> tuple[PaymentOption, Sequence[Explanation]] | Refusal:
    """The option with what it means as a credit, and what the customer would pay in all."""
    fee, discount = option.fee.minor, option.discount.minor
    if not (fee or discount or option.way.is_deferred):
        return option, ()
    without_fee = _total(rules, s, sending, discount) if discount else option.total
    total = _total(rules, s, sending + fee, discount) if fee else without_fee
    put_off = Money(max(without_fee.minor - s.credited, 0), s.currency)
    result = credit_of(option, rules, s, put_off, total - without_fee)
    if isinstance(result, Refusal):
        return result
    total = total if result.fee.minor else without_fee
    return replace(option, fee=result.fee, credit=result.credit, total=total), result.explanations


def _one_preselected(things: Sequence[Thing]) -> tuple[Thing, ...]:
    """Only the first of those that may be shown as chosen is."""
    first = next((thing.id for thing in things if thing.is_preselected), None)
    return tuple(
        replace(thing, is_preselected=False)
        if thing.is_preselected and thing.id != first
        else thing
        for thing in things
    )


def priced(rules: Rules, s: Situation, found: Options, method: str, locale: str) -> Priced:
    """What the cart costs with the chosen delivery and way to pay.

    Args:
        rules: The shop's settings and the law.
        s: The situation that the options were worked out for.
        found: Those options. What is chosen and no longer offered costs nothing.
        method: The chosen way to pay; empty while none is.
        locale: In which language charges and discounts are named.

    Raises:
        UnknownRule: If the law has no VAT rate for the market.
    """
    charges = []
    if (sent := found.delivery(s.delivery)) is not None:
        name = said(sent.delivery.name, locale)
        charges.append(Charge(kind="delivery", id=sent.id, name=name, amount=sent.price))
    reduction = None
    if (paid := found.payment(method)) is not None:
        label = payment_label(paid.way, paid.wish.fee_label, "fee", locale)
        if paid.fee.minor:
            charges.append(Charge(kind="payment", id=paid.id, name=label, amount=paid.fee))
        label = payment_label(paid.way, paid.wish.discount_label, "discount", locale)
        if paid.discount.minor:
            reduction = Charge(kind="payment", id=paid.id, name=label, amount=paid.discount)
    return price(s.cart, charges, law=rules.law, market=s.market, on=s.on, reduction=reduction)


# Translators: what stands beside the amount of a fee or discount; {name} is a way to pay.
_LABELS: Final = {"fee": mark("Fee, {name}"), "discount": mark("Discount, {name}")}


def payment_label(
    way: Way, label: Text | None, what: Literal["fee", "discount"], locale: str
) -> str:
    """What the customer reads beside a fee or a discount for a way to pay."""
    if label is not None:
        return said(label, locale)
    return translate(_LABELS[what], locale).format(name=said(way.name, locale))
