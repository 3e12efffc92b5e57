"""What customers share with a payment by Vipps or MobilePay: asked, told, and forgotten."""

from __future__ import annotations

import json
from dataclasses import replace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.specs import spec

from checkoutflow.customer import clean, example
from checkoutflow.errors import Contradiction, InvalidInput, NotSupported
from checkoutflow.money import Money
from checkoutflow.privacy.secret import Details, Secret
from checkoutflow.providers.contract import Authorise
from checkoutflow.providers.lookups import PlanProvider, Profile, ProfileAsk, ProfileProvider
from checkoutflow.providers.vipps_mobilepay import MARKETS, VippsMobilePay
from checkoutflow.providers.vipps_profile import SCOPES
from checkoutflow.testing import Clock
from checkoutflow.testing.adapters import exchange
from checkoutflow.testing.standins.vipps_mobilepay import SimulatedVippsMobilePay
from checkoutflow.testing.standins.vipps_profile import SUBJECT

REFERENCE = "abcdefghijklmnopqrst"
ASK = ProfileAsk(REFERENCE, "NO")
EXAMPLES = {
    name: example(name, "NO") for name in ("email", "phone", "street", "postal_code", "city")
}
PERSON = clean({**EXAMPLES, "name": "Test Person", "country": "NO"}, market="NO")
ALL = frozenset(SCOPES)


def order(shares=frozenset(), market="NO", **facts):
    facts = {
        "key": "pay-1",
        "merchant_reference": REFERENCE,
        "method": "wallet",
        "amount": Money(12345, MARKETS[market].currency),
        "return_url": "https://shop.example/return",
        "locale": "nb_NO",
        "market": market,
        "customer": "consumer",
        "shares": frozenset(shares),
        **facts,
    }
    return Authorise(**facts)


class Unit:
    """A sales unit, with what was sent to it and what it answered."""

    def __init__(self, market="NO", **settings):
        self.clock = Clock()
        self.standin = SimulatedVippsMobilePay(self.clock, market=market)
        adapter = self.standin.provider()
        self.adapter = VippsMobilePay(adapter.config.model_copy(update=settings))
        self.seen = []

    def handle(self, request):
        response = self.standin.handle(request)
        if request.url.path != "/accesstoken/get":
            self.seen.append((request, response))
        return response

    def run(self, operation):
        self.seen.clear()
        return exchange(operation, self.handle)

    def pay(self, shares, market="NO"):
        self.run(self.adapter.authorise(order(shares, market)))
        self.standin.approve(REFERENCE)

    def profile(self, market="NO"):
        return self.run(self.adapter.profile(ProfileAsk(REFERENCE, market)))


def test_an_adapter_says_by_its_methods_that_customers_can_share_something():
    adapter = Unit().adapter
    assert isinstance(adapter, ProfileProvider)
    assert not isinstance(adapter, PlanProvider)
    assert adapter.shareable == {
        "name", "email", "phone", "street", "postal_code", "city", "country",
    }  # fmt: skip


# --- what is asked --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shares", "scope"),
    [
        (["name"], "name"),
        (["email"], "email"),
        (["phone"], "phoneNumber"),
        (["street"], "address"),
        (["postal_code", "city", "country", "street"], "address"),
        (["phone", "name"], "name phoneNumber"),
        (ALL, "address email name phoneNumber"),
    ],
)
def test_fields_are_asked_for_in_their_words(shares, scope):
    unit = Unit()
    unit.run(unit.adapter.authorise(order(shares)))
    ((request, response),) = unit.seen
    assert json.loads(request.content)["profile"] == {"scope": scope}
    epayment = spec("vipps_mobilepay", "epayment.yaml", closed=True)
    assert epayment.operation(request) == "createPayment"
    epayment.validate(request, response)


def test_who_is_asked_for_nothing_sees_no_question():
    unit = Unit()
    unit.run(unit.adapter.authorise(order()))
    assert "profile" not in json.loads(unit.seen[0][0].content)


@pytest.mark.parametrize(
    "asked",
    [order(["name", "national_id"]), order(["birthdate"]), order(["name"], method="card")],
    ids=["identity number", "not a field", "not in the app"],
)
def test_what_cannot_be_shared_is_refused_before_anything_is_sent(asked):
    with pytest.raises(NotSupported) as caught:
        next(Unit().adapter.authorise(asked))
    assert caught.value.field == "shares"


def test_a_code_to_scan_can_ask_as_well():
    unit = Unit()
    unit.run(unit.adapter.authorise(order(["email"], method="qr")))
    assert json.loads(unit.seen[0][0].content)["profile"] == {"scope": "email"}


