"""The sales that the demo plays: who does what, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.checkout.machine import Phase
from checkoutflow.cli.paper import pieces
from checkoutflow.cli.stage import Stage, page_of
from checkoutflow.customer import AREAS, example
from checkoutflow.payment.books import Books
from checkoutflow.testing.standins import SOLD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from checkoutflow.cart import Cart
    from checkoutflow.checkout.state import Checkout
    from checkoutflow.checkout.view import Offer, View
    from checkoutflow.stores.contract import JournalEntry


@dataclass(frozen=True, slots=True)
class Story:
    """What is to happen in one sale.

    Attributes:
        plot: Plays it.
        likes: Ids of ways to pay and of delivery that the customer takes where they are offered.
    """

    market: str
    title: str
    plot: Callable[[Play], None]
    likes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """Something that somebody did, and what the customer sees after it."""

    actor: str
    text: str
    view: View


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale that was played.

    Attributes:
        page: What the customer saw before giving details and buying.
        notices: Kinds of the bank's notices that the shop took.
        bank: The bank's own books of the payments, together.
    """

    story: Story
    page: View
    steps: tuple[Step, ...]
    checkout: Checkout
    journal: Sequence[JournalEntry]
    notices: tuple[str, ...]
    bank: Books

    @property
    def is_agreed(self) -> bool:
        """Whether the bank and we say the same about the customer's money."""
        return self.checkout.books == self.bank


def play(stage: Stage, story: Story, cart: Cart) -> Sale:
    """Play a story from the cart to its end.

    Raises:
        CheckoutError: If the shop's settings do not let the cart be sold so.
    """
    before = len(stage.notices)
    acts = Play(stage, story, cart)
    story.plot(acts)
    checkout = acts.checkout
    books = [stage.bank.book(payment.id) for payment in checkout.payments]
    return Sale(
        story=story,
        page=acts.page,
        steps=tuple(acts.steps),
        checkout=checkout,
        journal=stage.flow.journal(checkout.id),
        notices=tuple(stage.notices[before:]),
        bank=Books(
            currency=checkout.total.currency,
            authorised=sum(book.authorised for book in books),
            voided=sum(book.voided for book in books),
            captured=sum(book.captured for book in books),
            refunded=sum(book.refunded for book in books),
        ),
    )


class Play:
    """What people do in a sale. Each act is written down with what the customer sees after it."""

    def __init__(self, stage: Stage, story: Story, cart: Cart) -> None:
        """Put a cart before the customer, who chooses, and gives what is then asked for."""
        self._stage = stage
        self._flow = stage.flow
        self._likes = story.likes
        self.steps: list[Step] = []
        self.checkout = self._flow.start(
            cart,
            market=story.market,
            customer="consumer" if cart.prices_include_vat else "business",
        )
        view = self._flow.view(self.checkout.id)
        self._flow.provide(
            self.checkout.id,
            delivery=self._pick(view.deliveries),
            payment=self._pick(view.payments),
        )
        self.page = self._flow.view(self.checkout.id)
        given = {need.field: _given(need.field, story.market) for need in self.page.missing}
        self.checkout = self._flow.provide(self.checkout.id, **given)

    def buy(self) -> None:
        """The customer accepts the total and does what the bank asks for."""
        placed = self._flow.place(
            self.checkout.id,
            accepted_total=self.checkout.total,
            return_url=f"{self._stage.shop_url}/back/{self.checkout.id}",
            accepts_credit=True,
        )
        reason = placed.payments[-1].reason.replace("_", " ") if placed.payments else ""
        action = placed.next_action
        page = page_of(action) if action is not None else ""
        self._tell("customer", _BOUGHT[placed.phase].format(reason=reason, page=page))
        if placed.phase is Phase.PLACING:
            self._stage.approve(placed.payments[-1])
            self._tell("customer", "approves there and comes back to the shop, which asks the bank")

    def be_declined(self) -> None:
        """The customer tries to buy, and the bank says no."""
        self._stage.bank.decline_next()
        self.buy()

    def choose_another(self) -> None:
        """The customer takes another way to pay, if there is one."""
        offers = self._flow.view(self.checkout.id).payments
        if others := [offer for offer in offers if not offer.is_chosen]:
            self._flow.choose_payment(self.checkout.id, self._pick(others))
            name = next(offer.name for offer in others if offer.id == self._pick(others))
            self._tell("customer", f"chooses {name} instead")

    def insure(self) -> None:
        """The customer takes what is offered to insure the goods."""
        for offer in self._flow.view(self.checkout.id).covers:
            self._flow.answer_insurance(self.checkout.id, {offer.id: True})
            self._tell("customer", f"takes {offer.name} for {offer.premium.text}")

    def review(self) -> None:
        """A person lets the order through, if it is held."""
        if self.checkout.phase is Phase.HELD:
            self._flow.claim(self.checkout.id, reviewer="reviewer-1")
            self._flow.approve(self.checkout.id, reviewer="reviewer-1")
            self._tell("reviewer", "looks at the order and lets it through")

    def ship(self, *lines: str) -> None:
        """The shop ships some lines, or all that is left, and takes the money for them."""
        left = self.checkout.to_ship()
        units = {line: left[line] for line in lines or left}
        shipment = self._flow.ship(self.checkout.id, units).shipments[-1]
        what = "everything" if units == left else self._named(units)
        self._tell("shop", f"ships {what} and captures {shipment.amount}")

    def take_back(self, line: str) -> None:
        """The customer returns a whole line, and the shop gives the money back."""
        units = {line: self.checkout.shipped(line)}
        refund = self._flow.refund(self.checkout.id, units).refunds[-1]
        self._tell("shop", f"takes {self._named(units)} back and refunds {refund.amount}")

    def cancel(self) -> None:
        """The shop cancels the order; what is reserved is released."""
        self._flow.cancel(self.checkout.id)
        self._tell("shop", "cancels the order and releases what was reserved")

    def _tell(self, actor: str, text: str) -> None:
        self._stage.settle(self.checkout.id)
        self.checkout = self._flow.load(self.checkout.id)
        self.steps.append(Step(actor, text, self._flow.view(self.checkout.id)))

    def _pick(self, offers: Sequence[Offer]) -> str:
        """What the customer likes best of what is offered; nothing where nothing is."""
        ids = [offer.id for offer in offers]
        liked = [like for like in self._likes if like in ids]
        return (liked or ids or [""])[0]

    def _named(self, units: Mapping[str, int]) -> str:
        return pieces(units, {line.id: line.name for line in self.checkout.cart.lines})


