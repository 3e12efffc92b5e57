"""``view(checkout)``: what a front end needs next, in the customer's language, ready for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Final, Literal

from checkoutflow.cart import LineKind
from checkoutflow.checkout.amounts import Amount, shown
from checkoutflow.checkout.invoice import InvoiceState
from checkoutflow.checkout.machine import ALLOWED, CALLS, Phase
from checkoutflow.checkout.needs import (
    Choice,
    Need,
    missing_choices,
    missing_details,
    situation,
    to_be_shared,
)
from checkoutflow.checkout.view_insurance import CoverOffer, PolicyView, offers_of, policies_of
from checkoutflow.choice.options import options, payment_label
from checkoutflow.model import Frozen
from checkoutflow.money import Money
from checkoutflow.payment.credit.example import representative_example, warnings
from checkoutflow.payment.outcomes import Action
from checkoutflow.payment.references import InvalidReference
from checkoutflow.privacy.consent import TEXTS, version_of
from checkoutflow.privacy.secret import STARS
from checkoutflow.texts import (
    date_text,
    language_of,
    locale_of,
    mark,
    percent_text,
    said,
    translate,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from checkoutflow.cart import Charge, PricedDiscount
    from checkoutflow.checkout.invoice import Invoice
    from checkoutflow.checkout.state import Checkout
    from checkoutflow.choice.offers import CreditOffer, Options
    from checkoutflow.choice.rules import Rules
    from checkoutflow.choice.words import Refusal
    from checkoutflow.insurance import Refusal as NotInsured

Notice = Literal["", "declined", "ending", "checking", "held", "released"]


class MissingField(Frozen):
    """A contact field to ask for, and why.

    Attributes:
        label: What to write beside the field.
        purpose: What it is for, as a code.
        basis: The ground in law for that, as a code.
        why: The purpose, for the customer to read.
        shared_by: The chosen way to pay, by its id, where the customer is asked to share the field
            while they pay: a page need not ask for it, and may. Else empty.
    """

    field: str
    label: str
    purpose: str
    basis: str
    why: str
    shared_by: str = ""


class CreditView(Frozen):
    """What a way to pay means as a credit.

    Attributes:
        creditor: Who lends.
        classification: What it is in law: ``consumer_credit``, ``exempt_deferred_payment``,
            ``exempt_no_cost``, ``light_regime``; empty for a business.
        duties: What the law asks for, as codes (see ``checkoutflow.law.credit``).
        needs_consent: Whether ``place`` wants ``accepts_credit``, from a box of its own that is not
            ticked beforehand.
        due: When the first payment is due, if the goods were delivered today.
        payments: How many payments there are.
        payment: What each of them is; the last may differ by a little.
        last_payment: The last of them.
        total_payable: All payments together.
        cost: What of that is the cost of the credit.
        nominal_percent: Interest in per cent a year, exact.
        apr: Annual percentage rate of charge, with one decimal.
        example: The whole of it in a sentence; empty for a single payment without cost.
        warnings: What the law wants said beside it.
    """

    creditor: str
    classification: str
    duties: tuple[str, ...]
    needs_consent: bool
    due: date
    payments: int
    payment: Amount
    last_payment: Amount
    total_payable: Amount
    cost: Amount
    nominal_percent: str
    apr: str
    example: str
    warnings: tuple[str, ...]


class Offer(Frozen):
    """A way of delivery or of paying to choose from.

    Attributes:
        price: What choosing it costs: the delivery, or the fee for a way to pay; None if nothing
            is charged for it.
        discount: What choosing it takes off; None if nothing.
        total: What would be to pay in all, VAT included; for a delivery without what a way to pay
            adds. None for gift cards and store credits.
        text: The shop's words beside it; may be empty.
        is_chosen: Whether the customer chose it.
        is_preselected: Whether to show it as chosen before the customer chooses.
        takes_code: Whether the customer has to type a code.
        credit: What it means as a credit, where it is one.
    """

    id: str
    name: str
    price: Amount | None = None
    discount: Amount | None = None
    total: Amount | None = None
    text: str = ""
    is_chosen: bool
    is_preselected: bool = False
    takes_code: bool = False
    credit: CreditView | None = None


class Refused(Frozen):
    """What the shop has and does not offer here, with the reason for the shop to read."""

    id: str
    code: str
    why: str


class Explained(Frozen):
    """What the law changed of what the shop's rules asked for.

    Attributes:
        about: Way to pay or of delivery; empty for their order.
        change: What was changed, as a code.
        text: The same in words, for the shop to read.
        rule: Name of the rule; empty where none allows what was asked for.
        statement: What the rule says.
        source: Where it is from.
        since: First day on which it holds.
    """

    about: str
    change: str
    text: str
    rule: str
    statement: str
    source: str
    since: date | None


class ViewLine(Frozen):
    """A line of the cart, and how far it has come.

    Attributes:
        kind: ``goods``, or ``insurance`` or a ``warranty`` for some of them.
        amount: As the cart's prices are, before discounts.
        to_ship: Units of goods that are neither shipped nor cancelled; covers go along with them.
    """

    id: str
    name: str
    kind: LineKind
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
        covers: Insurance and warranties that were taken.
        total: To pay, VAT included.
        due: What is left to pay after credits.
    """

    goods: Amount
    discounts: tuple[Named, ...]
    charges: tuple[Named, ...]
    covers: tuple[Named, ...]
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


