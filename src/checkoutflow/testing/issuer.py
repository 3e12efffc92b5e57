"""An issuer of identities in memory, for tests of shops that verify their customers.

One pure handler from ``httpx.Request`` to ``httpx.Response``, usable in process through
``httpx.MockTransport(issuer.handle)`` and on loopback through `checkoutflow.testing.serve.serve`.
It does what OpenID Connect asks of an issuer, checks what a client must send, and lies in every way
of `IssuerFault` when a test plans it. Everybody who comes is the same person: Test Person, with the
values that `checkoutflow.customer.example` shows.

>>> from checkoutflow.testing.clock import Clock
>>> issuer = SimulatedIssuer(Clock())
>>> config = issuer.config("https://issuer.example")
>>> config.issuer, config.client_id
('https://issuer.example', 'shop')
"""

from __future__ import annotations

import hmac
import html
import json
from base64 import b64decode
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from hashlib import sha256
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, Literal, cast
from urllib.parse import parse_qsl, unquote_plus, urlencode

import httpx

from checkoutflow.customer import example
from checkoutflow.issuers import jose
from checkoutflow.issuers.settings import Algorithm, IssuerConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

CLIENT: Final = "shop"
SECRET: Final = "secret-for-tests"  # noqa: S105 -- of a shop that does not exist
LEVEL: Final = "urn:example:substantial"
SUBJECT: Final = "test-person-1"
CODE_LIFE: Final = timedelta(minutes=1)
TOKEN_LIFE: Final = timedelta(minutes=5)

# What each scope shares.
PERSON: Final[Mapping[str, Mapping[str, object]]] = {
    "profile": {"name": "Test Person", "birthdate": "2000-12-31"},
    "email": {"email": example("email", "NO"), "email_verified": True},
    "phone": {"phone_number": "+4740612345", "phone_number_verified": True},
    "address": {
        "address": {
            "street_address": example("street", "NO"),
            "postal_code": example("postal_code", "NO"),
            "locality": example("city", "NO"),
            "country": "NO",
        }
    },
    "nin": {"nin": example("national_id", "NO")},
}


class IssuerFault(StrEnum):
    """A lie of the issuer's, or of somebody in between; each is to be refused."""

    # About the ID token's content:
    NONCE = "nonce"
    AUDIENCE = "audience"
    MORE_AUDIENCES = "more_audiences"
    AUTHORISED_PARTY = "authorised_party"
    ISSUER = "issuer"
    EXPIRED = "expired"
    ISSUED_BEFORE = "issued_before"
    ISSUED_LATER = "issued_later"
    NOT_YET = "not_yet"
    ACCESS_TOKEN = "access_token"  # noqa: S105 -- the name of a fault
    LEVEL = "level"
    NO_SUBJECT = "no_subject"
    # About its signature:
    SIGNATURE = "signature"
    STRANGERS_KEY = "strangers_key"
    UNKNOWN_KEY = "unknown_key"
    UNSIGNED = "unsigned"
    PUBLIC_KEY_AS_PASSWORD = "public_key_as_password"  # noqa: S105 -- the name of a fault
    CRITICAL = "critical"
    # Elsewhere:
    USERINFO_SUBJECT = "userinfo_subject"
    DISCOVERY_ISSUER = "discovery_issuer"
    RETURN_ISSUER = "return_issuer"
    NO_RETURN_ISSUER = "no_return_issuer"


_CLAIM_FAULTS: Final[Mapping[IssuerFault, Mapping[str, object]]] = {
    IssuerFault.NONCE: {"nonce": "of-another-return"},
    IssuerFault.AUDIENCE: {"aud": "another-shop"},
    IssuerFault.MORE_AUDIENCES: {"aud": [CLIENT, "another-shop"], "azp": CLIENT},
    IssuerFault.AUTHORISED_PARTY: {"azp": "another-shop"},
    IssuerFault.ISSUER: {"iss": "https://another-issuer.example"},
    IssuerFault.ACCESS_TOKEN: {"at_hash": jose.half_hash("another-token")},
    IssuerFault.LEVEL: {"acr": "urn:example:low"},
    IssuerFault.NO_SUBJECT: {"sub": ""},
}
_TIME_FAULTS: Final[Mapping[IssuerFault, Mapping[str, timedelta]]] = {
    IssuerFault.EXPIRED: {"exp": timedelta(minutes=-2)},
    IssuerFault.ISSUED_BEFORE: {"iat": timedelta(minutes=-30)},
    IssuerFault.ISSUED_LATER: {"iat": timedelta(minutes=5)},
    IssuerFault.NOT_YET: {"nbf": timedelta(minutes=5)},
}


@dataclass(slots=True)
class _Grant:
    """What somebody approved, and the shop has to fetch."""

    asked: Mapping[str, str]
    at: datetime
    is_used: bool = False


