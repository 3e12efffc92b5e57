"""Which column of a shop's file is what: recognised by its name in six languages, or said so."""

from __future__ import annotations

import unicodedata
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import PurePath

# What a column can be, and the names that such columns have in English, Danish, Swedish,
# Norwegian, Finnish and Icelandic, and in common shop systems; letters and digits only. What comes
# first is preferred.
_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "id": """
            customerid customernumber customerno customer id recid kundenummer kundenr kundeid
            kundnummer kundnr kundid asiakasnumero asiakasnro asiakastunnus viðskiptanúmer
            viðskiptamannanúmer númerviðskiptavinar""",
        "name": """
            name fullname customername navn fuldenavn fulltnavn kundenavn namn fullständigtnamn
            kundnamn nimi kokonimi asiakkaannimi nafn fulltnafn""",
        "given_name": """
            givenname firstname forename billingfirstname fornavn förnamn tilltalsnamn etunimi
            fornafn eiginnafn skírnarnafn""",
        "surname": """
            surname lastname familyname billinglastname efternavn etternavn slægtsnavn efternamn
            sukunimi eftirnafn kenninafn""",
        "organisation": """
            organisation organization company companyname billingcompany firma firmanavn
            virksomhed virksomhedsnavn bedrift selskap företag företagsnamn organisasjon
            yritys yrityksennimi fyrirtæki""",
        "email": """
            email emailaddress mail billingemail epost epostadresse epostadress mailadresse
            mejl mejladress sähköposti sähköpostiosoite netfang tölvupóstur""",
        "phone": """
            mobile mobilephone mobil mobiltelefon mobilnummer mobilnr matkapuhelin farsími gsm
            phone phonenumber telephone billingphone telefon telefonnummer telefonnr tlf tlfnr
            tel puhelin puhelinnumero sími símanúmer""",
        "street": """
            street streetaddress address address1 addressline1 billingaddress1 adresse adresse1
            gadenavn vejnavn gateadresse gade gate postadresse adress adress1 gatuadress
            utdelningsadress postadress osoite katuosoite lähiosoite heimilisfang gata heimili""",
        "house_number": """
            housenumber streetnumber husnummer husnr gatenummer gatunummer talonumero húsnúmer""",
        "postal_code": """
            postalcode postcode zip zipcode billingpostcode postnummer postnr postno postinumero
            postinro póstnúmer""",
        "city": """
            city town suburb billingcity by bynavn poststed sted postdistrikt ort postort stad
            kaupunki postitoimipaikka kunta staður bær póststöð""",
        "country": """
            country countrycode billingcountry land landekode landkode landskod maa maakoodi
            landskóði""",
        "national_id": """
            nationalid personalid personalidentitynumber cpr cprnr cprnummer personnummer personnr
            fødselsnummer fødselsnr henkilötunnus hetu kennitala kt""",
        "birth_date": """
            birthdate dateofbirth dob birthday fødselsdato fødselsdag fødselsdagsdato
            födelsedatum födelsedag syntymäaika syntymäpäivä fæðingardagur""",
        "updated": """
            updated updatedat lastupdated modified modifiedat lastmodified lastorder lastorderdate
            opdateret senestopdateret ændret sidsteordre uppdaterad senastuppdaterad ändrad
            oppdatert sistoppdatert endret päivitetty muokattu uppfært breytt""",
        "died": """
            died dateofdeath deathdate deceased dødsdato dødsdag afdød avdød dödsdatum avliden
            kuolinpäivä kuollut dánardagur látinn""",
        "opted_out": """
            optedout optout unsubscribed nomarketing frameldt afmeldt avmeldt reservert avanmäld
            avregistrerad markkinointikielto afskráð""",
        "marketing_blocked": "marketingblocked",
    }
)
# What a feed has besides: what happened and when, and the parts of an address to move to.
_OF_FEEDS: Final = MappingProxyType(
    {
        "kind": "kind event eventtype type hændelse händelse hendelse tapahtuma atburður",
        "on": "on date eventdate effectivedate dato datum hændelsesdato händelsedatum "
        "hendelsesdato päivä päivämäärä dagsetning dags",
    }
)
_NEW: Final = ("new", "nyt", "nye", "nytt", "nya", "ny", "uusi", "nýtt", "nýr", "ný", "to", "til")
_MOVED_TO: Final = ("street", "house_number", "postal_code", "city", "country")
_ROLE_OF: Final = {
    word: (role, place)
    for role, words in _NAMES.items()
    for place, word in enumerate(words.split())
}
ROLES: Final = tuple(_NAMES)
# What tells nobody from anybody else.
_NOBODY: Final = frozenset(
    ("id", "house_number", "country", "updated", "died", "opted_out", "marketing_blocked")
)


