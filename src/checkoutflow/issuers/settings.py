"""A shop's agreement with an issuer of identities, as settings.

A shop writes a table for each, under a name of its choice:

```toml
[verification.bankid]
kind = "signicat"
issuer = "https://shop.app.signicat.com/auth/open"
client_id = "prod-shop-123"
client_secret = { env = "SIGNICAT_SECRET" }
acr_values = ["idp:nbid"]
market = "NO"
```

What the kinds know, by source:

- ``openid``: nothing but the standard claims of OpenID Connect Core 1.0, section 5.
- ``vipps_login``: Vipps and MobilePay. The provider's OpenAPI files (Login 1.1.0, Userinfo 2.0.3),
  read 2026-11. Their region is our city, telephone numbers come as digits without a plus and are
  proven. A customer may be remembered by the browser: it is no strong identification, and on a
  browser that a household shares it says whose app was used there first.
- ``bankid_norway``: BankID's own service. By way of Auth.js's description of it, read 2026-11. Its
  userinfo is a signed token.
- ``signicat``: a broker of BankID in NO and SE, MitID, FTN; ``acr_values`` chooses among them
  (``idp:nbid``, ``idp:sbid``, ``idp:mitid``, ``idp:ftn``). Its developer pages, read 2026-11.
- ``idura``: a broker of the same, known as Criipto before; ``acr_values`` like
  ``urn:grn:authn:no:bankid:substantial``. Its developer pages, read 2026-11. The claim with the
  national identity number depends on the country, so that a shop that needs it says which:
  ``socialno`` (NO), ``ssn`` (SE), ``cprNumberIdentifier`` (DK).

Finland's trust network wants requests signed (``signs_requests``), clients known by a key
(``private_key_jwt``) and answers encrypted (``encryption_key``): Traficom's recommendation
213/2023, as told by both brokers, read 2026-11.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from checkoutflow.customer import AREAS
from checkoutflow.errors import InvalidInput
from checkoutflow.model import Frozen, wrong
from checkoutflow.privacy.fields import FIELDS
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.base import Address, Credential, Name
from checkoutflow.providers.contract import Transport
from checkoutflow.providers.registry import from_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

Algorithm = Literal["RS256", "PS256", "ES256"]
Kind = Literal["openid", "vipps_login", "bankid_norway", "signicat", "idura"]

BIRTH_DATE: Final = "birth_date"


class Share(Frozen):
    """Something that customers can be asked to share.

    Attributes:
        scope: What asks for it; empty where it comes unasked.
        claim: What it is called in the answer; ``address.locality`` for a part of a part.
    """

    scope: str = Field(default="", pattern=r"^[!-~]*$", max_length=100)
    claim: str = Field(pattern=r"^[!-~]+$", max_length=100)


def _shares(**rows: str) -> dict[str, dict[str, str]]:
    """Read a table of fields, each with ``scope claim`` or the claim alone."""
    parts = {name: row.rpartition(" ") for name, row in rows.items()}
    return {name: {"scope": scope, "claim": claim} for name, (scope, _, claim) in parts.items()}


_STANDARD: Final = _shares(
    name="profile name",
    email="email email",
    phone="phone phone_number",
    street="address address.street_address",
    postal_code="address address.postal_code",
    city="address address.locality",
    country="address address.country",
    birth_date="profile birthdate",
)
PRESETS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "openid": {"fields": _STANDARD},
        "vipps_login": {
            "issuer": "https://api.vipps.no/access-management-1.0/access/",
            "fields": _shares(
                name="name name",
                email="email email",
                phone="phoneNumber phone_number",
                street="address address.street_address",
                postal_code="address address.postal_code",
                city="address address.region",
                country="address address.country",
                birth_date="birthDate birthdate",
                national_id="nin nin",
            ),
            "proven": ["phone"],
            "phone_has_plus": False,
        },
        "bankid_norway": {
            "client_authentication": "client_secret_post",
            "fields": _STANDARD | _shares(national_id="nnin_altsub nnin_altsub"),
            "proven": ["name", "national_id"],
            "market": "NO",
        },
        "signicat": {
            "fields": _shares(
                name="profile name", birth_date="profile birthdate", national_id="nin nin"
            ),
            "proven": ["name", "national_id"],
        },
        "idura": {
            "fields": _shares(
                name="name",
                birth_date="birthdate",
                street="address.street_address",
                postal_code="address.postal_code",
                city="address.city",
            ),
            "proven": ["name", "national_id"],
        },
    }
)


class IssuerConfig(Frozen):
    """A shop's agreement with one issuer.

    Attributes:
        name: The issuer's name in the shop's settings.
        kind: What the rest has as defaults; see the module's text.
        issuer: Its identifier, to the letter: what its tokens name as ``iss``.
        hosts: Hosts that its endpoints may be on, beside that of the identifier.
        client_id: The shop's name at the issuer.
        client_secret: The shop's password at the issuer.
        client_authentication: How the shop says who it is.
        signing_key: For ``private_key_jwt`` and ``signs_requests``: a private JSON web key, as
            text. Its ``kid`` and ``alg`` are used.
        signs_requests: Whether what is asked goes to the issuer in a signed token (RFC 9101).
        encryption_key: A private JSON web key, as text, where answers come encrypted.
        algorithms: Signatures that are believed. The token does not choose.
        acr_values: What is asked for: which identity and how sure, in the issuer's words.
        levels: Levels that are good enough, in the issuer's words; empty for any.
        level_claim: Where the issuer says the level.
        fields: What customers can be asked to share, by our names; by default as ``kind`` says.
        proven: Fields that the issuer always vouches for. An e-mail address and a phone number are
            verified too where their own claims say so.
        phone_has_plus: False where telephone numbers come as country code and number, bare.
        market: What postal codes and identity numbers are read as of; by default the checkout's.
        timeout_s: Seconds to wait for one answer.
    """

    name: Name
    kind: Kind = "openid"
    issuer: Address
    hosts: tuple[str, ...] = ()
    client_id: str = Field(pattern=r"^[!-~]{1,200}$")
    client_secret: Credential | None = None
    client_authentication: Literal[
        "client_secret_basic", "client_secret_post", "private_key_jwt"
    ] = "client_secret_basic"
    signing_key: Secret | None = None
    signs_requests: bool = False
    encryption_key: Secret | None = None
    algorithms: tuple[Algorithm, ...] = Field(default=("RS256",), min_length=1)
    acr_values: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    level_claim: str = "acr"
    fields: dict[str, Share]
    proven: frozenset[str] = frozenset()
    phone_has_plus: bool = True
    market: str = ""
    timeout_s: float = Field(default=5.0, gt=0, le=10)

    @model_validator(mode="before")
    @classmethod
    def _has_a_kind(cls, data: Any) -> Any:  # noqa: ANN401 -- whatever was given
        if not isinstance(data, dict) or (kind := data.get("kind", "openid")) not in PRESETS:
            return data
        preset = PRESETS[kind]
        given = data.get("fields", {})
        return {
            **preset,
            **data,
            "fields": {**preset["fields"], **given} if isinstance(given, dict) else given,
        }

    @field_validator("fields")
    @classmethod
    def _is_something_we_keep(cls, fields: dict[str, Share]) -> dict[str, Share]:
        if unknown := sorted(fields.keys() - FIELDS.keys() - {BIRTH_DATE}):
            raise ValueError(f"{unknown[0]} is none of {', '.join([*FIELDS, BIRTH_DATE])}")
        return fields

    @field_validator("market")
    @classmethod
    def _is_a_market(cls, market: str) -> str:
        if market and market not in AREAS:
            raise ValueError(f"is one of {', '.join(AREAS)}")
        return market

    @model_validator(mode="after")
    def _can_say_who_it_is(self) -> Self:
        by_key = self.client_authentication == "private_key_jwt"
        if (by_key or self.signs_requests) and self.signing_key is None:
            raise wrong("is needed to sign with", "signing_key")
        if not by_key and self.client_secret is None:
            raise wrong(f"is needed for {self.client_authentication}", "client_secret")
        return self

    @property
    def transport(self) -> Transport:
        """How requests are sent."""
        return Transport(self.timeout_s, 2 * self.timeout_s)


def read_issuers(
    tables: Mapping[str, object], environ: Mapping[str, str]
) -> tuple[IssuerConfig, ...]:
    """Read a shop's settings for issuers.

    Args:
        tables: Under each issuer's name its table. ``{"env": "NAME"}`` in the place of a value
            stands for the environment variable of that name.
        environ: The environment; ``os.environ`` for that of this process.

    Raises:
        InvalidInput: If one is wrong; ``field`` is its path.

    >>> table = {"kind": "vipps_login", "client_id": "shop", "client_secret": {"env": "VIPPS"}}
    >>> read_issuers({"vipps": table}, {"VIPPS": "secret-for-tests"})[0].client_secret
    ********
    """
    return tuple(_read(name, table, environ) for name, table in tables.items())


def _read(name: str, table: object, environ: Mapping[str, str]) -> IssuerConfig:
    at = f"verification.{name}"
    if not isinstance(table, dict):
        raise InvalidInput("is a table of settings", field=at)
    given = {key: from_environment(value, environ, f"{at}.{key}") for key, value in table.items()}
    return IssuerConfig.read({"name": name, **given}, at=at)
