"""Customers who prove to an issuer who they are, and all the ways in which that can be a lie."""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from dataclasses import replace
from datetime import date, timedelta

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwe import encrypt_compact
from joserfc.jwk import generate_key
from joserfc.jws import serialize_compact

from checkoutflow.customer import example
from checkoutflow.errors import (
    CheckoutError,
    InvalidInput,
    Next,
    NotSupported,
    ProviderError,
    TransportError,
    UntrustedProof,
    UsageError,
)
from checkoutflow.issuers import (
    PENDING_LIFE,
    IssuerConfig,
    OpenIdConnect,
    Pending,
    Unproven,
    jose,
    read_issuers,
)
from checkoutflow.issuers.claims import told_in
from checkoutflow.issuers.oidc import METADATA_LIFE
from checkoutflow.privacy.secret import Secret
from checkoutflow.privacy.vault import Keys
from checkoutflow.testing import Clock
from checkoutflow.testing.adapters import exchange
from checkoutflow.testing.issuer import (
    CLIENT,
    LEVEL,
    PERSON,
    SECRET,
    SUBJECT,
    IssuerFault,
    SimulatedIssuer,
    approve,
    decline,
)
from checkoutflow.testing.serve import serve

BASE = "https://issuer.example"
BACK = "https://shop.example/back"
OLD, NEW = bytes(range(32)), bytes(range(32, 64))
KEYS = Keys.of(OLD)
OCTETS = bytes(range(100, 132))
FIELDS = frozenset({"name", "email", "phone", "street", "postal_code", "city", "country"})
F = IssuerFault


class Visit:
    """A shop, its issuer, and a customer who goes from the one to the other and back."""

    def __init__(self, base=BASE, send=None, settings=None, **issuer):
        self.clock = Clock()
        self.issuer = SimulatedIssuer(self.clock, **issuer)
        self.send = send or self.issuer.handle
        self.shop = OpenIdConnect(self.issuer.config(base, **(settings or {})))

    def begin(self, keys=KEYS, checkout="checkout-1", fields=FIELDS, octets=OCTETS):
        asked = self.shop.begin(
            keys,
            checkout,
            BACK,
            fields=fields,
            locale="nb_NO",
            octets=octets,
            at=self.clock(),
        )
        return exchange(asked, self.send)

    def back(self, keys=KEYS, fields=FIELDS, decide=approve):
        address, pending = self.begin(keys, fields=fields)
        return self.shop.take_return(keys, pending, decide(address, self.send), self.clock())

    def finish(self, returned, send=None):
        finishing = self.shop.finish(returned, self.clock(), market="NO")
        return exchange(finishing, send or self.send)

    def prove(self, fields=FIELDS):
        return self.finish(self.back(fields=fields))


@pytest.fixture
def visit():
    return Visit()


def refused(reason, call, *arguments, **named):
    with pytest.raises(UntrustedProof) as error:
        call(*arguments, **named)
    assert error.value.reason == reason
    assert error.value.next is Next.DROP
    return error.value


# The way there and back ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("issuer", "changes"),
    [
        ({}, {}),
        ({"algorithm": "RS256"}, {}),
        ({"algorithm": "PS256", "client_authentication": "client_secret_post"}, {}),
        ({"client_authentication": "private_key_jwt"}, {}),
        ({"tells_at_once": True}, {}),
        ({"signs_userinfo": True}, {}),
        (
            {"client_authentication": "private_key_jwt", "encrypts": True, "signs_userinfo": True},
            {"signs_requests": True, "client_secret": None},  # as Finland's trust network wants it
        ),
    ],
    ids=["basic", "RS256", "PS256 post", "key", "at once", "signed userinfo", "finland"],
)
def test_a_customer_is_proven_over_real_http(issuer, changes):
    simulated = Visit(**issuer)
    with serve(simulated.issuer.handle) as base, httpx.Client(trust_env=False) as client:
        visit = Visit(base, client.send, changes, **issuer)
        visit.clock, visit.issuer = simulated.clock, simulated.issuer
        proof = visit.prove()
    assert dict(proof.details) == {
        "name": "Test Person",
        "email": example("email", "NO"),
        "phone": "+4740612345",
        "street": example("street", "NO"),
        "postal_code": example("postal_code", "NO"),
        "city": example("city", "NO"),
        "country": "NO",
    }
    assert proof.subject == Secret(SUBJECT)
    assert (proof.issuer, proof.level, proof.at) == (base, LEVEL, simulated.clock())
    assert proof.verified == {"email", "phone"}
    assert proof.birth_date is None


def test_what_the_customer_s_browser_is_sent_with(visit):
    address, pending = visit.begin()
    asked = dict(httpx.URL(address).params)
    assert address.startswith(f"{BASE}/authorise?")
    assert asked.pop("state") not in pending.model_dump_json()
    assert len(asked.pop("nonce")) == 64
    assert len(asked.pop("code_challenge")) == 43
    assert asked == {
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": BACK,
        "scope": "openid address email profile phone",
        "code_challenge_method": "S256",
        "acr_values": LEVEL,
        "ui_locales": "nb-NO",
    }


def test_a_signed_request_says_nothing_beside_what_is_signed():
    visit = Visit(settings={"signs_requests": True})
    address, _ = visit.begin()
    asked = dict(httpx.URL(address).params)
    assert asked.keys() == {"response_type", "client_id", "scope", "request"}


