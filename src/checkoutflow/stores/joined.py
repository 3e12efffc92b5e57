"""A store inside a transaction of the shop's own: what both write stands or falls together."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from checkoutflow.errors import UsageError
from checkoutflow.stores.sql import SqlStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine.interfaces import DBAPICursor

    from checkoutflow.checkout.state import Checkout


class JoinedStore(SqlStore):
    """The tables of a `SqlStore`, written on the shop's connection and committed by the shop."""

    def __init__(self, store: SqlStore, transaction: Any) -> None:  # noqa: ANN401 -- any driver's
        """Join a transaction.

        Args:
            store: Whose tables they are.
            transaction: An open SQLAlchemy ``Connection`` or ``Session``, or the driver's own
                connection, as Django's ``connection.connection`` is. It is of the store's database,
                and in a transaction.

        Raises:
            UsageError: If it is of another kind of database, or in no transaction.
            SchemaMismatch: If the tables are not of this version.
        """
        super().__init__(store._engine)  # noqa: SLF001 -- it is one of its kind
        if hasattr(transaction, "get_bind"):  # a session, or what stands for one
            transaction = transaction.connection()
        if isinstance(transaction, Connection):
            if transaction.dialect.name != self._database.DIALECT.name:
                raise UsageError(f"the transaction is on {transaction.dialect.name}, the store not")
            transaction = transaction.connection.dbapi_connection
        self._connection = transaction
        cursor = transaction.cursor()
        try:
            self._database.join(transaction, cursor)
            self._check(cursor)
        except self._database.Error as error:
            raise self._database.explain(error) from None

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Undo everything in the block if it raises; what the shop wrote before it stays."""
        with self._transaction():
            yield

    @contextmanager
    def _transaction(self, *begin: str, is_creating: bool = False) -> Iterator[DBAPICursor]:
        """Run something inside the shop's transaction, which goes on whether this is undone."""
        if is_creating:
            raise UsageError("tables are made outside any transaction: call create() on the store")
        cursor = self._connection.cursor()
        try:
            if self._database.BEGIN_ALONE in begin:
                self._database.require_alone(cursor)
            cursor.execute("SAVEPOINT checkoutflow")
            try:
                yield cursor
            except BaseException:
                cursor.execute("ROLLBACK TO SAVEPOINT checkoutflow")
                cursor.execute("RELEASE SAVEPOINT checkoutflow")
                raise
            cursor.execute("RELEASE SAVEPOINT checkoutflow")
        except self._database.Error as error:
            raise self._database.explain(error) from None

    def _remember(self, text: str, state: Checkout) -> None:
        """Remember nothing: the shop may yet undo it."""

    def _empty_log(self) -> None:
        """Leave the log as it is: the shop has not committed."""

    def close(self) -> None:
        """Leave the connection to the shop."""
