"""Denmark: the payment line of a FIK or giro form (``+71<...``).

Sources: rules DK-R-008 to DK-R-011 of Peppol BIS Billing 3 for types and lengths; payment lines of
published invoices, recomputed. Confidence: high for 71, medium for the check digit of the others.
An older manual lets 04 and 15 have 13 to 16 digits; Peppol has 16, and so has this.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field, ValidationInfo, field_validator

from checkoutflow.errors import InvalidInput
from checkoutflow.payment.references.scheme import (
    Market,
    Part,
    ReferenceScheme,
    base_digits,
    luhn_digit,
    without_blanks,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

CardType = Literal["71", "75", "73", "01", "04", "15"]

# Digits of the payment id by type of card, check digit included.
_ID_LENGTHS: Final[dict[str, int]] = {"71": 15, "75": 16, "73": 0, "01": 0, "04": 16, "15": 16}
_FIK_TYPES: Final = {"71", "73", "75"}  # paid to a creditor number; the others to a giro account
_CREDITOR_LENGTH: Final = 8

_LINE: Final = re.compile(r"\+(?P<type>[0-9]{2})<(?P<id>[0-9]*)\+(?P<creditor>[0-9]*)<")
_PEPPOL: Final = re.compile(r"(?P<type>[0-9]{2})#(?P<id>[0-9]*)")
_ID: Final = re.compile(r"(?P<id>[0-9]*)")


class Fik(ReferenceScheme):
    """A Danish payment id; it is printed as the payment line, with the creditor's number.

    `validate` takes a payment id, a whole payment line and the form in a Peppol invoice, and gives
    the payment id, which is what the shop stores.

    Attributes:
        card_type: ``71`` has 15 digits, ``75``, ``04`` and ``15`` have 16. ``73`` and ``01`` have
            no payment id: their only reference is the empty text, and no number has one.
        creditor: The number the bank gave the shop: 8 digits for ``71``, ``73`` and ``75``; a giro
            account of 7 or 8 digits for the others.

    >>> shop = Fik(creditor="81234567")
    >>> shop.format(shop.generate(20260000417))
    '+71<000202600004172+81234567<'
    """

    kind: Literal["fik"] = "fik"
    market: Market = "DK"
    card_type: CardType = "71"
    creditor: str = Field(pattern="^[0-9]{7,8}$")

    @field_validator("creditor")
    @classmethod
    def _is_of_the_length_of_its_type(cls, creditor: str, info: ValidationInfo) -> str:
        if info.data.get("card_type") in _FIK_TYPES and len(creditor) != _CREDITOR_LENGTH:
            raise ValueError(f"a creditor number has {_CREDITOR_LENGTH} digits; the bank gives it")
        return creditor

    def peppol(self, reference: str) -> str:
        """Write the payment id as a Peppol invoice carries it (``71#000202600004172``).

        Raises:
            InvalidReference: If it is not one of this scheme.
        """
        return f"{self.card_type}#{self.validate(reference)}"

    def _built(self, base: str, *, field: str) -> str:
        length = _ID_LENGTHS[self.card_type]
        if not length:
            if base:
                message = f"type {self.card_type} has no payment id; type 71 has"
                raise InvalidInput(message, field=field)
            return ""
        padded = base_digits(base, most=length - 1, field=field).zfill(length - 1)
        return padded + luhn_digit(padded)

    def _shaped(self, text: str) -> str:
        bare = without_blanks(text)
        found = _LINE.fullmatch(bare) or _PEPPOL.fullmatch(bare) or _ID.fullmatch(bare)
        if found is None:
            message = "write the payment id, the line +71<payment id+creditor< or 71#payment id"
            raise self._refusal("format", message)
        given = {"type": self.card_type, "creditor": self.creditor, **found.groupdict()}
        if given["type"] != self.card_type:
            known = given["type"] in _ID_LENGTHS
            message = f"the shop's type is {self.card_type}" if known else "there is no such type"
            raise self._refusal("card_type", message)
        payment_id, length = given["id"], _ID_LENGTHS[self.card_type]
        if payment_id and not length:
            raise self._refusal("payment_id", f"type {self.card_type} has no payment id")
        if given["creditor"] != self.creditor:
            raise self._refusal("creditor", "the line pays another creditor than this shop")
        return self._of_length(payment_id, length)

    def _parts(self, bare: str) -> Iterator[Part]:
        if bare:
            yield Part(f"+{self.card_type}", "type of form", f"a payment id of {len(bare)} digits")
            yield Part(bare[:-1], "the shop's number", "with zeros before it")
            yield Part(bare[-1], "check digit", "modulus 10", luhn_digit(bare[:-1]))
        else:
            yield Part(f"+{self.card_type}", "type of form", "without a payment id")
        account = "creditor number" if self.card_type in _FIK_TYPES else "giro account"
        yield Part(self.creditor, account)

    def _printed(self, bare: str) -> str:
        return f"+{self.card_type}<{bare}+{self.creditor}<"