def test_what_is_stored_is_a_digest_and_a_time_and_survives_the_store(visit):
    _, pending = visit.begin()
    assert Pending.read(json.loads(pending.model_dump_json())) == pending
    assert (
        pending.expires_at == visit.clock() + PENDING_LIFE == visit.clock() + timedelta(minutes=10)
    )
    assert pending.model_dump(exclude={"state_digest", "expires_at"}) == {
        "issuer": "issuer",
        "checkout": "checkout-1",
        "return_url": BACK,
        "fields": tuple(sorted(FIELDS)),
    }


def test_the_same_random_bytes_are_other_secrets_in_another_checkout_and_under_another_key(visit):
    def secrets_of(*arguments, **named):
        address, pending = visit.begin(*arguments, **named)
        asked = httpx.URL(address).params
        return {pending.state_digest, asked["nonce"], asked["code_challenge"]}

    seen = [
        secrets_of(),
        secrets_of(checkout="checkout-2"),
        secrets_of(Keys.of(NEW)),
        secrets_of(octets=bytes(32)),
    ]
    assert len(set().union(*seen)) == sum(map(len, seen)) == 12
    assert secrets_of() == seen[0]


def test_only_what_was_asked_is_told():
    visit = Visit(tells_at_once=True)
    proof = visit.prove(fields={"name"})
    assert dict(proof.details) == {"name": "Test Person"}
    assert visit.prove(fields=()).details == {}


def test_nothing_is_fetched_that_is_known():
    visit = Visit(tells_at_once=True)
    visit.prove()
    assert visit.issuer.requests == [
        "GET /.well-known/openid-configuration",
        "GET /authorise",
        "POST /authorise",
        "POST /token",
        "GET /jwks",
    ]
    visit.issuer.requests.clear()
    visit.prove()
    assert visit.issuer.requests == ["GET /authorise", "POST /authorise", "POST /token"]
    visit.clock.advance(seconds=METADATA_LIFE.total_seconds())
    visit.issuer.requests.clear()
    visit.prove()
    assert len(visit.issuer.requests) == 5


def test_a_birth_date_and_an_identity_number_come_where_they_are_asked(visit):
    proof = visit.prove(fields={"birth_date", "national_id"})
    assert proof.birth_date == date(2000, 12, 31)
    assert dict(proof.details) == {"national_id": example("national_id", "NO")}


@pytest.mark.parametrize("born", ["0000-12-31", "2000-13-01", "2999-01-01", "yesterday", 7])
def test_a_birth_date_that_cannot_be_is_none(born):
    visit = Visit(person={"profile": {"birthdate": born}})
    assert visit.prove(fields={"birth_date"}).birth_date is None


def test_a_customer_who_says_no_is_no_error(visit):
    assert visit.back(decide=decline) == Unproven("access_denied")


def test_words_of_an_issuer_are_words(visit):
    address, pending = visit.begin()
    state = httpx.URL(address).params["state"]
    query = f"state={state}&error=%3Cscript%3E"
    assert visit.shop.take_return(KEYS, pending, query, visit.clock()) == Unproven("error")


def test_who_comes_back_too_late_has_to_start_again(visit):
    address, pending = visit.begin()
    query = approve(address, visit.send)
    late = pending.expires_at
    assert visit.shop.take_return(KEYS, pending, query, late) == Unproven("expired")
    in_time = late - timedelta(seconds=1)
    assert visit.shop.take_return(KEYS, pending, query, in_time) != Unproven("expired")


def test_the_shop_s_key_may_change_while_the_customer_is_away(visit):
    address, pending = visit.begin()
    query = approve(address, visit.send)
    returned = visit.shop.take_return(Keys.of(NEW, OLD), pending, query, visit.clock())
    assert visit.finish(returned).subject == Secret(SUBJECT)
    refused("state", visit.shop.take_return, Keys.of(NEW), pending, query, visit.clock())


# Returns that prove nothing -----------------------------------------------------------------------


def test_a_return_belongs_to_one_browser_one_checkout_and_one_issuer(visit):
    address, pending = visit.begin()
    query = approve(address, visit.send)
    _, others = visit.begin(octets=bytes(32))
    refused("state", visit.shop.take_return, KEYS, others, query, visit.clock())
    elsewhere = pending.but(checkout="checkout-2")
    refused("state", visit.shop.take_return, KEYS, elsewhere, query, visit.clock())
    with pytest.raises(UsageError, match="other is waited for"):
        visit.shop.take_return(KEYS, pending.but(issuer="other"), query, visit.clock())


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "state"),
        ("state=&code=code-1", "state"),
        ("code=code-1", "state"),
        ("state={state}", "code"),
        ("state={state}&code=", "code"),
        ("state={state}&code=a%20b", "code"),
        ("state={state}&code=" + "x" * 4001, "code"),
        ("state={state}&code=a&code=b", "query"),
        ("state=x&state={state}&code=a", "query"),
        ("state={state}&code=%ff", "query"),
        ("state={state}&code=a&x=" + "y" * 8000, "query"),
        ("state={state}&code=a&iss=https://another.example", "return issuer"),
    ],
)
def test_a_query_that_is_no_answer_is_refused(visit, query, reason):
    address, pending = visit.begin()
    query = query.format(state=httpx.URL(address).params["state"])
    refused(reason, visit.shop.take_return, KEYS, pending, query, visit.clock())


