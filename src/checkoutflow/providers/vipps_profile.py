"""What customers of Vipps MobilePay share with a payment: who they are, with their consent.

What is asked goes with the payment (``profile.scope``), the customer sees one consent for all of it
in the app, and who refuses does not pay. Afterwards the payment names the customer, and the
Userinfo API says what was shared. Source: the provider's OpenAPI files (ePayment 1.8.1, Userinfo
2.0.3) and developer pages, read 2026-11. What they leave open is decided so:

- Whether the subscription key may be sent to the Userinfo API is said in two ways: a setting.
- The profile may be there a moment after the payment only: a 404 is "not yet".
- 168 hours after the consent every value reads ``[Expired]``: nothing is known any more.
- A region is typically the town: it is our city.
- A birth date has no use in a sale, and a national identity number is for few: neither is asked.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.errors import Contradiction, NotSupported
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.http import Unreadable, path, reference_of
from checkoutflow.providers.lookups import Profile, details_of, text_of
from checkoutflow.providers.vipps_recurring import our_reference, require_ours

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checkoutflow.providers.contract import Authorise, Exchange
    from checkoutflow.providers.lookups import ProfileAsk
    from checkoutflow.providers.vipps_mobilepay import VippsMobilePay

# Our contact fields -> their words. An address is shared whole.
SCOPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "name": "name",
        "email": "email",
        "phone": "phoneNumber",
        "street": "address",
        "postal_code": "address",
        "city": "address",
        "country": "address",
    }
)
_DIGITS: Final = re.compile(r"[0-9]{6,15}")


def scope_of(order: Authorise, *, is_wallet: bool) -> str:
    """What a customer is asked to share, in their words; the same fields give the same text.

    Raises:
        NotSupported: If it is something else, or there is no app in which to ask.
    """
    if wrong := sorted(order.shares - SCOPES.keys()):
        raise NotSupported(f"{wrong[0]} is not shared; {', '.join(SCOPES)} are", field="shares")
    if order.shares and not is_wallet:
        raise NotSupported("only who pays in the app can share something", field="shares")
    return " ".join(sorted({SCOPES[name] for name in order.shares}))


def profile(unit: VippsMobilePay, ask: ProfileAsk) -> Exchange[Profile]:
    """What the customer shared: one look at the payment, and one at the profile that it names.

    Raises:
        Unreadable: If nothing is shared, or nothing yet.
        Contradiction: If an answer is about another payment or another customer.
    """
    payment = path("epayment", "v1", "payments", our_reference(ask.merchant_reference))
    match (yield from unit.send("GET", payment)):
        case 200, {"reference": reference, "profile": {"sub": subject}}:
            require_ours(reference, ask.merchant_reference)
            subject = reference_of(subject)
        case _:
            raise Unreadable("no profile")
    where = path("vipps-userinfo-api", "userinfo", subject)
    match (yield from unit.send("GET", where, is_subscribed=unit.config.userinfo_key)):
        case 200, {"sub": theirs, **told}:
            if theirs != subject:
                raise Contradiction("the answer is about another customer")
        case _:
            raise Unreadable("no profile")
    return _profile(subject, told, ask.market)


def _profile(subject: str, told: Mapping[Any, object], market: str) -> Profile:
    address, phone = told.get("address"), text_of(told, "phone_number")
    place = address if isinstance(address, dict) else {}
    shared = {
        "name": text_of(told, "name") or text_of(told, "given_name", "family_name"),
        "email": text_of(told, "email"),
        "phone": f"+{phone}" if _DIGITS.fullmatch(phone) else "",
        "street": text_of(place, "street_address"),
        "postal_code": text_of(place, "postal_code"),
        "city": text_of(place, "region"),
        "country": text_of(place, "country"),
    }
    details = details_of(shared, market=market)
    proven = {"phone", "email"} if told.get("email_verified") is True else {"phone"}
    return Profile(Secret(subject), details, frozenset(proven & details.keys()))
