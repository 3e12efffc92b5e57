"""What registers can be asked, and what an answer is.

Every look-up is advice. A sale goes on without it: whatever goes wrong is ``unavailable``, which
says nothing about the company or the address. A look-up is a generator, as an operation of a
provider is: it yields ``httpx.Request``, receives ``httpx.Response`` and returns an `Answer`. An
adapter never sleeps, retries, logs or stores, and follows no links: what it asks is under the
address from its settings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, runtime_checkable

from checkoutflow.privacy.secret import Details
from checkoutflow.providers.lookups import AddressCheck

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from checkoutflow.providers.contract import Exchange, Transport

__all__ = [
    "AddressCheck",
    "AddressRegister",
    "Answer",
    "Company",
    "CompanyRegister",
    "PostalCodes",
    "Register",
    "Situation",
    "Source",
    "Why",
    "Word",
]

T = TypeVar("T")


class Word(StrEnum):
    """What came of a look-up."""

    FOUND = "found"
    NOT_FOUND = "not_found"
    PARTIAL = "partial"  # found, and a source behind the register did not answer
    UNAVAILABLE = "unavailable"


class Why(StrEnum):
    """Why a register did not answer, or not wholly."""

    NO_REGISTER = "no_register"  # none is set up for this country
    BAD_INPUT = "bad_input"  # it can never be answered: asking again is no use
    CONFIGURATION = "configuration"  # wrong credentials, no right to ask, or a wrong address
    BUSY = "busy"  # it has, or we have, too many requests under way
    DOWN = "down"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Source:
    """Who says it, and on what terms: to be shown where the data is."""

    name: str
    licence: str


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What came of a look-up. Its value is never printed.

    Attributes:
        word: The value is there where it is ``found`` or ``partial``.
        why: Why it is ``unavailable`` or ``partial``.
        fetched_at: When the register said so, in UTC; None before the driver has written it down.
    """

    word: Word
    source: Source
    value: T | None = field(default=None, repr=False)
    why: Why | None = None
    fetched_at: datetime | None = None

    @property
    def is_final(self) -> bool:
        """Whether the register itself gave this answer, and will for some time."""
        return self.word in {Word.FOUND, Word.NOT_FOUND}


class Situation(StrEnum):
    """What keeps a company from going on as usual."""

    ENDED = "ended"
    BANKRUPT = "bankrupt"
    WINDING_UP = "winding_up"
    REORGANISATION = "reorganisation"
    OTHER = "other"  # a procedure that we have no word for


@dataclass(frozen=True, slots=True)
class Company:
    """What a register says of a company. A sole trader's is about a person: nothing is printed.

    Attributes:
        country: Whose register it is in.
        number: Its number there, digits only but for the Finnish hyphen.
        form: The register's own code or word for its legal form.
        situations: What keeps it from going on as usual.
        is_active: Whether it is registered, and in none of these situations; None where the
            register does not say.
        blocks_marketing: Whether it may not be sent advertising that it did not ask for; None where
            the register does not say, which is no permission.
        address: Where it is, by the names of contact fields; empty where not known in our form.
        postal_address: Where its post goes, if that is elsewhere.
    """

    country: str
    number: str = field(repr=False)
    name: str = field(repr=False)
    other_names: tuple[str, ...] = field(default=(), repr=False)
    form: str = ""
    situations: frozenset[Situation] = frozenset()
    is_active: bool | None = None
    blocks_marketing: bool | None = None
    address: Details = field(default_factory=Details)
    postal_address: Details = field(default_factory=Details)


class Register(Protocol):
    """What every register has."""

    @property
    def source(self) -> Source:
        """Who says it; the name tells registers apart."""

    @property
    def countries(self) -> frozenset[str]:
        """Countries and territories that it can be asked about, by ISO 3166 code."""

    @property
    def transport(self) -> Transport:
        """How requests are sent."""


@runtime_checkable
class CompanyRegister(Register, Protocol):
    """A register of companies."""

    def company(self, number: str) -> Exchange[Answer[Company]]:
        """What the register says of the company with this number, however it is punctuated."""


@runtime_checkable
class AddressRegister(Register, Protocol):
    """A register of addresses. What it is asked is where somebody lives; never who."""

    def check(self, address: Mapping[str, str]) -> Exchange[Answer[AddressCheck]]:
        """Whether an address exists, and how it is written if not so.

        Found and not valid without a correction is a doubt: ask the customer to look again.

        Args:
            address: Street, postal code and city, in the form in which they are stored.
        """

    def suggest(self, text: str) -> Exchange[Answer[tuple[Details, ...]]]:
        """Addresses that begin like this, or are written nearly so, best first."""


@runtime_checkable
class PostalCodes(Register, Protocol):
    """A list of postal codes."""

    def city_of(self, country: str, postal_code: str) -> Exchange[Answer[tuple[str, ...]]]:
        """The names of the place that a postal code belongs to, in the main language first."""
