"""What Riverty can be asked beside the payment: its offers, plans, customers and addresses.

Source: as in `checkoutflow.providers.riverty`, read 2026-11. What it leaves open is decided so:

- What a customer in Denmark is looked up by is not said: we take the e-mail address and the postal
  code. In Norway the postal code is asked for as well, so that a number alone tells nobody's name.
- The instalments of a plan add up to its total "up to rounding": one smallest unit for each. An
  answer with a plan that does not is not read at all.
- Masked values are left out: nothing can be bought with them.
"""

from __future__ import annotations

from abc import abstractmethod
from contextlib import suppress
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.errors import Contradiction, InvalidInput, NotSupported
from checkoutflow.payment.outcomes import Operation
from checkoutflow.providers.base import Configured, careful
from checkoutflow.providers.http import Unreadable, body_of, page_of, path
from checkoutflow.providers.lookups import (
    AddressAsk,
    AddressCheck,
    CustomerAsk,
    InstalmentPlan,
    PlansAsk,
    WaysAsk,
    WayToPay,
    details_of,
    text_of,
)
from checkoutflow.providers.riverty_wire import (
    CURRENCIES,
    METHODS,
    address,
    bill,
    country,
    language,
    money,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from checkoutflow.money import Money
    from checkoutflow.payment.capabilities import Capabilities
    from checkoutflow.privacy.secret import Details
    from checkoutflow.providers.contract import Exchange

# What a customer is looked up by: our fields. Nothing else is sent, whatever is known.
KEYS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "SE": ("national_id",),
        "NO": ("phone", "postal_code"),
        "FI": ("national_id", "postal_code"),
        "DK": ("email", "postal_code"),
    }
)
_NAMES: Final = MappingProxyType(
    {
        "national_id": "identificationNumber",
        "phone": "mobilePhone",
        "email": "email",
        "postal_code": "postalCode",
    }
)
_METHODS: Final = MappingProxyType({theirs: ours for ours, theirs in METHODS.items()})
_MOST_INSTALMENTS: Final = 120
_MOST_PERCENT: Final = 100_000


class RivertyLookups(Configured):
    """The part of the adapter that only asks."""

    __slots__ = ()

    capabilities: Capabilities

    @abstractmethod
    def call(self, where: str, body: object) -> httpx.Request:
        """A request with a body."""

    def ways_to_pay(self, ask: WaysAsk) -> Exchange[tuple[WayToPay, ...] | None]:
        """Which ways to pay they offer for an order.

        Raises:
            NotSupported: If the currency or the market is not that of the key, as in every look-up.
            InvalidInput: If there are more lines than they take.
        """
        return careful(self._ways(ask), None)

    def plans(self, ask: PlansAsk) -> Exchange[tuple[InstalmentPlan, ...] | None]:
        """On which plans an amount can be paid."""
        return careful(self._plans(ask), None)

    def find_customer(self, ask: CustomerAsk) -> Exchange[tuple[Details, ...] | None]:
        """Who it is that has this identity number, telephone number or e-mail address.

        Raises:
            InvalidInput: If something is missing that customers are looked up by there.
        """
        return careful(self._customers(ask), None)

    def check_address(self, ask: AddressAsk) -> Exchange[AddressCheck | None]:
        """Whether an address exists, and how it is written if not so."""
        return careful(self._address(ask), None)

    def _ways(self, ask: WaysAsk) -> Exchange[tuple[WayToPay, ...]]:
        where = self._country(ask.market)
        self.capabilities.require(Operation.AUTHORISE, ask.amount.currency)
        body = {
            "conversationLanguage": language(ask.locale),
            "country": where,
            "order": bill(ask.amount, ask.lines),
        }
        match (yield from self._ask(path("checkout", "payment-methods"), body)):
            case {"outcome": "Rejected"}:
                return ()
            case {"outcome": "Accepted", "paymentMethods": list(ways)}:
                return tuple(_way(way, ask.amount) for way in ways)
            case _:
                raise Unreadable("no ways to pay")

    def _plans(self, ask: PlansAsk) -> Exchange[tuple[InstalmentPlan, ...]]:
        where = self._country(ask.market)
        self.capabilities.require(Operation.AUTHORISE, ask.amount.currency)
        body = {
            "amount": ask.amount.decimal(),
            "currency": ask.amount.currency,
            "countryCode": where,
        }
        match (yield from self._ask(path("lookup", "installment-plans"), body)):
            case {"availableInstallmentPlans": list(plans)}:
                return tuple(_plan(plan, ask.amount) for plan in plans)
            case _:
                raise Unreadable("no plans")

    def _customers(self, ask: CustomerAsk) -> Exchange[tuple[Details, ...]]:
        where = self._country(ask.market)
        body = {"countryCode": where, "customerCategory": "Person"}
        for name in KEYS[where]:
            if not ask.details.get(name):
                raise InvalidInput("Riverty looks customers up by it here", field=name)
            body[_NAMES[name]] = ask.details[name]
        match (yield from self._ask(path("lookup", "customer"), body)):
            case {"userProfiles": None}:
                return ()
            case {"userProfiles": list(profiles)}:
                return tuple(
                    known for item in profiles for known in _profiles(item, ask.market) if known
                )
            case _:
                raise Unreadable("no profiles")

    def _address(self, ask: AddressAsk) -> Exchange[AddressCheck]:
        body = {"address": address(ask.details, self._country(ask.market))}
        match (yield from self._ask(path("validate", "address"), body)):
            case {"isValid": bool(is_valid), **rest}:
                corrected = rest.get("correctedAddress")
                place = corrected if isinstance(corrected, dict) and not is_valid else {}
                return AddressCheck(is_valid, details_of(_place(place), market=ask.market) or None)
            case _:
                raise Unreadable("nothing about the address")

    def _country(self, market: str) -> str:
        where = country(market)
        if CURRENCIES.get(where) not in self.capabilities.currencies:
            raise NotSupported(f"{self.name} is for another country", field="market")
        return where

    def _ask(self, where: str, body: object) -> Exchange[object]:
        response = yield self.call(where, body)
        return body_of(response) if response.is_success else None


