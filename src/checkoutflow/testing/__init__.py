"""What merchants and authors of plug-ins import in their own tests.

A simulated bank, a clock to move by hand, a shop with carts, a whole world that can crash, and the
checks that hold adapters, stores and ledgers to their contracts. Nothing here is needed to sell,
and nothing is loaded before it is used: pytest comes by here in every project that has checkoutflow
installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from checkoutflow.lazy import lazily

if TYPE_CHECKING:
    from checkoutflow.testing.adapters import ADAPTER_CHECKS, AdapterCase
    from checkoutflow.testing.bank import Fault, SimulatedBank
    from checkoutflow.testing.check import check_world
    from checkoutflow.testing.clock import Clock
    from checkoutflow.testing.ledgers import LEDGER_CHECKS, LedgerStage
    from checkoutflow.testing.samples import CUSTOMERS, sample_carts, sample_shop
    from checkoutflow.testing.stores import STORE_CHECKS
    from checkoutflow.testing.world import World

__all__ = [
    "ADAPTER_CHECKS",
    "CUSTOMERS",
    "LEDGER_CHECKS",
    "STORE_CHECKS",
    "AdapterCase",
    "Clock",
    "Fault",
    "LedgerStage",
    "SimulatedBank",
    "World",
    "check_world",
    "sample_carts",
    "sample_shop",
]

__getattr__ = lazily(
    __name__,
    {
        "adapters": "ADAPTER_CHECKS AdapterCase",
        "bank": "Fault SimulatedBank",
        "check": "check_world",
        "clock": "Clock",
        "ledgers": "LEDGER_CHECKS LedgerStage",
        "samples": "CUSTOMERS sample_carts sample_shop",
        "stores": "STORE_CHECKS",
        "world": "World",
    },
)
