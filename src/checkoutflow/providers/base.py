"""What adapters share: their configuration, and the judgements that are the same for all of them.

An adapter that uses this is a dataclass with a ``config`` and ``capabilities``:

>>> class FjordpayConfig(ProviderConfig):
...     '''One merchant account.'''
...
...     hosts = Hosts("https://api.fjordpay.example", "https://test.fjordpay.example")
...     name: Name = "fjordpay"
...     api_key: Credential
>>> config = FjordpayConfig.read({"api_key": "key-for-tests", "is_test": True})
>>> config.base_url, config.api_key
('https://test.fjordpay.example', ********)
"""

from __future__ import annotations

import re
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Final,
    Literal,
    NamedTuple,
    Protocol,
    TypeVar,
)

from pydantic import AfterValidator, Field, field_validator, model_validator

from checkoutflow.errors import Contradiction, InvalidInput
from checkoutflow.model import Frozen
from checkoutflow.money import Money
from checkoutflow.payment.outcomes import (
    Mandate,
    MandateWord,
    Operation,
    Outcome,
    Result,
    Risk,
    Standing,
    Word,
)
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.contract import (
    Ask,
    Authorise,
    Charge,
    Exchange,
    Modification,
    Provider,
    Transport,
)
from checkoutflow.providers.http import Unreadable, amount_of, base_url

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")

# Configuration ------------------------------------------------------------------------------------

_CREDENTIAL: Final = re.compile(r"[!-~]{8,4000}")
_GUESSED: Final = 32  # characters: shorter could be guessed; 128 bits, also where written in hex


def _fits_a_header(secret: Secret) -> Secret:
    if not _CREDENTIAL.fullmatch(secret.reveal()):
        raise ValueError("must be 8 to 4000 letters, digits and signs, without spaces")
    return secret


def _is_an_address(address: str) -> str:
    try:
        base_url(address)
    except InvalidInput as error:
        raise ValueError(error.problems[0][1]) from None
    return address


def _cannot_be_guessed(secret: Secret) -> Secret:
    if len(secret.reveal()) < _GUESSED:
        raise ValueError(f"must be at least {_GUESSED} characters")
    return secret


# A key, a token, a password: it prints as stars.
Credential = Annotated[Secret, AfterValidator(_fits_a_header)]
# What the shop makes up itself, for proofs that nobody else can make.
OwnSecret = Annotated[Secret, AfterValidator(_cannot_be_guessed)]
# Where something of ours is reached: https, or http on this machine; kept to the letter.
Address = Annotated[str, Field(max_length=1000), AfterValidator(_is_an_address)]
# The provider's name in settings, in the store and in notice addresses.
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Hosts(NamedTuple):
    """Where a provider's API is."""

    production: str
    test: str


