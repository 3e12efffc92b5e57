"""Reviewers are told that an order waits: by a call, a signed webhook, an e-mail."""

from __future__ import annotations

import hmac
import json
import ssl
from base64 import b64encode
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.test_drivers import AsyncWorld
from tests.test_queue import ONE, OTHER, desk_of
from tests.test_review import HOME, MUG, shopping

from checkoutflow import Phase, UsageError
from checkoutflow.errors import TransportError
from checkoutflow.flow.alerting import Alert, Email, Webhook, signature
from checkoutflow.privacy.secret import Secret
from checkoutflow.testing.mail import Mailbox
from checkoutflow.testing.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = b"a secret of thirty-two bytes, all"


@pytest.fixture(params=[World, AsyncWorld], ids=["sync", "async"])
def desk(request: pytest.FixtureRequest) -> Iterator[Any]:
    found = desk_of(request.param)
    yield found
    found.world.close()


def test_a_call_is_told_of_each_order_once(desk):
    held = [desk.hold() for _ in range(2)]
    alerts: list[Alert] = []
    told = desk.flow.tell_reviewers([alerts.append])
    assert {alert.order.checkout for alert in alerts} == {order.id for order in held}
    assert {message.kind for message in told.done} == {"review_waits"}
    assert told.failed == ()
    desk.flow.tell_reviewers([alerts.append])
    assert len(alerts) == 2
    # What is for the shop itself, or for the customer, stays the shop's.
    assert {message.kind for message in desk.flow.messages()} == {"held"}


def test_they_are_told_again_when_an_order_waits_for_another_one(desk):
    held = desk.hold()
    desk.flow.tell_reviewers([])
    alerts: list[Alert] = []
    desk.flow.claim(held.id, reviewer=ONE)
    desk.flow.hand_over(held.id, reviewer=ONE, to=OTHER)
    desk.flow.tell_reviewers([alerts.append])
    assert [alert.order.reviewer for alert in alerts] == [OTHER]
    desk.flow.release(held.id, reviewer=OTHER)
    desk.flow.tell_reviewers([alerts.append])
    assert [alert.order.reviewer for alert in alerts] == [OTHER, ""]
    assert len({alert.id for alert in alerts}) == 2


def test_nobody_is_told_of_what_was_decided_meanwhile(desk):
    held = desk.hold()
    desk.flow.approve(held.id, reviewer=ONE)
    alerts: list[Alert] = []
    told = desk.flow.tell_reviewers([alerts.append])
    assert (alerts, len(told.done)) == ([], 1)


def test_a_port_that_fails_keeps_nobody_else_from_being_told_and_is_tried_again(desk):
    held = desk.hold()
    alerts: list[Alert] = []

    def fails(_: Alert) -> None:
        raise ConnectionError(HOME["name"])

    told = desk.flow.tell_reviewers([fails, alerts.append])
    assert len(alerts) == 1
    ((failed, why),) = told.failed
    assert (failed, why) == (alerts[0].id, "ConnectionError")
    assert failed.startswith(held.id)
    assert desk.flow.tell_reviewers([alerts.append]).failed == ()
    assert [alert.id for alert in alerts] == [failed, failed]


def test_they_are_told_nothing_personal(desk):
    desk.hold()
    alerts: list[Alert] = []
    desk.flow.tell_reviewers([alerts.append])
    text = repr(alerts)
    assert not [value for value in HOME.values() if value in text]


# A webhook ----------------------------------------------------------------------------------------


class Receiver:
    """The shop's own server, on this machine."""

    def __init__(self, status: int = 204, *, endless: bool = False) -> None:
        self.posted: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.posted.append((headers, body))
                self.send_response(status)
                self.end_headers()
                with suppress(OSError):
                    while endless:
                        self.wfile.write(b"x" * 65_536)

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/reviews"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def test_a_webhook_is_posted_and_signed():
    desk = desk_of()
    held = desk.hold()
    with Receiver() as receiver:
        port = Webhook(receiver.url, SECRET, desk.world.clock)
        assert desk.flow.tell_reviewers([port]).failed == ()
    ((headers, body),) = receiver.posted
    told = json.loads(body)
    assert told["type"] == "review.waits"
    assert told["data"]["checkout"] == held.id
    assert told["data"]["total"] == "198.00 NOK"
    # As a library of Standard Webhooks would look at it.
    at = headers["webhook-timestamp"]
    assert int(at) == int(desk.world.clock().timestamp())
    signed = b".".join((headers["webhook-id"].encode(), at.encode(), body))
    digest = hmac.new(SECRET, signed, "sha256").digest()
    assert headers["webhook-signature"] == f"v1,{b64encode(digest).decode()}"
    assert not [value for value in HOME.values() if value.encode() in body]
    assert SECRET.decode() not in repr(port)


def test_the_published_example_of_the_scheme():
    """Of the specification's own verification libraries."""
    from base64 import b64decode  # noqa: PLC0415 -- here only

    secret = b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_an_answer_without_end_is_not_read():
    desk = desk_of()
    desk.hold()
    with Receiver(200, endless=True) as receiver:
        assert desk.flow.tell_reviewers([Webhook(f"{receiver.url}?to=us", SECRET)]).failed == ()


@pytest.mark.parametrize("status", [302, 400, 500])
def test_what_a_webhook_does_not_take_stays(status):
    desk = desk_of()
    desk.hold()
    with Receiver(status) as receiver:
        told = desk.flow.tell_reviewers([Webhook(receiver.url, SECRET)])
    assert [why for _, why in told.failed] == ["TransportError"]
    assert len(receiver.posted) == 1


