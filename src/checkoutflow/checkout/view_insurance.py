"""Covers as a front end shows them: what is offered beside the goods, and what was bought.

The law has a say in how it is shown. Nothing is chosen beforehand; each cover is taken by an act of
its own; saying no is as easy as saying yes; what all of it costs is told with and without; and the
goods are to be had without (directives 2011/83 art. 22 and 2016/97 art. 24). What an offer says
here is all that has to be beside it, so that a page that shows all of it does what is right.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Final, Literal

from checkoutflow.checkout.amounts import Amount, shown
from checkoutflow.checkout.insuring import covers_for
from checkoutflow.checkout.machine import Phase
from checkoutflow.insurance import Found, PolicyState
from checkoutflow.insurance.offers import document_for
from checkoutflow.model import Frozen
from checkoutflow.texts import date_text, locale_of, mark, percent_text, said, translate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.choice.rules import Rules
    from checkoutflow.insurance import Offer, Policy, Product

Kind = Literal["insurance", "warranty"]


class InsurerView(Frozen):
    """Whose insurance it is.

    Attributes:
        complaints: How to complain, for the customer to read.
        registration: In which register the insurer is; may be empty.
    """

    name: str
    address: str
    complaints: str
    registration: str


class DocumentView(Frozen):
    """The information document, to be shown before it is bought.

    Attributes:
        name: What the link says.
        language: Of the document; not always that of the view.
    """

    name: str
    url: str
    version: str
    language: str


class AnswerView(Frozen):
    """One answer to choose from."""

    id: str
    text: str


class QuestionView(Frozen):
    """A question to whoever wants the cover.

    Attributes:
        given: The answer that the customer gave; empty for none.
    """

    id: str
    text: str
    answers: tuple[AnswerView, ...]
    given: str


class CoverOffer(Frozen):
    """A cover to take or to decline. It is not taken unless the customer took it.

    Attributes:
        id: For ``answer_insurance``.
        text: What it is good for; may be empty.
        lines: Ids of the lines of the cart that it covers.
        is_accepted: Whether the customer took it.
        each: What a piece, or the order, costs with it.
        units: Of how many.
        premium: What it costs in all, taxes included.
        tax: The premium tax in that; None where there is none.
        total_with: What would be to pay in all with it.
        total_without: What would be to pay without.
        insurer: None for a warranty of the shop's own.
        document: None for a warranty.
        registration: The shop's own registration for selling it; may be empty.
        notes: What has to stand beside it, in sentences.
        accept: What the choice for it says.
        decline: What the choice against it says; shown as plainly.
        wording: The words that are tried, as ``experiment:arm``; empty for the usual.
    """

    id: str
    product: str
    kind: Kind
    name: str
    text: str
    lines: tuple[str, ...]
    is_accepted: bool
    each: Amount
    units: int
    premium: Amount
    tax: Amount | None
    months: int
    total_with: Amount
    total_without: Amount
    insurer: InsurerView | None
    document: DocumentView | None
    registration: str
    questions: tuple[QuestionView, ...]
    notes: tuple[str, ...]
    accept: str
    decline: str
    wording: str


class PolicyView(Frozen):
    """A cover that was bought.

    Attributes:
        status: How it stands, for the customer to read.
        units: Covers that stand.
        premium: What stands of what was paid for it.
        from_day: Its first day.
        to_day: Its last.
        free_until: Until when it can be given back for the whole premium, by ``cancel_cover``;
            None when that is over.
    """

    id: str
    product: str
    kind: Kind
    name: str
    lines: tuple[str, ...]
    state: PolicyState
    status: str
    units: int
    premium: Amount
    from_day: date
    to_day: date
    free_until: date | None
    insurer: InsurerView | None


def offers_of(state: Checkout, rules: Rules, at: datetime, locale: str) -> tuple[Found, Offers]:
    """What is offered, and as it is shown; what was declined is not asked again."""
    if state.phase is not Phase.COLLECTING:
        return Found(), ()
    found = covers_for(state, rules, at)
    markets = rules.law.market(state.market, rules.law.day(state.market, at)).locales
    return found, tuple(
        _offer(offer, state, rules, (locale, state.locale, *markets))
        for offer in found.offers
        if not _is_declined(state.policy(offer.id))
    )


Offers = tuple[CoverOffer, ...]


def _is_declined(policy: Policy | None) -> bool:
    return policy is not None and policy.state is PolicyState.DECLINED


def _offer(offer: Offer, state: Checkout, rules: Rules, locales: tuple[str, ...]) -> CoverOffer:
    locale, policy, product = locales[0], state.policy(offer.id), offer.product
    is_accepted = policy is not None and policy.state is PolicyState.ACCEPTED
    premium, now = offer.premium, state.total
    words = offer.wording.text if offer.wording and offer.wording.text else product.text
    given = policy.answers if policy else {}
    return CoverOffer(
        id=offer.id,
        product=product.id,
        kind=product.kind,
        name=said(product.name, locale),
        text=said(words, locale) if words else "",
        lines=offer.terms.lines,
        is_accepted=is_accepted,
        each=shown(offer.terms.each, locale),
        units=offer.units,
        premium=shown(premium, locale),
        tax=shown(offer.tax, locale) if offer.tax.minor else None,
        months=product.months,
        total_with=shown(now if is_accepted else now + premium, locale),
        total_without=shown(now - premium if is_accepted else now, locale),
        insurer=_insurer(rules, product.insurer, locale),
        document=_document(product, locales),
        registration=product.registration,
        questions=tuple(
            QuestionView(
                id=question.id,
                text=said(question.text, locale),
                answers=tuple(
                    AnswerView(id=answer.id, text=said(answer.text, locale))
                    for answer in question.answers
                ),
                given=given.get(question.id, ""),
            )
            for question in product.questions
        ),
        notes=tuple(_notes(offer, locale)),
        accept=translate(_ACCEPT, locale).format(premium=premium.format(locale_of(locale))),
        decline=translate(_DECLINE, locale),
        wording=offer.terms.wording,
    )


def _insurer(rules: Rules, insurer_id: str, locale: str) -> InsurerView | None:
    insurer = rules.shop.insurer(insurer_id)
    if insurer is None:
        return None
    return InsurerView(
        name=insurer.name,
        address=insurer.address,
        complaints=said(insurer.complaints, locale),
        registration=insurer.registration,
    )


def _document(product: Product, locales: tuple[str, ...]) -> DocumentView | None:
    where = document_for(product, locales)
    if where is None or product.document is None:
        return None
    return DocumentView(
        name=translate(_DOCUMENT, locales[0]),
        url=where[1],
        version=product.document.version,
        language=where[0],
    )


# Translators: the button with which insurance or a warranty is taken; {premium} is its price.
_ACCEPT: Final = mark("Yes, for {premium}")
# Translators: the button with which a customer does not take insurance; as plain as the other one.
_DECLINE: Final = mark("No, thank you")
# Translators: the link to the two standard pages (IPID) on what an insurance covers.
_DOCUMENT: Final = mark("Insurance product information document")
_ONE_MONTH: Final = mark("It covers for one month.")
_MONTHS: Final = mark("It covers for {months} months.")
_WITHOUT: Final = mark("You can buy the goods without it.")
_AT_HOME: Final = mark("Your home insurance may cover this already.")
_FREE: Final = mark("You can give it back within {days} days and get all that you paid for it.")
_TAX: Final = mark("The price has {tax} of insurance premium tax in it ({percent}).")
_COMMISSION: Final = mark("The insurer pays the shop a commission, which is part of the price.")
_SHOPS_OWN: Final = mark("It is the shop's own and no insurance. VAT is in the price.")


def _notes(offer: Offer, locale: str) -> Iterator[str]:
    """What has to stand beside an offer."""
    terms, written = offer.terms, locale_of(locale)
    months = _ONE_MONTH if terms.months == 1 else _MONTHS
    yield translate(months, locale).format(months=terms.months)
    yield translate(_WITHOUT, locale)
    if terms.kind == "warranty":
        yield translate(_SHOPS_OWN, locale)
    else:
        yield translate(_AT_HOME, locale)
    yield translate(_FREE, locale).format(days=terms.cooling_off_days)
    if offer.tax.minor:
        yield translate(_TAX, locale).format(
            tax=offer.tax.format(written), percent=percent_text(terms.tax_percent, written)
        )
    if terms.commission_percent:
        yield translate(_COMMISSION, locale)


# How a cover stands, as the customer reads it.
COVER_STATUS: Final = {
    # Translators: insurance or a warranty, until its last day.
    PolicyState.BOUND: mark("In force until {day}"),
    # Translators: insurance or a warranty that was given back, or whose goods were.
    PolicyState.CANCELLED: mark("Ended"),
}


def policies_of(state: Checkout, rules: Rules, at: datetime, locale: str) -> tuple[PolicyView, ...]:
    """The covers that were bought with an order, also those that have ended."""
    today = rules.law.day(state.market, at) if state.policies else at.date()
    found = []
    for policy in state.policies:
        if policy.starts is None or policy.last_day is None:
            continue
        is_bound = policy.state is PolicyState.BOUND
        found.append(
            PolicyView(
                id=policy.id,
                product=policy.terms.product,
                kind=policy.terms.kind,
                name=policy.terms.name,
                lines=policy.terms.lines,
                state=policy.state,
                status=translate(COVER_STATUS[policy.state], locale).format(
                    day=date_text(policy.last_day, locale)
                ),
                units=policy.units,
                premium=shown(policy.premium, locale),
                from_day=policy.starts,
                to_day=policy.last_day,
                free_until=policy.free_until if is_bound and policy.is_free(today) else None,
                insurer=_insurer(rules, policy.terms.insurer, locale),
            )
        )
    return tuple(found)
