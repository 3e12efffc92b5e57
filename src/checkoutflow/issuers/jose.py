"""Signed and encrypted tokens, through joserfc: what is believed, and what is sent.

The token chooses nothing. Which signatures are taken stands in the settings; the key is looked for
among those of that kind alone, so that no public key is ever used as a password; a header that asks
for special treatment (``crit``) is refused. A key of fewer than 2048 bits is no key.

Everything here raises one of two things about a token: `Distrust` if it is not to be believed, and
`UnknownKey` if it names a key that we do not have, which may be a new one.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from checkoutflow.errors import InvalidInput, NotSupported
from checkoutflow.providers.http import json_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from joserfc.jwk import Key

    from checkoutflow.privacy.secret import Secret

MAX_TOKEN: Final = 100_000  # characters

_KEY_TYPES: Final = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC"}
_PUBLIC: Final = {"RSA": ("kty", "n", "e"), "EC": ("kty", "crv", "x", "y")}
_RSA_DIGITS: Final = range(342, 1367)  # of a modulus of 2048 to 8192 bits, in base64

# How an answer to us may be encrypted: nothing with a shared password, nothing compressed.
_WRAPS: Final = ("RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW")
_CIPHERS: Final = ("A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512")


class Distrust(Exception):
    """A token is not to be believed; the text is one word for why."""


class UnknownKey(Distrust):
    """A token is signed with a key that we do not have."""


class PrivateKey(NamedTuple):
    """A key of the shop's own.

    Attributes:
        id: The name under which the issuer has the public part; empty if it has one only.
        algorithm: What it is for, in the names of JSON web algorithms.
    """

    key: Key
    id: str
    algorithm: str


def signing_key(secret: Secret) -> PrivateKey:
    """Read the private JSON web key that the shop signs with.

    Raises:
        InvalidInput: If it is none, or for no signature that we make.
        NotSupported: If the extra ``oidc`` is not installed.
    """
    key = _private_key(secret, "signing_key")
    if key.algorithm in _KEY_TYPES:
        with suppress(Exception):  # one that does not sign is refused below, whatever it lacks
            signed({}, key)
            return key
    raise InvalidInput(f"signs with one of {', '.join(_KEY_TYPES)}", field="signing_key")


def encryption_key(secret: Secret) -> PrivateKey:
    """Read the private JSON web key that answers to the shop are encrypted for.

    Raises:
        InvalidInput: If it is none.
        NotSupported: If the extra ``oidc`` is not installed.
    """
    return _private_key(secret, "encryption_key")


def signed(claims: Mapping[str, object], key: PrivateKey) -> str:
    """Make a signed token."""
    from joserfc import jwt  # noqa: PLC0415 -- heavy

    header = {"alg": key.algorithm} | ({"kid": key.id} if key.id else {})
    return jwt.encode(header, dict(claims), key.key, algorithms=[key.algorithm])


def opened(token: str, key: PrivateKey) -> str:
    """What is in an encrypted token: a signed one.

    Raises:
        Distrust: If it is not encrypted for this key, or in a way that is not taken.
    """
    from joserfc.jwe import JWERegistry, decrypt_compact  # noqa: PLC0415 -- heavy

    match _header(token, parts=5):
        case {"alg": wrap, "enc": cipher, **rest} if (
            wrap in _WRAPS and cipher in _CIPHERS and not rest.keys() & {"crit", "zip"}
        ):
            registry = JWERegistry(algorithms=[wrap, cipher], strict_check_header=False)
        case _:
            raise Distrust("encryption")
    try:
        plain = decrypt_compact(token.encode(), key.key, registry=registry).plaintext
        return (plain or b"").decode("ascii")
    except Exception:  # noqa: BLE001 -- the library's errors are of many kinds, all mean the same
        raise Distrust("encryption") from None


def claims_of(
    token: str, keys: Sequence[Mapping[Any, object]], algorithms: Collection[str]
) -> dict[str, object]:
    """What a signed token says.

    Args:
        token: In its compact form.
        keys: The issuer's public keys, as JSON.
        algorithms: Signatures that are believed.

    Raises:
        UnknownKey: If none of the keys is the one it names.
        Distrust: If it is not signed by the issuer in a way that is believed.
    """
    from joserfc.jwk import import_key  # noqa: PLC0415 -- heavy
    from joserfc.jws import JWSRegistry, deserialize_compact  # noqa: PLC0415 -- heavy

    match _header(token, parts=3):
        case {"alg": str(algorithm), **rest} if algorithm in algorithms:
            if rest.keys() & {"crit", "b64"}:
                raise Distrust("header")
            jwk = _key_for(algorithm, rest.get("kid"), keys)
        case _:
            raise Distrust("algorithm")
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    registry.max_header_length = MAX_TOKEN  # a chain of certificates fits into it
    try:
        payload = deserialize_compact(token, import_key(jwk), registry=registry).payload
    except Exception:  # noqa: BLE001 -- the library's errors are of many kinds, all mean the same
        raise Distrust("signature") from None
    if not isinstance(claims := json_of(payload), dict):
        raise Distrust("content")
    return claims


def usable(key_set: object) -> tuple[Mapping[Any, object], ...]:
    """The keys of an issuer's published set that we can check signatures with."""
    keys = key_set.get("keys") if isinstance(key_set, dict) else None
    return tuple(key for key in keys if _is_usable(key)) if isinstance(keys, list) else ()


