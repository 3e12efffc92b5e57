"""A wire between a store and a PostgreSQL server that is cut at a chosen message."""

from __future__ import annotations

import socket
from contextlib import suppress
from enum import Enum
from threading import Event, Lock, Thread
from typing import Final, Self

from sqlalchemy import make_url

_MOST: Final = 1 << 16
COMMIT: Final = b"COMMIT\0"


class Cut(Enum):
    """When the wire is cut."""

    BEFORE = "before the server has the message"
    AFTER = "after the server has answered, before the answer is heard"
    MEANWHILE = "at once, and the server gets the message a little later"


class Wire:
    """Takes connections on this machine and hands everything through to the server."""

    def __init__(self, url: str) -> None:
        """Lay it.

        Args:
            url: Where the server is.
        """
        self._server = make_url(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = Lock()
        self._cut: tuple[Cut, int, bytes] | None = None
        self._open: list[socket.socket] = []
        self._later: list[Thread] = []
        self.is_down = False
        self.is_cut = Event()
        Thread(target=self._accept, daemon=True).start()
        _, port = self._listener.getsockname()
        self.url = (
            self._server.set(host="127.0.0.1", port=port)
            .difference_update_query(["host"])
            .update_query_dict({"sslmode": "disable", "gssencmode": "disable"})
            .render_as_string(hide_password=False)
        )

    def cut(self, when: Cut, *, after: int = 0, holding: bytes = b"") -> None:
        """Cut the connection at a message: the first one after so many others.

        Args:
            when: Before or after the server has it.
            after: How many are let through.
            holding: Only messages with this in them are counted.
        """
        self.is_cut.clear()
        with self._lock:
            self._cut = (when, after, holding)

    def is_left(self) -> bool:
        """Whether the message at which to cut has not come; it is not waited for any longer."""
        with self._lock:
            is_left, self._cut = self._cut is not None, None
        for thread in self._later:
            thread.join()
        return is_left

    def close(self) -> None:
        """Take it away."""
        self._listener.close()
        for end in self._open:
            _end(end)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.is_down:
                _end(near)
                continue
            far = self._reach()
            self._open += [near, far]
            lost = Event()
            Thread(target=self._there, args=(near, far, lost), daemon=True).start()
            Thread(target=self._back, args=(near, far, lost), daemon=True).start()

    def _reach(self) -> socket.socket:
        folder = self._server.query.get("host")
        if folder is None:
            return socket.create_connection((self._server.host, self._server.port or 5432))
        far = socket.socket(socket.AF_UNIX)
        far.connect(f"{folder}/.s.PGSQL.{self._server.port or 5432}")
        return far

    def _there(self, near: socket.socket, far: socket.socket, lost: Event) -> None:
        with suppress(OSError):
            while data := near.recv(_MOST):
                match self._due(data):
                    case None:
                        far.sendall(data)
                    case Cut.BEFORE:
                        break
                    case Cut.AFTER:
                        lost.set()
                        far.sendall(data)
                    case Cut.MEANWHILE:
                        _end(near)
                        late = Thread(target=_late, args=(far, data))
                        self._later.append(late)
                        late.start()
                        self.is_cut.set()
                        return
        if not lost.is_set():
            _end(near)
            _end(far)
            self.is_cut.set()

    def _back(self, near: socket.socket, far: socket.socket, lost: Event) -> None:
        with suppress(OSError):
            while data := far.recv(_MOST):
                if lost.is_set():
                    break
                near.sendall(data)
        _end(near)
        _end(far)
        self.is_cut.set()

    def _due(self, data: bytes) -> Cut | None:
        with self._lock:
            if self._cut is None:
                return None
            when, after, holding = self._cut
            if holding not in data:
                return None
            self._cut = (when, after - 1, holding) if after else None
            if after:
                return None
        self.is_down = self.stays_down
        return when

    stays_down = False


def _late(far: socket.socket, data: bytes) -> None:
    Event().wait(0.2)
    with suppress(OSError):
        far.sendall(data)
        Event().wait(0.02)  # as long as the server takes to read it
    _end(far)


def _end(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
