"""Stand-ins for the open registers: pure, from request to response.

In each country they know the authority that keeps the register (its number and address are public)
and a few made-up companies whose numbers have right check digits; one street; and a few postal
codes. One handler answers for all of them, told apart by their paths:

>>> from checkoutflow.testing.adapters.case import exchange
>>> registers = adapters("https://registers.example")
>>> exchange(registers.norway.company(AUTHORITIES["NO"]), handle).word.value
'found'
"""

from __future__ import annotations

import json
from base64 import b64encode
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import parse_qs, unquote

import httpx

from checkoutflow.customer.suggestions import distance, spelling
from checkoutflow.providers.http import json_of
from checkoutflow.registries.bring import Bring, BringConfig
from checkoutflow.registries.denmark import Cvr, CvrConfig, Dawa, DawaConfig
from checkoutflow.registries.finland import Ytj, YtjConfig
from checkoutflow.registries.norway import (
    Enhetsregisteret,
    EnhetsregisteretConfig,
    Kartverket,
    KartverketConfig,
)
from checkoutflow.registries.sweden import Bolagsverket, BolagsverketConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Who keeps the register, by country.
AUTHORITIES: Final[Mapping[str, str]] = MappingProxyType(
    {"NO": "974760673", "SE": "2021005489", "DK": "10150817", "FI": "0244683-1"}
)
# Made up: a company that is bankrupt.
BANKRUPT: Final[Mapping[str, str]] = MappingProxyType(
    {"NO": "999999018", "SE": "5599990008", "DK": "99999004", "FI": "9999990-9"}
)
# Made up: a company that is no more.
ENDED: Final[Mapping[str, str]] = MappingProxyType(
    {"NO": "999999026", "SE": "5599990016", "DK": "99999012", "FI": "9999991-7"}
)
# Made up: right numbers that nobody has.
NOBODYS: Final[Mapping[str, str]] = MappingProxyType(
    {"NO": "999999034", "SE": "5599990024", "DK": "99999020", "FI": "9999992-5"}
)
REMOVED: Final = "999999042"  # Norwegian: taken out of the register by law
BRANCH: Final = "999999050"  # Norwegian: a place of business below a company
SOURCE_DOWN: Final = "5599990032"  # Swedish: what one of the sources has is not told

USER: Final = "user@shop.example"
PASSWORD: Final = "password-for-tests"  # noqa: S105 -- opens nothing real
_TOKEN: Final = "token-for-tests"  # noqa: S105 -- opens nothing real


class Adapters(NamedTuple):
    """An adapter for every register."""

    norway: Enhetsregisteret
    sweden: Bolagsverket
    denmark: Cvr
    finland: Ytj
    norwegian_addresses: Kartverket
    danish_addresses: Dawa
    postal_codes: Bring


def adapters(base_url: str) -> Adapters:
    """An adapter for every register, all with the stand-ins behind one address.

    Args:
        base_url: Where `handle` is served, as ``testing.serve`` gives it; any with none.
    """
    account = {"user": USER, "password": PASSWORD}
    sweden = {
        "base_url": f"{base_url}/vardefulla-datamangder/v1",
        "token_url": f"{base_url}/oauth2/token",
        "client_id": USER,
        "client_secret": PASSWORD,
    }
    bring = {
        "base_url": f"{base_url}/address",
        "user": USER,
        "api_key": PASSWORD,
        "client_url": "https://shop.example",
    }
    return Adapters(
        Enhetsregisteret(EnhetsregisteretConfig(base_url=f"{base_url}/enhetsregisteret/api")),
        Bolagsverket(BolagsverketConfig.read(sweden)),
        Cvr(CvrConfig.read({"base_url": base_url, **account})),
        Ytj(YtjConfig(base_url=f"{base_url}/opendata-ytj-api/v3")),
        Kartverket(KartverketConfig(base_url=f"{base_url}/adresser/v1")),
        Dawa(DawaConfig(base_url=base_url)),
        Bring(BringConfig.read(bring)),
    )


