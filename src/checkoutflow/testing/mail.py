"""A mail server on this machine that keeps what it is sent: for tests of what sends e-mail."""

from __future__ import annotations

from dataclasses import dataclass
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import TYPE_CHECKING, Self, cast

if TYPE_CHECKING:
    from types import TracebackType


@dataclass(frozen=True, slots=True)
class Received:
    """One e-mail.

    Attributes:
        sender: From whom, as the envelope says.
        to: To whom, as the envelope says.
        data: The message itself.
    """

    sender: str
    to: tuple[str, ...]
    data: bytes


class Mailbox:
    """A server that speaks as much SMTP (RFC 5321) as ``smtplib`` needs, without encryption.

    >>> import smtplib
    >>> with Mailbox() as mailbox, smtplib.SMTP("127.0.0.1", mailbox.port) as client:
    ...     _ = client.sendmail("shop@example.com", ["you@example.com"], b"Subject: Hello")
    >>> [(mail.to, mail.data) for mail in mailbox.received]
    [(('you@example.com',), b'Subject: Hello')]

    Attributes:
        received: What came, the oldest first.
        port: Where it listens.
    """

    def __init__(self, *, refuses: bool = False) -> None:
        """Open it.

        Args:
            refuses: Whether it takes nothing from anybody.
        """
        self.received: list[Received] = []
        self.refuses = refuses
        self._server = _Server(("127.0.0.1", 0), _Session)
        self._server.mailbox = self
        self.port: int = self._server.server_address[1]
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Close it."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        """Use it in a ``with`` block, which closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()


class _Server(ThreadingTCPServer):
    daemon_threads = True
    mailbox: Mailbox


class _Session(StreamRequestHandler):
    def handle(self) -> None:
        mailbox = cast("_Server", self.server).mailbox
        sender, to = "", list[str]()
        self._say("220 ready")
        for line in self.rfile:
            word = line[:4].upper()
            address = line.decode().partition("<")[2].partition(">")[0]
            if word == b"MAIL":
                sender, to = address, []
                self._say("550 no" if mailbox.refuses else "250 ok")
            elif word == b"RCPT":
                to.append(address)
                self._say("250 ok")
            elif word == b"DATA":
                self._say("354 go on")
                mailbox.received.append(Received(sender, tuple(to), self._data()))
                self._say("250 ok")
            elif word == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _data(self) -> bytes:
        lines: list[bytes] = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line.removeprefix(b"."))
        return b"".join(lines).removesuffix(b"\r\n")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
