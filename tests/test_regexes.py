"""No text from outside makes a regular expression slow: time goes in proportion to its length.

Every pattern of the package is found in its source, and tried with the methods that are called on
it, with texts that make patterns look back: the same few signs over and over, and an end that does
not fit. What it takes is compared with what the plainest of patterns takes on the same text, so
that a busy machine proves nothing.

Patterns of models (``pattern=``) are pydantic's, whose engine is linear by construction.
"""

from __future__ import annotations

import ast
import re
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

import checkoutflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

SOURCE: Final = Path(checkoutflow.__file__).parent
METHODS: Final = frozenset("search match fullmatch sub subn split finditer findall".split())
LENGTHS: Final = (2_000, 10_000, 100_000)  # in this order: one that looks back fails early

# Texts of which patterns make the most, over and over.
SIGNS: Final = (
    *("0", "a", "A", "é", " ", "\t", "\n", "-", ".", ",", ";", "/", ":", "+", "<", "#", "@", "="),
    *("0 ", "0-", "0.", "0/", "a ", "a.", "a-", "A1", "1a", "c/o ", "v/", "st ", "0a ", ".,", ". "),
    *("http://", "?attempt=", "+71<0", "kl. ", "1. ", "aA", "0 - ", "H0201 ", "a/", "12.12.", "a:"),
)
ENDS: Final = ("", "\x00")


class Used(NamedTuple):
    """A pattern as the code uses it."""

    where: str
    pattern: re.Pattern[str]
    method: str


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        if parts[0] not in {"testing", "__main__"}:  # no text from outside gets there
            name = ".".join(("checkoutflow", *parts)).removesuffix(".__init__")
            yield name, path


def used_in(name: str, path: Path) -> Iterator[Used | str]:
    """Patterns that a module uses; what cannot be told from its source, as the place it is at."""
    text = path.read_text("utf-8")
    if not re.search(r"^import re$", text, re.MULTILINE):
        return
    module, file = import_module(name), str(path.relative_to(SOURCE))
    called: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name("re"), attr=method), args=[given, *_]
            ) if method in METHODS:
                yield in_place(file, module, given, method)
            case ast.Attribute(value=ast.Name(constant), attr=method) if method in METHODS:
                called.setdefault(constant, set()).add(method)
    for constant, value in vars(module).items():
        where = f"{file}: {constant}"
        if isinstance(value, re.Pattern):
            yield from (Used(where, value, method) for method in called.get(constant, ()))
        elif isinstance(value, tuple | dict):
            for place, pattern in enumerate(within(value)):
                yield Used(f"{where}[{place}]", pattern, "search")


def in_place(file: str, module: ModuleType, given: ast.expr, method: str) -> Used | str:
    where = f"{file}: {ast.unparse(given)}"
    try:
        found = eval(ast.unparse(given), vars(module))  # noqa: S307 -- our own source
    except NameError:
        return where
    return Used(where, re.compile(found), method)


def within(value: object) -> Iterator[re.Pattern[str]]:
    """The patterns in a table."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        yield from within((*value.keys(), *value.values()))
    elif isinstance(value, tuple | list):
        for each in value:
            yield from within(each)


@cache
def found() -> tuple[list[Used], list[str]]:
    everything = [one for name, path in modules() for one in used_in(name, path)]
    return (
        list(dict.fromkeys(one for one in everything if isinstance(one, Used))),
        sorted({one for one in everything if isinstance(one, str)}),
    )


def act(used: Used, text: str) -> Callable[[], Any]:
    call = getattr(used.pattern, used.method)
    if used.method in {"sub", "subn"}:
        return partial(call, "", text)
    if used.method == "finditer":
        return lambda: list(call(text))
    return partial(call, text)


def quickest(action: Callable[[], Any], times: int = 3) -> float:
    best = float("inf")
    for _ in range(times):
        began = perf_counter()
        action()
        best = min(best, perf_counter() - began)
    return best


# Finding every letter on its own is as much as a linear pattern does, and much of it.
PLAIN: Final = re.compile(r"(?:[^\x00]){1}")


def took(action: Callable[[], Any]) -> float:
    began = perf_counter()
    action()
    return perf_counter() - began


def plain(length: int) -> float:
    return min(took(partial(PLAIN.findall, "a" * length)) for _ in range(3))


USUAL: Final = cache(plain)


def is_slow(used: Used, text: str) -> bool:
    """Compare first with what was measured before; if in doubt again, on the machine as it is."""
    action = act(used, text)
    if took(action) < 20 * USUAL(len(text)) + 0.001:
        return False
    return all(took(action) > 20 * plain(len(text)) + 0.001 for _ in range(3))


def slow_texts(used: Used) -> Iterator[str]:
    """Texts that take more time than in proportion to their length; none is tried for long."""
    for sign in SIGNS:
        for end in ENDS:
            for length in LENGTHS:
                if is_slow(used, sign * (length // len(sign)) + end):
                    yield f"{sign!r} * {length} + {end!r}"
                    break


# Patterns that are put together where they are used, on texts of bounded length.
ELSEWHERE: Final = {
    "customer/contact.py: shape": "postal codes and the like; what was typed is short by then",
    "customer/identity.py: pattern": "of one number, as short as numbers are",
    "customer/identity.py: shape": "the same",
    "payment/references/norway.py: '[0-9]+-?' if self.allows_hyphen else '[0-9]+'": "is plain",
    "registries/base.py: shape": "cut to the longest before",
}


def test_patterns_that_are_not_found_are_known():
    used, elsewhere = found()
    assert set(elsewhere) == set(ELSEWHERE)
    assert len(used) > 80


@pytest.mark.repeats
@pytest.mark.parametrize("used", found()[0], ids=lambda used: f"{used.where} {used.method}")
def test_a_pattern_takes_time_in_proportion_to_the_text(used):
    assert not list(slow_texts(used))


@pytest.mark.parametrize(
    ("pattern", "method"), [(r"\s+$", "sub"), (r"a*a*b", "match"), (r"[0-9]+x", "search")]
)
def test_one_that_looks_back_is_found_out(pattern, method):
    assert next(slow_texts(Used("here", re.compile(pattern), method)), None)
