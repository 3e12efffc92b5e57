"""Insurance in the flow: asking partners for quotes, and what insurers are told afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from checkoutflow.checkout import commands as c
from checkoutflow.checkout.insuring import buying
from checkoutflow.checkout.machine import Phase
from checkoutflow.errors import CheckoutError, UsageError
from checkoutflow.flow.acting import Acting
from checkoutflow.flow.effects import Program, ask_store, now
from checkoutflow.insurance.bordereau import Bordereau, bordereau, rows
from checkoutflow.insurance.offers import to_ask
from checkoutflow.insurance.quotes import read_quotes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.insurance.bordereau import Row
    from checkoutflow.insurance.quotes import Asked, Quote
    from checkoutflow.insurers import Partner

# Where covers are bound, or were: before that an insurer has nothing to be told.
_BOUND: Final = frozenset({Phase.CONFIRMED, Phase.FULFILLED, Phase.CANCELLED})
_AT_ONCE: Final = 500


class Covering(Acting):
    """Quotes and the bordereau."""

    partners: dict[str, Partner]

    def meet(self, partners: Iterable[Partner]) -> None:
        """Take in the partners that the shop's products are quoted by.

        Raises:
            UsageError: If one is missing, or has the name of another one or of a provider.
        """
        self.partners = {}
        for partner in partners:
            if partner.name in self.partners or partner.name in self.providers:
                raise UsageError(f"two partners are named {partner.name}", field="partners")
            self.partners[partner.name] = partner
        for product in self.shop.insurance:
            if product.quoted_by and product.quoted_by not in self.partners:
                names = ", ".join(self.partners) or "none"
                raise UsageError(
                    f"{product.id} is quoted by {product.quoted_by}, but the partners are: {names}",
                    field="partners",
                )

    def quote_insurance(self, checkout_id: str, key: str) -> Program[Checkout]:
        """Ask partners what their covers cost for this cart. Without a quote there is no offer."""
        state = yield from self.load(checkout_id)
        at = yield from now()
        quotes: list[Quote] = []
        if state.phase is Phase.COLLECTING:
            asked = to_ask(self.shop.insurance, buying(state, self.rules, at), self.rules.law)
            for name, wanted in asked.items():
                quotes += yield from self._quoted(self.partners[name], wanted, at)
        command = c.TakeQuotes(quotes=tuple(quotes))
        return (yield from self.act(checkout_id, [command], {}, key))

    def _quoted(
        self, partner: Partner, asked: Sequence[Asked], at: datetime
    ) -> Program[tuple[Quote, ...]]:
        """Ask one partner. Whatever happens there, the sale goes on."""
        try:
            told = yield from self._exchanged(partner, partner.quotes(asked), at, "quotes")
        except CheckoutError:
            return ()
        except Exception:  # noqa: BLE001 -- a partner of the shop's own may raise anything
            return ()
        return read_quotes(told, asked, at)

    def bordereau(self, insurer: str, first: date, last: date) -> Program[Bordereau]:
        """What an insurer is told of a period.

        Raises:
            UsageError: If the period ends before it begins.
        """
        if last < first:
            raise UsageError("the period ends before it begins", field="last")
        # A day before, since the clocks of those who write differ.
        since = datetime.combine(first, time(), tzinfo=UTC) - timedelta(days=1)
        found: list[Row] = []
        after = ""
        while True:
            names: Sequence[str] = yield from ask_store(
                "checkouts", _BOUND, after=after, limit=_AT_ONCE, since=since
            )
            for name in names:
                state = yield from self.load(name)
                found += rows(state.id, state.market, state.policies)
            if len(names) < _AT_ONCE:
                return bordereau(found, insurer, first, last)
            after = names[-1]
