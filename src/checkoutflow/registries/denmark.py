"""Denmark: companies from CVR, addresses from a service that answers as DAWA did.

Sources: descriptions and clients of the CVR index, and of DAWA, read 2026-11.

CVR's index is said to be reached by plain ``http`` only, with the user's name and password. So a
shop has to say that it accepts this, or to give an ``https`` address: its own proxy, or CVR's if it
has one by now. Who is given access signs not to advertise to companies that are protected from it.

DAWA itself was to close on 17 August 2026, and what replaces it does not search: so the address
of a service has to be given. It is asked for one thing at a time, in the address of the request.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final, Self

from pydantic import model_validator

from checkoutflow.errors import InvalidInput
from checkoutflow.model import wrong
from checkoutflow.providers.base import Credential
from checkoutflow.providers.http import base_url, body_of, request
from checkoutflow.registries.base import (
    MOST,
    Adapter,
    RegisterConfig,
    address_of,
    at,
    basic,
    compact,
    flag,
    joined,
    line,
    written,
)
from checkoutflow.registries.contract import AddressCheck, Company, Situation, Source, Why

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checkoutflow.privacy.secret import Details
    from checkoutflow.providers.contract import Exchange
    from checkoutflow.registries.base import Addresses
    from checkoutflow.registries.contract import Answer

# How their word for how a company is begins, without spaces and in small letters: they write it in
# several ways. Any other word says nothing that we know.
_AS_USUAL: Final = frozenset({"normal", "aktiv"})
_WORDS: Final[Mapping[str, Situation]] = MappingProxyType(
    {
        "underkonkurs": Situation.BANKRUPT,
        "underrekonstruktion": Situation.REORGANISATION,
        "underfrivilliglikvidation": Situation.WINDING_UP,
        "undertvangsopløsning": Situation.WINDING_UP,
        "under": Situation.OTHER,
        "opløst": Situation.ENDED,
        "tvangsopløst": Situation.ENDED,
        "ophørt": Situation.ENDED,
        "slettet": Situation.ENDED,
    }
)
_WANTED: Final = ("cvrNummer", "reklamebeskyttet", "virksomhedMetadata")


class CvrConfig(RegisterConfig):
    """Access to CVR's index.

    Attributes:
        accepts_plain_http: That user, password and what is asked travel unencrypted.
    """

    base_url: str = "http://distribution.virk.dk"
    accepts_plain_http: bool = False
    user: Credential
    password: Credential

    @model_validator(mode="after")
    def _is_encrypted_or_accepted(self) -> Self:
        is_accepted = self.accepts_plain_http and self.base_url.startswith("http:")
        try:
            base_url(self.base_url.replace("http:", "https:", 1) if is_accepted else self.base_url)
        except InvalidInput as error:
            raise wrong(
                f"{error.problems[0][1]}. CVR's own is said to be plain http, on which anybody on "
                "the way reads the password: set accepts_plain_http, or give the https address of "
                "a proxy",
                "base_url",
            ) from None
        return self


@dataclass(frozen=True, slots=True)
class Cvr(Adapter):
    """Danish companies, by their eight digits."""

    config: CvrConfig
    source: ClassVar[Source] = Source("CVR", "CVR's terms, with protection from advertising")
    countries: ClassVar[frozenset[str]] = frozenset({"DK"})

    def company(self, number: str) -> Exchange[Answer[Company]]:
        """A company, as it is now."""
        digits = compact(number, "(?:DK)?([0-9]{8})")
        if digits is None:
            return self.unavailable(Why.BAD_INPUT)
        response = yield request(
            "POST",
            self.url("cvr-permanent", "virksomhed", "_search"),
            headers={"authorization": basic(self.config.user, self.config.password)},
            body={
                # Its history, which can be long, stays there.
                "_source": [f"Vrvirksomhed.{name}" for name in _WANTED],
                "query": {"term": {"Vrvirksomhed.cvrNummer": int(digits)}},
                "size": 1,
            },
        )
        match response.status_code, body_of(response):
            case 200, {"timed_out": True}:
                return self.unavailable(Why.DOWN)
            case 200, {"hits": {"hits": []}}:
                return self.not_found()
            case 200, {"hits": {"hits": [{"_source": {"Vrvirksomhed": told}}]}} if (
                line(told, "cvrNummer").zfill(8) == digits
            ):
                return self.found(_company(digits, told))
            case _:
                return self.failed(response.status_code)


def _company(number: str, told: object) -> Company:
    now = at(told, "virksomhedMetadata")
    word = line(now, "sammensatStatus").casefold().replace(" ", "")
    begun = next((situation for start, situation in _WORDS.items() if word.startswith(start)), None)
    return Company(
        country="DK",
        number=number,
        name=line(now, "nyesteNavn", "navn"),
        form=line(now, "nyesteVirksomhedsform", "kortBeskrivelse"),
        situations=frozenset() if begun is None else frozenset({begun}),
        is_active=False if begun else True if word in _AS_USUAL else None,
        blocks_marketing=flag(told, "reklamebeskyttet"),
        address=_address(at(now, "nyesteBeliggenhedsadresse")),
    )


def _address(told: object) -> Details:
    first, last = (
        line(told, f"husnummer{end}") + line(told, f"bogstav{end}") for end in ("Fra", "Til")
    )
    co, box = line(told, "conavn"), line(told, "postboks")
    house = street(
        line(told, "vejnavn"),
        joined(first, last, by="-"),
        line(told, "etage"),
        line(told, "sidedoer"),
    )
    return address_of(
        street=joined(co and f"c/o {co}", house, box and f"Postboks {box}", by=", "),
        postal_code=line(told, "postnummer").zfill(4),
        city=line(told, "postdistrikt"),
        country=line(told, "landekode"),
        market="DK",
    )


def street(name: str, number: str, floor: str, door: str) -> str:
    """A Danish address line.

    >>> street("Strandgade", "27B", "2", "tv"), street("Strandgade", "3", "", "")
    ('Strandgade 27B, 2. tv', 'Strandgade 3')
    """
    return joined(joined(name, number), joined(floor and f"{floor}.", door), by=", ")


# Addresses ----------------------------------------------------------------------------------------

_LONGEST_ASKED: Final = 100  # characters
_STANDING: Final = frozenset({"1", "3"})  # what an address that is in use has as status


class DawaConfig(RegisterConfig):
    """Where a service is that answers as DAWA did; there is none to fall back on."""


@dataclass(frozen=True, slots=True)
class Dawa(Adapter):
    """Danish addresses, with floor and door."""

    config: DawaConfig
    source: ClassVar[Source] = Source("Danish addresses", "the terms of the service")
    countries: ClassVar[frozenset[str]] = frozenset({"DK"})

    def check(self, address: Mapping[str, str]) -> Exchange[Answer[AddressCheck]]:
        """Whether an address exists, and how it is written if not so."""
        asked = written(address)[:_LONGEST_ASKED]
        response = yield self.get("datavask", "adresser", query={"betegnelse": asked})
        match response.status_code, body_of(response):
            case 200, {"kategori": "A" | "B" | "C", "resultater": []}:
                return self.not_found()
            case 200, {"kategori": "A" | "B" as how, "resultater": [{"aktueladresse": now}, *_]}:
                right = _listed(now)
                is_standing = line(now, "status") in _STANDING
                is_valid = how == "A" and is_standing
                correction = right if right and is_standing and not is_valid else None
                return self.found(AddressCheck(is_valid, correction))
            case 200, {"kategori": "C", "resultater": [_, *_]}:
                return self.found(AddressCheck(is_valid=False))
            case _:
                return self.failed(response.status_code)

    def suggest(self, text: str) -> Exchange[Answer[Addresses]]:
        """Addresses that begin like this, or are written nearly so, best first."""
        query = {"q": text[:_LONGEST_ASKED], "type": "adresse", "fuzzy": "", "per_side": str(MOST)}
        response = yield self.get("autocomplete", query=query)
        match response.status_code, body_of(response):
            case 200, list(told):
                return self.listed([at(one, "data") for one in told], _listed)
            case _:
                return self.failed(response.status_code)


def _listed(told: object) -> Details:
    return address_of(
        street=street(*(line(told, name) for name in ("vejnavn", "husnr", "etage", "dør"))),
        postal_code=line(told, "postnr"),
        city=line(told, "postnrnavn"),
        country="",
        market="DK",
    )
