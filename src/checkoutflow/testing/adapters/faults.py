"""Ways to break an answer or a notice of any provider: what `ADAPTER_CHECKS` tries."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import httpx

from checkoutflow.providers.contract import MAX_BODY_BYTES
from checkoutflow.providers.http import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from checkoutflow.money import Money

    Path = tuple[str | int, ...]
    Change = Callable[[httpx.Response], httpx.Response]


class Verdict(Enum):
    """What may come of a broken answer.

    ``OPEN``: we cannot know, so unknown, pending or unclear, or a contradiction. ``NOT_DONE``: the
    same, or refused. ``TYPED``: anything that is in the contract.
    """

    OPEN = "open"
    NOT_DONE = "not_done"
    TYPED = "typed"


@dataclass(frozen=True, slots=True)
class Broken:
    """One way to break an answer.

    Attributes:
        name: What was done to the answer, for the failure's text.
        verdict: What may come of it.
        change: Makes the broken answer of the good one.
    """

    name: str
    verdict: Verdict
    change: Change


def broken(good: object) -> Iterator[Broken]:
    """Every way in which an answer can be broken as a whole or in one field."""
    if not isinstance(good, httpx.Response):
        yield from _other_objects()
        return
    yield from _other_statuses()
    if good.content:
        yield from _unreadable_bodies()
        try:
            body = json.loads(good.content)
        except ValueError:
            return
        yield from _other_kinds_of_json()
        for path in paths(body):
            yield from _one_field(path, at(body, path))


def blank(good: object) -> object:
    """An answer of the same kind without anything in it."""
    return httpx.Response(200) if isinstance(good, httpx.Response) else None


def _other_objects() -> Iterator[Broken]:
    """What a method of the shop's own may return by mistake."""
    wrong: tuple[Any, ...] = (None, True, 1, "a_word_nobody_knows", "", {}, object(), [None], [{}])
    for value in wrong:
        yield Broken(f"{value!r:.30}", Verdict.OPEN, _always_this(value))


def _always_this(value: Any) -> Change:  # noqa: ANN401 - plain data of any shape
    return lambda _: value


def _other_statuses() -> Iterator[Broken]:
    page = b"<!doctype html><title>Sorry</title>"
    for status in (500, 502, 503, 504):
        yield Broken(f"status {status} over the good body", Verdict.OPEN, _status(status))
        yield Broken(f"status {status} with a web page", Verdict.OPEN, _status(status, page))
    yield Broken("status 500 with nothing", Verdict.OPEN, _status(500, b""))
    yield Broken("status 299, which nobody documents", Verdict.OPEN, _status(299))
    yield Broken("status 302", Verdict.OPEN, _status(302, b""))
    yield Broken("status 408", Verdict.OPEN, _status(408, b""))
    for status in (401, 403, 409, 429):
        yield Broken(f"status {status} with a web page", Verdict.NOT_DONE, _status(status, page))
        error = b'{"error": "no"}'
        yield Broken(f"status {status} with an error", Verdict.NOT_DONE, _status(status, error))


