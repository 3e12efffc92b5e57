"""What an issuer says of a customer: whether it is for us, here and now, and what it means.

Pure, and about claims whose signature was already checked. Source: OpenID Connect Core 1.0,
sections 3.1.3.7 and 5.1.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from checkoutflow.issuers import jose
from checkoutflow.issuers.contract import PENDING_LIFE, Proof
from checkoutflow.issuers.settings import BIRTH_DATE
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.lookups import details_of, text_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from checkoutflow.issuers.contract import Return
    from checkoutflow.issuers.settings import IssuerConfig

Claims: TypeAlias = dict[str, object]

LEEWAY: Final = timedelta(seconds=60)  # by which two clocks may differ

_SUBJECT: Final = re.compile(r"[ -~]{1,255}")
_BARE_PHONE: Final = re.compile(r"[0-9]{6,15}")
_VERIFIED: Final = {"email": "email_verified", "phone": "phone_number_verified"}


class Told(NamedTuple):
    """A value as the issuer wrote it, and whether it says there that it has verified it."""

    value: str
    is_verified: bool


def require(
    claims: Claims, config: IssuerConfig, returned: Return, access_token: str, at: datetime
) -> None:
    """See that an ID token is about this customer, this shop and this moment.

    It must be for the shop alone: a token with more audiences is one that others could hand in.

    Raises:
        Distrust: If not; the text says which of it.
    """
    leeway_s = LEEWAY.total_seconds()
    now = at.timestamp()
    began = (returned.pending.expires_at - PENDING_LIFE).timestamp()
    issued, expires = _time_s(claims, "iat"), _time_s(claims, "exp")
    half, subject = jose.half_hash(access_token), claims.get("sub")
    held = {
        "issuer": claims.get("iss") == config.issuer,
        "audience": is_for(claims.get("aud"), config),
        "authorised party": claims.get("azp", config.client_id) == config.client_id,
        "nonce": Secret(str(claims.get("nonce"))) == returned.nonce,
        "expired": now - leeway_s < expires,
        "issued": began - leeway_s <= issued <= now + leeway_s,
        "not yet": "nbf" not in claims or _time_s(claims, "nbf") <= now + leeway_s,
        "access token": claims.get("at_hash", half) == half,
        "subject": isinstance(subject, str) and _SUBJECT.fullmatch(subject) is not None,
        "level": not config.levels or claims.get(config.level_claim) in config.levels,
    }
    if wrong := [what for what, holds in held.items() if not holds]:
        raise jose.Distrust(wrong[0])


def is_for(audience: object, config: IssuerConfig) -> bool:
    """Whether something is for the shop, and for nobody else."""
    return audience in (config.client_id, [config.client_id])


def told_in(
    documents: Iterable[Claims], config: IssuerConfig, wanted: Collection[str]
) -> dict[str, Told]:
    """What was asked and is told, each from the first document that tells it."""
    told: dict[str, Told] = {}
    for document in documents:
        for name in sorted(set(wanted) - told.keys()):
            if value := _value(name, document, config):
                # That it is verified counts where the value itself stands.
                told[name] = Told(value, document.get(_VERIFIED.get(name, "")) is True)
    return told


def proof_of(
    claims: Claims, told: Mapping[str, Told], config: IssuerConfig, at: datetime, *, market: str
) -> Proof:
    """What is proven, in our form."""
    values = {name: each.value for name, each in told.items()}
    details = details_of(
        {name: value for name, value in values.items() if name != BIRTH_DATE},
        market=config.market or market,
    )
    vouched = config.proven | {name for name, each in told.items() if each.is_verified}
    level = claims.get(config.level_claim)
    return Proof(
        subject=Secret(str(claims["sub"])),
        issuer=config.issuer,
        level=level if isinstance(level, str) else "",
        details=details,
        verified=frozenset(vouched & details.keys()),
        at=at,
        birth_date=_day(values.get(BIRTH_DATE, ""), at),
    )


def _value(name: str, document: Claims, config: IssuerConfig) -> str:
    value = _text(document, config.fields[name].claim)
    if name == "name":
        return value or text_of(document, "given_name", "family_name")
    if name == "phone" and not config.phone_has_plus and _BARE_PHONE.fullmatch(value):
        return f"+{value}"
    return value


def _text(document: Claims, claim: str) -> str:
    """A claim, or a part of one."""
    if claim in document:
        return text_of(document, claim)
    outer, _, inner = claim.partition(".")
    whole = document.get(outer)
    return text_of(whole, inner) if isinstance(whole, dict) else ""


def _time_s(claims: Claims, name: str) -> int | Decimal:
    """A point in time: seconds since 1970."""
    value = claims.get(name)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return value
    raise jose.Distrust(name)


def _day(text: str, at: datetime) -> date | None:
    """A date of birth that can be true."""
    with suppress(ValueError):
        if (day := date.fromisoformat(text)) <= at.date():
            return day
    return None
