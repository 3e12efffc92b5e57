"""A change in the making: the state so far, and the events that led to it."""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.checkout.events import (
    AttemptStarted,
    Event,
    PaymentCaptured,
    PaymentRefunded,
    PaymentVoided,
)
from checkoutflow.checkout.evolve import evolve
from checkoutflow.errors import Contradiction, NotSupported
from checkoutflow.payment.outcomes import Operation

if TYPE_CHECKING:
    from datetime import datetime

    from checkoutflow.checkout.state import Checkout, Payment
    from checkoutflow.choice.rules import Rules
    from checkoutflow.money import Money

# How long whoever wrote an attempt down has to send it and hear the answer. Longer than any call
# may take, so that nobody else sends the same request meanwhile.
LEASE: Final = timedelta(seconds=60)


class Draft:
    """Events are added one by one; each is applied at once, so that the next one sees it."""

    def __init__(self, state: Checkout, rules: Rules, at: datetime, number: int) -> None:
        """Begin with a checkout as it stands, and the next number of an invoice."""
        self.state = state
        self.rules = rules
        self.at = at
        self.events: list[Event] = []
        self.may_retry = False
        self._number = number

    def add(self, event: Event) -> None:
        """Let an event happen.

        Raises:
            IllegalTransition: If a table has no such step.
            UsageError: If an amount does not fit the books.
        """
        self.state = evolve(self.state, event)
        self.events.append(event)

    def take_number(self) -> int:
        """The next number in the series of invoices and credit notes."""
        self._number += 1
        return self._number - 1

    def fresh_expiry(self) -> datetime:
        """When the checkout expires if nothing more happens while collecting."""
        return self.at + timedelta(seconds=self.rules.shop.lifetime_s)

    def attempt(
        self, payment: Payment, operation: Operation, amount: Money, part: str = ""
    ) -> None:
        """Begin one operation: written down now, sent by whoever commits it.

        Where no provider stands behind the payment, the shop's own word is enough and the
        operation is done at once.

        Raises:
            NotSupported: If the provider does not do this.
            Contradiction: If the provider's last word about this payment cannot be.
        """
        if payment.provider is None:
            self.add(_DONE_BY_US[operation](payment=payment.id, amount=amount))
            return
        capabilities = self.rules.behind(payment.provider)
        if not capabilities.operations:
            raise NotSupported(f"there is no provider {payment.provider}", field="provider")
        if operation not in capabilities.operations:
            raise NotSupported(f"{payment.provider} cannot {operation}", field="payment")
        is_part = amount < _whole(payment, operation)
        if operation is Operation.CAPTURE and is_part and capabilities.captures == "whole":
            raise NotSupported(f"{payment.provider} captures all at once only", field="lines")
        is_once = operation is Operation.CAPTURE and is_part and capabilities.captures == "once"
        if is_once and self.state.unsent():
            raise NotSupported(
                f"{payment.provider} captures once and releases the rest: ship everything "
                "together, or cancel the other lines first",
                field="lines",
            )
        if operation is Operation.REFUND and is_part and not capabilities.partial_refund:
            raise NotSupported(f"{payment.provider} refunds all at once only", field="lines")
        if payment.contradiction:
            raise Contradiction(
                f"payment {payment.id} is stopped: the provider said {payment.contradiction}"
            )
        self.add(
            AttemptStarted(
                payment=payment.id,
                attempt=f"{payment.id}-{len(payment.attempts) + 1}",
                operation=operation,
                amount=amount,
                part=part,
                at=self.at,
                lease_until=self.at + LEASE,
            )
        )


_DONE_BY_US: Final = MappingProxyType(
    {
        Operation.CAPTURE: PaymentCaptured,
        Operation.VOID: PaymentVoided,
        Operation.REFUND: PaymentRefunded,
    }
)


def _whole(payment: Payment, operation: Operation) -> Money:
    return payment.books.refundable if operation is Operation.REFUND else payment.books.capturable
