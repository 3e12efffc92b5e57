"""A simulated provider over real HTTP on loopback, and its notices on their way to a webhook.

For demos and for tests of what only real sockets show. Nothing here is fit to face a network.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final, Protocol

import httpx

from checkoutflow.providers.contract import MAX_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from checkoutflow.providers.contract import Webhook

    Handler = Callable[[httpx.Request], httpx.Response]

HOST: Final = "127.0.0.1"
_OURS: Final = frozenset({"connection", "content-length", "transfer-encoding"})


class _Server(ThreadingHTTPServer):
    """A server whose threads do not keep the process alive."""

    daemon_threads = True
    request_queue_size = 256  # a shop may come with many requests at once

    def __init__(self, port: int, handler: Handler) -> None:
        super().__init__((HOST, port), _Exchange)
        self.handler = handler

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 -- as inherited
        """Say nothing of callers that hang up."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def base_url(self) -> str:
        return f"http://{HOST}:{self.server_port}"


class _Exchange(BaseHTTPRequestHandler):
    """One connection: each request goes to the handler, each answer back."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together
    timeout = 30  # seconds until an idle connection is dropped
    server: _Server

    def do_GET(self) -> None:
        """Hand a GET to the handler."""
        self._exchange()

    def do_POST(self) -> None:
        """Hand a POST, or another verb with a body, to the handler."""
        self._exchange()

    do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815 -- the base class finds them by name

    def _exchange(self) -> None:
        length = self.headers.get("content-length", "0")
        if "transfer-encoding" in self.headers or not (length.isascii() and length.isdigit()):
            return self._refuse(HTTPStatus.LENGTH_REQUIRED)
        if int(length) > MAX_BODY_BYTES:
            return self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            request = httpx.Request(
                self.command,
                f"{self.server.base_url}{self.path}",
                headers=[
                    (n.encode("latin-1"), v.encode("latin-1")) for n, v in self.headers.items()
                ],
                content=self.rfile.read(int(length)),
            )
        except httpx.InvalidURL:
            return self._refuse(HTTPStatus.BAD_REQUEST)
        try:
            response = self.server.handler(request)
        except httpx.TransportError:
            self.close_connection = True  # the answer is lost: the caller sees the line go dead
            return None
        return self._answer(response)

    def _answer(self, response: httpx.Response) -> None:
        self.send_response(response.status_code)
        for name, value in response.headers.items():
            if name not in _OURS:
                self.send_header(name, value)
        self.send_header("content-length", str(len(response.content)))
        self.end_headers()
        self.wfile.write(response.content)

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True  # what follows on this connection cannot be told apart
        self.send_error(status)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the demo has a transcript of its own."""


@contextmanager
def serve(handler: Handler, port: int = 0) -> Iterator[str]:
    """Serve a handler on loopback for as long as the block lasts.

    A handler that raises ``httpx.TransportError`` loses its answer: the connection is closed
    without one.

    Args:
        handler: Called on several threads at once.
        port: Which port; 0 takes a free one.

    Yields:
        The base URL, ``http://127.0.0.1:<port>``.

    Raises:
        OSError: If the port is taken.
    """
    with _Server(port, handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.base_url
        finally:
            server.shutdown()
            thread.join()


class Posts(Protocol):
    """Something with notices to post: `checkoutflow.testing.bank.SimulatedBank`."""

    def deliver(self, to: Callable[[Webhook], object]) -> int:
        """Hand over what waits; what the receiver raises on goes on waiting."""


@contextmanager
def post_notices(source: Posts, url: str, *, every_s: float = 0.05) -> Iterator[None]:
    """Post a provider's notices to a webhook for as long as the block lasts, in the background.

    One that is not answered with 2xx is posted again, before any later one. On leaving, what still
    waits is tried one last time.

    Args:
        source: The simulated bank.
        url: Where the shop receives notices.
        every_s: Seconds between looks.
    """
    leaving = Event()

    with httpx.Client(timeout=10, trust_env=False) as client:

        def post(hook: Webhook) -> None:
            where = f"{url}?{hook.query}" if hook.query else url
            client.post(where, headers=dict(hook.headers), content=hook.body).raise_for_status()

        def pump() -> None:
            is_last = False
            while not is_last:
                is_last = leaving.wait(every_s)
                with suppress(httpx.HTTPError):  # what failed waits for the next round
                    source.deliver(post)

        thread = Thread(target=pump, daemon=True)
        thread.start()
        try:
            yield
        finally:
            leaving.set()
            thread.join()
