"""``view(checkout)``: what a front end needs next, in the customer's language, ready for JSON."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

from checkoutflow.checkout.machine import ALLOWED, CALLS, Phase
from checkoutflow.checkout.needs import (
    Choice,
    Need,
    deliveries,
    methods,
    missing_choices,
    missing_details,
)
from checkoutflow.model import Frozen
from checkoutflow.money import Money
from checkoutflow.payment.outcomes import Action
from checkoutflow.texts import locale_of, mark, percent_text, said, translate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checkoutflow.cart import Charge
    from checkoutflow.checkout.draft import Rules
    from checkoutflow.checkout.state import Checkout

Notice = Literal["", "declined", "ending", "checking", "held", "released"]


class Amount(Frozen):
    """An amount, to calculate with and to show.

    Attributes:
        minor: Minor units.
        text: As people of the view's locale write it.
    """

    minor: int
    currency: str
    text: str


class MissingField(Frozen):
    """A contact field to ask for, and why.

    Attributes:
        label: What to write beside the field.
        purpose: What it is for, as a code.
        basis: The ground in law for that, as a code.
        why: The purpose, for the customer to read.
    """

    field: str
    label: str
    purpose: str
    basis: str
    why: str


class Offer(Frozen):
    """A way of delivery or of paying to choose from.

    Attributes:
        price: What choosing it costs; None for ways of paying.
        takes_code: Whether the customer has to type a code.
    """

    id: str
    name: str
    price: Amount | None = None
    is_chosen: bool
    takes_code: bool = False


class ViewLine(Frozen):
    """A line of the cart, and how far it has come.

    Attributes:
        amount: As the cart's prices are, before discounts.
        to_ship: Units that are neither shipped nor cancelled.
    """

    id: str
    name: str
    quantity: int
    amount: Amount
    shipped: int
    returned: int
    cancelled: int
    to_ship: int


class Named(Frozen):
    """An amount with a name: a discount, a charge, a credit."""

    id: str = ""
    name: str
    amount: Amount


class ViewVat(Frozen):
    """VAT at one rate.

    Attributes:
        percent: Exact, to calculate with: ``25.5``.
        text: The rate as people of the view's locale write it.
    """

    percent: str
    text: str
    gross: Amount
    vat: Amount


class Totals(Frozen):
    """What it all costs.

    Attributes:
        total: To pay, VAT included.
        due: What is left to pay after credits.
    """

    goods: Amount
    discounts: tuple[Named, ...]
    charges: tuple[Named, ...]
    vat: tuple[ViewVat, ...]
    total: Amount
    credits: tuple[Named, ...]
    due: Amount


class BooksView(Frozen):
    """What has happened to the customer's money."""

    authorised: Amount
    captured: Amount
    refunded: Amount
    voided: Amount


class View(Frozen):
    """What a front end needs next.

    Attributes:
        version: The checkout's; rises with each change.
        status: The phase, for the customer to read.
        notice: Something the customer should know now; empty if nothing.
        notice_code: The same as a code, for shops with words of their own: ``declined``,
            ``ending``, ``checking``, ``held`` or ``released``.
        missing: Contact fields to ask for, in order.
        choose: Choices still to be made: ``delivery``, ``payment``.
        deliveries: Offered ways of delivery.
        payments: Offered ways of paying what credits do not cover.
        credits: Offered gift cards and store credits.
        can_place: Whether nothing is missing for "buy".
        button: What the order button must say.
        next_action: What the customer must do to pay, if anything.
        allowed: Calls that make sense in this phase.
        expires_at: When an unfinished checkout ends, or the customer's time to pay.
        decide_by: When a held order must be decided.
        attention: Reasons for which a person at the shop should look, as codes.
    """

    id: str
    version: int
    market: str
    locale: str
    phase: Phase
    status: str
    notice: str
    notice_code: Notice
    lines: tuple[ViewLine, ...]
    totals: Totals
    missing: tuple[MissingField, ...]
    choose: tuple[Choice, ...]
    deliveries: tuple[Offer, ...]
    payments: tuple[Offer, ...]
    credits: tuple[Offer, ...]
    can_place: bool
    button: str
    next_action: Action | None
    allowed: tuple[str, ...]
    books: BooksView
    expires_at: datetime | None
    decide_by: datetime | None
    attention: tuple[str, ...]


