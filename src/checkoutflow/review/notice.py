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

from checkoutflow.texts import date_text, locale_of, mark, translate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

# ``always``: for the page on privacy. ``held``: an order waits for a person. ``rejected``: a person
# said no.
Moment = Literal["always", "held", "rejected"]

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