def handle(request: httpx.Request) -> httpx.Response:
    """Answer for whichever register a request is for."""
    for start, answer in _SERVICES.items():
        if request.url.path.startswith(start):
            return answer(request)
    return httpx.Response(404)


def posti_file() -> bytes:
    """Posti's file of postal codes, with those of `handle` in it."""
    records = (
        f"PONOT20260105{code}{city.upper():30}{other.upper():30}".ljust(219) + "1"
        for code, city, other in _FINNISH
    )
    return "".join(f"{record}\r\n" for record in records).encode("iso-8859-1")


def _is_ours(request: httpx.Request) -> bool:
    shown = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return bool(request.headers.get("authorization") == f"Basic {shown}")


# Norway -------------------------------------------------------------------------------------------


def _unit(number: str, name: str, **more: object) -> dict[str, object]:
    return {
        "organisasjonsnummer": number,
        "navn": name,
        "organisasjonsform": {"kode": "ORGL", "beskrivelse": "Organisasjonsledd"},
        "registrertIMvaregisteret": False,
        "konkurs": False,
        "underAvvikling": False,
        "underTvangsavviklingEllerTvangsopplosning": False,
        **more,
    }


_HAVNEGATA: Final = {
    "adresse": ["Havnegata 48", None, ""],
    "postnummer": "8900",
    "poststed": "BRØNNØYSUND",
    "kommune": "BRØNNØY",
    "kommunenummer": "1813",
    "land": "Norge",
    "landkode": "NO",
}
_UNITS: Final = (
    _unit(
        AUTHORITIES["NO"],
        "REGISTERENHETEN I BRØNNØYSUND",
        forretningsadresse=_HAVNEGATA,
        postadresse={**_HAVNEGATA, "adresse": ["Postboks 900"], "postnummer": "8910"},
    ),
    _unit(BANKRUPT["NO"], "BANKRUPT TEST AS", konkurs=True, konkursdato=""),
    {
        "organisasjonsnummer": ENDED["NO"],
        "navn": "ENDED TEST AS",
        "organisasjonsform": {"kode": "AS"},
        "slettedato": "2024-01-31",
    },
)
_BRANCHES: Final = (
    {
        "organisasjonsnummer": BRANCH,
        "navn": "BRANCH OF TEST AS",
        "organisasjonsform": {"kode": "BEDR"},
        "beliggenhetsadresse": _HAVNEGATA,
        "overordnetEnhet": BANKRUPT["NO"],
    },
)


def _enhetsregisteret(request: httpx.Request) -> httpx.Response:
    *_, kind, number = request.url.path.split("/")
    kept = {"enheter": _UNITS, "underenheter": _BRANCHES}.get(kind)
    if kept is None or request.method != "GET":
        return httpx.Response(404)
    media_type = f"application/vnd.brreg.enhetsregisteret.{kind.removesuffix('er')}.v2+json"
    if request.headers.get("accept") != media_type:
        return httpx.Response(406)
    if number == REMOVED:
        return httpx.Response(410)
    for unit in kept:
        if unit["organisasjonsnummer"] == number:
            body = json.dumps(unit).encode()
            return httpx.Response(200, content=body, headers={"content-type": media_type})
    return httpx.Response(404)


def _kartverket(request: httpx.Request) -> httpx.Response:
    asked = spelling(request.url.params.get("sok", ""))
    if request.url.path != "/adresser/v1/sok" or not asked:
        return httpx.Response(400)
    mistakes = 3 if request.url.params.get("fuzzy") == "true" else 0
    found: list[dict[str, object]] = [
        {
            "adressetekst": f"Havnegata {number}",
            "adressenavn": "Havnegata",
            "nummer": number,
            "bokstav": "",
            "postnummer": "8900",
            "poststed": "BRØNNØYSUND",
            "kommunenummer": "1813",
            "bruksenhetsnummer": [],
        }
        for number in (48, 52)
        if distance(asked, spelling(f"Havnegata {number}, 8900 Brønnøysund")) <= mistakes
        or spelling(f"Havnegata {number}").startswith(asked)
    ]
    found.sort(key=lambda one: str(one["nummer"]) not in asked)
    return httpx.Response(200, json={"metadata": {"side": 0}, "adresser": found})


