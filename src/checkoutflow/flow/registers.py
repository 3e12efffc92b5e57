"""Asking registers: `Registers`, and `AsyncRegisters` for asynchronous callers.

A customer may be waiting and no sale depends on it. So a look-up has two seconds, and as long
again to have its turn; a register that is down or busy is left alone for a while; and whatever goes
wrong is an answer: nothing here raises. What a register said of a company or a postal code is kept
for a while in this process; an address, which is somebody's, is not.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from checkoutflow.errors import Busy, TransportError
from checkoutflow.flow import host
from checkoutflow.flow.effects import Send, drive, drive_async
from checkoutflow.registries.contract import (
    AddressRegister,
    Answer,
    CompanyRegister,
    PostalCodes,
    Register,
    Source,
    Why,
    Word,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from types import TracebackType

    import httpx

    from checkoutflow.privacy.secret import Details
    from checkoutflow.providers.contract import Exchange
    from checkoutflow.registries.contract import AddressCheck, Company

T = TypeVar("T")
R = TypeVar("R", bound=Register)
Lookup = Generator[Send, "httpx.Response", T]
Key = tuple[str, str, str]

REQUESTS: Final = 4  # more than this no look-up needs
PAUSE: Final = timedelta(seconds=10)
KEEP_S: Final = 3600
MOST_KEPT: Final = 10_000

_NOBODY: Final = Source("", "")


@dataclass(slots=True)
class Cache:
    """Final answers, for a while and in memory. The oldest goes when there are too many.

    Attributes:
        clock: Tells the time.
        keep: How long an answer is kept.
        most: How many are.
    """

    clock: host.Clock
    keep: timedelta
    most: int
    _kept: dict[Key, tuple[datetime, Answer[Any]]] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def get(self, key: Key) -> Answer[Any] | None:
        """What is kept, as the caller's own copy."""
        until, answer = self._kept.get(key, (None, None))
        return deepcopy(answer) if until is not None and self.clock() < until else None

    def put(self, key: Key, answer: Answer[Any]) -> None:
        """Keep a copy."""
        with self._lock:
            self._kept.pop(key, None)  # what is new goes last
            self._kept[key] = (self.clock() + self.keep, deepcopy(answer))
            while len(self._kept) > self.most:
                del self._kept[next(iter(self._kept))]


class Lookups:
    """The look-ups as programs: each yields what is to be sent, and receives the response."""

    def __init__(
        self, registers: Iterable[Register], clock: host.Clock, cache: Cache | None = None
    ) -> None:
        """Sort the registers by what they can be asked; of two for one country, the first is."""
        self._known = tuple(registers)
        self._companies = [it for it in self._known if isinstance(it, CompanyRegister)]
        self._addresses = [it for it in self._known if isinstance(it, AddressRegister)]
        self._postal_codes = [it for it in self._known if isinstance(it, PostalCodes)]
        self._clock = clock
        self._cache = cache or Cache(clock, timedelta(seconds=KEEP_S), MOST_KEPT)
        self._paused: dict[str, tuple[datetime, Why | None]] = {}

    def has(self, kind: type[Any], country: str) -> bool:
        """Whether there is a register of this kind to ask about a country."""
        return any(isinstance(it, kind) and country in it.countries for it in self._known)

    def company(self, country: str, number: str) -> Lookup[Answer[Company]]:
        """What a register says of a company."""
        key = ("company", country, "".join(filter(str.isalnum, number)))
        return self._of(self._companies, country, lambda it: it.company(number), key)

    def check_address(
        self, country: str, address: Mapping[str, str]
    ) -> Lookup[Answer[AddressCheck]]:
        """Whether an address exists."""
        return self._of(self._addresses, country, lambda it: it.check(address))

    def suggest_addresses(self, country: str, text: str) -> Lookup[Answer[tuple[Details, ...]]]:
        """Addresses like a text."""
        return self._of(self._addresses, country, lambda it: it.suggest(text))

    def city_of(self, country: str, postal_code: str) -> Lookup[Answer[tuple[str, ...]]]:
        """The names of the place that a postal code belongs to."""
        key = ("city", country, postal_code)
        ask = lambda it: it.city_of(country, postal_code)  # noqa: E731 -- as for the others
        return self._of(self._postal_codes, country, ask, key)

    def _of(
        self,
        registers: Sequence[R],
        country: str,
        ask: Callable[[R], Exchange[Answer[T]]],
        key: Key | None = None,
    ) -> Lookup[Answer[T]]:
        """Ask the country's register, unless the answer is kept under this key."""
        register = next((it for it in registers if country in it.countries), None)
        if register is None:
            return Answer(Word.UNAVAILABLE, _NOBODY, why=Why.NO_REGISTER)
        if key is not None and (kept := self._cache.get(key)) is not None:
            return kept
        answer = yield from self._asked(register, partial(ask, register))
        if answer.fetched_at is None:
            answer = replace(answer, fetched_at=self._clock())
        if key is not None and answer.is_final:
            self._cache.put(key, answer)
        return answer

    def _asked(
        self, register: Register, ask: Callable[[], Exchange[Answer[T]]]
    ) -> Lookup[Answer[T]]:
        """Ask one register, unless it is left alone."""
        name, now = register.source.name, self._clock()
        until, why = self._paused.get(name, (now, None))
        if now < until:
            return Answer(Word.UNAVAILABLE, register.source, why=why)
        try:
            answer = yield from self._exchanged(register, ask())
        except TransportError as error:
            why = Why.BUSY if isinstance(error, Busy) else Why.DOWN
            answer = Answer(Word.UNAVAILABLE, register.source, why=why)
        except Exception:  # noqa: BLE001 -- whatever it is, no sale is lost over it
            answer = Answer(Word.UNAVAILABLE, register.source, why=Why.UNREADABLE)
        if answer.word is Word.UNAVAILABLE and answer.why in {Why.BUSY, Why.DOWN}:
            self._paused[name] = (self._clock() + PAUSE, answer.why)
        return answer

    def _exchanged(self, register: Register, exchange: Exchange[T]) -> Lookup[T]:
        """Run a register's look-up: each request it yields is sent, each response handed back.

        Raises:
            TransportError: If an answer did not come, all of it took too long, or it wants more
                requests than any look-up needs.
        """
        name, transport = register.source.name, register.transport
        late = self._clock() + timedelta(seconds=transport.operation_s)
        answer: Any = None
        sent = 0
        while True:
            try:
                request = exchange.send(answer)
            except StopIteration as stop:
                value: T = stop.value
                return value
            left_s = (late - self._clock()).total_seconds()
            if left_s <= 0 or sent == REQUESTS:
                raise TransportError(f"{name} took too long, or wanted too many requests")
            timeout_s = min(transport.timeout_s, left_s)
            answer = yield Send(name, request, timeout_s, transport, "look_up")
            sent += 1


