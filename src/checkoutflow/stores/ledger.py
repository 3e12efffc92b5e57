"""A working ledger of gift cards and store credit, and the one that keeps it in memory.

What a ledger decides is here once; where its cards and rows are kept, each says for itself. Rows
are only ever added, and no balance is written down: what is on a card is what its rows come to.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from checkoutflow.errors import IdempotencyConflict, InvalidInput
from checkoutflow.money import Money
from checkoutflow.providers.ledger import Answer, Change, Entry, Hold, Move

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

ISSUE: Final = "issue"


@dataclass(frozen=True, slots=True)
class Card:
    """A gift card, or an account with store credit.

    Attributes:
        id: What the ledger calls it; with some ledgers not its code.
        expires_at: From then on nothing is held on it; None if it is good for ever.
    """

    id: str
    currency: str
    expires_at: datetime | None


class Row(NamedTuple):
    """What was asked once, and its answer.

    Attributes:
        card: Id of the card, or what it would be if there were one.
        payment: Empty for what was issued.
        key: Under which it is done once for this payment, or on this card.
        move: A `Move`, or ``issue``.
        freed: What it adds to what is free on the card, in minor units; a hold takes away.
    """

    card: str
    payment: str
    key: str
    move: str
    amount: Money
    answer: Answer
    freed: int
    at: datetime


class Book(Protocol):
    """A ledger's cards and rows in one transaction."""

    def card_id(self, code: str) -> str:
        """The id that a card with this code gets."""

    def card(self, code: str) -> Card | None:
        """The card with this code."""

    def keep(self, card: Card) -> None:
        """Write a card down, in place of what was known of it."""

    def issued(self, card_id: str, key: str) -> Money | None:
        """What was put on a card under this key."""

    def rows(self, payment: str) -> Sequence[Row]:
        """What was asked about a payment, in order."""

    def free(self, card_id: str) -> int:
        """What is on a card and not held, in minor units."""

    def add(self, row: Row) -> None:
        """Write a row down."""


class KeptLedger(ABC):
    """A ledger that is kept in a `Book`."""

    @abstractmethod
    def _open(self, *, is_writing: bool) -> AbstractContextManager[Book]:
        """Begin a transaction. What is written in it is there at its end, or not at all."""

    # For the shop -----------------------------------------------------------------------------

    def issue(
        self,
        code: str,
        amount: Money,
        *,
        at: datetime,
        expires_at: datetime | None = None,
        key: str = ISSUE,
    ) -> None:
        """Put money on a gift card or an account; the first time makes it.

        Args:
            code: Whoever knows it can spend the money, so it must be hard to guess.
            amount: Above zero, always in the same currency for one code.
            at: Now.
            expires_at: From then on nothing is held on it. Left out, it stays as it is.
            key: The shop's own name for this, done once for each code. Without one a code is
                issued once, and adding to it needs another key.

        Raises:
            InvalidInput: If the amount is not above zero, or in another currency than before.
            IdempotencyConflict: If another amount was put on it under this key.
        """
        _require_positive(amount)
        with self._open(is_writing=True) as book:
            card = book.card(code)
            if card is None:
                card = Card(book.card_id(code), amount.currency, expires_at)
                book.keep(card)
            elif card.currency != amount.currency:
                raise InvalidInput(f"is in {card.currency} on this code", field="amount")
            elif (issued := book.issued(card.id, key)) is not None:
                if issued != amount:
                    raise IdempotencyConflict("another amount was issued under this key")
                return
            elif expires_at is not None:
                book.keep(Card(card.id, card.currency, expires_at))
            book.add(Row(card.id, "", key, ISSUE, amount, Answer.DONE, amount.minor, at))

    def balance(self, code: str, at: datetime | None = None) -> Money | None:
        """What is on a card and not held; None if there is no card with this code.

        Args:
            code: As it was issued.
            at: A moment at which it must not have expired; nothing can be paid with it if it has.
        """
        with self._open(is_writing=False) as book:
            card = book.card(code)
            if card is None:
                return None
            is_over = at is not None and _has_expired(card, at)
            return Money(0 if is_over else book.free(card.id), card.currency)

    # For the payments -------------------------------------------------------------------------

    def hold(self, order: Hold) -> Answer:
        """Keep an amount for a payment: nobody else can use it."""
        with self._open(is_writing=True) as book:
            rows = book.rows(order.payment)
            if (earlier := _earlier(rows, Move.HOLD, order)) is not None:
                return earlier
            if any(row.move == Move.HOLD for row in rows):
                raise IdempotencyConflict("this payment was held for under another key")
            code = order.code.reveal()
            card = book.card(code)
            card_id = book.card_id(code) if card is None else card.id
            answer = _judged(book, card, order)
            _add(book, card_id, Move.HOLD, order, answer)
            return answer

    def take(self, order: Change) -> Answer:
        """Take some or all of what is held; also once the card has expired."""
        return self._change(Move.TAKE, order)

    def release(self, order: Change) -> Answer:
        """Let go of so much of what is held and not taken: it is on the card again."""
        return self._change(Move.RELEASE, order)

    def give_back(self, order: Change) -> Answer:
        """Put so much of what was taken on the card again."""
        return self._change(Move.GIVE_BACK, order)

    def _change(self, move: Move, order: Change) -> Answer:
        with self._open(is_writing=True) as book:
            rows = book.rows(order.payment)
            if (earlier := _earlier(rows, move, order)) is not None:
                return earlier
            if not rows:
                return Answer.NO_SUCH_PAYMENT
            first = rows[0]
            if order.amount.currency != first.amount.currency:
                answer = Answer.WRONG_CURRENCY
            else:
                is_there = order.amount.minor <= _left(rows)[move]
                answer = Answer.DONE if is_there else Answer.TOO_MUCH
            _add(book, first.card, move, order, answer)
            return answer

    def standing(self, payment: str) -> Sequence[Entry]:
        """Everything that was asked about a payment, in order."""
        with self._open(is_writing=False) as book:
            return [
                Entry(key=row.key, move=Move(row.move), amount=row.amount, answer=row.answer)
                for row in book.rows(payment)
            ]


