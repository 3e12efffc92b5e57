"""Finland: companies from PRH's and the tax administration's YTJ, postal codes from Posti's file.

Sources: PRH's description of its open data (API 3), and Posti's of its postal code file (PCF), read
2026-11. Companies are under CC BY 4.0: name PRH where the data is shown.

Which code means what is not all described. A trade register status of 1 is "registered" and 4
"ceased"; any other one tells us nothing, as with most associations and sole traders. A page beyond
the last is answered with the first, so no second one is ever asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final, Self

from checkoutflow.customer.suggestions import place_name
from checkoutflow.errors import InvalidInput
from checkoutflow.privacy.secret import Details
from checkoutflow.providers.base import Address
from checkoutflow.providers.contract import Transport
from checkoutflow.providers.http import body_of
from checkoutflow.registries.base import (
    Adapter,
    RegisterConfig,
    address_of,
    compact,
    items,
    joined,
    line,
)
from checkoutflow.registries.contract import Answer, Company, Situation, Source, Why, Word

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from checkoutflow.providers.contract import Exchange

_SITUATIONS: Final[Mapping[str, Situation]] = MappingProxyType(
    {
        "SANE": Situation.REORGANISATION,
        "SELTILA": Situation.WINDING_UP,
        "KONK": Situation.BANKRUPT,
    }
)
_REGISTERED: Final = "1"
_CEASED: Final = "4"
_CURRENT: Final = "1"  # version of what is not an earlier one
_MAIN: Final = "1"  # kind of name
_VISITING, _POSTAL = "1", "2"  # kinds of address
_FINNISH: Final = "1"  # language


class YtjConfig(RegisterConfig):
    """Where YTJ is."""

    base_url: Address = "https://avoindata.prh.fi/opendata-ytj-api/v3"


@dataclass(frozen=True, slots=True)
class Ytj(Adapter):
    """Finnish companies, by their Business ID."""

    config: YtjConfig = field(default_factory=YtjConfig)
    source: ClassVar[Source] = Source("PRH", "CC BY 4.0")
    countries: ClassVar[frozenset[str]] = frozenset({"FI", "AX"})

    def company(self, number: str) -> Exchange[Answer[Company]]:
        """A company."""
        digits = compact(number, "(?:FI)?([0-9]{8})")
        if digits is None:
            return self.unavailable(Why.BAD_INPUT)
        number = f"{digits[:-1]}-{digits[-1]}"
        response = yield self.get("companies", query={"businessId": number})
        match response.status_code, body_of(response):
            case 200, {"companies": []}:
                return self.not_found()
            case 200, {"companies": [told]} if line(told, "businessId", "value") == number:
                return self.found(_company(number, told))
            case _:
                return self.failed(response.status_code)


def _company(number: str, told: object) -> Company:
    names = [
        (line(name, "type"), line(name, "name"))
        for name in items(told, "names")
        if line(name, "version") == _CURRENT and not line(name, "endDate")
    ]
    main = next((name for kind, name in names if kind == _MAIN), "")
    forms = [form for form in items(told, "companyForms") if line(form, "version") == _CURRENT]
    situations = {
        _SITUATIONS.get(line(one, "type"), Situation.OTHER)
        for one in items(told, "companySituations")
        if not line(one, "endDate")
    }
    status = line(told, "tradeRegisterStatus")
    if line(told, "endDate") or status == _CEASED:
        situations.add(Situation.ENDED)
    addresses = {line(one, "type"): _address(one) for one in items(told, "addresses")}
    return Company(
        country="FI",
        number=number,
        name=main,
        other_names=tuple(name for kind, name in names if kind != _MAIN),
        form=line(forms[0], "type") if forms else "",
        situations=frozenset(situations),
        is_active=False if situations else True if status == _REGISTERED else None,
        address=addresses.get(_VISITING) or addresses.get(_POSTAL) or Details(),
        postal_address=addresses.get(_POSTAL) or Details(),
    )


def _address(told: object) -> Details:
    offices = items(told, "postOffices")
    offices.sort(key=lambda office: line(office, "languageCode") != _FINNISH)
    flat = line(told, "apartmentNumber") + line(told, "apartmentIdSuffix")
    names = ("street", "buildingNumber", "entrance")
    house = joined(*(line(told, name) for name in names), flat)
    co, box = line(told, "co"), line(told, "postOfficeBox")
    return address_of(
        street=joined(
            co and f"c/o {co}", house, box and f"PL {box}", line(told, "freeAddressLine"), by=", "
        ),
        postal_code=line(told, "postCode"),
        city=line(offices[0], "city") if offices else "",
        country=line(told, "country"),
        market="FI",
    )


# Postal codes -------------------------------------------------------------------------------------

# A record has 220 characters; first its kind, the day it was written, and the postal code.
_RECORD: Final = re.compile(r"PONOT([0-9]{8})([0-9]{5}).{202}")
_NAMES: Final = (slice(18, 48), slice(48, 78))  # in Finnish, in Swedish


@dataclass(frozen=True, slots=True)
class PostiCodes:
    """Finnish postal codes out of Posti's file, which the shop fetches anew now and then.

    Attributes:
        names: Names of the place in Finnish and Swedish, by postal code.
        written_at: When Posti wrote the file.
    """

    names: Mapping[str, tuple[str, ...]] = field(repr=False)
    written_at: datetime
    source: ClassVar[Source] = Source("Posti", "Posti's terms for its postal code files")
    countries: ClassVar[frozenset[str]] = frozenset({"FI", "AX"})
    transport: ClassVar[Transport] = Transport()  # nothing is ever sent

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file.

        Args:
            path: The PCF file, unpacked: fixed width, in ISO 8859-1.

        Raises:
            InvalidInput: If a line is not such a record, or there is none.
            OSError: If the file cannot be read.
        """
        with path.open(encoding="iso-8859-1") as lines:
            records = tuple(_records(lines))
        if not records:
            raise InvalidInput("has no records in it", field="path")
        names = {code: found for _, code, found in records}
        return cls(MappingProxyType(names), max(written_at for written_at, _, _ in records))

    def city_of(self, country: str, postal_code: str) -> Exchange[Answer[tuple[str, ...]]]:
        """The names of the place that a postal code belongs to, in Finnish first."""
        yield from ()
        found = self.names.get(postal_code) if country in self.countries else None
        word = Word.NOT_FOUND if found is None else Word.FOUND
        return Answer(word, self.source, found, fetched_at=self.written_at)


def _records(lines: Iterable[str]) -> Iterator[tuple[datetime, str, tuple[str, ...]]]:
    for number, text in enumerate(lines, start=1):
        record = text.rstrip("\r\n")
        if not record:
            continue
        try:
            run, code = found.groups() if (found := _RECORD.fullmatch(record)) else ("", "")
            written_at = datetime.fromisoformat(run).replace(tzinfo=UTC)
        except ValueError:
            raise InvalidInput(f"line {number} is not a record of Posti's", field="path") from None
        names = dict.fromkeys(place_name(record[where].strip()) for where in _NAMES)
        yield written_at, code, tuple(name for name in names if name)
