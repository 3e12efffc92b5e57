"""What is noticed about an order: one row for each signal, and nothing personal in any of them.

A signal is a number or a yes. Those of the order and of earlier orders are worked out when the
customer buys, from the cart, the choices, counts under keyed digests, and contact details that are
opened for that moment (`checkoutflow.privacy.Purpose.PREVENT_FRAUD`) and not kept by it. Those of
the payment come with the provider's answer. What is not known is left out: nothing may be
concluded from that, least of all that all is well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from checkoutflow.customer.contact import mainland
from checkoutflow.customer.matching import folded
from checkoutflow.review.traces import KEEP_FATE, KEEP_SEEN, Count, Fate, Kind, address_form
from checkoutflow.review.values import place
from checkoutflow.texts import mark

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from checkoutflow.cart import Cart
    from checkoutflow.money import Money
    from checkoutflow.payment.outcomes import Risk
    from checkoutflow.review.settings import ReviewRules

Signals = Mapping[str, bool | int]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an order.

    Attributes:
        at: When the customer buys, or when the payment's answer came.
        market: Where the goods go.
        to: What kind of place; empty where nothing is sent.
        tries: Payments that were begun on this checkout before, and came to nothing.
        declines: How many of them were declined.
        is_recognised: Whether the customer has shown who they are, and is remembered.
        contact: Clean contact details, by field name.
        network_country: Where the network is that the order came from, as the shop says.
        counts: Other orders under the same traces, for every trace that this order has.
        values: The shop's orders of the same currency, by band of value.
        lists: Which of the shop's lists has something of this order.
        risk: What the provider told.
        cards: Different cards on this checkout, the present one with them.
    """

    at: datetime
    started_at: datetime
    market: str
    cart: Cart
    total: Money
    to: Literal["", "address", "pickup"] = ""
    tries: int = 0
    declines: int = 0
    is_recognised: bool = False
    contact: Mapping[str, str] = field(default_factory=dict, repr=False)
    network_country: str = ""
    counts: Mapping[Count, int] = field(default_factory=dict)
    values: Mapping[int, int] = field(default_factory=dict)
    lists: frozenset[str] | None = None
    risk: Risk | None = None
    cards: int | None = None

    def most(self, fate: Fate, days: int, *kinds: Kind) -> int | None:
        """The most that any of these traces counts; None where the order has none of them."""
        asked = (self.counts.get(Count(kind, fate, days)) for kind in kinds)
        return max((count for count in asked if count is not None), default=None)


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that is noticed.

    Attributes:
        name: What rules and scores call it.
        meaning: In a few words, for reviewers too: a text that is translated.
        data: What it is worked out from.
        unit: What its number counts; empty for a yes or no.
        measure: How. None where it is not known.
        counts: What is counted for it.
        again: Whether it is worked out once more when the payment's answer comes.
    """

    name: str
    meaning: str
    data: str
    measure: Callable[[Facts, ReviewRules], bool | int | None]
    unit: str = ""
    counts: tuple[Count, ...] = ()
    again: bool = False

    @property
    def kept(self) -> str:
        """For how long what it is worked out from is kept for its sake."""
        if not self.counts:
            return "nothing but the result"
        days = {
            KEEP_SEEN[each.kind] if each.fate is Fate.ORDERED else KEEP_FATE[each.fate]
            for each in self.counts
        }
        return f"digests for {max(days)} days"


# The order ----------------------------------------------------------------------------------------


def _easily_resold(facts: Facts, rules: ReviewRules) -> int:
    goods = [(line, line.goods.minor) for line in facts.cart.lines]
    worth = sum(minor for _, minor in goods)
    resold = sum(minor for line, minor in goods if rules.is_easily_resold(line))
    return 100 * resold // worth if worth else 0


# Words as `folded` leaves them, of the countries' languages.
_PARCEL_SHOP: Final = re.compile(
    r"pakkeshop|pakkeboks|pakkeautomat|pakettiautomaatti|noutopiste|paketombud|postombud|paketbox"
    r"|post i butik|utleveringssted|servicepoint|service point|postabox|posthus"
    r"|\bpostboks\b|\bpost ?box\b|\bp\.? ?o\.? ?box\b|\bbox [0-9]+|\bpl [0-9]+|\bposth(?:oe|o)lf\b"
)
_FORWARDER: Final = re.compile(
    r"freight|forwarder|forwarding|\bcargo\b|reship|shipito|borderlinx|myus\b|stackry|spedit"
    r"|huolint|fraktfirma|flutningsmidl"
)


def _typed(facts: Facts) -> str:
    """What was typed of an address, where a company's name may stand as well."""
    return folded(
        " ".join(facts.contact.get(name, "") for name in ("name", "organisation", "street"))
    )