def test_the_shop_s_own_parameters_and_a_question_mark_do_not_disturb(visit):
    address, pending = visit.begin()
    query = "?tag=a&tag=b&" + approve(address, visit.send)
    assert visit.finish(visit.shop.take_return(KEYS, pending, query, visit.clock()))


@given(st.text(max_size=200))
def test_any_query_is_an_answer_or_is_refused(query):
    visit = Visit()
    _, pending = visit.begin()
    with pytest.raises(UntrustedProof):
        visit.shop.take_return(KEYS, pending, query, visit.clock())


# Proofs that do not hold --------------------------------------------------------------------------


LIES = [
    (F.NONCE, "nonce"),
    (F.AUDIENCE, "audience"),
    (F.MORE_AUDIENCES, "audience"),
    (F.AUTHORISED_PARTY, "authorised party"),
    (F.ISSUER, "issuer"),
    (F.EXPIRED, "expired"),
    (F.ISSUED_BEFORE, "issued"),
    (F.ISSUED_LATER, "issued"),
    (F.NOT_YET, "not yet"),
    (F.ACCESS_TOKEN, "access token"),
    (F.LEVEL, "level"),
    (F.NO_SUBJECT, "subject"),
    (F.SIGNATURE, "signature"),
    (F.STRANGERS_KEY, "signature"),
    (F.UNKNOWN_KEY, "key"),
    (F.UNSIGNED, "algorithm"),
    (F.PUBLIC_KEY_AS_PASSWORD, "algorithm"),
    (F.CRITICAL, "header"),
    (F.USERINFO_SUBJECT, "userinfo subject"),
    (F.NO_RETURN_ISSUER, "return issuer"),
]
LIES_ELSEWHERE = [(F.DISCOVERY_ISSUER, "issuer"), (F.RETURN_ISSUER, "return issuer")]


@pytest.mark.parametrize(("fault", "reason"), LIES)
def test_every_lie_is_refused_by_its_name(visit, fault, reason):
    assert visit.prove().subject == Secret(SUBJECT)
    visit.issuer.plan(fault)
    error = refused(reason, visit.finish, visit.back())
    assert SUBJECT not in f"{error}{error!r}"
    visit.issuer.plan()
    assert visit.prove().subject == Secret(SUBJECT)


@pytest.mark.parametrize(("fault", "reason"), LIES_ELSEWHERE)
def test_another_issuer_is_noticed_before_anything_is_sent_to_it(visit, fault, reason):
    visit.issuer.plan(fault)
    refused(reason, visit.back)
    assert "POST /token" not in visit.issuer.requests


def test_every_fault_of_the_simulated_issuer_is_tried():
    assert {fault for fault, _ in (*LIES, *LIES_ELSEWHERE)} == set(IssuerFault)


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
@pytest.mark.parametrize("fault", [F.UNSIGNED, F.PUBLIC_KEY_AS_PASSWORD, F.STRANGERS_KEY])
def test_an_rsa_key_is_never_a_password(algorithm, fault):
    visit = Visit(algorithm=algorithm)
    visit.issuer.plan(fault)
    with pytest.raises(UntrustedProof):
        visit.prove()


def test_a_signature_that_the_settings_do_not_name_is_not_taken():
    visit = Visit(algorithm="ES256", settings={"algorithms": ["RS256", "PS256"]})
    refused("algorithm", visit.prove)


def test_a_code_is_worth_one_proof(visit):
    returned = visit.back()
    assert visit.finish(returned)
    refused("code refused", visit.finish, returned)


def test_a_code_is_worth_nothing_without_the_verifier_that_it_was_asked_with(visit):
    wrong = replace(visit.back(), verifier=Secret("x" * 64))
    refused("code refused", visit.finish, wrong)


def test_a_code_is_worth_nothing_at_another_address(visit):
    returned = visit.back()
    elsewhere = returned.pending.but(return_url="https://shop.example/elsewhere")
    refused("code refused", visit.finish, replace(returned, pending=elsewhere))


def test_a_code_of_another_customer_s_return_is_refused(visit):
    theirs = visit.back()
    address, pending = visit.begin(octets=bytes(32))
    ours = visit.shop.take_return(KEYS, pending, approve(address, visit.send), visit.clock())
    refused("code refused", visit.finish, replace(ours, code=theirs.code))


def test_clocks_may_differ_by_a_minute(visit):
    returned = visit.back()
    for ahead_s, holds in ((50, True), (70, False)):
        visit = Visit()
        returned = visit.back()
        now = visit.clock()
        finishing = visit.shop.finish(returned, now - timedelta(seconds=ahead_s), market="NO")
        if holds:
            assert exchange(finishing, visit.send)
        else:
            refused("issued", exchange, finishing, visit.send)


# Keys change --------------------------------------------------------------------------------------


def test_a_new_key_of_the_issuer_s_is_fetched_once(visit):
    visit.prove()
    visit.issuer.rotate()
    visit.issuer.requests.clear()
    assert visit.prove()
    assert visit.issuer.requests.count("GET /jwks") == 1
    visit.issuer.plan(F.UNKNOWN_KEY)
    visit.issuer.requests.clear()
    refused("key", visit.prove)
    assert visit.issuer.requests.count("GET /jwks") == 1


