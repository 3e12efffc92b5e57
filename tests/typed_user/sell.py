"""What a shop writes, checked by strict types and run against the installed wheel."""

from __future__ import annotations

from typing import assert_type

import checkoutflow
from checkoutflow import CheckoutError, InvalidInput, Money, Next, UsageError


def price(text: str) -> Money | None:
    """Read a price that somebody typed."""
    try:
        return Money.parse(text, "DKK")
    except InvalidInput as error:
        assert_type(error.field, str | None)
        assert_type(error.next, Next)
        return None


def main() -> None:
    """Use the first names as their types say."""
    assert_type(checkoutflow.__version__, str)
    assert_type(Money(100, "DKK") + Money(50, "DKK"), Money)
    assert_type(Money(100, "DKK").format("da_DK"), str)
    assert_type(price("1.50"), Money | None)
    try:
        Money(100, "DKK") + Money(100, "SEK")
    except UsageError as error:
        kept: CheckoutError = error
        print(f"refused: {kept}")


if __name__ == "__main__":
    main()
