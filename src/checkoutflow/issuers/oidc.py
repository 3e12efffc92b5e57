"""OpenID Connect: a customer proves to an issuer who they are, and the issuer tells the shop.

The authorisation code flow with PKCE, as OpenID Connect Core 1.0, RFC 7636, RFC 9207 and RFC 9700
(the best current practice) have it. In three steps, of which the middle one touches no network:

1. `OpenIdConnect.begin` gives an address to send the customer to, and a `Pending` to store.
2. `OpenIdConnect.take_return` reads what they came back with. It belongs to the pending one or it
   is nothing; then the pending one has served and goes out of the store.
3. `OpenIdConnect.finish` changes the code into a `Proof`.

Nonce and PKCE verifier are derived from the shop's keys, the checkout and one random ``state``,
which only the customer's browser holds. So nothing secret is stored, and what belongs to one
checkout is worth nothing in another. *The page must know from its own session which checkout a
returning customer is in.* If it took that from the address, somebody could send a stranger to the
issuer in their own checkout's name, and see what the stranger is known by.

A generator yields ``httpx.Request`` and receives ``httpx.Response``, as those of payment adapters
do; what an issuer publishes (its addresses and keys) is kept for an hour.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qsl, quote_plus, urlencode

import httpx

from checkoutflow.errors import (
    InvalidInput,
    ProviderError,
    TransportError,
    UntrustedProof,
    UsageError,
)
from checkoutflow.issuers import jose
from checkoutflow.issuers.claims import Claims, is_for, proof_of, require, told_in
from checkoutflow.issuers.contract import (
    PENDING_LIFE,
    Pending,
    Proof,
    Return,
    Unproven,
)
from checkoutflow.privacy.secret import Secret
from checkoutflow.privacy.vault import digests
from checkoutflow.providers.http import Unreadable, base_url, body_of, page_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from checkoutflow.issuers.settings import IssuerConfig
    from checkoutflow.privacy.vault import Keys
    from checkoutflow.providers.contract import Exchange, Transport

STATE_OCTETS: Final = 32
METADATA_LIFE: Final = timedelta(hours=1)
_ASSERTION_LIFE: Final = timedelta(seconds=60)

_DISCOVERY: Final = "/.well-known/openid-configuration"
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ANSWER: Final = frozenset({"state", "code", "iss", "error"})
_OK: Final = 200
_ENCRYPTED: Final = 4  # dots in a token that is encrypted; one that is signed has two
_LONGEST_QUERY: Final = 8_000
_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_PRINTABLE: Final = re.compile(r"[!-~]{1,4000}")
_TOKEN: Final = re.compile(r"[!-~]{1,20000}")
_URL: Final = re.compile(r"[!\"$-~]{1,2000}")  # no fragment


class _Metadata(NamedTuple):
    """What an issuer publishes about itself."""

    authorise: str
    token: str
    keys: str
    userinfo: str  # empty if there is none
    names_itself: bool  # in each return, as ``iss``
    read_at: datetime


class _KeySet(NamedTuple):
    keys: tuple[Mapping[Any, object], ...]
    read_at: datetime


class _Derived(NamedTuple):
    """What follows from one of the shop's keys, a checkout and a state."""

    digest: str
    nonce: str
    verifier: str


