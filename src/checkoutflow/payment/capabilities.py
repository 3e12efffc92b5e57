"""What a provider can do, as it says itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import field_validator

from checkoutflow.errors import NotSupported
from checkoutflow.model import Frozen
from checkoutflow.payment.outcomes import Operation
from checkoutflow.privacy.fields import Purpose, all_usable

Captures = Literal["many", "once", "whole"]


class MandateTerms(Frozen):
    """How a provider takes later payments on a mandate.

    Attributes:
        first_charge: Whether a first payment can be taken together with the customer's consent.
        ahead_days: How many days before it is due a charge must be sent; 0 if it is made at once.
        retries_days: For how many days the provider itself tries a charge again that failed. While
            it does, we must not: the customer could pay twice.
        can_be_ended: Whether the provider keeps a mandate that it can be told to end. Where it does
            not, forgetting the token is the end of it.
    """

    first_charge: bool = False
    ahead_days: int = 0
    retries_days: int = 0
    can_be_ended: bool = True


class Capabilities(Frozen):
    """What a provider can do. A claim here is checked by ``checkoutflow.testing.ADAPTER_CHECKS``.

    Attributes:
        operations: What it can be asked to do.
        can_be_asked: Whether ``status`` exists. Where it does not, signed notices decide; what has
            no answer is sent again while ``repeat_s`` allows it, and then waits for a person.
        finds_by_ours: Whether ``status`` finds a payment by our reference alone. Where it does not,
            a payment whose provider reference we never got is sent again while that is safe.
        currencies: ISO 4217 codes that it takes.
        captures: ``many``: in parts, each when it is sent. ``once``: one part, and what is left is
            released with it. ``whole``: all of it at once only.
        partial_refund: Whether less than what was captured can be given back.
        repeat_s: For how many seconds after the first send a repeat under the same key is done
            once only; 0 where a repeat is never safe. By operation, or one number for all.
        absence_s: How many seconds a "not found" must have lasted after the last possible send
            before it proves that nothing was done. Default 900.
        mandates: How later payments are taken; None if it has none. It is then a
            ``MandateProvider``.
        details: Contact fields that ``authorise`` wants, of those the customer gave. Those that may
            be used to identify somebody for credit only come with methods that are credit.
    """

    operations: frozenset[Operation]
    can_be_asked: bool
    currencies: frozenset[str]
    finds_by_ours: bool = True
    captures: Captures = "many"
    partial_refund: bool = True
    repeat_s: int | Mapping[Operation, int] = 0
    absence_s: int = 900
    mandates: MandateTerms | None = None
    details: frozenset[str] = frozenset()

    @field_validator("details")
    @classmethod
    def _may_be_used_for_this(cls, details: frozenset[str]) -> frozenset[str]:
        all_usable(details, Purpose.TAKE_PAYMENT, Purpose.IDENTIFY_FOR_CREDIT)
        return details

    def repeats_for(self, operation: Operation) -> int:
        """For how many seconds a repeat of an operation is safe."""
        given = self.repeat_s
        return given if isinstance(given, int) else given.get(operation, 0)

    def require(self, operation: Operation, currency: str) -> None:
        """Refuse what is not offered; adapters call it before they build a request.

        Raises:
            NotSupported: If the operation is not offered, or not in this currency.
        """
        if operation not in self.operations:
            raise NotSupported(f"this provider does not offer {operation}")
        if currency not in self.currencies:
            raise NotSupported(f"this provider does not take {currency}", field="currency")