def test_an_unknown_key_right_after_a_look_is_not_looked_for_again(visit):
    visit.issuer.plan(F.UNKNOWN_KEY)
    refused("key", visit.prove)
    assert visit.issuer.requests.count("GET /jwks") == 1


def test_a_key_that_was_taken_back_is_not_believed_for_long(visit):
    visit.prove()
    visit.issuer.rotate()
    new_keys = visit.issuer.handle(httpx.Request("GET", f"{BASE}/jwks"))
    visit.issuer._key_number = 1  # whoever stole the old key signs with it
    visit.send = published(visit, jwks=new_keys)
    visit.clock.advance(seconds=METADATA_LIFE.total_seconds())
    refused("key", visit.prove)


def published(visit, **pages):
    """The issuer, with other answers at some of its paths."""

    def send(request):
        name = request.url.path.strip("/").rpartition("/")[2]
        if name in pages:
            page = pages[name]
            return page if isinstance(page, httpx.Response) else httpx.Response(200, json=page)
        return visit.issuer.handle(request)

    return send


def public(kind, size, **parameters):
    return {**generate_key(kind, size).as_dict(private=False), **parameters}


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [{"kty": "oct", "k": "c2VjcmV0", "kid": "key-1"}],
        [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "key-1"}],  # not on the curve
        [{"kty": "EC", "crv": "P-256", "x": "?", "y": "", "kid": "key-1"}],
        [public("EC", "P-256", kid="key-1"), public("EC", "P-256", kid="key-1")],
        [public("EC", "P-256", kid="key-1", use="enc")],
        [public("EC", "P-256", kid="key-1", alg="ES512")],
        [public("EC", "P-384", kid="key-1")],
        [public("RSA", 2048, kid="key-1")],
        {"kid": "key-1"},
        7,
    ],
)
def test_key_sets_that_fit_nothing_prove_nothing(visit, keys):
    with pytest.raises(UntrustedProof):
        visit.finish(visit.back(), published(visit, jwks={"keys": keys}))


def test_a_key_of_fewer_than_2048_bits_is_no_key():
    assert jose.usable({"keys": [{"kty": "RSA", "n": "x" * 341, "e": "AQAB"}]}) == ()
    assert len(jose.usable({"keys": [{"kty": "RSA", "n": "x" * 342, "e": "AQAB"}]})) == 1


def test_a_token_without_a_key_id_is_of_the_only_key_there_is():
    ours, theirs = generate_key("EC", "P-256"), generate_key("EC", "P-256")
    token = serialize_compact({"alg": "ES256"}, b'{"sub":"a"}', ours, algorithms=["ES256"])
    one, two = ours.as_dict(private=False), theirs.as_dict(private=False)
    assert jose.claims_of(token, [one], ["ES256"]) == {"sub": "a"}
    with pytest.raises(jose.UnknownKey):
        jose.claims_of(token, [one, two], ["ES256"])


# An issuer out of order ---------------------------------------------------------------------------

AILING = {
    "down": httpx.Response(503),
    "busy": httpx.Response(429),
    "moved": httpx.Response(302, headers={"location": "https://elsewhere.example"}),
    "list": httpx.Response(200, json=[]),
    "html": httpx.Response(200, html="<p>Hello"),
    "twice": httpx.Response(200, content=b'{"issuer":"a","issuer":"b"}'),
}


@pytest.mark.parametrize("answer", AILING.values(), ids=AILING.keys())
@pytest.mark.parametrize("page", ["openid-configuration", "token", "jwks"])
def test_an_issuer_without_a_usable_answer_is_one_that_was_not_heard(page, answer):
    visit = Visit()
    returned = visit.back()
    fresh = Visit()
    with pytest.raises(TransportError):
        fresh.finish(returned, published(visit, **{page: answer}))


@pytest.mark.parametrize("answer", AILING.values(), ids=AILING.keys())
def test_who_the_customer_is_holds_without_what_they_share(visit, answer):
    proof = visit.finish(visit.back(), published(visit, userinfo=answer))
    assert proof.subject == Secret(SUBJECT)
    assert proof.details == {}
    assert proof.verified == frozenset()


def test_no_userinfo_is_asked_without_a_token_for_it(visit):
    returned = visit.back()

    def send(request):
        answer = visit.issuer.handle(request)
        if request.url.path == "/token":
            body = answer.json()
            # Without an access token, a hash of one proves nothing.
            return httpx.Response(200, json={"id_token": body["id_token"], "access_token": "a\nb"})
        return answer

    refused("access token", visit.finish, returned, send)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (401, {"error": "invalid_client"}, "invalid_client"),
        (400, {"error": "unsupported_grant_type"}, "unsupported_grant_type"),
        (400, {"error": "<b>no</b>", "error_description": "canary"}, "refuses the shop: error"),
    ],
)
def test_an_issuer_that_refuses_the_shop_says_why(visit, status, body, message):
    answer = httpx.Response(status, json=body)
    with pytest.raises(ProviderError, match=message) as error:
        visit.finish(visit.back(), published(visit, token=answer))
    assert not isinstance(error.value, UntrustedProof)
    assert "canary" not in str(error.value)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "private_key_jwt"])
def test_a_shop_with_a_wrong_secret_or_key_is_refused(method):
    wrong = json.dumps(generate_key("EC", "P-256").as_dict(private=True))
    changes = {"client_secret": "wrong-secret", "signing_key": wrong}
    visit = Visit(client_authentication=method, settings=changes)
    with pytest.raises(ProviderError, match="invalid_client"):
        visit.prove()


