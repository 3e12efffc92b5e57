"""The vault: each person has a key of their own, and each field is sealed under it.

The person's key is stored wrapped by the shop's key. So the store opens nothing without the shop's
key, and destroying a person's key closes all copies of their fields at once. A sealed field is
bound to its person and its name: it cannot be moved, and it cannot be changed without notice.

Pure: rows in, rows out. Disk is the store's, and time and randomness come in as arguments.
Sealing is AES-256-GCM with a random nonce of 96 bits (NIST SP 800-38D allows 2**32 of them under
one key, which bounds the persons under one shop key); keys are derived by HKDF (RFC 5869).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from dataclasses import field as _field
from typing import TYPE_CHECKING, Final, Never, Self

from checkoutflow.errors import PurposeRefused, UsageError, VaultError
from checkoutflow.privacy.fields import FIELDS, Purpose, declared, expiry
from checkoutflow.privacy.secret import STARS, Details, octets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
# The first byte of everything sealed; a change of algorithm or binding gets the next number.
_FORMAT: Final = b"\x01"


# What keeps the shop's secrets: gives all of them, the current one first.
KeySource = Callable[[], Iterable[bytes]]


class Keys:
    """The shop's own keys, by key id; prints as stars.

    New persons are wrapped under the current key. Older keys only open what they once wrapped.
    From each key are derived one that wraps and one for each kind of digest, so that no key
    serves two uses.

    Attributes:
        current: Id of the key that new persons are wrapped under.
    """

    __slots__ = ("_ciphers", "_digest_keys", "_secrets", "_source", "current")

    def __init__(self, secrets: Mapping[str, bytes], source: KeySource | None = None) -> None:
        """Take the keys by their ids, the current one first.

        Made by ``Keys.of`` or ``Keys.from_source``.
        """
        self._source = source
        self._take(secrets)

    def _take(self, secrets: Mapping[str, bytes]) -> None:
        self._secrets = dict(secrets)
        self.current = next(iter(self._secrets))
        self._ciphers: dict[str, AESGCM] = {}
        self._digest_keys: dict[str, tuple[bytes, ...]] = {}

    @classmethod
    def of(cls, secret: bytes, *older: bytes) -> Self:
        """Make the keys from secrets of 32 random bytes each, the current one first.

        Raises:
            UsageError: If a secret has another length.
        """
        return cls(_by_id((secret, *older)))

    @classmethod
    def from_source(cls, source: KeySource) -> Self:
        """Make the keys of whatever keeps them: a file, a key management service.

        It is asked now, and again whenever a person's key is under one that is not there: so a
        process that runs on while the shop changes its key finds the new one by itself.

        Args:
            source: Gives the secrets, 32 random bytes each, the current one first.

        Raises:
            UsageError: If it gives anything else.
            CheckoutError: What it raises itself.
        """
        return cls(_by_id(source()), source)

    def cipher(self, wanted: str) -> AESGCM:
        """Give the cipher that wraps under the key with this id.

        Raises:
            VaultError: If the shop does not have that key.
        """
        if (cipher := self._ciphers.get(wanted)) is None:
            if wanted not in self._secrets and self._source is not None:
                self._take(_by_id(self._source()))
            if wanted not in self._secrets:
                message = (
                    f"this person's data is under the vault key {wanted}, which is not among the "
                    "shop's keys; put that key back beside the current one"
                )
                raise VaultError(message)
            cipher = _cipher(_derive(self._secrets[wanted], "wrap"))
            self._ciphers[wanted] = cipher
        return cipher

    def digest_keys(self, kind: str) -> tuple[bytes, ...]:
        """Give the keys for digests of one kind: derived from the current key, then from others."""
        known = self._digest_keys  # before the secrets: another thread may put new ones in place
        if (found := known.get(kind)) is None:
            found = tuple(_derive(each, f"digest {kind}") for each in self._secrets.values())
            known[kind] = found
        return found

    def newest(self, use: str) -> tuple[str, bytes]:
        """The current key's id, and a key derived from it for one use.

        Args:
            use: What for, in words that no other use has.
        """
        secrets = self._secrets  # once: another thread may put new ones in place
        name = next(iter(secrets))
        return name, _derive(secrets[name], use)

    def derived(self, wanted: str, use: str) -> bytes | None:
        """Derive a key for one use from the key with this id; None if it is not there.

        The source is not asked for it: anybody may name one.
        """
        secret = self._secrets.get(wanted)
        return None if secret is None else _derive(secret, use)

    @property
    def older(self) -> tuple[str, ...]:
        """Ids of the keys that only open."""
        return tuple(name for name in self._secrets if name != self.current)

    def __repr__(self) -> str:
        return f"Keys({STARS})"

    def __reduce__(self) -> Never:
        message = "Keys are not pickled: they would lie readable in the pickle"
        raise TypeError(message)


def _by_id(secrets: Iterable[object]) -> dict[str, bytes]:
    given = list(secrets)
    keys = [it for it in given if isinstance(it, bytes) and len(it) == KEY_BYTES]
    if not keys or len(keys) != len(given):
        message = f"a vault key is {KEY_BYTES} random bytes, as secrets.token_bytes(32) gives"
        raise UsageError(message)
    return {key_id(each): each for each in keys}


def key_id(secret: bytes) -> str:
    """Name a key so that it can be told from others, without telling anything about it."""
    return hmac.digest(secret, b"checkoutflow key id", "sha256")[:8].hex()


def digest(keys: Keys, kind: str, text: str) -> str:
    """Give a fingerprint of a text that only the holder of the keys can make or check.

    A plain hash of an e-mail address or a phone number is undone by trying them all; this one is
    not. Equal texts of one kind have equal digests, and digests of different kinds cannot be
    compared. They change with the current key.

    Returns:
        HMAC-SHA-256 as 64 hexadecimal digits.
    """
    return digests(keys, kind, text)[0]


def digests(keys: Keys, kind: str, text: str) -> tuple[str, ...]:
    """Give the digests of a text under each of the keys, the current one first.

    What is kept for longer than a key is current is found under one of them.
    """
    known = keys.digest_keys(kind)
    return tuple(hmac.digest(key, octets(text), "sha256").hex() for key in known)


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """One person's key, wrapped; to erase the person is to destroy this row.

    Attributes:
        subject_id: Whose key it is.
        wrapped_key: The key, sealed under the shop's key and bound to person and key id.
        key_id: Which of the shop's keys opens it.
    """

    subject_id: str
    wrapped_key: bytes = _field(repr=False)
    key_id: str


@dataclass(frozen=True, slots=True)
class VaultRow:
    """One sealed field of one person.

    Attributes:
        subject_id: Whose it is.
        field: Its declared name.
        ciphertext: The value, sealed under the person's key and bound to person and field.
        purposes: What the customer was told it is for, when it was written.
        expires_at: When it must be gone; from then on it is not read.
    """

    subject_id: str
    field: str
    ciphertext: bytes = _field(repr=False)
    purposes: tuple[str, ...]
    expires_at: datetime


def new_subject(keys: Keys, subject_id: str, random: Callable[[int], bytes]) -> SubjectKey:
    """Make a key for one person and wrap it under the shop's current key.

    Args:
        keys: The shop's keys.
        subject_id: Whose key it will be.
        random: Gives as many random bytes as it is asked for, as ``os.urandom`` does.
    """
    label = _label("subject", subject_id, keys.current)
    wrapped = _encrypt(keys.cipher(keys.current), random(KEY_BYTES), label, random(NONCE_BYTES))
    return SubjectKey(subject_id, wrapped, keys.current)


def rewrap(keys: Keys, subject: SubjectKey, nonce: bytes) -> SubjectKey:
    """Wrap a person's key under the shop's current key; what it sealed stays as it is.

    Args:
        keys: The shop's keys, the old one among them.
        subject: The person's key as stored.
        nonce: 12 random bytes, never used before under the current key.

    Raises:
        VaultError: If the key that wrapped it is missing, or the row was changed.
    """
    old = _label("subject", subject.subject_id, subject.key_id)
    plain = _decrypt(keys.cipher(subject.key_id), subject.wrapped_key, old, "the person's key")
    new = _label("subject", subject.subject_id, keys.current)
    wrapped = _encrypt(keys.cipher(keys.current), plain, new, nonce)
    return SubjectKey(subject.subject_id, wrapped, keys.current)


def open_subject(keys: Keys, subject: SubjectKey) -> AESGCM:
    """Unwrap a person's key, ready to seal and unseal with; it cannot be printed.

    Raises:
        VaultError: If the shop's key is missing, or the row was changed.
    """
    label = _label("subject", subject.subject_id, subject.key_id)
    cipher = keys.cipher(subject.key_id)
    return _cipher(_decrypt(cipher, subject.wrapped_key, label, "the person's key"))


def seal(data_key: AESGCM, subject_id: str, name: str, value: str, nonce: bytes) -> bytes:
    """Seal one value under the person's key, bound to the person and the field.

    Args:
        data_key: From ``open_subject``.
        subject_id: Whose value it is.
        name: Name of the field.
        value: What the customer told.
        nonce: 12 random bytes, never used before under this key.
    """
    return _encrypt(data_key, octets(value), _label("field", subject_id, name), nonce)


def unseal(data_key: AESGCM, subject_id: str, name: str, sealed: bytes) -> str:
    """Open what ``seal`` made for the same person and field.

    Raises:
        VaultError: If anything about it is different; nothing is read then.
    """
    plain = _decrypt(data_key, sealed, _label("field", subject_id, name), f"the field {name}")
    return plain.decode("utf-8", "surrogatepass")


# A person may always ask what is kept of them.
_ALWAYS: Final = (Purpose.ANSWER_RIGHTS,)


class Vault:
    """Writes and reads the fields of a person, each for its declared purposes only."""

    def __init__(self, keys: Keys) -> None:
        """Work with the shop's keys."""
        self._keys = keys

    def write(
        self,
        subject: SubjectKey | None,
        subject_id: str,
        fields: Mapping[str, str],
        *,
        at: datetime,
        random: Callable[[int], bytes],
        only: Purpose | None = None,
        until: datetime | None = None,
    ) -> tuple[SubjectKey, list[VaultRow]]:
        """Seal fields of one person. A later row of the same field replaces the earlier one.

        Args:
            subject: The person's key as stored, or None for a new person.
            subject_id: Whose fields they are.
            fields: Clean values by field name.
            at: Now.
            random: Gives as many random bytes as it is asked for, as ``os.urandom`` does.
            only: The one purpose that they are written for; by default all that are declared.
            until: When they must be gone; by default as those of an unfinished sale.

        Returns:
            The person's key to store, the same or new, and one row for each field.

        Raises:
            PurposeRefused: If a field may not be used for that one purpose.
            UsageError: If a field is not declared, or the key is another person's.
            VaultError: If the person's key cannot be opened.
        """
        purposes = {name: tuple(declared(name).purposes) for name in fields}
        if only is not None:
            if refused := sorted(name for name in fields if only not in purposes[name]):
                message = f"{only} is no declared purpose of {', '.join(refused)}"
                raise PurposeRefused(message, field=refused[0])
            purposes = dict.fromkeys(fields, (only, *_ALWAYS))
        if subject is None:
            subject = new_subject(self._keys, subject_id, random)
        elif subject.subject_id != subject_id:
            message = f"that is the key of {subject.subject_id}, not of {subject_id}"
            raise UsageError(message)
        data_key = open_subject(self._keys, subject)
        return subject, [
            VaultRow(
                subject_id,
                name,
                seal(data_key, subject_id, name, value, random(NONCE_BYTES)),
                purposes[name],
                until or expiry(name, at),
            )
            for name, value in fields.items()
        ]

    def read(
        self,
        subject: SubjectKey,
        rows: Iterable[VaultRow],
        purpose: Purpose,
        at: datetime,
        names: Iterable[str] | None = None,
    ) -> Details:
        """Open the fields of one person that a purpose allows and whose time is not over.

        A row is opened only when both the register and the row itself name the purpose: what a
        customer was told holds, and a purpose that is taken out of the register ends at once.

        Args:
            subject: The person's key as stored.
            rows: The person's sealed fields.
            purpose: What the values will be used for.
            at: Now.
            names: Only these fields, all of which the purpose must allow; None for every field
                it allows.

        Raises:
            PurposeRefused: If a field in ``names`` may not be used for the purpose.
            UsageError: If a field in ``names`` is not declared.
            VaultError: If a key or a row cannot be opened; nothing is read then.
        """
        allowed = {name for name, declaration in FIELDS.items() if purpose in declaration.purposes}
        if names is not None:
            wanted = {declared(name).name for name in names}
            if refused := sorted(wanted - allowed):
                message = f"{purpose} is no declared purpose of {', '.join(refused)}"
                raise PurposeRefused(message, field=refused[0])
            allowed = wanted
        data_key = open_subject(self._keys, subject)
        return Details(
            {
                row.field: unseal(data_key, row.subject_id, row.field, row.ciphertext)
                for row in rows
                if row.field in allowed and purpose in row.purposes and at < row.expires_at
            }
        )


def _cipher(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 -- heavy

    return AESGCM(key)


def _derive(secret: bytes, use: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 -- heavy
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415 -- heavy

    info = f"checkoutflow vault {use}".encode()
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(secret)


def _label(*parts: str) -> bytes:
    """Write what a ciphertext is bound to, so that no two lists of parts read the same."""
    return _FORMAT + "".join(f"{len(part)}:{part}" for part in parts).encode()


def _encrypt(cipher: AESGCM, plain: bytes, label: bytes, nonce: bytes) -> bytes:
    return _FORMAT + nonce + cipher.encrypt(nonce, plain, label)


def _decrypt(cipher: AESGCM, sealed: bytes, label: bytes, what: str) -> bytes:
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 -- heavy

    body = 1 + NONCE_BYTES
    if sealed[:1] != _FORMAT or len(sealed) < body + _TAG_BYTES:
        message = f"{what} is not in a format this version reads; upgrade, or restore the row"
        raise VaultError(message)
    try:
        return cipher.decrypt(sealed[1:body], sealed[body:], label)
    except InvalidTag:
        message = (
            f"{what} cannot be opened: the row was changed or moved, or belongs to another key; "
            "restore it from a backup"
        )
        raise VaultError(message) from None