def view_of(state: Checkout, rules: Rules, locale: str) -> View:
    """Work out what a front end needs next.

    Args:
        state: The checkout.
        rules: The shop's settings and what its providers can do.
        locale: In which language and with which formats to speak: ``fi_FI``.
    """
    locale = locale_of(locale)
    notice = _notice(state)
    status = _NOTICES["ending"] if state.ending else _STATUS[state.phase]
    is_collecting = state.phase is Phase.COLLECTING
    details = missing_details(state, rules) if is_collecting else ()
    choices = missing_choices(state, rules) if is_collecting else ()
    is_placing = state.phase is Phase.PLACING
    return View(
        id=state.id,
        version=state.version,
        market=state.market,
        locale=locale,
        phase=state.phase,
        status=translate(status, locale),
        notice=translate(_NOTICES[notice], locale) if notice else "",
        notice_code=notice,
        lines=_lines(state, locale),
        totals=_totals(state, rules, locale),
        missing=tuple(_missing(need, locale) for need in details),
        choose=choices,
        deliveries=_deliveries(state, rules, locale) if is_collecting else (),
        payments=_payments(state, rules, locale, credit=False) if is_collecting else (),
        credits=_payments(state, rules, locale, credit=True) if is_collecting else (),
        can_place=is_collecting and not details and not choices,
        # Translators: the words are a matter of law (Directive 2011/83/EU, article 8(2)).
        button=translate("Order with obligation to pay", locale),
        next_action=state.next_action,
        allowed=tuple(name for name in CALLS if name in ALLOWED[state.phase]),
        books=_books(state, locale),
        expires_at=state.expires_at if is_collecting or is_placing else None,
        decide_by=state.review.deadline if state.review and state.phase is Phase.HELD else None,
        attention=tuple(dict.fromkeys(item.reason for item in state.attention)),
    )


def _amount(money: Money, locale: str) -> Amount:
    return Amount(minor=money.minor, currency=money.currency, text=money.format(locale))


_STATUS: Final = {
    # Translators: a heading, while the customer fills in and chooses.
    Phase.COLLECTING: mark("Checkout"),
    Phase.PLACING: mark("Waiting for your payment"),
    Phase.HELD: mark("Your order is being checked"),
    Phase.CONFIRMED: mark("Your order is confirmed"),
    # Translators: everything is sent, and nothing is left to pay.
    Phase.FULFILLED: mark("Your order is complete"),
    Phase.CANCELLED: mark("Your order is cancelled"),
    Phase.REJECTED: mark("Your order could not be accepted"),
    # Translators: the customer did not order in time.
    Phase.EXPIRED: mark("This checkout has expired"),
}


# Never "failed" while money may still be reserved.
_NOTICES: Final[Mapping[Notice, str]] = {
    "": "",
    "declined": mark(
        "The payment did not go through. Nothing was taken. Please choose how to pay."
    ),
    "ending": mark("We are cancelling your payment."),
    "checking": mark("We are checking your payment. Please do not pay again."),
    "held": mark("Your money is reserved, not taken. We will tell you as soon as we know."),
    "released": mark("Nothing more will be taken. What was reserved is released."),
}


def _notice(state: Checkout) -> Notice:
    """The one thing to tell the customer now."""
    match state.phase:
        case Phase.COLLECTING if state.payments:
            return "declined"
        case Phase.PLACING if state.ending:
            return "ending"
        case Phase.PLACING if state.next_action is None:
            return "checking"
        case Phase.HELD:
            return "held"
        case Phase.REJECTED | Phase.CANCELLED if state.payments:
            return "released"
        case _:
            return ""