def test_a_secret_with_signs_arrives_as_it_is():
    changes = {"client_secret": "a+b/c:d=e&f%", "client_id": "shop:1"}
    visit = Visit(settings=changes)
    seen = []

    def send(request):
        seen.append(request)
        return httpx.Response(500)

    visit.begin()
    returned = Visit().back()
    with pytest.raises(TransportError):
        visit.finish(returned, send)
    expected = b64encode(b"shop%3A1:a%2Bb%2Fc%3Ad%3De%26f%25").decode()
    assert seen[-1].headers["authorization"] == f"Basic {expected}"


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://elsewhere.example/token",
        "http://issuer.example/token",
        "https://user@issuer.example/token",
        "https://issuer.example:8443/token",
        "https://issuer.example/token#part",
        "javascript:alert(1)",
        "https://",
        "https://[",
        7,
        None,
    ],
)
def test_an_endpoint_on_another_host_is_not_used(visit, endpoint):
    page = visit.issuer._metadata(httpx.Request("GET", BASE), BASE).json()
    page["token_endpoint"] = endpoint
    visit.send = published(visit, **{"openid-configuration": page})
    with pytest.raises(ProviderError, match="its token_endpoint is not on the issuer's host"):
        visit.begin()


def test_an_endpoint_may_be_on_a_host_that_the_shop_names_and_have_a_query_of_its_own():
    visit = Visit(settings={"hosts": ["login.example"]})
    page = visit.issuer._metadata(httpx.Request("GET", BASE), BASE).json()
    page["authorization_endpoint"] = "https://login.example/authorise?policy=1"
    visit.send = published(visit, **{"openid-configuration": page})
    address, _ = visit.begin()
    assert address.startswith("https://login.example/authorise?policy=1&response_type=code&")


def test_an_issuer_may_have_no_userinfo(visit):
    page = visit.issuer._metadata(httpx.Request("GET", BASE), BASE).json()
    del page["userinfo_endpoint"]
    visit.send = published(visit, **{"openid-configuration": page})
    assert visit.prove().details == {}
    assert "GET /userinfo" not in visit.issuer.requests


# Anything at all ----------------------------------------------------------------------------------

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=8,
)
PART = st.binary(max_size=60).map(jose.base64) | JSON.map(
    lambda value: jose.base64(json.dumps(value).encode())
)
SLOW = settings(suppress_health_check=[HealthCheck.too_slow])


def header(**changes):
    return jose.base64(json.dumps({"alg": "ES256", "kid": "key-1", **changes}).encode())


@given(
    st.text(max_size=100)
    | st.lists(PART, min_size=3, max_size=5).map(".".join)
    | st.tuples(st.just(header()), PART, PART).map(".".join)
)
def test_any_token_is_distrusted(token):
    keys = jose.usable({"keys": [public("EC", "P-256", kid="key-1")]})
    with pytest.raises(jose.Distrust):
        jose.claims_of(token, keys, ["ES256"])


@pytest.mark.parametrize(
    "token",
    [
        "",
        "..",
        f"{header()}..",
        "x" * 100_001,
        "é.a.b",
        f"{jose.base64(b'[]')}.a.b",
        f"{jose.base64(b'{')}.a.b",
        "a.a.a",
        f"{header(alg=None)}.a.b",
        f"{header(alg=['ES256'])}.a.b",
        f"{header(b64=False)}.a.b",
        jose.base64(b'{"alg":"none","alg":"ES256"}') + ".a.b",
    ],
)
def test_a_token_of_no_form_is_distrusted(token):
    with pytest.raises(jose.Distrust):
        jose.claims_of(token, [], ["ES256"])


@SLOW
@given(
    st.dictionaries(
        st.sampled_from(
            ["iss", "sub", "aud", "azp", "exp", "iat", "nbf", "nonce", "at_hash", "acr"]
        ),
        JSON,
    )
)
def test_any_signed_claims_are_a_proof_or_distrusted(changes):
    visit = Visit(tells_at_once=True)
    sign = visit.issuer._signed
    vars(visit.issuer)["_signed"] = lambda claims: sign({**claims, **changes})
    returned = visit.back()
    try:
        proof = visit.finish(returned)
    except UntrustedProof:
        return
    assert proof.subject.reveal() == changes.get("sub", SUBJECT)
    assert changes.get("nonce", returned.nonce.reveal()) == returned.nonce.reveal()
    assert changes.get("iss", BASE) == BASE
    assert changes.get("aud", CLIENT) in (CLIENT, [CLIENT])


@SLOW
@given(JSON)
def test_any_content_of_a_signed_token_is_an_object_or_distrusted(content):
    key = generate_key("EC", "P-256")
    token = serialize_compact({"alg": "ES256"}, json.dumps(content), key, algorithms=["ES256"])
    keys = [key.as_dict(private=False)]
    try:
        assert isinstance(jose.claims_of(token, keys, ["ES256"]), dict)
    except jose.Distrust:
        assert not isinstance(content, dict) or "\\ud" in json.dumps(content)


