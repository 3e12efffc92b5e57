"""The sale that is measured, and a world in which every run of it is the same to the byte."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Final

from checkoutflow import Cart, CheckoutFlow, Keys, Secret, Shop, UntrustedNotice
from checkoutflow.payment.capabilities import Capabilities
from checkoutflow.payment.outcomes import Operation, Outcome, Result, Standing, Word
from checkoutflow.providers.contract import Notice
from checkoutflow.providers.notices import header, hmac_hex, require_same

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from checkoutflow import Checkout
    from checkoutflow.providers.contract import (
        Ask,
        Authorise,
        Exchange,
        Modification,
        Provider,
        Webhook,
    )
    from checkoutflow.review.score import ScoreModel
    from checkoutflow.stores.contract import Store

NOON: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

SHOP: Final = Shop.read(
    {
        "name": "Fjord",
        "markets": ["DK"],
        "methods": [{"id": "card", "name": "Card", "provider": "agreeable"}],
        "deliveries": [{"id": "parcel", "name": "Parcel", "prices": ["49.00 DKK"]}],
    }
)

# The same shop, whose provider does not answer at once.
CALLED: Final = Shop.read(
    {
        **SHOP.model_dump(exclude_unset=True),
        "methods": [{"id": "card", "name": "Card", "provider": "calling"}],
    }
)

# The same shop, which sends codes to those who ask to be recognised.
ASKING: Final = Shop.read({**SHOP.model_dump(exclude_unset=True), "messages": ["code_asked"]})

CART_DATA: Final = {
    "lines": [
        {"sku": "mug", "name": "Mug", "quantity": 3, "unit_price": "129.00 DKK"},
        {
            "sku": "book",
            "name": "Book",
            "quantity": 1,
            "unit_price": "199.95 DKK",
            "vat_category": "books",
        },
    ]
}
KEYS: Final = Keys.of(b"a key of the benchmark, 32 bytes")

CART: Final = Cart.read(CART_DATA)

DETAILS: Final = {
    "email": "name@example.com",
    "name": "Test Person",
    "street": "Testvej 1",
    "postal_code": "2100",
    "city": "København",
}


BACK: Final = "https://shop.example/back"


class Agreeable:
    """A provider that says yes at once, without any request: no HTTP is measured."""

    name = "agreeable"
    capabilities = Capabilities(
        operations=frozenset(Operation),
        can_be_asked=True,
        currencies=frozenset({"DKK"}),
        repeat_s=86_400,
        details=frozenset({"email"}),
    )

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Reserve it for a week."""
        yield from ()
        return Result(
            outcome=Outcome.SUCCEEDED,
            provider_reference=f"reference-{order.merchant_reference}",
            valid_until=NOON + timedelta(days=7),
        )

    def status(self, ask: Ask) -> Exchange[Standing]:
        """Know nothing; a plain sale never asks."""
        yield from ()
        return Standing.nothing(Word.UNCLEAR, ask.amount.currency)

    def capture(self, order: Modification) -> Exchange[Result]:
        """Agree."""
        yield from ()
        return Result(outcome=Outcome.SUCCEEDED, provider_reference=order.provider_reference)

    void = refund = capture

    def read_notices(self, webhook: Webhook) -> tuple[Notice, ...]:
        """Never called: it sends none."""
        raise NotImplementedError(webhook)


class Calling(Agreeable):
    """Does not know at first, and says so later by a webhook, signed as most providers sign."""

    name = "calling"
    secret = Secret("a secret of the benchmarks")

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Make the customer wait."""
        yield from ()
        reference = f"reference-{order.merchant_reference}"
        return Result(outcome=Outcome.PENDING, provider_reference=reference)

    def status(self, ask: Ask) -> Exchange[Standing]:
        """Have agreed meanwhile."""
        yield from ()
        return Standing.nothing(Word.AUTHORISED, ask.amount.currency).but(
            authorised=ask.amount, provider_reference=ask.provider_reference
        )

    def call(self, payment: str, event: str) -> tuple[dict[str, str], bytes]:
        """Make a webhook: its headers and its body."""
        told = {"id": event, "payment": payment, "type": "payment.authorised"}
        body = json.dumps(told).encode()
        return {"Signature": hmac_hex(self.secret, body)}, body

    def read_notices(self, webhook: Webhook) -> tuple[Notice, ...]:
        """Verify the signature over the raw bytes, then parse."""
        require_same(hmac_hex(self.secret, webhook.body), header(webhook.headers, "signature"))
        match json.loads(webhook.body):
            case {"id": str(event), "payment": str(payment), "type": str(kind)}:
                return (Notice(id=event, merchant_reference=payment, kind=kind),)
            case _:
                raise UntrustedNotice("signed, but not readable as a notice")


class Ticking:
    """A clock that goes on a little whenever it is looked at."""

    def __init__(self) -> None:
        """Begin at noon."""
        self.at = NOON

    def __call__(self) -> datetime:
        """Tell the time."""
        self.at += timedelta(microseconds=1234)
        return self.at


def open_flow(
    store: Store,
    *,
    shop: Shop = SHOP,
    clock: Callable[[], datetime] | None = None,
    providers: Sequence[Provider] = (),
    score: ScoreModel | None = None,
    seed: int = 7,
) -> CheckoutFlow:
    """Make a flow whose clock and dice are the same in every run."""
    dice = Random(seed).randbytes  # noqa: S311 -- nothing here is secret
    return CheckoutFlow(
        shop,
        providers=providers or [Agreeable(), Calling()],
        store=store,
        keys=KEYS,
        score=score,
        clock=clock or Ticking(),
        random=dice,
    )


def sell_in_steps(flow: CheckoutFlow) -> str:
    """Sell with every step a call of its own."""
    checkout = flow.start(CART, market="DK", locale="da_DK")
    flow.provide(checkout.id, **DETAILS)
    return _buy(flow, flow.choose_payment(checkout.id, "card"))


def sell_together(flow: CheckoutFlow) -> str:
    """Sell with the details and the choice of payment given together."""
    checkout = flow.start(CART, market="DK", locale="da_DK")
    return _buy(flow, flow.provide(checkout.id, payment="card", **DETAILS))


def buy(flow: CheckoutFlow) -> str:
    """Buy, as far as a provider's answer; gives the checkout's id."""
    checkout = flow.start(CART, market="DK", details=DETAILS, payment="card")
    flow.place(checkout.id, accepted_total=checkout.total, return_url=BACK)
    return checkout.id


def remember(flow: CheckoutFlow, email: str) -> None:
    """Sell to somebody who agrees to be remembered."""
    details = {**DETAILS, "email": email}
    checkout = flow.start(CART, market="DK", details=details, payment="card")
    flow.consent(checkout.id, profile=True)
    _buy(flow, checkout)


def _buy(flow: CheckoutFlow, checkout: Checkout) -> str:
    flow.place(checkout.id, accepted_total=checkout.total, return_url=BACK)
    checkout = flow.ship(checkout.id)
    assert checkout.phase == "fulfilled"
    return checkout.id