class InvoiceView(Frozen):
    """An invoice of the shop's own.

    Attributes:
        amount: As it was issued.
        credited: What credit notes took back.
        paid: What arrived for it.
        open: What is still to be paid.
        due_on: Last day on which to pay.
        due: The same as people of the view's locale write it.
        reference: What to quote, as a bank's file has it.
        reference_text: The same as people read and type it.
        state: ``open``, ``part_paid``, ``paid``, ``overpaid`` or ``credited``.
        is_overdue: Whether its due day has passed with something open.
        status: How it stands, for the customer to read.
    """

    number: int
    amount: Amount
    credited: Amount
    paid: Amount
    open: Amount
    issued_on: date
    due_on: date
    due: str
    reference: str
    reference_text: str
    state: InvoiceState
    is_overdue: bool
    status: str


class RecognitionView(Frozen):
    """How far the customer has shown who they are.

    Attributes:
        level: ``known`` says that a code or a login is waited for, and not that there is anybody.
        valid_until: Until when.
        prefill: While it is: what may be filled in then, as stars; the same for everybody.
    """

    level: Literal["unknown", "known", "verified"]
    valid_until: datetime | None
    prefill: Mapping[str, str]


class ConsentView(Frozen):
    """Something to agree to: a box that is ticked only if the customer ticked it, now or before.

    Attributes:
        consent: Its name, for ``flow.consent``.
        version: Of the text; it is kept with the answer.
        text: What the customer reads beside the box.
    """

    consent: str
    version: str
    text: str
    is_given: bool


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
        covers: Offered insurance and warranties that were not declined.
        policies: Covers that were bought.
        can_place: Whether nothing is missing for "buy".
        button: What the order button must say.
        next_action: What the customer must do to pay, if anything.
        allowed: Calls that make sense in this phase.
        invoices: The shop's own, by number.
        recognition: How far the customer has shown who they are.
        consents: What they are asked to agree to, and whether they do.
        expires_at: When an unfinished checkout ends, or the customer's time to pay.
        decide_by: When a held order must be decided.
        asked: What a reviewer asked the customer for, while the order is held: ``code``: offer to
            send one (`ask_again`) and take it (`verify`); ``login``: `begin_login`; ``contact``:
            `answer`, or how to reach the shop. Empty for nothing.
        attention: Reasons for which a person at the shop should look, as codes.
        refused: What is not offered and why; only where it was asked for.
        explained: What the law changed; only where it was asked for.
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
    covers: tuple[CoverOffer, ...]
    policies: tuple[PolicyView, ...]
    can_place: bool
    button: str
    next_action: Action | None
    allowed: tuple[str, ...]
    books: BooksView
    invoices: tuple[InvoiceView, ...]
    recognition: RecognitionView
    consents: tuple[ConsentView, ...]
    expires_at: datetime | None
    decide_by: datetime | None
    asked: Literal["", "code", "login", "contact"] = ""
    attention: tuple[str, ...]
    refused: tuple[Refused, ...] = ()
    explained: tuple[Explained, ...] = ()