def test_a_webhook_that_nobody_answers():
    desk = desk_of()
    desk.hold()
    alerts: list[Alert] = []
    desk.flow.tell_reviewers([alerts.append])
    with Receiver() as receiver:
        pass
    with pytest.raises(TransportError, match="cannot be reached: ConnectError"):
        Webhook(receiver.url, SECRET)(alerts[0])


@pytest.mark.parametrize(
    ("url", "secret", "field"),
    [
        ("http://shop.example/reviews", SECRET, "url"),
        ("ftp://shop.example", SECRET, "url"),
        ("http://localhost.evil.example/reviews", SECRET, "url"),
        ("http://127.0.0.1@evil.example/reviews", SECRET, "url"),
        ("https://user:password@shop.example/reviews", SECRET, "url"),
        ("https://", SECRET, "url"),
        ("https://shop.example/reviews", b"short", "secret"),
    ],
)
def test_what_is_no_webhook(url, secret, field):
    with pytest.raises(UsageError) as refused:
        Webhook(url, secret)
    assert refused.value.field == field


# An e-mail ----------------------------------------------------------------------------------------


def mail(mailbox: Mailbox, **more: Any) -> Email:
    settings: dict[str, Any] = {
        "server": "127.0.0.1",
        "port": mailbox.port,
        "sender": "shop@fjord.example",
        "to": ("reviews@fjord.example", "night@fjord.example"),
        "is_plain": True,
        "page": "https://shop.example/review/{checkout}",
    }
    return Email(**{**settings, **more})


@pytest.mark.parametrize(
    ("locale", "subject"),
    [("en_GB", "An order of 198.00 NOK waits for a decision"), ("nb_NO", None)],
)
def test_an_e_mail_says_which_order_and_by_when(locale, subject):
    desk = desk_of()
    held = desk.hold()
    with Mailbox() as mailbox:
        assert desk.flow.tell_reviewers([mail(mailbox, locale=locale)]).failed == ()
    (received,) = mailbox.received
    assert received.to == ("reviews@fjord.example", "night@fjord.example")
    message = message_from_bytes(received.data)
    if subject:
        assert message["Subject"] == subject
    body = message.get_payload(decode=True)
    assert isinstance(body, bytes)
    text = body.decode()
    assert held.id in text
    assert f"https://shop.example/review/{held.id}" in text
    assert "total above 100.00 NOK" in text
    assert not [value for value in HOME.values() if value in received.data.decode()]


def test_an_e_mail_without_a_page_has_no_address():
    desk = desk_of()
    desk.hold()
    with Mailbox() as mailbox:
        desk.flow.tell_reviewers([mail(mailbox, page="")])
    assert b"https://" not in mailbox.received[0].data


def test_what_a_server_does_not_take_stays():
    desk = desk_of()
    desk.hold()
    with Mailbox(refuses=True) as mailbox:
        ((_, why),) = desk.flow.tell_reviewers([mail(mailbox)]).failed
    assert why.startswith("SMTP")


def test_nothing_goes_over_a_server_that_does_not_encrypt():
    desk = desk_of()
    desk.hold()
    with Mailbox() as mailbox:
        ((_, why),) = desk.flow.tell_reviewers([mail(mailbox, is_plain=False)]).failed
    assert (why, mailbox.received) == ("SMTPNotSupportedError", [])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of this machine, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file: Path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    pem = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(key.private_bytes(*pem) + made.public_bytes(Encoding.PEM))
    return file


def encrypting(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_an_e_mail_goes_encrypted_to_whoever_asks_for_that(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    desk = desk_of()
    held = desk.hold()
    with Mailbox(tls=encrypting(certificate)) as mailbox:
        port = mail(
            mailbox, server="localhost", is_plain=False, user="shop", password=Secret("horse")
        )
        assert desk.flow.tell_reviewers([port]).failed == ()
    assert mailbox.logins == [("shop", "horse")]
    assert [held.id.encode() in received.data for received in mailbox.received] == [True]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"server": "localhost"}, "SSLCertVerificationError"),
        ({"is_plain": True}, "SMTPSenderRefused"),
    ],
)
def test_nothing_goes_to_a_server_that_nobody_vouches_for(certificate, settings, why):
    desk = desk_of()
    desk.hold()
    with Mailbox(tls=encrypting(certificate)) as mailbox:
        port = mail(mailbox, **{"is_plain": False, **settings})
        assert [kind for _, kind in desk.flow.tell_reviewers([port]).failed] == [why]
    assert (mailbox.received, mailbox.logins) == ([], [])


def test_whoever_asks_for_a_password_gets_it(monkeypatch):
    """Over TLS from the start: what smtplib is told, since no authority knows our certificate."""
    calls: list[tuple[Any, ...]] = []

    class Client:
        def __init__(self, *arguments: Any, **options: Any) -> None:
            calls.append((arguments, options["context"].verify_mode))

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def login(self, user: str, password: str) -> None:
            calls.append((user, password))

        def send_message(self, message: Any) -> None:
            calls.append((message["To"],))

    monkeypatch.setattr("smtplib.SMTP_SSL", Client)
    desk = desk_of()
    desk.hold()
    port = Email(
        "mail.example",
        "shop@fjord.example",
        ("reviews@fjord.example",),
        user="shop",
        password=Secret("horse"),
    )
    assert "horse" not in repr(port)
    assert desk.flow.tell_reviewers([port]).failed == ()
    assert calls == [
        (("mail.example", 465), ssl.CERT_REQUIRED),
        ("shop", "horse"),
        ("reviews@fjord.example",),
    ]


def test_the_shop_names_the_message_or_nobody_is_told():
    shop = shopping(hold_above=["1 NOK"])
    assert shop.buy(MUG).phase is Phase.HELD
    assert shop.flow.tell_reviewers([pytest.fail]).done == ()
