"""Importing checkoutflow, and using its first names, loads none of the heavy libraries."""

from __future__ import annotations

import sys

HEAVY = {
    "babel",
    "cryptography",
    "holidays",
    "duckdb",
    "httpx",
    "hypothesis",
    "joserfc",
    "opentelemetry",
    "phonenumbers",
    "pytest",
    "rapidfuzz",
    "splink",
    "sqlalchemy",
    "stdnum",
}
FIRST_NAMES = ("Money", "Cart", "Shop", "CheckoutFlow")


def check() -> None:
    """Stop with the names of what was loaded too early."""
    import checkoutflow  # noqa: PLC0415 -- loading it is what is checked

    for name in ("", *FIRST_NAMES):
        if name in dir(checkoutflow):
            getattr(checkoutflow, name)
        if loaded := HEAVY & sys.modules.keys():
            sys.exit(f"checkoutflow.{name}".rstrip(".") + f" loads {', '.join(sorted(loaded))}")


if __name__ == "__main__":
    check()
