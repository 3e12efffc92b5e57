"""What every adapter needs to speak HTTP with JSON: stable bytes out, suspicion in.

Nothing here sends anything. A request is built the same way every time, so that a repeat has the
same bytes; an answer is read without ever raising, because an unreadable answer is an outcome.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import httpx

from checkoutflow.errors import InvalidInput, UsageError
from checkoutflow.model import no_number, without_repeats
from checkoutflow.money import MAX_MINOR, Money, digits_of
from checkoutflow.providers.contract import MAX_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

# Deeper than this is no answer to a payment request, and no notice about one.
MAX_DEPTH: Final = 32

_REFERENCE: Final = re.compile(r"[A-Za-z0-9._~:+=-]{1,128}")
_PAGE: Final = re.compile(r"https?://[!-~]{1,4000}")


class Unreadable(ValueError):
    """A field of an answer is missing or of the wrong kind. The adapter turns it into unknown."""


def base_url(address: str) -> str:
    """Check the address of a provider's API and drop a trailing slash.

    Raises:
        InvalidInput: If it is not ``https://host/path`` (``http`` only on this machine), or carries
            a user, a query or a fragment.
    """
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        raise InvalidInput("not an address", field="base_url") from None
    if not url.host or url.userinfo or url.query or url.fragment:
        raise InvalidInput("write it as https://host/path and nothing more", field="base_url")
    if url.scheme != "https" and not (url.scheme == "http" and _is_this_machine(url.host)):
        raise InvalidInput("must be https; http goes to this machine only", field="base_url")
    return str(url).rstrip("/")


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def path(*parts: str) -> str:
    """Join parts to a path, each quoted whole: a reference can never become another path.

    Raises:
        UsageError: If a part is empty, ``.`` or ``..``, which no quoting makes safe.

    >>> path("v1", "payments", "a/b?c")
    '/v1/payments/a%2Fb%3Fc'
    """
    for part in parts:
        if part in {"", ".", ".."}:
            raise UsageError("a reference cannot be empty or made of dots only")
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def request(
    method: str, url: str, *, headers: Mapping[str, str], body: object = None
) -> httpx.Request:
    """Build a request; the same arguments give the same bytes.

    Args:
        method: ``GET``, ``POST`` and so on.
        url: The whole address, of `base_url` and `path`.
        headers: In the order in which to send them.
        body: Plain data without floats, written as JSON with sorted keys; None for no body. A
            `Decimal` of at most 15 digits becomes a number.

    >>> request("POST", "https://a.example", headers={}, body={"sum": Decimal("12.50")}).content
    b'{"sum":12.5}'
    """
    wanted = {"accept": "application/json", **headers}
    if body is None:
        return httpx.Request(method, url, headers=wanted)
    content = json.dumps(
        body,
        allow_nan=False,
        default=_exactly,
        ensure_ascii=False,
        separators=(",", ":"),
        sort_keys=True,
    ).encode()
    wanted["content-type"] = "application/json"
    return httpx.Request(method, url, headers=wanted, content=content)


def _exactly(value: object) -> float:
    """A decimal as a number in JSON: a float is written as the number itself, or not at all."""
    if isinstance(value, Decimal) and Decimal(repr(number := float(value))) == value:
        return number
    raise TypeError(f"{type(value).__name__} cannot be written as JSON without loss")


def body_of(response: httpx.Response) -> object:
    """The JSON of an answer, or None if there is none that can be trusted; never raises.

    None stands for every kind of unreadable: so a ``match`` on the body falls through to the case
    that means unknown. See `json_of` for what is refused.
    """
    return json_of(response.content)


def json_of(content: bytes) -> object:
    """Read JSON from outside, or give None.

    Refused: more than 1 MiB, not UTF-8, a byte order mark, a key twice in one object, nesting
    deeper than 32, ``NaN`` and its like, text that is not Unicode. Numbers with a point or an
    exponent become `Decimal`, so no amount passes through a float.
    """
    if len(content) > MAX_BODY_BYTES:
        return None
    try:
        value: object = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=without_repeats,
            parse_float=Decimal,
            parse_constant=no_number,
        )
        _check_depth_and_text(value)
    except (ValueError, ArithmeticError, RecursionError):
        return None
    return value


def _check_depth_and_text(value: object) -> None:
    layer = [value]
    depth = 0
    while layer:
        below: list[object] = []
        for item in layer:
            if isinstance(item, dict):
                below += item.keys()
                below += item.values()
            elif isinstance(item, list):
                below += item
            elif isinstance(item, str):
                item.encode("utf-8")  # half of an escaped surrogate pair raises
        depth += 1
        if depth > MAX_DEPTH and below:
            raise ValueError("nested too deeply")
        layer = below


def amount_of(minor: object, currency: object) -> Money:
    """An amount as a provider gave it.

    Raises:
        Unreadable: If it is not a whole number of minor units of zero or more, in a known currency.

    >>> amount_of(12900, "DKK")
    Money(minor=12900, currency='DKK')
    """
    if isinstance(minor, int) and isinstance(currency, str) and minor >= 0:
        try:
            return Money(minor, currency)
        except InvalidInput:
            pass
    raise Unreadable("not an amount")


def money_from(value: object, currency: object) -> Money:
    """An amount that a provider wrote in whole units: a number, or plain text.

    It can be below zero, as some write what they give back: give what must not be to `amount_of`.

    Raises:
        Unreadable: If it is anything else, finer than the currency's smallest unit, or in no known
            currency.

    >>> money_from(Decimal("129.5"), "DKK"), money_from("-1.50", "EUR")
    (Money(minor=12950, currency='DKK'), Money(minor=-150, currency='EUR'))
    """
    try:
        match value, currency:
            case str(text), str(code):
                return Money.parse(text, code)
            case bool(), _:
                pass
            case ((int() | Decimal()), str(code)):
                number = Decimal(value)
                if abs(number) <= MAX_MINOR:
                    money = Money(int(number.scaleb(digits_of(code))), code)
                    if money.decimal() == number:  # also where scaling rounded
                        return money
    except (InvalidInput, ArithmeticError):
        pass
    raise Unreadable("not an amount")


def reference_of(value: object) -> str:
    """A provider's name for something: 1 to 128 characters that fit a path, a log and every store.

    Raises:
        Unreadable: If it is anything else.
    """
    if isinstance(value, str) and _REFERENCE.fullmatch(value):
        return value
    raise Unreadable("not a reference")


def page_of(value: object) -> str:
    """The address of a web page to which a customer can be sent.

    Raises:
        Unreadable: If it is anything else, a script for example.
    """
    if isinstance(value, str) and _PAGE.fullmatch(value):
        return value
    raise Unreadable("not the address of a page")


def time_of(value: object) -> datetime:
    """A point in time, written in ISO 8601 with its offset; in UTC.

    Raises:
        Unreadable: If it is anything else.
    """
    if isinstance(value, str):
        try:
            time = datetime.fromisoformat(value)
            if time.tzinfo is not None:
                return time.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise Unreadable("not a point in time")


def time_or_none(value: object) -> datetime | None:
    """A point in time as `time_of` reads it; None if it is none, where nothing hangs on it."""
    try:
        return time_of(value)
    except Unreadable:
        return None