@dataclass(slots=True)
class OpenIdConnect:
    """An issuer as the shop uses it; one for each table of the settings, for all customers.

    Raises:
        InvalidInput: If a key in the settings is none.
        NotSupported: If the extra ``oidc`` is not installed.
    """

    config: IssuerConfig
    _signing_key: jose.PrivateKey | None = field(init=False, default=None, repr=False)
    _encryption_key: jose.PrivateKey | None = field(init=False, default=None, repr=False)
    _metadata: _Metadata | None = field(init=False, default=None, repr=False)
    _key_set: _KeySet | None = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        """Read the shop's own keys."""
        jose.require_joserfc()
        if self.config.signing_key is not None:
            self._signing_key = jose.signing_key(self.config.signing_key)
        if self.config.encryption_key is not None:
            self._encryption_key = jose.encryption_key(self.config.encryption_key)

    @property
    def name(self) -> str:
        """The name from the settings."""
        return self.config.name

    @property
    def transport(self) -> Transport:
        """How its requests are sent."""
        return self.config.transport

    @property
    def shareable(self) -> frozenset[str]:
        """Contact fields that a customer can be asked to share."""
        return frozenset(self.config.fields)

    # 1. Away -------------------------------------------------------------------------------------

    def begin(
        self,
        keys: Keys,
        checkout: str,
        return_url: str,
        *,
        fields: Collection[str] = (),
        locale: str,
        octets: bytes,
        at: datetime,
    ) -> Exchange[tuple[str, Pending]]:
        """Work out where to send the customer, and what to remember meanwhile.

        Args:
            keys: The shop's keys.
            checkout: Id of the checkout.
            return_url: Where they come back to, as registered with the issuer; to the letter.
            fields: Contact fields (or ``birth_date``) to ask for, and no others: each needs a
                purpose in this sale.
            locale: The customer's, for the issuer's pages.
            octets: 32 random bytes, never used before.
            at: Now.

        Returns:
            An address that holds the ``state``: for the customer's browser, not for a log. And the
            `Pending` to store; it replaces an earlier one of the same checkout.

        Raises:
            InvalidInput: If the issuer cannot be asked for a field, or the address is none.
            UsageError: If there are too few random bytes.
            TransportError: If the issuer does not say where its pages are.
            UntrustedProof: If what answers is another issuer.
        """
        if wrong := sorted(set(fields) - self.shareable):
            known = ", ".join(sorted(self.shareable))
            raise InvalidInput(f"{self.name} is asked for {known}; not {wrong[0]}", field="fields")
        if len(octets) < STATE_OCTETS:
            raise UsageError(f"state is made of {STATE_OCTETS} random bytes")
        try:
            page_of(return_url)
        except Unreadable:
            raise InvalidInput("is the address of a page", field="return_url") from None
        metadata = yield from self._published(at)
        state = jose.base64(octets)
        derived = self._derived(keys, checkout, state)[0]
        wanted = dict.fromkeys(self.config.fields[name].scope for name in sorted(fields))
        asked = {
            "response_type": "code",
            "client_id": self.config.client_id,
            "redirect_uri": return_url,
            "scope": " ".join(["openid", *filter(None, wanted)]),
            "state": state,
            "nonce": derived.nonce,
            "code_challenge": jose.base64(sha256(derived.verifier.encode()).digest()),
            "code_challenge_method": "S256",
            "acr_values": " ".join(self.config.acr_values),
            "ui_locales": locale.replace("_", "-"),
        }
        asked = {name: value for name, value in asked.items() if value}
        if self.config.signs_requests:
            told = self._signed(asked, self.config.issuer, derived.nonce, at, PENDING_LIFE)
            plain = {name: asked[name] for name in ("response_type", "client_id", "scope")}
            asked = plain | {"request": told}
        pending = Pending(
            issuer=self.name,
            checkout=checkout,
            state_digest=derived.digest,
            return_url=return_url,
            fields=tuple(sorted(fields)),
            expires_at=at + PENDING_LIFE,
        )
        return str(httpx.URL(metadata.authorise).copy_merge_params(asked)), pending

    # 2. Back -------------------------------------------------------------------------------------

    def take_return(
        self, keys: Keys, pending: Pending, query: str, at: datetime
    ) -> Return | Unproven:
        """Read what a customer came back with.

        Take the pending one out of the store when this returns, whatever it returns, and before
        `finish`: it serves once. When it raises, the return was not the one that is waited for, and
        the pending one stays.

        Args:
            keys: The shop's keys.
            pending: What is stored for *the checkout of this browser's own session*.
            query: What follows the question mark, or the body of a form; raw.
            at: Now.

        Raises:
            UntrustedProof: If it belongs to another checkout, browser or issuer, or is no answer.
            UsageError: If another issuer is waited for.
        """
        if pending.issuer != self.name:
            raise UsageError(f"{pending.issuer} is waited for, not {self.name}", field="issuer")
        given = self._read(query)
        candidates = self._derived(keys, pending.checkout, given.get("state", ""))
        # A list: all keys are tried, whichever fits.
        fits = [hmac.compare_digest(each.digest, pending.state_digest) for each in candidates]
        if not any(fits):
            raise UntrustedProof(self.name, "state")
        derived = candidates[fits.index(True)]
        if at >= pending.expires_at:
            return Unproven("expired")
        if given.get("iss", self.config.issuer) != self.config.issuer:
            raise UntrustedProof(self.name, "return issuer")
        if "error" in given:
            word = given["error"]
            return Unproven(word if _WORD.fullmatch(word) else "error")
        if not _PRINTABLE.fullmatch(code := given.get("code", "")):
            raise UntrustedProof(self.name, "code")
        return Return(
            pending,
            Secret(code),
            Secret(derived.nonce),
            Secret(derived.verifier),
            given.get("iss", ""),
        )

    # 3. Proof ------------------------------------------------------------------------------------

    def finish(self, returned: Return, at: datetime, *, market: str) -> Exchange[Proof]:
        """Change the code into a proof.

        Args:
            returned: From `take_return`.
            at: Now.
            market: What postal codes and identity numbers are read as of, where the settings do
                not say.

        Raises:
            UntrustedProof: If anything about it does not hold.
            ProviderError: If the issuer does not know us or our way of asking.
            TransportError: If no usable answer came. The code may be spent: start again.
        """
        metadata = yield from self._published(at)
        if metadata.names_itself and not returned.issuer:
            raise UntrustedProof(self.name, "return issuer")
        id_token, access_token = yield from self._tokens(metadata, returned, at)
        wanted = frozenset(returned.pending.fields)
        try:
            claims = yield from self._believed(id_token, metadata, at)
            require(claims, self.config, returned, access_token, at)
            told = told_in([claims], self.config, wanted)
            if access_token and metadata.userinfo and wanted - told.keys():
                more = yield from self._userinfo(metadata, access_token, claims, at)
                told = told_in([claims, more], self.config, wanted)
        except jose.Distrust as reason:
            raise UntrustedProof(self.name, str(reason)) from None
        return proof_of(claims, told, self.config, at, market=market)

    # What the issuer publishes -------------------------------------------------------------------

    def _published(self, at: datetime) -> Exchange[_Metadata]:
        if (known := self._metadata) is not None and at < known.read_at + METADATA_LIFE:
            return known
        found = yield from self._get(self.config.issuer.rstrip("/") + _DISCOVERY)
        if found.get("issuer") != self.config.issuer:
            raise UntrustedProof(self.name, "issuer")
        self._metadata = _Metadata(
            self._endpoint(found, "authorization_endpoint"),
            self._endpoint(found, "token_endpoint"),
            self._endpoint(found, "jwks_uri"),
            self._endpoint(found, "userinfo_endpoint") if "userinfo_endpoint" in found else "",
            found.get("authorization_response_iss_parameter_supported") is True,
            at,
        )
        return self._metadata

    def _endpoint(self, found: Mapping[str, object], name: str) -> str:
        """An address that the issuer publishes, on a host where it may be."""
        address = found.get(name)
        if isinstance(address, str) and _URL.fullmatch(address):
            with suppress(InvalidInput):
                base_url(address.partition("?")[0])
                host = httpx.URL(address).netloc.decode()
                if host in {httpx.URL(self.config.issuer).netloc.decode(), *self.config.hosts}:
                    return address
        raise ProviderError(
            f"{self.name}: its {name} is not on the issuer's host; if it should be on another, "
            "name that in hosts"
        )

    def _keys(self, metadata: _Metadata, at: datetime) -> Exchange[_KeySet]:
        key_set = yield from self._get(metadata.keys)
        self._key_set = _KeySet(jose.usable(key_set), at)
        return self._key_set

    def _get(self, address: str) -> Exchange[Mapping[str, object]]:
        response = yield httpx.Request("GET", address, headers={"accept": "application/json"})
        match response.status_code, body_of(response):
            case 200, dict() as found:
                return found
            case _:
                raise TransportError(f"{self.name} does not publish what it should")

    # Tokens --------------------------------------------------------------------------------------

    def _tokens(
        self, metadata: _Metadata, returned: Return, at: datetime
    ) -> Exchange[tuple[str, str]]:
        """Change the code into an ID token and, where there is one, an access token."""
        fields = {
            "grant_type": "authorization_code",
            "code": returned.code.reveal(),
            "redirect_uri": returned.pending.return_url,
            "code_verifier": returned.verifier.reveal(),
        }
        headers = {
            "accept": "application/json",
            "content-type": "application/x-www-form-urlencoded",
        }
        client, known_by = self.config.client_id, self.config.client_secret
        secret = "" if known_by is None else known_by.reveal()
        match self.config.client_authentication:
            case "private_key_jwt":
                fields |= {
                    "client_id": client,
                    "client_assertion_type": _ASSERTION,
                    "client_assertion": self._signed(
                        {"sub": client}, metadata.token, returned.nonce.reveal(), at
                    ),
                }
            case "client_secret_post":
                fields |= {"client_id": client, "client_secret": secret}
            case _:
                pair = f"{quote_plus(client)}:{quote_plus(secret)}"
                headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        content = urlencode(fields).encode()
        response = yield httpx.Request("POST", metadata.token, headers=headers, content=content)
        match response.status_code, body_of(response):
            case 200, {"id_token": str(id_token), **rest}:
                access_token = rest.get("access_token")
                is_token = isinstance(access_token, str) and _TOKEN.fullmatch(access_token)
                return id_token, str(access_token) if is_token else ""
            case 400 | 401 | 403, {"error": "invalid_grant"}:
                raise UntrustedProof(self.name, "code refused")
            case 400 | 401 | 403, {"error": str(word)}:
                word = word if _WORD.fullmatch(word) else "error"
                raise ProviderError(f"{self.name} refuses the shop: {word}; see its settings")
            case _:
                raise TransportError(f"{self.name} gave no usable answer")

    def _signed(
        self,
        claims: Mapping[str, str],
        audience: str,
        nonce: str,
        at: datetime,
        life: timedelta = _ASSERTION_LIFE,
    ) -> str:
        """A short-lived token that shows that it is the shop who speaks."""
        if self._signing_key is None:
            raise UsageError("there is no key to sign with", field="signing_key")
        about: dict[str, object] = {
            **claims,
            "iss": self.config.client_id,
            "aud": audience,
            "jti": jose.half_hash(f"{audience} {nonce}"),
            "iat": int(at.timestamp()),
            "nbf": int(at.timestamp()),
            "exp": int((at + life).timestamp()),
        }
        return jose.signed(about, self._signing_key)

    def _believed(self, token: str, metadata: _Metadata, at: datetime) -> Exchange[Claims]:
        """What a token says, if the issuer has signed it. A key that is new is fetched once."""
        if self._encryption_key is not None and token.count(".") == _ENCRYPTED:
            token = jose.opened(token, self._encryption_key)
        key_set, is_fresh = self._key_set, False
        if key_set is None or at >= key_set.read_at + METADATA_LIFE:
            key_set, is_fresh = (yield from self._keys(metadata, at)), True
        try:
            return jose.claims_of(token, key_set.keys, self.config.algorithms)
        except jose.UnknownKey:
            if is_fresh:
                raise
        key_set = yield from self._keys(metadata, at)
        return jose.claims_of(token, key_set.keys, self.config.algorithms)

    def _userinfo(
        self, metadata: _Metadata, access_token: str, claims: Claims, at: datetime
    ) -> Exchange[Claims]:
        """What the issuer says beside the ID token; nothing if it says nothing.

        Raises:
            Distrust: If it is about somebody else.
        """
        headers = {
            "accept": "application/json, application/jwt",
            "authorization": f"Bearer {access_token}",
        }
        response = yield httpx.Request("GET", metadata.userinfo, headers=headers)
        if response.status_code != _OK:
            return {}
        if response.headers.get("content-type", "").startswith("application/jwt"):
            told = yield from self._believed(
                response.content.decode("ascii", "replace").strip(), metadata, at
            )
            if told.get("iss", claims["iss"]) != claims["iss"] or not is_for(
                told.get("aud", self.config.client_id), self.config
            ):
                raise jose.Distrust("userinfo audience")
        elif isinstance(body := body_of(response), dict):
            told = body
        else:
            return {}
        if told.get("sub") != claims["sub"]:
            raise jose.Distrust("userinfo subject")
        return told

    # Shared with nobody --------------------------------------------------------------------------

    def _derived(self, keys: Keys, checkout: str, state: str) -> list[_Derived]:
        """What follows from a state, under each of the shop's keys; the current one first."""
        about = f"{self.name}\n{checkout}\n{state}"
        kinds = ("verification state", "verification nonce", "verification verifier")
        each = (digests(keys, kind, about) for kind in kinds)
        return [_Derived(*derived) for derived in zip(*each, strict=True)]

    def _read(self, query: str) -> dict[str, str]:
        """The answer in a return; what is the shop's own beside it does not count."""
        if len(query) > _LONGEST_QUERY:
            raise UntrustedProof(self.name, "query")
        try:
            pairs = parse_qsl(query.removeprefix("?"), keep_blank_values=True, errors="strict")
        except ValueError:
            raise UntrustedProof(self.name, "query") from None
        answer = [(name, value) for name, value in pairs if name in _ANSWER]
        if len(given := dict(answer)) < len(answer):  # two readers could take different ones
            raise UntrustedProof(self.name, "query")
        return given
