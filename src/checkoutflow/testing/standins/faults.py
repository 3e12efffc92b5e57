"""What can go wrong at a provider, and how each fault changes an answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias

import httpx

from checkoutflow.providers.contract import MAX_BODY_BYTES
from checkoutflow.testing.standins.book import Fate, Refusal


class Fault(StrEnum):
    """What can go wrong, once each time it is planned."""

    NONE = "none"  # in a plan: let this one pass
    # The operation itself ends badly or late.
    DECLINE = "decline"
    SLOW = "slow"  # 202 and "processing"; done at a later bank time
    FAIL_LATER = "fail_later"  # 202 and "processing"; failed at a later bank time
    # The request is not taken; nothing is done.
    UNREACHABLE = "unreachable"  # no connection, so it is certain that nothing was sent
    LOSE_REQUEST = "lose_request"
    ERROR = "error"  # 500
    UNAUTHORISED = "unauthorised"  # 401
    BUSY = "busy"  # 409: the key is in use
    RATE_LIMIT = "rate_limit"  # 429 with Retry-After
    # It is done, and the answer does not say so.
    LOSE_ANSWER = "lose_answer"
    ERROR_AFTER = "error_after"  # 503
    HTML = "html"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    HUGE = "huge"
    WRONG_TYPE = "wrong_type"
    UNKNOWN_WORD = "unknown_word"
    MISSING_ID = "missing_id"
    # It is done, and the answer is about something else.
    OTHER_AMOUNT = "other_amount"
    OTHER_CURRENCY = "other_currency"
    OTHER_REFERENCE = "other_reference"
    # Only when asked how a payment stands.
    NOT_FOUND = "not_found"  # though it is there
    STALE = "stale"  # as it stood before its last change


FATES: Final = frozenset({Fault.DECLINE, Fault.SLOW, Fault.FAIL_LATER})
LOOKUPS: Final = frozenset({Fault.NOT_FOUND, Fault.STALE})
_NOT_TAKEN: Final = MappingProxyType(
    {
        Fault.ERROR: (500, "internal_error"),
        Fault.UNAUTHORISED: (401, "unauthorised"),
        Fault.BUSY: (409, "key_in_use"),
        Fault.RATE_LIMIT: (429, "too_many_requests"),
    }
)


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault that waits for the next request of its operation.

    Attributes:
        reason: Why, for a decline.
        after_s: Bank seconds until a slow operation ends.
    """

    fault: Fault
    reason: str = ""
    after_s: int = 0

    @property
    def fate(self) -> Fate:
        """How the operation itself is going to end."""
        match self.fault:
            case Fault.DECLINE:
                return Fate(self.reason)
            case Fault.SLOW:
                return Fate(after_s=self.after_s)
            case Fault.FAIL_LATER:
                return Fate(self.reason, self.after_s)
            case _:
                return Fate()


def lose(request: httpx.Request, fault: Fault) -> None:
    """Let a request not be taken."""
    if fault is Fault.UNREACHABLE:
        raise httpx.ConnectError("nobody there", request=request)
    if fault is Fault.LOSE_REQUEST:
        raise httpx.WriteError("the request was lost on its way", request=request)
    if fault in _NOT_TAKEN:
        raise Refusal(*_NOT_TAKEN[fault])


@dataclass(frozen=True, slots=True)
class Names:
    """What a provider calls the fields that faults change.

    Attributes:
        amounts: Fields that hold an amount's number.
        currencies: Fields that hold a currency.
        words: Fields that say how something stands.
        ids: Fields by which a payment is told apart.
        references: Fields that hold our own name for it.
    """

    amounts: frozenset[str]
    currencies: frozenset[str]
    words: frozenset[str]
    ids: frozenset[str]
    references: frozenset[str]


def spoil(
    request: httpx.Request, fault: Fault, answer: httpx.Response, names: Names
) -> httpx.Response:
    """What comes through of an answer.

    Raises:
        Refusal: For `Fault.ERROR_AFTER`; the caller writes it as the provider does.
    """
    match fault:
        case Fault.LOSE_ANSWER:
            raise httpx.ReadTimeout("the answer was lost on its way", request=request)
        case Fault.ERROR_AFTER:
            raise Refusal(503, "unavailable")
        case Fault.HTML:
            return httpx.Response(200, html="<!doctype html><title>Back soon</title>")
        case Fault.EMPTY:
            return httpx.Response(answer.status_code)
        case Fault.TRUNCATED:
            return _raw(answer, answer.content[: len(answer.content) // 2])
        case Fault.HUGE:
            return _raw(answer, answer.content + b" " * MAX_BODY_BYTES)
        case _ if fault in _REWRITES and answer.content:
            rewritten = _rewritten(answer.json(), _REWRITES[fault](names))
            return _raw(answer, json.dumps(rewritten).encode())
        case _:
            return answer


def _raw(answer: httpx.Response, content: bytes) -> httpx.Response:
    headers = {"content-type": answer.headers.get("content-type", "application/json")}
    return httpx.Response(answer.status_code, headers=headers, content=content)


_DROP: Final = object()
_Rewrite: TypeAlias = Callable[[str, object], object]


def _rewritten(value: object, change: _Rewrite) -> object:
    """A copy of plain data with each field's value changed, or the field dropped."""
    if isinstance(value, list):
        return [_rewritten(item, change) for item in value]
    if not isinstance(value, dict):
        return value
    changed = {name: change(name, _rewritten(item, change)) for name, item in value.items()}
    return {name: item for name, item in changed.items() if item is not _DROP}


def _number_as_text(_names: Names) -> _Rewrite:
    return lambda _name, value: str(value) if isinstance(value, int) else value


def _unknown_word(names: Names) -> _Rewrite:
    return lambda name, value: "quarantined" if name in names.words else value


def _missing_id(names: Names) -> _Rewrite:
    return lambda name, value: _DROP if name in names.ids else value


def _more(names: Names) -> _Rewrite:
    def more(name: str, value: object) -> object:
        return value + 1 if name in names.amounts and isinstance(value, int) and value else value

    return more


def _abroad(names: Names) -> _Rewrite:
    def abroad(name: str, value: object) -> object:
        if name not in names.currencies:
            return value
        return "SEK" if value == "EUR" else "EUR"

    return abroad


def _someone_elses(names: Names) -> _Rewrite:
    return lambda name, value: "someone-elses-payment" if name in names.references else value


_REWRITES: Final[Mapping[Fault, Callable[[Names], _Rewrite]]] = MappingProxyType(
    {
        Fault.WRONG_TYPE: _number_as_text,
        Fault.UNKNOWN_WORD: _unknown_word,
        Fault.MISSING_ID: _missing_id,
        Fault.OTHER_AMOUNT: _more,
        Fault.OTHER_CURRENCY: _abroad,
        Fault.OTHER_REFERENCE: _someone_elses,
    }
)
