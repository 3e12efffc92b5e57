"""What to tell customers about the review of orders, so that they can have their say.

Signals, rules and the learned score only choose which orders a person looks at: none of them can
refuse one, and so no decision is based solely on automated processing (article 22(1) GDPR). That
holds only while the person is free to decide otherwise, and does: a score on which a decision draws
strongly is itself such a decision (Court of Justice, C-634/21, 7 December 2023). People are told
all the same as if it were one: that there is profiling and by what kind of data (articles 13(2)(f)
and 15(1)(h)), and how to be heard, to ask why, and to object (articles 21(1) and 22(3)).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from checkoutflow.review.machine import Ask, RejectReason
from checkoutflow.texts import date_text, locale_of, mark, translate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from checkoutflow.review.machine import Request

# ``always``: for the page on privacy. ``held``: an order waits for a person. ``rejected``: a person
# said no. ``lapsed``: nobody looked in time.
Moment = Literal["always", "held", "rejected", "lapsed"]

_BY_WHAT: Final = mark(
    "It goes by the order itself (goods, value, delivery, way to pay), by whether phone, card,"
    " address and network are of one country, by earlier orders with the same contact details,"
    " address, network or card and what became of them, and by what the payment provider tells of"
    " the risk."
)
_SAY: Final = mark(
    "You can say what speaks for your order, ask why it was chosen and decided as it was, ask for"
    " another person to decide again, and object to the check: {contact}."
)
_COMPLAIN: Final = mark("You can also complain to the data protection authority of your country.")
_TEXTS: Final[Mapping[Moment, tuple[str, ...]]] = MappingProxyType(
    {
        "always": (
            # Translators: {shop} is the shop's name.
            mark(
                "To prevent fraud, {shop} lets a program choose some orders for a person to look at"
                " before they are confirmed. The program cannot refuse an order; a person decides."
            ),
            _BY_WHAT,
            _SAY,
            _COMPLAIN,
        ),
        "held": (
            mark(
                "A person at {shop} looks at your order before it is confirmed. A program chose it"
                " for that, to prevent fraud. The program decides nothing; the person does."
            ),
            _BY_WHAT,
            _SAY,
            _COMPLAIN,
        ),
        "rejected": (
            mark(
                "A person at {shop} has looked at your order and does not accept it. Nothing is"
                " taken from you, and what was reserved is released."
            ),
            _SAY,
            _COMPLAIN,
        ),
        "lapsed": (
            mark(
                "Nobody at {shop} could look at your order in time, so it does not go ahead."
                " Nothing is taken from you, and what was reserved is released. You can order"
                " again."
            ),
            _SAY,
            _COMPLAIN,
        ),
    }
)
_ASKED: Final[Mapping[Ask, str]] = MappingProxyType(
    {
        "code": mark(
            "To be sure that the order is yours, {shop} sends a code to the telephone or e-mail"
            " address of the order. Please type it on the page of your order."
        ),
        "login": mark(
            "To be sure that the order is yours, {shop} asks you to log in with your electronic"
            " identity on the page of your order."
        ),
        "contact": mark("{shop} has a question about your order. Please get in touch: {contact}."),
    }
)
_WHY: Final[Mapping[str, str]] = MappingProxyType(
    {
        RejectReason.NOT_SHOWN: mark("You were asked to show that the order is yours."),
        RejectReason.NOT_REACHED: mark("{shop} tried to reach you and could not."),
        RejectReason.DELIVERY: mark("{shop} cannot safely send these goods to the address given."),
        RejectReason.FOR_RESALE: mark("It is more than {shop} sells to one customer."),
        RejectReason.UNPAID_BEFORE: mark("Earlier orders are not paid for."),
    }
)
# Translators: {date} is a day, with the month in words.
_BY: Final = mark("You hear from us by {date}.")


def notice(
    moment: Moment, *, shop: str, contact: str, locale: str, decide_by: date | None = None
) -> tuple[str, ...]:
    """What to tell a customer, in their language, one text for each paragraph.

    Args:
        moment: When it is told.
        shop: The shop's name, as customers know it.
        contact: How the shop is reached by who wants to be heard: an address or a page.
        locale: The customer's: ``da_DK``.
        decide_by: With ``held``: the day on which it is decided at latest.
    """
    texts = [translate(text, locale).format(shop=shop, contact=contact) for text in _TEXTS[moment]]
    if decide_by is not None:
        day = date_text(decide_by, locale_of(locale))
        texts.insert(2, translate(_BY, locale).format(date=day))
    return tuple(texts)


def held_notice(
    *, shop: str, contact: str, locale: str, decide_by: date, request: Request | None = None
) -> tuple[str, ...]:
    """What to tell a customer whose order waits, with what they are asked for, if anything."""
    texts = notice("held", shop=shop, contact=contact, locale=locale, decide_by=decide_by)
    if request is None:
        return texts
    asked = translate(_ASKED[request.what], locale).format(shop=shop, contact=contact)
    return (asked, *texts)


def rejected_notice(*, shop: str, contact: str, locale: str, reason: str) -> tuple[str, ...]:
    """What to tell a customer whose order a person turned down.

    The reason is among it where it is the customer's to put right, and tells nobody how to do
    better at somebody else's cost.
    """
    first, *rest = notice("rejected", shop=shop, contact=contact, locale=locale)
    why = (translate(_WHY[reason], locale).format(shop=shop),) if reason in _WHY else ()
    return (first, *why, *rest)


def lapsed_notice(*, shop: str, contact: str, locale: str) -> tuple[str, ...]:
    """What to tell a customer whose order nobody looked at in time."""
    return notice("lapsed", shop=shop, contact=contact, locale=locale)
