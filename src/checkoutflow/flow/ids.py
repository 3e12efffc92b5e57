"""Identifiers, made of random bytes that come in as an argument."""

from __future__ import annotations

from base64 import b32encode
from typing import Final

# 128 bits: an id that is reachable from outside cannot be guessed (OWASP ASVS 5.0, 11.5.1).
CHECKOUT_BYTES: Final = 16
# 20 characters of a-z2-7: what the narrowest provider takes as a merchant's reference.
PAYMENT_BYTES: Final = 13
PAYMENT_LENGTH: Final = 20


def checkout_id(octets: bytes) -> str:
    """26 characters of ``a-z2-7`` from 16 random bytes."""
    return b32encode(octets).decode("ascii").rstrip("=").lower()


def payment_id(octets: bytes) -> str:
    """20 characters of ``a-z2-7`` from 13 random bytes."""
    return b32encode(octets).decode("ascii")[:PAYMENT_LENGTH].lower()