def _way(way: object, amount: Money) -> WayToPay:
    match way:
        case {"type": str(word), "title": str(title), **rest}:
            pass
        case _:
            raise Unreadable("not a way to pay")
    fee, legal, plan = rest.get("consumerFeeAmount"), rest.get("legalInfo"), rest.get("installment")
    legal = legal if isinstance(legal, dict) else {}
    text = legal.get("text")
    return WayToPay(
        word=word,
        method=_METHODS.get(word, ""),
        title=title,
        fee=money(0 if fee is None else fee, amount.currency),
        needs_consent=legal.get("requiresCustomerConsent", False) is not False,
        legal_text=text if isinstance(text, str) else "",
        terms_url=_page(legal.get("termsAndConditionsUrl")),
        privacy_url=_page(legal.get("privacyStatementUrl")),
        plan=None if plan is None else _plan(plan, amount),
    )


def _plan(plan: object, amount: Money) -> InstalmentPlan:
    """Read a plan.

    Raises:
        Unreadable: If it is malformed, or its instalments are not its total.
        Contradiction: If it is for another amount.
    """
    match plan:
        case {
            "installmentProfileNumber": int() | str() as name,
            "numberOfInstallments": int(number),
            **rest,
        } if 0 < number <= _MOST_INSTALMENTS:
            pass
        case _:
            raise Unreadable("not a plan")

    def sum_of(name: str) -> Money:
        return money(rest.get(name), amount.currency)

    read = InstalmentPlan(
        id=str(name),
        amount=sum_of("basketAmount"),
        number=number,
        first=sum_of("firstInstallmentAmount"),
        instalment=sum_of("installmentAmount"),
        last=sum_of("lastInstallmentAmount"),
        setup_fee=sum_of("startupFee"),
        monthly_fee=sum_of("monthlyFee"),
        interest=sum_of("totalInterestAmount"),
        total=sum_of("totalAmount"),
        nominal_percent=_percent(rest.get("interestRate")),
        effective_percent=_percent(rest.get("effectiveInterestRate")),
        apr_percent=_percent(rest.get("effectiveAnnualPercentageRate")),
        terms_url=_page(rest.get("readMore")),
    )
    if read.amount != amount:
        raise Contradiction(f"asked about {amount}, and the plan is for another amount")
    paid = read.first.minor
    if number > 1:
        paid += (number - 2) * read.instalment.minor + read.last.minor
    if abs(paid - read.total.minor) > number:
        raise Unreadable("its instalments are not its total")
    return read


def _percent(value: object) -> Decimal:
    match value:
        case bool():
            pass
        case int() | Decimal() if 0 <= value <= _MOST_PERCENT:
            return Decimal(value)
    raise Unreadable("not a rate")


def _page(value: object) -> str:
    with suppress(Unreadable):
        return page_of(value)
    return ""


def _profiles(profile: object, market: str) -> list[Details]:
    """Somebody at each of their addresses, or without one."""
    if not isinstance(profile, dict):
        raise Unreadable("not a profile")
    who = {
        "name": text_of(profile, "firstName", "lastName"),
        "email": text_of(profile, "eMail"),
        "phone": text_of(profile, "mobileNumber"),
    }
    listed = profile.get("addressList")
    places = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return [details_of(who | _place(item), market=market) for item in places or [{}]]


def _place(place: Mapping[str, object]) -> dict[str, str]:
    """An address in our fields. Number and addition are part of our street."""
    return {
        "street": text_of(place, "street", "streetNumber", "streetNumberAdditional"),
        "postal_code": text_of(place, "postalCode"),
        "city": text_of(place, "postalPlace"),
        "country": text_of(place, "countryCode"),
    }
