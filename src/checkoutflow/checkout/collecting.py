"""Deciding while the customer chooses: the start, the cart, the details, the choices, and "buy".

Whatever is chosen or changed, the options are worked out again afterwards (`settle`): what no
longer fits is dropped, and the total is what the choices that stand come to.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from checkoutflow.checkout import commands as c
from checkoutflow.checkout import events as e
from checkoutflow.checkout.insuring import answers_to, with_standing
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.needs import (
    kept,
    missing_choices,
    missing_details,
    situation,
    taken,
    takers,
    to_be_shared,
)
from checkoutflow.checkout.state import Credit, Tender
from checkoutflow.choice.options import options, priced, with_only_delivery
from checkoutflow.choice.situation import Situation
from checkoutflow.choice.variants import arms_of
from checkoutflow.errors import (
    DetailsMissing,
    InvalidInput,
    NotSupported,
    TooManyTries,
    TotalChanged,
)
from checkoutflow.money import total
from checkoutflow.payment.bounds import require_return
from checkoutflow.payment.routing import providers_for
from checkoutflow.privacy.consent import Consent, version_of
from checkoutflow.privacy.fields import declared

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from checkoutflow.cart import Cart, Priced
    from checkoutflow.checkout.draft import Draft
    from checkoutflow.checkout.state import Checkout
    from checkoutflow.choice.offers import Options, PaymentOption
    from checkoutflow.choice.rules import Rules
    from checkoutflow.insurance import Policy
    from checkoutflow.law.choice import Customer
    from checkoutflow.money import Money
    from checkoutflow.payment.methods import Way

# What another market reads otherwise, or cannot deliver to.
OF_AN_ADDRESS: Final = ("street", "postal_code", "city", "country")


def start(command: c.Start, rules: Rules, at: datetime) -> e.Started:
    """Begin a checkout.

    Raises:
        InvalidInput: If the shop does not sell to that market, or the cart is in a currency that
            the market does not pay in.
    """
    check_sold_in(rules, command.cart, command.market, command.customer, at)
    arms = arms_of(rules.shop.experiments, command.checkout, command.market)
    s = Situation(
        cart=command.cart,
        market=command.market,
        at=at,
        customer=command.customer,
        arms=arms,
        day=rules.law.day(command.market, at),
    )
    s, found = with_only_delivery(rules, s)
    return e.Started(
        checkout=command.checkout,
        subject=command.subject,
        market=command.market,
        locale=command.locale,
        customer=command.customer,
        cart=command.cart,
        priced=priced(rules, s, found, "", command.locale),
        delivery=s.delivery,
        adult=command.adult,
        arms=arms,
        at=at,
        expires_at=at + timedelta(seconds=rules.shop.lifetime_s),
    )


def check_sold_in(rules: Rules, cart: Cart, market: str, customer: Customer, at: datetime) -> None:
    """See that the shop can sell this cart there.

    Raises:
        InvalidInput: If it cannot; ``field`` says whether the market or the cart is in the way.
    """
    for i, line in enumerate(cart.lines):
        if line.is_cover:
            raise InvalidInput(
                "covers are offered by the checkout and answered with answer_insurance; "
                "a shop's cart has goods only",
                field=f"cart.lines[{i}].kind",
            )
    if market not in rules.shop.markets:
        markets = ", ".join(rules.shop.markets)
        raise InvalidInput(f"the shop sells to {markets}", field="market")
    currency = rules.law.market(market, rules.law.day(market, at)).currency
    if cart.currency != currency:
        raise InvalidInput(f"{market} pays in {currency}", field="cart.lines[0].unit_price")
    if customer == "consumer" and not cart.prices_include_vat:
        raise InvalidInput("consumers see prices with VAT", field="cart.prices_include_vat")
    if all(line.digital for line in cart.lines):
        return
    if not any(_serves(rules, i, market, currency) for i in range(len(rules.shop.deliveries))):
        raise InvalidInput(f"the shop has no delivery to {market} in {currency}", field="cart")


def _serves(rules: Rules, place: int, market: str, currency: str) -> bool:
    delivery = rules.shop.deliveries[place]
    is_there = not delivery.markets or market in delivery.markets
    return is_there and delivery.price(currency) is not None


class _Standing(NamedTuple):
    """What stands of the choices of a checkout, and the options it stands on."""

    s: Situation
    found: Options
    method: str
    credits: tuple[Credit, ...]
    priced: Priced
    policies: tuple[Policy, ...]


def _standing(state: Checkout, rules: Rules, at: datetime) -> _Standing:
    """Work out what stands of the choices, and what it costs.

    Credits are kept in their order for as long as they fit into the total. What a way to pay
    costs depends on how much of the total is left to it, so the total is worked out again for
    fewer credits.
    """
    state = with_standing(state, rules, at)
    kept = state.credits
    while True:
        s, found = with_only_delivery(rules, situation(state.but(credits=kept), rules, at))
        method = state.method if found.payment(state.method) is not None else ""
        now = priced(rules, s, found, method, state.locale)
        vouchers = {way.id for way in found.vouchers}
        fitting: list[Credit] = []
        for credit in kept:
            is_more = total((x.amount for x in (*fitting, credit)), now.currency) > now.total
            if credit.method in vouchers and not is_more:
                fitting.append(credit)
        if len(fitting) == len(kept):
            return _Standing(s, found, method, kept, now, state.policies)
        kept = tuple(fitting)


def settle(draft: Draft, now: _Standing | None = None) -> None:
    """Let what follows from a change happen: another total, choices dropped."""
    state = draft.state
    now = now or _standing(state, draft.rules, draft.at)
    chosen = (now.s.delivery, now.method)
    explained = tuple(item.noted() for thing in chosen if thing for item in now.found.about(thing))
    is_same = (state.delivery, state.method) == chosen and state.policies == now.policies
    if is_same and state.credits == now.credits and state.priced == now.priced:
        return
    draft.add(
        e.Repriced(
            priced=now.priced,
            delivery=now.s.delivery,
            method=now.method,
            credits_dropped=tuple(
                credit.method for credit in state.credits if credit not in now.credits
            ),
            explained=explained,
            policies=None if state.policies == now.policies else now.policies,
        )
    )


def change_cart(draft: Draft, command: c.ChangeCart) -> None:
    """Take another cart, and drop the choices that no longer fit it.

    In another market the address must be given again, and credits in another currency go.
    """
    state = draft.state
    market = command.market or state.market
    if command.cart.currency != state.cart.currency and market == state.market:
        raise InvalidInput(
            f"this checkout is in {state.cart.currency}; name the market of the new currency",
            field="cart.lines[0].unit_price",
        )
    check_sold_in(draft.rules, command.cart, market, state.customer, draft.at)
    if market != state.market:
        _drop(draft, OF_AN_ADDRESS)
    if command.cart.currency != state.cart.currency:
        for credit in state.credits:
            draft.add(e.CreditRemoved(method=credit.method, expires_at=draft.fresh_expiry()))
    draft.add(
        e.CartChanged(
            cart=command.cart,
            market=market,
            expires_at=draft.fresh_expiry(),
        )
    )
    settle(draft)


def provide(draft: Draft, command: c.Provide) -> None:
    """Note which contact fields the vault holds now, and in which areas the customer lives.

    Whether they are needed is seen when everything else of the change is done (`only_needed`).
    """
    for name in command.fields:
        declared(name)
    draft.add(
        e.DetailsProvided(
            fields=command.fields, areas=command.areas, expires_at=draft.fresh_expiry()
        )
    )
    if command.areas is not None and draft.rules.shop.areas:
        settle(draft)


def only_needed(draft: Draft, given: Sequence[c.Provide]) -> None:
    """Take nothing that nothing in the order can need, and let go of what only a choice needed.

    Args:
        draft: With everything else that the change does.
        given: The contact fields that came with it.

    Raises:
        InvalidInput: If the customer gave a field that nothing needs. What was filled in for them
            is left out instead.
    """
    state, rules = draft.state, draft.rules
    typed = {name for each in given for name in each.fields if name not in each.filled}
    names = dict.fromkeys(name for each in given for name in each.fields)
    if state.phase is Phase.COLLECTING:
        names |= dict.fromkeys(x for x in state.provided if declared(x).is_for_a_choice)
    held = kept(state, rules) if names else {}
    if names.keys() <= held.keys():
        return
    held = taken(state, rules, draft.at)
    problems = [(name, _unneeded(name, rules)) for name in names if name in typed - held.keys()]
    if problems:
        field, message = problems[0]
        raise InvalidInput(message, field=field, problems=problems)
    _drop(draft, names.keys() - held.keys())


def _unneeded(name: str, rules: Rules) -> str:
    things = takers(name, rules)
    if not things:
        return "nothing that this shop sells needs it; leave it out"
    return f"nothing in this order needs it; choose that first: {', '.join(things)}"


def _drop(draft: Draft, names: Collection[str]) -> None:
    """Let go of contact fields that were given."""
    fields = tuple(name for name in draft.state.provided if name in names)
    if fields:
        draft.add(e.DetailsDropped(fields=fields))


def choose_delivery(draft: Draft, command: c.ChooseDelivery) -> None:
    """Take a way of delivery, with its price."""
    s = situation(draft.state, draft.rules, draft.at)
    if not s.is_sent:
        raise InvalidInput("nothing in this cart is sent", field="delivery")
    found = options(draft.rules, s)
    if found.delivery(command.delivery) is None:
        names = ", ".join(option.id for option in found.deliveries) or "none, on this checkout"
        raise InvalidInput(f"choose one of {names}", field="delivery")
    draft.add(e.DeliveryChosen(delivery=command.delivery, expires_at=draft.fresh_expiry()))
    settle(draft)


def choose_payment(draft: Draft, command: c.ChoosePayment) -> None:
    """Take a way to pay what credits do not cover, with what it costs."""
    now = _standing(draft.state.but(method=command.method), draft.rules, draft.at)
    if not now.method:
        way = draft.rules.ways.get(command.method)
        raise _not_offered(now.found, command.method, way if way and not way.covers_part else None)
    draft.add(e.PaymentChosen(method=command.method, expires_at=draft.fresh_expiry()))
    settle(draft, now)


def _not_offered(found: Options, method: str, way: Way | None) -> Exception:
    """Why it cannot be chosen, or what can be chosen instead of what there is not."""
    refusal = found.refusal(method)
    if way is not None and refusal is not None:
        return NotSupported(f"{method} cannot pay this: {refusal.text()}", field="method")
    names = ", ".join(option.id for option in found.payments) or "none, on this checkout"
    return InvalidInput(f"choose one of: {names}", field="method")


def add_credit(draft: Draft, command: c.AddCredit) -> None:
    """Let a gift card or store credit cover part of the total."""
    if any(credit.method == command.method for credit in draft.state.credits):
        remove_credit(draft, c.RemoveCredit(method=command.method))
    state = draft.state
    found = options(draft.rules, situation(state, draft.rules, draft.at))
    way = next((way for way in found.vouchers if way.id == command.method), None)
    if way is None:
        raise _no_voucher(found, command.method, draft.rules)
    left = state.total - state.credited
    if command.amount.currency != left.currency:
        raise InvalidInput(f"this checkout is in {left.currency}", field="amount")
    if command.amount.minor <= 0:
        raise InvalidInput("is above zero", field="amount")
    if command.amount > left:
        raise InvalidInput(f"is at most what is left to pay, {left}", field="amount")
    if way.takes_code:
        others = [draft.rules.ways.get(credit.method) for credit in state.credits]
        if any(other and other.takes_code for other in others):
            raise NotSupported("one code at a time; remove the other first", field="method")
        if "gift_card_code" not in state.provided:
            raise DetailsMissing(["gift_card_code"])
    draft.add(e.CreditAdded(method=way.id, amount=command.amount, expires_at=draft.fresh_expiry()))
    settle(draft)
    if all(credit.method != way.id for credit in draft.state.credits):
        # A fee that was part of what is left shrinks with it.
        raise InvalidInput("takes away a fee that it was to cover; use less", field="amount")


def _no_voucher(found: Options, method: str, rules: Rules) -> Exception:
    way, refusal = rules.ways.get(method), found.refusal(method)
    if way is not None and way.covers_part and refusal is not None:
        return NotSupported(f"{method} cannot pay this: {refusal.text()}", field="method")
    names = ", ".join(way.id for way in found.vouchers) or "none, on this checkout"
    return InvalidInput(f"choose one of: {names}", field="method")


def remove_credit(draft: Draft, command: c.RemoveCredit) -> None:
    """Do not use that credit after all."""
    if not any(credit.method == command.method for credit in draft.state.credits):
        raise InvalidInput("no such credit is on this checkout", field="method")
    draft.add(e.CreditRemoved(method=command.method, expires_at=draft.fresh_expiry()))
    settle(draft)


def answer_insurance(draft: Draft, command: c.AnswerInsurance) -> None:
    """Take covers that are offered into the cart, or out of it.

    Raises:
        InvalidInput: If there is no such offer, question or answer.
        NotSupported: If it cannot be had here, or is not for somebody with these answers.
        DetailsMissing: If a question is not answered.
    """
    if said := answers_to(draft, command):
        draft.add(e.InsuranceAnswered(answers=said, expires_at=draft.fresh_expiry()))
    settle(draft)


def take_quotes(draft: Draft, command: c.TakeQuotes) -> None:
    """Keep what partners quoted; a cover that is had for another price is offered again."""
    if command.quotes:
        kept = {each.offer: each for each in draft.state.quotes if draft.at < each.valid_until}
        kept |= {each.offer: each for each in command.quotes}
        quotes = tuple(kept.values())
        draft.add(e.QuotesTaken(quotes=quotes, expires_at=draft.fresh_expiry()))
    settle(draft)


def place(draft: Draft, command: c.Place) -> None:
    """Take the customer's word for the total, and begin a round of payments.

    What was told for choices that were not made after all is let go.

    Raises:
        DetailsMissing: If something was not asked or chosen yet, or cannot be chosen any more, or
            the customer has not agreed to a credit that needs it.
        InvalidInput: If a gift card or store credit cannot be used any more, a cover not be had so,
            the address to come back to is none of the shop's, or the customer could refuse what
            this shop asks nobody.
        TooManyTries: If a way to pay was tried too often in this checkout.
        TotalChanged: If the customer accepted another total than the one that holds now.
    """
    state, rules = draft.state, draft.rules
    if command.could_say_no and Consent.NO_MARKETING not in rules.shop.consents:
        raise InvalidInput("needs no_marketing among the shop's consents", field="could_say_no")
    # The law and the shop's rules of this moment hold, also for a checkout that began before.
    now = _standing(state, rules, draft.at)
    current = state.but(priced=now.priced, credits=now.credits)
    shared = to_be_shared(current, rules)
    missing_now = (need.field for need in missing_details(current, rules))
    details = [name for name in missing_now if name not in shared]
    paid = now.found.payment(state.method)
    credit = _credit_terms(paid, command)
    consent = ["credit_consent"] if credit and not credit.is_accepted else []
    if missing := [*missing_choices(current, now.s, now.found), *details, *consent]:
        raise DetailsMissing(missing)
    _all_stands(state, now)
    if command.accepted_total != now.priced.total:
        raise TotalChanged(str(command.accepted_total), str(now.priced.total))
    rest = now.priced.total - state.credited
    tenders = _tenders(draft, command, rest, shared)
    if not command.return_url and any(tender.provider for tender in tenders):
        raise InvalidInput(
            "is needed: the address to which the provider sends the customer back",
            field="return_url",
        )
    require_return(command.return_url, rules.shop.return_origins)
    _not_too_often(draft, tenders)
    _drop(draft, {*state.provided} - kept(current, rules).keys())
    if command.could_say_no and not state.could_say_no:
        text = version_of(Consent.NO_MARKETING)
        draft.add(e.RefusalOffered(text=text, locale=state.locale))
    draft.add(
        e.Placed(
            accepted_total=command.accepted_total,
            priced=now.priced,
            tenders=tenders,
            credit=None if rest.is_zero else credit,
            return_url=command.return_url,
            expires_at=draft.at + timedelta(seconds=rules.shop.pay_within_s),
            signals=command.signals,
        )
    )


def _all_stands(state: Checkout, now: _Standing) -> None:
    """See that what the customer said yes to can still be had.

    Raises:
        InvalidInput: If something cannot.
    """
    if gone := [item.method for item in state.credits if item not in now.credits]:
        raise InvalidInput(f"{gone[0]} cannot be used any more; remove it", field="credits")
    standing = {policy.id for policy in now.policies}
    if gone := [item.id for item in state.accepted if item.id not in standing]:
        raise InvalidInput(f"{gone[0]} is not offered so any more; decline it", field="insurance")


def _not_too_often(draft: Draft, tenders: tuple[Tender, ...]) -> None:
    """See that nobody tries one card after the other.

    Raises:
        TooManyTries: If one of the ways to pay was tried too often in this checkout.
    """
    tried = Counter(payment.method for payment in draft.state.payments)
    most = draft.rules.shop.tries.in_checkout
    if worn := [it.method for it in tenders if it.provider and tried[it.method] >= most]:
        raise TooManyTries(
            f"{worn[0]} was tried {most} times in this checkout; let the customer choose another "
            "way to pay",
            field="method",
        )


def _tenders(
    draft: Draft, command: c.Place, rest: Money, shared: tuple[str, ...]
) -> tuple[Tender, ...]:
    """The payments of this round: one for each credit, and one for the rest."""
    state, rules = draft.state, draft.rules
    shares = [(item.method, item.amount) for item in state.credits]
    if not rest.is_zero:
        shares.append((state.method, rest))
    if len(command.payments) < len(shares):
        raise InvalidInput(f"{len(shares)} ids are needed", field="payments")
    tenders = tuple(
        _tender(payment_id, rules.ways[method], amount, draft, command.down)
        for payment_id, (method, amount) in zip(command.payments, shares, strict=False)
    )
    return (*tenders[:-1], tenders[-1].but(shares=shared)) if shared else tenders


def _tender(
    payment_id: str, way: Way, amount: Money, draft: Draft, down: Collection[str]
) -> Tender:
    """One payment, with the providers that can take it in the order in which to ask them.

    Raises:
        NotSupported: If there is none.
    """
    market, capabilities = draft.state.market, draft.rules.capabilities
    names = providers_for(way.routes, market, amount, capabilities, down)
    if way.routes and not names:  # a fee can bring the amount above what a provider takes
        raise NotSupported(f"no provider takes {amount} by {way.id} in {market}", field="method")
    return Tender(
        payment=payment_id,
        method=way.id,
        provider=names[0] if names else None,
        amount=amount,
        others=names[1:],
    )


def _credit_terms(paid: PaymentOption | None, command: c.Place) -> e.CreditTerms | None:
    """The credit that the customer agrees to, where the way to pay is a consumer's credit."""
    if paid is None or paid.credit is None or paid.credit.classification is None:
        return None
    offer = paid.credit
    return e.CreditTerms(
        method=paid.id,
        creditor=offer.creditor,
        classification=paid.credit.classification.word,
        is_accepted=command.accepts_credit or not offer.needs_consent,
        apr=offer.shown_apr,
        payments=offer.payments,
        total_payable=offer.total_payable,
        due=offer.due,
    )
