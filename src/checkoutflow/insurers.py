"""Partners that quote a price for a cover, over HTTP. Whatever goes wrong is no quote.

A partner is asked with ``POST <base_url>/quotes`` and ``{"covers": [...]}``: what would be covered,
and nothing about a person. It answers 200 with ``{"quotes": [{"offer", "premium": {"minor",
"currency"}, "reference", "valid_until"}]}``. A partner with a form of its own is a class with
``name``, ``transport`` and ``quotes``, handed to the flow in the same place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from checkoutflow.providers.base import Address, Credential, Name
from checkoutflow.providers.contract import Transport
from checkoutflow.providers.http import body_of, request
from checkoutflow.providers.registry import from_environment
from checkoutflow.registries.base import RegisterConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from checkoutflow.insurance.quotes import Asked
    from checkoutflow.providers.contract import Exchange

__all__ = ["Partner", "QuoteConfig", "QuoteService", "read_partners"]


class Partner(Protocol):
    """Somebody who quotes. ``name`` is what products have as ``quoted_by``."""

    @property
    def name(self) -> str:
        """In settings, in errors and in the store; no payment provider has it too."""

    @property
    def transport(self) -> Transport:
        """How requests are sent."""

    def quotes(self, asked: Sequence[Asked]) -> Exchange[object]:
        """Ask; the answer as JSON, which `checkoutflow.insurance.quotes.read_quotes` reads."""


class QuoteConfig(RegisterConfig):
    """A shop's agreement with a partner.

    Attributes:
        name: As the products' ``quoted_by`` has it.
        base_url: Where the partner is asked; ``https``, or ``http`` on this machine.
        api_key: Sent as a bearer token, where there is one.
    """

    name: Name
    base_url: Address
    api_key: Credential | None = None


@dataclass(frozen=True, slots=True)
class QuoteService:
    """A partner that speaks the form above."""

    config: QuoteConfig

    @property
    def name(self) -> str:
        """The name from the configuration."""
        return self.config.name

    @property
    def transport(self) -> Transport:
        """How requests are sent: while a customer is waiting."""
        config = self.config
        return Transport(config.timeout_s, config.timeout_s, config.connections)

    def quotes(self, asked: Sequence[Asked]) -> Exchange[object]:
        """Ask; None where the answer is no good."""
        key = self.config.api_key
        response = yield request(
            "POST",
            f"{self.config.base_url.rstrip('/')}/quotes",
            headers={"authorization": f"Bearer {key.reveal()}"} if key else {},
            body={"covers": [each.model_dump(mode="json") for each in asked]},
        )
        return body_of(response) if response.status_code == 200 else None  # noqa: PLR2004 -- the status code


def read_partners(
    tables: Mapping[str, object], environ: Mapping[str, str]
) -> tuple[QuoteService, ...]:
    """The partners that a shop's settings describe.

    Args:
        tables: Under each partner's name its table. ``{"env": "NAME"}`` in the place of a value
            stands for the environment variable of that name.
        environ: The environment; ``os.environ`` for that of this process.

    Raises:
        InvalidInput: If one is wrong; ``field`` is its path.

    >>> table = {"base_url": "https://quotes.example", "api_key": {"env": "QUOTES"}}
    >>> read_partners({"nordvern": table}, {"QUOTES": "key-for-tests"})[0].config.api_key
    ********
    """
    found = []
    for name, table in tables.items():
        at = f"partners.{name}"
        given = {
            field: from_environment(value, environ, f"{at}.{field}")
            for field, value in (table.items() if isinstance(table, dict) else ())
        }
        found.append(QuoteService(QuoteConfig.read({"name": name, **given}, at=at)))
    return tuple(found)
