"""The real world, for the drivers: the clock, randomness, keys and HTTP.

This is the only module that touches them, and everything in it can be handed in instead.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from threading import BoundedSemaphore
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.errors import Busy, SchemaMismatch, TransportError, Unreachable, UsageError
from checkoutflow.flow.logs import log_unanswered
from checkoutflow.privacy.vault import Keys
from checkoutflow.providers.contract import transport_of
from checkoutflow.stores.keyfile import load_or_create_keys

if TYPE_CHECKING:
    from asyncio import Semaphore
    from collections.abc import Iterator

    import httpx

    from checkoutflow.flow.effects import Send
    from checkoutflow.providers.contract import Provider, Transport
    from checkoutflow.stores.contract import Store

Clock = Callable[[], datetime]
RandomBytes = Callable[[int], bytes]

# An answer larger than this is no answer.
MAX_BODY: Final = 4 * 1024 * 1024
CONNECT_S: Final = 3.0  # one lost packet, and a busy machine, are forgiven


def system_clock() -> datetime:
    """The time of this machine, in UTC."""
    return datetime.now(UTC)


def system_random(count: int) -> bytes:
    """Random bytes of this machine, fit for keys."""
    return secrets.token_bytes(count)


def seconds() -> float:
    """Seconds of a clock that nobody sets, to time things by."""
    return monotonic()


def default_keys(store: Store, random: RandomBytes) -> Keys:
    """Keys for the embedded default: a file beside the database, made when it is first needed.

    A store that keeps nothing on disk gets a key that lives as long as the process.

    Raises:
        UsageError: If the store is on a server, where a key has to be handed in.
        VaultError: If the key file cannot be used, or is lost while the store holds people.
        StoreError: If there is no key file and the store cannot say whether it holds people.
    """
    if store.key_file is not None:
        return load_or_create_keys(store.key_file, random, is_awaited=partial(_holds_people, store))
    if store.is_ephemeral:
        return Keys.of(random(32))
    raise UsageError(
        "a store on a server needs keys: pass keys=Keys.of(...) with 32 bytes from your own "
        "secret store",
        field="keys",
    )


def _holds_people(store: Store) -> bool:
    """Whether anybody was sealed in a store; nobody was where there are no tables yet."""
    try:
        return bool(store.keys_to_rewrap("", after="", limit=1))
    except SchemaMismatch as error:
        if error.found:
            raise
        return False


# What is logged -----------------------------------------------------------------------------------

_SENDING: Final = ContextVar("sending", default=False)


class _HostsOnly(logging.Filter):
    """Leaves the host of each address that httpx logs: the rest may say who somebody is."""

    def filter(self, record: logging.LogRecord) -> bool:
        if _SENDING.get() and isinstance(record.args, tuple):
            record.args = tuple(getattr(argument, "host", argument) for argument in record.args)
        return True


_HOSTS_ONLY: Final = _HostsOnly()


@contextmanager
def _discreetly(effect: Send) -> Iterator[None]:
    """Log no more than the host of what is sent, as long as the block lasts; and if it fails."""
    logging.getLogger("httpx").addFilter(_HOSTS_ONLY)  # once, however often it is said
    before = _SENDING.set(True)
    try:
        yield
    except TransportError as error:
        log_unanswered(effect.provider, effect.operation, error)
        raise
    finally:
        _SENDING.reset(before)


# Sending ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class SyncHttp:
    """Sends requests and reads whole answers, over a client for each provider.

    Attributes:
        given: One client for all of them instead, from whoever opened the flow.
    """

    given: httpx.Client | None = None
    own: dict[str, httpx.Client] = field(default_factory=dict)
    turns: dict[str, BoundedSemaphore] = field(default_factory=dict)

    def send(self, effect: Send) -> httpx.Response:
        """Send one request, when its turn has come.

        Raises:
            Unreachable: If it did not leave.
            TransportError: If no whole answer came, for whatever other reason.
        """
        turn = self.turns.get(effect.provider)
        if turn is None:
            made = BoundedSemaphore(effect.transport.connections)
            turn = self.turns.setdefault(effect.provider, made)
        if not turn.acquire(timeout=effect.transport.operation_s):
            raise _busy(effect)
        try:
            with _discreetly(effect):
                return self._send(effect)
        finally:
            turn.release()

    def _send(self, effect: Send) -> httpx.Response:
        import httpx  # noqa: PLC0415 -- heavy; loaded by the first request

        client = self.given or self.own.get(effect.provider)
        if client is None:
            # Two threads that are first at once make two; one is used, the other closed unused.
            made = httpx.Client(**client_options(effect.transport))
            client = self.own.setdefault(effect.provider, made)
            if client is not made:
                made.close()
        try:
            late = monotonic() + effect.timeout_s
            answer = client.send(_timed(effect), stream=True, follow_redirects=False)
            try:
                body = b""
                for piece in answer.iter_bytes():
                    body = _grown(effect.provider, body, piece)
                    if monotonic() > late:  # httpx counts the time between two pieces
                        raise TransportError(f"no usable answer from {effect.provider}: too slow")
            finally:
                answer.close()
        except httpx.HTTPError as error:
            raise _lost(effect.provider, error) from None
        return _whole(answer, body)

    def close(self) -> None:
        """Close the clients."""
        for client in [self.given, *self.own.values()]:
            if client is not None:
                client.close()


@dataclass(slots=True)
class AsyncHttp:
    """The same for asynchronous callers."""

    given: httpx.AsyncClient | None = None
    own: dict[str, httpx.AsyncClient] = field(default_factory=dict)
    turns: dict[str, Semaphore] = field(default_factory=dict)

    async def send(self, effect: Send) -> httpx.Response:
        """Send one request, when its turn has come.

        Raises:
            Unreachable: If it did not leave.
            TransportError: If no whole answer came, for whatever other reason.
        """
        import asyncio  # noqa: PLC0415 -- synchronous shops never load it

        turn = self.turns.get(effect.provider)
        if turn is None:
            turn = self.turns[effect.provider] = asyncio.Semaphore(effect.transport.connections)
        try:
            async with asyncio.timeout(effect.transport.operation_s):
                await turn.acquire()
        except TimeoutError:
            raise _busy(effect) from None
        try:
            with _discreetly(effect):
                return await self._send(effect)
        finally:
            turn.release()

    async def _send(self, effect: Send) -> httpx.Response:
        from asyncio import timeout  # noqa: PLC0415 -- synchronous shops never load it

        import httpx  # noqa: PLC0415 -- heavy; loaded by the first request

        client = self.given or self.own.get(effect.provider)
        if client is None:
            client = self.own[effect.provider] = httpx.AsyncClient(
                **client_options(effect.transport)
            )
        try:
            async with timeout(effect.timeout_s):
                answer = await client.send(_timed(effect), stream=True, follow_redirects=False)
                try:
                    body = b""
                    async for piece in answer.aiter_bytes():
                        body = _grown(effect.provider, body, piece)
                finally:
                    await answer.aclose()
        except (httpx.HTTPError, TimeoutError) as error:
            raise _lost(effect.provider, error) from None
        return _whole(answer, body)

    async def close(self) -> None:
        """Close the clients."""
        for client in [self.given, *self.own.values()]:
            if client is not None:
                await client.aclose()


def check_certificates(providers: Iterable[Provider]) -> None:
    """See that every certificate can be used before anybody pays.

    Raises:
        UsageError: If one cannot be read, or its key or password is wrong.
    """
    for provider in providers:
        transport = transport_of(provider)
        if transport.certificate is not None or transport.roots is not None:
            client_options(transport)


def client_options(transport: Transport) -> dict[str, Any]:
    """What a client for one provider is made with.

    Raises:
        UsageError: If its certificate cannot be used.
    """
    import httpx  # noqa: PLC0415 -- heavy; loaded by the first request

    options: dict[str, Any] = {
        "follow_redirects": False,
        "trust_env": False,
        # Never fewer than have their turn: nobody waits inside the client.
        "limits": httpx.Limits(max_connections=transport.connections + 1),
    }
    if transport.certificate is not None or transport.roots is not None:
        import ssl  # noqa: PLC0415 -- few providers ask for a certificate

        try:
            context = ssl.create_default_context(cafile=transport.roots)
            if transport.certificate is not None:
                context.load_cert_chain(
                    transport.certificate,
                    transport.key,
                    transport.password.reveal() if transport.password else None,
                )
        except (OSError, ssl.SSLError):
            # What it says may name the key; the path is in the settings.
            raise UsageError(
                "cannot be read, or its key or password is wrong", field="certificate"
            ) from None
        options["verify"] = context
    return options


def _timed(effect: Send) -> httpx.Request:
    import httpx  # noqa: PLC0415 -- heavy; loaded by the first request

    seconds = effect.timeout_s
    limits = httpx.Timeout(seconds, connect=min(CONNECT_S, seconds))
    effect.request.extensions = {**effect.request.extensions, "timeout": limits.as_dict()}
    return effect.request


def _grown(provider: str, body: bytes, piece: bytes) -> bytes:
    if len(body) + len(piece) > MAX_BODY:
        raise TransportError(f"no usable answer from {provider}: more than {MAX_BODY} bytes")
    return body + piece


def _busy(effect: Send) -> Busy:
    count = effect.transport.connections
    error = Busy(f"{count} requests are under way to {effect.provider}; raise its connections")
    log_unanswered(effect.provider, effect.operation, error)
    return error


def _lost(provider: str, error: Exception) -> TransportError:
    # The kind of failure is enough; its text may hold an address with a reference in it.
    import httpx  # noqa: PLC0415 -- loaded before, or there were no error of its own

    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return Unreachable(f"{provider} cannot be reached: {type(error).__name__}")
    return TransportError(f"no usable answer from {provider}: {type(error).__name__}")


def _whole(answer: httpx.Response, body: bytes) -> httpx.Response:
    """The answer with its whole body, decoded, as adapters read it."""
    import httpx  # noqa: PLC0415 -- heavy; loaded by the first request

    about_the_wire = {b"content-encoding", b"content-length", b"transfer-encoding"}
    return httpx.Response(
        answer.status_code,
        headers=[item for item in answer.headers.raw if item[0].lower() not in about_the_wire],
        content=body,
        request=answer.request,
    )
