"""What every test gets: a Hypothesis profile, and no way out of this machine."""

from __future__ import annotations

import os
import sys

from hypothesis import settings

# Scripts that a user's interpreter runs; `make wheel` starts them.
collect_ignore = ["typed_user"]

# Both print a blob that repeats the failing example. `ci` looks longer.
settings.register_profile("dev", max_examples=50, deadline=None, print_blob=True)
settings.register_profile("ci", max_examples=300, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

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