def _parcel_shop(facts: Facts, _: ReviewRules) -> bool | None:
    if facts.to == "pickup":
        return True
    return bool(_PARCEL_SHOP.search(_typed(facts))) if facts.to and facts.contact else None


def _forwarder(facts: Facts, rules: ReviewRules) -> bool | None:
    if facts.to != "address" or not facts.contact:
        return None
    here = address_form(facts.contact, facts.market)
    is_listed = bool(here) and here in {place.form for place in rules.forwarders}
    return is_listed or bool(_FORWARDER.search(_typed(facts)))


def _address_differs(facts: Facts, _: ReviewRules) -> bool | None:
    """Known by their e-mail, or else by their phone, and never seen at this address."""
    kind = Kind.EMAIL if "email" in facts.contact else Kind.PHONE
    before = facts.most(Fate.ORDERED, 365, kind)
    here = facts.most(Fate.ORDERED, 365, Kind.CONTACT_AT_ADDRESS)
    if not before or here is None or facts.to != "address":
        return None
    return here == 0


# Countries ----------------------------------------------------------------------------------------

_PREFIXES: Final = {
    "+45": "DK",
    "+298": "DK",
    "+299": "DK",
    "+46": "SE",
    "+47": "NO",
    "+358": "FI",
    "+354": "IS",
}


def _differs(country: str, market: str) -> bool | None:
    return mainland(country) != mainland(market) if country else None


def _phone_country(facts: Facts, _: ReviewRules) -> bool | None:
    phone = facts.contact.get("phone", "")
    found = (country for prefix, country in _PREFIXES.items() if phone.startswith(prefix))
    return _differs(next(found, "elsewhere"), facts.market) if phone else None


# The customer -------------------------------------------------------------------------------------


def _disposable_email(facts: Facts, rules: ReviewRules) -> bool | None:
    if "email" not in facts.contact:
        return None
    domain = facts.contact["email"].rpartition("@")[2].lower()
    parts = domain.split(".")
    # A service gives out names below its own as well.
    return any(".".join(parts[start:]) in rules.disposable_domains for start in range(len(parts)))


def _new_customer(facts: Facts, _: ReviewRules) -> bool | None:
    orders = facts.most(Fate.ORDERED, 365, Kind.EMAIL, Kind.PHONE)
    return None if orders is None else not (orders or facts.is_recognised)


# The payment --------------------------------------------------------------------------------------

_RISKS: Final = {"low": 0, "unclear": 1, "elevated": 2, "high": 3}


def _provider_risk(facts: Facts, _: ReviewRules) -> int | None:
    return _RISKS.get(facts.risk.level) if facts.risk is not None else None


def _card_country(facts: Facts, _: ReviewRules) -> bool | None:
    return _differs(facts.risk.card_country, facts.market) if facts.risk is not None else None


# Counts -------------------------------------------------------------------------------------------


def _counted(name: str, meaning: str, data: str, fate: Fate, days: int, *kinds: Kind) -> Signal:
    """A signal that is the most that any of these traces counts."""
    return Signal(
        name,
        meaning,
        data,
        lambda facts, _: facts.most(fate, days, *kinds),
        "orders",
        tuple(Count(kind, fate, days) for kind in kinds),
        # Others may have ordered meanwhile; what became of older orders has time.
        again=fate is Fate.ORDERED or Kind.CARD in kinds,
    )


_CONTACT: Final = (Kind.EMAIL, Kind.PHONE)
_ANY: Final = (*_CONTACT, Kind.ADDRESS)