def view_of(
    state: Checkout, rules: Rules, locale: str, at: datetime, *, explain: bool = False
) -> View:
    """Work out what a front end needs next.

    Args:
        state: The checkout.
        rules: The shop's settings, the law, and what its providers can do.
        locale: In which language and with which formats to speak: ``fi_FI``.
        at: Now; aware, in UTC.
        explain: Also say what is not offered and what the law changed. For the shop alone.
    """
    locale = locale_of(locale)
    notice = _notice(state)
    status = _NOTICES["ending"] if state.ending else STATUS[state.phase]
    is_collecting = state.phase is Phase.COLLECTING
    details = missing_details(state, rules) if is_collecting else ()
    shared = to_be_shared(state, rules) if is_collecting else ()
    s = situation(state, rules, at)
    found = options(rules, s) if is_collecting else None
    choices = missing_choices(state, s, found) if found else ()
    is_placing = state.phase is Phase.PLACING
    insurance, covers = offers_of(state, rules, at, locale)
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
        missing=tuple(
            _missing(need, state.method if need.field in shared else "", locale) for need in details
        ),
        choose=choices,
        deliveries=_deliveries(state, found, locale) if found else (),
        payments=_payments(state, found, locale) if found else (),
        credits=_vouchers(state, found, locale) if found else (),
        covers=covers,
        policies=policies_of(state, rules, at, locale),
        can_place=is_collecting and len(shared) == len(details) and not choices,
        button=_button(state, rules, found, locale, s.on),
        next_action=state.next_action,
        allowed=tuple(name for name in CALLS if name in ALLOWED[state.phase]),
        books=_books(state, locale),
        invoices=_invoices(state, rules, locale, at),
        recognition=_recognition(state, details),
        consents=_asked_consents(state, rules, locale),
        expires_at=state.expires_at if is_collecting or is_placing else None,
        decide_by=state.review.deadline if state.review and state.phase is Phase.HELD else None,
        asked=_asked_for(state),
        attention=tuple(dict.fromkeys(item.reason for item in state.attention)),
        refused=_refused((*found.refused, *insurance.refused), locale) if found and explain else (),
        explained=_explained(found, locale) if found and explain else (),
    )


def _asked_for(state: Checkout) -> Literal["", "code", "login", "contact"]:
    request = state.review.asked if state.review and state.phase is Phase.HELD else None
    return request.what if request else ""


def _recognition(state: Checkout, missing: Sequence[Need]) -> RecognitionView:
    asked = state.recognition
    return RecognitionView(
        level=asked.level,
        valid_until=asked.valid_until,
        prefill={need.field: STARS for need in missing if asked.level == "known"},
    )


def _asked_consents(state: Checkout, rules: Rules, locale: str) -> tuple[ConsentView, ...]:
    return tuple(
        ConsentView(
            consent=consent,
            version=version_of(consent),
            text=translate(TEXTS[consent][1], locale).format(shop=rules.shop.name),
            is_given=state.consents.get(consent, False),
        )
        for consent in rules.shop.consents
    )


def _button(state: Checkout, rules: Rules, found: Options | None, locale: str, on: date) -> str:
    """The words are a matter of law; with credit chosen they also say so."""
    words = rules.button_words(language_of(locale), on)
    chosen = found.payment(state.method) if found else None
    if chosen and chosen.credit and chosen.credit.is_regulated:
        return words.on_credit
    return words.short[0] if rules.shop.order_button == "short" else words.strict


STATUS: Final = {
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
            kind=line.kind,
            quantity=line.quantity,
            amount=shown(line.goods, locale),
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
        goods=shown(priced.goods, locale),
        discounts=tuple(
            Named(
                id=item.id,
                name=_payment_label(state, rules, item, "discount", locale)
                if item.id
                else item.name,
                amount=shown(-item.amount, locale),
            )
            for item in priced.discounts
        ),
        charges=tuple(
            Named(
                id=item.id,
                name=_charge_name(state, rules, item, locale),
                amount=shown(item.amount, locale),
            )
            for item in priced.charges
        ),
        covers=tuple(
            Named(id=line.id, name=line.name, amount=shown(line.goods, locale))
            for line in state.cart.lines
            if line.is_cover
        ),
        vat=tuple(
            ViewVat(
                percent=f"{part.percent.normalize():f}",
                text=percent_text(part.percent, locale),
                gross=shown(part.gross, locale),
                vat=shown(part.vat, locale),
            )
            for part in priced.vat
        ),
        total=shown(priced.total, locale),
        credits=tuple(
            Named(
                id=credit.method,
                name=_method_name(rules, credit.method, locale),
                amount=shown(-credit.amount, locale),
            )
            for credit in state.credits
        ),
        due=shown(priced.total - state.credited, locale),
    )