@SLOW
@given(
    st.sampled_from(["openid-configuration", "token", "jwks", "userinfo"]),
    st.sampled_from([200, 204, 400, 401, 404, 500]),
    st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(["application/json", "application/jwt", "text/html; charset=x"]),
)
def test_any_answer_ends_in_a_proof_or_in_an_error_of_ours(page, status, content, kind):
    visit = Visit()
    answer = httpx.Response(status, headers={"content-type": kind}, content=content)
    returned = visit.back()
    with_new_eyes = Visit()
    try:
        proof = with_new_eyes.finish(returned, published(visit, **{page: answer}))
    except CheckoutError:
        return
    assert page == "userinfo"
    assert proof.subject == Secret(SUBJECT)


@SLOW
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "name",
                "given_name",
                "email",
                "email_verified",
                "phone_number",
                "address",
                "birthdate",
            ]
        ),
        JSON,
    )
)
def test_whatever_a_person_is_called_is_told_in_our_form_or_not_at_all(claims):
    visit = Visit(person={"profile": claims})
    proof = visit.prove(fields=FIELDS | {"birth_date"})
    assert proof.verified <= proof.details.keys() <= FIELDS
    assert all(value == value.strip() for value in proof.details.values())


# The simulated issuer -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"response_type": "id_token"}, "invalid_request"),
        ({"client_id": "another-shop"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "profile"}, "invalid_request"),
        ({"request": "a.b.c"}, "invalid_client"),
    ],
)
def test_the_simulated_issuer_lets_nobody_in_who_asks_wrongly(visit, changes, word):
    address, _ = visit.begin()
    wrong = httpx.URL(address).copy_merge_params(changes)
    answer = visit.issuer.handle(httpx.Request("GET", wrong))
    assert (answer.status_code, answer.json()) == (400, {"error": word})
    with pytest.raises(AssertionError, match=word):
        approve(str(wrong), visit.send)


def test_the_simulated_issuer_takes_a_signed_request_for_itself_and_for_a_while():
    visit = Visit(settings={"signs_requests": True})
    address, _ = visit.begin()
    elsewhere = address.replace(BASE, "https://elsewhere.example")
    assert visit.issuer.handle(httpx.Request("GET", address)).status_code == 200
    assert visit.issuer.handle(httpx.Request("GET", elsewhere)).status_code == 400
    visit.clock.advance(minutes=11)
    assert visit.issuer.handle(httpx.Request("GET", address)).status_code == 400


def test_the_simulated_issuer_takes_an_assertion_once():
    visit = Visit(client_authentication="private_key_jwt")
    seen = []

    def send(request):
        seen.append(request)
        return visit.issuer.handle(request)

    visit.finish(visit.back(), send)
    again = next(request for request in seen if request.url.path == "/token")
    assert visit.issuer.handle(again).json() == {"error": "invalid_client"}


def test_the_simulated_issuer_keeps_a_code_for_a_minute_and_knows_its_tokens(visit):
    returned = visit.back()
    visit.clock.advance(minutes=1)
    refused("code refused", visit.finish, returned)
    headers = {"authorization": "Bearer of-nobody"}
    asked = httpx.Request("GET", f"{BASE}/userinfo", headers=headers)
    assert visit.issuer.handle(asked).status_code == 401
    assert visit.issuer.handle(httpx.Request("GET", f"{BASE}/elsewhere")).status_code == 404


# Encrypted answers --------------------------------------------------------------------------------


def test_an_encrypted_token_is_opened_only_by_the_shop_s_key():
    visit = Visit(encrypts=True)
    assert visit.prove()
    other = json.dumps(generate_key("RSA", 2048).as_dict(private=True))
    refused("encryption", Visit(encrypts=True, settings={"encryption_key": other}).prove)
    refused("form", Visit(encrypts=True, settings={"encryption_key": None}).prove)


@pytest.mark.parametrize(
    "changes", [{"alg": "RSA1_5"}, {"enc": "A192GCM"}, {"zip": "DEF"}, {"alg": "dir"}, {"crit": []}]
)
def test_other_ways_to_encrypt_are_not_taken(changes):
    text = json.dumps(generate_key("RSA", 2048).as_dict(private=True))
    key = jose.encryption_key(Secret(text))
    head = {"alg": "RSA-OAEP-256", "enc": "A256GCM"}
    token = encrypt_compact(head, b"x.y.z", key.key, algorithms=list(head.values()))
    assert jose.opened(token, key) == "x.y.z"
    changed = jose.base64(json.dumps({**head, **changes}).encode())
    with pytest.raises(jose.Distrust, match="encryption"):
        jose.opened(f"{changed}.{token.partition('.')[2]}", key)


def test_what_is_encrypted_is_signed_all_the_same():
    visit = Visit(encrypts=True)
    visit.issuer.plan(F.STRANGERS_KEY)
    refused("signature", visit.prove)


@pytest.mark.parametrize("changes", [{"aud": "another-shop"}, {"iss": "https://another.example"}])
def test_signed_userinfo_is_for_this_shop_from_this_issuer(changes):
    visit = Visit(signs_userinfo=True)
    token = visit.issuer._signed({"sub": SUBJECT, "iss": BASE, "aud": CLIENT, **changes})
    headers = {"content-type": "application/jwt"}
    answer = httpx.Response(200, headers=headers, content=token.encode())
    refused("userinfo audience", visit.finish, visit.back(), published(visit, userinfo=answer))


# What issuers call things -------------------------------------------------------------------------


def config(**settings):
    settings = {"name": "issuer", "client_id": CLIENT, "client_secret": SECRET, **settings}
    if settings.get("kind") != "vipps_login":
        settings.setdefault("issuer", BASE)
    return IssuerConfig.read(settings)