_BOUGHT: Final = MappingProxyType(
    {
        Phase.PLACING: "buys, and is sent to {page}",
        Phase.COLLECTING: "buys, and the bank says no: {reason}",
        Phase.HELD: "buys; the bank reserves the money, and the shop holds the order",
        Phase.CONFIRMED: "buys, and the order is confirmed at once",
    }
)


def _given(field: str, market: str) -> str:
    """What the customer types: examples and placeholders, nobody's data."""
    area = AREAS[market]
    return {
        "email": "testperson@example.com",  # a name set aside by RFC 2606
        "phone": area.phone_example,
        "name": "Testperson",
        "organisation": "Test Organisation",
        "street": "Testvej 1",
        "postal_code": area.postal_example,
        "city": area.city_example,
        "country": area.code,
        "organisation_number": example("organisation_number", market),
        "national_id": example("national_id", market),
    }[field]


# The plots -------------------------------------------------------------------------------------


def plain(acts: Play) -> None:
    """Bought, looked at if it has to be, and shipped."""
    acts.buy()
    acts.review()
    acts.ship()


def insured(acts: Play) -> None:
    """Insured, and then like any other."""
    acts.insure()
    plain(acts)


def declined_first(acts: Play) -> None:
    """Declined, then paid another way."""
    acts.be_declined()
    acts.choose_another()
    plain(acts)


def in_two_parts(acts: Play) -> None:
    """Shipped in two parts, and the first line returned."""
    first = acts.checkout.cart.lines[0].id
    acts.buy()
    acts.review()
    acts.ship(first)
    acts.ship()
    acts.take_back(first)


def returned(acts: Play) -> None:
    """Shipped, and the first line returned."""
    plain(acts)
    acts.take_back(acts.checkout.cart.lines[0].id)


def cancelled(acts: Play) -> None:
    """Cancelled before anything was shipped."""
    acts.buy()
    acts.review()
    acts.cancel()


STORIES: Final = (
    Story("DK", "Denmark: a wallet, approved on the bank's own page", plain, ("wallet",)),
    Story("SE", "Sweden: the card is declined, the wallet is not", declined_first, ("card",)),
    Story("NO", "Norway: a large order, insured, waits for a person", insured, ("card",)),
    Story("FI", "Finland: shipped in two parts, one line returned", in_two_parts, ("card",)),
    Story("IS", "Iceland: no decimals, cancelled before shipping", cancelled, ("card", "pickup")),
)


# What happens in each country with a provider's stand-in.
_PLOTS: Final = MappingProxyType(
    {"DK": in_two_parts, "SE": plain, "NO": cancelled, "FI": returned, "IS": plain}
)


def stories_of(provider: str, *, ships_in_parts: bool) -> list[Story]:
    """The sales of the demo with one provider, in the countries where it is used."""
    told = {
        in_two_parts: "sent in two parts, one line returned",
        plain: "bought and sent",
        cancelled: "cancelled before anything was sent",
        returned: "sent, and one line returned",
    }
    stories = []
    for market in SOLD[provider]:
        plot = _PLOTS[market] if ships_in_parts or market != "DK" else returned
        stories.append(Story(market, f"{market}: {told[plot]}", plot))
    return stories
