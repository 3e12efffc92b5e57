"""Tokens for links that customers get: to come back, to pay, to read a receipt.

Whoever has the link can do the one thing that it is for. So a token is of one purpose, for one
checkout and one audience, for a time, and proven with a key that is derived for that purpose alone:
a receipt's can never pay. Nothing in a token chooses how it is checked. What it holds (the
checkout's id and when it ends) is not secret, and tells nobody who somebody is.

Pure: time and randomness come in. That one serves once is for who keeps count.

Source: HMAC-SHA-256 (RFC 2104) under keys by HKDF (RFC 5869); OWASP ASVS 5.0, chapter 9, read
2026-11.
"""

from __future__ import annotations

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.errors import InvalidInput, UntrustedLink, UsageError
from checkoutflow.privacy.secret import Secret, octets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checkoutflow.privacy.vault import Keys

NONCE_BYTES: Final = 16
LONGEST_LIFE: Final = timedelta(days=3 * 366)
_FORMAT: Final = b"\x01"  # a change of anything below gets the next number
_KEY_ID_BYTES: Final = 8
_TIME_BYTES: Final = 5  # seconds since 1970, until the year 36812
_NONCE_AT: Final = len(_FORMAT) + _KEY_ID_BYTES + 2 * _TIME_BYTES
_HEAD_BYTES: Final = _NONCE_AT + NONCE_BYTES
_PROOF_BYTES: Final = 32
_MOST_ID: Final = 100
_MOST_TOKEN: Final = 4 * (_HEAD_BYTES + _MOST_ID + _PROOF_BYTES + 2) // 3


class LinkPurpose(StrEnum):
    """What a link is for; it opens nothing else."""

    RETURN = "return"
    RESUME = "resume"
    PAY = "pay"
    RECEIPT = "receipt"
    DOWNLOAD = "download"
    UNSUBSCRIBE = "unsubscribe"
    REVIEW = "review"


# What changes something when it is followed, and therefore serves once.
ONCE: Final = frozenset(
    {LinkPurpose.RESUME, LinkPurpose.PAY, LinkPurpose.UNSUBSCRIBE, LinkPurpose.REVIEW}
)

# How long one lives unless the shop says otherwise. The figures are ours.
LIVES: Final[Mapping[LinkPurpose, timedelta]] = MappingProxyType(
    {
        LinkPurpose.RETURN: timedelta(days=1),
        LinkPurpose.RESUME: timedelta(days=1),
        LinkPurpose.PAY: timedelta(days=14),
        LinkPurpose.RECEIPT: timedelta(days=90),
        LinkPurpose.DOWNLOAD: timedelta(days=30),
        LinkPurpose.UNSUBSCRIBE: timedelta(days=365),
        LinkPurpose.REVIEW: timedelta(days=3),
    }
)


@dataclass(frozen=True, slots=True)
class Link:
    """What a token says, once it is proven.

    Attributes:
        checkout: The one that it is for.
        purpose: What it is for.
        audience: Who takes it, in the shop's own words.
        made_at: When it was made, in whole seconds.
        expires_at: From then on it opens nothing.
        nonce: Tells it from every other token.
    """

    checkout: str
    purpose: LinkPurpose
    audience: str
    made_at: datetime
    expires_at: datetime
    nonce: bytes

    @property
    def life_s(self) -> int:
        """Seconds from when it was made until it ends."""
        return (self.expires_at - self.made_at) // timedelta(seconds=1)


def purpose_of(name: str) -> LinkPurpose:
    """A purpose by its name.

    Raises:
        InvalidInput: If there is none.
    """
    try:
        return LinkPurpose(name)
    except ValueError:
        known = ", ".join(LinkPurpose)
        raise InvalidInput(f"is one of {known}", field="purpose") from None