class ProviderConfig(Frozen):
    """What every provider's configuration has.

    Attributes:
        is_test: Whether the credentials are for the test environment.
        base_url: Another host: a stand-in, or a proxy. By default as ``is_test`` says.
        name: The provider's name in settings, in the store and in notice addresses. Two accounts
            with one provider need two names.
        timeout_s: Seconds to wait for one answer.
        connections: How many requests one process has under way at once.
    """

    hosts: ClassVar[Hosts]

    is_test: bool = False
    base_url: str = ""
    name: Name
    timeout_s: float = Field(default=5.0, gt=0, le=20)
    connections: int = Field(default=100, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _has_a_host(cls, data: Any) -> Any:  # noqa: ANN401 -- whatever was given
        if isinstance(data, dict) and not data.get("base_url"):
            return {**data, "base_url": cls.hosts.test if data.get("is_test") else cls.hosts[0]}
        return data

    @field_validator("base_url")
    @classmethod
    def _is_an_api(cls, address: str) -> str:
        return _is_an_address(address).rstrip("/")

    @property
    def transport(self) -> Transport:
        """How requests are sent."""
        longest_s = max(self.timeout_s, min(2 * self.timeout_s, 20.0))
        return Transport(self.timeout_s, longest_s, self.connections)


class Configured:
    """The part of an adapter that its configuration decides."""

    __slots__ = ()

    config: ProviderConfig

    @property
    def name(self) -> str:
        """The name from the configuration."""
        return self.config.name

    @property
    def transport(self) -> Transport:
        """How its requests are sent."""
        return self.config.transport


class ConfiguredProvider(Provider, Protocol):
    """What every adapter is that comes with the library."""

    @property
    def config(self) -> ProviderConfig:
        """What the shop set."""


# Answers ------------------------------------------------------------------------------------------

SUCCEEDED: Final = Result(outcome=Outcome.SUCCEEDED)
UNKNOWN: Final = Result(outcome=Outcome.UNKNOWN)
UNCLEAR_MANDATE: Final = Mandate(word=MandateWord.UNCLEAR)


def unclear(ask: Ask) -> Standing:
    """How a payment stands of which the provider says nothing that can be read."""
    return Standing.nothing(Word.UNCLEAR, ask.amount.currency)


def careful(exchange: Exchange[T], otherwise: T) -> Exchange[T]:
    """An exchange that gives ``otherwise`` where an answer is unreadable."""
    try:
        return (yield from exchange)
    except Unreadable:
        return otherwise


def money_of(value: object) -> Money:
    """An amount written as ``{"value": 12900, "currency": "DKK"}``.

    Raises:
        Unreadable: If it is anything else.
    """
    match value:
        case {"value": minor, "currency": currency}:
            return amount_of(minor, currency)
        case _:
            raise Unreadable("not an amount")


def whole_of(asked: Authorise | Charge | Ask | Modification) -> Money:
    """What we asked to reserve; of a payment to be modified, what was reserved as far as we know.

    Before that is known, it is what the operation is about.
    """
    if isinstance(asked, Modification) and asked.books.authorised:
        return Money(asked.books.authorised, asked.amount.currency)
    return asked.amount


Level = Literal["", "low", "unclear", "elevated", "high"]

_COUNTRY: Final = re.compile("[A-Z]{2,3}")


def risk_of(
    word: object, levels: Mapping[str, Level], *, country: object = None, card: object = None
) -> Risk | None:
    """What a provider tells of the danger of fraud, beside the payment; it never fails one.

    Args:
        word: Theirs; None where they gave no opinion. One that is not in ``levels`` is unclear.
        levels: What their words mean.
        country: ISO 3166 code of the card's country.
        card: Their own name for the card.

    Returns:
        None if nothing of it is told.
    """
    risk = Risk(
        level="" if word is None else levels.get(str(word), "unclear"),
        card_country=country if isinstance(country, str) and _COUNTRY.fullmatch(country) else "",
        card=Secret(card) if isinstance(card, str) and card else None,
    )
    return None if risk == Risk() else risk


def require_possible(standing: Standing, whole: Money) -> None:
    """Believe no sums that cannot be true.

    Args:
        standing: What the provider says.
        whole: What we asked to reserve.

    Raises:
        Contradiction: If the sums are in another currency, another amount is reserved, or more is
            captured, released or refunded than there was.
    """
    sums = (standing.authorised, standing.captured, standing.voided, standing.refunded)
    if {amount.currency for amount in sums} != {whole.currency}:
        raise Contradiction(f"asked in {whole.currency}, answered in another currency")
    if standing.authorised.minor not in {0, whole.minor}:
        raise Contradiction(f"asked for {whole}, and {standing.authorised} is authorised")
    gone = standing.captured + standing.voided
    if gone > standing.authorised or standing.refunded > standing.captured:
        raise Contradiction(
            f"of {standing.authorised}, {standing.captured} captured, {standing.voided} voided and "
            f"{standing.refunded} refunded cannot all be true"
        )


def is_shown(operation: Operation, order: Modification, standing: Standing) -> bool:
    """Whether the provider's sum is exactly what was before and what this operation adds.

    A sum that is anything else proves neither that it was done nor that it was not: something else
    may have happened meanwhile.
    """
    now, before = {
        Operation.CAPTURE: (standing.captured, order.books.captured),
        Operation.VOID: (standing.voided, order.books.voided),
        Operation.REFUND: (standing.refunded, order.books.refunded),
    }[operation]
    return now.minor == before + order.amount.minor
