"""The test kit itself: the clock, the stepping driver, and a check for every promise it makes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.desk import MUG, MUGS_AND_BOOK, SHOP, SOFA, Desk, Witness, buy, ship, start

from checkoutflow.checkout import events as e
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.state import PartState, Refund
from checkoutflow.errors import NotFound
from checkoutflow.money import Money
from checkoutflow.payment.outcomes import Operation
from checkoutflow.stores.contract import Due, JournalEntry, Message
from checkoutflow.stores.memory import MemoryStore
from checkoutflow.testing import check_world
from checkoutflow.testing.bank import Fault
from checkoutflow.testing.clock import Clock
from checkoutflow.testing.driver import Crash, Stop, interleave
from checkoutflow.testing.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
