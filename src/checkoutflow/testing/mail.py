"""A mail server on this machine that keeps what it is sent: for tests of what sends e-mail."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import TYPE_CHECKING, Final, Self, cast

if TYPE_CHECKING:
    from ssl import SSLContext
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
    """A server that speaks as much SMTP (RFC 5321) as ``smtplib`` needs.

    >>> import smtplib
    >>> with Mailbox() as mailbox, smtplib.SMTP("127.0.0.1", mailbox.port) as client:
    ...     _ = client.sendmail("shop@example.com", ["you@example.com"], b"Subject: Hello")
    >>> [(mail.to, mail.data) for mail in mailbox.received]
    [(('you@example.com',), b'Subject: Hello')]

    Attributes:
        received: What came, the oldest first.
        logins: Who logged in, with which password.
        port: Where it listens.
    """

    def __init__(self, *, refuses: bool = False, tls: SSLContext | None = None) -> None:
        """Open it.

        Args:
            refuses: Whether it takes nothing from anybody.
            tls: A server's certificate and key. With it everybody has to encrypt (``STARTTLS``, RFC
                3207) and to log in before anything is taken.
        """
        self.received: list[Received] = []
        self.logins: list[tuple[str, str]] = []
        self.refuses = refuses
        self.tls = tls
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


# What is answered to whoever has not logged in and has to.
_BEFORE: Final = {b"RSET": "250 ok", b"QUIT": "221 bye"}


class _Session(StreamRequestHandler):
    def handle(self) -> None:
        mailbox = cast("_Server", self.server).mailbox
        self._say("220 ready")
        if mailbox.tls is not None and not self._encrypts(mailbox, mailbox.tls):
            return
        sender, to = "", list[str]()
        while line := self.rfile.readline():
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

    def _encrypts(self, mailbox: Mailbox, tls: SSLContext) -> bool:
        """Whether they go on encrypted, logged in if they like."""
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"EHLO":
                self._say("250-ready")
                is_plain = self.connection is self.request
                self._say("250 STARTTLS" if is_plain else "250 AUTH PLAIN")
            elif word == b"STAR":
                self._say("220 go on")
                if not self._wrapped(tls):
                    return False
            elif word == b"AUTH":
                _, user, password = b64decode(line.split()[2]).decode().split("\0")
                mailbox.logins.append((user, password))
                self._say("235 ok")
                return True
            else:
                self._say(_BEFORE.get(word, "530 begin with STARTTLS, and log in"))
        return False

    def _wrapped(self, tls: SSLContext) -> bool:
        """Begin to encrypt; who does not trust the certificate hangs up."""
        try:
            self.connection = tls.wrap_socket(self.connection, server_side=True)
        except OSError:
            return False
        self.rfile = self.connection.makefile("rb", -1)
        self.wfile = self.connection.makefile("wb", 0)
        return True

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def _data(self) -> bytes:
        lines: list[bytes] = []
        while line := self.rfile.readline():
            if line == b".\r\n":
                break
            lines.append(line.removeprefix(b"."))
        return b"".join(lines).removesuffix(b"\r\n")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
