"""A store on PostgreSQL for an event loop: the same code, and the loop does the waiting.

No thread is held while the server works. The store's code runs in a greenlet, which gives way to
the loop wherever psycopg waits for the server.
"""

from __future__ import annotations

import os
from asyncio import Semaphore
from collections import deque
from copy import copy
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import greenlet_spawn

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable

    from checkoutflow.stores.sql import Destination, SqlStore

# So many calls are under way at once, each with a connection; who comes later waits for a turn. It
# is about as many as a thread pool would have, and a server has a hundred for everybody.
CONNECTIONS: Final = 16

_T = TypeVar("_T")


class Awaited:
    """Makes a store's calls on one event loop.

    A call whose task is cancelled is undone by the server, unless it was committing; then it may
    have been written, as when the process had stopped there.
    """

    def __init__(self, store: SqlStore, loop: AbstractEventLoop, server: Destination) -> None:
        """Have connections of its own, which belong to the loop.

        Args:
            store: Whose tables they are.
            loop: Where the calls are made.
            server: Where they are.
        """
        self.loop = loop
        self._store = copy(store)
        self._store._idle = deque()  # noqa: SLF001 -- it is a store of its own, of any class
        self._store._engine = create_async_engine(  # noqa: SLF001 -- as above
            server.url.set(drivername="postgresql+psycopg_async"),
            connect_args=dict(server.options),
            poolclass=NullPool,
        ).sync_engine
        self._turns = Semaphore(CONNECTIONS)

    async def __call__(self, call: Callable[[SqlStore], _T]) -> _T:
        """Make a call, as soon as a connection is free for it."""
        async with self._turns:
            return await greenlet_spawn(call, self._store)

    def leave(self) -> None:
        """Let go of the connections of a loop that has ended; a parent's are left to it."""
        if self._store._process == os.getpid():  # noqa: SLF001 -- as above
            for connection in self._store._idle:  # noqa: SLF001 -- as above
                made: Any = connection
                made.driver_connection.pgconn.finish()
            self._store._idle.clear()  # noqa: SLF001 -- as above
