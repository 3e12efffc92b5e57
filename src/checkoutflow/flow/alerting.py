"""Telling the shop's reviewers that an order waits: a call, a signed webhook, or an e-mail.

What they are told has nothing personal in it: which order, what it comes to, why it is held, and by
when it is to be decided. Whoever wants to know more opens it, and that is on record.

A webhook is signed as Standard Webhooks 1.0.0 has it (read 2026-11): HMAC-SHA256 over id, time and
body, so that a receiver can use any of that scheme's libraries.
"""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Final

from checkoutflow.errors import InvalidInput, TransportError, UsageError
from checkoutflow.flow import host
from checkoutflow.flow.review_documents import plain
from checkoutflow.texts import mark, translate

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from email.message import EmailMessage

    from checkoutflow.privacy.secret import Secret
    from checkoutflow.review.queue import Waiting
    from checkoutflow.stores.contract import Message

_TIMEOUT_S: Final = 10.0
_LEAST_SECRET: Final = 24  # bytes, as the scheme asks


@dataclass(frozen=True, slots=True)
class Alert:
    """That an order waits.

    Attributes:
        id: The same for every delivery, so that a repeat can be seen.
        order: The order.
    """

    id: str
    order: Waiting


Port = Callable[[Alert], object]


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one round.

    Attributes:
        done: Messages that every port took, or that were about orders decided meanwhile.
        failed: Ids of messages that stay, each with the kind of error.
    """

    done: tuple[Message, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()

    def after(self, message: Message, order: Waiting | None, ports: Collection[Port]) -> Told:
        """Hand one message to all ports; one that fails does not keep it from the others."""
        alerts = [Alert(message.id, order)] if order is not None else []
        errors = []
        for alert, port in product(alerts, ports):
            try:
                port(alert)
            except Exception as error:  # noqa: BLE001 -- a port is the shop's own, and may do anything
                errors.append(type(error).__name__)
        if errors:
            return replace(self, failed=(*self.failed, (message.id, errors[0])))
        return replace(self, done=(*self.done, message))


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts JSON to an address of the shop's, signed.

    Attributes:
        url: ``https``; plain ``http`` to this machine only.
        secret: At least 24 bytes, shared with the receiver.
        clock: Tells the time that is signed.
    """

    url: str
    secret: bytes = field(repr=False)
    clock: host.Clock = host.system_clock

    def __post_init__(self) -> None:
        """See that nothing goes over a wire unsealed, and that the secret is one."""
        from checkoutflow.providers.http import base_url  # noqa: PLC0415 -- heavy

        try:
            base_url(self.url.partition("?")[0])  # a receiver may want a query
        except InvalidInput:
            raise UsageError("is an address with https, without a user", field="url") from None
        if len(self.secret) < _LEAST_SECRET:
            raise UsageError(f"has at least {_LEAST_SECRET} bytes", field="secret")

    def __call__(self, alert: Alert) -> None:
        """Post it.

        Raises:
            TransportError: If it was not taken: any answer but 2xx, or none.
        """
        import httpx  # noqa: PLC0415 -- heavy; loaded by the first one

        body = json.dumps({"type": "review.waits", "data": plain(alert.order)}).encode()
        at = str(int(self.clock().timestamp()))
        headers = {
            "content-type": "application/json",
            "webhook-id": alert.id,
            "webhook-timestamp": at,
            "webhook-signature": signature(self.secret, alert.id, at, body),
        }
        try:
            with (
                httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as client,
                # Whatever it says is not read, and wherever it points to is not followed.
                client.stream("POST", self.url, content=body, headers=headers) as answer,
            ):
                pass
        except httpx.HTTPError as error:
            name = type(error).__name__
            raise TransportError(f"the reviewers' webhook cannot be reached: {name}") from None
        if not answer.is_success:
            raise TransportError(f"the reviewers' webhook answered {answer.status_code}")


def signature(secret: bytes, id_: str, at: str, body: bytes) -> str:
    """What proves that a webhook is the shop's own.

    Args:
        secret: Shared with the receiver.
        id_: The header ``webhook-id``.
        at: The header ``webhook-timestamp``: seconds since 1970.
        body: The bytes that are sent.
    """
    signed = b".".join((id_.encode(), at.encode(), body))
    return f"v1,{b64encode(hmac.digest(secret, signed, 'sha256')).decode()}"


# Translators: the subject of an e-mail to the shop's people. {total} is an amount of money.
_SUBJECT: Final = mark("An order of {total} waits for a decision")
_BODY: Final = mark("Order {checkout} is held. Decide by {deadline} (UTC).")
# Translators: after this stands a list of reasons.
_REASONS: Final = mark("Why: {reasons}")


@dataclass(frozen=True, slots=True)
class Email:
    """Sends an e-mail, over a server that encrypts.

    Attributes:
        server: Its name.
        sender: From whom.
        to: To whom; the shop's own people.
        port: 465 speaks TLS from the start, any other begins it.
        user: To log in with; empty where that is not asked.
        password: To log in with.
        page: Where the order is looked at, with ``{checkout}`` in it; empty for none.
        locale: Of the text.
        is_plain: Whether the server may do without encryption; for one on this machine.
    """

    server: str
    sender: str
    to: tuple[str, ...]
    port: int = 465
    user: str = ""
    password: Secret | None = None
    page: str = ""
    locale: str = "en_GB"
    is_plain: bool = False

    def __call__(self, alert: Alert) -> None:
        """Send it.

        Raises:
            OSError: If it was not taken; the errors of ``smtplib`` are such.
        """
        import smtplib  # noqa: PLC0415 -- few shops need it
        import ssl  # noqa: PLC0415 -- few shops need it

        message = self.message(alert)
        if self.port == _TLS_AT_ONCE:
            context = ssl.create_default_context()
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                self.server, self.port, timeout=_TIMEOUT_S, context=context
            )
        else:
            client = smtplib.SMTP(self.server, self.port, timeout=_TIMEOUT_S)
        with client:
            if not self.is_plain and self.port != _TLS_AT_ONCE:
                client.starttls(context=ssl.create_default_context())
            if self.user and self.password is not None:
                client.login(self.user, self.password.reveal())
            client.send_message(message)

    def message(self, alert: Alert) -> EmailMessage:
        """What is sent."""
        from email.message import EmailMessage  # noqa: PLC0415 -- few shops need it

        order = alert.order
        words: Mapping[str, str] = {
            "total": str(order.total),
            "checkout": order.checkout,
            "deadline": f"{order.deadline:%Y-%m-%d %H:%M}",
            "reasons": "; ".join(order.reasons),
        }
        lines = [translate(text, self.locale).format(**words) for text in (_BODY, _REASONS)]
        if self.page:
            lines.append(self.page.format(checkout=order.checkout))
        message = EmailMessage()
        message["Subject"] = translate(_SUBJECT, self.locale).format(**words)
        message["From"] = self.sender
        message["To"] = ", ".join(self.to)
        message["Message-ID"] = f"<{alert.id.replace('/', '.')}@{self.sender.rpartition('@')[2]}>"
        message.set_content("\n\n".join(lines))
        return message


_TLS_AT_ONCE: Final = 465