def person(kind, claims, fields, market="NO", **settings):
    """What a shop is told of a person by an issuer of that kind."""
    visit = Visit(tells_at_once=True, person={"openid": claims})
    known = visit.shop.config.model_dump(
        exclude={"name", "kind", "fields", "proven", "market", "phone_has_plus", "issuer"}
    )
    plain = {name: value for name, value in known.items() if value is not None}
    made = config(**{**plain, "kind": kind, "issuer": BASE, "level_claim": "acr", **settings})
    visit.shop = OpenIdConnect(made)
    returned = visit.back(fields=fields)
    return exchange(visit.shop.finish(returned, visit.clock(), market=market), visit.send)


def test_vipps_tells_people_in_its_own_words():
    assert config(kind="vipps_login").issuer == "https://api.vipps.no/access-management-1.0/access/"
    proof = person(
        "vipps_login",
        {
            "name": "Ada Lovelace",
            "email": "user@example.com",
            "email_verified": True,
            "phone_number": "4791234567",
            "address": {
                "street_address": "Robert Levins gate 5",
                "postal_code": "0154",
                "region": "Oslo",
                "country": "NO",
            },
            "birthdate": "2000-12-31",
        },
        FIELDS | {"birth_date"},
    )
    assert dict(proof.details) == {
        "name": "Ada Lovelace",
        "email": "user@example.com",
        "phone": "+4791234567",
        "street": "Robert Levins gate 5",
        "postal_code": "0154",
        "city": "Oslo",
        "country": "NO",
    }
    assert proof.verified == {"email", "phone"}
    assert proof.birth_date == date(2000, 12, 31)


@pytest.mark.parametrize(
    ("kind", "market", "claims", "details", "verified"),
    [
        (
            "bankid_norway",
            "DK",  # the checkout's; the issuer's own goes first
            {"name": "Test Person", "nnin_altsub": "15858610076", "email": "a@example.com"},
            {"name": "Test Person", "national_id": "15858610076", "email": "a@example.com"},
            {"name", "national_id"},
        ),
        (
            "signicat",
            "SE",
            {"given_name": "Test", "family_name": "Person", "nin": "191212121212"},
            {"name": "Test Person", "national_id": "191212121212"},
            {"name", "national_id"},
        ),
        (
            "idura",
            "DK",
            {
                "name": "Test Person",
                "address": {
                    "street_address": "Strandgata 1 B",
                    "postal_code": "3400",
                    "city": "Hillerød",
                    "locality": "(not known)",
                    "country": "Danmark",
                },
            },
            {
                "name": "Test Person",
                "street": "Strandgata 1 B",
                "postal_code": "3400",
                "city": "Hillerød",
            },
            {"name"},
        ),
        (
            "openid",
            "NO",
            {"name": "[Expired]", "email": "a@example.com", "email_verified": "true"},
            {"email": "a@example.com"},
            set(),
        ),
    ],
)
def test_each_kind_of_issuer_is_understood(kind, market, claims, details, verified):
    made = config(kind=kind)
    proof = person(kind, claims, set(made.fields), market)
    assert dict(proof.details) == details
    assert proof.verified == verified


def test_a_mark_of_verified_counts_where_the_value_stands():
    mark, value = {"email_verified": True}, {"email": "a@example.com"}
    assert not told_in([{**mark}, {**value}], config(), {"email"})["email"].is_verified
    assert told_in([{}, {**mark, **value}], config(), {"email"})["email"].is_verified


def test_a_claim_may_have_dots_in_its_name():
    made = config(fields={"national_id": {"claim": "urn:oid:1.2.246.21"}})
    told = told_in([{"urn:oid:1.2.246.21": "131052-308T"}], made, {"national_id"})
    assert told["national_id"].value == "131052-308T"
    assert told_in([{"urn:oid:1": "x"}], made, {"national_id"}) == {}


def test_the_level_may_stand_in_a_claim_of_another_name():
    claims = {"authenticationtype": "urn:grn:authn:no:bankid:substantial"}
    good = {"level_claim": "authenticationtype", "levels": list(claims.values())}
    proof = person("idura", claims, set(), **good)
    assert proof.level == "urn:grn:authn:no:bankid:substantial"
    with pytest.raises(UntrustedProof):
        person("idura", {}, set(), **good)


def test_an_issuer_that_says_no_level_has_none():
    visit = Visit(settings={"levels": [], "level_claim": "nothing"})
    assert visit.prove().level == ""


# Settings -----------------------------------------------------------------------------------------