def _lines(state: Checkout, locale: str) -> tuple[ViewLine, ...]:
    left = state.to_ship()
    return tuple(
        ViewLine(
            id=line.id,
            name=line.name,
            quantity=line.quantity,
            amount=_amount(line.goods, locale),
            shipped=state.left(line.id),
            returned=state.returned(line.id),
            cancelled=state.cancelled.get(line.id, 0),
            to_ship=left.get(line.id, 0),
        )
        for line in state.cart.lines
    )


def _totals(state: Checkout, rules: Rules, locale: str) -> Totals:
    priced = state.priced
    return Totals(
        goods=_amount(priced.goods, locale),
        discounts=tuple(
            Named(name=item.name, amount=_amount(-item.amount, locale)) for item in priced.discounts
        ),
        charges=tuple(
            Named(
                id=item.id,
                name=_charge_name(rules, item, locale),
                amount=_amount(item.amount, locale),
            )
            for item in priced.charges
        ),
        vat=tuple(
            ViewVat(
                percent=f"{part.percent.normalize():f}",
                text=percent_text(part.percent, locale),
                gross=_amount(part.gross, locale),
                vat=_amount(part.vat, locale),
            )
            for part in priced.vat
        ),
        total=_amount(priced.total, locale),
        credits=tuple(
            Named(
                id=credit.method,
                name=_method_name(rules, credit.method, locale),
                amount=_amount(-credit.amount, locale),
            )
            for credit in state.credits
        ),
        due=_amount(priced.total - state.credited, locale),
    )


def _charge_name(rules: Rules, charge: Charge, locale: str) -> str:
    """In the view's language where the shop still has it, else as it was when it was priced."""
    delivery = rules.shop.delivery(charge.id)
    return said(delivery.name, locale) if delivery else charge.name


def _method_name(rules: Rules, method_id: str, locale: str) -> str:
    method = rules.shop.method(method_id)
    return said(method.name, locale) if method else method_id


# Name and reason of each field, as the customer reads them.
_LABELS: Final = {
    "name": mark("Name"),
    # Translators: the name of the company that buys.
    "organisation": mark("Company"),
    "email": mark("E-mail"),
    "phone": mark("Phone"),
    "street": mark("Street and number"),
    "postal_code": mark("Postal code"),
    # Translators: what follows the postal code in an address.
    "city": mark("City"),
    "country": mark("Country"),
    "gift_card_code": mark("Gift card code"),
}
_WHY: Final = {
    # Translators: these say why we ask for a field, and are read after its name.
    "deliver": mark("to deliver your order"),
    "take_payment": mark("to take your payment"),
    "invoice": mark("to send your invoice"),
    "send_receipt": mark("to send your receipt"),
    "prevent_fraud": mark("to prevent fraud"),
}


def _missing(need: Need, locale: str) -> MissingField:
    return MissingField(
        field=need.field,
        label=translate(_LABELS[need.field], locale),
        purpose=need.purpose,
        basis=need.basis,
        why=translate(_WHY[need.purpose], locale),
    )


def _deliveries(state: Checkout, rules: Rules, locale: str) -> tuple[Offer, ...]:
    return tuple(
        Offer(
            id=delivery.id,
            name=said(delivery.name, locale),
            price=_amount(fee, locale) if (fee := delivery.price(state.cart.currency)) else None,
            is_chosen=delivery.id == state.delivery,
        )
        for delivery in deliveries(state, rules)
    )


def _payments(state: Checkout, rules: Rules, locale: str, *, credit: bool) -> tuple[Offer, ...]:
    chosen = {item.method for item in state.credits} if credit else {state.method}
    return tuple(
        Offer(
            id=method.id,
            name=said(method.name, locale),
            is_chosen=method.id in chosen,
            takes_code=method.takes_code,
        )
        for method in methods(state, rules, credit=credit)
    )


def _books(state: Checkout, locale: str) -> BooksView:
    books = state.books

    def shown(minor: int) -> Amount:
        return _amount(Money(minor, books.currency), locale)

    return BooksView(
        authorised=shown(books.authorised),
        captured=shown(books.captured),
        refunded=shown(books.refunded),
        voided=shown(books.voided),
    )