@pytest.mark.parametrize("profile", [{"scope": "nin"}, {"scope": ""}, {"scopes": "name"}])
def test_the_stand_in_refuses_what_they_do_not_know(profile):
    unit = Unit()
    sent = []

    def handle(request):
        if request.url.path.endswith("/payments"):
            body = {**json.loads(request.content), "profile": profile}
            headers = {
                name: request.headers[name] for name in request.headers if "length" not in name
            }
            request = httpx.Request(request.method, request.url, headers=headers, json=body)
        sent.append(unit.standin.handle(request))
        return sent[-1]

    exchange(unit.adapter.authorise(order()), handle)
    assert sent[-1].status_code == 400


# --- what is told ---------------------------------------------------------------------------------


def test_what_was_shared_is_told_once_it_is_paid():
    unit = Unit()
    unit.run(unit.adapter.authorise(order(ALL)))
    assert unit.profile() is None
    unit.standin.approve(REFERENCE)
    found = unit.profile()
    assert found == Profile(Secret(SUBJECT), PERSON, frozenset({"phone", "email"}))
    paths = [request.url.path for request, _ in unit.seen]
    assert paths == [
        f"/epayment/v1/payments/{REFERENCE}",
        f"/vipps-userinfo-api/userinfo/{SUBJECT}",
    ]
    shown = f"{found!r} {found}"
    assert not any(value in shown for value in (SUBJECT, *PERSON.values()) if value != "NO")


@pytest.mark.parametrize("market", MARKETS)
def test_in_every_market_the_details_are_ones_that_a_customer_could_have_typed(market):
    unit = Unit(market)
    unit.pay(ALL, market)
    found = unit.profile(market)
    assert found.details.keys() == ALL
    assert clean(found.details, market=market) == found.details


@pytest.mark.parametrize(
    ("shares", "told"),
    [
        (["name"], {"name"}),
        (["email"], {"email"}),
        (["city"], {"street", "postal_code", "city", "country"}),
        (["phone", "name"], {"phone", "name"}),
    ],
)
def test_nothing_more_is_told_than_was_asked(shares, told):
    unit = Unit()
    unit.pay(shares)
    assert unit.profile().details.keys() == told


def test_nothing_is_told_of_a_payment_that_asked_nothing_or_does_not_exist():
    unit = Unit()
    assert unit.profile() is None
    unit.pay([])
    assert unit.profile() is None
    assert len(unit.seen) == 1


def test_after_a_week_nothing_is_known_any_more():
    unit = Unit()
    unit.pay(ALL)
    unit.clock.advance(hours=167, minutes=59)
    assert unit.profile().details == PERSON
    unit.clock.advance(minutes=1)
    assert unit.profile() == Profile(Secret(SUBJECT), Details())


def test_questions_and_answers_are_those_of_the_specification():
    unit = Unit(userinfo_key=True)
    unit.pay(ALL)
    assert unit.profile() is not None
    (look, payment), (question, answer) = unit.seen
    epayment = spec("vipps_mobilepay", "epayment.yaml", closed=True)
    epayment.validate(look, payment)
    assert payment.json()["profile"] == {"sub": SUBJECT}
    epayment.check("WebhookEvent", json.loads(unit.standin.outbox[-1].body))
    assert json.loads(unit.standin.outbox[-1].body)["sub"] == SUBJECT
    userinfo = spec("vipps_mobilepay", "userinfo.yaml", closed=True)
    assert userinfo.operation(question) == "getUserinfo"
    # Its pattern for telephone numbers has 15 digits, and its own example has 10.
    told = answer.json()
    assert told.pop("phone_number").isdecimal()
    userinfo.validate(
        question, httpx.Response(200, headers=answer.headers, content=json.dumps(told))
    )


def test_whether_the_subscription_key_is_sent_along_is_a_setting():
    name = "ocp-apim-subscription-key"
    for is_sent in (False, True):
        unit = Unit(userinfo_key=is_sent)
        unit.pay(["name"])
        assert unit.profile() is not None
        assert [name in request.headers for request, _ in unit.seen] == [True, is_sent]


def test_nobody_else_is_told():
    unit, other = Unit(), SimulatedVippsMobilePay(Clock(), market="NO", secret="other")
    unit.pay(ALL)
    assert exchange(other.provider().profile(ASK), unit.handle) is None
    url = f"https://apitest.vipps.no/vipps-userinfo-api/userinfo/{SUBJECT}"
    assert unit.standin.handle(httpx.Request("GET", url)).status_code == 401


def test_a_customer_who_shared_nothing_is_unknown():
    unit = Unit()

    def handle(request):
        return answer(PAID) if "payments" in request.url.path else unit.handle(request)

    assert exchange(unit.adapter.profile(ASK), handle) is None
    assert [(request.url.path, response.status_code) for request, response in unit.seen] == [
        ("/vipps-userinfo-api/userinfo/sub-1", 404)
    ]


def test_a_reference_that_they_cannot_have_is_refused():
    with pytest.raises(InvalidInput) as caught:
        next(Unit().adapter.profile(replace(ASK, merchant_reference="a/b")))
    assert caught.value.field == "merchant_reference"


# --- what is believed -----------------------------------------------------------------------------

