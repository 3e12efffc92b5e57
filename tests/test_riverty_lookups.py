"""What Riverty can be asked beside the payment, and what is not believed of its answers."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkoutflow.customer import clean, example
from checkoutflow.errors import Contradiction, InvalidInput, NotSupported
from checkoutflow.money import Money
from checkoutflow.privacy.secret import Details
from checkoutflow.providers.contract import OrderLine
from checkoutflow.providers.lookups import (
    ADDRESS,
    AddressAsk,
    AddressCheck,
    AddressProvider,
    CustomerAsk,
    CustomerProvider,
    InstalmentPlan,
    PlanProvider,
    PlansAsk,
    ProfileProvider,
    WaysAsk,
    WaysProvider,
    WayToPay,
    details_of,
)
from checkoutflow.providers.riverty import Riverty, RivertyConfig
from checkoutflow.providers.riverty_lookups import KEYS
from checkoutflow.testing import Clock
from checkoutflow.testing.adapters import exchange
from checkoutflow.testing.standins.riverty import SimulatedRiverty
from checkoutflow.testing.standins.riverty_lookups import QUESTIONS, TERMS

ADAPTER = Riverty(
    RivertyConfig.read({"api_key": "api-key-1", "notice_secret": "topsecret", "market": "DK"})
)
PRICE = Money(100_000, "DKK")


def shop(market="DK"):
    return SimulatedRiverty(Clock(), market=market)


def asking(market="DK", operation=None):
    """An adapter's look-up against the stand-in: what comes of it, and what was sent."""
    unit, sent = shop(market), []

    def handle(request):
        sent.append(request)
        return unit.handle(request)

    return exchange(operation(unit.provider()), handle), sent


