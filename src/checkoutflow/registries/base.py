"""What the adapters for registers share: settings, requests, and careful reading."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias, TypeVar
from urllib.parse import urlencode

from pydantic import Field

from checkoutflow.customer.suggestions import place_name, spelling
from checkoutflow.model import Frozen
from checkoutflow.providers.base import Address
from checkoutflow.providers.contract import Transport
from checkoutflow.providers.http import path, request
from checkoutflow.providers.lookups import AddressCheck, details_of
from checkoutflow.registries.contract import Answer, Source, Why, Word

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import httpx

    from checkoutflow.privacy.secret import Details, Secret

T = TypeVar("T")
Addresses: TypeAlias = "tuple[Details, ...]"

MOST: Final = 10  # addresses in an answer
LONGEST: Final = 200  # characters of what is asked, and of a name that is read

# What a status code other than 200 says of us or of them; every other one: they are down.
_REFUSALS: Final = {400: Why.BAD_INPUT, 422: Why.BAD_INPUT, 429: Why.BUSY}
# Moved, wrong credentials, no such page: the settings do not fit.
_SETTINGS: Final = frozenset({301, 302, 303, 307, 308, 401, 403, 404, 405, 410})


class RegisterConfig(Frozen):
    """What the settings of every register have.

    Attributes:
        base_url: Where it is; ``https``, or ``http`` on this machine.
        timeout_s: Seconds for a whole look-up, while a customer may be waiting.
        connections: How many requests one process has under way at once.
    """

    base_url: Address
    timeout_s: float = Field(default=2.0, gt=0, le=20)
    connections: int = Field(default=10, ge=1)


class Adapter:
    """A register behind its settings."""

    __slots__ = ()

    source: ClassVar[Source]
    config: RegisterConfig

    @property
    def transport(self) -> Transport:
        """How its requests are sent."""
        return Transport(self.config.timeout_s, self.config.timeout_s, self.config.connections)

    def get(
        self,
        *parts: str,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Request:
        """A question under the base address."""
        return request("GET", self.url(*parts, query=query), headers=headers or {})

    def url(self, *parts: str, query: Mapping[str, str] | None = None) -> str:
        """An address under the base address."""
        where = self.config.base_url.rstrip("/") + path(*parts)
        return f"{where}?{urlencode(query)}" if query else where

    # Answers; without a value, an answer is one of any kind.

    def found(self, value: T) -> Answer[T]:
        """It is there."""
        return Answer(Word.FOUND, self.source, value)

    def not_found(self) -> Answer[T]:
        """The register has no such thing."""
        return Answer(Word.NOT_FOUND, self.source)

    def unavailable(self, why: Why) -> Answer[T]:
        """The register did not say."""
        return Answer(Word.UNAVAILABLE, self.source, why=why)

    def failed(self, status: int) -> Answer[T]:
        """What an answer with this status code says where it is none of those expected."""
        if status == 200:  # noqa: PLR2004 -- the status code
            return self.unavailable(Why.UNREADABLE)
        default = Why.CONFIGURATION if status in _SETTINGS else Why.DOWN
        return self.unavailable(_REFUSALS.get(status, default))

    def listed(self, told: list[object], read: Callable[[object], Details]) -> Answer[Addresses]:
        """A list of addresses; those that are not whole are left out."""
        found: list[Details] = []
        for one in map(read, told[:MOST]):
            if one not in found and {"street", "postal_code", "city"} <= one.keys():
                found.append(one)
        if told and not found:
            return self.unavailable(Why.UNREADABLE)
        return self.found(tuple(found)) if found else self.not_found()


def basic(user: Secret, password: Secret) -> str:
    """The header with which a user and a password are shown."""
    return "Basic " + b64encode(f"{user.reveal()}:{password.reveal()}".encode()).decode()


# Reading ------------------------------------------------------------------------------------------


def at(value: object, *names: str) -> object:
    """What stands under these names, one within the other; None if there is no such thing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def items(value: object, *names: str) -> list[object]:
    """The list that stands under these names; empty if there is none."""
    found = at(value, *names)
    return found if isinstance(found, list) else []


def line(value: object, *names: str) -> str:
    """The text, or whole number, that stands under these names: on one line, or empty.

    >>> line({"a": {"b": " Mo  i Rana "}}, "a", "b"), line({"a": 12}, "a"), line({"a": None}, "a")
    ('Mo i Rana', '12', '')
    """
    found = at(value, *names)
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    if not isinstance(found, str):
        return ""
    text = " ".join(found.split())
    return text[:LONGEST] if text.isprintable() else ""


def flag(value: object, *names: str) -> bool | None:
    """The truth value that stands under these names, or None."""
    found = at(value, *names)
    return found if isinstance(found, bool) else None


def joined(*parts: str, by: str = " ") -> str:
    """What is not empty of these."""
    return by.join(part for part in parts if part)


def address_of(*, street: str, postal_code: str, city: str, country: str, market: str) -> Details:
    """An address as a register gave it, in our form; what cannot be right is left out.

    Args:
        street: On one line, as the next.
        postal_code: As it is.
        city: Also in capitals.
        country: As ISO code; empty for the market's. One in another country than we know is empty.
        market: Whose register it is.
    """
    values = {"street": street, "postal_code": postal_code, "city": place_name(city)}
    return details_of({**values, "country": country or market}, market=market)


def compact(number: str, shape: str) -> str | None:
    """A company's number without punctuation; None if it has not this shape.

    >>> compact(" no 123 456 785 mva", "(?:NO)?([0-9]{9})(?:MVA)?")
    '123456785'
    """
    found = re.fullmatch(shape, re.sub(r"[\s.-]", "", number[:LONGEST]).upper())
    return found[1] if found else None


# Addresses ----------------------------------------------------------------------------------------


def written(address: Mapping[str, str]) -> str:
    """An address on one line, as people write it."""
    place = joined(address.get("postal_code", ""), address.get("city", ""))
    return joined(address.get("street", ""), place, by=", ")[:LONGEST]


def judged(asked: Mapping[str, str], candidates: Sequence[Details]) -> AddressCheck:
    """What a list of addresses like the one asked for says of it."""
    for candidate in candidates:
        if all(_same(asked, candidate, name) for name in ("street", "postal_code")):
            is_valid = _same(asked, candidate, "city")
            return AddressCheck(is_valid, None if is_valid else candidate)
    return AddressCheck(is_valid=False, correction=candidates[0] if len(candidates) == 1 else None)


def _same(asked: Mapping[str, str], candidate: Mapping[str, str], name: str) -> bool:
    one, other = (
        spelling(address.get(name, "")).replace(" ", "") for address in (asked, candidate)
    )
    return one == other