def _charge_name(state: Checkout, rules: Rules, charge: Charge, locale: str) -> str:
    """In the view's language where the shop still has it, else as it was when it was priced."""
    if charge.kind == "payment":
        return _payment_label(state, rules, charge, "fee", locale)
    delivery = rules.shop.delivery(charge.id)
    return said(delivery.name, locale) if delivery else charge.name


def _payment_label(
    state: Checkout,
    rules: Rules,
    priced: Charge | PricedDiscount,
    what: Literal["fee", "discount"],
    locale: str,
) -> str:
    """As it was priced where the language is the same, for it may be the shop's own words."""
    way = rules.ways.get(priced.id)
    if way is None or language_of(locale) == language_of(state.locale):
        return priced.name
    return payment_label(way, None, what, locale)


def _method_name(rules: Rules, method_id: str, locale: str) -> str:
    way = rules.ways.get(method_id)
    return said(way.name, locale) if way else method_id


# Name and reason of each field, as the customer reads them.
LABELS: Final = {
    "name": mark("Name"),
    # Translators: the name of the company that buys.
    "organisation": mark("Company"),
    # Translators: CVR-nummer, organisationsnummer, organisasjonsnummer, Y-tunnus, kennitala.
    "organisation_number": mark("Organisation number"),
    "email": mark("E-mail"),
    "phone": mark("Phone"),
    "street": mark("Street and number"),
    "postal_code": mark("Postal code"),
    # Translators: what follows the postal code in an address.
    "city": mark("City"),
    "country": mark("Country"),
    # Translators: the shop's own name for a customer who is logged in.
    "login": mark("Customer account"),
    # Translators: what the shop's people wrote about an order while they looked at it.
    "review_notes": mark("Notes of reviewers"),
    # Translators: personnummer, CPR-nummer, fødselsnummer, henkilötunnus, kennitala.
    "national_id": mark("National identity number"),
    "gift_card_code": mark("Gift card code"),
    # Translators: what names a customer's account with money that the shop owes them.
    "store_credit_code": mark("Store credit code"),
}
WHY: Final = {
    # Translators: these say why we ask for a field, and are read after its name.
    "deliver": mark("to deliver your order"),
    "take_payment": mark("to take your payment"),
    "identify_for_credit": mark("to check who is given credit"),
    "invoice": mark("to send your invoice"),
    "send_receipt": mark("to send your receipt"),
    "prevent_fraud": mark("to prevent fraud"),
    "keep_books": mark("to keep our books as the law says"),
    "insure": mark("to insure your order"),
    "remember": mark("to fill in your details next time"),
    "market": mark("to send you offers"),
    "answer_rights": mark("to answer your questions about your data"),
}


def _missing(need: Need, shared_by: str, locale: str) -> MissingField:
    return MissingField(
        field=need.field,
        label=translate(LABELS[need.field], locale),
        purpose=need.purpose,
        basis=need.basis,
        why=translate(WHY[need.purpose], locale),
        shared_by=shared_by,
    )


def _deliveries(state: Checkout, found: Options, locale: str) -> tuple[Offer, ...]:
    return tuple(
        Offer(
            id=option.id,
            name=said(option.delivery.name, locale),
            price=shown(option.price, locale),
            total=shown(option.total, locale),
            text=said(option.recommendation, locale) if option.recommendation else "",
            is_chosen=option.id == state.delivery,
            is_preselected=option.is_preselected,
        )
        for option in found.deliveries
    )


def _payments(state: Checkout, found: Options, locale: str) -> tuple[Offer, ...]:
    return tuple(
        Offer(
            id=option.id,
            name=said(option.way.name, locale),
            price=shown(option.fee, locale) if option.fee.minor else None,
            discount=shown(-option.discount, locale) if option.discount.minor else None,
            total=shown(option.total, locale),
            text=said(option.recommendation, locale) if option.recommendation else "",
            is_chosen=option.id == state.method,
            is_preselected=option.is_preselected,
            takes_code=option.way.takes_code,
            credit=_credit(option.credit, locale) if option.credit else None,
        )
        for option in found.payments
    )


