"""Norway: companies from Enhetsregisteret, addresses from Kartverket. Neither asks for credentials.

Sources: data.brreg.no (enhetsregisteret, media type v2) and ws.geonorge.no (adresser v1), as
described by clients of them, read 2026-11. The address service's field names are less sure. Both
are under the Norwegian Licence for Open Government Data.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

import httpx

from checkoutflow.providers.base import Address
from checkoutflow.providers.http import body_of
from checkoutflow.registries.base import (
    LONGEST,
    MOST,
    Adapter,
    RegisterConfig,
    address_of,
    at,
    compact,
    flag,
    items,
    joined,
    judged,
    line,
    written,
)
from checkoutflow.registries.contract import Answer, Company, Situation, Source, Why

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checkoutflow.privacy.secret import Details
    from checkoutflow.providers.contract import Exchange
    from checkoutflow.registries.base import Addresses
    from checkoutflow.registries.contract import AddressCheck

# What can be asked for by number, and the media type that keeps the answer's shape. A customer may
# give the number of a place of business, which is a unit below the company.
_KINDS: Final = {
    "enheter": "application/vnd.brreg.enhetsregisteret.enhet.v2+json",
    "underenheter": "application/vnd.brreg.enhetsregisteret.underenhet.v2+json",
}
_DATES: Final = {
    "slettedato": Situation.ENDED,
    "nedleggelsesdato": Situation.ENDED,
    "konkursdato": Situation.BANKRUPT,
}
_FLAGS: Final = {
    "konkurs": Situation.BANKRUPT,
    "underAvvikling": Situation.WINDING_UP,
    "underTvangsavviklingEllerTvangsopplosning": Situation.WINDING_UP,
}


class EnhetsregisteretConfig(RegisterConfig):
    """Where Enhetsregisteret is."""

    base_url: Address = "https://data.brreg.no/enhetsregisteret/api"


@dataclass(frozen=True, slots=True)
class Enhetsregisteret(Adapter):
    """Norwegian companies, by their nine digits."""

    config: EnhetsregisteretConfig = field(default_factory=EnhetsregisteretConfig)
    source: ClassVar[Source] = Source("Enhetsregisteret", "NLOD")
    countries: ClassVar[frozenset[str]] = frozenset({"NO", "SJ"})

    def company(self, number: str) -> Exchange[Answer[Company]]:
        """A company, or the place of business with this number."""
        digits = compact(number, "(?:NO)?([0-9]{9})(?:MVA)?")
        if digits is None:
            return self.unavailable(Why.BAD_INPUT)
        for kind, media_type in _KINDS.items():
            response = yield self.get(kind, digits, headers={"accept": media_type})
            match response.status_code, body_of(response):
                case 200, dict(unit) if line(unit, "organisasjonsnummer") == digits:
                    return self.found(_company(digits, unit))
                case 410, _:  # taken out of the register by law
                    return self.not_found()
                case status, _ if status != httpx.codes.NOT_FOUND:
                    return self.failed(status)
        return self.not_found()


def _company(number: str, unit: dict[str, object]) -> Company:
    situations = {word for name, word in _DATES.items() if line(unit, name)}
    situations |= {word for name, word in _FLAGS.items() if flag(unit, name)}
    return Company(
        country="NO",
        number=number,
        name=line(unit, "navn"),
        form=line(unit, "organisasjonsform", "kode"),
        situations=frozenset(situations),
        is_active=not situations,
        address=_address(at(unit, "forretningsadresse") or at(unit, "beliggenhetsadresse")),
        postal_address=_address(at(unit, "postadresse")),
    )


def _address(told: object) -> Details:
    lines = [line({"": part}, "") for part in items(told, "adresse")]  # some are null or blank
    return address_of(
        street=joined(*lines, by=", "),
        postal_code=line(told, "postnummer"),
        city=line(told, "poststed"),
        country=line(told, "landkode"),
        market="NO",
    )


# Addresses ----------------------------------------------------------------------------------------

# H0201: a flat in a house.
_DWELLING: Final = re.compile(r"(?:,|(?<![\s,]))\s++[HLUK][0-9]{4}$", re.IGNORECASE)


class KartverketConfig(RegisterConfig):
    """Where the address service is."""

    base_url: Address = "https://ws.geonorge.no/adresser/v1"


@dataclass(frozen=True, slots=True)
class Kartverket(Adapter):
    """Norwegian addresses: street and number, postal code and place; not the flat."""

    config: KartverketConfig = field(default_factory=KartverketConfig)
    source: ClassVar[Source] = Source("Kartverket", "NLOD")
    countries: ClassVar[frozenset[str]] = frozenset({"NO"})

    def check(self, address: Mapping[str, str]) -> Exchange[Answer[AddressCheck]]:
        """Whether an address exists, and how it is written if not so."""
        asked = {**address, "street": _DWELLING.sub("", address.get("street", ""))}
        answer = yield from self.suggest(written(asked))
        if answer.value is None:
            return Answer(answer.word, self.source, why=answer.why)
        return self.found(judged(asked, answer.value))

    def suggest(self, text: str) -> Exchange[Answer[Addresses]]:
        """Addresses that are written like this, best first."""
        query = {"sok": text[:LONGEST], "fuzzy": "true", "treffPerSide": str(MOST)}
        response = yield self.get("sok", query=query)
        match response.status_code, body_of(response):
            case 200, {"adresser": list(told)}:
                return self.listed(told, _listed)
            case _:
                return self.failed(response.status_code)


def _listed(told: object) -> Details:
    return address_of(
        street=line(told, "adressetekst"),
        postal_code=line(told, "postnummer"),
        city=line(told, "poststed"),
        country="",
        market="NO",
    )