def new_link(
    checkout: str,
    purpose: LinkPurpose,
    audience: str,
    life: timedelta | None,
    at: datetime,
    nonce: bytes,
) -> Link:
    """What a token made now is to say.

    Args:
        checkout: The one that it is for.
        purpose: What it is for.
        audience: Who takes it.
        life: How long it lives, rounded down to seconds; None for as long as those of its purpose.
        at: Now.
        nonce: 16 random bytes.

    Raises:
        InvalidInput: If it would live for no time, or for more than three years.
    """
    life = LIVES[purpose] if life is None else life
    if not timedelta(seconds=1) <= life <= LONGEST_LIFE:
        raise InvalidInput("is from one second to three years", field="life")
    made_at = at.replace(microsecond=0)
    seconds = timedelta(seconds=life // timedelta(seconds=1))
    return Link(checkout, purpose, audience, made_at, made_at + seconds, nonce)


def token_of(keys: Keys, link: Link) -> Secret:
    """The token: letters, digits, ``-`` and ``_``, fit for the fragment of an address.

    Raises:
        UsageError: If the nonce or the id of the checkout has another length than they have.
    """
    name = octets(link.checkout)
    if len(link.nonce) != NONCE_BYTES or not 0 < len(name) <= _MOST_ID:
        raise UsageError(f"a link has {NONCE_BYTES} random bytes and the id of a checkout")
    times = b"".join(
        int(at.timestamp()).to_bytes(_TIME_BYTES) for at in (link.made_at, link.expires_at)
    )
    key_id, key = keys.newest(_use(link.purpose))
    said = _FORMAT + bytes.fromhex(key_id) + times + link.nonce + name
    proof = _proof(key, said, link.audience)
    return Secret(urlsafe_b64encode(said + proof).decode("ascii").rstrip("="))


def opened(keys: Keys, token: str, purpose: LinkPurpose, audience: str, at: datetime) -> Link:
    """What a token says, if it is ours, of this purpose and audience, and not over.

    Args:
        keys: The shop's keys. One that was replaced still proves what was made with it, for as
            long as it is among them.
        token: As it came.
        purpose: What the page that got it is for; never taken from the token.
        audience: Who this is, as given when it was made.
        at: Now.

    Raises:
        UntrustedLink: If not; ``reason`` is ``token``, ``key``, ``proof`` or ``expired``.
    """
    content = _decoded(token)
    said, proof = content[:-_PROOF_BYTES], content[-_PROOF_BYTES:]
    key = keys.derived(said[1 : 1 + _KEY_ID_BYTES].hex(), _use(purpose))
    if key is None:
        raise UntrustedLink("key")
    if not hmac.compare_digest(_proof(key, said, audience), proof):
        raise UntrustedLink("proof")
    # Only now is anything of it believed.
    times = said[1 + _KEY_ID_BYTES : _NONCE_AT]
    made_at, expires_at = _time(times[:_TIME_BYTES]), _time(times[_TIME_BYTES:])
    if at >= expires_at:
        raise UntrustedLink("expired")
    nonce, name = said[_NONCE_AT:_HEAD_BYTES], said[_HEAD_BYTES:]
    return Link(
        name.decode("utf-8", "surrogatepass"), purpose, audience, made_at, expires_at, nonce
    )


def _time(seconds: bytes) -> datetime:
    return datetime.fromtimestamp(int.from_bytes(seconds), UTC)


def _decoded(token: str) -> bytes:
    """The bytes of a token, written in the one way in which we write them."""
    try:
        if len(token) > _MOST_TOKEN:
            raise UntrustedLink("token")
        content = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except (UnicodeEncodeError, binascii.Error):
        raise UntrustedLink("token") from None
    is_ours = urlsafe_b64encode(content).decode("ascii").rstrip("=") == token
    is_whole = _HEAD_BYTES + _PROOF_BYTES < len(content) <= _HEAD_BYTES + _MOST_ID + _PROOF_BYTES
    if not (is_ours and is_whole and content.startswith(_FORMAT)):
        raise UntrustedLink("token")
    return content


def _use(purpose: LinkPurpose) -> str:
    return f"link {purpose}"


def _proof(key: bytes, said: bytes, audience: str) -> bytes:
    """What is proven is as long as it says, so that no two of them read the same."""
    return hmac.digest(key, len(said).to_bytes(4) + said + octets(audience), "sha256")
