"""A worker: does what is due, hands on messages, rests until there is more.

Any number of them may work on one store, in threads, processes and machines: each takes a few
checkouts for itself, the longest overdue first. A worker that dies leaves a lease behind, and when
it is over the others go on.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Final

from checkoutflow.errors import StoreError
from checkoutflow.flow.host import Clock, system_clock
from checkoutflow.flow.logs import log_failure
from checkoutflow.flow.watching import telling, working

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from checkoutflow.flow.alerting import Port
    from checkoutflow.flow.sync import CheckoutFlow
    from checkoutflow.stores.contract import Due, Message

LOG: Final = logging.getLogger("checkoutflow.workers")

# What fails is tried again after so long, then twice as long, and at last after an hour each time.
FIRST_S: Final = 60.0
LONGEST_S: Final = 3600.0
# The same where the store does not answer.
_STORE_FIRST_S: Final = 1.0
_STORE_LONGEST_S: Final = 60.0

_LEAST_S: Final = 0.05
_LEASE_S: Final = 300.0
_SWEEP_EVERY_S: Final = 60.0
_MOST_MESSAGES: Final = 1000
_MOST_REMEMBERED: Final = 10_000


def pause(failures: int, first_s: float = FIRST_S, longest_s: float = LONGEST_S) -> float:
    """Seconds to wait after so many failures in a row."""
    return min(first_s * 2.0 ** min(failures - 1, 32), longest_s)


@dataclass(frozen=True, slots=True)
class Round:
    """What came of one round.

    Attributes:
        done: How many checkouts had their turn.
        failed: How many turns failed; these checkouts have another one later.
        told: How many messages were taken.
        is_more: Whether there was more to do than one round takes.
    """

    done: int = 0
    failed: int = 0
    told: int = 0
    is_more: bool = False


class Worker:
    """One thread's worth of due work. Several are as many threads, each with one of its own.

    Whatever goes wrong with one checkout or one message is logged (by its id and the kind of error)
    and waits for another turn, longer each time; it never ends the worker.
    """

    def __init__(
        self,
        flow: CheckoutFlow,
        *,
        take: Callable[[Message], object] | None = None,
        reviewers: Collection[Port] = (),
        batch: int = 20,
        rest_s: float = 5.0,
        clock: Clock = system_clock,
    ) -> None:
        """Put a worker together.

        Args:
            flow: Whose work is done. Workers may share one.
            take: Called with each message for the shop, in order; once it returns, the message is
                gone. It may see one twice. Without it, messages stay for whoever asks.
            reviewers: Who is told that orders wait for a person; see `CheckoutFlow.tell_reviewers`.
            batch: How many checkouts it takes for itself at a time.
            rest_s: Seconds it rests at most, before it looks whether others made work for it.
            clock: As the flow's.
        """
        self._flow = flow
        self._take = take
        self._reviewers = reviewers
        self._batch = batch
        self._rest_s = rest_s
        self._clock = clock
        self._stop = Event()
        self._failures: dict[str, int] = {}
        self._not_before: dict[str, float] = {}
        self._swept_at = 0.0

    def stop(self) -> None:
        """Let it finish what it has begun, and then return from `run`. Safe in a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Work until `stop` is called."""
        lost = 0
        while not self._stop.is_set():
            try:
                came = self.round()
                rest_s = 0.0 if came.is_more else self._until_next()
                lost = 0
            except StoreError as error:
                lost += 1
                rest_s = pause(lost, _STORE_FIRST_S, _STORE_LONGEST_S)
                LOG.warning("the store cannot be used, for the %d. time: %s", lost, error)
            self._stop.wait(rest_s)

    def drain(self) -> Round:
        """Work until nothing is due, and return; for cron."""
        done = failed = told = 0
        while not self._stop.is_set():
            came = self.round()
            done, failed, told = done + came.done, failed + came.failed, told + came.told
            if not came.is_more:
                break
        return Round(done, failed, told)

    def round(self) -> Round:
        """Do what is due now, as much as one batch, and hand on messages.

        Raises:
            StoreError: If it cannot be asked what is due. What a single checkout raises is logged.
        """
        with working(self._flow.telemetry, "round"):
            return self._round()

    def _round(self) -> Round:
        leased = self._flow.lease_due(self._batch, for_s=_LEASE_S)
        done = failed = 0
        for due in leased:
            if self._stop.is_set():
                with suppress(StoreError):  # then it is due when the lease is over
                    self._flow.put_off(due, for_s=0)
            elif due.until is None or self._clock() < due.until:
                is_done = self._wake(due)
                done, failed = done + is_done, failed + (not is_done)
        told = 0 if self._stop.is_set() else self._tell()
        self._sweep()
        return Round(done, failed, told, is_more=len(leased) == self._batch)

    def _wake(self, due: Due) -> bool:
        try:
            self._flow.wake(due)
        except Exception as error:  # noqa: BLE001 -- one checkout must not hold the rest, whatever it is
            count = self._failed(due.checkout)
            log_failure(error, tries=count, log=LOG, checkout_id=due.checkout)
            with suppress(StoreError):  # then it is due when the lease is over
                self._flow.put_off(due, for_s=pause(count))
            return False
        self._failures.pop(due.checkout, None)
        return True

    def _tell(self) -> int:
        """Hand on messages, the oldest first; one that is not taken does not hold the others."""
        told = 0
        if self._reviewers:
            told += len(self._flow.tell_reviewers(self._reviewers, limit=_MOST_MESSAGES).done)
        if self._take is None:
            return told
        now_s = self._clock().timestamp()
        for message in self._flow.messages(_MOST_MESSAGES):
            if self._stop.is_set():
                break
            is_theirs = message.kind == "review_waits" and self._reviewers
            if is_theirs or self._not_before.get(message.id, 0.0) > now_s:
                continue
            try:
                with telling(self._flow.telemetry, message):
                    self._take(message)
            except Exception as error:  # noqa: BLE001 -- it is the shop's own, and may do anything
                count = self._failed(message.id)
                self._not_before[message.id] = now_s + pause(count)
                log_failure(error, tries=count, log=LOG, message_id=message.id)
                continue
            self._flow.delivered([message])
            self._failures.pop(message.id, None)
            self._not_before.pop(message.id, None)
            told += 1
        return told

    def _sweep(self) -> None:
        """Remove what is over of people, now and then."""
        now_s = self._clock().timestamp()
        if now_s - self._swept_at >= _SWEEP_EVERY_S:
            self._flow.forget_expired()
            self._swept_at = now_s

    def _until_next(self) -> float:
        """Seconds until something is due, or others may have made work."""
        first = self._flow.next_due()
        if first is None:
            return self._rest_s
        # What is due and was not given to us is about to be somebody else's.
        return min(max((first - self._clock()).total_seconds(), _LEAST_S), self._rest_s)

    def _failed(self, name: str) -> int:
        """Count one more failure, and say how many there were in a row."""
        if len(self._failures) >= _MOST_REMEMBERED:
            self._failures.clear()
            self._not_before.clear()
        self._failures[name] = count = self._failures.get(name, 0) + 1
        return count