# Sweden -------------------------------------------------------------------------------------------


def _told(**fields: object) -> dict[str, object]:
    return {"dataproducent": "Bolagsverket", "fel": None, **fields}


def _fel(word: str) -> dict[str, object]:
    return {"dataproducent": "SCB", "fel": {"typ": word, "felBeskrivning": None}}


def _organisation(number: str, name: str, **more: object) -> dict[str, object]:
    form = {"kod": "FORETAGSNAMN", "klartext": "Företagsnamn"}
    address = {
        "utdelningsadress": None,
        "coAdress": None,
        "postnummer": "85181",
        "postort": "SUNDSVALL",
        "land": None,
    }
    return {
        "organisationsidentitet": _told(
            identitetsbeteckning=number, typ={"kod": "ORGNR", "klartext": "Organisationsnummer"}
        ),
        "namnskyddslopnummer": None,
        "organisationsnamn": _told(
            organisationsnamnLista=[{"namn": name, "organisationsnamntyp": form}]
        ),
        "organisationsform": _told(kod="AB", klartext="Aktiebolag"),
        "verksamOrganisation": {**_told(kod="JA"), "dataproducent": "SCB"},
        "reklamsparr": {**_told(kod="NEJ"), "dataproducent": "SCB"},
        "avregistreradOrganisation": None,
        "pagaendeAvvecklingsEllerOmstruktureringsforfarande": None,
        "postadressOrganisation": _told(postadress=address),
        **more,
    }


_ORGANISATIONS: Final = (
    _organisation(AUTHORITIES["SE"], "Bolagsverket"),
    _organisation(
        BANKRUPT["SE"],
        "Bankrupt Test AB",
        reklamsparr=_told(kod="JA"),
        pagaendeAvvecklingsEllerOmstruktureringsforfarande=_told(
            pagaendeAvvecklingsEllerOmstruktureringsforfarandeLista=[
                {"kod": "KK", "klartext": "Konkurs", "fromDatum": "2025-11-03"}
            ]
        ),
    ),
    _organisation(
        ENDED["SE"],
        "Ended Test AB",
        avregistreradOrganisation=_told(avregistreringsdatum="2024-01-31"),
    ),
    _organisation(
        SOURCE_DOWN, "Half Known Test AB", reklamsparr=_fel("OTILLGANGLIG_UPPGIFTSKALLA")
    ),
)


def _bolagsverket_token(request: httpx.Request) -> httpx.Response:
    form = parse_qs(request.content.decode())
    if not _is_ours(request) or form.get("grant_type") != ["client_credentials"]:
        return httpx.Response(401, json={"error": "invalid_client"})
    return httpx.Response(
        200, json={"access_token": _TOKEN, "token_type": "Bearer", "expires_in": 3600}
    )


def _bolagsverket(request: httpx.Request) -> httpx.Response:
    if request.headers.get("authorization") != f"Bearer {_TOKEN}":
        return httpx.Response(401, json={"status": 401, "title": "Unauthorized"})
    if (request.method, request.url.path) != ("POST", "/vardefulla-datamangder/v1/organisationer"):
        return httpx.Response(404)
    match json_of(request.content):
        case {"identitetsbeteckning": str(number)}:
            found = [
                one
                for one in _ORGANISATIONS
                if one["organisationsidentitet"]["identitetsbeteckning"] == number  # type: ignore[index]
            ]
            nothing = {"organisationsidentitet": _fel("ORGANISATION_FINNS_EJ")}
            return httpx.Response(200, json={"organisationer": found or [nothing]})
        case _:
            return httpx.Response(400, json={"status": 400, "title": "Bad Request"})