class _Refused(Exception):
    """The client asked for something wrong; the text is the protocol's word for it."""


@cache
def _key(algorithm: str, number: int) -> Mapping[str, str]:
    """A private key; each is made once in a process, as making them takes time."""
    from joserfc.jwk import generate_key  # noqa: PLC0415 -- heavy

    kind, size = {"ES256": ("EC", "P-256")}.get(algorithm, ("RSA", 2048))
    key = generate_key(cast("Any", kind), cast("Any", size))
    private = cast("dict[str, str]", key.as_dict(private=True))
    return {**private, "alg": algorithm, "kid": f"key-{number}"}


def _public(key: Mapping[str, str]) -> dict[str, str]:
    private = {"d", "p", "q", "dp", "dq", "qi"}
    return {name: value for name, value in key.items() if name not in private}


class SimulatedIssuer:
    """An issuer, and the one shop it knows.

    Attributes:
        requests: What was asked of it, oldest first: ``POST /token``.

    Args:
        clock: The issuer's time, as an aware ``datetime``.
        algorithm: What it signs with.
        client_authentication: How the shop has to say who it is.
        encrypts: Whether tokens are encrypted for the shop.
        signs_userinfo: Whether what it tells beside the ID token is a token too.
        tells_at_once: Whether the ID token holds what the customer shares.
        person: What each scope shares.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        algorithm: Algorithm = "ES256",
        client_authentication: Literal[
            "client_secret_basic", "client_secret_post", "private_key_jwt"
        ] = "client_secret_basic",
        encrypts: bool = False,
        signs_userinfo: bool = False,
        tells_at_once: bool = False,
        person: Mapping[str, Mapping[str, object]] = PERSON,
    ) -> None:
        """Open it."""
        self._clock = clock
        self._algorithm = algorithm
        self._client_authentication = client_authentication
        self._encrypts = encrypts
        self._signs_userinfo = signs_userinfo
        self._tells_at_once = tells_at_once
        self._person = person
        self._lock = RLock()
        self._faults: set[IssuerFault] = set()
        self._key_number = 1
        self._grants: dict[str, _Grant] = {}
        self._seen: set[object] = set()  # ids of assertions
        self.requests: list[str] = []

    def config(self, base_url: str, **changes: object) -> IssuerConfig:
        """The settings of the shop, for the issuer at this address."""
        keyed = {"signing_key": json.dumps(_key("ES256", 101))}
        if self._encrypts:
            keyed["encryption_key"] = json.dumps({**_key("RSA-OAEP-256", 102), "use": "enc"})
        return IssuerConfig.read(
            {
                "name": "issuer",
                "issuer": base_url,
                "client_id": CLIENT,
                "client_secret": SECRET,
                "client_authentication": self._client_authentication,
                "algorithms": [self._algorithm],
                "acr_values": [LEVEL],
                "levels": [LEVEL],
                "fields": {"national_id": {"scope": "nin", "claim": "nin"}},
                **keyed,
                **changes,
            }
        )

    def plan(self, *faults: IssuerFault) -> None:
        """Lie so from now on; without a fault, tell the truth again."""
        self._faults = set(faults)

    def rotate(self) -> None:
        """Sign with a new key from now on, and publish it in place of the old one."""
        self._key_number += 1

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        with self._lock:
            self.requests.append(f"{request.method} {request.url.path}")
            base = f"{request.url.scheme}://{request.url.netloc.decode()}"
            route = {
                "/.well-known/openid-configuration": self._metadata,
                "/authorise": self._authorise,
                "/token": self._token,
                "/userinfo": self._userinfo,
                "/jwks": self._jwks,
            }.get(request.url.path)
            if route is None:
                return httpx.Response(404)
            try:
                return route(request, base)
            except _Refused as refused:
                return httpx.Response(400, json={"error": str(refused)})

    # --- what is published -----------------------------------------------------------------------

    def _metadata(self, _: httpx.Request, base: str) -> httpx.Response:
        named = "https://other.example" if self._lies(IssuerFault.DISCOVERY_ISSUER) else base
        return httpx.Response(
            200,
            json={
                "issuer": named,
                "authorization_endpoint": f"{base}/authorise",
                "token_endpoint": f"{base}/token",
                "jwks_uri": f"{base}/jwks",
                "userinfo_endpoint": f"{base}/userinfo",
                "authorization_response_iss_parameter_supported": True,
                "code_challenge_methods_supported": ["S256"],
                "id_token_signing_alg_values_supported": [self._algorithm],
                "response_types_supported": ["code"],
                "subject_types_supported": ["pairwise"],
            },
        )

    def _jwks(self, _: httpx.Request, __: str) -> httpx.Response:
        key = {**_public(_key(self._algorithm, self._key_number)), "use": "sig"}
        others = [{"kty": "OKP", "kid": "of-a-kind-not-known"}, "no key at all"]
        return httpx.Response(200, json={"keys": [*others, key]})

    # --- the customer ----------------------------------------------------------------------------

    def _authorise(self, request: httpx.Request, base: str) -> httpx.Response:
        """The page where a person says who they are, and where they are sent then."""
        asked = self._asked(dict(request.url.params), base)
        if request.method == "GET":
            return httpx.Response(200, html=_PAGE.format(scope=html.escape(asked["scope"])))
        answer = {"state": asked["state"], "iss": base}
        if self._lies(IssuerFault.RETURN_ISSUER):
            answer["iss"] = "https://another-issuer.example"
        if self._lies(IssuerFault.NO_RETURN_ISSUER):
            del answer["iss"]
        if request.content == b"decision=approve":
            answer["code"] = f"code-{len(self._grants) + 1}"
            self._grants[answer["code"]] = _Grant(asked, self._clock())
        else:
            answer["error"] = "access_denied"
        where = httpx.URL(asked["redirect_uri"]).copy_merge_params(answer)
        return httpx.Response(303, headers={"location": str(where)})

    def _asked(self, given: dict[str, str], base: str) -> dict[str, str]:
        if "request" in given:
            claims = self._of_the_shop(given["request"], base)
            given = {name: str(value) for name, value in claims.items()}
        if not (
            given.get("client_id") == CLIENT
            and given.get("response_type") == "code"
            and given.get("code_challenge_method") == "S256"
            and "openid" in given.get("scope", "").split()
            and {"redirect_uri", "state", "nonce", "code_challenge"} <= given.keys()
        ):
            raise _Refused("invalid_request")
        return given

    # --- the shop --------------------------------------------------------------------------------

    def _token(self, request: httpx.Request, base: str) -> httpx.Response:
        fields = dict(parse_qsl(request.content.decode()))
        if not self._is_the_shop(request, fields, base):
            return httpx.Response(401, json={"error": "invalid_client"})
        grant = self._grants.get(fields.get("code", ""))
        if grant is None or grant.is_used or self._clock() >= grant.at + CODE_LIFE:
            raise _Refused("invalid_grant")
        grant.is_used = True
        challenge = jose.base64(sha256(fields.get("code_verifier", "").encode()).digest())
        if (challenge, fields.get("redirect_uri")) != (
            grant.asked["code_challenge"],
            grant.asked["redirect_uri"],
        ):
            raise _Refused("invalid_grant")
        access_token = f"access-{fields['code']}"
        return httpx.Response(
            200,
            json={
                "access_token": access_token,
                "token_type": "Bearer",
                "expires_in": 600,
                "id_token": self._id_token(grant, access_token, base),
            },
        )

    def _is_the_shop(self, request: httpx.Request, fields: Mapping[str, str], base: str) -> bool:
        match self._client_authentication:
            case "client_secret_basic":
                _, _, pair = request.headers.get("authorization", "").partition(" ")
                name, _, secret = b64decode(pair).decode().partition(":")
                return (unquote_plus(name), unquote_plus(secret)) == (CLIENT, SECRET)
            case "client_secret_post":
                return (fields.get("client_id"), fields.get("client_secret")) == (CLIENT, SECRET)
            case _:
                claims = self._of_the_shop(fields.get("client_assertion", ""), f"{base}/token")
                is_new = claims["jti"] not in self._seen
                self._seen.add(claims["jti"])
                return is_new and claims.get("sub") == CLIENT

    def _of_the_shop(self, token: str, audience: str) -> dict[str, object]:
        """What the shop says in a token that it signed."""
        try:
            claims = jose.claims_of(token, [_public(_key("ES256", 101))], ["ES256"])
        except jose.Distrust:
            raise _Refused("invalid_client") from None
        now = self._clock().timestamp()
        is_ours = (claims.get("iss"), claims.get("aud")) == (CLIENT, audience)
        if not is_ours or not int(str(claims["iat"])) <= now < int(str(claims["exp"])):
            raise _Refused("invalid_client")
        return claims

    def _userinfo(self, request: httpx.Request, base: str) -> httpx.Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer access-")
        if (grant := self._grants.get(token)) is None:
            return httpx.Response(401)
        subject = "another-person" if self._lies(IssuerFault.USERINFO_SUBJECT) else SUBJECT
        told = {**self._shared(grant), "sub": subject}
        if not self._signs_userinfo:
            return httpx.Response(200, json=told)
        content = self._sealed(self._signed({**told, "iss": base, "aud": CLIENT}))
        return httpx.Response(
            200, headers={"content-type": "application/jwt"}, content=content.encode()
        )

    # --- tokens ----------------------------------------------------------------------------------

    def _shared(self, grant: _Grant) -> dict[str, object]:
        told: dict[str, object] = {}
        for scope in grant.asked["scope"].split():
            told |= self._person.get(scope, {})
        return told

    def _id_token(self, grant: _Grant, access_token: str, base: str) -> str:
        now = self._clock()
        claims: dict[str, object] = {
            "iss": base,
            "sub": SUBJECT,
            "aud": CLIENT,
            "iat": int(now.timestamp()),
            "exp": int((now + TOKEN_LIFE).timestamp()),
            "nonce": grant.asked["nonce"],
            "acr": LEVEL,
            "at_hash": jose.half_hash(access_token),
            **(self._shared(grant) if self._tells_at_once else {}),
        }
        for fault in self._faults:
            claims |= _CLAIM_FAULTS.get(fault, {})
            times = _TIME_FAULTS.get(fault, {})
            claims |= {name: int((now + by).timestamp()) for name, by in times.items()}
        return self._sealed(self._signed(claims))

    def _signed(self, claims: Mapping[str, object]) -> str:
        """Sign a token, or do as if."""
        key = _key(self._algorithm, self._key_number)
        if self._lies(IssuerFault.UNSIGNED):
            return f"{_part({'alg': 'none'})}.{_part(claims)}."
        if self._lies(IssuerFault.PUBLIC_KEY_AS_PASSWORD):
            head = f"{_part({'alg': 'HS256', 'kid': key['kid']})}.{_part(claims)}"
            password = json.dumps(_public(key)).encode()
            return f"{head}.{jose.base64(hmac.digest(password, head.encode(), 'sha256'))}"
        header = {"alg": self._algorithm, "kid": key["kid"], "typ": "JWT"}
        if self._lies(IssuerFault.STRANGERS_KEY):
            key = _key(self._algorithm, 99)
        if self._lies(IssuerFault.UNKNOWN_KEY):
            header["kid"] = "key-of-nobody"
        if self._lies(IssuerFault.CRITICAL):
            return _sign(header | {"crit": ["b64"], "b64": True}, claims, key)
        token = _sign(header, claims, key)
        if self._lies(IssuerFault.SIGNATURE):
            head, dot, signature = token.rpartition(".")
            token = (
                f"{head}{dot}{signature[:9]}{'B' if signature[9] == 'A' else 'A'}{signature[10:]}"
            )
        return token

    def _sealed(self, token: str) -> str:
        """Encrypt a token for the shop, if that is agreed."""
        if not self._encrypts:
            return token
        from joserfc.jwe import encrypt_compact  # noqa: PLC0415 -- heavy
        from joserfc.jwk import import_key  # noqa: PLC0415 -- heavy

        header = {"alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "JWT", "kid": "key-102"}
        key = import_key(cast("Any", _public(_key("RSA-OAEP-256", 102))))
        return encrypt_compact(header, token, key, algorithms=["RSA-OAEP-256", "A256GCM"])

    def _lies(self, fault: IssuerFault) -> bool:
        return fault in self._faults


def approve(address: str, send: Callable[[httpx.Request], httpx.Response]) -> str:
    """Be the person: open the address, approve, and give the query that they come back with."""
    return _decide(address, send, "approve")


def decline(address: str, send: Callable[[httpx.Request], httpx.Response]) -> str:
    """Be the person and say no; gives the query that they come back with."""
    return _decide(address, send, "decline")


def _decide(address: str, send: Callable[[httpx.Request], httpx.Response], decision: str) -> str:
    page = send(httpx.Request("GET", address))
    content = urlencode({"decision": decision}).encode()
    answer = send(httpx.Request("POST", address, content=content))
    if (page.status_code, answer.status_code) != (200, 303):
        raise AssertionError(f"the issuer does not let anybody in: {page.text} {answer.text}")
    return httpx.URL(answer.headers["location"]).query.decode()


def _part(data: object) -> str:
    return jose.base64(json.dumps(data).encode())


def _sign(
    header: Mapping[str, object], claims: Mapping[str, object], key: Mapping[str, str]
) -> str:
    from joserfc.jwk import import_key  # noqa: PLC0415 -- heavy
    from joserfc.jws import serialize_compact  # noqa: PLC0415 -- heavy

    signer = import_key(cast("Any", dict(key)))
    return serialize_compact(dict(header), json.dumps(claims), signer, algorithms=[key["alg"]])


_PAGE: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Simulated issuer</title>
<h1>Simulated issuer</h1>
<p>Test Person: tell the shop who you are ({scope})?</p>
<form method="post">
<button name="decision" value="approve">Approve</button>
<button name="decision" value="decline">Decline</button>
</form>
</html>
"""
