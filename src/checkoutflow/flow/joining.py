"""A flow inside a transaction of the shop's own: the order row and our commit are one."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, TypeVar

from checkoutflow.errors import CheckoutError, NotSupported, UsageError
from checkoutflow.flow.effects import Send
from checkoutflow.flow.sync import CheckoutFlow
from checkoutflow.providers.contract import Consult
from checkoutflow.stores.joined import JoinedStore
from checkoutflow.stores.sql import SqlStore

if TYPE_CHECKING:
    from checkoutflow.flow.effects import Effect, Program

_T = TypeVar("_T")


def joined(flow: CheckoutFlow, transaction: object) -> CheckoutFlow:
    """The same flow, writing in a transaction of the shop's own.

    What it writes is there when the shop commits, and is not if the shop does not. A call that
    raises has written nothing, and the shop's transaction can go on. Calls that ask a provider are
    refused: nobody waits for a network while rows are locked, and what a provider did is not undone
    by a rollback. Use it until the transaction ends, and no longer.

    Args:
        flow: A flow on a ``SqlStore``.
        transaction: An open SQLAlchemy ``Connection`` or ``Session`` on the same database, or the
            driver's own connection, in a transaction.

    Raises:
        NotSupported: If the flow's store is of another kind.
        UsageError: If the transaction is on another kind of database, or none was begun.
        SchemaMismatch: If the tables are not of this version.
    """
    store = flow._store  # noqa: SLF001 -- it is made of the same
    if not isinstance(store, SqlStore):
        raise NotSupported("only a flow on a SqlStore can join a transaction")
    ours = copy(flow)
    ours.__class__ = _Joined
    ours._store = JoinedStore(store, transaction)  # noqa: SLF001 -- as above
    return ours


class _AsksAProvider(Exception):
    """Ends a program that would send something. It is not told, or it would go on without."""


class _Joined(CheckoutFlow):
    """Runs each program whole or not at all, and sends nothing."""

    _store: JoinedStore

    def _run(
        self,
        program: Program[_T],
        name: str = "",
        *,
        provider: str = "",
        caught: type[Exception] = CheckoutError,
    ) -> _T:
        try:
            with self._store.whole():
                return super()._run(program, name, provider=provider, caught=caught)
        except _AsksAProvider:
            raise UsageError(
                "this call asks a provider, and cannot be part of your transaction; make it before"
                " or after"
            ) from None

    def _perform(self, effect: Effect) -> Any:  # noqa: ANN401 -- each effect has its own answer
        if isinstance(effect, Send | Consult):
            raise _AsksAProvider
        return super()._perform(effect)

    def close(self) -> None:
        """Leave everything to the flow that this one was made of."""
