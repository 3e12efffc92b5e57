"""The books of one payment: double entry, append only, and deaf to nonsense.

Money moves between four accounts. Every posting takes from one and gives to another, so the sum
stays what the customer brought and a balance is never the only copy: the journal's events are the
entries, and the totals here are their sums.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from checkoutflow.errors import UsageError
from checkoutflow.model import Frozen
from checkoutflow.money import Money


class Account(StrEnum):
    """Where an amount of one payment can be."""

    CUSTOMER = "customer"
    RESERVED = "reserved"
    TAKEN = "taken"


class Posting(StrEnum):
    """A kind of entry in a payment's books."""

    AUTHORISED = "authorised"
    VOIDED = "voided"
    CAPTURED = "captured"
    CAPTURE_FAILED = "capture_failed"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"


# (from, to). A void and an expiry are the same entry: what was reserved is the customer's again.
POSTINGS: Final = MappingProxyType(
    {
        Posting.AUTHORISED: (Account.CUSTOMER, Account.RESERVED),
        Posting.VOIDED: (Account.RESERVED, Account.CUSTOMER),
        Posting.CAPTURED: (Account.RESERVED, Account.TAKEN),
        Posting.CAPTURE_FAILED: (Account.TAKEN, Account.RESERVED),
        Posting.REFUNDED: (Account.TAKEN, Account.CUSTOMER),
        Posting.REFUND_FAILED: (Account.CUSTOMER, Account.TAKEN),
    }
)


class Books(Frozen):
    """What has happened to one payment's money, as running totals in minor units.

    Attributes:
        currency: ISO 4217 code of every amount.
        authorised: Reserved in all.
        voided: Released without being captured, by us, by the provider or by time.
        captured: Taken, less captures that failed later.
        refunded: Given back, less refunds that failed later.
    """

    currency: str
    authorised: int = 0
    voided: int = 0
    captured: int = 0
    refunded: int = 0

    @property
    def capturable(self) -> Money:
        """Reserved and neither captured nor released."""
        return Money(self.authorised - self.voided - self.captured, self.currency)

    @property
    def refundable(self) -> Money:
        """Captured and not given back."""
        return Money(self.captured - self.refunded, self.currency)

    def balance(self, account: Account) -> int:
        """What stands on an account, in minor units; the three always sum to zero."""
        return {
            Account.CUSTOMER: self.voided + self.refunded - self.authorised,
            Account.RESERVED: self.capturable.minor,
            Account.TAKEN: self.refundable.minor,
        }[account]

    def post(self, posting: Posting, amount: Money) -> Books:
        """Enter one posting.

        Args:
            posting: The kind of entry.
            amount: Above zero, in the books' currency.

        Raises:
            UsageError: If the amount is not above zero, is in another currency, or is more than
                what stands on the account that it is taken from.
        """
        if amount.currency != self.currency:
            raise UsageError(f"the books are in {self.currency}, not {amount.currency}")
        if amount.minor <= 0:
            raise UsageError(f"{posting} needs an amount above zero, not {amount}")
        source, _ = POSTINGS[posting]
        held = self.refunded if posting is Posting.REFUND_FAILED else self.balance(source)
        if source is Account.CUSTOMER and posting is Posting.AUTHORISED:
            held = amount.minor  # the customer's own bank decides how much they have
        if amount.minor > held:
            limit = Money(held, self.currency)
            raise UsageError(f"{posting} of {amount} is more than the {limit} there is")
        total, sign = _TOTALS[posting]
        return self.model_copy(update={total: getattr(self, total) + sign * amount.minor})


# The running total that a posting moves, and which way.
_TOTALS: Final = MappingProxyType(
    {
        Posting.AUTHORISED: ("authorised", 1),
        Posting.VOIDED: ("voided", 1),
        Posting.CAPTURED: ("captured", 1),
        Posting.CAPTURE_FAILED: ("captured", -1),
        Posting.REFUNDED: ("refunded", 1),
        Posting.REFUND_FAILED: ("refunded", -1),
    }
)