# Denmark ------------------------------------------------------------------------------------------


def _virksomhed(number: str, name: str, status: str, *, is_protected: bool) -> dict[str, object]:
    return {
        "cvrNummer": int(number),
        "reklamebeskyttet": is_protected,
        "virksomhedMetadata": {
            "nyesteNavn": {"navn": name, "periode": {"gyldigFra": "2012-01-01", "gyldigTil": None}},
            "nyesteVirksomhedsform": {"kortBeskrivelse": "A/S"},
            "nyesteBeliggenhedsadresse": {
                "vejnavn": "Langelinie Allé",
                "husnummerFra": 17,
                "husnummerTil": None,
                "bogstavFra": None,
                "etage": None,
                "sidedoer": None,
                "conavn": None,
                "postnummer": 2100,
                "postdistrikt": "København Ø",
                "landekode": "DK",
            },
            "sammensatStatus": status,
        },
    }


_VIRKSOMHEDER: Final = (
    _virksomhed(AUTHORITIES["DK"], "ERHVERVSSTYRELSEN", "Normal", is_protected=True),
    _virksomhed(BANKRUPT["DK"], "BANKRUPT TEST A/S", "UNDERKONKURS", is_protected=False),
    _virksomhed(ENDED["DK"], "ENDED TEST A/S", "Opløst efter konkurs", is_protected=False),
)


def _cvr(request: httpx.Request) -> httpx.Response:
    if not _is_ours(request):
        return httpx.Response(401)
    match json_of(request.content):
        case {"query": {"term": {"Vrvirksomhed.cvrNummer": int(number)}}}:
            found = [
                {"_source": {"Vrvirksomhed": one}}
                for one in _VIRKSOMHEDER
                if one["cvrNummer"] == number
            ]
            hits = {"total": len(found), "hits": found}
            return httpx.Response(200, json={"took": 1, "timed_out": False, "hits": hits})
        case _:
            return httpx.Response(400)


_LANGELINIE: Final = {
    "id": "0a3f50a1-0000-4000-8000-000000000017",
    "vejnavn": "Langelinie Allé",
    "husnr": "17",
    "etage": None,
    "dør": None,
    "postnr": "2100",
    "postnrnavn": "København Ø",
    "status": 1,
}
_CLOSED: Final = {**_LANGELINIE, "husnr": "1", "status": 2}


def _dawa(request: httpx.Request) -> httpx.Response:
    asked = spelling(request.url.params.get("betegnelse", ""))
    if not asked:
        return httpx.Response(400)
    for known in (_CLOSED, _LANGELINIE):  # one is asked for exactly
        wrong = distance(asked, spelling(_line_of(known)))
        if wrong <= (3 if known is _LANGELINIE else 0):
            word = "B" if wrong else "A"
            found: list[object] = [{"adresse": known, "aktueladresse": known}]
            return httpx.Response(200, json={"kategori": word, "resultater": found})
    doubtful = [{"adresse": _LANGELINIE, "aktueladresse": _LANGELINIE}]
    is_near = "langelinie" in asked
    return httpx.Response(
        200, json={"kategori": "C", "resultater": doubtful * 2 if is_near else []}
    )


def _autocomplete(request: httpx.Request) -> httpx.Response:
    asked = spelling(request.url.params.get("q", ""))
    if not asked:
        return httpx.Response(400)
    line = _line_of(_LANGELINIE)
    found = {"type": "adresse", "tekst": line, "forslagstekst": line, "data": _LANGELINIE}
    is_like = asked in spelling(line)
    return httpx.Response(200, json=[{**found, "caretpos": len(line)}] if is_like else [])


def _line_of(known: Mapping[str, object]) -> str:
    return f"{known['vejnavn']} {known['husnr']}, {known['postnr']} {known['postnrnavn']}"


# Finland ------------------------------------------------------------------------------------------