def test_settings_are_read_from_tables_and_secrets_from_the_environment():
    tables = {
        "vipps": {
            "kind": "vipps_login",
            "client_id": "shop",
            "client_secret": {"env": "VIPPS_SECRET"},
        },
        "mitid": {
            "kind": "idura",
            "issuer": "https://shop.idura.broker",
            "client_id": "shop",
            "client_secret": {"env": "IDURA_SECRET"},
            "acr_values": ["urn:grn:authn:dk:mitid:substantial"],
            "market": "DK",
            "fields": {"national_id": {"claim": "cprNumberIdentifier"}},
        },
    }
    environ = {"VIPPS_SECRET": "secret-of-vipps", "IDURA_SECRET": "secret-of-idura"}
    vipps, mitid = read_issuers(tables, environ)
    assert (vipps.name, mitid.name) == ("vipps", "mitid")
    assert mitid.client_secret == Secret("secret-of-idura")
    assert {"name", "national_id"} <= mitid.fields.keys()
    assert "secret-of" not in f"{vipps!r}{mitid!r}{vipps.model_dump_json()}"
    with pytest.raises(InvalidInput, match="VIPPS_SECRET") as missing:
        read_issuers(tables, {})
    assert missing.value.field == "verification.vipps.client_secret"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "unheard_of"}, "kind"),
        ({"issuer": "http://issuer.example"}, "issuer"),
        ({"client_id": ""}, "client_id"),
        ({"client_secret": None}, "client_secret"),
        ({"client_secret": "short"}, "client_secret"),
        ({"client_authentication": "none"}, "client_authentication"),
        ({"client_authentication": "private_key_jwt"}, "signing_key"),
        ({"signs_requests": True}, "signing_key"),
        ({"algorithms": ["HS256"]}, "algorithms[0]"),
        ({"algorithms": ["none"]}, "algorithms[0]"),
        ({"algorithms": []}, "algorithms"),
        ({"fields": {"shoe_size": {"claim": "shoe"}}}, "fields"),
        ({"fields": {"name": {"claim": ""}}}, "fields.name.claim"),
        ({"fields": 7}, "fields"),
        ({"market": "DE"}, "market"),
        ({"timeout_s": 11}, "timeout_s"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_their_path(changes, field):
    table = {"issuer": BASE, "client_id": CLIENT, "client_secret": SECRET, **changes}
    with pytest.raises(InvalidInput) as refusal:
        read_issuers({"bank": table}, {})
    assert refusal.value.field == f"verification.bank.{field}"


def test_a_table_is_a_table():
    with pytest.raises(InvalidInput, match=r"verification\.bank: is a table of settings"):
        read_issuers({"bank": "vipps"}, {})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-----BEGIN PRIVATE KEY-----",
        json.dumps({"kty": "oct", "k": "c2VjcmV0"}),
        json.dumps({"kty": "RSA", "n": "canary", "e": "AQAB", "d": "canary"}),
        json.dumps(public("EC", "P-256")),
    ],
)
@pytest.mark.parametrize("field", ["signing_key", "encryption_key"])
def test_a_key_that_is_none_is_refused_and_never_repeated(field, text):
    with pytest.raises(InvalidInput) as refusal:
        OpenIdConnect(config(**{field: text}))
    assert refusal.value.field == field
    assert "canary" not in f"{refusal.value}"
    assert refusal.value.__context__ is None


@pytest.mark.parametrize("changes", [{"alg": "RS512"}, {"alg": "HS256"}, {"alg": "ES256"}])
def test_a_key_for_another_signature_is_refused(changes):
    key = {**generate_key("RSA", 2048).as_dict(private=True), **changes}
    with pytest.raises(InvalidInput, match="signs with one of RS256, PS256, ES256"):
        OpenIdConnect(config(signing_key=json.dumps(key)))


def test_a_shop_without_a_key_signs_nothing():
    shop = OpenIdConnect(config().but(client_authentication="private_key_jwt"))
    visit = Visit()
    returned = visit.back()
    with pytest.raises(UsageError, match="no key to sign with"):
        exchange(shop.finish(returned, visit.clock(), market="NO"), visit.send)


def test_without_joserfc_there_is_a_way_out(monkeypatch):
    monkeypatch.setitem(sys.modules, "joserfc", None)
    with pytest.raises(NotSupported, match=r"checkoutflow\[oidc\]"):
        OpenIdConnect(config())


def test_an_issuer_is_asked_for_what_it_can_be_asked_for(visit):
    with pytest.raises(InvalidInput, match="not shoe_size") as refusal:
        visit.begin(fields={"name", "shoe_size"})
    assert refusal.value.field == "fields"
    assert visit.shop.shareable == FIELDS | {"birth_date", "national_id"}


@pytest.mark.parametrize("back", ["", "javascript:alert(1)", "shop.example/back"])
def test_customers_come_back_to_a_page(visit, back):
    asked = visit.shop.begin(KEYS, "c", back, locale="en", octets=OCTETS, at=visit.clock())
    with pytest.raises(InvalidInput) as refusal:
        next(asked)
    assert refusal.value.field == "return_url"


def test_state_is_made_of_enough_random_bytes(visit):
    with pytest.raises(UsageError, match="32 random bytes"):
        visit.begin(octets=OCTETS[:-1])


def test_requests_are_sent_as_the_settings_say():
    issuer = OpenIdConnect(config(timeout_s=3))
    assert issuer.name == "issuer"
    assert (issuer.transport.timeout_s, issuer.transport.operation_s) == (3, 6)


def test_nothing_secret_is_shown():
    visit = Visit(client_authentication="private_key_jwt", encrypts=True)
    returned = visit.back()
    proof = visit.finish(returned)
    shown = f"{visit.shop!r}{returned!r}{proof!r}"
    hidden = [
        SECRET,
        SUBJECT,
        returned.code.reveal(),
        returned.nonce.reveal(),
        returned.verifier.reveal(),
        *proof.details.values(),
        (visit.shop.config.signing_key or Secret("")).reveal()[5:40],
    ]
    assert not [secret for secret in hidden if secret in shown and secret != "NO"]
    assert str(PERSON["profile"]["birthdate"]) not in shown