def half_hash(text: str) -> str:
    """The left half of a SHA-256 digest: how a token says which other token it belongs to."""
    return base64(hashlib.sha256(text.encode()).digest()[:16])


def base64(octets: bytes) -> str:
    """Base64 for addresses, without padding."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def _header(token: str, *, parts: int) -> Mapping[Any, object]:
    """The header of a compact token; nothing in it is believed yet."""
    if len(token) > MAX_TOKEN or not token.isascii() or token.count(".") != parts - 1:
        raise Distrust("form")
    first = token.partition(".")[0]
    try:
        header = json_of(urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except ValueError:
        raise Distrust("form") from None
    if not isinstance(header, dict):
        raise Distrust("form")
    return header


def _key_for(
    algorithm: str, wanted: object, keys: Sequence[Mapping[Any, object]]
) -> dict[str, str | list[str]]:
    """The one public key that a signature of this kind, with this key id, can be of."""
    kind = _KEY_TYPES[algorithm]
    found = [
        key
        for key in keys
        if key["kty"] == kind
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (wanted is None or key.get("kid") == wanted)
    ]
    if len(found) != 1:  # without a key id there may be many, and we do not try them all
        raise UnknownKey("key")
    return {name: str(found[0][name]) for name in _PUBLIC[kind]}


def _is_usable(key: object) -> bool:
    match key:
        case {"kty": "RSA", "n": str(modulus), "e": str()}:
            return len(modulus) in _RSA_DIGITS
        case {"kty": "EC", "crv": "P-256", "x": str(), "y": str()}:
            return True
        case _:
            return False


def _private_key(secret: Secret, field: str) -> PrivateKey:
    require_joserfc()
    from joserfc.jwk import import_key  # noqa: PLC0415 -- heavy

    match data := json_of(secret.reveal().encode("utf-8", "replace")):
        case {"kty": "RSA" | "EC" as kind, "d": str()} if isinstance(data, dict):
            with suppress(Exception):  # whatever it is, its text may hold part of the key
                algorithm = data.get("alg", "RS256" if kind == "RSA" else "ES256")
                return PrivateKey(import_key(data), str(data.get("kid", "")), str(algorithm))
    raise InvalidInput("is a private JSON web key (RSA or EC), as text", field=field)


def require_joserfc() -> None:
    """See that the library is there.

    Raises:
        NotSupported: If it is not.
    """
    try:
        import joserfc  # noqa: F401, PLC0415 -- heavy
    except ImportError:
        raise NotSupported("OpenID Connect needs joserfc: install checkoutflow[oidc]") from None