TOKEN = httpx.Response(200, json={"token_type": "Bearer", "access_token": "token"})
PAID = {"reference": REFERENCE, "profile": {"sub": "sub-1"}}


def told(*answers):
    """The profile, by prepared answers to the two questions."""
    left = [TOKEN, *answers]

    def handler(_request):
        return left.pop(0)

    return exchange(Unit().adapter.profile(ASK), handler)


def answer(body, status=200):
    return httpx.Response(status, content=json.dumps(body))


@pytest.mark.parametrize(
    "answers",
    [
        [answer({}, 404)],
        [answer(PAID, 500)],
        [answer({**PAID, "profile": {}})],
        [answer({**PAID, "profile": {"sub": ""}})],
        [answer({**PAID, "profile": {"sub": "../../accesstoken/get?"}})],
        [answer({"profile": PAID["profile"]})],
        [answer(PAID), answer({}, 404)],
        [answer(PAID), answer({"sub": "sub-1"}, 403)],
        [answer(PAID), answer({"sub": "sub-1"}, 429)],
        [answer(PAID), answer({"name": "Test Person"})],
        [answer(PAID), answer([])],
    ],
    ids=range(11),
)
def test_what_is_not_there_is_not_there(answers):
    assert told(*answers) is None


@pytest.mark.parametrize(
    "answers",
    [
        [answer({**PAID, "reference": "tsrqponmlkjihgfedcba"})],
        [answer(PAID), answer({"sub": "sub-2", "name": "Test Person"})],
    ],
    ids=["payment", "customer"],
)
def test_an_answer_about_another_is_a_contradiction_that_names_nobody(answers):
    with pytest.raises(Contradiction) as caught:
        told(*answers)
    assert not any(word in str(caught.value) for word in ("sub-", "Person", "tsrq"))


HOME = {"street_address": "Testgata 1", "postal_code": "0150", "region": "Oslo", "country": "NO"}


@pytest.mark.parametrize(
    ("details", "verified", "body"),
    [
        ({}, set(), {}),
        ({}, set(), {"name": "", "email": "[Expired]", "address": None}),
        ({"name": "Test"}, set(), {"name": "Test"}),
        ({"name": "Test Person"}, set(), {"given_name": "Test", "family_name": "Person"}),
        ({"name": "Person"}, set(), {"name": "[Expired]", "family_name": "Person"}),
        ({"email": "a@example.com"}, set(), {"email": "a@example.com"}),
        ({"email": "a@example.com"}, {"email"}, {"email": "a@example.com", "email_verified": True}),
        ({"email": "a@example.com"}, set(), {"email": "a@example.com", "email_verified": "true"}),
        ({}, set(), {"email": "none", "email_verified": True}),
        ({"phone": "+4740612345"}, {"phone"}, {"phone_number": "4740612345"}),
        ({}, set(), {"phone_number": "+4740612345"}),
        ({}, set(), {"phone_number": 4740612345}),
        (
            {"street": "Testgata 1", "postal_code": "0150", "city": "Oslo", "country": "NO"},
            set(),
            {"address": HOME, "other_addresses": [{**HOME, "region": "Bergen"}]},
        ),
        ({"city": "Oslo"}, set(), {"address": {"region": "Oslo", "postal_code": 150}}),
        ({}, set(), {"address": {**HOME, "country": "US"}}),
        ({}, set(), {"address": [HOME], "birthdate": "2000-12-31", "nin": "09057517287"}),
    ],
    ids=range(16),
)
def test_a_profile_is_brought_into_our_form(details, verified, body):
    found = told(answer(PAID), answer({"sub": "sub-1", **body}))
    assert found == Profile(Secret("sub-1"), Details(details), frozenset(verified))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=8,
)
FIELDS = ["name", "given_name", "family_name", "email", "email_verified", "phone_number"]
HOMES = st.dictionaries(st.sampled_from(sorted(HOME)), JSON | st.sampled_from([*HOME.values()]))


@given(
    JSON | st.builds(lambda it: {**PAID, "profile": {"sub": it}}, JSON) | st.just(PAID),
    st.dictionaries(st.sampled_from(FIELDS), JSON)
    | st.builds(lambda it: {"address": it}, HOMES)
    | JSON,
    st.booleans(),
)
def test_arbitrary_answers_are_read_or_say_nothing(payment, body, is_theirs):
    if is_theirs and isinstance(body, dict):
        body = {**body, "sub": "sub-1"}
    try:
        found = told(answer(payment), answer(body))
    except Contradiction as error:
        said = str(error)
    else:
        assert found is None or clean(found.details, market="NO") == found.details
        said = repr(found and replace(found, verified=frozenset()))
        if found is not None:
            names = ", ".join(f"{name}=********" for name in found.details)
            assert said == (
                f"Profile(subject=********, details=Details({names}), verified=frozenset())"
            )
    assert "sub-1" not in said
