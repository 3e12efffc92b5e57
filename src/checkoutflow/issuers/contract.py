"""What a verification is made of: what is remembered meanwhile, and what comes out of it.

A customer is sent to an issuer (a bank's identity service, a wallet), says there who they are, and
comes back with a code that the shop changes into a proof. Between the two the shop remembers a
`Pending` and nothing else: it tells nobody anything, and without the shop's keys and the ``state``
that only the customer's browser holds it opens nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from pydantic import AwareDatetime, Field

from checkoutflow.model import Frozen

if TYPE_CHECKING:
    from checkoutflow.privacy.secret import Details, Secret

# How long a customer has from leaving for the issuer to coming back.
PENDING_LIFE: Final = timedelta(minutes=10)


class Pending(Frozen):
    """All that is stored while a customer is at an issuer. Used once, and gone when it expires.

    Attributes:
        issuer: Name of the issuer in the shop's settings.
        checkout: The checkout that the customer will be verified in.
        state_digest: Keyed digest over issuer, checkout and the random ``state``; 64 hexadecimal
            digits.
        return_url: Where the issuer sends the customer back to.
        fields: The contact fields that the customer was asked to share.
        expires_at: From then on a return proves nothing.
    """

    issuer: str
    checkout: str
    state_digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    return_url: str
    fields: tuple[str, ...] = ()
    expires_at: AwareDatetime


@dataclass(frozen=True, slots=True)
class Return:
    """A return from an issuer that belongs to its `Pending`; not yet a proof of anything.

    Attributes:
        pending: What it belongs to. Take it out of the store before the code is sent on.
        code: What the issuer changes into a proof, once.
        nonce: What the proof must repeat.
        verifier: What shows the issuer that it was us who sent the customer (PKCE).
        issuer: Who says to have sent the customer back; empty where they do not say.
    """

    pending: Pending
    code: Secret
    nonce: Secret
    verifier: Secret
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class Unproven:
    """The customer came back, and not with a proof: they may try again or another way.

    Attributes:
        reason: ``expired`` if they were away too long, else the issuer's own word:
            ``access_denied`` is a customer who said no.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Proof:
    """Who the customer is, proven by an issuer.

    Attributes:
        subject: The issuer's name for them at this shop, the same at every visit. It means
            something together with ``issuer`` only.
        issuer: The issuer's identifier, an address.
        level: The issuer's word for how sure it is (``acr``); empty if it does not say.
        details: What they shared, of what was asked; in our form.
        verified: Which of these the issuer vouches for.
        at: When.
        birth_date: Where it was asked.
    """

    subject: Secret
    issuer: str
    level: str
    details: Details
    verified: frozenset[str]
    at: datetime
    birth_date: date | None = field(default=None, repr=False)