def _yritys(number: str, name: str, status: str, **more: object) -> dict[str, object]:
    return {
        "businessId": {"value": number, "registrationDate": "1978-03-15", "source": "3"},
        "names": [
            {"name": name, "type": "1", "version": 1, "source": "1", "endDate": None},
            {"name": f"{name} (auxiliary)", "type": "3", "version": 1, "source": "1"},
            {
                "name": "Old Test Oy",
                "type": "1",
                "version": 2,
                "endDate": "2001-12-31",
                "source": "1",
            },
        ],
        "companyForms": [{"type": "OY", "version": 1, "source": "1", "descriptions": []}],
        "companySituations": [],
        "registeredEntries": [{"type": "1", "register": "6", "authority": "1"}],
        "addresses": [
            {
                "type": 1,
                "street": "Sörnäisten rantatie",
                "buildingNumber": "13",
                "entrance": "C",
                "postCode": "00530",
                "postOffices": [
                    {"city": "HELSINGFORS", "languageCode": "2"},
                    {"city": "HELSINKI", "languageCode": "1"},
                ],
                "country": None,
                "source": "0",
            }
        ],
        "tradeRegisterStatus": status,
        "status": "2",
        "registrationDate": "1978-03-15",
        "endDate": None,
        "lastModified": "2026-01-05T08:00:00",
        **more,
    }


_YRITYKSET: Final = (
    _yritys(AUTHORITIES["FI"], "Patentti- ja rekisterihallitus", "0"),
    _yritys(
        BANKRUPT["FI"],
        "Bankrupt Test Oy",
        "1",
        companySituations=[{"type": "KONK", "registrationDate": "2025-11-03", "source": "1"}],
    ),
    _yritys(ENDED["FI"], "Ended Test Oy", "4", endDate="2024-01-31"),
)


def _ytj(request: httpx.Request) -> httpx.Response:
    if (request.method, request.url.path) != ("GET", "/opendata-ytj-api/v3/companies"):
        return httpx.Response(404)
    number = request.url.params.get("businessId", "")
    found = [one for one in _YRITYKSET if one["businessId"]["value"] == number]  # type: ignore[index]
    return httpx.Response(200, json={"totalResults": len(found), "companies": found})


# Postal codes -------------------------------------------------------------------------------------

_FINNISH: Final = (("00100", "Helsinki", "Helsingfors"), ("22100", "Mariehamn", "Maarianhamina"))
_CITIES: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("NO", "0150"): "OSLO",
        ("SJ", "9170"): "LONGYEARBYEN",
        ("SE", "11455"): "STOCKHOLM",
        ("DK", "2100"): "KØBENHAVN Ø",
        ("FO", "100"): "TÓRSHAVN",
        ("GL", "3900"): "NUUK",
        ("IS", "101"): "REYKJAVÍK",
        **{("FI", code): city.upper() for code, city, _ in _FINNISH},
    }
)


def _bring(request: httpx.Request) -> httpx.Response:
    shown = [request.headers.get(f"x-mybring-api-{name}") for name in ("uid", "key")]
    if shown != [USER, PASSWORD] or "x-bring-client-url" not in request.headers:
        return httpx.Response(401)
    country, _, code = unquote(request.url.path).removeprefix("/address/api/").split("/")
    city = _CITIES.get((country, code))
    found = [{"postal_code": code, "city": city, "postal_code_type": "COMBINED"}] if city else []
    return httpx.Response(200 if found else 404, json={"postal_codes": found})


_SERVICES: Final[Mapping[str, Callable[[httpx.Request], httpx.Response]]] = MappingProxyType(
    {
        "/enhetsregisteret/api/": _enhetsregisteret,
        "/adresser/v1/": _kartverket,
        "/oauth2/token": _bolagsverket_token,
        "/vardefulla-datamangder/v1/": _bolagsverket,
        "/cvr-permanent/virksomhed/_search": _cvr,
        "/datavask/adresser": _dawa,
        "/autocomplete": _autocomplete,
        "/opendata-ytj-api/v3/": _ytj,
        "/address/api/": _bring,
    }
)