def told(operation, body, status=200):
    """A look-up against one prepared answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return exchange(operation, lambda _: httpx.Response(status, content=content))


def test_an_adapter_says_by_its_methods_what_can_be_looked_up():
    for protocol in (WaysProvider, PlanProvider, CustomerProvider, AddressProvider):
        assert isinstance(ADAPTER, protocol)
    assert not isinstance(ADAPTER, ProfileProvider)


# --- offers ---------------------------------------------------------------------------------------

WAYS = WaysAsk(PRICE, "DK", "da_DK")
PLANS = PlansAsk(PRICE, "DK")


def test_the_ways_to_pay_for_an_order_are_asked_for_without_its_customer():
    line = OrderLine("mill", "Kaffekværn", 2, PRICE, 2500, Money(20_000, "DKK"))
    found, (sent,) = asking(operation=lambda it: it.ways_to_pay(replace(WAYS, lines=(line,))))
    assert (sent.method, sent.url.path) == ("POST", "/api/v3/checkout/payment-methods")
    assert "x-idempotency-key" not in sent.headers
    body = json.loads(sent.content)
    assert {name: body[name] for name in ("conversationLanguage", "country")} == {
        "conversationLanguage": "DA",
        "country": "DK",
    }
    assert (body["order"]["totalGrossAmount"], body["order"]["totalNetAmount"]) == (1000, 800)
    assert "customer" not in body
    assert [(way.word, way.method, bool(way.plan)) for way in found] == [
        ("Invoice", "invoice", False),
        ("Account", "", False),
        *[("Installment", "", True)] * len(TERMS),
    ]
    invoice = found[0]
    assert (invoice.title, invoice.fee, invoice.needs_consent) == ("Invoice", Money(0, "DKK"), True)
    assert invoice.terms_url.startswith("https://")
    assert invoice.privacy_url.startswith("https://")
    assert invoice.legal_text


def test_the_plans_for_an_amount_add_up():
    found, (sent,) = asking(operation=lambda it: it.plans(PLANS))
    assert sent.url.path == "/api/v3/lookup/installment-plans"
    assert json.loads(sent.content) == {"amount": 1000, "currency": "DKK", "countryCode": "DK"}
    assert [plan.number for plan in found] == [terms.months for terms in TERMS]
    for plan, terms in zip(found, TERMS, strict=True):
        assert plan.amount == PRICE
        assert plan.nominal_percent == terms.nominal_percent
        assert plan.first == plan.instalment + plan.setup_fee
        paid = plan.first + plan.last + plan.instalment * (plan.number - 2)
        assert paid == plan.total
        assert plan.total == plan.amount + plan.interest + plan.setup_fee + (
            plan.monthly_fee * plan.number
        )
        assert plan.apr_percent >= plan.effective_percent >= plan.nominal_percent
        assert plan.terms_url.startswith("https://")
    assert [plan.id for plan in found] == ["1", "2", "3"]


@pytest.mark.parametrize("market", KEYS)
def test_every_market_has_its_own_currency(market):
    (currency,) = shop(market).provider().capabilities.currencies
    amount = Money(50_000, currency)
    found, _ = asking(market, lambda it: it.plans(PlansAsk(amount, market)))
    assert {plan.amount for plan in found} == {amount}


def test_an_amount_too_small_for_a_plan_has_none():
    found, _ = asking(operation=lambda it: it.plans(PlansAsk(Money(2, "DKK"), "DK")))
    assert found == ()


PLAN = {
    "basketAmount": 1000,
    "numberOfInstallments": 3,
    "installmentAmount": 350,
    "firstInstallmentAmount": 379,
    "lastInstallmentAmount": 350,
    "interestRate": 0,
    "effectiveInterestRate": 0.0,
    "effectiveAnnualPercentageRate": 31.25,
    "totalInterestAmount": 50,
    "startupFee": 29,
    "monthlyFee": 0,
    "totalAmount": 1079,
    "installmentProfileNumber": 7,
    "readMore": "https://riverty.example/terms",
}


def kroner(amount):
    return Money(amount * 100, "DKK")


READ = InstalmentPlan(
    id="7",
    amount=PRICE,
    number=3,
    first=kroner(379),
    instalment=kroner(350),
    last=kroner(350),
    setup_fee=kroner(29),
    monthly_fee=kroner(0),
    interest=kroner(50),
    total=kroner(1079),
    nominal_percent=Decimal(0),
    effective_percent=Decimal(0),
    apr_percent=Decimal("31.25"),
    terms_url="https://riverty.example/terms",
)


@pytest.mark.parametrize(
    ("read", "changes"),
    [
        (READ, {}),
        (replace(READ, id="a7"), {"installmentProfileNumber": "a7"}),
        (replace(READ, terms_url=""), {"readMore": "javascript:1"}),
        (replace(READ, terms_url=""), {"readMore": None}),
        (replace(READ, last=Money(35_003, "DKK")), {"lastInstallmentAmount": 350.03}),
        (None, {"lastInstallmentAmount": 350.04}),
        (None, {"totalAmount": 1050}),
        (
            replace(READ, number=1, first=kroner(1079)),
            {"numberOfInstallments": 1, "firstInstallmentAmount": 1079},
        ),
        (None, {"numberOfInstallments": 0}),
        (None, {"numberOfInstallments": 121}),
        (None, {"numberOfInstallments": "3"}),
        (None, {"installmentProfileNumber": None}),
        (None, {"startupFee": -29}),
        (None, {"startupFee": None}),
        (None, {"monthlyFee": 0.005}),
        (None, {"interestRate": -1}),
        (None, {"interestRate": True}),
        (None, {"effectiveAnnualPercentageRate": "31.25"}),
        (None, {"effectiveAnnualPercentageRate": 1e300}),
        (None, {"effectiveInterestRate": None}),
    ],
)
def test_a_plan_is_read_whole_or_not_shown(read, changes):
    found = told(ADAPTER.plans(PLANS), {"availableInstallmentPlans": [{**PLAN, **changes}]})
    assert found == (None if read is None else (read,))


def test_a_plan_for_another_amount_is_a_contradiction():
    with pytest.raises(Contradiction, match="another amount"):
        told(ADAPTER.plans(PLANS), {"availableInstallmentPlans": [{**PLAN, "basketAmount": 999}]})


WAY = {"type": "PayInX", "title": "Pay in three"}


@pytest.mark.parametrize(
    ("ways", "body"),
    [
        ((), {"outcome": "Rejected"}),
        ((), {"outcome": "Accepted", "paymentMethods": []}),
        ((WayToPay("PayInX", "", "Pay in three", Money(0, "DKK")),), [WAY]),
        (
            (WayToPay("PayInX", "", "Pay in three", Money(1950, "DKK"), plan=READ),),
            [{**WAY, "consumerFeeAmount": 19.5, "installment": PLAN, "legalInfo": None}],
        ),
        (
            (WayToPay("PayInX", "", "Pay in three", Money(0, "DKK"), needs_consent=True),),
            [{**WAY, "legalInfo": {"requiresCustomerConsent": "yes", "text": 7}}],
        ),
        (
            (WayToPay("PayInX", "", "Pay in three", Money(0, "DKK")),),
            [{**WAY, "legalInfo": {"requiresCustomerConsent": False}}],
        ),
        (None, {"outcome": "Pending", "paymentMethods": []}),
        (None, {"outcome": "Accepted"}),
        (None, [{**WAY, "consumerFeeAmount": -1}]),
        (None, [{**WAY, "installment": {}}]),
        (None, [{"type": "PayInX"}]),
        (None, [7]),
    ],
)
def test_ways_to_pay_are_read_with_their_terms(ways, body):
    if isinstance(body, list):
        body = {"outcome": "Accepted", "paymentMethods": body}
    assert told(ADAPTER.ways_to_pay(WAYS), body) == ways


def test_another_country_is_refused_before_anything_is_sent():
    for operation in (
        ADAPTER.ways_to_pay(replace(WAYS, amount=Money(100, "SEK"))),
        ADAPTER.ways_to_pay(replace(WAYS, market="IS")),
        ADAPTER.plans(PlansAsk(Money(100, "SEK"), "DK")),
        ADAPTER.plans(PlansAsk(PRICE, "SE")),
        ADAPTER.find_customer(CustomerAsk("IS", {})),
        ADAPTER.check_address(AddressAsk("SE", {})),
    ):
        with pytest.raises(NotSupported):
            next(operation)


def test_more_lines_than_they_take_are_refused():
    line = OrderLine("mill", "Kaffekværn", 1, Money(1, "DKK"), 0, Money(0, "DKK"))
    with pytest.raises(InvalidInput) as caught:
        next(ADAPTER.ways_to_pay(replace(WAYS, lines=(line,) * 201)))
    assert caught.value.field == "lines"


# --- people ---------------------------------------------------------------------------------------


def person_in(market):
    names = ("email", "phone", "national_id", "street", "postal_code", "city")
    return clean({name: example(name, market) for name in names}, market=market)


@pytest.mark.parametrize("market", KEYS)
def test_a_customer_is_found_by_what_the_market_looks_up_and_by_nothing_more(market):
    person = person_in(market)
    found, (sent,) = asking(market, lambda it: it.find_customer(CustomerAsk(market, person)))
    assert sent.url.path == "/api/v3/lookup/customer"
    assert "x-idempotency-key" not in sent.headers
    body = json.loads(sent.content)
    assert len(body) == 2 + len(KEYS[market])
    assert {body["countryCode"], body["customerCategory"]} == {market, "Person"}
    del person["national_id"]
    assert found == ({**person, "name": "Test Person", "country": market},)
    assert not any(value in f"{found!r}" for value in person.values())


@pytest.mark.parametrize("market", KEYS)
def test_somebody_unknown_is_not_found(market):
    other = {"phone": "+4799999999", "email": "other@example.com", "national_id": "1", "city": ""}
    for name in KEYS[market]:
        details = {**person_in(market), name: other.get(name, "0001")}
        found, _ = asking(market, lambda it, d=details: it.find_customer(CustomerAsk(market, d)))
        assert found == ()


@pytest.mark.parametrize(("market", "name"), [(it, name) for it in KEYS for name in KEYS[it]])
def test_what_customers_are_looked_up_by_has_to_be_there(market, name):
    details = {**person_in(market), name: ""}
    with pytest.raises(InvalidInput) as caught:
        next(shop(market).provider().find_customer(CustomerAsk(market, details)))
    assert caught.value.field == name
    assert not any(value in str(caught.value) for value in details.values() if value)


BY_MAIL = CustomerAsk("DK", {"email": "name@example.com", "postal_code": "2100"})
HOME = {"street": "Testgata", "streetNumber": "1", "postalCode": "2100", "postalPlace": "Kbh"}


@pytest.mark.parametrize(
    ("people", "profiles"),
    [
        ((), None),
        ((), []),
        ((), [{}]),
        ((), [{"firstName": "T***", "maskedFirstName": "Test"}]),
        (({"name": "Test"},), [{"firstName": "Test", "lastName": None, "eMail": 7}]),
        (({"email": "a@example.com"},), [{"lastName": 7, "eMail": "a@EXAMPLE.com"}]),
        (({"phone": "+4532123456"},), [{"mobileNumber": "32 12 34 56", "addressList": "none"}]),
        (
            (
                {"name": "Test", "street": "Testgata 1", "postal_code": "2100", "city": "Kbh"},
                {"name": "Test", "country": "SE", "postal_code": "11455"},
                {"name": "Test"},
            ),
            [
                {
                    "lastName": "Test",
                    "addressList": [
                        HOME,
                        {"countryCode": "SE", "postalCode": "114 55"},
                        {**HOME, "countryCode": "DE"},
                        7,
                    ],
                }
            ],
        ),
        (None, {}),
        (None, [7]),
    ],
)  # fmt: skip
def test_what_is_told_of_people_is_brought_into_our_form(people, profiles):
    found = told(ADAPTER.find_customer(BY_MAIL), {"userProfiles": profiles})
    assert found == people


def test_the_stand_in_wants_to_know_whom_to_look_for_and_where():
    unit = shop()
    url = "https://riverty.example/api/v3/lookup/customer"
    body = {"countryCode": "DK", "customerCategory": "Company", "postalCode": "2100"}
    headers = {"x-auth-key": "simulated-api-key"}
    response = unit.handle(httpx.Request("POST", url, headers=headers, json=body))
    assert (response.status_code, response.json()[0]["code"]) == (400, "400.002")
    body = {**body, "countryCode": "SE", "email": "name@example.com"}
    response = unit.handle(httpx.Request("POST", url, headers=headers, json=body))
    assert (response.status_code, response.json()[0]["code"]) == (400, "400.004")


# --- addresses ------------------------------------------------------------------------------------


def test_an_address_is_right_or_corrected_or_wrong():
    home = {"street": "Strandgata 1 B", "postal_code": "2100", "city": "København"}

    def check(**changes):
        ask = AddressAsk("DK", {**home, **changes})
        return asking(operation=lambda it: it.check_address(ask))

    found, (sent,) = check()
    assert sent.url.path == "/api/v3/validate/address"
    assert json.loads(sent.content) == {
        "address": {
            "street": "Strandgata 1 B",
            "postalCode": "2100",
            "postalPlace": "København",
            "countryCode": "DK",
        }
    }
    assert found == AddressCheck(is_valid=True)
    found, _ = check(city="Copenhagen")
    assert found == AddressCheck(is_valid=False, correction=Details(**home, country="DK"))
    assert "København" not in repr(found)
    assert check(postal_code="210")[0] == AddressCheck(is_valid=False)
    assert check(street="")[0] is None  # they do not take it


@pytest.mark.parametrize(
    ("found", "body"),
    [
        (AddressCheck(is_valid=True), {"isValid": True, "correctedAddress": HOME}),
        (AddressCheck(is_valid=False), {"isValid": False, "correctedAddress": None}),
        (AddressCheck(is_valid=False), {"isValid": False, "correctedAddress": {"street": 7}}),
        (
            AddressCheck(is_valid=False, correction=Details(city="Kbh")),
            {"isValid": False, "correctedAddress": {"postalPlace": "Kbh", "postalCode": "21"}},
        ),
        (None, {"isValid": "true"}),
        (None, {}),
    ],
)
def test_what_is_said_of_an_address(found, body):
    assert told(ADAPTER.check_address(AddressAsk("DK", {})), body) == found


# --- whatever arrives -----------------------------------------------------------------------------

OPERATIONS = {
    "checkout/payment-methods": lambda: ADAPTER.ways_to_pay(WAYS),
    "lookup/installment-plans": lambda: ADAPTER.plans(PLANS),
    "lookup/customer": lambda: ADAPTER.find_customer(BY_MAIL),
    "validate/address": lambda: ADAPTER.check_address(AddressAsk("DK", {"city": "Nuuk"})),
}


def test_every_question_of_the_stand_in_is_one_that_the_adapter_asks():
    assert OPERATIONS.keys() == QUESTIONS.keys()
    for where, operation in OPERATIONS.items():
        assert next(operation()).url.path == f"/api/v3/{where}"


@pytest.mark.parametrize("status", [201, 204, 400, 401, 404, 429, 500])
@pytest.mark.parametrize("where", OPERATIONS)
def test_what_is_refused_or_empty_says_nothing(where, status):
    assert told(OPERATIONS[where](), [{"type": "BusinessError", "code": "400.002"}], status) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=12,
)
WORDS = sorted(
    {
        "availableInstallmentPlans", "paymentMethods", "outcome", "type", "title", "legalInfo",
        "installment", "consumerFeeAmount", "userProfiles", "addressList", "firstName", "lastName",
        "eMail", "mobileNumber", "street", "postalCode", "postalPlace", "countryCode", "isValid",
        "correctedAddress", *PLAN,
    }
)  # fmt: skip
VALUES = JSON | st.sampled_from(
    ["Accepted", "Person", "2100", "SE", 1000, 350, 1e300, [PLAN], PLAN]
)
BODIES = st.recursive(
    st.dictionaries(st.sampled_from(WORDS), VALUES, max_size=6),
    lambda inner: st.dictionaries(
        st.sampled_from(WORDS), inner | st.lists(inner, max_size=2) | VALUES, max_size=4
    ),
    max_leaves=6,
)


@given(st.sampled_from(sorted(OPERATIONS)), st.sampled_from([200, 201, 400, 503]), BODIES | JSON)
def test_an_arbitrary_answer_is_read_or_says_nothing(where, status, body):
    try:
        found = told(OPERATIONS[where](), body, status)
    except Contradiction:  # a plan for another amount
        return
    if isinstance(found, tuple) and found:
        kinds = (WayToPay, InstalmentPlan, Details)
        assert isinstance(found[0], kinds)
        if isinstance(found[0], Details):
            assert repr(found[0]) == repr(Details(dict.fromkeys(found[0], "")))
    else:
        assert found in (None, ()) or isinstance(found, AddressCheck)


@given(st.dictionaries(st.sampled_from(["name", "email", "phone", *sorted(ADDRESS)]), VALUES))
def test_details_are_always_ones_that_a_customer_could_have_typed(values):
    found = details_of(values, market="DK")
    assert clean(found, market="DK") == found
    assert found.keys() <= values.keys()
    if values.get("country") and "country" not in found:
        assert not ADDRESS & found.keys()
