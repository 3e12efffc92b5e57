"""Texts of the shop's own that are kept for good: nothing personal belongs there.

An address to come back to stands in the journal, of which nothing can be erased, and an idempotency
key beside it. What can be told for sure is refused: card numbers and e-mail addresses, also behind
percent signs. A telephone number cannot be told from an order's, so it is for the shop to see that
none is there.
"""

from __future__ import annotations

import re
from typing import Final
from unicodedata import normalize

from checkoutflow.errors import InvalidInput
from checkoutflow.privacy.cards import REFUSAL, reference_holds_card_number

PERSONAL_DATA_NOT_ALLOWED: Final = "personal_data_not_allowed"

# Something before the sign and a name with a dot behind it; what is before need not be read.
_EMAIL: Final = re.compile(r"""(?<=[\w"'+~-])@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2}""")
_ENCODED: Final = re.compile("(?:%[0-9A-Fa-f]{2})+")
_DECODED: Final = 3  # times: what is in an address within an address is encoded twice


def refuse_personal(text: str, field: str, *, instead: str) -> None:
    """Refuse a card number or an e-mail address in a text that is kept for good.

    Args:
        text: What the shop gave.
        field: Its name, for the error.
        instead: What to use in its place, for the error.

    Raises:
        InvalidInput: If there is one. The message begins with ``card_number_not_allowed`` or
            `PERSONAL_DATA_NOT_ALLOWED`, and never repeats what was found.
    """
    for _ in range(1 + _DECODED):
        if reference_holds_card_number(text):
            raise InvalidInput(f"{REFUSAL} and use {instead}", field=field)
        if _EMAIL.search(normalize("NFKC", text)):
            raise InvalidInput(
                f"{PERSONAL_DATA_NOT_ALLOWED}: it holds an e-mail address, and is kept where"
                f" nothing can be erased; use {instead}",
                field=field,
            )
        decoded = _decoded(text)
        if decoded == text:
            return
        text = decoded


def _decoded(text: str) -> str:
    """As what an address means by it: without percent signs, and a blank for each plus."""
    return _ENCODED.sub(_said_by, text.replace("+", " "))


def _said_by(signs: re.Match[str]) -> str:
    return bytes.fromhex(signs[0].replace("%", "")).decode("utf-8", "replace")
