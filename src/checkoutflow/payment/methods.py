"""Ways to pay, as the shop offers them. Data, not code: a shop writes its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pydantic import Field, ValidationInfo, field_validator

from checkoutflow.law.choice import Customer
from checkoutflow.model import Frozen
from checkoutflow.money import Money
from checkoutflow.payment.catalogue import Cost, Kind, one_for_each_currency
from checkoutflow.payment.credit.plans import PlanTerms
from checkoutflow.payment.routing import Route
from checkoutflow.payment.terms import Terms
from checkoutflow.privacy.fields import Purpose, all_usable
from checkoutflow.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checkoutflow.law.choice import Instrument, Tier
    from checkoutflow.payment.catalogue import Financer

T = TypeVar("T")


class Method(Frozen):
    """One way to pay that the shop offers.

    Attributes:
        id: The shop's name for it, used in calls and in the store.
        kind: What it is: an id of the catalogue or of the shop's own kinds; by default ``id``.
        name: What the customer reads; one text, or one per language. By default the kind's.
        provider: Name of the adapter that takes it. None where no one else is asked: the shop
            itself trusts the customer (its own invoice), and the order confirms without a call.
        provider_method: The provider's name for it; by default the same as ``id``.
        routes: Several providers that can take it, instead of one ``provider``. The first that
            fits is asked, the cheapest before the others; where it refuses or cannot be reached,
            the next one is. After an answer that leaves anything open no other is asked.
        markets: Where it is offered; empty means in all the shop's markets.
        customers: ``consumer``, ``business`` or both.
        minimum: Smallest amounts, at most one per currency.
        maximum: Largest amounts, at most one per currency.
        age_limit: Youngest customer, in years. By default the kind's.
        deliveries: Offered only with these ways of delivery; empty means with any.
        not_for: Goods categories that cannot be bought with it, beside the kind's.
        details: Contact fields that this method needs beyond what delivery and kind need.
        shares: Whether who pays with it is asked to share, while they pay, what is needed and not
            given yet: in a wallet's app, where the provider can ask (`ProfileProvider`). They need
            not type it before they buy. Who refuses does not pay.
        creditor: Who lends, as the customer knows them. Credit must name its creditor.
        identifies: Whether the provider establishes by strong electronic means who the customer
            is, which Finnish law asks for where payment is deferred. By default as the kind says.
        cost: What it costs the shop by its own agreement. A fee "at cost" goes by this alone.
        settlement_days: Days from capture until the shop has the money. By default the kind's.
        window_days: Days after authorisation for which a capture is sure. By default the kind's.
        terms: When a bill is due. By default so many days after delivery as the kind says.
        plan: What instalments cost. By default the kind's months, free of interest and fees.
    """

    id: str = Field(min_length=1, max_length=40, pattern=r"^[a-z0-9_]+$")
    kind: str = Field(default_factory=lambda data: data["id"])
    name: Text | None = None
    provider: str | None = None
    provider_method: str = ""
    routes: tuple[Route, ...] = ()
    markets: frozenset[str] = frozenset()
    customers: frozenset[Customer] = frozenset({"consumer", "business"})
    minimum: tuple[Money, ...] = ()
    maximum: tuple[Money, ...] = ()
    age_limit: int | None = Field(default=None, ge=0, le=100)
    deliveries: frozenset[str] = frozenset()
    not_for: frozenset[str] = frozenset()
    details: tuple[str, ...] = ()
    shares: bool = False
    creditor: str = Field(default="", max_length=100)
    identifies: bool | None = None
    cost: Cost | None = None
    settlement_days: int | None = Field(default=None, ge=0, le=400)
    window_days: int | None = Field(default=None, ge=0, le=400)
    terms: Terms | None = None
    plan: PlanTerms | None = None

    _check = field_validator("minimum", "maximum")(one_for_each_currency)

    @field_validator("routes")
    @classmethod
    def _instead_of_one(cls, routes: tuple[Route, ...], info: ValidationInfo) -> tuple[Route, ...]:
        if routes and info.data.get("provider"):
            raise ValueError("give either a provider or routes")
        names = [route.provider for route in routes]
        if len({*names}) != len(names):
            raise ValueError("name each provider once")
        return routes

    @field_validator("details")
    @classmethod
    def _may_be_used_for_this(cls, details: tuple[str, ...]) -> tuple[str, ...]:
        all_usable(details, Purpose.TAKE_PAYMENT, Purpose.IDENTIFY_FOR_CREDIT, Purpose.INVOICE)
        return details


@dataclass(frozen=True, slots=True)
class Way:
    """A method together with what its kind says: what is not the shop's own is the kind's.

    Attributes:
        stated_cost: The cost that the shop itself states; None if it does not.
        cost: That, else the kind's, which is for orientation.
        is_deferred: Whether the goods come before the money does.
        routes: Providers that can take it; none where the shop itself trusts the customer.
    """

    method: Method
    kind: Kind
    id: str
    name: Text
    routes: tuple[Route, ...]
    instruments: tuple[Instrument, ...]
    tier: Tier
    financed_by: Financer
    covers_part: bool
    takes_code: bool
    age_limit: int
    not_for: frozenset[str]
    details: tuple[str, ...]
    creditor: str
    identifies: bool
    stated_cost: Cost | None
    cost: Cost
    settlement_days: int
    window_days: int | None
    terms: Terms | None
    plan: PlanTerms | None
    is_deferred: bool

    @classmethod
    def of(cls, method: Method, kinds: Mapping[str, Kind]) -> Way:
        """Put a method and its kind together.

        Raises:
            KeyError: If there is no such kind.
        """
        kind = kinds[method.kind]
        terms = method.terms
        if terms is None and kind.days:
            # Never later than the kind says: the law counts the days of free deferrals.
            terms = Terms(days=kind.days, on_closed_day="preceding")
        plan = method.plan or (PlanTerms(months=kind.months) if kind.months else None)
        identifies = "strong_identification" in kind.identity
        return cls(
            method=method,
            kind=kind,
            id=method.id,
            name=method.name or kind.name,
            routes=_routes(method),
            instruments=kind.instruments,
            tier=kind.tier,
            financed_by=kind.financed_by,
            covers_part=kind.covers_part,
            takes_code=kind.takes_code,
            age_limit=_own(method.age_limit, kind.age_limit),
            not_for=method.not_for | kind.not_for,
            details=tuple(dict.fromkeys((*kind.details, *method.details))),
            creditor=method.creditor,
            identifies=_own(method.identifies, identifies),
            stated_cost=method.cost,
            cost=method.cost or kind.cost,
            settlement_days=_own(method.settlement_days, kind.settlement_days),
            window_days=method.window_days if method.window_days is not None else kind.window_days,
            terms=terms,
            plan=plan,
            is_deferred=terms is not None or plan is not None,
        )

    @property
    def code_field(self) -> str:
        """Where the vault keeps the code of a gift card, or of an account; empty if it takes none.

        They are two, since both can pay for one order.
        """
        if self.takes_code:
            return "gift_card_code"
        return "store_credit_code" if self.covers_part else ""


def _routes(method: Method) -> tuple[Route, ...]:
    if method.provider is None:
        return method.routes
    return (Route(provider=method.provider, provider_method=method.provider_method),)


def _own(own: T | None, given: T) -> T:
    return given if own is None else own
