"""The half of Riverty's stand-in that only answers questions: offers, plans, people, addresses.

It knows one person in each country, who is called Test Person and has the values that
`checkoutflow.customer.example` shows. An address is right if its postal code could be one, and its
place is not another than theirs.
"""

# ruff: noqa: N815 -- fields are called what the provider calls them
from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

from pydantic import Field

from checkoutflow.customer import clean, example
from checkoutflow.errors import InvalidInput
from checkoutflow.money import Money
from checkoutflow.payment.credit.plans import PlanTerms, plan_of
from checkoutflow.testing.standins.book import Refusal
from checkoutflow.testing.standins.reading import Strict, read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from checkoutflow.payment.credit.plans import Plan
    from checkoutflow.privacy.secret import Details

Market = Literal["SE", "NO", "DK", "FI"]
Currency = Literal["SEK", "NOK", "DKK", "EUR"]
Language = Literal["NO", "SV", "FI", "DA", "EN"]

_FEES: Final = (Money(2900, "SEK"), Money(2900, "NOK"), Money(2900, "DKK"), Money(290, "EUR"))
TERMS: Final = (
    PlanTerms(months=3, setup_fee=_FEES),
    PlanTerms(months=12, nominal_percent=Decimal("19.9"), monthly_fee=_FEES),
    PlanTerms(months=24, nominal_percent=Decimal("14.5"), setup_fee=_FEES, monthly_fee=_FEES),
)
_TERMS_URL: Final = "https://documents.riverty.example/terms"


Price: TypeAlias = int | Annotated[Decimal, Field(max_digits=14, decimal_places=2)]


class Item(Strict):
    """A line, by the piece."""

    productId: str = Field(min_length=1, max_length=100)
    description: str = Field(min_length=1, max_length=255)
    type: Literal["PhysicalArticle", "DigitalArticle", "ShippingFee", "Surcharge"]
    netUnitPrice: Price
    grossUnitPrice: Price
    quantity: int = Field(ge=1)
    vatPercent: Price
    vatAmount: Price


class Bill(Strict):
    """What is bought, or captured."""

    totalGrossAmount: Price
    totalNetAmount: Price
    currency: Currency
    items: list[Item] = Field(min_length=1, max_length=200)

    def amount(self) -> Money:
        """What it comes to.

        Raises:
            Refusal: If the totals are not the sums of the lines, or what VAT is in a piece is not
                what its prices differ by.
        """
        gross = sum(Decimal(item.grossUnitPrice) * item.quantity for item in self.items)
        net = sum(Decimal(item.netUnitPrice) * item.quantity for item in self.items)
        if gross != self.totalGrossAmount:
            raise Refusal(400, "wrong_gross", [("order.totalGrossAmount", "")])
        if net != self.totalNetAmount or any(
            Decimal(item.grossUnitPrice) - Decimal(item.netUnitPrice) != item.vatAmount
            for item in self.items
        ):
            raise Refusal(400, "wrong_net", [("order.totalNetAmount", "")])
        return Money(int(gross * 100), self.currency)


class Address(Strict):
    """Where somebody lives."""

    street: str = Field(min_length=1, max_length=100)
    postalCode: str = Field(min_length=1, max_length=10)
    postalPlace: str = Field(min_length=1, max_length=100)
    countryCode: Market


class _Offers(Strict):
    conversationLanguage: Language
    country: Market
    order: Bill


class _Plans(Strict):
    amount: Price
    currency: Currency
    countryCode: Market


class _Customer(Strict):
    countryCode: Market
    customerCategory: Literal["Person", "Company"]
    email: str = Field(default="", max_length=255)
    mobilePhone: str = Field(default="", max_length=20)
    identificationNumber: str = Field(default="", max_length=20)
    postalCode: str = Field(default="", max_length=10)


class _Validate(Strict):
    address: Address


def major(minor: int) -> float:
    """As they write amounts: whole where they are whole."""
    return minor // 100 if minor % 100 == 0 else minor / 100


def _offers(request: httpx.Request, market: Market) -> dict[str, object]:
    wanted = read(_Offers, request)
    _here(wanted.country, market)
    amount = wanted.order.amount()
    legal = {
        "requiresCustomerConsent": True,
        "termsAndConditionsUrl": _TERMS_URL,
        "privacyStatementUrl": f"{_TERMS_URL}/privacy",
        "text": "I accept the terms.",
    }
    ways: list[dict[str, object]] = [
        {"type": "Invoice", "title": "Invoice", "consumerFeeAmount": 0, "legalInfo": legal},
        {"type": "Account", "title": "Account", "account": {"profileNo": 1}},
    ]
    ways += [
        {"type": "Installment", "title": "Part payment", "installment": plan}
        for plan in _offered(amount)
    ]
    return {"checkoutId": "10f63f1c-0000", "outcome": "Accepted", "paymentMethods": ways}


