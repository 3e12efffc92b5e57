"""Deciding while the customer chooses: the start, the cart, the details, the choices, and "buy"."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from checkoutflow.checkout import commands as c
from checkoutflow.checkout import events as e
from checkoutflow.checkout.draft import Draft, Rules, price_now
from checkoutflow.checkout.needs import (
    deliveries,
    methods,
    missing_choices,
    missing_details,
    needs_delivery,
    why_not,
)
from checkoutflow.checkout.state import Credit, Tender
from checkoutflow.errors import DetailsMissing, InvalidInput, NotSupported, TotalChanged
from checkoutflow.money import total
from checkoutflow.privacy.fields import declared

if TYPE_CHECKING:
    from datetime import datetime

    from checkoutflow.cart import Cart, Priced
    from checkoutflow.checkout.state import Customer
    from checkoutflow.payment.methods import Method


def start(command: c.Start, rules: Rules, at: datetime) -> e.Started:
    """Begin a checkout.

    Raises:
        InvalidInput: If the shop does not sell to that market, or the cart is in a currency that
            the market does not pay in.
    """
    if command.market not in rules.shop.markets:
        markets = ", ".join(rules.shop.markets)
        raise InvalidInput(f"the shop sells to {markets}", field="market")
    currency = rules.law.market(command.market, at.date()).currency
    if command.cart.currency != currency:
        raise InvalidInput(f"{command.market} pays in {currency}", field="cart.lines[0].unit_price")
    _prices_fit(command.cart, command.customer)
    delivery = _only_delivery(rules, command.cart, command.market)
    return e.Started(
        checkout=command.checkout,
        subject=command.subject,
        market=command.market,
        locale=command.locale,
        customer=command.customer,
        cart=command.cart,
        priced=price_now(
            rules,
            at,
            cart=command.cart,
            delivery=delivery,
            market=command.market,
            locale=command.locale,
        ),
        delivery=delivery,
        at=at,
        expires_at=at + timedelta(seconds=rules.shop.lifetime_s),
    )


def _prices_fit(cart: Cart, customer: Customer) -> None:
    if customer == "consumer" and not cart.prices_include_vat:
        raise InvalidInput("consumers see prices with VAT", field="cart.prices_include_vat")


def _only_delivery(rules: Rules, cart: Cart, market: str) -> str:
    """With only one way of delivery there is nothing to choose, and its price shows at once."""
    if all(line.digital for line in cart.lines):
        return ""
    fitting = [
        delivery.id for delivery in rules.shop.deliveries if delivery.serves(market, cart.currency)
    ]
    if not fitting:
        raise InvalidInput(f"the shop has no delivery to {market} in {cart.currency}", field="cart")
    return fitting[0] if len(fitting) == 1 else ""


def change_cart(draft: Draft, command: c.ChangeCart) -> None:
    """Take another cart and drop the choices that no longer fit it."""
    state, rules = draft.state, draft.rules
    if command.cart.currency != state.cart.currency:
        raise InvalidInput(
            f"this checkout is in {state.cart.currency}; start another one",
            field="cart.lines[0].unit_price",
        )
    _prices_fit(command.cart, state.customer)
    changed = state.but(cart=command.cart)
    only = _only_delivery(rules, command.cart, state.market)
    still = {delivery.id for delivery in deliveries(changed, rules)}
    delivery = state.delivery if state.delivery in still else only
    priced = _price(draft, command.cart, delivery)
    changed = changed.but(delivery=delivery, priced=priced)
    # Credits are kept in their order for as long as they fit into the new total.
    kept: list[Credit] = []
    for credit in state.credits:
        if total((item.amount for item in (*kept, credit)), priced.currency) <= priced.total:
            kept.append(credit)
    changed = changed.but(credits=tuple(kept))
    fitting = {method.id for method in methods(changed, rules)}
    draft.add(
        e.CartChanged(
            cart=command.cart,
            priced=priced,
            delivery=delivery,
            method=state.method if state.method in fitting else "",
            credits_dropped=tuple(item.method for item in state.credits if item not in kept),
            expires_at=draft.fresh_expiry(),
        )
    )


def _price(draft: Draft, cart: Cart, delivery: str) -> Priced:
    return price_now(
        draft.rules,
        draft.at,
        cart=cart,
        delivery=delivery,
        market=draft.state.market,
        locale=draft.state.locale,
    )


def provide(draft: Draft, command: c.Provide) -> None:
    """Note which contact fields the vault holds now."""
    for name in command.fields:
        declared(name)
    draft.add(e.DetailsProvided(fields=command.fields, expires_at=draft.fresh_expiry()))


def choose_delivery(draft: Draft, command: c.ChooseDelivery) -> None:
    """Take a way of delivery, with its price."""
    offered = deliveries(draft.state, draft.rules)
    if command.delivery not in {delivery.id for delivery in offered}:
        if not needs_delivery(draft.state):
            raise InvalidInput("nothing in this cart is sent", field="delivery")
        names = ", ".join(delivery.id for delivery in offered)
        raise InvalidInput(f"choose one of {names}", field="delivery")
    priced = _price(draft, draft.state.cart, command.delivery)
    draft.add(
        e.DeliveryChosen(delivery=command.delivery, priced=priced, expires_at=draft.fresh_expiry())
    )
    _drop_credits_above_the_total(draft)


def _drop_credits_above_the_total(draft: Draft) -> None:
    while draft.state.credited > draft.state.total:
        last = draft.state.credits[-1]
        draft.add(e.CreditRemoved(method=last.method, expires_at=draft.fresh_expiry()))


def _method(draft: Draft, method_id: str, *, credit: bool) -> Method:
    method = draft.rules.shop.method(method_id)
    if method is None or method.credit is not credit:
        offered = methods(draft.state, draft.rules, credit=credit)
        names = ", ".join(item.id for item in offered) or "none, on this checkout"
        raise InvalidInput(f"choose one of: {names}", field="method")
    if reason := why_not(method, draft.state, draft.rules):
        raise NotSupported(f"{method_id} cannot pay this: {reason}", field="method")
    return method


def choose_payment(draft: Draft, command: c.ChoosePayment) -> None:
    """Take a way to pay what credits do not cover."""
    method = _method(draft, command.method, credit=False)
    draft.add(e.PaymentChosen(method=method.id, expires_at=draft.fresh_expiry()))


def add_credit(draft: Draft, command: c.AddCredit) -> None:
    """Let a gift card or store credit cover part of the total."""
    state = draft.state
    if any(credit.method == command.method for credit in state.credits):
        draft.add(e.CreditRemoved(method=command.method, expires_at=draft.fresh_expiry()))
        state = draft.state
    method = _method(draft, command.method, credit=True)
    left = state.total - state.credited
    if command.amount.currency != left.currency:
        raise InvalidInput(f"this checkout is in {left.currency}", field="amount")
    if command.amount.minor <= 0:
        raise InvalidInput("is above zero", field="amount")
    if command.amount > left:
        raise InvalidInput(f"is at most what is left to pay, {left}", field="amount")
    if method.takes_code:
        others = [draft.rules.shop.method(credit.method) for credit in state.credits]
        if any(other and other.takes_code for other in others):
            raise NotSupported("one code at a time; remove the other first", field="method")
        if "gift_card_code" not in state.provided:
            raise DetailsMissing(["gift_card_code"])
    draft.add(
        e.CreditAdded(method=method.id, amount=command.amount, expires_at=draft.fresh_expiry())
    )


def remove_credit(draft: Draft, command: c.RemoveCredit) -> None:
    """Do not use that credit after all."""
    if not any(credit.method == command.method for credit in draft.state.credits):
        raise InvalidInput("no such credit is on this checkout", field="method")
    draft.add(e.CreditRemoved(method=command.method, expires_at=draft.fresh_expiry()))


def place(draft: Draft, command: c.Place) -> None:
    """Take the customer's word for the total, and begin a round of payments.

    Raises:
        DetailsMissing: If something was not asked or chosen yet.
        TotalChanged: If the customer accepted another total than the one that holds now.
    """
    state, rules = draft.state, draft.rules
    # The law of the day of the purchase holds, also for a checkout that began the day before.
    priced = _price(draft, state.cart, state.delivery)
    current = state.but(priced=priced)
    details = [need.field for need in missing_details(current, rules)]
    if missing := [*missing_choices(current, rules), *details]:
        raise DetailsMissing(missing)
    if command.accepted_total != priced.total:
        raise TotalChanged(str(command.accepted_total), str(priced.total))
    rest = priced.total - current.credited
    shares = [(credit.method, credit.amount) for credit in state.credits]
    if not rest.is_zero:
        shares.append((state.method, rest))
    tenders = []
    for payment_id, (method_id, amount) in zip(command.payments, shares, strict=False):
        method = _method(draft, method_id, credit=amount is not rest)
        tenders.append(
            Tender(payment=payment_id, method=method.id, provider=method.provider, amount=amount)
        )
    if len(tenders) < len(shares):
        raise InvalidInput(f"{len(shares)} ids are needed", field="payments")
    if not command.return_url and any(tender.provider for tender in tenders):
        raise InvalidInput(
            "is needed: the address to which the provider sends the customer back",
            field="return_url",
        )
    draft.add(
        e.Placed(
            accepted_total=command.accepted_total,
            priced=priced,
            tenders=tuple(tenders),
            return_url=command.return_url,
            expires_at=draft.at + timedelta(seconds=rules.shop.pay_within_s),
        )
    )