def recognise(
    header: Sequence[str],
    given: Mapping[str, str] | None = None,
    file: PurePath | str = "the file",
) -> dict[str, int]:
    """Tell which column is what.

    Args:
        header: The names of the columns.
        given: For a role (a field's name, or one of `ROLES`) the column that has it, where the
            shop says so itself. It counts before what is recognised.
        file: What errors call it.

    Returns:
        The place of the column of each role that there is.

    Raises:
        UsageError: If a role or a column that was given does not exist, or nothing to compare by
            was recognised. Names of columns are not repeated: a file without header has a person
            there.

    >>> recognise(["Kundenr.", "Fornavn", "Etternavn", "E-post", "Poststed"])
    {'id': 0, 'given_name': 1, 'surname': 2, 'email': 3, 'city': 4}
    """
    places = dict(_given(header, given or {}))
    taken = set(places.values())
    found: dict[str, tuple[int, int]] = {}
    for place, title in enumerate(header):
        role, rank = _ROLE_OF.get(plain_title(title), ("", 0))
        if role and role not in places and place not in taken:
            found[role] = min(found.get(role, (rank, place)), (rank, place))
    places |= {role: place for role, (_, place) in found.items()}
    if not places.keys() - _NOBODY:
        raise UsageError(
            f"{file}: no column is recognised; the first line must name them, "
            f"or say it like --map email=COLUMN, for any of {', '.join(ROLES)}"
        )
    return {role: places[role] for role in ROLES if role in places}


def recognise_feed(header: Sequence[str], file: PurePath | str = "the file") -> dict[str, int]:
    """Tell which column of a feed is what.

    Args:
        header: The names of the columns.
        file: What errors call it.

    Returns:
        The place of the column of each role: those of `recognise` for whom an event is about,
        ``kind`` and ``on``, and ``new_street``, ``new_house_number``, ``new_postal_code``,
        ``new_city`` and ``new_country``.

    Raises:
        UsageError: If nothing was recognised that says whom an event is about.

    >>> recognise_feed(["Hændelse", "Dato", "Navn", "Postnr", "Ny adresse", "Nyt postnr"])
    {'kind': 0, 'on': 1, 'name': 2, 'postal_code': 3, 'new_street': 4, 'new_postal_code': 5}
    """
    of_feeds: dict[str, int] = {}
    for place, title in enumerate(map(plain_title, header)):
        role = next((role for role, names in _OF_FEEDS.items() if title in names.split()), None)
        for prefix in _NEW:
            of_address, _ = _ROLE_OF.get(title.removeprefix(prefix), ("", 0))
            if title.startswith(prefix) and of_address in _MOVED_TO:
                role = f"new_{of_address}"
        if role:
            of_feeds.setdefault(role, place)
    others = ["" if place in of_feeds.values() else title for place, title in enumerate(header)]
    found = {**recognise(others, file=file), **of_feeds}
    return dict(sorted(found.items(), key=itemgetter(1)))


def _given(header: Sequence[str], given: Mapping[str, str]) -> Iterable[tuple[str, int]]:
    for role, title in given.items():
        if role not in _NAMES:
            raise UsageError(f"a column can be one of {', '.join(ROLES)}", field="map")
        if title not in header:
            raise UsageError(f"the file has no column of the name given for {role}", field="map")
        yield role, header.index(title)


def plain_title(title: str) -> str:
    """A title as it is compared: its letters and digits, small."""
    composed = unicodedata.normalize("NFC", title).casefold()
    return "".join(sign for sign in composed if sign.isalnum())
