"""What some providers can be asked beside the payment: offers, plans, customers, addresses.

A look-up moves no money and leaves nothing behind, and a checkout goes on without it. So there is
one answer for "they do not say": None, whether they refused, were busy or wrote what we cannot
read. An answer that is about another currency or person than we asked raises ``Contradiction``.

Personal values travel in ``Details``, which prints stars, under the names of our contact fields and
in the form in which those are stored. What a customer is looked up by is used to identify them for
credit that they chose, and what comes back is for them alone: mask it until they are verified, and
answer in the same shape where nobody was found.

An adapter has what its provider has; ``isinstance`` tells:

>>> from checkoutflow.providers.riverty import Riverty
>>> from checkoutflow.providers.vipps_mobilepay import VippsMobilePay
>>> issubclass(Riverty, PlanProvider), issubclass(VippsMobilePay, PlanProvider)
(True, False)
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from checkoutflow.customer import clean
from checkoutflow.errors import InvalidInput
from checkoutflow.privacy.secret import Details

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from checkoutflow.money import Money
    from checkoutflow.privacy.secret import Secret
    from checkoutflow.providers.contract import Exchange, OrderLine

__all__ = [
    "AddressAsk",
    "AddressCheck",
    "AddressProvider",
    "CustomerAsk",
    "CustomerProvider",
    "InstalmentPlan",
    "PlanProvider",
    "PlansAsk",
    "Profile",
    "ProfileAsk",
    "ProfileProvider",
    "WayToPay",
    "WaysAsk",
    "WaysProvider",
]

_HIDDEN: Final = re.compile(r"[*\[\]]")  # masked or expired values are written with these signs

# What makes an address; one in a country that we do not know is told as a whole or not at all.
ADDRESS: Final = frozenset({"street", "postal_code", "city", "country"})


# Offers -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlansAsk:
    """Ask on which plans an amount can be paid.

    Attributes:
        market: Country or territory code of the order; as in every question.
    """

    amount: Money
    market: str


@dataclass(frozen=True, slots=True)
class InstalmentPlan:
    """A credit as the provider offers it for one amount. Its sums were seen to add up.

    Attributes:
        id: The provider's name for it.
        amount: What is bought.
        number: How many instalments there are.
        first: The first of them, with the set-up fee in it.
        instalment: Each one between the first and the last.
        last: The last of them.
        setup_fee: Paid once.
        monthly_fee: Paid with every instalment.
        interest: All of it together.
        total: All that the customer pays.
        nominal_percent: Interest in per cent a year, without any fee.
        effective_percent: The same with the interest on interest.
        apr_percent: Annual percentage rate of charge, as the provider gives it.
        terms_url: Where the terms can be read; empty if they do not say.
    """

    id: str
    amount: Money
    number: int
    first: Money
    instalment: Money
    last: Money
    setup_fee: Money
    monthly_fee: Money
    interest: Money
    total: Money
    nominal_percent: Decimal
    effective_percent: Decimal
    apr_percent: Decimal
    terms_url: str = ""


@dataclass(frozen=True, slots=True)
class WaysAsk:
    """Ask which ways to pay are offered for an order, whoever the customer is.

    Attributes:
        lines: What is bought, as in ``Authorise``.
    """

    amount: Money
    market: str
    locale: str
    lines: tuple[OrderLine, ...] = ()


@dataclass(frozen=True, slots=True)
class WayToPay:
    """A way to pay that the provider offers.

    Attributes:
        word: The provider's own word for it.
        method: What a shop names as ``provider_method`` for it; empty where the adapter cannot.
        title: What it is called, for the customer, in their language.
        fee: What it costs the customer, beside the price.
        needs_consent: Whether the customer has to agree to ``legal_text`` first.
        legal_text: Text or HTML of the provider's: to be escaped or cleaned where it is shown.
        terms_url: Where the terms can be read; empty if they do not say, as the next.
        privacy_url: Where it is said what happens to the customer's data.
        plan: On what plan, where it is by instalments.
    """

    word: str
    method: str
    title: str
    fee: Money
    needs_consent: bool = False
    legal_text: str = ""
    terms_url: str = ""
    privacy_url: str = ""
    plan: InstalmentPlan | None = None


# People -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CustomerAsk:
    """Ask who somebody is.

    Attributes:
        details: What the customer gave. Of these only what the market's look-up needs is sent.
    """

    market: str
    details: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class AddressAsk:
    """Ask whether an address exists.

    Attributes:
        details: Street, postal code and city, and the country if it is not the market's.
    """

    market: str
    details: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class AddressCheck:
    """What a provider says of an address.

    Attributes:
        is_valid: Whether it exists as it is written.
        correction: How it is written instead, where the provider knows: for the customer to accept.
    """

    is_valid: bool
    correction: Details | None = None


@dataclass(frozen=True, slots=True)
class ProfileAsk:
    """Ask what a customer shared with a payment.

    Attributes:
        merchant_reference: Our name for the payment.
    """

    merchant_reference: str
    market: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What a customer consented to share.

    Attributes:
        subject: The provider's name for this customer at this shop, the same at every visit.
        details: What they shared.
        verified: Which of these the provider has proven to be theirs.
    """

    subject: Secret
    details: Details
    verified: frozenset[str] = frozenset()


