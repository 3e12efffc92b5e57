"""Bring: postal codes of the Nordic countries. Needs an account; asks under 300 times a second.

Source: Bring's description of its address API, and clients of it, read 2026-11. An older text says
60 times a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

from checkoutflow.customer.suggestions import place_name
from checkoutflow.providers.base import Address, Credential
from checkoutflow.providers.http import body_of
from checkoutflow.registries.base import Adapter, RegisterConfig, line
from checkoutflow.registries.contract import Source, Why

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checkoutflow.providers.contract import Exchange
    from checkoutflow.registries.contract import Answer

# Our country or territory -> where they keep its codes.
_COUNTRIES: Final[Mapping[str, str]] = MappingProxyType(
    {**{code: code for code in ("NO", "SE", "DK", "FI", "FO", "GL", "IS", "SJ")}, "AX": "FI"}
)


class BringConfig(RegisterConfig):
    """An account with Bring.

    Attributes:
        user: Who asks: the account's e-mail address.
        api_key: The account's key.
        client_url: The shop's own address, which they want to know.
    """

    base_url: Address = "https://api.bring.com/address"
    user: Credential
    api_key: Credential
    client_url: Address


@dataclass(frozen=True, slots=True)
class Bring(Adapter):
    """Which place a postal code belongs to."""

    config: BringConfig
    source: ClassVar[Source] = Source("Bring", "Bring's terms for its API")
    countries: ClassVar[frozenset[str]] = frozenset(_COUNTRIES)

    def city_of(self, country: str, postal_code: str) -> Exchange[Answer[tuple[str, ...]]]:
        """The name of the place that a postal code belongs to."""
        if country not in _COUNTRIES or not (postal_code.isascii() and postal_code.isdigit()):
            return self.unavailable(Why.BAD_INPUT)
        response = yield self.get(
            "api",
            _COUNTRIES[country],
            "postal-codes",
            postal_code,
            headers={
                "x-mybring-api-uid": self.config.user.reveal(),
                "x-mybring-api-key": self.config.api_key.reveal(),
                "x-bring-client-url": self.config.client_url,
            },
        )
        match response.status_code, body_of(response):
            case 200, {"postal_codes": []}:
                return self.not_found()
            case 200, {"postal_codes": list(told)}:
                names = dict.fromkeys(
                    place_name(line(one, "city"))
                    for one in told
                    if line(one, "postal_code") == postal_code and line(one, "city")
                )
                return self.found(tuple(names)) if names else self.unavailable(Why.UNREADABLE)
            case 404 | 410, _:
                return self.not_found()
            case _:
                return self.failed(response.status_code)
