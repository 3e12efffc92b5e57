"""Sweden: companies from Bolagsverket's valuable data sets (API 1), which needs an agreement.

Source: the register's own description as its clients have it, read 2026-11.

An answer is put together from two sources, and each field says which one it came from and what went
wrong there. What is not found is answered with status 200. The number of a sole trader is that of a
person, so it travels in the body; one person can have several firms, of which an active one is
told, and the names of the others with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import product
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple
from urllib.parse import urlencode

import httpx

from checkoutflow.privacy.secret import Details, Secret
from checkoutflow.providers.base import Address, Credential
from checkoutflow.providers.http import body_of, request
from checkoutflow.registries.base import (
    Adapter,
    RegisterConfig,
    address_of,
    at,
    basic,
    compact,
    items,
    joined,
    line,
)
from checkoutflow.registries.contract import Answer, Company, Situation, Source, Why, Word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checkoutflow.providers.contract import Exchange

# Settings of the test environment.
TEST: Final[Mapping[str, str]] = MappingProxyType(
    {
        "base_url": "https://gw-accept2.api.bolagsverket.se/vardefulla-datamangder/v1",
        "token_url": "https://portal-accept2.api.bolagsverket.se/oauth2/token",
    }
)
_SCOPE: Final = "vardefulla-datamangder:read vardefulla-datamangder:ping"
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,8000}")

_SHORTEST: Final = 10  # digits of a number
_NOT_FOUND: Final = "ORGANISATION_FINNS_EJ"
_BAD_INPUT: Final = "OGILTIG_BEGARAN"
_PROCEDURES: Final[Mapping[str, Situation]] = MappingProxyType(
    {
        "KK": Situation.BANKRUPT,
        "LI": Situation.WINDING_UP,
        "FR": Situation.REORGANISATION,
    }
)
_MAIN_NAME: Final = "FORETAGSNAMN"
_YES_NO: Final[Mapping[str, bool]] = MappingProxyType({"JA": True, "NEJ": False})
# They spell it in two ways.
_PROCEDURE_FIELDS: Final = tuple(
    f"{start}AvvecklingsEllerOmstruktureringsforfarande" for start in ("pagaende", "pagande")
)
_STANDING: Final = frozenset({"avregistreradOrganisation", *_PROCEDURE_FIELDS})
_FIELDS: Final = _STANDING | {
    "organisationsnamn",
    "organisationsform",
    "reklamsparr",
    "postadressOrganisation",
}
_HOME: Final = frozenset({"", "sverige", "sweden", "se"})


class BolagsverketConfig(RegisterConfig):
    """Access to Bolagsverket's API.

    Attributes:
        token_url: Where access tokens are given out.
    """

    base_url: Address = "https://gw.api.bolagsverket.se/vardefulla-datamangder/v1"
    token_url: Address = "https://portal.api.bolagsverket.se/oauth2/token"  # noqa: S105 -- no secret
    client_id: Credential
    client_secret: Credential


@dataclass(slots=True, eq=False)
class Bolagsverket(Adapter):
    """Swedish companies, by their ten digits; sole traders by the twelve of the person.

    The access token is kept for as long as the register takes it, and fetched again when it says
    401. Nothing else is kept.
    """

    config: BolagsverketConfig
    _token: Secret | None = field(init=False, default=None, repr=False)
    source: ClassVar[Source] = Source("Bolagsverket", "Bolagsverket's terms; free of charge")
    countries: ClassVar[frozenset[str]] = frozenset({"SE"})

    def company(self, number: str) -> Exchange[Answer[Company]]:
        """A company."""
        digits = compact(number.replace("+", ""), "(?:SE)?((?:[0-9]{2})?[0-9]{10})")
        if digits is None:
            return self.unavailable(Why.BAD_INPUT)
        status, body = yield from self._send({"identitetsbeteckning": digits})
        match status, body:
            case 200, {"organisationer": list(told)}:
                return self._answer(digits, told)
            case _:
                return self.failed(status)

    def _send(self, body: object) -> Exchange[tuple[int, object]]:
        """Ask with a token: the status and the body of the answer.

        A kept token that is no longer taken is replaced once.
        """
        token, is_kept = self._token, self._token is not None
        while True:
            if token is None:
                answer = yield self._token_request()
                match answer.status_code, body_of(answer):
                    case 200, {"access_token": str(text)} if _TOKEN.fullmatch(text):
                        token = self._token = Secret(text)
                    case 400, _:
                        return 401, None  # so OAuth says that it does not know us
                    case _:
                        return answer.status_code, None
            headers = {"authorization": f"Bearer {token.reveal()}"}
            answer = yield request("POST", self.url("organisationer"), headers=headers, body=body)
            if answer.status_code != httpx.codes.UNAUTHORIZED or not is_kept:
                return answer.status_code, body_of(answer)
            token, is_kept = None, False

    def _token_request(self) -> httpx.Request:
        return httpx.Request(
            "POST",
            self.config.token_url,
            headers={
                "accept": "application/json",
                "authorization": basic(self.config.client_id, self.config.client_secret),
                "content-type": "application/x-www-form-urlencoded",
            },
            content=urlencode({"grant_type": "client_credentials", "scope": _SCOPE}).encode(),
        )

    def _answer(self, digits: str, told: list[object]) -> Answer[Company]:
        firms = [_firm(digits, one) for one in told if _is_firm(digits, one)]
        if not firms:
            return self._nothing(told)
        firms.sort(key=lambda firm: not firm.company.is_active)  # else in their order
        others = [name for firm in firms for name in (firm.company.name, *firm.company.other_names)]
        company = replace(firms[0].company, other_names=tuple(dict.fromkeys(others[1:])))
        if any(firm.is_partial for firm in firms):
            return Answer(Word.PARTIAL, self.source, company, why=Why.DOWN)
        return self.found(company)

    def _nothing(self, told: list[object]) -> Answer[Company]:
        """Why none of these is what was asked for."""
        said = {
            line(field, "fel", "typ")
            for one in told
            if isinstance(one, dict)
            for field in one.values()
        } - {""}
        if _BAD_INPUT in said:
            return self.unavailable(Why.BAD_INPUT)
        if said - {_NOT_FOUND}:
            return self.unavailable(Why.DOWN)
        if said or not told:
            return self.not_found()
        return self.unavailable(Why.UNREADABLE)


class _Firm(NamedTuple):
    company: Company
    is_partial: bool


def _is_firm(digits: str, told: object) -> bool:
    """Whether this is what was asked for, which may be with or without the century."""
    number = line(told, "organisationsidentitet", "identitetsbeteckning")
    is_same = len(number) >= _SHORTEST and (number.endswith(digits) or digits.endswith(number))
    return is_same and bool(_names(told))


def _names(told: object) -> list[str]:
    names = [
        (line(name, "organisationsnamntyp", "kod") != _MAIN_NAME, line(name, "namn"))
        for name in items(told, "organisationsnamn", "organisationsnamnLista")
    ]
    return [name for _, name in sorted(names, key=itemgetter(0)) if name]


def _firm(digits: str, told: object) -> _Firm:
    situations = {
        _PROCEDURES.get(line(one, "kod"), Situation.OTHER)
        for field, within in product(_PROCEDURE_FIELDS, repeat=2)
        for one in items(told, field, f"{within}Lista")
    }
    if line(told, "avregistreradOrganisation", "avregistreringsdatum"):
        situations.add(Situation.ENDED)
    silent = {name for name in _FIELDS if line(told, name, "fel", "typ") not in {"", _NOT_FOUND}}
    main, *others = _names(told)
    company = Company(
        country="SE",
        number=digits,
        name=main,
        other_names=tuple(others),
        form=line(told, "organisationsform", "kod"),
        situations=frozenset(situations),
        is_active=False if situations else None if silent & _STANDING else True,
        blocks_marketing=_YES_NO.get(line(told, "reklamsparr", "kod")),
        address=_address(at(told, "postadressOrganisation", "postadress")),
    )
    return _Firm(company, bool(silent))


def _address(told: object) -> Details:
    if line(told, "land").casefold() not in _HOME:
        return Details()
    co = re.sub(r"^c/o\s+", "", line(told, "coAdress"), flags=re.IGNORECASE)
    return address_of(
        street=joined(co and f"c/o {co}", line(told, "utdelningsadress"), by=", "),
        postal_code=line(told, "postnummer"),
        city=line(told, "postort"),
        country="",
        market="SE",
    )