# Who can be asked ---------------------------------------------------------------------------------


@runtime_checkable
class WaysProvider(Protocol):
    """An adapter whose provider says which ways to pay it offers for an order."""

    def ways_to_pay(self, ask: WaysAsk) -> Exchange[tuple[WayToPay, ...] | None]:
        """Which ways to pay are offered; none if the order is not one for them."""


@runtime_checkable
class PlanProvider(Protocol):
    """An adapter whose provider works out instalment plans."""

    def plans(self, ask: PlansAsk) -> Exchange[tuple[InstalmentPlan, ...] | None]:
        """On which plans an amount can be paid."""


@runtime_checkable
class CustomerProvider(Protocol):
    """An adapter whose provider knows who people are."""

    def find_customer(self, ask: CustomerAsk) -> Exchange[tuple[Details, ...] | None]:
        """Who somebody is: one profile for each of their addresses, and none if nobody is found."""


@runtime_checkable
class AddressProvider(Protocol):
    """An adapter whose provider knows which addresses exist."""

    def check_address(self, ask: AddressAsk) -> Exchange[AddressCheck | None]:
        """Whether an address exists, and how it is written if not so."""


@runtime_checkable
class ProfileProvider(Protocol):
    """An adapter whose provider asks customers to share, while they pay, who they are.

    They are asked with the payment (``Authorise.shares``), and refusing ends it: ask for no more
    than the sale needs. The ground for using what they share is that consent.
    """

    @property
    def shareable(self) -> frozenset[str]:
        """Contact fields that a customer can be asked to share."""

    def profile(self, ask: ProfileAsk) -> Exchange[Profile | None]:
        """What the customer shared, after they paid; None also while it is not there yet."""


# Answers ------------------------------------------------------------------------------------------


def text_of(given: Mapping[Any, object], *names: str) -> str:
    """What stands in these fields, joined by spaces; what is masked or has expired is left out.

    >>> text_of({"first": "Test", "middle": "T***", "last": "[Expired]", "age": 7}, "first", "last")
    'Test'
    """
    parts = [part for part in map(given.get, names) if isinstance(part, str)]
    return " ".join(part for part in parts if part and not _HIDDEN.search(part))


def details_of(values: Mapping[str, object], *, market: str) -> Details:
    """What a provider says of somebody, in our form; what cannot be right is left out.

    Args:
        values: By the names of our contact fields. An address is left out as a whole if its country
            is given and is none that we know.
        market: What postal codes and telephone numbers are read as of, if no country is given.

    >>> dict(details_of({"city": " Nuuk ", "phone": "none", "street": None}, market="GL"))
    {'city': 'Nuuk'}
    """
    found = Details()
    for name in sorted(values, key=lambda name: name != "country"):  # the others follow it
        where = {"country": found["country"]} if "country" in found else {}
        if isinstance(told := values[name], str):
            with suppress(InvalidInput):
                found |= clean({**where, name: told}, market=market)
    if values.get("country") and "country" not in found:
        for name in ADDRESS & {*found}:
            del found[name]
    return found
