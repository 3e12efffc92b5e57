"""When money must be captured, and when the payer must prove who they are.

Authorisation windows are rows of ``law/tables/authorisation_windows.toml``. Strong customer
authentication is decided here from the occasion of a payment; what depends on the banks alone (a
trusted payee, a secure corporate card, their own analysis of risk) is theirs to apply.

Source: Directive (EU) 2015/2366, article 97, and Regulation (EU) 2018/389, articles 14 and 16;
general knowledge, read 2026-11-21, confidence high. Finland: Consumer Protection Act (38/1978)
ch. 6 s. 12 c, in force 2023-10-01, read in part 2026-11-21, confidence medium.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.errors import InvalidInput, UnknownRule
from checkoutflow.law.rules import EVERYWHERE
from checkoutflow.law.windows import AuthorisationKind, AuthorisationWindow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checkoutflow.law.choice import Customer
    from checkoutflow.law.reader import Law


def last_day(authorised: date, window_days: int) -> date:
    """The last day of a window: calendar days, of which the day of authorisation is none.

    >>> last_day(date(2026, 11, 21), 14)
    datetime.date(2026, 12, 5)
    """
    return authorised + timedelta(window_days)


def is_inside_window(authorised: date, window_days: int, capture: date) -> bool:
    """Whether a capture on that day is within the window."""
    return authorised <= capture <= last_day(authorised, window_days)


def window_of(
    scheme: str, market: str, on: date, law: Law, *, kind: AuthorisationKind = "ordinary"
) -> AuthorisationWindow:
    """For how long an authorisation lasts: the market's own row, else the one for every market.

    Args:
        scheme: Card scheme, wallet or provider: ``visa``, ``vipps_mobilepay``.
        market: Where the shop sells.
        on: Day of the authorisation.
        law: The tables, with the shop's own rows.
        kind: How the authorisation is asked for.

    Raises:
        UnknownRule: If nothing is known of that scheme, kind and market on that day.
    """
    for area in (market, EVERYWHERE):
        for window in law.rules_of(AuthorisationWindow, area, on):
            if scheme in window.schemes and window.kind == kind:
                return window
    raise UnknownRule(
        f"no authorisation window for {scheme} ({kind}) in {market} on {on}; "
        "ask the acquirer and add a row with `overridden_by`"
    )


# Regulation (EU) 2018/389 article 16. In its words either of the last two limits is enough, and
# they are about earlier payments only; but which one is kept, and how, the issuer decides. So here
# both must hold, with this payment counted in.
LOW_VALUE_EUR_CENTS: Final = 30_00
LOW_VALUE_SUM_EUR_CENTS: Final = 100_00
LOW_VALUE_PAYMENTS: Final = 5

# Finnish consumer law is the state's, also in Åland (act 1991:1144 s. 27).
_IDENTIFIES_WHO_DEFERS: Final = frozenset({"FI", "AX"})
_IDENTIFIES_FROM: Final = date(2023, 10, 1)


class Occasion(StrEnum):
    """What happens when a payment is started."""

    ONE_OFF = "one_off"
    """The payer pays, once."""

    MANDATE_SET_UP = "mandate_set_up"
    """The payer agrees to later payments: a card is stored, a subscription begins."""

    REPEAT_SAME = "repeat_same"
    """The payer pays the same payee the same amount again, in a series that began with proof."""

    REPEAT_CHANGED = "repeat_changed"
    """The payer pays the same payee again in such a series, but another amount."""

    MANDATE_CHARGE = "mandate_charge"
    """The shop charges, without the payer, on a mandate that was given with proof."""

    UNPROVEN_MANDATE_CHARGE = "unproven_mandate_charge"
    """The shop charges, without the payer, on a mandate that was given without proof."""

    MAIL_OR_TELEPHONE = "mail_or_telephone"
    """The payer orders by mail or telephone, and the shop types the card."""

    ONE_LEG_OUT = "one_leg_out"
    """The payer's bank or the shop's is outside the EEA."""

    ANONYMOUS_PREPAID = "anonymous_prepaid"
    """The payer pays with prepaid money that knows no holder."""

    DEFERRAL = "deferral"
    """The payer pays later: an invoice, a part payment, an account."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a payer paid with the same instrument since the last strong authentication.

    Attributes:
        payments: How many times.
        eur_cents: How much, in cents of euro whatever the currency.

    Raises:
        InvalidInput: If one of them is negative.
    """

    payments: int
    eur_cents: int

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        _must_not_be_negative("payments", self.payments)
        _must_not_be_negative("eur_cents", self.eur_cents)


@dataclass(frozen=True, slots=True)
class Authentication:
    """Whether the payer must prove who they are, and why.

    Attributes:
        required: Whether strong authentication or identification must happen now.
        reason: Why, in a few words, for the shop.
        source: Where that is from.
        is_exemption: Not required, but the issuer decides and may ask for it all the same.
    """

    required: bool
    reason: str
    source: str
    is_exemption: bool = False


_RTS: Final = "Regulation (EU) 2018/389"
_PSD2: Final = "Directive (EU) 2015/2366"

_BY_OCCASION: Final[Mapping[Occasion, Authentication]] = MappingProxyType(
    {
        Occasion.ONE_OFF: Authentication(
            required=True, reason="the payer starts it", source=f"{_PSD2} art. 97(1)"
        ),
        Occasion.MANDATE_SET_UP: Authentication(
            required=True,
            reason="a mandate is set up",
            source=f"{_PSD2} art. 97(1), {_RTS} art. 14(1)",
        ),
        Occasion.REPEAT_SAME: Authentication(
            required=False,
            reason="same amount and payee as the authenticated first of the series",
            source=f"{_RTS} art. 14(2)",
            is_exemption=True,
        ),
        # Changing a series counts like beginning one, so not even a small amount is exempt.
        Occasion.REPEAT_CHANGED: Authentication(
            required=True, reason="the amount of the series changed", source=f"{_RTS} art. 14(1)"
        ),
        Occasion.MANDATE_CHARGE: Authentication(
            required=False,
            reason="the shop starts it, on a mandate given with strong authentication",
            source=f"{_PSD2} art. 97(1): payments started by the payer only",
        ),
        Occasion.UNPROVEN_MANDATE_CHARGE: Authentication(
            required=True,
            reason="the mandate was not given with strong authentication; ask the payer back",
            source=f"{_PSD2} art. 97(1)",
        ),
        Occasion.MAIL_OR_TELEPHONE: Authentication(
            required=False, reason="not an electronic payment", source=f"{_PSD2} recital 95"
        ),
        Occasion.ONE_LEG_OUT: Authentication(
            required=False,
            reason="one of the two banks is outside the EEA",
            source=f"{_PSD2} art. 2(4)",
        ),
        Occasion.ANONYMOUS_PREPAID: Authentication(
            required=False,
            reason="the instrument knows no holder",
            source=f"{_RTS} recital 8",
        ),
        Occasion.DEFERRAL: Authentication(
            required=False, reason="nothing is paid now", source=f"{_PSD2} art. 97(1)"
        ),
    }
)
_LOW_VALUE: Final = Authentication(
    required=False,
    reason="a small amount, few and little since the last strong authentication",
    source=f"{_RTS} art. 16",
    is_exemption=True,
)
# Deferrals that fall under other chapters or acts have a duty of their own there. The exception for
# paying on delivery is not made here: who pays then does not defer.
_FINNISH_DEFERRAL: Final = Authentication(
    required=True,
    reason="a consumer who defers payment online is identified strongly",
    source="Finnish Consumer Protection Act (38/1978) ch. 6 s. 12 c",
)


def strong_authentication(
    occasion: Occasion,
    *,
    market: str,
    on: date,
    customer: Customer,
    amount_eur_cents: int,
    earlier: Earlier | None,
) -> Authentication:
    """Whether the payer must be authenticated strongly for a payment.

    Args:
        occasion: What happens.
        market: The consumer's country, or part of one.
        on: Day of the payment or contract.
        customer: Who pays; consumer law protects a consumer only.
        amount_eur_cents: What is paid now, in cents of euro whatever the currency; rounded up.
        earlier: What was paid since the last strong authentication. None where that is not known:
            then small amounts are not exempt.

    Raises:
        InvalidInput: If the amount is negative.
    """
    _must_not_be_negative("amount_eur_cents", amount_eur_cents)
    if (
        occasion is Occasion.DEFERRAL
        and market in _IDENTIFIES_WHO_DEFERS
        and customer == "consumer"
        and on >= _IDENTIFIES_FROM
    ):
        return _FINNISH_DEFERRAL
    if (
        occasion is Occasion.ONE_OFF
        and earlier is not None
        and amount_eur_cents <= LOW_VALUE_EUR_CENTS
        and earlier.eur_cents + amount_eur_cents <= LOW_VALUE_SUM_EUR_CENTS
        and earlier.payments < LOW_VALUE_PAYMENTS
    ):
        return _LOW_VALUE
    return _BY_OCCASION[occasion]


def _must_not_be_negative(field: str, number: int) -> None:
    if number < 0:
        raise InvalidInput("must not be negative", field=field)