# The drivers --------------------------------------------------------------------------------------


class Registers:
    """Asks registers, synchronously. ``AsyncRegisters`` is its twin.

    No call raises, whatever the registers do. Safe to use from several threads.
    """

    def __init__(
        self,
        registers: Iterable[Register],
        *,
        clock: host.Clock = host.system_clock,
        keep_s: float = KEEP_S,
        most_kept: int = MOST_KEPT,
        http: httpx.Client | None = None,
    ) -> None:
        """Put them together.

        Args:
            registers: Adapters. Of two that can be asked the same about a country, the first is.
            clock: Tells the time: aware, in UTC.
            keep_s: Seconds for which an answer about a company or a postal code is kept.
            most_kept: How many answers are kept.
            http: A client of the shop's own, with its proxy or certificates.
        """
        cache = Cache(clock, timedelta(seconds=keep_s), most_kept)
        self._lookups = Lookups(registers, clock, cache)
        self._http = host.SyncHttp(http)

    def company(self, country: str, number: str) -> Answer[Company]:
        """What a register says of a company.

        Args:
            country: Whose register to ask, by ISO 3166 code.
            number: The company's number, however it is punctuated.
        """
        return self._run(self._lookups.company(country, number))

    def check_address(self, country: str, address: Mapping[str, str]) -> Answer[AddressCheck]:
        """Whether an address exists, and how it is written if not so.

        Args:
            country: Where it is.
            address: Street, postal code and city; nothing else of it is sent.
        """
        return self._run(self._lookups.check_address(country, address))

    def suggest_addresses(self, country: str, text: str) -> Answer[tuple[Details, ...]]:
        """Addresses that begin like a text, or are written nearly so, best first."""
        return self._run(self._lookups.suggest_addresses(country, text))

    def city_of(self, country: str, postal_code: str) -> Answer[tuple[str, ...]]:
        """The names of the place that a postal code belongs to, in the main language first."""
        return self._run(self._lookups.city_of(country, postal_code))

    def _run(self, program: Lookup[T]) -> T:
        # Whatever it is, the program makes an answer of it.
        return drive(program, self._http.send, Exception)

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

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


class AsyncRegisters:
    """Asks registers, asynchronously: the calls of ``Registers``, awaited."""

    def __init__(
        self,
        registers: Iterable[Register],
        *,
        clock: host.Clock = host.system_clock,
        keep_s: float = KEEP_S,
        most_kept: int = MOST_KEPT,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        """Put them together, as ``Registers`` does."""
        cache = Cache(clock, timedelta(seconds=keep_s), most_kept)
        self._lookups = Lookups(registers, clock, cache)
        self._http = host.AsyncHttp(http)

    async def company(self, country: str, number: str) -> Answer[Company]:
        """What a register says of a company."""
        return await self._run(self._lookups.company(country, number))

    async def check_address(self, country: str, address: Mapping[str, str]) -> Answer[AddressCheck]:
        """Whether an address exists, and how it is written if not so."""
        return await self._run(self._lookups.check_address(country, address))

    async def suggest_addresses(self, country: str, text: str) -> Answer[tuple[Details, ...]]:
        """Addresses that begin like a text, or are written nearly so, best first."""
        return await self._run(self._lookups.suggest_addresses(country, text))

    async def city_of(self, country: str, postal_code: str) -> Answer[tuple[str, ...]]:
        """The names of the place that a postal code belongs to, in the main language first."""
        return await self._run(self._lookups.city_of(country, postal_code))

    async def _run(self, program: Lookup[T]) -> T:
        # Whatever it is, the program makes an answer of it.
        return await drive_async(program, self._http.send, Exception)

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.close()

    async def __aenter__(self) -> Self:
        """Use it in an ``async with`` block, which closes it."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        await self.close()