def _unreadable_bodies() -> Iterator[Broken]:
    bodies: dict[str, Callable[[bytes], bytes]] = {
        "a web page": lambda _: b"<!doctype html><title>Back soon</title>",
        "nothing": lambda _: b"",
        "a body cut after a quarter": lambda content: content[: len(content) // 4],
        "a body cut in the middle": lambda content: content[: len(content) // 2],
        "a body without its last byte": lambda content: content[:-1],
        "a body that is not UTF-8": lambda content: b"\xff" + content,
        "a body after a byte order mark": lambda content: b"\xef\xbb\xbf" + content,
        "a body of more than 1 MiB": lambda content: content + b" " * MAX_BODY_BYTES,
    }
    for name, change in bodies.items():
        yield Broken(name, Verdict.OPEN, _content(change))


def _other_kinds_of_json() -> Iterator[Broken]:
    for text in (b"[]", b"{}", b'"done"', b"1", b"null", b"true"):
        yield Broken(f"the body {text.decode()}", Verdict.OPEN, _content(_always(text)))
    deep = b"[" * (MAX_DEPTH + 1) + b"1" + b"]" * (MAX_DEPTH + 1)
    yield Broken("a field nested too deeply", Verdict.OPEN, _content(_with_field(b"deep", deep)))
    yield Broken("every field twice", Verdict.OPEN, _content(_doubled))


def _always(text: bytes) -> Callable[[bytes], bytes]:
    return lambda _: text


def _with_field(name: bytes, value: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content.rstrip()[:-1] + b',"%s":%s}' % (name, value)


def _doubled(content: bytes) -> bytes:
    """The object's members twice: readers disagree which ones count."""
    inner = content.strip()[1:-1]
    return b"{" + inner + b"," + inner + b"}"


def _one_field(path: Path, value: object) -> Iterator[Broken]:
    """Take away one field, or give it a value of another kind."""
    name = ".".join(map(str, path))
    yield Broken(f"no {name}", Verdict.TYPED, replacing([path], REMOVED))
    wrong: object = {} if isinstance(value, str | int | float | list) else "wrong"
    yield Broken(f"{name} of another kind", Verdict.TYPED, replacing([path], wrong))
    yield Broken(f"{name} null", Verdict.TYPED, replacing([path], None))
    if isinstance(value, str):
        yield Broken(f"{name} with odd text", Verdict.TYPED, replacing([path], "\ud800\x00"))
    if type(value) is int:
        yield Broken(f"{name} enormous", Verdict.TYPED, replacing([path], 10**30))


REMOVED: Final = object()


def replacing(places: list[Path], value: object) -> Change:
    """Put a value in some places of a JSON body; `REMOVED` takes the fields away."""

    def change(content: bytes) -> bytes:
        body = json.loads(content)
        for path in reversed(places):  # later places of a list go first
            parent = at(body, path[:-1])
            if value is REMOVED:
                del parent[path[-1]]
            else:
                parent[path[-1]] = value
        return json.dumps(body).encode()

    return _content(change)


def about_something_else(
    good: httpx.Response, *, amount: Money, merchant_reference: str
) -> Iterator[Broken]:
    """Answers in which the amount, the currency or our reference is another one or no such thing.

    All places that hold the value change together, so that the answer still agrees with itself.
    """
    try:
        body = json.loads(good.content)
    except (AttributeError, ValueError):  # no response, or no JSON
        return
    facts: dict[str, tuple[list[Path], list[object]]] = {
        "amount": (_places(body, lambda value: _is_amount(value, amount)), [10**30, -1]),
        "currency": (_places(body, lambda value: value == amount.currency), ["GBP", "ZZZ"]),
        "reference": (
            _places(body, lambda value: value == merchant_reference),
            ["someoneelsespayment2", "../payments/1"],
        ),
    }
    for name, (places, others) in facts.items():
        if not places:
            continue
        if name == "amount":
            others += [_next(at(body, places[0]), step) for step in (1, -1)]
        for other in (*others, None, True, {}, [], ""):
            yield Broken(f"{name} {other!r}", Verdict.OPEN, replacing(places, other))
        yield Broken(f"no {name}", Verdict.OPEN, replacing(places, REMOVED))


def unknown_words(place: Path) -> Iterator[Broken]:
    """Answers whose word for the outcome is new, or no word at all."""
    name = ".".join(map(str, place))
    words: list[object] = ["a_word_nobody_knows", "", None, 7, True, {}, []]
    for word in words:
        yield Broken(f"{name} {word!r}", Verdict.OPEN, replacing([place], word))
    yield Broken(f"no {name}", Verdict.OPEN, replacing([place], REMOVED))


def tampered(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Bodies that are not the one that was signed."""
    for place in range(0, len(body), max(1, len(body) // 100)):
        changed = bytearray(body)
        changed[place] ^= 1
        yield f"byte {place} changed", bytes(changed)
    yield "nothing", b""
    yield "the last byte missing", body[:-1]
    yield "the first byte missing", body[1:]
    yield "the second half missing", body[: len(body) // 2]
    yield "a space more", body + b" "
    yield "the body twice", body + body
    try:
        fields = json.loads(body)
    except ValueError:
        return
    turned = dict(reversed(list(fields.items()))) if isinstance(fields, dict) else fields
    yield "its fields in another order", json.dumps(turned).encode()
    yield "the same JSON with other spaces", json.dumps(fields, indent=1).encode()


def paths(value: object, path: Path = ()) -> Iterator[Path]:
    """Where each field and each item of plain data is, parents first."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield (*path, name)
            yield from paths(item, (*path, name))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield (*path, place)
            yield from paths(item, (*path, place))


def at(value: Any, path: Path) -> Any:  # noqa: ANN401 - plain data of any shape
    """What is at a place that `paths` gave."""
    for step in path:
        value = value[step]
    return value


def _places(body: object, is_it: Callable[[object], bool]) -> list[Path]:
    return [path for path in paths(body) if is_it(at(body, path))]


def _is_amount(value: object, amount: Money) -> bool:
    """Whether a field is this amount: in minor units, or as a decimal."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    if isinstance(value, int):
        return value == amount.minor
    try:
        return Decimal(str(value)) == amount.decimal()
    except InvalidOperation:
        return False


def _next(value: float | str, step: int) -> object:
    """The amount next to this one, in the same notation."""
    return str(Decimal(value) + step) if isinstance(value, str) else value + step


def _status(status: int, content: bytes | None = None) -> Change:
    def change(good: httpx.Response) -> httpx.Response:
        return _response(status, good.headers, good.content if content is None else content)

    return change


def _content(change: Callable[[bytes], bytes]) -> Change:
    return lambda good: _response(good.status_code, good.headers, change(good.content))


def _response(status: int, headers: Mapping[str, str], content: bytes) -> httpx.Response:
    kept = {name: value for name, value in headers.items() if name != "content-length"}
    return httpx.Response(status, headers=kept, content=content)