SIGNALS: Final[Mapping[str, Signal]] = MappingProxyType(
    {
        signal.name: signal
        for signal in (
            Signal(
                "value",
                mark("what the order comes to"),
                "the order's total",
                lambda facts, _: facts.total.minor,
                "minor units",
            ),
            Signal(
                "value_place",
                mark("how many of a hundred of the shop's orders were worth less"),
                "the order's total; counts of orders by band of value, for each currency",
                lambda facts, _: place(facts.total.minor, facts.values),
                "per cent",
            ),
            Signal(
                "easily_resold",
                mark("per cent of the goods' value that is easily sold on"),
                "the cart; the shop's lists of categories and skus",
                _easily_resold,
                "per cent",
            ),
            Signal(
                "units",
                mark("pieces in all"),
                "the cart",
                lambda facts, _: sum(line.quantity for line in facts.cart.lines),
                "pieces",
            ),
            Signal(
                "most_of_one",
                mark("pieces of the goods of which there are most"),
                "the cart",
                lambda facts, _: max(line.quantity for line in facts.cart.lines),
                "pieces",
            ),
            Signal(
                "seconds_to_place",
                mark("seconds from the start of the checkout to the order"),
                "the checkout's times",
                lambda facts, _: int((facts.at - facts.started_at).total_seconds()),
                "seconds",
            ),
            Signal(
                "tries",
                mark("payments begun before on this checkout, which came to nothing"),
                "the checkout's payments",
                lambda facts, _: facts.tries,
                "payments",
            ),
            Signal(
                "declines",
                mark("payments on this checkout that were declined"),
                "the checkout's payments",
                lambda facts, _: facts.declines,
                "payments",
            ),
            Signal(
                "address_differs",
                mark("a known customer, and an address that they never ordered to"),
                "digests of e-mail address or phone, and of both together with the address",
                _address_differs,
                counts=(
                    Count(Kind.EMAIL, Fate.ORDERED, 365),
                    Count(Kind.PHONE, Fate.ORDERED, 365),
                    Count(Kind.CONTACT_AT_ADDRESS, Fate.ORDERED, 365),
                ),
            ),
            Signal(
                "parcel_shop",
                mark("it goes to a parcel shop, a locker or a post box"),
                "the way of delivery; words in name, organisation and street, looked at in place",
                _parcel_shop,
            ),
            Signal(
                "forwarder",
                mark("it goes to a freight forwarder"),
                "words in name, organisation and street, and the shop's list of addresses, looked"
                " at in place",
                _forwarder,
            ),
            Signal(
                "disposable_email",
                mark("an e-mail address that is thrown away after use"),
                "the domain of the e-mail address and a list of such domains, looked at in place",
                _disposable_email,
            ),
            Signal(
                "new_customer",
                mark("nobody known by this e-mail address or phone, and nobody who is remembered"),
                "digests of e-mail address and phone; whether the customer was recognised",
                _new_customer,
                counts=tuple(Count(kind, Fate.ORDERED, 365) for kind in _CONTACT),
            ),
            Signal(
                "phone_country_differs",
                mark("the phone is of another country than the order"),
                "the phone's country code, looked at in place; the market",
                _phone_country,
            ),
            Signal(
                "delivery_country_differs",
                mark("the address is in another country than the order"),
                "the address's country, looked at in place; the market",
                lambda facts, _: _differs(facts.contact.get("country", ""), facts.market),
            ),
            Signal(
                "network_country_differs",
                mark("the order came from another country's network"),
                "the network's country as the shop tells it; the market",
                lambda facts, _: _differs(facts.network_country, facts.market),
            ),
            _counted(
                "same_goods_at_address",
                mark("other orders of the same goods to the same address, within a week"),
                "digest of address and skus together",
                Fate.ORDERED,
                7,
                Kind.GOODS_AT_ADDRESS,
            ),
            _counted(
                "same_goods_by_contact",
                mark("other orders of the same goods by the same phone or e-mail, within a week"),
                "digest of phone or e-mail address and skus together",
                Fate.ORDERED,
                7,
                Kind.GOODS_BY_CONTACT,
            ),
            _counted(
                "contact_orders_day",
                mark("other orders by the same e-mail address or phone, within a day"),
                "digests of e-mail address and phone",
                Fate.ORDERED,
                1,
                *_CONTACT,
            ),
            _counted(
                "contact_orders_month",
                mark("other orders by the same e-mail address or phone, within thirty days"),
                "digests of e-mail address and phone",
                Fate.ORDERED,
                30,
                *_CONTACT,
            ),
            _counted(
                "contact_orders_year",
                mark("other orders by the same e-mail address or phone, within a year"),
                "digests of e-mail address and phone",
                Fate.ORDERED,
                365,
                *_CONTACT,
            ),
            _counted(
                "address_orders_day",
                mark("other orders to the same address, within a day"),
                "digest of the address",
                Fate.ORDERED,
                1,
                Kind.ADDRESS,
            ),
            _counted(
                "address_orders_month",
                mark("other orders to the same address, within thirty days"),
                "digest of the address",
                Fate.ORDERED,
                30,
                Kind.ADDRESS,
            ),
            _counted(
                "network_orders_day",
                mark("other orders from the same network address, within a day"),
                "digest of the network address that the shop passes",
                Fate.ORDERED,
                1,
                Kind.NETWORK,
            ),
            _counted(
                "earlier_chargebacks",
                mark("orders by the same contact, or to the same address, that were charged back"),
                "digests of e-mail address, phone and address",
                Fate.CHARGED_BACK,
                730,
                *_ANY,
            ),
            _counted(
                "earlier_rejections",
                mark(
                    "orders by the same contact, or to the same address, that a reviewer rejected"
                ),
                "digests of e-mail address, phone and address",
                Fate.REJECTED,
                730,
                *_ANY,
            ),
            _counted(
                "earlier_unpaid",
                mark("orders by the same contact whose invoice was overdue and is not paid"),
                "digests of e-mail address and phone",
                Fate.UNPAID,
                730,
                *_CONTACT,
            ),
            _counted(
                "earlier_returns",
                mark("orders by the same contact of which something was returned"),
                "digests of e-mail address and phone",
                Fate.RETURNED,
                365,
                *_CONTACT,
            ),
            _counted(
                "earlier_approvals",
                mark("orders by the same contact that a reviewer approved"),
                "digests of e-mail address and phone",
                Fate.APPROVED,
                365,
                *_CONTACT,
            ),
            Signal(
                "on_block_list",
                mark("something of the order is on the shop's list of what to hold"),
                "digests of e-mail address, phone, address and network; skus; the market",
                lambda facts, _: None if facts.lists is None else "block" in facts.lists,
            ),
            Signal(
                "on_allow_list",
                mark("something of the order is on the shop's list of what not to hold"),
                "digests of e-mail address, phone, address and network; skus; the market",
                lambda facts, _: None if facts.lists is None else "allow" in facts.lists,
            ),
            Signal(
                "provider_risk",
                mark("what the provider says of the risk, from zero for low to three for high"),
                "the provider's answer",
                _provider_risk,
                "steps",
                again=True,
            ),
            Signal(
                "card_country_differs",
                mark("the card is of another country than the order"),
                "the card's country as the provider tells it; the market",
                _card_country,
                again=True,
            ),
            Signal(
                "cards",
                mark("different cards that were tried on this checkout"),
                "digests of the provider's own name for each card",
                lambda facts, _: facts.cards,
                "cards",
                (Count(Kind.CARD, Fate.ORDERED, 365),),
                again=True,
            ),
            _counted(
                "card_orders_day",
                mark("other orders with the same card, within a day"),
                "digest of the provider's own name for the card",
                Fate.ORDERED,
                1,
                Kind.CARD,
            ),
            _counted(
                "card_orders_month",
                mark("other orders with the same card, within thirty days"),
                "digest of the provider's own name for the card",
                Fate.ORDERED,
                30,
                Kind.CARD,
            ),
            _counted(
                "card_chargebacks",
                mark("orders with the same card that were charged back"),
                "digest of the provider's own name for the card",
                Fate.CHARGED_BACK,
                730,
                Kind.CARD,
            ),
        )
    }
)

# What is asked of the store for one order: always the same, so always about the same work.
COUNTS: Final = tuple(
    dict.fromkeys(count for signal in SIGNALS.values() for count in signal.counts)
)
COUNTS_AGAIN: Final = tuple(
    dict.fromkeys(count for signal in SIGNALS.values() if signal.again for count in signal.counts)
)


def measured(facts: Facts, rules: ReviewRules, *, again: bool = False) -> Signals:
    """Every signal that is known of an order, by name.

    Args:
        facts: What is known of it.
        rules: The shop's settings, for its lists.
        again: Only what is worked out once more when the payment's answer comes.
    """
    found = (
        (signal.name, signal.measure(facts, rules))
        for signal in SIGNALS.values()
        if signal.again or not again
    )
    return {name: value for name, value in found if value is not None}