def _vouchers(state: Checkout, found: Options, locale: str) -> tuple[Offer, ...]:
    chosen = {item.method for item in state.credits}
    return tuple(
        Offer(
            id=way.id,
            name=said(way.name, locale),
            is_chosen=way.id in chosen,
            takes_code=way.takes_code,
        )
        for way in found.vouchers
    )


def _credit(offer: CreditOffer, locale: str) -> CreditView:
    plan = offer.plan
    regular = plan.regular_payment if plan else offer.total_payable
    return CreditView(
        creditor=offer.creditor,
        classification=offer.classification.word if offer.classification else "",
        duties=offer.duties,
        needs_consent=offer.needs_consent,
        due=offer.due,
        payments=offer.payments,
        payment=shown(regular, locale),
        last_payment=shown(plan.last_payment if plan else regular, locale),
        total_payable=shown(offer.total_payable, locale),
        cost=shown(offer.cost, locale),
        nominal_percent=f"{(plan.nominal_percent if plan else 0):f}",
        apr=f"{offer.shown_apr:f}",
        example=representative_example(
            plan, creditor=offer.creditor, locale=locale, cash_price=offer.cash_price
        )
        if plan
        else "",
        warnings=warnings(offer.duties, locale),
    )


def _refused(items: Iterable[Refusal | NotInsured], locale: str) -> tuple[Refused, ...]:
    return tuple(Refused(id=item.id, code=item.code, why=item.text(locale)) for item in items)


def _explained(found: Options, locale: str) -> tuple[Explained, ...]:
    return tuple(
        Explained(
            about=item.about,
            change=item.change,
            text=item.text(locale),
            rule=item.rule,
            statement=item.statement,
            source=item.source,
            since=item.since,
        )
        for item in found.explanations
    )


# How an invoice stands, as the customer reads it.
_INVOICE: Final = {
    # Translators: an invoice; nothing was paid yet.
    InvoiceState.OPEN: mark("To be paid"),
    # Translators: an invoice.
    InvoiceState.PART_PAID: mark("Paid in part"),
    # Translators: an invoice.
    InvoiceState.PAID: mark("Paid"),
    # Translators: an invoice; the shop pays back what is too much.
    InvoiceState.OVERPAID: mark("Paid too much: we will pay it back"),
    # Translators: an invoice that a credit note took back in full.
    InvoiceState.CREDITED: mark("Credited"),
}
# Translators: an invoice that should have been paid before today.
_OVERDUE: Final = mark("Overdue")


def _invoices(state: Checkout, rules: Rules, locale: str, at: datetime) -> tuple[InvoiceView, ...]:
    if not state.invoices:
        return ()
    today = rules.law.day(state.market, at)
    found = []
    for invoice in state.invoices:
        is_overdue = invoice.open.minor > 0 and today > invoice.due_on
        found.append(
            InvoiceView(
                number=invoice.number,
                amount=shown(invoice.amount, locale),
                credited=shown(invoice.credited, locale),
                paid=shown(invoice.paid, locale),
                open=shown(invoice.open, locale),
                issued_on=invoice.issued_on,
                due_on=invoice.due_on,
                due=date_text(invoice.due_on, locale),
                reference=invoice.reference,
                reference_text=_reference(invoice, rules),
                state=invoice.state,
                is_overdue=is_overdue,
                status=translate(_OVERDUE if is_overdue else _INVOICE[invoice.state], locale),
            )
        )
    return tuple(found)


def _reference(invoice: Invoice, rules: Rules) -> str:
    """As people type it; as it is stored, where the shop has another agreement by now."""
    scheme = rules.shop.scheme(invoice.scheme)
    try:
        return scheme.format(invoice.reference) if scheme else invoice.reference
    except InvalidReference:
        return invoice.reference


def _books(state: Checkout, locale: str) -> BooksView:
    books = state.books

    def of(minor: int) -> Amount:
        return shown(Money(minor, books.currency), locale)

    return BooksView(
        authorised=of(books.authorised),
        captured=of(books.captured),
        refunded=of(books.refunded),
        voided=of(books.voided),
    )