def _plans(request: httpx.Request, market: Market) -> dict[str, object]:
    wanted = read(_Plans, request)
    _here(wanted.countryCode, market)
    amount = Money(int(wanted.amount * 100), wanted.currency)
    return {"availableInstallmentPlans": _offered(amount)}


def _offered(amount: Money) -> list[dict[str, object]]:
    found = []
    for profile, terms in enumerate(TERMS, start=1):
        try:
            found.append(_written(profile, plan_of(amount, terms)))
        except InvalidInput:
            continue  # so small an amount is not paid so
    return found


def _written(profile: int, plan: Plan) -> dict[str, object]:
    yearly = ((1 + plan.nominal_percent / 1200) ** 12 - 1) * 100
    amounts = {
        "basketAmount": plan.credit,
        "installmentAmount": plan.regular_payment,
        "firstInstallmentAmount": plan.regular_payment + plan.setup_fee,
        "lastInstallmentAmount": plan.last_payment,
        "totalInterestAmount": plan.cost - plan.fees,
        "startupFee": plan.setup_fee,
        "monthlyFee": plan.monthly_fee,
        "totalAmount": plan.total_payable,
    }
    return {
        **{name: major(amount.minor) for name, amount in amounts.items()},
        "numberOfInstallments": plan.months,
        "interestRate": float(plan.nominal_percent),
        "effectiveInterestRate": round(float(yearly), 2),
        "effectiveAnnualPercentageRate": round(float(plan.apr), 2),
        "installmentProfileNumber": profile,
        "readMore": _TERMS_URL,
    }


def _here(country: str, market: Market) -> None:
    if country != market:
        raise Refusal(400, "invalid_request", [("country", "not this shop's")])


def _person(market: Market) -> Details:
    fields = ("email", "phone", "national_id", "street", "postal_code", "city")
    return clean({name: example(name, market) for name in fields}, market=market)


def _customers(request: httpx.Request, market: Market) -> dict[str, object]:
    wanted = read(_Customer, request)
    _here(wanted.countryCode, market)
    if not (wanted.email or wanted.mobilePhone or wanted.identificationNumber):
        raise Refusal(400, "required", [("identificationNumber", "")])
    person = _person(market)
    asked = (
        (wanted.email, "email"),
        (wanted.mobilePhone, "phone"),
        (wanted.identificationNumber, "national_id"),
        (wanted.postalCode, "postal_code"),
    )
    if any(given and given != person[name] for given, name in asked):
        return {"userProfiles": []}
    street, number, addition = person["street"].split()
    profile = {
        "firstName": "Test",
        "lastName": "Person",
        "mobileNumber": person["phone"],
        "eMail": person["email"],
        "maskedFirstName": "T***",
        "addressList": [
            {
                "street": street,
                "streetNumber": number,
                "streetNumberAdditional": addition,
                "postalCode": person["postal_code"],
                "postalPlace": person["city"],
                "countryCode": market,
            }
        ],
    }
    return {"userProfiles": [profile]}


def _address(request: httpx.Request, market: Market) -> dict[str, object]:
    address, person = read(_Validate, request).address, _person(market)
    try:
        code = clean({"postal_code": address.postalCode}, market=address.countryCode)["postal_code"]
    except InvalidInput:
        return {"isValid": False, "correctedAddress": None}
    is_theirs = (address.countryCode, code) == (market, person["postal_code"])
    if is_theirs and address.postalPlace != person["city"]:
        right = {**address.model_dump(), "postalCode": code, "postalPlace": person["city"]}
        return {"isValid": False, "correctedAddress": right}
    return {"isValid": True}


# What can be asked, by the address: each reads a request and says what it knows in this country.
QUESTIONS: Final[Mapping[str, Callable[[httpx.Request, Market], dict[str, object]]]] = (
    MappingProxyType(
        {
            "checkout/payment-methods": _offers,
            "lookup/installment-plans": _plans,
            "lookup/customer": _customers,
            "validate/address": _address,
        }
    )
)
