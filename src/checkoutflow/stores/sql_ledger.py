"""The ledger of gift cards and store credit in the same database as the checkouts."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from checkoutflow.money import Money
from checkoutflow.privacy.vault import digests
from checkoutflow.providers.ledger import Answer
from checkoutflow.stores.again import again, again_anyway
from checkoutflow.stores.ledger import Book, Card, KeptLedger, Row
from checkoutflow.stores.schema import instant, moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine.interfaces import DBAPICursor

    from checkoutflow.privacy.vault import Keys
    from checkoutflow.stores.sql import SqlStore
    from checkoutflow.stores.statements import Statements


class SqlLedger(KeptLedger):
    """A ledger beside a ``SqlStore``, for any number of threads and processes.

    A code is kept as a keyed digest only: the database alone pays for nothing, and tells no code.
    """

    def __init__(self, store: SqlStore, keys: Keys, *, name: str = "gift_card") -> None:
        """Work on a store's database; its tables must exist (``store.create()``).

        Args:
            store: Where the checkouts are. The ledger closes nothing of it.
            keys: The shop's vault keys. Cards that were issued under an older key are found for as
                long as that is among them.
            name: What is kept. Two ledgers in one database do not know each other's codes.
        """
        self._store = store
        self._keys = keys
        self._kind = f"ledger {name}"

    @contextmanager
    def _open(self, *, is_writing: bool) -> Iterator[Book]:
        with self._store.transaction(is_writing=is_writing) as cursor:
            yield _SqlBook(cursor, self._keys, self._kind, self._store.statements)

    # Each thing that is asked has a key, and is done once however often it is asked.
    issue = again_anyway(KeptLedger.issue)
    hold = again_anyway(KeptLedger.hold)
    take = again_anyway(KeptLedger.take)
    release = again_anyway(KeptLedger.release)
    give_back = again_anyway(KeptLedger.give_back)
    balance = again(KeptLedger.balance)
    standing = again(KeptLedger.standing)


class _SqlBook:
    """One transaction on the two tables."""

    def __init__(self, cursor: DBAPICursor, keys: Keys, kind: str, sql: Statements) -> None:
        self._cursor = cursor
        self._keys = keys
        self._kind = kind
        self._sql = sql

    def card_id(self, code: str) -> str:
        return digests(self._keys, self._kind, code)[0]

    def card(self, code: str) -> Card | None:
        for card_id in digests(self._keys, self._kind, code):
            for _, currency, expires_at in self._ask(self._sql.card, card_id):
                until = None if expires_at is None else moment(expires_at)
                return Card(card_id, currency, until)
        return None

    def keep(self, card: Card) -> None:
        until = None if card.expires_at is None else instant(card.expires_at)
        self._cursor.execute(self._sql.set_card, (card.id, card.currency, until))

    def issued(self, card_id: str, key: str) -> Money | None:
        for minor, currency in self._ask(self._sql.issued, card_id, "", key):
            return Money(minor, currency)
        return None

    def rows(self, payment: str) -> Sequence[Row]:
        return [
            Row(card, payment, key, move, Money(minor, currency), Answer(answer), freed, moment(at))
            for card, _, key, move, minor, currency, answer, freed, at in self._ask(
                self._sql.moves, payment
            )
        ]

    def free(self, card_id: str) -> int:
        ((minor,),) = self._ask(self._sql.free, card_id)
        return int(minor)

    def add(self, row: Row) -> None:
        amount, answer, at = row.amount, row.answer.value, instant(row.at)
        asked = (row.card, row.payment, row.key, row.move, amount.minor, amount.currency)
        self._cursor.execute(self._sql.insert_move, (*asked, answer, row.freed, at))

    def _ask(self, statement: str, *values: object) -> Sequence[Any]:
        self._cursor.execute(statement, values)
        return self._cursor.fetchall()
