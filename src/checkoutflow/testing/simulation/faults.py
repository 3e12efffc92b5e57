"""What can go wrong in a simulated world, where each thing can happen, and what a seed turns on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.testing.simulation.scenes import BANK, PROVIDERS, markets_of
from checkoutflow.testing.standins.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Trouble(StrEnum):
    """A class of faults; a seed turns some of them on, more or less strongly."""

    # The machine. It happens at the effects of programs.
    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"  # it was done, and nobody heard the answer
    PAUSE = "pause"  # the process stands still, often past its lease, and goes on
    # The store.
    STORE_DOWN = "store down"  # nothing was done
    COMMIT_UNKNOWN = "commit unknown"  # it was done, and the connection was lost
    STALE_READ = "stale read"  # a replica that lags behind
    # The way to the provider, and the provider.
    UNREACHABLE = "unreachable"
    LOST_REQUEST = "lost request"
    LATE_REQUEST = "late request"  # acted on after the answer was given up
    LOST_ANSWER = "lost answer"
    NOT_DONE = "error, not done"  # 500, 401, 409, 429
    DONE_ALL_THE_SAME = "error, but done"  # 503
    WRONG_BODY = "wrong body"
    ABOUT_ANOTHER = "about another"  # another amount, currency or reference
    TURNED_DOWN = "turned down"
    SLOW = "slow"  # done, or turned down, some time later
    LAGGING = "lagging look-up"
    # Notices.
    NOTICE_LOST = "notice lost"
    NOTICE_TWICE = "notice twice"
    NOTICE_LATE = "notice late"  # by minutes or days, so that they overtake one another
    NOTICE_FORGED = "notice forged"
    # Jobs.
    JOB_TWICE = "job twice"
    JOB_LATE = "job late"
    # The world as a whole.
    OUTAGE = "outage"  # one operation of the provider is away for a time
    SILENCE = "silence"  # all of it is, for more than a day: people look in its portal
    FORGETS_KEYS = "forgets keys"
    KEYS_EXPIRE = "keys expire"
    CLOCKS_DIFFER = "clocks differ"
    CLOCKS_JUMP = "clocks jump"
    # People, and what they do behind our back.
    DOUBLE_CLICK = "double click"
    GIVES_UP = "gives up"
    IN_THE_PORTAL = "in the portal"
    TAKEN_BACK = "taken back"
    CHARGED_BACK = "charged back"
    RUNS_OUT = "runs out"


T = Trouble


class Kind(StrEnum):
    """Kinds of places where faults happen."""

    READ = "read"
    LOAD = "load"
    WRITE = "write"
    ORDER = "order"  # something is asked of a provider
    LOOK = "look"  # a provider is asked how something stands
    EARLY_LOOK = "early look"  # the same, soon after something changed there
    NOTICE = "notice"
    PROOF = "proof"  # a notice of what nobody can be asked about
    JOB = "job"
    WORLD = "world"


_MACHINE: Final = (T.CRASH_BEFORE, T.CRASH_AFTER, T.PAUSE)
_WIRE: Final = (
    *_MACHINE,
    T.UNREACHABLE,
    T.LOST_REQUEST,
    T.LOST_ANSWER,
    T.NOT_DONE,
    T.WRONG_BODY,
    T.ABOUT_ANOTHER,
)

# What can happen where.
CAN_HAPPEN: Final[Mapping[Kind, tuple[Trouble, ...]]] = MappingProxyType(
    {
        Kind.READ: (*_MACHINE, T.STORE_DOWN),
        Kind.LOAD: (*_MACHINE, T.STORE_DOWN, T.STALE_READ),
        Kind.WRITE: (*_MACHINE, T.STORE_DOWN, T.COMMIT_UNKNOWN),
        Kind.ORDER: (*_WIRE, T.LATE_REQUEST, T.DONE_ALL_THE_SAME, T.TURNED_DOWN, T.SLOW),
        Kind.LOOK: _WIRE,
        Kind.EARLY_LOOK: (*_WIRE, T.LAGGING),
        Kind.NOTICE: (T.NOTICE_LOST, T.NOTICE_TWICE, T.NOTICE_LATE, T.NOTICE_FORGED),
        Kind.PROOF: (T.NOTICE_TWICE, T.NOTICE_LATE, T.NOTICE_FORGED),
        Kind.JOB: (T.JOB_TWICE, T.JOB_LATE),
        Kind.WORLD: (
            T.OUTAGE,
            T.SILENCE,
            T.FORGETS_KEYS,
            T.KEYS_EXPIRE,
            T.CLOCKS_DIFFER,
            T.CLOCKS_JUMP,
            T.DOUBLE_CLICK,
            T.GIVES_UP,
            T.IN_THE_PORTAL,
            T.TAKEN_BACK,
            T.CHARGED_BACK,
            T.RUNS_OUT,
        ),
    }
)

# What is not played with a provider, since nobody but a person could ever find out: its look-ups
# and notices do not show it. It keeps its keys as it says, besides.
HIDDEN: Final[Mapping[str, frozenset[Trouble]]] = MappingProxyType(
    {
        "adyen": frozenset({T.RUNS_OUT}),  # after weeks only: no notice is late by as much
        "quickpay": frozenset({T.RUNS_OUT}),  # shows once something is asked of it
        "riverty": frozenset({T.TAKEN_BACK}),  # what they invoice is the shop's, come what may
        "vipps_mobilepay": frozenset({T.SLOW}),  # it does what it is asked at once, or never
        "swish": frozenset({T.IN_THE_PORTAL}),  # a refund is found by our name for it alone
    }
)
NEVER_RUN_OUT: Final = frozenset({"quickpay"})
_OF_THE_BANK: Final = frozenset({T.FORGETS_KEYS, T.KEYS_EXPIRE})

# How the provider does it, one of these each time.
AT_THE_PROVIDER: Final[Mapping[Trouble, tuple[Fault, ...]]] = MappingProxyType(
    {
        T.UNREACHABLE: (Fault.UNREACHABLE,),
        T.LOST_REQUEST: (Fault.LOSE_REQUEST,),
        T.LOST_ANSWER: (Fault.LOSE_ANSWER,),
        T.NOT_DONE: (Fault.ERROR, Fault.UNAUTHORISED, Fault.BUSY, Fault.RATE_LIMIT),
        T.DONE_ALL_THE_SAME: (Fault.ERROR_AFTER,),
        T.WRONG_BODY: (
            Fault.HTML,
            Fault.EMPTY,
            Fault.TRUNCATED,
            Fault.WRONG_TYPE,
            Fault.UNKNOWN_WORD,
            Fault.MISSING_ID,
        ),
        T.ABOUT_ANOTHER: (Fault.OTHER_AMOUNT, Fault.OTHER_CURRENCY, Fault.OTHER_REFERENCE),
        T.TURNED_DOWN: (Fault.DECLINE,),
        T.SLOW: (Fault.SLOW, Fault.FAIL_LATER),
        T.LAGGING: (Fault.NOT_FOUND, Fault.STALE),
    }
)

# At most how often each happens, where it is on: of a hundred times that it could.
_MOST: Final[Mapping[Trouble, float]] = MappingProxyType(
    {
        T.CRASH_BEFORE: 3,
        T.CRASH_AFTER: 3,
        T.PAUSE: 4,
        T.STORE_DOWN: 5,
        T.COMMIT_UNKNOWN: 5,
        T.STALE_READ: 20,
        T.UNREACHABLE: 20,
        T.LOST_REQUEST: 25,
        T.LATE_REQUEST: 20,
        T.LOST_ANSWER: 25,
        T.NOT_DONE: 20,
        T.DONE_ALL_THE_SAME: 20,
        T.WRONG_BODY: 20,
        T.ABOUT_ANOTHER: 8,
        T.TURNED_DOWN: 25,
        T.SLOW: 30,
        T.LAGGING: 30,
        T.NOTICE_LOST: 60,
        T.NOTICE_TWICE: 50,
        T.NOTICE_LATE: 50,
        T.NOTICE_FORGED: 20,
        T.JOB_TWICE: 40,
        T.JOB_LATE: 40,
        T.DOUBLE_CLICK: 40,
        T.GIVES_UP: 15,
        T.IN_THE_PORTAL: 25,
        T.TAKEN_BACK: 30,
        T.CHARGED_BACK: 40,
    }
)

_IN_A_HUNDRED: Final = 100
# Of a hundred runs: without any fault; with all of them.
_CALM: Final = 3
_WILD: Final = 8
_AT_MOST_ON: Final = 8
_SILENT: Final = 0.05
_AT_THE_BANK: Final = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """What a seed makes of a world.

    Attributes:
        provider: Who takes the payments.
        market: Where.
        customers: How many buy.
        strength: Of each class that is on, how often it happens, as a share of the times that it
            could; 1 for those that the world as a whole has or has not.
    """

    seed: int
    provider: str
    market: str
    customers: int
    strength: Mapping[Trouble, float]

    @classmethod
    def of(cls, seed: int, provider: str = "") -> Plan:
        """Draw the plan of a seed: a few classes of faults, sometimes none or all of them.

        Args:
            seed: What it is drawn from.
            provider: Who takes the payments; by default that is drawn too, half of the time the
                simulated bank.
        """
        random = Random(f"plan {seed}")  # noqa: S311 -- the same seed gives the same plan
        kind = random.randrange(_IN_A_HUNDRED)
        customers = random.choice((1, 2, 3, 4, 6, 8))
        others = Random(f"provider {seed}")  # noqa: S311 -- as above
        drawn = BANK if others.random() < _AT_THE_BANK else others.choice(PROVIDERS)
        provider = provider or drawn
        never = HIDDEN.get(provider, frozenset()) | (_OF_THE_BANK if provider != BANK else set())
        never |= {T.SILENCE}  # it is drawn by itself, below
        every = [trouble for trouble in Trouble if trouble not in never]
        if kind < _CALM:
            chosen = []
        elif kind < _CALM + _WILD:
            chosen = every
        else:
            chosen = random.sample(every, random.randint(1, _AT_MOST_ON))
        strength = {
            each: random.uniform(0.1, 1) * _MOST[each] / _IN_A_HUNDRED if each in _MOST else 1.0
            for each in sorted(chosen)
        }
        market = others.choice(markets_of(provider))
        if chosen and others.random() < _SILENT:
            strength[T.SILENCE] = 1.0
        return cls(seed, provider, market, customers, strength)

    def has(self, trouble: Trouble) -> bool:
        """Whether a class is on."""
        return trouble in self.strength

    def thresholds(self, kind: Kind) -> tuple[tuple[float, Trouble], ...]:
        """Classes that can happen at a kind of place, each with where its share of [0, 1) ends."""
        return tuple(self._shares(kind))

    def _shares(self, kind: Kind) -> Iterator[tuple[float, Trouble]]:
        upto = 0.0
        possible = [each for each in CAN_HAPPEN[kind] if each in self.strength]
        # Where very much is on, something must still get through.
        whole = sum(self.strength[each] for each in possible)
        scale = min(1.0, _SOMETHING_GETS_THROUGH / whole) if whole else 1.0
        for each in possible:
            upto += self.strength[each] * scale
            yield upto, each


_SOMETHING_GETS_THROUGH: Final = 0.5
