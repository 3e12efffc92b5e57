"""A progress bar on stderr, where a person is looking."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any


class Bar:
    """Told how far the work has come, it draws a bar for each stage; without tqdm, none."""

    def __init__(self) -> None:
        """Begin without one."""
        self._make: Any = None
        if find_spec("tqdm") is not None:
            # Its stubs are a package of their own.
            from tqdm import tqdm  # type: ignore[import-untyped]  # noqa: PLC0415 -- of an extra

            self._make = tqdm
        self._bar: Any = None
        self._stage = ""

    def __call__(self, stage: str, done: int, of: int) -> None:
        """Draw how far it is."""
        if self._make is None:
            return
        if stage != self._stage:
            self.close()
            self._stage = stage
            self._bar = self._make(
                total=of,
                desc=f"{stage:>10}",
                unit=" rows",
                unit_scale=True,
                disable=None,  # unless it is a terminal
                leave=False,
                file=sys.stderr,
            )
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
