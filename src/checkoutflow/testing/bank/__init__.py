"""A simulated bank: a payment provider to sell with, and the truth in tests.

``service`` is the bank as tests and HTTP see it, ``book`` its money, ``faults`` what can go wrong,
``wire`` what it reads and writes.
"""

from __future__ import annotations

from checkoutflow.testing.bank.book import TEST_CARDS, Book, Entry, Moved, Refusal
from checkoutflow.testing.bank.faults import Fault
from checkoutflow.testing.bank.service import SimulatedBank
from checkoutflow.testing.bank.wire import METHODS

__all__ = [
    "METHODS",
    "TEST_CARDS",
    "Book",
    "Entry",
    "Fault",
    "Moved",
    "Refusal",
    "SimulatedBank",
]
