"""An adapter whose requests say what they are for, whatever the provider calls it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from checkoutflow.payment.outcomes import Operation
from checkoutflow.testing.standins.base import STATUS

if TYPE_CHECKING:
    import httpx

    from checkoutflow.payment.outcomes import Result, Standing
    from checkoutflow.providers.base import ConfiguredProvider
    from checkoutflow.providers.contract import Ask, Authorise, Exchange, Modification

T = TypeVar("T")
_PURPOSE: Final = "checkoutflow purpose"


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a request is for.

    Attributes:
        operation: An ``Operation``, or ``status``.
        reference: Our reference of the payment.
        key: The idempotency key of an operation; empty for a look-up.
        step: Its place among the requests that the operation needs, from 1.
    """

    operation: str
    reference: str
    key: str
    step: int

    def __str__(self) -> str:
        """It, in a few words."""
        more = f" ({self.step})" if self.step > 1 else ""
        return f"{self.operation} {self.reference[:6]}{more}"


def purpose_of(request: httpx.Request) -> Purpose:
    """What a request is for."""
    purpose: Purpose = request.extensions[_PURPOSE]
    return purpose


class Overheard:
    """An adapter, with a note on each of its requests."""

    def __init__(self, adapter: ConfiguredProvider) -> None:
        """Listen to one."""
        self._adapter: Any = adapter

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- whatever the adapter has
        """What is not listened to is the adapter's own."""
        return getattr(self._adapter, name)

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """As the adapter's."""
        return _noted(Operation.AUTHORISE, order, self._adapter.authorise(order))

    def capture(self, order: Modification) -> Exchange[Result]:
        """As the adapter's."""
        return _noted(Operation.CAPTURE, order, self._adapter.capture(order))

    def void(self, order: Modification) -> Exchange[Result]:
        """As the adapter's."""
        return _noted(Operation.VOID, order, self._adapter.void(order))

    def refund(self, order: Modification) -> Exchange[Result]:
        """As the adapter's."""
        return _noted(Operation.REFUND, order, self._adapter.refund(order))

    def status(self, ask: Ask) -> Exchange[Standing]:
        """As the adapter's."""
        return _noted(STATUS, ask, self._adapter.status(ask))


def _noted(
    operation: str, order: Authorise | Modification | Ask, exchange: Exchange[T]
) -> Exchange[T]:
    """Run an operation, with a note on each request."""
    key = "" if operation == STATUS else order.key  # type: ignore[union-attr] # a question has none
    answer: Any = None
    step = 1
    while True:
        try:
            request = exchange.send(answer)
        except StopIteration as stop:
            value: T = stop.value
            return value
        request.extensions[_PURPOSE] = Purpose(operation, order.merchant_reference, key, step)
        answer = yield request
        step += 1
