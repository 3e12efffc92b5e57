"""What a provider can do, as it says itself."""

from __future__ import annotations

from pydantic import field_validator

from checkoutflow.errors import NotSupported
from checkoutflow.model import Frozen
from checkoutflow.payment.outcomes import Operation
from checkoutflow.privacy.fields import Purpose, all_usable


class Capabilities(Frozen):
    """What a provider can do. A claim here is checked by ``checkoutflow.testing.ADAPTER_CHECKS``.

    Attributes:
        operations: What it can be asked to do.
        can_be_asked: Whether ``status`` exists. Where it does not, what has no answer is sent again
            while ``repeat_s`` allows it, and then waits for a person.
        currencies: ISO 4217 codes that it takes.
        partial_capture: Whether less than the whole can be captured, and the rest later.
        partial_refund: Whether less than what was captured can be given back.
        repeat_s: For how many seconds after the first send a repeat under the same key is answered
            with the first answer instead of being done again; 0 where a repeat is never safe.
        absence_s: How many seconds a "not found" must have lasted after the last possible send
            before it proves that nothing was done. Default 900.
        details: Contact fields that ``authorise`` wants, of those the customer gave.
    """

    operations: frozenset[Operation]
    can_be_asked: bool
    currencies: frozenset[str]
    partial_capture: bool = True
    partial_refund: bool = True
    repeat_s: int = 0
    absence_s: int = 900
    details: frozenset[str] = frozenset()

    @field_validator("details")
    @classmethod
    def _may_be_used_for_this(cls, details: frozenset[str]) -> frozenset[str]:
        all_usable(details, Purpose.TAKE_PAYMENT)
        return details

    def require(self, operation: Operation, currency: str) -> None:
        """Refuse what is not offered; adapters call it before they build a request.

        Raises:
            NotSupported: If the operation is not offered, or not in this currency.
        """
        if operation not in self.operations:
            raise NotSupported(f"this provider does not offer {operation}")
        if currency not in self.currencies:
            raise NotSupported(f"this provider does not take {currency}", field="currency")
