"""Gift cards and store credit: paid out of a ledger that the shop itself keeps.

There is no remote party, so nobody sends notices, and each operation is one call of the shop's
`Ledger`. What the customer pays with is known by a code: the one on the gift card, or for store
credit one that the shop gave the customer's account. Whoever knows it can spend it.

A crash before or after any of the calls loses nothing: each has a key under which the ledger does
it once, and `Ledger.standing` says under which keys it did what.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.errors import Contradiction, InvalidInput, UntrustedNotice
from checkoutflow.money import DIGITS, Money
from checkoutflow.payment.capabilities import Capabilities
from checkoutflow.payment.outcomes import Done, Operation, Outcome, Result, Standing, Word
from checkoutflow.providers.base import SUCCEEDED, UNKNOWN, require_possible, unclear
from checkoutflow.providers.contract import consult
from checkoutflow.providers.ledger import Answer, Change, Entry, Hold, Move

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from checkoutflow.providers.contract import (
        Ask,
        Authorise,
        Exchange,
        Modification,
        Notice,
        Webhook,
    )
    from checkoutflow.providers.ledger import Ledger

CAPABILITIES: Final = Capabilities(
    operations=frozenset(Operation),
    can_be_asked=True,
    currencies=frozenset(DIGITS),
    repeat_s=365 * 86_400,  # a ledger remembers its keys for as long as the payment
)


@dataclass(frozen=True, slots=True)
class StoredValue:
    """The payment provider that is the shop's own ledger.

    Attributes:
        ledger: Where the money is kept.
        name: In settings and in the store. Gift cards and store credit are two of them, each with a
            ledger of its own: otherwise one could be paid with by typing a code of the other's.
    """

    ledger: Ledger
    name: str = "gift_cards"

    @property
    def capabilities(self) -> Capabilities:
        """Everything, in every currency."""
        return CAPABILITIES

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Hold the amount.

        Raises:
            InvalidInput: If there is no code to hold it on.
        """
        self.capabilities.require(Operation.AUTHORISE, order.amount.currency)
        if order.instrument is None:
            raise InvalidInput("is needed: the code of the card or account", field="instrument")
        at = _moment(order.at)
        hold = Hold(order.key, order.merchant_reference, order.instrument, order.amount, at)
        return _asked(self.ledger.hold, hold, no=Outcome.DECLINED)

    def capture(self, order: Modification) -> Exchange[Result]:
        """Take some or all of what is held."""
        return self._modified(Operation.CAPTURE, self.ledger.take, order)

    def void(self, order: Modification) -> Exchange[Result]:
        """Release what is held and not taken."""
        return self._modified(Operation.VOID, self.ledger.release, order)

    def refund(self, order: Modification) -> Exchange[Result]:
        """Put what was taken on the card again."""
        return self._modified(Operation.REFUND, self.ledger.give_back, order)

    def _modified(
        self, operation: Operation, call: Callable[[Change], Answer], order: Modification
    ) -> Exchange[Result]:
        self.capabilities.require(operation, order.amount.currency)
        at = _moment(order.at)
        change = Change(order.key, order.merchant_reference, order.amount, at)
        return _asked(call, change, no=Outcome.REFUSED)

    def status(self, ask: Ask) -> Exchange[Standing]:
        """Say what was held, taken, released and given back, and under which keys."""
        self.capabilities.require(Operation.AUTHORISE, ask.amount.currency)
        entries: Any = yield from consult(self.ledger.standing, ask.merchant_reference)
        if isinstance(entries, list | tuple) and all(isinstance(item, Entry) for item in entries):
            return _standing(ask, entries)
        return unclear(ask)

    def read_notices(self, webhook: Webhook) -> Sequence[Notice]:  # noqa: ARG002 -- the contract's
        """Believe none: there is nobody who could send one.

        Raises:
            UntrustedNotice: Always.
        """
        raise UntrustedNotice("the shop's own ledger sends no notices")


def _moment(at: datetime | None) -> datetime:
    if at is None:
        raise InvalidInput("is needed: a ledger asks what has expired by then", field="at")
    return at


def _asked(call: Callable[[Any], Answer], order: Hold | Change, *, no: Outcome) -> Exchange[Result]:
    """One move, and what a "no" to it is."""
    answer: object = yield from consult(call, order)
    if answer == Answer.DONE:
        return SUCCEEDED
    if isinstance(answer, Answer):
        return Result(outcome=no, reason=answer)
    return UNKNOWN


def _standing(ask: Ask, entries: Sequence[Entry]) -> Standing:
    """Add up what was done.

    Raises:
        Contradiction: If that cannot be.
    """
    currency = ask.amount.currency
    holds = [item for item in entries if item.move is Move.HOLD]
    if not holds:
        return Standing.nothing(Word.NOT_FOUND, currency)
    done = [item for item in entries if item.answer is Answer.DONE]
    sums = {move: sum(item.amount.minor for item in done if item.move is move) for move in Move}
    is_other = any(item.amount.currency != currency for item in done)
    if is_other or not all(0 <= minor <= ask.amount.minor for minor in sums.values()):
        raise Contradiction(f"asked for {ask.amount}, and the ledger has another amount")
    held, taken, released, given_back = (Money(minor, currency) for minor in sums.values())
    standing = Standing(
        word=Word.VOIDED if held == released else Word.AUTHORISED,
        authorised=held,
        captured=taken,
        voided=released,
        refunded=given_back,
        operations=tuple(
            Done(key=item.key, outcome=Outcome.SUCCEEDED if item in done else Outcome.DECLINED)
            for item in entries
        ),
    )
    require_possible(standing, ask.amount)
    if held.is_zero:
        return standing.but(word=Word.DECLINED, reason=holds[-1].answer)
    return standing
