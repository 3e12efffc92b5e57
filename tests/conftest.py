"""What every test gets: a Hypothesis profile, and no way out of this machine."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

# Scripts that a user's interpreter runs; `make wheel` starts them.
collect_ignore = ["typed_user"]

# Whoever develops looks elsewhere each time, and `search` looks long. `ci` looks at the same
# examples until a test changes, so that it judges the change and not its luck. All print a blob
# that repeats the failing example.
settings.register_profile("dev", max_examples=50, deadline=None, print_blob=True)
settings.register_profile("ci", max_examples=100, deadline=None, print_blob=True, derandomize=True)
settings.register_profile("search", max_examples=2000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

# Two processes test at once, and threads of one that wait for another's core wait long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Before Python 3.14 coverage watches whole threads, with pytest, Hypothesis and libraries, which
# then take twice as long. So it looks away while nothing new is run. What is tested stays the same,
# and what it misses can only lower the figure.

# How many examples of each property it watches.
WATCHED: Final = 20


@contextmanager
def unwatched() -> Iterator[Any]:
    """Without coverage, if there is any; gives what it watches by."""
    tracer = sys.gettrace()
    if type(tracer).__module__ != "coverage":
        yield None
        return
    sys.settrace(None)
    try:
        yield tracer
    finally:
        sys.settrace(tracer)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Look away from what runs again what others run, as its mark says."""
    if item.get_closest_marker("repeats") is None:
        return (yield)
    with unwatched():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Look at the first examples of a property."""
    search = getattr(pyfuncitem.obj, "hypothesis", None)
    if search is None:
        return (yield)
    test = search.inner_test
    with unwatched() as tracer:
        if tracer is not None:
            search.inner_test = watched(test, tracer)
        try:
            return (yield)
        finally:
            search.inner_test = test


def watched(test: Callable[..., Any], tracer: Any) -> Callable[..., Any]:
    """The test of a property, whose first calls are watched."""
    left = iter(range(WATCHED))

    @wraps(test)
    def example(*arguments: Any, **options: Any) -> Any:
        before = sys.gettrace()
        sys.settrace(before if next(left, None) is None else tracer)
        try:
            return test(*arguments, **options)
        finally:
            sys.settrace(before)

    return example


LOOPBACK = {"127.0.0.1", "::1", "localhost", "", None}


def stay_on_this_machine(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse, as an audit hook, to look up or reach any host but this one."""
    match event, arguments:
        case ("socket.connect" | "socket.sendto", (_, (host, *_))) | (
            "socket.getaddrinfo",
            (host, *_),
        ):
            name = host.decode() if isinstance(host, bytes) else host
            if name not in LOOPBACK:
                message = f"a test tried to reach {name}; tests use no network"
                raise ConnectionRefusedError(message)
        case _:
            pass


sys.addaudithook(stay_on_this_machine)