def _require_positive(amount: Money) -> None:
    if amount.minor <= 0:
        raise InvalidInput("is above zero", field="amount")


def _earlier(rows: Sequence[Row], move: Move, order: Hold | Change) -> Answer | None:
    """What was answered under this key before.

    Raises:
        InvalidInput: If the amount is not above zero.
        IdempotencyConflict: If it was something else.
    """
    _require_positive(order.amount)
    for row in rows:
        if row.key == order.key:
            if (row.move, row.amount) != (move, order.amount):
                raise IdempotencyConflict("the key was used for something else")
            return row.answer
    return None


def _judged(book: Book, card: Card | None, order: Hold) -> Answer:
    if card is None:
        return Answer.UNKNOWN_CODE
    if card.currency != order.amount.currency:
        return Answer.WRONG_CURRENCY
    if _has_expired(card, order.at):
        return Answer.EXPIRED
    if order.amount.minor > book.free(card.id):
        return Answer.INSUFFICIENT_FUNDS
    return Answer.DONE


def _has_expired(card: Card, at: datetime) -> bool:
    return card.expires_at is not None and at >= card.expires_at


def _left(rows: Sequence[Row]) -> Mapping[Move, int]:
    """How much more of a payment can be moved."""
    sums = Counter[str]()
    for row in rows:
        if row.answer is Answer.DONE:
            sums[row.move] += row.amount.minor
    held = sums[Move.HOLD] - sums[Move.TAKE] - sums[Move.RELEASE]
    taken = sums[Move.TAKE] - sums[Move.GIVE_BACK]
    return {Move.TAKE: held, Move.RELEASE: held, Move.GIVE_BACK: taken}


_FREED: Final = {Move.HOLD: -1, Move.TAKE: 0, Move.RELEASE: 1, Move.GIVE_BACK: 1}


def _add(book: Book, card_id: str, move: Move, order: Hold | Change, answer: Answer) -> None:
    amount = order.amount
    freed = _FREED[move] * amount.minor if answer is Answer.DONE else 0
    book.add(Row(card_id, order.payment, order.key, move, amount, answer, freed, order.at))


class MemoryLedger(KeptLedger):
    """A ledger in this process's memory, safe for threads. What it holds ends with it."""

    def __init__(self) -> None:
        """Begin without a card."""
        self._lock = Lock()
        self._book = _MemoryBook()

    @contextmanager
    def _open(self, *, is_writing: bool) -> Iterator[Book]:  # noqa: ARG002 -- one lock for both
        with self._lock:
            yield self._book


class _MemoryBook:
    """Rows by card and by payment. Nothing is written before all is known to fit."""

    def __init__(self) -> None:
        self._cards: dict[str, Card] = {}
        self._of_card: defaultdict[str, list[Row]] = defaultdict(list)
        self._of_payment: defaultdict[str, list[Row]] = defaultdict(list)

    def card_id(self, code: str) -> str:
        return code

    def card(self, code: str) -> Card | None:
        return self._cards.get(code)

    def keep(self, card: Card) -> None:
        self._cards[card.id] = card

    def issued(self, card_id: str, key: str) -> Money | None:
        rows = (row for row in self._of_card[card_id] if (row.payment, row.key) == ("", key))
        return next((row.amount for row in rows), None)

    def rows(self, payment: str) -> Sequence[Row]:
        return self._of_payment[payment]

    def free(self, card_id: str) -> int:
        return sum(row.freed for row in self._of_card[card_id])

    def add(self, row: Row) -> None:
        self._of_card[row.card].append(row)
        self._of_payment[row.payment].append(row)
