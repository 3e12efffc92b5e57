"""What a customer can agree to, each by itself, and never because a box was ticked for them.

A consent is an act (General Data Protection Regulation, article 4(11) and recital 32), can be shown
to have been given (article 7(1)) and is taken back as easily (article 7(3)). So each is kept with
the version of the text, its language, the moment and where it happened, and taking it back is the
same call.

Who buys may be sent offers of similar goods without a consent, if they could say no when they gave
their address and can in each message (Directive 2002/58/EC, article 13(2); all five countries have
it). Then the box says no, and it is shown unticked all the same. That it was shown has to be proven
as well: a box that was left alone leaves no other trace.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.texts import mark

if TYPE_CHECKING:
    from collections.abc import Mapping


class Consent(StrEnum):
    """What somebody can agree to."""

    MARKETING = "marketing"
    NO_MARKETING = "no_marketing"  # the "no" to offers that the law allows without a consent
    ANALYTICS = "analytics"
    PROFILE = "profile"
    CREDIT_CHECK = "credit_check"


# What each box says. A change of meaning is a new version: what was agreed to is what was read.
TEXTS: Final[Mapping[Consent, tuple[str, str]]] = MappingProxyType(
    {
        Consent.MARKETING: (
            "1",
            # Translators: beside a box that the customer may tick; {shop} is the shop's name
            mark("{shop} may send me offers and news. I can stop this at any time."),
        ),
        Consent.NO_MARKETING: (
            "1",
            # Translators: beside a box; the shop may send offers of similar goods unless ticked
            mark("I do not want offers of similar goods from {shop}."),
        ),
        Consent.ANALYTICS: (
            "1",
            # Translators: beside a box that the customer may tick
            mark(
                "{shop} may count my purchase in its statistics, with my choices in this checkout."
            ),
        ),
        Consent.PROFILE: (
            "1",
            # Translators: beside a box that the customer may tick. Whoever can read the customer's
            # e-mail or text messages can then see these details with a code.
            mark(
                "Remember me: {shop} may keep my contact details and choices, and fill them in next"
                " time, after a code sent to my e-mail address or telephone."
            ),
        ),
        Consent.CREDIT_CHECK: (
            "1",
            # Translators: beside a box that the customer may tick
            mark("{shop} may ask a credit register about me for this purchase."),
        ),
    }
)


# A consent's kind where it says that the box for a "no" to offers was shown.
COULD_SAY_NO: Final = "could_say_no"

# Where the law is not known to allow offers without a consent. The Directive does not hold there.
ONLY_WITH_CONSENT: Final = frozenset({"FO", "GL"})


def version_of(consent: Consent) -> str:
    """The version of the text that is shown now, as it is kept with a consent."""
    return f"{consent}-{TEXTS[consent][0]}"
