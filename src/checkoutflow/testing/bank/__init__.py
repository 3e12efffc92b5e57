"""A simulated bank: a payment provider to sell with, and the truth in tests.

``service`` is the bank as tests and HTTP see it, ``wire`` what it reads and writes. What it shares
with other stand-ins, its money and its faults, is in ``checkoutflow.testing.standins``.
"""

from __future__ import annotations

from checkoutflow.testing.bank.service import SimulatedBank
from checkoutflow.testing.bank.wire import METHODS
from checkoutflow.testing.standins.book import TEST_CARDS, Book, Entry, Moved, Refusal
from checkoutflow.testing.standins.faults import Fault

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
