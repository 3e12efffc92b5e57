"""What adapters share to prove a notice genuine.

Some providers sign what they send. Others sign nothing and call whatever address they were given:
for them each payment gets an address of its own, with a proof in it that only we can make.
"""

from __future__ import annotations

import hashlib
import hmac
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from checkoutflow.errors import UntrustedNotice
from checkoutflow.privacy.secret import octets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checkoutflow.privacy.secret import Secret


def header(headers: Mapping[str, str], name: str) -> str:
    """The one value of a header.

    Args:
        headers: As received; names in any case.
        name: In lower case.

    Raises:
        UntrustedNotice: If it is not there, or there twice.
    """
    found = [value for given, value in headers.items() if given.lower() == name]
    if len(found) != 1:
        raise UntrustedNotice(f"{name} must be there once")
    return found[0]


def require_same(ours: str, *theirs: str) -> None:
    """Compare a proof, in the same time however much of it is right.

    Args:
        ours: What it must be.
        theirs: What was given: several while a provider replaces what it signs with.

    Raises:
        UntrustedNotice: If none of them is the same to the letter.
    """
    if True not in [hmac.compare_digest(octets(ours), octets(given)) for given in theirs]:
        raise UntrustedNotice("the proof is not the provider's")


def hmac_hex(secret: Secret, content: bytes) -> str:
    """What most providers sign with: HMAC-SHA256, in hexadecimal."""
    return hmac.new(octets(secret.reveal()), content, hashlib.sha256).hexdigest()


def require_recent(signed_s: float, now_s: float, *, age_s: float, ahead_s: float = 300) -> None:
    """See that a notice was signed lately.

    Args:
        signed_s: Unix time of the signature.
        now_s: Unix time now.
        age_s: How old it may be, in seconds.
        ahead_s: How far the provider's clock may be ahead of ours, in seconds.

    Raises:
        UntrustedNotice: If it is older, or from the future.
    """
    if not -ahead_s <= now_s - signed_s <= age_s:
        raise UntrustedNotice("signed too long ago, or in the future")


def http_date_s(date: str) -> float:
    """Unix time of a date as HTTP writes it.

    Raises:
        UntrustedNotice: If it is not readable.
    """
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        raise UntrustedNotice("its date is not readable") from None


def proof_for(secret: Secret, merchant_reference: str) -> str:
    """What proves that an address, or a word that a provider sends back, came from us.

    32 hexadecimal digits. It differs from payment to payment, so whoever learns one knows no other.
    """
    return hmac_hex(secret, octets(merchant_reference))[:32]


def address_for(notice_url: str, secret: Secret, merchant_reference: str) -> str:
    """The address to give a provider for the notices of one payment.

    >>> from checkoutflow.privacy.secret import Secret
    >>> address_for("https://shop.example/notices/bank", Secret("k" * 32), "abc")
    'https://shop.example/notices/bank?payment=abc&proof=af61b693912efc56e2e46f949719ea10'
    """
    proof = proof_for(secret, merchant_reference)
    return f"{notice_url}?{urlencode({'payment': merchant_reference, 'proof': proof})}"


def payment_in(query: str, secret: Secret) -> str:
    """Our reference of the payment that an address was given for.

    Args:
        query: What followed the question mark. Providers may add to it.
        secret: What the address was made with.

    Raises:
        UntrustedNotice: If the address was not made by us.
    """
    try:
        given = parse_qsl(query, max_num_fields=20, keep_blank_values=True)
    except ValueError:
        given = []
    payments = [value for name, value in given if name == "payment"]
    proofs = [value for name, value in given if name == "proof"]
    if len(payments) != 1 or len(proofs) != 1:
        raise UntrustedNotice("the address is not one that we gave out")
    require_same(proof_for(secret, payments[0]), proofs[0])
    return payments[0]
