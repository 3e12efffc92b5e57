"""The port to the shop's own ledger of gift cards and store credit.

A ledger knows codes, and how much is on each. A payment holds some of it when the customer buys;
what is held is taken when goods are sent, or released; what was taken can be given back. The shop
may keep it in tables of its own or behind an API; ``checkoutflow.stores.ledger`` has one that works
as it is. `checkoutflow.testing.LEDGER_CHECKS` hold any of them to this page:

- A call is looked at and written down in one transaction: two at once never get the same money.
- A call that comes again under its key gets the first answer and moves nothing, for as long as the
  payment is kept. Only its ``at`` is a later one. A key that comes with anything else, or a second
  hold for a payment, is a mistake of the caller's: raise, and move nothing.
- A "no" is an answer and is written down as well. Whatever is raised leaves open what was done, and
  `Ledger.standing` is asked; `Unreachable` says that nothing was.
- An answer takes seconds at most. After a minute another worker makes the call again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from checkoutflow.model import Frozen
from checkoutflow.money import Money

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from checkoutflow.privacy.secret import Secret


class Move(StrEnum):
    """What a ledger does with money: from free to held to taken, and back to free from both."""

    HOLD = "hold"
    TAKE = "take"
    RELEASE = "release"
    GIVE_BACK = "give_back"


class Answer(StrEnum):
    """What came of a move. All but ``done`` say that nothing moved.

    Of a hold: ``unknown_code``, ``expired``, ``wrong_currency``, ``insufficient_funds``. Of what
    follows it: ``no_such_payment``, and ``too_much`` for more than is held, or was taken.
    """

    DONE = "done"
    UNKNOWN_CODE = "unknown_code"
    EXPIRED = "expired"
    WRONG_CURRENCY = "wrong_currency"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    NO_SUCH_PAYMENT = "no_such_payment"
    TOO_MUCH = "too_much"


@dataclass(frozen=True, slots=True)
class Hold:
    """Hold money of a gift card or an account for a payment.

    Attributes:
        key: Idempotency key, at most 40 characters of ``a-z0-9-``.
        payment: Our name for the payment: 20 characters of ``a-z2-7``.
        code: The card's code as the customer typed it, or the account's as the shop gave it.
        amount: Above zero.
        at: When it is asked; what has expired by then holds nothing.
    """

    key: str
    payment: str
    code: Secret
    amount: Money
    at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """Take, release or give back some of a payment; the fields are those of `Hold`."""

    key: str
    payment: str
    amount: Money
    at: datetime


class Entry(Frozen):
    """One move that was asked for, with its answer."""

    key: str
    move: Move
    amount: Money
    answer: Answer = Answer.DONE


class Ledger(Protocol):
    """What `StoredValue` needs of a ledger. Methods are called from several threads."""

    def hold(self, order: Hold) -> Answer:
        """Keep an amount for a payment: nobody else can use it."""

    def take(self, order: Change) -> Answer:
        """Take some or all of what is held; also once the card has expired."""

    def release(self, order: Change) -> Answer:
        """Let go of so much of what is held and not taken: it is on the card again."""

    def give_back(self, order: Change) -> Answer:
        """Put so much of what was taken on the card again."""

    def standing(self, payment: str) -> Sequence[Entry]:
        """Everything that was asked about a payment; empty if the ledger never heard of it.

        A move for a payment without a hold (``no_such_payment``) may be left out.
        """
